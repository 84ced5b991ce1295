/* job_folder.c - products as checksummed files; see job_folder.h. */
#include "pipeline/job_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kernels/core/file_error.h"
#include "pipeline/output_kind.h"

static const char magic[16] = "longtake-job-1\n";

typedef struct {
    char magic[16];
    lt_hash key;
    lt_hash checksum;
    uint64_t bytes;
    uint64_t zero;
} product_header;

_Static_assert(sizeof(product_header) == 64, "the header is 64 bytes");

struct take_job {
    char *path;
    int fd; /* of the folder */
    take_job_note_fn note;
    take_job_stop_fn stop;
    void *user;
};

enum { NAME_BYTES = 128, PART_BYTES = NAME_BYTES + 48 };

/* "latents.003" */
static void product_name(char out[NAME_BYTES], take_product p)
{
    snprintf(out, NAME_BYTES, "%s.%03lld", p.kind, (long long)p.number);
}

static void file_name(char out[NAME_BYTES], take_product p)
{
    char text[LT_HASH_TEXT_BYTES];
    lt_hash_text(p.key, text);
    snprintf(out, NAME_BYTES, "%s.%03lld.%s", p.kind, (long long)p.number, text);
}

/* Length of `name` before a last part of `digits` characters of `set` behind a dot (0: any number
 * of them), or 0. */
static size_t before_last_part(const char *name, size_t length, const char *set, size_t digits)
{
    size_t n = 0;
    while (n < length && strchr(set, name[length - n - 1]))
        n++;
    if (n == 0 || (digits > 0 && n != digits) || n + 1 >= length || name[length - n - 1] != '.')
        return 0;
    return length - n - 1;
}

/* Is it a product's name, "tokens.000"? */
static bool is_numbered(const char *name, size_t length)
{
    return before_last_part(name, length, "0123456789", 0) > 0;
}

/* "tokens.000.0123...": a product's name, a dot and 32 hex digits? Returns the
 * length before the dot, or 0. */
static size_t stem_of(const char *file, size_t length)
{
    const size_t stem = before_last_part(file, length, "0123456789abcdef", LT_HASH_TEXT_BYTES - 1);
    return is_numbered(file, stem) ? stem : 0;
}

static size_t product_stem(const char *file)
{
    return stem_of(file, strlen(file));
}

/* "PRODUCT.PID.NUMBER", or "PRODUCT.PID" as it was once? */
static bool is_part_of_product(const char *file, size_t length)
{
    static const char digits[] = "0123456789";
    const size_t before_number = before_last_part(file, length, digits, 0);
    return stem_of(file, before_number) > 0 ||
           stem_of(file, before_last_part(file, before_number, digits, 0)) > 0;
}

/* Files this module makes and no others, for the folder may be any: products, "tokens.000.lock",
 * "PRODUCT.PID.NUMBER.part". */
static bool is_ours(const char *file)
{
    const char *dot = strrchr(file, '.');
    const size_t length = dot ? (size_t)(dot - file) : 0;
    if (dot && strcmp(dot, ".lock") == 0)
        return is_numbered(file, length);
    if (dot && strcmp(dot, ".part") == 0)
        return is_part_of_product(file, length);
    return product_stem(file) > 0;
}

static bool is_part(const char *file)
{
    const char *dot = strrchr(file, '.');
    return dot && strcmp(dot, ".part") == 0 && is_ours(file);
}

/* Removes what `goes` says yes to. */
static void forget(int fd, const char *path, bool (*goes)(const char *file))
{
    DIR *d = opendir(path);
    if (!d)
        return;
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        if (goes(e->d_name))
            unlinkat(fd, e->d_name, 0);
    closedir(d);
}

/* Is this process the folder's only user? Then it is held alone. */
static bool hold_alone(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* A link that leads nowhere: no folder can be made under its name. Behind "link/" lstat looks for
 * what the link leads to. */
static bool is_loose_link(const char *path)
{
    struct stat st;
    char link[PATH_MAX];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    snprintf(link, sizeof link, "%.*s", (int)length, path);
    return lstat(link, &st) == 0 && S_ISLNK(st.st_mode) && stat(path, &st) != 0;
}

/* Opens the folder, makes it where it is missing, and holds it as one of its users. A process that
 * is done may have removed it in between: then once more. What is half-written there while nobody
 * uses the folder was left by one that was killed. */
static int hold_folder(const char *path)
{
    for (;;) {
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return -1;
        const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && (errno != ENOENT || is_loose_link(path)))
            return -1;
        if (fd < 0)
            continue;
        if (hold_alone(fd))
            forget(fd, path, is_part);
        while (flock(fd, LOCK_SH) != 0 && errno == EINTR) {
        }
        struct stat st;
        if (fstat(fd, &st) == 0 && st.st_nlink > 0)
            return fd;
        close(fd);
    }
}

static lt_status start_over(take_job *job, lt_error *err)
{
    if (!hold_alone(job->fd))
        return lt_fail(err, LT_ERR_FAILED,
                       "job folder %s: another process works in it, it cannot start over",
                       job->path);
    forget(job->fd, job->path, is_ours);
    flock(job->fd, LOCK_SH);
    return LT_OK;
}

lt_status take_job_open(const char *path, bool fresh, take_job_note_fn note, take_job_stop_fn stop,
                        void *user, take_job **out, lt_error *err)
{
    *out = NULL;
    take_job *job = calloc(1, sizeof *job);
    char *name = strdup(path);
    if (!job || !name) {
        free(job);
        free(name);
        return lt_fail(err, LT_ERR_RESOURCES, "job folder %s: out of memory", path);
    }
    *job =
        (take_job){.path = name, .fd = hold_folder(path), .note = note, .stop = stop, .user = user};
    lt_status s = LT_OK;
    if (job->fd < 0)
        s = lt_fail(err, errno == ENOSPC ? LT_ERR_RESOURCES : LT_ERR_USAGE, "job folder %s: %s",
                    path, strerror(errno));
    else if (fresh)
        s = start_over(job, err);
    if (s != LT_OK) {
        take_job_leave(job);
        return s;
    }
    *out = job;
    return LT_OK;
}

lt_status take_job_look(const char *path, take_job_note_fn note, void *user, take_job **out,
                        lt_error *err)
{
    *out = NULL;
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return LT_OK;
    if (fd < 0)
        return lt_fail(err, LT_ERR_USAGE, "job folder %s: %s", path, strerror(errno));
    take_job *job = calloc(1, sizeof *job);
    char *name = strdup(path);
    if (!job || !name) {
        free(job);
        free(name);
        close(fd);
        return lt_fail(err, LT_ERR_RESOURCES, "job folder %s: out of memory", path);
    }
    *job = (take_job){.path = name, .fd = fd, .note = note, .user = user};
    *out = job;
    return LT_OK;
}

void take_job_close(take_job *job)
{
    if (!job)
        return;
    if (job->fd >= 0)
        close(job->fd);
    free(job->path);
    free(job);
}

void take_job_remove(take_job *job)
{
    if (!job)
        return;
    if (hold_alone(job->fd)) { /* else another process needs it still, and removes it */
        forget(job->fd, job->path, is_ours);
        rmdir(job->path);
    }
    take_job_close(job);
}

void take_job_leave(take_job *job)
{
    if (!job)
        return;
    if (hold_alone(job->fd))
        rmdir(job->path); /* which it does to an empty one only */
    take_job_close(job);
}

bool take_job_is_empty(const take_job *job)
{
    return take_look_into(job->path) != TAKE_FOLDER_FILLED;
}

const char *take_job_path(const take_job *job)
{
    return job->path;
}

static bool read_all(int fd, void *data, size_t bytes)
{
    char *at = data;
    while (bytes > 0) {
        const ssize_t n = read(fd, at, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        bytes -= (size_t)n;
    }
    return true;
}

static bool write_all(int fd, const void *data, size_t bytes)
{
    const char *at = data;
    while (bytes > 0) {
        const ssize_t n = write(fd, at, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
        bytes -= (size_t)n;
    }
    return true;
}

/* What stands under a product's name may be anything: no link is followed, no pipe waited for. */
static int open_product(int folder, const char *file)
{
    return openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* Reads and checks the header; false when the file is not a whole product of `key`. */
static bool header_ok(int fd, const lt_hash *key, product_header *h)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !read_all(fd, h, sizeof *h))
        return false;
    return memcmp(h->magic, magic, sizeof magic) == 0 &&
           (uint64_t)st.st_size == sizeof *h + h->bytes && (!key || lt_hash_equal(h->key, *key));
}

static void note(take_job *job, const char *file, const char *what)
{
    if (!job->note)
        return;
    char text[512];
    snprintf(text, sizeof text, "%s/%s %s", job->path, file, what);
    job->note(job->user, text);
}

/* `fail` with the path of a file of the folder, and what errno says. */
static lt_status fail_at(const take_job *job, const char *file,
                         lt_status (*fail)(const char *path, lt_error *err), lt_error *err)
{
    char place[PATH_MAX];
    snprintf(place, sizeof place, "%s/%s", job->path, file);
    return fail(place, err);
}

lt_status take_job_get(take_job *job, take_product p, void **data, size_t *bytes, bool *found,
                       lt_error *err)
{
    *data = NULL;
    *bytes = 0;
    *found = false;
    if (!job)
        return LT_OK;
    char file[NAME_BYTES];
    file_name(file, p);
    const int fd = open_product(job->fd, file);
    if (fd < 0 && errno == ENOENT)
        return LT_OK;
    if (fd < 0 && errno != ELOOP && errno != ENXIO) /* a link or a socket is no product */
        return fail_at(job, file, lt_fail_to_read, err);
    product_header h;
    lt_status s = LT_OK;
    void *payload = NULL;
    if (fd >= 0 && header_ok(fd, &p.key, &h)) {
        payload = malloc(h.bytes ? h.bytes : 1);
        if (!payload)
            s = lt_fail(err, LT_ERR_RESOURCES, "%s/%s: %llu bytes of memory are not there",
                        job->path, file, (unsigned long long)h.bytes);
    }
    if (payload && read_all(fd, payload, h.bytes))
        *found = lt_hash_equal(lt_hash_bytes(payload, h.bytes), h.checksum);
    if (fd >= 0)
        close(fd);
    if (s == LT_OK && !*found)
        note(job, file, "is damaged; it is made again");
    if (!*found) {
        free(payload);
        return s;
    }
    *data = payload;
    *bytes = h.bytes;
    return LT_OK;
}

lt_status take_job_read(take_job *job, take_product p, void *data, size_t bytes, bool *found,
                        lt_error *err)
{
    void *payload = NULL;
    size_t got = 0;
    LT_TRY(take_job_get(job, p, &payload, &got, found, err));
    *found = *found && got == bytes;
    if (*found)
        memcpy(data, payload, bytes);
    free(payload);
    return LT_OK;
}

bool take_job_has(take_job *job, take_product p)
{
    char file[NAME_BYTES];
    product_header h;
    file_name(file, p);
    const int fd = job ? open_product(job->fd, file) : -1;
    const bool there = fd >= 0 && header_ok(fd, &p.key, &h);
    if (fd >= 0)
        close(fd);
    return there;
}

/* A file that nobody else writes: not another engine of this process, nor one on another machine
 * whose process has the same number. Gives its handle, or -1 with errno. */
static int create_part(int folder, const char *file, char part[PART_BYTES])
{
    for (int number = 0;; number++) {
        snprintf(part, PART_BYTES, "%s.%ld.%d.part", file, (long)getpid(), number);
        const int fd =
            openat(folder, part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
}

lt_status take_job_put(take_job *job, take_product p, const void *data, size_t bytes, lt_error *err)
{
    if (!job)
        return LT_OK;
    char file[NAME_BYTES];
    char part[PART_BYTES];
    file_name(file, p);
    product_header h = {.key = p.key, .checksum = lt_hash_bytes(data, bytes), .bytes = bytes};
    memcpy(h.magic, magic, sizeof magic);
    const int fd = create_part(job->fd, file, part);
    bool ok =
        fd >= 0 && write_all(fd, &h, sizeof h) && write_all(fd, data, bytes) && fsync(fd) == 0;
    int cause = errno;
    if (fd >= 0 && close(fd) != 0 && ok) {
        cause = errno;
        ok = false;
    }
    if (ok && renameat(job->fd, part, job->fd, file) != 0) {
        cause = errno;
        ok = false;
    }
    if (!ok) {
        if (fd >= 0)
            unlinkat(job->fd, part, 0);
        errno = cause;
        return fail_at(job, file, lt_fail_to_write, err);
    }
    fsync(job->fd);
    return LT_OK;
}

void take_job_drop(take_job *job, take_product p)
{
    if (!job)
        return;
    char file[NAME_BYTES];
    file_name(file, p);
    unlinkat(job->fd, file, 0);
}

/* flock itself hears of nothing but its lock and signals. False with errno,
 * ECANCELED where `stop` said so. */
static bool wait_for_lock(const take_job *job, int fd)
{
    /* small beside a window, and nothing to run */
    static const struct timespec pause = {.tv_nsec = 20000000};
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        if (job->stop && job->stop(job->user) != 0) {
            errno = ECANCELED;
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

lt_status take_job_lock(take_job *job, take_product p, int *lock, lt_error *err)
{
    *lock = -1;
    if (!job)
        return LT_OK;
    char name[NAME_BYTES];
    char file[PART_BYTES];
    product_name(name, p);
    snprintf(file, sizeof file, "%s.lock", name);
    const int fd = openat(job->fd, file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return lt_fail(err, LT_ERR_FAILED, "%s/%s: %s", job->path, file, strerror(errno));
    bool held = flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (!held && errno == EWOULDBLOCK) {
        note(job, name, "is being made by another process; waiting for it");
        held = wait_for_lock(job, fd);
    }
    if (!held) {
        const lt_status s =
            errno == ECANCELED
                ? lt_fail(err, LT_ERR_CANCELLED, "%s/%s: stopped while another process made it",
                          job->path, name)
                : lt_fail(err, LT_ERR_FAILED, "%s/%s: lock: %s", job->path, file, strerror(errno));
        close(fd);
        return s;
    }
    *lock = fd;
    return LT_OK;
}

void take_job_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const take_listed *)a)->name, ((const take_listed *)b)->name);
}

static void describe_product(int folder, const char *file, size_t stem, take_listed *p)
{
    snprintf(p->name, sizeof p->name, "%.*s", (int)stem, file);
    snprintf(p->key, sizeof p->key, "%s", file + stem + 1);
    const int fd = open_product(folder, file);
    product_header h;
    if (fd < 0 || !header_ok(fd, NULL, &h)) {
        if (fd >= 0)
            close(fd);
        return;
    }
    p->bytes = h.bytes;
    void *payload = malloc(h.bytes ? h.bytes : 1);
    if (payload && read_all(fd, payload, h.bytes))
        p->whole = lt_hash_equal(lt_hash_bytes(payload, h.bytes), h.checksum);
    free(payload);
    close(fd);
}

lt_status take_job_list(const char *path, take_listed **products, size_t *count, lt_error *err)
{
    *products = NULL;
    *count = 0;
    DIR *d = opendir(path);
    if (!d)
        return lt_fail_to_read(path, err);
    take_listed *list = NULL;
    size_t n = 0;
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        const size_t stem = product_stem(e->d_name);
        if (stem == 0)
            continue;
        take_listed *grown = realloc(list, (n + 1) * sizeof *list);
        if (!grown) {
            free(list);
            closedir(d);
            return lt_fail(err, LT_ERR_RESOURCES, "%s: out of memory", path);
        }
        list = grown;
        memset(&list[n], 0, sizeof *list);
        describe_product(dirfd(d), e->d_name, stem, &list[n++]);
    }
    closedir(d);
    if (n == 0) {
        free(list);
        return lt_fail(err, LT_ERR_INPUT, "%s: no product of ours in it, expected a job folder",
                       path);
    }
    qsort(list, n, sizeof *list, by_name);
    *products = list;
    *count = n;
    return LT_OK;
}
