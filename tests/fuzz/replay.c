/* replay.c - runs a fuzz target on files, for compilers without libFuzzer: replay_yaml
 * FILE_OR_FOLDER... Exit code 1 where one cannot be read, or there was none. */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int files; /* that were run */

static int run_file(const char *path)
{
    FILE *const file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    uint8_t *const data = malloc((size_t)size + 1);
    const int failed = !data || fread(data, 1, (size_t)size, file) != (size_t)size;
    fclose(file);
    if (failed)
        perror(path);
    else
        LLVMFuzzerTestOneInput(data, (size_t)size);
    files += !failed;
    free(data);
    return failed;
}

static int run_folder(const char *folder, DIR *dir)
{
    int failed = 0;
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        struct stat found;
        if (stat(path, &found) == 0 && S_ISREG(found.st_mode))
            failed |= run_file(path);
    }
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        DIR *const dir = opendir(argv[i]);
        failed |= dir ? run_folder(argv[i], dir) : run_file(argv[i]);
        if (dir)
            closedir(dir);
    }
    if (files == 0) {
        fprintf(stderr, "replay: no file was run\n");
        failed = 1;
    }
    return failed;
}
