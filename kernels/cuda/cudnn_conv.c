/* cudnn_conv.c - a piece of a convolution as a cuDNN graph.
 *
 * bf16: convolution, + bias, + add in one kernel, sums and what lies between in f32. f32: the
 * convolution alone, on engines without tensor cores (they would round to TF32); bias and add
 * follow. Channels last is said by strides. Two-dimensional kernels take frames as the batch; with
 * time the batch is one and frames are the first of three dimensions.
 */
#include <string.h>

#include "kernels/cuda/cuda_conv.h"
#include "kernels/cuda/cudnn_graph.h"

/* Names of the tensors of a graph. */
enum { IN = 1, WEIGHT, OUT, BIAS, ADD, SUM, BIASED };

/* What a plan depends on; zeroed before it is filled. */
typedef struct {
    int64_t is_conv;      /* keeps keys of convolutions apart from others */
    lt_conv_piece shape;  /* without its memory */
    int64_t alignment[5]; /* of in, w, bias, add, out; 0: not there */
} plan_key;

static void set_key(plan_key *key, const lt_conv_piece *p)
{
    memset(key, 0, sizeof *key);
    key->is_conv = 1;
    key->shape.type = p->type;
    key->shape.frames = p->frames;
    key->shape.in_rows = p->in_rows;
    key->shape.in_columns = p->in_columns;
    key->shape.in_channels = p->in_channels;
    key->shape.in_frame = p->in_frame;
    key->shape.out_rows = p->out_rows;
    key->shape.out_columns = p->out_columns;
    key->shape.out_channels = p->out_channels;
    key->shape.out_frame = p->out_frame;
    key->shape.kt = p->kt;
    key->shape.kh = p->kh;
    key->shape.kw = p->kw;
    key->shape.stride = p->stride;
    key->shape.top = p->top;
    key->shape.bottom = p->bottom;
    key->shape.left = p->left;
    key->shape.right = p->right;
    const void *const memory[] = {p->in, p->w, p->bias, p->add, p->out};
    for (int i = 0; i < 5; i++)
        key->alignment[i] = memory[i] != NULL ? lt_graph_alignment(memory[i]) : 0;
}

/* ---- tensors in cuDNN's order: [N, C, (frames,) rows, columns] ---- */

typedef struct {
    int rank;
    int64_t dim[5];
    int64_t stride[5];
} layout;

/* Frames of rows x columns x channels, `frame` elements apart. */
static layout of_frames(bool in_time, int64_t frames, int64_t rows, int64_t columns,
                        int64_t channels, int64_t frame)
{
    const int64_t row = columns * channels;
    if (in_time)
        return (layout){
            5, {1, channels, frames, rows, columns}, {frames * frame, 1, frame, row, channels}};
    return (layout){4, {frames, channels, rows, columns}, {frame, 1, row, channels}};
}

static layout of_weight(bool in_time, const lt_conv_piece *p)
{
    const int64_t row = p->kw * p->in_channels;
    const int64_t frame = p->kh * row;
    if (in_time)
        return (layout){5,
                        {p->out_channels, p->in_channels, p->kt, p->kh, p->kw},
                        {p->kt * frame, 1, frame, row, p->in_channels}};
    return (layout){
        4, {p->out_channels, p->in_channels, p->kh, p->kw}, {frame, 1, row, p->in_channels}};
}

static layout of_bias(bool in_time, int64_t channels)
{
    return of_frames(in_time, 1, 1, 1, channels, channels);
}

static lt_graph_tensor stored(lt_graph *g, int64_t name, lt_dtype type, const void *memory,
                              layout t)
{
    return lt_graph_stored(g, name, type, lt_graph_alignment(memory), t.rank, t.dim, t.stride);
}

static lt_graph_tensor between(lt_graph *g, int64_t name, layout t)
{
    return lt_graph_between(g, name, LT_F32, t.rank, t.dim, t.stride);
}

static lt_graph_conv_shape shape_of(bool in_time, const lt_conv_piece *p)
{
    if (in_time)
        return (lt_graph_conv_shape){
            3, {0, p->top, p->left}, {0, p->bottom, p->right}, {1, p->stride, p->stride}};
    return (lt_graph_conv_shape){
        2, {p->top, p->left}, {p->bottom, p->right}, {p->stride, p->stride}};
}

/* ---- the graph ---- */

static bool fused(const lt_conv_piece *p)
{
    return p->type == LT_BF16;
}

static void describe(lt_graph *g, const lt_conv_piece *p)
{
    const bool in_time = p->kt > 1;
    const layout out =
        of_frames(in_time, p->frames, p->out_rows, p->out_columns, p->out_channels, p->out_frame);
    const bool adds_bias = fused(p) && p->bias != NULL;
    const bool adds_image = fused(p) && p->add != NULL;
    const lt_graph_conv_shape shape = shape_of(in_time, p);
    const lt_graph_tensor x = stored(g, IN, p->type, p->in,
                                     of_frames(in_time, p->frames + p->kt - 1, p->in_rows,
                                               p->in_columns, p->in_channels, p->in_frame));
    const lt_graph_tensor w = stored(g, WEIGHT, p->type, p->w, of_weight(in_time, p));
    const lt_graph_tensor y = stored(g, OUT, p->type, p->out, out);

    lt_graph_tensor sum = adds_bias || adds_image ? between(g, SUM, out) : y;
    lt_graph_conv(g, x, w, sum, &shape);
    if (adds_bias) {
        const lt_graph_tensor biased = adds_image ? between(g, BIASED, out) : y;
        lt_graph_add(g, sum, stored(g, BIAS, LT_F32, p->bias, of_bias(in_time, p->out_channels)),
                     biased);
        sum = biased;
    }
    if (adds_image)
        lt_graph_add(g, sum, stored(g, ADD, p->type, p->add, out), y);
}

/* Fused kernels are compiled, one for each way of using time, stride, bias and add; those of f32
 * come with the library. */
static int family_of(const lt_conv_piece *p)
{
    if (!fused(p))
        return LT_GRAPH_ALONE;
    return 1 + (p->kt > 1) + 2 * (p->stride > 1) + 4 * (p->bias != NULL) + 8 * (p->add != NULL) +
           16 * (p->kh > 1);
}

static lt_status make_plan(lt_cudnn *l, const lt_conv_piece *p, lt_cudnn_plan **plan, lt_error *err)
{
    const lt_graph_rules rules = {.full_f32 = p->type == LT_F32,
                                  .workspace_bytes = LT_CUDNN_CONV_WORKSPACE,
                                  .family = family_of(p)};
    lt_graph g;
    lt_graph_open(&g, l, "conv", err);
    describe(&g, p);
    const lt_status s = lt_graph_plan(&g, &rules, plan);
    lt_graph_close(&g);
    return s;
}

lt_status lt_cudnn_conv_plan(lt_cudnn *l, const lt_conv_piece *p, lt_cudnn_plan **plan,
                             lt_error *err)
{
    plan_key key;
    set_key(&key, p);
    if (lt_cudnn_find(l, &key, sizeof key, plan))
        return LT_OK;
    LT_TRY(make_plan(l, p, plan, err));
    return lt_cudnn_keep(l, &key, sizeof key, *plan, err);
}

/* ---- running ---- */

/* out += bias, out += add, where the graph did not. */
static lt_status add_apart(lt_cuda *c, const lt_conv_piece *p, lt_error *err)
{
    const lt_shape shape = lt_shape4(p->frames, p->out_rows, p->out_columns, p->out_channels);
    lt_tensor out = lt_view(p->out, p->type, shape);
    out.stride[0] = p->out_frame;
    if (p->bias != NULL) {
        const lt_tensor bias =
            lt_view((void *)(uintptr_t)p->bias, LT_F32, lt_shape4(1, 1, 1, p->out_channels));
        LT_TRY(lt_cuda_axpby(&c->base, out, 1, out, 1, bias, err));
    }
    if (p->add == NULL)
        return LT_OK;
    lt_tensor add = lt_view((void *)(uintptr_t)p->add, p->type, shape);
    add.stride[0] = p->out_frame;
    return lt_cuda_axpby(&c->base, out, 1, out, 1, add, err);
}

lt_status lt_cudnn_conv(lt_cuda *c, const lt_conv_piece *p, void *workspace, bool *done,
                        lt_error *err)
{
    lt_cudnn_plan *plan;
    int64_t names[5] = {IN, WEIGHT, OUT};
    void *memory[5] = {(void *)(uintptr_t)p->in, (void *)(uintptr_t)p->w, p->out};
    int count = 3;
    LT_TRY(lt_cudnn_need(c, err));
    LT_TRY(lt_cudnn_conv_plan(c->cudnn, p, &plan, err));
    *done = plan != NULL;
    if (plan == NULL)
        return LT_OK;
    if (fused(p) && p->bias != NULL) {
        names[count] = BIAS;
        memory[count++] = (void *)(uintptr_t)p->bias;
    }
    if (fused(p) && p->add != NULL) {
        names[count] = ADD;
        memory[count++] = (void *)(uintptr_t)p->add;
    }
    LT_TRY(lt_cudnn_run(c, plan, names, memory, count, workspace, err));
    return fused(p) ? LT_OK : add_apart(c, p, err);
}
