/* latent_colours.c - least squares from latents to colours; see latent_colours.h. */
#include "pipeline/preview/latent_colours.h"

#include <math.h>
#include <stdlib.h>

enum { N = LATENT_COLOURS_MOST_CHANNELS + 1 };

/* Weight on the factors' squares, as a part of the mean square of a latent. */
static const double ridge = 1e-3;

/* The normal equations: sums over all cells of x x' and of x times each colour; x ends in a 1. */
typedef struct {
    int n;
    double square[N][N];
    double right[3][N];
} normal_equations;

static void add_cell(normal_equations *e, const double *x, const double *colour)
{
    for (int i = 0; i < e->n; i++) {
        for (int j = 0; j <= i; j++)
            e->square[i][j] += x[i] * x[j];
        for (int c = 0; c < 3; c++)
            e->right[c][i] += x[i] * colour[c];
    }
}

/* Cholesky: square = L L', L in its place. */
static void factorise(normal_equations *e)
{
    for (int i = 0; i < e->n; i++)
        for (int j = 0; j <= i; j++) {
            double sum = e->square[i][j];
            for (int k = 0; k < j; k++)
                sum -= e->square[i][k] * e->square[j][k];
            e->square[i][j] = i == j ? sqrt(sum > 1e-12 ? sum : 1e-12) : sum / e->square[j][j];
        }
}

static void solve(const normal_equations *e, const double *right, double *x)
{
    for (int i = 0; i < e->n; i++) {
        x[i] = right[i];
        for (int k = 0; k < i; k++)
            x[i] -= e->square[i][k] * x[k];
        x[i] /= e->square[i][i];
    }
    for (int i = e->n - 1; i >= 0; i--) {
        for (int k = i + 1; k < e->n; k++)
            x[i] -= e->square[k][i] * x[k];
        x[i] /= e->square[i][i];
    }
}

lt_status latent_colours_check(int channels, lt_error *err)
{
    if (channels >= 1 && channels <= LATENT_COLOURS_MOST_CHANNELS)
        return LT_OK;
    return lt_fail(err, LT_ERR_USAGE, "preview: latents of %d channels, at most %d are mapped",
                   channels, LATENT_COLOURS_MOST_CHANNELS);
}

lt_status latent_colours_fit(const float *latents, const double *colours, int64_t cells,
                             int channels, latent_colours *out, lt_error *err)
{
    static const normal_equations zero = {0};
    LT_TRY(latent_colours_check(channels, err));
    if (cells < 1)
        return lt_fail(err, LT_ERR_USAGE,
                       "preview: found no cells to fit colours to, expected some");
    normal_equations e = zero;
    e.n = channels + 1;
    for (int64_t cell = 0; cell < cells; cell++) {
        double x[N];
        for (int i = 0; i < channels; i++)
            x[i] = latents[i * cells + cell];
        x[channels] = 1;
        add_cell(&e, x, colours + 3 * cell);
    }
    for (int i = 0; i < channels; i++)
        e.square[i][i] *= 1 + ridge;
    factorise(&e);
    out->channels = channels;
    for (int c = 0; c < 3; c++) {
        double x[N] = {0};
        solve(&e, e.right[c], x);
        for (int i = 0; i < channels; i++)
            out->weight[c][i] = (float)x[i];
        out->bias[c] = (float)x[channels];
        for (int i = 0; i <= channels; i++)
            if (!isfinite(x[i]))
                return lt_fail(err, LT_ERR_INPUT,
                               "preview: no map comes out: the VAE's latents are not finite");
    }
    return LT_OK;
}

void latent_colours_apply(const latent_colours *map, const float *latent, int64_t cells,
                          uint8_t *rgb)
{
    for (int64_t cell = 0; cell < cells; cell++)
        for (int c = 0; c < 3; c++) {
            double v = map->bias[c];
            for (int i = 0; i < map->channels; i++)
                v += (double)map->weight[c][i] * latent[i * cells + cell];
            rgb[3 * cell + c] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : lround(v));
        }
}

/* Between which two of n cells the middle of pixel i of `pixels` lies, and
 * how far it is to the second. */
typedef struct {
    int first;
    int second;
    double share;
} cell_blend;

static cell_blend blend_at(int i, int pixels, int n)
{
    const double at = (i + 0.5) * n / pixels - 0.5;
    const int below = (int)floor(at);
    const int first = below < 0 ? 0 : below;
    const int second = below + 1 < n ? below + 1 : n - 1;
    return (cell_blend){first, second, at - below};
}

/* To the nearest; `v` is not negative. */
static uint8_t whole(double v)
{
    return (uint8_t)(v + 0.5);
}

static double mixed(double a, double b, double share)
{
    return a + (b - a) * share;
}

lt_status latent_colours_paint(const latent_colours *map, const float *latent, int h, int w,
                               const latent_picture *out, lt_error *err)
{
    uint8_t *cells = calloc((size_t)h * (size_t)w, 3);
    if (!cells)
        return lt_fail(err, LT_ERR_RESOURCES, "preview: out of memory");
    latent_colours_apply(map, latent, (int64_t)h * w, cells);
    for (int y = 0; y < out->height; y++) {
        const cell_blend v = blend_at(y, out->height, h);
        const uint8_t *upper = cells + (size_t)v.first * (size_t)w * 3;
        const uint8_t *lower = cells + (size_t)v.second * (size_t)w * 3;
        uint8_t *row = out->rgb + (size_t)y * out->row_bytes;
        for (int x = 0; x < out->width; x++) {
            const cell_blend u = blend_at(x, out->width, w);
            for (int c = 0; c < 3; c++)
                row[3 * x + c] = whole(mixed(
                    mixed(upper[3 * u.first + c], upper[3 * u.second + c], u.share),
                    mixed(lower[3 * u.first + c], lower[3 * u.second + c], u.share), v.share));
        }
    }
    free(cells);
    return LT_OK;
}
