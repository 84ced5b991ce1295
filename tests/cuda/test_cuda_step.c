/* test_cuda_step.c - a step of the language model on the host's emulation: how many kernels it is, and the same codes on every
 * device, whatever the weights are stored in, on the device or coming from the host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ar_model/ar_model.h"
#include "kernels/cuda/cuda_backend.h"

enum {
    DEVICES = 3,
    LAYERS = 2,
    TEXT_ROWS = 5,
    FRAMES = 2,
    OF_A_LAYER = 5, /* normed product, attention, product that adds, gated product, product that adds */
    AROUND = 5      /* embedding; cast, norm, head, choice */
};

static const cfg_ar cfg = {.vocab_size = 39, .width = 64, .layers = LAYERS, .heads = 2, .mlp_width = 96, .text_width = 32,
                           .micro_sinusoid = 16, .micro_width = 32, .rope_base = 10000, .rope_length = 128, .segment_frames = 4,
                           .i_tokens = 6, .p_tokens = 3, .codebook_size = 32, .frames_limit = 4};

static int failed;

/* What a segment of two frames was. */
typedef struct {
    int32_t ids[16];
    int codes;
    size_t launched; /* so far */
    size_t least;    /* kernels of a pass between two codes */
    size_t most;
} segment;

static int on_code(void *user, int done, int total)
{
    segment *s = user;
    (void)total;
    const size_t launched = host_launches();
    const size_t kernels = launched - s->launched;
    if (done > 1) { /* the first pass has the prefix before it */
        s->least = done == 2 || kernels < s->least ? kernels : s->least;
        s->most = kernels > s->most ? kernels : s->most;
    }
    s->launched = launched;
    return 0;
}

static lt_status make_segment(lt_backend *b, lt_dtype stored, lt_home home, segment *out, lt_error *err)
{
    ar_session_options options = {.context = 0, .segments = 1, .text_rows = TEXT_ROWS};
    float text[TEXT_ROWS * 32];
    for (int i = 0; i < TEXT_ROWS * 32; i++)
        text[i] = (float)(i * 13 % 17 - 8) / 16;
    const ar_condition condition = {.text = text, .text_rows = TEXT_ROWS, .frames = FRAMES, .motion = 0.1F};
    const ar_progress progress = {.code = on_code, .user = out};
    lt_weights *weights = NULL;
    ar_model *model = NULL;
    ar_session *session = NULL;
    ar_sampling_init(&options.sampling);
    *out = (segment){.codes = ar_segment_codes(&cfg, FRAMES)};
    lt_status s = lt_weights_synthetic(stored, 1, &weights, err);
    if (s == LT_OK) {
        lt_weights_home(weights, home);
        s = ar_model_open(weights, &cfg, b, &model, err);
    }
    if (s == LT_OK)
        s = ar_session_open(model, &options, &session, err);
    if (s == LT_OK)
        s = ar_session_condition(session, &condition, err);
    if (s == LT_OK)
        s = ar_session_segment(session, FRAMES, out->ids, 0, &progress, err);
    ar_session_close(session);
    ar_model_close(model);
    lt_weights_close(weights);
    return s;
}

/* The codes of a segment do not depend on the device, nor on where matrices are; guidance makes rows of two items. */
static void same_codes(lt_dtype activation, lt_dtype stored)
{
    static const char *const homes[] = {"on the device", "pinned"};
    segment first = {.codes = 0};
    for (int device = 0; device < DEVICES; device++)
        for (int home = LT_HOME_DEVICE; home <= LT_HOME_PINNED; home++) {
            lt_error err = {0};
            lt_backend *b = NULL;
            segment s = {.codes = 0};
            if (lt_cuda_open(&b, device, activation, &err) != LT_OK || make_segment(b, stored, (lt_home)home, &s, &err) != LT_OK) {
                printf("FAILED device %d, weights %s: %s\n", device, homes[home], err.message);
                exit(1);
            }
            b->table->close(b);
            if (first.codes == 0)
                first = s;
            const bool same = memcmp(first.ids, s.ids, sizeof s.ids) == 0;
            const bool few = s.least == LAYERS * OF_A_LAYER + AROUND && s.most == s.least;
            if (!same)
                printf("FAILED device %d, weights in %s %s: other codes than on device 0\n", device, lt_dtype_name(stored), homes[home]);
            if (!few)
                printf("FAILED device %d: a step is %zu to %zu kernels, expected %d\n", device, s.least, s.most,
                       LAYERS * OF_A_LAYER + AROUND);
            failed += !same + !few;
        }
}

int main(void)
{
    same_codes(LT_BF16, LT_BF16);
    same_codes(LT_F32, LT_F32);
    same_codes(LT_BF16, LT_Q8);
    same_codes(LT_BF16, LT_Q4);
    printf("%d failed\n", failed);
    return failed > 0;
}
