/* reference_activate.c - out = act(x), and the definition of every activation. */
#include <math.h>

#include "kernels/reference/reference_element.h"
#include "kernels/reference/reference_table.h"

double lt_ref_act(double x, lt_act act)
{
    const double root_half = 0.70710678118654752440;    /* sqrt(1/2) */
    const double root_2_by_pi = 0.79788456080286535588; /* sqrt(2/pi) */
    switch (act) {
    case LT_ACT_GELU_ERF:
        return 0.5 * x * (1 + erf(x * root_half));
    case LT_ACT_GELU_TANH:
        return 0.5 * x * (1 + tanh(root_2_by_pi * (x + 0.044715 * x * x * x)));
    case LT_ACT_SILU:
        return x / (1 + exp(-x));
    case LT_ACT_TANH:
        return tanh(x);
    case LT_ACT_NONE:
        break;
    }
    return x;
}

typedef struct {
    lt_tensor out;
    lt_tensor x;
    lt_act act;
} job;

enum { TILE = 4096 };

static void activate_tile(void *user, int64_t tile, int worker)
{
    const job *j = user;
    (void)worker;
    const int64_t end = lt_ref_min((tile + 1) * TILE, lt_numel(&j->x));
    for (int64_t i = tile * TILE; i < end; i++)
        lt_ref_put(&j->out, i, lt_ref_act(lt_ref_get(&j->x, i), j->act));
}

lt_status lt_ref_activate(lt_backend *b, lt_tensor out, lt_tensor x, lt_act act, lt_error *err)
{
    (void)err;
    job j = {.out = out, .x = x, .act = act};
    lt_pool_run(b->pool, lt_ref_tiles(lt_numel(&x), TILE), activate_tile, &j);
    return LT_OK;
}
