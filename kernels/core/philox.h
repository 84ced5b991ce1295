/* philox.h - counter-based random numbers: the same (seed, place) gives the same number anywhere.
 *
 * Philox4x32-10 (Salmon et al., SC'11). Known answers are in tests/unit/test_philox.c.
 */
#ifndef LT_PHILOX_H
#define LT_PHILOX_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t word[4];
} lt_philox4;

lt_philox4 lt_philox(lt_philox4 counter, uint64_t key);

/* Uniform in (0, 1], as the release's sampler on CUDA draws it: fp32(x) * 2^-32 + 2^-33. */
float lt_philox_uniform(uint32_t x);

/* The stages that draw; part of every counter, so that no two stages share a number. */
typedef enum {
    LT_DRAW_AR = 1,
    LT_DRAW_REFINE = 2,
    LT_DRAW_RENOISE = 3,
    LT_DRAW_POSTERIOR = 4
} lt_draw_stage;

/* Where a tensor of normals comes from: element i takes counter (i / 4, step, window, stage) under
 * key `seed`, and its normal i % 4 by Box-Muller in f32 (u = x 2^-32 + 2^-33, pairs (sin, cos) of
 * words 0,1 and 2,3). */
typedef struct {
    uint64_t seed;
    lt_draw_stage stage;
    uint32_t window;
    uint32_t step;
} lt_draw;

/* Normals `first` .. `first + count - 1` of a draw. */
void lt_normals(lt_draw draw, uint64_t first, uint64_t count, float *out);

#ifdef __cplusplus
}
#endif
#endif
