/* cuda_linear_e4m3.cu - matrices in 8 bits: q = E4M3(x / scale), scale = largest |x| / 448, of each
 * row or of the whole matrix.
 *
 * What is not finite makes its row (or all) NaN or zero times infinity, so that it shows in the
 * sums. Memory bound: rows with scales of their own are read once, others twice.
 */
#include "kernels/cuda/cuda_e4m3.cuh"
#include "kernels/cuda/cuda_linear.h"

enum {
    WARPS = 8,
    PACK = 8,
    ROW_THREADS = 128, /* of a block that holds a row */
    HELD = 8,          /* packs of a thread: rows of up to 8192 values */
    LARGEST_THREADS = LT_WARP * LT_WARP
};

/* This warp's row; a warp behind the last one has nothing to do. */
static __device__ __forceinline__ int64_t row_of_warp()
{
    return (int64_t)blockIdx.x * WARPS + threadIdx.x / LT_WARP;
}

static __global__ void scales_kernel(float *scale, const lt_bf16 *from, int64_t rows,
                                     int64_t columns, int64_t stride)
{
    const int64_t row = row_of_warp();
    if (row >= rows)
        return;
    float most = 0;
    for (int64_t i = threadIdx.x % LT_WARP * PACK; i < columns; i += LT_WARP * PACK) {
        float x[PACK];
        lt_load_floats<lt_bf16, PACK>(from + row * stride + i, x);
#pragma unroll
        for (int k = 0; k < PACK; k++)
            most = fmaxf(most, fabsf(x[k]));
    }
    most = lt_warp_max(most);
    if (threadIdx.x % LT_WARP == 0)
        scale[row] = lt_e4m3_unit(most);
}

/* scale[0] = the largest of all; one block. */
static __global__ void __launch_bounds__(LARGEST_THREADS) largest_kernel(float *scale, int64_t rows)
{
    __shared__ float largest[LARGEST_THREADS / LT_WARP];
    float most = 0;
    for (int64_t i = threadIdx.x; i < rows; i += LARGEST_THREADS)
        most = fmaxf(most, scale[i]);
    most = lt_warp_max(most);
    if (threadIdx.x % LT_WARP == 0)
        largest[threadIdx.x / LT_WARP] = most;
    __syncthreads();
    if (threadIdx.x >= LT_WARP)
        return;
    most = lt_warp_max(largest[threadIdx.x]); /* a part for each lane */
    if (threadIdx.x == 0)
        scale[0] = most;
}

static __global__ void narrow_kernel(uint8_t *out, const float *scale, bool by_row,
                                     const lt_bf16 *from, int64_t rows, int64_t columns,
                                     int64_t stride)
{
    const int64_t row = row_of_warp();
    if (row >= rows)
        return;
    const float factor = 1.0f / scale[by_row ? row : 0];
    for (int64_t i = threadIdx.x % LT_WARP * PACK; i < columns; i += LT_WARP * PACK) {
        float x[PACK];
        lt_load_floats<lt_bf16, PACK>(from + row * stride + i, x);
        lt_store<uint8_t, PACK>(out + row * columns + i, lt_e4m3_pack(x, factor));
    }
}

/* Both at once where every row has a scale of its own: a block holds the row in
 * registers and reads it once. */
static __global__ void __launch_bounds__(ROW_THREADS)
    rows_kernel(uint8_t *out, float *scale, const lt_bf16 *from, int64_t columns, int64_t stride)
{
    __shared__ float largest[ROW_THREADS / LT_WARP];
    const int64_t row = blockIdx.x;
    lt_pack<lt_bf16, PACK> held[HELD];
    float most = 0;
#pragma unroll
    for (int h = 0; h < HELD; h++) {
        const int64_t at = ((int64_t)h * ROW_THREADS + threadIdx.x) * PACK;
        if (at < columns)
            held[h] = lt_load<lt_bf16, PACK>(from + row * stride + at);
    }
#pragma unroll
    for (int h = 0; h < HELD; h++)
        if (((int64_t)h * ROW_THREADS + threadIdx.x) * PACK < columns)
#pragma unroll
            for (int k = 0; k < PACK; k++)
                most = fmaxf(most, fabsf(lt_to_float(held[h].at[k])));
    most = lt_warp_max(most);
    if (threadIdx.x % LT_WARP == 0)
        largest[threadIdx.x / LT_WARP] = most;
    __syncthreads();
#pragma unroll
    for (int i = 0; i < ROW_THREADS / LT_WARP; i++)
        most = fmaxf(most, largest[i]);
    const float unit = lt_e4m3_unit(most);
    if (threadIdx.x == 0)
        scale[row] = unit;
    const float factor = 1.0f / unit;
#pragma unroll
    for (int h = 0; h < HELD; h++) {
        const int64_t at = ((int64_t)h * ROW_THREADS + threadIdx.x) * PACK;
        if (at >= columns)
            continue;
        float x[PACK];
#pragma unroll
        for (int k = 0; k < PACK; k++)
            x[k] = lt_to_float(held[h].at[k]);
        lt_store<uint8_t, PACK>(out + row * columns + at, lt_e4m3_pack(x, factor));
    }
}

lt_status lt_cuda_to_e4m3(lt_cuda *c, uint8_t *out, float *scale, lt_tensor from, bool by_row,
                          lt_error *err)
{
    const int64_t rows = from.dim[0];
    const int64_t columns = from.dim[1];
    const lt_bf16 *values = (const lt_bf16 *)from.data;
    const unsigned grid = (unsigned)lt_cuda_ceil_div(rows, WARPS);
    if (by_row && columns <= (int64_t)ROW_THREADS * HELD * PACK)
        return lt_cuda_launch(c, "linear: e4m3", err, (unsigned)rows, ROW_THREADS, 0, rows_kernel,
                              out, scale, values, columns, from.stride[0]);
    LT_TRY(lt_cuda_launch(c, "linear: e4m3", err, grid, WARPS * LT_WARP, 0, scales_kernel, scale,
                          values, rows, columns, from.stride[0]));
    if (!by_row)
        LT_TRY(lt_cuda_launch(c, "linear: e4m3", err, 1, LARGEST_THREADS, 0, largest_kernel, scale,
                              rows));
    return lt_cuda_launch(c, "linear: e4m3", err, grid, WARPS * LT_WARP, 0, narrow_kernel, out,
                          (const float *)scale, by_row, values, rows, columns, from.stride[0]);
}
