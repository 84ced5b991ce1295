/* flags.c - the tables of commands and flags, and looking things up in them. */
#include "cli/flags.h"

#include <string.h>

#define AT(field) offsetof(cli_values, field)
#define MAKES     "generate tokens refine render continue run"
#define REFINES   "generate refine render continue run"
#define PLANS     "generate tokens continue run"
#define SHOWS     "generate render continue run decode"

const cli_command cli_commands[] = {
    {"generate", "PROMPT", "prompt -> video"},
    {"tokens", "PROMPT | cut FILE FROM-TO | join FILE FILE | score FILE...",
     "prompt -> semantic tokens; cut, join and score token files"},
    {"encode", "VIDEO", "reference video -> semantic tokens"},
    {"refine", "TOKENS", "semantic tokens -> latents, window by window"},
    {"decode", "LATENTS", "latents -> video"},
    {"render", "TOKENS", "semantic tokens -> video (refine and decode)"},
    {"continue", "VIDEO", "goes on from a moment of a video"},
    {"run", "FILM.yaml", "a script: shots, prompts over time, seeds"},
    {"info", "FILE", "any file of ours, any checkpoint, any video, a model or job folder"},
    {"import", "RELEASE_DIR | --preview-map -m MODEL", "official release -> our model folder"},
    {"check", "GOLDEN...", "numbers of this build against golden vectors"},
    {"bench", "", "seconds, TFLOP/s and bytes per stage"},
    {"devices", "", "what could run here, and what this build contains"},
};
const int cli_command_count = sizeof cli_commands / sizeof *cli_commands;

const cli_example cli_examples[] = {
    {"generate",
     "longtake generate \"a red ball bounces on a beach at noon, then night falls\" --seconds 30 -o ball.mp4",
     "a take of 30 seconds"},
    {"generate",
     "longtake generate --recipe ball.mp4 --retake 12s-18s --retake-seed 5 -o again.mp4",
     "the same, six seconds of it made anew"},
    {"tokens",
     "longtake tokens -p \"a red ball\" --seconds 30 --candidates 4 --preview sheet.png -o ball.lt",
     "four plans, and a picture to choose from"},
    {"tokens", "longtake tokens cut ball-43.lt 2s-12s -o part.lt",
     "what one of them plans from 2 to 12 s (cut and join take -o alone of what follows)"},
    {"tokens", "longtake tokens score *.lt -p \"a red ball\"",
     "how unlikely they are (score takes -p, --lm-cfg, --temperature, --motion and --lm-context)"},
    {"encode", "longtake encode clip.mp4 -o clip.lt", "the plan that a video shows"},
    {"refine", "longtake refine ball-43.lt -o ball.latents", "latents, for decode"},
    {"decode", "longtake decode ball.latents -o ball.mp4", "their video"},
    {"render", "longtake render ball-43.lt -o ball.mp4", "the video of a plan"},
    {"continue", "longtake continue clip.mp4 --from 3.2s --seconds 12 -p \"a red ball\" -o out.mp4",
     "12 new seconds behind the first 3.2 of a clip"},
    {"continue", "longtake continue ball.mp4 --seconds 12 -o longer.mp4",
     "12 more seconds of a clip of ours, which says its prompt itself"},
    {"run", "longtake run film.yaml --dry-run", "what a script would make, window by window"},
    {"run", "longtake run film.yaml -o film.mp4", "its video"},
    {"info", "longtake info ball.mp4", "how a video was made"},
    {"import", "longtake import ckpts/LanDiff -o models/landiff --t5 flan-t5-xxl --quantize q8",
     "the official release as a model folder, in 8 bits"},
    {"check", "longtake check tests/golden/*.safetensors --precision f32",
     "this build against the official modules' outputs"},
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
    {"prompt", FLAGS_OF_TAKE, 'p', FLAG_TEXT, "TEXT", "generate tokens refine render continue", 0,
     0, 0,
     "what to show; @FILE reads a file, - standard input; of refine, render and continue left out: what the input says",
     AT(prompt)},
    {"output", FLAGS_OF_TAKE, 'o', FLAG_TEXT, "FILE", MAKES " encode decode import", 0, 0, 0,
     "where to; the extension says the kind; - is standard output; of import: the folder to make",
     AT(output)},
    {"format", FLAGS_OF_TAKE, 0, FLAG_CHOICE, "KIND", MAKES " encode decode",
     "mp4|mov|webm|mkv|y4m|webp|png|lt|npy|latents", 0, 0,
     "kind of the output, when the extension does not say it", AT(format)},
    {"seed", FLAGS_OF_TAKE, 's', FLAG_INTEGER, "N", MAKES, 0, -1, 4294967295.0,
     "0 to 4294967295; -1 draws one (default that of the input, else 42)", AT(seed)},
    {"seconds", FLAGS_OF_TAKE, 0, FLAG_SECONDS, "S", MAKES, 0, 0, 1e9,
     "length: 10, 10s or 1:05 (default that of the input, else one window); of continue, of what is new",
     AT(seconds)},
    {"frames", FLAGS_OF_TAKE, 0, FLAG_INTEGER, "N", MAKES, 0, 1, 1e9, "the same in frames",
     AT(frames)},
    {"num-frames", FLAGS_OF_TAKE, 0, FLAG_INTEGER, "N", MAKES, 0, 1, 1e9,
     "the same in semantic frames (13 = 49 frames)", AT(num_frames)},
    {"fps", FLAGS_OF_TAKE, 0, FLAG_RATE, "F", SHOWS, 0, 0.1, 240,
     "frames a second of the file, such as 24 or 30000/1001 (default the model's: another rate plays the same frames faster or slower)",
     AT(fps)},
    {"width", FLAGS_OF_TAKE, 0, FLAG_INTEGER, "PX", MAKES, 0, 1, 65536,
     "frame width, where the model allows it", AT(width)},
    {"height", FLAGS_OF_TAKE, 0, FLAG_INTEGER, "PX", MAKES, 0, 1, 65536,
     "frame height, where the model allows it", AT(height)},
    {"scale", FLAGS_OF_TAKE, 0, FLAG_INTEGER, "N", SHOWS, 0, 1, 8,
     "enlarges the output N times (Lanczos)", AT(scale)},
    {"fit", FLAGS_OF_TAKE, 0, FLAG_CHOICE, "HOW", "generate tokens encode continue run",
     "cover|pad|crop|stretch", 0, 0,
     "how a reference or picture comes to the model's size (default cover: fill, cut the middle)",
     AT(fit)},
    {"codes", FLAGS_OF_TAKE, 0, FLAG_CHOICE, "KIND", "generate tokens encode continue run",
     "auto|scene|picture", 0, 0,
     "how a video is read: as scenes of the model's world, or each picture itself, behind which a plan begins anew (default auto: pictures for what is not of that world)",
     AT(codes)},
    {"image", FLAGS_OF_TAKE, 0, FLAG_TEXT, "FILE", "generate tokens", 0, 0, 0,
     "the take begins with this picture", AT(image)},
    {"from", FLAGS_OF_TAKE, 0, FLAG_TIME, "T", "continue", 0, 0, 0,
     "where to go on: 3.2s, 1:05 or 96f, frames as the model reads them (default the end)",
     AT(from)},
    {"new-only", FLAGS_OF_TAKE, 0, FLAG_SWITCH, 0, "continue", 0, 0, 0, "write only the new part",
     AT(new_only)},
    {"recipe", FLAGS_OF_TAKE, 0, FLAG_TEXT, "FILE", "generate continue", 0, 0, 0,
     "make again what the metadata of this video or latents file describe; of continue, with the video that it went on from",
     AT(recipe)},
    {"prompts", FLAGS_OF_TAKE, 0, FLAG_TEXT, "FILE", "generate", 0, 0, 0,
     "batch: a prompt, or a JSON object, a line", AT(prompts)},
    {"output-dir", FLAGS_OF_TAKE, 0, FLAG_TEXT, "DIR", "generate", 0, 0, 0,
     "where a batch goes; made where it is missing", AT(output_dir)},
    {"lm-cfg", FLAGS_OF_PLAN, 0, FLAG_REAL, "X", PLANS, 0, 0, 100,
     "guidance of the language model (0 or 1 = off)", AT(lm_cfg)},
    {"shot-cfg", FLAGS_OF_PLAN, 0, FLAG_REAL, "X", PLANS, 0, 0, 100,
     "how strongly a new prompt is followed while frames of the one before are in sight (0 = off)",
     AT(shot_cfg)},
    {"temperature", FLAGS_OF_PLAN, 0, FLAG_REAL, "X", PLANS, 0, 1e-3, 100,
     "of the token draw; below 1 likelier tokens", AT(temperature)},
    {"top-k", FLAGS_OF_PLAN, 0, FLAG_INTEGER, "N", PLANS, 0, 0, 65536,
     "draw from the N likeliest tokens (0 = off)", AT(top_k)},
    {"top-p", FLAGS_OF_PLAN, 0, FLAG_REAL, "P", PLANS, 0, 0, 1,
     "draw from the likeliest tokens that sum to P (0 = off)", AT(top_p)},
    {"motion", FLAGS_OF_PLAN, 0, FLAG_REAL, "X", PLANS, 0, 0, 10, "how much moves, 0 to 10",
     AT(motion)},
    {"lm-context", FLAGS_OF_PLAN, 0, FLAG_INTEGER, "N", PLANS, 0, 0, 64,
     "earlier segments that the language model sees, at most", AT(lm_context)},
    {"candidates", FLAGS_OF_PLAN, 0, FLAG_INTEGER, "N", "tokens", 0, 1, 16,
     "that many plans, of seeds that follow each other; --preview shows them", AT(candidates)},
    {"steps", FLAGS_OF_REFINEMENT, 0, FLAG_INTEGER, "N", REFINES, 0, 1, 999,
     "denoising steps a window", AT(steps)},
    {"cfg-scale", FLAGS_OF_REFINEMENT, 0, FLAG_REAL, "X", REFINES, 0, 0, 100,
     "guidance of refinement; 1 = none, at half the cost", AT(cfg_scale)},
    {"cfg-schedule", FLAGS_OF_REFINEMENT, 0, FLAG_CHOICE, "KIND", REFINES, "official|ramp|constant",
     0, 0, "guidance over the steps", AT(cfg_schedule)},
    {"guidance", FLAGS_OF_REFINEMENT, 0, FLAG_CHOICE, "KIND", REFINES, "cfg|apg", 0, 0,
     "plain or adaptive projected guidance", AT(guidance)},
    {"overlap", FLAGS_OF_REFINEMENT, 0, FLAG_INTEGER, "N", MAKES, 0, 1, 1023,
     "latents of a window that the one before made: odd", AT(overlap)},
    {"carry", FLAGS_OF_REFINEMENT, 0, FLAG_CHOICE, "HOW", REFINES, "latents|frames|renoise", 0, 0,
     "how these enter the window", AT(carry)},
    {"speed", FLAGS_OF_REFINEMENT, 0, FLAG_CHOICE, "LEVEL", REFINES, "exact|fast|faster", 0, 0,
     "fast and faster: fewer steps, what hardly changes is reused (default exact)", AT(speed)},
    {"window", FLAGS_OF_REFINEMENT, 0, FLAG_INTEGER, "C", "generate refine run", 0, 0, 1e9,
     "refine this window (from 0) alone, into the job folder of --job", AT(window)},
    {"windows", FLAGS_OF_REFINEMENT, 0, FLAG_TEXT, "A-B", "generate refine run", 0, 0, 0,
     "refine these windows alone, into the job folder of --job", AT(windows)},
    {"retake", FLAGS_OF_REFINEMENT, 0, FLAG_TEXT, "C|A-B|12s-18s",
     "generate refine render continue run", 0, 0, 0,
     "make these windows (from 0), or those of this span, again", AT(retake)},
    {"retake-seed", FLAGS_OF_REFINEMENT, 0, FLAG_INTEGER, "N",
     "generate refine render continue run", 0, 0, 4294967295.0,
     "seed of the retake (of a recipe or token file: else --seed is)", AT(retake_seed)},
    {"keep-rest", FLAGS_OF_REFINEMENT, 0, FLAG_SWITCH, 0, "generate refine render continue run", 0,
     0, 0, "retake: what follows stays as it is", AT(keep_rest)},
    {"max-seam", FLAGS_OF_REFINEMENT, 0, FLAG_REAL, "X", SHOWS, 0, 0, 1e6,
     "exit 7 when a border between windows differs more than X times what frames usually do",
     AT(max_seam)},
    {"quantize", FLAGS_OF_IMPORT, 0, FLAG_CHOICE, "KIND", "import", "q8|q4|mixed", 0, 0,
     "store matrices in blocks of 8 or 4 bits", AT(quantize)},
    {"dtype", FLAGS_OF_IMPORT, 0, FLAG_CHOICE, "KIND", "import", "f32|bf16|f16", 0, 0,
     "store all other weights so (default: as the release has them)", AT(dtype)},
    {"t5", FLAGS_OF_IMPORT, 0, FLAG_TEXT, "DIR", "import", 0, 0, 0,
     "Flan-T5 folder, when it is not inside the release", AT(t5)},
    {"theia", FLAGS_OF_IMPORT, 0, FLAG_TEXT, "DIR", "import", 0, 0, 0,
     "Theia folder, when it is not inside the release", AT(theia)},
    {"preview-map", FLAGS_OF_IMPORT, 0, FLAG_SWITCH, 0, "import", 0, 0, 0,
     "no release: write preview.safetensors, what --preview paints with, for the model of -m",
     AT(preview_map)},
    {"stage", FLAGS_OF_BENCH, 0, FLAG_TEXT, "NAME", "bench", 0, 0, 0,
     "t5, t5_int8, lm, lm_ahead, lm_launched, lm_q8, lm_q4, tokenizer, dit, dit_fp8, dit_int8, vae_decode, vae_encode or all (as without it)",
     AT(stage)},
    {"ceilings", FLAGS_OF_BENCH, 0, FLAG_SWITCH, 0, "bench", 0, 0, 0, "this machine's own limits",
     AT(ceilings)},
    {"dry-run", FLAGS_OF_WORK, 0, FLAG_SWITCH, 0, MAKES, 0, 0, 0,
     "a table of what would be done; loads no weights", AT(dry_run)},
    {"preview", FLAGS_OF_WORK, 0, FLAG_TEXT, "FILE|DIR",
     "generate tokens refine render continue run", 0, 0, 0,
     "rough pictures while it runs: an .mp4, or a folder (DIR/ makes it) for one a window; of tokens: a .png of the plans",
     AT(preview)},
    {"job", FLAGS_OF_WORK, 0, FLAG_TEXT, "DIR", REFINES, 0, 0, 0,
     "job folder, kept (default: beside the output, gone on success)", AT(job)},
    {"fresh", FLAGS_OF_WORK, 0, FLAG_SWITCH, 0, REFINES, 0, 0, 0,
     "forget what the job folder holds, and what a batch has made", AT(fresh)},
    {"keep-job", FLAGS_OF_WORK, 0, FLAG_SWITCH, 0, REFINES, 0, 0, 0, "keep the job folder",
     AT(keep_job)},
    {"no-metadata", FLAGS_OF_WORK, 0, FLAG_SWITCH, 0, MAKES " encode decode", 0, 0, 0,
     "leave out how the file was made", AT(no_metadata)},
    {"model", FLAGS_OF_MACHINE, 'm', FLAG_TEXT, "NAME|DIR", "all", 0, 0, 0,
     "model to use (default mini)", AT(model)},
    {"device", FLAGS_OF_MACHINE, 0, FLAG_TEXT, "NAME", "all", 0, 0, 0,
     "auto, cpu, cuda[:N] or reference (default auto)", AT(device)},
    {"precision", FLAGS_OF_MACHINE, 0, FLAG_CHOICE, "KIND", "all", "auto|f32|bf16|fp8|int8", 0, 0,
     "of the arithmetic (default auto); fp8 on cuda and int8 on cpu: large products in 8 bits",
     AT(precision)},
    {"threads", FLAGS_OF_MACHINE, 't', FLAG_INTEGER, "N", "all", 0, 0, 1024,
     "0 = all processors (default)", AT(threads)},
    {"max-memory", FLAGS_OF_MACHINE, 0, FLAG_BYTES, "BYTES", "all", 0, 1, 1e18,
     "need no more, 8G for example; what cannot be done so is refused", AT(max_memory)},
    {"config", FLAGS_OF_MACHINE, 0, FLAG_TEXT, "FILE", "all", 0, 0, 0,
     "YAML instead of the model's own", AT(config)},
    {"set", FLAGS_OF_MACHINE, 0, FLAG_LIST, "KEY=VALUE", "all", 0, 0, 0,
     "any configuration key, on top", AT(set)},
    {"print-config", FLAGS_OF_MACHINE, 0, FLAG_SWITCH, 0, "all", 0, 0, 0,
     "print every value and where it came from", AT(print_config)},
    {"profile", FLAGS_OF_MACHINE, 0, FLAG_SWITCH, 0, "all", 0, 0, 0,
     "seconds, bytes and FLOP per operation", AT(profile)},
    {"progress", FLAGS_OF_TALK, 0, FLAG_CHOICE, "KIND", "all", "auto|bar|plain|jsonl|none", 0, 0,
     "how progress is shown (default auto)", AT(progress)},
    {"json", FLAGS_OF_TALK, 0, FLAG_SWITCH, 0, "all", 0, 0, 0, "a JSON report on standard output",
     AT(json)},
    {"quiet", FLAGS_OF_TALK, 'q', FLAG_SWITCH, 0, "all", 0, 0, 0,
     "no progress, no warnings, no notes", AT(quiet)},
    {"verbose", FLAGS_OF_TALK, 'v', FLAG_SWITCH, 0, "all", 0, 0, 0, "a line for every step",
     AT(verbose)},
    {"version", FLAGS_OF_TALK, 0, FLAG_SWITCH, 0, "all", 0, 0, 0, "print the version", AT(version)},
    {"completions", FLAGS_OF_TALK, 0, FLAG_CHOICE, "SHELL", "all", "bash|zsh|fish", 0, 0, 0,
     AT(completions)},
    {"man", FLAGS_OF_TALK, 0, FLAG_SWITCH, 0, "all", 0, 0, 0, 0, AT(man)},
    {"help", FLAGS_OF_TALK, 'h', FLAG_SWITCH, 0, "all", 0, 0, 0, "print help", AT(help)},
};
const int cli_flag_count = sizeof cli_flags / sizeof *cli_flags;
_Static_assert(sizeof cli_flags / sizeof *cli_flags <= CLI_MAX_FLAGS,
               "more flags than cli_values has room for");

const char *cli_example_of(const char *command)
{
    for (int i = 0; i < cli_example_count; i++)
        if (strcmp(cli_examples[i].command, command) == 0)
            return cli_examples[i].line;
    return "";
}

/* Names that users of the official release know. */
static const struct {
    const char *theirs, *ours;
} aliases[] = {{"motion-score", "motion"}, {"cfg", "lm-cfg"}, {"save-file-name", "output"}};

bool cli_is_word_of(const char *list, const char *word, char separator)
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
    return !command || strcmp(f->commands, "all") == 0 || cli_is_word_of(f->commands, command, ' ');
}

const cli_flag *cli_flag_of_name(const char *name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i].theirs, name) == 0)
            name = aliases[i].ours;
    for (int i = 0; i < cli_flag_count; i++)
        if (strcmp(cli_flags[i].name, name) == 0)
            return &cli_flags[i];
    return NULL;
}

const cli_flag *cli_flag_of_letter(char letter)
{
    for (int i = 0; i < cli_flag_count; i++)
        if (cli_flags[i].letter == letter)
            return &cli_flags[i];
    return NULL;
}

bool cli_said(const cli_values *v, const char *flag)
{
    return v->said[cli_flag_of_name(flag) - cli_flags];
}

bool cli_is_command(const char *word)
{
    for (int i = 0; word && i < cli_command_count; i++)
        if (strcmp(cli_commands[i].name, word) == 0)
            return true;
    return false;
}

/* What `tokens` does with files takes few flags of the command. */
static const struct {
    const char *word, *flags;
} token_edits[] = {{"cut", "output"},
                   {"join", "output"},
                   {"score", "prompt lm-cfg temperature motion lm-context"}};

const char *cli_token_edit(int i)
{
    return i < (int)(sizeof token_edits / sizeof *token_edits) ? token_edits[i].word : NULL;
}

const char *cli_flags_of_edit(const cli_values *v)
{
    if (strcmp(v->command, "tokens") != 0 || v->words == 0)
        return NULL;
    for (size_t i = 0; i < sizeof token_edits / sizeof *token_edits; i++)
        if (strcmp(token_edits[i].word, v->word[0]) == 0)
            return token_edits[i].flags;
    return NULL;
}
