/* cuda_attention_decode.cu - attention of up to four rows: a step of the language model.
 *
 * Bound by reading keys and values once. A head alone would keep one block busy, so its keys are
 * split: each block takes a stretch of them for all rows of a head and leaves, per row, the largest
 * score, the sum of weights and the weighted sum of values relative to it; the block of a head that
 * is done last puts the parts together, in the order of the keys whichever block that is. The cut
 * depends on the number of keys alone, so every card adds in the same order. Where only the device
 * knows that number, the grid has the blocks of all keys there may be, and those beyond it leave at
 * once.
 *
 * Rows that join the cache are written by the block in whose stretch they are, before it reads
 * there, and queries are rotated on their way to shared memory: a step needs no other kernel
 * between its products.
 *
 * A block goes through its stretch in chunks. Scores: eight lanes share a key, each takes every
 * eighth pack. Values: a thread owns one pack of the head and every GROUPS-th key of the chunk; the
 * groups are added up at the end. What counts is how long a block waits for memory, so the packs of
 * a whole chunk, keys and values, are asked for before the first is used, and the L2 cache is asked
 * for them while the kernel before this one ends.
 */
#include "kernels/cuda/cuda_attention.h"
#include "kernels/cuda/cuda_device.cuh"

enum {
    THREADS = 128,
    CHUNK = 64,                       /* keys whose scores are in shared memory at a time */
    LANES = 8,                        /* that share a key */
    ROUNDS = CHUNK * LANES / THREADS, /* keys of a lane in a chunk */
    /* of a key that a lane asks for together: all of them up to 128 values of bf16 */
    KEY_PACKS = 2,
    VALUE_PACKS = 8, /* of a chunk that a thread asks for together: all of them from 128 values of
                        bf16 down */
    STRETCH_LEAST = CHUNK, /* keys of a block; */
    SPLITS_MOST = 32, /* a lane of a warp for each; beyond so many blocks for a head stretches grow:
                         32 heads of two items then fill any card */
    DEPTH = 256       /* largest d */
};

typedef struct {
    lt_attention_job j;
    lt_joining_rows joining; /* keys NULL: none */
    float *part;    /* [B h n, splits, d + 2]: weighted sums, largest score, sum of weights */
    unsigned *done; /* [B h]: blocks of a head that have left their part; 0 before and after */
} decode;

/* The keys there are, and how blocks share them. */
typedef struct {
    int keys;
    int joined;  /* of them were there before the rows that join */
    int stretch; /* keys of a block */
    int splits;  /* blocks of a head, none of them empty */
} cut;

/* More keys never have fewer splits: a grid for the most keys there may be has the blocks of any
 * number of them. */
static __host__ __device__ __forceinline__ cut cut_of(int keys, int n)
{
    cut c;
    c.keys = keys;
    c.joined = keys - n;
    c.stretch = keys <= SPLITS_MOST * STRETCH_LEAST ? (int)STRETCH_LEAST
                                                    : (keys + SPLITS_MOST - 1) / SPLITS_MOST;
    c.splits = (keys + c.stretch - 1) / c.stretch;
    return c;
}

static __device__ __forceinline__ const void *row_of(const void *base, const int64_t *stride,
                                                     int batch, int row, int head, int bytes)
{
    return (const char *)base + (batch * stride[0] + row * stride[1] + head * stride[2]) * bytes;
}

/* Element `e` of a head of joining row `row`, rotated. */
template <typename T>
static __device__ __forceinline__ float rotated(const lt_joining_rows &f, const cut &c,
                                                const T *head, int row, int e)
{
    const int angle = f.first == NULL ? row : c.joined + row;
    const float x = f.cosine[angle * f.angle_stride[0] + e / 2];
    const float y = f.sine[angle * f.angle_stride[1] + e / 2];
    const float even = lt_to_float(head[e / 2 * 2]);
    const float odd = lt_to_float(head[e / 2 * 2 + 1]);
    return e % 2 == 0 ? even * x - odd * y : even * y + odd * x;
}

/* Those of the joining rows that are keys first .. end - 1. */
template <typename T>
static __device__ __forceinline__ void join(const decode &f, const cut &c, int batch, int head,
                                            int first, int end)
{
    const lt_attention_job &j = f.j;
    for (int key = first > c.joined ? first : c.joined; key < end; key++) {
        const int row = key - c.joined;
        const T *k =
            (const T *)row_of(f.joining.keys, f.joining.stride, batch, row, head, (int)sizeof(T));
        const T *v =
            (const T *)row_of(f.joining.values, f.joining.stride, batch, row, head, (int)sizeof(T));
        T *to_k = (T *)f.joining.to_keys + batch * j.k_stride[0] + key * j.k_stride[1] +
                  head * j.k_stride[2];
        T *to_v = (T *)f.joining.to_values + batch * j.v_stride[0] + key * j.v_stride[1] +
                  head * j.v_stride[2];
        for (int e = (int)threadIdx.x; e < j.d; e += THREADS) {
            to_k[e] = lt_from_float<T>(rotated(f.joining, c, k, row, e));
            to_v[e] = v[e];
        }
    }
}

/* Asks the L2 cache for keys and values first .. end - 1 of a head. A hint: nothing is read, so
 * rows that others still write do no harm. */
template <typename T>
static __device__ __forceinline__ void ask_for_rows(const decode &f, int batch, int head, int first,
                                                    int end)
{
    constexpr int LINE = 128;
    const lt_attention_job &j = f.j;
    const int lines = (j.d * (int)sizeof(T) + LINE - 1) / LINE;
    for (int i = (int)threadIdx.x; i < (end - first) * lines; i += THREADS) {
        const int key = first + i / lines;
        const int at = i % lines * LINE;
        lt_ask_cache((const char *)row_of(j.k, j.k_stride, batch, key, head, (int)sizeof(T)) + at);
        lt_ask_cache((const char *)row_of(j.v, j.v_stride, batch, key, head, (int)sizeof(T)) + at);
    }
}

/* scale q.k + bias of `keys` keys from key0 on, for every row, -inf where the key is not seen. */
template <typename T, int N, int ROWS>
static __device__ __forceinline__ void score_chunk(const decode &f, const cut &c,
                                                   const float (*q)[DEPTH], float (*score)[CHUNK],
                                                   int batch, int head, int key0, int keys)
{
    const lt_attention_job &j = f.j;
    const int lane = (int)threadIdx.x % LANES;
    const int mine = (int)threadIdx.x / LANES; /* key of the first round */
    const int packs = j.d / N;
    float dot[ROUNDS][ROWS] = {};
    for (int p0 = lane; p0 < packs; p0 += KEY_PACKS * LANES) {
        lt_pack<T, N> key[ROUNDS][KEY_PACKS];
#pragma unroll
        for (int round = 0; round < ROUNDS; round++) {
            const int i = mine + round * (THREADS / LANES);
            const T *k = (const T *)row_of(j.k, j.k_stride, batch, key0 + i, head, (int)sizeof(T));
#pragma unroll
            for (int a = 0; a < KEY_PACKS; a++)
                key[round][a] = i < keys && p0 + a * LANES < packs
                                    ? lt_load<T, N>(k + (p0 + a * LANES) * N)
                                    : lt_pack<T, N>{};
        }
#pragma unroll
        for (int a = 0; a < KEY_PACKS; a++) {
            const int p = p0 + a * LANES;
            if (p >= packs)
                break;
#pragma unroll
            for (int e = 0; e < N; e++)
#pragma unroll
                for (int r = 0; r < ROWS; r++) {
                    const float factor = q[r][p * N + e];
#pragma unroll
                    for (int round = 0; round < ROUNDS; round++)
                        dot[round][r] += factor * lt_to_float(key[round][a].at[e]);
                }
        }
    }
#pragma unroll
    for (int round = 0; round < ROUNDS; round++) {
        const int i = mine + round * (THREADS / LANES);
        const int key = key0 + i;
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            for (int distance = LANES / 2; distance > 0; distance /= 2)
                dot[round][r] += __shfl_xor_sync(0xffffffffu, dot[round][r], distance);
            if (lane != 0 || i >= keys)
                continue;
            float s = j.scale * dot[round][r];
            if (j.bias != NULL && r < j.n)
                s += j.bias[(int64_t)head * (j.n + c.keys - 1) + key - r + j.n - 1];
            const bool seen = r < j.n && (j.visible == NULL || key < j.visible[r]);
            score[r][i] = seen ? s : -INFINITY;
        }
    }
}

/* Some packs of values of a thread: those of keys i, i + step, ... of a chunk of `keys`. */
template <typename T, int N> struct value_packs {
    lt_pack<T, N> held[VALUE_PACKS];

    __device__ __forceinline__ void load(const decode &f, int batch, int head, int key0, int keys,
                                         int i, int step, int p)
    {
#pragma unroll
        for (int a = 0; a < VALUE_PACKS; a++) {
            const T *v = (const T *)row_of(f.j.v, f.j.v_stride, batch, key0 + i + a * step, head,
                                           (int)sizeof(T));
            held[a] = i + a * step < keys ? lt_load<T, N>(v + p * N) : lt_pack<T, N>{};
        }
    }
};

/* Warp r turns the scores of row r into weights relative to the largest so far, and returns by what
 * earlier sums shrink. A stretch may lie beyond what a row sees: then its weights are 0. The
 * largest passes over NaN, so weights of a stretch of nothing else must not be 0: it shows in the
 * sum. */
static __device__ __forceinline__ void weigh_row(float *score, int keys, float *largest, float *sum,
                                                 float *shrink)
{
    const int lane = (int)threadIdx.x % LT_WARP;
    float most = -INFINITY;
    for (int i = lane; i < keys; i += LT_WARP)
        most = fmaxf(most, score[i]);
    most = fmaxf(lt_warp_max(most), *largest);
    float all = 0;
    for (int i = lane; i < keys; i += LT_WARP) {
        const float weight = score[i] == -INFINITY ? 0 : expf(score[i] - most);
        score[i] = weight;
        all += weight;
    }
    all = lt_warp_sum(all);
    if (lane == 0) {
        const float factor = *largest == -INFINITY ? 0 : expf(*largest - most);
        *shrink = factor;
        *sum = *sum * factor + all;
        *largest = most;
    }
}

/* Whether this block is the last of its head that comes here, and what the others left can be read.
 * All threads call it and agree. */
static __device__ __forceinline__ bool is_last(const decode &f, const cut &c, int batch, int head)
{
    __shared__ bool last;
    __threadfence(); /* this thread's part, before the count */
    __syncthreads();
    if (threadIdx.x == 0) /* wraps to 0 for the next operation */
        last = atomicInc(&f.done[batch * f.j.heads + head], (unsigned)c.splits - 1) ==
               (unsigned)c.splits - 1;
    __syncthreads();
    __threadfence();
    return last;
}

/* out = sum of the parts of a row, each relative to its own largest score, for the rows of a head.
 * Warp r has row r, lane s part s. */
template <typename T>
static __device__ __forceinline__ void combine(const decode &f, const cut &c, int batch, int head)
{
    const lt_attention_job &j = f.j;
    __shared__ float weight[LT_DECODE_ROWS][SPLITS_MOST];
    __shared__ float total[LT_DECODE_ROWS];
    const float *part = f.part + ((int64_t)batch * j.heads + head) * j.n * c.splits * (j.d + 2);
    const int warp = (int)threadIdx.x / LT_WARP;
    const int lane = (int)threadIdx.x % LT_WARP;
    if (warp < j.n) {
        const float *end_of = part + (warp * c.splits + lane) * (j.d + 2) + j.d;
        const float largest = lane < c.splits ? end_of[0] : -INFINITY;
        const float sum = lane < c.splits ? end_of[1] : 0;
        const float factor = expf(largest - lt_warp_max(largest));
        const float all = lt_warp_sum(sum * factor);
        weight[warp][lane] = factor;
        if (lane == 0)
            total[warp] = all;
    }
    __syncthreads();
    for (int i = (int)threadIdx.x; i < j.n * j.d; i += THREADS) {
        const int row = i / j.d;
        const int e = i % j.d;
        const float *of_row = part + row * c.splits * (j.d + 2) + e;
        float all = 0;
#pragma unroll 8
        for (int s = 0; s < c.splits; s++)
            all += of_row[s * (j.d + 2)] * weight[row][s];
        T *out =
            (T *)j.out + batch * j.out_stride[0] + row * j.out_stride[1] + head * j.out_stride[2];
        out[e] = lt_from_float<T>(all / total[row]);
    }
}

/* N: elements of a pack; 1 where rows are not aligned. ROWS >= n. */
template <typename T, int N, int ROWS>
static __global__ void __launch_bounds__(THREADS) decode_kernel(decode f)
{
    const lt_attention_job &j = f.j;
    __shared__ float q[ROWS][DEPTH];
    __shared__ float score[ROWS][CHUNK];
    __shared__ float largest[ROWS];
    __shared__ float sum[ROWS];
    __shared__ float shrink[ROWS];
    __shared__ float gathered[ROWS][THREADS * N];
    const int thread = (int)threadIdx.x;
    const int split = (int)blockIdx.x;
    const int head = (int)blockIdx.y;
    const int batch = (int)blockIdx.z;
    /* The position was set before the pass, whose embedding no kernel overtakes. It is read past
     * the L1 cache, of which only the wait below would promise that it has nothing old. */
    const volatile int32_t *position = f.joining.first;
    const cut c = cut_of(position == NULL ? j.m : *position + j.n, j.n);
    const int first = split * c.stretch;
    const int end = first + c.stretch < c.keys ? first + c.stretch : c.keys;
    if (split < c.splits)
        ask_for_rows<T>(f, batch, head, first, end);
    lt_after_earlier();
    if (split >= c.splits)
        return;

    for (int i = thread; i < ROWS * j.d; i += THREADS) {
        const int r = i / j.d;
        const int row = r < j.n ? r : 0;
        const T *from = (const T *)row_of(j.q, j.q_stride, batch, row, head, (int)sizeof(T));
        q[r][i % j.d] = f.joining.keys == NULL ? lt_to_float(from[i % j.d])
                                               : rotated(f.joining, c, from, row, i % j.d);
    }
    if (f.joining.keys != NULL)
        join<T>(f, c, batch, head, first, end);
    if (thread < ROWS) {
        largest[thread] = -INFINITY;
        sum[thread] = 0;
    }
    /* 2 where packs are single elements, of a wide head */
    constexpr int PASSES = (DEPTH / N + THREADS - 1) / THREADS;
    const int packs = j.d / N;
    const int passes = (packs + THREADS - 1) / THREADS;
    const int groups = passes > 1 ? 1 : THREADS / packs;
    const int group = passes > 1 ? 0 : thread / packs;
    const int pack = passes > 1 ? thread : thread % packs;
    float mine[PASSES][ROWS][N] = {};
    __syncthreads();

    for (int key0 = first; key0 < end; key0 += CHUNK) {
        const int keys = end - key0 < CHUNK ? end - key0 : CHUNK;
        value_packs<T, N> values;
        const bool has_pack = group < groups && pack < packs;
        if (has_pack)
            values.load(f, batch, head, key0, keys, group, groups, pack);
        score_chunk<T, N, ROWS>(f, c, q, score, batch, head, key0, keys);
        __syncthreads();
        /* THREADS / LT_WARP = LT_DECODE_ROWS warps, one for each row */
        const int row = thread / LT_WARP;
        if (row < ROWS)
            weigh_row(score[row], keys, &largest[row], &sum[row], &shrink[row]);
        __syncthreads();
#pragma unroll
        for (int pass = 0; pass < PASSES; pass++) {
            const int p = pack + pass * THREADS;
            if (pass >= passes || p >= packs || !has_pack)
                continue;
#pragma unroll
            for (int r = 0; r < ROWS; r++)
#pragma unroll
                for (int e = 0; e < N; e++)
                    mine[pass][r][e] *= shrink[r];
            for (int i = group; i < keys; i += VALUE_PACKS * groups) {
                if (pass > 0 || i > group)
                    values.load(f, batch, head, key0, keys, i, groups, p);
#pragma unroll
                for (int a = 0; a < VALUE_PACKS; a++) {
                    if (i + a * groups >= keys)
                        break;
#pragma unroll
                    for (int r = 0; r < ROWS; r++)
#pragma unroll
                        for (int e = 0; e < N; e++)
                            mine[pass][r][e] +=
                                score[r][i + a * groups] * lt_to_float(values.held[a].at[e]);
                }
            }
        }
        __syncthreads(); /* before the next chunk's scores */
    }

#pragma unroll
    for (int pass = 0; pass < PASSES; pass++) {
        if (pass >= passes)
            break;
        const int p = pack + pass * THREADS;
        if (p < packs && group < groups)
#pragma unroll
            for (int r = 0; r < ROWS; r++)
#pragma unroll
                for (int e = 0; e < N; e++)
                    gathered[r][(passes > 1 ? thread : group * packs + pack) * N + e] =
                        mine[pass][r][e];
        __syncthreads();
        const int width = passes > 1 ? THREADS : packs * N; /* elements of one group in this pass */
        for (int i = thread; i < j.n * width; i += THREADS) {
            const int r = i / width;
            const int element = i % width;
            float all = 0;
            for (int g = 0; g < groups; g++)
                all += gathered[r][g * packs * N + element];
            const int64_t row = ((int64_t)batch * j.heads + head) * j.n + r;
            if (pass * THREADS + element < j.d)
                f.part[(row * c.splits + split) * (j.d + 2) + pass * THREADS + element] = all;
        }
        __syncthreads();
    }
    if (thread < j.n) {
        const int64_t row = ((int64_t)batch * j.heads + head) * j.n + thread;
        float *end_of = f.part + (row * c.splits + split) * (j.d + 2) + j.d;
        end_of[0] = largest[thread];
        end_of[1] = sum[thread];
    }
    if (is_last(f, c, batch, head))
        combine<T>(f, c, batch, head);
}

template <typename T, int N, int ROWS>
static lt_status launch(lt_cuda *c, const decode &f, lt_error *err)
{
    const lt_attention_job &j = f.j;
    const dim3 blocks((unsigned)cut_of(j.m, j.n).splits, (unsigned)j.heads, (unsigned)j.batches);
    return lt_cuda_launch_early(c, "attention: decoding", err, blocks, THREADS, 0,
                                decode_kernel<T, N, ROWS>, f);
}

template <typename T, int N> static lt_status pick_rows(lt_cuda *c, const decode &f, lt_error *err)
{
    if (f.j.n == 1)
        return launch<T, N, 1>(c, f, err);
    if (f.j.n == 2)
        return launch<T, N, 2>(c, f, err);
    return launch<T, N, LT_DECODE_ROWS>(c, f, err);
}

static bool aligned(const void *base, const int64_t *stride, int element)
{
    return (uintptr_t)base % 16 == 0 && stride[0] * element % 16 == 0 &&
           stride[1] * element % 16 == 0 && stride[2] * element % 16 == 0;
}

template <typename T> static lt_status pick_pack(lt_cuda *c, const decode &f, lt_error *err)
{
    const lt_attention_job &j = f.j;
    const bool packed = j.d % lt_pack_size<T> == 0 && aligned(j.k, j.k_stride, (int)sizeof(T)) &&
                        aligned(j.v, j.v_stride, (int)sizeof(T));
    return packed ? pick_rows<T, lt_pack_size<T>>(c, f, err) : pick_rows<T, 1>(c, f, err);
}

lt_status lt_cuda_attention_decode(lt_cuda *c, const lt_attention_job *j,
                                   const lt_joining_rows *joining, lt_error *err)
{
    const int64_t heads = (int64_t)j->batches * j->heads;
    const int splits = cut_of(j->m, j->n).splits;
    decode f = {};
    f.j = *j;
    if (joining != NULL)
        f.joining = *joining;
    void *workspace;
    LT_TRY(lt_cuda_workspace(c, (size_t)(heads * j->n * splits * (j->d + 2)) * sizeof(float),
                             &workspace, err));
    f.part = (float *)workspace;
    LT_TRY(lt_cuda_counters(c, (size_t)heads, &f.done, err));
    return j->type == LT_F32 ? pick_pack<float>(c, f, err) : pick_pack<lt_bf16>(c, f, err);
}
