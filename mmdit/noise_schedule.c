/* noise_schedule.c - see noise_schedule.h. */
#include "mmdit/noise_schedule.h"

#include <math.h>
#include <stddef.h>

/* What the released model was trained with. */
static const double BETA_FIRST = 0.00085;
static const double BETA_LAST = 0.0120;
static const double SNR_SHIFT = 3.0;

/* Cumulative alphas after the shift towards noise, before the rescaling. */
static void shifted_alphas(double alphas[DIT_TIMESTEPS])
{
    const double first = sqrt(BETA_FIRST);
    const double last = sqrt(BETA_LAST);
    const double stride = (last - first) / (DIT_TIMESTEPS - 1);
    double product = 1.0;
    for (int k = 0; k < DIT_TIMESTEPS; k++) {
        /* evenly spaced, counted from the nearer end as the release's library does */
        const double root =
            k < DIT_TIMESTEPS / 2 ? first + stride * k : last - stride * (DIT_TIMESTEPS - 1 - k);
        product *= 1.0 - root * root;
        alphas[k] = product / (SNR_SHIFT + (1.0 - SNR_SHIFT) * product);
    }
}

/* Moves and stretches the levels so that the noisiest becomes exactly 0 and the cleanest stays
 * ("zero terminal SNR"). The factor is formed first, each operation rounds to f32. */
static float rescale(float level, float cleanest, float noisiest)
{
    if (level == noisiest) /* a run of one step too, where the factor is infinite */
        return 0.0f;
    return (level - noisiest) * (cleanest / (cleanest - noisiest));
}

void dit_noise_table(float table[DIT_TIMESTEPS])
{
    double alphas[DIT_TIMESTEPS];
    shifted_alphas(alphas);
    for (int k = 0; k < DIT_TIMESTEPS; k++)
        table[k] = sqrtf((float)alphas[k]);
    const float cleanest = table[0];
    const float noisiest = table[DIT_TIMESTEPS - 1];
    for (int k = 0; k < DIT_TIMESTEPS; k++)
        table[k] = rescale(table[k], cleanest, noisiest);
}

static int nearest(const float table[DIT_TIMESTEPS], float a)
{
    int best = 0;
    for (int k = 1; k < DIT_TIMESTEPS; k++)
        if (fabsf(a - table[k]) < fabsf(a - table[best]))
            best = k;
    return best;
}

static float noise_share(float a)
{
    return sqrtf(1.0f - a * a);
}

/* log(signal / noise); -infinity at a = 0. */
static float log_snr(float a)
{
    const float squared = a * a;
    return (float)log((double)sqrtf(squared / (1.0f - squared)));
}

/* The update from level s->a to `next`; `previous` is the level of the step before, or NULL.
 * SDE-DPM-Solver++ of second order. At step 0 (a = 0) the infinities are meant: h = +inf gives m1 =
 * 0, and at step 1 r = inf gives D = D_i. */
static void set_update(dit_step *s, float next, const float *previous)
{
    const float h = log_snr(next) - log_snr(s->a);
    const float decay = (float)exp(-(double)h);
    s->m1 = sqrtf((1.0f - next * next) / (1.0f - s->a * s->a)) * decay;
    s->m2 = (float)expm1((double)(-2.0f * h)) * next;
    s->noise = noise_share(next) * sqrtf(1.0f - (float)exp((double)(-2.0f * h)));
    if (previous) {
        const float r = (log_snr(s->a) - log_snr(*previous)) / h;
        s->k2 = 1.0f / (2.0f * r);
        s->k1 = 1.0f + s->k2;
    }
}

/* The same step without noise: SDE-DPM-Solver++ becomes DPM-Solver++. */
static void drop_noise(dit_step *s, float next)
{
    const float h = log_snr(next) - log_snr(s->a);
    s->m1 = noise_share(next) / noise_share(s->a);
    s->m2 = (float)expm1(-(double)h) * next;
    s->noise = 0.0f;
}

static void fill(dit_schedule *s)
{
    double alphas[DIT_TIMESTEPS];
    float table[DIT_TIMESTEPS];
    shifted_alphas(alphas);
    dit_noise_table(table);
    const int n = s->steps;
    /* "cleanest" is the run's last timestep, not timestep 0: these
     * levels are not those of the table */
    const float noisiest = sqrtf((float)alphas[s->step[0].timestep]);
    const float cleanest = sqrtf((float)alphas[s->step[n - 1].timestep]);
    for (int i = 0; i < n; i++) {
        dit_step *step = &s->step[i];
        step->a = rescale(sqrtf((float)alphas[step->timestep]), cleanest, noisiest);
        step->index = nearest(table, step->a);
        step->c_skip = table[step->index];
        step->c_out = -noise_share(step->c_skip);
    }
    for (int i = 0; i + 1 < n; i++)
        set_update(&s->step[i], s->step[i + 1].a, i > 0 ? &s->step[i - 1].a : NULL);
}

static lt_status take_list(const cfg_mmdit *cfg, dit_schedule *out, lt_error *err)
{
    for (int i = 0; i < cfg->timestep_count; i++) {
        const int t = cfg->timesteps[i];
        const int limit = i == 0 ? DIT_TIMESTEPS : cfg->timesteps[i - 1];
        if (t < 0 || t >= limit)
            return lt_fail(err, LT_ERR_INPUT,
                           "mmdit.timesteps: value %d is %d, expected 0 .. %d (descending)", i, t,
                           limit - 1);
        out->step[i].timestep = t;
    }
    return LT_OK;
}

/* The release's spacing. */
static void take_even_steps(dit_schedule *s)
{
    /* rounded once; 999 - 999 k / n truncates differently */
    const double stride = -(double)(DIT_TIMESTEPS - 1) / s->steps;
    for (int k = 0; k < s->steps; k++)
        s->step[k].timestep = (int)(DIT_TIMESTEPS - 1 + k * stride);
}

lt_status dit_schedule_make(const cfg_mmdit *cfg, int steps, dit_schedule *out, lt_error *err)
{
    *out = (dit_schedule){0};
    if (steps == 0)
        steps = cfg->timestep_count > 0 ? cfg->timestep_count : cfg->steps;
    if (steps < 1 || steps >= DIT_TIMESTEPS)
        return lt_fail(err, LT_ERR_USAGE, "sampling steps: %d, expected 1 .. %d", steps,
                       DIT_TIMESTEPS - 1);
    out->steps = steps;
    out->listed = steps == cfg->timestep_count;
    if (out->listed) {
        LT_TRY(take_list(cfg, out, err));
    } else {
        take_even_steps(out);
    }
    fill(out);
    return LT_OK;
}

lt_status dit_schedule_shorten(int fewer, dit_schedule *s, lt_error *err)
{
    const dit_schedule whole = *s;
    if (fewer < 1 || fewer > whole.steps)
        return lt_fail(err, LT_ERR_USAGE,
                       "sampling steps: %d in place of %d, expected 1 to as many", fewer,
                       whole.steps);
    *s = (dit_schedule){.steps = fewer, .listed = whole.listed};
    /* nearest to evenly spread; a single step is the first, whose input is noise */
    if (whole.listed)
        for (int i = 0; i < fewer; i++) {
            const int at =
                fewer == 1 ? 0 : (2 * i * (whole.steps - 1) + fewer - 1) / (2 * (fewer - 1));
            s->step[i].timestep = whole.step[at].timestep;
        }
    else
        take_even_steps(s);
    fill(s);
    for (int i = 0; i + 1 < fewer; i++)
        drop_noise(&s->step[i], s->step[i + 1].a);
    return LT_OK;
}
