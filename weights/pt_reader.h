/* pt_reader.h - a zipped PyTorch file as a table of tensors. Nothing in the file is executed.
 *
 *     FOLDER/data.pkl      a pickle: dictionaries, and tensors as views (offset, sizes, strides) of
 *                          storages
 *     FOLDER/data/KEY      the bytes of storage KEY, as they are
 */
#ifndef LT_PT_READER_H
#define LT_PT_READER_H

#include "weights/warnings.h"
#include "weights/weight_table.h"

/* The tensors of one dictionary of the file: that under `key`, else (or with `key` NULL) under
 * "model", "module" or "state_dict", else the file's own. They are views of the file: strided,
 * shared, at any byte. Entries that are no tensors are left out; what else the file holds is named
 * in a warning. LT_ERR_INPUT with the file, the tensor and the rule. */
lt_status lt_pt_open(const char *path, const char *key, const lt_warnings *warnings,
                     lt_weights **out, lt_error *err);

#endif
