/* test_cuda_record.c - passes that are recorded: the same bytes as run by run, whatever the numbers
 * on the device and wherever memory moves to; what a recording refuses; downloads that are waited
 * for later. On every emulated device, and on a card (test_cuda_record_card). */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/ops.h"

enum {
    ROWS = 2,
    HEADS = 2,
    DEPTH = 16,
    STEPS = 140,
    ROOM = ROWS * STEPS + 40,
    WIDE = 1 << 16,
    PATTERN = 0x5a,
    BLOCKS = 3,
    STEPS_AFTER = 3
};
enum { CALLS = 2 }; /* of a pass: measured, and run or recorded */

/* ---- steps of a cache ---- */

typedef struct {
    lt_tensor in;      /* [1, ROWS, 3, HEADS, DEPTH] f32 */
    lt_tensor numbers; /* i32: the first row's position, what each row sees */
    lt_tensor keys;    /* [1, ROOM, HEADS, DEPTH] */
    lt_tensor values;
    lt_tensor angles; /* [ROOM, DEPTH / 2] f32, cosines and sines alike */
    lt_tensor out;    /* [1, ROWS, HEADS, DEPTH] f32 */
    int filled;       /* rows that are there */
    lt_ops ops;
    int calls; /* of the pass */
} cache;

static void open_cache(lt_backend *b, cache *c)
{
    lt_error err = {0};
    float angles[ROOM * DEPTH / 2];
    *c = (cache){.calls = 0};
    for (int i = 0; i < ROOM * DEPTH / 2; i++)
        angles[i] = (float)(i * 7 % 13 - 6) / 8;
    lt_ops_open(&c->ops, b);
    lt_status s = lt_buffer_open(b, LT_F32, lt_shape5(1, ROWS, 3, HEADS, DEPTH), &c->in, &err);
    if (s == LT_OK)
        s = lt_buffer_open(b, LT_I32, lt_shape1(1 + ROWS), &c->numbers, &err);
    if (s == LT_OK)
        s = lt_buffer_open(b, b->activation, lt_shape4(1, ROOM, HEADS, DEPTH), &c->keys, &err);
    if (s == LT_OK)
        s = lt_buffer_open(b, b->activation, lt_shape4(1, ROOM, HEADS, DEPTH), &c->values, &err);
    if (s == LT_OK)
        s = lt_buffer_open(b, LT_F32, lt_shape2(ROOM, DEPTH / 2), &c->angles, &err);
    if (s == LT_OK)
        s = lt_buffer_open(b, LT_F32, lt_shape4(1, ROWS, HEADS, DEPTH), &c->out, &err);
    if (s == LT_OK)
        s = b->table->upload(b, c->angles.data, angles, sizeof angles, &err);
    expect(s == LT_OK, "a cache", &err);
}

static void close_cache(lt_backend *b, cache *c)
{
    lt_tensor *const buffers[] = {&c->in, &c->numbers, &c->keys, &c->values, &c->angles, &c->out};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        lt_buffer_close(b, buffers[i]);
    lt_ops_close(&c->ops);
}

static lt_attention_args args_of(const cache *c)
{
    return (lt_attention_args){
        .scale = 0.25F, .visible = lt_slice(c->numbers, 0, 1, ROWS), .bias = lt_none()};
}

/* Where the rows go is read on the device. */
static lt_status add_rows(lt_ops *o, void *user)
{
    cache *c = user;
    const lt_attention_args args = args_of(c);
    const lt_tensor rows = lt_cast(o, c->in, o->dtype);
    c->calls++;
    lt_copy_into(o, c->out,
                 lt_cached_attention(o, rows, c->keys, c->values, lt_slice(c->numbers, 0, 0, 1),
                                     c->angles, c->angles, &args));
    return lt_ops_status(o);
}

/* The same, told by the host. */
static lt_status add_last_rows(lt_ops *o, void *user)
{
    const cache *c = user;
    const lt_attention_args args = args_of(c);
    const lt_tensor rows = lt_cast(o, c->in, o->dtype);
    const lt_tensor keys = lt_slice(c->keys, 1, 0, c->filled + ROWS);
    const lt_tensor values = lt_slice(c->values, 1, 0, c->filled + ROWS);
    const lt_tensor angles = lt_slice(c->angles, 0, c->filled, ROWS);
    lt_copy_into(o, c->out,
                 lt_cached_attention(o, rows, keys, values, lt_none(), angles, angles, &args));
    return lt_ops_status(o);
}

/* `repeated` NULL: launch by launch, told by the host. out NULL: not waited for. */
static lt_status run_step(lt_backend *b, cache *c, lt_repeated *repeated, float *out, lt_error *err)
{
    float in[ROWS * 3 * HEADS * DEPTH];
    int32_t numbers[1 + ROWS] = {c->filled};
    for (int i = 0; i < ROWS; i++)
        numbers[1 + i] = c->filled + i + 1;
    for (int i = 0; i < ROWS * 3 * HEADS * DEPTH; i++)
        in[i] = (float)((i * 31 + c->filled * 57 + i / 7) % 23 - 11) / 8;
    LT_TRY(b->table->upload(b, c->in.data, in, sizeof in, err));
    LT_TRY(b->table->upload(b, c->numbers.data, numbers, sizeof numbers, err));
    LT_TRY(repeated != NULL ? lt_ops_repeat(&c->ops, repeated, add_rows, c, err)
                            : lt_ops_run(&c->ops, add_last_rows, c, err));
    c->filled += ROWS;
    return out == NULL ? LT_OK
                       : b->table->download(b, out, c->out.data, lt_tensor_bytes(&c->out), err);
}

/* ---- memory that moves ---- */

/* Takes what was just given back: something that still writes where it was shows in it. */
static void *watch(lt_backend *b, size_t bytes, lt_error *err)
{
    void *block = NULL;
    char *pattern = malloc(bytes);
    if (pattern == NULL)
        exit(1);
    memset(pattern, PATTERN, bytes);
    if (b->table->alloc(b, bytes, &block, err) == LT_OK)
        (void)b->table->upload(b, block, pattern, bytes, err);
    free(pattern);
    return block;
}

static bool is_untouched(lt_backend *b, const void *block, size_t bytes, lt_error *err)
{
    bool untouched = true;
    char *found = malloc(bytes);
    if (found == NULL || b->table->download(b, found, block, bytes, err) != LT_OK)
        exit(1);
    for (size_t i = 0; i < bytes; i++)
        untouched = untouched && found[i] == PATTERN;
    free(found);
    return untouched;
}

static lt_status take_much(lt_ops *o, void *user)
{
    (void)user;
    (void)lt_new(o, LT_F32, lt_shape1(WIDE));
    return lt_ops_status(o);
}

/* The arena, the workspace or the counters go somewhere else; *bytes is what they had before. */
static lt_status move(lt_backend *b, cache *c, int which, size_t *bytes, lt_error *err)
{
    lt_cuda *cuda = (lt_cuda *)b;
    void *memory;
    unsigned *counters;
    if (which == 0) {
        *bytes = c->ops.arena.capacity;
        return lt_ops_run(&c->ops, take_much, NULL, err);
    }
    *bytes = which == 1 ? cuda->workspace_bytes : cuda->counter_bytes;
    return which == 1 ? lt_cuda_workspace(cuda, cuda->workspace_bytes + WIDE, &memory, err)
                      : lt_cuda_counters(cuda, WIDE, &counters, err);
}

/* Rows join two caches, one of them by a recording that is replayed; twice every kind of memory
 * moves under it. */
static void same_bytes(int device, lt_dtype activation)
{
    lt_error err = {0};
    lt_backend *b = NULL;
    cache recorded;
    cache launched;
    lt_repeated repeated = {0};
    void *watched[BLOCKS] = {0};
    size_t bytes[BLOCKS] = {0};
    float got[ROWS * HEADS * DEPTH];
    float want[ROWS * HEADS * DEPTH];
    expect(lt_cuda_open(&b, device, activation, &err) == LT_OK, "a device", &err);
    if (b == NULL)
        exit(1);
    open_cache(b, &recorded);
    open_cache(b, &launched);
    bool same = true;
    lt_status s = LT_OK;
    for (int step = 0; step < STEPS && s == LT_OK; step++) {
        const int which = step / 40 - 1;
        if (step % 40 == 0 && which >= 0) {
            s = move(b, &recorded, which, &bytes[which], &err);
            watched[which] = watch(b, bytes[which], &err);
        }
        if (s == LT_OK)
            s = run_step(b, &launched, NULL, want, &err);
        if (s == LT_OK)
            s = run_step(b, &recorded, &repeated, got, &err);
        same = same && memcmp(got, want, sizeof got) == 0;
    }
    expect(s == LT_OK, "steps", &err);
    expect(same, "the same bytes as launch by launch", &err);
    expect(recorded.calls == CALLS * (2 + BLOCKS) && repeated.recording != NULL,
           "run, recorded, and recorded anew when memory moved", &err);
    for (int i = 0; i < BLOCKS; i++)
        expect(is_untouched(b, watched[i], bytes[i], &err), "nothing is written where memory was",
               &err);
    expect(run_step(b, &launched, NULL, NULL, &err) == LT_OK &&
               run_step(b, &recorded, &repeated, NULL, &err) == LT_OK,
           "a step that nobody waits for", &err);
    bool done = true;
    s = b->table->let_go(b, &err);
    if (s == LT_OK)
        s = b->table->replay(b, repeated.recording, &done, &err);
    expect(s == LT_OK && !done, "of no use once its memory was given back", &err);
    /* recorded first: memory that the other takes would do for it */
    for (int step = 0; step < STEPS_AFTER && s == LT_OK; step++) {
        s = run_step(b, &recorded, &repeated, got, &err);
        if (s == LT_OK)
            s = run_step(b, &launched, NULL, want, &err);
        same = same && memcmp(got, want, sizeof got) == 0;
    }
    expect(s == LT_OK && same, "steps after memory was given back", &err);
    expect(recorded.calls == CALLS * (2 + BLOCKS + 2) && repeated.recording != NULL,
           "run and recorded anew after it was given back", &err);
    lt_ops_forget(&recorded.ops, &repeated);
    for (int step = 0; step < STEPS_AFTER && s == LT_OK; step++) {
        s = run_step(b, &recorded, &repeated, NULL, &err);
        if (s == LT_OK)
            s = b->table->let_go(b, &err);
    }
    expect(s == LT_OK && repeated.recording == NULL,
           "never recorded while memory is given back after each run", &err);
    lt_ops_forget(&recorded.ops, &repeated);
    expect(repeated.recording == NULL && !repeated.ran, "forgotten", &err);
    for (int i = 0; i < BLOCKS; i++)
        b->table->release(b, watched[i]);
    close_cache(b, &recorded);
    close_cache(b, &launched);
    expect(b->memory_in_use == 0, "leaves nothing behind", &err);
    b->table->close(b);
}

/* While a profile is on, every operation is waited for, so none is recorded. */
static void profiled(void)
{
    lt_error err = {0};
    lt_backend *b = NULL;
    cache c;
    lt_repeated repeated = {0};
    float out[ROWS * HEADS * DEPTH];
    expect(lt_cuda_open(&b, 0, LT_F32, &err) == LT_OK && lt_profile_start(b, &err) == LT_OK,
           "a device with a profile", &err);
    if (b == NULL)
        exit(1);
    open_cache(b, &c);
    for (int step = 0; step < 4; step++)
        expect(run_step(b, &c, &repeated, out, &err) == LT_OK, "a profiled step", &err);
    lt_op_total totals[32];
    const int rows = lt_profile_read(b, totals, 32);
    int64_t counted = 0;
    for (int i = 0; i < rows; i++)
        counted += strcmp(totals[i].name, "cached_attention") == 0 ? totals[i].calls : 0;
    expect(repeated.recording == NULL && counted == 4, "every operation is counted", &err);
    close_cache(b, &c);
    b->table->close(b);
}

/* ---- downloads that are waited for later ---- */

/* Each gives what was there when it was begun, whatever came over it since; begun twice, what was
 * there the second time. */
static void readings(int device)
{
    enum { VALUES = 5, READINGS = 2 };
    lt_error err = {0};
    lt_backend *b = NULL;
    lt_reading *r[READINGS] = {NULL};
    lt_tensor t = lt_none();
    expect(lt_cuda_open(&b, device, LT_F32, &err) == LT_OK, "a device", &err);
    if (b == NULL)
        exit(1);
    lt_status s = lt_buffer_open(b, LT_F32, lt_shape1(VALUES), &t, &err);
    for (int i = 0; i < READINGS && s == LT_OK; i++)
        s = b->table->open_reading(b, VALUES * sizeof(float), &r[i], &err);
    float got[VALUES] = {0};
    for (int value = 1; value <= 9 && s == LT_OK; value++) {
        lt_reading *const with = r[value % READINGS];
        s = b->table->fill(b, t, (float)value, &err);
        if (s == LT_OK)
            s = b->table->begin_reading(b, with, t.data, &err);
        if (s == LT_OK && value > 1)
            s = b->table->finish_reading(b, r[(value - 1) % READINGS], got, &err);
        for (int i = 0; i < VALUES && value > 1; i++)
            expect(got[i] == (float)(value - 1), "what was there when it was begun", &err);
    }
    for (int value = 20; value <= 21 && s == LT_OK; value++) {
        s = b->table->fill(b, t, (float)value, &err);
        if (s == LT_OK)
            s = b->table->begin_reading(b, r[0], t.data, &err);
    }
    if (s == LT_OK)
        s = b->table->finish_reading(b, r[0], got, &err);
    expect(s == LT_OK && got[0] == 21 && got[VALUES - 1] == 21, "begun again", &err);
    expect(b->table->begin_reading(b, r[1], t.data, &err) == LT_OK, "one that nobody finishes",
           &err);
    for (int i = 0; i < READINGS; i++)
        b->table->close_reading(b, r[i]);
    b->table->close_reading(b, NULL);
    lt_buffer_close(b, &t);
    b->table->close(b);
}

/* ---- what a recording refuses ---- */

typedef struct {
    lt_backend *b;
    lt_reading *reading; /* of four bytes */
    lt_weight *streamed;
    char *memory; /* on the device */
} request;

static lt_status uploads(void *user, lt_error *err)
{
    const request *r = user;
    return r->b->table->upload(r->b, r->memory, "four", 4, err);
}

static lt_status downloads(void *user, lt_error *err)
{
    const request *r = user;
    char host[4];
    return r->b->table->download(r->b, host, r->memory, 4, err);
}

static lt_status begins_reading(void *user, lt_error *err)
{
    const request *r = user;
    return r->b->table->begin_reading(r->b, r->reading, r->memory, err);
}

static lt_status finishes_reading(void *user, lt_error *err)
{
    const request *r = user;
    char host[4];
    return r->b->table->finish_reading(r->b, r->reading, host, err);
}

static lt_status waits(void *user, lt_error *err)
{
    const request *r = user;
    return r->b->table->wait(r->b, err);
}

static lt_status allocates(void *user, lt_error *err)
{
    const request *r = user;
    void *memory;
    return r->b->table->alloc(r->b, 64, &memory, err);
}

static lt_status grows_workspace(void *user, lt_error *err)
{
    lt_cuda *c = (lt_cuda *)((const request *)user)->b;
    void *memory;
    return lt_cuda_workspace(c, c->workspace_bytes + 1, &memory, err);
}

static lt_status grows_counters(void *user, lt_error *err)
{
    lt_cuda *c = (lt_cuda *)((const request *)user)->b;
    unsigned *counters;
    return lt_cuda_counters(c, c->counter_bytes + 1, &counters, err);
}

static lt_status streams(void *user, lt_error *err)
{
    const request *r = user;
    const lt_tensor x = lt_view(r->memory, LT_F32, lt_shape2(1, 32));
    return r->b->table->linear(r->b, lt_view(r->memory + 128, LT_F32, lt_shape2(1, 32)), x,
                               r->streamed, NULL, LT_ACT_NONE, err);
}

static lt_status records(void *user, lt_error *err)
{
    const request *r = user;
    lt_recording *inner;
    return r->b->table->record(r->b, waits, user, &inner, err);
}

/* Moves bytes in a pass that is repeated, where that would be seen only on a card. */
static lt_status pass_that_uploads(lt_ops *o, void *user)
{
    (void)user;
    const int32_t id = 1;
    (void)lt_from_host(o, &id, LT_I32, lt_shape1(1));
    return lt_ops_status(o);
}

static void refusals(int device)
{
    static const struct {
        lt_work work;
        const char *what;
    } refused[] = {{uploads, "an upload"},
                   {downloads, "a download"},
                   {begins_reading, "a reading"},
                   {finishes_reading, "its end"},
                   {waits, "a wait"},
                   {allocates, "an allocation"},
                   {grows_workspace, "a larger workspace"},
                   {grows_counters, "more counters"},
                   {streams, "a matrix from the host"},
                   {records, "a recording in a recording"}};
    static float values[32 * 32];
    lt_error err = {0};
    request r = {.b = NULL};
    lt_weight w = {.value = lt_view(values, LT_F32, lt_shape2(32, 32)),
                   .scale = lt_none(),
                   .role = LT_ROLE_MATRIX,
                   .home = LT_HOME_PINNED};
    lt_status s = lt_cuda_open(&r.b, device, LT_F32, &err);
    if (s == LT_OK)
        s = r.b->table->alloc(r.b, 256, (void **)&r.memory, &err);
    if (s == LT_OK)
        s = r.b->table->open_reading(r.b, 4, &r.reading, &err);
    if (s == LT_OK)
        s = r.b->table->prepare(r.b, &w, &err);
    expect(s == LT_OK, "a device, memory, a reading, a matrix on the host", &err);
    if (s != LT_OK)
        exit(1);
    r.streamed = &w;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        lt_recording *recording = NULL;
        err = (lt_error){0};
        const lt_status refusal = r.b->table->record(r.b, refused[i].work, &r, &recording, &err);
        expect(refusal == LT_ERR_FAILED && recording == NULL &&
                   strstr(err.message, "recording") != NULL,
               refused[i].what, &err);
        float back = 0; /* the stream does its work again */
        err = (lt_error){0};
        s = r.b->table->fill(r.b, lt_view(r.memory, LT_F32, lt_shape1(32)), (float)i + 1, &err);
        if (s == LT_OK)
            s = r.b->table->download(r.b, &back, r.memory, sizeof back, &err);
        expect(s == LT_OK && back == (float)i + 1, "works after a refusal", &err);
    }
    lt_ops o;
    lt_repeated repeated = {0};
    lt_ops_open(&o, r.b);
    err = (lt_error){0};
    expect(lt_ops_repeat(&o, &repeated, pass_that_uploads, NULL, &err) == LT_ERR_FAILED &&
               !repeated.ran,
           "a repeated pass that uploads", &err);
    lt_ops_close(&o);
    r.b->table->unprepare(r.b, &w);
    r.b->table->close_reading(r.b, r.reading);
    r.b->table->release(r.b, r.memory);
    r.b->table->close(r.b);
}

#ifdef EMULATED_CARD
/* The emulation refuses what a capture refuses: each spoils it, and the stream is
 * as before when it has ended. */
static void emulated_refusals(void)
{
    const lt_error none = {0};
    cudaStream_t stream;
    cudaStream_t other;
    cudaEvent_t event;
    cudaGraph_t graph;
    void *memory;
    (void)cudaMalloc(&memory, 64);
    (void)cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    (void)cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking);
    (void)cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
    for (int i = 0; i < 8; i++) {
        void *more;
        expect(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess,
               "a capture", &none);
        const cudaError_t code = i == 0   ? cudaMalloc(&more, 64)
                                 : i == 1 ? cudaFree(memory)
                                 : i == 2 ? cudaMallocHost(&more, 64)
                                 : i == 3 ? cudaStreamSynchronize(stream)
                                 : i == 4 ? cudaEventSynchronize(event)
                                 : i == 5 ? cudaStreamWaitEvent(stream, event, 0)
                                 : i == 6 ? cudaMemsetAsync(memory, 0, 64, other)
                                          : cudaMemsetAsync(memory, 0, 64, NULL);
        expect(code >= cudaErrorStreamCaptureUnsupported &&
                   code <= cudaErrorStreamCaptureWrongThread,
               "refused in a capture", &none);
        expect(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated &&
                   graph == NULL,
               "a spoiled capture", &none);
        expect(cudaMemsetAsync(memory, 0, 64, stream) == cudaSuccess &&
                   cudaStreamSynchronize(stream) == cudaSuccess,
               "a stream", &none);
    }
    (void)cudaEventDestroy(event);
    (void)cudaStreamDestroy(other);
    (void)cudaStreamDestroy(stream);
    (void)cudaFree(memory);
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
        refusals(device);
        readings(device);
    }
    profiled();
#ifdef EMULATED_CARD
    emulated_refusals();
#endif
    printf("%d failed\n", failed);
    return failed > 0;
}
