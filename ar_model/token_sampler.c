#include "ar_model/token_sampler.h"

#include <math.h>

void ar_sampling_init(ar_sampling *s)
{
    *s = (ar_sampling){.seed = 42, .guidance = 7.5, .temperature = 1.0, .filter = AR_KEEP_ALL};
}

lt_status ar_sampling_check(const ar_sampling *s, int vocabulary, lt_error *err)
{
    if (!isfinite(s->guidance))
        return lt_fail(err, LT_ERR_USAGE,
                       "language model: guidance is %g, expected a finite number", s->guidance);
    if (!(s->temperature > 0) || !isfinite(s->temperature))
        return lt_fail(err, LT_ERR_USAGE,
                       "language model: temperature is %g, expected a number above 0",
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

lt_choice ar_choice(const ar_sampling *s, uint64_t draw)
{
    return (lt_choice){.seed = s->seed,
                       .draw = draw,
                       .guidance = (float)s->guidance,
                       .temperature = (float)s->temperature,
                       .top_k = s->filter == AR_KEEP_TOP_K ? s->top_k : 0,
                       .top_p = s->filter == AR_KEEP_TOP_P ? s->top_p : -1};
}

void ar_lean(float *lean, int vocabulary, const float *now, const float *before, float weight)
{
    for (int i = 0; i < vocabulary; i++)
        lean[i] = weight * (now[i] - 0.5f * before[i]);
}

lt_status ar_surprise(const ar_sampling *s, uint64_t draw, float *logits, int vocabulary,
                      int32_t id, double *nats, lt_error *err)
{
    const lt_choice choice = ar_choice(s, draw);
    const int bad = lt_scale_logits(&choice, logits, ar_is_guided(s) ? 2 : 1, vocabulary);
    if (bad < vocabulary)
        return lt_fail(err, LT_ERR_FAILED,
                       "language model: the logit of id %d is not finite at draw %llu", bad,
                       (unsigned long long)draw);
    float largest = logits[0];
    for (int i = 1; i < vocabulary; i++)
        largest = logits[i] > largest ? logits[i] : largest;
    /* the sampler's f32 probability of an unlikely id would be 0 */
    double sum = exp((double)logits[0] - (double)largest);
    for (int i = 1; i < vocabulary; i++)
        sum += exp((double)logits[i] - (double)largest);
    *nats = log(sum) + (double)largest - (double)logits[id];
    return LT_OK;
}
