/* cuda_weight_stream.c - see cuda_weight_stream.h. */
#include "kernels/cuda/cuda_weight_stream.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    lt_cuda_streamed *holds; /* or NULL */
    char *memory;
    char *staging; /* pinned, as large as the place: for matrices in a mapped file; NULL until it is
                      needed */
    cudaEvent_t ready; /* its copy is done */
    cudaEvent_t left;  /* operations have done with what it holds */
} place;

struct lt_cuda_weight_stream {
    cudaStream_t copies;
    place place[LT_WEIGHT_PLACES];
    void *memory; /* of all places; NULL until the first matrix, and where others took it while
                     places grew */
    size_t place_bytes; /* for the largest matrix */
    int oldest;         /* the place whose turn it is to be filled */
    /* by the operations of this moment; their places are not filled */
    lt_cuda_streamed *used[LT_CUDA_WEIGHTS_AT_ONCE];
    int uses;
    lt_cuda_streamed *newest;
};

static const char where[] = "weights from the host";

/* ---- opening and closing ---- */

void lt_cuda_weight_stream_close(lt_cuda_weight_stream *q)
{
    if (q == NULL)
        return;
    for (int i = 0; i < LT_WEIGHT_PLACES; i++) {
        if (q->place[i].ready != NULL)
            (void)cudaEventDestroy(q->place[i].ready);
        if (q->place[i].left != NULL)
            (void)cudaEventDestroy(q->place[i].left);
    }
    if (q->copies != NULL)
        (void)cudaStreamDestroy(q->copies);
    free(q);
}

static lt_status open_events(lt_cuda_weight_stream *q, lt_error *err)
{
    LT_CUDA_TRY(cudaStreamCreateWithFlags(&q->copies, cudaStreamNonBlocking), where, err);
    for (int i = 0; i < LT_WEIGHT_PLACES; i++) {
        LT_CUDA_TRY(cudaEventCreateWithFlags(&q->place[i].ready, cudaEventDisableTiming), where,
                    err);
        LT_CUDA_TRY(cudaEventCreateWithFlags(&q->place[i].left, cudaEventDisableTiming), where,
                    err);
    }
    return LT_OK;
}

static lt_status open_stream(lt_cuda *c, lt_error *err)
{
    if (c->weight_stream != NULL)
        return LT_OK;
    lt_cuda_weight_stream *q = calloc(1, sizeof *q);
    if (q == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cuda: %s: no memory", where);
    const lt_status s = open_events(q, err);
    if (s == LT_OK)
        c->weight_stream = q;
    else
        lt_cuda_weight_stream_close(q);
    return s;
}

/* ---- pinned memory, counted ---- */

static lt_status pin(lt_cuda *c, size_t bytes, void **out, lt_error *err)
{
    lt_backend *b = &c->base;
    if (cudaMallocHost(out, bytes) != cudaSuccess) {
        (void)cudaGetLastError();
        *out = NULL;
        return lt_fail(err, LT_ERR_RESOURCES, "cuda: %s: no pinned memory for %zu bytes", where,
                       bytes);
    }
    b->pinned_in_use += bytes;
    if (b->pinned_in_use > b->pinned_peak)
        b->pinned_peak = b->pinned_in_use;
    return LT_OK;
}

static void unpin(lt_cuda *c, void *memory, size_t bytes)
{
    if (memory == NULL)
        return;
    (void)cudaFreeHost(memory);
    c->base.pinned_in_use -= bytes;
}

/* ---- places ---- */

size_t lt_cuda_place_bytes(size_t value_bytes, size_t scale_bytes)
{
    const size_t mask = LT_CUDA_ALIGN - 1;
    return ((value_bytes + mask) & ~mask) + ((scale_bytes + mask) & ~mask);
}

/* When nothing is copied and nothing is read any more. */
static lt_status empty_places(lt_cuda *c, lt_cuda_weight_stream *q, lt_error *err)
{
    LT_CUDA_TRY(cudaStreamSynchronize(q->copies), where, err);
    LT_CUDA_TRY(cudaStreamSynchronize(c->stream), where, err);
    for (int i = 0; i < LT_WEIGHT_PLACES; i++) {
        if (q->place[i].holds != NULL)
            q->place[i].holds->place = -1;
        q->place[i].holds = NULL;
    }
    q->uses = 0;
    return LT_OK;
}

static void free_places(lt_cuda *c, lt_cuda_weight_stream *q)
{
    for (int i = 0; i < LT_WEIGHT_PLACES; i++) {
        unpin(c, q->place[i].staging, q->place_bytes);
        q->place[i].staging = NULL;
        q->place[i].memory = NULL;
    }
    lt_cuda_release(&c->base, q->memory);
    q->memory = NULL;
    q->place_bytes = 0;
}

static lt_status take_places(lt_cuda *c, lt_cuda_weight_stream *q, size_t bytes, lt_error *err)
{
    LT_TRY(lt_cuda_alloc(&c->base, LT_WEIGHT_PLACES * bytes, &q->memory, err));
    for (int i = 0; i < LT_WEIGHT_PLACES; i++)
        q->place[i].memory = (char *)q->memory + (size_t)i * bytes;
    q->place_bytes = bytes;
    return LT_OK;
}

/* Old places go first: there may be no room for both. Where there is none for larger ones the old
 * ones come back, since matrices that are loaded still need them. */
static lt_status grow_places(lt_cuda *c, lt_cuda_weight_stream *q, size_t bytes, lt_error *err)
{
    const size_t before = q->place_bytes;
    if (q->memory != NULL && bytes <= before)
        return LT_OK;
    free_places(c, q);
    const lt_status s = take_places(c, q, bytes > before ? bytes : before, err);
    if (s != LT_OK && before > 0) {
        lt_error again = {0};
        (void)take_places(c, q, before, &again); /* else lt_cuda_stream_bring says it */
        q->place_bytes = before;
    }
    return s;
}

/* ---- loading and unloading ---- */

lt_status lt_cuda_stream_add(lt_cuda *c, size_t value_bytes, size_t scale_bytes,
                             lt_cuda_streamed **out, void **scratch, lt_error *err)
{
    *out = NULL;
    LT_TRY(open_stream(c, err));
    lt_cuda_weight_stream *q = c->weight_stream;
    LT_TRY(empty_places(c, q, err));
    LT_TRY(grow_places(c, q, lt_cuda_place_bytes(value_bytes, scale_bytes), err));
    lt_cuda_streamed *s = calloc(1, sizeof *s);
    if (s == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cuda: %s: no memory", where);
    s->value_bytes = value_bytes;
    s->scale_bytes = scale_bytes;
    s->scales_at = lt_cuda_place_bytes(value_bytes, 0);
    s->place = -1;
    s->before = q->newest;
    if (q->newest != NULL)
        q->newest->next = s;
    q->newest = s;
    *out = s;
    *scratch = q->memory;
    return LT_OK;
}

lt_status lt_cuda_stream_pin(lt_cuda *c, lt_cuda_streamed *s, lt_error *err)
{
    LT_TRY(pin(c, lt_cuda_place_bytes(s->value_bytes, s->scale_bytes), &s->pinned, err));
    s->values = s->pinned;
    s->scales = s->scale_bytes > 0 ? (char *)s->pinned + s->scales_at : NULL;
    return LT_OK;
}

/* Takes it out of the list of all and out of every guess. */
static void forget(lt_cuda_weight_stream *q, const lt_cuda_streamed *s)
{
    if (q->newest == s)
        q->newest = s->before;
    for (lt_cuda_streamed *other = q->newest; other != NULL; other = other->before) {
        if (other->before == s)
            other->before = s->before;
        if (other->next == s)
            other->next = NULL;
    }
}

void lt_cuda_stream_drop(lt_cuda *c, lt_cuda_streamed *s)
{
    lt_cuda_weight_stream *q = c->weight_stream;
    if (s == NULL)
        return;
    (void)cudaStreamSynchronize(q->copies); /* which may read the pinned memory, */
    (void)cudaStreamSynchronize(c->stream); /* and this the place */
    if (s->place >= 0)
        q->place[s->place].holds = NULL;
    q->uses = 0;
    forget(q, s);
    unpin(c, s->pinned, lt_cuda_place_bytes(s->value_bytes, s->scale_bytes));
    free(s);
    if (q->newest == NULL)
        free_places(c, q);
}

/* ---- bringing ---- */

/* Pinned memory with the bytes of `s` in it, for a copy into `p`: its own, or the place's when the
 * copy before is done. */
static lt_status stage(lt_cuda *c, place *p, const lt_cuda_streamed *s, const char **from,
                       lt_error *err)
{
    void *staging = p->staging;
    *from = s->pinned;
    if (s->pinned != NULL)
        return LT_OK;
    if (staging == NULL)
        LT_TRY(pin(c, c->weight_stream->place_bytes, &staging, err));
    p->staging = staging;
    LT_CUDA_TRY(cudaEventSynchronize(p->ready), where, err);
    memcpy(p->staging, s->values, s->value_bytes);
    if (s->scales != NULL)
        memcpy(p->staging + s->scales_at, s->scales, s->scale_bytes);
    *from = p->staging;
    return LT_OK;
}

static bool in_use(const lt_cuda_weight_stream *q, int index)
{
    for (int i = 0; i < q->uses; i++)
        if (q->used[i]->place == index)
            return true;
    return false;
}

/* Queues the copy of `s` into the place whose turn it is, but for those in use. */
static lt_status load(lt_cuda *c, lt_cuda_weight_stream *q, lt_cuda_streamed *s, lt_error *err)
{
    if (q->memory == NULL)
        return lt_cuda_no_memory(c, LT_WEIGHT_PLACES * q->place_bytes, where, err);
    while (in_use(q, q->oldest))
        q->oldest = (q->oldest + 1) % LT_WEIGHT_PLACES;
    place *p = &q->place[q->oldest];
    const char *from;
    if (p->holds != NULL)
        p->holds->place = -1;
    p->holds = NULL;
    LT_TRY(stage(c, p, s, &from, err));
    LT_CUDA_TRY(cudaStreamWaitEvent(q->copies, p->left, 0), where, err);
    LT_CUDA_TRY(cudaMemcpyAsync(p->memory, from, s->value_bytes, cudaMemcpyHostToDevice, q->copies),
                where, err);
    if (s->scales != NULL)
        LT_CUDA_TRY(cudaMemcpyAsync(p->memory + s->scales_at, from + s->scales_at, s->scale_bytes,
                                    cudaMemcpyHostToDevice, q->copies),
                    where, err);
    LT_CUDA_TRY(cudaEventRecord(p->ready, q->copies), where, err);
    p->holds = s;
    s->place = q->oldest;
    q->oldest = (q->oldest + 1) % LT_WEIGHT_PLACES;
    return LT_OK;
}

/* What was in use is read no longer by operations that are queued from now on. */
static lt_status leave(lt_cuda *c, lt_cuda_weight_stream *q, lt_error *err)
{
    const int uses = q->uses;
    q->uses = 0;
    for (int i = 0; i < uses; i++)
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): of `used` that many are set */
        LT_CUDA_TRY(cudaEventRecord(q->place[q->used[i]->place].left, c->stream), where, err);
    return LT_OK;
}

/* They read `s`, behind those that are in use already. */
static lt_status use(lt_cuda *c, lt_cuda_weight_stream *q, lt_cuda_streamed *s, lt_error *err)
{
    if (s->place < 0)
        LT_TRY(load(c, q, s, err));
    q->used[q->uses++] = s;
    return lt_cuda_check(cudaStreamWaitEvent(c->stream, q->place[s->place].ready, 0), where, err);
}

static bool are_in_use(const lt_cuda_weight_stream *q, lt_cuda_streamed *const *s, int count)
{
    bool same = q->uses == count;
    for (int i = 0; i < count && same; i++)
        same = q->used[i] == s[i];
    return same;
}

lt_status lt_cuda_stream_bring(lt_cuda *c, lt_cuda_streamed *const *s, int count, lt_error *err)
{
    lt_cuda_weight_stream *q = c->weight_stream;
    if (!are_in_use(q, s, count)) {
        lt_cuda_streamed *last = q->uses > 0 ? q->used[q->uses - 1] : NULL;
        LT_TRY(leave(c, q, err));
        for (int i = 0; i < count; i++) {
            if (last != NULL)
                last->next = s[i];
            last = s[i];
            LT_TRY(use(c, q, s[i], err));
        }
    }
    lt_cuda_streamed *ahead = s[count - 1]->next;
    for (int i = count; i < LT_WEIGHT_PLACES && ahead != NULL && ahead != s[0]; i++) {
        if (ahead->place < 0)
            LT_TRY(load(c, q, ahead, err));
        ahead = ahead->next;
    }
    return LT_OK;
}

void *lt_cuda_stream_place(const lt_cuda *c, const lt_cuda_streamed *s)
{
    return c->weight_stream->place[s->place].memory;
}
