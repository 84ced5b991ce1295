/* ar_model.h - the language model: from a prompt's embedding to semantic codes, segment by segment.
 *
 *     LT_TRY(ar_model_open(weights, &cfg, backend, &model, err));
 *     LT_TRY(ar_session_open(model, &options, &session, err));
 *     LT_TRY(ar_session_condition(session, &condition, err));
 *     for (k = 0; k < segments; k++)
 *         LT_TRY(ar_session_segment(session, frames[k], ids, 0, &progress, err));
 *
 * A session is one take, from its first segment on. What a segment's ids are depends only on the
 * condition, the sampling settings, and the ids of the segments before: whether those were made
 * here (ar_session_segment) or are given (ar_session_feed) makes no difference. So an interrupted
 * take goes on with the same bytes from its last whole segment.
 *
 * Ids are as drawn: at a code position a special id may stand, which the model must see again as it
 * is; ar_output_code gives the code that the plan stores. Text embeddings are f32 in host memory.
 */
#ifndef AR_MODEL_H
#define AR_MODEL_H

#include "ar_model/token_layout.h"
#include "ar_model/token_sampler.h"
#include "configs/ar_config.h"
#include "kernels/backend.h"
#include "weights/weights.h"

typedef struct ar_model ar_model; /* weights on a backend; immutable, shared by sessions */
typedef struct ar_session ar_session;

/* LT_ERR_INPUT when sizes or weights do not fit together. Borrows
 * `backend`, keeps `weights` open. */
lt_status ar_model_open(lt_weights *weights, const cfg_ar *cfg, lt_backend *backend, ar_model **out,
                        lt_error *err);
void ar_model_close(ar_model *m); /* accepts NULL; after its sessions */
const cfg_ar *ar_model_config(const ar_model *m);

/* How the passes between two codes are asked of the device; the same ids come out. */
typedef enum {
    AR_STEPS_AHEAD, /* as recorded, and asked for before the host knows the codes before them; where
                       draws lean: as the next */
    AR_STEPS_RECORDED, /* once, then again and again as recorded: where it records, and all matrices
                          are on it; else as the last */
    AR_STEPS_LAUNCHED  /* operation by operation */
} ar_steps;

/* Codes that come to the host together where the device is ahead; it is so
 * by one or two times as many. */
enum { AR_BUNCH = 8 };

typedef struct {
    ar_sampling sampling;
    ar_steps steps;
    int context; /* earlier segments that a segment sees, at most; >= 0. When there are more a third
                    goes at once */
    int64_t segments; /* of the whole take, given ones included; 0: not known */
    int last_frames;  /* of the last of them: all others are full; 0: not known */
    int text_rows;    /* of the longest prompt */
    bool may_lean;    /* some condition has a change_weight */
} ar_session_options;

/* Positions of the longest sequence that a session has to hold, where every segment is as it must
 * be: a last one that is not known may have one frame. */
int64_t ar_positions(const cfg_ar *cfg, const ar_session_options *options);
/* LT_ERR_USAGE where those are more than the model has: known before it is opened. */
lt_status ar_positions_check(const cfg_ar *cfg, const ar_session_options *options, lt_error *err);

/* Allocates the cache once. LT_ERR_USAGE for settings that make no sense or more
 * positions than the model has. */
lt_status ar_session_open(const ar_model *m, const ar_session_options *options, ar_session **out,
                          lt_error *err);
void ar_session_close(ar_session *s); /* accepts NULL */

typedef struct {
    const float *text; /* [text_rows, text_width], copied */
    int text_rows;     /* >= 1: an empty prompt has its end token */
    float frames;      /* see ar_frames_condition */
    float motion;
    double change_weight; /* how much draws lean away from the prompt before; 0: not at all */
} ar_condition;

/* What the `frames` condition says of a take: its semantic frames, but no more
 * than the model was trained on. */
float ar_frames_condition(const cfg_ar *cfg, int64_t frames);
/* A new prefix for the segments that follow; those before are kept. Must be called before the first
 * segment.
 * With a change_weight, in a session that may lean, draws lean towards the new prompt as long as
 * segments of the one before are in sight (ar_lean): the model would rather go on with what it
 * sees. What both prompts say, and what neither does, such as where things are, goes on as it
 * was. */
lt_status ar_session_condition(ar_session *s, const ar_condition *condition, lt_error *err);
/* New sampling settings for the segments that follow. Guidance cannot be switched on where the
 * session was opened without (LT_ERR_USAGE). */
lt_status ar_session_sampling(ar_session *s, const ar_sampling *sampling, lt_error *err);

/* Takes one segment as it is: ids [ar_segment_codes(frames)], each below the vocabulary size. */
lt_status ar_session_feed(ar_session *s, const int32_t *ids, int frames, lt_error *err);

/* The segments that follow see none of those before: they begin anew, by the condition alone. Draw
 * numbers go on. */
void ar_session_forget(ar_session *s);

/* Called for each drawn code of a segment, in order; anything but 0 cancels. Where the device is
 * ahead calls come in bunches (AR_BUNCH), and after the code that cancels it makes up to 2 AR_BUNCH
 * - 1 more, which are dropped. */
typedef struct {
    int (*code)(void *user, int done, int total); /* may be NULL */
    void *user;
} ar_progress;

/* Makes the next segment: ids [ar_segment_codes(frames)], of which the first `known` are given.
 * `progress` may be NULL. LT_ERR_CANCELLED or another failure leaves the session where it was, at
 * the segment's beginning. */
lt_status ar_session_segment(ar_session *s, int frames, int32_t *ids, int known,
                             const ar_progress *progress, lt_error *err);

/* Passes that the device did as recorded, since the session was opened. */
int64_t ar_session_replayed(const ar_session *s);

/* The logits after each of `count` given tokens of a new session, in the passes that drawing would
 * make, before guidance: logits [items, count, vocabulary], items 2 when guided. The tokens start
 * with <I> and hold the forced ones. */
lt_status ar_session_logits(ar_session *s, const int32_t *tokens, int count, float *logits,
                            lt_error *err);

#endif
