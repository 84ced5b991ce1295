/* colour_map.h - the map from a model's latents to colours that previews are painted with.
 *
 * It is fitted to squares of colour that the model's VAE encodes, and lies in the model's folder as
 * preview.safetensors (colour_map_file.h). A folder without it, or with that of another VAE, is
 * served too: the map is fitted when it is needed.
 */
#ifndef TAKE_COLOUR_MAP_H
#define TAKE_COLOUR_MAP_H

#include "pipeline/engine.h"
#include "pipeline/job_folder.h"
#include "pipeline/preview/latent_colours.h"
#include "weights/warnings.h"

/* The model's own; else from the job folder (or NULL), else fitted, told to `notes` in one line,
 * and kept there. LT_ERR_INPUT for a file that is no such map. */
lt_status take_colour_map(longtake *e, take_job *job, const lt_warnings *notes, latent_colours *out,
                          lt_error *err);

/* Fits the map of the VAE `weights` and writes it to the file `path`.
 * LT_ERR_INPUT when none comes out. */
lt_status take_colour_map_write(const cfg_model *cfg, lt_weights *weights, int threads,
                                const char *path, lt_error *err);

#endif
