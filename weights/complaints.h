/* complaints.h - everything that is wrong with a set of tensors, in one error message. */
#ifndef LT_COMPLAINTS_H
#define LT_COMPLAINTS_H

#include <stddef.h>

#include "kernels/core/status.h"
#include "weights/warnings.h"

/* Zero it first. The lines that fit are kept, the others counted and told to
 * `others`, which may be NULL. */
typedef struct {
    const lt_warnings *others;
    char text[640]; /* the rest of LT_ERROR_BYTES is for a heading with a path */
    size_t used;
    int count;
    int hidden;
} lt_complaints;

/* One line, without its end. */
void lt_complain(lt_complaints *c, const char *format, ...) LT_PRINTF(2, 3);
/* LT_OK when there is none, else LT_ERR_INPUT with the heading and the lines. */
lt_status lt_complaints_verdict(const lt_complaints *c, const char *heading, lt_error *err);

#endif
