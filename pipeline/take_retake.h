/* take_retake.h - windows of a take made again under another seed.
 *
 * Retakes lie over each other like layers: layer 0 is the take as it would be without any, layer i
 * what the first i retakes have made of it. A layer shares with the one below what lies before its
 * first window, and with `keep_rest` also what lies behind its last; the rest follows from the
 * windows before it in the same layer.
 */
#ifndef TAKE_TAKE_RETAKE_H
#define TAKE_TAKE_RETAKE_H

#include <stdbool.h>

#include "pipeline/take_spec.h"

/* False: the window is that of the layer below. */
bool take_layer_owns(const take_spec *s, int layer, int64_t window);
/* True when the window of this layer must be made for the take of the topmost one. */
bool take_layer_needs(const take_spec *s, int layer, int64_t window);
/* The seed that a window of a layer is refined under. */
uint32_t take_layer_seed(const take_spec *s, int layer, int64_t window);

#endif
