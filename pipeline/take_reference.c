/* take_reference.c - reading what a take goes on from; see take_reference.h. */
#include "pipeline/take_reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/frame_reader.h"
#include "media/window_encoder.h"
#include "pipeline/clip_changes.h"
#include "pipeline/clip_rate.h"
#include "pipeline/plan/take_encode.h"
#include "pipeline/plan/token_cut.h"
#include "pipeline/script/recipe.h"
#include "pipeline/script/take_shots.h"

static size_t frame_bytes(const take_reference *f)
{
    return (size_t)f->run->spec.width * (size_t)f->run->spec.height * 3;
}

static lt_status open_reader(take_reference *f, media_reader **reader, lt_error *err)
{
    const take_spec *s = &f->run->spec;
    const media_read_options options = {.width = s->width,
                                        .height = s->height,
                                        .fps = f->run->engine->cfg.pipeline.fps,
                                        .fit = take_media_fit(s->fit),
                                        .stop = take_run_asks_to_stop,
                                        .user = f->run};
    LT_TRY(media_reader_open(f->path, &options, reader, err));
    if (!f->about)
        f->about = take_clip_about(media_reader_info(*reader));
    take_read_at_clip_rate(*reader, f->about, options.fps);
    f->fps = media_reader_info(*reader)->fps;
    f->stored_fps = media_reader_info(*reader)->stored_fps;
    return LT_OK;
}

/* ---- the last frames ---- */

/* The last frames of a stream of unknown length. */
typedef struct {
    uint8_t *frame; /* [capacity] frames; frame k of the stream is at k % capacity */
    int64_t capacity;
    int64_t count; /* read so far */
    int64_t hashed;
    /* of the frames up to the last one on the grid: what is cut off has no say */
    lt_hasher *hasher;
} frame_ring;

static void hash_to_grid(frame_ring *ring, size_t frame_bytes)
{
    for (; ring->hashed < ring->count; ring->hashed++)
        lt_hasher_add(ring->hasher,
                      ring->frame + (size_t)(ring->hashed % ring->capacity) * frame_bytes,
                      frame_bytes);
}

/* Reads up to `most` frames; 0: all. `steps` are to be expected. */
static lt_status fill_ring(const take_reference *f, frame_ring *ring, media_reader *reader,
                           int64_t most, int64_t steps, lt_error *err)
{
    const size_t bytes = frame_bytes(f);
    bool got = true;
    take_clock_at(&f->run->clock, 0, steps);
    while (got && (most == 0 || ring->count < most)) {
        uint8_t *place = ring->frame + (size_t)(ring->count % ring->capacity) * bytes;
        LT_TRY(media_read_frame(reader, place, &got, err));
        ring->count += got;
        take_clock_at(&f->run->clock, ring->count, steps);
        if (got && ring->count % TAKE_FRAMES_PER_LATENT == 1)
            hash_to_grid(ring, bytes);
    }
    return LT_OK;
}

/* Cuts `count` frames back to the grid and copies the last of them. */
static lt_status take_tail(take_reference *f, const frame_ring *ring, lt_error *err)
{
    const int overlap = f->run->spec.time.overlap;
    const size_t bytes = frame_bytes(f);
    f->latents = 1 + (ring->count - 1) / TAKE_FRAMES_PER_LATENT;
    f->frames = take_frames_of_latents(f->latents);
    f->tail_frames = take_frames_of_latents(f->latents < overlap ? f->latents : overlap);
    f->tail = malloc((size_t)f->tail_frames * bytes);
    if (!f->tail)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", f->path);
    for (int64_t i = 0; i < f->tail_frames; i++) {
        const int64_t k = f->frames - f->tail_frames + i;
        memcpy(f->tail + (size_t)i * bytes, ring->frame + (size_t)(k % ring->capacity) * bytes,
               bytes);
    }
    return LT_OK;
}

static lt_status read_tail(take_reference *f, frame_ring *ring, media_reader *reader,
                           double from_seconds, lt_error *err)
{
    const double fps = f->fps;
    const bool picture = f->path == f->run->request->image;
    const int64_t most = picture            ? 2
                         : from_seconds < 0 ? 0
                                            : llround(fmin(from_seconds * fps, 1e15));
    if (from_seconds >= 0 && most < 1)
        return lt_fail(err, LT_ERR_USAGE,
                       "--from: found %g s, expected a moment after the first frame", from_seconds);
    const int64_t said = llround(fmin(media_reader_info(reader)->seconds * fps, 1e12));
    const int64_t steps = most > 0 && (most < said || said == 0) ? most : said;
    LT_TRY(fill_ring(f, ring, reader, most, steps, err));
    if (ring->count == 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: holds no frame", f->path);
    if (picture && ring->count > 1)
        return lt_fail(
            err, LT_ERR_USAGE,
            "--image: %s has more than one frame, expected a picture\nhint: continue goes on from a video",
            f->path);
    if (!picture && ring->count < most)
        return lt_fail(err, LT_ERR_USAGE, "--from: found %g s, %s has %.2f s", from_seconds,
                       f->path, (double)ring->count / fps);
    LT_TRY(take_tail(f, ring, err));
    take_tell_changes(
        f->run, f->path, media_reader_info(reader),
        (take_clip_use){.is_picture = picture, .is_heard = !f->run->request->new_only});
    take_warn_of_damage(f->run, f->path, media_reader_info(reader));
    /* the last frame stands longer than its picture where the clip ends between two frames */
    const double seconds = most == 0 && media_reader_info(reader)->seconds > 0
                               ? media_reader_info(reader)->seconds
                               : (double)ring->count / fps;
    if (f->frames != ring->count)
        take_note(f->run,
                  "%s is used up to %.2f s %s %.2f s: the model counts in groups of %d frames",
                  f->path, (double)f->frames / fps, most > 0 ? "instead of" : "of", seconds,
                  TAKE_FRAMES_PER_LATENT);
    return LT_OK;
}

/* Where nobody says a prompt, the video has to. */
static lt_status check_prompt(const take_reference *f, lt_error *err)
{
    return f->about || take_spec_has_prompt(&f->run->spec) ? LT_OK
                                                           : take_fail_no_prompt(f->path, err);
}

/* A recipe's reference is a certain one. */
static lt_status check_hash(const take_reference *f, lt_error *err)
{
    char found[LT_HASH_TEXT_BYTES];
    const char *wanted = f->run->request->reference_hash;
    lt_hash_text(f->hash, found);
    if (!wanted || strcmp(wanted, found) == 0)
        return LT_OK;
    return lt_fail(err, LT_ERR_INPUT,
                   "%s: the recipe's take went on from other frames (hash %s, expected %s)",
                   f->path, found, wanted);
}

static lt_status check_rereadable(const take_reference *f, lt_error *err)
{
    const char *once = take_read_once(f->path);
    return once ? lt_fail(err, LT_ERR_USAGE,
                          "%s: found %s, expected a file, which is read more than once",
                          f->run->request->image ? "--image" : "continue", once)
                : LT_OK;
}

lt_status take_reference_open(take_reference *f, take_run *run, const char *path,
                              double from_seconds, lt_error *err)
{
    *f = (take_reference){.run = run, .path = path};
    LT_TRY(check_rereadable(f, err));
    frame_ring ring = {.capacity =
                           take_frames_of_latents(run->spec.time.overlap) + TAKE_FRAMES_PER_LATENT};
    ring.frame = malloc((size_t)ring.capacity * frame_bytes(f));
    ring.hasher = lt_hasher_open();
    media_reader *reader = NULL;
    take_clock_enter_quietly(&run->clock, TAKE_READ, 0, 1, 0);
    lt_status s = ring.frame && ring.hasher
                      ? LT_OK
                      : lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", path);
    if (s == LT_OK)
        s = open_reader(f, &reader, err);
    if (s == LT_OK)
        s = check_prompt(f, err);
    if (s == LT_OK)
        s = read_tail(f, &ring, reader, from_seconds, err);
    if (s == LT_OK)
        run->reference = f;
    take_clock_leave(&run->clock);
    media_reader_close(reader);
    free(ring.frame);
    if (ring.hasher)
        f->hash = lt_hasher_close(ring.hasher);
    return s == LT_OK ? check_hash(f, err) : s;
}

lt_status take_reference_grid(take_reference *f, int64_t more, lt_error *err)
{
    take_timeline *t = &f->run->spec.time;
    if (more < 1)
        return lt_fail(err, LT_ERR_USAGE, "%s: the length leaves no new frame to make", f->path);
    *t = take_timeline_after(f->latents, f->frames + more, t->window, t->overlap, t->segment);
    return LT_OK;
}

void take_reference_close(take_reference *f)
{
    if (f->run)
        f->run->reference = NULL;
    free(f->tail);
    lt_json_free(f->about);
    tok_plan_clear(&f->plan);
    *f = (take_reference){0};
}

/* ---- tokens ---- */

/* True when the file's frames are the grid of a take that this very
 * model made from its beginning. */
static bool is_our_take(const take_reference *f)
{
    return f->about && fabs(f->stored_fps - f->fps) <= 1e-3 && !take_about_is_new_only(f->about) &&
           take_about_is_of(f->about, f->run->engine);
}

lt_status take_reference_prompt(const take_reference *f, char **prompt, lt_error *err)
{
    const int64_t last = llround((double)(f->frames - 1) * f->stored_fps / f->fps);
    const char *found = f->about ? take_about_prompt(f->about, last) : NULL;
    *prompt = found ? strdup(found) : NULL;
    return found && !*prompt ? lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", f->path) : LT_OK;
}

lt_status take_reference_plan(take_reference *f, lt_error *err)
{
    lt_error ignored = {0};
    const bool found =
        is_our_take(f) && take_about_plan(f->about, f->run->engine, f->latents, f->frames, f->path,
                                          &f->plan, &ignored) == LT_OK;
    if (found && take_tokens_are_full(&f->plan))
        return LT_OK;
    if (found) { /* joined or cut elsewhere than at segments, which the take's own are */
        tok_plan cut = f->plan;
        const lt_status s = take_tokens_in_full(f->run->engine, &cut, 0, f->latents, &f->plan, err);
        tok_plan_clear(&cut);
        if (s == LT_OK)
            f->plan.video_frames = f->frames;
        return s;
    }
    const semantic_source whole = {
        .path = f->path, .fit = take_media_fit(f->run->spec.fit), .most_frames = f->frames};
    return take_encode_video(f->run, &whole, f->run->spec.codes, &f->plan, NULL, err);
}

/* ---- output ---- */

static int64_t group_frames(const take_reference *f)
{
    return take_frames_of_latents(f->run->spec.time.window);
}

int64_t take_reference_groups(const take_reference *f)
{
    return (f->frames + group_frames(f) - 1) / group_frames(f);
}

static take_product product_of_group(const take_reference *f, const media_spec *spec, int64_t group)
{
    take_key k;
    take_key_begin(&k, "reference");
    take_key_hash(&k, f->hash);
    take_key_int(&k, f->frames);
    take_key_int(&k, group);
    take_key_int(&k, spec->format);
    take_key_int(&k, spec->width);
    take_key_int(&k, spec->height);
    take_key_int(&k, spec->scale);
    take_key_real(&k, spec->fps);
    return (take_product){"reference", group, take_key_end(&k)};
}

lt_status take_reference_stored(take_reference *f, const media_spec *spec, int64_t group,
                                void **blob, size_t *bytes, lt_error *err)
{
    bool found = false;
    LT_TRY(take_job_get(f->run->job, product_of_group(f, spec, group), blob, bytes, &found, err));
    return found ? LT_OK
                 : lt_fail(err, LT_ERR_FAILED, "reference.%03lld vanished from the job folder",
                           (long long)group);
}

/* One group's encoded pictures, from the job folder or of its `frames` [count]; free() them. */
static lt_status encode_group(take_reference *f, const media_spec *spec, int64_t group,
                              int64_t count, const uint8_t *frames, void **blob, size_t *bytes,
                              lt_error *err)
{
    const take_product product = product_of_group(f, spec, group);
    bool found = false;
    LT_TRY(take_job_get(f->run->job, product, blob, bytes, &found, err));
    if (found)
        return LT_OK;
    LT_TRY(media_encode_frames(spec, frames, count, blob, bytes, err));
    return take_job_put(f->run->job, product, *blob, *bytes, err);
}

static lt_status write_group(take_reference *f, const media_spec *spec, take_video *v,
                             int64_t group, int64_t count, const uint8_t *frames, lt_error *err)
{
    void *blob = NULL;
    size_t bytes = 0;
    lt_status s = encode_group(f, spec, group, count, frames, &blob, &bytes, err);
    if (s == LT_OK)
        s = take_video_add(v, blob, bytes, err);
    free(blob);
    return s;
}

static lt_status write_groups(take_reference *f, take_decoder *d, take_video *v,
                              media_reader *reader, uint8_t *frames, int64_t most, lt_error *err)
{
    int64_t group = 0;
    for (int64_t first = 0; first < f->frames; first += most, group++) {
        const int64_t count = f->frames - first < most ? f->frames - first : most;
        take_clock_enter_quietly(&f->run->clock, TAKE_READ, group, take_reference_groups(f), count);
        for (int64_t i = 0; i < count; i++) {
            bool got = false;
            take_clock_at(&f->run->clock, i, count);
            LT_TRY(media_read_frame(reader, frames + (size_t)i * frame_bytes(f), &got, err));
            if (!got)
                return lt_fail(err, LT_ERR_INPUT, "%s: ends at frame %lld, it had %lld before",
                               f->path, (long long)(first + i), (long long)f->frames);
        }
        take_changes_saw(&d->changes, first, count, frames);
        LT_TRY(take_decode_hand_out(d, first, count, frames, err));
        if (d->make_video)
            LT_TRY(write_group(f, &d->spec, v, group, count, frames, err));
        take_clock_leave(&f->run->clock);
    }
    return LT_OK;
}

lt_status take_reference_write(take_reference *f, take_decoder *d, take_video *v, lt_error *err)
{
    const int64_t most = group_frames(f);
    media_reader *reader = NULL;
    uint8_t *frames = malloc((size_t)most * frame_bytes(f));
    lt_status s = frames ? open_reader(f, &reader, err)
                         : lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", f->path);
    if (s == LT_OK)
        s = write_groups(f, d, v, reader, frames, most, err);
    media_reader_close(reader);
    free(frames);
    return s;
}
