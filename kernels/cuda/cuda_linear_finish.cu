/* cuda_linear_finish.cu - bias and activation after a product, for those that cuBLASLt's epilogues
 * do not have. Memory bound. */
#include "kernels/cuda/cuda_linear.h"
#include "kernels/cuda/cuda_walk.cuh"

template <typename To, lt_act ACT> struct finish_op {
    To *out;
    const float *sums;
    const float *bias; /* or NULL */

    template <int N> __device__ __forceinline__ void run(const int64_t *at, const int64_t *) const
    {
        const lt_pack<float, N> x = lt_load<float, N>(sums + at[1]);
        lt_pack<To, N> y;
#pragma unroll
        for (int i = 0; i < N; i++)
            y.at[i] = lt_from_float<To>(
                lt_activated<ACT>(x.at[i] + (bias == NULL ? 0 : bias[at[2] + i])));
        lt_store<To, N>(out + at[0], y);
    }
};

template <typename To, lt_act ACT>
static lt_status run(lt_cuda *c, const lt_tensor &out, const lt_tensor &sums, const float *bias,
                     lt_error *err)
{
    lt_walk w = lt_walk_over(lt_shape_of(&out));
    const finish_op<To, ACT> op = {(To *)out.data, (const float *)sums.data, bias};
    lt_walk_add(&w, &out, 1, LT_WALK_RUNS);
    lt_walk_add(&w, &sums, 1, LT_WALK_RUNS);
    if (bias != NULL) {
        const lt_tensor row = lt_view((void *)bias, LT_F32, lt_shape2(1, out.dim[1]));
        lt_walk_add(&w, &row, 1, LT_WALK_RUNS);
    }
    return lt_walk_run<4>(c, "linear: finish", err, w, op);
}

template <typename To>
static lt_status pick_act(lt_cuda *c, const lt_tensor &out, const lt_tensor &sums,
                          const float *bias, lt_act act, lt_error *err)
{
    switch (act) {
    case LT_ACT_GELU_ERF:
        return run<To, LT_ACT_GELU_ERF>(c, out, sums, bias, err);
    case LT_ACT_GELU_TANH:
        return run<To, LT_ACT_GELU_TANH>(c, out, sums, bias, err);
    case LT_ACT_SILU:
        return run<To, LT_ACT_SILU>(c, out, sums, bias, err);
    case LT_ACT_TANH:
        return run<To, LT_ACT_TANH>(c, out, sums, bias, err);
    case LT_ACT_NONE:
        break;
    }
    return run<To, LT_ACT_NONE>(c, out, sums, bias, err);
}

lt_status lt_cuda_linear_finish(lt_cuda *c, lt_tensor out, lt_tensor sums, const float *bias,
                                lt_act act, lt_error *err)
{
    return out.dtype == LT_F32 ? pick_act<float>(c, out, sums, bias, act, err)
                               : pick_act<lt_bf16>(c, out, sums, bias, act, err);
}
