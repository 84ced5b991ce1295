/* pt_writer.c - protocol 2 pickles and stored zip entries. */
#include "tests/support/pt_writer.h"

#include <stdio.h>
#include <string.h>

#include "weights/zip_directory.h"

void pt_begin(byte_list *b)
{
    bytes_put(b, "\x80\x02", 2);
}

void pt_end(byte_list *b)
{
    bytes_text(b, ".");
}

void pt_string(byte_list *b, const char *text)
{
    bytes_text(b, "X");
    bytes_number(b, 4, strlen(text));
    bytes_text(b, text);
}

void pt_int(byte_list *b, int64_t value)
{
    if (value == (int32_t)value) {
        bytes_text(b, "J");
        bytes_number(b, 4, (uint64_t)value);
        return;
    }
    bytes_put(b, "\x8a\x08", 2);
    bytes_number(b, 8, (uint64_t)value);
}

void pt_global(byte_list *b, const char *module, const char *name)
{
    bytes_text(b, "c");
    bytes_text(b, module);
    bytes_text(b, "\n");
    bytes_text(b, name);
    bytes_text(b, "\n");
}

void pt_open_dict(byte_list *b)
{
    bytes_text(b, "}(");
}

void pt_close_dict(byte_list *b)
{
    bytes_text(b, "u");
}

void pt_ints(byte_list *b, int count, const int64_t *value)
{
    bytes_text(b, "(");
    for (int i = 0; i < count; i++)
        pt_int(b, value[i]);
    bytes_text(b, "t");
}

void pt_storage(byte_list *b, const char *module, const char *type, const char *key, int64_t count)
{
    bytes_text(b, "(");
    pt_string(b, "storage");
    pt_global(b, module, type);
    pt_string(b, key);
    pt_string(b, "cpu");
    pt_int(b, count);
    bytes_text(b, "tQ");
}

void pt_tensor(byte_list *b, const pt_view *view)
{
    pt_global(b, "torch._utils", "_rebuild_tensor_v2");
    bytes_text(b, "(");
    pt_storage(b, "torch", view->type, view->key, view->count);
    pt_int(b, view->offset);
    pt_ints(b, view->rank, view->dim);
    pt_ints(b, view->rank, view->stride);
    bytes_put(b, "\x89", 1);
    pt_global(b, "collections", "OrderedDict");
    bytes_text(b, ")RtR");
}

/* Zeros in the local header, the real values in a descriptor behind the data; the data at a
 * multiple of 64. */
static void put_entry(byte_list *b, const pt_record *r, int index, pt_places *places)
{
    char name[256];
    const int name_bytes = snprintf(name, sizeof name, "archive/%s", r->name);
    const size_t header = 30 + (size_t)name_bytes + 4;
    const size_t padding = (64 - (b->bytes + header) % 64) % 64;
    places->local[index] = b->bytes;
    bytes_text(b, "PK\3\4");
    bytes_number(b, 2, 0);
    bytes_number(b, 2, 0x0808);
    for (int i = 0; i < 3; i++)
        bytes_number(b, 2, 0); /* method, time, date */
    for (int i = 0; i < 3; i++)
        bytes_number(b, 4, 0); /* checksum and sizes */
    bytes_number(b, 2, (uint64_t)name_bytes);
    bytes_number(b, 2, 4 + padding);
    bytes_text(b, name);
    bytes_text(b, "FB");
    bytes_number(b, 2, padding);
    for (size_t i = 0; i < padding; i++)
        bytes_text(b, "Z");
    places->data[index] = b->bytes;
    bytes_put(b, r->data, r->bytes);
    bytes_text(b, "PK\7\10");
    bytes_number(b, 4, lt_crc32(r->data, r->bytes));
    bytes_number(b, 4, r->bytes);
    bytes_number(b, 4, r->bytes);
}

static void put_central(byte_list *b, const pt_record *r, int index, pt_places *places)
{
    char name[256];
    const int name_bytes = snprintf(name, sizeof name, "archive/%s", r->name);
    places->central[index] = b->bytes;
    bytes_text(b, "PK\1\2");
    bytes_number(b, 4, 0);
    bytes_number(b, 2, 0x0808);
    for (int i = 0; i < 3; i++)
        bytes_number(b, 2, 0);
    bytes_number(b, 4, lt_crc32(r->data, r->bytes));
    bytes_number(b, 4, r->bytes);
    bytes_number(b, 4, r->bytes);
    bytes_number(b, 2, (uint64_t)name_bytes);
    for (int i = 0; i < 4; i++)
        bytes_number(b, 2, 0); /* extra, comment, disk, attributes */
    bytes_number(b, 4, 0);
    bytes_number(b, 4, places->local[index]);
    bytes_text(b, name);
}

void pt_archive(byte_list *b, const pt_record *records, int count, pt_places *places)
{
    pt_places own;
    pt_places *const p = places ? places : &own;
    for (int i = 0; i < count; i++)
        put_entry(b, &records[i], i, p);
    const size_t directory = b->bytes;
    for (int i = 0; i < count; i++)
        put_central(b, &records[i], i, p);
    const size_t directory_bytes = b->bytes - directory;
    p->end64 = b->bytes;
    bytes_text(b, "PK\6\6");
    bytes_number(b, 8, 44);
    bytes_number(b, 4, 0);
    bytes_number(b, 8, 0); /* disks */
    bytes_number(b, 8, (uint64_t)count);
    bytes_number(b, 8, (uint64_t)count);
    bytes_number(b, 8, directory_bytes);
    bytes_number(b, 8, directory);
    p->locator = b->bytes;
    bytes_text(b, "PK\6\7");
    bytes_number(b, 4, 0);
    bytes_number(b, 8, p->end64);
    bytes_number(b, 4, 1);
    p->end = b->bytes;
    bytes_text(b, "PK\5\6");
    bytes_number(b, 4, 0);
    bytes_number(b, 2, (uint64_t)count);
    bytes_number(b, 2, (uint64_t)count);
    bytes_number(b, 4, directory_bytes);
    bytes_number(b, 4, directory);
    bytes_number(b, 2, 0);
}
