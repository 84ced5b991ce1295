/* text_config.h - sizes of one T5 encoder; keys of the section `text_encoder`. */
#ifndef CFG_TEXT_CONFIG_H
#define CFG_TEXT_CONFIG_H

typedef struct {
    int vocab_size; /* rows of the embedding */
    int d_model;
    int num_layers;
    int num_heads;
    int d_kv; /* width of a head; heads x d_kv need not be d_model */
    int d_ff;
    int relative_attention_num_buckets;
    int relative_attention_max_distance;
    float layer_norm_epsilon;
    int max_length; /* ids, the end token included */
} cfg_text;

#endif
