#include "ar_model/kv_cache.h"

#include <math.h>
#include <stdlib.h>

void ar_rotary_table(float base, int head_width, int64_t count, float *cosine, float *sine)
{
    const int pairs = head_width / 2;
    for (int j = 0; j < pairs; j++) {
        /* Frequency and angle are f32 numbers in the release; exact angles
         * differ visibly at late positions. */
        const float exponent = (float)(2 * j) / (float)head_width;
        const float frequency = 1.0f / (float)pow((double)base, (double)exponent);
        for (int64_t position = 0; position < count; position++) {
            const float angle = (float)position * frequency;
            cosine[position * pairs + j] = (float)cos((double)angle);
            sine[position * pairs + j] = (float)sin((double)angle);
        }
    }
}

static lt_status upload_rotary_table(lt_backend *backend, const cfg_ar *cfg, ar_cache *c,
                                     lt_error *err)
{
    const size_t count = (size_t)lt_numel(&c->cosine);
    float *table = malloc(2 * count * sizeof *table);
    if (!table)
        return lt_fail(err, LT_ERR_RESOURCES, "language model: no memory for the rotary table");
    ar_rotary_table(cfg->rope_base, cfg->width / cfg->heads, c->capacity, table, table + count);
    lt_status s =
        backend->table->upload(backend, c->cosine.data, table, count * sizeof *table, err);
    if (s == LT_OK)
        s = backend->table->upload(backend, c->sine.data, table + count, count * sizeof *table,
                                   err);
    free(table);
    return s;
}

lt_status ar_cache_open(lt_backend *backend, const cfg_ar *cfg, int items, int64_t capacity,
                        ar_cache *out, lt_error *err)
{
    const int d = cfg->width / cfg->heads;
    const lt_shape rows = lt_shape5(cfg->layers, items, cfg->heads, capacity, d);
    const lt_shape angles = lt_shape2(capacity, d / 2);
    *out = (ar_cache){.capacity = capacity};
    lt_status s = lt_buffer_open(backend, backend->activation, rows, &out->keys, err);
    if (s == LT_OK)
        s = lt_buffer_open(backend, backend->activation, rows, &out->values, err);
    if (s == LT_OK)
        s = lt_buffer_open(backend, LT_F32, angles, &out->cosine, err);
    if (s == LT_OK)
        s = lt_buffer_open(backend, LT_F32, angles, &out->sine, err);
    if (s == LT_OK)
        s = upload_rotary_table(backend, cfg, out, err);
    if (s != LT_OK)
        ar_cache_close(backend, out);
    return s;
}

void ar_cache_close(lt_backend *backend, ar_cache *c)
{
    lt_buffer_close(backend, &c->keys);
    lt_buffer_close(backend, &c->values);
    lt_buffer_close(backend, &c->cosine);
    lt_buffer_close(backend, &c->sine);
    *c = (ar_cache){0};
}

lt_tensor ar_cache_rows(lt_tensor keys_or_values, int layer, int items, int64_t begin,
                        int64_t count)
{
    static const int rows_first[] = {0, 2, 1, 3};
    lt_tensor t = lt_select(keys_or_values, 0, layer); /* [items, heads, capacity, d] */
    t = lt_slice(lt_slice(t, 0, 0, items), 2, begin, count);
    return lt_permute(t, rows_first); /* [items, count, heads, d] */
}
