/* cuda_linear_panel.cu - matrices in another type: what cuBLASLt cannot multiply as it is stored is
 * widened (or scaled) into the workspace first. Memory bound: each value is read once and written
 * once. */
#include "kernels/cuda/cuda_linear.h"
#include "kernels/cuda/cuda_linear_number.cuh"
#include "kernels/cuda/cuda_walk.cuh"

template <typename To, typename From> struct panel_op {
    To *out;
    const From *from;
    const float *scale; /* one for each row, or NULL */

    template <int N> __device__ __forceinline__ void run(const int64_t *at, const int64_t *) const
    {
        const float factor = scale == NULL ? 1 : scale[at[2]];
        const lt_pack<From, N> x = lt_load<From, N>(from + at[1]);
        lt_pack<To, N> y;
#pragma unroll
        for (int i = 0; i < N; i++)
            y.at[i] = lt_from_float<To>(lt_number(x.at[i]) * factor);
        lt_store<To, N>(out + at[0], y);
    }
};

template <typename To, typename From>
static lt_status run(lt_cuda *c, const lt_tensor &out, const lt_tensor &from,
                     const lt_tensor &scale, lt_error *err)
{
    lt_walk w = lt_walk_over(lt_shape_of(&out));
    const panel_op<To, From> op = {(To *)out.data, (const From *)from.data,
                                   (const float *)scale.data};
    lt_walk_add(&w, &out, 1, LT_WALK_RUNS);
    lt_walk_add(&w, &from, 1, LT_WALK_RUNS);
    if (!lt_is_none(&scale)) {
        const lt_tensor column = lt_view(scale.data, LT_F32, lt_shape2(out.dim[0], 1));
        lt_walk_add(&w, &column, 1, LT_WALK_STAYS);
    }
    return lt_walk_run<8>(c, "linear: panel", err, w, op);
}

template <typename To>
static lt_status pick_from(lt_cuda *c, const lt_tensor &out, const lt_tensor &from,
                           const lt_tensor &scale, lt_error *err)
{
    switch (from.dtype) {
    case LT_F32:
        return run<To, float>(c, out, from, scale, err);
    case LT_BF16:
        return run<To, lt_bf16>(c, out, from, scale, err);
    case LT_I8:
        return run<To, int8_t>(c, out, from, scale, err);
    default:
        return lt_fail(err, LT_ERR_FAILED, "cuda: linear: a matrix of %s, expected f32, bf16 or i8",
                       lt_dtype_name(from.dtype));
    }
}

/* One thread for 16 bytes of blocks. */
template <typename To, typename W>
static __global__ void blocks_kernel(To *out, const W *w, const void *scale, int64_t count)
{
    constexpr int N = lt_weights_in_16<W>;
    for (int64_t i = lt_first_item() * N; i < count; i += lt_item_step() * N) {
        float value[N];
        lt_load_weights<N>(value, w, scale, i);
#pragma unroll
        for (int j = 0; j < N; j += lt_pack_size<To>) {
            lt_pack<To, lt_pack_size<To>> p;
#pragma unroll
            for (int k = 0; k < lt_pack_size<To>; k++)
                p.at[k] = lt_from_float<To>(value[j + k]);
            lt_store<To, lt_pack_size<To>>(out + i + j, p);
        }
    }
}

template <typename To, typename W>
static lt_status run_blocks(lt_cuda *c, void *out, const lt_weight *w, lt_error *err)
{
    enum { THREADS = 256 };
    const int64_t count = lt_numel(&w->value);
    const unsigned grid = lt_cuda_blocks_for(c, count / lt_weights_in_16<W>, THREADS);
    return lt_cuda_launch(c, "linear: panel", err, grid, THREADS, 0, blocks_kernel<To, W>,
                          (To *)out, (const W *)w->value.data, (const void *)w->scale.data, count);
}

lt_status lt_cuda_panel_of_blocks(lt_cuda *c, lt_tensor out, const lt_weight *w, lt_error *err)
{
    if (w->value.dtype == LT_Q8)
        return out.dtype == LT_F32 ? run_blocks<float, lt_q8>(c, out.data, w, err)
                                   : run_blocks<lt_bf16, lt_q8>(c, out.data, w, err);
    return out.dtype == LT_F32 ? run_blocks<float, lt_q4>(c, out.data, w, err)
                               : run_blocks<lt_bf16, lt_q4>(c, out.data, w, err);
}

lt_status lt_cuda_panel(lt_cuda *c, lt_tensor out, lt_tensor from, lt_tensor scale, lt_error *err)
{
    if (lt_is_none(&scale))
        scale.data = NULL;
    return out.dtype == LT_F32 ? pick_from<float>(c, out, from, scale, err)
                               : pick_from<lt_bf16>(c, out, from, scale, err);
}
