/* cudnn_graph.c - see cudnn_graph.h. The only file that speaks to cuDNN. */
#include "kernels/cuda/cudnn_graph.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/cudnn_library.h"

enum { PROPOSALS = 32, MESSAGE_BYTES = 256, ALIGNMENT_MOST = 16 };

/* Plans, and the keys for which there is none: cuDNN takes long to say so. */
struct lt_cudnn {
    lt_cudnn_functions call;
    cudnnHandle_t handle;            /* or, */
    cudnnBackendDescriptor_t device; /* where plans are made without a device, its properties */
    lt_plan_cache plans;
    /* compiled ones that a family shares; NULL: none yet */
    cudnnBackendDescriptor_t kernels[LT_GRAPH_FAMILIES];
};

struct lt_cudnn_plan {
    cudnnBackendDescriptor_t descriptor; /* NULL: there is none */
    size_t workspace_bytes;
};

enum { FAMILY = 1000 }; /* cuDNN's codes: 1xxx not initialized, 2xxx bad parameters, ... */

static lt_status status_of(cudnnStatus_t code)
{
    const int family = (int)code / FAMILY * FAMILY;
    switch (code) {
    case CUDNN_STATUS_SUCCESS:
        return LT_OK;
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
        return LT_ERR_DEVICE_MEMORY;
    case CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED:
        return LT_ERR_RESOURCES;
    case CUDNN_STATUS_NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING:
    case CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE:
        return LT_ERR_DEVICE;
    default:
        return family == (int)CUDNN_STATUS_BAD_PARAM || family == (int)CUDNN_STATUS_NOT_SUPPORTED
                   ? LT_ERR_FAILED
                   : LT_ERR_DEVICE;
    }
}

/* Is it the machine's, and no word on a shape? Memory, the device, libraries that are not all
 * there; an internal error is of the engine that was tried. */
static bool is_fault(cudnnStatus_t code)
{
    const lt_status s = status_of(code);
    return s == LT_ERR_DEVICE_MEMORY || s == LT_ERR_RESOURCES ||
           (s == LT_ERR_DEVICE && (int)code / FAMILY != (int)CUDNN_STATUS_INTERNAL_ERROR / FAMILY);
}

static lt_status check(const lt_cudnn *l, cudnnStatus_t code, const char *place, const char *step,
                       lt_error *err)
{
    if (code == CUDNN_STATUS_SUCCESS)
        return LT_OK;
    char why[MESSAGE_BYTES] = "";
    l->call.cudnnGetLastErrorString(why, sizeof why);
    return lt_fail(err, status_of(code), "cuda: %s: cuDNN, %s: %s%s%s", place, step,
                   l->call.cudnnGetErrorString(code), why[0] != '\0' ? ": " : "", why);
}

/* ---- the library ---- */

static void drop(lt_cudnn *l, lt_cudnn_plan *plan)
{
    if (plan->descriptor != NULL)
        (void)l->call.cudnnBackendDestroyDescriptor(plan->descriptor);
    free(plan);
}

static void drop_kept(void *plan, void *user)
{
    drop(user, plan);
}

void lt_cudnn_close(lt_cudnn *l)
{
    if (l == NULL)
        return;
    lt_plan_cache_close(&l->plans, drop_kept, l);
    for (int i = 0; i < LT_GRAPH_FAMILIES; i++)
        if (l->kernels[i] != NULL)
            (void)l->call.cudnnBackendDestroyDescriptor(l->kernels[i]);
    if (l->device != NULL)
        (void)l->call.cudnnBackendDestroyDescriptor(l->device);
    if (l->handle != NULL)
        (void)l->call.cudnnDestroy(l->handle);
    free(l);
}

static lt_status load(lt_cudnn **out, lt_error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cuda: no memory for cuDNN's plans");
    return lt_cudnn_functions_load(&(*out)->call, err);
}

lt_status lt_cudnn_need(lt_cuda *c, lt_error *err)
{
    if (c->cudnn != NULL)
        return LT_OK;
    lt_cudnn *l;
    lt_status s = load(&l, err);
    if (s == LT_OK)
        s = check(l, l->call.cudnnCreate(&l->handle), "opening", "a handle", err);
    if (s == LT_OK)
        s = check(l, l->call.cudnnSetStream(l->handle, c->stream), "opening", "the stream", err);
    if (s != LT_OK) {
        lt_cudnn_close(l);
        return s;
    }
    c->cudnn = l;
    return LT_OK;
}

static lt_status describe_device(lt_cudnn *l, const char *properties, lt_error *err)
{
    const char *place = "planning without a device";
    LT_TRY(check(
        l, l->call.cudnnBackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &l->device),
        place, "its properties", err));
    LT_TRY(check(
        l,
        l->call.cudnnBackendSetAttribute(l->device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                                         CUDNN_TYPE_CHAR, (int64_t)strlen(properties), properties),
        place, "its properties", err));
    return check(l, l->call.cudnnBackendFinalize(l->device), place, "its properties", err);
}

lt_status lt_cudnn_open_without_device(const char *properties, lt_cudnn **out, lt_error *err)
{
    lt_status s = load(out, err);
    if (s == LT_OK)
        s = describe_device(*out, properties, err);
    if (s != LT_OK) {
        lt_cudnn_close(*out);
        *out = NULL;
    }
    return s;
}

bool lt_cudnn_find(const lt_cudnn *l, const void *key, size_t bytes, lt_cudnn_plan **found)
{
    *found = lt_plan_find(&l->plans, key, bytes);
    if (*found == NULL)
        return false;
    if ((*found)->descriptor == NULL)
        *found = NULL;
    return true;
}

lt_status lt_cudnn_keep(lt_cudnn *l, const void *key, size_t bytes, lt_cudnn_plan *plan,
                        lt_error *err)
{
    lt_cudnn_plan *kept = plan;
    if (plan == NULL) /* known to be none */
        kept = calloc(1, sizeof *kept);
    if (kept == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cuda: no memory for cuDNN's plans");
    const lt_status s = lt_plan_keep(&l->plans, key, bytes, kept, err);
    if (s != LT_OK)
        drop(l, kept);
    return s;
}

/* ---- describing a graph ---- */

void lt_graph_open(lt_graph *g, lt_cudnn *l, const char *place, lt_error *err)
{
    *g = (lt_graph){.cudnn = l, .place = place, .err = err};
}

void lt_graph_close(lt_graph *g)
{
    while (g->parts > 0)
        (void)g->cudnn->call.cudnnBackendDestroyDescriptor(g->part[--g->parts]);
}

/* Notes a failure of the graph; true while there is none. */
static bool fine(lt_graph *g, cudnnStatus_t code, const char *step)
{
    if (g->status == LT_OK)
        g->status = check(g->cudnn, code, g->place, step, g->err);
    return g->status == LT_OK;
}

/* Notes what kept a proposal from becoming a plan, if that was the machine. */
static void note_fault(lt_graph *g, cudnnStatus_t code, const char *step)
{
    if (is_fault(code))
        (void)check(g->cudnn, code, g->place, step, &g->fault);
}

static cudnnBackendDescriptor_t create(lt_graph *g, cudnnBackendDescriptorType_t type,
                                       const char *step)
{
    cudnnBackendDescriptor_t made = NULL;
    if (g->status != LT_OK)
        return NULL;
    if (g->parts == LT_GRAPH_PARTS) {
        g->status = lt_fail(g->err, LT_ERR_FAILED, "cuda: %s: a graph of more than %d parts",
                            g->place, LT_GRAPH_PARTS);
        return NULL;
    }
    if (!fine(g, g->cudnn->call.cudnnBackendCreateDescriptor(type, &made), step))
        return NULL;
    g->part[g->parts++] = made;
    return made;
}

static void set(lt_graph *g, cudnnBackendDescriptor_t of, cudnnBackendAttributeName_t name,
                cudnnBackendAttributeType_t type, int64_t count, const void *values,
                const char *step)
{
    if (g->status == LT_OK)
        (void)fine(g, g->cudnn->call.cudnnBackendSetAttribute(of, name, type, count, values), step);
}

static void set_part(lt_graph *g, cudnnBackendDescriptor_t of, cudnnBackendAttributeName_t name,
                     cudnnBackendDescriptor_t part, const char *step)
{
    set(g, of, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part, step);
}

static cudnnBackendDescriptor_t finalize(lt_graph *g, cudnnBackendDescriptor_t part,
                                         const char *step)
{
    if (g->status != LT_OK || !fine(g, g->cudnn->call.cudnnBackendFinalize(part), step))
        return NULL;
    return part;
}

static void add_operation(lt_graph *g, cudnnBackendDescriptor_t operation)
{
    if (g->status == LT_OK && g->operations == LT_GRAPH_OPERATIONS)
        g->status = lt_fail(g->err, LT_ERR_FAILED, "cuda: %s: a graph of more than %d operations",
                            g->place, LT_GRAPH_OPERATIONS);
    if (g->status == LT_OK)
        g->operation[g->operations++] = operation;
}

static cudnnDataType_t type_of(lt_dtype type)
{
    return type == LT_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

typedef enum { STORED, BETWEEN, NUMBER } tensor_kind;

static lt_graph_tensor tensor(lt_graph *g, tensor_kind kind, int64_t name, lt_dtype type,
                              int64_t alignment, int rank, const int64_t *dim,
                              const int64_t *stride)
{
    static const char *const step = "a tensor";
    const cudnnDataType_t data_type = type_of(type);
    const bool yes = true;
    const cudnnBackendDescriptor_t t = create(g, CUDNN_BACKEND_TENSOR_DESCRIPTOR, step);
    set(g, t, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &name, step);
    set(g, t, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &data_type, step);
    set(g, t, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, rank, dim, step);
    set(g, t, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, rank, stride, step);
    set(g, t, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment, step);
    if (kind == BETWEEN)
        set(g, t, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &yes, step);
    if (kind == NUMBER)
        set(g, t, CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &yes, step);
    return finalize(g, t, step);
}

lt_graph_tensor lt_graph_stored(lt_graph *g, int64_t name, lt_dtype type, int64_t alignment,
                                int rank, const int64_t *dim, const int64_t *stride)
{
    return tensor(g, STORED, name, type, alignment, rank, dim, stride);
}

int64_t lt_graph_alignment(const void *memory)
{
    int64_t alignment = ALIGNMENT_MOST;
    while ((uintptr_t)memory % (uintptr_t)alignment != 0)
        alignment /= 2;
    return alignment;
}

lt_graph_tensor lt_graph_between(lt_graph *g, int64_t name, lt_dtype type, int rank,
                                 const int64_t *dim, const int64_t *stride)
{
    return tensor(g, BETWEEN, name, type, ALIGNMENT_MOST, rank, dim, stride);
}

lt_graph_tensor lt_graph_number(lt_graph *g, int64_t name)
{
    static const int64_t ones[] = {1, 1, 1, 1};
    return tensor(g, NUMBER, name, LT_F32, (int64_t)sizeof(float), 4, ones, ones);
}

/* ---- operations ---- */

static cudnnBackendDescriptor_t conv_shape(lt_graph *g, const lt_graph_conv_shape *shape)
{
    static const char *const step = "the shape of a convolution";
    static const int64_t ones[] = {1, 1, 1};
    const int64_t dims = shape->dims;
    const cudnnDataType_t sums = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    const cudnnBackendDescriptor_t d = create(g, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, step);
    set(g, d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &dims, step);
    set(g, d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &sums, step);
    set(g, d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode, step);
    set(g, d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, dims, shape->before, step);
    set(g, d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, dims, shape->after, step);
    set(g, d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, dims, shape->stride, step);
    set(g, d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, dims, ones, step);
    return finalize(g, d, step);
}

void lt_graph_conv(lt_graph *g, lt_graph_tensor x, lt_graph_tensor w, lt_graph_tensor y,
                   const lt_graph_conv_shape *shape)
{
    static const char *const step = "a convolution";
    const float one = 1; /* of the type of the sums: engines that read f32 would take half of a
                            double for 0 */
    const float zero = 0;
    const cudnnBackendDescriptor_t how = conv_shape(g, shape);
    const cudnnBackendDescriptor_t o =
        create(g, CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, step);
    set(g, o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1, &one, step);
    set(g, o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 1, &zero, step);
    set_part(g, o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, how, step);
    set_part(g, o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x, step);
    set_part(g, o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w, step);
    set_part(g, o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y, step);
    add_operation(g, finalize(g, o, step));
}

void lt_graph_add(lt_graph *g, lt_graph_tensor a, lt_graph_tensor b, lt_graph_tensor y)
{
    static const char *const step = "a sum";
    const cudnnPointwiseMode_t mode = CUDNN_POINTWISE_ADD;
    const cudnnDataType_t precision = CUDNN_DATA_FLOAT;
    cudnnBackendDescriptor_t how = create(g, CUDNN_BACKEND_POINTWISE_DESCRIPTOR, step);
    set(g, how, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode, step);
    set(g, how, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &precision, step);
    how = finalize(g, how, step);
    const cudnnBackendDescriptor_t o =
        create(g, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, step);
    set_part(g, o, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how, step);
    set_part(g, o, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, a, step);
    set_part(g, o, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b, step);
    set_part(g, o, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y, step);
    add_operation(g, finalize(g, o, step));
}

void lt_graph_attention(lt_graph *g, lt_graph_tensor q, lt_graph_tensor k, lt_graph_tensor v,
                        lt_graph_tensor scale, lt_graph_tensor out)
{
    static const char *const step = "attention";
    const cudnnBackendDescriptor_t o = create(g, CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR, step);
    set_part(g, o, CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC, q, step);
    set_part(g, o, CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC, k, step);
    set_part(g, o, CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC, v, step);
    set_part(g, o, CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC, out, step);
    set_part(g, o, CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC, scale, step);
    add_operation(g, finalize(g, o, step));
}

/* ---- planning ---- */

/* What an engine does that the result must not depend on. */
static bool keeps_rules(const cudnnBackendNumericalNote_t *notes, int64_t count,
                        const lt_graph_rules *rules)
{
    for (int64_t i = 0; i < count; i++)
        switch (notes[i]) {
        case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
            if (rules->full_f32)
                return false;
            break;
        case CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP:
        case CUDNN_NUMERICAL_NOTE_TYPE_COUNT:
            break;
        default: /* narrower inputs or sums, transforms of the image, another order each time */
            return false;
        }
    return true;
}

static bool engine_keeps_rules(lt_graph *g, cudnnBackendDescriptor_t config,
                               const lt_graph_rules *rules)
{
    static const char *const step = "looking at an engine";
    cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    int64_t count = 0;
    int64_t one = 0;
    cudnnBackendDescriptor_t engine = NULL;
    if (!fine(g,
              g->cudnn->call.cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine),
              step))
        return false;
    const bool seen = fine(g,
                           g->cudnn->call.cudnnBackendGetAttribute(
                               config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                               1, &one, &engine),
                           step) &&
                      fine(g,
                           g->cudnn->call.cudnnBackendGetAttribute(
                               engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                               CUDNN_NUMERICAL_NOTE_TYPE_COUNT, &count, notes),
                           step);
    (void)g->cudnn->call.cudnnBackendDestroyDescriptor(engine);
    /* `count` is of what the library has, which may know more kinds than its header does here. */
    const int64_t read = count < (int64_t)CUDNN_NUMERICAL_NOTE_TYPE_COUNT
                             ? count
                             : (int64_t)CUDNN_NUMERICAL_NOTE_TYPE_COUNT;
    return seen && keeps_rules(notes, read, rules);
}

/* A plan of one proposal, or NULL where cuDNN cannot build it or it takes too much
 * memory: the next one may do. */
static lt_cudnn_plan *plan_of(lt_graph *g, cudnnBackendDescriptor_t config,
                              const lt_graph_rules *rules)
{
    const lt_cudnn_functions *call = &g->cudnn->call;
    const cudnnBackendDescriptor_t *kernels = &g->cudnn->kernels[rules->family];
    int64_t bytes = 0;
    int64_t one = 0;
    lt_cudnn_plan *p = calloc(1, sizeof *p);
    if (p == NULL) {
        g->status = lt_fail(g->err, LT_ERR_RESOURCES, "cuda: %s: no memory for a plan", g->place);
        return NULL;
    }
    cudnnStatus_t s =
        call->cudnnBackendCreateDescriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, &p->descriptor);
    if (s == CUDNN_STATUS_SUCCESS && g->cudnn->handle != NULL)
        s = call->cudnnBackendSetAttribute(p->descriptor, CUDNN_ATTR_EXECUTION_PLAN_HANDLE,
                                           CUDNN_TYPE_HANDLE, 1, &g->cudnn->handle);
    if (s == CUDNN_STATUS_SUCCESS)
        s = call->cudnnBackendSetAttribute(p->descriptor, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG,
                                           CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &config);
    if (s == CUDNN_STATUS_SUCCESS && rules->family != LT_GRAPH_ALONE)
        s = call->cudnnBackendSetAttribute(p->descriptor, CUDNN_ATTR_EXECUTION_PLAN_KERNEL_CACHE,
                                           CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, kernels);
    if (s == CUDNN_STATUS_SUCCESS)
        s = call->cudnnBackendFinalize(p->descriptor);
    if (s == CUDNN_STATUS_SUCCESS)
        s = call->cudnnBackendGetAttribute(p->descriptor, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                           CUDNN_TYPE_INT64, 1, &one, &bytes);
    note_fault(g, s, "building a plan");
    if (s != CUDNN_STATUS_SUCCESS || bytes < 0 || (uint64_t)bytes > rules->workspace_bytes) {
        drop(g->cudnn, p);
        return NULL;
    }
    p->workspace_bytes = (size_t)bytes;
    return p;
}

/* Configurations that cuDNN proposes, best guess first; returns how many. */
static int64_t propose(lt_graph *g, cudnnBackendDescriptor_t graph, cudnnBackendHeurMode_t mode,
                       cudnnBackendDescriptor_t *configs)
{
    static const char *const step = "looking for engines";
    const cudnnBackendDescriptor_t h = create(g, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, step);
    int64_t count = 0;
    set_part(g, h, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph, step);
    set(g, h, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode, step);
    if (g->cudnn->device != NULL)
        set_part(g, h, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, g->cudnn->device, step);
    if (g->status != LT_OK)
        return 0;
    const cudnnStatus_t s = g->cudnn->call.cudnnBackendFinalize(h);
    note_fault(g, s, step);
    if (s != CUDNN_STATUS_SUCCESS)
        return 0; /* this way of looking knows no engine */
    if (!fine(g,
              g->cudnn->call.cudnnBackendGetAttribute(h, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                      CUDNN_TYPE_BACKEND_DESCRIPTOR, PROPOSALS,
                                                      &count, configs),
              step))
        return 0;
    return count < PROPOSALS ? count : PROPOSALS;
}

static lt_cudnn_plan *first_plan(lt_graph *g, cudnnBackendDescriptor_t graph,
                                 cudnnBackendHeurMode_t mode, const lt_graph_rules *rules)
{
    cudnnBackendDescriptor_t configs[PROPOSALS] = {NULL};
    lt_cudnn_plan *found = NULL;
    int made = 0;
    while (made < PROPOSALS && g->status == LT_OK &&
           fine(g,
                g->cudnn->call.cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
                                                            &configs[made]),
                "looking for engines"))
        made++;
    const int64_t count = propose(g, graph, mode, configs);
    for (int64_t i = 0; i < count && found == NULL && g->status == LT_OK; i++)
        if (engine_keeps_rules(g, configs[i], rules))
            found = plan_of(g, configs[i], rules);
    for (int i = 0; i < made; i++)
        (void)g->cudnn->call.cudnnBackendDestroyDescriptor(configs[i]);
    return found;
}

/* Where the family keeps its kernels, made for its first graph. */
static void need_kernels(lt_graph *g, cudnnBackendDescriptor_t graph, int family)
{
    static const char *const step = "shared kernels";
    const lt_cudnn_functions *call = &g->cudnn->call;
    cudnnBackendDescriptor_t *kernels = &g->cudnn->kernels[family];
    if (g->status != LT_OK || *kernels != NULL)
        return;
    if (!fine(g, call->cudnnBackendCreateDescriptor(CUDNN_BACKEND_KERNEL_CACHE_DESCRIPTOR, kernels),
              step))
        return;
    set_part(g, *kernels, CUDNN_ATTR_KERNEL_CACHE_OPERATION_GRAPH, graph, step);
    if (finalize(g, *kernels, step) != NULL)
        return;
    (void)call->cudnnBackendDestroyDescriptor(*kernels);
    *kernels = NULL;
}

static cudnnBackendDescriptor_t operation_graph(lt_graph *g, bool any_sizes)
{
    static const char *const step = "the graph";
    const bool yes = true;
    const cudnnBackendDescriptor_t graph = create(g, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, step);
    set(g, graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, g->operations,
        g->operation, step);
    if (g->cudnn->handle != NULL)
        set(g, graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &g->cudnn->handle,
            step);
    if (any_sizes)
        set(g, graph, CUDNN_ATTR_OPERATIONGRAPH_IS_DYNAMIC_SHAPE_ENABLED, CUDNN_TYPE_BOOLEAN, 1,
            &yes, step);
    return finalize(g, graph, step);
}

static lt_cudnn_plan *plan_by(lt_graph *g, const lt_graph_rules *rules)
{
    const bool shared = rules->family != LT_GRAPH_ALONE;
    const cudnnBackendDescriptor_t graph = operation_graph(g, shared);
    lt_cudnn_plan *found = NULL;
    if (shared)
        need_kernels(g, graph, rules->family);
    if (g->status == LT_OK)
        found = first_plan(g, graph, CUDNN_HEUR_MODE_A, rules);
    if (g->status == LT_OK && found == NULL)
        found = first_plan(g, graph, CUDNN_HEUR_MODE_FALLBACK, rules);
    return found;
}

lt_status lt_graph_plan(lt_graph *g, const lt_graph_rules *rules, lt_cudnn_plan **out)
{
    *out = plan_by(g, rules);
    /* maybe for these very sizes */
    if (g->status == LT_OK && *out == NULL && rules->family != LT_GRAPH_ALONE) {
        lt_graph_rules alone = *rules;
        alone.family = LT_GRAPH_ALONE;
        *out = plan_by(g, &alone);
    }
    if (g->status == LT_OK && *out == NULL && g->fault.code != LT_OK)
        g->status = lt_fail(g->err, g->fault.code, "%s", g->fault.message);
    return g->status;
}

size_t lt_cudnn_plan_workspace(const lt_cudnn_plan *p)
{
    return p->workspace_bytes;
}

/* ---- running ---- */

static lt_status fill_pack(const lt_cudnn *l, cudnnBackendDescriptor_t pack, const int64_t *names,
                           void *const *memory, int count, void *workspace, lt_error *err)
{
    const char *place = "running a plan";
    LT_TRY(check(l,
                 l->call.cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS,
                                                  CUDNN_TYPE_INT64, count, names),
                 place, "names", err));
    LT_TRY(check(l,
                 l->call.cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
                                                  CUDNN_TYPE_VOID_PTR, count, memory),
                 place, "memory", err));
    LT_TRY(check(l,
                 l->call.cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE,
                                                  CUDNN_TYPE_VOID_PTR, 1, &workspace),
                 place, "workspace", err));
    return check(l, l->call.cudnnBackendFinalize(pack), place, "names and memory", err);
}

lt_status lt_cudnn_run(lt_cuda *c, const lt_cudnn_plan *plan, const int64_t *names,
                       void *const *memory, int count, void *workspace, lt_error *err)
{
    const lt_cudnn *l = c->cudnn;
    cudnnBackendDescriptor_t pack = NULL;
    LT_TRY(check(l,
                 l->call.cudnnBackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack),
                 "running a plan", "names and memory", err));
    lt_status s = fill_pack(l, pack, names, memory, count, workspace, err);
    if (s == LT_OK)
        s = check(l, l->call.cudnnBackendExecute(l->handle, plan->descriptor, pack),
                  "running a plan", "running", err);
    (void)l->call.cudnnBackendDestroyDescriptor(pack);
    return s;
}
