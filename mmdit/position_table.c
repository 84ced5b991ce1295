/* position_table.c - see position_table.h. */
#include "mmdit/position_table.h"

#include <math.h>
#include <stdlib.h>

/* [sin(p w_0) ..., cos(p w_0) ...] with w_k = 10000^(-k / (width/2)): `width` values. */
static void position_part(float position, int width, float *out)
{
    const int half = width / 2;
    for (int k = 0; k < half; k++) {
        const double angle = (double)position * pow(10000.0, -(double)k / half);
        out[k] = (float)sin(angle);
        out[half + k] = (float)cos(angle);
    }
}

/* Positions 0 .. count-1, divided by `scale` in f32: [count, width] on the device. */
static lt_status open_part(lt_backend *backend, int count, int width, float scale, lt_tensor *out,
                           lt_error *err)
{
    float *host = malloc((size_t)count * (size_t)width * sizeof *host);
    if (!host)
        return lt_fail(err, LT_ERR_RESOURCES, "position table: no memory for %d x %d values", count,
                       width);
    for (int i = 0; i < count; i++)
        position_part((float)i / scale, width, host + (size_t)i * (size_t)width);
    lt_status s = lt_buffer_open(backend, LT_F32, lt_shape2(count, width), out, err);
    if (s == LT_OK)
        s = backend->table->upload(backend, out->data, host, lt_tensor_bytes(out), err);
    free(host);
    return s;
}

lt_status dit_position_open(lt_backend *backend, const cfg_mmdit *cfg, dit_position *out,
                            lt_error *err)
{
    *out = (dit_position){0};
    const int quarter = cfg->width / 4;
    const int rest = (cfg->width - quarter) / 2;
    const float scale = (float)cfg->position_scale;
    lt_status s = open_part(backend, cfg->latent_frames, quarter, 1.0f, &out->frame, err);
    if (s == LT_OK)
        s = open_part(backend, cfg->latent_width / cfg->patch, rest, scale, &out->column, err);
    if (s == LT_OK)
        s = open_part(backend, cfg->latent_height / cfg->patch, rest, scale, &out->row, err);
    if (s != LT_OK)
        dit_position_close(backend, out);
    return s;
}

void dit_position_close(lt_backend *backend, dit_position *p)
{
    lt_buffer_close(backend, &p->frame);
    lt_buffer_close(backend, &p->column);
    lt_buffer_close(backend, &p->row);
}

static void add_part(lt_ops *o, lt_tensor out, lt_tensor tokens, int64_t begin, lt_tensor table,
                     lt_shape shape)
{
    const int64_t width = shape.dim[3];
    lt_axpby_into(o, lt_slice(out, 3, begin, width), 1.0f, lt_slice(tokens, 3, begin, width), 1.0f,
                  lt_reshape(table, shape));
}

void dit_position_add_into(lt_ops *o, const dit_position *p, lt_tensor out, lt_tensor tokens)
{
    const int64_t frames = tokens.dim[0]; /* a short latent takes the first rows */
    const int64_t quarter = p->frame.dim[1];
    const int64_t rest = p->row.dim[1];
    add_part(o, out, tokens, 0, lt_slice(p->frame, 0, 0, frames), lt_shape4(frames, 1, 1, quarter));
    add_part(o, out, tokens, quarter, p->column, lt_shape4(1, 1, p->column.dim[0], rest));
    add_part(o, out, tokens, quarter + rest, p->row, lt_shape4(1, p->row.dim[0], 1, rest));
}
