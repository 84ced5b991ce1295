/* take_run.h - one take on its way: the spec, the job folder, and what the stages have made so far.
 *
 * The stages in order, each in a file of its own; every one first looks into the job folder:
 *
 *     take_text        prompts -> text embeddings           both text encoders
 *     plan/take_plan   text -> ids of every segment         language model
 *     take_refine      ids + text + noise -> latents        tokenizer, MMDiT; window by window
 *     take_decode      latents -> frames -> encoded video   temporal VAE, media; window by window
 *
 * Memory does not grow with the take's length, the list of ids (four bytes each) apart.
 */
#ifndef TAKE_TAKE_RUN_H
#define TAKE_TAKE_RUN_H

#include "longtake.h"
#include "pipeline/engine.h"
#include "pipeline/job_folder.h"
#include "pipeline/take_clock.h"
#include "pipeline/take_key.h"
#include "pipeline/take_memory.h"
#include "pipeline/take_spec.h"

typedef enum { TAKE_FOR_AR, TAKE_FOR_MMDIT, TAKE_TEXT_ROLES } take_text_role;

/* One prompt as one network sees it. */
typedef struct {
    float *rows; /* [count, width of that network's text] */
    int count;
    lt_hash key;
} take_text;

/* A segment of the plan: all are full but the last, unless the plan was joined from several. */
typedef struct {
    int64_t first_frame; /* semantic */
    int frames;
    int64_t first_id; /* in take_plan.ids */
    int ids;
    int given;   /* of those, the first that a file or reference gives */
    lt_hash key; /* of everything up to and including its ids */
} take_segment;

/* The semantic plan; plan/take_plan.h makes it. */
typedef struct {
    int32_t *ids; /* of all segments, as drawn */
    int64_t id_count;
    take_segment *segment; /* [segments] */
    int64_t segments;
    int64_t frames; /* semantic; features beyond repeat the last */
} take_plan;

typedef struct take_reference take_reference; /* take_reference.h */

typedef struct {
    longtake *engine;
    const longtake_request *request;
    take_spec spec;
    take_clock clock;
    take_job *job; /* NULL: nothing is kept */
    char *job_path;
    bool job_is_implicit;      /* beside the output; goes on success */
    bool job_is_own;           /* and is no other command's: nothing goes on from it */
    bool looks_only;           /* nothing is computed: keys alone */
    take_memory memory;        /* how networks and the VAE keep to it */
    take_reference *reference; /* NULL: the take begins anew */

    take_text *text[TAKE_TEXT_ROLES]; /* [spec.shots] each, made by take_text_prepare */
    take_plan plan;

    char *playable;    /* an unfinished video that stays: NAME.part.mp4; or NULL */
    char *given_about; /* how the input was made, where the input says so: its settings apart kept
                          as it is in the output */

    char **warning; /* texts, for the report */
    int warnings;
} take_run;

void take_run_open(take_run *run, longtake *e, const longtake_request *r);
/* Has the take a job folder: the one that the request asks for, or one beside `output` (NULL or a
 * stream: none)? */
bool take_has_job(const longtake_request *r, const char *output);
/* Does a job folder stay when all is done? */
bool take_job_stays(const longtake_request *r);
/* Opens the job folder that the request asks for. `output` names an implicit
 * one; NULL or a stream: none. */
lt_status take_run_open_job(take_run *run, const char *output, lt_error *err);
/* The same for a run that looks only, where the folder is there already and nothing is to be
 * forgotten; else there is no job. */
lt_status take_run_look_into_job(take_run *run, const char *output, lt_error *err);
/* `done`: an implicit job folder goes. */
void take_run_close(take_run *run, bool done);

/* A line for the user and for the report; copies it. */
void take_warn(take_run *run, const char *format, ...) LT_PRINTF(2, 3);

/* A line for whoever hears of a request, before a run is begun: false
 * where the answer is to stop. */
bool take_tell_request(const longtake_request *r, const char *line);
/* A line for the user alone. */
void take_note(take_run *run, const char *format, ...) LT_PRINTF(2, 3);

/* `run` is a take_run that waits for something, such as a video that is read: not 0 when its user
 * asks to stop, or its other thread failed. */
int take_run_asks_to_stop(void *run);

#endif
