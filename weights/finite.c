/* finite.c - a float is not finite when all bits of its exponent are set. */
#include "weights/finite.h"

#include <string.h>

/* Values looked at in one go: enough for vector instructions, small enough for the stack. */
enum { BLOCK = 1024 };

static bool block_is_bad_16(const uint16_t *x, int count, uint16_t exponent)
{
    uint16_t bad = 0;
    for (int i = 0; i < count; i++)
        bad |= (uint16_t)((x[i] & exponent) == exponent);
    return bad != 0;
}

static bool block_is_bad_32(const uint32_t *x, int count)
{
    uint32_t bad = 0;
    for (int i = 0; i < count; i++)
        bad |= (uint32_t)((x[i] & 0x7f800000u) == 0x7f800000u);
    return bad != 0;
}

static bool block_is_bad_64(const uint64_t *x, int count)
{
    const uint64_t exponent = 0x7ff0000000000000u;
    uint64_t bad = 0;
    for (int i = 0; i < count; i++)
        bad |= (uint64_t)((x[i] & exponent) == exponent);
    return bad != 0;
}

static bool block_is_bad(const void *block, lt_dtype dtype, int count)
{
    switch (dtype) {
    case LT_BF16:
        return block_is_bad_16(block, count, 0x7f80);
    case LT_F16:
        return block_is_bad_16(block, count, 0x7c00);
    case LT_F32:
        return block_is_bad_32(block, count);
    default:
        return block_is_bad_64(block, count);
    }
}

int64_t lt_first_not_finite(const void *data, lt_dtype dtype, int64_t count)
{
    if (dtype != LT_BF16 && dtype != LT_F16 && dtype != LT_F32 && dtype != LT_F64)
        return -1;
    const size_t width = lt_dtype_bytes(dtype);
    uint64_t block[BLOCK];
    for (int64_t first = 0; first < count; first += BLOCK) {
        const int length = count - first < BLOCK ? (int)(count - first) : BLOCK;
        memcpy(block, (const char *)data + (size_t)first * width, (size_t)length * width);
        if (!block_is_bad(block, dtype, length))
            continue;
        for (int i = 0; i < length; i++)
            if (block_is_bad((const char *)block + (size_t)i * width, dtype, 1))
                return first + i;
    }
    return -1;
}
