/* take_stream.c - windows flow from refining to decoding to the file; see take_stream.h.
 *
 * As soon as window c is refined its new latents are decoded, and its frames are encoded, while
 * window c + 1 is refined or before it is. What is kept of it is the latents that window c + 1
 * begins with.
 */
#include "pipeline/take_stream.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/frame_sizes.h"
#include "pipeline/take_beside.h"
#include "pipeline/take_refine.h"
#include "pipeline/take_reference.h"
#include "pipeline/take_report.h"
#include "pipeline/take_retake.h"

/* Latents of one window, and those that the next begins with, for every layer of retakes. */
typedef struct {
    int layers;
    int64_t windows;
    float *latents; /* [window, C, H, W], of the topmost layer that was made */
    float *known;   /* [layers, overlap, C, H, W] */
    lt_hash *key;   /* [layers, windows] */
} window_buffers;

static int64_t latent_values(const take_run *run)
{
    return take_latent_values(&run->engine->cfg.mmdit);
}

static size_t known_values(const take_run *run)
{
    return (size_t)(run->spec.time.overlap * latent_values(run));
}

static lt_status open_buffers(window_buffers *b, const take_run *run, lt_error *err)
{
    const take_timeline *t = &run->spec.time;
    const size_t layers = (size_t)run->spec.retakes + 1;
    *b = (window_buffers){.layers = (int)layers,
                          .windows = t->windows,
                          .latents =
                              malloc((size_t)(t->window * latent_values(run)) * sizeof(float)),
                          .known = malloc(layers * known_values(run) * sizeof(float)),
                          .key = calloc(layers * (size_t)t->windows, sizeof(lt_hash))};
    return b->latents && b->known && b->key
               ? LT_OK
               : lt_fail(err, LT_ERR_RESOURCES, "windows: out of memory");
}

static void close_buffers(window_buffers *b)
{
    free(b->latents);
    free(b->known);
    free(b->key);
}

/* Networks that are opened in turns give back what they held, the C
 * library's own stores included. */
static void rest_refiner(take_refiner *r)
{
    if (r->run->memory.networks != TAKE_NETWORKS_IN_TURNS)
        return;
    take_refiner_rest(r);
    malloc_trim(0);
}

static void rest_decoder(take_decoder *d)
{
    if (d->run->memory.networks != TAKE_NETWORKS_IN_TURNS)
        return;
    take_decoder_rest(d);
    malloc_trim(0);
}

/* What window c + 1 begins with: the last latents of window c, or its last frames encoded again. */
static lt_status carry(take_decoder *d, const window_buffers *b, int64_t c, float *known,
                       lt_error *err)
{
    const take_run *run = d->run;
    const take_timeline *t = &run->spec.time;
    if (run->spec.carry == CFG_CARRY_FRAMES)
        return take_decode_carry(d, c, b->latents, known, err);
    memcpy(known, b->latents + (t->window - t->overlap) * latent_values(run),
           known_values(run) * sizeof *known);
    return LT_OK;
}

/* The place of a window's key. */
static lt_hash *key_at(const window_buffers *b, int layer, int64_t c)
{
    return &b->key[layer * b->windows + c];
}

/* Keys of the take's own windows: those of the topmost layer. */
static const lt_hash *take_keys(const window_buffers *b)
{
    return key_at(b, b->layers - 1, 0);
}

static lt_status all_keys(take_refiner *r, window_buffers *b, lt_error *err)
{
    for (int layer = 0; layer < b->layers; layer++)
        for (int64_t c = 0; c < b->windows; c++) {
            const lt_hash before = c == 0 ? (lt_hash){0, 0} : *key_at(b, layer, c - 1);
            if (take_layer_owns(&r->run->spec, layer, c))
                LT_TRY(take_refine_key(r, layer, c, before, key_at(b, layer, c), err));
            else
                *key_at(b, layer, c) = *key_at(b, layer - 1, c);
        }
    return LT_OK;
}

lt_status take_stream_look(take_run *run, take_output_kind kind, take_cached *found, lt_error *err)
{
    const media_spec spec = take_media_spec(&run->spec, kind);
    take_refiner refiner = {0};
    take_decoder decoder = {0};
    window_buffers buffers = {0};
    lt_status s = open_buffers(&buffers, run, err);
    if (s == LT_OK)
        s = take_refiner_open(&refiner, run, err);
    if (s == LT_OK)
        s = all_keys(&refiner, &buffers, err);
    if (s == LT_OK)
        s = take_decoder_open(&decoder, run, &spec, false, take_keys(&buffers), err);
    for (int64_t c = 0; c < run->spec.time.windows && s == LT_OK; c++) {
        if (take_refine_has(&refiner, c, take_keys(&buffers)[c]))
            found[c] = TAKE_CACHED_LATENTS;
        if (take_decode_has(&decoder, c))
            found[c] = TAKE_CACHED_VIDEO;
    }
    take_decoder_close(&decoder);
    take_refiner_close(&refiner);
    close_buffers(&buffers);
    return s;
}

/* Makes window c, of every layer that the take needs it of; the topmost one stays in b->latents. */
static lt_status make_window(take_refiner *r, take_decoder *d, window_buffers *b, int64_t c,
                             lt_error *err)
{
    const take_spec *s = &r->run->spec;
    const size_t values = known_values(r->run);
    for (int layer = 0; layer < b->layers; layer++) {
        float *known = b->known + (size_t)layer * values;
        if (!take_layer_needs(s, layer, c))
            continue;
        if (!take_layer_owns(s, layer, c)) {
            memcpy(known, known - values, values * sizeof *known);
            continue;
        }
        LT_TRY(take_refine_window(r, layer, c, *key_at(b, layer, c), known, b->latents, err));
        rest_refiner(r);
        if (c + 1 < b->windows)
            LT_TRY(carry(d, b, c, known, err));
        rest_decoder(d);
    }
    return LT_OK;
}

/* The last frames of a reference become the latents that the first window begins with, in every
 * layer: any of them may own it. */
static lt_status begin_with_reference(take_decoder *d, window_buffers *b, lt_error *err)
{
    const size_t values = known_values(d->run);
    LT_TRY(take_decode_reference(d, b->known, err));
    rest_decoder(d);
    const size_t begun = (size_t)(d->run->spec.time.first_known * latent_values(d->run));
    for (int layer = 1; layer < b->layers; layer++)
        memcpy(b->known + (size_t)layer * values, b->known, begun * sizeof *b->known);
    return LT_OK;
}

/* A window that is whole when the stop is heard of is written too. */
static lt_status decode_and_write(take_decoder *d, take_video *v, int64_t c, const float *latents,
                                  lt_error *err)
{
    void *blob = NULL;
    size_t bytes = 0;
    lt_error unwritten = {0}; /* of a take that is stopped, whose reader may have been stopped with
                                 it */
    lt_status s = take_decode_window(d, c, latents, &blob, &bytes, err);
    if (s != LT_OK)
        (void)take_video_add(v, blob, bytes, &unwritten);
    else
        s = take_video_add(v, blob, bytes, err);
    if (s == LT_OK && d->spec.format == MEDIA_MP4)
        s = take_preview_replace(d->run, c, blob, bytes, err);
    free(blob);
    LT_TRY(s);
    take_clock_tell(&d->run->clock, LONGTAKE_EVENT_WINDOW_DONE, NULL);
    return take_clock_check(&d->run->clock, err);
}

static lt_status one_after_the_other(take_refiner *r, take_decoder *d, take_video *v,
                                     window_buffers *b, lt_error *err)
{
    for (int64_t c = 0; c < b->windows; c++) {
        LT_TRY(make_window(r, d, b, c, err));
        LT_TRY(decode_and_write(d, v, c, b->latents, err));
        rest_decoder(d);
    }
    return LT_OK;
}

/* Window c is decoded and written while window c + 1 is refined. */
static lt_status at_once(take_refiner *r, take_decoder *d, take_video *v, window_buffers *b,
                         lt_error *err)
{
    take_beside beside;
    lt_status s = take_beside_open(&beside, d, decode_and_write, v, err);
    for (int64_t c = 0; c < b->windows && s == LT_OK; c++) {
        s = make_window(r, d, b, c, err);
        if (s == LT_OK)
            s = take_beside_give(&beside, c, b->latents, err);
    }
    return take_beside_close(&beside, s, err);
}

static lt_status render_windows(take_refiner *r, take_decoder *d, take_video *v, window_buffers *b,
                                lt_error *err)
{
    take_run *run = r->run;
    if (run->reference)
        LT_TRY(begin_with_reference(d, b, err));
    if (run->reference && !run->request->new_only)
        LT_TRY(take_reference_write(run->reference, d, v, err));
    const bool beside = run->memory.networks == TAKE_NETWORKS_AT_ONCE;
    return beside ? at_once(r, d, v, b, err) : one_after_the_other(r, d, v, b, err);
}

/* How well what a retake kept goes on from it. */
static void tell_kept_seams(take_run *run, const take_decoder *d)
{
    for (int i = 0; i < run->spec.retakes; i++) {
        const take_retake *r = &run->spec.retake[i];
        if (r->keep_rest && r->last + 1 < run->spec.time.windows)
            take_note(run, "retake of windows %lld to %lld: the seam behind it is %.2f",
                      (long long)r->first, (long long)r->last, take_seam_before(d, r->last + 1));
    }
}

lt_status take_stream_render(take_run *run, take_output_kind kind, take_seam *seam, lt_error *err)
{
    const media_spec spec = take_media_spec(&run->spec, kind);
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
        s = take_decoder_open(&decoder, run, &spec, kind != TAKE_OUT_NONE, take_keys(&buffers),
                              err);
    if (s == LT_OK)
        s = take_video_open(&video, run, kind, err);
    if (s == LT_OK)
        s = render_windows(&refiner, &decoder, &video, &buffers, err);
    if (s == LT_OK)
        s = take_video_finish(&video, &decoder, err);
    if (s == LT_OK)
        seam->worst_seam = take_worst_seam(&decoder, &seam->seam_window);
    if (s == LT_OK)
        tell_kept_seams(run, &decoder);
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
    const int64_t latents =
        run->spec.carry == CFG_CARRY_FRAMES ? t->windows * t->window : t->latents;
    return (take_latents_shape){latents, cfg->latent_channels, cfg->latent_height,
                                cfg->latent_width};
}

/* `w` is NULL where only some windows are made, for a job folder that several processes fill. What
 * lies before them is needed too; it is found there, or made. */
static lt_status refine_windows(take_refiner *r, take_decoder *d, take_latents_writer *w,
                                window_buffers *b, lt_error *err)
{
    take_run *run = r->run;
    const bool alone = run->spec.carry == CFG_CARRY_FRAMES;
    const int64_t last = w ? b->windows - 1 : run->request->window_last;
    if (run->reference)
        LT_TRY(begin_with_reference(d, b, err));
    for (int64_t c = 0; c <= last; c++) {
        const take_window window = take_window_at(&run->spec.time, c);
        const int skip = alone ? 0 : window.known;
        LT_TRY(make_window(r, d, b, c, err));
        if (w)
            LT_TRY(take_latents_append(w, b->latents + skip * latent_values(run),
                                       window.latents - skip, err));
    }
    return LT_OK;
}

lt_status take_stream_refine(take_run *run, lt_error *err)
{
    const media_spec spec = take_media_spec(&run->spec, TAKE_OUT_NONE);
    take_refiner refiner = {0};
    take_decoder decoder = {0};
    take_latents_writer *writer = NULL;
    window_buffers buffers = {0};
    const bool some = run->request->window_last >= 0;
    lt_json *about = take_about(run, err);
    lt_status s = about ? LT_OK : err->code;
    if (s == LT_OK)
        s = open_buffers(&buffers, run, err);
    if (s == LT_OK)
        s = take_refiner_open(&refiner, run, err);
    if (s == LT_OK)
        s = all_keys(&refiner, &buffers, err);
    if (s == LT_OK)
        s = take_decoder_open(&decoder, run, &spec, false, take_keys(&buffers), err);
    take_clock_plan(&run->clock, TAKE_DECODE, 0);
    if (s == LT_OK && !some)
        s = take_latents_create(run->request->output, take_latents_shape_of_run(run), about,
                                &writer, err);
    if (s == LT_OK)
        s = refine_windows(&refiner, &decoder, writer, &buffers, err);
    if (s == LT_OK && writer)
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

/* One key per window: what the file holds decides, so nothing of
 * another file is ever taken for it. */
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

static lt_status decode_windows(take_run *run, take_latents_reader *latents, take_decoder *d,
                                take_video *v, window_buffers *b, lt_error *err)
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

lt_status take_stream_decode(take_run *run, take_latents_reader *latents, take_output_kind kind,
                             take_seam *seam, lt_error *err)
{
    const media_spec spec = take_media_spec(&run->spec, kind);
    take_decoder decoder = {0};
    take_video video = {0};
    window_buffers buffers = {0};
    lt_status s = media_spec_check(&spec, err);
    if (s == LT_OK)
        s = open_buffers(&buffers, run, err);
    if (s == LT_OK) {
        keys_of_file(run, take_latents_about(latents), &buffers);
        s = take_decoder_open(&decoder, run, &spec, kind != TAKE_OUT_NONE, take_keys(&buffers),
                              err);
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
