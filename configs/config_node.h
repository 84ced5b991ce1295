/* config_node.h - a value with its place: what YAML and JSON files are turned into before a table
 * of fields reads them.
 *
 *     cfg_document *doc;
 *     LT_TRY(cfg_yaml_read("mini.yaml", &doc, err));
 *     const cfg_node *steps = cfg_node_get(cfg_node_get(doc->root, "mmdit"), "steps");
 *     ...
 *     cfg_document_close(doc);
 *
 * Scalars stay text; whoever reads them knows what kind of value belongs there.
 */
#ifndef CFG_CONFIG_NODE_H
#define CFG_CONFIG_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/core/json.h"
#include "kernels/core/status.h"

typedef enum { CFG_NODE_SCALAR, CFG_NODE_LIST, CFG_NODE_MAP } cfg_node_kind;

typedef struct cfg_node cfg_node;
struct cfg_node {
    cfg_node_kind kind;
    char *key;      /* inside a map, else NULL */
    char *text;     /* of a scalar, UTF-8 */
    bool quoted;    /* a scalar in quotes or a block: a string, whatever it looks like */
    int key_line;   /* from 1; 0 where the source has no lines */
    int key_column; /* characters, from 1 */
    int line;
    int column;
    int count;       /* children of a list or map */
    cfg_node *first; /* child, in file order */
    cfg_node *last;
    cfg_node *next; /* sibling */
};

typedef struct {
    char *place;    /* file name, starts every message */
    cfg_node *root; /* owned */
} cfg_document;

enum { CFG_MAX_DEPTH = 8, CFG_EXCERPT_BYTES = 64 };

/* A YAML file or text: one document of plain maps, lists and scalars. Anchors, aliases, tags,
 * duplicate keys, more than 256 KiB or deeper nesting than CFG_MAX_DEPTH are LT_ERR_INPUT with
 * file:line:column. */
lt_status cfg_yaml_read(const char *path, cfg_document **out, lt_error *err);
lt_status cfg_yaml_parse(const char *text, size_t bytes, const char *place, cfg_document **out,
                         lt_error *err);
/* A parsed JSON value; it has no lines. */
lt_status cfg_json_document(const lt_json *json, const char *place, cfg_document **out,
                            lt_error *err);
void cfg_document_close(cfg_document *doc); /* accepts NULL */

/* Forgets lines and columns: for text that nobody sees as a file. */
void cfg_document_forget_lines(cfg_document *doc);

/* Child of a map; NULL when absent, when `map` is NULL or no map. */
const cfg_node *cfg_node_get(const cfg_node *map, const char *key);
const char *cfg_node_kind_name(const cfg_node *n); /* "a map", "a list", "a value" */
/* The beginning of a text from a file, fit for a message: no control characters,
 * no half character at the end. */
const char *cfg_excerpt(const char *text, char out[CFG_EXCERPT_BYTES]);

/* Fails with "place:line:column: message"; the place of `n` itself or, with _key_, of its key. */
lt_status cfg_node_fail(const cfg_document *doc, const cfg_node *n, lt_error *err,
                        const char *format, ...) LT_PRINTF(4, 5);
lt_status cfg_node_key_fail(const cfg_document *doc, const cfg_node *n, lt_error *err,
                            const char *format, ...) LT_PRINTF(4, 5);

/* Building: used by the readers. The new node is the last child of `parent` (NULL: a root) and NULL
 * when memory is out. */
cfg_document *cfg_document_new(const char *place);
cfg_node *cfg_node_new(cfg_node *parent, cfg_node_kind kind, const char *key, const char *text);

#endif
