/* micro_condition.c - two scalars of a take, its number of frames and its
 * motion, as two rows of the prefix. */
#include <assert.h>
#include <math.h>

#include "ar_model/ar_network.h"

static void bind_mlp(lt_binder *b, const cfg_ar *cfg, ar_micro_mlp *mlp, const char *key)
{
    lt_bind(b, &mlp->in, LT_ROLE_MATRIX, lt_shape2(cfg->micro_width, cfg->micro_sinusoid),
            "micro_condition.mlps.%s.0.weight", key);
    lt_bind(b, &mlp->in_bias, LT_ROLE_VECTOR, lt_shape1(cfg->micro_width),
            "micro_condition.mlps.%s.0.bias", key);
    lt_bind(b, &mlp->out, LT_ROLE_MATRIX, lt_shape2(cfg->width, cfg->micro_width),
            "micro_condition.mlps.%s.2.weight", key);
    lt_bind(b, &mlp->out_bias, LT_ROLE_VECTOR, lt_shape1(cfg->width),
            "micro_condition.mlps.%s.2.bias", key);
}

void ar_micro_bind(lt_binder *b, const cfg_ar *cfg, ar_micro *net)
{
    bind_mlp(b, cfg, &net->frames, "frames");
    bind_mlp(b, cfg, &net->motion, "motion_score");
}

/* Cosines of all frequencies, then sines. Frequencies and angles are f32 in the release. */
static void sinusoid(float value, int width, float *out)
{
    const int half = width / 2;
    for (int i = 0; i < half; i++) {
        const float exponent = (float)-log(10000.0) * (float)i / (float)half;
        const float angle = value * (float)exp((double)exponent);
        out[i] = (float)cos((double)angle);
        out[half + i] = (float)sin((double)angle);
    }
}

static lt_tensor scalar_row(lt_ops *o, const cfg_ar *cfg, const ar_micro_mlp *mlp, float value)
{
    float waves[CFG_MAX_SINUSOID];
    assert(cfg->micro_sinusoid <= CFG_MAX_SINUSOID && cfg->micro_sinusoid % 2 == 0);
    sinusoid(value, cfg->micro_sinusoid, waves);
    const lt_tensor x = lt_from_host(o, waves, LT_F32, lt_shape2(1, cfg->micro_sinusoid));
    const lt_tensor hidden =
        lt_linear(o, lt_cast(o, x, o->dtype), &mlp->in, &mlp->in_bias, LT_ACT_SILU);
    return lt_linear(o, hidden, &mlp->out, &mlp->out_bias, LT_ACT_NONE); /* [1, width] */
}

lt_tensor ar_micro_rows(lt_ops *o, const cfg_ar *cfg, const ar_micro *net, float frames,
                        float motion)
{
    const lt_tensor out = lt_new(o, o->dtype, lt_shape2(2, cfg->width));
    lt_copy_into(o, lt_slice(out, 0, 0, 1), scalar_row(o, cfg, &net->frames, frames));
    lt_copy_into(o, lt_slice(out, 0, 1, 1), scalar_row(o, cfg, &net->motion, motion));
    return out;
}
