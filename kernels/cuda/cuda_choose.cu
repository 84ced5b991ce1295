/* cuda_choose.cu - the choice of one token, the same id as kernels/core/token_choice.c for the same
 * logits.
 *
 * One block does all of it: a vocabulary is some thousand ids, and the pass waits for this one
 * number. Thread t has the ids t, t + THREADS, ... in every step, so between steps the threads
 * share nothing but what they count together. That is integers (masses: choice_arithmetic.h) or
 * maxima, and does not depend on an order. What the host finds with a heap - the k-th largest
 * logit, the value at which top-p ends - a search byte by byte finds here. Compiled without fused
 * multiply-adds. */
#include <string.h>

#include "kernels/core/choice_arithmetic.h"
#include "kernels/cuda/cuda_philox.cuh"

enum { THREADS = 512, WARPS = THREADS / LT_WARP, BINS = 256 };

typedef unsigned long long u64; /* what atomicAdd takes */

/* ---- what all threads find together; every thread calls these and gets the same ---- */

struct larger {
    template <typename T> __device__ __forceinline__ T operator()(T a, T b) const
    {
        return a < b ? b : a;
    }
};

struct smaller {
    template <typename T> __device__ __forceinline__ T operator()(T a, T b) const
    {
        return b < a ? b : a;
    }
};

struct added {
    template <typename T> __device__ __forceinline__ T operator()(T a, T b) const
    {
        return a + b;
    }
};

template <typename T, typename JOIN> static __device__ T over_block(T x, JOIN join)
{
    __shared__ T part[WARPS];
    for (int distance = LT_WARP / 2; distance > 0; distance /= 2)
        x = join(x, __shfl_xor_sync(0xffffffffu, x, distance));
    __syncthreads(); /* whoever still reads the parts of an earlier call */
    if (threadIdx.x % LT_WARP == 0)
        part[threadIdx.x / LT_WARP] = x;
    __syncthreads();
    T all = part[0];
    for (int i = 1; i < WARPS; i++)
        all = join(all, part[i]);
    return all;
}

/* Numbers that stand in the order of the floats. */
static __device__ __forceinline__ uint32_t key_of(float x)
{
    const uint32_t bits = __float_as_uint(x);
    return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

static __device__ __forceinline__ float of_key(uint32_t key)
{
    return __uint_as_float((key & 0x80000000u) != 0 ? key & 0x7fffffffu : ~key);
}

/* What one value weighs in a search. */
struct one_each {
    __device__ __forceinline__ u64 operator()(float) const
    {
        return 1;
    }
};

struct mass_each {
    __device__ __forceinline__ u64 operator()(float p) const
    {
        return lt_choice_mass(p);
    }
};

/* The largest value that, with all above it, weighs `limit` or more. */
struct crossing {
    float value;
    u64 above;    /* weight of what is larger */
    bool reached; /* false: all of them weigh less; nothing else is set */
};

/* From the first byte of the keys to the last: what each value of the byte weighs, and where the
 * sum from the top crosses. */
template <typename WEIGHT>
static __device__ crossing find_crossing(const float *values, int count, u64 limit, WEIGHT weight)
{
    __shared__ u64 bin[BINS];
    __shared__ uint32_t found_key;
    __shared__ u64 found_above;
    __shared__ int found;
    const int t = (int)threadIdx.x;
    uint32_t key = 0;
    u64 above = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        const uint32_t known = shift == 24 ? 0 : 0xffffffffu << (shift + 8);
        __syncthreads(); /* the round before has been read */
        if (t < BINS)
            bin[t] = 0;
        if (t == 0)
            found = 0;
        __syncthreads();
        for (int i = t; i < count; i += THREADS) {
            const uint32_t k = key_of(values[i]);
            if ((k & known) == key)
                atomicAdd(&bin[k >> shift & (BINS - 1)], weight(values[i]));
        }
        __syncthreads();
        if (t < BINS) {
            u64 larger_ones = above;
            for (int i = t + 1; i < BINS; i++)
                larger_ones += bin[i];
            if (larger_ones < limit && larger_ones + bin[t] >= limit) { /* one thread */
                found_key = key | (uint32_t)t << shift;
                found_above = larger_ones;
                found = 1;
            }
        }
        __syncthreads();
        if (!found)
            return {0, 0, false};
        key = found_key;
        above = found_above;
    }
    return {of_key(key), above, true};
}

/* ---- the steps ---- */

/* logits[0 .. count - 1] = what the rows say, over the temperature. The first id whose logit is not
 * finite, or count. */
static __device__ int scale(float *logits, int rows, int count, const lt_choice &c)
{
    int bad = count;
    for (int i = (int)threadIdx.x; i < count; i += THREADS) {
        float x = logits[i];
        if (rows == 2)
            x = logits[count + i] + c.guidance * (x - logits[count + i]);
        x /= c.temperature;
        logits[i] = x;
        if (!isfinite(x) && i < bad)
            bad = i;
    }
    return over_block(bad, smaller());
}

static __device__ void keep_top_k(float *logits, int count, int k)
{
    const crossing at = find_crossing(logits, count, (u64)k, one_each());
    for (int i = (int)threadIdx.x; i < count; i += THREADS)
        if (logits[i] < at.value)
            logits[i] = -INFINITY;
}

static __device__ void softmax(float *values, int count)
{
    float largest = -INFINITY;
    for (int i = (int)threadIdx.x; i < count; i += THREADS)
        largest = fmaxf(largest, values[i]);
    largest = over_block(largest, larger());
    u64 mass = 0;
    for (int i = (int)threadIdx.x; i < count; i += THREADS) {
        values[i] = lt_choice_exp(values[i] - largest);
        mass += lt_choice_mass(values[i]);
    }
    const float sum = lt_choice_sum(over_block(mass, added()));
    for (int i = (int)threadIdx.x; i < count; i += THREADS)
        values[i] /= sum;
}

/* How many of the ids before this thread's, in its turn of THREADS ids, are
 * flagged; `all`: in the whole turn. */
static __device__ int flagged_before(bool flag, int *all)
{
    __shared__ int part[WARPS];
    const unsigned votes = __ballot_sync(0xffffffffu, flag);
    const int warp = (int)threadIdx.x / LT_WARP;
    __syncthreads();
    if (threadIdx.x % LT_WARP == 0)
        part[warp] = __popc(votes);
    __syncthreads();
    int before = __popc(votes & ((1u << threadIdx.x % LT_WARP) - 1));
    *all = 0;
    for (int i = 0; i < WARPS; i++) {
        before += i < warp ? part[i] : 0;
        *all += part[i];
    }
    return before;
}

/* Of equal values at the crossing those of lower ids stay, as many as
 * the mass before them allows. */
static __device__ void keep_top_p(float *p, int count, u64 limit)
{
    const crossing at = find_crossing(p, count, limit, mass_each());
    const u64 each = at.reached ? lt_choice_mass(at.value) : 0;
    u64 equal_before = 0;
    u64 mass = 0;
    for (int first = 0; first < count; first += THREADS) {
        const int i = first + (int)threadIdx.x;
        const bool equal = at.reached && i < count && p[i] == at.value;
        int all;
        const u64 before = at.above + (equal_before + (u64)flagged_before(equal, &all)) * each;
        equal_before += (u64)all;
        if (i < count && at.reached && (p[i] < at.value || (equal && before >= limit)))
            p[i] = 0;
        mass += i < count ? lt_choice_mass(p[i]) : 0;
    }
    const float sum = lt_choice_sum(over_block(mass, added()));
    for (int i = (int)threadIdx.x; i < count; i += THREADS)
        p[i] /= sum;
}

/* The largest ratio, of equal ones the lowest id: in one number, since no ratio is negative. */
static __device__ int32_t draw_id(const float *p, int count, const lt_choice &c)
{
    u64 best = 0xffffffffu; /* id 0 with ratio 0 */
    for (int id = (int)threadIdx.x; id < count; id += THREADS) {
        if (p[id] == 0)
            continue;
        const lt_philox4 x =
            lt_cuda_philox({{(uint32_t)c.draw, (uint32_t)(c.draw >> 32), (uint32_t)id, 0}}, c.seed);
        const float ratio = p[id] / lt_choice_exponential(lt_cuda_uniform(x.word[0]));
        best = larger()(best, (u64)__float_as_uint(ratio) << 32 | (0xffffffffu - (uint32_t)id));
    }
    return (int32_t)(0xffffffffu - (uint32_t)over_block(best, larger()));
}

/* lt_next_numbers, as a kernel's argument. */
struct next_numbers {
    int32_t *number;
    int count;
    int32_t value[LT_NEXT_NUMBERS];
};

static __global__ void __launch_bounds__(THREADS)
    choose_kernel(int32_t *out, float *logits, int rows, int count, lt_choice c, u64 limit,
                  const __grid_constant__ next_numbers next)
{
    const int bad = scale(logits, rows, count, c);
    int32_t id = ~bad;
    if (bad == count) {
        if (c.top_k > 0)
            keep_top_k(logits, count, c.top_k);
        softmax(logits, count);
        if (c.top_p >= 0)
            keep_top_p(logits, count, limit);
        id = draw_id(logits, count, c);
    }
    const int t = (int)threadIdx.x;
    if (t == 0)
        *out = id;
    if (t < next.count)
        next.number[t] = next.value[t] != LT_CHOSEN ? next.value[t] : id < 0 ? 0 : id;
}

lt_status lt_cuda_choose(lt_backend *b, lt_tensor out, lt_tensor logits, lt_tensor scratch,
                         const lt_choice *choice, const lt_next_numbers *next, lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    next_numbers left = {};
    (void)scratch;
    if (next != NULL) {
        left.number = (int32_t *)next->numbers.data;
        left.count = (int)next->numbers.dim[0];
        memcpy(left.value, next->value, sizeof left.value);
    }
    return lt_cuda_launch(c, "choose", err, 1, THREADS, 0, choose_kernel, (int32_t *)out.data,
                          (float *)logits.data, (int)logits.dim[0], (int)logits.dim[1], *choice,
                          (u64)lt_top_p_limit(choice->top_p), left);
}
