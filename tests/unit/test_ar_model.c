/* A session's promises: the same codes after a resume or a cancel, bounded context, given codes,
 * changed prompts. Runs on the toy weights of a golden file. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ar_model/ar_model.h"
#include "ar_model/token_layout.h"
#include "weights/golden.h"

enum { SEGMENT_CODES = 12 + 3 * 5, SEGMENTS = 9, TEXT_ROWS = 5, TEXT_WIDTH = 40, VOCABULARY = 71 };

static const cfg_ar toy = {.vocab_size = VOCABULARY,
                           .width = 32,
                           .layers = 2,
                           .heads = 2,
                           .mlp_width = 80,
                           .text_width = TEXT_WIDTH,
                           .micro_sinusoid = 32,
                           .micro_width = 24,
                           .rope_base = 10000,
                           .rope_length = 512,
                           .segment_frames = 4,
                           .i_tokens = 12,
                           .p_tokens = 5,
                           .codebook_size = 64,
                           .frames_limit = 13};

static lt_golden *file;
static lt_backend *backend;
static ar_model *model;
static lt_backend *cpu; /* its kernels round differently for one row and for many */
static ar_model *cpu_model;
static float text[TEXT_ROWS * TEXT_WIDTH];
static float other_text[TEXT_ROWS * TEXT_WIDTH];

static int open_model(void **state)
{
    (void)state;
    lt_error err = {0};
    const char *path = TEST_SOURCE_DIR "/tests/golden/ar.sample.two_segments_top_k.safetensors";
    lt_status s = lt_golden_open(path, &file, &err);
    if (s == LT_OK)
        s = lt_reference_open(&backend, 2, &err);
    if (s == LT_OK)
        s = ar_model_open(lt_golden_weights(file), &toy, backend, &model, &err);
    if (s == LT_OK)
        s = lt_cpu_open(&cpu, 2, LT_BF16, &err);
    if (s == LT_OK)
        s = ar_model_open(lt_golden_weights(file), &toy, cpu, &cpu_model, &err);
    for (int i = 0; i < TEXT_ROWS * TEXT_WIDTH; i++) {
        text[i] = (float)(i % 7) - 3;
        other_text[i] = (float)(i % 5) - 2;
    }
    if (s != LT_OK)
        fprintf(stderr, "%s\n", err.message);
    return s == LT_OK ? 0 : -1;
}

static int close_model(void **state)
{
    (void)state;
    ar_model_close(model);
    ar_model_close(cpu_model);
    if (backend)
        backend->table->close(backend);
    if (cpu)
        cpu->table->close(cpu);
    lt_golden_close(file);
    return 0;
}

static ar_session_options options_of(int context)
{
    ar_session_options o = {.context = context, .text_rows = TEXT_ROWS};
    ar_sampling_init(&o.sampling);
    o.sampling.guidance = 1.6;
    return o;
}

static ar_session *open_session_of(const ar_model *m, const ar_session_options *options)
{
    ar_session *s = NULL;
    const ar_condition condition = {
        .text = text, .text_rows = TEXT_ROWS, .frames = 13, .motion = 0.1f};
    assert_int_equal(ar_session_open(m, options, &s, NULL), LT_OK);
    assert_int_equal(ar_session_condition(s, &condition, NULL), LT_OK);
    return s;
}

static ar_session *open_session(const ar_session_options *options)
{
    return open_session_of(model, options);
}

static void make_segments(ar_session *s, int from, int to, int32_t *ids)
{
    for (int k = from; k < to; k++)
        assert_int_equal(ar_session_segment(s, 4, ids + k * SEGMENT_CODES, 0, NULL, NULL), LT_OK);
}

static void undisturbed_of(const ar_model *m, int context, int32_t ids[SEGMENTS * SEGMENT_CODES])
{
    const ar_session_options options = options_of(context);
    ar_session *s = open_session_of(m, &options);
    make_segments(s, 0, SEGMENTS, ids);
    ar_session_close(s);
}

static void undisturbed(int context, int32_t ids[SEGMENTS * SEGMENT_CODES])
{
    undisturbed_of(model, context, ids);
}

static void resume(const ar_model *m, int context, int done, const int32_t *wanted)
{
    int32_t ids[SEGMENTS * SEGMENT_CODES];
    const ar_session_options options = options_of(context);
    ar_session *s = open_session_of(m, &options);
    for (int k = 0; k < done; k++)
        assert_int_equal(ar_session_feed(s, wanted + k * SEGMENT_CODES, 4, NULL), LT_OK);
    make_segments(s, done, SEGMENTS, ids);
    const size_t given = (size_t)(done * SEGMENT_CODES);
    assert_memory_equal(ids + given, wanted + given, sizeof ids - given * sizeof *ids);
    ar_session_close(s);
}

/* Whatever the context, and wherever the break: given segments and made ones are
 * the same to those that follow. */
static void resume_gives_the_same_codes(void **state)
{
    (void)state;
    const ar_model *models[] = {model, cpu_model};
    for (int i = 0; i < 2; i++)
        for (int context = 0; context <= SEGMENTS; context += context + 1) { /* 0, 1, 3, 7 */
            int32_t wanted[SEGMENTS * SEGMENT_CODES];
            undisturbed_of(models[i], context, wanted);
            for (int done = 1; done < SEGMENTS; done++)
                resume(models[i], context, done, wanted);
        }
}

static int cancel_at_ten(void *user, int done, int total)
{
    (void)user;
    assert_int_equal(total, SEGMENT_CODES);
    return done == 10;
}

static void a_cancelled_segment_can_be_made_again(void **state)
{
    (void)state;
    int32_t wanted[SEGMENTS * SEGMENT_CODES];
    int32_t ids[SEGMENTS * SEGMENT_CODES];
    undisturbed(2, wanted);
    const ar_session_options options = options_of(2);
    ar_session *s = open_session(&options);
    const ar_progress cancel = {cancel_at_ten, NULL};
    make_segments(s, 0, 1, ids);
    assert_int_equal(ar_session_segment(s, 4, ids + SEGMENT_CODES, 0, &cancel, NULL),
                     LT_ERR_CANCELLED);
    make_segments(s, 1, SEGMENTS, ids);
    assert_memory_equal(ids, wanted, sizeof ids);
    ar_session_close(s);
}

/* Without any earlier segment in sight two segments see the same, but
 * their draws have other numbers. */
static void draws_go_on_through_the_take(void **state)
{
    (void)state;
    int32_t ids[SEGMENTS * SEGMENT_CODES];
    undisturbed(0, ids);
    assert_memory_not_equal(ids, ids + SEGMENT_CODES, SEGMENT_CODES * sizeof *ids);
}

static void the_context_reaches_back(void **state)
{
    (void)state;
    int32_t one[SEGMENTS * SEGMENT_CODES];
    int32_t all[SEGMENTS * SEGMENT_CODES];
    undisturbed(1, one);
    undisturbed(SEGMENTS, all);
    /* nothing is out of sight yet */
    assert_memory_equal(one, all, 2 * SEGMENT_CODES * sizeof *one);
    assert_memory_not_equal(one + 2 * SEGMENT_CODES, all + 2 * SEGMENT_CODES,
                            (SEGMENTS - 2) * SEGMENT_CODES * sizeof *one);
}

/* What a session says of the beginning of a segment after segments first .. last - 1 of a take. */
static void logits_after(const int32_t *ids, int first, int last, int context,
                         float logits[2 * VOCABULARY])
{
    const int32_t begin = ar_layout_id(&toy, AR_OPEN_I);
    const ar_session_options options = options_of(context);
    ar_session *s = open_session(&options);
    for (int k = first; k < last; k++)
        assert_int_equal(ar_session_feed(s, ids + k * SEGMENT_CODES, 4, NULL), LT_OK);
    assert_int_equal(ar_session_logits(s, &begin, 1, logits, NULL), LT_OK);
    ar_session_close(s);
}

/* A third of the context goes at once, then what is in sight grows again: 7, then 5, 6, 7. Rounding
 * of rows that go through together is far below what one segment more or less changes. */
static void the_oldest_third_goes(void **state)
{
    (void)state;
    /* in sight, after so many segments */
    static const int oldest[SEGMENTS + 1] = {0, 0, 0, 0, 0, 0, 0, 0, 3, 3};
    int32_t ids[SEGMENTS * SEGMENT_CODES];
    undisturbed(SEGMENTS, ids);
    for (int made = 6; made <= SEGMENTS; made++) {
        float limited[2 * VOCABULARY];
        float alone[2 * VOCABULARY];
        float one_more[2 * VOCABULARY];
        double away = 0;
        logits_after(ids, 0, made, 7, limited);
        logits_after(ids, oldest[made], made, SEGMENTS, alone);
        logits_after(ids, oldest[made] + 1, made, SEGMENTS, one_more);
        for (int i = 0; i < 2 * VOCABULARY; i++) {
            assert_float_equal(limited[i], alone[i], 1e-4);
            away += fabs((double)(one_more[i] - alone[i]));
        }
        assert_true(away > 0.1);
    }
}

/* The first codes of a segment may be given; all that was drawn before stays as it was. */
static void given_codes_stay(void **state)
{
    (void)state;
    int32_t wanted[SEGMENTS * SEGMENT_CODES];
    int32_t ids[SEGMENT_CODES];
    undisturbed(2, wanted);
    for (int known = 1; known <= SEGMENT_CODES; known += 13) {
        const ar_session_options options = options_of(2);
        ar_session *s = open_session(&options);
        memset(ids, 0, sizeof ids);
        memcpy(ids, wanted, (size_t)known * sizeof *ids);
        assert_int_equal(ar_session_segment(s, 4, ids, known, NULL, NULL), LT_OK);
        assert_memory_equal(ids, wanted, sizeof ids);
        ar_session_close(s);
    }
}

static void a_new_prompt_changes_only_what_follows(void **state)
{
    (void)state;
    int32_t wanted[SEGMENTS * SEGMENT_CODES];
    int32_t ids[SEGMENTS * SEGMENT_CODES];
    undisturbed(2, wanted);
    const ar_session_options options = options_of(2);
    ar_session *s = open_session(&options);
    make_segments(s, 0, 2, ids);
    const ar_condition other = {
        .text = other_text, .text_rows = TEXT_ROWS - 1, .frames = 13, .motion = 0.9f};
    assert_int_equal(ar_session_condition(s, &other, NULL), LT_OK);
    make_segments(s, 2, SEGMENTS, ids);
    assert_memory_equal(ids, wanted, 2 * SEGMENT_CODES * sizeof *ids);
    assert_memory_not_equal(ids + 2 * SEGMENT_CODES, wanted + 2 * SEGMENT_CODES,
                            SEGMENT_CODES * sizeof *ids);
    ar_session_close(s);
}

/* Segments 0 and 1 of the first prompt, then the second; the first `done` are given, those of `ids`
 * that follow are made. */
static void change_prompt(double weight, int done, int32_t ids[SEGMENTS * SEGMENT_CODES])
{
    ar_session_options options = options_of(2);
    options.may_lean = true;
    ar_session *s = open_session(&options);
    const ar_condition other = {.text = other_text,
                                .text_rows = TEXT_ROWS - 1,
                                .frames = 13,
                                .motion = 0.1f,
                                .change_weight = weight};
    for (int k = 0; k < SEGMENTS; k++) {
        if (k == 2)
            assert_int_equal(ar_session_condition(s, &other, NULL), LT_OK);
        if (k < done)
            assert_int_equal(ar_session_feed(s, ids + k * SEGMENT_CODES, 4, NULL), LT_OK);
        else
            make_segments(s, k, k + 1, ids);
    }
    ar_session_close(s);
}

/* As long as a segment of the old prompt is in sight, and only so long;
 * wherever the take was interrupted. */
static void a_new_prompt_is_leant_towards(void **state)
{
    (void)state;
    int32_t plain[SEGMENTS * SEGMENT_CODES];
    int32_t leant[SEGMENTS * SEGMENT_CODES];
    int32_t ids[SEGMENTS * SEGMENT_CODES];
    change_prompt(0, 0, plain);
    change_prompt(3, 0, leant);
    assert_memory_equal(leant, plain, 2 * SEGMENT_CODES * sizeof *ids);
    assert_memory_not_equal(leant + 2 * SEGMENT_CODES, plain + 2 * SEGMENT_CODES,
                            SEGMENT_CODES * sizeof *ids);
    for (int done = 1; done < SEGMENTS; done++) {
        memcpy(ids, leant, sizeof ids);
        change_prompt(3, done, ids);
        assert_memory_equal(ids, leant, sizeof ids);
    }
    change_prompt(0, 4, ids); /* segment 4 sees 2 and 3 alone */
    assert_memory_equal(ids, leant, sizeof ids);
}

static void guidance_can_be_switched_off_not_on(void **state)
{
    (void)state;
    int32_t ids[SEGMENT_CODES];
    ar_session_options options = options_of(1);
    ar_sampling plain = options.sampling;
    plain.guidance = 0;
    ar_session *s = open_session(&options);
    assert_int_equal(ar_session_sampling(s, &plain, NULL), LT_OK);
    assert_int_equal(ar_session_segment(s, 4, ids, 0, NULL, NULL), LT_OK);
    assert_int_equal(ar_session_sampling(s, &options.sampling, NULL), LT_OK);
    assert_int_equal(ar_session_segment(s, 4, ids, 0, NULL, NULL), LT_OK);
    ar_session_close(s);

    const ar_sampling guided = options.sampling;
    options.sampling.guidance = 0;
    s = open_session(&options);
    assert_int_equal(ar_session_sampling(s, &guided, NULL), LT_ERR_USAGE);
    ar_session_close(s);
}

/* 3 + 5 rows of prefix, 14 segments of 35 positions, and 14 of a frame more are 512, all there
 * are. */
static void positions(void **state)
{
    (void)state;
    static const struct {
        int context;
        int64_t segments;
        int last_frames;
        int64_t positions;
    } row[] = {{0, 0, 0, 8 + 14},       {0, 1, 4, 8 + 35},         {0, 2, 1, 8 + 35},
               {64, 3, 1, 8 + 70 + 14}, {64, 3, 4, 8 + 105},       {14, 0, 0, 512},
               {14, 15, 1, 512},        {14, 15, 2, 519},          {14, 15, 0, 512},
               {14, 16, 1, 8 + 525},    {64, 16, 1, 8 + 525 + 14}, {1, 100, 1, 8 + 70}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        ar_session_options o = options_of(row[i].context);
        o.segments = row[i].segments;
        o.last_frames = row[i].last_frames;
        const int64_t got = ar_positions(&toy, &o);
        const lt_status s = ar_positions_check(&toy, &o, NULL);
        if (got != row[i].positions || s != (got > 512 ? LT_ERR_USAGE : LT_OK))
            fail_msg("row %zu: %lld positions, status %d; want %lld", i, (long long)got, (int)s,
                     (long long)row[i].positions);
    }
}

static void what_is_refused(void **state)
{
    (void)state;
    int32_t ids[SEGMENT_CODES] = {0};
    ar_session *s = NULL;
    ar_session_options options = options_of(20); /* 21 segments of 35 positions do not fit 512 */
    assert_int_equal(ar_session_open(model, &options, &s, NULL), LT_ERR_USAGE);
    assert_null(s);

    options = options_of(1);
    assert_int_equal(ar_session_open(model, &options, &s, NULL), LT_OK);
    /* no prompt yet */
    assert_int_equal(ar_session_segment(s, 4, ids, 0, NULL, NULL), LT_ERR_USAGE);
    ar_session_close(s);

    s = open_session(&options);
    assert_int_equal(ar_session_segment(s, 0, ids, 0, NULL, NULL), LT_ERR_USAGE);
    assert_int_equal(ar_session_segment(s, 5, ids, 0, NULL, NULL), LT_ERR_USAGE);
    assert_int_equal(ar_session_segment(s, 4, ids, SEGMENT_CODES + 1, NULL, NULL), LT_ERR_USAGE);
    ids[3] = VOCABULARY;
    assert_int_equal(ar_session_feed(s, ids, 4, NULL), LT_ERR_INPUT);
    ids[3] = -1;
    assert_int_equal(ar_session_segment(s, 4, ids, 4, NULL, NULL), LT_ERR_INPUT);
    const ar_condition long_prompt = {.text = text, .text_rows = TEXT_ROWS + 1};
    assert_int_equal(ar_session_condition(s, &long_prompt, NULL), LT_ERR_USAGE);
    ar_session_close(s);
}

static void frames_condition(void **state)
{
    (void)state;
    assert_float_equal(ar_frames_condition(&toy, 7), 7, 0);
    assert_float_equal(ar_frames_condition(&toy, 61), 13, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resume_gives_the_same_codes),
        cmocka_unit_test(a_cancelled_segment_can_be_made_again),
        cmocka_unit_test(draws_go_on_through_the_take),
        cmocka_unit_test(the_context_reaches_back),
        cmocka_unit_test(the_oldest_third_goes),
        cmocka_unit_test(given_codes_stay),
        cmocka_unit_test(a_new_prompt_changes_only_what_follows),
        cmocka_unit_test(a_new_prompt_is_leant_towards),
        cmocka_unit_test(guidance_can_be_switched_off_not_on),
        cmocka_unit_test(positions),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(frames_condition),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
