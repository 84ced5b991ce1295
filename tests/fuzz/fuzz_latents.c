/* fuzz_latents.c - any bytes as a latents file: what is accepted is read to its end, and what it
 * says of itself as a recipe. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/latents_file.h"
#include "pipeline/script/recipe.h"
#include "tests/support/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(take_latents_reader *r)
{
    const take_latents_shape s = take_latents_shape_of(r);
    float *one = malloc((size_t)s.channels * (size_t)s.height * (size_t)s.width * sizeof *one);
    if (!one)
        abort(); /* the file is at least half as large */
    for (int64_t i = 0; i < s.latents; i++)
        if (take_latents_next(r, one, 1, NULL) != LT_OK)
            break;
    free(one);
}

static void follow(const lt_json *about)
{
    longtake_request request;
    take_recipe recipe;
    longtake_request_init(&request);
    (void)take_recipe_apply(about, "fuzz", &request, &recipe, NULL);
    take_recipe_clear(&recipe);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[MEMORY_FILE_PATH];
    const int fd = memory_file(data, size, path);
    take_latents_reader *r = NULL;
    if (take_latents_open(path, NULL, NULL, &r, NULL) == LT_OK) {
        follow(take_latents_about(r));
        read_all(r);
    }
    take_latents_close(r);
    close(fd);
    return 0;
}
