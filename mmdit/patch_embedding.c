/* patch_embedding.c - see patch_embedding.h. */
#include "mmdit/patch_embedding.h"

void dit_patch_bind(lt_binder *b, dit_patch *w, const cfg_mmdit *cfg, const char *prefix)
{
    w->patch = cfg->patch;
    w->text_length = cfg->text_length;
    dit_bind_linear(b, &w->proj, cfg->width, cfg->latent_channels * cfg->patch * cfg->patch,
                    "%s.mixins.patch_embed.proj", prefix);
    dit_bind_linear(b, &w->text_proj, cfg->width, cfg->text_width,
                    "%s.mixins.patch_embed.text_proj", prefix);
}

lt_tensor dit_text_rows(lt_ops *o, const dit_patch *w, const cfg_mmdit *cfg, lt_tensor text)
{
    if (lt_is_none(&text)) {
        text = lt_new(o, o->dtype, lt_shape2(1, cfg->text_width));
        lt_fill_into(o, text, 0.0f);
    }
    return lt_linear(o, text, &w->text_proj.weight, &w->text_proj.bias, LT_ACT_NONE);
}

/* A latent seen patch by patch in the order of a token's vector, c patch^2 + p patch + q for pixel
 * (p, q) of the patch: a view [T rows, columns, C, p, q]. */
static lt_tensor patches_of(lt_tensor latent, int patch)
{
    static const int order[] = {0, 2, 4, 1, 3};
    const int64_t *dim = latent.dim;
    const lt_shape split = lt_shape5(dim[0] * dim[1] / patch, patch, dim[2] / patch, patch, dim[3]);
    return lt_permute(lt_reshape(latent, split), order);
}

dit_sequence dit_embed(lt_ops *o, const dit_patch *w, const dit_position *position,
                       lt_tensor latent, lt_tensor text_rows)
{
    const int64_t rows = latent.dim[1] / w->patch;
    const int64_t columns = latent.dim[2] / w->patch;
    const int64_t n_text = text_rows.dim[0];
    const int64_t n_video = latent.dim[0] * rows * columns;
    const int64_t d = text_rows.dim[1];
    const lt_tensor hidden = lt_new(o, o->dtype, lt_shape2(n_text + n_video, d));
    lt_copy_into(o, lt_slice(hidden, 0, 0, n_text), text_rows);

    const lt_mark mark = lt_ops_mark(o);
    const lt_tensor patches = lt_cast(o, patches_of(latent, w->patch), o->dtype);
    const int64_t values = latent.dim[3] * w->patch * w->patch;
    /* [n_video, d] */
    const lt_tensor tokens = lt_linear(o, lt_reshape(patches, lt_shape2(n_video, values)),
                                       &w->proj.weight, &w->proj.bias, LT_ACT_NONE);
    const lt_shape grid = lt_shape4(latent.dim[0], rows, columns, d);
    dit_position_add_into(o, position, lt_reshape(lt_slice(hidden, 0, n_text, n_video), grid),
                          lt_reshape(tokens, grid));
    lt_ops_rewind(o, mark);
    return (dit_sequence){.rows = hidden, .n_text = n_text, .text_keys = w->text_length};
}

void dit_unpatchify(lt_ops *o, lt_tensor latent, lt_tensor tokens, int patch)
{
    const lt_tensor patches = patches_of(latent, patch);
    lt_copy_into(o, patches, lt_reshape(tokens, lt_shape_of(&patches)));
}
