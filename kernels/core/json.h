/* json.h - reading and writing JSON; the only place that knows the JSON library.
 *
 * Reading is strict: duplicate keys, trailing text and control characters are errors, nesting is
 * bounded.
 */
#ifndef LT_JSON_H
#define LT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/core/status.h"

typedef struct lt_json lt_json; /* a node; borrowed from its document unless said otherwise */

/* Values of a document, names in objects among them, at most: a list of all segments that a plan
 * may have (TOK_MAX_FRAMES), or a description of LT_MAX_TENSORS tensors. */
enum { LT_JSON_MOST_VALUES = 1 << 20 };

/* Parses a whole document; `place` (a file name) starts error messages. Free the root with
 * lt_json_free. LT_ERR_INPUT for what is no JSON, nests too deep or has too many values. */
lt_status lt_json_parse(const char *text, size_t bytes, const char *place, lt_json **root,
                        lt_error *err);
void lt_json_free(lt_json *root); /* accepts NULL */

typedef enum {
    LT_JSON_NULL,
    LT_JSON_BOOL,
    LT_JSON_INT,
    LT_JSON_REAL,
    LT_JSON_STRING,
    LT_JSON_ARRAY,
    LT_JSON_OBJECT
} lt_json_kind;
lt_json_kind lt_json_kind_of(const lt_json *n);
const lt_json *lt_json_get(const lt_json *object, const char *key); /* NULL when absent */
size_t lt_json_count(const lt_json *n);                             /* of an array or object */
const lt_json *lt_json_at(const lt_json *array, size_t index);
/* Visits an object in file order: pass *cursor = NULL first; false at the end. */
bool lt_json_next(const lt_json *object, void **cursor, const char **key, const lt_json **value);
int64_t lt_json_int(const lt_json *n);
double lt_json_real(const lt_json *n); /* of an integer too */
bool lt_json_bool(const lt_json *n);
const char *lt_json_string(const lt_json *n, size_t *bytes); /* `bytes` may be NULL */

/* Building. A value that is set or appended belongs to its parent. NULL is returned when memory is
 * out and is accepted by every function, so that only the last step (lt_json_text) has to be looked
 * at. */
lt_json *lt_json_new_object(void);
lt_json *lt_json_new_array(void);
lt_json *lt_json_new_int(int64_t v);
lt_json *lt_json_new_real(double v); /* must be finite */
lt_json *lt_json_new_bool(bool v);
lt_json *lt_json_new_null(void);
lt_json *lt_json_new_string(const char *v);
/* Text that need not be UTF-8, a file's name or what names one: as lt_make_utf8 makes it. */
lt_json *lt_json_new_any_text(const char *v);
lt_json *lt_json_copy(const lt_json *n); /* with all that is in it */
/* whatever the order of their keys; NULL equals nothing */
bool lt_json_equal(const lt_json *a, const lt_json *b);
void lt_json_set(lt_json *object, const char *key, lt_json *value);
void lt_json_remove(lt_json *object, const char *key); /* nothing where it is absent */
void lt_json_append(lt_json *array, lt_json *value);
/* Compact text in insertion order (one line), NUL-terminated; free() it. A real has the fewest
 * digits that read back as the same number. NULL when memory is out, or a value is none that JSON
 * has. */
char *lt_json_text(const lt_json *n);

#endif
