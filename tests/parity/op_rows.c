/* op_rows.c - norms, rotation, and what works element by element. */
#include "op_answer.h"
#include "op_cases.h"

/* ---- norms ---- */

/* Sums in f32 in eight lanes or better: mean and variance are off by (d / 8 + 8) u relative to |x|
 * and themselves. */
void check_layer_norm(op_check *t, const int64_t *p)
{
    const int64_t B = p[0];
    const int64_t n = p[1];
    const int64_t d = p[2];
    const bool modulated = p[4] != 0;
    const int64_t batches = p[4] == 2 ? B : 1;
    const op_layout layout = (op_layout)p[5];
    const double middle = (double)p[6];
    const double eps = 1e-5;
    const op_operand *x = op_input(t, t->dtype, lt_shape3(B, n, d), layout, middle - 2, middle + 2);
    op_operand *out = op_output(t, t->dtype, lt_shape3(B, n, d), layout);
    const double *w = NULL;
    const double *b = NULL;
    const lt_weight *weight =
        p[3] ? op_weight(t, LT_ROLE_VECTOR, LT_BF16, lt_shape1(d), -2, 2, &w) : NULL;
    const lt_weight *bias =
        p[3] ? op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(d), -2, 2, &b) : NULL;
    const lt_dtype table = p[7] ? LT_F32 : t->dtype;
    const op_operand *scale =
        modulated ? op_input(t, table, lt_shape2(batches, d), OP_PADDED, -2, 2) : NULL;
    const op_operand *shift =
        modulated ? op_input(t, table, lt_shape2(batches, d), OP_PADDED, -2, 2) : NULL;
    op_done(t, t->backend->table->layer_norm(t->backend, out->view, x->view, weight, bias,
                                             (float)eps, modulated ? scale->view : lt_none(),
                                             modulated ? shift->view : lt_none(), &t->error));
    const answer a = new_answer(out);
    for (int64_t row = 0; row < B * n; row++) {
        const double *in = x->value + row * d;
        double mean = 0;
        double variance = 0;
        double size = 0;
        for (int64_t i = 0; i < d; i++) {
            mean += in[i] / (double)d;
            size += fabs(in[i]) / (double)d;
        }
        for (int64_t i = 0; i < d; i++)
            variance += (in[i] - mean) * (in[i] - mean) / (double)d;
        const double inverse = 1 / sqrt(variance + (double)(float)eps);
        for (int64_t i = 0; i < d; i++) {
            const int64_t m = (batches == 1 ? 0 : row / n) * d + i;
            const double gain = (w == NULL ? 1 : w[i]) * (modulated ? 1 + scale->value[m] : 1);
            const double offset = (b == NULL ? 0 : b[i] * (modulated ? 1 + scale->value[m] : 1)) +
                                  (modulated ? shift->value[m] : 0);
            a.want[row * d + i] = (in[i] - mean) * inverse * gain + offset;
            const double magnitude = (fabs(in[i]) + size) * inverse * fabs(gain) +
                                     2 * fabs(offset) + (modulated ? 2 * fabs(shift->value[m]) : 0);
            a.bound[row * d + i] = op_roundoff(t->dtype) * fabs(a.want[row * d + i]) +
                                   ((double)d / 8 + 16) * u * magnitude;
        }
    }
    judge(t, out, a);
}

void check_rms_norm(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const int64_t d = p[1];
    const op_operand *x = op_input(t, t->dtype, lt_shape2(n, d), (op_layout)p[2], -3, 3);
    op_operand *out = op_output(t, t->dtype, lt_shape2(n, d), OP_PACKED);
    const double *w;
    const lt_weight *weight = op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(d), -2, 2, &w);
    const float eps = 1e-6f;
    op_done(t, t->backend->table->rms_norm(t->backend, out->view, x->view, weight, eps, &t->error));
    const answer a = new_answer(out);
    for (int64_t row = 0; row < n; row++) {
        double square = 0;
        for (int64_t i = 0; i < d; i++)
            square += x->value[row * d + i] * x->value[row * d + i] / (double)d;
        for (int64_t i = row * d; i < (row + 1) * d; i++) {
            a.want[i] = x->value[i] / sqrt(square + (double)eps) * w[i - row * d];
            a.bound[i] = (op_roundoff(t->dtype) + ((double)d / 8 + 12) * u) * fabs(a.want[i]);
        }
    }
    judge(t, out, a);
}

/* The nearest cell of an axis: counted out by hand, frame by frame. */
static int64_t cell(int64_t at, int64_t size, int64_t cells)
{
    int64_t c = 0;
    while ((c + 1) * size <= at * cells)
        c++;
    return c;
}

static int64_t frame_cell(int64_t t, int64_t frames, int64_t cells)
{
    if (frames == 1 || frames % 2 == 0)
        return cell(t, frames, cells);
    return t == 0 ? 0 : 1 + cell(t - 1, frames - 1, cells - 1);
}

/* Statistics in double or Welford: after them a handful of f32 steps, so 24 u of
 * everything that is added up. */
void check_group_norm(op_check *t, const int64_t *p)
{
    const int64_t T = p[0];
    const int64_t H = p[1];
    const int64_t W = p[2];
    const int64_t C = p[3];
    const int64_t groups = p[4];
    const lt_act kind = (lt_act)p[5];
    const int64_t L = p[6]; /* cells of the gain: L x (H / p[7]) x (W / p[7]); 0: no gain */
    const double middle = (double)p[8];
    const int64_t frames = p[11] > 0 ? p[11] : T; /* from p[10] on */
    const op_operand *x =
        op_input(t, t->dtype, lt_shape4(T, H, W, C), OP_PACKED, middle - 2, middle + 2);
    op_operand *out = op_output(t, t->dtype, lt_shape4(frames, H, W, C), OP_PACKED);
    const double *w;
    const double *b;
    const lt_weight *weight = op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(C), -2, 2, &w);
    const lt_weight *bias = op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(C), -2, 2, &b);
    lt_group_norm_args args = {.groups = (int)groups,
                               .eps = 1e-6f,
                               .act = kind,
                               .gain = lt_none(),
                               .shift = lt_none(),
                               .first = p[10]};
    const op_operand *gain = NULL;
    const op_operand *shift = NULL;
    const int64_t h = L > 0 ? H / p[7] : 1;
    const int64_t columns = L > 0 ? W / p[7] : 1;
    if (L > 0) {
        gain = op_input(t, t->dtype, lt_shape4(L, h, columns, C), (op_layout)p[9], -2, 2);
        shift = op_input(t, t->dtype, lt_shape4(L, h, columns, C), (op_layout)p[9], -2, 2);
        args.gain = gain->view;
        args.shift = shift->view;
    }
    op_done(t, t->backend->table->group_norm(t->backend, out->view, x->view, weight, bias, &args,
                                             &t->error));
    const answer a = new_answer(out);
    const int64_t pixels = T * H * W;
    const int64_t per_group = C / groups;
    for (int64_t g = 0; g < groups; g++) {
        const double count = (double)(pixels * per_group);
        double mean = 0;
        double variance = 0;
        for (int64_t i = 0; i < pixels * per_group; i++)
            mean += x->value[i / per_group * C + g * per_group + i % per_group] / count;
        for (int64_t i = 0; i < pixels * per_group; i++)
            variance +=
                pow(x->value[i / per_group * C + g * per_group + i % per_group] - mean, 2) / count;
        const double inverse = 1 / sqrt(variance + (double)args.eps);
        const int64_t begin = p[10] * H * W;
        for (int64_t i = begin * per_group; i < (begin + frames * H * W) * per_group; i++) {
            const int64_t pixel = i / per_group;
            const int64_t c = g * per_group + i % per_group;
            double y = (x->value[pixel * C + c] - mean) * inverse * w[c] + b[c];
            double magnitude =
                (fabs(x->value[pixel * C + c]) + fabs(mean)) * inverse * fabs(w[c]) + fabs(b[c]);
            if (L > 0) {
                const int64_t row =
                    frame_cell(pixel / (H * W), T, L) * h + cell(pixel / W % H, H, h);
                const int64_t z = (row * columns + cell(pixel % W, W, columns)) * C + c;
                y = y * gain->value[z] + shift->value[z];
                magnitude = magnitude * fabs(gain->value[z]) + fabs(shift->value[z]);
            }
            set_activated(out, a, (pixel - begin) * C + c, y, 24 * u * magnitude, kind);
        }
    }
    judge(t, out, a);
}

/* ---- element by element ---- */

void check_rope(op_check *t, const int64_t *p)
{
    const int64_t B = p[0];
    const int64_t n = p[1];
    const int64_t h = p[2];
    const int64_t d = p[3];
    op_operand *x = op_input(t, t->dtype, lt_shape4(B, n, h, d), (op_layout)p[4], -3, 3);
    const op_operand *cosine = op_input(t, LT_F32, lt_shape2(n, d / 2), OP_PACKED, -1, 1);
    const op_operand *sine = op_input(t, LT_F32, lt_shape2(n, d / 2), OP_PACKED, -1, 1);
    op_operand *out = x; /* in place, or */
    if (p[5])
        out = op_output(t, t->dtype, lt_shape4(B, n, h, d), OP_PADDED);
    out->written = true;
    op_done(t, t->backend->table->rope(t->backend, out->view, x->view, cosine->view, sine->view,
                                       &t->error));
    const answer a = new_answer(out);
    for (int64_t i = 0; i < B * n * h * d; i++) {
        const int64_t pair = i / d / h % n * (d / 2) + i % d / 2;
        const double other = i % 2 == 0 ? -x->value[i + 1] : x->value[i - 1];
        a.want[i] = x->value[i] * cosine->value[pair] + other * sine->value[pair];
        a.bound[i] =
            op_roundoff(t->dtype) * fabs(a.want[i]) +
            3 * u * (fabs(x->value[i] * cosine->value[pair]) + fabs(other * sine->value[pair]));
    }
    judge(t, out, a);
}

void check_activate(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const double reach = (double)p[2]; /* far out the exponentials must neither overflow nor lose
                                          the tail */
    op_operand *x = op_input(t, t->dtype, lt_shape1(n), OP_PACKED, -reach, reach);
    op_operand *out = p[3] ? x : op_output(t, t->dtype, lt_shape1(n), OP_PACKED);
    out->written = true;
    op_done(t,
            t->backend->table->activate(t->backend, out->view, x->view, (lt_act)p[1], &t->error));
    const answer a = new_answer(out);
    for (int64_t i = 0; i < n; i++)
        set_activated(out, a, i, x->value[i], 0, (lt_act)p[1]);
    judge(t, out, a);
}

void check_gated_act(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const int64_t d = p[1];
    const lt_act kind = (lt_act)p[2];
    op_operand *g = op_input(t, t->dtype, lt_shape2(n, d), (op_layout)p[3], -5, 5);
    const op_operand *x = op_input(t, t->dtype, lt_shape2(n, d), (op_layout)p[3], -3, 3);
    op_operand *out = p[4] ? g : op_output(t, t->dtype, lt_shape2(n, d), OP_PACKED);
    out->written = true;
    op_done(t,
            t->backend->table->gated_act(t->backend, out->view, g->view, x->view, kind, &t->error));
    const answer a = new_answer(out);
    for (int64_t i = 0; i < n * d; i++) {
        a.want[i] = exact_activation(g->value[i], kind) * x->value[i];
        a.bound[i] = (op_roundoff(t->dtype) + u) * fabs(a.want[i]) +
                     act_error * fabs(g->value[i] * x->value[i]);
    }
    judge(t, out, a);
}

void check_axpby(op_check *t, const int64_t *p)
{
    const lt_shape shape = lt_shape4(p[0], p[1], p[2], p[3]);
    const float alpha = 0.7f;
    const float beta = p[4] == Y_NONE ? 0 : -1.3f;
    const op_layout layout = (op_layout)p[5];
    const lt_dtype other = p[6] ? LT_F32 : t->dtype; /* dtypes may differ */
    op_operand *x = op_input(t, t->dtype, shape, layout, -2, 2);
    lt_shape y_shape = shape;
    for (int i = 0; i < 4; i++)
        if ((p[4] == Y_ROW && i < 3) || (p[4] == Y_COLUMN && i == 3))
            y_shape.dim[i] = 1;
    const op_operand *y = p[4] == Y_NONE ? NULL : op_input(t, other, y_shape, OP_PADDED, -2, 2);
    op_operand *out = p[7] ? x : op_output(t, other, shape, OP_PACKED);
    out->written = true;
    op_done(t, t->backend->table->axpby(t->backend, out->view, alpha, x->view, beta,
                                        y == NULL ? lt_none() : y->view, &t->error));
    const answer a = new_answer(out);
    const int64_t columns = shape.dim[3];
    for (int64_t i = 0; i < lt_numel(&out->view); i++) {
        const int64_t from = p[4] == Y_ROW ? i % columns : p[4] == Y_COLUMN ? i / columns : i;
        const double first = (double)alpha * x->value[i];
        const double second = y == NULL ? 0 : (double)beta * y->value[from];
        a.want[i] = first + second;
        a.bound[i] =
            op_roundoff(out->view.dtype) * fabs(a.want[i]) + 3 * u * (fabs(first) + fabs(second));
    }
    judge(t, out, a);
}

void check_gated_add(op_check *t, const int64_t *p)
{
    const int64_t B = p[0];
    const int64_t n = p[1];
    const int64_t d = p[2];
    const int64_t batches = p[3] ? B : 1;
    op_operand *x = op_input(t, t->dtype, lt_shape3(B, n, d), (op_layout)p[4], -2, 2);
    const op_operand *y = op_input(t, t->dtype, lt_shape3(B, n, d), (op_layout)p[6], -2, 2);
    const op_operand *gate =
        op_input(t, p[5] ? LT_F32 : t->dtype, lt_shape2(batches, d), OP_PADDED, -2, 2);
    x->written = true;
    op_done(t, t->backend->table->gated_add(t->backend, x->view, x->view, gate->view, y->view,
                                            &t->error));
    const answer a = new_answer(x);
    for (int64_t i = 0; i < B * n * d; i++) {
        const double product =
            gate->value[(batches == 1 ? 0 : i / d / n) * d + i % d] * y->value[i];
        a.want[i] = x->value[i] + product;
        a.bound[i] =
            op_roundoff(t->dtype) * fabs(a.want[i]) + 2 * u * (fabs(x->value[i]) + fabs(product));
    }
    judge(t, x, a);
}
