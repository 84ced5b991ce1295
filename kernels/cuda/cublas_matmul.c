/* cublas_matmul.c - see cublas_matmul.h. */
#include "kernels/cuda/cublas_matmul.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/cublas_library.h"
#include "kernels/cuda/cuda_plan_cache.h"

enum {
    PROPOSALS = 8,       /* of the library's heuristic, best guess first */
    ALIGNMENT_MOST = 256 /* bytes; more makes no difference to the library */
};

/* Scales by row: CUBLASLT_MATMUL_DESC_A_SCALE_MODE, CUBLASLT_MATMUL_DESC_B_SCALE_MODE,
 * CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F, which headers have names for since 12.9
 * (LT_CUBLAS_SCALES_ROWS). An older library refuses them. */
enum { W_SCALE_MODE = 31, X_SCALE_MODE = 32, ONE_FOR_EACH_ROW = 3 };

struct lt_cublas {
    lt_cublas_functions call;
    cublasLtHandle_t handle;
    lt_plan_cache plans;
};

/* What a plan depends on; zeroed before it is filled. */
typedef struct {
    int64_t rows;
    int64_t inputs;
    int64_t outputs;
    int64_t x_stride;
    int64_t w_stride;
    int64_t out_stride;
    lt_dtype type;
    lt_dtype out_type;
    lt_cublas_finish finish;
    int64_t scale_by_row;
    int64_t fast_sums;
    uint32_t x_alignment; /* bytes, a power of two */
    uint32_t w_alignment;
    uint32_t out_alignment;
    uint32_t bias_alignment;
} plan_key;

typedef struct {
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t w;
    cublasLtMatrixLayout_t x;
    cublasLtMatrixLayout_t out;
    cublasLtMatmulAlgo_t algorithm;
} plan;

static lt_status check(const lt_cublas *l, cublasStatus_t code, const char *place, lt_error *err)
{
    if (code == CUBLAS_STATUS_SUCCESS)
        return LT_OK;
    const lt_status s = code == CUBLAS_STATUS_ALLOC_FAILED ? LT_ERR_DEVICE_MEMORY
                        : code == CUBLAS_STATUS_INVALID_VALUE || code == CUBLAS_STATUS_NOT_SUPPORTED
                            ? LT_ERR_FAILED
                            : LT_ERR_DEVICE;
    return lt_fail(err, s, "cuda: linear: %s: %s", place, l->call.cublasLtGetStatusName(code));
}

/* ---- opening and closing ---- */

static void drop_plan(void *which, void *user)
{
    plan *p = which;
    const lt_cublas *l = user;
    if (p == NULL)
        return;
    if (p->out != NULL)
        (void)l->call.cublasLtMatrixLayoutDestroy(p->out);
    if (p->x != NULL)
        (void)l->call.cublasLtMatrixLayoutDestroy(p->x);
    if (p->w != NULL)
        (void)l->call.cublasLtMatrixLayoutDestroy(p->w);
    if (p->product != NULL)
        (void)l->call.cublasLtMatmulDescDestroy(p->product);
    free(p);
}

void lt_cublas_close(lt_cublas *l)
{
    if (l == NULL)
        return;
    lt_plan_cache_close(&l->plans, drop_plan, l);
    if (l->handle != NULL)
        (void)l->call.cublasLtDestroy(l->handle);
    free(l);
}

static lt_status open_library(lt_cuda *c, lt_error *err)
{
    if (c->cublas != NULL)
        return LT_OK;
    lt_cublas *l = calloc(1, sizeof *l);
    if (l == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cuda: no memory for cuBLASLt's plans");
    lt_status s = lt_cublas_functions_load(&l->call, err);
    if (s == LT_OK)
        s = check(l, l->call.cublasLtCreate(&l->handle), "opening cuBLASLt", err);
    if (s != LT_OK) {
        lt_cublas_close(l);
        return s;
    }
    c->cublas = l;
    return LT_OK;
}

/* ---- describing a product ---- */

/* The largest power of two, up to ALIGNMENT_MOST, on which an address falls. */
static uint32_t alignment_of(const void *address)
{
    uint32_t alignment = ALIGNMENT_MOST;
    while ((uintptr_t)address % alignment != 0)
        alignment /= 2;
    return alignment;
}

static void set_key(plan_key *key, const lt_cublas_product *p)
{
    memset(key, 0, sizeof *key);
    key->rows = p->rows;
    key->inputs = p->inputs;
    key->outputs = p->outputs;
    key->x_stride = p->x_stride;
    key->w_stride = p->w_stride;
    key->out_stride = p->out_stride;
    key->type = p->type;
    key->out_type = p->out_type;
    key->finish = p->finish;
    key->scale_by_row = p->scale_by_row;
    key->fast_sums = p->fast_sums;
    key->x_alignment = alignment_of(p->x);
    key->w_alignment = alignment_of(p->w);
    key->out_alignment = alignment_of(p->out);
    key->bias_alignment = alignment_of(p->bias);
}

static cudaDataType_t type_of(lt_dtype type)
{
    if (type == LT_U8)
        return CUDA_R_8F_E4M3;
    return type == LT_BF16 ? CUDA_R_16BF : CUDA_R_32F;
}

static uint32_t epilogue_of(lt_cublas_finish finish)
{
    switch (finish) {
    case LT_CUBLAS_BIAS:
        return CUBLASLT_EPILOGUE_BIAS;
    case LT_CUBLAS_GELU:
        return CUBLASLT_EPILOGUE_GELU;
    case LT_CUBLAS_BIAS_GELU:
        return CUBLASLT_EPILOGUE_GELU_BIAS;
    case LT_CUBLAS_PLAIN:
        break;
    }
    return CUBLASLT_EPILOGUE_DEFAULT;
}

/* The bias may lie elsewhere in every call. */
static lt_status point_at_bias(const lt_cublas *l, const plan *a, const void *bias, lt_error *err)
{
    return check(l,
                 l->call.cublasLtMatmulDescSetAttribute(
                     a->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof(const void *)),
                 "bias", err);
}

static lt_status set_pointer(const lt_cublas *l, const plan *a,
                             cublasLtMatmulDescAttributes_t which, const float *scale,
                             lt_error *err)
{
    return check(
        l, l->call.cublasLtMatmulDescSetAttribute(a->product, which, &scale, sizeof(const float *)),
        "scales", err);
}

/* So may the scales of E4M3. */
static lt_status point_at_scales(const lt_cublas *l, const plan *a, const lt_cublas_product *p,
                                 lt_error *err)
{
    LT_TRY(set_pointer(l, a, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, p->w_scale, err));
    return set_pointer(l, a, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, p->x_scale, err);
}

static lt_status describe_scales(const lt_cublas *l, const plan *a, const lt_cublas_product *p,
                                 lt_error *err)
{
    const int32_t mode = ONE_FOR_EACH_ROW;
    for (int which = W_SCALE_MODE; which <= X_SCALE_MODE && p->scale_by_row; which++)
        LT_TRY(check(l,
                     l->call.cublasLtMatmulDescSetAttribute(
                         a->product, (cublasLtMatmulDescAttributes_t)which, &mode, sizeof mode),
                     "scales by row", err));
    return point_at_scales(l, a, p, err);
}

static lt_status set_fast_sums(const lt_cublas *l, const plan *a, bool fast, lt_error *err)
{
    const int8_t value = fast;
    return check(l,
                 l->call.cublasLtMatmulDescSetAttribute(a->product, CUBLASLT_MATMUL_DESC_FAST_ACCUM,
                                                        &value, sizeof value),
                 "how E4M3 is summed", err);
}

/* Sums are f32; TF32 is another compute type and never asked for. */
static lt_status describe(const lt_cublas *l, const lt_cublas_product *p, plan *a, lt_error *err)
{
    const cublasOperation_t transposed = CUBLAS_OP_T;
    const cublasOperation_t as_it_is = CUBLAS_OP_N;
    const uint32_t epilogue = epilogue_of(p->finish);
    const cudaDataType_t type = type_of(p->type);
    LT_TRY(check(l, l->call.cublasLtMatmulDescCreate(&a->product, CUBLAS_COMPUTE_32F, CUDA_R_32F),
                 "describing a product", err));
    LT_TRY(check(l,
                 l->call.cublasLtMatmulDescSetAttribute(a->product, CUBLASLT_MATMUL_DESC_TRANSA,
                                                        &transposed, sizeof transposed),
                 "transposing", err));
    LT_TRY(check(l,
                 l->call.cublasLtMatmulDescSetAttribute(a->product, CUBLASLT_MATMUL_DESC_TRANSB,
                                                        &as_it_is, sizeof as_it_is),
                 "transposing", err));
    LT_TRY(check(l,
                 l->call.cublasLtMatmulDescSetAttribute(a->product, CUBLASLT_MATMUL_DESC_EPILOGUE,
                                                        &epilogue, sizeof epilogue),
                 "epilogue", err));
    if (p->bias != NULL)
        LT_TRY(point_at_bias(l, a, p->bias, err));
    if (p->type == LT_U8)
        LT_TRY(describe_scales(l, a, p, err));
    if (p->fast_sums)
        LT_TRY(set_fast_sums(l, a, true, err));
    /* rows and columns as the library sees them, by columns */
    LT_TRY(check(l,
                 l->call.cublasLtMatrixLayoutCreate(&a->w, type, (uint64_t)p->inputs,
                                                    (uint64_t)p->outputs, p->w_stride),
                 "layout of the weight", err));
    LT_TRY(check(l,
                 l->call.cublasLtMatrixLayoutCreate(&a->x, type, (uint64_t)p->inputs,
                                                    (uint64_t)p->rows, p->x_stride),
                 "layout of x", err));
    return check(l,
                 l->call.cublasLtMatrixLayoutCreate(&a->out, type_of(p->out_type),
                                                    (uint64_t)p->outputs, (uint64_t)p->rows,
                                                    p->out_stride),
                 "layout of the result", err);
}

/* ---- choosing an algorithm ---- */

static lt_status multiply(lt_cuda *c, const plan *a, const cublasLtMatmulAlgo_t *algorithm,
                          const lt_cublas_product *p, void *workspace, lt_error *err)
{
    const lt_cublas *l = c->cublas;
    const float one = 1;
    const float zero = 0;
    return check(l,
                 l->call.cublasLtMatmul(l->handle, a->product, &one, p->w, a->w, p->x, a->x, &zero,
                                        p->out, a->out, p->out, a->out, algorithm, workspace,
                                        LT_CUBLAS_WORKSPACE, c->stream),
                 "multiplying", err);
}

static lt_status set_preferences(const lt_cublas *l, cublasLtMatmulPreference_t wish,
                                 const plan_key *key, lt_error *err)
{
    const uint64_t workspace = LT_CUBLAS_WORKSPACE;
    /* parts of a sum are kept in f32 */
    const uint32_t sums = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    const struct {
        cublasLtMatmulPreferenceAttributes_t attribute;
        const void *value;
        size_t bytes;
    } all[] = {
        {CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace},
        {CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &sums, sizeof sums},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &key->w_alignment, sizeof key->w_alignment},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &key->x_alignment, sizeof key->x_alignment},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &key->out_alignment,
         sizeof key->out_alignment},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &key->out_alignment,
         sizeof key->out_alignment},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        LT_TRY(check(l,
                     l->call.cublasLtMatmulPreferenceSetAttribute(wish, all[i].attribute,
                                                                  all[i].value, all[i].bytes),
                     "preferences", err));
    return LT_OK;
}

/* The first of the library's proposals that can run: which it is follows from the key, the library
 * and the card. Timing them would find a faster one now and then, and another one every time: their
 * sums have different orders, and so different bytes. */
static lt_status look_for_algorithm(const lt_cublas *l, plan *a, const plan_key *key, bool *done,
                                    lt_error *err)
{
    cublasLtMatmulPreference_t wish = NULL;
    cublasLtMatmulHeuristicResult_t found[PROPOSALS];
    int offered = 0;
    LT_TRY(check(l, l->call.cublasLtMatmulPreferenceCreate(&wish), "preferences", err));
    lt_status s = set_preferences(l, wish, key, err);
    if (s == LT_OK) {
        const cublasStatus_t code = l->call.cublasLtMatmulAlgoGetHeuristic(
            l->handle, a->product, a->w, a->x, a->out, a->out, wish, PROPOSALS, found, &offered);
        if (code != CUBLAS_STATUS_NOT_SUPPORTED) /* which is none */
            s = check(l, code, "looking for an algorithm", err);
    }
    (void)l->call.cublasLtMatmulPreferenceDestroy(wish);
    for (int i = 0; s == LT_OK && i < offered; i++)
        if (found[i].state == CUBLAS_STATUS_SUCCESS &&
            found[i].workspaceSize <= LT_CUBLAS_WORKSPACE) {
            a->algorithm = found[i].algo;
            *done = true;
            break;
        }
    return s;
}

/* Fast sums are a wish. */
static lt_status choose_algorithm(const lt_cublas *l, plan *a, const plan_key *key, lt_error *err)
{
    bool done = false;
    LT_TRY(look_for_algorithm(l, a, key, &done, err));
    if (!done && key->fast_sums) {
        LT_TRY(set_fast_sums(l, a, false, err));
        LT_TRY(look_for_algorithm(l, a, key, &done, err));
    }
    return done ? LT_OK
                : lt_fail(
                      err, LT_ERR_FAILED,
                      "cuda: linear: cuBLASLt has no algorithm for %lld x %lld x %lld, finish %d",
                      (long long)key->rows, (long long)key->inputs, (long long)key->outputs,
                      (int)key->finish);
}

static lt_status make_plan(lt_cuda *c, const plan_key *key, const lt_cublas_product *p, plan **out,
                           lt_error *err)
{
    plan *a = calloc(1, sizeof *a);
    if (a == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cuda: linear: no memory for a plan");
    lt_status s = describe(c->cublas, p, a, err);
    if (s == LT_OK)
        s = choose_algorithm(c->cublas, a, key, err);
    if (s == LT_OK)
        s = lt_plan_keep(&c->cublas->plans, key, sizeof *key, a, err);
    if (s != LT_OK) {
        drop_plan(a, c->cublas);
        return s;
    }
    *out = a;
    return LT_OK;
}

lt_status lt_cublas_version(lt_cuda *c, size_t *version, lt_error *err)
{
    LT_TRY(open_library(c, err));
    *version = c->cublas->call.cublasLtGetVersion();
    return LT_OK;
}

lt_status lt_cublas_run(lt_cuda *c, const lt_cublas_product *p, void *workspace, lt_error *err)
{
    LT_TRY(open_library(c, err));
    plan_key key;
    set_key(&key, p);
    plan *a = lt_plan_find(&c->cublas->plans, &key, sizeof key);
    if (a == NULL)
        LT_TRY(make_plan(c, &key, p, &a, err));
    if (p->bias != NULL)
        LT_TRY(point_at_bias(c->cublas, a, p->bias, err));
    if (p->type == LT_U8)
        LT_TRY(point_at_scales(c->cublas, a, p, err));
    return multiply(c, a, &a->algorithm, p, workspace, err);
}
