/* prompt_wording.c - a model's list of wordings, and prompts that are put into its words. */
#include "pipeline/prompt_wording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernels/core/decimal_text.h"
#include "pipeline/prompt_events.h"

typedef enum {
    SAYS_STATE,
    LEADS_TO_STATE,
    NAMES_STATE,   /* what stands before it */
    MEANS_NOTHING,
    OTHER_WORDS,   /* for `known` */
} phrase_use;

typedef struct {
    const char *text;
    phrase_use use;
    int kind;
    int state; /* of all kinds, counted together */
    int form;
    const char *known;
} phrase;

typedef struct {
    bool added;            /* to a prompt that has no words of the kind */
    double between;        /* seconds of a state that an event goes through; 0: it goes through none */
    int first;             /* state */
    int states;
} state_kind;

struct take_wording {
    char *text; /* of the file; the phrases are parts of it */
    phrase *phrases;
    int count;
    state_kind *kind;
    int kinds;
};

/* ---- reading the list ---- */

typedef struct {
    take_wording *words;
    const char *place;
    int line;
    int state;
    bool begun; /* the kind has a line */
} list_reader;

static lt_status fail_line(const list_reader *r, const char *found, const char *expected, lt_error *err)
{
    return lt_fail(err, LT_ERR_INPUT, "%s: line %d: found \"%s\", expected %s", r->place, r->line, found, expected);
}

static char *trimmed(char *text)
{
    text += strspn(text, " \t\r");
    for (size_t n = strlen(text); n > 0 && strchr(" \t\r", text[n - 1]); n--)
        text[n - 1] = '\0';
    return text;
}

static bool is_words(const char *text)
{
    return *text && take_is_word(text[0]) && take_is_word(text[strlen(text) - 1]);
}

/* Where `mark` is in text, which ends there from now on, and what stands behind it; NULL: nowhere. */
static char *cut(char *text, char mark)
{
    char *const at = strchr(text, mark);
    if (!at)
        return NULL;
    *at = '\0';
    return at + 1;
}

static lt_status add_phrase(list_reader *r, char *text, phrase_use use, int form, lt_error *err)
{
    take_wording *w = r->words;
    text = trimmed(text);
    if (use == NAMES_STATE) {
        const size_t n = strlen(text);
        if (n == 0 || text[n - 1] != '_')
            return fail_line(r, text, "words that end with '_'", err);
        text[n - 1] = '\0';
        text = trimmed(text);
    }
    if (!is_words(text) && !(use == NAMES_STATE && *text == '\0'))
        return fail_line(r, text, "words with commas between them", err);
    w->phrases[w->count++] = (phrase){.text = text, .use = use, .kind = w->kinds - 1, .state = r->state, .form = form};
    return LT_OK;
}

static lt_status add_phrases(list_reader *r, char *list, phrase_use use, lt_error *err)
{
    for (char *item = list, *next; item; item = next) {
        next = cut(item, ',');
        int form = 0;
        for (char *text = item, *other; text; text = other, form++) {
            other = use == SAYS_STATE ? cut(text, '|') : NULL;
            LT_TRY(add_phrase(r, text, use, form, err));
        }
    }
    return LT_OK;
}

/* "ball ~ orb, globe" */
static lt_status add_other_words(list_reader *r, char *known, char *others, lt_error *err)
{
    const int first = r->words->count;
    known = trimmed(known);
    if (!is_words(known))
        return fail_line(r, known, "words before '~'", err);
    LT_TRY(add_phrases(r, others, OTHER_WORDS, err));
    for (int i = first; i < r->words->count; i++)
        r->words->phrases[i].known = known;
    return LT_OK;
}

/* That of the line which is read: a new one, or the one that has begun. */
static state_kind *kind_of_line(list_reader *r)
{
    take_wording *w = r->words;
    if (!r->begun)
        w->kind[w->kinds++].first = r->state;
    return &w->kind[w->kinds - 1];
}

/* "> 2" */
static lt_status read_between(const list_reader *r, char *line, state_kind *kind, lt_error *err)
{
    if (!lt_parse_decimal(trimmed(line + 1), &kind->between) || !(kind->between > 0 && kind->between <= 3600))
        return fail_line(r, line, "seconds behind '>', more than 0 and at most 3600", err);
    return LT_OK;
}

static lt_status read_line(list_reader *r, char *line, lt_error *err)
{
    line = trimmed(line);
    if (*line == '#')
        return LT_OK;
    if (*line == '\0') {
        r->begun = false;
        return LT_OK;
    }
    char *const others = cut(line, '~');
    if (others)
        return add_other_words(r, line, others, err);
    state_kind *const kind = kind_of_line(r);
    if (strcmp(line, "+") == 0) {
        if (r->begun)
            return fail_line(r, line, "it on the first line of a kind", err);
        kind->added = true;
        r->begun = true;
        return LT_OK;
    }
    r->begun = true;
    if (*line == '>')
        return read_between(r, line, kind, err);
    if (*line == '-')
        return add_phrases(r, line + 1, MEANS_NOTHING, err);
    if (*line == '=')
        return add_phrases(r, line + 1, NAMES_STATE, err);
    char *const events = cut(line, '=');
    LT_TRY(add_phrases(r, line, SAYS_STATE, err));
    if (events)
        LT_TRY(add_phrases(r, events, LEADS_TO_STATE, err));
    r->state++;
    kind->states++;
    return LT_OK;
}

static lt_status read_lines(take_wording *w, const char *place, lt_error *err)
{
    list_reader r = {.words = w, .place = place, .line = 1};
    for (char *line = w->text, *next; line; line = next, r.line++) {
        next = cut(line, '\n');
        LT_TRY(read_line(&r, line, err));
    }
    return LT_OK;
}

lt_status take_wording_parse(const char *text, const char *place, take_wording **out, lt_error *err)
{
    size_t most = 1; /* phrases, and kinds */
    for (const char *at = text; *at; at++)
        most += strchr(",|=\n", *at) != NULL;
    take_wording *w = calloc(1, sizeof *w);
    if (w) {
        w->text = strdup(text);
        w->phrases = calloc(most, sizeof *w->phrases);
        w->kind = calloc(most, sizeof *w->kind);
    }
    const lt_status s = w && w->text && w->phrases && w->kind ? read_lines(w, place, err)
                                                              : lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", place);
    if (s != LT_OK)
        take_wording_close(w);
    *out = s == LT_OK ? w : NULL;
    return s;
}

void take_wording_close(take_wording *w)
{
    if (!w)
        return;
    free(w->text);
    free(w->phrases);
    free(w->kind);
    free(w);
}

/* ---- finding phrases ---- */

/* Bytes of `text` that are the phrase, in any case and with any blanks, up to the end of a word; 0: it is another text. */
static size_t bytes_of(const char *text, const char *said)
{
    const char *at = text;
    for (; *said; said++) {
        if (*said == ' ') {
            const size_t blanks = strspn(at, " \t\n\r");
            if (blanks == 0)
                return 0;
            at += blanks;
        } else if (strncasecmp(at, said, 1) == 0) {
            at++;
        } else {
            return 0;
        }
    }
    return take_is_word(*at) ? 0 : (size_t)(at - text);
}

static bool begins_word(const char *text, size_t at)
{
    return take_is_word(text[at]) && (at == 0 || !take_is_word(text[at - 1]));
}

typedef struct {
    const phrase *phrase; /* NULL: none */
    size_t bytes;
} finding;

/* The longest words of a kind that begin at text[at]: for a state, or for nothing. */
static finding state_at(const take_wording *w, int kind, const char *text, size_t at)
{
    finding longest = {0};
    for (int i = 0; i < w->count && begins_word(text, at); i++) {
        const phrase *p = &w->phrases[i];
        const bool fits = p->kind == kind && (p->use == SAYS_STATE || p->use == MEANS_NOTHING);
        const size_t n = fits ? bytes_of(text + at, p->text) : 0;
        if (n > longest.bytes)
            longest = (finding){p, n};
    }
    return longest;
}

/* The longest event of a kind that begins at text[at], as a phrase of the state that it leads to. */
static finding event_at(const take_wording *w, int kind, const char *text, size_t at)
{
    finding longest = {0};
    for (int i = 0; i < w->count && begins_word(text, at); i++) {
        finding f = {&w->phrases[i], 0};
        if (f.phrase->kind != kind || (f.phrase->use != LEADS_TO_STATE && f.phrase->use != NAMES_STATE))
            continue;
        f.bytes = bytes_of(text + at, f.phrase->text);
        if (f.phrase->use == NAMES_STATE && (f.bytes > 0 || f.phrase->text[0] == '\0')) {
            const size_t before = f.bytes + strspn(text + at + f.bytes, " \t\n\r");
            f = state_at(w, kind, text, at + before);
            f.bytes = f.phrase && f.phrase->use == SAYS_STATE ? before + f.bytes : 0;
        }
        if (f.bytes > longest.bytes)
            longest = f;
    }
    return longest;
}

/* The words for a state in the form asked for, or, where it has no such form, in its first. */
static const char *words_for(const take_wording *w, int state, int form)
{
    const char *first = NULL;
    for (int i = 0; i < w->count; i++) {
        const phrase *p = &w->phrases[i];
        if (p->state != state || p->use != SAYS_STATE)
            continue;
        if (p->form == form)
            return p->text;
        first = first ? first : p->text;
    }
    return first;
}

/* ---- changing a prompt ---- */

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

/* Where the article at the end of text[0 .. at) ends, a space before: "a" and "an" go by the word behind. 0: none. */
static size_t article_before(const char *text, size_t at)
{
    const size_t end = at > 0 && text[at - 1] == ' ' ? at - 1 : 0;
    for (size_t n = 1; n <= 2 && n <= end; n++)
        if (begins_word(text, end - n) && strncasecmp(text + end - n, "an", n) == 0)
            return end;
    return 0;
}

/* Appends words in the place of `was`, with as large a letter first. */
static lt_status say_for(growing *g, const char *said, const char *was, lt_error *err)
{
    const size_t article = article_before(g->text, g->bytes);
    if (article > 0) {
        g->bytes = (g->text[article - 1] | 0x20) == 'n' ? article - 1 : article; /* up to the "a" itself */
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

static finding other_words_at(const take_wording *w, const char *text, size_t at)
{
    finding longest = {0};
    for (int i = 0; i < w->count && begins_word(text, at); i++) {
        const size_t n = w->phrases[i].use == OTHER_WORDS ? bytes_of(text + at, w->phrases[i].text) : 0;
        if (n > longest.bytes)
            longest = (finding){&w->phrases[i], n};
    }
    return longest;
}

/* Appends `"orb" is "ball"` where it is not told yet, or dots where it does not fit. */
static void tell(const phrase *p, char *told, size_t bytes)
{
    char change[128];
    snprintf(change, sizeof change, "\"%s\" is \"%s\"", p->text, p->known);
    const size_t used = strlen(told);
    const char *join = used > 0 ? ", " : "";
    if (strstr(told, change) || strstr(told, "..."))
        return;
    if (used + strlen(change) + sizeof ", , ..." <= bytes)
        snprintf(told + used, bytes - used, "%s%s", join, change);
    else
        snprintf(told + used, bytes - used, "%s...", join);
}

lt_status take_prompt_reworded(const take_wording *w, const char *prompt, char **out, char *told, size_t told_bytes, lt_error *err)
{
    growing g = {0};
    lt_status s = append(&g, "", 0, err);
    told[0] = '\0';
    for (size_t at = 0, bytes; w && s == LT_OK && prompt[at]; at += bytes) {
        const finding f = other_words_at(w, prompt, at);
        bytes = f.phrase ? f.bytes : 1;
        s = f.phrase ? say_for(&g, f.phrase->known, prompt + at, err) : append(&g, prompt + at, 1, err);
        if (f.phrase)
            tell(f.phrase, told, told_bytes);
    }
    const bool changed = s == LT_OK && told[0] != '\0';
    *out = changed ? g.text : NULL;
    if (!changed)
        free(g.text);
    return s;
}

/* An event of a prompt, or what of it is on its way. */
typedef struct {
    int left;               /* so many states before its own */
    take_prompt_state *out; /* its `between` and `restated` */
} course;

/* The state to say: that of the event, or one on the way to it from the state before. */
static int state_on_the_way(const take_wording *w, const phrase *event, int before, const course *c)
{
    const state_kind *kind = &w->kind[event->kind];
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
static lt_status restate(const take_wording *w, const phrase *event, const course *c, growing *text, bool *done, lt_error *err)
{
    finding was;
    for (size_t at = 0; text->text[at]; at += was.bytes > 0 ? was.bytes : 1) {
        was = state_at(w, event->kind, text->text, at);
        if (!was.phrase || was.phrase->use == MEANS_NOTHING)
            continue;
        *done = true;
        if (was.phrase->state == event->state)
            return LT_OK;
        const int state = state_on_the_way(w, event, was.phrase->state, c);
        return say_instead(words_for(w, state, was.phrase->form), text, at, was.bytes, err);
    }
    if (!w->kind[event->kind].added)
        return LT_OK;
    *done = true;
    LT_TRY(append_text(text, ", ", err));
    return append_text(text, words_for(w, event->state, 0), err);
}

enum { TOLD = 1 /* a letter that no prompt has: it was an event that `text` now has as a state */ };

/* Restates every listed event of `clause`, and writes TOLD over those that could be. */
static lt_status restate_all(const take_wording *w, char *clause, const course *c, growing *text, bool *restated, lt_error *err)
{
    for (size_t at = 0, next; clause[at]; at = next) {
        size_t most = 0;
        for (int kind = 0; kind < w->kinds; kind++) {
            const finding event = event_at(w, kind, clause, at);
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
        *gap = strchr(",.;", clause[at]) ? 1 : begins_word(clause, at) ? bytes_of(clause + at, "and") : 0;
        if (*gap > 0)
            return at;
    }
    *gap = 0;
    return strlen(clause);
}

/* Appends what of a clause was not restated. */
static lt_status keep_rest(const char *clause, growing *tail, lt_error *err)
{
    const char *join = ", then ";
    for (size_t gap, bytes; *clause; clause += bytes + gap) {
        bytes = part_bytes(clause, &gap);
        size_t from = 0, to = bytes;
        while (from < to && !take_is_word(clause[from]))
            from++;
        while (from < to && !take_is_word(clause[to - 1]))
            to--;
        if (from == to || memchr(clause, TOLD, bytes))
            continue;
        LT_TRY(append_text(tail, join, err));
        LT_TRY(append(tail, clause + from, to - from, err));
        join = " and ";
    }
    return LT_OK;
}

/* One event of the prompt, `clause` with what leads to it (", and then "): into `text` what it leads to, to `tail` what is left. */
static lt_status begin_event(const take_wording *w, char *clause, const course *c, growing *text, growing *tail, lt_error *err)
{
    char *const behind_then = strcasestr(clause, "then") + strlen("then");
    bool known = false;
    c->out->between = 0;
    LT_TRY(restate_all(w, behind_then, c, text, &known, err));
    c->out->restated += known;
    return known ? keep_rest(behind_then, tail, err) : append_text(tail, clause, err);
}

lt_status take_prompt_begun(const take_wording *w, const char *prompt, const size_t *end, int events, int begun, int left,
                            take_prompt_state *out, lt_error *err)
{
    static const take_wording none = {0};
    growing text = {0}, tail = {0};
    *out = (take_prompt_state){0};
    lt_status s = append(&text, prompt, events > 0 ? end[0] : strlen(prompt), err);
    for (int i = 0; i < begun && s == LT_OK; i++) {
        const course c = {i + 1 < begun ? 0 : left, out};
        char *clause = strndup(prompt + end[i], (i + 1 < events ? end[i + 1] : strlen(prompt)) - end[i]);
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
