/* safetensors.h - one .safetensors file as a table of tensors; every rule of the format is checked.
 *
 *     u64 N little-endian | N bytes of JSON { name: {dtype, shape, data_offsets} } | values
 */
#ifndef LT_SAFETENSORS_H
#define LT_SAFETENSORS_H

#include "weights/weight_table.h"

enum { LT_MAX_HEADER_BYTES = 100000000 };

/* Tensors may begin at any byte. LT_ERR_INPUT with the file, the tensor and the rule. */
lt_status lt_safetensors_open(const char *path, lt_weights **out, lt_error *err);
/* The same from memory, borrowed until the table is closed. */
lt_status lt_safetensors_open_memory(void *data, size_t bytes, const char *place, lt_weights **out,
                                     lt_error *err);

#endif
