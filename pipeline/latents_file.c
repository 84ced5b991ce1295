/* latents_file.c - streaming a safetensors file of one tensor; see latents_file.h. */
#include "pipeline/latents_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/core/file_error.h"
#include "kernels/core/output_file.h"
#include "kernels/core/tensor.h"
#include "media/patient_read.h"

static const char format_name[] = "longtake-latents-1";

enum { MAX_HEADER_BYTES = 16 << 20, MAX_SIDE = 1 << 16, MAX_CHANNELS = 4096 };

static const int64_t max_latents = 1 << 30;

static int64_t latent_elements(take_latents_shape s)
{
    return (int64_t)s.channels * s.height * s.width;
}

/* ---- writing ---- */

struct take_latents_writer {
    lt_output out;
    take_latents_shape shape;
    int64_t written; /* latents */
};

static char *header_text(take_latents_shape s, const lt_json *about)
{
    char *about_text = lt_json_text(about);
    if (!about_text)
        return NULL;
    lt_json *meta = lt_json_new_object();
    lt_json_set(meta, "format", lt_json_new_string(format_name));
    lt_json_set(meta, "about", lt_json_new_string(about_text));
    free(about_text);
    lt_json *shape = lt_json_new_array();
    const int64_t dim[] = {s.latents, s.channels, s.height, s.width};
    for (int i = 0; i < 4; i++)
        lt_json_append(shape, lt_json_new_int(dim[i]));
    lt_json *offsets = lt_json_new_array();
    lt_json_append(offsets, lt_json_new_int(0));
    lt_json_append(offsets,
                   lt_json_new_int(s.latents * latent_elements(s) * (int64_t)sizeof(float)));
    lt_json *tensor = lt_json_new_object();
    lt_json_set(tensor, "dtype", lt_json_new_string("F32"));
    lt_json_set(tensor, "shape", shape);
    lt_json_set(tensor, "data_offsets", offsets);
    lt_json *root = lt_json_new_object();
    lt_json_set(root, "__metadata__", meta);
    lt_json_set(root, "latents", tensor);
    char *text = lt_json_text(root);
    lt_json_free(root);
    return text;
}

static lt_status write_header(take_latents_writer *w, const lt_json *about, lt_error *err)
{
    char *text = header_text(w->shape, about);
    if (!text)
        return lt_fail(err, LT_ERR_RESOURCES, "latents header: out of memory");
    const size_t length = strlen(text);
    const size_t padded = (length + 7) / 8 * 8;
    const uint64_t size = padded;
    lt_status s =
        padded <= MAX_HEADER_BYTES
            ? LT_OK
            : lt_fail(
                  err, LT_ERR_USAGE,
                  "latents header: a take so long is told in %zu bytes, expected at most %d\nhint: render "
                  "makes its video in one go",
                  padded, MAX_HEADER_BYTES);
    if (s == LT_OK)
        s = lt_output_write(&w->out, &size, sizeof size, err);
    if (s == LT_OK)
        s = lt_output_write(&w->out, text, length, err);
    if (s == LT_OK)
        s = lt_output_write(&w->out, "       ", padded - length, err);
    free(text);
    return s;
}

lt_status take_latents_create(const char *path, take_latents_shape shape, const lt_json *about,
                              take_latents_writer **out, lt_error *err)
{
    *out = NULL;
    take_latents_writer *w = calloc(1, sizeof *w);
    if (!w)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", path);
    w->shape = shape;
    lt_status s = lt_output_open(&w->out, path, err);
    if (s == LT_OK)
        s = write_header(w, about, err);
    if (s != LT_OK) {
        take_latents_abandon(w);
        return s;
    }
    *out = w;
    return LT_OK;
}

lt_status take_latents_append(take_latents_writer *w, const float *latents, int64_t count,
                              lt_error *err)
{
    w->written += count;
    return lt_output_write(&w->out, latents,
                           (size_t)(count * latent_elements(w->shape)) * sizeof *latents, err);
}

void take_latents_abandon(take_latents_writer *w)
{
    if (!w)
        return;
    lt_output_abandon(&w->out);
    free(w);
}

lt_status take_latents_finish(take_latents_writer *w, lt_error *err)
{
    const lt_status s =
        w->written == w->shape.latents
            ? lt_output_publish(&w->out, err)
            : lt_fail(err, LT_ERR_FAILED, "%s: %lld latents were written, expected %lld",
                      w->out.place, (long long)w->written, (long long)w->shape.latents);
    take_latents_abandon(w);
    return s;
}

/* ---- reading ---- */

struct take_latents_reader {
    int fd;
    char *place;
    take_latents_shape shape;
    bool bf16;
    int64_t file_bytes; /* header included */
    lt_json *about;
    int64_t read; /* latents */
    int (*stop)(void *user);
    void *user;
};

static lt_status read_bytes(take_latents_reader *r, void *data, size_t bytes, const char *what,
                            lt_error *err)
{
    char *at = data;
    while (bytes > 0) {
        const ssize_t n = media_read_patiently(r->fd, at, bytes, r->stop, r->user);
        if (n < 0 && errno == ECANCELED)
            return lt_fail(err, LT_ERR_CANCELLED, "%s: stopped as asked inside %s", r->place, what);
        if (n < 0)
            return lt_fail(err, LT_ERR_INPUT, "%s: read: %s", r->place, strerror(errno));
        if (n == 0)
            return lt_fail(err, LT_ERR_INPUT, "%s: ends inside %s, %zu bytes are missing", r->place,
                           what, bytes);
        at += n;
        bytes -= (size_t)n;
    }
    return LT_OK;
}

/* Element `i` of an array of non-negative integers, or -1. */
static int64_t size_at(const lt_json *array, size_t i)
{
    const lt_json *n = lt_json_at(array, i);
    return n && lt_json_kind_of(n) == LT_JSON_INT ? lt_json_int(n) : -1;
}

static lt_status refuse_shape(const take_latents_reader *r, const int64_t dim[4], lt_error *err)
{
    return lt_fail(err, LT_ERR_INPUT, "%s: latents: shape [%lld, %lld, %lld, %lld] is out of range",
                   r->place, (long long)dim[0], (long long)dim[1], (long long)dim[2],
                   (long long)dim[3]);
}

/* `before` are the header's bytes and those of its length. */
static lt_status read_tensor_entry(take_latents_reader *r, const lt_json *root, int64_t before,
                                   lt_error *err)
{
    const lt_json *t = lt_json_get(root, "latents");
    if (!t || lt_json_kind_of(t) != LT_JSON_OBJECT || lt_json_count(root) != 2)
        return lt_fail(err, LT_ERR_INPUT, "%s: expected one tensor `latents` and __metadata__",
                       r->place);
    const lt_json *dtype = lt_json_get(t, "dtype");
    const lt_json *shape = lt_json_get(t, "shape");
    const lt_json *offsets = lt_json_get(t, "data_offsets");
    const bool kinds = dtype && shape && offsets && lt_json_kind_of(dtype) == LT_JSON_STRING &&
                       lt_json_kind_of(shape) == LT_JSON_ARRAY &&
                       lt_json_kind_of(offsets) == LT_JSON_ARRAY && lt_json_count(shape) == 4 &&
                       lt_json_count(offsets) == 2;
    if (!kinds)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: latents: expected dtype, a shape of four sizes and two offsets",
                       r->place);
    r->bf16 = strcmp(lt_json_string(dtype, NULL), "BF16") == 0;
    if (!r->bf16 && strcmp(lt_json_string(dtype, NULL), "F32") != 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: latents: dtype %s, expected F32 or BF16", r->place,
                       lt_json_string(dtype, NULL));
    const int64_t dim[] = {size_at(shape, 0), size_at(shape, 1), size_at(shape, 2),
                           size_at(shape, 3)};
    if (dim[0] < 1 || dim[0] > max_latents || dim[1] < 1 || dim[1] > MAX_CHANNELS || dim[2] < 1 ||
        dim[2] > MAX_SIDE || dim[3] < 1 || dim[3] > MAX_SIDE)
        return refuse_shape(r, dim, err);
    r->shape = (take_latents_shape){dim[0], (int)dim[1], (int)dim[2], (int)dim[3]};
    int64_t bytes = 0;
    if (__builtin_mul_overflow(latent_elements(r->shape) * (r->bf16 ? 2 : 4), dim[0], &bytes) ||
        __builtin_add_overflow(before, bytes, &r->file_bytes))
        return refuse_shape(r, dim, err);
    if (size_at(offsets, 0) != 0 || size_at(offsets, 1) != bytes)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: latents: offsets %lld to %lld, the shape needs 0 to %lld", r->place,
                       (long long)size_at(offsets, 0), (long long)size_at(offsets, 1),
                       (long long)bytes);
    return LT_OK;
}

static lt_status refuse_format(const take_latents_reader *r, const char *found, lt_error *err)
{
    const bool tokens = strncmp(found, "longtake-tokens", 15) == 0;
    return lt_fail(err, LT_ERR_INPUT, "%s: metadata 'format' is %s, expected %s%s", r->place, found,
                   format_name, tokens ? "\nhint: longtake render takes a token file" : "");
}

static lt_status read_about(take_latents_reader *r, const lt_json *root, lt_error *err)
{
    const lt_json *meta = lt_json_get(root, "__metadata__");
    const lt_json *format = meta ? lt_json_get(meta, "format") : NULL;
    const lt_json *about = meta ? lt_json_get(meta, "about") : NULL;
    if (!format || lt_json_kind_of(format) != LT_JSON_STRING ||
        strcmp(lt_json_string(format, NULL), format_name) != 0)
        return refuse_format(r,
                             format && lt_json_kind_of(format) == LT_JSON_STRING
                                 ? lt_json_string(format, NULL)
                                 : "missing",
                             err);
    if (!about || lt_json_kind_of(about) != LT_JSON_STRING)
        return lt_fail(err, LT_ERR_INPUT, "%s: metadata `about` is missing", r->place);
    size_t bytes = 0;
    const char *text = lt_json_string(about, &bytes);
    LT_TRY(lt_json_parse(text, bytes, r->place, &r->about, err));
    if (lt_json_kind_of(r->about) != LT_JSON_OBJECT)
        return lt_fail(err, LT_ERR_INPUT, "%s: metadata `about` is no JSON object", r->place);
    return LT_OK;
}

/* A file's length must be what the header says; a pipe is seen to end by reading. */
static lt_status check_length(const take_latents_reader *r, lt_error *err)
{
    struct stat st;
    if (fstat(r->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return LT_OK;
    if (st.st_size != r->file_bytes)
        return lt_fail(err, LT_ERR_INPUT, "%s: %lld bytes, the header says %lld", r->place,
                       (long long)st.st_size, (long long)r->file_bytes);
    return LT_OK;
}

static lt_status read_header(take_latents_reader *r, lt_error *err)
{
    uint64_t bytes = 0;
    LT_TRY(read_bytes(r, &bytes, sizeof bytes, "the header's length", err));
    if (bytes < 2 || bytes > MAX_HEADER_BYTES)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: is no latents file\nhint: longtake refine makes one of tokens",
                       r->place);
    char *text = malloc(bytes);
    if (!text)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", r->place);
    lt_json *root = NULL;
    lt_status s = read_bytes(r, text, bytes, "the header", err);
    if (s == LT_OK)
        s = lt_json_parse(text, bytes, r->place, &root, err);
    if (s == LT_OK && lt_json_kind_of(root) != LT_JSON_OBJECT)
        s = lt_fail(err, LT_ERR_INPUT, "%s: the header is no JSON object", r->place);
    if (s == LT_OK)
        s = read_about(r, root, err);
    if (s == LT_OK)
        s = read_tensor_entry(r, root, (int64_t)(sizeof bytes + bytes), err);
    if (s == LT_OK)
        s = check_length(r, err);
    lt_json_free(root);
    free(text);
    return s;
}

lt_status take_latents_open(const char *path, int (*stop)(void *user), void *user,
                            take_latents_reader **out, lt_error *err)
{
    *out = NULL;
    const bool standard = strcmp(path, "-") == 0;
    take_latents_reader *r = calloc(1, sizeof *r);
    if (r)
        r->place = strdup(standard ? "standard input" : path);
    if (!r || !r->place) {
        free(r);
        return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", path);
    }
    r->stop = stop;
    r->user = user;
    r->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    lt_status s = LT_OK;
    if (r->fd < 0)
        s = lt_fail_to_read(path, err);
    if (s == LT_OK)
        s = read_header(r, err);
    if (s != LT_OK) {
        take_latents_close(r);
        return s;
    }
    *out = r;
    return LT_OK;
}

take_latents_shape take_latents_shape_of(const take_latents_reader *r)
{
    return r->shape;
}

const lt_json *take_latents_about(const take_latents_reader *r)
{
    return r->about;
}

lt_status take_latents_next(take_latents_reader *r, float *latents, int64_t count, lt_error *err)
{
    if (count > r->shape.latents - r->read)
        return lt_fail(err, LT_ERR_INPUT, "%s: %lld latents are left, expected %lld more", r->place,
                       (long long)(r->shape.latents - r->read), (long long)count);
    const size_t n = (size_t)(count * latent_elements(r->shape));
    if (r->bf16) {
        /* Read into the upper half, widen from the front. */
        uint16_t *half = (uint16_t *)(void *)latents + n;
        LT_TRY(read_bytes(r, half, n * sizeof *half, "latents", err));
        for (size_t i = 0; i < n; i++) {
            const float wide = lt_bf16_to_f32(half[i]);
            memcpy(&latents[i], &wide, sizeof wide);
        }
    } else {
        LT_TRY(read_bytes(r, latents, n * sizeof *latents, "latents", err));
    }
    for (size_t i = 0; i < n; i++)
        if (!isfinite(latents[i]))
            return lt_fail(err, LT_ERR_INPUT, "%s: value %zu of latent %lld is not finite",
                           r->place, i % (size_t)latent_elements(r->shape),
                           (long long)r->read + (long long)i / latent_elements(r->shape));
    r->read += count;
    return LT_OK;
}

void take_latents_close(take_latents_reader *r)
{
    if (!r)
        return;
    if (r->fd > STDIN_FILENO)
        close(r->fd);
    lt_json_free(r->about);
    free(r->place);
    free(r);
}
