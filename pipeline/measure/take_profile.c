/* take_profile.c - see take_profile.h. */
#include "pipeline/measure/take_profile.h"

#include <stdlib.h>

#include "pipeline/measure/machine_share.h"
#include "pipeline/measure/stopwatch.h"

enum { OTHER = TAKE_STAGES, PARTS };

typedef struct take_profile {
    lt_op_total part[PARTS][LT_OP_COUNT];
    double seconds[PARTS]; /* that went by, operations or not */
    double since;          /* the last collecting; of a steady clock */
    take_rates rates;      /* of the machine; 0: not measured yet */
} take_profile;

lt_status take_profile_open(longtake *e, lt_error *err)
{
    e->profile = calloc(1, sizeof *e->profile);
    if (!e->profile)
        return lt_fail(err, LT_ERR_RESOURCES, "profile: out of memory");
    e->profile->since = lt_clock_seconds();
    return lt_profile_start(e->backend, err);
}

void take_profile_close(longtake *e)
{
    free(e->profile);
    e->profile = NULL;
}

static void collect(longtake *e, int part)
{
    lt_op_total *to = e->profile->part[part];
    const lt_op_total *from = e->backend->profile;
    for (int op = 0; op < LT_OP_COUNT; op++) {
        to[op].calls += from[op].calls;
        to[op].seconds += from[op].seconds;
        to[op].bytes += from[op].bytes;
        to[op].flop += from[op].flop;
    }
    const double at = lt_clock_seconds();
    e->profile->seconds[part] += at - e->profile->since;
    e->profile->since = at;
    lt_error ignored = {0};
    (void)lt_profile_start(e->backend, &ignored); /* from zero again; the memory is there */
}

void take_profile_collect(longtake *e, take_stage stage)
{
    if (e && e->profile)
        collect(e, (int)stage);
}

static lt_status measure_rates(longtake *e, lt_error *err)
{
    take_profile *p = e->profile;
    if (p->rates.flop > 0)
        return LT_OK;
    const lt_status s = take_measure_rates(e->backend, &p->rates, err);
    p->since = lt_clock_seconds();
    return s;
}

static const char *part_name(int part)
{
    return part == OTHER ? "other" : take_stage_name((take_stage)part);
}

/* Every operation of a stage, then the stage as a whole: its least seconds are those of operations
 * that are as fast as can be. */
static void give_part(const take_profile *p, int part, longtake_profile_fn fn, void *user)
{
    longtake_profile_line all = {.stage = part_name(part), .operation = "all"};
    for (int op = 0; op < LT_OP_COUNT; op++) {
        const lt_op_total *t = &p->part[part][op];
        if (t->calls == 0)
            continue;
        const longtake_profile_line line = {.stage = part_name(part),
                                            .operation = lt_op_name((lt_op)op),
                                            .calls = t->calls,
                                            .seconds = t->seconds,
                                            .bytes = t->bytes,
                                            .flop = t->flop,
                                            .least_seconds = take_least_seconds(t, &p->rates)};
        fn(user, &line);
        all.calls += t->calls;
        all.bytes += t->bytes;
        all.flop += t->flop;
    }
    const take_share share =
        take_share_of(p->part[part], part == OTHER ? 0 : p->seconds[part], &p->rates);
    all.seconds = share.seconds;
    all.least_seconds = share.best * share.seconds;
    if (all.calls > 0)
        fn(user, &all);
}

static lt_status give_lines(longtake *e, longtake_profile_fn fn, void *user, lt_error *err)
{
    if (!e->profile)
        return lt_fail(err, LT_ERR_USAGE, "profile: the engine was opened without one");
    collect(e, OTHER);
    LT_TRY(measure_rates(e, err));
    for (int part = 0; part < PARTS; part++)
        give_part(e->profile, part, fn, user);
    return LT_OK;
}

static void append_line(void *user, const longtake_profile_line *line)
{
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "stage", lt_json_new_string(line->stage));
    lt_json_set(o, "operation", lt_json_new_string(line->operation));
    lt_json_set(o, "calls", lt_json_new_int(line->calls));
    lt_json_set(o, "seconds", lt_json_new_real(line->seconds));
    lt_json_set(o, "bytes", lt_json_new_real(line->bytes));
    lt_json_set(o, "flop", lt_json_new_real(line->flop));
    lt_json_set(o, "least_seconds", lt_json_new_real(line->least_seconds));
    lt_json_append(user, o);
}

lt_json *take_profile_json(longtake *e, lt_error *err)
{
    lt_json *lines = e->profile ? lt_json_new_array() : NULL;
    if (lines && give_lines(e, append_line, lines, err) != LT_OK) {
        lt_json_free(lines);
        lines = NULL;
    }
    return lines;
}

void take_profile_share(const longtake *e, take_stage stage, lt_json *o)
{
    const take_profile *p = e->profile;
    if (!p || p->rates.flop <= 0)
        return;
    const take_share share = take_share_of(p->part[stage], p->seconds[stage], &p->rates);
    take_share_to_json(&share, o);
}

longtake_status longtake_profile(longtake *e, longtake_profile_fn fn, void *user,
                                 longtake_error *error)
{
    lt_error err = {0};
    lt_status s = take_need(fn, "fn", &err);
    if (s == LT_OK)
        s = take_engine_enter(e, &err);
    if (s == LT_OK) {
        s = give_lines(e, fn, user, &err);
        take_engine_leave(e);
    }
    return take_give_error(s, &err, error);
}
