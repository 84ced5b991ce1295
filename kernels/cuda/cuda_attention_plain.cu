/* cuda_attention_plain.cu - attention in f32 arithmetic, for f32 tensors and for whatever tensor
 * cores do not take.
 *
 * The softmax that runs along, as in cuda_attention_tiles.cu, on tiles of 32 queries x 32 keys that
 * are widened to f32 in shared memory; keys and values take the same place one after the other. A
 * thread of the 128 holds the scores of 2 queries x 4 keys, and of the result 2 queries x D / 8
 * columns. Columns d .. D - 1 are zeros.
 */
#include "kernels/cuda/cuda_attention.h"
#include "kernels/cuda/cuda_device.cuh"

enum {
    THREADS = 128,
    QUERIES = 32, /* of a block */
    KEYS = 32,    /* of a tile */
    ACROSS = 8,   /* threads that share a row of scores: neighbours in a warp */
    ROWS = QUERIES * ACROSS / THREADS, /* queries of a thread, one below the other */
    EACH = KEYS / ACROSS               /* keys of a thread, ACROSS apart */
};

template <int D> struct plain_memory {
    float q[QUERIES][D + 1]; /* an odd distance keeps rows off each other's banks */
    float kv[KEYS][D + 1];
    float p[QUERIES][KEYS + 1];
};

/* Dynamic shared memory has one name in a program. */
extern __shared__ __align__(128) unsigned char lt_dynamic_shared[];

/* Rows first .. first + 31 as f32; rows from `end` on are zeros. */
template <typename T, int D>
static __device__ __forceinline__ void load_rows(float (*to)[D + 1], const T *base,
                                                 int64_t row_stride, int first, int end, int d)
{
    for (int i = (int)threadIdx.x; i < QUERIES * D; i += THREADS) {
        const int row = first + i / D;
        const int column = i % D;
        to[i / D][column] =
            row < end && column < d ? lt_to_float(base[row * row_stride + column]) : 0;
    }
}

/* Keys that any row of the block sees; every thread looks, the rows are few. */
static __device__ __forceinline__ int reach_of(const lt_attention_job &j, int first)
{
    if (j.visible == NULL)
        return j.m;
    int reach = 0;
    for (int i = first; i < first + QUERIES && i < j.n; i++)
        reach = j.visible[i] > reach ? j.visible[i] : reach;
    return reach;
}

/* Over the ACROSS neighbours of a row. */
static __device__ __forceinline__ float row_sum(float x)
{
    for (int distance = ACROSS / 2; distance > 0; distance /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, distance);
    return x;
}

static __device__ __forceinline__ float row_max(float x)
{
    for (int distance = ACROSS / 2; distance > 0; distance /= 2)
        x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, distance));
    return x;
}

template <typename T, int D>
static __global__ void __launch_bounds__(THREADS) plain_kernel(lt_attention_job j)
{
    plain_memory<D> &memory = *reinterpret_cast<plain_memory<D> *>(lt_dynamic_shared);
    const int first = (int)blockIdx.x * QUERIES;
    const int head = (int)blockIdx.y;
    const int batch = (int)blockIdx.z;
    const T *q_base = (const T *)j.q + batch * j.q_stride[0] + head * j.q_stride[2];
    const T *k_base = (const T *)j.k + batch * j.k_stride[0] + head * j.k_stride[2];
    const T *v_base = (const T *)j.v + batch * j.v_stride[0] + head * j.v_stride[2];
    T *out_base = (T *)j.out + batch * j.out_stride[0] + head * j.out_stride[2];
    const int mine = (int)threadIdx.x / ACROSS * ROWS; /* this thread's first query in the block */
    const int across = (int)threadIdx.x % ACROSS;

    int visible[ROWS];
    float largest[ROWS];
    float sum[ROWS];
    float acc[ROWS][D / ACROSS] = {};
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        const int row = first + mine + r;
        visible[r] = j.visible == NULL || row >= j.n ? j.m : j.visible[row];
        largest[r] = -INFINITY;
        sum[r] = 0;
    }
    load_rows<T, D>(memory.q, q_base, j.q_stride[1], first, j.n, j.d);

    const int reach = reach_of(j, first);
    for (int key0 = 0; key0 < reach; key0 += KEYS) {
        load_rows<T, D>(memory.kv, k_base, j.k_stride[1], key0, j.m, j.d);
        __syncthreads();
        float s[ROWS][EACH] = {};
        for (int e = 0; e < j.d; e++) {
            float key[EACH];
#pragma unroll
            for (int i = 0; i < EACH; i++)
                key[i] = memory.kv[across + i * ACROSS][e];
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                const float query = memory.q[mine + r][e];
#pragma unroll
                for (int i = 0; i < EACH; i++)
                    s[r][i] += query * key[i];
            }
        }
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            const int row = first + mine + r;
            float most = largest[r];
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                const int key = key0 + across + i * ACROSS;
                s[r][i] *= j.scale;
                if (j.bias != NULL && key < j.m && row < j.n)
                    s[r][i] += j.bias[(int64_t)head * (j.n + j.m - 1) + key - row + j.n - 1];
                s[r][i] = key < visible[r] ? s[r][i] : -INFINITY;
                most = fmaxf(most, s[r][i]);
            }
            most = row_max(most); /* finite: the first tile has key 0, which every row sees */
            const float shrink = expf(largest[r] - most);
            float all = 0;
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                const float weight = expf(s[r][i] - most);
                memory.p[mine + r][across + i * ACROSS] = weight;
                all += weight;
            }
            sum[r] = sum[r] * shrink + row_sum(all);
            largest[r] = most;
#pragma unroll
            for (int e = 0; e < D / ACROSS; e++)
                acc[r][e] *= shrink;
        }
        __syncthreads(); /* keys are used up, weights are there */
        load_rows<T, D>(memory.kv, v_base, j.v_stride[1], key0, j.m, j.d);
        __syncthreads();
        for (int i = 0; i < KEYS; i++) {
            float weight[ROWS];
#pragma unroll
            for (int r = 0; r < ROWS; r++)
                weight[r] = memory.p[mine + r][i];
#pragma unroll
            for (int e = 0; e < D / ACROSS; e++) {
                const float value = memory.kv[i][across + e * ACROSS];
#pragma unroll
                for (int r = 0; r < ROWS; r++)
                    acc[r][e] += weight[r] * value;
            }
        }
        __syncthreads(); /* before the next keys */
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        const int row = first + mine + r;
#pragma unroll
        for (int e = 0; e < D / ACROSS; e++) {
            const int column = across + e * ACROSS;
            if (row < j.n && column < j.d)
                out_base[row * j.out_stride[1] + column] = lt_from_float<T>(acc[r][e] / sum[r]);
        }
    }
}

template <typename T, int D>
static lt_status launch(lt_cuda *c, const lt_attention_job &j, lt_error *err)
{
    const dim3 grid((unsigned)lt_cuda_ceil_div(j.n, QUERIES), (unsigned)j.heads,
                    (unsigned)j.batches);
    return lt_cuda_launch(c, "attention", err, grid, THREADS, sizeof(plain_memory<D>),
                          plain_kernel<T, D>, j);
}

template <typename T>
static lt_status pick_depth(lt_cuda *c, const lt_attention_job &j, lt_error *err)
{
    if (j.d <= 64)
        return launch<T, 64>(c, j, err);
    if (j.d <= 128)
        return launch<T, 128>(c, j, err);
    return launch<T, 256>(c, j, err);
}

lt_status lt_cuda_attention_plain(lt_cuda *c, const lt_attention_job *j, lt_error *err)
{
    return j->type == LT_F32 ? pick_depth<float>(c, *j, err) : pick_depth<lt_bf16>(c, *j, err);
}
