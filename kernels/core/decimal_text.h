/* decimal_text.h - numbers from text and back, with a decimal point in any locale. */
#ifndef LT_DECIMAL_TEXT_H
#define LT_DECIMAL_TEXT_H

#include <stdbool.h>
#include <stdint.h>

enum { LT_DECIMAL_BYTES = 32 };

/* The whole of `text` is an integer: optional sign, digits. False also when it does not fit. */
bool lt_parse_integer(const char *text, int64_t *out);
/* The whole of `text` is a finite number: optional sign, digits, optional fraction and exponent. */
bool lt_parse_decimal(const char *text, double *out);
/* The shortest text that reads back as the same double. */
void lt_decimal_text(double value, char text[LT_DECIMAL_BYTES]);
/* The same for a float: 1e-06, not the seventeen digits of its double. */
void lt_float_text(float value, char text[LT_DECIMAL_BYTES]);

#endif
