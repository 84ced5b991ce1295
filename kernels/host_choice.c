/* host_choice.c - one id from logits in the host's memory; kernels/core/token_choice.c is the
 * definition. */
#include "kernels/backend.h"

lt_status lt_choose_on_host(lt_backend *b, lt_tensor out, lt_tensor logits, lt_tensor scratch,
                            const lt_choice *choice, const lt_next_numbers *next, lt_error *err)
{
    (void)b;
    (void)err;
    const int32_t id =
        lt_choose_id(choice, logits.data, (int)logits.dim[0], (int)logits.dim[1], scratch.data);
    *(int32_t *)out.data = id;
    lt_leave_numbers(next, id);
    return LT_OK;
}
