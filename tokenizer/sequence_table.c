/* sequence_table.c - rotary angles and counts of a full segment, made once on the
 * host and kept on the backend. */
#include <stdlib.h>

#include "tokenizer/tok_network.h"

static lt_status upload_angles(lt_backend *backend, const cfg_tokenizer *cfg, const tok_sequence *s,
                               lt_error *err)
{
    const size_t count = (size_t)lt_numel(&s->angles.cosine);
    float *table = malloc(2 * count * sizeof *table);
    if (!table)
        return lt_fail(err, LT_ERR_RESOURCES, "tokenizer: no memory for the rotary table");
    tok_rope_table(cfg, cfg->temporal_size, table, table + count);
    lt_status status =
        backend->table->upload(backend, s->angles.cosine.data, table, count * sizeof *table, err);
    if (status == LT_OK)
        status = backend->table->upload(backend, s->angles.sine.data, table + count,
                                        count * sizeof *table, err);
    free(table);
    return status;
}

static lt_status upload_counts(lt_backend *backend, const tok_sequence *s, lt_error *err)
{
    const size_t count = (size_t)lt_numel(&s->counts);
    int32_t *counts = malloc(count * sizeof *counts);
    if (!counts)
        return lt_fail(err, LT_ERR_RESOURCES, "tokenizer: no memory for %zu rows", count);
    for (size_t i = 0; i < count; i++)
        counts[i] = (int32_t)i + 1;
    const lt_status status =
        backend->table->upload(backend, s->counts.data, counts, count * sizeof *counts, err);
    free(counts);
    return status;
}

lt_status tok_sequence_open(lt_backend *backend, const cfg_tokenizer *cfg, tok_sequence *out,
                            lt_error *err)
{
    const int64_t rows = tok_rows_before(cfg, cfg->temporal_size);
    const lt_shape angles = lt_shape2(rows, cfg->width / cfg->heads / 2);
    *out = (tok_sequence){0};
    lt_status s = lt_buffer_open(backend, LT_F32, angles, &out->angles.cosine, err);
    if (s == LT_OK)
        s = lt_buffer_open(backend, LT_F32, angles, &out->angles.sine, err);
    if (s == LT_OK)
        s = lt_buffer_open(backend, LT_I32, lt_shape1(rows), &out->counts, err);
    if (s == LT_OK)
        s = upload_angles(backend, cfg, out, err);
    if (s == LT_OK)
        s = upload_counts(backend, out, err);
    if (s != LT_OK)
        tok_sequence_close(backend, out);
    return s;
}

void tok_sequence_close(lt_backend *backend, tok_sequence *s)
{
    lt_buffer_close(backend, &s->angles.cosine);
    lt_buffer_close(backend, &s->angles.sine);
    lt_buffer_close(backend, &s->counts);
}
