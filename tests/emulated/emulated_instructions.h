/* emulated_instructions.h - the instructions of AVX512-VNNI, AVX512-BF16 and AMX, and what goes
 * with them, in plain C, for processors without them.
 *
 * A kernel file is compiled with `-include` of this: with LT_PLAIN_LANES its other vectors are the
 * compiler's, and what is below is all that it calls by name.
 *
 * What an instruction computes is as in the pseudocode of Intel's manual (Software Developer's
 * Manual, volume 2), bit by bit, but for NaNs: which of several comes out, and its sign, is not
 * said here. What would be a fault there ends the test: tiles that are used without a shape, a
 * product with the same register twice, a shape that palette 1 does not have. So do two things that
 * a processor would bear and ours do not want: tiles that are not all of 16 rows of 64 bytes, and a
 * shape that is set over one that was never given back. Not here: masks, other ways of rounding
 * than the one asked for (MXCSR is taken to hold its default), and time.
 */
#ifndef TEST_EMULATED_INSTRUCTIONS_H
#define TEST_EMULATED_INSTRUCTIONS_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LT_PLAIN_LANES

#define EMULATED_INLINE static inline __attribute__((always_inline, unused))
#define EMULATED        static inline __attribute__((unused))
/* Without sanitizers, whose checks of these loops would take most of a test's time; so is what is
 * inlined there, which would leave marks for its variables otherwise. */
#define EMULATED_UNCHECKED __attribute__((no_sanitize("address", "undefined")))

typedef int32_t __m512i __attribute__((vector_size(64)));
typedef float __m512 __attribute__((vector_size(64)));
typedef uint16_t __m512bh __attribute__((vector_size(64)));

EMULATED void emulated_need(int good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "emulated_instructions: expected %s\n", what);
    abort();
}

/* ---- bf16 ---- */

/* Zero, of its sign, for a number below those that are normal. */
EMULATED_UNCHECKED EMULATED_INLINE float emulated_normal(float x)
{
    return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x;
}

EMULATED_UNCHECKED EMULATED_INLINE float emulated_bf16(uint16_t x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return emulated_normal(value);
}

/* To the nearest f32, even of two; zero, of its sign, for what then lies below those that are
 * normal. Exact for a sum of two f32, or of one and a product of two bf16, although it was rounded
 * to double before: where 53 bits do not hold such a sum, one term is too small to move the other
 * across the middle between two f32. */
EMULATED_UNCHECKED EMULATED_INLINE float emulated_rounded(double x)
{
    return fabs(x) < 0x1p-126 - 0x1p-151 ? copysignf(0, (float)x) : (float)x;
}

/* ---- vectors ---- */

/* Each lane of sum + four products of a byte without a sign and one with it; the sum wraps. */
EMULATED_INLINE __m512i _mm512_dpbusd_epi32(__m512i sum, __m512i x, __m512i w)
{
    uint8_t left[64];
    int8_t right[64];
    memcpy(left, &x, sizeof left);
    memcpy(right, &w, sizeof right);
    for (int i = 0; i < 64; i++)
        sum[i / 4] = (int32_t)((uint32_t)sum[i / 4] + (uint32_t)(left[i] * right[i]));
    return sum;
}

/* Each lane of sum + two products of 16 bits; the sum wraps. */
EMULATED_INLINE __m512i _mm512_dpwssd_epi32(__m512i sum, __m512i x, __m512i w)
{
    int16_t left[32];
    int16_t right[32];
    memcpy(left, &x, sizeof left);
    memcpy(right, &w, sizeof right);
    for (int i = 0; i < 32; i++)
        sum[i / 2] = (int32_t)((uint32_t)sum[i / 2] + (uint32_t)(left[i] * right[i]));
    return sum;
}

EMULATED_INLINE __m512i _mm512_loadu_si512(const void *from)
{
    __m512i x;
    memcpy(&x, from, sizeof x);
    return x;
}

EMULATED_INLINE __m512i _mm512_set1_epi32(int32_t x)
{
    return x - (__m512i){0};
}

/* Each lane of sum + the product of the second of two bf16, then + that of the first: multiply-adds
 * that are fused and rounded to the nearest even; denormals are taken, and left, as zeros. In 32
 * million sums of random bits the same as an Emerald Rapids. */
EMULATED_UNCHECKED EMULATED __m512 _mm512_dpbf16_ps(__m512 sum, __m512bh x, __m512bh w)
{
    for (int i = 0; i < 16; i++) {
        const double first = (double)emulated_bf16(x[2 * i]) * (double)emulated_bf16(w[2 * i]);
        const double second =
            (double)emulated_bf16(x[2 * i + 1]) * (double)emulated_bf16(w[2 * i + 1]);
        sum[i] = emulated_rounded(
            first + (double)emulated_rounded(second + (double)emulated_normal(sum[i])));
    }
    return sum;
}

/* Each lane minus the integer below it, the one way of rounding that is asked for. */
EMULATED_INLINE __m512 _mm512_reduce_ps(__m512 x, int way)
{
    emulated_need(way == 9, "VREDUCEPS to round down to an integer");
    for (int i = 0; i < 16; i++)
        x[i] = isinf(x[i]) ? 0 : x[i] - floorf(x[i]);
    return x;
}

/* Each lane of x 2^floor(y), y at most some hundreds. */
EMULATED_INLINE __m512 _mm512_scalef_ps(__m512 x, __m512 y)
{
    for (int i = 0; i < 16; i++)
        x[i] = y[i] != y[i] ? y[i] : y[i] < -1000 ? 0 : ldexpf(x[i], (int)floorf(y[i]));
    return x;
}

/* ---- tiles: eight registers of 16 rows of 64 bytes, as this thread configured them ---- */

enum {
    EMULATED_TILES = 8,
    EMULATED_ROWS = 16,
    EMULATED_BYTES = 64,
    EMULATED_HALVES = 32,
    EMULATED_WORDS = 16
};

typedef union {
    int8_t byte[EMULATED_ROWS][EMULATED_BYTES];
    uint16_t half[EMULATED_ROWS][EMULATED_HALVES];
    uint32_t word[EMULATED_ROWS][EMULATED_WORDS];
    float number[EMULATED_ROWS][EMULATED_WORDS];
} emulated_tile;

static _Thread_local emulated_tile emulated_tiles[EMULATED_TILES];
static _Thread_local int emulated_configured;

/* A register that may be used now. */
EMULATED emulated_tile *emulated_at(int tile)
{
    emulated_need(emulated_configured, "tiles that have a shape");
    emulated_need(tile >= 0 && tile < EMULATED_TILES, "one of eight tiles");
    return &emulated_tiles[tile];
}

EMULATED void emulated_need_three(int sums, int x, int w)
{
    emulated_need(sums != x && sums != w && x != w, "a product of three tiles");
}

/* Palette 1; bytes 16 .. 31 are the bytes of each register's rows, 48 .. 55 their number, the
 * others zero. All registers are zero then. */
EMULATED void _tile_loadconfig(const void *shape)
{
    uint8_t wanted[64] = {1};
    for (int i = 0; i < EMULATED_TILES; i++) {
        wanted[16 + 2 * i] = EMULATED_BYTES;
        wanted[48 + i] = EMULATED_ROWS;
    }
    emulated_need(memcmp(shape, wanted, sizeof wanted) == 0,
                  "eight tiles of 16 rows of 64 bytes in palette 1");
    emulated_need(!emulated_configured, "tiles that were given back");
    emulated_configured = 1;
    memset(emulated_tiles, 0, sizeof emulated_tiles);
}

EMULATED void _tile_release(void)
{
    emulated_configured = 0;
}

EMULATED void _tile_zero(int tile)
{
    memset(emulated_at(tile), 0, sizeof(emulated_tile));
}

EMULATED void _tile_loadd(int tile, const void *from, size_t stride)
{
    emulated_tile *to = emulated_at(tile);
    for (size_t r = 0; r < EMULATED_ROWS; r++)
        memcpy(to->byte[r], (const char *)from + r * stride, EMULATED_BYTES);
}

EMULATED void _tile_stored(int tile, void *to, size_t stride)
{
    const emulated_tile *from = emulated_at(tile);
    for (size_t r = 0; r < EMULATED_ROWS; r++)
        memcpy((char *)to + r * stride, from->byte[r], EMULATED_BYTES);
}

/* Row m, lane n: itself + the sum over quads q of x[m][4 q ..] . w[q][4 n ..]; it wraps. */
EMULATED_UNCHECKED EMULATED void _tile_dpbssd(int sums, int x, int w)
{
    emulated_need_three(sums, x, w);
    emulated_tile *sum = emulated_at(sums);
    const emulated_tile *left = emulated_at(x);
    const emulated_tile *right = emulated_at(w);
    for (int m = 0; m < EMULATED_ROWS; m++)
        for (int n = 0; n < EMULATED_WORDS; n++)
            for (int k = 0; k < EMULATED_BYTES; k++)
                sum->word[m][n] += (uint32_t)(left->byte[m][k] * right->byte[k / 4][4 * n + k % 4]);
}

/* Row m, lane n: itself + (e + o), where e and o are the sums over pairs p, from the first on, of
 * x[m][p][0] w[p][n][0] and of x[m][p][1] w[p][n][1]. Every multiply-add is fused and every
 * addition rounded, to the nearest even; denormals are taken, and left, as zeros. */
EMULATED_UNCHECKED EMULATED void _tile_dpbf16ps(int sums, int x, int w)
{
    emulated_need_three(sums, x, w);
    emulated_tile *sum = emulated_at(sums);
    const emulated_tile *left = emulated_at(x);
    const emulated_tile *right = emulated_at(w);
    double factor[EMULATED_ROWS][EMULATED_HALVES];
    for (int p = 0; p < EMULATED_ROWS; p++)
        for (int i = 0; i < EMULATED_HALVES; i++)
            factor[p][i] = (double)emulated_bf16(right->half[p][i]);
    for (int m = 0; m < EMULATED_ROWS; m++) {
        float even[EMULATED_WORDS] = {0};
        float odd[EMULATED_WORDS] = {0};
        for (int p = 0; p < EMULATED_ROWS; p++) {
            const double x_even = (double)emulated_bf16(left->half[m][2 * p]);
            const double x_odd = (double)emulated_bf16(left->half[m][2 * p + 1]);
            for (int n = 0; n < EMULATED_WORDS; n++) {
                even[n] = emulated_rounded(x_even * factor[p][2 * n] + (double)even[n]);
                odd[n] = emulated_rounded(x_odd * factor[p][2 * n + 1] + (double)odd[n]);
            }
        }
        for (int n = 0; n < EMULATED_WORDS; n++) {
            const float both = emulated_rounded((double)even[n] + (double)odd[n]);
            sum->number[m][n] =
                emulated_rounded((double)emulated_normal(sum->number[m][n]) + (double)both);
        }
    }
}

#endif
