/* vec.h - LT_LANES floats at a time, written once for every instruction set.
 *
 *     #define LT_LANES 8            (4 in generic_ and neon_, 8 in avx2_, 16 in avx512_ files)
 *     #include "kernels/cpu/vec.h"
 *
 * Arithmetic and comparisons are the compiler's vector operators; only what those lack is spelled
 * out below. The 4-lane form uses no intrinsics at all and builds for any processor, unless LT_NEON
 * is defined. Everything is static: each instruction-set file has its own.
 */
#ifndef LT_VEC_H
#define LT_VEC_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels/core/tensor.h"

/* Tests say LT_PLAIN_LANES to build any number of lanes for any processor. */
#ifdef LT_PLAIN_LANES
#define LT_INTRINSIC_LANES 4
#else
#define LT_INTRINSIC_LANES LT_LANES
#endif

#if LT_INTRINSIC_LANES > 4
#include <immintrin.h>
#elif defined(LT_NEON)
#include <arm_neon.h>
#endif

#define LT_INLINE static inline __attribute__((always_inline, unused))

/* Before a loop of constant length whose variables are registers. */
#if defined(__clang__)
#define LT_UNROLL _Pragma("clang loop unroll(full)")
#else
#define LT_UNROLL _Pragma("GCC unroll 32")
#endif

/* Behind such a loop, where GCC for NEON would else keep its variables in memory through all of it.
 */
#if defined(LT_NEON)
#define LT_UNROLL_TAIL LT_UNROLL
#else
#define LT_UNROLL_TAIL
#endif

/* Makes the compiler compute addresses from `variable` anew, instead of keeping many of them in
 * memory over a loop. */
#define LT_FORGET(variable) __asm__("" : "+r"(variable))

/* Keeps the computation of two vectors before what comes later: what many of them need at once
 * takes more registers than there are. */
#if defined(__x86_64__) && !defined(LT_PLAIN_LANES)
#define LT_IN_ORDER(pair) __asm__ volatile("" : "+v"((pair)[0]), "+v"((pair)[1]))
#else
#define LT_IN_ORDER(pair) (void)(pair)
#endif

/* `call`, in which ROWS is the number of rows as a constant: 1 to LT_VECTOR_ROWS, whose sums then
 * stay in registers. */
#define LT_WITH_ROWS(rows, call)                                                                   \
    do {                                                                                           \
        if ((rows) == 1) {                                                                         \
            enum { ROWS = 1 };                                                                     \
            call;                                                                                  \
        } else if ((rows) == 2) {                                                                  \
            enum { ROWS = 2 };                                                                     \
            call;                                                                                  \
        } else if ((rows) == 3) {                                                                  \
            enum { ROWS = 3 };                                                                     \
            call;                                                                                  \
        } else {                                                                                   \
            enum { ROWS = 4 };                                                                     \
            call;                                                                                  \
        }                                                                                          \
    } while (0)

/* Rows of a left matrix are reached in spans: row r from base[r / LT_ROW_SPAN], so that the bases
 * of 28 rows and 8 multiples of the stride all stay in general registers. */
enum { LT_ROW_SPAN = 9, LT_ROW_SPANS = 4 };

typedef float vf __attribute__((vector_size(4 * LT_LANES)));
typedef int32_t vi __attribute__((vector_size(4 * LT_LANES)));
typedef uint32_t vu __attribute__((vector_size(4 * LT_LANES)));
typedef uint16_t vh __attribute__((vector_size(2 * LT_LANES)));
typedef int8_t vb __attribute__((vector_size(LT_LANES)));

/* a * b + c; rounded once where the processor can. */
LT_INLINE vf vf_fma(vf a, vf b, vf c)
{
#if LT_INTRINSIC_LANES == 16
    return _mm512_fmadd_ps(a, b, c);
#elif LT_INTRINSIC_LANES == 8
    return _mm256_fmadd_ps(a, b, c);
#elif defined(LT_NEON)
    return vfmaq_f32(c, a, b);
#else
    return a * b + c;
#endif
}

LT_INLINE vf vf_set(float x)
{
    return x - (vf){0};
}

LT_INLINE vf vf_choose(vi mask, vf yes, vf no)
{
    return (vf)((mask & (vi)yes) | (~mask & (vi)no));
}

/* x where that is a NaN, of whatever bits; else y. */
LT_INLINE vf vf_nan_or(vf x, vf y)
{
#if LT_INTRINSIC_LANES == 16
    return _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), x);
#else
    return (vf)((vi)y | (x != x)); /* NOLINT(misc-redundant-expression): all bits set are a NaN */
#endif
}

LT_INLINE vf vf_max(vf a, vf b)
{
#if LT_INTRINSIC_LANES == 16
    return _mm512_max_ps(a, b);
#elif LT_INTRINSIC_LANES == 8
    return _mm256_max_ps(a, b);
#else
    return vf_choose(a > b, a, b);
#endif
}

LT_INLINE vf vf_min(vf a, vf b)
{
#if LT_INTRINSIC_LANES == 16
    return _mm512_min_ps(a, b);
#elif LT_INTRINSIC_LANES == 8
    return _mm256_min_ps(a, b);
#else
    return vf_choose(a < b, a, b);
#endif
}

LT_INLINE vf vf_abs(vf x)
{
    return (vf)((vi)x & 0x7fffffff);
}

LT_INLINE vf vf_load(const float *p)
{
    vf x;
    memcpy(&x, p, sizeof x);
    return x;
}

LT_INLINE void vf_store(float *p, vf x)
{
    memcpy(p, &x, sizeof x);
}

/* bf16 is the upper half of an f32. */
LT_INLINE vf vf_load_bf16(const uint16_t *p)
{
#if LT_INTRINSIC_LANES == 16
    return (vf)_mm512_slli_epi32(
        _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)), 16);
#elif LT_INTRINSIC_LANES == 8
    return (vf)_mm256_slli_epi32(
        _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)), 16);
#elif defined(LT_NEON)
    return (vf)vshll_n_u16(vld1_u16(p), 16);
#else
    vh half;
    memcpy(&half, p, sizeof half);
    return (vf)(__builtin_convertvector(half, vu) << 16);
#endif
}

/* Rounds to nearest even; NaN stays NaN, made quiet. */
LT_INLINE void vf_store_bf16(uint16_t *p, vf x)
{
#if LT_INTRINSIC_LANES == 16 && defined(__AVX512BF16__) /* what is below 2^-126 becomes 0 */
    const __m256bh half = _mm512_cvtneps_pbh(x);
    memcpy(p, &half, sizeof half);
#else
    const vu bits = (vu)x;
    const vu rounded = bits + 0x7fff + ((bits >> 16) & 1);
    const vi is_nan = x != x; /* NOLINT(misc-redundant-expression): of NaN alone */
    const vu chosen = ((vu)is_nan & (bits | 0x400000)) | (~(vu)is_nan & rounded);
    const vh half = __builtin_convertvector(chosen >> 16, vh);
    memcpy(p, &half, sizeof half);
#endif
}

#if defined(LT_NEON)
/* Four bytes, and four that are nothing. */
LT_INLINE int8x8_t load_four(const void *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return vreinterpret_s8_s32(vdup_n_s32(four));
}
#endif

LT_INLINE vf vf_load_i8(const int8_t *p)
{
#if LT_INTRINSIC_LANES == 16
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
#elif LT_INTRINSIC_LANES == 8
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
#elif defined(LT_NEON)
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(load_four(p)))));
#else
    vb bytes;
    memcpy(&bytes, p, sizeof bytes);
    return __builtin_convertvector(__builtin_convertvector(bytes, vi), vf);
#endif
}

/* LT_LANES bytes, 0 to 255. */
LT_INLINE vi vi_load_u8(const uint8_t *p)
{
#if LT_INTRINSIC_LANES == 16
    return (vi)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
#elif LT_INTRINSIC_LANES == 8
    return (vi)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
#elif defined(LT_NEON)
    return (vi)vmovl_u16(vget_low_u16(vmovl_u8((uint8x8_t)load_four(p))));
#else
    vb bytes;
    memcpy(&bytes, p, sizeof bytes);
    return __builtin_convertvector(bytes, vi) & 255;
#endif
}

LT_INLINE vf vf_load_f16(const uint16_t *p)
{
#if LT_INTRINSIC_LANES == 16
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
#elif LT_INTRINSIC_LANES == 8
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
#elif defined(LT_NEON)
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
#else
    vf x = {0};
    for (int i = 0; i < LT_LANES; i++)
        x[i] = lt_f16_to_f32(p[i]);
    return x;
#endif
}

/* LT_LANES elements from index i of memory of `type` (f32, bf16, f16 or i8); `type` is a constant
 * where speed matters. */
LT_INLINE vf vf_load_any(const void *p, lt_dtype type, int64_t i)
{
    switch (type) {
    case LT_BF16:
        return vf_load_bf16((const uint16_t *)p + i);
    case LT_F16:
        return vf_load_f16((const uint16_t *)p + i);
    case LT_I8:
        return vf_load_i8((const int8_t *)p + i);
    default:
        return vf_load((const float *)p + i);
    }
}

/* f32 or bf16. */
LT_INLINE void vf_store_any(void *p, lt_dtype type, int64_t i, vf x)
{
    if (type == LT_BF16)
        vf_store_bf16((uint16_t *)p + i, x);
    else
        vf_store((float *)p + i, x);
}

LT_INLINE int64_t vf_element_bytes(lt_dtype type)
{
    return type == LT_F32 ? 4 : type == LT_I8 ? 1 : 2;
}

/* The last `count` < LT_LANES elements of a row: the others read as zero and are not written. */
LT_INLINE vf vf_load_tail(const void *p, lt_dtype type, int64_t i, int64_t count)
{
    const size_t size = (size_t)vf_element_bytes(type);
    char block[4 * LT_LANES] = {0};
    memcpy(block, (const char *)p + (size_t)i * size, (size_t)count * size);
    return vf_load_any(block, type, 0);
}

LT_INLINE void vf_store_tail(void *p, lt_dtype type, int64_t i, int64_t count, vf x)
{
    const size_t size = (size_t)vf_element_bytes(type);
    char block[4 * LT_LANES];
    vf_store_any(block, type, 0, x);
    memcpy((char *)p + (size_t)i * size, block, (size_t)count * size);
}

/* Whole vectors over 0 .. count-1, then once what is left: `some` elements count of those at i.
 * NOLINTBEGIN(bugprone-macro-parentheses): it declares both names */
#define FOR_VECTORS(i, some, count)                                                                \
    for (int64_t i = 0, some; some = (count)-i < LT_LANES ? (count)-i : LT_LANES, some > 0;        \
         i += LT_LANES)
/* NOLINTEND(bugprone-macro-parentheses) */

LT_INLINE vf vf_load_some(const void *p, lt_dtype type, int64_t i, int64_t some)
{
    return some == LT_LANES ? vf_load_any(p, type, i) : vf_load_tail(p, type, i, some);
}

LT_INLINE void vf_store_some(void *p, lt_dtype type, int64_t i, int64_t some, vf x)
{
    if (some == LT_LANES)
        vf_store_any(p, type, i, x);
    else
        vf_store_tail(p, type, i, some, x);
}

/* row[r] lane c <-> row[c] lane r. */
LT_INLINE void vf_transpose(vf row[LT_LANES])
{
#if LT_INTRINSIC_LANES == 16
    vf t[16];
    for (int i = 0; i < 16; i += 2) { /* pairs of lanes, */
        t[i] = _mm512_unpacklo_ps(row[i], row[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(row[i], row[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) { /* blocks of four, */
        row[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        row[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
        row[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        row[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) { /* then the 4 x 4 blocks themselves */
        const vf a = _mm512_shuffle_f32x4(row[i], row[i + 4], 0x88);
        const vf b = _mm512_shuffle_f32x4(row[i], row[i + 4], 0xdd);
        const vf c = _mm512_shuffle_f32x4(row[i + 8], row[i + 12], 0x88);
        const vf d = _mm512_shuffle_f32x4(row[i + 8], row[i + 12], 0xdd);
        t[i] = _mm512_shuffle_f32x4(a, c, 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
        t[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
        t[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
    memcpy(row, t, sizeof t);
#elif LT_INTRINSIC_LANES == 8
    vf t[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        row[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        row[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        row[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        row[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm256_permute2f128_ps(row[i], row[i + 4], 0x20);
        t[i + 4] = _mm256_permute2f128_ps(row[i], row[i + 4], 0x31);
    }
    memcpy(row, t, sizeof t);
#elif defined(LT_NEON)
    const float64x2_t even01 = vreinterpretq_f64_f32(vtrn1q_f32(row[0], row[1]));
    const float64x2_t odd01 = vreinterpretq_f64_f32(vtrn2q_f32(row[0], row[1]));
    const float64x2_t even23 = vreinterpretq_f64_f32(vtrn1q_f32(row[2], row[3]));
    const float64x2_t odd23 = vreinterpretq_f64_f32(vtrn2q_f32(row[2], row[3]));
    row[0] = vreinterpretq_f32_f64(vzip1q_f64(even01, even23));
    row[1] = vreinterpretq_f32_f64(vzip1q_f64(odd01, odd23));
    row[2] = vreinterpretq_f32_f64(vzip2q_f64(even01, even23));
    row[3] = vreinterpretq_f32_f64(vzip2q_f64(odd01, odd23));
#else
    for (int r = 0; r < LT_LANES; r++)
        for (int c = 0; c < r; c++) {
            const float kept = row[r][c];
            row[r][c] = row[c][r];
            row[c][r] = kept;
        }
#endif
}

typedef float vf4 __attribute__((vector_size(16)));
typedef int32_t vi4 __attribute__((vector_size(16)));
enum { QUARTETS = LT_LANES / 4 };

/* Sum and maximum over the lanes, always in the same order: halves are folded onto each other. */
LT_INLINE float vf_sum(vf x)
{
    vf4 part[QUARTETS];
    memcpy(part, &x, sizeof x);
    LT_UNROLL
    for (int half = QUARTETS / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            part[i] += part[i + half];
    return (part[0][0] + part[0][2]) + (part[0][1] + part[0][3]);
}

LT_INLINE vf4 larger_of_four(vf4 a, vf4 b)
{
#if LT_INTRINSIC_LANES > 4
    return _mm_max_ps(a, b);
#else
    const vi4 larger = a > b;
    return (vf4)((larger & (vi4)a) | (~larger & (vi4)b));
#endif
}

LT_INLINE float vf_highest(vf x)
{
    vf4 part[QUARTETS];
    memcpy(part, &x, sizeof x);
    LT_UNROLL
    for (int half = QUARTETS / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            part[i] = larger_of_four(part[i], part[i + half]);
    const float even = part[0][0] > part[0][2] ? part[0][0] : part[0][2];
    const float odd = part[0][1] > part[0][3] ? part[0][1] : part[0][3];
    return even > odd ? even : odd;
}

#endif
