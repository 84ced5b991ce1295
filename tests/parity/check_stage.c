/* check_stage.c - golden files of one stage: check_dit [--device cpu|cuda|reference] [--precision f32|bf16] FILE... */
#include <stdio.h>
#include <string.h>

#include STAGE_HEADER

static int check_file(const char *path, lt_backend *backend, bool bf16)
{
    lt_error err = {0};
    lt_golden *g = NULL;
    lt_status s = lt_golden_open(path, &g, &err);
    if (s == LT_OK)
        s = STAGE_CHECK(g, backend, &err);
    int bad = 0;
    if (s != LT_OK) {
        fprintf(stderr, "%s: %s\n", path, err.message);
        bad = 1;
    } else {
        const lt_golden_line *line;
        const int n = lt_golden_verdict(g, bf16, &line);
        for (int i = 0; i < n; i++) {
            printf("%-24s %-20s rel_l2 %.2e  bound %.2e  %s\n", lt_golden_component(g), line[i].name, line[i].rel_l2,
                   line[i].bound, line[i].ok ? "ok" : "FAILED");
            bad |= !line[i].ok;
        }
    }
    lt_golden_close(g);
    return bad;
}

static lt_status open_device(lt_backend **out, const char *device, lt_dtype precision, lt_error *err)
{
    if (strcmp(device, "cpu") == 0)
        return lt_cpu_open(out, 0, precision, err);
#ifdef LONGTAKE_HAS_CUDA
    if (strcmp(device, "cuda") == 0)
        return lt_cuda_open(out, 0, precision, err);
#endif
    return lt_reference_open(out, 0, err);
}

/* Exit code 77, *skipped*, where the device is not there. */
int main(int argc, char **argv)
{
    const char *device = "reference";
    bool bf16 = false;
    int first = 1;
    while (first + 1 < argc && argv[first][0] == '-') {
        if (strcmp(argv[first], "--device") == 0)
            device = argv[first + 1];
        else
            bf16 = strcmp(argv[first + 1], "bf16") == 0;
        first += 2;
    }
    lt_error err = {0};
    lt_backend *backend = NULL;
    const lt_status s = open_device(&backend, device, bf16 ? LT_BF16 : LT_F32, &err);
    if (s != LT_OK) {
        fprintf(stderr, "%s\n", err.message);
        return s == LT_ERR_DEVICE ? 77 : 1;
    }
    int bad = 0;
    for (int i = first; i < argc; i++)
        bad |= check_file(argv[i], backend, bf16);
    backend->table->close(backend);
    return bad ? 7 : 0;
}
