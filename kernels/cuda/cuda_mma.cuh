/* cuda_mma.cuh - tensor cores and what feeds them, sm_80 and later: one product of small bf16
 * matrices by a warp, fragments out of shared memory, copies into it that do not wait. The host
 * build has its own versions of the same functions, to the letter of the PTX manual ("Matrix
 * fragments for mma.m16n8k16", "ldmatrix").
 *
 * Of lane L, with g = L / 4 and t = L % 4, a register holds two neighbours (the first in its lower
 * half):
 *     a   16 x 16, rows x depth     a[0] row g, columns 2t, 2t+1;  a[1] row g + 8;
 *                                   a[2] row g, columns + 8;  a[3] both
 *     b   16 x 8, depth x columns   b[0] column g, rows 2t, 2t+1;  b[1] rows + 8
 *     c   16 x 8, f32               c[0], c[1] row g, columns 2t, 2t+1;  c[2], c[3] row g + 8
 */
#ifndef LT_CUDA_MMA_CUH
#define LT_CUDA_MMA_CUH

#include "kernels/cuda/cuda_device.cuh"

#ifdef __CUDACC__

/* c += a b. All lanes of the warp take part. */
__device__ __forceinline__ void lt_mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0,
                                       uint32_t b1)
{
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/* Four 8 x 8 matrices of bf16 in shared memory: row r of matrix i begins where lane 8 i + r says,
 * on 16 bytes. r[i] gets row g, columns 2t, 2t+1 of matrix i. */
__device__ __forceinline__ void lt_load_fragments(uint32_t (&r)[4], const lt_bf16 *row)
{
    const uint32_t at = (uint32_t)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(at)
                 : "memory");
}

/* The same, transposed: r[i] gets column g, rows 2t, 2t+1 of matrix i. */
__device__ __forceinline__ void lt_load_fragments_transposed(uint32_t (&r)[4], const lt_bf16 *row)
{
    const uint32_t at = (uint32_t)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(at)
                 : "memory");
}

/* Begins to copy 16 bytes to shared memory, or to fill them with zeros where there is nothing to
 * copy. `from` is an address of the device all the same. */
__device__ __forceinline__ void lt_copy_begin(void *to, const void *from, bool there)
{
    const uint32_t at = (uint32_t)__cvta_generic_to_shared(to);
    const int bytes = there ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(at),
                 "l"(__cvta_generic_to_global(from)), "r"(bytes)
                 : "memory");
}

/* Ends a group of copies of this thread. */
__device__ __forceinline__ void lt_copy_group()
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Until at most LATER groups of this thread are still under way. Others
 * see the bytes after a barrier. */
template <int LATER> __device__ __forceinline__ void lt_copy_wait()
{
    asm volatile("cp.async.wait_group %0;" ::"n"(LATER) : "memory");
}

/* Two floats, rounded, as one register: `low` in the lower half. */
__device__ __forceinline__ uint32_t lt_pair(float low, float high)
{
    uint32_t pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

#else
#include <host_mma.h>
#endif

#endif
