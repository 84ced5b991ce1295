/* known_words.c - finding what a prompt has beside a model's list of words. */
#include "pipeline/script/known_words.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/script/prompt_events.h"

enum { LONGEST_WORD = 62 };

static bool is_letter(char c)
{
    return take_small_letter(c) >= 'a' && take_small_letter(c) <= 'z';
}

static bool is_listed(const char *list, const char *word, size_t n)
{
    for (const char *at = strstr(list, word); at; at = strstr(at + 1, word))
        if ((at == list || at[-1] == '\n') && (at[n] == '\n' || at[n] == '\r' || !at[n]))
            return true;
    return false;
}

/* Bytes of the word at `p`, 0 where none begins. *judged: it is short and all ASCII. */
static size_t word_at(const char *p, bool *judged)
{
    size_t n = 0;
    *judged = true;
    for (;; n++) {
        const bool foreign = (unsigned char)p[n] >= 0x80;
        const bool inside = n > 0 && (p[n] == '-' || p[n] == '\'') && is_letter(p[n + 1]);
        if (!is_letter(p[n]) && !foreign && !inside)
            break;
        *judged = *judged && !foreign;
    }
    *judged = *judged && n > 0 && n <= LONGEST_WORD;
    return n;
}

/* Appends `"word"` to what is told, or dots where it does not fit. */
static void tell(const char *word, char *out, size_t size)
{
    const size_t used = strlen(out), need = used + strlen(word) + sizeof ", \"\", ...";
    const bool full = used >= 3 && strcmp(out + used - 3, "...") == 0;
    if (full)
        return;
    if (need <= size)
        snprintf(out + used, size - used, "%s\"%s\"", used ? ", " : "", word);
    else
        snprintf(out + used, size - used, "%s...", used ? ", " : "");
}

int take_unknown_words(const char *words, const char *prompt, char *out, size_t size)
{
    int unknown = 0;
    char told[1024] = ""; /* words found already, in the form of the list */
    out[0] = '\0';
    bool judged = false;
    for (size_t n; *prompt; prompt += n > 0 ? n : 1) {
        n = word_at(prompt, &judged);
        if (!judged)
            continue;
        char word[LONGEST_WORD + 1];
        for (size_t i = 0; i < n; i++)
            word[i] = take_small_letter(prompt[i]);
        word[n] = '\0';
        if (is_listed(words, word, n) || is_listed(told, word, n))
            continue;
        unknown++;
        const size_t known = strlen(told);
        snprintf(told + known, sizeof told - known, "%s\n", word);
        tell(word, out, size);
    }
    return unknown;
}
