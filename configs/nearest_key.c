#include "configs/nearest_key.h"

#include <stdbool.h>
#include <string.h>

enum { LONGEST_WORD = 63 };

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Optimal string alignment, three rows of the table at a time. */
int cfg_edit_distance(const char *a, const char *b)
{
    const int n = (int)strnlen(a, LONGEST_WORD + 1);
    const int m = (int)strnlen(b, LONGEST_WORD + 1);
    if (n > LONGEST_WORD || m > LONGEST_WORD)
        return n > m ? n : m;
    int rows[3][LONGEST_WORD + 1];
    int *older = rows[0];
    int *old = rows[1];
    int *now = rows[2];
    for (int j = 0; j <= m; j++)
        old[j] = j;
    for (int i = 1; i <= n; i++) {
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            const int replaced = old[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = least(replaced, least(old[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], older[j - 2] + 1);
        }
        int *free_row = older;
        older = old;
        old = now;
        now = free_row;
    }
    return old[m];
}

/* "secs" of "seconds": the first letter and others in their order, three in all or more. */
static bool is_short_for(const char *word, const char *name)
{
    if (strnlen(word, 3) < 3 || *word != *name)
        return false;
    for (; *word && *name; name++)
        word += *word == *name;
    return *word == '\0';
}

const char *cfg_nearest_key(const char *word, const char *const *candidates, int count)
{
    const int third = (int)strnlen(word, LONGEST_WORD + 1) / 3;
    int best = (third > 2 ? third : 2) + 1;
    const char *nearest = NULL;
    for (int i = 0; i < count; i++) {
        const int distance =
            is_short_for(word, candidates[i]) ? 1 : cfg_edit_distance(word, candidates[i]);
        if (distance < best) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
