/* film_keys.h - reading settings (take_settings.h) from YAML: a take's, in films and in lists of
 * prompts, and a shot's. */
#ifndef TAKE_FILM_KEYS_H
#define TAKE_FILM_KEYS_H

#include "pipeline/script/film.h"

/* "'key' is 'text', expected ..." with its place. */
lt_status film_fail_kind(const cfg_document *doc, const cfg_node *n, const char *expected,
                         lt_error *err);

/* Reads `n` into settings where it is one of the keys that a take's settings have (not its length);
 * *known says so. */
lt_status film_setting(const cfg_document *doc, const cfg_node *n, longtake_settings *out,
                       bool *known, lt_error *err);
/* A key that is neither a setting nor one of `own`, NULL-terminated: LT_ERR_INPUT with the nearest.
 * `where` is "'take'". */
lt_status film_unknown_setting(const cfg_document *doc, const cfg_node *n, const char *const *own,
                               const char *where, lt_error *err);

/* The same for the keys of a shot. */
lt_status film_shot_setting(const cfg_document *doc, const cfg_node *n, film_shot *out, bool *known,
                            lt_error *err);
lt_status film_unknown_shot_setting(const cfg_document *doc, const cfg_node *n,
                                    const char *const *own, lt_error *err);
/* A key of the film itself that is none of `own`. */
lt_status film_unknown_key(const cfg_document *doc, const cfg_node *n, const char *const *own,
                           lt_error *err);

#endif
