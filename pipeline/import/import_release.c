/* import_release.c - opening a release, deciding what goes where, writing the folder. */
#include "pipeline/import/import_release.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/backend.h"
#include "kernels/core/durable.h"
#include "kernels/core/file_error.h"
#include "kernels/core/temporary_file.h"
#include "pipeline/import/import_plan.h"
#include "pipeline/import/import_write.h"
#include "pipeline/output_kind.h"
#include "pipeline/preview/colour_map.h"
#include "pipeline/preview/colour_map_file.h"
#include "text_encoder/text_vocab.h"
#include "weights/file_map.h"
#include "weights/pt_reader.h"
#include "weights/weight_table.h"

/* The whole engine's names of the parts that diffusion/N may override. */
#define CONTROL           "model.control_model.diffusion_model."
#define CONTROL_TOKENIZER CONTROL "semantic_conditioner.semantic_model.model."

enum { MOST_CONFIG_BYTES = 1 << 20, MOST_SPIECE_BYTES = 64 << 20 };

#define T5_FOLDER "CogVideoX-2b-sat/t5-v1_1-xxl"

/* Where the parts of a release lie. */
static const char llm_folder[] = "llm";
static const char tokenizer_folder[] = "tokenizer";
static const char t5_folder[] = T5_FOLDER;
static const char t5_vocabulary[] = T5_FOLDER "/spiece.model";
static const char base_file[] = "CogVideoX-2b-sat/transformer/1000/mp_rank_00_model_states.pt";
static const char vae_file[] = "CogVideoX-2b-sat/vae/3d-vae.pt";
static const char latest_file[] = "diffusion/latest";
/* Each by its public name; Theia's institute is misspelled at times. */
static const char *const flan_folders[] = {"google/flan-t5-xxl", NULL};
static const char *const theia_folders[] = {"theaiinstitute/theia-base-patch16-224-cddsv",
                                            "theiainstitute/theia-base-patch16-224-cddsv", NULL};

typedef enum {
    FROM_FLAN,
    FROM_T5,
    FROM_THEIA,
    FROM_TOKENIZER,
    FROM_LLM,
    FROM_BASE,
    FROM_DIFFUSION,
    FROM_VAE,
    SOURCES
} source_id;

/* Beginnings of names that are left out without a word. */
static const char *const ignored_of_t5[] = {"decoder.", "lm_head.", "encoder.embed_tokens.",
                                            "shared.", NULL};
static const char *const ignored_of_theia[] = {"translator.", "neck.", NULL};
static const char *const ignored_of_tokenizer[] = {"feature_extractor.", NULL};
static const char *const ignored_of_llm[] = {"cond_model.text_encoder.", "tokenizer.", NULL};
static const char *const ignored_of_base[] = {
    "model.diffusion_model.mixins.pos_embed.pos_embedding", NULL};
static const char *const ignored_of_diffusion[] = {
    CONTROL "mixins.pos_embed.pos_embedding",
    "model.main_model.diffusion_model.mixins.pos_embed.pos_embedding",
    CONTROL_TOKENIZER "feature_extractor.", NULL};
static const char *const ignored_of_vae[] = {"loss", NULL};

/* A file to be written. */
typedef enum {
    TO_TEXT_AR,
    TO_TEXT_MMDIT,
    TO_TOKENIZER,
    TO_AR,
    TO_MMDIT,
    TO_VAE,
    TARGETS
} target_id;

static const char *const target_files[TARGETS] = {
    "text_encoder.ar.safetensors", "text_encoder.mmdit.safetensors",
    "tokenizer.safetensors",       "ar_model.safetensors",
    "mmdit.safetensors",           "temporal_vae.safetensors"};

typedef struct {
    const take_import_request *request;
    cfg_model cfg;
    import_source source[SOURCES];
    import_plan plan[TARGETS]; /* empty: the file is not written */
    lt_complaints complaints;
    char *folder; /* temporary name of the output; NULL before it is there */
    int held;     /* the folder, open while it is written; or -1 */
    int done;     /* tensors written, and the preview map */
    int total;
} import;

static lt_status join(char out[PATH_MAX], const char *folder, const char *name, lt_error *err)
{
    if (snprintf(out, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
        return lt_fail(err, LT_ERR_INPUT, "%s: the path is too long", folder);
    return LT_OK;
}

static bool exists(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0;
}

static import_layer layer(import *m, source_id id, const char *prefix)
{
    return (import_layer){.source = &m->source[id], .prefix = prefix};
}

/* The file that the release should hold a network in, when it is not the last one to be asked. */
static import_layer home_layer(import *m, source_id id, const char *prefix)
{
    return (import_layer){.source = &m->source[id], .prefix = prefix, .home = true};
}

/* ---- opening ---- */

static lt_status open_safetensors(import *m, source_id id, const char *path, lt_error *err)
{
    lt_weights *weights = NULL;
    LT_TRY(lt_weights_open_raw(path, &weights, err));
    return import_source_open(&m->source[id], weights, err);
}

static lt_status open_in_release(import *m, source_id id, const char *name, lt_error *err)
{
    char path[PATH_MAX];
    LT_TRY(join(path, m->request->release, name, err));
    return open_safetensors(m, id, path, err);
}

static lt_status open_pt(import *m, source_id id, const char *name, const char *key, lt_error *err)
{
    char path[PATH_MAX];
    lt_weights *weights = NULL;
    LT_TRY(join(path, m->request->release, name, err));
    LT_TRY(lt_pt_open(path, key, m->request->warnings, &weights, err));
    return import_source_open(&m->source[id], weights, err);
}

/* The checkpoint's file in the release. `latest` names its sub-folder: a
 * decimal number, or "release". */
static lt_status name_diffusion(const import *m, char name[96], lt_error *err)
{
    char path[PATH_MAX];
    char text[32] = "";
    lt_file_map map;
    LT_TRY(join(path, m->request->release, latest_file, err));
    LT_TRY(lt_file_map_open(&map, path, err));
    const size_t bytes = map.bytes;
    if (bytes > 0 && bytes < sizeof text)
        memcpy(text, map.data, bytes);
    lt_file_map_close(&map);
    const char *const begin = text + strspn(text, " \t\r\n");
    const size_t length = strcspn(begin, " \t\r\n");
    const bool number = length > 0 && strspn(begin, "0123456789") == length &&
                        begin[strspn(begin, "0")] >= '1' && length < 10;
    const bool rest_is_blank =
        strspn(begin + length, " \t\r\n") == strlen(begin + length) && strlen(text) == bytes;
    if (!rest_is_blank || !(number || (length == 7 && strncmp(begin, "release", 7) == 0)))
        return lt_fail(err, LT_ERR_INPUT, "%s: is not a number > 0 or the word 'release'", path);
    snprintf(name, 96, "diffusion/%.*s/mp_rank_00_model_states.pt", (int)length, begin);
    return LT_OK;
}

static lt_status open_diffusion(import *m, lt_error *err)
{
    char name[96];
    LT_TRY(name_diffusion(m, name, err));
    return open_pt(m, FROM_DIFFUSION, name, "module", err);
}

/* Flan-T5 and Theia are not part of the release: an option says where they are, else they lie
 * inside under their public names. False when neither is so. */
static lt_status find_extra(const import *m, const char *given, const char *const *names,
                            char path[PATH_MAX], bool *found, lt_error *err)
{
    *found = given != NULL;
    if (given && snprintf(path, PATH_MAX, "%s", given) >= PATH_MAX)
        return lt_fail(err, LT_ERR_INPUT, "%s: the path is too long", given);
    for (int i = 0; !*found && names[i]; i++) {
        LT_TRY(join(path, m->request->release, names[i], err));
        *found = exists(path);
    }
    return LT_OK;
}

static lt_status open_flan(import *m, lt_error *err)
{
    char path[PATH_MAX];
    bool found = false;
    LT_TRY(find_extra(m, m->request->t5, flan_folders, path, &found, err));
    return found ? open_safetensors(m, FROM_FLAN, path, err) : LT_OK;
}

static lt_status open_theia(import *m, lt_error *err)
{
    char path[PATH_MAX];
    bool found = false;
    LT_TRY(find_extra(m, m->request->theia, theia_folders, path, &found, err));
    return found ? open_safetensors(m, FROM_THEIA, path, err) : LT_OK;
}

/* ---- what is there ---- */

static bool is_in_release(const import *m, const char *name)
{
    char path[PATH_MAX];
    return join(path, m->request->release, name, NULL) == LT_OK && exists(path);
}

/* A folder with weights, or a file of them. */
static bool has_weights(const import *m, const char *name)
{
    char file[96];
    char index[96];
    struct stat found;
    char path[PATH_MAX];
    snprintf(file, sizeof file, "%s/model.safetensors", name);
    snprintf(index, sizeof index, "%s/model.safetensors.index.json", name);
    if (is_in_release(m, file) || is_in_release(m, index))
        return true;
    return join(path, m->request->release, name, NULL) == LT_OK && stat(path, &found) == 0 &&
           !S_ISDIR(found.st_mode);
}

/* The language model may bring its text encoder. */
static lt_status has_flan_inside(const import *m, bool *inside, lt_error *err)
{
    char path[PATH_MAX];
    lt_weights *weights = NULL;
    import_source llm = {0};
    *inside = false;
    if (!has_weights(m, llm_folder))
        return LT_OK;
    LT_TRY(join(path, m->request->release, llm_folder, err));
    LT_TRY(lt_weights_open_raw(path, &weights, err));
    const lt_status s = import_source_open(&llm, weights, err);
    release_names names = {0};
    release_names_text(&names, &m->cfg.text_ar);
    const import_layer in_llm = {.source = &llm, .prefix = "cond_model.text_encoder.text_encoder."};
    *inside = s == LT_OK && import_layer_has_any(&in_llm, &names);
    release_names_close(&names);
    import_source_close(&llm);
    return s;
}

static lt_status look_for_flan(const import *m, lt_complaints *gone, lt_error *err)
{
    char path[PATH_MAX];
    bool found = false;
    LT_TRY(find_extra(m, m->request->t5, flan_folders, path, &found, err));
    if (!found)
        LT_TRY(has_flan_inside(m, &found, err));
    if (!found)
        lt_complain(
            gone,
            "%s, the language model's text encoder: no part of the release, --t5 DIR says where it is",
            flan_folders[0]);
    return LT_OK;
}

/* All that is missing is named at once, before anything is read for long. */
static lt_status look_for_parts(const import *m, lt_error *err)
{
    static const char *const folders[] = {llm_folder, tokenizer_folder, t5_folder};
    static const char *const files[] = {t5_vocabulary, base_file, vae_file, latest_file};
    lt_complaints gone = {.others = m->request->warnings};
    if (!exists(m->request->release))
        return lt_fail(err, LT_ERR_INPUT, "%s: %s", m->request->release, strerror(errno));
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (!has_weights(m, folders[i]))
            lt_complain(&gone, "%s/model.safetensors (or its shards and their index)", folders[i]);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!is_in_release(m, files[i]))
            lt_complain(&gone, "%s", files[i]);
    char name[96] = "diffusion/1/mp_rank_00_model_states.pt";
    if (is_in_release(m, latest_file))
        LT_TRY(name_diffusion(m, name, err));
    if (!is_in_release(m, name))
        lt_complain(&gone, "%s", name);
    if (!m->cfg.one_text_encoder)
        LT_TRY(look_for_flan(m, &gone, err));
    if (gone.count == 0)
        return LT_OK;
    return lt_fail(
        err, LT_ERR_INPUT,
        "%s: missing are:%s\nhint: README, \"The released weights\", lists the files and where they come from",
        m->request->release, gone.text);
}

static lt_status open_sources(import *m, lt_error *err)
{
    LT_TRY(look_for_parts(m, err));
    LT_TRY(open_in_release(m, FROM_LLM, llm_folder, err));
    LT_TRY(open_in_release(m, FROM_TOKENIZER, tokenizer_folder, err));
    LT_TRY(open_in_release(m, FROM_T5, t5_folder, err));
    LT_TRY(open_pt(m, FROM_BASE, base_file, "module", err));
    LT_TRY(open_pt(m, FROM_VAE, vae_file, "state_dict", err));
    LT_TRY(open_diffusion(m, err));
    if (!m->cfg.one_text_encoder)
        LT_TRY(open_flan(m, err));
    return open_theia(m, err);
}

static void describe_sources(import *m)
{
    static const struct {
        source_id id;
        bool strict;
        const char *const *ignored;
    } rules[] = {
        {FROM_FLAN, false, ignored_of_t5},     {FROM_T5, false, ignored_of_t5},
        {FROM_THEIA, false, ignored_of_theia}, {FROM_TOKENIZER, true, ignored_of_tokenizer},
        {FROM_LLM, true, ignored_of_llm},      {FROM_BASE, true, ignored_of_base},
        {FROM_VAE, false, ignored_of_vae},     {FROM_DIFFUSION, false, ignored_of_diffusion},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        m->source[rules[i].id].strict = rules[i].strict;
        m->source[rules[i].id].ignored = rules[i].ignored;
    }
}

/* ---- deciding ---- */

static lt_status plan_network(import *m, target_id to, release_names *names, const char *out_prefix,
                              const import_layer *layers, int layer_count, lt_error *err)
{
    const lt_status s =
        import_plan_add(&m->plan[to], names, out_prefix, layers, layer_count, &m->complaints, err);
    release_names_close(names);
    return s;
}

/* A network that was pointed at, and that a file of the release holds as well. */
static void warn_if_overridden(const import *m, const char *flag, const char *given,
                               const import_layer *layer, const release_names *names)
{
    if (given && layer->source->weights && import_layer_has_any(layer, names))
        lt_warn(m->request->warnings,
                "%s: holds its own copy, which is used instead of the weights in %s %s",
                lt_weights_place(layer->source->weights), flag, given);
}

static lt_status plan_text(import *m, lt_error *err)
{
    release_names names = {0};
    const import_layer t5[] = {layer(m, FROM_DIFFUSION, "conditioner.embedders.0.transformer."),
                               layer(m, FROM_T5, "")};
    release_names_text(&names, &m->cfg.text_mmdit);
    LT_TRY(plan_network(m, TO_TEXT_MMDIT, &names, "", t5, 2, err));
    if (m->cfg.one_text_encoder)
        return LT_OK;
    const import_layer flan[] = {layer(m, FROM_LLM, "cond_model.text_encoder.text_encoder."),
                                 layer(m, FROM_FLAN, "")};
    release_names_text(&names, &m->cfg.text_ar);
    warn_if_overridden(m, "--t5", m->request->t5, &flan[0], &names);
    return plan_network(m, TO_TEXT_AR, &names, "", flan, 2, err);
}

/* The copy of the tokenizer in the control branch is loaded last, so it is
 * the one that makes pictures. */
static lt_status plan_tokenizer(import *m, lt_error *err)
{
    release_names names = {0};
    const import_layer tokenizer[] = {layer(m, FROM_DIFFUSION, CONTROL_TOKENIZER),
                                      layer(m, FROM_TOKENIZER, "")};
    release_names_tokenizer(&names, &m->cfg.tokenizer);
    if (import_layer_has_any(&tokenizer[0], &names))
        lt_warn(
            m->request->warnings,
            "%s: holds its own copy of the tokenizer, which is used instead of that in tokenizer/",
            lt_weights_place(m->source[FROM_DIFFUSION].weights));
    LT_TRY(plan_network(m, TO_TOKENIZER, &names, "", tokenizer, 2, err));

    const import_layer theia[] = {
        layer(m, FROM_DIFFUSION, CONTROL_TOKENIZER "feature_extractor.model.backbone.model."),
        layer(m, FROM_TOKENIZER, "feature_extractor.model.backbone.model."),
        layer(m, FROM_THEIA, "backbone.model.")};
    release_names_theia(&names, &m->cfg.tokenizer.theia);
    for (int i = 0; i < 2; i++)
        warn_if_overridden(m, "--theia", m->request->theia, &theia[i], &names);
    if (m->source[FROM_THEIA].weights || import_layer_has_any(&theia[0], &names) ||
        import_layer_has_any(&theia[1], &names))
        return plan_network(m, TO_TOKENIZER, &names, "feature_extractor.model.backbone.model.",
                            theia, 3, err);
    release_names_close(&names);
    lt_warn(m->request->warnings,
            "%s: holds no Theia, so the model cannot read reference videos (--theia DIR)",
            m->request->release);
    return LT_OK;
}

static lt_status plan_mmdit(import *m, lt_error *err)
{
    release_names names = {0};
    const import_layer base = layer(m, FROM_BASE, "model.diffusion_model.");
    const import_layer main_layers[] = {
        layer(m, FROM_DIFFUSION, "model.main_model.diffusion_model."), base};
    release_names_main(&names, &m->cfg.mmdit);
    LT_TRY(plan_network(m, TO_MMDIT, &names, "model.diffusion_model.", main_layers, 2, err));
    const import_layer control_layers[] = {home_layer(m, FROM_DIFFUSION, CONTROL), base};
    release_names_control(&names, &m->cfg.mmdit);
    return plan_network(m, TO_MMDIT, &names, CONTROL, control_layers, 2, err);
}

static lt_status plan_all(import *m, lt_error *err)
{
    release_names names = {0};
    LT_TRY(plan_text(m, err));
    LT_TRY(plan_tokenizer(m, err));
    const import_layer llm = layer(m, FROM_LLM, "");
    release_names_ar(&names, &m->cfg.ar_model);
    LT_TRY(plan_network(m, TO_AR, &names, "", &llm, 1, err));
    LT_TRY(plan_mmdit(m, err));
    const import_layer vae[] = {layer(m, FROM_DIFFUSION, "first_stage_model."),
                                layer(m, FROM_VAE, "")};
    release_names_vae(&names, &m->cfg.temporal_vae);
    LT_TRY(plan_network(m, TO_VAE, &names, "", vae, 2, err));
    for (int id = 0; id < SOURCES; id++)
        import_source_check(&m->source[id], &m->complaints, m->request->warnings);
    for (int to = 0; to < TARGETS; to++)
        m->total += m->plan[to].chosen.count;
    m->total++;
    return lt_complaints_verdict(&m->complaints,
                                 "import: the release does not fit the configuration", err);
}

/* ---- writing ---- */

/* `more` tensors are done. */
static lt_status tell_progress(import *m, const char *file, int more, lt_error *err)
{
    const take_import_request *const r = m->request;
    m->done += more;
    if (r->progress && r->progress(r->user, file, m->done, m->total) != 0)
        return lt_fail(err, LT_ERR_CANCELLED, "import: stopped");
    return LT_OK;
}

static const char *file_of(const import *m, target_id to)
{
    return to == TO_TEXT_MMDIT && m->cfg.one_text_encoder ? "text_encoder.safetensors"
                                                          : target_files[to];
}

/* A file whose tensors are written. */
typedef struct {
    import *import;
    const char *file;
} written_file;

static lt_status tell_written(void *user, int more, lt_error *err)
{
    const written_file *const w = user;
    return tell_progress(w->import, w->file, more, err);
}

static lt_status write_network(import *m, target_id to, lt_error *err)
{
    char path[PATH_MAX];
    LT_TRY(join(path, m->folder, file_of(m, to), err));
    written_file file = {m, file_of(m, to)};
    const import_manner how = {.quantize = m->request->quantize,
                               .dtype = m->request->dtype,
                               .written = tell_written,
                               .user = &file};
    return import_tensors_write(&m->plan[to].chosen, path, &how, err);
}

static lt_status write_networks(import *m, lt_error *err)
{
    for (int to = 0; to < TARGETS; to++)
        if (m->plan[to].chosen.count > 0)
            LT_TRY(write_network(m, (target_id)to, err));
    for (int to = 0; to < TARGETS; to++)
        LT_TRY(import_tensors_check(&m->plan[to].overridden, err));
    for (int id = 0; id < SOURCES; id++)
        if (m->source[id].weights)
            LT_TRY(lt_table_verify(m->source[id].weights, err));
    return LT_OK;
}

/* From latents to colours, for previews: fitted to the VAE that was just written. */
static lt_status write_colour_map(import *m, lt_error *err)
{
    char path[PATH_MAX];
    lt_weights *weights = NULL;
    LT_TRY(join(path, m->folder, file_of(m, TO_VAE), err));
    LT_TRY(lt_weights_open(path, &weights, err));
    lt_status s = join(path, m->folder, COLOUR_MAP_FILE, err);
    if (s == LT_OK)
        s = take_colour_map_write(&m->cfg, weights, 0, path, err);
    lt_weights_close(weights);
    return s == LT_OK ? tell_progress(m, COLOUR_MAP_FILE, 1, err) : s;
}

/* A file of 1 to `most` bytes. */
static lt_status map_small(lt_file_map *map, const char *path, size_t most, lt_error *err)
{
    LT_TRY(lt_file_map_open(map, path, err));
    if (map->bytes > 0 && map->bytes <= most)
        return LT_OK;
    const size_t bytes = map->bytes;
    lt_file_map_close(map);
    return lt_fail(err, LT_ERR_INPUT, "%s: has %zu bytes, 1 to %zu are expected", path, bytes,
                   most);
}

static lt_status write_config(const import *m, lt_error *err)
{
    char path[PATH_MAX];
    lt_file_map map;
    LT_TRY(join(path, m->folder, "config.yaml", err));
    LT_TRY(map_small(&map, m->request->config, MOST_CONFIG_BYTES, err));
    const lt_status s = lt_write_synced(path, map.data, map.bytes, err);
    lt_file_map_close(&map);
    return s;
}

/* A vocabulary must be readable, and its ids must be rows of the encoder's table. */
static lt_status check_vocabulary(const lt_file_map *map, const char *path, int rows, lt_error *err)
{
    text_vocab *vocab = NULL;
    LT_TRY(text_vocab_from_memory(map->data, map->bytes, path, &vocab, err));
    const int count = text_vocab_count(vocab);
    text_vocab_close(vocab);
    if (count > rows)
        return lt_fail(err, LT_ERR_INPUT, "%s: gives %d ids, the encoder has %d rows", path, count,
                       rows);
    return LT_OK;
}

/* spiece.model is that of the diffusion stage; the language model's is
 * kept beside it where it differs. */
static lt_status write_vocabularies(const import *m, lt_error *err)
{
    char path[PATH_MAX];
    char out[PATH_MAX];
    lt_file_map common;
    LT_TRY(join(path, m->request->release, t5_vocabulary, err));
    LT_TRY(join(out, m->folder, "spiece.model", err));
    LT_TRY(map_small(&common, path, MOST_SPIECE_BYTES, err));
    lt_status s = check_vocabulary(&common, path, m->cfg.text_mmdit.vocab_size, err);
    if (s == LT_OK)
        s = lt_write_synced(out, common.data, common.bytes, err);

    bool found = false;
    char folder[PATH_MAX];
    lt_file_map own = {0};
    if (s == LT_OK)
        s = find_extra(m, m->request->t5, flan_folders, folder, &found, err);
    if (s == LT_OK)
        s = join(path, folder, "spiece.model", err);
    if (s == LT_OK && !m->cfg.one_text_encoder && exists(path))
        s = map_small(&own, path, MOST_SPIECE_BYTES, err);
    const bool differs =
        own.data && (own.bytes != common.bytes || memcmp(own.data, common.data, own.bytes) != 0);
    if (s == LT_OK && differs)
        s = check_vocabulary(&own, path, m->cfg.text_ar.vocab_size, err);
    if (s == LT_OK && differs)
        s = join(out, m->folder, "text_encoder.ar.spiece.model", err);
    if (s == LT_OK && differs)
        s = lt_write_synced(out, own.data, own.bytes, err);
    lt_file_map_close(&own);
    lt_file_map_close(&common);
    return s;
}

/* ---- the folder ---- */

/* Where both networks have one text encoder it is the release's. */
static lt_status check_t5(const import *m, lt_error *err)
{
    if (!m->request->t5 || !m->cfg.one_text_encoder)
        return LT_OK;
    return lt_fail(err, LT_ERR_USAGE,
                   "--t5: found %s, expected none: %s has one text encoder, the release's own",
                   m->request->t5, m->request->config);
}

static lt_status check_output(const char *output, lt_error *err)
{
    struct stat found;
    if (lstat(output, &found) != 0 || take_look_into(output) == TAKE_FOLDER_EMPTY)
        return LT_OK;
    return lt_fail(err, LT_ERR_USAGE, "%s: is already there", output);
}

/* A file, and what a writer that was killed left of it. */
static void remove_written(const char *path)
{
    free(lt_temporary_name(path));
    unlink(path);
}

/* Removes whatever an import may have written. */
static void remove_folder(const char *folder)
{
    static const char *const others[] = {"config.yaml", "spiece.model",
                                         "text_encoder.ar.spiece.model", "text_encoder.safetensors",
                                         COLOUR_MAP_FILE};
    char path[PATH_MAX];
    for (int to = 0; to < TARGETS; to++)
        if (join(path, folder, target_files[to], NULL) == LT_OK)
            remove_written(path);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (join(path, folder, others[i], NULL) == LT_OK)
            remove_written(path);
    rmdir(folder);
}

static lt_status make_folder(import *m, lt_error *err)
{
    m->folder = lt_temporary_folder_name(m->request->output, remove_folder);
    if (!m->folder)
        return lt_fail(err, LT_ERR_RESOURCES, "import: no memory");
    if (mkdir(m->folder, 0777) != 0) {
        const lt_status s = lt_fail_to_write(m->folder, err);
        free(m->folder);
        m->folder = NULL;
        return s;
    }
    m->held = open(m->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (m->held >= 0)
        lt_temporary_hold(m->held);
    return LT_OK;
}

static lt_status write_folder(import *m, lt_error *err)
{
    LT_TRY(make_folder(m, err));
    LT_TRY(write_config(m, err));
    LT_TRY(write_vocabularies(m, err));
    LT_TRY(write_networks(m, err));
    LT_TRY(write_colour_map(m, err));
    LT_TRY(lt_sync_folder(m->folder, err));
    return lt_rename_durably(m->folder, m->request->output, err);
}

lt_status take_import(const take_import_request *request, lt_error *err)
{
    import *const m = calloc(1, sizeof *m);
    if (!m)
        return lt_fail(err, LT_ERR_RESOURCES, "import: no memory");
    m->request = request;
    m->held = -1;
    m->complaints.others = request->warnings;
    describe_sources(m);
    lt_status s = check_output(request->output, err);
    if (s == LT_OK)
        s = cfg_read(request->config, &m->cfg, err);
    if (s == LT_OK)
        s = check_t5(m, err);
    if (s == LT_OK)
        s = open_sources(m, err);
    if (s == LT_OK)
        s = plan_all(m, err);
    if (s == LT_OK)
        s = write_folder(m, err);
    if (s != LT_OK && m->folder)
        remove_folder(m->folder);
    if (m->held >= 0)
        close(m->held);
    free(m->folder);
    for (int to = 0; to < TARGETS; to++)
        import_plan_close(&m->plan[to]);
    for (int id = 0; id < SOURCES; id++)
        import_source_close(&m->source[id]);
    free(m);
    return s;
}
