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

/* The windows of a take on their way, and what they pass through: all or some of it is open. Those
 * of a layer of retakes that lies below are made where the take needs them. */
typedef struct {
    take_run *run;
    take_refiner refiner;
    take_decoder decoder;
    take_video video;
    int layers;
    int64_t windows;
    float *latents; /* [window, C, H, W], of the topmost layer that was made */
    float *known;   /* [layers, overlap, C, H, W], which the next window begins with */
    lt_hash *key;   /* [layers, windows], zero until all_keys */
} window_stream;

static int64_t latent_values(const take_run *run)
{
    return take_latent_values(&run->engine->cfg.mmdit);
}

static size_t known_values(const take_run *run)
{
    return (size_t)(run->spec.time.overlap * latent_values(run));
}

static size_t window_bytes(const take_run *run)
{
    return (size_t)(run->spec.time.window * latent_values(run)) * sizeof(float);
}

/* Room for windows; close it in any case. */
static lt_status open_stream(window_stream *w, take_run *run, lt_error *err)
{
    const size_t layers = (size_t)run->spec.retakes + 1;
    const size_t windows = (size_t)run->spec.time.windows;
    *w = (window_stream){.run = run,
                         .layers = (int)layers,
                         .windows = (int64_t)windows,
                         .latents = malloc(window_bytes(run)),
                         .known = malloc(layers * known_values(run) * sizeof(float)),
                         .key = calloc(layers * windows, sizeof(lt_hash))};
    return w->latents && w->known && w->key
               ? LT_OK
               : lt_fail(err, LT_ERR_RESOURCES, "windows: out of memory");
}

static void close_stream(window_stream *w)
{
    take_video_close(&w->video);
    take_decoder_close(&w->decoder);
    take_refiner_close(&w->refiner);
    free(w->latents);
    free(w->known);
    free(w->key);
}

/* The place of a window's key. */
static lt_hash *key_at(const window_stream *w, int layer, int64_t c)
{
    return &w->key[layer * w->windows + c];
}

/* Keys of the take's own windows: those of the topmost layer. */
static const lt_hash *take_keys(const window_stream *w)
{
    return key_at(w, w->layers - 1, 0);
}

static lt_status all_keys(window_stream *w, lt_error *err)
{
    for (int layer = 0; layer < w->layers; layer++)
        for (int64_t c = 0; c < w->windows; c++) {
            const lt_hash before = c == 0 ? (lt_hash){0, 0} : *key_at(w, layer, c - 1);
            if (take_layer_owns(&w->run->spec, layer, c))
                LT_TRY(take_refine_key(&w->refiner, layer, c, before, key_at(w, layer, c), err));
            else
                *key_at(w, layer, c) = *key_at(w, layer - 1, c);
        }
    return LT_OK;
}

static lt_status open_decoder(window_stream *w, take_output_kind kind, bool make_video,
                              lt_error *err)
{
    const media_spec spec = take_media_spec(&w->run->spec, kind);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): close_stream frees the keys that it is lent */
    return take_decoder_open(&w->decoder, w->run, &spec, make_video, take_keys(w), err);
}

/* Both stages, for windows that are refined. */
static lt_status open_stages(window_stream *w, take_output_kind kind, bool make_video,
                             lt_error *err)
{
    LT_TRY(take_refiner_open(&w->refiner, w->run, err));
    LT_TRY(all_keys(w, err));
    return open_decoder(w, kind, make_video, err);
}

static lt_status look(window_stream *w, take_output_kind kind, take_cached *found, lt_error *err)
{
    LT_TRY(open_stages(w, kind, false, err));
    for (int64_t c = 0; c < w->windows; c++) {
        if (take_refine_has(&w->refiner, c, take_keys(w)[c]))
            found[c] = TAKE_CACHED_LATENTS;
        if (take_decode_has(&w->decoder, c))
            found[c] = TAKE_CACHED_VIDEO;
    }
    return LT_OK;
}

lt_status take_stream_look(take_run *run, take_output_kind kind, take_cached *found, lt_error *err)
{
    window_stream w;
    lt_status s = open_stream(&w, run, err);
    if (s == LT_OK)
        s = look(&w, kind, found, err);
    close_stream(&w);
    return s;
}

/* ---- a window ---- */

/* Networks that are opened in turns give back what they held, the C
 * library's own stores included. */
static void rest_refiner(window_stream *w)
{
    if (w->run->memory.networks != TAKE_NETWORKS_IN_TURNS)
        return;
    take_refiner_rest(&w->refiner);
    malloc_trim(0);
}

static void rest_decoder(window_stream *w)
{
    if (w->run->memory.networks != TAKE_NETWORKS_IN_TURNS)
        return;
    take_decoder_rest(&w->decoder);
    malloc_trim(0);
}

/* What window c + 1 begins with: the last latents of window c, or its last frames encoded again. */
static lt_status carry(window_stream *w, int64_t c, float *known, lt_error *err)
{
    const take_run *run = w->run;
    const take_timeline *t = &run->spec.time;
    if (run->spec.carry == CFG_CARRY_FRAMES)
        return take_decode_carry(&w->decoder, c, w->latents, known, err);
    memcpy(known, w->latents + (t->window - t->overlap) * latent_values(run),
           known_values(run) * sizeof *known);
    return LT_OK;
}

/* Makes window c, of every layer that the take needs it of; the topmost one stays in w->latents. */
static lt_status make_window(window_stream *w, int64_t c, lt_error *err)
{
    const take_spec *s = &w->run->spec;
    const size_t values = known_values(w->run);
    for (int layer = 0; layer < w->layers; layer++) {
        float *known = w->known + (size_t)layer * values;
        if (!take_layer_needs(s, layer, c))
            continue;
        if (!take_layer_owns(s, layer, c)) {
            memcpy(known, known - values, values * sizeof *known);
            continue;
        }
        LT_TRY(take_refine_window(&w->refiner, layer, c, *key_at(w, layer, c), known, w->latents,
                                  err));
        rest_refiner(w);
        if (c + 1 < w->windows)
            LT_TRY(carry(w, c, known, err));
        rest_decoder(w);
    }
    return LT_OK;
}

/* The last frames of a reference become the latents that the first window begins with, in every
 * layer: any of them may own it. */
static lt_status begin_with_reference(window_stream *w, lt_error *err)
{
    const size_t values = known_values(w->run);
    LT_TRY(take_decode_reference(&w->decoder, w->known, err));
    rest_decoder(w);
    const size_t begun = (size_t)(w->run->spec.time.first_known * latent_values(w->run));
    for (int layer = 1; layer < w->layers; layer++)
        memcpy(w->known + (size_t)layer * values, w->known, begun * sizeof *w->known);
    return LT_OK;
}

/* Of latents [window, C, H, W]. A window that is whole when the stop is heard of is written too. */
static lt_status decode_and_write(void *stream, int64_t c, const float *latents, lt_error *err)
{
    window_stream *w = stream;
    take_run *run = w->run;
    void *blob = NULL;
    size_t bytes = 0;
    /* of a take that is stopped, whose reader may have been stopped with it */
    lt_error unwritten = {0};
    lt_status s = take_decode_window(&w->decoder, c, latents, &blob, &bytes, err);
    if (s != LT_OK)
        (void)take_video_add(&w->video, blob, bytes, &unwritten);
    else
        s = take_video_add(&w->video, blob, bytes, err);
    if (s == LT_OK && media_kind_of(w->decoder.spec.format)->fits_mp4)
        s = take_preview_replace(run, c, blob, bytes, err);
    free(blob);
    LT_TRY(s);
    take_clock_tell(&run->clock, LONGTAKE_EVENT_WINDOW_DONE, NULL);
    return take_clock_check(&run->clock, err);
}

/* ---- refine and decode ---- */

static lt_status one_after_the_other(window_stream *w, lt_error *err)
{
    for (int64_t c = 0; c < w->windows; c++) {
        LT_TRY(make_window(w, c, err));
        LT_TRY(decode_and_write(w, c, w->latents, err));
        rest_decoder(w);
    }
    return LT_OK;
}

/* Window c is decoded and written while window c + 1 is refined. */
static lt_status at_once(window_stream *w, lt_error *err)
{
    take_beside beside;
    lt_status s =
        take_beside_open(&beside, &w->run->clock, window_bytes(w->run), decode_and_write, w, err);
    for (int64_t c = 0; c < w->windows && s == LT_OK; c++) {
        s = make_window(w, c, err);
        if (s == LT_OK)
            s = take_beside_give(&beside, c, w->latents, err);
    }
    return take_beside_close(&beside, s, err);
}

static lt_status render_windows(window_stream *w, lt_error *err)
{
    take_run *run = w->run;
    if (run->reference)
        LT_TRY(begin_with_reference(w, err));
    if (run->reference && !run->request->new_only)
        LT_TRY(take_reference_write(run->reference, &w->decoder, &w->video, err));
    const bool beside = run->memory.networks == TAKE_NETWORKS_AT_ONCE;
    return beside ? at_once(w, err) : one_after_the_other(w, err);
}

static lt_status finish_video(window_stream *w, take_seam *seam, lt_error *err)
{
    LT_TRY(take_video_finish(&w->video, &w->decoder, err));
    *seam = take_worst_seam(&w->decoder.changes, &w->run->spec.time);
    return LT_OK;
}

/* How well what a retake kept goes on from it. */
static void tell_kept_seams(const window_stream *w)
{
    take_run *run = w->run;
    for (int i = 0; i < run->spec.retakes; i++) {
        const take_retake *r = &run->spec.retake[i];
        char windows[TAKE_WINDOWS_BYTES];
        if (r->keep_rest && r->last + 1 < run->spec.time.windows)
            take_note(run, "retake of %s: the seam behind it is %.2f times the usual change",
                      take_windows_named(r->first, r->last, windows),
                      take_seam_before(&w->decoder.changes, &run->spec.time, r->last + 1));
    }
}

static lt_status render(window_stream *w, take_output_kind kind, take_seam *seam, lt_error *err)
{
    LT_TRY(open_stages(w, kind, kind != TAKE_OUT_NONE, err));
    LT_TRY(take_video_open(&w->video, w->run, kind, err));
    LT_TRY(render_windows(w, err));
    LT_TRY(finish_video(w, seam, err));
    tell_kept_seams(w);
    return LT_OK;
}

lt_status take_stream_render(take_run *run, take_output_kind kind, take_seam *seam, lt_error *err)
{
    const media_spec spec = take_media_spec(&run->spec, kind);
    window_stream w;
    LT_TRY(media_spec_check(&spec, err));
    lt_status s = open_stream(&w, run, err);
    if (s == LT_OK)
        s = render(&w, kind, seam, err);
    close_stream(&w);
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

/* `file` is NULL where only some windows are made, for a job folder that several processes fill.
 * What lies before them is needed too; it is found there, or made. */
static lt_status refine_windows(window_stream *w, take_latents_writer *file, lt_error *err)
{
    const take_run *run = w->run;
    const bool alone = run->spec.carry == CFG_CARRY_FRAMES;
    const int64_t last = file ? w->windows - 1 : run->request->window_last;
    if (run->reference)
        LT_TRY(begin_with_reference(w, err));
    for (int64_t c = 0; c <= last; c++) {
        const take_window window = take_window_at(&run->spec.time, c);
        const int skip = alone ? 0 : window.known;
        LT_TRY(make_window(w, c, err));
        if (file)
            LT_TRY(take_latents_append(file, w->latents + skip * latent_values(run),
                                       window.latents - skip, err));
    }
    return LT_OK;
}

static lt_status refine(window_stream *w, const lt_json *about, lt_error *err)
{
    const longtake_request *r = w->run->request;
    take_latents_writer *file = NULL;
    LT_TRY(open_stages(w, TAKE_OUT_NONE, false, err));
    take_clock_plan(&w->run->clock, TAKE_DECODE, 0);
    if (r->window_last < 0)
        LT_TRY(
            take_latents_create(r->output, take_latents_shape_of_run(w->run), about, &file, err));
    const lt_status s = refine_windows(w, file, err);
    if (s == LT_OK && file)
        return take_latents_finish(file, err);
    take_latents_abandon(file);
    return s;
}

lt_status take_stream_refine(take_run *run, lt_error *err)
{
    window_stream w;
    lt_json *about = take_about(run, err);
    if (!about)
        return err->code;
    lt_status s = open_stream(&w, run, err);
    if (s == LT_OK)
        s = refine(&w, about, err);
    lt_json_free(about);
    close_stream(&w);
    return s;
}

/* ---- decode alone ---- */

static lt_status decode_windows(window_stream *w, take_latents_reader *latents, lt_error *err)
{
    const take_run *run = w->run;
    const bool alone = run->spec.carry == CFG_CARRY_FRAMES;
    for (int64_t c = 0; c < w->windows; c++) {
        const take_window window = take_window_at(&run->spec.time, c);
        const int skip = alone ? 0 : window.known;
        LT_TRY(take_latents_next(latents, w->latents + skip * latent_values(run),
                                 window.latents - skip, err));
        LT_TRY(decode_and_write(w, c, w->latents, err));
    }
    return LT_OK;
}

/* Keys stay zero: the run's folder is its own and begins empty, so a window's number tells its
 * products apart. */
static lt_status decode(window_stream *w, take_latents_reader *latents, take_output_kind kind,
                        take_seam *seam, lt_error *err)
{
    LT_TRY(open_decoder(w, kind, kind != TAKE_OUT_NONE, err));
    LT_TRY(take_video_open(&w->video, w->run, kind, err));
    LT_TRY(decode_windows(w, latents, err));
    return finish_video(w, seam, err);
}

lt_status take_stream_decode(take_run *run, take_latents_reader *latents, take_output_kind kind,
                             take_seam *seam, lt_error *err)
{
    const media_spec spec = take_media_spec(&run->spec, kind);
    window_stream w;
    LT_TRY(media_spec_check(&spec, err));
    lt_status s = open_stream(&w, run, err);
    if (s == LT_OK)
        s = decode(&w, latents, kind, seam, err);
    close_stream(&w);
    return s;
}
