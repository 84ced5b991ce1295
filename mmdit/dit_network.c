/* dit_network.c - see dit_network.h. */
#include "mmdit/dit_network.h"

static const char PREFIX[] = "model.diffusion_model";
static const float FINAL_NORM_EPS = 1e-5f;
static const float HEAD_NORM_EPS = 1e-6f;

lt_status dit_check_heads(const cfg_mmdit *cfg, lt_error *err)
{
    if (cfg->width % cfg->heads != 0)
        return lt_fail(err, LT_ERR_INPUT, "mmdit.heads: %d does not divide the width %d",
                       cfg->heads, cfg->width);
    return LT_OK;
}

lt_status dit_check_patches(const cfg_mmdit *cfg, lt_error *err)
{
    if (cfg->width % 16 != 0) /* position parts of d/4 and 3d/8 hold pairs */
        return lt_fail(err, LT_ERR_INPUT, "mmdit.width: %d is not a multiple of 16", cfg->width);
    if (cfg->latent_height % cfg->patch != 0 || cfg->latent_width % cfg->patch != 0)
        return lt_fail(err, LT_ERR_INPUT, "mmdit.patch: %d does not divide the latent's %d x %d",
                       cfg->patch, cfg->latent_height, cfg->latent_width);
    return LT_OK;
}

lt_status dit_network_bind(lt_binder *b, dit_network *n, const cfg_mmdit *cfg, lt_backend *backend,
                           lt_error *err)
{
    *n = (dit_network){.cfg = *cfg};
    const int d = cfg->width;
    LT_TRY(dit_check_heads(cfg, err));
    LT_TRY(dit_check_patches(cfg, err));
    if (cfg->control_layers > cfg->layers)
        return lt_fail(err, LT_ERR_INPUT, "mmdit.control_layers: %d, but there are only %d layers",
                       cfg->control_layers, cfg->layers);
    LT_TRY(dit_branch_bind(b, &n->main, cfg, cfg->layers, PREFIX, err));
    LT_TRY(dit_control_bind(b, &n->control, cfg, err));
    dit_bind_norm(b, &n->final_norm, d, "%s.transformer.final_layernorm", PREFIX);
    dit_bind_norm(b, &n->head_norm, d, "%s.mixins.final_layer.norm_final", PREFIX);
    dit_bind_linear(b, &n->head_modulation, 2 * d, cfg->time_width,
                    "%s.mixins.final_layer.adaLN_modulation.1", PREFIX);
    dit_bind_linear(b, &n->head, cfg->latent_channels * cfg->patch * cfg->patch, d,
                    "%s.mixins.final_layer.linear", PREFIX);
    return dit_position_open(backend, cfg, &n->position, err);
}

void dit_network_close(dit_network *n, lt_backend *backend)
{
    dit_branch_close(&n->main);
    dit_control_close(&n->control);
    dit_position_close(backend, &n->position);
}

dit_text dit_project_text(lt_ops *o, const dit_network *n, lt_tensor text)
{
    const lt_tensor main = dit_text_rows(o, &n->main.embed, &n->cfg, text);
    const lt_tensor control = dit_text_rows(o, &n->control.branch.embed, &n->cfg, text);
    return (dit_text){.main = main, .control = control};
}

dit_times dit_embed_times(lt_ops *o, const dit_network *n, lt_tensor sinusoids)
{
    const lt_tensor main = lt_activate(o, dit_time_embed(o, &n->main.time, sinusoids), LT_ACT_SILU);
    const lt_tensor control =
        lt_activate(o, dit_time_embed(o, &n->control.branch.time, sinusoids), LT_ACT_SILU);
    return (dit_times){.main = main, .control = control};
}

/* video [n, d], the rows of v's frames -> v f32 [frames, H, W, C]. */
static void output_head(lt_ops *o, const dit_network *n, lt_tensor v, lt_tensor video,
                        lt_tensor time)
{
    const int64_t d = n->cfg.width;
    /* [n, d] */
    const lt_tensor u =
        lt_layer_norm(o, video, &n->final_norm.weight, &n->final_norm.bias, FINAL_NORM_EPS);
    /* [1, 2 d] */
    const lt_tensor m =
        lt_linear(o, time, &n->head_modulation.weight, &n->head_modulation.bias, LT_ACT_NONE);
    const lt_tensor shift = lt_slice(m, 1, 0, d);
    const lt_tensor scale = lt_slice(m, 1, d, d);
    lt_modulated_norm_into(o, u, u, &n->head_norm.weight, &n->head_norm.bias, HEAD_NORM_EPS, scale,
                           shift);
    dit_unpatchify(o, v, lt_linear(o, u, &n->head.weight, &n->head.bias, LT_ACT_NONE),
                   n->cfg.patch);
}

lt_tensor dit_signals_new(lt_ops *o, const dit_network *n, const dit_view *view, lt_tensor latent)
{
    const int64_t patches =
        latent.dim[0] * (latent.dim[1] / n->cfg.patch) * (latent.dim[2] / n->cfg.patch);
    return lt_new(
        o, o->dtype,
        lt_shape3(n->control.branch.layers, view->text.control.dim[0] + patches, n->cfg.width));
}

/* The control network on its way: `signal` is what its last layer gave. */
typedef struct {
    dit_sequence state;
    lt_tensor signal; /* [n, d] */
} control_run;

static control_run begin_control(lt_ops *o, const dit_network *n, const dit_view *view,
                                 lt_tensor latent)
{
    if (n->control.branch.layers == 0 || view->signals_are == DIT_SIGNALS_REUSE)
        return (control_run){.signal = lt_none()};
    const dit_sequence state =
        dit_control_embed(o, &n->control, &n->position, latent, view->control, view->text.control);
    return (control_run){.state = state, .signal = lt_new(o, o->dtype, lt_shape_of(&state.rows))};
}

/* The signal for main layer i. */
static lt_tensor next_signal(lt_ops *o, const dit_network *n, const dit_view *view, control_run *c,
                             int i, lt_tensor time)
{
    if (view->signals_are == DIT_SIGNALS_REUSE)
        return lt_select(view->signals, 0, i);
    const lt_tensor used = c->state.rows;
    if (i > 0) { /* the unprojected state is dropped, its memory takes the next signal */
        c->state.rows = c->signal;
        c->signal = used;
    }
    dit_control_layer(o, &n->control, i, n->cfg.heads, c->state, c->signal, time);
    if (view->signals_are == DIT_SIGNALS_KEEP)
        lt_copy_into(o, lt_select(view->signals, 0, i), c->signal);
    return c->signal;
}

/* One main layer after another, each with its signal; the state of the main
 * network is changed in place. */
static void run_layers(lt_ops *o, const dit_network *n, const dit_view *view, lt_tensor latent,
                       dit_sequence state, int64_t first_wanted, int step)
{
    const lt_tensor time = lt_slice(view->times.main, 0, step, 1);
    const lt_tensor control_time = lt_slice(view->times.control, 0, step, 1);
    control_run control = begin_control(o, n, view, latent);
    for (int i = 0; i < n->main.layers; i++) {
        const bool last = i + 1 == n->main.layers;
        lt_tensor signal = lt_none();
        if (i < n->control.branch.layers)
            signal = next_signal(o, n, view, &control, i, control_time);
        dit_block_run(o, &n->main.blocks[i], n->cfg.heads, state, last ? first_wanted : 0, time);
        if (!lt_is_none(&signal))
            lt_add_into(o, state.rows, signal);
    }
}

lt_tensor dit_denoise(lt_ops *o, const dit_network *n, const dit_view *view, lt_tensor latent,
                      int step)
{
    lt_shape answer = lt_shape_of(&latent);
    answer.dim[0] -= view->known_frames;
    const lt_tensor v = lt_new(o, LT_F32, answer);
    const lt_mark mark = lt_ops_mark(o);
    const dit_sequence state = dit_embed(o, &n->main.embed, &n->position, latent, view->text.main);
    const int64_t wanted = (state.rows.dim[0] - state.n_text) / latent.dim[0] * answer.dim[0];
    const int64_t first_wanted = state.rows.dim[0] - wanted;
    run_layers(o, n, view, latent, state, first_wanted, step);
    output_head(o, n, v, lt_slice(state.rows, 0, first_wanted, wanted),
                lt_slice(view->times.main, 0, step, 1));
    lt_ops_rewind(o, mark);
    return v;
}
