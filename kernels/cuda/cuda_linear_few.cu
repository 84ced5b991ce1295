/* cuda_linear_few.cu - products with up to eight rows: steps of the language model, embeddings of
 * the time.
 *
 *     out[r, o] = act(scale[o] * sum over i of x[r, i] w[o, i] + bias[o])  [+ out[r, o]]
 *
 * Bound by reading the weight, so every value of it is read once, 16 bytes at a time, in the type
 * that it is stored in (f32, bf16, i8 with a scale for each output, q8 or q4 with a scale for each
 * block). One warp sums SUMS rows of weights for all rows of x; its lanes take neighbouring packs,
 * so a warp reads 512 bytes in a row. x comes from the L1 cache, which the warps of a block share.
 * Sums are f32, in 32 lanes, then a tree: the same bits for any number of rows.
 *
 * What goes with a product costs no kernel of its own:
 *   - rms_norm of x: 1 / sqrt(mean(x^2) + eps) is the same for a whole row, so it is multiplied to
 *     its sums at the end, and every
 *     warp adds up the squares beside them;
 *   - a gate: the two rows of weights of a warp are one of each matrix, and it stores act(first) *
 *     second.
 */
#include "kernels/cuda/cuda_linear.h"
#include "kernels/cuda/cuda_linear_number.cuh"

enum {
    THREADS = 256,
    SUMS_TWO = 32 /* warps of a multiprocessor that are busy with one row of weights each, before a
                     warp takes two */
};

typedef struct {
    const void *x;
    const void *w;     /* [outputs, inputs] */
    const void *scale; /* f32 [outputs] of i8, f16 of blocks, or NULL */
    const void *up;    /* like w, which is its gate; or NULL */
    const void *up_scale;
    const float *norm; /* [inputs], or NULL */
    const float *bias; /* [outputs], or NULL */
    void *out;         /* f32 or bf16 */
    lt_dtype out_type;
    int64_t x_stride;
    int64_t out_stride;
    int64_t inputs;
    int64_t outputs;
    float eps;
    int rows;
    lt_act act;
    bool adds;
} few;

/* Row of weights `s` of a warp whose first output is `first`: with a gate,
 * row 1 is of the other matrix. */
static __device__ __forceinline__ bool is_of_up(const few &f, int s)
{
    return s == 1 && f.up != NULL;
}

static __device__ __forceinline__ int64_t output_of(const few &f, int64_t first, int s)
{
    return is_of_up(f, s) ? first : first + s;
}

/* Asks the L2 cache for the beginnings of this warp's rows while kernels before this one still run.
 * A hint: nothing is read. */
template <typename W, int SUMS>
static __device__ __forceinline__ void ask_for_weights(const few &f, int64_t first, int lane)
{
    constexpr int LINE = 128;
    const int64_t bytes = f.inputs * 16 / lt_weights_in_16<W>;
    if (lane * LINE >= bytes)
        return;
#pragma unroll
    for (int s = 0; s < SUMS; s++) {
        const int64_t output = output_of(f, first, s);
        if (output >= f.outputs)
            break;
        lt_ask_cache((const char *)(is_of_up(f, s) ? f.up : f.w) + output * bytes + lane * LINE);
    }
}

static __device__ __forceinline__ void store(const few &f, int64_t row, int64_t output, float value)
{
    const int64_t at = row * f.out_stride + output;
    if (f.out_type == LT_F32) {
        float *out = (float *)f.out + at;
        *out = f.adds ? *out + value : value;
    } else {
        lt_bf16 *out = (lt_bf16 *)f.out + at;
        *out = lt_from_float<lt_bf16>(f.adds ? lt_to_float(*out) + value : value);
    }
}

/* Blocks that a multiprocessor has room for. A warp of one row of weights is one of sixteen there
 * (2048 outputs on 132 multiprocessors), so it has twice as many packs under way; of two rows there
 * are enough for 32 warps, 64 KB under way. Wide packs take more registers. */
template <int ROWS, int SUMS, int N>
constexpr int blocks_least = ROWS > 2             ? 1
                             : SUMS == 1 || N > 8 ? 2
                                                  : 4;
template <int SUMS, int N> constexpr int under_way = SUMS == 1 && N <= 8 ? 8 : 4;

/* N: values of w that are taken at once. ALIGNED: rows of x begin where packs of N may be loaded.
 * ROWS >= f.rows: rows beyond repeat the last. NORMED: f.norm is there. A gate wants two SUMS. */
template <typename X, typename W, int ROWS, int SUMS, int N, bool ALIGNED, bool NORMED>
static __global__ void __launch_bounds__(THREADS, (blocks_least<ROWS, SUMS, N>)) few_kernel(few f)
{
    const int lane = (int)threadIdx.x % LT_WARP;
    const bool gates = f.up != NULL;
    const int64_t first =
        ((int64_t)blockIdx.x * (THREADS / LT_WARP) + threadIdx.x / LT_WARP) * (gates ? 1 : SUMS);
    if (first < f.outputs)
        ask_for_weights<W, SUMS>(f, first, lane);
    lt_after_earlier();
    if (first >= f.outputs)
        return;
    const W *w[SUMS];
    const void *scale[SUMS];
    int64_t begin[SUMS]; /* of a row of weights, in elements */
#pragma unroll
    for (int s = 0; s < SUMS; s++) {
        const int64_t output = output_of(f, first, s);
        w[s] = (const W *)(is_of_up(f, s) ? f.up : f.w);
        scale[s] = is_of_up(f, s) ? f.up_scale : f.scale;
        begin[s] = (output < f.outputs ? output : first) * f.inputs;
    }
    const X *x[ROWS];
#pragma unroll
    for (int r = 0; r < ROWS; r++)
        x[r] = (const X *)f.x + (r < f.rows ? r : f.rows - 1) * f.x_stride;

    float sum[SUMS][ROWS] = {};
    float square[ROWS] = {};
#pragma unroll under_way < SUMS, N>
    for (int64_t i = lane * N; i < f.inputs; i += LT_WARP * N) {
        float value[SUMS][N];
#pragma unroll
        for (int s = 0; s < SUMS; s++)
            lt_load_weights<N>(value[s], w[s], scale[s], begin[s] + i);
        float gain[N];
        if (NORMED)
            lt_load_numbers<float, N>(gain, f.norm + i);
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
            if (NORMED) {
#pragma unroll
                for (int j = 0; j < N; j++) {
                    square[r] += in[j] * in[j];
                    in[j] *= gain[j];
                }
            }
#pragma unroll
            for (int s = 0; s < SUMS; s++)
#pragma unroll
                for (int j = 0; j < N; j++)
                    sum[s][r] += value[s][j] * in[j];
        }
    }

    float inverse = 1; /* of lane r for row r, which it finishes */
    float mine[SUMS] = {};
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        if (NORMED) {
            const float all = lt_warp_sum(square[r]);
            inverse = lane == r ? 1.0f / sqrtf(all / (float)f.inputs + f.eps) : inverse;
        }
#pragma unroll
        for (int s = 0; s < SUMS; s++) {
            const float all = lt_warp_sum(sum[s][r]);
            mine[s] = lane == r ? all : mine[s];
        }
    }
    if (lane >= f.rows)
        return;
#pragma unroll
    for (int s = 0; s < SUMS; s++) {
        const int64_t output = output_of(f, first, s);
        if (output >= f.outputs)
            break;
        if (scale[s] != NULL && !lt_in_blocks<W>)
            mine[s] *= ((const float *)scale[s])[output];
        mine[s] *= inverse;
        if (f.bias != NULL)
            mine[s] += f.bias[output];
        if (!is_of_up(f, s))
            mine[s] = lt_activate(mine[s], f.act);
        if (!gates)
            store(f, lane, output, mine[s]);
    }
    if (gates)
        store(f, lane, first, mine[0] * mine[SUMS - 1]);
}

template <typename X, typename W, int ROWS, int SUMS, int N, bool ALIGNED, bool NORMED>
static lt_status launch(lt_cuda *c, const few &f, lt_error *err)
{
    const int64_t blocks =
        lt_cuda_ceil_div(f.outputs, THREADS / LT_WARP * (f.up != NULL ? 1 : SUMS));
    return lt_cuda_launch_early(c, "linear: few rows", err, (unsigned)blocks, THREADS, 0,
                                few_kernel<X, W, ROWS, SUMS, N, ALIGNED, NORMED>, f);
}

/* A norm is worth two rows of weights for a warp, which share it, wherever it is. */
template <typename X, typename W, int ROWS, int N, bool ALIGNED>
static lt_status pick_sums(lt_cuda *c, const few &f, lt_error *err)
{
    if (f.norm != NULL)
        return launch<X, W, ROWS, 2, N, ALIGNED, true>(c, f, err);
    if (f.up != NULL || f.outputs >= (int64_t)SUMS_TWO * c->facts.multiprocessors)
        return launch<X, W, ROWS, 2, N, ALIGNED, false>(c, f, err);
    return launch<X, W, ROWS, 1, N, ALIGNED, false>(c, f, err);
}

/* Rows of blocks are whole blocks, so only x can lie badly for them. */
template <typename X, typename W>
static lt_status pick_rows(lt_cuda *c, const few &f, lt_error *err)
{
    constexpr int N = lt_weights_in_16<W>;
    constexpr int x_bytes = N * (int)sizeof(X) < 16 ? N * (int)sizeof(X) : 16;
    const bool aligned = f.inputs % N == 0 && (uintptr_t)f.w % 16 == 0 &&
                         (uintptr_t)f.up % 16 == 0 && (uintptr_t)f.x % x_bytes == 0 &&
                         f.x_stride * (int64_t)sizeof(X) % x_bytes == 0;
    if (!aligned)
        return pick_sums < X, W, LT_FEW_ROWS, lt_in_blocks<W> ? N : 1, false > (c, f, err);
    if (f.rows == 1)
        return pick_sums<X, W, 1, N, true>(c, f, err);
    if (f.rows == 2)
        return pick_sums<X, W, 2, N, true>(c, f, err);
    if (f.rows <= 4)
        return pick_sums<X, W, 4, N, true>(c, f, err);
    return pick_sums<X, W, LT_FEW_ROWS, N, true>(c, f, err);
}

template <typename X>
static lt_status pick_weight(lt_cuda *c, const few &f, lt_dtype stored, lt_error *err)
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
        return lt_fail(err, LT_ERR_FAILED,
                       "cuda: linear: a matrix of %s, expected f32, bf16 or integers",
                       lt_dtype_name(stored));
    }
}

static const void *scales_of(const lt_weight *w)
{
    return lt_is_none(&w->scale) ? NULL : w->scale.data;
}

lt_status lt_cuda_linear_few(lt_cuda *c, const lt_few_job *j, lt_error *err)
{
    few f = {};
    f.x = j->x.data;
    f.w = j->w->value.data;
    f.scale = scales_of(j->w);
    if (j->up != NULL) {
        f.up = j->up->value.data;
        f.up_scale = scales_of(j->up);
    }
    if (j->norm != NULL) {
        f.norm = lt_cuda_vector(j->norm->w);
        f.eps = j->norm->eps;
    }
    f.bias = j->bias;
    f.out = j->out.data;
    f.out_type = j->out.dtype;
    f.x_stride = j->x.stride[0];
    f.out_stride = j->out.stride[0];
    f.inputs = j->x.dim[1];
    f.outputs = j->out.dim[1];
    f.rows = (int)j->x.dim[0];
    f.act = j->act;
    f.adds = j->adds;
    const lt_dtype stored = j->w->value.dtype;
    return j->x.dtype == LT_F32 ? pick_weight<float>(c, f, stored, err)
                                : pick_weight<lt_bf16>(c, f, stored, err);
}
