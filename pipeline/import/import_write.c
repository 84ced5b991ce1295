/* import_write.c - tensors of a release on their way into a file; see import_write.h. */
#include "pipeline/import/import_write.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "weights/file_map.h"
#include "weights/finite.h"
#include "weights/low_bit.h"
#include "weights/pack.h"

/* One tensor on its way, as the writer's source. */
typedef struct {
    const import_manner *how;
    const import_tensor *tensor;
    lt_low_bit blocks; /* of a matrix that is quantised */
} passage;

static lt_status name_it(const passage *p, lt_status s, const lt_error *cause, lt_error *err)
{
    return s == LT_OK ? LT_OK
                      : lt_fail(err, s, "%s: tensor '%s': %s", p->tensor->place, p->tensor->name,
                                cause->message);
}

/* Elements first .. first + count - 1 have been written: their memory is given back, so that it
 * does not grow with the release. */
static lt_status advance(const passage *p, int64_t first, int64_t count, lt_error *err)
{
    const lt_tensor *const t = &p->tensor->tensor;
    const size_t width = lt_dtype_bytes(t->dtype);
    if (lt_is_contiguous(t))
        lt_file_map_forget((const char *)t->data + (size_t)first * width, (size_t)count * width);
    return p->how->written(p->how->user, first + count == lt_numel(t), err);
}

/* `values` are the elements first .. first + count - 1 of the tensor. */
static lt_status check_finite(const import_tensor *t, const void *values, int64_t first,
                              int64_t count, lt_error *err)
{
    const int64_t bad = lt_first_not_finite(values, t->tensor.dtype, count);
    if (bad < 0)
        return LT_OK;
    return lt_fail(err, LT_ERR_INPUT, "%s: tensor '%s': value %lld is not finite", t->place,
                   t->name, (long long)(first + bad));
}

static lt_status pass_values(void *user, int64_t first, int64_t count, void *out, lt_error *err)
{
    const passage *const p = user;
    const lt_tensor *const t = &p->tensor->tensor;
    lt_pack(t, first, count, out);
    LT_TRY(check_finite(p->tensor, out, first, count, err));
    return advance(p, first, count, err);
}

/* The same in another dtype, rounded to the nearest. */
static lt_status pass_rounded(void *user, int64_t first, int64_t count, void *out, lt_error *err)
{
    enum { PIECE = 1024 };
    const passage *const p = user;
    const lt_tensor *const t = &p->tensor->tensor;
    const lt_dtype to = p->how->dtype;
    double values[PIECE]; /* the widest dtype */
    for (int64_t done = 0; done < count; done += PIECE) {
        const int64_t n = count - done < PIECE ? count - done : PIECE;
        lt_pack(t, first + done, n, values);
        LT_TRY(check_finite(p->tensor, values, first + done, n, err));
        for (int64_t i = 0; i < n; i++)
            lt_store_element(out, to, done + i, lt_load_element(values, t->dtype, i));
    }
    const int64_t bad = lt_first_not_finite(out, to, count);
    if (bad >= 0)
        return lt_fail(err, LT_ERR_INPUT, "%s: tensor '%s': value %lld is too large for %s",
                       p->tensor->place, p->tensor->name, (long long)(first + bad),
                       lt_dtype_name(to));
    return advance(p, first, count, err);
}

static lt_status pass_codes(void *user, int64_t first, int64_t count, void *out, lt_error *err)
{
    passage *const p = user;
    lt_error cause = {0};
    LT_TRY(name_it(p, lt_low_bit_codes(&p->blocks, first, count, out, &cause), &cause, err));
    const int64_t per_code = p->blocks.kind == LT_Q4 ? 2 : 1;
    return advance(p, first * per_code, count * per_code, err);
}

static lt_status pass_scales(void *user, int64_t first, int64_t count, void *out, lt_error *err)
{
    passage *const p = user;
    lt_error cause = {0};
    return name_it(p, lt_low_bit_scales(&p->blocks, first, count, out, &cause), &cause, err);
}

static lt_status add_tensor(lt_writer *w, passage *p, lt_error *err)
{
    const import_tensor *const t = p->tensor;
    const lt_shape shape = lt_shape_of(&t->tensor);
    const lt_dtype kind = take_low_bit_choice(p->how->quantize, t->name, shape);
    const lt_dtype asked = p->how->dtype;
    if (kind == LT_NO_DTYPE && asked != LT_NO_DTYPE && lt_dtype_is_float(t->tensor.dtype)) {
        lt_writer_add_source(w, t->name, asked, shape, pass_rounded, p);
        return LT_OK;
    }
    if (kind == LT_NO_DTYPE) {
        lt_writer_add_source(w, t->name, t->tensor.dtype, shape, pass_values, p);
        return LT_OK;
    }
    char scale[PATH_MAX];
    snprintf(scale, sizeof scale, "%s_scale", t->name);
    LT_TRY(lt_low_bit_open(&p->blocks, &t->tensor, kind, err));
    lt_writer_add_source(w, t->name, p->blocks.code_dtype, p->blocks.code_shape, pass_codes, p);
    lt_writer_add_source(w, scale, LT_F16, p->blocks.scale_shape, pass_scales, p);
    return LT_OK;
}

lt_status import_tensors_write(const import_tensors *list, const char *path,
                               const import_manner *how, lt_error *err)
{
    passage *const passages = calloc((size_t)list->count, sizeof *passages);
    if (!passages)
        return lt_fail(err, LT_ERR_RESOURCES, "import: no memory for %d tensors", list->count);
    lt_writer *w = NULL;
    lt_status s = lt_writer_open(path, &w, err);
    if (s == LT_OK && how->quantize != TAKE_AS_STORED)
        lt_writer_metadata(w, "quantize", take_quantize_name(how->quantize));
    for (int i = 0; i < list->count && s == LT_OK; i++) {
        passages[i] = (passage){.how = how, .tensor = &list->list[i]};
        s = add_tensor(w, &passages[i], err);
    }
    if (s == LT_OK)
        s = lt_writer_close(w, err);
    else
        lt_writer_abandon(w);
    for (int i = 0; i < list->count; i++)
        lt_low_bit_close(&passages[i].blocks);
    free(passages);
    return s;
}

lt_status import_tensors_check(const import_tensors *list, lt_error *err)
{
    enum { PIECE = 1 << 16 };
    double *const values = malloc(PIECE * sizeof *values); /* the widest dtype */
    lt_status s = values ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "import: no memory");
    for (int i = 0; i < list->count && s == LT_OK; i++) {
        const lt_tensor *const t = &list->list[i].tensor;
        for (int64_t first = 0; first < lt_numel(t) && s == LT_OK; first += PIECE) {
            const int64_t count = lt_numel(t) - first < PIECE ? lt_numel(t) - first : PIECE;
            lt_pack(t, first, count, values);
            s = check_finite(&list->list[i], values, first, count, err);
        }
    }
    free(values);
    return s;
}
