/* batch.c - a list of prompts, one take after the other. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernels/core/whole_file.h"
#include "pipeline/engine.h"
#include "pipeline/script/batch_line.h"
#include "pipeline/script/film_keys.h"
#include "pipeline/take_task.h"

enum { MOST_BYTES = 16 << 20, PLACE_BYTES = 4096 };

typedef struct {
    const char *text;
    int64_t number; /* in the file, from 1 */
} prompt_line;

typedef struct {
    longtake *engine;
    const char *path;
    const char *folder;
    const longtake_request *request;
    longtake_batch_fn fn;
    void *user;
    char **output; /* of the lines so far, to tell when two are the same */
    int64_t outputs;
    prompt_line *line; /* those that say something */
    int64_t lines;
    int64_t failed;
} batch_run;

static lt_status read_lines(const char *path, char **text, lt_error *err)
{
    const char *what = "lines of text";
    size_t n;
    LT_TRY(strcmp(path, "-") == 0 ? lt_whole_stream_read(stdin, path, MOST_BYTES, what, text, &n, err)
                                  : lt_whole_file_read(path, MOST_BYTES, what, text, &n, err));
    if (!memchr(*text, '\0', n))
        return LT_OK;
    free(*text);
    *text = NULL;
    return lt_fail(err, LT_ERR_INPUT, "%s: found a zero byte, expected lines of text", path);
}

/* "FOLDER/0007.mp4" or "FOLDER/NAME"; remembered, so that no line writes over another. */
static lt_status name_output(batch_run *b, const batch_line *l, int64_t line, const char *place,
                             const char **out, lt_error *err)
{
    const char *format = b->request->format ? b->request->format : "mp4";
    const size_t bytes = strlen(b->folder) + (l->output ? strlen(l->output) : strlen(format)) + 32;
    char **grown = realloc(b->output, (size_t)(b->outputs + 1) * sizeof *grown);
    char *name = malloc(bytes);
    if (grown)
        b->output = grown;
    if (!grown || !name) {
        free(name);
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", place);
    }
    const size_t length = strlen(b->folder);
    const char *slash = length > 0 && b->folder[length - 1] == '/' ? "" : "/";
    if (l->output)
        snprintf(name, bytes, "%s%s%s", b->folder, slash, l->output);
    else
        snprintf(name, bytes, "%s%s%04lld.%s", b->folder, slash, (long long)line, format);
    for (int64_t i = 0; i < b->outputs; i++)
        if (strcmp(b->output[i], name) == 0) {
            const lt_status s =
                lt_fail(err, LT_ERR_INPUT, "%s: the output is %s, which a line before has", place, name);
            free(name);
            return s;
        }
    b->output[b->outputs++] = name;
    *out = name;
    return LT_OK;
}

/* The line's settings, and those of the request where it says nothing. */
static longtake_settings lay_over(const longtake_settings *line, const longtake_settings *base)
{
    longtake_settings s = *line;
    film_keep_settings(base, &s);
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

/* Which of the lines is next; false: to stop is the answer. */
static bool tell_line(const batch_run *b, int64_t i, const char *place, const char *output)
{
    char text[2 * PLACE_BYTES];
    snprintf(text, sizeof text, "%s: %lld of %lld, %s", place, (long long)i + 1, (long long)b->lines, output);
    return take_tell_request(b->request, text);
}

static longtake_status generate_line(batch_run *b, int64_t i, const char *place, longtake_batch_line *told,
                                     longtake_result *result, longtake_error *error)
{
    lt_error err = {0};
    batch_line l = {0};
    longtake_request r = *b->request;
    lt_status s = batch_line_read(b->line[i].text, place, &l, &err);
    if (s == LT_OK)
        s = name_output(b, &l, b->line[i].number, place, &told->output, &err);
    if (s != LT_OK) {
        batch_line_clear(&l);
        return take_give_error(s, &err, error);
    }
    r.prompt = l.prompt;
    r.output = told->output;
    if (l.output)
        r.format = NULL; /* the name says it */
    r.settings = lay_over(&l.settings, &b->request->settings);
    const longtake_status code = tell_line(b, i, place, told->output) ? take_generate_once(b->engine, &r, result, error)
                                                                      : take_give_error(lt_fail(&err, LT_ERR_CANCELLED, "%s: stopped as asked", place), &err, error);
    batch_line_clear(&l);
    return code;
}

/* What is wrong with a line itself begins with its place, "prompts.txt:4:"; anything else gets it. */
static void name_place(const char *place, const longtake_error *error, char *text, size_t bytes)
{
    const size_t length = strlen(place);
    const bool there = strncmp(error->message, place, length) == 0 && error->message[length] == ':';
    snprintf(text, bytes, "%s%s%s", there ? "" : place, there ? "" : ": ", error->message);
}

static longtake_status do_line(batch_run *b, int64_t i)
{
    longtake_error error = {0};
    longtake_result result = {0};
    longtake_batch_line told = {.line = b->line[i].number};
    char place[PLACE_BYTES];
    char message[PLACE_BYTES + sizeof error.message + 2];
    snprintf(place, sizeof place, "%s:%lld", b->path, (long long)told.line);
    told.status = generate_line(b, i, place, &told, &result, &error);
    name_place(place, &error, message, sizeof message);
    told.message = told.status == LONGTAKE_OK ? NULL : message;
    told.result = told.status == LONGTAKE_OK ? &result : NULL;
    told.output = told.result ? result.output : told.output;
    b->failed += told.status != LONGTAKE_OK;
    if (b->fn)
        b->fn(b->user, &told);
    longtake_result_clear(&result);
    return told.status;
}

/* The lines that say something, cut off in `text`. */
static lt_status find_lines(batch_run *b, char *text, lt_error *err)
{
    int64_t number = 1;
    for (char *at = text; *at; number++) {
        const size_t length = strcspn(at, "\n");
        char *next = at + length + (at[length] == '\n');
        at[length - (length > 0 && at[length - 1] == '\r')] = '\0';
        if (!batch_line_is_empty(at)) {
            prompt_line *grown = realloc(b->line, (size_t)(b->lines + 1) * sizeof *grown);
            if (!grown)
                return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", b->path);
            b->line = grown;
            b->line[b->lines++] = (prompt_line){at, number};
        }
        at = next;
    }
    return b->lines > 0 ? LT_OK : lt_fail(err, LT_ERR_INPUT, "%s: found no prompt", b->path);
}

static lt_status do_lines(batch_run *b, lt_error *err)
{
    for (int64_t i = 0; i < b->lines; i++)
        if (do_line(b, i) == LONGTAKE_ERR_CANCELLED)
            return lt_fail(err, LT_ERR_CANCELLED, "%s:%lld: stopped as asked", b->path, (long long)b->line[i].number);
    if (b->failed > 0)
        return lt_fail(err, LT_ERR_FAILED, "%s: %lld of %lld lines failed", b->path, (long long)b->failed,
                       (long long)b->lines);
    return LT_OK;
}

/* The folder, made where it is missing. */
static lt_status find_folder(const char *folder, lt_error *err)
{
    struct stat st;
    if (mkdir(folder, 0777) == 0)
        return LT_OK;
    if (errno == ENOSPC || errno == EDQUOT)
        return lt_fail(err, LT_ERR_RESOURCES, "--output-dir: %s cannot be made: %s", folder, strerror(errno));
    if (errno != EEXIST)
        return lt_fail(err, LT_ERR_USAGE, "--output-dir: found %s, which cannot be made: %s", folder, strerror(errno));
    if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
        return lt_fail(err, LT_ERR_USAGE, "--output-dir: found %s, which is no folder", folder);
    return LT_OK;
}

longtake_status longtake_generate_batch(longtake *e, const char *prompts, const char *folder,
                                        const longtake_request *r, longtake_batch_fn fn, void *user,
                                        longtake_error *error)
{
    lt_error err = {0};
    batch_run b = {.engine = e, .path = prompts, .folder = folder, .request = r, .fn = fn, .user = user};
    char *text = NULL;
    if (take_need(prompts, "prompts", &err) != LT_OK || take_request_check(r, &err) != LT_OK || take_engine_enter(e, &err) != LT_OK)
        return take_give_error(err.code, &err, error);
    lt_status s = folder ? read_lines(prompts, &text, &err) : lt_fail(&err, LT_ERR_USAGE, "--output-dir: found none, expected a folder");
    if (s == LT_OK)
        s = find_lines(&b, text, &err);
    if (s == LT_OK)
        s = find_folder(folder, &err);
    take_engine_keep_weights(e, true);
    if (s == LT_OK)
        s = do_lines(&b, &err);
    take_engine_keep_weights(e, false);
    take_engine_leave(e);
    for (int64_t i = 0; i < b.outputs; i++)
        free(b.output[i]);
    free(b.output);
    free(b.line);
    free(text);
    return take_give_error(s, &err, error);
}
