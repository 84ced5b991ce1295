/* test_cuda_stream.c - matrices that come from the host when they are used: the same bytes as if
 * they were on the device, whatever the order of use, on every emulated device: one copies as late
 * as events allow, one computes so, one does both; what is counted is what is taken and pinned;
 * what does not fit says so and leaves what was there. On a card (test_cuda_stream_card) the same
 * bytes alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "kernels/cuda/cuda_weight_stream.h"

enum {
    MATRICES = 9,
    INPUTS = 32,
    LEAST_OUTPUTS = 32,
    MOST_OUTPUTS = 80,
    MOST_ROWS = 12,
    USES = 96
};

/* ---- a network of matrices of several sizes and types ---- */

typedef struct {
    lt_weight weight;
    float *values; /* as stored, whatever the type */
    uint16_t *scales;
} matrix;

static int outputs_of(int i)
{
    return i == MATRICES / 2 ? MOST_OUTPUTS : LEAST_OUTPUTS + 8 * (i % 5);
}

static lt_dtype stored_of(int i)
{
    static const lt_dtype stored[] = {LT_F32, LT_BF16, LT_Q8, LT_Q4};
    return stored[i % 4];
}

/* Numbers that differ from matrix to matrix, so that one in the place of another shows. */
static void fill_matrix(matrix *m, int i)
{
    const lt_dtype stored = stored_of(i);
    const lt_shape shape = lt_shape2(outputs_of(i), INPUTS);
    const int64_t count = (int64_t)outputs_of(i) * INPUTS;
    m->values = calloc((size_t)count, sizeof *m->values);
    m->scales = calloc((size_t)count / LT_BLOCK, sizeof *m->scales);
    if (m->values == NULL || m->scales == NULL)
        exit(1);
    for (int64_t k = 0; k < count; k++) {
        const int number = (int)((k * 7 + k / 11 + 131 * i) % 15) - 7;
        if (stored == LT_F32)
            m->values[k] = (float)number / 8;
        else if (stored == LT_BF16)
            ((uint16_t *)m->values)[k] = lt_f32_to_bf16((float)number / 8);
        else
            ((uint8_t *)m->values)[stored == LT_Q4 ? k / 2 : k] =
                (uint8_t)(stored == LT_Q4 ? k * 5 + i : number);
    }
    for (int64_t k = 0; k < count / LT_BLOCK; k++)
        m->scales[k] = lt_f32_to_f16(0.0625F * (float)(1 + (k + i) % 3));
    m->weight = (lt_weight){
        .value = lt_view(m->values, stored, shape), .scale = lt_none(), .role = LT_ROLE_MATRIX};
    if (stored == LT_Q8 || stored == LT_Q4)
        m->weight.scale = lt_view(m->scales, LT_F16, lt_shape2(outputs_of(i), INPUTS / LT_BLOCK));
}

static void free_network(lt_backend *b, matrix *network)
{
    for (int i = 0; i < MATRICES; i++) {
        b->table->unprepare(b, &network[i].weight);
        free(network[i].values);
        free(network[i].scales);
    }
}

static lt_status open_network(lt_backend *b, matrix *network, lt_home home, lt_error *err)
{
    lt_status s = LT_OK;
    for (int i = 0; i < MATRICES; i++) {
        fill_matrix(&network[i], i);
        network[i].weight.home = home;
    }
    for (int i = 0; i < MATRICES && s == LT_OK; i++)
        s = b->table->prepare(b, &network[i].weight, err);
    return s;
}

/* ---- orders of use ---- */

/* Passes as they were loaded; backwards; one matrix again and again; in no order. */
static int matrix_of_use(int use)
{
    switch (use / (USES / 4)) {
    case 0:
        return use % MATRICES;
    case 1:
        return MATRICES - 1 - use % MATRICES;
    case 2:
        return use / 3 % MATRICES;
    default:
        break;
    }
    unsigned mixed = (unsigned)use * 0x9E3779B9U;
    mixed = (mixed ^ mixed >> 15) * 0x85EBCA6BU;
    return (int)((mixed ^ mixed >> 13) % MATRICES);
}

/* One that is stored alike and can gate it. */
static int partner_of(int i)
{
    return i + 4 < MATRICES ? i + 4 : i - 4;
}

/* Few rows read the weight as it is, more go to the library. */
static int rows_of_use(int use)
{
    return use % 3 == 0 ? MOST_ROWS : 1 + use % 4;
}

/* On the device: what every use reads and writes. */
typedef struct {
    char *x;
    lt_weight gain; /* of a norm */
    char *out;      /* of all uses one after the other */
    size_t use_bytes;
} memory;

static size_t result_bytes(lt_dtype activation)
{
    return (size_t)USES * MOST_ROWS * MOST_OUTPUTS * lt_dtype_bytes(activation);
}

static void open_memory(lt_backend *b, memory *m)
{
    const lt_dtype type = b->activation;
    lt_error err = {0};
    float host[MOST_ROWS * INPUTS];
    float gain[INPUTS];
    for (int i = 0; i < INPUTS; i++)
        gain[i] = (float)(i % 5) / 4;
    *m = (memory){.use_bytes = result_bytes(type) / USES};
    for (int i = 0; i < MOST_ROWS * INPUTS; i++)
        host[i] = (float)(i * 13 % 17 - 8) / 16;
    if (type == LT_BF16)
        for (int i = 0; i < MOST_ROWS * INPUTS; i++)
            ((uint16_t *)host)[i] = lt_f32_to_bf16(host[i]);
    lt_status s = b->table->alloc(b, sizeof host, (void **)&m->x, &err);
    if (s == LT_OK)
        s = b->table->alloc(b, result_bytes(type), (void **)&m->out, &err);
    if (s == LT_OK)
        s = b->table->upload(b, m->x, host, sizeof host, &err);
    m->gain = (lt_weight){.value = lt_view(gain, LT_F32, lt_shape1(INPUTS)),
                          .scale = lt_none(),
                          .role = LT_ROLE_VECTOR};
    if (s == LT_OK)
        s = b->table->prepare(b, &m->gain, &err);
    expect(s == LT_OK, "memory", &err);
}

static void close_memory(lt_backend *b, memory *m)
{
    b->table->unprepare(b, &m->gain);
    b->table->release(b, m->out);
    b->table->release(b, m->x);
}

/* Nothing waits between them, nor at the end. */
static lt_status queue_uses(lt_backend *b, const matrix *network, const memory *m, lt_error *err)
{
    const lt_dtype type = b->activation;
    for (int use = 0; use < USES; use++) {
        const lt_weight *w = &network[matrix_of_use(use)].weight;
        const int rows = rows_of_use(use);
        if (use % 3 == 1) { /* few rows through two matrices at once, the first outputs of each */
            lt_weight gate = *w;
            lt_weight up = network[partner_of(matrix_of_use(use))].weight;
            gate.value.dim[0] = up.value.dim[0] = LEAST_OUTPUTS;
            const lt_row_norm norm = {&m->gain, 1e-6F};
            LT_TRY(b->table->gated_linear(
                b,
                lt_view(m->out + (size_t)use * m->use_bytes, type, lt_shape2(rows, LEAST_OUTPUTS)),
                lt_view(m->x, type, lt_shape2(rows, INPUTS)), &norm, &gate, &up, LT_ACT_NONE,
                lt_none(), err));
            continue;
        }
        LT_TRY(b->table->linear(
            b, lt_view(m->out + (size_t)use * m->use_bytes, type, lt_shape2(rows, w->value.dim[0])),
            lt_view(m->x, type, lt_shape2(rows, INPUTS)), w, NULL, LT_ACT_NONE, err));
    }
    return LT_OK;
}

static lt_status run_uses(lt_backend *b, const matrix *network, const memory *m, void *results,
                          lt_error *err)
{
    LT_TRY(queue_uses(b, network, m, err));
    return b->table->download(b, results, m->out, result_bytes(b->activation), err);
}

/* The same bytes from every home. */
static void same_bytes(int device, lt_dtype activation)
{
    static const char *const from[] = {"on the device", "pinned: the same bytes",
                                       "from the file: the same bytes"};
    const size_t bytes = result_bytes(activation);
    void *resident = calloc(bytes, 1);
    void *streamed = calloc(bytes, 1);
    lt_error err = {0};
    lt_backend *b = NULL;
    expect(lt_cuda_open(&b, device, activation, &err) == LT_OK, "a device", &err);
    if (resident == NULL || streamed == NULL || b == NULL)
        exit(1);
    for (int home = LT_HOME_DEVICE; home <= LT_HOME_FILE; home++) {
        matrix network[MATRICES] = {0};
        memory m;
        void *results = home == LT_HOME_DEVICE ? resident : streamed;
        open_memory(b, &m);
        lt_status s = open_network(b, network, (lt_home)home, &err);
        if (s == LT_OK)
            s = run_uses(b, network, &m, results, &err);
        expect(s == LT_OK && memcmp(resident, results, bytes) == 0, from[home], &err);
        free_network(b, network);
        close_memory(b, &m);
        expect(b->memory_in_use == 0, "places are given back", &err);
    }
    b->table->close(b);
    free(streamed);
    free(resident);
}

/* A second network is loaded while products of the first are queued,
 * and closed while its own are. */
static void two_networks(int device, lt_home home)
{
    lt_error err = {0};
    lt_backend *b = NULL;
    matrix first[MATRICES] = {0};
    matrix second[MATRICES] = {0};
    memory m[3];
    const size_t bytes = result_bytes(LT_F32);
    void *alone = calloc(bytes, 1);
    void *later = calloc(bytes, 1);
    expect(lt_cuda_open(&b, device, LT_F32, &err) == LT_OK, "a device", &err);
    if (alone == NULL || later == NULL || b == NULL)
        exit(1);
    for (int i = 0; i < 3; i++)
        open_memory(b, &m[i]);
    lt_status s = open_network(b, first, home, &err);
    if (s == LT_OK)
        s = run_uses(b, first, &m[0], alone, &err);
    if (s == LT_OK)
        s = queue_uses(b, first, &m[0], &err);
    if (s == LT_OK)
        s = open_network(b, second, home, &err);
    if (s == LT_OK)
        s = queue_uses(b, second, &m[1], &err);
    free_network(b, second);
    if (s == LT_OK)
        s = queue_uses(b, first, &m[2], &err);
    for (int i = 0; i < 3; i++) {
        if (s == LT_OK)
            s = b->table->download(b, later, m[i].out, bytes, &err);
        expect(s == LT_OK && memcmp(alone, later, bytes) == 0, "two networks that share places",
               &err);
        close_memory(b, &m[i]);
    }
    free_network(b, first);
    b->table->close(b);
    free(later);
    free(alone);
}

/* ---- memory ---- */

#ifdef EMULATED_CARD
/* What is pinned when every place has been filled is what was counted: all of the matrices, or
 * those that change their form and a place's worth for each place. */
static void pinned_as_foreseen(lt_backend *b, lt_backend *counter, lt_home home, size_t wanted)
{
    lt_error err = {0};
    matrix network[MATRICES] = {0};
    matrix counted[MATRICES] = {0};
    memory m;
    void *results = calloc(1, result_bytes(b->activation));
    if (results == NULL)
        exit(1);
    open_memory(b, &m);
    lt_status s = open_network(counter, counted, home, &err);
    if (s == LT_OK)
        s = open_network(b, network, home, &err);
    if (s == LT_OK)
        s = run_uses(b, network, &m, results, &err);
    expect(s == LT_OK && b->pinned_in_use == wanted, "pinned memory", &err);
    expect(counter->pinned_in_use == wanted && counter->pinned_peak == b->pinned_peak,
           "pinned memory as foreseen", &err);
    free_network(b, network);
    free_network(counter, counted);
    expect(b->pinned_in_use == 0 && counter->pinned_in_use == 0, "nothing stays pinned", &err);
    b->pinned_peak = counter->pinned_peak = 0;
    close_memory(b, &m);
    free(results);
}

/* Of the network's matrices as bf16 or as they are stored, those of which `which` says so. */
static size_t pinned_of(bool (*which)(lt_dtype stored))
{
    size_t bytes = 0;
    for (int i = 0; i < MATRICES; i++) {
        const lt_dtype stored = stored_of(i);
        const size_t count = (size_t)outputs_of(i) * INPUTS;
        const bool blocks = stored == LT_Q8 || stored == LT_Q4;
        const size_t values = stored == LT_Q4   ? count / 2
                              : stored == LT_Q8 ? count
                                                : count * sizeof(uint16_t);
        if (which(stored))
            bytes += lt_cuda_place_bytes(values, blocks ? count / LT_BLOCK * sizeof(uint16_t) : 0);
    }
    return bytes;
}

static bool any(lt_dtype stored)
{
    (void)stored;
    return true;
}

static bool changes(lt_dtype stored)
{
    return stored == LT_F32;
}

static void counted_and_bounded(void)
{
    lt_error err = {0};
    lt_backend *b = NULL;
    lt_backend *counter = NULL;
    matrix network[MATRICES] = {0};
    matrix counted[MATRICES] = {0};
    expect(lt_cuda_open(&b, 0, LT_BF16, &err) == LT_OK &&
               lt_measure_open(&counter, b, &err) == LT_OK,
           "a device and its measure", &err);
    if (counter == NULL)
        exit(1);
    expect(open_network(counter, counted, LT_HOME_PINNED, &err) == LT_OK,
           "a network that is only counted", &err);
    expect(open_network(b, network, LT_HOME_PINNED, &err) == LT_OK, "a network", &err);
    const size_t largest = (size_t)MOST_OUTPUTS * INPUTS * sizeof(uint16_t);
    expect(b->memory_in_use == LT_WEIGHT_PLACES * largest, "places as large as the largest matrix",
           &err);
    expect(counter->memory_in_use == b->memory_in_use && counter->memory_peak == b->memory_peak,
           "memory as foreseen", &err);
    free_network(b, network);
    free_network(counter, counted);
    expect(counter->memory_in_use == 0, "nothing stays counted", &err);
    b->pinned_peak = counter->pinned_peak = 0;
    pinned_as_foreseen(b, counter, LT_HOME_PINNED, pinned_of(any));
    pinned_as_foreseen(b, counter, LT_HOME_FILE, pinned_of(changes) + LT_WEIGHT_PLACES * largest);

    /* One matrix alone is too large. */
    host_set_memory((size_t)8 << 10);
    matrix m = {0};
    fill_matrix(&m, MATRICES / 2);
    m.weight.home = LT_HOME_PINNED;
    err = (lt_error){0};
    expect(b->table->prepare(b, &m.weight, &err) == LT_ERR_DEVICE_MEMORY && m.weight.packed == NULL,
           "a matrix that does not fit", &err);
    expect(strstr(err.message, "20480 bytes needed") != NULL &&
               strstr(err.message, "of 8192 are free") != NULL,
           "says what was needed and free", &err);
    expect(b->memory_in_use == 0, "leaves nothing behind", &err);
    host_set_memory((size_t)1 << 40);
    free(m.values);
    free(m.scales);
    counter->table->close(counter);
    b->table->close(b);
}

static lt_weight zeros(float *values, int outputs)
{
    const lt_tensor value = lt_view(values, LT_F32, lt_shape2(outputs, INPUTS));
    return (lt_weight){
        .value = value, .scale = lt_none(), .role = LT_ROLE_MATRIX, .home = LT_HOME_PINNED};
}

/* The card has no room for larger places: once those of before come back, once others have taken
 * even their memory until there is room again. The matrices that were there give the same bytes. */
static void places_that_cannot_grow(int device, lt_home home)
{
    const size_t plenty = (size_t)1 << 40;
    static float values[8 * MOST_OUTPUTS * INPUTS];
    const size_t bytes = result_bytes(LT_F32);
    lt_error err = {0};
    lt_backend *b = NULL;
    matrix network[MATRICES] = {0};
    memory m;
    void *want = calloc(bytes, 1);
    void *got = calloc(bytes, 1);
    expect(lt_cuda_open(&b, device, LT_F32, &err) == LT_OK, "a device", &err);
    if (want == NULL || got == NULL || b == NULL)
        exit(1);
    open_memory(b, &m);
    lt_status s = open_network(b, network, home, &err);
    if (s == LT_OK)
        s = run_uses(b, network, &m, want, &err);
    expect(s == LT_OK, "a network", &err);
    const size_t taken = plenty - b->table->memory_free(b);
    const size_t in_use = b->memory_in_use;
    lt_weight large = zeros(values, 8 * MOST_OUTPUTS);
    lt_weight small = zeros(values, 1);

    host_set_memory(taken);
    expect(b->table->prepare(b, &large, &err) == LT_ERR_DEVICE_MEMORY && b->memory_in_use == in_use,
           "a matrix too large for the card", &err);
    err = (lt_error){0};
    s = run_uses(b, network, &m, got, &err);
    expect(s == LT_OK && memcmp(want, got, bytes) == 0, "the others have their places again", &err);

    host_set_memory(taken - 1);
    large = zeros(values, 8 * MOST_OUTPUTS);
    expect(b->table->prepare(b, &large, &err) == LT_ERR_DEVICE_MEMORY && b->memory_in_use < in_use,
           "and their memory was taken", &err);
    err = (lt_error){0};
    expect(queue_uses(b, network, &m, &err) == LT_ERR_DEVICE_MEMORY, "a matrix without a place",
           &err);
    host_set_memory(plenty);
    err = (lt_error){0};
    s = b->table->prepare(b, &small, &err);
    expect(s == LT_OK && b->memory_in_use == in_use,
           "places for the largest when there is room again", &err);
    if (s == LT_OK)
        s = run_uses(b, network, &m, got, &err);
    expect(s == LT_OK && memcmp(want, got, bytes) == 0, "the same bytes from them", &err);
    b->table->unprepare(b, &small);
    free_network(b, network);
    close_memory(b, &m);
    expect(b->memory_in_use == 0, "places are given back", &err);
    b->table->close(b);
    free(got);
    free(want);
}

#endif

int main(void)
{
    const int devices = devices_here();
    if (devices == 0)
        return 77;
    for (int device = 0; device < devices; device++) {
        same_bytes(device, LT_F32);
        same_bytes(device, LT_BF16);
        two_networks(device, LT_HOME_PINNED);
        two_networks(device, LT_HOME_FILE);
    }
#ifdef EMULATED_CARD
    for (int device = 0; device < devices; device++) {
        places_that_cannot_grow(device, LT_HOME_PINNED);
        places_that_cannot_grow(device, LT_HOME_FILE);
    }
    counted_and_bounded();
#endif
    printf("%d failed\n", failed);
    return failed > 0;
}
