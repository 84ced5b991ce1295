/* tiny_model.c - see tiny_model.h. */
#include "tests/support/tiny_model.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "configs/model_config.h"
#include "pipeline/import/release_names.h"
#include "tests/support/scratch.h"
#include "tests/support/toy_release.h"
#include "tests/support/toy_spiece.h"
#include "weights/synthetic_weights.h"
#include "weights/weights.h"

static void require(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "tiny model: %s\n", what);
    exit(1);
}

/* A weight file on its way. */
typedef struct {
    lt_writer *writer;
    lt_weights *weights; /* makes what it is asked for */
    lt_dtype dtype;
} weight_file;

static weight_file open_file(const char *name, lt_dtype dtype)
{
    lt_error err = {0};
    weight_file f = {.dtype = dtype};
    require(lt_writer_open(scratch_path(name), &f.writer, &err) == LT_OK, err.message);
    require(lt_weights_synthetic(dtype, 1, &f.weights, &err) == LT_OK, err.message);
    return f;
}

/* Takes over and empties the list. */
static void add_all(weight_file *f, const char *prefix, release_names *names)
{
    require(!names->no_memory, "no memory");
    for (int i = 0; i < names->count; i++) {
        char name[512];
        snprintf(name, sizeof name, "%s%s", prefix, names->list[i].name);
        const lt_entry *const made =
            lt_synthetic_entry(f->weights, name, LT_ROLE_VECTOR, names->list[i].shape);
        require(made != NULL, "no memory");
        lt_writer_add(f->writer, name, f->dtype, names->list[i].shape, made->tensor.data);
    }
    release_names_close(names);
}

static void close_file(weight_file *f)
{
    lt_error err = {0};
    require(lt_writer_close(f->writer, &err) == LT_OK, err.message);
    lt_weights_close(f->weights);
}

static void write_text(const char *name, const cfg_text *sizes, lt_dtype dtype)
{
    release_names names = {0};
    weight_file f = open_file(name, dtype);
    release_names_text(&names, sizes);
    add_all(&f, "", &names);
    close_file(&f);
}

static void write_text_ar(const cfg_model *cfg, lt_dtype dtype)
{
    if (!cfg->one_text_encoder)
        write_text("text_encoder.ar.safetensors", &cfg->text_ar, dtype);
}

static void write_text_mmdit(const cfg_model *cfg, lt_dtype dtype)
{
    write_text(cfg->one_text_encoder ? "text_encoder.safetensors"
                                     : "text_encoder.mmdit.safetensors",
               &cfg->text_mmdit, dtype);
}

static void write_tokenizer(const cfg_model *cfg, lt_dtype dtype)
{
    release_names names = {0};
    weight_file f = open_file("tokenizer.safetensors", dtype);
    release_names_tokenizer(&names, &cfg->tokenizer);
    add_all(&f, "", &names);
    release_names_theia(&names, &cfg->tokenizer.theia);
    add_all(&f, "feature_extractor.model.backbone.model.", &names);
    close_file(&f);
}

static void write_ar_model(const cfg_model *cfg, lt_dtype dtype)
{
    release_names names = {0};
    weight_file f = open_file("ar_model.safetensors", dtype);
    release_names_ar(&names, &cfg->ar_model);
    add_all(&f, "", &names);
    close_file(&f);
}

static void write_mmdit(const cfg_model *cfg, lt_dtype dtype)
{
    release_names names = {0};
    weight_file f = open_file("mmdit.safetensors", dtype);
    release_names_main(&names, &cfg->mmdit);
    add_all(&f, "model.diffusion_model.", &names);
    release_names_control(&names, &cfg->mmdit);
    add_all(&f, "model.control_model.diffusion_model.", &names);
    close_file(&f);
}

static void write_temporal_vae(const cfg_model *cfg, lt_dtype dtype)
{
    release_names names = {0};
    weight_file f = open_file("temporal_vae.safetensors", dtype);
    release_names_vae(&names, &cfg->temporal_vae);
    add_all(&f, "", &names);
    close_file(&f);
}

/* A process for each file: at the released sizes one alone takes a minute and a half. */
static void write_weights(const cfg_model *cfg, lt_dtype dtype)
{
    void (*const files[])(const cfg_model *, lt_dtype) = {write_text_ar,   write_text_mmdit,
                                                          write_tokenizer, write_ar_model,
                                                          write_mmdit,     write_temporal_vae};
    enum { FILES = sizeof files / sizeof *files };
    pid_t writer[FILES];
    for (int i = 0; i < FILES; i++) {
        writer[i] = fork();
        require(writer[i] >= 0, "no process");
        if (writer[i] == 0) {
            files[i](cfg, dtype);
            _exit(0);
        }
    }
    for (int i = 0; i < FILES; i++) {
        int status;
        require(waitpid(writer[i], &status, 0) == writer[i] && WIFEXITED(status) &&
                    WEXITSTATUS(status) == 0,
                "a file was not written");
    }
}

/* Every printable ASCII letter, alone and at the beginning of a word, so that prompts differ. */
static void write_vocabulary(void)
{
    static toy_spiece spiece;
    toy_spiece_begin(&spiece);
    toy_spiece_piece(&spiece, "\xE2\x96\x81", -4);
    for (char c = '!'; c <= '~'; c++) {
        const char alone[] = {c, '\0'};
        const char begins[] = {'\xE2', '\x96', '\x81', c, '\0'};
        toy_spiece_piece(&spiece, alone, -3);
        toy_spiece_piece(&spiece, begins, -3);
    }
    toy_spiece_end(&spiece);
    scratch_write("spiece.model", spiece.bytes, spiece.count);
}

static cfg_model read_config(const char *path)
{
    lt_error err = {0};
    cfg_model cfg;
    require(cfg_read(path, &cfg, &err) == LT_OK, err.message);
    return cfg;
}

static void copy_config(const char *path)
{
    static char text[1 << 16];
    FILE *const file = fopen(path, "rb");
    require(file != NULL, path);
    const size_t bytes = fread(text, 1, sizeof text, file);
    require(bytes > 0 && bytes < sizeof text, path);
    fclose(file);
    scratch_write("config.yaml", text, bytes);
}

void tiny_model_write(const char *config, lt_dtype dtype, const char *folder)
{
    const cfg_model cfg = read_config(config);
    scratch_open_at(folder);
    copy_config(config);
    write_vocabulary();
    write_weights(&cfg, dtype);
}

void tiny_release_write(const char *config, const char *folder)
{
    enum { LARGEST = 8 };
    const cfg_model cfg = read_config(config);
    toy_release release;
    scratch_open_at(folder);
    toy_release_make(&release, &cfg);
    release.absent[TOY_FLAN] = cfg.one_text_encoder;
    /* Small numbers, so that what is imported can be run. */
    for (int file = 0; file < TOY_FILES; file++)
        for (int i = 0; i < release.count[file]; i++)
            release.tensor[file][i].fill = (float)(1 + i % LARGEST) / 128;
    toy_release_write(&release, ".");
    toy_release_close(&release);
}
