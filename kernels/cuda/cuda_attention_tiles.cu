/* cuda_attention_tiles.cu - attention in bf16 on tensor cores, with visible keys for each row and
 * T5's bias.
 *
 * A block takes 64 queries of one head, 16 for each of its four warps, and goes through the keys in
 * tiles of 64, as far as any of its rows sees. The softmax runs along: when a tile raises a row's
 * largest score, what was summed so far shrinks.
 *
 *     s = q k^T            16 x 64 a warp, f32, in registers
 *     p = 2^(s - largest)  rounded to bf16; the layout of a result is the layout of a left operand
 *     acc += p v
 *
 * The tiles of keys and values are copied to shared memory while the ones before are in use, two
 * stages of each. Rows of shared memory are D + 8 apart, so that eight of them fall into different
 * banks. Columns d .. D - 1 are zeros.
 */
#include "kernels/cuda/cuda_attention.h"
#include "kernels/cuda/cuda_mma.cuh"

enum {
    WARPS = 4,
    THREADS = WARPS * LT_WARP,
    QUERIES = 64, /* of a block */
    KEYS = 64,    /* of a tile */
    STAGES = 2,
    PACK = 8 /* bf16 in 16 bytes */
};

static constexpr float log2_e = 1.44269504088896340736f;

template <int D> struct tile_memory {
    lt_bf16 k[STAGES][KEYS][D + PACK];
    lt_bf16 v[STAGES][KEYS][D + PACK];
};

/* Dynamic shared memory has one name in a program. */
extern __shared__ __align__(128) unsigned char lt_dynamic_shared[];

/* Begins to copy `count` rows from row `first` on into a tile of KEYS; rows beyond are zeros. */
template <int D>
static __device__ __forceinline__ void begin_tile(lt_bf16 (*tile)[D + PACK], const lt_bf16 *base,
                                                  int64_t row_stride, int first, int count, int d)
{
    constexpr int PACKS = D / PACK;
    for (int i = (int)threadIdx.x; i < KEYS * PACKS; i += THREADS) {
        const int row = i / PACKS;
        const int column = i % PACKS * PACK;
        const bool there = row < count && column < d;
        lt_copy_begin(&tile[row][column], there ? base + (first + row) * row_stride + column : base,
                      there);
    }
}

/* The warp's 16 queries as left operands: two neighbours at a time, straight from memory; rows
 * beyond n are zeros. */
template <int D>
static __device__ __forceinline__ void
load_queries(uint32_t (&q)[D / 16][4], const lt_attention_job &j, const lt_bf16 *base, int row)
{
    const int t = (int)threadIdx.x % 4;
#pragma unroll
    for (int part = 0; part < D / 16; part++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int from = row + i % 2 * 8;
            const int column = part * 16 + i / 2 * 8 + 2 * t;
            q[part][i] =
                from < j.n && column < j.d
                    ? *reinterpret_cast<const uint32_t *>(base + from * j.q_stride[1] + column)
                    : 0;
        }
}

/* What a thread knows of its two rows, `row` and `row + 8`. */
typedef struct {
    int row[2];
    int visible[2];
    float largest[2]; /* of score * log2 e */
    float sum[2];     /* this thread's columns only, until the end */
} row_state;

/* s = q k^T for the warp's rows and one tile. */
template <int D>
static __device__ __forceinline__ void
score_tile(float (&s)[KEYS / 8][4], const uint32_t (&q)[D / 16][4], const lt_bf16 (*k)[D + PACK])
{
    const int lane = (int)threadIdx.x % LT_WARP;
#pragma unroll
    for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++)
            s[n][i] = 0;
#pragma unroll
    for (int part = 0; part < D / 16; part++)
#pragma unroll
        for (int n = 0; n < KEYS / 8; n += 2) {
            /* keys n*8 .. +7 with columns 0-7 and 8-15 of the part, then the next eight keys */
            const int key = n * 8 + lane / 16 * 8 + lane % 8;
            const int column = part * 16 + lane / 8 % 2 * 8;
            uint32_t b[4];
            lt_load_fragments(b, &k[key][column]);
            lt_mma(s[n], q[part], b[0], b[1]);
            lt_mma(s[n + 1], q[part], b[2], b[3]);
        }
}

/* Scores become logarithms to the base of 2 of weights: scaled, with bias;
 * -inf where a key is not seen. */
static __device__ __forceinline__ void finish_scores(float (&s)[KEYS / 8][4],
                                                     const lt_attention_job &j,
                                                     const row_state &rows, const float *bias,
                                                     int key0)
{
    const int t = (int)threadIdx.x % 4;
#pragma unroll
    for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int which = i / 2;
            const int key = key0 + n * 8 + 2 * t + i % 2;
            const bool seen = key < rows.visible[which];
            float score = s[n][i] * (j.scale * log2_e);
            if (bias != NULL && seen && rows.row[which] < j.n)
                score += bias[key - rows.row[which] + j.n - 1] * log2_e;
            s[n][i] = seen ? score : -INFINITY;
        }
}

/* Turns scores into weights and returns in shrink by what the rows' earlier sums become smaller.
 * The first tile has key 0, which every row sees, so `largest` is finite from then on. */
static __device__ __forceinline__ void weigh(float (&s)[KEYS / 8][4], row_state *rows,
                                             float (&shrink)[2])
{
#pragma unroll
    for (int which = 0; which < 2; which++) {
        float most = rows->largest[which];
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++)
            most = fmaxf(most, fmaxf(s[n][2 * which], s[n][2 * which + 1]));
        most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 1)); /* the four lanes of a row */
        most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 2));
        shrink[which] = exp2f(rows->largest[which] - most);
        rows->largest[which] = most;
        float all = 0;
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
            for (int i = 2 * which; i < 2 * which + 2; i++) {
                s[n][i] = exp2f(s[n][i] - most);
                all += s[n][i];
            }
        rows->sum[which] = rows->sum[which] * shrink[which] + all;
    }
}

/* acc = acc * shrink + p v. */
template <int D>
static __device__ __forceinline__ void
add_values(float (&acc)[D / 8][4], const float (&p)[KEYS / 8][4], const lt_bf16 (*v)[D + PACK],
           const float (&shrink)[2])
{
    const int lane = (int)threadIdx.x % LT_WARP;
#pragma unroll
    for (int n = 0; n < D / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++)
            acc[n][i] *= shrink[i / 2];
#pragma unroll
    for (int part = 0; part < KEYS / 16; part++) {
        const uint32_t a[4] = {lt_pair(p[2 * part][0], p[2 * part][1]),
                               lt_pair(p[2 * part][2], p[2 * part][3]),
                               lt_pair(p[2 * part + 1][0], p[2 * part + 1][1]),
                               lt_pair(p[2 * part + 1][2], p[2 * part + 1][3])};
#pragma unroll
        for (int n = 0; n < D / 8; n += 2) {
            /* keys 0-7 and 8-15 of the part with columns n*8 .. +7, then the next eight columns */
            const int key = part * 16 + lane / 8 % 2 * 8 + lane % 8;
            const int column = n * 8 + lane / 16 * 8;
            uint32_t b[4];
            lt_load_fragments_transposed(b, &v[key][column]);
            lt_mma(acc[n], a, b[0], b[1]);
            lt_mma(acc[n + 1], a, b[2], b[3]);
        }
    }
}

template <int D>
static __device__ __forceinline__ void store_rows(const lt_attention_job &j, lt_bf16 *base,
                                                  const float (&acc)[D / 8][4], row_state *rows)
{
    const int t = (int)threadIdx.x % 4;
#pragma unroll
    for (int which = 0; which < 2; which++) {
        float sum = rows->sum[which];
        sum += __shfl_xor_sync(0xffffffffu, sum, 1);
        sum += __shfl_xor_sync(0xffffffffu, sum, 2);
        const float inverse = 1.0f / sum;
        if (rows->row[which] >= j.n)
            continue;
        lt_bf16 *to = base + rows->row[which] * j.out_stride[1];
#pragma unroll
        for (int n = 0; n < D / 8; n++) {
            const int column = n * 8 + 2 * t;
            if (column < j.d)
                *reinterpret_cast<uint32_t *>(to + column) =
                    lt_pair(acc[n][2 * which] * inverse, acc[n][2 * which + 1] * inverse);
        }
    }
}

/* Keys that any row of the block sees. */
static __device__ __forceinline__ int reach_of(const lt_attention_job &j, int first)
{
    if (j.visible == NULL)
        return j.m;
    int reach = 0;
    for (int i = (int)threadIdx.x % LT_WARP; i < QUERIES; i += LT_WARP)
        if (first + i < j.n && j.visible[first + i] > reach)
            reach = j.visible[first + i];
    for (int distance = LT_WARP / 2; distance > 0; distance /= 2) {
        const int other = __shfl_xor_sync(0xffffffffu, reach, distance);
        reach = other > reach ? other : reach;
    }
    return reach < j.m ? reach : j.m;
}

template <int D> static __global__ void __launch_bounds__(THREADS) tiles_kernel(lt_attention_job j)
{
    tile_memory<D> &memory = *reinterpret_cast<tile_memory<D> *>(lt_dynamic_shared);
    const int first = (int)blockIdx.x * QUERIES;
    const int head = (int)blockIdx.y;
    const int batch = (int)blockIdx.z;
    const lt_bf16 *q_base = (const lt_bf16 *)j.q + batch * j.q_stride[0] + head * j.q_stride[2];
    const lt_bf16 *k_base = (const lt_bf16 *)j.k + batch * j.k_stride[0] + head * j.k_stride[2];
    const lt_bf16 *v_base = (const lt_bf16 *)j.v + batch * j.v_stride[0] + head * j.v_stride[2];
    lt_bf16 *out_base = (lt_bf16 *)j.out + batch * j.out_stride[0] + head * j.out_stride[2];
    const float *bias = j.bias == NULL ? NULL : j.bias + (int64_t)head * (j.n + j.m - 1);

    row_state rows;
#pragma unroll
    for (int which = 0; which < 2; which++) {
        const int row =
            first + (int)threadIdx.x / LT_WARP * 16 + (int)threadIdx.x % LT_WARP / 4 + which * 8;
        rows.row[which] = row;
        rows.visible[which] = j.visible == NULL || row >= j.n ? j.m : j.visible[row];
        rows.largest[which] = -INFINITY;
        rows.sum[which] = 0;
    }
    uint32_t q[D / 16][4];
    load_queries<D>(q, j, q_base, rows.row[0]);
    float acc[D / 8][4] = {};

    const int reach = reach_of(j, first);
    begin_tile<D>(memory.k[0], k_base, j.k_stride[1], 0, reach, j.d);
    begin_tile<D>(memory.v[0], v_base, j.v_stride[1], 0, reach, j.d);
    lt_copy_group();
    for (int key0 = 0, stage = 0; key0 < reach; key0 += KEYS, stage ^= 1) {
        const int next = key0 + KEYS;
        if (next < reach) {
            begin_tile<D>(memory.k[stage ^ 1], k_base, j.k_stride[1], next, reach - next, j.d);
            begin_tile<D>(memory.v[stage ^ 1], v_base, j.v_stride[1], next, reach - next, j.d);
        }
        /* maybe of nothing, so that one group is always younger than this tile's */
        lt_copy_group();
        lt_copy_wait<1>();
        __syncthreads();
        float s[KEYS / 8][4];
        float shrink[2];
        score_tile<D>(s, q, memory.k[stage]);
        /* a tile may reach beyond `reach`; no row sees those keys, and
         * a row beyond n sees at most m */
        finish_scores(s, j, rows, bias, key0);
        weigh(s, &rows, shrink);
        add_values<D>(acc, s, memory.v[stage], shrink);
        __syncthreads(); /* before this stage is written again */
    }
    store_rows<D>(j, out_base, acc, &rows);
}

template <int D> static lt_status launch(lt_cuda *c, const lt_attention_job &j, lt_error *err)
{
    const dim3 grid((unsigned)lt_cuda_ceil_div(j.n, QUERIES), (unsigned)j.heads,
                    (unsigned)j.batches);
    return lt_cuda_launch(c, "attention", err, grid, THREADS, sizeof(tile_memory<D>),
                          tiles_kernel<D>, j);
}

lt_status lt_cuda_attention_tiles(lt_cuda *c, const lt_attention_job *j, lt_error *err)
{
    return j->d <= 64 ? launch<64>(c, *j, err) : launch<128>(c, *j, err);
}
