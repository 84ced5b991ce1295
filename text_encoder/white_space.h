/* white_space.h - what Python calls white space. */
#ifndef TEXT_WHITE_SPACE_H
#define TEXT_WHITE_SPACE_H

#include <stdbool.h>
#include <stdint.h>

bool text_is_space(uint32_t code);

#endif
