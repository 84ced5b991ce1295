/* piece_normalizer.h - text as the pieces know it: characters folded by the model's map, words
 * marked with U+2581.
 *
 *     "  a  Red ball "  ->  "▁a▁Red▁ball"
 */
#ifndef TEXT_PIECE_NORMALIZER_H
#define TEXT_PIECE_NORMALIZER_H

#include "text_encoder/piece_model.h"

typedef struct {
    char *text;     /* UTF-8, owned */
    size_t *origin; /* origin[i]: where in the input byte i comes from; origin[bytes]: where the
                       input is used up */
    size_t bytes;
    size_t capacity;
    size_t limit; /* of bytes, for this input */
} normalized_text;

enum { PIECE_WORD_MARK_BYTES = 3 };
extern const char piece_word_mark[PIECE_WORD_MARK_BYTES + 1]; /* U+2581 */

/* Normalises bytes begin .. end - 1 of `text`, replacing what `out` held (zero it before the first
 * use). Ill-formed UTF-8 becomes U+FFFD, byte by byte. LT_ERR_INPUT when the map is damaged or
 * makes far more of the text than it is. */
lt_status piece_normalize(const piece_model *m, const char *text, size_t begin, size_t end,
                          normalized_text *out, lt_error *err);
void normalized_text_close(normalized_text *t);

#endif
