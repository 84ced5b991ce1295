/* cuda_rope.cu - rotates pair j = (x[2j], x[2j+1]) of every head by the angle of (row, j):
 *     out[2j] = x[2j] cos - x[2j+1] sin;  out[2j+1] = x[2j] sin + x[2j+1] cos
 *
 * One index is one pair. The tables repeat over batches and heads and stay in the cache. out may be
 * x. */
#include "kernels/cuda/cuda_walk.cuh"

template <typename T> struct rope_op {
    T *out;
    const T *x;
    const float *cosine;
    const float *sine;

    template <int N> __device__ __forceinline__ void run(const int64_t *at, const int64_t *) const
    {
        float pair[2 * N];
        float c[N];
        float s[N];
        lt_load_floats<T, 2 * N>(x + at[1], pair);
        lt_load_floats<float, N>(cosine + at[2], c);
        lt_load_floats<float, N>(sine + at[3], s);
#pragma unroll
        for (int i = 0; i < N; i++) {
            const float even = pair[2 * i];
            const float odd = pair[2 * i + 1];
            pair[2 * i] = even * c[i] - odd * s[i];
            pair[2 * i + 1] = even * s[i] + odd * c[i];
        }
        lt_store_floats<T, 2 * N>(out + at[0], pair);
    }
};

/* Scalar loads of a pair would want an even address; an unaligned head is taken apart. */
template <typename T> struct unaligned_rope_op {
    T *out;
    const T *x;
    const float *cosine;
    const float *sine;

    template <int N> __device__ __forceinline__ void run(const int64_t *at, const int64_t *) const
    {
        const float even = lt_to_float(x[at[1]]);
        const float odd = lt_to_float(x[at[1] + 1]);
        const float c = cosine[at[2]];
        const float s = sine[at[3]];
        out[at[0]] = lt_from_float<T>(even * c - odd * s);
        out[at[0] + 1] = lt_from_float<T>(even * s + odd * c);
    }
};

/* [B, n, h, d] as [B, n, h, d/2] pairs. */
static lt_tensor pairs_of(lt_tensor t)
{
    t.dim[3] /= 2;
    t.stride[3] = 2;
    return t;
}

/* [n, d/2] as [1, n, 1, d/2]. */
static lt_tensor table_of(const lt_tensor &t)
{
    lt_tensor table = lt_view(t.data, LT_F32, lt_shape4(1, t.dim[0], 1, t.dim[1]));
    table.stride[1] = t.stride[0];
    return table;
}

template <typename T>
static lt_status run_rope(lt_cuda *c, lt_walk walk, const lt_tensor &out, const lt_tensor &x,
                          const lt_tensor &cosine, const lt_tensor &sine, lt_error *err)
{
    constexpr int N = lt_pack_size<T> / 2;
    lt_walk_merge(&walk);
    if (lt_walk_pack(&walk, N)) {
        const rope_op<T> op = {(T *)out.data, (const T *)x.data, (const float *)cosine.data,
                               (const float *)sine.data};
        return lt_walk_launch<N>(c, "rope", err, walk, op);
    }
    const unaligned_rope_op<T> op = {(T *)out.data, (const T *)x.data, (const float *)cosine.data,
                                     (const float *)sine.data};
    return lt_walk_launch<1>(c, "rope", err, walk, op);
}

lt_status lt_cuda_rope(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor cosine, lt_tensor sine,
                       lt_error *err)
{
    const lt_tensor to = pairs_of(out);
    const lt_tensor from = pairs_of(x);
    const lt_tensor c = table_of(cosine);
    const lt_tensor s = table_of(sine);
    lt_walk walk = lt_walk_over(lt_shape_of(&to));
    lt_walk_add(&walk, &to, 2, LT_WALK_RUNS);
    lt_walk_add(&walk, &from, 2, LT_WALK_RUNS);
    lt_walk_add(&walk, &c, 1, LT_WALK_RUNS);
    lt_walk_add(&walk, &s, 1, LT_WALK_RUNS);
    return out.dtype == LT_F32 ? run_rope<float>(lt_cuda_of(b), walk, out, x, cosine, sine, err)
                               : run_rope<lt_bf16>(lt_cuda_of(b), walk, out, x, cosine, sine, err);
}
