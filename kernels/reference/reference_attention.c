/* reference_attention.c - out = softmax over visible keys of (scale q.k + bias) times v.
 *
 * Eight query rows of one head at a time. Keys come in blocks of 64; what was summed so far is
 * rescaled whenever a block raises the largest score, so only one block of scores exists:
 *     m' = max(m, block);  sum = sum e^(m - m') + sum over block of e^(s - m');
 *     acc likewise with v.
 */
#include <math.h>

#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_lanes.h"
#include "kernels/reference/reference_table.h"

enum { KEYS = 64 };

typedef struct {
    lt_tensor out; /* [B, n, h, d] */
    lt_tensor q;
    lt_tensor k; /* [B, m, h, d] */
    lt_tensor v;
    const lt_attention_args *a;
    int64_t row_tiles;
} job;

/* One tile: rows row0 .. row0 + rows - 1 of head `head` of batch `batch`. */
typedef struct {
    int64_t batch;
    int64_t head;
    int64_t row0;
    int64_t rows;
    int64_t visible[LT_REF_LANES];
    double q[LT_REF_DEPTH][LT_REF_LANES];
    double score[KEYS][LT_REF_LANES]; /* then e^(score - largest) */
    double largest[LT_REF_LANES];
    double sum[LT_REF_LANES];
    double acc[LT_REF_DEPTH][LT_REF_LANES];
} tile_state;

static int64_t place(const lt_tensor *t, int64_t batch, int64_t row, int64_t head)
{
    return batch * t->stride[0] + row * t->stride[1] + head * t->stride[2];
}

static void load_queries(const job *j, tile_state *s)
{
    const int64_t m = j->k.dim[1];
    for (int64_t r = 0; r < s->rows; r++) {
        const int64_t row = s->row0 + r;
        const int64_t at = place(&j->q, s->batch, row, s->head);
        for (int64_t c = 0; c < j->q.dim[3]; c++)
            s->q[c][r] = lt_ref_get(&j->q, at + c);
        s->visible[r] = lt_is_none(&j->a->visible) ? m : ((const int32_t *)j->a->visible.data)[row];
    }
}

static double bias_at(const job *j, const tile_state *s, int64_t row, int64_t key)
{
    const lt_tensor *bias = &j->a->bias; /* [h, n + m - 1] */
    if (lt_is_none(bias))
        return 0;
    return (
        double)((const float *)bias->data)[s->head * bias->dim[1] + key - row + j->q.dim[1] - 1];
}

/* Scores of keys key0 .. key0 + keys - 1; -inf where a key is not visible. */
static void score_block(const job *j, tile_state *s, int64_t key0, int64_t keys)
{
    const int64_t d = j->q.dim[3];
    float key[LT_REF_DEPTH];
    for (int64_t i = 0; i < keys; i++) {
        const int64_t at = place(&j->k, s->batch, key0 + i, s->head);
        for (int64_t c = 0; c < d; c++)
            key[c] = (float)lt_ref_get(&j->k, at + c);
        double dot[LT_REF_LANES] = {0};
        lt_ref_dot(key, s->q, d, dot);
        for (int64_t r = 0; r < s->rows; r++)
            s->score[i][r] = key0 + i < s->visible[r] ? (double)j->a->scale * dot[r] +
                                                            bias_at(j, s, s->row0 + r, key0 + i)
                                                      : -INFINITY;
    }
}

/* Raises `largest` to what the block has, rescales the sums, turns scores into weights. Key 0 is
 * visible to every row, so `largest` is finite from the first block on. */
static void weigh_block(const job *j, tile_state *s, int64_t keys)
{
    for (int64_t r = 0; r < s->rows; r++) {
        double largest = s->largest[r];
        for (int64_t i = 0; i < keys; i++)
            largest = fmax(largest, s->score[i][r]);
        const double rescale = exp(s->largest[r] - largest);
        s->largest[r] = largest;
        s->sum[r] *= rescale;
        for (int64_t c = 0; c < j->q.dim[3]; c++)
            s->acc[c][r] *= rescale;
        for (int64_t i = 0; i < keys; i++) {
            s->score[i][r] = exp(s->score[i][r] - largest);
            s->sum[r] += s->score[i][r];
        }
    }
}

static void add_values(const job *j, tile_state *s, int64_t key0, int64_t keys)
{
    for (int64_t i = 0; i < keys; i++) {
        const int64_t at = place(&j->v, s->batch, key0 + i, s->head);
        for (int64_t c = 0; c < j->q.dim[3]; c++) {
            const double value = lt_ref_get(&j->v, at + c);
            for (int r = 0; r < LT_REF_LANES; r++)
                s->acc[c][r] += s->score[i][r] * value;
        }
    }
}

static void attention_tile(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t heads = j->q.dim[2];
    tile_state s = {
        .row0 = tile % j->row_tiles * LT_REF_LANES,
        .head = tile / j->row_tiles % heads,
        .batch = tile / j->row_tiles / heads,
    };
    s.rows = lt_ref_min(LT_REF_LANES, j->q.dim[1] - s.row0);
    load_queries(j, &s);
    int64_t reach = 0; /* keys that any row sees */
    for (int64_t r = 0; r < s.rows; r++) {
        s.largest[r] = -INFINITY;
        reach = s.visible[r] > reach ? s.visible[r] : reach;
    }
    for (int64_t key0 = 0; key0 < reach; key0 += KEYS) {
        const int64_t keys = lt_ref_min(KEYS, reach - key0);
        score_block(j, &s, key0, keys);
        weigh_block(j, &s, keys);
        add_values(j, &s, key0, keys);
    }
    for (int64_t r = 0; r < s.rows; r++) {
        const int64_t at = place(&j->out, s.batch, s.row0 + r, s.head);
        for (int64_t c = 0; c < j->q.dim[3]; c++)
            lt_ref_put(&j->out, at + c, s.acc[c][r] / s.sum[r]);
    }
}

lt_status lt_ref_attention(lt_backend *b, lt_tensor out, lt_tensor q, lt_tensor k, lt_tensor v,
                           const lt_attention_args *a, lt_error *err)
{
    (void)err;
    job j = {.out = out,
             .q = q,
             .k = k,
             .v = v,
             .a = a,
             .row_tiles = lt_ref_tiles(q.dim[1], LT_REF_LANES)};
    lt_pool_run(b->pool, q.dim[0] * q.dim[2] * j.row_tiles, attention_tile, &j);
    return LT_OK;
}
