/* cuda_linear_few.cu - products with up to eight rows: steps of the language model, embeddings of the time.
 *
 *     out[r, o] = act(scale[o] * sum over i of x[r, i] w[o, i] + bias[o])
 *
 * Bound by reading the weight, so every value of it is read once, 16 bytes at a time, in the type that it is stored in
 * (f32, bf16, i8 with a scale for each output, q8 or q4 with a scale for each block). One warp sums OUTPUTS outputs for all rows; its lanes take neighbouring
 * packs, so a warp reads 512 bytes in a row. x comes from the L1 cache, which the warps of a block share. Sums are f32, in
 * 32 lanes, then a tree: the same bits for any number of rows.
 */
#include "kernels/cuda/cuda_linear.h"
#include "kernels/cuda/cuda_linear_number.cuh"

enum {
    THREADS = 256,
    OUTPUTS_TWO = 32 /* warps of a multiprocessor that are busy with one output each, before a warp takes two */
};

typedef struct {
    const void *x;
    const void *w;     /* [outputs, inputs] */
    const void *scale; /* f32 [outputs] of i8, f16 of blocks, or NULL */
    const float *bias; /* [outputs], or NULL */
    void *out; /* f32 or bf16 */
    lt_dtype out_type;
    int64_t x_stride;
    int64_t out_stride;
    int64_t inputs;
    int64_t outputs;
    int rows;
    lt_act act;
} few;

/* Asks the L2 cache for the beginnings of this warp's rows while kernels before this one still run. A hint: nothing is read. */
template <typename W, int OUTPUTS> static __device__ __forceinline__ void ask_for_weights(const few &f, int64_t first, int lane)
{
    constexpr int LINE = 128;
    const int64_t bytes = f.inputs * 16 / lt_weights_in_16<W>;
    if (lane * LINE >= bytes)
        return;
#pragma unroll
    for (int o = 0; o < OUTPUTS; o++) {
        if (first + o >= f.outputs)
            break;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
        asm volatile("prefetch.global.L2 [%0];" ::"l"((const char *)f.w + (first + o) * bytes + lane * LINE));
#endif
    }
}

/* N: values of w that are taken at once. ALIGNED: rows of x begin where packs of N may be loaded. ROWS >= f.rows: rows beyond
 * repeat the last. */
template <typename X, typename W, int ROWS, int OUTPUTS, int N, bool ALIGNED>
static __global__ void __launch_bounds__(THREADS) few_kernel(few f)
{
    const int lane = (int)threadIdx.x % LT_WARP;
    const int64_t first = ((int64_t)blockIdx.x * (THREADS / LT_WARP) + threadIdx.x / LT_WARP) * OUTPUTS;
    if (first < f.outputs)
        ask_for_weights<W, OUTPUTS>(f, first, lane);
    lt_after_earlier();
    if (first >= f.outputs)
        return;
    int64_t row[OUTPUTS]; /* where an output's weights begin, in elements */
#pragma unroll
    for (int o = 0; o < OUTPUTS; o++)
        row[o] = (first + o < f.outputs ? first + o : first) * f.inputs;
    const X *x[ROWS];
#pragma unroll
    for (int r = 0; r < ROWS; r++)
        x[r] = (const X *)f.x + (r < f.rows ? r : f.rows - 1) * f.x_stride;

    float sum[OUTPUTS][ROWS] = {};
#pragma unroll 4
    for (int64_t i = lane * N; i < f.inputs; i += LT_WARP * N) {
        float value[OUTPUTS][N];
#pragma unroll
        for (int o = 0; o < OUTPUTS; o++)
            lt_load_weights<N>(value[o], (const W *)f.w, f.scale, row[o] + i);
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            float in[N];
            if (ALIGNED) {
                lt_load_numbers<X, N>(in, x[r] + i);
            } else {
#pragma unroll
                for (int j = 0; j < N; j++)
                    in[j] = lt_to_float(x[r][i + j]);
            }
#pragma unroll
            for (int o = 0; o < OUTPUTS; o++)
#pragma unroll
                for (int j = 0; j < N; j++)
                    sum[o][r] += value[o][j] * in[j];
        }
    }
#pragma unroll
    for (int o = 0; o < OUTPUTS; o++) {
        float mine = 0; /* lane r finishes row r */
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            const float all = lt_warp_sum(sum[o][r]);
            mine = lane == r ? all : mine;
        }
        const int64_t output = first + o;
        if (lane < f.rows && output < f.outputs) {
            if (f.scale != NULL && !lt_in_blocks<W>)
                mine *= ((const float *)f.scale)[output];
            if (f.bias != NULL)
                mine += f.bias[output];
            mine = lt_activate(mine, f.act);
            if (f.out_type == LT_F32)
                ((float *)f.out)[lane * f.out_stride + output] = mine;
            else
                ((lt_bf16 *)f.out)[lane * f.out_stride + output] = lt_from_float<lt_bf16>(mine);
        }
    }
}

template <typename X, typename W, int ROWS, int OUTPUTS, int N, bool ALIGNED>
static lt_status launch(lt_cuda *c, const few &f, lt_error *err)
{
    const int64_t blocks = lt_cuda_ceil_div(f.outputs, THREADS / LT_WARP * OUTPUTS);
    return lt_cuda_launch_early(c, "linear: few rows", err, (unsigned)blocks, THREADS, 0,
                                few_kernel<X, W, ROWS, OUTPUTS, N, ALIGNED>, f);
}

template <typename X, typename W, int ROWS> static lt_status pick_outputs(lt_cuda *c, const few &f, lt_error *err)
{
    constexpr int N = lt_weights_in_16<W>;
    if (f.outputs >= (int64_t)OUTPUTS_TWO * c->facts.multiprocessors)
        return launch<X, W, ROWS, 2, N, true>(c, f, err);
    return launch<X, W, ROWS, 1, N, true>(c, f, err);
}

/* Rows of blocks are whole blocks, so only x can lie badly for them. */
template <typename X, typename W> static lt_status pick_rows(lt_cuda *c, const few &f, lt_error *err)
{
    constexpr int N = lt_weights_in_16<W>;
    constexpr int x_bytes = N * (int)sizeof(X) < 16 ? N * (int)sizeof(X) : 16;
    const bool aligned = f.inputs % N == 0 && (uintptr_t)f.w % 16 == 0 && (uintptr_t)f.x % x_bytes == 0 &&
                         f.x_stride * (int64_t)sizeof(X) % x_bytes == 0;
    if (!aligned)
        return launch<X, W, LT_FEW_ROWS, 1, lt_in_blocks<W> ? N : 1, false>(c, f, err);
    if (f.rows == 1)
        return pick_outputs<X, W, 1>(c, f, err);
    if (f.rows == 2)
        return pick_outputs<X, W, 2>(c, f, err);
    if (f.rows <= 4)
        return pick_outputs<X, W, 4>(c, f, err);
    return pick_outputs<X, W, LT_FEW_ROWS>(c, f, err);
}

template <typename X> static lt_status pick_weight(lt_cuda *c, const few &f, lt_dtype stored, lt_error *err)
{
    switch (stored) {
    case LT_F32:
        return pick_rows<X, float>(c, f, err);
    case LT_BF16:
        return pick_rows<X, lt_bf16>(c, f, err);
    case LT_I8:
        return pick_rows<X, int8_t>(c, f, err);
    case LT_Q8:
        return pick_rows<X, lt_q8>(c, f, err);
    case LT_Q4:
        return pick_rows<X, lt_q4>(c, f, err);
    default:
        return lt_fail(err, LT_ERR_FAILED, "cuda: linear: a matrix of %s, expected f32, bf16 or integers",
                       lt_dtype_name(stored));
    }
}

lt_status lt_cuda_linear_few(lt_cuda *c, lt_tensor out, lt_tensor x, const lt_weight *w, const float *bias, lt_act act,
                             lt_error *err)
{
    few f = {};
    f.x = x.data;
    f.w = w->value.data;
    f.scale = lt_is_none(&w->scale) ? NULL : w->scale.data;
    f.bias = bias;
    f.out = out.data;
    f.out_type = out.dtype;
    f.x_stride = x.stride[0];
    f.out_stride = out.stride[0];
    f.inputs = x.dim[1];
    f.outputs = out.dim[1];
    f.rows = (int)x.dim[0];
    f.act = act;
    return x.dtype == LT_F32 ? pick_weight<float>(c, f, w->value.dtype, err) : pick_weight<lt_bf16>(c, f, w->value.dtype, err);
}
