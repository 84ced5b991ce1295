/* philox.c - Philox4x32-10, uniforms, and normals by Box-Muller. */
#include "kernels/core/philox.h"

#include <math.h>

lt_philox4 lt_philox(lt_philox4 counter, uint64_t key)
{
    uint32_t k0 = (uint32_t)key;
    uint32_t k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)0xD2511F53u * counter.word[0];
        const uint64_t b = (uint64_t)0xCD9E8D57u * counter.word[2];
        const lt_philox4 next = {{
            (uint32_t)(b >> 32) ^ counter.word[1] ^ k0,
            (uint32_t)b,
            (uint32_t)(a >> 32) ^ counter.word[3] ^ k1,
            (uint32_t)a,
        }};
        counter = next;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return counter;
}

float lt_philox_uniform(uint32_t x)
{
    return (float)x * 0x1p-32f + 0x1p-33f;
}

/* Two normals from two words. Every step is rounded to f32; log, sin and cos go through double,
 * where libraries agree far below the f32 rounding, so that the result is the same with any of
 * them. */
static void box_muller(uint32_t a, uint32_t b, float out[2])
{
    const float two_pi = 6.28318530717958647692f;
    const float radius = sqrtf(-2.0f * (float)log((double)lt_philox_uniform(a)));
    const double angle = (double)(two_pi * lt_philox_uniform(b));
    out[0] = radius * (float)sin(angle);
    out[1] = radius * (float)cos(angle);
}

void lt_normals(lt_draw draw, uint64_t first, uint64_t count, float *out)
{
    float four[4];
    uint64_t block = UINT64_MAX; /* the one that `four` holds; no element has this number */
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t element = first + i;
        if (element / 4 != block) {
            block = element / 4;
            const lt_philox4 counter = {
                {(uint32_t)block, draw.step, draw.window, (uint32_t)draw.stage}};
            const lt_philox4 x = lt_philox(counter, draw.seed);
            box_muller(x.word[0], x.word[1], four);
            box_muller(x.word[2], x.word[3], four + 2);
        }
        out[i] = four[element % 4];
    }
}
