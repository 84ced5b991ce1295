/* nearest_key.h - which known word was meant: the candidate with the smallest edit distance. What a
 * word is short for ("secs" of "seconds") is one away. */
#ifndef CFG_NEAREST_KEY_H
#define CFG_NEAREST_KEY_H

/* Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`; words longer
 * than 63 bytes are as far apart as their lengths. */
int cfg_edit_distance(const char *a, const char *b);
/* The nearest of `count` candidates, or NULL when none is near (further than a
 * third of the word, at least 2). */
const char *cfg_nearest_key(const char *word, const char *const *candidates, int count);

#endif
