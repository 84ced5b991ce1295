/* steps.c - operations that a device may do as one, as a row of
 * simpler ones of the same backend. */
#include "kernels/backend.h"

/* [rows, columns] in room, from value `at` on. */
static lt_tensor room_for(lt_tensor room, int64_t at, int64_t rows, int64_t columns)
{
    return lt_view((char *)room.data + at * (int64_t)lt_dtype_bytes(room.dtype), room.dtype,
                   lt_shape2(rows, columns));
}

lt_status lt_linear_add_in_steps(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                                 const lt_weight *bias, lt_tensor room, lt_error *err)
{
    const lt_tensor y = room_for(room, 0, out.dim[0], out.dim[1]);
    LT_TRY(b->table->linear(b, y, x, w, bias, LT_ACT_NONE, err));
    return b->table->axpby(b, out, 1, out, 1, y, err);
}

lt_status lt_normed_linear_in_steps(lt_backend *b, lt_tensor out, lt_tensor x,
                                    const lt_row_norm *norm, const lt_weight *w, lt_tensor room,
                                    lt_error *err)
{
    const lt_tensor y = room_for(room, 0, x.dim[0], x.dim[1]);
    LT_TRY(b->table->rms_norm(b, y, x, norm->w, norm->eps, err));
    return b->table->linear(b, out, y, w, NULL, LT_ACT_NONE, err);
}

lt_status lt_gated_linear_in_steps(lt_backend *b, lt_tensor out, lt_tensor x,
                                   const lt_row_norm *norm, const lt_weight *gate,
                                   const lt_weight *up, lt_act act, lt_tensor room, lt_error *err)
{
    const lt_tensor y = room_for(room, 0, x.dim[0], x.dim[1]);
    const lt_tensor u = room_for(room, lt_numel(&y), out.dim[0], out.dim[1]);
    LT_TRY(b->table->rms_norm(b, y, x, norm->w, norm->eps, err));
    LT_TRY(b->table->linear(b, out, y, gate, NULL, LT_ACT_NONE, err));
    LT_TRY(b->table->linear(b, u, y, up, NULL, LT_ACT_NONE, err));
    return b->table->gated_act(b, out, out, u, act, err);
}

lt_status lt_cached_attention_in_steps(lt_backend *b, lt_tensor out, lt_tensor qkv, lt_tensor k,
                                       lt_tensor v, lt_tensor first_row, lt_tensor cosine,
                                       lt_tensor sine, const lt_attention_args *a, lt_error *err)
{
    const int64_t n = qkv.dim[1];
    const int64_t first = lt_is_none(&first_row) ? k.dim[1] - n : *(const int32_t *)first_row.data;
    const lt_tensor q = lt_select(qkv, 2, 0); /* [B, n, h, d] */
    if (!lt_is_none(&first_row)) {
        k = lt_slice(k, 1, 0, first + n);
        v = lt_slice(v, 1, 0, first + n);
        cosine = lt_slice(cosine, 0, first, n);
        sine = lt_slice(sine, 0, first, n);
    }
    LT_TRY(b->table->rope(b, q, q, cosine, sine, err));
    LT_TRY(b->table->rope(b, lt_slice(k, 1, first, n), lt_select(qkv, 2, 1), cosine, sine, err));
    LT_TRY(b->table->copy(b, lt_slice(v, 1, first, n), lt_select(qkv, 2, 2), err));
    return b->table->attention(b, out, q, k, v, a, err);
}
