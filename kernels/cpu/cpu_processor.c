/* cpu_processor.c - which kernels this processor can run. */
#include "kernels/cpu/cpu_processor.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

/* Bit `bit` of EAX of leaf 7, sub-leaf 1, or of EDX of sub-leaf 0. */
static bool leaf7(unsigned subleaf, int bit)
{
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (!__get_cpuid_count(7, subleaf, &a, &b, &c, &d))
        return false;
    return ((subleaf == 1 ? a : d) >> bit & 1) != 0;
}

static bool has_avx512vnni(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

/* Every processor with these has the ones before, and those of bf16 and int8 together. */
static bool has_avx512bf16(void)
{
    return has_avx512vnni() && leaf7(1, 5);
}

/* Tile registers must be asked for, once per process: Linux saves 8 KB more
 * for each thread that uses them. */
static bool has_amx(void)
{
    enum {
        AMX_BF16_BIT = 22,
        AMX_TILE_BIT = 24,
        AMX_INT8_BIT = 25,
        REQUEST_PERMISSION = 0x1023,
        TILE_DATA = 18
    };
    return has_avx512bf16() && leaf7(0, AMX_BF16_BIT) && leaf7(0, AMX_TILE_BIT) &&
           leaf7(0, AMX_INT8_BIT) && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

const lt_cpu_level lt_cpu_levels[] = {
    {"amx", &lt_avx512_kernels, &lt_amx_kernels, &lt_amx_int8, &lt_amx_int8, &lt_avx512vnni_rows},
    /* only AMD's come here: is_slow */
    {"avx512bf16", &lt_avx512_kernels, &lt_avx512bf16_kernels, &lt_avx512vnni_int8,
     &lt_avx512vnni_int8, &lt_avx512vnni_far_rows},
    {"avx512vnni", &lt_avx512_kernels, &lt_int16_kernels, &lt_avx512vnni_int8, &lt_avx512vnni_int8,
     &lt_avx512vnni_rows},
    {"avx512", LT_OWN_KERNELS(lt_avx512_kernels)},
    {"avx2", LT_OWN_KERNELS(lt_avx2_kernels)},
    {"generic", LT_OWN_KERNELS(lt_generic_kernels)},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

bool lt_processor_runs(const lt_cpu_level *level)
{
    __builtin_cpu_init();
    if (level->narrow == &lt_amx_kernels)
        return has_amx();
    if (level->narrow == &lt_avx512bf16_kernels)
        return has_avx512bf16();
    if (level->int8 == &lt_avx512vnni_int8)
        return has_avx512vnni();
    if (level->kernels == &lt_avx512_kernels)
        return has_avx512();
    return level->kernels == &lt_generic_kernels || has_avx2();
}

#elif defined(__aarch64__)

#include <sys/auxv.h>

static bool has_dotprod(void)
{
    const unsigned long bit = 1ul << 20; /* HWCAP_ASIMDDP of Linux */
    return (getauxval(AT_HWCAP) & bit) != 0;
}

const lt_cpu_level lt_cpu_levels[] = {
    {"dotprod", &lt_neon_kernels, NULL, &lt_dotprod_int8, &lt_dotprod_int8, &lt_dotprod_rows},
    {"neon", LT_OWN_KERNELS(lt_neon_kernels)},
    {"generic", LT_OWN_KERNELS(lt_generic_kernels)},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

bool lt_processor_runs(const lt_cpu_level *level)
{
    return level->few != &lt_dotprod_rows || has_dotprod(); /* all have NEON */
}

#else

const lt_cpu_level lt_cpu_levels[] = {
    {"generic", LT_OWN_KERNELS(lt_generic_kernels)},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

bool lt_processor_runs(const lt_cpu_level *level)
{
    return level->kernels == &lt_generic_kernels;
}

#endif

/* Intel's processors begin a product of bf16 every second cycle, of pairs of 16 bits two in each:
 * 89, 178 (f32) and 383 GFLOP/s on a core of an Emerald Rapids at 2.9 GHz. Others do as many of
 * both. */
static bool is_slow(const lt_cpu_level *level)
{
#if defined(__x86_64__)
    return level->narrow == &lt_avx512bf16_kernels && __builtin_cpu_is("intel");
#else
    (void)level;
    return false;
#endif
}

const lt_cpu_level *lt_level_of_processor(void)
{
    const lt_cpu_level *level = lt_cpu_levels;
    while (!lt_processor_runs(level) || is_slow(level))
        level++;
    return level;
}
