/* host_wgmma.h - what cuda_wgmma.cuh does with PTX, for the host build. Products happen at once,
 * from codes that are found where descriptor and swizzle say. A copy happens when somebody waits
 * for its barrier; until then the place holds codes of NaN. Test-only. */
#ifndef HOST_WGMMA_H
#define HOST_WGMMA_H

#include <stdio.h>
#include <stdlib.h>

#include <vector>

#include "host_e4m3.h"
#include "host_mma.h"

/* The 18 bits of an address in shared memory that a descriptor keeps, and back. */
enum { HOST_SHARED_SPAN = 1 << 18 };

inline uint32_t lt_shared_address(const void *p)
{
    return (uint32_t)((uintptr_t)p % HOST_SHARED_SPAN);
}

inline const uint8_t *host_shared_place(uint32_t address)
{
    return lt_dynamic_shared +
           (address + HOST_SHARED_SPAN - lt_shared_address(lt_dynamic_shared)) % HOST_SHARED_SPAN;
}

/* ---- barriers, copies ---- */

struct host_barrier {
    uint16_t phases; /* that have ended */
    uint16_t count;
    uint16_t missing;
    uint16_t bytes;
};

struct host_copy {
    void *to;
    const void *from;
    int bytes;
    host_barrier *barrier;
};

/* On their way. */
inline std::vector<host_copy> &host_copies()
{
    static thread_local std::vector<host_copy> all;
    return all;
}

inline host_barrier *host_barrier_at(uint64_t *b)
{
    static_assert(sizeof(host_barrier) == sizeof *b, "a barrier is 8 bytes");
    return reinterpret_cast<host_barrier *>(b);
}

inline void host_barrier_look(host_barrier *b)
{
    if (b->missing > 0 || b->bytes > 0)
        return;
    b->missing = b->count;
    b->phases++;
}

inline void lt_barrier_make(uint64_t *b, int count)
{
    *host_barrier_at(b) = {0, (uint16_t)count, (uint16_t)count, 0};
}

inline void lt_barriers_made()
{
}

inline void lt_barrier_arrive(uint64_t *b)
{
    host_barrier_at(b)->missing--;
    host_barrier_look(host_barrier_at(b));
}

inline void lt_barrier_expect(uint64_t *b, int bytes)
{
    host_barrier_at(b)->bytes = (uint16_t)(host_barrier_at(b)->bytes + bytes);
    lt_barrier_arrive(b);
}

inline void lt_copy_bulk(void *to, const void *from, int bytes, uint64_t *b)
{
    host_copies().push_back({to, from, bytes, host_barrier_at(b)});
    memset(to, 0xff, (size_t)bytes);
}

inline void lt_barrier_wait(uint64_t *b, int parity)
{
    host_barrier *const barrier = host_barrier_at(b);
    std::vector<host_copy> later;
    for (const host_copy &c : host_copies()) {
        if (c.barrier != barrier) {
            later.push_back(c);
            continue;
        }
        memcpy(c.to, c.from, (size_t)c.bytes);
        barrier->bytes = (uint16_t)(barrier->bytes - c.bytes);
        host_barrier_look(barrier);
    }
    host_copies() = later;
    host_wait_until([barrier, parity] { return (barrier->phases & 1) != parity; });
}

/* ---- products ---- */

inline const float *host_codes()
{
    static const struct table {
        float value[256];
        table()
        {
            for (int i = 0; i < 256; i++)
                value[i] = (float)host_e4m3_value((uint8_t)i);
        }
    } all;
    return all.value;
}

inline void lt_wgmma_add(float (&c)[32], const uint32_t (&a)[4], uint64_t b)
{
    const float *const value = host_codes();
    host_fragments *table = host_table();
    const int lane = host_lane();
    const uint32_t begin = (uint32_t)(b & 0x3fff) << 4;
    const uint32_t eight_rows = (uint32_t)(b >> 32 & 0x3fff) << 4;
    if (b >> 62 != 2) {
        fprintf(stderr, "cuda-host: a product of a tile without the swizzle of 64 bytes\n");
        abort();
    }
    memcpy(table[lane].a, a, sizeof a);
    __syncwarp();
    for (int i = 0; i < 32; i++) {
        const int row = lane / 4 + i / 2 % 2 * 8;
        const uint32_t column = (uint32_t)(i / 4 * 8 + lane % 4 * 2 + i % 2);
        float sum = 0;
        for (uint32_t k = 0; k < 32; k++) {
            const uint32_t plain = begin + column / 8 * eight_rows + column % 8 * 64 + k;
            const uint8_t right = *host_shared_place(plain ^ (plain >> 7 & 3) << 4);
            const uint32_t left =
                table[row % 8 * 4 + (int)(k % 16 / 4)].a[row / 8 + (int)(k / 16) * 2] >>
                (8 * (k % 4));
            sum += value[left & 0xff] * value[right];
        }
        c[i] += sum;
    }
    __syncwarp(); /* before a lane lays down something else */
}

inline void lt_wgmma_first(float (&c)[32], const uint32_t (&a)[4], uint64_t b)
{
    memset(c, 0, sizeof c);
    lt_wgmma_add(c, a, b);
}

inline void lt_wgmma_fence()
{
}

inline void lt_wgmma_commit()
{
}

inline void lt_wgmma_wait()
{
}

inline void lt_wgmma_hold(float (&)[32])
{
}

inline float lt_exp2(float x)
{
    return exp2f(x);
}

#endif
