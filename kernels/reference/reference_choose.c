/* reference_choose.c - one id from logits; kernels/core/token_choice.c is the definition. */
#include "kernels/reference/reference_table.h"

lt_status lt_ref_choose(lt_backend *b, lt_tensor out, lt_tensor logits, lt_tensor scratch, const lt_choice *choice, lt_error *err)
{
    (void)b;
    (void)err;
    *(int32_t *)out.data = lt_choose_id(choice, logits.data, (int)logits.dim[0], (int)logits.dim[1], scratch.data);
    return LT_OK;
}
