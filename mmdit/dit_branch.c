/* dit_branch.c - see dit_branch.h. */
#include "mmdit/dit_branch.h"

#include <stdlib.h>

lt_status dit_branch_bind(lt_binder *b, dit_branch *w, const cfg_mmdit *cfg, int layers,
                          const char *prefix, lt_error *err)
{
    *w = (dit_branch){.layers = layers};
    w->blocks = calloc((size_t)layers + 1, sizeof *w->blocks);
    if (!w->blocks)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for %d layers", prefix, layers);
    dit_patch_bind(b, &w->embed, cfg, prefix);
    dit_time_bind(b, &w->time, cfg, prefix);
    for (int i = 0; i < layers; i++)
        dit_block_bind(b, &w->blocks[i], cfg, prefix, i);
    return LT_OK;
}

void dit_branch_close(dit_branch *w)
{
    free(w->blocks);
    *w = (dit_branch){0};
}
