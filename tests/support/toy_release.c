/* toy_release.c - see toy_release.h. */
#include "tests/support/toy_release.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/import/release_names.h"
#include "tests/support/pt_writer.h"
#include "tests/support/scratch.h"
#include "tests/support/toy_spiece.h"
#include "weights/weights.h"

static const char *const paths[TOY_FILES] = {
    [TOY_FLAN] = "google/flan-t5-xxl/model.safetensors",
    [TOY_T5] = "CogVideoX-2b-sat/t5-v1_1-xxl/model.safetensors",
    [TOY_THEIA] = "theiainstitute/theia-base-patch16-224-cddsv/model.safetensors",
    [TOY_TOKENIZER] = "tokenizer/model.safetensors",
    [TOY_LLM] = "llm/model.safetensors",
    [TOY_BASE] = "CogVideoX-2b-sat/transformer/1000/mp_rank_00_model_states.pt",
    [TOY_DIFFUSION] = "diffusion/1/mp_rank_00_model_states.pt",
    [TOY_VAE] = "CogVideoX-2b-sat/vae/3d-vae.pt",
};

static void require(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "toy release: %s\n", what);
    exit(1);
}

toy_tensor *toy_release_add(toy_release *r, toy_file file, const char *name, lt_shape shape)
{
    toy_tensor *const grown =
        realloc(r->tensor[file], (size_t)(r->count[file] + 1) * sizeof *grown);
    require(grown != NULL, "no memory");
    r->tensor[file] = grown;
    toy_tensor *const t = &grown[r->count[file]++];
    *t = (toy_tensor){.name = strdup(name), .shape = shape, .fill = r->next_fill};
    r->next_fill += 1;
    return t;
}

static int index_of(const toy_release *r, toy_file file, const char *name)
{
    for (int i = 0; i < r->count[file]; i++)
        if (strcmp(r->tensor[file][i].name, name) == 0)
            return i;
    require(false, name);
    return -1;
}

toy_tensor *toy_release_find(const toy_release *r, toy_file file, const char *name)
{
    return &r->tensor[file][index_of(r, file, name)];
}

void toy_release_drop(toy_release *r, toy_file file, const char *name)
{
    const int index = index_of(r, file, name);
    free(r->tensor[file][index].name);
    r->tensor[file][index] = r->tensor[file][--r->count[file]];
}

/* Takes over and empties the list. */
static void add_all(toy_release *r, toy_file file, const char *prefix, release_names *names)
{
    require(!names->no_memory, "no memory");
    for (int i = 0; i < names->count; i++) {
        char name[512];
        snprintf(name, sizeof name, "%s%s", prefix, names->list[i].name);
        toy_release_add(r, file, name, names->list[i].shape);
    }
    release_names_close(names);
}

void toy_release_make(toy_release *r, const cfg_model *cfg)
{
    release_names names = {0};
    *r = (toy_release){.latest = "1", .next_fill = 1};
    release_names_text(&names, &cfg->text_ar);
    add_all(r, TOY_FLAN, "", &names);
    release_names_text(&names, &cfg->text_mmdit);
    add_all(r, TOY_T5, "", &names);
    release_names_theia(&names, &cfg->tokenizer.theia);
    add_all(r, TOY_THEIA, "backbone.model.", &names);
    release_names_tokenizer(&names, &cfg->tokenizer);
    add_all(r, TOY_TOKENIZER, "", &names);
    release_names_ar(&names, &cfg->ar_model);
    add_all(r, TOY_LLM, "", &names);
    release_names_main(&names, &cfg->mmdit);
    add_all(r, TOY_BASE, "model.diffusion_model.", &names);
    release_names_control(&names, &cfg->mmdit);
    add_all(r, TOY_DIFFUSION, "model.control_model.diffusion_model.", &names);
    release_names_vae(&names, &cfg->temporal_vae);
    add_all(r, TOY_VAE, "", &names);
}

void toy_release_close(toy_release *r)
{
    for (int file = 0; file < TOY_FILES; file++) {
        for (int i = 0; i < r->count[file]; i++)
            free(r->tensor[file][i].name);
        free(r->tensor[file]);
    }
    *r = (toy_release){0};
}

static int64_t elements_of(const toy_tensor *t)
{
    int64_t count = 1;
    for (int i = 0; i < t->shape.rank; i++)
        count *= t->shape.dim[i];
    return count;
}

static float *values_of(const toy_tensor *t)
{
    const int64_t count = elements_of(t);
    float *const values = malloc((size_t)count * sizeof *values + 1);
    require(values != NULL, "no memory");
    for (int64_t i = 0; i < count; i++)
        values[i] = t->fill;
    if (t->bad)
        values[count - 1] = NAN;
    return values;
}

static void write_safetensors(const toy_release *r, toy_file file, const char *path)
{
    lt_error err = {0};
    lt_writer *w;
    const int count = r->count[file];
    float **const values = calloc((size_t)count + 1, sizeof(float *));
    scratch_write(path, "", 0); /* makes the folders */
    require(lt_writer_open(scratch_path(path), &w, &err) == LT_OK, err.message);
    for (int i = 0; i < count; i++) {
        const toy_tensor *const t = &r->tensor[file][i];
        values[i] = values_of(t);
        lt_writer_add(w, t->name, LT_F32, t->shape, values[i]);
    }
    require(lt_writer_close(w, &err) == LT_OK, err.message);
    for (int i = 0; i < count; i++)
        free(values[i]);
    free(values);
}

static pt_view view_of(const toy_tensor *t, const char *key)
{
    pt_view view = {
        .type = "FloatStorage", .key = key, .count = elements_of(t), .rank = t->shape.rank};
    int64_t stride = 1;
    for (int i = t->shape.rank - 1; i >= 0; i--) {
        view.dim[i] = t->shape.dim[i];
        view.stride[i] = stride;
        stride *= t->shape.dim[i];
    }
    return view;
}

static void write_pt(const toy_release *r, toy_file file, const char *key, const char *path)
{
    const int count = r->count[file];
    byte_list pickle = {0};
    byte_list archive = {0};
    static pt_record records[PT_MAX_RECORDS];
    static char names[PT_MAX_RECORDS][24];
    require(count + 2 <= PT_MAX_RECORDS, "too many tensors");
    pt_begin(&pickle);
    pt_open_dict(&pickle);
    pt_string(&pickle, key);
    pt_open_dict(&pickle);
    for (int i = 0; i < count; i++) {
        const toy_tensor *const t = &r->tensor[file][i];
        snprintf(names[i], sizeof names[i], "data/%d", i);
        const pt_view view = view_of(t, names[i] + 5);
        pt_string(&pickle, t->name);
        pt_tensor(&pickle, &view);
        records[i + 1] =
            (pt_record){names[i], values_of(t), (size_t)elements_of(t) * sizeof(float)};
    }
    pt_close_dict(&pickle);
    pt_close_dict(&pickle);
    pt_end(&pickle);
    records[0] = (pt_record){"data.pkl", pickle.data, pickle.bytes};
    records[count + 1] = (pt_record){"version", "3\n", 2};
    pt_archive(&archive, records, count + 2, NULL);
    scratch_write(path, archive.data, archive.bytes);
    for (int i = 0; i < count; i++)
        free((void *)records[i + 1].data);
    bytes_close(&archive);
    bytes_close(&pickle);
}

static void write_vocabulary(const char *folder, const char *below, const char *piece)
{
    static toy_spiece spiece;
    char path[512];
    toy_spiece_begin(&spiece);
    toy_spiece_piece(&spiece, "\xE2\x96\x81", -1);
    toy_spiece_piece(&spiece, piece, -2);
    toy_spiece_end(&spiece);
    snprintf(path, sizeof path, "%s/%s/spiece.model", folder, below);
    scratch_write(path, spiece.bytes, spiece.count);
}

void toy_release_write(const toy_release *r, const char *folder)
{
    char path[512];
    for (int file = 0; file < TOY_FILES; file++) {
        snprintf(path, sizeof path, "%s/%s", folder, paths[file]);
        if (r->absent[file])
            continue;
        if (file == TOY_BASE || file == TOY_DIFFUSION || file == TOY_VAE)
            write_pt(r, (toy_file)file, file == TOY_VAE ? "state_dict" : "module", path);
        else
            write_safetensors(r, (toy_file)file, path);
    }
    write_vocabulary(folder, "CogVideoX-2b-sat/t5-v1_1-xxl", "red");
    if (!r->absent[TOY_FLAN])
        write_vocabulary(folder, "google/flan-t5-xxl", "blue");
    snprintf(path, sizeof path, "%s/diffusion/latest", folder);
    scratch_write_text(path, r->latest);
}
