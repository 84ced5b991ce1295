/* colour_map_file.h - preview.safetensors of a model's folder: `weight` F32 [3, channels], `bias`
 * F32 [3], and in the metadata "format" and "vae", the hash of the VAE's weights that it was fitted
 * to. */
#ifndef TAKE_COLOUR_MAP_FILE_H
#define TAKE_COLOUR_MAP_FILE_H

#include <stdbool.h>

#include "kernels/core/hash.h"
#include "pipeline/preview/latent_colours.h"

#define COLOUR_MAP_FILE   "preview.safetensors"
#define COLOUR_MAP_FORMAT "longtake-preview-1"

lt_status colour_map_file_write(const char *path, const latent_colours *map, lt_hash vae,
                                lt_error *err);
/* *fits is false, and `out` empty, where the map is of another VAE. LT_ERR_INPUT for anything but a
 * map of so many channels. */
lt_status colour_map_file_read(const char *path, int channels, lt_hash vae, latent_colours *out,
                               bool *fits, lt_error *err);

#endif
