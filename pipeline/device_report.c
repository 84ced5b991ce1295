/* device_report.c - what could run here, and what this build contains. */
#include "kernels/backend.h"
#include "pipeline/cuda_door.h"
#include "pipeline/device_choice.h"

typedef struct {
    const char *name;
    lt_status (*open)(lt_backend **out, lt_error *err);
} device_door;

static lt_status open_cpu(lt_backend **out, lt_error *err)
{
    return lt_cpu_open(out, 0, LT_NO_DTYPE, err);
}

static lt_status open_reference(lt_backend **out, lt_error *err)
{
    return lt_reference_open(out, 0, err);
}

static lt_json *describe(const device_door *door)
{
    lt_error err = {0};
    lt_backend *b = NULL;
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "device", lt_json_new_string(door->name));
    const lt_status s = door->open(&b, &err);
    lt_json_set(o, "usable", lt_json_new_bool(s == LT_OK));
    if (s == LT_OK) {
        lt_json_set(o, "precision", lt_json_new_string(lt_dtype_name(b->activation)));
        lt_json_set(o, "precisions", take_precisions_of(b));
        b->table->close(b);
    } else {
        lt_json_set(o, "reason", lt_json_new_string(err.message));
    }
    return o;
}

longtake_status longtake_devices(char **json, longtake_error *error)
{
    static const device_door doors[] = {{"cpu", open_cpu}, {"reference", open_reference}};
    lt_error err = {0};
    lt_json *list = lt_json_new_array();
    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++)
        lt_json_append(list, describe(&doors[i]));
    take_describe_cuda(list);
    lt_json *o = lt_json_new_object();
    lt_json_set(o, "version", lt_json_new_string(LONGTAKE_VERSION));
    lt_json_set(o, "devices", list);
    *json = lt_json_text(o);
    lt_json_free(o);
    return take_give_error(
        *json ? LT_OK : lt_fail(&err, LT_ERR_RESOURCES, "devices: out of memory"), &err, error);
}
