/* vec_math.h - exp, erf, tanh and the activations on vectors.
 *
 * Polynomials are minimax fits (Lawson's iteration in double, then rounded to f32). With u = 2^-24,
 * half an ulp of 1: every activation is within 3 u |x| of its value, SiLU and tanh within 4 u of
 * themselves too, or 2e-38 |x| where that is more. tests/unit/test_cpu_math.c holds them to that
 * from 5e-10 to 128.
 */
#ifndef LT_VEC_MATH_H
#define LT_VEC_MATH_H

#include "kernels/backend.h"
#include "kernels/cpu/vec.h"

/* 1.5 * 2^23: adding it to a number rounds that to an integer n, in the low bits of the sum. */
LT_INLINE vf vf_magic(void)
{
    return vf_set(12582912.0f);
}

/* x 2^n, `shifted` being that sum. */
LT_INLINE vf vf_times_power(vf x, vf shifted)
{
    return (vf)((vu)x + (((vu)shifted - (vu)vf_magic()) << 23));
}

/* x = n ln2 + r, |r| <= ln2/2;  exp(x) = 2^n (1 + r + r^2 q(r)).  For -87.3 <= x <= 88.7. */
LT_INLINE vf vf_exp_inside(vf x)
{
    const vf shifted = vf_fma(x, vf_set(1.44269504f), vf_magic());
    const vf n = shifted - vf_magic();
    vf r = vf_fma(n, vf_set(-0.693145752f), x); /* ln2 to 15 bits: n times it is exact */
    r = vf_fma(n, vf_set(-1.42860682e-6f), r);  /* the rest of ln2 */
    vf q = vf_set(1.381446491e-3f);
    q = vf_fma(q, r, vf_set(8.368780836e-3f));
    q = vf_fma(q, r, vf_set(4.166839272e-2f));
    q = vf_fma(q, r, vf_set(1.666651964e-1f));
    q = vf_fma(q, r, vf_set(4.999999404e-1f));
    return vf_times_power(vf_fma(q * r, r, r) + 1.0f, shifted);
}

/* The order of operands keeps a NaN: the second wins in vf_min and vf_max. */
LT_INLINE vf vf_exp(vf x)
{
    const vf inside = vf_exp_inside(vf_min(vf_set(88.7f), vf_max(vf_set(-87.3f), x)));
    return vf_choose(x > 88.7f, vf_set(INFINITY), vf_choose(x < -87.3f, vf_set(0), inside));
}

#define LOG2E      1.44269504f
#define ROUND_DOWN 9 /* to an integer, without exceptions */

/* 2^x of x <= 0, as softmax needs it, within 1.1 u of itself; 0 (or less than 2^-126) below -126,
 * NaN of a NaN: the one trace that is left of it where it was lost among the scores of a row, whose
 * highest is then that of the others. */
LT_INLINE vf vf_exp2_negative(vf x)
{
#if LT_INTRINSIC_LANES == 16
    const vf f = _mm512_reduce_ps(x, ROUND_DOWN);
#else
    const vf t = vf_max(vf_set(-126.0f), x);
    const vf shifted = (t - 0.5f) + vf_magic();
    const vf f = t - (shifted - vf_magic());
#endif
    vf p = vf_set(2.161291632e-4f);
    p = vf_fma(p, f, vf_set(1.246784581e-3f));
    p = vf_fma(p, f, vf_set(9.675451554e-3f));
    p = vf_fma(p, f, vf_set(5.548528209e-2f));
    p = vf_fma(p, f, vf_set(2.402293086e-1f));
    p = vf_fma(p, f, vf_set(6.931470633e-1f));
    p = vf_fma(p, f, vf_set(1.0f));
#if LT_INTRINSIC_LANES == 16
    return _mm512_scalef_ps(p, x); /* p 2^floor(x) */
#else
    const vu power = (vu)vf_times_power(p, shifted) & (vu)(x >= -126.0f);
    return vf_nan_or(x, (vf)power);
#endif
}

/* The same within 1e-4 of itself, for weights that are rounded anyway (to bf16: 4e-3). */
LT_INLINE vf vf_rough_exp2_negative(vf x)
{
#if LT_INTRINSIC_LANES == 16
    const vf f = _mm512_reduce_ps(x, ROUND_DOWN);
    vf p = vf_set(7.802352e-2f);
    p = vf_fma(p, f, vf_set(2.2607534e-1f));
    p = vf_fma(p, f, vf_set(6.9582675e-1f));
    p = vf_fma(p, f, vf_set(9.9992633e-1f));
    return _mm512_scalef_ps(p, x); /* p 2^floor(x) */
#else
    const vf t = vf_max(vf_set(-126.0f), x);
    const vf shifted = t + vf_magic();
    const vf f = t - (shifted - vf_magic());
    vf p = vf_set(5.517096072e-2f);
    p = vf_fma(p, f, vf_set(2.426158488e-1f));
    p = vf_fma(p, f, vf_set(6.932614446e-1f));
    p = vf_fma(p, f, vf_set(9.999278188e-1f));
    return vf_nan_or(x, vf_times_power(p, shifted));
#endif
}

/* |x| < 1: x P(x^2). Above: 1 - exp(-G(x)), G a fit of -log(erfc(x)); from 4 on it is 1 in f32. */
LT_INLINE vf vf_erf(vf x)
{
    const vf a = vf_min(vf_set(4.0f), vf_abs(x));
    const vf s = a * a;
    vf p = vf_set(7.854025171e-5f);
    p = vf_fma(p, s, vf_set(-8.010247257e-4f));
    p = vf_fma(p, s, vf_set(5.188334268e-3f));
    p = vf_fma(p, s, vf_set(-2.685381658e-2f));
    p = vf_fma(p, s, vf_set(1.128358543e-1f));
    p = vf_fma(p, s, vf_set(-3.761262596e-1f));
    p = vf_fma(p, s, vf_set(1.128379226f));
    vf g = vf_set(-1.863800862e-4f);
    g = vf_fma(g, a, vf_set(2.947666682e-3f));
    g = vf_fma(g, a, vf_set(-2.183809690e-2f));
    g = vf_fma(g, a, vf_set(1.031068191e-1f));
    g = vf_fma(g, a, vf_set(6.381447315e-1f));
    g = vf_fma(g, a, vf_set(1.127089262f));
    g = vf_fma(g, a, vf_set(3.415125830e-4f));
    const vf large = 1.0f - vf_exp(-g);
    const vf magnitude = vf_choose(a < 1.0f, p * a, large);
    return (vf)((vi)magnitude | ((vi)x & INT32_MIN));
}

/* |x| < 0.625: x + x^3 P(x^2), where 1 - 2 / (exp(2x) + 1) would cancel. */
LT_INLINE vf vf_tanh(vf x)
{
    const vf a = vf_abs(x);
    const vf s = a * a;
    vf p = vf_set(-5.704990588e-3f);
    p = vf_fma(p, s, vf_set(2.063908987e-2f));
    p = vf_fma(p, s, vf_set(-5.373971537e-2f));
    p = vf_fma(p, s, vf_set(1.333144158e-1f));
    p = vf_fma(p, s, vf_set(-3.333328068e-1f));
    const vf small = vf_fma(p * s, a, a);
    const vf large = 1.0f - 2.0f / (vf_exp(a + a) + 1.0f);
    const vf magnitude = vf_choose(a < 0.625f, small, large);
    return (vf)((vi)magnitude | ((vi)x & INT32_MIN));
}

/* x / (1 + exp(-u)): where exp(-u) is too large for f32, it is cut off and
 * the quotient still all but 0. */
LT_INLINE vf vf_times_sigmoid(vf x, vf u)
{
    return x / (1.0f + vf_exp_inside(vf_min(vf_set(87.3f), vf_max(vf_set(-87.3f), -u))));
}

LT_INLINE vf vf_silu(vf x)
{
    return vf_times_sigmoid(x, x);
}

LT_INLINE vf vf_gelu_erf(vf x)
{
    return 0.5f * x * (1.0f + vf_erf(x * 0.707106781f));
}

/* 0.5 x (1 + tanh u) = x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3). */
LT_INLINE vf vf_gelu_tanh(vf x)
{
    return vf_times_sigmoid(x, x * vf_fma(x * x, vf_set(0.0713548162f), vf_set(1.59576912f)));
}

LT_INLINE vf vf_activate(vf x, lt_act act)
{
    switch (act) {
    case LT_ACT_GELU_ERF:
        return vf_gelu_erf(x);
    case LT_ACT_GELU_TANH:
        return vf_gelu_tanh(x);
    case LT_ACT_SILU:
        return vf_silu(x);
    case LT_ACT_TANH:
        return vf_tanh(x);
    default:
        return x;
    }
}

#endif
