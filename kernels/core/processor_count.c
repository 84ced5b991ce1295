/* processor_count.c - affinity and quotas; see processor_count.h.
 *
 * /proc/self/cgroup says in which group the process is, /proc/self/mountinfo where groups can be
 * seen and which of them lies at that place: a container often sees its own as the topmost.
 */
#include "kernels/core/processor_count.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { GROUPS_V1, GROUPS_V2 } groups_version;

enum { PATH_BYTES = 4096 };
#define PATH_FORMAT "%4095s"

typedef struct {
    char text[PATH_BYTES];
} path_text;

static FILE *open_below(const char *root, const char *folder, const char *name)
{
    char *path = NULL;
    FILE *file = NULL;
    if (asprintf(&path, "%s%s/%s", root, folder, name) >= 0) {
        file = fopen(path, "re");
        free(path);
    }
    return file;
}

/* Is `word` in a list with commas? */
static bool lists(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, length) == 0 && strchr(",\n", at[length]))
            return true;
    }
    return false;
}

/* A line "number:controllers:group"; version 2 has no controllers. */
static bool take_group(char *line, groups_version version, path_text *group)
{
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return false;
    *path = '\0';
    const bool fits = version == GROUPS_V2 ? controllers[1] == '\0' : lists(controllers + 1, "cpu");
    return fits && sscanf(path + 1, PATH_FORMAT, group->text) == 1;
}

/* A line "id parent device root mount options ... - type source options". */
static bool take_mount(const char *line, groups_version version, path_text *top, path_text *mount)
{
    char type[16];
    char options[256];
    const char *rest = strstr(line, " - ");
    if (!rest || sscanf(rest, " - %15s %*s %255s", type, options) != 2)
        return false;
    const bool fits = version == GROUPS_V2 ? strcmp(type, "cgroup2") == 0
                                           : strcmp(type, "cgroup") == 0 && lists(options, "cpu");
    return fits &&
           sscanf(line, "%*s %*s %*s " PATH_FORMAT " " PATH_FORMAT, top->text, mount->text) == 2;
}

/* The process's group and its mount. False where there is no such hierarchy. */
static bool find(const char *root, groups_version version, path_text *group, path_text *top,
                 path_text *mount)
{
    char *line = NULL;
    size_t room = 0;
    bool grouped = false;
    bool mounted = false;
    FILE *file = open_below(root, "/proc/self", "cgroup");
    while (file && !grouped && getline(&line, &room, file) > 0)
        grouped = take_group(line, version, group);
    if (file)
        fclose(file);
    file = grouped ? open_below(root, "/proc/self", "mountinfo") : NULL;
    while (file && !mounted && getline(&line, &room, file) > 0)
        mounted = take_mount(line, version, top, mount);
    if (file)
        fclose(file);
    free(line);
    return mounted;
}

/* What lies of `group` below `top`; "" where it cannot be seen from there. */
static const char *below(const char *group, const char *top)
{
    const size_t length = strcmp(top, "/") == 0 ? 0 : strlen(top);
    const bool inside = strncmp(group, top, length) == 0 && group[length] == '/';
    return inside && group[length + 1] != '\0' && !strstr(group, "/..") ? group + length : "";
}

static bool read_numbers(const char *root, const char *folder, const char *name, int count,
                         long long value[2])
{
    FILE *file = open_below(root, folder, name);
    if (!file)
        return false;
    const int read = fscanf(file, "%lld %lld", &value[0], &value[1]);
    fclose(file);
    return read >= count;
}

/* Of one group: microseconds of work in a period of so many. */
static int limit_of(const char *root, const char *folder, groups_version version)
{
    long long quota[2] = {0, 0};
    long long period[2] = {0, 0};
    if (version == GROUPS_V2) {
        if (!read_numbers(root, folder, "cpu.max", 2, quota)) /* "max 100000" */
            return INT_MAX;
        period[0] = quota[1];
    } else if (!read_numbers(root, folder, "cpu.cfs_quota_us", 1, quota) ||
               !read_numbers(root, folder, "cpu.cfs_period_us", 1, period)) {
        return INT_MAX;
    }
    if (quota[0] <= 0 || period[0] <= 0)
        return INT_MAX;
    const long long whole = quota[0] / period[0] + (quota[0] % period[0] != 0);
    return whole < INT_MAX ? (int)whole : INT_MAX;
}

static int quota_of(const char *root, groups_version version)
{
    path_text group;
    path_text top;
    path_text mount;
    char *folder = NULL;
    int least = INT_MAX;
    if (!find(root, version, &group, &top, &mount) ||
        asprintf(&folder, "%s%s", mount.text, below(group.text, top.text)) < 0)
        return INT_MAX;
    for (bool more = true; more;) {
        const int limit = limit_of(root, folder, version);
        least = limit < least ? limit : least;
        more = strlen(folder) > strlen(mount.text);
        if (more)
            *strrchr(folder, '/') = '\0';
    }
    free(folder);
    return least;
}

int lt_processor_quota(const char *root)
{
    const int v1 = quota_of(root, GROUPS_V1);
    const int v2 = quota_of(root, GROUPS_V2);
    return v1 < v2 ? v1 : v2;
}

/* Of processors that the system has, at most `most` of which it may run on. The call fails where
 * the set is smaller than the system's. */
static int count_in_set(int most)
{
    cpu_set_t *set = CPU_ALLOC((size_t)most);
    const size_t bytes = CPU_ALLOC_SIZE((size_t)most);
    const int count = set && sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    return count;
}

int lt_processor_count(void)
{
    enum { FIRST = 1024, LAST = 1 << 18 };
    int count = 0;
    for (int most = FIRST; count == 0 && most <= LAST; most *= 2)
        count = count_in_set(most);
    const int quota = lt_processor_quota("");
    count = count < 1 ? 1 : count;
    return quota < count ? quota : count;
}
