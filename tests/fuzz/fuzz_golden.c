/* fuzz_golden.c - any bytes as a golden file; its inputs as the checks ask for them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/memory_file.h"
#include "weights/golden.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(lt_golden *g)
{
    lt_error err = {0};
    float *floats = NULL;
    int32_t *ints = NULL;
    lt_shape shape;
    int64_t width;
    double rate;
    (void)lt_golden_int(g, "width", &width, &err);
    (void)lt_golden_real(g, "width", &rate, &err);
    if (lt_golden_input_f32(g, "x", 0, &floats, &shape, &err) == LT_OK)
        free(floats);
    if (lt_golden_input_i32(g, "x", 1, &ints, &shape, &err) == LT_OK)
        free(ints);
    static const float numbers[4] = {1, 2, 3, 4};
    (void)lt_golden_report(g, "y", LT_F32, lt_shape2(2, 2), numbers, &err);
    const lt_golden_line *line;
    for (int bf16 = 0; bf16 < 2; bf16++)
        for (int n = lt_golden_verdict(g, bf16, &line); n > 0; n--)
            if (line[n - 1].ok && !(line[n - 1].rel_l2 <= line[n - 1].bound))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[MEMORY_FILE_PATH];
    const int fd = memory_file(data, size, path);
    lt_golden *g = NULL;
    lt_error err = {0};
    if (lt_golden_open(path, &g, &err) == LT_OK)
        use(g);
    lt_golden_close(g);
    close(fd);
    return 0;
}
