/* reference_upsample.c - nearest neighbour: out[t, y, x] = in[frame(t), y / factor, x / factor] */
#include <string.h>

#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    lt_tensor out; /* [T', factor H, factor W, C] */
    lt_tensor x;   /* [T, H, W, C] */
    int factor;
    lt_time_rule time;
} job;

static int64_t source_frame(int64_t t, int64_t frames, lt_time_rule time)
{
    if (time == LT_TIME_KEEP || frames == 1)
        return t;
    return frames % 2 == 0 ? t / 2 : (t + 1) / 2; /* odd: 0, 1 1, 2 2, ... */
}

/* One row of one output frame. */
static void upsample_row(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t t = source_frame(tile / j->out.dim[1], j->x.dim[0], j->time);
    const int64_t y = tile % j->out.dim[1] / j->factor;
    const size_t pixel = (size_t)j->x.dim[3] * lt_dtype_bytes(j->x.dtype);
    const char *from =
        (const char *)j->x.data + (size_t)((t * j->x.dim[1] + y) * j->x.dim[2]) * pixel;
    char *to = (char *)j->out.data + (size_t)(tile * j->out.dim[2]) * pixel;
    for (int64_t x = 0; x < j->out.dim[2]; x++)
        memcpy(to + (size_t)x * pixel, from + (size_t)(x / j->factor) * pixel, pixel);
}

lt_status lt_ref_upsample(lt_backend *b, lt_tensor out, lt_tensor x, int factor, lt_time_rule time,
                          lt_error *err)
{
    (void)err;
    job j = {.out = out, .x = x, .factor = factor, .time = time};
    lt_pool_run(b->pool, out.dim[0] * out.dim[1], upsample_row, &j);
    return LT_OK;
}
