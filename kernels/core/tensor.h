/* tensor.h - a typed, strided view of memory that somebody else owns.
 *
 * Up to five dimensions, outermost first, strides in elements. Video is channels-last, [T, H, W,
 * C]. A tensor is a value: copy it, slice it, permute it; the memory belongs to an arena, a buffer
 * or a file map. `data` may be device memory: only a backend touches what it points to.
 */
#ifndef LT_TENSOR_H
#define LT_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    LT_NO_DTYPE,
    LT_F32,
    LT_BF16,
    LT_F16,
    LT_F64,
    LT_I8,
    LT_U8,
    LT_U16,
    LT_I32,
    LT_I64,
    LT_Q8, /* of weights alone (weight.h): blocks of 32 integers of 8 bits ... */
    LT_Q4  /* ... or of 4, two to a byte; their scales lie elsewhere */
} lt_dtype;

enum { LT_MAX_RANK = 5 };

typedef struct {
    void *data;                  /* NULL while a pass is measured */
    lt_dtype dtype;              /* LT_NO_DTYPE: no tensor ("none") */
    int rank;                    /* 1..5 */
    int64_t dim[LT_MAX_RANK];    /* elements, outermost first */
    int64_t stride[LT_MAX_RANK]; /* elements */
} lt_tensor;

/* A list of sizes by value: lt_shape2(rows, width). */
typedef struct {
    int rank;
    int64_t dim[LT_MAX_RANK];
} lt_shape;

lt_shape lt_shape1(int64_t a);
lt_shape lt_shape2(int64_t a, int64_t b);
lt_shape lt_shape3(int64_t a, int64_t b, int64_t c);
lt_shape lt_shape4(int64_t a, int64_t b, int64_t c, int64_t d);
lt_shape lt_shape5(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e);
lt_shape lt_shape_of(const lt_tensor *t);
bool lt_same_shape(lt_shape a, lt_shape b);
/* Writes "[13, 30, 45, 768]" to `text` (64 bytes are enough for any real shape) and returns it. */
const char *lt_shape_text(lt_shape s, char *text, size_t bytes);

size_t lt_dtype_bytes(lt_dtype t); /* of one element; 0 for q4, where lt_tensor_bytes knows */
const char *lt_dtype_name(lt_dtype t);
/* f64, f32, bf16, f16: what can be rounded from one to another */
bool lt_dtype_is_float(lt_dtype t);

/* Row-major view of `data`. */
lt_tensor lt_view(void *data, lt_dtype dtype, lt_shape shape);
lt_tensor lt_none(void);
bool lt_is_none(const lt_tensor *t);
int64_t lt_numel(const lt_tensor *t);
size_t lt_tensor_bytes(const lt_tensor *t); /* of a packed copy */
bool lt_is_contiguous(const lt_tensor *t);  /* dimensions of size 1 may have any stride */

/* Views; a view that does not exist (bad axis, range, or a reshape that would need a copy) is a bug
 * of ours (assert). */
lt_tensor lt_slice(lt_tensor t, int axis, int64_t begin, int64_t count);
lt_tensor lt_select(lt_tensor t, int axis, int64_t index); /* drops the axis */
/* contiguous tensors, or a split of dimensions */
lt_tensor lt_reshape(lt_tensor t, lt_shape shape);
/* order[i] = axis of t that becomes axis i */
lt_tensor lt_permute(lt_tensor t, const int *order);
/* strided slice */
lt_tensor lt_every(lt_tensor t, int axis, int64_t begin, int64_t step, int64_t count);

/* Number formats, exact: bf16 is rounded to nearest even, NaN stays quiet. */
float lt_bf16_to_f32(uint16_t bits);
uint16_t lt_f32_to_bf16(float x);
float lt_f16_to_f32(uint16_t bits);
uint16_t lt_f32_to_f16(float x);
/* Element `index` (flat, packed) of host memory of any dtype, as a double; and the reverse. */
double lt_load_element(const void *data, lt_dtype dtype, int64_t index);
void lt_store_element(void *data, lt_dtype dtype, int64_t index, double value);

#ifdef __cplusplus
}
#endif
#endif
