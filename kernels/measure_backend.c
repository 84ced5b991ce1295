/* measure_backend.c - a device that counts the memory another one would take, and what that pins of
 * the host's; see backend.h.
 *
 * Blocks come from calloc, so that a large one is address space only.
 */
#include <stdlib.h>
#include <string.h>

#include "kernels/backend.h"

enum { ALIGNMENT = 64 };

typedef struct {
    lt_backend base;
    lt_backend *like;
    void *places;       /* for matrices that come from the host when they are used */
    size_t place_bytes; /* of each */
    int homed;          /* such matrices, */
    int from_file;      /* and those of them that are pinned on their way only, */
    size_t staging;     /* for which every place has as much pinned memory */
} measuring;

/* ---- memory ---- */

static lt_status count_alloc(lt_backend *b, size_t bytes, void **out, lt_error *err)
{
    *out = NULL;
    size_t *block = bytes < SIZE_MAX - 2 * ALIGNMENT ? calloc(1, bytes + 2 * ALIGNMENT) : NULL;
    if (block == NULL)
        return lt_fail(err, LT_ERR_RESOURCES,
                       "measuring: no address space for %zu bytes, %zu in use", bytes,
                       b->memory_in_use);
    char *aligned = (char *)block + ALIGNMENT;
    aligned += ALIGNMENT - (uintptr_t)aligned % ALIGNMENT;
    ((size_t *)(void *)aligned)[-1] = bytes;
    ((size_t *)(void *)aligned)[-2] = (size_t)(aligned - (char *)block);
    b->memory_in_use += bytes;
    if (b->memory_in_use > b->memory_peak)
        b->memory_peak = b->memory_in_use;
    *out = aligned;
    return LT_OK;
}

static void count_release(lt_backend *b, void *memory)
{
    if (memory == NULL)
        return;
    b->memory_in_use -= ((size_t *)memory)[-1];
    free((char *)memory - ((size_t *)memory)[-2]);
}

static lt_status take_nothing(lt_backend *b, void *device, const void *host, size_t bytes,
                              lt_error *err)
{
    (void)b, (void)device, (void)host, (void)bytes, (void)err;
    return LT_OK;
}

static lt_status give_zeros(lt_backend *b, void *host, const void *device, size_t bytes,
                            lt_error *err)
{
    (void)b, (void)device, (void)err;
    memset(host, 0, bytes);
    return LT_OK;
}

static lt_status nothing_pending(lt_backend *b, lt_error *err)
{
    (void)b, (void)err;
    return LT_OK;
}

/* ---- weights ---- */

static size_t prepared_bytes(lt_backend *b, const lt_weight *w)
{
    lt_backend *like = ((measuring *)b)->like;
    return like->table->prepared_bytes(like, w);
}

/* A matrix whose home is the host's, on a device with memory of its own. */
static bool stays_home(const measuring *m, const lt_weight *w)
{
    return lt_comes_from_host(w) && m->like->table->pinned_bytes != NULL;
}

/* Of one such matrix; 0: it is in the mapped file. */
static size_t pinned_bytes(const measuring *m, const lt_weight *w)
{
    return m->like->table->pinned_bytes(m->like, w);
}

static void count_pinned(measuring *m, size_t bytes)
{
    lt_backend *b = &m->base;
    const size_t staging = m->from_file > 0 ? LT_WEIGHT_PLACES * m->place_bytes : 0;
    b->pinned_in_use += bytes + staging - m->staging;
    m->staging = staging;
    if (b->pinned_in_use > b->pinned_peak)
        b->pinned_peak = b->pinned_in_use;
}

static lt_status grow_places(measuring *m, size_t bytes, lt_error *err)
{
    if (bytes <= m->place_bytes)
        return LT_OK;
    count_release(&m->base, m->places);
    m->place_bytes = 0;
    LT_TRY(count_alloc(&m->base, LT_WEIGHT_PLACES * bytes, &m->places, err));
    m->place_bytes = bytes;
    return LT_OK;
}

static lt_status prepare(lt_backend *b, lt_weight *w, lt_error *err)
{
    measuring *m = (measuring *)b;
    const size_t bytes = prepared_bytes(b, w);
    w->packed = NULL;
    if (w->role == LT_ROLE_VECTOR) /* is f32 once prepared */
        w->value.dtype = LT_F32;
    if (!stays_home(m, w))
        return bytes > 0 ? count_alloc(b, bytes, &w->packed, err) : LT_OK;
    const size_t pinned = pinned_bytes(m, w);
    LT_TRY(grow_places(m, bytes, err));
    m->homed++;
    m->from_file += pinned == 0;
    count_pinned(m, pinned);
    return LT_OK;
}

static void leave_home(measuring *m, const lt_weight *w)
{
    const size_t pinned = pinned_bytes(m, w);
    m->from_file -= pinned == 0;
    m->base.pinned_in_use -= pinned;
    if (--m->homed == 0) {
        count_release(&m->base, m->places);
        m->places = NULL;
        m->place_bytes = 0;
    }
    count_pinned(m, 0);
}

static void unprepare(lt_backend *b, lt_weight *w)
{
    if (stays_home((measuring *)b, w))
        leave_home((measuring *)b, w);
    count_release(b, w->packed);
    *w = (lt_weight){.value = lt_none(), .scale = lt_none(), .role = w->role};
}

/* ---- operations: none of them does anything ---- */

static lt_status gather(lt_backend *b, lt_tensor out, const lt_weight *table, lt_tensor ids,
                        lt_error *err)
{
    (void)b, (void)out, (void)table, (void)ids, (void)err;
    return LT_OK;
}

static lt_status linear(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                        const lt_weight *bias, lt_act act, lt_error *err)
{
    (void)b, (void)out, (void)x, (void)w, (void)bias, (void)act, (void)err;
    return LT_OK;
}

static lt_status linear_add(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, lt_tensor room, lt_error *err)
{
    (void)b, (void)out, (void)x, (void)w, (void)bias, (void)room, (void)err;
    return LT_OK;
}

static lt_status normed_linear(lt_backend *b, lt_tensor out, lt_tensor x, const lt_row_norm *norm,
                               const lt_weight *w, lt_tensor room, lt_error *err)
{
    (void)b, (void)out, (void)x, (void)norm, (void)w, (void)room, (void)err;
    return LT_OK;
}

static lt_status gated_linear(lt_backend *b, lt_tensor out, lt_tensor x, const lt_row_norm *norm,
                              const lt_weight *gate, const lt_weight *up, lt_act act,
                              lt_tensor room, lt_error *err)
{
    (void)b, (void)out, (void)x, (void)norm, (void)gate, (void)up, (void)act, (void)room, (void)err;
    return LT_OK;
}

static lt_status cached_attention(lt_backend *b, lt_tensor out, lt_tensor qkv, lt_tensor k,
                                  lt_tensor v, lt_tensor first, lt_tensor cosine, lt_tensor sine,
                                  const lt_attention_args *a, lt_error *err)
{
    (void)b, (void)out, (void)qkv, (void)k, (void)v, (void)first, (void)cosine, (void)sine, (void)a,
        (void)err;
    return LT_OK;
}

static lt_status attention(lt_backend *b, lt_tensor out, lt_tensor q, lt_tensor k, lt_tensor v,
                           const lt_attention_args *a, lt_error *err)
{
    (void)b, (void)out, (void)q, (void)k, (void)v, (void)a, (void)err;
    return LT_OK;
}

static lt_status layer_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, float eps, lt_tensor scale, lt_tensor shift,
                            lt_error *err)
{
    (void)b, (void)out, (void)x, (void)w, (void)bias, (void)eps, (void)scale, (void)shift,
        (void)err;
    return LT_OK;
}

static lt_status rms_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w, float eps,
                          lt_error *err)
{
    (void)b, (void)out, (void)x, (void)w, (void)eps, (void)err;
    return LT_OK;
}

static lt_status group_norm(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                            const lt_weight *bias, const lt_group_norm_args *a, lt_error *err)
{
    (void)b, (void)out, (void)x, (void)w, (void)bias, (void)a, (void)err;
    return LT_OK;
}

static lt_status rope(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor cosine, lt_tensor sine,
                      lt_error *err)
{
    (void)b, (void)out, (void)x, (void)cosine, (void)sine, (void)err;
    return LT_OK;
}

static lt_status activate(lt_backend *b, lt_tensor out, lt_tensor x, lt_act act, lt_error *err)
{
    (void)b, (void)out, (void)x, (void)act, (void)err;
    return LT_OK;
}

static lt_status gated_act(lt_backend *b, lt_tensor out, lt_tensor g, lt_tensor u, lt_act act,
                           lt_error *err)
{
    (void)b, (void)out, (void)g, (void)u, (void)act, (void)err;
    return LT_OK;
}

static lt_status axpby(lt_backend *b, lt_tensor out, float alpha, lt_tensor x, float beta,
                       lt_tensor y, lt_error *err)
{
    (void)b, (void)out, (void)alpha, (void)x, (void)beta, (void)y, (void)err;
    return LT_OK;
}

static lt_status gated_add(lt_backend *b, lt_tensor out, lt_tensor x, lt_tensor gate, lt_tensor y,
                           lt_error *err)
{
    (void)b, (void)out, (void)x, (void)gate, (void)y, (void)err;
    return LT_OK;
}

static lt_status conv(lt_backend *b, lt_tensor out, lt_tensor x, const lt_weight *w,
                      const lt_weight *bias, const lt_conv_args *a, lt_error *err)
{
    (void)b, (void)out, (void)x, (void)w, (void)bias, (void)a, (void)err;
    return LT_OK;
}

static lt_status upsample(lt_backend *b, lt_tensor out, lt_tensor x, int factor, lt_time_rule time,
                          lt_error *err)
{
    (void)b, (void)out, (void)x, (void)factor, (void)time, (void)err;
    return LT_OK;
}

static lt_status copy(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err)
{
    (void)b, (void)out, (void)x, (void)err;
    return LT_OK;
}

static lt_status fill(lt_backend *b, lt_tensor out, float value, lt_error *err)
{
    (void)b, (void)out, (void)value, (void)err;
    return LT_OK;
}

static lt_status normal(lt_backend *b, lt_tensor out, lt_draw draw, uint64_t first, lt_error *err)
{
    (void)b, (void)out, (void)draw, (void)first, (void)err;
    return LT_OK;
}

static lt_status choose(lt_backend *b, lt_tensor out, lt_tensor logits, lt_tensor scratch,
                        const lt_choice *choice, const lt_next_numbers *next, lt_error *err)
{
    (void)b, (void)out, (void)logits, (void)scratch, (void)choice, (void)next, (void)err;
    return LT_OK;
}

static lt_status to_rgb8(lt_backend *b, lt_tensor out, lt_tensor x, lt_error *err)
{
    (void)b, (void)out, (void)x, (void)err;
    return LT_OK;
}

static void close_measuring(lt_backend *b)
{
    free(b->profile);
    free(b);
}

static const lt_backend_table table = {
    .name = "measuring",
    .alloc = count_alloc,
    .release = count_release,
    .upload = take_nothing,
    .download = give_zeros,
    .wait = nothing_pending,
    .prepare = prepare,
    .unprepare = unprepare,
    .prepared_bytes = prepared_bytes,
    .gather = gather,
    .linear = linear,
    .linear_add = linear_add,
    .normed_linear = normed_linear,
    .gated_linear = gated_linear,
    .attention = attention,
    .cached_attention = cached_attention,
    .layer_norm = layer_norm,
    .rms_norm = rms_norm,
    .group_norm = group_norm,
    .rope = rope,
    .activate = activate,
    .gated_act = gated_act,
    .axpby = axpby,
    .gated_add = gated_add,
    .conv = conv,
    .upsample = upsample,
    .copy = copy,
    .fill = fill,
    .normal = normal,
    .choose = choose,
    .to_rgb8 = to_rgb8,
    .close = close_measuring,
};

lt_status lt_measure_open(lt_backend **out, lt_backend *like, lt_error *err)
{
    measuring *m = calloc(1, sizeof *m);
    *out = NULL;
    if (m == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "measuring: out of memory");
    *m = (measuring){.base = {.table = &table, .activation = like->activation, .counts_only = true},
                     .like = like};
    *out = &m->base;
    return LT_OK;
}
