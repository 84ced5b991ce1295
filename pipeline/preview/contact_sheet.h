/* contact_sheet.h - several plans at a glance: a row of rough pictures for each, in a PNG.
 *
 * A plan's codes become features, those control latents (the upsampler's, what refinement starts
 * from), and those colours by the model's linear map. Nothing is refined and nothing decoded by the
 * VAE: a sheet costs about what a denoising step does.
 */
#ifndef TAKE_CONTACT_SHEET_H
#define TAKE_CONTACT_SHEET_H

#include "pipeline/engine.h"
#include "tokenizer/token_plan.h"
#include "weights/warnings.h"

/* Pictures of a plan stand evenly over its length, and its label, a
 * number, in the corner of the first. */
typedef struct {
    tok_plan plan;
    uint32_t label;
} contact_row;

/* `notes` hears when the map had to be fitted. */
lt_status take_contact_sheet(longtake *e, const contact_row *rows, int count, const char *path,
                             const lt_warnings *notes, lt_error *err);

#endif
