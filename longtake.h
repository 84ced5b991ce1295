/** @file longtake.h
 *  One long continuous shot from a prompt, or from a video to start with.
 *
 *     longtake_options options;
 *     longtake_options_init(&options);                      // the shipped model, all processors
 *     longtake_error error;                                 // filled by every call
 *     longtake *engine = NULL;
 *     if (longtake_open(&options, &engine, &error) != LONGTAKE_OK)
 *         return fail(error.message);
 *     longtake_request request;
 *     longtake_request_init(&request);
 *     request.prompt = "a red ball bounces on a beach at noon, then night falls";
 *     request.settings.seconds = 30;
 *     request.output = "ball.mp4";
 *     longtake_generate(engine, &request, NULL, &error);
 *     longtake_close(engine);
 *
 * Every function that can fail returns a status and fills the caller's error, which may be NULL.
 * The library never exits, prints or keeps global state; nothing of it is written under a final
 * name before it is whole. One engine serves one request at a time: a second one, from another
 * thread or from a callback, is refused (LONGTAKE_ERR_USAGE, "the engine is at work"), while
 * functions that only read go on: longtake_fps(), longtake_clip_fps(), longtake_print_config(),
 * longtake_film_apply(), longtake_film_line(), longtake_tokens_... but _recut.
 * Different engines may be used from different threads. After fork() the child neither uses nor
 * closes an engine of its parent's: the engine's threads are not in it. Callbacks come one at a
 * time, but not all on the thread that called: where a device with memory of its own decodes a
 * window while the next one is refined, some come on a thread of the library's. The library's
 * threads take no signals, and writing to a reader that has gone is an error, not a signal.
 * Strings are UTF-8. Structs are filled by their _init functions, so that a field added later has
 * its default.
 * Where a status is returned, a NULL for something that must be read is LONGTAKE_ERR_USAGE; what a
 * function fills, `error` and `result` apart, must be there.
 *
 * Valid C11 and C++17.
 */
#ifndef LONGTAKE_H
#define LONGTAKE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @def LONGTAKE_API
 * A name of the shared library. */
#if defined(__GNUC__)
#define LONGTAKE_API __attribute__((visibility("default")))
#else
#define LONGTAKE_API
#endif

/** Of this header; longtake_version() is the library's. Before 1.0 another minor number is another
 * interface, and a library of another soname. */
#define LONGTAKE_VERSION "0.11.0"

/* ---- status ---------------------------------------------------------------------------------- */

/** The values are the program's exit codes. */
typedef enum {
    LONGTAKE_OK = 0,
    LONGTAKE_ERR_FAILED = 1,        /**< anything not named below */
    LONGTAKE_ERR_USAGE = 2,         /**< a request that makes no sense; nothing was loaded */
    LONGTAKE_ERR_INPUT = 3,         /**< bad or missing input, config or model file */
    LONGTAKE_ERR_DEVICE_MEMORY = 4, /**< the device's memory is too small */
    LONGTAKE_ERR_RESOURCES = 5,     /**< out of RAM or disk */
    LONGTAKE_ERR_DEVICE = 6,        /**< device absent or unsupported */
    LONGTAKE_ERR_LIMIT = 7,         /**< done, but a limit that was asked for is exceeded */
    LONGTAKE_ERR_CANCELLED = 130    /**< a callback asked to stop; the finished part is kept */
} longtake_status;

/** One line with place, found and expected; a second line "hint: ..."
 * where there is one thing to do. */
typedef struct {
    longtake_status code; /**< what the function returned */
    char message[1024];   /**< UTF-8, ends in a zero; empty after a success */
} longtake_error;

/** The library's version, as LONGTAKE_VERSION has it. */
LONGTAKE_API const char *longtake_version(void);
/** Text that the library handed out (reports, listings); NULL is accepted. */
LONGTAKE_API void longtake_free(void *text);

/* ---- callbacks ------------------------------------------------------------------------------- */

/** What an event tells. */
typedef enum {
    LONGTAKE_EVENT_START,  /**< the take is known: windows, frames, fps */
    LONGTAKE_EVENT_STAGE,  /**< a stage begins */
    LONGTAKE_EVENT_WINDOW, /**< a window begins */
    /** a step of the stage is done: a denoising step, a group of tokens, a decoder call; or a video
     * is still being read ("read", "encode"), which is told four times a second */
    LONGTAKE_EVENT_STEP,
    LONGTAKE_EVENT_PREVIEW,     /**< a preview file was written (message: its path) */
    LONGTAKE_EVENT_WARNING,     /**< message */
    LONGTAKE_EVENT_WINDOW_DONE, /**< its frames are in the growing file */
    LONGTAKE_EVENT_DONE,        /**< everything is made and has its final name (message: that of the
                                   result's output, where it has one): an answer that asks to stop is
                                   passed over */
    LONGTAKE_EVENT_NOTE /**< message: something worth knowing, such as when a new prompt takes
                           effect */
} longtake_event_kind;

/** One event of a request; fields that its kind does not have are 0 or NULL. */
typedef struct {
    longtake_event_kind kind; /**< what it tells */
    double elapsed_seconds;   /**< since the request began */
    /** "text" "tokens" "refine" "decode" "encode" "write" "read" (what a take goes on from,
     * or a list has made already)
     * "import" "plan" (a list that is looked through) */
    const char *stage;
    int64_t window;      /**< of the stage: windows for refine and decode, segments for tokens and
                            encode; from 0 */
    int64_t windows;     /**< of the stage in all; 0: not known */
    int64_t step;        /**< done so far in this window */
    int64_t steps;       /**< of this window in all */
    double step_seconds; /**< of the last step */
    double eta_seconds;  /**< of the whole request; negative: not known yet */
    size_t peak_bytes;   /**< resident memory so far */
    const char *message; /**< NULL unless the kind says so */
    int64_t frames;      /**< of a take that starts: how many its file will have */
    double fps;          /**< and how many a second */
} longtake_event;

/** Where a window is decoded while the next one is refined, events of the two stages mix.
 * Non-zero asks to stop after the current step: the finished part is finalised,
 * LONGTAKE_ERR_CANCELLED is returned. */
typedef int (*longtake_event_fn)(void *user, const longtake_event *event);

/** Frames as they are decoded: packed RGB, 8 bits, `height` rows of 3 `width` bytes, valid during
 * the call. In order; `index` counts the take's frames from 0, those of a video that it goes on
 * from too, so with `new_only` the first is not 0. Where a request goes on from what an earlier one
 * has left, all come again.
 * Non-zero stops the take there: LONGTAKE_ERR_CANCELLED. */
typedef int (*longtake_frame_fn)(void *user, int64_t index, const uint8_t *rgb, int width,
                                 int height);

/* ---- engine ---------------------------------------------------------------------------------- */

/** An engine: a model on a device. */
typedef struct longtake longtake;

/** What an engine is opened with. Strings are borrowed during longtake_open(). */
typedef struct {
    const char *model; /**< name or folder; NULL = "mini" */
    /** folders that hold configs/ and models/, tried in order; NULL-terminated. NULL: those of the
     * library's own installation, or build tree */
    const char *const *search;
    const char *config;     /**< YAML file that replaces the model's, or NULL */
    const char *const *set; /**< "section.key=value", NULL-terminated, on top; or NULL */
    const char *device;     /**< "auto" "cpu" "reference" "cuda" "cuda:N" */
    /** "auto" "f32" "bf16"; on cuda "fp8": bf16, the MMDiT's matrices in E4M3; on cpu "int8": those
     * of T5, the language model and the MMDiT in integers of 8 bits */
    const char *precision;
    int threads;           /**< 0 = all processors; 1024 at most */
    int64_t max_memory;    /**< bytes of the memory that the device computes in; 0 = no limit, below
                              zero LONGTAKE_ERR_USAGE */
    const char *cache_dir; /**< folder that remembers how fast stages were, for longtake_plan; NULL:
                              none */
    /** count calls, seconds, bytes and FLOP of every operation: see longtake_profile */
    int profile;
} longtake_options;

/** Fills in the defaults: the shipped model, all processors, no limit. */
LONGTAKE_API void longtake_options_init(longtake_options *options);
/** Reads the configuration, opens the device; weights are mapped when a request first needs them.
 */
LONGTAKE_API longtake_status longtake_open(const longtake_options *options, longtake **engine,
                                           longtake_error *error);
/** accepts NULL; not while a request is at work */
LONGTAKE_API void longtake_close(longtake *engine);
/** Frames a second that the model makes: what turns frames into seconds of a request. */
LONGTAKE_API double longtake_fps(const longtake *engine);
/** Frames a second at which the video `path`, a file, is read: what turns frames of it into seconds
 * of `from_seconds` and `plan_from_seconds`. The model's rate, but of a take of ours that was made
 * with another one (settings.fps) and is read frame by frame: that. LONGTAKE_ERR_INPUT for what is
 * no video, LONGTAKE_ERR_USAGE for what cannot be read twice. */
LONGTAKE_API longtake_status longtake_clip_fps(const longtake *e, const char *path, double *fps,
                                               longtake_error *error);
/** Every configuration value as "section.key: value  # where it came from" lines; longtake_free()
 * it. */
LONGTAKE_API longtake_status longtake_print_config(longtake *engine, char **text,
                                                   longtake_error *error);

/* ---- requests -------------------------------------------------------------------------------- */

/** A setting that was not given takes the model's own value. */
#define LONGTAKE_UNSET (-1)
/** The same for a seed, of which -1 draws one; any other below zero is LONGTAKE_ERR_USAGE. */
#define LONGTAKE_SEED_UNSET (-2)

/** How a reference of another size comes to the model's. */
typedef enum {
    LONGTAKE_FIT_COVER,  /**< scaled to fill, the middle cut */
    LONGTAKE_FIT_PAD,    /**< scaled to fit in, black around */
    LONGTAKE_FIT_CROP,   /**< the middle cut, not scaled */
    LONGTAKE_FIT_STRETCH /**< scaled, its shape not kept */
} longtake_fit;

/** Settings of a take. A number below zero, and a NULL, is unset (of a seed LONGTAKE_SEED_UNSET
 * alone): the model's own value (see longtake_print_config()) unless another is named here. A value
 * outside the range is LONGTAKE_ERR_USAGE. Which command reads which of them: longtake_request. */
typedef struct {
    int64_t seed; /**< 0 .. 2^32-1; -1 draws one and reports it; LONGTAKE_SEED_UNSET: the input's
                     own, else 42 */
    /** length in seconds of the model's rate, up to 691,200 frames (a day at 8 a second); at most
     * one of these three is set. Unset: the input's, else one window */
    double seconds;
    int64_t frames;          /**< the same in RGB frames, from 1 */
    int64_t semantic_frames; /**< the same in semantic frames, the release's num_frames: n of them
                                are 4 (n - 1) + 1 RGB frames, 13 are 49 */
    double fps; /**< rate of the file, 0.1 .. 240: another one plays the same frames faster or
                   slower. Unset: the model's; of continue that of a take of ours which was made
                   with another one, and which is read frame by frame */
    int width;  /**< pixels; of use to ask for the size that the model makes, others are refused */
    int height; /**< pixels, likewise */
    int scale;  /**< enlarges the output, 1 .. 8; unset: 1 */
    longtake_fit fit;   /**< how a reference is fitted; there is no unset */
    double lm_cfg;      /**< guidance of the language model, 0 .. 100; 0 or 1 = off */
    double shot_cfg;    /**< how strongly a new shot's prompt is followed while frames of the one
                           before are in sight, 0 .. 100; 0 = off */
    double temperature; /**< of the token draw, 0.001 .. 100; below 1 likelier tokens */
    int top_k;    /**< draw from so many of the likeliest tokens, up to the vocabulary; 0 = off. Not
                     together with top_p */
    double top_p; /**< draw from the likeliest tokens that sum to this, 0 .. 1; 0 = off */
    double motion;  /**< motion score, 0 .. 10: how much moves */
    int lm_context; /**< earlier segments that the language model sees, 0 .. 64, at most; when there
                       are more, a third of so many goes at once */
    int steps;      /**< denoising steps a window, 1 .. 999 */
    double cfg_scale;         /**< guidance of refinement, 0 .. 100; 1 = none, half the cost */
    const char *cfg_schedule; /**< "official" "ramp" "constant"; NULL = unset */
    const char *guidance;     /**< "cfg" "apg"; NULL = unset */
    int overlap;              /**< known latents of a window: odd, 1 .. latent_frames - 2 */
    const char *carry;        /**< "latents" "frames" "renoise"; NULL = unset */
    /** "exact" "fast" "faster": how much refinement may leave out; NULL = exact */
    const char *speed;
    /** "auto" "scene" "picture": whether videos are read as scenes of the model's world, or each
     * picture itself, behind which a plan begins anew; auto and NULL: pictures where the model has
     * codes for them and the video is not of its world */
    const char *codes;
} longtake_settings;

/** From `at_frame` on this prompt holds (until the next shot). What it says happens later ("...,
 * then it turns blue") is spread over the shot, where the model's configuration spreads events.
 * longtake_shot_init() leaves to the take what a shot need not say. */
typedef struct {
    int64_t at_frame;   /**< RGB frame, from 0; of a continuation, of the new ones */
    const char *prompt; /**< UTF-8, not empty */
    double motion;      /**< below zero: the take's */
    int64_t seed;       /**< below zero: the take's */
    double lm_cfg;      /**< below zero: the take's */
    double shot_cfg;    /**< of the change to this shot, and of those that it tells; below zero: the
                           take's. Nothing is before the first shot */
    double cfg_scale;   /**< below zero: the take's */
    const char *plan; /**< token file or video whose tokens are the plan as far as they reach; NULL:
                         the language model's */
    double plan_from_seconds; /**< the part of that file: where it begins, of a video in its own
                                 time (longtake_clip_fps()), */
    double plan_seconds; /**< and how long it is, of tokens no longer than the file; 0: up to the
                            end */
    int as_one_text; /**< 1: the prompt is read as a whole from the first frame on, as those of a
                        recipe are; 0: its events are spread */
} longtake_shot;
/** At frame 0, no prompt yet, everything else the take's. */
LONGTAKE_API void longtake_shot_init(longtake_shot *shot);

typedef struct longtake_tokens longtake_tokens; /**< see below */

/** Windows made again under another seed; what follows them is made anew, or
 * stays as it is with `keep_rest`. */
typedef struct {
    int64_t first; /**< from 0 */
    int64_t last;  /**< inclusive */
    int64_t seed;  /**< 0 .. 2^32-1 */
    /** 1: the latents behind it stay as they are (the decoder goes on from frames that changed, so
     * pictures there settle within some frames), and the seam is reported */
    int keep_rest;
} longtake_retake;

/** What is asked for. Pointers are borrowed during the call. A field that a command does not read
 * is passed over:
 *
 *                                       generate make_tokens encode refine decode  render continue
 *     prompt, shots                       x        x           -      x      -       x      x
 *     tokens, lm_cfg ... lm_context       x        x           -      -      -       -      x
 *     length (seconds, frames, ...), seed x        x           -      x      -       x      x
 *     overlap                             x        x           -      x      -       x      x
 *     input                               -        -           video  tokens latents tokens video
 *     image                               x        x           -      -      -       -      -
 *     from_seconds, new_only              -        -           -      -      -       -      x
 *     fit, codes        of image and plans of shots            x      -      -       -      x
 *     steps ... speed, retakes            x        -           -      x      -       x      x
 *     job, fresh, keep_job                x        x           -      x      -       x      x
 *     preview                             x        -           -      x      -       x      x
 *     fps, scale, on_frame, max_seam      x        -           -      -      x       x      x
 *
 * Refused where a command has no use for them: window_first and window_last but of generate and
 * refine, a preview where no picture is made.
 */
typedef struct {
    const char *prompt; /**< NULL in refine, render and continue: the one inside the token file, or
                           of the video's last shot */
    const longtake_shot *shots; /**< prompts over time instead of `prompt`; the first at frame 0 */
    size_t shot_count;          /**< 0: `prompt` alone */
    longtake_settings settings; /**< what is left unset is the model's */

    const longtake_tokens *tokens; /**< the whole plan of generate, continue and tokens; NULL: the
                                      language model's */

    const char *input;   /**< token file, latents file or video, as the command says; "-" = standard
                            input */
    const char *image;   /**< the take begins with this picture, or NULL */
    double from_seconds; /**< continue: where to go on, in the video's own time: frame n of
                            it is at n / longtake_clip_fps() */
    const char *reference_hash; /**< of what `input` or `image` must be, from a recipe; or NULL */
    int new_only;               /**< continue: only the new part is written */
    int64_t window_first;       /**< refine and generate: refine these windows alone, into `job`; no
                                   output. -1 = all */
    int64_t window_last;        /**< inclusive; both or neither */
    const longtake_retake *retakes; /**< one over the other, in this order */
    size_t retake_count;            /**< at most 16 */

    /** file, or "-" for standard output, or NULL: frames by callback only. A request whose product
     * goes nowhere is LONGTAKE_ERR_USAGE: what makes frames needs this, on_frame or, where it
     * refines, `job` or `preview`; anything else needs this, but for refine of windows alone */
    const char *output;
    /** "mp4" "mov" "webm" "mkv" "y4m" "webp" "png" "lt" "npy" "latents"; NULL: from the extension
     */
    const char *format;
    int no_metadata;     /**< leave out how the file was made */
    const char *preview; /**< .mp4 or folder (of plans: .png), or NULL */
    double max_seam;     /**< above it: LONGTAKE_ERR_LIMIT when done; below zero: no limit */

    const char *job; /**< job folder that is kept; NULL: beside the output, gone on success. Of no
                        use to decode, which has its own */
    int fresh;       /**< forget what the job folder holds, and what a list of prompts has made */
    int keep_job;    /**< keep an implicit one */

    longtake_event_fn on_event; /**< each may be NULL */
    longtake_frame_fn on_frame; /**< frames as they are decoded */
    void *user;                 /**< first argument of both */
} longtake_request;

/** Everything unset, all frames and windows. */
LONGTAKE_API void longtake_request_init(longtake_request *request);

/** What was made. */
typedef struct {
    int64_t frames; /**< RGB frames delivered */
    int64_t seed;   /**< the seed used */
    double seconds; /**< wall time */
    char *output;   /**< the file that was written; of pictures the pattern of their names,
                       "ball-%05d.png"; NULL: none, or a stream */
    char *report;   /**< one JSON document: files, seeds, hashes, seconds and peak memory per stage,
                       warnings, versions */
} longtake_result;

/** Frees its texts; accepts a zeroed one. */
LONGTAKE_API void longtake_result_clear(longtake_result *result);

/** `result` may be NULL; it is zeroed where nothing was made. Each checks the whole request before
 * a weight is read (LONGTAKE_ERR_USAGE). */
/** prompt -> video */
LONGTAKE_API longtake_status longtake_generate(longtake *e, const longtake_request *r,
                                               longtake_result *result, longtake_error *error);
/** prompt -> tokens */
LONGTAKE_API longtake_status longtake_make_tokens(longtake *e, const longtake_request *r,
                                                  longtake_result *result, longtake_error *error);
/** video -> tokens */
LONGTAKE_API longtake_status longtake_encode(longtake *e, const longtake_request *r,
                                             longtake_result *result, longtake_error *error);
/** tokens -> latents */
LONGTAKE_API longtake_status longtake_refine(longtake *e, const longtake_request *r,
                                             longtake_result *result, longtake_error *error);
/** latents -> video */
LONGTAKE_API longtake_status longtake_decode(longtake *e, const longtake_request *r,
                                             longtake_result *result, longtake_error *error);
/** tokens -> video */
LONGTAKE_API longtake_status longtake_render(longtake *e, const longtake_request *r,
                                             longtake_result *result, longtake_error *error);
/** video + prompt -> longer video */
LONGTAKE_API longtake_status longtake_continue(longtake *e, const longtake_request *r,
                                               longtake_result *result, longtake_error *error);

/* ---- films: a take written down -------------------------------------------------------------- */

/** A YAML file with the length, settings and shots of a take. The keys are those of `longtake run`;
 * docs/guide.md has a table of them. */
typedef struct longtake_film longtake_film;

/** Reads and checks the whole file; a message says file:line:column (LONGTAKE_ERR_INPUT). */
LONGTAKE_API longtake_status longtake_film_read(const char *path, longtake_film **film,
                                                longtake_error *error);
/** accepts NULL; after the requests that it filled */
LONGTAKE_API void longtake_film_close(longtake_film *film);
/** The model that the film asks for, or NULL. */
LONGTAKE_API const char *longtake_film_model(const longtake_film *film);
/** The line of the film's file, from 1, that says a setting of the take, by its name in
 * longtake_settings ("steps"); 0 where the film leaves it open. */
LONGTAKE_API int longtake_film_line(const longtake_film *film, const char *setting);
/** Fills what the request leaves unset: shots, length, settings. The request then borrows from the
 * film. What depends on the model is checked here: its settings, where shots begin, and whether the
 * files of their plans are there, sound, and as long as their spans. */
LONGTAKE_API longtake_status longtake_film_apply(longtake_film *film, const longtake *e,
                                                 longtake_request *r, longtake_error *error);

/* ---- many takes ------------------------------------------------------------------------------ */

/** What became of one line of a list of prompts, or of one of several plans. */
typedef struct {
    int64_t line;       /**< in the file, or of the plans, from 1 */
    const char *output; /**< as in longtake_result; of a line that failed as it was asked for, NULL
                           where the line could not be read */
    longtake_status status; /**< LONGTAKE_OK, or why it failed; LONGTAKE_ERR_LIMIT: it is made, but
                               over a limit that was asked for */
    const char *message;    /**< unless the status is LONGTAKE_OK, with its place in the list,
                               "prompts.txt:7: ..." */
    const longtake_result *result; /**< of what is made; NULL of a failure */
} longtake_batch_line;
/** Called after every line or plan. */
typedef void (*longtake_batch_fn)(void *user, const longtake_batch_line *line);

/** Generates every line of a file into `folder`, one take after the other: a prompt a line, or a
 * JSON object with "prompt" and what a film's take may have (seconds, frames, seed, ...), and
 * "output", a name in the folder (else 0007.mp4 for line 7). The folder is made where it is
 * missing.
 * Empty lines and lines that begin with # are passed over. `r` gives what a line leaves open; its
 * prompt and output are not used. A line whose output is there already, made from the same request
 * by its own account, is passed over, so that a list that was stopped goes on; `fresh` makes it
 * again, and so does `max_seam` where it has several windows, since a file does not tell how they
 * meet. A note tells which line is next. A failed line does not stop the rest: LONGTAKE_ERR_FAILED
 * at the end says how many failed, LONGTAKE_ERR_LIMIT, where none did, how many are over
 * `max_seam`. */
LONGTAKE_API longtake_status longtake_generate_batch(longtake *e, const char *prompts,
                                                     const char *folder, const longtake_request *r,
                                                     longtake_batch_fn fn, void *user,
                                                     longtake_error *error);

/** What longtake_generate_batch would do, without computing anything (a folder that was missing is
 * gone again; of an output that is there its frames are read, and the weights for their hash): one
 * JSON document with the time that all of it would take (null when never measured), and of every
 * line its output, whether that is made already, its length, windows and time, or the message of
 * what is wrong with it. Lines that cannot be made are LONGTAKE_ERR_FAILED; the document is there
 * all the same. longtake_free() it. */
LONGTAKE_API longtake_status longtake_plan_batch(longtake *e, const char *prompts,
                                                 const char *folder, const longtake_request *r,
                                                 char **json, longtake_error *error);
/** The same for people: a table. */
LONGTAKE_API longtake_status longtake_plan_batch_table(longtake *e, const char *prompts,
                                                       const char *folder,
                                                       const longtake_request *r, char **text,
                                                       longtake_error *error);

/** A look before the work: `count` plans (1 to 16) of one request of longtake_make_tokens, of seeds
 * that follow each other, each in a file whose name says its seed: "ball.lt" becomes "ball-42.lt",
 * "ball-43.lt", ...; a single one has the name itself. `fn` hears of every one that was made; the
 * first that fails ends it. The request's `preview`, a PNG, gets a contact sheet: a row of rough
 * pictures for each, without any refinement. */
LONGTAKE_API longtake_status longtake_make_candidates(longtake *e, const longtake_request *r,
                                                      int count, longtake_batch_fn fn, void *user,
                                                      longtake_error *error);

/* ---- takes made before ----------------------------------------------------------------------- */

/** How a video or latents file of ours was made. */
typedef struct longtake_recipe longtake_recipe;

/** LONGTAKE_ERR_INPUT when the file does not say. */
LONGTAKE_API longtake_status longtake_recipe_read(const char *path, longtake_recipe **recipe,
                                                  longtake_error *error);
/** accepts NULL; after the requests that it filled */
LONGTAKE_API void longtake_recipe_close(longtake_recipe *recipe);
/** The model that made it. */
LONGTAKE_API const char *longtake_recipe_model(const longtake_recipe *recipe);
/** Fills what the request leaves unset: prompts, length, seeds, settings, and retakes before the
 * request's own; the file's own plan, unless something that it was made of is asked for anew. A
 * take that went on from a video or picture needs that as the request's `input` or `image`
 * (LONGTAKE_ERR_INPUT). The request then borrows from the recipe. */
LONGTAKE_API longtake_status longtake_recipe_apply(longtake_recipe *recipe, longtake *e,
                                                   longtake_request *r, longtake_error *error);

/** Windows that have new frames between two moments of the take that `r` asks of the command
 * `command` ("generate" "continue" "refine" "render"), whatever it shows: seconds of the whole
 * take, in the model's frame rate. Where the take is of a file's length, or goes on from one, that
 * is read. LONGTAKE_ERR_USAGE where no window has any. */
LONGTAKE_API longtake_status longtake_windows_between(longtake *e, const char *command,
                                                      const longtake_request *r,
                                                      double from_seconds, double to_seconds,
                                                      int64_t *first, int64_t *last,
                                                      longtake_error *error);

/* ---- plans ----------------------------------------------------------------------------------- */

/** What a request of the command `command` ("generate", which "run" is too, "continue" "tokens"
 * "refine" "render") would do: one JSON document with frames, latents, segments, tokens, windows,
 * steps, peak memory and a time estimate (null when never measured).
 * Loads no weights. */
LONGTAKE_API longtake_status longtake_plan(longtake *e, const char *command,
                                           const longtake_request *r, char **json,
                                           longtake_error *error);
/** The same for people: when each shot takes effect, and a table with window, frames, shot and
 * prompt (of `tokens`, with shots and prompts). */
LONGTAKE_API longtake_status longtake_plan_table(longtake *e, const char *command,
                                                 const longtake_request *r, char **text,
                                                 longtake_error *error);

/* ---- semantic tokens ------------------------------------------------------------------------- */

/** A token file: .lt, or the release's .npy (then `e` says which model's layout it has). */
LONGTAKE_API longtake_status longtake_tokens_read(longtake *e, const char *path,
                                                  longtake_tokens **tokens, longtake_error *error);
/** From `count` codes in the layout of the engine's model, copied. LONGTAKE_ERR_USAGE for a number
 * of codes that no plan has, or a code that is no code. */
LONGTAKE_API longtake_status longtake_tokens_new(longtake *e, const uint16_t *codes, size_t count,
                                                 longtake_tokens **tokens, longtake_error *error);
/** Accepts NULL. */
LONGTAKE_API void longtake_tokens_close(longtake_tokens *tokens);
/** Codes of all segments. */
LONGTAKE_API size_t longtake_tokens_count(const longtake_tokens *tokens);
/** Semantic frames that they tell: there is one for every four frames of the video. A plan of less
 * than its windows has some behind the last that is shown: those of the window's rest. */
LONGTAKE_API int64_t longtake_tokens_semantic_frames(const longtake_tokens *tokens);
/** RGB frames that they show. Semantic frame g is RGB frame 4 g. */
LONGTAKE_API int64_t longtake_tokens_frames(const longtake_tokens *tokens);
/** The codes, [count]; may be edited in place, and are gone when the tokens are closed. */
LONGTAKE_API uint16_t *longtake_tokens_codes(longtake_tokens *tokens);
/** As .lt, or .npy of the release, by the name; "-" is standard output, as .lt.
 * LONGTAKE_ERR_RESOURCES where the disk is full, LONGTAKE_ERR_USAGE for an .npy of a plan that is
 * not full segments and a last one, as joined plans may be: that file cannot tell. Nor does it tell
 * how many frames are shown: read again it shows all that its semantic frames stand for. */
LONGTAKE_API longtake_status longtake_tokens_write(const longtake_tokens *tokens, const char *path,
                                                   longtake_error *error);
/** Semantic frames first .. first + count - 1; the first must begin a segment, and RGB frame
 * 4 `first` be shown: else LONGTAKE_ERR_USAGE. n of them show 4 (n - 1) + 1 frames, but where they
 * reach the end, or beyond it: then all that the plan shows from there on, so that (0, semantic
 * frames) is the same plan. */
LONGTAKE_API longtake_status longtake_tokens_cut(const longtake_tokens *tokens, int64_t first,
                                                 int64_t count, longtake_tokens **out,
                                                 longtake_error *error);
/** The same from any frame on: where it begins no segment, the rest of its segment is encoded again
 * (*encoded_again, may be NULL), which needs the engine: without one it is
 * longtake_tokens_cut(). */
LONGTAKE_API longtake_status longtake_tokens_recut(longtake *e, const longtake_tokens *tokens,
                                                   int64_t first, int64_t count,
                                                   longtake_tokens **out, int *encoded_again,
                                                   longtake_error *error);
/** `b` behind `a`, as a new plan, which notes the prompts and seeds of both. `b` begins with the
 * first multiple of four frames that `a` does not show, and what `a` hides is left out: the parts
 * (0, n) and (n, the rest) of a plan give that plan again. LONGTAKE_ERR_INPUT for plans of
 * different layouts or rates. */
LONGTAKE_API longtake_status longtake_tokens_join(const longtake_tokens *a,
                                                  const longtake_tokens *b, longtake_tokens **out,
                                                  longtake_error *error);

/** How unlikely a plan is to the language model. */
typedef struct {
    int64_t codes; /**< that were scored: those of the semantic frames that are shown */
    double nats;   /**< sum of -ln p(code), each given the prompt and the codes before it */
} longtake_score;
/** Scores the token file `r->input` under the prompt inside it, or the request's one. Probabilities
 * are those that longtake_make_tokens would draw from, with the request's settings, but nothing is
 * cut off by top-k and top-p. exp(nats / codes) is the perplexity. */
LONGTAKE_API longtake_status longtake_score_tokens(longtake *e, const longtake_request *r,
                                                   longtake_score *score, longtake_error *error);

/* ---- semantic features ----------------------------------------------------------------------- */

/** What stands between tokens and refinement: for every semantic frame a grid of vectors. */
typedef struct {
    int64_t frames;   /**< semantic frames: one for the first RGB frame, then one for every four */
    int64_t height;   /**< rows and columns of the grid */
    int64_t width;    /**< columns of the grid */
    int64_t channels; /**< values of a vector */
    float *values;    /**< [frames, height, width, channels] */
} longtake_features;

LONGTAKE_API void longtake_features_clear(longtake_features *features); /**< accepts a zeroed one */
/** What refinement sees of a plan: its codes, decoded segment by segment. */
LONGTAKE_API longtake_status longtake_features_of_tokens(longtake *e, const longtake_tokens *tokens,
                                                         longtake_features *features,
                                                         longtake_error *error);
/** What the tokenizer sees of a video, or picture, before it chooses
 * codes; "-" is standard input. */
LONGTAKE_API longtake_status longtake_features_of_video(longtake *e, const char *path,
                                                        longtake_fit fit,
                                                        longtake_features *features,
                                                        longtake_error *error);

/* ---- looking at things ----------------------------------------------------------------------- */

/** Any file of ours, any checkpoint, any video, a model or job folder: one JSON document. */
LONGTAKE_API longtake_status longtake_info(const char *path, char **json, longtake_error *error);
/** What could run here and what this build contains: one JSON document. */
LONGTAKE_API longtake_status longtake_devices(char **json, longtake_error *error);

/** An official release tree -> our model folder. */
typedef struct {
    const char *release;       /**< folder */
    const char *output;        /**< folder to make; must not exist, or be empty */
    const char *config;        /**< YAML of the sizes; NULL = landiff.yaml found through `search` */
    const char *const *search; /**< as in longtake_options */
    const char *t5; /**< Flan-T5 folder when it is not inside the release; or NULL, as for a config
                         with one text encoder */
    const char *theia;    /**< Theia folder, likewise */
    const char *quantize; /**< "q8", "q4", "mixed", or NULL: as stored */
    const char *dtype; /**< "f32", "bf16" or "f16" for what is not quantised, or NULL: as stored */
    longtake_event_fn on_event; /**< progress, or NULL */
    void *user;                 /**< first argument of it */
} longtake_import_request;
/** All NULL. */
LONGTAKE_API void longtake_import_request_init(longtake_import_request *request);
/** Every missing, misshapen or unexpected tensor is told at once (LONGTAKE_ERR_INPUT), and nothing
 * half-written stays. */
LONGTAKE_API longtake_status longtake_import(const longtake_import_request *request,
                                             longtake_error *error);
/** Writes preview.safetensors of the engine's model folder, the map from latents to colours that
 * previews are painted with, as an import does. For folders that lack it, or whose VAE was
 * replaced; no result of the model depends on it. `path`, where it is not NULL, gets the file's;
 * longtake_free() it. */
LONGTAKE_API longtake_status longtake_write_preview_map(longtake *e, char **path,
                                                        longtake_error *error);

/** One compared output of a golden file. */
typedef struct {
    const char *file;      /**< path of the golden file */
    const char *component; /**< "ar.step", ... */
    const char *output;    /**< name of the compared tensor */
    double rel_l2;         /**< relative L2 distance to the golden values */
    double bound; /**< that it must not exceed; infinite: the file gives none for this precision,
                     and finite values will do */
    int exact;    /**< 1: every value must be equal */
    int ok;       /**< 1: within the bound */
} longtake_check_line;
/** Called after every output; the line is valid during the call. */
typedef void (*longtake_check_fn)(void *user, const longtake_check_line *line);
/** Runs a golden file through the engine's device; LONGTAKE_ERR_LIMIT when
 * an output is out of its bound. */
LONGTAKE_API longtake_status longtake_check(longtake *e, const char *path, longtake_check_fn fn,
                                            void *user, longtake_error *error);

/** Called for every measurement; the text is valid during the call. */
typedef void (*longtake_line_fn)(void *user, const char *json_line);
/** Times a stage ("t5" "t5_int8" "lm" "lm_ahead" "lm_launched" "lm_q8" "lm_q4" "tokenizer" "dit"
 * "dit_fp8" "dit_int8" "vae_decode" "vae_encode") at the released sizes with weights made in
 * memory, with the share of what one large operation reaches and what the rest of the time goes to;
 * "ceilings" gives those in both precisions and for weights of few bits, "all" every stage and what
 * a clip and a take of 30 s would need. Calls `fn` with one JSON line each. */
LONGTAKE_API longtake_status longtake_bench(longtake *e, const char *stage, longtake_line_fn fn,
                                            void *user, longtake_error *error);

/** What one operation cost in one stage ("other": outside of a take's stages). */
typedef struct {
    const char *stage;     /**< "text", "tokens", "refine", ... */
    const char *operation; /**< name of the operation; "all": of the stage as a whole, whatever else
                              it did included */
    int64_t calls;         /**< how often */
    double seconds;        /**< of all calls */
    double bytes;          /**< read and written */
    double flop;           /**< multiplications and additions */
    double least_seconds; /**< that this machine would need: FLOP at its matrix rate or bytes at its
                             read rate, whichever is more */
} longtake_profile_line;
/** Called for every operation; the line is valid during the call. */
typedef void (*longtake_profile_fn)(void *user, const longtake_profile_line *line);
/** Everything since the engine was opened with options.profile; measures the machine's rates first,
 * for a second or two. LONGTAKE_ERR_USAGE without options.profile. */
LONGTAKE_API longtake_status longtake_profile(longtake *e, longtake_profile_fn fn, void *user,
                                              longtake_error *error);

#ifdef __cplusplus
}
#endif
#endif
