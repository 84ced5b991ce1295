/* dit_branch.h - what the main and the control network have in common: embeddings, timestep and a
 * stack of blocks. */
#ifndef DIT_BRANCH_H
#define DIT_BRANCH_H

#include "configs/mmdit_config.h"
#include "mmdit/joint_block.h"
#include "mmdit/patch_embedding.h"
#include "mmdit/time_embedding.h"

typedef struct {
    dit_patch embed;
    dit_time time;
    dit_block *blocks; /* [layers], owned */
    int layers;
} dit_branch;

/* Asks `b` for all tensors of `layers` layers; the branch must stay where
 * it is while they are in use. */
lt_status dit_branch_bind(lt_binder *b, dit_branch *w, const cfg_mmdit *cfg, int layers,
                          const char *prefix, lt_error *err);
void dit_branch_close(dit_branch *w); /* accepts a zeroed one */

#endif
