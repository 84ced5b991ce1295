/* cuda_wgmma.cuh - what sm_90a has and no other: products of E4M3 by four warps at once that go on
 * beside them, and bulk copies that tell a barrier in shared memory. The host build has its own
 * versions of the same functions, to the letter of the PTX manual ("Register fragments for
 * wgmma.mma_async.m64nNk32", "Matrix descriptor format", "mbarrier").
 *
 * Of lane L of warp W (of the four), with g = L / 4 and t = L % 4:
 *     a   64 x 32, rows x depth     a[0] row 16 W + g, columns 4t .. 4t + 3, the first in the
 *                                   lowest byte;  a[1] row + 8;  a[2] columns + 16;  a[3] both
 *     b   32 x 64, depth x columns  in shared memory, a row of 64 bytes for each column, chunks of
 *                                   16 where lt_wgmma_place says
 *     c   64 x 64, f32              c[i] row 16 W + g + 8 (i / 2 % 2),
 *                                   column 8 (i / 4) + 2t + i % 2
 */
#ifndef LT_CUDA_WGMMA_CUH
#define LT_CUDA_WGMMA_CUH

#include "kernels/cuda/cuda_device.cuh"

/* Where byte `column` of row `row` lies in a tile that begins on 512 bytes, rows of
 * 64: the swizzle of 64 bytes. */
static __device__ __forceinline__ int lt_wgmma_place(int row, int column)
{
    return row * 64 + ((column / 16) ^ (row >> 1 & 3)) * 16 + column % 16;
}

#ifdef __CUDACC__

static __device__ __forceinline__ uint32_t lt_shared_address(const void *p)
{
    return (uint32_t)__cvta_generic_to_shared(p);
}

/* Opens when `count` threads have arrived and the bytes that they expect are there.
 * Its first phase has parity 0. */
static __device__ __forceinline__ void lt_barrier_make(uint64_t *b, int count)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(lt_shared_address(b)), "r"(count));
}

/* By the thread that made them; others may use them after __syncthreads. */
static __device__ __forceinline__ void lt_barriers_made()
{
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/* Until the phase of that parity has ended. */
static __device__ __forceinline__ void lt_barrier_wait(uint64_t *b, int parity)
{
    asm volatile(
        "{\n.reg .pred p;\nW_%=:\nmbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n@p bra D_%=;\nbra W_%=;\nD_%=:\n}" ::
            "r"(lt_shared_address(b)),
        "r"(parity)
        : "memory");
}

static __device__ __forceinline__ void lt_barrier_arrive(uint64_t *b)
{
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(lt_shared_address(b)) : "memory");
}

/* Arrives, and `bytes` more are to come. */
static __device__ __forceinline__ void lt_barrier_expect(uint64_t *b, int bytes)
{
    asm volatile(
        "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(lt_shared_address(b)),
        "r"(bytes)
        : "memory");
}

/* From global to shared memory, both on 16 bytes and so many; `b` hears when they are there. */
static __device__ __forceinline__ void lt_copy_bulk(void *to, const void *from, int bytes,
                                                    uint64_t *b)
{
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
            "r"(lt_shared_address(to)),
        "l"(from), "r"(bytes), "r"(lt_shared_address(b))
        : "memory");
}

#define LT_FOUR(how, d, i)  how(d[i]), how(d[i + 1]), how(d[i + 2]), how(d[i + 3])
#define LT_EIGHT(how, d, i) LT_FOUR(how, d, i), LT_FOUR(how, d, i + 4)
#define LT_ALL(how, d)                                                                             \
    LT_EIGHT(how, d, 0), LT_EIGHT(how, d, 8), LT_EIGHT(how, d, 16), LT_EIGHT(how, d, 24)
#define LT_WGMMA(test, how)                                                                        \
    asm volatile("{\n.reg .pred p;\nsetp." test ".b32 p, 0, 0;\n"                                  \
                 "wgmma.mma_async.sync.aligned.m64n64k32.f32.e4m3.e4m3 "                           \
                 "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, "              \
                 "%15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, "     \
                 "%30, %31}, {%32, %33, %34, %35}, %36, p, 1, "                                    \
                 "1;\n}"                                                                           \
                 : LT_ALL(how, c)                                                                  \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b))

/* c = a b. Begins it: c is there after lt_wgmma_wait and lt_wgmma_hold. */
static __device__ __forceinline__ void lt_wgmma_first(float (&c)[32], const uint32_t (&a)[4],
                                                      uint64_t b)
{
    LT_WGMMA("ne", "=&f");
}

/* c += a b. */
static __device__ __forceinline__ void lt_wgmma_add(float (&c)[32], const uint32_t (&a)[4],
                                                    uint64_t b)
{
    LT_WGMMA("eq", "+f");
}

#undef LT_WGMMA
#undef LT_ALL
#undef LT_EIGHT
#undef LT_FOUR

/* Before the first product after other instructions have written its registers. */
static __device__ __forceinline__ void lt_wgmma_fence()
{
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

static __device__ __forceinline__ void lt_wgmma_commit()
{
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

/* Until all that was committed is done. */
static __device__ __forceinline__ void lt_wgmma_wait()
{
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
}

/* The compiler may not move what these registers hold across. */
static __device__ __forceinline__ void lt_wgmma_hold(float (&c)[32])
{
#pragma unroll
    for (int i = 0; i < 32; i++)
        asm volatile("" : "+f"(c[i])::"memory");
}

/* 2^x, f32's denormal numbers as 0. */
static __device__ __forceinline__ float lt_exp2(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

#else
#include <host_wgmma.h>
#endif

/* b of a product: 32 bytes of every row of a tile as above. The next 32 are two further: + 2. */
static __device__ __forceinline__ uint64_t lt_wgmma_tile(const void *tile)
{
    uint64_t d = (lt_shared_address(tile) & 0x3ffffu) >> 4;
    d |= (uint64_t)1 << 16;             /* not used where rows are swizzled */
    d |= (uint64_t)(8 * 64 >> 4) << 32; /* from eight rows to the next eight */
    return d | (uint64_t)2 << 62;       /* the swizzle of 64 bytes */
}

#endif
