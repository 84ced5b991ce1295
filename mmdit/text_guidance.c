/* text_guidance.c - see text_guidance.h. */
#include "mmdit/text_guidance.h"

void dit_guide_cfg(lt_ops *o, double w, lt_tensor out, lt_tensor cond, lt_tensor uncond)
{
    lt_axpby_into(o, out, 1.0f, cond, -1.0f, uncond);
    lt_axpby_into(o, out, (float)w, out, 1.0f, uncond);
}

/* <y, x> / <x, x>, or 0 where x is 0. */
static double share(const float *y, const float *x, int64_t count)
{
    double dot = 0.0;
    double square = 0.0;
    for (int64_t i = 0; i < count; i++) {
        dot += (double)y[i] * x[i];
        square += (double)x[i] * x[i];
    }
    return square > 0.0 ? dot / square : 0.0;
}

void dit_guide_apg(lt_ops *o, double w, lt_tensor out, lt_tensor cond, lt_tensor uncond,
                   float *scratch)
{
    const int64_t count = lt_numel(&cond);
    lt_axpby_into(o, out, 1.0f, cond, -1.0f, uncond); /* the difference */
    lt_download(o, scratch, out);
    lt_download(o, scratch + count, cond);
    double parallel = 0.0;
    if (!o->measuring && lt_ops_status(o) == LT_OK)
        parallel = share(scratch, scratch + count, count);
    lt_axpby_into(o, out, 1.0f, out, (float)-parallel, cond);
    lt_axpby_into(o, out, (float)(w - 1.0), out, 1.0f, cond);
}
