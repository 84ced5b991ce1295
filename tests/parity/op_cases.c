/* op_cases.c - the table of cases. */
#include "op_cases.h"

enum {
    NONE = LT_ACT_NONE,
    ERF = LT_ACT_GELU_ERF,
    GELU = LT_ACT_GELU_TANH,
    SILU = LT_ACT_SILU,
    TANH = LT_ACT_TANH
};

/* clang-format off */
const op_case op_cases[] = {
    {"gather", "n rows d stored", check_gather, {1, 1, 1, LT_F32}},
    {"gather", "n rows d stored", check_gather, {37, 11, 33, LT_BF16}},
    {"gather", "n rows d stored", check_gather, {5, 300, 64, LT_F16}},
    {"gather", "n rows d stored", check_gather, {9, 7, 40, LT_I8}},

    {"linear", "n in out act stored layout bias to", check_linear, {1, 1, 1, NONE, LT_F32, OP_PACKED, 0, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {1, 64, 48, NONE, LT_BF16, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {1, 515, 131, GELU, LT_BF16, OP_PADDED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {2, 96, 257, NONE, LT_BF16, OP_PACKED, 0, TO_F32}},
    {"linear", "n in out act stored layout bias to", check_linear, {7, 33, 17, SILU, LT_F32, OP_PADDED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {8, 128, 64, ERF, LT_F16, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {65, 72, 130, TANH, LT_BF16, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {70, 129, 65, NONE, LT_I8, OP_PADDED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {3, 256, 96, GELU, LT_I8, OP_PACKED, 0, TO_F32}},
    {"linear", "n in out act stored layout bias to", check_linear, {13, 20, 40, NONE, LT_F64, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {1, 512, 33, NONE, LT_Q8, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {2, 96, 64, GELU, LT_Q8, OP_PADDED, 0, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {4, 1056, 5, NONE, LT_Q8, OP_PACKED, 0, TO_F32}},
    {"linear", "n in out act stored layout bias to", check_linear, {45, 480, 70, NONE, LT_Q8, OP_PADDED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {1, 544, 40, NONE, LT_Q4, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {3, 64, 31, SILU, LT_Q4, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {2, 2048, 18, NONE, LT_Q4, OP_PACKED, 0, TO_F32}},
    {"linear", "n in out act stored layout bias to", check_linear, {37, 416, 66, GELU, LT_Q4, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {5, 1056, 33, NONE, LT_Q8, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {97, 544, 17, SILU, LT_Q4, OP_PADDED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {300, 515, 31, NONE, LT_I8, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {6, 1, 1, NONE, LT_F32, OP_PACKED, 0, TO_F32}},
    {"linear", "n in out act stored layout bias to", check_linear, {2, 96, 77, NONE, LT_F32, OP_PACKED, 0, HEAD}},
    {"linear", "n in out act stored layout bias to", check_linear, {9, 65, 40, NONE, LT_BF16, OP_PACKED, 0, HEAD}},
    {"linear", "n in out act stored layout bias to", check_linear, {150, 320, 192, GELU, LT_BF16, OP_PACKED, 1, TO_ACTIVATIONS}},
    {"linear", "n in out act stored layout bias to", check_linear, {12, 8, 1, SILU, LT_F32, OP_PACKED, 1, TO_ACTIVATIONS}}, /* a bias that stays while rows go on */
    {"linear", "n in out act stored layout bias to", check_linear, {16, 1, 16, NONE, LT_I8, OP_PACKED, 0, TO_ACTIVATIONS}}, /* scales that go on with every value */

    {"linear_add", "n in out stored layout bias f32", check_linear_add, {1, 1, 1, LT_F32, OP_PACKED, 0, 0}},
    {"linear_add", "n in out stored layout bias f32", check_linear_add, {2, 96, 257, LT_BF16, OP_PACKED, 0, 0}},
    {"linear_add", "n in out stored layout bias f32", check_linear_add, {3, 77, 70, LT_BF16, OP_PADDED, 1, 1}},
    {"linear_add", "n in out stored layout bias f32", check_linear_add, {6, 160, 33, LT_Q8, OP_PACKED, 1, 0}},
    {"linear_add", "n in out stored layout bias f32", check_linear_add, {2, 1056, 20, LT_Q4, OP_PACKED, 0, 1}},
    {"linear_add", "n in out stored layout bias f32", check_linear_add, {8, 40, 17, LT_I8, OP_PADDED, 0, 0}},
    {"linear_add", "n in out stored layout bias f32", check_linear_add, {9, 64, 40, LT_BF16, OP_PACKED, 1, 1}},
    {"linear_add", "n in out stored layout bias f32", check_linear_add, {45, 129, 65, LT_F16, OP_PADDED, 1, 0}},

    {"normed_linear", "n in out stored layout", check_normed_linear, {1, 1, 1, LT_F32, OP_PACKED}},
    {"normed_linear", "n in out stored layout", check_normed_linear, {1, 520, 31, LT_BF16, OP_PACKED}},
    {"normed_linear", "n in out stored layout", check_normed_linear, {2, 256, 130, LT_BF16, OP_PACKED}},
    {"normed_linear", "n in out stored layout", check_normed_linear, {3, 77, 9, LT_BF16, OP_PADDED}},
    {"normed_linear", "n in out stored layout", check_normed_linear, {6, 64, 40, LT_Q8, OP_PACKED}},
    {"normed_linear", "n in out stored layout", check_normed_linear, {2, 1056, 17, LT_Q4, OP_PADDED}},
    {"normed_linear", "n in out stored layout", check_normed_linear, {8, 96, 33, LT_I8, OP_PACKED}},
    {"normed_linear", "n in out stored layout", check_normed_linear, {33, 72, 66, LT_BF16, OP_PADDED}},

    {"gated_linear", "n in out act stored up layout", check_gated_linear, {1, 1, 1, GELU, LT_F32, LT_F32, OP_PACKED}},
    {"gated_linear", "n in out act stored up layout", check_gated_linear, {2, 256, 130, GELU, LT_BF16, LT_BF16, OP_PACKED}},
    {"gated_linear", "n in out act stored up layout", check_gated_linear, {3, 77, 9, SILU, LT_BF16, LT_BF16, OP_PADDED}},
    {"gated_linear", "n in out act stored up layout", check_gated_linear, {6, 64, 40, GELU, LT_Q8, LT_Q8, OP_PACKED}},
    {"gated_linear", "n in out act stored up layout", check_gated_linear, {2, 544, 17, GELU, LT_Q4, LT_Q4, OP_PACKED}},
    {"gated_linear", "n in out act stored up layout", check_gated_linear, {4, 96, 33, NONE, LT_I8, LT_I8, OP_PADDED}},
    {"gated_linear", "n in out act stored up layout", check_gated_linear, {2, 64, 20, GELU, LT_Q8, LT_BF16, OP_PACKED}}, /* stored differently */
    {"gated_linear", "n in out act stored up layout", check_gated_linear, {33, 72, 66, GELU, LT_BF16, LT_BF16, OP_PADDED}},

    {"attention", "B n m h d see bias layout reach", check_attention, {1, 1, 1, 1, 8, SEE_ALL, 0, OP_PACKED, 1}},
    {"attention", "B n m h d see bias layout reach", check_attention, {1, 77, 77, 2, 64, SEE_ALL, 0, OP_HEADS, 1}},
    {"attention", "B n m h d see bias layout reach", check_attention, {2, 33, 70, 3, 40, SEE_CAUSAL, 0, OP_PADDED, 2}},
    {"attention", "B n m h d see bias layout reach", check_attention, {1, 1, 131, 4, 128, SEE_CAUSAL, 0, OP_HEADS, 1}},
    {"attention", "B n m h d see bias layout reach", check_attention, {2, 5, 130, 2, 128, SEE_CAUSAL, 0, OP_HEADS, 1}},
    {"attention", "B n m h d see bias layout reach", check_attention, {1, 60, 60, 2, 32, SEE_FRAMES, 0, OP_PACKED, 1}},
    {"attention", "B n m h d see bias layout reach", check_attention, {1, 21, 21, 3, 64, SEE_ALL, 1, OP_PADDED, 1}},
    {"attention", "B n m h d see bias layout reach", check_attention, {1, 9, 25, 2, 16, SEE_CAUSAL, 1, OP_PACKED, 1}},
    {"attention", "B n m h d see bias layout reach", check_attention, {1, 20, 200, 1, 64, SEE_ALL, 0, OP_PACKED, 14}},
    {"attention", "B n m h d see bias layout reach", check_attention, {1, 3, 5, 1, 256, SEE_ALL, 0, OP_PACKED, 1}},
    {"attention", "B n m h d see bias layout reach", check_attention, {1, 11, 13, 2, 7, SEE_CAUSAL, 0, OP_PADDED, 3}},
    {"attention", "B n m h d see bias layout reach", check_attention, {1, 130, 600, 1, 64, SEE_CAUSAL, 1, OP_PACKED, 2}}, /* several tiles */
    {"attention", "B n m h d see bias layout reach", check_attention, {1, 2, 530, 1, 200, SEE_ALL, 0, OP_PADDED, 2}},
    {"attention", "B n m h d see bias layout reach", check_attention, {2, 104, 270, 8, 16, SEE_CAUSAL, 1, OP_HEADS, 2}}, /* parts of a block */

    {"cached_attention", "B n m h d see layout padded room", check_cached_attention, {1, 1, 1, 1, 2, SEE_ALL, OP_PACKED, 0, 0}},
    {"cached_attention", "B n m h d see layout padded room", check_cached_attention, {2, 1, 300, 2, 64, SEE_ALL, OP_HEADS, 0, 0}},
    {"cached_attention", "B n m h d see layout padded room", check_cached_attention, {2, 3, 130, 3, 128, SEE_CAUSAL, OP_HEADS, 0, 0}}, /* joins two stretches */
    {"cached_attention", "B n m h d see layout padded room", check_cached_attention, {1, 4, 4, 2, 38, SEE_CAUSAL, OP_PADDED, 1, 0}},
    {"cached_attention", "B n m h d see layout padded room", check_cached_attention, {1, 2, 257, 1, 256, SEE_CAUSAL, OP_PACKED, 1, 0}},
    {"cached_attention", "B n m h d see layout padded room", check_cached_attention, {2, 33, 70, 2, 64, SEE_CAUSAL, OP_HEADS, 0, 0}},
    {"cached_attention", "B n m h d see layout padded room", check_cached_attention, {1, 40, 40, 2, 22, SEE_CAUSAL, OP_PADDED, 1, 0}},
    {"cached_attention", "B n m h d see layout padded room", check_cached_attention, {1, 1, 1, 1, 2, SEE_ALL, OP_PACKED, 0, 1}},
    {"cached_attention", "B n m h d see layout padded room", check_cached_attention, {2, 1, 300, 2, 64, SEE_ALL, OP_HEADS, 0, 212}},
    {"cached_attention", "B n m h d see layout padded room", check_cached_attention, {2, 3, 130, 3, 128, SEE_CAUSAL, OP_HEADS, 0, 126}}, /* joins two stretches */
    {"cached_attention", "B n m h d see layout padded room", check_cached_attention, {1, 4, 4, 2, 38, SEE_CAUSAL, OP_PADDED, 1, 700}},
    {"cached_attention", "B n m h d see layout padded room", check_cached_attention, {1, 2, 256, 1, 256, SEE_CAUSAL, OP_PACKED, 1, 1}},

    {"layer_norm", "B n d affine modulated layout mean f32", check_layer_norm, {1, 1, 1, 1, 0, OP_PACKED, 0, 0}},
    {"layer_norm", "B n d affine modulated layout mean f32", check_layer_norm, {1, 5, 33, 1, 0, OP_PADDED, 0, 0}},
    {"layer_norm", "B n d affine modulated layout mean f32", check_layer_norm, {1, 9, 768, 1, 1, OP_PACKED, 0, 1}},
    {"layer_norm", "B n d affine modulated layout mean f32", check_layer_norm, {3, 7, 96, 0, 2, OP_PADDED, 0, 1}},
    {"layer_norm", "B n d affine modulated layout mean f32", check_layer_norm, {2, 4, 130, 0, 2, OP_PACKED, 0, 0}},
    {"layer_norm", "B n d affine modulated layout mean f32", check_layer_norm, {1, 3, 256, 0, 0, OP_PACKED, 0, 0}},
    {"layer_norm", "B n d affine modulated layout mean f32", check_layer_norm, {1, 3, 256, 1, 0, OP_PACKED, 100, 0}},
    {"layer_norm", "B n d affine modulated layout mean f32", check_layer_norm, {2, 515, 64, 0, 2, OP_PACKED, 0, 1}},  /* many rows */
    {"layer_norm", "B n d affine modulated layout mean f32", check_layer_norm, {1, 3, 8208, 1, 1, OP_PACKED, 0, 1}}, /* long rows */
    {"layer_norm", "B n d affine modulated layout mean f32", check_layer_norm, {1, 2, 1300, 1, 0, OP_PADDED, 0, 0}},

    {"rms_norm", "n d layout", check_rms_norm, {1, 1, OP_PACKED}},
    {"rms_norm", "n d layout", check_rms_norm, {5, 37, OP_PADDED}},
    {"rms_norm", "n d layout", check_rms_norm, {33, 512, OP_PACKED}},
    {"rms_norm", "n d layout", check_rms_norm, {1025, 40, OP_PADDED}},

    {"group_norm", "T H W C groups act L step mean layout", check_group_norm, {1, 1, 1, 4, 2, NONE, 0, 1, 0, OP_PACKED}},
    {"group_norm", "T H W C groups act L step mean layout", check_group_norm, {2, 5, 7, 32, 8, SILU, 0, 1, 0, OP_PACKED}},
    {"group_norm", "T H W C groups act L step mean layout", check_group_norm, {3, 4, 3, 33, 11, NONE, 0, 1, 50, OP_PACKED}},
    {"group_norm", "T H W C groups act L step mean layout", check_group_norm, {9, 4, 6, 16, 4, SILU, 3, 2, 0, OP_PACKED}},
    {"group_norm", "T H W C groups act L step mean layout", check_group_norm, {5, 8, 8, 12, 3, SILU, 3, 8, 0, OP_PADDED}},
    {"group_norm", "T H W C groups act L step mean layout", check_group_norm, {8, 2, 2, 8, 8, NONE, 2, 1, 0, OP_PACKED}},
    {"group_norm", "T H W C groups act L step mean layout", check_group_norm, {1, 6, 4, 8, 1, SILU, 1, 2, 0, OP_PADDED}},
    {"group_norm", "T H W C groups act L step mean layout", check_group_norm, {4, 5, 7, 64, 32, SILU, 2, 2, 3, OP_PACKED}},
    {"group_norm", "T H W C groups act L step mean layout", check_group_norm, {3, 16, 24, 16, 4, SILU, 3, 2, 1, OP_PACKED}},
    {"group_norm", "T H W C groups act L step mean layout", check_group_norm, {1, 2, 3, 2112, 3, NONE, 0, 1, 0, OP_PACKED}}, /* many channels */
    {"group_norm", "T H W C groups act L step mean layout", check_group_norm, {3, 3, 37, 264, 3, SILU, 2, 2, 0, OP_PACKED}}, /* long rows */
    {"group_norm", "T H W C groups act L step mean layout first frames", check_group_norm, {5, 4, 6, 32, 4, SILU, 0, 1, 0, OP_PACKED, 3, 1}},
    {"group_norm", "T H W C groups act L step mean layout first frames", check_group_norm, {9, 4, 6, 16, 4, SILU, 3, 2, 0, OP_PACKED, 4, 3}},
    {"group_norm", "T H W C groups act L step mean layout first frames", check_group_norm, {4, 3, 5, 33, 11, NONE, 2, 1, 0, OP_PADDED, 0, 1}},

    {"rope", "B n h d layout apart", check_rope, {1, 1, 1, 2, OP_PACKED, 0}},
    {"rope", "B n h d layout apart", check_rope, {2, 5, 3, 64, OP_HEADS, 0}},
    {"rope", "B n h d layout apart", check_rope, {1, 7, 2, 38, OP_PADDED, 1}},
    {"rope", "B n h d layout apart", check_rope, {1, 3, 8, 2, OP_PACKED, 0}}, /* an angle that stays from head to head */

    {"activate", "n act reach inplace", check_activate, {1, SILU, 1, 0}},
    {"activate", "n act reach inplace", check_activate, {1001, SILU, 100, 0}},
    {"activate", "n act reach inplace", check_activate, {777, ERF, 8, 1}},
    {"activate", "n act reach inplace", check_activate, {777, GELU, 20, 0}},
    {"activate", "n act reach inplace", check_activate, {9000, TANH, 12, 1}},
    {"activate", "n act reach inplace", check_activate, {31, NONE, 2, 0}},

    {"gated_act", "n d act layout inplace", check_gated_act, {1, 1, SILU, OP_PACKED, 0}},
    {"gated_act", "n d act layout inplace", check_gated_act, {7, 131, SILU, OP_PADDED, 1}},
    {"gated_act", "n d act layout inplace", check_gated_act, {33, 64, GELU, OP_PACKED, 0}},

    {"axpby", "a b c d y layout f32 inplace", check_axpby, {1, 1, 1, 1, Y_NONE, OP_PACKED, 0, 0}},
    {"axpby", "a b c d y layout f32 inplace", check_axpby, {2, 3, 5, 33, Y_FULL, OP_PADDED, 0, 1}},
    {"axpby", "a b c d y layout f32 inplace", check_axpby, {1, 7, 4, 64, Y_ROW, OP_PACKED, 1, 0}},
    {"axpby", "a b c d y layout f32 inplace", check_axpby, {2, 3, 4, 17, Y_COLUMN, OP_HEADS, 0, 0}},
    {"axpby", "a b c d y layout f32 inplace", check_axpby, {3, 2, 2, 100, Y_NONE, OP_PADDED, 1, 0}},

    {"gated_add", "B n d batches layout f32 y", check_gated_add, {1, 1, 1, 0, OP_PACKED, 0, OP_PADDED}},
    {"gated_add", "B n d batches layout f32 y", check_gated_add, {2, 5, 97, 1, OP_PADDED, 1, OP_PADDED}},
    {"gated_add", "B n d batches layout f32 y", check_gated_add, {3, 4, 64, 0, OP_PACKED, 0, OP_PADDED}},
    {"gated_add", "B n d batches layout f32 y", check_gated_add, {2, 3, 64, 1, OP_PACKED, 1, OP_PACKED}},
    {"gated_add", "B n d batches layout f32 y", check_gated_add, {1, 8, 1, 0, OP_PACKED, 0, OP_PACKED}}, /* a gate that stays from row to row */

    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {1, 1, 1, 1, 1, 1, 1, 1, PAD_NONE, 0, 0, LT_F32}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {3, 5, 7, 6, 10, 3, 3, 1, PAD_SAME, 0, 0, LT_BF16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {2, 6, 5, 16, 16, 3, 3, 1, PAD_SAME, 1, 1, LT_BF16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {1, 9, 11, 3, 33, 3, 3, 1, PAD_SAME, 1, 0, LT_F32}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {3, 8, 7, 8, 12, 0, 3, 2, PAD_END, 0, 0, LT_BF16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {1, 7, 9, 5, 8, 0, 3, 2, PAD_SAME, 0, 1, LT_F16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {2, 4, 5, 17, 9, 1, 1, 1, PAD_NONE, 0, 1, LT_I8}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {2, 3, 4, 4, 7, 3, 1, 1, PAD_NONE, 1, 0, LT_BF16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {1, 8, 6, 3, 20, 0, 2, 2, PAD_NONE, 0, 0, LT_BF16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {2, 5, 8, 9, 11, 3, 3, 1, PAD_UNEVEN, 1, 0, LT_BF16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {2, 6, 4, 8, 16, 0, 3, 2, PAD_UNEVEN, 0, 0, LT_BF16}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {4, 12, 16, 32, 65, 3, 3, 1, PAD_SAME, 0, 1, LT_BF16}},

    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {2, 3, 5, 270, 20, 3, 3, 1, PAD_SAME, 1, 0, LT_BF16}}, /* slices of channels */
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {1, 9, 200, 8, 5, 0, 3, 1, PAD_SAME, 0, 0, LT_BF16}},   /* several tiles */
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {5, 37, 51, 16, 17, 3, 3, 1, PAD_SAME, 1, 1, LT_F32}},   /* patches: tiles, odd ends, runs of frames */
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {3, 5, 6, 144, 40, 3, 3, 1, PAD_UNEVEN, 1, 0, LT_F16}},  /* slices of channels of patches */
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {2, 3, 3, 32, 3, 0, 3, 1, PAD_NONE, 0, 1, LT_I8}},
    {"conv", "T H W Cin Cout kt k stride pad history add stored", check_conv, {2, 8, 7, 16, 16, 0, 3, 2, PAD_END, 0, 0, LT_F32}},      /* transformed, but strided */

    {"upsample", "T H W C factor double", check_upsample, {1, 1, 1, 1, 1, 0}},
    {"upsample", "T H W C factor double", check_upsample, {1, 3, 2, 5, 2, 1}},
    {"upsample", "T H W C factor double", check_upsample, {2, 2, 3, 8, 2, 1}},
    {"upsample", "T H W C factor double", check_upsample, {3, 3, 3, 7, 2, 1}},
    {"upsample", "T H W C factor double", check_upsample, {4, 1, 2, 33, 2, 1}},
    {"upsample", "T H W C factor double", check_upsample, {3, 2, 5, 16, 2, 0}},
    {"upsample", "T H W C factor double", check_upsample, {3, 2, 2, 3, 4, 0}},
    {"upsample", "T H W C factor double", check_upsample, {3, 2, 2, 3, 1, 1}},

    {"copy", "a b c d f32 to layout", check_copy, {1, 1, 1, 1, 0, LT_F32, OP_PACKED}},
    {"copy", "a b c d f32 to layout", check_copy, {2, 3, 5, 33, 0, LT_BF16, OP_HEADS}},
    {"copy", "a b c d f32 to layout", check_copy, {1, 4, 4, 31, 1, LT_BF16, OP_PACKED}},
    {"copy", "a b c d f32 to layout", check_copy, {1, 2, 3, 65, 0, LT_F16, OP_PADDED}},
    {"copy", "a b c d f32 to layout", check_copy, {2, 2, 2, 9, 1, LT_F64, OP_PADDED}},
    {"copy", "a b c d", check_copy_permuted, {3, 5, 2, 7}},
    {"copy", "a b c d", check_copy_permuted, {1, 16, 13, 32}},
    {"copy", "a b c d", check_copy_permuted, {2, 33, 3, 40}},

    {"fill", "n d f32 layout", check_fill, {1, 1, 0, OP_PACKED}},
    {"fill", "n d f32 layout", check_fill, {9, 129, 0, OP_PADDED}},
    {"fill", "n d f32 layout", check_fill, {3, 64, 1, OP_PACKED}},

    {"normal", "n first", check_normal, {1, 0}},
    {"normal", "n first", check_normal, {9001, 0}},
    {"normal", "n first", check_normal, {33, 4000000003}},

    /* top_k 0: all; top_p in thousandths, negative: all */
    {"choose", "n rows kind top_k top_p", check_choose, {1, 1, SPREAD, 0, -1}},
    {"choose", "n rows kind top_k top_p", check_choose, {2055, 2, SPREAD, 0, -1}},
    {"choose", "n rows kind top_k top_p", check_choose, {2055, 1, SPREAD, 1, -1}},
    {"choose", "n rows kind top_k top_p", check_choose, {2055, 2, SPREAD, 100, -1}},
    {"choose", "n rows kind top_k top_p", check_choose, {513, 1, SPREAD, 513, -1}},
    {"choose", "n rows kind top_k top_p", check_choose, {2055, 1, SPREAD, 0, 0}},
    {"choose", "n rows kind top_k top_p", check_choose, {2055, 1, SPREAD, 0, 500}},
    {"choose", "n rows kind top_k top_p", check_choose, {2055, 2, SPREAD, 0, 970}},
    {"choose", "n rows kind top_k top_p", check_choose, {2055, 1, SPREAD, 0, 1000}},
    {"choose", "n rows kind top_k top_p", check_choose, {1500, 1, FEW_VALUES, 700, -1}},
    {"choose", "n rows kind top_k top_p", check_choose, {1500, 1, FEW_VALUES, 0, 300}},
    {"choose", "n rows kind top_k top_p", check_choose, {1500, 1, FEW_VALUES, 0, 900}},
    {"choose", "n rows kind top_k top_p", check_choose, {1024, 1, ALL_EQUAL, 1, -1}},
    {"choose", "n rows kind top_k top_p", check_choose, {1024, 1, ALL_EQUAL, 0, 0}},
    {"choose", "n rows kind top_k top_p", check_choose, {1024, 1, ALL_EQUAL, 0, 500}}, /* the sum is p exactly after half of them */
    {"choose", "n rows kind top_k top_p", check_choose, {1001, 1, ALL_EQUAL, 0, 600}},
    {"choose", "n rows kind top_k top_p", check_choose, {1001, 1, ALL_EQUAL, 0, 1000}},
    {"choose", "n rows kind top_k top_p", check_choose, {700, 2, STEEP, 0, -1}},
    {"choose", "n rows kind top_k top_p", check_choose, {700, 1, STEEP, 5, -1}},
    {"choose", "n rows kind top_k top_p", check_choose, {700, 1, STEEP, 0, 999}},
    {"choose", "n rows kind top_k top_p", check_choose, {700, 1, STEEP, 0, 1000}},
    {"choose", "n rows kind top_k top_p", check_choose, {600, 1, ONE_INFINITE, 0, 970}},
    {"choose", "n rows kind top_k top_p", check_choose, {600, 2, ONE_NAN, 10, -1}},

    {"to_rgb8", "T H W", check_to_rgb8, {1, 1, 1}},
    {"to_rgb8", "T H W", check_to_rgb8, {2, 37, 41}},
};
/* clang-format on */

const int op_case_count = (int)(sizeof op_cases / sizeof *op_cases);
