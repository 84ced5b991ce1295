/* take_command.c - a table says what is a command's own, all else is the same; see
 * take_command.h. */
#include "pipeline/take_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/measure/speed_file.h"
#include "pipeline/plan/take_encode.h"
#include "pipeline/plan/take_plan.h"
#include "pipeline/plan/token_io.h"
#include "pipeline/script/take_shots.h"
#include "pipeline/take_report.h"

void longtake_request_init(longtake_request *r)
{
    *r = (longtake_request){.settings = {.seed = LONGTAKE_SEED_UNSET,
                                         .seconds = -1,
                                         .frames = -1,
                                         .semantic_frames = -1,
                                         .fps = -1,
                                         .width = -1,
                                         .height = -1,
                                         .scale = -1,
                                         .lm_cfg = -1,
                                         .shot_cfg = -1,
                                         .temperature = -1,
                                         .top_k = -1,
                                         .top_p = -1,
                                         .motion = -1,
                                         .lm_context = -1,
                                         .steps = -1,
                                         .cfg_scale = -1,
                                         .overlap = -1},
                            .from_seconds = -1,
                            .window_first = -1,
                            .window_last = -1,
                            .max_seam = -1};
}

void longtake_shot_init(longtake_shot *shot)
{
    *shot =
        (longtake_shot){.motion = -1, .seed = -1, .lm_cfg = -1, .shot_cfg = -1, .cfg_scale = -1};
}

/* ---- products ---- */

/* Some windows alone are refined, and stay in the job folder. */
static lt_status make_video(take_task *t, lt_error *err)
{
    if (t->request.window_last >= 0)
        return take_stream_refine(&t->run, err);
    return take_stream_render(&t->run, t->kind, &t->seam, err);
}

static lt_status make_tokens(take_task *t, lt_error *err)
{
    char seed[16];
    snprintf(seed, sizeof seed, "%u", (unsigned)t->run.spec.seed);
    lt_json *settings = take_spec_json(&t->run.spec);
    const take_plan_notes notes = {t->request.prompt, seed, settings};
    const bool is_told = take_spec_has_prompt(&t->run.spec);
    const lt_status s =
        take_tokens_write(&t->run, t->kind, is_told ? &notes : &(take_plan_notes){0}, err);
    lt_json_free(settings);
    return s;
}

/* What a clip of ours shows, by its own account, is noted: the prompt where one shot is all of it,
 * settings with shots in any case. */
static lt_status write_encoded(take_task *t, lt_error *err)
{
    lt_error ignored = {0};
    lt_json *about = NULL;
    const char *comment = t->encoding.comment;
    if (comment)
        (void)lt_json_parse(comment, strlen(comment), t->request.input, &about, &ignored);
    lt_json *settings =
        about ? take_about_settings(about, t->run.engine->cfg.pipeline.fps, t->plan.video_frames)
              : NULL;
    const lt_json *shots = settings ? lt_json_get(settings, "shots") : NULL;
    const char *prompt = shots && lt_json_count(shots) == 1 ? take_about_prompt(about, 0) : NULL;
    const lt_status s =
        take_tokens_write(&t->run, t->kind, &(take_plan_notes){prompt, NULL, settings}, err);
    lt_json_free(settings);
    lt_json_free(about);
    return s;
}

/* The clip's own length is the plan's. */
static lt_status make_encoded(take_task *t, lt_error *err)
{
    take_run *run = &t->run;
    const semantic_source clip = {.path = t->request.input, .fit = take_media_fit(run->spec.fit)};
    LT_TRY(take_encode_video(run, &clip, run->spec.codes, &t->plan, &t->encoding, err));
    if (t->encoding.is_pictures && run->spec.codes == TAKE_CODES_FITTING)
        take_note(run,
                  "%s is not of the model's world: written as pictures, which render shows roughly",
                  clip.path);
    LT_TRY(take_plan_give(run, &t->plan, err));
    const take_timeline *time = &run->spec.time;
    run->spec.time =
        take_timeline_of(t->plan.video_frames, time->window, time->overlap, time->segment);
    return write_encoded(t, err);
}

static lt_status make_latents(take_task *t, lt_error *err)
{
    return take_stream_refine(&t->run, err);
}

static lt_status make_decoded(take_task *t, lt_error *err)
{
    return take_stream_decode(&t->run, t->latents, t->kind, &t->seam, err);
}

/* ---- commands ---- */

enum {
    ALL = TAKE_DOES_TOKENS | TAKE_DOES_REFINE | TAKE_DOES_DECODE,
    READS_TAKE = TAKE_READS_PROMPT | TAKE_READS_LENGTH | TAKE_READS_OVERLAP | TAKE_READS_JOB,
    READS_PLAN = TAKE_READS_PLANNING | TAKE_READS_CLIP /* of plans of shots too */
};

static const take_command commands[] = {
    {.name = "generate",
     .writes = TAKE_WRITES_VIDEO,
     .does = ALL,
     .reads = READS_TAKE | READS_PLAN | TAKE_READS_IMAGE | TAKE_READS_REFINING | TAKE_READS_FRAMES,
     .in_windows = true,
     .settle = take_settle_prompt,
     .make = make_video},
    {.name = "continue",
     .writes = TAKE_WRITES_VIDEO,
     .does = ALL,
     .reads = READS_TAKE | READS_PLAN | TAKE_READS_FROM | TAKE_READS_REFINING | TAKE_READS_FRAMES,
     .input = "a video",
     .settle = take_settle_video,
     .make = make_video},
    {.name = "tokens",
     .writes = TAKE_WRITES_TOKENS,
     .does = TAKE_DOES_TOKENS,
     .reads = READS_TAKE | READS_PLAN | TAKE_READS_IMAGE,
     .settle = take_settle_prompt,
     .make = make_tokens},
    {.name = "encode",
     .writes = TAKE_WRITES_TOKENS,
     .does = TAKE_DOES_ENCODE,
     .reads = TAKE_READS_CLIP,
     .input = "a video",
     .settle = take_settle_clip,
     .make = make_encoded},
    {.name = "refine",
     .writes = TAKE_WRITES_LATENTS,
     .does = TAKE_DOES_REFINE,
     .reads = READS_TAKE | TAKE_READS_REFINING,
     .input = "a token file",
     .in_windows = true,
     .settle = take_settle_tokens,
     .make = make_latents},
    {.name = "render",
     .writes = TAKE_WRITES_VIDEO,
     .does = TAKE_DOES_REFINE | TAKE_DOES_DECODE,
     .reads = READS_TAKE | TAKE_READS_REFINING | TAKE_READS_FRAMES,
     .input = "a token file",
     .settle = take_settle_tokens,
     .make = make_video},
    {.name = "decode",
     .writes = TAKE_WRITES_VIDEO,
     .does = TAKE_DOES_DECODE,
     .reads = TAKE_READS_FRAMES,
     .input = "a latents file",
     .settle = take_settle_latents,
     .make = make_decoded},
};

const take_command *take_command_named(const char *name)
{
    if (strcmp(name, "run") == 0) /* a film fills a request of generate */
        name = "generate";
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* What was finished is not lost: where it lies. */
static void add_way_on(const take_run *run, lt_error *err)
{
    if (!run->job || take_job_is_empty(run->job) || run->request->fresh ||
        strstr(err->message, "\nhint: "))
        return;
    const size_t used = strlen(err->message);
    char seed[32] = "";
    if (run->spec.seed_was_drawn)
        snprintf(seed, sizeof seed, " with the seed %u", (unsigned)run->spec.seed);
    snprintf(err->message + used, sizeof err->message - used,
             "\nhint: the same command%s goes on from %s%s%s", seed, take_job_path(run->job),
             run->playable ? "; what is finished plays as " : "",
             run->playable ? run->playable : "");
}

/* How a command ends: result, seam limit, job folder, error. */
static longtake_status finish(take_task *t, lt_status s, longtake_result *result, lt_error *err,
                              longtake_error *error)
{
    take_run *run = &t->run;
    const take_seam *seam = &t->seam;
    const take_made all = {t->command->name, t->kind, seam->worst_seam, seam->seam_window,
                           t->command->does & TAKE_DOES_ENCODE ? &t->encoding : NULL};
    if (s == LT_OK)
        s = take_fill_result(run, &all, result, err);
    char *output = NULL;
    if (s == LT_OK)
        s = take_name_output(run, t->kind, &output, err);
    if (s == LT_OK)
        take_clock_tell(&run->clock, LONGTAKE_EVENT_DONE, output);
    free(output);
    const bool made = s == LT_OK;
    if (made)
        take_speeds_write(run->engine, &run->spec, &run->clock);
    const double limit = run->request->max_seam;
    if (made && limit >= 0 && seam->worst_seam > limit)
        s = lt_fail(err, LT_ERR_LIMIT,
                    "--max-seam: the border before window %lld has %.3f, allowed is %g",
                    (long long)seam->seam_window, seam->worst_seam, limit);
    if (s == LT_ERR_CANCELLED || s == LT_ERR_RESOURCES)
        add_way_on(run, err);
    take_task_close(t, made || run->job_is_own);
    return take_give_error(s, err, error);
}

/* Does anybody get what is made? Some windows alone stay in the job folder, as a take does that is
 * refined there; frames go to a callback. */
static bool has_taker(const take_task *t)
{
    const longtake_request *r = &t->request;
    if (r->output || r->window_last >= 0)
        return true;
    if (t->command->writes != TAKE_WRITES_VIDEO)
        return false;
    return r->on_frame || (t->command->does & TAKE_DOES_REFINE && (r->job || r->preview));
}

static lt_status check_product(const take_task *t, lt_error *err)
{
    if (has_taker(t))
        return LT_OK;
    return lt_fail(err, LT_ERR_USAGE, "--output: found none%s, expected a file for what %s makes",
                   t->command->writes == TAKE_WRITES_VIDEO ? ", and nothing that takes frames" : "",
                   t->command->name);
}

/* From a request that was checked, or was not (`s`), to the product. */
static longtake_status complete(take_task *t, lt_status s, longtake_result *result, lt_error *err,
                                longtake_error *error)
{
    if (s == LT_OK)
        s = take_task_prepare(t, err);
    if (s == LT_OK)
        s = t->command->make(t, err);
    return finish(t, s, result, err, error);
}

longtake_status take_carry_out(const char *name, longtake *e, const longtake_request *r,
                               longtake_result *result, longtake_error *error)
{
    lt_error err = {0};
    take_task task;
    if (result)
        *result = (longtake_result){0};
    take_task_open(&task, e, r, take_command_named(name));
    lt_status s = take_request_check(&task.request, &err);
    if (s == LT_OK)
        s = check_product(&task, &err);
    if (s == LT_OK)
        s = take_task_settle(&task, &err);
    return complete(&task, s, result, &err, error);
}

static longtake_status carry_out(const char *name, longtake *e, const longtake_request *r,
                                 longtake_result *result, longtake_error *error)
{
    lt_error err = {0};
    if (result)
        *result = (longtake_result){0};
    if (take_need(r, "request", &err) != LT_OK || take_engine_enter(e, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    const longtake_status s = take_carry_out(name, e, r, result, error);
    take_engine_leave(e);
    return s;
}

longtake_status take_generate_once(longtake *e, const longtake_request *r, longtake_result *result,
                                   longtake_error *error)
{
    lt_error err = {0};
    take_task task;
    *result = (longtake_result){0};
    take_task_open(&task, e, r, take_command_named("generate"));
    lt_status s = take_task_settle(&task, &err);
    if (s != LT_OK || r->fresh || !take_is_made(&task.run, r->output))
        return complete(&task, s, result, &err, error);
    take_note(&task.run,
              "%s is there already, made from the same request\nhint: --fresh makes it again",
              r->output);
    const take_made as_it_is = {
        .command = task.command->name, .kind = task.kind, .seam_window = -1};
    s = take_fill_result(&task.run, &as_it_is, result, &err);
    take_task_close(&task, false);
    return take_give_error(s, &err, error);
}

longtake_status longtake_generate(longtake *e, const longtake_request *r, longtake_result *result,
                                  longtake_error *error)
{
    return carry_out("generate", e, r, result, error);
}

longtake_status longtake_continue(longtake *e, const longtake_request *r, longtake_result *result,
                                  longtake_error *error)
{
    return carry_out("continue", e, r, result, error);
}

longtake_status longtake_make_tokens(longtake *e, const longtake_request *r,
                                     longtake_result *result, longtake_error *error)
{
    return carry_out("tokens", e, r, result, error);
}

longtake_status longtake_encode(longtake *e, const longtake_request *r, longtake_result *result,
                                longtake_error *error)
{
    return carry_out("encode", e, r, result, error);
}

longtake_status longtake_refine(longtake *e, const longtake_request *r, longtake_result *result,
                                longtake_error *error)
{
    return carry_out("refine", e, r, result, error);
}

longtake_status longtake_render(longtake *e, const longtake_request *r, longtake_result *result,
                                longtake_error *error)
{
    return carry_out("render", e, r, result, error);
}

longtake_status longtake_decode(longtake *e, const longtake_request *r, longtake_result *result,
                                longtake_error *error)
{
    return carry_out("decode", e, r, result, error);
}
