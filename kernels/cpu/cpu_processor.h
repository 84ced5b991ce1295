/* cpu_processor.h - which kernels this processor can run. */
#ifndef LT_CPU_PROCESSOR_H
#define LT_CPU_PROCESSOR_H

#include "kernels/cpu/cpu_kernels.h"

/* The best; never NULL. */
const lt_cpu_kernels *lt_kernels_of_processor(void);

#endif
