#include "text_encoder/proto_fields.h"

#include <string.h>

proto_cursor proto_open(const unsigned char *bytes, size_t count)
{
    return (proto_cursor){.begin = bytes, .at = bytes, .end = bytes + count};
}

static bool read_varint(proto_cursor *c, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 70 && c->at < c->end; shift += 7) {
        const uint64_t byte = *c->at++;
        if (shift < 64)
            *out |= (byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool read_fixed(proto_cursor *c, size_t count, uint64_t *out)
{
    if ((size_t)(c->end - c->at) < count)
        return false;
    *out = 0;
    for (size_t i = 0; i < count; i++)
        *out |= (uint64_t)c->at[i] << (8 * i);
    c->at += count;
    return true;
}

static bool read_bytes(proto_cursor *c, proto_field *f)
{
    uint64_t count;
    if (!read_varint(c, &count) || count > (uint64_t)(c->end - c->at))
        return false;
    f->bytes = c->at;
    f->count = (size_t)count;
    c->at += count;
    return true;
}

static bool read_value(proto_cursor *c, proto_field *f)
{
    switch (f->wire) {
    case PROTO_VARINT:
        return read_varint(c, &f->value);
    case PROTO_FIXED64:
        return read_fixed(c, 8, &f->value);
    case PROTO_BYTES:
        return read_bytes(c, f);
    case PROTO_FIXED32:
        return read_fixed(c, 4, &f->value);
    }
    return false; /* groups are not used by anybody */
}

bool proto_next(proto_cursor *c, proto_field *f)
{
    if (c->broken || c->at == c->end)
        return false;
    uint64_t tag;
    *f = (proto_field){0};
    c->broken = !read_varint(c, &tag) || tag >> 3 == 0 || tag >> 32 != 0;
    if (c->broken)
        return false;
    f->number = (uint32_t)(tag >> 3);
    f->wire = (proto_wire)(tag & 7);
    c->broken = !read_value(c, f);
    return !c->broken;
}

float proto_float(const proto_field *f)
{
    const uint32_t bits = (uint32_t)f->value;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
