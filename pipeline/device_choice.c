/* device_choice.c - see device_choice.h. */
#include "pipeline/device_choice.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/cuda_door.h"

/* The number of "cuda" (0) or "cuda:N"; -1: something else. */
static int cuda_index(const char *device)
{
    enum { MOST = 1000 };
    if (strcmp(device, "cuda") == 0)
        return 0;
    if (strncmp(device, "cuda:", 5) != 0 || device[5] == '\0' ||
        device[5 + strspn(device + 5, "0123456789")] != '\0')
        return -1;
    const long index = strtol(device + 5, NULL, 10);
    return index < MOST ? (int)index : MOST;
}

static lt_status open_cuda(lt_backend **out, const char *device, lt_dtype activation, lt_error *err)
{
    lt_error found = {0};
    const lt_status s = take_open_cuda(out, cuda_index(device), activation, &found);
    return s == LT_OK ? LT_OK
                      : lt_fail(err, s, "--device: found \"%s\": %s", device, found.message);
}

/* What --precision asks for: of activations (LT_NO_DTYPE: as the device likes), and of products
 * inside layers. */
typedef struct {
    const char *name;
    lt_dtype activation;
    lt_rounding rounding;
} precision;

static const precision precisions[] = {
    {"auto", LT_NO_DTYPE, LT_ROUND_NONE}, {"f32", LT_F32, LT_ROUND_NONE},
    {"bf16", LT_BF16, LT_ROUND_NONE},     {"fp8", LT_BF16, LT_ROUND_E4M3},
    {"int8", LT_NO_DTYPE, LT_ROUND_INT8},
};

static lt_status find_precision(const char *name, const precision **out, lt_error *err)
{
    for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++)
        if (strcmp(precisions[i].name, name) == 0) {
            *out = &precisions[i];
            return LT_OK;
        }
    return lt_fail(err, LT_ERR_USAGE,
                   "--precision: found \"%s\", expected auto, f32, bf16, fp8 or int8", name);
}

/* The kinds of 8 bits belong to one kind of device each. */
static lt_status refuse(const precision *p, const char *device, const char *expected, lt_error *err)
{
    return lt_fail(err, LT_ERR_USAGE, "--precision: found %s, expected %s on the %s device",
                   p->name, expected, device);
}

/* "auto" is the processor: CUDA has been proven on one kind of card, and there mini's first 24
 * frames took 8 s beside other programs where the processor took 4 s. CUDA is used where it is
 * asked for. */
static lt_status open_backend(const longtake_options *o, const precision *p, lt_backend **out,
                              lt_error *err)
{
    const char *device = o->device ? o->device : "auto";
    if (strcmp(device, "reference") == 0) {
        if (p->activation == LT_BF16 || p->rounding != LT_ROUND_NONE)
            return refuse(p, "reference", "auto or f32", err);
        return lt_reference_open(out, o->threads, err);
    }
    if (strcmp(device, "cpu") == 0 || strcmp(device, "auto") == 0) {
        if (p->rounding == LT_ROUND_E4M3)
            return refuse(p, "cpu", "auto, f32, bf16 or int8", err);
        return lt_cpu_open(out, o->threads, p->activation, err);
    }
    if (cuda_index(device) >= 0) {
        if (p->rounding == LT_ROUND_INT8)
            return refuse(p, "cuda", "auto, f32, bf16 or fp8", err);
        return open_cuda(out, device, p->activation, err);
    }
    return lt_fail(err, LT_ERR_USAGE,
                   "--device: found \"%s\", expected auto, cpu, cuda[:N] or reference", device);
}

/* A device of the right kind may still be too old. */
static lt_status check_rounding(const longtake *e, lt_error *err)
{
    if (e->rounding == LT_ROUND_NONE || e->rounding == e->backend->rounds_to)
        return LT_OK;
    return lt_fail(err, LT_ERR_DEVICE,
                   "--precision: found %s, the %s device here has no such products",
                   take_engine_precision(e), e->backend->table->name);
}

lt_status take_device_open(const longtake_options *o, longtake *e, lt_error *err)
{
    const precision *p = NULL;
    LT_TRY(find_precision(o->precision ? o->precision : "auto", &p, err));
    LT_TRY(open_backend(o, p, &e->backend, err));
    e->rounding = p->rounding;
    e->chose_precision = o->precision && strcmp(o->precision, "auto") != 0;
    return check_rounding(e, err);
}

const char *take_engine_precision(const longtake *e)
{
    for (size_t i = 0; i < sizeof precisions / sizeof *precisions && e->rounding != LT_ROUND_NONE;
         i++)
        if (precisions[i].rounding == e->rounding)
            return precisions[i].name;
    return lt_dtype_name(e->backend->activation);
}

lt_json *take_precisions_of(const lt_backend *b)
{
    const bool f32_only = strcmp(b->table->name, "reference") == 0;
    lt_json *list = lt_json_new_array();
    for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++)
        if ((precisions[i].rounding == LT_ROUND_NONE || precisions[i].rounding == b->rounds_to) &&
            !(f32_only && precisions[i].activation == LT_BF16))
            lt_json_append(list, lt_json_new_string(precisions[i].name));
    return list;
}
