/* cuda_walk.cuh - one element-wise kernel for tensors of any strides.
 *
 * Up to four operands are seen over the same index space. Dimensions that follow each other in
 * memory in all operands are merged, so packed tensors become one long row. Where the innermost run
 * of every operand allows it, N neighbours are taken at once, 16 bytes of the narrowest type; else
 * one.
 *
 *     lt_walk w = lt_walk_over(lt_shape_of(&out));
 *     lt_walk_add(&w, &out, 1, LT_WALK_RUNS);
 *     lt_walk_add(&w, &x, 1, LT_WALK_RUNS);
 *     LT_TRY((lt_walk_run<8>(c, "copy", err, w, copy_op{...})));  // op.run<8> or op.run<1>
 *
 * The operation is a struct with the base pointers and
 *     template <int N> __device__ void run(const int64_t *at, const int64_t *step) const;
 * at[k] is where the pack of operand k begins, in elements; step[k] how far its neighbours lie
 * apart: the unit, or 0. How an operand may move within a pack is said when it is added, since
 * merging can turn one into the other: a bias of one element stays while the rows that it repeats
 * over become one run. Packs that an operation would read wrongly are not made.
 */
#ifndef LT_CUDA_WALK_CUH
#define LT_CUDA_WALK_CUH

#include "kernels/cuda/cuda_device.cuh"

enum { LT_WALK_OPERANDS = 4 };

/* What the operation expects of an operand within a pack. */
typedef enum {
    LT_WALK_EITHER, /* it looks at `step` */
    LT_WALK_RUNS,   /* one unit further for every neighbour */
    LT_WALK_STAYS   /* one element for all of them */
} lt_walk_moves;

typedef struct {
    int rank;
    int64_t dim[LT_MAX_RANK];                      /* in packs, the innermost */
    int64_t stride[LT_WALK_OPERANDS][LT_MAX_RANK]; /* elements */
    int64_t step[LT_WALK_OPERANDS];                /* elements */
    int64_t base[LT_WALK_OPERANDS];                /* elements; where the first item is */
    int64_t items;
    /* for the host */
    int operands;
    const void *data[LT_WALK_OPERANDS];
    int64_t element[LT_WALK_OPERANDS]; /* bytes */
    int64_t unit[LT_WALK_OPERANDS];    /* elements that one index covers: 2 for pairs */
    lt_walk_moves moves[LT_WALK_OPERANDS];
} lt_walk;

static inline lt_walk lt_walk_over(lt_shape shape)
{
    lt_walk w = {};
    w.rank = shape.rank;
    w.items = 1;
    for (int i = 0; i < shape.rank; i++) {
        w.dim[i] = shape.dim[i];
        w.items *= shape.dim[i];
    }
    return w;
}

/* `t` has the walk's shape, or size 1 where it repeats. */
static inline void lt_walk_add(lt_walk *w, const lt_tensor *t, int64_t unit, lt_walk_moves moves)
{
    const int k = w->operands++;
    w->data[k] = t->data;
    w->element[k] = (int64_t)lt_dtype_bytes(t->dtype);
    w->unit[k] = unit;
    w->moves[k] = moves;
    for (int i = 0; i < w->rank; i++)
        w->stride[k][i] = t->dim[i] == w->dim[i] ? t->stride[i] : 0;
}

static inline void lt_walk_drop(lt_walk *w, int axis)
{
    w->rank--;
    for (int i = axis; i < w->rank; i++) {
        w->dim[i] = w->dim[i + 1];
        for (int k = 0; k < w->operands; k++)
            w->stride[k][i] = w->stride[k][i + 1];
    }
}

/* Whether axis and axis + 1 are one run in every operand. */
static inline bool lt_walk_joined(const lt_walk *w, int axis)
{
    for (int k = 0; k < w->operands; k++)
        if (w->stride[k][axis] != w->stride[k][axis + 1] * w->dim[axis + 1])
            return false;
    return true;
}

static inline void lt_walk_merge(lt_walk *w)
{
    for (int i = w->rank - 1; i >= 0 && w->rank > 1; i--)
        if (w->dim[i] == 1)
            lt_walk_drop(w, i);
    for (int i = w->rank - 2; i >= 0; i--)
        if (lt_walk_joined(w, i)) {
            w->dim[i + 1] *= w->dim[i];
            lt_walk_drop(w, i);
        }
}

/* Makes the innermost dimension one of packs of n; false, and nothing changed, where memory or an
 * operand's way of moving does not allow it. */
static inline bool lt_walk_pack(lt_walk *w, int n)
{
    const int last = w->rank - 1;
    if (w->dim[last] % n != 0)
        return false;
    for (int k = 0; k < w->operands; k++) {
        const bool stays = w->stride[k][last] == 0;
        if (w->moves[k] != LT_WALK_EITHER && stays != (w->moves[k] == LT_WALK_STAYS))
            return false;
        if (stays)
            continue;
        const int64_t bytes = n * w->unit[k] * w->element[k];
        if (w->stride[k][last] != w->unit[k] ||
            (int64_t)((uintptr_t)w->data[k] % (uintptr_t)bytes) != 0)
            return false;
        for (int i = 0; i < last; i++)
            if (w->stride[k][i] * w->element[k] % bytes != 0)
                return false;
    }
    w->dim[last] /= n;
    w->items /= n;
    for (int k = 0; k < w->operands; k++)
        w->stride[k][last] *= n;
    return true;
}

/* Items are below 2^31, so that their places are found by 32-bit divisions. */
template <int N, typename Op> __global__ void lt_walk_kernel(lt_walk w, Op op)
{
    lt_after_earlier();
    for (int64_t item = lt_first_item(); item < w.items; item += lt_item_step()) {
        uint32_t rest = (uint32_t)item;
        int64_t at[LT_WALK_OPERANDS] = {w.base[0], w.base[1], w.base[2], w.base[3]};
#pragma unroll
        for (int i = LT_MAX_RANK - 1; i >= 0; i--) {
            if (i >= w.rank)
                continue;
            const uint32_t size = (uint32_t)w.dim[i];
            const uint32_t index = i == 0 ? rest : rest % size;
            rest = i == 0 ? 0 : rest / size;
#pragma unroll
            for (int k = 0; k < LT_WALK_OPERANDS; k++)
                at[k] += index * w.stride[k][i];
        }
        op.template run<N>(at, w.step);
    }
}

/* Pieces of the outermost dimension that are small enough for the kernel follow each other. */
template <int N, typename Op>
static inline lt_status lt_walk_launch(lt_cuda *c, const char *place, lt_error *err, lt_walk w,
                                       Op op)
{
    enum { THREADS = 256 };
    const int64_t most = INT64_C(0x7fffffff);
    for (int k = 0; k < w.operands; k++)
        w.step[k] = w.stride[k][w.rank - 1] == 0 ? 0 : w.unit[k];
    const int64_t outer = w.dim[0];
    const int64_t inner = outer > 0 ? w.items / outer : 0;
    const int64_t at_once = w.items <= most ? outer : most / inner;
    if (w.items > 0 && at_once < 1)
        return lt_fail(err, LT_ERR_FAILED,
                       "cuda: %s: %lld items under one index, more than one launch takes", place,
                       (long long)inner);
    for (int64_t first = 0; first < outer && w.items > 0; first += at_once) {
        lt_walk piece = w;
        piece.dim[0] = outer - first < at_once ? outer - first : at_once;
        piece.items = piece.dim[0] * inner;
        for (int k = 0; k < w.operands; k++)
            piece.base[k] = first * w.stride[k][0];
        LT_TRY(lt_cuda_launch_early(c, place, err, lt_cuda_blocks_for(c, piece.items, THREADS),
                                    THREADS, 0, lt_walk_kernel<N, Op>, piece, op));
    }
    return LT_OK;
}

template <int N, typename Op>
static inline lt_status lt_walk_run(lt_cuda *c, const char *place, lt_error *err, lt_walk w, Op op)
{
    lt_walk_merge(&w);
    if (lt_walk_pack(&w, N))
        return lt_walk_launch<N>(c, place, err, w, op);
    return lt_walk_launch<1>(c, place, err, w, op);
}

#endif
