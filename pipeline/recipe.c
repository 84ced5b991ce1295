/* recipe.c - metadata -> request; see recipe.h. */
#include "pipeline/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "media/frame_reader.h"
#include "pipeline/film_keys.h"
#include "pipeline/latents_file.h"

/* Reading of one object; the first failure stays. */
typedef struct {
    const lt_json *object;
    const char *place;
    lt_status status;
    lt_error *err;
} key_reader;

static const lt_json *value_of(key_reader *k, const char *key, lt_json_kind kind)
{
    const lt_json *v = lt_json_get(k->object, key);
    const bool fits =
        v && (lt_json_kind_of(v) == kind || (kind == LT_JSON_REAL && lt_json_kind_of(v) == LT_JSON_INT));
    if (!fits && k->status == LT_OK)
        k->status = lt_fail(k->err, LT_ERR_INPUT, "%s: metadata: %s is %s", k->place, key,
                            v ? "of the wrong kind" : "missing");
    return fits ? v : NULL;
}

static double real_of(key_reader *k, const char *key)
{
    const lt_json *v = value_of(k, key, LT_JSON_REAL);
    return v ? lt_json_real(v) : 0;
}

static int64_t int_of(key_reader *k, const char *key)
{
    const lt_json *v = value_of(k, key, LT_JSON_INT);
    return v ? lt_json_int(v) : 0;
}

static const char *text_of(key_reader *k, const char *key)
{
    const lt_json *v = value_of(k, key, LT_JSON_STRING);
    return v ? lt_json_string(v, NULL) : "";
}

/* A setting that is left out where it is the take's, or where a take has one shot. */
static double own_of(key_reader *k, const char *key)
{
    return lt_json_get(k->object, key) ? real_of(k, key) : LONGTAKE_UNSET;
}

static lt_status read_shots(key_reader *k, longtake_request *r, take_recipe *out)
{
    const lt_json *shots = value_of(k, "shots", LT_JSON_ARRAY);
    if (!shots || r->prompt || r->shot_count > 0)
        return k->status;
    const size_t n = lt_json_count(shots);
    out->shot = calloc(n + 1, sizeof *out->shot);
    if (!out->shot)
        return lt_fail(k->err, LT_ERR_RESOURCES, "%s: out of memory", k->place);
    for (size_t i = 0; i < n; i++) {
        key_reader s = {.object = lt_json_at(shots, i), .place = k->place, .err = k->err};
        if (lt_json_kind_of(s.object) != LT_JSON_OBJECT)
            return lt_fail(k->err, LT_ERR_INPUT, "%s: metadata: shot %zu is no object", k->place, i);
        out->shot[i] = (longtake_shot){.at_frame = int_of(&s, "at_frame"),
                                       .prompt = text_of(&s, "prompt"),
                                       .motion = real_of(&s, "motion"),
                                       .seed = int_of(&s, "seed"),
                                       .lm_cfg = own_of(&s, "lm_cfg"),
                                       .shot_cfg = own_of(&s, "shot_cfg"),
                                       .cfg_scale = real_of(&s, "cfg_scale"),
                                       .as_one_text = 1}; /* events that were spread are shots of their own there */
        LT_TRY(s.status);
    }
    out->shots = n;
    r->shots = out->shot;
    r->shot_count = n;
    return k->status;
}

/* Retakes of the file come before those of the request. */
static lt_status read_retakes(key_reader *k, longtake_request *r, take_recipe *out)
{
    const lt_json *list = lt_json_get(k->object, "retakes") ? value_of(k, "retakes", LT_JSON_ARRAY) : NULL;
    const size_t n = list ? lt_json_count(list) : 0;
    if (n == 0)
        return k->status;
    out->retake = calloc(n + r->retake_count, sizeof *out->retake);
    if (!out->retake)
        return lt_fail(k->err, LT_ERR_RESOURCES, "%s: out of memory", k->place);
    for (size_t i = 0; i < n; i++) {
        key_reader one = {.object = lt_json_at(list, i), .place = k->place, .err = k->err};
        if (lt_json_kind_of(one.object) != LT_JSON_OBJECT)
            return lt_fail(k->err, LT_ERR_INPUT, "%s: metadata: retake %zu is no object", k->place, i);
        const lt_json *keep = value_of(&one, "keep_rest", LT_JSON_BOOL);
        out->retake[i] = (longtake_retake){.first = int_of(&one, "first"),
                                           .last = int_of(&one, "last"),
                                           .seed = int_of(&one, "seed"),
                                           .keep_rest = keep && lt_json_bool(keep)};
        LT_TRY(one.status);
    }
    for (size_t i = 0; i < r->retake_count; i++)
        out->retake[n + i] = r->retakes[i];
    r->retakes = out->retake;
    r->retake_count += n;
    return LT_OK;
}

/* What a take was made with, but for its length. */
static void read_settings(key_reader *k, longtake_settings *g)
{
    g->seed = int_of(k, "seed");
    g->fps = real_of(k, "fps");
    g->lm_cfg = real_of(k, "lm_cfg");
    g->shot_cfg = own_of(k, "shot_cfg");
    g->temperature = real_of(k, "temperature");
    g->top_k = (int)int_of(k, "top_k");
    g->top_p = real_of(k, "top_p");
    g->lm_context = (int)int_of(k, "lm_context");
    g->steps = (int)int_of(k, "steps");
    g->overlap = (int)int_of(k, "overlap");
    g->scale = (int)int_of(k, "scale");
    g->cfg_schedule = text_of(k, "cfg_schedule");
    g->guidance = text_of(k, "guidance");
    g->carry = text_of(k, "carry");
    if (lt_json_get(k->object, "speed")) /* left out where a take is exact */
        g->speed = text_of(k, "speed");
}

lt_status take_recipe_apply(const lt_json *about, const char *place, longtake_request *r, take_recipe *out,
                            lt_error *err)
{
    *out = (take_recipe){0};
    const lt_json *settings =
        lt_json_kind_of(about) == LT_JSON_OBJECT ? lt_json_get(about, "settings") : NULL;
    if (!settings || lt_json_kind_of(settings) != LT_JSON_OBJECT)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: metadata: settings are missing; the file was not made by longtake", place);
    key_reader k = {.object = settings, .place = place, .err = err};
    longtake_request told;
    longtake_request_init(&told);
    read_settings(&k, &told.settings);
    longtake_settings *g = &r->settings;
    film_keep_settings(&told.settings, g);
    if (g->seconds < 0 && g->frames < 0 && g->semantic_frames < 0)
        g->frames = int_of(&k, "frames");
    LT_TRY(read_shots(&k, r, out));
    return read_retakes(&k, r, out);
}

void take_recipe_clear(take_recipe *r)
{
    free(r->shot);
    free(r->retake);
    *r = (take_recipe){0};
}

/* ---- plans ---- */

/* A member of an object, where it is there and of that kind. */
static const lt_json *member(const lt_json *object, const char *key, lt_json_kind kind)
{
    const lt_json *v = lt_json_kind_of(object) == LT_JSON_OBJECT ? lt_json_get(object, key) : NULL;
    return v && lt_json_kind_of(v) == kind ? v : NULL;
}

bool take_about_is_of(const lt_json *about, longtake *e)
{
    lt_hash model;
    lt_error ignored = {0};
    char hash[LT_HASH_TEXT_BYTES];
    const lt_json *named = member(about, "model_hash", LT_JSON_STRING);
    if (!named || take_engine_model_hash(e, &model, &ignored) != LT_OK)
        return false;
    lt_hash_text(model, hash);
    return strcmp(lt_json_string(named, NULL), hash) == 0;
}

bool take_about_is_new_only(const lt_json *about)
{
    const lt_json *reference = member(about, "reference", LT_JSON_OBJECT);
    const lt_json *new_only = reference ? member(reference, "new_only", LT_JSON_BOOL) : NULL;
    return new_only && lt_json_bool(new_only);
}

/* Frames of the take that are not in the file: the reference's. */
static int64_t frames_left_out(const lt_json *about)
{
    const lt_json *frames = take_about_is_new_only(about) ? member(lt_json_get(about, "reference"), "frames", LT_JSON_INT) : NULL;
    return frames ? lt_json_int(frames) : 0;
}

const char *take_about_prompt(const lt_json *about, int64_t frame)
{
    const lt_json *settings = member(about, "settings", LT_JSON_OBJECT);
    const lt_json *shots = settings ? member(settings, "shots", LT_JSON_ARRAY) : NULL;
    const char *found = NULL;
    for (size_t i = 0; shots && i < lt_json_count(shots); i++) {
        const lt_json *at = member(lt_json_at(shots, i), "at_frame", LT_JSON_INT);
        const lt_json *prompt = member(lt_json_at(shots, i), "prompt", LT_JSON_STRING);
        if (at && prompt && lt_json_int(at) <= frame + frames_left_out(about))
            found = lt_json_string(prompt, NULL);
    }
    return found;
}

/* An array of numbers as codes; what is none becomes -1, which no plan takes. */
static lt_status read_codes(const lt_json *list, const char *place, int32_t **codes, lt_error *err)
{
    const size_t count = lt_json_count(list);
    *codes = malloc((count + 1) * sizeof **codes);
    if (!*codes)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", place);
    for (size_t i = 0; i < count; i++) {
        const lt_json *code = lt_json_at(list, i);
        const int64_t value = lt_json_kind_of(code) == LT_JSON_INT ? lt_json_int(code) : -1;
        (*codes)[i] = value >= 0 && value <= INT32_MAX ? (int32_t)value : -1;
    }
    return LT_OK;
}

/* Semantic frames of the segments: full ones and a last one, unless the file lists them. */
static int64_t segment_length(const lt_json *list, int64_t segment, int64_t left, int full)
{
    const lt_json *length =
        list && segment < (int64_t)lt_json_count(list) ? lt_json_at(list, (size_t)segment) : NULL;
    const int64_t frames = length && lt_json_kind_of(length) == LT_JSON_INT ? lt_json_int(length) : full;
    return frames < left ? frames : left;
}

lt_status take_about_plan(const lt_json *about, const longtake *e, int64_t frames, int64_t video_frames,
                          const char *place, tok_plan *out, lt_error *err)
{
    const tok_layout layout = tok_layout_of(&e->cfg.tokenizer);
    const lt_json *list = member(about, "tokens", LT_JSON_ARRAY);
    const lt_json *held = member(about, "semantic_frames", LT_JSON_INT);
    const lt_json *lengths = member(about, "segment_frames", LT_JSON_ARRAY);
    *out = (tok_plan){0};
    if (!list || !held || frames > lt_json_int(held) || lt_json_int(held) < 1)
        return lt_fail(err, LT_ERR_INPUT, "%s: metadata: holds no plan of so many semantic frames", place);
    int32_t *codes = NULL;
    LT_TRY(read_codes(list, place, &codes, err));
    int64_t at = 0;
    int64_t left = frames > 0 ? frames : lt_json_int(held);
    const int64_t all = (int64_t)lt_json_count(list);
    lt_status s = tok_plan_begin(&layout, e->cfg.pipeline.fps, all + 1, all / layout.i_tokens + 1, place, out, err);
    for (int64_t k = 0; left > 0 && s == LT_OK; k++) {
        const int64_t length = segment_length(lengths, k, left, layout.segment_frames);
        const bool fits = length > 0 && length <= layout.segment_frames;
        const int64_t count = fits ? tok_layout_tokens(&layout, (int)length) : 0;
        s = fits && count <= all - at
                ? tok_plan_append(out, codes + at, (int)length, place, err)
                : lt_fail(err, LT_ERR_INPUT, "%s: metadata: the plan's segments and its %lld tokens do not fit together", place,
                          (long long)all);
        at += count;
        left -= length;
    }
    free(codes);
    if (s == LT_OK && video_frames > 0)
        out->video_frames = video_frames;
    if (s == LT_OK)
        s = tok_plan_check(out, place, err);
    if (s != LT_OK)
        tok_plan_clear(out);
    return s;
}

/* ---- files ---- */

static lt_status parse(const char *text, const char *path, lt_json **about, lt_error *err)
{
    lt_error why = {0};
    if (!text || lt_json_parse(text, strlen(text), path, about, &why) != LT_OK)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: does not say how it was made, expected a video or latents of longtake", path);
    return LT_OK;
}

static lt_status read_latents(const char *path, lt_json **about, lt_error *err)
{
    take_latents_reader *reader = NULL;
    LT_TRY(take_latents_open(path, &reader, err));
    char *text = lt_json_text(take_latents_about(reader));
    const lt_status s = parse(text, path, about, err);
    free(text);
    take_latents_close(reader);
    return s;
}

lt_status take_recipe_read(const char *path, lt_json **about, lt_error *err)
{
    *about = NULL;
    const char *dot = strrchr(path, '.');
    if (dot && strcmp(dot, ".latents") == 0)
        return read_latents(path, about, err);
    const media_read_options options = {0};
    media_reader *reader = NULL;
    LT_TRY(media_reader_open(path, &options, &reader, err));
    const lt_status s = parse(media_reader_info(reader)->comment, path, about, err);
    media_reader_close(reader);
    return s;
}
