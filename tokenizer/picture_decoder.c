/* picture_decoder.c - colours that picture codes tell, to features: a perceptron for each patch,
 * and the decoder's own head.
 *
 * It sees the luminance of five by five patches and the chroma of three by three around its own.
 * Beyond the edge the picture goes on as it is there.
 */
#include "tokenizer/picture_codes.h"
#include "tokenizer/tok_network.h"

enum {
    FINE = TOK_PICTURE_FINE,
    LUMINANCE = 2, /* patches seen each way */
    CHROMA = 1,
    BRIGHT_SIDE = FINE * (2 * LUMINANCE + 1), /* cells along a side of what is seen */
    COLOUR_SIDE = 2 * CHROMA + 1,
    INPUTS = BRIGHT_SIDE * BRIGHT_SIDE + 2 * COLOUR_SIDE * COLOUR_SIDE
};

void tok_pictures_bind(lt_binder *b, const cfg_tokenizer *cfg, tok_pictures *net)
{
    const int widths[] = {INPUTS, cfg->picture_width, cfg->picture_width, cfg->width};
    for (int i = 0; i < TOK_PICTURE_LAYERS; i++) {
        lt_bind(b, &net->layer[i], LT_ROLE_MATRIX, lt_shape2(widths[i + 1], widths[i]),
                "pictures.fc%d.weight", i + 1);
        lt_bind(b, &net->bias[i], LT_ROLE_VECTOR, lt_shape1(widths[i + 1]), "pictures.fc%d.bias",
                i + 1);
    }
}

static int inside(int i, int n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

/* The square of `side` cells whose first corner is (y, x), row by row;
 * returns what follows it in `to`. */
static float *look(const float *plane, int rows, int columns, int y, int x, int side, float *to)
{
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++)
            *to++ = plane[inside(y + i, rows) * columns + inside(x + j, columns)];
    return to;
}

int64_t tok_picture_inputs(const cfg_tokenizer *cfg)
{
    return tok_frame_patches(cfg) * INPUTS;
}

void tok_picture_look(const cfg_tokenizer *cfg, const float *colours, float *inputs)
{
    const int rows = cfg->grid_height;
    const int columns = cfg->grid_width;
    const float *blue = colours + (int64_t)FINE * FINE * rows * columns;
    const float *red = blue + (int64_t)rows * columns;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            inputs = look(colours, FINE * rows, FINE * columns, FINE * (y - LUMINANCE),
                          FINE * (x - LUMINANCE), BRIGHT_SIDE, inputs);
            inputs = look(blue, rows, columns, y - CHROMA, x - CHROMA, COLOUR_SIDE, inputs);
            inputs = look(red, rows, columns, y - CHROMA, x - CHROMA, COLOUR_SIDE, inputs);
        }
}

lt_tensor tok_picture_rows(lt_ops *o, const cfg_tokenizer *cfg, const tok_pictures *net,
                           const float *inputs)
{
    lt_tensor x = lt_cast(
        o, lt_from_host(o, inputs, LT_F32, lt_shape2(tok_frame_patches(cfg), INPUTS)), o->dtype);
    for (int i = 0; i < TOK_PICTURE_LAYERS; i++)
        x = lt_linear(o, x, &net->layer[i], &net->bias[i],
                      i + 1 < TOK_PICTURE_LAYERS ? LT_ACT_GELU_ERF : LT_ACT_NONE);
    return lt_cast(o, x, LT_F32);
}
