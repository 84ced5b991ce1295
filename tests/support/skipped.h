/* skipped.h - skipped is not passed: a test program of which a part was skipped ends with 77.
 *
 *     if (!is_here)
 *         skip_part("the program ffmpeg is not here");
 *     ...
 *     return test_exit(cmocka_run_group_tests(tests, NULL, NULL));
 */
#ifndef TEST_SKIPPED_H
#define TEST_SKIPPED_H

/* Says why and leaves the test, as cmocka's skip() does. */
void skip_part(const char *why);
/* The exit code of a program of which so many tests failed: 1, 77 or 0. */
int test_exit(int failed);

#endif
