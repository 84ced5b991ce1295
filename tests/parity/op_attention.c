/* op_attention.c - attention, alone and into a cache. */
#include <assert.h>

#include "op_answer.h"
#include "op_cases.h"

/* Keys that row i of n sees among m: all; itself and what came before (m - n keys are older); its
 * frame of 3 rows too. */
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
 * Scores carry e <= (d + 4) u (sum |q k| scale + |bias|); weights e^s then 2 e relative, numerator
 * and denominator, and a bf16 backend may round them once more: 2 r. The sums over m keys add (m +
 * 24) u.
 * With products of int16, q and k are rounded by rows, weights within half of 1 / 16383 of the
 * largest, and v by columns within half of 1 / 1023 of theirs. */
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
        }
        for (int64_t e = 0; e < d && c->int16; e++) {
            step_q = fmax(step_q, fabs(q[e]) / int16_steps(d));
            step_k = fmax(step_k, fabs(k[e]) / int16_steps(d));
        }
        for (int64_t e = 0; e < d && c->int16; e++)
            rounding += step_q * fabs(k[e]) + step_k * fabs(q[e]) + step_q * step_k;
        const double add = c->bias == NULL ? 0 : c->bias[head * (n + m - 1) + j - i + n - 1];
        weight[j] = c->scale * dot + add;
        largest = fmax(largest, weight[j]);
        score_error =
            fmax(score_error, (double)(d + 4) * u * (c->scale * magnitude + fabs(add)) +
                                  c->scale * rounding + 2 * c->rotated * c->scale * magnitude);
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
        const double codes =
            c->int16 ? (values + c->visible[i] * fabs(sum)) / total / 32766 + largest_value / 2045
                     : 0;
        a.want[row * d + e] = sum;
        a.bound[row * d + e] =
            r * fabs(sum) + (2 * score_error + (double)(m + 24) * u + rounded) * magnitude + codes;
    }
}

static bool in_int16(const op_check *t, int64_t n)
{
    return n > 4 && t->dtype == LT_BF16 && t->backend->bf16_rounds_to == LT_ROUND_INT16;
}

void check_attention(op_check *t, const int64_t *p)
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
    const op_operand *bias =
        p[6] ? op_input(t, LT_F32, lt_shape2(h, n + m - 1), OP_PACKED, -4, 4) : NULL;
    op_operand *out =
        op_output(t, t->dtype, lt_shape4(B, n, h, d), layout == OP_HEADS ? OP_PACKED : layout);
    lt_attention_args args = {
        .scale = 1 / sqrtf((float)d), .visible = lt_none(), .bias = lt_none()};
    attention_case c = {.n = n,
                        .m = m,
                        .h = h,
                        .d = d,
                        .q = q->value,
                        .k = k->value,
                        .v = v->value,
                        .dtype = t->dtype,
                        .scale = (double)args.scale,
                        .int16 = in_int16(t, n)};
    for (int64_t i = 0; i < n; i++)
        c.visible[i] = visible_keys(p[5], i, n, m);
    if (p[5] != SEE_ALL)
        args.visible = op_given_ints(t, n, c.visible)->view;
    if (bias != NULL) {
        args.bias = bias->view;
        c.bias = bias->value;
    }
    op_done(t, t->backend->table->attention(t->backend, out->view, q->view, k->view, v->view, &args,
                                            &t->error));
    const answer a = new_answer(out);
    for (int64_t row = 0; row < B * n * h; row++)
        answer_query(&c, row, a);
    judge(t, out, a);
}

/* Element i of packed [B, n, h, d] rotated, from [B, n, 3, h, d]; `part` 0 is queries, 1 keys;
 * angles of row 0 are row `from`. */
static double rotated_element(const op_operand *qkv, int part, const op_operand *cosine,
                              const op_operand *sine, int64_t from, int64_t i)
{
    const int64_t h = qkv->view.dim[3];
    const int64_t d = qkv->view.dim[4];
    const double *head = qkv->value + ((i / d / h * 3 + part) * h + i / d % h) * d;
    const int64_t e = i % d;
    const int64_t angle = (from + i / d / h % qkv->view.dim[1]) * (d / 2) + e / 2;
    const double other = e % 2 == 0 ? -head[e + 1] : head[e - 1];
    return head[e] * cosine->value[angle] + other * sine->value[angle];
}

/* The cache is checked as well: rows that joined, and that the others are what they were. With
 * `room` it has so many rows more, which nothing may read, and the operation is told of the first
 * row where the device computes. */
void check_cached_attention(op_check *t, const int64_t *p)
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
    op_operand *qkv =
        op_input(t, t->dtype, lt_shape5(B, n, 3, h, d), p[7] ? OP_PADDED : OP_PACKED, -1, 1);
    op_operand *k = op_input(t, t->dtype, lt_shape4(B, rows, h, d), layout, -1, 1);
    op_operand *v = op_input(t, t->dtype, lt_shape4(B, rows, h, d), layout, -1, 1);
    const op_operand *cosine =
        op_input(t, LT_F32, lt_shape2(room > 0 ? rows : n, d / 2), OP_PACKED, -1, 1);
    const op_operand *sine =
        op_input(t, LT_F32, lt_shape2(room > 0 ? rows : n, d / 2), OP_PACKED, -1, 1);
    op_operand *out = op_output(t, t->dtype, lt_shape4(B, n, h, d), OP_PACKED);
    qkv->written = k->written = v->written = true;
    lt_attention_args args = {
        .scale = 1 / sqrtf((float)d), .visible = lt_none(), .bias = lt_none()};
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
        of_k.want[i] =
            joined ? rotated_element(qkv, 1, cosine, sine, angles_from, of_row) : k->value[i];
        of_k.bound[i] = joined ? r * fabs(of_k.want[i]) + 6 * u : 0;
        of_v.want[i] = joined ? qkv->value[(of_row / (h * d) * 3 + 2) * h * d + of_row % (h * d)]
                              : v->value[i];
    }
    attention_case c = {.n = n,
                        .m = rows,
                        .h = h,
                        .d = d,
                        .q = q,
                        .k = of_k.want,
                        .v = of_v.want,
                        .dtype = t->dtype,
                        .scale = (double)args.scale,
                        .rotated = r + 3 * u,
                        .int16 = in_int16(t, n)};
    for (int64_t i = 0; i < n; i++)
        c.visible[i] = visible_keys(p[5], i, n, m);
    if (p[5] != SEE_ALL)
        args.visible = op_given_ints(t, n, c.visible)->view;
    const int32_t first = (int32_t)(m - n);
    const lt_tensor first_row = room > 0 ? op_given_ints(t, 1, &first)->view : lt_none();
    op_done(t, t->backend->table->cached_attention(t->backend, out->view, qkv->view, k->view,
                                                   v->view, first_row, cosine->view, sine->view,
                                                   &args, &t->error));
    const answer a = new_answer(out);
    for (int64_t row = 0; row < B * n * h; row++)
        answer_query(&c, row, a);
    free(q);
    judge(t, out, a);
    judge(t, k, of_k);
    judge(t, v, of_v);
}
