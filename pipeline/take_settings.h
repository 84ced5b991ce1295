/* take_settings.h - the settings of a take: the name, range and place of each, once.
 *
 * Films, lists of prompts and recipes write a setting by its key, the program as a flag with '-'
 * for '_'. How long a take is, what it shows and where it goes are no settings.
 */
#ifndef TAKE_TAKE_SETTINGS_H
#define TAKE_TAKE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/core/status.h"
#include "longtake.h"

typedef enum {
    TAKE_VALUE_INT,
    TAKE_VALUE_INT64, /* seeds, of which every value has a meaning but LONGTAKE_SEED_UNSET */
    TAKE_VALUE_REAL,
    TAKE_VALUE_RATE, /* a real that is also written as a fraction: 30000/1001 */
    TAKE_VALUE_WORD
} take_value_kind;

/* Parts of a request. What a command reads of it stands with longtake_request. */
typedef enum {
    TAKE_READS_PROMPT = 1,   /* prompt, shots */
    TAKE_READS_PLANNING = 2, /* tokens, and what the language model is asked with */
    TAKE_READS_LENGTH = 4,   /* and the seed */
    TAKE_READS_OVERLAP = 8,  /* which also decides how far a plan reaches */
    TAKE_READS_IMAGE = 16,   /* a picture to begin with */
    TAKE_READS_FROM = 32,    /* where a video is gone on from */
    TAKE_READS_CLIP = 64,    /* how a video or picture is read */
    TAKE_READS_REFINING = 128,
    TAKE_READS_JOB = 256,
    TAKE_READS_FRAMES = 512 /* what becomes of the frames */
} take_reads;

typedef struct {
    const char *key;
    take_value_kind kind;
    take_reads part;
    size_t at; /* offset in longtake_settings */
    double low, high;
    const char *words[4]; /* of TAKE_VALUE_WORD, NULL-terminated */
} take_setting;

enum { TAKE_SETTINGS = 18 };
extern const take_setting take_settings[TAKE_SETTINGS];

/* NULL: there is none of that key. */
const take_setting *take_setting_of(const char *key);

/* Unsets all that are not of these parts (take_reads). */
void take_settings_keep(longtake_settings *settings, unsigned parts);
/* Fills what `to` leaves unset. */
void take_settings_fill(const longtake_settings *from, longtake_settings *to);

/* LT_ERR_USAGE where the value of the setting `key` is beyond its range, or no number. `place`:
 * where it was said; NULL: the flag. */
lt_status take_setting_check(const char *place, const char *key, double value, lt_error *err);

/* Writes a number, which is in range, to a field of the setting's kind. */
void take_setting_put(const take_setting *setting, double value, void *field);

/* The place of `word` among those of the setting `key`; unset (NULL) it leaves *index alone.
 * LT_ERR_USAGE for any other. */
lt_status take_setting_choose(const char *key, const char *word, int *index, lt_error *err);
const char *take_setting_word(const char *key, int index);

/* "official, ramp or constant" */
enum { TAKE_WORDS_BYTES = 64 };
void take_setting_words(const take_setting *setting, char text[TAKE_WORDS_BYTES]);

#endif
