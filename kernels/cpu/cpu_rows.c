/* cpu_rows.c - operations on rows: rotary positions, activations, gates, noise, pixels, tokens. */
#include "kernels/cpu/cpu_backend.h"

enum { ROW_BLOCK = 16, FLAT_BLOCK = 1 << 14 };

typedef struct {
    const lt_cpu *cpu;
    lt_tensor out;
    lt_tensor x;
    lt_tensor y;
    lt_tensor gate;
    const float *cosine;
    const float *sine;
    lt_act act;
    lt_draw draw;
    uint64_t first;
} rows_job;

/* ---- rotary, [B, n, h, d] ---- */

static void rotate_row(void *user, int64_t row, int worker)
{
    (void)worker;
    const rows_job *j = user;
    const int64_t n = j->x.dim[1];
    const int64_t d = j->x.dim[3];
    const int64_t batch = row / n;
    const int64_t i = row % n;
    for (int64_t head = 0; head < j->x.dim[2]; head++)
        j->cpu->kernels->rope(
            lt_at(&j->out,
                  batch * j->out.stride[0] + i * j->out.stride[1] + head * j->out.stride[2]),
            lt_at(&j->x, batch * j->x.stride[0] + i * j->x.stride[1] + head * j->x.stride[2]),
            j->x.dtype, d, j->cosine + i * (d / 2), j->sine + i * (d / 2));
}

lt_status lt_cpu_rope(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor cosine, lt_tensor sine,
                      lt_error *err)
{
    (void)err;
    rows_job j = {
        .cpu = lt_cpu_of(b), .out = out, .x = x, .cosine = cosine.data, .sine = sine.data};
    lt_cpu_run(j.cpu, x.dim[0] * x.dim[1], rotate_row, &j, lt_numel(&x));
    return LT_OK;
}

/* ---- activations ---- */

static void activate_block(void *user, int64_t tile, int worker)
{
    (void)worker;
    const rows_job *j = user;
    const int64_t first = tile * FLAT_BLOCK;
    j->cpu->kernels->activate(lt_at(&j->out, first), lt_at(&j->x, first), j->x.dtype,
                              lt_min(FLAT_BLOCK, lt_numel(&j->x) - first), j->act);
}

lt_status lt_cpu_activate(lt_backend *b, lt_tensor out, lt_tensor x, lt_act act, lt_error *err)
{
    (void)err;
    rows_job j = {.cpu = lt_cpu_of(b), .out = out, .x = x, .act = act};
    lt_cpu_run(j.cpu, lt_ceil_div(lt_numel(&x), FLAT_BLOCK), activate_block, &j, lt_numel(&x));
    return LT_OK;
}

static void gated_act_rows(void *user, int64_t tile, int worker)
{
    (void)worker;
    const rows_job *j = user;
    const int64_t end = lt_min((tile + 1) * ROW_BLOCK, j->x.dim[0]);
    for (int64_t row = tile * ROW_BLOCK; row < end; row++)
        j->cpu->kernels->gated_act(
            lt_at(&j->out, row * j->out.stride[0]), lt_at(&j->x, row * j->x.stride[0]),
            lt_at(&j->y, row * j->y.stride[0]), j->x.dtype, j->x.dim[1], j->act);
}

lt_status lt_cpu_gated_act(lt_backend *b, lt_tensor out, lt_tensor g, lt_tensor u, lt_act act,
                           lt_error *err)
{
    (void)err;
    rows_job j = {.cpu = lt_cpu_of(b), .out = out, .x = g, .y = u, .act = act};
    lt_cpu_run(j.cpu, lt_ceil_div(g.dim[0], ROW_BLOCK), gated_act_rows, &j, lt_numel(&g));
    return LT_OK;
}

/* ---- x + gate * y, [B, n, d] ---- */

static void gated_add_rows(void *user, int64_t tile, int worker)
{
    const rows_job *j = user;
    const int64_t n = j->x.dim[1];
    const int64_t d = j->x.dim[2];
    const int64_t end = lt_min((tile + 1) * ROW_BLOCK, j->x.dim[0] * n);
    float *wide = lt_worker_scratch(j->cpu, worker); /* [d]: the gate of the batch */
    int64_t widened = -1;
    for (int64_t row = tile * ROW_BLOCK; row < end; row++) {
        const int64_t batch = row / n;
        const int64_t i = row % n;
        if (batch != widened) {
            j->cpu->kernels->widen(
                wide, lt_at(&j->gate, j->gate.dim[0] == 1 ? 0 : batch * j->gate.stride[0]),
                j->gate.dtype, d);
            widened = batch;
        }
        j->cpu->kernels->gated_add(lt_at(&j->out, batch * j->out.stride[0] + i * j->out.stride[1]),
                                   lt_at(&j->x, batch * j->x.stride[0] + i * j->x.stride[1]), wide,
                                   lt_at(&j->y, batch * j->y.stride[0] + i * j->y.stride[1]),
                                   j->x.dtype, d);
    }
}

lt_status lt_cpu_gated_add(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor gate, lt_tensor y,
                           lt_error *err)
{
    if (x.dim[2] * (int64_t)sizeof(float) > LT_WORKER_SCRATCH)
        return lt_fail(err, LT_ERR_FAILED, "gated_add: rows of %lld, at most %d fit",
                       (long long)x.dim[2], (int)(LT_WORKER_SCRATCH / sizeof(float)));
    rows_job j = {.cpu = lt_cpu_of(b), .out = out, .x = x, .y = y, .gate = gate};
    lt_cpu_run(j.cpu, lt_ceil_div(x.dim[0] * x.dim[1], ROW_BLOCK), gated_add_rows, &j,
               lt_numel(&x));
    return LT_OK;
}

/* ---- noise and pixels ---- */

static void draw_block(void *user, int64_t tile, int worker)
{
    (void)worker;
    const rows_job *j = user;
    const int64_t first = tile * FLAT_BLOCK;
    lt_normals(j->draw, j->first + (uint64_t)first,
               (uint64_t)lt_min(FLAT_BLOCK, lt_numel(&j->out) - first), lt_at(&j->out, first));
}

lt_status lt_cpu_normal(lt_backend *b, lt_tensor out, lt_draw draw, uint64_t first, lt_error *err)
{
    (void)err;
    rows_job j = {.cpu = lt_cpu_of(b), .out = out, .draw = draw, .first = first};
    lt_cpu_run(j.cpu, lt_ceil_div(lt_numel(&out), FLAT_BLOCK), draw_block, &j, lt_numel(&out) * 8);
    return LT_OK;
}

static void rgb8_block(void *user, int64_t tile, int worker)
{
    (void)worker;
    const rows_job *j = user;
    const int64_t first = tile * FLAT_BLOCK;
    j->cpu->kernels->to_rgb8(lt_at(&j->out, first), lt_at(&j->x, first), j->x.dtype,
                             lt_min(FLAT_BLOCK, lt_numel(&j->x) - first));
}

lt_status lt_cpu_to_rgb8(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err)
{
    (void)err;
    rows_job j = {.cpu = lt_cpu_of(b), .out = out, .x = x};
    lt_cpu_run(j.cpu, lt_ceil_div(lt_numel(&x), FLAT_BLOCK), rgb8_block, &j, lt_numel(&x));
    return LT_OK;
}
