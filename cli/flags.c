/* flags.c - the table, and reading a command line by it. */
#include "cli/flags.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(cli_values, field)
#define MAKES "generate tokens refine render continue run"
#define REFINES "generate refine render continue run"
#define PLANS "generate tokens continue run"

const cli_command cli_commands[] = {
    {"generate", "PROMPT", "prompt -> video"},
    {"tokens", "PROMPT | cut FILE FROM-TO | join FILE FILE | score FILE...", "prompt -> semantic tokens; cut, join and score token files"},
    {"encode", "VIDEO", "reference video -> semantic tokens"},
    {"refine", "TOKENS", "semantic tokens -> latents, window by window"},
    {"decode", "LATENTS", "latents -> video"},
    {"render", "TOKENS", "semantic tokens -> video (refine and decode)"},
    {"continue", "VIDEO", "goes on from a moment of a video"},
    {"run", "FILM.yaml", "a script: shots, prompts over time, seeds"},
    {"info", "FILE", "any file of ours, any checkpoint, any video, a job folder"},
    {"import", "RELEASE_DIR | --preview-map -m MODEL", "official release -> our model folder"},
    {"check", "GOLDEN...", "numbers of this build against golden vectors"},
    {"bench", "", "seconds, TFLOP/s and bytes per stage"},
    {"devices", "", "what could run here, and what this build contains"},
};
const int cli_command_count = sizeof cli_commands / sizeof *cli_commands;

const cli_example cli_examples[] = {
    {"generate", "longtake generate \"a red ball bounces on a beach at noon, then night falls\" --seconds 30 -o ball.mp4", "a take of 30 seconds"},
    {"generate", "longtake generate --recipe ball.mp4 --retake 12s-18s --retake-seed 5 -o again.mp4", "the same, six seconds of it made anew"},
    {"tokens", "longtake tokens -p \"a red ball\" --seconds 30 --candidates 4 --preview sheet.png -o ball.lt",
     "four plans, and a picture to choose from"},
    {"tokens", "longtake tokens cut ball-43.lt 2s-12s -o part.lt", "what one of them plans from 2 to 12 s (cut and join take -o alone of what follows)"},
    {"tokens", "longtake tokens score *.lt -p \"a red ball\"", "how unlikely they are (score takes -p, --lm-cfg, --temperature, --motion and --lm-context)"},
    {"encode", "longtake encode clip.mp4 -o clip.lt", "the plan that a video shows"},
    {"refine", "longtake refine ball-43.lt -o ball.latents", "latents, for decode"},
    {"decode", "longtake decode ball.latents -o ball.mp4", "their video"},
    {"render", "longtake render ball-43.lt -o ball.mp4", "the video of a plan"},
    {"continue", "longtake continue clip.mp4 --from 3.2s --seconds 12 -p \"a red ball\" -o out.mp4", "12 new seconds behind the first 3.2 of a clip"},
    {"continue", "longtake continue ball.mp4 --seconds 12 -o longer.mp4", "12 more seconds of a clip of ours, which says its prompt itself"},
    {"run", "longtake run film.yaml --dry-run", "what a script would make, window by window"},
    {"run", "longtake run film.yaml -o film.mp4", "its video"},
    {"info", "longtake info ball.mp4", "how a video was made"},
    {"import", "longtake import ckpts/LanDiff -o models/landiff --t5 flan-t5-xxl --quantize q8", "the official release as a model folder, in 8 bits"},
    {"check", "longtake check tests/golden/*.safetensors --precision f32", "this build against the official modules' outputs"},
    {"bench", "longtake bench --stage dit --json", "one layer of the released size, timed"},
    {"devices", "longtake devices", "what can be used, and why something cannot"},
};
const int cli_example_count = sizeof cli_examples / sizeof *cli_examples;

const char *const cli_group_titles[] = {
    [FLAGS_OF_TAKE] = "the take",
    [FLAGS_OF_PLAN] = "its plan: semantic tokens, drawn by the language model",
    [FLAGS_OF_REFINEMENT] = "refinement, window by window",
    [FLAGS_OF_IMPORT] = "what is imported",
    [FLAGS_OF_BENCH] = "what is timed",
    [FLAGS_OF_WORK] = "on the way",
    [FLAGS_OF_MACHINE] = "model and machine",
    [FLAGS_OF_TALK] = "what is told",
};

const cli_flag cli_flags[] = {
    {"prompt", FLAGS_OF_TAKE, 'p', FLAG_TEXT, "TEXT", "generate tokens refine render continue", 0, 0, 0, "what to show; @FILE reads a file, - standard input; of refine, render and continue left out: what the input says", AT(prompt)},
    {"output", FLAGS_OF_TAKE, 'o', FLAG_TEXT, "FILE", MAKES " encode decode import", 0, 0, 0,
     "where to; the extension says the kind; - is standard output; of import: the folder to make", AT(output)},
    {"format", FLAGS_OF_TAKE, 0, FLAG_CHOICE, "KIND", MAKES " encode decode", "mp4|mkv|y4m|png|lt|npy|latents", 0, 0,
     "kind of the output, when the extension does not say it", AT(format)},
    {"seed", FLAGS_OF_TAKE, 's', FLAG_INTEGER, "N", MAKES, 0, -1, 4294967295.0, "0 to 4294967295; -1 draws one (default that of the input, else 42)", AT(seed)},
    {"seconds", FLAGS_OF_TAKE, 0, FLAG_SECONDS, "S", MAKES, 0, 0, 1e9, "length: 10, 10s or 1:05 (default that of the input, else one window); of continue, of what is new", AT(seconds)},
    {"frames", FLAGS_OF_TAKE, 0, FLAG_INTEGER, "N", MAKES, 0, 0, 1e9, "the same in frames", AT(frames)},
    {"num-frames", FLAGS_OF_TAKE, 0, FLAG_INTEGER, "N", MAKES, 0, 0, 1e9, "the same in semantic frames (13 = 49 frames)", AT(num_frames)},
    {"fps", FLAGS_OF_TAKE, 0, FLAG_REAL, "F", MAKES " decode", 0, 0.1, 240, "frames a second of the file (default the model's: another rate plays the same frames faster or slower)", AT(fps)},
    {"width", FLAGS_OF_TAKE, 0, FLAG_INTEGER, "PX", MAKES, 0, 1, 65536, "frame width, where the model allows it", AT(width)},
    {"height", FLAGS_OF_TAKE, 0, FLAG_INTEGER, "PX", MAKES, 0, 1, 65536, "frame height, where the model allows it", AT(height)},
    {"scale", FLAGS_OF_TAKE, 0, FLAG_INTEGER, "N", REFINES " decode", 0, 1, 8, "enlarges the output N times (Lanczos)", AT(scale)},
    {"fit", FLAGS_OF_TAKE, 0, FLAG_CHOICE, "HOW", "generate tokens encode continue run", "cover|pad|crop|stretch", 0, 0,
     "how a reference or picture comes to the model's size (default cover: fill, cut the middle)", AT(fit)},
    {"codes", FLAGS_OF_TAKE, 0, FLAG_CHOICE, "KIND", "generate tokens encode continue run", "auto|scene|picture", 0, 0,
     "how a video is read: as scenes of the model's world, or each picture itself, behind which a plan begins anew (default auto: pictures for what is not of that world)", AT(codes)},
    {"image", FLAGS_OF_TAKE, 0, FLAG_TEXT, "FILE", "generate tokens", 0, 0, 0, "the take begins with this picture", AT(image)},
    {"from", FLAGS_OF_TAKE, 0, FLAG_TIME, "T", "continue", 0, 0, 0, "where to go on: 3.2s, 1:05 or 96f (default the end)", AT(from)},
    {"new-only", FLAGS_OF_TAKE, 0, FLAG_SWITCH, 0, "continue", 0, 0, 0, "write only the new part", AT(new_only)},
    {"recipe", FLAGS_OF_TAKE, 0, FLAG_TEXT, "FILE", "generate continue", 0, 0, 0, "make again what the metadata of this video or latents file describe; of continue, with the video that it went on from", AT(recipe)},
    {"prompts", FLAGS_OF_TAKE, 0, FLAG_TEXT, "FILE", "generate", 0, 0, 0, "batch: a prompt, or a JSON object, a line", AT(prompts)},
    {"output-dir", FLAGS_OF_TAKE, 0, FLAG_TEXT, "DIR", "generate", 0, 0, 0, "where a batch goes; made where it is missing", AT(output_dir)},
    {"lm-cfg", FLAGS_OF_PLAN, 0, FLAG_REAL, "X", PLANS, 0, 0, 100, "guidance of the language model (0 or 1 = off)", AT(lm_cfg)},
    {"shot-cfg", FLAGS_OF_PLAN, 0, FLAG_REAL, "X", PLANS, 0, 0, 100,
     "how strongly a new prompt is followed while frames of the one before are in sight (0 = off)", AT(shot_cfg)},
    {"temperature", FLAGS_OF_PLAN, 0, FLAG_REAL, "X", PLANS, 0, 1e-3, 100, "of the token draw; below 1 likelier tokens", AT(temperature)},
    {"top-k", FLAGS_OF_PLAN, 0, FLAG_INTEGER, "N", PLANS, 0, 0, 65536, "draw from the N likeliest tokens (0 = off)", AT(top_k)},
    {"top-p", FLAGS_OF_PLAN, 0, FLAG_REAL, "P", PLANS, 0, 0, 1, "draw from the likeliest tokens that sum to P (0 = off)", AT(top_p)},
    {"motion", FLAGS_OF_PLAN, 0, FLAG_REAL, "X", PLANS, 0, 0, 10, "how much moves, 0 to 10", AT(motion)},
    {"lm-context", FLAGS_OF_PLAN, 0, FLAG_INTEGER, "N", PLANS, 0, 0, 64, "earlier segments that the language model sees, at most", AT(lm_context)},
    {"candidates", FLAGS_OF_PLAN, 0, FLAG_INTEGER, "N", "tokens", 0, 1, 16, "that many plans, of seeds that follow each other; --preview shows them", AT(candidates)},
    {"steps", FLAGS_OF_REFINEMENT, 0, FLAG_INTEGER, "N", REFINES, 0, 1, 999, "denoising steps a window", AT(steps)},
    {"cfg-scale", FLAGS_OF_REFINEMENT, 0, FLAG_REAL, "X", REFINES, 0, 0, 100, "guidance of refinement; 1 = none, at half the cost", AT(cfg_scale)},
    {"cfg-schedule", FLAGS_OF_REFINEMENT, 0, FLAG_CHOICE, "KIND", REFINES, "official|ramp|constant", 0, 0, "guidance over the steps", AT(cfg_schedule)},
    {"guidance", FLAGS_OF_REFINEMENT, 0, FLAG_CHOICE, "KIND", REFINES, "cfg|apg", 0, 0, "plain or adaptive projected guidance", AT(guidance)},
    {"overlap", FLAGS_OF_REFINEMENT, 0, FLAG_INTEGER, "N", REFINES, 0, 1, 1023, "latents of a window that the one before made: odd", AT(overlap)},
    {"carry", FLAGS_OF_REFINEMENT, 0, FLAG_CHOICE, "HOW", REFINES, "latents|frames|renoise", 0, 0, "how these enter the window", AT(carry)},
    {"speed", FLAGS_OF_REFINEMENT, 0, FLAG_CHOICE, "LEVEL", REFINES, "exact|fast|faster", 0, 0, "fast and faster: fewer steps, what hardly changes is reused (default exact)", AT(speed)},
    {"window", FLAGS_OF_REFINEMENT, 0, FLAG_INTEGER, "C", "generate refine run", 0, 0, 1e9, "refine this window (from 0) alone, into the job folder of --job", AT(window)},
    {"windows", FLAGS_OF_REFINEMENT, 0, FLAG_TEXT, "A-B", "generate refine run", 0, 0, 0, "refine these windows alone, into the job folder of --job", AT(windows)},
    {"retake", FLAGS_OF_REFINEMENT, 0, FLAG_TEXT, "C|A-B|12s-18s", "generate run", 0, 0, 0, "make these windows (from 0), or those of this span, again", AT(retake)},
    {"retake-seed", FLAGS_OF_REFINEMENT, 0, FLAG_INTEGER, "N", "generate run", 0, 0, 4294967295.0, "seed of the retake (else --seed is)", AT(retake_seed)},
    {"keep-rest", FLAGS_OF_REFINEMENT, 0, FLAG_SWITCH, 0, "generate run", 0, 0, 0, "retake: what follows stays as it is", AT(keep_rest)},
    {"max-seam", FLAGS_OF_REFINEMENT, 0, FLAG_REAL, "X", "generate refine render continue run", 0, 0, 1e6, "exit 7 when a border between windows differs more than X times what frames usually do", AT(max_seam)},
    {"quantize", FLAGS_OF_IMPORT, 0, FLAG_CHOICE, "KIND", "import", "q8|q4|mixed", 0, 0, "store matrices in blocks of 8 or 4 bits", AT(quantize)},
    {"dtype", FLAGS_OF_IMPORT, 0, FLAG_CHOICE, "KIND", "import", "f32|bf16|f16", 0, 0, "store all other weights so (default: as the release has them)",
     AT(dtype)},
    {"t5", FLAGS_OF_IMPORT, 0, FLAG_TEXT, "DIR", "import", 0, 0, 0, "Flan-T5 folder, when it is not inside the release", AT(t5)},
    {"theia", FLAGS_OF_IMPORT, 0, FLAG_TEXT, "DIR", "import", 0, 0, 0, "Theia folder, when it is not inside the release", AT(theia)},
    {"preview-map", FLAGS_OF_IMPORT, 0, FLAG_SWITCH, 0, "import", 0, 0, 0,
     "no release: write preview.safetensors, what --preview paints with, for the model of -m", AT(preview_map)},
    {"stage", FLAGS_OF_BENCH, 0, FLAG_TEXT, "NAME", "bench", 0, 0, 0, "t5, t5_int8, lm, lm_ahead, lm_launched, lm_q8, lm_q4, tokenizer, dit, dit_fp8, dit_int8, vae_decode, vae_encode or all (as without it)", AT(stage)},
    {"ceilings", FLAGS_OF_BENCH, 0, FLAG_SWITCH, 0, "bench", 0, 0, 0, "this machine's own limits", AT(ceilings)},
    {"dry-run", FLAGS_OF_WORK, 0, FLAG_SWITCH, 0, MAKES, 0, 0, 0, "a table of what would be done; loads no weights", AT(dry_run)},
    {"preview", FLAGS_OF_WORK, 0, FLAG_TEXT, "FILE|DIR", "generate tokens refine render continue run", 0, 0, 0,
     "rough pictures while it runs: an .mp4, or a folder (DIR/ makes it) for one a window; of tokens: a .png of the plans", AT(preview)},
    {"job", FLAGS_OF_WORK, 0, FLAG_TEXT, "DIR", REFINES, 0, 0, 0, "job folder, kept (default: beside the output, gone on success)", AT(job)},
    {"fresh", FLAGS_OF_WORK, 0, FLAG_SWITCH, 0, REFINES, 0, 0, 0, "forget what the job folder holds, and what a batch has made", AT(fresh)},
    {"keep-job", FLAGS_OF_WORK, 0, FLAG_SWITCH, 0, REFINES, 0, 0, 0, "keep the job folder", AT(keep_job)},
    {"no-metadata", FLAGS_OF_WORK, 0, FLAG_SWITCH, 0, MAKES " encode decode", 0, 0, 0, "leave out how the file was made", AT(no_metadata)},
    {"model", FLAGS_OF_MACHINE, 'm', FLAG_TEXT, "NAME|DIR", "all", 0, 0, 0, "model to use (default mini)", AT(model)},
    {"device", FLAGS_OF_MACHINE, 0, FLAG_TEXT, "NAME", "all", 0, 0, 0, "auto, cpu, cuda[:N] or reference (default auto)", AT(device)},
    {"precision", FLAGS_OF_MACHINE, 0, FLAG_CHOICE, "KIND", "all", "auto|f32|bf16|fp8|int8", 0, 0,
     "of the arithmetic (default auto); fp8 on cuda and int8 on cpu: large products in 8 bits", AT(precision)},
    {"threads", FLAGS_OF_MACHINE, 't', FLAG_INTEGER, "N", "all", 0, 0, 1024, "0 = all processors (default)", AT(threads)},
    {"max-memory", FLAGS_OF_MACHINE, 0, FLAG_BYTES, "BYTES", "all", 0, 1, 1e18, "need no more, 8G for example; what cannot be done so is refused", AT(max_memory)},
    {"config", FLAGS_OF_MACHINE, 0, FLAG_TEXT, "FILE", "all", 0, 0, 0, "YAML instead of the model's own", AT(config)},
    {"set", FLAGS_OF_MACHINE, 0, FLAG_LIST, "KEY=VALUE", "all", 0, 0, 0, "any configuration key, on top", AT(set)},
    {"print-config", FLAGS_OF_MACHINE, 0, FLAG_SWITCH, 0, "all", 0, 0, 0, "print every value and where it came from", AT(print_config)},
    {"profile", FLAGS_OF_MACHINE, 0, FLAG_SWITCH, 0, "all", 0, 0, 0, "seconds, bytes and FLOP per operation", AT(profile)},
    {"progress", FLAGS_OF_TALK, 0, FLAG_CHOICE, "KIND", "all", "auto|bar|plain|jsonl|none", 0, 0, "how progress is shown (default auto)", AT(progress)},
    {"json", FLAGS_OF_TALK, 0, FLAG_SWITCH, 0, "all", 0, 0, 0, "a JSON report on standard output", AT(json)},
    {"quiet", FLAGS_OF_TALK, 'q', FLAG_SWITCH, 0, "all", 0, 0, 0, "no progress, no warnings, no notes", AT(quiet)},
    {"verbose", FLAGS_OF_TALK, 'v', FLAG_SWITCH, 0, "all", 0, 0, 0, "a line for every step", AT(verbose)},
    {"version", FLAGS_OF_TALK, 0, FLAG_SWITCH, 0, "all", 0, 0, 0, "print the version", AT(version)},
    {"completions", FLAGS_OF_TALK, 0, FLAG_CHOICE, "SHELL", "all", "bash|zsh|fish", 0, 0, 0, AT(completions)},
    {"man", FLAGS_OF_TALK, 0, FLAG_SWITCH, 0, "all", 0, 0, 0, 0, AT(man)},
    {"help", FLAGS_OF_TALK, 'h', FLAG_SWITCH, 0, "all", 0, 0, 0, "print help", AT(help)},
};
const int cli_flag_count = sizeof cli_flags / sizeof *cli_flags;

/* Names that users of the official release know. */
static const struct {
    const char *theirs, *ours;
} aliases[] = {{"motion-score", "motion"}, {"cfg", "lm-cfg"}, {"save-file-name", "output"}};

const char *cli_example_of(const char *command)
{
    for (int i = 0; i < cli_example_count; i++)
        if (strcmp(cli_examples[i].command, command) == 0)
            return cli_examples[i].line;
    return "";
}

bool cli_given(double number)
{
    return number > CLI_UNSET;
}

void cli_defaults(cli_values *v)
{
    memset(v, 0, sizeof *v);
    for (int i = 0; i < cli_flag_count; i++) {
        const flag_kind k = cli_flags[i].kind;
        if (k == FLAG_INTEGER || k == FLAG_REAL || k == FLAG_SECONDS || k == FLAG_BYTES)
            *(double *)(void *)((char *)v + cli_flags[i].at) = CLI_UNSET;
    }
}

/* ---- nearest names ---- */

/* Letters to insert, delete or replace to turn a into b; names are short. */
static int edit_distance(const char *a, const char *b)
{
    enum { MOST = 32 };
    int row[MOST + 1];
    const int n = (int)strlen(b) < MOST ? (int)strlen(b) : MOST;
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int corner = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            const int replace = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            const int insert = row[j - 1] + 1;
            const int drop = row[j] + 1;
            row[j] = replace < insert ? (replace < drop ? replace : drop) : (insert < drop ? insert : drop);
        }
    }
    return row[n];
}

/* "secs" of "seconds": the first letter and others in their order, three in all or more. */
static bool is_short_for(const char *word, const char *name)
{
    const size_t letters = strlen(word);
    if (letters < 3 || *word != *name)
        return false;
    for (; *word && *name; name++)
        word += *word == *name;
    return *word == '\0';
}

/* Is `name` so like `word` that it may have been meant, and more so than what was found before, *least letters away? */
static bool is_nearer(const char *word, const char *name, int *least)
{
    const int third = (int)strlen(word) / 3;
    const int distance = is_short_for(word, name) ? 1 : edit_distance(word, name);
    if (distance > (third > 2 ? third : 2) || distance >= *least)
        return false;
    *least = distance;
    return true;
}

/* The flag of `command` that is most like `name`, or NULL. */
static const char *nearest_flag(const char *name, const char *command)
{
    const char *best = NULL;
    int least = INT_MAX;
    for (int i = 0; i < cli_flag_count; i++)
        if (cli_flags[i].help && cli_flag_belongs(&cli_flags[i], command) && is_nearer(name, cli_flags[i].name, &least))
            best = cli_flags[i].name;
    return best;
}

static const char *nearest_command(const char *name)
{
    const char *best = NULL;
    int least = INT_MAX;
    for (int i = 0; i < cli_command_count; i++)
        if (is_nearer(name, cli_commands[i].name, &least))
            best = cli_commands[i].name;
    return best;
}

/* ---- values ---- */

static bool is_word_of(const char *list, const char *word, char separator)
{
    const size_t n = strlen(word);
    for (const char *at = list; at && *at;) {
        const char *end = strchr(at, separator);
        const size_t length = end ? (size_t)(end - at) : strlen(at);
        if (length == n && memcmp(at, word, n) == 0)
            return true;
        at = end ? end + 1 : NULL;
    }
    return false;
}

bool cli_flag_belongs(const cli_flag *f, const char *command)
{
    return !command || strcmp(f->commands, "all") == 0 || is_word_of(f->commands, command, ' ');
}

static bool read_number(const char *text, double *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && errno == 0 && isfinite(*out);
}

static bool read_bytes(const char *text, double *out)
{
    char *end = NULL;
    *out = strtod(text, &end);
    if (end == text || !isfinite(*out))
        return false;
    static const char units[] = "KMGT";
    if (*end) {
        const char *unit = strchr(units, *end);
        if (!unit)
            return false;
        for (const char *u = units; u <= unit; u++)
            *out *= 1024;
        end++;
        if (*end == 'i')
            end++;
        if (*end == 'B')
            end++;
    }
    return *end == '\0';
}

bool cli_time(const char *text, double fps, double *seconds)
{
    char *end = NULL;
    const double first = strtod(text, &end);
    if (end == text || !isfinite(first) || first < 0)
        return false;
    if (*end == ':') {
        char *last = NULL;
        const double rest = strtod(end + 1, &last);
        if (last == end + 1 || *last || !(rest >= 0 && rest < 60))
            return false;
        *seconds = 60 * first + rest;
        return true;
    }
    if (strcmp(end, "f") == 0) {
        *seconds = first / fps;
        return true;
    }
    *seconds = first;
    return *end == '\0' || strcmp(end, "s") == 0;
}

bool cli_span(const char *text, double fps, double *from, double *to)
{
    char first[32];
    const char *dash = strchr(text, '-');
    if (!dash || dash - text >= (long)sizeof first)
        return false;
    snprintf(first, sizeof first, "%.*s", (int)(dash - text), text);
    return cli_time(first, fps, from) && cli_time(dash + 1, fps, to) && *to > *from;
}

/* A number, or a time as --from takes it; not in frames, whose rate is the model's. */
static bool read_seconds(const char *text, double *out)
{
    return read_number(text, out) || (*text && text[strlen(text) - 1] != 'f' && cli_time(text, 1, out));
}

static bool refuse_seconds(const cli_flag *f, const char *text, char *message, size_t bytes)
{
    double frames = 0;
    const size_t n = strlen(text);
    snprintf(message, bytes, "--%s: found \"%s\", expected a number of seconds such as 10, 10s or 1:05", f->name, text);
    if (n > 1 && text[n - 1] == 'f' && text[n - 2] >= '0' && text[n - 2] <= '9' && cli_time(text, 1, &frames)) {
        const size_t used = strlen(message);
        snprintf(message + used, bytes - used, "\nhint: --frames %.0f", frames);
    }
    return false;
}

static bool store(const cli_flag *f, const char *text, cli_values *v, char *message, size_t bytes)
{
    void *place = (char *)v + f->at;
    double number = 0;
    double unused;
    switch (f->kind) {
    case FLAG_SWITCH:
        *(bool *)place = true;
        return true;
    case FLAG_TEXT:
        *(const char **)place = text;
        return true;
    case FLAG_TIME:
        if (!cli_time(text, 1, &unused)) {
            snprintf(message, bytes, "--%s: found \"%s\", expected a time such as 12s, 1:05 or 96f", f->name, text);
            return false;
        }
        *(const char **)place = text;
        return true;
    case FLAG_CHOICE:
        if (!is_word_of(f->choices, text, '|')) {
            snprintf(message, bytes, "--%s: found \"%s\", expected one of %s", f->name, text, f->choices);
            return false;
        }
        *(const char **)place = text;
        return true;
    case FLAG_LIST: {
        cli_list *list = place;
        if (list->count == CLI_MAX_LIST) {
            snprintf(message, bytes, "--%s: found more than %d, expected fewer", f->name, CLI_MAX_LIST);
            return false;
        }
        list->item[list->count++] = text;
        return true;
    }
    case FLAG_INTEGER:
    case FLAG_REAL:
    case FLAG_SECONDS:
    case FLAG_BYTES:
        break;
    }
    const bool ok = f->kind == FLAG_BYTES ? read_bytes(text, &number)
                    : f->kind == FLAG_SECONDS ? read_seconds(text, &number)
                                              : read_number(text, &number);
    if (!ok && f->kind == FLAG_SECONDS)
        return refuse_seconds(f, text, message, bytes);
    if (!ok || (f->kind == FLAG_INTEGER && number != floor(number))) {
        snprintf(message, bytes, "--%s: found \"%s\", expected %s", f->name, text,
                 f->kind == FLAG_INTEGER ? "a whole number" : f->kind == FLAG_BYTES ? "a size such as 8G" : "a number");
        return false;
    }
    if (number < f->low || number > f->high) {
        snprintf(message, bytes, "--%s: found %s, expected %.10g to %.10g", f->name, text, f->low, f->high);
        return false;
    }
    *(double *)place = number;
    return true;
}

/* ---- parsing ---- */

static const cli_flag *flag_of_name(const char *name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i].theirs, name) == 0)
            name = aliases[i].ours;
    for (int i = 0; i < cli_flag_count; i++)
        if (strcmp(cli_flags[i].name, name) == 0)
            return &cli_flags[i];
    return NULL;
}

static const cli_flag *flag_of_letter(char letter)
{
    for (int i = 0; i < cli_flag_count; i++)
        if (cli_flags[i].letter == letter)
            return &cli_flags[i];
    return NULL;
}

/* "--max_memory=8G" -> flag and value ("" pointers into `argument`); underscores count as dashes inside the name. */
static const cli_flag *split_long(const char *argument, char name[64], const char **value)
{
    const char *equals = strchr(argument, '=');
    const size_t length = equals ? (size_t)(equals - argument) : strlen(argument);
    *value = equals ? equals + 1 : NULL;
    snprintf(name, 64, "%.*s", length < 63 ? (int)length : 63, argument);
    for (char *c = name; *c; c++)
        if (*c == '_')
            *c = '-';
    return flag_of_name(name);
}

static bool is_command(const char *word)
{
    for (int i = 0; word && i < cli_command_count; i++)
        if (strcmp(cli_commands[i].name, word) == 0)
            return true;
    return false;
}

/* Says what may have been meant, or where the flags are listed. `flag` is a long name, or "-x". */
static bool refuse_flag(const cli_values *v, const char *flag, char *message, size_t bytes)
{
    const char *command = is_command(v->command) ? v->command : NULL;
    const char *nearest = *flag == '-' ? NULL : nearest_flag(flag, command);
    const char *dashes = *flag == '-' ? "" : "--";
    if (nearest)
        snprintf(message, bytes, "unknown flag %s%s\nhint: the nearest is --%s", dashes, flag, nearest);
    else
        snprintf(message, bytes, "unknown flag %s%s\nhint: longtake %s -h lists them", dashes, flag, command ? command : "COMMAND");
    return false;
}

static bool read_flag(int argc, char **argv, int *at, cli_values *v, char *message, size_t bytes)
{
    const char *argument = argv[*at];
    char name[64] = "";
    const char *value = NULL;
    const cli_flag *f;
    if (argument[1] == '-') {
        f = split_long(argument + 2, name, &value);
        if (!f)
            return refuse_flag(v, name, message, bytes);
    } else {
        f = flag_of_letter(argument[1]);
        if (!f)
            return refuse_flag(v, argument, message, bytes);
        if (argument[2])
            value = argument + 2 + (argument[2] == '=');
    }
    if (f->kind == FLAG_SWITCH && value && argument[1] != '-') {
        snprintf(message, bytes, "-%c: found \"%s\" behind it, a switch takes none", f->letter, argument + 2);
        return false;
    }
    if (f->kind == FLAG_SWITCH && value) {
        snprintf(message, bytes, "--%s: found the value \"%s\", expected none", f->name, value);
        return false;
    }
    if (f->kind != FLAG_SWITCH && !value) {
        if (*at + 1 >= argc) {
            snprintf(message, bytes, "--%s: found nothing, expected %s", f->name, f->value);
            return false;
        }
        value = argv[++*at];
    }
    return store(f, value, v, message, bytes);
}

/* A text in place of the command's work: nothing to ask for in an environment, where LONGTAKE_VERSION may well be somebody's own. */
static bool asks_for_text(const cli_flag *f)
{
    return f->at == AT(version) || f->at == AT(help) || f->at == AT(man) || f->at == AT(completions);
}

/* The value of a variable; of a switch 1, or 0 for none. */
static bool store_variable(const cli_flag *f, const char *value, cli_values *v, char *message, size_t bytes)
{
    if (f->kind != FLAG_SWITCH || strcmp(value, "1") == 0)
        return store(f, value, v, message, bytes);
    if (strcmp(value, "0") == 0)
        return true;
    snprintf(message, bytes, "--%s: found \"%s\", expected 0 or 1", f->name, value);
    return false;
}

/* What `tokens` does with files takes few flags of the command. */
static const struct {
    const char *word, *flags;
} token_edits[] = {{"cut", "output"}, {"join", "output"}, {"score", "prompt lm-cfg temperature motion lm-context"}};

const char *cli_token_edit(int i)
{
    return i < (int)(sizeof token_edits / sizeof *token_edits) ? token_edits[i].word : NULL;
}

/* The flags that `tokens cut`, `join` or `score` have for themselves; NULL where the command line is of none of them. */
static const char *flags_of_edit(const cli_values *v)
{
    if (strcmp(v->command, "tokens") != 0 || v->words == 0)
        return NULL;
    for (size_t i = 0; i < sizeof token_edits / sizeof *token_edits; i++)
        if (strcmp(token_edits[i].word, v->word[0]) == 0)
            return token_edits[i].flags;
    return NULL;
}

static bool is_taken(const cli_values *v, const cli_flag *f)
{
    const char *own = flags_of_edit(v);
    return cli_flag_belongs(f, v->command) && (!own || strcmp(f->commands, "all") == 0 || is_word_of(own, f->name, ' '));
}

/* "LONGTAKE_MAX_MEMORY" */
static void name_variable(const cli_flag *f, char name[80])
{
    size_t n = (size_t)snprintf(name, 80, "LONGTAKE_");
    for (const char *c = f->name; *c && n < 79; c++)
        name[n++] = *c == '-' ? '_' : (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    name[n] = '\0';
}

/* The variables of those flags that the command line `of` takes. */
static bool read_environment(const cli_values *of, cli_values *v, char *message, size_t bytes)
{
    for (int i = 0; i < cli_flag_count; i++) {
        char name[80];
        name_variable(&cli_flags[i], name);
        const char *value = getenv(name);
        if (!value || !*value || asks_for_text(&cli_flags[i]) || !is_taken(of, &cli_flags[i]))
            continue;
        if (!store_variable(&cli_flags[i], value, v, message, bytes)) {
            const size_t used = strlen(message);
            snprintf(message + used, bytes - used, "\nhint: it came from the environment, %s", name);
            return false;
        }
    }
    return true;
}

/* A flag that this command does not take is an error, so that nothing is silently ignored. */
static bool flags_fit_command(const cli_values *v, int argc, char **argv, char *message, size_t bytes)
{
    const char *own = flags_of_edit(v);
    for (int i = 1; i < argc; i++) {
        char name[64];
        const char *value;
        if (argv[i][0] != '-' || argv[i][1] == '\0')
            continue;
        if (strcmp(argv[i], "--") == 0)
            break;
        const cli_flag *f = argv[i][1] == '-' ? split_long(argv[i] + 2, name, &value) : flag_of_letter(argv[i][1]);
        if (!f)
            continue;
        if (!cli_flag_belongs(f, v->command)) {
            snprintf(message, bytes, "--%s is no flag of %s\nhint: it belongs to: %s", f->name, v->command, f->commands);
            return false;
        }
        if (own && strcmp(f->commands, "all") != 0 && !is_word_of(own, f->name, ' ')) {
            snprintf(message, bytes, "--%s is no flag of tokens %s\nhint: its own are: %s", f->name, v->word[0], own);
            return false;
        }
        if (f->kind != FLAG_SWITCH && !strchr(argv[i], '=') && (argv[i][1] == '-' || !argv[i][2]))
            i++;
    }
    return true;
}

/* What can be said in several ways: the length by three flags, the prompt by words too. Where the command line says it in one of them, that wins
 * over all that the environment says. */
typedef struct {
    double seconds, frames, num_frames;
    const char *prompt;
} said_several_ways;

static said_several_ways take_several_ways(cli_values *v)
{
    const said_several_ways taken = {v->seconds, v->frames, v->num_frames, v->prompt};
    v->seconds = v->frames = v->num_frames = CLI_UNSET;
    v->prompt = NULL;
    return taken;
}

static bool says_prompt_in_words(const cli_values *v)
{
    return v->words > 0 && v->command && (strcmp(v->command, "generate") == 0 || (strcmp(v->command, "tokens") == 0 && !flags_of_edit(v)));
}

/* False where the environment says the length in several ways and the command line in none. */
static bool give_back(cli_values *v, said_several_ways of_environment, char *message, size_t bytes)
{
    if (!v->prompt && !says_prompt_in_words(v))
        v->prompt = of_environment.prompt;
    if (cli_given(v->seconds) || cli_given(v->frames) || cli_given(v->num_frames))
        return true;
    v->seconds = of_environment.seconds;
    v->frames = of_environment.frames;
    v->num_frames = of_environment.num_frames;
    const int lengths = cli_given(v->seconds) + cli_given(v->frames) + cli_given(v->num_frames);
    if (lengths < 2)
        return true;
    snprintf(message, bytes, "found %d lengths in the environment, expected one:%s%s%s", lengths,
             cli_given(v->seconds) ? " LONGTAKE_SECONDS" : "", cli_given(v->frames) ? " LONGTAKE_FRAMES" : "",
             cli_given(v->num_frames) ? " LONGTAKE_NUM_FRAMES" : "");
    return false;
}

/* How an error is told that comes before `--progress` was read. */
static void look_for_progress(int argc, char **argv, cli_values *v)
{
    static const char name[] = "--progress";
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], name, sizeof name - 1) != 0)
            continue;
        const char *value = argv[i][sizeof name - 1] == '=' ? argv[i] + sizeof name : i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(value, "jsonl") == 0)
            v->progress = value;
    }
}

/* "help" and "help COMMAND" are -h and COMMAND -h. */
static void understand_help(cli_values *v)
{
    if (!v->command || strcmp(v->command, "help") != 0)
        return;
    v->help = true;
    v->command = v->words > 0 ? v->word[0] : NULL;
    v->words = 0;
}

static bool read_arguments(int argc, char **argv, cli_values *v, char *message, size_t bytes)
{
    bool flags_end = false;
    for (int i = 1; i < argc; i++) {
        const bool is_flag = !flags_end && argv[i][0] == '-' && argv[i][1] != '\0';
        if (is_flag && strcmp(argv[i], "--") == 0) {
            flags_end = true;
        } else if (is_flag) {
            if (!read_flag(argc, argv, &i, v, message, bytes))
                return false;
        } else if (!v->command) {
            v->command = argv[i];
        } else if (v->words == CLI_MAX_LIST) {
            snprintf(message, bytes, "%s: found more than %d arguments", v->command, CLI_MAX_LIST);
            return false;
        } else {
            v->word[v->words++] = argv[i];
        }
    }
    return true;
}

/* The environment, and the arguments over it; which variables are the command's, `said` knows: the arguments alone. */
static bool read_both(int argc, char **argv, const cli_values *said, cli_values *v, char *message, size_t bytes)
{
    cli_defaults(v);
    if (!read_environment(said, v, message, bytes))
        return false;
    const said_several_ways of_environment = take_several_ways(v);
    return read_arguments(argc, argv, v, message, bytes) && give_back(v, of_environment, message, bytes);
}

/* A word with a space in it is the prompt of someone who left the command out. */
static bool refuse_command(const char *word, char *message, size_t bytes)
{
    enum { SHORT = 100 };
    const char *nearest = nearest_command(word);
    const bool shown = strlen(word) <= SHORT && !strchr(word, '\n');
    snprintf(message, bytes, "unknown command \"%s\"", word);
    const size_t used = strlen(message);
    if (strchr(word, ' '))
        snprintf(message + used, bytes - used, "\nhint: longtake generate \"%s\" ...", shown ? word : "PROMPT");
    else
        snprintf(message + used, bytes - used, "\nhint: %s%s", nearest ? "the nearest is " : "longtake help lists them", nearest ? nearest : "");
    return false;
}

bool cli_parse(int argc, char **argv, cli_values *v, char *message, size_t bytes)
{
    cli_values said;
    cli_defaults(&said);
    bool ok = read_arguments(argc, argv, &said, message, bytes);
    understand_help(&said);
    const bool asks = said.help || said.version || said.man || said.completions;
    if (ok && said.command && !asks)
        ok = read_both(argc, argv, &said, v, message, bytes);
    else
        *v = said;
    if (!ok) {
        look_for_progress(argc, argv, v);
        return false;
    }
    if (!v->command && !asks && argc > 1) {
        snprintf(message, bytes, "found flags and no command, expected a command\nhint: longtake help lists them");
        return false;
    }
    return !v->command || (is_command(v->command) ? flags_fit_command(v, argc, argv, message, bytes) : refuse_command(v->command, message, bytes));
}
