/* take_key.c - a chain of hashes: each part is hashed together with
 * all before it; see take_key.h. */
#include "pipeline/take_key.h"

#include <string.h>

/* state <- hash(state, hash(part)): fixed size, so that parts cannot run into each other. */
static void chain(take_key *k, char tag, lt_hash part)
{
    const uint64_t block[5] = {k->state.high, k->state.low, part.high, part.low, (uint64_t)tag};
    k->state = lt_hash_bytes(block, sizeof block);
}

void take_key_begin(take_key *k, const char *kind)
{
    *k = (take_key){.state = {0, 0}};
    take_key_int(k, TAKE_RESULTS_VERSION);
    take_key_text(k, kind);
}

void take_key_hash(take_key *k, lt_hash h)
{
    chain(k, 'h', h);
}

void take_key_int(take_key *k, int64_t v)
{
    chain(k, 'i', (lt_hash){0, (uint64_t)v});
}

void take_key_real(take_key *k, double v)
{
    uint64_t bits = 0;
    memcpy(&bits, &v, sizeof bits);
    chain(k, 'r', (lt_hash){0, bits});
}

void take_key_text(take_key *k, const char *text)
{
    take_key_bytes(k, text, strlen(text));
}

void take_key_bytes(take_key *k, const void *data, size_t bytes)
{
    chain(k, 'b', lt_hash_bytes(data, bytes));
}

lt_hash take_key_end(const take_key *k)
{
    return k->state;
}
