/* progress.c - drawing events; see progress.h. */
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/json_output.h"

static const double redraw_seconds = 0.1;
static const double plain_seconds = 5.0; /* at most one line in this time, ends of windows apart */

void cli_progress_init(cli_progress *p, const char *name, bool quiet, bool verbose)
{
    *p = (cli_progress){.warnings = !quiet, .every_step = verbose, .shown_at = -1e9};
    const bool terminal = isatty(STDERR_FILENO);
    if (!name || strcmp(name, "auto") == 0)
        p->kind = quiet ? PROGRESS_NONE : terminal && !verbose ? PROGRESS_BAR : PROGRESS_PLAIN;
    else if (strcmp(name, "bar") == 0)
        p->kind = PROGRESS_BAR;
    else if (strcmp(name, "plain") == 0)
        p->kind = PROGRESS_PLAIN;
    else if (strcmp(name, "jsonl") == 0)
        p->kind = PROGRESS_JSONL;
    p->colour = terminal && !getenv("NO_COLOR");
}

/* A reader of the lines knows these kinds: what is only worth knowing comes as a warning that says
 * so ("severity"). */
static const char *const event_names[] = {"start",   "stage",       "window", "step",   "preview",
                                          "warning", "window_done", "done",   "warning"};

/* A line of text, without what a terminal obeys: an argument or the name
 * of a file may hold any bytes. */
static void print_visible(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        /* U+0080 to U+009F, in two bytes */
        const bool upper = *c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;
        const bool obeyed = (*c < 0x20 && *c != '\n') || *c == 0x7f || upper;
        fputc(obeyed ? '?' : *c, stderr);
        c += upper;
    }
    fputc('\n', stderr);
}

static void print_json(const longtake_event *e)
{
    fprintf(stderr, "{\"t\":%.3f,\"event\":\"%s\"", e->elapsed_seconds, event_names[e->kind]);
    if (e->stage)
        fprintf(stderr,
                ",\"stage\":\"%s\",\"window\":%lld,\"windows\":%lld,\"step\":%lld,\"steps\":%lld",
                e->stage, (long long)e->window, (long long)e->windows, (long long)e->step,
                (long long)e->steps);
    if (e->frames > 0)
        fprintf(stderr, ",\"frames\":%lld,\"fps\":%.10g", (long long)e->frames, e->fps);
    if (e->eta_seconds >= 0)
        fprintf(stderr, ",\"eta_s\":%.1f", e->eta_seconds);
    fprintf(stderr, ",\"peak_mb\":%.0f", (double)e->peak_bytes / 1048576.0);
    if (e->message) {
        fputs(e->kind == LONGTAKE_EVENT_NOTE ? ",\"severity\":\"note\",\"message\":\""
                                             : ",\"message\":\"",
              stderr);
        cli_print_escaped(stderr, e->message);
        fputc('"', stderr);
    }
    fputs("}\n", stderr);
}

/* "1:05" or "2:03:00". */
static void clock_text(double seconds, char *text, size_t bytes)
{
    const long long s = seconds < 0 ? 0 : (long long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(text, bytes, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, bytes, "%lld:%02lld", s / 60, s % 60);
}

static void describe(const longtake_event *e, char *text, size_t bytes)
{
    char elapsed[32];
    char eta[32] = "";
    clock_text(e->elapsed_seconds, elapsed, sizeof elapsed);
    if (e->eta_seconds >= 0) {
        char left[24];
        clock_text(e->eta_seconds, left, sizeof left);
        snprintf(eta, sizeof eta, "  ETA %s", left);
    }
    char where[64] = "";
    if (e->windows > 1)
        snprintf(where, sizeof where, " %lld/%lld", (long long)e->window + 1,
                 (long long)e->windows);
    char step[64] = "";
    if (e->steps > 0)
        snprintf(step, sizeof step, "  step %lld/%lld", (long long)e->step, (long long)e->steps);
    char pace[32] = "";
    if (e->step_seconds > 0)
        snprintf(pace, sizeof pace, "  %.2f s/step", e->step_seconds);
    snprintf(text, bytes, "%-7s%s%s%s  %s%s  peak %.0f MiB", e->stage ? e->stage : "", where, step,
             pace, elapsed, eta, (double)e->peak_bytes / 1048576.0);
}

static int terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Stages that take turns window by window share the line, each overwriting the other, up to their
 * last windows: those stay. */
static void draw_bar(cli_progress *p, const longtake_event *e)
{
    char text[256];
    describe(e, text, sizeof text);
    const bool new_stage = e->stage && strcmp(p->stage, e->stage) != 0;
    if (new_stage) {
        if (p->stage_done)
            cli_progress_end(p);
        snprintf(p->stage, sizeof p->stage, "%s", e->stage);
    } else if (e->kind == LONGTAKE_EVENT_STEP && e->step < e->steps &&
               e->elapsed_seconds < p->shown_at + redraw_seconds) {
        return;
    }
    p->shown_at = e->elapsed_seconds;
    p->stage_done = e->window + 1 >= e->windows && e->step >= e->steps;
    fprintf(stderr, "\r\033[K%.*s", terminal_columns() - 1, text);
    fflush(stderr);
    p->line_open = true;
}

static void print_plain(cli_progress *p, const longtake_event *e)
{
    const bool ends = e->kind == LONGTAKE_EVENT_WINDOW_DONE ||
                      (e->kind == LONGTAKE_EVENT_STEP && e->step == e->steps);
    const bool each = p->every_step && e->kind == LONGTAKE_EVENT_STEP;
    if (e->kind != LONGTAKE_EVENT_STAGE && !each &&
        !(ends && e->elapsed_seconds >= p->shown_at + plain_seconds / 5) &&
        e->elapsed_seconds < p->shown_at + plain_seconds)
        return;
    char text[256];
    describe(e, text, sizeof text);
    p->shown_at = e->elapsed_seconds;
    fprintf(stderr, "%s\n", text);
}

void cli_progress_error(cli_progress *p, int code, const char *message)
{
    cli_progress_end(p);
    if (p->kind != PROGRESS_JSONL) {
        fputs("longtake: ", stderr);
        print_visible(message);
        return;
    }
    fprintf(stderr, "{\"t\":%.3f,\"event\":\"error\",\"code\":%d,\"message\":\"", p->elapsed, code);
    cli_print_escaped(stderr, message);
    fputs("\"}\n", stderr);
}

void cli_progress_event(cli_progress *p, const longtake_event *e)
{
    p->elapsed = e->elapsed_seconds;
    if (p->kind == PROGRESS_JSONL) {
        print_json(e);
        return;
    }
    if (e->kind == LONGTAKE_EVENT_WARNING || e->kind == LONGTAKE_EVENT_NOTE) {
        cli_progress_end(p);
        if (p->warnings && e->kind == LONGTAKE_EVENT_WARNING)
            fprintf(stderr, "%swarning:%s ", p->colour ? "\033[33m" : "",
                    p->colour ? "\033[0m" : "");
        if (p->warnings)
            print_visible(e->message);
        return;
    }
    if (e->kind == LONGTAKE_EVENT_START || e->kind == LONGTAKE_EVENT_DONE ||
        e->kind == LONGTAKE_EVENT_PREVIEW)
        return;
    if (p->kind == PROGRESS_BAR)
        draw_bar(p, e);
    else if (p->kind == PROGRESS_PLAIN)
        print_plain(p, e);
}

void cli_progress_end(cli_progress *p)
{
    if (p->line_open)
        fputc('\n', stderr);
    p->line_open = false;
    p->stage[0] = '\0';
}
