#include "kernels/core/decimal_text.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_digits(const char *p)
{
    while (*p >= '0' && *p <= '9')
        p++;
    return p;
}

/* The end of sign and digits; NULL when there is no digit. */
static const char *skip_integer(const char *p)
{
    if (*p == '+' || *p == '-')
        p++;
    const char *end = skip_digits(p);
    return end > p ? end : NULL;
}

bool lt_parse_integer(const char *text, int64_t *out)
{
    const char *end = skip_integer(text);
    if (end == NULL || *end != '\0')
        return false;
    errno = 0;
    const long long value = strtoll(text, NULL, 10);
    *out = value;
    return errno == 0;
}

static bool is_decimal(const char *text)
{
    const char *p = skip_integer(text);
    if (p == NULL)
        return false;
    if (*p == '.')
        p = skip_digits(p + 1);
    if (*p == 'e' || *p == 'E')
        p = skip_integer(p + 1);
    return p != NULL && *p == '\0';
}

/* strtod and printf follow the thread's locale: the "C" locale is put in its place for the call. */
typedef struct {
    locale_t plain;
    locale_t before;
} locale_swap;

static locale_swap enter_plain_locale(void)
{
    locale_swap swap = {.plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0)};
    swap.before = uselocale(swap.plain);
    return swap;
}

static void leave_plain_locale(locale_swap swap)
{
    uselocale(swap.before);
    if (swap.plain != (locale_t)0)
        freelocale(swap.plain);
}

bool lt_parse_decimal(const char *text, double *out)
{
    if (!is_decimal(text))
        return false;
    const locale_swap swap = enter_plain_locale();
    *out = strtod(text, NULL);
    leave_plain_locale(swap);
    return isfinite(*out);
}

/* Six digits at least, so that 10000 does not become 1e+04. */
static void shortest_text(double value, bool as_float, char *text)
{
    char shortest[LT_DECIMAL_BYTES] = "";
    const locale_swap swap = enter_plain_locale();
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(shortest, sizeof shortest, "%.*g", digits, value);
        const double back = strtod(shortest, NULL);
        if (as_float ? (float)back == (float)value : back == value)
            break;
    }
    leave_plain_locale(swap);
    memcpy(text, shortest, sizeof shortest);
}

void lt_decimal_text(double value, char text[LT_DECIMAL_BYTES])
{
    shortest_text(value, false, text);
}

void lt_float_text(float value, char text[LT_DECIMAL_BYTES])
{
    shortest_text((double)value, true, text);
}
