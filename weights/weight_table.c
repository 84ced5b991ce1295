/* weight_table.c - tables of tensors: building, sorting, finding, sharing. */
#include "weights/weight_table.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/core/utf8.h"
#include "weights/synthetic_weights.h"
#include "weights/zip_directory.h"

lt_status lt_table_new(const char *place, lt_weights **out, lt_error *err)
{
    *out = NULL;
    lt_weights *const w = calloc(1, sizeof *w);
    if (w) {
        atomic_init(&w->references, 1);
        w->place = strdup(place);
        w->prefix = strdup("");
    }
    if (!w || !w->place || !w->prefix) {
        lt_weights_close(w);
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to open it", place);
    }
    *out = w;
    return LT_OK;
}

lt_weights *lt_weights_share(lt_weights *w)
{
    atomic_fetch_add(&w->references, 1);
    return w;
}

void lt_weights_close(lt_weights *w)
{
    if (!w || atomic_fetch_sub(&w->references, 1) > 1)
        return;
    for (int i = 0; i < w->parts; i++)
        lt_weights_close(w->part[i]);
    free(w->part);
    lt_file_map_close(&w->map);
    lt_json_free(w->header);
    free(w->names);
    free(w->aligned);
    lt_synthesis_close(w->synthesis);
    free(w->checksum);
    free(w->entry);
    free(w->prefix);
    free(w->place);
    free(w);
}

lt_status lt_table_add(lt_weights *w, lt_entry entry, lt_error *err)
{
    if (w->count == w->capacity) {
        const int capacity = w->capacity ? 2 * w->capacity : 256;
        lt_entry *const grown = realloc(w->entry, (size_t)capacity * sizeof *grown);
        if (!grown)
            return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for %d names", w->place, capacity);
        w->entry = grown;
        w->capacity = capacity;
    }
    w->entry[w->count++] = entry;
    return LT_OK;
}

lt_status lt_table_add_part(lt_weights *w, lt_weights *part, lt_error *err)
{
    lt_weights **const grown = realloc(w->part, (size_t)(w->parts + 1) * sizeof(lt_weights *));
    if (!grown)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to open it", w->place);
    w->part = grown;
    w->part[w->parts++] = part;
    atomic_fetch_add(&part->references, 1);
    return LT_OK;
}

lt_status lt_table_add_checksum(lt_weights *w, lt_checksum checksum, lt_error *err)
{
    if (w->checksums == w->checksum_capacity) {
        const int capacity = w->checksum_capacity ? 2 * w->checksum_capacity : 256;
        lt_checksum *const grown = realloc(w->checksum, (size_t)capacity * sizeof *grown);
        if (!grown)
            return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for %d checksums", w->place,
                           capacity);
        w->checksum = grown;
        w->checksum_capacity = capacity;
    }
    w->checksum[w->checksums++] = checksum;
    return LT_OK;
}

lt_status lt_table_verify(const lt_weights *w, lt_error *err)
{
    for (int i = 0; i < w->parts; i++)
        LT_TRY(lt_table_verify(w->part[i], err));
    for (int i = 0; i < w->checksums; i++) {
        const lt_checksum *const c = &w->checksum[i];
        if (i > 0 && w->checksum[i - 1].data == c->data) /* shared storage; settling sorted them */
            continue;
        const bool same = lt_crc32(c->data, c->bytes) == c->crc;
        lt_file_map_forget(c->data, (size_t)c->bytes);
        if (!same)
            return lt_fail(
                err, LT_ERR_INPUT,
                "%s: '%s' is damaged: its bytes do not have the checksum of the zip directory",
                w->place, c->name);
    }
    return LT_OK;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const lt_entry *)left)->name, ((const lt_entry *)right)->name);
}

static int by_data(const void *left, const void *right)
{
    const lt_checksum *const a = left;
    const lt_checksum *const b = right;
    return (a->data > b->data) - (a->data < b->data);
}

lt_status lt_table_settle(lt_weights *w, lt_error *err)
{
    if (w->checksums > 0)
        qsort(w->checksum, (size_t)w->checksums, sizeof *w->checksum, by_data);
    if (w->count > 0)
        qsort(w->entry, (size_t)w->count, sizeof *w->entry, by_name);
    for (int i = 1; i < w->count; i++)
        if (strcmp(w->entry[i - 1].name, w->entry[i].name) == 0)
            return lt_fail(err, LT_ERR_INPUT, "%s: tensor '%s': occurs twice", w->place,
                           w->entry[i].name);
    return LT_OK;
}

const lt_entry *lt_table_find(const lt_weights *w, const char *name)
{
    const lt_entry wanted = {.name = name};
    return w->count > 0 ? bsearch(&wanted, w->entry, (size_t)w->count, sizeof *w->entry, by_name)
                        : NULL;
}

lt_status lt_table_check_name(const char *place, const char *name, lt_error *err)
{
    const size_t bytes = strlen(name);
    if (bytes == 0 || bytes > LT_MAX_NAME_BYTES)
        return lt_fail(err, LT_ERR_INPUT, "%s: a tensor's name has %zu bytes, 1 to %d are allowed",
                       place, bytes, LT_MAX_NAME_BYTES);
    if (!lt_is_printable_utf8(name, bytes))
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: a tensor's name has a control character or is not UTF-8", place);
    return LT_OK;
}
