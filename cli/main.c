/* main.c - the program: reads the command line, finds its data, runs one command. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/config_print.h"
#include "cli/completions.h"
#include "cli/flag_values.h"
#include "cli/help.h"
#include "cli/interrupt.h"

/* Beside the program: an installation (bin/ beside share/longtake) or a build tree, which lies
 * inside the sources or has links to them. */
enum { PLACES = 4 };

typedef struct {
    char text[PLACES][PATH_MAX];
    const char *list[PLACES + 1];
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
    static const char *const places[PLACES] = {"%s/../share/longtake", "%s/..", "%s/../..",
                                               "%s/sources"};
    for (size_t i = 0; i < PLACES; i++) {
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

/* A standard descriptor that is closed would be given to the next file that is opened; here reading
 * and writing it fails. */
static void hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            return;
}

/* What is freed goes back to the system. Left to itself the C library learns from the first large
 * block that is freed to keep such blocks, and gives every thread of a codec a store of its own: a
 * long take then needs a few MB more than a short one, or less, as its windows happen to lie. */
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
    longtake_error error = {.code = cause == ENOSPC || cause == EFBIG ? LONGTAKE_ERR_RESOURCES
                                                                      : LONGTAKE_ERR_FAILED};
    snprintf(error.message, sizeof error.message, "standard output: cannot be written%s%s",
             cause ? ": " : "", cause ? strerror(cause) : "");
    return cli_fail(c, &error);
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

static int run_command(cli_context *c)
{
    const char *command = c->values->command;
    static const struct {
        const char *name;
        int (*run)(cli_context *c);
    } others[] = {{"info", cli_info},
                  {"import", cli_import},
                  {"check", cli_check},
                  {"bench", cli_bench},
                  {"devices", cli_devices}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i].name, command) == 0)
            return c->values->print_config ? print_config_alone(c) : others[i].run(c);
    const char *word =
        strcmp(command, "tokens") == 0 && c->values->words > 0 ? c->values->word[0] : "";
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
    /* as far as it was read */
    cli_progress_init(&context.progress, values.progress, values.quiet, values.verbose);
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
