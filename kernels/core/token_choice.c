/* token_choice.c - the choice of one token on the host: few of a vocabulary are ever taken, so a
 * heap finds them. */
#include "kernels/core/token_choice.h"

#include <math.h>
#include <stdbool.h>

#include "kernels/core/choice_arithmetic.h"
#include "kernels/core/philox.h"

/* ---- candidates ---- */

/* Largest value first; of equal values the lower id. */
static bool stands_before(lt_candidate a, lt_candidate b)
{
    return a.value != b.value ? a.value > b.value : a.id < b.id;
}

static void sift_down(lt_candidate *heap, int count, int at)
{
    const lt_candidate moved = heap[at];
    for (int child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && stands_before(heap[child + 1], heap[child]))
            child++;
        if (!stands_before(heap[child], moved))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

/* A heap with the first candidate on top: sorting all of a vocabulary cost more than the draw. */
static void heap_candidates(const float *values, int vocabulary, lt_candidate *heap)
{
    for (int32_t i = 0; i < vocabulary; i++)
        heap[i] = (lt_candidate){values[i], i};
    for (int i = vocabulary / 2 - 1; i >= 0; i--)
        sift_down(heap, vocabulary, i);
}

/* Takes the first candidate from a heap of `count`; it then stands behind
 * the others, at heap[count - 1]. */
static lt_candidate take_first(lt_candidate *heap, int count)
{
    const lt_candidate first = heap[0];
    heap[0] = heap[count - 1];
    heap[count - 1] = first;
    sift_down(heap, count - 1, 0);
    return first;
}

/* ---- the steps ---- */

static void guide(float *logits, int vocabulary, float guidance)
{
    const float *unconditional = logits + vocabulary;
    for (int i = 0; i < vocabulary; i++)
        logits[i] = unconditional[i] + guidance * (logits[i] - unconditional[i]);
}

int lt_scale_logits(const lt_choice *c, float *logits, int rows, int vocabulary)
{
    if (rows == 2)
        guide(logits, vocabulary, c->guidance);
    for (int i = 0; i < vocabulary; i++) {
        logits[i] /= c->temperature;
        if (!isfinite(logits[i]))
            return i;
    }
    return vocabulary;
}

void lt_keep_top_k(float *logits, int vocabulary, int k, lt_candidate *scratch)
{
    heap_candidates(logits, vocabulary, scratch);
    for (int i = 0; i < k - 1; i++)
        take_first(scratch, vocabulary - i);
    const float smallest_kept = scratch[0].value;
    for (int i = 0; i < vocabulary; i++)
        if (logits[i] < smallest_kept)
            logits[i] = -INFINITY;
}

void lt_softmax(float *values, int vocabulary)
{
    float largest = values[0];
    for (int i = 1; i < vocabulary; i++)
        largest = fmaxf(largest, values[i]);
    uint64_t mass = 0;
    for (int i = 0; i < vocabulary; i++) {
        values[i] = lt_choice_exp(values[i] - largest);
        mass += lt_choice_mass(values[i]);
    }
    const float sum = lt_choice_sum(mass);
    for (int i = 0; i < vocabulary; i++)
        values[i] /= sum;
}

uint64_t lt_top_p_limit(double p)
{
    const double limit = ceil(p * 0x1p40);
    return limit < 1 ? 1 : (uint64_t)limit;
}

void lt_keep_top_p(float *probabilities, int vocabulary, double p, lt_candidate *scratch)
{
    const uint64_t limit = lt_top_p_limit(p);
    heap_candidates(probabilities, vocabulary, scratch);
    uint64_t mass = 0;
    int kept = 0;
    while (kept < vocabulary && mass < limit) {
        mass += lt_choice_mass(take_first(scratch, vocabulary - kept).value);
        kept++;
    }
    const float sum = lt_choice_sum(mass);
    for (int i = 0; i < vocabulary; i++)
        probabilities[i] = 0;
    for (int i = vocabulary - kept; i < vocabulary; i++)
        probabilities[scratch[i].id] = scratch[i].value / sum;
}

float lt_choice_uniform(uint64_t seed, uint64_t draw, int32_t id)
{
    /* One thread of the release's kernel per id; each call of the
     * generator moves its counter by one. */
    const lt_philox4 counter = {{(uint32_t)draw, (uint32_t)(draw >> 32), (uint32_t)id, 0}};
    return lt_philox_uniform(lt_philox(counter, seed).word[0]);
}

int32_t lt_draw_id(const float *probabilities, int vocabulary, uint64_t seed, uint64_t draw)
{
    int32_t best = 0;
    float best_ratio = 0;
    for (int32_t id = 0; id < vocabulary; id++) {
        if (probabilities[id] == 0) /* cannot win, and its number costs the most */
            continue;
        const float ratio =
            probabilities[id] / lt_choice_exponential(lt_choice_uniform(seed, draw, id));
        if (ratio > best_ratio) {
            best_ratio = ratio;
            best = id;
        }
    }
    return best;
}

int32_t lt_choose_id(const lt_choice *c, float *logits, int rows, int vocabulary,
                     lt_candidate *scratch)
{
    const int bad = lt_scale_logits(c, logits, rows, vocabulary);
    if (bad < vocabulary)
        return ~(int32_t)bad;
    if (c->top_k > 0)
        lt_keep_top_k(logits, vocabulary, c->top_k, scratch);
    lt_softmax(logits, vocabulary);
    if (c->top_p >= 0)
        lt_keep_top_p(logits, vocabulary, c->top_p, scratch);
    return lt_draw_id(logits, vocabulary, c->seed, c->draw);
}

void lt_leave_numbers(const lt_next_numbers *next, int32_t id)
{
    if (next == NULL)
        return;
    int32_t *number = next->numbers.data;
    for (int64_t i = 0; i < next->numbers.dim[0]; i++)
        number[i] = next->value[i] != LT_CHOSEN ? next->value[i] : id < 0 ? 0 : id;
}
