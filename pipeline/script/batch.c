/* batch.c - a list of prompts, one take after the other. */
#include <stdio.h>

#include "pipeline/engine.h"
#include "pipeline/script/batch_list.h"
#include "pipeline/take_command.h"

typedef struct {
    longtake *engine;
    batch_list list;
    longtake_batch_fn fn;
    void *user;
    int64_t failed;
    int64_t beyond; /* made, but over a limit that was asked for */
} batch_run;

/* Which of the lines is next; false: to stop is the answer. */
static bool tell_line(const batch_run *b, int64_t i, const char *output)
{
    char place[BATCH_PLACE_BYTES];
    char text[2 * BATCH_PLACE_BYTES];
    batch_list_place(&b->list, i, place);
    snprintf(text, sizeof text, "%s: %lld of %lld, %s", place, (long long)i + 1,
             (long long)b->list.lines, output);
    return take_tell_request(b->list.request, text);
}

static longtake_status generate_line(batch_run *b, int64_t i, longtake_result *result,
                                     longtake_error *error)
{
    lt_error err = {0};
    batch_take take;
    longtake_status code;
    if (batch_list_take(&b->list, i, &take, &err) != LT_OK)
        code = take_give_error(err.code, &err, error);
    else if (!tell_line(b, i, take.request.output))
        code = take_give_error(lt_fail(&err, LT_ERR_CANCELLED, "stopped as asked"), &err, error);
    else
        code = take_generate_once(b->engine, &take.request, result, error);
    batch_take_clear(&take);
    return code;
}

static longtake_status do_line(batch_run *b, int64_t i)
{
    longtake_error error = {0};
    longtake_result result = {0};
    char message[BATCH_PLACE_BYTES + sizeof error.message + 2];
    longtake_batch_line told = {.line = b->list.entry[i].number};
    told.status = generate_line(b, i, &result, &error);
    batch_list_message(&b->list, i, error.message, message, sizeof message);
    const bool made = told.status == LONGTAKE_OK || told.status == LONGTAKE_ERR_LIMIT;
    told.message = told.status == LONGTAKE_OK ? NULL : message;
    told.result = made ? &result : NULL;
    told.output = made ? result.output : b->list.entry[i].output;
    b->failed += !made;
    b->beyond += told.status == LONGTAKE_ERR_LIMIT;
    if (b->fn)
        b->fn(b->user, &told);
    longtake_result_clear(&result);
    return told.status;
}

static lt_status do_lines(batch_run *b, lt_error *err)
{
    const batch_list *l = &b->list;
    for (int64_t i = 0; i < l->lines; i++)
        if (do_line(b, i) == LONGTAKE_ERR_CANCELLED)
            return lt_fail(err, LT_ERR_CANCELLED, "%s:%lld: stopped as asked", l->path,
                           (long long)l->entry[i].number);
    if (b->failed > 0)
        return lt_fail(err, LT_ERR_FAILED, "%s: %lld of %lld lines failed", l->path,
                       (long long)b->failed, (long long)l->lines);
    if (b->beyond > 0)
        return lt_fail(err, LT_ERR_LIMIT,
                       "%s: %lld of %lld lines are made, but over the limit of --max-seam", l->path,
                       (long long)b->beyond, (long long)l->lines);
    return LT_OK;
}

longtake_status longtake_generate_batch(longtake *e, const char *prompts, const char *folder,
                                        const longtake_request *r, longtake_batch_fn fn, void *user,
                                        longtake_error *error)
{
    lt_error err = {0};
    batch_run b = {.engine = e, .fn = fn, .user = user};
    bool made;
    if (take_need(prompts, "prompts", &err) != LT_OK || take_request_check(r, &err) != LT_OK ||
        take_engine_enter(e, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    lt_status s = batch_list_open(&b.list, prompts, folder, r, &err);
    if (s == LT_OK)
        s = batch_list_folder(&b.list, &made, &err);
    take_engine_keep_weights(e, true);
    if (s == LT_OK)
        s = do_lines(&b, &err);
    take_engine_keep_weights(e, false);
    take_engine_leave(e);
    batch_list_close(&b.list);
    return take_give_error(s, &err, error);
}
