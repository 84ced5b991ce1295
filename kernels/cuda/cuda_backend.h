/* cuda_backend.h - the struct of the CUDA backend, its errors, and the entries of its table by
 * file.
 *
 * C11 and C++17. Operations are queued on one stream in the order in which they are asked for, so
 * what one of them leaves in the workspace is free again for the next. Nothing here waits for the
 * device but download, finish_reading, wait, let_go, release, forget, close_reading and close.
 */
#ifndef LT_CUDA_BACKEND_H
#define LT_CUDA_BACKEND_H

#include <cuda_runtime_api.h>

#include "kernels/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LT_CUDA_ALIGN = 256,          /* bytes; of every block of device memory */
    LT_CUDA_SLOTS = 4,            /* pieces of pinned memory that uploads take in turn */
    LT_CUDA_SLOT_BYTES = 8 << 20, /* above some megabytes a copy over PCIe runs at its full rate */
    LT_CUDA_SHARED_DEFAULT = 48 << 10, /* bytes of shared memory that a block may have without
                                          asking */
    LT_CUDA_WEIGHTS_AT_ONCE = 2,       /* matrices that one operation reads */
    LT_CUDA_OLDEST = 80,               /* compute capability, major * 10 + minor */
    LT_CUDA_EARLY_OLDEST = 90, /* code of kernels that are put in place while another one ends; */
    LT_CUDA_EARLY_RECORDED = 12030, /* the oldest driver that keeps that in a graph */
    LT_CUDA_E4M3_OLDEST = 89        /* products in E4M3, with one scale a matrix */
};

/* Pinned host memory on its way to the device. A slot is written from `used` on; its event says
 * when the copies out of it are done, and is recorded when the slot is left. */
typedef struct {
    char *memory[LT_CUDA_SLOTS]; /* LT_CUDA_SLOT_BYTES each; NULL until the first upload */
    cudaEvent_t done[LT_CUDA_SLOTS];
    int slot;
    size_t used; /* bytes of memory[slot] */
} lt_cuda_staging;

/* Sizes of the blocks that are out: an open-addressing table, its capacity a power of two
 * (cuda_memory.c). */
typedef struct {
    void *memory;
    size_t bytes;
} lt_cuda_block;

typedef struct {
    lt_cuda_block *block;
    size_t capacity;
    size_t count;
} lt_cuda_blocks;

/* What the vendor's libraries keep: functions found at run time, a handle, plans by shape. Opened
 * when first needed by the file of the same name, NULL before. */
typedef struct lt_cublas lt_cublas;
typedef struct lt_cudnn lt_cudnn;

/* Matrices that come from the host when they are used
 * (cuda_weight_stream.h); NULL until there is one. */
typedef struct lt_cuda_weight_stream lt_cuda_weight_stream;

typedef struct {
    lt_backend base; /* first */
    int device;
    lt_cuda_facts facts;
    cudaStream_t stream; /* every operation and copy, in order */
    void *workspace;
    size_t workspace_bytes;
    void *counters; /* of blocks, 0 between operations; see lt_cuda_counters */
    size_t counter_bytes;
    uint64_t moves; /* how often one of these was given back: addresses of before are of no use */
    lt_cuda_staging staging;
    lt_cuda_blocks blocks;
    lt_cublas *cublas;
    lt_cudnn *cudnn;
    lt_cuda_weight_stream *weight_stream;
    bool waits_itself; /* kernels are code that can wait for those before them: they may be launched
                          early */
    bool recording;    /* the stream keeps what it is given: cuda_record.c */
} lt_cuda;

/* What `packed` of a prepared weight points to. The weight itself then says where things are on the
 * device:
 *     value   VECTOR f32; TABLE f32, bf16 or i8, HEAD also q8 or q4, no value rounded;
 *             MATRIX integers as stored, else the activation dtype; CONV the activation dtype,
 *             in memory [Cout, kt, kh, kw, Cin]. value.dim keeps the official shape.
 *     scale   of integers as stored (weight.h), else none
 * A matrix from the host has no address of its own: lt_cuda_weights_here says where it is for one
 * operation. */
typedef struct {
    void *values;                      /* device memory that this owns */
    void *scales;                      /* or NULL */
    struct lt_cuda_streamed *streamed; /* of a matrix from the host, then the only one that is set;
                                          else NULL */
} lt_cuda_weight;

/* The backend of an entry, its device made current for the calling thread. A failure of that shows
 * in the next call. */
static inline lt_cuda *lt_cuda_of(lt_backend *b)
{
    lt_cuda *c = (lt_cuda *)b;
    (void)cudaSetDevice(c->device);
    return c;
}

/* Values of a vector that may be left out. */
static inline const float *lt_cuda_vector(const lt_weight *w)
{
    return w == NULL ? NULL : (const float *)w->value.data;
}

static inline int64_t lt_cuda_ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* ---- errors (cuda_errors.c) ---- */

/* LT_OK, or "cuda: PLACE: what the runtime says": out of memory is LT_ERR_DEVICE_MEMORY with what
 * is free, a request that the runtime refuses is a bug of ours (LT_ERR_FAILED), the rest is
 * LT_ERR_DEVICE. */
lt_status lt_cuda_check(cudaError_t code, const char *place, lt_error *err);
/* Fails with LT_ERR_DEVICE_MEMORY: "cuda: PLACE: no memory for N bytes: F of T free, U in use". */
lt_status lt_cuda_no_memory(const lt_cuda *c, size_t bytes, const char *place, lt_error *err);
/* The first of the NULL-terminated names that the loader finds, as dlopen handle; LT_ERR_DEVICE
 * names all that were tried. */
lt_status lt_cuda_library(const char *const *names, void **library, lt_error *err);
/* A function of such a library; LT_ERR_DEVICE names it. */
lt_status lt_cuda_symbol(void *library, const char *name, void **function, lt_error *err);

#define LT_CUDA_TRY(call, place, err) LT_TRY(lt_cuda_check((call), (place), (err)))

/* ---- memory (cuda_memory.c) ---- */

lt_status lt_cuda_alloc(lt_backend *b, size_t bytes, void **out, lt_error *err);
void lt_cuda_release(lt_backend *b, void *memory);
lt_status lt_cuda_upload(lt_backend *b, void *device, const void *host, size_t bytes,
                         lt_error *err);
lt_status lt_cuda_download(lt_backend *b, void *host, const void *device, size_t bytes,
                           lt_error *err);
lt_status lt_cuda_open_reading(lt_backend *b, size_t bytes, lt_reading **out, lt_error *err);
lt_status lt_cuda_begin_reading(lt_backend *b, lt_reading *r, const void *device, lt_error *err);
lt_status lt_cuda_finish_reading(lt_backend *b, lt_reading *r, void *host, lt_error *err);
void lt_cuda_close_reading(lt_backend *b, lt_reading *r);
lt_status lt_cuda_wait(lt_backend *b, lt_error *err);
size_t lt_cuda_memory_free(lt_backend *b);
lt_status lt_cuda_let_go(lt_backend *b, lt_error *err); /* of the workspace and the counters */
/* At least `bytes` of device memory until the next call of this: one operation asks once, for all
 * it needs. Aligned to LT_CUDA_ALIGN; not counted in memory_in_use. */
lt_status lt_cuda_workspace(lt_cuda *c, size_t bytes, void **out, lt_error *err);
/* At least `count` counters of blocks that are done, 0: the last block of an operation sets what it
 * used to 0 again. */
lt_status lt_cuda_counters(lt_cuda *c, size_t count, unsigned **out, lt_error *err);
void lt_cuda_memory_close(lt_cuda *c); /* staging, workspace, counters, table of blocks */

/* ---- recordings (cuda_record.c) ---- */

lt_status lt_cuda_record(lt_backend *b, lt_work work, void *user, lt_recording **out,
                         lt_error *err);
lt_status lt_cuda_replay(lt_backend *b, const lt_recording *r, bool *done, lt_error *err);
void lt_cuda_forget(lt_backend *b, lt_recording *r);
/* LT_OK, or LT_ERR_FAILED where a recording is made: `place` is not for one. */
lt_status lt_cuda_expect_no_recording(const lt_cuda *c, const char *place, lt_error *err);

/* ---- weights (cuda_weights.cu) ---- */

lt_status lt_cuda_prepare(lt_backend *b, lt_weight *w, lt_error *err);
void lt_cuda_unprepare(lt_backend *b, lt_weight *w);
size_t lt_cuda_prepared_bytes(lt_backend *b, const lt_weight *w);
size_t lt_cuda_pinned_bytes(lt_backend *b, const lt_weight *w);
/* `count` weights, at most LT_CUDA_WEIGHTS_AT_ONCE, with values that operations find on the device,
 * if they are queued before the next call of this. */
lt_status lt_cuda_weights_here(lt_cuda *c, const lt_weight *const *w, int count, lt_weight *here,
                               lt_error *err);
void lt_cuda_weight_stream_close(lt_cuda_weight_stream *q); /* accepts NULL */

/* ---- the vendor's libraries (cublas_matmul.c, cudnn_graph.c); both accept NULL ---- */

void lt_cublas_close(lt_cublas *l);
void lt_cudnn_close(lt_cudnn *l);

/* ---- operations ---- */

/* cuda_gather.cu */
lt_status lt_cuda_gather(lt_backend *b, lt_tensor out, const lt_weight *table, lt_tensor ids,
                         lt_error *err);
/* cuda_linear.cu */
lt_status lt_cuda_linear(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                         const lt_weight *bias, lt_act act, lt_error *err);
lt_status lt_cuda_linear_add(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                             const lt_weight *bias, lt_tensor room, lt_error *err);
lt_status lt_cuda_normed_linear(lt_backend *b, lt_tensor out, lt_tensor x, const lt_row_norm *norm,
                                const lt_weight *w, lt_tensor room, lt_error *err);
lt_status lt_cuda_gated_linear(lt_backend *b, lt_tensor out, lt_tensor x, const lt_row_norm *norm,
                               const lt_weight *gate, const lt_weight *up, lt_act act,
                               lt_tensor room, lt_error *err);
/* cuda_attention.cu */
lt_status lt_cuda_attention(lt_backend *b, lt_tensor out, lt_tensor q, lt_tensor k, lt_tensor v,
                            const lt_attention_args *a, lt_error *err);
lt_status lt_cuda_cached_attention(lt_backend *b, lt_tensor out, lt_tensor qkv, lt_tensor k,
                                   lt_tensor v, lt_tensor first, lt_tensor cosine, lt_tensor sine,
                                   const lt_attention_args *a, lt_error *err);
/* cuda_row_norm.cu */
lt_status lt_cuda_layer_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                             const lt_weight *bias, float eps, lt_tensor scale, lt_tensor shift,
                             lt_error *err);
lt_status lt_cuda_rms_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w, float eps,
                           lt_error *err);
/* cuda_group_norm.cu */
lt_status lt_cuda_group_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                             const lt_weight *bias, const lt_group_norm_args *a, lt_error *err);
/* cuda_rope.cu */
lt_status lt_cuda_rope(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor cosine, lt_tensor sine,
                       lt_error *err);
/* cuda_activate.cu */
lt_status lt_cuda_activate(lt_backend *b, lt_tensor out, lt_tensor x, lt_act act, lt_error *err);
lt_status lt_cuda_gated_act(lt_backend *b, lt_tensor out, lt_tensor g, lt_tensor u, lt_act act,
                            lt_error *err);
lt_status lt_cuda_gated_add(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor gate, lt_tensor y,
                            lt_error *err);
/* cuda_strided.cu */
lt_status lt_cuda_axpby(lt_backend *b, lt_tensor out, float alpha, lt_tensor x, float beta,
                        lt_tensor y, lt_error *err);
lt_status lt_cuda_copy(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err);
lt_status lt_cuda_fill(lt_backend *b, lt_tensor out, float value, lt_error *err);
/* The architecture that the kernels of the current device were compiled for, 80: of its card, or of
 * PTX that the driver compiled, which stays what it was compiled for. */
lt_status lt_cuda_compiled_for(int *architecture, lt_error *err);
/* cuda_conv.cu */
lt_status lt_cuda_conv(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                       const lt_weight *bias, const lt_conv_args *a, lt_error *err);
/* cuda_pixels.cu */
lt_status lt_cuda_upsample(lt_backend *b, lt_tensor out, lt_tensor x, int factor, lt_time_rule time,
                           lt_error *err);
lt_status lt_cuda_to_rgb8(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err);
/* cuda_normal.cu */
lt_status lt_cuda_normal(lt_backend *b, lt_tensor out, lt_draw draw, uint64_t first, lt_error *err);
/* cuda_choose.cu */
lt_status lt_cuda_choose(lt_backend *b, lt_tensor out, lt_tensor logits, lt_tensor scratch,
                         const lt_choice *choice, const lt_next_numbers *next, lt_error *err);

#ifdef __cplusplus
}
#endif
#endif
