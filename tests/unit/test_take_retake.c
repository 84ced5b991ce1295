/* test_take_retake.c - layers of retakes: who owns a window, who needs it, under which seed. */
#include "pipeline/take_retake.h"
#include "tests/support/check.h"

static take_shot shot = {.seed = 7};

static take_spec spec_with(const take_retake *retake, int count)
{
    take_spec s = {
        .time = take_timeline_of(240, 13, 7, 13), .shot = &shot, .shots = 1, .retakes = count};
    for (int i = 0; i < count; i++)
        s.retake[i] = retake[i];
    return s;
}

/* One letter a window: '.' not needed, '^' that of the layer below, else the seed. */
static void check_layers(const take_spec *s, const char *const *want)
{
    for (int layer = 0; layer <= s->retakes; layer++) {
        char got[16] = "";
        for (int64_t c = 0; c < s->time.windows; c++)
            got[c] = !take_layer_needs(s, layer, c)  ? '.'
                     : !take_layer_owns(s, layer, c) ? '^'
                                                     : (char)('0' + take_layer_seed(s, layer, c));
        assert_string_equal(got, want[layer]);
    }
}

static void without_retakes(void **state)
{
    (void)state;
    const take_spec s = spec_with(NULL, 0);
    check_layers(&s, (const char *const[]){"777777777"});
}

static void what_follows_is_made_anew(void **state)
{
    (void)state;
    const take_spec s = spec_with((const take_retake[]){{.first = 3, .last = 4, .seed = 1}}, 1);
    check_layers(&s, (const char *const[]){"777......", "^^^117777"});
}

static void what_follows_is_kept(void **state)
{
    (void)state;
    const take_spec s =
        spec_with((const take_retake[]){{.first = 3, .last = 4, .seed = 1, .keep_rest = true}}, 1);
    check_layers(&s, (const char *const[]){"777777777", "^^^11^^^^"});
}

static void one_over_the_other(void **state)
{
    (void)state;
    const take_spec s =
        spec_with((const take_retake[]){{.first = 5, .last = 5, .seed = 1},
                                        {.first = 2, .last = 2, .seed = 2, .keep_rest = true},
                                        {.first = 7, .last = 8, .seed = 3}},
                  3);
    check_layers(&s, (const char *const[]){"77777....", "^^^^^17..", "^^2^^^^..", "^^^^^^^33"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_retakes), cmocka_unit_test(what_follows_is_made_anew),
        cmocka_unit_test(what_follows_is_kept), cmocka_unit_test(one_over_the_other)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
