/* shot_times.c - shots -> the segments and windows that they begin in; see shot_times.h. */
#include "pipeline/script/shot_times.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/script/prompt_events.h"
#include "pipeline/script/take_shots.h"

int64_t take_shot_plan_frame(const take_spec *s, int shot)
{
    const int64_t segment = take_segment_of_change(&s->time, s->shot[shot].at_frame);
    const int64_t semantic = segment * s->time.segment;
    const int64_t frame = semantic > 0 ? take_frames_of_latents(semantic) : 0;
    return frame < s->time.frames ? frame : -1;
}

int64_t take_shot_picture_frame(const take_spec *s, int shot)
{
    const take_window w =
        take_window_at(&s->time, take_window_of_change(&s->time, s->shot[shot].at_frame));
    return w.first_frame < s->time.frames ? w.first_frame : -1;
}

/* ---- by whom it is heard ---- */

static bool is_planned(const take_spec *s, int shot)
{
    return take_shot_plan_frame(s, shot) >= 0 &&
           take_shot_of_segment(s, take_segment_of_change(&s->time, s->shot[shot].at_frame)) ==
               shot;
}

static bool is_painted(const take_spec *s, int shot)
{
    return take_shot_picture_frame(s, shot) >= 0 &&
           take_shot_of_window(s, take_window_of_change(&s->time, s->shot[shot].at_frame)) == shot;
}

bool take_shot_is_heard(const take_spec *s, int shot)
{
    return take_shot_picture_frame(s, shot) >= 0 && (is_painted(s, shot) || is_planned(s, shot));
}

/* ---- words ---- */

enum { WORDS_BYTES = 40, DOTS = 3 }; /* of "..." */

/* What is new in `prompt`, behind `before`: whole words, [*first, *end). All of it where that is
 * short, or nothing is new. */
static void new_words(const char *before, const char *prompt, size_t *first, size_t *end)
{
    const size_t bytes = strlen(prompt);
    const size_t old = strlen(before);
    size_t head = 0;
    size_t tail = 0;
    *first = 0;
    *end = bytes;
    while (head < bytes && head < old && prompt[head] == before[head])
        head++;
    while (tail < bytes - head && tail < old - head &&
           prompt[bytes - 1 - tail] == before[old - 1 - tail])
        tail++;
    if (bytes <= WORDS_BYTES || head + tail == bytes)
        return;
    while (head > 0 && take_is_word(prompt[head - 1]) &&
           (take_is_word(prompt[head]) || take_is_word(before[head])))
        head--;
    while (tail > 0 && take_is_word(prompt[bytes - tail]) &&
           (take_is_word(prompt[bytes - tail - 1]) ||
            (tail < old && take_is_word(before[old - tail - 1]))))
        tail--;
    while (head < bytes - tail && !take_is_word(prompt[head]))
        head++;
    if (head == bytes - tail)
        return;
    *first = head > DOTS + 1 ? head : 0; /* what dots would not be shorter than stays */
    *end = tail > DOTS ? bytes - tail : bytes;
}

/* The shot in its own words, shortened; on one line. */
static void name_shot(const take_spec *s, int shot, char name[WORDS_BYTES + 8])
{
    const char *prompt = s->shot[shot].prompt;
    size_t first;
    size_t end;
    new_words(s->shot[shot - 1].prompt, prompt, &first, &end);
    if (end - first > (prompt[end] ? WORDS_BYTES : WORDS_BYTES + DOTS)) {
        size_t cut = first + WORDS_BYTES;
        while (cut > first && prompt[cut] != ' ')
            cut--;
        for (end = cut > first ? cut : first + WORDS_BYTES;
             end > first && ((unsigned char)prompt[end] & 0xc0) == 0x80;)
            end--;
    }
    snprintf(name, WORDS_BYTES + 8, "%s%.*s%s", first > 0 ? "... " : "", (int)(end - first),
             prompt + first, prompt[end] ? "..." : "");
    for (char *c = name; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

void take_shot_line(const take_spec *s, int shot, char text[TAKE_SHOT_LINE_BYTES])
{
    const int64_t picture = take_shot_picture_frame(s, shot);
    const double planned = (double)take_shot_plan_frame(s, shot) / s->model_fps;
    const double painted = (double)picture / s->model_fps;
    const char *why = picture < 0 ? "the take ends before its next window"
                                  : "the next prompt comes before its window";
    char name[WORDS_BYTES + 8];
    name_shot(s, shot, name);
    const int used = snprintf(text, TAKE_SHOT_LINE_BYTES, "\"%s\" (%.1f s): ", name,
                              (double)s->shot[shot].at_frame / s->model_fps);
    char *rest = text + used;
    const size_t room = TAKE_SHOT_LINE_BYTES - (size_t)used;
    if (is_painted(s, shot) && is_planned(s, shot))
        snprintf(rest, room, "planned from %.1f s on, painted from %.1f s on", planned, painted);
    else if (is_painted(s, shot))
        snprintf(rest, room, "painted from %.1f s on, never planned", painted);
    else if (is_planned(s, shot) && picture >= 0)
        snprintf(rest, room, "planned from %.1f s on, painted by the plan alone: %s", planned, why);
    else if (is_planned(s, shot))
        snprintf(
            rest, room,
            "planned from %.1f s on, but painted by the plan alone, which may show a part of it: %s",
            planned, why);
    else
        snprintf(rest, room, "never seen: %s", why);
}
