/* file_name.h - what a file's name says, and names that are made from it. Dots
 * of folders count for nothing. */
#ifndef TAKE_FILE_NAME_H
#define TAKE_FILE_NAME_H

#include <stdbool.h>

/* What stands behind the last dot, "mp4" of "films.d/ball.mp4": a part of `path`, or NULL where
 * there is no dot. */
const char *take_extension(const char *path);
/* Is `extension` what stands there, in small letters or capitals? */
bool take_has_extension(const char *path, const char *extension);
/* "films/ball.mp4" and ".part" -> "films/ball.part.mp4". free() it; NULL when memory is out. */
char *take_name_with(const char *path, const char *part);
/* The folder that the name is in: "films", "." of "ball.mp4". free()
 * it; NULL when memory is out. */
char *take_folder_name(const char *path);

#endif
