/* guidance_scale.c - see guidance_scale.h. */
#include "mmdit/guidance_scale.h"

#include <math.h>

static const double PI = 3.14159265358979323846;
static const int OFFICIAL_STEPS = 50; /* the release's divisor, whatever the sampler's own count */

/* 1 + scale (1 - cos(pi x^5)) / 2. */
static double rise(double scale, double x)
{
    return 1.0 + scale * (1.0 - cos(PI * pow(x, 5.0))) / 2.0;
}

double dit_guidance_scale(dit_scale_kind kind, double scale, int step, int steps, int timestep)
{
    switch (kind) {
    case DIT_SCALE_CONSTANT:
        return scale;
    case DIT_SCALE_RAMP:
        return rise(scale, (double)step / steps);
    case DIT_SCALE_OFFICIAL:
    default:
        return rise(scale, (double)(steps - timestep) / OFFICIAL_STEPS);
    }
}
