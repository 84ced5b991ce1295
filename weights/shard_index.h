/* shard_index.h - a model.safetensors.index.json: which file of the
 * same folder holds which tensor. */
#ifndef LT_SHARD_INDEX_H
#define LT_SHARD_INDEX_H

#include "weights/weight_table.h"

/* Every tensor that the index names, each from the file that it names; others in those files stay
 * hidden. LT_ERR_INPUT. */
lt_status lt_shard_index_open(const char *path, lt_weights **out, lt_error *err);

#endif
