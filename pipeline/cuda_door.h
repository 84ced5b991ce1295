/* cuda_door.h - the CUDA backend, or the answer that this build has none. */
#ifndef TAKE_CUDA_DOOR_H
#define TAKE_CUDA_DOOR_H

#include "kernels/backend.h"
#include "kernels/core/json.h"

/* Opens a device in a build with CUDA; else LT_ERR_DEVICE. */
lt_status take_open_cuda(lt_backend **out, int device, lt_dtype activation, lt_error *err);
/* One entry per device for the list of devices: what was built and found, or one that says why
 * there is none. */
void take_describe_cuda(lt_json *list);

#endif
