/* cuda_conv_direct.cu - a piece of a convolution by our own hands, for what cuDNN has no plan for.
 *
 * A matrix product whose left matrix is never written: row p is an output pixel, column k = ((a kh
 * + b) kw + c) Cin + i one of the values it is made of, which is the order of the weight in memory.
 *
 *     out[p, o] = bias[o] + add[p, o] + sum over k of
 *         in[frame + a, s y + b - top, s x + c - left, i] w[o, k]
 *
 * A block of 256 threads makes 64 pixels x 64 channels. Slices of 16 k are staged in shared memory
 * as f32; a thread sums 4 x 4 of the results in registers. Plain f32 arithmetic in the order of k.
 */
#include "kernels/cuda/cuda_conv.h"
#include "kernels/cuda/cuda_device.cuh"

enum {
    THREADS = 256,
    PIXELS = 64, /* of a block; CHANNELS too */
    CHANNELS = 64,
    DEPTH = 16,         /* k of a slice */
    EACH = 4,           /* results of a thread, both ways */
    PITCH = PIXELS + 4, /* keeps 16 bytes aligned and rows off each other's banks */
    LOADS = PIXELS * DEPTH / THREADS
};

/* One of the pixels whose inputs a thread fetches. */
typedef struct {
    int64_t frame; /* offset of its first frame in the input, elements; -1: beyond the last pixel */
    int64_t row;   /* of its first tap, may be outside */
    int64_t column;
} source;

static __device__ __forceinline__ source source_of(const lt_conv_piece &p, int64_t pixel)
{
    source s = {-1, 0, 0};
    if (pixel < p.frames * p.out_rows * p.out_columns) {
        s.column = pixel % p.out_columns * p.stride - p.left;
        s.row = pixel / p.out_columns % p.out_rows * p.stride - p.top;
        s.frame = pixel / p.out_columns / p.out_rows * p.in_frame;
    }
    return s;
}

/* Where column k of the left matrix lies, from a pixel's first tap. */
typedef struct {
    int64_t frame; /* elements */
    int64_t row;
    int64_t column;
    int64_t channel;
} tap;

static __device__ __forceinline__ tap tap_of(const lt_conv_piece &p, unsigned k)
{
    const unsigned channels = (unsigned)p.in_channels;
    const unsigned at = k / channels;
    const unsigned row = at / (unsigned)p.kw;
    return {row / (unsigned)p.kh * p.in_frame, row % (unsigned)p.kh, at % (unsigned)p.kw,
            k % channels};
}

template <typename T>
static __device__ __forceinline__ float input_at(const lt_conv_piece &p, const source &s,
                                                 const tap &t)
{
    const int64_t column = s.column + t.column;
    const int64_t row = s.row + t.row;
    if (s.frame < 0 || row < 0 || row >= p.in_rows || column < 0 || column >= p.in_columns)
        return 0;
    return lt_to_float(
        ((const T *)
             p.in)[s.frame + t.frame + (row * p.in_columns + column) * p.in_channels + t.channel]);
}

template <typename T>
static __device__ __forceinline__ float weight_at(const lt_conv_piece &p, int64_t channel,
                                                  int64_t k, int64_t depth)
{
    if (channel >= p.out_channels)
        return 0;
    return lt_to_float(((const T *)p.w)[channel * depth + k]);
}

template <typename T>
static __device__ __forceinline__ void finish(const lt_conv_piece &p, int64_t pixel,
                                              int64_t channel, float sum)
{
    if (pixel >= p.frames * p.out_rows * p.out_columns || channel >= p.out_channels)
        return;
    const int64_t in_frame = p.out_rows * p.out_columns;
    const int64_t at = pixel / in_frame * p.out_frame + pixel % in_frame * p.out_channels + channel;
    if (p.bias != NULL)
        sum += p.bias[channel];
    if (p.add != NULL)
        sum += lt_to_float(((const T *)p.add)[at]);
    ((T *)p.out)[at] = lt_from_float<T>(sum);
}

template <typename T> static __global__ void __launch_bounds__(THREADS) conv_kernel(lt_conv_piece p)
{
    __shared__ __align__(16) float in[DEPTH][PITCH];
    __shared__ __align__(16) float w[DEPTH][PITCH];
    const int64_t depth = p.kt * p.kh * p.kw * p.in_channels;
    const int64_t first_pixel = (int64_t)blockIdx.x * PIXELS;
    const int64_t first_channel = (int64_t)blockIdx.y * CHANNELS;
    const int k_mine = (int)threadIdx.x % DEPTH; /* neighbours fetch neighbouring channels */
    const int row_mine = (int)threadIdx.x / DEPTH;
    const int x = (int)threadIdx.x % (CHANNELS / EACH);
    const int y = (int)threadIdx.x / (CHANNELS / EACH);

    source from[LOADS];
#pragma unroll
    for (int i = 0; i < LOADS; i++)
        from[i] = source_of(p, first_pixel + row_mine + i * (THREADS / DEPTH));

    float sum[EACH][EACH] = {};
    for (int64_t k0 = 0; k0 < depth; k0 += DEPTH) {
        const int64_t k = k0 + k_mine;
        const tap t = tap_of(p, (unsigned)k);
#pragma unroll
        for (int i = 0; i < LOADS; i++) {
            const int row = row_mine + i * (THREADS / DEPTH);
            in[k_mine][row] = k < depth ? input_at<T>(p, from[i], t) : 0;
            w[k_mine][row] = k < depth ? weight_at<T>(p, first_channel + row, k, depth) : 0;
        }
        __syncthreads();
#pragma unroll
        for (int d = 0; d < DEPTH; d++) {
            const lt_pack<float, EACH> a = lt_load<float, EACH>(&in[d][y * EACH]);
            const lt_pack<float, EACH> b = lt_load<float, EACH>(&w[d][x * EACH]);
#pragma unroll
            for (int i = 0; i < EACH; i++)
#pragma unroll
                for (int j = 0; j < EACH; j++)
                    sum[i][j] += a.at[i] * b.at[j];
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < EACH; i++)
#pragma unroll
        for (int j = 0; j < EACH; j++)
            finish<T>(p, first_pixel + y * EACH + i, first_channel + x * EACH + j, sum[i][j]);
}

lt_status lt_cuda_conv_direct(lt_cuda *c, const lt_conv_piece *p, lt_error *err)
{
    const int64_t pixels = p->frames * p->out_rows * p->out_columns;
    const dim3 grid((unsigned)lt_cuda_ceil_div(pixels, PIXELS),
                    (unsigned)lt_cuda_ceil_div(p->out_channels, CHANNELS));
    if (p->type == LT_F32)
        return lt_cuda_launch(c, "conv", err, grid, THREADS, 0, conv_kernel<float>, *p);
    return lt_cuda_launch(c, "conv", err, grid, THREADS, 0, conv_kernel<lt_bf16>, *p);
}
