/* cuda_activate.cu - activations, gates: out = act(x); out = act(g) * u; out = x + gate * y. Memory
 * bound, one pass. */
#include "kernels/cuda/cuda_walk.cuh"

template <typename T> struct activate_op {
    T *out;
    const T *x;
    lt_act act;

    template <int N> __device__ __forceinline__ void run(const int64_t *at, const int64_t *) const
    {
        float value[N];
        lt_load_floats<T, N>(x + at[1], value);
        lt_activate_all(value, act);
        lt_store_floats<T, N>(out + at[0], value);
    }
};

template <typename T> struct gated_act_op {
    T *out;
    const T *g;
    const T *u;
    lt_act act;

    template <int N> __device__ __forceinline__ void run(const int64_t *at, const int64_t *) const
    {
        float gate[N];
        float value[N];
        lt_load_floats<T, N>(g + at[1], gate);
        lt_load_floats<T, N>(u + at[2], value);
        lt_activate_all(gate, act);
#pragma unroll
        for (int i = 0; i < N; i++)
            value[i] *= gate[i];
        lt_store_floats<T, N>(out + at[0], value);
    }
};

/* The gate repeats over the rows of its batch; G is f32 or T. */
template <typename T, typename G> struct gated_add_op {
    T *out;
    const T *x;
    const T *y;
    const G *gate;

    template <int N> __device__ __forceinline__ void run(const int64_t *at, const int64_t *) const
    {
        float sum[N];
        float value[N];
        float weight[N];
        lt_load_floats<T, N>(x + at[1], sum);
        lt_load_floats<T, N>(y + at[2], value);
        lt_load_floats<G, N>(gate + at[3], weight);
#pragma unroll
        for (int i = 0; i < N; i++)
            sum[i] += weight[i] * value[i];
        lt_store_floats<T, N>(out + at[0], sum);
    }
};

template <typename T>
static lt_status run_activate(lt_cuda *c, const lt_walk &walk, const lt_tensor &out,
                              const lt_tensor &x, lt_act act, lt_error *err)
{
    const activate_op<T> op = {(T *)out.data, (const T *)x.data, act};
    return lt_walk_run<lt_pack_size<T>>(c, "activate", err, walk, op);
}

lt_status lt_cuda_activate(lt_backend *b, lt_tensor out, lt_tensor x, lt_act act, lt_error *err)
{
    lt_walk walk = lt_walk_over(lt_shape_of(&out));
    lt_walk_add(&walk, &out, 1, LT_WALK_RUNS);
    lt_walk_add(&walk, &x, 1, LT_WALK_RUNS);
    return out.dtype == LT_F32 ? run_activate<float>(lt_cuda_of(b), walk, out, x, act, err)
                               : run_activate<lt_bf16>(lt_cuda_of(b), walk, out, x, act, err);
}

template <typename T>
static lt_status run_gated_act(lt_cuda *c, const lt_walk &walk, const lt_tensor &out,
                               const lt_tensor &g, const lt_tensor &u, lt_act act, lt_error *err)
{
    const gated_act_op<T> op = {(T *)out.data, (const T *)g.data, (const T *)u.data, act};
    return lt_walk_run<lt_pack_size<T>>(c, "gated_act", err, walk, op);
}

lt_status lt_cuda_gated_act(lt_backend *b, lt_tensor out, lt_tensor g, lt_tensor u, lt_act act,
                            lt_error *err)
{
    lt_walk walk = lt_walk_over(lt_shape_of(&out));
    lt_walk_add(&walk, &out, 1, LT_WALK_RUNS);
    lt_walk_add(&walk, &g, 1, LT_WALK_RUNS);
    lt_walk_add(&walk, &u, 1, LT_WALK_RUNS);
    return out.dtype == LT_F32 ? run_gated_act<float>(lt_cuda_of(b), walk, out, g, u, act, err)
                               : run_gated_act<lt_bf16>(lt_cuda_of(b), walk, out, g, u, act, err);
}

template <typename T, typename G>
static lt_status run_gated_add(lt_cuda *c, const lt_walk &walk, const lt_tensor &out,
                               const lt_tensor &x, const lt_tensor &y, const lt_tensor &gate,
                               lt_error *err)
{
    const gated_add_op<T, G> op = {(T *)out.data, (const T *)x.data, (const T *)y.data,
                                   (const G *)gate.data};
    return lt_walk_run<lt_pack_size<T>>(c, "gated_add", err, walk, op);
}

lt_status lt_cuda_gated_add(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor gate, lt_tensor y,
                            lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    lt_walk walk = lt_walk_over(lt_shape_of(&out));
    /* [B or 1, 1, d] */
    lt_tensor rows = lt_view(gate.data, gate.dtype, lt_shape3(gate.dim[0], 1, gate.dim[1]));
    rows.stride[0] = gate.stride[0];
    lt_walk_add(&walk, &out, 1, LT_WALK_RUNS);
    lt_walk_add(&walk, &x, 1, LT_WALK_RUNS);
    lt_walk_add(&walk, &y, 1, LT_WALK_RUNS);
    lt_walk_add(&walk, &rows, 1, LT_WALK_RUNS);
    if (out.dtype == LT_F32)
        return run_gated_add<float, float>(c, walk, out, x, y, gate, err);
    return gate.dtype == LT_F32 ? run_gated_add<lt_bf16, float>(c, walk, out, x, y, gate, err)
                                : run_gated_add<lt_bf16, lt_bf16>(c, walk, out, x, y, gate, err);
}
