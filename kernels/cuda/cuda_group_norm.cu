/* cuda_group_norm.cu - out = act(GN(x) * gain[Z] + shift[Z]),
 * GN(x) = (x - mean) / sqrt(var + eps) * w + b, mean and variance over the channels of a group and
 * all of T x H x W. x [P, C] with P = T H W pixels; out has all of its frames or some.
 *
 * Three kernels, x is read twice:
 *   1. partial sums: a block takes a piece of the pixels; every column (a run of channels inside
 *      one group) gets the sum and the sum of squares of x - x[first of the group], which is close
 *      to the mean, so nothing cancels. Eight values are added in f32, everything else in double.
 *   2. statistics: one block per group adds its columns of all pieces.
 *   3. apply: a block takes one row of a frame, so its frame and row of the gain's grid are known
 *      once.
 * Pieces are cut by the number of pixels alone and every sum has a fixed order: the same bytes on
 * any card.
 */
#include "kernels/cuda/cuda_device.cuh"

enum {
    THREADS = 256,
    MOST_PIECES = 1024, /* eight blocks for each of 128 multiprocessors */
    PIECE_PIXELS = 64,  /* a piece has at least so many, if there are */
    AT_ONCE = 4         /* pixels of a thread whose loads are under way together */
};

typedef struct {
    double sum;
    double squares;
} moments;

typedef struct {
    float mean;
    float inverse; /* 1 / sqrt(var + eps) */
} group_statistics;

typedef struct {
    int64_t pixels;
    int channels;
    int groups;
    int per_group; /* channels of a group */
    int packs;     /* of a pixel: channels / N */
    int columns;   /* of a pixel: packs x PARTS */
    int pieces;
    int64_t per_piece; /* pixels */
} moments_plan;

/* ---- 1: partial sums ---- */

/* Thread t has pack t % lanes of a tile of packs, in every (256 / lanes)-th pixel of the piece;
 * blockIdx.y is the tile. PARTS columns of N / PARTS channels in a pack. partial [pieces,
 * columns]. */
template <typename T, int N, int PARTS>
static __global__ void __launch_bounds__(THREADS)
    moments_kernel(moments *partial, const T *x, moments_plan p, int lanes)
{
    constexpr int WIDTH = N / PARTS;
    __shared__ moments of_thread[THREADS * PARTS];
    const int walkers = THREADS / lanes; /* pixels at a time */
    const int walker = (int)threadIdx.x / lanes;
    const int pack = (int)blockIdx.y * lanes + (int)threadIdx.x % lanes;
    const bool busy = walker < walkers && pack < p.packs;
    const int64_t begin = (int64_t)blockIdx.x * p.per_piece;
    const int64_t end = begin + p.per_piece < p.pixels ? begin + p.per_piece : p.pixels;

    moments sum[PARTS];
    float origin[PARTS];
#pragma unroll
    for (int k = 0; k < PARTS; k++) {
        sum[k] = {0, 0};
        origin[k] = busy ? lt_to_float(x[(pack * N + k * WIDTH) / p.per_group * p.per_group]) : 0;
    }
#pragma unroll 4
    for (int64_t pixel = begin + walker; busy && pixel < end; pixel += walkers) {
        float value[N];
        lt_load_floats<T, N>(x + pixel * p.channels + pack * N, value);
#pragma unroll
        for (int k = 0; k < PARTS; k++) {
            float add = 0;
            float squares = 0;
#pragma unroll
            for (int i = k * WIDTH; i < (k + 1) * WIDTH; i++) {
                const float distance = value[i] - origin[k];
                add += distance;
                squares += distance * distance;
            }
            sum[k].sum += (double)add;
            sum[k].squares += (double)squares;
        }
    }
#pragma unroll
    for (int k = 0; k < PARTS; k++)
        of_thread[threadIdx.x * PARTS + k] = sum[k];
    __syncthreads();
    if (walker != 0 || !busy)
        return;
#pragma unroll
    for (int k = 0; k < PARTS; k++) {
        moments all = {0, 0};
        for (int other = 0; other < walkers; other++) {
            const moments m = of_thread[(other * lanes + (int)threadIdx.x) * PARTS + k];
            all.sum += m.sum;
            all.squares += m.squares;
        }
        partial[(int64_t)blockIdx.x * p.columns + pack * PARTS + k] = all;
    }
}

/* ---- 2: statistics ---- */

/* Block g adds the columns of group g; x[first of the group] comes back in. */
template <typename T>
static __global__ void __launch_bounds__(THREADS)
    statistics_kernel(group_statistics *out, const moments *partial, const T *x, moments_plan p,
                      float eps)
{
    __shared__ moments of_thread[THREADS];
    const int group = (int)blockIdx.x;
    const int columns = p.columns / p.groups;
    moments sum = {0, 0};
    for (int64_t i = threadIdx.x; i < (int64_t)p.pieces * columns; i += THREADS) {
        const moments m = partial[i / columns * p.columns + group * columns + i % columns];
        sum.sum += m.sum;
        sum.squares += m.squares;
    }
    of_thread[threadIdx.x] = sum;
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if ((int)threadIdx.x < half) {
            of_thread[threadIdx.x].sum += of_thread[threadIdx.x + half].sum;
            of_thread[threadIdx.x].squares += of_thread[threadIdx.x + half].squares;
        }
    }
    if (threadIdx.x != 0)
        return;
    const double count = (double)p.pixels * p.per_group;
    const double shift = of_thread[0].sum / count; /* mean - origin */
    const double variance = of_thread[0].squares / count - shift * shift;
    out[group].mean = (float)((double)lt_to_float(x[group * p.per_group]) + shift);
    out[group].inverse = (float)(1 / sqrt((variance > 0 ? variance : 0) + (double)eps));
}

/* ---- 3: apply ---- */

typedef struct {
    int frames; /* of x */
    int first;  /* frame of x that is out's frame 0 */
    int height;
    int width;
    int channels;
    int per_group;
    const float *w;
    const float *bias;
    lt_act act;
    const void *gain; /* [cells_t, cells_y, cells_x, C], or NULL */
    const void *shift;
    int cells[3];
    int64_t gain_stride[3];
    int64_t shift_stride[3];
} apply_plan;

/* The nearest cell: when the number of frames is odd and above 1, frame 0 takes cell 0 and the
 * others share the rest. */
static __device__ __forceinline__ int frame_cell(int t, int frames, int cells)
{
    if (frames > 1 && frames % 2 == 1)
        return t == 0 ? 0 : 1 + (int)((int64_t)(t - 1) * (cells - 1) / (frames - 1));
    return (int)((int64_t)t * cells / frames);
}

/* column * cells / width, and what that leaves: from column to column by sums, for a division takes
 * as long as all else of a pixel. */
typedef struct {
    int cell;
    unsigned rest; /* below width */
} column_cell;

static __device__ __forceinline__ column_cell cell_of_column(int column, const apply_plan &p)
{
    const int64_t product = (int64_t)column * p.cells[2];
    return {(int)(product / p.width), (unsigned)(product % p.width)};
}

static __device__ __forceinline__ column_cell cell_after(column_cell at, column_cell step,
                                                         const apply_plan &p)
{
    const unsigned rest = at.rest + step.rest;
    const bool next = rest >= (unsigned)p.width;
    return {at.cell + step.cell + (next ? 1 : 0), next ? rest - (unsigned)p.width : rest};
}

/* Block (x, y): frame row x of out, tile y of its packs; a thread keeps its channels and walks
 * along the row. x begins with the first frame that out has. GAINED: p.gain is there; known only
 * while running it costs registers that are not there. */
template <typename T, int N, bool GAINED>
static __global__ void __launch_bounds__(THREADS, 2)
    apply_kernel(T *out, const T *x, const group_statistics *statistics, apply_plan p, int lanes)
{
    const int walkers = THREADS / lanes;
    const int walker = (int)threadIdx.x / lanes;
    const int pack = (int)blockIdx.y * lanes + (int)threadIdx.x % lanes;
    if (walker >= walkers || pack * N >= p.channels)
        return;
    const int channel = pack * N;
    float mean[N];
    float factor[N];
    float offset[N];
#pragma unroll
    for (int i = 0; i < N; i++) {
        const group_statistics s = statistics[(channel + i) / p.per_group];
        mean[i] = s.mean;
        factor[i] = p.w == NULL ? s.inverse : s.inverse * p.w[channel + i];
        offset[i] = p.bias == NULL ? 0 : p.bias[channel + i];
    }
    const int frame = p.first + (int)blockIdx.x / p.height;
    const int row = (int)blockIdx.x % p.height;
    int64_t gain_row = channel;
    int64_t shift_row = channel;
    if (GAINED) {
        const int t = frame_cell(frame, p.frames, p.cells[0]);
        const int y = (int)((int64_t)row * p.cells[1] / p.height);
        gain_row += t * p.gain_stride[0] + y * p.gain_stride[1];
        shift_row += t * p.shift_stride[0] + y * p.shift_stride[1];
    }
    const int64_t first = (int64_t)blockIdx.x * p.width;
    column_cell at = GAINED ? cell_of_column(walker, p) : column_cell{0, 0};
    const column_cell step = GAINED ? cell_of_column(walkers, p) : column_cell{0, 0};
    for (int column0 = walker; column0 < p.width; column0 += AT_ONCE * walkers) {
        lt_pack<T, N> read[AT_ONCE];
        lt_pack<T, N> gain[AT_ONCE];
        lt_pack<T, N> shift[AT_ONCE];
#pragma unroll
        for (int k = 0; k < AT_ONCE; k++) {
            const int column = column0 + k * walkers < p.width ? column0 + k * walkers : column0;
            read[k] = lt_load<T, N>(x + (first + column) * p.channels + channel);
            if (GAINED) {
                /* behind the row: any will do */
                const int cell = at.cell < p.cells[2] ? at.cell : 0;
                gain[k] = lt_load<T, N>((const T *)p.gain + gain_row + cell * p.gain_stride[2]);
                shift[k] = lt_load<T, N>((const T *)p.shift + shift_row + cell * p.shift_stride[2]);
                at = cell_after(at, step, p);
            }
        }
#pragma unroll
        for (int k = 0; k < AT_ONCE; k++) {
            const int column = column0 + k * walkers;
            if (column >= p.width)
                break;
            float value[N];
#pragma unroll
            for (int i = 0; i < N; i++) {
                value[i] = (lt_to_float(read[k].at[i]) - mean[i]) * factor[i] + offset[i];
                if (GAINED)
                    value[i] = value[i] * lt_to_float(gain[k].at[i]) + lt_to_float(shift[k].at[i]);
            }
            lt_activate_all(value, p.act);
            lt_store_floats<T, N>(out + (first + column) * p.channels + channel, value);
        }
    }
}

/* ---- the entry ---- */

typedef struct {
    lt_cuda *c;
    lt_tensor out; /* [n, H, W, C] */
    lt_tensor x;   /* [T, H, W, C] */
    const lt_weight *w;
    const lt_weight *bias;
    const lt_group_norm_args *a;
} norm_job;

static moments_plan plan_moments(const norm_job &j, int n, int parts)
{
    moments_plan p = {};
    p.channels = (int)j.x.dim[3];
    p.pixels = lt_numel(&j.x) / p.channels;
    p.groups = j.a->groups;
    p.per_group = p.channels / p.groups;
    p.packs = p.channels / n;
    p.columns = p.packs * parts;
    const int64_t wanted = lt_cuda_ceil_div(p.pixels, PIECE_PIXELS);
    p.per_piece =
        lt_cuda_ceil_div(p.pixels, wanted < (int64_t)MOST_PIECES ? wanted : (int64_t)MOST_PIECES);
    p.pieces = (int)lt_cuda_ceil_div(p.pixels, p.per_piece);
    return p;
}

static apply_plan plan_apply(const norm_job &j)
{
    apply_plan p = {};
    p.frames = (int)j.x.dim[0];
    p.first = (int)j.a->first;
    p.height = (int)j.x.dim[1];
    p.width = (int)j.x.dim[2];
    p.channels = (int)j.x.dim[3];
    p.per_group = p.channels / j.a->groups;
    p.w = lt_cuda_vector(j.w);
    p.bias = lt_cuda_vector(j.bias);
    p.act = j.a->act;
    if (!lt_is_none(&j.a->gain)) {
        p.gain = j.a->gain.data;
        p.shift = j.a->shift.data;
        for (int i = 0; i < 3; i++) {
            p.cells[i] = (int)j.a->gain.dim[i];
            p.gain_stride[i] = j.a->gain.stride[i];
            p.shift_stride[i] = j.a->shift.stride[i];
        }
    }
    return p;
}

template <typename T, int N, int PARTS> static lt_status run(const norm_job &j, lt_error *err)
{
    const moments_plan p = plan_moments(j, N, PARTS);
    const size_t statistics_bytes =
        (size_t)lt_cuda_ceil_div((int64_t)p.groups * (int64_t)sizeof(group_statistics),
                                 LT_CUDA_ALIGN) *
        (size_t)LT_CUDA_ALIGN;
    void *memory;
    LT_TRY(lt_cuda_workspace(
        j.c, statistics_bytes + (size_t)p.pieces * (size_t)p.columns * sizeof(moments), &memory,
        err));
    group_statistics *statistics = (group_statistics *)memory;
    moments *partial = (moments *)((char *)memory + statistics_bytes);
    const T *x = (const T *)j.x.data;
    const int lanes = p.packs < (int)THREADS ? p.packs : (int)THREADS;
    const unsigned tiles = (unsigned)lt_cuda_ceil_div(p.packs, lanes);
    LT_TRY(lt_cuda_launch(j.c, "group_norm", err, dim3((unsigned)p.pieces, tiles), THREADS, 0,
                          moments_kernel<T, N, PARTS>, partial, x, p, lanes));
    LT_TRY(lt_cuda_launch(j.c, "group_norm", err, (unsigned)p.groups, THREADS, 0,
                          statistics_kernel<T>, statistics, partial, x, p, j.a->eps));
    return lt_cuda_launch(
        j.c, "group_norm", err, dim3((unsigned)(j.out.dim[0] * j.out.dim[1]), tiles), THREADS, 0,
        lt_is_none(&j.a->gain) ? apply_kernel<T, N, false> : apply_kernel<T, N, true>,
        (T *)j.out.data, x + j.a->first * j.x.stride[0], statistics, plan_apply(j), lanes);
}

/* A pack may hold one group's channels, or those of two; anything else goes channel by channel. */
template <typename T> static lt_status pick_width(const norm_job &j, lt_error *err)
{
    constexpr int N = lt_pack_size<T>;
    const int64_t per_group = j.x.dim[3] / j.a->groups;
    const lt_tensor *const all[] = {&j.out, &j.x, &j.a->gain, &j.a->shift};
    bool packed = j.x.dim[3] % N == 0;
    for (const lt_tensor *t : all)
        if (!lt_is_none(t))
            packed = packed && lt_cuda_aligned(t, 16);
    if (packed && per_group % N == 0)
        return run<T, N, 1>(j, err);
    if (packed && per_group % (N / 2) == 0)
        return run<T, N, 2>(j, err);
    return run<T, 1, 1>(j, err);
}

lt_status lt_cuda_group_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                             const lt_weight *bias, const lt_group_norm_args *a, lt_error *err)
{
    const norm_job j = {lt_cuda_of(b), out, x, w, bias, a};
    if (lt_numel(&out) == 0)
        return LT_OK;
    return x.dtype == LT_F32 ? pick_width<float>(j, err) : pick_width<lt_bf16>(j, err);
}
