/* cudnn_stand_in.h - what the stand-in for cuDNN is told; found by name in the library that was
 * loaded. Test-only. */
#ifndef CUDNN_STAND_IN_H
#define CUDNN_STAND_IN_H

/* Codes of the plans that are finalized from now on, one after the other (borrowed), the last of
 * them for all others; and of every way of looking for engines. */
void stand_in_answers(const int *codes, int count, int look);
/* How many plans were finalized since. */
int stand_in_plans(void);

#endif
