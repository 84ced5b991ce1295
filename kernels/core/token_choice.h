/* token_choice.h - from logits to one id: guidance, temperature, top-k, softmax, top-p, and the
 * draw.
 *
 * In f32, in the order of the release. The draw is the release's on CUDA: one exponential number
 * per id from a Philox stream that is addressed by (seed, draw number, id), the largest p / q wins.
 * Every number on the way is defined to the bit (choice_arithmetic.h): the same logits give the
 * same id on any device. These functions are the host's; what the operation `choose` of another
 * device gives is what they give.
 */
#ifndef LT_TOKEN_CHOICE_H
#define LT_TOKEN_CHOICE_H

#include <stdint.h>

#include "kernels/core/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { LT_CHOICE_MOST = 1 << 20 }; /* ids: sums of so many stay exact */

typedef struct {
    uint64_t seed;
    uint64_t draw;     /* a number per position of a take */
    float guidance;    /* where there is an unconditional row: it + guidance (conditional - it) */
    float temperature; /* > 0 */
    int top_k;         /* 1 .. vocabulary; 0: all stay */
    double top_p;      /* 0 .. 1; negative: all stay */
} lt_choice;

enum { LT_NEXT_NUMBERS = 16, LT_CHOSEN = -1 };

/* What a choice leaves for the pass after it, so that nobody has to see the id in between. */
typedef struct {
    lt_tensor numbers;              /* i32 [n], packed, n <= LT_NEXT_NUMBERS */
    int32_t value[LT_NEXT_NUMBERS]; /* of each number, >= 0; LT_CHOSEN: the id, or 0 where a logit
                                       was not finite */
} lt_next_numbers;

/* One id and a value; scratch, one per id of the vocabulary. */
typedef struct {
    float value;
    int32_t id;
} lt_candidate;

/* The id drawn from logits [rows, vocabulary], row 0 conditional, row 1 (if there are two)
 * unconditional; `logits` is overwritten. ~i when that of id i is not finite, the first of them. */
int32_t lt_choose_id(const lt_choice *c, float *logits, int rows, int vocabulary,
                     lt_candidate *scratch);

/* Sets the numbers once `id` was chosen, as lt_choose_id gives it; `next` may be NULL. */
void lt_leave_numbers(const lt_next_numbers *next, int32_t id);

/* Its steps. */
/* logits[0 .. vocabulary - 1] = what the rows say together, over the temperature. The first id
 * whose logit is not finite, or `vocabulary`. */
int lt_scale_logits(const lt_choice *c, float *logits, int rows, int vocabulary);
/* ties of the k-th stay; others become -inf */
void lt_keep_top_k(float *logits, int vocabulary, int k, lt_candidate *scratch);
void lt_softmax(float *values, int vocabulary);
/* An id stays when those before it, larger ones and of equal ones those of lower ids, sum to less
 * than p; the first always stays. Rescales to a sum of 1. */
void lt_keep_top_p(float *probabilities, int vocabulary, double p, lt_candidate *scratch);
/* p in units of lt_choice_mass, at least one: an id stays when the mass before it is less. */
uint64_t lt_top_p_limit(double p);
float lt_choice_uniform(uint64_t seed, uint64_t draw, int32_t id); /* in (0, 1] */
int32_t lt_draw_id(const float *probabilities, int vocabulary, uint64_t seed, uint64_t draw);

#ifdef __cplusplus
}
#endif
#endif
