/* test_cuda_host.c - the CUDA backend without a GPU: its sources compiled for the host (host/),
 * every case of the parity table within its bound, and the same bytes when the threads of a block
 * take their turns the other way round.
 *
 *     test_cuda_host [BACKEND [OPERATION]]      "cuda-host-bf16 rope" runs only those
 *
 * README.md says what this shows and what only a GPU can.
 */
#include <stdio.h>
#include <string.h>

#include "../parity/op_check.h"

static const struct {
    const char *name;
    lt_dtype activation;
    lt_dtype dtype; /* of activations in the cases */
} backends[] = {
    {"cuda-host-f32", LT_F32, LT_F32},
    {"cuda-host-bf16", LT_BF16, LT_BF16},
    {"cuda-host-mixed", LT_BF16, LT_F32},
};

enum { FORWARD, BACKWARD }; /* the emulated devices */

int main(int argc, char **argv)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        if (argc > 1 && strcmp(argv[1], backends[i].name) != 0)
            continue;
        lt_error err = {0};
        lt_backend *forward = NULL;
        lt_backend *backward = NULL;
        if (lt_cuda_open(&forward, FORWARD, backends[i].activation, &err) != LT_OK ||
            lt_cuda_open(&backward, BACKWARD, backends[i].activation, &err) != LT_OK) {
            printf("FAILED %s: %s\n", backends[i].name, err.message);
            return 1;
        }
        failed += op_run_table(forward, backward, backends[i].dtype, backends[i].name,
                               argc > 2 ? argv[2] : NULL);
        const size_t left = forward->memory_in_use + backward->memory_in_use;
        if (left != 0)
            printf("FAILED %s: %zu bytes are still in use\n", backends[i].name, left);
        failed += left != 0;
        forward->table->close(forward);
        backward->table->close(backward);
    }
    printf("%d failed\n", failed);
    return failed > 0;
}
