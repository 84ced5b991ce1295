/* cuda_normal.cu - normals of a draw, bit for bit those of kernels/core/philox.c: Philox4x32-10,
 * Box-Muller with log, sin and cos in double. One thread makes the four normals of one counter. */
#include "kernels/cuda/cuda_philox.cuh"

enum { THREADS = 128 };

static __device__ __forceinline__ void box_muller(uint32_t a, uint32_t b, float *out)
{
    const float two_pi = 6.28318530717958647692f;
    const float radius = sqrtf(-2.0f * (float)log((double)lt_cuda_uniform(a)));
    const double angle = (double)__fmul_rn(two_pi, lt_cuda_uniform(b));
    out[0] = __fmul_rn(radius, (float)sin(angle));
    out[1] = __fmul_rn(radius, (float)cos(angle));
}

/* Thread t has elements 4 (first / 4 + t) .. + 3 of the draw; those before `first`
 * or past the end are left out. */
static __global__ void normal_kernel(float *out, int64_t count, lt_draw draw, uint64_t first)
{
    const uint64_t end = first + (uint64_t)count;
    const int64_t items = (int64_t)((end + 3) / 4 - first / 4);
    for (int64_t item = lt_first_item(); item < items; item += lt_item_step()) {
        const uint64_t block = first / 4 + (uint64_t)item;
        const lt_philox4 x = lt_cuda_philox(
            {{(uint32_t)block, draw.step, draw.window, (uint32_t)draw.stage}}, draw.seed);
        float four[4];
        box_muller(x.word[0], x.word[1], four);
        box_muller(x.word[2], x.word[3], four + 2);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const uint64_t element = 4 * block + (uint64_t)i;
            if (element >= first && element < end)
                out[element - first] = four[i];
        }
    }
}

lt_status lt_cuda_normal(lt_backend *b, lt_tensor out, lt_draw draw, uint64_t first, lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    const int64_t count = lt_numel(&out);
    return lt_cuda_launch(c, "normal", err, lt_cuda_blocks_for(c, count / 4 + 2, THREADS), THREADS,
                          0, normal_kernel, (float *)out.data, count, draw, first);
}
