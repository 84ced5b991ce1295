/* test_token_plan.c - tokens as segments: counts, cutting, joining, what does not fit. */
#include <stdlib.h>

#include "tests/support/check.h"
#include "tokenizer/token_plan.h"

static const tok_layout released = {
    .segment_frames = 13, .i_tokens = 330, .p_tokens = 74, .codebook_size = 2048};
static const tok_layout toy = {
    .segment_frames = 3, .i_tokens = 4, .p_tokens = 2, .codebook_size = 10};

/* A plan of `count` tokens that count up. */
static tok_plan plan_of(const tok_layout *layout, int64_t count, int64_t video_frames)
{
    tok_plan p;
    lt_error err = {0};
    int32_t *tokens = malloc((size_t)count * sizeof *tokens);
    assert_non_null(tokens);
    for (int64_t i = 0; i < count; i++)
        tokens[i] = (int32_t)(i % layout->codebook_size);
    check_ok(tok_plan_make(layout, tokens, count, 8, video_frames, "plan", &p, &err), err);
    free(tokens);
    return p;
}

static void segments_of_a_number_of_tokens(void **state)
{
    (void)state;
    static const struct {
        int64_t tokens, segments, frames;
        int last;
    } takes[] = {{330, 1, 1, 1},   {404, 1, 2, 2},    {1218, 1, 13, 13}, {1548, 2, 14, 1},
                 {1696, 2, 16, 3}, {2436, 2, 26, 13}, {2766, 3, 27, 1}};
    for (size_t i = 0; i < sizeof takes / sizeof takes[0]; i++) {
        tok_plan p = plan_of(&released, takes[i].tokens, 0);
        assert_int_equal(p.segments, takes[i].segments);
        assert_int_equal(p.frames[p.segments - 1], takes[i].last);
        assert_int_equal(tok_plan_semantic_frames(&p), takes[i].frames);
        assert_int_equal(p.video_frames, 4 * (takes[i].frames - 1) + 1);
        tok_plan_clear(&p);
    }
}

static void numbers_that_do_not_fit(void **state)
{
    (void)state;
    static const int64_t counts[] = {0, 329, 331, 403, 1217, 1219, 1218 + 329};
    int32_t tokens[2000] = {0};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        tok_plan p;
        lt_error err = {0};
        check_failed(tok_plan_make(&released, tokens, counts[i], 8, 0, "plan", &p, &err), err,
                     LT_ERR_INPUT, "plan: ");
        assert_null(p.tokens);
    }
}

static void values_that_do_not_fit(void **state)
{
    (void)state;
    static const int32_t bad[] = {-1, 10, 65536, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int32_t tokens[4] = {0, 1, 2, bad[i]};
        tok_plan p;
        lt_error err = {0};
        check_failed(tok_plan_make(&toy, tokens, 4, 8, 0, "plan", &p, &err), err, LT_ERR_INPUT,
                     "token 3");
    }
    int32_t tokens[4] = {0};
    tok_plan p;
    lt_error err = {0};
    check_failed(tok_plan_make(&toy, tokens, 4, 8, 2, "plan", &p, &err), err, LT_ERR_INPUT,
                 "2 frames of video");
    err = (lt_error){0};
    check_failed(tok_plan_make(&toy, tokens, 4, 0, 0, "plan", &p, &err), err, LT_ERR_INPUT,
                 "frames a second");
}

static void cutting_and_joining(void **state)
{
    (void)state;
    lt_error err = {0};
    /* 3 + 3 + 2 semantic frames: at most 29 of video */
    tok_plan whole = plan_of(&toy, 8 + 8 + 6, 27);
    check_ok(tok_plan_set_note(&whole, "prompt", "a ball", &err), err);

    tok_plan head, tail, again;
    check_ok(tok_plan_cut(&whole, 0, 1, &head, &err), err);
    check_ok(tok_plan_cut(&whole, 1, 2, &tail, &err), err);
    assert_int_equal(head.video_frames, 9);
    assert_int_equal(tail.video_frames, 17 - 2); /* the take's end stays trimmed */
    assert_int_equal(head.token_count, 8);
    assert_memory_equal(tail.tokens, whole.tokens + 8, 14 * sizeof *tail.tokens);
    assert_string_equal(tok_plan_note(&tail, "prompt"), "a ball");

    check_ok(tok_plan_join(&head, &tail, &again, &err), err);
    assert_int_equal(again.video_frames, whole.video_frames);
    assert_int_equal(again.segments, whole.segments);
    assert_memory_equal(again.tokens, whole.tokens, 22 * sizeof *again.tokens);
    assert_memory_equal(again.frames, whole.frames, 3 * sizeof *again.frames);
    tok_plan_clear(&again);

    check_ok(tok_plan_join(&tail, &head, &again, &err), err); /* a short segment in the middle */
    assert_int_equal(again.frames[1], 2);
    check_ok(tok_plan_check(&again, "joined", &err), err);
    int32_t codes[8];
    assert_true(tok_plan_segment(&again, 1) == again.tokens + 8);
    assert_true(tok_plan_segment(&again, 2) == again.tokens + 14);
    assert_true(tok_plan_segment(&again, 3) == again.tokens + 22);
    assert_int_equal(tok_plan_codes(&again, 2, codes), 8);
    assert_int_equal(codes[7], whole.tokens[7]);

    tok_plan none;
    check_failed(tok_plan_cut(&whole, 2, 2, &none, &err), err, LT_ERR_USAGE,
                 "segments 2 to 3 of 3");
    err = (lt_error){0};
    check_failed(tok_plan_cut(&whole, -1, 1, &none, &err), err, LT_ERR_USAGE, "segments");
    err = (lt_error){0};
    tok_plan other = plan_of(&released, 330, 0);
    check_failed(tok_plan_join(&whole, &other, &none, &err), err, LT_ERR_INPUT, "different models");
    tok_plan_clear(&other);
    tok_plan_clear(&again);
    tok_plan_clear(&head);
    tok_plan_clear(&tail);
    tok_plan_clear(&whole);
}

/* What is counted are semantic frames, in however many segments. */
static void as_long_as_can_be(void **state)
{
    (void)state;
    static const tok_layout layouts[] = {
        {.segment_frames = 13, .i_tokens = 2, .p_tokens = 1, .codebook_size = 10},
        {.segment_frames = 1, .i_tokens = 1, .p_tokens = 1, .codebook_size = 10},
        {.segment_frames = 4096, .i_tokens = 1, .p_tokens = 1, .codebook_size = 10}};
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        const tok_layout *l = &layouts[i];
        const int64_t segments = TOK_MAX_FRAMES / l->segment_frames;
        const int64_t count = segments * tok_layout_tokens(l, l->segment_frames);
        tok_plan p = plan_of(l, count, 0);
        assert_int_equal(tok_plan_semantic_frames(&p), TOK_MAX_FRAMES);
        assert_true(count <= tok_layout_most_tokens(l));
        tok_plan again;
        lt_error err = {0};
        check_ok(tok_plan_join(&p, &p, &again, &err), err);
        check_failed(tok_plan_check(&again, "plan", &err), err, LT_ERR_INPUT,
                     l->segment_frames == 1 ? "1703936 segments, expected 1 to 851968"
                                            : "1703936 semantic frames, expected 1 to 851968");
        assert_true(tok_plan_segment(&again, 2 * segments - 1) ==
                    again.tokens + 2 * count - count / segments);
        tok_plan_clear(&again);
        tok_plan_clear(&p);
    }
}

static void notes(void **state)
{
    (void)state;
    lt_error err = {0};
    tok_plan p = plan_of(&toy, 4, 0);
    assert_null(tok_plan_note(&p, "seed"));
    check_ok(tok_plan_set_note(&p, "seed", "1", &err), err);
    check_ok(tok_plan_set_note(&p, "prompt", "", &err), err);
    check_ok(tok_plan_set_note(&p, "seed", "2", &err), err);
    assert_string_equal(tok_plan_note(&p, "seed"), "2");
    assert_int_equal(p.note_count, 2);
    tok_plan_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_of_a_number_of_tokens),
        cmocka_unit_test(numbers_that_do_not_fit),
        cmocka_unit_test(values_that_do_not_fit),
        cmocka_unit_test(cutting_and_joining),
        cmocka_unit_test(as_long_as_can_be),
        cmocka_unit_test(notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
