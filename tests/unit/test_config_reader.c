/* test_config_reader.c - files in the tree are read; errors name
 * their place and the nearest key. */
#include "tests/support/check.h"

#include <stdlib.h>

#include "configs/model_config.h"

static const char tiny_path[] = TEST_SOURCE_DIR "/configs/tiny.yaml";

static cfg_model read_tiny(void)
{
    static cfg_model cfg;
    lt_error err = {0};
    check_ok(cfg_read(tiny_path, &cfg, &err), err);
    return cfg;
}

static lt_status read_text(const char *text, size_t bytes, cfg_model *cfg, lt_error *err)
{
    cfg_document *doc;
    LT_TRY(cfg_yaml_parse(text, bytes, "my.yaml", &doc, err));
    const lt_status s = cfg_read_document(doc, cfg, err);
    cfg_document_close(doc);
    return s;
}

/* What reading `text` complains about, without the name of the file. */
static const char *message_of(const char *text, size_t bytes)
{
    static lt_error err;
    cfg_model cfg;
    err = (lt_error){0};
    check_failed(read_text(text, bytes, &cfg, &err), err, LT_ERR_INPUT, "my.yaml");
    return err.message + strlen("my.yaml");
}

/* tiny.yaml with the first occurrence of `old` replaced; `line` is where that stands, from 1. */
static char *tiny_with(const char *old, const char *new, int *line)
{
    FILE *file = fopen(tiny_path, "rb");
    assert_non_null(file);
    char text[16384];
    const size_t bytes = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[bytes] = '\0';
    char *at = strstr(text, old);
    if (at == NULL)
        fail_msg("'%s' is not in tiny.yaml", old);
    *line = 1;
    for (const char *p = text; p < at; p++)
        *line += *p == '\n';
    const size_t size = bytes + strlen(new) + 1;
    char *changed = malloc(size);
    assert_non_null(changed);
    snprintf(changed, size, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    return changed;
}

static void reads_the_files_of_the_tree(void **state)
{
    (void)state;
    static const char *const names[] = {"landiff", "mini", "tiny"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/configs/%s.yaml", TEST_SOURCE_DIR, names[i]);
        cfg_model cfg;
        lt_error err = {0};
        check_ok(cfg_read(path, &cfg, &err), err);
    }
}

static void reads_the_released_numbers(void **state)
{
    (void)state;
    cfg_model cfg;
    lt_error err = {0};
    assert_int_equal(cfg_read(TEST_SOURCE_DIR "/configs/landiff.yaml", &cfg, &err), LT_OK);
    assert_false(cfg.one_text_encoder);
    assert_int_equal(cfg.text_ar.max_length, 512);
    assert_int_equal(cfg.text_mmdit.max_length, 226);
    assert_true(cfg.text_ar.layer_norm_epsilon == 1e-6f);
    assert_int_equal(cfg.ar_model.vocab_size, 2055);
    assert_int_equal(cfg.mmdit.upsample.multiplier_count, 2);
    assert_true(cfg.mmdit.upsample.multipliers[0] == 0.25);
    assert_true(cfg.temporal_vae.scale_factor == 1.15258426);
    assert_int_equal(cfg.pipeline.overlap, 7);
}

static void absent_optional_keys_have_the_released_values(void **state)
{
    (void)state;
    int line;
    char *text = tiny_with("pipeline:", "#", &line);
    char *cut = strchr(strstr(text, "\n#"), '\n');
    cut[1] = '\0';
    cfg_model cfg;
    lt_error err = {0};
    check_ok(read_text(text, strlen(text), &cfg, &err), err);
    free(text);
    assert_true(cfg.pipeline.lm_cfg == 7.5 && cfg.pipeline.cfg_scale == 6 && cfg.pipeline.fps == 8);
    assert_int_equal(cfg.pipeline.schedule, CFG_SCHEDULE_OFFICIAL);
    assert_int_equal(cfg.pipeline.width, 96); /* what the VAE makes of the latent grid */
    assert_int_equal(cfg.pipeline.height, 64);
    assert_int_equal(cfg.pipeline.overlap, 3); /* of 5 latents */
    assert_int_equal(cfg.mmdit.timestep_count, 0);
}

static void errors_name_place_and_cause(void **state)
{
    (void)state;
    static const struct {
        const char *old;
        const char *new;
        int line;   /* counted from the line of `old` */
        int column; /* 0: a message about the whole file, without a line */
        const char *message;
    } cases[] = {
        {"  steps: 4", "  stesp: 4", 0, 3,
         "unknown key 'mmdit.stesp'\nhint: the nearest key is 'steps'"},
        {"  steps: 4", "  zzzzzzzz: 4", 0, 3, "unknown key 'mmdit.zzzzzzzz'"},
        {"  steps: 4", "  steps: \"4\"", 0, 10, "'mmdit.steps' is \"4\", expected an integer"},
        {"  steps: 4", "  steps: 4.5", 0, 10, "'mmdit.steps' is '4.5', expected an integer"},
        {"  steps: 4", "  steps: 0x10", 0, 10, "'mmdit.steps' is '0x10', expected an integer"},
        {"  steps: 4", "  steps: 99999999999999999999", 0, 10,
         "'mmdit.steps' is '99999999999999999999', expected an integer"},
        {"  steps: 4", "  steps:", 0, 9, "'mmdit.steps' is '', expected an integer"},
        {"  steps: 4", "  steps: [4]", 0, 10, "'mmdit.steps' is a list, expected an integer"},
        {"  steps: 4", "  steps: 0", 0, 10, "'mmdit.steps' is 0, expected 1 to 999"},
        {"  steps: 4", "  steps: &a 4", 0, 10,
         "an anchor (&name); write the value out where it is used"},
        {"  steps: 4", "  steps: *a", 0, 10, "an alias (*name); write the value out"},
        {"  steps: 4", "  steps: !!int 4", 0, 10, "a tag (!name); plain values are expected"},
        {"  steps: 4", "  steps: 4\n  steps", 2, 3, "could not find expected ':'"},
        {"  steps: 4", "  \"\\e[2J\": 4", 0, 3, "unknown key 'mmdit.?[2J'"},
        {"  width: 64\n", "", 0, 3, "'mmdit' lacks width"},
        {"position_scale: 1", "position_scale: nan", 0, 19,
         "'mmdit.position_scale' is 'nan', expected a number"},
        {"carry: latents", "carry: latent", 0, 10,
         "'mmdit.carry' is 'latent', expected latents or frames or renoise"},
        {"rope_dims: [4, 6, 6]", "rope_dims: [4, 6]", 0, 14,
         "'tokenizer.rope_dims' has 2 values, expected 3"},
        {"multipliers: [1, 1]\n", "multipliers: []\n", 0, 18,
         "'mmdit.upsample.multipliers' has 0 values, expected 1 to 8"},
        {"  upsample:", "  upsample: 4\n  other:", 0, 13,
         "'mmdit.upsample' is '4', expected a map of keys"},
        {"temporal_vae:\n", "temporal_vea:\n", 0, 1,
         "unknown key 'temporal_vea'\nhint: the nearest key is 'temporal_vae'"},
        {"i_tokens: 6", "i_tokens: 7", 0, 0,
         "'ar_model.i_tokens' is 6, expected 7 as 'tokenizer.i_tokens'"},
        {"steps: 4", "steps: 4\n  timesteps: [900, 500, 500, 20]", 0, 0,
         "'mmdit.timesteps' goes from 500 to 500, expected descending values"},
        {"steps: 4", "steps: 4\n  timesteps: [900, 500]", 0, 0,
         "'mmdit.timesteps' lists 2, 'mmdit.steps' is 4\nhint: an empty list stands for the release's "
         "spacing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int line;
        char *text = tiny_with(cases[i].old, cases[i].new, &line);
        char expected[512];
        if (cases[i].column == 0)
            snprintf(expected, sizeof expected, ": %s", cases[i].message);
        else
            snprintf(expected, sizeof expected, ":%d:%d: %s", line + cases[i].line, cases[i].column,
                     cases[i].message);
        assert_string_equal(message_of(text, strlen(text)), expected);
        free(text);
    }
}

static void a_second_key_names_the_first(void **state)
{
    (void)state;
    int line;
    char *text = tiny_with("  steps: 4", "  steps: 4\n  steps: 4", &line);
    char expected[128];
    snprintf(expected, sizeof expected, ":%d:3: key 'steps' a second time; the first is in line %d",
             line + 1, line);
    assert_string_equal(message_of(text, strlen(text)), expected);
    free(text);
}

static void hostile_files_are_refused(void **state)
{
    (void)state;
    static char big[300 * 1024];
    memset(big, '#', sizeof big);
    assert_string_equal(message_of(big, sizeof big),
                        ": more than 262144 bytes, too large for a configuration");
    memset(big, '[', 4096);
    assert_string_equal(message_of(big, 4096), ":1:9: nested deeper than 8 levels");
    memset(big, '\0', 100);
    assert_string_equal(message_of(big, 100), ": byte 0: control characters are not allowed");
    assert_string_equal(message_of("", 0), ": empty");
    assert_string_equal(message_of("# only a comment\n", 17), ": empty");
    assert_string_equal(message_of("[1, 2]", 6),
                        ":1:1: 'the document' is a list, expected a map of keys");
    assert_string_equal(message_of("a: \"\\0\"", 7), ":1:4: a NUL character in a value");
    assert_string_equal(message_of("? [a]\n: 1", 9),
                        ":1:3: a list or map as a key; a word is expected");
    assert_string_equal(message_of("pipeline: {}\n---\npipeline: {}", 29),
                        ":2:1: a second document; one is expected");
    assert_string_equal(message_of("\xff\xfe\xff", 3), ": byte 2: incomplete UTF-16 character");
    for (size_t i = 0; i < 100000; i += 2)
        memcpy(big + i, "-\n", 2);
    assert_string_equal(message_of(big, 100000), ":16384:2: more than 16384 values");
    lt_error err = {0};
    cfg_model cfg;
    check_failed(cfg_read(TEST_SOURCE_DIR "/configs/absent.yaml", &cfg, &err), err, LT_ERR_INPUT,
                 "configs/absent.yaml: No such file");
    err = (lt_error){0};
    check_failed(cfg_read(TEST_SOURCE_DIR, &cfg, &err), err, LT_ERR_INPUT, "directory");
}

static void set_changes_one_key(void **state)
{
    (void)state;
    cfg_model cfg = read_tiny();
    lt_error err = {0};
    assert_int_equal(cfg_set(&cfg, "mmdit.steps=8", &err), LT_OK);
    assert_int_equal(cfg.mmdit.steps, 8);
    assert_int_equal(cfg_set(&cfg, "mmdit.timesteps=[900, 20]", &err), LT_OK);
    assert_int_equal(cfg.mmdit.timestep_count, 2);
    assert_int_equal(cfg_set(&cfg, "mmdit.upsample.multipliers=[0.5, 1]", &err), LT_OK);
    assert_true(cfg.mmdit.upsample.multipliers[0] == 0.5);
    assert_int_equal(cfg_set(&cfg, "text_encoder.max_length=12", &err), LT_OK);
    assert_int_equal(cfg.text_ar.max_length, 12);
    assert_int_equal(cfg.text_mmdit.max_length, 12);
    assert_int_equal(cfg_set(&cfg, "pipeline.cfg_schedule=ramp", &err), LT_OK);
    assert_int_equal(cfg.pipeline.schedule, CFG_SCHEDULE_RAMP);
    assert_int_equal(cfg_read(TEST_SOURCE_DIR "/configs/landiff.yaml", &cfg, &err), LT_OK);
    assert_int_equal(cfg_set(&cfg, "text_encoder.mmdit.max_length=77", &err), LT_OK);
    assert_int_equal(cfg.text_ar.max_length, 512);
    assert_int_equal(cfg.text_mmdit.max_length, 77);
}

static void set_refuses_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *assignment;
        const char *message;
    } cases[] = {
        {"steps=8", "--set: unknown key 'steps'\nhint: the nearest key is 'mmdit.steps'"},
        {"tokenizer.blocks=8",
         "--set: unknown key 'tokenizer.blocks'\nhint: the nearest key is 'mmdit.upsample.blocks'"},
        {"zebra=8", "--set: unknown key 'zebra'"},
        {"mmdit.step=8", "--set: unknown key 'mmdit.step'\nhint: the nearest key is 'steps'"},
        {"mmdit.upsample.block=8",
         "--set: unknown key 'mmdit.upsample.block'\nhint: the nearest key is 'blocks'"},
        {"mmdit.steps=x", "--set: 'mmdit.steps' is 'x', expected an integer"},
        {"mmdit.steps=-1", "--set: 'mmdit.steps' is -1, expected 1 to 999"},
        {"ar_model.micro_sinusoid=4098",
         "--set: 'ar_model.micro_sinusoid' is 4098, expected 2 to 4096 (channels)"},
        {"mmdit.steps.x=1", "--set: 'mmdit.steps' is a value, it has no keys"},
        {"mmdit=1", "--set: 'mmdit' is a section, expected one of its keys"},
        {"mmdit.steps", "--set: found 'mmdit.steps', expected SECTION.KEY=VALUE"},
        {"mmdit.steps=", "--set: found 'mmdit.steps=', expected SECTION.KEY=VALUE"},
        {"mmdit.steps= ", "--set: found 'mmdit.steps= ', expected SECTION.KEY=VALUE"},
        {"pipeline.fps=1e9",
         "--set: 'pipeline.fps' is 1e9, expected 0.1 to 240 (frames per second)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cfg_model cfg = read_tiny();
        lt_error err = {0};
        assert_int_equal(cfg_set(&cfg, cases[i].assignment, &err), LT_ERR_USAGE);
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(cfg.mmdit.steps, 4);
    }
}

/* mini.yaml with one more assignment, and what is said of it; NULL: nothing */
typedef struct {
    const char *assignment;
    const char *message;
} assigned;

static void check_assigned(const assigned *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cfg_model cfg;
        lt_error err = {0};
        check_ok(cfg_read(TEST_SOURCE_DIR "/configs/mini.yaml", &cfg, &err), err);
        check_ok(cfg_check(&cfg, "mini", &err), err);
        check_ok(cfg_set(&cfg, cases[i].assignment, &err), err);
        if (cases[i].message) {
            assert_int_equal(cfg_check(&cfg, "mini", &err), LT_ERR_INPUT);
            assert_string_equal(err.message, cases[i].message);
        } else {
            check_ok(cfg_check(&cfg, "mini", &err), err);
        }
    }
}

/* What a model with picture codes must have is named. */
static void picture_codes_need_their_keys(void **state)
{
    (void)state;
    static const assigned cases[] = {
        {"tokenizer.picture_codes=0", NULL},
        {"tokenizer.temporal_size=2",
         "mini: 'tokenizer.temporal_size' is 2, expected 1 beside 'picture_codes'"},
        {"tokenizer.grid_width=33",
         "mini: the grid of 'tokenizer' is 33 x 8, expected 32 x 32 at most beside 'picture_codes'"},
        {"tokenizer.picture_codes=2304",
         "mini: 'tokenizer.picture_codes' is 2304, expected less than 'codebook_size', 2304"},
        {"tokenizer.picture_distance=0",
         "mini: 'tokenizer.picture_distance' is 0, expected more than 0 beside 'picture_codes'"},
        {"tokenizer.picture_error=0",
         "mini: 'tokenizer.picture_error' is 0, expected more than 0 beside 'picture_codes'"},
        {"tokenizer.picture_width=0",
         "mini: 'tokenizer.picture_width' is 0, expected more than 0 beside 'picture_codes'"},
    };
    check_assigned(cases, sizeof cases / sizeof cases[0]);
}

/* The same of one with spelled codes. */
static void spelled_codes_need_their_keys(void **state)
{
    (void)state;
    static const assigned cases[] = {
        {"tokenizer.spelled_codes=0", NULL},
        {"tokenizer.spelled_codes=1025",
         "mini: 'tokenizer.spelled_codes' is 1025 of 2304 codes, expected 1280 from there on"},
        {"tokenizer.i_tokens=23",
         "mini: 'tokenizer.i_tokens' is 23, expected 24 at least beside 'spelled_codes'"},
        {"tokenizer.spelled_step=0",
         "mini: 'tokenizer.spelled_step' is 0, expected more than 0 beside 'spelled_codes'"},
        {"tokenizer.spelled_pace=0",
         "mini: 'tokenizer.spelled_pace' is 0, expected more than 0 beside 'spelled_codes'"},
    };
    check_assigned(cases, sizeof cases / sizeof cases[0]);
}

static void prints_what_it_reads(void **state)
{
    (void)state;
    const cfg_model cfg = read_tiny();
    char *text = cfg_text_of(&cfg);
    assert_non_null(text);
    static const char *const lines[] = {"text_encoder.layer_norm_epsilon: 1e-06\n",
                                        "tokenizer.theia.patch_size: 16\n",
                                        "tokenizer.rope_dims: [4, 6, 6]\n",
                                        "ar_model.rope_base: 10000\n",
                                        "mmdit.carry: latents\n",
                                        "mmdit.timesteps: []\n",
                                        "mmdit.upsample.multipliers: [1, 1]\n",
                                        "pipeline.cfg_schedule: constant\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strstr(text, lines[i]) == NULL)
            fail_msg("no line %s in\n%s", lines[i], text);
    /* Every line is an assignment that --set takes back. */
    cfg_model again = cfg;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *colon = strchr(line, ':');
        *colon = '=';
        lt_error err = {0};
        if (cfg_set(&again, line, &err) != LT_OK)
            fail_msg("%s: %s", line, err.message);
    }
    assert_memory_equal(&again, &cfg, sizeof cfg);
    free(text);
}

static void says_where_values_come_from(void **state)
{
    (void)state;
    cfg_model cfg = read_tiny();
    cfg_document *file;
    lt_error err = {0};
    static const char *const sets[] = {"mmdit.steps=8", "mmdit.upsample.blocks=2", NULL};
    for (int i = 0; sets[i] != NULL; i++)
        check_ok(cfg_set(&cfg, sets[i], &err), err);
    check_ok(cfg_yaml_read(tiny_path, &file, &err), err);
    char *text = cfg_text_with_origins(&cfg, file, sets);
    cfg_document_close(file);
    assert_non_null(text);
    static const char *const lines[] = {
        "text_encoder.vocab_size: 320  # " TEST_SOURCE_DIR "/configs/tiny.yaml:3\n",
        "mmdit.steps: 8  # --set\n", "mmdit.upsample.blocks: 2  # --set\n",
        "mmdit.timesteps: []  # built-in\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strstr(text, lines[i]) == NULL)
            fail_msg("no line %s in\n%s", lines[i], text);
    free(text);
}

static lt_json *json_of(const char *text)
{
    lt_json *root = NULL;
    lt_error err = {0};
    check_ok(lt_json_parse(text, strlen(text), "golden", &root, &err), err);
    return root;
}

static void golden_configs_may_be_partial(void **state)
{
    (void)state;
    static const char *const extra[] = {"num_frames", "cfg", NULL};
    lt_json *flat = json_of(
        "{\"width\": 48, \"heads\": 3, \"num_frames\": 4, \"cfg\": 7.5, \"rope_base\": 10000}");
    cfg_ar ar;
    lt_error err = {0};
    assert_int_equal(cfg_ar_from_json(flat, "golden", extra, &ar, &err), LT_OK);
    assert_int_equal(ar.width, 48);
    assert_int_equal(ar.layers, 0);
    assert_int_equal(ar.frames_limit, 13);
    assert_true(ar.rope_base == 10000.0f);
    assert_int_equal(cfg_ar_from_json(flat, "golden", NULL, &ar, &err), LT_ERR_INPUT);
    assert_string_equal(err.message, "golden: unknown key 'num_frames'");
    lt_json_free(flat);
}

static void golden_configs_hold_sections(void **state)
{
    (void)state;
    lt_error err = {0};
    lt_json *flat = json_of(
        "{\"latent_channels\": 8, \"carry\": \"renoise\", \"upsample\": {\"multipliers\": [0.5, 1]}}");
    cfg_mmdit dit;
    assert_int_equal(cfg_mmdit_from_json(flat, "golden", NULL, &dit, &err), LT_OK);
    assert_int_equal(dit.carry, CFG_CARRY_RENOISE);
    assert_true(dit.upsample.multiplier_count == 2 && dit.upsample.multipliers[0] == 0.5);
    lt_json_free(flat);

    flat = json_of(
        "{\"theia\": {\"hidden_size\": 64, \"layer_norm_eps\": 1e-12}, \"grid_height\": 6}");
    cfg_tokenizer tok;
    assert_int_equal(cfg_theia_from_json(flat, "golden", NULL, &tok, &err), LT_OK);
    assert_int_equal(tok.theia.hidden_size, 64);
    assert_true(tok.theia.layer_norm_eps == 1e-12f);
    lt_json_free(flat);

    flat = json_of("{\"grid_height\": \"6\"}");
    assert_int_equal(cfg_tokenizer_from_json(flat, "golden", NULL, &tok, &err), LT_ERR_INPUT);
    assert_string_equal(err.message, "golden: 'grid_height' is \"6\", expected an integer");
    lt_json_free(flat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_files_of_the_tree),
        cmocka_unit_test(reads_the_released_numbers),
        cmocka_unit_test(absent_optional_keys_have_the_released_values),
        cmocka_unit_test(errors_name_place_and_cause),
        cmocka_unit_test(a_second_key_names_the_first),
        cmocka_unit_test(hostile_files_are_refused),
        cmocka_unit_test(set_changes_one_key),
        cmocka_unit_test(set_refuses_and_changes_nothing),
        cmocka_unit_test(picture_codes_need_their_keys),
        cmocka_unit_test(spelled_codes_need_their_keys),
        cmocka_unit_test(prints_what_it_reads),
        cmocka_unit_test(says_where_values_come_from),
        cmocka_unit_test(golden_configs_may_be_partial),
        cmocka_unit_test(golden_configs_hold_sections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
