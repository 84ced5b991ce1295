/* cuda_gather.cu - out[n, d] = table[ids[n], :]; the table is f32, bf16,
 * or i8 rows with a scale each. */
#include "kernels/cuda/cuda_device.cuh"

enum { THREADS = 256 };

static __device__ __forceinline__ float table_value(float x)
{
    return x;
}

static __device__ __forceinline__ float table_value(lt_bf16 x)
{
    return lt_to_float(x);
}

static __device__ __forceinline__ float table_value(int8_t x)
{
    return (float)x;
}

/* One thread writes N neighbours of a row. */
template <typename TO, typename TT, int N>
static __global__ void gather_kernel(TO *out, int64_t out_stride, const TT *table,
                                     const float *scale, const int32_t *ids, int64_t n, int64_t d)
{
    const int64_t packs = d / N;
    for (int64_t item = lt_first_item(); item < n * packs; item += lt_item_step()) {
        const int64_t row = item / packs;
        const int64_t at = item % packs * N;
        const int64_t id = ids[row];
        const lt_pack<TT, N> from = lt_load<TT, N>(table + id * d + at);
        const float factor = scale == NULL ? 1.0f : scale[id];
        float value[N];
#pragma unroll
        for (int i = 0; i < N; i++)
            value[i] = table_value(from.at[i]) * factor;
        lt_store_floats<TO, N>(out + row * out_stride + at, value);
    }
}

template <typename TO, typename TT, int N>
static lt_status run(lt_cuda *c, const lt_tensor &out, const lt_weight *table, const lt_tensor &ids,
                     lt_error *err)
{
    const float *scale = lt_is_none(&table->scale) ? NULL : (const float *)table->scale.data;
    const int64_t items = out.dim[0] * (out.dim[1] / N);
    return lt_cuda_launch(c, "gather", err, lt_cuda_blocks_for(c, items, THREADS), THREADS, 0,
                          gather_kernel<TO, TT, N>, (TO *)out.data, out.stride[0],
                          (const TT *)table->value.data, scale, (const int32_t *)ids.data,
                          out.dim[0], out.dim[1]);
}

/* Rows of the table are packed, so d decides for them; eight elements are 16 bytes of bf16. */
template <typename TO, typename TT>
static lt_status pick_width(lt_cuda *c, const lt_tensor &out, const lt_weight *table,
                            const lt_tensor &ids, lt_error *err)
{
    constexpr int N = 8;
    if (out.dim[1] % N == 0 && lt_cuda_aligned(&out, N * sizeof(TO)))
        return run<TO, TT, N>(c, out, table, ids, err);
    return run<TO, TT, 1>(c, out, table, ids, err);
}

template <typename TO>
static lt_status pick_table(lt_cuda *c, const lt_tensor &out, const lt_weight *table,
                            const lt_tensor &ids, lt_error *err)
{
    switch (table->value.dtype) {
    case LT_F32:
        return pick_width<TO, float>(c, out, table, ids, err);
    case LT_BF16:
        return pick_width<TO, lt_bf16>(c, out, table, ids, err);
    default:
        return pick_width<TO, int8_t>(c, out, table, ids, err);
    }
}

lt_status lt_cuda_gather(lt_backend *b, lt_tensor out, const lt_weight *table, lt_tensor ids,
                         lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    return out.dtype == LT_F32 ? pick_table<float>(c, out, table, ids, err)
                               : pick_table<lt_bf16>(c, out, table, ids, err);
}
