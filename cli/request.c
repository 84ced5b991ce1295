/* request.c - flags -> settings and prompt; see request.h. */
#include "cli/request.h"

#include "cli/flag_values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int whole(double v)
{
    return cli_given(v) ? (int)v : LONGTAKE_UNSET;
}

static double real(double v)
{
    return cli_given(v) ? v : LONGTAKE_UNSET;
}

static longtake_fit fit_of(const char *name)
{
    static const char *const names[] = {"cover", "pad", "crop", "stretch"};
    for (int i = 0; name && i < 4; i++)
        if (strcmp(name, names[i]) == 0)
            return (longtake_fit)i;
    return LONGTAKE_FIT_COVER;
}

void cli_fill_settings(const cli_values *v, longtake_settings *s)
{
    if (cli_given(v->seed))
        s->seed = (int64_t)v->seed;
    s->seconds = real(v->seconds);
    s->frames = cli_given(v->frames) ? (int64_t)v->frames : LONGTAKE_UNSET;
    s->semantic_frames = cli_given(v->num_frames) ? (int64_t)v->num_frames : LONGTAKE_UNSET;
    s->fps = real(v->fps);
    s->width = whole(v->width);
    s->height = whole(v->height);
    s->scale = whole(v->scale);
    s->fit = fit_of(v->fit);
    s->lm_cfg = real(v->lm_cfg);
    s->shot_cfg = real(v->shot_cfg);
    s->temperature = real(v->temperature);
    s->top_k = whole(v->top_k);
    s->top_p = real(v->top_p);
    s->motion = real(v->motion);
    s->lm_context = whole(v->lm_context);
    s->steps = whole(v->steps);
    s->cfg_scale = real(v->cfg_scale);
    s->cfg_schedule = v->cfg_schedule;
    s->guidance = v->guidance;
    s->overlap = whole(v->overlap);
    s->carry = v->carry;
    s->speed = v->speed;
    s->codes = v->codes;
}

int cli_prompt(cli_context *c, const char *text, char **prompt)
{
    *prompt = NULL;
    if (!text)
        return LONGTAKE_OK;
    if (strcmp(text, "@") == 0)
        return cli_usage(c, "--prompt: found \"@\", expected the name of a file behind it");
    if (text[0] == '@' || strcmp(text, "-") == 0)
        return cli_read_text(c, text[0] == '@' ? text + 1 : text, prompt);
    *prompt = strdup(text);
    const longtake_error full = {.code = LONGTAKE_ERR_RESOURCES, .message = "out of memory"};
    return *prompt ? LONGTAKE_OK : cli_fail(c, &full);
}
