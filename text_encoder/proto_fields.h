/* proto_fields.h - the fields of a protocol-buffer message, one after the other, never past its
 * end.
 *
 *     proto_cursor c = proto_open(bytes, count);
 *     proto_field f;
 *     while (proto_next(&c, &f)) ...
 *     if (c.broken) ...          // c.at says where
 */
#ifndef TEXT_PROTO_FIELDS_H
#define TEXT_PROTO_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { PROTO_VARINT = 0, PROTO_FIXED64 = 1, PROTO_BYTES = 2, PROTO_FIXED32 = 5 } proto_wire;

typedef struct {
    uint32_t number;
    proto_wire wire;
    uint64_t value;             /* of a varint or a fixed-size field */
    const unsigned char *bytes; /* of PROTO_BYTES: inside the message */
    size_t count;
} proto_field;

typedef struct {
    const unsigned char *begin;
    const unsigned char *at;
    const unsigned char *end;
    bool broken;
} proto_cursor;

proto_cursor proto_open(const unsigned char *bytes, size_t count);
/* False at the end, and where the framing is broken: a field that goes past
 * the end, an unknown wire type. */
bool proto_next(proto_cursor *c, proto_field *f);
/* The value of a PROTO_FIXED32 field as a float. */
float proto_float(const proto_field *f);

#endif
