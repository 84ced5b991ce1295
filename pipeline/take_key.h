/* take_key.h - the key of a product: a hash of everything that made it.
 *
 *     take_key k;
 *     take_key_begin(&k, "latents");
 *     take_key_hash(&k, previous);
 *     take_key_int(&k, steps);
 *     const lt_hash key = take_key_end(&k);
 */
#ifndef TAKE_TAKE_KEY_H
#define TAKE_TAKE_KEY_H

#include <stdint.h>

#include "kernels/core/hash.h"

/* Counts the changes of this code that change results: part of every key. */
enum { TAKE_RESULTS_VERSION = 8 };

typedef struct {
    lt_hash state;
} take_key;

void take_key_begin(take_key *k, const char *kind);
void take_key_hash(take_key *k, lt_hash h);
void take_key_int(take_key *k, int64_t v);
void take_key_real(take_key *k, double v);
void take_key_text(take_key *k, const char *text);
void take_key_bytes(take_key *k, const void *data, size_t bytes);
lt_hash take_key_end(const take_key *k);

#endif
