/* nearest_name.c */
#include "cli/nearest_name.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "cli/flags.h"

/* Letters to insert, delete or replace to turn a into b; names are short. */
static int edit_distance(const char *a, const char *b)
{
    enum { MOST = 32 };
    int row[MOST + 1];
    const int n = (int)strlen(b) < MOST ? (int)strlen(b) : MOST;
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int corner = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            const int replace = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            const int insert = row[j - 1] + 1;
            const int drop = row[j] + 1;
            row[j] = replace < insert ? (replace < drop ? replace : drop)
                                      : (insert < drop ? insert : drop);
        }
    }
    return row[n];
}

/* "secs" of "seconds": the first letter and others in their order, three in all or more. */
static bool is_short_for(const char *word, const char *name)
{
    const size_t letters = strlen(word);
    if (letters < 3 || *word != *name)
        return false;
    for (; *word && *name; name++)
        word += *word == *name;
    return *word == '\0';
}

/* Is `name` so like `word` that it may have been meant, and more so than what was found before,
 * *least letters away? */
static bool is_nearer(const char *word, const char *name, int *least)
{
    const int third = (int)strlen(word) / 3;
    const int distance = is_short_for(word, name) ? 1 : edit_distance(word, name);
    if (distance > (third > 2 ? third : 2) || distance >= *least)
        return false;
    *least = distance;
    return true;
}

const char *cli_nearest_flag(const char *name, const char *command)
{
    const char *best = NULL;
    int least = INT_MAX;
    for (int i = 0; i < cli_flag_count; i++)
        if (cli_flags[i].help && cli_flag_belongs(&cli_flags[i], command) &&
            is_nearer(name, cli_flags[i].name, &least))
            best = cli_flags[i].name;
    return best;
}

/* What other programs call it. */
static const struct {
    const char *theirs;
    const char *ours;
    const char *flags; /* as they are typed */
} elsewhere[] = {
    {"duration", "seconds", "--seconds"},
    {"length", "seconds", "--seconds"},
    {"resolution", "width", "--width and --height, or --scale"},
    {"resolution", "scale", "--scale"},
    {"size", "width", "--width and --height, or --scale"},
    {"size", "scale", "--scale"},
    {"n", "candidates", "--candidates"},
    {"num-samples", "candidates", "--candidates"},
    {"num-inference-steps", "steps", "--steps"},
    {"guidance-scale", "cfg-scale", "--cfg-scale"},
};

const char *cli_flag_elsewhere(const char *name, const char *command, const cli_flag **flag)
{
    const char *found = NULL;
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        const cli_flag *f = cli_flag_of_name(elsewhere[i].ours);
        if (strcmp(elsewhere[i].theirs, name) != 0)
            continue;
        if (!found || cli_flag_belongs(f, command)) {
            found = elsewhere[i].flags;
            *flag = f;
        }
        if (cli_flag_belongs(f, command))
            break;
    }
    return found;
}

const char *cli_nearest_command(const char *name)
{
    const char *best = NULL;
    int least = INT_MAX;
    for (int i = 0; i < cli_command_count; i++)
        if (is_nearer(name, cli_commands[i].name, &least))
            best = cli_commands[i].name;
    return best;
}
