/* generic_kernels.c - the kernels for any processor (4 lanes, no intrinsics); the code is in the headers. */
#define LT_LANES 4
#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/matrix_tile.h"
#include "kernels/cpu/row_kernels.h"

const lt_cpu_kernels lt_generic_kernels = {
    .name = "generic",
    .tile_rows = TILE_ROWS,
    .tile_columns = TILE_COLUMNS,
    .pack_panel = pack_panel,
    .widen = widen,
    .multiply = multiply,
    .finish = finish,
    .matrix_vector = matrix_vector,
    .attend = attend,
    .attend_row = attend_row,
    .layer_norm = layer_norm,
    .rms_norm = rms_norm,
    .rope = rope,
    .activate = activate,
    .gated_act = gated_act,
    .gated_add = gated_add,
    .axpby = axpby,
    .group_sums = group_sums,
    .group_scale = group_scale,
    .to_rgb8 = to_rgb8,
};
