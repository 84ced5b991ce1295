/* host_element.h - numbers in memory as the stand-ins for the vendor's libraries read them:
 * lt_load_element, inlined for the two types that nearly all of their operands have. Test-only. */
#ifndef HOST_ELEMENT_H
#define HOST_ELEMENT_H

#include <string.h>

#include "kernels/core/tensor.h"

static inline double host_element(const void *memory, lt_dtype type, int64_t index)
{
    float value;
    if (type == LT_F32) {
        memcpy(&value, (const float *)memory + index, sizeof value);
        return (double)value;
    }
    if (type == LT_BF16) {
        const uint32_t bits = (uint32_t)((const uint16_t *)memory)[index] << 16;
        memcpy(&value, &bits, sizeof value);
        return (double)value;
    }
    return lt_load_element(memory, type, index);
}

#endif
