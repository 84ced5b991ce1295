/* test_text_encoder.c - what the encoder refuses, and what its result may not depend on. Numbers
 * are held by the golden files. */
#include "tests/support/check.h"

#include "text_encoder/text_encoder.h"

static const cfg_text sizes = {.vocab_size = 40,
                               .d_model = 16,
                               .num_layers = 2,
                               .num_heads = 2,
                               .d_kv = 6,
                               .d_ff = 24,
                               .relative_attention_num_buckets = 8,
                               .relative_attention_max_distance = 20,
                               .layer_norm_epsilon = 1e-6f,
                               .max_length = 12};

static lt_backend *backend;
static lt_weights *weights;

static int open_all(void **state)
{
    (void)state;
    lt_error err = {0};
    if (lt_reference_open(&backend, 1, &err) != LT_OK)
        return -1;
    return lt_weights_synthetic(LT_F32, 5, &weights, &err) == LT_OK ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    lt_weights_close(weights);
    backend->table->close(backend);
    return 0;
}

static text_encoder *open_encoder(void)
{
    text_encoder *e;
    lt_error err = {0};
    check_ok(text_encoder_open(weights, &sizes, backend, &e, &err), err);
    return e;
}

static void ids_outside_the_vocabulary(void **state)
{
    (void)state;
    text_encoder *e = open_encoder();
    float hidden[3 * 16];
    lt_error err = {0};
    check_failed(text_encode(e, (int32_t[]){1, 40, 2}, 3, hidden, &err), err, LT_ERR_INPUT,
                 "id 40 at position 1, expected 0 to 39");
    err = (lt_error){0};
    check_failed(text_encode(e, (int32_t[]){-1}, 1, hidden, &err), err, LT_ERR_INPUT,
                 "id -1 at position 0");
    err = (lt_error){0};
    check_failed(text_encode(e, NULL, 0, hidden, &err), err, LT_ERR_INPUT, "0 ids");
    text_encoder_close(e);
}

/* Calls of any length, in any order, leave nothing behind. */
static void calls_are_independent(void **state)
{
    (void)state;
    text_encoder *e = open_encoder();
    static const int32_t ids[] = {7, 3, 3, 9, 1, 0, 0, 0};
    float first[8 * 16];
    float again[8 * 16];
    lt_error err = {0};
    check_ok(text_encode(e, ids, 8, first, &err), err);
    check_ok(text_encode(e, ids, 1, again, &err), err);
    check_ok(text_encode(e, ids, 8, again, &err), err);
    assert_memory_equal(first, again, sizeof first);
    text_encoder_close(e);
}

/* Padding is not masked: it changes the rows of real tokens. */
static void padding_is_seen(void **state)
{
    (void)state;
    text_encoder *e = open_encoder();
    static const int32_t ids[] = {7, 1, 0, 0};
    float bare[4 * 16];
    float padded[4 * 16];
    lt_error err = {0};
    check_ok(text_encode(e, ids, 2, bare, &err), err);
    check_ok(text_encode(e, ids, 4, padded, &err), err);
    assert_memory_not_equal(bare, padded, 2 * 16 * sizeof bare[0]);
    text_encoder_close(e);
}

static void buckets_beyond_the_largest_distance(void **state)
{
    (void)state;
    cfg_text wrong = sizes;
    wrong.relative_attention_max_distance = 2;
    text_encoder *e;
    lt_error err = {0};
    check_failed(
        text_encoder_open(weights, &wrong, backend, &e, &err), err, LT_ERR_INPUT,
        "relative_attention_max_distance is 2, expected more than a quarter of the 8 buckets");
    assert_null(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_outside_the_vocabulary),
        cmocka_unit_test(calls_are_independent),
        cmocka_unit_test(padding_is_seen),
        cmocka_unit_test(buckets_beyond_the_largest_distance),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
