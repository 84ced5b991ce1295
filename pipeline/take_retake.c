/* take_retake.c - layers of retakes; see take_retake.h. */
#include "pipeline/take_retake.h"

#include "pipeline/script/take_shots.h"

bool take_layer_owns(const take_spec *s, int layer, int64_t window)
{
    if (layer == 0)
        return true;
    const take_retake *r = &s->retake[layer - 1];
    return window >= r->first && (window <= r->last || !r->keep_rest);
}

bool take_layer_needs(const take_spec *s, int layer, int64_t window)
{
    for (int above = layer; above < s->retakes; above++)
        if (!s->retake[above].keep_rest && window >= s->retake[above].first)
            return false; /* nothing above comes back to this layer */
    return true;
}

uint32_t take_layer_seed(const take_spec *s, int layer, int64_t window)
{
    for (; layer > 0; layer--) {
        const take_retake *r = &s->retake[layer - 1];
        if (window >= r->first && window <= r->last)
            return r->seed;
    }
    return s->shot[take_shot_of_window(s, window)].seed;
}
