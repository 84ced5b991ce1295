/* processor_name.c - from /proc/cpuinfo; see processor_name.h. */
#include "pipeline/measure/processor_name.h"

#include <stdio.h>
#include <string.h>

void take_processor_name(char *name, size_t bytes)
{
    snprintf(name, bytes, "unknown");
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (f && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon) {
            snprintf(name, bytes, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (f)
        fclose(f);
}
