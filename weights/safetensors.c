/* safetensors.c - reading one file. */
#include "weights/safetensors.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name;
    int bits;       /* of an element */
    lt_dtype dtype; /* LT_NO_DTYPE: the format is known, we have no use for it */
} file_dtype;

static const file_dtype file_dtypes[] = {
    {"F32", 32, LT_F32},
    {"BF16", 16, LT_BF16},
    {"F16", 16, LT_F16},
    {"F64", 64, LT_F64},
    {"I8", 8, LT_I8},
    {"U8", 8, LT_U8},
    {"BOOL", 8, LT_U8},
    {"U16", 16, LT_U16},
    {"I32", 32, LT_I32},
    {"I64", 64, LT_I64},
    {"I16", 16, LT_NO_DTYPE},
    {"U32", 32, LT_NO_DTYPE},
    {"U64", 64, LT_NO_DTYPE},
    {"C64", 64, LT_NO_DTYPE},
    {"F8_E5M2", 8, LT_NO_DTYPE},
    {"F8_E4M3", 8, LT_NO_DTYPE},
    {"F8_E8M0", 8, LT_NO_DTYPE},
    {"F8_E4M3FNUZ", 8, LT_NO_DTYPE},
    {"F4", 4, LT_NO_DTYPE},
    {"F6_E2M3", 6, LT_NO_DTYPE},
    {"F8_E5M2FNUZ", 8, LT_NO_DTYPE},
    {"F6_E3M2", 6, LT_NO_DTYPE},
};

/* Where a tensor lies in the data part. */
typedef struct {
    uint64_t begin;
    uint64_t end;
    const char *name;
} span;

typedef struct {
    const char *path;
    uint8_t *data; /* after the header */
    uint64_t data_bytes;
    span *spans;
    lt_weights *table;
} reader;

static lt_status refuse(const reader *r, const char *tensor, const char *rule, lt_error *err)
{
    return lt_fail(err, LT_ERR_INPUT, "%s: tensor '%s': %s", r->path, tensor, rule);
}

static lt_status read_offsets(const reader *r, const char *name, const lt_json *info, span *out,
                              lt_error *err)
{
    const lt_json *const offsets = lt_json_get(info, "data_offsets");
    if (lt_json_kind_of(offsets) != LT_JSON_ARRAY || lt_json_count(offsets) != 2)
        return refuse(r, name, "data_offsets is not a pair of numbers", err);
    uint64_t value[2];
    for (size_t i = 0; i < 2; i++) {
        const lt_json *const n = lt_json_at(offsets, i);
        if (lt_json_kind_of(n) != LT_JSON_INT || lt_json_int(n) < 0)
            return refuse(r, name, "data_offsets is not a pair of whole numbers >= 0", err);
        value[i] = (uint64_t)lt_json_int(n);
    }
    if (value[0] > value[1])
        return refuse(r, name, "its data ends before it begins", err);
    if (value[1] > r->data_bytes)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: tensor '%s': its data ends at byte %llu, the file has %llu", r->path,
                       name, (unsigned long long)value[1], (unsigned long long)r->data_bytes);
    *out = (span){.begin = value[0], .end = value[1], .name = name};
    return LT_OK;
}

/* Sizes as they stand in the file, which may have more dimensions than an
 * lt_shape, and their product. */
typedef struct {
    size_t rank;
    int64_t dim[LT_MAX_FILE_RANK];
    uint64_t elements;
} file_shape;

static lt_status read_shape(const reader *r, const char *name, const lt_json *info, file_shape *out,
                            lt_error *err)
{
    const lt_json *const list = lt_json_get(info, "shape");
    if (lt_json_kind_of(list) != LT_JSON_ARRAY || lt_json_count(list) > LT_MAX_FILE_RANK)
        return refuse(r, name, "shape is not a list of at most 8 sizes", err);
    *out = (file_shape){.rank = lt_json_count(list), .elements = 1};
    int64_t step = 1; /* between the last two places of a dimension, which counts even where another
                         is empty */
    for (size_t i = 0; i < out->rank; i++) {
        const lt_json *const n = lt_json_at(list, i);
        if (lt_json_kind_of(n) != LT_JSON_INT || lt_json_int(n) < 0)
            return refuse(r, name, "shape is not made of whole numbers >= 0", err);
        out->dim[i] = lt_json_int(n);
        if (__builtin_mul_overflow(step, out->dim[i] > 0 ? out->dim[i] : 1, &step) ||
            __builtin_mul_overflow(out->elements, (uint64_t)out->dim[i], &out->elements))
            return refuse(r, name, "the product of its shape overflows", err);
    }
    return LT_OK;
}

static lt_status check_size(const reader *r, span at, const file_shape *shape, int bits,
                            lt_error *err)
{
    uint64_t total;
    if (__builtin_mul_overflow(shape->elements, (uint64_t)bits, &total))
        return refuse(r, at.name, "its size in bits overflows", err);
    if (total % 8 != 0)
        return refuse(r, at.name, "its size is not a whole number of bytes", err);
    if (total / 8 != at.end - at.begin)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: tensor '%s': its shape needs %llu bytes, data_offsets give %llu",
                       r->path, at.name, (unsigned long long)(total / 8),
                       (unsigned long long)(at.end - at.begin));
    return LT_OK;
}

static lt_tensor view_of(void *data, lt_dtype dtype, const file_shape *shape)
{
    lt_shape s = {.rank = (int)shape->rank};
    for (size_t i = 0; i < shape->rank; i++)
        s.dim[i] = shape->dim[i];
    if (s.rank == 0)
        s = lt_shape1(1); /* a scalar */
    return lt_view(data, dtype, s);
}

static lt_status read_tensor(reader *r, const char *name, const lt_json *info, lt_error *err)
{
    LT_TRY(lt_table_check_name(r->path, name, err));
    const lt_json *const dtype = lt_json_get(info, "dtype");
    if (lt_json_kind_of(dtype) != LT_JSON_STRING)
        return refuse(r, name, "has no dtype", err);
    file_shape shape = {0};
    span at = {0};
    LT_TRY(read_shape(r, name, info, &shape, err));
    LT_TRY(read_offsets(r, name, info, &at, err));
    r->spans[r->table->count] = at;

    lt_entry entry = {.name = name, .tensor = lt_none()};
    const file_dtype *known = NULL;
    for (size_t i = 0; i < sizeof file_dtypes / sizeof file_dtypes[0]; i++)
        if (strcmp(lt_json_string(dtype, NULL), file_dtypes[i].name) == 0)
            known = &file_dtypes[i];
    if (known)
        LT_TRY(check_size(r, at, &shape, known->bits, err));
    if (!known || known->dtype == LT_NO_DTYPE)
        entry.unusable = lt_json_string(dtype, NULL);
    else if (shape.rank > LT_MAX_RANK)
        entry.unusable = "more than 5 dimensions";
    else
        entry.tensor = view_of(r->data + at.begin, known->dtype, &shape);
    return lt_table_add(r->table, entry, err);
}

static lt_status check_metadata(const reader *r, const lt_json *metadata, lt_error *err)
{
    if (lt_json_kind_of(metadata) != LT_JSON_OBJECT)
        return lt_fail(err, LT_ERR_INPUT, "%s: __metadata__ is not an object", r->path);
    void *cursor = NULL;
    const char *key;
    const lt_json *value;
    while (lt_json_next(metadata, &cursor, &key, &value))
        if (lt_json_kind_of(value) != LT_JSON_STRING)
            return lt_fail(err, LT_ERR_INPUT, "%s: __metadata__: '%s' is not a string", r->path,
                           key);
    return LT_OK;
}

static int by_place(const void *left, const void *right)
{
    const span *const a = left;
    const span *const b = right;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return (a->end > b->end) - (a->end < b->end);
}

/* The tensors fill the data part: no hole, no overlap, nothing behind the last. */
static lt_status check_spans(reader *r, lt_error *err)
{
    const int count = r->table->count;
    qsort(r->spans, (size_t)count, sizeof *r->spans, by_place);
    uint64_t filled = 0;
    for (int i = 0; i < count; i++) {
        if (r->spans[i].begin != filled)
            return lt_fail(err, LT_ERR_INPUT,
                           "%s: tensor '%s': begins at byte %llu, the data before it ends at %llu",
                           r->path, r->spans[i].name, (unsigned long long)r->spans[i].begin,
                           (unsigned long long)filled);
        filled = r->spans[i].end;
    }
    if (filled != r->data_bytes)
        return lt_fail(err, LT_ERR_INPUT, "%s: %llu bytes follow the last tensor", r->path,
                       (unsigned long long)(r->data_bytes - filled));
    return LT_OK;
}

static lt_status read_tensors(reader *r, const lt_json *header, lt_error *err)
{
    if (lt_json_count(header) > LT_MAX_TENSORS)
        return lt_fail(err, LT_ERR_INPUT, "%s: has more than %d tensors", r->path, LT_MAX_TENSORS);
    void *cursor = NULL;
    const char *name;
    const lt_json *info;
    while (lt_json_next(header, &cursor, &name, &info)) {
        if (strcmp(name, "__metadata__") == 0)
            LT_TRY(check_metadata(r, info, err));
        else if (lt_json_kind_of(info) == LT_JSON_OBJECT)
            LT_TRY(read_tensor(r, name, info, err));
        else
            return refuse(r, name, "its description is not an object", err);
    }
    LT_TRY(check_spans(r, err));
    return lt_table_settle(r->table, err);
}

/* `data` becomes the memory of the table's tensors. */
static lt_status read_file(lt_weights *table, const char *path, uint8_t *data, size_t bytes,
                           lt_error *err)
{
    if (bytes < 8)
        return lt_fail(err, LT_ERR_INPUT, "%s: has %zu bytes, too few for a safetensors file", path,
                       bytes);
    uint64_t header_bytes = 0;
    for (int i = 7; i >= 0; i--)
        header_bytes = header_bytes << 8 | data[i];
    if (header_bytes > LT_MAX_HEADER_BYTES)
        return lt_fail(
            err, LT_ERR_INPUT,
            "%s: is not a safetensors file: its first 8 bytes are not the length of a header",
            path);
    if (header_bytes > bytes - 8)
        return lt_fail(
            err, LT_ERR_INPUT,
            "%s: is not a safetensors file, or is cut short: header of %llu bytes in a file of %zu",
            path, (unsigned long long)header_bytes, bytes);
    const char *const text = (const char *)data + 8;
    if (header_bytes == 0 || text[0] != '{')
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: is not a safetensors file: its header does not begin with '{'", path);
    LT_TRY(lt_json_parse(text, header_bytes, path, &table->header, err));

    reader r = {.path = path,
                .data = data + 8 + header_bytes,
                .data_bytes = bytes - 8 - header_bytes,
                .table = table,
                .spans = calloc(lt_json_count(table->header) + 1, sizeof(span))};
    if (!r.spans)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for its header", path);
    const lt_status s = read_tensors(&r, table->header, err);
    free(r.spans);
    return s;
}

lt_status lt_safetensors_open(const char *path, lt_weights **out, lt_error *err)
{
    *out = NULL;
    lt_weights *table;
    LT_TRY(lt_table_new(path, &table, err));
    lt_status s = lt_file_map_open(&table->map, path, err);
    if (s == LT_OK)
        s = read_file(table, path, table->map.data, table->map.bytes, err);
    if (s != LT_OK) {
        lt_weights_close(table);
        return s;
    }
    *out = table;
    return LT_OK;
}

lt_status lt_safetensors_open_memory(void *data, size_t bytes, const char *place, lt_weights **out,
                                     lt_error *err)
{
    *out = NULL;
    lt_weights *table;
    LT_TRY(lt_table_new(place, &table, err));
    const lt_status s = read_file(table, place, data, bytes, err);
    if (s != LT_OK) {
        lt_weights_close(table);
        return s;
    }
    *out = table;
    return LT_OK;
}
