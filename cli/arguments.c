/* arguments.c - the command line and the environment -> values. */
#include "cli/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/flag_values.h"
#include "cli/nearest_name.h"

/* "--max_memory=8G" -> flag and value ("" pointers into `argument`); underscores count as dashes
 * inside the name. */
static const cli_flag *split_long(const char *argument, char name[64], const char **value)
{
    const char *equals = strchr(argument, '=');
    const size_t length = equals ? (size_t)(equals - argument) : strlen(argument);
    *value = equals ? equals + 1 : NULL;
    snprintf(name, 64, "%.*s", length < 63 ? (int)length : 63, argument);
    for (char *c = name; *c; c++)
        if (*c == '_')
            *c = '-';
    return cli_flag_of_name(name);
}

/* Says what may have been meant, or where the flags are listed. `flag` is a long name, or "-x". */
static bool refuse_flag(const cli_values *v, const char *flag, char *message, size_t bytes)
{
    const char *command = cli_is_command(v->command) ? v->command : NULL;
    const char *nearest = *flag == '-' ? NULL : cli_nearest_flag(flag, command);
    const char *dashes = *flag == '-' ? "" : "--";
    const char letter[] = {*flag == '-' ? flag[1] : '\0', '\0'};
    const cli_flag *meant = NULL;
    const char *here = cli_flag_elsewhere(*flag == '-' ? letter : flag, command, &meant);
    if (here && cli_flag_belongs(meant, command))
        snprintf(message, bytes, "unknown flag %s%s\nhint: here it is %s", dashes, flag, here);
    else if (here)
        snprintf(message, bytes, "unknown flag %s%s\nhint: here it is %s, of %s", dashes, flag,
                 here, meant->commands);
    else if (nearest)
        snprintf(message, bytes, "unknown flag %s%s\nhint: the nearest is --%s", dashes, flag,
                 nearest);
    else
        snprintf(message, bytes, "unknown flag %s%s\nhint: longtake %s -h lists them", dashes, flag,
                 command ? command : "COMMAND");
    return false;
}

static bool read_flag(int argc, char **argv, int *at, cli_values *v, char *message, size_t bytes)
{
    const char *argument = argv[*at];
    char name[64] = "";
    const char *value = NULL;
    const cli_flag *f;
    if (argument[1] == '-') {
        f = split_long(argument + 2, name, &value);
        if (!f)
            return refuse_flag(v, name, message, bytes);
    } else {
        f = cli_flag_of_letter(argument[1]);
        if (!f)
            return refuse_flag(v, argument, message, bytes);
        if (argument[2])
            value = argument + 2 + (argument[2] == '=');
    }
    if (f->kind == FLAG_SWITCH && value && argument[1] != '-') {
        snprintf(message, bytes, "-%c: found \"%s\" behind it, a switch takes none", f->letter,
                 argument + 2);
        return false;
    }
    if (f->kind == FLAG_SWITCH && value) {
        snprintf(message, bytes, "--%s: found the value \"%s\", expected none", f->name, value);
        return false;
    }
    if (f->kind != FLAG_SWITCH && !value) {
        if (*at + 1 >= argc) {
            snprintf(message, bytes, "--%s: found nothing, expected %s", f->name, f->value);
            return false;
        }
        value = argv[++*at];
    }
    v->said[f - cli_flags] = true;
    return cli_store(f, value, v, message, bytes);
}

/* A text in place of the command's work: nothing to ask for in an environment, where
 * LONGTAKE_VERSION may well be somebody's own. */
static bool asks_for_text(const cli_flag *f)
{
    return f->at == offsetof(cli_values, version) || f->at == offsetof(cli_values, help) ||
           f->at == offsetof(cli_values, man) || f->at == offsetof(cli_values, completions);
}

/* The value of a variable; of a switch 1, or 0 for none. */
static bool store_variable(const cli_flag *f, const char *value, cli_values *v, char *message,
                           size_t bytes)
{
    if (f->kind != FLAG_SWITCH || strcmp(value, "1") == 0)
        return cli_store(f, value, v, message, bytes);
    if (strcmp(value, "0") == 0)
        return true;
    snprintf(message, bytes, "--%s: found \"%s\", expected 0 or 1", f->name, value);
    return false;
}

static bool is_taken(const cli_values *v, const cli_flag *f)
{
    const char *own = cli_flags_of_edit(v);
    return cli_flag_belongs(f, v->command) &&
           (!own || strcmp(f->commands, "all") == 0 || cli_is_word_of(own, f->name, ' '));
}

void cli_variable_of(const cli_flag *f, char *name, size_t bytes)
{
    size_t n = (size_t)snprintf(name, bytes, "LONGTAKE_");
    for (const char *c = f->name; *c && n < bytes - 1; c++)
        name[n++] = *c == '-' ? '_' : (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    name[n] = '\0';
}

/* The variables of those flags that the command line `of` takes. */
static bool read_environment(const cli_values *of, cli_values *v, char *message, size_t bytes)
{
    for (int i = 0; i < cli_flag_count; i++) {
        char name[80];
        cli_variable_of(&cli_flags[i], name, sizeof name);
        const char *value = getenv(name);
        if (!value || !*value || asks_for_text(&cli_flags[i]) || !is_taken(of, &cli_flags[i]))
            continue;
        if (!store_variable(&cli_flags[i], value, v, message, bytes)) {
            const size_t used = strlen(message);
            snprintf(message + used, bytes - used, "\nhint: it came from the environment, %s",
                     name);
            return false;
        }
    }
    return true;
}

/* A flag that this command does not take is an error, so that nothing is silently ignored. */
static bool flags_fit_command(const cli_values *v, int argc, char **argv, char *message,
                              size_t bytes)
{
    const char *own = cli_flags_of_edit(v);
    for (int i = 1; i < argc; i++) {
        char name[64];
        const char *value;
        if (argv[i][0] != '-' || argv[i][1] == '\0')
            continue;
        if (strcmp(argv[i], "--") == 0)
            break;
        const cli_flag *f = argv[i][1] == '-' ? split_long(argv[i] + 2, name, &value)
                                              : cli_flag_of_letter(argv[i][1]);
        if (!f)
            continue;
        if (!cli_flag_belongs(f, v->command)) {
            snprintf(message, bytes, "--%s is no flag of %s\nhint: it belongs to: %s", f->name,
                     v->command, f->commands);
            return false;
        }
        if (own && strcmp(f->commands, "all") != 0 && !cli_is_word_of(own, f->name, ' ')) {
            snprintf(message, bytes, "--%s is no flag of tokens %s\nhint: its own are: %s", f->name,
                     v->word[0], own);
            return false;
        }
        if (f->kind != FLAG_SWITCH && !strchr(argv[i], '=') && (argv[i][1] == '-' || !argv[i][2]))
            i++;
    }
    return true;
}

/* One thing that several flags say. Where the command line says it by one of them, that wins over
 * all that the environment says. */
typedef struct {
    const char *flag[4]; /* NULL-terminated */
    const char *what;    /* of which the environment may say one alone; NULL where the library knows
                            better */
} several_ways;

static const several_ways ways[] = {{{"seconds", "frames", "num-frames"}, "lengths"},
                                    {{"top-k", "top-p"}, NULL},
                                    {{"prompt"}, NULL}};

/* Bytes of the value that tell whether there is one. */
static size_t bytes_of(const cli_flag *f)
{
    return f->kind == FLAG_SWITCH ? sizeof(bool)
           : cli_is_number(f)     ? sizeof(double)
                                  : sizeof(const char *);
}

bool cli_has_value(const cli_flag *f, const cli_values *v)
{
    cli_values nothing;
    cli_defaults(&nothing);
    return memcmp((const char *)v + f->at, (const char *)&nothing + f->at, bytes_of(f)) != 0;
}

static void take_back(const cli_flag *f, cli_values *v)
{
    cli_values nothing;
    cli_defaults(&nothing);
    memcpy((char *)v + f->at, (const char *)&nothing + f->at, bytes_of(f));
}

static bool says_prompt_in_words(const cli_values *v)
{
    return v->words > 0 && v->command &&
           (strcmp(v->command, "generate") == 0 ||
            (strcmp(v->command, "tokens") == 0 && !cli_flags_of_edit(v)));
}

static bool refuse_ways(const several_ways *way, int found, const cli_values *v, char *message,
                        size_t bytes)
{
    snprintf(message, bytes, "found %d %s in the environment, expected one:", found, way->what);
    for (int i = 0; way->flag[i]; i++) {
        const cli_flag *f = cli_flag_of_name(way->flag[i]);
        char name[80];
        cli_variable_of(f, name, sizeof name);
        const size_t used = strlen(message);
        if (cli_has_value(f, v))
            snprintf(message + used, bytes - used, " %s", name);
    }
    return false;
}

static bool settle_way(const several_ways *way, cli_values *v, char *message, size_t bytes)
{
    bool said = strcmp(way->flag[0], "prompt") == 0 && says_prompt_in_words(v);
    int found = 0;
    for (int i = 0; way->flag[i]; i++) {
        said = said || cli_said(v, way->flag[i]);
        found += cli_has_value(cli_flag_of_name(way->flag[i]), v);
    }
    if (!said && way->what && found > 1)
        return refuse_ways(way, found, v, message, bytes);
    for (int i = 0; said && way->flag[i]; i++)
        if (!cli_said(v, way->flag[i]))
            take_back(cli_flag_of_name(way->flag[i]), v);
    return true;
}

/* How an error is told that comes before `--progress` was read. */
static void look_for_progress(int argc, char **argv, cli_values *v)
{
    static const char name[] = "--progress";
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], name, sizeof name - 1) != 0)
            continue;
        const char *value = argv[i][sizeof name - 1] == '=' ? argv[i] + sizeof name
                            : i + 1 < argc                  ? argv[i + 1]
                                                            : "";
        if (strcmp(value, "jsonl") == 0)
            v->progress = value;
    }
}

/* "help", "help help" and "help COMMAND" are -h and COMMAND -h. */
static void understand_help(cli_values *v)
{
    if (!v->command || strcmp(v->command, "help") != 0)
        return;
    v->help = true;
    v->command = v->words > 0 && strcmp(v->word[0], "help") != 0 ? v->word[0] : NULL;
    v->words = 0;
}

static bool read_arguments(int argc, char **argv, cli_values *v, char *message, size_t bytes)
{
    bool flags_end = false;
    for (int i = 1; i < argc; i++) {
        const bool is_flag = !flags_end && argv[i][0] == '-' && argv[i][1] != '\0';
        if (is_flag && strcmp(argv[i], "--") == 0) {
            flags_end = true;
        } else if (is_flag) {
            if (!read_flag(argc, argv, &i, v, message, bytes))
                return false;
        } else if (!v->command) {
            v->command = argv[i];
        } else if (v->words == CLI_MAX_LIST) {
            snprintf(message, bytes, "%s: found more than %d arguments", v->command, CLI_MAX_LIST);
            return false;
        } else {
            v->word[v->words++] = argv[i];
        }
    }
    return true;
}

/* Is `word` in the text, not as a part of another? */
static bool says_word(const char *text, const char *word)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const size_t n = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        if ((at == text || !strchr(letters, at[-1])) && (!at[n] || !strchr(letters, at[n])))
            return true;
    return false;
}

/* What messages call the thing that a flag says, where they do not name the flag. */
static const struct {
    const char *flag, *words;
} called[] = {{"seconds", "the take"},
              {"frames", "the take"},
              {"num-frames", "the take"},
              {"max-memory", "memory"}};

/* Does the message speak of the flag, or of the value that the variable gave it? */
static bool speaks_of(const char *message, const cli_flag *f, const char *value)
{
    enum { SHORT = 3 }; /* a word like "fit" is another's too, a number any other's */
    char dashed[64];
    char key[64];
    const bool is_text = f->kind == FLAG_TEXT || f->kind == FLAG_TIME || f->kind == FLAG_CHOICE ||
                         f->kind == FLAG_LIST;
    snprintf(dashed, sizeof dashed, "--%s", f->name);
    snprintf(key, sizeof key, "%.*s", (int)strcspn(value, f->kind == FLAG_LIST ? "=" : ""), value);
    for (size_t i = 0; i < sizeof called / sizeof *called; i++)
        if (strcmp(called[i].flag, f->name) == 0 && says_word(message, called[i].words))
            return true;
    return says_word(message, dashed) || (strlen(f->name) > SHORT && says_word(message, f->name)) ||
           (is_text && strlen(value) < sizeof key && says_word(message, key));
}

void cli_name_variables(const cli_values *v, const char *message, char *text, size_t bytes)
{
    size_t used = 0;
    *text = '\0';
    for (int i = 0; i < cli_flag_count; i++) {
        const cli_flag *f = &cli_flags[i];
        char name[80];
        cli_variable_of(f, name, sizeof name);
        const char *value = getenv(name);
        if (!v->said[i] && f->group != FLAGS_OF_TALK && cli_has_value(f, v) && value &&
            speaks_of(message, f, value) && used + strlen(name) + 2 < bytes)
            used += (size_t)snprintf(text + used, bytes - used, "%s%s", used > 0 ? " " : "", name);
    }
}

/* The environment, and the arguments over it; which variables are the command's, `said` knows: the
 * arguments alone. */
static bool read_both(int argc, char **argv, const cli_values *said, cli_values *v, char *message,
                      size_t bytes)
{
    cli_defaults(v);
    if (!read_environment(said, v, message, bytes)) {
        cli_defaults(v);
        return false;
    }
    bool ok = read_arguments(argc, argv, v, message, bytes);
    for (size_t w = 0; ok && w < sizeof ways / sizeof *ways; w++)
        ok = settle_way(&ways[w], v, message, bytes);
    return ok;
}

/* A word with a space in it is the prompt of someone who left the command out. */
static bool refuse_command(const char *word, char *message, size_t bytes)
{
    enum { SHORT = 100 };
    const char *nearest = cli_nearest_command(word);
    const bool shown = strlen(word) <= SHORT && !strchr(word, '\n');
    snprintf(message, bytes, "unknown command \"%s\"", word);
    const size_t used = strlen(message);
    if (strchr(word, ' '))
        snprintf(message + used, bytes - used, "\nhint: longtake generate \"%s\" ...",
                 shown ? word : "PROMPT");
    else
        snprintf(message + used, bytes - used, "\nhint: %s%s",
                 nearest ? "the nearest is " : "longtake help lists them", nearest ? nearest : "");
    return false;
}

bool cli_parse(int argc, char **argv, cli_values *v, char *message, size_t bytes)
{
    cli_values said;
    cli_defaults(&said);
    bool ok = read_arguments(argc, argv, &said, message, bytes);
    understand_help(&said);
    const bool asks = said.help || said.version || said.man || said.completions;
    if (ok && said.command && !asks)
        ok = read_both(argc, argv, &said, v, message, bytes);
    else
        *v = said;
    if (!ok) {
        look_for_progress(argc, argv, v);
        return false;
    }
    if (!v->command && !asks && argc > 1) {
        snprintf(message, bytes,
                 "found flags and no command, expected a command\nhint: longtake help lists them");
        return false;
    }
    return !v->command ||
           (cli_is_command(v->command) ? flags_fit_command(v, argc, argv, message, bytes)
                                       : refuse_command(v->command, message, bytes));
}
