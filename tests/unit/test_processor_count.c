/* test_processor_count.c - quotas of control groups, read from made-up trees. */
#include "kernels/core/processor_count.h"

#include <limits.h>
#include <stdio.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"

#define MOUNTS_BEFORE                                                                              \
    "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"                                    \
    "23 22 0:21 / /proc rw - proc proc rw\n"
#define MOUNT_V2                                                                                   \
    MOUNTS_BEFORE "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
#define MOUNT_V1                                                                                   \
    MOUNTS_BEFORE "31 30 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"              \
                  "32 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw master:9 - cgroup cgroup "           \
                  "rw,cpu,cpuacct\n"
#define GROUPS_V1 "5:cpuset:/other\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/x\n"

enum { MOST_FILES = 4 };

typedef struct {
    const char *groups; /* /proc/self/cgroup; NULL: not there */
    const char *mounts; /* /proc/self/mountinfo */
    const char *file[MOST_FILES][2];
    int expected;
} tree;

static const tree trees[] = {
    {NULL, NULL, {{0}}, INT_MAX},
    {"0::/\n", NULL, {{0}}, INT_MAX},
    {"0::/\n", MOUNTS_BEFORE, {{"sys/fs/cgroup/cpu.max", "100000 100000\n"}}, INT_MAX},
    {"nonsense", "nonsense\n - cgroup2\n", {{0}}, INT_MAX},
    {"", MOUNT_V2, {{"sys/fs/cgroup/cpu.max", "100000 100000\n"}}, INT_MAX},
    /* version 2: no limit, whole and broken numbers of processors */
    {"0::/\n", MOUNT_V2, {{"sys/fs/cgroup/cpu.max", "max 100000\n"}}, INT_MAX},
    {"0::/\n", MOUNT_V2, {{"sys/fs/cgroup/cpu.max", "200000 100000\n"}}, 2},
    {"0::/\n", MOUNT_V2, {{"sys/fs/cgroup/cpu.max", "250000 100000\n"}}, 3},
    {"0::/\n", MOUNT_V2, {{"sys/fs/cgroup/cpu.max", "1000 100000\n"}}, 1},
    {"0::/\n", MOUNT_V2, {{"sys/fs/cgroup/cpu.max", "9000000000000000000 1000\n"}}, INT_MAX},
    {"0::/\n", MOUNT_V2, {{"sys/fs/cgroup/cpu.max", "0 0\n"}}, INT_MAX},
    {"0::/\n", MOUNT_V2, {{"sys/fs/cgroup/cpu.max", ""}}, INT_MAX},
    /* the least of the group and those above it */
    {"0::/a/b\n",
     MOUNT_V2,
     {{"sys/fs/cgroup/a/b/cpu.max", "max 100000\n"},
      {"sys/fs/cgroup/a/cpu.max", "400000 100000\n"},
      {"sys/fs/cgroup/cpu.max", "600000 100000\n"}},
     4},
    {"0::/a/b\n",
     MOUNT_V2,
     {{"sys/fs/cgroup/a/b/cpu.max", "300000 100000\n"},
      {"sys/fs/cgroup/a/cpu.max", "400000 100000\n"},
      {"sys/fs/cgroup/a/c/cpu.max", "100000 100000\n"}},
     3},
    {"0::/../elsewhere\n",
     MOUNT_V2,
     {{"sys/fs/cgroup/cpu.max", "500000 100000\n"},
      {"sys/fs/elsewhere/cpu.max", "100000 100000\n"}},
     5},
    /* version 1; a container that is the topmost group it sees */
    {GROUPS_V1,
     MOUNT_V1,
     {{"sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "150000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "50000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"},
      {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"}},
     3},
    {GROUPS_V1,
     MOUNTS_BEFORE "32 30 0:29 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n",
     {{"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}},
     2},
    {GROUPS_V1,
     MOUNT_V1,
     {{"sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "150000\n"}},
     INT_MAX},
    /* both: processors by version 1 */
    {GROUPS_V1 "0::/\n",
     MOUNT_V1 "33 30 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
     {{"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "600000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"}},
     6},
};

static void quotas_of_trees(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        const tree *t = &trees[i];
        char name[256];
        if (t->groups) {
            snprintf(name, sizeof name, "%zu/proc/self/cgroup", i);
            scratch_write_text(name, t->groups);
        }
        if (t->mounts) {
            snprintf(name, sizeof name, "%zu/proc/self/mountinfo", i);
            scratch_write_text(name, t->mounts);
        }
        for (int k = 0; k < MOST_FILES && t->file[k][0]; k++) {
            snprintf(name, sizeof name, "%zu/%s", i, t->file[k][0]);
            scratch_write_text(name, t->file[k][1]);
        }
        snprintf(name, sizeof name, "%zu", i);
        const int found = lt_processor_quota(scratch_path(name));
        if (found != t->expected)
            fail_msg("tree %zu: got %d processors, want %d", i, found, t->expected);
    }
}

static void there_is_one(void **state)
{
    (void)state;
    assert_true(lt_processor_count() >= 1);
    assert_true(lt_processor_count() <= lt_processor_quota(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotas_of_trees),
        cmocka_unit_test(there_is_one),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
