/* wording_list.c - a model's list of wordings is read, and its phrases are found in prompts. */
#include "pipeline/script/wording_list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernels/core/decimal_text.h"
#include "pipeline/script/prompt_events.h"

/* ---- reading the list ---- */

typedef struct {
    take_wording *words;
    const char *place;
    int line;
    int state;
    bool begun; /* the kind has a line */
} list_reader;

static lt_status fail_line(const list_reader *r, const char *found, const char *expected,
                           lt_error *err)
{
    return lt_fail(err, LT_ERR_INPUT, "%s: line %d: found \"%s\", expected %s", r->place, r->line,
                   found, expected);
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

/* Where `mark` is in text, which ends there from now on, and what
 * stands behind it; NULL: nowhere. */
static char *cut(char *text, char mark)
{
    char *const at = strchr(text, mark);
    if (!at)
        return NULL;
    *at = '\0';
    return at + 1;
}

static lt_status add_phrase(list_reader *r, char *text, wording_use use, int form, lt_error *err)
{
    take_wording *w = r->words;
    text = trimmed(text);
    if (use == WORDING_NAMES_STATE) {
        const size_t n = strlen(text);
        if (n == 0 || text[n - 1] != '_')
            return fail_line(r, text, "words that end with '_'", err);
        text[n - 1] = '\0';
        text = trimmed(text);
    }
    if (!is_words(text) && !(use == WORDING_NAMES_STATE && *text == '\0'))
        return fail_line(r, text, "words with commas between them", err);
    w->phrases[w->count++] = (wording_phrase){
        .text = text, .use = use, .kind = w->kinds - 1, .state = r->state, .form = form};
    return LT_OK;
}

static lt_status add_phrases(list_reader *r, char *list, wording_use use, lt_error *err)
{
    for (char *item = list, *next; item; item = next) {
        next = cut(item, ',');
        int form = 0;
        for (char *text = item, *other; text; text = other, form++) {
            other = use == WORDING_SAYS_STATE ? cut(text, '|') : NULL;
            LT_TRY(add_phrase(r, text, use, form, err));
        }
    }
    return LT_OK;
}

/* Phrases that stand for `known`: words `expected` where they are. */
static lt_status add_known_as(list_reader *r, char *list, wording_use use, char *known,
                              const char *expected, lt_error *err)
{
    const int first = r->words->count;
    known = trimmed(known);
    if (!is_words(known))
        return fail_line(r, known, expected, err);
    LT_TRY(add_phrases(r, list, use, err));
    for (int i = first; i < r->words->count; i++)
        r->words->phrases[i].known = known;
    return LT_OK;
}

/* That of the line which is read: a new one, or the one that has begun. */
static wording_kind *kind_of_line(list_reader *r)
{
    take_wording *w = r->words;
    if (!r->begun)
        w->kind[w->kinds++].first = r->state;
    return &w->kind[w->kinds - 1];
}

/* "> 2" */
static lt_status read_between(const list_reader *r, char *line, wording_kind *kind, lt_error *err)
{
    if (!lt_parse_decimal(trimmed(line + 1), &kind->between) ||
        !(kind->between > 0 && kind->between <= 3600))
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
    /* "ball ~ orb, globe" */
    if (others)
        return add_known_as(r, others, WORDING_OTHER_WORDS, line, "words before '~'", err);
    wording_kind *const kind = kind_of_line(r);
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
        return add_phrases(r, line + 1, WORDING_MEANS_NOTHING, err);
    if (*line == '=')
        return add_phrases(r, line + 1, WORDING_NAMES_STATE, err);
    if (*line == '&') {
        kind->single = true;
        return add_phrases(r, line + 1, WORDING_BEGINS_STATE, err);
    }
    char *const behind = cut(line, '=');
    if (*line == '?') {
        kind->usual = trimmed(line + 1);
        if (!is_words(kind->usual))
            return fail_line(r, kind->usual, "words behind '?'", err);
        return behind ? add_phrases(r, behind, WORDING_NOT_USUAL, err) : LT_OK;
    }
    if (*line == '!')
        return behind
                   ? add_known_as(r, line + 1, WORDING_NOT_PLANNED, behind, "words behind '='", err)
                   : add_phrases(r, line + 1, WORDING_NOT_PLANNED, err);
    LT_TRY(add_phrases(r, line, WORDING_SAYS_STATE, err));
    if (behind)
        LT_TRY(add_phrases(r, behind, WORDING_LEADS_TO_STATE, err));
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
    const lt_status s = w && w->text && w->phrases && w->kind
                            ? read_lines(w, place, err)
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

size_t wording_phrase_bytes(const char *text, const char *said)
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

bool wording_begins_word(const char *text, size_t at)
{
    return take_is_word(text[at]) && (at == 0 || !take_is_word(text[at - 1]));
}

wording_finding wording_words_at(const take_wording *w, int uses, int kind, const char *text,
                                 size_t at)
{
    wording_finding longest = {0};
    for (int i = 0; i < w->count && wording_begins_word(text, at); i++) {
        const wording_phrase *p = &w->phrases[i];
        const bool fits = ((int)p->use & uses) != 0 && (kind < 0 || p->kind == kind);
        const size_t n = fits ? wording_phrase_bytes(text + at, p->text) : 0;
        if (n > longest.bytes)
            longest = (wording_finding){p, n};
    }
    return longest;
}

/* Words for a state, or for nothing. */
static wording_finding state_at(const take_wording *w, int kind, const char *text, size_t at)
{
    return wording_words_at(w, WORDING_SAYS_STATE | WORDING_MEANS_NOTHING, kind, text, at);
}

wording_finding wording_event_at(const take_wording *w, int kind, const char *text, size_t at)
{
    wording_finding longest = {0};
    for (int i = 0; i < w->count && wording_begins_word(text, at); i++) {
        wording_finding f = {&w->phrases[i], 0};
        if (f.phrase->kind != kind ||
            (f.phrase->use != WORDING_LEADS_TO_STATE && f.phrase->use != WORDING_NAMES_STATE))
            continue;
        f.bytes = wording_phrase_bytes(text + at, f.phrase->text);
        if (f.phrase->use == WORDING_NAMES_STATE && (f.bytes > 0 || f.phrase->text[0] == '\0')) {
            const size_t before = f.bytes + strspn(text + at + f.bytes, " \t\n\r");
            f = state_at(w, kind, text, at + before);
            f.bytes = f.phrase && f.phrase->use == WORDING_SAYS_STATE ? before + f.bytes : 0;
        }
        if (f.bytes > longest.bytes)
            longest = f;
    }
    return longest;
}

wording_finding wording_next_state(const take_wording *w, int kind, const char *text, size_t *at)
{
    wording_finding f = {0};
    for (; text[*at]; *at += f.bytes > 0 ? f.bytes : 1) {
        f = state_at(w, kind, text, *at);
        if (f.phrase && f.phrase->use == WORDING_SAYS_STATE)
            return f;
    }
    return (wording_finding){0};
}

const char *wording_in_form(const wording_phrase *of_three, int form)
{
    return of_three[form - of_three->form].text; /* those of an item lie behind one another */
}

const char *wording_of_state(const take_wording *w, int state, int form)
{
    const char *first = NULL;
    for (int i = 0; i < w->count; i++) {
        const wording_phrase *p = &w->phrases[i];
        if (p->state != state || p->use != WORDING_SAYS_STATE)
            continue;
        if (p->form == form)
            return p->text;
        first = first ? first : p->text;
    }
    return first;
}
