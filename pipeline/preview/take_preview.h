/* take_preview.h - rough pictures of a window while it is refined (`--preview`).
 *
 * A value of a latent stands for one colour (colour_map.h), and a latent for one picture. A folder
 * gets a small video a window, "window-003.mp4", one picture for every latent; a file shows the
 * window that is worked on. Where the take itself becomes an MP4 or MOV, a window's own frames
 * replace its preview.
 */
#ifndef TAKE_TAKE_PREVIEW_H
#define TAKE_TAKE_PREVIEW_H

#include "pipeline/preview/colour_map.h"
#include "pipeline/take_run.h"

typedef struct {
    take_run *run;
    latent_colours map;
    uint8_t *frame; /* u8 [2 h, 2 w, 3] */
} take_preview;

/* Is it a folder of previews, one that is there or DIR/ to make? Else it is a file. */
bool take_preview_is_folder(const char *preview);
/* The file that shows window c. free() it; NULL when memory is out. */
char *take_preview_name(const char *preview, int64_t c);
/* The place that a request asks for makes sense: an .mp4 that can be written, or a folder that is
 * there. LT_ERR_USAGE. */
lt_status take_preview_check(const longtake_request *r, lt_error *err);
/* Finds the model's map, or fits one. */
lt_status take_preview_open(take_preview *p, take_run *run, lt_error *err);
void take_preview_close(take_preview *p); /* accepts a zeroed one */
/* latents [count, C, h, w] of window c as they are foreseen now. */
lt_status take_preview_show(take_preview *p, int64_t c, const float *latents, int count,
                            lt_error *err);
/* The window's encoded pictures take the preview's place. */
lt_status take_preview_replace(take_run *run, int64_t c, const void *blob, size_t bytes,
                               lt_error *err);

#endif
