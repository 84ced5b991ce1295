/* check_stage.c - golden files of one stage: check_dit [--device reference|cpu|cuda] [--precision
 * f32|bf16|fp8|int8] [--home host] FILE... A device may also be a level of the CPU's kernels: amx,
 * avx2.
 * fp8 is bf16 with every matrix in E4M3 where shapes allow it: how far from what is wanted is told,
 * not judged. int8 is f32 with every matrix in integers, judged as bf16 is.
 * With --home host each file is computed once more with matrices that come from the host when they
 * are used: exactly as far from what is wanted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include STAGE_HEADER
#include "cpu_level.h"

typedef enum { IN_F32, IN_BF16, IN_FP8, IN_INT8, PRECISIONS } precision;

static const struct {
    const char *name;
    lt_dtype activation;
    lt_rounding rounding;
} precisions[PRECISIONS] = {
    [IN_F32] = {"f32", LT_F32, LT_ROUND_NONE},
    [IN_BF16] = {"bf16", LT_BF16, LT_ROUND_NONE},
    [IN_FP8] = {"fp8", LT_BF16, LT_ROUND_E4M3},
    [IN_INT8] = {"int8", LT_F32, LT_ROUND_INT8},
};

static precision precision_of(const char *name)
{
    for (int p = 0; p < PRECISIONS; p++)
        if (strcmp(precisions[p].name, name) == 0)
            return (precision)p;
    fprintf(stderr, "check_stage: no precision %s\n", name);
    exit(2);
}

static bool any_matrix(const char *name, lt_shape shape)
{
    (void)name;
    return shape.rank == 2;
}

static lt_status compute(const char *path, lt_backend *backend, precision how, lt_home home,
                         lt_golden **out, lt_error *err)
{
    LT_TRY(lt_golden_open(path, out, err));
    lt_weights_home(lt_golden_weights(*out), home);
    lt_weights_rounding(lt_golden_weights(*out), precisions[how].rounding, any_matrix);
    return STAGE_CHECK(*out, backend, err);
}

static int compare_homes(const char *path, lt_backend *backend, precision how,
                         const lt_golden_line *resident)
{
    lt_error err = {0};
    lt_golden *g = NULL;
    const lt_golden_line *line;
    int bad = 0;
    if (compute(path, backend, how, LT_HOME_PINNED, &g, &err) != LT_OK) {
        fprintf(stderr, "%s: from the host: %s\n", path, err.message);
        bad = 1;
    }
    const int n = bad ? 0 : lt_golden_verdict(g, how != IN_F32, &line);
    for (int i = 0; i < n; i++) {
        const bool same = memcmp(&line[i].rel_l2, &resident[i].rel_l2, sizeof line[i].rel_l2) == 0;
        printf("%-24s %-20s from the host: %s\n", lt_golden_component(g), line[i].name,
               same ? "the same" : "FAILED");
        bad |= !same;
    }
    lt_golden_close(g);
    return bad;
}

static int check_file(const char *path, lt_backend *backend, precision how, bool from_host)
{
    lt_error err = {0};
    lt_golden *g = NULL;
    const lt_status s = compute(path, backend, how, LT_HOME_DEVICE, &g, &err);
    int bad = 0;
    if (s != LT_OK) {
        fprintf(stderr, "%s: %s\n", path, err.message);
        bad = 1;
    } else {
        const lt_golden_line *line;
        const int n = lt_golden_verdict(g, how != IN_F32, &line);
        for (int i = 0; i < n; i++) {
            printf("%-24s %-20s rel_l2 %.2e  bound %.2e  %s\n", lt_golden_component(g),
                   line[i].name, line[i].rel_l2, line[i].bound,
                   line[i].ok      ? "ok"
                   : how == IN_FP8 ? "beyond"
                                   : "FAILED");
            bad |= !line[i].ok && how != IN_FP8;
        }
        if (from_host)
            bad |= compare_homes(path, backend, how, line);
    }
    lt_golden_close(g);
    return bad;
}

static lt_status open_device(lt_backend **out, const char *device, lt_dtype activation,
                             lt_error *err)
{
    if (strcmp(device, "cpu") == 0)
        return lt_cpu_open(out, 0, activation, err);
#ifdef LONGTAKE_HAS_CUDA
    if (strcmp(device, "cuda") == 0)
        return lt_cuda_open(out, 0, activation, err);
#endif
    if (strcmp(device, "reference") == 0)
        return lt_reference_open(out, 0, err);
    return open_cpu_level(out, device, 0, activation, err);
}

/* Exit code 77, *skipped*, where the device is not there; 1 without a file. */
int main(int argc, char **argv)
{
    const char *device = "reference";
    precision how = IN_F32;
    bool from_host = false;
    int first = 1;
    while (first + 1 < argc && argv[first][0] == '-') {
        if (strcmp(argv[first], "--device") == 0)
            device = argv[first + 1];
        else if (strcmp(argv[first], "--home") == 0)
            from_host = strcmp(argv[first + 1], "host") == 0;
        else
            how = precision_of(argv[first + 1]);
        first += 2;
    }
    if (first >= argc) {
        fprintf(stderr, "check_stage: no golden file was given\n");
        return 1;
    }
    lt_error err = {0};
    lt_backend *backend = NULL;
    const lt_status s = open_device(&backend, device, precisions[how].activation, &err);
    if (s != LT_OK) {
        fprintf(stderr, "%s\n", err.message);
        return s == LT_ERR_DEVICE ? 77 : 1;
    }
    int bad = 0;
    for (int i = first; i < argc; i++)
        bad |= check_file(argv[i], backend, how, from_host);
    backend->table->close(backend);
    return bad ? 7 : 0;
}
