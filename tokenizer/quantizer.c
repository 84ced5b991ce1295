/* quantizer.c - latents to the nearest codes, and codes back to rows.
 *
 * The search runs on the host in f32, with the release's own form of the distance: its rounding
 * decides ties.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "tokenizer/tok_network.h"

static const char codebook_name[] = "quantizer._codebook.embed";
static const char flag_name[] = "quantizer._codebook.initted";

void tok_quantizer_bind(lt_binder *b, const cfg_tokenizer *cfg, tok_quantizer *q,
                        unsigned directions)
{
    const int dim = cfg->code_dim;
    lt_bind(b, &q->codebook, LT_ROLE_TABLE, lt_shape2(cfg->codebook_size, dim), "%s",
            codebook_name);
    if (directions & TOK_TO_CODES) {
        lt_bind(b, &q->in, LT_ROLE_MATRIX, lt_shape2(dim, cfg->width),
                "quantizer.project_in.weight");
        lt_bind(b, &q->in_bias, LT_ROLE_VECTOR, lt_shape1(dim), "quantizer.project_in.bias");
    }
    if (directions & TOK_FROM_CODES) {
        lt_bind(b, &q->out, LT_ROLE_MATRIX, lt_shape2(cfg->width, dim),
                "quantizer.project_out.weight");
        lt_bind(b, &q->out_bias, LT_ROLE_VECTOR, lt_shape1(cfg->width),
                "quantizer.project_out.bias");
    }
}

/* The release would cluster its first input anew, even at inference, where this flag is 0. */
static lt_status check_initialised(lt_weights *weights, lt_error *err)
{
    const lt_tensor *flag = lt_weights_find(weights, flag_name);
    if (!flag)
        return LT_OK;
    if (lt_is_none(flag) || lt_numel(flag) != 1 ||
        !(fabs(lt_load_element(flag->data, flag->dtype, 0)) > 0))
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: %s is not a flag that is set: the codebook was never initialised",
                       lt_weights_place(weights), flag_name);
    return LT_OK;
}

static float sum_of_squares(const float *v, int n)
{
    float sum = 0;
    for (int i = 0; i < n; i++)
        sum += v[i] * v[i];
    return sum;
}

lt_status tok_quantizer_load(tok_quantizer *q, const cfg_tokenizer *cfg, lt_weights *weights,
                             lt_error *err)
{
    LT_TRY(check_initialised(weights, err));
    const lt_tensor *stored = lt_weights_find(weights, codebook_name); /* there: it is bound */
    q->count = cfg->codebook_size;
    q->dim = cfg->code_dim;
    const int64_t values = (int64_t)q->count * q->dim;
    q->codes = malloc((size_t)values * sizeof *q->codes);
    q->squares = malloc((size_t)q->count * sizeof *q->squares);
    if (!q->codes || !q->squares)
        return lt_fail(err, LT_ERR_RESOURCES, "tokenizer: no memory for %d codes", q->count);
    for (int64_t i = 0; i < values; i++)
        q->codes[i] = (float)lt_load_element(stored->data, stored->dtype, i);
    for (int c = 0; c < q->count; c++)
        q->squares[c] = sum_of_squares(q->codes + (int64_t)c * q->dim, q->dim);
    return LT_OK;
}

void tok_quantizer_close(tok_quantizer *q)
{
    free(q->codes);
    free(q->squares);
    q->codes = NULL;
    q->squares = NULL;
}

lt_tensor tok_project_in(lt_ops *o, const tok_quantizer *q, lt_tensor latents)
{
    return lt_cast(o, lt_linear(o, latents, &q->in, &q->in_bias, LT_ACT_NONE), LT_F32);
}

lt_tensor tok_code_rows(lt_ops *o, const tok_quantizer *q, const int32_t *tokens, int64_t n)
{
    const lt_tensor ids = lt_from_host(o, tokens, LT_I32, lt_shape1(n));
    return lt_linear(o, lt_gather(o, &q->codebook, ids), &q->out, &q->out_bias, LT_ACT_NONE);
}

/* sqrt(max(0, (z.z + e.e) - 2 z.e)): root and clamp are part of the comparison, they merge
 * neighbours into ties. */
static int32_t nearest_code(const tok_quantizer *q, const float *z)
{
    const float square = sum_of_squares(z, q->dim);
    float best_distance = FLT_MAX;
    int32_t best = 0;
    for (int32_t c = 0; c < q->count; c++) {
        const float *code = q->codes + (int64_t)c * q->dim;
        float dot = 0;
        for (int i = 0; i < q->dim; i++)
            dot += z[i] * code[i];
        const float distance = sqrtf(fmaxf(0.0f, (square + q->squares[c]) + -2.0f * dot));
        if (distance < best_distance) {
            best_distance = distance;
            best = c;
        }
    }
    return best;
}

void tok_nearest_codes(const tok_quantizer *q, const float *z, int64_t n, int32_t *tokens)
{
    for (int64_t i = 0; i < n; i++)
        tokens[i] = nearest_code(q, z + i * q->dim);
}

void tok_code_distances(const tok_quantizer *q, const float *z, int64_t n, const int32_t *tokens,
                        float *distances)
{
    for (int64_t row = 0; row < n; row++) {
        const float *code = q->codes + (int64_t)tokens[row] * q->dim;
        double sum = 0;
        for (int i = 0; i < q->dim; i++) {
            const double off = (double)z[row * q->dim + i] - (double)code[i];
            sum += off * off;
        }
        distances[row] = (float)(sum / q->dim);
    }
}
