/* cuda_linear.cu - out[n, o] = act(x[n, i] . W[o, i]^T + bias[o]): which kernel, and what lies
 * where in the workspace.
 *
 * Up to LT_FEW_ROWS rows the weight is read straight (cuda_linear_few.cu), and a norm before, a
 * gate or a sum after the product are part of the same kernel. With more, those are kernels of
 * their own, and cuBLASLt multiplies two matrices of one
 * type: bf16, or f32 where x or the weight is f32, or where rows do not begin on 16 bytes, which
 * its kernels for bf16 want. A matrix of another type is first written to the workspace in that
 * type, integers times their scales. Bias and GELU(tanh) of a bf16 result are added by the library,
 * with the bias rounded to bf16 as its interface wants it; every other end is ours: the sums stay
 * f32 until bias and activation are done.
 *
 * Where the weight allows E4M3 and the library makes a bf16 result, both matrices are written to
 * the workspace in that type (cuda_linear_e4m3.cu), with a scale for each row where the library
 * multiplies so (on sm_90, from 12.9 on), and with one for each matrix elsewhere.
 */
#include "kernels/cuda/cublas_matmul.h"
#include "kernels/cuda/cuda_device.cuh"
#include "kernels/cuda/cuda_linear.h"

typedef struct {
    lt_cuda *c;
    lt_tensor out;
    lt_tensor x;
    const lt_weight *w;
    const float *bias; /* or NULL */
    lt_act act;
    lt_dtype type;      /* in which x and w are multiplied */
    bool finished_ours; /* bias and activation after the product, not by the library */
    bool sums_apart;    /* the product has f32 memory of its own: the result is narrower */
    bool narrowed;      /* x and w are multiplied in E4M3, made from `type` */
} job;

/* Where things begin in the workspace, in bytes. */
typedef struct {
    size_t x;
    size_t w;
    size_t bias;
    size_t sums;
    size_t x_narrow;
    size_t x_scale;
    size_t w_narrow;
    size_t w_scale;
    size_t end;
} places;

static size_t take(size_t *at, bool wanted, int64_t count, lt_dtype type)
{
    const size_t place = *at;
    if (wanted)
        *at += ((size_t)count * lt_dtype_bytes(type) + LT_CUDA_ALIGN - 1) / LT_CUDA_ALIGN *
               LT_CUDA_ALIGN;
    return place;
}

static bool widens_weight(const job &j)
{
    return j.w->value.dtype != j.type;
}

static bool rounds_bias(const job &j)
{
    return j.bias != NULL && !j.finished_ours && j.out.dtype == LT_BF16;
}

static places lay_out(const job &j)
{
    size_t at = LT_CUBLAS_WORKSPACE;
    places p = {};
    p.x = take(&at, j.x.dtype != j.type, lt_numel(&j.x), j.type);
    p.w = take(&at, widens_weight(j), lt_numel(&j.w->value), j.type);
    p.bias = take(&at, rounds_bias(j), j.out.dim[1], LT_BF16);
    p.sums = take(&at, j.sums_apart, lt_numel(&j.out), LT_F32);
    p.x_narrow = take(&at, j.narrowed, lt_numel(&j.x), LT_U8);
    p.x_scale = take(&at, j.narrowed, j.x.dim[0], LT_F32);
    p.w_narrow = take(&at, j.narrowed, lt_numel(&j.w->value), LT_U8);
    p.w_scale = take(&at, j.narrowed, j.out.dim[1], LT_F32);
    p.end = at;
    return p;
}

/* x in j.type: itself, or a copy at `room`. */
static lt_status x_in_type(const job &j, void *room, lt_tensor *out, lt_error *err)
{
    *out = j.x;
    if (j.x.dtype == j.type)
        return LT_OK;
    *out = lt_view(room, j.type, lt_shape_of(&j.x));
    return lt_cuda_panel(j.c, *out, j.x, lt_none(), err);
}

static lt_status weight_in_type(const job &j, void *room, lt_tensor *out, lt_error *err)
{
    *out = j.w->value;
    if (!widens_weight(j))
        return LT_OK;
    *out = lt_view(room, j.type, lt_shape_of(&j.w->value));
    return lt_is_blocks(j.w) ? lt_cuda_panel_of_blocks(j.c, *out, j.w, err)
                             : lt_cuda_panel(j.c, *out, j.w->value, j.w->scale, err);
}

static lt_cublas_finish finish_of(const job &j)
{
    if (j.finished_ours)
        return LT_CUBLAS_PLAIN;
    if (j.act == LT_ACT_GELU_TANH)
        return j.bias == NULL ? LT_CUBLAS_GELU : LT_CUBLAS_BIAS_GELU;
    return j.bias == NULL ? LT_CUBLAS_PLAIN : LT_CUBLAS_BIAS;
}

/* x and w of the product in E4M3. */
static lt_status narrow(const job &j, char *workspace, const places &at, const lt_tensor &x,
                        const lt_tensor &w, lt_cublas_product *p, lt_error *err)
{
    float *x_scale = (float *)(workspace + at.x_scale);
    float *w_scale = (float *)(workspace + at.w_scale);
    size_t version;
    LT_TRY(lt_cublas_version(j.c, &version, err));
    p->scale_by_row = j.c->facts.capability == 90 && version >= (size_t)LT_CUBLAS_SCALES_ROWS;
    p->fast_sums = true;
    LT_TRY(
        lt_cuda_to_e4m3(j.c, (uint8_t *)workspace + at.x_narrow, x_scale, x, p->scale_by_row, err));
    LT_TRY(
        lt_cuda_to_e4m3(j.c, (uint8_t *)workspace + at.w_narrow, w_scale, w, p->scale_by_row, err));
    p->x = workspace + at.x_narrow;
    p->w = workspace + at.w_narrow;
    p->x_scale = x_scale;
    p->w_scale = w_scale;
    p->x_stride = x.dim[1];
    p->w_stride = w.dim[1];
    p->type = LT_U8;
    return LT_OK;
}

static lt_status multiply(const job &j, char *workspace, lt_error *err)
{
    const places at = lay_out(j);
    lt_tensor x;
    lt_tensor w;
    lt_tensor sums = j.out;
    const void *bias = j.finished_ours ? NULL : j.bias;
    LT_TRY(x_in_type(j, workspace + at.x, &x, err));
    LT_TRY(weight_in_type(j, workspace + at.w, &w, err));
    if (j.sums_apart)
        sums = lt_view(workspace + at.sums, LT_F32, lt_shape_of(&j.out));
    if (rounds_bias(j)) {
        const lt_shape row = lt_shape2(1, j.out.dim[1]);
        bias = workspace + at.bias;
        LT_TRY(lt_cuda_panel(j.c, lt_view(workspace + at.bias, LT_BF16, row),
                             lt_view((void *)j.bias, LT_F32, row), lt_none(), err));
    }
    lt_cublas_product p = {};
    p.x = x.data;
    p.w = w.data;
    p.bias = bias;
    p.out = sums.data;
    p.rows = x.dim[0];
    p.inputs = x.dim[1];
    p.outputs = w.dim[0];
    p.x_stride = x.stride[0];
    p.w_stride = w.stride[0];
    p.out_stride = sums.stride[0];
    p.type = j.type;
    p.out_type = sums.dtype;
    p.finish = finish_of(j);
    if (j.narrowed)
        LT_TRY(narrow(j, workspace, at, x, w, &p, err));
    LT_TRY(lt_cublas_run(j.c, &p, workspace, err));
    return j.finished_ours ? lt_cuda_linear_finish(j.c, j.out, sums, j.bias, j.act, err) : LT_OK;
}

/* Whether the product can be one of bf16. Integers are written out packed,
 * in rows as long as those of x. */
static bool fits_bf16(const lt_tensor &out, const lt_tensor &x, const lt_tensor &w)
{
    return x.dtype == LT_BF16 && w.dtype != LT_F32 && x.dim[1] % lt_pack_size<lt_bf16> == 0 &&
           lt_cuda_aligned(&x, 16) && lt_cuda_aligned(&out, 16) &&
           (w.dtype != LT_BF16 || lt_cuda_aligned(&w, 16));
}

/* cuBLASLt multiplies rows of whole 16 bytes only. */
static bool fits_e4m3(const lt_cuda *c, const lt_weight *w)
{
    return w->rounding == LT_ROUND_E4M3 && c->base.rounds_to == w->rounding &&
           w->value.dim[0] % 16 == 0 && w->value.dim[1] % 16 == 0;
}

static lt_few_job few_job(const lt_tensor &out, const lt_tensor &x, const lt_weight *w,
                          const float *bias, lt_act act)
{
    lt_few_job j = {};
    j.out = out;
    j.x = x;
    j.w = w;
    j.bias = bias;
    j.act = act;
    return j;
}

/* Weights may come from the host. */
static lt_status run_few(lt_backend *b, lt_few_job j, lt_error *err)
{
    const lt_weight *const wanted[] = {j.w, j.up};
    lt_weight here[2];
    LT_TRY(lt_cuda_weights_here(lt_cuda_of(b), wanted, j.up == NULL ? 1 : 2, here, err));
    j.w = &here[0];
    j.up = j.up == NULL ? NULL : &here[1];
    return lt_cuda_linear_few(lt_cuda_of(b), &j, err);
}

lt_status lt_cuda_linear(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                         const lt_weight *bias, lt_act act, lt_error *err)
{
    if (x.dim[0] <= LT_FEW_ROWS)
        return run_few(b, few_job(out, x, w, lt_cuda_vector(bias), act), err);
    lt_weight here;
    LT_TRY(lt_cuda_weights_here(lt_cuda_of(b), &w, 1, &here, err));
    job j = {lt_cuda_of(b), out, x, &here, lt_cuda_vector(bias), act, LT_BF16, false, false, false};
    if (!fits_bf16(out, x, here.value))
        j.type = LT_F32;
    const bool with_library = out.dtype == LT_BF16 && j.type == LT_BF16 &&
                              (act == LT_ACT_NONE || act == LT_ACT_GELU_TANH);
    j.narrowed = with_library && fits_e4m3(j.c, &here);
    j.sums_apart = out.dtype == LT_BF16 && !with_library;
    j.finished_ours = !with_library && (j.sums_apart || j.bias != NULL || act != LT_ACT_NONE);
    void *workspace;
    LT_TRY(lt_cuda_workspace(j.c, lay_out(j).end, &workspace, err));
    return multiply(j, (char *)workspace, err);
}

lt_status lt_cuda_linear_add(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                             const lt_weight *bias, lt_tensor room, lt_error *err)
{
    if (x.dim[0] > LT_FEW_ROWS)
        return lt_linear_add_in_steps(b, out, x, w, bias, room, err);
    lt_few_job j = few_job(out, x, w, lt_cuda_vector(bias), LT_ACT_NONE);
    j.adds = true;
    return run_few(b, j, err);
}

lt_status lt_cuda_normed_linear(lt_backend *b, lt_tensor out, lt_tensor x, const lt_row_norm *norm,
                                const lt_weight *w, lt_tensor room, lt_error *err)
{
    if (x.dim[0] > LT_FEW_ROWS)
        return lt_normed_linear_in_steps(b, out, x, norm, w, room, err);
    lt_few_job j = few_job(out, x, w, NULL, LT_ACT_NONE);
    j.norm = norm;
    return run_few(b, j, err);
}

lt_status lt_cuda_gated_linear(lt_backend *b, lt_tensor out, lt_tensor x, const lt_row_norm *norm,
                               const lt_weight *gate, const lt_weight *up, lt_act act,
                               lt_tensor room, lt_error *err)
{
    if (x.dim[0] > LT_FEW_ROWS || gate->value.dtype != up->value.dtype)
        return lt_gated_linear_in_steps(b, out, x, norm, gate, up, act, room, err);
    lt_few_job j = few_job(out, x, gate, NULL, act);
    j.up = up;
    j.norm = norm;
    return run_few(b, j, err);
}
