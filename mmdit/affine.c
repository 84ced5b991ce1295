/* affine.c - see affine.h. */
#include "mmdit/affine.h"

#include <stdarg.h>
#include <stdio.h>

enum { NAME_BYTES = 256 };

static void bind_pair(lt_binder *b, dit_affine *p, lt_role role, lt_shape shape, const char *name,
                      va_list values)
{
    char text[NAME_BYTES];
    vsnprintf(text, sizeof text, name, values);
    lt_bind(b, &p->weight, role, shape, "%s.weight", text);
    lt_bind(b, &p->bias, LT_ROLE_VECTOR, lt_shape1(shape.dim[0]), "%s.bias", text);
}

void dit_bind_linear(lt_binder *b, dit_affine *p, int out, int in, const char *name, ...)
{
    va_list values;
    va_start(values, name);
    bind_pair(b, p, LT_ROLE_MATRIX, lt_shape2(out, in), name, values);
    va_end(values);
}

void dit_bind_norm(lt_binder *b, dit_affine *p, int width, const char *name, ...)
{
    va_list values;
    va_start(values, name);
    bind_pair(b, p, LT_ROLE_VECTOR, lt_shape1(width), name, values);
    va_end(values);
}

void dit_bind_conv(lt_binder *b, dit_affine *p, int out, int in, int size, const char *name, ...)
{
    va_list values;
    va_start(values, name);
    bind_pair(b, p, LT_ROLE_CONV, lt_shape4(out, in, size, size), name, values);
    va_end(values);
}
