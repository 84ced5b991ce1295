#include "text_encoder/text_check.h"

#include <stdlib.h>
#include <string.h>

#include "configs/model_config.h"
#include "kernels/core/whole_file.h"
#include "text_encoder/text_encoder.h"
#include "text_encoder/text_vocab.h"

/* text.ids: in.spiece or metadata `spiece`, texts -> out.ids [texts, width] -------------------- */

/* One row of the table: the ids of a text, filled with 0 on the right. */
static lt_status fill_row(const text_vocab *vocab, const lt_json *text, int max_length,
                          int64_t width, int32_t *row, lt_error *err)
{
    int32_t *ids = malloc((size_t)max_length * sizeof *ids);
    if (ids == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "text.ids: out of memory");
    size_t bytes;
    const char *utf8 = lt_json_string(text, &bytes);
    text_report report;
    lt_status s = text_ids(vocab, utf8, bytes, max_length, TEXT_UNPADDED, ids, &report, err);
    if (s == LT_OK && report.count > width)
        s = lt_fail(err, LT_ERR_INPUT, "text.ids: a text has %d ids, out.ids has room for %lld",
                    report.count, (long long)width);
    if (s == LT_OK)
        memcpy(row, ids, (size_t)report.count * sizeof *ids);
    free(ids);
    return s;
}

static lt_status report_ids(lt_golden *g, const text_vocab *vocab, const lt_json *texts,
                            int max_length, lt_error *err)
{
    const int64_t count = (int64_t)lt_json_count(texts);
    lt_shape wanted;
    if (!lt_golden_wanted_shape(g, "ids", &wanted) || wanted.rank != 2 || wanted.dim[0] != count)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: out.ids is missing or has not one row for each of %lld texts",
                       lt_golden_place(g), (long long)count);
    int32_t *table = calloc((size_t)(count * wanted.dim[1]) + 1, sizeof *table);
    if (table == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", lt_golden_place(g));
    lt_status s = LT_OK;
    for (int64_t i = 0; i < count && s == LT_OK; i++)
        s = fill_row(vocab, lt_json_at(texts, (size_t)i), max_length, wanted.dim[1],
                     table + i * wanted.dim[1], err);
    if (s == LT_OK)
        s = lt_golden_report(g, "ids", LT_I32, wanted, table, err);
    free(table);
    return s;
}

static lt_status parse_texts(const lt_golden *g, lt_json **texts, lt_error *err)
{
    const char *list = lt_golden_metadata(g, "texts");
    if (list == NULL)
        return lt_fail(err, LT_ERR_INPUT, "%s: metadata 'texts' is missing", lt_golden_place(g));
    LT_TRY(lt_json_parse(list, strlen(list), lt_golden_place(g), texts, err));
    bool strings = lt_json_kind_of(*texts) == LT_JSON_ARRAY;
    for (size_t i = 0; strings && i < lt_json_count(*texts); i++)
        strings = lt_json_kind_of(lt_json_at(*texts, i)) == LT_JSON_STRING;
    if (strings)
        return LT_OK;
    lt_json_free(*texts);
    *texts = NULL;
    return lt_fail(err, LT_ERR_INPUT, "%s: metadata 'texts' is not a list of strings",
                   lt_golden_place(g));
}

/* The vocabulary in the golden file, or the one that its metadata `spiece` names: a file, from the
 * golden file's folder. */
static lt_status open_vocab(const lt_golden *g, text_vocab **vocab, lt_error *err)
{
    const char *place = lt_golden_place(g);
    const char *named = lt_golden_metadata(g, "spiece");
    const lt_tensor *model;
    if (named != NULL) {
        char *path = NULL;
        LT_TRY(lt_path_beside(place, named, &path, err));
        const lt_status s = text_vocab_open(path, vocab, err);
        free(path);
        return s;
    }
    LT_TRY(lt_golden_input(g, "spiece", 1, &model, err));
    if (model->dtype != LT_U8)
        return lt_fail(err, LT_ERR_INPUT, "%s: in.spiece is %s, expected u8", place,
                       lt_dtype_name(model->dtype));
    return text_vocab_from_memory(model->data, (size_t)lt_numel(model), place, vocab, err);
}

static lt_status check_ids(lt_golden *g, lt_error *err)
{
    static const char *const needed[] = {"max_length", NULL};
    cfg_text cfg;
    LT_TRY(cfg_text_from_json(lt_golden_config(g), lt_golden_place(g), NULL, &cfg, err));
    LT_TRY(lt_golden_needs(g, needed, err));
    text_vocab *vocab;
    LT_TRY(open_vocab(g, &vocab, err));
    lt_json *texts = NULL;
    lt_status s = parse_texts(g, &texts, err);
    if (s == LT_OK)
        s = report_ids(g, vocab, texts, cfg.max_length, err);
    lt_json_free(texts);
    text_vocab_close(vocab);
    return s;
}

/* text.encode: in.ids [1, n] -> out.hidden [1, n, d_model] ------------------------------------- */

static lt_status report_hidden(lt_golden *g, text_encoder *encoder, const int32_t *ids, int64_t n,
                               int d_model, lt_error *err)
{
    float *hidden = malloc((size_t)(n * d_model) * sizeof *hidden);
    if (hidden == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", lt_golden_place(g));
    lt_status s = text_encode(encoder, ids, (int)n, hidden, err);
    if (s == LT_OK)
        s = lt_golden_report(g, "hidden", LT_F32, lt_shape3(1, n, d_model), hidden, err);
    free(hidden);
    return s;
}

static lt_status check_encode(lt_golden *g, lt_backend *backend, lt_error *err)
{
    static const char *const needed[] = {"vocab_size",
                                         "d_model",
                                         "num_layers",
                                         "num_heads",
                                         "d_kv",
                                         "d_ff",
                                         "relative_attention_num_buckets",
                                         "relative_attention_max_distance",
                                         "layer_norm_epsilon",
                                         NULL};
    cfg_text cfg;
    LT_TRY(cfg_text_from_json(lt_golden_config(g), lt_golden_place(g), NULL, &cfg, err));
    LT_TRY(lt_golden_needs(g, needed, err));
    int32_t *ids;
    lt_shape shape;
    LT_TRY(lt_golden_input_i32(g, "ids", 2, &ids, &shape, err));
    text_encoder *encoder = NULL;
    lt_status s = LT_OK;
    if (shape.dim[0] != 1 || shape.dim[1] < 1 || shape.dim[1] > INT32_MAX / 2)
        s = lt_fail(err, LT_ERR_INPUT, "%s: in.ids is [%lld, %lld], expected [1, n]",
                    lt_golden_place(g), (long long)shape.dim[0], (long long)shape.dim[1]);
    if (s == LT_OK)
        s = text_encoder_open(lt_golden_weights(g), &cfg, backend, &encoder, err);
    if (s == LT_OK)
        s = report_hidden(g, encoder, ids, shape.dim[1], cfg.d_model, err);
    text_encoder_close(encoder);
    free(ids);
    return s;
}

lt_status text_check(lt_golden *g, lt_backend *backend, lt_error *err)
{
    const char *component = lt_golden_component(g);
    if (strcmp(component, "text.ids") == 0)
        return check_ids(g, err);
    if (strcmp(component, "text.encode") == 0)
        return check_encode(g, backend, err);
    return lt_fail(err, LT_ERR_INPUT, "%s: unknown component '%s'", lt_golden_place(g), component);
}
