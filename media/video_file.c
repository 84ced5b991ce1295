/* video_file.c - see video_file.h. */
#include "media/video_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/core/durable.h"
#include "kernels/core/file_error.h"
#include "kernels/core/output_file.h"
#include "kernels/core/pipe_guard.h"
#include "media/libav_error.h"
#include "media/libav_functions.h"
#include "media/packet_blob.h"
#include "media/picture_codec.h"
#include "media/picture_sequence.h"
#include "media/webp_writer.h"
#include "media/y4m_writer.h"

enum {
    BUFFER_BYTES = 1 << 16,
    HEAD_BYTES = 4096, /* the first of a growing file, in which its track has its name: some 300 */
};

/* What a growing file names its track, whatever else is left out. As a part of JSON, which the
 * comment is, the quotes would have backslashes. */
static const char growing_mark[] = "longtake \"growing\"";

struct media_file {
    media_target target;
    lt_output out;  /* of a finished file, or the device or named pipe that it is */
    int growing_fd; /* or -1 */
    int fd;         /* what is written: one of these, or the target's */
    char *path;     /* what is asked for; "standard output" of a stream */
    char *comment;
    bool begun;
    bool broken;             /* a write failed: what is there cannot be finished */
    media_blob_info info;    /* of the first window */
    const media_codec *kind; /* of the file */
    uint8_t *codec_header;   /* the copy that info points to */
    AVIOContext *io;         /* NULL of a sequence */
    media_sequence sequence; /* of pictures, which are many files */
    AVFormatContext *format; /* NULL without a muxer */
    media_y4m y4m;
    media_webp webp;
    AVPacket *packet;
    int64_t pictures;
};

/* ---- the container ---- */

static int write_to_descriptor(void *opaque, media_written_byte *data, int bytes)
{
    const media_file *f = opaque;
    int done = 0;
    while (done < bytes) {
        lt_pipe_guard guard;
        lt_pipe_guard_begin(&guard);
        const ssize_t written = write(f->fd, data + done, (size_t)(bytes - done));
        lt_pipe_guard_end(&guard);
        if (written < 0 && errno != EINTR)
            return AVERROR(errno);
        if (written > 0)
            done += (int)written;
    }
    return bytes;
}

static int64_t seek_descriptor(void *opaque, int64_t offset, int whence)
{
    const media_file *f = opaque;
    struct stat st;
    if (whence == AVSEEK_SIZE)
        return fstat(f->fd, &st) == 0 ? st.st_size : AVERROR(errno);
    const off_t at = lseek(f->fd, offset, whence & ~AVSEEK_FORCE);
    return at >= 0 ? at : AVERROR(errno);
}

/* Does it begin as a growing file does, or was it left before it began? */
static bool is_growing(int fd)
{
    char head[HEAD_BYTES];
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    const ssize_t bytes = pread(fd, head, sizeof head, 0);
    return bytes == 0 ||
           (bytes > 0 && memmem(head, (size_t)bytes, growing_mark, strlen(growing_mark)));
}

bool media_may_grow(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return true;
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const bool ours = fd >= 0 && is_growing(fd);
    if (fd >= 0)
        close(fd);
    return ours;
}

/* Another process may make a file of that name in between: then once more. */
static lt_status create_growing(const char *path, int *fd, lt_error *err)
{
    do {
        if (!media_may_grow(path))
            return lt_fail(err, LT_ERR_USAGE,
                           "%s: found a file of others, expected none: a video grows there", path);
        (void)unlink(path);
        *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    } while (*fd < 0 && errno == EEXIST);
    return *fd < 0 ? lt_fail_to_write(path, err) : LT_OK;
}

static lt_status open_descriptor(media_file *f, lt_error *err)
{
    if (f->target.kind == MEDIA_GROWING) {
        LT_TRY(create_growing(f->path, &f->growing_fd, err));
        f->fd = f->growing_fd;
    } else if (f->target.kind == MEDIA_FINISHED) {
        LT_TRY(lt_output_open(&f->out, f->path, err));
        f->fd = fileno(f->out.file);
    }
    return LT_OK;
}

static lt_status open_output(media_file *f, lt_error *err)
{
    LT_TRY(open_descriptor(f, err));
    const bool seeks = f->target.kind != MEDIA_STREAM;
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    f->io = buffer ? avio_alloc_context(buffer, BUFFER_BYTES, 1, f, NULL, write_to_descriptor,
                                        seeks ? seek_descriptor : NULL)
                   : NULL;
    if (!f->io) {
        av_free(buffer);
        return media_no_memory(err, f->path);
    }
    return LT_OK;
}

static lt_status describe_stream(media_file *f, lt_error *err)
{
    AVStream *stream = avformat_new_stream(f->format, NULL);
    if (!stream)
        return media_no_memory(err, f->path);
    const media_codec *kind = f->kind;
    AVCodecParameters *p = stream->codecpar;
    p->codec_type = AVMEDIA_TYPE_VIDEO;
    p->codec_id = kind->id;
    p->format = kind->pixels;
    p->width = f->info.width;
    p->height = f->info.height;
    p->sample_aspect_ratio = (AVRational){1, 1};
    p->field_order = AV_FIELD_PROGRESSIVE;
    p->color_space = kind->matrix;
    p->color_trc = kind->transfer;
    p->color_primaries = AVCOL_PRI_BT709;
    p->color_range = kind->range;
    p->chroma_location = AVCHROMA_LOC_LEFT;
    stream->sample_aspect_ratio = p->sample_aspect_ratio;
    stream->avg_frame_rate = (AVRational){f->info.rate_num, f->info.rate_den};
    stream->time_base = av_inv_q(stream->avg_frame_rate);
    p->extradata = av_mallocz(f->info.codec_header_bytes + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!p->extradata)
        return media_no_memory(err, f->path);
    memcpy(p->extradata, f->info.codec_header, f->info.codec_header_bytes);
    p->extradata_size = (int)f->info.codec_header_bytes;
    if (f->target.kind == MEDIA_GROWING)
        av_dict_set(&stream->metadata, kind->muxer.track_name, growing_mark, 0);
    return LT_OK;
}

static lt_status open_container(media_file *f, lt_error *err)
{
    const media_muxer *muxer = &f->kind->muxer;
    int s = avformat_alloc_output_context2(&f->format, NULL, muxer->name, NULL);
    if (s < 0)
        return media_fail(err, LT_ERR_FAILED, s, "%s: this build of libav cannot write %s", f->path,
                          muxer->name);
    f->format->pb = f->io;
    /* BITEXACT: no dates, no versions, no random numbers */
    f->format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    if (f->out.temporary) { /* read again when the index moves to the front: "file:", so that no
                               name is taken for the address of anything else */
        f->format->url = av_asprintf("file:%s", f->out.temporary);
        if (!f->format->url)
            return media_no_memory(err, f->path);
    }
    LT_TRY(describe_stream(f, err));
    if (f->comment)
        av_dict_set(&f->format->metadata, "comment", f->comment, 0);
    AVDictionary *options = NULL;
    if (muxer->option)
        av_dict_set(&options, muxer->option,
                    f->target.kind == MEDIA_FINISHED ? muxer->finished : muxer->growing, 0);
    s = avformat_write_header(f->format, &options);
    av_dict_free(&options);
    return s < 0 ? media_fail(err, LT_ERR_FAILED, s, "%s: its header cannot be written", f->path)
                 : LT_OK;
}

/* ---- pictures ---- */

/* Puts the packet's bytes into f->packet. */
static int load_packet(media_file *f, const media_blob_packet *p)
{
    const int s =
        p->bytes > INT32_MAX ? AVERROR_INVALIDDATA : av_new_packet(f->packet, (int)p->bytes);
    if (s >= 0 && p->bytes > 0)
        memcpy(f->packet->data, p->data, p->bytes);
    return s;
}

/* Gives f->packet to the muxer. */
static int mux_packet(media_file *f, int64_t index, bool is_key)
{
    f->packet->pts = index;
    f->packet->dts = index;
    f->packet->duration = 1;
    f->packet->flags = is_key ? AV_PKT_FLAG_KEY : 0;
    const AVRational picture_time = {f->info.rate_den, f->info.rate_num};
    av_packet_rescale_ts(f->packet, picture_time, f->format->streams[0]->time_base);
    return av_write_frame(f->format, f->packet);
}

static lt_status write_picture(media_file *f, const media_blob_packet *p, int64_t index,
                               lt_error *err)
{
    if (f->kind->joiner == MEDIA_BY_PICTURE_SEQUENCE)
        return media_sequence_add(&f->sequence, p->data, p->bytes, err);
    int s = load_packet(f, p);
    if (s >= 0)
        s = f->kind->joiner == MEDIA_BY_MUXER        ? mux_packet(f, index, p->is_key)
            : f->kind->joiner == MEDIA_BY_Y4M_WRITER ? media_y4m_write(&f->y4m, f->packet)
                                                     : media_webp_add(&f->webp, f->packet);
    av_packet_unref(f->packet);
    return s < 0 ? media_fail(err, LT_ERR_FAILED, s, "%s: cannot be written", f->path) : LT_OK;
}

/* ---- windows ---- */

static lt_status begin(media_file *f, const media_blob_info *info, lt_error *err)
{
    f->codec_header = malloc(info->codec_header_bytes + 1);
    if (!f->codec_header)
        return media_no_memory(err, f->path);
    memcpy(f->codec_header, info->codec_header, info->codec_header_bytes);
    f->info = *info;
    f->info.codec_header = f->codec_header;
    f->begun = true;
    const media_kind *windows = media_kind_of(info->format);
    if (f->target.as_mp4 && !windows->fits_mp4)
        return lt_fail(err, LT_ERR_USAGE, "%s: windows of %s make no MP4", f->path, windows->name);
    f->kind = media_codec_of(f->target.as_mp4 ? MEDIA_MP4 : info->format);
    /* a pipe with a name takes what is whole at the end */
    const bool joins = f->out.file ? !windows->many_files : windows->streams;
    if (f->target.kind == MEDIA_STREAM && !joins)
        return lt_fail(err, LT_ERR_USAGE, "%s: %s cannot be a stream", f->path, windows->name);
    if (f->kind->joiner == MEDIA_BY_PICTURE_SEQUENCE)
        return media_sequence_open(&f->sequence, f->path, err);
    LT_TRY(open_output(f, err));
    return f->kind->joiner == MEDIA_BY_MUXER        ? open_container(f, err)
           : f->kind->joiner == MEDIA_BY_Y4M_WRITER ? media_y4m_open(&f->y4m, f->io, &f->info, err)
                                                    : media_webp_open(&f->webp, &f->info, err);
}

static bool goes_on(const media_blob_info *a, const media_blob_info *b)
{
    return a->format == b->format && a->width == b->width && a->height == b->height &&
           a->rate_num == b->rate_num && a->rate_den == b->rate_den &&
           a->codec_header_bytes == b->codec_header_bytes &&
           memcmp(a->codec_header, b->codec_header, a->codec_header_bytes) == 0;
}

/* Everything so far becomes playable. */
static lt_status flush(media_file *f, lt_error *err)
{
    int s = 0;
    if (f->format && f->target.kind != MEDIA_FINISHED)
        s = av_write_frame(f->format, NULL); /* ends the fragment or cluster */
    if (s >= 0 && f->io) {
        avio_flush(f->io);
        s = f->io->error;
    }
    return s < 0 ? media_fail(err, LT_ERR_FAILED, s, "%s: cannot be written", f->path) : LT_OK;
}

static lt_status add_window(media_file *f, const void *blob, size_t bytes, lt_error *err)
{
    media_blob_reader r;
    LT_TRY(media_blob_open(&r, blob, bytes, err));
    if (!f->begun)
        LT_TRY(begin(f, &r.info, err));
    if (!goes_on(&f->info, &r.info))
        return lt_fail(
            err, LT_ERR_INPUT,
            "%s: a window of %dx%d at %d/%d follows one of %dx%d at %d/%d, or settings differ",
            f->path, r.info.width, r.info.height, r.info.rate_num, r.info.rate_den, f->info.width,
            f->info.height, f->info.rate_num, f->info.rate_den);
    for (;;) {
        media_blob_packet p;
        bool got;
        LT_TRY(media_blob_next(&r, &p, &got, err));
        if (!got)
            break;
        LT_TRY(write_picture(f, &p, f->pictures + p.picture, err));
    }
    f->pictures += r.info.pictures;
    return flush(f, err);
}

lt_status media_file_add(media_file *f, const void *blob, size_t bytes, lt_error *err)
{
    const lt_status s = add_window(f, blob, bytes, err);
    f->broken = f->broken || s != LT_OK;
    return s;
}

/* ---- the file ---- */

/* A device or a named pipe must not be replaced by a file of its name. */
static lt_status open_special(media_file *f, lt_error *err)
{
    if (f->target.kind != MEDIA_FINISHED || lt_takes_a_rename(f->path))
        return LT_OK;
    LT_TRY(lt_output_open(&f->out, f->path, err));
    f->target.kind = MEDIA_STREAM;
    f->fd = fileno(f->out.file);
    return LT_OK;
}

lt_status media_file_open(const media_target *target, media_file **out, lt_error *err)
{
    *out = NULL;
    LT_TRY(media_begin(err));
    media_file *f = calloc(1, sizeof *f);
    if (!f)
        return media_no_memory(err, "video");
    f->target = *target;
    f->growing_fd = -1;
    f->fd = target->fd;
    f->path = strdup(target->kind == MEDIA_STREAM ? "standard output" : target->path);
    f->comment = target->comment ? strdup(target->comment) : NULL;
    f->packet = av_packet_alloc();
    if (!f->path || !f->packet || (target->comment && !f->comment)) {
        media_file_abandon(f);
        return media_no_memory(err, "video");
    }
    const lt_status s = open_special(f, err);
    if (s != LT_OK) {
        media_file_abandon(f);
        return s;
    }
    *out = f;
    return LT_OK;
}

static void close_io(media_file *f)
{
    if (f->io)
        av_freep(&f->io->buffer);
    avio_context_free(&f->io);
}

static lt_status finish(media_file *f, lt_error *err)
{
    if (!f->begun)
        return lt_fail(err, LT_ERR_USAGE, "%s: a video without windows", f->path);
    if (f->broken) /* its trailer would describe what was never written */
        return lt_fail(err, LT_ERR_FAILED, "%s: a window could not be added", f->path);
    if (f->kind->joiner == MEDIA_BY_PICTURE_SEQUENCE)
        return media_sequence_publish(&f->sequence, err);
    int s = f->format ? av_write_trailer(f->format) : 0;
    if (f->kind->joiner == MEDIA_BY_WEBP_WRITER)
        s = media_webp_finish(&f->webp, f->comment, f->io);
    if (s >= 0) {
        avio_flush(f->io);
        s = f->io->error;
    }
    if (s < 0)
        return media_fail(err, LT_ERR_FAILED, s, "%s: cannot be finished", f->path);
    return f->out.file ? lt_output_publish(&f->out, err) : LT_OK;
}

lt_status media_file_close(media_file *f, lt_error *err)
{
    const lt_status s = finish(f, err);
    media_file_abandon(f);
    return s;
}

/* Does the name lead to the file that was made under it? */
static bool has_its_name(const media_file *f)
{
    struct stat made;
    struct stat named;
    return f->growing_fd >= 0 && fstat(f->growing_fd, &made) == 0 && lstat(f->path, &named) == 0 &&
           made.st_dev == named.st_dev && made.st_ino == named.st_ino;
}

void media_file_discard(media_file *f)
{
    if (f && has_its_name(f))
        (void)unlink(f->path);
    media_file_abandon(f);
}

void media_file_abandon(media_file *f)
{
    if (!f)
        return;
    avformat_free_context(f->format);
    close_io(f);
    lt_output_abandon(&f->out);
    media_sequence_close(&f->sequence);
    media_y4m_close(&f->y4m);
    media_webp_close(&f->webp);
    av_packet_free(&f->packet);
    if (f->growing_fd >= 0)
        (void)close(f->growing_fd);
    free(f->codec_header);
    free(f->comment);
    free(f->path);
    free(f);
}
