/* Where tokens sit: counts of whole takes, forced ids, and the map between codes and offsets. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "ar_model/token_layout.h"

static const cfg_ar released = {.vocab_size = 2055,
                                .segment_frames = 13,
                                .i_tokens = 330,
                                .p_tokens = 74,
                                .codebook_size = 2048};

static void whole_takes(void **state)
{
    (void)state;
    static const struct {
        int frames, segments, codes, positions;
    } takes[] = {{1, 1, 330, 332},    {2, 1, 404, 408},    {13, 1, 1218, 1244}, {14, 2, 1548, 1576},
                 {16, 2, 1696, 1728}, {26, 2, 2436, 2488}, {27, 3, 2766, 2820}};
    for (size_t i = 0; i < sizeof takes / sizeof takes[0]; i++) {
        const int64_t segments = ar_take_segments(&released, takes[i].frames);
        assert_int_equal(segments, takes[i].segments);
        int codes = 0;
        int positions = 0;
        for (int64_t k = 0; k < segments; k++) {
            const int frames = ar_take_segment_frames(&released, takes[i].frames, k);
            codes += ar_segment_codes(&released, frames);
            positions += ar_segment_positions(&released, frames);
        }
        assert_int_equal(codes, takes[i].codes);
        assert_int_equal(positions, takes[i].positions);
    }
}

static void forced_ids(void **state)
{
    (void)state;
    static const struct {
        int offset;
        ar_kind kind;
        int32_t id;
    } places[] = {{0, AR_OPEN_I, 2050},    {1, AR_CODE, -1},        {330, AR_CODE, -1},
                  {331, AR_CLOSE_I, 2051}, {332, AR_OPEN_P, 2052},  {333, AR_CODE, -1},
                  {406, AR_CODE, -1},      {407, AR_CLOSE_P, 2053}, {408, AR_OPEN_P, 2052},
                  {1168, AR_OPEN_P, 2052}, {1242, AR_CODE, -1},     {1243, AR_CLOSE_P, 2053}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        assert_int_equal(ar_layout_kind(&released, places[i].offset), places[i].kind);
        assert_int_equal(ar_layout_id(&released, places[i].kind), places[i].id);
    }
    assert_int_equal(ar_begin_id(&released), 2049);
}

/* Every code of a segment has its own offset, and every other offset is forced. */
static void codes_and_offsets(void **state)
{
    (void)state;
    int32_t codes[1218];
    int32_t tokens[1244];
    int number = 0;
    for (int i = 0; i < 1218; i++)
        codes[i] = i;
    ar_layout_tokens(&released, codes, 0, 1244, tokens);
    for (int offset = 0; offset < 1244; offset++) {
        const ar_kind kind = ar_layout_kind(&released, offset);
        if (kind == AR_CODE) {
            assert_int_equal(ar_code_offset(&released, number), offset);
            assert_int_equal(tokens[offset], number++);
        } else {
            assert_int_equal(tokens[offset], ar_layout_id(&released, kind));
        }
    }
    assert_int_equal(number, 1218);
    for (int from = 0; from < 1244; from += 7) { /* pieces are the same as the whole */
        int32_t piece[5] = {0};
        const int to = from + 5 < 1244 ? from + 5 : 1244;
        ar_layout_tokens(&released, codes, from, to, piece);
        assert_memory_equal(piece, tokens + from, (size_t)(to - from) * sizeof *piece);
    }
}

static void special_ids_become_the_last_code(void **state)
{
    (void)state;
    assert_int_equal(ar_output_code(&released, 0), 0);
    assert_int_equal(ar_output_code(&released, 2047), 2047);
    assert_int_equal(ar_output_code(&released, 2048), 2047);
    assert_int_equal(ar_output_code(&released, 2054), 2047);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_takes),
        cmocka_unit_test(forced_ids),
        cmocka_unit_test(codes_and_offsets),
        cmocka_unit_test(special_ids_become_the_last_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
