/* scratch.c - files of a test. A failure here ends the test program. */
#include "tests/support/scratch.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[PATH_MAX - 512]; /* leaves room for names in it */

static void require(bool done, const char *what)
{
    if (done)
        return;
    perror(what);
    exit(1);
}

void scratch_open(void)
{
    strcpy(folder, "/tmp/longtake_test_XXXXXX");
    require(mkdtemp(folder) != NULL, "mkdtemp");
}

void scratch_open_at(const char *path)
{
    require(strlen(path) < sizeof folder, path);
    strcpy(folder, path);
    mkdir(folder, 0777);
    require(access(folder, W_OK) == 0, path);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

void scratch_close(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int scratch_setup(void **state)
{
    (void)state;
    scratch_open();
    return 0;
}

int scratch_teardown(void **state)
{
    (void)state;
    scratch_close();
    return 0;
}

const char *scratch_path(const char *name)
{
    static char path[8][PATH_MAX];
    static int next;
    char *const out = path[next++ % 8];
    snprintf(out, PATH_MAX, "%s/%s", folder, name);
    return out;
}

void scratch_write(const char *name, const void *data, size_t bytes)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *const file = fopen(path, "wb");
    require(file != NULL, path);
    require(bytes == 0 || fwrite(data, 1, bytes, file) == bytes, path);
    require(fclose(file) == 0, path);
}

void scratch_write_text(const char *name, const char *text)
{
    scratch_write(name, text, strlen(text));
}

char *scratch_read(const char *name, size_t *bytes)
{
    FILE *const file = fopen(scratch_path(name), "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    char *const data = calloc((size_t)size + 1, 1);
    require(data && fread(data, 1, (size_t)size, file) == (size_t)size, name);
    fclose(file);
    *bytes = (size_t)size;
    return data;
}

bool scratch_exists(const char *name)
{
    return access(scratch_path(name), F_OK) == 0;
}

int scratch_count(const char *name)
{
    DIR *const dir = opendir(scratch_path(name));
    if (!dir)
        return -1;
    int count = -2;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}
