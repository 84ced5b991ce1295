/* make_tiny_model.c - the model, and the release in small, that the end-to-end tests run on.
 *
 *     make_tiny_model configs/tiny.yaml MODEL_DIR RELEASE_DIR
 *     make_tiny_model configs/landiff.yaml MODEL_DIR   # bf16, 28 GB: for a card
 */
#include <stdio.h>

#include "tests/support/tiny_model.h"

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 4) {
        fprintf(stderr,
                "make_tiny_model: found %d arguments, expected CONFIG MODEL_DIR [RELEASE_DIR]\n",
                argc - 1);
        return 2;
    }
    tiny_model_write(argv[1], argc == 3 ? LT_BF16 : LT_F32, argv[2]);
    if (argc == 4)
        tiny_release_write(argv[1], argv[3]);
    return 0;
}
