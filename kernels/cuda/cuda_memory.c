/* cuda_memory.c - device memory, copies from and to the host, the workspace.
 *
 * An upload goes through pinned memory: the host's bytes are copied there and are free at once, the
 * copy to the device is queued behind what was asked for before. A slot of that memory is taken
 * again when the copies out of it are done.
 */
#include "kernels/cuda/cuda_backend.h"

#include <stdlib.h>
#include <string.h>

/* ---- the table of blocks ---- */

/* Where `memory` stands, or would: linear probing from a multiplicative hash;
 * a free place has memory NULL. */
static size_t place_of(const lt_cuda_blocks *t, const void *memory)
{
    const uint64_t hash = (uint64_t)(uintptr_t)memory / LT_CUDA_ALIGN * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(hash >> 32) & (t->capacity - 1);
    while (t->block[i].memory != NULL && t->block[i].memory != memory)
        i = (i + 1) & (t->capacity - 1);
    return i;
}

static lt_status grow_blocks(lt_cuda_blocks *t, lt_error *err)
{
    if (t->capacity > 0 && t->count < t->capacity / 2)
        return LT_OK;
    lt_cuda_blocks larger = {.capacity = t->capacity > 0 ? 2 * t->capacity : 1024,
                             .count = t->count};
    larger.block = calloc(larger.capacity, sizeof *larger.block);
    if (larger.block == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cuda: no memory for a list of %zu blocks",
                       larger.capacity);
    for (size_t i = 0; i < t->capacity; i++)
        if (t->block[i].memory != NULL)
            larger.block[place_of(&larger, t->block[i].memory)] = t->block[i];
    free(t->block);
    *t = larger;
    return LT_OK;
}

/* Takes a block out; what was pushed aside by it moves up, so that no gap hides it. */
static size_t forget_block(lt_cuda_blocks *t, const void *memory)
{
    if (t->capacity == 0)
        return 0;
    size_t hole = place_of(t, memory);
    const size_t bytes = t->block[hole].bytes;
    if (t->block[hole].memory == NULL)
        return 0;
    t->block[hole] = (lt_cuda_block){0};
    t->count--;
    for (size_t i = (hole + 1) & (t->capacity - 1); t->block[i].memory != NULL;
         i = (i + 1) & (t->capacity - 1)) {
        const lt_cuda_block moved = t->block[i];
        t->block[i] = (lt_cuda_block){0};
        t->block[place_of(t, moved.memory)] = moved;
    }
    return bytes;
}

/* ---- blocks ---- */

lt_status lt_cuda_alloc(lt_backend *b, size_t bytes, void **out, lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    *out = NULL;
    LT_TRY(lt_cuda_expect_no_recording(c, "allocation", err));
    LT_TRY(grow_blocks(&c->blocks, err));
    const size_t whole = bytes > 0 ? bytes : 1;
    const cudaError_t code = cudaMalloc(out, whole);
    if (code == cudaErrorMemoryAllocation)
        return lt_cuda_no_memory(c, whole, "allocation", err);
    LT_CUDA_TRY(code, "allocation", err);
    c->blocks.block[place_of(&c->blocks, *out)] = (lt_cuda_block){.memory = *out, .bytes = whole};
    c->blocks.count++;
    b->memory_in_use += whole;
    if (b->memory_in_use > b->memory_peak)
        b->memory_peak = b->memory_in_use;
    return LT_OK;
}

/* What is queued on the block still finds it. That cudaFree waits for the device by itself is not
 * promised; a failure of waiting shows in the next call. */
static void free_when_done(const lt_cuda *c, void *memory)
{
    if (memory == NULL)
        return;
    if (!c->recording)
        (void)cudaStreamSynchronize(c->stream);
    (void)cudaFree(memory);
}

void lt_cuda_release(lt_backend *b, void *memory)
{
    if (memory == NULL)
        return;
    lt_cuda *c = lt_cuda_of(b);
    b->memory_in_use -= forget_block(&c->blocks, memory);
    free_when_done(c, memory);
}

size_t lt_cuda_memory_free(lt_backend *b)
{
    size_t available = 0;
    size_t total = 0;
    (void)lt_cuda_of(b);
    return cudaMemGetInfo(&available, &total) == cudaSuccess ? available : 0;
}

static void give_back(lt_cuda *c, void **memory, size_t *has)
{
    c->moves += *memory != NULL;
    free_when_done(c, *memory);
    *memory = NULL;
    *has = 0;
}

/* Other memory in place of `*memory` where that has less than `bytes`; *grown says whether. */
static lt_status grow(lt_cuda *c, void **memory, size_t *has, size_t bytes, const char *what,
                      bool *grown, lt_error *err)
{
    *grown = bytes > *has;
    if (!*grown)
        return LT_OK;
    LT_TRY(lt_cuda_expect_no_recording(c, what, err));
    give_back(c, memory, has);
    const cudaError_t code = cudaMalloc(memory, bytes);
    if (code == cudaErrorMemoryAllocation)
        return lt_cuda_no_memory(c, bytes, what, err);
    LT_CUDA_TRY(code, what, err);
    *has = bytes;
    return LT_OK;
}

lt_status lt_cuda_workspace(lt_cuda *c, size_t bytes, void **out, lt_error *err)
{
    bool grown;
    const lt_status s =
        grow(c, &c->workspace, &c->workspace_bytes, bytes, "workspace", &grown, err);
    *out = c->workspace;
    return s;
}

lt_status lt_cuda_counters(lt_cuda *c, size_t count, unsigned **out, lt_error *err)
{
    bool grown;
    const size_t bytes = count * sizeof **out;
    LT_TRY(grow(c, &c->counters, &c->counter_bytes, bytes, "counters", &grown, err));
    if (grown) {
        const cudaError_t code = cudaMemsetAsync(c->counters, 0, bytes, c->stream);
        c->counter_bytes = code == cudaSuccess ? bytes : 0; /* what is not 0 is not there */
        LT_CUDA_TRY(code, "counters", err);
    }
    *out = c->counters;
    return LT_OK;
}

lt_status lt_cuda_let_go(lt_backend *b, lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    LT_TRY(lt_cuda_wait(b, err));
    b->times_let_go++;
    give_back(c, &c->workspace, &c->workspace_bytes);
    give_back(c, &c->counters, &c->counter_bytes);
    return LT_OK;
}

/* ---- copies ---- */

static lt_status open_staging(lt_cuda_staging *s, lt_error *err)
{
    for (int i = 0; i < LT_CUDA_SLOTS; i++) {
        if (s->done[i] == NULL)
            LT_CUDA_TRY(cudaEventCreateWithFlags(&s->done[i], cudaEventDisableTiming), "staging",
                        err);
        if (s->memory[i] == NULL &&
            cudaMallocHost((void **)&s->memory[i], LT_CUDA_SLOT_BYTES) != cudaSuccess) {
            (void)cudaGetLastError();
            return lt_fail(err, LT_ERR_RESOURCES, "cuda: no pinned memory for %d bytes",
                           (int)LT_CUDA_SLOT_BYTES);
        }
    }
    return LT_OK;
}

/* Leaves the current slot and takes the next as soon as the copies out of it are done. */
static lt_status next_slot(lt_cuda *c, lt_error *err)
{
    lt_cuda_staging *s = &c->staging;
    LT_CUDA_TRY(cudaEventRecord(s->done[s->slot], c->stream), "staging", err);
    s->slot = (s->slot + 1) % LT_CUDA_SLOTS;
    s->used = 0;
    return lt_cuda_check(cudaEventSynchronize(s->done[s->slot]), "upload", err);
}

lt_status lt_cuda_upload(lt_backend *b, void *device, const void *host, size_t bytes, lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    lt_cuda_staging *s = &c->staging;
    LT_TRY(lt_cuda_expect_no_recording(c, "upload", err));
    LT_TRY(open_staging(s, err));
    for (size_t at = 0; at < bytes;) {
        if (s->used == LT_CUDA_SLOT_BYTES)
            LT_TRY(next_slot(c, err));
        const size_t room = LT_CUDA_SLOT_BYTES - s->used;
        const size_t piece = bytes - at < room ? bytes - at : room;
        char *pinned = s->memory[s->slot] + s->used;
        memcpy(pinned, (const char *)host + at, piece);
        LT_CUDA_TRY(
            cudaMemcpyAsync((char *)device + at, pinned, piece, cudaMemcpyHostToDevice, c->stream),
            "upload", err);
        at += piece;
        s->used += piece;
    }
    return LT_OK;
}

/* One slot fills while the one before is copied on to where it was asked for; uploads out of it
 * that are under way come before, on the same stream. Uploads start anew after it: everything
 * queued is done by then. */
lt_status lt_cuda_download(lt_backend *b, void *host, const void *device, size_t bytes,
                           lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    lt_cuda_staging *s = &c->staging;
    if (bytes == 0)
        return LT_OK;
    LT_TRY(lt_cuda_expect_no_recording(c, "download", err));
    LT_TRY(open_staging(s, err));
    const size_t pieces = (bytes + LT_CUDA_SLOT_BYTES - 1) / LT_CUDA_SLOT_BYTES;
    for (size_t i = 0; i <= pieces; i++) {
        if (i < pieces) {
            const size_t at = i * LT_CUDA_SLOT_BYTES;
            const size_t piece = bytes - at < LT_CUDA_SLOT_BYTES ? bytes - at : LT_CUDA_SLOT_BYTES;
            LT_CUDA_TRY(cudaMemcpyAsync(s->memory[i % 2], (const char *)device + at, piece,
                                        cudaMemcpyDeviceToHost, c->stream),
                        "download", err);
            LT_CUDA_TRY(cudaEventRecord(s->done[i % 2], c->stream), "download", err);
        }
        if (i > 0) {
            const size_t at = (i - 1) * LT_CUDA_SLOT_BYTES;
            const size_t piece = bytes - at < LT_CUDA_SLOT_BYTES ? bytes - at : LT_CUDA_SLOT_BYTES;
            LT_CUDA_TRY(cudaEventSynchronize(s->done[(i - 1) % 2]), "download", err);
            memcpy((char *)host + at, s->memory[(i - 1) % 2], piece);
        }
    }
    s->slot = 0;
    s->used = 0;
    return LT_OK;
}

struct lt_reading {
    void *pinned;
    size_t bytes;
    cudaEvent_t there; /* behind the last copy */
};

lt_status lt_cuda_open_reading(lt_backend *b, size_t bytes, lt_reading **out, lt_error *err)
{
    (void)lt_cuda_of(b);
    *out = NULL;
    lt_reading *r = calloc(1, sizeof *r);
    if (r == NULL || cudaMallocHost(&r->pinned, bytes) != cudaSuccess) {
        (void)cudaGetLastError();
        free(r);
        return lt_fail(err, LT_ERR_RESOURCES, "cuda: no pinned memory for %zu bytes", bytes);
    }
    r->bytes = bytes;
    const lt_status s =
        lt_cuda_check(cudaEventCreateWithFlags(&r->there, cudaEventDisableTiming), "reading", err);
    if (s != LT_OK) {
        lt_cuda_close_reading(b, r);
        return s;
    }
    *out = r;
    return LT_OK;
}

lt_status lt_cuda_begin_reading(lt_backend *b, lt_reading *r, const void *device, lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    LT_TRY(lt_cuda_expect_no_recording(c, "reading", err));
    LT_CUDA_TRY(cudaMemcpyAsync(r->pinned, device, r->bytes, cudaMemcpyDeviceToHost, c->stream),
                "reading", err);
    return lt_cuda_check(cudaEventRecord(r->there, c->stream), "reading", err);
}

lt_status lt_cuda_finish_reading(lt_backend *b, lt_reading *r, void *host, lt_error *err)
{
    LT_TRY(lt_cuda_expect_no_recording(lt_cuda_of(b), "the end of a reading", err));
    LT_CUDA_TRY(cudaEventSynchronize(r->there), "reading", err);
    memcpy(host, r->pinned, r->bytes);
    return LT_OK;
}

/* Its last copy may still be under way. */
void lt_cuda_close_reading(lt_backend *b, lt_reading *r)
{
    if (r == NULL)
        return;
    (void)lt_cuda_of(b);
    if (r->there != NULL) {
        (void)cudaEventSynchronize(r->there);
        (void)cudaEventDestroy(r->there);
    }
    (void)cudaFreeHost(r->pinned);
    free(r);
}

lt_status lt_cuda_wait(lt_backend *b, lt_error *err)
{
    lt_cuda *c = lt_cuda_of(b);
    LT_TRY(lt_cuda_expect_no_recording(c, "waiting", err));
    return lt_cuda_check(cudaStreamSynchronize(c->stream), "waiting for the device", err);
}

void lt_cuda_memory_close(lt_cuda *c)
{
    for (int i = 0; i < LT_CUDA_SLOTS; i++) {
        (void)cudaFreeHost(c->staging.memory[i]);
        if (c->staging.done[i] != NULL)
            (void)cudaEventDestroy(c->staging.done[i]);
    }
    (void)cudaFree(c->workspace);
    (void)cudaFree(c->counters);
    free(c->blocks.block);
}
