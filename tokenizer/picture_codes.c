/* picture_codes.c - see picture_codes.h. */
#include "tokenizer/picture_codes.h"

#include <math.h>
#include <stdlib.h>

#include "tokenizer/colour_reader.h"

enum {
    PLANES = 3,
    FINE = TOK_PICTURE_FINE,
    MOST_SIDE = FINE * CFG_PICTURE_SIDE /* cells along a side of a plane */
};

static const char table_name[] = "pictures.table";
static const double table_step = 1.0 / 64;

/* ITU-R BT.601, full range */
static const double channels[PLANES][3] = {
    {.299, .587, .114}, {-.168736, -.331264, .5}, {.5, -.418688, -.081312}};

/* --- the table -------------------------------------------------------------------------------- */

static int rows_of(const tok_picture_table *t, int plane)
{
    return plane == 0 ? FINE * t->rows : t->rows;
}

static int columns_of(const tok_picture_table *t, int plane)
{
    return plane == 0 ? FINE * t->columns : t->columns;
}

static bool is_digit(const tok_picture_table *t, const tok_picture_digit *d)
{
    return d->code >= 0 && d->code < t->codes && d->plane >= 0 && d->plane < PLANES &&
           d->row >= 0 && d->row < rows_of(t, d->plane) && d->column >= 0 &&
           d->column < columns_of(t, d->plane) && d->levels >= 3 && d->levels % 2 == 1 &&
           d->step > 0;
}

/* Digits of one code make no more values than there are entries. */
static bool find_places(tok_picture_table *t, int entries)
{
    int64_t values = 1;
    for (int i = t->count - 1; i >= 0; i--) {
        tok_picture_digit *d = &t->digit[i];
        if (i + 1 == t->count || t->digit[i + 1].code != d->code)
            values = 1;
        d->place = (int)values;
        values *= d->levels;
        if (!is_digit(t, d) || values > entries || (i > 0 && t->digit[i - 1].code > d->code))
            return false;
    }
    return true;
}

enum { FIELDS = 6, MOST_DIGITS = 65536 };

static lt_status find_table(lt_weights *weights, const lt_tensor **out, lt_error *err)
{
    char found[128];
    const lt_tensor *t = lt_weights_find(weights, table_name);
    if (!t || lt_is_none(t))
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: found no tensor '%s', expected one beside 'tokenizer.picture_codes'",
                       lt_weights_place(weights), table_name);
    if (t->dtype != LT_I32 || t->rank != 2 || t->dim[1] != FIELDS || t->dim[0] < 1 ||
        t->dim[0] > MOST_DIGITS)
        return lt_fail(err, LT_ERR_INPUT, "%s: '%s' is %s %s, expected i32 [1 to %d, %d]",
                       lt_weights_place(weights), table_name, lt_dtype_name(t->dtype),
                       lt_shape_text(lt_shape_of(t), found, sizeof found), MOST_DIGITS, FIELDS);
    *out = t;
    return LT_OK;
}

lt_status tok_picture_table_load(lt_weights *weights, const cfg_tokenizer *cfg,
                                 tok_picture_table *out, lt_error *err)
{
    const int entries = cfg->codebook_size - cfg->picture_codes;
    const lt_tensor *stored = NULL;
    *out = (tok_picture_table){.first = cfg->picture_codes,
                               .codes = cfg->i_tokens,
                               .rows = cfg->grid_height,
                               .columns = cfg->grid_width};
    LT_TRY(find_table(weights, &stored, err));
    out->count = (int)stored->dim[0];
    out->digit = calloc((size_t)out->count, sizeof *out->digit);
    if (!out->digit)
        return lt_fail(err, LT_ERR_RESOURCES, "tokenizer: no memory for %d cosines", out->count);
    for (int i = 0; i < out->count; i++) {
        int v[FIELDS];
        for (int k = 0; k < FIELDS; k++)
            v[k] = (int)lt_load_element(stored->data, stored->dtype, (int64_t)FIELDS * i + k);
        out->digit[i] = (tok_picture_digit){v[0], v[1], v[2], v[3], v[4], v[5] * table_step, 1};
    }
    if (FINE * out->rows <= MOST_SIDE && FINE * out->columns <= MOST_SIDE &&
        find_places(out, entries))
        return LT_OK;
    tok_picture_table_clear(out);
    return lt_fail(err, LT_ERR_INPUT,
                   "%s: '%s' does not fit frames of %d codes, %d entries and a grid of %d x %d",
                   lt_weights_place(weights), table_name, cfg->i_tokens, entries, cfg->grid_width,
                   cfg->grid_height);
}

void tok_picture_table_clear(tok_picture_table *t)
{
    free(t->digit);
    *t = (tok_picture_table){0};
}

/* --- cosines ---------------------------------------------------------------------------------- */

/* A plane's waves for one cosine. */
typedef struct {
    double down[MOST_SIDE];
    double across[MOST_SIDE];
} wave_pair;

/* Wave k of n cells, DCT-II; its squares sum to 1. */
static void make_wave(int k, int n, double *wave)
{
    const double pi = 3.14159265358979323846;
    for (int i = 0; i < n; i++)
        wave[i] = sqrt((k == 0 ? 1.0 : 2.0) / n) * cos(pi * k * (i + 0.5) / n);
}

static void make_waves(const tok_picture_table *t, const tok_picture_digit *d, wave_pair *w)
{
    make_wave(d->row, rows_of(t, d->plane), w->down);
    make_wave(d->column, columns_of(t, d->plane), w->across);
}

/* cells [rows, columns] of a plane */
static void average(const tok_picture_table *t, const uint8_t *frame, int height, int width,
                    int plane, double *cells)
{
    const int rows = rows_of(t, plane);
    const int columns = columns_of(t, plane);
    const int cell_height = height / rows;
    const int cell_width = width / columns;
    const double *weight = channels[plane];
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            double rgb[3];
            tok_mean_colour(frame +
                                3 * ((int64_t)y * cell_height * width + (int64_t)x * cell_width),
                            cell_height, cell_width, width, rgb);
            cells[y * columns + x] = weight[0] * rgb[0] + weight[1] * rgb[1] + weight[2] * rgb[2];
        }
}

static double cosine_of(const tok_picture_table *t, const tok_picture_digit *d, const double *cells)
{
    const int rows = rows_of(t, d->plane);
    const int columns = columns_of(t, d->plane);
    wave_pair w;
    make_waves(t, d, &w);
    double sum = 0;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++)
            sum += w.down[y] * w.across[x] * cells[y * columns + x];
    return sum;
}

void tok_picture_codes(const tok_picture_table *t, const uint8_t *frame, int height, int width,
                       int32_t *codes)
{
    for (int i = 0; i < t->codes; i++)
        codes[i] = t->first;
    for (int plane = 0; plane < PLANES; plane++) {
        double cells[MOST_SIDE * MOST_SIDE];
        average(t, frame, height, width, plane, cells);
        for (int i = 0; i < t->count; i++) {
            const tok_picture_digit *d = &t->digit[i];
            if (d->plane != plane)
                continue;
            const int half = d->levels / 2;
            const double level = floor(cosine_of(t, d, cells) / d->step + 0.5);
            codes[d->code] += d->place * (half + (int)fmin(fmax(level, -half), half));
        }
    }
}

int64_t tok_picture_values(const tok_picture_table *t)
{
    return (int64_t)(FINE * FINE + 2) * t->rows * t->columns;
}

void tok_picture_colours(const tok_picture_table *t, const int32_t *codes, float *colours)
{
    const int64_t patches = (int64_t)t->rows * t->columns;
    const int64_t begin[PLANES] = {0, FINE * FINE * patches, (FINE * FINE + 1) * patches};
    for (int64_t i = 0; i < tok_picture_values(t); i++)
        colours[i] = 0;
    for (int i = 0; i < t->count; i++) {
        const tok_picture_digit *d = &t->digit[i];
        const int level = (codes[d->code] - t->first) / d->place % d->levels - d->levels / 2;
        const int columns = columns_of(t, d->plane);
        wave_pair w;
        make_waves(t, d, &w);
        for (int y = 0; y < rows_of(t, d->plane); y++)
            for (int x = 0; x < columns; x++)
                colours[begin[d->plane] + y * columns + x] +=
                    (float)(level * d->step * w.down[y] * w.across[x]);
    }
}

/* --- which frames are pictures ---------------------------------------------------------------- */

bool tok_shows_picture(int first, const int32_t *codes, int64_t count)
{
    bool all = first > 0 && count > 0;
    for (int64_t i = 0; i < count; i++)
        all = all && codes[i] >= first;
    return all;
}

int64_t tok_plan_pictures(const tok_plan *plan, int first)
{
    int64_t pictures = 0;
    for (int64_t k = 0; k < plan->segments; k++) {
        const uint16_t *codes = tok_plan_segment(plan, k);
        bool all = first > 0 && plan->layout.segment_frames == 1;
        for (int i = 0; i < plan->layout.i_tokens; i++)
            all = all && codes[i] >= first;
        pictures += all;
    }
    return pictures;
}
