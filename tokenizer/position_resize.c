/* position_resize.c - the Vision Transformer's position table at another grid: bicubic with a =
 * -0.75, half-pixel centres, no antialiasing, scaled to the output's size (older libraries scaled
 * by (k + 0.1) / 14, which shifts every sample). */
#include <math.h>

#include "tokenizer/tok_network.h"

static const double a = -0.75;

static double near_weight(double x) /* |x| <= 1 */
{
    return ((a + 2) * x - (a + 3)) * x * x + 1;
}

static double far_weight(double x) /* 1 < |x| < 2 */
{
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

void tok_cubic_taps(int from, int to, int i, int *first, double weights[4])
{
    const double at = (double)from / to * (i + 0.5) - 0.5;
    const double cell = floor(at);
    const double t = at - cell;
    *first = (int)cell - 1;
    weights[0] = far_weight(t + 1);
    weights[1] = near_weight(t);
    weights[2] = near_weight(1 - t);
    weights[3] = far_weight(2 - t);
}

static int clamp(int i, int last)
{
    return i < 0 ? 0 : i > last ? last : i;
}

void tok_resize_positions(const float *table, int trained, int side, int d, float *out)
{
    for (int y = 0; y < side; y++) {
        int top;
        double rows[4];
        tok_cubic_taps(trained, side, y, &top, rows);
        for (int x = 0; x < side; x++) {
            int left;
            double columns[4];
            tok_cubic_taps(trained, side, x, &left, columns);
            for (int c = 0; c < d; c++, out++) {
                double sum = 0;
                for (int p = 0; p < 4; p++)
                    for (int q = 0; q < 4; q++) {
                        const int cell =
                            clamp(top + p, trained - 1) * trained + clamp(left + q, trained - 1);
                        sum += rows[p] * columns[q] * (double)table[(int64_t)cell * d + c];
                    }
                *out = (float)sum;
            }
        }
    }
}
