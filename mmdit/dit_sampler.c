/* dit_sampler.c - see dit_sampler.h.
 *
 * The whole run is one pass: everything that stays the same in all steps is computed at its start, then the steps follow
 * without the host. Latents are channels-last on the device.
 */
#include "mmdit/dit_sampler.h"

#include <math.h>
#include <stdlib.h>

#include "mmdit/sde_solver.h"
#include "mmdit/time_embedding.h"

/* What the pass needs; host memory only. */
typedef struct {
    const dit_network *network;
    const dit_request *request;
    dit_schedule schedule;
    double scale[CFG_MAX_STEPS];
    bool guided;       /* some step has a scale other than 1 */
    float *sinusoids;  /* [steps, width] */
    float *preview;    /* [T, C, H, W], or NULL */
    float *projection; /* [2, T, H, W, C] for projected guidance, or NULL */
    float *latent;     /* [T, C, H, W], the result */
} sampler_run;

void dit_request_init(dit_request *r)
{
    *r =
        (dit_request){.seed = 42, .scale = 6.0, .scale_kind = DIT_SCALE_OFFICIAL, .carry = CFG_CARRY_LATENTS};
}

/* ---- the release's order of draws ---- */

static bool renoises(const dit_request *r)
{
    return r->known_frames > 0 && r->carry == CFG_CARRY_RENOISE;
}

/* Each step draws for the known frames (if they are re-noised), then once for nothing (not in step 0), then its noise;
 * the last step draws no noise. Draw 0 is the initial latent. */
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

/* ---- in and out ---- */

/* [T, C, H, W] on the host -> [T, H, W, C] of `dtype` on the device. */
static lt_tensor latent_from_host(lt_ops *o, const dit_network *n, const float *host, int frames,
                                  lt_dtype dtype)
{
    static const int order[] = {0, 2, 3, 1};
    const cfg_mmdit *cfg = &n->cfg;
    const lt_tensor x = lt_from_host(
        o, host, LT_F32, lt_shape4(frames, cfg->latent_channels, cfg->latent_height, cfg->latent_width));
    return lt_cast(o, lt_permute(x, order), dtype);
}

static void latent_to_host(lt_ops *o, float *host, lt_tensor latent)
{
    static const int order[] = {0, 3, 1, 2};
    const lt_mark mark = lt_ops_mark(o);
    lt_download(o, host, lt_cast(o, lt_permute(latent, order), LT_F32));
    lt_ops_rewind(o, mark);
}

/* out [frames, H, W, C] = fresh normals: draw `official` of the given ones, or those of (seed, window, stage, step). */
static void draw_into(lt_ops *o, const sampler_run *run, lt_tensor out, int official, lt_draw_stage stage,
                      int step)
{
    const dit_request *r = run->request;
    if (r->draws) {
        const lt_mark mark = lt_ops_mark(o);
        lt_copy_into(o, out, latent_from_host(o, run->network, r->draws[official], (int)out.dim[0], LT_F32));
        lt_ops_rewind(o, mark);
        return;
    }
    const lt_draw draw = {.seed = r->seed, .stage = stage, .window = r->window, .step = (uint32_t)step};
    lt_normal_into(o, out, draw, 0);
}

/* ---- one step ---- */

/* What stays the same in all steps. */
typedef struct {
    lt_tensor control; /* [T, H, W, C] */
    lt_tensor known;   /* f32 [known_frames, H, W, C], or none */
    dit_text cond;
    dit_text uncond; /* where some step is guided */
    dit_times times;
} window_inputs;

/* The known frames of x at the start of step i: as they are, or at the level of the step. */
static void set_known(lt_ops *o, const sampler_run *run, const window_inputs *in, lt_tensor x, int i)
{
    if (lt_is_none(&in->known))
        return;
    const lt_tensor place = lt_slice(x, 0, 0, in->known.dim[0]);
    if (!renoises(run->request)) {
        lt_copy_into(o, place, in->known);
        return;
    }
    const float a = run->schedule.step[i].a;
    draw_into(o, run, place, known_draw(i), LT_DRAW_RENOISE, i);
    lt_axpby_into(o, place, a, in->known, sqrtf(1.0f - a * a), place);
}

/* out = the clean latent that the network sees in x, pulled towards the text. */
static void predict(lt_ops *o, const sampler_run *run, const window_inputs *in, lt_tensor out, lt_tensor x,
                    int i)
{
    const dit_step *step = &run->schedule.step[i];
    const double w = run->scale[i];
    const lt_mark mark = lt_ops_mark(o);
    const lt_tensor cond = dit_denoise(o, run->network, x, in->control, &in->cond, &in->times, i);
    if (w == 1.0) { /* the unconditional pass would change nothing */
        dit_denoised_into(o, step, out, x, cond);
    } else {
        dit_denoised_into(o, step, cond, x, cond);
        const lt_tensor uncond = dit_denoise(o, run->network, x, in->control, &in->uncond, &in->times, i);
        dit_denoised_into(o, step, uncond, x, uncond);
        if (run->projection)
            dit_guide_apg(o, w, out, cond, uncond, run->request->known_frames, run->projection);
        else
            dit_guide_cfg(o, w, out, cond, uncond);
    }
    lt_ops_rewind(o, mark);
}

/* Tells the caller, who may cancel. Waits for the device, so that the step is really done. */
static void report(lt_ops *o, const sampler_run *run, int i, lt_tensor denoised)
{
    const dit_request *r = run->request;
    if (!r->progress)
        return;
    const bool preview = run->preview && (i + 1) % r->preview_every == 0;
    if (preview)
        latent_to_host(o, run->preview, denoised);
    if (o->measuring || lt_ops_status(o) != LT_OK || o->backend->table->wait(o->backend, &o->error) != LT_OK)
        return;
    if (r->progress(r->user, i + 1, run->schedule.steps, preview ? run->preview : NULL) != 0)
        lt_ops_fail(o, LT_ERR_CANCELLED, "refinement cancelled after step %d of %d", i + 1,
                    run->schedule.steps);
}

static window_inputs take_inputs(lt_ops *o, const sampler_run *run)
{
    const dit_request *r = run->request;
    const dit_network *n = run->network;
    window_inputs in = {.known = lt_none()};
    in.control = latent_from_host(o, n, r->control, r->frames, o->dtype);
    if (r->known_frames > 0)
        in.known = latent_from_host(o, n, r->known, r->known_frames, LT_F32);
    const lt_tensor text = lt_from_host(o, r->text, LT_F32, lt_shape2(n->cfg.text_length, n->cfg.text_width));
    in.cond = dit_project_text(o, n, lt_cast(o, text, o->dtype));
    if (run->guided)
        in.uncond = dit_project_text(o, n, lt_none());
    in.times = dit_embed_times(
        o, n, lt_from_host(o, run->sinusoids, LT_F32, lt_shape2(run->schedule.steps, n->cfg.width)));
    return in;
}

static lt_status sample_pass(lt_ops *o, void *user)
{
    const sampler_run *run = user;
    const cfg_mmdit *cfg = &run->network->cfg;
    const int steps = run->schedule.steps;
    const window_inputs in = take_inputs(o, run);
    const lt_shape shape =
        lt_shape4(run->request->frames, cfg->latent_height, cfg->latent_width, cfg->latent_channels);
    const lt_tensor x = lt_new(o, LT_F32, shape); /* [T, H, W, C] */
    const lt_tensor noise = lt_new(o, LT_F32, shape);
    lt_tensor denoised = lt_new(o, LT_F32, shape);
    lt_tensor spare = lt_new(o, LT_F32, shape);
    lt_tensor previous = lt_none();

    draw_into(o, run, x, 0, LT_DRAW_REFINE, 0);
    for (int i = 0; i < steps; i++) {
        const bool last = i + 1 == steps;
        set_known(o, run, &in, x, i);
        predict(o, run, &in, denoised, x, i);
        report(o, run, i, denoised);
        if (last) {
            lt_copy_into(o, x, denoised);
            break;
        }
        draw_into(o, run, noise, noise_draw(renoises(run->request), i), LT_DRAW_REFINE, i + 1);
        dit_solver_step(o, &run->schedule.step[i], x, denoised, previous, noise);
        const lt_tensor older = i == 0 ? spare : previous;
        previous = denoised;
        denoised = older;
    }
    if (!lt_is_none(&in.known)) /* clean in the result, re-noised or not */
        lt_copy_into(o, lt_slice(x, 0, 0, in.known.dim[0]), in.known);
    latent_to_host(o, run->latent, x);
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
        return lt_fail(err, LT_ERR_INPUT, "%d noise draws given, expected %d for %d steps", r->draw_count,
                       draws, steps);
    return LT_OK;
}

static void close_run(sampler_run *run)
{
    free(run->sinusoids);
    free(run->preview);
    free(run->projection);
    free(run);
}

static lt_status open_run(const dit_network *n, const dit_request *r, float *latent, sampler_run *run,
                          lt_error *err)
{
    const cfg_mmdit *cfg = &n->cfg;
    run->network = n;
    run->request = r;
    run->latent = latent;
    LT_TRY(dit_schedule_make(cfg, r->steps, &run->schedule, err));
    const int steps = run->schedule.steps;
    LT_TRY(check_request(cfg, r, steps, err));
    for (int i = 0; i < steps; i++) {
        run->scale[i] = dit_guidance_scale(r->scale_kind, r->scale, i, steps, run->schedule.step[i].timestep);
        run->guided = run->guided || run->scale[i] != 1.0;
    }
    const size_t values = (size_t)r->frames * (size_t)cfg->latent_channels * (size_t)cfg->latent_height *
                          (size_t)cfg->latent_width;
    const bool previews = r->progress && r->preview_every > 0;
    const bool projects = run->guided && r->guidance == DIT_GUIDANCE_APG;
    run->sinusoids = malloc((size_t)steps * (size_t)cfg->width * sizeof(float));
    run->preview = previews ? malloc(values * sizeof(float)) : NULL;
    run->projection = projects ? malloc(2 * values * sizeof(float)) : NULL;
    if (!run->sinusoids || (previews && !run->preview) || (projects && !run->projection))
        return lt_fail(err, LT_ERR_RESOURCES, "refinement: no memory for a window of %d latents", r->frames);
    for (int i = 0; i < steps; i++)
        dit_time_sinusoid((float)run->schedule.step[i].timestep, cfg->width,
                          run->sinusoids + (size_t)i * (size_t)cfg->width);
    return LT_OK;
}

lt_status dit_sample(lt_ops *o, const dit_network *n, const dit_request *r, float *latent, lt_error *err)
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
