/* yaml_reader.c - libyaml's events into a tree; the only file that knows libyaml. */
#include "configs/config_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "kernels/core/whole_file.h"

enum { MAX_FILE_BYTES = 256 * 1024, MAX_NODES = 16384 };

typedef struct {
    yaml_parser_t parser;
    cfg_document *doc;
    int nodes;
    lt_error *err;
} reading;

static lt_status fail_at_mark(const reading *r, yaml_mark_t mark, const char *what)
{
    return lt_fail(r->err, LT_ERR_INPUT, "%s:%zu:%zu: %s", r->doc->place, mark.line + 1,
                   mark.column + 1, what);
}

static lt_status next_event(reading *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return LT_OK;
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return lt_fail(r->err, LT_ERR_RESOURCES, "%s: out of memory", r->doc->place);
    if (p->error == YAML_READER_ERROR)
        return lt_fail(r->err, LT_ERR_INPUT, "%s: byte %zu: %s", r->doc->place, p->problem_offset,
                       p->problem);
    return fail_at_mark(r, p->problem_mark, p->problem != NULL ? p->problem : "not YAML");
}

static const char *tag_of(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return (const char *)event->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT:
        return (const char *)event->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
        return (const char *)event->data.mapping_start.tag;
    default:
        return NULL;
    }
}

static bool has_anchor(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor != NULL;
    default:
        return false;
    }
}

/* What makes a file larger than it looks, or more than data, is refused where it stands. */
static lt_status refuse_unwanted(reading *r, const yaml_event_t *event, int depth)
{
    if (event->type == YAML_ALIAS_EVENT)
        return fail_at_mark(r, event->start_mark, "an alias (*name); write the value out");
    if (has_anchor(event))
        return fail_at_mark(r, event->start_mark,
                            "an anchor (&name); write the value out where it is used");
    if (tag_of(event) != NULL)
        return fail_at_mark(r, event->start_mark, "a tag (!name); plain values are expected");
    if (event->type == YAML_SCALAR_EVENT &&
        strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
        return fail_at_mark(r, event->start_mark, "a NUL character in a value");
    if (depth > CFG_MAX_DEPTH)
        return lt_fail(r->err, LT_ERR_INPUT, "%s:%zu:%zu: nested deeper than %d levels",
                       r->doc->place, event->start_mark.line + 1, event->start_mark.column + 1,
                       CFG_MAX_DEPTH);
    if (++r->nodes > MAX_NODES)
        return lt_fail(r->err, LT_ERR_INPUT, "%s:%zu:%zu: more than %d values", r->doc->place,
                       event->start_mark.line + 1, event->start_mark.column + 1, MAX_NODES);
    return LT_OK;
}

typedef struct {
    const char *text; /* NULL in a list */
    int line;
    int column;
} node_key;

static lt_status read_children(reading *r, cfg_node *parent, int depth);

/* The node that begins with `event`, and all below it. */
static lt_status read_node(reading *r, const yaml_event_t *event, cfg_node *parent, node_key key,
                           int depth)
{
    LT_TRY(refuse_unwanted(r, event, depth));
    const bool scalar = event->type == YAML_SCALAR_EVENT;
    const cfg_node_kind kind = scalar                                     ? CFG_NODE_SCALAR
                               : event->type == YAML_SEQUENCE_START_EVENT ? CFG_NODE_LIST
                                                                          : CFG_NODE_MAP;
    cfg_node *n = cfg_node_new(parent, kind, key.text,
                               scalar ? (const char *)event->data.scalar.value : NULL);
    if (n == NULL)
        return lt_fail(r->err, LT_ERR_RESOURCES, "%s: out of memory", r->doc->place);
    if (parent == NULL)
        r->doc->root = n;
    n->quoted = scalar && event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    n->key_line = key.line;
    n->key_column = key.column;
    n->line = (int)event->start_mark.line + 1;
    n->column = (int)event->start_mark.column + 1;
    return scalar ? LT_OK : read_children(r, n, depth + 1);
}

static lt_status read_value(reading *r, cfg_node *map, node_key key, int depth)
{
    yaml_event_t event;
    LT_TRY(next_event(r, &event));
    const lt_status s = read_node(r, &event, map, key, depth);
    yaml_event_delete(&event);
    return s;
}

static lt_status read_pair(reading *r, const yaml_event_t *event, cfg_node *map, int depth)
{
    LT_TRY(refuse_unwanted(r, event, depth));
    if (event->type != YAML_SCALAR_EVENT)
        return fail_at_mark(r, event->start_mark, "a list or map as a key; a word is expected");
    const node_key key = {(const char *)event->data.scalar.value, (int)event->start_mark.line + 1,
                          (int)event->start_mark.column + 1};
    const cfg_node *earlier = cfg_node_get(map, key.text);
    char shown[CFG_EXCERPT_BYTES];
    if (earlier != NULL)
        return lt_fail(r->err, LT_ERR_INPUT,
                       "%s:%d:%d: key '%s' a second time; the first is in line %d", r->doc->place,
                       key.line, key.column, cfg_excerpt(key.text, shown), earlier->key_line);
    return read_value(r, map, key, depth);
}

static lt_status read_children(reading *r, cfg_node *parent, int depth)
{
    for (;;) {
        yaml_event_t event;
        LT_TRY(next_event(r, &event));
        const bool end =
            event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
        lt_status s = LT_OK;
        if (!end && parent->kind == CFG_NODE_MAP)
            s = read_pair(r, &event, parent, depth);
        else if (!end)
            s = read_node(r, &event, parent, (node_key){0}, depth);
        yaml_event_delete(&event);
        if (end || s != LT_OK)
            return s;
    }
}

/* stream start, (document start, root, document end), stream end */
static lt_status read_stream(reading *r)
{
    for (;;) {
        yaml_event_t event;
        LT_TRY(next_event(r, &event));
        const yaml_event_type_t type = event.type;
        lt_status s = LT_OK;
        if (type == YAML_DOCUMENT_START_EVENT && r->doc->root != NULL)
            s = fail_at_mark(r, event.start_mark, "a second document; one is expected");
        else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
                 type != YAML_DOCUMENT_END_EVENT && type != YAML_STREAM_END_EVENT)
            s = read_node(r, &event, NULL, (node_key){0}, 1);
        yaml_event_delete(&event);
        LT_TRY(s);
        if (type == YAML_STREAM_END_EVENT)
            break;
    }
    if (r->doc->root == NULL)
        return lt_fail(r->err, LT_ERR_INPUT, "%s: empty", r->doc->place);
    return LT_OK;
}

lt_status cfg_yaml_parse(const char *text, size_t bytes, const char *place, cfg_document **out,
                         lt_error *err)
{
    *out = NULL;
    if (bytes > MAX_FILE_BYTES)
        return lt_fail(err, LT_ERR_INPUT, "%s: more than %d bytes, too large for a configuration",
                       place, MAX_FILE_BYTES);
    reading r = {.doc = cfg_document_new(place), .err = err};
    if (r.doc == NULL || !yaml_parser_initialize(&r.parser)) {
        cfg_document_close(r.doc);
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", place);
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, bytes);
    const lt_status s = read_stream(&r);
    yaml_parser_delete(&r.parser);
    if (s != LT_OK) {
        cfg_document_close(r.doc);
        return s;
    }
    *out = r.doc;
    return LT_OK;
}

lt_status cfg_yaml_read(const char *path, cfg_document **out, lt_error *err)
{
    *out = NULL;
    char *text;
    size_t bytes;
    LT_TRY(lt_whole_file_read(path, MAX_FILE_BYTES, "settings", &text, &bytes, err));
    const lt_status s = cfg_yaml_parse(text, bytes, path, out, err);
    free(text);
    return s;
}
