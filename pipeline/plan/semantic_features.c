/* semantic_features.c - features of plans and of videos, in longtake.h. */
#include <stdlib.h>

#include "pipeline/plan/semantic_reader.h"
#include "pipeline/plan/take_plan.h"
#include "pipeline/plan/token_io.h"

void longtake_features_clear(longtake_features *features)
{
    free(features->values);
    *features = (longtake_features){0};
}

static longtake_features empty_of(const cfg_tokenizer *cfg)
{
    return (longtake_features){
        .height = cfg->grid_height, .width = cfg->grid_width, .channels = cfg->feature_channels};
}

/* Room for `frames` semantic frames in all. */
static lt_status grow(longtake_features *f, int64_t frames, lt_error *err)
{
    const int64_t bytes = f->height * f->width * f->channels * (int64_t)sizeof *f->values;
    float *grown = frames > INT64_MAX / bytes ? NULL : realloc(f->values, (size_t)(frames * bytes));
    if (!grown)
        return lt_fail(err, LT_ERR_RESOURCES, "features of %lld semantic frames: out of memory",
                       (long long)frames);
    f->values = grown;
    return LT_OK;
}

/* ---- of tokens ---- */

static lt_status decode_segments(const tok_plan *plan, tok_model *model, longtake_features *f,
                                 lt_error *err)
{
    const int64_t values = f->height * f->width * f->channels;
    int32_t *codes = malloc((size_t)tok_layout_tokens(&plan->layout, plan->layout.segment_frames) *
                            sizeof *codes);
    lt_status s = codes ? grow(f, tok_plan_semantic_frames(plan), err)
                        : lt_fail(err, LT_ERR_RESOURCES, "features: out of memory");
    for (int64_t k = 0; k < plan->segments && s == LT_OK; k++) {
        tok_plan_codes(plan, k, codes);
        s = tok_decode(model, codes, plan->frames[k], f->values + f->frames * values, err);
        f->frames += plan->frames[k];
    }
    free(codes);
    return s;
}

longtake_status longtake_features_of_tokens(longtake *e, const longtake_tokens *tokens,
                                            longtake_features *features, longtake_error *error)
{
    lt_error err = {0};
    tok_plan plan = {0};
    lt_weights *weights = NULL;
    tok_model *model = NULL;
    *features = (longtake_features){0};
    if (take_need(tokens, "tokens", &err) != LT_OK || take_engine_enter(e, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    *features = empty_of(&e->cfg.tokenizer);
    lt_status s = take_tokens_plan(tokens, &plan, &err);
    if (s == LT_OK)
        s = take_plan_fits(&plan, &e->cfg.ar_model, &err);
    if (s == LT_OK)
        s = take_engine_weights(e, TAKE_NET_TOKENIZER, &weights, &err);
    if (s == LT_OK)
        s = tok_open(weights, &e->cfg.tokenizer, e->backend, TOK_DECODER, &model, &err);
    if (s == LT_OK)
        s = decode_segments(&plan, model, features, &err);
    tok_close(model);
    lt_weights_close(weights);
    take_engine_leave(e);
    tok_plan_clear(&plan);
    if (s != LT_OK)
        longtake_features_clear(features);
    return take_give_error(s, &err, error);
}

/* ---- of a video ---- */

static lt_status read_all(semantic_reader *r, longtake_features *f, lt_error *err)
{
    const int64_t values = f->height * f->width * f->channels;
    int64_t room = 0;
    bool got = false;
    LT_TRY(semantic_reader_next(r, &got, err));
    while (got) {
        if (f->frames == room) {
            room = 2 * room + 16;
            LT_TRY(grow(f, room, err));
        }
        LT_TRY(semantic_reader_features(r, f->values + f->frames++ * values, err));
        LT_TRY(semantic_reader_next(r, &got, err));
    }
    return LT_OK;
}

longtake_status longtake_features_of_video(longtake *e, const char *path, longtake_fit fit,
                                           longtake_features *features, longtake_error *error)
{
    lt_error err = {0};
    semantic_reader reader = {0};
    *features = (longtake_features){0};
    if (take_need(path, "path", &err) != LT_OK || take_fit_check(fit, &err) != LT_OK ||
        take_engine_enter(e, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    const semantic_source source = {.path = path, .fit = take_media_fit(fit)};
    *features = empty_of(&e->cfg.tokenizer);
    lt_status s = semantic_reader_open(&reader, e, &source, 0, &err);
    if (s == LT_OK)
        s = read_all(&reader, features, &err);
    semantic_reader_close(&reader);
    take_engine_leave(e);
    if (s != LT_OK)
        longtake_features_clear(features);
    return take_give_error(s, &err, error);
}
