/* engine.c - opening a model, and its weight files with their hashes; see engine.h. */
#include "pipeline/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/core/file_error.h"
#include "kernels/core/processor_count.h"
#include "kernels/core/utf8.h"
#include "kernels/core/whole_file.h"
#include "pipeline/clip_rate.h"
#include "pipeline/data_folders.h"
#include "pipeline/device_choice.h"
#include "pipeline/import/low_bit_choice.h"
#include "pipeline/measure/take_profile.h"
#include "pipeline/script/wording_list.h"
#include "pipeline/take_key.h"

/* More than any machine has processors for. */
enum { MOST_THREADS = 1024 };

lt_status take_engine_enter(longtake *e, lt_error *err)
{
    LT_TRY(take_need(e, "engine", err));
    if (atomic_exchange(&e->busy, true))
        return lt_fail(err, LT_ERR_USAGE,
                       "the engine is at work: found a second request, expected one at a time");
    memset(e->used, 0, sizeof e->used);
    return LT_OK;
}

void take_engine_leave(longtake *e)
{
    atomic_store(&e->busy, false);
}

lt_status take_need(bool argument, const char *name, lt_error *err)
{
    return argument ? LT_OK : lt_fail(err, LT_ERR_USAGE, "%s: found NULL, expected one", name);
}

/* `to` has as many bytes as `from`. What is no UTF-8 becomes '?'; a character that the message's
 * end cut off goes. */
static void copy_as_utf8(const char *from, char *to)
{
    size_t bytes = strlen(from);
    const bool is_full = bytes == LT_ERROR_BYTES - 1;
    for (size_t last = 1; is_full && last < 4; last++) {
        const char *begun = from + bytes - last;
        if ((unsigned char)*begun >= 0xc2 && lt_utf8_char(begun, last, NULL) == 0) {
            bytes -= last;
            break;
        }
    }
    memcpy(to, from, bytes);
    to[bytes] = '\0';
    lt_make_utf8(to);
}

longtake_status take_give_error(lt_status s, const lt_error *from, longtake_error *to)
{
    if (to) {
        to->code = (longtake_status)s;
        copy_as_utf8(s == LT_OK ? "" : from->message, to->message);
    }
    return (longtake_status)s;
}

const char *longtake_version(void)
{
    return LONGTAKE_VERSION;
}

void longtake_free(void *text)
{
    free(text);
}

void longtake_options_init(longtake_options *options)
{
    *options = (longtake_options){.model = "mini", .device = "auto", .precision = "auto"};
}

/* What was set must fit together; the file alone did. */
static lt_status check_set(const longtake *e, lt_error *err)
{
    lt_error found = {0};
    const lt_status s = cfg_check(&e->cfg, "--set", &found);
    return s == LT_OK ? LT_OK
                      : lt_fail(err, s == LT_ERR_INPUT ? LT_ERR_USAGE : s, "%s", found.message);
}

/* Takes the lines out of a text of all values that settings of a take say: those that
 * take_spec_json tells (tests/unit/test_product_keys.c). */
static void drop_settings(char *values)
{
    static const char *const settings[] = {
        "pipeline.lm_cfg",       "pipeline.shot_cfg",   "pipeline.events",
        "pipeline.temperature",  "pipeline.top_k",      "pipeline.top_p",
        "pipeline.motion",       "pipeline.lm_context", "pipeline.cfg_scale",
        "pipeline.cfg_schedule", "pipeline.guidance",   "pipeline.overlap",
        "mmdit.steps",           "mmdit.carry"};
    char *kept = values;
    for (const char *line = values; *line;) {
        const size_t length = strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');
        const size_t key = strcspn(line, ":");
        bool is_setting = false;
        for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
            is_setting =
                is_setting || (strlen(settings[i]) == key && memcmp(line, settings[i], key) == 0);
        if (!is_setting) {
            memmove(kept, line, length);
            kept += length;
        }
        line += length;
    }
    *kept = '\0';
}

static lt_status open_config(const longtake_options *o, longtake *e, lt_error *err)
{
    take_data_folders beside;
    take_data_folders_find(&beside);
    LT_TRY(cfg_find_model(o->model ? o->model : "mini", o->config,
                          o->search ? o->search : beside.list, &e->files, err));
    LT_TRY(cfg_yaml_read(e->files.config, &e->config_file, err));
    LT_TRY(cfg_read_document(e->config_file, &e->cfg, err));
    for (const char *const *s = o->set; s && *s; s++)
        LT_TRY(cfg_set(&e->cfg, *s, err));
    if (o->set)
        LT_TRY(check_set(e, err));
    e->config_text = cfg_text_with_origins(&e->cfg, e->config_file, o->set);
    char *values = cfg_text_of(&e->cfg);
    if (values) {
        e->config_hash = lt_hash_bytes(values, strlen(values));
        drop_settings(values);
        e->fixed_hash = lt_hash_bytes(values, strlen(values));
    }
    const bool complete = values && e->config_text;
    free(values);
    return complete ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", e->files.config);
}

static lt_status open_wording(longtake *e, lt_error *err)
{
    char *text = NULL;
    LT_TRY(take_engine_text(e, "wording.txt", "a list of wordings", &text, err));
    const lt_status s = text ? take_wording_parse(text, "wording.txt", &e->wording, err) : LT_OK;
    free(text);
    return s;
}

longtake_status longtake_open(const longtake_options *options, longtake **engine,
                              longtake_error *error)
{
    lt_error err = {0};
    *engine = NULL;
    if (take_need(options, "options", &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    longtake *e = calloc(1, sizeof *e);
    if (!e)
        return take_give_error(lt_fail(&err, LT_ERR_RESOURCES, "engine: out of memory"), &err,
                               error);
    e->max_memory = options->max_memory;
    e->threads = options->threads;
    e->cache_dir = options->cache_dir ? strdup(options->cache_dir) : NULL;
    lt_status s = LT_OK;
    if (options->cache_dir && !e->cache_dir)
        s = lt_fail(&err, LT_ERR_RESOURCES, "engine: out of memory");
    if (options->threads < 0 || options->threads > MOST_THREADS)
        s = lt_fail(&err, LT_ERR_USAGE, "--threads: found %d, expected 0 to %d", options->threads,
                    MOST_THREADS);
    if (options->max_memory < 0)
        s = lt_fail(&err, LT_ERR_USAGE, "--max-memory: found %lld, expected 0 or more",
                    (long long)options->max_memory);
    if (s == LT_OK)
        s = open_config(options, e, &err);
    if (s == LT_OK)
        s = open_wording(e, &err);
    if (s == LT_OK)
        s = take_device_open(options, e, &err);
    if (s == LT_OK && options->profile)
        s = take_profile_open(e, &err);
    if (s != LT_OK) {
        longtake_close(e);
        return take_give_error(s, &err, error);
    }
    *engine = e;
    return take_give_error(LT_OK, &err, error);
}

void longtake_close(longtake *e)
{
    if (!e)
        return;
    take_profile_close(e);
    take_engine_keep_weights(e, false);
    if (e->beside)
        e->beside->table->close(e->beside);
    if (e->backend)
        e->backend->table->close(e->backend);
    cfg_model_files_close(&e->files);
    take_wording_close(e->wording);
    cfg_document_close(e->config_file);
    free(e->config_text);
    free(e->cache_dir);
    free(e);
}

double longtake_fps(const longtake *engine)
{
    return engine->cfg.pipeline.fps;
}

longtake_status longtake_clip_fps(const longtake *e, const char *path, double *fps,
                                  longtake_error *error)
{
    lt_error err = {0};
    *fps = 0;
    lt_status s = take_need(e, "engine", &err);
    if (s == LT_OK)
        s = take_need(path, "path", &err);
    if (s == LT_OK)
        s = take_clip_fps(path, e->cfg.pipeline.fps, fps, &err);
    return take_give_error(s, &err, error);
}

longtake_status longtake_print_config(longtake *e, char **text, longtake_error *error)
{
    lt_error err = {0};
    *text = NULL;
    lt_status s = take_need(e, "engine", &err);
    if (s == LT_OK)
        *text = strdup(e->config_text);
    if (s == LT_OK && !*text)
        s = lt_fail(&err, LT_ERR_RESOURCES, "configuration: out of memory");
    return take_give_error(s, &err, error);
}

static const char *file_of(const longtake *e, take_net net)
{
    switch (net) {
    case TAKE_NET_TEXT_AR:
        return e->cfg.one_text_encoder ? "text_encoder.safetensors" : "text_encoder.ar.safetensors";
    case TAKE_NET_TEXT_MMDIT:
        return e->cfg.one_text_encoder ? "text_encoder.safetensors"
                                       : "text_encoder.mmdit.safetensors";
    case TAKE_NET_TOKENIZER:
        return "tokenizer.safetensors";
    case TAKE_NET_AR:
        return "ar_model.safetensors";
    case TAKE_NET_MMDIT:
        return "mmdit.safetensors";
    case TAKE_NET_VAE:
    case TAKE_NETS:
        break;
    }
    return "temporal_vae.safetensors";
}

lt_status take_engine_text(const longtake *e, const char *file, const char *what, char **text,
                           lt_error *err)
{
    enum { MOST_BYTES = 1 << 20 };
    *text = NULL;
    if (!e->files.folder)
        return LT_OK;
    char *path = NULL;
    LT_TRY(take_engine_path(e, file, &path, err));
    FILE *stream = fopen(path, "rbe");
    lt_status s = LT_OK;
    size_t bytes;
    if (stream)
        s = lt_whole_stream_read(stream, path, MOST_BYTES, what, text, &bytes, err);
    else if (errno != ENOENT)
        s = lt_fail_to_read(path, err);
    if (stream)
        fclose(stream);
    free(path);
    return s;
}

lt_status take_engine_path(const longtake *e, const char *file, char **path, lt_error *err)
{
    return cfg_model_file(&e->files, file, path, err);
}

lt_status take_engine_spiece(const longtake *e, take_net net, char **path, lt_error *err)
{
    if (net == TAKE_NET_TEXT_AR) {
        LT_TRY(take_engine_path(e, "text_encoder.ar.spiece.model", path, err));
        if (access(*path, F_OK) == 0)
            return LT_OK;
        free(*path);
    }
    return take_engine_path(e, "spiece.model", path, err);
}

void take_engine_keep_weights(longtake *e, bool keep)
{
    e->keeps_weights = keep && e->max_memory == 0;
    for (int net = 0; net < TAKE_NETS && !keep; net++) {
        lt_weights_close(e->kept[net]);
        e->kept[net] = NULL;
    }
}

/* Are products of this network rounded? E4M3 those of the MMDiT, int8 those of every transformer:
 * the language model's only where many rows meet them, before its first step. The tokenizer's are
 * not (a token is a decision), nor the VAE's (they are convolutions). */
static bool is_rounded(const longtake *e, take_net net)
{
    if (e->rounding == LT_ROUND_INT8)
        return net == TAKE_NET_TEXT_AR || net == TAKE_NET_TEXT_MMDIT || net == TAKE_NET_AR ||
               net == TAKE_NET_MMDIT;
    return e->rounding == LT_ROUND_E4M3 && net == TAKE_NET_MMDIT;
}

/* What networks are to make of the file's matrices in this take. */
static void settle_matrices(const longtake *e, take_net net, lt_weights *w)
{
    lt_weights_home(w, e->home[net]);
    lt_weights_rounding(w, e->rounding, is_rounded(e, net) ? take_lies_inside_a_layer : NULL);
}

/* Between two calls a file may be another; within one only where it holds the same. */
static lt_status settle_file(longtake *e, take_net net, const lt_weights *w, lt_error *err)
{
    const lt_hash file = lt_weights_identity(w);
    const bool is_same = lt_hash_equal(file, e->file[net]);
    bool fits = is_same || !e->used[net];
    if (!fits && e->hashed[net]) {
        lt_hash hash;
        LT_TRY(lt_weights_hash(w, &hash, err));
        fits = lt_hash_equal(hash, e->hash[net]);
    }
    if (!fits)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: was replaced while it was used, expected the same file to the end",
                       lt_weights_place(w));
    if (!e->used[net] && !is_same)
        e->hashed[net] = false;
    e->file[net] = file;
    e->used[net] = true;
    return LT_OK;
}

static lt_status open_file(longtake *e, take_net net, lt_weights **out, lt_error *err)
{
    char *path = NULL;
    LT_TRY(take_engine_path(e, file_of(e, net), &path, err));
    lt_status s = lt_weights_open(path, out, err);
    free(path);
    LT_TRY(s);
    s = settle_file(e, net, *out, err);
    if (s != LT_OK) {
        lt_weights_close(*out);
        *out = NULL;
    }
    return s;
}

lt_status take_engine_weights(longtake *e, take_net net, lt_weights **out, lt_error *err)
{
    if (e->kept[net])
        *out = lt_weights_share(e->kept[net]);
    else
        LT_TRY(open_file(e, net, out, err));
    settle_matrices(e, net, *out);
    if (e->keeps_weights && !e->kept[net])
        e->kept[net] = lt_weights_share(*out);
    return LT_OK;
}

int take_engine_threads(const longtake *e)
{
    return e->threads > 0 ? e->threads : lt_processor_count();
}

bool take_engine_has_weights(const longtake *e, take_net net)
{
    lt_error ignored = {0};
    char *path = NULL;
    const bool there =
        take_engine_path(e, file_of(e, net), &path, &ignored) == LT_OK && access(path, F_OK) == 0;
    free(path);
    return there;
}

lt_status take_engine_hash(longtake *e, take_net net, lt_hash *out, lt_error *err)
{
    lt_weights *w = NULL;
    if (!e->used[net] || !e->hashed[net])
        LT_TRY(take_engine_weights(e, net, &w, err));
    lt_status s = LT_OK;
    if (!e->hashed[net])
        s = lt_weights_hash(w, &e->hash[net], err);
    lt_weights_close(w);
    e->hashed[net] = s == LT_OK;
    *out = e->hash[net];
    return s;
}

/* Files name the model that made them by it, so it rests on the weights alone and begins as keys
 * did when the first were written. */
lt_status take_engine_model_hash(longtake *e, lt_hash *out, lt_error *err)
{
    enum { AS_FILES_SAY = 2 };
    take_key k = {.state = {0, 0}};
    take_key_int(&k, AS_FILES_SAY);
    take_key_text(&k, "model");
    for (int net = 0; net < TAKE_NETS; net++) {
        lt_hash h;
        LT_TRY(take_engine_hash(e, (take_net)net, &h, err));
        take_key_hash(&k, h);
    }
    *out = take_key_end(&k);
    return LT_OK;
}

lt_status take_key_of_stage(longtake *e, take_key *k, const char *kind, take_net net, lt_error *err)
{
    lt_hash weights;
    LT_TRY(take_engine_hash(e, net, &weights, err));
    take_key_begin(k, kind);
    take_key_hash(k, weights);
    take_key_hash(k, e->config_hash);
    take_key_text(k, e->backend->table->name);
    take_key_int(k, e->backend->activation);
    if (is_rounded(e, net))
        take_key_text(k, e->rounding == LT_ROUND_E4M3 ? "e4m3" : "int8");
    return LT_OK;
}
