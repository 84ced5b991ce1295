/* output_file.c - see output_file.h. */
#include "kernels/core/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/core/durable.h"
#include "kernels/core/file_error.h"
#include "kernels/core/pipe_guard.h"
#include "kernels/core/temporary_file.h"

/* Standard output stays open for its owner. */
static int open_standard(void)
{
    (void)fflush(stdout);
    return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
}

lt_status lt_output_open(lt_output *o, const char *path, lt_error *err)
{
    const bool standard = strcmp(path, "-") == 0;
    const bool renames = !standard && lt_takes_a_rename(path);
    *o = (lt_output){.place = strdup(standard ? "standard output" : path),
                     .temporary = renames ? lt_temporary_name(path) : NULL};
    if (!o->place || (renames && !o->temporary)) {
        lt_output_abandon(o);
        return lt_fail(err, LT_ERR_RESOURCES, "%s: no memory to write it", path);
    }
    const int fd = standard  ? open_standard()
                   : renames ? lt_temporary_create(o->temporary)
                             : open(path, O_WRONLY | O_CLOEXEC);
    o->file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (o->file)
        return LT_OK;
    const lt_status s = lt_fail_to_write(o->place, err);
    if (fd >= 0)
        close(fd);
    lt_output_abandon(o);
    return s;
}

lt_status lt_output_write(lt_output *o, const void *data, size_t bytes, lt_error *err)
{
    lt_pipe_guard guard;
    lt_pipe_guard_begin(&guard);
    const bool fine = fwrite(data, 1, bytes, o->file) == bytes && fflush(o->file) == 0;
    lt_pipe_guard_end(&guard);
    return fine ? LT_OK : lt_fail_to_write(o->place, err);
}

static bool sync_file(const lt_output *o)
{
    return fflush(o->file) == 0 && !ferror(o->file) &&
           (!o->temporary || fsync(fileno(o->file)) == 0);
}

/* Another machine, which sees no process of this one, leaves the file alone while it is open. */
static lt_status publish(lt_output *o, lt_error *err)
{
    if (!sync_file(o))
        return lt_fail_to_write(o->place, err);
    if (o->temporary)
        LT_TRY(lt_rename_durably(o->temporary, o->place, err));
    free(o->temporary);
    o->temporary = NULL;
    FILE *const file = o->file;
    o->file = NULL;
    return fclose(file) == 0 ? LT_OK : lt_fail_to_write(o->place, err);
}

lt_status lt_output_publish(lt_output *o, lt_error *err)
{
    lt_pipe_guard guard;
    lt_pipe_guard_begin(&guard);
    const lt_status s = publish(o, err);
    lt_output_abandon(o);
    lt_pipe_guard_end(&guard);
    return s;
}

/* What a reader did not take is not tried again. */
void lt_output_abandon(lt_output *o)
{
    if (o->file) {
        __fpurge(o->file);
        (void)fclose(o->file);
    }
    if (o->temporary)
        (void)unlink(o->temporary);
    free(o->temporary);
    free(o->place);
    *o = (lt_output){0};
}
