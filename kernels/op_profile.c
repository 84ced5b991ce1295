/* op_profile.c - where the time of a forward pass goes. */
#include "kernels/op_profile.h"

#include <stdlib.h>

#include "kernels/core/clock.h"
#include "kernels/ops.h"

static const char *const names[LT_OP_COUNT] = {
    [LT_OP_GATHER] = "gather",
    [LT_OP_LINEAR] = "linear",
    [LT_OP_LINEAR_ADD] = "linear_add",
    [LT_OP_NORMED_LINEAR] = "normed_linear",
    [LT_OP_GATED_LINEAR] = "gated_linear",
    [LT_OP_ATTENTION] = "attention",
    [LT_OP_CACHED_ATTENTION] = "cached_attention",
    [LT_OP_LAYER_NORM] = "layer_norm",
    [LT_OP_RMS_NORM] = "rms_norm",
    [LT_OP_GROUP_NORM] = "group_norm",
    [LT_OP_ROPE] = "rope",
    [LT_OP_ACTIVATE] = "activate",
    [LT_OP_AXPBY] = "axpby",
    [LT_OP_GATED_ADD] = "gated_add",
    [LT_OP_CONV] = "conv",
    [LT_OP_UPSAMPLE] = "upsample",
    [LT_OP_COPY] = "copy",
    [LT_OP_FILL] = "fill",
    [LT_OP_NORMAL] = "normal",
    [LT_OP_CHOOSE] = "choose",
    [LT_OP_TO_RGB8] = "to_rgb8",
    [LT_OP_UPLOAD] = "upload",
    [LT_OP_DOWNLOAD] = "download",
};

const char *lt_op_name(lt_op op)
{
    return names[op];
}

/* A device that fails here fails again at the next real wait, which reports it. */
static void settle(lt_backend *b)
{
    lt_error ignored = {0};
    (void)b->table->wait(b, &ignored);
}

double lt_op_begin(lt_backend *b)
{
    if (b->profile == NULL)
        return 0;
    settle(b);
    return lt_clock_seconds();
}

void lt_op_end(lt_backend *b, lt_op op, double begun, double bytes, double flop)
{
    if (b->profile == NULL)
        return;
    settle(b);
    lt_op_total *total = (lt_op_total *)b->profile + op;
    total->calls++;
    total->seconds += lt_clock_seconds() - begun;
    total->bytes += bytes;
    total->flop += flop;
}

lt_status lt_profile_start(lt_backend *b, lt_error *err)
{
    if (b->profile == NULL)
        b->profile = calloc(LT_OP_COUNT, sizeof(lt_op_total));
    if (b->profile == NULL)
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory for a profile", b->table->name);
    lt_op_total *totals = b->profile;
    for (int op = 0; op < LT_OP_COUNT; op++)
        totals[op] = (lt_op_total){.name = names[op]};
    return LT_OK;
}

int lt_profile_read(const lt_backend *b, lt_op_total *out, int capacity)
{
    int rows = 0;
    const lt_op_total *totals = b->profile;
    for (int op = 0; totals != NULL && op < LT_OP_COUNT; op++)
        if (totals[op].calls > 0 && rows < capacity)
            out[rows++] = totals[op];
    return rows;
}
