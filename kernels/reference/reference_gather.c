/* reference_gather.c - out[n, d] = table[ids[n], :] */
#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    lt_tensor out;
    const float *table;
    const int32_t *ids;
} job;

static void gather_row(void *user, int64_t row, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t d = j->out.dim[1];
    const float *from = j->table + j->ids[row] * d;
    for (int64_t i = 0; i < d; i++)
        lt_ref_put(&j->out, row * j->out.stride[0] + i, (double)from[i]);
}

lt_status lt_ref_gather(lt_backend *b, lt_tensor out, const lt_weight *table, lt_tensor ids,
                        lt_error *err)
{
    (void)err;
    job j = {.out = out, .table = lt_ref_values(table), .ids = ids.data};
    lt_pool_run(b->pool, ids.dim[0], gather_row, &j);
    return LT_OK;
}
