/* take_report.c - JSON about a take; see take_report.h. */
#include "pipeline/take_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "media/frame_reader.h"
#include "media/libav_error.h"
#include "media/video_file.h"
#include "pipeline/device_choice.h"
#include "pipeline/measure/take_profile.h"
#include "pipeline/plan/take_plan.h"
#include "pipeline/script/recipe.h"
#include "pipeline/take_reference.h"

/* The lengths of segments, where they are not those of a plan made in one go. */
static void add_segments(const take_run *run, lt_json *o)
{
    bool in_one_go = true;
    for (int64_t k = 0; k + 1 < run->plan.segments; k++)
        in_one_go =
            in_one_go && run->plan.segment[k].frames == run->engine->cfg.ar_model.segment_frames;
    if (in_one_go)
        return;
    lt_json *lengths = lt_json_new_array();
    for (int64_t k = 0; k < run->plan.segments; k++)
        lt_json_append(lengths, lt_json_new_int(run->plan.segment[k].frames));
    lt_json_set(o, "segment_frames", lengths);
}

static void set_hash(lt_json *o, const char *key, lt_hash hash)
{
    char text[LT_HASH_TEXT_BYTES];
    lt_hash_text(hash, text);
    lt_json_set(o, key, lt_json_new_string(text));
}

/* Latents that are decoded otherwise than they were made: the file is of both. */
static void note_decoding(lt_json *about, const longtake *e)
{
    if (take_about_says_other(about, "precision", take_engine_precision(e)) ||
        take_about_says_other(about, "device", e->backend->table->name))
        lt_json_set(about, "decoded_in", lt_json_new_string(take_engine_precision(e)));
    if (take_about_other_hash(about, "config_hash", e->fixed_hash))
        set_hash(about, "decoder_config_hash", e->fixed_hash);
}

/* What the input says of itself; a decoded file may have another rate and size than was thought of
 * when it was refined. */
static lt_json *about_of_input(const take_run *run, lt_error *err)
{
    lt_hash decoder;
    lt_json *about = NULL;
    if (take_engine_hash(run->engine, TAKE_NET_VAE, &decoder, err) != LT_OK ||
        lt_json_parse(run->given_about, strlen(run->given_about), "metadata", &about, err) != LT_OK)
        return NULL;
    lt_json_set(about, "settings", take_spec_json(&run->spec));
    note_decoding(about, run->engine);
    if (take_about_other_hash(about, "decoder_hash", decoder)) {
        lt_json_set(about, "decoder", lt_json_new_string(run->engine->files.name));
        set_hash(about, "decoder_hash", decoder);
    }
    return about;
}

/* A list; of a long take one text of the same numbers with a space between, which takes a tenth of
 * the memory when it is read. NULL when memory is out. */
static lt_json *codes_json(const int32_t *codes, int64_t count)
{
    enum { MOST_LISTED = 1 << 16, CODE_BYTES = 12 };
    if (count <= MOST_LISTED) {
        lt_json *list = lt_json_new_array();
        for (int64_t i = 0; i < count; i++)
            lt_json_append(list, lt_json_new_int(codes[i]));
        return list;
    }
    char *text = malloc((size_t)count * CODE_BYTES);
    char *at = text;
    for (int64_t i = 0; text && i < count; i++)
        at += snprintf(at, CODE_BYTES, i > 0 ? " %d" : "%d", (int)codes[i]);
    lt_json *words = text ? lt_json_new_string(text) : NULL;
    free(text);
    return words;
}

lt_json *take_about(take_run *run, lt_error *err)
{
    longtake *e = run->engine;
    lt_hash model;
    lt_hash decoder;
    if (run->given_about)
        return about_of_input(run, err);
    if (take_engine_model_hash(e, &model, err) != LT_OK ||
        take_engine_hash(e, TAKE_NET_VAE, &decoder, err) != LT_OK)
        return NULL;
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "made_by", lt_json_new_string("longtake"));
    lt_json_set(o, "model", lt_json_new_string(e->files.name));
    set_hash(o, "model_hash", model);
    set_hash(o, "decoder_hash", decoder);
    set_hash(o, "config_hash", e->fixed_hash);
    lt_json_set(o, "device", lt_json_new_string(e->backend->table->name));
    lt_json_set(o, "precision", lt_json_new_string(take_engine_precision(e)));
    lt_json *settings = take_spec_json(&run->spec);
    if (run->reference && run->spec.codes != TAKE_CODES_FITTING)
        lt_json_set(settings, "codes", lt_json_new_string(take_codes_name(run->spec.codes)));
    lt_json_set(o, "settings", settings);
    if (run->reference) {
        lt_json *reference = lt_json_new_object();
        lt_json_set(reference, "frames", lt_json_new_int(run->reference->frames));
        set_hash(reference, "hash", run->reference->hash);
        if (run->reference->fps != run->spec.model_fps)
            lt_json_set(reference, "fps", lt_json_new_real(run->reference->fps));
        lt_json_set(reference, "new_only", lt_json_new_bool(run->request->new_only));
        lt_json_set(o, "reference", reference);
    }
    lt_json_set(o, "semantic_frames", lt_json_new_int(run->plan.frames));
    add_segments(run, o);
    int32_t *codes = calloc((size_t)run->plan.id_count + 1, sizeof *codes);
    if (!codes) {
        lt_json_free(o);
        lt_fail(err, LT_ERR_RESOURCES, "metadata: out of memory");
        return NULL;
    }
    for (int64_t k = 0; k < run->plan.segments; k++)
        take_plan_codes(run, k, codes + run->plan.segment[k].first_id);
    lt_json_set(o, "tokens", codes_json(codes, run->plan.id_count));
    free(codes);
    return o;
}

/* What a take is known by before it has a plan; by its precision too, where one was chosen. */
static const char *const told_before_plan[] = {
    "made_by", "model", "model_hash", "config_hash", "decoder_hash", "settings", "reference"};

/* Do both say the same, or neither anything? */
static bool agree(const lt_json *wanted, const lt_json *there, const char *key)
{
    const lt_json *a = lt_json_get(wanted, key);
    const lt_json *b = lt_json_get(there, key);
    return (!a && !b) || lt_json_equal(a, b);
}

/* Can all frames of a video be read, and are they so many? Of one that cannot be read at all its
 * length must do. */
static bool is_whole_video(take_run *run, const char *path, int64_t frames)
{
    const media_read_options options = {.stop = take_run_asks_to_stop, .user = run};
    media_reader *reader = NULL;
    lt_error ignored = {0};
    if (media_reader_open(path, &options, &reader, &ignored) != LT_OK)
        return false;
    const media_video_info *info = media_reader_info(reader);
    if (info->told_only) {
        const bool as_long = llround(info->seconds * run->spec.fps) == frames;
        media_reader_close(reader);
        return as_long;
    }
    uint8_t *rgb = malloc((size_t)info->width * (size_t)info->height * 3);
    bool got = rgb != NULL;
    int64_t read = -1;
    do
        take_clock_at(&run->clock, ++read, frames);
    while (got && read <= frames && media_read_frame(reader, rgb, &got, &ignored) == LT_OK && got);
    const bool whole = !got && read == frames && info->damaged == 0;
    free(rgb);
    media_reader_close(reader);
    return whole;
}

static bool is_whole(take_run *run, const char *path)
{
    const int64_t frames = take_delivered_frames(run);
    take_clock_enter_quietly(&run->clock, TAKE_READ, 0, 1, frames);
    const bool whole = is_whole_video(run, path, frames);
    take_clock_leave(&run->clock);
    return whole;
}

bool take_is_made(take_run *run, const char *path)
{
    lt_error ignored = {0};
    lt_json *there = NULL;
    /* a file does not tell its seams, which only making it measures */
    const bool has_limit = run->request->max_seam >= 0 && run->spec.time.windows > 1;
    if (has_limit || run->request->no_metadata || run->request->tokens ||
        take_recipe_read(path, &there, &ignored) != LT_OK)
        return false; /* a plan of the caller's own is not compared */
    lt_json *wanted = take_about(run, &ignored);
    bool same = wanted && (!run->engine->chose_precision || agree(wanted, there, "precision"));
    for (size_t i = 0; same && i < sizeof told_before_plan / sizeof *told_before_plan; i++)
        same = agree(wanted, there, told_before_plan[i]);
    if (same && is_whole(run, path))
        run->given_about = lt_json_text(there);
    lt_json_free(wanted);
    lt_json_free(there);
    return run->given_about != NULL;
}

static lt_json *stage_report(take_run *run)
{
    lt_json *stages = lt_json_new_object();
    for (int s = 0; s < TAKE_STAGES; s++) {
        const take_stage_total t = take_clock_of(&run->clock, (take_stage)s);
        if (t.done <= 0 && t.seconds + t.open_seconds <= 0)
            continue;
        lt_json *stage = lt_json_new_object();
        lt_json_set(stage, "seconds", lt_json_new_real(t.seconds + t.open_seconds));
        lt_json_set(stage, "units", lt_json_new_real(t.done));
        lt_json_set(stage, "computed", lt_json_new_real(t.measured));
        lt_json_set(stage, "peak_bytes", lt_json_new_int((int64_t)t.peak_bytes));
        take_profile_share(run->engine, (take_stage)s, stage);
        lt_json_set(stages, take_stage_name((take_stage)s), stage);
    }
    return stages;
}

/* The file's name, and its hash; a stream and a sequence of pictures have none. */
static void add_file(lt_json *o, const char *name_key, const char *hash_key, const char *path)
{
    lt_error ignored = {0};
    struct stat st;
    lt_hash hash;
    char text[LT_HASH_TEXT_BYTES];
    lt_json_set(o, name_key, lt_json_new_any_text(path));
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
        lt_hash_file(path, &hash, &ignored) != LT_OK)
        return;
    lt_hash_text(hash, text);
    lt_json_set(o, hash_key, lt_json_new_string(text));
}

static lt_json *versions(void)
{
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "longtake", lt_json_new_string(LONGTAKE_VERSION));
    if (media_version())
        lt_json_set(o, "libav", lt_json_new_string(media_version()));
    return o;
}

/* What was written. */
static void add_output(const take_run *run, const take_made *made, const char *output, lt_json *o)
{
    const media_kind *video = take_video_of(made->kind);
    if (video && video->many_files) {
        lt_json_set(o, "output", lt_json_new_any_text(output));
        lt_json_set(o, "pictures", lt_json_new_int(take_delivered_frames(run)));
    } else {
        add_file(o, "output", "output_hash",
                 output                 ? output
                 : run->request->output ? run->request->output
                                        : "");
    }
}

/* What codes the plan is in, and what that was chosen by. */
static void add_encoding(const take_encoding *encoding, lt_json *o)
{
    lt_json_set(o, "codes",
                lt_json_new_string(take_codes_name(encoding->is_pictures ? TAKE_CODES_PICTURE
                                                                         : TAKE_CODES_SCENE)));
    if (encoding->distance >= 0)
        lt_json_set(o, "code_distance", lt_json_new_real(encoding->distance));
    if (encoding->error >= 0)
        lt_json_set(o, "colour_error", lt_json_new_real(encoding->error));
}

static char *report_text(take_run *run, const take_made *made, const char *output, lt_error *err)
{
    lt_json *o = take_about(run, err);
    if (!o)
        return NULL;
    const longtake_request *r = run->request;
    const lt_backend *b = run->engine->backend;
    lt_json_set(o, "command", lt_json_new_string(made->command));
    if (r->input)
        add_file(o, "input", "input_hash", r->input);
    if (r->image)
        add_file(o, "image", "image_hash", r->image);
    add_output(run, made, output, o);
    lt_json_set(o, "version", lt_json_new_string(LONGTAKE_VERSION));
    lt_json_set(o, "versions", versions());
    lt_json_set(o, "device", lt_json_new_string(b->table->name));
    lt_json_set(o, "precision", lt_json_new_string(take_engine_precision(run->engine)));
    lt_json_set(o, "seconds", lt_json_new_real(take_clock_elapsed(&run->clock)));
    lt_json *profile = take_profile_json(run->engine, err);
    take_memory_describe(&run->memory, o);
    lt_json_set(o, "stages", stage_report(run));
    if (profile)
        lt_json_set(o, "profile", profile);
    if (made->seam_window >= 0) {
        lt_json *seam = lt_json_new_object();
        lt_json_set(seam, "worst", lt_json_new_real(made->worst_seam));
        lt_json_set(seam, "window", lt_json_new_int(made->seam_window));
        lt_json_set(o, "seam", seam);
    }
    if (made->encoding)
        add_encoding(made->encoding, o);
    lt_json *warnings = lt_json_new_array();
    for (int i = 0; i < run->warnings; i++)
        lt_json_append(warnings, lt_json_new_any_text(run->warning[i])); /* may name a file */
    lt_json_set(o, "warnings", warnings);
    char *text = lt_json_text(o);
    lt_json_free(o);
    if (!text)
        lt_fail(err, LT_ERR_RESOURCES, "report: out of memory");
    return text;
}

int64_t take_delivered_frames(const take_run *run)
{
    return run->spec.time.frames -
           (run->reference && run->request->new_only ? run->reference->frames : 0);
}

lt_status take_name_output(const take_run *run, take_output_kind kind, char **out, lt_error *err)
{
    const char *asked = run->request->output;
    *out = NULL;
    if (!asked || strcmp(asked, "-") == 0)
        return LT_OK;
    const media_kind *video = take_video_of(kind);
    *out = video && video->many_files ? media_png_pattern(asked) : strdup(asked);
    return *out ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", asked);
}

lt_status take_fill_result(take_run *run, const take_made *made, longtake_result *result,
                           lt_error *err)
{
    if (!result)
        return LT_OK;
    *result = (longtake_result){.frames = take_delivered_frames(run), .seed = run->spec.seed};
    LT_TRY(take_name_output(run, made->kind, &result->output, err));
    result->report = report_text(run, made, result->output, err);
    result->seconds = take_clock_elapsed(&run->clock);
    return result->report ? LT_OK : err->code;
}

void longtake_result_clear(longtake_result *result)
{
    free(result->output);
    free(result->report);
    *result = (longtake_result){0};
}
