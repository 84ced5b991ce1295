/* candidates.c - several plans of one prompt, to choose from before anything is refined. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/core/durable.h"
#include "pipeline/descriptor_link.h"
#include "pipeline/file_name.h"
#include "pipeline/plan/token_io.h"
#include "pipeline/preview/contact_sheet.h"
#include "pipeline/take_places.h"
#include "pipeline/take_command.h"

enum { MOST_CANDIDATES = 16 };

typedef struct {
    longtake *engine;
    const longtake_request *request;
    int count;
    longtake_batch_fn fn;
    void *user;
    uint32_t first_seed;
    char *output[MOST_CANDIDATES];
    contact_row row[MOST_CANDIDATES];
} candidate_list;

/* "plans/ball.lt" -> "plans/ball-42.lt"; one plan alone has the name itself. */
static lt_status name_outputs(candidate_list *l, lt_error *err)
{
    const char *path = l->request->output;
    for (int i = 0; i < l->count; i++) {
        char part[16] = "";
        l->row[i].label = l->first_seed + (uint32_t)i;
        if (l->count > 1)
            snprintf(part, sizeof part, "-%u", (unsigned)l->row[i].label);
        l->output[i] = take_name_with(path, part);
        if (!l->output[i])
            return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", path);
    }
    return LT_OK;
}

/* Neither a plan nor the sheet is what they are made from, or the other. */
static lt_status check_places(const candidate_list *l, lt_error *err)
{
    const longtake_request *r = l->request;
    take_places p = {0};
    take_places_read(&p, r);
    for (int i = 0; i < l->count; i++)
        take_places_add(&p, TAKE_PLACE_PLAN, strdup(l->output[i]));
    if (r->preview)
        take_places_add(&p, TAKE_PLACE_SHEET, strdup(r->preview));
    return take_places_end(&p, err);
}

static lt_status check_sheet(const char *path, lt_error *err)
{
    if (path && !take_has_extension(path, "png"))
        return lt_fail(err, LT_ERR_USAGE,
                       "--preview: found %s, expected a .png for the sheet of plans", path);
    return path ? take_place_check("--preview", path, err) : LT_OK;
}

/* The request as one of `tokens`, whole, and the seed that the first plan has. */
static lt_status check(candidate_list *l, longtake_request *one, lt_error *err)
{
    const longtake_request *r = l->request;
    *one = *r;
    one->preview = NULL;
    if (l->count < 1 || l->count > MOST_CANDIDATES)
        return lt_fail(err, LT_ERR_USAGE, "--candidates: found %d, expected 1 to %d", l->count,
                       MOST_CANDIDATES);
    if (!r->output || (l->count > 1 && take_is_stream(r->output)))
        return lt_fail(
            err, LT_ERR_USAGE,
            "--candidates: found %s, expected --output FILE, whose name gets the seed of each plan",
            r->output ? "standard output" : "no --output");
    if (r->preview && (take_is_stream(r->output) || !lt_takes_a_rename(r->output)))
        return lt_fail(err, LT_ERR_USAGE,
                       "--preview: found %s as output, expected a file: the sheet is drawn from it",
                       r->output);
    LT_TRY(check_sheet(r->preview, err));
    take_task task;
    take_task_open(&task, l->engine, one, take_command_named("tokens"));
    const lt_status s = take_task_settle(&task, err);
    l->first_seed = task.run.spec.seed;
    take_task_close(&task, false);
    if (s == LT_OK && l->first_seed > UINT32_MAX - (uint32_t)(l->count - 1))
        return lt_fail(err, LT_ERR_USAGE,
                       "--candidates: found %d from seed %u on, the last seed is %u", l->count,
                       (unsigned)l->first_seed, (unsigned)UINT32_MAX);
    return s;
}

static void tell_note(void *user, const char *line)
{
    (void)take_tell_request(user, line);
}

/* Which of several plans is next. */
static void tell_plan(const candidate_list *l, longtake_request *one, int i)
{
    char text[128];
    snprintf(text, sizeof text, "plan %d of %d, seed %u", i + 1, l->count,
             (unsigned)l->row[i].label);
    if (l->count > 1)
        tell_note(one, text);
}

static longtake_status make_plan(candidate_list *l, longtake_request *one, int i,
                                 longtake_error *error)
{
    longtake_result result = {0};
    one->output = l->output[i];
    one->settings.seed = l->row[i].label;
    tell_plan(l, one, i);
    const longtake_status s = take_carry_out("tokens", l->engine, one, &result, error);
    const longtake_batch_line told = {
        .line = i + 1, .output = l->output[i], .status = s, .result = &result};
    if (s == LONGTAKE_OK && l->fn)
        l->fn(l->user, &told);
    longtake_result_clear(&result);
    return s;
}

static lt_status draw_sheet(candidate_list *l, longtake_request *one, lt_error *err)
{
    const lt_warnings notes = {.warn = tell_note, .user = one};
    for (int i = 0; i < l->count; i++)
        LT_TRY(take_tokens_read(l->engine, l->output[i], &l->row[i].plan, err));
    return take_contact_sheet(l->engine, l->row, l->count, l->request->preview, &notes, err);
}

static void close_list(candidate_list *l)
{
    for (int i = 0; i < MOST_CANDIDATES; i++) {
        free(l->output[i]);
        tok_plan_clear(&l->row[i].plan);
    }
}

longtake_status longtake_make_candidates(longtake *e, const longtake_request *r, int count,
                                         longtake_batch_fn fn, void *user, longtake_error *error)
{
    lt_error err = {0};
    longtake_request one;
    if (take_request_check(r, &err) != LT_OK || take_engine_enter(e, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    candidate_list list = {.engine = e, .request = r, .count = count, .fn = fn, .user = user};
    lt_status s = check(&list, &one, &err);
    if (s == LT_OK)
        s = name_outputs(&list, &err);
    if (s == LT_OK)
        s = check_places(&list, &err);
    longtake_status made = LONGTAKE_OK;
    take_engine_keep_weights(e, true);
    for (int i = 0; i < count && s == LT_OK && made == LONGTAKE_OK; i++)
        made = make_plan(&list, &one, i, error);
    if (s == LT_OK && made == LONGTAKE_OK && r->preview)
        s = draw_sheet(&list, &one, &err);
    take_engine_keep_weights(e, false);
    take_engine_leave(e);
    close_list(&list);
    return made != LONGTAKE_OK ? made : take_give_error(s, &err, error);
}
