/* tiny_model.h - a whole model of random weights in the sizes of a configuration, configs/tiny.yaml
 * for tests that run the program.
 *
 *     // config.yaml, spiece.model, five weight files
 *     tiny_model_write("configs/tiny.yaml", LT_F32, "build/tests/tiny");
 *
 * The same bytes every time. What a video of it shows is noise; how many frames it has is not.
 */
#ifndef TEST_TINY_MODEL_H
#define TEST_TINY_MODEL_H

#include "kernels/core/tensor.h"

/* Weights in f32 or bf16. Makes the folder where it is missing; ends the
 * program when something fails. */
void tiny_model_write(const char *config, lt_dtype dtype, const char *folder);
/* The same networks as an official release in small, to be imported; see toy_release.h. */
void tiny_release_write(const char *config, const char *folder);

#endif
