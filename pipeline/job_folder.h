/* job_folder.h - what lies between two stages, kept as files so that a killed run goes on.
 *
 *     const take_product latents = {"latents", 3, key};
 *     take_job_read(job, latents, data, bytes, &found, err);
 *     if (!found) { ... make it ...; take_job_put(job, latents, data, bytes, err); }
 *
 * A product's key is a hash of everything that made it, so a change of prompt, seed, setting or
 * weights finds nothing and the same command finds all. A product appears under its name only when
 * it is whole (temporary name, sync, rename), and its checksum is looked at when it is read: a
 * damaged one counts as absent and is made again.
 * Several processes, and engines of one process, may use one folder: what two of them make twice is
 * the same bytes, and `take_job_lock` keeps them from making it twice; the last of them removes it.
 * The locks are the kernel's (flock): they go with the process that held them.
 *
 * File: "latents.003.KEY", of 64 bytes (magic, key, checksum, length; little-endian) and the
 * payload.
 */
#ifndef TAKE_JOB_FOLDER_H
#define TAKE_JOB_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/core/hash.h"
#include "kernels/core/status.h"

typedef struct take_job take_job;

/* What a product is known by. */
typedef struct {
    const char *kind;
    int64_t number; /* of the shot, segment or window */
    lt_hash key;
} take_product;

/* Hears what the user should know, for example that a product was damaged and is made again. */
typedef void (*take_job_note_fn)(void *user, const char *note);
/* Is asked again and again while another process is waited for: not 0 when the wait is to end. */
typedef int (*take_job_stop_fn)(void *user);

/* Makes the folder where it is missing (its parent must exist). `fresh` forgets every product in
 * it; LT_ERR_FAILED when another process works there. */
lt_status take_job_open(const char *path, bool fresh, take_job_note_fn note, take_job_stop_fn stop,
                        void *user, take_job **out, lt_error *err);
/* Opens the folder to read products, as nobody who uses it: whoever does may take it away
 * meanwhile, and what is read then is not found. *out is NULL where there is no folder. Close it
 * with take_job_close. */
lt_status take_job_look(const char *path, take_job_note_fn note, void *user, take_job **out,
                        lt_error *err);
void take_job_close(take_job *job); /* keeps the files; accepts NULL */
void take_job_leave(take_job *job); /* the same, but a folder with nothing in it goes */
bool take_job_is_empty(const take_job *job);
/* Deletes the products, and the folder if nothing else lies in it, unless another process works
 * there. Closes. */
void take_job_remove(take_job *job);
const char *take_job_path(const take_job *job);

/* Reads a product. *found is false when it is not there or damaged; free() the data. A NULL job
 * holds nothing. Errors as of lt_fail_to_read where it is there and cannot be opened. */
lt_status take_job_get(take_job *job, take_product p, void **data, size_t *bytes, bool *found,
                       lt_error *err);
/* The same to `data` [bytes], which stays as it is where there is none of that size. */
lt_status take_job_read(take_job *job, take_product p, void *data, size_t bytes, bool *found,
                        lt_error *err);
/* Is a product there, as far as its header and length say? A NULL job holds nothing. */
bool take_job_has(take_job *job, take_product p);
/* Writes a product; a NULL job keeps nothing. LT_ERR_RESOURCES when the disk is full. */
lt_status take_job_put(take_job *job, take_product p, const void *data, size_t bytes,
                       lt_error *err);
void take_job_drop(take_job *job, take_product p);

/* Waits until no other process makes a product of this kind and number, or until `stop` says so
 * (LT_ERR_CANCELLED); unlock takes what lock gave. A NULL job gives -1. */
lt_status take_job_lock(take_job *job, take_product p, int *lock, lt_error *err);
void take_job_unlock(int lock);

/* One product of a folder, for `info`. */
typedef struct {
    char name[64];
    char key[LT_HASH_TEXT_BYTES];
    size_t bytes;
    bool whole; /* length and checksum are right */
} take_listed;
/* Lists the products sorted by name; free() them. LT_ERR_INPUT when `path` is no job folder. */
lt_status take_job_list(const char *path, take_listed **products, size_t *count, lt_error *err);

#endif
