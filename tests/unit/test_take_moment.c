/* test_take_moment.c - times as people write them, in films and in flags of the program. */
#include "pipeline/script/take_moment.h"

#include "cli/flag_values.h"
#include "tests/support/check.h"

static void reads_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
        bool in_frames;
        int64_t frame; /* at 8 fps */
    } row[] = {{"12s", 12, false, 96},       {"12", 12, false, 96},
               {"3.2s", 3.2, false, 26},     {"0s", 0, false, 0},
               {"96f", 96, true, 96},        {"1:05", 65, false, 520},
               {"0:01.5", 1.5, false, 12},   {"1:02:03", 3723, false, 29784},
               {"0.0625", 0.0625, false, 1}, {"24:00:00", 86400, false, 691200},
               {".5", 0.5, false, 4},        {".5s", 0.5, false, 4},
               {"1.", 1, false, 8},          {"0:.5", 0.5, false, 4}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        take_moment m;
        if (!take_moment_read(row[i].text, &m))
            fail_msg("%s is no time", row[i].text);
        assert_float_equal(m.value, row[i].value, 1e-9);
        assert_int_equal(m.in_frames, row[i].in_frames);
        assert_int_equal(take_moment_frame(m, 8), row[i].frame);
        double seconds = -1;
        if (!cli_time(row[i].text, 8, &seconds))
            fail_msg("%s is no time of the program's", row[i].text);
        const double want = row[i].in_frames ? row[i].value / 8 : row[i].value;
        assert_float_equal(seconds, want, 1e-9);
    }
}

static void refuses_the_rest(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "s",     "f",       "-1s",  "1.5f",  "1:60",   "1:-5",
                                      ":05", "1:",    "1:2:3:4", "12 s", "12ss",  "1.5:05", "nan",
                                      "inf", "1e9",   "0x10",    "12m",  "1:05s", " 1",     "1 ",
                                      "1,5", "-0:01", "1e400",   "--1",  "+",     "1:0 5",  ".",
                                      ".s",  "1..5",  "..",      "+5",   "1e1",   "1:+5",   "0:"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        take_moment m;
        if (take_moment_read(bad[i], &m))
            fail_msg("'%s' was read as %g", bad[i], m.value);
        double seconds = -1;
        if (cli_time(bad[i], 8, &seconds))
            fail_msg("'%s' was read by the program as %g", bad[i], seconds);
    }
    static const char *const late[] = {"24:00:01", "86401", "99999999999f"};
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        take_moment m;
        if (take_moment_read(late[i], &m))
            fail_msg("'%s' was read as %g", late[i], m.value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_every_form),
                                       cmocka_unit_test(refuses_the_rest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
