/* tensor.c - shapes, views, names of dtypes. */
#include "kernels/core/tensor.h"

#include <assert.h>
#include <stdio.h>

static lt_shape shape_of(int rank, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e)
{
    const lt_shape s = {rank, {a, b, c, d, e}};
    return s;
}

lt_shape lt_shape1(int64_t a)
{
    return shape_of(1, a, 0, 0, 0, 0);
}

lt_shape lt_shape2(int64_t a, int64_t b)
{
    return shape_of(2, a, b, 0, 0, 0);
}

lt_shape lt_shape3(int64_t a, int64_t b, int64_t c)
{
    return shape_of(3, a, b, c, 0, 0);
}

lt_shape lt_shape4(int64_t a, int64_t b, int64_t c, int64_t d)
{
    return shape_of(4, a, b, c, d, 0);
}

lt_shape lt_shape5(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e)
{
    return shape_of(5, a, b, c, d, e);
}

lt_shape lt_shape_of(const lt_tensor *t)
{
    lt_shape s = {.rank = t->rank};
    for (int i = 0; i < t->rank; i++)
        s.dim[i] = t->dim[i];
    return s;
}

bool lt_same_shape(lt_shape a, lt_shape b)
{
    if (a.rank != b.rank)
        return false;
    for (int i = 0; i < a.rank; i++)
        if (a.dim[i] != b.dim[i])
            return false;
    return true;
}

const char *lt_shape_text(lt_shape s, char *text, size_t bytes)
{
    size_t used = (size_t)snprintf(text, bytes, "[");
    for (int i = 0; i < s.rank && used < bytes; i++)
        used += (size_t)snprintf(text + used, bytes - used, i == 0 ? "%lld" : ", %lld",
                                 (long long)s.dim[i]);
    if (used < bytes)
        (void)snprintf(text + used, bytes - used, "]");
    return text;
}

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {
    [LT_NO_DTYPE] = {"none", 0}, [LT_F32] = {"f32", 4}, [LT_BF16] = {"bf16", 2},
    [LT_F16] = {"f16", 2},       [LT_F64] = {"f64", 8}, [LT_I8] = {"i8", 1},
    [LT_U8] = {"u8", 1},         [LT_U16] = {"u16", 2}, [LT_I32] = {"i32", 4},
    [LT_I64] = {"i64", 8},       [LT_Q8] = {"q8", 1},   [LT_Q4] = {"q4", 0},
};

size_t lt_dtype_bytes(lt_dtype t)
{
    return dtypes[t].bytes;
}

const char *lt_dtype_name(lt_dtype t)
{
    return dtypes[t].name;
}

bool lt_dtype_is_float(lt_dtype t)
{
    return t == LT_F32 || t == LT_BF16 || t == LT_F16 || t == LT_F64;
}

lt_tensor lt_view(void *data, lt_dtype dtype, lt_shape shape)
{
    assert(shape.rank >= 1 && shape.rank <= LT_MAX_RANK);
    lt_tensor t = {.data = data, .dtype = dtype, .rank = shape.rank};
    int64_t stride = 1;
    for (int i = shape.rank - 1; i >= 0; i--) {
        assert(shape.dim[i] >= 0);
        t.dim[i] = shape.dim[i];
        t.stride[i] = stride;
        stride *= shape.dim[i];
    }
    return t;
}

lt_tensor lt_none(void)
{
    const lt_tensor none = {.dtype = LT_NO_DTYPE};
    return none;
}

bool lt_is_none(const lt_tensor *t)
{
    return t->dtype == LT_NO_DTYPE;
}

int64_t lt_numel(const lt_tensor *t)
{
    if (lt_is_none(t))
        return 0;
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++)
        n *= t->dim[i];
    return n;
}

size_t lt_tensor_bytes(const lt_tensor *t)
{
    if (t->dtype == LT_Q4)
        return (size_t)lt_numel(t) / 2;
    return (size_t)lt_numel(t) * lt_dtype_bytes(t->dtype);
}

bool lt_is_contiguous(const lt_tensor *t)
{
    int64_t expected = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        if (t->dim[i] == 1)
            continue;
        if (t->stride[i] != expected)
            return false;
        expected *= t->dim[i];
    }
    return true;
}

/* Moves the start of `t` by `elements`; a measured tensor (no memory) stays where it is. */
static void advance(lt_tensor *t, int64_t elements)
{
    if (t->data != NULL)
        t->data = (char *)t->data + elements * (int64_t)lt_dtype_bytes(t->dtype);
}

lt_tensor lt_slice(lt_tensor t, int axis, int64_t begin, int64_t count)
{
    return lt_every(t, axis, begin, 1, count);
}

lt_tensor lt_every(lt_tensor t, int axis, int64_t begin, int64_t step, int64_t count)
{
    assert(axis >= 0 && axis < t.rank && begin >= 0 && step >= 1 && count >= 0);
    assert(count == 0 ? begin <= t.dim[axis] : begin + (count - 1) * step < t.dim[axis]);
    advance(&t, begin * t.stride[axis]);
    t.dim[axis] = count;
    t.stride[axis] *= step;
    return t;
}

lt_tensor lt_select(lt_tensor t, int axis, int64_t index)
{
    assert(t.rank >= 2);
    t = lt_slice(t, axis, index, 1);
    for (int i = axis; i + 1 < t.rank; i++) {
        t.dim[i] = t.dim[i + 1];
        t.stride[i] = t.stride[i + 1];
    }
    t.rank--;
    return t;
}

/* Walks both shapes from the left and matches the smallest groups of dimensions with equal
 * products: inside a group the old dimensions must follow each other in memory, the new ones are
 * then laid out row-major with the group's last stride. */
lt_tensor lt_reshape(lt_tensor t, lt_shape shape)
{
    lt_tensor out = lt_view(t.data, t.dtype, shape);
    assert(lt_numel(&out) == lt_numel(&t));
    if (lt_is_contiguous(&t) || lt_numel(&t) == 0)
        return out;
    int from = 0;
    int to = 0;
    while (from < t.rank && to < out.rank) {
        int from_end = from + 1;
        int to_end = to + 1;
        int64_t from_size = t.dim[from];
        int64_t to_size = out.dim[to];
        while (from_size != to_size) {
            if (from_size < to_size) {
                assert(t.dim[from_end] == 1 || t.dim[from_end - 1] == 1 ||
                       t.stride[from_end - 1] == t.stride[from_end] * t.dim[from_end]);
                from_size *= t.dim[from_end++];
            } else {
                to_size *= out.dim[to_end++];
            }
        }
        int64_t stride = t.stride[from_end - 1];
        for (int i = to_end - 1; i >= to; i--) {
            out.stride[i] = stride;
            stride *= out.dim[i];
        }
        from = from_end;
        to = to_end;
    }
    for (; to < out.rank; to++) /* trailing dimensions of size 1 */
        out.stride[to] = 1;
    return out;
}

lt_tensor lt_permute(lt_tensor t, const int *order)
{
    lt_tensor out = t;
    bool seen[LT_MAX_RANK] = {false};
    for (int i = 0; i < t.rank; i++) {
        assert(order[i] >= 0 && order[i] < t.rank && !seen[order[i]]);
        seen[order[i]] = true;
        out.dim[i] = t.dim[order[i]];
        out.stride[i] = t.stride[order[i]];
    }
    (void)seen; /* read by assert alone */
    return out;
}
