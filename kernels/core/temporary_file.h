/* temporary_file.h - a file is written under a temporary name and gets its own once it is whole.
 *
 *     char *temporary = lt_temporary_name("ball.mp4");  // "ball.mp4.1234.part", 1234 the thread
 *     ... open it; lt_temporary_hold(fd); write, sync, rename, close: output_file.h ...
 *     free(temporary);
 *
 * The number of a program's first thread is that of the process.
 * What a process left behind that was killed while it wrote is removed by the next one that writes
 * the same file; what is held by a process, here or on another machine, or has a living thread in
 * its name, stays. So two engines may write one file from two threads: each writes all of it, and
 * the last one's stays.
 */
#ifndef LT_TEMPORARY_FILE_H
#define LT_TEMPORARY_FILE_H

/* The name to write `path` under, in the same folder; free() it. Removes what dead processes left
 * under such names. NULL when memory is out. */
char *lt_temporary_name(const char *path);
/* Creates a file under such a name for writing, and holds it. What is there goes: this very thread
 * left it, or a process of the same number; no link is followed. -1, and errno says why. */
int lt_temporary_create(const char *temporary);
/* The same for a folder, whose left-overs `remove_folder` removes. */
char *lt_temporary_folder_name(const char *path, void (*remove_folder)(const char *stale));
/* Says that the open file or folder is being written, until it is closed or the process ends. */
void lt_temporary_hold(int fd);

#endif
