/* fuzz_pt.c - any bytes as a .pt file, or as the pickle inside a good one.
 *
 * Input: one byte, odd: the rest is the file; even: the rest is data.pkl, beside two storages of 24
 * bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/memory_file.h"
#include "tests/support/pt_writer.h"
#include "weights/pack.h"
#include "weights/pt_reader.h"

enum { MOST_READ = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The sanitizer sees any step outside. */
static void read_all(const lt_weights *w)
{
    for (int i = 0; i < lt_weights_count(w); i++) {
        const lt_tensor *const t = lt_weights_find(w, lt_weights_name(w, i));
        if (!t)
            abort();
        if (lt_is_none(t) || lt_numel(t) == 0)
            continue;
        static char packed[MOST_READ * 8];
        const int64_t count = lt_numel(t) < MOST_READ ? lt_numel(t) : MOST_READ;
        lt_pack(t, 0, count, packed);
        lt_pack(t, lt_numel(t) - count, count, packed);
    }
    lt_error err = {0};
    (void)lt_table_verify(w, &err);
}

static void open_bytes(const uint8_t *data, size_t size)
{
    char path[MEMORY_FILE_PATH];
    const int fd = memory_file(data, size, path);
    static const char *const keys[] = {NULL, "module"};
    for (int i = 0; i < 2; i++) {
        lt_weights *w = NULL;
        lt_error err = {0};
        if (lt_pt_open(path, keys[i], NULL, &w, &err) == LT_OK)
            read_all(w);
        lt_weights_close(w);
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % 2 == 1) {
        open_bytes(data + 1, size - 1);
        return 0;
    }
    static const char storage[24] = "abcdefghijklmnopqrstuvw";
    const pt_record records[] = {{"data.pkl", data + 1, size - 1},
                                 {"data/0", storage, 24},
                                 {"data/1", storage, 24},
                                 {"version", "3\n", 2}};
    byte_list file = {0};
    pt_archive(&file, records, 4, NULL);
    open_bytes(file.data, file.bytes);
    bytes_close(&file);
    return 0;
}
