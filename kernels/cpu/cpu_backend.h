/* cpu_backend.h - the CPU backend's own struct, and what its files share. Nothing outside
 * kernels/cpu includes this.
 *
 * An operation is a driver (cpu_linear.c, cpu_conv.c, ...) that cuts the work into tiles, runs them
 * on the pool, and lets the kernels of the processor's instruction set do each. The shape of a tile
 * depends on the tensors alone, or no number depends on it.
 */
#ifndef LT_CPU_BACKEND_H
#define LT_CPU_BACKEND_H

#include "kernels/backend.h"
#include "kernels/core/threads.h"
#include "kernels/cpu/cpu_kernels.h"

enum {
    LT_WORKER_SCRATCH = 4 << 20, /* bytes for one tile */
    LT_SHARED_SCRATCH = 2 << 20, /* bytes that all tiles of one operation read */
    LT_ROUNDED_SCRATCH = 8 << 20 /* the same of rows that were rounded for a product, per worker:
                                    some blocks of them for each */
};

typedef struct {
    lt_backend base;
    const lt_cpu_kernels *kernels;
    const lt_narrow_kernels *narrow; /* NULL where the processor does not multiply bf16 */
    const lt_product *int8;
    const lt_product *int4; /* of q4 */
    const lt_few_rows *few;
    char *scratch; /* LT_SHARED_SCRATCH, then LT_WORKER_SCRATCH per worker, then rounded_bytes;
                      64-byte aligned */
    size_t rounded_bytes;
} lt_cpu;

static inline lt_cpu *lt_cpu_of(lt_backend *b)
{
    return (lt_cpu *)b; /* base comes first */
}

static inline void *lt_shared_scratch(const lt_cpu *cpu)
{
    return cpu->scratch;
}

static inline void *lt_worker_scratch(const lt_cpu *cpu, int worker)
{
    return cpu->scratch + LT_SHARED_SCRATCH + (size_t)worker * LT_WORKER_SCRATCH;
}

static inline void *lt_rounded_scratch(const lt_cpu *cpu)
{
    return lt_worker_scratch(cpu, lt_pool_threads(cpu->base.pool));
}

/* Address of element `index` (of the whole tensor, in elements from data). */
static inline void *lt_at(const lt_tensor *t, int64_t index)
{
    return (char *)t->data + index * (int64_t)lt_dtype_bytes(t->dtype);
}

static inline int64_t lt_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t lt_ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Asks for memory that the processor does not see coming. */
static inline void lt_fetch(const char *from, int64_t bytes)
{
    enum { LINE = 64 };
    for (int64_t i = 0; i < bytes; i += LINE)
        __builtin_prefetch(from + i);
}

/* Runs tiles on the pool, or one after the other on the caller where waking others costs more than
 * the work: `work` is a rough count of element visits (a multiply-add counts 1/8). */
static inline void lt_cpu_run(const lt_cpu *cpu, int64_t tiles, lt_tile_fn fn, void *user,
                              int64_t work)
{
    enum { WORTH_WAKING = 1 << 16 }; /* about 30 us of work; what waking costs is in threads.c */
    if (work >= WORTH_WAKING) {
        lt_pool_run(cpu->base.pool, tiles, fn, user);
        return;
    }
    for (int64_t tile = 0; tile < tiles; tile++)
        fn(user, tile, 0);
}

/* Counted, 64-byte aligned memory: the table's alloc and release. */
lt_status lt_cpu_alloc(lt_backend *b, size_t bytes, void **out, lt_error *err);
void lt_cpu_release(lt_backend *b, void *memory);

/* The product of activations of `type` with a matrix of `outputs` rows: bf16 only where the
 * processor multiplies it. */
static inline const lt_product *lt_product_for(const lt_cpu *cpu, lt_dtype type, int64_t outputs)
{
    const bool narrow = type == LT_BF16 && cpu->narrow != NULL;
    const lt_product *slim =
        narrow && cpu->narrow->rounding == LT_ROUND_NONE ? &cpu->narrow->slim : &cpu->kernels->slim;
    if (outputs <= slim->columns)
        return slim;
    return narrow ? &cpu->narrow->wide : &cpu->kernels->wide;
}

/* The same with a convolution's weight. */
static inline const lt_product *lt_conv_product(const lt_cpu *cpu, lt_dtype type, int64_t outputs)
{
    const bool plain = cpu->narrow != NULL && cpu->narrow->rounding != LT_ROUND_NONE;
    return lt_product_for(cpu, plain ? LT_F32 : type, outputs);
}

/* The product of many rows of `type` with a matrix. */
static inline const lt_product *lt_matrix_product(const lt_cpu *cpu, lt_dtype type,
                                                  const lt_weight *w)
{
    if (w->rounding == LT_ROUND_INT8)
        return w->value.dtype == LT_Q4 ? cpu->int4 : cpu->int8;
    return lt_product_for(cpu, type, w->value.dim[0]);
}

/* Bytes of `count` elements of a product. */
static inline int64_t lt_product_bytes(const lt_product *p, int64_t count)
{
    return count * (int64_t)lt_dtype_bytes(p->type);
}

static inline void lt_begin_products(const lt_product *p)
{
    if (p->begin != NULL)
        p->begin();
}

static inline void lt_end_products(const lt_product *p)
{
    if (p->end != NULL)
        p->end();
}

/* ---- cpu_weights.c: what lt_weight.packed points to ---- */

typedef enum {
    LT_PANELS_ROWS,    /* rows of the weight, a convolution's with taps before channels */
    LT_PANELS_WINOGRAD /* a convolution's in transformed form: cpu_winograd.c */
} lt_panel_kind;

typedef struct {
    void *owned;  /* f32 values that replaced those of the file, or NULL */
    void *panels; /* packed at load, or NULL: piece by piece when used; int8 without its scales */
    lt_panel_kind panel_kind;
    lt_dtype panel_type; /* of the product that reads them */
    int64_t depth;       /* inputs of one output */
    int64_t outputs;
    lt_shape shape; /* of a convolution: [Cout, Cin, kt, kh, kw] */
} lt_cpu_weight;

lt_status lt_cpu_prepare(lt_backend *b, lt_weight *w, lt_error *err);
void lt_cpu_unprepare(lt_backend *b, lt_weight *w);
size_t lt_cpu_prepared_bytes(lt_backend *b, const lt_weight *w);

static inline bool lt_has_panels(const lt_cpu_weight *packed, lt_panel_kind kind,
                                 const lt_product *p)
{
    return packed->panels != NULL && packed->panel_kind == kind && packed->panel_type == p->type;
}

/* Value i as it is stored, without the scale of its row. */
static inline float lt_stored_value(const lt_tensor *t, int64_t i)
{
    if (t->dtype == LT_F32)
        return ((const float *)t->data)[i];
    if (t->dtype == LT_BF16)
        return lt_bf16_to_f32(((const uint16_t *)t->data)[i]);
    return (float)lt_load_element(t->data, t->dtype, i);
}

static inline int64_t lt_padded_depth(const lt_product *p, int64_t depth)
{
    return lt_ceil_div(depth, p->step) * p->step;
}

/* Bytes of a panel for inputs 0 .. depth-1: where piece `depth` of a longer one begins. */
static inline int64_t lt_panel_bytes(const lt_product *p, int64_t depth)
{
    const int64_t heads = p->unit > 0 ? lt_ceil_div(depth, p->unit) * p->unit_head : 0;
    return lt_product_bytes(p, lt_padded_depth(p, depth) * p->columns) + heads;
}

/* The panel of outputs column .. column+columns-1 of a matrix for inputs k .. k+depth-1 (at most
 * p->depth, k a multiple of it): part of what was packed at load, or packed into `room`. */
const void *lt_matrix_panel(const lt_cpu *cpu, const lt_product *p, const lt_weight *w,
                            int64_t column, int64_t k, int64_t depth, void *room);
/* Bytes of that room: a panel, and the widened rows of blocks. */
int64_t lt_matrix_room(const lt_product *p, const lt_weight *w);

/* cpu_int8_panels.c: the same piece of a product of int8. `room` takes lt_int8_room bytes. */
void lt_pack_int8(const lt_cpu *cpu, const lt_product *p, const lt_weight *w, int64_t column,
                  int64_t k, int64_t depth, void *panel, void *room);
int64_t lt_int8_room(const lt_product *p);

/* Bytes of `count` values of a matrix as it is stored; of blocks, of whole ones. */
static inline int64_t lt_stored_bytes(const lt_weight *w, int64_t count)
{
    return w->value.dtype == LT_Q4 ? count / 2 : count * (int64_t)lt_dtype_bytes(w->value.dtype);
}

/* Input k of output `row`; of blocks, k begins one. */
static inline const void *lt_stored_at(const lt_weight *w, int64_t row, int64_t k)
{
    return (const char *)w->value.data + lt_stored_bytes(w, row * w->value.dim[1] + k);
}

/* The scales of blocks from there on. */
static inline const uint16_t *lt_block_scales(const lt_weight *w, int64_t row, int64_t k)
{
    return (const uint16_t *)w->scale.data + (row * w->value.dim[1] + k) / LT_BLOCK;
}

/* A convolution is summed over so many input channels at a time, so that what a tile reads of the
 * image stays in the cache. Its panels are [slice][kt][kh][kw * channels of the slice,
 * padded][columns]. */
enum { LT_CONV_SLICE = 128 };

typedef struct {
    int64_t first; /* channel */
    int64_t channels;
    int64_t run; /* kw * channels */
    int64_t padded_run;
    int64_t depth; /* kt * kh * padded_run */
    int64_t at;    /* where the slice begins in a panel's depth */
} lt_conv_slice;

lt_conv_slice lt_conv_slice_of(const lt_product *p, const lt_cpu_weight *packed, int64_t first);
int64_t lt_conv_panel_depth(const lt_product *p, const lt_cpu_weight *packed); /* of all slices */
/* Packs, for outputs column .. column+columns-1, inputs k .. k+depth-1 of the run of tap row
 * `tap_row` (of kt * kh). `room` takes columns x depth floats. */
void lt_pack_conv_run(const lt_product *p, const lt_weight *w, int64_t column,
                      const lt_conv_slice *s, int64_t tap_row, int64_t k, int64_t depth,
                      void *panel, float *room);

/* Row scales of an int8 weight from output `column` on, or NULL. */
static inline const float *lt_scales(const lt_weight *w, int64_t column)
{
    return w->value.dtype == LT_I8 ? (const float *)w->scale.data + column : NULL;
}

/* The f32 values of a vector, or NULL for no weight. */
static inline const float *lt_vector(const lt_weight *w)
{
    return w == NULL ? NULL : w->value.data;
}

/* ---- the table's entries, by file ---- */

/* cpu_linear.c */
lt_status lt_cpu_linear(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                        const lt_weight *bias, lt_act act, lt_error *err);
lt_status lt_cpu_gather(lt_backend *b, lt_tensor out, const lt_weight *table, lt_tensor ids,
                        lt_error *err);
/* cpu_attention.c */
lt_status lt_cpu_attention(lt_backend *b, lt_tensor out, lt_tensor q, lt_tensor k, lt_tensor v,
                           const lt_attention_args *a, lt_error *err);
/* cpu_norm.c */
lt_status lt_cpu_layer_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, float eps, lt_tensor scale, lt_tensor shift,
                            lt_error *err);
lt_status lt_cpu_rms_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w, float eps,
                          lt_error *err);
lt_status lt_cpu_group_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, const lt_group_norm_args *a, lt_error *err);
/* cpu_rows.c */
lt_status lt_cpu_rope(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor cosine, lt_tensor sine,
                      lt_error *err);
lt_status lt_cpu_activate(lt_backend *b, lt_tensor out, lt_tensor x, lt_act act, lt_error *err);
lt_status lt_cpu_gated_act(lt_backend *b, lt_tensor out, lt_tensor g, lt_tensor u, lt_act act,
                           lt_error *err);
lt_status lt_cpu_gated_add(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor gate, lt_tensor y,
                           lt_error *err);
lt_status lt_cpu_normal(lt_backend *b, lt_tensor out, lt_draw draw, uint64_t first, lt_error *err);
lt_status lt_cpu_to_rgb8(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err);
/* cpu_strided.c */
lt_status lt_cpu_axpby(lt_backend *b, lt_tensor out, float alpha, lt_tensor x, float beta,
                       lt_tensor y, lt_error *err);
lt_status lt_cpu_copy(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err);
lt_status lt_cpu_fill(lt_backend *b, lt_tensor out, float value, lt_error *err);
/* cpu_conv.c */
lt_status lt_cpu_conv(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                      const lt_weight *bias, const lt_conv_args *a, lt_error *err);
/* cpu_winograd.c */
/* of the weight, [Cout, Cin, kt, kh, kw] */
bool lt_winograd_fits(const lt_product *p, lt_shape shape);
int64_t lt_winograd_panel_values(const lt_product *p, lt_shape shape);
/* `room` takes 16 x columns x depth floats. */
void lt_winograd_pack(const lt_product *p, const lt_weight *w, lt_shape shape, float *panels,
                      float *room);
lt_status lt_cpu_winograd(const lt_cpu *cpu, lt_tensor out, lt_tensor x, const lt_weight *w,
                          const lt_weight *bias, const lt_conv_args *a, lt_error *err);
/* cpu_conv.c */
lt_status lt_cpu_upsample(lt_backend *b, lt_tensor out, lt_tensor x, int factor, lt_time_rule time,
                          lt_error *err);

#endif
