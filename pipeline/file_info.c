/* file_info.c - `longtake info`: any file of ours, any checkpoint, any video, a model or job
 * folder, as one JSON document. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/core/decimal_text.h"
#include "kernels/core/file_error.h"
#include "media/frame_reader.h"
#include "pipeline/engine.h"
#include "pipeline/file_name.h"
#include "pipeline/job_folder.h"
#include "pipeline/latents_file.h"
#include "pipeline/preview/colour_map_file.h"
#include "pipeline/timeline.h"
#include "text_encoder/text_vocab.h"
#include "tokenizer/picture_codes.h"
#include "tokenizer/token_file.h"
#include "weights/low_bit.h"

/* ---- kinds of file ---- */

typedef enum { KIND_VIDEO, KIND_TOKENS_NPY, KIND_TENSORS, KIND_VOCABULARY, KIND_FOLDER } file_kind;

/* From the first bytes; whatever is nothing else is tried as a video. */
static lt_status kind_of(const char *path, file_kind *out, lt_error *err)
{
    struct stat st;
    unsigned char head[16] = {0};
    if (stat(path, &st) != 0)
        return lt_fail_to_read(path, err);
    *out = KIND_FOLDER;
    if (S_ISDIR(st.st_mode))
        return LT_OK;
    if (!S_ISREG(st.st_mode)) /* it is read more than once */
        return lt_fail(err, LT_ERR_INPUT, "%s: is a pipe or device, expected a file or folder",
                       path);
    FILE *f = fopen(path, "rb");
    if (!f)
        return lt_fail_to_read(path, err);
    const size_t n = fread(head, 1, sizeof head, f);
    fclose(f);
    const bool safetensors =
        n >= 9 && head[8] == '{' && head[5] == 0 && head[6] == 0 && head[7] == 0;
    const bool pytorch = n >= 4 && memcmp(head, "PK\3\4", 4) == 0;
    const bool shard_index = head[0] == '{' && take_has_extension(path, "json");
    if (n >= 6 && memcmp(head, "\x93NUMPY", 6) == 0)
        *out = KIND_TOKENS_NPY;
    else if (safetensors || pytorch || shard_index)
        *out = KIND_TENSORS;
    else
        *out = take_has_extension(path, "model") ? KIND_VOCABULARY : KIND_VIDEO;
    return LT_OK;
}

static void set_text(lt_json *o, const char *key, const char *value)
{
    lt_json_set(o, key, lt_json_new_string(value));
}

/* ---- tokens ---- */

/* What the file says of itself; the settings are a JSON document inside a text there, and shown as
 * what they are. */
static lt_json *notes_of(const tok_plan *plan)
{
    lt_json *notes = lt_json_new_object();
    for (int i = 0; i < plan->note_count; i++) {
        const char *key = plan->notes[i].key;
        const char *value = plan->notes[i].value;
        lt_json *settings = NULL;
        if (strcmp(key, "settings") == 0 &&
            lt_json_parse(value, strlen(value), key, &settings, NULL) == LT_OK)
            lt_json_set(notes, key, settings);
        else
            set_text(notes, key, value);
    }
    return notes;
}

/* A plan of less than its windows has codes behind what it shows. */
static void add_shown(const tok_plan *plan, lt_json *o)
{
    const int64_t frames = tok_plan_semantic_frames(plan);
    const int64_t shown = take_latents_of_frames(plan->video_frames);
    int64_t codes = 0;
    int64_t at = 0;
    for (int64_t k = 0; k < plan->segments && at < shown; at += plan->frames[k], k++)
        codes += tok_layout_tokens(&plan->layout, shown - at < plan->frames[k] ? (int)(shown - at)
                                                                               : plan->frames[k]);
    lt_json_set(o, "semantic_frames", lt_json_new_int(frames));
    lt_json_set(o, "shown_semantic_frames", lt_json_new_int(shown));
    lt_json_set(o, "hidden_semantic_frames", lt_json_new_int(frames - shown));
    lt_json_set(o, "shown_tokens", lt_json_new_int(codes));
    lt_json_set(o, "hidden_tokens", lt_json_new_int(plan->token_count - codes));
}

/* Of a model that knows pictures: how many of the plan's frames are some. */
static void add_pictures(const tok_plan *plan, lt_json *o)
{
    const char *first = tok_plan_note(plan, "picture_codes");
    int64_t code = 0;
    if (first && lt_parse_integer(first, &code) && code > 0 && code <= INT32_MAX)
        lt_json_set(o, "picture_frames", lt_json_new_int(tok_plan_pictures(plan, (int)code)));
}

static lt_status describe_tokens(const char *path, lt_json *o, lt_error *err)
{
    tok_plan plan = {0};
    LT_TRY(tok_file_read(path, NULL, &plan, err));
    set_text(o, "kind", "tokens");
    lt_json_set(o, "frames", lt_json_new_int(plan.video_frames));
    lt_json_set(o, "fps", lt_json_new_real(plan.fps));
    lt_json_set(o, "seconds", lt_json_new_real((double)plan.video_frames / plan.fps));
    add_shown(&plan, o);
    add_pictures(&plan, o);
    lt_json_set(o, "codebook_size", lt_json_new_int(plan.layout.codebook_size));
    lt_json_set(o, "altered", lt_json_new_bool(plan.altered));
    lt_json_set(o, "notes", notes_of(&plan));
    lt_json *segments = lt_json_new_array();
    const uint16_t *codes = plan.tokens;
    for (int64_t k = 0; k < plan.segments; k++) {
        lt_json *segment = lt_json_new_object();
        lt_json *tokens = lt_json_new_array();
        const int64_t count = tok_layout_tokens(&plan.layout, plan.frames[k]);
        for (int64_t i = 0; i < count; i++)
            lt_json_append(tokens, lt_json_new_int(*codes++));
        lt_json_set(segment, "semantic_frames", lt_json_new_int(plan.frames[k]));
        lt_json_set(segment, "tokens", tokens);
        lt_json_append(segments, segment);
    }
    lt_json_set(o, "segments", segments);
    tok_plan_clear(&plan);
    return LT_OK;
}

/* ---- safetensors (tokens, latents, golden files, weights), PyTorch files, shard indexes ---- */

/* As long as the take that the latents say they are of. */
static void add_length(const lt_json *about, lt_json *o)
{
    const bool says = lt_json_kind_of(about) == LT_JSON_OBJECT;
    const lt_json *settings = says ? lt_json_get(about, "settings") : NULL;
    if (!settings || lt_json_kind_of(settings) != LT_JSON_OBJECT)
        return;
    const lt_json *frames = lt_json_get(settings, "frames");
    const lt_json *fps = lt_json_get(settings, "fps");
    if (!frames || lt_json_kind_of(frames) != LT_JSON_INT || !fps ||
        lt_json_kind_of(fps) != LT_JSON_REAL || !(lt_json_real(fps) > 0))
        return;
    lt_json_set(o, "frames", lt_json_copy(frames));
    lt_json_set(o, "fps", lt_json_copy(fps));
    lt_json_set(o, "seconds", lt_json_new_real((double)lt_json_int(frames) / lt_json_real(fps)));
}

static lt_status describe_latents(const char *path, lt_json *o, lt_error *err)
{
    take_latents_reader *r = NULL;
    LT_TRY(take_latents_open(path, NULL, NULL, &r, err));
    const take_latents_shape s = take_latents_shape_of(r);
    const int64_t dim[] = {s.latents, s.channels, s.height, s.width};
    lt_json *shape = lt_json_new_array();
    for (int i = 0; i < 4; i++)
        lt_json_append(shape, lt_json_new_int(dim[i]));
    set_text(o, "kind", "latents");
    lt_json_set(o, "shape", shape);
    char *about = lt_json_text(take_latents_about(r));
    lt_json *copy = NULL;
    lt_status status = about ? lt_json_parse(about, strlen(about), path, &copy, err)
                             : lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", path);
    if (status == LT_OK)
        add_length(copy, o);
    if (status == LT_OK)
        lt_json_set(o, "about", copy);
    free(about);
    take_latents_close(r);
    return status;
}

/* What a tensor is together with its scales, and the shape of the matrix that both make. */
static lt_dtype form_of(const lt_weights *w, const char *name, const lt_tensor *t, lt_shape *shape)
{
    char scale_name[512];
    const int length = snprintf(scale_name, sizeof scale_name, "%s_scale", name);
    const lt_tensor *scale =
        length < (int)sizeof scale_name ? lt_weights_find(w, scale_name) : NULL;
    if (!scale || t->rank != 2)
        return t->dtype;
    const lt_shape matrix = lt_shape2(t->dim[0], t->dtype == LT_U8 ? 2 * t->dim[1] : t->dim[1]);
    const lt_dtype form = lt_low_bit_form(t, scale, matrix);
    if (form == LT_NO_DTYPE)
        return t->dtype;
    *shape = matrix;
    return form;
}

static void describe_weights(const lt_weights *w, lt_json *o)
{
    const char *format = lt_weights_metadata(w, "format");
    const bool golden = format && strncmp(format, "longtake-golden", 15) == 0;
    const bool colours = format && strcmp(format, COLOUR_MAP_FORMAT) == 0;
    set_text(o, "kind", golden ? "golden" : colours ? "preview" : "weights");
    lt_json *metadata = lt_json_new_object();
    for (int i = 0; i < lt_weights_metadata_count(w); i++) {
        const char *key = NULL;
        const char *value = NULL;
        lt_weights_metadata_at(w, i, &key, &value);
        set_text(metadata, key, value);
    }
    lt_json_set(o, "metadata", metadata);
    int64_t parameters = 0;
    int64_t bytes = 0;
    lt_json *tensors = lt_json_new_array();
    for (int i = 0; i < lt_weights_count(w); i++) {
        const char *name = lt_weights_name(w, i);
        const lt_tensor *t = lt_weights_find(w, name);
        char shape[128];
        lt_shape s = lt_shape_of(t);
        lt_json *row = lt_json_new_object();
        set_text(row, "name", name);
        set_text(row, "dtype", lt_dtype_name(form_of(w, name, t, &s)));
        set_text(row, "shape", lt_shape_text(s, shape, sizeof shape));
        lt_json_append(tensors, row);
        if (lt_is_none(t)) /* of a dtype that we have no use for */
            continue;
        parameters += lt_numel(t);
        bytes += (int64_t)lt_tensor_bytes(t);
    }
    lt_json_set(o, "values", lt_json_new_int(parameters));
    lt_json_set(o, "bytes", lt_json_new_int(bytes));
    lt_json_set(o, "tensors", tensors);
}

static lt_status describe_tensors(const char *path, lt_json *o, lt_error *err)
{
    lt_weights *w = NULL;
    LT_TRY(lt_weights_open(path, &w, err));
    const char *format = lt_weights_metadata(w, "format");
    lt_status s = LT_OK;
    if (format && strncmp(format, "longtake-tokens", 15) == 0)
        s = describe_tokens(path, o, err);
    else if (format && strncmp(format, "longtake-latents", 16) == 0)
        s = describe_latents(path, o, err);
    else
        describe_weights(w, o);
    lt_weights_close(w);
    return s;
}

/* ---- the release's tokens: no layout is stored ---- */

/* Semantic frames are told where the number of codes is one of the released model; codes of other
 * models are shown as well. */
static lt_status describe_npy(const char *path, lt_json *o, lt_error *err)
{
    static const tok_layout released = {
        .segment_frames = 13, .i_tokens = 330, .p_tokens = 74, .codebook_size = 2048};
    static const tok_layout any = {
        .segment_frames = 4096, .i_tokens = 1, .p_tokens = 1, .codebook_size = 65536};
    tok_plan plan = {0};
    const bool is_released = tok_file_read(path, &released, &plan, NULL) == LT_OK;
    if (!is_released)
        LT_TRY(tok_file_read(path, &any, &plan, err));
    set_text(o, "kind", "tokens");
    if (is_released)
        lt_json_set(o, "semantic_frames", lt_json_new_int(tok_plan_semantic_frames(&plan)));
    lt_json *tokens = lt_json_new_array();
    for (int64_t i = 0; i < plan.token_count; i++)
        lt_json_append(tokens, lt_json_new_int(plan.tokens[i]));
    lt_json_set(o, "tokens", tokens);
    tok_plan_clear(&plan);
    return LT_OK;
}

/* ---- folders: jobs, models and checkpoints in several files; what else lies in them ---- */

static lt_status describe_job(const char *path, lt_json *o, lt_error *err)
{
    take_listed *product = NULL;
    size_t count = 0;
    LT_TRY(take_job_list(path, &product, &count, err));
    set_text(o, "kind", "job");
    lt_json *list = lt_json_new_array();
    for (size_t i = 0; i < count; i++) {
        lt_json *row = lt_json_new_object();
        set_text(row, "name", product[i].name);
        set_text(row, "key", product[i].key);
        lt_json_set(row, "bytes", lt_json_new_int((int64_t)product[i].bytes));
        lt_json_set(row, "whole", lt_json_new_bool(product[i].whole));
        lt_json_append(list, row);
    }
    lt_json_set(o, "products", list);
    free(product);
    return LT_OK;
}

static void describe_model(const char *path, lt_json *o)
{
    static const char *const files[] = {"text_encoder.safetensors",
                                        "text_encoder.ar.safetensors",
                                        "text_encoder.mmdit.safetensors",
                                        "tokenizer.safetensors",
                                        "ar_model.safetensors",
                                        "mmdit.safetensors",
                                        "temporal_vae.safetensors",
                                        COLOUR_MAP_FILE,
                                        "spiece.model",
                                        "text_encoder.ar.spiece.model",
                                        "words.txt",
                                        "wording.txt",
                                        "config.yaml"};
    set_text(o, "kind", "model");
    lt_json *list = lt_json_new_array();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char name[4096];
        struct stat st;
        if (snprintf(name, sizeof name, "%s/%s", path, files[i]) >= (int)sizeof name ||
            stat(name, &st) != 0)
            continue;
        lt_json *row = lt_json_new_object();
        set_text(row, "file", files[i]);
        lt_json_set(row, "bytes", lt_json_new_int(st.st_size));
        lt_json_append(list, row);
    }
    lt_json_set(o, "files", list);
}

static lt_status describe_vocabulary(const char *path, lt_json *o, lt_error *err)
{
    text_vocab *vocabulary = NULL;
    LT_TRY(text_vocab_open(path, &vocabulary, err));
    set_text(o, "kind", "sub-words");
    lt_json_set(o, "ids", lt_json_new_int(text_vocab_count(vocabulary)));
    text_vocab_close(vocabulary);
    return LT_OK;
}

/* The list of the shards that a checkpoint in several files has, into `name`. */
static bool find_shards(const char *path, char *name, size_t bytes)
{
    static const char *const lists[] = {"model.safetensors.index.json",
                                        "pytorch_model.bin.index.json"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (snprintf(name, bytes, "%s/%s", path, lists[i]) < (int)bytes && access(name, F_OK) == 0)
            return true;
    return false;
}

static lt_status describe_folder(const char *path, lt_json *o, lt_error *err)
{
    char name[4096];
    if (find_shards(path, name, sizeof name))
        return describe_tensors(name, o, err);
    if (snprintf(name, sizeof name, "%s/mmdit.safetensors", path) < (int)sizeof name &&
        access(name, F_OK) == 0) {
        describe_model(path, o);
        return LT_OK;
    }
    return describe_job(path, o, err);
}

/* ---- video ---- */

/* How the video was made, where it is one of ours: JSON, or the comment as it is. */
static void add_comment(const char *comment, const char *path, lt_json *o)
{
    lt_error ignored = {0};
    lt_json *about = NULL;
    if (lt_json_parse(comment, strlen(comment), path, &about, &ignored) == LT_OK)
        lt_json_set(o, "about", about);
    else
        lt_json_set(o, "comment", lt_json_new_any_text(comment));
}

static lt_status describe_video(const char *path, lt_json *o, lt_error *err)
{
    const media_read_options options = {0};
    media_reader *r = NULL;
    lt_error cause = {0};
    const lt_status opened = media_reader_open(path, &options, &r, &cause);
    if (opened != LT_OK)
        return lt_fail(
            err, opened,
            "%s; nor is it a file of tokens, latents or weights, a model or a job folder",
            cause.message);
    const media_video_info *v = media_reader_info(r);
    set_text(o, "kind", "video");
    set_text(o, "codec", v->codec ? v->codec : "unknown");
    lt_json_set(o, "width", lt_json_new_int(v->stored_width));
    lt_json_set(o, "height", lt_json_new_int(v->stored_height));
    lt_json_set(o, "shown_width", lt_json_new_int(v->width));
    lt_json_set(o, "shown_height", lt_json_new_int(v->height));
    lt_json_set(o, "rotation", lt_json_new_int(media_turn_degrees(v->turn)));
    lt_json_set(o, "mirrored", lt_json_new_bool(media_turn_mirrors(v->turn)));
    lt_json_set(o, "fps", lt_json_new_real(v->stored_fps));
    /* not known without reading it */
    lt_json_set(o, "frames", v->frames > 0 ? lt_json_new_int(v->frames) : lt_json_new_null());
    lt_json_set(o, "seconds", v->seconds > 0 ? lt_json_new_real(v->seconds) : lt_json_new_null());
    lt_json_set(o, "sound", lt_json_new_bool(v->has_sound));
    if (v->comment)
        add_comment(v->comment, path, o);
    media_reader_close(r);
    return LT_OK;
}

longtake_status longtake_info(const char *path, char **json, longtake_error *error)
{
    lt_error err = {0};
    file_kind kind = KIND_VIDEO;
    *json = NULL;
    if (take_need(path, "path", &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "file", lt_json_new_any_text(path));
    lt_status s = kind_of(path, &kind, &err);
    if (s == LT_OK)
        s = kind == KIND_FOLDER       ? describe_folder(path, o, &err)
            : kind == KIND_TENSORS    ? describe_tensors(path, o, &err)
            : kind == KIND_TOKENS_NPY ? describe_npy(path, o, &err)
            : kind == KIND_VOCABULARY ? describe_vocabulary(path, o, &err)
                                      : describe_video(path, o, &err);
    if (s == LT_OK) {
        *json = lt_json_text(o);
        if (!*json)
            s = lt_fail(&err, LT_ERR_RESOURCES, "%s: out of memory", path);
    }
    lt_json_free(o);
    return take_give_error(s, &err, error);
}
