/* cpu_backend.c - opening the CPU: threads, scratch, and the instruction
 * set, all chosen at run time. */
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/cpu_processor.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/core/huge_pages.h"

enum { ALIGN = 64 };

/* ---- memory ---- */

/* A header of one cache line keeps the size in front of every block. */
lt_status lt_cpu_alloc(lt_backend *b, size_t bytes, void **out, lt_error *err)
{
    *out = NULL;
    if (bytes > SIZE_MAX - 2 * ALIGN)
        return lt_fail(err, LT_ERR_RESOURCES, "cpu: %zu bytes asked for", bytes);
    const size_t whole = (bytes + ALIGN - 1) / ALIGN * ALIGN + ALIGN;
    char *block = lt_huge_pages(whole);
    if (block == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cpu: no memory for %zu bytes (%zu in use)", bytes,
                       b->memory_in_use);
    memcpy(block, &whole, sizeof whole);
    b->memory_in_use += whole;
    if (b->memory_in_use > b->memory_peak)
        b->memory_peak = b->memory_in_use;
    *out = block + ALIGN;
    /* cppcheck-suppress memleak ; lt_cpu_release finds the block before what it is given */
    return LT_OK;
}

void lt_cpu_release(lt_backend *b, void *memory)
{
    if (memory == NULL)
        return;
    char *block = (char *)memory - ALIGN;
    size_t whole;
    memcpy(&whole, block, sizeof whole);
    b->memory_in_use -= whole;
    free(block);
}

static lt_status copy_in(lt_backend *b, void *device, const void *host, size_t bytes, lt_error *err)
{
    (void)b;
    (void)err;
    memcpy(device, host, bytes);
    return LT_OK;
}

static lt_status nothing_pending(lt_backend *b, lt_error *err)
{
    (void)b;
    (void)err;
    return LT_OK;
}

/* ---- the table ---- */

static void cpu_close(lt_backend *b)
{
    lt_cpu *cpu = lt_cpu_of(b);
    lt_pool_close(cpu->base.pool);
    free(cpu->base.profile);
    free(cpu->scratch);
    free(cpu);
}

static const lt_backend_table cpu_table = {
    .name = "cpu",
    .alloc = lt_cpu_alloc,
    .release = lt_cpu_release,
    .upload = copy_in,
    .download = copy_in,
    .wait = nothing_pending,
    .prepare = lt_cpu_prepare,
    .unprepare = lt_cpu_unprepare,
    .prepared_bytes = lt_cpu_prepared_bytes,
    .gather = lt_cpu_gather,
    .linear = lt_cpu_linear,
    .linear_add = lt_linear_add_in_steps,
    .normed_linear = lt_normed_linear_in_steps,
    .gated_linear = lt_gated_linear_in_steps,
    .attention = lt_cpu_attention,
    .cached_attention = lt_cached_attention_in_steps,
    .layer_norm = lt_cpu_layer_norm,
    .rms_norm = lt_cpu_rms_norm,
    .group_norm = lt_cpu_group_norm,
    .rope = lt_cpu_rope,
    .activate = lt_cpu_activate,
    .gated_act = lt_cpu_gated_act,
    .axpby = lt_cpu_axpby,
    .gated_add = lt_cpu_gated_add,
    .conv = lt_cpu_conv,
    .upsample = lt_cpu_upsample,
    .copy = lt_cpu_copy,
    .fill = lt_cpu_fill,
    .normal = lt_cpu_normal,
    .choose = lt_choose_on_host,
    .to_rgb8 = lt_cpu_to_rgb8,
    .close = cpu_close,
};

void lt_cpu_use(lt_cpu *cpu, const lt_cpu_level *level)
{
    cpu->kernels = level->kernels;
    cpu->narrow = level->narrow;
    cpu->int8 = level->int8;
    cpu->int4 = level->int4;
    cpu->few = level->few;
    cpu->base.bf16_rounds_to = level->narrow == NULL ? LT_ROUND_NONE : level->narrow->rounding;
}

lt_status lt_cpu_open(lt_backend **out, int threads, lt_dtype activation, lt_error *err)
{
    *out = NULL;
    if (activation != LT_NO_DTYPE && activation != LT_F32 && activation != LT_BF16)
        return lt_fail(err, LT_ERR_USAGE, "cpu: activations in %s asked for, expected f32 or bf16",
                       lt_dtype_name(activation));
    lt_cpu *cpu = calloc(1, sizeof *cpu);
    if (cpu == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "cpu: no memory for the backend");
    cpu->base.table = &cpu_table;
    cpu->base.rounds_to = LT_ROUND_INT8;
    lt_cpu_use(cpu, lt_level_of_processor());
    cpu->base.activation = activation != LT_NO_DTYPE ? activation
                           : cpu->narrow != NULL     ? LT_BF16
                                                     : LT_F32;
    lt_status s = lt_pool_open(&cpu->base.pool, threads, err);
    if (s == LT_OK) {
        const size_t workers = (size_t)lt_pool_threads(cpu->base.pool);
        cpu->rounded_bytes = workers * LT_ROUNDED_SCRATCH;
        const size_t bytes = LT_SHARED_SCRATCH + workers * LT_WORKER_SCRATCH + cpu->rounded_bytes;
        /* in small pages: most of it is never touched, and would count as memory in use */
        cpu->scratch = aligned_alloc(ALIGN, bytes);
        if (cpu->scratch == NULL)
            s = lt_fail(err, LT_ERR_RESOURCES, "cpu: no memory for %zu bytes of scratch", bytes);
    }
    if (s != LT_OK) {
        cpu_close(&cpu->base);
        return s;
    }
    *out = &cpu->base;
    return LT_OK;
}
