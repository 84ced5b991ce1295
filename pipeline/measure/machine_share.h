/* machine_share.h - how much of what this machine can do some work has used, and where the rest of
 * its time went.
 *
 * An operation needs at least the time of its FLOP at the machine's matrix rate, or of its bytes at
 * its read rate, whichever is more. Operands that lie in the caches, and convolutions that save
 * multiplications, need less: they count as being at their best. So the share and the parts of the
 * rest sum to 1.
 */
#ifndef TAKE_MACHINE_SHARE_H
#define TAKE_MACHINE_SHARE_H

#include "kernels/core/json.h"
#include "kernels/op_profile.h"
#include "kernels/ops.h"

/* What the machine does in a second. */
typedef struct {
    double flop;
    double bytes;
} take_rates;

/* One large matrix product, and one pass over a large matrix; nothing of it is counted in the
 * backend's profile. */
lt_status take_measure_rates(lt_backend *backend, take_rates *out, lt_error *err);

/* Seconds that it would take at best. */
double take_least_seconds(const lt_op_total *t, const take_rates *rates);

/* Parts of the whole time. */
typedef struct {
    double seconds;           /* the whole */
    double best;              /* what the machine would have needed */
    double rest[LT_OP_COUNT]; /* of each operation, above its best */
    double outside;           /* of operations: opening, files, drawing, video */
} take_share;

/* total [LT_OP_COUNT]. `seconds` is the whole time; where it is less than that
 * of the operations, theirs is. */
take_share take_share_of(const lt_op_total *total, double seconds, const take_rates *rates);
/* Sets "share_of_machine", and "rest" with what is above a thousandth. */
void take_share_to_json(const take_share *s, lt_json *o);

#endif
