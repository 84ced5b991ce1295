/* forward_pass.c - the life of an lt_ops: measure, run, repeat, tensors of the
 * arena, host copies, buffers. */
#include <stdarg.h>
#include <stdio.h>

#include "kernels/op_profile.h"
#include "kernels/ops.h"

void lt_ops_open(lt_ops *o, lt_backend *backend)
{
    *o = (lt_ops){.backend = backend, .dtype = backend->activation};
}

void lt_ops_close(lt_ops *o)
{
    if (o->block != NULL)
        o->backend->table->release(o->backend, o->block);
    *o = (lt_ops){0};
}

/* A pass may return its own status or only leave one in `o`. */
static lt_status settle(lt_ops *o, lt_status returned)
{
    if (o->error.code == LT_OK && returned != LT_OK)
        (void)lt_fail(&o->error, returned, "forward pass: failed with code %d and no message",
                      (int)returned);
    return o->error.code;
}

lt_status lt_ops_measure(lt_ops *o, lt_pass pass, void *user, size_t *peak)
{
    const lt_arena real = o->arena;
    o->error = (lt_error){0};
    o->measuring = true;
    lt_arena_measure(&o->arena);
    const lt_status s = settle(o, pass(o, user));
    *peak = o->arena.peak;
    o->arena = real;
    o->measuring = false;
    return s;
}

static lt_status grow(lt_ops *o, size_t bytes)
{
    const lt_backend_table *table = o->backend->table;
    if (o->block != NULL && bytes <= o->arena.capacity)
        return LT_OK;
    if (o->block != NULL)
        table->release(o->backend, o->block);
    o->block = NULL;
    lt_arena_use(&o->arena, NULL, 0);
    if (bytes < LT_ARENA_ALIGN)
        bytes = LT_ARENA_ALIGN;
    LT_TRY(table->alloc(o->backend, bytes, &o->block, &o->error));
    lt_arena_use(&o->arena, o->block, bytes);
    return LT_OK;
}

/* A pass that has been measured, and whose arena is there. */
typedef struct {
    lt_ops *ops;
    lt_pass pass;
    void *user;
} ready_pass;

static lt_status run_ready(void *ready, lt_error *err)
{
    const ready_pass *p = ready;
    lt_ops *o = p->ops;
    lt_arena_use(&o->arena, o->block, o->arena.capacity);
    const lt_status s = settle(o, p->pass(o, p->user));
    return s == LT_OK ? LT_OK : lt_fail(err, s, "%s", o->error.message);
}

static lt_status make_ready(lt_ops *o, lt_pass pass, void *user, lt_error *err)
{
    size_t peak;
    lt_status s = lt_ops_measure(o, pass, user, &peak);
    if (s == LT_OK)
        s = grow(o, peak);
    return s == LT_OK ? LT_OK : lt_fail(err, s, "%s", o->error.message);
}

lt_status lt_ops_run(lt_ops *o, lt_pass pass, void *user, lt_error *err)
{
    LT_TRY(make_ready(o, pass, user, err));
    return run_ready(&(ready_pass){o, pass, user}, err);
}

bool lt_ops_records(const lt_ops *o)
{
    return o->backend->table->record != NULL && o->backend->profile == NULL;
}

void lt_ops_forget(lt_ops *o, lt_repeated *r)
{
    if (r->recording != NULL)
        o->backend->table->forget(o->backend, r->recording);
    *r = (lt_repeated){0};
}

/* What was recorded is done, if all memory is still where it was. */
static lt_status replay(lt_ops *o, const lt_repeated *r, bool *done, lt_error *err)
{
    *done = false;
    if (r->recording == NULL || r->block != o->block)
        return LT_OK;
    return o->backend->table->replay(o->backend, r->recording, done, err);
}

static void note_run(const lt_ops *o, lt_repeated *r)
{
    r->ran = true;
    r->times_let_go = o->backend->times_let_go;
}

static lt_status record(lt_ops *o, lt_repeated *r, lt_pass pass, void *user, lt_error *err)
{
    lt_ops_forget(o, r);
    LT_TRY(make_ready(o, pass, user, err));
    LT_TRY(o->backend->table->record(o->backend, run_ready, &(ready_pass){o, pass, user},
                                     &r->recording, err));
    r->block = o->block;
    note_run(o, r);
    return LT_OK;
}

/* No memory is taken while a pass is recorded, so a run before it takes what the backend needs:
 * again after the backend gave that back. */
static lt_status repeat(lt_ops *o, lt_repeated *r, lt_pass pass, void *user, lt_error *err)
{
    if (r->times_let_go != o->backend->times_let_go)
        lt_ops_forget(o, r);
    if (!r->ran || !lt_ops_records(o)) {
        LT_TRY(lt_ops_run(o, pass, user, err));
        note_run(o, r);
        return LT_OK;
    }
    bool done;
    LT_TRY(replay(o, r, &done, err));
    if (done)
        return LT_OK;
    LT_TRY(record(o, r, pass, user, err));
    LT_TRY(replay(o, r, &done, err));
    return done ? LT_OK
                : lt_fail(err, LT_ERR_FAILED, "forward pass: memory moved while it was recorded");
}

lt_status lt_ops_repeat(lt_ops *o, lt_repeated *r, lt_pass pass, void *user, lt_error *err)
{
    o->repeating = true;
    const lt_status s = repeat(o, r, pass, user, err);
    o->repeating = false;
    return s;
}

lt_status lt_ops_status(const lt_ops *o)
{
    return o->error.code;
}

lt_status lt_ops_fail(lt_ops *o, lt_status code, const char *format, ...)
{
    char message[LT_ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return lt_fail(&o->error, code, "%s", message);
}

/* False when the size does not fit an int64_t, or a dimension is negative. */
static bool packed_bytes(lt_dtype dtype, lt_shape shape, size_t *bytes)
{
    int64_t total = (int64_t)lt_dtype_bytes(dtype);
    for (int i = 0; i < shape.rank; i++)
        if (shape.dim[i] < 0 || __builtin_mul_overflow(total, shape.dim[i], &total))
            return false;
    *bytes = (size_t)total;
    return true;
}

static lt_status no_such_size(lt_error *err, lt_dtype dtype, lt_shape shape)
{
    char text[128];
    return lt_fail(err, LT_ERR_FAILED, "new tensor: %s %s has no size in memory",
                   lt_dtype_name(dtype), lt_shape_text(shape, text, sizeof text));
}

lt_status lt_buffer_open(lt_backend *b, lt_dtype dtype, lt_shape shape, lt_tensor *out,
                         lt_error *err)
{
    *out = lt_none();
    size_t bytes;
    void *data;
    if (!packed_bytes(dtype, shape, &bytes))
        return no_such_size(err, dtype, shape);
    LT_TRY(b->table->alloc(b, bytes, &data, err));
    *out = lt_view(data, dtype, shape);
    return LT_OK;
}

void lt_buffer_close(lt_backend *b, lt_tensor *t)
{
    if (!lt_is_none(t) && t->data != NULL)
        b->table->release(b, t->data);
    *t = lt_none();
}

lt_tensor lt_new(lt_ops *o, lt_dtype dtype, lt_shape shape)
{
    size_t bytes;
    void *data = NULL;
    if (!packed_bytes(dtype, shape, &bytes)) {
        (void)no_such_size(&o->error, dtype, shape);
        const lt_shape nothing = {.rank = shape.rank};
        return lt_view(NULL, dtype, nothing);
    }
    if (o->error.code == LT_OK && !lt_arena_take(&o->arena, bytes, &data)) {
        char text[128];
        (void)lt_fail(&o->error, LT_ERR_FAILED,
                      "new tensor: %s %s needs %zu bytes, the arena has %zu of %zu left",
                      lt_dtype_name(dtype), lt_shape_text(shape, text, sizeof text), bytes,
                      o->arena.capacity - o->arena.used, o->arena.capacity);
    }
    return lt_view(data, dtype, shape);
}

lt_mark lt_ops_mark(const lt_ops *o)
{
    return lt_arena_mark(&o->arena);
}

void lt_ops_rewind(lt_ops *o, lt_mark mark)
{
    lt_arena_rewind(&o->arena, mark);
}

lt_tensor lt_from_host(lt_ops *o, const void *host, lt_dtype dtype, lt_shape shape)
{
    const lt_tensor device = lt_new(o, dtype, shape);
    lt_upload(o, device, host);
    return device;
}

/* True when memory is to be moved; a tensor that is not packed fails, and a pass that may not. */
static bool may_move(lt_ops *o, const char *place, const lt_tensor *device)
{
    if (o->error.code == LT_OK && o->repeating)
        (void)lt_fail(&o->error, LT_ERR_FAILED,
                      "%s: in a pass that is repeated, which would move the same bytes every time",
                      place);
    if (o->error.code == LT_OK && !lt_is_contiguous(device)) {
        char text[128];
        (void)lt_fail(&o->error, LT_ERR_FAILED, "%s: %s %s is not contiguous", place,
                      lt_dtype_name(device->dtype),
                      lt_shape_text(lt_shape_of(device), text, sizeof text));
    }
    return o->error.code == LT_OK && !o->measuring && lt_numel(device) > 0;
}

void lt_upload(lt_ops *o, lt_tensor device, const void *host)
{
    if (!may_move(o, "upload", &device))
        return;
    const size_t bytes = lt_tensor_bytes(&device);
    const double begun = lt_op_begin(o->backend);
    (void)settle(o, o->backend->table->upload(o->backend, device.data, host, bytes, &o->error));
    lt_op_end(o->backend, LT_OP_UPLOAD, begun, (double)bytes, 0);
}

void lt_download(lt_ops *o, void *host, lt_tensor device)
{
    if (!may_move(o, "download", &device))
        return;
    const lt_backend_table *table = o->backend->table;
    const size_t bytes = lt_tensor_bytes(&device);
    const double begun = lt_op_begin(o->backend);
    lt_status s = table->download(o->backend, host, device.data, bytes, &o->error);
    if (s == LT_OK)
        s = table->wait(o->backend, &o->error);
    (void)settle(o, s);
    lt_op_end(o->backend, LT_OP_DOWNLOAD, begun, (double)bytes, 0);
}
