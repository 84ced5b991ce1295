/* weights.h - checkpoint files as named tensors, and how a network picks its own.
 *
 *     lt_weights *file;
 *     LT_TRY(lt_weights_open("models/mini/ar_model.safetensors", &file, err));
 *     lt_binder *b = lt_binder_open(file, backend);
 *     lt_bind(b, &net->embedding, LT_ROLE_TABLE, lt_shape2(vocab, width),
 *             "visual_embedding_model.tok_emb_code.weight");
 *     for (int i = 0; i < layers; i++)
 *         lt_bind(b, &net->layer[i].qkv, LT_ROLE_MATRIX, lt_shape2(3 * width, width),
 *                 "transformer.blocks.%d.wqkv.weight", i);
 *     LT_TRY(lt_binder_close(b, &net->set, err)); // one message for all missing names
 *
 * Safetensors, one file or a sharded folder, mapped read-only; every rule of the format is checked
 * before a tensor is handed out. Values are used as they are stored (f32, f16, bf16, f64, or
 * integers with `NAME_scale`: README.md).
 */
#ifndef LT_WEIGHTS_H
#define LT_WEIGHTS_H

#include <stdio.h>

#include "kernels/backend.h"
#include "kernels/core/hash.h"
#include "kernels/core/status.h"
#include "kernels/core/weight.h"

/* an open file or shard set; immutable but for what networks are to make of it,
 * reference-counted by its users */
typedef struct lt_weights lt_weights;

/* `path`: a .safetensors file, an index .json, or a folder that holds model.safetensors or its
 * index. LT_ERR_INPUT. */
lt_status lt_weights_open(const char *path, lt_weights **out, lt_error *err);
/* The same for a .safetensors file in memory, borrowed until the last reference is dropped; `place`
 * names it in messages. */
lt_status lt_weights_open_memory(void *data, size_t bytes, const char *place, lt_weights **out,
                                 lt_error *err);
/* The same tensors seen without `prefix`; names that lack it are hidden. Shares the mapping. */
lt_status lt_weights_view(lt_weights *w, const char *prefix, lt_weights **out, lt_error *err);
/* No file: every tensor that a binder asks for is there, in `dtype` (f32, bf16, or q8, q4 for
 * matrices and bf16 for the rest), with small random numbers that depend on `seed` and the name
 * alone. For timing a stage at sizes of which there are no weights. */
lt_status lt_weights_synthetic(lt_dtype dtype, uint64_t seed, lt_weights **out, lt_error *err);
/* The same, but nothing is made: sizes only, all zeros that take no memory until they are touched.
 * For lt_measure_open. */
lt_status lt_weights_hollow(lt_dtype dtype, lt_weights **out, lt_error *err);
lt_weights *lt_weights_share(lt_weights *w); /* one more reference to the same */
/* Where networks that bind from `w` from now on, or from views that are opened from now on, have
 * their matrices. */
void lt_weights_home(lt_weights *w, lt_home home);
/* The same for those whose products may be rounded: `chooses` is asked for
 * each by its name; NULL: none. */
typedef bool (*lt_weight_choice)(const char *name, lt_shape shape);
void lt_weights_rounding(lt_weights *w, lt_rounding rounding, lt_weight_choice chooses);
void lt_weights_close(lt_weights *w); /* drops one reference; accepts NULL */

const char *lt_weights_place(const lt_weights *w); /* file name for messages */
/* NULL when absent; maps host memory */
const lt_tensor *lt_weights_find(const lt_weights *w, const char *name);
int lt_weights_count(const lt_weights *w);
const char *lt_weights_name(const lt_weights *w, int index); /* sorted by name */
/* of __metadata__; NULL when absent */
const char *lt_weights_metadata(const lt_weights *w, const char *key);
int lt_weights_metadata_count(const lt_weights *w);
void lt_weights_metadata_at(const lt_weights *w, int index, const char **key, const char **value);
/* Bytes of all tensors; of made ones, those that were asked for so far. */
size_t lt_weights_bytes(const lt_weights *w);
/* Hash of names, shapes, dtypes and bytes. LT_ERR_RESOURCES. */
lt_status lt_weights_hash(const lt_weights *w, lt_hash *out, lt_error *err);
/* Without reading them: which files they are, and as of when. Another one where a file was replaced
 * or written to since. */
lt_hash lt_weights_identity(const lt_weights *w);

/* The weights of one network after binding: keeps the mapping and what the backend made. */
typedef struct lt_weight_set lt_weight_set;
void lt_weight_set_close(lt_weight_set *s); /* accepts NULL */

typedef struct lt_binder lt_binder;
/* never NULL; memory trouble is reported by close */
lt_binder *lt_binder_open(lt_weights *w, lt_backend *backend);
/* Asks for one tensor. `place` must stay where it is until the set is closed. The shape may be
 * given in fewer or more dimensions of size 1 than stored, and a matrix as [out, in] where the file
 * has [out, a, b, ...] with a b ... = in. */
void lt_bind(lt_binder *b, lt_weight *place, lt_role role, lt_shape shape, const char *format, ...)
    LT_PRINTF(5, 6);
/* True when a tensor of that name is there. */
bool lt_binder_has(const lt_binder *b, const char *format, ...) LT_PRINTF(2, 3);
/* Prepares everything; frees the binder. LT_ERR_INPUT with all missing and misshapen names, or a
 * non-finite value. */
lt_status lt_binder_close(lt_binder *b, lt_weight_set **out, lt_error *err);

/* Writing a safetensors file (output_file.h). */
typedef struct lt_writer lt_writer;
lt_status lt_writer_open(const char *path, lt_writer **out, lt_error *err);
void lt_writer_metadata(lt_writer *w, const char *key, const char *value);
/* Declares a packed tensor; `data` must stay until close. */
void lt_writer_add(lt_writer *w, const char *name, lt_dtype dtype, lt_shape shape,
                   const void *data);
/* The same for a tensor that is made while it is written: `source` puts its packed elements first
 * .. first + count - 1 into `out`. It may be called more than once and in pieces of any size,
 * always in order. */
typedef lt_status (*lt_tensor_source)(void *user, int64_t first, int64_t count, void *out,
                                      lt_error *err);
void lt_writer_add_source(lt_writer *w, const char *name, lt_dtype dtype, lt_shape shape,
                          lt_tensor_source source, void *user);
lt_status lt_writer_close(lt_writer *w, lt_error *err); /* writes and frees */
/* Writes to a stream that is already open (a pipe, memory) and frees; nothing is renamed, the path
 * only names it in messages. */
lt_status lt_writer_close_to(lt_writer *w, FILE *stream, lt_error *err);
void lt_writer_abandon(lt_writer *w);

#endif
