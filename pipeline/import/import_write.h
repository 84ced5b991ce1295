/* import_write.h - tensors that were chosen from a release, into one file: packed, and as they are,
 * rounded or in blocks of few bits. */
#ifndef TAKE_IMPORT_WRITE_H
#define TAKE_IMPORT_WRITE_H

#include "pipeline/import/import_plan.h"
#include "pipeline/import/low_bit_choice.h"

typedef struct {
    take_quantize quantize;
    lt_dtype dtype; /* of the real tensors that are not quantised; LT_NO_DTYPE: as stored */
    /* Called as it goes on: `more` tensors are done, 0 within one. A failure ends the writing. */
    lt_status (*written)(void *user, int more, lt_error *err);
    void *user;
} import_manner;

/* Every value must be finite, in the file's dtype too: else LT_ERR_INPUT with place, tensor and
 * index. Memory of a mapped source is given back as its values are written. Nothing stays under
 * `path` when it fails. LT_ERR_RESOURCES when disk or memory is full. */
lt_status import_tensors_write(const import_tensors *list, const char *path,
                               const import_manner *how, lt_error *err);
/* What is not written, because it lost against an override, must be finite all the same: a release
 * that holds such numbers is damaged. */
lt_status import_tensors_check(const import_tensors *list, lt_error *err);

#endif
