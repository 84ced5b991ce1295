/* number_formats.c - bf16 and f16 bits, and single elements of any dtype. Declared in tensor.h. */
#include <math.h>
#include <string.h>

#include "kernels/core/tensor.h"

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* bf16 is the upper half of an f32: sign, 8 exponent bits, 7 mantissa bits. */
float lt_bf16_to_f32(uint16_t bits)
{
    return from_bits((uint32_t)bits << 16);
}

uint16_t lt_f32_to_bf16(float x)
{
    const uint32_t bits = bits_of(x);
    if (isnan(x))
        return (uint16_t)((bits >> 16) | 0x40); /* quiet, and never rounded up to infinity */
    /* Ties to even; a carry walks into the exponent as it should. */
    const uint32_t half = 0x7fff + ((bits >> 16) & 1);
    return (uint16_t)((bits + half) >> 16);
}

/* f16: sign, 5 exponent bits (bias 15), 10 mantissa bits. */
float lt_f16_to_f32(uint16_t bits)
{
    const uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    const uint32_t exponent = (bits >> 10) & 0x1f;
    const uint32_t mantissa = bits & 0x3ff;
    if (exponent == 0x1f)
        return from_bits(sign | 0x7f800000 | mantissa << 13 | (mantissa != 0 ? 0x400000u : 0u));
    if (exponent == 0) { /* zero and subnormals: mantissa * 2^-24 */
        const float magnitude = (float)mantissa * 0x1p-24f;
        return sign != 0 ? -magnitude : magnitude;
    }
    return from_bits(sign | (exponent + 127 - 15) << 23 | mantissa << 13);
}

uint16_t lt_f32_to_f16(float x)
{
    const uint16_t sign = (uint16_t)((bits_of(x) >> 16) & 0x8000);
    const uint32_t magnitude = bits_of(x) & 0x7fffffff;
    if (isnan(x))
        return (uint16_t)(sign | 0x7e00 | ((magnitude >> 13) & 0x1ff));
    if (magnitude >= 0x477ff000) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) { /* below 2^-14: + 0.5 leaves round(x * 2^24) in the low mantissa
                                     bits */
        const uint32_t aligned = bits_of(from_bits(magnitude) + 0.5f) - bits_of(0.5f);
        return (uint16_t)(sign | aligned);
    }
    const uint32_t rounded = magnitude - ((127 - 15) << 23) + 0xfff + ((magnitude >> 13) & 1);
    return (uint16_t)(sign | rounded >> 13);
}

/* memcpy, because a mapped file need not align its tensors. */
#define LOAD(type)                                                                                 \
    type element;                                                                                  \
    memcpy(&element, (const char *)data + (size_t)index * sizeof element, sizeof element)

double lt_load_element(const void *data, lt_dtype dtype, int64_t index)
{
    switch (dtype) {
    case LT_F32: {
        LOAD(float);
        return (double)element;
    }
    case LT_F64: {
        LOAD(double);
        return element;
    }
    case LT_BF16: {
        LOAD(uint16_t);
        return (double)lt_bf16_to_f32(element);
    }
    case LT_F16: {
        LOAD(uint16_t);
        return (double)lt_f16_to_f32(element);
    }
    case LT_I8:
    case LT_Q8: {
        LOAD(int8_t);
        return element;
    }
    case LT_Q4: { /* of a block's 16 bytes, the low halves are its first 16 elements; all are 8 too
                     large */
        const int byte = ((const uint8_t *)data)[index / 32 * 16 + index % 16];
        return (index % 32 < 16 ? byte & 15 : byte >> 4) - 8;
    }
    case LT_U8: {
        LOAD(uint8_t);
        return element;
    }
    case LT_U16: {
        LOAD(uint16_t);
        return element;
    }
    case LT_I32: {
        LOAD(int32_t);
        return element;
    }
    case LT_I64: {
        LOAD(int64_t);
        return (double)element;
    }
    case LT_NO_DTYPE:
        break;
    }
    return NAN;
}

/* Nearest integer of [low, high]; NaN becomes 0. */
static double to_range(double value, double low, double high)
{
    if (isnan(value))
        return 0;
    return value < low ? low : value > high ? high : nearbyint(value);
}

#define STORE(type, converted)                                                                     \
    do {                                                                                           \
        const type element = (converted);                                                          \
        memcpy((char *)data + (size_t)index * sizeof element, &element, sizeof element);           \
    } while (0)

void lt_store_element(void *data, lt_dtype dtype, int64_t index, double value)
{
    switch (dtype) {
    case LT_F32:
        STORE(float, (float)value);
        break;
    case LT_F64:
        STORE(double, value);
        break;
    case LT_BF16:
        STORE(uint16_t, lt_f32_to_bf16((float)value));
        break;
    case LT_F16:
        STORE(uint16_t, lt_f32_to_f16((float)value));
        break;
    case LT_I8:
    case LT_Q8:
        STORE(int8_t, (int8_t)to_range(value, INT8_MIN, INT8_MAX));
        break;
    case LT_U8:
        STORE(uint8_t, (uint8_t)to_range(value, 0, UINT8_MAX));
        break;
    case LT_U16:
        STORE(uint16_t, (uint16_t)to_range(value, 0, UINT16_MAX));
        break;
    case LT_I32:
        STORE(int32_t, (int32_t)to_range(value, INT32_MIN, INT32_MAX));
        break;
    case LT_I64: /* the largest double below 2^63 */
        STORE(int64_t, (int64_t)to_range(value, -0x1p63, 0x1.fffffffffffffp62));
        break;
    case LT_Q4: { /* the other half of the byte stays */
        uint8_t *byte = (uint8_t *)data + index / 32 * 16 + index % 16;
        const int code = (int)to_range(value, -8, 7) + 8;
        *byte = (uint8_t)(index % 32 < 16 ? (*byte & 0xf0) | code : (*byte & 0x0f) | code << 4);
        break;
    }
    case LT_NO_DTYPE:
        break;
    }
}
