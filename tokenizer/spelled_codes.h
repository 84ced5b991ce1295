/* spelled_codes.h - codes that are spelled out, of a model that has some: they say which object a
 * frame shows, where it is, and how it moves.
 *
 * Of the `i_tokens` codes of a frame the first `grid_width` stand for columns of patches and the
 * next `grid_height` for rows. Each is a word and the way from the middle of the column or row to
 * the object's centre. A column's word is the object, 8 more where it is big; a row's is its
 * colour. The last four are of the object as a whole: radius, angle, and how far it has come since
 * the frame before, across and down. Each code is an entry of the codebook from `spelled_codes` on:
 * 64 entries a word or quantity, one for a level of the way or quantity, of signed ones the middle
 * for 0. train/spelled.py writes the same from what is drawn.
 */
#ifndef TOK_SPELLED_CODES_H
#define TOK_SPELLED_CODES_H

#include <stdint.h>

#include "configs/tokenizer_config.h"
#include "kernels/core/status.h"

/* Codes [frames, i_tokens] of pictures in a row that were encoded one at a time, so that a code may
 * be wrong and none shows how anything moves, are made to agree:
 *   - the colour becomes what most of a frame's codes say, the object what most say of the frames
 *     around that see one of this colour; what is out of sight is called what those around see;
 *   - where a frame tells the object's centre, by the median of what its codes say, all of them say
 *     so, and what most say of its size;
 *   - how far it has come follows from its place in two frames; the first frame is told what the
 *     second is. Where an object of another name and colour stands, or one farther than levels
 *     reach, there was a cut: nothing is told.
 * All else stays, and everything of a model that spells no codes (`spelled_codes` 0). */
lt_status tok_follow_object(const cfg_tokenizer *cfg, int32_t *codes, int64_t frames,
                            lt_error *err);

#endif
