/* commands.c - the requests of longtake.h: check everything, then run the stages that the command needs. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/recipe.h"
#include "pipeline/shot_times.h"
#include "pipeline/speed_file.h"
#include "pipeline/take_encode.h"
#include "pipeline/take_memory.h"
#include "pipeline/take_reference.h"
#include "pipeline/take_report.h"
#include "pipeline/take_stream.h"
#include "pipeline/token_io.h"

void longtake_request_init(longtake_request *r)
{
    *r = (longtake_request){
        .settings = {.seed = LONGTAKE_SEED_UNSET, .seconds = -1, .frames = -1, .semantic_frames = -1, .fps = -1, .width = -1, .height = -1,
                     .scale = -1, .lm_cfg = -1, .temperature = -1, .top_k = -1, .top_p = -1, .motion = -1, .lm_context = -1,
                     .steps = -1, .cfg_scale = -1, .overlap = -1},
        .from_seconds = -1,
        .window_first = -1,
        .window_last = -1,
        .max_seam = -1};
}

/* What was finished is not lost: where it lies. */
static void add_way_on(const take_run *run, lt_error *err)
{
    if (!run->job || run->request->fresh || strstr(err->message, "\nhint: "))
        return;
    const size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, "\nhint: the same command goes on from %s%s%s",
             take_job_path(run->job), run->playable ? "; what is finished plays as " : "", run->playable ? run->playable : "");
}

/* How a command ends: result, seam limit, job folder, error. */
static longtake_status finish(take_run *run, lt_status s, const char *command, const take_seam *seam, longtake_result *result,
                              lt_error *err, longtake_error *error)
{
    if (s == LT_OK)
        s = take_fill_result(run, command, seam->worst_seam, seam->seam_window, result, err);
    if (s == LT_OK)
        take_clock_tell(&run->clock, LONGTAKE_EVENT_DONE, NULL);
    const bool made = s == LT_OK;
    if (made)
        take_speeds_write(run->engine, &run->spec, &run->clock);
    const double limit = run->request->max_seam;
    if (made && limit >= 0 && seam->worst_seam > limit)
        s = lt_fail(err, LT_ERR_LIMIT, "--max-seam: the border before window %lld has %.3f, allowed is %.3f",
                    (long long)seam->seam_window, seam->worst_seam, limit);
    if (s == LT_ERR_CANCELLED || s == LT_ERR_RESOURCES)
        add_way_on(run, err);
    const bool job_is_spent = made || strcmp(command, "decode") == 0; /* which never goes on from one */
    take_run_close(run, job_is_spent);
    return take_give_error(s, err, error);
}

static const take_seam no_seam = {0, -1};

/* The spec is there: does the take fit into the memory that is allowed? Then its job folder. */
static lt_status start_job(take_run *run, unsigned does, lt_error *err)
{
    const media_spec video = take_media_spec(&run->spec, TAKE_OUT_NONE);
    run->clock.windows = run->spec.time.windows;
    LT_TRY(take_memory_check(run->engine, &run->spec, does, &video, err));
    return take_run_open_job(run, run->request->output, err);
}

/* When each of several prompts takes effect. */
static void tell_shots(take_run *run)
{
    for (int i = 1; i < run->spec.shots; i++) {
        char line[TAKE_SHOT_LINE_BYTES];
        take_shot_line(&run->spec, i, line);
        take_note(run, "%s", line);
    }
}

/* Texts and plan of a take whose spec is there. */
static lt_status make_plan(take_run *run, take_reference *reference, lt_error *err)
{
    take_clock_tell(&run->clock, LONGTAKE_EVENT_START, NULL);
    tell_shots(run);
    if (run->reference)
        LT_TRY(take_reference_plan(reference, err));
    LT_TRY(take_text_prepare(run, TAKE_FOR_AR, err));
    return take_plan_make(run, err);
}

/* A picture counts as the take's first frame; a video is gone on from by the whole length that was asked for. */
static lt_status begin_with_image(take_run *run, take_reference *reference, lt_error *err)
{
    if (!run->request->image)
        return LT_OK;
    LT_TRY(take_reference_open(reference, run, run->request->image, -1, err));
    if (reference->frames != 1)
        return lt_fail(err, LT_ERR_USAGE, "--image: %s has %lld frames, expected a picture\nhint: continue goes on from a video",
                       reference->path, (long long)reference->frames);
    return take_reference_grid(reference, run->spec.time.frames - 1, err);
}

static lt_status begin_from_prompt(take_run *run, take_reference *reference, unsigned does, lt_error *err)
{
    const longtake_request *r = run->request;
    LT_TRY(take_spec_resolve(r, &run->engine->cfg, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &run->spec, err));
    LT_TRY(begin_with_image(run, reference, err));
    LT_TRY(start_job(run, does, err));
    return make_plan(run, reference, err);
}

longtake_status longtake_generate(longtake *e, const longtake_request *r, longtake_result *result, longtake_error *error)
{
    lt_error err = {0};
    take_run run;
    take_reference image = {0};
    take_output kind = TAKE_OUT_NONE;
    take_seam seam = no_seam;
    lt_status s = take_run_open(&run, e, r, &err);
    if (s == LT_OK)
        s = take_output_of(r, TAKE_WRITES_VIDEO, &kind, &err);
    if (s == LT_OK)
        s = begin_from_prompt(&run, &image, TAKE_DOES_TOKENS | TAKE_DOES_REFINE | TAKE_DOES_DECODE, &err);
    if (s == LT_OK)
        s = take_text_prepare(&run, TAKE_FOR_MMDIT, &err);
    if (s == LT_OK)
        s = take_stream_render(&run, kind, &seam, &err);
    const longtake_status code = finish(&run, s, "generate", &seam, result, &err, error);
    take_reference_close(&image);
    return code;
}

longtake_status longtake_make_tokens(longtake *e, const longtake_request *r, longtake_result *result, longtake_error *error)
{
    lt_error err = {0};
    take_run run;
    take_reference image = {0};
    take_output kind = TAKE_OUT_NONE;
    lt_status s = take_run_open(&run, e, r, &err);
    if (s == LT_OK)
        s = take_output_of(r, TAKE_WRITES_TOKENS, &kind, &err);
    if (s == LT_OK)
        s = begin_from_prompt(&run, &image, TAKE_DOES_TOKENS, &err);
    if (s == LT_OK)
        s = take_tokens_write(&run, kind, r->prompt, &err);
    const longtake_status code = finish(&run, s, "tokens", &no_seam, result, &err, error);
    take_reference_close(&image);
    return code;
}

/* Lays the asked length behind the reference, and opens the job. */
static lt_status begin_from_video(take_run *run, take_reference *reference, lt_error *err)
{
    const longtake_request *r = run->request;
    LT_TRY(take_spec_resolve(r, &run->engine->cfg, TAKE_NEEDS_PROMPT | TAKE_NEEDS_LENGTH, 0, &run->spec, err));
    LT_TRY(take_reference_open(reference, run, r->input, r->from_seconds, err));
    LT_TRY(take_reference_grid(reference, run->spec.time.frames, err));
    LT_TRY(start_job(run, TAKE_DOES_TOKENS | TAKE_DOES_REFINE | TAKE_DOES_DECODE, err));
    return make_plan(run, reference, err);
}

longtake_status longtake_continue(longtake *e, const longtake_request *r, longtake_result *result, longtake_error *error)
{
    lt_error err = {0};
    take_run run;
    take_reference reference = {0};
    take_output kind = TAKE_OUT_NONE;
    take_seam seam = no_seam;
    lt_status s = take_run_open(&run, e, r, &err);
    if (s == LT_OK)
        s = take_output_of(r, TAKE_WRITES_VIDEO, &kind, &err);
    if (s == LT_OK)
        s = begin_from_video(&run, &reference, &err);
    if (s == LT_OK)
        s = take_text_prepare(&run, TAKE_FOR_MMDIT, &err);
    if (s == LT_OK)
        s = take_stream_render(&run, kind, &seam, &err);
    const longtake_status code = finish(&run, s, "continue", &seam, result, &err, error);
    take_reference_close(&reference);
    return code;
}

longtake_status longtake_encode(longtake *e, const longtake_request *r, longtake_result *result, longtake_error *error)
{
    lt_error err = {0};
    take_run run;
    take_output kind = TAKE_OUT_NONE;
    tok_plan plan = {0};
    lt_status s = take_run_open(&run, e, r, &err);
    if (s == LT_OK)
        s = take_output_of(r, TAKE_WRITES_TOKENS, &kind, &err);
    if (s == LT_OK)
        s = take_spec_resolve(r, &e->cfg, 0, 0, &run.spec, &err);
    take_clock_tell(&run.clock, LONGTAKE_EVENT_START, NULL);
    if (s == LT_OK)
        s = take_encode_video(&run, r->input, 0, &plan, &err);
    if (s == LT_OK)
        s = take_plan_give(&run, &plan, &err);
    if (s == LT_OK) {
        const take_timeline *t = &run.spec.time;
        run.spec.time = take_timeline_of(plan.video_frames, t->window, t->overlap, t->segment);
        s = take_tokens_write(&run, kind, NULL, &err);
    }
    tok_plan_clear(&plan);
    return finish(&run, s, "encode", &no_seam, result, &err, error);
}

static lt_status read_seed(const char *text, const char *place, int64_t *seed, lt_error *err)
{
    const bool digits = text[0] != '\0' && text[strspn(text, "0123456789")] == '\0' && strlen(text) <= 10;
    *seed = digits ? strtoll(text, NULL, 10) : -1;
    if (*seed < 0 || *seed > (int64_t)UINT32_MAX)
        return lt_fail(err, LT_ERR_INPUT, "%s: metadata 'seed' is \"%s\", expected 0 to 4294967295", place, text);
    return LT_OK;
}

/* What refine and render begin with: the plan of a token file, and the prompt and seed that it notes where none were
 * given. */
static lt_status begin_from_tokens(take_run *run, longtake_request *r, take_writes writes, take_output *kind, tok_plan *plan,
                                   lt_error *err)
{
    longtake *e = run->engine;
    LT_TRY(take_output_of(r, writes, kind, err));
    LT_TRY(take_tokens_read(e, r->input, plan, err));
    if (!r->prompt && r->shot_count == 0)
        r->prompt = tok_plan_note(plan, "prompt");
    if (!r->prompt && r->shot_count == 0)
        return lt_fail(err, LT_ERR_USAGE, "--prompt: found none, and %s holds none", r->input);
    const char *seed = tok_plan_note(plan, "seed");
    if (r->settings.seed == LONGTAKE_SEED_UNSET && seed)
        LT_TRY(read_seed(seed, r->input, &r->settings.seed, err));
    LT_TRY(take_spec_resolve(r, &e->cfg, TAKE_NEEDS_PROMPT, plan->video_frames, &run->spec, err));
    LT_TRY(start_job(run, TAKE_DOES_REFINE | (writes == TAKE_WRITES_VIDEO ? (unsigned)TAKE_DOES_DECODE : 0U), err));
    take_clock_tell(&run->clock, LONGTAKE_EVENT_START, NULL);
    LT_TRY(take_plan_give(run, plan, err));
    return take_text_prepare(run, TAKE_FOR_MMDIT, err);
}

longtake_status longtake_refine(longtake *e, const longtake_request *request, longtake_result *result, longtake_error *error)
{
    lt_error err = {0};
    take_run run;
    longtake_request r = *request;
    take_output kind = TAKE_OUT_NONE;
    tok_plan plan = {0};
    lt_status s = take_run_open(&run, e, &r, &err);
    if (s == LT_OK)
        s = begin_from_tokens(&run, &r, TAKE_WRITES_LATENTS, &kind, &plan, &err);
    if (s == LT_OK)
        s = take_stream_refine(&run, &err);
    const longtake_status code = finish(&run, s, "refine", &no_seam, result, &err, error);
    tok_plan_clear(&plan);
    return code;
}

longtake_status longtake_render(longtake *e, const longtake_request *request, longtake_result *result, longtake_error *error)
{
    lt_error err = {0};
    take_run run;
    longtake_request r = *request;
    take_output kind = TAKE_OUT_NONE;
    tok_plan plan = {0};
    take_seam seam = no_seam;
    lt_status s = take_run_open(&run, e, &r, &err);
    if (s == LT_OK)
        s = begin_from_tokens(&run, &r, TAKE_WRITES_VIDEO, &kind, &plan, &err);
    if (s == LT_OK)
        s = take_stream_render(&run, kind, &seam, &err);
    const longtake_status code = finish(&run, s, "render", &seam, result, &err, error);
    tok_plan_clear(&plan);
    return code;
}

/* The spec that a latents file was made by; only fps and scale may be asked for anew. */
static lt_status spec_of_latents(take_run *run, take_latents_reader *latents, longtake_request *r, take_recipe *recipe,
                                 lt_error *err)
{
    const cfg_model *cfg = &run->engine->cfg;
    const lt_json *about = take_latents_about(latents);
    LT_TRY(take_recipe_apply(about, r->input, r, recipe, err));
    lt_error fault = {0};
    const lt_status s = take_spec_resolve(r, cfg, TAKE_NEEDS_PROMPT, 0, &run->spec, &fault);
    if (s != LT_OK) /* what is no setting here is a fault of the file */
        return lt_fail(err, s == LT_ERR_USAGE ? LT_ERR_INPUT : s, "%s: metadata: %s", r->input, fault.message);
    run->given_about = lt_json_text(about);
    if (!run->given_about)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", r->input);
    const take_latents_shape found = take_latents_shape_of(latents);
    const take_latents_shape want = take_latents_shape_of_run(run);
    if (found.latents != want.latents || found.channels != want.channels || found.height != want.height ||
        found.width != want.width)
        return lt_fail(err, LT_ERR_INPUT, "%s: latents [%lld, %d, %d, %d], this model and its metadata expect [%lld, %d, %d, %d]",
                       r->input, (long long)found.latents, found.channels, found.height, found.width, (long long)want.latents,
                       want.channels, want.height, want.width);
    return LT_OK;
}

longtake_status longtake_decode(longtake *e, const longtake_request *request, longtake_result *result, longtake_error *error)
{
    lt_error err = {0};
    take_run run;
    longtake_request r = *request;
    take_output kind = TAKE_OUT_NONE;
    take_latents_reader *latents = NULL;
    take_recipe recipe = {0};
    take_seam seam = no_seam;
    r.fresh = 1; /* decoding alone is quick, and what a latents file holds has no key to know it by */
    lt_status s = take_run_open(&run, e, &r, &err);
    if (s == LT_OK)
        s = take_output_of(&r, TAKE_WRITES_VIDEO, &kind, &err);
    if (s == LT_OK)
        s = take_latents_open(r.input, &latents, &err);
    if (s == LT_OK)
        s = spec_of_latents(&run, latents, &r, &recipe, &err);
    if (s == LT_OK)
        s = start_job(&run, TAKE_DOES_DECODE, &err);
    take_clock_tell(&run.clock, LONGTAKE_EVENT_START, NULL);
    if (s == LT_OK)
        s = take_stream_decode(&run, latents, kind, &seam, &err);
    const longtake_status code = finish(&run, s, "decode", &seam, result, &err, error);
    take_latents_close(latents);
    take_recipe_clear(&recipe);
    return code;
}
