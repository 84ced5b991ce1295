/* profile_table.c - lines of the profile; see profile_table.h. */
#include "cli/profile_table.h"

#include <stdio.h>
#include <string.h>

enum { MOST_OPERATIONS = 64, LARGEST_TOLD = 4 };

/* What a stage spent above what the machine would need, operation by operation,
 * until its line as a whole comes. */
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

static void print_line(void *user, const longtake_profile_line *line)
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
        fprintf(
            stderr,
            "{\"event\":\"profile\",\"stage\":\"%s\",\"operation\":\"%s\",\"calls\":%lld,\"seconds\":%.6g,\"flop\":%.6g,"
            "\"bytes\":%.6g,\"least_seconds\":%.6g}\n",
            line->stage, line->operation, (long long)line->calls, line->seconds, line->flop,
            line->bytes, line->least_seconds);
        return;
    }
    fprintf(stderr, "%-8s %-12s %10lld %9.3f %9.1f %9.1f %6.0f %%", line->stage, line->operation,
            (long long)line->calls, line->seconds, line->flop / line->seconds / 1e9,
            line->bytes / line->seconds / 1e9, 100 * line->least_seconds / line->seconds);
    if (whole) {
        print_rest(p, line->seconds);
        *p = (profile_printer){.context = c};
    }
    fputc('\n', stderr);
}

void cli_print_profile(cli_context *c, longtake *engine)
{
    longtake_error error = {0};
    profile_printer printer = {.context = c};
    cli_progress_end(&c->progress);
    if (c->progress.kind != PROGRESS_JSONL)
        fprintf(stderr, "%-8s %-12s %10s %9s %9s %9s %8s\n", "stage", "operation", "calls",
                "seconds", "GFLOP/s", "GB/s", "of best");
    if (longtake_profile(engine, print_line, &printer, &error) != LONGTAKE_OK)
        cli_fail(c, &error);
}
