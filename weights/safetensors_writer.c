/* safetensors_writer.c - writing a safetensors file tensor by tensor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/core/file_error.h"
#include "kernels/core/json.h"
#include "kernels/core/output_file.h"
#include "weights/weights.h"

enum { PIECE_BYTES = 1 << 20 };

typedef struct {
    char *name;
    lt_dtype dtype;
    lt_shape shape;
    const void *data; /* or NULL: asked from `source` */
    lt_tensor_source source;
    void *user;
} written_tensor;

struct lt_writer {
    char *path;
    lt_json *metadata;
    written_tensor *list;
    int count;
    int capacity;
    bool no_memory;
};

lt_status lt_writer_open(const char *path, lt_writer **out, lt_error *err)
{
    *out = NULL;
    lt_writer *const w = calloc(1, sizeof *w);
    if (!w)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to write it", path);
    w->metadata = lt_json_new_object();
    w->path = strdup(path);
    if (!w->path || !w->metadata) {
        lt_writer_abandon(w);
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to write it", path);
    }
    *out = w;
    return LT_OK;
}

void lt_writer_abandon(lt_writer *w)
{
    if (!w)
        return;
    for (int i = 0; i < w->count; i++)
        free(w->list[i].name);
    free(w->list);
    lt_json_free(w->metadata);
    free(w->path);
    free(w);
}

void lt_writer_metadata(lt_writer *w, const char *key, const char *value)
{
    lt_json_set(w->metadata, key, lt_json_new_string(value));
}

static void add(lt_writer *w, const char *name, written_tensor t)
{
    if (w->count == w->capacity) {
        const int capacity = w->capacity ? 2 * w->capacity : 64;
        written_tensor *const grown = realloc(w->list, (size_t)capacity * sizeof *grown);
        w->no_memory |= !grown;
        if (!grown)
            return;
        w->list = grown;
        w->capacity = capacity;
    }
    t.name = strdup(name);
    w->no_memory |= !t.name;
    if (t.name)
        w->list[w->count++] = t;
}

void lt_writer_add(lt_writer *w, const char *name, lt_dtype dtype, lt_shape shape, const void *data)
{
    add(w, name, (written_tensor){.dtype = dtype, .shape = shape, .data = data});
}

void lt_writer_add_source(lt_writer *w, const char *name, lt_dtype dtype, lt_shape shape,
                          lt_tensor_source source, void *user)
{
    add(w, name, (written_tensor){.dtype = dtype, .shape = shape, .source = source, .user = user});
}

static const char *file_dtype(lt_dtype dtype)
{
    switch (dtype) {
    case LT_F32:
        return "F32";
    case LT_BF16:
        return "BF16";
    case LT_F16:
        return "F16";
    case LT_F64:
        return "F64";
    case LT_I8:
        return "I8";
    case LT_U8:
        return "U8";
    case LT_U16:
        return "U16";
    case LT_I32:
        return "I32";
    case LT_I64:
        return "I64";
    case LT_Q8: /* stored as i8 and u8, with their scales beside them */
    case LT_Q4:
    case LT_NO_DTYPE:
        break;
    }
    return NULL;
}

static size_t bytes_of(const written_tensor *t)
{
    size_t bytes = lt_dtype_bytes(t->dtype);
    for (int i = 0; i < t->shape.rank; i++)
        bytes *= (size_t)t->shape.dim[i];
    return bytes;
}

/* Widest dtype first, so that every tensor is aligned to its own width. */
static int by_width_then_name(const void *left, const void *right)
{
    const written_tensor *const a = left;
    const written_tensor *const b = right;
    const size_t wide_a = lt_dtype_bytes(a->dtype);
    const size_t wide_b = lt_dtype_bytes(b->dtype);
    return wide_a != wide_b ? (wide_a > wide_b ? -1 : 1) : strcmp(a->name, b->name);
}

static lt_json *describe(const written_tensor *t, size_t begin)
{
    lt_json *const shape = lt_json_new_array();
    for (int i = 0; i < t->shape.rank; i++)
        lt_json_append(shape, lt_json_new_int(t->shape.dim[i]));
    lt_json *const offsets = lt_json_new_array();
    lt_json_append(offsets, lt_json_new_int((int64_t)begin));
    lt_json_append(offsets, lt_json_new_int((int64_t)(begin + bytes_of(t))));
    lt_json *const info = lt_json_new_object();
    lt_json_set(info, "dtype", lt_json_new_string(file_dtype(t->dtype)));
    lt_json_set(info, "shape", shape);
    lt_json_set(info, "data_offsets", offsets);
    return info;
}

/* The JSON of the header, free() it. NULL when memory is out. */
static char *header_text(lt_writer *w)
{
    lt_json *const header = lt_json_new_object();
    if (lt_json_count(w->metadata) > 0) {
        lt_json_set(header, "__metadata__", w->metadata);
        w->metadata = NULL;
    }
    size_t at = 0;
    for (int i = 0; i < w->count; i++) {
        lt_json_set(header, w->list[i].name, describe(&w->list[i], at));
        at += bytes_of(&w->list[i]);
    }
    char *const text = lt_json_text(header);
    lt_json_free(header);
    return text;
}

static lt_status put(FILE *file, const char *path, const void *data, size_t bytes, lt_error *err)
{
    if (bytes > 0 && fwrite(data, 1, bytes, file) != bytes)
        return lt_fail_to_write(path, err);
    return LT_OK;
}

static lt_status put_header(lt_writer *w, FILE *file, lt_error *err)
{
    char *const text = header_text(w);
    if (!text)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for its header", w->path);
    const size_t length = strlen(text);
    const size_t padded = (length + 7) / 8 * 8; /* tensors begin at a multiple of 8 */
    uint8_t prefix[8];
    for (int i = 0; i < 8; i++)
        prefix[i] = (uint8_t)(padded >> (8 * i));
    lt_status s = put(file, w->path, prefix, sizeof prefix, err);
    if (s == LT_OK)
        s = put(file, w->path, text, length, err);
    if (s == LT_OK)
        s = put(file, w->path, "       ", padded - length, err);
    free(text);
    return s;
}

static lt_status put_from_source(lt_writer *w, FILE *file, const written_tensor *t, void *piece,
                                 lt_error *err)
{
    const size_t width = lt_dtype_bytes(t->dtype);
    const int64_t total = (int64_t)(bytes_of(t) / width);
    const int64_t most = (int64_t)(PIECE_BYTES / width);
    for (int64_t first = 0; first < total; first += most) {
        const int64_t count = total - first < most ? total - first : most;
        LT_TRY(t->source(t->user, first, count, piece, err));
        LT_TRY(put(file, w->path, piece, (size_t)count * width, err));
    }
    return LT_OK;
}

static lt_status put_tensors(lt_writer *w, FILE *file, void *piece, lt_error *err)
{
    for (int i = 0; i < w->count; i++) {
        const written_tensor *const t = &w->list[i];
        LT_TRY(t->source ? put_from_source(w, file, t, piece, err)
                         : put(file, w->path, t->data, bytes_of(t), err));
    }
    return LT_OK;
}

static lt_status check_list(const lt_writer *w, lt_error *err)
{
    if (w->no_memory)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for a list of %d tensors", w->path,
                       w->count);
    for (int i = 1; i < w->count; i++)
        if (strcmp(w->list[i - 1].name, w->list[i].name) == 0)
            return lt_fail(err, LT_ERR_FAILED, "%s: tensor '%s': given twice", w->path,
                           w->list[i].name);
    return LT_OK;
}

static lt_status write_stream(lt_writer *w, FILE *file, lt_error *err)
{
    void *const piece = malloc(PIECE_BYTES);
    lt_status s =
        piece ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to write it", w->path);
    if (s == LT_OK)
        s = put_header(w, file, err);
    if (s == LT_OK)
        s = put_tensors(w, file, piece, err);
    free(piece);
    if (s == LT_OK && fflush(file) != 0)
        s = lt_fail_to_write(w->path, err);
    return s;
}

static lt_status write_file(lt_writer *w, lt_error *err)
{
    lt_output o;
    LT_TRY(lt_output_open(&o, w->path, err));
    const lt_status s = write_stream(w, o.file, err);
    if (s == LT_OK)
        return lt_output_publish(&o, err);
    lt_output_abandon(&o);
    return s;
}

static lt_status settle_list(lt_writer *w, lt_error *err)
{
    if (w->count > 0)
        qsort(w->list, (size_t)w->count, sizeof *w->list, by_width_then_name);
    return check_list(w, err);
}

lt_status lt_writer_close(lt_writer *w, lt_error *err)
{
    lt_status s = settle_list(w, err);
    if (s == LT_OK)
        s = write_file(w, err);
    lt_writer_abandon(w);
    return s;
}

lt_status lt_writer_close_to(lt_writer *w, FILE *stream, lt_error *err)
{
    lt_status s = settle_list(w, err);
    if (s == LT_OK)
        s = write_stream(w, stream, err);
    lt_writer_abandon(w);
    return s;
}
