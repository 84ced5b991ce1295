/* ar_session.h - a session from inside: what ar_session.c keeps of a take, and the passes that
 * ar_passes.c makes over it. */
#ifndef AR_SESSION_H
#define AR_SESSION_H

#include "ar_model/ar_model.h"
#include "ar_model/ar_network.h"

enum {
    AR_CONDITION_ROWS = 3, /* prefix rows before the text's: <begin>, frames, motion */
    AR_STEP_ROWS = 3,      /* of a pass between two codes, at most: the last code, </P> and <P> */
    AR_KEY_COUNTS = 16,    /* recordings of a step: each may look at twice as many keys as the one
                              before; the last at all there is room for */
    AR_BUNCHES = 2 /* of draws, that a device may be asked for before the host has seen the first */
};

/* What differs from step to step, i32 on the device: uploaded together, or
 * left there by the draw before. */
enum {
    AR_STEP_IDS,                                    /* [items, rows] */
    AR_STEP_FIRST = AR_STEP_IDS + 2 * AR_STEP_ROWS, /* position of the first row */
    AR_STEP_VISIBLE,                                /* [rows]: positions that each sees */
    AR_STEP_NUMBERS = AR_STEP_VISIBLE + AR_STEP_ROWS
};
_Static_assert((int)AR_STEP_NUMBERS <= (int)LT_NEXT_NUMBERS,
               "what a draw leaves for the next step");

/* A recorded step; for other items or logits it is made again. */
typedef struct {
    lt_repeated pass;
    int items;
    int logit_rows;
} ar_step;

struct ar_model {
    lt_backend *backend;
    lt_weight_set *set;
    ar_micro micro;
    ar_text text;
    lt_weight null_text; /* [1, width]: the text rows of the unconditional item */
    lt_weight embedding; /* [vocabulary, width] */
    ar_transformer transformer;
    bool resident; /* its matrices are where they are multiplied */
};

/* Between calls: cache.used covers the prefix (when prefix_cached) and the first `cached` kept
 * segments, perhaps more rows of a segment that was just made, which settle() drops. */
struct ar_session {
    const ar_model *model;
    ar_sampling sampling;
    int items; /* 1, or 2 when guided */
    int max_items;
    int context;
    int max_text_rows;
    lt_ops ops;
    ar_cache cache;
    lt_tensor prefix; /* [max_items, AR_CONDITION_ROWS + max_text_rows, width], activation dtype */
    int64_t prefix_rows; /* filled rows; 0: no condition yet */
    bool prefix_cached;
    int kept; /* earlier segments in memory, oldest first */
    int cached;
    int moved; /* so many of the kept were there when the oldest went: they are filled in together,
                  later ones as they join */
    int *kept_frames;     /* [context] */
    int32_t *kept_tokens; /* of all kept segments, one after the other, forced ones included */
    int32_t *tokens;      /* [positions of a full segment]: of the next passes */
    uint64_t positions;   /* tokens of all earlier segments: draw number of the next <I> plus one */
    float *logits;        /* [max_items, AR_STEP_ROWS, vocabulary] */
    ar_steps way;
    lt_tensor step_numbers; /* i32 [AR_STEP_NUMBERS] */
    lt_tensor drawn; /* i32 [AR_BUNCH]: ids of a bunch of draws, each as lt_choose_id gives it */
    /* of `drawn`, in turns; NULL where the device is never ahead */
    lt_reading *readings[AR_BUNCHES];
    lt_tensor step_logits;                      /* [max_items * AR_STEP_ROWS * vocabulary] f32 */
    ar_step steps[AR_STEP_ROWS][AR_KEY_COUNTS]; /* by rows - 1 and the keys they may look at */
    int64_t replayed;
    float *lean; /* [vocabulary]: ar_lean of the next draw */
    double change_weight;
    /* the prompt without earlier segments; NULL in a session that does not lean */
    ar_session *alone;
    ar_session *alone_before; /* the same of the prompt before */
    int leaning; /* kept segments of the prompt before: as long as there are such, draws lean */
};

/* Some rows that follow those in the cache: rows of the prefix, or tokens. */
typedef struct {
    ar_session *session;
    int64_t prefix_row;          /* first row, of the prefix */
    const int32_t *tokens;       /* [rows], or NULL: rows of the prefix, */
    bool placed;                 /* or of a step whose numbers the draw before has left */
    int rows;                    /* 1 .. AR_MAX_PASS_ROWS */
    int logit_rows;              /* logits are wanted for that many last rows; 1 with `choice` */
    float *logits;               /* [items, logit_rows, vocabulary]; NULL with `choice` */
    const lt_choice *choice;     /* or NULL: an id is drawn from the logits of the last row */
    const float *lean;           /* [vocabulary], added to them before; or NULL */
    int drawn_at;                /* of session->drawn, where the id goes */
    const lt_next_numbers *next; /* what is left for the step behind it; or NULL */
} ar_pass;

/* The rows go through the model and into the cache, behind what is there. */
lt_status ar_pass_run(ar_session *s, const ar_pass *p, lt_error *err);
/* Tokens go through the model; `last` says what the pass that ends them does with its last row, and
 * NULL is nothing. */
lt_status ar_fill_in(ar_session *s, const int32_t *tokens, int64_t count, const ar_pass *last,
                     lt_error *err);
/* Whether steps are asked for before the codes that they follow are known. */
bool ar_is_ahead(const ar_session *s);
/* Of a step of `rows` tokens from position `first` on. */
void ar_step_numbers(const ar_session *s, const int32_t *tokens, int rows, int64_t first,
                     int32_t numbers[AR_STEP_NUMBERS]);

#endif
