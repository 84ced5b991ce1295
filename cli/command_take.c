/* command_take.c - the commands that make something: flags -> request -> library. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/config_print.h"
#include "cli/flag_values.h"
#include "cli/interrupt.h"
#include "cli/json_output.h"
#include "cli/request.h"

typedef longtake_status (*take_fn)(longtake *, const longtake_request *, longtake_result *,
                                   longtake_error *);

/* What a command takes as its positional argument. */
typedef enum { WORD_PROMPT, WORD_INPUT, WORD_FILM } word_kind;

static const struct {
    const char *name;
    take_fn run;
    word_kind word;
} takes[] = {
    {"generate", longtake_generate, WORD_PROMPT}, {"tokens", longtake_make_tokens, WORD_PROMPT},
    {"encode", longtake_encode, WORD_INPUT},      {"refine", longtake_refine, WORD_INPUT},
    {"decode", longtake_decode, WORD_INPUT},      {"render", longtake_render, WORD_INPUT},
    {"run", longtake_generate, WORD_FILM},        {"continue", longtake_continue, WORD_INPUT},
};

/* "3" or "2-5". */
static bool read_span(const char *text, int64_t *first, int64_t *last)
{
    char *end = NULL;
    const long long a = strtoll(text, &end, 10);
    if (end == text || a < 0)
        return false;
    *first = a;
    *last = a;
    if (*end == '\0')
        return true;
    if (*end != '-')
        return false;
    const char *second = end + 1;
    const long long b = strtoll(second, &end, 10);
    *last = b;
    return end != second && *end == '\0' && b >= a;
}

static bool is_video_name(const char *dot)
{
    static const char *const videos[] = {".mp4", ".mov", ".webm", ".mkv", ".y4m"};
    for (size_t i = 0; dot && i < sizeof videos / sizeof *videos; i++)
        if (strcmp(dot, videos[i]) == 0)
            return true;
    return false;
}

/* Somebody forgot the verb, or the "@" of a prompt in a file. */
static int refuse_file(cli_context *c, const char *word)
{
    const bool plans = strcmp(c->values->command, "tokens") == 0;
    const char *dot = strrchr(word, '.');
    const bool is_plan = dot && (strcmp(dot, ".lt") == 0 || strcmp(dot, ".npy") == 0);
    if (plans && is_plan)
        return cli_usage(
            c, "tokens: found the file %s, expected a prompt\nhint: say tokens cut, join or score",
            word);
    if (is_plan)
        return cli_usage(c,
                         "generate: found the file %s, expected a prompt\nhint: longtake render %s",
                         word, word);
    if (is_video_name(dot))
        return cli_usage(c, "%s: found the file %s, expected a prompt\nhint: longtake continue %s",
                         c->values->command, word, word);
    return cli_usage(c,
                     "%s: found the file %s, expected a prompt\nhint: -p @%s reads it from there",
                     c->values->command, word, word);
}

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The prompt from -p or the positional words. free() it. */
static int find_prompt(cli_context *c, word_kind kind, char **prompt)
{
    const cli_values *v = c->values;
    const char *text = v->prompt;
    if (kind == WORD_PROMPT && v->words > 0) {
        if (text || v->words > 1)
            return cli_usage(
                c, "%s: found %s, expected one prompt\nhint: put the prompt in quotes%s",
                v->command, text ? "a prompt and --prompt" : "several prompts",
                strcmp(v->command, "tokens") == 0 ? ", or say tokens cut, join or score" : "");
        if (is_file(v->word[0]))
            return refuse_file(c, v->word[0]);
        text = v->word[0];
    }
    return cli_prompt(c, text, prompt);
}

static int find_windows(cli_context *c, longtake_request *r)
{
    const cli_values *v = c->values;
    if (cli_given(v->window) && v->windows)
        return cli_usage(c, "--window and --windows: found both, expected one");
    if (cli_given(v->window))
        r->window_first = r->window_last = (int64_t)v->window;
    if (v->windows && !read_span(v->windows, &r->window_first, &r->window_last))
        return cli_usage(c, "--windows: found \"%s\", expected A-B such as 2-5", v->windows);
    return LONGTAKE_OK;
}

/* --window leaves its windows in the job folder. */
static bool fills_job(const cli_values *v)
{
    return cli_given(v->window) || v->windows;
}

/* How a picture is taken up means nothing where none is. */
static int check_picture(cli_context *c, word_kind kind)
{
    const cli_values *v = c->values;
    /* in the environment they are for other commands too */
    const bool said = cli_said(v, "fit") || cli_said(v, "codes");
    if (kind == WORD_PROMPT && said && !v->image && !v->prompts && !v->recipe)
        return cli_usage(c, "--%s: found no --image, expected one",
                         cli_said(v, "fit") ? "fit" : "codes");
    return LONGTAKE_OK;
}

static int fill_request(cli_context *c, word_kind kind, const char *prompt, longtake_request *r)
{
    const cli_values *v = c->values;
    longtake_request_init(r);
    cli_fill_settings(v, &r->settings);
    r->prompt = prompt;
    if (kind != WORD_PROMPT && v->words != 1)
        return cli_usage(c, "%s: found %d files, expected one\nhint: %s", v->command, v->words,
                         cli_example_of(v->command));
    if (kind == WORD_INPUT)
        r->input = v->word[0];
    r->image = v->image;
    r->new_only = v->new_only;
    r->output = v->output;
    r->format = v->format;
    r->no_metadata = v->no_metadata;
    r->preview = v->preview;
    r->max_seam = cli_given(v->max_seam) ? v->max_seam : LONGTAKE_UNSET;
    r->job = v->job;
    r->fresh = v->fresh;
    r->keep_job = v->keep_job;
    r->on_event = cli_hear_event;
    r->user = c;
    if (!v->output && !v->dry_run && !v->print_config && !fills_job(v) && !v->prompts)
        return cli_usage(
            c,
            "--output: found none, expected a file (or - for standard output)\nhint: add -o ball.%s",
            strcmp(v->command, "refine") == 0                                        ? "latents"
            : strcmp(v->command, "tokens") == 0 || strcmp(v->command, "encode") == 0 ? "lt"
                                                                                     : "mp4");
    int code = check_picture(c, kind);
    if (code == LONGTAKE_OK && !v->dry_run && !v->print_config)
        code = cli_check_stream(c);
    return code == LONGTAKE_OK ? find_windows(c, r) : code;
}

static void report(cli_context *c, const longtake_request *r, const longtake_result *result)
{
    cli_progress_end(&c->progress); /* the result has a line of its own */
    if (c->values->json)
        puts(result->report);
    else if (result->output ? !cli_is_standard_output(result->output) : !r->output)
        puts(result->output ? result->output : r->job);
}

static int dry_run(cli_context *c, longtake *engine, const longtake_request *r)
{
    longtake_error error = {0};
    char *plan = NULL;
    const bool json = c->values->json;
    const char *command = c->values->command;
    const longtake_status s = json ? longtake_plan(engine, command, r, &plan, &error)
                                   : longtake_plan_table(engine, command, r, &plan, &error);
    if (s != LONGTAKE_OK)
        return cli_fail(c, &error);
    if (json)
        puts(plan);
    else
        fputs(plan, stdout);
    longtake_free(plan);
    return LONGTAKE_OK;
}

static int run_take(cli_context *c, take_fn run, longtake *engine, const longtake_request *r)
{
    if (c->values->dry_run)
        return dry_run(c, engine, r);
    longtake_error error = {0};
    longtake_result result = {0};
    const longtake_status s = run(engine, r, &result, &error);
    int code = LONGTAKE_OK;
    if (s == LONGTAKE_OK || s == LONGTAKE_ERR_LIMIT) /* either way it is made */
        report(c, r, &result);
    if (s != LONGTAKE_OK)
        code = cli_fail(c, &error);
    longtake_result_clear(&result);
    return code;
}

/* More is made again than the span, which windows hardly lie on; of a span beyond the take's end
 * less. */
static void tell_windows(cli_context *c, const longtake_retake *retake)
{
    char place[64];
    char text[64];
    snprintf(place, sizeof place, "--retake %s", c->values->retake);
    if (retake->first == retake->last)
        snprintf(text, sizeof text, "window %lld", (long long)retake->first);
    else
        snprintf(text, sizeof text, "windows %lld to %lld", (long long)retake->first,
                 (long long)retake->last);
    cli_note(c, place, text);
}

/* --retake: windows by number, or by time, of the take that `r` asks for. */
static int find_retake(cli_context *c, longtake *engine, longtake_request *r,
                       longtake_retake *retake)
{
    const cli_values *v = c->values;
    longtake_error error = {0};
    double from = 0;
    double to = 0;
    retake->seed = (int64_t)(cli_given(v->retake_seed) ? v->retake_seed : v->seed);
    retake->keep_rest = v->keep_rest;
    if (read_span(v->retake, &retake->first, &retake->last))
        return LONGTAKE_OK;
    if (!cli_span(v->retake, longtake_fps(engine), &from, &to))
        return cli_usage(
            c,
            "--retake: found \"%s\", expected a window, a span of windows or of time: 3, 2-5 or 12s-18s",
            v->retake);
    if (r->input && strcmp(r->input, "-") == 0)
        return cli_usage(
            c,
            "--retake: found a span of time and the plan on standard input, expected windows by number: 3 or 2-5");
    if (longtake_windows_between(engine, v->command, r, from, to, &retake->first, &retake->last,
                                 &error) != LONGTAKE_OK)
        return cli_fail(c, &error);
    if (!v->dry_run) /* which tells windows in any case */
        tell_windows(c, retake);
    return LONGTAKE_OK;
}

/* ---- batch ---- */

static void tell_line(void *user, const longtake_batch_line *line)
{
    cli_context *c = user;
    if (line->result) {
        cli_progress_end(&c->progress);
        if (!cli_is_standard_output(line->output))
            puts(c->values->json ? line->result->report : line->output);
        fflush(stdout);
    }
    if (line->status != LONGTAKE_OK) /* of a take over its limit too, which is made */
        cli_progress_error(&c->progress, (int)line->status, line->message);
}

static int foresee_batch(cli_context *c, longtake *engine, const longtake_request *r)
{
    const cli_values *v = c->values;
    longtake_error error = {0};
    char *plan = NULL;
    const longtake_status s =
        v->json ? longtake_plan_batch(engine, v->prompts, v->output_dir, r, &plan, &error)
                : longtake_plan_batch_table(engine, v->prompts, v->output_dir, r, &plan, &error);
    if (plan)
        fputs(plan, stdout); /* also where lines are wrong */
    if (plan && v->json)
        putchar('\n');
    longtake_free(plan);
    return s == LONGTAKE_OK ? LONGTAKE_OK : cli_fail(c, &error);
}

static int run_batch(cli_context *c, longtake *engine, const longtake_request *r)
{
    const cli_values *v = c->values;
    longtake_error error = {0};
    if (v->dry_run)
        return foresee_batch(c, engine, r);
    if (longtake_generate_batch(engine, v->prompts, v->output_dir, r, tell_line, c, &error) !=
        LONGTAKE_OK)
        return cli_fail(c, &error);
    return LONGTAKE_OK;
}

/* ---- candidates ---- */

static bool makes_candidates(const cli_values *v)
{
    return strcmp(v->command, "tokens") == 0 && (cli_given(v->candidates) || v->preview);
}

static int run_candidates(cli_context *c, longtake *engine, longtake_request *r)
{
    const cli_values *v = c->values;
    const int count = cli_given(v->candidates) ? (int)v->candidates : 1;
    longtake_error error = {0};
    if (v->dry_run) {
        if (count > 1 || r->preview)
            cli_note(c, "--dry-run", "one plan is foreseen, without the others and their sheet");
        r->preview = NULL;
        return dry_run(c, engine, r);
    }
    if (longtake_make_candidates(engine, r, count, tell_line, c, &error) != LONGTAKE_OK)
        return cli_fail(c, &error);
    if (v->preview && !v->json && !cli_is_standard_output(v->preview))
        printf("%s\n", v->preview);
    return LONGTAKE_OK;
}

/* --prompts stands for what is said once of a single take. */
static int check_batch(cli_context *c)
{
    const cli_values *v = c->values;
    if (v->output_dir && !v->prompts)
        return cli_usage(c, "--output-dir: found no --prompts, expected one");
    if (v->prompts &&
        (v->prompt || v->words > 0 || v->output || v->recipe || v->retake || fills_job(v)))
        return cli_usage(
            c, "--prompts: found %s as well, expected prompts, --output-dir and settings alone",
            v->output      ? "--output"
            : v->recipe    ? "--recipe"
            : v->retake    ? "--retake"
            : fills_job(v) ? "--window"
                           : "a prompt");
    if (v->prompts && !v->output_dir)
        return cli_usage(c, "--prompts: found no --output-dir, expected one");
    return LONGTAKE_OK;
}

/* Where the take has its seed from a file, --seed may be that of the retake. */
static bool seed_is_of_retake(const cli_values *v)
{
    const bool from_file =
        v->recipe || strcmp(v->command, "refine") == 0 || strcmp(v->command, "render") == 0;
    return from_file && cli_given(v->seed) && v->seed >= 0;
}

/* What a command reads before it knows the model. */
typedef struct {
    longtake_film *film;
    longtake_recipe *recipe;
    longtake_retake retake;
} take_script;

static int open_script(cli_context *c, word_kind kind, take_script *s)
{
    const cli_values *v = c->values;
    longtake_error error = {0};
    if (kind == WORD_FILM && longtake_film_read(v->word[0], &s->film, &error) != LONGTAKE_OK)
        return cli_fail(c, &error);
    if (v->recipe && longtake_recipe_read(v->recipe, &s->recipe, &error) != LONGTAKE_OK)
        return cli_fail(c, &error);
    c->model = s->film     ? longtake_film_model(s->film)
               : s->recipe ? longtake_recipe_model(s->recipe)
                           : NULL;
    if (v->retake && !cli_given(v->retake_seed) && !seed_is_of_retake(v))
        return cli_usage(c, "--retake: found no seed, expected --retake-seed N");
    if (!v->retake && (cli_given(v->retake_seed) || v->keep_rest))
        return cli_usage(c, "--%s: found no --retake, expected one",
                         v->keep_rest ? "keep-rest" : "retake-seed");
    return LONGTAKE_OK;
}

/* Film and recipe give what the flags leave open. */
static int fill_from_script(cli_context *c, longtake *engine, take_script *s, longtake_request *r)
{
    longtake_error error = {0};
    if (s->film && longtake_film_apply(s->film, engine, r, &error) != LONGTAKE_OK)
        return cli_fail(c, &error);
    if (s->recipe && longtake_recipe_apply(s->recipe, engine, r, &error) != LONGTAKE_OK)
        return cli_fail(c, &error);
    return LONGTAKE_OK;
}

/* --from: frames are those of the video as it is read. */
static int find_moment(cli_context *c, longtake *engine, longtake_request *r)
{
    const cli_values *v = c->values;
    double fps = longtake_fps(engine);
    longtake_error error = {0};
    const bool in_frames = v->from && v->from[strlen(v->from) - 1] == 'f';
    /* what is no file is refused when the take is made */
    if (in_frames && is_file(r->input) &&
        longtake_clip_fps(engine, r->input, &fps, &error) != LONGTAKE_OK)
        return cli_fail(c, &error);
    if (v->from)
        cli_time(v->from, fps, &r->from_seconds);
    return LONGTAKE_OK;
}

/* What needs the model's rate, or its grid. */
static int apply_script(cli_context *c, longtake *engine, take_script *s, longtake_request *r)
{
    const cli_values *v = c->values;
    const int placed = find_moment(c, engine, r);
    if (placed != LONGTAKE_OK)
        return placed;
    if (v->retake && !cli_given(v->retake_seed))
        r->settings.seed = LONGTAKE_SEED_UNSET; /* --seed is the retake's */
    if (v->retake) {
        /* the take whose windows are counted, of which nothing is told */
        longtake_request without = *r;
        without.on_event = NULL;
        int code = fill_from_script(c, engine, s, &without);
        if (code == LONGTAKE_OK)
            code = find_retake(c, engine, &without, &s->retake);
        if (code != LONGTAKE_OK)
            return code;
        r->retakes = &s->retake;
        r->retake_count = 1;
    }
    return fill_from_script(c, engine, s, r);
}

/* Opens film or recipe where the command has one, then the engine, then runs. */
static int open_and_run(cli_context *c, take_fn run, word_kind kind, longtake_request *r)
{
    take_script script = {0};
    longtake *engine = NULL;
    int code = open_script(c, kind, &script);
    if (code == LONGTAKE_OK)
        engine = cli_engine(c, &code);
    if (engine)
        code = apply_script(c, engine, &script, r);
    if (engine && code == LONGTAKE_OK && c->values->print_config)
        code = cli_print_take_config(c, engine, script.film, r);
    else if (engine && code == LONGTAKE_OK && c->values->prompts)
        code = run_batch(c, engine, r);
    else if (engine && code == LONGTAKE_OK && makes_candidates(c->values))
        code = run_candidates(c, engine, r);
    else if (engine && code == LONGTAKE_OK)
        code = run_take(c, run, engine, r);
    cli_engine_close(c, engine);
    longtake_film_close(script.film);
    longtake_recipe_close(script.recipe);
    r->retakes = NULL; /* was the script's */
    r->retake_count = 0;
    return code;
}

int cli_take(cli_context *c)
{
    const cli_values *v = c->values;
    for (size_t i = 0; i < sizeof takes / sizeof *takes; i++) {
        if (strcmp(takes[i].name, v->command) != 0)
            continue;
        char *prompt = NULL;
        longtake_request request;
        int code = check_batch(c);
        if (code == LONGTAKE_OK)
            code = find_prompt(c, takes[i].word, &prompt);
        cli_interrupt_watch(); /* who waits for a prompt to be typed hears signals at once */
        if (code == LONGTAKE_OK)
            code = fill_request(c, takes[i].word, prompt, &request);
        if (code == LONGTAKE_OK)
            code = open_and_run(c, takes[i].run, takes[i].word, &request);
        free(prompt);
        return code;
    }
    return cli_usage(c, "%s: this build has no such command", v->command);
}
