/* binder.c - a network's list of parameters against a table of tensors. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/complaints.h"
#include "weights/finite.h"
#include "weights/low_bit.h"
#include "weights/synthetic_weights.h"
#include "weights/weight_table.h"

typedef struct {
    lt_weight *place;
    lt_role role;
    lt_shape shape;
    char *name;
} request;

struct lt_binder {
    lt_weights *source;
    lt_backend *backend;
    request *list;
    int count;
    int capacity;
    bool no_memory;
};

struct lt_weight_set {
    lt_weights *source;
    lt_backend *backend;
    lt_weight **place; /* prepared ones */
    int count;
};

/* Stands in for a binder that could not be made; nothing is ever written to it. */
static lt_binder binder_without_memory = {.no_memory = true};

lt_binder *lt_binder_open(lt_weights *w, lt_backend *backend)
{
    lt_binder *const b = calloc(1, sizeof *b);
    if (!b)
        return &binder_without_memory;
    b->source = w;
    b->backend = backend;
    atomic_fetch_add(&w->references, 1);
    return b;
}

static void free_binder(lt_binder *b)
{
    if (b == &binder_without_memory)
        return;
    for (int i = 0; i < b->count; i++)
        free(b->list[i].name);
    free(b->list);
    lt_weights_close(b->source);
    free(b);
}

static bool make_room(lt_binder *b)
{
    if (b->count < b->capacity)
        return true;
    const int capacity = b->capacity ? 2 * b->capacity : 64;
    request *const grown = realloc(b->list, (size_t)capacity * sizeof *grown);
    if (!grown)
        return false;
    b->list = grown;
    b->capacity = capacity;
    return true;
}

void lt_bind(lt_binder *b, lt_weight *place, lt_role role, lt_shape shape, const char *format, ...)
{
    if (b->no_memory)
        return;
    va_list arguments;
    va_start(arguments, format);
    char *name = NULL;
    b->no_memory = !make_room(b) || vasprintf(&name, format, arguments) < 0;
    va_end(arguments);
    if (!b->no_memory)
        b->list[b->count++] = (request){.place = place, .role = role, .shape = shape, .name = name};
}

bool lt_binder_has(const lt_binder *b, const char *format, ...)
{
    char *name = NULL;
    va_list arguments;
    va_start(arguments, format);
    const bool made = !b->no_memory && vasprintf(&name, format, arguments) >= 0;
    va_end(arguments);
    const bool found = made && lt_table_find(b->source, name) != NULL;
    if (made)
        free(name);
    return found;
}

/* Equal but for dimensions of size 1. */
static bool same_but_ones(lt_shape a, lt_shape b)
{
    int j = 0;
    for (int i = 0; i < a.rank; i++) {
        if (a.dim[i] == 1)
            continue;
        while (j < b.rank && b.dim[j] == 1)
            j++;
        if (j == b.rank || b.dim[j] != a.dim[i])
            return false;
        j++;
    }
    while (j < b.rank && b.dim[j] == 1)
        j++;
    return j == b.rank;
}

/* [out, a, b, ...] serves as the matrix [out, a b ...]: a convolution
 * that looks at each patch once. */
static bool same_as_matrix(const lt_tensor *stored, const request *r)
{
    const bool matrix =
        (r->role == LT_ROLE_MATRIX || r->role == LT_ROLE_HEAD) && r->shape.rank == 2;
    return matrix && stored->dim[0] == r->shape.dim[0] &&
           lt_numel(stored) == r->shape.dim[0] * r->shape.dim[1];
}

static void check_finite(const lt_binder *b, const lt_entry *entry, lt_complaints *c)
{
    if (b->backend->counts_only)
        return;
    const int64_t bad =
        lt_first_not_finite(entry->tensor.data, entry->tensor.dtype, lt_numel(&entry->tensor));
    if (bad >= 0)
        lt_complain(c, "%s%s: value %lld is not finite", b->source->prefix, entry->name,
                    (long long)bad);
}

/* A matrix of integers with the scales beside it: rows of i8, or blocks. */
static void match_integers(const lt_binder *b, const request *r, const lt_entry *found,
                           lt_complaints *c)
{
    const char *const prefix = b->source->prefix;
    char name[LT_MAX_NAME_BYTES + 8];
    char codes[64];
    char scales[64];
    char wanted[64];
    snprintf(name, sizeof name, "%s_scale", r->name);
    const lt_entry *const scale = b->source->synthesis
                                      ? lt_synthetic_find(b->source->synthesis, name)
                                      : lt_table_find(b->source, name);
    if (!scale) {
        lt_complain(c, "%s%s: is missing (the scales of integers)", prefix, name);
        return;
    }
    const lt_dtype form = lt_low_bit_form(&found->tensor, &scale->tensor, r->shape);
    if (form == LT_NO_DTYPE) {
        lt_complain(c,
                    "%s%s: is %s %s with scales %s %s, which is no form of %s: i8 rows, q8 or q4",
                    prefix, r->name, lt_dtype_name(found->tensor.dtype),
                    lt_shape_text(lt_shape_of(&found->tensor), codes, sizeof codes),
                    lt_dtype_name(scale->tensor.dtype),
                    lt_is_none(&scale->tensor)
                        ? ""
                        : lt_shape_text(lt_shape_of(&scale->tensor), scales, sizeof scales),
                    lt_shape_text(r->shape, wanted, sizeof wanted));
        return;
    }
    check_finite(b, scale, c);
    *r->place = (lt_weight){.value = lt_view(found->tensor.data, form, r->shape),
                            .scale = scale->tensor,
                            .role = r->role};
    if (form == LT_I8)
        r->place->scale = lt_reshape(scale->tensor, lt_shape1(r->shape.dim[0]));
}

static void match(const lt_binder *b, const request *r, lt_complaints *c)
{
    const char *const prefix = b->source->prefix;
    const lt_entry *const found = b->source->synthesis
                                      ? lt_synthetic_entry(b->source, r->name, r->role, r->shape)
                                      : lt_table_find(b->source, r->name);
    char wanted[64];
    char stored[64];
    lt_shape_text(r->shape, wanted, sizeof wanted);
    if (!found && b->source->synthesis) {
        lt_complain(c, "%s: no memory to make its %s", r->name, wanted);
        return;
    }
    if (!found) {
        lt_complain(c, "%s%s: is missing, expected %s", prefix, r->name, wanted);
        return;
    }
    if (found->unusable) {
        lt_complain(c, "%s%s: is stored in a form that cannot be used (%s)", prefix, r->name,
                    found->unusable);
        return;
    }
    const bool integers = found->tensor.dtype == LT_I8 || found->tensor.dtype == LT_U8;
    if (integers && r->role == LT_ROLE_MATRIX && r->shape.rank == 2) {
        match_integers(b, r, found, c);
        return;
    }
    const lt_shape shape = lt_shape_of(&found->tensor);
    if (!same_but_ones(shape, r->shape) && !same_as_matrix(&found->tensor, r)) {
        lt_complain(c, "%s%s: has shape %s, expected %s", prefix, r->name,
                    lt_shape_text(shape, stored, sizeof stored), wanted);
        return;
    }
    if (!lt_dtype_is_float(found->tensor.dtype)) {
        lt_complain(c, "%s%s: has dtype %s, expected floats", prefix, r->name,
                    lt_dtype_name(found->tensor.dtype));
        return;
    }
    check_finite(b, found, c);
    *r->place = (lt_weight){
        .value = lt_reshape(found->tensor, r->shape), .scale = lt_none(), .role = r->role};
}

static lt_status match_all(const lt_binder *b, lt_error *err)
{
    lt_complaints c = {0};
    for (int i = 0; i < b->count; i++)
        match(b, &b->list[i], &c);
    char heading[256];
    snprintf(heading, sizeof heading, "%s: %d of %d tensors do not fit",
             lt_weights_place(b->source), c.count, b->count);
    return lt_complaints_verdict(&c, heading, err);
}

static lt_status prepare_all(const lt_binder *b, lt_weight_set *set, lt_error *err)
{
    for (int i = 0; i < b->count; i++) {
        const request *const r = &b->list[i];
        const lt_weight_choice chooses = b->source->chooses;
        r->place->home = b->source->home;
        if (r->role == LT_ROLE_MATRIX && chooses && chooses(r->name, r->shape))
            r->place->rounding = b->source->rounding;
        LT_TRY(b->backend->table->prepare(b->backend, r->place, err));
        set->place[set->count++] = r->place;
    }
    return LT_OK;
}

static lt_status make_set(const lt_binder *b, lt_weight_set **out, lt_error *err)
{
    LT_TRY(match_all(b, err));
    lt_weight_set *const set = calloc(1, sizeof *set);
    lt_weight **const place = calloc((size_t)b->count + 1, sizeof(lt_weight *));
    if (!set || !place) {
        free(set);
        free(place);
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for %d tensors",
                       lt_weights_place(b->source), b->count);
    }
    *set = (lt_weight_set){.source = b->source, .backend = b->backend, .place = place};
    atomic_fetch_add(&b->source->references, 1);
    const lt_status s = prepare_all(b, set, err);
    if (s == LT_OK)
        *out = set;
    else
        lt_weight_set_close(set);
    return s;
}

lt_status lt_binder_close(lt_binder *b, lt_weight_set **out, lt_error *err)
{
    *out = NULL;
    const lt_status s = b->no_memory
                            ? lt_fail(err, LT_ERR_RESOURCES, "no memory for a list of weights")
                            : make_set(b, out, err);
    free_binder(b);
    return s;
}

void lt_weight_set_close(lt_weight_set *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->count; i++)
        s->backend->table->unprepare(s->backend, s->place[i]);
    free(s->place);
    lt_weights_close(s->source);
    free(s);
}
