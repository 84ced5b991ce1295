/* help.c - help texts; see help.h. */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "cli/flags.h"
#include "longtake.h"

void cli_help_short(void)
{
    printf(
        "longtake %s - one long continuous shot from a prompt\n\n"
        "  %s\n"
        "  longtake encode clip.mp4 -o clip.lt && longtake render clip.lt -p \"...\" -o again.mp4\n\n"
        "commands:\n",
        longtake_version(), cli_example_of("generate"));
    for (int i = 0; i < cli_command_count; i++)
        printf("  %-10s %s\n", cli_commands[i].name, cli_commands[i].help);
    printf("\nlongtake COMMAND -h lists its flags.\n");
}

static void print_flag(const cli_flag *f)
{
    char left[64];
    const char *value = f->value ? f->value : "";
    if (f->letter)
        snprintf(left, sizeof left, "-%c, --%s%s%s", f->letter, f->name, *value ? " " : "", value);
    else
        snprintf(left, sizeof left, "    --%s%s%s", f->name, *value ? " " : "", value);
    printf("  %-32s %s", left, f->help);
    if (f->choices)
        printf(": %s", f->choices);
    putchar('\n');
}

static void print_command(const cli_command *c)
{
    printf("longtake %s%s%s [flags]\n\n%s\n\n", c->name, *c->words ? " " : "", c->words, c->help);
    for (int i = 0; i < cli_example_count; i++)
        if (strcmp(cli_examples[i].command, c->name) == 0)
            printf("  %s\n      %s\n", cli_examples[i].line, cli_examples[i].what);
}

void cli_help(const char *command)
{
    const cli_flag *before = NULL;
    for (int i = 0; i < cli_command_count; i++)
        if (command && strcmp(cli_commands[i].name, command) == 0)
            print_command(&cli_commands[i]);
    for (int i = 0; i < cli_flag_count; i++) {
        const cli_flag *f = &cli_flags[i];
        if (!f->help || !cli_flag_belongs(f, command))
            continue;
        if (!before || before->group != f->group)
            printf("\n%s:\n", cli_group_titles[f->group]);
        print_flag(f);
        before = f;
    }
    printf(
        "\nThe environment gives the same as LONGTAKE_<FLAG>. A default that is not said is the model's: see --print-config.\n");
}
