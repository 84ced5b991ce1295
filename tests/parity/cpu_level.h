/* cpu_level.h - the CPU backend with the kernels of a level of cpu_processor.h that is named, in
 * the place of the best. */
#ifndef CPU_LEVEL_H
#define CPU_LEVEL_H

#include <string.h>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/cpu_processor.h"

/* LT_ERR_DEVICE where the processor does not run them, or there is no such level. */
static inline lt_status open_cpu_level(lt_backend **out, const char *name, int threads,
                                       lt_dtype activation, lt_error *err)
{
    *out = NULL;
    const lt_cpu_level *level = lt_cpu_levels;
    while (level->name != NULL && strcmp(level->name, name) != 0)
        level++;
    if (level->name == NULL)
        return lt_fail(err, LT_ERR_DEVICE, "built without %s", name);
    if (!lt_processor_runs(level))
        return lt_fail(err, LT_ERR_DEVICE, "the processor does not run %s", name);
    LT_TRY(lt_cpu_open(out, threads, activation, err));
    lt_cpu_use(lt_cpu_of(*out), level);
    return LT_OK;
}

#endif
