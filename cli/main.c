/* main.c - the program: reads the command line, finds its data, runs one command. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cache_folder.h"
#include "cli/commands.h"
#include "cli/completions.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "cli/json_output.h"

int cli_fail(cli_context *c, const longtake_error *error)
{
    const int interrupted = cli_interrupt_code();
    const int code = error->code == LONGTAKE_ERR_CANCELLED && interrupted ? interrupted : (int)error->code;
    cli_progress_error(&c->progress, code, error->message);
    return code;
}

int cli_usage(cli_context *c, const char *format, ...)
{
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    cli_progress_error(&c->progress, LONGTAKE_ERR_USAGE, message);
    return LONGTAKE_ERR_USAGE;
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

int cli_check_stream(cli_context *c)
{
    const cli_values *v = c->values;
    if (!v->output || strcmp(v->output, "-") != 0)
        return LONGTAKE_OK;
    if (v->json)
        return cli_usage(c, "--output - and --json: found both, expected one: each has standard output for itself");
    if (isatty(STDOUT_FILENO))
        return cli_usage(c, "--output -: found a terminal as standard output, expected a file or a pipe");
    return LONGTAKE_OK;
}

void cli_print_output(const cli_context *c, const char *path)
{
    if (strcmp(path, "-") == 0)
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

int cli_print_config(cli_context *c, longtake *engine)
{
    char *text = NULL;
    longtake_error error = {0};
    if (longtake_print_config(engine, &text, &error) != LONGTAKE_OK)
        return cli_fail(c, &error);
    if (c->values->json)
        cli_print_config_object(stdout, text);
    else
        fputs(text, stdout);
    longtake_free(text);
    return LONGTAKE_OK;
}

/* Of a command that makes no take. */
static int print_config_alone(cli_context *c)
{
    int code = LONGTAKE_OK;
    longtake *engine = cli_engine(c, &code);
    if (engine)
        code = cli_print_config(c, engine);
    cli_engine_close(c, engine);
    return code;
}

enum { MOST_OPERATIONS = 64, LARGEST_TOLD = 4 };

/* What a stage spent above what the machine would need, operation by operation, until its line as a whole comes. */
typedef struct {
    const cli_context *context;
    int count;
    struct {
        const char *operation;
        double seconds;
    } above[MOST_OPERATIONS];
    double inside; /* seconds of all operations */
} profile_printer;

/* "   rest: attention 14 %, conv 9 %, outside 3 %" */
static void print_rest(profile_printer *p, double whole)
{
    p->above[p->count].operation = "outside";
    p->above[p->count++].seconds = whole - p->inside;
    const char *before = "   rest: ";
    for (int told = 0; told < LARGEST_TOLD; told++) {
        int largest = 0;
        for (int i = 1; i < p->count; i++)
            if (p->above[i].seconds > p->above[largest].seconds)
                largest = i;
        const double share = 100 * p->above[largest].seconds / whole;
        if (share < 0.5)
            break;
        fprintf(stderr, "%s%s %.0f %%", before, p->above[largest].operation, share);
        p->above[largest].seconds = 0;
        before = ", ";
    }
}

static void print_profile_line(void *user, const longtake_profile_line *line)
{
    profile_printer *p = user;
    const cli_context *c = p->context;
    const bool whole = strcmp(line->operation, "all") == 0;
    if (!whole && p->count < MOST_OPERATIONS - 1) {
        p->above[p->count].operation = line->operation;
        p->above[p->count++].seconds = line->seconds - line->least_seconds;
        p->inside += line->seconds;
    }
    if (line->seconds <= 0)
        return;
    if (c->progress.kind == PROGRESS_JSONL) {
        fprintf(stderr, "{\"event\":\"profile\",\"stage\":\"%s\",\"operation\":\"%s\",\"calls\":%lld,\"seconds\":%.6g,\"flop\":%.6g,"
                        "\"bytes\":%.6g,\"least_seconds\":%.6g}\n",
                line->stage, line->operation, (long long)line->calls, line->seconds, line->flop, line->bytes, line->least_seconds);
        return;
    }
    fprintf(stderr, "%-8s %-12s %10lld %9.3f %9.1f %9.1f %6.0f %%", line->stage, line->operation, (long long)line->calls,
            line->seconds, line->flop / line->seconds / 1e9, line->bytes / line->seconds / 1e9,
            100 * line->least_seconds / line->seconds);
    if (whole) {
        print_rest(p, line->seconds);
        *p = (profile_printer){.context = c};
    }
    fputc('\n', stderr);
}

void cli_engine_close(cli_context *c, longtake *engine)
{
    if (engine && c->values->profile) {
        longtake_error error = {0};
        profile_printer printer = {.context = c};
        cli_progress_end(&c->progress);
        if (c->progress.kind != PROGRESS_JSONL)
            fprintf(stderr, "%-8s %-12s %10s %9s %9s %9s %8s\n", "stage", "operation", "calls", "seconds", "GFLOP/s", "GB/s", "of best");
        if (longtake_profile(engine, print_profile_line, &printer, &error) != LONGTAKE_OK)
            cli_fail(c, &error);
    }
    longtake_close(engine);
}

enum { MOST_TEXT = 1 << 20 }; /* bytes of a text file: far more than any encoder reads */

/* Reads all of `f` to `text` [MOST_TEXT + 1]; what is wrong with it goes to `message`. */
static bool read_whole_text(FILE *f, char *text, const char *place, char *message, size_t bytes)
{
    size_t n = fread(text, 1, MOST_TEXT, f);
    if (ferror(f)) {
        snprintf(message, bytes, "%s: %s", place, strerror(errno));
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
    text[n] = '\0';
    return true;
}

char *cli_read_text(cli_context *c, const char *path)
{
    const bool standard = strcmp(path, "-") == 0;
    longtake_error error = {.code = LONGTAKE_ERR_INPUT};
    FILE *f = standard ? stdin : fopen(path, "rb");
    if (!f)
        snprintf(error.message, sizeof error.message, "%s: %s", path, strerror(errno));
    char *text = f ? malloc(MOST_TEXT + 1) : NULL;
    if (f && !text) {
        error.code = LONGTAKE_ERR_RESOURCES;
        snprintf(error.message, sizeof error.message, "%s: out of memory", path);
    }
    const bool whole = text && read_whole_text(f, text, standard ? "standard input" : path, error.message, sizeof error.message);
    if (f && !standard)
        fclose(f);
    if (whole)
        return text;
    free(text);
    cli_fail(c, &error);
    return NULL;
}

/* Beside the program: a build tree (build/longtake beside the sources) or an installation (bin/ beside share/longtake). */
typedef struct {
    char text[3][PATH_MAX];
    const char *list[4];
} search_folders;

static void find_data(search_folders *s)
{
    char program[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = '\0';
    int count = 0;
    static const char *const places[] = {"%s/../share/longtake", "%s/..", "%s/../.."};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char place[PATH_MAX];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        const bool fits = snprintf(place, PATH_MAX, places[i], program) < PATH_MAX;
#pragma GCC diagnostic pop
        if (fits && realpath(place, s->text[count])) {
            s->list[count] = s->text[count];
            count++;
        }
    }
    s->list[count] = NULL;
}

/* A standard descriptor that is closed would be given to the next file that is opened; here reading and writing it fails. */
static void hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            return;
}

/* What is freed goes back to the system. Left to itself the C library learns from the first large block that is freed to keep such
 * blocks, and gives every thread of a codec a store of its own: a long take then needs a few MB more than a short one, or less,
 * as its windows happen to lie. */
static void keep_no_freed_memory(void)
{
    enum { LARGE_BLOCK = 128 * 1024 }; /* bytes; what the C library begins with */
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    mallopt(M_ARENA_MAX, 1);
}

/* What was printed must have arrived. */
static int close_output(cli_context *c, int code)
{
    errno = 0;
    const bool arrived = fflush(stdout) == 0 && !ferror(stdout);
    if (arrived || code != LONGTAKE_OK)
        return code;
    const int cause = errno;
    longtake_error error = {.code = cause == ENOSPC || cause == EFBIG ? LONGTAKE_ERR_RESOURCES : LONGTAKE_ERR_FAILED};
    snprintf(error.message, sizeof error.message, "standard output: cannot be written%s%s", cause ? ": " : "", cause ? strerror(cause) : "");
    return cli_fail(c, &error);
}

static int run_command(cli_context *c)
{
    const char *command = c->values->command;
    static const struct {
        const char *name;
        int (*run)(cli_context *c);
    } others[] = {{"info", cli_info}, {"import", cli_import}, {"check", cli_check}, {"bench", cli_bench}, {"devices", cli_devices}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i].name, command) == 0)
            return c->values->print_config ? print_config_alone(c) : others[i].run(c);
    const char *word = strcmp(command, "tokens") == 0 && c->values->words > 0 ? c->values->word[0] : "";
    const bool edits = strcmp(word, "cut") == 0 || strcmp(word, "join") == 0;
    const bool scores = strcmp(word, "score") == 0;
    if ((edits || scores) && c->values->print_config)
        return print_config_alone(c);
    return edits ? cli_tokens_edit(c) : scores ? cli_tokens_score(c) : cli_take(c);
}

int main(int argc, char **argv)
{
    static cli_values values;
    static search_folders folders;
    char message[512] = "";
    hold_standard_descriptors();
    keep_no_freed_memory();
    cli_defaults(&values);
    const bool understood = cli_parse(argc, argv, &values, message, sizeof message);
    cli_context context = {.values = &values, .search = folders.list};
    cli_progress_init(&context.progress, values.progress, values.quiet, values.verbose); /* as far as it was read */
    if (!understood)
        return cli_usage(&context, "%s", message);
    if (values.version) {
        printf("longtake %s\n", longtake_version());
        return close_output(&context, LONGTAKE_OK);
    }
    if (values.completions || values.man) {
        if (values.completions)
            cli_completions(values.completions);
        else
            cli_man_page();
        return close_output(&context, LONGTAKE_OK);
    }
    if (!values.command) {
        cli_help_short();
        return close_output(&context, LONGTAKE_OK);
    }
    if (values.help) {
        cli_help(values.command);
        return close_output(&context, LONGTAKE_OK);
    }
    find_data(&folders);
    cli_writes_give_errors();
    const int code = close_output(&context, run_command(&context));
    cli_progress_end(&context.progress);
    return code;
}
