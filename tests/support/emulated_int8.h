/* emulated_int8.h - the instructions of AVX512-VNNI and AMX-int8, and what goes with them, in plain C, for processors without them.
 *
 * A kernel file is compiled with `-include` of this: with LT_PLAIN_LANES its other vectors are the compiler's, and what is
 * below is all that it calls by name. Tiles that were not configured, or were given back, end the test.
 */
#ifndef TEST_EMULATED_INT8_H
#define TEST_EMULATED_INT8_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LT_PLAIN_LANES

typedef int32_t __m512i __attribute__((vector_size(64)));
typedef float __m512 __attribute__((vector_size(64)));

static inline __attribute__((unused)) void emulated_need(int good)
{
    if (!good)
        abort();
}

/* Each lane of sum + four products of a byte without a sign and one with it; the sum wraps. */
static inline __attribute__((always_inline, unused)) __m512i _mm512_dpbusd_epi32(__m512i sum, __m512i x, __m512i w)
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
static inline __attribute__((always_inline, unused)) __m512i _mm512_dpwssd_epi32(__m512i sum, __m512i x, __m512i w)
{
    int16_t left[32];
    int16_t right[32];
    memcpy(left, &x, sizeof left);
    memcpy(right, &w, sizeof right);
    for (int i = 0; i < 32; i++)
        sum[i / 2] = (int32_t)((uint32_t)sum[i / 2] + (uint32_t)(left[i] * right[i]));
    return sum;
}

/* Each lane minus the integer below it, the one way of rounding that is asked for. */
static inline __attribute__((always_inline, unused)) __m512 _mm512_reduce_ps(__m512 x, int way)
{
    emulated_need(way == 9);
    for (int i = 0; i < 16; i++)
        x[i] = isinf(x[i]) ? 0 : x[i] - floorf(x[i]);
    return x;
}

/* Each lane of x 2^floor(y), y at most some hundreds. */
static inline __attribute__((always_inline, unused)) __m512 _mm512_scalef_ps(__m512 x, __m512 y)
{
    for (int i = 0; i < 16; i++)
        x[i] = y[i] != y[i] ? y[i] : y[i] < -1000 ? 0 : ldexpf(x[i], (int)floorf(y[i]));
    return x;
}

/* ---- tiles: eight registers of 16 rows of 64 bytes, as this thread configured them ---- */

enum { EMULATED_TILES = 8, EMULATED_ROWS = 16, EMULATED_BYTES = 64 };

static _Thread_local int8_t emulated_tile[EMULATED_TILES][EMULATED_ROWS][EMULATED_BYTES];
static _Thread_local int emulated_configured;

/* Palette 1; bytes 16 .. 47 are the bytes of each register's rows, 48 .. 63 their number. */
static inline __attribute__((unused)) void _tile_loadconfig(const void *shape)
{
    const uint8_t *byte = shape;
    emulated_need(byte[0] == 1 && byte[1] == 0);
    for (int i = 0; i < EMULATED_TILES; i++)
        emulated_need(byte[16 + 2 * i] == EMULATED_BYTES && byte[17 + 2 * i] == 0 && byte[48 + i] == EMULATED_ROWS);
    emulated_configured = 1;
}

static inline __attribute__((unused)) void _tile_release(void)
{
    emulated_configured = 0;
}

static inline __attribute__((unused)) void _tile_zero(int tile)
{
    emulated_need(emulated_configured);
    memset(emulated_tile[tile], 0, sizeof emulated_tile[tile]);
}

static inline __attribute__((unused)) void _tile_loadd(int tile, const void *from, size_t stride)
{
    emulated_need(emulated_configured);
    for (size_t r = 0; r < EMULATED_ROWS; r++)
        memcpy(emulated_tile[tile][r], (const char *)from + r * stride, EMULATED_BYTES);
}

static inline __attribute__((unused)) void _tile_stored(int tile, void *to, size_t stride)
{
    emulated_need(emulated_configured);
    for (size_t r = 0; r < EMULATED_ROWS; r++)
        memcpy((char *)to + r * stride, emulated_tile[tile][r], EMULATED_BYTES);
}

/* Row m, lane n: itself + the sum over quads q of x[m][4 q ..] . w[q][4 n ..]. */
static inline __attribute__((unused)) void _tile_dpbssd(int sums, int x, int w)
{
    emulated_need(emulated_configured);
    for (int m = 0; m < EMULATED_ROWS; m++)
        for (int n = 0; n < EMULATED_BYTES / 4; n++) {
            int32_t sum;
            memcpy(&sum, &emulated_tile[sums][m][4 * n], sizeof sum);
            for (int k = 0; k < EMULATED_BYTES; k++)
                sum += emulated_tile[x][m][k] * emulated_tile[w][k / 4][4 * n + k % 4];
            memcpy(&emulated_tile[sums][m][4 * n], &sum, sizeof sum);
        }
}

#endif
