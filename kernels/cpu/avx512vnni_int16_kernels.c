/* avx512vnni_int16_kernels.c - products of bf16 and attention with them on AVX512-VNNI:
 * product_int16.h, attention_int16.h. */
#if defined(__x86_64__)
#define LT_LANES 16
#include "kernels/cpu/attention_int16.h"

const lt_narrow_kernels lt_int16_kernels = {
    .wide = LT_INT16_PRODUCT,
    .rounding = LT_ROUND_INT16,
    .attend = attend_int16,
};
#endif
