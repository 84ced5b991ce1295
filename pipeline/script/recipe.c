/* recipe.c - metadata -> request; see recipe.h. */
#include "pipeline/script/recipe.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/frame_reader.h"
#include "pipeline/device_choice.h"
#include "pipeline/file_name.h"
#include "pipeline/latents_file.h"
#include "pipeline/plan/shot_plan.h"
#include "pipeline/plan/token_cut.h"
#include "pipeline/take_settings.h"

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
    const bool fits = v && (lt_json_kind_of(v) == kind ||
                            (kind == LT_JSON_REAL && lt_json_kind_of(v) == LT_JSON_INT));
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

/* What does not fit is out of every setting's range. */
static int small_of(key_reader *k, const char *key)
{
    const int64_t v = int_of(k, key);
    return v > INT_MAX ? INT_MAX : v < 0 ? -1 : (int)v;
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

/* The same of a shot, where older files say the take's own too: that is none, so that the request
 * may say another. */
static double own_beside(key_reader *k, const char *key, double of_take)
{
    const double own = own_of(k, key);
    return own == of_take ? LONGTAKE_UNSET : own;
}

static int64_t own_seed(key_reader *k, int64_t of_take)
{
    const int64_t own = lt_json_get(k->object, "seed") ? int_of(k, "seed") : of_take;
    return own == of_take ? LONGTAKE_UNSET : own;
}

/* `take`: what the file says of the take as a whole. */
static lt_status read_shots(key_reader *k, const longtake_settings *take, longtake_request *r,
                            take_recipe *out)
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
            return lt_fail(k->err, LT_ERR_INPUT, "%s: metadata: shot %zu is no object", k->place,
                           i);
        out->shot[i] = (longtake_shot){.at_frame = int_of(&s, "at_frame"),
                                       .prompt = text_of(&s, "prompt"),
                                       .motion = own_beside(&s, "motion", take->motion),
                                       .seed = own_seed(&s, take->seed),
                                       .lm_cfg = own_of(&s, "lm_cfg"),
                                       .shot_cfg = own_of(&s, "shot_cfg"),
                                       .cfg_scale = own_beside(&s, "cfg_scale", take->cfg_scale),
                                       /* events that were spread are shots of their own there */
                                       .as_one_text = 1};
        LT_TRY(s.status);
    }
    const bool is_told = n != 1 || out->shot[0].prompt[0] != '\0';
    out->shots = n;
    r->shots = out->shot;
    r->shot_count = is_told ? n : 0; /* pictures, made without a prompt */
    return k->status;
}

/* Retakes of the file come before those of the request. */
static lt_status read_retakes(key_reader *k, longtake_request *r, take_recipe *out)
{
    const lt_json *list =
        lt_json_get(k->object, "retakes") ? value_of(k, "retakes", LT_JSON_ARRAY) : NULL;
    const size_t n = list ? lt_json_count(list) : 0;
    if (n == 0)
        return k->status;
    out->retake = calloc(n + r->retake_count, sizeof *out->retake);
    if (!out->retake)
        return lt_fail(k->err, LT_ERR_RESOURCES, "%s: out of memory", k->place);
    for (size_t i = 0; i < n; i++) {
        key_reader one = {.object = lt_json_at(list, i), .place = k->place, .err = k->err};
        if (lt_json_kind_of(one.object) != LT_JSON_OBJECT)
            return lt_fail(k->err, LT_ERR_INPUT, "%s: metadata: retake %zu is no object", k->place,
                           i);
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

/* Of the take; in older files every shot says it. */
static double of_all_shots(key_reader *k, const char *key)
{
    if (lt_json_get(k->object, key))
        return real_of(k, key);
    const lt_json *shots = lt_json_get(k->object, "shots");
    const lt_json *first =
        shots && lt_json_kind_of(shots) == LT_JSON_ARRAY ? lt_json_at(shots, 0) : NULL;
    key_reader s = {.object = first, .place = k->place, .err = k->err};
    return first && lt_json_kind_of(first) == LT_JSON_OBJECT ? own_of(&s, key) : LONGTAKE_UNSET;
}

/* What a take was made with, but for its length. */
static void read_settings(key_reader *k, longtake_settings *g)
{
    g->seed = int_of(k, "seed");
    g->fps = real_of(k, "fps");
    g->lm_cfg = real_of(k, "lm_cfg");
    g->shot_cfg = own_of(k, "shot_cfg");
    g->motion = of_all_shots(k, "motion");
    g->cfg_scale = of_all_shots(k, "cfg_scale");
    g->temperature = real_of(k, "temperature");
    g->top_k = small_of(k, "top_k");
    g->top_p = real_of(k, "top_p");
    g->lm_context = small_of(k, "lm_context");
    g->steps = small_of(k, "steps");
    g->overlap = small_of(k, "overlap");
    g->scale = small_of(k, "scale");
    g->cfg_schedule = text_of(k, "cfg_schedule");
    g->guidance = text_of(k, "guidance");
    g->carry = text_of(k, "carry");
    if (lt_json_get(k->object, "speed")) /* left out where a take is exact */
        g->speed = text_of(k, "speed");
    if (lt_json_get(k->object, "codes")) /* where it is auto */
        g->codes = text_of(k, "codes");
}

lt_status take_recipe_apply(const lt_json *about, const char *place, longtake_request *r,
                            take_recipe *out, lt_error *err)
{
    *out = (take_recipe){0};
    const lt_json *settings =
        lt_json_kind_of(about) == LT_JSON_OBJECT ? lt_json_get(about, "settings") : NULL;
    if (!settings || lt_json_kind_of(settings) != LT_JSON_OBJECT)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: metadata: settings are missing; the file was not made by longtake",
                       place);
    key_reader k = {.object = settings, .place = place, .err = err};
    longtake_request told;
    longtake_request_init(&told);
    read_settings(&k, &told.settings);
    longtake_settings *g = &r->settings;
    take_settings_fill(&told.settings, g);
    if (g->seconds < 0 && g->frames < 0 && g->semantic_frames < 0)
        g->frames = int_of(&k, "frames");
    LT_TRY(read_shots(&k, &told.settings, r, out));
    return read_retakes(&k, r, out);
}

/* A number of the object, where it is there; in the setting's range, or LT_ERR_INPUT. */
static lt_status read_number(const lt_json *settings, const char *file, const take_setting *setting,
                             longtake_settings *g, lt_error *err)
{
    const lt_json *v = lt_json_get(settings, setting->key);
    char place[PATH_MAX];
    if (!v || (lt_json_kind_of(v) != LT_JSON_REAL && lt_json_kind_of(v) != LT_JSON_INT))
        return LT_OK;
    snprintf(place, sizeof place, "%s: metadata: %s", file, setting->key);
    const lt_status s = take_setting_check(place, setting->key, lt_json_real(v), err);
    if (s != LT_OK)
        return err->code = LT_ERR_INPUT;
    take_setting_put(setting, lt_json_real(v), (char *)g + setting->at);
    return LT_OK;
}

lt_status take_recipe_planning(const lt_json *settings, const char *place, longtake_settings *g,
                               lt_error *err)
{
    longtake_request told;
    longtake_request_init(&told);
    for (int i = 0; i < TAKE_SETTINGS; i++)
        if (take_settings[i].part == TAKE_READS_PLANNING)
            LT_TRY(read_number(settings, place, &take_settings[i], &told.settings, err));
    take_settings_fill(&told.settings, g);
    return LT_OK;
}

lt_status take_recipe_shots(const lt_json *settings, const char *place, longtake_request *r,
                            take_recipe *out, lt_error *err)
{
    key_reader k = {.object = settings, .place = place, .err = err};
    const longtake_settings take = {.seed = int_of(&k, "seed"),
                                    .motion = of_all_shots(&k, "motion"),
                                    .cfg_scale = of_all_shots(&k, "cfg_scale")};
    LT_TRY(k.status);
    return read_shots(&k, &take, r, out);
}

void take_recipe_end(const take_recipe *recipe, longtake_request *r, int64_t frames)
{
    while (r->shots == recipe->shot && r->shot_count > 1 &&
           recipe->shot[r->shot_count - 1].at_frame >= frames)
        r->shot_count--;
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

bool take_about_says_other(const lt_json *about, const char *key, const char *text)
{
    const lt_json *said = member(about, key, LT_JSON_STRING);
    return said && strcmp(lt_json_string(said, NULL), text) != 0;
}

bool take_about_other_hash(const lt_json *about, const char *key, lt_hash hash)
{
    char text[LT_HASH_TEXT_BYTES];
    lt_hash_text(hash, text);
    return take_about_says_other(about, key, text);
}

bool take_about_other_decoder(const lt_json *about, longtake *e)
{
    lt_hash hash;
    lt_error ignored = {0};
    return take_engine_hash(e, TAKE_NET_VAE, &hash, &ignored) == LT_OK &&
           take_about_other_hash(about, "decoder_hash", hash);
}

bool take_about_otherwise(const lt_json *about, longtake *e, const char *path,
                          char text[TAKE_OTHERWISE_BYTES])
{
    const lt_json *device = member(about, "device", LT_JSON_STRING);
    const lt_json *precision = member(about, "precision", LT_JSON_STRING);
    const char *decoder = member(about, "decoder", LT_JSON_STRING)
                              ? lt_json_string(lt_json_get(about, "decoder"), NULL)
                              : "another model";
    const bool same_model = take_about_is_of(about, e);
    if (same_model && take_about_other_decoder(about, e)) {
        snprintf(text, TAKE_OTHERWISE_BYTES,
                 "%s: its latents were decoded with %s: its pictures come out otherwise", path,
                 decoder);
        return true;
    }
    if (member(about, "decoded_in", LT_JSON_STRING) ||
        member(about, "decoder_config_hash", LT_JSON_STRING)) {
        snprintf(
            text, TAKE_OTHERWISE_BYTES,
            "%s: its latents were decoded in another precision or configuration than they were made: it comes out otherwise",
            path);
        return true;
    }
    if (same_model && take_about_other_hash(about, "config_hash", e->fixed_hash)) {
        snprintf(
            text, TAKE_OTHERWISE_BYTES,
            "%s was made with other values of the configuration (--set, --config): it comes out otherwise",
            path);
        return true;
    }
    if (!device || !precision ||
        strcmp(lt_json_string(precision, NULL), take_engine_precision(e)) == 0)
        return false;
    snprintf(
        text, TAKE_OTHERWISE_BYTES,
        "%s was made in %s on %s, here it is %s on %s: it may come out otherwise\nhint: --device %s --precision %s",
        path, lt_json_string(precision, NULL), lt_json_string(device, NULL),
        take_engine_precision(e), e->backend->table->name, lt_json_string(device, NULL),
        lt_json_string(precision, NULL));
    return true;
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
    const int64_t frames = take_about_is_new_only(about)
                               ? take_counted_frames(lt_json_get(about, "reference"), "frames")
                               : 0;
    return frames > 0 ? frames : 0;
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
    return found && found[0] != '\0' ? found : NULL;
}

/* A positive number of an object; 0 where there is none. */
static double rate_of(const lt_json *settings, const char *key)
{
    const lt_json *rate = member(settings, key, LT_JSON_REAL);
    return rate && lt_json_real(rate) > 0 ? lt_json_real(rate) : 0;
}

double take_about_rate(const lt_json *about, double fps)
{
    const lt_json *settings = member(about, "settings", LT_JSON_OBJECT);
    const double of_file = settings ? rate_of(settings, "fps") : 0;
    const double of_model = settings ? rate_of(settings, "model_fps") : 0;
    return of_file > 0 && of_model > 0 ? fps * of_file / of_model : fps;
}

lt_json *take_about_settings(const lt_json *about, double fps, int64_t frames)
{
    const lt_json *settings = member(about, "settings", LT_JSON_OBJECT);
    if (!settings || fabs(rate_of(settings, "fps") - take_about_rate(about, fps)) > 1e-3 ||
        !member(settings, "shots", LT_JSON_ARRAY))
        return NULL;
    lt_json *part = lt_json_copy(settings);
    lt_json_set(part, "fps", lt_json_new_real(fps));
    lt_json_remove(part, "model_fps");
    take_settings_of_part(part, frames_left_out(about), frames);
    return part;
}

static int32_t code_of(int64_t value)
{
    return value >= 0 && value <= INT32_MAX ? (int32_t)value : -1;
}

/* Numbers in a text, a space between two, to `codes` where that is not NULL; returns how many. A
 * word that is no number ends them as -1. */
static size_t codes_in_text(const char *text, int32_t *codes)
{
    size_t count = 0;
    while (*text != '\0') {
        char *end = NULL;
        const bool is_number = *text >= '0' && *text <= '9';
        const int64_t value = is_number ? strtoll(text, &end, 10) : -1;
        const bool goes_on = is_number && end[0] == ' ' && end[1] != '\0';
        if (codes)
            codes[count] = is_number && (goes_on || end[0] == '\0') ? code_of(value) : -1;
        count++;
        text = goes_on ? end + 1 : "";
    }
    return count;
}

/* A list of numbers, or a text of them, as codes; what is none becomes -1, which no plan takes. */
static lt_status read_codes(const lt_json *numbers, const char *place, int32_t **codes,
                            int64_t *count, lt_error *err)
{
    const char *text =
        lt_json_kind_of(numbers) == LT_JSON_STRING ? lt_json_string(numbers, NULL) : NULL;
    const size_t all = text ? codes_in_text(text, NULL) : lt_json_count(numbers);
    *count = (int64_t)all;
    *codes = malloc((all + 1) * sizeof **codes);
    if (!*codes)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", place);
    if (text)
        codes_in_text(text, *codes);
    for (size_t i = 0; !text && i < all; i++) {
        const lt_json *code = lt_json_at(numbers, i);
        (*codes)[i] = lt_json_kind_of(code) == LT_JSON_INT ? code_of(lt_json_int(code)) : -1;
    }
    return LT_OK;
}

/* Semantic frames of the segments: full ones and a last one, unless the file lists them. */
static int64_t segment_length(const lt_json *list, int64_t segment, int64_t left, int full)
{
    const lt_json *length =
        list && segment < (int64_t)lt_json_count(list) ? lt_json_at(list, (size_t)segment) : NULL;
    const int64_t frames =
        length && lt_json_kind_of(length) == LT_JSON_INT ? lt_json_int(length) : full;
    return frames < left ? frames : left;
}

lt_status take_about_plan(const lt_json *about, const longtake *e, int64_t frames,
                          int64_t video_frames, const char *place, tok_plan *out, lt_error *err)
{
    const tok_layout layout = tok_layout_of(&e->cfg.tokenizer);
    const lt_json *listed = member(about, "tokens", LT_JSON_ARRAY);
    const lt_json *numbers = listed ? listed : member(about, "tokens", LT_JSON_STRING);
    const lt_json *held = member(about, "semantic_frames", LT_JSON_INT);
    const lt_json *lengths = member(about, "segment_frames", LT_JSON_ARRAY);
    *out = (tok_plan){0};
    if (!numbers || !held || frames > lt_json_int(held) || lt_json_int(held) < 1)
        return lt_fail(err, LT_ERR_INPUT, "%s: metadata: holds no plan of so many semantic frames",
                       place);
    int32_t *codes = NULL;
    int64_t all = 0;
    LT_TRY(read_codes(numbers, place, &codes, &all, err));
    int64_t at = 0;
    int64_t left = frames > 0 ? frames : lt_json_int(held);
    lt_status s = tok_plan_begin(&layout, e->cfg.pipeline.fps, all + 1, all / layout.i_tokens + 1,
                                 place, out, err);
    for (int64_t k = 0; left > 0 && s == LT_OK; k++) {
        const int64_t length = segment_length(lengths, k, left, layout.segment_frames);
        const bool fits = length > 0 && length <= layout.segment_frames;
        const int64_t count = fits ? tok_layout_tokens(&layout, (int)length) : 0;
        s = fits && count <= all - at
                ? tok_plan_append(out, codes + at, (int)length, place, err)
                : lt_fail(
                      err, LT_ERR_INPUT,
                      "%s: metadata: the plan's segments and its %lld tokens do not fit together",
                      place, (long long)all);
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
                       "%s: does not say how it was made, expected a video or latents of longtake",
                       path);
    return LT_OK;
}

static lt_status read_latents(const char *path, lt_json **about, lt_error *err)
{
    take_latents_reader *reader = NULL;
    LT_TRY(take_latents_open(path, NULL, NULL, &reader, err));
    char *text = lt_json_text(take_latents_about(reader));
    const lt_status s = parse(text, path, about, err);
    free(text);
    take_latents_close(reader);
    return s;
}

lt_status take_recipe_read(const char *path, lt_json **about, lt_error *err)
{
    *about = NULL;
    if (take_has_extension(path, "latents"))
        return read_latents(path, about, err);
    if (take_is_token_file(path))
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: is a plan, expected a video or latents file\n"
                       "hint: render makes the video of a plan",
                       path);
    const media_read_options options = {0};
    media_reader *reader = NULL;
    LT_TRY(media_reader_open(path, &options, &reader, err));
    const lt_status s = parse(media_reader_info(reader)->comment, path, about, err);
    media_reader_close(reader);
    return s;
}
