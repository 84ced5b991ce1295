/* engine.h - what `longtake_open` opens: a configuration, a device, and the
 * places of a model's weight files. */
#ifndef TAKE_ENGINE_H
#define TAKE_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "configs/model_config.h"
#include "configs/model_folder.h"
#include "longtake.h"
#include "pipeline/script/prompt_wording.h"
#include "pipeline/take_key.h"
#include "weights/weights.h"

/* The weight files of a model. The two text encoders may be one file. */
typedef enum {
    TAKE_NET_TEXT_AR,
    TAKE_NET_TEXT_MMDIT,
    TAKE_NET_TOKENIZER,
    TAKE_NET_AR,
    TAKE_NET_MMDIT,
    TAKE_NET_VAE,
    TAKE_NETS
} take_net;

struct longtake {
    atomic_bool busy; /* a call has it: take_engine_enter */
    cfg_model cfg;
    cfg_model_files files;
    cfg_document *config_file;
    char *config_text;     /* every value, and where it came from */
    take_wording *wording; /* NULL: the model has none */
    lt_backend *backend;
    lt_backend *beside; /* another one on the same device, from the first take on whose windows are
                           decoded beside refinement; or NULL */
    int threads;        /* as asked for: 0 = all processors */
    int64_t max_memory; /* bytes, 0 = no limit */
    int64_t max_pinned; /* bytes of the host's memory that a device may pin, 0 = half of what is
                           available */
    char *cache_dir;    /* or NULL */
    struct take_profile *profile; /* where operations are counted; or NULL */
    lt_hash config_hash;          /* of every configuration value, */
    lt_hash fixed_hash;           /* and of those that no setting of a take says */
    lt_home home[TAKE_NETS]; /* of matrices, on a device with memory of its own: as take_memory.h
                                chose for this take */
    lt_rounding rounding; /* --precision fp8 or int8: of products with many rows, inside layers */
    bool chose_precision; /* false: it is the device's own */
    bool keeps_weights;
    lt_weights *kept[TAKE_NETS]; /* NULL: not opened since it keeps them */
    /* of weight files; each side by itself */
    bool used[TAKE_NETS];    /* the call that has the engine reads it: `file` until it ends */
    lt_hash file[TAKE_NETS]; /* lt_weights_identity of the file that was read last */
    bool hashed[TAKE_NETS];
    lt_hash hash[TAKE_NETS]; /* of its weights, where they are hashed */
};

/* A call that computes on the engine, or changes what it remembers, has it to itself until it
 * leaves. LT_ERR_USAGE where there is none, or another call has it. Public functions enter; what
 * they call does not. */
lt_status take_engine_enter(longtake *e, lt_error *err);
void take_engine_leave(longtake *e);

/* From now on, a weight file that was opened stays open until `keep` is false: for several takes,
 * one after the other. Where memory is limited none does. */
void take_engine_keep_weights(longtake *e, bool keep);
/* Maps a weight file; close it with lt_weights_close. LT_ERR_INPUT, also where it is not the one
 * that this call used before, since what it makes is known by the weights that made it. */
lt_status take_engine_weights(longtake *e, take_net net, lt_weights **out, lt_error *err);
/* Threads of the host: as many as asked for, or one for each processor. */
int take_engine_threads(const longtake *e);
/* False where only the model's configuration is there. */
bool take_engine_has_weights(const longtake *e, take_net net);
/* Hash of a weight file, read once as long as the file is the same. */
lt_status take_engine_hash(longtake *e, take_net net, lt_hash *out, lt_error *err);
/* A text file of the model's folder, `what` for messages; *text NULL where the model has none;
 * free() it. LT_ERR_INPUT, LT_ERR_RESOURCES. */
lt_status take_engine_text(const longtake *e, const char *file, const char *what, char **text,
                           lt_error *err);
/* Path of a file of the model's folder; free() it. */
lt_status take_engine_path(const longtake *e, const char *file, char **path, lt_error *err);
/* Path of the sub-word file of a text encoder: its own where the two
 * encoders' differ; free() it. */
lt_status take_engine_spiece(const longtake *e, take_net net, char **path, lt_error *err);
/* One hash over all weight files: the model's name in metadata. */
lt_status take_engine_model_hash(longtake *e, lt_hash *out, lt_error *err);

/* Starts the key of a product that `net` makes on this device. */
lt_status take_key_of_stage(longtake *e, take_key *k, const char *kind, take_net net,
                            lt_error *err);

/* LT_ERR_USAGE where a pointer that a call needs is NULL: `name` is that of its argument. */
lt_status take_need(bool argument, const char *name, lt_error *err);
/* An error of the library as the caller sees it: in UTF-8, whatever is quoted in it. */
longtake_status take_give_error(lt_status s, const lt_error *from, longtake_error *to);

#endif
