/* take_task.h - one command of longtake.h on its way, from the request to the product.
 *
 *     take_task t;
 *     take_task_open(&t, engine, request, command);
 *     take_task_settle(&t, err);     input and request are read and checked: t.run.spec
 *                                    says every number of the take
 *     take_task_prepare(&t, err);    job folder, texts, plan
 *     command->make(&t, err);
 *     take_task_close(&t, made);
 *
 * Settling reads no weights and writes nothing: a dry run ends there.
 */
#ifndef TAKE_TAKE_TASK_H
#define TAKE_TAKE_TASK_H

#include "pipeline/output_kind.h"
#include "pipeline/plan/take_encode.h"
#include "pipeline/script/recipe.h"
#include "pipeline/script/shot_times.h"
#include "pipeline/take_memory.h"
#include "pipeline/take_reference.h"
#include "pipeline/take_settings.h"
#include "pipeline/take_stream.h"
#include "tokenizer/token_plan.h"

typedef struct take_task take_task;

/* What is a command's own. */
typedef struct {
    const char *name;
    take_writes writes;
    unsigned does;     /* take_does; 0: no take, and no job folder */
    unsigned reads;    /* take_reads: of a request, the rest of which is passed over */
    const char *input; /* what it reads; NULL: none */
    bool in_windows;   /* may make some windows alone (--window), for a job folder */
    lt_status (*settle)(take_task *t, lt_error *err);
    lt_status (*make)(take_task *t, lt_error *err);
} take_command;

struct take_task {
    const take_command *command;
    take_run run;
    longtake_request request; /* the caller's, as far as the command reads it, filled up by what the
                                 input says */
    take_output_kind kind;
    take_reference reference;     /* of a video or picture that the take begins with */
    tok_plan plan;                /* that a token file, or the request, gives */
    take_latents_reader *latents; /* of a latents file, */
    take_recipe recipe;           /* and how it, or the plan, was made */
    lt_json *settings; /* of the plan, as its notes have them; the request borrows its prompts */
    take_seam seam;
    take_encoding encoding; /* of `encode` */
};

void take_task_open(take_task *t, longtake *e, const longtake_request *r,
                    const take_command *command);
lt_status take_task_settle(take_task *t, lt_error *err);
lt_status take_task_prepare(take_task *t, lt_error *err);
/* Instead of preparing: what the job folder holds of every window, found [windows]. Computes
 * nothing; weight files are read for their hashes where there is a folder. *known is false where
 * only encoding a video would tell. */
lt_status take_task_look(take_task *t, take_cached *found, bool *known, lt_error *err);
/* What take_shot_line says of a shot, and how long a take would show it
 * where this one does not: false. */
bool take_task_shot_line(const take_task *t, int shot, char text[TAKE_SHOT_LINE_BYTES]);
/* Would it refine a plan that is all pictures (tokenizer/picture_codes.h)? They show what they are:
 * they need no prompt, and no window of them is refined. */
bool take_task_is_of_pictures(const take_task *t);
/* What the command does, as take_memory.h counts it. */
unsigned take_task_does(const take_task *t);
/* `done`: an implicit job folder goes. */
void take_task_close(take_task *t, bool done);

/* ---- how a command settles ---- */

/* a prompt, or a picture to begin with */
lt_status take_settle_prompt(take_task *t, lt_error *err);
lt_status take_settle_video(take_task *t, lt_error *err);   /* a video to go on from */
lt_status take_settle_clip(take_task *t, lt_error *err);    /* a video to encode */
lt_status take_settle_tokens(take_task *t, lt_error *err);  /* a token file */
lt_status take_settle_latents(take_task *t, lt_error *err); /* a latents file */

#endif
