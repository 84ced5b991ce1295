/* synthetic_weights.h - tensors that are made when a binder asks for them
 * (lt_weights_synthetic). */
#ifndef LT_SYNTHETIC_WEIGHTS_H
#define LT_SYNTHETIC_WEIGHTS_H

#include "weights/weight_table.h"

/* The tensor of that name and shape, made now and owned by `w`; NULL when memory is out. */
const lt_entry *lt_synthetic_entry(lt_weights *w, const char *name, lt_role role, lt_shape shape);
/* of those made so far, or NULL */
const lt_entry *lt_synthetic_find(const lt_synthesis *s, const char *name);
size_t lt_synthetic_bytes(const lt_synthesis *s); /* of all that was made */
void lt_synthesis_close(lt_synthesis *s);         /* accepts NULL */

#endif
