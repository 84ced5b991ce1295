/* cuda_strided.cu - operations on tensors of any strides: axpby, copy, fill. Memory bound: every
 * element is read once and written once. */
#include <cuda_fp16.h>
#include <string.h>

#include "kernels/cuda/cuda_walk.cuh"

/* ---- axpby: out = alpha x + beta y ---- */

/* TY is TX where there is no y. */
template <typename TO, typename TX, typename TY> struct axpby_op {
    TO *out;
    const TX *x;
    const TY *y; /* or NULL */
    float alpha;
    float beta;

    template <int N>
    __device__ __forceinline__ void run(const int64_t *at, const int64_t *step) const
    {
        const lt_pack<TX, N> a = lt_load<TX, N>(x + at[1]);
        lt_pack<TY, N> b = {};
        if (y != NULL && step[2] != 0) {
            b = lt_load<TY, N>(y + at[2]);
        } else if (y != NULL) {
            const TY one = y[at[2]];
#pragma unroll
            for (int i = 0; i < N; i++)
                b.at[i] = one;
        }
        lt_pack<TO, N> sum;
#pragma unroll
        for (int i = 0; i < N; i++) {
            float value = alpha * lt_to_float(a.at[i]);
            if (y != NULL) /* 0 * beta is not nothing where beta is not finite */
                value += beta * lt_to_float(b.at[i]);
            sum.at[i] = lt_from_float<TO>(value);
        }
        lt_store<TO, N>(out + at[0], sum);
    }
};

typedef struct {
    lt_cuda *c;
    lt_walk walk;
    lt_tensor out;
    float alpha;
    lt_tensor x;
    float beta;
    lt_tensor y;
} axpby_job;

template <typename TO, typename TX, typename TY>
static lt_status run_axpby(const axpby_job &j, lt_error *err)
{
    constexpr int N = sizeof(TO) == 2 && sizeof(TX) == 2 && sizeof(TY) == 2 ? 8 : 4;
    const axpby_op<TO, TX, TY> op = {(TO *)j.out.data, (const TX *)j.x.data, (const TY *)j.y.data,
                                     j.alpha, j.beta};
    return lt_walk_run<N>(j.c, "axpby", err, j.walk, op);
}

template <typename TO, typename TX> static lt_status pick_y(const axpby_job &j, lt_error *err)
{
    if (lt_is_none(&j.y))
        return run_axpby<TO, TX, TX>(j, err);
    return j.y.dtype == LT_F32 ? run_axpby<TO, TX, float>(j, err)
                               : run_axpby<TO, TX, lt_bf16>(j, err);
}

template <typename TO> static lt_status pick_x(const axpby_job &j, lt_error *err)
{
    return j.x.dtype == LT_F32 ? pick_y<TO, float>(j, err) : pick_y<TO, lt_bf16>(j, err);
}

lt_status lt_cuda_axpby(lt_backend *b, lt_tensor out, float alpha, lt_tensor x, float beta,
                        lt_tensor y, lt_error *err)
{
    axpby_job j = {lt_cuda_of(b), lt_walk_over(lt_shape_of(&out)), out, alpha, x, beta, y};
    lt_walk_add(&j.walk, &out, 1, LT_WALK_RUNS);
    lt_walk_add(&j.walk, &x, 1, LT_WALK_RUNS);
    if (!lt_is_none(&y))
        lt_walk_add(&j.walk, &y, 1, LT_WALK_EITHER);
    else
        j.y.data = NULL;
    return out.dtype == LT_F32 ? pick_x<float>(j, err) : pick_x<lt_bf16>(j, err);
}

/* ---- copy: the same dtype bit for bit, others through f32, or double where f64 takes part ---- */

template <typename T> struct move_op {
    T *out;
    const T *x;

    template <int N> __device__ __forceinline__ void run(const int64_t *at, const int64_t *) const
    {
        lt_store<T, N>(out + at[0], lt_load<T, N>(x + at[1]));
    }
};

template <typename T> static __device__ __forceinline__ double to_double(T x)
{
    return (double)lt_to_float(x);
}

template <> __device__ __forceinline__ double to_double<double>(double x)
{
    return x;
}

template <> __device__ __forceinline__ double to_double<__half>(__half x)
{
    return (double)__half2float(x);
}

template <typename T> static __device__ __forceinline__ T from_double(double x)
{
    return lt_from_float<T>((float)x);
}

template <> __device__ __forceinline__ double from_double<double>(double x)
{
    return x;
}

template <> __device__ __forceinline__ __half from_double<__half>(double x)
{
    return __float2half_rn((float)x);
}

template <typename TO, typename TX> struct cast_op {
    TO *out;
    const TX *x;

    template <int N> __device__ __forceinline__ void run(const int64_t *at, const int64_t *) const
    {
        const lt_pack<TX, N> from = lt_load<TX, N>(x + at[1]);
        lt_pack<TO, N> to;
#pragma unroll
        for (int i = 0; i < N; i++)
            to.at[i] = from_double<TO>(to_double<TX>(from.at[i]));
        lt_store<TO, N>(out + at[0], to);
    }
};

/* Between f32 and bf16, the casts of a forward pass. */
template <typename TO, typename TX> struct narrow_op {
    TO *out;
    const TX *x;

    template <int N> __device__ __forceinline__ void run(const int64_t *at, const int64_t *) const
    {
        const lt_pack<TX, N> from = lt_load<TX, N>(x + at[1]);
        lt_pack<TO, N> to;
#pragma unroll
        for (int i = 0; i < N; i++)
            to.at[i] = lt_from_float<TO>(lt_to_float(from.at[i]));
        lt_store<TO, N>(out + at[0], to);
    }
};

typedef struct {
    lt_cuda *c;
    lt_walk walk;
    lt_tensor out;
    lt_tensor x;
} copy_job;

template <typename T> static lt_status run_move(const copy_job &j, lt_error *err)
{
    const move_op<T> op = {(T *)j.out.data, (const T *)j.x.data};
    return lt_walk_run<lt_pack_size<T>>(j.c, "copy", err, j.walk, op);
}

template <typename TO, typename TX> static lt_status run_cast(const copy_job &j, lt_error *err)
{
    const cast_op<TO, TX> op = {(TO *)j.out.data, (const TX *)j.x.data};
    return lt_walk_launch<1>(j.c, "copy", err, j.walk, op);
}

template <typename TO, typename TX> static lt_status run_narrow(const copy_job &j, lt_error *err)
{
    const narrow_op<TO, TX> op = {(TO *)j.out.data, (const TX *)j.x.data};
    return lt_walk_run<4>(j.c, "copy", err, j.walk, op);
}

static lt_status same_dtype(const copy_job &j, lt_error *err)
{
    switch (lt_dtype_bytes(j.x.dtype)) {
    case 1:
        return run_move<uint8_t>(j, err);
    case 2:
        return run_move<uint16_t>(j, err);
    case 4:
        return run_move<uint32_t>(j, err);
    default:
        return run_move<uint64_t>(j, err);
    }
}

template <typename TO> static lt_status cast_to(const copy_job &j, lt_error *err)
{
    switch (j.x.dtype) {
    case LT_F32:
        return run_cast<TO, float>(j, err);
    case LT_BF16:
        return run_cast<TO, lt_bf16>(j, err);
    case LT_F16:
        return run_cast<TO, __half>(j, err);
    default:
        return run_cast<TO, double>(j, err);
    }
}

lt_status lt_cuda_copy(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err)
{
    copy_job j = {lt_cuda_of(b), lt_walk_over(lt_shape_of(&out)), out, x};
    lt_walk_add(&j.walk, &out, 1, LT_WALK_RUNS);
    lt_walk_add(&j.walk, &x, 1, LT_WALK_RUNS);
    if (out.dtype == x.dtype)
        return same_dtype(j, err);
    if (out.dtype == LT_F32 && x.dtype == LT_BF16)
        return run_narrow<float, lt_bf16>(j, err);
    if (out.dtype == LT_BF16 && x.dtype == LT_F32)
        return run_narrow<lt_bf16, float>(j, err);
    switch (out.dtype) {
    case LT_F32:
        return cast_to<float>(j, err);
    case LT_BF16:
        return cast_to<lt_bf16>(j, err);
    case LT_F16:
        return cast_to<__half>(j, err);
    default:
        return cast_to<double>(j, err);
    }
}

/* ---- fill ---- */

template <typename T> struct fill_op {
    T *out;
    T value;

    template <int N> __device__ __forceinline__ void run(const int64_t *at, const int64_t *) const
    {
        lt_pack<T, N> p;
#pragma unroll
        for (int i = 0; i < N; i++)
            p.at[i] = value;
        lt_store<T, N>(out + at[0], p);
    }
};

/* `bits`: one element as it lies in memory. */
template <typename T>
static lt_status run_fill(lt_cuda *c, const lt_walk &walk, const lt_tensor &out, const void *bits,
                          lt_error *err)
{
    fill_op<T> op = {(T *)out.data, 0};
    memcpy(&op.value, bits, sizeof(T));
    return lt_walk_run<lt_pack_size<T>>(c, "fill", err, walk, op);
}

/* All files are compiled for the same architectures, so one kernel speaks for all. */
lt_status lt_cuda_compiled_for(int *architecture, lt_error *err)
{
    cudaFuncAttributes attributes = {};
    LT_CUDA_TRY(
        cudaFuncGetAttributes(&attributes, (const void *)lt_walk_kernel<1, fill_op<uint32_t>>),
        "looking at kernels", err);
    *architecture = attributes.ptxVersion;
    return LT_OK;
}

lt_status lt_cuda_fill(lt_backend *b, lt_tensor out, float value, lt_error *err)
{
    lt_walk walk = lt_walk_over(lt_shape_of(&out));
    uint64_t bits = 0;
    lt_walk_add(&walk, &out, 1, LT_WALK_RUNS);
    lt_store_element(&bits, out.dtype, 0, (double)value);
    switch (lt_dtype_bytes(out.dtype)) {
    case 2:
        return run_fill<uint16_t>(lt_cuda_of(b), walk, out, &bits, err);
    case 4:
        return run_fill<uint32_t>(lt_cuda_of(b), walk, out, &bits, err);
    default:
        return run_fill<uint64_t>(lt_cuda_of(b), walk, out, &bits, err);
    }
}
