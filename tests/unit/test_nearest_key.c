/* test_nearest_key.c - edit distances, and when a word is near enough to be named. */
#include "tests/support/check.h"

#include "configs/nearest_key.h"

static void distances(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        int distance;
    } cases[] = {
        {"", "", 0},           {"", "abc", 3},           {"abc", "", 3},
        {"steps", "steps", 0}, {"step", "steps", 1},     {"stesp", "steps", 1},
        {"steqs", "steps", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
        {"ab", "ba", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(cfg_edit_distance(cases[i].a, cases[i].b), cases[i].distance);
    char longer[201];
    for (int i = 0; i < 200; i++)
        longer[i] = 'a';
    longer[200] = '\0';
    assert_true(cfg_edit_distance(longer, "a") > 60);
}

static void near_words_only(void **state)
{
    (void)state;
    static const char *const keys[] = {"steps", "carry", "timesteps", "latent_width",
                                       "latent_height"};
    assert_string_equal(cfg_nearest_key("step", keys, 5), "steps");
    assert_string_equal(cfg_nearest_key("latent_widht", keys, 5), "latent_width");
    assert_string_equal(cfg_nearest_key("latent-height", keys, 5), "latent_height");
    static const char *const lengths[] = {"seed", "seconds"};
    assert_string_equal(cfg_nearest_key("secs", lengths, 2), "seconds");
    assert_string_equal(cfg_nearest_key("sed", lengths, 2), "seed");
    assert_null(cfg_nearest_key("x", keys, 5));
    assert_null(cfg_nearest_key("motion_score", keys, 5));
    assert_null(cfg_nearest_key("steps", keys, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances),
        cmocka_unit_test(near_words_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
