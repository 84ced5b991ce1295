/* test_ops_parity.c - every case of the table on every backend, within its bound; and the same bytes for any number of
 * threads.
 *
 *     test_ops_parity [BACKEND [OPERATION]]      "cpu-bf16 attention" runs only those
 *
 * A backend that cannot open is reported and skipped. A new one is a line in the list.
 */
#include <stdio.h>
#include <string.h>

#include "kernels/cpu/cpu_backend.h"
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

/* The CPU backend with the kernels of an older processor than the one at hand. */
static lt_status open_with(lt_backend **out, int threads, lt_dtype activation, const lt_cpu_kernels *kernels,
                           lt_error *err)
{
    LT_TRY(lt_cpu_open(out, threads, activation, err));
    lt_cpu_of(*out)->kernels = kernels;
    return LT_OK;
}

static lt_status open_generic_f32(lt_backend **out, int threads, lt_error *err)
{
    return open_with(out, threads, LT_F32, &lt_generic_kernels, err);
}

static lt_status open_generic_bf16(lt_backend **out, int threads, lt_error *err)
{
    return open_with(out, threads, LT_BF16, &lt_generic_kernels, err);
}

static lt_status open_avx2_f32(lt_backend **out, int threads, lt_error *err)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return open_with(out, threads, LT_F32, &lt_avx2_kernels, err);
#endif
    *out = NULL;
    (void)threads;
    return lt_fail(err, LT_ERR_DEVICE, "the processor has no AVX2");
}

static lt_status open_avx2_bf16(lt_backend **out, int threads, lt_error *err)
{
    LT_TRY(open_avx2_f32(out, threads, err));
    (*out)->activation = LT_BF16;
    return LT_OK;
}

static const struct {
    const char *name;
    lt_status (*open)(lt_backend **out, int threads, lt_error *err);
    lt_dtype dtype; /* of activations in the cases: the backend's, or f32 where a stage asks for it */
} backends[] = {
    {"reference", open_reference, LT_F32},
    {"cpu-f32", open_cpu_f32, LT_F32}, /* the best kernels that the processor runs */
    {"cpu-bf16", open_cpu_bf16, LT_BF16},
    {"cpu-mixed", open_cpu_bf16, LT_F32},
    {"avx2-f32", open_avx2_f32, LT_F32},
    {"avx2-bf16", open_avx2_bf16, LT_BF16},
    {"generic-f32", open_generic_f32, LT_F32},
    {"generic-bf16", open_generic_bf16, LT_BF16},
};

enum { BACKENDS = sizeof backends / sizeof *backends };

/* Runs the table; prints the worst use of a bound per operation, returns the number of cases that failed. */
static int run_table(lt_backend *backend, lt_backend *threaded, lt_dtype dtype, const char *name,
                     const char *only)
{
    int failed = 0;
    double worst = 0;
    int cases = 0;
    for (int i = 0; i < op_case_count; i++) {
        const op_case *c = &op_cases[i];
        if (only == NULL || strcmp(only, c->op) == 0) {
            static op_check one;
            static op_check several;
            op_run_case(&one, backend, dtype, name, c);
            failed += one.failures > 0;
            if (one.failures == 0) {
                op_run_case(&several, threaded, dtype, name, c);
                const bool same = one.trace == several.trace;
                if (!same)
                    printf("FAILED %s: other bytes with three threads than with one\n", one.place);
                failed += several.failures > 0 || !same;
            }
            worst = one.worst > worst ? one.worst : worst;
            cases++;
        }
        const bool last = i + 1 == op_case_count || strcmp(c->op, op_cases[i + 1].op) != 0;
        if (last && cases > 0) {
            printf("%-12s %-12s %3d cases, largest error / bound %.3f\n", name, c->op, cases, worst);
            worst = 0;
            cases = 0;
        }
    }
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    int ran = 0;
    for (int i = 0; i < BACKENDS; i++) {
        if (argc > 1 && strcmp(argv[1], backends[i].name) != 0)
            continue;
        lt_error err = {0};
        lt_backend *one = NULL;
        lt_backend *several = NULL;
        lt_status s = backends[i].open(&one, 1, &err);
        if (s == LT_OK)
            s = backends[i].open(&several, 3, &err);
        if (s == LT_OK) {
            failed += run_table(one, several, backends[i].dtype, backends[i].name, argc > 2 ? argv[2] : NULL);
            if (one->memory_in_use != 0)
                printf("FAILED %s: %zu bytes are still in use\n", backends[i].name, one->memory_in_use);
            failed += one->memory_in_use != 0;
            ran++;
        } else {
            printf("%-12s skipped: %s\n", backends[i].name, err.message);
        }
        if (several != NULL)
            several->table->close(several);
        if (one != NULL)
            one->table->close(one);
    }
    printf("%d failed\n", failed);
    return failed > 0 ? 1 : ran > 0 ? 0 : 77;
}
