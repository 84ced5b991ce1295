/* shard_index.c - reading an index and the files that it names. */
#include "weights/shard_index.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/safetensors.h"

enum { MAX_SHARDS = 4096 };

typedef struct {
    const char *file;
    const char *tensor;
} mapped_name;

static int by_file(const void *left, const void *right)
{
    return strcmp(((const mapped_name *)left)->file, ((const mapped_name *)right)->file);
}

/* A bare file name: an index must not lead out of its folder. */
static bool is_bare(const char *file)
{
    return file[0] != '\0' && !strpbrk(file, "/\\") && !strstr(file, "..");
}

static lt_status read_map(const char *path, const lt_json *map, mapped_name *list, lt_error *err)
{
    void *cursor = NULL;
    const char *tensor;
    const lt_json *file;
    for (size_t i = 0; lt_json_next(map, &cursor, &tensor, &file); i++) {
        if (lt_json_kind_of(file) != LT_JSON_STRING)
            return lt_fail(err, LT_ERR_INPUT, "%s: weight_map: '%s' is not mapped to a file name",
                           path, tensor);
        list[i] = (mapped_name){.file = lt_json_string(file, NULL), .tensor = tensor};
        if (!is_bare(list[i].file))
            return lt_fail(err, LT_ERR_INPUT,
                           "%s: weight_map: '%s' is in '%s', which is not a plain file name", path,
                           tensor, list[i].file);
    }
    return LT_OK;
}

/* Moves the tensors of one file, list[0 .. count-1], into the set. */
static lt_status add_shard(lt_weights *set, const char *path, const mapped_name *list, size_t count,
                           lt_error *err)
{
    const char *const slash = strrchr(path, '/');
    const int folder_bytes = slash ? (int)(slash - path) + 1 : 0;
    char file[PATH_MAX];
    if (snprintf(file, sizeof file, "%.*s%s", folder_bytes, path, list[0].file) >= (int)sizeof file)
        return lt_fail(err, LT_ERR_INPUT, "%s: the path of '%s' is too long", path, list[0].file);
    lt_weights *shard;
    LT_TRY(lt_safetensors_open(file, &shard, err));
    lt_status s = lt_table_add_part(set, shard, err);
    for (size_t i = 0; i < count && s == LT_OK; i++) {
        const lt_entry *const entry = lt_table_find(shard, list[i].tensor);
        if (entry)
            s = lt_table_add(set, *entry, err);
        else
            s = lt_fail(err, LT_ERR_INPUT, "%s: '%s' is not in %s", path, list[i].tensor, file);
    }
    lt_weights_close(shard);
    return s;
}

static lt_status add_shards(lt_weights *set, const char *path, mapped_name *list, size_t count,
                            lt_error *err)
{
    qsort(list, count, sizeof *list, by_file);
    for (size_t first = 0; first < count;) {
        size_t next = first + 1;
        while (next < count && strcmp(list[next].file, list[first].file) == 0)
            next++;
        if (set->parts == MAX_SHARDS)
            return lt_fail(err, LT_ERR_INPUT, "%s: names more than %d files", path, MAX_SHARDS);
        LT_TRY(add_shard(set, path, &list[first], next - first, err));
        first = next;
    }
    return lt_table_settle(set, err);
}

static lt_status read_index(lt_weights *set, const char *path, const lt_json *index, lt_error *err)
{
    const lt_json *const map =
        lt_json_kind_of(index) == LT_JSON_OBJECT ? lt_json_get(index, "weight_map") : NULL;
    if (lt_json_kind_of(map) != LT_JSON_OBJECT || lt_json_count(map) == 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: has no weight_map", path);
    const size_t count = lt_json_count(map);
    mapped_name *const list = calloc(count, sizeof *list);
    if (!list)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for %zu names", path, count);
    lt_status s = read_map(path, map, list, err);
    if (s == LT_OK)
        s = add_shards(set, path, list, count, err);
    free(list);
    return s;
}

lt_status lt_shard_index_open(const char *path, lt_weights **out, lt_error *err)
{
    *out = NULL;
    lt_file_map map;
    LT_TRY(lt_file_map_open(&map, path, err));
    lt_json *index = NULL;
    lt_weights *set = NULL;
    lt_status s = map.bytes <= LT_MAX_HEADER_BYTES
                      ? lt_json_parse((const char *)map.data, map.bytes, path, &index, err)
                      : lt_fail(err, LT_ERR_INPUT, "%s: has %zu bytes, too many for an index", path,
                                map.bytes);
    if (s == LT_OK)
        s = lt_table_new(path, &set, err);
    if (s == LT_OK)
        s = read_index(set, path, index, err);
    lt_json_free(index);
    lt_file_map_close(&map);
    if (s != LT_OK) {
        lt_weights_close(set);
        return s;
    }
    *out = set;
    return LT_OK;
}
