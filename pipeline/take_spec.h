/* take_spec.h - every number of a take, decided before anything is loaded.
 *
 * A request leaves most settings unset; a model's configuration fills them. What comes out is
 * complete and checked: the rest of the pipeline reads the spec and never the request's settings.
 */
#ifndef TAKE_TAKE_SPEC_H
#define TAKE_TAKE_SPEC_H

#include <stdbool.h>

#include "configs/model_config.h"
#include "longtake.h"
#include "mmdit/speed_plan.h"
#include "pipeline/script/prompt_wording.h"
#include "pipeline/timeline.h"

/* From `at_frame` on. The first shot of a take is at frame 0. */
typedef struct {
    int64_t at_frame;
    bool is_event;    /* the prompt of the shot before tells it; the plan of that one goes on */
    bool as_one_text; /* nothing is changed of its prompt */
    char *prompt;     /* owned */
    double motion;
    uint32_t seed;
    double lm_cfg;
    double shot_cfg; /* of the change to this shot; 0 = off */
    double cfg_scale;
    char *plan; /* file of tokens or frames, owned; NULL: none */
    double plan_from_seconds;
    double plan_seconds; /* 0: up to the end */
} take_shot;

/* Windows made again under another seed; see take_retake.h. */
typedef struct {
    int64_t first;
    int64_t last;
    uint32_t seed;
    bool keep_rest; /* the windows behind it stay as they are */
} take_retake;

enum { TAKE_MAX_RETAKES = 16 };

/* What a video is encoded to. */
typedef enum {
    TAKE_CODES_FITTING, /* scene, or picture where the model can read it and the video is not of its
                           world */
    TAKE_CODES_SCENE,   /* the encoder's, which the language model knows */
    TAKE_CODES_PICTURE  /* tokenizer/picture_codes.h */
} take_codes;

typedef struct {
    take_timeline time;
    uint32_t seed;
    bool seed_was_drawn;
    char reworded[512]; /* `"orb" as "ball"`: words of the prompts that the model has others for */
    bool begins_as_usual; /* the first shot's prompt says what is usual where the one asked for says
                             nothing */
    take_shot *shot;
    int shots;
    take_retake retake[TAKE_MAX_RETAKES]; /* one over the other */
    int retakes;

    double fps;       /* of the container */
    double model_fps; /* of the model: the clock of lengths, shots, windows and spans of time */
    int width;        /* pixels of a frame, before scaling */
    int height;
    int scale;
    longtake_fit fit;
    take_codes codes; /* of `encode` */

    double lm_cfg; /* of shots that have none of their own, like: */
    double shot_cfg;
    double motion;
    double cfg_scale;
    double temperature;
    int top_k;    /* 0 = off */
    double top_p; /* 0 = off */
    int lm_context;

    int steps; /* of the exact run; take_steps_run says how many are made */
    dit_speed speed;
    bool listed_timesteps; /* the model's own list; false: the release's spacing for `steps` */
    cfg_schedule schedule;
    cfg_guidance guidance;
    cfg_carry carry;
} take_spec;

/* Which settings a command needs, and what it begins with. */
typedef enum {
    TAKE_NEEDS_PROMPT = 1, /* an error without one */
    TAKE_NEEDS_LENGTH = 2, /* one window where neither the request nor `frames` says a length; else
                              one frame */
    TAKE_BEGINS_UNSEEN = 4 /* no picture and no tokens are there before its first frame */
} take_needs;

/* What every call asks of a request, before anything of it is read: that it is there, and its
 * lists; that no name of an output, job folder, preview or picture is empty; that enums and what no
 * command passes over are in range. LT_ERR_USAGE. */
lt_status take_request_check(const longtake_request *r, lt_error *err);
lt_status take_fit_check(longtake_fit fit, lt_error *err);

/* `words`: how the model's prompts are worded, or NULL. `frames`: length when the request gives
 * none (0: the model's one window). LT_ERR_USAGE with the flag's name. */
lt_status take_spec_resolve(const longtake_request *r, const cfg_model *cfg,
                            const take_wording *words, int needs, int64_t frames, take_spec *out,
                            lt_error *err);
/* Then its retakes, of the windows that it has once what it goes on from is known. */
lt_status take_spec_retakes(const longtake_request *r, take_spec *s, lt_error *err);
/* Its length alone, in RGB frames; `otherwise` is `frames` there. */
lt_status take_spec_length(const longtake_settings *g, const cfg_model *cfg, int needs,
                           int64_t otherwise, int64_t *frames, lt_error *err);
void take_spec_clear(take_spec *s);
/* What was asked for, or, unset (below zero), the take's or the model's own. */
double take_given(double value, double otherwise);

/* Settings as JSON (a new object): what a file's metadata and a
 * report say about how it was made. */
lt_json *take_spec_json(const take_spec *s);

/* Steps of a window at the spec's speed. */
int take_steps_run(const take_spec *s);

const char *take_codes_name(take_codes codes);

#endif
