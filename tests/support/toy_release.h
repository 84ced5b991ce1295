/* toy_release.h - a whole official release in small, to be damaged and imported.
 *
 *     toy_release r;
 *     toy_release_make(&r, &cfg);
 *     toy_release_find(&r, TOY_VAE, "decoder.conv_in.conv.bias")->bad = true;
 *     toy_release_write(&r, "release");           // in the scratch folder
 *     toy_release_close(&r);
 *
 * Every tensor is filled with one number, which is different for every tensor of every file.
 */
#ifndef TEST_TOY_RELEASE_H
#define TEST_TOY_RELEASE_H

#include <stdbool.h>

#include "configs/model_config.h"
#include "kernels/core/tensor.h"

typedef enum {
    TOY_FLAN,
    TOY_T5,
    TOY_THEIA,
    TOY_TOKENIZER,
    TOY_LLM,
    TOY_BASE,
    TOY_DIFFUSION,
    TOY_VAE,
    TOY_FILES
} toy_file;

typedef struct {
    char *name;
    lt_shape shape;
    float fill;
    bool bad; /* its last value is not a number */
} toy_tensor;

typedef struct {
    toy_tensor *tensor[TOY_FILES];
    int count[TOY_FILES];
    bool absent[TOY_FILES]; /* the file is not written */
    const char *latest;     /* text of diffusion/latest */
    float next_fill;
} toy_release;

void toy_release_make(toy_release *r, const cfg_model *cfg);
void toy_release_close(toy_release *r);
/* ends the program when absent */
toy_tensor *toy_release_find(const toy_release *r, toy_file file, const char *name);
toy_tensor *toy_release_add(toy_release *r, toy_file file, const char *name, lt_shape shape);
void toy_release_drop(toy_release *r, toy_file file, const char *name);
void toy_release_write(const toy_release *r, const char *folder);

#endif
