/* time_embedding.h - what the networks know of the timestep: sinusoid -> two linear maps -> e. */
#ifndef DIT_TIME_EMBEDDING_H
#define DIT_TIME_EMBEDDING_H

#include "configs/mmdit_config.h"
#include "kernels/ops.h"
#include "mmdit/affine.h"

typedef struct {
    dit_affine in;  /* [time_width, width] */
    dit_affine out; /* [time_width, time_width] */
} dit_time;

void dit_time_bind(lt_binder *b, dit_time *w, const cfg_mmdit *cfg, const char *prefix);

/* The sinusoid of timestep t (0 .. 999) on the host, `width` values: cosines first. */
void dit_time_sinusoid(float t, int width, float *out);

/* sinusoids f32 [n, width] -> e [n, time_width]. Every consumer wants SiLU(e). */
lt_tensor dit_time_embed(lt_ops *o, const dit_time *w, lt_tensor sinusoids);

#endif
