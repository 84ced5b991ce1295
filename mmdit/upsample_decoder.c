/* upsample_decoder.c - see upsample_decoder.h.
 *
 *     conv_in, two residual blocks, then per level (last first): residual blocks, pixel shuffle
 *     and convolution (not after level 0), then norm, swish, conv_out, and at once latent_out with
 *     no activation between the two.
 */
#include "mmdit/upsample_decoder.h"

#include <stdio.h>
#include <stdlib.h>

enum { GROUPS = 32 };
static const float GROUP_NORM_EPS = 1e-6f;

#define PREFIX "model.control_model.diffusion_model.semantic_conditioner"

static void bind_residual(lt_binder *b, dit_residual *r, int in, int out, const char *name)
{
    r->widens = in != out;
    dit_bind_norm(b, &r->norm1, in, "%s.norm1", name);
    dit_bind_conv(b, &r->conv1, out, in, 3, "%s.conv1", name);
    dit_bind_norm(b, &r->norm2, out, "%s.norm2", name);
    dit_bind_conv(b, &r->conv2, out, out, 3, "%s.conv2", name);
    if (r->widens)
        dit_bind_conv(b, &r->shortcut, out, in, 1, "%s.nin_shortcut", name);
}

/* Channels of level `l`. LT_ERR_INPUT when the groups of a norm do not divide them. */
static lt_status level_channels(const cfg_upsample *cfg, int l, int *channels, lt_error *err)
{
    *channels = (int)(cfg->base_width * cfg->multipliers[l]);
    if (*channels < GROUPS || *channels % GROUPS != 0)
        return lt_fail(err, LT_ERR_INPUT,
                       "mmdit.upsample: level %d has %d channels, expected a multiple of %d", l,
                       *channels, GROUPS);
    return LT_OK;
}

lt_status dit_upsampler_bind(lt_binder *b, dit_upsampler *u, const cfg_mmdit *cfg, lt_error *err)
{
    const cfg_upsample *c = &cfg->upsample;
    *u = (dit_upsampler){.levels = c->multiplier_count, .blocks = c->blocks + 1};
    char name[160];
    int width;
    LT_TRY(level_channels(c, u->levels - 1, &width, err));
    dit_bind_conv(b, &u->conv_in, width, c->in_channels, 3, PREFIX ".upsample_model.conv_in");
    bind_residual(b, &u->mid[0], width, width, PREFIX ".upsample_model.mid.block_1");
    bind_residual(b, &u->mid[1], width, width, PREFIX ".upsample_model.mid.block_2");
    for (int l = u->levels - 1; l >= 0; l--) {
        dit_level *level = &u->level[l];
        int out;
        LT_TRY(level_channels(c, l, &out, err));
        level->blocks = calloc((size_t)u->blocks, sizeof *level->blocks);
        if (!level->blocks)
            return lt_fail(err, LT_ERR_RESOURCES, "mmdit.upsample: no memory for %d blocks",
                           u->blocks);
        for (int i = 0; i < u->blocks; i++) {
            (void)snprintf(name, sizeof name, PREFIX ".upsample_model.up.%d.block.%d", l, i);
            bind_residual(b, &level->blocks[i], width, out, name);
            width = out;
        }
        if (l > 0)
            dit_bind_conv(b, &level->upsample, width, width / 4, 3,
                          PREFIX ".upsample_model.up.%d.upsample.conv", l);
    }
    dit_bind_norm(b, &u->norm_out, width, PREFIX ".upsample_model.norm_out");
    dit_bind_conv(b, &u->conv_out, c->out_channels, width, 3, PREFIX ".upsample_model.conv_out");
    dit_bind_conv(b, &u->latent_out, cfg->latent_channels, c->out_channels, 3, PREFIX ".conv_out");
    return LT_OK;
}

void dit_upsampler_close(dit_upsampler *u)
{
    for (int l = 0; l < u->levels; l++)
        free(u->level[l].blocks);
    *u = (dit_upsampler){0};
}

/* swish(GN(x)): statistics of each frame alone. */
static lt_tensor norm_swish(lt_ops *o, const dit_affine *norm, lt_tensor x)
{
    const lt_group_norm_args args = {.groups = GROUPS, .eps = GROUP_NORM_EPS, .act = LT_ACT_SILU};
    const lt_tensor out = lt_new(o, o->dtype, lt_shape_of(&x));
    for (int64_t t = 0; t < x.dim[0]; t++)
        lt_group_norm_into(o, lt_slice(out, 0, t, 1), lt_slice(x, 0, t, 1), &norm->weight,
                           &norm->bias, &args);
    return out;
}

/* x with the channels that `c` gives: [T, H, W, Cout]. */
static lt_tensor new_output(lt_ops *o, const dit_affine *c, lt_tensor x)
{
    return lt_new(o, o->dtype, lt_shape4(x.dim[0], x.dim[1], x.dim[2], c->weight.value.dim[0]));
}

/* Same size, zeros around; `add` (or none) is added to the result. */
static lt_tensor conv_into(lt_ops *o, lt_tensor out, const dit_affine *c, lt_tensor x,
                           lt_tensor add)
{
    const int pad = (int)(c->weight.value.dim[2] / 2);
    const lt_conv_args args = {.stride = 1,
                               .pad_top = pad,
                               .pad_left = pad,
                               .pad_bottom = pad,
                               .pad_right = pad,
                               .add = add};
    lt_conv_into(o, out, x, &c->weight, &c->bias, &args);
    return out;
}

static lt_tensor conv(lt_ops *o, const dit_affine *c, lt_tensor x)
{
    return conv_into(o, new_output(o, c, x), c, x, lt_none());
}

static lt_tensor residual(lt_ops *o, const dit_residual *r, lt_tensor x)
{
    const lt_tensor out = new_output(o, &r->conv2, x);
    const lt_mark mark = lt_ops_mark(o);
    const lt_tensor inner = conv(o, &r->conv1, norm_swish(o, &r->norm1, x));
    const lt_tensor straight = r->widens ? conv(o, &r->shortcut, x) : x;
    conv_into(o, out, &r->conv2, norm_swish(o, &r->norm2, inner), straight);
    lt_ops_rewind(o, mark);
    return out;
}

lt_tensor dit_pixel_shuffle(lt_ops *o, lt_tensor x)
{
    static const int order[] = {0, 3, 1, 4, 2}; /* [T H, W, C, p, q] -> [T H, p, W, q, C] */
    const int64_t rows = x.dim[0] * x.dim[1];
    const int64_t columns = x.dim[2];
    const int64_t channels = x.dim[3] / 4;
    const lt_tensor out =
        lt_new(o, o->dtype, lt_shape4(x.dim[0], 2 * x.dim[1], 2 * columns, channels));
    lt_copy_into(o, lt_reshape(out, lt_shape5(rows, 2, columns, 2, channels)),
                 lt_permute(lt_reshape(x, lt_shape5(rows, columns, channels, 2, 2)), order));
    return out;
}

lt_tensor dit_upsample(lt_ops *o, const dit_upsampler *u, lt_tensor features)
{
    lt_tensor x = conv(o, &u->conv_in, features);
    x = residual(o, &u->mid[0], x);
    x = residual(o, &u->mid[1], x);
    for (int l = u->levels - 1; l >= 0; l--) {
        for (int i = 0; i < u->blocks; i++)
            x = residual(o, &u->level[l].blocks[i], x);
        if (l > 0)
            x = conv(o, &u->level[l].upsample, dit_pixel_shuffle(o, x));
    }
    x = conv(o, &u->conv_out, norm_swish(o, &u->norm_out, x));
    return conv(o, &u->latent_out, x);
}
