/* host_e4m3.h - numbers of 8 bits as the stand-ins for the vendor's libraries
 * read and write them. Test-only. */
#ifndef HOST_E4M3_H
#define HOST_E4M3_H

#include <math.h>
#include <stdint.h>

static inline double host_e4m3_value(uint8_t code)
{
    const int exponent = code >> 3 & 15;
    const int mantissa = code & 7;
    if (exponent == 15 && mantissa == 7)
        return NAN;
    const double size = exponent == 0 ? ldexp(mantissa, -9) : ldexp(8 + mantissa, exponent - 10);
    return code & 0x80 ? -size : size;
}

/* To the nearest, halves to even; larger numbers to the largest. */
static inline uint8_t host_e4m3_of(double x)
{
    const uint8_t sign = signbit(x) ? 0x80 : 0;
    int exponent;
    if (isnan(x))
        return 0x7f;
    if (fabs(x) >= 448)
        return sign | 0x7e;
    (void)frexp(x, &exponent);
    /* of 2, the largest in |x|; below 2^-6 steps stay the same */
    const int power = exponent < -5 ? -6 : exponent - 1;
    const int steps = (int)nearbyint(ldexp(fabs(x), 3 - power));
    return (uint8_t)(sign | ((power + 6) * 8 + steps));
}

#endif
