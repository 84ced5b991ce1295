/* picture_weights.h - small maps that pictures want beside the networks, in host memory. */
#ifndef TOK_PICTURE_WEIGHTS_H
#define TOK_PICTURE_WEIGHTS_H

#include "weights/weights.h"

/* The values of a tensor as f32, to be freed. LT_ERR_INPUT where there is none of that name, it has
 * another shape, or a value is no number. */
lt_status tok_picture_weights(lt_weights *weights, const char *name, lt_shape shape, float **out,
                              lt_error *err);

#endif
