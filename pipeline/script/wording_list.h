/* wording_list.h - `wording.txt` of a small model's folder: how its prompts are worded.
 * prompt_wording.h changes prompts by it.
 *
 *     # other words for what the model knows
 *     ball ~ orb, globe
 *
 *     # a kind of words, of which one holds at a time; an empty line ends it
 *     = starts _, begins _
 *     bounces|bouncing, hops|hopping
 *     rests|resting = stops, comes to rest
 *     - falling snow
 *
 *     +
 *     > 2
 *     ? at noon = in space
 *     at noon, on a sunny day = the day gets bright
 *     at dusk = the sun sets
 *     at night, by night = night falls
 *
 *     on a beach, by the sea
 *     in a meadow
 *     ! near a lighthouse, past a lighthouse = on a beach
 *
 *     & a, the, and a, next to a
 *     ball, sphere
 *     cube
 *
 * A line of a kind has the words for one state, and behind `=` the events that lead to it. Said are
 * the first of them, in the form (`|`) of what they take the place of. Of three forms
 * (`bounces|bouncing|bounce`) the third is read, but never said: `balls bounce` as the first, `to
 * bounce` as the second. A line that begins with `=`: how events name a state of the kind, `_`
 * being its words. `-`: words in which none of the kind are meant. `+`: a prompt that has none of
 * the kind gets them at its end, as an event or from the prompt before. `> 2`: states of the kind
 * come one after the other as their lines do, and the first again after the last; an event goes
 * through those between, two seconds each. `?`: a take whose first prompt says no state of the kind
 * begins with this one, unless the prompt has words that stand behind `=`: of what has no such
 * state, or that say one otherwise. `!`: words that the plan is made without, as refinement alone
 * paints what they say; behind `=`, what the plan is told for them where the prompt says no state
 * of the kind. `&`: networks are told of the first state of the kind alone; words of another are
 * left out, from the nearest of these words before them on.
 */
#ifndef TAKE_WORDING_LIST_H
#define TAKE_WORDING_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/core/status.h"

typedef enum {
    WORDING_SAYS_STATE = 1,
    WORDING_LEADS_TO_STATE = 2,
    WORDING_NAMES_STATE = 4, /* what stands before it */
    WORDING_MEANS_NOTHING = 8,
    WORDING_OTHER_WORDS = 16,  /* for `known` */
    WORDING_NOT_PLANNED = 32,  /* but `known`, where no state of the kind is said; NULL: nothing */
    WORDING_BEGINS_STATE = 64, /* what stands behind it, up to the state's own words */
    WORDING_NOT_USUAL = 128,   /* of what is said so, a state of the kind is not left open */
} wording_use;

typedef struct {
    const char *text;
    wording_use use;
    int kind;
    int state; /* of all kinds, counted together */
    int form;
    const char *known;
} wording_phrase;

typedef struct {
    bool added;        /* to a prompt that has no words of the kind */
    bool single;       /* a prompt means one of the kind, the first */
    const char *usual; /* words of the state that a take begins with; NULL: it is left open */
    double between;    /* seconds of a state that an event goes through; 0: it goes through none */
    int first;         /* state */
    int states;
} wording_kind;

typedef struct take_wording {
    char *text; /* of the file; the phrases are parts of it */
    wording_phrase *phrases;
    int count;
    wording_kind *kind;
    int kinds;
} take_wording;

/* `place`: the file's name, for messages. LT_ERR_INPUT with the line, LT_ERR_RESOURCES. */
lt_status take_wording_parse(const char *text, const char *place, take_wording **out,
                             lt_error *err);
void take_wording_close(take_wording *w);

/* ---- finding phrases ---- */

typedef struct {
    const wording_phrase *phrase; /* NULL: none */
    size_t bytes;
} wording_finding;

/* Bytes of `text` that are the phrase, in any case and with any blanks, up to the end of a word; 0:
 * it is another text. */
size_t wording_phrase_bytes(const char *text, const char *said);
bool wording_begins_word(const char *text, size_t at);
/* The longest words of any of the `uses`, of any kind where `kind` is
 * negative, that begin at text[at]. */
wording_finding wording_words_at(const take_wording *w, int uses, int kind, const char *text,
                                 size_t at);
/* The longest event of a kind that begins at text[at], as a phrase
 * of the state that it leads to. */
wording_finding wording_event_at(const take_wording *w, int kind, const char *text, size_t at);
/* The first words for a state of a kind from text[*at] on; *at is where they are, or the end. */
wording_finding wording_next_state(const take_wording *w, int kind, const char *text, size_t *at);
/* Forms of words that have three. */
enum { WORDING_DOES, WORDING_DOING, WORDING_BEHIND_TO };
const char *wording_in_form(const wording_phrase *of_three, int form);
/* The words for a state in the form asked for, or, where it has no such form, in its first. */
const char *wording_of_state(const take_wording *w, int state, int form);

#endif
