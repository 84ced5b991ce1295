/* golden.c - reading a golden file, and judging what was computed. */
#include "weights/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/core/decimal_text.h"
#include "weights/weight_table.h"

/* What `--precision bf16` must reach where a file gives no bound of its own. */
static const double bf16_bound = 3e-2;

typedef struct {
    const char *name; /* "out.v" */
    const lt_tensor *want;
    bool exact;
    double bound; /* f32 */
    double bound_in_bf16;
    bool reported;
    double distance; /* relative L2, or the number of differing elements of an exact output */
} output;

struct lt_golden {
    lt_weights *file;
    lt_weights *weights; /* the view "w." */
    lt_json *config;
    output *outputs;
    lt_golden_line *lines;
    int count;
};

static lt_status refuse(const lt_golden *g, const char *what, lt_error *err)
{
    return lt_fail(err, LT_ERR_INPUT, "%s: %s", lt_golden_place(g), what);
}

/* A whole metadata string as a finite number >= 0. */
static lt_status read_bound(const lt_golden *g, const char *key, const char *text, double *out,
                            lt_error *err)
{
    if (!lt_parse_decimal(text, out) || *out < 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: %s is '%s', expected a finite number >= 0",
                       lt_golden_place(g), key, text);
    return LT_OK;
}

static lt_status read_bounds(const lt_golden *g, output *out, lt_error *err)
{
    const char *const name = out->name + strlen("out.");
    char key[LT_MAX_NAME_BYTES + 16];
    snprintf(key, sizeof key, "bound.%s", name);
    const char *const text = lt_golden_metadata(g, key);
    if (!text)
        return lt_fail(err, LT_ERR_INPUT, "%s: %s is missing", lt_golden_place(g), key);
    out->exact = strcmp(text, "exact") == 0;
    if (out->exact)
        return LT_OK;
    LT_TRY(read_bound(g, key, text, &out->bound, err));
    out->bound_in_bf16 = bf16_bound;
    snprintf(key, sizeof key, "bound_bf16.%s", name);
    const char *const wide = lt_golden_metadata(g, key);
    /* the output hangs on rounding: in bf16 it is only known to be finite */
    if (wide && strcmp(wide, "none") == 0) {
        out->bound_in_bf16 = INFINITY;
        return LT_OK;
    }
    return wide ? read_bound(g, key, wide, &out->bound_in_bf16, err) : LT_OK;
}

static lt_status read_outputs(lt_golden *g, lt_error *err)
{
    const int names = lt_weights_count(g->file);
    g->outputs = calloc((size_t)names + 1, sizeof *g->outputs);
    g->lines = calloc((size_t)names + 1, sizeof *g->lines);
    if (!g->outputs || !g->lines)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for its outputs", lt_golden_place(g));
    for (int i = 0; i < names; i++) {
        const char *const name = lt_weights_name(g->file, i);
        if (strncmp(name, "out.", 4) != 0)
            continue;
        output *const out = &g->outputs[g->count];
        *out = (output){.name = name, .want = lt_weights_find(g->file, name)};
        if (lt_is_none(out->want))
            return lt_fail(err, LT_ERR_INPUT, "%s: %s has a dtype that cannot be compared",
                           lt_golden_place(g), name);
        LT_TRY(read_bounds(g, out, err));
        g->count++;
    }
    return g->count > 0 ? LT_OK : refuse(g, "wants no output", err);
}

static lt_status read_golden(lt_golden *g, const char *path, lt_error *err)
{
    LT_TRY(lt_weights_open(path, &g->file, err));
    const char *const format = lt_golden_metadata(g, "format");
    if (!format || strcmp(format, "longtake-golden-1") != 0)
        return refuse(g, "is not a golden file of format longtake-golden-1", err);
    if (!lt_golden_metadata(g, "component"))
        return refuse(g, "names no component", err);
    const char *const config = lt_golden_metadata(g, "config");
    if (!config)
        return refuse(g, "has no config", err);
    LT_TRY(lt_json_parse(config, strlen(config), path, &g->config, err));
    if (lt_json_kind_of(g->config) != LT_JSON_OBJECT)
        return refuse(g, "its config is not an object", err);
    LT_TRY(lt_weights_view(g->file, "w.", &g->weights, err));
    return read_outputs(g, err);
}

lt_status lt_golden_open(const char *path, lt_golden **out, lt_error *err)
{
    *out = NULL;
    lt_golden *const g = calloc(1, sizeof *g);
    if (!g)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to open it", path);
    const lt_status s = read_golden(g, path, err);
    if (s == LT_OK)
        *out = g;
    else
        lt_golden_close(g);
    return s;
}

void lt_golden_close(lt_golden *g)
{
    if (!g)
        return;
    free(g->lines);
    free(g->outputs);
    lt_json_free(g->config);
    lt_weights_close(g->weights);
    lt_weights_close(g->file);
    free(g);
}

const char *lt_golden_place(const lt_golden *g)
{
    return lt_weights_place(g->file);
}

const char *lt_golden_component(const lt_golden *g)
{
    return lt_golden_metadata(g, "component");
}

const char *lt_golden_metadata(const lt_golden *g, const char *key)
{
    return lt_weights_metadata(g->file, key);
}

const lt_json *lt_golden_config(const lt_golden *g)
{
    return g->config;
}

/* The value of "width", or of "theia.patch_size"; NULL when absent. */
static const lt_json *find_key(const lt_golden *g, const char *key)
{
    const char *const dot = strchr(key, '.');
    char section[LT_MAX_NAME_BYTES];
    if (!dot)
        return lt_json_get(g->config, key);
    snprintf(section, sizeof section, "%.*s", (int)(dot - key), key);
    const lt_json *const inside = lt_json_get(g->config, section);
    return lt_json_kind_of(inside) == LT_JSON_OBJECT ? lt_json_get(inside, dot + 1) : NULL;
}

bool lt_golden_has_key(const lt_golden *g, const char *key)
{
    return find_key(g, key) != NULL;
}

lt_status lt_golden_needs(const lt_golden *g, const char *const *keys, lt_error *err)
{
    for (; *keys; keys++)
        if (!lt_golden_has_key(g, *keys))
            return lt_fail(err, LT_ERR_INPUT, "%s: config: '%s' is missing", lt_golden_place(g),
                           *keys);
    return LT_OK;
}

static lt_status missing_key(const lt_golden *g, const char *key, const char *kind, lt_error *err)
{
    return lt_fail(err, LT_ERR_INPUT, "%s: config: '%s' is %s, expected %s", lt_golden_place(g),
                   key, lt_golden_has_key(g, key) ? "of another kind" : "missing", kind);
}

lt_status lt_golden_int(const lt_golden *g, const char *key, int64_t *out, lt_error *err)
{
    const lt_json *const value = lt_json_get(g->config, key);
    if (lt_json_kind_of(value) != LT_JSON_INT)
        return missing_key(g, key, "a whole number", err);
    *out = lt_json_int(value);
    return LT_OK;
}

lt_status lt_golden_real(const lt_golden *g, const char *key, double *out, lt_error *err)
{
    const lt_json *const value = lt_json_get(g->config, key);
    if (lt_json_kind_of(value) != LT_JSON_INT && lt_json_kind_of(value) != LT_JSON_REAL)
        return missing_key(g, key, "a number", err);
    *out = lt_json_real(value);
    return LT_OK;
}

lt_weights *lt_golden_weights(const lt_golden *g)
{
    return g->weights;
}

static const lt_tensor *find_input(const lt_golden *g, const char *name)
{
    char full[LT_MAX_NAME_BYTES];
    if (snprintf(full, sizeof full, "in.%s", name) >= (int)sizeof full)
        return NULL;
    return lt_weights_find(g->file, full);
}

bool lt_golden_has_input(const lt_golden *g, const char *name)
{
    return find_input(g, name) != NULL;
}

lt_status lt_golden_input(const lt_golden *g, const char *name, int rank, const lt_tensor **out,
                          lt_error *err)
{
    const lt_tensor *const found = find_input(g, name);
    if (!found || lt_is_none(found))
        return lt_fail(err, LT_ERR_INPUT, "%s: input in.%s is %s", lt_golden_place(g), name,
                       found ? "of a dtype that cannot be used" : "missing");
    if (rank > 0 && found->rank != rank)
        return lt_fail(err, LT_ERR_INPUT, "%s: input in.%s has %d dimensions, expected %d",
                       lt_golden_place(g), name, found->rank, rank);
    for (int i = 0; i < found->rank; i++)
        if (found->dim[i] == 0) {
            char text[128];
            return lt_fail(err, LT_ERR_INPUT, "%s: input in.%s is %s, expected no size of 0",
                           lt_golden_place(g), name,
                           lt_shape_text(lt_shape_of(found), text, sizeof text));
        }
    *out = found;
    return LT_OK;
}

/* Looks up an input and makes a packed array for its elements, which are 4 bytes wide. */
static lt_status new_input(const lt_golden *g, const char *name, int rank, const lt_tensor **found,
                           void **memory, lt_shape *shape, lt_error *err)
{
    LT_TRY(lt_golden_input(g, name, rank, found, err));
    *memory = calloc((size_t)lt_numel(*found) + 1, 4);
    if (!*memory)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for input in.%s", lt_golden_place(g),
                       name);
    *shape = lt_shape_of(*found);
    return LT_OK;
}

lt_status lt_golden_input_f32(const lt_golden *g, const char *name, int rank, float **out,
                              lt_shape *shape, lt_error *err)
{
    const lt_tensor *found;
    void *memory;
    LT_TRY(new_input(g, name, rank, &found, &memory, shape, err));
    float *const values = memory;
    for (int64_t i = 0; i < lt_numel(found); i++)
        values[i] = (float)lt_load_element(found->data, found->dtype, i);
    *out = values;
    return LT_OK;
}

lt_status lt_golden_input_i32(const lt_golden *g, const char *name, int rank, int32_t **out,
                              lt_shape *shape, lt_error *err)
{
    const lt_tensor *found;
    void *memory;
    LT_TRY(new_input(g, name, rank, &found, &memory, shape, err));
    int32_t *const values = memory;
    for (int64_t i = 0; i < lt_numel(found); i++) {
        const double value = lt_load_element(found->data, found->dtype, i);
        if (!(value >= INT32_MIN && value <= INT32_MAX) || value != rint(value)) {
            free(memory);
            return lt_fail(err, LT_ERR_INPUT,
                           "%s: input in.%s: value %lld is %g, expected a 32-bit whole number",
                           lt_golden_place(g), name, (long long)i, value);
        }
        values[i] = (int32_t)value;
    }
    *out = values;
    return LT_OK;
}

static double differing(const lt_tensor *want, lt_dtype dtype, const void *data)
{
    int64_t count = 0;
    for (int64_t i = 0; i < lt_numel(want); i++)
        count += lt_load_element(want->data, want->dtype, i) != lt_load_element(data, dtype, i);
    return (double)count;
}

/* |got - want| / |want|; infinite when a number is not finite. */
static double relative_l2(const lt_tensor *want, lt_dtype dtype, const void *data)
{
    double apart = 0;
    double size = 0;
    for (int64_t i = 0; i < lt_numel(want); i++) {
        const double w = lt_load_element(want->data, want->dtype, i);
        const double d = lt_load_element(data, dtype, i) - w;
        apart += d * d;
        size += w * w;
    }
    if (!isfinite(apart) || !isfinite(size))
        return INFINITY;
    return apart == 0 ? 0 : sqrt(apart / size); /* infinite when zeros were wanted */
}

static output *find_output(const lt_golden *g, const char *name)
{
    for (int i = 0; i < g->count; i++)
        if (strcmp(g->outputs[i].name + strlen("out."), name) == 0)
            return &g->outputs[i];
    return NULL;
}

bool lt_golden_wanted_shape(const lt_golden *g, const char *name, lt_shape *shape)
{
    const output *const out = find_output(g, name);
    if (out)
        *shape = lt_shape_of(out->want);
    return out != NULL;
}

lt_status lt_golden_report(lt_golden *g, const char *name, lt_dtype dtype, lt_shape shape,
                           const void *data, lt_error *err)
{
    output *const out = find_output(g, name);
    if (!out)
        return lt_fail(err, LT_ERR_INPUT, "%s: does not want an output out.%s", lt_golden_place(g),
                       name);
    out->reported = true;
    if (!lt_same_shape(lt_shape_of(out->want), shape))
        out->distance = INFINITY;
    else
        out->distance =
            out->exact ? differing(out->want, dtype, data) : relative_l2(out->want, dtype, data);
    return LT_OK;
}

int lt_golden_verdict(lt_golden *g, bool bf16, const lt_golden_line **lines)
{
    for (int i = 0; i < g->count; i++) {
        const output *const out = &g->outputs[i];
        const double distance = out->reported ? out->distance : INFINITY;
        const double bound = out->exact ? 0 : bf16 ? out->bound_in_bf16 : out->bound;
        g->lines[i] = (lt_golden_line){.name = out->name,
                                       .rel_l2 = distance,
                                       .bound = bound,
                                       .exact = out->exact,
                                       .ok = isfinite(distance) && distance <= bound};
    }
    *lines = g->lines;
    return g->count;
}
