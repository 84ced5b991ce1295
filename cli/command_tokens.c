/* command_tokens.c - plans that are there: tokens cut, join and score. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/flag_values.h"
#include "cli/json_output.h"
#include "cli/request.h"

/* ---- tokens cut FILE FROM-TO -o OUT, tokens join FILE FILE -o OUT ---- */

enum { FRAMES_PER_SEMANTIC = 4, LONGEST_SECONDS = 24 * 3600 };

/* A span at the model's rate. */
typedef struct {
    int64_t first; /* semantic frames, 4 RGB frames each */
    int64_t count;
    int64_t from; /* RGB frames */
    int64_t to;   /* one past the last */
} frame_span;

/* "0s-12s" at `fps` frames a second. The exit code. */
static int read_frames(cli_context *c, const char *text, double fps, frame_span *span)
{
    double from = 0;
    double to = 0;
    if (!cli_span(text, fps, &from, &to))
        return cli_usage(c, "tokens cut: found \"%s\", expected a span such as 0s-13s", text);
    if (to > LONGEST_SECONDS)
        return cli_usage(c, "tokens cut: found \"%s\", expected a span up to %d s, a day", text,
                         LONGEST_SECONDS);
    span->first = llround(from * fps / FRAMES_PER_SEMANTIC);
    span->count = llround(to * fps / FRAMES_PER_SEMANTIC) - span->first;
    span->from = llround(from * fps);
    span->to = llround(to * fps);
    if (span->count < 1)
        return cli_usage(
            c, "tokens cut: found \"%s\", which holds no semantic frame: there is one in %.2g s",
            text, FRAMES_PER_SEMANTIC / fps);
    return LONGTAKE_OK;
}

/* What was cut, where that is not what was asked for: n semantic frames inside a plan make
 * 4 (n - 1) + 1 frames. */
static void tell_length(cli_context *c, const longtake_tokens *part, bool is_end,
                        const frame_span *asked, double fps)
{
    const int64_t frames = longtake_tokens_frames(part);
    const int64_t shown = 1 + (frames + FRAMES_PER_SEMANTIC - 2) / FRAMES_PER_SEMANTIC;
    const bool short_plan = is_end && frames < asked->to - asked->from;
    char text[128];
    if (frames == asked->to - asked->from)
        return;
    snprintf(text, sizeof text, "%s%lld semantic frame%s, which make%s %.2f s",
             short_plan ? "the plan ends before the span does: " : "", (long long)shown,
             shown == 1 ? "" : "s", shown == 1 ? "s" : "", (double)frames / fps);
    cli_note(c, c->values->word[1], text);
}

/* A span that begins behind what the plan shows. */
static longtake_status refuse_late(const char *file, const frame_span *span, int64_t frames,
                                   double fps, longtake_error *error)
{
    error->code = LONGTAKE_ERR_USAGE;
    snprintf(
        error->message, sizeof error->message,
        "%s: found a span from semantic frame %lld (%.2f s) on, expected one that begins before "
        "the plan's end at %.2f s",
        file, (long long)span->first, (double)(span->first * FRAMES_PER_SEMANTIC) / fps,
        (double)frames / fps);
    return error->code;
}

static longtake_status cut(cli_context *c, longtake *e, frame_span span, longtake_error *error)
{
    const cli_values *v = c->values;
    const double fps = longtake_fps(e);
    longtake_tokens *all = NULL;
    longtake_tokens *part = NULL;
    int again = 0;
    bool is_end = false;
    longtake_status s = longtake_tokens_read(e, v->word[1], &all, error);
    if (s == LONGTAKE_OK) {
        const int64_t frames = longtake_tokens_frames(all);
        is_end = span.to >= frames;
        if (is_end) /* with what lies behind the last frame that is shown */
            span.count = longtake_tokens_semantic_frames(all);
        if (span.first * FRAMES_PER_SEMANTIC >= frames)
            s = refuse_late(v->word[1], &span, frames, fps, error);
    }
    if (s == LONGTAKE_OK)
        s = longtake_tokens_recut(e, all, span.first, span.count, &part, &again, error);
    if (s == LONGTAKE_OK)
        s = longtake_tokens_write(part, v->output, error);
    if (s == LONGTAKE_OK && again)
        cli_note(c, v->word[1], "the cut begins inside a segment, whose rest was encoded again");
    if (s == LONGTAKE_OK)
        tell_length(c, part, is_end, &span, fps);
    longtake_tokens_close(part);
    longtake_tokens_close(all);
    return s;
}

/* Each plan begins with a semantic frame, one in four frames. */
static void tell_sum(cli_context *c, const longtake_tokens *joined, int64_t sum, double fps)
{
    char text[128];
    const int64_t frames = longtake_tokens_frames(joined);
    if (frames == sum)
        return;
    snprintf(text, sizeof text,
             "%.2f s of plans of %.2f s in all: each begins at a semantic frame, one in %.2g s",
             (double)frames / fps, (double)sum / fps, FRAMES_PER_SEMANTIC / fps);
    cli_note(c, c->values->output, text);
}

static longtake_status join(cli_context *c, longtake *e, longtake_error *error)
{
    const cli_values *v = c->values;
    longtake_tokens *joined = NULL;
    longtake_status s = longtake_tokens_read(e, v->word[1], &joined, error);
    int64_t sum = s == LONGTAKE_OK ? longtake_tokens_frames(joined) : 0;
    for (int i = 2; i < v->words && s == LONGTAKE_OK; i++) {
        longtake_tokens *next = NULL;
        longtake_tokens *longer = NULL;
        s = longtake_tokens_read(e, v->word[i], &next, error);
        if (s == LONGTAKE_OK) {
            sum += longtake_tokens_frames(next);
            s = longtake_tokens_join(joined, next, &longer, error);
        }
        longtake_tokens_close(next);
        if (s == LONGTAKE_OK) {
            longtake_tokens_close(joined);
            joined = longer;
        }
    }
    if (s == LONGTAKE_OK)
        s = longtake_tokens_write(joined, v->output, error);
    if (s == LONGTAKE_OK)
        tell_sum(c, joined, sum, longtake_fps(e));
    longtake_tokens_close(joined);
    return s;
}

/* Is the output, by whatever name, one of the files that are read? */
static bool replaces_input(const cli_values *v, int inputs)
{
    struct stat output;
    struct stat input;
    if (stat(v->output, &output) != 0 || !S_ISREG(output.st_mode))
        return false;
    for (int i = 1; i <= inputs; i++)
        if (stat(v->word[i], &input) == 0 && input.st_dev == output.st_dev &&
            input.st_ino == output.st_ino)
            return true;
    return false;
}

int cli_tokens_edit(cli_context *c)
{
    const cli_values *v = c->values;
    const bool cutting = strcmp(v->word[0], "cut") == 0;
    frame_span span = {0};
    if (!v->output)
        return cli_usage(c, "--output: found none, expected a token file\nhint: add -o %s.lt",
                         cutting ? "part" : "joined");
    if (cutting ? v->words != 3 : v->words < 3)
        return cli_usage(c, "tokens %s: found %d arguments, expected %s", v->word[0], v->words - 1,
                         cutting ? "a file and a span such as 0s-13s" : "two or more files");
    if (replaces_input(v, cutting ? 1 : v->words - 1))
        return cli_usage(c,
                         "--output: found %s, which this plan is made from, expected another file",
                         v->output);
    int code = cli_check_stream(c);
    longtake *engine = code == LONGTAKE_OK ? cli_engine(c, &code) : NULL;
    if (!engine)
        return code;
    if (cutting)
        code = read_frames(c, v->word[2], longtake_fps(engine), &span);
    if (code != LONGTAKE_OK) {
        cli_engine_close(c, engine);
        return code;
    }
    longtake_error error = {0};
    const longtake_status s = cutting ? cut(c, engine, span, &error) : join(c, engine, &error);
    cli_engine_close(c, engine);
    if (s != LONGTAKE_OK)
        return cli_fail(c, &error);
    cli_print_output(c, v->output);
    return LONGTAKE_OK;
}

/* ---- tokens score FILE... ---- */

static void print_score(const cli_context *c, const char *file, const longtake_score *score)
{
    const double each = score->nats / (double)score->codes;
    if (!c->values->json) {
        printf("%-24s %8lld codes  %.4f nats a code  perplexity %.3f\n", file,
               (long long)score->codes, each, exp(each));
        return;
    }
    printf("{\"file\":\"");
    cli_print_escaped(stdout, file);
    printf("\",\"codes\":%lld,\"nats_per_code\":%.6f}\n", (long long)score->codes, each);
}

int cli_tokens_score(cli_context *c)
{
    const cli_values *v = c->values;
    longtake_request request;
    longtake_error error = {0};
    longtake_score all = {0};
    char *prompt = NULL;
    longtake *engine = NULL;
    if (v->words < 2)
        return cli_usage(c, "tokens score: found no files, expected token files");
    int code = cli_prompt(c, v->prompt, &prompt);
    if (code == LONGTAKE_OK)
        engine = cli_engine(c, &code);
    longtake_request_init(&request);
    cli_fill_settings(v, &request.settings);
    request.prompt = prompt;
    request.on_event = cli_hear_event;
    request.user = c;
    for (int i = 1; i < v->words && code == LONGTAKE_OK; i++) {
        longtake_score score = {0};
        request.input = v->word[i];
        if (longtake_score_tokens(engine, &request, &score, &error) != LONGTAKE_OK) {
            code = cli_fail(c, &error);
            break;
        }
        cli_progress_end(&c->progress);
        print_score(c, v->word[i], &score);
        all.codes += score.codes;
        all.nats += score.nats;
    }
    if (code == LONGTAKE_OK && v->words > 2)
        print_score(c, "all", &all);
    cli_engine_close(c, engine);
    free(prompt);
    return code;
}
