/* low_bit_choice.h - which matrices `import --quantize` stores in few bits, by their names in a
 * model's files. */
#ifndef TAKE_LOW_BIT_CHOICE_H
#define TAKE_LOW_BIT_CHOICE_H

#include <stdbool.h>

#include "kernels/core/tensor.h"

typedef enum { TAKE_AS_STORED, TAKE_Q8, TAKE_Q4, TAKE_MIXED } take_quantize;

const char *take_quantize_name(take_quantize q);             /* "q8" "q4" "mixed"; "" as stored */
bool take_quantize_of(const char *name, take_quantize *out); /* false: no such name */

/* LT_Q8, LT_Q4, or LT_NO_DTYPE for a tensor that stays as it is stored. */
lt_dtype take_low_bit_choice(take_quantize q, const char *name, lt_shape shape);
/* Whether it is a matrix inside a layer, which may be multiplied in few bits: an
 * lt_weight_choice. */
bool take_lies_inside_a_layer(const char *name, lt_shape shape);

#endif
