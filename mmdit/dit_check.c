/* dit_check.c - see dit_check.h. Each component binds only the tensors that it needs. */
#include "mmdit/dit_check.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "configs/model_config.h"
#include "mmdit/dit_model.h"
#include "mmdit/upsample_decoder.h"

/* One file being checked. Host arrays come from `memory` and are freed together. */
typedef struct {
    lt_golden *golden;
    lt_backend *backend;
    cfg_mmdit cfg;
    lt_ops ops;
    lt_weight_set *weights;
    void **memory;
    int memory_count;
    lt_error *err;
} checking;

/* ---- host arrays ---- */

enum { MEMORY_CAPACITY = 4096 };

static lt_status keep(checking *c, void *array)
{
    if (array && c->memory_count < MEMORY_CAPACITY) {
        c->memory[c->memory_count++] = array;
        return LT_OK;
    }
    free(array);
    return lt_fail(c->err, LT_ERR_RESOURCES, "%s: no memory for its arrays",
                   lt_golden_place(c->golden));
}

static lt_status new_array(checking *c, int64_t count, float **out)
{
    *out = calloc((size_t)count + 1, sizeof **out);
    return keep(c, *out);
}

enum { ANY = -1 };

/* Input `name` as packed f32; sizes of `want` that are not ANY must be those of the file. */
static lt_status take(checking *c, const char *name, lt_shape want, float **out, lt_shape *found)
{
    char text[64];
    LT_TRY(lt_golden_input_f32(c->golden, name, want.rank, out, found, c->err));
    LT_TRY(keep(c, *out));
    for (int i = 0; i < want.rank; i++)
        if ((want.dim[i] != ANY && want.dim[i] != found->dim[i]) || found->dim[i] < 1)
            return lt_fail(c->err, LT_ERR_INPUT, "%s: in.%s is %s, which does not fit the config",
                           lt_golden_place(c->golden), name,
                           lt_shape_text(*found, text, sizeof text));
    return LT_OK;
}

static lt_status report(checking *c, const char *name, lt_shape shape, const float *values)
{
    return lt_golden_report(c->golden, name, LT_F32, shape, values, c->err);
}

/* The keys that a component cannot do without. */
static lt_status require(const checking *c, const char *const *keys)
{
    return lt_golden_needs(c->golden, keys, c->err);
}

static const char *const upsample_keys[] = {"latent_channels",
                                            "upsample.in_channels",
                                            "upsample.base_width",
                                            "upsample.multipliers",
                                            "upsample.blocks",
                                            "upsample.out_channels",
                                            NULL};
static const char *const time_keys[] = {"width", "time_width", NULL};
static const char *const position_keys[] = {
    "width",         "text_length",  "patch",          "latent_frames",
    "latent_height", "latent_width", "position_scale", NULL};
static const char *const block_keys[] = {"width",      "heads",       "mlp_width",
                                         "time_width", "text_length", NULL};
static const char *const branch_keys[] = {"control_layers", "text_width", "latent_channels", NULL};
static const char *const layers_keys[] = {"layers", NULL};
static const char *const steps_keys[] = {"steps", NULL};

/* ---- passes ---- */

/* A tensor of any float dtype to f32 on the host. */
static void fetch(lt_ops *o, float *host, lt_tensor x)
{
    const lt_mark mark = lt_ops_mark(o);
    lt_download(o, host, lt_cast(o, x, LT_F32));
    lt_ops_rewind(o, mark);
}

static lt_tensor give(lt_ops *o, const float *host, lt_shape shape)
{
    return lt_cast(o, lt_from_host(o, host, LT_F32, shape), o->dtype);
}

/* [T, C, H, W] on the host -> [T, H, W, C]. */
static lt_tensor give_channels_last(lt_ops *o, const float *host, lt_shape shape, lt_dtype dtype)
{
    static const int order[] = {0, 2, 3, 1};
    return lt_cast(o, lt_permute(lt_from_host(o, host, LT_F32, shape), order), dtype);
}

static void fetch_channels_first(lt_ops *o, float *host, lt_tensor x)
{
    static const int order[] = {0, 3, 1, 2};
    fetch(o, host, lt_permute(x, order));
}

static lt_status run(checking *c, lt_pass pass, void *user)
{
    return lt_ops_run(&c->ops, pass, user, c->err);
}

/* The end of binding; gives back the failure of asking (`asked`) or of the weights. */
static lt_status close_binder(checking *c, lt_binder *b, lt_status asked)
{
    const lt_status bound = lt_binder_close(b, &c->weights, c->err);
    return asked != LT_OK ? asked : bound;
}

/* Must come before the places of the weights are gone. */
static void close_weights(checking *c)
{
    lt_weight_set_close(c->weights);
    c->weights = NULL;
}

/* ---- upsample ---- */

typedef struct {
    dit_upsampler upsampler;
    const float *features; /* [T, C, h, w] */
    lt_shape shape;
    float *control;
} upsample_run;

static lt_status upsample_pass(lt_ops *o, void *user)
{
    const upsample_run *r = user;
    const lt_tensor features = give_channels_last(o, r->features, r->shape, o->dtype);
    fetch_channels_first(o, r->control, dit_upsample(o, &r->upsampler, features));
    return lt_ops_status(o);
}

static lt_status run_upsample(checking *c, upsample_run *r)
{
    const cfg_mmdit *cfg = &c->cfg;
    float *features;
    lt_shape shape;
    LT_TRY(take(c, "features", lt_shape5(1, ANY, cfg->upsample.in_channels, ANY, ANY), &features,
                &shape));
    r->features = features;
    r->shape = lt_shape4(shape.dim[1], shape.dim[2], shape.dim[3], shape.dim[4]);
    const int factor = 1 << (cfg->upsample.multiplier_count - 1);
    const lt_shape large = lt_shape5(1, shape.dim[1], cfg->latent_channels, shape.dim[3] * factor,
                                     shape.dim[4] * factor);
    LT_TRY(new_array(c, large.dim[1] * large.dim[2] * large.dim[3] * large.dim[4], &r->control));
    LT_TRY(run(c, upsample_pass, r));
    return report(c, "control_latent", large, r->control);
}

static lt_status check_upsample(checking *c)
{
    LT_TRY(require(c, upsample_keys));
    upsample_run r = {0};
    lt_binder *b = lt_binder_open(lt_golden_weights(c->golden), c->backend);
    const lt_status asked = dit_upsampler_bind(b, &r.upsampler, &c->cfg, c->err);
    lt_status s = close_binder(c, b, asked);
    if (s == LT_OK)
        s = run_upsample(c, &r);
    close_weights(c);
    dit_upsampler_close(&r.upsampler);
    return s;
}

/* ---- time ---- */

typedef struct {
    dit_time weights;
    float *sinusoids; /* [n, width] */
    int64_t n;
    int width;
    float *embedding;
} time_run;

static lt_status time_pass(lt_ops *o, void *user)
{
    const time_run *r = user;
    const lt_tensor sinusoids = lt_from_host(o, r->sinusoids, LT_F32, lt_shape2(r->n, r->width));
    fetch(o, r->embedding, dit_time_embed(o, &r->weights, sinusoids));
    return lt_ops_status(o);
}

static lt_status run_time(checking *c, time_run *r)
{
    float *timesteps;
    lt_shape shape;
    LT_TRY(take(c, "timesteps", lt_shape1(ANY), &timesteps, &shape));
    r->n = shape.dim[0];
    LT_TRY(new_array(c, r->n * r->width, &r->sinusoids));
    LT_TRY(new_array(c, r->n * c->cfg.time_width, &r->embedding));
    for (int64_t i = 0; i < r->n; i++)
        dit_time_sinusoid(timesteps[i], r->width, r->sinusoids + i * r->width);
    LT_TRY(run(c, time_pass, r));
    return report(c, "embedding", lt_shape2(r->n, c->cfg.time_width), r->embedding);
}

static lt_status check_time(checking *c)
{
    LT_TRY(require(c, time_keys));
    time_run r = {.width = c->cfg.width};
    lt_binder *b = lt_binder_open(lt_golden_weights(c->golden), c->backend);
    dit_time_bind(b, &r.weights, &c->cfg, "model.diffusion_model");
    lt_status s = close_binder(c, b, LT_OK);
    if (s == LT_OK)
        s = run_time(c, &r);
    close_weights(c);
    return s;
}

/* ---- position ---- */

typedef struct {
    dit_position position;
    lt_shape table; /* [text_length + T rows columns, width] */
    lt_shape grid;  /* [T, rows, columns, width] */
    float *values;
} position_run;

static lt_status position_pass(lt_ops *o, void *user)
{
    const position_run *r = user;
    const lt_tensor table = lt_new(o, o->dtype, r->table);
    lt_fill_into(o, table, 0.0f);
    const int64_t n_video = r->grid.dim[0] * r->grid.dim[1] * r->grid.dim[2];
    const lt_tensor video =
        lt_reshape(lt_slice(table, 0, r->table.dim[0] - n_video, n_video), r->grid);
    dit_position_add_into(o, &r->position, video, video);
    fetch(o, r->values, table);
    return lt_ops_status(o);
}

static lt_status check_position(checking *c)
{
    const cfg_mmdit *cfg = &c->cfg;
    LT_TRY(require(c, position_keys));
    LT_TRY(dit_check_patches(cfg, c->err));
    position_run r = {0};
    r.grid = lt_shape4(cfg->latent_frames, cfg->latent_height / cfg->patch,
                       cfg->latent_width / cfg->patch, cfg->width);
    r.table =
        lt_shape2(cfg->text_length + r.grid.dim[0] * r.grid.dim[1] * r.grid.dim[2], cfg->width);
    LT_TRY(new_array(c, r.table.dim[0] * r.table.dim[1], &r.values));
    LT_TRY(dit_position_open(c->backend, cfg, &r.position, c->err));
    lt_status s = run(c, position_pass, &r);
    if (s == LT_OK)
        s = report(c, "table", lt_shape3(1, r.table.dim[0], r.table.dim[1]), r.values);
    dit_position_close(c->backend, &r.position);
    return s;
}

/* ---- joint_block ---- */

typedef struct {
    const cfg_mmdit *cfg;
    dit_block block;
    const float *hidden;
    const float *time;
    int64_t rows;
    float *result;
} block_run;

static lt_status block_pass(lt_ops *o, void *user)
{
    const block_run *r = user;
    const lt_tensor hidden = give(o, r->hidden, lt_shape2(r->rows, r->cfg->width));
    const lt_tensor time =
        lt_activate(o, give(o, r->time, lt_shape2(1, r->cfg->time_width)), LT_ACT_SILU);
    const dit_sequence sequence = {
        .rows = hidden, .n_text = r->cfg->text_length, .text_keys = r->cfg->text_length};
    dit_block_run(o, &r->block, r->cfg->heads, sequence, 0, time);
    fetch(o, r->result, hidden);
    return lt_ops_status(o);
}

static lt_status run_joint_block(checking *c, block_run *r)
{
    const cfg_mmdit *cfg = &c->cfg;
    float *hidden;
    float *time;
    lt_shape shape;
    lt_shape time_shape;
    LT_TRY(take(c, "hidden", lt_shape3(1, ANY, cfg->width), &hidden, &shape));
    LT_TRY(take(c, "time", lt_shape2(1, cfg->time_width), &time, &time_shape));
    r->hidden = hidden;
    r->time = time;
    r->rows = shape.dim[1];
    if (r->rows <= cfg->text_length)
        return lt_fail(c->err, LT_ERR_INPUT, "%s: in.hidden has %lld rows, %d of them text",
                       lt_golden_place(c->golden), (long long)r->rows, cfg->text_length);
    LT_TRY(new_array(c, r->rows * cfg->width, &r->result));
    LT_TRY(run(c, block_pass, r));
    return report(c, "hidden", shape, r->result);
}

static lt_status check_joint_block(checking *c)
{
    LT_TRY(require(c, block_keys));
    LT_TRY(dit_check_heads(&c->cfg, c->err));
    block_run r = {.cfg = &c->cfg};
    lt_binder *b = lt_binder_open(lt_golden_weights(c->golden), c->backend);
    dit_block_bind(b, &r.block, &c->cfg, "model.diffusion_model", 0);
    lt_status s = close_binder(c, b, LT_OK);
    if (s == LT_OK)
        s = run_joint_block(c, &r);
    close_weights(c);
    return s;
}

/* ---- control, denoise ---- */

typedef struct {
    dit_network network; /* in `control` only the control network and the positions are bound */
    const float *latent;
    const float *control;
    const float *text; /* [rows, text_length, text_width] */
    lt_shape shape;    /* [T, C, H, W] */
    int64_t rows;      /* of guidance: 1 or 2 */
    float *sinusoid;
    int64_t hidden_rows; /* text and video rows of the sequence */
    float *result;       /* v [rows, T, C, H, W], or the control outputs [layers, rows, hidden_rows,
                            width] */
} network_run;

static lt_status take_network_inputs(checking *c, network_run *r)
{
    const cfg_mmdit *cfg = &c->cfg;
    const lt_shape latent_shape =
        lt_shape5(1, ANY, cfg->latent_channels, cfg->latent_height, cfg->latent_width);
    float *latent;
    float *control;
    float *text;
    float *timesteps;
    lt_shape shape;
    lt_shape other;
    LT_TRY(take(c, "latent", latent_shape, &latent, &shape));
    LT_TRY(take(c, "control_latent", shape, &control, &other));
    LT_TRY(take(c, "text", lt_shape3(ANY, cfg->text_length, cfg->text_width), &text, &other));
    r->rows = other.dim[0];
    LT_TRY(take(c, "timesteps", lt_shape1(1), &timesteps, &other));
    if (shape.dim[1] > cfg->latent_frames)
        return lt_fail(c->err, LT_ERR_INPUT,
                       "%s: in.latent has %lld frames, the config says at most %d",
                       lt_golden_place(c->golden), (long long)shape.dim[1], cfg->latent_frames);
    r->latent = latent;
    r->control = control;
    r->text = text;
    r->shape = lt_shape4(shape.dim[1], shape.dim[2], shape.dim[3], shape.dim[4]);
    r->hidden_rows = cfg->text_length + shape.dim[1] * (cfg->latent_height / cfg->patch) *
                                            (cfg->latent_width / cfg->patch);
    LT_TRY(new_array(c, cfg->width, &r->sinusoid));
    dit_time_sinusoid(timesteps[0], cfg->width, r->sinusoid);
    return LT_OK;
}

static lt_tensor give_text(lt_ops *o, const network_run *r, const cfg_mmdit *cfg, int64_t row)
{
    const int64_t size = (int64_t)cfg->text_length * cfg->text_width;
    return give(o, r->text + row * size, lt_shape2(cfg->text_length, cfg->text_width));
}

static lt_status control_pass(lt_ops *o, void *user)
{
    const network_run *r = user;
    const dit_network *n = &r->network;
    const cfg_mmdit *cfg = &n->cfg;
    const lt_tensor latent = give_channels_last(o, r->latent, r->shape, LT_F32);
    const lt_tensor control = give_channels_last(o, r->control, r->shape, o->dtype);
    const lt_tensor sinusoid = lt_from_host(o, r->sinusoid, LT_F32, lt_shape2(1, cfg->width));
    const lt_tensor time =
        lt_activate(o, dit_time_embed(o, &n->control.branch.time, sinusoid), LT_ACT_SILU);
    for (int64_t row = 0; row < r->rows; row++) {
        const lt_mark mark = lt_ops_mark(o);
        const lt_tensor text =
            dit_text_rows(o, &n->control.branch.embed, cfg, give_text(o, r, cfg, row));
        dit_sequence state = dit_control_embed(o, &n->control, &n->position, latent, control, text);
        for (int i = 0; i < cfg->control_layers; i++) {
            const lt_tensor signal = lt_new(o, o->dtype, lt_shape_of(&state.rows));
            dit_control_layer(o, &n->control, i, cfg->heads, state, signal, time);
            fetch(o, r->result + (i * r->rows + row) * r->hidden_rows * cfg->width, signal);
            state.rows = signal;
        }
        lt_ops_rewind(o, mark);
    }
    return lt_ops_status(o);
}

static lt_status run_control(checking *c, network_run *r)
{
    const cfg_mmdit *cfg = &c->cfg;
    LT_TRY(take_network_inputs(c, r));
    const int64_t layer_size = r->rows * r->hidden_rows * cfg->width;
    LT_TRY(new_array(c, cfg->control_layers * layer_size, &r->result));
    LT_TRY(run(c, control_pass, r));
    for (int i = 0; i < cfg->control_layers; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "hidden.%d", i);
        LT_TRY(report(c, name, lt_shape3(r->rows, r->hidden_rows, cfg->width),
                      r->result + i * layer_size));
    }
    return LT_OK;
}

static lt_status check_control(checking *c)
{
    LT_TRY(require(c, position_keys));
    LT_TRY(require(c, block_keys));
    LT_TRY(require(c, branch_keys));
    LT_TRY(dit_check_heads(&c->cfg, c->err));
    LT_TRY(dit_check_patches(&c->cfg, c->err));
    network_run r = {.network.cfg = c->cfg};
    lt_binder *b = lt_binder_open(lt_golden_weights(c->golden), c->backend);
    const lt_status asked = dit_control_bind(b, &r.network.control, &c->cfg, c->err);
    lt_status s = close_binder(c, b, asked);
    if (s == LT_OK)
        s = dit_position_open(c->backend, &c->cfg, &r.network.position, c->err);
    if (s == LT_OK)
        s = run_control(c, &r);
    close_weights(c);
    dit_network_close(&r.network, c->backend);
    return s;
}

static lt_status denoise_pass(lt_ops *o, void *user)
{
    const network_run *r = user;
    const dit_network *n = &r->network;
    const lt_tensor latent = give_channels_last(o, r->latent, r->shape, LT_F32);
    const lt_tensor sinusoid = lt_from_host(o, r->sinusoid, LT_F32, lt_shape2(1, n->cfg.width));
    dit_view view = {.control = give_channels_last(o, r->control, r->shape, o->dtype),
                     .times = dit_embed_times(o, n, sinusoid)};
    for (int64_t row = 0; row < r->rows; row++) {
        const lt_mark mark = lt_ops_mark(o);
        view.text = dit_project_text(o, n, give_text(o, r, &n->cfg, row));
        const lt_tensor v = dit_denoise(o, n, &view, latent, 0);
        fetch_channels_first(o, r->result + row * lt_numel(&v), v);
        lt_ops_rewind(o, mark);
    }
    return lt_ops_status(o);
}

static lt_status run_denoise(checking *c, network_run *r)
{
    LT_TRY(take_network_inputs(c, r));
    const lt_shape s = r->shape;
    LT_TRY(new_array(c, r->rows * s.dim[0] * s.dim[1] * s.dim[2] * s.dim[3], &r->result));
    LT_TRY(run(c, denoise_pass, r));
    return report(c, "v", lt_shape5(r->rows, s.dim[0], s.dim[1], s.dim[2], s.dim[3]), r->result);
}

static lt_status check_denoise(checking *c)
{
    LT_TRY(require(c, position_keys));
    LT_TRY(require(c, block_keys));
    LT_TRY(require(c, branch_keys));
    LT_TRY(require(c, layers_keys));
    network_run r = {0};
    lt_binder *b = lt_binder_open(lt_golden_weights(c->golden), c->backend);
    const lt_status asked = dit_network_bind(b, &r.network, &c->cfg, c->backend, c->err);
    lt_status s = close_binder(c, b, asked);
    if (s == LT_OK)
        s = run_denoise(c, &r);
    close_weights(c);
    dit_network_close(&r.network, c->backend);
    return s;
}

/* ---- schedule ---- */

/* The columns of the schedule: from step `first` on, without the last `unset` steps. */
static const struct {
    const char *output;
    size_t field;
    lt_dtype dtype;
    int first;
    int unset;
} columns[] = {
    {"timesteps", offsetof(dit_step, timestep), LT_I32, 0, 0},
    {"index", offsetof(dit_step, index), LT_I32, 0, 0},
    {"c_skip", offsetof(dit_step, c_skip), LT_F32, 0, 0},
    {"c_out", offsetof(dit_step, c_out), LT_F32, 0, 0},
    {"m1", offsetof(dit_step, m1), LT_F32, 0, 1},
    {"m2", offsetof(dit_step, m2), LT_F32, 0, 1},
    {"noise", offsetof(dit_step, noise), LT_F32, 0, 1},
    {"k1", offsetof(dit_step, k1), LT_F32, 1, 1},
    {"k2", offsetof(dit_step, k2), LT_F32, 1, 1},
};

static lt_status report_numbers(checking *c, const char *name, int count, const double *numbers)
{
    return lt_golden_report(c->golden, name, LT_F64, lt_shape1(count > 0 ? count : 0), numbers,
                            c->err);
}

static lt_status report_schedule(checking *c, const dit_schedule *schedule, double *numbers)
{
    const int n = schedule->steps;
    for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
        const int count = n - columns[k].first - columns[k].unset;
        for (int i = 0; i < count; i++)
            numbers[i] = lt_load_element((const char *)&schedule->step[columns[k].first + i] +
                                             columns[k].field,
                                         columns[k].dtype, 0);
        LT_TRY(report_numbers(c, columns[k].output, count, numbers));
    }
    for (int i = 0; i < n; i++)
        numbers[i] = schedule->step[i].a;
    numbers[n] = 1.0; /* clean */
    LT_TRY(report_numbers(c, "sigmas", n + 1, numbers));
    dit_request released;
    dit_request_init(&released);
    for (int i = 0; i < n; i++)
        numbers[i] = dit_guidance_scale(released.scale_kind, released.scale, i, n,
                                        schedule->step[i].timestep);
    return report_numbers(c, "scales", n, numbers);
}

static lt_status check_schedule(checking *c)
{
    LT_TRY(require(c, steps_keys));
    float table[DIT_TIMESTEPS];
    dit_noise_table(table);
    LT_TRY(report(c, "table", lt_shape1(DIT_TIMESTEPS), table));
    dit_schedule *schedule = malloc(sizeof *schedule);
    LT_TRY(keep(c, schedule));
    double *numbers = malloc(DIT_TIMESTEPS * sizeof *numbers);
    LT_TRY(keep(c, numbers));
    LT_TRY(dit_schedule_make(&c->cfg, 0, schedule, c->err));
    return report_schedule(c, schedule, numbers);
}

/* ---- sample ---- */

/* The official draws in.noise.0 ...; one row of text, the other one is zeros. */
static lt_status take_draws(checking *c, dit_request *r)
{
    const cfg_mmdit *cfg = &c->cfg;
    dit_schedule *schedule = malloc(sizeof *schedule);
    LT_TRY(keep(c, schedule));
    LT_TRY(dit_schedule_make(cfg, 0, schedule, c->err));
    const int count = dit_official_draws(schedule->steps, r->carry, r->known_frames);
    const float **draws = calloc((size_t)count, sizeof *draws);
    LT_TRY(keep(c, draws));
    for (int k = 0; k < count; k++) {
        char name[32];
        float *values;
        lt_shape shape;
        (void)snprintf(name, sizeof name, "noise.%d", k);
        LT_TRY(take(c, name,
                    lt_shape5(1, ANY, cfg->latent_channels, cfg->latent_height, cfg->latent_width),
                    &values, &shape));
        const int64_t want = dit_official_draw_frames(r, k);
        if (shape.dim[1] != want)
            return lt_fail(c->err, LT_ERR_INPUT, "%s: in.%s has %lld frames, expected %lld",
                           lt_golden_place(c->golden), name, (long long)shape.dim[1],
                           (long long)want);
        draws[k] = values;
    }
    r->draws = draws;
    r->draw_count = count;
    return LT_OK;
}

/* [C, h w] -> [h w, C] for each frame. */
static void to_channels_last(const float *in, lt_shape shape, float *out)
{
    const int64_t channels = shape.dim[2];
    const int64_t pixels = shape.dim[3] * shape.dim[4];
    for (int64_t t = 0; t < shape.dim[1]; t++)
        for (int64_t ch = 0; ch < channels; ch++)
            for (int64_t p = 0; p < pixels; p++)
                out[(t * pixels + p) * channels + ch] = in[(t * channels + ch) * pixels + p];
}

static lt_status run_sample(checking *c, dit_model *m)
{
    const cfg_mmdit *cfg = &c->cfg;
    const int factor = 1 << (cfg->upsample.multiplier_count - 1);
    const lt_shape grid = lt_shape5(1, ANY, cfg->upsample.in_channels, cfg->latent_height / factor,
                                    cfg->latent_width / factor);
    float *features;
    float *text;
    lt_shape shape;
    lt_shape other;
    LT_TRY(take(c, "features", grid, &features, &shape));
    LT_TRY(take(c, "text", lt_shape3(1, cfg->text_length, cfg->text_width), &text, &other));
    dit_request r;
    dit_request_init(&r);
    r.frames = (int)shape.dim[1];
    r.text = text;
    r.carry = cfg->carry;
    if (lt_golden_has_input(c->golden, "prefix")) {
        float *known;
        LT_TRY(take(c, "prefix",
                    lt_shape5(1, ANY, cfg->latent_channels, cfg->latent_height, cfg->latent_width),
                    &known, &other));
        r.known = known;
        r.known_frames = (int)other.dim[1];
    }
    if (r.frames > cfg->latent_frames || r.known_frames >= r.frames)
        return lt_fail(c->err, LT_ERR_INPUT,
                       "%s: %d frames of features, %d of prefix, expected at most %d and fewer",
                       lt_golden_place(c->golden), r.frames, r.known_frames, cfg->latent_frames);
    LT_TRY(take_draws(c, &r));

    const lt_shape latent_shape =
        lt_shape5(1, r.frames, cfg->latent_channels, cfg->latent_height, cfg->latent_width);
    const int64_t values =
        latent_shape.dim[1] * latent_shape.dim[2] * latent_shape.dim[3] * latent_shape.dim[4];
    float *packed;
    float *control;
    float *latent;
    LT_TRY(new_array(c, shape.dim[1] * shape.dim[2] * shape.dim[3] * shape.dim[4], &packed));
    LT_TRY(new_array(c, values, &control));
    LT_TRY(new_array(c, values, &latent));
    to_channels_last(features, shape, packed);
    LT_TRY(dit_control_latent(m, packed, r.frames, control, c->err));
    r.control = control;
    LT_TRY(dit_refine(m, &r, latent, c->err));
    return report(c, "latent", latent_shape, latent);
}

static lt_status check_sample(checking *c)
{
    LT_TRY(require(c, position_keys));
    LT_TRY(require(c, block_keys));
    LT_TRY(require(c, branch_keys));
    LT_TRY(require(c, layers_keys));
    LT_TRY(require(c, upsample_keys));
    LT_TRY(require(c, steps_keys));
    dit_model *m;
    LT_TRY(dit_model_open(lt_golden_weights(c->golden), &c->cfg, c->backend, &m, c->err));
    const lt_status s = run_sample(c, m);
    dit_model_close(m);
    return s;
}

/* ---- the door ---- */

static const struct {
    const char *component;
    lt_status (*check)(checking *c);
} components[] = {
    {"mmdit.upsample", check_upsample}, {"mmdit.time", check_time},
    {"mmdit.position", check_position}, {"mmdit.joint_block", check_joint_block},
    {"mmdit.control", check_control},   {"mmdit.denoise", check_denoise},
    {"mmdit.schedule", check_schedule}, {"mmdit.sample", check_sample},
};

static lt_status run_component(checking *c)
{
    for (size_t i = 0; i < sizeof components / sizeof components[0]; i++)
        if (strcmp(lt_golden_component(c->golden), components[i].component) == 0)
            return components[i].check(c);
    return lt_fail(c->err, LT_ERR_INPUT, "%s: unknown component '%s'", lt_golden_place(c->golden),
                   lt_golden_component(c->golden));
}

lt_status dit_check(lt_golden *g, lt_backend *backend, lt_error *err)
{
    checking c = {.golden = g, .backend = backend, .err = err};
    LT_TRY(cfg_mmdit_from_json(lt_golden_config(g), lt_golden_place(g), NULL, &c.cfg, err));
    c.memory = calloc(MEMORY_CAPACITY, sizeof *c.memory);
    if (!c.memory)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to check it", lt_golden_place(g));
    lt_ops_open(&c.ops, backend);
    const lt_status s = run_component(&c);
    lt_ops_close(&c.ops);
    for (int i = 0; i < c.memory_count; i++)
        free(c.memory[i]);
    free(c.memory);
    return s;
}
