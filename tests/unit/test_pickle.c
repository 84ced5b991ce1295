/* test_pickle.c - the machine: what programs leave behind, and programs that are refused. */
#include "weights/pickle.h"

#include <stdlib.h>

#include "tests/support/check.h"
#include "tests/support/pt_writer.h"

static lt_status read_bytes(const void *data, size_t bytes, lt_pickle *p, lt_error *err)
{
    *err = (lt_error){0};
    return lt_pickle_read(p, data, bytes, "a.pt", err);
}

/* A program as a literal, its protocol in front. */
#define READ(program, pickle, error)                                                               \
    read_bytes("\x80\x02" program, sizeof("\x80\x02" program) - 1, pickle, error)

static const lt_pickle_node *root_of(const lt_pickle *p)
{
    return &p->node[p->root];
}

/* The n-th item of a container. */
static const lt_pickle_node *item_of(const lt_pickle *p, const lt_pickle_node *container,
                                     uint32_t n)
{
    assert_true(n < container->as.items.count);
    uint32_t link = container->as.items.first;
    while (n-- > 0)
        link = p->link[link].next;
    return &p->node[p->link[link].value];
}

static void reads_numbers(void **state)
{
    (void)state;
    lt_pickle p;
    lt_error err;
    static const int64_t wanted[] = {7, 0xffff, -2, 0, -1, 256, INT64_MIN, 1};
    check_ok(READ("(K\x07M\xff\xffJ\xfe\xff\xff\xff\x8a\x00\x8a\x01\xff\x8a\x02\x00\x01"
                  "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80\x8b\x01\x00\x00\x00\x01t.",
                  &p, &err),
             err);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(item_of(&p, root_of(&p), i)->kind, LT_PICKLE_INT);
        assert_true(item_of(&p, root_of(&p), i)->as.number == wanted[i]);
    }
    lt_pickle_close(&p);
    check_ok(READ("\x8a\x09\x01\x02\x03\x04\x05\x06\x07\x08\x09.", &p, &err), err);
    assert_int_equal(root_of(&p)->kind, LT_PICKLE_OPAQUE);
    lt_pickle_close(&p);
}

static void reads_strings_and_the_rest(void **state)
{
    (void)state;
    lt_pickle p;
    lt_error err;
    check_ok(READ("(X\x02\x00\x00\x00hiU\x02ho\x8c\x01!T\x01\x00\x00\x00?"
                  "C\x02\x00\x00N\x88\x89G\x3f\xf0\x00\x00\x00\x00\x00\x00\x8f)t.",
                  &p, &err),
             err);
    const lt_pickle_node *const root = root_of(&p);
    assert_true(lt_pickle_is(item_of(&p, root, 0)->as.text, "hi"));
    assert_true(lt_pickle_is(item_of(&p, root, 1)->as.text, "ho"));
    assert_true(lt_pickle_is(item_of(&p, root, 2)->as.text, "!"));
    assert_true(lt_pickle_is(item_of(&p, root, 3)->as.text, "?"));
    assert_int_equal(item_of(&p, root, 4)->kind, LT_PICKLE_OPAQUE);
    assert_int_equal(item_of(&p, root, 5)->kind, LT_PICKLE_NONE);
    assert_int_equal(item_of(&p, root, 6)->as.number, 1);
    assert_int_equal(item_of(&p, root, 7)->as.number, 0);
    assert_int_equal(item_of(&p, root, 8)->kind, LT_PICKLE_OPAQUE);
    assert_int_equal(item_of(&p, root, 10)->kind, LT_PICKLE_TUPLE);
    lt_pickle_close(&p);
}

/* A container is put into the memo while it is empty, and filled
 * later; both must be the same one. */
static void the_memo_holds_containers_not_copies(void **state)
{
    (void)state;
    lt_pickle p;
    lt_error err;
    check_ok(READ("(]q\x00"
                  "K\x05"
                  "ah\x00}q\x01(X\x01\x00\x00\x00kK\x06uh\x01t.",
                  &p, &err),
             err);
    const lt_pickle_node *const root = root_of(&p);
    assert_ptr_equal(item_of(&p, root, 0), item_of(&p, root, 1));
    assert_int_equal(item_of(&p, item_of(&p, root, 1), 0)->as.number, 5);
    assert_ptr_equal(item_of(&p, root, 2), item_of(&p, root, 3));
    assert_int_equal(item_of(&p, root, 3)->as.items.count, 1);
    lt_pickle_close(&p);
}

static void an_ordered_dict_keeps_its_items_and_drops_its_state(void **state)
{
    (void)state;
    lt_pickle p;
    lt_error err;
    check_ok(READ("ccollections\nOrderedDict\n)Rq\x00(X\x01\x00\x00\x00"
                  "aK\x01u}X\x09\x00\x00\x00_metadata}sb.",
                  &p, &err),
             err);
    assert_int_equal(root_of(&p)->kind, LT_PICKLE_DICT);
    assert_int_equal(root_of(&p)->as.items.count, 1);
    lt_pickle_close(&p);
    check_ok(READ("ccollections\nOrderedDict\n]X\x01\x00\x00\x00"
                  "aK\x01\x86"
                  "a\x85R.",
                  &p, &err),
             err);
    assert_int_equal(root_of(&p)->as.items.count, 1);
    assert_int_equal(item_of(&p, root_of(&p), 0)->as.number, 1);
    lt_pickle_close(&p);
}

/* Nothing is called: a command stays a name, its result is opaque,
 * and what is set on it is lost. */
static void calls_nothing(void **state)
{
    (void)state;
    lt_pickle p;
    lt_error err;
    check_ok(READ("cposix\nsystem\nX\x04\x00\x00\x00true\x85R.", &p, &err), err);
    assert_int_equal(root_of(&p)->kind, LT_PICKLE_OPAQUE);
    lt_pickle_close(&p);
    check_ok(READ("cargparse\nNamespace\n)\x81}X\x01\x00\x00\x00"
                  "aK\x01sb(K\x01K\x02"
                  "e(K\x01K\x02uK\x01"
                  "a.",
                  &p, &err),
             err);
    assert_int_equal(root_of(&p)->kind, LT_PICKLE_OPAQUE);
    lt_pickle_close(&p);
    check_ok(READ("X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93)}\x92.", &p, &err), err);
    assert_int_equal(root_of(&p)->kind, LT_PICKLE_OPAQUE);
    lt_pickle_close(&p);
}

static void understands_what_describes_tensors(void **state)
{
    (void)state;
    byte_list b = {0};
    const pt_view view = {.type = "FloatStorage",
                          .key = "7",
                          .count = 24,
                          .offset = 3,
                          .rank = 2,
                          .dim = {2, 3},
                          .stride = {1, 2}};
    pt_begin(&b);
    bytes_text(&b, "(");
    pt_tensor(&b, &view);
    pt_global(&b, "torch._utils", "_rebuild_parameter");
    bytes_text(&b, "(");
    pt_tensor(&b, &view);
    bytes_put(&b, "\x89N", 2);
    bytes_text(&b, "tR");
    pt_global(&b, "torch", "Size");
    pt_ints(&b, 2, (const int64_t[]){4, 5});
    bytes_put(&b, "\x85R", 2);
    bytes_text(&b, "t");
    pt_end(&b);
    lt_pickle p;
    lt_error err;
    check_ok(read_bytes(b.data, b.bytes, &p, &err), err);
    for (uint32_t i = 0; i < 2; i++) {
        const lt_pickle_node *const t = item_of(&p, root_of(&p), i);
        assert_int_equal(t->kind, LT_PICKLE_TENSOR);
        assert_int_equal(t->as.tensor.offset, 3);
        assert_int_equal(p.node[t->as.tensor.sizes].as.items.count, 2);
        const lt_pickle_node *const s = &p.node[t->as.tensor.storage];
        assert_true(lt_pickle_is(s->as.storage.key, "7"));
        assert_int_equal(s->as.storage.count, 24);
        assert_true(lt_pickle_names(&p, s->as.storage.type, "torch", "FloatStorage"));
    }
    assert_int_equal(item_of(&p, root_of(&p), 2)->kind, LT_PICKLE_TUPLE);
    lt_pickle_close(&p);
    bytes_close(&b);
}

static void counts_above_a_byte_of_memo_entries(void **state)
{
    (void)state;
    byte_list b = {0};
    pt_begin(&b);
    bytes_text(&b, "(");
    for (int i = 0; i < 400; i++) {
        pt_int(&b, i);
        bytes_text(&b, "r");
        bytes_number(&b, 4, (uint64_t)i);
    }
    bytes_text(&b, "j");
    bytes_number(&b, 4, 300);
    bytes_text(&b, "t");
    pt_end(&b);
    lt_pickle p;
    lt_error err;
    check_ok(read_bytes(b.data, b.bytes, &p, &err), err);
    assert_int_equal(item_of(&p, root_of(&p), 400)->as.number, 300);
    lt_pickle_close(&p);
    bytes_close(&b);
}

/* Tuples of tuples of one another, doubling 60 times: read in no time, since nothing is copied. */
static void a_doubling_tuple_is_small(void **state)
{
    (void)state;
    byte_list b = {0};
    pt_begin(&b);
    bytes_text(&b, ")");
    for (int i = 0; i < 60; i++)
        bytes_text(&b, "2\x86");
    pt_end(&b);
    lt_pickle p;
    lt_error err;
    check_ok(read_bytes(b.data, b.bytes, &p, &err), err);
    assert_true(p.nodes < 100);
    lt_pickle_close(&p);
    bytes_close(&b);
}

static void a_list_may_hold_itself(void **state)
{
    (void)state;
    lt_pickle p;
    lt_error err;
    check_ok(READ("]q\x00h\x00"
                  "a.",
                  &p, &err),
             err);
    assert_ptr_equal(item_of(&p, root_of(&p), 0), root_of(&p));
    lt_pickle_close(&p);
}

#define BAD(program, because)                                                                      \
    {                                                                                              \
        "\x80\x02" program, sizeof("\x80\x02" program) - 1, because                                \
    }

static void refuses_broken_programs(void **state)
{
    (void)state;
    static const struct {
        const char *program;
        size_t bytes;
        const char *because;
    } bad[] = {
        BAD("", "past the end"),
        BAD("N", "past the end"),
        BAD(".", "more or less than one value"),
        BAD("NN.", "more or less than one value"),
        BAD("(N.", "more or less than one value"),
        BAD("N.N", "bytes follow"),
        BAD("N..", "bytes follow"),
        BAD("X\xff\xff\xff\xffshort", "past the end"),
        BAD("\x8d\xff\xff\xff\xff\xff\xff\xff\xffx", "past the end"),
        BAD("K", "past the end"),
        BAD("h\x00.", "never put"),
        BAD("Nq\x01h\x00.", "never put"),
        BAD("q\x00.", "empty stack"),
        BAD("Nr\xff\xff\xff\xff.", "too many"),
        BAD("Nr\x40\x42\x0f\x00.", "too many"),
        BAD("t.", "no mark"),
        BAD("u.", "no mark"),
        BAD("}(N"
            "u.",
            "a key has no value"),
        BAD("}(NNN"
            "u.",
            "a key has no value"),
        BAD("(NNu.", "empty stack"),
        BAD("}N"
            "s.",
            "empty stack"),
        BAD("N(\x85.", "empty stack"),
        BAD("N(R.", "empty stack"),
        BAD("NNR.", "not a tuple"),
        BAD("b.", "empty stack"),
        BAD("NQ.", "not that of a storage"),
        BAD("(X\x05\x00\x00\x00"
            "otherNNNNtQ.",
            "not that of a storage"),
        BAD("(X\x07\x00\x00\x00storageNNNNtQ.", "of the wrong kind"),
        BAD("(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x00"
            "0NJ\xff\xff\xff\xfftQ.",
            "negative"),
        BAD("ctorch._utils\n_rebuild_tensor_v2\n)R.", "of the wrong kind"),
        BAD("ctorch._utils\n_rebuild_tensor\n(NNNNtR.", "of the wrong kind"),
        BAD("ccollections\nOrderedDict\n]N"
            "a\x85R.",
            "something else than pairs"),
        BAD("K\x01K\x02\x93.", "not made of two strings"),
        BAD("cposix\nsystem", "has no end"),
        BAD("cposix", "has no end"),
        BAD("I1\n.", "opcode 0x49 is not allowed"),
        BAD("S'x'\n.", "opcode 0x53 is not allowed"),
        BAD("Vx\n.", "opcode 0x56 is not allowed"),
        BAD("(iposix\nsystem\n.", "opcode 0x69 is not allowed"),
        BAD("(o.", "opcode 0x6f is not allowed"),
        BAD("P0\n.", "opcode 0x50 is not allowed"),
        BAD("\x82\x01.", "opcode 0x82 is not allowed"),
        BAD("\x80\x02N.", "opcode 0x80 is not allowed"),
        BAD("\x96.", "opcode 0x96 is not allowed"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        lt_pickle p;
        lt_error err;
        check_failed(read_bytes(bad[i].program, bad[i].bytes, &p, &err), err, LT_ERR_INPUT,
                     bad[i].because);
        assert_null(p.node);
    }
}

static void refuses_other_protocols(void **state)
{
    (void)state;
    lt_pickle p;
    lt_error err;
    check_failed(read_bytes("", 0, &p, &err), err, LT_ERR_INPUT,
                 "does not begin with its protocol");
    check_failed(read_bytes("N.", 2, &p, &err), err, LT_ERR_INPUT,
                 "does not begin with its protocol");
    check_failed(read_bytes("\x80\x01N.", 4, &p, &err), err, LT_ERR_INPUT, "protocol 1");
    check_failed(read_bytes("\x80\x06N.", 4, &p, &err), err, LT_ERR_INPUT, "protocol 6");
    check_ok(read_bytes("\x80\x05\x95\x02\x00\x00\x00\x00\x00\x00\x00N.", 13, &p, &err), err);
    lt_pickle_close(&p);
}

static void bounds_lines_and_marks(void **state)
{
    (void)state;
    byte_list b = {0};
    lt_pickle p;
    lt_error err;
    pt_begin(&b);
    bytes_text(&b, "c");
    for (int i = 0; i < 300; i++)
        bytes_text(&b, "x");
    bytes_text(&b, "\ny\n.");
    check_failed(read_bytes(b.data, b.bytes, &p, &err), err, LT_ERR_INPUT, "a line is too long");
    b.bytes = 2;
    for (int i = 0; i <= LT_MAX_PICKLE_STACK; i++)
        bytes_text(&b, "(");
    check_failed(read_bytes(b.data, b.bytes, &p, &err), err, LT_ERR_INPUT, "too many");
    b.bytes = 2;
    /* entry 90000 of a memo that this many bytes cannot have filled */
    bytes_put(&b, "Nr\x90\x5f\x01\x00", 6);
    check_failed(read_bytes(b.data, b.bytes, &p, &err), err, LT_ERR_INPUT, "too many");
    b.bytes = 2;
    bytes_text(&b, "(");
    for (int i = 0; i <= LT_MAX_PICKLE_STACK; i++)
        bytes_text(&b, "N");
    check_failed(read_bytes(b.data, b.bytes, &p, &err), err, LT_ERR_INPUT, "too many");
    bytes_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(reads_strings_and_the_rest),
        cmocka_unit_test(the_memo_holds_containers_not_copies),
        cmocka_unit_test(an_ordered_dict_keeps_its_items_and_drops_its_state),
        cmocka_unit_test(calls_nothing),
        cmocka_unit_test(understands_what_describes_tensors),
        cmocka_unit_test(counts_above_a_byte_of_memo_entries),
        cmocka_unit_test(a_doubling_tuple_is_small),
        cmocka_unit_test(a_list_may_hold_itself),
        cmocka_unit_test(refuses_broken_programs),
        cmocka_unit_test(refuses_other_protocols),
        cmocka_unit_test(bounds_lines_and_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
