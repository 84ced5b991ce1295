/* host_mma.h - tensor cores for the host build: what cuda_mma.cuh does with PTX, from the manual's
 * tables of fragments. A warp's lanes lay what they hold on a table of their warp, wait for each
 * other, and read it. Test-only. */
#ifndef HOST_MMA_H
#define HOST_MMA_H

#include <string.h>

#include "cuda_bf16.h"
#include "cuda_runtime.h"

struct host_fragments {
    uint32_t a[4];
    uint32_t b[2];
    const void *row;
};

inline host_fragments *host_table()
{
    static thread_local host_fragments table[32][32]; /* [warp][lane] */
    const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    return table[thread / 32];
}

/* Half `which` of a register as a number. */
inline float host_half(uint32_t pair, int which)
{
    return lt_bf16_to_f32((uint16_t)(pair >> (16 * which)));
}

inline void lt_mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    host_fragments *table = host_table();
    const int lane = host_lane();
    memcpy(table[lane].a, a, sizeof a);
    table[lane].b[0] = b0;
    table[lane].b[1] = b1;
    __syncwarp();
    float sum[4];
    for (int i = 0; i < 4; i++) {
        const int row = lane / 4 + i / 2 * 8;
        const int column = lane % 4 * 2 + i % 2;
        sum[i] = c[i];
        for (int k = 0; k < 16; k++) {
            const host_fragments &left = table[row % 8 * 4 + k % 8 / 2];
            const host_fragments &right = table[column * 4 + k % 8 / 2];
            sum[i] +=
                host_half(left.a[row / 8 + k / 8 * 2], k % 2) * host_half(right.b[k / 8], k % 2);
        }
    }
    __syncwarp(); /* before a lane lays down something else */
    memcpy(c, sum, sizeof sum);
}

/* Rows as the lanes say them; (row, column) of matrix i. */
inline uint32_t host_element(const host_fragments *table, int matrix, int row, int column)
{
    uint16_t bits;
    memcpy(&bits, (const uint16_t *)table[8 * matrix + row].row + column, sizeof bits);
    return bits;
}

inline void lt_load_fragments(uint32_t (&r)[4], const __nv_bfloat16 *row)
{
    host_fragments *table = host_table();
    const int g = host_lane() / 4;
    const int t = host_lane() % 4;
    table[host_lane()].row = row;
    __syncwarp();
    for (int i = 0; i < 4; i++)
        r[i] = host_element(table, i, g, 2 * t) | host_element(table, i, g, 2 * t + 1) << 16;
    __syncwarp();
}

inline void lt_load_fragments_transposed(uint32_t (&r)[4], const __nv_bfloat16 *row)
{
    host_fragments *table = host_table();
    const int g = host_lane() / 4;
    const int t = host_lane() % 4;
    table[host_lane()].row = row;
    __syncwarp();
    for (int i = 0; i < 4; i++)
        r[i] = host_element(table, i, 2 * t, g) | host_element(table, i, 2 * t + 1, g) << 16;
    __syncwarp();
}

/* Copies at once, so that waits are not tested. */
inline void lt_copy_begin(void *to, const void *from, bool there)
{
    if (there)
        memcpy(to, from, 16);
    else
        memset(to, 0, 16);
}

inline void lt_copy_group()
{
}

template <int LATER> inline void lt_copy_wait()
{
}

inline uint32_t lt_pair(float low, float high)
{
    return lt_f32_to_bf16(low) | (uint32_t)lt_f32_to_bf16(high) << 16;
}

#endif
