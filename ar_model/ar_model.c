#include "ar_model/ar_model.h"

#include <stdlib.h>

#include "ar_model/ar_session.h"

static lt_status check_sizes(const cfg_ar *cfg, lt_error *err)
{
    if (cfg->vocab_size != cfg->codebook_size + AR_SPECIAL_COUNT)
        return lt_fail(
            err, LT_ERR_INPUT, "ar_model.vocab_size is %d, expected codebook_size + %d = %d",
            cfg->vocab_size, (int)AR_SPECIAL_COUNT, cfg->codebook_size + AR_SPECIAL_COUNT);
    if (cfg->heads < 1 || cfg->width % cfg->heads != 0 || cfg->width / cfg->heads % 2 != 0)
        return lt_fail(
            err, LT_ERR_INPUT,
            "ar_model.width is %d, expected an even number of channels for each of %d heads",
            cfg->width, cfg->heads);
    return LT_OK;
}

static void bind_all(lt_binder *b, const cfg_ar *cfg, ar_model *m)
{
    ar_micro_bind(b, cfg, &m->micro);
    ar_text_bind(b, cfg, &m->text);
    lt_bind(b, &m->null_text, LT_ROLE_TABLE, lt_shape2(1, cfg->width),
            "cond_model.null_text_embedding");
    lt_bind(b, &m->embedding, LT_ROLE_TABLE, lt_shape2(cfg->vocab_size, cfg->width),
            "visual_embedding_model.tok_emb_code.weight");
    ar_transformer_bind(b, &m->transformer);
}

lt_status ar_model_open(lt_weights *weights, const cfg_ar *cfg, lt_backend *backend, ar_model **out,
                        lt_error *err)
{
    *out = NULL;
    LT_TRY(check_sizes(cfg, err));
    ar_model *m = calloc(1, sizeof *m);
    ar_block *blocks = calloc((size_t)cfg->layers, sizeof *blocks);
    if (!m || !blocks) {
        free(m);
        free(blocks);
        return lt_fail(err, LT_ERR_RESOURCES, "language model: no memory for %d blocks",
                       cfg->layers);
    }
    m->backend = backend;
    m->transformer.cfg = *cfg;
    m->transformer.blocks = blocks;
    lt_binder *b = lt_binder_open(weights, backend);
    bind_all(b, cfg, m);
    const lt_status s = lt_binder_close(b, &m->set, err);
    if (s != LT_OK) {
        ar_model_close(m);
        return s;
    }
    m->resident = ar_transformer_is_resident(&m->transformer);
    *out = m;
    return LT_OK;
}

void ar_model_close(ar_model *m)
{
    if (!m)
        return;
    lt_weight_set_close(m->set);
    free(m->transformer.blocks);
    free(m);
}

const cfg_ar *ar_model_config(const ar_model *m)
{
    return &m->transformer.cfg;
}
