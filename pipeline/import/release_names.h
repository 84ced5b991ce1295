/* release_names.h - which tensors the networks of a release have, by name and shape.
 *
 *     release_names names = {0};
 *     release_names_vae(&names, &cfg->temporal_vae);
 *     ...                                             // names.list[0 .. names.count - 1]
 *     release_names_close(&names);
 *
 * The stages bind what they use under these names; an import must know all of them, so that what is
 * missing and what is unknown can be told. Functions append; when memory is out they set
 * `no_memory`.
 */
#ifndef TAKE_RELEASE_NAMES_H
#define TAKE_RELEASE_NAMES_H

#include <stdbool.h>

#include "configs/model_config.h"
#include "kernels/core/tensor.h"

typedef struct {
    char *name;
    const char *alias; /* the same tensor under another name, or NULL */
    lt_shape shape;
} release_tensor;

typedef struct {
    release_tensor *list;
    int count;
    int capacity;
    bool no_memory;
} release_names;

void release_names_text(release_names *names, const cfg_text *cfg);
void release_names_tokenizer(release_names *names, const cfg_tokenizer *cfg);
void release_names_theia(release_names *names, const cfg_theia *cfg); /* below `backbone.model.` */
void release_names_ar(release_names *names, const cfg_ar *cfg);
void release_names_main(release_names *names, const cfg_mmdit *cfg); /* below `diffusion_model.` */
/* likewise; without the tokenizer in it */
void release_names_control(release_names *names, const cfg_mmdit *cfg);
void release_names_vae(release_names *names, const cfg_vae *cfg);
void release_names_close(release_names *names);

#endif
