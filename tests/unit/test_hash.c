/* test_hash.c - known answers of XXH3-128, and streaming equal to one call. */
#include "kernels/core/hash.h"

#include <stdlib.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"

static void known_answers(void **state)
{
    (void)state;
    char text[LT_HASH_TEXT_BYTES];
    lt_hash_text(lt_hash_bytes("", 0), text);
    assert_string_equal(text, "99aa06d3014798d86001c324468d497f"); /* xxhsum -H2 of an empty file */
    lt_hash_text(lt_hash_bytes("a", 1), text);
    assert_string_equal(text, "a96faf705af16834e6c632b61e964e1f");
}

static void equal_in_both_halves(void **state)
{
    (void)state;
    const lt_hash a = {1, 2};
    assert_true(lt_hash_equal(a, (lt_hash){1, 2}));
    assert_false(lt_hash_equal(a, (lt_hash){1, 3}));
    assert_false(lt_hash_equal(a, (lt_hash){3, 2}));
}

static void pieces_equal_the_whole(void **state)
{
    (void)state;
    enum { BYTES = 700000 };
    unsigned char *const data = malloc(BYTES);
    for (int i = 0; i < BYTES; i++)
        data[i] = (unsigned char)(i * 31 >> 3);
    const lt_hash whole = lt_hash_bytes(data, BYTES);
    lt_hasher *const h = lt_hasher_open();
    lt_hasher_add(h, NULL, 0);
    for (int at = 0, piece = 1; at < BYTES; at += piece, piece = piece * 3 % 4093) {
        if (piece > BYTES - at)
            piece = BYTES - at;
        lt_hasher_add(h, data + at, (size_t)piece);
    }
    const lt_hash pieces = lt_hasher_close(h);
    assert_true(lt_hash_equal(pieces, whole));

    lt_error err = {0};
    lt_hash file;
    scratch_open();
    scratch_write("data", data, BYTES);
    check_ok(lt_hash_file(scratch_path("data"), &file, &err), err);
    assert_true(lt_hash_equal(file, whole));
    check_failed(lt_hash_file(scratch_path("absent"), &file, &err), err, LT_ERR_INPUT, "absent");
    scratch_close();
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(equal_in_both_halves),
        cmocka_unit_test(pieces_equal_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
