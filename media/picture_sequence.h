/* picture_sequence.h - a PNG sequence on its way to its names: its pictures get theirs at the end,
 * when all of them are on the disk. They are renamed one after the other: where that fails or is
 * killed on the way, the first of them have their names and the others not.
 *
 *     LT_TRY(media_sequence_open(&s, "ball.png", err));
 *     for (each picture) LT_TRY(media_sequence_add(&s, data, bytes, err));
 *     LT_TRY(media_sequence_publish(&s, err));
 *     media_sequence_close(&s);
 *
 * Until then they wait in a folder beside them, "ball.png.THREAD.part"; what a process left there
 * that was killed goes when the same sequence is written again.
 */
#ifndef MEDIA_PICTURE_SEQUENCE_H
#define MEDIA_PICTURE_SEQUENCE_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/core/status.h"

typedef struct {
    char *path;   /* as it was asked for */
    char *folder; /* of the pictures until they are published; NULL: there is none */
    int fd;       /* holds the folder */
    int64_t pictures;
} media_sequence;

/* LT_ERR_RESOURCES, LT_ERR_INPUT where no folder can be made beside `path`. */
lt_status media_sequence_open(media_sequence *s, const char *path, lt_error *err);
/* The next picture's file as it is. LT_ERR_RESOURCES when the disk is full. */
lt_status media_sequence_add(media_sequence *s, const void *data, size_t bytes, lt_error *err);
/* Gives every picture its name once all of them are on the disk; files of those names are replaced,
 * those with higher numbers stay. LT_ERR_RESOURCES when the disk is full, LT_ERR_INPUT where a name
 * cannot be had: those before it have theirs then. */
lt_status media_sequence_publish(media_sequence *s, lt_error *err);
/* What was not published goes; accepts a zeroed one. */
void media_sequence_close(media_sequence *s);

#endif
