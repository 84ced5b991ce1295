/* attention_tile.h - softmax(scale q.k + bias) v for one block of queries, never holding more than
 * a tile of scores.
 *
 * Keys come KEY_TILE at a time. Of each tile the scores are a matrix product, the weights are
 * 2^(score - highest so far), and a second product adds weights . v to the result, after what is
 * already there was scaled to the new highest score. Scores are in powers of two: q is multiplied
 * by scale / ln 2 before the product; with a product of bf16, which would round that, the score is
 * after it, and weights are rounded to bf16. Sums stay f32.
 */
#ifndef LT_ATTENTION_TILE_H
#define LT_ATTENTION_TILE_H

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/query_block.h"
#include "kernels/cpu/vec_math.h"

enum { KEY_TILE = 256 };

#define LOWEST (-1e30f) /* the highest of no scores */

/* Where the parts of a block lie in the scratch. */
typedef struct {
    char *q;      /* [QUERY_BLOCK][q_pitch] elements of the product */
    float *sums;  /* [QUERY_BLOCK][sum_pitch] */
    char *keys;   /* of a tile, packed */
    char *values; /* of a tile, packed */
    float *score; /* [QUERY_PART][weight_pitch] */
    /* the same as elements of the product; the scores themselves when those are f32 */
    char *weight;
    int64_t q_pitch;
    int64_t sum_pitch;
    int64_t weight_pitch;
    float highest[LT_QUERY_BLOCK + LT_LANES]; /* score so far */
    float total[LT_QUERY_BLOCK + LT_LANES];   /* of the weights so far */
} attention_room;

LT_INLINE int64_t rounded_up(int64_t count, int64_t step)
{
    return (count + step - 1) / step * step;
}

/* ---- softmax over a tile ---- */

/* score = score * scale + bias / ln 2 for j < count; returns the highest, lane by lane. Where there
 * is a NaN this is it or the highest behind it: its weight, a NaN too, is what spoils the row. */
LT_INLINE vf scale_scores(float *score, int64_t count, const float scale, const float *bias)
{
    vf top = vf_set(LOWEST);
    FOR_VECTORS (j, some, count) {
        vf s = vf_load_some(score, LT_F32, j, some) * scale;
        if (bias != NULL)
            s += vf_load_some(bias, LT_F32, j, some) * LOG2E;
        if (scale != 1 || bias != NULL)
            vf_store_some(score, LT_F32, j, some, s);
        for (int64_t lane = some; lane < LT_LANES; lane++)
            s[lane] = LOWEST;
        top = vf_max(top, s);
    }
    return top;
}

/* weight[j] = 2^(score[j] - highest) for j < count, 0 up to `padded`;
 * returns their sum, lane by lane. */
LT_INLINE vf weigh(void *weight, const float *score, int64_t count, int64_t padded, float highest,
                   const bool narrow)
{
    vf sum = vf_set(0);
    for (int64_t j = 0; j < padded; j += LT_LANES) {
        vf w = vf_set(0);
        if (j < count) {
            vf s = vf_load(score + j) - highest;
            for (int64_t lane = count - j; lane < LT_LANES; lane++)
                s[lane] = -INFINITY;
            w = narrow ? vf_rough_exp2_negative(s) : vf_exp2_negative(s);
        }
        sum += w;
        vf_store_any(weight, narrow ? LT_BF16 : LT_F32, j, w);
    }
    return sum;
}

LT_INLINE void scale_row(float *row, int64_t count, float factor)
{
    for (int64_t i = 0; i < count; i += LT_LANES)
        vf_store(row + i, vf_load(row + i) * factor);
}

/* Some queries of the block against some keys. */
typedef struct {
    int64_t query;
    int64_t queries;
    int64_t key;
    int64_t keys;
} attention_part;

/* How many keys of the part query r of it sees. */
LT_INLINE int64_t seen_in(const lt_query_block *b, const attention_part *at, int64_t r)
{
    const int64_t left = seen_by(b, at->query + r) - at->key;
    return left < 0 ? 0 : left < at->keys ? left : at->keys;
}

/* Turns the scores of LT_LANES queries of a part, from `first` on, into weights; a lane each has
 * what is known of a query. */
LT_INLINE void soften_rows(const lt_query_block *b, attention_room *room, const attention_part *at,
                           int64_t first, int64_t padded, const bool narrow)
{
    const int64_t size = narrow ? 2 : 4;
    const int64_t rows = at->queries - first < LT_LANES ? at->queries - first : LT_LANES;
    float *highest = room->highest + at->query + first;
    float *total = room->total + at->query + first;
    vf lanes[LT_LANES];
    for (int64_t r = 0; r < LT_LANES; r++)
        lanes[r] = vf_set(LOWEST);
    for (int64_t r = 0; r < rows; r++)
        lanes[r] =
            scale_scores(room->score + (first + r) * room->weight_pitch, seen_in(b, at, first + r),
                         narrow ? b->scale * LOG2E : 1,
                         b->bias == NULL ? NULL : b->bias - (at->query + first + r) + at->key);
    vf_transpose(lanes);
    const vf before = vf_load(highest);
    vf now = before;
    for (int i = 0; i < LT_LANES; i++)
        now = vf_max(now, lanes[i]);
    const vf shrink = vf_exp2_negative(before - now);
    vf_store(highest, now);

    for (int64_t r = 0; r < LT_LANES; r++)
        lanes[r] = vf_set(0);
    for (int64_t r = 0; r < rows; r++) {
        lanes[r] = weigh(room->weight + (first + r) * room->weight_pitch * size,
                         room->score + (first + r) * room->weight_pitch, seen_in(b, at, first + r),
                         padded, highest[r], narrow);
        if (shrink[r] != 1 && at->key > 0)
            scale_row(room->sums + (at->query + first + r) * room->sum_pitch, room->sum_pitch,
                      shrink[r]);
    }
    vf_transpose(lanes);
    vf sum = vf_load(total) * shrink;
    for (int i = 0; i < LT_LANES; i++)
        sum += lanes[i];
    vf_store(total, sum);
}

/* ---- the products of a tile ---- */

/* Bytes of one panel of keys. */
LT_INLINE int64_t key_panel_bytes(const lt_query_block *b, const lt_product *p)
{
    return rounded_up(b->d, p->step) * p->columns * vf_element_bytes(p->type);
}

LT_INLINE void pack_keys(const lt_query_block *b, const attention_room *room, const lt_product *p,
                         int64_t first, int64_t count)
{
    for (int64_t j = 0; j < count; j += p->columns)
        p->pack(room->keys + j / p->columns * key_panel_bytes(b, p),
                element(b->k, b->type, (first + j) * b->k_stride), b->type, b->k_stride,
                count - j < p->columns ? count - j : p->columns, b->d);
}

/* score[query][j] = q . key j of the tile */
LT_INLINE void score_part(const lt_query_block *b, const attention_room *room, const lt_product *p,
                          const attention_part *at)
{
    const int64_t size = vf_element_bytes(p->type);
    const lt_stretch over_d = {.offset = 0, .run = rounded_up(b->d, p->step)};
    for (int64_t j = 0; j < at->keys; j += p->columns)
        for (int64_t r = 0; r < at->queries; r += p->rows)
            p->multiply(room->score + r * room->weight_pitch + j, room->weight_pitch,
                        room->q + (at->query + r) * room->q_pitch * size, room->q_pitch, &over_d, 1,
                        room->keys + j / p->columns * key_panel_bytes(b, p), true);
}

/* Half a panel's line: LT_LANES values from `column` on, of one key; or
 * of two keys, as pairs of bf16. */
LT_INLINE vf values_of(const lt_query_block *b, int64_t key, int64_t last, int64_t column,
                       const bool narrow)
{
    const int64_t left = b->d - column;
    if (left <= 0)
        return vf_set(0);
    const int64_t some = left < LT_LANES ? left : LT_LANES;
    if (!narrow)
        return vf_load_some(b->v, b->type, key * b->v_stride + column, some);
    const vu even = key < last
                        ? (vu)vf_load_some(b->v, LT_BF16, key * b->v_stride + column, some) >> 16
                        : (vu){0};
    const vu odd = key + 1 < last
                       ? (vu)vf_load_some(b->v, LT_BF16, (key + 1) * b->v_stride + column, some)
                       : (vu){0};
    return (vf)(even | odd);
}

/* panel[column / columns][key][columns], or pairs of keys: what is summed over are the keys. */
LT_INLINE void pack_values(const lt_query_block *b, const attention_room *room, const lt_product *p,
                           int64_t first, int64_t count, const bool narrow)
{
    float *line = (float *)(void *)room->values;
    for (int64_t column = 0; column < b->d; column += p->columns)
        for (int64_t j = 0; j < rounded_up(count, p->step); j += narrow ? 2 : 1)
            for (int64_t half = 0; half < p->columns; half += LT_LANES, line += LT_LANES)
                vf_store(line, values_of(b, first + j, first + count, column + half, narrow));
}

/* sums += weights . v */
LT_INLINE void add_part(const lt_query_block *b, const attention_room *room, const lt_product *p,
                        const attention_part *at)
{
    const int64_t size = vf_element_bytes(p->type);
    const lt_stretch over_keys = {.offset = 0, .run = rounded_up(at->keys, p->step)};
    for (int64_t column = 0; column < b->d; column += p->columns)
        for (int64_t r = 0; r < at->queries; r += p->rows)
            p->multiply(room->sums + (at->query + r) * room->sum_pitch + column, room->sum_pitch,
                        room->weight + r * room->weight_pitch * size, room->weight_pitch,
                        &over_keys, 1, room->values + column * over_keys.run * size, at->key == 0);
}

LT_INLINE void store_row(void *out, lt_dtype type, int64_t at, const float *row, int64_t count,
                         float factor)
{
    FOR_VECTORS (i, some, count)
        vf_store_some(out, type, at + i, some, vf_load_some(row, LT_F32, i, some) * factor);
}

/* ---- a block ---- */

LT_INLINE void lay_out(attention_room *room, const lt_query_block *b, const lt_product *p,
                       char *scratch, const bool narrow)
{
    const int64_t size = vf_element_bytes(p->type);
    const int64_t queries = rounded_up(b->queries, p->rows);
    const int64_t part = rounded_up(LT_QUERY_PART, p->rows);
    room->q_pitch = rounded_up(b->d, p->step) + LT_ROW_GAP;
    room->sum_pitch = rounded_up(b->d, p->columns);
    room->weight_pitch = KEY_TILE + LT_ROW_GAP;
    room->q = scratch;
    room->sums = (float *)(void *)(room->q + queries * room->q_pitch * size);
    room->keys = (char *)(room->sums + queries * room->sum_pitch);
    room->values = room->keys + KEY_TILE / p->columns * key_panel_bytes(b, p);
    room->score = (float *)(void *)(room->values + KEY_TILE * room->sum_pitch * size);
    room->weight = narrow ? (char *)(room->score + part * room->weight_pitch) : (char *)room->score;
}

/* Returns how many keys any query of the block sees. */
LT_INLINE int64_t load_queries(const lt_query_block *b, attention_room *room, const lt_product *p,
                               const bool narrow)
{
    const int64_t size = vf_element_bytes(p->type);
    int64_t keys = 0;
    for (int64_t i = 0; i < LT_QUERY_BLOCK + LT_LANES; i++) {
        room->highest[i] = LOWEST;
        room->total[i] = 0;
    }
    for (int64_t i = 0; i < b->queries; i++) {
        char *row = room->q + i * room->q_pitch * size;
        p->load(row, element(b->q, b->type, i * b->q_stride), b->type, b->d);
        if (!narrow) /* into the gap behind the row too */
            scale_row((float *)(void *)row, b->d, b->scale * LOG2E);
        const int64_t seen = seen_by(b, i);
        keys = seen > keys ? seen : keys;
    }
    /* Rows of the last tile that nobody asked for. */
    const int64_t beyond = rounded_up(b->queries, p->rows) - b->queries;
    memset(room->q + b->queries * room->q_pitch * size, 0, (size_t)(beyond * room->q_pitch * size));
    return keys;
}

LT_INLINE void attend_with(const lt_query_block *b, char *scratch, const lt_product *p,
                           const bool narrow)
{
    /* With 16 lanes of f32 scores are kept in the L1 cache: 2 to 4 % faster
     * than 84 rows of them (Skylake). */
    const int64_t part_rows =
        LT_LANES == 16 && !narrow ? p->rows : LT_QUERY_PART / p->rows * p->rows;
    attention_room room;
    lay_out(&room, b, p, scratch, narrow);
    const int64_t keys = load_queries(b, &room, p, narrow);
    if (narrow) /* rows of weights that are never written stay finite */
        memset(room.weight, 0,
               (size_t)(rounded_up(LT_QUERY_PART, p->rows) * room.weight_pitch * 2));
    if (p->begin != NULL)
        p->begin();
    for (int64_t first = 0; first < keys; first += KEY_TILE) {
        const int64_t count = keys - first < KEY_TILE ? keys - first : KEY_TILE;
        pack_keys(b, &room, p, first, count);
        pack_values(b, &room, p, first, count, narrow);
        /* of the next tile's keys, for each part */
        const int64_t share = KEY_TILE * part_rows / b->queries + 1;
        for (int64_t query = 0; query < b->queries; query += part_rows) {
            const int64_t left = b->queries - query;
            const int64_t next = first + KEY_TILE + query / part_rows * share;
            fetch_rows(b, next, next + share);
            const attention_part at = {query, left < part_rows ? left : part_rows, first, count};
            score_part(b, &room, p, &at);
            for (int64_t r = 0; r < at.queries; r += LT_LANES)
                soften_rows(b, &room, &at, r,
                            rounded_up(count, p->step > LT_LANES ? p->step : LT_LANES), narrow);
            add_part(b, &room, p, &at);
        }
    }
    if (p->end != NULL)
        p->end();
    for (int64_t i = 0; i < b->queries; i++)
        store_row(b->out, b->type, i * b->out_stride, room.sums + i * room.sum_pitch, b->d,
                  1.0f / room.total[i]);
}

#endif
