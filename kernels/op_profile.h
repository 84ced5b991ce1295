/* op_profile.h - totals per operation, kept in backend->profile once lt_profile_start was called
 * (ops.h).
 *
 *     const double begun = lt_op_begin(backend);
 *     ... the operation ...
 *     lt_op_end(backend, LT_OP_LINEAR, begun, bytes, flop);
 *
 * While a profile is on, the device is waited for around every operation; while it is off, both
 * calls cost a test.
 */
#ifndef LT_OP_PROFILE_H
#define LT_OP_PROFILE_H

#include "kernels/backend.h"

typedef enum {
    LT_OP_GATHER,
    LT_OP_LINEAR,
    LT_OP_LINEAR_ADD,
    LT_OP_NORMED_LINEAR,
    LT_OP_GATED_LINEAR,
    LT_OP_ATTENTION,
    LT_OP_CACHED_ATTENTION,
    LT_OP_LAYER_NORM,
    LT_OP_RMS_NORM,
    LT_OP_GROUP_NORM,
    LT_OP_ROPE,
    LT_OP_ACTIVATE,
    LT_OP_AXPBY,
    LT_OP_GATED_ADD,
    LT_OP_CONV,
    LT_OP_UPSAMPLE,
    LT_OP_COPY,
    LT_OP_FILL,
    LT_OP_NORMAL,
    LT_OP_CHOOSE,
    LT_OP_TO_RGB8,
    LT_OP_UPLOAD,
    LT_OP_DOWNLOAD,
    LT_OP_COUNT
} lt_op;

const char *lt_op_name(lt_op op);
double lt_op_begin(lt_backend *b); /* seconds of a steady clock; 0 while no profile is on */
void lt_op_end(lt_backend *b, lt_op op, double begun, double bytes, double flop);

#endif
