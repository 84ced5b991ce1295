/* test_ops_parity.c - every case of the table on every backend, within its bound; and the same
 * bytes for any number of threads.
 *
 *     test_ops_parity [BACKEND [OPERATION]]      "cpu-bf16 attention" runs only those
 *
 * Backends named ...-int8 make their products in integers of 8 bits and run "linear" alone.
 * test_ops_parity_emulated is the same program with kernels of processors that are not here
 * (tests/emulated/).
 *
 * A backend that cannot open is reported and skipped. A new one is a line in the list.
 */
#include <stdio.h>
#include <string.h>

#include "cpu_level.h"
#include "op_check.h"

static lt_status open_reference(lt_backend **out, int threads, lt_error *err)
{
    return lt_reference_open(out, threads, err);
}

static lt_status open_cpu_f32(lt_backend **out, int threads, lt_error *err)
{
    return lt_cpu_open(out, threads, LT_F32, err);
}

static lt_status open_cpu_bf16(lt_backend **out, int threads, lt_error *err)
{
    return lt_cpu_open(out, threads, LT_BF16, err);
}

#ifdef LONGTAKE_HAS_CUDA
static lt_status open_cuda_f32(lt_backend **out, int threads, lt_error *err)
{
    (void)threads;
    return lt_cuda_open(out, 0, LT_F32, err);
}

static lt_status open_cuda_bf16(lt_backend **out, int threads, lt_error *err)
{
    (void)threads;
    return lt_cuda_open(out, 0, LT_BF16, err);
}
#endif

static const struct {
    const char *name;
    const char *kernels; /* of the CPU backend, when not those that `open` chooses */
    lt_status (*open)(lt_backend **out, int threads, lt_error *err);
    lt_dtype activation;
    /* of activations in the cases: the backend's, or f32 where a stage asks for it */
    lt_dtype dtype;
    lt_rounding rounding;
} backends[] = {
    {"reference", NULL, open_reference, LT_F32, LT_F32, LT_ROUND_NONE},
    {"cpu-f32", NULL, open_cpu_f32, LT_F32, LT_F32, LT_ROUND_NONE},
    {"cpu-bf16", NULL, open_cpu_bf16, LT_BF16, LT_BF16, LT_ROUND_NONE},
    {"cpu-mixed", NULL, open_cpu_bf16, LT_BF16, LT_F32, LT_ROUND_NONE},
    {"amx-bf16", "amx", NULL, LT_BF16, LT_BF16, LT_ROUND_NONE},
    {"amx-mixed", "amx", NULL, LT_BF16, LT_F32, LT_ROUND_NONE},
    {"avx512bf16-bf16", "avx512bf16", NULL, LT_BF16, LT_BF16, LT_ROUND_NONE},
    {"avx512bf16-mixed", "avx512bf16", NULL, LT_BF16, LT_F32, LT_ROUND_NONE},
    {"avx512vnni-bf16", "avx512vnni", NULL, LT_BF16, LT_BF16, LT_ROUND_NONE},
    {"avx512vnni-mixed", "avx512vnni", NULL, LT_BF16, LT_F32, LT_ROUND_NONE},
    {"avx512-f32", "avx512", NULL, LT_F32, LT_F32, LT_ROUND_NONE},
    {"avx512-bf16", "avx512", NULL, LT_BF16, LT_BF16, LT_ROUND_NONE},
    {"avx2-f32", "avx2", NULL, LT_F32, LT_F32, LT_ROUND_NONE},
    {"avx2-bf16", "avx2", NULL, LT_BF16, LT_BF16, LT_ROUND_NONE},
    {"dotprod-f32", "dotprod", NULL, LT_F32, LT_F32, LT_ROUND_NONE},
    {"neon-f32", "neon", NULL, LT_F32, LT_F32, LT_ROUND_NONE},
    {"neon-bf16", "neon", NULL, LT_BF16, LT_BF16, LT_ROUND_NONE},
    {"generic-f32", "generic", NULL, LT_F32, LT_F32, LT_ROUND_NONE},
    {"generic-bf16", "generic", NULL, LT_BF16, LT_BF16, LT_ROUND_NONE},
    {"amx-int8", "amx", NULL, LT_F32, LT_F32, LT_ROUND_INT8},
    {"amx-bf16-int8", "amx", NULL, LT_BF16, LT_BF16, LT_ROUND_INT8},
    {"avx512vnni-int8", "avx512vnni", NULL, LT_F32, LT_F32, LT_ROUND_INT8},
    {"avx512vnni-bf16-int8", "avx512vnni", NULL, LT_BF16, LT_BF16, LT_ROUND_INT8},
    {"avx512-int8", "avx512", NULL, LT_F32, LT_F32, LT_ROUND_INT8},
    {"avx2-int8", "avx2", NULL, LT_F32, LT_F32, LT_ROUND_INT8},
    {"avx2-bf16-int8", "avx2", NULL, LT_BF16, LT_BF16, LT_ROUND_INT8},
    {"dotprod-int8", "dotprod", NULL, LT_F32, LT_F32, LT_ROUND_INT8},
    {"dotprod-bf16-int8", "dotprod", NULL, LT_BF16, LT_BF16, LT_ROUND_INT8},
    {"neon-int8", "neon", NULL, LT_F32, LT_F32, LT_ROUND_INT8},
    {"neon-bf16-int8", "neon", NULL, LT_BF16, LT_BF16, LT_ROUND_INT8},
    {"generic-int8", "generic", NULL, LT_F32, LT_F32, LT_ROUND_INT8},
#ifdef LONGTAKE_HAS_CUDA
    {"cuda-f32", NULL, open_cuda_f32, LT_F32, LT_F32, LT_ROUND_NONE},
    {"cuda-bf16", NULL, open_cuda_bf16, LT_BF16, LT_BF16, LT_ROUND_NONE},
    {"cuda-mixed", NULL, open_cuda_bf16, LT_BF16, LT_F32, LT_ROUND_NONE},
#endif
};

enum { BACKENDS = sizeof backends / sizeof *backends };

static lt_status open_backend(lt_backend **out, int index, int threads, lt_error *err)
{
    if (backends[index].kernels == NULL)
        LT_TRY(backends[index].open(out, threads, err));
    else
        LT_TRY(
            open_cpu_level(out, backends[index].kernels, threads, backends[index].activation, err));
    (*out)->activation = backends[index].activation;
    (*out)->rounds_to = backends[index].rounding;
    return LT_OK;
}

int main(int argc, char **argv)
{
    int failed = 0;
    int ran = 0;
    int named = 0;
    for (int i = 0; i < BACKENDS; i++) {
        if (argc > 1 && strcmp(argv[1], backends[i].name) != 0)
            continue;
        named++;
        lt_error err = {0};
        lt_backend *one = NULL;
        lt_backend *several = NULL;
        lt_status s = open_backend(&one, i, 1, &err);
        if (s == LT_OK)
            s = open_backend(&several, i, 3, &err);
        if (s == LT_OK) {
            const char *only = argc > 2                                ? argv[2]
                               : backends[i].rounding != LT_ROUND_NONE ? "linear"
                                                                       : NULL;
            failed += op_run_table(one, several, backends[i].dtype, backends[i].name, only);
            if (one->memory_in_use != 0)
                printf("FAILED %s: %zu bytes are still in use\n", backends[i].name,
                       one->memory_in_use);
            failed += one->memory_in_use != 0;
            ran++;
        } else {
            printf("%-16s skipped: %s\n", backends[i].name, err.message);
        }
        if (several != NULL)
            several->table->close(several);
        if (one != NULL)
            one->table->close(one);
    }
    if (named == 0)
        printf("FAILED: no backend is called %s\n", argv[1]);
    failed += named == 0;
    printf("%d failed\n", failed);
    return failed > 0 ? 1 : ran > 0 ? 0 : 77;
}
