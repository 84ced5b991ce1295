#include "configs/config_fields.h"

#include <assert.h>
#include <string.h>

#include "configs/model_config.h"

/* The readers and the printer move a choice as an unsigned int. */
static_assert(sizeof(cfg_carry) == sizeof(unsigned) && sizeof(cfg_schedule) == sizeof(unsigned) &&
                  sizeof(cfg_guidance) == sizeof(unsigned) &&
                  sizeof(cfg_events) == sizeof(unsigned),
              "enums are as large as an unsigned int");

/* Rows of a table. Ranges keep every product of two sizes far inside 64 bits and every tensor's
 * rank and head inside what the operations take (a head has at most 256 channels); what sizes have
 * to do with each other is in config_check.c. */
/* clang-format off */
#define INT(type, name, low_, high_, unit_) \
    {.key = #name, .kind = CFG_INT, .at = offsetof(type, name), .low = (low_), .high = (high_), .unit = (unit_)}
#define REAL(type, name, low_, high_, unit_) \
    {.key = #name, .kind = CFG_REAL, .at = offsetof(type, name), .low = (low_), .high = (high_), .unit = (unit_)}
#define FLOAT(type, name, low_, high_, unit_) \
    {.key = #name, .kind = CFG_FLOAT, .at = offsetof(type, name), .low = (low_), .high = (high_), .unit = (unit_)}
#define SECTION(type, name, table) \
    {.key = #name, .kind = CFG_SECTION, .at = offsetof(type, name), .section = &(table)}
#define COUNT_OF(array) (int)(sizeof(array) / sizeof(array)[0])
#define TABLE(rows) {rows, COUNT_OF(rows)}

enum { MAX_WIDTH = 65536, MAX_MLP = 1 << 20, MAX_LAYERS = 1024 };
enum { MAX_HEADS = 1024, MAX_GRID = 4096, MAX_FRAMES = 1000 };

static const cfg_field text_fields[] = {
    INT(cfg_text, vocab_size, 3, 1 << 22, "rows of the embedding"),
    INT(cfg_text, d_model, 1, MAX_WIDTH, "channels"),
    INT(cfg_text, num_layers, 1, MAX_LAYERS, NULL),
    INT(cfg_text, num_heads, 1, MAX_HEADS, NULL),
    INT(cfg_text, d_kv, 1, 256, "channels of a head"),
    INT(cfg_text, d_ff, 1, MAX_MLP, "channels"),
    INT(cfg_text, relative_attention_num_buckets, 4, 4096, NULL),
    INT(cfg_text, relative_attention_max_distance, 2, MAX_WIDTH, "ids"),
    FLOAT(cfg_text, layer_norm_epsilon, 1e-30, 1, NULL),
    INT(cfg_text, max_length, 1, MAX_WIDTH, "ids, the end token included"),
};
const cfg_table cfg_text_table = TABLE(text_fields);

static const cfg_field theia_fields[] = {
    INT(cfg_theia, hidden_size, 1, MAX_WIDTH, "channels"),
    INT(cfg_theia, num_hidden_layers, 1, MAX_LAYERS, NULL),
    INT(cfg_theia, num_attention_heads, 1, MAX_HEADS, NULL),
    INT(cfg_theia, intermediate_size, 1, MAX_MLP, "channels"),
    INT(cfg_theia, patch_size, 1, 256, "pixels"),
    INT(cfg_theia, image_size, 1, MAX_GRID, "pixels"),
    FLOAT(cfg_theia, layer_norm_eps, 1e-30, 1, NULL),
};
static const cfg_table theia_table = TABLE(theia_fields);

static const cfg_field tokenizer_fields[] = {
    SECTION(cfg_tokenizer, theia, theia_table),
    INT(cfg_tokenizer, temporal_size, 1, MAX_FRAMES, "semantic frames"),
    INT(cfg_tokenizer, grid_height, 1, MAX_GRID, "patches"),
    INT(cfg_tokenizer, grid_width, 1, MAX_GRID, "patches"),
    INT(cfg_tokenizer, feature_channels, 1, MAX_WIDTH, "channels"),
    INT(cfg_tokenizer, width, 1, MAX_WIDTH, "channels"),
    INT(cfg_tokenizer, layers, 1, MAX_LAYERS, NULL),
    INT(cfg_tokenizer, heads, 1, MAX_HEADS, NULL),
    INT(cfg_tokenizer, mlp_width, 1, MAX_MLP, "channels"),
    INT(cfg_tokenizer, i_tokens, 1, MAX_WIDTH, "codes"),
    INT(cfg_tokenizer, p_tokens, 1, MAX_WIDTH, "codes"),
    {.key = "rope_dims", .kind = CFG_INT_LIST, .at = offsetof(cfg_tokenizer, rope_dims), .low = 0, .high = 256,
      .unit = "channels of a head for time, row, column", .shortest = 3, .capacity = 3, .count_at = CFG_FIXED},
    FLOAT(cfg_tokenizer, rope_base, 1, 1e9, NULL),
    INT(cfg_tokenizer, codebook_size, 2, 65536, "codes"),
    INT(cfg_tokenizer, code_dim, 1, MAX_WIDTH, "channels"),
    INT(cfg_tokenizer, head_width, 1, MAX_MLP, "channels"),
    {.key = "picture_codes", .kind = CFG_INT, .optional = true, .at = offsetof(cfg_tokenizer, picture_codes), .low = 0, .high = 65536,
      .unit = "first of the entries that say pictures, 0 = none"},
    {.key = "picture_distance", .kind = CFG_REAL, .optional = true, .at = offsetof(cfg_tokenizer, picture_distance), .low = 0, .high = 1e6,
      .unit = "mean squared distance"},
    {.key = "picture_error", .kind = CFG_REAL, .optional = true, .at = offsetof(cfg_tokenizer, picture_error), .low = 0, .high = 4,
      .unit = "mean squared error"},
    {.key = "picture_width", .kind = CFG_INT, .optional = true, .at = offsetof(cfg_tokenizer, picture_width), .low = 0, .high = MAX_MLP,
      .unit = "channels"},
    {.key = "spelled_codes", .kind = CFG_INT, .optional = true, .at = offsetof(cfg_tokenizer, spelled_codes), .low = 0, .high = 65536,
      .unit = "first of the entries that are spelled, 0 = none"},
    {.key = "spelled_step", .kind = CFG_REAL, .optional = true, .at = offsetof(cfg_tokenizer, spelled_step), .low = 0, .high = 1024,
      .unit = "pixels of a level"},
    {.key = "spelled_pace", .kind = CFG_REAL, .optional = true, .at = offsetof(cfg_tokenizer, spelled_pace), .low = 0, .high = 1024,
      .unit = "pixels a semantic frame of a level"},
};
const cfg_table cfg_tokenizer_table = TABLE(tokenizer_fields);

static const cfg_field ar_fields[] = {
    INT(cfg_ar, vocab_size, 9, 65543, "codes and 7 special ids"),
    INT(cfg_ar, width, 1, MAX_WIDTH, "channels"),
    INT(cfg_ar, layers, 1, MAX_LAYERS, NULL),
    INT(cfg_ar, heads, 1, MAX_HEADS, NULL),
    INT(cfg_ar, mlp_width, 1, MAX_MLP, "channels"),
    INT(cfg_ar, text_width, 1, MAX_WIDTH, "channels"),
    INT(cfg_ar, micro_sinusoid, 2, CFG_MAX_SINUSOID, "channels"),
    INT(cfg_ar, micro_width, 1, MAX_WIDTH, "channels"),
    FLOAT(cfg_ar, rope_base, 1, 1e9, NULL),
    INT(cfg_ar, rope_length, 1, 1 << 20, "positions"),
    INT(cfg_ar, segment_frames, 1, MAX_FRAMES, "semantic frames"),
    INT(cfg_ar, i_tokens, 1, MAX_WIDTH, "codes"),
    INT(cfg_ar, p_tokens, 1, MAX_WIDTH, "codes"),
    INT(cfg_ar, codebook_size, 2, 65536, "codes"),
    {.key = "frames_limit", .kind = CFG_INT, .optional = true, .at = offsetof(cfg_ar, frames_limit), .low = 1, .high = 1e6,
      .unit = "semantic frames"},
};
const cfg_table cfg_ar_table = TABLE(ar_fields);

static const cfg_field upsample_fields[] = {
    INT(cfg_upsample, in_channels, 1, MAX_WIDTH, "channels"),
    INT(cfg_upsample, base_width, 1, MAX_WIDTH, "channels"),
    {.key = "multipliers", .kind = CFG_REAL_LIST, .at = offsetof(cfg_upsample, multipliers), .low = 1.0 / 64, .high = 64,
      .unit = "of base_width, the level executed last first", .shortest = 1, .capacity = CFG_MAX_LEVELS,
      .count_at = offsetof(cfg_upsample, multiplier_count)},
    INT(cfg_upsample, blocks, 0, 64, "per level; each has one more"),
    INT(cfg_upsample, out_channels, 1, MAX_WIDTH, "channels"),
};
static const cfg_table upsample_table = TABLE(upsample_fields);

static const char *const carry_words[] = {"latents", "frames", "renoise", NULL};

static const cfg_field mmdit_fields[] = {
    INT(cfg_mmdit, width, 1, MAX_WIDTH, "channels"),
    INT(cfg_mmdit, layers, 1, MAX_LAYERS, NULL),
    INT(cfg_mmdit, control_layers, 1, MAX_LAYERS, NULL),
    INT(cfg_mmdit, heads, 1, MAX_HEADS, NULL),
    INT(cfg_mmdit, mlp_width, 1, MAX_MLP, "channels"),
    INT(cfg_mmdit, time_width, 1, MAX_WIDTH, "channels"),
    INT(cfg_mmdit, text_length, 1, MAX_WIDTH, "rows"),
    INT(cfg_mmdit, text_width, 1, MAX_WIDTH, "channels"),
    INT(cfg_mmdit, latent_channels, 1, 4096, "channels"),
    INT(cfg_mmdit, patch, 1, 16, "latent pixels"),
    INT(cfg_mmdit, latent_frames, 1, MAX_FRAMES, "latents of a window"),
    INT(cfg_mmdit, latent_height, 1, MAX_GRID, "latent pixels"),
    INT(cfg_mmdit, latent_width, 1, MAX_GRID, "latent pixels"),
    REAL(cfg_mmdit, position_scale, 1e-3, 1e3, "patches per position"),
    INT(cfg_mmdit, steps, 1, CFG_MAX_STEPS - 1, NULL),
    {.key = "carry", .kind = CFG_CHOICE, .optional = true, .at = offsetof(cfg_mmdit, carry), .words = carry_words},
    {.key = "carry_anchor", .kind = CFG_REAL, .optional = true, .at = offsetof(cfg_mmdit, carry_anchor), .low = 0, .high = 1,
      .unit = "0 = off"},
    {.key = "timesteps", .kind = CFG_INT_LIST, .optional = true, .at = offsetof(cfg_mmdit, timesteps), .low = 0, .high = 999,
      .unit = "descending", .shortest = 0, .capacity = CFG_MAX_STEPS, .count_at = offsetof(cfg_mmdit, timestep_count)},
    SECTION(cfg_mmdit, upsample, upsample_table),
};
const cfg_table cfg_mmdit_table = TABLE(mmdit_fields);

static const cfg_field vae_fields[] = {
    INT(cfg_vae, in_channels, 1, 64, "channels"),
    INT(cfg_vae, latent_channels, 1, 4096, "channels"),
    INT(cfg_vae, base_width, 1, MAX_WIDTH, "channels"),
    {.key = "multipliers", .kind = CFG_INT_LIST, .at = offsetof(cfg_vae, multipliers), .low = 1, .high = 64,
      .unit = "of base_width, the level of full resolution first", .shortest = 1, .capacity = CFG_VAE_MAX_LEVELS,
      .count_at = offsetof(cfg_vae, multiplier_count)},
    INT(cfg_vae, encoder_blocks, 1, 64, "per level"),
    INT(cfg_vae, decoder_blocks, 1, 64, "per level"),
    INT(cfg_vae, groups, 1, 1024, NULL),
    REAL(cfg_vae, scale_factor, 1e-6, 1e6, NULL),
};
const cfg_table cfg_vae_table = TABLE(vae_fields);

static const char *const schedule_words[] = {"official", "ramp", "constant", NULL};
static const char *const guidance_words[] = {"cfg", "apg", NULL};
static const char *const events_words[] = {"together", "spread", NULL};

#define OPTIONAL_INT(name, low_, high_, unit_)                                                     \
    {.key = #name, .kind = CFG_INT, .optional = true, .at = offsetof(cfg_pipeline, name), .low = (low_), .high = (high_), \
      .unit = (unit_)}
#define OPTIONAL_REAL(name, low_, high_, unit_)                                                    \
    {.key = #name, .kind = CFG_REAL, .optional = true, .at = offsetof(cfg_pipeline, name), .low = (low_), .high = (high_), \
      .unit = (unit_)}

static const cfg_field pipeline_fields[] = {
    OPTIONAL_REAL(fps, 0.1, 240, "frames per second"),
    OPTIONAL_INT(width, 1, 16384, "pixels"),
    OPTIONAL_INT(height, 1, 16384, "pixels"),
    OPTIONAL_REAL(lm_cfg, 0, 100, "0 = no guidance"),
    OPTIONAL_REAL(shot_cfg, 0, 100, "0 = off"),
    {.key = "events", .kind = CFG_CHOICE, .optional = true, .at = offsetof(cfg_pipeline, events), .words = events_words},
    OPTIONAL_REAL(temperature, 1e-3, 100, NULL),
    OPTIONAL_INT(top_k, 0, 65543, "ids, 0 = off"),
    OPTIONAL_REAL(top_p, 0, 1, "0 = off"),
    OPTIONAL_REAL(motion, 0, 10, "motion score"),
    OPTIONAL_INT(lm_context, 0, 64, "earlier segments"),
    OPTIONAL_REAL(cfg_scale, 0, 100, "1 = no guidance"),
    {.key = "cfg_schedule", .kind = CFG_CHOICE, .optional = true, .at = offsetof(cfg_pipeline, schedule),
      .words = schedule_words},
    {.key = "guidance", .kind = CFG_CHOICE, .optional = true, .at = offsetof(cfg_pipeline, guidance),
      .words = guidance_words},
    OPTIONAL_INT(overlap, 1, MAX_FRAMES, "latents, odd"),
};
const cfg_table cfg_pipeline_table = TABLE(pipeline_fields);

static const cfg_field two_text_fields[] = {
    {.key = "ar", .kind = CFG_SECTION, .at = offsetof(cfg_model, text_ar), .section = &cfg_text_table},
    {.key = "mmdit", .kind = CFG_SECTION, .at = offsetof(cfg_model, text_mmdit), .section = &cfg_text_table},
};
static const cfg_table two_text_table = TABLE(two_text_fields);

static const cfg_field model_fields[] = {
    {.key = "text_encoder", .kind = CFG_SECTION, .at = offsetof(cfg_model, text_ar), .section = &cfg_text_table,
      .split = &two_text_table},
    SECTION(cfg_model, tokenizer, cfg_tokenizer_table),
    SECTION(cfg_model, ar_model, cfg_ar_table),
    SECTION(cfg_model, mmdit, cfg_mmdit_table),
    SECTION(cfg_model, temporal_vae, cfg_vae_table),
    {.key = "pipeline", .kind = CFG_SECTION, .optional = true, .at = offsetof(cfg_model, pipeline),
      .section = &cfg_pipeline_table},
};
const cfg_table cfg_model_table = TABLE(model_fields);

/* clang-format on */

const cfg_field *cfg_find_field(const cfg_table *table, const char *key)
{
    for (int i = 0; i < table->count; i++)
        if (strcmp(table->fields[i].key, key) == 0)
            return &table->fields[i];
    return NULL;
}
