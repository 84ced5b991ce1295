/* op_check.c - operands between guard bytes, and the comparison. */
#include "op_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD_BYTES = 256, GUARD = 0xff };

static void fail(op_check *t, const char *what, const char *message)
{
    if (t->failures++ < 3)
        printf("FAILED %s: %s%s\n", t->place, what, message);
}

double op_roundoff(lt_dtype dtype)
{
    return dtype == LT_BF16 ? 0x1p-8 : 0x1p-24;
}

static float draw_f32(op_check *t, double low, double high)
{
    const lt_philox4 counter = {{t->drawn++, 0, 0, 0}};
    return (float)(low + (high - low) * (double)lt_philox(counter, 17).word[0] * 0x1p-32);
}

/* A number that every dtype of activations holds. */
static double draw(op_check *t, double low, double high)
{
    return (double)lt_bf16_to_f32(lt_f32_to_bf16(draw_f32(t, low, high)));
}

/* Where packed element `index` of `t` lies, in elements. */
static int64_t place_of(const lt_tensor *t, int64_t index)
{
    int64_t at = 0;
    if (lt_is_contiguous(t))
        return index;
    for (int i = t->rank - 1; i >= 0; i--) {
        at += index % t->dim[i] * t->stride[i];
        index /= t->dim[i];
    }
    return at;
}

/* A view of `shape` that begins GUARD_BYTES into memory that is not there yet. */
static lt_tensor lay_out(lt_dtype dtype, lt_shape shape, op_layout layout, int64_t *elements)
{
    lt_shape memory = shape;
    if (layout == OP_PADDED)
        memory.dim[memory.rank - 1] += 3;
    if (layout == OP_HEADS) {
        memory.dim[1] = shape.dim[2];
        memory.dim[2] = shape.dim[1];
    }
    lt_tensor t = lt_view(NULL, dtype, memory);
    *elements = lt_numel(&t);
    if (layout == OP_PADDED)
        t = lt_slice(t, t.rank - 1, 0, shape.dim[shape.rank - 1]);
    if (layout == OP_HEADS)
        t = lt_permute(t, (const int[]){0, 2, 1, 3});
    return t;
}

/* Memory for a view, with `host` standing for it while it is filled. */
static op_operand *new_operand(op_check *t, lt_dtype dtype, lt_shape shape, op_layout layout)
{
    op_operand *x = &t->operand[t->operands++];
    int64_t elements;
    x->view = lay_out(dtype, shape, layout, &elements);
    const size_t bytes = (size_t)elements * lt_dtype_bytes(dtype) + 2 * GUARD_BYTES;
    x->before = malloc(bytes);
    x->value = calloc((size_t)lt_numel(&x->view), sizeof *x->value);
    void *device = NULL;
    if (x->before == NULL || x->value == NULL ||
        t->backend->table->alloc(t->backend, bytes, &device, &t->error) != LT_OK) {
        printf("%s: no memory for an operand\n", t->place);
        exit(1);
    }
    memset(x->before, GUARD, bytes);
    x->buffer = lt_view(device, LT_U8, lt_shape1((int64_t)bytes));
    x->view.data = (char *)device + GUARD_BYTES;
    return x;
}

static void send(op_check *t, op_operand *x)
{
    for (int64_t i = 0; i < lt_numel(&x->view); i++)
        if (!x->written)
            lt_store_element(x->before + GUARD_BYTES, x->view.dtype, place_of(&x->view, i),
                             x->value[i]);
    const lt_backend_table *table = t->backend->table;
    op_done(t, table->upload(t->backend, x->buffer.data, x->before, lt_tensor_bytes(&x->buffer),
                             &t->error));
}

op_operand *op_input(op_check *t, lt_dtype dtype, lt_shape shape, op_layout layout, double low,
                     double high)
{
    op_operand *x = new_operand(t, dtype, shape, layout);
    for (int64_t i = 0; i < lt_numel(&x->view); i++)
        x->value[i] = draw(t, low, high);
    send(t, x);
    return x;
}

op_operand *op_output(op_check *t, lt_dtype dtype, lt_shape shape, op_layout layout)
{
    op_operand *x = new_operand(t, dtype, shape, layout);
    x->written = true;
    send(t, x);
    return x;
}

op_operand *op_ints(op_check *t, int64_t count, int64_t low, int64_t high)
{
    op_operand *x = new_operand(t, LT_I32, lt_shape1(count), OP_PACKED);
    for (int64_t i = 0; i < count; i++)
        x->value[i] = fmin(floor(draw(t, (double)low, (double)high + 1)), (double)high);
    send(t, x);
    return x;
}

op_operand *op_given_floats(op_check *t, lt_shape shape, const float *values)
{
    op_operand *x = new_operand(t, LT_F32, shape, OP_PACKED);
    for (int64_t i = 0; i < lt_numel(&x->view); i++)
        x->value[i] = (double)values[i];
    send(t, x);
    x->written = true;
    return x;
}

op_operand *op_given_ints(op_check *t, int64_t count, const int32_t *values)
{
    op_operand *x = new_operand(t, LT_I32, lt_shape1(count), OP_PACKED);
    for (int64_t i = 0; i < count; i++)
        x->value[i] = values[i];
    send(t, x);
    return x;
}

const lt_weight *op_weight(op_check *t, lt_role role, lt_dtype stored, lt_shape shape, double low,
                           double high, const double **values)
{
    op_parameter *w = &t->parameter[t->parameters++];
    w->weight =
        (lt_weight){.value = lt_view(NULL, stored, shape), .scale = lt_none(), .role = role};
    if (role == LT_ROLE_MATRIX && t->backend->rounds_to == LT_ROUND_INT8)
        w->weight.rounding = LT_ROUND_INT8;
    const int64_t count = lt_numel(&w->weight.value);
    const int64_t per_row = count / shape.dim[0];
    w->stored = malloc(lt_tensor_bytes(&w->weight.value));
    w->value = calloc((size_t)count, sizeof *w->value);
    const bool blocks = lt_is_blocks(&w->weight);
    const int64_t per_scale = blocks ? LT_BLOCK : per_row;
    w->scale = calloc((size_t)(count / per_scale), sizeof *w->scale);
    if (w->stored == NULL || w->value == NULL || w->scale == NULL) {
        printf("%s: no memory for a weight\n", t->place);
        exit(1);
    }
    for (int64_t i = 0; i < count / per_scale; i++)
        w->scale[i] = (float)ldexp((high - low) / 2, (stored == LT_Q4 ? -3 : -7) - (int)(i % 3));
    for (int64_t i = 0; i < count; i++) {
        const double scale = stored == LT_I8 || blocks ? (double)w->scale[i / per_scale] : 1;
        const double value =
            role == LT_ROLE_HEAD ? (double)draw_f32(t, low, high) : draw(t, low, high);
        lt_store_element(w->stored, stored, i, value / scale);
        w->value[i] = lt_load_element(w->stored, stored, i) * scale;
    }
    w->weight.value.data = w->stored;
    if (stored == LT_I8)
        w->weight.scale = lt_view(w->scale, LT_F32, lt_shape1(shape.dim[0]));
    if (blocks) { /* as f16, in the same memory */
        for (int64_t i = 0; i < count / per_scale; i++)
            lt_store_element(w->scale, LT_F16, i, (double)w->scale[i]);
        w->weight.scale = lt_view(w->scale, LT_F16, lt_shape2(shape.dim[0], per_row / LT_BLOCK));
    }
    const lt_status s = t->backend->table->prepare(t->backend, &w->weight, &t->error);
    w->prepared = s == LT_OK;
    op_done(t, s);
    *values = w->value;
    return &w->weight;
}

void op_done(op_check *t, lt_status s)
{
    if (s != LT_OK)
        fail(t, "failed: ", t->error.message);
    t->error = (lt_error){0};
}

static void trace(op_check *t, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) /* FNV-1a */
        t->trace = (t->trace ^ bytes[i]) * 0x100000001b3u;
}

/* Everything but the elements of an output must be as it was. */
static void check_guards(op_check *t, const op_operand *x, unsigned char *after)
{
    const size_t element = lt_dtype_bytes(x->view.dtype);
    for (int64_t i = 0; x->written && i < lt_numel(&x->view); i++) {
        const size_t at = GUARD_BYTES + (size_t)place_of(&x->view, i) * element;
        memcpy(after + at, x->before + at, element);
    }
    const size_t bytes = lt_tensor_bytes(&x->buffer);
    for (size_t i = 0; i < bytes; i++)
        if (after[i] != x->before[i]) {
            char message[96];
            (void)snprintf(message, sizeof message, "byte %zu of %zu of operand %d", i, bytes,
                           (int)(x - t->operand));
            fail(t, "wrote outside its output: ", message);
            return;
        }
}

static void compare_element(op_check *t, const op_operand *out, int64_t i, double got, double want,
                            double bound)
{
    const double distance = fabs(got - want);
    if (distance <= bound) { /* false for NaN */
        if (bound > 0)
            t->worst = fmax(t->worst, distance / bound);
        return;
    }
    char text[96];
    char message[256];
    (void)snprintf(message, sizeof message, "element %lld of %s: got %.9g, want %.9g, bound %.3g",
                   (long long)i, lt_shape_text(lt_shape_of(&out->view), text, sizeof text), got,
                   want, bound);
    fail(t, "", message);
}

void op_compare(op_check *t, op_operand *out, const double *want, const double *bound)
{
    const lt_backend_table *table = t->backend->table;
    for (int k = 0; k < t->operands; k++) {
        op_operand *x = &t->operand[k];
        const size_t bytes = lt_tensor_bytes(&x->buffer);
        unsigned char *after = malloc(bytes);
        lt_status s = LT_ERR_RESOURCES;
        if (after != NULL)
            s = table->download(t->backend, after, x->buffer.data, bytes, &t->error);
        if (s == LT_OK)
            s = table->wait(t->backend, &t->error);
        op_done(t, s);
        if (s == LT_OK && x == out) {
            trace(t, after, bytes);
            for (int64_t i = 0; i < lt_numel(&out->view); i++) {
                const double got =
                    lt_load_element(after + GUARD_BYTES, out->view.dtype, place_of(&out->view, i));
                compare_element(t, out, i, got, want[i], bound == NULL ? 0 : bound[i]);
            }
        }
        if (s == LT_OK)
            check_guards(t, x, after);
        free(after);
    }
}

static void name_case(op_check *t, const char *label, const op_case *c)
{
    size_t used = (size_t)snprintf(t->place, sizeof t->place, "%s %s", label, c->op);
    const char *key = c->keys;
    for (int i = 0; *key != '\0' && used < sizeof t->place; i++) {
        const size_t length = strcspn(key, " ");
        used += (size_t)snprintf(t->place + used, sizeof t->place - used, " %.*s=%lld", (int)length,
                                 key, (long long)c->p[i]);
        key += length + strspn(key + length, " ");
    }
}

static void release_all(op_check *t)
{
    const lt_backend_table *table = t->backend->table;
    for (int i = 0; i < t->parameters; i++) {
        if (t->parameter[i].prepared)
            table->unprepare(t->backend, &t->parameter[i].weight);
        free(t->parameter[i].stored);
        free(t->parameter[i].scale);
        free(t->parameter[i].value);
    }
    for (int i = 0; i < t->operands; i++) {
        table->release(t->backend, t->operand[i].buffer.data);
        free(t->operand[i].before);
        free(t->operand[i].value);
    }
}

void op_run_case(op_check *t, lt_backend *backend, lt_dtype dtype, const char *label,
                 const op_case *c)
{
    *t = (op_check){.backend = backend, .dtype = dtype, .trace = 0xcbf29ce484222325u};
    name_case(t, label, c);
    c->check(t, c->p);
    release_all(t);
}
