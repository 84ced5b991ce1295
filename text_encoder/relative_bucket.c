#include "text_encoder/relative_bucket.h"

#include <math.h>
#include <stdlib.h>

int text_relative_bucket(int distance, int buckets, int max_distance)
{
    const int half = buckets / 2;
    const int exact = half / 2;
    const int base = distance > 0 ? half : 0;
    const int steps = abs(distance);
    if (steps < exact)
        return base + steps;
    /* In f32, as the release computes it: the bounds between buckets depend on the rounding. */
    const float grown = logf((float)steps / (float)exact) /
                        logf((float)max_distance / (float)exact) * (float)(half - exact);
    const int bucket = exact + (int)grown;
    return base + (bucket < half ? bucket : half - 1);
}
