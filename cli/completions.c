/* completions.c - what shells need to know of the tables; see completions.h. */
#include "cli/completions.h"

#include <stdio.h>
#include <string.h>

#include "cli/flags.h"

/* What stands after a flag. */
typedef enum { VALUE_NONE, VALUE_CHOICE, VALUE_FILE, VALUE_FOLDER, VALUE_OTHER } value_kind;

static value_kind value_of(const cli_flag *f)
{
    if (f->kind == FLAG_SWITCH)
        return VALUE_NONE;
    if (f->choices)
        return VALUE_CHOICE;
    if (strstr(f->value, "FILE"))
        return VALUE_FILE;
    return strstr(f->value, "DIR") ? VALUE_FOLDER : VALUE_OTHER;
}

/* Prints `text` with a backslash before every character of `special`. */
static void print_escaped(const char *text, const char *special)
{
    for (; *text; text++) {
        if (strchr(special, *text))
            putchar('\\');
        putchar(*text);
    }
}

/* The same inside the single quotes of bash and zsh, where a quote must step outside. */
static void print_quoted(const char *text, const char *special)
{
    for (; *text; text++) {
        if (strchr(special, *text))
            putchar('\\');
        if (*text == '\'')
            fputs("'\\'", stdout);
        putchar(*text);
    }
}

/* "a|b|c" -> "a b c" */
static void print_choices(const char *choices)
{
    for (; *choices; choices++)
        putchar(*choices == '|' ? ' ' : *choices);
}

static void print_commands(char separator)
{
    for (int i = 0; i < cli_command_count; i++)
        printf("%s%.1s", cli_commands[i].name, i + 1 < cli_command_count ? &separator : "");
}

/* "cut join score" */
static void print_token_edits(void)
{
    for (int i = 0; cli_token_edit(i); i++)
        printf("%s%s", i > 0 ? " " : "", cli_token_edit(i));
}

/* ---- bash ---- */

/* A branch of `case $prev` for the flag's value. */
static void bash_value(const cli_flag *f)
{
    const value_kind kind = value_of(f);
    if (kind == VALUE_NONE)
        return;
    printf("    --%s", f->name);
    if (f->letter)
        printf("|-%c", f->letter);
    printf(") ");
    if (kind == VALUE_CHOICE) {
        printf("COMPREPLY=($(compgen -W '");
        print_choices(f->choices);
        printf("' -- \"$cur\")); ");
    } else if (kind != VALUE_OTHER) {
        printf("mapfile -t COMPREPLY < <(compgen %s -- \"$cur\"); ",
               kind == VALUE_FILE ? "-f" : "-d");
    }
    printf("return ;;\n");
}

static void bash(void)
{
    printf(
        "# bash completion of longtake\n"
        "_longtake() {\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= word flags=\n"
        "    COMPREPLY=()\n"
        "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
        "        case $word in\n"
        "        ");
    print_commands('|');
    printf(") command=$word; break ;;\n"
           "        esac\n"
           "    done\n"
           "    case $prev in\n");
    for (int i = 0; i < cli_flag_count; i++)
        if (cli_flags[i].help)
            bash_value(&cli_flags[i]);
    printf("    esac\n"
           "    if [[ -z $command && $cur != -* ]]; then\n"
           "        COMPREPLY=($(compgen -W '");
    print_commands(' ');
    printf("' -- \"$cur\"))\n"
           "        return\n"
           "    fi\n"
           "    case $command in\n");
    for (int c = 0; c < cli_command_count; c++) {
        printf("    %s) flags='", cli_commands[c].name);
        for (int i = 0; i < cli_flag_count; i++)
            if (cli_flags[i].help && cli_flag_belongs(&cli_flags[i], cli_commands[c].name))
                printf("--%s ", cli_flags[i].name);
        printf("' ;;\n");
    }
    printf("    *) flags='--help --version' ;;\n"
           "    esac\n"
           "    if [[ $cur == -* ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\"))\n"
           "    elif [[ $prev == tokens ]]; then\n"
           "        mapfile -t COMPREPLY < <(compgen -W '");
    print_token_edits();
    printf("' -- \"$cur\"; compgen -f -- \"$cur\")\n"
           "    else\n"
           "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
           "    fi\n"
           "}\n"
           "complete -o filenames -F _longtake longtake\n");
}

/* ---- zsh ---- */

static void zsh_flag(const cli_flag *f)
{
    static const char quoted[] = "[]:\\";
    const value_kind kind = value_of(f);
    char names[64];
    if (f->letter)
        snprintf(names, sizeof names, "'{-%c,--%s}'", f->letter, f->name);
    else
        snprintf(names, sizeof names, "--%s", f->name);
    printf(" \\\n            '%s%s[", f->kind == FLAG_LIST ? "*" : "", names);
    print_quoted(f->help, quoted);
    printf("]");
    if (kind != VALUE_NONE) {
        putchar(':');
        print_escaped(f->value, quoted);
        putchar(':');
    }
    if (kind == VALUE_CHOICE) {
        putchar('(');
        print_choices(f->choices);
        putchar(')');
    } else if (kind == VALUE_FILE || kind == VALUE_FOLDER) {
        printf(kind == VALUE_FILE ? "_files" : "_files -/");
    }
    putchar('\'');
}

static void zsh(void)
{
    printf("#compdef longtake\n"
           "local -a names=(\n" /* zsh has a parameter `commands` of its own */);
    for (int i = 0; i < cli_command_count; i++) {
        printf("    '%s:", cli_commands[i].name);
        print_quoted(cli_commands[i].help, ":");
        printf("'\n");
    }
    printf(")\n"
           "if (( CURRENT == 2 )); then\n"
           "    _describe command names\n"
           "    return\n"
           "fi\n"
           "case $words[2] in\n");
    for (int c = 0; c < cli_command_count; c++) {
        printf("    %s)\n        _arguments", cli_commands[c].name);
        for (int i = 0; i < cli_flag_count; i++)
            if (cli_flags[i].help && cli_flag_belongs(&cli_flags[i], cli_commands[c].name))
                zsh_flag(&cli_flags[i]);
        if (strcmp(cli_commands[c].name, "tokens") == 0) {
            printf(" \\\n            '1:word:(");
            print_token_edits();
            printf(")'");
        }
        printf(" \\\n            '*:file:_files' ;;\n");
    }
    printf("esac\n");
}

/* ---- fish ---- */

static void fish_flag(const cli_flag *f)
{
    const value_kind kind = value_of(f);
    printf("complete -c longtake");
    if (strcmp(f->commands, "all") != 0)
        printf(" -n '__fish_seen_subcommand_from %s'", f->commands);
    printf(" -l %s", f->name);
    if (f->letter)
        printf(" -s %c", f->letter);
    if (kind == VALUE_CHOICE) {
        printf(" -x -a '");
        print_choices(f->choices);
        putchar('\'');
    } else if (kind != VALUE_NONE) {
        printf(kind == VALUE_OTHER ? " -x" : " -r");
    }
    printf(" -d '");
    print_escaped(f->help, "'\\");
    printf("'\n");
}

static void fish(void)
{
    for (int i = 0; i < cli_command_count; i++) {
        printf("complete -c longtake -f -n __fish_use_subcommand -a %s -d '", cli_commands[i].name);
        print_escaped(cli_commands[i].help, "'\\");
        printf("'\n");
    }
    printf("complete -c longtake -n '__fish_seen_subcommand_from tokens' -a '");
    print_token_edits();
    printf("'\n");
    for (int i = 0; i < cli_flag_count; i++)
        if (cli_flags[i].help)
            fish_flag(&cli_flags[i]);
}

void cli_completions(const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        bash();
    else if (strcmp(shell, "zsh") == 0)
        zsh();
    else
        fish();
}

/* ---- man page ---- */

static void man_flag(const cli_flag *f)
{
    printf(".TP\n");
    if (f->letter)
        printf("\\fB\\-%c\\fR, ", f->letter);
    printf("\\fB\\-\\-");
    print_escaped(f->name, "-");
    printf("\\fR%s\\fI", f->value ? " " : "");
    print_escaped(f->value ? f->value : "", "-");
    printf("\\fR\n");
    print_escaped(f->help, "-\\");
    if (f->choices) {
        printf(": ");
        print_choices(f->choices);
    }
    if (strcmp(f->commands, "all") != 0)
        printf(" (%s)", f->commands);
    printf(".\n");
}

void cli_man_page(void)
{
    printf(".TH LONGTAKE 1 \"\" \"longtake\" \"User commands\"\n"
           ".SH NAME\n"
           "longtake \\- one long continuous shot from a prompt\n"
           ".SH SYNOPSIS\n");
    for (int i = 0; i < cli_command_count; i++)
        printf(".B longtake %s\n%s%s[flags]\n.br\n", cli_commands[i].name, cli_commands[i].words,
               *cli_commands[i].words ? "\n" : "");
    printf(".SH COMMANDS\n");
    for (int i = 0; i < cli_command_count; i++) {
        printf(".TP\n.B %s\n", cli_commands[i].name);
        print_escaped(cli_commands[i].help, "-\\");
        printf(".\n");
    }
    printf(
        ".SH FLAGS\n"
        "In parentheses: the commands that know a flag; where none are named, all do. An underscore in a "
        "name counts as a\n"
        "dash. The environment gives the same as LONGTAKE_NAME, with capitals and underscores, "
        "a switch 1 or 0; a flag wins.\n"
        "A default that is not said here is the model's; longtake COMMAND \\-\\-print\\-config shows it.\n");
    for (int i = 0; i < cli_flag_count; i++) {
        if (i == 0 || cli_flags[i].group != cli_flags[i - 1].group)
            printf(".SS %s\n", cli_group_titles[cli_flags[i].group]);
        if (cli_flags[i].help)
            man_flag(&cli_flags[i]);
    }
    printf(
        ".SH FILES\n"
        ".TP\n.I OUTPUT.job\n"
        "what is finished of a take, beside its output: the same command goes on from it. Gone on success.\n"
        ".TP\n.I $XDG_CACHE_HOME/longtake, ~/.cache/longtake\n"
        "how fast this machine was, for the time that \\-\\-dry\\-run foresees.\n"
        ".SH EXAMPLES\n");
    for (int i = 0; i < cli_example_count; i++) {
        printf(".TP\n\\fB");
        print_escaped(cli_examples[i].line, "-\\");
        printf("\\fR\n%s.\n", cli_examples[i].what);
    }
    printf(
        ".SH EXIT STATUS\n"
        "0 done; 1 failed; 2 wrong usage; 3 bad or missing input, configuration or model file; 4 out of "
        "device memory;\n"
        "5 out of memory or disk; 6 device absent or unsupported; 7 done, but a limit that was asked for "
        "is exceeded;\n"
        "130, 143 interrupted: the finished part is kept, the same command goes on.\n");
}
