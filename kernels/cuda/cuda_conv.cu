/* cuda_conv.cu - convolution of video, causal in time, cut into pieces that one kernel can do
 * (cuda_conv.h).
 *
 * Frame t of the result is made of the frames t - kt + 1 .. t. From frame kt - 1 on all of them lie
 * in x, so that part runs on x where it is. Only for the first kt - 1 frames the history (or the
 * first frame, repeated) is put in front of as many frames of x, in the workspace: at most 2 (kt -
 * 1) frames are copied however long x is. Where even those are too much (354 MB for 480x720x128 in
 * bf16) this head is made in bands of rows.
 *
 * A piece goes to cuDNN. Where cuDNN has no plan for it (shapes with odd channels or addresses,
 * mostly) our own kernel makes it: the same sums, slower. That is a choice by shape, the same in
 * every run; a library that is missing is a failure.
 */
#include "kernels/cuda/cuda_conv.h"
#include "kernels/cuda/cuda_linear.h"

/* Of the card's memory the head takes at most one part in HEAD_SHARE, and no more than head_most:
 * take_memory.c sets the same aside for workspaces on every card. */
enum { HEAD_SHARE = 64 };
static const int64_t head_most = INT64_C(256) << 20;

/* cuDNN counts elements in 32 bits. */
static const int64_t piece_elements = INT64_C(0x7fffffff);

typedef struct {
    lt_cuda *c;
    lt_tensor out; /* [T, H', W', Cout] */
    lt_tensor x;   /* [T, H, W, Cin] */
    const lt_conv_args *args;
    lt_conv_piece whole; /* sizes, weight and bias; memory and frames are those of a piece */
    char *workspace;     /* LT_CUDNN_CONV_WORKSPACE for the library, then the head */
} job;

static void *at(const lt_tensor &t, int64_t element)
{
    return (char *)t.data + element * (int64_t)lt_dtype_bytes(t.dtype);
}

static lt_conv_piece sizes_of(const lt_tensor &out, const lt_tensor &x, const lt_weight *w,
                              const lt_weight *bias, const lt_conv_args *a)
{
    const lt_tensor *kernel = &w->value; /* [Cout, Cin, kt, kh, kw] or [Cout, Cin, kh, kw] */
    lt_conv_piece p = {};
    p.type = x.dtype;
    p.w = kernel->data;
    p.bias = lt_cuda_vector(bias);
    p.in_rows = x.dim[1];
    p.in_columns = x.dim[2];
    p.in_channels = x.dim[3];
    p.in_frame = x.dim[1] * x.dim[2] * x.dim[3];
    p.out_rows = out.dim[1];
    p.out_columns = out.dim[2];
    p.out_channels = out.dim[3];
    p.out_frame = out.dim[1] * out.dim[2] * out.dim[3];
    p.kt = kernel->rank == 5 ? kernel->dim[2] : 1;
    p.kh = kernel->dim[kernel->rank - 2];
    p.kw = kernel->dim[kernel->rank - 1];
    p.stride = a->stride;
    p.top = a->pad_top;
    p.bottom = a->pad_bottom;
    p.left = a->pad_left;
    p.right = a->pad_right;
    return p;
}

static lt_status run_piece(const job &j, const lt_conv_piece &p, lt_error *err)
{
    bool done = false;
    LT_TRY(lt_cudnn_conv(j.c, &p, j.workspace, &done, err));
    return done ? LT_OK : lt_cuda_conv_direct(j.c, &p, err);
}

/* Frames first .. first + frames - 1 of the result, on input frames that lie one
 * after the other from `in` on. */
static lt_status run_frames(const job &j, const void *in, int64_t first, int64_t frames,
                            lt_error *err)
{
    const int64_t largest =
        j.whole.in_frame > j.whole.out_frame ? j.whole.in_frame : j.whole.out_frame;
    const int64_t fit = piece_elements / largest - (j.whole.kt - 1);
    const int64_t at_once = fit < 1 ? 1 : fit;
    for (int64_t done = 0; done < frames; done += at_once) {
        lt_conv_piece p = j.whole;
        p.frames = frames - done < at_once ? frames - done : at_once;
        p.in = (const char *)in + done * p.in_frame * (int64_t)lt_dtype_bytes(p.type);
        p.out = at(j.out, (first + done) * p.out_frame);
        p.add = lt_is_none(&j.args->add) ? NULL : at(j.args->add, (first + done) * p.out_frame);
        LT_TRY(run_piece(j, p, err));
    }
    return LT_OK;
}

/* ---- the head: frames that see the history ---- */

/* The piece that makes rows first .. first + rows - 1 of the result; in_first is the first input
 * row that it reads. */
static lt_conv_piece band_of(const lt_conv_piece &whole, int64_t first, int64_t rows,
                             int64_t *in_first)
{
    /* may be above the image; `to` below it */
    const int64_t from = first * whole.stride - whole.top;
    const int64_t to = (first + rows - 1) * whole.stride - whole.top + whole.kh;
    const int64_t begin = from < 0 ? 0 : from > whole.in_rows ? whole.in_rows : from;
    const int64_t end = to < begin ? begin : to > whole.in_rows ? whole.in_rows : to;
    lt_conv_piece p = whole;
    *in_first = begin;
    p.in_rows = end - begin;
    p.in_frame = p.in_rows * p.in_columns * p.in_channels;
    p.out_rows = rows;
    p.top = begin - from;
    p.bottom = to - end;
    return p;
}

/* Writes rows in_first .. in_first + rows - 1 of the history and of the first `frames` frames of x
 * to `room`, packed. */
static lt_status gather_band(const job &j, void *room, int64_t in_first, int64_t rows,
                             int64_t frames, lt_error *err)
{
    const int64_t before = j.whole.kt - 1;
    lt_tensor earlier = j.args->history;
    if (lt_is_none(&earlier)) {
        earlier = lt_slice(j.x, 0, 0, 1); /* the first frame, again and again */
        earlier.dim[0] = before;
        earlier.stride[0] = 0;
    }
    const lt_tensor head =
        lt_view(room, j.x.dtype, lt_shape4(before + frames, rows, j.x.dim[2], j.x.dim[3]));
    LT_TRY(lt_cuda_copy(&j.c->base, lt_slice(head, 0, 0, before),
                        lt_slice(earlier, 1, in_first, rows), err));
    return lt_cuda_copy(&j.c->base, lt_slice(head, 0, before, frames),
                        lt_slice(lt_slice(j.x, 0, 0, frames), 1, in_first, rows), err);
}

static int64_t head_row_bytes(const job &j, int64_t frames)
{
    return (j.whole.kt - 1 + frames) * j.x.dim[2] * j.x.dim[3] * (int64_t)lt_dtype_bytes(j.x.dtype);
}

/* Rows of the result in one band of the head. */
static int64_t band_rows(const job &j, int64_t frames)
{
    const int64_t share = (int64_t)(j.c->facts.memory_bytes / HEAD_SHARE);
    const int64_t in_rows = (share < head_most ? share : head_most) / head_row_bytes(j, frames);
    const int64_t rows = (in_rows - j.whole.kh) / j.whole.stride + 1;
    return in_rows < j.whole.kh || rows < 1 ? 1 : rows < j.whole.out_rows ? rows : j.whole.out_rows;
}

/* Rounded up, so that what follows is aligned. */
static size_t head_bytes(const job &j, int64_t frames)
{
    const int64_t rows = (band_rows(j, frames) - 1) * j.whole.stride + j.whole.kh;
    const int64_t bytes =
        head_row_bytes(j, frames) * (rows < j.whole.in_rows ? rows : j.whole.in_rows);
    return (size_t)lt_cuda_ceil_div(bytes, LT_CUDA_ALIGN) * LT_CUDA_ALIGN;
}

/* The first `frames` frames of the result, at most kt - 1. */
static lt_status run_head(const job &j, int64_t frames, lt_error *err)
{
    void *room = j.workspace + LT_CUDNN_CONV_WORKSPACE;
    const int64_t at_once = band_rows(j, frames);
    for (int64_t first = 0; first < j.whole.out_rows; first += at_once) {
        const int64_t left = j.whole.out_rows - first;
        int64_t in_first;
        lt_conv_piece p = band_of(j.whole, first, left < at_once ? left : at_once, &in_first);
        const int64_t offset = first * p.out_columns * p.out_channels;
        p.frames = frames;
        p.in = room;
        p.out = at(j.out, offset);
        p.add = lt_is_none(&j.args->add) ? NULL : at(j.args->add, offset);
        LT_TRY(gather_band(j, room, in_first, p.in_rows, frames, err));
        LT_TRY(run_piece(j, p, err));
    }
    return LT_OK;
}

lt_status lt_cuda_conv(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                       const lt_weight *bias, const lt_conv_args *a, lt_error *err)
{
    job j = {lt_cuda_of(b), out, x, a, sizes_of(out, x, w, bias, a), NULL};
    const int64_t T = x.dim[0];
    const int64_t before = j.whole.kt - 1;
    const int64_t head = before < T ? before : T; /* frames that see the history */
    const size_t bytes = LT_CUDNN_CONV_WORKSPACE + (head > 0 ? head_bytes(j, head) : 0);
    /* f32 images in a backend that keeps weights as bf16 */
    const bool widened = w->value.dtype != x.dtype;
    const int64_t weight = lt_numel(&w->value);
    void *workspace;
    LT_TRY(lt_cuda_workspace(j.c, bytes + (widened ? (size_t)weight * lt_dtype_bytes(x.dtype) : 0),
                             &workspace, err));
    j.workspace = (char *)workspace;
    if (widened) {
        const lt_shape flat = lt_shape2(1, weight);
        const lt_tensor room = lt_view(j.workspace + bytes, x.dtype, flat);
        LT_TRY(
            lt_cuda_panel(j.c, room, lt_view(w->value.data, w->value.dtype, flat), lt_none(), err));
        j.whole.w = room.data;
    }
    if (head > 0)
        LT_TRY(run_head(j, head, err));
    return T > head ? run_frames(j, x.data, head, T - head, err) : LT_OK;
}
