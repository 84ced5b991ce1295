/* reference_normal.c - out[i] = normal number first + i of a draw (philox.h). */
#include "kernels/core/philox.h"
#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    lt_tensor out;
    lt_draw draw;
    uint64_t first;
} job;

enum { TILE = 4096 };

static void normal_tile(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t begin = tile * TILE;
    const int64_t count = lt_ref_min(TILE, lt_numel(&j->out) - begin);
    lt_normals(j->draw, j->first + (uint64_t)begin, (uint64_t)count, (float *)j->out.data + begin);
}

lt_status lt_ref_normal(lt_backend *b, lt_tensor out, lt_draw draw, uint64_t first, lt_error *err)
{
    (void)err;
    job j = {.out = out, .draw = draw, .first = first};
    lt_pool_run(b->pool, lt_ref_tiles(lt_numel(&out), TILE), normal_tile, &j);
    return LT_OK;
}
