/* numpy_array.c - "\x93NUMPY", version, header length, a Python
 * dictionary as text, then the values. */
#include "tokenizer/numpy_array.h"

#include <string.h>

static const char magic[] = "\x93NUMPY";

enum { MAGIC_BYTES = 6, MAX_HEADER_BYTES = 4096 };

bool tok_numpy_begins(const uint8_t *data, size_t bytes)
{
    return bytes >= MAGIC_BYTES && memcmp(data, magic, MAGIC_BYTES) == 0;
}

/* ---- the dictionary ---- */

typedef struct {
    const char *at;
    const char *end;
} scanner;

static void skip_space(scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t'))
        s->at++;
}

static bool take(scanner *s, const char *text)
{
    skip_space(s);
    const size_t bytes = strlen(text);
    if ((size_t)(s->end - s->at) < bytes || memcmp(s->at, text, bytes) != 0)
        return false;
    s->at += bytes;
    return true;
}

/* 'text' or "text", without escapes, into `out`. */
static bool take_string(scanner *s, char *out, size_t capacity)
{
    skip_space(s);
    if (s->at == s->end || (*s->at != '\'' && *s->at != '"'))
        return false;
    const char quote = *s->at++;
    size_t used = 0;
    while (s->at < s->end && *s->at != quote && used + 1 < capacity)
        out[used++] = *s->at++;
    out[used] = '\0';
    return s->at < s->end && *s->at++ == quote;
}

static bool take_number(scanner *s, int64_t *out)
{
    skip_space(s);
    const char *begin = s->at;
    *out = 0;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9' && s->at - begin < 18)
        *out = *out * 10 + (*s->at++ - '0');
    return s->at > begin;
}

/* (n,) or (1, 1, n): all sizes but the last are 1. */
static bool take_flat_shape(scanner *s, int64_t *count)
{
    if (!take(s, "(") || !take_number(s, count))
        return false;
    while (take(s, ",")) {
        if (take(s, ")"))
            return true;
        if (*count != 1 || !take_number(s, count))
            return false;
    }
    return take(s, ")");
}

/* What stands in the dictionary; each key once. */
typedef struct {
    char dtype[16];
    int64_t count;
    bool has_dtype;
    bool has_order;
    bool has_shape;
} description;

static bool take_entry(scanner *s, description *d)
{
    char key[24];
    if (!take_string(s, key, sizeof key) || !take(s, ":"))
        return false;
    bool *seen = NULL;
    bool fine = false;
    if (strcmp(key, "descr") == 0) {
        seen = &d->has_dtype;
        fine = take_string(s, d->dtype, sizeof d->dtype);
    } else if (strcmp(key, "fortran_order") == 0) {
        seen = &d->has_order;
        fine = take(s, "False") || take(s, "True"); /* the same for a flat array */
    } else if (strcmp(key, "shape") == 0) {
        seen = &d->has_shape;
        fine = take_flat_shape(s, &d->count);
    }
    if (!fine || *seen)
        return false;
    *seen = true;
    return true;
}

static bool read_dictionary(scanner s, description *d)
{
    *d = (description){.count = 0};
    if (!take(&s, "{"))
        return false;
    while (!take(&s, "}")) {
        if (!take_entry(&s, d))
            return false;
        if (!take(&s, ",")) {
            if (!take(&s, "}"))
                return false;
            break;
        }
    }
    skip_space(&s);
    return s.at == s.end && d->has_dtype && d->has_order && d->has_shape;
}

/* ---- the file ---- */

lt_status tok_numpy_read(const uint8_t *data, size_t bytes, const char *place,
                         const uint8_t **values, int64_t *count, lt_error *err)
{
    if (bytes < 12)
        return lt_fail(err, LT_ERR_INPUT, "%s: a NumPy file that ends in its header", place);
    const int version = data[MAGIC_BYTES];
    const size_t prefix = version == 1 ? 10 : 12;
    size_t header = (size_t)data[8] | (size_t)data[9] << 8;
    if (version > 1)
        header |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    if (version < 1 || version > 3)
        return lt_fail(err, LT_ERR_INPUT, "%s: NumPy format version %d, expected 1 to 3", place,
                       version);
    if (header > MAX_HEADER_BYTES || header > bytes - prefix)
        return lt_fail(err, LT_ERR_INPUT, "%s: a NumPy header of %zu bytes in a file of %zu", place,
                       header, bytes);
    const char *text = (const char *)data + prefix;
    description d;
    if (!read_dictionary((scanner){text, text + header}, &d))
        return lt_fail(err, LT_ERR_INPUT, "%s: its NumPy header does not describe a flat array",
                       place);
    if (strcmp(d.dtype, "<i8") != 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: NumPy type %s, expected <i8", place, d.dtype);
    const size_t stored = bytes - prefix - header;
    if (stored % 8 != 0 || (uint64_t)d.count != stored / 8)
        return lt_fail(err, LT_ERR_INPUT, "%s: %lld values in %zu bytes, expected 8 bytes each",
                       place, (long long)d.count, stored);
    *values = data + prefix + header;
    *count = d.count;
    return LT_OK;
}

int64_t tok_numpy_value(const uint8_t *values, int64_t index)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | values[index * 8 + i];
    return (int64_t)value;
}

void tok_numpy_write(FILE *stream, const uint16_t *values, int64_t count)
{
    char text[128];
    int length =
        snprintf(text, sizeof text, "{'descr': '<i8', 'fortran_order': False, 'shape': (%lld,), }",
                 (long long)count);
    while ((10 + length + 1) % 64 != 0) /* values begin at a multiple of 64 */
        text[length++] = ' ';
    text[length++] = '\n';
    fwrite(magic, 1, MAGIC_BYTES, stream);
    const uint8_t head[4] = {1, 0, (uint8_t)(length & 255), (uint8_t)(length >> 8)};
    fwrite(head, 1, sizeof head, stream);
    fwrite(text, 1, (size_t)length, stream);
    for (int64_t i = 0; i < count; i++) {
        uint8_t bytes[8];
        for (int b = 0; b < 8; b++)
            bytes[b] = (uint8_t)((uint64_t)values[i] >> (8 * b));
        fwrite(bytes, 1, sizeof bytes, stream);
    }
}
