/* dit_sampler.c - see dit_sampler.h.
 *
 * The whole run is one pass: everything that stays the same in all steps is computed at its start,
 * then the steps follow without the host. Latents are channels-last on the device. Known frames are
 * only looked at: noise, clean latents and updates are those of the unknown frames alone.
 */
#include "mmdit/dit_sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mmdit/sde_solver.h"
#include "mmdit/time_embedding.h"

/* What the pass needs; host memory only. */
typedef struct {
    const dit_network *network;
    const dit_request *request;
    dit_schedule schedule;
    double scale[CFG_MAX_STEPS];
    dit_step_plan plan[CFG_MAX_STEPS];
    bool guided;       /* some step looks at the unconditional pass */
    float *sinusoids;  /* [steps, width] */
    float *preview;    /* [T, C, H, W], or NULL */
    float *projection; /* [2, T, H, W, C] for projected guidance, or NULL */
    float *latent;     /* [T, C, H, W], the result */
} sampler_run;

void dit_request_init(dit_request *r)
{
    *r = (dit_request){
        .seed = 42, .scale = 6.0, .scale_kind = DIT_SCALE_OFFICIAL, .carry = CFG_CARRY_LATENTS};
}

/* ---- the release's order of draws ---- */

static bool renoises(const dit_request *r)
{
    return r->known_frames > 0 && r->carry == CFG_CARRY_RENOISE;
}

/* Each step draws for the known frames (if they are re-noised), then once for nothing (not in step
 * 0), then its noise; the last step draws no noise. Draw 0 is the initial latent. */
static int known_draw(int step)
{
    return step == 0 ? 1 : 3 * step;
}

static int noise_draw(bool renoise, int step)
{
    if (step == 0)
        return renoise ? 2 : 1;
    return renoise ? 3 * step + 2 : 2 * step + 1;
}

int dit_official_draws(int steps, cfg_carry carry, int known_frames)
{
    if (known_frames > 0 && carry == CFG_CARRY_RENOISE)
        return known_draw(steps - 1) + 1;
    return steps == 1 ? 1 : noise_draw(false, steps - 2) + 1;
}

int dit_official_draw_frames(const dit_request *r, int k)
{
    const bool known = renoises(r) && k > 0 && (k == 1 || k % 3 == 0);
    return known ? r->known_frames : r->frames;
}

/* [T, C, H, W] on the host -> [T, H, W, C] of `dtype` on the device. */
static lt_tensor latent_from_host(lt_ops *o, const dit_network *n, const float *host, int frames,
                                  lt_dtype dtype)
{
    static const int order[] = {0, 2, 3, 1};
    const cfg_mmdit *cfg = &n->cfg;
    const lt_tensor x = lt_from_host(
        o, host, LT_F32,
        lt_shape4(frames, cfg->latent_channels, cfg->latent_height, cfg->latent_width));
    return lt_cast(o, lt_permute(x, order), dtype);
}

/* ---- noise ---- */

/* out [unknown frames, H, W, C] = noise for the step: the initial one is step 0, that of step i is
 * i + 1. An element's normal depends on its place in the window, known frames included. */
static void draw_noise(lt_ops *o, const sampler_run *run, lt_tensor out, int official, int step)
{
    const dit_request *r = run->request;
    if (r->draws) {
        const lt_mark mark = lt_ops_mark(o);
        const lt_tensor drawn =
            latent_from_host(o, run->network, r->draws[official], r->frames, LT_F32);
        lt_copy_into(o, out, lt_slice(drawn, 0, r->known_frames, out.dim[0]));
        lt_ops_rewind(o, mark);
        return;
    }
    const lt_draw draw = {
        .seed = r->seed, .stage = LT_DRAW_REFINE, .window = r->window, .step = (uint32_t)step};
    const int64_t frame_size = lt_numel(&out) / out.dim[0];
    lt_normal_into(o, out, draw, (uint64_t)(r->known_frames * frame_size));
}

/* out [known frames, H, W, C] = the known frames at level `a`, with
 * noise of their own in each step. */
static void renoise(lt_ops *o, const sampler_run *run, lt_tensor out, lt_tensor known, float a,
                    int step)
{
    const dit_request *r = run->request;
    const lt_mark mark = lt_ops_mark(o);
    if (r->draws) {
        lt_copy_into(
            o, out,
            latent_from_host(o, run->network, r->draws[known_draw(step)], r->known_frames, LT_F32));
    } else {
        const lt_draw draw = {
            .seed = r->seed, .stage = LT_DRAW_RENOISE, .window = r->window, .step = (uint32_t)step};
        lt_normal_into(o, out, draw, 0);
    }
    lt_axpby_into(o, out, a, known, sqrtf(1.0f - a * a), out);
    lt_ops_rewind(o, mark);
}

/* ---- one step ---- */

/* What stays the same in all steps: the window as seen with the text and, where some step is
 * guided, without. */
typedef struct {
    dit_view cond;
    dit_view uncond;
    lt_tensor known;      /* f32 [known_frames, H, W, C], or none */
    lt_tensor difference; /* f32 [unknown frames, H, W, C], that the text made in the last step that
                             computed it; or none */
} window_inputs;

/* A view in one step of the plan. */
static dit_view in_step(dit_view view, const dit_step_plan *plan)
{
    if (lt_is_none(&view.signals))
        return view;
    view.signals_are = plan->reuses  ? DIT_SIGNALS_REUSE
                       : plan->keeps ? DIT_SIGNALS_KEEP
                                     : DIT_SIGNALS_COMPUTE;
    return view;
}

/* out = cond + (w - 1) times the difference that the text made before. */
static void guide_as_before(lt_ops *o, double w, lt_tensor out, lt_tensor cond,
                            lt_tensor difference)
{
    lt_axpby_into(o, out, 1.0f, cond, (float)(w - 1.0), difference);
}

/* out = the clean unknown frames that the networks see in x [T, H, W,
 * C], pulled towards the text. */
static void predict(lt_ops *o, const sampler_run *run, const window_inputs *in, lt_tensor out,
                    lt_tensor x, int i)
{
    const dit_step *step = &run->schedule.step[i];
    const double w = run->scale[i];
    const lt_tensor unknown = lt_slice(x, 0, x.dim[0] - out.dim[0], out.dim[0]);
    const lt_mark mark = lt_ops_mark(o);
    const dit_step_plan *plan = &run->plan[i];
    const dit_view with_text = in_step(in->cond, plan);
    const lt_tensor cond = dit_denoise(o, run->network, &with_text, x, i);
    if (plan->guide == DIT_GUIDE_OFF) { /* the unconditional pass would change nothing */
        dit_denoised_into(o, step, out, unknown, cond);
    } else if (plan->guide == DIT_GUIDE_KEPT) {
        dit_denoised_into(o, step, cond, unknown, cond);
        guide_as_before(o, w, out, cond, in->difference);
    } else {
        dit_denoised_into(o, step, cond, unknown, cond);
        const dit_view without = in_step(in->uncond, plan);
        const lt_tensor uncond = dit_denoise(o, run->network, &without, x, i);
        dit_denoised_into(o, step, uncond, unknown, uncond);
        if (run->projection)
            dit_guide_apg(o, w, out, cond, uncond, run->projection);
        else
            dit_guide_cfg(o, w, out, cond, uncond);
        if (!lt_is_none(&in->difference))
            lt_axpby_into(o, in->difference, 1.0f, cond, -1.0f, uncond);
    }
    lt_ops_rewind(o, mark);
}

/* Fills the unknown frames of a host latent; the known ones are there from the start. */
static void fetch_unknown(lt_ops *o, const sampler_run *run, float *host, lt_tensor unknown)
{
    static const int order[] = {0, 3, 1, 2};
    const int64_t frame_size = lt_numel(&unknown) / unknown.dim[0];
    const lt_mark mark = lt_ops_mark(o);
    lt_download(o, host + run->request->known_frames * frame_size,
                lt_cast(o, lt_permute(unknown, order), LT_F32));
    lt_ops_rewind(o, mark);
}

/* Tells the caller, who may cancel. Waits for the device, so that the step is really done. */
static void report(lt_ops *o, const sampler_run *run, int i, lt_tensor denoised)
{
    const dit_request *r = run->request;
    if (!r->progress)
        return;
    const bool preview = run->preview && (run->schedule.steps - (i + 1)) % r->preview_every == 0;
    if (preview)
        fetch_unknown(o, run, run->preview, denoised);
    if (o->measuring || lt_ops_status(o) != LT_OK ||
        o->backend->table->wait(o->backend, &o->error) != LT_OK)
        return;
    if (r->progress(r->user, i + 1, run->schedule.steps, preview ? run->preview : NULL) != 0)
        lt_ops_fail(o, LT_ERR_CANCELLED, "refinement cancelled after step %d of %d", i + 1,
                    run->schedule.steps);
}

/* The known latents as the networks see them. */
static lt_tensor known_latents(lt_ops *o, const dit_network *n, const dit_request *r)
{
    const lt_tensor known = latent_from_host(o, n, r->known, r->known_frames, LT_F32);
    if (r->anchor != 0)
        lt_axpby_into(o, known, (float)(1 - r->anchor), known, (float)r->anchor,
                      latent_from_host(o, n, r->control, r->known_frames, LT_F32));
    return known;
}

static window_inputs take_inputs(lt_ops *o, const sampler_run *run)
{
    const dit_request *r = run->request;
    const dit_network *n = run->network;
    const lt_shape text_shape = lt_shape2(n->cfg.text_length, n->cfg.text_width);
    const lt_shape sinusoid_shape = lt_shape2(run->schedule.steps, n->cfg.width);
    window_inputs in = {.known = lt_none(), .difference = lt_none()};
    if (r->known_frames > 0)
        in.known = known_latents(o, n, r);
    in.cond.known_frames = r->known_frames;
    in.cond.control = latent_from_host(o, n, r->control, r->frames, o->dtype);
    in.cond.times = dit_embed_times(o, n, lt_from_host(o, run->sinusoids, LT_F32, sinusoid_shape));
    in.cond.text =
        dit_project_text(o, n, lt_cast(o, lt_from_host(o, r->text, LT_F32, text_shape), o->dtype));
    in.cond.signals = lt_none();
    in.uncond = in.cond;
    if (run->guided)
        in.uncond.text = dit_project_text(o, n, lt_none());
    return in;
}

/* Room for what steps take over from the step before them, where any does. */
static void open_reuse(lt_ops *o, const sampler_run *run, window_inputs *in, lt_tensor x,
                       lt_shape unknown)
{
    bool reuses = false;
    bool kept = false;
    for (int i = 0; i < run->schedule.steps; i++) {
        reuses = reuses || run->plan[i].reuses;
        kept = kept || run->plan[i].guide == DIT_GUIDE_KEPT;
    }
    if (reuses)
        in->cond.signals = dit_signals_new(o, run->network, &in->cond, x);
    if (reuses && run->guided)
        in->uncond.signals = dit_signals_new(o, run->network, &in->uncond, x);
    if (kept)
        in->difference = lt_new(o, LT_F32, unknown);
}

static lt_status sample_pass(lt_ops *o, void *user)
{
    const sampler_run *run = user;
    const dit_request *r = run->request;
    const cfg_mmdit *cfg = &run->network->cfg;
    const int steps = run->schedule.steps;
    window_inputs in = take_inputs(o, run);
    const lt_shape window =
        lt_shape4(r->frames, cfg->latent_height, cfg->latent_width, cfg->latent_channels);
    lt_shape part = window;
    part.dim[0] = r->frames - r->known_frames;
    const lt_tensor x = lt_new(o, LT_F32, window);
    const lt_tensor known = lt_slice(x, 0, 0, r->known_frames);
    const lt_tensor unknown = lt_slice(x, 0, r->known_frames, part.dim[0]);
    const lt_tensor noise = lt_new(o, LT_F32, part);
    lt_tensor denoised = lt_new(o, LT_F32, part);
    lt_tensor spare = lt_new(o, LT_F32, part);
    lt_tensor previous = lt_none();
    open_reuse(o, run, &in, x, part);

    draw_noise(o, run, unknown, 0, 0);
    if (r->known_frames > 0)
        lt_copy_into(o, known, in.known);
    for (int i = 0; i < steps; i++) {
        if (renoises(r))
            renoise(o, run, known, in.known, run->schedule.step[i].a, i);
        predict(o, run, &in, denoised, x, i);
        report(o, run, i, denoised);
        if (i + 1 == steps)
            break;
        if (run->schedule.step[i].noise != 0.0f)
            draw_noise(o, run, noise, noise_draw(renoises(r), i), i + 1);
        dit_solver_step(o, &run->schedule.step[i], unknown, denoised, previous, noise);
        const lt_tensor older = i == 0 ? spare : previous;
        previous = denoised;
        denoised = older;
    }
    /* the last step takes the clean latent as it is */
    fetch_unknown(o, run, run->latent, denoised);
    return lt_ops_status(o);
}

/* ---- a run ---- */

static lt_status check_request(const cfg_mmdit *cfg, const dit_request *r, int steps, lt_error *err)
{
    if (r->frames < 1 || r->frames > cfg->latent_frames)
        return lt_fail(err, LT_ERR_USAGE, "window of %d latents, expected 1 .. %d", r->frames,
                       cfg->latent_frames);
    if (r->known_frames < 0 || r->known_frames >= r->frames)
        return lt_fail(err, LT_ERR_USAGE, "%d known latents in a window of %d, expected 0 .. %d",
                       r->known_frames, r->frames, r->frames - 1);
    const int draws = dit_official_draws(steps, r->carry, r->known_frames);
    if (r->draws && r->draw_count < draws)
        return lt_fail(err, LT_ERR_INPUT, "%d noise draws given, expected %d for %d steps",
                       r->draw_count, draws, steps);
    return LT_OK;
}

static void close_run(sampler_run *run)
{
    free(run->sinusoids);
    free(run->preview);
    free(run->projection);
    free(run);
}

static lt_status open_run(const dit_network *n, const dit_request *r, float *latent,
                          sampler_run *run, lt_error *err)
{
    const cfg_mmdit *cfg = &n->cfg;
    run->network = n;
    run->request = r;
    run->latent = latent;
    LT_TRY(dit_speed_schedule(r->speed, cfg, r->steps, &run->schedule, err));
    const int steps = run->schedule.steps;
    LT_TRY(check_request(cfg, r, steps, err));
    for (int i = 0; i < steps; i++) {
        run->scale[i] =
            dit_guidance_scale(r->scale_kind, r->scale, i, steps, run->schedule.step[i].timestep);
    }
    dit_speed_plan(r->speed, &run->schedule, run->scale, r->guidance, run->plan);
    for (int i = 0; i < steps; i++)
        run->guided = run->guided || run->plan[i].guide == DIT_GUIDE_NOW;
    const size_t values = (size_t)r->frames * (size_t)cfg->latent_channels *
                          (size_t)cfg->latent_height * (size_t)cfg->latent_width;
    const bool previews = r->progress && r->preview_every > 0;
    const bool projects = run->guided && r->guidance == DIT_GUIDANCE_APG;
    run->sinusoids = malloc((size_t)steps * (size_t)cfg->width * sizeof(float));
    run->preview = previews ? malloc(values * sizeof(float)) : NULL;
    run->projection = projects ? malloc(2 * values * sizeof(float)) : NULL;
    if (!run->sinusoids || (previews && !run->preview) || (projects && !run->projection))
        return lt_fail(err, LT_ERR_RESOURCES, "refinement: no memory for a window of %d latents",
                       r->frames);
    const size_t known_bytes = values / (size_t)r->frames * (size_t)r->known_frames * sizeof(float);
    if (known_bytes > 0) {
        memcpy(latent, r->known, known_bytes); /* clean in the result, re-noised or not */
        if (previews)
            memcpy(run->preview, r->known, known_bytes);
    }
    for (int i = 0; i < steps; i++)
        dit_time_sinusoid((float)run->schedule.step[i].timestep, cfg->width,
                          run->sinusoids + (size_t)i * (size_t)cfg->width);
    return LT_OK;
}

lt_status dit_sample(lt_ops *o, const dit_network *n, const dit_request *r, float *latent,
                     lt_error *err)
{
    sampler_run *run = calloc(1, sizeof *run);
    if (!run)
        return lt_fail(err, LT_ERR_RESOURCES, "refinement: no memory");
    lt_status s = open_run(n, r, latent, run, err);
    if (s == LT_OK)
        s = lt_ops_run(o, sample_pass, run, err);
    close_run(run);
    return s;
}
