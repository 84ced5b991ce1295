/* zip_directory.c - the central directory, read strictly.
 *
 *     local header, name, extra, data [, descriptor]   per entry
 *     central header, name, extra                      per entry: the directory
 *     [zip64 end record, zip64 locator]
 *     end record                                       22 bytes, without a comment
 */
#include "kernels/core/utf8.h"
#include "weights/zip_directory.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    MOST_DESCRIPTOR_BYTES = 24, /* behind the data: signature, CRC, two 64-bit sizes */
    FLAG_ENCRYPTED = 0x2041,    /* bits 0 and 6; bit 13 hides the directory */
    FLAG_DESCRIPTOR = 0x0008,
    ZIP64_FIELD = 0x0001
};

typedef struct {
    const uint8_t *data;
    uint64_t bytes;
    const char *path;
} source;

/* The directory as the end records describe it. */
typedef struct {
    uint64_t count;
    uint64_t at;
    uint64_t bytes;
} extent;

static uint64_t little_endian(const uint8_t *p, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | p[i];
    return value;
}

static uint16_t u16(const uint8_t *p)
{
    return (uint16_t)little_endian(p, 2);
}

static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)little_endian(p, 4);
}

static uint64_t u64(const uint8_t *p)
{
    return little_endian(p, 8);
}

static bool has_signature(const uint8_t *p, const char *signature)
{
    return memcmp(p, signature, 4) == 0;
}

bool lt_is_zip(const lt_file_map *map)
{
    return map->bytes >= 4 && has_signature(map->data, "PK\3\4");
}

static lt_status broken(const source *s, const char *rule, lt_error *err)
{
    return lt_fail(err, LT_ERR_INPUT, "%s: zip: %s", s->path, rule);
}

static lt_status broken_entry(const source *s, const lt_zip_entry *e, const char *rule,
                              lt_error *err)
{
    return lt_fail(err, LT_ERR_INPUT, "%s: zip entry '%.*s': %s", s->path, (int)e->name_bytes,
                   e->name, rule);
}

/* A 16- or 32-bit field of the end record says the same as its 64-bit twin, or is saturated. */
static bool agrees(uint64_t narrow, uint64_t wide, uint64_t saturated)
{
    return narrow == saturated || narrow == wide;
}

static lt_status read_end64(const source *s, uint64_t end_at, extent *out, lt_error *err)
{
    const uint8_t *const end = s->data + end_at;
    const uint8_t *const locator = end - LOCATOR_BYTES;
    if (end_at < LOCATOR_BYTES + END64_BYTES || u32(locator + 4) != 0 || u32(locator + 16) != 1)
        return broken(s, "its 64-bit locator is damaged", err);
    const uint64_t record_at = end_at - LOCATOR_BYTES - END64_BYTES;
    const uint8_t *const record = s->data + record_at;
    if (u64(locator + 8) != record_at || !has_signature(record, "PK\6\6") ||
        u64(record + 4) != END64_BYTES - 12)
        return broken(s, "its 64-bit end record is not in front of its locator", err);
    const extent wide = {
        .count = u64(record + 32), .bytes = u64(record + 40), .at = u64(record + 48)};
    if (u32(record + 16) != 0 || u32(record + 20) != 0 || u64(record + 24) != wide.count)
        return broken(s, "is split over several disks", err);
    if (!agrees(out->count, wide.count, 0xffff) || !agrees(out->bytes, wide.bytes, 0xffffffff) ||
        !agrees(out->at, wide.at, 0xffffffff))
        return broken(s, "its two end records disagree", err);
    if (wide.at > record_at || wide.bytes != record_at - wide.at)
        return broken(s, "its directory does not end at its end record", err);
    *out = wide;
    return LT_OK;
}

static lt_status read_end(const source *s, extent *out, lt_error *err)
{
    if (s->bytes < END_BYTES || !has_signature(s->data + s->bytes - END_BYTES, "PK\5\6"))
        return broken(s, "has no end record at its end (cut short, or followed by other data)",
                      err);
    const uint64_t end_at = s->bytes - END_BYTES;
    const uint8_t *const end = s->data + end_at;
    if (u16(end + 20) != 0)
        return broken(s, "its end record has a comment", err);
    if (u16(end + 4) != 0 || u16(end + 6) != 0 || u16(end + 8) != u16(end + 10))
        return broken(s, "is split over several disks", err);
    *out = (extent){.count = u16(end + 10), .bytes = u32(end + 12), .at = u32(end + 16)};
    if (end_at >= LOCATOR_BYTES && has_signature(end - LOCATOR_BYTES, "PK\6\7"))
        return read_end64(s, end_at, out, err);
    if (out->at > end_at || out->bytes != end_at - out->at)
        return broken(s, "its directory does not end at its end record", err);
    return LT_OK;
}

/* Replaces the fields that are saturated by those of the 64-bit extra
 * field, in their fixed order. */
static bool widen(const uint8_t *extra, size_t extra_bytes, uint64_t *fields[], int count)
{
    int saturated = 0;
    for (int i = 0; i < count; i++)
        saturated += *fields[i] == 0xffffffff;
    while (extra_bytes >= 4) {
        const size_t length = u16(extra + 2);
        if (length > extra_bytes - 4)
            return false;
        if (u16(extra) == ZIP64_FIELD) {
            const uint8_t *value = extra + 4;
            if (length < 8 * (size_t)saturated)
                return false;
            for (int i = 0; i < count; i++)
                if (*fields[i] == 0xffffffff) {
                    *fields[i] = u64(value);
                    value += 8;
                }
            return true;
        }
        extra += 4 + length;
        extra_bytes -= 4 + length;
    }
    return saturated == 0 && extra_bytes == 0;
}

/* No empty, ".", ".." or absolute part, no backslash. Nothing is ever written under such a name;
 * honest writers have none. */
static bool is_plain_path(const char *name, size_t bytes)
{
    size_t part = 0;
    if (!lt_is_printable_utf8(name, bytes))
        return false;
    for (size_t i = 0; i <= bytes; i++) {
        if (i < bytes && name[i] == '\\')
            return false;
        if (i < bytes && name[i] != '/')
            continue;
        const size_t length = i - part;
        if (length == 0 || (length == 1 && name[part] == '.') ||
            (length == 2 && memcmp(name + part, "..", 2) == 0))
            return false;
        part = i + 1;
    }
    return true;
}

/* Reads one central header, which must fit into `left` bytes; *used says how long it is. */
static lt_status read_central(const source *s, const uint8_t *header, uint64_t left,
                              lt_zip_entry *e, uint64_t *used, lt_error *err)
{
    if (left < CENTRAL_BYTES || !has_signature(header, "PK\1\2"))
        return broken(s, "its directory is damaged", err);
    const size_t name_bytes = u16(header + 28);
    const size_t extra_bytes = u16(header + 30);
    *used = CENTRAL_BYTES + name_bytes + extra_bytes + u16(header + 32);
    if (*used > left)
        return broken(s, "its directory is damaged", err);
    *e = (lt_zip_entry){.name = (const char *)header + CENTRAL_BYTES,
                        .name_bytes = name_bytes,
                        .crc = u32(header + 16)};
    if (name_bytes > LT_MAX_ZIP_NAME_BYTES || !is_plain_path(e->name, name_bytes))
        return broken(s, "an entry's name is empty, too long or no plain path", err);
    if (u16(header + 8) & FLAG_ENCRYPTED)
        return broken_entry(s, e, "is encrypted", err);
    if (u16(header + 10) != 0)
        return broken_entry(s, e, "is compressed; PyTorch stores entries as they are", err);
    if (u16(header + 34) != 0)
        return broken_entry(s, e, "lies on another disk", err);
    uint64_t stored = u32(header + 20);
    e->bytes = u32(header + 24);
    e->header_at = u32(header + 42);
    uint64_t *fields[] = {&e->bytes, &stored, &e->header_at};
    if (!widen(header + CENTRAL_BYTES + name_bytes, extra_bytes, fields, 3))
        return broken_entry(s, e, "its extra field is damaged", err);
    if (stored != e->bytes)
        return broken_entry(s, e, "its two sizes differ", err);
    return LT_OK;
}

/* Finds the data behind the local header, which must tell the same as the directory. */
static lt_status read_local(const source *s, uint64_t directory_at, lt_zip_entry *e, lt_error *err)
{
    if (e->header_at > directory_at || directory_at - e->header_at < LOCAL_BYTES ||
        !has_signature(s->data + e->header_at, "PK\3\4"))
        return broken_entry(s, e, "has no local header", err);
    const uint8_t *const header = s->data + e->header_at;
    const uint64_t before_data = LOCAL_BYTES + (uint64_t)u16(header + 26) + u16(header + 28);
    if (before_data > directory_at - e->header_at ||
        e->bytes > directory_at - e->header_at - before_data)
        return broken_entry(s, e, "its data lies outside the file", err);
    if (u16(header + 26) != e->name_bytes ||
        memcmp(header + LOCAL_BYTES, e->name, e->name_bytes) != 0)
        return broken_entry(s, e, "has another name in its local header", err);
    if (u16(header + 8) != 0 || (u16(header + 6) & FLAG_ENCRYPTED))
        return broken_entry(s, e, "is compressed or encrypted in its local header", err);
    e->data = header + before_data;
    return LT_OK;
}

static int by_place(const void *left, const void *right)
{
    const lt_zip_entry *const a = left;
    const lt_zip_entry *const b = right;
    return (a->header_at > b->header_at) - (a->header_at < b->header_at);
}

static int by_name(const void *left, const void *right)
{
    const lt_zip_entry *const a = left;
    const lt_zip_entry *const b = right;
    const size_t shorter = a->name_bytes < b->name_bytes ? a->name_bytes : b->name_bytes;
    const int order = memcmp(a->name, b->name, shorter);
    return order != 0 ? order : (a->name_bytes > b->name_bytes) - (a->name_bytes < b->name_bytes);
}

/* From the first byte of the file to the directory, entry behind entry, with at
 * most a descriptor between two. */
static lt_status check_ranges(const source *s, lt_zip_directory *zip, uint64_t directory_at,
                              lt_error *err)
{
    qsort(zip->entry, (size_t)zip->count, sizeof *zip->entry, by_place);
    uint64_t end = 0;
    uint64_t allowed = 0;
    for (int i = 0; i < zip->count; i++) {
        const lt_zip_entry *const e = &zip->entry[i];
        if (e->header_at < end)
            return broken_entry(s, e, "overlaps the entry before it", err);
        if (e->header_at - end > allowed)
            return broken_entry(s, e, "bytes in front of it belong to no entry", err);
        end = (uint64_t)(e->data - s->data) + e->bytes;
        allowed = u16(s->data + e->header_at + 6) & FLAG_DESCRIPTOR ? MOST_DESCRIPTOR_BYTES : 0;
    }
    if (directory_at - end > allowed)
        return broken(s, "bytes in front of its directory belong to no entry", err);
    return LT_OK;
}

/* All names begin with the same folder; takes it off. */
static lt_status strip_folder(const source *s, lt_zip_directory *zip, lt_error *err)
{
    const lt_zip_entry first = zip->entry[0];
    const char *const slash = memchr(first.name, '/', first.name_bytes);
    const size_t folder = slash ? (size_t)(slash - first.name) + 1 : 0;
    for (int i = 0; i < zip->count; i++) {
        lt_zip_entry *const e = &zip->entry[i];
        if (folder == 0 || e->name_bytes <= folder || memcmp(e->name, first.name, folder) != 0)
            return broken_entry(s, e, "is not in the same folder as the others", err);
        e->name += folder;
        e->name_bytes -= folder;
    }
    return LT_OK;
}

static lt_status sort_by_name(const source *s, lt_zip_directory *zip, lt_error *err)
{
    qsort(zip->entry, (size_t)zip->count, sizeof *zip->entry, by_name);
    for (int i = 1; i < zip->count; i++)
        if (by_name(&zip->entry[i - 1], &zip->entry[i]) == 0)
            return broken_entry(s, &zip->entry[i], "occurs twice", err);
    return LT_OK;
}

static lt_status read_directory(const source *s, lt_zip_directory *zip, lt_error *err)
{
    extent directory = {0};
    LT_TRY(read_end(s, &directory, err));
    if (directory.count == 0 || directory.count > LT_MAX_ZIP_ENTRIES)
        return lt_fail(err, LT_ERR_INPUT, "%s: zip: has %llu entries, 1 to %d are allowed", s->path,
                       (unsigned long long)directory.count, LT_MAX_ZIP_ENTRIES);
    zip->entry = calloc((size_t)directory.count, sizeof *zip->entry);
    if (!zip->entry)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for its directory", s->path);
    uint64_t left = directory.bytes;
    for (uint64_t i = 0; i < directory.count; i++) {
        uint64_t used = 0;
        LT_TRY(read_central(s, s->data + directory.at + directory.bytes - left, left,
                            &zip->entry[i], &used, err));
        LT_TRY(read_local(s, directory.at, &zip->entry[i], err));
        left -= used;
        zip->count++;
    }
    if (left != 0)
        return broken(s, "its directory holds more entries than it says", err);
    LT_TRY(check_ranges(s, zip, directory.at, err));
    LT_TRY(strip_folder(s, zip, err));
    return sort_by_name(s, zip, err);
}

lt_status lt_zip_open(lt_zip_directory *zip, const lt_file_map *map, const char *path,
                      lt_error *err)
{
    *zip = (lt_zip_directory){0};
    const source s = {.data = map->data, .bytes = map->bytes, .path = path};
    const lt_status status = read_directory(&s, zip, err);
    if (status != LT_OK)
        lt_zip_close(zip);
    return status;
}

void lt_zip_close(lt_zip_directory *zip)
{
    free(zip->entry);
    *zip = (lt_zip_directory){0};
}

const lt_zip_entry *lt_zip_find(const lt_zip_directory *zip, const char *name)
{
    const lt_zip_entry wanted = {.name = name, .name_bytes = strlen(name)};
    return bsearch(&wanted, zip->entry, (size_t)zip->count, sizeof *zip->entry, by_name);
}

enum {
    SLICES = 8,
    WORTH_TABLES = 4096 /* bytes; making the tables takes as long as 2 KiB bit by bit */
};

static uint32_t crc_of_byte(uint32_t value)
{
    for (int bit = 0; bit < 8; bit++)
        value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
    return value;
}

typedef struct {
    uint32_t value[SLICES][256];
} crc_tables;

static void make_tables(crc_tables *t)
{
    for (uint32_t i = 0; i < 256; i++)
        t->value[0][i] = crc_of_byte(i);
    for (int slice = 1; slice < SLICES; slice++)
        for (int i = 0; i < 256; i++)
            t->value[slice][i] =
                t->value[slice - 1][i] >> 8 ^ t->value[0][t->value[slice - 1][i] & 0xff];
}

/* Eight bytes a step, one table each ("slicing by 8"). */
static uint32_t crc_by_tables(uint32_t crc, const uint8_t *data, uint64_t bytes)
{
    crc_tables t;
    make_tables(&t);
    for (; bytes >= 8; data += 8, bytes -= 8) {
        const uint32_t low = crc ^ u32(data);
        const uint32_t high = u32(data + 4);
        crc = t.value[7][low & 0xff] ^ t.value[6][low >> 8 & 0xff] ^ t.value[5][low >> 16 & 0xff] ^
              t.value[4][low >> 24] ^ t.value[3][high & 0xff] ^ t.value[2][high >> 8 & 0xff] ^
              t.value[1][high >> 16 & 0xff] ^ t.value[0][high >> 24];
    }
    return crc;
}

uint32_t lt_crc32(const uint8_t *data, uint64_t bytes)
{
    uint32_t crc = 0xffffffffu;
    if (bytes >= WORTH_TABLES) {
        crc = crc_by_tables(crc, data, bytes);
        data += bytes / 8 * 8;
        bytes %= 8;
    }
    for (; bytes > 0; data++, bytes--)
        crc = crc >> 8 ^ crc_of_byte((crc ^ *data) & 0xff);
    return ~crc;
}
