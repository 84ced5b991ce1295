/* synthetic_weights.c - see synthetic_weights.h. */
#include "weights/synthetic_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct made_tensor {
    struct made_tensor *next;
    lt_entry entry;
    char *name;
    void *data;
} made_tensor;

struct lt_synthesis {
    lt_dtype dtype;
    uint64_t seed;
    bool hollow;       /* sizes only: all zeros, untouched */
    made_tensor *made;
};

static lt_status open_synthesis(lt_synthesis how, lt_weights **out, lt_error *err)
{
    LT_TRY(lt_table_new("synthetic weights", out, err));
    (*out)->synthesis = calloc(1, sizeof *(*out)->synthesis);
    if (!(*out)->synthesis) {
        lt_weights_close(*out);
        *out = NULL;
        return lt_fail(err, LT_ERR_RESOURCES, "synthetic weights: no memory");
    }
    *(*out)->synthesis = how;
    return LT_OK;
}

lt_status lt_weights_synthetic(lt_dtype dtype, uint64_t seed, lt_weights **out, lt_error *err)
{
    return open_synthesis((lt_synthesis){.dtype = dtype, .seed = seed}, out, err);
}

lt_status lt_weights_hollow(lt_dtype dtype, lt_weights **out, lt_error *err)
{
    return open_synthesis((lt_synthesis){.dtype = dtype, .hollow = true}, out, err);
}

const lt_entry *lt_synthetic_find(const lt_synthesis *s, const char *name)
{
    for (const made_tensor *t = s->made; t; t = t->next)
        if (strcmp(t->name, name) == 0)
            return &t->entry;
    return NULL;
}

size_t lt_synthetic_bytes(const lt_synthesis *s)
{
    size_t bytes = 0;
    for (const made_tensor *t = s->made; t; t = t->next)
        bytes += lt_tensor_bytes(&t->entry.tensor);
    return bytes;
}

static void free_made(made_tensor *t)
{
    free(t->name);
    free(t->data);
    free(t);
}

void lt_synthesis_close(lt_synthesis *s)
{
    if (!s)
        return;
    while (s->made) {
        made_tensor *const next = s->made->next;
        free_made(s->made);
        s->made = next;
    }
    free(s);
}

/* SplitMix64: quick, and good enough where only the size of a number matters. */
static uint64_t next_word(uint64_t *state)
{
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static bool ends_with(const char *text, const char *end)
{
    const size_t bytes = strlen(text);
    return bytes >= strlen(end) && strcmp(text + bytes - strlen(end), end) == 0;
}

/* A matrix keeps the size of what it multiplies: variance 1 / fan-in. Weights of norms lie around 1, biases around 0. */
static void fill(lt_tensor t, const char *name, uint64_t seed)
{
    const int64_t n = lt_numel(&t);
    const double fan_in = (double)(n / t.dim[0]);
    const float middle = t.rank == 1 && ends_with(name, "weight") ? 1.0f : 0.0f;
    const float spread = t.rank == 1 ? 0.1f : (float)sqrt(3.0 / fan_in);
    uint64_t state = seed ^ lt_hash_bytes(name, strlen(name)).low;
    for (int64_t i = 0; i < n; i++) {
        const float uniform = (float)(next_word(&state) >> 40) * 0x1p-23f - 1.0f; /* [-1, 1) */
        const float value = middle + spread * uniform;
        if (t.dtype == LT_BF16)
            ((uint16_t *)t.data)[i] = lt_f32_to_bf16(value);
        else
            ((float *)t.data)[i] = value;
    }
}

const lt_entry *lt_synthetic_entry(lt_weights *w, const char *name, lt_shape shape)
{
    lt_synthesis *const s = w->synthesis;
    made_tensor *const t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    const lt_tensor value = lt_view(NULL, s->dtype, shape);
    t->name = strdup(name);
    t->data = s->hollow ? calloc(1, lt_tensor_bytes(&value)) : aligned_alloc(64, (lt_tensor_bytes(&value) + 63) / 64 * 64);
    if (!t->name || !t->data) {
        free_made(t);
        return NULL;
    }
    t->entry = (lt_entry){.name = t->name, .tensor = lt_view(t->data, s->dtype, shape)};
    if (!s->hollow)
        fill(t->entry.tensor, name, s->seed);
    t->next = s->made;
    s->made = t;
    return &t->entry;
}
