/* processor_count.h - how many processors there are for this process. */
#ifndef LT_PROCESSOR_COUNT_H
#define LT_PROCESSOR_COUNT_H

/* As many as it may run on (a cpuset, taskset), or as its control groups let it keep busy where
 * that is fewer (docker --cpus, a limit of Kubernetes). At least 1. */
int lt_processor_count(void);

/* What control groups allow, version 2 or 1, rounded up to whole processors: the least of its own
 * group and those above it. INT_MAX where there is no limit, or none that can be read. `root`
 * stands before every path: "" for the system's own files. */
int lt_processor_quota(const char *root);

#endif
