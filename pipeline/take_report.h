/* take_report.h - how a take was made, as JSON: inside the files we
 * write, and as the report of a run. */
#ifndef TAKE_TAKE_REPORT_H
#define TAKE_TAKE_REPORT_H

#include <stdbool.h>

#include "pipeline/output_kind.h"
#include "pipeline/plan/take_encode.h"
#include "pipeline/take_run.h"

/* What a command has made. */
typedef struct {
    const char *command;
    take_output_kind kind;
    double worst_seam;
    int64_t seam_window;           /* below zero: none */
    const take_encoding *encoding; /* of a video that was encoded; NULL: none */
} take_made;

/* Model, settings and plan: everything that decides the result, nothing that does not (no name,
 * path, date or host). What `longtake info` shows of a file and `--recipe` reads. NULL when memory
 * is out. */
lt_json *take_about(take_run *run, lt_error *err);

/* Is `path` the very take that a settled `run` would make, by its own account? Then the run tells
 * of it as that file does (take_fill_result). Where windows must meet within a limit (max_seam) it
 * is not, since only making them tells. Device, and precision where the engine has its device's
 * own, may be others. */
bool take_is_made(take_run *run, const char *path);

/* RGB frames that the take's output has. */
int64_t take_delivered_frames(const take_run *run);

/* *out: the name of what was written, of pictures the pattern of their names, or NULL; free() it.
 */
lt_status take_name_output(const take_run *run, take_output_kind kind, char **out, lt_error *err);
/* Fills the caller's result (may be NULL); its report is about, the output, seconds and peak memory
 * per stage, seam, warnings, versions. */
lt_status take_fill_result(take_run *run, const take_made *made, longtake_result *result,
                           lt_error *err);

#endif
