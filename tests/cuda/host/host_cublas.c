/* host_cublas.c - what kernels/cuda/cublas_matmul.h promises, in plain loops: the products of the
 * host build. Test-only. */
#include <math.h>
#include <stdlib.h>

#include "kernels/cuda/cublas_matmul.h"
#include "host_e4m3.h"
#include "host_element.h"

static double element(const void *memory, lt_dtype type, int64_t index)
{
    return type == LT_U8 ? host_e4m3_value(((const uint8_t *)memory)[index])
                         : host_element(memory, type, index);
}

static double gelu(double x)
{
    return 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
}

static void multiply(void *product)
{
    const lt_cublas_product *p = product;
    for (int64_t r = 0; r < p->rows; r++)
        for (int64_t o = 0; o < p->outputs; o++) {
            double sum = 0;
            for (int64_t i = 0; i < p->inputs; i++)
                sum += element(p->x, p->type, r * p->x_stride + i) *
                       element(p->w, p->type, o * p->w_stride + i);
            if (p->type == LT_U8)
                sum *= (double)p->x_scale[p->scale_by_row ? r : 0] *
                       (double)p->w_scale[p->scale_by_row ? o : 0];
            if (p->finish == LT_CUBLAS_BIAS || p->finish == LT_CUBLAS_BIAS_GELU)
                sum += element(p->bias, p->out_type, o);
            if (p->finish == LT_CUBLAS_GELU || p->finish == LT_CUBLAS_BIAS_GELU)
                sum = gelu(sum);
            lt_store_element(p->out, p->out_type, r * p->out_stride + o, sum);
        }
}

static size_t library_version = LT_CUBLAS_SCALES_ROWS;

void host_set_cublas(size_t version)
{
    library_version = version;
}

lt_status lt_cublas_version(lt_cuda *c, size_t *version, lt_error *err)
{
    (void)c, (void)err;
    *version = library_version;
    return LT_OK;
}

lt_status lt_cublas_run(lt_cuda *c, const lt_cublas_product *p, void *workspace, lt_error *err)
{
    if (workspace == NULL || p->x_stride < p->inputs || p->w_stride < p->inputs ||
        p->out_stride < p->outputs)
        return lt_fail(err, LT_ERR_FAILED, "host: a product with rows closer than their length");
    if (p->type == LT_F32 && p->out_type != LT_F32)
        return lt_fail(err, LT_ERR_FAILED, "host: a bf16 result of f32 matrices");
    if (p->type == LT_U8 &&
        (p->x_scale == NULL || p->w_scale == NULL || p->inputs % 16 != 0 || p->outputs % 16 != 0))
        return lt_fail(
            err, LT_ERR_FAILED,
            "host: a product in E4M3 without scales, or of rows that are no whole 16 bytes");
    if (p->scale_by_row &&
        (c->facts.capability != 90 || library_version < (size_t)LT_CUBLAS_SCALES_ROWS))
        return lt_fail(err, LT_ERR_FAILED,
                       "host: a scale for each row, on a card or in a library that has none");
    return lt_cuda_check(host_enqueue_call(c->stream, multiply, p, sizeof *p), "linear", err);
}

void lt_cublas_close(lt_cublas *l)
{
    free(l);
}
