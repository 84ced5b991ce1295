/* reference_to_rgb8.c - out = trunc(clamp((x + 1) / 2, 0, 1) * 255), every step in f32 as the
 * release does it.
 *
 * Truncated, not rounded: 255 needs x = 1. NaN gives 0.
 */
#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_table.h"

typedef struct {
    uint8_t *out;
    lt_tensor x;
} job;

enum { TILE = 16384 };

static void rgb_tile(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t end = lt_ref_min((tile + 1) * TILE, lt_numel(&j->x));
    for (int64_t i = tile * TILE; i < end; i++) {
        const float unit = ((float)lt_ref_get(&j->x, i) + 1.0f) / 2.0f;
        const float clamped = !(unit > 0.0f) ? 0.0f : unit > 1.0f ? 1.0f : unit;
        j->out[i] = (uint8_t)(clamped * 255.0f);
    }
}

lt_status lt_ref_to_rgb8(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err)
{
    (void)err;
    job j = {.out = out.data, .x = x};
    lt_pool_run(b->pool, lt_ref_tiles(lt_numel(&x), TILE), rgb_tile, &j);
    return LT_OK;
}
