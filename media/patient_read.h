/* patient_read.h - reading from a pipe whose writer may be slow, and being stopped meanwhile. */
#ifndef MEDIA_PATIENT_READ_H
#define MEDIA_PATIENT_READ_H

#include <stddef.h>
#include <sys/types.h>

/* As read(2), but no signal ends it: while there is nothing to read, `stop` (NULL: nobody) is asked
 * ten times a second, and not 0 ends the wait. Bytes that were read, 1 to `bytes`; 0 at the end; -1
 * with errno, ECANCELED where `stop` said so. */
ssize_t media_read_patiently(int fd, void *data, size_t bytes, int (*stop)(void *user), void *user);

#endif
