/* cuda_attention_e4m3.cu - attention in 8 bits around a kernel of cuDNN's: q, k and v become codes of E4M3, each of the three with one unit
 * (its largest |value| / 448), cuDNN's result is codes as well, and becomes bf16.
 *
 * A result is a mean of v, so it fits v's unit. Weights are at most 1 and are rounded as 256 times themselves. Everything is read
 * twice, once for the largest value, and written once: memory bound. What is not finite comes out as NaN.
 */
#include "kernels/cuda/cuda_attention.h"
#include "kernels/cuda/cuda_e4m3.cuh"
#include "kernels/cuda/cudnn_graph.h"

enum {
    WARPS = 8,
    THREADS = WARPS * LT_WARP,
    PACK = 8,
    OPERANDS = 3,      /* q, k, v */
    PEAK_BLOCKS = 256  /* for each of them */
};

static const float weight_factor = 256.0f;

/* bf16 in memory, [B, rows, h, d]. */
typedef struct {
    lt_bf16 *memory;
    int64_t stride[3];
    int rows;
} operand;

typedef struct {
    operand of[OPERANDS];
    int batches;
    int heads;
    int d;
} operands;

/* Where row `row` of the batch's rows begins, and in it pack `at`. */
static __device__ __forceinline__ lt_bf16 *row_of(const operand &x, int64_t row)
{
    return x.memory + row / x.rows * x.stride[0] + row % x.rows * x.stride[1];
}

static __device__ __forceinline__ int64_t pack_in_row(const operand &x, unsigned at, unsigned packs_of_head)
{
    return at / packs_of_head * x.stride[2] + at % packs_of_head * PACK;
}

/* peak[operand, block] = largest |value| of the block's rows. */
static __global__ void __launch_bounds__(THREADS) peaks_kernel(float *peak, const __grid_constant__ operands all)
{
    __shared__ float largest[WARPS];
    const operand &x = all.of[blockIdx.y];
    const int64_t rows = (int64_t)all.batches * x.rows;
    const unsigned packs_of_head = (unsigned)all.d / PACK;
    const unsigned packs = (unsigned)all.heads * packs_of_head;
    float most = 0;
    for (int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.x / LT_WARP; row < rows; row += PEAK_BLOCKS * WARPS) {
        const lt_bf16 *from = row_of(x, row);
#pragma unroll 4
        for (unsigned at = threadIdx.x % LT_WARP; at < packs; at += LT_WARP) {
            float value[PACK];
            lt_load_floats<lt_bf16, PACK>(from + pack_in_row(x, at, packs_of_head), value);
#pragma unroll
            for (int i = 0; i < PACK; i++)
                most = fmaxf(most, fabsf(value[i]));
        }
    }
    most = lt_warp_max(most);
    if (threadIdx.x % LT_WARP == 0)
        largest[threadIdx.x / LT_WARP] = most;
    __syncthreads();
    for (int i = 0; i < WARPS; i++)
        most = fmaxf(most, largest[i]);
    if (threadIdx.x == 0)
        peak[blockIdx.y * PEAK_BLOCKS + blockIdx.x] = most;
}

static __device__ __forceinline__ float &number(float *numbers, int which)
{
    return numbers[which * (LT_E4M3_ALIGN / (int)sizeof(float))];
}

/* One warp. */
static __global__ void numbers_kernel(float *numbers, const float *peak)
{
    float unit[OPERANDS];
    for (int k = 0; k < OPERANDS; k++) {
        float most = 0;
        for (int i = (int)threadIdx.x; i < PEAK_BLOCKS; i += LT_WARP)
            most = fmaxf(most, peak[k * PEAK_BLOCKS + i]);
        unit[k] = lt_e4m3_unit(lt_warp_max(most));
    }
    if (threadIdx.x != 0)
        return;
    number(numbers, LT_E4M3_Q_UNIT) = unit[0];
    number(numbers, LT_E4M3_K_UNIT) = unit[1];
    number(numbers, LT_E4M3_V_UNIT) = unit[2];
    number(numbers, LT_E4M3_WEIGHT_FACTOR) = weight_factor;
    number(numbers, LT_E4M3_WEIGHT_UNIT) = 1.0f / weight_factor;
    number(numbers, LT_E4M3_OUT_FACTOR) = 1.0f / unit[2];
    number(numbers, LT_E4M3_LARGEST) = 0;
}

typedef struct {
    uint8_t *of[OPERANDS]; /* packed */
} codes;

static __global__ void __launch_bounds__(THREADS) narrow_kernel(const __grid_constant__ codes out, float *numbers,
                                                                const __grid_constant__ operands all)
{
    const operand &x = all.of[blockIdx.y];
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.x / LT_WARP;
    if (row >= (int64_t)all.batches * x.rows)
        return;
    const unsigned packs_of_head = (unsigned)all.d / PACK;
    const unsigned packs = (unsigned)all.heads * packs_of_head;
    const float factor = 1.0f / number(numbers, LT_E4M3_Q_UNIT + (int)blockIdx.y);
    const lt_bf16 *from = row_of(x, row);
    uint8_t *to = out.of[blockIdx.y] + row * packs * PACK;
#pragma unroll 4
    for (unsigned at = threadIdx.x % LT_WARP; at < packs; at += LT_WARP) {
        float value[PACK];
        lt_load_floats<lt_bf16, PACK>(from + pack_in_row(x, at, packs_of_head), value);
        lt_store<uint8_t, PACK>(to + at * PACK, lt_e4m3_pack(value, factor));
    }
}

static __global__ void __launch_bounds__(THREADS) widen_kernel(const operand out, const uint8_t *from, float *numbers, int batches, int heads,
                                                               int d)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.x / LT_WARP;
    if (row >= (int64_t)batches * out.rows)
        return;
    const unsigned packs_of_head = (unsigned)d / PACK;
    const unsigned packs = (unsigned)heads * packs_of_head;
    const float unit = number(numbers, LT_E4M3_V_UNIT);
    lt_bf16 *to = row_of(out, row);
#pragma unroll 4
    for (unsigned at = threadIdx.x % LT_WARP; at < packs; at += LT_WARP) {
        const lt_pack<uint8_t, PACK> code = lt_load<uint8_t, PACK>(from + row * packs * PACK + at * PACK);
        float value[PACK];
#pragma unroll
        for (int i = 0; i < PACK; i++)
            value[i] = unit * lt_e4m3_value(code.at[i]);
        lt_store_floats<lt_bf16, PACK>(to + pack_in_row(out, at, packs_of_head), value);
    }
}

static operand operand_of(const void *memory, const int64_t *stride, int rows)
{
    operand x = {};
    x.memory = (lt_bf16 *)memory;
    for (int i = 0; i < 3; i++)
        x.stride[i] = stride[i];
    x.rows = rows;
    return x;
}

/* The job in codes, and what goes with it; from `at` on in device memory. */
typedef struct {
    lt_attention_job job;
    codes inputs;
    float *numbers;
    float *peaks;
    void *rest; /* cuDNN's own workspace */
} narrowed;

static void *take(uintptr_t *at, size_t bytes)
{
    const uintptr_t place = *at;
    *at += (bytes + LT_CUDA_ALIGN - 1) / LT_CUDA_ALIGN * LT_CUDA_ALIGN;
    return (void *)place;
}

static narrowed lay_out(uintptr_t at, const lt_attention_job &j)
{
    const size_t width = (size_t)j.batches * (size_t)j.heads * (size_t)j.d;
    narrowed n = {};
    n.inputs.of[0] = (uint8_t *)take(&at, width * (size_t)j.n);
    n.inputs.of[1] = (uint8_t *)take(&at, width * (size_t)j.m);
    n.inputs.of[2] = (uint8_t *)take(&at, width * (size_t)j.m);
    n.job = j;
    n.job.q = n.inputs.of[0];
    n.job.k = n.inputs.of[1];
    n.job.v = n.inputs.of[2];
    n.job.out = take(&at, width * (size_t)j.n);
    n.numbers = (float *)take(&at, LT_E4M3_NUMBERS * LT_E4M3_ALIGN);
    n.peaks = (float *)take(&at, OPERANDS * PEAK_BLOCKS * sizeof(float));
    n.rest = (void *)at;
    return n;
}

static lt_status run(lt_cuda *c, const lt_attention_job &j, const lt_cudnn_plan *plan, const narrowed &n, lt_error *err)
{
    static const char *const place = "attention: e4m3";
    operands all = {};
    all.of[0] = operand_of(j.q, j.q_stride, j.n);
    all.of[1] = operand_of(j.k, j.k_stride, j.m);
    all.of[2] = operand_of(j.v, j.v_stride, j.m);
    all.batches = j.batches;
    all.heads = j.heads;
    all.d = j.d;
    const int most_rows = j.n > j.m ? j.n : j.m;
    const unsigned inputs = (unsigned)lt_cuda_ceil_div((int64_t)j.batches * most_rows, WARPS);
    const unsigned results = (unsigned)lt_cuda_ceil_div((int64_t)j.batches * j.n, WARPS);
    LT_TRY(lt_cuda_launch(c, place, err, dim3(PEAK_BLOCKS, OPERANDS), THREADS, 0, peaks_kernel, n.peaks, all));
    LT_TRY(lt_cuda_launch(c, place, err, 1, LT_WARP, 0, numbers_kernel, n.numbers, (const float *)n.peaks));
    LT_TRY(lt_cuda_launch(c, place, err, dim3(inputs, OPERANDS), THREADS, 0, narrow_kernel, n.inputs, n.numbers, all));
    LT_TRY(lt_cudnn_attention_e4m3(c, plan, &n.job, n.numbers, n.rest, err));
    return lt_cuda_launch(c, place, err, results, THREADS, 0, widen_kernel, operand_of(j.out, j.out_stride, j.n),
                          (const uint8_t *)n.job.out, n.numbers, j.batches, j.heads, j.d);
}

lt_status lt_cuda_attention_e4m3(lt_cuda *c, const lt_attention_job *j, bool *done, lt_error *err)
{
    lt_cudnn_plan *plan;
    void *workspace;
    LT_TRY(lt_cudnn_need(c, err));
    LT_TRY(lt_cudnn_attention_e4m3_plan(c->cudnn, j, &plan, err));
    *done = plan != NULL;
    if (plan == NULL)
        return LT_OK;
    const size_t ours = (size_t)(uintptr_t)lay_out(0, *j).rest;
    LT_TRY(lt_cuda_workspace(c, ours + lt_cudnn_plan_workspace(plan), &workspace, err));
    return run(c, *j, plan, lay_out((uintptr_t)workspace, *j), err);
}
