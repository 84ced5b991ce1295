/* op_products.c - products with matrices, and what is fused with them. */
#include "op_answer.h"
#include "op_cases.h"

/* ---- tables and matrices ---- */

void check_gather(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const int64_t rows = p[1];
    const int64_t d = p[2];
    const double *table;
    const lt_weight *w =
        op_weight(t, LT_ROLE_TABLE, (lt_dtype)p[3], lt_shape2(rows, d), -2, 2, &table);
    const op_operand *ids = op_ints(t, n, 0, rows - 1);
    op_operand *out = op_output(t, t->dtype, lt_shape2(n, d), OP_PACKED);
    op_done(t, t->backend->table->gather(t->backend, out->view, w, ids->view, &t->error));
    const answer a = new_answer(out); /* bounds of 0: a copy of what every dtype holds */
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < d; c++)
            a.want[i * d + c] = table[(int64_t)ids->value[i] * d + c];
    judge(t, out, a);
}

/* Few rows against q4 may be rounded to 8 bits per block of 32: each value by half a step of its
 * block's largest / 127. */
static double rounded_row_error(const double *x, const double *w, int64_t in)
{
    double error = 0;
    for (int64_t first = 0; first < in; first += 32) {
        double largest = 0;
        double weights = 0;
        for (int64_t k = first; k < first + 32; k++) {
            largest = fmax(largest, fabs(x[k]));
            weights += fabs(w[k]);
        }
        error += largest / 253 * weights;
    }
    return error;
}

/* Products of int8: both sides rounded within half a step of the largest among at most 512 inputs /
 * 127; i8 rows as they are. Blocks may be rounded to the largest scale among theirs, of q4 to a
 * 15th of it: codes of ours reach 105 and 7 there. */
static double int8_error(const double *x, const double *w, int64_t in, lt_dtype stored)
{
    const double steps_w = stored == LT_Q8 || stored == LT_Q4 ? 210 : 253;
    double error = 0;
    for (int64_t first = 0; first < in; first += 512) {
        const int64_t end = first + 512 < in ? first + 512 : in;
        double step_x = 0;
        double step_w = 0;
        for (int64_t k = first; k < end; k++) {
            step_x = fmax(step_x, fabs(x[k]) / 253);
            step_w = stored == LT_I8 ? 0 : fmax(step_w, fabs(w[k]) / steps_w);
        }
        for (int64_t k = first; k < end; k++)
            error += step_x * fabs(w[k]) + step_w * fabs(x[k]) + step_x * step_w;
    }
    return error;
}

/* Products of int16: both sides rounded in units of 128 inputs. */
static double int16_error(const double *x, const double *w, int64_t in)
{
    double error = 0;
    for (int64_t first = 0; first < in; first += 128) {
        const int64_t end = first + 128 < in ? first + 128 : in;
        double step_x = 0;
        double step_w = 0;
        for (int64_t k = first; k < end; k++) {
            step_x = fmax(step_x, fabs(x[k]) / int16_steps(128));
            step_w = fmax(step_w, fabs(w[k]) / int16_steps(128));
        }
        for (int64_t k = first; k < end; k++)
            error += step_x * fabs(w[k]) + step_w * fabs(x[k]) + step_x * step_w;
    }
    return error;
}

/* How rows are multiplied with a matrix. */
typedef struct {
    int64_t n;
    int64_t in;
    const lt_weight *w;
    lt_dtype stored;
    lt_dtype x;
    lt_rounding bf16_rounds_to;
} product_case;

static product_case product_of(const op_check *t, int64_t n, int64_t in, const lt_weight *w,
                               lt_dtype stored, lt_dtype x)
{
    return (product_case){.n = n,
                          .in = in,
                          .w = w,
                          .stored = stored,
                          .x = x,
                          .bf16_rounds_to = t->backend->bf16_rounds_to};
}

/* start + x . w of one output in *sum, and how far f32 sums and what a
 * backend rounds may be from it. */
static double multiply(const product_case *c, const double *x, const double *w, double start,
                       double *sum)
{
    double magnitude = fabs(start);
    *sum = start;
    for (int64_t k = 0; k < c->in; k++) {
        *sum += x[k] * w[k];
        magnitude += fabs(x[k] * w[k]);
    }
    double rounded = 0;
    if (c->n > 4 && c->w->rounding == LT_ROUND_INT8)
        rounded = int8_error(x, w, c->in, c->stored);
    else if (c->n > 4 && c->x == LT_BF16 && c->bf16_rounds_to == LT_ROUND_INT16)
        rounded = int16_error(x, w, c->in);
    else if (c->n <= 4 && c->stored == LT_Q4)
        rounded = rounded_row_error(x, w, c->in);
    return (double)(c->in + 2) * u * magnitude + rounded;
}

void check_linear(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const int64_t in = p[1];
    const int64_t width = p[2];
    const lt_act kind = (lt_act)p[3];
    const op_layout layout = (op_layout)p[5];
    const op_operand *x =
        op_input(t, p[7] == HEAD ? LT_F32 : t->dtype, lt_shape2(n, in), layout, -2, 2);
    const double *w;
    const double *b = NULL;
    const lt_weight *weight = op_weight(t, p[7] == HEAD ? LT_ROLE_HEAD : LT_ROLE_MATRIX,
                                        (lt_dtype)p[4], lt_shape2(width, in), -1, 1, &w);
    const lt_weight *bias =
        p[6] ? op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(width), -3, 3, &b) : NULL;
    op_operand *out =
        op_output(t, p[7] == TO_ACTIVATIONS ? t->dtype : LT_F32, lt_shape2(n, width), layout);
    op_done(t, t->backend->table->linear(t->backend, out->view, x->view, weight, bias, kind,
                                         &t->error));
    const answer a = new_answer(out);
    const product_case product = product_of(t, n, in, weight, (lt_dtype)p[4], x->view.dtype);
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < width; o++) {
            double sum;
            const double error =
                multiply(&product, x->value + i * in, w + o * in, b == NULL ? 0 : b[o], &sum);
            set_activated(out, a, i * width + o, sum, error, kind);
        }
    judge(t, out, a);
}

/* ---- products and what is next to them; what is between two steps may be rounded to the
 * activations' dtype ---- */

static lt_tensor room_of(op_check *t, int64_t values)
{
    return op_output(t, t->dtype, lt_shape1(values), OP_PACKED)->view;
}

void check_linear_add(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const int64_t in = p[1];
    const int64_t width = p[2];
    const op_layout layout = (op_layout)p[4];
    const op_operand *x = op_input(t, t->dtype, lt_shape2(n, in), layout, -2, 2);
    const double *w;
    const double *b = NULL;
    const lt_weight *weight =
        op_weight(t, LT_ROLE_MATRIX, (lt_dtype)p[3], lt_shape2(width, in), -1, 1, &w);
    const lt_weight *bias =
        p[5] ? op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(width), -3, 3, &b) : NULL;
    op_operand *out = op_input(t, p[6] ? LT_F32 : t->dtype, lt_shape2(n, width), layout, -20, 20);
    out->written = true;
    op_done(t, t->backend->table->linear_add(t->backend, out->view, x->view, weight, bias,
                                             room_of(t, n * width), &t->error));
    const answer a = new_answer(out);
    const product_case product = product_of(t, n, in, weight, (lt_dtype)p[3], t->dtype);
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < width; o++) {
            const int64_t at = i * width + o;
            double sum;
            const double error =
                multiply(&product, x->value + i * in, w + o * in, b == NULL ? 0 : b[o], &sum);
            a.want[at] = out->value[at] + sum;
            a.bound[at] = error + op_roundoff(t->dtype) * (fabs(sum) + error) +
                          op_roundoff(out->view.dtype) * fabs(a.want[at]) +
                          2 * u * (fabs(out->value[at]) + fabs(sum));
        }
    judge(t, out, a);
}

/* Rows of x normed as rms_norm does, packed; the caller frees them. */
static double *normed_rows(const op_operand *x, const double *w, double eps)
{
    const int64_t n = x->view.dim[0];
    const int64_t d = x->view.dim[1];
    double *y = calloc((size_t)(n * d), sizeof *y);
    if (y == NULL)
        exit(1);
    for (int64_t row = 0; row < n; row++) {
        double square = 0;
        for (int64_t i = 0; i < d; i++)
            square += x->value[row * d + i] * x->value[row * d + i] / (double)d;
        for (int64_t i = 0; i < d; i++)
            y[row * d + i] = x->value[row * d + i] / sqrt(square + eps) * w[i];
    }
    return y;
}

/* The same as `multiply` of a normed row: every value of it is off by its rounding and by the
 * norm's own error. */
static double multiply_normed(const product_case *c, const double *y, const double *w, double *sum)
{
    const double error = multiply(c, y, w, 0, sum);
    double magnitude = 0;
    for (int64_t k = 0; k < c->in; k++)
        magnitude += fabs(y[k] * w[k]);
    return error + (op_roundoff(c->x) + ((double)c->in / 8 + 12) * u) * magnitude;
}

static const float norm_eps = 1e-6f;

void check_normed_linear(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const int64_t in = p[1];
    const int64_t width = p[2];
    const op_layout layout = (op_layout)p[4];
    const op_operand *x = op_input(t, t->dtype, lt_shape2(n, in), layout, -3, 3);
    const double *gain;
    const double *w;
    const lt_row_norm norm = {op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(in), -2, 2, &gain),
                              norm_eps};
    const lt_weight *weight =
        op_weight(t, LT_ROLE_MATRIX, (lt_dtype)p[3], lt_shape2(width, in), -1, 1, &w);
    op_operand *out = op_output(t, t->dtype, lt_shape2(n, width), layout);
    op_done(t, t->backend->table->normed_linear(t->backend, out->view, x->view, &norm, weight,
                                                room_of(t, n * in), &t->error));
    const answer a = new_answer(out);
    const product_case product = product_of(t, n, in, weight, (lt_dtype)p[3], t->dtype);
    double *y = normed_rows(x, gain, (double)norm_eps);
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < width; o++) {
            double sum;
            const double error = multiply_normed(&product, y + i * in, w + o * in, &sum);
            set_activated(out, a, i * width + o, sum, error, LT_ACT_NONE);
        }
    free(y);
    judge(t, out, a);
}

void check_gated_linear(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const int64_t in = p[1];
    const int64_t width = p[2];
    const lt_act kind = (lt_act)p[3];
    const op_operand *x = op_input(t, t->dtype, lt_shape2(n, in), (op_layout)p[6], -3, 3);
    const double *gain;
    const double *g;
    const double *w;
    const lt_row_norm norm = {op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(in), -2, 2, &gain),
                              norm_eps};
    const lt_weight *gate =
        op_weight(t, LT_ROLE_MATRIX, (lt_dtype)p[4], lt_shape2(width, in), -1, 1, &g);
    const lt_weight *up =
        op_weight(t, LT_ROLE_MATRIX, (lt_dtype)p[5], lt_shape2(width, in), -1, 1, &w);
    op_operand *out = op_output(t, t->dtype, lt_shape2(n, width), OP_PACKED);
    op_done(t, t->backend->table->gated_linear(t->backend, out->view, x->view, &norm, gate, up,
                                               kind, room_of(t, n * (in + width)), &t->error));
    const answer a = new_answer(out);
    const product_case of_gate = product_of(t, n, in, gate, (lt_dtype)p[4], t->dtype);
    const product_case of_up = product_of(t, n, in, up, (lt_dtype)p[5], t->dtype);
    const double r = op_roundoff(t->dtype);
    double *y = normed_rows(x, gain, (double)norm_eps);
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < width; o++) {
            double before;
            double factor;
            double gate_error = multiply_normed(&of_gate, y + i * in, g + o * in, &before);
            double up_error = multiply_normed(&of_up, y + i * in, w + o * in, &factor);
            const double opened = exact_activation(before, kind);
            gate_error = act_slope * (gate_error + r * fabs(before)) + act_error * fabs(before);
            up_error += r * fabs(factor);
            const int64_t at = i * width + o;
            a.want[at] = opened * factor;
            a.bound[at] = (r + u) * fabs(a.want[at]) + gate_error * fabs(factor) +
                          up_error * (fabs(opened) + gate_error);
        }
    free(y);
    judge(t, out, a);
}
