/* known_words.h - the words a small model was trained on: `words.txt` of its
 * folder, one lower-case word a line. */
#ifndef TAKE_KNOWN_WORDS_H
#define TAKE_KNOWN_WORDS_H

#include <stddef.h>

/* Writes the words of `prompt` that are not in `words`, each once, as `"cat", "kitchen"`; those
 * that do not fit in `size` bytes become `...`. Returns how many there are. A word is a run of
 * ASCII letters, or one with - or ' inside; case is nothing; numbers and other scripts are not
 * judged. */
int take_unknown_words(const char *words, const char *prompt, char *out, size_t size);

#endif
