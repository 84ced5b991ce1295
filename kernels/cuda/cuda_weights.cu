/* cuda_weights.cu - from values in a mapped file to device memory, as cuda_backend.h says
 * (lt_cuda_weight).
 *
 * What keeps its dtype and order is uploaded as it is. Anything else goes through the workspace
 * piece by piece and a kernel turns it into what it becomes: a file's tensor is never held twice. A
 * matrix whose home is the host's is brought into the same form, on the device where that takes
 * work, and kept there.
 */
#include <cuda_fp16.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/cuda_device.cuh"
#include "kernels/cuda/cuda_weight_stream.h"

enum { THREADS = 256 };
static const int64_t piece_elements = INT64_C(1) << 22; /* some ten megabytes; whole blocks of q4 */

/* ---- what a weight becomes ---- */

static lt_dtype dtype_of(const lt_cuda *c, const lt_weight *w)
{
    const lt_dtype stored = w->value.dtype;
    switch (w->role) {
    case LT_ROLE_VECTOR:
        break;
    case LT_ROLE_TABLE:
        return stored == LT_BF16 || stored == LT_I8 ? stored : LT_F32;
    case LT_ROLE_HEAD:
        return stored == LT_BF16 || stored == LT_I8 || lt_is_blocks(w) ? stored : LT_F32;
    case LT_ROLE_MATRIX:
        return stored == LT_I8 || lt_is_blocks(w) ? stored : c->base.activation;
    case LT_ROLE_CONV:
        return c->base.activation;
    }
    return LT_F32;
}

static lt_status check_values(const lt_weight *w, lt_error *err)
{
    if (lt_weight_is_sound(w))
        return LT_OK;
    char text[128];
    return lt_fail(err, LT_ERR_INPUT,
                   "cuda: weight is %s %s, expected packed floats, or integers with their scales",
                   lt_dtype_name(w->value.dtype),
                   lt_shape_text(lt_shape_of(&w->value), text, sizeof text));
}

static size_t value_bytes(const lt_cuda *c, const lt_weight *w)
{
    const lt_tensor becomes = lt_view(NULL, dtype_of(c, w), lt_shape_of(&w->value));
    return lt_tensor_bytes(&becomes);
}

/* Scales stay where the values stay integers. */
static size_t scale_bytes(const lt_cuda *c, const lt_weight *w)
{
    const lt_dtype to = dtype_of(c, w);
    return to == LT_I8 || to == LT_Q8 || to == LT_Q4 ? lt_tensor_bytes(&w->scale) : 0;
}

/* ---- conversion ---- */

typedef struct {
    int64_t first;     /* element of the weight at which the piece begins */
    int64_t count;     /* elements of the piece */
    int64_t per_scale; /* elements that share one */
    bool scale_f16;    /* else f32 */
    int64_t taps;      /* of a convolution: [o, channel, tap] becomes [o, tap, channel]; else 1 */
    int64_t channels;
    lt_dtype from;
} convert_plan;

static __device__ __forceinline__ float stored_value(const void *from, lt_dtype dtype, int64_t i)
{
    switch (dtype) {
    case LT_BF16:
        return lt_to_float(((const lt_bf16 *)from)[i]);
    case LT_F16:
        return __half2float(((const __half *)from)[i]);
    case LT_F64:
        return (float)((const double *)from)[i];
    case LT_I8:
    case LT_Q8:
        return (float)((const int8_t *)from)[i];
    case LT_Q4: { /* of a block's 16 bytes, the low halves are its first 16 elements; all are 8 too
                     large */
        const int byte = ((const uint8_t *)from)[i / 32 * 16 + i % 16];
        return (float)((i % 32 < 16 ? byte & 15 : byte >> 4) - 8);
    }
    default:
        return ((const float *)from)[i];
    }
}

/* Element `first + i` of the weight comes from piece[i]. scale may be NULL. */
template <typename T>
static __global__ void convert_kernel(T *out, const void *piece, const void *scale, convert_plan p)
{
    for (int64_t i = lt_first_item(); i < p.count; i += lt_item_step()) {
        const int64_t element = p.first + i;
        float value = stored_value(piece, p.from, i);
        if (scale != NULL)
            value *= stored_value(scale, p.scale_f16 ? LT_F16 : LT_F32, element / p.per_scale);
        const int64_t tap = element % p.taps;
        const int64_t channel = element / p.taps % p.channels;
        const int64_t output = element / p.taps / p.channels;
        out[(output * p.taps + tap) * p.channels + channel] = lt_from_float<T>(value);
    }
}

/* Of `count` packed elements; blocks of q4 are whole. */
static size_t packed_bytes(lt_dtype t, int64_t count)
{
    return t == LT_Q4 ? (size_t)count / 2 : (size_t)count * lt_dtype_bytes(t);
}

static lt_status convert(lt_cuda *c, const lt_weight *w, void *out, lt_dtype to, lt_error *err)
{
    const int64_t count = lt_numel(&w->value);
    const lt_dtype from = w->value.dtype;
    const bool scaled = !lt_is_none(&w->scale);
    const size_t scales = scaled ? lt_tensor_bytes(&w->scale) : 0;
    const size_t piece_at = (scales + LT_CUDA_ALIGN - 1) / LT_CUDA_ALIGN * LT_CUDA_ALIGN;
    const int64_t at_once = count < piece_elements ? count : piece_elements;
    void *workspace;
    LT_TRY(lt_cuda_workspace(c, piece_at + packed_bytes(from, at_once), &workspace, err));
    void *piece = (char *)workspace + piece_at;
    if (scaled)
        LT_TRY(lt_cuda_upload(&c->base, workspace, w->scale.data, scales, err));
    const void *scale = scaled ? workspace : NULL;

    const int64_t per_row = count / w->value.dim[0];
    convert_plan p = {};
    p.from = from;
    p.per_scale = lt_is_blocks(w) ? (int64_t)LT_BLOCK : per_row;
    p.scale_f16 = w->scale.dtype == LT_F16;
    p.channels = w->role == LT_ROLE_CONV ? w->value.dim[1] : per_row;
    p.taps = per_row / p.channels;
    for (p.first = 0; p.first < count; p.first += at_once) {
        p.count = count - p.first < at_once ? count - p.first : at_once;
        LT_TRY(lt_cuda_upload(&c->base, piece,
                              (const char *)w->value.data + packed_bytes(from, p.first),
                              packed_bytes(from, p.count), err));
        const unsigned grid = lt_cuda_blocks_for(c, p.count, THREADS);
        if (to == LT_F32)
            LT_TRY(lt_cuda_launch(c, "weights", err, grid, THREADS, 0, convert_kernel<float>,
                                  (float *)out, piece, scale, p));
        else
            LT_TRY(lt_cuda_launch(c, "weights", err, grid, THREADS, 0, convert_kernel<lt_bf16>,
                                  (lt_bf16 *)out, piece, scale, p));
    }
    return LT_OK;
}

/* ---- the entries ---- */

static bool stays_as_stored(const lt_cuda *c, const lt_weight *w)
{
    return dtype_of(c, w) == w->value.dtype && w->role != LT_ROLE_CONV;
}

static lt_status fill_weight(lt_cuda *c, const lt_weight *w, lt_cuda_weight *packed, lt_error *err)
{
    const lt_dtype to = dtype_of(c, w);
    LT_TRY(lt_cuda_alloc(&c->base, value_bytes(c, w), &packed->values, err));
    if (scale_bytes(c, w) > 0) {
        LT_TRY(lt_cuda_alloc(&c->base, scale_bytes(c, w), &packed->scales, err));
        LT_TRY(lt_cuda_upload(&c->base, packed->scales, w->scale.data, scale_bytes(c, w), err));
    }
    if (stays_as_stored(c, w))
        return lt_cuda_upload(&c->base, packed->values, w->value.data, value_bytes(c, w), err);
    return convert(c, w, packed->values, to, err);
}

/* What changes its form is pinned whatever its home is: the file has it in
 * no form that could be copied. */
static bool is_pinned(const lt_cuda *c, const lt_weight *w)
{
    return lt_comes_from_host(w) && !(w->home == LT_HOME_FILE && stays_as_stored(c, w));
}

/* Converted in a place on the device where that takes work. */
static lt_status keep_on_host(lt_cuda *c, const lt_weight *w, lt_cuda_weight *packed, lt_error *err)
{
    void *scratch;
    LT_TRY(lt_cuda_stream_add(c, value_bytes(c, w), scale_bytes(c, w), &packed->streamed, &scratch,
                              err));
    lt_cuda_streamed *s = packed->streamed;
    if (!is_pinned(c, w)) {
        s->values = w->value.data;
        s->scales = s->scale_bytes > 0 ? w->scale.data : NULL;
        return LT_OK;
    }
    LT_TRY(lt_cuda_stream_pin(c, s, err));
    if (s->scale_bytes > 0)
        memcpy((void *)s->scales, w->scale.data, s->scale_bytes);
    if (stays_as_stored(c, w)) {
        memcpy(s->pinned, w->value.data, s->value_bytes);
        return LT_OK;
    }
    LT_TRY(convert(c, w, scratch, dtype_of(c, w), err));
    LT_CUDA_TRY(
        cudaMemcpyAsync(s->pinned, scratch, s->value_bytes, cudaMemcpyDeviceToHost, c->stream),
        "weights", err);
    return lt_cuda_wait(&c->base, err);
}

lt_status lt_cuda_prepare(lt_backend *b, lt_weight *w, lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    LT_TRY(check_values(w, err));
    lt_cuda_weight *packed = (lt_cuda_weight *)calloc(1, sizeof *packed);
    if (packed == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cuda: no memory for a weight");
    const lt_dtype to = dtype_of(c, w);
    const lt_status s =
        lt_comes_from_host(w) ? keep_on_host(c, w, packed, err) : fill_weight(c, w, packed, err);
    w->packed = packed;
    if (s != LT_OK) {
        lt_cuda_unprepare(b, w);
        return s;
    }
    const bool scaled = scale_bytes(c, w) > 0;
    w->value = lt_view(packed->values, to, lt_shape_of(&w->value));
    w->scale = scaled ? lt_view(packed->scales, w->scale.dtype, lt_shape_of(&w->scale)) : lt_none();
    return LT_OK;
}

static lt_cuda_streamed *streamed_of(const lt_weight *w)
{
    const lt_cuda_weight *packed = (const lt_cuda_weight *)w->packed;
    return packed == NULL ? NULL : packed->streamed;
}

lt_status lt_cuda_weights_here(lt_cuda *c, const lt_weight *const *w, int count, lt_weight *here,
                               lt_error *err)
{
    lt_cuda_streamed *coming[LT_CUDA_WEIGHTS_AT_ONCE];
    int comes = 0;
    for (int i = 0; i < count; i++) {
        here[i] = *w[i];
        if (streamed_of(w[i]) != NULL)
            coming[comes++] = streamed_of(w[i]);
    }
    if (comes > 0) {
        LT_TRY(lt_cuda_expect_no_recording(c, "a matrix from the host", err));
        LT_TRY(lt_cuda_stream_bring(c, coming, comes, err));
    }
    for (int i = 0; i < count; i++) {
        const lt_cuda_streamed *s = streamed_of(w[i]);
        if (s == NULL)
            continue;
        here[i].value.data = lt_cuda_stream_place(c, s);
        here[i].scale.data = s->scales != NULL ? (char *)here[i].value.data + s->scales_at : NULL;
    }
    return LT_OK;
}

size_t lt_cuda_prepared_bytes(lt_backend *b, const lt_weight *w)
{
    const lt_cuda *c = (const lt_cuda *)b;
    const size_t values = value_bytes(c, w);
    const size_t scales = scale_bytes(c, w);
    return lt_comes_from_host(w) ? lt_cuda_place_bytes(values, scales) : values + scales;
}

size_t lt_cuda_pinned_bytes(lt_backend *b, const lt_weight *w)
{
    const lt_cuda *c = (const lt_cuda *)b;
    return is_pinned(c, w) ? lt_cuda_place_bytes(value_bytes(c, w), scale_bytes(c, w)) : 0;
}

void lt_cuda_unprepare(lt_backend *b, lt_weight *w)
{
    lt_cuda_weight *packed = (lt_cuda_weight *)w->packed;
    const lt_role role = w->role;
    if (packed == NULL)
        return;
    lt_cuda_stream_drop(lt_cuda_of(b), packed->streamed);
    lt_cuda_release(b, packed->scales);
    lt_cuda_release(b, packed->values);
    free(packed);
    *w = {};
    w->value = lt_none();
    w->scale = lt_none();
    w->role = role;
}
