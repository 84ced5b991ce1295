/* position_table.h - where a video row stands: sines and cosines of frame, column and row, added to
 * the embedding.
 *
 * A row of width d is [d/4 for the frame | 3d/8 for the column | 3d/8 for the row]. Each part
 * depends on one coordinate alone, so three small tables are kept and added by broadcasting; the
 * table of all rows (68 MB at the released size) is never formed. Text rows have no position.
 */
#ifndef DIT_POSITION_TABLE_H
#define DIT_POSITION_TABLE_H

#include "configs/mmdit_config.h"
#include "kernels/ops.h"

typedef struct {
    lt_tensor frame;  /* f32 [latent_frames, d/4] */
    lt_tensor column; /* f32 [columns, 3d/8] */
    lt_tensor row;    /* f32 [rows, 3d/8] */
} dit_position;

lt_status dit_position_open(lt_backend *backend, const cfg_mmdit *cfg, dit_position *out,
                            lt_error *err);
void dit_position_close(lt_backend *backend, dit_position *p); /* accepts a zeroed one */

/* out = tokens + position, both [T, rows, columns, d]; out may be tokens. */
void dit_position_add_into(lt_ops *o, const dit_position *p, lt_tensor out, lt_tensor tokens);

#endif
