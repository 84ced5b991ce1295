/* winograd_tile.h - between pixels and the 4 x 4 sums of Winograd's F(2x2, 3x3); cpu_winograd.c has
 * the formula.
 *
 *          | 1  0 -1  0 |          | 1  1  1  0 |
 *    B^T = | 0  1  1  0 |    A^T = | 0  1 -1 -1 |
 *          | 0 -1  1  0 |
 *          | 0  1  0 -1 |
 *
 * Channels lie side by side, a vector of them is done at once; only sums and differences.
 */
#ifndef LT_WINOGRAD_TILE_H
#define LT_WINOGRAD_TILE_H

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/vec.h"

/* out[plane 4i + j][patch][channels] = (B^T d B)[i][j] of a row of patches; patch p is the 4 x 4
 * pixels from column 2p on. */
static void winograd_in(float *out, int64_t plane, const float *x, int64_t row_pitch,
                        int64_t pixel_pitch, int64_t patches, int64_t channels)
{
    for (int64_t p = 0; p < patches; p++, x += 2 * pixel_pitch, out += channels)
        for (int64_t c = 0; c < channels; c += LT_LANES) {
            vf half[4][4]; /* B^T d */
            LT_UNROLL
            for (int j = 0; j < 4; j++) {
                const float *column = x + j * pixel_pitch + c;
                const vf d0 = vf_load(column);
                const vf d1 = vf_load(column + row_pitch);
                const vf d2 = vf_load(column + 2 * row_pitch);
                const vf d3 = vf_load(column + 3 * row_pitch);
                half[0][j] = d0 - d2;
                half[1][j] = d1 + d2;
                half[2][j] = d2 - d1;
                half[3][j] = d1 - d3;
            }
            float *to = out + c;
            LT_UNROLL
            for (int i = 0; i < 4; i++, to += 4 * plane) {
                vf_store(to, half[i][0] - half[i][2]);
                vf_store(to + plane, half[i][1] + half[i][2]);
                vf_store(to + 2 * plane, half[i][2] - half[i][1]);
                vf_store(to + 3 * plane, half[i][1] - half[i][3]);
            }
        }
}

/* out[2][2 patches][columns], rows row_pitch apart, = A^T m A of a row of patches m[plane 4i +
 * j][patch][columns]. */
static void winograd_out(float *out, int64_t row_pitch, const float *m, int64_t plane,
                         int64_t patches, int64_t columns)
{
    for (int64_t p = 0; p < patches; p++, m += columns, out += 2 * columns)
        for (int64_t c = 0; c < columns; c += LT_LANES) {
            vf half[2][4]; /* A^T m */
            LT_UNROLL
            for (int j = 0; j < 4; j++) {
                const float *from = m + j * plane + c;
                const vf m0 = vf_load(from);
                const vf m1 = vf_load(from + 4 * plane);
                const vf m2 = vf_load(from + 8 * plane);
                const vf m3 = vf_load(from + 12 * plane);
                half[0][j] = m0 + m1 + m2;
                half[1][j] = m1 - m2 - m3;
            }
            LT_UNROLL
            for (int i = 0; i < 2; i++) {
                float *to = out + i * row_pitch + c;
                vf_store(to, half[i][0] + half[i][1] + half[i][2]);
                vf_store(to + columns, half[i][1] - half[i][2] - half[i][3]);
            }
        }
}

#endif
