/* ar_session.c - a take: its prompt, the segments that are kept, and the draws of the next one. */
#include <stdlib.h>
#include <string.h>

#include "ar_model/ar_session.h"

/* --- opening ---------------------------------------------------------------------------------- */

/* Segments of a session's longest sequence: those that are seen and the one being made. */
static int64_t segments_in_sight(const ar_session_options *options)
{
    const int64_t most = (int64_t)options->context + 1;
    return options->segments > 0 && options->segments < most ? options->segments : most;
}

/* Positions of that sequence: the prefix and the segments, the last of them
 * with `last_frames`. */
static int64_t positions_up_to(const cfg_ar *cfg, const ar_session_options *options,
                               int last_frames)
{
    return AR_CONDITION_ROWS + options->text_rows +
           (segments_in_sight(options) - 1) * ar_segment_positions(cfg, cfg->segment_frames) +
           ar_segment_positions(cfg, last_frames);
}

int64_t ar_positions(const cfg_ar *cfg, const ar_session_options *options)
{
    /* a full one is made behind as many */
    if (options->segments > segments_in_sight(options))
        return positions_up_to(cfg, options, cfg->segment_frames);
    return positions_up_to(cfg, options, options->last_frames > 0 ? options->last_frames : 1);
}

lt_status ar_positions_check(const cfg_ar *cfg, const ar_session_options *options, lt_error *err)
{
    const int64_t needed = ar_positions(cfg, options);
    if (needed <= cfg->rope_length)
        return LT_OK;
    return lt_fail(
        err, LT_ERR_USAGE,
        "language model: %lld earlier segments and %d prompt rows need %lld positions, the model has %d",
        (long long)segments_in_sight(options) - 1, options->text_rows, (long long)needed,
        cfg->rope_length);
}

static int64_t cache_capacity(const cfg_ar *cfg, const ar_session_options *options)
{
    const int64_t most = positions_up_to(cfg, options, cfg->segment_frames);
    return most < cfg->rope_length ? most : cfg->rope_length;
}

static lt_status check_options(const cfg_ar *cfg, const ar_session_options *options, lt_error *err)
{
    LT_TRY(ar_sampling_check(&options->sampling, cfg->vocab_size, err));
    if (options->context < 0 || options->text_rows < 1 || options->segments < 0)
        return lt_fail(
            err, LT_ERR_USAGE,
            "language model: context %d, prompt rows %d, segments %lld; expected at least 0, 1 and 0",
            options->context, options->text_rows, (long long)options->segments);
    return ar_positions_check(cfg, options, err);
}

static lt_status open_readings(ar_session *s, lt_error *err)
{
    lt_backend *backend = s->model->backend;
    for (int i = 0; i < AR_BUNCHES; i++)
        LT_TRY(backend->table->open_reading(backend, AR_BUNCH * sizeof(int32_t), &s->readings[i],
                                            err));
    return LT_OK;
}

static lt_status allocate(ar_session *s, const ar_session_options *options, lt_error *err)
{
    const cfg_ar *cfg = ar_model_config(s->model);
    lt_backend *backend = s->model->backend;
    const size_t kept = options->context > 0 ? (size_t)options->context : 1;
    const size_t segment = (size_t)ar_segment_positions(cfg, cfg->segment_frames);
    s->kept_frames = calloc(kept, sizeof *s->kept_frames);
    s->kept_tokens = calloc(kept * segment, sizeof *s->kept_tokens);
    s->tokens = calloc(segment, sizeof *s->tokens);
    s->logits =
        calloc((size_t)s->max_items * AR_STEP_ROWS * (size_t)cfg->vocab_size, sizeof *s->logits);
    s->lean = calloc((size_t)cfg->vocab_size, sizeof *s->lean);
    if (!s->kept_frames || !s->kept_tokens || !s->tokens || !s->logits || !s->lean)
        return lt_fail(err, LT_ERR_RESOURCES, "language model: no memory for a session");
    const lt_shape prefix =
        lt_shape3(s->max_items, AR_CONDITION_ROWS + options->text_rows, cfg->width);
    LT_TRY(lt_buffer_open(backend, backend->activation, prefix, &s->prefix, err));
    LT_TRY(lt_buffer_open(backend, LT_I32, lt_shape1(AR_STEP_NUMBERS), &s->step_numbers, err));
    const int64_t logits = (int64_t)s->max_items * AR_STEP_ROWS * cfg->vocab_size;
    LT_TRY(lt_buffer_open(backend, LT_F32, lt_shape1(logits), &s->step_logits, err));
    LT_TRY(lt_buffer_open(backend, LT_I32, lt_shape1(AR_BUNCH), &s->drawn, err));
    if (s->way == AR_STEPS_AHEAD && backend->table->open_reading != NULL)
        LT_TRY(open_readings(s, err));
    return ar_cache_open(backend, cfg, s->max_items, cache_capacity(cfg, options), &s->cache, err);
}

/* What a prompt says by itself: no guidance, nothing earlier. */
static lt_status open_alone(ar_session *s, const ar_session_options *options, lt_error *err)
{
    ar_session_options alone = *options;
    alone.sampling.guidance = 1;
    alone.context = 0;
    alone.may_lean = false;
    LT_TRY(ar_session_open(s->model, &alone, &s->alone, err));
    return ar_session_open(s->model, &alone, &s->alone_before, err);
}

lt_status ar_session_open(const ar_model *m, const ar_session_options *options, ar_session **out,
                          lt_error *err)
{
    *out = NULL;
    LT_TRY(check_options(ar_model_config(m), options, err));
    ar_session *s = calloc(1, sizeof *s);
    if (!s)
        return lt_fail(err, LT_ERR_RESOURCES, "language model: no memory for a session");
    s->model = m;
    s->sampling = options->sampling;
    s->items = ar_is_guided(&options->sampling) ? 2 : 1;
    s->max_items = s->items;
    s->way = options->steps;
    s->context = options->context;
    s->max_text_rows = options->text_rows;
    lt_ops_open(&s->ops, m->backend);
    lt_status status = allocate(s, options, err);
    if (status == LT_OK && options->may_lean)
        status = open_alone(s, options, err);
    if (status != LT_OK) {
        ar_session_close(s);
        return status;
    }
    *out = s;
    return LT_OK;
}

void ar_session_close(ar_session *s)
{
    if (!s)
        return;
    ar_session_close(s->alone);
    ar_session_close(s->alone_before);
    for (int i = 0; i < AR_STEP_ROWS * AR_KEY_COUNTS; i++)
        lt_ops_forget(&s->ops, &s->steps[i / AR_KEY_COUNTS][i % AR_KEY_COUNTS].pass);
    for (int i = 0; i < AR_BUNCHES; i++)
        if (s->readings[i] != NULL)
            s->model->backend->table->close_reading(s->model->backend, s->readings[i]);
    ar_cache_close(s->model->backend, &s->cache);
    lt_buffer_close(s->model->backend, &s->prefix);
    lt_buffer_close(s->model->backend, &s->step_numbers);
    lt_buffer_close(s->model->backend, &s->step_logits);
    lt_buffer_close(s->model->backend, &s->drawn);
    lt_ops_close(&s->ops);
    free(s->kept_frames);
    free(s->kept_tokens);
    free(s->tokens);
    free(s->logits);
    free(s->lean);
    free(s);
}

float ar_frames_condition(const cfg_ar *cfg, int64_t frames)
{
    return (float)(frames < cfg->frames_limit ? frames : cfg->frames_limit);
}

lt_status ar_session_sampling(ar_session *s, const ar_sampling *sampling, lt_error *err)
{
    LT_TRY(ar_sampling_check(sampling, ar_model_config(s->model)->vocab_size, err));
    const int items = ar_is_guided(sampling) ? 2 : 1;
    if (items > s->max_items)
        return lt_fail(err, LT_ERR_USAGE,
                       "language model: guidance %g in a session that was opened without guidance",
                       sampling->guidance);
    if (items != s->items) {
        s->items = items;
        s->prefix_cached = false;
    }
    s->sampling = *sampling;
    return LT_OK;
}

/* --- prefix ----------------------------------------------------------------------------------- */

typedef struct {
    ar_session *session;
    const ar_condition *condition;
} prefix_pass;

/* Both items have the same rows but for the text, which is a learned
 * vector in the unconditional one. */
static lt_status fill_prefix(lt_ops *o, void *user)
{
    const prefix_pass *p = user;
    const ar_model *m = p->session->model;
    const cfg_ar *cfg = ar_model_config(m);
    const int64_t rows = p->condition->text_rows;
    const int32_t begin = ar_begin_id(cfg);
    const lt_tensor first =
        lt_gather(o, &m->embedding, lt_from_host(o, &begin, LT_I32, lt_shape1(1)));
    const lt_tensor micro =
        ar_micro_rows(o, cfg, &m->micro, p->condition->frames, p->condition->motion);
    const lt_tensor text = ar_text_rows(o, cfg, &m->text, p->condition->text, rows);
    const int32_t zero = 0;
    const lt_tensor null_text =
        lt_gather(o, &m->null_text, lt_from_host(o, &zero, LT_I32, lt_shape1(1)));
    for (int item = 0; item < p->session->max_items; item++) {
        const lt_tensor out = lt_select(p->session->prefix, 0, item); /* [prefix rows, width] */
        const lt_tensor text_rows = lt_slice(out, 0, AR_CONDITION_ROWS, rows);
        lt_copy_into(o, lt_slice(out, 0, 0, 1), first);
        lt_copy_into(o, lt_slice(out, 0, 1, 2), micro);
        lt_fill_into(o, text_rows, 0);
        lt_add_into(o, text_rows, item == 0 ? text : null_text);
    }
    return lt_ops_status(o);
}

/* The prompt becomes the one before, where segments of it are in sight. */
static lt_status change_alone(ar_session *s, const ar_condition *condition, lt_error *err)
{
    if (s->kept > 0) {
        ar_session *before = s->alone;
        s->alone = s->alone_before;
        s->alone_before = before;
        s->change_weight = condition->change_weight;
        s->leaning = s->change_weight > 0 ? s->kept : 0;
    }
    return ar_session_condition(s->alone, condition, err);
}

lt_status ar_session_condition(ar_session *s, const ar_condition *condition, lt_error *err)
{
    if (condition->text_rows < 1 || condition->text_rows > s->max_text_rows)
        return lt_fail(err, LT_ERR_USAGE, "language model: a prompt of %d rows, expected 1 to %d",
                       condition->text_rows, s->max_text_rows);
    s->prefix_cached = false;
    s->prefix_rows = 0;
    LT_TRY(lt_ops_run(&s->ops, fill_prefix, &(prefix_pass){s, condition}, err));
    s->prefix_rows = AR_CONDITION_ROWS + condition->text_rows;
    return s->alone ? change_alone(s, condition, err) : LT_OK;
}

/* --- the cache -------------------------------------------------------------------------------- */

static lt_status fill_in_prefix(ar_session *s, lt_error *err)
{
    s->cache.used = 0;
    s->cached = 0;
    while (s->cache.used < s->prefix_rows) {
        const int64_t left = s->prefix_rows - s->cache.used;
        const int rows = left < AR_MAX_PASS_ROWS ? (int)left : AR_MAX_PASS_ROWS;
        LT_TRY(ar_pass_run(s, &(ar_pass){.prefix_row = s->cache.used, .rows = rows}, err));
    }
    s->prefix_cached = true;
    return LT_OK;
}

/* Tokens of the first `count` kept segments. */
static int64_t kept_tokens(const ar_session *s, int count)
{
    int64_t tokens = 0;
    for (int i = 0; i < count; i++)
        tokens += ar_segment_positions(ar_model_config(s->model), s->kept_frames[i]);
    return tokens;
}

/* Brings the cache to prefix + kept segments, each filled in from its tokens, with room for `more`
 * positions. A segment that was made here is filled in again, so that the cache never depends on
 * how its ids came about, and how rows are grouped into passes depends on the take alone (README,
 * "The same codes after a resume"). */
static lt_status settle(ar_session *s, int64_t more, lt_error *err)
{
    if (s->prefix_rows == 0)
        return lt_fail(err, LT_ERR_USAGE,
                       "language model: a segment was asked for before any prompt");
    const int64_t needed = s->prefix_rows + kept_tokens(s, s->kept) + more;
    if (needed > s->cache.capacity)
        return lt_fail(
            err, LT_ERR_USAGE,
            "language model: a segment after %d others needs %lld positions, there are %lld",
            s->kept, (long long)needed, (long long)s->cache.capacity);
    if (!s->prefix_cached)
        LT_TRY(fill_in_prefix(s, err));
    while (s->cached < s->kept) {
        const int some = s->cached < s->moved ? s->moved - s->cached : 1;
        const int64_t begin = kept_tokens(s, s->cached);
        const int64_t end = kept_tokens(s, s->cached + some);
        s->cache.used = s->prefix_rows + begin;
        LT_TRY(ar_fill_in(s, s->kept_tokens + begin, end - begin, NULL, err));
        s->cached += some;
    }
    s->cache.used = s->prefix_rows + kept_tokens(s, s->kept);
    return LT_OK;
}

/* --- segments --------------------------------------------------------------------------------- */

static lt_status check_frames(const ar_session *s, int frames, lt_error *err)
{
    const cfg_ar *cfg = ar_model_config(s->model);
    if (frames < 1 || frames > cfg->segment_frames)
        return lt_fail(err, LT_ERR_USAGE,
                       "language model: a segment of %d frames, expected 1 to %d", frames,
                       cfg->segment_frames);
    return LT_OK;
}

static lt_status check_ids(const ar_session *s, const int32_t *ids, int count, lt_error *err)
{
    const int vocabulary = ar_model_config(s->model)->vocab_size;
    for (int i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= vocabulary)
            return lt_fail(err, LT_ERR_INPUT,
                           "language model: given token %d is %d, expected 0 to %d", i, (int)ids[i],
                           vocabulary - 1);
    return LT_OK;
}

/* How many of the oldest go when there are too many. All that stay move to earlier positions and
 * are filled in again, so one at a time would mean all of them for every segment. */
static int leaving(const ar_session *s)
{
    return (s->context + 2) / 3;
}

static void forget_oldest(ar_session *s, int count)
{
    const int64_t gone = kept_tokens(s, count);
    const int64_t left = kept_tokens(s, s->kept) - gone;
    s->kept -= count;
    memmove(s->kept_tokens, s->kept_tokens + gone, (size_t)left * sizeof *s->kept_tokens);
    memmove(s->kept_frames, s->kept_frames + count, (size_t)s->kept * sizeof *s->kept_frames);
    s->leaning = s->leaning > count ? s->leaning - count : 0;
    s->cached = 0;
    s->moved = s->kept + 1; /* with the one that joins */
}

/* A finished segment joins those that the next ones see. */
static void keep_segment(ar_session *s, const int32_t *ids, int frames)
{
    const cfg_ar *cfg = ar_model_config(s->model);
    const int tokens = ar_segment_positions(cfg, frames);
    s->positions += (uint64_t)tokens;
    if (s->context == 0)
        return;
    if (s->kept == s->context)
        forget_oldest(s, leaving(s));
    ar_layout_tokens(cfg, ids, 0, tokens, s->kept_tokens + kept_tokens(s, s->kept));
    s->kept_frames[s->kept++] = frames;
}

lt_status ar_session_feed(ar_session *s, const int32_t *ids, int frames, lt_error *err)
{
    LT_TRY(check_frames(s, frames, err));
    LT_TRY(check_ids(s, ids, ar_segment_codes(ar_model_config(s->model), frames), err));
    keep_segment(s, ids, frames);
    return LT_OK;
}

void ar_session_forget(ar_session *s)
{
    if (s->kept > 0)
        forget_oldest(s, s->kept);
}

/* The tokens since the last pass go through what both prompts say alone, too: s->lean is what the
 * next draw leans by. */
static lt_status lean(ar_session *s, int count, lt_error *err)
{
    LT_TRY(ar_fill_in(s->alone, s->tokens, count, &(ar_pass){.logits = s->alone->logits}, err));
    LT_TRY(ar_fill_in(s->alone_before, s->tokens, count,
                      &(ar_pass){.logits = s->alone_before->logits}, err));
    ar_lean(s->lean, ar_model_config(s->model)->vocab_size, s->alone->logits,
            s->alone_before->logits, (float)s->change_weight);
    return LT_OK;
}

/* The draws of one segment. The device may be asked for some before the
 * host has read those before them. */
typedef struct {
    int32_t *ids; /* [total], as far as they were read */
    int known;    /* were given */
    int total;
    int bunch; /* codes that are read together */
    int read;
    int asked;
    const ar_progress *progress; /* or NULL */
} draws;

/* The release draws once per position, forced ones included; draw 0 belongs to the position after
 * the first <I>. */
static uint64_t draw_number(const ar_session *s, int code)
{
    return s->positions + (uint64_t)ar_code_offset(ar_model_config(s->model), code) - 1;
}

/* The step behind the draw of `code`: that code, and where a frame begins the one or two forced
 * tokens after it. */
static void leave_numbers(const ar_session *s, const draws *d, int code, int64_t first,
                          lt_next_numbers *next)
{
    const cfg_ar *cfg = ar_model_config(s->model);
    const int offset = ar_code_offset(cfg, code);
    const int rows = ar_code_offset(cfg, code + 1) - offset;
    int32_t tokens[AR_STEP_ROWS] = {LT_CHOSEN};
    ar_layout_tokens(cfg, d->ids, offset + 1, offset + rows, tokens + 1);
    *next = (lt_next_numbers){.numbers = s->step_numbers};
    ar_step_numbers(s, tokens, rows, first, next->value);
}

/* Asks for the next code, to follow the tokens since the last pass: all there are before the first
 * draw, later the code before and what is forced after it, which that draw has placed. */
static lt_status ask_for_code(ar_session *s, draws *d, lt_error *err)
{
    const cfg_ar *cfg = ar_model_config(s->model);
    const int code = d->asked;
    const int from = code == d->known ? 0 : ar_code_offset(cfg, code - 1);
    const int count = ar_code_offset(cfg, code) - from;
    const lt_choice choice = ar_choice(&s->sampling, draw_number(s, code));
    lt_next_numbers next;
    ar_pass last = {.choice = &choice, .drawn_at = (code - d->known) % d->bunch};
    if (code == d->known || s->leaning > 0)
        ar_layout_tokens(cfg, d->ids, from, from + count, s->tokens);
    if (s->leaning > 0) {
        LT_TRY(lean(s, count, err));
        last.lean = s->lean;
    }
    if (code + 1 < d->total) {
        leave_numbers(s, d, code, s->cache.used + count, &next);
        last.next = &next;
    }
    d->asked++;
    if (code == d->known)
        return ar_fill_in(s, s->tokens, count, &last, err);
    last.placed = true;
    last.rows = count;
    last.logit_rows = 1;
    return ar_pass_run(s, &last, err);
}

/* The reading of the bunch that begins with `code`. */
static lt_reading *reading_of(const ar_session *s, const draws *d, int code)
{
    return s->readings[(code - d->known) / d->bunch % AR_BUNCHES];
}

static lt_status ask_for_bunch(ar_session *s, draws *d, lt_error *err)
{
    lt_backend *backend = s->model->backend;
    const int first = d->asked;
    do
        LT_TRY(ask_for_code(s, d, err));
    while (d->asked < d->total && d->asked < first + d->bunch);
    return d->bunch > 1
               ? backend->table->begin_reading(backend, reading_of(s, d, first), s->drawn.data, err)
               : LT_OK;
}

typedef struct {
    lt_tensor drawn;
    int32_t *id;
} one_draw;

static lt_status download_draw(lt_ops *o, void *user)
{
    const one_draw *d = user;
    lt_download(o, d->id, lt_slice(d->drawn, 0, 0, 1));
    return lt_ops_status(o);
}

static lt_status take_code(const ar_session *s, draws *d, int32_t id, lt_error *err)
{
    if (id < 0)
        return lt_fail(err, LT_ERR_FAILED,
                       "language model: the logit of id %d is not finite at draw %llu", (int)~id,
                       (unsigned long long)draw_number(s, d->read));
    d->ids[d->read++] = id;
    const ar_progress *progress = d->progress;
    if (progress && progress->code && progress->code(progress->user, d->read, d->total) != 0)
        return lt_fail(err, LT_ERR_CANCELLED, "language model: cancelled after %d of %d codes",
                       d->read, d->total);
    return LT_OK;
}

/* Waits for the oldest bunch that was asked for and not read. */
static lt_status read_bunch(ar_session *s, draws *d, lt_error *err)
{
    lt_backend *backend = s->model->backend;
    const int end = d->total - d->read < d->bunch ? d->total : d->read + d->bunch;
    int32_t ids[AR_BUNCH];
    LT_TRY(d->bunch > 1
               ? backend->table->finish_reading(backend, reading_of(s, d, d->read), ids, err)
               : lt_ops_run(&s->ops, download_draw, &(one_draw){s->drawn, ids}, err));
    for (int i = 0; d->read < end; i++)
        LT_TRY(take_code(s, d, ids[i], err));
    return LT_OK;
}

/* Draws codes known .. total-1. */
static lt_status draw_codes(ar_session *s, int32_t *ids, int known, int total,
                            const ar_progress *progress, lt_error *err)
{
    const int bunch = ar_is_ahead(s) ? AR_BUNCH : 1;
    const int most = ar_is_ahead(s) ? AR_BUNCHES * AR_BUNCH : 1;
    draws d = {.ids = ids,
               .known = known,
               .total = total,
               .bunch = bunch,
               .read = known,
               .asked = known,
               .progress = progress};
    while (d.read < total) {
        while (d.asked < total && d.asked + bunch <= d.read + most)
            LT_TRY(ask_for_bunch(s, &d, err));
        LT_TRY(read_bunch(s, &d, err));
    }
    return LT_OK;
}

lt_status ar_session_segment(ar_session *s, int frames, int32_t *ids, int known,
                             const ar_progress *progress, lt_error *err)
{
    const cfg_ar *cfg = ar_model_config(s->model);
    LT_TRY(check_frames(s, frames, err));
    const int total = ar_segment_codes(cfg, frames);
    if (known < 0 || known > total)
        return lt_fail(err, LT_ERR_USAGE,
                       "language model: %d codes of a segment are given, it has %d", known, total);
    LT_TRY(check_ids(s, ids, known, err));
    LT_TRY(settle(s, ar_segment_positions(cfg, frames), err));
    if (s->leaning > 0) {
        LT_TRY(settle(s->alone, ar_segment_positions(cfg, frames), err));
        LT_TRY(settle(s->alone_before, ar_segment_positions(cfg, frames), err));
    }
    LT_TRY(draw_codes(s, ids, known, total, progress, err));
    keep_segment(s, ids, frames);
    return LT_OK;
}

/* Tokens that go through the model together: up to the one before the next code. */
static int tokens_of_pass(const cfg_ar *cfg, int at, int count)
{
    const int period = ar_segment_positions(cfg, cfg->segment_frames);
    int rows = 1;
    while (at + rows < count && ar_layout_kind(cfg, (at + rows) % period) != AR_CODE)
        rows++;
    return rows;
}

lt_status ar_session_logits(ar_session *s, const int32_t *tokens, int count, float *logits,
                            lt_error *err)
{
    const cfg_ar *cfg = ar_model_config(s->model);
    const size_t vocabulary = (size_t)cfg->vocab_size;
    LT_TRY(check_ids(s, tokens, count, err));
    LT_TRY(settle(s, count, err));
    for (int at = 0, rows; at < count; at += rows) {
        rows = tokens_of_pass(cfg, at, count);
        LT_TRY(ar_pass_run(
            s,
            &(ar_pass){
                .tokens = tokens + at, .rows = rows, .logit_rows = rows, .logits = s->logits},
            err));
        /* [items, rows, vocabulary] into [items, count, vocabulary] */
        for (int item = 0; item < s->items; item++)
            memcpy(logits + ((size_t)item * (size_t)count + (size_t)at) * vocabulary,
                   s->logits + (size_t)(item * rows) * vocabulary,
                   (size_t)rows * vocabulary * sizeof *logits);
    }
    return LT_OK;
}
