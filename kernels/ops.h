/* ops.h - what models are written in: tensors in, tensors out, one failure that sticks.
 *
 *     lt_tensor q = lt_linear(o, x, &w->q, NULL, LT_ACT_NONE);     // [n, d]
 *     ...
 *     return lt_ops_status(o);
 *
 * A forward pass is a function (lt_pass) that takes its tensors from the arena and calls
 * operations. It runs twice: dry, to measure the arena and check every shape (no data is touched:
 * never read a tensor's memory inside a pass), then for real. After the first failure every
 * operation does nothing and returns a tensor of the right shape.
 */
#ifndef LT_OPS_H
#define LT_OPS_H

#include "kernels/backend.h"
#include "kernels/core/arena.h"

/* One forward context: a backend, an arena, the first failure. Not shared between threads. */
typedef struct {
    lt_backend *backend;
    lt_dtype dtype; /* of new activations: the backend's unless a stage asks for f32 */
    lt_arena arena;
    void *block; /* the arena's memory, from backend->alloc */
    lt_error error;
    bool measuring;
    bool repeating; /* see lt_ops_repeat */
} lt_ops;

typedef lt_status (*lt_pass)(lt_ops *o, void *user);

void lt_ops_open(lt_ops *o, lt_backend *backend);
void lt_ops_close(lt_ops *o); /* gives the arena back; accepts a zeroed one */
/* Peak bytes of `pass`, touching nothing. */
lt_status lt_ops_measure(lt_ops *o, lt_pass pass, void *user, size_t *peak);
/* Measures, grows the arena if it is too small, runs. Tensors of an earlier run are gone. The
 * failure goes to `err`. */
lt_status lt_ops_run(lt_ops *o, lt_pass pass, void *user, lt_error *err);

/* A pass that is run again and again on the same tensors: only what is in them
 * differs. Zeroed: not run yet. */
typedef struct {
    lt_recording *recording; /* or NULL */
    const void *block;       /* of the arena when it was made */
    bool ran;                /* once, as it is */
    uint64_t times_let_go;   /* of the backend when it last ran or was recorded */
} lt_repeated;

/* Whether the backend records what is repeated; not while a profile is on, which
 * waits around every operation. */
bool lt_ops_records(const lt_ops *o);
/* Like lt_ops_run. Where passes are recorded the first run is one, the second is recorded, and
 * later ones do not call `pass`: the device does again what it did. When the backend has let go of
 * its memory all begins anew. So `pass` must ask for the same on every run, and calls neither
 * lt_upload, lt_from_host nor lt_download. */
lt_status lt_ops_repeat(lt_ops *o, lt_repeated *r, lt_pass pass, void *user, lt_error *err);
void lt_ops_forget(lt_ops *o, lt_repeated *r); /* as if it had never run; accepts a zeroed one */

lt_status lt_ops_status(const lt_ops *o);
/* A failure found by the model itself: sticks like one of an operation. */
lt_status lt_ops_fail(lt_ops *o, lt_status code, const char *format, ...) LT_PRINTF(3, 4);

/* Tensors that outlive a pass (caches, results): owned by whoever opened them. */
lt_status lt_buffer_open(lt_backend *b, lt_dtype dtype, lt_shape shape, lt_tensor *out,
                         lt_error *err);
void lt_buffer_close(lt_backend *b, lt_tensor *t); /* accepts none */

/* Inside a pass: a new contiguous tensor in the arena. */
lt_tensor lt_new(lt_ops *o, lt_dtype dtype, lt_shape shape);
lt_mark lt_ops_mark(const lt_ops *o);
void lt_ops_rewind(lt_ops *o, lt_mark mark);

/* Host <-> device; contiguous tensors, dtype as it is. from_host makes a tensor in the arena. */
lt_tensor lt_from_host(lt_ops *o, const void *host, lt_dtype dtype, lt_shape shape);
void lt_upload(lt_ops *o, lt_tensor device, const void *host);
/* nothing is written in a dry pass; waits */
void lt_download(lt_ops *o, void *host, lt_tensor device);

/* Operations; backend.h defines each. Those that return a tensor take it from the arena in
 * o->dtype; `_into` writes to a tensor that is already there (often a slice). Leading dimensions
 * are free where one says "rows". */
/* ids [n] -> [n, d] */
lt_tensor lt_gather(lt_ops *o, const lt_weight *table, lt_tensor ids);
/* rows of x */
lt_tensor lt_linear(lt_ops *o, lt_tensor x, const lt_weight *w, const lt_weight *bias, lt_act act);
void lt_linear_into(lt_ops *o, lt_tensor out, lt_tensor x, const lt_weight *w,
                    const lt_weight *bias, lt_act act);
/* out += x W^T + bias */
void lt_linear_add_into(lt_ops *o, lt_tensor out, lt_tensor x, const lt_weight *w,
                        const lt_weight *bias);
/* rows of x */
lt_tensor lt_normed_linear(lt_ops *o, lt_tensor x, const lt_row_norm *norm, const lt_weight *w);
lt_tensor lt_gated_linear(lt_ops *o, lt_tensor x, const lt_row_norm *norm, const lt_weight *gate,
                          const lt_weight *up, lt_act act);
/* -> [B, n, h, d] contiguous; rank 3 = B left out */
lt_tensor lt_attention(lt_ops *o, lt_tensor q, lt_tensor k, lt_tensor v,
                       const lt_attention_args *a);
/* -> [B, n, h, d] contiguous */
lt_tensor lt_cached_attention(lt_ops *o, lt_tensor qkv, lt_tensor k, lt_tensor v, lt_tensor first,
                              lt_tensor cosine, lt_tensor sine, const lt_attention_args *a);
/* rows of x */
lt_tensor lt_layer_norm(lt_ops *o, lt_tensor x, const lt_weight *w, const lt_weight *bias,
                        float eps);
/* x, out [B, n, d] or [n, d]; scale, shift [B, d], [1, d] or [d], or none. */
void lt_modulated_norm_into(lt_ops *o, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, float eps, lt_tensor scale, lt_tensor shift);
/* rows of x */
lt_tensor lt_rms_norm(lt_ops *o, lt_tensor x, const lt_weight *w, float eps);
lt_tensor lt_group_norm(lt_ops *o, lt_tensor x, const lt_weight *w, const lt_weight *bias,
                        const lt_group_norm_args *a);
void lt_group_norm_into(lt_ops *o, lt_tensor out, lt_tensor x, const lt_weight *w,
                        const lt_weight *bias, const lt_group_norm_args *a);
/* in place; rank 3 = B left out */
void lt_rope(lt_ops *o, lt_tensor x, lt_tensor cosine, lt_tensor sine);
lt_tensor lt_activate(lt_ops *o, lt_tensor x, lt_act act);
/* y may broadcast */
lt_tensor lt_add(lt_ops *o, lt_tensor x, lt_tensor y);
/* x += y */
void lt_add_into(lt_ops *o, lt_tensor x, lt_tensor y);
void lt_axpby_into(lt_ops *o, lt_tensor out, float alpha, lt_tensor x, float beta, lt_tensor y);
/* x += gate * y */
void lt_gated_add_into(lt_ops *o, lt_tensor x, lt_tensor gate, lt_tensor y);
lt_tensor lt_conv(lt_ops *o, lt_tensor x, const lt_weight *w, const lt_weight *bias,
                  const lt_conv_args *a);
void lt_conv_into(lt_ops *o, lt_tensor out, lt_tensor x, const lt_weight *w, const lt_weight *bias,
                  const lt_conv_args *a);
void lt_upsample_into(lt_ops *o, lt_tensor out, lt_tensor x, int factor, lt_time_rule time);
lt_tensor lt_cast(lt_ops *o, lt_tensor x, lt_dtype dtype); /* a packed copy in the arena */
void lt_copy_into(lt_ops *o, lt_tensor out, lt_tensor x);
void lt_fill_into(lt_ops *o, lt_tensor out, float value);
void lt_normal_into(lt_ops *o, lt_tensor out, lt_draw draw, uint64_t first);
/* logits [1 or 2, vocabulary] f32, overwritten -> out i32 [1]; next may be NULL. */
void lt_choose_into(lt_ops *o, lt_tensor out, lt_tensor logits, const lt_choice *choice,
                    const lt_next_numbers *next);
void lt_to_rgb8_into(lt_ops *o, lt_tensor out, lt_tensor x);

/* Per-operation totals since the backend was opened, when switched on:
 * calls, seconds, bytes, FLOP. */
typedef struct {
    const char *name;
    int64_t calls;
    double seconds;
    double bytes;
    double flop;
} lt_op_total;
lt_status lt_profile_start(lt_backend *b, lt_error *err);
int lt_profile_read(const lt_backend *b, lt_op_total *out, int capacity); /* number of rows */

#endif
