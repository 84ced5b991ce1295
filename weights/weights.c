/* weights.c - opening checkpoints by path, and looking into them. */
#include "weights/weights.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/core/suffix.h"
#include "weights/pack.h"
#include "weights/pt_reader.h"
#include "weights/safetensors.h"
#include "weights/shard_index.h"
#include "weights/synthetic_weights.h"
#include "weights/weight_table.h"
#include "weights/zip_directory.h"

/* A view may repeat its elements (stride 0), so a small file can describe a tensor of any size. */
enum { MOST_EXPANSION = 4, SMALL_BYTES = 1 << 20 };

static bool exists(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0;
}

static bool is_folder(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static lt_status open_folder(const char *folder, lt_weights **out, lt_error *err)
{
    char path[PATH_MAX];
    const int most = (int)sizeof path;
    if (snprintf(path, sizeof path, "%s/model.safetensors", folder) >= most)
        return lt_fail(err, LT_ERR_INPUT, "%s: the path is too long", folder);
    if (exists(path))
        return lt_safetensors_open(path, out, err);
    if (snprintf(path, sizeof path, "%s/model.safetensors.index.json", folder) < most &&
        exists(path))
        return lt_shard_index_open(path, out, err);
    return lt_fail(err, LT_ERR_INPUT,
                   "%s: holds neither model.safetensors nor model.safetensors.index.json", folder);
}

lt_status lt_weights_open_raw(const char *path, lt_weights **out, lt_error *err)
{
    *out = NULL;
    if (is_folder(path))
        return open_folder(path, out, err);
    if (lt_has_suffix(path, ".json"))
        return lt_shard_index_open(path, out, err);
    lt_file_map map;
    LT_TRY(lt_file_map_open(&map, path, err));
    const bool zipped = lt_is_zip(&map);
    lt_file_map_close(&map);
    return zipped ? lt_pt_open(path, NULL, NULL, out, err) : lt_safetensors_open(path, out, err);
}

/* Kernels read a tensor through a pointer of its type, row by row. */
static bool is_readable(const lt_tensor *t)
{
    return lt_is_none(t) ||
           (lt_is_contiguous(t) && (uintptr_t)t->data % lt_dtype_bytes(t->dtype) == 0);
}

static size_t room_for(const lt_tensor *t)
{
    return (lt_tensor_bytes(t) + 63) / 64 * 64;
}

/* Foreign writers place tensors at any byte, and PyTorch stores
 * transposed views: those are copied. */
static lt_status copy_unreadable(lt_weights *w, lt_error *err)
{
    size_t needed = 0;
    for (int i = 0; i < w->count; i++) {
        const lt_tensor *const t = &w->entry[i].tensor;
        if (!is_readable(t) && __builtin_add_overflow(needed, room_for(t), &needed))
            return lt_fail(err, LT_ERR_INPUT, "%s: tensor '%s': its size overflows", w->place,
                           w->entry[i].name);
    }
    if (needed == 0)
        return LT_OK;
    if (w->map.data && needed / MOST_EXPANSION > w->map.bytes + SMALL_BYTES)
        return lt_fail(err, LT_ERR_INPUT, "%s: its tensors repeat %zu bytes of data into %zu",
                       w->place, w->map.bytes, needed);
    w->aligned = aligned_alloc(64, needed);
    if (!w->aligned)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to copy tensors (%zu bytes)", w->place,
                       needed);
    char *room = w->aligned;
    for (int i = 0; i < w->count; i++) {
        lt_tensor *const t = &w->entry[i].tensor;
        if (is_readable(t))
            continue;
        lt_pack(t, 0, lt_numel(t), room);
        char *const copy = room;
        room += room_for(t);
        *t = lt_view(copy, t->dtype, lt_shape_of(t));
    }
    return LT_OK;
}

/* Closes the table when its tensors cannot be read in place and there is no memory to copy them. */
static lt_status make_readable(lt_weights **table, lt_error *err)
{
    const lt_status s = copy_unreadable(*table, err);
    if (s != LT_OK) {
        lt_weights_close(*table);
        *table = NULL;
    }
    return s;
}

lt_status lt_weights_open(const char *path, lt_weights **out, lt_error *err)
{
    LT_TRY(lt_weights_open_raw(path, out, err));
    return make_readable(out, err);
}

lt_status lt_weights_open_memory(void *data, size_t bytes, const char *place, lt_weights **out,
                                 lt_error *err)
{
    LT_TRY(lt_safetensors_open_memory(data, bytes, place, out, err));
    return make_readable(out, err);
}

static lt_status fill_view(lt_weights *view, lt_weights *w, const char *prefix, lt_error *err)
{
    const size_t hidden = strlen(prefix);
    LT_TRY(lt_table_add_part(view, w, err));
    for (int i = 0; i < w->count; i++) {
        lt_entry entry = w->entry[i];
        if (strncmp(entry.name, prefix, hidden) != 0 || entry.name[hidden] == '\0')
            continue;
        entry.name += hidden;
        LT_TRY(lt_table_add(view, entry, err)); /* stays sorted: all lose the same beginning */
    }
    free(view->prefix);
    if (asprintf(&view->prefix, "%s%s", w->prefix, prefix) >= 0)
        return LT_OK;
    view->prefix = NULL;
    return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to open it", w->place);
}

lt_status lt_weights_view(lt_weights *w, const char *prefix, lt_weights **out, lt_error *err)
{
    LT_TRY(lt_table_new(w->place, out, err));
    (*out)->home = w->home;
    (*out)->rounding = w->rounding;
    (*out)->chooses = w->chooses;
    const lt_status s = fill_view(*out, w, prefix, err);
    if (s != LT_OK) {
        lt_weights_close(*out);
        *out = NULL;
    }
    return s;
}

void lt_weights_home(lt_weights *w, lt_home home)
{
    w->home = home;
}

void lt_weights_rounding(lt_weights *w, lt_rounding rounding, lt_weight_choice chooses)
{
    w->rounding = rounding;
    w->chooses = chooses;
}

const char *lt_weights_place(const lt_weights *w)
{
    return w->place;
}

const lt_tensor *lt_weights_find(const lt_weights *w, const char *name)
{
    const lt_entry *const entry =
        w->synthesis ? lt_synthetic_find(w->synthesis, name) : lt_table_find(w, name);
    return entry ? &entry->tensor : NULL;
}

int lt_weights_count(const lt_weights *w)
{
    return w->count;
}

const char *lt_weights_name(const lt_weights *w, int index)
{
    return w->entry[index].name;
}

/* The metadata of a composite is that of its first part. */
static const lt_json *metadata_of(const lt_weights *w)
{
    while (w->parts > 0)
        w = w->part[0];
    return w->header ? lt_json_get(w->header, "__metadata__") : NULL;
}

const char *lt_weights_metadata(const lt_weights *w, const char *key)
{
    const lt_json *const value = lt_json_get(metadata_of(w), key);
    return value ? lt_json_string(value, NULL) : NULL;
}

int lt_weights_metadata_count(const lt_weights *w)
{
    const lt_json *const metadata = metadata_of(w);
    return metadata ? (int)lt_json_count(metadata) : 0;
}

void lt_weights_metadata_at(const lt_weights *w, int index, const char **key, const char **value)
{
    void *cursor = NULL;
    const lt_json *found = NULL;
    for (int i = 0; i <= index; i++)
        if (!lt_json_next(metadata_of(w), &cursor, key, &found))
            return;
    *value = lt_json_string(found, NULL);
}

size_t lt_weights_bytes(const lt_weights *w)
{
    if (w->synthesis)
        return lt_synthetic_bytes(w->synthesis);
    size_t bytes = 0;
    for (int i = 0; i < w->count; i++)
        if (!lt_is_none(&w->entry[i].tensor))
            bytes += lt_tensor_bytes(&w->entry[i].tensor);
    return bytes;
}

lt_status lt_weights_hash(const lt_weights *w, lt_hash *out, lt_error *err)
{
    lt_hasher *const h = lt_hasher_open();
    if (!h)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to hash it", w->place);
    for (int i = 0; i < w->count; i++) {
        const lt_tensor *const t = &w->entry[i].tensor;
        char shape[64];
        lt_hasher_add(h, w->entry[i].name, strlen(w->entry[i].name) + 1);
        if (lt_is_none(t))
            continue;
        const char *const dtype = lt_dtype_name(t->dtype);
        lt_hasher_add(h, dtype, strlen(dtype) + 1);
        lt_shape_text(lt_shape_of(t), shape, sizeof shape);
        lt_hasher_add(h, shape, strlen(shape) + 1);
        lt_hasher_add(h, t->data, lt_tensor_bytes(t));
    }
    *out = lt_hasher_close(h);
    return LT_OK;
}

lt_hash lt_weights_identity(const lt_weights *w)
{
    lt_hash all = w->map.identity;
    for (int i = 0; i < w->parts; i++) {
        const lt_hash both[] = {all, lt_weights_identity(w->part[i])};
        all = lt_hash_bytes(both, sizeof both);
    }
    return all;
}
