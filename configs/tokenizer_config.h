/* tokenizer_config.h - sizes of the semantic tokenizer; keys of the section `tokenizer`. */
#ifndef CFG_TOKENIZER_CONFIG_H
#define CFG_TOKENIZER_CONFIG_H

typedef struct {
    int hidden_size;
    int num_hidden_layers;
    int num_attention_heads;
    int intermediate_size;
    int patch_size; /* pixels */
    int image_size; /* pixels, the side the position table was trained at */
    float layer_norm_eps;
} cfg_theia;

/* rows or columns of a grid at most, where the model knows pictures or spells codes */
enum { CFG_PICTURE_SIDE = 32 };

/* Spelled codes: levels of a way or quantity, words, codes of a frame that are of the object as a
 * whole, and entries in all. */
enum {
    CFG_SPELLED_LEVELS = 64,
    CFG_SPELLED_WORDS = 16,
    CFG_SPELLED_WHOLE = 4,
    CFG_SPELLED_ENTRIES = (CFG_SPELLED_WORDS + CFG_SPELLED_WHOLE) * CFG_SPELLED_LEVELS
};

typedef struct {
    cfg_theia theia;   /* hidden_size 0 in a golden file that needs no Theia */
    int temporal_size; /* semantic frames of a full segment */
    int grid_height;   /* patches */
    int grid_width;
    int feature_channels;
    int width;
    int layers;
    int heads;
    int mlp_width;
    int i_tokens;     /* codes of an I-frame */
    int p_tokens;     /* codes of a P-frame */
    int rope_dims[3]; /* channels of a head for time, row, column */
    float rope_base;
    int codebook_size;
    int code_dim;
    int head_width;    /* hidden width of the decoder's output head */
    int picture_codes; /* first of the entries that say pictures (tokenizer/picture_codes.h); 0: the
                          model has none */
    /* a clip is not of the model's world where the encoder's vectors are farther from their codes
     * (mean square), */
    double picture_distance;
    /* or where these tell its colours less well (mean square, pixels -1 .. 1) */
    double picture_error;
    int picture_width; /* hidden width of the perceptron that reads them */
    int spelled_codes; /* first of the entries that are spelled (tokenizer/spelled_codes.h); 0: the
                          model has none */
    double spelled_step; /* pixels of one level of a way */
    double spelled_pace; /* pixels from one semantic frame to the next, of one level */
} cfg_tokenizer;

#endif
