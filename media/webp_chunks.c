/* webp_chunks.c - see webp_chunks.h. */
#include "media/webp_chunks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes before the chunks; before what is in one; of VP8X; of ANMF before its picture. */
enum { FILE_HEADER = 12, CHUNK_HEADER = 8, CANVAS_BYTES = 10, PLACE_BYTES = 16 };
enum { HAS_ANIMATION = 0x02, HAS_XMP = 0x04, HAS_ALPHA = 0x10 }; /* of VP8X */
enum { TIME_AT = 12, REPLACES = 0x02 }; /* of ANMF: its 24 bits of time; no blending */
static const int64_t longest_time = (1 << 24) - 1;
static const off_t most_bytes = (off_t)1 << 30;

static const char xmp_begin[] =
    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">"
    "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
    "<rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">"
    "<dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">";
static const char xmp_end[] =
    "</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>";

/* ---- numbers ---- */

static uint32_t number_at(const uint8_t *at, int bytes)
{
    uint32_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static void put_number(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* ---- chunks ---- */

typedef struct {
    const uint8_t *at; /* the next chunk */
    const uint8_t *end;
    const uint8_t *name; /* of this one: four letters */
    const uint8_t *data;
    size_t bytes;
} chunk_walk;

static bool is_webp(const uint8_t *data, size_t bytes)
{
    return bytes >= FILE_HEADER && memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WEBP", 4) == 0;
}

/* Where the file says that it ends. */
static size_t told_end(const uint8_t *data)
{
    return CHUNK_HEADER + (size_t)number_at(data + 4, 4);
}

/* What stands behind the end is none of it. */
static chunk_walk walk_of(const uint8_t *data, size_t bytes)
{
    const size_t end = told_end(data) < bytes ? told_end(data) : bytes;
    return (chunk_walk){.at = data + FILE_HEADER,
                        .end = data + (end > FILE_HEADER ? end : FILE_HEADER)};
}

/* False at the end, and where a chunk is not whole; then w->at is not w->end. */
static bool next_chunk(chunk_walk *w)
{
    const size_t left = (size_t)(w->end - w->at);
    if (left < CHUNK_HEADER)
        return false;
    const size_t bytes = number_at(w->at + 4, 4);
    if (bytes > left - CHUNK_HEADER)
        return false;
    w->name = w->at;
    w->data = w->at + CHUNK_HEADER;
    w->bytes = bytes;
    w->at = w->data + bytes;
    if (bytes % 2 != 0 && w->at < w->end)
        w->at++;
    return true;
}

static bool is_named(const chunk_walk *w, const char *name)
{
    return memcmp(w->name, name, 4) == 0;
}

/* ---- XMP ---- */

static const struct {
    char letter;
    const char *written;
} escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}};
enum { ESCAPES = sizeof escapes / sizeof *escapes, LONGEST_ESCAPE = 5 };

/* free() it; NULL when memory is out. */
static char *xmp_of(const char *comment)
{
    const size_t most = sizeof xmp_begin + LONGEST_ESCAPE * strlen(comment) + sizeof xmp_end;
    char *const xmp = malloc(most);
    if (!xmp)
        return NULL;
    char *to = stpcpy(xmp, xmp_begin);
    for (const char *c = comment; *c; c++) {
        const char *written = NULL;
        for (int i = 0; i < ESCAPES && !written; i++)
            written = *c == escapes[i].letter ? escapes[i].written : NULL;
        if (written)
            to = stpcpy(to, written);
        else
            *to++ = *c;
    }
    (void)stpcpy(to, xmp_end);
    return xmp;
}

/* What xmp_of made, or NULL, as of XMP by anybody else. */
static char *comment_of(const uint8_t *xmp, size_t bytes)
{
    const size_t begin = sizeof xmp_begin - 1;
    const size_t end = sizeof xmp_end - 1;
    if (bytes < begin + end || memcmp(xmp, xmp_begin, begin) != 0 ||
        memcmp(xmp + bytes - end, xmp_end, end) != 0)
        return NULL;
    const char *from = (const char *)xmp + begin;
    const char *const last = (const char *)xmp + bytes - end;
    char *const comment = malloc((size_t)(last - from) + 1);
    char *to = comment;
    while (comment && from < last) {
        size_t read = 1;
        *to = *from;
        for (int i = 0; i < ESCAPES; i++) {
            const size_t length = strlen(escapes[i].written);
            if ((size_t)(last - from) >= length && memcmp(from, escapes[i].written, length) == 0) {
                *to = escapes[i].letter;
                read = length;
            }
        }
        to++;
        from += read;
    }
    if (comment)
        *to = '\0';
    return comment;
}

/* ---- reading ---- */

lt_status media_webp_read(const uint8_t *data, size_t bytes, const char *name, media_webp_info *out,
                          lt_error *err)
{
    *out = (media_webp_info){0};
    if (!is_webp(data, bytes))
        return LT_OK;
    chunk_walk w = walk_of(data, bytes);
    while (next_chunk(&w)) {
        if (is_named(&w, "VP8X") && w.bytes >= CANVAS_BYTES) {
            out->animated = w.data[0] & HAS_ANIMATION;
            out->width = (int)number_at(w.data + 4, 3) + 1;
            out->height = (int)number_at(w.data + 7, 3) + 1;
        } else if (is_named(&w, "ANMF") && w.bytes >= PLACE_BYTES) {
            out->pictures++;
            out->milliseconds += number_at(w.data + TIME_AT, 3);
        } else if (is_named(&w, "XMP ") && !out->comment) {
            out->comment = comment_of(w.data, w.bytes);
        }
    }
    const bool whole = w.at == w.end && told_end(data) <= bytes;
    if (!out->animated || (whole && out->pictures > 0))
        return LT_OK;
    const long long pictures = (long long)out->pictures;
    media_webp_info_clear(out);
    return lt_fail(err, LT_ERR_INPUT, "%s: animated WebP, damaged or cut off after %lld pictures",
                   name, pictures);
}

/* NULL where it is none, or memory is out. */
static uint8_t *load(int fd, size_t *bytes)
{
    struct stat st;
    uint8_t header[FILE_HEADER];
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > most_bytes ||
        pread(fd, header, sizeof header, 0) != (ssize_t)sizeof header ||
        !is_webp(header, sizeof header))
        return NULL;
    uint8_t *const data = malloc((size_t)st.st_size);
    *bytes = 0;
    while (data && *bytes < (size_t)st.st_size) {
        const ssize_t got = pread(fd, data + *bytes, (size_t)st.st_size - *bytes, (off_t)*bytes);
        if (got <= 0)
            break;
        *bytes += (size_t)got;
    }
    return data;
}

lt_status media_webp_look(const char *path, media_webp_info *out, lt_error *err)
{
    *out = (media_webp_info){0};
    const bool standard = strcmp(path, "-") == 0;
    struct stat st;
    if (!standard && (stat(path, &st) != 0 || !S_ISREG(st.st_mode))) /* a pipe is opened once */
        return LT_OK;
    const int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return LT_OK;
    size_t bytes = 0;
    uint8_t *const data = load(fd, &bytes);
    if (!standard)
        (void)close(fd);
    const lt_status s = data ? media_webp_read(data, bytes, path, out, err) : LT_OK;
    free(data);
    return s;
}

void media_webp_info_clear(media_webp_info *info)
{
    free(info->comment);
    *info = (media_webp_info){0};
}

/* ---- writing ---- */

static uint8_t *append(media_webp_file *f, const void *data, size_t bytes)
{
    uint8_t *const larger = f->failed ? NULL : realloc(f->data, f->bytes + bytes);
    f->failed = !larger;
    if (!larger)
        return NULL;
    f->data = larger;
    memcpy(larger + f->bytes, data, bytes);
    f->bytes += bytes;
    return larger + f->bytes - bytes;
}

/* The head of a chunk whose contents follow. */
static void append_head(media_webp_file *f, const char *name, size_t bytes)
{
    uint8_t head[CHUNK_HEADER];
    memcpy(head, name, 4);
    put_number(head + 4, bytes, 4);
    append(f, head, sizeof head);
}

static void append_chunk(media_webp_file *f, const char *name, const void *data, size_t bytes)
{
    append_head(f, name, bytes);
    append(f, data, bytes);
    if (bytes % 2 != 0)
        append(f, "", 1);
}

void media_webp_begin(media_webp_file *f, int width, int height)
{
    uint8_t canvas[CANVAS_BYTES] = {HAS_ANIMATION};
    static const uint8_t forever_on_white[] = {0xff, 0xff, 0xff, 0xff, 0, 0};
    *f = (media_webp_file){.width = width, .height = height};
    put_number(canvas + 4, (uint64_t)width - 1, 3);
    put_number(canvas + 7, (uint64_t)height - 1, 3);
    append(f, "RIFF....WEBP", FILE_HEADER);
    append_chunk(f, "VP8X", canvas, sizeof canvas);
    append_chunk(f, "ANIM", forever_on_white, sizeof forever_on_white);
}

static void set_flag(media_webp_file *f, uint8_t flag)
{
    if (!f->failed)
        f->data[FILE_HEADER + CHUNK_HEADER] |= flag;
}

/* Pictures of an animation; the first is whole, as libwebp makes it. */
static void add_pictures(media_webp_file *f, chunk_walk w, int64_t milliseconds)
{
    size_t last_at = 0; /* where the last picture's time stands */
    while (next_chunk(&w))
        if (is_named(&w, "ANMF") && w.bytes >= PLACE_BYTES && !f->failed) {
            if (last_at > 0)
                milliseconds -= number_at(f->data + last_at, 3);
            last_at = f->bytes + CHUNK_HEADER + TIME_AT;
            append_chunk(f, "ANMF", w.data, w.bytes);
        }
    const int64_t most = milliseconds < longest_time ? milliseconds : longest_time;
    if (last_at > 0 && !f->failed)
        put_number(f->data + last_at, (uint64_t)(most > 0 ? most : 0), 3);
}

static bool is_picture(const chunk_walk *w)
{
    return is_named(w, "ALPH") || is_named(w, "VP8 ") || is_named(w, "VP8L");
}

/* One picture all over. */
static void add_still(media_webp_file *f, chunk_walk w, int64_t milliseconds)
{
    uint8_t place[PLACE_BYTES] = {0};
    const int64_t most = milliseconds < longest_time ? milliseconds : longest_time;
    put_number(place + 6, (uint64_t)f->width - 1, 3);
    put_number(place + 9, (uint64_t)f->height - 1, 3);
    put_number(place + TIME_AT, (uint64_t)(most > 0 ? most : 0), 3);
    place[PLACE_BYTES - 1] = REPLACES;
    size_t bytes = sizeof place;
    for (chunk_walk c = w; next_chunk(&c);)
        bytes += is_picture(&c) ? CHUNK_HEADER + c.bytes + c.bytes % 2 : 0;
    append_head(f, "ANMF", bytes);
    append(f, place, sizeof place);
    while (next_chunk(&w))
        if (is_picture(&w))
            append_chunk(f, (const char *)w.name, w.data, w.bytes);
}

void media_webp_add_part(media_webp_file *f, const uint8_t *part, size_t bytes,
                         int64_t milliseconds)
{
    f->failed = f->failed || !part || !is_webp(part, bytes);
    if (f->failed)
        return;
    const chunk_walk all = walk_of(part, bytes);
    bool animated = false;
    for (chunk_walk w = all; next_chunk(&w);) {
        animated = animated || is_named(&w, "ANMF");
        if (is_named(&w, "VP8X") && w.bytes >= CANVAS_BYTES)
            set_flag(f, w.data[0] & HAS_ALPHA);
    }
    if (animated)
        add_pictures(f, all, milliseconds);
    else
        add_still(f, all, milliseconds);
}

bool media_webp_end(media_webp_file *f, const char *comment)
{
    char *const xmp = comment ? xmp_of(comment) : NULL;
    f->failed = f->failed || (comment && !xmp);
    if (xmp) {
        set_flag(f, HAS_XMP);
        append_chunk(f, "XMP ", xmp, strlen(xmp));
    }
    free(xmp);
    if (!f->failed)
        put_number(f->data + 4, f->bytes - CHUNK_HEADER, 4);
    return !f->failed;
}

void media_webp_drop(media_webp_file *f)
{
    free(f->data);
    *f = (media_webp_file){0};
}
