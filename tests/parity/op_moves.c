/* op_moves.c - copies, noise, and the choice of a token. */
#include "kernels/core/choice_arithmetic.h"
#include "op_answer.h"
#include "op_cases.h"

/* ---- moving and making ---- */

void check_copy(op_check *t, const int64_t *p)
{
    const lt_dtype from = p[4] ? LT_F32 : t->dtype;
    const lt_dtype to = (lt_dtype)p[5];
    const op_layout layout = (op_layout)p[6];
    const op_operand *x = op_input(t, from, lt_shape4(p[0], p[1], p[2], p[3]), layout, -2, 2);
    op_operand *out = op_output(t, to, lt_shape4(p[0], p[1], p[2], p[3]), OP_PADDED);
    op_done(t, t->backend->table->copy(t->backend, out->view, x->view, &t->error));
    op_compare(t, out, x->value, NULL); /* values that every float holds */
}

/* A permuted view: [a, b, c, d] of memory [c, a, d, b]; the last
 * dimension is strided on one side. */
void check_copy_permuted(op_check *t, const int64_t *p)
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

void check_fill(op_check *t, const int64_t *p)
{
    op_operand *out =
        op_output(t, p[2] ? LT_F32 : t->dtype, lt_shape2(p[0], p[1]), (op_layout)p[3]);
    op_done(t, t->backend->table->fill(t->backend, out->view, -1.5f, &t->error));
    const answer a = new_answer(out);
    for (int64_t i = 0; i < p[0] * p[1]; i++)
        a.want[i] = -1.5;
    judge(t, out, a);
}

/* Bit for bit what lt_normals gives, from any first element on. */
void check_normal(op_check *t, const int64_t *p)
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
    uint64_t *mass_of = calloc((size_t)n, sizeof *mass_of);
    if (kept == NULL || mass_of == NULL)
        exit(1);
    uint64_t mass = 0;
    for (int i = 0; i < n; i++) {
        int larger = 0;
        for (int j = 0; j < n && c->top_k > 0; j++)
            larger += p[j] > p[i];
        kept[i] = c->top_k > 0 && larger >= c->top_k ? 0 : lt_choice_exp(p[i] - largest);
        mass += lt_choice_mass(kept[i]);
    }
    for (int i = 0; i < n; i++) {
        p[i] = kept[i] / lt_choice_sum(mass);
        mass_of[i] = lt_choice_mass(p[i]);
    }
    mass = 0;
    for (int i = 0; i < n; i++) {
        uint64_t before = 0;
        for (int j = 0; j < n && c->top_p >= 0; j++)
            before += p[j] > p[i] || (p[j] == p[i] && j < i) ? mass_of[j] : 0;
        kept[i] = c->top_p < 0 || before == 0 || (double)before < c->top_p * 0x1p40 ? p[i] : 0;
        mass += lt_choice_mass(kept[i]);
    }
    int32_t best = 0;
    float best_ratio = 0;
    for (int i = 0; i < n; i++) {
        const float sum = c->top_p < 0 ? 1 : lt_choice_sum(mass);
        const float ratio =
            kept[i] / sum / lt_choice_exponential(lt_choice_uniform(c->seed, c->draw, i));
        if (ratio > best_ratio) {
            best_ratio = ratio;
            best = i;
        }
    }
    free(mass_of);
    free(kept);
    return best;
}

/* Several draws of one set of logits, so that few ids would be right by chance; the last one leaves
 * numbers for a next pass. */
void check_choose(op_check *t, const int64_t *p)
{
    enum { DRAWS = 4, NEXT = 5 };
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
        op_operand *left = i == DRAWS - 1 ? op_output(t, LT_I32, lt_shape1(NEXT), OP_PACKED) : NULL;
        const lt_next_numbers next = {.numbers = left ? left->view : lt_none(),
                                      .value = {7, LT_CHOSEN, 0, LT_CHOSEN, 1 << 20}};
        op_done(t, t->backend->table->choose(t->backend, out->view, x->view, room->view, &choice,
                                             left ? &next : NULL, &t->error));
        const int32_t id = chosen_id(&choice, logits, rows, n, scratch);
        const answer a = new_answer(out);
        a.want[0] = id;
        judge(t, out, a);
        if (left == NULL)
            continue;
        const answer b = new_answer(left);
        for (int k = 0; k < NEXT; k++)
            b.want[k] = next.value[k] != LT_CHOSEN ? next.value[k] : id < 0 ? 0 : id;
        judge(t, left, b);
    }
    free(scratch);
    free(logits);
}
