/* device_choice.h - what `--device` and `--precision` ask for, and the backend that is opened for
 * it. */
#ifndef TAKE_DEVICE_CHOICE_H
#define TAKE_DEVICE_CHOICE_H

#include "kernels/core/json.h"
#include "pipeline/engine.h"

/* Opens the engine's backend. LT_ERR_USAGE for words that are none, or that do not go together;
 * LT_ERR_DEVICE where there is no such device, or it has no such products. */
lt_status take_device_open(const longtake_options *o, longtake *e, lt_error *err);

/* What `--precision` would say of the arithmetic: "f32" "bf16" "fp8" "int8". */
const char *take_engine_precision(const longtake *e);
/* What `--precision` takes on a device: a list of names. */
lt_json *take_precisions_of(const lt_backend *b);

#endif
