#include "ar_model/token_sampler.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/core/philox.h"

void ar_sampling_init(ar_sampling *s)
{
    *s = (ar_sampling){.seed = 42, .guidance = 7.5, .temperature = 1.0, .filter = AR_KEEP_ALL};
}

lt_status ar_sampling_check(const ar_sampling *s, int vocabulary, lt_error *err)
{
    if (!isfinite(s->guidance))
        return lt_fail(err, LT_ERR_USAGE, "language model: guidance is %g, expected a finite number",
                       s->guidance);
    if (!(s->temperature > 0) || !isfinite(s->temperature))
        return lt_fail(err, LT_ERR_USAGE, "language model: temperature is %g, expected a number above 0",
                       s->temperature);
    if (s->filter == AR_KEEP_TOP_K && (s->top_k < 1 || s->top_k > vocabulary))
        return lt_fail(err, LT_ERR_USAGE, "language model: top-k is %d, expected 1 to %d", s->top_k,
                       vocabulary);
    if (s->filter == AR_KEEP_TOP_P && !(s->top_p >= 0 && s->top_p <= 1))
        return lt_fail(err, LT_ERR_USAGE, "language model: top-p is %g, expected 0 to 1", s->top_p);
    return LT_OK;
}

bool ar_is_guided(const ar_sampling *s)
{
    return s->guidance > 0 && s->guidance != 1;
}

/* Largest value first; of equal values the lower id. */
static int by_value(const void *left, const void *right)
{
    const ar_candidate *a = left;
    const ar_candidate *b = right;
    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return a->id < b->id ? -1 : 1;
}

static void sort_candidates(const float *values, int vocabulary, ar_candidate *sorted)
{
    for (int32_t i = 0; i < vocabulary; i++)
        sorted[i] = (ar_candidate){values[i], i};
    qsort(sorted, (size_t)vocabulary, sizeof *sorted, by_value);
}

void ar_keep_top_k(float *logits, int vocabulary, int k, ar_candidate *scratch)
{
    sort_candidates(logits, vocabulary, scratch);
    const float smallest_kept = scratch[k - 1].value;
    for (int i = 0; i < vocabulary; i++)
        if (logits[i] < smallest_kept)
            logits[i] = -INFINITY;
}

void ar_softmax(float *values, int vocabulary)
{
    float largest = values[0];
    for (int i = 1; i < vocabulary; i++)
        largest = fmaxf(largest, values[i]);
    double sum = 0;
    for (int i = 0; i < vocabulary; i++) {
        values[i] = expf(values[i] - largest);
        sum += (double)values[i];
    }
    for (int i = 0; i < vocabulary; i++)
        values[i] /= (float)sum;
}

void ar_keep_top_p(float *probabilities, int vocabulary, double p, ar_candidate *scratch)
{
    sort_candidates(probabilities, vocabulary, scratch);
    /* An id stays when those before it sum to less than p; the first always stays. */
    double sum = (double)scratch[0].value;
    int kept = 1;
    while (kept < vocabulary && sum < p)
        sum += (double)scratch[kept++].value;
    for (int i = 0; i < vocabulary; i++)
        probabilities[i] = 0;
    for (int i = 0; i < kept; i++)
        probabilities[scratch[i].id] = scratch[i].value / (float)sum;
}

float ar_draw_uniform(uint64_t seed, uint64_t draw, int32_t id)
{
    /* One thread of the release's kernel per id; each call of the generator moves its counter by one. */
    const lt_philox4 counter = {{(uint32_t)draw, (uint32_t)(draw >> 32), (uint32_t)id, 0}};
    return lt_philox_uniform(lt_philox(counter, seed).word[0]);
}

/* An exponential number from a uniform one; CUDA's log(1) must not give 0. */
static float exponential(float uniform)
{
    const float epsilon = 0x1p-24f;
    return uniform >= 1.0f - epsilon ? epsilon : -logf(uniform);
}

int32_t ar_draw_id(const float *probabilities, int vocabulary, uint64_t seed, uint64_t draw)
{
    int32_t best = 0;
    float best_ratio = -1.0f;
    for (int32_t id = 0; id < vocabulary; id++) {
        const float ratio = probabilities[id] / exponential(ar_draw_uniform(seed, draw, id));
        if (ratio > best_ratio) {
            best_ratio = ratio;
            best = id;
        }
    }
    return best;
}

/* logits[0..vocabulary-1] = what the two rows say together. */
static void guide(float *logits, int vocabulary, float guidance)
{
    const float *unconditional = logits + vocabulary;
    for (int i = 0; i < vocabulary; i++)
        logits[i] = unconditional[i] + guidance * (logits[i] - unconditional[i]);
}

void ar_lean(float *logits, int vocabulary, const float *now, const float *before, float weight)
{
    for (int i = 0; i < vocabulary; i++)
        logits[i] += weight * (now[i] - 0.5f * before[i]);
}

lt_status ar_sample(const ar_sampling *s, uint64_t draw, float *logits, int vocabulary, ar_candidate *scratch,
                    int32_t *id, lt_error *err)
{
    if (ar_is_guided(s))
        guide(logits, vocabulary, (float)s->guidance);
    for (int i = 0; i < vocabulary; i++) {
        logits[i] /= (float)s->temperature;
        if (!isfinite(logits[i]))
            return lt_fail(err, LT_ERR_FAILED,
                           "language model: logit of id %d is %g at draw %llu, expected a finite number", i,
                           (double)logits[i], (unsigned long long)draw);
    }
    if (s->filter == AR_KEEP_TOP_K)
        ar_keep_top_k(logits, vocabulary, s->top_k, scratch);
    ar_softmax(logits, vocabulary);
    if (s->filter == AR_KEEP_TOP_P)
        ar_keep_top_p(logits, vocabulary, s->top_p, scratch);
    *id = ar_draw_id(logits, vocabulary, s->seed, draw);
    return LT_OK;
}
