/* speed_file.h - how fast each stage was when it last ran on this machine.
 *
 * A text file "speeds" in the engine's cache folder, a line for each (configuration, device,
 * precision with its rounding, threads, processor, stage, guidance, level of --speed): key, seconds
 * per unit of the clock, seconds to open the networks. It is a cache: a file that cannot be read or
 * written, or a line that makes no sense, is as if it were not there.
 */
#ifndef TAKE_SPEED_FILE_H
#define TAKE_SPEED_FILE_H

#include "pipeline/engine.h"
#include "pipeline/take_clock.h"
#include "pipeline/take_spec.h"

typedef struct {
    double unit_seconds;
    double open_seconds;
} take_speed;

/* False when the stage was never measured at these settings. */
bool take_speed_read(const longtake *e, const take_spec *s, take_stage stage, take_speed *out);
/* Notes what the clock has measured. */
void take_speeds_write(const longtake *e, const take_spec *s, const take_clock *c);

#endif
