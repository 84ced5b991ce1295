/* pt_reader.c - from the values of a pickle to tensors over the mapped file. */
#include "weights/pt_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/core/utf8.h"
#include "weights/pickle.h"
#include "weights/zip_directory.h"

typedef struct {
    const char *module; /* of the storage's name */
    const char *name;
    lt_dtype dtype; /* LT_NO_DTYPE: we have no use for it */
    int bytes;      /* of an element; 0: unknown, the record's size cannot be checked */
} storage_type;

static const storage_type storage_types[] = {
    {"torch", "FloatStorage", LT_F32, 4},
    {"torch", "HalfStorage", LT_F16, 2},
    {"torch", "BFloat16Storage", LT_BF16, 2},
    {"torch", "DoubleStorage", LT_F64, 8},
    {"torch", "LongStorage", LT_I64, 8},
    {"torch", "IntStorage", LT_I32, 4},
    {"torch", "ShortStorage", LT_NO_DTYPE, 2},
    {"torch", "CharStorage", LT_I8, 1},
    {"torch", "ByteStorage", LT_U8, 1},
    {"torch", "BoolStorage", LT_U8, 1},
    {"torch", "ComplexFloatStorage", LT_NO_DTYPE, 8},
    {"torch", "ComplexDoubleStorage", LT_NO_DTYPE, 16},
    {"torch.storage", "UntypedStorage", LT_NO_DTYPE, 1},
    {"torch", "UntypedStorage", LT_NO_DTYPE, 1},
};

/* The dtype of a tensor on an untyped storage; all are names in the module torch. */
static const struct {
    const char *name;
    lt_dtype dtype;
} tensor_dtypes[] = {
    {"float32", LT_F32}, {"float16", LT_F16}, {"bfloat16", LT_BF16}, {"float64", LT_F64},
    {"int64", LT_I64},   {"int32", LT_I32},   {"int8", LT_I8},       {"uint8", LT_U8},
    {"bool", LT_U8},     {"uint16", LT_U16},
};

typedef struct {
    const char *path;
    const lt_warnings *warnings;
    lt_weights *table;
    lt_zip_directory zip;
    lt_pickle pickle;
    size_t pickle_bytes;
    const storage_type **used_as; /* of each zip entry, NULL until a storage is met in it */
    char *name_at;                /* free room for names in table->names */
} reader;

static const lt_pickle_node *node_of(const reader *r, lt_pickle_ref value)
{
    return &r->pickle.node[value];
}

static lt_status refuse(const reader *r, const char *tensor, const char *rule, lt_error *err)
{
    return lt_fail(err, LT_ERR_INPUT, "%s: tensor '%s': %s", r->path, tensor, rule);
}

/* ---- storages ---- */

static const storage_type *type_of(const reader *r, lt_pickle_ref name)
{
    for (size_t i = 0; i < sizeof storage_types / sizeof storage_types[0]; i++)
        if (lt_pickle_names(&r->pickle, name, storage_types[i].module, storage_types[i].name))
            return &storage_types[i];
    return NULL;
}

static bool is_number(lt_pickle_text key)
{
    for (uint32_t i = 0; i < key.bytes; i++)
        if (key.text[i] < '0' || key.text[i] > '9')
            return false;
    return key.bytes > 0 && key.bytes <= 20;
}

/* The record of a storage; its size must be what the pickle says. */
static lt_status find_record(const reader *r, const char *tensor, const lt_pickle_node *storage,
                             const storage_type *type, const lt_zip_entry **out, lt_error *err)
{
    const lt_pickle_text key = storage->as.storage.key;
    char name[32];
    if (!is_number(key))
        return refuse(r, tensor, "the key of its storage is not a number", err);
    snprintf(name, sizeof name, "data/%.*s", (int)key.bytes, key.text);
    *out = lt_zip_find(&r->zip, name);
    if (!*out)
        return lt_fail(err, LT_ERR_INPUT, "%s: tensor '%s': its storage %s is not in the file",
                       r->path, tensor, name);
    int64_t bytes = 0;
    if (__builtin_mul_overflow(storage->as.storage.count, (int64_t)type->bytes, &bytes) ||
        (uint64_t)bytes != (*out)->bytes)
        return lt_fail(
            err, LT_ERR_INPUT,
            "%s: tensor '%s': its storage %s has %llu bytes, expected %lld elements of %d", r->path,
            tensor, name, (unsigned long long)(*out)->bytes, (long long)storage->as.storage.count,
            type->bytes);
    const storage_type **const before = &r->used_as[*out - r->zip.entry];
    if (*before && *before != type)
        return lt_fail(err, LT_ERR_INPUT, "%s: tensor '%s': its storage %s is used as %s and as %s",
                       r->path, tensor, name, (*before)->name, type->name);
    *before = type;
    return LT_OK;
}

/* ---- tensors ---- */

/* Sizes and strides as they stand in the file, which may have more dimensions than an lt_tensor. */
typedef struct {
    int rank;
    int64_t dim[LT_MAX_FILE_RANK];
    int64_t stride[LT_MAX_FILE_RANK];
} file_view;

static lt_status read_numbers(const reader *r, const char *tensor, lt_pickle_ref tuple,
                              int64_t *out, lt_error *err)
{
    uint32_t link = node_of(r, tuple)->as.items.first;
    for (uint32_t i = 0; i < node_of(r, tuple)->as.items.count; i++) {
        const lt_pickle_node *const n = node_of(r, r->pickle.link[link].value);
        if (n->kind != LT_PICKLE_INT || n->as.number < 0)
            return refuse(r, tensor, "its sizes and strides are not whole numbers >= 0", err);
        out[i] = n->as.number;
        link = r->pickle.link[link].next;
    }
    return LT_OK;
}

static lt_status read_view(const reader *r, const char *tensor, const lt_pickle_node *t,
                           file_view *out, lt_error *err)
{
    const uint32_t rank = node_of(r, t->as.tensor.sizes)->as.items.count;
    if (rank > LT_MAX_FILE_RANK || node_of(r, t->as.tensor.strides)->as.items.count != rank)
        return refuse(r, tensor, "it has more than 8 sizes, or not as many strides", err);
    out->rank = (int)rank;
    LT_TRY(read_numbers(r, tensor, t->as.tensor.sizes, out->dim, err));
    return read_numbers(r, tensor, t->as.tensor.strides, out->stride, err);
}

/* The last element that the view touches lies inside its storage. */
static lt_status check_bounds(const reader *r, const char *tensor, const file_view *v,
                              int64_t offset, int64_t count, lt_error *err)
{
    int64_t last = offset;
    int64_t elements = 1;
    bool empty = false;
    for (int i = 0; i < v->rank; i++)
        empty |= v->dim[i] == 0;
    for (int i = 0; i < v->rank && !empty; i++) {
        int64_t reach;
        if (__builtin_mul_overflow(v->dim[i] - 1, v->stride[i], &reach) ||
            __builtin_add_overflow(last, reach, &last) ||
            __builtin_mul_overflow(elements, v->dim[i], &elements) || elements > INT64_MAX / 16)
            return refuse(r, tensor, "its size overflows", err);
    }
    if (offset < 0 || (empty ? offset > count : last >= count))
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: tensor '%s': reaches element %lld of a storage of %lld", r->path,
                       tensor, (long long)last, (long long)count);
    return LT_OK;
}

static lt_tensor tensor_of(const uint8_t *data, lt_dtype dtype, const file_view *v, int64_t offset)
{
    /* a scalar */
    lt_tensor t =
        lt_view((uint8_t *)data + (size_t)offset * lt_dtype_bytes(dtype), dtype, lt_shape1(1));
    if (v->rank > 0)
        t.rank = v->rank;
    for (int i = 0; i < v->rank; i++) {
        t.dim[i] = v->dim[i];
        t.stride[i] = v->stride[i];
    }
    return t;
}

static lt_dtype dtype_of(const reader *r, const lt_pickle_node *t, const storage_type *type)
{
    for (size_t i = 0; i < sizeof tensor_dtypes / sizeof tensor_dtypes[0]; i++)
        if (t->as.tensor.dtype != 0 &&
            lt_pickle_names(&r->pickle, t->as.tensor.dtype, "torch", tensor_dtypes[i].name))
            return tensor_dtypes[i].dtype;
    return t->as.tensor.dtype != 0 ? LT_NO_DTYPE : type->dtype;
}

static lt_status add_checksum(reader *r, const lt_zip_entry *record, const char *name,
                              lt_error *err)
{
    const lt_checksum c = {
        .data = record->data, .bytes = record->bytes, .crc = record->crc, .name = name};
    return lt_table_add_checksum(r->table, c, err);
}

static lt_status add_tensor(reader *r, const char *name, const lt_pickle_node *t, lt_error *err)
{
    const lt_pickle_node *const storage = node_of(r, t->as.tensor.storage);
    const storage_type *const type = type_of(r, storage->as.storage.type);
    lt_entry entry = {
        .name = name, .tensor = lt_none(), .unusable = "a storage type that is not known"};
    if (!type)
        return lt_table_add(r->table, entry, err);
    const lt_zip_entry *record = NULL;
    file_view view = {0};
    LT_TRY(find_record(r, name, storage, type, &record, err));
    LT_TRY(read_view(r, name, t, &view, err));
    const lt_dtype dtype = dtype_of(r, t, type);
    const bool untyped = strcmp(type->name, "UntypedStorage") == 0;
    const int64_t width = untyped && dtype != LT_NO_DTYPE ? (int64_t)lt_dtype_bytes(dtype) : 1;
    LT_TRY(
        check_bounds(r, name, &view, t->as.tensor.offset, storage->as.storage.count / width, err));
    entry.unusable = dtype == LT_NO_DTYPE      ? "a dtype without use here"
                     : view.rank > LT_MAX_RANK ? "more than 5 dimensions"
                                               : NULL;
    if (!entry.unusable)
        entry.tensor = tensor_of(record->data, dtype, &view, t->as.tensor.offset);
    LT_TRY(lt_table_add(r->table, entry, err));
    return add_checksum(r, record, name, err);
}

/* ---- dictionaries ---- */

/* Finds a string key; a key that occurs twice is an error (Python would take
 * the last, others the first). */
static lt_status look_up(const reader *r, lt_pickle_ref dict, const char *key, lt_pickle_ref *out,
                         lt_error *err)
{
    *out = 0;
    for (uint32_t link = node_of(r, dict)->as.items.first; link != 0;
         link = r->pickle.link[link].next) {
        const lt_pickle_node *const k = node_of(r, r->pickle.link[link].key);
        if (k->kind != LT_PICKLE_STRING || !lt_pickle_is(k->as.text, key))
            continue;
        if (*out != 0)
            return lt_fail(err, LT_ERR_INPUT, "%s: key '%s' occurs twice", r->path, key);
        *out = r->pickle.link[link].value;
    }
    return LT_OK;
}

static lt_status find_state(const reader *r, const char *key, lt_pickle_ref *out, lt_error *err)
{
    const lt_pickle_ref top = r->pickle.root;
    if (node_of(r, top)->kind != LT_PICKLE_DICT)
        return lt_fail(err, LT_ERR_INPUT, "%s: holds no dictionary of tensors", r->path);
    const char *const candidates[] = {key ? key : "model", "model", "module", "state_dict"};
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        LT_TRY(look_up(r, top, candidates[i], out, err));
        if (*out != 0 && node_of(r, *out)->kind == LT_PICKLE_DICT)
            return LT_OK;
    }
    *out = top;
    return LT_OK;
}

/* Copies a key into the table's own text. */
static lt_status take_name(reader *r, lt_pickle_text key, const char **out, lt_error *err)
{
    if (!lt_is_printable_utf8(key.text, key.bytes))
        return lt_fail(err, LT_ERR_INPUT, "%s: a tensor's name is not printable UTF-8", r->path);
    memcpy(r->name_at, key.text, key.bytes);
    r->name_at[key.bytes] = '\0';
    *out = r->name_at;
    r->name_at += key.bytes + 1;
    return lt_table_check_name(r->path, *out, err);
}

/* Something else under a name: an error for whoever asks for a tensor of that name. */
static lt_status add_foreign(reader *r, const char *name, lt_pickle_ref dict, lt_error *err)
{
    const lt_entry entry = {
        .name = name, .tensor = lt_none(), .unusable = "it is no tensor", .foreign = true};
    if (dict != r->pickle.root)
        lt_warn(r->warnings, "%s: '%s' is no tensor and was left out", r->path, name);
    return lt_table_add(r->table, entry, err);
}

static size_t name_bytes_in(const reader *r, lt_pickle_ref dict)
{
    size_t bytes = 0;
    for (uint32_t link = node_of(r, dict)->as.items.first; link != 0;
         link = r->pickle.link[link].next) {
        const lt_pickle_node *const key = node_of(r, r->pickle.link[link].key);
        bytes += key->kind == LT_PICKLE_STRING ? (size_t)key->as.text.bytes + 1 : 0;
    }
    return bytes;
}

static lt_status add_tensors(reader *r, lt_pickle_ref dict, lt_error *err)
{
    if (node_of(r, dict)->as.items.count > LT_MAX_TENSORS)
        return lt_fail(err, LT_ERR_INPUT, "%s: has more than %d tensors", r->path, LT_MAX_TENSORS);
    const size_t name_bytes = name_bytes_in(r, dict);
    if (name_bytes > r->pickle_bytes) /* a name that was written once and stands for many */
        return lt_fail(err, LT_ERR_INPUT, "%s: repeats a tensor's name", r->path);
    r->table->names = malloc(name_bytes + 1);
    if (!r->table->names)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for its names", r->path);
    r->name_at = r->table->names;
    for (uint32_t link = node_of(r, dict)->as.items.first; link != 0;
         link = r->pickle.link[link].next) {
        const lt_pickle_node *const key = node_of(r, r->pickle.link[link].key);
        const lt_pickle_node *const value = node_of(r, r->pickle.link[link].value);
        const char *name = NULL;
        if (key->kind != LT_PICKLE_STRING && value->kind == LT_PICKLE_TENSOR)
            return lt_fail(err, LT_ERR_INPUT, "%s: a tensor has no name", r->path);
        if (key->kind != LT_PICKLE_STRING || value->kind == LT_PICKLE_NONE)
            continue;
        LT_TRY(take_name(r, key->as.text, &name, err));
        if (value->kind == LT_PICKLE_TENSOR)
            LT_TRY(add_tensor(r, name, value, err));
        else
            LT_TRY(add_foreign(r, name, dict, err));
    }
    return lt_table_settle(r->table, err);
}

/* ---- what is left out ---- */

/* Names that only describe tensors, and plain containers. */
static bool is_familiar(const reader *r, lt_pickle_ref name)
{
    static const char *const modules[] = {"torch", "torch._utils", "torch.storage",
                                          "torch.nn.parameter", "collections"};
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
        if (lt_pickle_is(node_of(r, name)->as.global.module, modules[i]))
            return true;
    return false;
}

static void warn_of_unknown_objects(const reader *r)
{
    char list[512] = "";
    size_t used = 0;
    for (lt_pickle_ref i = 1; i < r->pickle.nodes; i++) {
        if (node_of(r, i)->kind != LT_PICKLE_NAME || is_familiar(r, i))
            continue;
        const lt_pickle_text module = node_of(r, i)->as.global.module;
        const lt_pickle_text name = node_of(r, i)->as.global.name;
        const int written =
            snprintf(list + used, sizeof list - used, "%s%.*s.%.*s", used ? ", " : "",
                     (int)module.bytes, module.text, (int)name.bytes, name.text);
        if (written < 0 || (size_t)written >= sizeof list - used) {
            list[used] = '\0';
            break;
        }
        used += (size_t)written;
    }
    for (char *c = list; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    if (used > 0)
        lt_warn(r->warnings, "%s: objects outside its tensors were skipped, not executed: %s",
                r->path, list);
}

/* ---- the file ---- */

/* Text of a small record such as `version`; false when it is not there. */
static bool read_record(const reader *r, const char *name, char *text, size_t room)
{
    const lt_zip_entry *const e = lt_zip_find(&r->zip, name);
    if (!e)
        return false;
    const size_t bytes = e->bytes < room - 1 ? (size_t)e->bytes : room - 1;
    memcpy(text, e->data, bytes);
    text[bytes] = '\0';
    return true;
}

static lt_status check_archive(const reader *r, lt_error *err)
{
    char text[16];
    if (read_record(r, "version", text, sizeof text) ||
        read_record(r, ".data/version", text, sizeof text)) {
        const long version = strtol(text, NULL, 10);
        if (version < 1 || version > 10)
            return lt_fail(err, LT_ERR_INPUT, "%s: format version %ld, expected 1 to 10", r->path,
                           version);
    }
    if (read_record(r, "byteorder", text, sizeof text) && strcmp(text, "little") != 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: was written on a big-endian machine", r->path);
    bool program = lt_zip_find(&r->zip, "constants.pkl") != NULL;
    for (int i = 0; i < r->zip.count; i++)
        program |= r->zip.entry[i].name_bytes > 5 && memcmp(r->zip.entry[i].name, "code/", 5) == 0;
    return program ? lt_fail(err, LT_ERR_INPUT, "%s: is a program (TorchScript), expected weights",
                             r->path)
                   : LT_OK;
}

static lt_status read_file(reader *r, const char *key, lt_error *err)
{
    const lt_file_map *const map = &r->table->map;
    static const uint8_t legacy[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46};
    if (map->bytes >= sizeof legacy && memcmp(map->data, legacy, sizeof legacy) == 0)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: was written by PyTorch before 1.6; save it again with a newer one",
                       r->path);
    if (!lt_is_zip(map))
        return lt_fail(err, LT_ERR_INPUT, "%s: is not a zipped PyTorch file", r->path);
    LT_TRY(lt_zip_open(&r->zip, map, r->path, err));
    LT_TRY(check_archive(r, err));
    r->used_as = calloc((size_t)r->zip.count, sizeof(storage_type *));
    if (!r->used_as)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for its directory", r->path);
    const lt_zip_entry *const program = lt_zip_find(&r->zip, "data.pkl");
    if (!program)
        return lt_fail(err, LT_ERR_INPUT, "%s: has no data.pkl", r->path);
    LT_TRY(add_checksum(r, program, "data.pkl", err));
    r->pickle_bytes = (size_t)program->bytes;
    LT_TRY(lt_pickle_read(&r->pickle, program->data, r->pickle_bytes, r->path, err));
    lt_pickle_ref state = 0;
    LT_TRY(find_state(r, key, &state, err));
    LT_TRY(add_tensors(r, state, err));
    warn_of_unknown_objects(r);
    return LT_OK;
}

lt_status lt_pt_open(const char *path, const char *key, const lt_warnings *warnings,
                     lt_weights **out, lt_error *err)
{
    *out = NULL;
    reader r = {.path = path, .warnings = warnings};
    LT_TRY(lt_table_new(path, &r.table, err));
    lt_status s = lt_file_map_open(&r.table->map, path, err);
    if (s == LT_OK)
        s = read_file(&r, key, err);
    free(r.used_as);
    lt_zip_close(&r.zip);
    lt_pickle_close(&r.pickle);
    if (s == LT_OK)
        *out = r.table;
    else
        lt_weights_close(r.table);
    return s;
}
