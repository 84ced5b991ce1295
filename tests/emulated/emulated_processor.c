/* emulated_processor.c - the place of kernels/cpu/cpu_processor.c in a test whose processor has the
 * instructions of emulated_instructions.h, AMX's being its best. What is linked with it computes
 * with the kernels that were compiled for those; what they leave to other files is done by the
 * generic ones. */
#include "kernels/cpu/cpu_processor.h"

const lt_cpu_level lt_cpu_levels[] = {
    {"amx", &lt_generic_kernels, &lt_amx_kernels, &lt_amx_int8, &lt_amx_int8,
     &lt_generic_kernels.few},
    {"avx512bf16", &lt_generic_kernels, &lt_avx512bf16_kernels, &lt_avx512vnni_int8,
     &lt_avx512vnni_int8, &lt_generic_kernels.few},
    {"avx512vnni", &lt_generic_kernels, &lt_int16_kernels, &lt_avx512vnni_int8, &lt_avx512vnni_int8,
     &lt_generic_kernels.few},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

bool lt_processor_runs(const lt_cpu_level *level)
{
    (void)level;
    return true;
}

const lt_cpu_level *lt_level_of_processor(void)
{
    return lt_cpu_levels;
}
