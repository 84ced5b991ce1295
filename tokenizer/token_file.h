/* token_file.h - the semantic plan as a file: our `.lt`, and the `.npy` of the release.
 *
 * `.lt` is a safetensors file: tensor `tokens` u16 [n] and metadata, all strings:
 *
 *     format          longtake-tokens-1
 *     segments        13,13,9          semantic frames of each segment
 *     segment_frames  13               of a full one; with i_tokens, p_tokens and codebook_size the
 *                                      model's layout
 *     frames          137              frames of the video
 *     fps             8.0
 *     checksum        32 hex digits    of all the rest, in whatever order; files without are read
 *     anything else                    a note: prompt, seed, model, ...
 *
 * `.npy` is a NumPy array i64 [n], nothing more: its layout is the model's, its segments are full
 * but the last. No other plan is written as one. Which of the two a file is stands in its first
 * bytes, not in its name.
 */
#ifndef TOK_TOKEN_FILE_H
#define TOK_TOKEN_FILE_H

#include <stdio.h>

#include "tokenizer/token_plan.h"

typedef enum { TOK_FILE_LT, TOK_FILE_NPY } tok_file_kind;

/* A checksum of other content is no error, since files may be edited on purpose: the plan is
 * `altered`.
 *
 * `path` "-" is standard input. `layout` is the model's, with which a file must agree; NULL: the
 * file's own (a `.npy` is then LT_ERR_INPUT). Anything wrong is LT_ERR_INPUT with the file and the
 * cause. */
lt_status tok_file_read(const char *path, const tok_layout *layout, tok_plan *out, lt_error *err);
/* The same from memory; `place` names it in messages. */
lt_status tok_file_parse(void *data, size_t bytes, const char *place, const tok_layout *layout,
                         tok_plan *out, lt_error *err);

/* A plan that could not be read again is LT_ERR_INPUT. `path` "-" is standard output. A file
 * appears under its name when it is whole. LT_ERR_USAGE where the kind cannot hold the plan. */
lt_status tok_file_write(const tok_plan *plan, tok_file_kind kind, const char *path, lt_error *err);
lt_status tok_file_write_stream(const tok_plan *plan, tok_file_kind kind, FILE *stream,
                                const char *place, lt_error *err);

#endif
