/* contact_sheet.c - see contact_sheet.h. */
#include "pipeline/preview/contact_sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/picture_file.h"
#include "mmdit/dit_model.h"
#include "pipeline/frame_sizes.h"
#include "pipeline/plan/semantic_reader.h"
#include "pipeline/preview/colour_map.h"
#include "pipeline/timeline.h"

enum {
    COLUMNS = 8,      /* pictures of a plan, where it has so many semantic frames */
    TILE_WIDTH = 192, /* pixels of a picture, about: a multiple of the latent's columns */
    GAP = 4,
    DIGIT_SCALE = 3
};

/* ---- digits ---- */

/* Five rows of three pixels, top first: the bits of an octal digit each. */
static const char *const digits[10] = {"75557", "26227", "71747", "71717", "55711",
                                       "74717", "74757", "71111", "75757", "75717"};

static void draw_box(const latent_picture *at, int x, int y, int width, int height, uint8_t grey)
{
    for (int row = y; row < y + height && row < at->height; row++)
        for (int column = x; column < x + width && column < at->width; column++)
            memset(at->rgb + (size_t)row * at->row_bytes + 3 * (size_t)column, grey, 3);
}

/* White on black in the top left corner. */
static void draw_number(const latent_picture *at, uint32_t number)
{
    char text[16];
    const int length = snprintf(text, sizeof text, "%u", (unsigned)number);
    draw_box(at, 0, 0, (4 * length + 1) * DIGIT_SCALE, 7 * DIGIT_SCALE, 0);
    for (int i = 0; i < length; i++)
        for (int y = 0; y < 5; y++)
            for (int x = 0; x < 3; x++)
                if ((digits[text[i] - '0'][y] - '0') & (4 >> x))
                    draw_box(at, (1 + 4 * i + x) * DIGIT_SCALE, (1 + y) * DIGIT_SCALE, DIGIT_SCALE,
                             DIGIT_SCALE, 255);
}

/* ---- the networks ---- */

typedef struct {
    longtake *engine;
    const lt_warnings *notes;
    lt_weights *file[2];
    tok_model *semantics;
    dit_model *network;
    latent_colours map;
    int32_t *codes;  /* of one segment */
    float *features; /* [segment, h, w, C] */
    float *control;  /* [segment, C, H, W] */
    int64_t values;  /* of one control latent */
    int tile_width;
    int tile_height;
    int columns;
    int width; /* of the sheet */
    int height;
    uint8_t *rgb; /* u8 [height, width, 3] */
} sheet;

static void close_sheet(sheet *s)
{
    dit_model_close(s->network);
    tok_close(s->semantics);
    lt_weights_close(s->file[0]);
    lt_weights_close(s->file[1]);
    free(s->codes);
    free(s->features);
    free(s->control);
    free(s->rgb);
}

static lt_status open_networks(sheet *s, lt_error *err)
{
    longtake *e = s->engine;
    LT_TRY(take_colour_map(e, NULL, s->notes, &s->map, err));
    LT_TRY(take_engine_weights(e, TAKE_NET_TOKENIZER, &s->file[0], err));
    LT_TRY(tok_open(s->file[0], &e->cfg.tokenizer, e->backend, TOK_DECODER, &s->semantics, err));
    LT_TRY(take_engine_weights(e, TAKE_NET_MMDIT, &s->file[1], err));
    return dit_model_open(s->file[1], &e->cfg.mmdit, e->backend, &s->network, err);
}

/* Semantic frames that the plan delivers. */
static int64_t shown_frames(const tok_plan *p)
{
    return take_latents_of_frames(p->video_frames);
}

static lt_status open_sheet(sheet *s, const contact_row *rows, int count, lt_error *err)
{
    const cfg_model *cfg = &s->engine->cfg;
    const size_t segment = (size_t)cfg->ar_model.segment_frames;
    const tok_layout layout = tok_layout_of(&cfg->tokenizer);
    const int larger =
        TILE_WIDTH / cfg->mmdit.latent_width > 1 ? TILE_WIDTH / cfg->mmdit.latent_width : 1;
    for (int i = 0; i < count; i++) {
        const int64_t shown = shown_frames(&rows[i].plan);
        const int pictures = shown < COLUMNS ? (int)shown : COLUMNS;
        s->columns = pictures > s->columns ? pictures : s->columns;
    }
    s->values = take_latent_values(&cfg->mmdit);
    s->tile_width = larger * cfg->mmdit.latent_width;
    s->tile_height = larger * cfg->mmdit.latent_height;
    s->width = s->columns * (s->tile_width + GAP) + GAP;
    s->height = count * (s->tile_height + GAP) + GAP;
    s->codes = malloc((size_t)tok_layout_tokens(&layout, (int)segment) * sizeof *s->codes);
    s->features =
        malloc(segment * (size_t)take_feature_values(&cfg->tokenizer) * sizeof *s->features);
    s->control = malloc(segment * (size_t)s->values * sizeof *s->control);
    s->rgb = calloc((size_t)s->width * (size_t)s->height, 3);
    if (!s->codes || !s->features || !s->control || !s->rgb)
        return lt_fail(err, LT_ERR_RESOURCES, "contact sheet: out of memory");
    return open_networks(s, err);
}

/* ---- pictures ---- */

/* Control latents of a segment to s->control. */
static lt_status upsample_segment(sheet *s, const tok_plan *plan, int64_t segment, lt_error *err)
{
    const int frames = plan->frames[segment];
    tok_plan_codes(plan, segment, s->codes);
    LT_TRY(tok_decode(s->semantics, s->codes, frames, s->features, err));
    return dit_control_latent(s->network, s->features, frames, s->control, err);
}

static latent_picture tile_at(const sheet *s, int row, int column)
{
    const size_t x = (size_t)(GAP + column * (s->tile_width + GAP));
    const size_t y = (size_t)(GAP + row * (s->tile_height + GAP));
    const size_t row_bytes = 3 * (size_t)s->width;
    return (latent_picture){.rgb = s->rgb + y * row_bytes + 3 * x,
                            .width = s->tile_width,
                            .height = s->tile_height,
                            .row_bytes = row_bytes};
}

static lt_status paint_row(sheet *s, const contact_row *r, int row, lt_error *err)
{
    const cfg_mmdit *cfg = &s->engine->cfg.mmdit;
    const tok_plan *plan = &r->plan;
    const int64_t shown = shown_frames(plan);
    const int pictures = shown < s->columns ? (int)shown : s->columns;
    int64_t segment = -1;
    int64_t begin = 0; /* semantic frames of the segment: begin .. end - 1 */
    int64_t end = 0;
    for (int column = 0; column < pictures; column++) {
        const int64_t g = pictures > 1 ? column * (shown - 1) / (pictures - 1) : 0;
        const int64_t before = segment;
        for (; g >= end; end += plan->frames[segment]) {
            segment++;
            begin = end;
        }
        if (segment != before)
            LT_TRY(upsample_segment(s, plan, segment, err));
        const latent_picture tile = tile_at(s, row, column);
        LT_TRY(latent_colours_paint(&s->map, s->control + (g - begin) * s->values,
                                    cfg->latent_height, cfg->latent_width, &tile, err));
    }
    const latent_picture first = tile_at(s, row, 0);
    draw_number(&first, r->label);
    return LT_OK;
}

lt_status take_contact_sheet(longtake *e, const contact_row *rows, int count, const char *path,
                             const lt_warnings *notes, lt_error *err)
{
    sheet s = {.engine = e, .notes = notes};
    lt_status status = open_sheet(&s, rows, count, err);
    for (int i = 0; i < count && status == LT_OK; i++)
        status = paint_row(&s, &rows[i], i, err);
    if (status == LT_OK)
        status = media_picture_write(path, s.rgb, s.width, s.height, err);
    close_sheet(&s);
    return status;
}
