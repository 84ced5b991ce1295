/* weight_table.h - what an lt_weights is inside: names sorted over memory that it or its parts
 * hold.
 *
 * A leaf is one file: it owns the mapping and the text of the names. A composite (a view, a set of
 * shards) borrows both from its parts and keeps a reference to each.
 */
#ifndef LT_WEIGHT_TABLE_H
#define LT_WEIGHT_TABLE_H

#include <stdatomic.h>

#include "kernels/core/json.h"
#include "weights/file_map.h"
#include "weights/weights.h"

/* Tensors of a file at most, its metadata among them. The largest checkpoints have a few thousand;
 * a header describes one in up to 15 values, so JSON's own limit is never the one that is met. */
enum { LT_MAX_TENSORS = 1 << 16 };
enum { LT_MAX_NAME_BYTES = 4096, LT_MAX_FILE_RANK = 8 };

typedef struct {
    const char *name;
    lt_tensor tensor;     /* LT_NO_DTYPE when we have no use for its format */
    const char *unusable; /* why, for messages; else NULL */
    bool foreign;         /* no tensor at all: some object of a .pt file under a tensor's name */
} lt_entry;

typedef struct lt_synthesis lt_synthesis;

/* A part of a file and the CRC-32 that the file gives for it. */
typedef struct {
    const uint8_t *data;
    uint64_t bytes;
    uint32_t crc;
    const char *name; /* of a tensor that lies there, for messages */
} lt_checksum;

struct lt_weights {
    atomic_int references;
    char *place;     /* file name for messages */
    char *prefix;    /* what a view hides in front of its names; "" elsewhere */
    lt_entry *entry; /* sorted by name once settled */
    int count;
    int capacity;
    lt_weights **part; /* referenced tables of a composite */
    int parts;
    lt_file_map map;         /* of a leaf */
    lt_json *header;         /* of a safetensors leaf: owns the names and the metadata */
    char *names;             /* of another leaf: owns the names */
    void *aligned;           /* copies of tensors that cannot be read where they lie */
    lt_synthesis *synthesis; /* of a table that makes what it is asked for; else NULL */
    lt_checksum *checksum;   /* of a zipped leaf */
    int checksums;
    int checksum_capacity;
    lt_home home;             /* of matrices that are bound from it */
    lt_rounding rounding;     /* of those that it chooses */
    lt_weight_choice chooses; /* or NULL */
};

/* An empty table; LT_ERR_RESOURCES. */
lt_status lt_table_new(const char *place, lt_weights **out, lt_error *err);
/* Borrows `name` and the memory. Fails when memory is out. */
lt_status lt_table_add(lt_weights *w, lt_entry entry, lt_error *err);
/* Takes a new reference of `part`. */
lt_status lt_table_add_part(lt_weights *w, lt_weights *part, lt_error *err);
/* Sorts what was added, and refuses a name that occurs twice. */
lt_status lt_table_settle(lt_weights *w, lt_error *err);
const lt_entry *lt_table_find(const lt_weights *w, const char *name); /* NULL when absent */
lt_status lt_table_add_checksum(lt_weights *w, lt_checksum checksum, lt_error *err);
/* Reads everything that has a checksum, of all parts. LT_ERR_INPUT when one is wrong. */
lt_status lt_table_verify(const lt_weights *w, lt_error *err);
/* Refuses names that are empty, too long or not printable in a message. */
lt_status lt_table_check_name(const char *place, const char *name, lt_error *err);

/* As lt_weights_open, but nothing is copied: tensors may begin at any byte and, of
 * a .pt file, have any strides. */
lt_status lt_weights_open_raw(const char *path, lt_weights **out, lt_error *err);

#endif
