/* ar_config.h - sizes of the language model; keys of the section `ar_model`. */
#ifndef CFG_AR_CONFIG_H
#define CFG_AR_CONFIG_H

enum { CFG_MAX_SINUSOID = 4096 };

typedef struct {
    int vocab_size; /* codebook_size + 7 */
    int width;
    int layers;
    int heads;
    int mlp_width;
    int text_width;
    int micro_sinusoid; /* values of the scalar embedding, even, at most CFG_MAX_SINUSOID */
    int micro_width;
    float rope_base;
    int rope_length;    /* largest position + 1 */
    int segment_frames; /* semantic frames of a full segment */
    int i_tokens;
    int p_tokens;
    int codebook_size;
    int frames_limit; /* largest value given to the `frames` condition; 13 when the key is absent */
} cfg_ar;

#endif
