/* processor_name.h - what the machine calls its processor. */
#ifndef TAKE_PROCESSOR_NAME_H
#define TAKE_PROCESSOR_NAME_H

#include <stddef.h>

/* "model name" of the first processor, or "unknown". */
void take_processor_name(char *name, size_t bytes);

#endif
