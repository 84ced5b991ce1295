/* low_bit_choice.c - see low_bit_choice.h.
 *
 * Only matrices that many rows or every step of the language model read are worth it: those inside
 * the layers of T5, the language model and the MMDiT. What stays as stored is small, and an error
 * in it is spread over everything: embeddings and output heads (they decide single ids and pixels),
 * norms and biases, position and time embeddings, and the modulation of the MMDiT, one vector a
 * layer that scales, shifts and gates every row alike. The tokenizer stays as it is because a token
 * is a decision, the VAE because its convolutions are no matrices.
 *
 * "mixed" gives 8 bits to the matrices whose error reaches the residual stream without a norm or a
 * gate behind it, 4 to the rest.
 */
#include "pipeline/import/low_bit_choice.h"

#include <string.h>

#include "kernels/core/suffix.h"
#include "kernels/core/weight.h"

enum { SMALLEST_SIDE = 64 }; /* below, there is nothing to save */

static const char *const names[] = {
    [TAKE_AS_STORED] = "", [TAKE_Q8] = "q8", [TAKE_Q4] = "q4", [TAKE_MIXED] = "mixed"};

const char *take_quantize_name(take_quantize q)
{
    return names[q];
}

bool take_quantize_of(const char *name, take_quantize *out)
{
    for (int q = TAKE_Q8; q <= TAKE_MIXED; q++)
        if (strcmp(names[q], name) == 0) {
            *out = (take_quantize)q;
            return true;
        }
    return false;
}

/* Layers of a network, and matrices in them. */
static const struct {
    const char *layer;  /* somewhere in the name */
    const char *matrix; /* at its end */
    bool careful;       /* 8 bits in "mixed" */
} choices[] = {
    {"encoder.block.", "SelfAttention.q.weight", false},
    {"encoder.block.", "SelfAttention.k.weight", false},
    {"encoder.block.", "SelfAttention.v.weight", false},
    {"encoder.block.", "SelfAttention.o.weight", true},
    {"encoder.block.", "DenseReluDense.wi_0.weight", false},
    {"encoder.block.", "DenseReluDense.wi_1.weight", false},
    {"encoder.block.", "DenseReluDense.wo.weight", true},
    {"transformer.blocks.", ".wqkv.weight", false},
    {"transformer.blocks.", ".wo.weight", true},
    {"transformer.blocks.", ".mlp.w1.weight", false},
    {"transformer.blocks.", ".mlp.w3.weight", false},
    {"transformer.blocks.", ".mlp.w2.weight", true},
    {"transformer.layers.", ".attention.query_key_value.weight", false},
    {"transformer.layers.", ".attention.dense.weight", true},
    {"transformer.layers.", ".mlp.dense_h_to_4h.weight", false},
    {"transformer.layers.", ".mlp.dense_4h_to_h.weight", true},
    {"mixins.adaln_layer.zero_linears.", ".weight", true},
};

lt_dtype take_low_bit_choice(take_quantize q, const char *name, lt_shape shape)
{
    if (q == TAKE_AS_STORED || shape.rank != 2 || shape.dim[0] < SMALLEST_SIDE ||
        shape.dim[1] < SMALLEST_SIDE || shape.dim[1] % LT_BLOCK != 0)
        return LT_NO_DTYPE;
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
        if (strstr(name, choices[i].layer) && lt_has_suffix(name, choices[i].matrix))
            return q == TAKE_Q8 || (q == TAKE_MIXED && choices[i].careful) ? LT_Q8 : LT_Q4;
    return LT_NO_DTYPE;
}

bool take_lies_inside_a_layer(const char *name, lt_shape shape)
{
    return take_low_bit_choice(TAKE_Q8, name, shape) != LT_NO_DTYPE;
}
