/* cuda_pixels.cu - upsample: out[t, y, x] = in[frame(t), y / factor, x / factor]; to_rgb8: the
 * bytes of a picture. */
#include "kernels/cuda/cuda_walk.cuh"

enum { THREADS = 256 };
static const int64_t most_grid_rows = 65535;

/* ---- upsample ---- */

typedef struct {
    int64_t rows;    /* T' x factor H */
    int64_t columns; /* factor W */
    int64_t height;  /* factor H */
    int64_t from_height;
    int64_t from_columns;
    int64_t packs;  /* of a pixel */
    int64_t frames; /* T */
    int factor;
    lt_time_rule time;
} upsample_plan;

static __device__ __forceinline__ int64_t source_frame(int64_t t, int64_t frames, lt_time_rule time)
{
    if (time == LT_TIME_KEEP || frames == 1)
        return t;
    return frames % 2 == 0 ? t / 2 : (t + 1) / 2; /* odd: 0, 1 1, 2 2, ... */
}

/* A block moves a piece of one output row, N elements a thread; T
 * only has the size of an element. */
template <typename T, int N>
static __global__ void upsample_kernel(T *out, const T *x, upsample_plan p)
{
    const int64_t items = p.columns * p.packs;
    for (int64_t row = blockIdx.y; row < p.rows; row += gridDim.y) {
        const int64_t from_row = source_frame(row / p.height, p.frames, p.time) * p.from_height +
                                 row % p.height / p.factor;
        const T *from = x + from_row * p.from_columns * p.packs * N;
        T *to = out + row * items * N;
        for (int64_t item = lt_first_item(); item < items; item += lt_item_step()) {
            const uint32_t pixel = (uint32_t)item / (uint32_t)p.packs;
            const uint32_t pack = (uint32_t)item - pixel * (uint32_t)p.packs;
            const int64_t source = (int64_t)(pixel / (uint32_t)p.factor) * p.packs + pack;
            lt_store<T, N>(to + item * N, lt_load<T, N>(from + source * N));
        }
    }
}

template <typename T, int N>
static lt_status run_upsample(lt_cuda *c, const lt_tensor &out, const lt_tensor &x, int factor,
                              lt_time_rule time, lt_error *err)
{
    upsample_plan p = {};
    p.rows = out.dim[0] * out.dim[1];
    p.columns = out.dim[2];
    p.height = out.dim[1];
    p.from_height = x.dim[1];
    p.from_columns = x.dim[2];
    p.packs = x.dim[3] / N;
    p.frames = x.dim[0];
    p.factor = factor;
    p.time = time;
    const dim3 grid((unsigned)lt_cuda_ceil_div(p.columns * p.packs, THREADS),
                    (unsigned)(p.rows < most_grid_rows ? p.rows : most_grid_rows));
    return lt_cuda_launch(c, "upsample", err, grid, THREADS, 0, upsample_kernel<T, N>,
                          (T *)out.data, (const T *)x.data, p);
}

template <typename T>
static lt_status pick_width(lt_cuda *c, const lt_tensor &out, const lt_tensor &x, int factor,
                            lt_time_rule time, lt_error *err)
{
    constexpr int N = lt_pack_size<T>;
    const bool packed =
        x.dim[3] % N == 0 && (uintptr_t)x.data % 16 == 0 && (uintptr_t)out.data % 16 == 0;
    return packed ? run_upsample<T, N>(c, out, x, factor, time, err)
                  : run_upsample<T, 1>(c, out, x, factor, time, err);
}

lt_status lt_cuda_upsample(lt_backend *b, lt_tensor out, lt_tensor x, int factor, lt_time_rule time,
                           lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    return out.dtype == LT_F32 ? pick_width<uint32_t>(c, out, x, factor, time, err)
                               : pick_width<uint16_t>(c, out, x, factor, time, err);
}

/* ---- to_rgb8: trunc(clamp((x + 1) / 2, 0, 1) * 255), every step in f32; NaN gives 0 ---- */

template <typename T> struct rgb8_op {
    uint8_t *out;
    const T *x;

    template <int N> __device__ __forceinline__ void run(const int64_t *at, const int64_t *) const
    {
        float value[N];
        lt_load_floats<T, N>(x + at[1], value);
        lt_pack<uint8_t, N> bytes;
#pragma unroll
        for (int i = 0; i < N; i++) {
            const float unit = __fadd_rn(value[i], 1.0f) * 0.5f;
            const float clamped = !(unit > 0.0f) ? 0.0f : unit > 1.0f ? 1.0f : unit;
            bytes.at[i] = (uint8_t)(clamped * 255.0f);
        }
        lt_store<uint8_t, N>(out + at[0], bytes);
    }
};

template <typename T>
static lt_status run_rgb8(lt_cuda *c, const lt_walk &walk, const lt_tensor &out, const lt_tensor &x,
                          lt_error *err)
{
    const rgb8_op<T> op = {(uint8_t *)out.data, (const T *)x.data};
    return lt_walk_run<lt_pack_size<T>>(c, "to_rgb8", err, walk, op);
}

lt_status lt_cuda_to_rgb8(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err)
{
    lt_walk walk = lt_walk_over(lt_shape_of(&out));
    lt_walk_add(&walk, &out, 1, LT_WALK_RUNS);
    lt_walk_add(&walk, &x, 1, LT_WALK_RUNS);
    return x.dtype == LT_F32 ? run_rgb8<float>(lt_cuda_of(b), walk, out, x, err)
                             : run_rgb8<lt_bf16>(lt_cuda_of(b), walk, out, x, err);
}
