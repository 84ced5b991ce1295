/* reference_backend.c - the table, and the door of the reference backend. */
#include <stdlib.h>

#include "kernels/core/threads.h"
#include "kernels/reference/reference_table.h"

static void close_backend(lt_backend *b)
{
    if (b == NULL)
        return;
    lt_pool_close(b->pool);
    free(b->profile);
    free(b);
}

static const lt_backend_table table = {
    .name = "reference",
    .alloc = lt_ref_alloc,
    .release = lt_ref_release,
    .upload = lt_ref_upload,
    .download = lt_ref_download,
    .wait = lt_ref_wait,
    .prepare = lt_ref_prepare,
    .unprepare = lt_ref_unprepare,
    .prepared_bytes = lt_ref_prepared_bytes,
    .gather = lt_ref_gather,
    .linear = lt_ref_linear,
    .linear_add = lt_linear_add_in_steps,
    .normed_linear = lt_normed_linear_in_steps,
    .gated_linear = lt_gated_linear_in_steps,
    .attention = lt_ref_attention,
    .cached_attention = lt_cached_attention_in_steps,
    .layer_norm = lt_ref_layer_norm,
    .rms_norm = lt_ref_rms_norm,
    .group_norm = lt_ref_group_norm,
    .rope = lt_ref_rope,
    .activate = lt_ref_activate,
    .gated_act = lt_ref_gated_act,
    .axpby = lt_ref_axpby,
    .gated_add = lt_ref_gated_add,
    .conv = lt_ref_conv,
    .upsample = lt_ref_upsample,
    .copy = lt_ref_copy,
    .fill = lt_ref_fill,
    .normal = lt_ref_normal,
    .choose = lt_choose_on_host,
    .to_rgb8 = lt_ref_to_rgb8,
    .close = close_backend,
};

lt_status lt_reference_open(lt_backend **out, int threads, lt_error *err)
{
    *out = NULL;
    lt_backend *b = calloc(1, sizeof *b);
    if (b == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "reference: no memory for the backend");
    b->table = &table;
    b->activation = LT_F32;
    const lt_status s = lt_pool_open(&b->pool, threads, err);
    if (s != LT_OK) {
        close_backend(b);
        return s;
    }
    *out = b;
    return LT_OK;
}
