/* take_text.c - for the language model as long as the prompt, for refinement padded; see
 * take_text.h. */
#include "pipeline/take_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/script/known_words.h"
#include "text_encoder/text_encoder.h"
#include "text_encoder/text_vocab.h"

/* How one network wants its prompts. */
typedef struct {
    take_text_role role;
    take_net net;
    const cfg_text *cfg;
    int length; /* most ids, the end token included */
    text_padding padding;
    const char *product;
    const char *who; /* for messages */
} text_side;

static text_side side_of(const longtake *e, take_text_role role)
{
    if (role == TAKE_FOR_AR)
        return (text_side){.role = role,
                           .net = TAKE_NET_TEXT_AR,
                           .cfg = &e->cfg.text_ar,
                           .length = e->cfg.text_ar.max_length,
                           .padding = TEXT_UNPADDED,
                           .product = "text.ar",
                           .who = "language model"};
    return (text_side){.role = role,
                       .net = TAKE_NET_TEXT_MMDIT,
                       .cfg = &e->cfg.text_mmdit,
                       .length = e->cfg.mmdit.text_length,
                       .padding = TEXT_PADDED,
                       .product = "text.mmdit",
                       .who = "refinement"};
}

static lt_status open_vocab(take_run *run, take_net net, text_vocab **out, lt_error *err)
{
    char *path = NULL;
    LT_TRY(take_engine_spiece(run->engine, net, &path, err));
    const lt_status s = text_vocab_open(path, out, err);
    free(path);
    return s;
}

/* Whether the next shot's prompt is this one's, or goes on with further words, as prompts that tell
 * events do: it is judged then. */
static bool is_said_again(const take_run *run, int shot)
{
    const take_shot *s = &run->spec.shot[shot];
    const size_t bytes = strlen(s[0].prompt);
    return shot + 1 < run->spec.shots && strncmp(s[0].prompt, s[1].prompt, bytes) == 0 &&
           strchr(" ,.;", s[1].prompt[bytes]) != NULL;
}

/* Words that the vocabulary cannot spell, and a prompt that is too long, are told once. */
static void warn_about(take_run *run, const text_side *side, const char *prompt,
                       const text_report *report)
{
    if (report->truncated)
        take_warn(run, "prompt is longer than the %d sub-words that the %s reads; it sees \"%.*s\"",
                  side->length - 1, side->who, (int)report->kept_bytes, prompt);
    if (report->unknown > 0)
        take_warn(run, "prompt has %d part%s that the %s cannot spell%s \"%.*s\"", report->unknown,
                  report->unknown > 1 ? "s" : "", side->who, report->unknown > 1 ? ", first" : ":",
                  (int)report->unknown_bytes, prompt + report->unknown_at);
}

/* The prompts of all shots, a line each; free() it. NULL: out of memory. */
static char *all_prompts(const take_spec *spec)
{
    char *text = NULL;
    size_t bytes;
    FILE *const lines = open_memstream(&text, &bytes);
    for (int shot = 0; lines && shot < spec->shots; shot++)
        fprintf(lines, "%s\n", spec->shot[shot].prompt);
    if (!lines || fclose(lines) == 0)
        return text;
    free(text);
    return NULL;
}

/* Words of the prompts of which the model shows one at a time are told. */
static lt_status warn_of_too_many(take_run *run, lt_error *err)
{
    char said[320] = "";
    for (int shot = 0; shot < run->spec.shots; shot++)
        LT_TRY(take_prompt_too_many(run->engine->wording, run->spec.shot[shot].prompt, said,
                                    sizeof said, err));
    if (said[0] != '\0')
        take_warn(run, "the model shows one at a time of %s", said);
    return LT_OK;
}

/* A small model says which words it was never shown. */
static lt_status warn_of_unknown_words(take_run *run, lt_error *err)
{
    char unknown[160];
    char *words = NULL;
    LT_TRY(take_engine_text(run->engine, "words.txt", "a list of words", &words, err));
    char *prompts = words ? all_prompts(&run->spec) : NULL;
    lt_status s = LT_OK;
    if (words && !prompts)
        s = lt_fail(err, LT_ERR_RESOURCES, "prompts: out of memory");
    else if (words && take_unknown_words(words, prompts, unknown, sizeof unknown) > 0)
        take_warn(run, "the model does not know %s; it makes the nearest scene it was trained on",
                  unknown);
    free(prompts);
    free(words);
    return s;
}

lt_status take_text_tell(take_run *run, lt_error *err)
{
    if (run->spec.reworded[0] != '\0')
        take_note(run, "read %s", run->spec.reworded);
    if (run->spec.begins_as_usual)
        take_note(run, "begins as \"%s\"", run->spec.shot[0].prompt);
    LT_TRY(warn_of_unknown_words(run, err));
    return warn_of_too_many(run, err);
}

/* `tells` what the vocabulary makes of the prompt. */
static lt_status ids_of_shot(take_run *run, const text_side *side, const text_vocab *vocab,
                             int shot, bool tells, int32_t *ids, int *count, lt_error *err)
{
    const char *prompt = run->spec.shot[shot].prompt;
    char *told = NULL;
    LT_TRY(take_prompt_told(run->engine->wording, prompt, side->role == TAKE_FOR_AR, &told, err));
    text_report report = {0};
    const lt_status s =
        text_ids(vocab, told, strlen(told), side->length, side->padding, ids, &report, err);
    if (s == LT_OK && tells && !is_said_again(run, shot))
        warn_about(run, side, told, &report);
    *count = report.count;
    free(told);
    return s;
}

static lt_status longest_shot(take_run *run, const text_side *side, const text_vocab *vocab,
                              int *rows, lt_error *err)
{
    int32_t *ids = malloc((size_t)side->length * sizeof *ids);
    lt_status s = ids ? LT_OK : lt_fail(err, LT_ERR_RESOURCES, "prompt: out of memory");
    for (int shot = 0; shot < run->spec.shots && s == LT_OK; shot++) {
        int count = 0;
        s = ids_of_shot(run, side, vocab, shot, false, ids, &count, err);
        *rows = count > *rows ? count : *rows;
    }
    free(ids);
    return s;
}

/* A model may be a configuration alone. */
static bool has_vocab(const take_run *run, take_net net)
{
    lt_error ignored = {0};
    char *path = NULL;
    const bool found =
        take_engine_spiece(run->engine, net, &path, &ignored) == LT_OK && access(path, F_OK) == 0;
    free(path);
    return found;
}

lt_status take_text_rows(take_run *run, int *rows, lt_error *err)
{
    const text_side side = side_of(run->engine, TAKE_FOR_AR);
    text_vocab *vocab = NULL;
    *rows = 1;
    if (!has_vocab(run, side.net))
        return LT_OK;
    LT_TRY(open_vocab(run, side.net, &vocab, err));
    const lt_status s = longest_shot(run, &side, vocab, rows, err);
    text_vocab_close(vocab);
    return s;
}

/* Embeds one shot, or finds it in the job folder. The encoder is opened when it is first needed. */
static lt_status embed_shot(take_run *run, const text_side *side, int shot, const int32_t *ids,
                            text_encoder **encoder, lt_error *err)
{
    longtake *e = run->engine;
    take_text *text = &run->text[side->role][shot];
    const take_product product = {side->product, shot, text->key};
    const size_t bytes = (size_t)text->count * (size_t)side->cfg->d_model * sizeof *text->rows;
    bool found = false;
    text->rows = malloc(bytes);
    if (!text->rows)
        return lt_fail(err, LT_ERR_RESOURCES, "prompt: out of memory");
    LT_TRY(take_job_read(run->job, product, text->rows, bytes, &found, err));
    if (found) {
        take_clock_found(&run->clock, TAKE_TEXT, 1);
        return LT_OK;
    }
    if (!*encoder) {
        lt_weights *weights = NULL;
        LT_TRY(take_engine_weights(e, side->net, &weights, err));
        const lt_status s = text_encoder_open(weights, side->cfg, e->backend, encoder, err);
        lt_weights_close(weights);
        LT_TRY(s);
        take_clock_opened(&run->clock);
    }
    LT_TRY(text_encode(*encoder, ids, text->count, text->rows, err));
    /* before a stop is heard of */
    LT_TRY(take_job_put(run->job, product, text->rows, bytes, err));
    return take_clock_step(&run->clock, 1, 1, err);
}

static lt_status prepare_shot(take_run *run, const text_side *side, const text_vocab *vocab,
                              int shot, text_encoder **encoder, lt_error *err)
{
    take_text *text = &run->text[side->role][shot];
    int32_t *ids = malloc((size_t)side->length * sizeof *ids);
    if (!ids)
        return lt_fail(err, LT_ERR_RESOURCES, "prompt: out of memory");
    take_key key;
    lt_status s = ids_of_shot(run, side, vocab, shot, true, ids, &text->count, err);
    if (s == LT_OK)
        s = take_key_of_stage(run->engine, &key, "text", side->net, err);
    if (s == LT_OK) {
        take_key_bytes(&key, ids, (size_t)text->count * sizeof *ids);
        text->key = take_key_end(&key);
    }
    if (s == LT_OK && !run->looks_only) {
        take_clock_enter(&run->clock, TAKE_TEXT, shot, run->spec.shots, 1);
        s = embed_shot(run, side, shot, ids, encoder, err);
        take_clock_leave(&run->clock);
    }
    free(ids);
    return s;
}

lt_status take_text_prepare(take_run *run, take_text_role role, lt_error *err)
{
    const text_side side = side_of(run->engine, role);
    text_vocab *vocab = NULL;
    text_encoder *encoder = NULL;
    run->text[role] = calloc((size_t)run->spec.shots, sizeof *run->text[role]);
    if (!run->text[role])
        return lt_fail(err, LT_ERR_RESOURCES, "prompts: out of memory");
    take_clock_plan_more(&run->clock, TAKE_TEXT, run->spec.shots);
    /* who only looks has been told */
    lt_status s = role == TAKE_FOR_AR && !run->looks_only ? take_text_tell(run, err) : LT_OK;
    if (s == LT_OK)
        s = open_vocab(run, side.net, &vocab, err);
    for (int shot = 0; shot < run->spec.shots && s == LT_OK; shot++)
        s = prepare_shot(run, &side, vocab, shot, &encoder, err);
    text_encoder_close(encoder);
    text_vocab_close(vocab);
    return s;
}
