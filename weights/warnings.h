/* warnings.h - what a reader left out or doubts, one line each; the
 * caller decides where they go. */
#ifndef LT_WARNINGS_H
#define LT_WARNINGS_H

#include "kernels/core/status.h"

typedef struct {
    void (*warn)(void *user, const char *line);
    void *user;
} lt_warnings;

/* `w` may be NULL. */
void lt_warn(const lt_warnings *w, const char *format, ...) LT_PRINTF(2, 3);

#endif
