/* op_answer.h - wanted values of a case and the bounds beside them.
 *
 * Inputs and weights are bf16 numbers, so no dtype rounds them and only the operation's own
 * arithmetic is judged. Bounds are derived: u = 2^-24 is the unit roundoff of f32, in which
 * everything may be accumulated, r that of the result's dtype.
 *   - rounding the result once costs r |want|;
 *   - a sum of k products in any order costs (k + 1) u times the sum of their magnitudes;
 *   - a sum that is taken in at least eight lanes costs (k / 8 + 8) u;
 *   - an activation, whose slope is below 1.13, carries its input's error on and may be a
 *     polynomial: 16 u |input|.
 */
#ifndef OP_ANSWER_H
#define OP_ANSWER_H

#include <math.h>
#include <stdlib.h>

#include "op_check.h"
#include "tests/support/exact_activation.h"

static const double u = 0x1p-24;
static const double act_slope = 1.13;
static const double act_error = 16 * 0x1p-24;

/* Wanted values and bounds of one output; exits when memory is out, which no case is about. */
typedef struct {
    double *want;
    double *bound;
} answer;

static inline answer new_answer(const op_operand *out)
{
    const size_t count = (size_t)lt_numel(&out->view);
    const answer a = {calloc(count, sizeof(double)), calloc(count, sizeof(double))};
    if (a.want == NULL || a.bound == NULL)
        exit(1);
    return a;
}

static inline void judge(op_check *t, op_operand *out, answer a)
{
    op_compare(t, out, a.want, a.bound);
    free(a.want);
    free(a.bound);
}

/* Sets element i to exact_activation(x), where x is known within `error`. */
static inline void set_activated(const op_operand *out, answer a, int64_t i, double x, double error,
                                 lt_act kind)
{
    a.want[i] = exact_activation(x, kind);
    a.bound[i] = op_roundoff(out->view.dtype) * fabs(a.want[i]) +
                 (kind == LT_ACT_NONE ? error : act_slope * error + act_error * fabs(x));
}

/* The largest code where `count` products of two are summed in 32 bits; what is rounded is within
 * half a step of its unit's largest. */
static inline double int16_steps(int64_t count)
{
    return 2 * floor(sqrt(2147483520.0 / (double)count)) * 0.999;
}

#endif
