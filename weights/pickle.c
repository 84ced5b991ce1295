/* pickle.c - the machine: a stack, marks, a memo. */
#include "weights/pickle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Opcodes of protocols 2 to 5 that PyTorch's own restricted reader
 * knows, and their close relatives. */
enum {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_POP = '0',
    OP_POP_MARK = '1',
    OP_DUP = '2',
    OP_BINBYTES = 'B',
    OP_SHORT_BINBYTES = 'C',
    OP_BINFLOAT = 'G',
    OP_BININT = 'J',
    OP_BININT1 = 'K',
    OP_BININT2 = 'M',
    OP_NONE = 'N',
    OP_BINPERSID = 'Q',
    OP_REDUCE = 'R',
    OP_BINSTRING = 'T',
    OP_SHORT_BINSTRING = 'U',
    OP_BINUNICODE = 'X',
    OP_EMPTY_LIST = ']',
    OP_APPEND = 'a',
    OP_BUILD = 'b',
    OP_GLOBAL = 'c',
    OP_APPENDS = 'e',
    OP_BINGET = 'h',
    OP_LONG_BINGET = 'j',
    OP_BINPUT = 'q',
    OP_LONG_BINPUT = 'r',
    OP_SETITEM = 's',
    OP_TUPLE = 't',
    OP_SETITEMS = 'u',
    OP_EMPTY_DICT = '}',
    OP_EMPTY_TUPLE = ')',
    OP_PROTO = 0x80,
    OP_NEWOBJ = 0x81,
    OP_TUPLE1 = 0x85,
    OP_TUPLE2 = 0x86,
    OP_TUPLE3 = 0x87,
    OP_NEWTRUE = 0x88,
    OP_NEWFALSE = 0x89,
    OP_LONG1 = 0x8a,
    OP_LONG4 = 0x8b,
    OP_SHORT_BINUNICODE = 0x8c,
    OP_BINUNICODE8 = 0x8d,
    OP_EMPTY_SET = 0x8f,
    OP_ADDITEMS = 0x90,
    OP_FROZENSET = 0x91,
    OP_NEWOBJ_EX = 0x92,
    OP_STACK_GLOBAL = 0x93,
    OP_MEMOIZE = 0x94,
    OP_FRAME = 0x95
};

typedef struct {
    lt_pickle *p;
    const uint8_t *data;
    size_t bytes;
    size_t at; /* next byte */
    size_t opcode_at;
    const char *place;
    lt_error *err;
    lt_pickle_ref *stack;
    uint32_t depth;
    uint32_t stack_capacity;
    uint32_t *mark; /* depths of the stack */
    uint32_t marks;
    uint32_t mark_capacity;
    lt_pickle_ref *memo;
    uint32_t memo_capacity;
    uint32_t memo_next; /* of MEMOIZE: as many as were put */
} machine;

static lt_status broken(machine *m, const char *rule)
{
    return lt_fail(m->err, LT_ERR_INPUT, "%s: pickle byte %zu: %s", m->place, m->opcode_at, rule);
}

static lt_status no_memory(machine *m)
{
    return lt_fail(m->err, LT_ERR_RESOURCES, "%s: no memory for its pickle", m->place);
}

/* Makes room for `wanted` items. */
static lt_status grow(machine *m, void *array, uint32_t *capacity, uint32_t wanted, uint32_t most,
                      size_t item_bytes)
{
    if (wanted <= *capacity)
        return LT_OK;
    if (wanted > most)
        return broken(m, "too many values, marks or memo entries");
    uint32_t larger = *capacity ? 2 * *capacity : 256;
    if (larger < wanted)
        larger = wanted;
    if (larger > most)
        larger = most;
    void **const place = array;
    void *const grown = realloc(*place, larger * item_bytes);
    if (!grown)
        return no_memory(m);
    *place = grown;
    *capacity = larger;
    return LT_OK;
}

/* ---- values ---- */

static lt_status new_node(machine *m, lt_pickle_node node, lt_pickle_ref *out)
{
    lt_pickle *const p = m->p;
    LT_TRY(
        grow(m, &p->node, &p->node_capacity, p->nodes + 1, LT_MAX_PICKLE_NODES, sizeof *p->node));
    p->node[p->nodes] = node;
    *out = p->nodes++;
    return LT_OK;
}

static lt_status push(machine *m, lt_pickle_ref value)
{
    LT_TRY(grow(m, &m->stack, &m->stack_capacity, m->depth + 1, LT_MAX_PICKLE_STACK,
                sizeof *m->stack));
    m->stack[m->depth++] = value;
    return LT_OK;
}

static lt_status push_node(machine *m, lt_pickle_node node)
{
    lt_pickle_ref value = 0;
    LT_TRY(new_node(m, node, &value));
    return push(m, value);
}

static lt_status push_kind(machine *m, lt_pickle_kind kind)
{
    return push_node(m, (lt_pickle_node){.kind = kind});
}

static lt_status push_int(machine *m, int64_t value)
{
    return push_node(m, (lt_pickle_node){.kind = LT_PICKLE_INT, .as.number = value});
}

/* Values above the last mark; those below it belong to somebody else. */
static uint32_t available(const machine *m)
{
    return m->depth - (m->marks > 0 ? m->mark[m->marks - 1] : 0);
}

static lt_status pop(machine *m, lt_pickle_ref *out)
{
    if (available(m) == 0)
        return broken(m, "takes a value from an empty stack");
    assert(m->stack);
    *out = m->stack[--m->depth];
    return LT_OK;
}

static lt_status top(machine *m, lt_pickle_ref *out)
{
    if (available(m) == 0)
        return broken(m, "takes a value from an empty stack");
    assert(m->stack);
    *out = m->stack[m->depth - 1];
    return LT_OK;
}

static const lt_pickle_node *node_of(const machine *m, lt_pickle_ref value)
{
    return &m->p->node[value];
}

static lt_status append(machine *m, lt_pickle_ref container, lt_pickle_ref key, lt_pickle_ref value)
{
    lt_pickle *const p = m->p;
    LT_TRY(
        grow(m, &p->link, &p->link_capacity, p->links + 1, LT_MAX_PICKLE_NODES, sizeof *p->link));
    const uint32_t link = p->links++;
    p->link[link] = (lt_pickle_link){.key = key, .value = value};
    lt_pickle_node *const c = &p->node[container];
    if (c->as.items.count++ == 0)
        c->as.items.first = link;
    else
        p->link[c->as.items.last].next = link;
    c->as.items.last = link;
    return LT_OK;
}

/* The items of a tuple of exactly `count`; false for anything else. */
static bool unpack(const machine *m, lt_pickle_ref value, lt_pickle_ref *item, uint32_t count)
{
    const lt_pickle_node *const n = node_of(m, value);
    if (n->kind != LT_PICKLE_TUPLE || n->as.items.count != count)
        return false;
    uint32_t link = n->as.items.first;
    for (uint32_t i = 0; i < count; i++, link = m->p->link[link].next)
        item[i] = m->p->link[link].value;
    return true;
}

/* ---- operands ---- */

static lt_status take(machine *m, size_t bytes, const uint8_t **out)
{
    if (bytes > m->bytes - m->at)
        return broken(m, "an operand runs past the end");
    *out = m->data + m->at;
    m->at += bytes;
    return LT_OK;
}

static lt_status take_number(machine *m, int bytes, uint64_t *out)
{
    const uint8_t *p = NULL;
    LT_TRY(take(m, (size_t)bytes, &p));
    *out = 0;
    for (int i = bytes - 1; i >= 0; i--)
        *out = *out << 8 | p[i];
    return LT_OK;
}

/* Text with its length in front, `length_bytes` wide. */
static lt_status take_text(machine *m, int length_bytes, lt_pickle_text *out)
{
    uint64_t length = 0;
    const uint8_t *text = NULL;
    LT_TRY(take_number(m, length_bytes, &length));
    if (length > LT_MAX_PICKLE_BYTES)
        return broken(m, "an operand runs past the end");
    LT_TRY(take(m, (size_t)length, &text));
    *out = (lt_pickle_text){.text = (const char *)text, .bytes = (uint32_t)length};
    return LT_OK;
}

static lt_status take_line(machine *m, lt_pickle_text *out)
{
    const uint8_t *const from = m->data + m->at;
    const uint8_t *const end = memchr(from, '\n', m->bytes - m->at);
    if (!end || end - from > LT_MAX_PICKLE_LINE)
        return broken(m, "a line is too long or has no end");
    *out = (lt_pickle_text){.text = (const char *)from, .bytes = (uint32_t)(end - from)};
    m->at += out->bytes + 1;
    return LT_OK;
}

static lt_status push_string(machine *m, int length_bytes)
{
    lt_pickle_node node = {.kind = LT_PICKLE_STRING};
    LT_TRY(take_text(m, length_bytes, &node.as.text));
    return push_node(m, node);
}

static lt_status push_bytes(machine *m, int length_bytes)
{
    lt_pickle_text ignored;
    LT_TRY(take_text(m, length_bytes, &ignored));
    return push_kind(m, LT_PICKLE_OPAQUE);
}

/* Two's complement of any length; what does not fit 64 bits is opaque. */
static lt_status push_long(machine *m, int length_bytes)
{
    lt_pickle_text digits;
    LT_TRY(take_text(m, length_bytes, &digits));
    if (digits.bytes > 8)
        return push_kind(m, LT_PICKLE_OPAQUE);
    uint64_t value = 0;
    for (uint32_t i = 0; i < digits.bytes; i++)
        value |= (uint64_t)(uint8_t)digits.text[i] << (8 * i);
    const bool negative = digits.bytes > 0 && (digits.text[digits.bytes - 1] & 0x80);
    if (negative && digits.bytes < 8)
        value |= UINT64_MAX << (8 * digits.bytes);
    return push_int(m, (int64_t)value);
}

/* ---- memo and marks ---- */

static lt_status memo_put(machine *m, uint64_t index)
{
    lt_pickle_ref value = 0;
    LT_TRY(top(m, &value));
    if (index >= LT_MAX_PICKLE_MEMO || index >= m->bytes) /* every entry takes more than a byte */
        return broken(m, "too many values, marks or memo entries");
    const uint32_t before = m->memo_capacity;
    LT_TRY(grow(m, &m->memo, &m->memo_capacity, (uint32_t)index + 1, LT_MAX_PICKLE_MEMO,
                sizeof *m->memo));
    memset(m->memo + before, 0, (m->memo_capacity - before) * sizeof *m->memo);
    m->memo_next += m->memo[index] == 0;
    m->memo[index] = value;
    return LT_OK;
}

static lt_status memo_get(machine *m, uint64_t index)
{
    if (index >= m->memo_capacity || m->memo[index] == 0)
        return broken(m, "reads a memo entry that was never put");
    return push(m, m->memo[index]);
}

static lt_status push_mark(machine *m)
{
    LT_TRY(
        grow(m, &m->mark, &m->mark_capacity, m->marks + 1, LT_MAX_PICKLE_STACK, sizeof *m->mark));
    m->mark[m->marks++] = m->depth;
    return LT_OK;
}

/* Takes the last mark off; the values above it are stack[*first .. depth-1] and still there. */
static lt_status pop_mark(machine *m, uint32_t *first)
{
    if (m->marks == 0)
        return broken(m, "there is no mark");
    *first = m->mark[--m->marks];
    return LT_OK;
}

/* ---- containers ---- */

static lt_status tuple_of(machine *m, uint32_t first)
{
    lt_pickle_ref tuple = 0;
    LT_TRY(new_node(m, (lt_pickle_node){.kind = LT_PICKLE_TUPLE}, &tuple));
    for (uint32_t i = first; i < m->depth; i++)
        LT_TRY(append(m, tuple, 0, m->stack[i]));
    m->depth = first;
    return push(m, tuple);
}

static lt_status short_tuple(machine *m, uint32_t count)
{
    if (available(m) < count)
        return broken(m, "takes a value from an empty stack");
    return tuple_of(m, m->depth - count);
}

static lt_status marked_tuple(machine *m)
{
    uint32_t first = 0;
    LT_TRY(pop_mark(m, &first));
    return tuple_of(m, first);
}

/* Adds stack[first ..] to the list below; to anything else they are lost. */
static lt_status extend_list(machine *m, uint32_t first)
{
    const uint32_t end = m->depth;
    m->depth = first;
    lt_pickle_ref list = 0;
    LT_TRY(top(m, &list));
    if (node_of(m, list)->kind == LT_PICKLE_LIST)
        for (uint32_t i = first; i < end; i++)
            LT_TRY(append(m, list, 0, m->stack[i]));
    return LT_OK;
}

static lt_status extend_dict(machine *m, uint32_t first)
{
    const uint32_t end = m->depth;
    if ((end - first) % 2 != 0)
        return broken(m, "a key has no value");
    m->depth = first;
    lt_pickle_ref dict = 0;
    LT_TRY(top(m, &dict));
    if (node_of(m, dict)->kind == LT_PICKLE_DICT)
        for (uint32_t i = first; i < end; i += 2)
            LT_TRY(append(m, dict, m->stack[i], m->stack[i + 1]));
    return LT_OK;
}

static lt_status extend_marked(machine *m, lt_status (*extend)(machine *, uint32_t))
{
    uint32_t first = 0;
    LT_TRY(pop_mark(m, &first));
    return extend(m, first);
}

static lt_status extend_by(machine *m, uint32_t count, lt_status (*extend)(machine *, uint32_t))
{
    if (available(m) < count + 1)
        return broken(m, "takes a value from an empty stack");
    return extend(m, m->depth - count);
}

/* ---- names and calls ---- */

bool lt_pickle_is(lt_pickle_text text, const char *wanted)
{
    return text.bytes == strlen(wanted) && memcmp(text.text, wanted, text.bytes) == 0;
}

bool lt_pickle_names(const lt_pickle *p, lt_pickle_ref value, const char *module, const char *name)
{
    const lt_pickle_node *const n = &p->node[value];
    return n->kind == LT_PICKLE_NAME && lt_pickle_is(n->as.global.module, module) &&
           lt_pickle_is(n->as.global.name, name);
}

static lt_status push_global(machine *m)
{
    lt_pickle_node node = {.kind = LT_PICKLE_NAME};
    LT_TRY(take_line(m, &node.as.global.module));
    LT_TRY(take_line(m, &node.as.global.name));
    return push_node(m, node);
}

static lt_status push_stack_global(machine *m)
{
    lt_pickle_ref name = 0;
    lt_pickle_ref module = 0;
    LT_TRY(pop(m, &name));
    LT_TRY(pop(m, &module));
    if (node_of(m, name)->kind != LT_PICKLE_STRING || node_of(m, module)->kind != LT_PICKLE_STRING)
        return broken(m, "a name is not made of two strings");
    lt_pickle_node node = {.kind = LT_PICKLE_NAME};
    node.as.global.module = node_of(m, module)->as.text;
    node.as.global.name = node_of(m, name)->as.text;
    return push_node(m, node);
}

/* A storage is named by ('storage', type, key, location, count). */
static lt_status push_storage(machine *m)
{
    lt_pickle_ref id = 0;
    lt_pickle_ref item[5];
    LT_TRY(pop(m, &id));
    if (!unpack(m, id, item, 5) || node_of(m, item[0])->kind != LT_PICKLE_STRING ||
        !lt_pickle_is(node_of(m, item[0])->as.text, "storage"))
        return broken(m, "a persistent id is not that of a storage");
    const lt_pickle_node *const key = node_of(m, item[2]);
    const lt_pickle_node *const count = node_of(m, item[4]);
    if (node_of(m, item[1])->kind != LT_PICKLE_NAME || key->kind != LT_PICKLE_STRING ||
        count->kind != LT_PICKLE_INT)
        return broken(m, "a storage's type, key or count is of the wrong kind");
    if (count->as.number < 0)
        return broken(m, "a storage has a negative count");
    lt_pickle_node node = {.kind = LT_PICKLE_STORAGE};
    node.as.storage.type = item[1];
    node.as.storage.key = key->as.text;
    node.as.storage.count = count->as.number;
    return push_node(m, node);
}

/* _rebuild_tensor (4 arguments), _v2 (6 or 7), _v3 (7 or 8, the seventh is the dtype). */
static lt_status push_tensor(machine *m, lt_pickle_ref arguments, uint32_t least, bool has_dtype)
{
    lt_pickle_ref item[8] = {0};
    const uint32_t given = node_of(m, arguments)->as.items.count;
    if (given < least || given > 8 || !unpack(m, arguments, item, given) ||
        node_of(m, item[0])->kind != LT_PICKLE_STORAGE ||
        node_of(m, item[1])->kind != LT_PICKLE_INT ||
        node_of(m, item[2])->kind != LT_PICKLE_TUPLE ||
        node_of(m, item[3])->kind != LT_PICKLE_TUPLE ||
        (has_dtype && node_of(m, item[6])->kind != LT_PICKLE_NAME))
        return broken(m, "a tensor is rebuilt from values of the wrong kind");
    lt_pickle_node node = {.kind = LT_PICKLE_TENSOR};
    node.as.tensor.storage = item[0];
    node.as.tensor.offset = node_of(m, item[1])->as.number;
    node.as.tensor.sizes = item[2];
    node.as.tensor.strides = item[3];
    node.as.tensor.dtype = has_dtype ? item[6] : 0;
    return push_node(m, node);
}

/* An OrderedDict made of nothing, or of a list of pairs. */
static lt_status push_ordered_dict(machine *m, lt_pickle_ref arguments)
{
    lt_pickle_ref list = 0;
    lt_pickle_ref dict = 0;
    LT_TRY(new_node(m, (lt_pickle_node){.kind = LT_PICKLE_DICT}, &dict));
    if (unpack(m, arguments, &list, 1) && node_of(m, list)->kind == LT_PICKLE_LIST) {
        uint32_t link = node_of(m, list)->as.items.first;
        for (uint32_t i = 0; i < node_of(m, list)->as.items.count;
             i++, link = m->p->link[link].next) {
            lt_pickle_ref pair[2];
            if (!unpack(m, m->p->link[link].value, pair, 2))
                return broken(m, "an ordered dictionary is made of something else than pairs");
            LT_TRY(append(m, dict, pair[0], pair[1]));
        }
    }
    return push(m, dict);
}

static bool first_of_kind(const machine *m, lt_pickle_ref arguments, lt_pickle_kind kind,
                          lt_pickle_ref *out)
{
    const lt_pickle_node *const n = node_of(m, arguments);
    if (n->as.items.count == 0)
        return false;
    *out = m->p->link[n->as.items.first].value;
    return node_of(m, *out)->kind == kind;
}

/* What calling `callable` would give, where we know it; nothing is called. */
static lt_status push_result(machine *m, lt_pickle_ref callable, lt_pickle_ref arguments)
{
    static const char *const rebuild = "torch._utils";
    const lt_pickle *const p = m->p;
    lt_pickle_ref first = 0;
    if (node_of(m, arguments)->kind != LT_PICKLE_TUPLE)
        return node_of(m, arguments)->kind == LT_PICKLE_OPAQUE
                   ? push_kind(m, LT_PICKLE_OPAQUE)
                   : broken(m, "arguments are not a tuple");
    if (lt_pickle_names(p, callable, rebuild, "_rebuild_tensor_v2"))
        return push_tensor(m, arguments, 6, false);
    if (lt_pickle_names(p, callable, rebuild, "_rebuild_tensor"))
        return push_tensor(m, arguments, 4, false);
    if (lt_pickle_names(p, callable, rebuild, "_rebuild_tensor_v3"))
        return push_tensor(m, arguments, 7, true);
    if (lt_pickle_names(p, callable, "collections", "OrderedDict"))
        return push_ordered_dict(m, arguments);
    const bool parameter = lt_pickle_names(p, callable, rebuild, "_rebuild_parameter") ||
                           lt_pickle_names(p, callable, rebuild, "_rebuild_parameter_with_state") ||
                           lt_pickle_names(p, callable, "torch.nn.parameter", "Parameter");
    if (parameter && first_of_kind(m, arguments, LT_PICKLE_TENSOR, &first))
        return push(m, first);
    if (lt_pickle_names(p, callable, "torch", "Size") &&
        first_of_kind(m, arguments, LT_PICKLE_TUPLE, &first))
        return push(m, first);
    return push_kind(m, LT_PICKLE_OPAQUE);
}

static lt_status call(machine *m)
{
    lt_pickle_ref arguments = 0;
    lt_pickle_ref callable = 0;
    LT_TRY(pop(m, &arguments));
    LT_TRY(pop(m, &callable));
    return push_result(m, callable, arguments);
}

static lt_status call_with_keywords(machine *m)
{
    lt_pickle_ref ignored = 0;
    LT_TRY(pop(m, &ignored));
    LT_TRY(pop(m, &ignored));
    LT_TRY(pop(m, &ignored));
    return push_kind(m, LT_PICKLE_OPAQUE);
}

/* ---- the loop ---- */

static lt_status pop_one(machine *m)
{
    lt_pickle_ref ignored = 0;
    if (available(m) == 0 && m->marks > 0)
        return pop_mark(m, &m->depth);
    return pop(m, &ignored);
}

static lt_status duplicate(machine *m)
{
    lt_pickle_ref value = 0;
    LT_TRY(top(m, &value));
    return push(m, value);
}

static lt_status drop_to_mark(machine *m)
{
    return pop_mark(m, &m->depth);
}

static lt_status opaque_from_mark(machine *m)
{
    LT_TRY(drop_to_mark(m));
    return push_kind(m, LT_PICKLE_OPAQUE);
}

/* An integer operand, sign-extended from `bytes`. */
static lt_status push_operand(machine *m, int bytes)
{
    uint64_t value = 0;
    LT_TRY(take_number(m, bytes, &value));
    return push_int(m, bytes == 4 ? (int32_t)(uint32_t)value : (int64_t)value);
}

static lt_status skip(machine *m, size_t bytes)
{
    const uint8_t *ignored = NULL;
    return take(m, bytes, &ignored);
}

static lt_status memo_operand(machine *m, int bytes, lt_status (*use)(machine *, uint64_t))
{
    uint64_t index = 0;
    LT_TRY(take_number(m, bytes, &index));
    return use(m, index);
}

static lt_status push_float(machine *m)
{
    LT_TRY(skip(m, 8));
    return push_kind(m, LT_PICKLE_OPAQUE);
}

static lt_status build(machine *m)
{
    lt_pickle_ref state = 0;
    LT_TRY(pop(m, &state));
    return top(m, &state);
}

static lt_status unknown_opcode(machine *m, int opcode)
{
    return lt_fail(m->err, LT_ERR_INPUT, "%s: pickle byte %zu: opcode 0x%02x is not allowed",
                   m->place, m->opcode_at, (unsigned)opcode);
}

static lt_status step(machine *m, int opcode)
{
    switch (opcode) {
    case OP_MARK:
        return push_mark(m);
    case OP_POP:
        return pop_one(m);
    case OP_POP_MARK:
        return drop_to_mark(m);
    case OP_DUP:
        return duplicate(m);
    case OP_NONE:
        return push_kind(m, LT_PICKLE_NONE);
    case OP_NEWTRUE:
    case OP_NEWFALSE:
        return push_node(
            m, (lt_pickle_node){.kind = LT_PICKLE_BOOL, .as.number = opcode == OP_NEWTRUE});
    case OP_BININT:
        return push_operand(m, 4);
    case OP_BININT1:
        return push_operand(m, 1);
    case OP_BININT2:
        return push_operand(m, 2);
    case OP_LONG1:
        return push_long(m, 1);
    case OP_LONG4:
        return push_long(m, 4);
    case OP_BINFLOAT:
        return push_float(m);
    case OP_SHORT_BINSTRING:
    case OP_SHORT_BINUNICODE:
        return push_string(m, 1);
    case OP_BINSTRING:
    case OP_BINUNICODE:
        return push_string(m, 4);
    case OP_BINUNICODE8:
        return push_string(m, 8);
    case OP_SHORT_BINBYTES:
        return push_bytes(m, 1);
    case OP_BINBYTES:
        return push_bytes(m, 4);
    case OP_EMPTY_TUPLE:
        return push_kind(m, LT_PICKLE_TUPLE);
    case OP_TUPLE1:
    case OP_TUPLE2:
    case OP_TUPLE3:
        return short_tuple(m, (uint32_t)(opcode - OP_TUPLE1) + 1);
    case OP_TUPLE:
        return marked_tuple(m);
    case OP_EMPTY_LIST:
        return push_kind(m, LT_PICKLE_LIST);
    case OP_APPEND:
        return extend_by(m, 1, extend_list);
    case OP_APPENDS:
        return extend_marked(m, extend_list);
    case OP_EMPTY_DICT:
        return push_kind(m, LT_PICKLE_DICT);
    case OP_SETITEM:
        return extend_by(m, 2, extend_dict);
    case OP_SETITEMS:
        return extend_marked(m, extend_dict);
    case OP_EMPTY_SET:
        return push_kind(m, LT_PICKLE_OPAQUE);
    case OP_ADDITEMS:
        return extend_marked(m, extend_list);
    case OP_FROZENSET:
        return opaque_from_mark(m);
    case OP_GLOBAL:
        return push_global(m);
    case OP_STACK_GLOBAL:
        return push_stack_global(m);
    case OP_BINPERSID:
        return push_storage(m);
    case OP_REDUCE:
    case OP_NEWOBJ:
        return call(m);
    case OP_NEWOBJ_EX:
        return call_with_keywords(m);
    case OP_BUILD:
        return build(m);
    case OP_BINPUT:
        return memo_operand(m, 1, memo_put);
    case OP_LONG_BINPUT:
        return memo_operand(m, 4, memo_put);
    case OP_MEMOIZE:
        return memo_put(m, m->memo_next);
    case OP_BINGET:
        return memo_operand(m, 1, memo_get);
    case OP_LONG_BINGET:
        return memo_operand(m, 4, memo_get);
    case OP_FRAME:
        return skip(m, 8);
    default:
        return unknown_opcode(m, opcode);
    }
}

static lt_status read_protocol(machine *m)
{
    const uint8_t *p = NULL;
    if (m->bytes < 2 || m->data[0] != OP_PROTO)
        return broken(m, "does not begin with its protocol");
    LT_TRY(take(m, 2, &p));
    if (p[1] < 2 || p[1] > 5)
        return lt_fail(m->err, LT_ERR_INPUT, "%s: pickle protocol %d, expected 2 to 5", m->place,
                       p[1]);
    return LT_OK;
}

static lt_status finish(machine *m)
{
    if (m->at != m->bytes)
        return broken(m, "bytes follow its end");
    if (m->depth != 1 || m->marks != 0)
        return broken(m, "ends with more or less than one value");
    m->p->root = m->stack[0];
    return LT_OK;
}

static lt_status run(machine *m)
{
    lt_pickle_ref none = 0;
    /* ref 0 and link 0 mean "nothing" */
    LT_TRY(new_node(m, (lt_pickle_node){.kind = LT_PICKLE_NONE}, &none));
    LT_TRY(grow(m, &m->p->link, &m->p->link_capacity, 1, LT_MAX_PICKLE_NODES, sizeof *m->p->link));
    m->p->links = 1;
    LT_TRY(read_protocol(m));
    for (;;) {
        const uint8_t *opcode = NULL;
        m->opcode_at = m->at;
        LT_TRY(take(m, 1, &opcode));
        if (*opcode == OP_STOP)
            return finish(m);
        LT_TRY(step(m, *opcode));
    }
}

lt_status lt_pickle_read(lt_pickle *p, const uint8_t *data, size_t bytes, const char *place,
                         lt_error *err)
{
    *p = (lt_pickle){0};
    if (bytes > LT_MAX_PICKLE_BYTES)
        return lt_fail(err, LT_ERR_INPUT, "%s: pickle of %zu bytes, at most %d are allowed", place,
                       bytes, LT_MAX_PICKLE_BYTES);
    machine m = {.p = p, .data = data, .bytes = bytes, .place = place, .err = err};
    const lt_status s = run(&m);
    free(m.stack);
    free(m.mark);
    free(m.memo);
    if (s != LT_OK)
        lt_pickle_close(p);
    return s;
}

void lt_pickle_close(lt_pickle *p)
{
    free(p->node);
    free(p->link);
    *p = (lt_pickle){0};
}
