/* import_release.h - an official release tree becomes a model folder.
 *
 *     take_import_request request = {
 *         .release = "ckpts/LanDiff", .output = "models/landiff", .config = "landiff.yaml"};
 *     LT_TRY(take_import(&request, err));
 *
 * What is read, which file wins where two hold the same tensor, and what is written stands in
 * weights/README.md. Nothing in the release is executed; tensors pass through piece by piece; the
 * folder appears under its name when it is whole.
 */
#ifndef TAKE_IMPORT_RELEASE_H
#define TAKE_IMPORT_RELEASE_H

#include "kernels/core/status.h"
#include "pipeline/import/low_bit_choice.h"
#include "weights/warnings.h"

/* Non-zero asks to stop; the import then ends with LT_ERR_CANCELLED and leaves nothing behind. */
typedef int (*take_import_progress)(void *user, const char *file, int done, int total);

typedef struct {
    const char *release; /* folder */
    const char *output;  /* folder to make; must not exist, or be empty */
    const char *config;  /* YAML file of the sizes; becomes config.yaml of the folder */
    const char *t5;      /* Flan-T5 folder, or NULL: google/flan-t5-xxl inside the release */
    const char *theia;   /* likewise: theaiinstitute/theia-base-patch16-224-cddsv, if it is there */
    take_quantize quantize; /* how matrices are stored */
    lt_dtype dtype; /* of the other real numbers: f32, bf16 or f16; LT_NO_DTYPE: as stored */
    const lt_warnings *warnings;
    take_import_progress progress; /* after every tensor; or NULL */
    void *user;
} take_import_request;

/* LT_ERR_INPUT with file, tensor and cause; all missing, misshapen and
 * unexpected names in one message. */
lt_status take_import(const take_import_request *request, lt_error *err);

#endif
