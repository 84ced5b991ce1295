/* machine_share.c - see machine_share.h. */
#include "pipeline/measure/machine_share.h"

#include "pipeline/measure/stage_bench.h"

static const double least_told = 1e-3;

lt_status take_measure_rates(lt_backend *backend, take_rates *out, lt_error *err)
{
    void *counted = backend->profile;
    take_timing product = {0};
    take_timing reading = {0};
    backend->profile = NULL;
    lt_status s = take_bench_ceiling(backend, TAKE_CEILING_PRODUCT, &product, err);
    if (s == LT_OK)
        s = take_bench_ceiling(backend, TAKE_CEILING_READING, &reading, err);
    backend->profile = counted;
    LT_TRY(s);
    *out = (take_rates){.flop = product.flop / product.best.wall,
                        .bytes = reading.bytes / reading.best.wall};
    return LT_OK;
}

double take_least_seconds(const lt_op_total *t, const take_rates *rates)
{
    const double computing = t->flop / rates->flop;
    const double reading = t->bytes / rates->bytes;
    return computing > reading ? computing : reading;
}

take_share take_share_of(const lt_op_total *total, double seconds, const take_rates *rates)
{
    take_share s = {.seconds = seconds};
    double inside = 0;
    for (int op = 0; op < LT_OP_COUNT; op++)
        inside += total[op].seconds;
    if (s.seconds < inside)
        s.seconds = inside;
    if (s.seconds <= 0)
        return s;
    for (int op = 0; op < LT_OP_COUNT; op++) {
        const double least = take_least_seconds(&total[op], rates);
        const double best = least < total[op].seconds ? least : total[op].seconds;
        s.best += best / s.seconds;
        s.rest[op] = (total[op].seconds - best) / s.seconds;
    }
    s.outside = (s.seconds - inside) / s.seconds;
    return s;
}

void take_share_to_json(const take_share *s, lt_json *o)
{
    lt_json *rest = lt_json_new_object();
    for (int op = 0; op < LT_OP_COUNT; op++)
        if (s->rest[op] >= least_told)
            lt_json_set(rest, lt_op_name((lt_op)op), lt_json_new_real(s->rest[op]));
    if (s->outside >= least_told)
        lt_json_set(rest, "outside", lt_json_new_real(s->outside));
    lt_json_set(o, "share_of_machine", lt_json_new_real(s->best));
    lt_json_set(o, "rest", rest);
}
