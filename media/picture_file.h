/* picture_file.h - one picture -> one PNG file. */
#ifndef MEDIA_PICTURE_FILE_H
#define MEDIA_PICTURE_FILE_H

#include <stdint.h>

#include "kernels/core/status.h"

/* rgb u8 [height, width, 3]. The file appears when it is whole; a pipe or device is written as it
 * is. The same picture gives the same bytes. LT_ERR_RESOURCES when the disk is full, LT_ERR_INPUT
 * for a path that cannot be written. */
lt_status media_picture_write(const char *path, const uint8_t *rgb, int width, int height,
                              lt_error *err);

#endif
