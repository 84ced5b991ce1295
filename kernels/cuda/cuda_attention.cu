/* cuda_attention.cu - out = softmax over visible keys of (scale q.k + bias) times v: which kernel.
 *
 *     a few rows (decoding)              keys split over blocks         cuda_attention_decode.cu
 *     bf16, large, all keys, no bias     cuDNN's fused attention        cudnn_attention.c
 *     the same, d = 64, where E4M3 may   wgmma in 8 bits                cuda_attention_e4m3.cu (90)
 *     bf16, d <= 128 in packs of 8       tiles on tensor cores          cuda_attention_tiles.cu
 *     f32, odd sizes or addresses        tiles in plain f32             cuda_attention_plain.cu
 *
 * The choice depends on shapes and strides alone. Where cuDNN has no plan for a shape the next line
 * takes it.
 */
#include "kernels/cuda/cuda_attention.h"
#include "kernels/cuda/cuda_device.cuh"

/* Scores of a head above which cuDNN's kernel is worth a plan, which takes a second to build; below
 * it nothing is rounded either. */
static const int64_t worth_a_plan = 1 << 20;

static void set_strides(int64_t *strides, const lt_tensor &t)
{
    for (int i = 0; i < 3; i++)
        strides[i] = t.dim[i] == 1 ? 0 : t.stride[i];
}

/* A dimension of size 1 has any stride; 0 is as good and aligned. */
static bool packs_of_16(const lt_tensor &t)
{
    return (t.dim[3] == 1 || t.stride[3] == 1) && lt_cuda_aligned(&t, 16);
}

static lt_attention_job job_of(const lt_tensor &out, const lt_tensor &q, const lt_tensor &k,
                               const lt_tensor &v, const lt_attention_args *a)
{
    lt_attention_job j = {};
    j.q = q.data;
    j.k = k.data;
    j.v = v.data;
    j.out = out.data;
    set_strides(j.q_stride, q);
    set_strides(j.k_stride, k);
    set_strides(j.v_stride, v);
    set_strides(j.out_stride, out);
    j.visible = lt_is_none(&a->visible) ? NULL : (const int32_t *)a->visible.data;
    j.bias = lt_is_none(&a->bias) ? NULL : (const float *)a->bias.data;
    j.type = q.dtype;
    j.batches = (int)q.dim[0];
    j.n = (int)q.dim[1];
    j.m = (int)k.dim[1];
    j.heads = (int)q.dim[2];
    j.d = (int)q.dim[3];
    j.scale = a->scale;
    j.narrow = a->rounding == LT_ROUND_E4M3;
    return j;
}

lt_status lt_cuda_attention(lt_backend *b, lt_tensor out, lt_tensor q, lt_tensor k, lt_tensor v,
                            const lt_attention_args *a, lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    const lt_attention_job j = job_of(out, q, k, v, a);
    if (j.n <= LT_DECODE_ROWS)
        return lt_cuda_attention_decode(c, &j, NULL, err);
    const bool on_tensor_cores = j.type == LT_BF16 && j.d <= 128 && j.d % 8 == 0 &&
                                 packs_of_16(q) && packs_of_16(k) && packs_of_16(v) &&
                                 packs_of_16(out);
    if (!on_tensor_cores)
        return lt_cuda_attention_plain(c, &j, err);
    bool done = false;
    const bool large = j.visible == NULL && j.bias == NULL && (int64_t)j.n * j.m >= worth_a_plan;
    if (large && j.narrow && j.d == 64 && j.scale > 0 && lt_cuda_has_attention_e4m3(c))
        return lt_cuda_attention_e4m3(c, &j, err);
    if (large)
        LT_TRY(lt_cudnn_attention(c, &j, &done, err));
    return done ? LT_OK : lt_cuda_attention_tiles(c, &j, err);
}

lt_status lt_cuda_cached_attention(lt_backend *b, lt_tensor out, lt_tensor qkv, lt_tensor k,
                                   lt_tensor v, lt_tensor first, lt_tensor cosine, lt_tensor sine,
                                   const lt_attention_args *a, lt_error *err)
{
    if (qkv.dim[1] > LT_DECODE_ROWS)
        return lt_cached_attention_in_steps(b, out, qkv, k, v, first, cosine, sine, a, err);
    const lt_attention_job j = job_of(out, lt_select(qkv, 2, 0), k, v, a);
    const lt_tensor keys = lt_select(qkv, 2, 1);
    lt_joining_rows joining = {};
    joining.keys = keys.data;
    joining.values = lt_select(qkv, 2, 2).data;
    set_strides(joining.stride, keys);
    joining.to_keys = k.data;
    joining.to_values = v.data;
    joining.cosine = (const float *)cosine.data;
    joining.sine = (const float *)sine.data;
    joining.angle_stride[0] = cosine.stride[0];
    joining.angle_stride[1] = sine.stride[0];
    joining.first = lt_is_none(&first) ? NULL : (const int32_t *)first.data;
    return lt_cuda_attention_decode(lt_cuda_of(b), &j, &joining, err);
}
