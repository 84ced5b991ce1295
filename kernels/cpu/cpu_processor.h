/* cpu_processor.h - which kernels this processor can run. */
#ifndef LT_CPU_PROCESSOR_H
#define LT_CPU_PROCESSOR_H

#include "kernels/cpu/cpu_kernels.h"

/* Every table, the best first; the last runs anywhere. NULL at the end. */
extern const lt_cpu_kernels *const lt_all_kernels[];

bool lt_processor_runs(const lt_cpu_kernels *kernels);
/* The best that the processor runs; never NULL. */
const lt_cpu_kernels *lt_kernels_of_processor(void);

#endif
