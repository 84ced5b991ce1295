/* context.c - what commands do alike; see context.h. */
#include "cli/context.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/cache_folder.h"
#include "cli/flag_values.h"
#include "cli/interrupt.h"
#include "cli/json_output.h"
#include "cli/profile_table.h"

/* What is refused may have been asked for by the environment, which is easily forgotten. */
static void tell_error(cli_context *c, int code, const char *message)
{
    char names[256] = "";
    char text[sizeof((longtake_error *)0)->message + sizeof names + 32];
    const bool asked =
        code == LONGTAKE_ERR_USAGE || code == LONGTAKE_ERR_INPUT || code == LONGTAKE_ERR_DEVICE;
    if (asked && !strchr(message, '\n'))
        cli_name_variables(c->values, message, names, sizeof names);
    snprintf(text, sizeof text, "%s%s%s", message,
             names[0] != '\0' ? "\nhint: in the environment: " : "", names);
    cli_progress_error(&c->progress, code, text);
}

int cli_fail(cli_context *c, const longtake_error *error)
{
    const int interrupted = cli_interrupt_code();
    /* a signal may also show as a read or an open that failed */
    const int code = interrupted ? interrupted : (int)error->code;
    tell_error(c, code, error->message);
    return code;
}

int cli_usage(cli_context *c, const char *format, ...)
{
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    tell_error(c, LONGTAKE_ERR_USAGE, message);
    return LONGTAKE_ERR_USAGE;
}

void cli_note(cli_context *c, const char *place, const char *text)
{
    char message[PATH_MAX + 128];
    snprintf(message, sizeof message, "%s: %s", place, text);
    const longtake_event note = {
        .kind = LONGTAKE_EVENT_NOTE, .eta_seconds = -1, .message = message};
    cli_progress_event(&c->progress, &note);
}

int cli_hear_event(void *context, const longtake_event *event)
{
    cli_context *c = context;
    cli_progress_event(&c->progress, event);
    return cli_interrupt_code() != 0;
}

void cli_print_document(const cli_context *c, const char *json)
{
    if (c->values->json)
        puts(json);
    else
        cli_print_layout(stdout, json);
}

bool cli_is_standard_output(const char *path)
{
    struct stat there;
    struct stat out;
    if (strcmp(path, "-") == 0)
        return true;
    /* /dev/null */
    const bool keeps_nothing =
        fstat(STDOUT_FILENO, &out) != 0 ||
        (!S_ISFIFO(out.st_mode) && !S_ISSOCK(out.st_mode) && !isatty(STDOUT_FILENO));
    return !keeps_nothing && stat(path, &there) == 0 && there.st_dev == out.st_dev &&
           there.st_ino == out.st_ino;
}

int cli_check_stream(cli_context *c)
{
    const cli_values *v = c->values;
    if (!v->output || !cli_is_standard_output(v->output))
        return LONGTAKE_OK;
    if (v->json)
        return cli_usage(
            c,
            "--output - and --json: found both, expected one: each has standard output for itself");
    if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY) /* closed, so held on /dev/null */
        return cli_fail(c,
                        &(longtake_error){
                            .code = LONGTAKE_ERR_FAILED,
                            .message = "standard output: cannot be written: Bad file descriptor"});
    if (isatty(STDOUT_FILENO))
        return cli_usage(
            c, "--output -: found a terminal as standard output, expected a file or a pipe");
    return LONGTAKE_OK;
}

void cli_print_output(const cli_context *c, const char *path)
{
    if (cli_is_standard_output(path))
        return;
    if (!c->values->json) {
        puts(path);
        return;
    }
    fputs("{\"output\":\"", stdout);
    cli_print_escaped(stdout, path);
    puts("\"}");
}

longtake *cli_engine(cli_context *c, int *code)
{
    const cli_values *v = c->values;
    longtake_options options;
    longtake_options_init(&options);
    options.model = v->model ? v->model : c->model;
    options.search = c->search;
    options.config = v->config;
    options.set = v->set.count > 0 ? v->set.item : NULL;
    if (v->device)
        options.device = v->device;
    if (v->precision)
        options.precision = v->precision;
    if (cli_given(v->threads))
        options.threads = (int)v->threads;
    if (cli_given(v->max_memory))
        options.max_memory = (int64_t)v->max_memory;
    options.profile = v->profile;
    char cache[PATH_MAX];
    if (cli_cache_folder(cache, sizeof cache))
        options.cache_dir = cache;
    longtake_error error = {0};
    longtake *engine = NULL;
    *code = (int)longtake_open(&options, &engine, &error);
    if (*code != LONGTAKE_OK)
        cli_fail(c, &error);
    return engine;
}

void cli_engine_close(cli_context *c, longtake *engine)
{
    if (engine && c->values->profile)
        cli_print_profile(c, engine);
    longtake_close(engine);
}

enum { MOST_TEXT = 1 << 20 }; /* bytes of a text file: far more than any encoder reads */

/* Reads all of `f` to `text` [MOST_TEXT + 1]; what is wrong with it goes to `message`. */
static bool read_whole_text(FILE *f, char *text, const char *place, char *message, size_t bytes)
{
    size_t n = fread(text, 1, MOST_TEXT, f);
    if (ferror(f)) {
        snprintf(message, bytes, "%s: %s", place,
                 errno == EINTR ? "stopped while it was read" : strerror(errno));
        return false;
    }
    if (n == MOST_TEXT && fgetc(f) != EOF) {
        snprintf(message, bytes, "%s: more than %d bytes, expected a text", place, MOST_TEXT);
        return false;
    }
    const char *zero = memchr(text, '\0', n);
    if (zero) {
        snprintf(message, bytes, "%s: byte %td is zero, expected a text", place, zero - text);
        return false;
    }
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    static const char byte_order_mark[] = "\xef\xbb\xbf"; /* that some editors begin a file with */
    const size_t mark = n >= 3 && memcmp(text, byte_order_mark, 3) == 0 ? 3 : 0;
    memmove(text, text + mark, n - mark);
    text[n - mark] = '\0';
    return true;
}

int cli_read_text(cli_context *c, const char *path, char **text)
{
    const bool standard = strcmp(path, "-") == 0;
    longtake_error error = {.code = LONGTAKE_ERR_INPUT};
    FILE *f = standard ? stdin : fopen(path, "rb");
    if (!f)
        snprintf(error.message, sizeof error.message, "%s: %s", path, strerror(errno));
    *text = f ? malloc(MOST_TEXT + 1) : NULL;
    if (f && !*text) {
        error.code = LONGTAKE_ERR_RESOURCES;
        snprintf(error.message, sizeof error.message, "%s: out of memory", path);
    }
    const bool whole = *text && read_whole_text(f, *text, standard ? "standard input" : path,
                                                error.message, sizeof error.message);
    if (f && !standard)
        fclose(f);
    if (whole)
        return LONGTAKE_OK;
    free(*text);
    *text = NULL;
    return cli_fail(c, &error);
}
