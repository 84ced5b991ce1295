/* ar_passes.c - rows go through the model: prefix, known tokens, and the steps between two codes,
 * which may be recorded. */
#include <string.h>

#include "ar_model/ar_session.h"

/* that a recorded step may look at: few recordings, and at most half
 * of the keys are not there yet */
enum { FEWEST_KEYS = 128 };

/* Ids i32 [items * rows] -> [items, rows, width]. */
static lt_tensor embed(lt_ops *o, const ar_pass *p, lt_tensor ids)
{
    const ar_session *s = p->session;
    return lt_reshape(lt_gather(o, &s->model->embedding, ids),
                      lt_shape3(s->items, p->rows, ar_model_config(s->model)->width));
}

/* The tokens of a pass, the same in both items. */
static void ids_of(const ar_session *s, const int32_t *tokens, int rows, int32_t *ids)
{
    for (int i = 0; i < s->items * rows; i++)
        ids[i] = tokens[i % rows];
}

/* logits [items, 1 or more, vocabulary], overwritten: all come to the host, or an id is drawn from
 * them where they are. */
static void give_logits(lt_ops *o, const ar_pass *p, lt_tensor logits)
{
    const int64_t vocabulary = ar_model_config(p->session->model)->vocab_size;
    if (!p->choice) {
        lt_download(o, p->logits, logits);
        return;
    }
    logits = lt_reshape(logits, lt_shape2(logits.dim[0], vocabulary));
    if (p->lean) /* in both rows, so guidance leaves it as it is */
        lt_add_into(o, logits, lt_from_host(o, p->lean, LT_F32, lt_shape2(1, vocabulary)));
    lt_choose_into(o, lt_slice(p->session->drawn, 0, p->drawn_at, 1), logits, p->choice, p->next);
}

static lt_tensor last_rows(const ar_pass *p, lt_tensor x)
{
    return lt_slice(x, 1, p->rows - p->logit_rows, p->logit_rows);
}

static lt_status run_rows(lt_ops *o, void *user)
{
    const ar_pass *p = user;
    const ar_session *s = p->session;
    const ar_transformer *net = &s->model->transformer;
    const ar_places at = ar_places_after(o, s->cache.used, p->rows);
    int32_t ids[2 * AR_MAX_PASS_ROWS];
    lt_tensor x; /* [items, rows, width] */
    if (p->tokens) {
        ids_of(s, p->tokens, p->rows, ids);
        x = embed(o, p, lt_from_host(o, ids, LT_I32, lt_shape1(s->items * p->rows)));
    } else {
        x = lt_cast(o, lt_slice(lt_slice(s->prefix, 0, 0, s->items), 1, p->prefix_row, p->rows),
                    o->dtype);
    }
    x = ar_transformer_blocks(o, net, &s->cache, &at, x);
    if (p->logit_rows > 0)
        give_logits(o, p, ar_transformer_logits(o, net, last_rows(p, x)));
    return lt_ops_status(o);
}

/* --- steps: passes of few tokens, which may be recorded --------------------------------------- */

static bool records_steps(const ar_session *s)
{
    return s->way != AR_STEPS_LAUNCHED && lt_ops_records(&s->ops) && s->model->resident;
}

bool ar_is_ahead(const ar_session *s)
{
    return s->readings[0] != NULL && records_steps(s) && s->leaning == 0;
}

/* Which recording a step that ends at position `end` takes. */
static int key_count_of(int64_t end)
{
    int i = 0;
    while (i < AR_KEY_COUNTS - 1 && (int64_t)FEWEST_KEYS << i < end)
        i++;
    return i;
}

/* What a step looks at is as long as what is there, unless it is to fit the next ones as well. */
static int64_t keys_of(const ar_pass *p)
{
    const ar_session *s = p->session;
    const int64_t end = s->cache.used + p->rows;
    if (!records_steps(s))
        return end;
    const int i = key_count_of(end);
    const int64_t keys = (int64_t)FEWEST_KEYS << i;
    return i < AR_KEY_COUNTS - 1 && keys < s->cache.capacity ? keys : s->cache.capacity;
}

static lt_tensor step_logits(const ar_pass *p)
{
    const ar_session *s = p->session;
    const lt_shape shape =
        lt_shape3(s->items, p->logit_rows, ar_model_config(s->model)->vocab_size);
    return lt_view(s->step_logits.data, LT_F32, shape);
}

/* From step_numbers to step_logits: nothing in it knows the position, the tokens or the draw. */
static lt_status compute_step(lt_ops *o, void *user)
{
    const ar_pass *p = user;
    const ar_session *s = p->session;
    const ar_transformer *net = &s->model->transformer;
    const lt_tensor numbers = s->step_numbers;
    const ar_places at = {.keys = keys_of(p),
                          .first = lt_slice(numbers, 0, AR_STEP_FIRST, 1),
                          .visible = p->rows > 1 ? lt_slice(numbers, 0, AR_STEP_VISIBLE, p->rows)
                                                 : lt_none()};
    lt_tensor x = embed(o, p, lt_slice(numbers, 0, AR_STEP_IDS, s->items * p->rows));
    x = ar_transformer_blocks(o, net, &s->cache, &at, x);
    if (p->logit_rows > 0)
        ar_transformer_logits_into(o, net, step_logits(p), last_rows(p, x));
    return lt_ops_status(o);
}

static lt_status finish_step(lt_ops *o, void *user)
{
    give_logits(o, user, step_logits(user));
    return lt_ops_status(o);
}

void ar_step_numbers(const ar_session *s, const int32_t *tokens, int rows, int64_t first,
                     int32_t numbers[AR_STEP_NUMBERS])
{
    memset(numbers, 0, AR_STEP_NUMBERS * sizeof *numbers);
    ids_of(s, tokens, rows, numbers + AR_STEP_IDS);
    numbers[AR_STEP_FIRST] = (int32_t)first;
    for (int i = 0; i < rows; i++)
        numbers[AR_STEP_VISIBLE + i] = (int32_t)first + i + 1;
}

static lt_status upload_numbers(ar_session *s, const ar_pass *p, lt_error *err)
{
    lt_backend *backend = s->model->backend;
    int32_t numbers[AR_STEP_NUMBERS];
    ar_step_numbers(s, p->tokens, p->rows, s->cache.used, numbers);
    return backend->table->upload(backend, s->step_numbers.data, numbers, sizeof numbers, err);
}

static lt_status run_step(ar_session *s, ar_pass *p, lt_error *err)
{
    if (!p->placed)
        LT_TRY(upload_numbers(s, p, err));
    if (records_steps(s)) {
        ar_step *r = &s->steps[p->rows - 1][key_count_of(s->cache.used + p->rows)];
        if (r->items != s->items || r->logit_rows != p->logit_rows)
            lt_ops_forget(&s->ops, &r->pass);
        r->items = s->items;
        r->logit_rows = p->logit_rows;
        LT_TRY(lt_ops_repeat(&s->ops, &r->pass, compute_step, p, err));
        s->replayed += r->pass.recording != NULL;
    } else {
        LT_TRY(lt_ops_run(&s->ops, compute_step, p, err));
    }
    return p->logit_rows > 0 ? lt_ops_run(&s->ops, finish_step, p, err) : LT_OK;
}

int64_t ar_session_replayed(const ar_session *s)
{
    return s->replayed;
}

/* --- passes in a row -------------------------------------------------------------------------- */

lt_status ar_pass_run(ar_session *s, const ar_pass *p, lt_error *err)
{
    ar_pass pass = *p;
    pass.session = s;
    if (p->placed || (p->tokens && p->rows <= AR_STEP_ROWS))
        LT_TRY(run_step(s, &pass, err));
    else
        LT_TRY(lt_ops_run(&s->ops, run_rows, &pass, err));
    s->cache.used += p->rows;
    return LT_OK;
}

lt_status ar_fill_in(ar_session *s, const int32_t *tokens, int64_t count, const ar_pass *last,
                     lt_error *err)
{
    while (count > 0) {
        ar_pass pass = {.rows = AR_MAX_PASS_ROWS};
        if (count <= AR_MAX_PASS_ROWS) {
            pass = last ? *last : pass;
            pass.logit_rows = last ? 1 : 0;
            pass.rows = (int)count;
        }
        pass.tokens = tokens;
        LT_TRY(ar_pass_run(s, &pass, err));
        tokens += pass.rows;
        count -= pass.rows;
    }
    return LT_OK;
}
