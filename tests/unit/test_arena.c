/* test_arena.c - taking, rewinding, and a dry run that counts what a real one needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "kernels/core/arena.h"

static void takes_are_aligned_and_apart(void **state)
{
    (void)state;
    char *block = aligned_alloc(LT_ARENA_ALIGN, 256);
    lt_arena a;
    lt_arena_use(&a, block, 256);
    void *first;
    void *second;
    assert_true(lt_arena_take(&a, 1, &first));
    assert_true(lt_arena_take(&a, 65, &second));
    assert_ptr_equal(first, block);
    assert_ptr_equal(second, block + 64);
    assert_int_equal(a.used, 192);
    free(block);
}

static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    char *block = aligned_alloc(LT_ARENA_ALIGN, 128);
    lt_arena a;
    lt_arena_use(&a, block, 128);
    void *p;
    assert_true(lt_arena_take(&a, 64, &p));
    assert_false(lt_arena_take(&a, 65, &p));
    assert_null(p);
    assert_int_equal(a.used, 64); /* a refusal takes nothing */
    assert_false(lt_arena_take(&a, SIZE_MAX, &p));
    assert_true(lt_arena_take(&a, 64, &p));
    assert_ptr_equal(p, block + 64);
    free(block);
}

static void rewind_gives_memory_back_and_keeps_the_peak(void **state)
{
    (void)state;
    char *block = aligned_alloc(LT_ARENA_ALIGN, 1024);
    lt_arena a;
    lt_arena_use(&a, block, 1024);
    void *p;
    assert_true(lt_arena_take(&a, 64, &p));
    const lt_mark mark = lt_arena_mark(&a);
    assert_true(lt_arena_take(&a, 512, &p));
    lt_arena_rewind(&a, mark);
    assert_true(lt_arena_take(&a, 64, &p));
    assert_ptr_equal(p, block + 64);
    assert_int_equal(a.used, 128);
    assert_int_equal(a.peak, 576);
    free(block);
}

static void measuring_needs_no_memory(void **state)
{
    (void)state;
    lt_arena a;
    lt_arena_measure(&a);
    void *p = &a;
    assert_true(lt_arena_take(&a, (size_t)1 << 50, &p));
    assert_null(p);
    const lt_mark mark = lt_arena_mark(&a);
    assert_true(lt_arena_take(&a, 1, &p));
    lt_arena_rewind(&a, mark);
    assert_int_equal(a.peak, ((size_t)1 << 50) + 64);
    /* a size that no machine has is still refused */
    assert_false(lt_arena_take(&a, SIZE_MAX - 64, &p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_are_aligned_and_apart),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(rewind_gives_memory_back_and_keeps_the_peak),
        cmocka_unit_test(measuring_needs_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
