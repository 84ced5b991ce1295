/* vae_decoder.c - see vae_decoder.h. */
#include "temporal_vae/vae_decoder.h"

#include <stdlib.h>
#include <string.h>

#include "temporal_vae/frame_layers.h"
#include "temporal_vae/vae_network.h"

enum { FIRST_CALL = 3, LATER_CALL = 2 }; /* latents; other cuts would change the norm statistics */

struct vae_decoder {
    const vae_model *model;
    lt_ops ops;
    int64_t h; /* of the latents */
    int64_t w;
    lt_tensor kept;       /* flat: what all causal convolutions keep */
    vae_history history;  /* views of `kept` */
    int64_t latents_done; /* of this stream */
    bool broken;          /* a call failed half-way: `kept` holds pieces of two calls */
};

/* ---- what is kept ---- */

/* Every layer's part begins at a multiple of the arena's alignment. */
static int64_t padded_elements(lt_shape s)
{
    int64_t elements = 1;
    for (int i = 0; i < s.rank; i++)
        elements *= s.dim[i];
    return (elements + LT_ARENA_ALIGN - 1) / LT_ARENA_ALIGN * LT_ARENA_ALIGN;
}

static int64_t kept_elements(const cfg_vae *cfg, int64_t h, int64_t w)
{
    int64_t total = 0;
    for (int layer = 0; layer < vae_history_layers(cfg); layer++)
        total += padded_elements(vae_history_shape(cfg, layer, h, w));
    return total;
}

static lt_status open_history(vae_decoder *d, lt_error *err)
{
    const cfg_vae *cfg = &d->model->cfg;
    lt_backend *backend = d->model->backend;
    const int layers = vae_history_layers(cfg);
    d->history.of_layer = calloc((size_t)layers, sizeof *d->history.of_layer);
    if (!d->history.of_layer)
        return lt_fail(err, LT_ERR_RESOURCES, "VAE decoder: no memory for %d layers", layers);
    LT_TRY(lt_buffer_open(backend, backend->activation, lt_shape1(kept_elements(cfg, d->h, d->w)),
                          &d->kept, err));

    char *at = d->kept.data;
    for (int layer = 0; layer < layers; layer++) {
        const lt_shape shape = vae_history_shape(cfg, layer, d->h, d->w);
        d->history.of_layer[layer] = lt_view(at, d->kept.dtype, shape);
        at += (size_t)padded_elements(shape) * lt_dtype_bytes(d->kept.dtype);
    }
    return LT_OK;
}

/* ---- one call of the network ---- */

typedef struct {
    vae_decoder *decoder;
    const float *latents; /* [n, C, h, w] */
    int64_t n;
    uint8_t *rgb;  /* or NULL */
    float *frames; /* or NULL */
} decode_call;

/* Twice as large by nearest neighbour, then a 3x3 convolution of every frame. */
static void double_space(vae_flow *f, const vae_level *l)
{
    if (f->pace == VAE_FRAME_BY_FRAME) {
        vae_frames_double_space(f, &l->resample, &l->resample_bias);
        return;
    }
    const lt_tensor x = f->x; /* [T, H, W, C] */
    const lt_shape large = lt_shape4(x.dim[0], 2 * x.dim[1], 2 * x.dim[2], x.dim[3]);
    const lt_tensor nearest = vae_flow_tensor(f, 1, large);
    const lt_tensor out = vae_flow_tensor(f, 2, large);
    const lt_conv_args args = {
        .stride = 1, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
    lt_upsample_into(f->ops, nearest, x, 2, LT_TIME_KEEP);
    lt_conv_into(f->ops, out, nearest, &l->resample, &l->resample_bias, &args);
    vae_flow_advance(f, 2, out);
}

/* The release doubles time before the convolution; that looks at one frame at a time, so doubling
 * its result is the same for half the work. */
static void double_time(vae_flow *f)
{
    if (f->pace == VAE_FRAME_BY_FRAME) {
        vae_frames_double_time(f);
        return;
    }
    const lt_tensor x = f->x; /* [T, H, W, C] */
    const lt_tensor out =
        vae_flow_tensor(f, 1, lt_shape4(vae_double_time(x.dim[0]), x.dim[1], x.dim[2], x.dim[3]));
    lt_upsample_into(f->ops, out, x, 1, LT_TIME_DOUBLE);
    vae_flow_advance(f, 1, out);
}

/* The last norm and convolution: [T, H, W, 3]. */
static lt_tensor make_frames(const vae_flow *f, const vae_half *net, lt_shape picture)
{
    if (f->pace == VAE_FRAME_BY_FRAME) {
        const lt_tensor frames = lt_new(f->ops, f->ops->dtype, picture);
        vae_norm_conv_into(f, frames, f->x, &net->norm_out, &net->conv_out);
        return frames;
    }
    const lt_tensor normed = vae_flow_tensor(f, 1, lt_shape_of(&f->x));
    const lt_tensor frames = vae_flow_tensor(f, 2, picture);
    vae_norm_into(f, normed, f->x, &net->norm_out);
    vae_conv_into(f, frames, normed, &net->conv_out, lt_none());
    return frames;
}

/* What conv_in and every norm see: [n, h, w, C], the scale of the diffusion model divided out. */
static lt_tensor unscaled_latents(lt_ops *o, const decode_call *call)
{
    const vae_decoder *d = call->decoder;
    const cfg_vae *cfg = &d->model->cfg;
    const int C = cfg->latent_channels;
    const int order[] = {0, 2, 3, 1};
    const lt_tensor latent = lt_new(o, o->dtype, lt_shape4(call->n, d->h, d->w, C));
    const lt_mark mark = lt_ops_mark(o);
    const lt_tensor scaled =
        lt_from_host(o, call->latents, LT_F32, lt_shape4(call->n, C, d->h, d->w));
    lt_axpby_into(o, latent, (float)(1.0 / cfg->scale_factor), lt_permute(scaled, order), 0.0f,
                  lt_none());
    lt_ops_rewind(o, mark);
    return latent;
}

static lt_status decode_pass(lt_ops *o, void *user)
{
    const decode_call *call = user;
    const vae_decoder *d = call->decoder;
    const cfg_vae *cfg = &d->model->cfg;
    const vae_half *net = &d->model->decoder;
    const int top = cfg->multiplier_count - 1;

    const lt_tensor latent = unscaled_latents(o, call);
    vae_flow f = vae_flow_start(o, d->model->pace, vae_decoder_elements(cfg, call->n, d->h, d->w));
    f.groups = cfg->groups;
    f.latent = latent;
    f.history = &d->history;

    f.x = vae_flow_tensor(&f, 0, lt_shape4(call->n, d->h, d->w, vae_width(cfg, top)));
    vae_conv_into(&f, f.x, latent, &net->conv_in, lt_none());
    for (int i = 0; i < VAE_MID_BLOCKS; i++)
        vae_block_run(&f, &net->mid[i]);
    for (int level = top; level >= 0; level--) {
        for (int i = 0; i < net->block_count; i++)
            vae_block_run(&f, &net->level[level].block[i]);
        if (vae_decoder_doubles_space(cfg, level))
            double_space(&f, &net->level[level]);
        if (vae_decoder_doubles_time(cfg, level))
            double_time(&f);
    }

    const lt_shape picture = lt_shape4(f.x.dim[0], f.x.dim[1], f.x.dim[2], cfg->in_channels);
    const lt_tensor frames = make_frames(&f, net, picture);
    if (call->rgb) {
        const lt_tensor rgb = lt_new(o, LT_U8, picture);
        lt_to_rgb8_into(o, rgb, frames);
        lt_download(o, call->rgb, rgb);
    }
    if (call->frames)
        lt_download(o, call->frames, lt_cast(o, frames, LT_F32));
    return lt_ops_status(o);
}

/* ---- the stream ---- */

lt_status vae_decoder_open(const vae_model *m, int64_t h, int64_t w, vae_decoder **out,
                           lt_error *err)
{
    *out = NULL;
    const int64_t most = VAE_MAX_SIDE / vae_space_factor(&m->cfg);
    if (h < 1 || h > most || w < 1 || w > most)
        return lt_fail(err, LT_ERR_USAGE,
                       "VAE decoder: latents of %lldx%lld, expected 1x1 to %lldx%lld", (long long)w,
                       (long long)h, (long long)most, (long long)most);
    vae_decoder *d = calloc(1, sizeof *d);
    if (!d)
        return lt_fail(err, LT_ERR_RESOURCES, "VAE decoder: no memory for a stream");
    d->model = m;
    d->h = h;
    d->w = w;
    lt_ops_open(&d->ops, m->backend);
    lt_status s = open_history(d, err);
    if (s == LT_OK)
        s = vae_decoder_reset(d, err);
    if (s != LT_OK) {
        vae_decoder_close(d);
        return s;
    }
    *out = d;
    return LT_OK;
}

void vae_decoder_close(vae_decoder *d)
{
    if (!d)
        return;
    lt_ops_close(&d->ops);
    lt_buffer_close(d->model->backend, &d->kept);
    free(d->history.of_layer);
    free(d);
}

static void set_position(vae_decoder *d, int64_t latents_done)
{
    d->latents_done = latents_done;
    d->history.filled = latents_done > 0;
    d->broken = false;
}

static lt_status clear_pass(lt_ops *o, void *user)
{
    const vae_decoder *d = user;
    lt_fill_into(o, d->kept, 0.0f); /* never read, but it is saved */
    return lt_ops_status(o);
}

lt_status vae_decoder_reset(vae_decoder *d, lt_error *err)
{
    LT_TRY(lt_ops_run(&d->ops, clear_pass, d, err));
    set_position(d, 0);
    return LT_OK;
}

int64_t vae_decoder_frames(const vae_decoder *d, int64_t n)
{
    const bool fresh = d->latents_done == 0;
    if (n < 1 || (n % 2 == 1) != fresh)
        return 0;
    return fresh ? vae_frame_count(&d->model->cfg, n) : n * vae_time_factor(&d->model->cfg);
}

/* The release's schedule: how many of the next `n` latents one call of the network takes. */
static int64_t latents_of_call(const vae_decoder *d, int64_t n)
{
    if (d->latents_done > 0)
        return LATER_CALL;
    return n < FIRST_CALL ? n : FIRST_CALL;
}

int64_t vae_decoder_whole_calls(int64_t done, int64_t n)
{
    if (done > 0)
        return n + n % LATER_CALL;
    return n <= FIRST_CALL ? FIRST_CALL : n + (n - FIRST_CALL) % LATER_CALL;
}

lt_status vae_decode(vae_decoder *d, const float *latents, int64_t n, uint8_t *rgb, float *frames,
                     lt_error *err)
{
    const cfg_vae *cfg = &d->model->cfg;
    if (d->broken)
        return lt_fail(
            err, LT_ERR_USAGE,
            "VAE decoder: the stream broke off after %lld latents; reset or load it first",
            (long long)d->latents_done);
    if (vae_decoder_frames(d, n) == 0)
        return lt_fail(
            err, LT_ERR_USAGE,
            "VAE decoder: %lld latents after %lld; a stream begins with an odd number and goes on with even ones",
            (long long)n, (long long)d->latents_done);
    const int64_t latent_values = cfg->latent_channels * d->h * d->w;
    const int64_t side = vae_space_factor(cfg);
    const int64_t frame_values = cfg->in_channels * d->h * side * d->w * side;
    while (n > 0) {
        const int64_t taken = latents_of_call(d, n);
        const int64_t made = vae_decoder_frames(d, taken) * frame_values;
        decode_call call = {d, latents, taken, rgb, frames};
        const lt_status s = lt_ops_run(&d->ops, decode_pass, &call, err);
        if (s != LT_OK) {
            d->broken = true;
            return s;
        }
        set_position(d, d->latents_done + taken);
        n -= taken;
        latents += taken * latent_values;
        rgb = rgb ? rgb + made : NULL;
        frames = frames ? frames + made : NULL;
    }
    return LT_OK;
}

/* ---- the state as a block of memory ---- */

typedef struct {
    char magic[8];
    int64_t dtype;
    int64_t h;
    int64_t w;
    int64_t layers;
    int64_t elements;
    int64_t latents_done;
    lt_hash checksum; /* of what follows */
} state_header;

static const char magic[8] = "LTVAE-1";

static state_header header_of(const vae_decoder *d)
{
    state_header h = {.dtype = d->kept.dtype,
                      .h = d->h,
                      .w = d->w,
                      .layers = vae_history_layers(&d->model->cfg),
                      .elements = lt_numel(&d->kept),
                      .latents_done = d->latents_done};
    memcpy(h.magic, magic, sizeof magic);
    return h;
}

typedef struct {
    vae_decoder *decoder;
    void *save_to;
    const void *load_from;
} state_call;

static lt_status state_pass(lt_ops *o, void *user)
{
    const state_call *call = user;
    if (call->save_to)
        lt_download(o, call->save_to, call->decoder->kept);
    else
        lt_upload(o, call->decoder->kept, call->load_from);
    return lt_ops_status(o);
}

size_t vae_decoder_state_bytes(const vae_decoder *d)
{
    return sizeof(state_header) + lt_tensor_bytes(&d->kept);
}

lt_status vae_decoder_save(vae_decoder *d, void *state, lt_error *err)
{
    if (d->broken)
        return lt_fail(err, LT_ERR_USAGE,
                       "VAE decoder: the stream broke off, its state is worth nothing");
    char *payload = (char *)state + sizeof(state_header);
    state_call call = {.decoder = d, .save_to = payload};
    LT_TRY(lt_ops_run(&d->ops, state_pass, &call, err));
    state_header h = header_of(d);
    h.checksum = lt_hash_bytes(payload, lt_tensor_bytes(&d->kept));
    memcpy(state, &h, sizeof h);
    return LT_OK;
}

static const char *precision_name(int64_t dtype)
{
    return dtype == LT_F32 || dtype == LT_BF16 ? lt_dtype_name((lt_dtype)dtype)
                                               : "unknown precision";
}

lt_status vae_decoder_load(vae_decoder *d, const void *state, size_t bytes, lt_error *err)
{
    state_header found;
    if (bytes != vae_decoder_state_bytes(d))
        return lt_fail(err, LT_ERR_INPUT, "VAE state: %zu bytes, expected %zu", bytes,
                       vae_decoder_state_bytes(d));
    memcpy(&found, state, sizeof found);
    const state_header own = header_of(d);
    if (memcmp(found.magic, own.magic, sizeof own.magic) != 0)
        return lt_fail(err, LT_ERR_INPUT, "VAE state: does not begin with %s", magic);
    if (found.dtype != own.dtype || found.h != own.h || found.w != own.w ||
        found.layers != own.layers || found.elements != own.elements)
        return lt_fail(
            err, LT_ERR_INPUT,
            "VAE state: %lld layers of %lld values, latents %lldx%lld, %s; expected %lld, %lld, "
            "%lldx%lld, %s",
            (long long)found.layers, (long long)found.elements, (long long)found.w,
            (long long)found.h, precision_name(found.dtype), (long long)own.layers,
            (long long)own.elements, (long long)own.w, (long long)own.h, precision_name(own.dtype));
    const char *payload = (const char *)state + sizeof found;
    const lt_hash checksum = lt_hash_bytes(payload, lt_tensor_bytes(&d->kept));
    if (!lt_hash_equal(checksum, found.checksum) || found.latents_done < 0)
        return lt_fail(err, LT_ERR_INPUT,
                       "VAE state: damaged, its checksum does not match its contents");

    state_call call = {.decoder = d, .load_from = payload};
    const lt_status s = lt_ops_run(&d->ops, state_pass, &call, err);
    if (s != LT_OK) {
        d->broken = true;
        return s;
    }
    set_position(d, found.latents_done);
    return LT_OK;
}
