/* host_cudnn_graph.c - what kernels/cuda/cudnn_graph.h promises, in plain loops: graphs of the host
 * build. Every index goes through the dimensions and strides that a graph names, so a layout that
 * is described wrongly gives wrong numbers. There is no plan for an odd number of channels, so that
 * what does without cuDNN is tested too. Test-only. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/cudnn_graph.h"
#include "host_element.h"

typedef enum { STORED, BETWEEN, NUMBER } tensor_kind;

typedef struct {
    tensor_kind kind;
    int64_t name;
    lt_dtype type;
    int64_t alignment;
    int rank;
    int64_t dim[5];
    int64_t stride[5];
    void *memory; /* while a plan runs */
    double value; /* of a NUMBER, as it was when the plan was run */
} tensor;

typedef struct {
    enum { CONV, ADD, ATTENTION } kind;
    tensor in[4]; /* x, w; a, b; q, k, v, scale */
    tensor out;
    lt_graph_conv_shape shape;
} operation;

struct lt_cudnn_plan {
    int operations; /* 0: there is none */
    operation operation[LT_GRAPH_OPERATIONS];
};

struct lt_cudnn {
    lt_plan_cache plans;
};

/* ---- the library ---- */

static void drop_kept(void *plan, void *user)
{
    (void)user;
    free(plan);
}

void lt_cudnn_close(lt_cudnn *l)
{
    if (l == NULL)
        return;
    lt_plan_cache_close(&l->plans, drop_kept, l);
    free(l);
}

lt_status lt_cudnn_need(lt_cuda *c, lt_error *err)
{
    if (c->cudnn == NULL)
        c->cudnn = calloc(1, sizeof *c->cudnn);
    return c->cudnn != NULL ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "host: no memory");
}

bool lt_cudnn_find(const lt_cudnn *l, const void *key, size_t bytes, lt_cudnn_plan **found)
{
    *found = lt_plan_find(&l->plans, key, bytes);
    if (*found == NULL)
        return false;
    if ((*found)->operations == 0)
        *found = NULL;
    return true;
}

lt_status lt_cudnn_keep(lt_cudnn *l, const void *key, size_t bytes, lt_cudnn_plan *plan,
                        lt_error *err)
{
    lt_cudnn_plan *kept = plan != NULL ? plan : calloc(1, sizeof *kept);
    const lt_status s = lt_plan_keep(&l->plans, key, bytes, kept, err);
    if (s != LT_OK)
        free(kept);
    return s;
}

size_t lt_cudnn_plan_workspace(const lt_cudnn_plan *p)
{
    (void)p;
    return 256;
}

/* ---- graphs ---- */

void lt_graph_open(lt_graph *g, lt_cudnn *l, const char *place, lt_error *err)
{
    *g = (lt_graph){.cudnn = l, .place = place, .err = err};
}

void lt_graph_close(lt_graph *g)
{
    while (g->parts > 0)
        free(g->part[--g->parts]);
}

static void *part(lt_graph *g, size_t bytes)
{
    void *made = g->parts < LT_GRAPH_PARTS ? calloc(1, bytes) : NULL;
    if (made == NULL)
        abort();
    g->part[g->parts++] = made;
    return made;
}

static lt_graph_tensor new_tensor(lt_graph *g, tensor_kind kind, int64_t name, lt_dtype type,
                                  int64_t alignment, int rank, const int64_t *dim,
                                  const int64_t *stride)
{
    tensor *t = part(g, sizeof *t);
    *t = (tensor){.kind = kind, .name = name, .type = type, .alignment = alignment, .rank = rank};
    memcpy(t->dim, dim, (size_t)rank * sizeof *dim);
    memcpy(t->stride, stride, (size_t)rank * sizeof *stride);
    return t;
}

lt_graph_tensor lt_graph_stored(lt_graph *g, int64_t name, lt_dtype type, int64_t alignment,
                                int rank, const int64_t *dim, const int64_t *stride)
{
    return new_tensor(g, STORED, name, type, alignment, rank, dim, stride);
}

int64_t lt_graph_alignment(const void *memory)
{
    int64_t alignment = 16;
    while ((uintptr_t)memory % (uintptr_t)alignment != 0)
        alignment /= 2;
    return alignment;
}

lt_graph_tensor lt_graph_between(lt_graph *g, int64_t name, lt_dtype type, int rank,
                                 const int64_t *dim, const int64_t *stride)
{
    return new_tensor(g, BETWEEN, name, type, 1, rank, dim, stride);
}

lt_graph_tensor lt_graph_number(lt_graph *g, int64_t name)
{
    static const int64_t ones[] = {1, 1, 1, 1};
    return new_tensor(g, NUMBER, name, LT_F32, 1, 4, ones, ones);
}

static operation *new_operation(lt_graph *g)
{
    operation *o = part(g, sizeof *o);
    g->operation[g->operations++] = o;
    return o;
}

void lt_graph_conv(lt_graph *g, lt_graph_tensor x, lt_graph_tensor w, lt_graph_tensor y,
                   const lt_graph_conv_shape *shape)
{
    operation *o = new_operation(g);
    o->kind = CONV;
    o->in[0] = *(tensor *)x;
    o->in[1] = *(tensor *)w;
    o->out = *(tensor *)y;
    o->shape = *shape;
}

void lt_graph_add(lt_graph *g, lt_graph_tensor a, lt_graph_tensor b, lt_graph_tensor y)
{
    operation *o = new_operation(g);
    o->kind = ADD;
    o->in[0] = *(tensor *)a;
    o->in[1] = *(tensor *)b;
    o->out = *(tensor *)y;
}

void lt_graph_attention(lt_graph *g, lt_graph_tensor q, lt_graph_tensor k, lt_graph_tensor v,
                        lt_graph_tensor scale, lt_graph_tensor out)
{
    operation *o = new_operation(g);
    o->kind = ATTENTION;
    o->in[0] = *(tensor *)q;
    o->in[1] = *(tensor *)k;
    o->in[2] = *(tensor *)v;
    o->in[3] = *(tensor *)scale;
    o->out = *(tensor *)out;
}

lt_status lt_graph_plan(lt_graph *g, const lt_graph_rules *rules, lt_cudnn_plan **out)
{
    const operation *first = g->operation[0];
    (void)rules;
    *out = NULL;
    if (first->kind == CONV && first->in[0].dim[1] % 2 == 1)
        return LT_OK;
    lt_cudnn_plan *p = calloc(1, sizeof *p);
    if (p == NULL)
        abort();
    for (int i = 0; i < g->operations; i++)
        p->operation[p->operations++] = *(operation *)g->operation[i];
    *out = p;
    return LT_OK;
}

/* ---- running ---- */

static int64_t place(const tensor *t, const int64_t *at)
{
    int64_t index = 0;
    for (int i = 0; i < t->rank; i++)
        index += (t->dim[i] == 1 ? 0 : at[i]) * t->stride[i]; /* a dimension of 1 repeats */
    return index;
}

static double stored(const tensor *t, int64_t index)
{
    return host_element(t->memory, t->type, index);
}

static double get(const tensor *t, const int64_t *at)
{
    return t->kind == NUMBER ? t->value : stored(t, place(t, at));
}

/* Steps `at` through the dimensions of t from `first` on; false after the last. */
static bool next(const tensor *t, int first, int64_t *at)
{
    for (int i = t->rank - 1; i >= first; i--) {
        if (++at[i] < t->dim[i])
            return true;
        at[i] = 0;
    }
    return false;
}

/* Of x from place `x_at` on times y from `y_at` on, along a dimension of both. */
static double dot(const tensor *x, const int64_t *x_at, const tensor *y, const int64_t *y_at,
                  int dimension)
{
    const int64_t from_x = place(x, x_at);
    const int64_t from_y = place(y, y_at);
    double sum = 0;
    for (int64_t i = 0; i < y->dim[dimension]; i++)
        sum += stored(x, from_x + i * x->stride[dimension]) *
               stored(y, from_y + i * y->stride[dimension]);
    return sum;
}

static double conv_at(const operation *o, const int64_t *at)
{
    const tensor *x = &o->in[0];
    const tensor *w = &o->in[1];
    int64_t tap[5] = {at[1]};
    double sum = 0;
    do {
        int64_t from[5] = {at[0]};
        bool inside = true;
        for (int i = 0; i < o->shape.dims; i++) {
            from[2 + i] = at[2 + i] * o->shape.stride[i] + tap[2 + i] - o->shape.before[i];
            inside = inside && from[2 + i] >= 0 && from[2 + i] < x->dim[2 + i];
        }
        if (inside)
            sum += dot(x, from, w, tap, 1);
    } while (next(w, 2, tap));
    return sum;
}

/* All of the row that begins at `at`. */
static void attention_row(const operation *o, const int64_t *at, double *weight)
{
    const int64_t zero[4] = {0};
    const tensor *v = &o->in[2];
    const tensor *out = &o->out;
    const int64_t keys = o->in[1].dim[2];
    const double scale = get(&o->in[3], zero);
    double total = 0;
    for (int64_t key = 0; key < keys; key++) {
        const int64_t key_at[] = {at[0], at[1], key, 0};
        weight[key] = exp(scale * dot(&o->in[0], at, &o->in[1], key_at, 3));
        total += weight[key];
    }
    for (int64_t e = 0; e < out->dim[3]; e++) {
        double sum = 0;
        for (int64_t key = 0; key < keys; key++) {
            const int64_t v_at[] = {at[0], at[1], key, e};
            sum += weight[key] * get(v, v_at);
        }
        lt_store_element(out->memory, out->type, place(out, at) + e * out->stride[3], sum / total);
    }
}

static void attend(const operation *o)
{
    double *weight = malloc((size_t)o->in[1].dim[2] * sizeof *weight);
    if (weight == NULL)
        abort();
    for (int64_t item = 0; item < o->out.dim[0]; item++)
        for (int64_t head = 0; head < o->out.dim[1]; head++)
            for (int64_t query = 0; query < o->out.dim[2]; query++)
                attention_row(o, (int64_t[]){item, head, query, 0}, weight);
    free(weight);
}

static void for_each(const operation *o)
{
    int64_t at[5] = {0};
    do {
        const double value =
            o->kind == CONV ? conv_at(o, at) : get(&o->in[0], at) + get(&o->in[1], at);
        lt_store_element(o->out.memory, o->out.type, place(&o->out, at), value);
    } while (next(&o->out, 0, at));
}

static int64_t last_place(const tensor *t)
{
    int64_t at[5];
    for (int i = 0; i < t->rank; i++)
        at[i] = t->dim[i] - 1;
    return place(t, at);
}

/* Memory by name: what the run gives, or what an earlier operation left. */
static lt_status find_memory(tensor *t, const int64_t *names, void *const *memory, int count,
                             lt_error *err)
{
    for (int i = 0; i < count; i++)
        if (names[i] == t->name)
            t->memory = memory[i];
    if (t->memory == NULL || (uintptr_t)t->memory % (uintptr_t)t->alignment != 0)
        return lt_fail(err, LT_ERR_FAILED, "host: tensor %lld is not given, or not aligned to %lld",
                       (long long)t->name, (long long)t->alignment);
    if (t->kind == NUMBER)
        t->value = stored(t, 0);
    return LT_OK;
}

/* A run that waits for its turn: operations with their memory. */
typedef struct {
    int operations;
    operation operation[LT_GRAPH_OPERATIONS];
    void *made[LT_GRAPH_OPERATIONS]; /* what lies between them */
} run;

static void free_made(run *r)
{
    for (int i = 0; i < r->operations; i++)
        free(r->made[i]);
}

static void compute(void *which)
{
    run *r = which;
    for (int i = 0; i < r->operations; i++) {
        const operation *o = &r->operation[i];
        if (o->kind == ATTENTION)
            attend(o);
        else
            for_each(o);
    }
    free_made(r);
}

lt_status lt_cudnn_run(lt_cuda *c, const lt_cudnn_plan *plan, const int64_t *names,
                       void *const *memory, int count, void *workspace, lt_error *err)
{
    int64_t name[16];
    void *known[16];
    run r = {.operations = plan->operations};
    int all = count;
    lt_status s = workspace == NULL ? lt_fail(err, LT_ERR_FAILED, "host: no workspace") : LT_OK;
    memcpy(name, names, (size_t)count * sizeof *names);
    memcpy(known, memory, (size_t)count * sizeof *memory);
    for (int i = 0; s == LT_OK && i < plan->operations; i++) {
        operation *o = &r.operation[i];
        *o = plan->operation[i];
        const int operands = o->kind == ATTENTION ? 4 : 2;
        if (o->out.kind == BETWEEN) {
            r.made[i] = calloc((size_t)last_place(&o->out) + 1, sizeof(float));
            name[all] = o->out.name;
            known[all++] = r.made[i];
        }
        for (int k = 0; s == LT_OK && k < operands; k++)
            s = find_memory(&o->in[k], name, known, all, err);
        if (s == LT_OK)
            s = find_memory(&o->out, name, known, all, err);
    }
    if (s == LT_OK)
        s = lt_cuda_check(host_enqueue_call(c->stream, compute, &r, sizeof r), "host", err);
    else
        free_made(&r);
    return s;
}
