/* expect.h - what a test of the CUDA backend counts and names: calls that must succeed, and what
 * they must have done. */
#ifndef TEST_CUDA_EXPECT_H
#define TEST_CUDA_EXPECT_H

#include <stdbool.h>
#include <stdio.h>

#include "kernels/backend.h"

static int failed;

/* `err`: of the call that is looked at. */
static void expect(bool holds, const char *what, const lt_error *err)
{
    if (holds)
        return;
    printf("FAILED %s (%s)\n", what, err->message);
    failed++;
}

/* Devices to test on; 0 with a line that says why it is skipped. */
static inline int devices_here(void)
{
    lt_error err = {0};
    int devices = 0;
    if (lt_cuda_count(&devices, &err) == LT_OK)
        return devices;
    printf("skipped: %s\n", err.message);
    return 0;
}

#endif
