/* fuzz_safetensors.c - any bytes as a safetensors file; what is accepted must
 * be readable to its last byte. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/memory_file.h"
#include "weights/finite.h"
#include "weights/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The sanitizer sees any step outside. */
static void read_all(const lt_weights *w)
{
    for (int i = 0; i < lt_weights_count(w); i++) {
        const lt_tensor *const t = lt_weights_find(w, lt_weights_name(w, i));
        if (!t)
            abort(); /* its own name is not found: the table is not sorted */
        if (!lt_is_none(t))
            (void)lt_first_not_finite(t->data, t->dtype, lt_numel(t));
    }
    for (int i = 0; i < lt_weights_metadata_count(w); i++) {
        const char *key = NULL;
        const char *value = NULL;
        lt_weights_metadata_at(w, i, &key, &value);
        if (!key || lt_weights_metadata(w, key) != value)
            abort();
    }
    lt_hash hash;
    (void)lt_weights_hash(w, &hash, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[MEMORY_FILE_PATH];
    const int fd = memory_file(data, size, path);
    lt_weights *w = NULL;
    lt_error err = {0};
    if (lt_weights_open(path, &w, &err) == LT_OK)
        read_all(w);
    lt_weights_close(w);
    close(fd);
    return 0;
}
