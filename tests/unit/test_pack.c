/* test_pack.c - every piece of every layout equals the element-by-element answer. */
#include "weights/pack.h"

#include "tests/support/check.h"

static void packs_any_piece(void **state)
{
    (void)state;
    static uint16_t memory[512];
    for (int i = 0; i < 512; i++)
        memory[i] = (uint16_t)(i * 7 + 1);
    lt_tensor layouts[6];
    layouts[0] = lt_view(memory, LT_U16, lt_shape3(3, 4, 5));
    layouts[1] = lt_permute(layouts[0], (const int[]){2, 0, 1});
    layouts[2] = lt_slice(layouts[0], 2, 1, 3);
    layouts[3] = layouts[0];
    layouts[3].stride[0] = 0;
    layouts[4] = lt_view((char *)memory + 1, LT_U16, lt_shape2(6, 7)); /* at an odd byte */
    layouts[5] =
        lt_permute(lt_view((char *)memory + 1, LT_U16, lt_shape2(6, 7)), (const int[]){1, 0});
    for (size_t l = 0; l < 6; l++) {
        const lt_tensor *const t = &layouts[l];
        const int64_t total = lt_numel(t);
        for (int64_t first = 0; first < total; first++)
            for (int64_t count = 1; first + count <= total; count++) {
                uint16_t got[64];
                lt_pack(t, first, count, got);
                for (int64_t i = 0; i < count; i++) {
                    int64_t flat = first + i;
                    int64_t offset = 0;
                    for (int axis = t->rank - 1; axis >= 0; axis--, flat /= t->dim[axis + 1])
                        offset += flat % t->dim[axis] * t->stride[axis];
                    uint16_t want;
                    memcpy(&want, (const char *)t->data + 2 * offset, 2);
                    assert_int_equal(got[i], want);
                }
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(packs_any_piece)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
