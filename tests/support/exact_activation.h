/* exact_activation.h - the activations in double: what every backend is held against. */
#ifndef TEST_EXACT_ACTIVATION_H
#define TEST_EXACT_ACTIVATION_H

#include <math.h>

#include "kernels/backend.h"

static inline double exact_activation(double x, lt_act kind)
{
    switch (kind) {
    case LT_ACT_GELU_ERF:
        return x * erfc(-x / sqrt(2)) / 2;
    case LT_ACT_GELU_TANH:
        return x / (1 + exp(-2 * sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case LT_ACT_SILU:
        return x / (1 + exp(-x));
    case LT_ACT_TANH:
        return tanh(x);
    case LT_ACT_NONE:
        break;
    }
    return x;
}

#endif
