/* pt_writer.h - small PyTorch files, as torch.save lays them out, and where to bend them.
 *
 *     byte_list pickle = {0};
 *     pt_begin(&pickle);
 *     pt_open_dict(&pickle);
 *     pt_string(&pickle, "a");
 *     pt_tensor(&pickle, &(pt_view){.type = "FloatStorage", .key = "0", .count = 6, .rank = 2,
 *                                    .dim = {2, 3}, .stride = {3, 1}});
 *     pt_close_dict(&pickle);
 *     pt_end(&pickle);
 *     const pt_record records[] = {{"data.pkl", pickle.data, pickle.bytes},
 *                                  {"data/0", values, sizeof values}, {"version", "3\n", 2}};
 *     pt_archive(&file, records, 3, &places);
 */
#ifndef TEST_PT_WRITER_H
#define TEST_PT_WRITER_H

#include "tests/support/byte_list.h"

enum { PT_MAX_RANK = 9, PT_MAX_RECORDS = 512 };

typedef struct {
    const char *type; /* in the module torch */
    const char *key;
    int64_t count;
    int64_t offset;
    int rank;
    int64_t dim[PT_MAX_RANK];
    int64_t stride[PT_MAX_RANK];
} pt_view;

void pt_begin(byte_list *b);
void pt_end(byte_list *b);
void pt_string(byte_list *b, const char *text);
void pt_int(byte_list *b, int64_t value);
void pt_global(byte_list *b, const char *module, const char *name);
void pt_open_dict(byte_list *b); /* an empty dict and a mark; keys and values follow */
void pt_close_dict(byte_list *b);
void pt_storage(byte_list *b, const char *module, const char *type, const char *key, int64_t count);
void pt_tensor(byte_list *b, const pt_view *view);
void pt_ints(byte_list *b, int count, const int64_t *value); /* a tuple */

typedef struct {
    const char *name; /* below the folder "archive/" */
    const void *data;
    size_t bytes;
} pt_record;

/* Where the parts of an archive begin. */
typedef struct {
    size_t local[PT_MAX_RECORDS];
    size_t data[PT_MAX_RECORDS];
    size_t central[PT_MAX_RECORDS];
    size_t end64;
    size_t locator;
    size_t end;
} pt_places;

/* `places` may be NULL */
void pt_archive(byte_list *b, const pt_record *records, int count, pt_places *places);

#endif
