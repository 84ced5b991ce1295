/* golden.h - one golden file: weights, inputs, wanted outputs, and how far apart they may be.
 *
 * A stage's check (for example mmdit/dit_check.c) reads its configuration and inputs here, runs the
 * same code as the program, and reports each output; the comparison and the verdict are made here.
 */
#ifndef LT_GOLDEN_H
#define LT_GOLDEN_H

#include "kernels/core/json.h"
#include "weights/weights.h"

typedef struct lt_golden lt_golden;

/* LT_ERR_INPUT when the file, its format, config or a bound is
 * unreadable, missing or not finite. */
lt_status lt_golden_open(const char *path, lt_golden **out, lt_error *err);
void lt_golden_close(lt_golden *g);

const char *lt_golden_place(const lt_golden *g);
const char *lt_golden_component(const lt_golden *g);                 /* "mmdit.denoise" */
const char *lt_golden_metadata(const lt_golden *g, const char *key); /* NULL when absent */
/* flat object of hyper-parameters */
const lt_json *lt_golden_config(const lt_golden *g);
/* A key of the config; LT_ERR_INPUT when absent or of the wrong kind. */
lt_status lt_golden_int(const lt_golden *g, const char *key, int64_t *out, lt_error *err);
lt_status lt_golden_real(const lt_golden *g, const char *key, double *out, lt_error *err);
/* "width", or "theia.patch_size" of a section inside. */
bool lt_golden_has_key(const lt_golden *g, const char *key);
/* LT_ERR_INPUT when the config lacks one of `keys` (NULL-terminated). */
lt_status lt_golden_needs(const lt_golden *g, const char *const *keys, lt_error *err);

lt_weights *lt_golden_weights(const lt_golden *g); /* the tensors w.*, without "w."; borrowed */
/* Input `in.NAME` in host memory; LT_ERR_INPUT when absent, when its rank differs from `rank` (0:
 * any) or one of its sizes is 0. */
lt_status lt_golden_input(const lt_golden *g, const char *name, int rank, const lt_tensor **out,
                          lt_error *err);
bool lt_golden_has_input(const lt_golden *g, const char *name);
/* The same as packed f32 or i32 (values must fit); free() it. */
lt_status lt_golden_input_f32(const lt_golden *g, const char *name, int rank, float **out,
                              lt_shape *shape, lt_error *err);
lt_status lt_golden_input_i32(const lt_golden *g, const char *name, int rank, int32_t **out,
                              lt_shape *shape, lt_error *err);

/* Shape of `out.NAME`, for an output whose size the inputs do not settle. False when the file wants
 * no such output. */
bool lt_golden_wanted_shape(const lt_golden *g, const char *name, lt_shape *shape);

/* Reports what was computed for `out.NAME`: packed host memory, in the layout of the official code.
 * A name that the file does not want is LT_ERR_INPUT; a wanted output that is never reported makes
 * the verdict fail. */
lt_status lt_golden_report(lt_golden *g, const char *name, lt_dtype dtype, lt_shape shape,
                           const void *data, lt_error *err);

typedef struct {
    const char *name; /* "out.v" */
    double rel_l2;    /* or the number of differing elements for an exact output; infinite when not
                         finite or misshapen */
    double bound; /* 0 for exact; infinite where the file has "none" for bf16: then finite values
                     will do */
    bool exact;
    bool ok;
} lt_golden_line;
/* The verdicts, one per wanted output; bf16 picks the bounds. Valid
 * until the golden file is closed. */
int lt_golden_verdict(lt_golden *g, bool bf16, const lt_golden_line **lines);

#endif
