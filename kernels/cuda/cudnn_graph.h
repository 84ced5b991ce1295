/* cudnn_graph.h - cuDNN's operation graphs: tensors, operations on them, a plan that runs them,
 * nothing legacy.
 *
 *     lt_graph g;
 *     lt_graph_open(&g, cudnn, "conv", err);
 *     lt_graph_tensor x = lt_graph_stored(&g, 1, LT_BF16, rank, dim, stride); // 1: its name
 *     ...
 *     lt_graph_conv(&g, x, w, y, &shape);
 *     s = lt_graph_plan(&g, &rules, &plan);
 *     lt_graph_close(&g);
 *
 *     lt_cudnn_run(c, plan, names, memory, count, workspace, err);
 *
 * As in a forward pass the first failure sticks: later calls do nothing, and lt_graph_plan gives it
 * back. Graphs name tensors in cuDNN's order of dimensions (channels before rows before columns);
 * strides say how they really lie.
 */
#ifndef LT_CUDNN_GRAPH_H
#define LT_CUDNN_GRAPH_H

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/cuda_plan_cache.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { LT_GRAPH_PARTS = 32, LT_GRAPH_OPERATIONS = 4 };

/* cudnnBackendDescriptor_t; NULL after a failure. */
typedef void *lt_graph_tensor;

typedef struct {
    lt_cudnn *cudnn;
    const char *place; /* for messages */
    lt_error *err;
    lt_status status;
    lt_error fault; /* of the machine, met by a proposal that became no plan; code LT_OK: none */
    void *part[LT_GRAPH_PARTS]; /* every descriptor, so that all are given back */
    int parts;
    void *operation[LT_GRAPH_OPERATIONS];
    int operations;
} lt_graph;

void lt_graph_open(lt_graph *g, lt_cudnn *l, const char *place, lt_error *err);
void lt_graph_close(lt_graph *g);

/* Memory that a run gives, and that begins on `alignment` bytes (lt_graph_alignment) or better. */
lt_graph_tensor lt_graph_stored(lt_graph *g, int64_t name, lt_dtype type, int64_t alignment,
                                int rank, const int64_t *dim, const int64_t *stride);
/* The largest power of two up to 16, which is all that cuDNN asks
 * for, on which an address falls. */
int64_t lt_graph_alignment(const void *memory);
/* Never in memory: between two operations. */
lt_graph_tensor lt_graph_between(lt_graph *g, int64_t name, lt_dtype type, int rank,
                                 const int64_t *dim, const int64_t *stride);
/* One f32 in host memory, given by a run. */
lt_graph_tensor lt_graph_number(lt_graph *g, int64_t name);

typedef struct {
    int dims;          /* 2: rows, columns; 3: frames before them */
    int64_t before[3]; /* zeros around the image, per dimension */
    int64_t after[3];
    int64_t stride[3];
} lt_graph_conv_shape;

/* y = cross-correlation of x [N, Cin, ...] with w [Cout, Cin, ...], summed in f32. */
void lt_graph_conv(lt_graph *g, lt_graph_tensor x, lt_graph_tensor w, lt_graph_tensor y,
                   const lt_graph_conv_shape *shape);
/* y = a + b, b may repeat. */
void lt_graph_add(lt_graph *g, lt_graph_tensor a, lt_graph_tensor b, lt_graph_tensor y);
/* out = softmax(scale q k^T) v, all [B, h, n, d] (keys [B, h, m, d]). */
void lt_graph_attention(lt_graph *g, lt_graph_tensor q, lt_graph_tensor k, lt_graph_tensor v,
                        lt_graph_tensor scale, lt_graph_tensor out);

/* Graphs of one family differ in sizes alone. Their kernels are compiled for any sizes and shared:
 * compiling one takes most of a second, and a video decoder has some sixty shapes. */
enum { LT_GRAPH_ALONE, LT_GRAPH_FAMILIES = 64 };

typedef struct {
    bool full_f32;          /* no tensor cores: they would round f32 inputs to TF32 */
    size_t workspace_bytes; /* that a plan may use */
    int family;             /* LT_GRAPH_ALONE, or a number below LT_GRAPH_FAMILIES */
} lt_graph_rules;

typedef struct lt_cudnn_plan lt_cudnn_plan;

/* The first of cuDNN's proposals that keeps the rules. *out is NULL, and no failure, where there is
 * none. Where there is none because of the machine (memory, the device, a part of the library that
 * is not there), that is a failure: another try may find one. */
lt_status lt_graph_plan(lt_graph *g, const lt_graph_rules *rules, lt_cudnn_plan **out);
size_t lt_cudnn_plan_workspace(const lt_cudnn_plan *p);

/* ---- the library and its plans, one per backend ---- */

/* Opens the library when it is first needed: c->cudnn is there afterwards. */
lt_status lt_cudnn_need(lt_cuda *c, lt_error *err);
/* A library without a device, that plans for the one that `properties` describes (cuDNN's own JSON)
 * and runs nothing. */
lt_status lt_cudnn_open_without_device(const char *properties, lt_cudnn **out, lt_error *err);
/* Plans by key; lt_cudnn_close drops them. A plan may be NULL in *found: it
 * is known that there is none. */
bool lt_cudnn_find(const lt_cudnn *l, const void *key, size_t bytes, lt_cudnn_plan **found);
/* Takes the plan, or none; where it cannot be kept it is gone. */
lt_status lt_cudnn_keep(lt_cudnn *l, const void *key, size_t bytes, lt_cudnn_plan *plan,
                        lt_error *err);

/* Queues the plan. names[i] of the graph lies at memory[i]; the workspace has
 * lt_cudnn_plan_workspace bytes. */
lt_status lt_cudnn_run(lt_cuda *c, const lt_cudnn_plan *plan, const int64_t *names,
                       void *const *memory, int count, void *workspace, lt_error *err);

#ifdef __cplusplus
}
#endif
#endif
