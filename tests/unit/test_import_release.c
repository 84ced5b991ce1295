/* test_import_release.c - a whole small release: what wins, what is missed, and that nothing
 * half-made stays. */
#include "pipeline/import/import_release.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "ar_model/ar_model.h"
#include "kernels/backend.h"
#include "mmdit/dit_model.h"
#include "temporal_vae/vae_model.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/support/toy_release.h"
#include "text_encoder/text_encoder.h"
#include "tokenizer/tokenizer.h"
#include "weights/weights.h"

#define CONTROL        "model.control_model.diffusion_model."
#define TOKENIZER_COPY CONTROL "semantic_conditioner.semantic_model.model."
#define THEIA          "feature_extractor.model.backbone.model."

static cfg_model cfg;
static toy_release release;
static char told[4096]; /* all warnings */

static void keep_warning(void *user, const char *line)
{
    (void)user;
    strncat(told, line, sizeof told - strlen(told) - 1);
}

static const lt_warnings warnings = {.warn = keep_warning};

/* configs/tiny.yaml with two text encoders. */
static void write_config(void)
{
    static const char *const sides =
        "text_encoder:\n"
        "  ar: {vocab_size: 320, d_model: 32, num_layers: 1, num_heads: 2, "
        "d_kv: 12, d_ff: 64, max_length: 24,\n"
        "       relative_attention_num_buckets: 32, "
        "relative_attention_max_distance: 128, layer_norm_epsilon: 1.0e-06}\n"
        "  mmdit: {vocab_size: 300, d_model: 32, num_layers: 2, num_heads: 2, "
        "d_kv: 16, d_ff: 64, max_length: 16,\n"
        "          relative_attention_num_buckets: 32, "
        "relative_attention_max_distance: 128, layer_norm_epsilon: 1.0e-06}\n";
    char text[8192];
    char whole[sizeof text + 1024];
    FILE *const file = fopen(TEST_SOURCE_DIR "/configs/tiny.yaml", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *const rest = strstr(text, "\ntokenizer:");
    assert_non_null(rest);
    snprintf(whole, sizeof whole, "%s%s", sides, rest);
    scratch_write_text("toy.yaml", whole);
}

static int begin(void **state)
{
    (void)state;
    lt_error err = {0};
    told[0] = '\0';
    scratch_open();
    write_config();
    check_ok(cfg_read(scratch_path("toy.yaml"), &cfg, &err), err);
    toy_release_make(&release, &cfg);
    return 0;
}

static int end(void **state)
{
    (void)state;
    toy_release_close(&release);
    scratch_close();
    return 0;
}

static take_import_request the_request(void)
{
    return (take_import_request){.release = scratch_path("release"),
                                 .output = scratch_path("out"),
                                 .config = scratch_path("toy.yaml"),
                                 .warnings = &warnings};
}

static lt_status import(lt_error *err)
{
    const take_import_request request = the_request();
    *err = (lt_error){0};
    toy_release_write(&release, "release");
    return take_import(&request, err);
}

static void import_good(void)
{
    lt_error err;
    check_ok(import(&err), err);
}

/* The import fails, its message has both parts, and only the release and the configuration are
 * there afterwards. */
static void refuse(const char *file, const char *cause)
{
    lt_error err;
    check_failed(import(&err), err, LT_ERR_INPUT, file);
    check_failed(LT_ERR_INPUT, err, LT_ERR_INPUT, cause);
    assert_int_equal(scratch_count("."), 2);
}

/* The last value of a tensor of a written file. */
static double value_in(const char *file, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "out/%s.safetensors", file);
    lt_weights *w;
    lt_error err = {0};
    check_ok(lt_weights_open(scratch_path(path), &w, &err), err);
    const lt_tensor *const t = lt_weights_find(w, name);
    if (!t)
        fail_msg("%s is not in %s", name, path);
    const double value = lt_load_element(t->data, t->dtype, lt_numel(t) - 1);
    lt_weights_close(w);
    return value;
}

static bool is_in(const char *file, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "out/%s.safetensors", file);
    lt_weights *w;
    lt_error err = {0};
    check_ok(lt_weights_open(scratch_path(path), &w, &err), err);
    const bool found = lt_weights_find(w, name) != NULL;
    lt_weights_close(w);
    return found;
}

/* `name` of the written file holds what `source` of the release holds. */
static void check_from(const char *file, const char *name, toy_file from, const char *source)
{
    const double want = toy_release_find(&release, from, source)->fill;
    const double got = value_in(file, name);
    if (got != want)
        fail_msg("%s: %s is %g, expected %g of %s", file, name, got, want, source);
}

static void takes_every_network_from_its_file(void **state)
{
    (void)state;
    import_good();
    /* six networks, the preview map, config.yaml, two vocabularies */
    assert_int_equal(scratch_count("out"), 10);
    check_from("text_encoder.ar", "shared.weight", TOY_FLAN, "shared.weight");
    check_from("text_encoder.mmdit", "shared.weight", TOY_T5, "shared.weight");
    check_from("tokenizer", "decoder.mask_token", TOY_TOKENIZER, "decoder.mask_token");
    check_from("tokenizer", THEIA "layernorm.bias", TOY_THEIA, "backbone.model.layernorm.bias");
    check_from("ar_model", "transformer.head.weight", TOY_LLM, "transformer.head.weight");
    check_from("mmdit", "model.diffusion_model.time_embed.0.bias", TOY_BASE,
               "model.diffusion_model.time_embed.0.bias");
    check_from("mmdit", CONTROL "time_embed.0.bias", TOY_DIFFUSION, CONTROL "time_embed.0.bias");
    check_from("mmdit", CONTROL "semantic_conditioner.conv_out.bias", TOY_DIFFUSION,
               CONTROL "semantic_conditioner.conv_out.bias");
    check_from("temporal_vae", "decoder.conv_in.conv.weight", TOY_VAE,
               "decoder.conv_in.conv.weight");
    size_t config_bytes;
    size_t copy_bytes;
    char *const config = scratch_read("toy.yaml", &config_bytes);
    char *const copy = scratch_read("out/config.yaml", &copy_bytes);
    assert_int_equal(config_bytes, copy_bytes);
    assert_memory_equal(config, copy, config_bytes);
    free(config);
    free(copy);
    assert_true(scratch_exists("out/spiece.model"));
    assert_true(scratch_exists("out/text_encoder.ar.spiece.model"));
}

/* diffusion/N is loaded last and into everything. */
static void the_last_file_overrides_name_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        const char *file;
        const char *name;
    } overrides[] = {
        {"model.main_model.diffusion_model.time_embed.0.bias", "mmdit",
         "model.diffusion_model.time_embed.0.bias"},
        {"conditioner.embedders.0.transformer.shared.weight", "text_encoder.mmdit",
         "shared.weight"},
        {"first_stage_model.decoder.conv_in.conv.weight", "temporal_vae",
         "decoder.conv_in.conv.weight"},
        {TOKENIZER_COPY "decoder.mask_token", "tokenizer", "decoder.mask_token"},
        {TOKENIZER_COPY THEIA "layernorm.bias", "tokenizer", THEIA "layernorm.bias"},
    };
    enum { COUNT = sizeof overrides / sizeof overrides[0] };
    import_good();
    for (int i = 0; i < COUNT; i++) {
        char path[64];
        lt_weights *w;
        lt_error err = {0};
        snprintf(path, sizeof path, "out/%s.safetensors", overrides[i].file);
        check_ok(lt_weights_open(scratch_path(path), &w, &err), err);
        toy_release_add(&release, TOY_DIFFUSION, overrides[i].source,
                        lt_shape_of(lt_weights_find(w, overrides[i].name)));
        lt_weights_close(w);
    }
    rename(scratch_path("out"), scratch_path("first"));
    import_good();
    for (int i = 0; i < COUNT; i++)
        check_from(overrides[i].file, overrides[i].name, TOY_DIFFUSION, overrides[i].source);
    check_from("tokenizer", "mean", TOY_TOKENIZER, "mean"); /* not in the copy */
    assert_non_null(strstr(told, "holds its own copy of the tokenizer"));
}

static void the_control_branch_falls_back_on_the_base(void **state)
{
    (void)state;
    toy_release_drop(&release, TOY_DIFFUSION, CONTROL "transformer.layers.0.attention.dense.bias");
    import_good();
    check_from("mmdit", CONTROL "transformer.layers.0.attention.dense.bias", TOY_BASE,
               "model.diffusion_model.transformer.layers.0.attention.dense.bias");
}

static void zeros_never_stand_in_for_control(void **state)
{
    (void)state;
    toy_release_drop(&release, TOY_DIFFUSION, CONTROL "mixins.adaln_layer.zero_linears.0.weight");
    refuse("diffusion/1/mp_rank_00_model_states.pt: " CONTROL
           "mixins.adaln_layer.zero_linears.0.weight: is missing",
           "[64, 64]");
}

static void the_language_model_may_bring_its_text_encoder(void **state)
{
    (void)state;
    release.absent[TOY_FLAN] = true;
    for (int i = 0; i < release.count[TOY_FLAN]; i++) {
        char name[256];
        snprintf(name, sizeof name, "cond_model.text_encoder.text_encoder.%s",
                 release.tensor[TOY_FLAN][i].name);
        toy_release_add(&release, TOY_LLM, name, release.tensor[TOY_FLAN][i].shape);
    }
    import_good();
    check_from("text_encoder.ar", "shared.weight", TOY_LLM,
               "cond_model.text_encoder.text_encoder.shared.weight");
    assert_false(is_in("ar_model", "cond_model.text_encoder.text_encoder.shared.weight"));
    assert_false(scratch_exists("out/text_encoder.ar.spiece.model"));
    assert_string_equal(told, "");
}

/* The release's folders of FLAN and Theia lie outside of it, and are pointed at. */
static void import_with_folders_elsewhere(void)
{
    toy_release_write(&release, "release");
    rename(scratch_path("release/google/flan-t5-xxl"), scratch_path("flan"));
    rename(scratch_path("release/theiainstitute/theia-base-patch16-224-cddsv"),
           scratch_path("theia"));
    take_import_request request = the_request();
    request.t5 = scratch_path("flan");
    request.theia = scratch_path("theia");
    lt_error err = {0};
    check_ok(take_import(&request, &err), err);
}

/* What the release holds itself wins, and that is told. */
static void a_folder_that_loses_is_told(void **state)
{
    (void)state;
    toy_release_add(&release, TOY_LLM, "cond_model.text_encoder.text_encoder.shared.weight",
                    toy_release_find(&release, TOY_FLAN, "shared.weight")->shape);
    toy_release_add(&release, TOY_DIFFUSION, TOKENIZER_COPY THEIA "layernorm.bias",
                    toy_release_find(&release, TOY_THEIA, "backbone.model.layernorm.bias")->shape);
    import_with_folders_elsewhere();
    check_from("text_encoder.ar", "shared.weight", TOY_LLM,
               "cond_model.text_encoder.text_encoder.shared.weight");
    assert_non_null(strstr(told, "used instead of the weights in --t5 "));
    assert_non_null(strstr(told, "used instead of the weights in --theia "));
}

static void one_text_encoder_takes_no_t5(void **state)
{
    (void)state;
    take_import_request request = the_request();
    request.config = TEST_SOURCE_DIR "/configs/tiny.yaml";
    request.t5 = scratch_path("flan");
    lt_error err = {0};
    check_failed(take_import(&request, &err), err, LT_ERR_USAGE, "--t5: found ");
    check_failed(LT_ERR_USAGE, err, LT_ERR_USAGE, "tiny.yaml has one text encoder");
    assert_false(scratch_exists("out"));
}

static void the_embedding_has_two_names(void **state)
{
    (void)state;
    toy_tensor *const shared = toy_release_find(&release, TOY_FLAN, "shared.weight");
    free(shared->name);
    shared->name = strdup("encoder.embed_tokens.weight");
    import_good();
    check_from("text_encoder.ar", "shared.weight", TOY_FLAN, "encoder.embed_tokens.weight");
}

static void leaves_out_what_has_no_use(void **state)
{
    (void)state;
    toy_release_add(&release, TOY_VAE, "loss.logvar", lt_shape1(1));
    toy_release_add(&release, TOY_FLAN, "decoder.block.0.layer.0.layer_norm.weight", lt_shape1(32));
    toy_release_add(&release, TOY_FLAN, "lm_head.weight", lt_shape2(320, 32));
    toy_release_add(&release, TOY_THEIA, "translator.head.weight", lt_shape1(3));
    toy_release_add(&release, TOY_BASE, "model.diffusion_model.mixins.pos_embed.pos_embedding",
                    lt_shape3(1, 2, 3));
    toy_release_add(&release, TOY_DIFFUSION, CONTROL "mixins.pos_embed.pos_embedding",
                    lt_shape3(1, 2, 3));
    import_good();
    assert_string_equal(told, "");
    assert_false(is_in("temporal_vae", "loss.logvar"));
    assert_false(is_in("mmdit", CONTROL "mixins.pos_embed.pos_embedding"));
}

static void warns_of_unknown_names_where_the_loader_does(void **state)
{
    (void)state;
    toy_release_add(&release, TOY_VAE, "decoder.extra", lt_shape1(1));
    toy_release_add(&release, TOY_DIFFUSION, "model.denoiser.sigmas", lt_shape1(1));
    import_good();
    assert_non_null(
        strstr(told, "3d-vae.pt: 1 tensor of no use here left out, the first is 'decoder.extra'"));
    assert_non_null(strstr(told, "the first is 'model.denoiser.sigmas'"));
}

static void refuses_unknown_names_where_the_loader_does(void **state)
{
    (void)state;
    toy_release_add(&release, TOY_LLM, "transformer.extra", lt_shape1(1));
    toy_release_add(&release, TOY_TOKENIZER, "decoder.extra", lt_shape1(1));
    toy_release_add(&release, TOY_BASE, "model.diffusion_model.extra", lt_shape1(1));
    refuse("llm/model.safetensors: transformer.extra: is not expected",
           "tokenizer/model.safetensors: decoder.extra: is not expected");
    refuse("mp_rank_00_model_states.pt: model.diffusion_model.extra: is not expected",
           "does not fit the configuration");
}

static void names_everything_that_does_not_fit(void **state)
{
    (void)state;
    toy_release_drop(&release, TOY_VAE, "decoder.conv_in.conv.weight");
    toy_release_find(&release, TOY_LLM, "transformer.head.weight")->shape = lt_shape2(32, 71);
    refuse("3d-vae.pt: decoder.conv_in.conv.weight: is missing, expected [16, 4, 3, 3, 3]",
           "llm/model.safetensors: transformer.head.weight: has shape [32, 71], expected [71, 32]");
}

static void an_override_of_another_shape_is_no_override(void **state)
{
    (void)state;
    toy_release_add(&release, TOY_DIFFUSION, "first_stage_model.decoder.conv_in.conv.bias",
                    lt_shape1(15));
    refuse("diffusion/1/mp_rank_00_model_states.pt: first_stage_model.decoder.conv_in.conv.bias",
           "has shape [15], expected [16]");
}

static void refuses_numbers_that_are_not_finite(void **state)
{
    (void)state;
    toy_release_find(&release, TOY_VAE, "encoder.conv_out.conv.bias")->bad = true;
    refuse("3d-vae.pt: tensor 'encoder.conv_out.conv.bias'", "value 7 is not finite");
}

static void an_overridden_number_must_be_finite_too(void **state)
{
    (void)state;
    toy_tensor *const mean = toy_release_find(&release, TOY_TOKENIZER, "mean");
    mean->bad = true;
    toy_release_add(&release, TOY_DIFFUSION, TOKENIZER_COPY "mean", mean->shape);
    refuse("tokenizer/model.safetensors: tensor 'mean'", "value 31 is not finite");
}

/* What does not fit into the message is told as warnings. */
static void tells_of_every_missing_name(void **state)
{
    (void)state;
    for (int i = 0; i < cfg.ar_model.layers; i++) {
        static const char *const parts[] = {"norm0",  "norm1",  "wqkv",  "wo",
                                            "mlp.w1", "mlp.w2", "mlp.w3"};
        for (size_t part = 0; part < sizeof parts / sizeof parts[0]; part++) {
            char name[64];
            snprintf(name, sizeof name, "transformer.blocks.%d.%s.weight", i, parts[part]);
            toy_release_drop(&release, TOY_LLM, name);
        }
    }
    lt_error err;
    check_failed(import(&err), err, LT_ERR_INPUT, "more");
    strncat(told, err.message, sizeof told - strlen(told) - 1);
    assert_non_null(strstr(told, "transformer.blocks.0.norm0.weight: is missing"));
    assert_non_null(strstr(told, "transformer.blocks.1.mlp.w3.weight: is missing"));
}

static void begin_anew(void)
{
    scratch_close();
    scratch_open();
    write_config();
}

static void says_where_missing_parts_may_be(void **state)
{
    (void)state;
    release.absent[TOY_FLAN] = true;
    refuse("google/flan-t5-xxl", "--t5 DIR");
    release.absent[TOY_FLAN] = false;
    release.absent[TOY_LLM] = true;
    begin_anew();
    refuse("release: missing are:\n  llm/model.safetensors (or its shards and their index)\nhint: ",
           "README, \"The released weights\"");
}

static void names_all_missing_parts(void **state)
{
    (void)state;
    for (int file = 0; file < TOY_FILES; file++)
        release.absent[file] = true;
    refuse("release: missing are:\n  llm/", "\n  google/flan-t5-xxl, ");
    static const char *const parts[] = {"tokenizer/model", "t5-v1_1-xxl/model",
                                        "transformer/1000/mp_rank_00_model_states.pt",
                                        "vae/3d-vae.pt", "diffusion/1/mp_rank_00_model_states.pt"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        refuse(parts[i], "where they come from");
    lt_error err = {0};
    take_import_request request = the_request();
    request.release = scratch_path("nowhere");
    check_failed(take_import(&request, &err), err, LT_ERR_INPUT, "nowhere: No such file");
}

static void theia_is_only_for_reference_videos(void **state)
{
    (void)state;
    release.absent[TOY_THEIA] = true;
    import_good();
    assert_false(is_in("tokenizer", THEIA "layernorm.bias"));
    assert_non_null(strstr(told, "--theia DIR"));
}

static void takes_flan_and_theia_from_elsewhere(void **state)
{
    (void)state;
    import_with_folders_elsewhere();
    check_from("text_encoder.ar", "shared.weight", TOY_FLAN, "shared.weight");
    check_from("tokenizer", THEIA "layernorm.bias", TOY_THEIA, "backbone.model.layernorm.bias");
    assert_true(scratch_exists("out/text_encoder.ar.spiece.model"));
}

/* Inside the release Theia may lie under its public name, or one that lacks a letter of it. */
static void finds_theia_by_its_public_name(void **state)
{
    (void)state;
    toy_release_write(&release, "release");
    rename(scratch_path("release/theiainstitute"), scratch_path("release/theaiinstitute"));
    const take_import_request request = the_request();
    lt_error err = {0};
    check_ok(take_import(&request, &err), err);
    check_from("tokenizer", THEIA "layernorm.bias", TOY_THEIA, "backbone.model.layernorm.bias");
    assert_string_equal(told, "");
}

static void reads_which_diffusion_is_the_latest(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       "0",    "00",
                                      "-1",     "1 2",  "../1",
                                      "latest", "1\n2", "1234567890123456789012345678901234567890"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        release.latest = bad[i];
        refuse("diffusion/latest", "is not a number > 0");
    }
    release.latest = "2\n";
    refuse("diffusion/2/mp_rank_00_model_states.pt", "missing are");
    release.latest = " 1 \n";
    import_good();
}

static void leaves_what_is_there_alone(void **state)
{
    (void)state;
    lt_error err;
    scratch_write_text("out/kept.txt", "kept");
    check_failed(import(&err), err, LT_ERR_USAGE, "is already there");
    assert_int_equal(scratch_count("out"), 1);
    remove(scratch_path("out/kept.txt"));
    import_good(); /* an empty folder may be filled */
}

static int stop_in_the_middle(void *user, const char *file, int done, int total)
{
    (void)user;
    (void)file;
    return done > total / 2;
}

static void a_stopped_import_leaves_nothing(void **state)
{
    (void)state;
    take_import_request request = the_request();
    request.progress = stop_in_the_middle;
    toy_release_write(&release, "release");
    lt_error err = {0};
    check_failed(take_import(&request, &err), err, LT_ERR_CANCELLED, "stopped");
    assert_int_equal(scratch_count("."), 2);
}

/* Whether a tensor of the network was written, and in how many bits. */
static lt_dtype dtype_in(const char *file, const char *name)
{
    char path[64];
    lt_weights *w;
    lt_error err = {0};
    snprintf(path, sizeof path, "out/%s.safetensors", file);
    check_ok(lt_weights_open(scratch_path(path), &w, &err), err);
    const lt_tensor *const t = lt_weights_find(w, name);
    const lt_dtype dtype = t ? t->dtype : LT_NO_DTYPE;
    lt_weights_close(w);
    return dtype;
}

/* Inner matrices become blocks; what decides or embeds stays as it is. */
static void stores_inner_matrices_in_few_bits(void **state)
{
    (void)state;
#define LAYER "model.diffusion_model.transformer.layers.0."
    static const struct {
        take_quantize quantize;
        lt_dtype inner;
        lt_dtype careful;
    } cases[] = {{TAKE_Q8, LT_I8, LT_I8}, {TAKE_Q4, LT_U8, LT_U8}, {TAKE_MIXED, LT_U8, LT_I8}};
    for (int i = 0; i < 3; i++) {
        take_import_request request = the_request();
        request.quantize = cases[i].quantize;
        toy_release_write(&release, "release");
        lt_error err = {0};
        check_ok(take_import(&request, &err), err);
        assert_int_equal(dtype_in("mmdit", LAYER "attention.query_key_value.weight"),
                         cases[i].inner);
        assert_int_equal(dtype_in("mmdit", LAYER "attention.query_key_value.weight_scale"), LT_F16);
        assert_int_equal(dtype_in("mmdit", LAYER "attention.dense.weight"), cases[i].careful);
        assert_false(is_in("mmdit", "model.diffusion_model.mixins.patch_embed.proj.weight_scale"));
        assert_false(is_in("mmdit", "model.diffusion_model.time_embed.0.weight_scale"));
        assert_false(
            is_in("mmdit",
                  "model.diffusion_model.mixins.adaln_layer.adaLN_modulations.0.1.weight_scale"));
        assert_false(is_in("ar_model", "transformer.head.weight_scale"));
        rename(scratch_path("out"), scratch_path(take_quantize_name(cases[i].quantize)));
    }
#undef LAYER
}

/* Numbers come to the dtype that was asked for, rounded to the nearest; blocks stay blocks. */
static void stores_the_rest_as_asked(void **state)
{
    (void)state;
#define LAYER "model.diffusion_model.transformer.layers.0."
    static const struct {
        lt_dtype dtype;
        double stored; /* of 1 + 2^-9 + 2^-12, which f32 alone holds */
    } cases[] = {{LT_F32, 1.002197265625},
                 {LT_F16, 1.001953125},
                 {LT_BF16, 1},
                 {LT_NO_DTYPE, 1.002197265625}};
    toy_release_find(&release, TOY_VAE, "decoder.conv_in.conv.bias")->fill = 1.002197265625F;
    for (int i = 0; i < 4; i++) {
        toy_release_write(&release, "release");
        take_import_request request = the_request();
        request.dtype = cases[i].dtype;
        request.quantize = TAKE_Q8;
        lt_error err = {0};
        check_ok(take_import(&request, &err), err);
        assert_float_equal(value_in("temporal_vae", "decoder.conv_in.conv.bias"), cases[i].stored,
                           0);
        assert_int_equal(dtype_in("temporal_vae", "decoder.conv_in.conv.bias"),
                         cases[i].dtype == LT_NO_DTYPE ? LT_F32 : cases[i].dtype);
        assert_int_equal(dtype_in("mmdit", LAYER "attention.dense.weight"), LT_I8);
        char name[32];
        snprintf(name, sizeof name, "out%d", i);
        rename(scratch_path("out"), scratch_path(name));
    }
#undef LAYER
}

static void refuses_numbers_too_large_for_their_dtype(void **state)
{
    (void)state;
    /* half way from the largest f16 on */
    toy_release_find(&release, TOY_VAE, "decoder.conv_in.conv.bias")->fill = 65520;
    toy_release_write(&release, "release");
    take_import_request request = the_request();
    request.dtype = LT_F16;
    lt_error err = {0};
    check_failed(take_import(&request, &err), err, LT_ERR_INPUT,
                 "tensor 'decoder.conv_in.conv.bias': value 0 is too large for f16");
    assert_int_equal(scratch_count("."), 2);
    request = the_request();
    request.dtype = LT_BF16;
    err = (lt_error){0};
    check_ok(take_import(&request, &err), err);
    assert_float_equal(value_in("temporal_vae", "decoder.conv_in.conv.bias"), 65536, 0);
}

static lt_weights *open_file(const char *name)
{
    char path[64];
    lt_weights *w;
    lt_error err = {0};
    snprintf(path, sizeof path, "out/%s.safetensors", name);
    check_ok(lt_weights_open(scratch_path(path), &w, &err), err);
    return w;
}

/* The names of the stages and those of the release are written down
 * twice; this holds them together. */
static void open_every_stage(lt_backend *backend)
{
    lt_error err = {0};
    text_encoder *text;
    lt_weights *w = open_file("text_encoder.ar");
    check_ok(text_encoder_open(w, &cfg.text_ar, backend, &text, &err), err);
    text_encoder_close(text);
    lt_weights_close(w);
    w = open_file("text_encoder.mmdit");
    check_ok(text_encoder_open(w, &cfg.text_mmdit, backend, &text, &err), err);
    text_encoder_close(text);
    lt_weights_close(w);

    tok_model *tokenizer;
    w = open_file("tokenizer");
    check_ok(tok_open(w, &cfg.tokenizer, backend, TOK_FEATURES | TOK_ENCODER | TOK_DECODER,
                      &tokenizer, &err),
             err);
    tok_close(tokenizer);
    lt_weights_close(w);

    ar_model *language;
    w = open_file("ar_model");
    check_ok(ar_model_open(w, &cfg.ar_model, backend, &language, &err), err);
    ar_model_close(language);
    lt_weights_close(w);

    dit_model *diffusion;
    w = open_file("mmdit");
    check_ok(dit_model_open(w, &cfg.mmdit, backend, &diffusion, &err), err);
    dit_model_close(diffusion);
    lt_weights_close(w);

    vae_model *vae;
    w = open_file("temporal_vae");
    check_ok(vae_open(w, &cfg.temporal_vae, backend, VAE_ENCODER | VAE_DECODER, &vae, &err), err);
    vae_close(vae);
    lt_weights_close(w);
}

static void every_stage_opens_what_was_imported(void **state)
{
    (void)state;
    lt_backend *backend;
    lt_error err = {0};
    check_ok(lt_reference_open(&backend, 1, &err), err);
    import_good();
    open_every_stage(backend);
    rename(scratch_path("out"), scratch_path("plain"));
    take_import_request request = the_request();
    request.quantize = TAKE_MIXED;
    request.dtype = LT_F16;
    check_ok(take_import(&request, &err), err);
    open_every_stage(backend);
    backend->table->close(backend);
}

static void refuses_a_vocabulary_larger_than_its_table(void **state)
{
    (void)state;
    toy_release_write(&release, "release");
    size_t bytes;
    char *const text = scratch_read("toy.yaml", &bytes);
    char *const rows = strstr(text, "vocab_size: 300");
    memcpy(rows, "vocab_size: 104", 15);
    scratch_write("toy.yaml", text, bytes);
    free(text);
    toy_release_find(&release, TOY_T5, "shared.weight")->shape = lt_shape2(104, 32);
    refuse("t5-v1_1-xxl/spiece.model", "gives 105 ids, the encoder has 104 rows");
}

#define on_a_release(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_a_release(takes_every_network_from_its_file),
        on_a_release(the_last_file_overrides_name_by_name),
        on_a_release(the_control_branch_falls_back_on_the_base),
        on_a_release(zeros_never_stand_in_for_control),
        on_a_release(the_language_model_may_bring_its_text_encoder),
        on_a_release(a_folder_that_loses_is_told),
        on_a_release(one_text_encoder_takes_no_t5),
        on_a_release(the_embedding_has_two_names),
        on_a_release(leaves_out_what_has_no_use),
        on_a_release(warns_of_unknown_names_where_the_loader_does),
        on_a_release(refuses_unknown_names_where_the_loader_does),
        on_a_release(names_everything_that_does_not_fit),
        on_a_release(an_override_of_another_shape_is_no_override),
        on_a_release(refuses_numbers_that_are_not_finite),
        on_a_release(an_overridden_number_must_be_finite_too),
        on_a_release(tells_of_every_missing_name),
        on_a_release(says_where_missing_parts_may_be),
        on_a_release(names_all_missing_parts),
        on_a_release(theia_is_only_for_reference_videos),
        on_a_release(takes_flan_and_theia_from_elsewhere),
        on_a_release(finds_theia_by_its_public_name),
        on_a_release(reads_which_diffusion_is_the_latest),
        on_a_release(leaves_what_is_there_alone),
        on_a_release(a_stopped_import_leaves_nothing),
        on_a_release(stores_inner_matrices_in_few_bits),
        on_a_release(stores_the_rest_as_asked),
        on_a_release(refuses_numbers_too_large_for_their_dtype),
        on_a_release(every_stage_opens_what_was_imported),
        on_a_release(refuses_a_vocabulary_larger_than_its_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
