/* synthetic_weights.c - see synthetic_weights.h. */
#include "weights/synthetic_weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/core/huge_pages.h"
#include "kernels/core/suffix.h"

typedef struct made_tensor {
    struct made_tensor *next;
    lt_entry entry;
    char *name;
    void *data;
} made_tensor;

struct lt_synthesis {
    lt_dtype dtype;
    uint64_t seed;
    bool hollow; /* sizes only: all zeros, untouched */
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

/* A matrix keeps the size of what it multiplies: variance 1 / fan-in. Weights of norms lie around
 * 1, biases around 0. */
static void fill(lt_tensor t, const char *name, uint64_t seed)
{
    const int64_t n = lt_numel(&t);
    const int64_t fan_in = n / t.dim[0];
    const float middle = t.rank == 1 && lt_has_suffix(name, "weight") ? 1.0f : 0.0f;
    const float spread = t.rank == 1 ? 0.1f : (float)sqrt(3.0 / (double)fan_in);
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

/* A tensor of the table, its memory not filled; NULL when there is none. */
static made_tensor *make(lt_synthesis *s, const char *name, lt_dtype dtype, lt_shape shape)
{
    made_tensor *const t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    const lt_tensor value = lt_view(NULL, dtype, shape);
    t->name = strdup(name);
    t->data = s->hollow ? calloc(1, lt_tensor_bytes(&value))
                        : lt_huge_pages(lt_tensor_bytes(&value)); /* as files are mapped */
    if (!t->name || !t->data) {
        free_made(t);
        return NULL;
    }
    t->entry = (lt_entry){.name = t->name, .tensor = lt_view(t->data, dtype, shape)};
    t->next = s->made;
    s->made = t;
    return t;
}

/* Any bytes are codes of blocks; one scale for all keeps the size of what is multiplied. */
static const lt_entry *make_blocks(lt_synthesis *s, const char *name, lt_shape shape)
{
    char scale_name[LT_MAX_NAME_BYTES + 8];
    snprintf(scale_name, sizeof scale_name, "%s_scale", name);
    const int64_t out = shape.dim[0];
    const int64_t in = shape.dim[1];
    const bool q4 = s->dtype == LT_Q4;
    made_tensor *const codes = make(s, name, q4 ? LT_U8 : LT_I8, lt_shape2(out, q4 ? in / 2 : in));
    made_tensor *const scale =
        codes ? make(s, scale_name, LT_F16, lt_shape2(out, in / LT_BLOCK)) : NULL;
    if (!scale)
        return NULL;
    const double largest = q4 ? 8 : 128;
    const uint16_t factor = lt_f32_to_f16((float)(sqrt(3.0 / (double)in) / largest));
    uint16_t *const scales = scale->data;
    for (int64_t i = 0; !s->hollow && i < lt_numel(&scale->entry.tensor); i++)
        scales[i] = factor;
    uint64_t state = s->seed ^ lt_hash_bytes(name, strlen(name)).low;
    uint8_t *const bytes = codes->data;
    for (int64_t i = 0; !s->hollow && i < lt_numel(&codes->entry.tensor); i++)
        bytes[i] = (uint8_t)(next_word(&state) >> 56);
    return &codes->entry;
}

const lt_entry *lt_synthetic_entry(lt_weights *w, const char *name, lt_role role, lt_shape shape)
{
    lt_synthesis *const s = w->synthesis;
    const bool blocks = s->dtype == LT_Q8 || s->dtype == LT_Q4;
    if (blocks && role == LT_ROLE_MATRIX && shape.rank == 2 && shape.dim[1] % LT_BLOCK == 0)
        return make_blocks(s, name, shape);
    made_tensor *const t = make(s, name, blocks ? LT_BF16 : s->dtype, shape);
    if (t && !s->hollow)
        fill(t->entry.tensor, name, s->seed);
    return t ? &t->entry : NULL;
}
