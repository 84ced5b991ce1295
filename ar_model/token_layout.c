#include "ar_model/token_layout.h"

ar_kind ar_layout_kind(const cfg_ar *cfg, int offset)
{
    const int close_i = cfg->i_tokens + 1;
    if (offset == 0)
        return AR_OPEN_I;
    if (offset <= close_i)
        return offset == close_i ? AR_CLOSE_I : AR_CODE;
    const int in_frame = (offset - close_i - 1) % (cfg->p_tokens + 2);
    if (in_frame == 0)
        return AR_OPEN_P;
    return in_frame == cfg->p_tokens + 1 ? AR_CLOSE_P : AR_CODE;
}

int32_t ar_layout_id(const cfg_ar *cfg, ar_kind kind)
{
    switch (kind) {
    case AR_OPEN_I:
        return cfg->codebook_size + AR_SPECIAL_OPEN_I;
    case AR_CLOSE_I:
        return cfg->codebook_size + AR_SPECIAL_CLOSE_I;
    case AR_OPEN_P:
        return cfg->codebook_size + AR_SPECIAL_OPEN_P;
    case AR_CLOSE_P:
        return cfg->codebook_size + AR_SPECIAL_CLOSE_P;
    case AR_CODE:
        break;
    }
    return -1;
}

int32_t ar_begin_id(const cfg_ar *cfg)
{
    return cfg->codebook_size + AR_SPECIAL_BEGIN;
}

int ar_segment_positions(const cfg_ar *cfg, int frames)
{
    return cfg->i_tokens + 2 + (cfg->p_tokens + 2) * (frames - 1);
}

int ar_segment_codes(const cfg_ar *cfg, int frames)
{
    return cfg->i_tokens + cfg->p_tokens * (frames - 1);
}

int ar_code_offset(const cfg_ar *cfg, int number)
{
    if (number < cfg->i_tokens)
        return 1 + number;
    const int p_frame = (number - cfg->i_tokens) / cfg->p_tokens;
    const int in_frame = (number - cfg->i_tokens) % cfg->p_tokens;
    return cfg->i_tokens + 2 + (cfg->p_tokens + 2) * p_frame + 1 + in_frame;
}

/* Codes at offsets below `offset`. */
static int codes_before(const cfg_ar *cfg, int offset)
{
    if (offset <= cfg->i_tokens + 1)
        return offset > 0 ? offset - 1 : 0;
    const int past_i = offset - cfg->i_tokens - 2;
    const int in_frame = past_i % (cfg->p_tokens + 2) - 1;
    return cfg->i_tokens + past_i / (cfg->p_tokens + 2) * cfg->p_tokens +
           (in_frame > 0 ? in_frame : 0);
}

void ar_layout_tokens(const cfg_ar *cfg, const int32_t *codes, int from, int to, int32_t *tokens)
{
    const int32_t *code = codes + codes_before(cfg, from);
    for (int offset = from; offset < to; offset++) {
        const ar_kind kind = ar_layout_kind(cfg, offset);
        *tokens++ = kind == AR_CODE ? *code++ : ar_layout_id(cfg, kind);
    }
}

int64_t ar_take_segments(const cfg_ar *cfg, int64_t frames)
{
    return (frames + cfg->segment_frames - 1) / cfg->segment_frames;
}

int ar_take_segment_frames(const cfg_ar *cfg, int64_t frames, int64_t k)
{
    const int64_t left = frames - k * cfg->segment_frames;
    return (int)(left < cfg->segment_frames ? left : cfg->segment_frames);
}

int32_t ar_output_code(const cfg_ar *cfg, int32_t id)
{
    return id < cfg->codebook_size ? id : cfg->codebook_size - 1;
}
