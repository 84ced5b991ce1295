/* sde_solver.c - see sde_solver.h. */
#include "mmdit/sde_solver.h"

void dit_denoised_into(lt_ops *o, const dit_step *s, lt_tensor out, lt_tensor x, lt_tensor v)
{
    lt_axpby_into(o, out, s->c_skip, x, s->c_out, v);
}

void dit_solver_step(lt_ops *o, const dit_step *s, lt_tensor x, lt_tensor denoised,
                     lt_tensor previous, lt_tensor noise)
{
    const lt_mark mark = lt_ops_mark(o);
    lt_tensor target = denoised;
    if (!lt_is_none(&previous)) {
        target = lt_new(o, LT_F32, lt_shape_of(&x));
        lt_axpby_into(o, target, s->k1, denoised, -s->k2, previous);
    }
    lt_axpby_into(o, x, s->m1, x, -s->m2, target);
    if (s->noise != 0.0f)
        lt_axpby_into(o, x, 1.0f, x, s->noise, noise);
    lt_ops_rewind(o, mark);
}
