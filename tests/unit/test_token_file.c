/* test_token_file.c - token files there and back, through files and memory,
 * and files that must be refused. */
#include <stdlib.h>
#include <unistd.h>

#include "kernels/core/json.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tokenizer/token_file.h"
#include "weights/weights.h"

static const tok_layout toy = {
    .segment_frames = 3, .i_tokens = 4, .p_tokens = 2, .codebook_size = 10};

static tok_plan some_plan(void)
{
    tok_plan p;
    lt_error err = {0};
    int32_t tokens[8 + 6];
    for (int i = 0; i < 14; i++)
        tokens[i] = i * 7 % 10;
    check_ok(tok_plan_make(&toy, tokens, 14, 7.5, 16, "plan", &p, &err), err);
    check_ok(tok_plan_set_note(&p, "prompt", "a \"red\" ball\n\xc3\xa9", &err), err);
    check_ok(tok_plan_set_note(&p, "seed", "42", &err), err);
    return p;
}

static void check_same(const tok_plan *a, const tok_plan *b)
{
    assert_memory_equal(&a->layout, &b->layout, sizeof a->layout);
    assert_int_equal(a->token_count, b->token_count);
    assert_memory_equal(a->tokens, b->tokens, (size_t)a->token_count * sizeof *a->tokens);
    assert_int_equal(a->segments, b->segments);
    assert_memory_equal(a->frames, b->frames, (size_t)a->segments * sizeof *a->frames);
}

static void there_and_back(void **state)
{
    (void)state;
    lt_error err = {0};
    tok_plan p = some_plan();
    tok_plan q;
    check_ok(tok_file_write(&p, TOK_FILE_LT, scratch_path("a.lt"), &err), err);
    assert_int_equal(scratch_count("."), 1);
    for (int i = 0; i < 2; i++) { /* with the model's layout, and with the file's own */
        check_ok(tok_file_read(scratch_path("a.lt"), i ? &toy : NULL, &q, &err), err);
        check_same(&p, &q);
        assert_false(q.altered);
        assert_int_equal(q.video_frames, 16);
        assert_true(q.fps == 7.5);
        assert_int_equal(q.note_count, 2);
        assert_string_equal(tok_plan_note(&q, "prompt"), tok_plan_note(&p, "prompt"));
        tok_plan_clear(&q);
    }
    check_ok(tok_file_write(&p, TOK_FILE_NPY, scratch_path("a.npy"), &err), err);
    assert_int_equal(scratch_count("."), 2);
    check_ok(tok_file_read(scratch_path("a.npy"), &toy, &q, &err), err);
    check_same(&p, &q);
    assert_int_equal(q.video_frames, 17); /* a NumPy file does not say where the take ends */
    tok_plan_clear(&q);
    tok_plan_clear(&p);
}

static void a_stream_has_the_bytes_of_the_file(void **state)
{
    (void)state;
    lt_error err = {0};
    tok_plan p = some_plan();
    static const tok_file_kind kinds[] = {TOK_FILE_LT, TOK_FILE_NPY};
    for (int i = 0; i < 2; i++) {
        char *memory = NULL;
        size_t bytes = 0;
        FILE *stream = open_memstream(&memory, &bytes);
        check_ok(tok_file_write_stream(&p, kinds[i], stream, "pipe", &err), err);
        fclose(stream);
        check_ok(tok_file_write(&p, kinds[i], scratch_path("b"), &err), err);
        size_t file_bytes;
        char *file = scratch_read("b", &file_bytes);
        assert_int_equal(bytes, file_bytes);
        assert_memory_equal(memory, file, bytes);
        free(file);
        free(memory);
    }
    tok_plan_clear(&p);
}

/* As many frames as there may be, each a segment of its own: more than 32 MiB. */
enum { SEGMENT = 25 };

static tok_plan longest_plan(void)
{
    static const tok_layout layout = {
        .segment_frames = 1, .i_tokens = SEGMENT, .p_tokens = 9, .codebook_size = 65536};
    tok_plan p;
    lt_error err = {0};
    int32_t tokens[SEGMENT];
    for (int i = 0; i < SEGMENT; i++)
        tokens[i] = i * 2530;
    check_ok(tok_plan_begin(&layout, 8, (int64_t)(TOK_MAX_FRAMES + 1) * SEGMENT, TOK_MAX_FRAMES + 1,
                            "plan", &p, &err),
             err);
    for (int64_t k = 0; k < TOK_MAX_FRAMES; k++)
        check_ok(tok_plan_append(&p, tokens, 1, "plan", &err), err);
    return p;
}

static void what_may_be_written_can_be_read(void **state)
{
    (void)state;
    lt_error err = {0};
    tok_plan p = longest_plan();
    tok_plan q;
    for (int i = 0; i < 2; i++) {
        check_ok(tok_file_write(&p, TOK_FILE_LT, scratch_path("long"), &err), err);
        check_ok(tok_file_read(scratch_path("long"), i ? &p.layout : NULL, &q, &err), err);
        check_same(&p, &q);
        for (int64_t k = 0; k <= q.segments; k++) /* each at once */
            assert_true(tok_plan_segment(&q, k) == q.tokens + k * SEGMENT);
        tok_plan_clear(&q);
    }
    tok_plan part; /* a quarter: there a code has 8 bytes, not 2 */
    check_ok(tok_plan_cut(&p, 0, TOK_MAX_FRAMES / 4 + 1, &part, &err), err);
    check_ok(tok_file_write(&part, TOK_FILE_NPY, scratch_path("long"), &err), err);
    check_ok(tok_file_read(scratch_path("long"), &p.layout, &q, &err), err);
    check_same(&part, &q);
    tok_plan_clear(&q);
    tok_plan_clear(&part);
    const int32_t one_more[SEGMENT] = {0};
    check_ok(tok_plan_append(&p, one_more, 1, "plan", &err), err);
    for (int kind = TOK_FILE_LT; kind <= TOK_FILE_NPY; kind++) {
        err = (lt_error){0};
        check_failed(tok_file_write(&p, (tok_file_kind)kind, scratch_path("longer"), &err), err,
                     LT_ERR_INPUT, "851969 segments, expected 1 to 851968");
        assert_false(scratch_exists("longer"));
    }
    tok_plan_clear(&p);
    assert_int_equal(unlink(scratch_path("long")), 0);
}

/* Files whose sizes are those of nothing we write, most of it a hole. */
static void what_is_too_long_is_not_read_to_its_end(void **state)
{
    (void)state;
    lt_error err = {0};
    tok_plan p = some_plan();
    tok_plan q;
    for (int kind = TOK_FILE_LT; kind <= TOK_FILE_NPY; kind++) {
        check_ok(tok_file_write(&p, (tok_file_kind)kind, scratch_path("hole"), &err), err);
        assert_int_equal(truncate(scratch_path("hole"), (off_t)1 << 36), 0);
        err = (lt_error){0};
        check_failed(tok_file_read(scratch_path("hole"), &toy, &q, &err), err, LT_ERR_INPUT,
                     kind == TOK_FILE_LT ? "found more than 6656 KiB, expected a token file"
                                         : "found more than 26632 KiB, expected a token file");
        err = (lt_error){0};
        check_failed(tok_file_read(scratch_path("hole"), NULL, &q, &err), err, LT_ERR_INPUT,
                     kind == TOK_FILE_LT ? "found more than 6656 KiB, expected a token file"
                                         : "found more than 1024 KiB, expected a token file");
    }
    tok_plan_clear(&p);
}

/* --- .lt files that must be refused ----------------------------------------------------------- */

/* What a case writes instead of a good file; NULL or 0: as it should be. */
typedef struct {
    const char *key, *value; /* metadata, value NULL: left out */
    const char *tensor;
    lt_dtype dtype;
    int64_t count;
    int last; /* the last token */
    const char *message;
} bad_file;

static void write_bad(const bad_file *b, const char *path)
{
    static const char *const good[][2] = {{"format", "longtake-tokens-1"},
                                          {"segments", "3,2"},
                                          {"segment_frames", "3"},
                                          {"i_tokens", "4"},
                                          {"p_tokens", "2"},
                                          {"codebook_size", "10"},
                                          {"frames", "16"},
                                          {"fps", "8"}};
    lt_error err = {0};
    lt_writer *w;
    int64_t tokens[64] = {0};
    uint16_t *short_tokens = (uint16_t *)tokens;
    const int64_t count = b->count ? b->count : 14;
    short_tokens[count - 1] = (uint16_t)b->last;
    check_ok(lt_writer_open(path, &w, &err), err);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const bool other = b->key && strcmp(b->key, good[i][0]) == 0;
        if (!other || b->value)
            lt_writer_metadata(w, good[i][0], other ? b->value : good[i][1]);
    }
    lt_writer_add(w, b->tensor ? b->tensor : "tokens", b->dtype ? b->dtype : LT_U16,
                  lt_shape1(count), tokens);
    check_ok(lt_writer_close(w, &err), err);
}

static void bad_lt_files(void **state)
{
    (void)state;
    static const bad_file cases[] = {
        {.key = "format", .message = "'format' is missing"},
        {.key = "format", .value = "longtake-tokens-2", .message = "longtake-tokens-2"},
        {.key = "segments", .message = "'segments' is missing"},
        {.key = "segments", .value = "", .message = "0 segments"},
        {.key = "segments", .value = "3", .message = "14 tokens, its segments need 8"},
        {.key = "segments", .value = "3,3", .message = "its segments need 16"},
        {.key = "segments", .value = "4,1", .message = "segment 0 has 4 frames"},
        {.key = "segments", .value = "3,0", .message = "'segments' is not a list"},
        {.key = "segments", .value = "3,-2", .message = "'segments' is not a list"},
        {.key = "segments", .value = "3,99999999999", .message = "'segments' is not a list"},
        {.key = "segments", .value = "3,2.5", .message = "'segments' is not a list"},
        {.key = "segments", .value = "3,[2]", .message = "'segments' is not a list"},
        {.key = "segments", .value = "3],[2", .message = "segments"},
        {.key = "segments", .value = "3,99999999999999999999999", .message = "segments"},
        {.key = "segments", .value = "3, 2", .message = "'segments' has white space at byte 2"},
        {.key = "frames", .value = " 3", .message = "'frames' has white space at byte 0"},
        {.key = "fps", .value = "8.0\n", .message = "'fps' has white space at byte 3"},
        {.key = "segment_frames", .value = "0", .message = "'segment_frames' is 0"},
        {.key = "segment_frames", .value = "4", .message = "of another model"},
        {.key = "i_tokens", .value = "x", .message = "i_tokens"},
        {.key = "i_tokens", .value = "1,2", .message = "'i_tokens' is not a whole number"},
        {.key = "p_tokens", .value = "99999999", .message = "'p_tokens' is 99999999"},
        {.key = "codebook_size", .value = "11", .message = "of another model"},
        {.key = "frames", .value = "18", .message = "18 frames of video"},
        {.key = "frames", .value = "0", .message = "0 frames of video"},
        {.key = "frames", .value = "-9223372036854775808", .message = "frames of video"},
        {.key = "fps", .value = "0", .message = "frames a second"},
        {.key = "fps", .value = "-8", .message = "frames a second"},
        {.key = "fps", .value = "1e400", .message = "fps"},
        {.key = "fps", .value = "NaN", .message = "fps"},
        {.tensor = "token", .message = "has no tensor 'tokens'"},
        {.dtype = LT_I64, .message = "has no tensor 'tokens' of u16"},
        {.count = 13, .message = "13 tokens"},
        {.last = 10, .message = "token 13 is 10"},
        {.last = 65535, .message = "token 13 is 65535"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tok_plan p;
        lt_error err = {0};
        write_bad(&cases[i], scratch_path("bad.lt"));
        check_failed(tok_file_read(scratch_path("bad.lt"), &toy, &p, &err), err, LT_ERR_INPUT,
                     cases[i].message);
        assert_non_null(strstr(err.message, "bad.lt"));
        assert_null(p.tokens);
    }
    const bad_file good = {0};
    tok_plan p;
    lt_error err = {0};
    write_bad(&good, scratch_path("good.lt"));
    check_ok(tok_file_read(scratch_path("good.lt"), &toy, &p, &err), err);
    tok_plan_clear(&p);
}

/* A code that is another one but still a code, a prompt that lost a letter: read, and said. */
static void what_was_altered_is_known(void **state)
{
    (void)state;
    lt_error err = {0};
    tok_plan p = some_plan();
    const char *const places[] = {"\\\"red\\\"", "7.5", "checksum"};
    for (int i = 0; i < 4; i++) {
        check_ok(tok_file_write(&p, TOK_FILE_LT, scratch_path("a.lt"), &err), err);
        size_t bytes;
        char *file = scratch_read("a.lt", &bytes);
        char *at = i < 3 ? memmem(file, bytes, places[i], strlen(places[i])) : file + bytes - 2;
        assert_non_null(at);
        at[i == 0 ? 3 : i == 1 ? 2 : i == 2 ? 14 : 0] ^= 1;
        tok_plan q;
        check_ok(tok_file_parse(file, bytes, "a.lt", &toy, &q, &err), err);
        assert_true(q.altered);
        tok_plan_clear(&q);
        free(file);
    }
    tok_plan_clear(&p);
}

/* --- .npy files ------------------------------------------------------------------------------- */

static size_t write_npy(uint8_t *out, const char *dictionary, const int64_t *values, size_t count)
{
    const size_t length = strlen(dictionary);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (uint8_t)length;
    out[9] = (uint8_t)(length >> 8);
    memcpy(out + 10, dictionary, length);
    memcpy(out + 10 + length, values, count * sizeof *values);
    return 10 + length + count * sizeof *values;
}

static void numpy_files(void **state)
{
    (void)state;
    static const struct {
        const char *dictionary;
        const char *message; /* NULL: fine */
    } cases[] = {
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (6,), }          \n", NULL},
        {"{\"shape\":(1,1,6),\"descr\":\"<i8\",\"fortran_order\":True}\n", NULL},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (6,), }\n", "<i4"},
        {"{'descr': '>i8', 'fortran_order': False, 'shape': (6,), }\n", ">i8"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (6,), }\n", "|O"},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (2, 3), }\n", "flat array"},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (), }\n", "flat array"},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (-6,), }\n", "flat array"},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (99999999999999999999,), }\n",
         "flat array"},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (7,), }\n", "7 values"},
        {"{'descr': '<i8', 'fortran_order': False, }\n", "flat array"},
        {"{'descr': '<i8', 'descr': '<i8', 'fortran_order': False, 'shape': (6,), }\n",
         "flat array"},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (6,), 'more': 1}\n", "flat array"},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (6,), } os.exit()\n", "flat array"},
        {"{'descr': '<i8", "flat array"},
        {"", "flat array"},
    };
    static const int64_t values[6] = {0, 1, 2, 3, 4, 9};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t file[512];
        tok_plan p;
        lt_error err = {0};
        const size_t bytes = write_npy(file, cases[i].dictionary, values, 6);
        const lt_status s = tok_file_parse(file, bytes, "x.npy", &toy, &p, &err);
        if (cases[i].message)
            check_failed(s, err, LT_ERR_INPUT, cases[i].message);
        else
            check_ok(s, err);
        tok_plan_clear(&p);
    }
}

static void numpy_values_and_lengths(void **state)
{
    (void)state;
    static const char dictionary[] = "{'descr': '<i8', 'fortran_order': False, 'shape': (6,), }\n";
    static const int64_t bad[] = {-1, 10, 4294967297, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t values[6] = {0, 0, 0, bad[i], 0, 0};
        uint8_t file[512];
        tok_plan p;
        lt_error err = {0};
        const size_t bytes = write_npy(file, dictionary, values, 6);
        check_failed(tok_file_parse(file, bytes, "x.npy", &toy, &p, &err), err, LT_ERR_INPUT,
                     "x.npy: token 3");
    }
    const int64_t values[6] = {0};
    uint8_t file[512];
    const size_t bytes = write_npy(file, dictionary, values, 6);
    /* a copy of its own length, so that a sanitizer sees a step too far */
    for (size_t cut = 0; cut < bytes; cut++) {
        tok_plan p;
        lt_error err = {0};
        uint8_t *copy = malloc(cut + 1);
        memcpy(copy, file, cut);
        assert_int_equal(tok_file_parse(copy, cut, "x.npy", &toy, &p, &err), LT_ERR_INPUT);
        free(copy);
    }
    tok_plan p;
    lt_error err = {0};
    check_failed(tok_file_parse(file, bytes, "x.npy", NULL, &p, &err), err, LT_ERR_INPUT,
                 "of which model");
}

/* --- what is no token file -------------------------------------------------------------------- */

static void other_files(void **state)
{
    (void)state;
    tok_plan p;
    lt_error err = {0};
    check_failed(tok_file_read(scratch_path("absent.lt"), &toy, &p, &err), err, LT_ERR_INPUT,
                 "No such file");
    err = (lt_error){0};
    check_failed(tok_file_read(scratch_path("."), &toy, &p, &err), err, LT_ERR_INPUT, "directory");
    err = (lt_error){0};
    scratch_write_text("empty.lt", "");
    check_failed(tok_file_read(scratch_path("empty.lt"), &toy, &p, &err), err, LT_ERR_INPUT,
                 "empty.lt");
    err = (lt_error){0};
    scratch_write_text("text.lt", "this is a text file, not tokens");
    check_failed(tok_file_read(scratch_path("text.lt"), &toy, &p, &err), err, LT_ERR_INPUT,
                 "text.lt");
    err = (lt_error){0};
    check_failed(tok_file_read("/dev/zero", &toy, &p, &err), err, LT_ERR_INPUT, "is no token file");

    tok_plan good = some_plan();
    err = (lt_error){0};
    check_failed(tok_file_write(&good, TOK_FILE_LT, scratch_path("absent/a.lt"), &err), err,
                 LT_ERR_INPUT, "absent");
    err = (lt_error){0};
    check_failed(tok_file_write(&good, TOK_FILE_NPY, scratch_path("absent/a.npy"), &err), err,
                 LT_ERR_INPUT, "absent");
    tok_plan_clear(&good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(a_stream_has_the_bytes_of_the_file),
        cmocka_unit_test(what_may_be_written_can_be_read),
        cmocka_unit_test(what_is_too_long_is_not_read_to_its_end),
        cmocka_unit_test(bad_lt_files),
        cmocka_unit_test(what_was_altered_is_known),
        cmocka_unit_test(numpy_files),
        cmocka_unit_test(numpy_values_and_lengths),
        cmocka_unit_test(other_files),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
