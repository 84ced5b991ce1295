#include "ar_model/ar_check.h"

#include <stdlib.h>
#include <string.h>

#include "ar_model/ar_model.h"
#include "ar_model/ar_network.h"
#include "configs/model_config.h"

static const char *const sampling_keys[] = {"num_frames", "cfg",   "temperature", "seed",
                                            "top_k",      "top_p", "count",       NULL};

static lt_status read_config(const lt_golden *g, cfg_ar *cfg, lt_error *err)
{
    LT_TRY(cfg_ar_from_json(lt_golden_config(g), lt_golden_place(g), sampling_keys, cfg, err));
    if (cfg->micro_sinusoid % 2 != 0)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: config: 'micro_sinusoid' is %d, expected an even number",
                       lt_golden_place(g), cfg->micro_sinusoid);
    return LT_OK;
}

/* Inputs of ar.logits and ar.sample; free text. */
typedef struct {
    cfg_ar cfg;
    int64_t frames;
    float *text;
    ar_condition condition;
} take_inputs;

static lt_status read_scalar(const lt_golden *g, const char *name, float *out, lt_error *err)
{
    float *values = NULL;
    lt_shape shape;
    LT_TRY(lt_golden_input_f32(g, name, 1, &values, &shape, err));
    const int64_t count = shape.dim[0];
    if (count == 1)
        *out = values[0];
    free(values);
    if (count != 1)
        return lt_fail(err, LT_ERR_INPUT, "%s: in.%s has %lld values, expected 1",
                       lt_golden_place(g), name, (long long)count);
    return LT_OK;
}

static lt_status read_take(const lt_golden *g, take_inputs *in, lt_error *err)
{
    lt_shape shape;
    LT_TRY(read_config(g, &in->cfg, err));
    LT_TRY(lt_golden_int(g, "num_frames", &in->frames, err));
    if (in->frames < 1 || in->frames > INT32_MAX / 4)
        return lt_fail(err, LT_ERR_INPUT, "%s: num_frames is %lld, expected 1 or more",
                       lt_golden_place(g), (long long)in->frames);
    LT_TRY(read_scalar(g, "frames", &in->condition.frames, err));
    LT_TRY(read_scalar(g, "motion_score", &in->condition.motion, err));
    LT_TRY(lt_golden_input_f32(g, "text", 2, &in->text, &shape, err));
    if (shape.dim[1] != in->cfg.text_width || shape.dim[0] > in->cfg.rope_length)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: in.text is [%lld, %lld], expected up to %d rows of %d",
                       lt_golden_place(g), (long long)shape.dim[0], (long long)shape.dim[1],
                       in->cfg.rope_length, in->cfg.text_width);
    in->condition.text = in->text;
    in->condition.text_rows = (int)shape.dim[0];
    return LT_OK;
}

/* A session that sees all earlier segments, as the release does, with its condition set. */
static lt_status open_take(const take_inputs *in, const ar_sampling *sampling, const ar_model *m,
                           ar_session **out, lt_error *err)
{
    const int64_t segments = ar_take_segments(&in->cfg, in->frames);
    const ar_session_options options = {.sampling = *sampling,
                                        .context = (int)segments,
                                        .segments = segments,
                                        .text_rows = in->condition.text_rows};
    LT_TRY(ar_session_open(m, &options, out, err));
    return ar_session_condition(*out, &in->condition, err);
}

static int64_t take_positions(const take_inputs *in)
{
    int64_t positions = 0;
    for (int64_t k = 0; k < ar_take_segments(&in->cfg, in->frames); k++)
        positions +=
            ar_segment_positions(&in->cfg, ar_take_segment_frames(&in->cfg, in->frames, k));
    return positions;
}

/* --- ar.logits -------------------------------------------------------------------------------- */

static lt_status logits_of_tokens(lt_golden *g, const take_inputs *in, ar_session *session,
                                  lt_error *err)
{
    int32_t *tokens = NULL;
    lt_shape shape;
    LT_TRY(lt_golden_input_i32(g, "tokens", 1, &tokens, &shape, err));
    const int64_t count = shape.dim[0];
    float *logits = NULL;
    lt_status s = LT_OK;
    if (count < 1 || count != take_positions(in))
        s = lt_fail(err, LT_ERR_INPUT, "%s: in.tokens has %lld ids, expected %lld",
                    lt_golden_place(g), (long long)count, (long long)take_positions(in));
    const lt_shape wanted = lt_shape3(2, count, in->cfg.vocab_size);
    if (s == LT_OK &&
        !(logits = malloc(2 * (size_t)count * (size_t)in->cfg.vocab_size * sizeof *logits)))
        s = lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for the logits", lt_golden_place(g));
    if (s == LT_OK)
        s = ar_session_logits(session, tokens, (int)count, logits, err);
    if (s == LT_OK)
        s = lt_golden_report(g, "logits", LT_F32, wanted, logits, err);
    free(logits);
    free(tokens);
    return s;
}

/* --- ar.sample -------------------------------------------------------------------------------- */

static lt_status read_sampling(const lt_golden *g, ar_sampling *sampling, lt_error *err)
{
    int64_t seed;
    int64_t top_k;
    ar_sampling_init(sampling);
    LT_TRY(lt_golden_int(g, "seed", &seed, err));
    LT_TRY(lt_golden_real(g, "cfg", &sampling->guidance, err));
    LT_TRY(lt_golden_real(g, "temperature", &sampling->temperature, err));
    sampling->seed = (uint64_t)seed;
    if (lt_golden_has_key(g, "top_k")) {
        LT_TRY(lt_golden_int(g, "top_k", &top_k, err));
        sampling->filter = AR_KEEP_TOP_K;
        sampling->top_k = top_k > INT32_MAX ? INT32_MAX : (int)top_k;
    }
    if (lt_golden_has_key(g, "top_p")) {
        LT_TRY(lt_golden_real(g, "top_p", &sampling->top_p, err));
        sampling->filter = AR_KEEP_TOP_P;
    }
    return LT_OK;
}

static lt_status tokens_of_take(lt_golden *g, const take_inputs *in, ar_session *session,
                                lt_error *err)
{
    const int64_t segments = ar_take_segments(&in->cfg, in->frames);
    int32_t *ids = malloc((size_t)take_positions(in) * sizeof *ids);
    if (!ids)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for the tokens", lt_golden_place(g));
    lt_status s = LT_OK;
    int64_t count = 0;
    for (int64_t k = 0; k < segments && s == LT_OK; k++) {
        const int frames = ar_take_segment_frames(&in->cfg, in->frames, k);
        s = ar_session_segment(session, frames, ids + count, 0, NULL, err);
        count += ar_segment_codes(&in->cfg, frames);
    }
    for (int64_t i = 0; i < count && s == LT_OK; i++)
        ids[i] = ar_output_code(&in->cfg, ids[i]);
    if (s == LT_OK)
        s = lt_golden_report(g, "tokens", LT_I32, lt_shape1(count), ids, err);
    free(ids);
    return s;
}

typedef lt_status (*take_check)(lt_golden *g, const take_inputs *in, ar_session *session,
                                lt_error *err);

static lt_status with_session(lt_golden *g, lt_backend *backend, const ar_sampling *sampling,
                              take_check check, lt_error *err)
{
    take_inputs in = {0};
    ar_model *model = NULL;
    ar_session *session = NULL;
    lt_status s = read_take(g, &in, err);
    if (s == LT_OK)
        s = ar_model_open(lt_golden_weights(g), &in.cfg, backend, &model, err);
    if (s == LT_OK)
        s = open_take(&in, sampling, model, &session, err);
    if (s == LT_OK)
        s = check(g, &in, session, err);
    ar_session_close(session);
    ar_model_close(model);
    free(in.text);
    return s;
}

static lt_status check_logits(lt_golden *g, lt_backend *backend, lt_error *err)
{
    ar_sampling guided;
    ar_sampling_init(&guided);
    return with_session(g, backend, &guided, logits_of_tokens, err);
}

static lt_status check_sample(lt_golden *g, lt_backend *backend, lt_error *err)
{
    ar_sampling sampling;
    LT_TRY(read_sampling(g, &sampling, err));
    return with_session(g, backend, &sampling, tokens_of_take, err);
}

/* --- ar.uniforms ------------------------------------------------------------------------------ */

static lt_status check_uniforms(lt_golden *g, lt_backend *backend, lt_error *err)
{
    (void)backend;
    int64_t seed, count, vocabulary;
    LT_TRY(lt_golden_int(g, "seed", &seed, err));
    LT_TRY(lt_golden_int(g, "count", &count, err));
    LT_TRY(lt_golden_int(g, "vocab_size", &vocabulary, err));
    lt_shape wanted;
    /* before the work, which has no other bound */
    if (count < 1 || vocabulary < 1 || count > INT32_MAX / vocabulary ||
        !lt_golden_wanted_shape(g, "uniforms", &wanted) ||
        !lt_same_shape(wanted, lt_shape2(count, vocabulary)))
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: %lld draws of %lld ids are not the shape of out.uniforms",
                       lt_golden_place(g), (long long)count, (long long)vocabulary);
    float *uniforms = malloc((size_t)(count * vocabulary) * sizeof *uniforms);
    if (!uniforms)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for the draws", lt_golden_place(g));
    for (int64_t i = 0; i < count * vocabulary; i++)
        uniforms[i] = lt_choice_uniform((uint64_t)seed, (uint64_t)(i / vocabulary),
                                        (int32_t)(i % vocabulary));
    const lt_status s =
        lt_golden_report(g, "uniforms", LT_F32, lt_shape2(count, vocabulary), uniforms, err);
    free(uniforms);
    return s;
}

/* --- single parts ----------------------------------------------------------------------------- */

typedef struct {
    const cfg_ar *cfg;
    ar_micro net;
    const float *frames; /* [count] */
    const float *motion;
    int64_t count;
    float *out; /* [count, 2, width] */
} micro_pass;

static lt_status micro_rows(lt_ops *o, void *user)
{
    const micro_pass *p = user;
    for (int64_t i = 0; i < p->count; i++) {
        const lt_tensor rows = ar_micro_rows(o, p->cfg, &p->net, p->frames[i], p->motion[i]);
        lt_download(o, p->out + i * 2 * p->cfg->width, lt_cast(o, rows, LT_F32));
    }
    return lt_ops_status(o);
}

static lt_status run_once(lt_backend *backend, lt_pass pass, void *user, lt_error *err)
{
    lt_ops ops;
    lt_ops_open(&ops, backend);
    const lt_status s = lt_ops_run(&ops, pass, user, err);
    lt_ops_close(&ops);
    return s;
}

static lt_status run_micro(lt_golden *g, lt_backend *backend, micro_pass *p, lt_error *err)
{
    lt_weight_set *set = NULL;
    lt_binder *b = lt_binder_open(lt_golden_weights(g), backend);
    ar_micro_bind(b, p->cfg, &p->net);
    lt_status s = lt_binder_close(b, &set, err);
    if (s == LT_OK && !(p->out = malloc((size_t)(p->count * 2 * p->cfg->width) * sizeof *p->out)))
        s = lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for the rows", lt_golden_place(g));
    if (s == LT_OK)
        s = run_once(backend, micro_rows, p, err);
    if (s == LT_OK)
        s = lt_golden_report(g, "embedding", LT_F32, lt_shape3(p->count, 2, p->cfg->width), p->out,
                             err);
    free(p->out);
    lt_weight_set_close(set);
    return s;
}

static lt_status check_micro(lt_golden *g, lt_backend *backend, lt_error *err)
{
    cfg_ar cfg;
    float *frames = NULL;
    float *motion = NULL;
    lt_shape frames_shape;
    lt_shape motion_shape;
    LT_TRY(read_config(g, &cfg, err));
    lt_status s = lt_golden_input_f32(g, "frames", 1, &frames, &frames_shape, err);
    if (s == LT_OK)
        s = lt_golden_input_f32(g, "motion_score", 1, &motion, &motion_shape, err);
    if (s == LT_OK && !lt_same_shape(frames_shape, motion_shape))
        s = lt_fail(err, LT_ERR_INPUT, "%s: in.frames has %lld values, in.motion_score has %lld",
                    lt_golden_place(g), (long long)frames_shape.dim[0],
                    (long long)motion_shape.dim[0]);
    if (s == LT_OK)
        s = run_micro(
            g, backend,
            &(micro_pass){
                .cfg = &cfg, .frames = frames, .motion = motion, .count = frames_shape.dim[0]},
            err);
    free(frames);
    free(motion);
    return s;
}

typedef struct {
    const cfg_ar *cfg;
    ar_text net;
    const float *text; /* [rows, text_width] */
    int64_t rows;
    float *out; /* [rows, width] */
} text_pass;

static lt_status text_rows(lt_ops *o, void *user)
{
    const text_pass *p = user;
    lt_download(o, p->out, lt_cast(o, ar_text_rows(o, p->cfg, &p->net, p->text, p->rows), LT_F32));
    return lt_ops_status(o);
}

static lt_status run_text(lt_golden *g, lt_backend *backend, text_pass *p, lt_error *err)
{
    lt_weight_set *set = NULL;
    lt_binder *b = lt_binder_open(lt_golden_weights(g), backend);
    ar_text_bind(b, p->cfg, &p->net);
    lt_status s = lt_binder_close(b, &set, err);
    if (s == LT_OK && !(p->out = malloc((size_t)(p->rows * p->cfg->width) * sizeof *p->out)))
        s = lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for the rows", lt_golden_place(g));
    if (s == LT_OK)
        s = run_once(backend, text_rows, p, err);
    if (s == LT_OK)
        s = lt_golden_report(g, "embedding", LT_F32, lt_shape2(p->rows, p->cfg->width), p->out,
                             err);
    free(p->out);
    lt_weight_set_close(set);
    return s;
}

static lt_status check_text(lt_golden *g, lt_backend *backend, lt_error *err)
{
    cfg_ar cfg;
    float *text = NULL;
    lt_shape shape;
    LT_TRY(read_config(g, &cfg, err));
    LT_TRY(lt_golden_input_f32(g, "text", 2, &text, &shape, err));
    lt_status s = LT_OK;
    if (shape.dim[1] != cfg.text_width)
        s = lt_fail(err, LT_ERR_INPUT, "%s: in.text has rows of %lld, expected %d",
                    lt_golden_place(g), (long long)shape.dim[1], cfg.text_width);
    if (s == LT_OK)
        s = run_text(g, backend, &(text_pass){.cfg = &cfg, .text = text, .rows = shape.dim[0]},
                     err);
    free(text);
    return s;
}

static const char *const micro_keys[] = {"width", "micro_sinusoid", "micro_width", NULL};
static const char *const text_keys[] = {"width", "text_width", NULL};
static const char *const uniforms_keys[] = {"seed", "count", "vocab_size", NULL};
static const char *const take_keys[] = {
    "vocab_size", "width",         "layers",         "heads",    "mlp_width",      "text_width",
    "rope_base",  "rope_length",   "i_tokens",       "p_tokens", "segment_frames", "micro_width",
    "num_frames", "codebook_size", "micro_sinusoid", NULL};

lt_status ar_check(lt_golden *g, lt_backend *backend, lt_error *err)
{
    static const struct {
        const char *component;
        const char *const *keys;
        lt_status (*check)(lt_golden *g, lt_backend *backend, lt_error *err);
    } checks[] = {
        {"ar.micro_condition", micro_keys, check_micro},
        {"ar.text_condition", text_keys, check_text},
        {"ar.logits", take_keys, check_logits},
        {"ar.sample", take_keys, check_sample},
        {"ar.uniforms", uniforms_keys, check_uniforms},
    };
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (strcmp(lt_golden_component(g), checks[i].component) == 0) {
            LT_TRY(lt_golden_needs(g, checks[i].keys, err));
            return checks[i].check(g, backend, err);
        }
    return lt_fail(err, LT_ERR_INPUT, "%s: component \"%s\" is not one of the language model",
                   lt_golden_place(g), lt_golden_component(g));
}
