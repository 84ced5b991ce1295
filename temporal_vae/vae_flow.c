/* vae_flow.c - see vae_flow.h. */
#include "temporal_vae/vae_flow.h"

#include <assert.h>

vae_flow vae_flow_start(lt_ops *o, vae_pace pace, int64_t elements)
{
    vae_flow f = {.ops = o, .pace = pace};
    const int buffers = pace == VAE_FRAME_BY_FRAME ? 1 : VAE_FLOW_BUFFERS;
    for (int i = 0; i < buffers; i++)
        f.buffer[i] = lt_new(o, o->dtype, lt_shape1(elements));
    return f;
}

lt_tensor vae_flow_tensor(const vae_flow *f, int step, lt_shape shape)
{
    const lt_tensor *buffer = &f->buffer[(f->at + step) % VAE_FLOW_BUFFERS];
    const lt_tensor t = lt_view(buffer->data, buffer->dtype, shape);
    assert(lt_ops_status(f->ops) != LT_OK || lt_numel(&t) <= lt_numel(buffer));
    return t;
}

void vae_flow_advance(vae_flow *f, int step, lt_tensor x)
{
    f->at = (f->at + step) % VAE_FLOW_BUFFERS;
    f->x = x;
}
