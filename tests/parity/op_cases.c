/* op_cases.c - what every operation must give, as plain formulas in double, and the table of cases.
 *
 * Inputs and weights are bf16 numbers, so no dtype rounds them and only the operation's own arithmetic is judged. Bounds
 * are derived: u = 2^-24 is the unit roundoff of f32, in which everything may be accumulated, r that of the result's dtype.
 *   - rounding the result once costs r |want|;
 *   - a sum of k products in any order costs (k + 1) u times the sum of their magnitudes;
 *   - a sum that is taken in at least eight lanes costs (k / 8 + 8) u;
 *   - an activation, whose slope is below 1.13, carries its input's error on and may be a polynomial: 16 u |input|.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "kernels/core/choice_arithmetic.h"
#include "op_check.h"
#include "tests/support/exact_activation.h"

static const double u = 0x1p-24;
static const double act_slope = 1.13;
static const double act_error = 16 * 0x1p-24;

/* Wanted values and bounds of one output; exits when memory is out, which no case is about. */
typedef struct {
    double *want;
    double *bound;
} answer;

static answer new_answer(const op_operand *out)
{
    const size_t count = (size_t)lt_numel(&out->view);
    const answer a = {calloc(count, sizeof(double)), calloc(count, sizeof(double))};
    if (a.want == NULL || a.bound == NULL)
        exit(1);
    return a;
}

static void judge(op_check *t, op_operand *out, answer a)
{
    op_compare(t, out, a.want, a.bound);
    free(a.want);
    free(a.bound);
}

/* Sets element i to exact_activation(x), where x is known within `error`. */
static void set_activated(const op_operand *out, answer a, int64_t i, double x, double error, lt_act kind)
{
    a.want[i] = exact_activation(x, kind);
    a.bound[i] = op_roundoff(out->view.dtype) * fabs(a.want[i]) +
                 (kind == LT_ACT_NONE ? error : act_slope * error + act_error * fabs(x));
}

/* ---- tables and matrices ---- */

static void gather(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const int64_t rows = p[1];
    const int64_t d = p[2];
    const double *table;
    const lt_weight *w = op_weight(t, LT_ROLE_TABLE, (lt_dtype)p[3], lt_shape2(rows, d), -2, 2, &table);
    const op_operand *ids = op_ints(t, n, 0, rows - 1);
    op_operand *out = op_output(t, t->dtype, lt_shape2(n, d), OP_PACKED);
    op_done(t, t->backend->table->gather(t->backend, out->view, w, ids->view, &t->error));
    const answer a = new_answer(out); /* bounds of 0: a copy of what every dtype holds */
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < d; c++)
            a.want[i * d + c] = table[(int64_t)ids->value[i] * d + c];
    judge(t, out, a);
}

/* What comes out: activations, f32 from activations, or f32 from f32 through a head. */
enum { TO_ACTIVATIONS, TO_F32, HEAD };

/* Few rows against q4 may be rounded to 8 bits per block of 32: each value by half a step of its block's largest / 127. */
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

/* Products of int8: both sides rounded within half a step of the largest among at most 512 inputs / 127; i8 rows as they are.
 * Blocks may be rounded to the largest scale among theirs, of q4 to a 15th of it: codes of ours reach 105 and 7 there. */
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

/* The largest code where `count` products of two are summed in 32 bits; what is rounded is within half a step of its unit's largest. */
static double int16_steps(int64_t count)
{
    return 2 * floor(sqrt(2147483520.0 / (double)count)) * 0.999;
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

static product_case product_of(const op_check *t, int64_t n, int64_t in, const lt_weight *w, lt_dtype stored, lt_dtype x)
{
    return (product_case){.n = n, .in = in, .w = w, .stored = stored, .x = x, .bf16_rounds_to = t->backend->bf16_rounds_to};
}

/* start + x . w of one output in *sum, and how far f32 sums and what a backend rounds may be from it. */
static double multiply(const product_case *c, const double *x, const double *w, double start, double *sum)
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

static void linear(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const int64_t in = p[1];
    const int64_t width = p[2];
    const lt_act kind = (lt_act)p[3];
    const op_layout layout = (op_layout)p[5];
    const op_operand *x = op_input(t, p[7] == HEAD ? LT_F32 : t->dtype, lt_shape2(n, in), layout, -2, 2);
    const double *w;
    const double *b = NULL;
    const lt_weight *weight = op_weight(t, p[7] == HEAD ? LT_ROLE_HEAD : LT_ROLE_MATRIX, (lt_dtype)p[4],
                                        lt_shape2(width, in), -1, 1, &w);
    const lt_weight *bias = p[6] ? op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(width), -3, 3, &b) : NULL;
    op_operand *out = op_output(t, p[7] == TO_ACTIVATIONS ? t->dtype : LT_F32, lt_shape2(n, width), layout);
    op_done(t, t->backend->table->linear(t->backend, out->view, x->view, weight, bias, kind, &t->error));
    const answer a = new_answer(out);
    const product_case product = product_of(t, n, in, weight, (lt_dtype)p[4], x->view.dtype);
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < width; o++) {
            double sum;
            const double error = multiply(&product, x->value + i * in, w + o * in, b == NULL ? 0 : b[o], &sum);
            set_activated(out, a, i * width + o, sum, error, kind);
        }
    judge(t, out, a);
}

/* ---- products and what is next to them; what is between two steps may be rounded to the activations' dtype ---- */

static lt_tensor room_of(op_check *t, int64_t values)
{
    return op_output(t, t->dtype, lt_shape1(values), OP_PACKED)->view;
}

static void linear_add(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const int64_t in = p[1];
    const int64_t width = p[2];
    const op_layout layout = (op_layout)p[4];
    const op_operand *x = op_input(t, t->dtype, lt_shape2(n, in), layout, -2, 2);
    const double *w;
    const double *b = NULL;
    const lt_weight *weight = op_weight(t, LT_ROLE_MATRIX, (lt_dtype)p[3], lt_shape2(width, in), -1, 1, &w);
    const lt_weight *bias = p[5] ? op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(width), -3, 3, &b) : NULL;
    op_operand *out = op_input(t, p[6] ? LT_F32 : t->dtype, lt_shape2(n, width), layout, -20, 20);
    out->written = true;
    op_done(t, t->backend->table->linear_add(t->backend, out->view, x->view, weight, bias, room_of(t, n * width), &t->error));
    const answer a = new_answer(out);
    const product_case product = product_of(t, n, in, weight, (lt_dtype)p[3], t->dtype);
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < width; o++) {
            const int64_t at = i * width + o;
            double sum;
            const double error = multiply(&product, x->value + i * in, w + o * in, b == NULL ? 0 : b[o], &sum);
            a.want[at] = out->value[at] + sum;
            a.bound[at] = error + op_roundoff(t->dtype) * (fabs(sum) + error) + op_roundoff(out->view.dtype) * fabs(a.want[at]) +
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

/* The same as `multiply` of a normed row: every value of it is off by its rounding and by the norm's own error. */
static double multiply_normed(const product_case *c, const double *y, const double *w, double *sum)
{
    const double error = multiply(c, y, w, 0, sum);
    double magnitude = 0;
    for (int64_t k = 0; k < c->in; k++)
        magnitude += fabs(y[k] * w[k]);
    return error + (op_roundoff(c->x) + ((double)c->in / 8 + 12) * u) * magnitude;
}

static const float norm_eps = 1e-6f;

static void normed_linear(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const int64_t in = p[1];
    const int64_t width = p[2];
    const op_layout layout = (op_layout)p[4];
    const op_operand *x = op_input(t, t->dtype, lt_shape2(n, in), layout, -3, 3);
    const double *gain;
    const double *w;
    const lt_row_norm norm = {op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(in), -2, 2, &gain), norm_eps};
    const lt_weight *weight = op_weight(t, LT_ROLE_MATRIX, (lt_dtype)p[3], lt_shape2(width, in), -1, 1, &w);
    op_operand *out = op_output(t, t->dtype, lt_shape2(n, width), layout);
    op_done(t, t->backend->table->normed_linear(t->backend, out->view, x->view, &norm, weight, room_of(t, n * in), &t->error));
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

static void gated_linear(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const int64_t in = p[1];
    const int64_t width = p[2];
    const lt_act kind = (lt_act)p[3];
    const op_operand *x = op_input(t, t->dtype, lt_shape2(n, in), (op_layout)p[6], -3, 3);
    const double *gain;
    const double *g;
    const double *w;
    const lt_row_norm norm = {op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(in), -2, 2, &gain), norm_eps};
    const lt_weight *gate = op_weight(t, LT_ROLE_MATRIX, (lt_dtype)p[4], lt_shape2(width, in), -1, 1, &g);
    const lt_weight *up = op_weight(t, LT_ROLE_MATRIX, (lt_dtype)p[5], lt_shape2(width, in), -1, 1, &w);
    op_operand *out = op_output(t, t->dtype, lt_shape2(n, width), OP_PACKED);
    op_done(t, t->backend->table->gated_linear(t->backend, out->view, x->view, &norm, gate, up, kind, room_of(t, n * (in + width)),
                                               &t->error));
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
            a.bound[at] = (r + u) * fabs(a.want[at]) + gate_error * fabs(factor) + up_error * (fabs(opened) + gate_error);
        }
    free(y);
    judge(t, out, a);
}

/* ---- attention ---- */

enum { SEE_ALL, SEE_CAUSAL, SEE_FRAMES };

/* Keys that row i of n sees among m: all; itself and what came before (m - n keys are older); its frame of 3 rows too. */
static int32_t visible_keys(int64_t kind, int64_t i, int64_t n, int64_t m)
{
    const int64_t end = kind == SEE_CAUSAL ? m - n + i + 1 : m - n + (i / 3 + 1) * 3;
    return (int32_t)(kind == SEE_ALL || end > m ? m : end < 1 ? 1 : end);
}

enum { LONGEST = 1024 }; /* keys and rows of a case */

typedef struct {
    int64_t n;
    int64_t m;
    int64_t h;
    int64_t d;
    const double *q; /* packed [B, n, h, d] */
    const double *k; /* packed [B, m, h, d] */
    const double *v;
    const double *bias; /* or NULL */
    lt_dtype dtype;
    double scale;
    double rotated; /* by what part q and k may be off */
    bool int16;     /* products of int16 */
    int32_t visible[LONGEST];
} attention_case;

/* One query row of the packed [B, n, h, d] against all that it sees.
 * Scores carry e <= (d + 4) u (sum |q k| scale + |bias|); weights e^s then 2 e relative, numerator and denominator, and a
 * bf16 backend may round them once more: 2 r. The sums over m keys add (m + 24) u.
 * With products of int16, q and k are rounded by rows, weights within half of 1 / 16383 of the largest, and v by columns within half
 * of 1 / 1023 of theirs. */
static void answer_query(const attention_case *c, int64_t row, answer a)
{
    const int64_t n = c->n;
    const int64_t m = c->m;
    const int64_t h = c->h;
    const int64_t d = c->d;
    const int64_t head = row % h;
    const int64_t i = row / h % n;
    const int64_t first_key = row / h / n * m; /* of this batch */
    double weight[LONGEST];
    double largest = -INFINITY;
    double score_error = 0;
    for (int64_t j = 0; j < c->visible[i]; j++) {
        const double *q = c->q + row * d;
        const double *k = c->k + ((first_key + j) * h + head) * d;
        double dot = 0;
        double magnitude = 0;
        double step_q = 0;
        double step_k = 0;
        double rounding = 0;
        for (int64_t e = 0; e < d; e++) {
            dot += q[e] * k[e];
            magnitude += fabs(q[e] * k[e]);
            step_q = fmax(step_q, fabs(q[e]) / int16_steps(d));
            step_k = fmax(step_k, fabs(k[e]) / int16_steps(d));
        }
        for (int64_t e = 0; e < d && c->int16; e++)
            rounding += step_q * fabs(k[e]) + step_k * fabs(q[e]) + step_q * step_k;
        const double add = c->bias == NULL ? 0 : c->bias[head * (n + m - 1) + j - i + n - 1];
        weight[j] = c->scale * dot + add;
        largest = fmax(largest, weight[j]);
        score_error = fmax(score_error, (double)(d + 4) * u * (c->scale * magnitude + fabs(add)) + c->scale * rounding +
                                            2 * c->rotated * c->scale * magnitude);
    }
    double total = 0;
    for (int64_t j = 0; j < c->visible[i]; j++)
        total += weight[j] = exp(weight[j] - largest);
    const double r = op_roundoff(c->dtype);
    const double rounded = c->dtype == LT_BF16 ? 2 * r : 0;
    for (int64_t e = 0; e < d; e++) {
        double sum = 0;
        double magnitude = 0;
        double values = 0;
        double largest_value = 0;
        for (int64_t j = 0; j < c->visible[i]; j++) {
            const double value = c->v[((first_key + j) * h + head) * d + e];
            sum += weight[j] / total * value;
            magnitude += fabs(weight[j] / total * value);
            values += fabs(value);
            largest_value = fmax(largest_value, fabs(value));
        }
        const double codes = c->int16 ? (values + c->visible[i] * fabs(sum)) / total / 32766 + largest_value / 2045 : 0;
        a.want[row * d + e] = sum;
        a.bound[row * d + e] = r * fabs(sum) + (2 * score_error + (double)(m + 24) * u + rounded) * magnitude + codes;
    }
}

static bool in_int16(const op_check *t, int64_t n)
{
    return n > 4 && t->dtype == LT_BF16 && t->backend->bf16_rounds_to == LT_ROUND_INT16;
}

static void attention(op_check *t, const int64_t *p)
{
    const int64_t B = p[0];
    const int64_t n = p[1];
    const int64_t m = p[2];
    const int64_t h = p[3];
    const int64_t d = p[4];
    const op_layout layout = (op_layout)p[7];
    const double reach = (double)p[8]; /* of q and k: how far scores spread */
    assert(n <= LONGEST && m <= LONGEST);
    const op_operand *q = op_input(t, t->dtype, lt_shape4(B, n, h, d), layout, -reach, reach);
    const op_operand *k = op_input(t, t->dtype, lt_shape4(B, m, h, d), layout, -reach, reach);
    const op_operand *v = op_input(t, t->dtype, lt_shape4(B, m, h, d), layout, -1, 1);
    const op_operand *bias = p[6] ? op_input(t, LT_F32, lt_shape2(h, n + m - 1), OP_PACKED, -4, 4) : NULL;
    op_operand *out = op_output(t, t->dtype, lt_shape4(B, n, h, d), layout == OP_HEADS ? OP_PACKED : layout);
    lt_attention_args args = {.scale = 1 / sqrtf((float)d), .visible = lt_none(), .bias = lt_none()};
    attention_case c = {.n = n, .m = m, .h = h, .d = d, .q = q->value, .k = k->value, .v = v->value, .dtype = t->dtype,
                        .scale = (double)args.scale, .int16 = in_int16(t, n)};
    for (int64_t i = 0; i < n; i++)
        c.visible[i] = visible_keys(p[5], i, n, m);
    if (p[5] != SEE_ALL)
        args.visible = op_given_ints(t, n, c.visible)->view;
    if (bias != NULL) {
        args.bias = bias->view;
        c.bias = bias->value;
    }
    op_done(t, t->backend->table->attention(t->backend, out->view, q->view, k->view, v->view, &args, &t->error));
    const answer a = new_answer(out);
    for (int64_t row = 0; row < B * n * h; row++)
        answer_query(&c, row, a);
    judge(t, out, a);
}

/* Element i of packed [B, n, h, d] rotated, from [B, n, 3, h, d]; `part` 0 is queries, 1 keys; angles of row 0 are row `from`. */
static double rotated_element(const op_operand *qkv, int part, const op_operand *cosine, const op_operand *sine, int64_t from, int64_t i)
{
    const int64_t h = qkv->view.dim[3];
    const int64_t d = qkv->view.dim[4];
    const double *head = qkv->value + ((i / d / h * 3 + part) * h + i / d % h) * d;
    const int64_t e = i % d;
    const int64_t angle = (from + i / d / h % qkv->view.dim[1]) * (d / 2) + e / 2;
    const double other = e % 2 == 0 ? -head[e + 1] : head[e - 1];
    return head[e] * cosine->value[angle] + other * sine->value[angle];
}

/* The cache is checked as well: rows that joined, and that the others are what they were. With `room` it has so many rows more, which
 * nothing may read, and the operation is told of the first row where the device computes. */
static void cached_attention(op_check *t, const int64_t *p)
{
    const int64_t B = p[0];
    const int64_t n = p[1];
    const int64_t m = p[2];
    const int64_t h = p[3];
    const int64_t d = p[4];
    const op_layout layout = (op_layout)p[6]; /* of the cache */
    const int64_t room = p[8];
    const int64_t rows = m + room;
    assert(n <= LONGEST && m <= LONGEST);
    op_operand *qkv = op_input(t, t->dtype, lt_shape5(B, n, 3, h, d), p[7] ? OP_PADDED : OP_PACKED, -1, 1);
    op_operand *k = op_input(t, t->dtype, lt_shape4(B, rows, h, d), layout, -1, 1);
    op_operand *v = op_input(t, t->dtype, lt_shape4(B, rows, h, d), layout, -1, 1);
    const op_operand *cosine = op_input(t, LT_F32, lt_shape2(room > 0 ? rows : n, d / 2), OP_PACKED, -1, 1);
    const op_operand *sine = op_input(t, LT_F32, lt_shape2(room > 0 ? rows : n, d / 2), OP_PACKED, -1, 1);
    op_operand *out = op_output(t, t->dtype, lt_shape4(B, n, h, d), OP_PACKED);
    qkv->written = k->written = v->written = true;
    lt_attention_args args = {.scale = 1 / sqrtf((float)d), .visible = lt_none(), .bias = lt_none()};
    const double r = op_roundoff(t->dtype);
    const int64_t angles_from = room > 0 ? m - n : 0;
    answer of_k = new_answer(k);
    answer of_v = new_answer(v);
    double *q = calloc((size_t)(B * n * h * d), sizeof *q);
    if (q == NULL)
        exit(1);
    for (int64_t i = 0; i < B * n * h * d; i++)
        q[i] = rotated_element(qkv, 0, cosine, sine, angles_from, i);
    for (int64_t i = 0; i < B * rows * h * d; i++) {
        const int64_t row = i / (h * d) % rows - (m - n); /* of qkv, or out of it */
        const bool joined = row >= 0 && row < n;
        const int64_t of_row = (i / (h * d) / rows * n + row) * h * d + i % (h * d);
        of_k.want[i] = joined ? rotated_element(qkv, 1, cosine, sine, angles_from, of_row) : k->value[i];
        of_k.bound[i] = joined ? r * fabs(of_k.want[i]) + 6 * u : 0;
        of_v.want[i] = joined ? qkv->value[(of_row / (h * d) * 3 + 2) * h * d + of_row % (h * d)] : v->value[i];
    }
    attention_case c = {.n = n, .m = rows, .h = h, .d = d, .q = q, .k = of_k.want, .v = of_v.want, .dtype = t->dtype,
                        .scale = (double)args.scale, .rotated = r + 3 * u, .int16 = in_int16(t, n)};
    for (int64_t i = 0; i < n; i++)
        c.visible[i] = visible_keys(p[5], i, n, m);
    if (p[5] != SEE_ALL)
        args.visible = op_given_ints(t, n, c.visible)->view;
    const int32_t first = (int32_t)(m - n);
    const lt_tensor first_row = room > 0 ? op_given_ints(t, 1, &first)->view : lt_none();
    op_done(t, t->backend->table->cached_attention(t->backend, out->view, qkv->view, k->view, v->view, first_row, cosine->view, sine->view,
                                                   &args, &t->error));
    const answer a = new_answer(out);
    for (int64_t row = 0; row < B * n * h; row++)
        answer_query(&c, row, a);
    free(q);
    judge(t, out, a);
    judge(t, k, of_k);
    judge(t, v, of_v);
}

/* ---- norms ---- */

/* Sums in f32 in eight lanes or better: mean and variance are off by (d / 8 + 8) u relative to |x| and themselves. */
static void layer_norm(op_check *t, const int64_t *p)
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
    const lt_weight *weight = p[3] ? op_weight(t, LT_ROLE_VECTOR, LT_BF16, lt_shape1(d), -2, 2, &w) : NULL;
    const lt_weight *bias = p[3] ? op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(d), -2, 2, &b) : NULL;
    const lt_dtype table = p[7] ? LT_F32 : t->dtype;
    const op_operand *scale = modulated ? op_input(t, table, lt_shape2(batches, d), OP_PADDED, -2, 2) : NULL;
    const op_operand *shift = modulated ? op_input(t, table, lt_shape2(batches, d), OP_PADDED, -2, 2) : NULL;
    op_done(t, t->backend->table->layer_norm(t->backend, out->view, x->view, weight, bias, (float)eps,
                                             modulated ? scale->view : lt_none(),
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
            const double magnitude = (fabs(in[i]) + size) * inverse * fabs(gain) + 2 * fabs(offset) +
                                     (modulated ? 2 * fabs(shift->value[m]) : 0);
            a.bound[row * d + i] =
                op_roundoff(t->dtype) * fabs(a.want[row * d + i]) + ((double)d / 8 + 16) * u * magnitude;
        }
    }
    judge(t, out, a);
}

static void rms_norm(op_check *t, const int64_t *p)
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

/* Statistics in double or Welford: after them a handful of f32 steps, so 24 u of everything that is added up. */
static void group_norm(op_check *t, const int64_t *p)
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
    const op_operand *x = op_input(t, t->dtype, lt_shape4(T, H, W, C), OP_PACKED, middle - 2, middle + 2);
    op_operand *out = op_output(t, t->dtype, lt_shape4(frames, H, W, C), OP_PACKED);
    const double *w;
    const double *b;
    const lt_weight *weight = op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(C), -2, 2, &w);
    const lt_weight *bias = op_weight(t, LT_ROLE_VECTOR, LT_F32, lt_shape1(C), -2, 2, &b);
    lt_group_norm_args args = {
        .groups = (int)groups, .eps = 1e-6f, .act = kind, .gain = lt_none(), .shift = lt_none(), .first = p[10]};
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
    op_done(t, t->backend->table->group_norm(t->backend, out->view, x->view, weight, bias, &args, &t->error));
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
            variance += pow(x->value[i / per_group * C + g * per_group + i % per_group] - mean, 2) / count;
        const double inverse = 1 / sqrt(variance + (double)args.eps);
        const int64_t begin = p[10] * H * W;
        for (int64_t i = begin * per_group; i < (begin + frames * H * W) * per_group; i++) {
            const int64_t pixel = i / per_group;
            const int64_t c = g * per_group + i % per_group;
            double y = (x->value[pixel * C + c] - mean) * inverse * w[c] + b[c];
            double magnitude =
                (fabs(x->value[pixel * C + c]) + fabs(mean)) * inverse * fabs(w[c]) + fabs(b[c]);
            if (L > 0) {
                const int64_t row = frame_cell(pixel / (H * W), T, L) * h + cell(pixel / W % H, H, h);
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

static void rope(op_check *t, const int64_t *p)
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
    op_done(t, t->backend->table->rope(t->backend, out->view, x->view, cosine->view, sine->view, &t->error));
    const answer a = new_answer(out);
    for (int64_t i = 0; i < B * n * h * d; i++) {
        const int64_t pair = i / d / h % n * (d / 2) + i % d / 2;
        const double other = i % 2 == 0 ? -x->value[i + 1] : x->value[i - 1];
        a.want[i] = x->value[i] * cosine->value[pair] + other * sine->value[pair];
        a.bound[i] = op_roundoff(t->dtype) * fabs(a.want[i]) +
                     3 * u * (fabs(x->value[i] * cosine->value[pair]) + fabs(other * sine->value[pair]));
    }
    judge(t, out, a);
}

static void activate(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const double reach = (double)p[2]; /* far out the exponentials must neither overflow nor lose the tail */
    op_operand *x = op_input(t, t->dtype, lt_shape1(n), OP_PACKED, -reach, reach);
    op_operand *out = p[3] ? x : op_output(t, t->dtype, lt_shape1(n), OP_PACKED);
    out->written = true;
    op_done(t, t->backend->table->activate(t->backend, out->view, x->view, (lt_act)p[1], &t->error));
    const answer a = new_answer(out);
    for (int64_t i = 0; i < n; i++)
        set_activated(out, a, i, x->value[i], 0, (lt_act)p[1]);
    judge(t, out, a);
}

static void gated_act(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const int64_t d = p[1];
    const lt_act kind = (lt_act)p[2];
    op_operand *g = op_input(t, t->dtype, lt_shape2(n, d), (op_layout)p[3], -5, 5);
    const op_operand *x = op_input(t, t->dtype, lt_shape2(n, d), (op_layout)p[3], -3, 3);
    op_operand *out = p[4] ? g : op_output(t, t->dtype, lt_shape2(n, d), OP_PACKED);
    out->written = true;
    op_done(t, t->backend->table->gated_act(t->backend, out->view, g->view, x->view, kind, &t->error));
    const answer a = new_answer(out);
    for (int64_t i = 0; i < n * d; i++) {
        a.want[i] = exact_activation(g->value[i], kind) * x->value[i];
        a.bound[i] =
            (op_roundoff(t->dtype) + u) * fabs(a.want[i]) + act_error * fabs(g->value[i] * x->value[i]);
    }
    judge(t, out, a);
}

enum { Y_NONE, Y_FULL, Y_ROW, Y_COLUMN };

static void axpby(op_check *t, const int64_t *p)
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
        a.bound[i] = op_roundoff(out->view.dtype) * fabs(a.want[i]) + 3 * u * (fabs(first) + fabs(second));
    }
    judge(t, out, a);
}

static void gated_add(op_check *t, const int64_t *p)
{
    const int64_t B = p[0];
    const int64_t n = p[1];
    const int64_t d = p[2];
    const int64_t batches = p[3] ? B : 1;
    op_operand *x = op_input(t, t->dtype, lt_shape3(B, n, d), (op_layout)p[4], -2, 2);
    const op_operand *y = op_input(t, t->dtype, lt_shape3(B, n, d), OP_PADDED, -2, 2);
    const op_operand *gate = op_input(t, p[5] ? LT_F32 : t->dtype, lt_shape2(batches, d), OP_PADDED, -2, 2);
    x->written = true;
    op_done(t, t->backend->table->gated_add(t->backend, x->view, x->view, gate->view, y->view, &t->error));
    const answer a = new_answer(x);
    for (int64_t i = 0; i < B * n * d; i++) {
        const double product = gate->value[(batches == 1 ? 0 : i / d / n) * d + i % d] * y->value[i];
        a.want[i] = x->value[i] + product;
        a.bound[i] = op_roundoff(t->dtype) * fabs(a.want[i]) + 2 * u * (fabs(x->value[i]) + fabs(product));
    }
    judge(t, x, a);
}

/* ---- video ---- */

enum { PAD_SAME, PAD_NONE, PAD_END, PAD_UNEVEN };

/* Zeros around a frame for a kernel of k x k. */
static lt_conv_args padded(int64_t padding, int64_t k)
{
    const int half = (int)k / 2;
    switch (padding) {
    case PAD_SAME:
        return (lt_conv_args){.pad_top = half, .pad_left = half, .pad_bottom = half, .pad_right = half};
    case PAD_END: /* as the VAE halves a frame */
        return (lt_conv_args){.pad_bottom = 1, .pad_right = 1};
    case PAD_UNEVEN:
        return (lt_conv_args){.pad_top = 2, .pad_bottom = 1, .pad_right = 3};
    default:
        return (lt_conv_args){0};
    }
}

/* p: T H W Cin Cout kt k stride padding history add weight */
static void conv(op_check *t, const int64_t *p)
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
    op_done(t, t->backend->table->conv(t->backend, out->view, x->view, weight, bias, &args, &t->error));

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
                const double product = from[(row * W + column) * in + c] * w[(o * in + c) * kt * k * k + tap];
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

static void upsample(op_check *t, const int64_t *p)
{
    const int64_t T = p[0];
    const int64_t H = p[1];
    const int64_t W = p[2];
    const int64_t C = p[3];
    const int64_t factor = p[4];
    const int64_t frames = !p[5] || T == 1 ? T : T % 2 == 1 ? 2 * T - 1 : 2 * T;
    const op_operand *x = op_input(t, t->dtype, lt_shape4(T, H, W, C), OP_PACKED, -2, 2);
    op_operand *out = op_output(t, t->dtype, lt_shape4(frames, factor * H, factor * W, C), OP_PACKED);
    const lt_time_rule rule = p[5] ? LT_TIME_DOUBLE : LT_TIME_KEEP;
    op_done(t, t->backend->table->upsample(t->backend, out->view, x->view, (int)factor, rule, &t->error));
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
static void to_rgb8(op_check *t, const int64_t *p)
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

/* ---- moving and making ---- */

static void copy(op_check *t, const int64_t *p)
{
    const lt_dtype from = p[4] ? LT_F32 : t->dtype;
    const lt_dtype to = (lt_dtype)p[5];
    const op_layout layout = (op_layout)p[6];
    const op_operand *x = op_input(t, from, lt_shape4(p[0], p[1], p[2], p[3]), layout, -2, 2);
    op_operand *out = op_output(t, to, lt_shape4(p[0], p[1], p[2], p[3]), OP_PADDED);
    op_done(t, t->backend->table->copy(t->backend, out->view, x->view, &t->error));
    op_compare(t, out, x->value, NULL); /* values that every float holds */
}

/* A permuted view: [a, b, c, d] of memory [c, a, d, b]; the last dimension is strided on one side. */
static void copy_permuted(op_check *t, const int64_t *p)
{
    const lt_shape memory = lt_shape4(p[2], p[0], p[3], p[1]);
    const op_operand *x = op_input(t, t->dtype, memory, OP_PADDED, -2, 2);
    op_operand *out = op_output(t, t->dtype, lt_shape4(p[0], p[1], p[2], p[3]), OP_PACKED);
    const lt_tensor seen = lt_permute(x->view, (const int[]){1, 3, 0, 2});
    op_done(t, t->backend->table->copy(t->backend, out->view, seen, &t->error));
    const answer a = new_answer(out);
    for (int64_t i = 0; i < lt_numel(&out->view); i++) {
        const int64_t d = i % p[3];
        const int64_t c = i / p[3] % p[2];
        const int64_t b = i / p[3] / p[2] % p[1];
        const int64_t first = i / p[3] / p[2] / p[1];
        a.want[i] = x->value[((c * p[0] + first) * p[3] + d) * p[1] + b];
    }
    judge(t, out, a);
}

static void fill(op_check *t, const int64_t *p)
{
    op_operand *out = op_output(t, p[2] ? LT_F32 : t->dtype, lt_shape2(p[0], p[1]), (op_layout)p[3]);
    op_done(t, t->backend->table->fill(t->backend, out->view, -1.5f, &t->error));
    const answer a = new_answer(out);
    for (int64_t i = 0; i < p[0] * p[1]; i++)
        a.want[i] = -1.5;
    judge(t, out, a);
}

/* Bit for bit what lt_normals gives, from any first element on. */
static void normal(op_check *t, const int64_t *p)
{
    const int64_t n = p[0];
    const lt_draw draw = {.seed = 1234567890123, .stage = LT_DRAW_REFINE, .window = 5, .step = 3};
    op_operand *out = op_output(t, LT_F32, lt_shape1(n), OP_PACKED);
    op_done(t, t->backend->table->normal(t->backend, out->view, draw, (uint64_t)p[1], &t->error));
    const answer a = new_answer(out);
    float *values = calloc((size_t)n, sizeof *values);
    if (values != NULL)
        lt_normals(draw, (uint64_t)p[1], (uint64_t)n, values);
    for (int64_t i = 0; i < n && values != NULL; i++)
        a.want[i] = (double)values[i];
    free(values);
    judge(t, out, a);
}

/* ---- tokens ---- */

enum { SPREAD, FEW_VALUES, ALL_EQUAL, STEEP, ONE_INFINITE, ONE_NAN };

static float logit_of(int kind, int64_t i, float normal)
{
    switch (kind) {
    case FEW_VALUES:
        return floorf(normal);
    case ALL_EQUAL:
        return 1.5f;
    case STEEP: /* most probabilities are 0, some no normal numbers */
        return 40 * normal;
    case ONE_INFINITE:
        return i == 3 ? -INFINITY : normal;
    case ONE_NAN:
        return i == 3 ? NAN : normal;
    default:
        return 2 * normal;
    }
}

/* What lt_choose_id says, without a heap or a search: an id is compared with every other one. */
static int32_t chosen_id(const lt_choice *c, const float *logits, int rows, int n, float *p)
{
    float largest = -INFINITY;
    for (int i = 0; i < n; i++) {
        p[i] = rows == 1 ? logits[i] : logits[n + i] + c->guidance * (logits[i] - logits[n + i]);
        p[i] /= c->temperature;
        if (!isfinite(p[i]))
            return ~i;
        largest = fmaxf(largest, p[i]);
    }
    float *kept = calloc((size_t)n, sizeof *kept);
    if (kept == NULL)
        exit(1);
    uint64_t mass = 0;
    for (int i = 0; i < n; i++) {
        int larger = 0;
        for (int j = 0; j < n; j++)
            larger += p[j] > p[i];
        kept[i] = c->top_k > 0 && larger >= c->top_k ? 0 : lt_choice_exp(p[i] - largest);
        mass += lt_choice_mass(kept[i]);
    }
    for (int i = 0; i < n; i++)
        p[i] = kept[i] / lt_choice_sum(mass);
    mass = 0;
    for (int i = 0; i < n; i++) {
        uint64_t before = 0;
        for (int j = 0; j < n; j++)
            before += p[j] > p[i] || (p[j] == p[i] && j < i) ? lt_choice_mass(p[j]) : 0;
        kept[i] = c->top_p < 0 || before == 0 || (double)before < c->top_p * 0x1p40 ? p[i] : 0;
        mass += lt_choice_mass(kept[i]);
    }
    int32_t best = 0;
    float best_ratio = 0;
    for (int i = 0; i < n; i++) {
        const float sum = c->top_p < 0 ? 1 : lt_choice_sum(mass);
        const float ratio = kept[i] / sum / lt_choice_exponential(lt_choice_uniform(c->seed, c->draw, i));
        if (ratio > best_ratio) {
            best_ratio = ratio;
            best = i;
        }
    }
    free(kept);
    return best;
}

/* Several draws of one set of logits, so that few ids would be right by chance. */
static void choose(op_check *t, const int64_t *p)
{
    enum { DRAWS = 4 };
    const int n = (int)p[0];
    const int rows = (int)p[1];
    const lt_draw noise = {.seed = 99, .stage = LT_DRAW_AR};
    float *logits = calloc((size_t)(rows * n), sizeof *logits);
    float *scratch = calloc((size_t)n, sizeof *scratch);
    if (logits == NULL || scratch == NULL)
        exit(1);
    lt_normals(noise, 0, (uint64_t)(rows * n), logits);
    for (int i = 0; i < rows * n; i++)
        logits[i] = logit_of((int)p[2], i, logits[i]);
    for (int i = 0; i < DRAWS; i++) {
        const lt_choice choice = {.seed = 42,
                                  .draw = ((uint64_t)i << 31) + (uint64_t)i,
                                  .guidance = 7.5f,
                                  .temperature = 0.9f,
                                  .top_k = (int)p[3],
                                  .top_p = (double)p[4] / 1000};
        const op_operand *x = op_given_floats(t, lt_shape2(rows, n), logits);
        const op_operand *room = op_output(t, LT_I32, lt_shape2(n, 2), OP_PACKED);
        op_operand *out = op_output(t, LT_I32, lt_shape1(1), OP_PACKED);
        op_done(t, t->backend->table->choose(t->backend, out->view, x->view, room->view, &choice, &t->error));
        const answer a = new_answer(out);
        a.want[0] = chosen_id(&choice, logits, rows, n, scratch);
        judge(t, out, a);
    }
    free(scratch);
    free(logits);
}

/* ---- the table ---- */

enum {
    NONE = LT_ACT_NONE,
    ERF = LT_ACT_GELU_ERF,
    GELU = LT_ACT_GELU_TANH,
    SILU = LT_ACT_SILU,
    TANH = LT_ACT_TANH
};

/* clang-format off */
const op_case op_cases[] = {
    {"gather", "n rows d stored", gather, {1, 1, 1, LT_F32}},
    {"gather", "n rows d stored", gather, {37, 11, 33, LT_BF16}},
    {"gather", "n rows d stored", gather, {5, 300, 64, LT_F16}},
    {"gather", "n rows d stored", gather, {9, 7, 40, LT_I8}},

    {"linear", "n in out act stored layout bias to", linear, {1, 1, 1, NONE, LT_F32, OP_PACKED, 0, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {1, 64, 48, NONE, LT_BF16, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {1, 515, 131, GELU, LT_BF16, OP_PADDED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {2, 96, 257, NONE, LT_BF16, OP_PACKED, 0, TO_F32}},
    {"linear", "n in out act stored layout bias to", linear, {7, 33, 17, SILU, LT_F32, OP_PADDED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {8, 128, 64, ERF, LT_F16, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {65, 72, 130, TANH, LT_BF16, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {70, 129, 65, NONE, LT_I8, OP_PADDED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {3, 256, 96, GELU, LT_I8, OP_PACKED, 0, TO_F32}},
    {"linear", "n in out act stored layout bias to", linear, {13, 20, 40, NONE, LT_F64, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {1, 512, 33, NONE, LT_Q8, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {2, 96, 64, GELU, LT_Q8, OP_PADDED, 0, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {4, 1056, 5, NONE, LT_Q8, OP_PACKED, 0, TO_F32}},
    {"linear", "n in out act stored layout bias to", linear, {45, 480, 70, NONE, LT_Q8, OP_PADDED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {1, 544, 40, NONE, LT_Q4, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {3, 64, 31, SILU, LT_Q4, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {2, 2048, 18, NONE, LT_Q4, OP_PACKED, 0, TO_F32}},
    {"linear", "n in out act stored layout bias to", linear, {37, 416, 66, GELU, LT_Q4, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {5, 1056, 33, NONE, LT_Q8, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {97, 544, 17, SILU, LT_Q4, OP_PADDED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {300, 515, 31, NONE, LT_I8, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", linear, {6, 1, 1, NONE, LT_F32, OP_PACKED, 0, TO_F32}},
    {"linear", "n in out act stored layout bias to", linear, {2, 96, 77, NONE, LT_F32, OP_PACKED, 0, HEAD}},
    {"linear", "n in out act stored layout bias to", linear, {9, 65, 40, NONE, LT_BF16, OP_PACKED, 0, HEAD}},
    {"linear", "n in out act stored layout bias to", linear, {150, 320, 192, GELU, LT_BF16, OP_PACKED, 1, TO_ACTIVATIONS}},

    {"linear_add", "n in out stored layout bias f32", linear_add, {1, 1, 1, LT_F32, OP_PACKED, 0, 0}},
    {"linear_add", "n in out stored layout bias f32", linear_add, {2, 96, 257, LT_BF16, OP_PACKED, 0, 0}},
    {"linear_add", "n in out stored layout bias f32", linear_add, {3, 77, 70, LT_BF16, OP_PADDED, 1, 1}},
    {"linear_add", "n in out stored layout bias f32", linear_add, {6, 160, 33, LT_Q8, OP_PACKED, 1, 0}},
    {"linear_add", "n in out stored layout bias f32", linear_add, {2, 1056, 20, LT_Q4, OP_PACKED, 0, 1}},
    {"linear_add", "n in out stored layout bias f32", linear_add, {8, 40, 17, LT_I8, OP_PADDED, 0, 0}},
    {"linear_add", "n in out stored layout bias f32", linear_add, {9, 64, 40, LT_BF16, OP_PACKED, 1, 1}},
    {"linear_add", "n in out stored layout bias f32", linear_add, {45, 129, 65, LT_F16, OP_PADDED, 1, 0}},

    {"normed_linear", "n in out stored layout", normed_linear, {1, 1, 1, LT_F32, OP_PACKED}},
    {"normed_linear", "n in out stored layout", normed_linear, {1, 520, 31, LT_BF16, OP_PACKED}},
    {"normed_linear", "n in out stored layout", normed_linear, {2, 256, 130, LT_BF16, OP_PACKED}},
    {"normed_linear", "n in out stored layout", normed_linear, {3, 77, 9, LT_BF16, OP_PADDED}},
    {"normed_linear", "n in out stored layout", normed_linear, {6, 64, 40, LT_Q8, OP_PACKED}},
    {"normed_linear", "n in out stored layout", normed_linear, {2, 1056, 17, LT_Q4, OP_PADDED}},
    {"normed_linear", "n in out stored layout", normed_linear, {8, 96, 33, LT_I8, OP_PACKED}},
    {"normed_linear", "n in out stored layout", normed_linear, {33, 72, 66, LT_BF16, OP_PADDED}},

    {"gated_linear", "n in out act stored up layout", gated_linear, {1, 1, 1, GELU, LT_F32, LT_F32, OP_PACKED}},
    {"gated_linear", "n in out act stored up layout", gated_linear, {2, 256, 130, GELU, LT_BF16, LT_BF16, OP_PACKED}},
    {"gated_linear", "n in out act stored up layout", gated_linear, {3, 77, 9, SILU, LT_BF16, LT_BF16, OP_PADDED}},
    {"gated_linear", "n in out act stored up layout", gated_linear, {6, 64, 40, GELU, LT_Q8, LT_Q8, OP_PACKED}},
    {"gated_linear", "n in out act stored up layout", gated_linear, {2, 544, 17, GELU, LT_Q4, LT_Q4, OP_PACKED}},
    {"gated_linear", "n in out act stored up layout", gated_linear, {4, 96, 33, NONE, LT_I8, LT_I8, OP_PADDED}},
    {"gated_linear", "n in out act stored up layout", gated_linear, {2, 64, 20, GELU, LT_Q8, LT_BF16, OP_PACKED}}, /* stored differently */
    {"gated_linear", "n in out act stored up layout", gated_linear, {33, 72, 66, GELU, LT_BF16, LT_BF16, OP_PADDED}},

    {"attention", "B n m h d see bias layout reach", attention, {1, 1, 1, 1, 8, SEE_ALL, 0, OP_PACKED, 1}},
    {"attention", "B n m h d see bias layout reach", attention, {1, 77, 77, 2, 64, SEE_ALL, 0, OP_HEADS, 1}},
    {"attention", "B n m h d see bias layout reach", attention, {2, 33, 70, 3, 40, SEE_CAUSAL, 0, OP_PADDED, 2}},
    {"attention", "B n m h d see bias layout reach", attention, {1, 1, 131, 4, 128, SEE_CAUSAL, 0, OP_HEADS, 1}},
    {"attention", "B n m h d see bias layout reach", attention, {2, 5, 130, 2, 128, SEE_CAUSAL, 0, OP_HEADS, 1}},
    {"attention", "B n m h d see bias layout reach", attention, {1, 60, 60, 2, 32, SEE_FRAMES, 0, OP_PACKED, 1}},
    {"attention", "B n m h d see bias layout reach", attention, {1, 21, 21, 3, 64, SEE_ALL, 1, OP_PADDED, 1}},
    {"attention", "B n m h d see bias layout reach", attention, {1, 9, 25, 2, 16, SEE_CAUSAL, 1, OP_PACKED, 1}},
    {"attention", "B n m h d see bias layout reach", attention, {1, 20, 200, 1, 64, SEE_ALL, 0, OP_PACKED, 14}},
    {"attention", "B n m h d see bias layout reach", attention, {1, 3, 5, 1, 256, SEE_ALL, 0, OP_PACKED, 1}},
    {"attention", "B n m h d see bias layout reach", attention, {1, 11, 13, 2, 7, SEE_CAUSAL, 0, OP_PADDED, 3}},
    {"attention", "B n m h d see bias layout reach", attention, {1, 130, 600, 1, 64, SEE_CAUSAL, 1, OP_PACKED, 2}}, /* several tiles */
    {"attention", "B n m h d see bias layout reach", attention, {1, 2, 530, 1, 200, SEE_ALL, 0, OP_PADDED, 2}},

    {"cached_attention", "B n m h d see layout padded room", cached_attention, {1, 1, 1, 1, 2, SEE_ALL, OP_PACKED, 0, 0}},
    {"cached_attention", "B n m h d see layout padded room", cached_attention, {2, 1, 300, 2, 64, SEE_ALL, OP_HEADS, 0, 0}},
    {"cached_attention", "B n m h d see layout padded room", cached_attention, {2, 3, 130, 3, 128, SEE_CAUSAL, OP_HEADS, 0, 0}}, /* joins two stretches */
    {"cached_attention", "B n m h d see layout padded room", cached_attention, {1, 4, 4, 2, 38, SEE_CAUSAL, OP_PADDED, 1, 0}},
    {"cached_attention", "B n m h d see layout padded room", cached_attention, {1, 2, 257, 1, 256, SEE_CAUSAL, OP_PACKED, 1, 0}},
    {"cached_attention", "B n m h d see layout padded room", cached_attention, {2, 33, 70, 2, 64, SEE_CAUSAL, OP_HEADS, 0, 0}},
    {"cached_attention", "B n m h d see layout padded room", cached_attention, {1, 40, 40, 2, 22, SEE_CAUSAL, OP_PADDED, 1, 0}},
    {"cached_attention", "B n m h d see layout padded room", cached_attention, {1, 1, 1, 1, 2, SEE_ALL, OP_PACKED, 0, 1}},
    {"cached_attention", "B n m h d see layout padded room", cached_attention, {2, 1, 300, 2, 64, SEE_ALL, OP_HEADS, 0, 212}},
    {"cached_attention", "B n m h d see layout padded room", cached_attention, {2, 3, 130, 3, 128, SEE_CAUSAL, OP_HEADS, 0, 126}}, /* joins two stretches */
    {"cached_attention", "B n m h d see layout padded room", cached_attention, {1, 4, 4, 2, 38, SEE_CAUSAL, OP_PADDED, 1, 700}},
    {"cached_attention", "B n m h d see layout padded room", cached_attention, {1, 2, 256, 1, 256, SEE_CAUSAL, OP_PACKED, 1, 1}},

    {"layer_norm", "B n d affine modulated layout mean f32", layer_norm, {1, 1, 1, 1, 0, OP_PACKED, 0, 0}},
    {"layer_norm", "B n d affine modulated layout mean f32", layer_norm, {1, 5, 33, 1, 0, OP_PADDED, 0, 0}},
    {"layer_norm", "B n d affine modulated layout mean f32", layer_norm, {1, 9, 768, 1, 1, OP_PACKED, 0, 1}},
    {"layer_norm", "B n d affine modulated layout mean f32", layer_norm, {3, 7, 96, 0, 2, OP_PADDED, 0, 1}},
    {"layer_norm", "B n d affine modulated layout mean f32", layer_norm, {2, 4, 130, 0, 2, OP_PACKED, 0, 0}},
    {"layer_norm", "B n d affine modulated layout mean f32", layer_norm, {1, 3, 256, 0, 0, OP_PACKED, 0, 0}},
    {"layer_norm", "B n d affine modulated layout mean f32", layer_norm, {1, 3, 256, 1, 0, OP_PACKED, 100, 0}},
    {"layer_norm", "B n d affine modulated layout mean f32", layer_norm, {2, 515, 64, 0, 2, OP_PACKED, 0, 1}},  /* many rows */
    {"layer_norm", "B n d affine modulated layout mean f32", layer_norm, {1, 3, 8208, 1, 1, OP_PACKED, 0, 1}}, /* long rows */
    {"layer_norm", "B n d affine modulated layout mean f32", layer_norm, {1, 2, 1300, 1, 0, OP_PADDED, 0, 0}},

    {"rms_norm", "n d layout", rms_norm, {1, 1, OP_PACKED}},
    {"rms_norm", "n d layout", rms_norm, {5, 37, OP_PADDED}},
    {"rms_norm", "n d layout", rms_norm, {33, 512, OP_PACKED}},
    {"rms_norm", "n d layout", rms_norm, {1025, 40, OP_PADDED}},

    {"group_norm", "T H W C groups act L step mean layout", group_norm, {1, 1, 1, 4, 2, NONE, 0, 1, 0, OP_PACKED}},
    {"group_norm", "T H W C groups act L step mean layout", group_norm, {2, 5, 7, 32, 8, SILU, 0, 1, 0, OP_PACKED}},
    {"group_norm", "T H W C groups act L step mean layout", group_norm, {3, 4, 3, 33, 11, NONE, 0, 1, 50, OP_PACKED}},
    {"group_norm", "T H W C groups act L step mean layout", group_norm, {9, 4, 6, 16, 4, SILU, 3, 2, 0, OP_PACKED}},
    {"group_norm", "T H W C groups act L step mean layout", group_norm, {5, 8, 8, 12, 3, SILU, 3, 8, 0, OP_PADDED}},
    {"group_norm", "T H W C groups act L step mean layout", group_norm, {8, 2, 2, 8, 8, NONE, 2, 1, 0, OP_PACKED}},
    {"group_norm", "T H W C groups act L step mean layout", group_norm, {1, 6, 4, 8, 1, SILU, 1, 2, 0, OP_PADDED}},
    {"group_norm", "T H W C groups act L step mean layout", group_norm, {4, 5, 7, 64, 32, SILU, 2, 2, 3, OP_PACKED}},
    {"group_norm", "T H W C groups act L step mean layout", group_norm, {3, 16, 24, 16, 4, SILU, 3, 2, 1, OP_PACKED}},
    {"group_norm", "T H W C groups act L step mean layout", group_norm, {1, 2, 3, 2112, 3, NONE, 0, 1, 0, OP_PACKED}}, /* many channels */
    {"group_norm", "T H W C groups act L step mean layout first frames", group_norm, {5, 4, 6, 32, 4, SILU, 0, 1, 0, OP_PACKED, 3, 1}},
    {"group_norm", "T H W C groups act L step mean layout first frames", group_norm, {9, 4, 6, 16, 4, SILU, 3, 2, 0, OP_PACKED, 4, 3}},
    {"group_norm", "T H W C groups act L step mean layout first frames", group_norm, {4, 3, 5, 33, 11, NONE, 2, 1, 0, OP_PADDED, 0, 1}},

    {"rope", "B n h d layout apart", rope, {1, 1, 1, 2, OP_PACKED, 0}},
    {"rope", "B n h d layout apart", rope, {2, 5, 3, 64, OP_HEADS, 0}},
    {"rope", "B n h d layout apart", rope, {1, 7, 2, 38, OP_PADDED, 1}},

    {"activate", "n act reach inplace", activate, {1, SILU, 1, 0}},
    {"activate", "n act reach inplace", activate, {1001, SILU, 100, 0}},
    {"activate", "n act reach inplace", activate, {777, ERF, 8, 1}},
    {"activate", "n act reach inplace", activate, {777, GELU, 20, 0}},
    {"activate", "n act reach inplace", activate, {9000, TANH, 12, 1}},
    {"activate", "n act reach inplace", activate, {31, NONE, 2, 0}},

    {"gated_act", "n d act layout inplace", gated_act, {1, 1, SILU, OP_PACKED, 0}},
    {"gated_act", "n d act layout inplace", gated_act, {7, 131, SILU, OP_PADDED, 1}},
    {"gated_act", "n d act layout inplace", gated_act, {33, 64, GELU, OP_PACKED, 0}},

    {"axpby", "a b c d y layout f32 inplace", axpby, {1, 1, 1, 1, Y_NONE, OP_PACKED, 0, 0}},
    {"axpby", "a b c d y layout f32 inplace", axpby, {2, 3, 5, 33, Y_FULL, OP_PADDED, 0, 1}},
    {"axpby", "a b c d y layout f32 inplace", axpby, {1, 7, 4, 64, Y_ROW, OP_PACKED, 1, 0}},
    {"axpby", "a b c d y layout f32 inplace", axpby, {2, 3, 4, 17, Y_COLUMN, OP_HEADS, 0, 0}},
    {"axpby", "a b c d y layout f32 inplace", axpby, {3, 2, 2, 100, Y_NONE, OP_PADDED, 1, 0}},

    {"gated_add", "B n d batches layout f32", gated_add, {1, 1, 1, 0, OP_PACKED, 0}},
    {"gated_add", "B n d batches layout f32", gated_add, {2, 5, 97, 1, OP_PADDED, 1}},
    {"gated_add", "B n d batches layout f32", gated_add, {3, 4, 64, 0, OP_PACKED, 0}},
    {"gated_add", "B n d batches layout f32", gated_add, {2, 3, 64, 1, OP_PACKED, 1}},

    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {1, 1, 1, 1, 1, 1, 1, 1, PAD_NONE, 0, 0, LT_F32}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {3, 5, 7, 6, 10, 3, 3, 1, PAD_SAME, 0, 0, LT_BF16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {2, 6, 5, 16, 16, 3, 3, 1, PAD_SAME, 1, 1, LT_BF16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {1, 9, 11, 3, 33, 3, 3, 1, PAD_SAME, 1, 0, LT_F32}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {3, 8, 7, 8, 12, 0, 3, 2, PAD_END, 0, 0, LT_BF16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {1, 7, 9, 5, 8, 0, 3, 2, PAD_SAME, 0, 1, LT_F16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {2, 4, 5, 17, 9, 1, 1, 1, PAD_NONE, 0, 1, LT_I8}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {2, 3, 4, 4, 7, 3, 1, 1, PAD_NONE, 1, 0, LT_BF16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {1, 8, 6, 3, 20, 0, 2, 2, PAD_NONE, 0, 0, LT_BF16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {2, 5, 8, 9, 11, 3, 3, 1, PAD_UNEVEN, 1, 0, LT_BF16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {2, 6, 4, 8, 16, 0, 3, 2, PAD_UNEVEN, 0, 0, LT_BF16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {4, 12, 16, 32, 65, 3, 3, 1, PAD_SAME, 0, 1, LT_BF16}},

    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {2, 3, 5, 270, 20, 3, 3, 1, PAD_SAME, 1, 0, LT_BF16}}, /* slices of channels */
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {1, 9, 200, 8, 5, 0, 3, 1, PAD_SAME, 0, 0, LT_BF16}},   /* several tiles */
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {5, 37, 51, 16, 17, 3, 3, 1, PAD_SAME, 1, 1, LT_F32}},   /* patches: tiles, odd ends, runs of frames */
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {3, 5, 6, 144, 40, 3, 3, 1, PAD_UNEVEN, 1, 0, LT_F16}},  /* slices of channels of patches */
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {2, 3, 3, 32, 3, 0, 3, 1, PAD_NONE, 0, 1, LT_I8}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", conv, {2, 8, 7, 16, 16, 0, 3, 2, PAD_END, 0, 0, LT_F32}},      /* transformed, but strided */

    {"upsample", "T H W C factor double", upsample, {1, 1, 1, 1, 1, 0}},
    {"upsample", "T H W C factor double", upsample, {1, 3, 2, 5, 2, 1}},
    {"upsample", "T H W C factor double", upsample, {2, 2, 3, 8, 2, 1}},
    {"upsample", "T H W C factor double", upsample, {3, 3, 3, 7, 2, 1}},
    {"upsample", "T H W C factor double", upsample, {4, 1, 2, 33, 2, 1}},
    {"upsample", "T H W C factor double", upsample, {3, 2, 5, 16, 2, 0}},
    {"upsample", "T H W C factor double", upsample, {3, 2, 2, 3, 4, 0}},
    {"upsample", "T H W C factor double", upsample, {3, 2, 2, 3, 1, 1}},

    {"copy", "a b c d f32 to layout", copy, {1, 1, 1, 1, 0, LT_F32, OP_PACKED}},
    {"copy", "a b c d f32 to layout", copy, {2, 3, 5, 33, 0, LT_BF16, OP_HEADS}},
    {"copy", "a b c d f32 to layout", copy, {1, 4, 4, 31, 1, LT_BF16, OP_PACKED}},
    {"copy", "a b c d f32 to layout", copy, {1, 2, 3, 65, 0, LT_F16, OP_PADDED}},
    {"copy", "a b c d f32 to layout", copy, {2, 2, 2, 9, 1, LT_F64, OP_PADDED}},
    {"copy", "a b c d", copy_permuted, {3, 5, 2, 7}},
    {"copy", "a b c d", copy_permuted, {1, 16, 13, 32}},
    {"copy", "a b c d", copy_permuted, {2, 33, 3, 40}},

    {"fill", "n d f32 layout", fill, {1, 1, 0, OP_PACKED}},
    {"fill", "n d f32 layout", fill, {9, 129, 0, OP_PADDED}},
    {"fill", "n d f32 layout", fill, {3, 64, 1, OP_PACKED}},

    {"normal", "n first", normal, {1, 0}},
    {"normal", "n first", normal, {9001, 0}},
    {"normal", "n first", normal, {33, 4000000003}},

    /* top_k 0: all; top_p in thousandths, negative: all */
    {"choose", "n rows kind top_k top_p", choose, {1, 1, SPREAD, 0, -1}},
    {"choose", "n rows kind top_k top_p", choose, {2055, 2, SPREAD, 0, -1}},
    {"choose", "n rows kind top_k top_p", choose, {2055, 1, SPREAD, 1, -1}},
    {"choose", "n rows kind top_k top_p", choose, {2055, 2, SPREAD, 100, -1}},
    {"choose", "n rows kind top_k top_p", choose, {513, 1, SPREAD, 513, -1}},
    {"choose", "n rows kind top_k top_p", choose, {2055, 1, SPREAD, 0, 0}},
    {"choose", "n rows kind top_k top_p", choose, {2055, 1, SPREAD, 0, 500}},
    {"choose", "n rows kind top_k top_p", choose, {2055, 2, SPREAD, 0, 970}},
    {"choose", "n rows kind top_k top_p", choose, {2055, 1, SPREAD, 0, 1000}},
    {"choose", "n rows kind top_k top_p", choose, {1500, 1, FEW_VALUES, 700, -1}},
    {"choose", "n rows kind top_k top_p", choose, {1500, 1, FEW_VALUES, 0, 300}},
    {"choose", "n rows kind top_k top_p", choose, {1500, 1, FEW_VALUES, 0, 900}},
    {"choose", "n rows kind top_k top_p", choose, {1024, 1, ALL_EQUAL, 1, -1}},
    {"choose", "n rows kind top_k top_p", choose, {1024, 1, ALL_EQUAL, 0, 0}},
    {"choose", "n rows kind top_k top_p", choose, {1024, 1, ALL_EQUAL, 0, 500}}, /* the sum is p exactly after half of them */
    {"choose", "n rows kind top_k top_p", choose, {1001, 1, ALL_EQUAL, 0, 600}},
    {"choose", "n rows kind top_k top_p", choose, {1001, 1, ALL_EQUAL, 0, 1000}},
    {"choose", "n rows kind top_k top_p", choose, {700, 2, STEEP, 0, -1}},
    {"choose", "n rows kind top_k top_p", choose, {700, 1, STEEP, 5, -1}},
    {"choose", "n rows kind top_k top_p", choose, {700, 1, STEEP, 0, 999}},
    {"choose", "n rows kind top_k top_p", choose, {700, 1, STEEP, 0, 1000}},
    {"choose", "n rows kind top_k top_p", choose, {600, 1, ONE_INFINITE, 0, 970}},
    {"choose", "n rows kind top_k top_p", choose, {600, 2, ONE_NAN, 10, -1}},

    {"to_rgb8", "T H W", to_rgb8, {1, 1, 1}},
    {"to_rgb8", "T H W", to_rgb8, {2, 37, 41}},
};
/* clang-format on */

const int op_case_count = (int)(sizeof op_cases / sizeof *op_cases);
