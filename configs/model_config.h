/* model_config.h - the whole configuration of a model, and reading it.
 *
 * One table of fields per section (key, kind, place, range) serves YAML files, golden files,
 * `--set` and `--print-config`. Unknown keys, wrong kinds and values out of range are errors with
 * file:line:column and the nearest key.
 */
#ifndef CFG_MODEL_CONFIG_H
#define CFG_MODEL_CONFIG_H

#include <stdbool.h>

#include "configs/ar_config.h"
#include "configs/config_node.h"
#include "configs/mmdit_config.h"
#include "configs/pipeline_config.h"
#include "configs/text_config.h"
#include "configs/tokenizer_config.h"
#include "configs/vae_config.h"
#include "kernels/core/json.h"
#include "kernels/core/status.h"

typedef struct {
    cfg_text text_ar; /* the same as text_mmdit where one encoder serves both */
    cfg_text text_mmdit;
    bool one_text_encoder; /* text_encoder has no sub-sections `ar` and `mmdit` */
    cfg_tokenizer tokenizer;
    cfg_ar ar_model;
    cfg_mmdit mmdit;
    cfg_vae temporal_vae;
    cfg_pipeline pipeline;
} cfg_model;

/* Reads a YAML file and cross-checks the sections. LT_ERR_INPUT. */
lt_status cfg_read(const char *path, cfg_model *out, lt_error *err);
/* The same from a document that is open already. */
lt_status cfg_read_document(const cfg_document *doc, cfg_model *out, lt_error *err);
/* One `KEY=VALUE` such as "mmdit.steps=8" on top of a configuration. LT_ERR_USAGE. Call cfg_check
 * after the last. */
lt_status cfg_set(cfg_model *cfg, const char *assignment, lt_error *err);
/* Sizes of neighbouring sections agree (text widths, token counts, latent and
 * feature grids, ...). LT_ERR_INPUT. */
lt_status cfg_check(const cfg_model *cfg, const char *place, lt_error *err);
/* Every key with its value, "section.key: value" lines in table order; free()
 * it. NULL when memory is out. */
char *cfg_text_of(const cfg_model *cfg);
/* The same with "  # file:line", "  # --set" or "  # built-in" behind each value. `file` is the
 * document that was read, `sets` the assignments made since (NULL-terminated, or NULL). */
char *cfg_text_with_origins(const cfg_model *cfg, const cfg_document *file,
                            const char *const *sets);

/* One section from the flat `config` object of a golden file: all keys of the section that the
 * component needs are there, others keep zero; keys of `extra` (NULL-terminated) are left to the
 * caller, any other is LT_ERR_INPUT. */
lt_status cfg_text_from_json(const lt_json *flat, const char *place, const char *const *extra,
                             cfg_text *out, lt_error *err);
lt_status cfg_theia_from_json(const lt_json *flat, const char *place, const char *const *extra,
                              cfg_tokenizer *out, lt_error *err);
lt_status cfg_tokenizer_from_json(const lt_json *flat, const char *place, const char *const *extra,
                                  cfg_tokenizer *out, lt_error *err);
lt_status cfg_ar_from_json(const lt_json *flat, const char *place, const char *const *extra,
                           cfg_ar *out, lt_error *err);
lt_status cfg_mmdit_from_json(const lt_json *flat, const char *place, const char *const *extra,
                              cfg_mmdit *out, lt_error *err);
lt_status cfg_vae_from_json(const lt_json *flat, const char *place, const char *const *extra,
                            cfg_vae *out, lt_error *err);

#endif
