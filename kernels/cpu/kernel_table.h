/* kernel_table.h - everything that one instruction set brings, as entries of its table. */
#ifndef LT_KERNEL_TABLE_H
#define LT_KERNEL_TABLE_H

#include "kernels/cpu/attention_row.h"
#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/few_rows.h"
#include "kernels/cpu/low_bit_panel.h"
#include "kernels/cpu/product_int4.h"
#include "kernels/cpu/product_int8.h"
#include "kernels/cpu/product_wide.h"
#include "kernels/cpu/row_kernels.h"
#include "kernels/cpu/winograd_tile.h"

static const lt_product wide_product = LT_WIDE_PRODUCT;

static void attend(const lt_query_block *b, void *scratch)
{
    attend_with(b, scratch, &wide_product, false);
}

/* clang-format off */
#define LT_KERNEL_ENTRIES              \
    .wide = LT_WIDE_PRODUCT,           \
    .slim = LT_SLIM_PRODUCT,           \
    .int8 = LT_INT8_PRODUCT,           \
    .int4 = LT_INT4_PRODUCT,           \
    .few = LT_FEW_ROWS,                \
    .widen = widen,                    \
    .finish = finish,                  \
    .widen_blocks = widen_blocks,      \
    .round_units = round_units,        \
    .round_blocks = round_blocks,      \
    .attend = attend,                  \
    .attend_row = attend_row,          \
    .layer_norm = layer_norm,          \
    .rms_norm = rms_norm,              \
    .rope = rope,                      \
    .activate = activate,              \
    .gated_act = gated_act,            \
    .gated_add = gated_add,            \
    .axpby = axpby,                    \
    .channel_sums = channel_sums,      \
    .group_scale = group_scale,        \
    .to_rgb8 = to_rgb8,                \
    .winograd_in = winograd_in,        \
    .winograd_out = winograd_out
/* clang-format on */

#endif
