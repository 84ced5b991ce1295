#include "ar_model/token_sampler.h"

#include <math.h>

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
static bool stands_before(ar_candidate a, ar_candidate b)
{
    return a.value != b.value ? a.value > b.value : a.id < b.id;
}

static void sift_down(ar_candidate *heap, int count, int at)
{
    const ar_candidate moved = heap[at];
    for (int child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && stands_before(heap[child + 1], heap[child]))
            child++;
        if (!stands_before(heap[child], moved))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

/* A heap with the first candidate on top: few of a vocabulary are ever taken, and sorting all of it cost more than the draw. */
static void heap_candidates(const float *values, int vocabulary, ar_candidate *heap)
{
    for (int32_t i = 0; i < vocabulary; i++)
        heap[i] = (ar_candidate){values[i], i};
    for (int i = vocabulary / 2 - 1; i >= 0; i--)
        sift_down(heap, vocabulary, i);
}

/* Takes the first candidate from a heap of `count`; it then stands behind the others, at heap[count - 1]. */
static ar_candidate take_first(ar_candidate *heap, int count)
{
    const ar_candidate first = heap[0];
    heap[0] = heap[count - 1];
    heap[count - 1] = first;
    sift_down(heap, count - 1, 0);
    return first;
}

void ar_keep_top_k(float *logits, int vocabulary, int k, ar_candidate *scratch)
{
    heap_candidates(logits, vocabulary, scratch);
    for (int i = 0; i < k - 1; i++)
        take_first(scratch, vocabulary - i);
    const float smallest_kept = scratch[0].value;
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
    heap_candidates(probabilities, vocabulary, scratch);
    /* An id stays when those before it sum to less than p; the first always stays. */
    double sum = (double)take_first(scratch, vocabulary).value;
    int kept = 1;
    while (kept < vocabulary && sum < p) {
        sum += (double)take_first(scratch, vocabulary - kept).value;
        kept++;
    }
    for (int i = 0; i < vocabulary; i++)
        probabilities[i] = 0;
    for (int i = vocabulary - kept; i < vocabulary; i++)
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
    float best_ratio = 0;
    for (int32_t id = 0; id < vocabulary; id++) {
        if (probabilities[id] == 0) /* cannot win, and its number costs the most */
            continue;
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

/* Row 0 of `logits` becomes what is drawn from, before anything is cut away. */
static lt_status guide_and_cool(const ar_sampling *s, uint64_t draw, float *logits, int vocabulary, lt_error *err)
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
    return LT_OK;
}

lt_status ar_sample(const ar_sampling *s, uint64_t draw, float *logits, int vocabulary, ar_candidate *scratch,
                    int32_t *id, lt_error *err)
{
    LT_TRY(guide_and_cool(s, draw, logits, vocabulary, err));
    if (s->filter == AR_KEEP_TOP_K)
        ar_keep_top_k(logits, vocabulary, s->top_k, scratch);
    ar_softmax(logits, vocabulary);
    if (s->filter == AR_KEEP_TOP_P)
        ar_keep_top_p(logits, vocabulary, s->top_p, scratch);
    *id = ar_draw_id(logits, vocabulary, s->seed, draw);
    return LT_OK;
}

lt_status ar_surprise(const ar_sampling *s, uint64_t draw, float *logits, int vocabulary, int32_t id, double *nats,
                      lt_error *err)
{
    LT_TRY(guide_and_cool(s, draw, logits, vocabulary, err));
    float largest = logits[0];
    for (int i = 1; i < vocabulary; i++)
        largest = logits[i] > largest ? logits[i] : largest;
    double sum = 0; /* the sampler's f32 probability of an unlikely id would be 0 */
    for (int i = 0; i < vocabulary; i++)
        sum += exp((double)logits[i] - (double)largest);
    *nats = log(sum) + (double)largest - (double)logits[id];
    return LT_OK;
}
