/* cuda_row_norm.cu - layer_norm and rms_norm over rows.
 *
 *     layer_norm   (x - mean) / sqrt(var + eps) * w + b, then * (1 + scale) + shift
 *     rms_norm     x / sqrt(mean(x^2) + eps) * w
 *
 * A team of threads holds a row in registers: a part of a warp for the rows of heads, a warp while
 * there are many rows, else a block. x is read once, out written once; mean and variance take two
 * passes over the registers. Rows longer than a block holds are read again from memory, which is
 * the cache.
 */
#include "kernels/cuda/cuda_device.cuh"

enum {
    BLOCK = 256,    /* threads */
    HELD = 4,       /* packs that a thread keeps */
    HELD_LONG = 8,  /* the same, of rows of a few thousand values */
    PART = 8,       /* threads for a row of so few packs */
    FEW_ROWS = 1024 /* below this a warp a row would leave most of the card idle */
};

/* How a row is norm'ed; the tables may be left out (NULL). */
typedef struct {
    int64_t rows;
    int64_t rows_per_batch; /* n */
    int64_t d;
    int64_t out_stride[2]; /* of batch and row, elements */
    int64_t x_stride[2];
    const float *w;
    const float *bias;
    float eps;
    const void *scale; /* [B or 1, d], f32 or the activations' type */
    const void *shift;
    int64_t scale_stride; /* of a batch; 0: one for all */
    int64_t shift_stride;
    bool scale_f32;
    bool shift_f32;
} norm_plan;

template <typename T, int N>
static __device__ __forceinline__ void load_table(const void *table, bool is_f32, int64_t at,
                                                  float (&x)[N])
{
    if (is_f32)
        lt_load_floats<float, N>((const float *)table + at, x);
    else
        lt_load_floats<T, N>((const T *)table + at, x);
}

/* x[i] of a normed value becomes what comes out. */
template <typename T, int N>
static __device__ __forceinline__ void apply_tables(const norm_plan &p, int64_t batch, int64_t at,
                                                    float (&x)[N])
{
    float table[N];
    if (p.w != NULL) {
        lt_load_floats<float, N>(p.w + at, table);
#pragma unroll
        for (int i = 0; i < N; i++)
            x[i] *= table[i];
    }
    if (p.bias != NULL) {
        lt_load_floats<float, N>(p.bias + at, table);
#pragma unroll
        for (int i = 0; i < N; i++)
            x[i] += table[i];
    }
    if (p.scale != NULL) {
        load_table<T, N>(p.scale, p.scale_f32, batch * p.scale_stride + at, table);
#pragma unroll
        for (int i = 0; i < N; i++)
            x[i] *= 1.0f + table[i];
    }
    if (p.shift != NULL) {
        load_table<T, N>(p.shift, p.shift_f32, batch * p.shift_stride + at, table);
#pragma unroll
        for (int i = 0; i < N; i++)
            x[i] += table[i];
    }
}

/* Over a team: a part of a warp, a warp or a block; every thread of it gets the same bits. */
template <int TEAM> static __device__ __forceinline__ float team_sum(float x)
{
    if constexpr (TEAM > LT_WARP) {
        return lt_block_sum<TEAM>(x);
    } else {
#pragma unroll
        for (int distance = TEAM / 2; distance > 0; distance /= 2)
            x += __shfl_xor_sync(0xffffffffu, x, distance);
        return x;
    }
}

/* Thread `lane` of a team has packs lane, lane + TEAM, ... of a row; the first
 * KEPT of them stay in registers. */
template <typename T, int N, int TEAM, int KEPT> struct held_row {
    const T *from;
    int lane;
    int packs;
    lt_pack<T, N> held[KEPT];

    __device__ __forceinline__ held_row(const T *row, int64_t d, int lane_)
        : from(row), lane(lane_), packs((int)(d / N))
    {
#pragma unroll
        for (int k = 0; k < KEPT; k++)
            held[k] = lane + k * TEAM < packs ? lt_load<T, N>(from + (int64_t)(lane + k * TEAM) * N)
                                              : lt_pack<T, N>{};
    }

    /* f(pack of floats, its place in the row) for every pack of this thread. */
    template <typename F> __device__ __forceinline__ void each(F f) const
    {
        float x[N];
#pragma unroll
        for (int k = 0; k < KEPT; k++)
            if (lane + k * TEAM < packs) {
#pragma unroll
                for (int i = 0; i < N; i++)
                    x[i] = lt_to_float(held[k].at[i]);
                f(x, (int64_t)(lane + k * TEAM) * N);
            }
        for (int k = lane + KEPT * TEAM; k < packs; k += TEAM) {
            lt_load_floats<T, N>(from + (int64_t)k * N, x);
            f(x, (int64_t)k * N);
        }
    }
};

template <typename T, int N, int TEAM, int KEPT, bool CENTRED>
static __global__ void __launch_bounds__(BLOCK, 2) norm_kernel(T *out, const T *x, norm_plan p)
{
    lt_after_earlier();
    constexpr int teams = BLOCK / TEAM;
    const int64_t wanted = (int64_t)blockIdx.x * teams + threadIdx.x / TEAM;
    if (TEAM >= LT_WARP && wanted >= p.rows) /* whole warps at once, or nobody of a block */
        return;
    const bool real = wanted < p.rows; /* parts of a warp go on together, on the last row again */
    const int64_t row = real ? wanted : p.rows - 1;
    const int64_t batch = row / p.rows_per_batch;
    const int64_t in_batch = row - batch * p.rows_per_batch;
    const held_row<T, N, TEAM, KEPT> r(x + batch * p.x_stride[0] + in_batch * p.x_stride[1], p.d,
                                       (int)(threadIdx.x % TEAM));
    const float count = (float)p.d;

    float mean = 0;
    if (CENTRED) {
        float sum = 0;
        r.each([&](const float(&v)[N], int64_t) {
#pragma unroll
            for (int i = 0; i < N; i++)
                sum += v[i];
        });
        mean = team_sum<TEAM>(sum) / count;
    }
    float square = 0;
    r.each([&](const float(&v)[N], int64_t) {
#pragma unroll
        for (int i = 0; i < N; i++)
            square += (v[i] - mean) * (v[i] - mean);
    });
    const float inverse = 1.0f / sqrtf(team_sum<TEAM>(square) / count + p.eps);

    if (!real)
        return;
    T *to = out + batch * p.out_stride[0] + in_batch * p.out_stride[1];
    r.each([&](float(&v)[N], int64_t at) {
#pragma unroll
        for (int i = 0; i < N; i++)
            v[i] = (v[i] - mean) * inverse;
        apply_tables<T, N>(p, batch, at, v);
        lt_store_floats<T, N>(to + at, v);
    });
}

/* ---- the entries ---- */

typedef struct {
    lt_cuda *c;
    const char *place;
    void *out;
    const void *x;
    bool centred;
    norm_plan plan;
} norm_job;

template <typename T, int N, int TEAM, int KEPT>
static lt_status launch(const norm_job &j, lt_error *err)
{
    const unsigned grid = (unsigned)lt_cuda_ceil_div(j.plan.rows, BLOCK / TEAM);
    void (*const kernel)(T *, const T *, norm_plan) =
        j.centred ? norm_kernel<T, N, TEAM, KEPT, true> : norm_kernel<T, N, TEAM, KEPT, false>;
    return lt_cuda_launch_early(j.c, j.place, err, grid, BLOCK, 0, kernel, (T *)j.out,
                                (const T *)j.x, j.plan);
}

template <typename T, int N> static lt_status pick_team(const norm_job &j, lt_error *err)
{
    const int64_t packs = j.plan.d / N;
    if (packs <= PART && j.plan.rows >= FEW_ROWS)
        return launch<T, N, PART, 1>(j, err);
    if (packs <= LT_WARP || (packs <= LT_WARP * HELD && j.plan.rows >= FEW_ROWS))
        return launch<T, N, LT_WARP, HELD>(j, err);
    if (packs <= LT_WARP * HELD_LONG && j.plan.rows >= FEW_ROWS)
        return launch<T, N, LT_WARP, HELD_LONG>(j, err);
    return launch<T, N, BLOCK, HELD>(j, err);
}

/* Packs need every row and table on 16 bytes; the vectors are allocations of their own. */
static bool packs_fit(const lt_tensor &out, const lt_tensor &x, const lt_tensor &scale,
                      const lt_tensor &shift, int n)
{
    const size_t bytes = 16;
    bool fit = out.dim[out.rank - 1] % n == 0 && lt_cuda_aligned(&out, bytes) &&
               lt_cuda_aligned(&x, bytes);
    const lt_tensor *const tables[] = {&scale, &shift};
    for (const lt_tensor *t : tables)
        if (!lt_is_none(t))
            fit = fit && lt_cuda_aligned(t, (size_t)n * lt_dtype_bytes(t->dtype));
    return fit;
}

template <typename T>
static lt_status pick_width(const norm_job &j, const lt_tensor &out, const lt_tensor &x,
                            const lt_tensor &scale, const lt_tensor &shift, lt_error *err)
{
    constexpr int N = lt_pack_size<T>;
    return packs_fit(out, x, scale, shift, N) ? pick_team<T, N>(j, err) : pick_team<T, 1>(j, err);
}

static int64_t modulation_stride(const lt_tensor &t)
{
    return lt_is_none(&t) || t.dim[0] == 1 ? 0 : t.stride[0];
}

lt_status lt_cuda_layer_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                             const lt_weight *bias, float eps, lt_tensor scale, lt_tensor shift,
                             lt_error *err)
{
    norm_job j = {lt_cuda_of(b), "layer_norm", out.data, x.data, true, {}};
    norm_plan *p = &j.plan;
    p->rows = x.dim[0] * x.dim[1];
    p->rows_per_batch = x.dim[1];
    p->d = x.dim[2];
    for (int i = 0; i < 2; i++) {
        p->out_stride[i] = out.stride[i];
        p->x_stride[i] = x.stride[i];
    }
    p->w = lt_cuda_vector(w);
    p->bias = lt_cuda_vector(bias);
    p->eps = eps;
    p->scale = lt_is_none(&scale) ? NULL : scale.data;
    p->shift = lt_is_none(&shift) ? NULL : shift.data;
    p->scale_stride = modulation_stride(scale);
    p->shift_stride = modulation_stride(shift);
    p->scale_f32 = scale.dtype == LT_F32;
    p->shift_f32 = shift.dtype == LT_F32;
    return x.dtype == LT_F32 ? pick_width<float>(j, out, x, scale, shift, err)
                             : pick_width<lt_bf16>(j, out, x, scale, shift, err);
}

lt_status lt_cuda_rms_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w, float eps,
                           lt_error *err)
{
    norm_job j = {lt_cuda_of(b), "rms_norm", out.data, x.data, false, {}};
    norm_plan *p = &j.plan;
    p->rows = x.dim[0];
    p->rows_per_batch = x.dim[0];
    p->d = x.dim[1];
    p->out_stride[1] = out.stride[0];
    p->x_stride[1] = x.stride[0];
    p->w = lt_cuda_vector(w);
    p->eps = eps;
    return x.dtype == LT_F32 ? pick_width<float>(j, out, x, lt_none(), lt_none(), err)
                             : pick_width<lt_bf16>(j, out, x, lt_none(), lt_none(), err);
}
