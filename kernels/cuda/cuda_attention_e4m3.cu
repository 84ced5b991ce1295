/* cuda_attention_e4m3.cu - attention in 8 bits for heads of 64 on sm_90 (built for sm_90a, which
 * has what cuda_wgmma.cuh asks for).
 *
 * q, k and v become codes of E4M3 with one unit each (its largest |value| / 448), k and v in tiles
 * of KEYS keys that lie in memory as wgmma reads them from shared memory, so that one bulk copy
 * brings a tile. A block has WARPGROUPS groups of four warps with 64 queries each, which never wait
 * for each other but through the tiles: while one counts exponentials others multiply. Weights stay
 * in registers: two neighbours of a row in the sums are what A of the next product wants if keys
 * are taken in another order, in which tiles_kernel lays v. They are rounded as 256 times
 * themselves. Sums of weights times v stay f32 from tile to tile: the tensor cores keep fewer bits.
 * What is not finite comes out as NaN.
 */
#include "kernels/cuda/cuda_attention.h"
#include "kernels/cuda/cuda_e4m3.cuh"
#include "kernels/cuda/cuda_wgmma.cuh"

enum {
    D = 64,
    KEYS = 64,      /* of a tile */
    WARPGROUPS = 4, /* of a block */
    THREADS = WARPGROUPS * 128,
    ROWS = WARPGROUPS * 64,
    STAGES = 6,      /* tiles on their way or in use */
    TILE = KEYS * D, /* bytes */
    PEAK_BLOCKS = 256,
    PEAK_THREADS = 256,
    OPERANDS = 3
};

/* Device memory of the operation. */
typedef struct {
    uint8_t *q;   /* [B, h, tiles KEYS, D] */
    uint8_t *k;   /* [B, h, tiles, KEYS, D], chunks of 16 where lt_wgmma_place says */
    uint8_t *v;   /* [B, h, tiles, D, KEYS], the same */
    float *peaks; /* [OPERANDS, PEAK_BLOCKS] */
    float *units; /* [OPERANDS] */
} places;

/* bf16 [B, rows, h, D] */
typedef struct {
    const lt_bf16 *memory;
    int64_t stride[3];
    int rows;
} operand;

typedef struct {
    operand of[OPERANDS];
    int batches;
    int heads;
    int q_tiles;
    int k_tiles;
} operands;

/* ---- the largest values ---- */

static __global__ void __launch_bounds__(PEAK_THREADS)
    peaks_kernel(float *peak, const __grid_constant__ operands all)
{
    __shared__ float largest[PEAK_THREADS / LT_WARP];
    const operand &x = all.of[blockIdx.y];
    const int64_t rows = (int64_t)all.batches * x.rows;
    const unsigned packs = (unsigned)all.heads * (D / 8);
    float most = 0;
    for (int64_t row = (int64_t)blockIdx.x * (PEAK_THREADS / LT_WARP) + threadIdx.x / LT_WARP;
         row < rows; row += PEAK_BLOCKS * (PEAK_THREADS / LT_WARP)) {
        const lt_bf16 *from = x.memory + row / x.rows * x.stride[0] + row % x.rows * x.stride[1];
#pragma unroll 4
        for (unsigned at = threadIdx.x % LT_WARP; at < packs; at += LT_WARP) {
            float value[8];
            lt_load_floats<lt_bf16, 8>(from + at / (D / 8) * x.stride[2] + at % (D / 8) * 8, value);
#pragma unroll
            for (int i = 0; i < 8; i++)
                most = fmaxf(most, fabsf(value[i]));
        }
    }
    most = lt_warp_max(most);
    if (threadIdx.x % LT_WARP == 0)
        largest[threadIdx.x / LT_WARP] = most;
    __syncthreads();
    for (int i = 0; i < PEAK_THREADS / LT_WARP; i++)
        most = fmaxf(most, largest[i]);
    if (threadIdx.x == 0)
        peak[blockIdx.y * PEAK_BLOCKS + blockIdx.x] = most;
}

/* One warp. */
static __global__ void units_kernel(float *units, const float *peak)
{
    for (int k = 0; k < OPERANDS; k++) {
        float most = 0;
        for (int i = (int)threadIdx.x; i < PEAK_BLOCKS; i += LT_WARP)
            most = fmaxf(most, peak[k * PEAK_BLOCKS + i]);
        most = lt_warp_max(most);
        if (threadIdx.x == 0)
            units[k] = lt_e4m3_unit(most);
    }
}

/* ---- tiles ---- */

/* A block for a tile of one operand and head; a thread has four keys that are neighbours in v's
 * tile, and eight columns. */
static __global__ void __launch_bounds__(2 * KEYS)
    tiles_kernel(const __grid_constant__ places to, const __grid_constant__ operands all)
{
    __shared__ __align__(16) uint8_t turned[TILE];
    const int which = (int)blockIdx.z;
    const operand &x = all.of[which];
    const int tiles = which == 0 ? all.q_tiles : all.k_tiles;
    if ((int)blockIdx.x >= tiles)
        return;
    const int batch = (int)blockIdx.y / all.heads;
    const int head = (int)blockIdx.y % all.heads;
    const int column = (int)threadIdx.x % 8 * 8;
    const int quad = (int)threadIdx.x / 8;
    const int t = quad % 4;
    const int half = quad / 4; /* of 16 keys */
    const float factor = 1.0f / to.units[which];
    uint8_t *const tile = (which == 0   ? to.q
                           : which == 1 ? to.k
                                        : to.v) +
                          ((int64_t)blockIdx.y * tiles + blockIdx.x) * TILE;
    lt_pack<uint8_t, 8> codes[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const int key = half * 16 + (i >> 1) * 8 + 2 * t + (i & 1);
        const int64_t row = (int64_t)blockIdx.x * KEYS + key;
        float value[8] = {};
        if (row < x.rows)
            lt_load_floats<lt_bf16, 8>(x.memory + batch * x.stride[0] + row * x.stride[1] +
                                           head * x.stride[2] + column,
                                       value);
        codes[i] = lt_e4m3_pack(value, factor);
        if (which < 2)
            lt_store<uint8_t, 8>(
                tile + (which == 0 ? key * D + column : lt_wgmma_place(key, column)), codes[i]);
    }
    if (which < 2)
        return;
#pragma unroll
    for (int n = 0; n < 8; n++)
        *reinterpret_cast<uint32_t *>(turned + lt_wgmma_place(column + n, half * 16 + 4 * t)) =
            (uint32_t)codes[0].at[n] | (uint32_t)codes[1].at[n] << 8 |
            (uint32_t)codes[2].at[n] << 16 | (uint32_t)codes[3].at[n] << 24;
    __syncthreads();
    for (int i = (int)threadIdx.x; i < TILE / 16; i += 2 * KEYS)
        reinterpret_cast<uint4 *>(tile)[i] = reinterpret_cast<const uint4 *>(turned)[i];
}

/* ---- attention ---- */

typedef struct {
    uint8_t k[STAGES][TILE];
    uint8_t v[STAGES][TILE];
    uint64_t full[STAGES];
    uint64_t empty[STAGES];
} shared_memory;

typedef struct {
    lt_bf16 *memory;
    int64_t stride[3];
} result;

/* A block for ROWS queries of a head. Lane L of a warp has rows L / 4 and L / 4 + 8 of its 16,
 * columns 2 (L % 4) + {0, 1} of every eight. */
static __global__ void __launch_bounds__(THREADS, 1)
    attention_kernel(const __grid_constant__ result out, const __grid_constant__ places in, int n,
                     int m, int heads, int q_tiles, int k_tiles, float scale)
{
#if defined(__CUDA_ARCH__) && !defined(__CUDA_ARCH_FEAT_SM90_ALL)
    __trap(); /* lt_cuda_has_attention_e4m3 says so */
#else
    extern __shared__ __align__(16) unsigned char lt_dynamic_shared[];
    shared_memory &s = *reinterpret_cast<shared_memory *>(
        (reinterpret_cast<uintptr_t>(lt_dynamic_shared) + 1023) / 1024 * 1024);
    const int lane = (int)threadIdx.x % 32;
    const int g = lane / 4;
    const int t = lane % 4;
    const int64_t first = (int64_t)blockIdx.y * k_tiles;
    /* q and k of zeros: 0 times -INFINITY */
    const float c = fmaxf(in.units[0] * in.units[1] * scale * 1.44269504f, 1e-30f);
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES; i++) {
            lt_barrier_make(&s.full[i], 1);
            lt_barrier_make(&s.empty[i], WARPGROUPS * 4);
        }
        lt_barriers_made();
    }
    __syncthreads();
    auto bring = [&](int j) {
        lt_barrier_expect(&s.full[j % STAGES], 2 * TILE);
        lt_copy_bulk(s.k[j % STAGES], in.k + (first + j) * TILE, TILE, &s.full[j % STAGES]);
        lt_copy_bulk(s.v[j % STAGES], in.v + (first + j) * TILE, TILE, &s.full[j % STAGES]);
    };
    if (threadIdx.x == 0)
        for (int j = 0; j < STAGES && j < k_tiles; j++)
            bring(j);
    const int row = (int)blockIdx.x * ROWS + (int)threadIdx.x / 32 * 16 + g;
    uint32_t q[2][4];
#pragma unroll
    for (int kk = 0; kk < 2; kk++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int r = row + (i & 1) * 8;
            q[kk][i] = r < q_tiles * KEYS
                           ? *reinterpret_cast<const uint32_t *>(
                                 in.q + ((int64_t)blockIdx.y * q_tiles * KEYS + r) * D + kk * 32 +
                                 (i >> 1) * 16 + 4 * t)
                           : 0;
        }
    float x[32];
    float o[32];
    float add[32];
    float most[2] = {-INFINITY, -INFINITY};
    float sum[2] = {0, 0};
    uint32_t p[2][4] = {};
#pragma unroll
    for (int i = 0; i < 32; i++)
        o[i] = 0;
    auto ask = [&](int j) { /* scores of tile j */
                            const uint64_t k = lt_wgmma_tile(s.k[j % STAGES]);
                            lt_wgmma_first(x, q[0], k);
                            lt_wgmma_add(x, q[1], k + 2);
                            lt_wgmma_commit();
    };
    auto mix = [&](int j) {
        const uint64_t v = lt_wgmma_tile(s.v[j % STAGES]);
        lt_wgmma_first(add, p[0], v);
        lt_wgmma_add(add, p[1], v + 2);
        lt_wgmma_commit();
    };
    auto weigh = [&](int j, bool last) {
        if (last) {
#pragma unroll
            for (int i = 0; i < 32; i++)
                if (i / 4 * 8 + 2 * t + i % 2 >= m - j * KEYS)
                    x[i] = -INFINITY;
        }
        float now[2] = {most[0], most[1]};
#pragma unroll
        for (int i = 0; i < 32; i++)
            now[i / 2 % 2] = fmaxf(now[i / 2 % 2], x[i]);
#pragma unroll
        for (int r = 0; r < 2; r++) {
            now[r] = fmaxf(now[r], __shfl_xor_sync(0xffffffffu, now[r], 1));
            now[r] = fmaxf(now[r], __shfl_xor_sync(0xffffffffu, now[r], 2));
        }
        if (__any_sync(0xffffffffu, now[0] != most[0] || now[1] != most[1])) {
            float shrink[2];
#pragma unroll
            for (int r = 0; r < 2; r++) {
                shrink[r] = lt_exp2((most[r] - now[r]) * c);
                sum[r] *= shrink[r];
                most[r] = now[r];
            }
#pragma unroll
            for (int i = 0; i < 32; i++)
                o[i] *= shrink[i / 2 % 2];
        }
        const float less[2] = {8.0f - most[0] * c, 8.0f - most[1] * c};
        float part[4] = {};
#pragma unroll
        for (int i = 0; i < 32; i++) {
            x[i] = lt_exp2(fmaf(x[i], c, less[i / 2 % 2]));
            part[i % 4] += x[i];
        }
#pragma unroll
        for (int kk = 0; kk < 2; kk++) {
            const float *e = x + kk * 16;
            p[kk][0] = lt_e4m3_four(e[0], e[1], e[4], e[5]);
            p[kk][1] = lt_e4m3_four(e[2], e[3], e[6], e[7]);
            p[kk][2] = lt_e4m3_four(e[8], e[9], e[12], e[13]);
            p[kk][3] = lt_e4m3_four(e[10], e[11], e[14], e[15]);
        }
        sum[0] += part[0] + part[1];
        sum[1] += part[2] + part[3];
    };

    lt_barrier_wait(&s.full[0], 0);
    lt_wgmma_fence();
    ask(0);
    lt_wgmma_wait();
    lt_wgmma_hold(x);
    for (int j = 0; j + 1 < k_tiles; j++) {
        if (j > 0 && lane == 0)
            lt_barrier_arrive(&s.empty[(j - 1) % STAGES]);
        if (threadIdx.x == 0 && j >= 2 && j - 2 + STAGES < k_tiles) {
            lt_barrier_wait(&s.empty[(j - 2) % STAGES], (j - 2) / STAGES & 1);
            bring(j - 2 + STAGES);
        }
        __syncwarp();
        weigh(j, false);
        lt_barrier_wait(&s.full[(j + 1) % STAGES], (j + 1) / STAGES & 1);
        lt_wgmma_fence();
        mix(j);
        ask(j + 1);
        lt_wgmma_wait();
        lt_wgmma_hold(x);
        lt_wgmma_hold(add);
#pragma unroll
        for (int i = 0; i < 32; i++)
            o[i] += add[i];
    }
    weigh(k_tiles - 1, true);
    lt_wgmma_fence();
    mix(k_tiles - 1);
    lt_wgmma_wait();
    lt_wgmma_hold(add);
    lt_bf16 *to = out.memory + (int)blockIdx.y / heads * out.stride[0] +
                  (int)blockIdx.y % heads * out.stride[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
        sum[r] += __shfl_xor_sync(0xffffffffu, sum[r], 1);
        sum[r] += __shfl_xor_sync(0xffffffffu, sum[r], 2);
        if (row + 8 * r >= n)
            continue;
        const float factor = in.units[2] / sum[r];
#pragma unroll
        for (int i = 0; i < 8; i++) {
            const float pair[2] = {(o[4 * i + 2 * r] + add[4 * i + 2 * r]) * factor,
                                   (o[4 * i + 2 * r + 1] + add[4 * i + 2 * r + 1]) * factor};
            lt_store_floats<lt_bf16, 2>(to + (row + 8 * r) * out.stride[1] + 8 * i + 2 * t, pair);
        }
    }
#endif
}

static operand operand_of(const void *memory, const int64_t *stride, int rows)
{
    operand x = {};
    x.memory = (const lt_bf16 *)memory;
    for (int i = 0; i < 3; i++)
        x.stride[i] = stride[i];
    x.rows = rows;
    return x;
}

static void *take(uintptr_t *at, size_t bytes)
{
    const uintptr_t place = *at;
    *at += (bytes + LT_CUDA_ALIGN - 1) / LT_CUDA_ALIGN * LT_CUDA_ALIGN;
    return (void *)place;
}

static places lay_out(uintptr_t at, const operands &all, size_t *bytes)
{
    const uintptr_t begin = at;
    const size_t heads = (size_t)all.batches * (size_t)all.heads;
    places p = {};
    p.q = (uint8_t *)take(&at, heads * (size_t)all.q_tiles * TILE);
    p.k = (uint8_t *)take(&at, heads * (size_t)all.k_tiles * TILE);
    p.v = (uint8_t *)take(&at, heads * (size_t)all.k_tiles * TILE);
    p.peaks = (float *)take(&at, OPERANDS * PEAK_BLOCKS * sizeof(float));
    p.units = (float *)take(&at, OPERANDS * sizeof(float));
    *bytes = at - begin;
    return p;
}

bool lt_cuda_has_attention_e4m3(const lt_cuda *c)
{
    return LT_CUDA_SM90A && c->facts.capability == 90;
}

lt_status lt_cuda_attention_e4m3(lt_cuda *c, const lt_attention_job *j, lt_error *err)
{
    static const char *const place = "attention: e4m3";
    operands all = {};
    all.of[0] = operand_of(j->q, j->q_stride, j->n);
    all.of[1] = operand_of(j->k, j->k_stride, j->m);
    all.of[2] = operand_of(j->v, j->v_stride, j->m);
    all.batches = j->batches;
    all.heads = j->heads;
    all.q_tiles = (int)lt_cuda_ceil_div(j->n, KEYS);
    all.k_tiles = (int)lt_cuda_ceil_div(j->m, KEYS);
    result out = {};
    out.memory = (lt_bf16 *)j->out;
    for (int i = 0; i < 3; i++)
        out.stride[i] = j->out_stride[i];
    const unsigned heads = (unsigned)(j->batches * j->heads);
    const unsigned most_tiles = (unsigned)(all.q_tiles > all.k_tiles ? all.q_tiles : all.k_tiles);
    size_t bytes;
    void *workspace;
    (void)lay_out(0, all, &bytes);
    LT_TRY(lt_cuda_workspace(c, bytes, &workspace, err));
    const places p = lay_out((uintptr_t)workspace, all, &bytes);
    LT_TRY(lt_cuda_launch(c, place, err, dim3(PEAK_BLOCKS, OPERANDS), PEAK_THREADS, 0, peaks_kernel,
                          p.peaks, all));
    LT_TRY(lt_cuda_launch(c, place, err, 1, LT_WARP, 0, units_kernel, p.units,
                          (const float *)p.peaks));
    LT_TRY(lt_cuda_launch(c, place, err, dim3(most_tiles, heads, OPERANDS), 2 * KEYS, 0,
                          tiles_kernel, p, all));
    return lt_cuda_launch(c, place, err, dim3((unsigned)lt_cuda_ceil_div(j->n, ROWS), heads),
                          THREADS, sizeof(shared_memory) + 1024, attention_kernel, out, p, j->n,
                          j->m, j->heads, all.q_tiles, all.k_tiles, j->scale);
}
