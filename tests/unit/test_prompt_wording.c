/* test_prompt_wording.c - prompts in a model's words, prompts whose events have happened, and lists
 * that make no sense. */
#include "pipeline/script/prompt_wording.h"
#include "pipeline/script/wording_list.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/script/prompt_events.h"
#include "tests/support/check.h"

static const char LIST[] =
    "ball ~ orb, soccer ball\n green~lime\norange ~ amber\nfly ~ soar\n\n# colours\n= turns _, becomes _\r\n- green meadow\nred, crimson\norange\n green ,emerald\nlight blue\n"
    "\n= _, starts _, starts to _\nflies by|flying by|fly by, flies|flying|fly\nfalls|falling|fall\n"
    "rests|resting|rest = stops, comes to rest\n"
    "\n\n+\n= _\nat noon, on a sunny day = the day gets bright\nat night = night falls, it gets dark\n"
    "\n> 1.5\nin spring\nin summer|summery = summer comes\nin autumn = leaves turn brown\nin winter = it freezes\n"
    "\n- beach ball\non a beach, beach\nin a meadow\n! near a house, by the house = in a meadow\n! near a tower, near a tall tower=on a beach\n! with care\n"
    "\n&a, the, and, and a, next to a\n- ball park\nball, sphere\nstar\ncube, box\n";

static take_wording *words;

static int open_list(void **state)
{
    (void)state;
    lt_error err = {0};
    return take_wording_parse(LIST, "list", &words, &err) == LT_OK ? 0 : -1;
}

static int close_list(void **state)
{
    (void)state;
    take_wording_close(words);
    return 0;
}

/* All events of the prompt have happened: `restated` of them are states. */
static void check(const char *prompt, const char *expected, int restated)
{
    size_t end[TAKE_MAX_EVENTS] = {0};
    const int events = take_prompt_events(prompt, end);
    take_prompt_state said;
    lt_error err = {0};
    check_ok(take_prompt_begun(words, prompt, end, events, events, 0, &said, &err), err);
    assert_string_equal(said.text, expected);
    assert_int_equal(said.restated, restated);
    free(said.text);
}

/* What is said when none, one and both of a prompt's two events have happened; `each` of them
 * becomes so many states. */
static void check_so_far(const take_wording *w, const char *prompt, const char *const so_far[3],
                         int each)
{
    size_t end[TAKE_MAX_EVENTS];
    assert_int_equal(take_prompt_events(prompt, end), 2);
    for (int begun = 0; begun <= 2; begun++) {
        take_prompt_state said;
        lt_error err = {0};
        check_ok(take_prompt_begun(w, prompt, end, 2, begun, 0, &said, &err), err);
        assert_string_equal(said.text, so_far[begun]);
        assert_int_equal(said.restated, each * begun);
        free(said.text);
    }
}

static void says_what_an_event_leads_to(void **state)
{
    (void)state;
    check("a red ball flies, then it turns green", "a green ball flies", 1);
    check("a crimson ball flies. Then it becomes light  blue.", "a light blue ball flies", 1);
    check("a red ball flies, then it comes to rest", "a red ball rests", 1);
    check("a red ball is flying by, then it stops", "a red ball is resting", 1);
    /* the first of the words for it */
    check("a ball rests, then it starts to fly", "a ball flies by", 1);
    check("a ball is resting, then it starts FLYING", "a ball is flying by", 1);
    check("a ball falls at noon, then night falls", "a ball falls at night", 1);
    check("a ball at noon, then at night", "a ball at night", 1);
    check("On a sunny day a ball flies, then it gets dark", "At night a ball flies", 1);
    check("a red ball, then it turns red", "a red ball", 1);
}

static void says_events_one_after_the_other(void **state)
{
    (void)state;
    check("a red ball at noon, then it turns green, then night falls, then it becomes red",
          "a red ball at night", 3);
    check("a red ball flies at noon, then it stops and turns green", "a green ball rests at noon",
          1);

    static const char *const so_far[] = {"a red ball flies", "a red ball rests",
                                         "a green ball rests"};
    check_so_far(words, "a red ball flies, then it stops, then it turns green", so_far, 1);
}

/* Behind pictures of `before`; NULL: the prompt stays as it is. */
static void check_going_on(const take_wording *w, const char *before, const char *prompt,
                           const char *expected)
{
    char *said = NULL;
    lt_error err = {0};
    check_ok(take_prompt_going_on(w, before, prompt, &said, &err), err);
    if (expected)
        assert_string_equal(said, expected);
    else
        assert_null(said);
    free(said);
}

static void what_is_left_open_goes_on(void **state)
{
    (void)state;
    check_going_on(words, "a red ball at noon", "a blue ball rests", "a blue ball rests, at noon");
    check_going_on(words, "On a sunny day a ball rests", "a star", "a star, On a sunny day");
    check_going_on(words, "a red ball at noon", "a blue ball at night", NULL);
    /* of kinds that are not added */
    check_going_on(words, "a red ball on a beach in spring", "a blue ball", NULL);
    check_going_on(words, "a red ball", "a blue ball", NULL);
    check_going_on(NULL, "a red ball at noon", "a blue ball", NULL);
}

static void what_changes_is_told_of_what_is_there(void **state)
{
    (void)state;
    const char *const before = "a red ball rests on a beach at noon";
    check_going_on(words, before, "it turns green", "a green ball rests on a beach at noon");
    check_going_on(words, before, "It is orange now", "an orange ball rests on a beach at noon");
    check_going_on(words, before, "at night", "a red ball rests on a beach at night");
    check_going_on(words, before, "night falls", "a red ball rests on a beach at night");
    check_going_on(words, before, "then it gets dark and it turns green",
                   "a green ball rests on a beach at night");
    check_going_on(words, before, "it flies, in a meadow",
                   "a red ball flies by in a meadow at noon");
    /* what the list has no state for is told behind it, where it is about what is there */
    check_going_on(words, before, "it explodes at night",
                   "a red ball rests on a beach at night, then it explodes");
    check_going_on(words, before, "it turns green, sings and explodes",
                   "a green ball rests on a beach at noon, then sings and explodes");
    check_going_on(words, "a red ball at noon", "it flies", "a red ball at noon, then it flies");
    check_going_on(words, "a ball at noon", "then it sings", "a ball at noon, then it sings");
    /* another thing, known or not */
    check_going_on(words, before, "a star at night", NULL);
    check_going_on(words, before, "a star, then night falls", NULL);
    check_going_on(words, before, "a fish at night", NULL);
    check_going_on(words, before, "a fish sings", "a fish sings, at noon");
    check_going_on(NULL, before, "night falls", NULL);
}

static void an_article_goes_by_the_word_behind(void **state)
{
    (void)state;
    check("a red ball, then it turns orange", "an orange ball", 1);
    check("An orange ball, then it turns red", "A red ball", 1);
    check("AN orange ball, then it turns red", "A red ball", 1);
    check("an emerald ball, then it turns orange", "an orange ball", 1);
    check("the orange ball, then it turns red", "the red ball", 1);
    check("banana orange, then it turns red", "banana red", 1);
}

static void adds_what_may_be_added(void **state)
{
    (void)state;
    check("a red ball, then night falls", "a red ball, at night", 1);
    /* of no colour before */
    check("a ball, then it turns green", "a ball, then it turns green", 0);
    check("a ball, then it turns green. Then night falls!", "a ball, at night, then it turns green",
          1);
}

static void keeps_what_it_does_not_know(void **state)
{
    (void)state;
    check("a red ball", "a red ball", 0);
    check("a red ball, and then a star appears!", "a red ball, and then a star appears!", 0);
    check("a red ball at noon, then a star appears and night falls",
          "a red ball at night, then a star appears", 1);
    check("a red ball at noon, then night falls, a star appears and a heart comes",
          "a red ball at night, then a star appears and a heart comes", 1);
    check("a red ball, then it turns greenish", "a red ball, then it turns greenish", 0);
    check("a red ball, then it returns green", "a red ball, then it returns green", 0);
    check("on a green meadow a red ball, then it turns orange", "on a green meadow an orange ball",
          1);
    check("on a green meadow, then it turns green meadow",
          "on a green meadow, then it turns green meadow", 0);
}

static void without_a_list_all_is_told(void **state)
{
    (void)state;
    static const char *const so_far[] = {"a red ball", "a red ball. Then it turns green",
                                         "a red ball. Then it turns green, then night falls."};
    check_so_far(NULL, "a red ball. Then it turns green, then night falls.", so_far, 0);
}

/* On the way to its last event the prompt says `way`, one after the other up to a NULL. */
static void check_way(const char *prompt, const char *const way[])
{
    size_t end[TAKE_MAX_EVENTS] = {0};
    const int events = take_prompt_events(prompt, end);
    int states = 0;
    while (way[states])
        states++;
    for (int left = 0; left < states; left++) {
        take_prompt_state said;
        lt_error err = {0};
        check_ok(take_prompt_begun(words, prompt, end, events, events, left, &said, &err), err);
        assert_string_equal(said.text, way[states - 1 - left]);
        assert_int_equal(said.between, states - 1);
        if (said.between > 0)
            assert_float_equal(said.between_seconds, 1.5, 0);
        free(said.text);
    }
}

static void an_event_goes_through_the_states_between(void **state)
{
    (void)state;
    check_way("a ball in spring, then leaves turn brown",
              (const char *const[]){"a ball in summer", "a ball in autumn", NULL});
    /* round and round */
    check_way("a ball in winter, then summer comes",
              (const char *const[]){"a ball in spring", "a ball in summer", NULL});
    check_way("a ball in summer, then it freezes and turns green",
              (const char *const[]){"a ball in autumn, then turns green",
                                    "a ball in winter, then turns green", NULL});
    check_way("a red ball in autumn, then summer comes and it turns green",
              (const char *const[]){"a green ball in winter", "a green ball in spring",
                                    "a green ball in summer", NULL});
    check_way("a ball in autumn, then it freezes", (const char *const[]){"a ball in winter", NULL});
    check_way("a ball in winter, then it freezes", (const char *const[]){"a ball in winter", NULL});
    check_way("a ball at noon, then night falls", (const char *const[]){"a ball at night", NULL});
    check_way("a ball, then it freezes", (const char *const[]){"a ball, then it freezes", NULL});
    check_way("a red ball in spring, then it freezes, then it turns green",
              (const char *const[]){"a green ball in winter", NULL});
}

static void check_words(const char *prompt, const char *expected, const char *expected_told)
{
    char *said;
    char told[80];
    lt_error err = {0};
    check_ok(take_prompt_reworded(words, prompt, &said, told, sizeof told, &err), err);
    if (expected)
        assert_string_equal(said, expected);
    else
        assert_null(said);
    assert_string_equal(told, expected_told);
    free(said);
}

static void other_words_become_those_of_the_model(void **state)
{
    (void)state;
    check_words("a red ball", NULL, "");
    check_words("a lime orb", "a green ball", "\"lime\" as \"green\", \"orb\" as \"ball\"");
    check_words("an Orb, a soccer  ball!", "a Ball, a ball!",
                "\"orb\" as \"ball\", \"soccer ball\" as \"ball\"");
    check_words("a lime, an amber", "a green, an orange",
                "\"lime\" as \"green\", \"amber\" as \"orange\"");
    check_words("the orbs absorb lime-juice", NULL, "");
    check_words("lime LIME lime", "green Green green", "\"lime\" as \"green\"");
    check_words("lime orb, soccer ball, amber", "green ball, ball, orange",
                "\"lime\" as \"green\", \"orb\" as \"ball\", \"soccer ball\" as \"ball\", ...");
    char *said;
    char told[80];
    lt_error err = {0};
    check_ok(take_prompt_reworded(NULL, "a lime orb", &said, told, sizeof told, &err), err);
    assert_null(said);
}

/* Verbs are said as one thing does them; nouns, events and what only looks so stay. */
static void verbs_are_said_as_of_one_thing(void **state)
{
    (void)state;
    check_words("two balls fly by", "two balls flies by", "\"fly by\" as \"flies by\"");
    check_words("Rest, balls", "Rests, balls", "\"rest\" as \"rests\"");
    check_words("a ball begins to  fly, to rest", "a ball begins flying, resting",
                "\"to fly\" as \"flying\", \"to rest\" as \"resting\"");
    check_words("balls soar, to soar", "balls flies, flying",
                "\"soar\" as \"flies\", \"to soar\" as \"flying\"");
    check_words("a soar", "a fly", "\"soar\" as \"fly\"");
    check_words("a fly, the  fall, an auto rest-room", NULL, "");
    check_words("it comes to rest, it flies and flying", NULL, "");
}

/* Where a list says "to" otherwise, nothing is taken back of what stands for it. */
static void to_may_be_said_otherwise(void **state)
{
    (void)state;
    static const struct {
        const char *list, *prompt, *said;
    } cases[] = {
        {"a ~ to\n\nspins|spinning|spin\n", "to spin", "a spinning"},
        {"starts ~ begins to\n\nspins|spinning|spin\n", "begins to spin", "starts spinning"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        take_wording *w = NULL;
        char *said = NULL;
        char told[80];
        lt_error err = {0};
        check_ok(take_wording_parse(cases[i].list, "list", &w, &err), err);
        check_ok(take_prompt_reworded(w, cases[i].prompt, &said, told, sizeof told, &err), err);
        assert_string_equal(said, cases[i].said);
        free(said);
        take_wording_close(w);
    }
}

static void check_plan(const take_wording *w, const char *prompt, const char *expected)
{
    char *said;
    lt_error err = {0};
    check_ok(take_prompt_told(w, prompt, true, &said, &err), err);
    assert_string_equal(said, expected);
    free(said);
}

static void a_plan_is_not_told_what_refinement_paints(void **state)
{
    (void)state;
    check_plan(words, "a red ball on a beach", "a red ball on a beach");
    check_plan(words, "a red ball near a house on a beach at noon",
               "a red ball on a beach at noon");
    check_plan(words, "a red ball on a beach Near  a house", "a red ball on a beach");
    check_plan(words, "Near a tower, a red ball, beach", "a red ball, beach");
    check_plan(words, "on a beach and by the house, a red ball, near a tower, flies",
               "on a beach, a red ball, flies");
    check_plan(words, "a band and near a tower in a meadow", "a band in a meadow");
    check_plan(words, "sand near a tower in a meadow", "sand in a meadow");
    check_plan(words, "with care", "");
    check_plan(words, "a red ball with careful steps", "a red ball with careful steps");
    check_plan(words, "a towering near a houseboat", "a towering near a houseboat");
    /* no place is told: the one where such a thing is found, once */
    check_plan(words, "a red ball flies by the house at night",
               "a red ball flies in a meadow at night");
    check_plan(words, "Near a tall tower a red ball", "on a beach a red ball");
    check_plan(words, "A Red BALL On A Beach", "a red ball on a beach");
    check_plan(words, "a beach ball near a tower by the house", "a beach ball on a beach");
    check_plan(NULL, "A Red ball near a house", "A Red ball near a house");
}

static void check_one(const char *prompt, const char *expected, const char *too_many)
{
    char *told;
    char said[80] = "";
    lt_error err = {0};
    check_ok(take_prompt_told(words, prompt, false, &told, &err), err);
    assert_string_equal(told, expected);
    free(told);
    check_ok(take_prompt_too_many(words, prompt, said, sizeof said, &err), err);
    assert_string_equal(said, too_many);
}

static void one_thing_is_told_of_several(void **state)
{
    (void)state;
    check_one("a red ball on a beach", "a red ball on a beach", "");
    check_one("a red ball and a green cube on a beach", "a red ball on a beach",
              "\"ball\" and \"cube\"");
    check_one("a Cube rests next to a red ball", "a cube rests", "\"Cube\" and \"ball\"");
    check_one("red ball, green cube, orange star, beach", "red ball, beach",
              "\"ball\" and \"cube\"");
    check_one("a red ball chases the big star", "a red ball chases", "\"ball\" and \"star\"");
    check_one("a ball, the ball, and a sphere", "a ball, the ball, and a sphere", "");
    check_one("a ball in a ball park", "a ball in a ball park", "");
    check_one("a ball star", "a ball", "\"ball\" and \"star\"");
    check_one("a red and green ball", "a red and green ball", "\"red\" and \"green\"");
    check_one("a ball flies and rests in  a meadow by the box",
              "a ball flies and rests in  a meadow by",
              "\"flies\" and \"rests\", \"ball\" and \"box\"");
    check_one("on a beach, in a meadow", "on a beach, in a meadow",
              "\"on a beach\" and \"in a meadow\"");
    check_plan(words, "a star and a ball near a tower", "a star on a beach");

    char small[40] = "";
    lt_error err = {0};
    check_ok(take_prompt_too_many(words, "a red and green ball on a beach in a meadow", small,
                                  sizeof small, &err),
             err);
    assert_string_equal(small, "\"red\" and \"green\", ...");
    char none[8] = "";
    check_ok(take_prompt_too_many(NULL, "a red and green ball", none, sizeof none, &err), err);
    assert_string_equal(none, "");
}

/* `expected`: NULL where nothing is added. */
static void check_usual(const take_wording *w, const char *prompt, const char *expected)
{
    char *said;
    lt_error err = {0};
    check_ok(take_prompt_with_usual(w, prompt, &said, &err), err);
    assert_int_equal(said != NULL, expected != NULL);
    if (expected)
        assert_string_equal(said, expected);
    free(said);
}

static void what_is_usual_is_said_where_a_take_begins(void **state)
{
    (void)state;
    static const char list[] =
        "+\n? at noon = in space, underwater\nat noon\nat night = night falls\n- night watch\n"
        "\n? under a clear sky\nunder a clear sky\nin the rain\n\nred\nblue\n";
    lt_error err = {0};
    take_wording *w;
    check_ok(take_wording_parse(list, "list", &w, &err), err);
    check_usual(w, "A red ball.", "A red ball, at noon, under a clear sky.");
    check_usual(w, "a red ball in the rain", "a red ball in the rain, at noon");
    check_usual(w, "a red ball At  Night", "a red ball At  Night, under a clear sky");
    check_usual(w, "a red ball in space", "a red ball in space, under a clear sky");
    check_usual(w, "a red ball in spaces, in the rain",
                "a red ball in spaces, in the rain, at noon");
    check_usual(w, "a night watch in the rain", "a night watch in the rain, at noon");
    /* before the first event; what is to come says nothing of the beginning */
    check_usual(w, "a red ball, then night falls",
                "a red ball, at noon, under a clear sky, then night falls");
    check_usual(w, "night falls on a red ball in the rain, then it turns blue", NULL);
    check_usual(w, "underwater in the rain", NULL);
    check_usual(words, "a red ball", NULL);
    check_usual(NULL, "a red ball", NULL);
    take_wording_close(w);
}

static void lists_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *list, *because;
    } bad[] = {
        {"red, , green", "list: line 1: found \"\", expected words"},
        {"\nred\n= turns", "list: line 3: found \"turns\", expected words that end with '_'"},
        {"red =", "list: line 1: found \"\""},
        {"red|, green", "list: line 1: found \"\""},
        {"red\n+\n", "list: line 2: found \"+\""},
        {"red = !", "list: line 1: found \"!\""},
        {"~ orb", "list: line 1: found \"\", expected words before '~'"},
        {"ball ~", "list: line 1: found \"\""},
        {"-", "list: line 1: found \"\""},
        {"red\n> two", "list: line 2: found \"> two\", expected seconds"},
        {"> 0", "list: line 1: found \"> 0\", expected seconds"},
        {"! red = ", "list: line 1: found \"\", expected words behind '='"},
        {"!", "list: line 1: found \"\""},
        {"&", "list: line 1: found \"\""},
        {"?", "list: line 1: found \"\", expected words behind '?'"},
        {"? at noon =", "list: line 1: found \"\""},
        {"> 1 s", "list: line 1: found \"> 1 s\", expected seconds"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lt_error err = {0};
        take_wording *none = words;
        check_failed(take_wording_parse(bad[i].list, "list", &none, &err), err, LT_ERR_INPUT,
                     bad[i].because);
        assert_null(none);
    }
    lt_error err = {0};
    take_wording *empty;
    check_ok(take_wording_parse("", "list", &empty, &err), err);
    take_wording_close(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_an_event_leads_to),
        cmocka_unit_test(says_events_one_after_the_other),
        cmocka_unit_test(what_is_left_open_goes_on),
        cmocka_unit_test(what_changes_is_told_of_what_is_there),
        cmocka_unit_test(an_article_goes_by_the_word_behind),
        cmocka_unit_test(adds_what_may_be_added),
        cmocka_unit_test(keeps_what_it_does_not_know),
        cmocka_unit_test(without_a_list_all_is_told),
        cmocka_unit_test(an_event_goes_through_the_states_between),
        cmocka_unit_test(other_words_become_those_of_the_model),
        cmocka_unit_test(verbs_are_said_as_of_one_thing),
        cmocka_unit_test(to_may_be_said_otherwise),
        cmocka_unit_test(a_plan_is_not_told_what_refinement_paints),
        cmocka_unit_test(one_thing_is_told_of_several),
        cmocka_unit_test(what_is_usual_is_said_where_a_take_begins),
        cmocka_unit_test(lists_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, open_list, close_list);
}
