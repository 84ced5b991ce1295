/* row_kernels.h - norms, rotary, activations and sums, one row (or a run of pixels) at a time.
 *
 * Each is written once as `..._of`, forced inline with the element type as a constant, and entered
 * once per type.
 */
#ifndef LT_ROW_KERNELS_H
#define LT_ROW_KERNELS_H

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/vec_math.h"

/* ---- norms ---- */

LT_INLINE float row_sum(const void *x, lt_dtype type, int64_t d)
{
    vf sum = vf_set(0);
    FOR_VECTORS (i, some, d)
        sum += vf_load_some(x, type, i, some);
    return vf_sum(sum);
}

/* Sum of (x - centre)^2. */
LT_INLINE float row_squares(const void *x, lt_dtype type, int64_t d, float centre)
{
    vf sum = vf_set(0);
    FOR_VECTORS (i, some, d) {
        vf away = vf_load_some(x, type, i, some) - centre;
        if (some < LT_LANES)
            for (int64_t lane = some; lane < LT_LANES; lane++)
                away[lane] = 0;
        sum = vf_fma(away, away, sum);
    }
    return vf_sum(sum);
}

LT_INLINE void layer_norm_of(void *out, const void *x, lt_dtype type, int64_t d, const float *w,
                             const float *bias, float eps, const float *scale, const float *shift)
{
    const float mean = row_sum(x, type, d) / (float)d;
    const float steep = 1.0f / sqrtf(row_squares(x, type, d, mean) / (float)d + eps);
    FOR_VECTORS (i, some, d) {
        vf y = (vf_load_some(x, type, i, some) - mean) * steep;
        if (w != NULL)
            y *= vf_load_some(w, LT_F32, i, some);
        if (bias != NULL)
            y += vf_load_some(bias, LT_F32, i, some);
        if (scale != NULL)
            y *= 1.0f + vf_load_some(scale, LT_F32, i, some);
        if (shift != NULL)
            y += vf_load_some(shift, LT_F32, i, some);
        vf_store_some(out, type, i, some, y);
    }
}

static void layer_norm(void *out, const void *x, lt_dtype type, int64_t d, const float *w,
                       const float *bias, float eps, const float *scale, const float *shift)
{
    if (type == LT_BF16)
        layer_norm_of(out, x, LT_BF16, d, w, bias, eps, scale, shift);
    else
        layer_norm_of(out, x, LT_F32, d, w, bias, eps, scale, shift);
}

LT_INLINE void rms_norm_of(void *out, const void *x, lt_dtype type, int64_t d, const float *w,
                           float eps)
{
    const float steep = 1.0f / sqrtf(row_squares(x, type, d, 0) / (float)d + eps);
    FOR_VECTORS (i, some, d)
        vf_store_some(out, type, i, some,
                      vf_load_some(x, type, i, some) * steep * vf_load_some(w, LT_F32, i, some));
}

static void rms_norm(void *out, const void *x, lt_dtype type, int64_t d, const float *w, float eps)
{
    if (type == LT_BF16)
        rms_norm_of(out, x, LT_BF16, d, w, eps);
    else
        rms_norm_of(out, x, LT_F32, d, w, eps);
}

/* ---- rotary: (even, odd) -> (even cos - odd sin, odd cos + even sin) ---- */

LT_INLINE vf swap_pairs(vf x)
{
#if LT_LANES == 16
    return _mm512_permute_ps(x, 0xb1);
#elif LT_LANES == 8
    return _mm256_permute_ps(x, 0xb1);
#else
    return (vf){x[1], x[0], x[3], x[2]};
#endif
}

/* LT_LANES / 2 values, each twice. */
LT_INLINE vf load_twice(const float *p)
{
#if LT_LANES == 16
    const __m512i lanes = _mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
    return _mm512_permutexvar_ps(lanes, _mm512_castps256_ps512(_mm256_loadu_ps(p)));
#elif LT_LANES == 8
    const __m256i lanes = _mm256_set_epi32(3, 3, 2, 2, 1, 1, 0, 0);
    return _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), lanes);
#else
    return (vf){p[0], p[0], p[1], p[1]};
#endif
}

LT_INLINE void rope_of(void *out, const void *x, lt_dtype type, int64_t d, const float *cosine,
                       const float *sine)
{
    vf sign = {0};
    for (int lane = 0; lane < LT_LANES; lane++)
        sign[lane] = lane % 2 == 0 ? -1.0f : 1.0f;
    int64_t i = 0;
    for (; i + LT_LANES <= d; i += LT_LANES) {
        const vf pair = vf_load_any(x, type, i);
        vf_store_any(out, type, i,
                     pair * load_twice(cosine + i / 2) +
                         swap_pairs(pair) * (load_twice(sine + i / 2) * sign));
    }
    if (i < d) {
        float c[LT_LANES / 2] = {0};
        float s[LT_LANES / 2] = {0};
        memcpy(c, cosine + i / 2, (size_t)(d - i) / 2 * sizeof *c);
        memcpy(s, sine + i / 2, (size_t)(d - i) / 2 * sizeof *s);
        const vf pair = vf_load_tail(x, type, i, d - i);
        vf_store_tail(out, type, i, d - i,
                      pair * load_twice(c) + swap_pairs(pair) * (load_twice(s) * sign));
    }
}

static void rope(void *out, const void *x, lt_dtype type, int64_t d, const float *cosine,
                 const float *sine)
{
    if (type == LT_BF16)
        rope_of(out, x, LT_BF16, d, cosine, sine);
    else
        rope_of(out, x, LT_F32, d, cosine, sine);
}

/* ---- element by element ---- */

LT_INLINE void activate_of(void *out, const void *x, lt_dtype type, int64_t count, lt_act act)
{
    FOR_VECTORS (i, some, count)
        vf_store_some(out, type, i, some, vf_activate(vf_load_some(x, type, i, some), act));
}

static void activate(void *out, const void *x, lt_dtype type, int64_t count, lt_act act)
{
    if (type == LT_BF16)
        activate_of(out, x, LT_BF16, count, act);
    else
        activate_of(out, x, LT_F32, count, act);
}

LT_INLINE void gated_act_of(void *out, const void *g, const void *u, lt_dtype type, int64_t count,
                            lt_act act)
{
    FOR_VECTORS (i, some, count)
        vf_store_some(out, type, i, some,
                      vf_activate(vf_load_some(g, type, i, some), act) *
                          vf_load_some(u, type, i, some));
}

static void gated_act(void *out, const void *g, const void *u, lt_dtype type, int64_t count,
                      lt_act act)
{
    if (type == LT_BF16)
        gated_act_of(out, g, u, LT_BF16, count, act);
    else
        gated_act_of(out, g, u, LT_F32, count, act);
}

LT_INLINE void gated_add_of(void *out, const void *x, const float *gate, const void *y,
                            lt_dtype type, int64_t count)
{
    FOR_VECTORS (i, some, count)
        vf_store_some(out, type, i, some,
                      vf_load_some(x, type, i, some) +
                          vf_load_some(gate, LT_F32, i, some) * vf_load_some(y, type, i, some));
}

static void gated_add(void *out, const void *x, const float *gate, const void *y, lt_dtype type,
                      int64_t count)
{
    if (type == LT_BF16)
        gated_add_of(out, x, gate, y, LT_BF16, count);
    else
        gated_add_of(out, x, gate, y, LT_F32, count);
}

LT_INLINE void axpby_of(void *out, lt_dtype out_type, float alpha, const void *x, lt_dtype x_type,
                        float beta, const void *y, lt_dtype y_type, int64_t count)
{
    FOR_VECTORS (i, some, count) {
        vf sum = alpha * vf_load_some(x, x_type, i, some);
        if (y != NULL)
            sum += beta * vf_load_some(y, y_type, i, some);
        vf_store_some(out, out_type, i, some, sum);
    }
}

static void axpby(void *out, lt_dtype out_type, float alpha, const void *x, lt_dtype x_type,
                  float beta, const void *y, lt_dtype y_type, int64_t count)
{
    if (out_type == LT_F32 && x_type == LT_F32 && y_type == LT_F32)
        axpby_of(out, LT_F32, alpha, x, LT_F32, beta, y, LT_F32, count);
    else if (out_type == LT_BF16 && x_type == LT_BF16 && y_type == LT_BF16)
        axpby_of(out, LT_BF16, alpha, x, LT_BF16, beta, y, LT_BF16, count);
    else
        axpby_of(out, out_type, alpha, x, x_type, beta, y, y_type, count);
}

/* ---- group norm ---- */

/* f32 sums of so few terms, then double: close to a sum in double at a fraction of its cost. */
enum { PIXEL_RUN = 32 };

LT_INLINE void channel_sums_of(double *sums, double *squares, const void *x, lt_dtype type,
                               int64_t pixels, int64_t channels, const float *centre)
{
    for (int64_t begin = 0; begin < pixels; begin += PIXEL_RUN) {
        const int64_t end = begin + PIXEL_RUN < pixels ? begin + PIXEL_RUN : pixels;
        FOR_VECTORS (c, some, channels) {
            const vf middle = vf_load_some(centre, LT_F32, c, some);
            vf sum = vf_set(0);
            vf square = vf_set(0);
            for (int64_t p = begin; p < end; p++) {
                const vf away = vf_load_some(x, type, p * channels + c, some) - middle;
                sum += away;
                square = vf_fma(away, away, square);
            }
            for (int64_t lane = 0; lane < some; lane++) {
                sums[c + lane] += (double)sum[lane];
                squares[c + lane] += (double)square[lane];
            }
        }
    }
}

static void channel_sums(double *sums, double *squares, const void *x, lt_dtype type,
                         int64_t pixels, int64_t channels, const float *centre)
{
    if (type == LT_BF16)
        channel_sums_of(sums, squares, x, LT_BF16, pixels, channels, centre);
    else
        channel_sums_of(sums, squares, x, LT_F32, pixels, channels, centre);
}

LT_INLINE void group_scale_of(void *out, const void *x, lt_dtype type, int64_t pixels,
                              int64_t channels, const float *slope, const float *offset,
                              const void *gain, const void *shift, lt_act act)
{
    for (int64_t p = 0; p < pixels; p++) {
        FOR_VECTORS (c, some, channels) {
            vf y =
                vf_fma(vf_load_some(x, type, p * channels + c, some),
                       vf_load_some(slope, LT_F32, c, some), vf_load_some(offset, LT_F32, c, some));
            if (gain != NULL)
                y = vf_fma(y, vf_load_some(gain, type, c, some),
                           vf_load_some(shift, type, c, some));
            vf_store_some(out, type, p * channels + c, some, vf_activate(y, act));
        }
    }
}

static void group_scale(void *out, const void *x, lt_dtype type, int64_t pixels, int64_t channels,
                        const float *slope, const float *offset, const void *gain,
                        const void *shift, lt_act act)
{
    if (type == LT_BF16)
        group_scale_of(out, x, LT_BF16, pixels, channels, slope, offset, gain, shift, act);
    else
        group_scale_of(out, x, LT_F32, pixels, channels, slope, offset, gain, shift, act);
}

/* ---- pixels ---- */

/* trunc(clamp((x + 1) / 2, 0, 1) * 255); NaN becomes 0. */
static void to_rgb8(uint8_t *out, const void *x, lt_dtype type, int64_t count)
{
    FOR_VECTORS (i, some, count) {
        const vf unit = (vf_load_some(x, type, i, some) + 1.0f) * 0.5f;
        /* A NaN loses against the bound. */
        const vf level = vf_min(vf_max(unit, vf_set(0)), vf_set(1)) * 255.0f;
        const vi whole = __builtin_convertvector(level, vi);
        for (int64_t lane = 0; lane < some; lane++)
            out[i + lane] = (uint8_t)whole[lane];
    }
}

#endif
