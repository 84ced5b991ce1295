/* memory_probe.c - see memory_probe.h. */
#include "pipeline/memory_probe.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ar_model/ar_model.h"
#include "media/window_encoder.h"
#include "mmdit/dit_model.h"
#include "pipeline/frame_sizes.h"
#include "pipeline/plan/plan_session.h"
#include "pipeline/plan/take_encode.h"
#include "temporal_vae/vae_decoder.h"
#include "temporal_vae/vae_encoder.h"
#include "text_encoder/text_encoder.h"
#include "tokenizer/tokenizer.h"

/* Code, stacks and tables of a running take that nothing counts, and more of them where it makes a
 * video: what the tiny model needs beyond the sum. */
enum { RUNNING_BYTES = 3 << 19, VIDEO_BYTES = 3 << 19 };

/* What reading a video takes, mostly code of libav: measured on a small H.264 file. Where a
 * reference was read it is in memory already. */
enum { READING_BYTES = 36 << 20 };

/* The same on a device with memory of its own: workspaces of convolutions (of CUDA at most 64 and
 * 256 MiB, whatever the card) and products, code of the libraries. Chosen, not measured. */
static const size_t device_running_bytes = (size_t)640 << 20;

lt_status take_probe_open(take_probe *p, longtake *e, const take_spec *s, lt_error *err)
{
    *p = (take_probe){.engine = e, .spec = s, .apart = e->backend->table->memory_free != NULL};
    return lt_measure_open(&p->device, e->backend, err);
}

void take_probe_close(take_probe *p)
{
    p->device->table->close(p->device);
}

/* Bytes that the process has in memory now. */
static size_t resident_bytes(void)
{
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    const int got = f ? fscanf(f, "%*u %llu", &pages) : 0;
    if (f)
        fclose(f);
    return got == 1 ? (size_t)pages * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

void take_probe_process(take_probe *p, bool reads)
{
    malloc_trim(0); /* what an earlier take gave back is no need of this one */
    p->base = resident_bytes() + (reads ? (size_t)READING_BYTES : 0);
}

static lt_status open_weights(const take_probe *p, take_net net, lt_weights **out, lt_error *err)
{
    if (take_engine_has_weights(p->engine, net))
        LT_TRY(take_engine_weights(p->engine, net, out, err));
    else
        LT_TRY(lt_weights_hollow(LT_BF16, out, err));
    lt_weights_home(*out, p->way.home[net]);
    return LT_OK;
}

/* What was open before is closed: what comes is counted from here. */
static void begin_stage(const take_probe *p)
{
    p->device->memory_peak = p->device->memory_in_use;
    p->device->pinned_peak = p->device->pinned_in_use;
}

/* A stage has run: what it needed. */
static void note_stage(take_probe *p, size_t files, size_t host)
{
    const size_t device = p->device->memory_peak + p->refine_passes;
    const size_t pinned = p->device->pinned_peak;
    const size_t bytes = files + host + pinned + (p->apart ? 0 : device);
    if (bytes > p->worst_stage)
        p->worst_stage = bytes;
    if (pinned > p->worst_pinned)
        p->worst_pinned = pinned;
    if (p->apart && device > p->worst_device)
        p->worst_device = device;
}

/* A network's file. */
static size_t bytes_of(take_probe *p, const lt_weights *w)
{
    const size_t bytes = lt_weights_bytes(w);
    if (bytes > p->largest_file)
        p->largest_file = bytes;
    return bytes;
}

/* ---- text ---- */

lt_status take_probe_text(take_probe *p, take_net net, lt_error *err)
{
    const cfg_model *model = &p->engine->cfg;
    const cfg_text *cfg = net == TAKE_NET_TEXT_AR ? &model->text_ar : &model->text_mmdit;
    const int length =
        net == TAKE_NET_TEXT_AR ? model->text_ar.max_length : model->mmdit.text_length;
    lt_weights *w = NULL;
    text_encoder *encoder = NULL;
    begin_stage(p);
    int32_t *ids = calloc((size_t)length, sizeof *ids);
    float *rows = calloc((size_t)length * (size_t)cfg->d_model, sizeof *rows);
    lt_status s = ids && rows ? open_weights(p, net, &w, err)
                              : lt_fail(err, LT_ERR_RESOURCES, "plan: out of memory");
    if (s == LT_OK)
        s = text_encoder_open(w, cfg, p->device, &encoder, err);
    if (s == LT_OK)
        s = text_encode(encoder, ids, length, rows, err);
    if (s == LT_OK)
        note_stage(p, bytes_of(p, w), 0);
    text_encoder_close(encoder);
    lt_weights_close(w);
    free(rows);
    free(ids);
    return s;
}

/* ---- tokens ---- */

static lt_status write_plan(const take_probe *p, ar_session *session, const float *text,
                            int text_rows, lt_error *err)
{
    const take_spec *s = p->spec;
    const cfg_ar *cfg = &p->engine->cfg.ar_model;
    const ar_condition condition = {.text = text, .text_rows = text_rows, .frames = 0, .motion = 0};
    const int frames = take_segment_frames(&s->time, 0);
    int64_t k = 0;
    int32_t *ids = calloc((size_t)ar_segment_codes(cfg, frames), sizeof *ids);
    if (!ids)
        return lt_fail(err, LT_ERR_RESOURCES, "plan: out of memory");
    lt_status status = ar_session_condition(session, &condition, err);
    for (; k < s->lm_context && k + 1 < s->time.segments && status == LT_OK; k++)
        status = ar_session_feed(session, ids, frames, err);
    if (status == LT_OK && s->shots > 1)
        status = ar_session_condition(session, &condition, err);
    if (status == LT_OK)
        status = ar_session_segment(session, take_segment_frames(&s->time, k), ids, 0, NULL, err);
    free(ids);
    return status;
}

/* The longest prompt that the model reads, and has positions for. */
static int most_text_rows(const cfg_model *cfg, ar_session_options options)
{
    options.text_rows = 0;
    const int64_t room = cfg->ar_model.rope_length - ar_positions(&cfg->ar_model, &options);
    return room < cfg->text_ar.max_length ? (int)room : cfg->text_ar.max_length;
}

lt_status take_probe_tokens(take_probe *p, take_net net, lt_error *err)
{
    const cfg_model *cfg = &p->engine->cfg;
    const take_spec *t = p->spec;
    ar_session_options options = plan_session_options(
        t, t->time.segments, take_segment_frames(&t->time, t->time.segments - 1), 0);
    options.text_rows = most_text_rows(cfg, options);
    begin_stage(p);
    lt_weights *w = NULL;
    ar_model *model = NULL;
    ar_session *session = NULL;
    float *text =
        calloc((size_t)cfg->text_ar.max_length * (size_t)cfg->ar_model.text_width, sizeof *text);
    lt_status s = text ? open_weights(p, net, &w, err)
                       : lt_fail(err, LT_ERR_RESOURCES, "plan: out of memory");
    if (s == LT_OK)
        s = ar_model_open(w, &cfg->ar_model, p->device, &model, err);
    if (s == LT_OK)
        s = ar_session_open(model, &options, &session, err);
    if (s == LT_OK)
        s = write_plan(p, session, text, options.text_rows, err);
    if (s == LT_OK)
        note_stage(p, bytes_of(p, w), 0);
    ar_session_close(session);
    ar_model_close(model);
    lt_weights_close(w);
    free(text);
    return s;
}

/* ---- codes of a video ---- */

static lt_status encode_segment(const take_probe *p, tok_model *semantics, unsigned parts,
                                size_t *host, lt_error *err)
{
    const cfg_model *cfg = &p->engine->cfg;
    const int segment = cfg->ar_model.segment_frames;
    const size_t feature_bytes =
        (size_t)(segment * take_feature_values(&cfg->tokenizer)) * sizeof(float);
    const size_t frame_bytes = (size_t)cfg->pipeline.width * (size_t)cfg->pipeline.height * 3;
    float *features = calloc(1, feature_bytes);
    uint8_t *frame = calloc(1, frame_bytes);
    int32_t *codes = calloc((size_t)ar_segment_codes(&cfg->ar_model, segment), sizeof *codes);
    lt_status s =
        features && frame && codes ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "plan: out of memory");
    if (s == LT_OK)
        s = tok_features(semantics, frame, 1, cfg->pipeline.height, cfg->pipeline.width, features,
                         err);
    if (s == LT_OK)
        s = tok_encode(semantics, features, segment, codes, NULL, err);
    if (s == LT_OK && parts & TOK_DECODER)
        s = tok_decode(semantics, codes, segment, features, err);
    *host = feature_bytes + frame_bytes;
    free(codes);
    free(frame);
    free(features);
    return s;
}

/* It may measure how well the codes tell a frame. */
lt_status take_probe_codes(take_probe *p, lt_error *err)
{
    const cfg_tokenizer *cfg = &p->engine->cfg.tokenizer;
    lt_weights *w = NULL;
    tok_model *semantics = NULL;
    size_t host = 0;
    const unsigned parts = take_encoding_parts(&p->engine->cfg, p->spec->codes);
    begin_stage(p);
    lt_status s = open_weights(p, TAKE_NET_TOKENIZER, &w, err);
    if (s == LT_OK)
        s = tok_open(w, cfg, p->device, TOK_FEATURES | parts, &semantics, err);
    if (s == LT_OK)
        s = encode_segment(p, semantics, parts, &host, err);
    if (s == LT_OK)
        note_stage(p, bytes_of(p, w), host);
    tok_close(semantics);
    lt_weights_close(w);
    return s;
}

/* ---- refining and decoding, whose networks are open together ---- */

typedef struct {
    lt_weights *file[3]; /* tokenizer, mmdit, VAE */
    tok_model *semantics;
    dit_model *network;
    vae_model *vae;
    vae_decoder *decoder;
    float *features; /* [segment, h, w, C] */
    float *control;  /* [window or segment, C, H, W] */
    float *text;     /* [text_length, text_width] */
    float *latents;  /* [window, C, H, W] */
    uint8_t *frames; /* [window frames, H, W, 3] */
    size_t host;     /* bytes that the pipeline keeps beside what is above */
} render_probe;

static void close_networks(render_probe *r)
{
    vae_decoder_close(r->decoder);
    vae_close(r->vae);
    dit_model_close(r->network);
    tok_close(r->semantics);
    for (int i = 0; i < 3; i++) {
        lt_weights_close(r->file[i]);
        r->file[i] = NULL;
    }
    r->decoder = NULL;
    r->vae = NULL;
    r->network = NULL;
    r->semantics = NULL;
}

static void close_render(render_probe *r)
{
    close_networks(r);
    free(r->features);
    free(r->control);
    free(r->text);
    free(r->latents);
    free(r->frames);
}

static size_t window_frames_bytes(const take_probe *p)
{
    const take_spec *s = p->spec;
    return (size_t)take_frames_of_latents(s->time.window) * (size_t)s->width * (size_t)s->height *
           3;
}

static lt_status allocate_render(const take_probe *p, render_probe *r, lt_error *err)
{
    const cfg_model *cfg = &p->engine->cfg;
    const int segment = cfg->ar_model.segment_frames;
    const int window = p->spec->time.window;
    const size_t latent = (size_t)take_latent_values(&cfg->mmdit);
    const size_t cells = (size_t)take_feature_values(&cfg->tokenizer);
    r->features = calloc((size_t)segment * cells, sizeof *r->features);
    r->control = calloc((size_t)(segment > window ? segment : window) * latent, sizeof *r->control);
    r->text =
        calloc((size_t)cfg->mmdit.text_length * (size_t)cfg->mmdit.text_width, sizeof *r->text);
    r->latents = calloc((size_t)window * latent, sizeof *r->latents);
    r->frames = calloc(1, window_frames_bytes(p));
    /* Control and features of two segments, control and latents of a window, texts. */
    r->host =
        (2 * (size_t)segment * (latent + cells) + 3 * (size_t)window * latent) * sizeof(float);
    const bool complete = r->features && r->control && r->text && r->latents && r->frames;
    return complete ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "plan: out of memory");
}

static lt_status refine_once(const take_probe *p, render_probe *r, lt_error *err)
{
    const cfg_model *cfg = &p->engine->cfg;
    const take_spec *s = p->spec;
    const int segment = take_segment_frames(&s->time, 0);
    int32_t *codes = calloc((size_t)ar_segment_codes(&cfg->ar_model, segment), sizeof *codes);
    if (!codes)
        return lt_fail(err, LT_ERR_RESOURCES, "plan: out of memory");
    dit_request q;
    dit_request_init(&q);
    q.frames = s->time.window;
    q.control = r->control;
    q.text = r->text;
    q.carry = s->carry;
    /* what is kept from step to step is seen in more than one */
    q.steps = s->speed == DIT_EXACT ? 1 : s->steps;
    q.speed = s->speed;
    q.scale = s->shot[0].cfg_scale;
    q.guidance = s->guidance == CFG_GUIDANCE_APG ? DIT_GUIDANCE_APG : DIT_GUIDANCE_CFG;
    lt_status status = tok_decode(r->semantics, codes, segment, r->features, err);
    free(codes);
    if (status == LT_OK)
        status = dit_control_latent(r->network, r->features, segment, r->control, err);
    return status == LT_OK ? dit_refine(r->network, &q, r->latents, err) : status;
}

static lt_status probe_refine(take_probe *p, render_probe *r, lt_error *err)
{
    const cfg_model *cfg = &p->engine->cfg;
    LT_TRY(open_weights(p, TAKE_NET_TOKENIZER, &r->file[0], err));
    LT_TRY(tok_open(r->file[0], &cfg->tokenizer, p->device, TOK_DECODER, &r->semantics, err));
    LT_TRY(open_weights(p, TAKE_NET_MMDIT, &r->file[1], err));
    LT_TRY(dit_model_open(r->file[1], &cfg->mmdit, p->device, &r->network, err));
    return refine_once(p, r, err);
}

static lt_status open_vae(take_probe *p, unsigned does, render_probe *r, lt_error *err)
{
    const cfg_model *cfg = &p->engine->cfg;
    const unsigned what = take_vae_parts(&p->way, p->spec->carry, does & TAKE_DOES_GO_ON);
    if (r->vae)
        return LT_OK;
    LT_TRY(open_weights(p, TAKE_NET_VAE, &r->file[2], err));
    LT_TRY(vae_open(r->file[2], &cfg->temporal_vae, p->device, what, &r->vae, err));
    return vae_decoder_open(r->vae, cfg->mmdit.latent_height, cfg->mmdit.latent_width, &r->decoder,
                            err);
}

/* The frames that a window begins with. */
static lt_status encode_once(const take_probe *p, render_probe *r, lt_error *err)
{
    return vae_encode_rgb8(r->vae, r->frames, take_frames_of_latents(p->spec->time.overlap),
                           p->spec->height, p->spec->width, r->latents, err);
}

static lt_status probe_decode(take_probe *p, unsigned does, render_probe *r, lt_error *err)
{
    const take_timeline *t = &p->spec->time;
    const bool alone = p->spec->carry == CFG_CARRY_FRAMES;
    LT_TRY(open_vae(p, does, r, err));
    LT_TRY(vae_decode(r->decoder, r->latents, t->window, r->frames, NULL, err));
    if (!alone && t->windows > 1)
        LT_TRY(vae_decode(r->decoder, r->latents, t->window - t->overlap, r->frames, NULL, err));
    if (alone && t->windows > 1)
        LT_TRY(encode_once(p, r, err));
    if (!alone && does & TAKE_DOES_KEEP && (t->windows > 1 || does & TAKE_DOES_LEAVE))
        r->host += vae_decoder_state_bytes(r->decoder);
    return LT_OK;
}

/* The networks that are open have run: what they needed. */
static void note_render(take_probe *p, const render_probe *r)
{
    size_t files = 0;
    for (int i = 0; i < 3; i++)
        files += r->file[i] ? bytes_of(p, r->file[i]) : 0;
    note_stage(p, files, r->host);
}

/* What refining has run through may be taken at any moment of decoding; the window that is decoded
 * has latents of its own, and the second queue libraries and workspaces. */
static void count_beside(take_probe *p, render_probe *r)
{
    p->refine_passes = p->device->memory_peak - p->device->memory_in_use + device_running_bytes;
    r->host +=
        (size_t)(p->spec->time.window * take_latent_values(&p->engine->cfg.mmdit)) * sizeof(float);
    begin_stage(p);
}

/* A stage of its own, before the other networks are opened. */
static lt_status probe_reference(take_probe *p, unsigned does, render_probe *r, lt_error *err)
{
    LT_TRY(open_vae(p, does, r, err));
    LT_TRY(encode_once(p, r, err));
    note_render(p, r);
    if (p->way.networks == TAKE_NETWORKS_IN_TURNS)
        close_networks(r);
    begin_stage(p);
    return LT_OK;
}

lt_status take_probe_render(take_probe *p, unsigned does, lt_error *err)
{
    render_probe r = {0};
    begin_stage(p);
    /* which refines what it decoded */
    const bool decodes = does & TAKE_DOES_DECODE || p->spec->carry == CFG_CARRY_FRAMES;
    lt_status s = allocate_render(p, &r, err);
    if (s == LT_OK && does & TAKE_DOES_GO_ON)
        s = probe_reference(p, does, &r, err);
    if (s == LT_OK && does & TAKE_DOES_REFINE)
        s = probe_refine(p, &r, err);
    r.host += decodes ? window_frames_bytes(p) : 0;
    if (s == LT_OK && p->way.networks == TAKE_NETWORKS_AT_ONCE)
        count_beside(p, &r);
    if (s == LT_OK && p->way.networks == TAKE_NETWORKS_IN_TURNS) {
        note_render(p, &r);
        close_networks(&r);
        begin_stage(p);
    }
    if (s == LT_OK && decodes)
        s = probe_decode(p, does, &r, err);
    if (s == LT_OK)
        note_render(p, &r);
    close_render(&r);
    return s;
}

/* ---- video ---- */

lt_status take_probe_video(take_probe *p, const media_spec *video, lt_error *err)
{
    const size_t before = resident_bytes();
    uint8_t *frame = calloc((size_t)video->width * (size_t)video->height, 3);
    media_encoder *e = NULL;
    lt_status status = frame ? media_encoder_open(video, &e, err)
                             : lt_fail(err, LT_ERR_RESOURCES, "plan: out of memory");
    const int64_t frames = take_window_at(&p->spec->time, 0).delivered;
    for (int64_t i = 0; i < frames && status == LT_OK; i++)
        status = media_encoder_add(e, frame, err);
    const size_t after = resident_bytes();
    p->encoder = VIDEO_BYTES + (after > before ? after - before : 0);
    media_encoder_close(e);
    free(frame);
    return status;
}

take_memory_needs take_probe_needs(const take_probe *p)
{
    const size_t stage = p->worst_stage + p->encoder > p->largest_file ? p->worst_stage + p->encoder
                                                                       : p->largest_file;
    return (take_memory_needs){.host = (int64_t)(p->base + stage + RUNNING_BYTES),
                               .device =
                                   p->apart ? (int64_t)(p->worst_device + device_running_bytes) : 0,
                               .pinned = (int64_t)p->worst_pinned};
}
