/* skipped.c - see skipped.h. */
#include "tests/support/skipped.h"

#include <stdbool.h>

#include "tests/support/check.h"

static bool any;

void skip_part(const char *why)
{
    any = true;
    print_message("skipped: %s\n", why);
    skip();
}

int test_exit(int failed)
{
    return failed != 0 ? 1 : any ? 77 : 0;
}
