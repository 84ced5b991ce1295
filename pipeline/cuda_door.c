/* cuda_door.c - the only file outside kernels/cuda that knows whether
 * it was built; see cuda_door.h. */
#include "pipeline/cuda_door.h"

#include <stdio.h>

#include "pipeline/device_choice.h"

static lt_json *new_entry(const char *device, bool usable)
{
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "device", lt_json_new_string(device));
    lt_json_set(o, "usable", lt_json_new_bool(usable));
    return o;
}

static void append_refusal(lt_json *list, const char *device, const char *built, const char *reason)
{
    lt_json *o = new_entry(device, false);
    if (built != NULL)
        lt_json_set(o, "built", lt_json_new_string(built));
    lt_json_set(o, "reason", lt_json_new_string(reason));
    lt_json_append(list, o);
}

#ifdef LONGTAKE_HAS_CUDA

lt_status take_open_cuda(lt_backend **out, int device, lt_dtype activation, lt_error *err)
{
    return lt_cuda_open(out, device, activation, err);
}

static void describe(lt_json *list, int device)
{
    lt_error err = {0};
    lt_cuda_facts facts = {0};
    lt_backend *b = NULL;
    char name[32];
    char capability[16];
    (void)snprintf(name, sizeof name, "cuda:%d", device);
    if (lt_cuda_look(device, &facts, &err) != LT_OK ||
        lt_cuda_open(&b, device, LT_NO_DTYPE, &err) != LT_OK) {
        append_refusal(list, name, lt_cuda_built(), err.message);
        return;
    }
    (void)snprintf(capability, sizeof capability, "%d.%d", facts.capability / 10,
                   facts.capability % 10);
    lt_json *o = new_entry(name, true);
    lt_json_set(o, "precision", lt_json_new_string(lt_dtype_name(b->activation)));
    lt_json_set(o, "precisions", take_precisions_of(b));
    lt_json_set(o, "built", lt_json_new_string(lt_cuda_built()));
    lt_json_set(o, "name", lt_json_new_string(facts.name));
    lt_json_set(o, "capability", lt_json_new_string(capability));
    lt_json_set(o, "memory_bytes", lt_json_new_int((int64_t)facts.memory_bytes));
    lt_json_append(list, o);
    b->table->close(b);
}

void take_describe_cuda(lt_json *list)
{
    lt_error err = {0};
    int devices;
    if (lt_cuda_count(&devices, &err) != LT_OK)
        append_refusal(list, "cuda", lt_cuda_built(), err.message);
    else
        for (int i = 0; i < devices; i++)
            describe(list, i);
}

#else

static const char no_cuda[] = "this build contains no CUDA";

lt_status take_open_cuda(lt_backend **out, int device, lt_dtype activation, lt_error *err)
{
    (void)device;
    (void)activation;
    *out = NULL;
    return lt_fail(err, LT_ERR_DEVICE, "%s", no_cuda);
}

void take_describe_cuda(lt_json *list)
{
    append_refusal(list, "cuda", NULL, no_cuda);
}

#endif
