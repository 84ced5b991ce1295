/* help.c - help texts; see help.h. */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "cli/flags.h"
#include "longtake.h"

void cli_help_short(void)
{
    printf("longtake %s - one long continuous shot from a prompt\n\n"
           "  longtake generate \"a red ball bounces past a lighthouse at dusk\" --seconds 30 -o ball.mp4\n"
           "  longtake encode clip.mp4 -o clip.lt && longtake render clip.lt -p \"...\" -o again.mp4\n\n"
           "commands:\n",
           longtake_version());
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

void cli_help(const char *command)
{
    for (int i = 0; i < cli_command_count; i++)
        if (command && strcmp(cli_commands[i].name, command) == 0)
            printf("longtake %s%s%s [flags]\n\n%s\n", command, *cli_commands[i].words ? " " : "", cli_commands[i].words,
                   cli_commands[i].help);
    printf("\nflags (the environment LONGTAKE_<FLAG> gives the same; a default that is not said is the model's, see --print-config):\n");
    for (int own = 1; own >= 0; own--)
        for (int i = 0; i < cli_flag_count; i++)
            if (cli_flags[i].help && cli_flag_belongs(&cli_flags[i], command) && own == (strcmp(cli_flags[i].commands, "all") != 0))
                print_flag(&cli_flags[i]);
}
