/* ops.c - every operation: check shapes and dtypes once, take the result from the arena, call the
 * backend.
 *
 * Each function reads the same: the shape of the result, what must hold, then the call. In a dry
 * pass, and after the first failure, only the result's shape is made. A failed expectation sticks
 * like any failure, so the later ones stay silent.
 */
#include "kernels/ops.h"

#include <stdarg.h>
#include <stdio.h>

#include "kernels/op_profile.h"

/* ---- what must hold ---- */

/* Records "place is f32 [3, 7], expected ..." unless `holds`. */
static void expect(lt_ops *o, bool holds, const char *place, const lt_tensor *found,
                   const char *format, ...) LT_PRINTF(5, 6);

static void expect(lt_ops *o, bool holds, const char *place, const lt_tensor *found,
                   const char *format, ...)
{
    if (holds || o->error.code != LT_OK)
        return;
    char expected[256];
    char shape[128];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(expected, sizeof expected, format, arguments);
    va_end(arguments);
    (void)lt_fail(&o->error, LT_ERR_FAILED, "%s is %s %s, expected %s", place,
                  lt_dtype_name(found->dtype),
                  lt_shape_text(lt_shape_of(found), shape, sizeof shape), expected);
}

static void expect_shape(lt_ops *o, const char *place, const lt_tensor *found, lt_shape shape)
{
    char text[128];
    expect(o, lt_same_shape(lt_shape_of(found), shape), place, found, "%s",
           lt_shape_text(shape, text, sizeof text));
}

static void expect_contiguous(lt_ops *o, const char *place, const lt_tensor *found)
{
    expect(o, lt_is_contiguous(found), place, found, "contiguous memory");
}

static bool is_activation(lt_dtype t)
{
    return t == LT_F32 || t == LT_BF16;
}

static void expect_activation(lt_ops *o, const char *place, const lt_tensor *found)
{
    const int last = found->rank - 1;
    const bool dense = last >= 0 && (found->dim[last] <= 1 || found->stride[last] == 1);
    expect(o, is_activation(found->dtype), place, found, "f32 or bf16");
    expect(o, dense, place, found, "a contiguous last dimension");
}

static void expect_like(lt_ops *o, const char *place, const lt_tensor *found,
                        const lt_tensor *other)
{
    expect_activation(o, place, found);
    expect(o, found->dtype == other->dtype, place, found, "%s like the other tensors",
           lt_dtype_name(other->dtype));
}

/* A bias or norm weight of `count` values; NULL is fine. */
static void expect_vector(lt_ops *o, const char *place, const lt_weight *w, int64_t count)
{
    if (w == NULL)
        return;
    const lt_tensor *v = &w->value;
    expect(o, v->dtype == LT_F32 && lt_is_contiguous(v), place, v, "packed f32");
    expect(o, lt_numel(v) == count, place, v, "%lld values", (long long)count);
}

/* ---- shapes ---- */

static int64_t last_dim(const lt_tensor *t)
{
    return t->rank > 0 ? t->dim[t->rank - 1] : 0;
}

static int64_t row_count(const lt_tensor *t)
{
    return last_dim(t) > 0 ? lt_numel(t) / last_dim(t) : 0;
}

static lt_shape with_last(const lt_tensor *t, int64_t last)
{
    lt_shape s = lt_shape_of(t);
    s.dim[s.rank - 1] = last;
    return s;
}

/* Sees [..., d] as [n, d]; rows must be evenly spaced in memory. */
static lt_tensor as_rows(lt_ops *o, const char *place, const lt_tensor *t)
{
    int64_t n = 1;
    int64_t stride = last_dim(t);
    bool even = true;
    for (int i = t->rank - 2; i >= 0; i--) {
        if (t->dim[i] == 1)
            continue;
        if (n == 1)
            stride = t->stride[i];
        else
            even = even && t->stride[i] == stride * n;
        n *= t->dim[i];
    }
    expect(o, even, place, t, "rows that are evenly spaced in memory");
    lt_tensor rows = lt_view(t->data, t->dtype, lt_shape2(n, last_dim(t)));
    rows.stride[0] = stride;
    return rows;
}

/* Sees a tensor of one dimension less than `full_rank` with a leading dimension
 * of 1; others stay as they are. */
static lt_tensor with_batch(lt_tensor t, int full_rank)
{
    if (t.rank != full_rank - 1)
        return t;
    lt_tensor batched = t;
    batched.rank = full_rank;
    batched.dim[0] = 1;
    batched.stride[0] = t.dim[0] * t.stride[0];
    for (int i = 0; i < t.rank; i++) {
        batched.dim[i + 1] = t.dim[i];
        batched.stride[i + 1] = t.stride[i];
    }
    return batched;
}

/* Sees [..., d] as [B, n, d]: of rank 3 as it is, else as one batch of rows. */
static lt_tensor as_batches(lt_ops *o, const char *place, const lt_tensor *t)
{
    return t->rank == 3 ? *t : with_batch(as_rows(o, place, t), 3);
}

/* A modulation of x [B, n, d]: f32 or like x, [B or 1, d] or [d]; none stays none. */
static lt_tensor as_modulation(lt_ops *o, const char *place, const lt_tensor *x, lt_tensor m)
{
    if (lt_is_none(&m))
        return m;
    m = with_batch(m, 2);
    expect_activation(o, place, &m);
    expect(o, m.dtype == LT_F32 || m.dtype == x->dtype, place, &m, "f32 or %s",
           lt_dtype_name(x->dtype));
    expect(o, m.rank == 2 && (m.dim[0] == 1 || m.dim[0] == x->dim[0]) && m.dim[1] == x->dim[2],
           place, &m, "[%lld or 1, %lld]", (long long)x->dim[0], (long long)x->dim[2]);
    return m;
}

/* y with leading dimensions of 1 until its rank is that of `out`; every
 * size must be 1 or that of `out`. */
static lt_tensor as_broadcast(lt_ops *o, const char *place, lt_tensor y, const lt_tensor *out)
{
    char text[128];
    while (y.rank < out->rank)
        y = with_batch(y, y.rank + 1);
    bool fits = y.rank == out->rank;
    for (int i = 0; fits && i < out->rank; i++)
        fits = y.dim[i] == out->dim[i] || y.dim[i] == 1;
    expect(o, is_activation(y.dtype), place, &y, "f32 or bf16");
    expect(o, fits, place, &y, "sizes 1 or those of %s",
           lt_shape_text(lt_shape_of(out), text, sizeof text));
    return y;
}

/* ---- calling the backend ---- */

/* True when there is work to do: a real pass, no failure so far, a result that is not empty. */
static bool live(const lt_ops *o, const lt_tensor *out)
{
    return !o->measuring && o->error.code == LT_OK && lt_numel(out) > 0;
}

static void done(lt_ops *o, lt_op op, double begun, lt_status s, double bytes, double flop)
{
    if (s != LT_OK)
        (void)lt_fail(&o->error, s, "%s: the %s backend failed without a message", lt_op_name(op),
                      o->backend->table->name);
    lt_op_end(o->backend, op, begun, bytes, flop);
}

static double size(const lt_tensor *t)
{
    return (double)lt_tensor_bytes(t);
}

static double count(const lt_tensor *t)
{
    return (double)lt_numel(t);
}

/* ---- tables and matrices ---- */

lt_tensor lt_gather(lt_ops *o, const lt_weight *table, lt_tensor ids)
{
    const lt_tensor *value = &table->value; /* [rows, d] */
    const lt_tensor out = lt_new(o, o->dtype, lt_shape2(ids.dim[0], last_dim(value)));
    expect(o, value->rank == 2, "gather: table", value, "[rows, d]");
    expect(o, ids.rank == 1 && ids.dtype == LT_I32, "gather: ids", &ids, "i32 [n]");
    expect_contiguous(o, "gather: ids", &ids);
    if (!live(o, &out))
        return out;
    const double begun = lt_op_begin(o->backend);
    const lt_status s = o->backend->table->gather(o->backend, out, table, ids, &o->error);
    done(o, LT_OP_GATHER, begun, s, 2 * size(&out), 0);
    return out;
}

lt_tensor lt_linear(lt_ops *o, lt_tensor x, const lt_weight *w, const lt_weight *bias, lt_act act)
{
    const lt_tensor out = lt_new(o, o->dtype, with_last(&x, w->value.dim[0]));
    lt_linear_into(o, out, x, w, bias, act);
    return out;
}

/* What belongs to a product x W^T, by the names it has in messages. */
typedef struct {
    const char *x;
    const char *weight;
    const char *out;
} product_places;

static void expect_product(lt_ops *o, const product_places *at, const lt_tensor *x,
                           const lt_weight *w, const lt_tensor *out)
{
    const lt_tensor *matrix = &w->value; /* [out, in] */
    expect(o, matrix->rank == 2, at->weight, matrix, "[out, in]");
    expect_activation(o, at->x, x);
    expect(o, last_dim(x) == matrix->dim[1], at->x, x, "rows of %lld", (long long)matrix->dim[1]);
    expect_activation(o, at->out, out);
    expect(o, out->dtype == x->dtype || out->dtype == LT_F32, at->out, out,
           "f32 or the dtype of x");
    expect(o, row_count(out) == row_count(x) && last_dim(out) == matrix->dim[0], at->out, out,
           "%lld rows of %lld", (long long)row_count(x), (long long)matrix->dim[0]);
}

static double product_flop(const lt_tensor *out, const lt_weight *w)
{
    return 2 * count(out) * (double)w->value.dim[1];
}

void lt_linear_into(lt_ops *o, lt_tensor out, lt_tensor x, const lt_weight *w,
                    const lt_weight *bias, lt_act act)
{
    static const product_places at = {"linear: x", "linear: weight", "linear: out"};
    const lt_tensor x_rows = as_rows(o, at.x, &x);
    const lt_tensor out_rows = as_rows(o, at.out, &out);
    expect_product(o, &at, &x, w, &out);
    expect_vector(o, "linear: bias", bias, w->value.dim[0]);
    if (!live(o, &out))
        return;
    const double begun = lt_op_begin(o->backend);
    const lt_status s =
        o->backend->table->linear(o->backend, out_rows, x_rows, w, bias, act, &o->error);
    done(o, LT_OP_LINEAR, begun, s, size(&out) + size(&x) + size(&w->value), product_flop(&out, w));
}

/* ---- products and what is next to them: `room` is taken for one operation ---- */

void lt_linear_add_into(lt_ops *o, lt_tensor out, lt_tensor x, const lt_weight *w,
                        const lt_weight *bias)
{
    static const product_places at = {"linear_add: x", "linear_add: weight", "linear_add: out"};
    const lt_mark mark = lt_ops_mark(o);
    const lt_tensor x_rows = as_rows(o, at.x, &x);
    const lt_tensor out_rows = as_rows(o, at.out, &out);
    const lt_tensor room = lt_new(o, x.dtype, lt_shape1(lt_numel(&out)));
    expect_product(o, &at, &x, w, &out);
    expect_vector(o, "linear_add: bias", bias, w->value.dim[0]);
    if (live(o, &out)) {
        const double begun = lt_op_begin(o->backend);
        const lt_status s =
            o->backend->table->linear_add(o->backend, out_rows, x_rows, w, bias, room, &o->error);
        done(o, LT_OP_LINEAR_ADD, begun, s, 2 * size(&out) + size(&x) + size(&w->value),
             product_flop(&out, w));
    }
    lt_ops_rewind(o, mark);
}

lt_tensor lt_normed_linear(lt_ops *o, lt_tensor x, const lt_row_norm *norm, const lt_weight *w)
{
    static const product_places at = {"normed_linear: x", "normed_linear: weight",
                                      "normed_linear: out"};
    const lt_tensor out = lt_new(o, o->dtype, with_last(&x, w->value.dim[0]));
    const lt_mark mark = lt_ops_mark(o);
    const lt_tensor x_rows = as_rows(o, at.x, &x);
    const lt_tensor room = lt_new(o, x.dtype, lt_shape1(lt_numel(&x)));
    expect_product(o, &at, &x, w, &out);
    expect_vector(o, "normed_linear: norm", norm->w, last_dim(&x));
    if (live(o, &out)) {
        const double begun = lt_op_begin(o->backend);
        const lt_status s = o->backend->table->normed_linear(o->backend, as_rows(o, at.out, &out),
                                                             x_rows, norm, w, room, &o->error);
        done(o, LT_OP_NORMED_LINEAR, begun, s, size(&out) + size(&x) + size(&w->value),
             product_flop(&out, w));
    }
    lt_ops_rewind(o, mark);
    return out;
}

lt_tensor lt_gated_linear(lt_ops *o, lt_tensor x, const lt_row_norm *norm, const lt_weight *gate,
                          const lt_weight *up, lt_act act)
{
    static const product_places at = {"gated_linear: x", "gated_linear: gate", "gated_linear: out"};
    const lt_tensor out = lt_new(o, o->dtype, with_last(&x, gate->value.dim[0]));
    const lt_mark mark = lt_ops_mark(o);
    const lt_tensor x_rows = as_rows(o, at.x, &x);
    const lt_tensor room = lt_new(o, x.dtype, lt_shape1(lt_numel(&x) + lt_numel(&out)));
    expect_product(o, &at, &x, gate, &out);
    expect_like(o, "gated_linear: x", &x, &out);
    expect_shape(o, "gated_linear: up", &up->value, lt_shape_of(&gate->value));
    expect_vector(o, "gated_linear: norm", norm->w, last_dim(&x));
    if (live(o, &out)) {
        const double begun = lt_op_begin(o->backend);
        const lt_status s = o->backend->table->gated_linear(
            o->backend, as_rows(o, at.out, &out), x_rows, norm, gate, up, act, room, &o->error);
        done(o, LT_OP_GATED_LINEAR, begun, s,
             size(&out) + size(&x) + size(&gate->value) + size(&up->value),
             2 * product_flop(&out, gate));
    }
    lt_ops_rewind(o, mark);
    return out;
}

/* ---- attention ---- */

static void expect_visible(lt_ops *o, const lt_attention_args *a, int64_t n)
{
    if (lt_is_none(&a->visible))
        return;
    expect(o, a->visible.dtype == LT_I32, "attention: visible", &a->visible, "i32");
    expect_shape(o, "attention: visible", &a->visible, lt_shape1(n));
    expect_contiguous(o, "attention: visible", &a->visible);
}

static void expect_bias(lt_ops *o, const lt_attention_args *a, int64_t heads, int64_t n, int64_t m)
{
    if (lt_is_none(&a->bias))
        return;
    expect(o, a->bias.dtype == LT_F32, "attention: bias", &a->bias, "f32");
    expect_shape(o, "attention: bias", &a->bias, lt_shape2(heads, n + m - 1));
    expect_contiguous(o, "attention: bias", &a->bias);
}

/* Angles of so many rows of heads that are d wide. */
static void expect_angles(lt_ops *o, int64_t rows, int64_t d, const lt_tensor *cosine,
                          const lt_tensor *sine)
{
    expect(o, cosine->dtype == LT_F32, "rope: cosine", cosine, "f32");
    expect_shape(o, "rope: cosine", cosine, lt_shape2(rows, d / 2));
    expect_activation(o, "rope: cosine", cosine);
    expect_like(o, "rope: sine", sine, cosine);
    expect_shape(o, "rope: sine", sine, lt_shape_of(cosine));
}

lt_tensor lt_attention(lt_ops *o, lt_tensor q, lt_tensor k, lt_tensor v, const lt_attention_args *a)
{
    const lt_tensor out = lt_new(o, o->dtype, lt_shape_of(&q));
    const lt_tensor out4 = with_batch(out, 4);
    q = with_batch(q, 4);
    k = with_batch(k, 4);
    v = with_batch(v, 4);
    const int64_t n = q.dim[1];
    const int64_t m = k.dim[1];
    const int64_t heads = q.dim[2];
    expect(o, q.rank == 4 && q.dim[3] <= 256, "attention: q", &q, "[B, n, h, d] with d <= 256");
    expect_like(o, "attention: q", &q, &out);
    expect_like(o, "attention: k", &k, &out);
    expect_like(o, "attention: v", &v, &out);
    expect(o, m >= 1, "attention: k", &k, "at least one key");
    expect_shape(o, "attention: k", &k, lt_shape4(q.dim[0], m, heads, q.dim[3]));
    expect_shape(o, "attention: v", &v, lt_shape_of(&k));
    expect_visible(o, a, n);
    expect_bias(o, a, heads, n, m);
    if (!live(o, &out))
        return out;
    const double begun = lt_op_begin(o->backend);
    const lt_status s = o->backend->table->attention(o->backend, out4, q, k, v, a, &o->error);
    const double flop = 4 * count(&out) * (double)m; /* as if every key were visible */
    done(o, LT_OP_ATTENTION, begun, s, 2 * size(&out) + 2 * size(&k), flop);
    return out;
}

lt_tensor lt_cached_attention(lt_ops *o, lt_tensor qkv, lt_tensor k, lt_tensor v, lt_tensor first,
                              lt_tensor cosine, lt_tensor sine, const lt_attention_args *a)
{
    const int64_t n = qkv.dim[1];
    const int64_t m = k.dim[1];
    const int64_t heads = qkv.dim[3];
    const int64_t d = last_dim(&qkv);
    const lt_tensor out = lt_new(o, o->dtype, lt_shape4(qkv.dim[0], n, heads, d));
    expect(o, qkv.rank == 5 && qkv.dim[2] == 3 && d <= 256 && d % 2 == 0, "cached_attention: qkv",
           &qkv, "[B, n, 3, h, d] with d even and <= 256");
    expect_like(o, "cached_attention: qkv", &qkv, &out);
    expect_like(o, "cached_attention: k", &k, &out);
    expect_like(o, "cached_attention: v", &v, &out);
    expect(o, m >= n, "cached_attention: k", &k, "at least %lld keys", (long long)n);
    expect_shape(o, "cached_attention: k", &k, lt_shape4(qkv.dim[0], m, heads, d));
    expect_shape(o, "cached_attention: v", &v, lt_shape_of(&k));
    expect_angles(o, lt_is_none(&first) ? n : m, d, &cosine, &sine);
    expect_visible(o, a, n);
    expect_bias(o, a, heads, n, m);
    if (!lt_is_none(&first)) {
        expect(o, first.dtype == LT_I32 && first.rank == 1 && first.dim[0] == 1,
               "cached_attention: first", &first, "i32 [1]");
        expect(o, n <= LT_FIRST_ROWS, "cached_attention: qkv", &qkv, "at most %d rows with a first",
               (int)LT_FIRST_ROWS);
        expect(o, lt_is_none(&a->bias), "cached_attention: bias", &a->bias, "none with a first");
    }
    if (!live(o, &out))
        return out;
    const double begun = lt_op_begin(o->backend);
    const lt_status s = o->backend->table->cached_attention(o->backend, out, qkv, k, v, first,
                                                            cosine, sine, a, &o->error);
    done(o, LT_OP_CACHED_ATTENTION, begun, s, size(&out) + size(&qkv) + 2 * size(&k),
         4 * count(&out) * (double)m);
    return out;
}

/* ---- norms ---- */

lt_tensor lt_layer_norm(lt_ops *o, lt_tensor x, const lt_weight *w, const lt_weight *bias,
                        float eps)
{
    const lt_tensor out = lt_new(o, o->dtype, lt_shape_of(&x));
    lt_modulated_norm_into(o, out, x, w, bias, eps, lt_none(), lt_none());
    return out;
}

void lt_modulated_norm_into(lt_ops *o, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, float eps, lt_tensor scale, lt_tensor shift)
{
    const lt_tensor x3 = as_batches(o, "layer_norm: x", &x);
    const lt_tensor out3 = as_batches(o, "layer_norm: out", &out);
    const int64_t d = x3.dim[2];
    expect_activation(o, "layer_norm: x", &x);
    expect_like(o, "layer_norm: out", &out, &x);
    expect_shape(o, "layer_norm: out", &out, lt_shape_of(&x));
    expect_vector(o, "layer_norm: weight", w, d);
    expect_vector(o, "layer_norm: bias", bias, d);
    expect(o, w != NULL || bias == NULL, "layer_norm: x", &x, "a weight where there is a bias");
    scale = as_modulation(o, "layer_norm: scale", &x3, scale);
    shift = as_modulation(o, "layer_norm: shift", &x3, shift);
    if (!live(o, &out))
        return;
    const double begun = lt_op_begin(o->backend);
    const lt_status s =
        o->backend->table->layer_norm(o->backend, out3, x3, w, bias, eps, scale, shift, &o->error);
    done(o, LT_OP_LAYER_NORM, begun, s, 2 * size(&out), 8 * count(&out));
}

lt_tensor lt_rms_norm(lt_ops *o, lt_tensor x, const lt_weight *w, float eps)
{
    const lt_tensor out = lt_new(o, o->dtype, lt_shape_of(&x));
    const lt_tensor x_rows = as_rows(o, "rms_norm: x", &x);
    const lt_tensor out_rows = as_rows(o, "rms_norm: out", &out);
    expect_like(o, "rms_norm: x", &x, &out);
    expect_vector(o, "rms_norm: weight", w, x_rows.dim[1]);
    if (!live(o, &out))
        return out;
    const double begun = lt_op_begin(o->backend);
    const lt_status s =
        o->backend->table->rms_norm(o->backend, out_rows, x_rows, w, eps, &o->error);
    done(o, LT_OP_RMS_NORM, begun, s, 2 * size(&out), 4 * count(&out));
    return out;
}

lt_tensor lt_group_norm(lt_ops *o, lt_tensor x, const lt_weight *w, const lt_weight *bias,
                        const lt_group_norm_args *a)
{
    const lt_tensor out = lt_new(o, o->dtype, lt_shape_of(&x));
    lt_group_norm_into(o, out, x, w, bias, a);
    return out;
}

void lt_group_norm_into(lt_ops *o, lt_tensor out, lt_tensor x, const lt_weight *w,
                        const lt_weight *bias, const lt_group_norm_args *a)
{
    const int64_t channels = last_dim(&x);
    expect(o, x.rank == 4, "group_norm: x", &x, "[T, H, W, C]");
    expect(o, a->groups >= 1 && channels % a->groups == 0, "group_norm: x", &x,
           "channels in %d groups", a->groups);
    expect_like(o, "group_norm: x", &x, &out);
    expect_contiguous(o, "group_norm: x", &x);
    const int64_t frames = out.rank == 4 ? out.dim[0] : 0;
    expect(o, a->first >= 0 && frames <= x.dim[0] - a->first, "group_norm: x", &x,
           "%lld frames from %lld on", (long long)frames, (long long)a->first);
    expect_shape(o, "group_norm: out", &out, lt_shape4(frames, x.dim[1], x.dim[2], x.dim[3]));
    expect_contiguous(o, "group_norm: out", &out);
    expect_vector(o, "group_norm: weight", w, channels);
    expect_vector(o, "group_norm: bias", bias, channels);
    if (!lt_is_none(&a->gain)) {
        const bool grid = a->gain.rank == 4 && a->gain.dim[3] == channels && lt_numel(&a->gain) > 0;
        expect(o, grid, "group_norm: gain", &a->gain, "[L, h, w, %lld]", (long long)channels);
        expect_like(o, "group_norm: gain", &a->gain, &out);
        expect_like(o, "group_norm: shift", &a->shift, &out);
        expect_shape(o, "group_norm: shift", &a->shift, lt_shape_of(&a->gain));
    }
    if (!live(o, &out))
        return;
    const double begun = lt_op_begin(o->backend);
    const lt_status s = o->backend->table->group_norm(o->backend, out, x, w, bias, a, &o->error);
    /* x is read twice */
    done(o, LT_OP_GROUP_NORM, begun, s, size(&x) + 2 * size(&out), 8 * count(&out));
}

/* ---- element by element ---- */

void lt_rope(lt_ops *o, lt_tensor x, lt_tensor cosine, lt_tensor sine)
{
    x = with_batch(x, 4);
    expect_activation(o, "rope: x", &x);
    expect(o, x.rank == 4 && x.dim[3] % 2 == 0, "rope: x", &x, "[B, n, h, d] with d even");
    expect_angles(o, x.dim[1], last_dim(&x), &cosine, &sine);
    if (!live(o, &x))
        return;
    const double begun = lt_op_begin(o->backend);
    const lt_status s = o->backend->table->rope(o->backend, x, x, cosine, sine, &o->error);
    done(o, LT_OP_ROPE, begun, s, 2 * size(&x), 3 * count(&x));
}

lt_tensor lt_activate(lt_ops *o, lt_tensor x, lt_act act)
{
    const lt_tensor out = lt_new(o, o->dtype, lt_shape_of(&x));
    expect_like(o, "activate: x", &x, &out);
    expect_contiguous(o, "activate: x", &x);
    if (!live(o, &out))
        return out;
    const double begun = lt_op_begin(o->backend);
    const lt_status s = o->backend->table->activate(o->backend, out, x, act, &o->error);
    done(o, LT_OP_ACTIVATE, begun, s, 2 * size(&out), 8 * count(&out));
    return out;
}

lt_tensor lt_add(lt_ops *o, lt_tensor x, lt_tensor y)
{
    const lt_tensor out = lt_new(o, o->dtype, lt_shape_of(&x));
    lt_axpby_into(o, out, 1, x, 1, y);
    return out;
}

void lt_add_into(lt_ops *o, lt_tensor x, lt_tensor y)
{
    lt_axpby_into(o, x, 1, x, 1, y);
}

void lt_axpby_into(lt_ops *o, lt_tensor out, float alpha, lt_tensor x, float beta, lt_tensor y)
{
    expect(o, is_activation(out.dtype), "axpby: out", &out, "f32 or bf16");
    expect(o, is_activation(x.dtype), "axpby: x", &x, "f32 or bf16");
    expect_shape(o, "axpby: x", &x, lt_shape_of(&out));
    if (!lt_is_none(&y))
        y = as_broadcast(o, "axpby: y", y, &out);
    if (!live(o, &out))
        return;
    const double begun = lt_op_begin(o->backend);
    const lt_status s = o->backend->table->axpby(o->backend, out, alpha, x, beta, y, &o->error);
    done(o, LT_OP_AXPBY, begun, s, size(&out) + size(&x) + size(&y), 3 * count(&out));
}

void lt_gated_add_into(lt_ops *o, lt_tensor x, lt_tensor gate, lt_tensor y)
{
    const lt_tensor x3 = as_batches(o, "gated_add: x", &x);
    const lt_tensor y3 = as_batches(o, "gated_add: y", &y);
    expect_activation(o, "gated_add: x", &x);
    expect_like(o, "gated_add: y", &y, &x);
    expect_shape(o, "gated_add: y", &y, lt_shape_of(&x));
    expect(o, !lt_is_none(&gate), "gated_add: gate", &gate, "a tensor");
    gate = as_modulation(o, "gated_add: gate", &x3, gate);
    if (!live(o, &x))
        return;
    const double begun = lt_op_begin(o->backend);
    const lt_status s = o->backend->table->gated_add(o->backend, x3, x3, gate, y3, &o->error);
    done(o, LT_OP_GATED_ADD, begun, s, 3 * size(&x), 2 * count(&x));
}

/* ---- video ---- */

/* Length of a convolved side; 0 when the kernel does not fit. */
static int64_t convolved(int64_t length, int before, int after, int64_t kernel, int stride)
{
    const int64_t room = length + before + after - kernel;
    return room < 0 || stride < 1 ? 0 : room / stride + 1;
}

static lt_shape conv_shape(const lt_tensor *x, const lt_tensor *kernel, const lt_conv_args *a)
{
    const int rows = kernel->rank == 5 ? 3 : 2; /* the axis of the kernel's rows; columns follow */
    return lt_shape4(
        x->dim[0], convolved(x->dim[1], a->pad_top, a->pad_bottom, kernel->dim[rows], a->stride),
        convolved(x->dim[2], a->pad_left, a->pad_right, kernel->dim[rows + 1], a->stride),
        kernel->dim[0]);
}

lt_tensor lt_conv(lt_ops *o, lt_tensor x, const lt_weight *w, const lt_weight *bias,
                  const lt_conv_args *a)
{
    const lt_tensor out = lt_new(o, o->dtype, conv_shape(&x, &w->value, a));
    lt_conv_into(o, out, x, w, bias, a);
    return out;
}

void lt_conv_into(lt_ops *o, lt_tensor out, lt_tensor x, const lt_weight *w, const lt_weight *bias,
                  const lt_conv_args *a)
{
    const lt_tensor *kernel = &w->value; /* [Cout, Cin, kt, kh, kw] or [Cout, Cin, kh, kw] */
    const int64_t kt = kernel->rank == 5 ? kernel->dim[2] : 1;
    /* per output channel */
    const int64_t taps = kernel->dim[0] > 0 ? lt_numel(kernel) / kernel->dim[0] : 0;
    const lt_shape shape = conv_shape(&x, kernel, a);
    expect(o, kernel->rank == 4 || kernel->rank == 5, "conv: weight", kernel,
           "[Cout, Cin, kt, kh, kw] or [Cout, Cin, kh, kw]");
    expect(o, x.rank == 4 && x.dim[3] == kernel->dim[1], "conv: x", &x, "[T, H, W, %lld]",
           (long long)kernel->dim[1]);
    expect_like(o, "conv: x", &x, &out);
    expect_contiguous(o, "conv: x", &x);
    expect(o, a->stride == 1 || a->stride == 2, "conv: x", &x, "stride 1 or 2, not %d", a->stride);
    expect(o, a->pad_top >= 0 && a->pad_bottom >= 0 && a->pad_left >= 0 && a->pad_right >= 0,
           "conv: x", &x, "padding of 0 or more");
    expect(o, shape.dim[1] > 0 && shape.dim[2] > 0, "conv: x", &x, "a size that holds the kernel");
    expect_shape(o, "conv: out", &out, shape);
    expect_contiguous(o, "conv: out", &out);
    expect_vector(o, "conv: bias", bias, kernel->dim[0]);
    if (!lt_is_none(&a->history)) {
        expect_shape(o, "conv: history", &a->history,
                     lt_shape4(kt - 1, x.dim[1], x.dim[2], x.dim[3]));
        expect_like(o, "conv: history", &a->history, &out);
        expect_contiguous(o, "conv: history", &a->history);
    }
    if (!lt_is_none(&a->add)) {
        expect_shape(o, "conv: add", &a->add, shape);
        expect_like(o, "conv: add", &a->add, &out);
        expect_contiguous(o, "conv: add", &a->add);
    }
    if (!live(o, &out))
        return;
    const double begun = lt_op_begin(o->backend);
    const lt_status s = o->backend->table->conv(o->backend, out, x, w, bias, a, &o->error);
    done(o, LT_OP_CONV, begun, s, size(&out) + size(&x) + size(kernel),
         2 * count(&out) * (double)taps);
}

/* T' of lt_time_rule. */
static int64_t upsampled_frames(int64_t frames, lt_time_rule time)
{
    if (time == LT_TIME_KEEP || frames <= 1)
        return frames;
    return frames % 2 == 1 ? 2 * frames - 1 : 2 * frames;
}

static lt_shape upsampled_shape(const lt_tensor *x, int factor, lt_time_rule time)
{
    return lt_shape4(upsampled_frames(x->dim[0], time), factor * x->dim[1], factor * x->dim[2],
                     x->dim[3]);
}

void lt_upsample_into(lt_ops *o, lt_tensor out, lt_tensor x, int factor, lt_time_rule time)
{
    expect(o, x.rank == 4 && factor >= 1, "upsample: x", &x,
           "[T, H, W, C] and a factor of 1 or more");
    expect_like(o, "upsample: x", &x, &out);
    expect_contiguous(o, "upsample: x", &x);
    expect_shape(o, "upsample: out", &out, upsampled_shape(&x, factor, time));
    expect_contiguous(o, "upsample: out", &out);
    if (!live(o, &out))
        return;
    const double begun = lt_op_begin(o->backend);
    const lt_status s = o->backend->table->upsample(o->backend, out, x, factor, time, &o->error);
    done(o, LT_OP_UPSAMPLE, begun, s, size(&out) + size(&x), 0);
}

void lt_to_rgb8_into(lt_ops *o, lt_tensor out, lt_tensor x)
{
    expect_activation(o, "to_rgb8: x", &x);
    expect_contiguous(o, "to_rgb8: x", &x);
    expect(o, x.rank == 4 && x.dim[3] == 3, "to_rgb8: x", &x, "[T, H, W, 3]");
    expect(o, out.dtype == LT_U8, "to_rgb8: out", &out, "u8");
    expect_shape(o, "to_rgb8: out", &out, lt_shape_of(&x));
    expect_contiguous(o, "to_rgb8: out", &out);
    if (!live(o, &out))
        return;
    const double begun = lt_op_begin(o->backend);
    const lt_status s = o->backend->table->to_rgb8(o->backend, out, x, &o->error);
    done(o, LT_OP_TO_RGB8, begun, s, size(&out) + size(&x), 4 * count(&out));
}

/* ---- tokens ---- */

void lt_choose_into(lt_ops *o, lt_tensor out, lt_tensor logits, const lt_choice *choice,
                    const lt_next_numbers *next)
{
    const int64_t vocabulary = last_dim(&logits);
    const lt_tensor scratch = lt_new(o, LT_I32, lt_shape2(vocabulary, 2));
    expect(o, logits.dtype == LT_F32, "choose: logits", &logits, "f32");
    expect(o, logits.rank == 2 && (logits.dim[0] == 1 || logits.dim[0] == 2), "choose: logits",
           &logits, "[1 or 2, vocabulary]");
    expect(o, vocabulary >= 1 && vocabulary <= LT_CHOICE_MOST && choice->top_k <= vocabulary,
           "choose: logits", &logits, "%d to %d ids", choice->top_k, (int)LT_CHOICE_MOST);
    expect_contiguous(o, "choose: logits", &logits);
    expect(o, out.dtype == LT_I32, "choose: out", &out, "i32");
    expect_shape(o, "choose: out", &out, lt_shape1(1));
    if (next != NULL) {
        expect(o,
               next->numbers.dtype == LT_I32 && next->numbers.rank == 1 &&
                   next->numbers.dim[0] <= LT_NEXT_NUMBERS,
               "choose: next", &next->numbers, "i32 [%d or fewer]", (int)LT_NEXT_NUMBERS);
        expect_contiguous(o, "choose: next", &next->numbers);
    }
    if (!live(o, &out))
        return;
    const double begun = lt_op_begin(o->backend);
    const lt_status s =
        o->backend->table->choose(o->backend, out, logits, scratch, choice, next, &o->error);
    done(o, LT_OP_CHOOSE, begun, s, size(&logits), 0);
}

/* ---- moving and making ---- */

lt_tensor lt_cast(lt_ops *o, lt_tensor x, lt_dtype dtype)
{
    const lt_tensor out = lt_new(o, dtype, lt_shape_of(&x));
    lt_copy_into(o, out, x);
    return out;
}

void lt_copy_into(lt_ops *o, lt_tensor out, lt_tensor x)
{
    const bool castable =
        out.dtype == x.dtype || (lt_dtype_is_float(out.dtype) && lt_dtype_is_float(x.dtype));
    expect_shape(o, "copy: out", &out, lt_shape_of(&x));
    expect(o, castable, "copy: out", &out, "%s, or floats on both sides", lt_dtype_name(x.dtype));
    if (!live(o, &out))
        return;
    const double begun = lt_op_begin(o->backend);
    const lt_status s = o->backend->table->copy(o->backend, out, x, &o->error);
    done(o, LT_OP_COPY, begun, s, size(&out) + size(&x), 0);
}

void lt_fill_into(lt_ops *o, lt_tensor out, float value)
{
    expect(o, lt_dtype_is_float(out.dtype), "fill: out", &out, "floats");
    if (!live(o, &out))
        return;
    const double begun = lt_op_begin(o->backend);
    const lt_status s = o->backend->table->fill(o->backend, out, value, &o->error);
    done(o, LT_OP_FILL, begun, s, size(&out), 0);
}

void lt_normal_into(lt_ops *o, lt_tensor out, lt_draw draw, uint64_t first)
{
    expect(o, out.dtype == LT_F32, "normal: out", &out, "f32");
    expect_contiguous(o, "normal: out", &out);
    if (!live(o, &out))
        return;
    const double begun = lt_op_begin(o->backend);
    const lt_status s = o->backend->table->normal(o->backend, out, draw, first, &o->error);
    done(o, LT_OP_NORMAL, begun, s, size(&out), 0);
}
