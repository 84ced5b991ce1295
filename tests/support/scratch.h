/* scratch.h - a folder of its own for a test, gone at its end.
 *
 *     scratch_open();
 *     scratch_write("a.safetensors", bytes, count);
 *     lt_weights_open(scratch_path("a.safetensors"), ...);
 *     scratch_close();
 */
#ifndef TEST_SCRATCH_H
#define TEST_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

void scratch_open(void);
/* Names are those of `path` instead, which is made where it is missing;
 * scratch_close would take it away. */
void scratch_open_at(const char *path);
void scratch_close(void);
/* The same as a group's setup and teardown. */
int scratch_setup(void **state);
int scratch_teardown(void **state);
/* Full path of `name` inside the folder; valid until the eighth call from now. */
const char *scratch_path(const char *name);
/* makes the folders of `name` too */
void scratch_write(const char *name, const void *data, size_t bytes);
void scratch_write_text(const char *name, const char *text);
/* A whole file, NUL behind it; free() it. NULL when it is not there. */
char *scratch_read(const char *name, size_t *bytes);
bool scratch_exists(const char *name);
/* entries, `.` and `..` not counted; -1 when it is not there */
int scratch_count(const char *folder);

#endif
