/* flags.h - the one table of flags: it makes the parser, the help, the man page and the shell
 * completions.
 *
 * Precedence: flag > environment LONGTAKE_<FLAG> > script > model config > built-in.
 */
#ifndef CLI_FLAGS_H
#define CLI_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    FLAG_SWITCH, /* no value */
    FLAG_TEXT,
    FLAG_INTEGER,
    FLAG_REAL,
    FLAG_RATE,    /* a real, or a fraction such as "30000/1001" */
    FLAG_SECONDS, /* "10", "10s" or "1:05": a length */
    FLAG_TIME,    /* "12s", "1:05", "96f" or seconds -> kept as text, see cli_time */
    FLAG_BYTES,   /* "8G", "512M" */
    FLAG_CHOICE,
    FLAG_LIST /* may be given several times */
} flag_kind;

/* Help lists flags in these groups, in this order; the table is in it. */
typedef enum {
    FLAGS_OF_TAKE,
    FLAGS_OF_PLAN,
    FLAGS_OF_REFINEMENT,
    FLAGS_OF_IMPORT,
    FLAGS_OF_BENCH,
    FLAGS_OF_WORK,
    FLAGS_OF_MACHINE,
    FLAGS_OF_TALK
} flag_group;

enum { CLI_MAX_LIST = 64, CLI_MAX_FLAGS = 128 };

typedef struct {
    const char *item[CLI_MAX_LIST + 1]; /* NULL-terminated */
    int count;
} cli_list;

/* Everything that can be said on the command line; cli_defaults fills it.
 * Numbers not given are CLI_UNSET. */
#define CLI_UNSET (-1e300)

typedef struct {
    const char *command;
    const char *word[CLI_MAX_LIST]; /* what is no flag, the command left out */
    int words;

    const char *model, *prompt, *output, *format;
    double seed, seconds, frames, num_frames, fps, width, height, scale;
    const char *fit;
    double lm_cfg, shot_cfg, temperature, top_k, top_p, motion, lm_context;
    double steps, cfg_scale, overlap;
    const char *cfg_schedule, *guidance, *carry, *speed, *codes;
    bool profile;
    double window;
    const char *windows, *retake;
    double retake_seed;
    bool keep_rest;
    const char *from, *image, *recipe;
    bool new_only;
    const char *prompts, *output_dir, *preview;
    double candidates, max_seam;
    const char *device, *precision;
    double threads, max_memory;
    const char *job;
    bool fresh, keep_job;
    const char *config;
    cli_list set;
    bool print_config;
    const char *quantize, *dtype, *t5, *theia;
    bool preview_map;
    const char *stage;
    bool ceilings;
    bool dry_run;
    const char *progress;
    const char *completions;
    bool man;
    bool json, no_metadata, quiet, verbose, version, help;

    bool said[CLI_MAX_FLAGS]; /* by the command line: flags in the order of the table */
} cli_values;

typedef struct {
    const char *name; /* without the dashes */
    flag_group group;
    char letter; /* or 0 */
    flag_kind kind;
    const char *value;    /* name of the value in help: "N", "FILE" */
    const char *commands; /* space-separated, or "all" */
    const char *choices;  /* of FLAG_CHOICE, separated by | */
    double low, high;     /* range of a number */
    const char *help;     /* with default and unit; NULL: a flag for those who build packages, not
                             listed */
    size_t at;            /* offset in cli_values */
} cli_flag;

typedef struct {
    const char *name;
    const char *words; /* positional arguments, for help */
    const char *help;
} cli_command;

typedef struct {
    const char *command;
    const char *line; /* as it is typed */
    const char *what;
} cli_example;

/* The first example of a command, which every command has. */
const char *cli_example_of(const char *command);

extern const char *const cli_group_titles[]; /* by flag_group */
extern const cli_example cli_examples[];
extern const int cli_example_count;
extern const cli_flag cli_flags[];
extern const int cli_flag_count;
extern const cli_command cli_commands[];
extern const int cli_command_count;

/* ours, or as the official release calls it; NULL: none */
const cli_flag *cli_flag_of_name(const char *name);
const cli_flag *cli_flag_of_letter(char letter);
/* True for a flag of `command`, or of all; a NULL command has them all. */
bool cli_flag_belongs(const cli_flag *f, const char *command);
bool cli_is_command(const char *word);
/* Is `word` one of a list such as "q8|q4|mixed"? */
bool cli_is_word_of(const char *list, const char *word, char separator);

/* Did the command line itself say this flag, not the environment? */
bool cli_said(const cli_values *v, const char *flag);

/* What `tokens` does with files: "cut" "join" "score", then NULL. */
const char *cli_token_edit(int i);
/* The flags that `tokens cut`, `join` or `score` have for themselves, space-separated; NULL where
 * the command line is of none of them. */
const char *cli_flags_of_edit(const cli_values *v);

#endif
