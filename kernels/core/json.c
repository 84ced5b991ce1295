/* json.c - JSON through jansson; an lt_json is a json_t. */
#include "kernels/core/json.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/core/decimal_text.h"
#include "kernels/core/utf8.h"

/* jansson parses by recursion, and a value takes a hundred bytes; nothing of ours nests deeper than
 * five. */
enum { DEEPEST = 64 };

/* jansson's reading calls take a plain json_t and do not change it. */
static json_t *node(const lt_json *n)
{
    return (json_t *)n;
}

static lt_json *opaque(json_t *n)
{
    return (lt_json *)n;
}

/* How deep brackets nest, and how many values there can be; good enough for text
 * that may not be JSON at all. */
typedef struct {
    int deepest;
    int separators;
} extent;

static extent extent_of(const char *text, size_t bytes)
{
    extent e = {0, 0};
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < bytes; i++) {
        const char c = text[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '[' || c == '{'))
            depth++;
        else if (!in_string && (c == ']' || c == '}'))
            depth--;
        else if (!in_string && (c == ',' || c == ':'))
            e.separators++;
        if (depth > e.deepest)
            e.deepest = depth;
        if (e.deepest > DEEPEST || e.separators > LT_JSON_MOST_VALUES)
            break;
    }
    return e;
}

lt_status lt_json_parse(const char *text, size_t bytes, const char *place, lt_json **root,
                        lt_error *err)
{
    *root = NULL;
    const extent e = extent_of(text, bytes);
    if (e.separators > LT_JSON_MOST_VALUES)
        return lt_fail(err, LT_ERR_INPUT, "%s: JSON of more than %d values", place,
                       LT_JSON_MOST_VALUES);
    if (e.deepest > DEEPEST)
        return lt_fail(err, LT_ERR_INPUT, "%s: JSON nests deeper than %d levels", place, DEEPEST);
    json_error_t found;
    json_t *const document = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &found);
    if (!document && json_error_code(&found) == json_error_out_of_memory)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for a JSON document of %zu bytes",
                       place, bytes);
    if (!document)
        return lt_fail(err, LT_ERR_INPUT, "%s: JSON line %d column %d: %s", place, found.line,
                       found.column, found.text);
    *root = opaque(document);
    return LT_OK;
}

void lt_json_free(lt_json *root)
{
    json_decref(node(root));
}

lt_json_kind lt_json_kind_of(const lt_json *n)
{
    if (!n)
        return LT_JSON_NULL;
    switch (json_typeof(node(n))) {
    case JSON_OBJECT:
        return LT_JSON_OBJECT;
    case JSON_ARRAY:
        return LT_JSON_ARRAY;
    case JSON_STRING:
        return LT_JSON_STRING;
    case JSON_INTEGER:
        return LT_JSON_INT;
    case JSON_REAL:
        return LT_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return LT_JSON_BOOL;
    case JSON_NULL:
        break;
    }
    return LT_JSON_NULL;
}

const lt_json *lt_json_get(const lt_json *object, const char *key)
{
    return opaque(json_object_get(node(object), key));
}

size_t lt_json_count(const lt_json *n)
{
    return lt_json_kind_of(n) == LT_JSON_ARRAY ? json_array_size(node(n))
                                               : json_object_size(node(n));
}

const lt_json *lt_json_at(const lt_json *array, size_t index)
{
    return opaque(json_array_get(node(array), index));
}

bool lt_json_next(const lt_json *object, void **cursor, const char **key, const lt_json **value)
{
    *cursor =
        *cursor ? json_object_iter_next(node(object), *cursor) : json_object_iter(node(object));
    if (!*cursor)
        return false;
    *key = json_object_iter_key(*cursor);
    *value = opaque(json_object_iter_value(*cursor));
    return true;
}

int64_t lt_json_int(const lt_json *n)
{
    assert(lt_json_kind_of(n) == LT_JSON_INT);
    return json_integer_value(node(n));
}

double lt_json_real(const lt_json *n)
{
    assert(lt_json_kind_of(n) == LT_JSON_INT || lt_json_kind_of(n) == LT_JSON_REAL);
    return json_number_value(node(n));
}

bool lt_json_bool(const lt_json *n)
{
    assert(lt_json_kind_of(n) == LT_JSON_BOOL);
    return json_is_true(node(n));
}

const char *lt_json_string(const lt_json *n, size_t *bytes)
{
    assert(lt_json_kind_of(n) == LT_JSON_STRING);
    if (bytes)
        *bytes = json_string_length(node(n));
    return json_string_value(node(n));
}

lt_json *lt_json_new_object(void)
{
    return opaque(json_object());
}

lt_json *lt_json_new_array(void)
{
    return opaque(json_array());
}

lt_json *lt_json_new_int(int64_t v)
{
    return opaque(json_integer(v));
}

lt_json *lt_json_new_real(double v)
{
    return opaque(json_real(v));
}

lt_json *lt_json_new_bool(bool v)
{
    return opaque(json_boolean(v));
}

lt_json *lt_json_new_null(void)
{
    return opaque(json_null());
}

lt_json *lt_json_new_string(const char *v)
{
    return opaque(json_string_nocheck(v)); /* lt_json_text refuses what is not UTF-8 */
}

lt_json *lt_json_new_any_text(const char *v)
{
    char *text = strdup(v);
    if (text)
        lt_make_utf8(text);
    json_t *shown = text ? json_string(text) : NULL;
    free(text);
    return opaque(shown);
}

lt_json *lt_json_copy(const lt_json *n)
{
    return opaque(json_deep_copy(node(n)));
}

bool lt_json_equal(const lt_json *a, const lt_json *b)
{
    return json_equal(node(a), node(b));
}

/* A string that is not UTF-8 cannot be written, so a document that holds this one has no text. The
 * place for it is there: its parent was just emptied. */
static json_t *unwritable(void)
{
    return json_string_nocheck("\xff");
}

void lt_json_remove(lt_json *object, const char *key)
{
    json_object_del(node(object), key);
}

void lt_json_set(lt_json *object, const char *key, lt_json *value)
{
    if (json_object_set_new_nocheck(node(object), key, node(value)) == 0 || !object)
        return;
    json_object_clear(node(object));
    json_object_set_new_nocheck(node(object), "", unwritable());
}

void lt_json_append(lt_json *array, lt_json *value)
{
    if (json_array_append_new(node(array), node(value)) == 0 || !array)
        return;
    json_array_clear(node(array));
    json_array_append_new(node(array), unwritable());
}

/* ---- text ---- */

static bool write_value(const json_t *n, FILE *out);

static bool write_key(const char *key, FILE *out)
{
    json_t *const text = json_string_nocheck(key);
    const bool written =
        text && json_dumpf(text, out, JSON_ENCODE_ANY) == 0 && fputc(':', out) != EOF;
    json_decref(text);
    return written;
}

static bool write_object(json_t *object, FILE *out)
{
    const char *key;
    json_t *value;
    const char *before = "{";
    bool written = true;
    json_object_foreach(object, key, value)
    {
        fputs(before, out);
        written = written && write_key(key, out) && write_value(value, out);
        before = ",";
    }
    return written && fputs(*before == '{' ? "{}" : "}", out) != EOF;
}

static bool write_array(const json_t *array, FILE *out)
{
    const size_t count = json_array_size(array);
    bool written = fputc('[', out) != EOF;
    for (size_t i = 0; i < count && written; i++)
        written = (i == 0 || fputc(',', out) != EOF) && write_value(json_array_get(array, i), out);
    return written && fputc(']', out) != EOF;
}

/* As few digits as say the same number, always with a point or an exponent: how jansson writes one
 * depends on its version. */
static bool write_real(double value, FILE *out)
{
    char text[LT_DECIMAL_BYTES];
    lt_decimal_text(value, text);
    return fprintf(out, strpbrk(text, ".e") ? "%s" : "%s.0", text) > 0;
}

static bool write_value(const json_t *n, FILE *out)
{
    switch (json_typeof(n)) {
    case JSON_OBJECT:
        return write_object((json_t *)n, out);
    case JSON_ARRAY:
        return write_array(n, out);
    case JSON_REAL:
        return write_real(json_real_value(n), out);
    default:
        return json_dumpf(n, out, JSON_ENCODE_ANY) == 0;
    }
}

char *lt_json_text(const lt_json *n)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *const out = n ? open_memstream(&text, &bytes) : NULL;
    if (!out)
        return NULL;
    const bool written = write_value(node(n), out);
    if (fclose(out) == 0 && written)
        return text;
    free(text);
    return NULL;
}
