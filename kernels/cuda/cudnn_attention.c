/* cudnn_attention.c - attention to all keys as one operation of cuDNN: the diffusion's 17,776 rows.
 * Inputs and result stay where they are, as slices of a fused projection too: strides say so. Sums
 * and softmax are f32, weights bf16. */
#include <string.h>

#include "kernels/cuda/cuda_attention.h"
#include "kernels/cuda/cudnn_graph.h"

/* Names of the tensors of the graph. */
enum { Q = 1, K, V, OUT, SCALE, NAMES = 5 };

/* What a plan depends on; zeroed before it is filled. */
typedef struct {
    int64_t is_attention; /* keeps keys of attention apart from others */
    int64_t batches;
    int64_t n;
    int64_t m;
    int64_t heads;
    int64_t d;
    int64_t stride[4][3]; /* of q, k, v, out */
    int64_t alignment[4];
} plan_key;

static void set_key(plan_key *key, const lt_attention_job *j)
{
    const void *const memory[] = {j->q, j->k, j->v, j->out};
    const int64_t *const strides[] = {j->q_stride, j->k_stride, j->v_stride, j->out_stride};
    memset(key, 0, sizeof *key);
    key->is_attention = 2;
    key->batches = j->batches;
    key->n = j->n;
    key->m = j->m;
    key->heads = j->heads;
    key->d = j->d;
    for (int i = 0; i < 4; i++) {
        memcpy(key->stride[i], strides[i], sizeof key->stride[i]);
        key->alignment[i] = lt_graph_alignment(memory[i]);
    }
}

/* Memory [B, rows, h, d] seen as [B, h, rows, d]. A batch of one may have
 * stride 0 with us, not with cuDNN. */
static lt_graph_tensor operand(lt_graph *g, int64_t name, const void *memory, const int64_t *stride,
                               const lt_attention_job *j, int rows)
{
    const int64_t dim[] = {j->batches, j->heads, rows, j->d};
    const int64_t row = rows > 1 ? stride[1] : (int64_t)j->heads * j->d;
    const int64_t head = j->heads > 1 ? stride[2] : j->d;
    const int64_t batch = j->batches > 1 ? stride[0] : rows * row;
    const int64_t strides[] = {batch, head, row, 1};
    return lt_graph_stored(g, name, LT_BF16, lt_graph_alignment(memory), 4, dim, strides);
}

static lt_status make_plan(lt_cudnn *l, const lt_attention_job *j, lt_cudnn_plan **plan,
                           lt_error *err)
{
    const lt_graph_rules rules = {.full_f32 = false,
                                  .workspace_bytes = LT_CUDNN_ATTENTION_WORKSPACE};
    lt_graph g;
    lt_graph_open(&g, l, "attention", err);
    const lt_graph_tensor q = operand(&g, Q, j->q, j->q_stride, j, j->n);
    const lt_graph_tensor k = operand(&g, K, j->k, j->k_stride, j, j->m);
    const lt_graph_tensor v = operand(&g, V, j->v, j->v_stride, j, j->m);
    const lt_graph_tensor out = operand(&g, OUT, j->out, j->out_stride, j, j->n);
    lt_graph_attention(&g, q, k, v, lt_graph_number(&g, SCALE), out);
    const lt_status s = lt_graph_plan(&g, &rules, plan);
    lt_graph_close(&g);
    return s;
}

lt_status lt_cudnn_attention_plan(lt_cudnn *l, const lt_attention_job *j, lt_cudnn_plan **plan,
                                  lt_error *err)
{
    plan_key key;
    set_key(&key, j);
    if (lt_cudnn_find(l, &key, sizeof key, plan))
        return LT_OK;
    LT_TRY(make_plan(l, j, plan, err));
    return lt_cudnn_keep(l, &key, sizeof key, *plan, err);
}

lt_status lt_cudnn_attention(lt_cuda *c, const lt_attention_job *j, bool *done, lt_error *err)
{
    static const int64_t names[NAMES] = {Q, K, V, OUT, SCALE};
    float scale = j->scale; /* read while queueing */
    void *const memory[NAMES] = {(void *)(uintptr_t)j->q, (void *)(uintptr_t)j->k,
                                 (void *)(uintptr_t)j->v, j->out, &scale};
    lt_cudnn_plan *plan;
    void *workspace;
    LT_TRY(lt_cudnn_need(c, err));
    LT_TRY(lt_cudnn_attention_plan(c->cudnn, j, &plan, err));
    *done = plan != NULL;
    if (plan == NULL)
        return LT_OK;
    LT_TRY(lt_cuda_workspace(c, lt_cudnn_plan_workspace(plan), &workspace, err));
    return lt_cudnn_run(c, plan, names, memory, NAMES, workspace, err);
}
