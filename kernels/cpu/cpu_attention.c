/* cpu_attention.c - attention cut into (batch, head, block of queries);
 * attention_tile.h does a block. */
#include "kernels/cpu/cpu_backend.h"

typedef struct {
    const lt_cpu *cpu;
    lt_tensor out;
    lt_tensor q;
    lt_tensor k;
    lt_tensor v;
    const lt_attention_args *args;
    void (*attend)(const lt_query_block *b, void *scratch);
    int64_t block;  /* queries of a tile */
    int64_t blocks; /* per head */
} attention;

static void attend_block(void *user, int64_t tile, int worker)
{
    const attention *a = user;
    const int64_t n = a->q.dim[1];
    const int64_t m = a->k.dim[1];
    const int64_t heads = a->q.dim[2];
    const int64_t first = tile % a->blocks * a->block;
    const int64_t head = tile / a->blocks % heads;
    const int64_t batch = tile / a->blocks / heads;
    const lt_query_block block = {
        .out = lt_at(&a->out,
                     batch * a->out.stride[0] + first * a->out.stride[1] + head * a->out.stride[2]),
        .q = lt_at(&a->q, batch * a->q.stride[0] + first * a->q.stride[1] + head * a->q.stride[2]),
        .k = lt_at(&a->k, batch * a->k.stride[0] + head * a->k.stride[2]),
        .v = lt_at(&a->v, batch * a->v.stride[0] + head * a->v.stride[2]),
        .out_stride = a->out.stride[1],
        .q_stride = a->q.stride[1],
        .k_stride = a->k.stride[1],
        .v_stride = a->v.stride[1],
        .queries = lt_min(a->block, n - first),
        .keys = m,
        .d = a->q.dim[3],
        .type = a->q.dtype,
        .scale = a->args->scale,
        .visible =
            lt_is_none(&a->args->visible) ? NULL : (const int32_t *)a->args->visible.data + first,
        .bias = lt_is_none(&a->args->bias)
                    ? NULL
                    : (const float *)a->args->bias.data + head * (n + m - 1) + n - 1 - first,
    };
    a->attend(&block, lt_worker_scratch(a->cpu, worker));
}

/* Many, so that packing keys and values pays, as long as there are tiles to
 * share; a multiple of `rows`. */
static int64_t queries_of_tile(const lt_tensor *q, int64_t most, int64_t rows)
{
    enum { TILES = 16 };
    int64_t queries = most;
    while (queries > LT_QUERY_PART &&
           q->dim[0] * q->dim[2] * lt_ceil_div(q->dim[1], queries) < TILES)
        queries /= 2;
    return queries / rows * rows;
}

lt_status lt_cpu_attention(lt_backend *b, lt_tensor out, lt_tensor q, lt_tensor k, lt_tensor v,
                           const lt_attention_args *args, lt_error *err)
{
    (void)err;
    /* below, packing keys and values costs more than reading them once for each */
    enum { FEW_QUERIES = 4 };
    attention a = {.cpu = lt_cpu_of(b), .out = out, .q = q, .k = k, .v = v, .args = args};
    if (q.dim[1] <= FEW_QUERIES) {
        a.attend = a.cpu->kernels->attend_row;
        a.block = 1;
    } else {
        const bool narrow = q.dtype == LT_BF16 && a.cpu->narrow != NULL;
        a.attend = narrow ? a.cpu->narrow->attend : a.cpu->kernels->attend;
        const bool rounded =
            narrow && a.cpu->narrow->rounding != LT_ROUND_NONE && q.dim[3] <= LT_WIDE_HEAD;
        a.block = queries_of_tile(&q, rounded ? LT_ROUNDED_QUERY_BLOCK : LT_QUERY_BLOCK,
                                  narrow ? a.cpu->narrow->wide.rows : a.cpu->kernels->wide.rows);
    }
    a.blocks = lt_ceil_div(q.dim[1], a.block);
    lt_cpu_run(a.cpu, q.dim[0] * q.dim[2] * a.blocks, attend_block, &a,
               lt_numel(&q) * k.dim[1] / 4);
    return LT_OK;
}
