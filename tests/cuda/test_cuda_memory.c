/* test_cuda_memory.c - memory, copies and weights of the CUDA backend on the host's emulation: what
 * the parity table is too small to reach. Copies larger than all of the pinned memory, thousands of
 * blocks, memory that is given back while something is queued on it, a card that is full, weights
 * that do not fit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "kernels/cuda/cuda_backend.h"

static void copies_of_any_size(lt_backend *b)
{
    static const size_t sizes[] = {1, 4097, LT_CUDA_SLOT_BYTES - 1, LT_CUDA_SLOT_BYTES + 3,
                                   5 * (size_t)LT_CUDA_SLOT_BYTES + 17};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        lt_error err = {0};
        void *device = NULL;
        unsigned char *sent = malloc(sizes[i]);
        unsigned char *back = calloc(sizes[i], 1);
        lt_status s = sent != NULL && back != NULL ? b->table->alloc(b, sizes[i], &device, &err)
                                                   : LT_ERR_RESOURCES;
        for (size_t k = 0; k < sizes[i] && s == LT_OK; k++)
            sent[k] = (unsigned char)(k * 7 + k / 251);
        for (int turn = 0; turn < 3 && s == LT_OK; turn++) /* the ring of slots goes round */
            s = b->table->upload(b, device, sent, sizes[i], &err);
        if (s == LT_OK)
            s = b->table->download(b, back, device, sizes[i], &err);
        expect(s == LT_OK && memcmp(sent, back, sizes[i]) == 0, "a copy to the device and back",
               &err);
        b->table->release(b, device);
        free(sent);
        free(back);
    }
}

/* Released in another order than taken; what is in use is counted to the byte. */
static void many_blocks(lt_backend *b)
{
    enum { BLOCKS = 5000, STEP = 1237 }; /* no common factor */
    static void *block[BLOCKS];
    lt_error err = {0};
    size_t sum = 0;
    lt_status s = LT_OK;
    for (size_t i = 0; i < BLOCKS && s == LT_OK; i++) {
        s = b->table->alloc(b, 1 + i % 97, &block[i], &err);
        sum += 1 + i % 97;
    }
    expect(s == LT_OK && b->memory_in_use == sum && b->memory_peak >= sum,
           "5000 blocks are counted", &err);
    for (size_t i = 0; i < BLOCKS; i++)
        b->table->release(b, block[i * STEP % BLOCKS]);
    expect(b->memory_in_use == 0, "5000 blocks are given back", &err);
}

enum { BLOCK_FLOATS = 12345, FREED = 3 };

/* A block, or what a larger workspace or a let_go leaves; a fill of it is
 * under way when it is given back. */
static lt_status give_back_under_way(lt_backend *b, int which, lt_error *err)
{
    const size_t bytes = BLOCK_FLOATS * sizeof(float);
    lt_cuda *c = (lt_cuda *)b;
    void *memory;
    void *larger;
    LT_TRY(which == 0 ? b->table->alloc(b, bytes, &memory, err)
                      : lt_cuda_workspace(c, bytes, &memory, err));
    LT_TRY(b->table->fill(b, lt_view(memory, LT_F32, lt_shape1(BLOCK_FLOATS)), 1, err));
    if (which == 0)
        b->table->release(b, memory);
    return which == 0   ? LT_OK
           : which == 1 ? lt_cuda_workspace(c, 2 * bytes, &larger, err)
                        : b->table->let_go(b, err);
}

/* Another queue has the memory next: what was under way for the one
 * before does not come into it. */
static void given_back_under_way(int device)
{
    const size_t bytes = BLOCK_FLOATS * sizeof(float);
    static float zeros[BLOCK_FLOATS];
    static float found[BLOCK_FLOATS];
    for (int which = 0; which < FREED; which++) {
        lt_error err = {0};
        lt_backend *b = NULL;
        lt_backend *other = NULL;
        void *memory = NULL;
        lt_status s = lt_cuda_open(&b, device, LT_F32, &err);
        if (s == LT_OK)
            s = b->table->again(b, &other, &err);
        if (s == LT_OK)
            s = give_back_under_way(b, which, &err);
        if (s == LT_OK)
            s = other->table->alloc(other, bytes, &memory, &err);
        if (s == LT_OK)
            s = other->table->upload(other, memory, zeros, bytes, &err);
        if (s == LT_OK)
            s = other->table->wait(other, &err);
        if (s == LT_OK)
            s = b->table->wait(b, &err);
        if (s == LT_OK)
            s = other->table->download(other, found, memory, bytes, &err);
        expect(s == LT_OK && memcmp(zeros, found, bytes) == 0,
               "memory that was given back while it was written", &err);
        if (s != LT_OK)
            exit(1);
        other->table->release(other, memory);
        other->table->close(other);
        b->table->close(b);
    }
}

static void full_card(lt_backend *b)
{
    lt_error err = {0};
    void *memory = NULL;
    host_set_memory((size_t)1 << 20);
    expect(b->table->alloc(b, (size_t)2 << 20, &memory, &err) == LT_ERR_DEVICE_MEMORY &&
               memory == NULL,
           "a block that does not fit", &err);
    expect(strstr(err.message, "2097152") != NULL && strstr(err.message, "1048576") != NULL,
           "says what was needed and free", &err);
    err = (lt_error){0};
    expect(lt_cuda_workspace((lt_cuda *)b, (size_t)2 << 20, &memory, &err) == LT_ERR_DEVICE_MEMORY,
           "a workspace that does not fit", &err);
    expect(b->table->memory_free(b) <= (size_t)1 << 20, "free memory is told", &err);

    float *values = calloc((size_t)1 << 20, sizeof *values);
    lt_weight w = {.value = lt_view(values, LT_F32, lt_shape2(1024, 1024)),
                   .scale = lt_none(),
                   .role = LT_ROLE_MATRIX};
    err = (lt_error){0};
    expect(values != NULL && b->table->prepare(b, &w, &err) == LT_ERR_DEVICE_MEMORY,
           "a weight that does not fit", &err);
    expect(b->memory_in_use == 0 && w.packed == NULL, "leaves nothing behind", &err);
    host_set_memory((size_t)1 << 40);
    free(values);
}

/* What prepare takes is what prepared_bytes foretold, for every role and stored dtype. */
static void weights_as_foretold(lt_backend *b)
{
    static const lt_dtype stored[] = {LT_F32, LT_BF16, LT_F16, LT_F64, LT_I8};
    static double values[4 * 6 * 9];
    static float scales[4] = {1, 2, 0.5f, 4};
    for (int role = LT_ROLE_MATRIX; role <= LT_ROLE_HEAD; role++)
        for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
            lt_error err = {0};
            const lt_shape shape = role == LT_ROLE_CONV ? lt_shape4(4, 6, 3, 3) : lt_shape2(4, 54);
            lt_weight w = {.value = lt_view(values, stored[i], shape),
                           .scale = lt_none(),
                           .role = (lt_role)role};
            if (stored[i] == LT_I8)
                w.scale = lt_view(scales, LT_F32, lt_shape1(4));
            const size_t foretold = b->table->prepared_bytes(b, &w);
            expect(b->table->prepare(b, &w, &err) == LT_OK && b->memory_in_use == foretold,
                   "a weight takes what was foretold", &err);
            expect(lt_same_shape(lt_shape_of(&w.value), shape), "a weight keeps its shape", &err);
            b->table->unprepare(b, &w);
            expect(b->memory_in_use == 0 && lt_is_none(&w.value) && (int)w.role == role,
                   "a weight is gone", &err);
        }
}

static void refusals(void)
{
    lt_error err = {0};
    lt_backend *b = NULL;
    expect(lt_cuda_open(&b, 7, LT_BF16, &err) == LT_ERR_DEVICE && b == NULL,
           "a device that is not there", &err);
    expect(cudaGetLastError() == cudaSuccess, "nothing is asked of it", &err);
    err = (lt_error){0};
    expect(lt_cuda_open(&b, 0, LT_I32, &err) == LT_ERR_USAGE && b == NULL,
           "activations of integers", &err);
}

int main(void)
{
    lt_error err = {0};
    lt_backend *b = NULL;
    refusals();
    for (int device = 0; device < devices_here(); device++)
        given_back_under_way(device);
    if (lt_cuda_open(&b, 0, LT_BF16, &err) != LT_OK) {
        printf("FAILED %s\n", err.message);
        return 1;
    }
    copies_of_any_size(b);
    many_blocks(b);
    full_card(b);
    weights_as_foretold(b);
    b->table->close(b);
    printf("%d failed\n", failed);
    return failed > 0;
}
