/* pickle.h - reading a pickle as data: a machine over inert values.
 *
 * A pickle is a little program. Ours keeps its stack and memo exactly as Python would, but nothing
 * is imported and nothing is called: a name stays a name, and what a call would have made is an
 * opaque value. Only what PyTorch needs to describe tensors has a meaning. Containers have
 * reference semantics: a memo entry is the container, not a copy.
 */
#ifndef LT_PICKLE_H
#define LT_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/core/status.h"

/* Limits; a released file stays far below each: a tensor takes some 25 values, and a release has a
 * few hundred tensors. With them a pickle needs at most 12 MiB, whatever it says. */
enum {
    LT_MAX_PICKLE_BYTES = 64 << 20,
    LT_MAX_PICKLE_NODES = 200000,
    LT_MAX_PICKLE_STACK = 100000,
    LT_MAX_PICKLE_MEMO = 200000,
    LT_MAX_PICKLE_LINE = 256
};

typedef enum {
    LT_PICKLE_NONE,
    LT_PICKLE_BOOL,
    LT_PICKLE_INT,
    LT_PICKLE_STRING,
    LT_PICKLE_TUPLE, /* a list of first/next links, as the list and the dict */
    LT_PICKLE_LIST,
    LT_PICKLE_DICT,
    LT_PICKLE_NAME, /* module and name of something that Python would import */
    LT_PICKLE_STORAGE,
    LT_PICKLE_TENSOR,
    LT_PICKLE_OPAQUE /* anything else */
} lt_pickle_kind;

/* Index of a value; 0 is "none". */
typedef uint32_t lt_pickle_ref;

typedef struct {
    const char *text; /* in the pickle, not terminated */
    uint32_t bytes;
} lt_pickle_text;

typedef struct {
    lt_pickle_kind kind;
    union {
        int64_t number;      /* bool, int */
        lt_pickle_text text; /* string */
        struct {
            lt_pickle_text module;
            lt_pickle_text name;
        } global;
        struct {            /* tuple, list: items; dict: pairs */
            uint32_t first; /* link, 0 when empty */
            uint32_t last;
            uint32_t count;
        } items;
        struct {
            lt_pickle_text key; /* the record data/KEY */
            lt_pickle_ref type; /* a name such as torch FloatStorage */
            int64_t count;      /* elements; bytes of an untyped storage */
        } storage;
        struct {
            lt_pickle_ref storage;
            lt_pickle_ref sizes;   /* tuple of ints */
            lt_pickle_ref strides; /* tuple of ints */
            lt_pickle_ref dtype;   /* a name such as torch float32, or 0: that of the storage */
            int64_t offset;        /* elements */
        } tensor;
    } as;
} lt_pickle_node;

typedef struct {
    lt_pickle_ref key; /* of a dict */
    lt_pickle_ref value;
    uint32_t next; /* 0 at the end */
} lt_pickle_link;

typedef struct {
    lt_pickle_node *node;
    uint32_t nodes;
    uint32_t node_capacity;
    lt_pickle_link *link;
    uint32_t links;
    uint32_t link_capacity;
    lt_pickle_ref root;
} lt_pickle;

/* The data must outlive the pickle. LT_ERR_INPUT with the byte and the rule. */
lt_status lt_pickle_read(lt_pickle *p, const uint8_t *data, size_t bytes, const char *place,
                         lt_error *err);
void lt_pickle_close(lt_pickle *p); /* accepts a zeroed one */

bool lt_pickle_is(lt_pickle_text text, const char *wanted);
/* True when the value is the name `module` `name`. */
bool lt_pickle_names(const lt_pickle *p, lt_pickle_ref value, const char *module, const char *name);

#endif
