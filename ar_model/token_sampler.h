/* token_sampler.h - from logits to one id: guidance, temperature, top-k or top-p, and the draw.
 *
 * All in f32, in the order of the release. The draw is the release's on CUDA: one exponential number per id from a Philox
 * stream that is addressed by (seed, draw number, id), the largest p / q wins. A draw number belongs to a position of the
 * take, so a take gives the same ids wherever it was interrupted.
 */
#ifndef AR_TOKEN_SAMPLER_H
#define AR_TOKEN_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/core/status.h"

typedef enum { AR_KEEP_ALL, AR_KEEP_TOP_K, AR_KEEP_TOP_P } ar_filter;

typedef struct {
    uint64_t seed;
    double guidance;    /* off when <= 0 or exactly 1 */
    double temperature; /* > 0 */
    ar_filter filter;
    int top_k;    /* with AR_KEEP_TOP_K: 1 .. vocabulary */
    double top_p; /* with AR_KEEP_TOP_P: 0 .. 1 */
} ar_sampling;

void ar_sampling_init(
    ar_sampling *s); /* the release's program: seed 42, guidance 7.5, temperature 1, all kept */
lt_status ar_sampling_check(const ar_sampling *s, int vocabulary, lt_error *err); /* LT_ERR_USAGE */
bool ar_is_guided(const ar_sampling *s);

/* One id and a value; scratch of the sampler, one per id of the vocabulary. */
typedef struct {
    float value;
    int32_t id;
} ar_candidate;

/* The id drawn from logits [rows, vocabulary], row 0 conditional, row 1 (when guided) unconditional. `logits` is
 * overwritten. LT_ERR_FAILED when a logit is not finite. */
lt_status ar_sample(const ar_sampling *s, uint64_t draw, float *logits, int vocabulary, ar_candidate *scratch,
                    int32_t *id, lt_error *err);
/* How unlikely `id` is in that draw: -ln of its probability, top-k and top-p left aside. The rest is as in ar_sample. */
lt_status ar_surprise(const ar_sampling *s, uint64_t draw, float *logits, int vocabulary, int32_t id, double *nats,
                      lt_error *err);

/* Draws of a prompt that has just changed: logits [vocabulary] of what goes on from the frames so far lean towards what the
 * prompt says by itself (`now`), and away from what the one before said by itself. By Bayes' rule the weight of both would
 * be 1, where the frames so far tell nothing of the prompt. Half of `before` keeps what hardly any prompt allows from being
 * preferred because the old one forbade it even more. */
void ar_lean(float *logits, int vocabulary, const float *now, const float *before, float weight);

/* The steps of ar_sample. */
void ar_keep_top_k(float *logits, int vocabulary, int k,
                   ar_candidate *scratch); /* ties of the k-th are kept */
void ar_softmax(float *values, int vocabulary);
void ar_keep_top_p(float *probabilities, int vocabulary, double p,
                   ar_candidate *scratch);                       /* rescales to sum 1 */
float ar_draw_uniform(uint64_t seed, uint64_t draw, int32_t id); /* in (0, 1] */
int32_t ar_draw_id(const float *probabilities, int vocabulary, uint64_t seed, uint64_t draw);

#endif
