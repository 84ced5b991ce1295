/* backend.h - the table that a device fills: memory calls and the operations.
 *
 * Operations are checked for shapes and dtypes once, in ops.c; a backend may rely on what each
 * entry states.
 * `out` is always allocated by the caller. Activations are f32 or bf16 (all tensors of one call the
 * same unless stated), the last dimension is contiguous unless stated, vectors (bias, norm weights,
 * tables) are f32.
 * Accumulation is f32 or better. Every entry returns LT_OK or fails through `err`. `room` is packed
 * memory of so many values of x's dtype, for what may be between the steps of an operation.
 *
 * Include law: this header and kernels/core only.
 */
#ifndef LT_BACKEND_H
#define LT_BACKEND_H

#include <stdbool.h>

#include "kernels/core/philox.h"
#include "kernels/core/status.h"
#include "kernels/core/tensor.h"
#include "kernels/core/token_choice.h"
#include "kernels/core/weight.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { LT_ACT_NONE, LT_ACT_GELU_ERF, LT_ACT_GELU_TANH, LT_ACT_SILU, LT_ACT_TANH } lt_act;

typedef struct {
    float scale;       /* multiplies q.k */
    lt_tensor visible; /* i32 [n]: row i sees keys 0 .. visible[i]-1 (>= 1); none: all keys */
    lt_tensor bias; /* f32 [h, n + m - 1], added to the scaled score of (row i, key j) from column j
                       - i + n - 1; or none */
    lt_rounding rounding; /* LT_ROUND_E4M3: q, k, v and weights of bf16 may be rounded so; anything
                             else: no */
} lt_attention_args;

typedef struct {
    int stride;  /* 1 or 2, rows and columns alike */
    int pad_top; /* rows and columns of zeros */
    int pad_left;
    int pad_bottom;
    int pad_right;
    lt_tensor history; /* [kt-1, H, W, Cin], the frames before the first; none: the first frame
                          repeated (kt > 1) */
    lt_tensor add;     /* same shape as out, added to the result; or none */
} lt_conv_args;

typedef struct {
    int groups;
    float eps;
    lt_act act;      /* applied last */
    lt_tensor gain;  /* [L, h, w, C]: out = act(GN(x) * gain[Z] + shift[Z]), Z the nearest cell
                        (temporal_vae/README); or none */
    lt_tensor shift; /* with gain */
    int64_t first;   /* frame of x that is out's frame 0 */
} lt_group_norm_args;

typedef enum { LT_TIME_KEEP, LT_TIME_DOUBLE } lt_time_rule;

/* Of rows: x / sqrt(mean(x^2) + eps) * w. */
typedef struct {
    const lt_weight *w;
    float eps;
} lt_row_norm;

enum { LT_FIRST_ROWS = 4 }; /* of cached_attention, where only the device knows which they are */

/* on a device, that matrices from the host take in turns: one is read while others are copied */
enum { LT_WEIGHT_PLACES = 4 };

typedef struct lt_backend lt_backend;

/* Operations that a backend keeps, to do them again. */
typedef struct lt_recording lt_recording;
typedef lt_status (*lt_work)(void *user, lt_error *err);

/* Bytes on their way to the host, of one size. */
typedef struct lt_reading lt_reading;

typedef struct {
    const char *name; /* "reference", "cpu", "cuda" */

    /* Memory: 64-byte aligned, zeroed or not. alloc fails with LT_ERR_RESOURCES or
     * LT_ERR_DEVICE_MEMORY. */
    lt_status (*alloc)(lt_backend *b, size_t bytes, void **out, lt_error *err);
    void (*release)(lt_backend *b, void *memory);
    /* The host memory is free for reuse when upload returns. */
    lt_status (*upload)(lt_backend *b, void *device, const void *host, size_t bytes, lt_error *err);
    lt_status (*download)(lt_backend *b, void *host, const void *device, size_t bytes,
                          lt_error *err);
    lt_status (*wait)(lt_backend *b, lt_error *err); /* until everything asked for so far is done */

    /* Turns w->value (host memory of a mapped file, any float dtype, or integers with their scales:
     * weight.h) into what the kernels read. The mapping outlives the weight, so a host backend may
     * point into it. unprepare undoes it. On a device with memory of its own matrices whose home is
     * the host's stay there and come when they are used, through LT_WEIGHT_PLACES places that are
     * each as large as the largest of them and are there while one of them is prepared. */
    lt_status (*prepare)(lt_backend *b, lt_weight *w, lt_error *err);
    void (*unprepare)(lt_backend *b, lt_weight *w);
    /* Bytes that prepare would allocate for `w`, or that it needs of a place; no value is read. */
    size_t (*prepared_bytes)(lt_backend *b, const lt_weight *w);
    /* Bytes of the host's memory that prepare would pin for `w`, not prepared yet; 0 for a matrix
     * that comes from the mapped file. NULL where the device has no memory of its own. */
    size_t (*pinned_bytes)(lt_backend *b, const lt_weight *w);

    /* out[n, d] = table[ids[n], :]; ids i32 on the device, already checked. */
    lt_status (*gather)(lt_backend *b, lt_tensor out, const lt_weight *table, lt_tensor ids,
                        lt_error *err);
    /* out[n, o] = act(x[n, i] . W[o, i]^T + bias[o]); against q4 up to 4 rows of x may be rounded
     * to 8 bits per 32; rows of x and out may have any stride; bias may be NULL. Logits may ask for
     * an f32 out from bf16 x. */
    lt_status (*linear)(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                        const lt_weight *bias, lt_act act, lt_error *err);
    /* out[n, o] += x[n, i] . W[o, i]^T + bias[o], out f32 or like x, any row strides; what is added
     * may be rounded to x's dtype. room [n o]. */
    lt_status (*linear_add)(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, lt_tensor room, lt_error *err);
    /* out[n, o] = y . W[o, i]^T with y = rms_norm of x [n, i] by norm, which may be rounded on the
     * way. room [n i]. */
    lt_status (*normed_linear)(lt_backend *b, lt_tensor out, lt_tensor x, const lt_row_norm *norm,
                               const lt_weight *w, lt_tensor room, lt_error *err);
    /* out[n, o] = act(y . G[o, i]^T) * (y . U[o, i]^T), y as above;
     * out packed. room [n (i + o)]. */
    lt_status (*gated_linear)(lt_backend *b, lt_tensor out, lt_tensor x, const lt_row_norm *norm,
                              const lt_weight *gate, const lt_weight *up, lt_act act,
                              lt_tensor room, lt_error *err);
    /* q [B, n, h, d], k and v [B, m, h, d], out [B, n, h, d], any strides but the last; d <= 256.
     * out = softmax over visible keys of (scale q.k + bias) times v. Never holds n x m scores. */
    lt_status (*attention)(lt_backend *b, lt_tensor out, lt_tensor q, lt_tensor k, lt_tensor v,
                           const lt_attention_args *a, lt_error *err);
    /* Rows that join a cache and look into it. qkv [B, n, 3, h, d], any strides but the last, are
     * their queries, keys and values. Rows first .. first + n - 1 of k and v [B, m, h, d] become
     * rope(keys) and the values; out = attention of rope(queries) to those up to there. first i32
     * [1], n <= LT_FIRST_ROWS, no bias: it is read on the device, already checked, and cosine and
     * sine are [m, d/2], of all rows of k. none: first is m - n, and they are [n, d/2]. Rotated as
     * `rope` says; qkv is written to. */
    lt_status (*cached_attention)(lt_backend *b, lt_tensor out, lt_tensor qkv, lt_tensor k,
                                  lt_tensor v, lt_tensor first, lt_tensor cosine, lt_tensor sine,
                                  const lt_attention_args *a, lt_error *err);
    /* x, out [B, n, d], any strides but the last. out = LN(x) * w + b, then * (1 + scale) + shift
     * when given: f32 or activation dtype [B or 1, d]. w and b may be NULL together. */
    lt_status (*layer_norm)(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, float eps, lt_tensor scale, lt_tensor shift,
                            lt_error *err);
    /* x, out [n, d]: out = x / sqrt(mean(x^2) + eps) * w. */
    lt_status (*rms_norm)(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w, float eps,
                          lt_error *err);
    /* x [T, H, W, C], out [n, H, W, C] contiguous: frames first .. first + n - 1. Statistics over
     * the channels of a group x T x H x W, all of x whatever is asked for, in double; sums of a few
     * pixels may be f32 before they join it (the CPU's of 32). */
    lt_status (*group_norm)(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, const lt_group_norm_args *a, lt_error *err);
    /* x, out [B, n, h, d], any strides but the last; cosine and sine f32 [n, d/2]: pair j of a head
     * is (2j, 2j+1). out may be x. */
    lt_status (*rope)(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor cosine, lt_tensor sine,
                      lt_error *err);
    /* out = act(x), same shape, contiguous; out may be x. */
    lt_status (*activate)(lt_backend *b, lt_tensor out, lt_tensor x, lt_act act, lt_error *err);
    /* out = act(g) * u, [n, d], any row stride; out may be g. */
    lt_status (*gated_act)(lt_backend *b, lt_tensor out, lt_tensor g, lt_tensor u, lt_act act,
                           lt_error *err);
    /* out = alpha x + beta y, same shapes up to rank 5 with any strides; dtypes f32 or bf16, may
     * differ; y may be none (beta 0); y may have size 1 where out is larger (broadcast). out may be
     * x or y. */
    lt_status (*axpby)(lt_backend *b, lt_tensor out, float alpha, lt_tensor x, float beta,
                       lt_tensor y, lt_error *err);
    /* x [B, n, d] += gate [B or 1, d] * y [B, n, d]; any strides but the last; gate f32 or
     * activation dtype. out may be x. */
    lt_status (*gated_add)(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor gate, lt_tensor y,
                           lt_error *err);
    /* x [T, H, W, Cin] contiguous -> out [T, H', W', Cout] contiguous: cross-correlation; the
     * kernel's size is that of the weight; in time frame t sees t-kt+1 .. t (never later ones).
     * bias may be NULL. On a host a frame's bytes do not depend on how many frames a call has. */
    lt_status (*conv)(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                      const lt_weight *bias, const lt_conv_args *a, lt_error *err);
    /* x [T, H, W, C] -> out [T', factor H, factor W, C], nearest. LT_TIME_DOUBLE: T odd > 1: frame
     * 0 once, the others twice (T' = 2T-1); T even: all twice; T = 1: once. */
    lt_status (*upsample)(lt_backend *b, lt_tensor out, lt_tensor x, int factor, lt_time_rule time,
                          lt_error *err);
    /* Copies between any two tensors of one shape: strides and dtypes free (float <-> float). */
    lt_status (*copy)(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err);
    /* any strides, float dtypes */
    lt_status (*fill)(lt_backend *b, lt_tensor out, float value, lt_error *err);
    /* out f32 contiguous = normals of `draw`, element i = lt_normals(draw)[first + i]. */
    lt_status (*normal)(lt_backend *b, lt_tensor out, lt_draw draw, uint64_t first, lt_error *err);
    /* out i32 [1] = lt_choose_id of logits f32 [1 or 2, vocabulary], packed and overwritten: the
     * same id on every backend, or ~i when the logit of id i is not finite. Then lt_leave_numbers
     * of `next`, which may be NULL. scratch i32 [vocabulary, 2]: whatever the backend likes. */
    lt_status (*choose)(lt_backend *b, lt_tensor out, lt_tensor logits, lt_tensor scratch,
                        const lt_choice *choice, const lt_next_numbers *next, lt_error *err);
    /* x [T, H, W, 3] float -> out u8, same shape: trunc(clamp((x + 1) / 2, 0, 1)
     * * 255) (spec of the release). */
    lt_status (*to_rgb8)(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err);

    /* Bytes that are free where the device has memory of its own, 0 where it does not say; NULL
     * where it computes in the host's. */
    size_t (*memory_free)(lt_backend *b);
    /* Waits, and gives back the device's memory that the backend kept for what would be asked of it
     * next: that takes memory anew, and what was recorded before is of no use. Counted in
     * times_let_go. NULL where nothing is kept. */
    lt_status (*let_go)(lt_backend *b, lt_error *err);

    /* Another backend on the device of `b`, as `b` is and with a queue of its own: what both are
     * given, each by one thread at a time, runs side by side. They share no memory but the
     * device's. NULL where the host's threads compute, which one backend keeps busy. */
    lt_status (*again)(lt_backend *b, lt_backend **out, lt_error *err);

    /* The operations that `work` asks for are kept, none is done: replay does them all again, at
     * once, with the addresses and numbers that they were given, whatever is in that memory by
     * then. The same work was done before as it is, and let_go was not called since. It calls
     * operations alone, nothing that moves memory between host and device, takes it or waits, and
     * reads no matrix that comes from the host (LT_ERR_FAILED). These and the readings are NULL
     * where a backend does not record. */
    lt_status (*record)(lt_backend *b, lt_work work, void *user, lt_recording **out, lt_error *err);
    /* *done false, and nothing has happened: memory of the backend's own has moved since, what was
     * recorded is of no use. */
    lt_status (*replay)(lt_backend *b, const lt_recording *r, bool *done, lt_error *err);
    void (*forget)(lt_backend *b, lt_recording *r); /* accepts NULL */

    /* Downloads that nobody waits for yet: begin queues one behind all that was asked for before,
     * and what is asked for later may overwrite `device`; finish waits for it, for nothing behind
     * it, and gives the bytes. One that is begun again before it was finished gives the later
     * bytes. */
    lt_status (*open_reading)(lt_backend *b, size_t bytes, lt_reading **out, lt_error *err);
    lt_status (*begin_reading)(lt_backend *b, lt_reading *r, const void *device, lt_error *err);
    lt_status (*finish_reading)(lt_backend *b, lt_reading *r, void *host, lt_error *err);
    void (*close_reading)(lt_backend *b, lt_reading *r); /* begun or not; accepts NULL */

    void (*close)(lt_backend *b);
} lt_backend_table;

/* A backend's own struct begins with this. */
struct lt_backend {
    const lt_backend_table *table;
    lt_dtype activation;  /* LT_F32 or LT_BF16: what forward passes run in */
    size_t memory_in_use; /* bytes, alloc minus release */
    size_t memory_peak;
    size_t pinned_in_use; /* bytes of the host's memory that matrices take that come from there:
                             themselves, or on their way */
    size_t pinned_peak;
    uint64_t times_let_go; /* calls of let_go */
    lt_rounding rounds_to; /* products are made so where a weight allows it; LT_ROUND_NONE: never */
    lt_rounding bf16_rounds_to; /* all others of bf16 with many rows, and attention's;
                                   LT_ROUND_NONE: they are exact */
    bool counts_only;           /* nothing is computed and no value is read: see lt_measure_open */
    struct lt_pool *pool;       /* threads of a backend on the host, else NULL */
    void *profile;              /* of op_profile.c; close frees it with free() */
};

/* Entries that are other operations of the backend one after the other (kernels/steps.c), for where
 * fusing them gains nothing. */
lt_status lt_linear_add_in_steps(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                                 const lt_weight *bias, lt_tensor room, lt_error *err);
lt_status lt_normed_linear_in_steps(lt_backend *b, lt_tensor out, lt_tensor x,
                                    const lt_row_norm *norm, const lt_weight *w, lt_tensor room,
                                    lt_error *err);
lt_status lt_gated_linear_in_steps(lt_backend *b, lt_tensor out, lt_tensor x,
                                   const lt_row_norm *norm, const lt_weight *gate,
                                   const lt_weight *up, lt_act act, lt_tensor room, lt_error *err);
/* `first` is none on a device with memory of its own. */
lt_status lt_cached_attention_in_steps(lt_backend *b, lt_tensor out, lt_tensor qkv, lt_tensor k,
                                       lt_tensor v, lt_tensor first, lt_tensor cosine,
                                       lt_tensor sine, const lt_attention_args *a, lt_error *err);

/* `choose` where the tensors are the host's: one thread, a small part of the pass before it
 * (host_choice.c). */
lt_status lt_choose_on_host(lt_backend *b, lt_tensor out, lt_tensor logits, lt_tensor scratch,
                            const lt_choice *choice, const lt_next_numbers *next, lt_error *err);

/* The doors of the backends, one per folder. threads: 0 = all processors. */
lt_status lt_reference_open(lt_backend **out, int threads, lt_error *err);
/* activation LT_NO_DTYPE: bf16 where the processor computes in it, else f32. */
lt_status lt_cpu_open(lt_backend **out, int threads, lt_dtype activation, lt_error *err);
/* Only in builds with CUDA. device: index as the driver counts. activation LT_NO_DTYPE: bf16.
 * LT_ERR_DEVICE says why it cannot be used. */
lt_status lt_cuda_open(lt_backend **out, int device, lt_dtype activation, lt_error *err);

/* What stands in a report about a CUDA device. */
typedef struct {
    char name[256]; /* "NVIDIA H100 80GB HBM3" */
    int capability; /* major * 10 + minor: 90 */
    int multiprocessors;
    int driver; /* CUDA version that the driver runs, 1000 * major + 10 * minor */
    size_t memory_bytes;
    size_t shared_bytes; /* of a multiprocessor, that one block may ask for */
} lt_cuda_facts;

/* Only in builds with CUDA. How many devices there are; LT_ERR_DEVICE says why none can be used. */
lt_status lt_cuda_count(int *devices, lt_error *err);
lt_status lt_cuda_look(int device, lt_cuda_facts *out, lt_error *err);
/* The toolkit and the architectures of this build: "CUDA 13.0, sm_90, PTX 90". */
const char *lt_cuda_built(void);
/* A backend that runs the same passes as `like` (borrowed) and computes nothing: memory_peak and
 * pinned_peak are what `like` would need, and none of it is touched. What is downloaded is zero. */
lt_status lt_measure_open(lt_backend **out, lt_backend *like, lt_error *err);

#ifdef __cplusplus
}
#endif
#endif
