/* take_memory.c - the way of a take that fits into memory, the quickest first; see take_memory.h.
 */
#include "pipeline/take_memory.h"

#include <stdio.h>
#include <stdlib.h>

#include "pipeline/memory_probe.h"
#include "temporal_vae/vae_model.h"

static const double mebibyte = 1048576;

/* What there is at the beginning. */
typedef struct {
    int64_t device; /* free bytes of it */
    int64_t pinned; /* bytes of the host's that may be pinned */
} memory_room;

static const char *const net_names[TAKE_NETS] = {[TAKE_NET_TEXT_AR] = "text_encoder.ar",
                                                 [TAKE_NET_TEXT_MMDIT] = "text_encoder.mmdit",
                                                 [TAKE_NET_TOKENIZER] = "tokenizer",
                                                 [TAKE_NET_AR] = "ar_model",
                                                 [TAKE_NET_MMDIT] = "mmdit",
                                                 [TAKE_NET_VAE] = "temporal_vae"};

/* Bytes that the host could still pin: half of what is available, since the rest of the process and
 * the page cache live there too. */
static int64_t pinnable_bytes(void)
{
    unsigned long long kilobytes = 0;
    char line[128];
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu", &kilobytes) == 1)
            break;
    if (f)
        fclose(f);
    return (int64_t)kilobytes * 1024 / 2;
}

/* ---- what is allowed ---- */

static lt_status compare_device(const longtake *e, int64_t needs, int64_t available, lt_error *err)
{
    if (needs <= available && (e->max_memory == 0 || needs <= e->max_memory))
        return LT_OK;
    if (needs > available)
        return lt_fail(err, LT_ERR_DEVICE_MEMORY,
                       "%s: this take needs %.0f MiB of the device's memory, %.0f MiB are free",
                       e->backend->table->name, (double)needs / mebibyte,
                       (double)available / mebibyte);
    return lt_fail(
        err, LT_ERR_DEVICE_MEMORY,
        "--max-memory: this take needs %.0f MiB of the device's memory, allowed are %.0f MiB, %.0f MiB are free",
        (double)needs / mebibyte, (double)e->max_memory / mebibyte, (double)available / mebibyte);
}

/* From the mapped file come matrices that are stored as the device reads them: others would have to
 * be pinned as well. */
static lt_status compare_pinned(const longtake *e, int64_t needs, int64_t available, lt_error *err)
{
    if (needs <= available)
        return LT_OK;
    return lt_fail(
        err, LT_ERR_RESOURCES,
        "%s: this take needs %.0f MiB of the host's memory pinned, for matrices that the device has no room for, %.0f MiB can be"
        "\nhint: matrices in %s or in few bits (import --dtype, --quantize) come from the file as they are",
        e->backend->table->name, (double)needs / mebibyte, (double)available / mebibyte,
        lt_dtype_name(e->backend->activation));
}

/* LT_OK where the limit holds. */
static lt_status compare(const longtake *e, const memory_room *room, const take_memory_needs *needs,
                         lt_error *err)
{
    if (needs->device > 0) {
        LT_TRY(compare_device(e, needs->device, room->device, err));
        return compare_pinned(e, needs->pinned, room->pinned, err);
    }
    if (e->max_memory > 0 && needs->host > e->max_memory)
        return lt_fail(err, LT_ERR_RESOURCES,
                       "--max-memory: this take needs %.0f MiB, allowed are %.0f MiB",
                       (double)needs->host / mebibyte, (double)e->max_memory / mebibyte);
    return LT_OK;
}

/* ---- choosing ---- */

/* A stage with one network: on the device, or where that does not fit with its matrices on the
 * host, pinned or as far as they can in the file. */
static lt_status probe_stage(take_probe *p, const memory_room *room, take_net net,
                             lt_status (*probe)(take_probe *p, take_net net, lt_error *err),
                             lt_error *err)
{
    static const lt_home homes[] = {LT_HOME_DEVICE, LT_HOME_PINNED, LT_HOME_FILE};
    const take_probe before = *p;
    bool allowed = false;
    for (size_t i = 0; i < sizeof homes / sizeof *homes && !allowed; i++) {
        *p = before;
        p->way.home[net] = homes[i];
        LT_TRY(probe(p, net, err));
        const take_memory_needs needs = take_probe_needs(p);
        allowed = !p->apart || compare(p->engine, room, &needs, NULL) == LT_OK;
    }
    return LT_OK;
}

/* What every way needs alike: the process as it is now, a window's encoder, texts and tokens. */
static lt_status probe_common(take_probe *p, const memory_room *room, unsigned does,
                              const media_spec *video, lt_error *err)
{
    const unsigned plans = TAKE_DOES_TOKENS | TAKE_DOES_SCORE;
    const bool will_read = does & TAKE_DOES_ENCODE && !(does & TAKE_DOES_GO_ON);
    take_probe_process(p, will_read);
    lt_status s = does & TAKE_DOES_DECODE ? take_probe_video(p, video, err) : LT_OK;
    if (s == LT_OK && does & TAKE_DOES_ENCODE)
        s = take_probe_codes(p, err);
    if (s == LT_OK && does & plans)
        s = probe_stage(p, room, TAKE_NET_TEXT_AR, take_probe_text, err);
    if (s == LT_OK && does & TAKE_DOES_REFINE)
        s = probe_stage(p, room, TAKE_NET_TEXT_MMDIT, take_probe_text, err);
    return s == LT_OK && does & plans ? probe_stage(p, room, TAKE_NET_AR, take_probe_tokens, err)
                                      : s;
}

/* What may be tried, the quickest first. On the host each needs less than those before. */
static const take_memory ways[] = {
    {.networks = TAKE_NETWORKS_AT_ONCE, .vae = TAKE_VAE_WHOLE_CALLS},
    {.networks = TAKE_NETWORKS_TOGETHER, .vae = TAKE_VAE_WHOLE_CALLS},
    {.networks = TAKE_NETWORKS_TOGETHER, .vae = TAKE_VAE_FRAME_BY_FRAME},
    {.networks = TAKE_NETWORKS_IN_TURNS, .vae = TAKE_VAE_WHOLE_CALLS},
    {.networks = TAKE_NETWORKS_IN_TURNS, .vae = TAKE_VAE_FRAME_BY_FRAME},
    {.networks = TAKE_NETWORKS_TOGETHER,
     .vae = TAKE_VAE_WHOLE_CALLS,
     .home = {[TAKE_NET_MMDIT] = LT_HOME_PINNED}},
    {.networks = TAKE_NETWORKS_TOGETHER,
     .vae = TAKE_VAE_WHOLE_CALLS,
     .home = {[TAKE_NET_MMDIT] = LT_HOME_FILE}},
    {.networks = TAKE_NETWORKS_IN_TURNS,
     .vae = TAKE_VAE_WHOLE_CALLS,
     .home = {[TAKE_NET_MMDIT] = LT_HOME_PINNED}},
    {.networks = TAKE_NETWORKS_IN_TURNS,
     .vae = TAKE_VAE_WHOLE_CALLS,
     .home = {[TAKE_NET_MMDIT] = LT_HOME_FILE}},
};

/* Is there a window to decode while the next one is refined, and can the device do both? Carry
 * `frames` decodes a window before the next one begins. A profile waits for the device around every
 * operation, and says what each stage cost by itself. Who allows one thread has one. */
static bool may_be_at_once(const take_probe *p, unsigned does)
{
    const unsigned both = TAKE_DOES_REFINE | TAKE_DOES_DECODE;
    return p->engine->backend->table->again && (does & both) == both &&
           !(does & TAKE_DOES_PREVIEW) && p->spec->carry != CFG_CARRY_FRAMES &&
           p->spec->time.windows > 1 && !p->engine->profile && p->engine->threads != 1;
}

static bool may_take(const take_probe *p, unsigned does, const take_memory *way)
{
    if (way->networks == TAKE_NETWORKS_AT_ONCE && !may_be_at_once(p, does))
        return false;
    const bool renders = does & (TAKE_DOES_REFINE | TAKE_DOES_DECODE);
    if (way->networks == TAKE_NETWORKS_IN_TURNS && !(does & TAKE_DOES_KEEP && renders))
        return false;
    if (way->home[TAKE_NET_MMDIT] != LT_HOME_DEVICE && !(p->apart && does & TAKE_DOES_REFINE))
        return false;
    return way->vae == TAKE_VAE_WHOLE_CALLS || !p->apart;
}

/* One way at the take's sizes. */
static lt_status probe_way(take_probe *p, unsigned does, const take_memory *way, lt_error *err)
{
    p->way.networks = way->networks;
    p->way.vae = way->vae;
    p->way.home[TAKE_NET_MMDIT] = way->home[TAKE_NET_MMDIT];
    return does & (TAKE_DOES_REFINE | TAKE_DOES_DECODE) ? take_probe_render(p, does, err) : LT_OK;
}

static bool needs_less(const take_memory_needs *a, const take_memory_needs *b)
{
    return a->device != b->device ? a->device < b->device : a->host < b->host;
}

/* The first way that is allowed, or the one that needs least. */
static lt_status choose_way(const take_probe *common, const memory_room *room, unsigned does,
                            take_memory *out, lt_error *err)
{
    take_memory_needs least = {0};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        take_probe p = *common;
        if (!may_take(&p, does, &ways[i]))
            continue;
        LT_TRY(probe_way(&p, does, &ways[i], err));
        const take_memory_needs needs = take_probe_needs(&p);
        const bool allowed = compare(p.engine, room, &needs, NULL) == LT_OK;
        if (least.host == 0 || allowed || needs_less(&needs, &least)) {
            least = needs;
            *out = p.way;
            out->bytes = needs.host;
            out->device_bytes = needs.device;
            out->pinned_bytes = needs.pinned;
        }
        if (allowed)
            break;
    }
    return compare(common->engine, room, &least, err);
}

static lt_status let_go(lt_backend *b, lt_error *err)
{
    return b && b->table->let_go ? b->table->let_go(b, err) : LT_OK;
}

/* What an earlier take left in workspaces is counted with what is free; a
 * device that is lost says so here. */
static lt_status look_for_room(const longtake *e, memory_room *room, lt_error *err)
{
    lt_backend *b = e->backend;
    LT_TRY(b->table->wait(b, err));
    LT_TRY(let_go(b, err));
    LT_TRY(let_go(e->beside, err));
    *room = (memory_room){.device = (int64_t)b->table->memory_free(b),
                          .pinned = e->max_pinned > 0 ? e->max_pinned : pinnable_bytes()};
    return LT_OK;
}

lt_status take_memory_choose(longtake *e, const take_spec *s, unsigned does,
                             const media_spec *video, take_memory *out, lt_error *err)
{
    memory_room room = {0};
    take_probe common;
    if (e->backend->table->memory_free)
        LT_TRY(look_for_room(e, &room, err));
    LT_TRY(take_probe_open(&common, e, s, err));
    lt_status status = probe_common(&common, &room, does, video, err);
    if (status == LT_OK)
        status = choose_way(&common, &room, does, out, err);
    take_probe_close(&common);
    return status;
}

lt_status take_memory_limit(longtake *e, const take_spec *s, unsigned does, const media_spec *video,
                            take_memory *out, lt_error *err)
{
    *out = (take_memory){.networks = TAKE_NETWORKS_TOGETHER, .vae = TAKE_VAE_WHOLE_CALLS};
    return e->max_memory > 0 || e->backend->table->memory_free
               ? take_memory_choose(e, s, does, video, out, err)
               : LT_OK;
}

unsigned take_vae_parts(const take_memory *m, cfg_carry carry, bool goes_on)
{
    const unsigned spares = m->vae == TAKE_VAE_FRAME_BY_FRAME ? VAE_SPARE_MEMORY : 0U;
    return VAE_DECODER | (carry == CFG_CARRY_FRAMES || goes_on ? (unsigned)VAE_ENCODER : 0U) |
           spares;
}

/* ---- telling ---- */

void take_memory_describe(const take_memory *m, lt_json *o)
{
    static const char *const networks[] = {[TAKE_NETWORKS_TOGETHER] = "together",
                                           [TAKE_NETWORKS_IN_TURNS] = "in turns",
                                           [TAKE_NETWORKS_AT_ONCE] = "at once"};
    static const char *const paces[] = {
        [TAKE_VAE_WHOLE_CALLS] = "whole calls", [TAKE_VAE_FRAME_BY_FRAME] = "frame by frame"};
    lt_json *streamed = lt_json_new_object();
    for (int net = 0; net < TAKE_NETS; net++)
        if (m->home[net] != LT_HOME_DEVICE)
            lt_json_set(
                streamed, net_names[net],
                lt_json_new_string(m->home[net] == LT_HOME_PINNED ? "pinned memory" : "file"));
    lt_json_set(o, "networks", lt_json_new_string(networks[m->networks]));
    lt_json_set(o, "vae", lt_json_new_string(paces[m->vae]));
    lt_json_set(o, "streamed", streamed);
}

void take_memory_streamed(const take_memory *m, char *out, size_t bytes)
{
    size_t used = 0;
    out[0] = '\0';
    for (int net = 0; net < TAKE_NETS; net++)
        if (m->home[net] != LT_HOME_DEVICE && used < bytes)
            used += (size_t)snprintf(out + used, bytes - used, "%s%s", used > 0 ? ", " : "",
                                     net_names[net]);
}
