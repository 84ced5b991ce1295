/* test_prompt_events.c - where a prompt goes over to what happens later. */
#include "pipeline/script/prompt_events.h"

#include <string.h>

#include "tests/support/check.h"

/* `parts`: what stands before each event, one after the other. */
static void check(const char *prompt, int count, const char *const *parts)
{
    size_t end[TAKE_MAX_EVENTS] = {0};
    assert_int_equal(take_prompt_events(prompt, end), count);
    for (int i = 0; i < count; i++) {
        assert_int_equal(end[i], strlen(parts[i]));
        assert_memory_equal(prompt, parts[i], end[i]);
    }
}

static void finds_events(void **state)
{
    (void)state;
    const char *ball[] = {"A red ball rolls", "A red ball rolls, then it turns blue"};
    check("A red ball rolls, then it turns blue", 1, ball);
    check("A red ball rolls. Then it turns blue.", 1, ball);
    check("A red ball rolls, and then it turns blue", 1, ball);
    check("A red ball rolls AND THEN it turns blue", 1, ball);
    check("A red ball rolls then it turns blue", 1, ball);
    check("A red ball rolls, then it turns blue; then night falls!", 2, ball);
    check("A red ball flies by, then it stops", 1, (const char *[]){"A red ball flies by"});
}

static void finds_none(void **state)
{
    (void)state;
    static const char *const quiet[] = {"",
                                        "a red ball rolls",
                                        "then",
                                        "Then it rains",
                                        ", then it rains",
                                        "and then it rains",
                                        "a ball rolls, then",
                                        "a ball rolls, then ...",
                                        "a ball that is quiet until then, rolls",
                                        "a ball bounces now and then on a beach",
                                        "a ball on a lengthen-then strip",
                                        "strengthen the ball",
                                        "thenar of a hand",
                                        "a then-and-now picture"};
    for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
        check(quiet[i], 0, NULL);
}

static void counts_no_further_than_it_has_room(void **state)
{
    (void)state;
    char prompt[256] = "a";
    size_t end[TAKE_MAX_EVENTS];
    for (int i = 0; i < TAKE_MAX_EVENTS + 2; i++)
        strcat(prompt, ", then b");
    assert_int_equal(take_prompt_events(prompt, end), TAKE_MAX_EVENTS);
    assert_int_equal(end[TAKE_MAX_EVENTS - 1], 1 + 8 * (TAKE_MAX_EVENTS - 1));
    check("a, then then b", 1, (const char *[]){"a"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_events),
        cmocka_unit_test(finds_none),
        cmocka_unit_test(counts_no_further_than_it_has_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
