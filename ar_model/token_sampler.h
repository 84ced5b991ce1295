/* token_sampler.h - how tokens are drawn: guidance, temperature, top-k or top-p. The draw itself is
 * the operation `choose` (kernels/core/token_choice.h).
 *
 * A draw number belongs to a position of the take, so a take gives the same ids wherever it was
 * interrupted.
 */
#ifndef AR_TOKEN_SAMPLER_H
#define AR_TOKEN_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/core/status.h"
#include "kernels/core/token_choice.h"

typedef enum { AR_KEEP_ALL, AR_KEEP_TOP_K, AR_KEEP_TOP_P } ar_filter;

typedef struct {
    uint64_t seed;
    double guidance;    /* off when <= 0 or exactly 1 */
    double temperature; /* > 0 */
    ar_filter filter;
    int top_k;    /* with AR_KEEP_TOP_K: 1 .. vocabulary */
    double top_p; /* with AR_KEEP_TOP_P: 0 .. 1 */
} ar_sampling;

void ar_sampling_init(ar_sampling *s); /* the release's program: seed 42, guidance 7.5, temperature
                                          1, all kept */
lt_status ar_sampling_check(const ar_sampling *s, int vocabulary, lt_error *err); /* LT_ERR_USAGE */
bool ar_is_guided(const ar_sampling *s);

/* What the draw of that number is to do. */
lt_choice ar_choice(const ar_sampling *s, uint64_t draw);

/* How unlikely `id` is in that draw, of logits as lt_choose_id takes them, overwritten: -ln of its
 * probability, top-k and top-p left aside. LT_ERR_FAILED when a logit is not finite. */
lt_status ar_surprise(const ar_sampling *s, uint64_t draw, float *logits, int vocabulary,
                      int32_t id, double *nats, lt_error *err);

/* Draws of a prompt that has just changed: logits of what goes on from the frames so far lean
 * towards what the prompt says by itself (`now`), and away from what the one before said by itself;
 * lean [vocabulary] is to be added to them. By Bayes' rule the weight of both would be 1, where the
 * frames so far tell nothing of the prompt. Half of `before` keeps what hardly any prompt allows
 * from being preferred because the old one forbade it even more. */
void ar_lean(float *lean, int vocabulary, const float *now, const float *before, float weight);

#endif
