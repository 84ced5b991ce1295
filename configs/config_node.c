#include "configs/config_node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/core/decimal_text.h"

static void free_node(cfg_node *n)
{
    for (cfg_node *child = n->first; child != NULL;) {
        cfg_node *next = child->next;
        free_node(child);
        child = next;
    }
    free(n->key);
    free(n->text);
    free(n);
}

cfg_document *cfg_document_new(const char *place)
{
    cfg_document *doc = calloc(1, sizeof *doc);
    if (doc == NULL)
        return NULL;
    doc->place = strdup(place);
    if (doc->place == NULL) {
        free(doc);
        return NULL;
    }
    return doc;
}

void cfg_document_close(cfg_document *doc)
{
    if (doc == NULL)
        return;
    if (doc->root != NULL)
        free_node(doc->root);
    free(doc->place);
    free(doc);
}

cfg_node *cfg_node_new(cfg_node *parent, cfg_node_kind kind, const char *key, const char *text)
{
    cfg_node *n = calloc(1, sizeof *n);
    if (n == NULL)
        return NULL;
    n->kind = kind;
    n->key = key != NULL ? strdup(key) : NULL;
    n->text = text != NULL ? strdup(text) : NULL;
    if ((key != NULL && n->key == NULL) || (text != NULL && n->text == NULL)) {
        free_node(n);
        return NULL;
    }
    if (parent != NULL) {
        if (parent->last != NULL)
            parent->last->next = n;
        else
            parent->first = n;
        parent->last = n;
        parent->count++;
    }
    return n;
}

const cfg_node *cfg_node_get(const cfg_node *map, const char *key)
{
    if (map == NULL || map->kind != CFG_NODE_MAP)
        return NULL;
    for (const cfg_node *n = map->first; n != NULL; n = n->next)
        if (strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

const char *cfg_node_kind_name(const cfg_node *n)
{
    switch (n->kind) {
    case CFG_NODE_MAP:
        return "a map";
    case CFG_NODE_LIST:
        return "a list";
    case CFG_NODE_SCALAR:
        break;
    }
    return "a value";
}

const char *cfg_excerpt(const char *text, char out[CFG_EXCERPT_BYTES])
{
    static const char more[] = "...";
    const size_t longest = CFG_EXCERPT_BYTES - sizeof more;
    size_t length = strnlen(text, longest + 1);
    const bool cut = length > longest;
    if (cut)
        for (length = longest; length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80;)
            length--;
    for (size_t i = 0; i < length; i++)
        out[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7F ? '?' : text[i];
    const char *const end = cut ? more : "";
    memcpy(out + length, end, strlen(end) + 1);
    return out;
}

static void forget_lines(cfg_node *n)
{
    n->key_line = 0;
    n->line = 0;
    for (cfg_node *child = n->first; child != NULL; child = child->next)
        forget_lines(child);
}

void cfg_document_forget_lines(cfg_document *doc)
{
    forget_lines(doc->root);
}

static lt_status fail_at(const cfg_document *doc, int line, int column, lt_error *err,
                         const char *format, va_list args)
{
    char message[LT_ERROR_BYTES];
    vsnprintf(message, sizeof message, format, args);
    if (line == 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: %s", doc->place, message);
    return lt_fail(err, LT_ERR_INPUT, "%s:%d:%d: %s", doc->place, line, column, message);
}

lt_status cfg_node_fail(const cfg_document *doc, const cfg_node *n, lt_error *err,
                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const lt_status s = fail_at(doc, n->line, n->column, err, format, args);
    va_end(args);
    return s;
}

lt_status cfg_node_key_fail(const cfg_document *doc, const cfg_node *n, lt_error *err,
                            const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const lt_status s = fail_at(doc, n->key_line, n->key_column, err, format, args);
    va_end(args);
    return s;
}

/* JSON ----------------------------------------------------------------------------------------- */

static lt_status add_json(cfg_document *doc, cfg_node *parent, const char *key, const lt_json *json,
                          int depth, lt_error *err)
{
    if (depth > CFG_MAX_DEPTH)
        return lt_fail(err, LT_ERR_INPUT, "%s: nested deeper than %d levels", doc->place,
                       CFG_MAX_DEPTH);
    const lt_json_kind json_kind = lt_json_kind_of(json);
    char number[LT_DECIMAL_BYTES];
    const char *text = NULL;
    cfg_node_kind kind = CFG_NODE_SCALAR;
    switch (json_kind) {
    case LT_JSON_NULL:
        text = "null";
        break;
    case LT_JSON_BOOL:
        text = lt_json_bool(json) ? "true" : "false";
        break;
    case LT_JSON_INT:
        snprintf(number, sizeof number, "%lld", (long long)lt_json_int(json));
        text = number;
        break;
    case LT_JSON_REAL:
        lt_decimal_text(lt_json_real(json), number);
        text = number;
        break;
    case LT_JSON_STRING:
        text = lt_json_string(json, NULL);
        break;
    case LT_JSON_ARRAY:
        kind = CFG_NODE_LIST;
        break;
    case LT_JSON_OBJECT:
        kind = CFG_NODE_MAP;
        break;
    }
    cfg_node *n = cfg_node_new(parent, kind, key, text);
    if (n == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", doc->place);
    n->quoted = json_kind == LT_JSON_STRING;
    if (parent == NULL)
        doc->root = n;
    if (json_kind == LT_JSON_ARRAY)
        for (size_t i = 0; i < lt_json_count(json); i++)
            LT_TRY(add_json(doc, n, NULL, lt_json_at(json, i), depth + 1, err));
    if (json_kind == LT_JSON_OBJECT) {
        void *cursor = NULL;
        const char *child_key;
        const lt_json *child;
        while (lt_json_next(json, &cursor, &child_key, &child))
            LT_TRY(add_json(doc, n, child_key, child, depth + 1, err));
    }
    return LT_OK;
}

lt_status cfg_json_document(const lt_json *json, const char *place, cfg_document **out,
                            lt_error *err)
{
    *out = NULL;
    cfg_document *doc = cfg_document_new(place);
    if (doc == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", place);
    const lt_status s = add_json(doc, NULL, NULL, json, 1, err);
    if (s != LT_OK) {
        cfg_document_close(doc);
        return s;
    }
    *out = doc;
    return LT_OK;
}
