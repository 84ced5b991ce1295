/* time_embedding.c - see time_embedding.h. */
#include "mmdit/time_embedding.h"

#include <math.h>

void dit_time_bind(lt_binder *b, dit_time *w, const cfg_mmdit *cfg, const char *prefix)
{
    dit_bind_linear(b, &w->in, cfg->time_width, cfg->width, "%s.time_embed.0", prefix);
    dit_bind_linear(b, &w->out, cfg->time_width, cfg->time_width, "%s.time_embed.2", prefix);
}

/* f_k = exp(-ln(10000) k / half), angle t f_k; product, quotient and exponential each rounded to
 * f32 as in the release. The largest angle is 999 rad, so that one ulp of f_k shows: the
 * exponential must be the correctly rounded one. */
void dit_time_sinusoid(float t, int width, float *out)
{
    const int half = width / 2;
    const float decay = (float)-log(10000.0);
    for (int k = 0; k < half; k++) {
        const float exponent = decay * (float)k / (float)half;
        const float angle = t * (float)exp((double)exponent);
        out[k] = (float)cos((double)angle);
        out[half + k] = (float)sin((double)angle);
    }
}

lt_tensor dit_time_embed(lt_ops *o, const dit_time *w, lt_tensor sinusoids)
{
    const lt_tensor x = lt_cast(o, sinusoids, o->dtype); /* [n, width] */
    const lt_tensor inner = lt_linear(o, x, &w->in.weight, &w->in.bias, LT_ACT_SILU);
    return lt_linear(o, inner, &w->out.weight, &w->out.bias, LT_ACT_NONE);
}
