/* control_branch.c - see control_branch.h. */
#include "mmdit/control_branch.h"

#include <stdlib.h>

static const char PREFIX[] = "model.control_model.diffusion_model";

lt_status dit_control_bind(lt_binder *b, dit_control *w, const cfg_mmdit *cfg, lt_error *err)
{
    *w = (dit_control){0};
    LT_TRY(dit_branch_bind(b, &w->branch, cfg, cfg->control_layers, PREFIX, err));
    w->zero_linears = calloc((size_t)cfg->control_layers + 1, sizeof *w->zero_linears);
    if (!w->zero_linears)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for %d layers", PREFIX,
                       cfg->control_layers);
    for (int i = 0; i < cfg->control_layers; i++)
        lt_bind(b, &w->zero_linears[i], LT_ROLE_MATRIX, lt_shape2(cfg->width, cfg->width),
                "%s.mixins.adaln_layer.zero_linears.%d.weight", PREFIX, i);
    return LT_OK;
}

void dit_control_close(dit_control *w)
{
    dit_branch_close(&w->branch);
    free(w->zero_linears);
    *w = (dit_control){0};
}

dit_sequence dit_control_embed(lt_ops *o, const dit_control *w, const dit_position *position,
                               lt_tensor latent, lt_tensor control, lt_tensor text_rows)
{
    const lt_tensor x = lt_cast(o, latent, o->dtype);
    lt_add_into(o, x, control);
    return dit_embed(o, &w->branch.embed, position, x, text_rows);
}

void dit_control_layer(lt_ops *o, const dit_control *w, int i, int heads, dit_sequence state,
                       lt_tensor signal, lt_tensor time)
{
    dit_block_run(o, &w->branch.blocks[i], heads, state, 0, time);
    lt_linear_into(o, signal, state.rows, &w->zero_linears[i], NULL, LT_ACT_NONE);
}
