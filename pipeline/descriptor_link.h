/* descriptor_link.h - names of open files: /dev/stdout, /dev/fd/1, and links to them, which all
 * lead below /proc.
 *
 * A pipe that is reached so is written as it is. A plain file must not be: whoever asks what
 * /dev/stdout is hears of the file that standard output goes to, and a rename would put the product
 * in the place of /dev/stdout itself.
 */
#ifndef TAKE_DESCRIPTOR_LINK_H
#define TAKE_DESCRIPTOR_LINK_H

#include <stdbool.h>

/* Is there something at `path`, and does it, or a link on the way to it, lie below /proc? */
bool take_is_descriptor(const char *path);
/* Is an output written in one go, with nothing beside it: "-", or such a name? */
bool take_is_stream(const char *output);

#endif
