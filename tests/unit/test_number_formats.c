/* test_number_formats.c - bf16 and f16 bits, rounding, saturation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "kernels/core/tensor.h"

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Every 16-bit pattern survives the way to f32 and back; NaN stays NaN. */
static void sixteen_bits_round_trip(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= UINT16_MAX; i++) {
        const uint16_t bits = (uint16_t)i;
        const float b = lt_bf16_to_f32(bits);
        const float h = lt_f16_to_f32(bits);
        if (isnan(b))
            assert_true(isnan(lt_bf16_to_f32(lt_f32_to_bf16(b))));
        else
            assert_int_equal(lt_f32_to_bf16(b), bits);
        if (isnan(h))
            assert_true(isnan(lt_f16_to_f32(lt_f32_to_f16(h))));
        else
            assert_int_equal(lt_f32_to_f16(h), bits);
    }
}

/* Between two neighbours, below the middle goes down, above it up,
 * and the middle to the even one. */
static void nearest_even(const char *name, float (*to_f32)(uint16_t), uint16_t (*from_f32)(float),
                         uint16_t largest)
{
    for (uint16_t bits = 0; bits < largest; bits++) {
        const double low = (double)to_f32(bits);
        const double high = (double)to_f32((uint16_t)(bits + 1));
        const float middle = (float)((low + high) / 2);
        const uint16_t even = (uint16_t)(bits + bits % 2);
        if (from_f32(middle) != even || from_f32(nextafterf(middle, 0)) != bits ||
            from_f32(nextafterf(middle, INFINITY)) != bits + 1 ||
            from_f32(-middle) != (even | 0x8000))
            fail_msg("%s: between %.9g and %.9g", name, low, high);
    }
}

static void rounding(void **state)
{
    (void)state;
    nearest_even("bf16", lt_bf16_to_f32, lt_f32_to_bf16, 0x7f7f);
    nearest_even("f16", lt_f16_to_f32, lt_f32_to_f16, 0x7bff);
}

static void known_patterns(void **state)
{
    (void)state;
    assert_int_equal(lt_f32_to_bf16(1.0f), 0x3f80);
    assert_int_equal(lt_f32_to_bf16(3.4028235e38f), 0x7f80); /* rounds to infinity */
    assert_int_equal(lt_f32_to_bf16(-INFINITY), 0xff80);
    assert_int_equal(lt_f32_to_f16(1.0f), 0x3c00);
    assert_int_equal(lt_f32_to_f16(65504.0f), 0x7bff);
    assert_int_equal(lt_f32_to_f16(65519.996f), 0x7bff);
    assert_int_equal(lt_f32_to_f16(65520.0f), 0x7c00);
    assert_int_equal(lt_f32_to_f16(-1e30f), 0xfc00);
    assert_int_equal(lt_f32_to_f16(0x1p-24f), 0x0001);
    assert_int_equal(lt_f32_to_f16(0x1p-25f), 0x0000);
    assert_int_equal(lt_f32_to_f16(-0.0f), 0x8000);
    assert_int_equal(bits_of(lt_f16_to_f32(0x8000)), 0x80000000);
    assert_true(lt_f16_to_f32(0x03ff) == 1023 * 0x1p-24f);
}

static void nan_stays_quiet(void **state)
{
    (void)state;
    float signalling;
    const uint32_t bits = 0x7f800001; /* its payload vanishes in the upper half */
    memcpy(&signalling, &bits, sizeof signalling);
    assert_int_equal(lt_f32_to_bf16(signalling) & 0x7fc0, 0x7fc0);
    assert_int_equal(lt_f32_to_f16(signalling) & 0x7e00, 0x7e00);
    assert_int_equal(bits_of(lt_f16_to_f32(0x7c01)) & 0x7fc00000, 0x7fc00000);
}

static void single_elements(void **state)
{
    (void)state;
    static const struct {
        lt_dtype dtype;
        double in, out;
    } row[] = {
        {LT_F32, 0.1, (double)0.1f},
        {LT_F64, 0.1, 0.1},
        {LT_BF16, 1.00390625, 1.0},
        {LT_F16, 2049, 2048},
        {LT_I8, 2.5, 2},
        {LT_I8, 3.5, 4},
        {LT_I8, 300, 127},
        {LT_I8, -300, -128},
        {LT_U8, -1, 0},
        {LT_U8, 255.4, 255},
        {LT_U16, 70000, 65535},
        {LT_I32, 1e12, INT32_MAX},
        {LT_I32, -7, -7},
        {LT_I64, -1e30, (double)INT64_MIN},
        {LT_I64, 1 << 30, 1 << 30},
        {LT_I32, NAN, 0},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char memory[3 * 8 + 1];
        memset(memory, 0x5a, sizeof memory);
        void *odd = memory + 1; /* a mapped file aligns nothing */
        lt_store_element(odd, row[i].dtype, 1, row[i].in);
        const double got = lt_load_element(odd, row[i].dtype, 1);
        if (got != row[i].out)
            fail_msg("%s of %.17g: got %.17g, want %.17g", lt_dtype_name(row[i].dtype), row[i].in,
                     got, row[i].out);
        const size_t bytes = lt_dtype_bytes(row[i].dtype);
        for (size_t k = 0; k < sizeof memory; k++)
            if (k < 1 + bytes || k >= 1 + 2 * bytes)
                assert_int_equal(memory[k], 0x5a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_bits_round_trip), cmocka_unit_test(rounding),
        cmocka_unit_test(known_patterns),          cmocka_unit_test(nan_stays_quiet),
        cmocka_unit_test(single_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
