/* config_fields.h - the tables: every key of a configuration, what it holds, where it goes and what
 * it may be.
 *
 * A table describes one section and the struct it fills. The table of a whole model has one field
 * per section. Reading YAML, golden files and `--set`, printing, and the list in configs/README.md
 * all follow these tables.
 */
#ifndef CFG_CONFIG_FIELDS_H
#define CFG_CONFIG_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    CFG_INT,       /* int */
    CFG_REAL,      /* double */
    CFG_FLOAT,     /* float */
    CFG_CHOICE,    /* an enum whose values count from 0: one of the words */
    CFG_INT_LIST,  /* int[capacity] */
    CFG_REAL_LIST, /* double[capacity] */
    CFG_SECTION    /* a struct with its own table */
} cfg_field_kind;

typedef struct cfg_table cfg_table;

typedef struct {
    const char *key;
    cfg_field_kind kind;
    bool optional; /* may be absent: the struct then keeps what it was filled with before reading */
    size_t at;     /* bytes from the start of the section's struct */
    double low;    /* range of the value, or of each value of a list */
    double high;
    const char *unit;         /* of a value in words; NULL where it is a plain count */
    const char *const *words; /* of a choice, NULL-terminated */
    int shortest;             /* of a list */
    int capacity;
    size_t count_at; /* the int that holds a list's length; CFG_FIXED where shortest == capacity */
    const cfg_table *section;
    const cfg_table *split; /* of a section, or NULL: read instead, into the parent's struct, where
                               its keys are found */
} cfg_field;

#define CFG_FIXED ((size_t)-1)

enum { CFG_PATH_BYTES = 96 }; /* of "section.section.key" */

struct cfg_table {
    const cfg_field *fields;
    int count;
};

extern const cfg_table cfg_text_table;      /* cfg_text */
extern const cfg_table cfg_tokenizer_table; /* cfg_tokenizer */
extern const cfg_table cfg_ar_table;        /* cfg_ar */
extern const cfg_table cfg_mmdit_table;     /* cfg_mmdit */
extern const cfg_table cfg_vae_table;       /* cfg_vae */
extern const cfg_table cfg_pipeline_table;  /* cfg_pipeline */
/* cfg_model. The section text_encoder fills text_ar, or both encoders where it is
 * split into `ar` and `mmdit`. */
extern const cfg_table cfg_model_table;

/* NULL when there is no such key. */
const cfg_field *cfg_find_field(const cfg_table *table, const char *key);

#endif
