/* test_tokenizer.c - what frames depend on, ties of the quantiser, and files that are refused. Toy
 * weights of golden files. */
#include <stdlib.h>

#include "configs/model_config.h"
#include "tests/support/check.h"
#include "tokenizer/tok_network.h"
#include "tokenizer/tokenizer.h"
#include "weights/golden.h"

enum { FRAMES = 5, MAX_VALUES = 4096 };

static lt_backend *backend;

static int open_backend(void **state)
{
    (void)state;
    return lt_reference_open(&backend, 2, NULL) == LT_OK ? 0 : -1;
}

static int close_backend(void **state)
{
    (void)state;
    backend->table->close(backend);
    return 0;
}

typedef struct {
    lt_golden *file;
    cfg_tokenizer cfg;
    tok_model *model;
} toy;

static toy open_toy(const char *path, unsigned parts)
{
    toy t = {0};
    lt_error err = {0};
    check_ok(lt_golden_open(path, &t.file, &err), err);
    check_ok(cfg_tokenizer_from_json(lt_golden_config(t.file), path, NULL, &t.cfg, &err), err);
    check_ok(tok_open(lt_golden_weights(t.file), &t.cfg, backend, parts, &t.model, &err), err);
    assert_int_equal(t.cfg.temporal_size, FRAMES);
    return t;
}

static void close_toy(toy *t)
{
    tok_close(t->model);
    lt_golden_close(t->file);
}

static int64_t frame_values(const cfg_tokenizer *cfg)
{
    return (int64_t)tok_frame_patches(cfg) * cfg->feature_channels;
}

static void fill(float *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)(i * 37 % 101) / 50 - 1;
}

/* The numbers of a frame are the same, byte for byte, whatever follows it. */
static void encoding_looks_back_only(void **state)
{
    (void)state;
    toy t =
        open_toy(TEST_SOURCE_DIR "/tests/golden/tokenizer.encode.partial.safetensors", TOK_ENCODER);
    float features[MAX_VALUES];
    float whole[MAX_VALUES];
    float part[MAX_VALUES];
    int32_t tokens[64];
    const int64_t values = frame_values(&t.cfg);
    assert_true(FRAMES * values <= MAX_VALUES &&
                tok_tokens_before(&t.cfg, FRAMES) * t.cfg.width <= MAX_VALUES);
    fill(features, FRAMES * values);
    check_ok(
        tok_encode(t.model, features, FRAMES, tokens, &(tok_encode_extras){.latents = whole}, NULL),
        (lt_error){0});
    for (int frames = 1; frames < FRAMES; frames++) {
        const size_t kept = (size_t)(tok_tokens_before(&t.cfg, frames) * t.cfg.width);
        check_ok(tok_encode(t.model, features, frames, tokens,
                            &(tok_encode_extras){.latents = part}, NULL),
                 (lt_error){0});
        assert_memory_equal(part, whole, kept * sizeof *part);
        float changed[MAX_VALUES];
        memcpy(changed, features, sizeof changed);
        for (int64_t i = frames * values; i < (frames + 1) * values; i++)
            changed[i] += 1;
        check_ok(tok_encode(t.model, changed, FRAMES, tokens, &(tok_encode_extras){.latents = part},
                            NULL),
                 (lt_error){0});
        assert_memory_equal(part, whole, kept * sizeof *part);
        assert_memory_not_equal(part + kept, whole + kept, (size_t)t.cfg.width * sizeof *part);
    }
    close_toy(&t);
}

static void decoding_looks_back_only(void **state)
{
    (void)state;
    toy t =
        open_toy(TEST_SOURCE_DIR "/tests/golden/tokenizer.decode.partial.safetensors", TOK_DECODER);
    float whole[MAX_VALUES];
    float part[MAX_VALUES];
    int32_t tokens[64];
    const int64_t values = frame_values(&t.cfg);
    for (int i = 0; i < 64; i++)
        tokens[i] = i * 29 % t.cfg.codebook_size;
    check_ok(tok_decode(t.model, tokens, FRAMES, whole, NULL), (lt_error){0});
    for (int frames = 1; frames < FRAMES; frames++) {
        const size_t kept = (size_t)(frames * values) * sizeof *part;
        check_ok(tok_decode(t.model, tokens, frames, part, NULL), (lt_error){0});
        assert_memory_equal(part, whole, kept);
        /* the first of the next frame */
        int32_t *changed = &tokens[tok_tokens_before(&t.cfg, frames)];
        *changed = (*changed + 1) % t.cfg.codebook_size;
        check_ok(tok_decode(t.model, tokens, FRAMES, part, NULL), (lt_error){0});
        assert_memory_equal(part, whole, kept);
        assert_memory_not_equal(part + frames * values, whole + frames * values,
                                (size_t)values * sizeof *part);
        *changed = (*changed + t.cfg.codebook_size - 1) % t.cfg.codebook_size;
    }
    close_toy(&t);
}

static void what_is_refused(void **state)
{
    (void)state;
    toy t =
        open_toy(TEST_SOURCE_DIR "/tests/golden/tokenizer.decode.partial.safetensors", TOK_DECODER);
    float features[MAX_VALUES];
    int32_t tokens[64] = {0};
    lt_error err = {0};
    check_failed(tok_decode(t.model, tokens, 0, features, &err), err, LT_ERR_INPUT, "0 frames");
    err = (lt_error){0};
    check_failed(tok_decode(t.model, tokens, FRAMES + 1, features, &err), err, LT_ERR_INPUT,
                 "6 frames");
    err = (lt_error){0};
    tokens[2] = t.cfg.codebook_size;
    check_failed(tok_decode(t.model, tokens, 1, features, &err), err, LT_ERR_INPUT,
                 "token 2 is 64");
    err = (lt_error){0};
    tokens[2] = -1;
    check_failed(tok_decode(t.model, tokens, 1, features, &err), err, LT_ERR_INPUT,
                 "token 2 is -1");
    close_toy(&t);
}

/* Sizes are refused before anything is made or read for them. */
static void frames_of_no_size_that_can_be(void **state)
{
    (void)state;
    static const struct {
        int height;
        int width;
    } sizes[] = {{TOK_MAX_SIDE + 1, 1}, {1, TOK_MAX_SIDE + 1}, {1 << 26, 1}, {0, 8}, {1, 1}};
    static const char path[] = TEST_SOURCE_DIR "/tests/golden/tokenizer.theia.square.safetensors";
    toy t = {0};
    lt_error err = {0};
    check_ok(lt_golden_open(path, &t.file, &err), err);
    check_ok(cfg_theia_from_json(lt_golden_config(t.file), path, NULL, &t.cfg, &err), err);
    check_ok(tok_open(lt_golden_weights(t.file), &t.cfg, backend, TOK_FEATURES, &t.model, &err),
             err);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        err = (lt_error){0};
        check_failed(tok_features(t.model, NULL, 1, sizes[i].height, sizes[i].width, NULL, &err),
                     err, LT_ERR_INPUT, " pixels, expected ");
    }
    close_toy(&t);
}

static void of_equal_codes_the_first(void **state)
{
    (void)state;
    float codes[4 * 2] = {0, 0, 1, 1, 1, 1, 1, 1};
    float squares[4] = {0, 2, 2, 2};
    const tok_quantizer q = {.codes = codes, .squares = squares, .count = 4, .dim = 2};
    const float z[3 * 2] = {0.9f, 0.9f, 0.1f, 0, 0.5f, 0.5f}; /* the last is as near to both */
    int32_t tokens[3];
    tok_nearest_codes(&q, z, 3, tokens);
    assert_int_equal(tokens[0], 1);
    assert_int_equal(tokens[1], 0);
    assert_int_equal(tokens[2], 0);
}

/* A codebook without its flag set would be made anew by the release. */
static void a_codebook_that_was_never_initialised(void **state)
{
    (void)state;
    const float flag = 0;
    const float codebook[4] = {0};
    char *memory = NULL;
    size_t bytes = 0;
    lt_error err = {0};
    FILE *stream = open_memstream(&memory, &bytes);
    lt_writer *w;
    check_ok(lt_writer_open("toy", &w, &err), err);
    lt_writer_add(w, "quantizer._codebook.initted", LT_F32, lt_shape1(1), &flag);
    lt_writer_add(w, "quantizer._codebook.embed", LT_F32, lt_shape3(1, 2, 2), codebook);
    check_ok(lt_writer_close_to(w, stream, &err), err);
    fclose(stream);
    lt_weights *weights;
    check_ok(lt_weights_open_memory(memory, bytes, "toy", &weights, &err), err);
    tok_quantizer q = {0};
    const cfg_tokenizer cfg = {.codebook_size = 2, .code_dim = 2};
    check_failed(tok_quantizer_load(&q, &cfg, weights, &err), err, LT_ERR_INPUT, "initted");
    tok_quantizer_close(&q);
    lt_weights_close(weights);
    free(memory);
}

/* Padded to a square with grey below or on the right; patches are [channel, row, column]. */
static void patches_of_a_picture(void **state)
{
    (void)state;
    const cfg_theia cfg = {.patch_size = 2};
    uint8_t picture[2 * 5 * 3]; /* 2 rows, 5 columns: two patches a side, the fifth column is
                                   dropped */
    float patches[4 * 12];
    for (int i = 0; i < 30; i++)
        picture[i] = (uint8_t)(i * 8);
    assert_int_equal(tok_theia_side(&cfg, 2, 5), 2);
    tok_theia_patches(&cfg, picture, 2, 5, patches);
    assert_float_equal(patches[0], -1.0f, 1e-6f);                          /* red of (0, 0) */
    assert_float_equal(patches[1], (3 * 8 - 127.5f) / 127.5f, 1e-6f);      /* red of (0, 1) */
    assert_float_equal(patches[2], (15 * 8 - 127.5f) / 127.5f, 1e-6f);     /* red of (1, 0) */
    assert_float_equal(patches[12 + 4], (7 * 8 - 127.5f) / 127.5f, 1e-6f); /* green of (0, 2) */
    for (int i = 24; i < 48; i++)
        assert_float_equal(patches[i], -0.5f / 127.5f, 1e-6f);
}

static void a_grid_larger_and_smaller_than_the_patches(void **state)
{
    (void)state;
    const cfg_tokenizer cfg = {.grid_height = 1, .grid_width = 3, .theia = {.hidden_size = 2}};
    const float square[2 * 2 * 2] = {1, 2, 3, 4, 5, 6, 7, 8};
    float grid[3 * 2];
    const float wanted[3 * 2] = {1, 2, 3, 4, 0, 0};
    tok_theia_fit(&cfg, square, 2, grid);
    assert_memory_equal(grid, wanted, sizeof grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoding_looks_back_only),
        cmocka_unit_test(decoding_looks_back_only),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(frames_of_no_size_that_can_be),
        cmocka_unit_test(of_equal_codes_the_first),
        cmocka_unit_test(a_codebook_that_was_never_initialised),
        cmocka_unit_test(patches_of_a_picture),
        cmocka_unit_test(a_grid_larger_and_smaller_than_the_patches),
    };
    return cmocka_run_group_tests(tests, open_backend, close_backend);
}
