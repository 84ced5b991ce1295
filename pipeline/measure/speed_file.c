/* speed_file.c - lines of key and speed; see speed_file.h. */
#include "pipeline/measure/speed_file.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/core/decimal_text.h"
#include "kernels/core/durable.h"
#include "kernels/core/output_file.h"
#include "kernels/core/whole_file.h"
#include "pipeline/measure/processor_name.h"
#include "pipeline/take_key.h"

enum { MOST_LINES = 256, LINE_BYTES = 128, MOST_BYTES = MOST_LINES * LINE_BYTES };

static void key_of(const longtake *e, const take_spec *s, take_stage stage,
                   char text[LT_HASH_TEXT_BYTES])
{
    char processor[128];
    take_processor_name(processor, sizeof processor);
    take_key k;
    take_key_begin(&k, take_stage_name(stage));
    take_key_hash(&k, e->config_hash);
    take_key_text(&k, e->backend->table->name);
    take_key_int(&k, e->backend->activation);
    take_key_int(&k, e->rounding);
    take_key_int(&k, take_engine_threads(e));
    take_key_text(&k, processor);
    if (stage == TAKE_REFINE) {
        take_key_int(&k, s->shot[0].cfg_scale == 1); /* half the cost */
        take_key_int(&k, s->speed);                  /* what a step reuses costs less */
    }
    if (stage == TAKE_TOKENS)
        take_key_int(&k, s->lm_cfg == 0 || s->lm_cfg == 1);
    /* windows again, not a reference's segments */
    if (stage == TAKE_ENCODE)
        take_key_int(&k, s->carry == CFG_CARRY_FRAMES);
    if (stage == TAKE_DECODE)
        take_key_int(&k, s->scale);
    lt_hash_text(take_key_end(&k), text);
}

/* "FOLDER/speeds"; NULL when there is no cache or no memory. free() it. */
static char *path_in_cache(const longtake *e)
{
    char *path = NULL;
    return e->cache_dir && asprintf(&path, "%s/speeds", e->cache_dir) >= 0 ? path : NULL;
}

/* NULL where no plain file is there: what stands under the name may be anything,
 * and a pipe is not waited for. */
static FILE *open_plain(const char *path)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    FILE *f = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fdopen(fd, "rb") : NULL;
    if (fd >= 0 && !f)
        close(fd);
    return f;
}

/* The whole file, or an empty text when it is not there or larger than we write; NULL when memory
 * is out. free() it. */
static char *read_speeds(const longtake *e)
{
    char *text = NULL;
    size_t bytes;
    lt_error ignored = {0};
    char *path = path_in_cache(e);
    FILE *f = path ? open_plain(path) : NULL;
    if (f && lt_whole_stream_read(f, path, MOST_BYTES, "speeds", &text, &bytes, &ignored) != LT_OK)
        text = NULL;
    if (f)
        fclose(f);
    free(path);
    return text ? text : calloc(1, 1);
}

static bool read_line(const char *line, const char *key, take_speed *out)
{
    const size_t length = strlen(key);
    if (strncmp(line, key, length) != 0 || line[length] != ' ')
        return false;
    char number[2][LT_DECIMAL_BYTES];
    return sscanf(line + length, " %31s %31s", number[0], number[1]) == 2 &&
           lt_parse_decimal(number[0], &out->unit_seconds) &&
           lt_parse_decimal(number[1], &out->open_seconds) && out->unit_seconds > 0 &&
           out->open_seconds >= 0;
}

bool take_speed_read(const longtake *e, const take_spec *s, take_stage stage, take_speed *out)
{
    char key[LT_HASH_TEXT_BYTES];
    char *text = read_speeds(e);
    bool found = false;
    key_of(e, s, stage, key);
    for (const char *line = text; line && *line && !found;) {
        found = read_line(line, key, out);
        const char *end = strchr(line, '\n');
        line = end ? end + 1 : NULL;
    }
    free(text);
    return found;
}

/* The newest lines stand first; those of `key` go. */
static void copy_others(FILE *f, const char *text, char (*key)[LT_HASH_TEXT_BYTES], int keys)
{
    int lines = keys;
    for (const char *line = text; *line && lines < MOST_LINES; lines++) {
        const size_t length = strcspn(line, "\n");
        bool replaced = length >= LINE_BYTES;
        for (int i = 0; i < keys; i++)
            replaced = replaced || strncmp(line, key[i], LT_HASH_TEXT_BYTES - 1) == 0;
        if (!replaced)
            fprintf(f, "%.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static void make_folder(const char *path)
{
    char *parent = strdup(path);
    char *slash = parent ? strrchr(parent, '/') : NULL;
    if (slash && slash != parent) {
        *slash = '\0';
        (void)mkdir(parent, 0777);
    }
    free(parent);
    (void)mkdir(path, 0777);
}

void take_speeds_write(const longtake *e, const take_spec *s, const take_clock *c)
{
    char key[TAKE_STAGES][LT_HASH_TEXT_BYTES];
    int keys = 0;
    if (!e->cache_dir)
        return;
    make_folder(e->cache_dir);
    char *old = read_speeds(e);
    char *path = path_in_cache(e);
    lt_output o = {0};
    lt_error ignored = {0};
    if (old && path && lt_takes_a_rename(path))
        (void)lt_output_open(&o, path, &ignored);
    FILE *f = o.file;
    for (int stage = 0; f && stage < TAKE_STAGES; stage++) {
        const take_stage_total *t = &c->of[stage];
        if (t->measured <= 0)
            continue;
        key_of(e, s, (take_stage)stage, key[keys]);
        char number[2][LT_DECIMAL_BYTES];
        lt_float_text((float)(t->seconds / t->measured), number[0]);
        lt_float_text((float)t->open_seconds, number[1]);
        fprintf(f, "%s %s %s %s\n", key[keys], number[0], number[1],
                take_stage_name((take_stage)stage));
        keys++;
    }
    if (f) {
        copy_others(f, old, key, keys);
        (void)lt_output_publish(&o, &ignored);
    }
    free(old);
    free(path);
}
