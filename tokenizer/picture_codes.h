/* picture_codes.h - a frame in codes that say the picture itself, where the encoder's say a scene
 * of the model's world.
 *
 *     tok_picture_table table;
 *     LT_TRY(tok_picture_table_load(weights, cfg, &table, err));
 *     tok_picture_codes(&table, rgb, height, width, codes);
 *     tok_picture_colours(&table, codes, colours);
 *
 * Luminance is averaged over two rows and two columns of cells to a patch of the grid, blue and red
 * chroma over one, and each becomes a cosine transform. The table says which cosines are told, in
 * how many levels, and in which code. A code is an entry of the codebook from `picture_codes` on,
 * and stands for several such digits; a frame has `i_tokens` of them. A model is trained so that
 * codes of its world never are such entries throughout: by this the two kinds are told apart.
 */
#ifndef TOK_PICTURE_CODES_H
#define TOK_PICTURE_CODES_H

#include <stdbool.h>
#include <stdint.h>

#include "configs/tokenizer_config.h"
#include "tokenizer/token_plan.h"
#include "weights/weights.h"

enum { TOK_PICTURE_FINE = 2 }; /* cells of luminance along a side of a patch */

/* One cosine. Those of a code follow each other in the table, the first is its highest digit. */
typedef struct {
    int code;   /* of the frame */
    int plane;  /* 0: luminance, 1: blue chroma, 2: red chroma */
    int row;    /* waves down */
    int column; /* waves across */
    int levels; /* odd: the middle one is 0 */
    double step;
    int place; /* what one level counts for in its code */
} tok_picture_digit;

typedef struct {
    int first; /* entry of the codebook */
    int codes; /* of a frame */
    int rows;  /* of the grid */
    int columns;
    int count;
    tok_picture_digit *digit;
} tok_picture_table;

/* From `pictures.table`, i32 [cosines, 6]: the fields above up to the step, which is in 64ths.
 * LT_ERR_INPUT for a table that does not fit the sizes. */
lt_status tok_picture_table_load(lt_weights *weights, const cfg_tokenizer *cfg,
                                 tok_picture_table *out, lt_error *err);
void tok_picture_table_clear(tok_picture_table *t); /* accepts a zeroed one */

/* frame u8 [height, width, 3], multiples of twice the grid's rows and columns -> codes [codes] */
void tok_picture_codes(const tok_picture_table *t, const uint8_t *frame, int height, int width,
                       int32_t *codes);
/* Values that the codes of a frame tell: luminance [2 rows, 2 columns], then both chromas [2, rows,
 * columns], of pixels -1 .. 1. */
int64_t tok_picture_values(const tok_picture_table *t);
/* picture codes [codes] -> f32, as above */
void tok_picture_colours(const tok_picture_table *t, const int32_t *codes, float *colours);

/* Are the `count` codes of a frame picture codes? `first` as in the table,
 * or 0 of a model that has none. */
bool tok_shows_picture(int first, const int32_t *codes, int64_t count);
/* Semantic frames of a plan that are picture codes. */
int64_t tok_plan_pictures(const tok_plan *plan, int first);

#endif
