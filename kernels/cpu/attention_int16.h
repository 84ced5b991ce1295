/* attention_int16.h - softmax(scale q.k + bias) v for one block of queries by products in integers
 * of 16 bits.
 *
 * As attention_tile.h, with these codes (product_int16.h):
 *
 *     q, k      rounded row by row, one scale each
 *     weights   2^(score - highest of the tile) * 16383; what the highest of all so far makes of it
 *               is multiplied into the sums
 *     v         rounded column by column, one scale for 128 keys, 1023 at most: sums of 128
 *               products fit 32 bits
 *
 * Scores are kept in powers of two. Some queries at a time meet a whole tile of keys, so that their
 * scores and weights stay in the L1 cache. Key j lies beside key j + 16: the codes of two vectors
 * of scores are then one vector of pairs.
 */
#ifndef LT_ATTENTION_INT16_H
#define LT_ATTENTION_INT16_H

#include "kernels/cpu/product_int16.h"
#include "kernels/cpu/query_block.h"
#include "kernels/cpu/vec_math.h"

enum {
    TILE_KEYS = 256,
    VALUE_KEYS = 128, /* that share the scales of values */
    SCORE_PITCH = TILE_KEYS + LT_LANES,
    TILE_VECTORS = TILE_KEYS / LT_LANES,
    VALUE_LINES = VALUE_KEYS / 2 /* of a panel */
};

#define WEIGHT_LIMIT 16383.0f
#define VALUE_LIMIT  1023.0f
#define LN2          0.693147181f

/* Where the parts of a block lie in the scratch. */
typedef struct {
    const lt_query_block *b;
    int64_t padded;     /* d, even */
    int64_t panels;     /* of values: columns / INT16_COLUMNS */
    int16_t *q;         /* [queries][padded] */
    int16_t *keys;      /* [key panels][padded / 2][columns][2] */
    float *key_scale;   /* [TILE_KEYS] */
    int16_t *values;    /* [panels][2][VALUE_LINES][columns][2] */
    float *value_scale; /* [panels][2][columns] */
    float *sums;        /* [queries][panels][columns] */
    float *score;       /* [INT16_ROWS][SCORE_PITCH] */
    int16_t *weight;    /* [INT16_ROWS][SCORE_PITCH] */
    float *q_scale;     /* [queries] */
    float *highest;     /* [groups][LT_LANES] score so far, a lane for each of a group's INT16_ROWS
                           queries */
    float *total;       /* the same of the codes of weights so far */
    bool poisoned;      /* a key of the tile is not finite */
} int16_room;

LT_INLINE const uint16_t *bf16_row(const void *base, int64_t row, int64_t stride)
{
    return (const uint16_t *)base + row * stride;
}

/* ---- a tile of keys and values ---- */

LT_INLINE void pack_int16_keys(int16_room *room, int64_t first, int64_t count)
{
    const lt_query_block *b = room->b;
    for (int64_t j = 0; j < count; j += INT16_COLUMNS)
        for (int64_t half = 0; half < INT16_COLUMNS; half += LT_LANES)
            pack_int16_columns(
                room->key_scale + j + half, room->keys + j * room->padded + half * 2, INT16_COLUMNS,
                (const char *)bf16_row(b->k, first + j + half, b->k_stride), LT_BF16,
                b->k_stride * 2, count - j - half, b->d, room->padded / 2, int16_limit(b->d));
    room->poisoned = false;
    for (int64_t j = 0; j < count; j++)
        room->poisoned |= !(room->key_scale[j] < INFINITY);
}

/* LT_LANES columns of a key, or zeros. */
LT_INLINE vf value_row(const lt_query_block *b, int64_t key, int64_t last, int64_t column)
{
    if (key >= last)
        return vf_set(0);
    return vf_load_some(b->v, LT_BF16, key * b->v_stride + column,
                        b->d - column < LT_LANES ? b->d - column : LT_LANES);
}

LT_INLINE void pack_value_columns(const lt_query_block *b, float *scale, int16_t *line,
                                  int64_t first, int64_t last, int64_t column)
{
    vi most = {0};
    for (int64_t j = first; j < last && j < first + VALUE_KEYS; j++)
        most = larger_bits(most, value_row(b, j, last, column));
    const vf inverse = inverse_of((vf)most, VALUE_LIMIT);
    vf_store(scale, (vf)most * (1 / VALUE_LIMIT));
    for (int64_t j = first; j < first + VALUE_KEYS; j += PAIR_LANES)
        for (int64_t i = 0; i < LT_LANES; i++, line += 2 * INT16_COLUMNS) {
            const vi codes =
                pair_codes(value_row(b, j + i, last, column),
                           value_row(b, j + i + LT_LANES, last, column), inverse, inverse);
            memcpy(line, &codes, sizeof codes);
        }
}

LT_INLINE void pack_int16_values(int16_room *room, int64_t first, int64_t count)
{
    const lt_query_block *b = room->b;
    for (int64_t panel = 0; panel < room->panels; panel++)
        for (int64_t part = 0; part < count; part += VALUE_KEYS)
            for (int64_t half = 0; half < INT16_COLUMNS; half += LT_LANES) {
                const int64_t at = panel * 2 + part / VALUE_KEYS;
                float *scale = room->value_scale + at * INT16_COLUMNS + half;
                int16_t *line = room->values + (at * VALUE_LINES * INT16_COLUMNS + half) * 2;
                const int64_t column = panel * INT16_COLUMNS + half;
                if (column < b->d) {
                    pack_value_columns(b, scale, line, first + part, first + count, column);
                    continue;
                }
                vf_store(scale, vf_set(0));
                for (int64_t i = 0; i < VALUE_LINES; i++, line += 2 * INT16_COLUMNS)
                    memset(line, 0, PAIR_LANES * sizeof *line);
            }
}

/* ---- the scores of some queries ---- */

/* The last panel may reach over the tile's keys: those scores are replaced. */
LT_INLINE void score_int16(const int16_room *room, int64_t query, int64_t first, int64_t count)
{
    const lt_query_block *b = room->b;
    for (int64_t j = 0; j < count; j += INT16_COLUMNS) {
        vi sum[INT16_ROWS][2] = {{{0}}};
        multiply_pairs(sum, room->q + query * room->padded, room->padded,
                       room->keys + j * room->padded, room->padded / 2);
        LT_UNROLL
        for (int r = 0; r < INT16_ROWS; r++)
            for (int v = 0; v < 2; v++) {
                const vf scale =
                    vf_load(room->key_scale + j + v * LT_LANES) * room->q_scale[query + r];
                vf_store(room->score + r * SCORE_PITCH + j + v * LT_LANES,
                         __builtin_convertvector(sum[r][v], vf) * scale);
            }
    }
    for (int64_t r = 0; r < INT16_ROWS && query + r < b->queries; r++) {
        float *score = room->score + r * SCORE_PITCH;
        const int64_t left = seen_by(b, query + r) - first;
        const int64_t seen = left < 0 ? 0 : left < count ? left : count;
        if (b->bias != NULL) {
            const float *bias = b->bias - (query + r) + first;
            for (int64_t j = 0; j < seen; j++)
                score[j] += bias[j] * LOG2E;
        }
        for (int64_t j = seen; j < TILE_KEYS; j++)
            score[j] = -INFINITY;
    }
}

/* ---- softmax ---- */

/* Where the lanes of a group of queries lie. */
LT_INLINE int64_t group_at(int64_t query)
{
    return query / INT16_ROWS * LT_LANES;
}

/* What changes from one tile to the next, a lane for each query. */
typedef struct {
    vf shrink; /* of the sums so far */
    vf factor; /* of this tile's */
} tile_scales;

/* Turns scores into pairs of codes. */
LT_INLINE tile_scales soften_int16(const int16_room *room, int64_t query)
{
    vf top[LT_LANES] = {{0}};
    for (int r = 0; r < INT16_ROWS; r++) {
        const float *score = room->score + r * SCORE_PITCH;
        vf most = vf_load(score);
        vf wrong = vf_set(0);
        for (int64_t i = LT_LANES; i < TILE_KEYS; i += LT_LANES)
            most = vf_max(vf_load(score + i), most);
        if (room->poisoned)
            for (int64_t i = 0; i < TILE_KEYS; i += LT_LANES) {
                const vf s = vf_load(score + i);
                /* NOLINTNEXTLINE(misc-redundant-expression): NaN alone */
                wrong = vf_choose(s != s, s, wrong);
            }
        /* NOLINTNEXTLINE(misc-redundant-expression) */
        top[r] = room->poisoned ? vf_choose(wrong != wrong, wrong, most) : most;
    }
    vf_transpose(top);
    vf most = top[0];
    /* NOLINTNEXTLINE(misc-redundant-expression) */
    for (int i = 1; i < LT_LANES; i++)
        most = vf_choose((top[i] > most) | (top[i] != top[i]), top[i], most);
    most = vf_max(vf_set(-1e30f), most); /* a tile that a query does not see: its codes are 0 */
    const vf before = vf_load(room->highest + group_at(query));
    const vf now = vf_max(before, most);
    const tile_scales scales = {.shrink = vf_exp((before - now) * LN2),
                                .factor = vf_exp((most - now) * LN2)};

    vf count[LT_LANES] = {{0}};
    for (int r = 0; r < INT16_ROWS; r++) {
        const float *score = room->score + r * SCORE_PITCH;
        int16_t *weight = room->weight + r * SCORE_PITCH;
        const vf high = vf_set(most[r]);
        vi sum = {0};
        for (int64_t i = 0; i < TILE_KEYS; i += PAIR_LANES) {
            const vf even = vf_rough_exp2_negative(vf_load(score + i) - high);
            const vf odd = vf_rough_exp2_negative(vf_load(score + i + LT_LANES) - high);
            const vi codes = pair_codes(even, odd, vf_set(WEIGHT_LIMIT), vf_set(WEIGHT_LIMIT));
            memcpy(weight + i, &codes, sizeof codes);
            sum = add_int16(sum, codes, 0x00010001 - (vi){0});
        }
        count[r] = __builtin_convertvector(sum, vf);
    }
    vf_transpose(count);
    vf codes = count[0];
    for (int i = 1; i < LT_LANES; i++)
        codes += count[i];
    float *total = room->total + group_at(query);
    vf_store(room->highest + group_at(query), now);
    vf_store(total, vf_load(total) * scales.shrink + codes * scales.factor);
    return scales;
}

/* ---- weights . v ---- */

LT_INLINE void add_int16_values(const int16_room *room, int64_t query, int64_t count, bool first,
                                const tile_scales *scales)
{
    const int64_t pitch = room->panels * INT16_COLUMNS;
    for (int64_t panel = 0; panel < room->panels; panel++)
        for (int64_t part = 0; part < count; part += VALUE_KEYS) {
            const int64_t at = panel * 2 + part / VALUE_KEYS;
            vi sum[INT16_ROWS][2] = {{{0}}};
            multiply_pairs(sum, room->weight + part, SCORE_PITCH,
                           room->values + at * VALUE_LINES * INT16_COLUMNS * 2, VALUE_LINES);
            const float *scale = room->value_scale + at * INT16_COLUMNS;
            float *to = room->sums + query * pitch + panel * INT16_COLUMNS;
            LT_UNROLL
            for (int r = 0; r < INT16_ROWS; r++)
                for (int v = 0; v < 2; v++) {
                    float *sums = to + r * pitch + v * LT_LANES;
                    const vf value = __builtin_convertvector(sum[r][v], vf) *
                                     (vf_load(scale + v * LT_LANES) * scales->factor[r]);
                    const vf before = part > 0 ? vf_load(sums)
                                      : first  ? vf_set(0)
                                               : vf_load(sums) * scales->shrink[r];
                    vf_store(sums, before + value);
                }
        }
}

/* ---- a block ---- */

LT_INLINE void lay_out_int16(int16_room *room, const lt_query_block *b, char *scratch)
{
    const int64_t groups = (b->queries + INT16_ROWS - 1) / INT16_ROWS;
    const int64_t queries = groups * INT16_ROWS;
    *room = (int16_room){
        .b = b, .padded = (b->d + 1) / 2 * 2, .panels = (b->d + INT16_COLUMNS - 1) / INT16_COLUMNS};
    room->score = (float *)(void *)scratch;
    room->key_scale = room->score + INT16_ROWS * SCORE_PITCH;
    room->value_scale = room->key_scale + TILE_KEYS;
    room->q_scale = room->value_scale + room->panels * 2 * INT16_COLUMNS;
    room->highest = room->q_scale + queries;
    room->total = room->highest + groups * LT_LANES;
    room->sums = room->total + groups * LT_LANES;
    room->weight = (int16_t *)(room->sums + queries * room->panels * INT16_COLUMNS);
    room->values = room->weight + INT16_ROWS * SCORE_PITCH;
    room->keys = room->values + room->panels * 2 * VALUE_LINES * INT16_COLUMNS * 2;
    room->q = room->keys + TILE_KEYS * room->padded;
}

/* Returns how many keys any query of the block sees. */
LT_INLINE int64_t load_int16_queries(const int16_room *room)
{
    const lt_query_block *b = room->b;
    const int64_t rows = (b->queries + INT16_ROWS - 1) / INT16_ROWS * INT16_ROWS;
    int64_t keys = 0;
    for (int64_t i = 0; i < rows; i += INT16_ROWS) {
        vf_store(room->highest + group_at(i), vf_set(-1e30f));
        vf_store(room->total + group_at(i), vf_set(0));
    }
    memset(room->q_scale, 0, (size_t)rows * sizeof *room->q_scale);
    for (int64_t i = 0; i < b->queries; i++) {
        room->q_scale[i] =
            b->scale * LOG2E *
            round_to_int16(room->q + i * room->padded, bf16_row(b->q, i, b->q_stride), LT_BF16,
                           b->d, room->padded, int16_limit(b->d));
        const int64_t seen = seen_by(b, i);
        keys = seen > keys ? seen : keys;
    }
    memset(room->q + b->queries * room->padded, 0,
           (size_t)((rows - b->queries) * room->padded) * sizeof *room->q);
    return keys;
}

LT_INLINE void store_int16_rows(const int16_room *room)
{
    const lt_query_block *b = room->b;
    for (int64_t i = 0; i < b->queries; i++) {
        const float *row = room->sums + i * room->panels * INT16_COLUMNS;
        const float factor = 1.0f / room->total[group_at(i) + i % INT16_ROWS];
        FOR_VECTORS (c, some, b->d)
            vf_store_some(b->out, LT_BF16, i * b->out_stride + c, some,
                          vf_load_some(row, LT_F32, c, some) * factor);
    }
}

static void attend_int16(const lt_query_block *b, void *scratch)
{
    int16_room room;
    lay_out_int16(&room, b, scratch);
    const int64_t keys = load_int16_queries(&room);
    for (int64_t first = 0; first < keys; first += TILE_KEYS) {
        const int64_t count = keys - first < TILE_KEYS ? keys - first : TILE_KEYS;
        pack_int16_keys(&room, first, count);
        pack_int16_values(&room, first, count);
        /* of the next tile's keys, for each group */
        const int64_t share = TILE_KEYS * INT16_ROWS / b->queries + 1;
        for (int64_t query = 0; query < b->queries; query += INT16_ROWS) {
            const int64_t next = first + TILE_KEYS + query / INT16_ROWS * share;
            fetch_rows(b, next, next + share);
            score_int16(&room, query, first, count);
            const tile_scales scales = soften_int16(&room, query);
            add_int16_values(&room, query, count, first == 0, &scales);
        }
    }
    store_int16_rows(&room);
}

#endif
