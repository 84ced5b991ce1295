/* take_stream.c - windows flow from refining to decoding to the file; see take_stream.h.
 *
 * As soon as window c is refined its new latents are decoded, and its frames are encoded. What is kept of it is the latents
 * that window c + 1 begins with.
 */
#include "pipeline/take_stream.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/take_refine.h"
#include "pipeline/take_reference.h"
#include "pipeline/take_report.h"

/* Latents of one window, and those that the next begins with. */
typedef struct {
    float *latents; /* [window, C, H, W] */
    float *known;   /* [overlap, C, H, W] */
    lt_hash *key;   /* [windows] */
} window_buffers;

static int64_t latent_values(const take_run *run)
{
    const cfg_mmdit *cfg = &run->engine->cfg.mmdit;
    return (int64_t)cfg->latent_channels * cfg->latent_height * cfg->latent_width;
}

static lt_status open_buffers(window_buffers *b, const take_run *run, lt_error *err)
{
    const take_timeline *t = &run->spec.time;
    const size_t values = (size_t)latent_values(run);
    *b = (window_buffers){.latents = malloc((size_t)t->window * values * sizeof(float)),
                          .known = malloc((size_t)t->overlap * values * sizeof(float)),
                          .key = calloc((size_t)t->windows, sizeof(lt_hash))};
    return b->latents && b->known && b->key ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "windows: out of memory");
}

static void close_buffers(window_buffers *b)
{
    free(b->latents);
    free(b->known);
    free(b->key);
}

/* What window c + 1 begins with: the last latents of window c. */
static void carry_latents(const take_run *run, window_buffers *b)
{
    const take_timeline *t = &run->spec.time;
    const int64_t values = latent_values(run);
    memcpy(b->known, b->latents + (t->window - t->overlap) * values, (size_t)(t->overlap * values) * sizeof *b->known);
}

static media_spec spec_of(const take_run *run, take_output kind)
{
    const take_spec *s = &run->spec;
    return (media_spec){
        .format = take_media_format(kind), .width = s->width, .height = s->height, .scale = s->scale, .fps = s->fps};
}

static lt_status all_keys(take_refiner *r, window_buffers *b, lt_error *err)
{
    for (int64_t c = 0; c < r->run->spec.time.windows; c++)
        LT_TRY(take_refine_key(r, c, &b->key[c], err));
    return LT_OK;
}

static lt_status decode_and_write(take_decoder *d, take_video *v, int64_t c, const float *latents, lt_error *err)
{
    void *blob = NULL;
    size_t bytes = 0;
    LT_TRY(take_decode_window(d, c, latents, &blob, &bytes, err));
    const lt_status s = take_video_add(v, blob, bytes, err);
    free(blob);
    LT_TRY(s);
    take_clock_tell(&d->run->clock, LONGTAKE_EVENT_WINDOW_DONE, NULL);
    return take_clock_check(&d->run->clock, err);
}

static lt_status render_windows(take_refiner *r, take_decoder *d, take_video *v, window_buffers *b, lt_error *err)
{
    take_run *run = r->run;
    const int64_t windows = run->spec.time.windows;
    if (run->reference)
        LT_TRY(take_decode_reference(d, b->known, err));
    if (run->reference && !run->request->new_only)
        LT_TRY(take_reference_write(run->reference, d, v, err));
    for (int64_t c = 0; c < windows; c++) {
        LT_TRY(take_refine_window(r, c, b->key[c], b->known, b->latents, err));
        LT_TRY(decode_and_write(d, v, c, b->latents, err));
        if (c + 1 == windows)
            break;
        if (run->spec.carry == CFG_CARRY_FRAMES)
            LT_TRY(take_decode_carry(d, b->latents, b->known, err));
        else
            carry_latents(run, b);
    }
    return LT_OK;
}

lt_status take_stream_render(take_run *run, take_output kind, take_seam *seam, lt_error *err)
{
    const media_spec spec = spec_of(run, kind);
    take_refiner refiner = {0};
    take_decoder decoder = {0};
    take_video video = {0};
    window_buffers buffers = {0};
    lt_status s = media_spec_check(&spec, err);
    if (s == LT_OK)
        s = open_buffers(&buffers, run, err);
    if (s == LT_OK)
        s = take_refiner_open(&refiner, run, err);
    if (s == LT_OK)
        s = all_keys(&refiner, &buffers, err);
    if (s == LT_OK)
        s = take_decoder_open(&decoder, run, &spec, kind != TAKE_OUT_NONE, buffers.key, err);
    if (s == LT_OK)
        s = take_video_open(&video, run, kind, err);
    if (s == LT_OK)
        s = render_windows(&refiner, &decoder, &video, &buffers, err);
    if (s == LT_OK)
        s = take_video_finish(&video, &decoder, err);
    if (s == LT_OK)
        seam->worst_seam = take_worst_seam(&decoder, &seam->seam_window);
    take_video_close(&video);
    take_decoder_close(&decoder);
    take_refiner_close(&refiner);
    close_buffers(&buffers);
    return s;
}

/* ---- refine alone ---- */

take_latents_shape take_latents_shape_of_run(const take_run *run)
{
    const cfg_mmdit *cfg = &run->engine->cfg.mmdit;
    const take_timeline *t = &run->spec.time;
    const int64_t latents = run->spec.carry == CFG_CARRY_FRAMES ? t->windows * t->window : t->latents;
    return (take_latents_shape){latents, cfg->latent_channels, cfg->latent_height, cfg->latent_width};
}

static lt_status refine_windows(take_refiner *r, take_decoder *d, take_latents_writer *w, window_buffers *b, lt_error *err)
{
    take_run *run = r->run;
    const int64_t windows = run->spec.time.windows;
    const bool alone = run->spec.carry == CFG_CARRY_FRAMES;
    const int64_t values = latent_values(run);
    for (int64_t c = 0; c < windows; c++) {
        const take_window window = take_window_at(&run->spec.time, c);
        const int skip = alone ? 0 : window.known;
        LT_TRY(take_refine_window(r, c, b->key[c], b->known, b->latents, err));
        LT_TRY(take_latents_append(w, b->latents + skip * values, window.latents - skip, err));
        if (c + 1 == windows)
            break;
        if (alone)
            LT_TRY(take_decode_carry(d, b->latents, b->known, err));
        else
            carry_latents(run, b);
    }
    return LT_OK;
}

lt_status take_stream_refine(take_run *run, lt_error *err)
{
    const media_spec spec = spec_of(run, TAKE_OUT_NONE);
    take_refiner refiner = {0};
    take_decoder decoder = {0};
    take_latents_writer *writer = NULL;
    window_buffers buffers = {0};
    lt_json *about = take_about(run, err);
    lt_status s = about ? open_buffers(&buffers, run, err) : err->code;
    if (s == LT_OK)
        s = take_refiner_open(&refiner, run, err);
    if (s == LT_OK)
        s = all_keys(&refiner, &buffers, err);
    if (s == LT_OK)
        s = take_decoder_open(&decoder, run, &spec, false, buffers.key, err);
    take_clock_plan(&run->clock, TAKE_DECODE, 0);
    if (s == LT_OK)
        s = take_latents_create(run->request->output, take_latents_shape_of_run(run), about, &writer, err);
    if (s == LT_OK)
        s = refine_windows(&refiner, &decoder, writer, &buffers, err);
    if (s == LT_OK)
        s = take_latents_finish(writer, err);
    else
        take_latents_abandon(writer);
    lt_json_free(about);
    take_decoder_close(&decoder);
    take_refiner_close(&refiner);
    close_buffers(&buffers);
    return s;
}

/* ---- decode alone ---- */

/* One key per window: what the file holds decides, so nothing of another file is ever taken for it. */
static void keys_of_file(const take_run *run, const lt_json *about, window_buffers *b)
{
    char *text = lt_json_text(about);
    for (int64_t c = 0; c < run->spec.time.windows; c++) {
        take_key k;
        take_key_begin(&k, "latents file");
        take_key_text(&k, text ? text : "");
        take_key_int(&k, c);
        b->key[c] = take_key_end(&k);
    }
    free(text);
}

static lt_status decode_windows(take_run *run, take_latents_reader *latents, take_decoder *d, take_video *v, window_buffers *b,
                                lt_error *err)
{
    const bool alone = run->spec.carry == CFG_CARRY_FRAMES;
    const int64_t values = latent_values(run);
    for (int64_t c = 0; c < run->spec.time.windows; c++) {
        const take_window w = take_window_at(&run->spec.time, c);
        const int skip = alone ? 0 : w.known;
        LT_TRY(take_latents_next(latents, b->latents + skip * values, w.latents - skip, err));
        LT_TRY(decode_and_write(d, v, c, b->latents, err));
    }
    return LT_OK;
}

lt_status take_stream_decode(take_run *run, take_latents_reader *latents, take_output kind, take_seam *seam, lt_error *err)
{
    const media_spec spec = spec_of(run, kind);
    take_decoder decoder = {0};
    take_video video = {0};
    window_buffers buffers = {0};
    lt_status s = media_spec_check(&spec, err);
    if (s == LT_OK)
        s = open_buffers(&buffers, run, err);
    if (s == LT_OK) {
        keys_of_file(run, take_latents_about(latents), &buffers);
        s = take_decoder_open(&decoder, run, &spec, kind != TAKE_OUT_NONE, buffers.key, err);
    }
    if (s == LT_OK)
        s = take_video_open(&video, run, kind, err);
    if (s == LT_OK)
        s = decode_windows(run, latents, &decoder, &video, &buffers, err);
    if (s == LT_OK)
        s = take_video_finish(&video, &decoder, err);
    if (s == LT_OK)
        seam->worst_seam = take_worst_seam(&decoder, &seam->seam_window);
    take_video_close(&video);
    take_decoder_close(&decoder);
    close_buffers(&buffers);
    return s;
}
