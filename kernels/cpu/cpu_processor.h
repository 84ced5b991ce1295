/* cpu_processor.h - which kernels this processor can run. */
#ifndef LT_CPU_PROCESSOR_H
#define LT_CPU_PROCESSOR_H

#include "kernels/cpu/cpu_backend.h"

typedef struct {
    const char *name;
    const lt_cpu_kernels *kernels;
    const lt_narrow_kernels *narrow; /* or NULL */
    const lt_product *int8;
    const lt_product *int4; /* of q4 */
    const lt_few_rows *few;
} lt_cpu_level;

/* Of a level, behind its name: one instruction set's kernels and nothing besides. */
#define LT_OWN_KERNELS(set) &(set), NULL, &(set).int8, &(set).int4, &(set).few

/* The best first; the last runs anywhere. `name` is NULL at the end. */
extern const lt_cpu_level lt_cpu_levels[];

bool lt_processor_runs(const lt_cpu_level *level);
/* The best that the processor runs; never NULL. */
const lt_cpu_level *lt_level_of_processor(void);
/* The backend computes with the kernels of `level` from now on. */
void lt_cpu_use(lt_cpu *cpu, const lt_cpu_level *level);

#endif
