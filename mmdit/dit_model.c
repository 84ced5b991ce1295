/* dit_model.c - see dit_model.h. */
#include "mmdit/dit_model.h"

#include <stdlib.h>

#include "mmdit/upsample_decoder.h"

struct dit_model {
    lt_backend *backend;
    dit_network network;
    dit_upsampler upsampler;
    lt_weight_set *weights;
    lt_ops ops;
};

static lt_status check_grid(const cfg_mmdit *cfg, lt_error *err)
{
    const int factor = 1 << (cfg->upsample.multiplier_count - 1);
    if (cfg->latent_height % factor != 0 || cfg->latent_width % factor != 0)
        return lt_fail(err, LT_ERR_INPUT,
                       "mmdit.upsample: enlarges by %d, which does not divide the latent's %d x %d",
                       factor, cfg->latent_height, cfg->latent_width);
    return LT_OK;
}

static lt_status bind_all(dit_model *m, lt_weights *weights, const cfg_mmdit *cfg, lt_error *err)
{
    LT_TRY(check_grid(cfg, err));
    lt_binder *b = lt_binder_open(weights, m->backend);
    const lt_status network = dit_network_bind(b, &m->network, cfg, m->backend, err);
    const lt_status upsampler = dit_upsampler_bind(b, &m->upsampler, cfg, err);
    const lt_status bound = lt_binder_close(b, &m->weights, err);
    return network != LT_OK ? network : upsampler != LT_OK ? upsampler : bound;
}

lt_status dit_model_open(lt_weights *weights, const cfg_mmdit *cfg, lt_backend *backend,
                         dit_model **out, lt_error *err)
{
    *out = NULL;
    dit_model *m = calloc(1, sizeof *m);
    if (!m)
        return lt_fail(err, LT_ERR_RESOURCES, "diffusion stage: no memory");
    m->backend = backend;
    lt_ops_open(&m->ops, backend);
    const lt_status s = bind_all(m, weights, cfg, err);
    if (s != LT_OK) {
        dit_model_close(m);
        return s;
    }
    *out = m;
    return LT_OK;
}

void dit_model_close(dit_model *m)
{
    if (!m)
        return;
    lt_ops_close(&m->ops);
    lt_weight_set_close(m->weights);
    dit_network_close(&m->network, m->backend);
    dit_upsampler_close(&m->upsampler);
    free(m);
}

/* ---- control latent ---- */

typedef struct {
    const dit_model *model;
    const float *features;
    lt_shape shape; /* [T, h, w, C] */
    float *control;
} control_run;

static lt_status control_pass(lt_ops *o, void *user)
{
    static const int order[] = {0, 3, 1, 2};
    const control_run *run = user;
    const lt_tensor features =
        lt_cast(o, lt_from_host(o, run->features, LT_F32, run->shape), o->dtype);
    const lt_tensor control = dit_upsample(o, &run->model->upsampler, features); /* [T, H, W, C] */
    lt_download(o, run->control, lt_cast(o, lt_permute(control, order), LT_F32));
    return lt_ops_status(o);
}

lt_status dit_control_latent(dit_model *m, const float *features, int frames, float *control,
                             lt_error *err)
{
    const cfg_mmdit *cfg = &m->network.cfg;
    if (frames < 1)
        return lt_fail(err, LT_ERR_USAGE, "control latent of %d frames, expected at least 1",
                       frames);
    const int factor = 1 << (cfg->upsample.multiplier_count - 1);
    const lt_shape shape = lt_shape4(frames, cfg->latent_height / factor,
                                     cfg->latent_width / factor, cfg->upsample.in_channels);
    control_run run = {.model = m, .features = features, .shape = shape, .control = control};
    return lt_ops_run(&m->ops, control_pass, &run, err);
}

lt_status dit_refine(dit_model *m, const dit_request *r, float *latent, lt_error *err)
{
    return dit_sample(&m->ops, &m->network, r, latent, err);
}
