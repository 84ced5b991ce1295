/* take_places.h - what a request reads and what it writes, so that no two of these files are one,
 * whatever names they go by.
 *
 *     take_places p = {0};
 *     take_places_read(&p, request);
 *     take_places_add(&p, TAKE_PLACE_OUTPUT, strdup(request->output));
 *     LT_TRY(take_places_end(&p, err));
 *
 * A file that is there is known by its device and number, one that is not by those of its folder
 * and its name.
 */
#ifndef TAKE_TAKE_PLACES_H
#define TAKE_TAKE_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "longtake.h"
#include "pipeline/output_kind.h"

/* Of two places that are one the later kind is told. */
typedef enum {
    TAKE_PLACE_SOURCE, /* what the take is made from */
    TAKE_PLACE_OUTPUT,
    TAKE_PLACE_PICTURE, /* of an output that is many */
    TAKE_PLACE_GROWING, /* NAME.part.EXT */
    TAKE_PLACE_PLAN,    /* of several candidates */
    TAKE_PLACE_PREVIEW, /* the file, or that of a window */
    TAKE_PLACE_SHEET,
    TAKE_PLACE_JOB /* a folder */
} take_place_kind;

typedef struct take_place take_place;

typedef struct {
    take_place *place;
    size_t count;
    size_t room;
    bool memory_is_out;
} take_places;

/* What the take is made from: input, picture, and plans of shots. */
void take_places_read(take_places *p, const longtake_request *r);
/* `path` is taken over; NULL: memory is out. "-", devices and sockets are nobody's place. */
void take_places_add(take_places *p, take_place_kind kind, char *path);
/* Frees it all. LT_ERR_USAGE where two places are one, or where a folder, or what must not be
 * replaced, is in the way: where an output grows, whatever another one did not leave. */
lt_status take_places_end(take_places *p, lt_error *err);

/* All of that for a request of one take. `frames`: how many pictures a sequence has, `windows`: how
 * many a folder of previews shows; 0 where it is not known yet. */
lt_status take_places_check(const longtake_request *r, take_output_kind kind, int64_t frames,
                            int64_t windows, lt_error *err);

#endif
