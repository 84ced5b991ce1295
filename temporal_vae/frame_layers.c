/* frame_layers.c - see frame_layers.h. */
#include "temporal_vae/frame_layers.h"

static lt_shape frame_of(lt_tensor x)
{
    return lt_shape4(1, x.dim[1], x.dim[2], x.dim[3]);
}

vae_frame_layer vae_frame_layer_start(const vae_flow *f, lt_tensor x, const vae_norm *norm,
                                      const vae_conv *conv)
{
    lt_ops *o = f->ops;
    vae_frame_layer l = {
        .ops = o, .x = x, .norm = norm, .conv = conv, .args = vae_norm_args(f, norm)};
    l.normed = lt_new(o, o->dtype, frame_of(x));
    l.filled = f->history && f->history->filled;
    l.kept = f->history
                 ? f->history->of_layer[conv->layer]
                 : lt_new(o, o->dtype, lt_shape4(VAE_KEPT_FRAMES, x.dim[1], x.dim[2], x.dim[3]));
    return l;
}

void vae_frame_layer_run(vae_frame_layer *l, lt_tensor out, int64_t t, lt_tensor add)
{
    l->args.first = t;
    lt_group_norm_into(l->ops, l->normed, l->x, &l->norm->weight, &l->norm->bias, &l->args);
    vae_conv_after_into(l->ops, out, l->normed, l->conv, add, l->kept, l->filled);
    l->filled = true;
}

void vae_norm_conv_into(const vae_flow *f, lt_tensor out, lt_tensor x, const vae_norm *norm,
                        const vae_conv *conv)
{
    const lt_mark mark = lt_ops_mark(f->ops);
    vae_frame_layer l = vae_frame_layer_start(f, x, norm, conv);
    for (int64_t t = 0; t < x.dim[0]; t++)
        vae_frame_layer_run(&l, lt_slice(out, 0, t, 1), t, lt_none());
    lt_ops_rewind(f->ops, mark);
}

/* From the last frame to the first: a larger frame t stands where frames from t on were. */
void vae_frames_double_space(vae_flow *f, const lt_weight *weight, const lt_weight *bias)
{
    lt_ops *o = f->ops;
    const lt_mark mark = lt_ops_mark(o);
    const lt_tensor x = f->x; /* [T, H, W, C] */
    const lt_tensor out =
        vae_flow_tensor(f, 0, lt_shape4(x.dim[0], 2 * x.dim[1], 2 * x.dim[2], x.dim[3]));
    const lt_tensor nearest = lt_new(o, o->dtype, frame_of(out));
    const lt_conv_args args = {
        .stride = 1, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
    for (int64_t t = x.dim[0] - 1; t >= 0; t--) {
        lt_upsample_into(o, nearest, lt_slice(x, 0, t, 1), 2, LT_TIME_KEEP);
        lt_conv_into(o, lt_slice(out, 0, t, 1), nearest, weight, bias, &args);
    }
    lt_ops_rewind(o, mark);
    vae_flow_advance(f, 0, out);
}

/* From the last frame to the first, for the same reason. */
void vae_frames_double_time(vae_flow *f)
{
    const lt_tensor x = f->x; /* [T, H, W, C] */
    const int64_t T = x.dim[0];
    const lt_tensor out =
        vae_flow_tensor(f, 0, lt_shape4(vae_double_time(T), x.dim[1], x.dim[2], x.dim[3]));
    for (int64_t to = out.dim[0] - 1; to >= 0; to--) {
        const int64_t from = T % 2 == 1 ? (to + 1) / 2 : to / 2;
        if (from != to)
            lt_copy_into(f->ops, lt_slice(out, 0, to, 1), lt_slice(x, 0, from, 1));
    }
    vae_flow_advance(f, 0, out);
}

void vae_frames_halve_space(vae_flow *f, const lt_weight *weight, const lt_weight *bias)
{
    lt_ops *o = f->ops;
    const lt_mark mark = lt_ops_mark(o);
    const lt_tensor x = f->x; /* [T, H, W, C] */
    const lt_tensor out =
        vae_flow_tensor(f, 0, lt_shape4(x.dim[0], x.dim[1] / 2, x.dim[2] / 2, x.dim[3]));
    /* frame 0 would stand where it is read from */
    const lt_tensor small = lt_new(o, o->dtype, frame_of(out));
    const lt_conv_args args = {.stride = 2, .pad_bottom = 1, .pad_right = 1};
    for (int64_t t = 0; t < x.dim[0]; t++) {
        lt_conv_into(o, small, lt_slice(x, 0, t, 1), weight, bias, &args);
        lt_copy_into(o, lt_slice(out, 0, t, 1), small);
    }
    lt_ops_rewind(o, mark);
    vae_flow_advance(f, 0, out);
}

void vae_frames_halve_time(vae_flow *f)
{
    const lt_tensor x = f->x; /* [T, H, W, C] */
    const int64_t T = x.dim[0];
    const int64_t alone = T % 2; /* the first of an odd number stays as it is */
    const lt_tensor out =
        vae_flow_tensor(f, 0, lt_shape4(vae_half_time(T), x.dim[1], x.dim[2], x.dim[3]));
    for (int64_t to = alone; to < out.dim[0]; to++)
        lt_axpby_into(f->ops, lt_slice(out, 0, to, 1), 0.5f, lt_slice(x, 0, 2 * to - alone, 1),
                      0.5f, lt_slice(x, 0, 2 * to - alone + 1, 1));
    vae_flow_advance(f, 0, out);
}
