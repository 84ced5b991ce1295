/* latents_file.h - the `.latents` file: what refining hands to decoding.
 *
 * A safetensors file with one tensor `latents` [T, C, H, W] (f32; bf16 is read too) and metadata,
 * all strings. It is written and read front to back, window by window, so that it may be a pipe and
 * memory stays flat.
 *
 * T counts the latents in the order of decoding: the take's grid for carry `latents` and `renoise`;
 * for carry `frames`, whose windows are decoded alone, each window's latents one after the other
 * (known part included).
 */
#ifndef TAKE_LATENTS_FILE_H
#define TAKE_LATENTS_FILE_H

#include <stdint.h>

#include "kernels/core/json.h"
#include "kernels/core/status.h"

typedef struct {
    int64_t latents; /* T */
    int channels;
    int height; /* latent rows */
    int width;
} take_latents_shape;

typedef struct take_latents_writer take_latents_writer;

/* `path` "-" writes to standard output; a file appears under its name when it is closed. `about` is
 * kept as metadata "about" (one JSON object as text, see take_about in take_report.h). */
lt_status take_latents_create(const char *path, take_latents_shape shape, const lt_json *about,
                              take_latents_writer **out, lt_error *err);
/* The next `count` latents, [count, C, H, W]. */
lt_status take_latents_append(take_latents_writer *w, const float *latents, int64_t count,
                              lt_error *err);
/* Fails when fewer latents came than the shape says. Frees the writer either way. */
lt_status take_latents_finish(take_latents_writer *w, lt_error *err);
void take_latents_abandon(take_latents_writer *w); /* removes what was written; accepts NULL */

typedef struct take_latents_reader take_latents_reader;

/* `path` "-" reads standard input. `stop` is asked with `user` while a pipe has nothing to read,
 * here and in take_latents_next: not 0 ends it with LT_ERR_CANCELLED; NULL: nobody is asked.
 * LT_ERR_INPUT with the file's name and what is wrong. */
lt_status take_latents_open(const char *path, int (*stop)(void *user), void *user,
                            take_latents_reader **out, lt_error *err);
take_latents_shape take_latents_shape_of(const take_latents_reader *r);
const lt_json *take_latents_about(const take_latents_reader *r); /* borrowed */
/* The next `count` latents; LT_ERR_INPUT when the file ends early or a value is not finite. */
lt_status take_latents_next(take_latents_reader *r, float *latents, int64_t count, lt_error *err);
void take_latents_close(take_latents_reader *r); /* accepts NULL */

#endif
