/* take_decode.c - decoding and encoding one window after the other; see take_decode.h. */
#include "pipeline/take_decode.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/frame_sizes.h"
#include "pipeline/plan/take_plan.h"
#include "pipeline/seam_fade.h"
#include "pipeline/take_reference.h"
#include "temporal_vae/vae_encoder.h"

/* What the decoder's states may take of a kept job folder: those of 30 seconds of mini fit, one of
 * the release does not. */
static const int64_t kept_state_bytes = (int64_t)512 << 20;

static size_t frame_bytes(const take_decoder *d)
{
    return (size_t)d->spec.width * (size_t)d->spec.height * 3;
}

static int64_t latent_values(const take_decoder *d)
{
    return take_latent_values(&d->run->engine->cfg.mmdit);
}

static bool decodes_alone(const take_decoder *d)
{
    return d->run->spec.carry == CFG_CARRY_FRAMES;
}

/* Beside refinement the network has a queue of its own, which the
 * engine keeps for the next take. */
static lt_status find_device(const take_decoder *d, lt_backend **out, lt_error *err)
{
    longtake *e = d->run->engine;
    const bool beside = d->run->memory.networks == TAKE_NETWORKS_AT_ONCE;
    if (beside && !e->beside)
        LT_TRY(e->backend->table->again(e->backend, &e->beside, err));
    *out = beside ? e->beside : e->backend;
    return LT_OK;
}

static lt_status open_network(take_decoder *d, lt_error *err)
{
    longtake *e = d->run->engine;
    lt_backend *device = NULL;
    if (d->decoder)
        return LT_OK;
    LT_TRY(find_device(d, &device, err));
    const unsigned what =
        take_vae_parts(&d->run->memory, d->run->spec.carry, d->run->reference != NULL);
    LT_TRY(take_engine_weights(e, TAKE_NET_VAE, &d->file, err));
    LT_TRY(vae_open(d->file, &e->cfg.temporal_vae, device, what, &d->vae, err));
    return vae_decoder_open(d->vae, e->cfg.mmdit.latent_height, e->cfg.mmdit.latent_width,
                            &d->decoder, err);
}

static take_product state_after(const take_decoder *d, int64_t c)
{
    return (take_product){"state", c, d->state_key[c]};
}

static take_product video_of(const take_decoder *d, int64_t c)
{
    return (take_product){"video", c, d->video_key[c]};
}

/* ---- state between windows: the last frame, then what the decoder keeps ---- */

/* A window that is decoded alone leaves its last frame, for the seam. */
static size_t decoder_bytes(const take_decoder *d)
{
    return decodes_alone(d) ? 0 : vae_decoder_state_bytes(d->decoder);
}

static lt_status save_state(take_decoder *d, int64_t c, lt_error *err)
{
    if (!d->run->job)
        return LT_OK;
    const size_t frame = frame_bytes(d);
    const size_t bytes = frame + decoder_bytes(d);
    char *state = malloc(bytes);
    if (!state)
        return lt_fail(err, LT_ERR_RESOURCES,
                       "decode: %zu bytes for the decoder's state are not there", bytes);
    take_changes_put_last(&d->changes, state);
    lt_status s = decodes_alone(d) ? LT_OK : vae_decoder_save(d->decoder, state + frame, err);
    if (s == LT_OK)
        s = take_job_put(d->run->job, state_after(d, c), state, bytes, err);
    free(state);
    return s;
}

/* Does the state after window c stay in the folder, for a later retake to begin from? Those of
 * every n-th window do, with the least n that keeps them within bounds. */
static bool state_stays(const take_decoder *d, int64_t c)
{
    const int64_t windows = d->run->spec.time.windows;
    const int64_t room = kept_state_bytes / (int64_t)(frame_bytes(d) + decoder_bytes(d));
    if (d->run->job_is_implicit || room < 1)
        return false;
    return (c + 1) % ((windows + room - 1) / room) == 0;
}

/* Does anything go on from the state after window c, which was just decoded? After the last window
 * a longer take may, from a folder that is kept. */
static bool is_left_behind(const take_decoder *d, int64_t c)
{
    const bool last = c + 1 == d->run->spec.time.windows;
    return d->at == c + 1 && !(last && d->run->job_is_implicit);
}

/* Puts the decoder before window c from the state that window c-1 left. *found is
 * false where it is not there. */
static lt_status load_state(take_decoder *d, int64_t c, bool *found, lt_error *err)
{
    void *state = NULL;
    size_t bytes = 0;
    LT_TRY(take_job_get(d->run->job, state_after(d, c - 1), &state, &bytes, found, err));
    const size_t frame = frame_bytes(d);
    *found = *found && bytes == frame + decoder_bytes(d);
    lt_status s = LT_OK;
    if (*found) {
        take_changes_get_last(&d->changes, take_window_at(&d->run->spec.time, c).first_frame - 1,
                              state);
        if (!decodes_alone(d))
            s = vae_decoder_load(d->decoder, (char *)state + frame, bytes - frame, err);
    }
    free(state);
    return s;
}

/* *there is false where the state before window c is not in the job folder. */
static lt_status stand_before(take_decoder *d, int64_t c, bool *there, lt_error *err)
{
    *there = true;
    if (d->at == c && c > 0)
        return LT_OK;
    LT_TRY(vae_decoder_reset(d->decoder, err));
    if (c > 0)
        LT_TRY(load_state(d, c, there, err));
    d->at = *there ? c : -1;
    return LT_OK;
}

/* ---- a window ---- */

/* The latents of window c that are decoded: skip .. skip + count - 1. */
typedef struct {
    int skip;
    int count;
} decoded_part;

/* Known ones only where a stream begins; behind the last delivered frame none but
 * what the decoder takes along. */
static decoded_part part_of(const take_spec *s, int64_t c)
{
    const take_window w = take_window_at(&s->time, c);
    const int skip = c == 0 || s->carry == CFG_CARRY_FRAMES ? 0 : w.known;
    const int all = w.latents - skip;
    const int64_t count = w.shown > skip ? vae_decoder_whole_calls(skip, w.shown - skip) : all;
    return (decoded_part){skip, count < all ? (int)count : all};
}

int64_t take_decoded_latents(const take_spec *s)
{
    int64_t sum = 0;
    for (int64_t c = 0; c < s->time.windows; c++)
        sum += part_of(s, c).count;
    return sum;
}

/* New frames of window c to d->frames, *count of them from *first on. */
static lt_status decode_frames(take_decoder *d, int64_t c, const take_window *w,
                               const float *latents, const uint8_t **first, int64_t *count,
                               lt_error *err)
{
    const decoded_part part = part_of(&d->run->spec, c);
    if (decodes_alone(d))
        LT_TRY(vae_decoder_reset(d->decoder, err));
    const int64_t frames = vae_decoder_frames(d->decoder, part.count);
    const int64_t known = w->known > part.skip ? take_frames_of_latents(w->known) : 0;
    LT_TRY(vae_decode(d->decoder, latents + part.skip * latent_values(d), part.count, d->frames,
                      NULL, err));
    *first = d->frames + (size_t)known * frame_bytes(d);
    *count = frames - known;
    d->at = *count == w->frames ? c + 1 : -1;
    return LT_OK;
}

/* The frame before the first new one is the reference's last, as the decoder shows it. */
static void go_on_from_reference(take_decoder *d, const take_window *w, int64_t count)
{
    const take_reference *f = d->run->reference;
    const size_t bytes = frame_bytes(d);
    uint8_t *first = d->frames + (size_t)take_frames_of_latents(w->known) * bytes;
    const uint8_t *shown = f->tail + (size_t)(f->tail_frames - 1) * bytes;
    const double usual = take_usual_change(f->tail, f->tail_frames, bytes);
    int frame = 0;
    const int64_t last = take_plan_at(&d->run->plan, take_latents_of_frames(f->frames) - 1, &frame);
    const bool is_picture = take_plan_is_picture(d->run, last);
    const int dissolved = is_picture
                              ? take_seam_dissolve(shown, first, count, bytes, usual)
                              : take_seam_fade(shown, first - bytes, first, count, bytes, usual);
    if (dissolved > 0)
        take_note(d->run,
                  "the new part begins differently from the end of %s: blended over %d frame%s%s",
                  f->path, dissolved, dissolved == 1 ? "" : "s",
                  dissolved > count ? ", within which the take ends" : "");
}

lt_status take_decode_hand_out(const take_decoder *d, int64_t first, int64_t count,
                               const uint8_t *frames, lt_error *err)
{
    const longtake_request *r = d->run->request;
    for (int64_t i = 0; r->on_frame && i < count; i++) {
        take_clock_hold(&d->run->clock);
        const int asked = r->on_frame(r->user, first + i, frames + (size_t)i * frame_bytes(d),
                                      d->spec.width, d->spec.height);
        take_clock_release(&d->run->clock);
        if (asked != 0)
            return lt_fail(err, LT_ERR_CANCELLED, "stopped by the frame callback at frame %lld",
                           (long long)(first + i));
    }
    return LT_OK;
}

/* The product: changes of the window's frames, then the encoded pictures. */
static lt_status keep_video(take_decoder *d, int64_t c, const take_window *w, const void *blob,
                            size_t bytes, lt_error *err)
{
    if (!d->run->job || !blob)
        return LT_OK;
    const size_t changes = take_changes_bytes(w->frames);
    char *data = malloc(changes + bytes);
    if (!data)
        return lt_fail(err, LT_ERR_RESOURCES, "decode: out of memory");
    take_changes_put(&d->changes, w->first_frame, w->frames, data);
    memcpy(data + changes, blob, bytes);
    const lt_status s = take_job_put(d->run->job, video_of(d, c), data, changes + bytes, err);
    free(data);
    return s;
}

/* *blob stays NULL where the product is not there. */
static lt_status find_video(take_decoder *d, int64_t c, const take_window *w, void **blob,
                            size_t *bytes, lt_error *err)
{
    void *data = NULL;
    size_t got = 0;
    bool found = false;
    *blob = NULL;
    LT_TRY(take_job_get(d->run->job, video_of(d, c), &data, &got, &found, err));
    const size_t changes = take_changes_bytes(w->frames);
    if (!found || got <= changes) {
        free(data);
        return LT_OK;
    }
    take_changes_get(&d->changes, w->first_frame, w->frames, data);
    *bytes = got - changes;
    memmove(data, (char *)data + changes, *bytes);
    *blob = data;
    return LT_OK;
}

bool take_decode_has(const take_decoder *d, int64_t c)
{
    return take_job_has(d->run->job, video_of(d, c));
}

static lt_status make_window(take_decoder *d, int64_t c, const take_window *w, const float *latents,
                             void **blob, size_t *bytes, lt_error *err)
{
    const uint8_t *first = NULL;
    int64_t count = 0;
    assert(d->at == c);
    LT_TRY(decode_frames(d, c, w, latents, &first, &count, err));
    if (c == 0 && d->run->reference)
        go_on_from_reference(d, w, count);
    take_changes_saw(&d->changes, w->first_frame, count, first);
    LT_TRY(take_decode_hand_out(d, w->first_frame, w->delivered, first, err));
    if (d->make_video && w->delivered > 0)
        LT_TRY(media_encode_frames(&d->spec, first, w->delivered, blob, bytes, err));
    if (is_left_behind(d, c))
        LT_TRY(save_state(d, c, err));
    LT_TRY(keep_video(d, c, w, *blob, *bytes, err));
    if (c > 0 && !state_stays(d, c - 1))
        take_job_drop(d->run->job, state_after(d, c - 1));
    return LT_OK;
}

/* Takes window c from the job folder, or makes the decoder ready for it. Another process may have
 * come further than when the folder was looked at: it drops the state before a window once the
 * window's video is there. Where frames are handed out a video is no use, since it has none. */
static lt_status find_or_prepare(take_decoder *d, int64_t c, const take_window *w, void **blob,
                                 size_t *bytes, lt_error *err)
{
    const bool takes_video = !d->run->request->on_frame;
    bool there = true;
    if (d->at == c && c > 0)
        return LT_OK;
    if (c > d->ready && takes_video)
        LT_TRY(find_video(d, c, w, blob, bytes, err));
    if (!*blob)
        LT_TRY(stand_before(d, c, &there, err));
    if (!there && takes_video)
        LT_TRY(find_video(d, c, w, blob, bytes, err));
    if (!there && !*blob)
        return lt_fail(err, LT_ERR_FAILED,
                       "decode: the state before window %lld vanished from the job folder",
                       (long long)c);
    return LT_OK;
}

lt_status take_decode_stored(take_decoder *d, int64_t c, void **blob, size_t *bytes, lt_error *err)
{
    const take_window w = take_window_at(&d->run->spec.time, c);
    LT_TRY(find_video(d, c, &w, blob, bytes, err));
    if (!*blob && w.delivered > 0)
        return lt_fail(err, LT_ERR_FAILED, "the video of window %lld vanished from the job folder",
                       (long long)c);
    return LT_OK;
}

lt_status take_decode_window(take_decoder *d, int64_t c, const float *latents, void **blob,
                             size_t *bytes, lt_error *err)
{
    take_run *run = d->run;
    const take_window w = take_window_at(&run->spec.time, c);
    *blob = NULL;
    *bytes = 0;
    if (c < d->ready) {
        take_clock_found(&run->clock, TAKE_DECODE, part_of(&run->spec, c).count);
        return take_decode_stored(d, c, blob, bytes, err);
    }
    take_clock_enter(&run->clock, TAKE_DECODE, c, run->spec.time.windows, 1);
    lt_status s = open_network(d, err);
    /* else every window opens it: that is part of its cost */
    if (run->memory.networks != TAKE_NETWORKS_IN_TURNS)
        take_clock_opened(&run->clock);
    if (s == LT_OK)
        s = find_or_prepare(d, c, &w, blob, bytes, err);
    if (s == LT_OK && *blob) {
        take_clock_found(&run->clock, TAKE_DECODE, part_of(&run->spec, c).count);
    } else if (s == LT_OK) {
        s = make_window(d, c, &w, latents, blob, bytes, err);
        if (s == LT_OK) {
            s = take_clock_step(&run->clock, 1, part_of(&run->spec, c).count, err);
        } else {
            free(*blob);
            *blob = NULL;
        }
    }
    take_clock_leave(&run->clock);
    /* later windows decode fewer latents each */
    if (c == 0)
        take_clock_set_apart(&run->clock, TAKE_DECODE);
    return s;
}

static lt_status decode_and_encode(take_decoder *d, const float *latents, float *known,
                                   lt_error *err)
{
    const take_timeline *t = &d->run->spec.time;
    const int64_t all = take_frames_of_latents(t->window);
    const int64_t tail = take_frames_of_latents(t->overlap);
    LT_TRY(vae_decoder_reset(d->decoder, err));
    LT_TRY(vae_decode(d->decoder, latents, t->window, d->frames, NULL, err));
    return vae_encode_rgb8(d->vae, d->frames + (size_t)(all - tail) * frame_bytes(d), tail,
                           d->spec.height, d->spec.width, known, err);
}

lt_status take_decode_carry(take_decoder *d, int64_t c, const float *latents, float *known,
                            lt_error *err)
{
    take_clock *clock = &d->run->clock;
    take_clock_enter(clock, TAKE_ENCODE, c, d->run->spec.time.windows, 1);
    lt_status s = open_network(d, err);
    if (d->run->memory.networks != TAKE_NETWORKS_IN_TURNS)
        take_clock_opened(clock);
    if (s == LT_OK)
        s = decode_and_encode(d, latents, known, err);
    if (s == LT_OK)
        s = take_clock_step(clock, 1, 1, err);
    take_clock_leave(clock);
    return s;
}

lt_status take_decode_reference(take_decoder *d, float *known, lt_error *err)
{
    const take_reference *f = d->run->reference;
    const size_t bytes = (size_t)(d->run->spec.time.first_known * latent_values(d)) * sizeof *known;
    bool found = false;
    take_key k;
    LT_TRY(take_key_of_stage(d->run->engine, &k, "known.000", TAKE_NET_VAE, err));
    take_key_bytes(&k, f->tail, (size_t)f->tail_frames * frame_bytes(d));
    const take_product product = {"known", 0, take_key_end(&k)};
    LT_TRY(take_job_read(d->run->job, product, known, bytes, &found, err));
    if (found)
        return LT_OK;
    LT_TRY(open_network(d, err));
    LT_TRY(vae_encode_rgb8(d->vae, f->tail, f->tail_frames, d->spec.height, d->spec.width, known,
                           err));
    return take_job_put(d->run->job, product, known, bytes, err);
}

/* ---- opening ---- */

/* Keys of every window's video and of the state after it. */
static lt_status make_keys(take_decoder *d, const lt_hash *latents_key, lt_error *err)
{
    for (int64_t c = 0; c < d->run->spec.time.windows; c++) {
        const take_window w = take_window_at(&d->run->spec.time, c);
        take_key k;
        LT_TRY(take_key_of_stage(d->run->engine, &k, "state", TAKE_NET_VAE, err));
        take_key_hash(&k, latents_key[c]);
        if (c > 0 && !decodes_alone(d)) /* a kept rest goes on from other frames than before */
            take_key_hash(&k, d->state_key[c - 1]);
        take_key_int(&k, c);
        d->state_key[c] = take_key_end(&k);
        if (c > 0 && decodes_alone(d)) /* its seam, though none of its pictures, comes of both */
            take_key_hash(&k, latents_key[c - 1]);
        take_key_text(&k, "video");
        take_key_int(&k, d->spec.format);
        take_key_int(&k, d->spec.width);
        take_key_int(&k, d->spec.height);
        take_key_int(&k, d->spec.scale);
        take_key_real(&k, d->spec.fps);
        take_key_int(&k, w.delivered);
        d->video_key[c] = take_key_end(&k);
    }
    return LT_OK;
}

/* *found: the folder holds the state after window c. */
static lt_status find_state(take_decoder *d, int64_t c, bool *found, lt_error *err)
{
    void *state = NULL;
    size_t bytes = 0;
    const lt_status s = take_job_get(d->run->job, state_after(d, c), &state, &bytes, found, err);
    free(state);
    return s;
}

/* How many windows from the first on are ready. The decoder can go on after them only from the
 * state that the last of them left; without it, from an earlier one, and what lies between is
 * decoded once more. */
static lt_status find_ready(take_decoder *d, lt_error *err)
{
    take_run *run = d->run;
    if (!d->make_video || run->request->on_frame)
        return LT_OK;
    for (; d->ready < run->spec.time.windows; d->ready++) {
        const take_window w = take_window_at(&run->spec.time, d->ready);
        void *blob = NULL;
        size_t bytes = 0;
        LT_TRY(find_video(d, d->ready, &w, &blob, &bytes, err));
        free(blob);
        if (!blob && w.delivered > 0)
            break;
    }
    if (d->ready == run->spec.time.windows)
        return LT_OK;
    bool found = false;
    while (d->ready > 0 && !found) {
        LT_TRY(find_state(d, d->ready - 1, &found, err));
        d->ready -= !found;
    }
    return LT_OK;
}

lt_status take_decoder_open(take_decoder *d, take_run *run, const media_spec *spec, bool make_video,
                            const lt_hash *latents_key, lt_error *err)
{
    *d = (take_decoder){.run = run, .spec = *spec, .make_video = make_video, .at = -1};
    const take_timeline *t = &run->spec.time;
    const size_t windows = (size_t)t->windows;
    d->frames = malloc(frame_bytes(d) * (size_t)take_frames_of_latents(t->window));
    d->video_key = calloc(windows, sizeof *d->video_key);
    d->state_key = calloc(windows, sizeof *d->state_key);
    LT_TRY(take_changes_open(&d->changes, take_frames_of_latents(t->latents), frame_bytes(d), err));
    if (!d->frames || !d->video_key || !d->state_key)
        return lt_fail(err, LT_ERR_RESOURCES, "decode: out of memory");
    if (run->reference) {
        const take_reference *f = run->reference;
        take_changes_get_last(&d->changes, f->frames - 1,
                              f->tail + (size_t)(f->tail_frames - 1) * frame_bytes(d));
    }
    take_clock_plan(&run->clock, TAKE_DECODE, (double)take_decoded_latents(&run->spec));
    LT_TRY(make_keys(d, latents_key, err));
    return find_ready(d, err);
}

static void close_network(take_decoder *d)
{
    vae_decoder_close(d->decoder);
    vae_close(d->vae);
    lt_weights_close(d->file);
    d->decoder = NULL;
    d->vae = NULL;
    d->file = NULL;
    if (!decodes_alone(d))
        d->at = -1;
}

void take_decoder_rest(take_decoder *d)
{
    if (d->run->job || decodes_alone(d))
        close_network(d);
}

void take_decoder_close(take_decoder *d)
{
    if (!d->run)
        return;
    close_network(d);
    take_changes_close(&d->changes);
    free(d->frames);
    free(d->video_key);
    free(d->state_key);
    *d = (take_decoder){.at = -1};
}
