/* token_io.c - token files of a run, and the token functions of longtake.h; see token_io.h. */
#include "pipeline/plan/token_io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/plan/take_plan.h"
#include "pipeline/plan/token_cut.h"
#include "tokenizer/token_file.h"

lt_status take_tokens_read(const longtake *e, const char *path, tok_plan *out, lt_error *err)
{
    const tok_layout layout = tok_layout_of(&e->cfg.tokenizer);
    return tok_file_read(path, &layout, out, err);
}

void take_warn_if_altered(take_run *run, const char *path, const tok_plan *plan)
{
    if (plan->altered)
        take_warn(run, "%s: is not as it was written: its checksum is that of other content", path);
}

/* The run's plan as data: codes as stored, segments as they are. */
static lt_status plan_of_run(take_run *run, tok_plan *out, lt_error *err)
{
    const tok_layout layout = tok_layout_of(&run->engine->cfg.tokenizer);
    /* of a segment */
    int32_t *codes =
        malloc((size_t)tok_layout_tokens(&layout, layout.segment_frames) * sizeof *codes);
    if (!codes)
        return lt_fail(err, LT_ERR_RESOURCES, "plan: out of memory");
    lt_status s = tok_plan_begin(&layout, run->engine->cfg.pipeline.fps, run->plan.id_count,
                                 run->plan.segments, "plan", out, err);
    for (int64_t k = 0; k < run->plan.segments && s == LT_OK; k++) {
        take_plan_codes(run, k, codes);
        s = tok_plan_append(out, codes, run->plan.segment[k].frames, "plan", err);
    }
    free(codes);
    out->video_frames = run->spec.time.frames;
    if (s == LT_OK)
        s = tok_plan_check(out, "plan", err);
    if (s != LT_OK)
        tok_plan_clear(out);
    return s;
}

/* Where the model's picture codes begin: with it a file tells which of its frames are pictures. */
static lt_status note_picture_codes(const cfg_tokenizer *cfg, tok_plan *plan, lt_error *err)
{
    char first[16];
    if (cfg->picture_codes == 0)
        return LT_OK;
    snprintf(first, sizeof first, "%d", cfg->picture_codes);
    return tok_plan_set_note(plan, "picture_codes", first, err);
}

static lt_status add_notes(take_run *run, const take_plan_notes *notes, tok_plan *plan,
                           lt_error *err)
{
    lt_hash model;
    char hash[LT_HASH_TEXT_BYTES];
    LT_TRY(take_engine_model_hash(run->engine, &model, err));
    lt_hash_text(model, hash);
    LT_TRY(tok_plan_set_note(plan, "model", run->engine->files.name, err));
    LT_TRY(tok_plan_set_note(plan, "model_hash", hash, err));
    LT_TRY(note_picture_codes(&run->engine->cfg.tokenizer, plan, err));
    if (notes->prompt)
        LT_TRY(tok_plan_set_note(plan, "prompt", notes->prompt, err));
    if (notes->seed)
        LT_TRY(tok_plan_set_note(plan, "seed", notes->seed, err));
    return notes->settings ? take_tokens_note(plan, "settings", notes->settings, err) : LT_OK;
}

lt_status take_tokens_write(take_run *run, take_output_kind kind, const take_plan_notes *notes,
                            lt_error *err)
{
    if (kind == TAKE_OUT_NONE)
        return LT_OK;
    tok_plan plan = {0};
    lt_status s = plan_of_run(run, &plan, err);
    if (s == LT_OK && !run->request->no_metadata)
        s = add_notes(run, notes, &plan, err);
    if (s == LT_OK)
        s = tok_file_write(&plan, kind == TAKE_OUT_NPY ? TOK_FILE_NPY : TOK_FILE_LT,
                           run->request->output, err);
    tok_plan_clear(&plan);
    return s;
}

/* ---- longtake.h: semantic tokens ---- */

struct longtake_tokens {
    tok_plan plan;
    uint16_t *codes; /* what the caller may edit; read back before use */
};

lt_status take_tokens_wrap(tok_plan *plan, longtake_tokens **out, lt_error *err)
{
    longtake_tokens *t = calloc(1, sizeof *t);
    uint16_t *codes = malloc((size_t)plan->token_count * sizeof *codes);
    if (!t || !codes) {
        free(t);
        free(codes);
        tok_plan_clear(plan);
        return lt_fail(err, LT_ERR_RESOURCES, "tokens: out of memory");
    }
    for (int64_t i = 0; i < plan->token_count; i++)
        codes[i] = (uint16_t)plan->tokens[i];
    *t = (longtake_tokens){.plan = *plan, .codes = codes};
    *out = t;
    return LT_OK;
}

lt_status take_tokens_plan(const longtake_tokens *t, tok_plan *out, lt_error *err)
{
    LT_TRY(tok_plan_cut(&t->plan, 0, t->plan.segments, out, err));
    for (int64_t i = 0; i < out->token_count; i++)
        out->tokens[i] = t->codes[i];
    const lt_status s = tok_plan_check(out, "tokens", err);
    if (s != LT_OK)
        tok_plan_clear(out);
    return s;
}

longtake_status longtake_tokens_read(longtake *e, const char *path, longtake_tokens **tokens,
                                     longtake_error *error)
{
    lt_error err = {0};
    tok_plan plan = {0};
    *tokens = NULL;
    lt_status s = take_need(e, "engine", &err);
    if (s == LT_OK)
        s = take_need(path, "path", &err);
    if (s == LT_OK)
        s = take_tokens_read(e, path, &plan, &err);
    if (s == LT_OK)
        s = take_tokens_wrap(&plan, tokens, &err);
    return take_give_error(s, &err, error);
}

/* A plan of codes as the caller has them. */
static lt_status plan_of_codes(const longtake *e, const uint16_t *codes, size_t count,
                               tok_plan *out, lt_error *err)
{
    const tok_layout layout = tok_layout_of(&e->cfg.tokenizer);
    const int64_t most = tok_layout_most_tokens(&layout);
    if (count < 1 || count > (uint64_t)most)
        return lt_fail(err, LT_ERR_USAGE, "tokens: found %zu codes, expected 1 to %lld", count,
                       (long long)most);
    LT_TRY(take_need(codes, "codes", err));
    int32_t *wide = malloc(count * sizeof *wide);
    if (!wide)
        return lt_fail(err, LT_ERR_RESOURCES, "tokens: out of memory");
    for (size_t i = 0; i < count; i++)
        wide[i] = codes[i];
    lt_error found = {0};
    const lt_status s =
        tok_plan_make(&layout, wide, (int64_t)count, e->cfg.pipeline.fps, 0, "tokens", out, &found);
    free(wide);
    return s == LT_OK ? s : lt_fail(err, s == LT_ERR_INPUT ? LT_ERR_USAGE : s, "%s", found.message);
}

longtake_status longtake_tokens_new(longtake *e, const uint16_t *codes, size_t count,
                                    longtake_tokens **tokens, longtake_error *error)
{
    lt_error err = {0};
    tok_plan plan = {0};
    *tokens = NULL;
    lt_status s = take_need(e, "engine", &err);
    if (s == LT_OK)
        s = plan_of_codes(e, codes, count, &plan, &err);
    if (s == LT_OK)
        s = take_tokens_wrap(&plan, tokens, &err);
    return take_give_error(s, &err, error);
}

void longtake_tokens_close(longtake_tokens *t)
{
    if (!t)
        return;
    tok_plan_clear(&t->plan);
    free(t->codes);
    free(t);
}

size_t longtake_tokens_count(const longtake_tokens *t)
{
    return (size_t)t->plan.token_count;
}

int64_t longtake_tokens_semantic_frames(const longtake_tokens *t)
{
    return tok_plan_semantic_frames(&t->plan);
}

int64_t longtake_tokens_frames(const longtake_tokens *t)
{
    return t->plan.video_frames;
}

uint16_t *longtake_tokens_codes(longtake_tokens *t)
{
    return t->codes;
}

longtake_status longtake_tokens_write(const longtake_tokens *t, const char *path,
                                      longtake_error *error)
{
    lt_error err = {0};
    tok_plan plan = {0};
    longtake_request r;
    longtake_request_init(&r);
    r.output = path;
    take_output_kind kind = TAKE_OUT_NONE;
    lt_status s = take_need(t, "tokens", &err);
    if (s == LT_OK)
        s = take_need(path, "path", &err);
    if (s == LT_OK)
        s = take_output_of(&r, TAKE_WRITES_TOKENS, &kind, &err);
    if (s == LT_OK)
        s = take_tokens_plan(t, &plan, &err);
    if (s == LT_OK)
        s = tok_file_write(&plan, kind == TAKE_OUT_NPY ? TOK_FILE_NPY : TOK_FILE_LT, path, &err);
    tok_plan_clear(&plan);
    return take_give_error(s, &err, error);
}

longtake_status longtake_tokens_recut(longtake *e, const longtake_tokens *t, int64_t first,
                                      int64_t count, longtake_tokens **out, int *encoded_again,
                                      longtake_error *error)
{
    lt_error err = {0};
    tok_plan plan = {0};
    tok_plan part = {0};
    bool again = false;
    *out = NULL;
    if (take_need(t, "tokens", &err) != LT_OK || (e && take_engine_enter(e, &err) != LT_OK))
        return take_give_error(err.code, &err, error);
    lt_status s = take_tokens_plan(t, &plan, &err);
    if (s == LT_OK)
        s = take_tokens_cut(e, &plan, first, count, &part, &again, &err);
    if (e)
        take_engine_leave(e);
    tok_plan_clear(&plan);
    if (s == LT_OK)
        s = take_tokens_wrap(&part, out, &err);
    if (encoded_again)
        *encoded_again = again;
    return take_give_error(s, &err, error);
}

longtake_status longtake_tokens_cut(const longtake_tokens *t, int64_t first, int64_t count,
                                    longtake_tokens **out, longtake_error *error)
{
    return longtake_tokens_recut(NULL, t, first, count, out, NULL, error);
}

longtake_status longtake_tokens_join(const longtake_tokens *a, const longtake_tokens *b,
                                     longtake_tokens **out, longtake_error *error)
{
    lt_error err = {0};
    tok_plan first = {0};
    tok_plan second = {0};
    tok_plan both = {0};
    *out = NULL;
    lt_status s = take_need(a, "a", &err);
    if (s == LT_OK)
        s = take_need(b, "b", &err);
    if (s == LT_OK)
        s = take_tokens_plan(a, &first, &err);
    if (s == LT_OK)
        s = take_tokens_plan(b, &second, &err);
    if (s == LT_OK)
        s = take_tokens_join(&first, &second, &both, &err);
    tok_plan_clear(&first);
    tok_plan_clear(&second);
    if (s == LT_OK)
        s = take_tokens_wrap(&both, out, &err);
    return take_give_error(s, &err, error);
}
