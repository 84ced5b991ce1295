/* whole_file.c - reading in pieces that double, so that pipes work and small files
 * take little; see whole_file.h. */
#include "kernels/core/whole_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/core/file_error.h"

enum { FIRST_BYTES = 1 << 16 };

lt_status lt_stream_read_to(FILE *stream, const char *place, size_t end, char **data, size_t *bytes,
                            lt_error *err)
{
    for (bool more = true; more && *bytes < end;) {
        const size_t piece = *bytes < FIRST_BYTES ? FIRST_BYTES : *bytes;
        const size_t wanted = end - *bytes < piece ? end - *bytes : piece;
        char *const grown = realloc(*data, *bytes + wanted + 1);
        if (!grown)
            return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to read it", place);
        *data = grown;
        const size_t got = fread(grown + *bytes, 1, wanted, stream);
        if (ferror(stream))
            return lt_fail_to_read(place, err);
        *bytes += got;
        grown[*bytes] = '\0';
        more = got == wanted;
    }
    return LT_OK;
}

/* One byte more shows that there is too much. */
static lt_status read_all(FILE *stream, const char *place, size_t most, const char *what,
                          char **data, size_t *bytes, lt_error *err)
{
    LT_TRY(lt_stream_read_to(stream, place, most + 1, data, bytes, err));
    return *bytes <= most ? LT_OK
                          : lt_fail(err, LT_ERR_INPUT, "%s: found more than %zu KiB, expected %s",
                                    place, most >> 10, what);
}

lt_status lt_whole_stream_read(FILE *stream, const char *place, size_t most, const char *what,
                               char **data, size_t *bytes, lt_error *err)
{
    *data = NULL;
    *bytes = 0;
    const lt_status s = read_all(stream, place, most, what, data, bytes, err);
    if (s != LT_OK) {
        free(*data);
        *data = NULL;
    }
    return s;
}

lt_status lt_whole_file_read(const char *path, size_t most, const char *what, char **data,
                             size_t *bytes, lt_error *err)
{
    *data = NULL;
    *bytes = 0;
    FILE *const file = fopen(path, "rbe");
    if (!file)
        return lt_fail_to_read(path, err);
    const lt_status s = lt_whole_stream_read(file, path, most, what, data, bytes, err);
    fclose(file);
    return s;
}

lt_status lt_path_beside(const char *place, const char *name, char **path, lt_error *err)
{
    const char *slash = name[0] == '/' ? NULL : strrchr(place, '/');
    const int folder = slash ? (int)(slash + 1 - place) : 0;
    if (asprintf(path, "%.*s%s", folder, place, name) >= 0)
        return LT_OK;
    *path = NULL;
    return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", place);
}
