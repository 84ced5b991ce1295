/* pack.c - a walk over a strided tensor, row by row. */
#include "weights/pack.h"

#include <string.h>

/* Element `flat` of a row-major walk: how far from the first, in elements. */
static int64_t offset_of(const lt_tensor *t, int64_t flat)
{
    int64_t offset = 0;
    for (int axis = t->rank - 1; axis >= 0; axis--) {
        offset += flat % t->dim[axis] * t->stride[axis];
        flat /= t->dim[axis];
    }
    return offset;
}

void lt_pack(const lt_tensor *t, int64_t first, int64_t count, void *out)
{
    const size_t width = lt_dtype_bytes(t->dtype);
    const char *const from = t->data;
    char *to = out;
    if (lt_is_contiguous(t)) {
        memcpy(to, from + (size_t)first * width, (size_t)count * width);
        return;
    }
    const int64_t columns = t->dim[t->rank - 1];
    const int64_t stride = t->stride[t->rank - 1];
    for (int64_t done = 0; done < count;) {
        const int64_t column = (first + done) % columns;
        const int64_t run = columns - column < count - done ? columns - column : count - done;
        const char *element = from + (size_t)offset_of(t, first + done) * width;
        for (int64_t i = 0; i < run; i++, to += width, element += (size_t)stride * width)
            memcpy(to, element, width);
        done += run;
    }
}
