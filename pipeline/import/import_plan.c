/* import_plan.c - layers over sources. */
#include "pipeline/import/import_plan.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/weight_table.h"

enum { NAME_BYTES = 512 };

lt_status import_source_open(import_source *s, lt_weights *weights, lt_error *err)
{
    s->weights = weights;
    s->used = calloc((size_t)lt_weights_count(weights) + 1, sizeof *s->used);
    return s->used ? LT_OK
                   : lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for its names",
                             lt_weights_place(weights));
}

void import_source_close(import_source *s)
{
    lt_weights_close(s->weights);
    free(s->used);
    *s = (import_source){0};
}

/* Index of `prefix` + `name` in the source, or -1. Names are sorted. */
static int index_of(const import_source *s, const char *prefix, const char *name)
{
    char whole[NAME_BYTES];
    if (!s->weights || snprintf(whole, sizeof whole, "%s%s", prefix, name) >= (int)sizeof whole)
        return -1;
    int low = 0;
    int high = lt_weights_count(s->weights) - 1;
    while (low <= high) {
        const int middle = low + (high - low) / 2;
        const int order = strcmp(whole, lt_weights_name(s->weights, middle));
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle - 1;
        else
            low = middle + 1;
    }
    return -1;
}

static int find_in(const import_layer *layer, const release_tensor *wanted)
{
    const int found = index_of(layer->source, layer->prefix, wanted->name);
    return found < 0 && wanted->alias ? index_of(layer->source, layer->prefix, wanted->alias)
                                      : found;
}

bool import_layer_has_any(const import_layer *layer, const release_names *names)
{
    for (int i = 0; i < names->count; i++)
        if (find_in(layer, &names->list[i]) >= 0)
            return true;
    return false;
}

/* The tensor at `index` of a source, or NULL and a complaint. */
static const lt_tensor *fitting(const import_source *s, int index, lt_shape wanted,
                                lt_complaints *complaints)
{
    const char *const place = lt_weights_place(s->weights);
    const char *const name = lt_weights_name(s->weights, index);
    const lt_tensor *const found = lt_weights_find(s->weights, name);
    char has[64];
    char expected[64];
    if (lt_is_none(found))
        lt_complain(complaints, "%s: %s: is no tensor, or of a dtype that cannot be used", place,
                    name);
    else if (!lt_same_shape(lt_shape_of(found), wanted))
        lt_complain(complaints, "%s: %s: has shape %s, expected %s", place, name,
                    lt_shape_text(lt_shape_of(found), has, sizeof has),
                    lt_shape_text(wanted, expected, sizeof expected));
    else if (!lt_dtype_is_float(found->dtype))
        lt_complain(complaints, "%s: %s: has dtype %s, expected floats", place, name,
                    lt_dtype_name(found->dtype));
    else
        return found;
    return NULL;
}

static lt_status append(import_tensors *to, import_tensor tensor, const char *prefix,
                        const char *name, lt_error *err)
{
    if (to->count == to->capacity) {
        const int capacity = to->capacity ? 2 * to->capacity : 256;
        import_tensor *const grown = realloc(to->list, (size_t)capacity * sizeof *grown);
        if (!grown)
            return lt_fail(err, LT_ERR_RESOURCES, "import: no memory for %d tensors", capacity);
        to->list = grown;
        to->capacity = capacity;
    }
    if (asprintf(&tensor.name, "%s%s", prefix, name) < 0)
        return lt_fail(err, LT_ERR_RESOURCES, "import: no memory for a name");
    to->list[to->count++] = tensor;
    return LT_OK;
}

static void complain_of_missing(const release_tensor *wanted, const import_layer *layers,
                                int layer_count, lt_complaints *complaints)
{
    const import_layer *home = NULL;
    char expected[64];
    for (int i = 0; i < layer_count; i++)
        if (layers[i].source->weights && (!home || !home->home))
            home = &layers[i];
    lt_complain(complaints, "%s: %s%s: is missing, expected %s",
                home ? lt_weights_place(home->source->weights) : "release",
                home ? home->prefix : "", wanted->name,
                lt_shape_text(wanted->shape, expected, sizeof expected));
}

static lt_status add_one(import_plan *plan, const release_tensor *wanted, const char *out_prefix,
                         const import_layer *layers, int layer_count, lt_complaints *complaints,
                         lt_error *err)
{
    bool present = false;
    for (int i = 0; i < layer_count; i++) {
        const import_layer *const layer = &layers[i];
        const int index = find_in(layer, wanted);
        if (index < 0)
            continue;
        layer->source->used[index] = true;
        const lt_tensor *const found = fitting(layer->source, index, wanted->shape, complaints);
        const import_tensor tensor = {.tensor = found ? *found : lt_none(),
                                      .place = lt_weights_place(layer->source->weights)};
        if (found && present)
            LT_TRY(append(&plan->overridden, tensor, layer->prefix, wanted->name, err));
        else if (found)
            LT_TRY(append(&plan->chosen, tensor, out_prefix, wanted->name, err));
        present = true;
    }
    if (!present)
        complain_of_missing(wanted, layers, layer_count, complaints);
    return LT_OK;
}

lt_status import_plan_add(import_plan *plan, const release_names *names, const char *out_prefix,
                          const import_layer *layers, int layer_count, lt_complaints *complaints,
                          lt_error *err)
{
    if (names->no_memory)
        return lt_fail(err, LT_ERR_RESOURCES, "import: no memory for a list of names");
    for (int i = 0; i < names->count; i++)
        LT_TRY(add_one(plan, &names->list[i], out_prefix, layers, layer_count, complaints, err));
    return LT_OK;
}

static void close_tensors(import_tensors *t)
{
    for (int i = 0; i < t->count; i++)
        free(t->list[i].name);
    free(t->list);
    *t = (import_tensors){0};
}

void import_plan_close(import_plan *plan)
{
    close_tensors(&plan->chosen);
    close_tensors(&plan->overridden);
}

static bool is_ignored(const import_source *s, const char *name)
{
    for (const char *const *beginning = s->ignored; beginning && *beginning; beginning++)
        if (strncmp(name, *beginning, strlen(*beginning)) == 0)
            return true;
    return false;
}

void import_source_check(const import_source *s, lt_complaints *complaints,
                         const lt_warnings *warnings)
{
    int unknown = 0;
    const char *first = NULL;
    for (int i = 0; s->weights && i < lt_weights_count(s->weights); i++) {
        const char *const name = lt_weights_name(s->weights, i);
        if (s->used[i] || is_ignored(s, name) || lt_table_find(s->weights, name)->foreign)
            continue;
        if (s->strict)
            lt_complain(complaints, "%s: %s: is not expected", lt_weights_place(s->weights), name);
        if (unknown++ == 0)
            first = name;
    }
    if (unknown > 0 && !s->strict)
        lt_warn(warnings, "%s: %d tensor%s of no use here left out, the first is '%s'",
                lt_weights_place(s->weights), unknown, unknown > 1 ? "s" : "", first);
}
