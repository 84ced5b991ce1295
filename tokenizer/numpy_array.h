/* numpy_array.h - the one kind of NumPy file that the release writes: i64, flat, little-endian. */
#ifndef TOK_NUMPY_ARRAY_H
#define TOK_NUMPY_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "kernels/core/status.h"

bool tok_numpy_begins(const uint8_t *data, size_t bytes); /* has NumPy's first bytes */
/* Shape [n], or [1, .., n]. `values` points into `data`, 8 bytes each, at
 * any alignment. LT_ERR_INPUT. */
lt_status tok_numpy_read(const uint8_t *data, size_t bytes, const char *place,
                         const uint8_t **values, int64_t *count, lt_error *err);
int64_t tok_numpy_value(const uint8_t *values, int64_t index);
/* The error is the stream's: look at it when all is written. */
void tok_numpy_write(FILE *stream, const uint16_t *values, int64_t count);

#endif
