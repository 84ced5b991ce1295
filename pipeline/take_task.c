/* take_task.c - what every command does before its product is made; see take_task.h. */
#include "pipeline/take_task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/window_encoder.h"
#include "pipeline/plan/plan_session.h"
#include "pipeline/plan/shot_plan.h"
#include "pipeline/plan/take_plan.h"
#include "pipeline/plan/token_cut.h"
#include "pipeline/plan/token_io.h"
#include "pipeline/preview/take_preview.h"
#include "pipeline/script/take_shots.h"
#include "pipeline/take_places.h"
#include "pipeline/take_report.h"
#include "pipeline/take_text.h"
#include "pipeline/take_video.h"
#include "tokenizer/picture_codes.h"

/* Unsets what a command has no use for. A window or preview where there is none is refused
 * instead. */
static void pass_over(longtake_request *r, unsigned reads)
{
    longtake_request unset;
    longtake_request_init(&unset);
    take_settings_keep(&r->settings, reads);
    if (!(reads & TAKE_READS_PROMPT)) {
        r->prompt = NULL;
        r->shots = NULL;
        r->shot_count = 0;
    }
    if (!(reads & TAKE_READS_PLANNING))
        r->tokens = NULL;
    if (!(reads & TAKE_READS_LENGTH)) {
        r->settings.seconds = unset.settings.seconds;
        r->settings.frames = unset.settings.frames;
        r->settings.semantic_frames = unset.settings.semantic_frames;
    }
    if (!(reads & TAKE_READS_IMAGE))
        r->image = NULL;
    if (!(reads & TAKE_READS_FROM)) {
        r->from_seconds = unset.from_seconds;
        r->new_only = 0;
    }
    if (!(reads & (TAKE_READS_IMAGE | TAKE_READS_FROM)))
        r->reference_hash = NULL;
    if (!(reads & TAKE_READS_CLIP))
        r->settings.fit = unset.settings.fit;
    if (!(reads & TAKE_READS_REFINING)) {
        r->retakes = NULL;
        r->retake_count = 0;
    }
    if (!(reads & TAKE_READS_JOB)) {
        r->job = NULL;
        r->fresh = 0;
        r->keep_job = 0;
    }
    if (!(reads & TAKE_READS_FRAMES))
        r->on_frame = NULL;
}

void take_task_open(take_task *t, longtake *e, const longtake_request *r,
                    const take_command *command)
{
    *t = (take_task){.command = command, .request = *r, .seam = {0, -1}};
    pass_over(&t->request, command->reads);
    if (!command->input)
        t->request.input = NULL;
    take_run_open(&t->run, e, &t->request);
}

/* Some windows alone stay in the job folder. */
static lt_status check_windows(const take_task *t, lt_error *err)
{
    const longtake_request *r = &t->request;
    const int64_t windows = t->run.spec.time.windows;
    char named[TAKE_WINDOWS_BYTES];
    if (r->window_first < 0 && r->window_last < 0)
        return LT_OK;
    if (!t->command->in_windows)
        return lt_fail(err, LT_ERR_USAGE, "--window: found %s, expected refine or generate",
                       t->command->name);
    if (!r->job || r->output)
        return lt_fail(
            err, LT_ERR_USAGE,
            "--window: found %s, expected --job alone: the windows stay in the job folder\n"
            "hint: the same command with --output and without --window goes on from there",
            r->output ? "--output" : "no --job");
    if (r->window_first < 0 || r->window_last < r->window_first || r->window_last >= windows)
        return lt_fail(err, LT_ERR_USAGE, "--window: found %s, the take has %lld, from 0",
                       take_windows_named(r->window_first, r->window_last, named),
                       (long long)windows);
    return LT_OK;
}

/* What the language model is asked for: the take's own segments, or those of a plan to score. */
static lt_status check_positions(take_task *t, lt_error *err)
{
    const unsigned does = t->command->does;
    const take_timeline *time = &t->run.spec.time;
    const tok_plan *plan = &t->plan;
    if (does & TAKE_DOES_SCORE)
        return plan_session_check(&t->run, plan->segments, plan->frames[plan->segments - 1], err);
    if (!(does & TAKE_DOES_TOKENS) || plan->segments > 0)
        return LT_OK;
    return plan_session_check(&t->run, time->segments,
                              take_segment_frames(time, time->segments - 1), err);
}

lt_status take_task_settle(take_task *t, lt_error *err)
{
    if (t->command->input && !t->request.input)
        return lt_fail(err, LT_ERR_USAGE, "--input: found none, expected %s for %s",
                       t->command->input, t->command->name);
    if (t->request.preview && !(t->command->does & (TAKE_DOES_REFINE | TAKE_DOES_DECODE)))
        return lt_fail(err, LT_ERR_USAGE, "--preview: %s makes no pictures", t->command->name);
    if (t->request.keep_job && t->request.output && !take_has_job(&t->request, t->request.output))
        return lt_fail(err, LT_ERR_USAGE,
                       "--keep-job: found %s as output, beside which there is no job folder\n"
                       "hint: --job DIR",
                       t->request.output);
    LT_TRY(take_output_of(&t->request, t->command->writes, &t->kind, err));
    LT_TRY(take_preview_check(&t->request, err));
    LT_TRY(take_places_check(&t->request, t->kind, 0, 0, err));
    LT_TRY(t->command->settle(t, err));
    LT_TRY(take_places_check(&t->request, t->kind, t->run.spec.time.frames,
                             t->run.spec.time.windows, err));
    LT_TRY(check_windows(t, err));
    return check_positions(t, err);
}

unsigned take_task_does(const take_task *t)
{
    const longtake_request *r = &t->request;
    const unsigned does =
        r->window_last < 0 ? t->command->does : t->command->does & ~(unsigned)TAKE_DOES_DECODE;
    return does | (take_has_job(r, r->output) ? (unsigned)TAKE_DOES_KEEP : 0U) |
           (take_job_stays(r) ? (unsigned)TAKE_DOES_LEAVE : 0U) |
           (r->preview ? (unsigned)TAKE_DOES_PREVIEW : 0U) |
           (t->run.reference ? (unsigned)TAKE_DOES_GO_ON | (unsigned)TAKE_DOES_ENCODE : 0U);
}

void take_task_close(take_task *t, bool done)
{
    take_run_close(&t->run, done);
    take_reference_close(&t->reference);
    tok_plan_clear(&t->plan);
    take_latents_close(t->latents);
    take_recipe_clear(&t->recipe);
    lt_json_free(t->settings);
    take_encoding_clear(&t->encoding);
}

/* ---- settling ---- */

static lt_status resolve(take_task *t, int needs, int64_t frames, lt_error *err)
{
    return take_spec_resolve(&t->request, &t->run.engine->cfg, t->run.engine->wording, needs,
                             frames, &t->run.spec, err);
}

/* What the take goes on from is known, and so are its windows. */
static lt_status retakes(take_task *t, lt_error *err)
{
    return take_spec_retakes(&t->request, &t->run.spec, err);
}

/* A picture counts as the take's first frame; a video is gone on from by the
 * whole length that was asked for. */
static lt_status begin_with_image(take_task *t, lt_error *err)
{
    LT_TRY(take_reference_open(&t->reference, &t->run, t->request.image, -1, err));
    return take_reference_grid(&t->reference, t->run.spec.time.frames - 1, err);
}

/* The plan that the request itself brings. */
static lt_status plan_of_request(take_task *t, lt_error *err)
{
    return t->request.tokens ? take_tokens_plan(t->request.tokens, &t->plan, err) : LT_OK;
}

bool take_task_is_of_pictures(const take_task *t)
{
    const int64_t pictures =
        tok_plan_pictures(&t->plan, t->run.engine->cfg.tokenizer.picture_codes);
    return t->command->does & TAKE_DOES_REFINE && pictures > 0 &&
           pictures == tok_plan_semantic_frames(&t->plan);
}

/* The files that shots take their plans from. */
static lt_status check_shot_plans(const take_task *t, lt_error *err)
{
    const longtake_request *r = &t->request;
    for (size_t i = 0; i < r->shot_count; i++) {
        lt_error cause = {0};
        const lt_status s = take_shot_plan_check(t->run.engine, &r->shots[i], &cause);
        if (s != LT_OK)
            return lt_fail(err, s, "shot %zu: plan: %s", i, cause.message);
    }
    return LT_OK;
}

lt_status take_settle_prompt(take_task *t, lt_error *err)
{
    LT_TRY(plan_of_request(t, err));
    const bool unseen = !t->request.image && !t->request.tokens;
    LT_TRY(resolve(t,
                   (take_task_is_of_pictures(t) ? 0 : TAKE_NEEDS_PROMPT) | TAKE_NEEDS_LENGTH |
                       (unseen ? TAKE_BEGINS_UNSEEN : 0),
                   t->plan.video_frames, err));
    LT_TRY(check_shot_plans(t, err));
    if (t->request.image)
        LT_TRY(begin_with_image(t, err));
    return retakes(t, err);
}

/* The prompt that the video shows at its end, where it says so, holds up to the segment that has
 * the first new frame. */
static lt_status go_on_from_prompt(take_task *t, lt_error *err)
{
    take_spec *s = &t->run.spec;
    const take_reference *f = &t->reference;
    const int64_t whole_segments =
        f->latents / s->time.segment * s->time.segment * TAKE_FRAMES_PER_LATENT;
    char *prompt = NULL;
    LT_TRY(take_reference_prompt(f, &prompt, err));
    lt_status status = LT_OK;
    if (prompt)
        status = take_spec_go_on_from(s, t->run.engine->wording, prompt,
                                      whole_segments < f->frames ? whole_segments : f->frames, err);
    else if (!take_spec_has_prompt(s))
        status = take_fail_no_prompt(f->path, err);
    free(prompt);
    return status;
}

lt_status take_settle_video(take_task *t, lt_error *err)
{
    const longtake_request *r = &t->request;
    take_spec *s = &t->run.spec;
    LT_TRY(plan_of_request(t, err));
    LT_TRY(resolve(t, TAKE_NEEDS_LENGTH, 0, err));
    LT_TRY(check_shot_plans(t, err));
    LT_TRY(take_reference_open(&t->reference, &t->run, r->input, r->from_seconds, err));
    s->fps = take_given(r->settings.fps, t->reference.fps);
    for (int i = 1; i < s->shots; i++) /* they were counted from the first new frame */
        s->shot[i].at_frame += t->reference.frames;
    LT_TRY(go_on_from_prompt(t, err));
    LT_TRY(take_reference_grid(&t->reference, s->time.frames, err));
    return retakes(t, err);
}

lt_status take_settle_clip(take_task *t, lt_error *err)
{
    return resolve(t, 0, 0, err);
}

static lt_status read_seed(const char *text, const char *place, int64_t *seed, lt_error *err)
{
    const bool digits =
        text[0] != '\0' && text[strspn(text, "0123456789")] == '\0' && strlen(text) <= 10;
    *seed = digits ? strtoll(text, NULL, 10) : -1;
    if (*seed < 0 || *seed > (int64_t)UINT32_MAX)
        return lt_fail(err, LT_ERR_INPUT, "%s: metadata 'seed' is \"%s\", expected 0 to 4294967295",
                       place, text);
    return LT_OK;
}

static bool are_told(const longtake_shot *shot, size_t shots)
{
    for (size_t i = 0; i < shots; i++)
        if (shot[i].prompt[0] == '\0')
            return false;
    return true;
}

/* Where no prompt was given: the shots that the plan notes, which are those of a cut or joined plan
 * too; else its one prompt. Pictures among them have none, and then none of all is taken. */
static void take_noted_prompts(take_task *t)
{
    longtake_request *r = &t->request;
    lt_error ignored = {0};
    if (r->prompt || r->shot_count > 0)
        return;
    if (t->settings && take_recipe_shots(t->settings, r->input, r, &t->recipe, &ignored) == LT_OK &&
        r->shot_count > 0) {
        r->shot_count = are_told(r->shots, r->shot_count) ? r->shot_count : 0;
        return;
    }
    const char *prompt = tok_plan_note(&t->plan, "prompt");
    r->prompt = prompt && prompt[0] != '\0' ? prompt : NULL;
}

/* Prompts and seed are those that the file notes, where none were given. Pictures need none. */
lt_status take_settle_tokens(take_task *t, lt_error *err)
{
    longtake_request *r = &t->request;
    LT_TRY(take_tokens_read(t->run.engine, r->input, &t->plan, err));
    t->settings = take_tokens_settings(&t->plan);
    take_noted_prompts(t);
    if (t->settings && !(t->command->reads & TAKE_READS_PLANNING)) /* for the output's own account
                                                                    */
        LT_TRY(take_recipe_planning(t->settings, r->input, &r->settings, err));
    const bool has_prompt = r->prompt || r->shot_count > 0;
    if (!has_prompt && !take_task_is_of_pictures(t))
        return take_fail_no_prompt(r->input, err);
    const char *seed = tok_plan_note(&t->plan, "seed");
    if (r->settings.seed == LONGTAKE_SEED_UNSET && seed)
        LT_TRY(read_seed(seed, r->input, &r->settings.seed, err));
    int64_t frames = 0;
    LT_TRY(
        take_spec_length(&r->settings, &t->run.engine->cfg, 0, t->plan.video_frames, &frames, err));
    take_recipe_end(&t->recipe, r, frames);
    LT_TRY(resolve(t, has_prompt ? TAKE_NEEDS_PROMPT : 0, t->plan.video_frames, err));
    LT_TRY(retakes(t, err));
    take_warn_if_altered(&t->run, r->input, &t->plan);
    return LT_OK;
}

/* The model that the latents file names, where that is another one by its name; else NULL. */
static const char *other_model(const take_task *t)
{
    const lt_json *about = take_latents_about(t->latents);
    const lt_json *model =
        lt_json_kind_of(about) == LT_JSON_OBJECT ? lt_json_get(about, "model") : NULL;
    const char *name =
        model && lt_json_kind_of(model) == LT_JSON_STRING ? lt_json_string(model, NULL) : NULL;
    return name && strcmp(name, t->run.engine->files.name) != 0 ? name : NULL;
}

static lt_status refuse_latents(const take_task *t, lt_status code, const char *found,
                                lt_error *err)
{
    const char *model = other_model(t);
    if (!model)
        return lt_fail(err, code, "%s: %s", t->request.input, found);
    return lt_fail(err, code, "%s: is of the model %s, found %s: %s\nhint: -m %s", t->request.input,
                   model, t->run.engine->files.name, found, model);
}

static lt_status check_shape(take_task *t, lt_error *err)
{
    const take_latents_shape found = take_latents_shape_of(t->latents);
    const take_latents_shape want = take_latents_shape_of_run(&t->run);
    if (found.latents == want.latents && found.channels == want.channels &&
        found.height == want.height && found.width == want.width)
        return LT_OK;
    char text[256];
    snprintf(text, sizeof text,
             "latents [%lld, %d, %d, %d], this model and its metadata expect [%lld, %d, %d, %d]",
             (long long)found.latents, found.channels, found.height, found.width,
             (long long)want.latents, want.channels, want.height, want.width);
    return refuse_latents(t, LT_ERR_INPUT, text, err);
}

/* Its header, which a pipe may keep us waiting for. */
static lt_status open_latents(take_task *t, lt_error *err)
{
    take_clock_enter_quietly(&t->run.clock, TAKE_READ, 0, 1, 0);
    const lt_status s =
        take_latents_open(t->request.input, take_run_asks_to_stop, &t->run, &t->latents, err);
    take_clock_leave(&t->run.clock);
    return s;
}

/* The take is as the file's metadata says, once the request's own settings are known to be some. */
lt_status take_settle_latents(take_task *t, lt_error *err)
{
    longtake_request *r = &t->request;
    LT_TRY(resolve(t, 0, 0, err));
    take_spec_clear(&t->run.spec);
    /* Decoding alone is quick, and what a latents file holds has no key to know it by: nothing is
     * gone on from, in a folder where no other command's products are. */
    t->run.job_is_own = true;
    r->fresh = 1;
    r->job = NULL;
    r->keep_job = 0;
    LT_TRY(open_latents(t, err));
    const lt_json *about = take_latents_about(t->latents);
    LT_TRY(take_recipe_apply(about, r->input, r, &t->recipe, err));
    const bool has_prompt = r->shot_count > 0;
    lt_error fault = {0};
    lt_status s = resolve(t, has_prompt ? TAKE_NEEDS_PROMPT : 0, 0, &fault);
    if (s == LT_OK)
        s = retakes(t, &fault);
    if (s != LT_OK) { /* what is no setting here is a fault of the file */
        char text[sizeof fault.message + 16];
        snprintf(text, sizeof text, "metadata: %s", fault.message);
        return refuse_latents(t, s == LT_ERR_USAGE ? LT_ERR_INPUT : s, text, err);
    }
    t->run.given_about = lt_json_text(about);
    if (!t->run.given_about)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", r->input);
    return check_shape(t, err);
}

/* ---- preparing ---- */

/* Does the task fit into the memory that is allowed? */
static lt_status choose_memory(take_task *t, lt_error *err)
{
    take_run *run = &t->run;
    const media_spec video = take_media_spec(&run->spec, t->kind);
    LT_TRY(
        take_memory_limit(run->engine, &run->spec, take_task_does(t), &video, &run->memory, err));
    memcpy(run->engine->home, run->memory.home, sizeof run->memory.home);
    return LT_OK;
}

/* What is begun with. */
static take_stage first_stage(const take_task *t)
{
    if (t->run.reference || t->command->does == TAKE_DOES_ENCODE)
        return TAKE_READ;
    return t->command->does == TAKE_DOES_DECODE ? TAKE_DECODE : TAKE_TEXT;
}

static lt_status open_job(take_task *t, lt_error *err)
{
    LT_TRY(choose_memory(t, err));
    return take_run_open_job(&t->run, t->request.output, err);
}

/* Do longer takes have the shot at another time? Those that a prompt's events are spread over. */
static bool is_spread(const take_task *t)
{
    const size_t given = t->request.shot_count;
    return (size_t)t->run.spec.shots > (given > 0 ? given : 1);
}

/* Seconds of a take like this one that shows the shot; 0: not known. Where the next one comes too
 * soon none does. */
static double seconds_that_show(const take_task *t, int shot)
{
    enum { MOST_SECONDS_MORE = 120 };
    const longtake *e = t->run.engine;
    const int64_t now = (int64_t)((double)t->run.spec.time.frames / e->cfg.pipeline.fps);
    longtake_request longer = t->request;
    longer.settings.frames = longer.settings.semantic_frames = -1;
    if (t->run.reference || t->plan.segments > 0 ||
        (take_shot_picture_frame(&t->run.spec, shot) >= 0 && !is_spread(t)))
        return 0;
    for (int64_t seconds = now + 1; seconds <= now + MOST_SECONDS_MORE; seconds++) {
        take_spec s;
        lt_error ignored = {0};
        longer.settings.seconds = (double)seconds;
        if (take_spec_resolve(&longer, &e->cfg, e->wording, TAKE_NEEDS_LENGTH, 0, &s, &ignored) !=
            LT_OK)
            return 0;
        const bool seen = s.shots == t->run.spec.shots && take_shot_is_heard(&s, shot);
        take_spec_clear(&s);
        if (seen)
            return (double)seconds;
    }
    return 0;
}

bool take_task_shot_line(const take_task *t, int shot, char text[TAKE_SHOT_LINE_BYTES])
{
    take_shot_line(&t->run.spec, shot, text);
    if (take_shot_is_heard(&t->run.spec, shot))
        return true;
    const double seconds = seconds_that_show(t, shot);
    const size_t used = strlen(text);
    if (seconds > 0)
        snprintf(text + used, TAKE_SHOT_LINE_BYTES - used, " (a take of %g s would show it)",
                 seconds);
    return false;
}

/* The seed, where the user does not know it, how long a file of another rate plays, and when each
 * of several prompts takes effect. */
static void tell_choices(take_task *t)
{
    take_run *run = &t->run;
    const double frames = (double)run->spec.time.frames;
    const double fps = run->engine->cfg.pipeline.fps;
    if (run->spec.fps != fps)
        take_note(run, "%g frames a second: the file plays for %.2f s, the model's %g for %.2f s",
                  run->spec.fps, frames / run->spec.fps, fps, frames / fps);
    if (t->latents && take_about_other_decoder(take_latents_about(t->latents), run->engine))
        take_warn(run, "%s: another model's decoder was meant: the pictures come out otherwise",
                  t->request.input);
    if (t->command->does & TAKE_DOES_REFINE && run->engine->cfg.mmdit.timestep_count > 0 &&
        !run->spec.listed_timesteps)
        take_note(
            run,
            "%d step%s: the model lists timesteps for %d, for other counts the release's spacing is taken",
            run->spec.steps, run->spec.steps == 1 ? "" : "s",
            run->engine->cfg.mmdit.timestep_count);
    if (run->spec.retakes > 0 && take_task_is_of_pictures(t))
        take_note(run,
                  "the plan is of pictures, which are not refined: made again they are the same");
    if (run->spec.seed_was_drawn)
        take_note(run, "seed %u", run->spec.seed);
    for (int i = 1; i < run->spec.shots; i++) {
        char line[TAKE_SHOT_LINE_BYTES];
        if (take_task_shot_line(t, i, line))
            take_note(run, "%s", line);
        else
            take_warn(run, "%s", line);
    }
}

static lt_status write_plan(take_task *t, lt_error *err)
{
    take_run *run = &t->run;
    if (run->reference)
        LT_TRY(take_reference_plan(&t->reference, err));
    LT_TRY(take_text_prepare(run, TAKE_FOR_AR, err));
    return take_plan_make(run, err);
}

/* What a take asks for behind the end of the plan that it was given
 * shows what the plan shows last. */
static void warn_of_short_plan(take_run *run)
{
    const double fps = run->engine->cfg.pipeline.fps;
    const int64_t planned = take_frames_of_latents(run->plan.frames);
    if (planned < run->spec.time.frames)
        take_warn(run, "the plan ends after %.2f s: what it shows last stays up to %.2f s",
                  (double)planned / fps, (double)run->spec.time.frames / fps);
}

static lt_status take_over_plan(take_task *t, lt_error *err)
{
    LT_TRY(take_plan_give(&t->run, &t->plan, err));
    warn_of_short_plan(&t->run);
    return LT_OK;
}

/* There is more to do than what was planned yet: how much, each stage says when it begins. Until
 * then no time that is left is known. */
static void plan_stages(take_clock *clock, unsigned does)
{
    static const struct {
        unsigned does;
        take_stage stage;
    } stages[] = {{TAKE_DOES_TOKENS, TAKE_TOKENS},
                  {TAKE_DOES_REFINE, TAKE_REFINE},
                  {TAKE_DOES_DECODE, TAKE_DECODE}};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (does & stages[i].does)
            take_clock_plan(clock, stages[i].stage, 1);
}

/* What would write the video is there, which is known before anything is made. */
static lt_status check_encoder(const take_task *t, lt_error *err)
{
    return take_video_of(t->kind) ? media_encoder_check(take_format_of(t->kind), err) : LT_OK;
}

lt_status take_task_prepare(take_task *t, lt_error *err)
{
    const unsigned does = t->command->does;
    const bool makes_take = does & (TAKE_DOES_TOKENS | TAKE_DOES_REFINE | TAKE_DOES_DECODE);
    plan_stages(&t->run.clock, t->plan.segments > 0 ? does & ~(unsigned)TAKE_DOES_TOKENS : does);
    /* how long a clip is, reading it tells */
    take_clock_enter_quietly(&t->run.clock, first_stage(t), 0,
                             makes_take ? t->run.spec.time.windows : 0, 0);
    LT_TRY(check_encoder(t, err));
    LT_TRY(makes_take ? open_job(t, err) : choose_memory(t, err));
    const take_spec *spec = &t->run.spec;
    const bool is_file_of_take = makes_take && t->request.window_last < 0;
    take_clock_tell_start(&t->run.clock, is_file_of_take ? take_delivered_frames(&t->run) : 0,
                          does & TAKE_DOES_DECODE ? spec->fps : spec->model_fps);
    if (makes_take)
        tell_choices(t);
    if (t->plan.segments > 0)
        LT_TRY(take_over_plan(t, err));
    else if (does & TAKE_DOES_TOKENS)
        LT_TRY(write_plan(t, err));
    return does & TAKE_DOES_REFINE ? take_text_prepare(&t->run, TAKE_FOR_MMDIT, err) : LT_OK;
}

/* ---- looking ---- */

/* Is there a plan that only the tokenizer can say? */
static bool needs_encoding(const take_task *t)
{
    bool needs = t->run.reference != NULL;
    for (int i = 0; i < t->run.spec.shots; i++)
        needs =
            needs || (t->run.spec.shot[i].plan && !take_is_token_file(t->run.spec.shot[i].plan));
    return needs && t->plan.segments == 0;
}

static lt_status look_at_plan(take_task *t, int64_t *have, lt_error *err)
{
    take_run *run = &t->run;
    if (t->plan.segments > 0) {
        *have = t->plan.segments;
        return take_plan_give(run, &t->plan, err);
    }
    LT_TRY(take_text_prepare(run, TAKE_FOR_AR, err));
    return take_plan_look(run, have, err);
}

lt_status take_task_look(take_task *t, take_cached *found, bool *known, lt_error *err)
{
    take_run *run = &t->run;
    int64_t have = 0;
    run->looks_only = true;
    *known = !needs_encoding(t);
    if (*known)
        LT_TRY(take_run_look_into_job(run, t->request.output, err));
    if (!run->job)
        return LT_OK;
    LT_TRY(look_at_plan(t, &have, err));
    for (int64_t c = 0; c < run->spec.time.windows; c++) {
        const take_window w = take_window_at(&run->spec.time, c);
        int frame = 0;
        if (take_plan_at(&run->plan, w.first_latent + w.latents - 1, &frame) < have)
            found[c] = TAKE_CACHED_PLAN;
    }
    if (!(t->command->does & TAKE_DOES_REFINE))
        return LT_OK;
    LT_TRY(take_text_prepare(run, TAKE_FOR_MMDIT, err));
    return take_stream_look(run, t->kind, found, err);
}
