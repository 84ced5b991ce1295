/* prompt_wording.c - prompts that are put into a model's words. */
#include "pipeline/script/prompt_wording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pipeline/script/prompt_events.h"
#include "pipeline/script/wording_list.h"

static lt_status out_of_memory(lt_error *err)
{
    return lt_fail(err, LT_ERR_RESOURCES, "prompts: out of memory");
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* A text that grows; zero it before the first use, free() its text. */
typedef struct {
    char *text; /* ends with a zero */
    size_t bytes;
    size_t room;
} growing;

static lt_status append(growing *g, const char *from, size_t bytes, lt_error *err)
{
    if (!g->text || g->room - g->bytes <= bytes) {
        const size_t room = 2 * (g->bytes + bytes) + 64;
        char *larger = realloc(g->text, room);
        if (!larger)
            return out_of_memory(err);
        g->text = larger;
        g->room = room;
    }
    memcpy(g->text + g->bytes, from, bytes);
    g->bytes += bytes;
    g->text[g->bytes] = '\0';
    return LT_OK;
}

static lt_status append_text(growing *g, const char *text, lt_error *err)
{
    return append(g, text, strlen(text), err);
}

/* Where the article at the end of text[0 .. at) ends, a space before: "a" and "an" go by the word
 * behind. 0: none. */
static size_t article_before(const char *text, size_t at)
{
    const size_t end = at > 0 && text[at - 1] == ' ' ? at - 1 : 0;
    for (size_t n = 1; n <= 2 && n <= end; n++)
        if (wording_begins_word(text, end - n) && strncasecmp(text + end - n, "an", n) == 0)
            return end;
    return 0;
}

/* Appends words in the place of `was`, with as large a letter first. */
static lt_status say_for(growing *g, const char *said, const char *was, lt_error *err)
{
    const size_t article = article_before(g->text, g->bytes);
    if (article > 0) {
        /* up to the "a" itself */
        g->bytes = (g->text[article - 1] | 0x20) == 'n' ? article - 1 : article;
        const char *join = strchr("aeiou", said[0]) ? "n " : " ";
        LT_TRY(append_text(g, join, err));
    }
    const char first = *was >= 'A' && *was <= 'Z' ? upper(said[0]) : said[0];
    LT_TRY(append(g, &first, 1, err));
    return append_text(g, said + 1, err);
}

/* Other words instead of `bytes` bytes at `at`. */
static lt_status say_instead(const char *said, growing *g, size_t at, size_t bytes, lt_error *err)
{
    growing made = {0};
    lt_status s = append(&made, g->text, at, err);
    if (s == LT_OK)
        s = say_for(&made, said, g->text + at, err);
    if (s == LT_OK)
        s = append_text(&made, g->text + at + bytes, err);
    free(s == LT_OK ? g->text : made.text);
    if (s == LT_OK)
        *g = made;
    return s;
}

/* Appends what `words` are, with what is joined to it (`"orb" as "ball"`), where it is not told
 * yet, or dots where it does not fit. */
static void tell(const char *words, size_t word_bytes, const char *joint, const char *other,
                 size_t other_bytes, char *told, size_t bytes)
{
    char pair[128];
    snprintf(pair, sizeof pair, "\"%.*s\" %s \"%.*s\"", (int)word_bytes, words, joint,
             (int)other_bytes, other);
    const size_t used = strlen(told);
    const char *join = used > 0 ? ", " : "";
    if (strstr(told, pair) || strstr(told, "..."))
        return;
    if (used + strlen(pair) + sizeof ", , ..." <= bytes)
        snprintf(told + used, bytes - used, "%s%s", join, pair);
    else
        snprintf(told + used, bytes - used, "%s...", join);
}

/* Bytes of a word, of `words`, and of blanks that text[at] stands behind; 0: of none. */
static size_t word_before(const char *const *words, const char *text, size_t at)
{
    size_t end = at;
    while (end > 0 && strchr(" \t\n\r", text[end - 1]))
        end--;
    size_t from = end;
    while (from > 0 && take_is_word(text[from - 1]))
        from--;
    for (; *words; words++)
        if (strlen(*words) == end - from && strncasecmp(text + from, *words, end - from) == 0)
            return at - from;
    return 0;
}

/* The verb that begins at text[at] as it stands behind "to", longest; NULL: none does. */
static const wording_phrase *plain_verb_at(const take_wording *w, const char *text, size_t at,
                                           size_t *bytes)
{
    const wording_finding f =
        wording_words_at(w, WORDING_SAYS_STATE | WORDING_MEANS_NOTHING, -1, text, at);
    *bytes = f.bytes;
    return f.phrase && f.phrase->form == WORDING_BEHIND_TO ? f.phrase : NULL;
}

/* Words that are said instead of those at a place. */
typedef struct {
    const char *said; /* NULL: they stay */
    const char *was;  /* as the list has them */
    size_t before;    /* bytes before the place, of "to", that it stands for too */
    size_t bytes;     /* behind it */
} saying;

/* The model's own words; of a verb that "balls" do what "a ball" does, and of one that they are
 * "to" do what it is doing, as networks know these alone. Behind an article it is no verb, in an
 * event
 * ("comes to rest") a part of that. */
static saying saying_at(const take_wording *w, const char *text, size_t at)
{
    static const char *const to[] = {"to", NULL}, *const articles[] = {"a", "an", "the", NULL};
    const wording_finding event = wording_words_at(w, WORDING_LEADS_TO_STATE, -1, text, at);
    const wording_finding other = wording_words_at(w, WORDING_OTHER_WORDS, -1, text, at);
    if (event.bytes > other.bytes)
        return (saying){.bytes = event.bytes};
    const char *known = other.phrase ? other.phrase->known : NULL;
    saying s = {.said = known, .bytes = known ? other.bytes : 1};
    size_t bytes = 0;
    const wording_phrase *verb = plain_verb_at(w, known ? known : text, known ? 0 : at, &bytes);
    s.was = known ? other.phrase->text : verb ? verb->text : NULL;
    if (!verb || (known && known[bytes] != '\0') || word_before(articles, text, at) > 0)
        return s;
    s.before = word_before(to, text, at);
    s.bytes = known ? s.bytes : bytes;
    s.said = wording_in_form(verb, s.before > 0 ? WORDING_DOING : WORDING_DOES);
    return s;
}

static bool ends_with(const growing *g, const char *text, size_t bytes)
{
    return g->bytes >= bytes && memcmp(g->text + g->bytes - bytes, text, bytes) == 0;
}

lt_status take_prompt_reworded(const take_wording *w, const char *prompt, char **out, char *told,
                               size_t told_bytes, lt_error *err)
{
    growing g = {0};
    lt_status s = append(&g, "", 0, err);
    told[0] = '\0';
    for (size_t at = 0, bytes; w && s == LT_OK && prompt[at]; at += bytes) {
        const saying other = saying_at(w, prompt, at);
        bytes = other.bytes;
        if (!other.said) {
            s = append(&g, prompt + at, bytes, err);
            continue;
        }
        char was[64];
        snprintf(was, sizeof was, "%s%s", other.before > 0 ? "to " : "", other.was);
        /* not where "to" was itself said otherwise */
        if (ends_with(&g, prompt + at - other.before, other.before))
            g.bytes -= other.before;
        g.text[g.bytes] = '\0';
        s = say_for(&g, other.said, prompt + at - other.before, err);
        tell(was, strlen(was), "as", other.said, strlen(other.said), told, told_bytes);
    }
    const bool changed = s == LT_OK && told[0] != '\0';
    *out = changed ? g.text : NULL;
    if (!changed)
        free(g.text);
    return s;
}

static bool says_state(const take_wording *w, int kind, const char *text)
{
    size_t at = 0;
    return wording_next_state(w, kind, text, &at).phrase;
}

/* Takes off what joined words that are left out: blanks, commas and the word "and" at the end. */
static void take_off_joint(growing *g)
{
    static const char AND[] = "and";
    enum { BYTES = sizeof AND - 1 };
    for (size_t before = g->bytes + 1; g->bytes < before;) {
        before = g->bytes;
        while (g->bytes > 0 && strchr(" \t\n\r,", g->text[g->bytes - 1]))
            g->bytes--;
        g->text[g->bytes] = '\0';
        if (g->bytes >= BYTES && wording_begins_word(g->text, g->bytes - BYTES) &&
            wording_phrase_bytes(g->text + g->bytes - BYTES, AND) > 0)
            g->bytes -= BYTES;
    }
}

/* From where on words for a state at text[at] are left out, behind text[from]. */
static size_t beginning_of(const take_wording *w, int kind, const char *text, size_t from,
                           size_t at)
{
    for (size_t i = from; i < at; i++)
        from = strchr(",.;", text[i]) ? i + 1 : from;
    size_t begin = from;
    for (size_t i = from, bytes; i < at; i += bytes) {
        const wording_finding f = wording_words_at(w, WORDING_BEGINS_STATE, kind, text, i);
        bytes = f.phrase ? f.bytes : 1;
        begin = f.phrase ? i : begin;
    }
    return begin;
}

/* The first state of a kind in `text`, and the next one that is another: *at. */
static wording_finding other_state(const take_wording *w, int kind, const char *text,
                                   wording_finding *first, size_t *first_at, size_t *at)
{
    *first_at = 0;
    *first = wording_next_state(w, kind, text, first_at);
    wording_finding next = *first;
    for (*at = *first_at; next.phrase && next.phrase->state == first->phrase->state;) {
        *at += next.bytes;
        next = wording_next_state(w, kind, text, at);
    }
    return next;
}

/* Leaves out of `text` all states of a kind but the first. */
static void leave_out_others(const take_wording *w, int kind, growing *text)
{
    wording_finding first, other;
    size_t first_at, at;
    while ((other = other_state(w, kind, text->text, &first, &first_at, &at)).phrase) {
        const size_t behind = at + other.bytes, rest = text->bytes - behind;
        const size_t begin = beginning_of(w, kind, text->text, first_at + first.bytes, at);
        text->bytes = begin;
        text->text[begin] = '\0';
        take_off_joint(text);
        memmove(text->text + text->bytes, text->text + behind, rest + 1);
        text->bytes += rest;
    }
}

/* Appends to `g` what of `prompt` the language model is told. */
static lt_status append_planned(const take_wording *w, const char *prompt, growing *g,
                                lt_error *err)
{
    for (size_t at = 0, bytes; prompt[at]; at += bytes) {
        const wording_finding f = wording_words_at(w, WORDING_NOT_PLANNED, -1, prompt, at);
        bytes = f.phrase ? f.bytes : 1;
        if (!f.phrase) {
            LT_TRY(append(g, prompt + at, 1, err));
        } else if (f.phrase->known && !says_state(w, f.phrase->kind, prompt) &&
                   !says_state(w, f.phrase->kind, g->text)) {
            LT_TRY(say_for(g, f.phrase->known, prompt + at, err));
        } else {
            take_off_joint(g);
            bytes += g->bytes == 0 ? strspn(prompt + at + bytes, " ,") : 0;
        }
    }
    return LT_OK;
}

/* The words of a list, which is all that such a model was taught, are found whatever their case;
 * its sub-words know capitals hardly at all. */
static void in_small_letters(char *text)
{
    for (; *text; text++)
        *text = take_small_letter(*text);
}

lt_status take_prompt_told(const take_wording *w, const char *prompt, bool plan, char **out,
                           lt_error *err)
{
    growing one = {0}, planned = {0};
    lt_status s = append_text(&one, prompt, err);
    for (int kind = 0; s == LT_OK && w && kind < w->kinds; kind++)
        if (w->kind[kind].single)
            leave_out_others(w, kind, &one);
    if (s == LT_OK && w && plan) {
        s = append(&planned, "", 0, err);
        if (s == LT_OK)
            s = append_planned(w, one.text, &planned, err);
        free(one.text);
        one = planned;
    }
    if (s != LT_OK)
        free(one.text);
    else if (w)
        in_small_letters(one.text);
    *out = s == LT_OK ? one.text : NULL;
    return s;
}

/* Tells the first two states of a kind that `text` says. */
static void tell_others(const take_wording *w, int kind, const char *text, char *said, size_t bytes)
{
    wording_finding first;
    size_t first_at, at;
    const wording_finding other = other_state(w, kind, text, &first, &first_at, &at);
    if (other.phrase)
        tell(text + first_at, first.bytes, "and", text + at, other.bytes, said, bytes);
}

lt_status take_prompt_too_many(const take_wording *w, const char *prompt, char *said, size_t bytes,
                               lt_error *err)
{
    if (!w)
        return LT_OK;
    char *told; /* what belongs to a thing that is left out, as its colour, goes with it */
    LT_TRY(take_prompt_told(w, prompt, false, &told, err));
    for (int kind = 0; kind < w->kinds; kind++)
        tell_others(w, kind, w->kind[kind].single ? prompt : told, said, bytes);
    free(told);
    return LT_OK;
}

/* An event of a prompt, or what of it is on its way. */
typedef struct {
    int left;               /* so many states before its own */
    take_prompt_state *out; /* its `between` and `restated` */
} course;

/* The state to say: that of the event, or one on the way to it from the state before. */
static int state_on_the_way(const take_wording *w, const wording_phrase *event, int before,
                            const course *c)
{
    const wording_kind *kind = &w->kind[event->kind];
    if (kind->between == 0)
        return event->state;
    const int between = (event->state - before + kind->states) % kind->states - 1;
    const int left = c->left < between ? c->left : between;
    if (between > c->out->between) {
        c->out->between = between;
        c->out->between_seconds = kind->between;
    }
    return kind->first + (event->state - left - kind->first + kind->states) % kind->states;
}

/* Makes `text` say the state that an event leads to. *done: it does now. */
static lt_status restate(const take_wording *w, const wording_phrase *event, const course *c,
                         growing *text, bool *done, lt_error *err)
{
    size_t at = 0;
    const wording_finding was = wording_next_state(w, event->kind, text->text, &at);
    if (was.phrase) {
        *done = true;
        if (was.phrase->state == event->state)
            return LT_OK;
        const int state = state_on_the_way(w, event, was.phrase->state, c);
        return say_instead(wording_of_state(w, state, was.phrase->form), text, at, was.bytes, err);
    }
    if (!w->kind[event->kind].added)
        return LT_OK;
    *done = true;
    LT_TRY(append_text(text, ", ", err));
    return append_text(text, wording_of_state(w, event->state, 0), err);
}

enum { TOLD = 1 /* a letter that no prompt has: it was an event that `text` now has as a state */ };

/* Restates every listed event of `clause`, and writes TOLD over those that could be. */
static lt_status restate_all(const take_wording *w, char *clause, const course *c, growing *text,
                             bool *restated, lt_error *err)
{
    for (size_t at = 0, next; clause[at]; at = next) {
        size_t most = 0;
        for (int kind = 0; kind < w->kinds; kind++) {
            const wording_finding event = wording_event_at(w, kind, clause, at);
            bool done = false;
            if (event.phrase)
                LT_TRY(restate(w, event.phrase, c, text, &done, err));
            most = done && event.bytes > most ? event.bytes : most;
        }
        memset(clause + at, TOLD, most);
        *restated = *restated || most > 0;
        next = at + (most > 0 ? most : 1);
    }
    return LT_OK;
}

/* Bytes up to what divides a clause: a mark, or the word "and". *gap: of that. */
static size_t part_bytes(const char *clause, size_t *gap)
{
    for (size_t at = 0; clause[at]; at++) {
        *gap = strchr(",.;", clause[at])         ? 1
               : wording_begins_word(clause, at) ? wording_phrase_bytes(clause + at, "and")
                                                 : 0;
        if (*gap > 0)
            return at;
    }
    *gap = 0;
    return strlen(clause);
}

/* Appends the words of a part, without what stands around them, behind `join`, which is " and "
 * from then on. */
static lt_status append_part(const char *part, size_t bytes, const char **join, growing *g,
                             lt_error *err)
{
    size_t from = 0, to = bytes;
    while (from < to && !take_is_word(part[from]))
        from++;
    while (from < to && !take_is_word(part[to - 1]))
        to--;
    if (from == to)
        return LT_OK;
    LT_TRY(append_text(g, *join, err));
    *join = " and ";
    return append(g, part + from, to - from, err);
}

/* Appends what of a clause was not restated. */
static lt_status keep_rest(const char *clause, growing *tail, lt_error *err)
{
    const char *join = ", then ";
    for (size_t gap, bytes; *clause; clause += bytes + gap) {
        bytes = part_bytes(clause, &gap);
        if (!memchr(clause, TOLD, bytes))
            LT_TRY(append_part(clause, bytes, &join, tail, err));
    }
    return LT_OK;
}

/* One event of the prompt, `clause` with what leads to it (", and then "): into `text` what it
 * leads to, to `tail` what is left. */
static lt_status begin_event(const take_wording *w, char *clause, const course *c, growing *text,
                             growing *tail, lt_error *err)
{
    char *const behind_then = strcasestr(clause, "then") + strlen("then");
    bool known = false;
    c->out->between = 0;
    LT_TRY(restate_all(w, behind_then, c, text, &known, err));
    c->out->restated += known;
    return known ? keep_rest(behind_then, tail, err) : append_text(tail, clause, err);
}

lt_status take_prompt_begun(const take_wording *w, const char *prompt, const size_t *end,
                            int events, int begun, int left, take_prompt_state *out, lt_error *err)
{
    static const take_wording none = {0};
    growing text = {0}, tail = {0};
    *out = (take_prompt_state){0};
    lt_status s = append(&text, prompt, events > 0 ? end[0] : strlen(prompt), err);
    for (int i = 0; i < begun && s == LT_OK; i++) {
        const course c = {i + 1 < begun ? 0 : left, out};
        char *clause =
            strndup(prompt + end[i], (i + 1 < events ? end[i + 1] : strlen(prompt)) - end[i]);
        s = clause ? begin_event(w ? w : &none, clause, &c, &text, &tail, err) : out_of_memory(err);
        free(clause);
    }
    if (s == LT_OK && tail.bytes > 0)
        s = append(&text, tail.text, tail.bytes, err);
    free(tail.text);
    if (s != LT_OK)
        free(text.text);
    out->text = s == LT_OK ? text.text : NULL;
    return s;
}

/* ---- what goes on from a shot to the next ---- */

/* Does `text` say a state of a kind, or tell an event that leads to one? */
static bool tells_of(const take_wording *w, int kind, const char *text)
{
    for (size_t at = 0; text[at]; at++)
        if (wording_event_at(w, kind, text, at).phrase)
            return true;
    return says_state(w, kind, text);
}

/* Does `text` leave open what is usual of a kind? */
static bool takes_usual(const take_wording *w, int kind, const char *text)
{
    for (size_t at = 0; text[at]; at++)
        if (wording_words_at(w, WORDING_NOT_USUAL, kind, text, at).phrase)
            return false;
    return w->kind[kind].usual && !tells_of(w, kind, text);
}

lt_status take_prompt_with_usual(const take_wording *w, const char *prompt, char **out,
                                 lt_error *err)
{
    growing begun = {0}, whole = {0};
    size_t end[TAKE_MAX_EVENTS];
    size_t opening = take_prompt_events(prompt, end) > 0 ? end[0] : strlen(prompt);
    *out = NULL;
    lt_status s = append(&begun, prompt, opening, err);
    while (opening > 0 && !take_is_word(prompt[opening - 1]))
        opening--;
    for (int kind = 0; s == LT_OK && w && kind < w->kinds; kind++) {
        if (!takes_usual(w, kind, begun.text))
            continue;
        s = whole.text ? LT_OK : append(&whole, prompt, opening, err);
        if (s == LT_OK)
            s = append_text(&whole, ", ", err);
        if (s == LT_OK)
            s = append_text(&whole, w->kind[kind].usual, err);
    }
    if (s == LT_OK && whole.text)
        s = append_text(&whole, prompt + opening, err);
    free(begun.text);
    if (s != LT_OK)
        free(whole.text);
    else
        *out = whole.text;
    return s;
}

static bool names_thing(const take_wording *w, const char *text)
{
    for (int kind = 0; kind < w->kinds; kind++)
        if (w->kind[kind].single && says_state(w, kind, text))
            return true;
    return false;
}

/* Makes `text` say the states that `clause` says, and writes TOLD over those. */
static lt_status restate_said(const take_wording *w, char *clause, const course *c, growing *text,
                              lt_error *err)
{
    for (int kind = 0; kind < w->kinds; kind++) {
        size_t at = 0;
        bool done = false;
        const wording_finding said = wording_next_state(w, kind, clause, &at);
        if (said.phrase)
            LT_TRY(restate(w, said.phrase, c, text, &done, err));
        memset(clause + at, TOLD, done ? said.bytes : 0);
    }
    return LT_OK;
}

/* The word of a list that begins at `text`, and ends there; its bytes, or 0. */
static size_t word_of(const char *const *list, const char *text)
{
    size_t bytes = 0;
    for (; *list && bytes == 0; list++)
        bytes = wording_phrase_bytes(text, *list);
    return bytes;
}

/* Does `clause` begin as what speaks of things that are in sight? */
static bool begins_about_before(const char *clause)
{
    static const char *const beginnings[] = {"it",   "its", "then", "now",        "they",
                                             "this", "he",  "she",  "the camera", NULL};
    while (*clause && !take_is_word(*clause) && *clause != TOLD)
        clause++;
    return word_of(beginnings, clause) > 0;
}

/* Are there words in `text` [bytes] that say more than that it is about what is in sight? */
static bool says_more(const char *text, size_t bytes)
{
    static const char *const small[] = {"it",   "its",   "then",   "now",      "they", "this",
                                        "he",   "she",   "and",    "but",      "is",   "are",
                                        "the",  "a",     "again",  "suddenly", "soon", "there",
                                        "here", "still", "slowly", "later",    NULL};
    for (size_t at = 0, word; at < bytes; at += word) {
        word = wording_begins_word(text, at) ? word_of(small, text + at) : 0;
        if (word == 0 && take_is_word(text[at]))
            return true;
        word = word > 0 ? word : 1;
    }
    return false;
}

/* Appends the parts of `clause` that say more than what is TOLD. */
static lt_status keep_more(char *clause, growing *text, lt_error *err)
{
    const char *join = ", then ";
    size_t kept = 0;
    for (size_t at = 0; clause[at]; at++)
        if (clause[at] != TOLD)
            clause[kept++] = clause[at];
    clause[kept] = '\0';
    for (size_t gap, bytes; *clause; clause += bytes + gap) {
        bytes = part_bytes(clause, &gap);
        const size_t blanks = strspn(clause, " ");
        const size_t then = wording_phrase_bytes(clause + blanks, "then");
        const size_t from = then > 0 ? blanks + then : 0;
        if (says_more(clause, bytes))
            LT_TRY(append_part(clause + from, bytes - from, &join, text, err));
    }
    return LT_OK;
}

/* `before` as `prompt` changes it, where that names no thing of its own but speaks of those that
 * are in sight. *out: NULL where it does not. */
static lt_status change_before(const take_wording *w, const char *before, const char *prompt,
                               char **out, lt_error *err)
{
    growing text = {0};
    take_prompt_state ignored = {0};
    const course c = {0, &ignored};
    bool known = false;
    char *clause = strdup(prompt);
    lt_status s = clause ? append_text(&text, before, err) : out_of_memory(err);
    if (s == LT_OK)
        s = restate_all(w, clause, &c, &text, &known, err);
    if (s == LT_OK)
        s = restate_said(w, clause, &c, &text, err);
    const bool about =
        s == LT_OK && (begins_about_before(clause) || !says_more(clause, strlen(clause)));
    if (about)
        s = keep_more(clause, &text, err);
    free(clause);
    if (s != LT_OK || !about)
        free(text.text);
    *out = s == LT_OK && about ? text.text : NULL;
    return s;
}

/* `prompt` with the states that it leaves open, as `before` says them. */
static lt_status add_open(const take_wording *w, const char *before, const char *prompt, char **out,
                          lt_error *err)
{
    growing g = {0};
    for (int kind = 0; kind < w->kinds; kind++) {
        size_t at = 0;
        const wording_finding was = wording_next_state(w, kind, before, &at);
        if (!w->kind[kind].added || !was.phrase || tells_of(w, kind, prompt))
            continue;
        lt_status s = g.text ? LT_OK : append_text(&g, prompt, err);
        if (s == LT_OK)
            s = append_text(&g, ", ", err);
        if (s == LT_OK)
            s = append(&g, before + at, was.bytes, err);
        if (s != LT_OK) {
            free(g.text);
            return s;
        }
    }
    *out = g.text;
    return LT_OK;
}

lt_status take_prompt_going_on(const take_wording *w, const char *before, const char *prompt,
                               char **out, lt_error *err)
{
    *out = NULL;
    if (w && !names_thing(w, prompt))
        LT_TRY(change_before(w, before, prompt, out, err));
    return w && !*out ? add_open(w, before, prompt, out, err) : LT_OK;
}
