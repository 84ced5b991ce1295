/* foresight.h - what a request would do, without loading a weight. */
#ifndef TAKE_FORESIGHT_H
#define TAKE_FORESIGHT_H

#include "pipeline/take_task.h"

typedef struct {
    take_task task;     /* settled */
    take_memory memory; /* at its peak */
    double seconds; /* the time that what is not there yet takes; below zero where a stage was never
                       measured on this machine */
    double opening_seconds; /* of these, what goes by until networks are open */
    take_cached *cached;    /* [windows]: what the job folder holds */
    bool cached_known;      /* false: only encoding a video would tell */
} take_foresight;

/* Close it in any case. LT_ERR_USAGE also for a command that has no such thing. */
lt_status take_foresee(take_foresight *f, longtake *e, const char *command,
                       const longtake_request *r, lt_error *err);
void take_foresight_close(take_foresight *f);

/* Codes of a plan. */
int64_t take_token_count(const cfg_ar *cfg, const take_timeline *t);

#endif
