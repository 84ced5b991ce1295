/* durable_file.h - a file appears under its name only when it is whole and on the disk. */
#ifndef MEDIA_DURABLE_FILE_H
#define MEDIA_DURABLE_FILE_H

#include "kernels/core/status.h"

/* Syncs `temporary` to the disk, gives it the name `path`, syncs the folder. LT_ERR_RESOURCES. */
lt_status media_publish(const char *temporary, const char *path, lt_error *err);

#endif
