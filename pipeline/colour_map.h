/* colour_map.h - the map from a model's latents to colours, fitted to squares of colour that its VAE encodes. */
#ifndef TAKE_COLOUR_MAP_H
#define TAKE_COLOUR_MAP_H

#include "pipeline/engine.h"
#include "pipeline/job_folder.h"
#include "pipeline/latent_colours.h"

/* From the job folder (or NULL), else fitted and kept there. */
lt_status take_colour_map(longtake *e, take_job *job, latent_colours *out, lt_error *err);

#endif
