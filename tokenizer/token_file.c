#include "tokenizer/token_file.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/core/decimal_text.h"
#include "kernels/core/file_error.h"
#include "kernels/core/hash.h"
#include "kernels/core/json.h"
#include "kernels/core/output_file.h"
#include "kernels/core/pipe_guard.h"
#include "kernels/core/whole_file.h"
#include "tokenizer/numpy_array.h"
#include "weights/safetensors.h"
#include "weights/weights.h"

static const char format_name[] = "longtake-tokens-1";
static const char *const own_keys[] = {"format",   "segments", "segment_frames",
                                       "i_tokens", "p_tokens", "codebook_size",
                                       "frames",   "fps",      "checksum"};

enum {
    MAX_LIST_BYTES = 1 << 21, /* TOK_MAX_FRAMES segments of one frame and then some */
    MAX_METADATA = 256,
    RELEASED_FPS = 8,
    HEADER_AT = 8, /* byte of a safetensors file where its JSON begins */
    NUMPY_CODE_BYTES = 8,
    NUMPY_HEAD_BYTES = 1 << 13,
    UNKNOWN_BYTES = 1 << 20, /* of a file that does not say what its segments are like */
};

/* --- the checksum ----------------------------------------------------------------------------- */

static lt_hash hash_note(const tok_note *note)
{
    const lt_hash part[2] = {lt_hash_bytes(note->key, strlen(note->key)),
                             lt_hash_bytes(note->value, strlen(note->value))};
    return lt_hash_bytes(part, sizeof part);
}

/* Notes are summed up: what writes the file again may order them anew. */
static lt_status checksum_of(const tok_plan *p, char text[LT_HASH_TEXT_BYTES], const char *place,
                             lt_error *err)
{
    lt_hash notes = {0, 0};
    for (int i = 0; i < p->note_count; i++) {
        const lt_hash one = hash_note(&p->notes[i]);
        notes.high += one.high;
        notes.low += one.low;
    }
    lt_hasher *h = lt_hasher_open();
    if (!h)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for its checksum", place);
    lt_hasher_add(h, &p->layout, sizeof p->layout);
    lt_hasher_add(h, &p->video_frames, sizeof p->video_frames);
    lt_hasher_add(h, &p->fps, sizeof p->fps);
    lt_hasher_add(h, p->frames, (size_t)p->segments * sizeof *p->frames);
    lt_hasher_add(h, p->tokens, (size_t)p->token_count * sizeof *p->tokens);
    lt_hasher_add(h, &notes, sizeof notes);
    lt_hash_text(lt_hasher_close(h), text);
    return LT_OK;
}

/* --- reading: metadata ------------------------------------------------------------------------ */

/* Metadata `key` as a list of numbers; free the list with lt_json_free. */
static lt_status read_list(const lt_weights *w, const char *key, lt_json **list, lt_error *err)
{
    const char *place = lt_weights_place(w);
    const char *text = lt_weights_metadata(w, key);
    if (!text)
        return lt_fail(err, LT_ERR_INPUT, "%s: metadata '%s' is missing", place, key);
    const size_t spaces = strcspn(text, " \t\r\n");
    if (strlen(text) > MAX_LIST_BYTES)
        return lt_fail(err, LT_ERR_INPUT, "%s: metadata '%s' is longer than %d bytes", place, key,
                       (int)MAX_LIST_BYTES);
    if (text[spaces])
        return lt_fail(
            err, LT_ERR_INPUT,
            "%s: metadata '%s' has white space at byte %zu, expected numbers and commas alone",
            place, key, spaces);
    char *wrapped = NULL; /* JSON numbers, whatever the locale */
    const int bytes = asprintf(&wrapped, "[%s]", text);
    if (bytes < 0)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for metadata '%s'", place, key);
    lt_error cause = {0};
    const lt_status s = lt_json_parse(wrapped, (size_t)bytes, key, list, &cause);
    free(wrapped);
    return s == LT_OK ? LT_OK : lt_fail(err, s, "%s: metadata %s", place, cause.message);
}

static lt_status read_int(const lt_weights *w, const char *key, int64_t *out, lt_error *err)
{
    lt_json *list = NULL;
    LT_TRY(read_list(w, key, &list, err));
    const bool fine =
        lt_json_count(list) == 1 && lt_json_kind_of(lt_json_at(list, 0)) == LT_JSON_INT;
    if (fine)
        *out = lt_json_int(lt_json_at(list, 0));
    lt_json_free(list);
    return fine ? LT_OK
                : lt_fail(err, LT_ERR_INPUT, "%s: metadata '%s' is not a whole number",
                          lt_weights_place(w), key);
}

static lt_status read_size(const lt_weights *w, const char *key, int *out, lt_error *err)
{
    int64_t value = 0;
    LT_TRY(read_int(w, key, &value, err));
    if (value < 1 || value > 1 << 20)
        return lt_fail(err, LT_ERR_INPUT, "%s: metadata '%s' is %lld, expected 1 to %d",
                       lt_weights_place(w), key, (long long)value, 1 << 20);
    *out = (int)value;
    return LT_OK;
}

static lt_status read_fps(const lt_weights *w, double *out, lt_error *err)
{
    lt_json *list = NULL;
    LT_TRY(read_list(w, "fps", &list, err));
    const lt_json *n = lt_json_at(list, 0);
    const bool fine = lt_json_count(list) == 1 &&
                      (lt_json_kind_of(n) == LT_JSON_INT || lt_json_kind_of(n) == LT_JSON_REAL);
    if (fine)
        *out = lt_json_real(n);
    lt_json_free(list);
    return fine ? LT_OK
                : lt_fail(err, LT_ERR_INPUT, "%s: metadata 'fps' is not a number",
                          lt_weights_place(w));
}

static lt_status copy_segments(const lt_weights *w, const lt_json *list, tok_plan *p, lt_error *err)
{
    const size_t count = lt_json_count(list);
    p->frames = calloc(count + 1, sizeof *p->frames);
    if (!p->frames)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for %zu segments", lt_weights_place(w),
                       count);
    p->segments = (int64_t)count;
    for (size_t i = 0; i < count; i++) {
        const lt_json *n = lt_json_at(list, i);
        const int64_t frames = lt_json_kind_of(n) == LT_JSON_INT ? lt_json_int(n) : 0;
        if (frames < 1 || frames > INT32_MAX)
            return lt_fail(err, LT_ERR_INPUT,
                           "%s: metadata 'segments' is not a list of frame counts",
                           lt_weights_place(w));
        p->frames[i] = (int)frames;
    }
    return LT_OK;
}

static lt_status read_segments(const lt_weights *w, tok_plan *p, lt_error *err)
{
    lt_json *list = NULL;
    LT_TRY(read_list(w, "segments", &list, err));
    const lt_status s = copy_segments(w, list, p, err);
    lt_json_free(list);
    return s;
}

static bool is_own_key(const char *key)
{
    for (size_t i = 0; i < sizeof own_keys / sizeof own_keys[0]; i++)
        if (strcmp(key, own_keys[i]) == 0)
            return true;
    return false;
}

static lt_status read_notes(const lt_weights *w, tok_plan *p, lt_error *err)
{
    for (int i = 0; i < lt_weights_metadata_count(w); i++) {
        const char *key = NULL;
        const char *value = NULL;
        lt_weights_metadata_at(w, i, &key, &value);
        if (!is_own_key(key))
            LT_TRY(tok_plan_set_note(p, key, value, err));
    }
    return LT_OK;
}

/* --- reading: the two kinds ------------------------------------------------------------------- */

static lt_status check_against(const tok_plan *p, const tok_layout *want, const char *place,
                               lt_error *err)
{
    const tok_layout *l = &p->layout;
    if (want && memcmp(l, want, sizeof *l) != 0)
        return lt_fail(
            err, LT_ERR_INPUT,
            "%s: is of another model: segments of %d frames with %d and %d tokens of %d codes, this one "
            "has %d frames with %d and %d tokens of %d codes",
            place, l->segment_frames, l->i_tokens, l->p_tokens, l->codebook_size,
            want->segment_frames, want->i_tokens, want->p_tokens, want->codebook_size);
    return LT_OK;
}

static lt_status read_tokens(const lt_weights *w, tok_plan *p, lt_error *err)
{
    const lt_tensor *t = lt_weights_find(w, "tokens");
    if (!t || t->dtype != LT_U16 || t->rank != 1)
        return lt_fail(err, LT_ERR_INPUT, "%s: has no tensor 'tokens' of u16 [n]",
                       lt_weights_place(w));
    p->token_count = t->dim[0];
    p->tokens = malloc(((size_t)t->dim[0] + 1) * sizeof *p->tokens);
    if (!p->tokens)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for %lld tokens", lt_weights_place(w),
                       (long long)t->dim[0]);
    memcpy(p->tokens, t->data, (size_t)p->token_count * sizeof *p->tokens);
    return LT_OK;
}

static lt_status read_plan(const lt_weights *w, const tok_layout *layout, tok_plan *p,
                           lt_error *err)
{
    if (lt_weights_metadata_count(w) > MAX_METADATA)
        return lt_fail(err, LT_ERR_INPUT, "%s: has %d metadata entries, expected %d at most",
                       lt_weights_place(w), lt_weights_metadata_count(w), (int)MAX_METADATA);
    const char *format = lt_weights_metadata(w, "format");
    if (!format || strcmp(format, format_name) != 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: metadata 'format' is %s, expected %s%s",
                       lt_weights_place(w), format ? format : "missing", format_name,
                       format && strncmp(format, "longtake-latents", 16) == 0
                           ? "\nhint: longtake decode takes latents"
                           : "");
    LT_TRY(read_size(w, "segment_frames", &p->layout.segment_frames, err));
    LT_TRY(read_size(w, "i_tokens", &p->layout.i_tokens, err));
    LT_TRY(read_size(w, "p_tokens", &p->layout.p_tokens, err));
    LT_TRY(read_size(w, "codebook_size", &p->layout.codebook_size, err));
    LT_TRY(check_against(p, layout, lt_weights_place(w), err));
    LT_TRY(read_int(w, "frames", &p->video_frames, err));
    LT_TRY(read_fps(w, &p->fps, err));
    LT_TRY(read_segments(w, p, err));
    LT_TRY(read_tokens(w, p, err));
    LT_TRY(tok_plan_check(p, lt_weights_place(w), err));
    LT_TRY(tok_plan_place(p, err));
    LT_TRY(read_notes(w, p, err));
    const char *given = lt_weights_metadata(w, "checksum");
    if (!given)
        return LT_OK;
    char checksum[LT_HASH_TEXT_BYTES];
    LT_TRY(checksum_of(p, checksum, lt_weights_place(w), err));
    p->altered = strcmp(given, checksum) != 0;
    return LT_OK;
}

static lt_status parse_lt(void *data, size_t bytes, const char *place, const tok_layout *layout,
                          tok_plan *out, lt_error *err)
{
    lt_weights *w = NULL;
    LT_TRY(lt_weights_open_memory(data, bytes, place, &w, err));
    const lt_status s = read_plan(w, layout, out, err);
    lt_weights_close(w);
    return s;
}

static lt_status parse_npy(const uint8_t *data, size_t bytes, const char *place,
                           const tok_layout *layout, tok_plan *out, lt_error *err)
{
    const uint8_t *values = NULL;
    int64_t count = 0;
    LT_TRY(tok_numpy_read(data, bytes, place, &values, &count, err));
    if (!layout)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: a NumPy file of %lld numbers does not say of which model they are",
                       place, (long long)count);
    int32_t *tokens = malloc(((size_t)count + 1) * sizeof *tokens);
    if (!tokens)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for %lld tokens", place,
                       (long long)count);
    lt_status s = LT_OK;
    for (int64_t i = 0; i < count && s == LT_OK; i++) {
        const int64_t value = tok_numpy_value(values, i);
        if (value < 0 || value >= layout->codebook_size)
            s = lt_fail(err, LT_ERR_INPUT, "%s: token %lld is %lld, expected 0 to %d", place,
                        (long long)i, (long long)value, layout->codebook_size - 1);
        tokens[i] = (int32_t)value;
    }
    if (s == LT_OK)
        s = tok_plan_make(layout, tokens, count, RELEASED_FPS, 0, place, out, err);
    free(tokens);
    return s;
}

static lt_status tell_kind(const void *data, size_t bytes, const char *place, tok_file_kind *kind,
                           lt_error *err)
{
    const char *text = data;
    *kind = tok_numpy_begins(data, bytes) ? TOK_FILE_NPY : TOK_FILE_LT;
    if (*kind == TOK_FILE_LT && (bytes <= HEADER_AT || text[HEADER_AT] != '{'))
        return lt_fail(
            err, LT_ERR_INPUT,
            "%s: is no token file, expected .lt or .npy\nhint: longtake encode makes one of a video",
            place);
    return LT_OK;
}

lt_status tok_file_parse(void *data, size_t bytes, const char *place, const tok_layout *layout,
                         tok_plan *out, lt_error *err)
{
    *out = (tok_plan){0};
    tok_file_kind kind;
    LT_TRY(tell_kind(data, bytes, place, &kind, err));
    const lt_status s = kind == TOK_FILE_NPY ? parse_npy(data, bytes, place, layout, out, err)
                                             : parse_lt(data, bytes, place, layout, out, err);
    if (s != LT_OK)
        tok_plan_clear(out);
    return s;
}

/* --- reading: bytes --------------------------------------------------------------------------- */

/* Nothing is taken for longer than the longest plan of its layout: full segments, or ones of a
 * single frame. */
static size_t most_bytes(const tok_layout *layout, size_t before, size_t code_bytes)
{
    return before + (size_t)tok_layout_most_tokens(layout) * code_bytes;
}

/* A whole number of the header's metadata, or -1. */
static int64_t size_in(const lt_json *metadata, const char *key)
{
    int64_t value = -1;
    const lt_json *text = metadata ? lt_json_get(metadata, key) : NULL;
    return text && lt_json_kind_of(text) == LT_JSON_STRING &&
                   lt_parse_integer(lt_json_string(text, NULL), &value)
               ? value
               : -1;
}

/* The layout that a header tells; false where it tells of none. */
static bool layout_in(const char *header, size_t bytes, const char *place, tok_layout *out)
{
    lt_json *root = NULL;
    lt_error ignored = {0};
    if (lt_json_parse(header, bytes, place, &root, &ignored) != LT_OK)
        return false;
    const lt_json *metadata =
        lt_json_kind_of(root) == LT_JSON_OBJECT ? lt_json_get(root, "__metadata__") : NULL;
    const int64_t size[] = {size_in(metadata, "segment_frames"), size_in(metadata, "i_tokens"),
                            size_in(metadata, "p_tokens"), size_in(metadata, "codebook_size")};
    lt_json_free(root);
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        if (size[i] < 1 || size[i] > INT32_MAX)
            return false;
    *out = (tok_layout){(int)size[0], (int)size[1], (int)size[2], (int)size[3]};
    return tok_layout_check(out, place, &ignored) == LT_OK;
}

/* Reads the header of a .lt behind its first bytes. */
static lt_status read_head(FILE *stream, const char *place, const tok_layout *layout, char **data,
                           size_t *bytes, size_t *most, lt_error *err)
{
    uint64_t header_bytes = 0;
    for (int i = HEADER_AT - 1; i >= 0; i--)
        header_bytes = header_bytes << 8 | (uint8_t)(*data)[i];
    *most = UNKNOWN_BYTES;
    if (header_bytes > LT_MAX_HEADER_BYTES) /* for parse_lt to tell */
        return LT_OK;
    const size_t before = HEADER_AT + (size_t)header_bytes;
    LT_TRY(lt_stream_read_to(stream, place, before, data, bytes, err));
    tok_layout own;
    *most = before + UNKNOWN_BYTES;
    if (layout || (*bytes >= before && layout_in(*data + HEADER_AT, header_bytes, place, &own)))
        *most = most_bytes(layout ? layout : &own, before, sizeof(uint16_t));
    return LT_OK;
}

static lt_status read_bytes(FILE *stream, const char *place, const tok_layout *layout, char **data,
                            size_t *bytes, lt_error *err)
{
    tok_file_kind kind;
    size_t most = UNKNOWN_BYTES;
    LT_TRY(lt_stream_read_to(stream, place, HEADER_AT + 1, data, bytes, err));
    LT_TRY(tell_kind(*data, *bytes, place, &kind, err));
    if (kind == TOK_FILE_LT)
        LT_TRY(read_head(stream, place, layout, data, bytes, &most, err));
    else if (layout)
        most = most_bytes(layout, NUMPY_HEAD_BYTES, NUMPY_CODE_BYTES);
    LT_TRY(lt_stream_read_to(stream, place, most + 1, data, bytes, err));
    if (*bytes > most)
        return lt_fail(err, LT_ERR_INPUT, "%s: found more than %zu KiB, expected a token file",
                       place, most >> 10);
    return LT_OK;
}

lt_status tok_file_read(const char *path, const tok_layout *layout, tok_plan *out, lt_error *err)
{
    *out = (tok_plan){0};
    const bool standard = strcmp(path, "-") == 0;
    const char *place = standard ? "standard input" : path;
    FILE *stream = standard ? stdin : fopen(path, "rbe");
    if (!stream)
        return lt_fail_to_read(path, err);
    char *data = NULL;
    size_t bytes = 0;
    lt_status s = read_bytes(stream, place, layout, &data, &bytes, err);
    if (s == LT_OK)
        s = tok_file_parse(data, bytes, place, layout, out, err);
    free(data);
    if (!standard)
        fclose(stream);
    return s;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void set_int(lt_writer *w, const char *key, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    lt_writer_metadata(w, key, text);
}

/* A list as JSON text without its brackets. */
static bool set_list(lt_writer *w, const char *key, lt_json *list)
{
    char *text = lt_json_text(list);
    lt_json_free(list);
    if (text) {
        text[strlen(text) - 1] = '\0';
        lt_writer_metadata(w, key, text + 1);
    }
    free(text);
    return text != NULL;
}

static bool describe(lt_writer *w, const tok_plan *p)
{
    lt_json *fps = lt_json_new_array();
    lt_json *segments = lt_json_new_array();
    lt_json_append(fps, lt_json_new_real(p->fps));
    for (int64_t k = 0; k < p->segments; k++)
        lt_json_append(segments, lt_json_new_int(p->frames[k]));
    lt_writer_metadata(w, "format", format_name);
    const bool listed = set_list(w, "segments", segments);
    set_int(w, "segment_frames", p->layout.segment_frames);
    set_int(w, "i_tokens", p->layout.i_tokens);
    set_int(w, "p_tokens", p->layout.p_tokens);
    set_int(w, "codebook_size", p->layout.codebook_size);
    set_int(w, "frames", p->video_frames);
    const bool rated = set_list(w, "fps", fps);
    for (int i = 0; i < p->note_count; i++)
        lt_writer_metadata(w, p->notes[i].key, p->notes[i].value);
    return listed && rated;
}

/* A writer that holds the plan and borrows its tokens. */
static lt_status open_writer(const tok_plan *plan, const char *path, lt_writer **out, lt_error *err)
{
    char checksum[LT_HASH_TEXT_BYTES];
    LT_TRY(checksum_of(plan, checksum, path, err));
    LT_TRY(lt_writer_open(path, out, err));
    lt_writer_metadata(*out, "checksum", checksum);
    if (!describe(*out, plan)) {
        lt_writer_abandon(*out);
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to write it", path);
    }
    lt_writer_add(*out, "tokens", LT_U16, lt_shape1(plan->token_count), plan->tokens);
    return LT_OK;
}

static lt_status write_npy_stream(const tok_plan *plan, FILE *stream, const char *place,
                                  lt_error *err)
{
    tok_numpy_write(stream, plan->tokens, plan->token_count);
    if (fflush(stream) != 0 || ferror(stream))
        return lt_fail_to_write(place, err);
    return LT_OK;
}

lt_status tok_file_write_stream(const tok_plan *plan, tok_file_kind kind, FILE *stream,
                                const char *place, lt_error *err)
{
    if (kind == TOK_FILE_NPY)
        return write_npy_stream(plan, stream, place, err);
    lt_writer *w = NULL;
    LT_TRY(open_writer(plan, place, &w, err));
    return lt_writer_close_to(w, stream, err);
}

static lt_status write_file(const tok_plan *plan, tok_file_kind kind, const char *path,
                            lt_error *err)
{
    lt_output o;
    LT_TRY(lt_output_open(&o, path, err));
    const lt_status s = tok_file_write_stream(plan, kind, o.file, o.place, err);
    if (s == LT_OK)
        return lt_output_publish(&o, err);
    lt_output_abandon(&o);
    return s;
}

/* A reader of numbers alone takes all segments before the last for full ones. */
static lt_status check_numpy(const tok_plan *p, const char *path, lt_error *err)
{
    for (int64_t k = 0; k + 1 < p->segments; k++)
        if (p->frames[k] != p->layout.segment_frames)
            return lt_fail(
                err, LT_ERR_USAGE,
                "%s: found segment %lld of %d semantic frames, expected %d in all but the last: .npy does not say more"
                "\nhint: .lt holds any plan",
                path, (long long)k, p->frames[k], p->layout.segment_frames);
    return LT_OK;
}

lt_status tok_file_write(const tok_plan *plan, tok_file_kind kind, const char *path, lt_error *err)
{
    lt_pipe_guard guard;
    LT_TRY(tok_plan_check(plan, path, err));
    if (kind == TOK_FILE_NPY)
        LT_TRY(check_numpy(plan, path, err));
    lt_pipe_guard_begin(&guard);
    const lt_status s = write_file(plan, kind, path, err);
    lt_pipe_guard_end(&guard);
    return s;
}
