/* reference_memory.c - memory of the host, aligned and counted. */
#include <stdlib.h>
#include <string.h>

#include "kernels/reference/reference_table.h"

enum { ALIGNMENT = 64 };

/* Stands in the 64 bytes before the memory that is handed out. */
typedef struct {
    size_t bytes;
} header;

lt_status lt_ref_alloc(lt_backend *b, size_t bytes, void **out, lt_error *err)
{
    *out = NULL;
    char *block = NULL;
    if (bytes <= PTRDIFF_MAX - 2 * ALIGNMENT) /* no object is larger */
        block =
            aligned_alloc(ALIGNMENT, ALIGNMENT + (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    if (block == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for %zu bytes, %zu in use",
                       b->table->name, bytes, b->memory_in_use);
    ((header *)block)->bytes = bytes;
    b->memory_in_use += bytes;
    if (b->memory_in_use > b->memory_peak)
        b->memory_peak = b->memory_in_use;
    *out = block + ALIGNMENT;
    return LT_OK;
}

void lt_ref_release(lt_backend *b, void *memory)
{
    if (memory == NULL)
        return;
    header *h = (header *)((char *)memory - ALIGNMENT);
    b->memory_in_use -= h->bytes;
    free(h);
}

lt_status lt_ref_upload(lt_backend *b, void *device, const void *host, size_t bytes, lt_error *err)
{
    (void)b;
    (void)err;
    memcpy(device, host, bytes);
    return LT_OK;
}

lt_status lt_ref_download(lt_backend *b, void *host, const void *device, size_t bytes,
                          lt_error *err)
{
    (void)b;
    (void)err;
    memcpy(host, device, bytes);
    return LT_OK;
}

lt_status lt_ref_wait(lt_backend *b, lt_error *err)
{
    (void)b;
    (void)err;
    return LT_OK;
}
