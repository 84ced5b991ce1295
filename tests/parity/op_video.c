/* op_video.c - convolutions, doubling, colours. */
#include "op_answer.h"
#include "op_cases.h"

/* Zeros around a frame for a kernel of k x k. */
static lt_conv_args padded(int64_t padding, int64_t k)
{
    const int half = (int)k / 2;
    switch (padding) {
    case PAD_SAME:
        return (lt_conv_args){
            .pad_top = half, .pad_left = half, .pad_bottom = half, .pad_right = half};
    case PAD_END: /* as the VAE halves a frame */
        return (lt_conv_args){.pad_bottom = 1, .pad_right = 1};
    case PAD_UNEVEN:
        return (lt_conv_args){.pad_top = 2, .pad_bottom = 1, .pad_right = 3};
    default:
        return (lt_conv_args){0};
    }
}

/* p: T H W Cin Cout kt k stride padding history add weight */
void check_conv(op_check *t, const int64_t *p)
{
    const int64_t T = p[0];
    const int64_t H = p[1];
    const int64_t W = p[2];
    const int64_t in = p[3];
    const int64_t width = p[4];
    const int64_t kt = p[5] > 0 ? p[5] : 1; /* 0: a weight of rank 4 */
    const int64_t k = p[6];
    lt_conv_args args = padded(p[8], k);
    args.stride = (int)p[7];
    const int64_t rows = (H + args.pad_top + args.pad_bottom - k) / p[7] + 1;
    const int64_t columns = (W + args.pad_left + args.pad_right - k) / p[7] + 1;
    const op_operand *x = op_input(t, t->dtype, lt_shape4(T, H, W, in), OP_PACKED, -2, 2);
    const op_operand *history =
        p[9] ? op_input(t, t->dtype, lt_shape4(kt - 1, H, W, in), OP_PACKED, -2, 2) : NULL;
    const op_operand *add =
        p[10] ? op_input(t, t->dtype, lt_shape4(T, rows, columns, width), OP_PACKED, -2, 2) : NULL;
    const double *w;
    const double *b;
    const lt_shape shape = p[5] > 0 ? lt_shape5(width, in, kt, k, k) : lt_shape4(width, in, k, k);
    const lt_weight *weight = op_weight(t, LT_ROLE_CONV, (lt_dtype)p[11], shape, -1, 1, &w);
    const lt_weight *bias = op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(width), -2, 2, &b);
    op_operand *out = op_output(t, t->dtype, lt_shape4(T, rows, columns, width), OP_PACKED);
    args.history = history == NULL ? lt_none() : history->view;
    args.add = add == NULL ? lt_none() : add->view;
    op_done(
        t, t->backend->table->conv(t->backend, out->view, x->view, weight, bias, &args, &t->error));

    const answer a = new_answer(out);
    for (int64_t i = 0; i < lt_numel(&out->view); i++) {
        const int64_t o = i % width;
        double sum = b[o] + (add == NULL ? 0 : add->value[i]);
        double magnitude = fabs(b[o]) + (add == NULL ? 0 : fabs(add->value[i]));
        for (int64_t tap = 0; tap < kt * k * k; tap++) {
            const int64_t frame = i / width / columns / rows - kt + 1 + tap / (k * k);
            const int64_t row = i / width / columns % rows * p[7] + tap / k % k - args.pad_top;
            const int64_t column = i / width % columns * p[7] + tap % k - args.pad_left;
            if (row < 0 || row >= H || column < 0 || column >= W)
                continue;
            const double *from = frame >= 0        ? x->value + frame * H * W * in
                                 : history == NULL ? x->value
                                                   : history->value + (frame + kt - 1) * H * W * in;
            for (int64_t c = 0; c < in; c++) {
                const double product =
                    from[(row * W + column) * in + c] * w[(o * in + c) * kt * k * k + tap];
                sum += product;
                magnitude += fabs(product);
            }
        }
        set_activated(out, a, i, sum, (double)(in * kt * k * k + 3) * u * magnitude, LT_ACT_NONE);
    }
    judge(t, out, a);
}

/* Source frames, written down. */
static const int64_t doubled[][8] = {
    [1] = {0},
    [2] = {0, 0, 1, 1},
    [3] = {0, 1, 1, 2, 2},
    [4] = {0, 0, 1, 1, 2, 2, 3, 3},
};

void check_upsample(op_check *t, const int64_t *p)
{
    const int64_t T = p[0];
    const int64_t H = p[1];
    const int64_t W = p[2];
    const int64_t C = p[3];
    const int64_t factor = p[4];
    const int64_t frames = !p[5] || T == 1 ? T : T % 2 == 1 ? 2 * T - 1 : 2 * T;
    const op_operand *x = op_input(t, t->dtype, lt_shape4(T, H, W, C), OP_PACKED, -2, 2);
    op_operand *out =
        op_output(t, t->dtype, lt_shape4(frames, factor * H, factor * W, C), OP_PACKED);
    const lt_time_rule rule = p[5] ? LT_TIME_DOUBLE : LT_TIME_KEEP;
    op_done(t, t->backend->table->upsample(t->backend, out->view, x->view, (int)factor, rule,
                                           &t->error));
    const answer a = new_answer(out);
    for (int64_t i = 0; i < lt_numel(&out->view); i++) {
        const int64_t column = i / C % (factor * W) / factor;
        const int64_t row = i / C / (factor * W) % (factor * H) / factor;
        const int64_t frame = i / C / (factor * W) / (factor * H);
        const int64_t from = p[5] ? doubled[T][frame] : frame;
        a.want[i] = x->value[((from * H + row) * W + column) * C + i % C];
    }
    judge(t, out, a);
}

/* Truncated, so f32 steps in the order of the formula matter: exact. */
void check_to_rgb8(op_check *t, const int64_t *p)
{
    const lt_shape shape = lt_shape4(p[0], p[1], p[2], 3);
    const op_operand *x = op_input(t, t->dtype, shape, OP_PACKED, -1.25, 1.25);
    op_operand *out = op_output(t, LT_U8, shape, OP_PACKED);
    op_done(t, t->backend->table->to_rgb8(t->backend, out->view, x->view, &t->error));
    const answer a = new_answer(out);
    for (int64_t i = 0; i < lt_numel(&out->view); i++) {
        const float unit = fminf(fmaxf(((float)x->value[i] + 1) / 2, 0), 1);
        a.want[i] = floor((double)(unit * 255));
    }
    judge(t, out, a);
}
