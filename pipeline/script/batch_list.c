/* batch_list.c */
#include "pipeline/script/batch_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/core/whole_file.h"
#include "pipeline/output_kind.h"
#include "pipeline/take_settings.h"
#include "pipeline/take_video.h"

enum { MOST_BYTES = 16 << 20 };

static lt_status read_text(batch_list *b, lt_error *err)
{
    const char *what = "lines of text";
    size_t n;
    LT_TRY(strcmp(b->path, "-") == 0
               ? lt_whole_stream_read(stdin, "standard input", MOST_BYTES, what, &b->text, &n, err)
               : lt_whole_file_read(b->path, MOST_BYTES, what, &b->text, &n, err));
    return memchr(b->text, '\0', n)
               ? lt_fail(err, LT_ERR_INPUT, "%s: found a zero byte, expected lines of text",
                         b->path)
               : LT_OK;
}

/* The lines that say something, cut off in the text. */
static lt_status find_lines(batch_list *b, lt_error *err)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf"; /* that some editors begin a file with */
    int64_t number = 1;
    char *at = b->text;
    if (strncmp(at, byte_order_mark, strlen(byte_order_mark)) == 0)
        at += strlen(byte_order_mark);
    for (; *at; number++) {
        const size_t length = strcspn(at, "\n");
        char *next = at + length + (at[length] == '\n');
        at[length - (length > 0 && at[length - 1] == '\r')] = '\0';
        if (!batch_line_is_empty(at)) {
            batch_entry *grown = realloc(b->entry, (size_t)(b->lines + 1) * sizeof *grown);
            if (!grown)
                return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", b->path);
            b->entry = grown;
            b->entry[b->lines++] = (batch_entry){.text = at, .number = number};
        }
        at = next;
    }
    return b->lines > 0 ? LT_OK : lt_fail(err, LT_ERR_INPUT, "%s: found no prompt", b->path);
}

lt_status batch_list_open(batch_list *b, const char *path, const char *folder,
                          const longtake_request *request, lt_error *err)
{
    *b = (batch_list){.path = path, .folder = folder, .request = request};
    if (!folder)
        return lt_fail(err, LT_ERR_USAGE, "--output-dir: found none, expected a folder");
    LT_TRY(read_text(b, err));
    return find_lines(b, err);
}

lt_status batch_list_folder(const batch_list *b, bool *made, lt_error *err)
{
    struct stat st;
    *made = mkdir(b->folder, 0777) == 0;
    if (*made)
        return LT_OK;
    if (errno == ENOSPC || errno == EDQUOT)
        return lt_fail(err, LT_ERR_RESOURCES, "--output-dir: %s cannot be made: %s", b->folder,
                       strerror(errno));
    if (errno != EEXIST)
        return lt_fail(err, LT_ERR_USAGE, "--output-dir: found %s, which cannot be made: %s",
                       b->folder, strerror(errno));
    if (stat(b->folder, &st) != 0 || !S_ISDIR(st.st_mode))
        return lt_fail(err, LT_ERR_USAGE, "--output-dir: found %s, which is no folder", b->folder);
    return LT_OK;
}

void batch_list_close(batch_list *b)
{
    for (int64_t i = 0; i < b->lines; i++) {
        free(b->entry[i].output);
        free(b->entry[i].growing);
    }
    free(b->entry);
    free(b->text);
    *b = (batch_list){0};
}

void batch_list_place(const batch_list *b, int64_t i, char place[BATCH_PLACE_BYTES])
{
    snprintf(place, BATCH_PLACE_BYTES, "%s:%lld", b->path, (long long)b->entry[i].number);
}

void batch_list_message(const batch_list *b, int64_t i, const char *message, char *text,
                        size_t bytes)
{
    char place[BATCH_PLACE_BYTES];
    batch_list_place(b, i, place);
    const size_t length = strlen(place);
    const bool there = strncmp(message, place, length) == 0 && message[length] == ':';
    snprintf(text, bytes, "%s%s%s", there ? "" : place, there ? "" : ": ", message);
}

/* "FOLDER/0007.mp4" or "FOLDER/NAME". */
static lt_status name_output(batch_list *b, int64_t i, const char *own, const char *place,
                             lt_error *err)
{
    const char *format = b->request->format ? b->request->format : "mp4";
    const size_t length = strlen(b->folder);
    const size_t bytes = length + strlen(own ? own : format) + 32;
    const char *slash = length > 0 && b->folder[length - 1] == '/' ? "" : "/";
    char *name = malloc(bytes);
    if (!name)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", place);
    if (own)
        snprintf(name, bytes, "%s%s%s", b->folder, slash, own);
    else
        snprintf(name, bytes, "%s%s%04lld.%s", b->folder, slash, (long long)b->entry[i].number,
                 format);
    free(b->entry[i].output);
    b->entry[i].output = name;
    return LT_OK;
}

static bool is_same_name(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static lt_status check_output(const batch_list *b, int64_t i, const char *place, lt_error *err)
{
    const batch_entry *own = &b->entry[i];
    for (int64_t k = 0; k < i; k++) {
        const batch_entry *other = &b->entry[k];
        if (is_same_name(other->output, own->output))
            return lt_fail(err, LT_ERR_INPUT, "%s: the output is %s, which a line before has",
                           place, own->output);
        if (is_same_name(other->growing, own->output))
            return lt_fail(err, LT_ERR_INPUT,
                           "%s: the output is %s, which that of line %lld is while it grows", place,
                           own->output, (long long)other->number);
        if (is_same_name(other->output, own->growing))
            return lt_fail(err, LT_ERR_INPUT,
                           "%s: while it grows the output is %s, which is that of line %lld", place,
                           own->growing, (long long)other->number);
    }
    return LT_OK;
}

/* Names that another line has are none. */
static lt_status settle_output(batch_list *b, int64_t i, const char *own, const char *place,
                               lt_error *err)
{
    batch_entry *e = &b->entry[i];
    LT_TRY(name_output(b, i, own, place, err));
    const media_kind *video = take_video_named(e->output);
    free(e->growing);
    e->growing = video && video->grows ? take_growing_name(e->output) : NULL;
    if (video && video->grows && !e->growing)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", place);
    const lt_status s = check_output(b, i, place, err);
    if (s != LT_OK) {
        free(e->output);
        free(e->growing);
        e->output = NULL;
        e->growing = NULL;
    }
    return s;
}

/* The line's settings, and those of the request where it says nothing. */
static longtake_settings lay_over(const longtake_settings *line, const longtake_settings *base)
{
    longtake_settings s = *line;
    take_settings_fill(base, &s);
    if (s.seconds < 0 && s.frames < 0) {
        s.seconds = base->seconds;
        s.frames = base->frames;
        s.semantic_frames = base->semantic_frames;
    }
    s.width = base->width;
    s.height = base->height;
    s.fit = base->fit;
    return s;
}

lt_status batch_list_take(batch_list *b, int64_t i, batch_take *out, lt_error *err)
{
    char place[BATCH_PLACE_BYTES];
    batch_list_place(b, i, place);
    *out = (batch_take){.request = *b->request};
    LT_TRY(batch_line_read(b->entry[i].text, place, &out->line, err));
    LT_TRY(settle_output(b, i, out->line.output, place, err));
    out->request.prompt = out->line.prompt;
    out->request.output = b->entry[i].output;
    if (out->line.output)
        out->request.format = NULL; /* the name says it */
    out->request.settings = lay_over(&out->line.settings, &b->request->settings);
    return LT_OK;
}

void batch_take_clear(batch_take *t)
{
    batch_line_clear(&t->line);
    *t = (batch_take){0};
}
