/* dit_bench.c - see dit_bench.h. */
#include "mmdit/dit_bench.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/core/clock.h"
#include "mmdit/dit_network.h"

typedef struct {
    dit_network network;
    lt_shape latent;   /* [T, H, W, C] */
    float *sinusoid;   /* [width] */
    double *seconds;   /* of each repeat; the first is not counted */
    double *processor; /* seconds of all threads, of each repeat */
    int repeats;
} bench_run;

/* Inputs are normals; what lies in a window's cache (text, time) is made before the clock runs. */
static lt_status bench_pass(lt_ops *o, void *user)
{
    const bench_run *r = user;
    const dit_network *n = &r->network;
    const lt_tensor latent = lt_new(o, LT_F32, r->latent);
    lt_normal_into(o, latent, (lt_draw){.seed = 1, .stage = LT_DRAW_REFINE}, 0);
    const lt_tensor sinusoid = lt_from_host(o, r->sinusoid, LT_F32, lt_shape2(1, n->cfg.width));
    const lt_tensor text = lt_new(o, o->dtype, lt_shape2(n->cfg.text_length, n->cfg.text_width));
    lt_fill_into(o, text, 0.01F); /* a text, so that its rows all count */
    const dit_view view = {.signals = lt_none(),
                           .control = lt_cast(o, latent, o->dtype),
                           .text = dit_project_text(o, n, text),
                           .times = dit_embed_times(o, n, sinusoid)};
    for (int i = 0; i <= r->repeats; i++) {
        const lt_mark mark = lt_ops_mark(o);
        const double begun = lt_clock_seconds();
        const double worked = lt_clock_of(CLOCK_PROCESS_CPUTIME_ID);
        (void)dit_denoise(o, n, &view, latent, 0);
        if (!o->measuring)
            LT_TRY(o->backend->table->wait(o->backend, &o->error));
        r->seconds[i] = lt_clock_seconds() - begun;
        r->processor[i] = lt_clock_of(CLOCK_PROCESS_CPUTIME_ID) - worked;
        lt_ops_rewind(o, mark);
    }
    return lt_ops_status(o);
}

static double best(const double *seconds, int count)
{
    double least = seconds[0];
    for (int i = 1; i < count; i++)
        if (seconds[i] < least)
            least = seconds[i];
    return least;
}

static double flop_of(const cfg_mmdit *cfg, double rows)
{
    const double d = cfg->width;
    const double block = rows * (2 * d * (4 * d + 2 * (double)cfg->mlp_width) + 4 * rows * d);
    return (cfg->layers + cfg->control_layers) * block + cfg->control_layers * 2 * rows * d * d;
}

static lt_status time_network(bench_run *r, const cfg_mmdit *cfg, lt_backend *backend,
                              dit_timing *out, lt_error *err)
{
    r->latent =
        lt_shape4(cfg->latent_frames, cfg->latent_height, cfg->latent_width, cfg->latent_channels);
    r->sinusoid = malloc((size_t)cfg->width * sizeof *r->sinusoid);
    r->seconds = malloc((size_t)(r->repeats + 1) * sizeof *r->seconds);
    r->processor = malloc((size_t)(r->repeats + 1) * sizeof *r->processor);
    if (!r->sinusoid || !r->seconds || !r->processor)
        return lt_fail(err, LT_ERR_RESOURCES, "timing of the diffusion stage: no memory");
    dit_time_sinusoid(500.0f, cfg->width, r->sinusoid);
    lt_ops o;
    lt_ops_open(&o, backend);
    const lt_status s = lt_ops_run(&o, bench_pass, r, err);
    lt_ops_close(&o);
    out->rows = cfg->text_length + (int64_t)cfg->latent_frames * (cfg->latent_height / cfg->patch) *
                                       (cfg->latent_width / cfg->patch);
    out->flop = flop_of(cfg, (double)out->rows);
    out->seconds = best(r->seconds + 1, r->repeats);
    out->processor_seconds = best(r->processor + 1, r->repeats);
    return s;
}

static bool lies_in_a_layer(const char *name, lt_shape shape)
{
    return shape.rank == 2 && strstr(name, ".layers.") != NULL;
}

lt_status dit_bench(const cfg_mmdit *cfg, lt_rounding rounding, lt_backend *backend, int repeats,
                    dit_timing *out, lt_error *err)
{
    bench_run r = {.repeats = repeats > 0 ? repeats : 1};
    lt_weights *weights = NULL;
    lt_weight_set *set = NULL;
    LT_TRY(lt_weights_synthetic(LT_BF16, 1, &weights, err));
    if (rounding != LT_ROUND_NONE)
        lt_weights_rounding(weights, rounding, lies_in_a_layer);
    lt_binder *b = lt_binder_open(weights, backend);
    const lt_status asked = dit_network_bind(b, &r.network, cfg, backend, err);
    const lt_status bound = lt_binder_close(b, &set, err);
    lt_weights_close(weights); /* the set keeps it */
    lt_status s = asked != LT_OK ? asked : bound;
    if (s == LT_OK)
        s = time_network(&r, cfg, backend, out, err);
    lt_weight_set_close(set);
    dit_network_close(&r.network, backend);
    free(r.sinusoid);
    free(r.seconds);
    free(r.processor);
    return s;
}
