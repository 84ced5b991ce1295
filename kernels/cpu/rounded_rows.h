/* rounded_rows.h - few rows against a q4 matrix: the rows are rounded to 8 bits per block, and
 * products are of integers.
 *
 *     sum over blocks of  scale_w scale_x (sum of code_w code_x  -  8 sum of code_x)
 *
 * q4's own rounding is ten times coarser than that of 8 bits, and sums of integers are exact in any
 * order. Two blocks are summed at once (four with 16 lanes); their codes lie as the halves of 32
 * bytes of q4 do:
 *
 *     block 0: 0 .. 15   block 1: 0 .. 15   block 0: 16 .. 31   block 1: 16 .. 31
 *
 * With 8 and 16 lanes q8 is done so too, with rows rounded to 16 bits: what that adds is nothing
 * beside q8's own rounding.
 */
#ifndef LT_ROUNDED_ROWS_H
#define LT_ROUNDED_ROWS_H

#include "kernels/core/weight.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/float_rows.h"
#include "kernels/cpu/int8_rounding.h"

#if LT_INTRINSIC_LANES == 16
#define FOUR_BLOCKS 1
#else
#define FOUR_BLOCKS 0
#endif
#define ROUNDS_Q8 (LT_INTRINSIC_LANES >= 8)

enum {
    HALF_BLOCK = LT_BLOCK / 2,        /* and the bytes of a block of q4 */
    GROUP = FOUR_BLOCKS ? 4 : 2,      /* blocks that are summed at once */
    SCALES = FOUR_BLOCKS ? 16 : 8,    /* blocks whose scales are read at once */
    SCALE_TIMES = FOUR_BLOCKS ? 1 : 4 /* that a scale of x is stored */
};

/* Where the low halves of a block's codes lie; the high ones are GROUP halves behind them. */
LT_INLINE int64_t half_at(int64_t block)
{
    return block / GROUP * GROUP * LT_BLOCK + block % GROUP * HALF_BLOCK;
}

/* ---- rounding ---- */

/* Codes of a block to their two places; returns their sum. */
LT_INLINE int round_to_halves(int8_t *low, int8_t *high, const float *x, int8_unit unit)
{
    int sum = 0;
    round_to_int8(low, x, LT_F32, 0, HALF_BLOCK, unit);
    round_to_int8(high, x, LT_F32, HALF_BLOCK, HALF_BLOCK, unit);
    for (int i = 0; i < HALF_BLOCK; i++)
        sum += low[i] + high[i];
    return sum;
}

static void round_row(const lt_rounded_row *out, const float *x, int64_t depth)
{
    const int64_t blocks = depth / LT_BLOCK;
    for (int64_t b = 0; b < blocks; b++) {
        const int8_unit unit = int8_unit_of(x, LT_F32, b * LT_BLOCK, LT_BLOCK);
        int8_t *low = out->codes + half_at(b);
        const int sum = round_to_halves(low, low + GROUP * HALF_BLOCK, x + b * LT_BLOCK, unit);
        for (int i = 0; i < SCALE_TIMES; i++)
            out->scale[b * SCALE_TIMES + i] = unit.scale;
        out->offset[b] = 8 * unit.scale * (float)sum;
    }
    for (int64_t b = blocks; b % GROUP != 0; b++) { /* blocks that are not there */
        memset(out->codes + half_at(b), 0, HALF_BLOCK);
        memset(out->codes + half_at(b) + GROUP * HALF_BLOCK, 0, HALF_BLOCK);
    }
    for (int64_t b = blocks; b % SCALES != 0; b++) {
        memset(out->scale + b * SCALE_TIMES, 0, SCALE_TIMES * sizeof *out->scale);
        out->offset[b] = 0;
    }
}

/* ---- products ---- */

#if FOUR_BLOCKS

/* Of 64-bit words, those of `blocks` blocks; none or all of eight beyond. */
LT_INLINE __mmask8 words_of(int64_t blocks, const int words)
{
    const int64_t count = blocks * words;
    return (__mmask8)(count >= 8 ? 0xff : count > 0 ? (1 << count) - 1 : 0);
}

/* Lanes b .. b + 3, four times each. */
LT_INLINE vf spread(vf factor, int b)
{
    const __m512i lanes = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    return _mm512_permutexvar_ps(_mm512_add_epi32(lanes, _mm512_set1_epi32(b)), factor);
}

/* Sums over four blocks, four lanes for each. */
LT_INLINE __m512i dot_four_blocks(__m512i low, __m512i high, const int8_t *codes)
{
    const __m512i x_low = _mm512_loadu_si512(codes);
    const __m512i x_high = _mm512_loadu_si512(codes + GROUP * HALF_BLOCK);
#if defined(__AVX512VNNI__)
    return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), low, x_low), high,
                               x_high);
#else /* at most 4 * 15 * 127, far from the end of 16 bits */
    const __m512i words =
        _mm512_add_epi16(_mm512_maddubs_epi16(low, x_low), _mm512_maddubs_epi16(high, x_high));
    return _mm512_madd_epi16(words, _mm512_set1_epi16(1));
#endif
}

typedef struct {
    vf sum[LT_VECTOR_ROWS][2];
    vf offset[LT_VECTOR_ROWS][2];
} rounded_sums;

/* Adds blocks first .. first + some - 1: SCALES of them, or the last ones. */
LT_INLINE void add_rounded(rounded_sums *sums, const lt_rounded_row *x, const int rows,
                           const uint8_t *w, const uint16_t *scale, int64_t blocks,
                           const int streams, int64_t first, int64_t some)
{
    const __m512i nibble = _mm512_set1_epi8(15);
    LT_UNROLL
    for (int s = 0; s < streams; s++) {
        const vf scales = vf_load_some(scale + s * blocks + first, LT_F16, 0, some);
        const uint8_t *at = w + (s * blocks + first) * HALF_BLOCK;
        vf factor[LT_VECTOR_ROWS]; /* of a block each */
        LT_UNROLL
        for (int r = 0; r < rows; r++) {
            factor[r] = scales * vf_load(x[r].scale + first);
            sums->offset[r][s] = vf_fma(scales, vf_load(x[r].offset + first), sums->offset[r][s]);
        }
        LT_UNROLL
        for (int b = 0; b < SCALES; b += GROUP) {
            if (b >= some)
                break;
            const __m512i codes =
                _mm512_maskz_loadu_epi64(words_of(some - b, 2), at + b * HALF_BLOCK);
            const __m512i low = _mm512_and_si512(codes, nibble);
            const __m512i high = _mm512_and_si512(_mm512_srli_epi16(codes, 4), nibble);
            fetch_ahead(at + b * HALF_BLOCK, (blocks - first - b) * HALF_BLOCK,
                        (streams - 1) * blocks * HALF_BLOCK);
            LT_UNROLL
            for (int r = 0; r < rows; r++) {
                const __m512i dot = dot_four_blocks(low, high, x[r].codes + (first + b) * LT_BLOCK);
                sums->sum[r][s] =
                    vf_fma(_mm512_cvtepi32_ps(dot), spread(factor[r], b), sums->sum[r][s]);
            }
        }
    }
}

LT_INLINE void rounded_dots(float *y, int64_t y_stride, const lt_rounded_row *x, const int rows,
                            const uint8_t *w, const uint16_t *scale, int64_t blocks,
                            const int streams)
{
    rounded_sums sums;
    LT_UNROLL
    for (int r = 0; r < rows; r++) {
        LT_UNROLL
        for (int s = 0; s < streams; s++)
            sums.sum[r][s] = sums.offset[r][s] = vf_set(0);
    }
    int64_t first = 0;
    for (; first + SCALES <= blocks; first += SCALES)
        add_rounded(&sums, x, rows, w, scale, blocks, streams, first, SCALES);
    if (first < blocks)
        add_rounded(&sums, x, rows, w, scale, blocks, streams, first, blocks - first);
    for (int r = 0; r < rows; r++)
        for (int s = 0; s < streams; s++)
            y[r * y_stride + s] = vf_sum(sums.sum[r][s] - sums.offset[r][s]);
}

#elif LT_LANES >= 8

/* Two blocks of q4, or the last one alone. */
LT_INLINE __m256i load_two_blocks(const uint8_t *w, bool both)
{
    return both ? _mm256_loadu_si256((const __m256i *)(const void *)w)
                : _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)w));
}

LT_INLINE __m256 load_scales(const uint16_t *scale, int64_t some)
{
    uint16_t part[SCALES] = {0};
    if (some < SCALES) {
        memcpy(part, scale, (size_t)some * sizeof *part);
        scale = part;
    }
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)scale));
}

LT_INLINE float sum_of_eight(__m256 x)
{
    float lane[8];
    memcpy(lane, &x, sizeof lane);
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* Sums over two blocks, four lanes for each. */
LT_INLINE __m256 dot_two_blocks(__m256i low, __m256i high, const int8_t *codes)
{
    const __m256i x_low = _mm256_loadu_si256((const __m256i *)(const void *)codes);
    const __m256i x_high = _mm256_loadu_si256((const __m256i *)(const void *)(codes + LT_BLOCK));
    /* at most 4 * 15 * 127, far from the end of 16 bits */
    const __m256i words =
        _mm256_add_epi16(_mm256_maddubs_epi16(low, x_low), _mm256_maddubs_epi16(high, x_high));
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(words, _mm256_set1_epi16(1)));
}

LT_INLINE void rounded_dots(float *y, int64_t y_stride, const lt_rounded_row *x, const int rows,
                            const uint8_t *w, const uint16_t *scale, int64_t blocks,
                            const int streams)
{
    __m256 sum[LT_VECTOR_ROWS][2];
    __m256 offset[LT_VECTOR_ROWS][2];
    const __m256i nibble = _mm256_set1_epi8(15);
    LT_UNROLL
    for (int r = 0; r < rows; r++) {
        LT_UNROLL
        for (int s = 0; s < streams; s++)
            sum[r][s] = offset[r][s] = _mm256_setzero_ps();
    }
    for (int64_t first = 0; first < blocks; first += SCALES) {
        const int64_t some = blocks - first < SCALES ? blocks - first : SCALES;
        LT_UNROLL
        for (int s = 0; s < streams; s++) {
            const __m256 scales = load_scales(scale + s * blocks + first, some);
            const uint8_t *at = w + (s * blocks + first) * HALF_BLOCK;
            LT_UNROLL
            for (int r = 0; r < rows; r++)
                offset[r][s] =
                    _mm256_fmadd_ps(scales, _mm256_loadu_ps(x[r].offset + first), offset[r][s]);
            __m256i lanes = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
            for (int64_t b = 0; b < some; b += 2) {
                const __m256i pair = load_two_blocks(at + b * HALF_BLOCK, b + 1 < some);
                const __m256i low = _mm256_and_si256(pair, nibble);
                const __m256i high = _mm256_and_si256(_mm256_srli_epi16(pair, 4), nibble);
                const __m256 by = _mm256_permutevar8x32_ps(scales, lanes);
                lanes = _mm256_add_epi32(lanes, _mm256_set1_epi32(2));
                fetch_ahead(at + b * HALF_BLOCK, (blocks - first - b) * HALF_BLOCK,
                            (streams - 1) * blocks * HALF_BLOCK);
                LT_UNROLL
                for (int r = 0; r < rows; r++) {
                    const __m256 dot =
                        dot_two_blocks(low, high, x[r].codes + (first + b) * LT_BLOCK);
                    const __m256 factor =
                        _mm256_mul_ps(by, _mm256_loadu_ps(x[r].scale + (first + b) * SCALE_TIMES));
                    sum[r][s] = _mm256_fmadd_ps(dot, factor, sum[r][s]);
                }
            }
        }
    }
    for (int r = 0; r < rows; r++)
        for (int s = 0; s < streams; s++)
            y[r * y_stride + s] = sum_of_eight(sum[r][s]) - sum_of_eight(offset[r][s]);
}

#elif defined(LT_NEON)

/* Four sums over a block; with pairs in 16 bits at most 4 * 15 * 127. */
LT_INLINE vi dot_block(int8x16_t low, int8x16_t high, const int8_t *codes)
{
    const int8x16_t x_low = vld1q_s8(codes);
    const int8x16_t x_high = vld1q_s8(codes + GROUP * HALF_BLOCK);
#if defined(__ARM_FEATURE_DOTPROD)
    return vdotq_s32(vdotq_s32(vdupq_n_s32(0), low, x_low), high, x_high);
#else
    int16x8_t words = vmull_s8(vget_low_s8(low), vget_low_s8(x_low));
    words = vmlal_high_s8(words, low, x_low);
    words = vmlal_s8(words, vget_low_s8(high), vget_low_s8(x_high));
    return vpaddlq_s16(vmlal_high_s8(words, high, x_high));
#endif
}

LT_INLINE void rounded_dots(float *y, int64_t y_stride, const lt_rounded_row *x, const int rows,
                            const uint8_t *w, const uint16_t *scale, int64_t blocks,
                            const int streams)
{
    vf sum[LT_VECTOR_ROWS][2];
    vf offset[LT_VECTOR_ROWS][2];
    LT_UNROLL
    for (int r = 0; r < rows; r++) {
        LT_UNROLL
        for (int s = 0; s < streams; s++)
            sum[r][s] = offset[r][s] = vf_set(0);
    }
    FOR_VECTORS (first, some, blocks) {
        LT_UNROLL
        for (int s = 0; s < streams; s++) {
            const vf scales = vf_load_some(scale + s * blocks, LT_F16, first, some);
            LT_UNROLL
            for (int r = 0; r < rows; r++)
                offset[r][s] = vf_fma(scales, vf_load(x[r].offset + first), offset[r][s]);
            float factor[LT_LANES];
            vf_store(factor, scales);
            for (int64_t b = 0; b < some; b++) {
                const uint8_t *at = w + (s * blocks + first + b) * HALF_BLOCK;
                const uint8x16_t codes = vld1q_u8(at);
                const int8x16_t low = (int8x16_t)(codes & 15);
                const int8x16_t high = (int8x16_t)(codes >> 4);
                fetch_ahead(at, (blocks - first - b) * HALF_BLOCK,
                            (streams - 1) * blocks * HALF_BLOCK);
                LT_UNROLL
                for (int r = 0; r < rows; r++) {
                    const vi dot = dot_block(low, high, x[r].codes + half_at(first + b));
                    sum[r][s] = vfmaq_n_f32(sum[r][s], vcvtq_f32_s32(dot),
                                            factor[b] * x[r].scale[(first + b) * SCALE_TIMES]);
                }
            }
        }
    }
    for (int r = 0; r < rows; r++)
        for (int s = 0; s < streams; s++)
            y[r * y_stride + s] = vf_sum(sum[r][s] - offset[r][s]);
}

#else

LT_INLINE int dot_half(const uint8_t *w, const int shift, const int8_t *codes)
{
    int sum = 0;
    for (int i = 0; i < HALF_BLOCK; i++)
        sum += (w[i] >> shift & 15) * codes[i];
    return sum;
}

LT_INLINE void rounded_dots(float *y, int64_t y_stride, const lt_rounded_row *x, const int rows,
                            const uint8_t *w, const uint16_t *scale, int64_t blocks,
                            const int streams)
{
    for (int r = 0; r < rows; r++)
        for (int s = 0; s < streams; s++) {
            float sum = 0;
            for (int64_t b = 0; b < blocks; b++) {
                const uint8_t *at = w + (s * blocks + b) * HALF_BLOCK;
                const int8_t *codes = x[r].codes + half_at(b);
                const int dot =
                    dot_half(at, 0, codes) + dot_half(at, 4, codes + GROUP * HALF_BLOCK);
                sum += lt_f16_to_f32(scale[s * blocks + b]) *
                       ((float)dot * x[r].scale[b * SCALE_TIMES] - x[r].offset[b]);
            }
            y[r * y_stride + s] = sum;
        }
}

#endif

LT_INLINE void rounded_dots_all(float *y, int64_t y_stride, const lt_rounded_row *x, const int rows,
                                const uint8_t *w, const uint16_t *scale, int64_t blocks,
                                int64_t outputs)
{
    /* sums and offsets stay in their registers */
    const int streams = rows > 2 && !FOUR_BLOCKS ? 1 : 2;
    int64_t o = 0;
    for (; o + streams <= outputs; o += streams)
        rounded_dots(y + o, y_stride, x, rows, w + o * blocks * HALF_BLOCK, scale + o * blocks,
                     blocks, streams);
    for (; o < outputs; o++)
        rounded_dots(y + o, y_stride, x, rows, w + o * blocks * HALF_BLOCK, scale + o * blocks,
                     blocks, 1);
}

static void matrix_rounded(float *y, int64_t y_stride, const lt_rounded_row *x, int rows,
                           const void *w, const uint16_t *scale, int64_t depth, int64_t outputs)
{
    const int64_t blocks = depth / LT_BLOCK;
    LT_WITH_ROWS(rows, rounded_dots_all(y, y_stride, x, ROWS, w, scale, blocks, outputs));
}

/* ---- q8 ---- */

#if ROUNDS_Q8

/* Codes of a row's block are 16 bits wide: -32767 .. 32767. */
LT_INLINE float inverse_q8_unit(const float *x, float *scale)
{
    const float largest = largest_of(x, LT_F32, 0, LT_BLOCK);
    *scale = largest / 32767;
    return largest > 0x1p-100f ? 32767 / largest : 0;
}

#if FOUR_BLOCKS

enum { Q8_STREAMS = 4 }; /* with two, too few lines are on their way from memory */

/* Codes of 16 bits, a scale for each block. A group of blocks is four vectors that meet what
 * rounded_q8_dots makes of W:
 *
 *     inputs 0 2 .. 14 of each block    1 3 .. 15    16 18 .. 30    17 19 .. 31
 */
static void round_row_q8(const lt_rounded_row *out, const float *x, int64_t depth)
{
    const __m256i even_odd =
        _mm256_setr_epi16(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    const int64_t blocks = depth / LT_BLOCK;
    for (int64_t b = 0; b < blocks; b++) {
        const float inverse = inverse_q8_unit(x + b * LT_BLOCK, &out->scale[b]);
        int16_t *codes =
            (int16_t *)(void *)out->codes + b / GROUP * GROUP * LT_BLOCK + b % GROUP * 8;
        for (int half = 0; half < 2; half++) {
            const vf some = vf_load(x + b * LT_BLOCK + half * HALF_BLOCK) * inverse;
            const __m256i words =
                _mm256_permutexvar_epi16(even_odd, _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(some)));
            memcpy(codes + half * 64, &words, 16);
            memcpy(codes + half * 64 + 32, (const char *)&words + 16, 16);
        }
    }
    for (int64_t b = blocks; b % GROUP != 0; b++) /* blocks that are not there */
        for (int i = 0; i < 4; i++)
            memset(out->codes + (b / GROUP * GROUP * LT_BLOCK + b % GROUP * 8 + i * 32) * 2, 0, 16);
    for (int64_t b = blocks; b % SCALES != 0; b++)
        out->scale[b] = 0;
}

/* The even bytes of 16-bit words, and the odd ones, as such words. */
LT_INLINE __m512i even_bytes(__m512i words)
{
    return _mm512_srai_epi16(_mm512_slli_epi16(words, 8), 8);
}

LT_INLINE __m512i odd_bytes(__m512i words)
{
    return _mm512_srai_epi16(words, 8);
}

/* sum + the products of pairs of words: at most 8 * 128 * 32767 after four. */
LT_INLINE __m512i add_words(__m512i sum, __m512i w, const __m512i *codes)
{
#if defined(__AVX512VNNI__)
    return _mm512_dpwssd_epi32(sum, w, _mm512_loadu_si512(codes));
#else
    return _mm512_add_epi32(sum, _mm512_madd_epi16(w, _mm512_loadu_si512(codes)));
#endif
}

LT_INLINE void rounded_q8_dots(float *y, int64_t y_stride, const lt_rounded_row *x, const int rows,
                               const int8_t *w, const uint16_t *scale, int64_t blocks,
                               const int streams)
{
    vf sum[LT_VECTOR_ROWS][Q8_STREAMS];
    LT_UNROLL
    for (int r = 0; r < rows; r++) {
        LT_UNROLL
        for (int s = 0; s < streams; s++)
            sum[r][s] = vf_set(0);
    }
    for (int64_t first = 0; first < blocks; first += SCALES) {
        const int64_t some = blocks - first < SCALES ? blocks - first : SCALES;
        vf factor[LT_VECTOR_ROWS][Q8_STREAMS]; /* of a block each */
        LT_UNROLL
        for (int s = 0; s < streams; s++) {
            const vf scales = vf_load_some(scale + s * blocks + first, LT_F16, 0, some);
            LT_UNROLL
            for (int r = 0; r < rows; r++)
                factor[r][s] = scales * vf_load(x[r].scale + first);
        }
        for (int b = 0; b < some; b += GROUP) {
            LT_UNROLL
            for (int s = 0; s < streams; s++) {
                const int8_t *at = w + (s * blocks + first + b) * LT_BLOCK;
                /* two blocks */
                const __m512i front = _mm512_maskz_loadu_epi64(words_of(some - b, 4), at);
                const __m512i back =
                    _mm512_maskz_loadu_epi64(words_of(some - b - 2, 4), at + 2 * LT_BLOCK);
                /* 16 inputs of each block */
                const __m512i low = _mm512_shuffle_i64x2(front, back, 0x88);
                const __m512i high = _mm512_shuffle_i64x2(front, back, 0xdd);
                const int64_t left = (blocks - first - b) * LT_BLOCK;
                fetch_ahead(at, left, (streams - 1) * blocks * LT_BLOCK);
                fetch_ahead(at + 2 * LT_BLOCK, left - 2 * LT_BLOCK,
                            (streams - 1) * blocks * LT_BLOCK);
                LT_UNROLL
                for (int r = 0; r < rows; r++) {
                    const __m512i *codes =
                        (const __m512i *)(const void *)(x[r].codes + (first + b) * LT_BLOCK * 2);
                    __m512i dot = _mm512_setzero_si512();
                    dot = add_words(dot, even_bytes(low), codes);
                    dot = add_words(dot, odd_bytes(low), codes + 1);
                    dot = add_words(dot, even_bytes(high), codes + 2);
                    dot = add_words(dot, odd_bytes(high), codes + 3);
                    sum[r][s] = vf_fma(_mm512_cvtepi32_ps(dot), spread(factor[r][s], b), sum[r][s]);
                }
            }
        }
    }
    for (int r = 0; r < rows; r++)
        for (int s = 0; s < streams; s++)
            y[r * y_stride + s] = vf_sum(sum[r][s]);
}

LT_INLINE void rounded_q8_all(float *y, int64_t y_stride, const lt_rounded_row *x, const int rows,
                              const int8_t *w, const uint16_t *scale, int64_t blocks,
                              int64_t outputs)
{
    int64_t o = 0;
    for (; o + Q8_STREAMS <= outputs; o += Q8_STREAMS)
        rounded_q8_dots(y + o, y_stride, x, rows, w + o * blocks * LT_BLOCK, scale + o * blocks,
                        blocks, Q8_STREAMS);
    for (; o < outputs; o++)
        rounded_q8_dots(y + o, y_stride, x, rows, w + o * blocks * LT_BLOCK, scale + o * blocks,
                        blocks, 1);
}

#else

/* Codes of 16 bits, a scale for each block; of each block inputs 0 2 .. 30, then 1 3 .. 31. */
static void round_row_q8(const lt_rounded_row *out, const float *x, int64_t depth)
{
    const int64_t blocks = depth / LT_BLOCK;
    for (int64_t b = 0; b < blocks; b++) {
        const float inverse = inverse_q8_unit(x + b * LT_BLOCK, &out->scale[b]);
        int16_t *codes = (int16_t *)(void *)out->codes + b * LT_BLOCK;
        int32_t code[LT_BLOCK];
        for (int v = 0; v < LT_BLOCK; v += LT_LANES)
            _mm256_storeu_si256((__m256i *)(void *)(code + v),
                                _mm256_cvtps_epi32(vf_load(x + b * LT_BLOCK + v) * inverse));
        for (int i = 0; i < HALF_BLOCK; i++) {
            codes[i] = (int16_t)code[2 * i];
            codes[HALF_BLOCK + i] = (int16_t)code[2 * i + 1];
        }
    }
    for (int64_t b = blocks; b % SCALES != 0; b++)
        out->scale[b] = 0;
}

/* Eight sums of four products of a block each: at most 4 * 128 * 32767, whole numbers of f32. */
LT_INLINE __m256 dot_q8_block(__m256i even, __m256i odd, const int16_t *codes)
{
    const __m256i *x = (const __m256i *)(const void *)codes;
    const __m256i sums = _mm256_add_epi32(_mm256_madd_epi16(even, _mm256_loadu_si256(x)),
                                          _mm256_madd_epi16(odd, _mm256_loadu_si256(x + 1)));
    return _mm256_cvtepi32_ps(sums);
}

LT_INLINE void rounded_q8_dots(float *y, int64_t y_stride, const lt_rounded_row *x, const int rows,
                               const int8_t *w, const uint16_t *scale, int64_t blocks)
{
    __m256 sum[LT_VECTOR_ROWS];
    LT_UNROLL
    for (int r = 0; r < rows; r++)
        sum[r] = _mm256_setzero_ps();
    for (int64_t first = 0; first < blocks; first += SCALES) {
        const int64_t some = blocks - first < SCALES ? blocks - first : SCALES;
        const __m256 scales = load_scales(scale + first, some);
        float factor[LT_VECTOR_ROWS][SCALES]; /* of a block each */
        LT_UNROLL
        for (int r = 0; r < rows; r++)
            _mm256_storeu_ps(factor[r], _mm256_mul_ps(scales, _mm256_loadu_ps(x[r].scale + first)));
        for (int64_t b = 0; b < some; b++) {
            const int8_t *at = w + (first + b) * LT_BLOCK;
            const __m256i codes = _mm256_loadu_si256((const __m256i *)(const void *)at);
            const __m256i even = _mm256_srai_epi16(_mm256_slli_epi16(codes, 8), 8);
            const __m256i odd = _mm256_srai_epi16(codes, 8);
            __builtin_prefetch(at + 4096);
            LT_UNROLL
            for (int r = 0; r < rows; r++) {
                const __m256 dot = dot_q8_block(
                    even, odd, (const int16_t *)(const void *)x[r].codes + (first + b) * LT_BLOCK);
                sum[r] = _mm256_fmadd_ps(dot, _mm256_broadcast_ss(&factor[r][b]), sum[r]);
            }
        }
    }
    for (int r = 0; r < rows; r++)
        y[r * y_stride] = sum_of_eight(sum[r]);
}

/* One output after the other: a Zen 3 core takes so 15 GB/s from memory, of two outputs side by
 * side 13, of four 10 to 11. */
LT_INLINE void rounded_q8_all(float *y, int64_t y_stride, const lt_rounded_row *x, const int rows,
                              const int8_t *w, const uint16_t *scale, int64_t blocks,
                              int64_t outputs)
{
    for (int64_t o = 0; o < outputs; o++)
        rounded_q8_dots(y + o, y_stride, x, rows, w + o * blocks * LT_BLOCK, scale + o * blocks,
                        blocks);
}

#endif

static void matrix_rounded_q8(float *y, int64_t y_stride, const lt_rounded_row *x, int rows,
                              const void *w, const uint16_t *scale, int64_t depth, int64_t outputs)
{
    const int64_t blocks = depth / LT_BLOCK;
    LT_WITH_ROWS(rows, rounded_q8_all(y, y_stride, x, ROWS, w, scale, blocks, outputs));
}

#endif

#endif
