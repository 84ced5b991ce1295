/* test_finite.c - the first value that is NaN or infinite, in every format and at every place. */
#include "weights/finite.h"

#include <math.h>

#include "tests/support/check.h"

static void finds_the_first(void **state)
{
    (void)state;
    enum { COUNT = 2500 };
    static const lt_dtype dtypes[] = {LT_F32, LT_BF16, LT_F16, LT_F64};
    static const int places[] = {0, 1, 1023, 1024, 2047, COUNT - 1};
    static const double values[] = {NAN, INFINITY, -INFINITY};
    static char memory[COUNT * 8 + 1];
    char *const data = memory + 1; /* an odd address, as files have them */
    for (size_t d = 0; d < 4; d++)
        for (size_t p = 0; p < 6; p++)
            for (size_t v = 0; v < 3; v++) {
                double plain[COUNT];
                for (int i = 0; i < COUNT; i++)
                    plain[i] = i % 2 ? 60000.0 : -1e-3;
                plain[places[p]] = values[v];
                static char packed[COUNT * 8];
                for (int i = 0; i < COUNT; i++)
                    lt_store_element(packed, dtypes[d], i, plain[i]);
                memcpy(data, packed, sizeof packed);
                assert_int_equal(lt_first_not_finite(data, dtypes[d], COUNT), places[p]);
                assert_int_equal(lt_first_not_finite(data, dtypes[d], places[p]), -1);
            }
    memset(memory, 0x7f, sizeof memory);
    assert_int_equal(lt_first_not_finite(data, LT_I8, COUNT), -1);
    assert_int_equal(lt_first_not_finite(data, LT_I64, COUNT), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_the_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
