/* test_product_keys.c - which products of a job folder are found again after a change: those that
 * it has a say in are not, all others are. */
#include <stdlib.h>

#include "pipeline/plan/take_plan.h"
#include "pipeline/take_command.h"
#include "pipeline/take_decode.h"
#include "pipeline/take_refine.h"
#include "pipeline/take_text.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/support/tiny_model.h"

enum { MOST = 8 };

/* Products, a bit each. */
typedef enum {
    TEXT_AR = 1,
    TEXT_MMDIT = 2,
    TOKENS = 4,
    LATENTS = 8,
    STATE = 16,
    VIDEO = 32,
    KINDS = 6,
    DECODED = STATE | VIDEO,
    PAINTED = LATENTS | DECODED, /* what latents are made of decides what follows */
    NOTHING = 0,
    EVERYTHING = 63
} products;

static const char *const kind_names[KINDS] = {"text.ar", "text.mmdit", "tokens",
                                              "latents", "state",      "video"};

typedef struct {
    lt_hash key[KINDS][MOST];
    int64_t count[KINDS];
} product_keys;

/* What is changed of a take whose settings were read, before any key is made. */
typedef void (*change_fn)(longtake *e, take_run *run);

/* ---- keys of a take ---- */

static longtake *open_engine(const char *const *set)
{
    longtake_options options;
    longtake_error error = {0};
    longtake *e = NULL;
    longtake_options_init(&options);
    options.model = scratch_path("tiny");
    options.device = "cpu";
    options.precision = "f32";
    options.set = set;
    if (longtake_open(&options, &e, &error) != LONGTAKE_OK)
        fail_msg("engine: %s", error.message);
    return e;
}

static void keep(product_keys *keys, int kind, int64_t index, lt_hash key)
{
    assert_true(index < MOST);
    keys->key[kind][index] = key;
    keys->count[kind] = index + 1;
}

static void keys_of_windows(take_run *run, product_keys *keys)
{
    const media_spec spec = take_media_spec(&run->spec, TAKE_OUT_MP4);
    take_refiner refiner;
    take_decoder decoder;
    lt_error err = {0};
    lt_hash before = {0, 0};
    check_ok(take_refiner_open(&refiner, run, &err), err);
    for (int64_t c = 0; c < run->spec.time.windows; c++) {
        lt_hash key;
        check_ok(take_refine_key(&refiner, 0, c, before, &key, &err), err);
        keep(keys, 3, c, key);
        before = key;
    }
    check_ok(take_decoder_open(&decoder, run, &spec, false, keys->key[3], &err), err);
    for (int64_t c = 0; c < run->spec.time.windows; c++) {
        keep(keys, 4, c, decoder.state_key[c]);
        keep(keys, 5, c, decoder.video_key[c]);
    }
    take_decoder_close(&decoder);
    take_refiner_close(&refiner);
}

static product_keys keys_of(longtake *e, const longtake_request *r, change_fn change)
{
    product_keys keys = {0};
    take_task task;
    take_run *run = &task.run;
    lt_error err = {0};
    int64_t have = 0;
    take_task_open(&task, e, r, take_command_named("generate"));
    check_ok(take_task_settle(&task, &err), err);
    run->looks_only = true;
    if (change)
        change(e, run);
    check_ok(take_text_prepare(run, TAKE_FOR_AR, &err), err);
    check_ok(take_plan_look(run, &have, &err), err);
    check_ok(take_text_prepare(run, TAKE_FOR_MMDIT, &err), err);
    for (int i = 0; i < run->spec.shots; i++) {
        keep(&keys, 0, i, run->text[TAKE_FOR_AR][i].key);
        keep(&keys, 1, i, run->text[TAKE_FOR_MMDIT][i].key);
    }
    for (int64_t k = 0; k < run->plan.segments; k++)
        keep(&keys, 2, k, run->plan.segment[k].key);
    keys_of_windows(run, &keys);
    take_task_close(&task, false);
    return keys;
}

/* Two shots, each with segments and windows of its own. */
static longtake_request request_of(longtake_shot shot[2])
{
    longtake_request r;
    longtake_request_init(&r);
    longtake_shot_init(&shot[0]);
    longtake_shot_init(&shot[1]);
    shot[0].prompt = "a red ball";
    shot[1].prompt = "a blue ball";
    shot[1].at_frame = 24;
    r.shots = shot;
    r.shot_count = 2;
    r.settings.seconds = 6;
    return r;
}

/* ---- changes ---- */

/* Fields of take_spec in its order, then what an engine and a run hold. */
#define CHANGE(name, statement)                                                                    \
    static void name(longtake *e, take_run *run)                                                   \
    {                                                                                              \
        take_spec *s = &run->spec;                                                                 \
        (void)e;                                                                                   \
        (void)s;                                                                                   \
        statement;                                                                                 \
    }

CHANGE(frames, s->time.frames--)
CHANGE(overlap, s->time.overlap -= 2)
CHANGE(seed, s->seed++)
CHANGE(seed_was_drawn, s->seed_was_drawn = true)
CHANGE(reworded, s->reworded[0] = 'x')
CHANGE(shot_is_event, s->shot[1].is_event = true)
CHANGE(shot_as_one_text, s->shot[1].as_one_text = true)
CHANGE(shot_prompt, s->shot[1].prompt[2] = 'g')
CHANGE(shot_motion, s->shot[1].motion += 1)
CHANGE(shot_seed, s->shot[1].seed++)
CHANGE(shot_lm_cfg, s->shot[1].lm_cfg += 1)
CHANGE(shot_shot_cfg, s->shot[1].shot_cfg += 1)
CHANGE(first_shot_cfg, s->shot[0].shot_cfg += 1)
CHANGE(shot_cfg_scale, s->shot[1].cfg_scale += 1)
CHANGE(fps, s->fps += 1)
CHANGE(width, s->width += 2)
CHANGE(height, s->height += 2)
CHANGE(scale, s->scale++)
CHANGE(fit, s->fit = LONGTAKE_FIT_STRETCH)
CHANGE(codes, s->codes = TAKE_CODES_SCENE)
CHANGE(lm_cfg, s->lm_cfg += 1)
CHANGE(shot_cfg, s->shot_cfg += 1)
CHANGE(motion, s->motion += 1)
CHANGE(cfg_scale, s->cfg_scale += 1)
CHANGE(temperature, s->temperature += 1)
CHANGE(top_k, s->top_k++)
CHANGE(top_p, s->top_p += 0.5)
CHANGE(lm_context, s->lm_context++)
CHANGE(steps, s->steps++)
CHANGE(speed, s->speed = DIT_FAST)
CHANGE(timesteps, s->listed_timesteps = !s->listed_timesteps)
CHANGE(schedule,
       s->schedule = s->schedule == CFG_SCHEDULE_RAMP ? CFG_SCHEDULE_CONSTANT : CFG_SCHEDULE_RAMP)
CHANGE(guidance,
       s->guidance = s->guidance == CFG_GUIDANCE_APG ? CFG_GUIDANCE_CFG : CFG_GUIDANCE_APG)
CHANGE(carry, s->carry = CFG_CARRY_RENOISE)

CHANGE(weights_text_ar, e->hash[TAKE_NET_TEXT_AR].low++)
CHANGE(weights_text_mmdit, e->hash[TAKE_NET_TEXT_MMDIT].low++)
CHANGE(weights_tokenizer, e->hash[TAKE_NET_TOKENIZER].low++)
CHANGE(weights_ar, e->hash[TAKE_NET_AR].low++)
CHANGE(weights_mmdit, e->hash[TAKE_NET_MMDIT].low++)
CHANGE(weights_vae, e->hash[TAKE_NET_VAE].low++)
CHANGE(weights_vae_where_frames_are_carried,
       (e->hash[TAKE_NET_VAE].low++, s->carry = CFG_CARRY_FRAMES))
CHANGE(frames_are_carried, s->carry = CFG_CARRY_FRAMES)
CHANGE(config, e->config_hash.low++)
CHANGE(activation, e->backend->activation = LT_BF16)
CHANGE(rounding, e->rounding = LT_ROUND_INT8)
CHANGE(threads, e->threads++)
CHANGE(max_memory, e->max_memory = INT64_MAX)
CHANGE(home, e->home[TAKE_NET_MMDIT] = LT_HOME_FILE)
CHANGE(memory, run->memory.networks = TAKE_NETWORKS_IN_TURNS)

typedef struct {
    const char *name;
    change_fn change;
    unsigned other; /* products with other keys */
    bool not_first; /* but for the first of each: the change is of the second shot */
} change_row;

#define ROW(name) #name, name

static const change_row rows[] = {
    {ROW(frames), VIDEO, true},
    {ROW(overlap), PAINTED, true},
    {ROW(seed), NOTHING, false}, /* shots have been given it, like: */
    {ROW(lm_cfg), NOTHING, false},
    {ROW(shot_cfg), NOTHING, false},
    {ROW(motion), NOTHING, false},
    {ROW(cfg_scale), NOTHING, false},
    {ROW(seed_was_drawn), NOTHING, false},
    {ROW(reworded), NOTHING, false},
    {ROW(shot_is_event), NOTHING, false},
    {ROW(shot_as_one_text), NOTHING, false},
    {ROW(shot_prompt), EVERYTHING, true},
    {ROW(shot_motion), TOKENS, true},
    {ROW(shot_seed), TOKENS | PAINTED, true},
    {ROW(shot_lm_cfg), TOKENS, true},
    {ROW(shot_shot_cfg), TOKENS, true},
    {ROW(first_shot_cfg), NOTHING, false}, /* no shot is before it */
    {ROW(shot_cfg_scale), PAINTED, true},
    {ROW(fps), VIDEO, false},
    {ROW(width), VIDEO, false},
    {ROW(height), VIDEO, false},
    {ROW(scale), VIDEO, false},
    {ROW(fit), NOTHING, false}, /* of a reference, whose frames have a hash, like: */
    {ROW(codes), NOTHING, false},
    {ROW(temperature), TOKENS, false}, /* latents are made of codes, however those were drawn */
    {ROW(top_k), TOKENS, false},
    {ROW(top_p), TOKENS, false},
    {ROW(lm_context), TOKENS, false},
    {ROW(steps), PAINTED, false},
    {ROW(speed), PAINTED, false},
    {ROW(timesteps), PAINTED, false},
    {ROW(schedule), PAINTED, false},
    {ROW(guidance), PAINTED, false},
    {ROW(carry), PAINTED, false},
    {ROW(weights_text_ar), TEXT_AR | TOKENS, false},
    {ROW(weights_text_mmdit), TEXT_MMDIT | PAINTED, false},
    {ROW(weights_tokenizer), PAINTED, false},
    {ROW(weights_ar), TOKENS, false},
    {ROW(weights_mmdit), PAINTED, false},
    {ROW(weights_vae), DECODED, false},
    {ROW(config), EVERYTHING, false},
    {ROW(activation), EVERYTHING, false},
    {ROW(rounding), EVERYTHING, false},
    {ROW(threads), NOTHING, false},
    {ROW(max_memory), NOTHING, false},
    {ROW(home), NOTHING, false},
    {ROW(memory), NOTHING, false},
};

/* ---- the test ---- */

static void check_change(const change_row *row, const product_keys *before,
                         const product_keys *after)
{
    for (int kind = 0; kind < KINDS; kind++) {
        const bool other = row->other & (1U << kind);
        const int64_t last = before->count[kind] - 1;
        const int64_t first = row->not_first ? last : 0;
        for (int64_t i = 0; i <= last && i < after->count[kind]; i++) {
            const bool wanted = other && i >= first;
            const bool open = other && i > 0 && i < first; /* where the change begins */
            if (!open && lt_hash_equal(before->key[kind][i], after->key[kind][i]) == wanted)
                fail_msg("%s: the key of %s.%03lld is %s", row->name, kind_names[kind],
                         (long long)i, wanted ? "the same" : "another");
        }
    }
}

/* An engine each: a change of it would stay. */
static product_keys keys_after(change_fn change)
{
    longtake_shot shot[2];
    const longtake_request r = request_of(shot);
    longtake *e = open_engine(NULL);
    (void)keys_of(e, &r, NULL); /* every weight file has its hash */
    const product_keys keys = keys_of(e, &r, change);
    longtake_close(e);
    return keys;
}

static void changes_of_a_take(void **state)
{
    (void)state;
    const product_keys before = keys_after(NULL);
    assert_true(before.count[2] > 1 && before.count[3] > 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const product_keys after = keys_after(rows[i].change);
        check_change(&rows[i], &before, &after);
    }
}

/* The next window then begins with what the VAE has made of frames. */
static void frames_that_are_carried(void **state)
{
    (void)state;
    const product_keys before = keys_after(frames_are_carried);
    const product_keys after = keys_after(weights_vae_where_frames_are_carried);
    assert_true(lt_hash_equal(before.key[3][0], after.key[3][0]));
    assert_false(lt_hash_equal(before.key[3][1], after.key[3][1]));
}

/* ---- settings that a configuration has too ---- */

/* What a take's file says of how the take is made. */
typedef struct {
    char *settings;
    lt_hash config; /* of the values that no setting tells (engine.c) */
} told;

static told told_with(const char *set)
{
    const char *const list[] = {set, NULL};
    longtake *e = open_engine(set ? list : NULL);
    longtake_shot shot[2];
    longtake_request r = request_of(shot);
    take_task task;
    lt_error err = {0};
    shot[0].prompt = "a red ball, then it turns blue";
    take_task_open(&task, e, &r, take_command_named("generate"));
    check_ok(take_task_settle(&task, &err), err);
    lt_json *settings = take_spec_json(&task.run.spec);
    const told all = {lt_json_text(settings), e->fixed_hash};
    assert_non_null(all.settings);
    lt_json_free(settings);
    take_task_close(&task, false);
    longtake_close(e);
    return all;
}

/* Every value of the configuration is known by one of both. */
static void configured_settings(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        bool is_setting;
    } row[] = {{"pipeline.lm_cfg=3.5", true},
               {"pipeline.shot_cfg=2.25", true},
               {"pipeline.events=spread", true},
               {"pipeline.temperature=2", true},
               {"pipeline.top_k=17", true},
               {"pipeline.top_p=0.5", true},
               {"pipeline.motion=0.125", true},
               {"pipeline.lm_context=5", true},
               {"pipeline.cfg_scale=2.75", true},
               {"pipeline.cfg_schedule=ramp", true},
               {"pipeline.guidance=apg", true},
               {"pipeline.overlap=1", true},
               {"mmdit.steps=7", true},
               {"mmdit.carry=renoise", true},
               {"mmdit.position_scale=2", false},
               {"ar_model.frames_limit=60", false},
               {"temporal_vae.scale_factor=2", false}};
    const told usual = told_with(NULL);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const told now = told_with(row[i].set);
        if ((strcmp(now.settings, usual.settings) != 0) != row[i].is_setting)
            fail_msg("%s: settings say %s", row[i].set, now.settings);
        if (lt_hash_equal(now.config, usual.config) != row[i].is_setting)
            fail_msg("%s: the hash of the configuration is %s", row[i].set,
                     row[i].is_setting ? "another" : "the same");
        free(now.settings);
    }
    free(usual.settings);
}

static int setup(void **state)
{
    char root[128];
    const int failed = scratch_setup(state);
    snprintf(root, sizeof root, "%s", scratch_path("")); /* which the model takes for itself */
    tiny_model_write(TEST_SOURCE_DIR "/configs/tiny.yaml", LT_F32, scratch_path("tiny"));
    scratch_open_at(root);
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_of_a_take),
        cmocka_unit_test(frames_that_are_carried),
        cmocka_unit_test(configured_settings),
    };
    return cmocka_run_group_tests_name("keys of products", tests, setup, scratch_teardown);
}
