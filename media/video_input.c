/* video_input.c - see video_input.h. */
#include "media/video_input.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/libav_error.h"
#include "media/libav_functions.h"
#include "media/patient_read.h"

enum { BUFFER_BYTES = 1 << 16, DECODER_THREADS = 4 };

static const char containers[] =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,ogg,flv,asf,rm,nut,mxf,dv,gif,apng,ivf,"
    "obu,av1,"
    "yuv4mpegpipe,h264,hevc,m4v,mjpeg,vc1,"
    "png_pipe,jpeg_pipe,jpegls_pipe,j2k_pipe,webp_pipe,bmp_pipe,tiff_pipe,gif_pipe,qoi_pipe,"
    "ppm_pipe,pgm_pipe,pbm_pipe,pam_pipe";

/* ---- the file, as libav sees it ---- */

static bool stops(media_input *in)
{
    if (in->stop && !in->stopped)
        in->stopped = in->stop(in->user) != 0;
    return in->stopped;
}

static int asks_to_stop(void *input)
{
    return stops(input);
}

static int read_bytes(void *opaque, uint8_t *buffer, int bytes)
{
    media_input *in = opaque;
    const ssize_t got = media_read_patiently(in->fd, buffer, (size_t)bytes, asks_to_stop, in);
    if (got > 0)
        return (int)got;
    return got == 0 ? AVERROR_EOF : in->stopped ? AVERROR_EXIT : AVERROR(errno);
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
    const media_input *in = opaque;
    if (whence & AVSEEK_SIZE) {
        struct stat st;
        return fstat(in->fd, &st) == 0 ? st.st_size : AVERROR(errno);
    }
    const int64_t at = lseek(in->fd, offset, whence & ~AVSEEK_FORCE);
    return at >= 0 ? at : AVERROR(errno);
}

/* What a demuxer gets when it asks for another file. */
static int refuse_other_file(AVFormatContext *format, AVIOContext **io, const char *url, int flags,
                             AVDictionary **options)
{
    (void)format;
    (void)io;
    (void)url;
    (void)flags;
    (void)options;
    return AVERROR(EACCES);
}

static lt_status open_file(media_input *in, lt_error *err)
{
    const bool standard = strcmp(in->path, "-") == 0;
    /* a named pipe is waited for in read_bytes */
    in->fd = standard ? dup(STDIN_FILENO) : open(in->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (in->fd < 0 || fstat(in->fd, &st) != 0 || (!standard && fcntl(in->fd, F_SETFL, 0) != 0))
        return lt_fail(err, LT_ERR_INPUT, "%s: cannot be opened: %s", in->path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return lt_fail(err, LT_ERR_INPUT, "%s: is a folder, expected a video", in->path);

    in->format = avformat_alloc_context();
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    const bool can_seek = lseek(in->fd, 0, SEEK_CUR) >= 0;
    AVIOContext *io = buffer ? avio_alloc_context(buffer, BUFFER_BYTES, 0, in, read_bytes, NULL,
                                                  can_seek ? seek_bytes : NULL)
                             : NULL;
    if (!in->format || !io) {
        if (!io)
            av_free(buffer);
        else
            avio_context_free(&io);
        return media_no_memory(err, in->path);
    }
    in->format->pb = io;
    in->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    in->format->io_open = refuse_other_file;
    return LT_OK;
}

static lt_status cancelled(const media_input *in, lt_error *err)
{
    return lt_fail(err, LT_ERR_CANCELLED, "%s: stopped as asked after %.3f s of it", in->path,
                   in->seconds_read);
}

lt_status media_input_check(media_input *in, lt_error *err)
{
    return stops(in) ? cancelled(in, err) : LT_OK;
}

/* ---- the video in it ---- */

static lt_status open_container(media_input *in, lt_error *err)
{
    AVDictionary *options = NULL;
    av_dict_set(&options, "format_whitelist", containers, 0);
    av_dict_set(&options, "protocol_whitelist", "none", 0);
    AVIOContext *io = in->format->pb; /* a failed open forgets it */
    /* judged by its contents, not its name */
    const int opened = avformat_open_input(&in->format, NULL, NULL, &options);
    av_dict_free(&options);
    if (opened < 0) {
        av_freep(&io->buffer);
        avio_context_free(&io);
        if (in->stopped)
            return cancelled(in, err);
        return media_fail(err, LT_ERR_INPUT, opened, "%s: is no video that can be read", in->path);
    }
    const int known = avformat_find_stream_info(in->format, NULL);
    if (in->stopped)
        return cancelled(in, err);
    if (known < 0)
        return media_fail(err, LT_ERR_INPUT, known, "%s: what is in it cannot be told", in->path);
    return LT_OK;
}

static lt_status find_pictures(media_input *in, lt_error *err)
{
    const AVCodec *codec = NULL;
    const int found = av_find_best_stream(in->format, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    if (found == AVERROR_DECODER_NOT_FOUND)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: its video has a codec that this build of libav does not know",
                       in->path);
    if (found < 0 || (in->format->streams[found]->disposition & AV_DISPOSITION_ATTACHED_PIC))
        return lt_fail(err, LT_ERR_INPUT, "%s: has no video in it (other streams: %u)", in->path,
                       in->format->nb_streams);
    in->stream = in->format->streams[found];

    const AVCodecParameters *p = in->stream->codecpar;
    if (p->width > MEDIA_MOST_SIDE || p->height > MEDIA_MOST_SIDE ||
        (int64_t)p->width * p->height > MEDIA_MOST_PIXELS)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: pictures of %dx%d, expected at most %d a side and %d in all", in->path,
                       p->width, p->height, MEDIA_MOST_SIDE, MEDIA_MOST_PIXELS);
    in->decoder = avcodec_alloc_context3(codec);
    in->packet = av_packet_alloc();
    if (!in->decoder || !in->packet)
        return media_no_memory(err, in->path);
    int s = avcodec_parameters_to_context(in->decoder, p);
    in->decoder->pkt_timebase = in->stream->time_base;
    in->decoder->max_pixels = MEDIA_MOST_PIXELS;
    in->decoder->thread_count = DECODER_THREADS;
    if (s >= 0)
        s = avcodec_open2(in->decoder, codec, NULL);
    if (s < 0)
        return media_fail(err, LT_ERR_INPUT, s, "%s: its %s video cannot be decoded", in->path,
                          codec->name);
    return LT_OK;
}

lt_status media_input_open(media_input *in, const char *path, int (*stop)(void *user), void *user,
                           lt_error *err)
{
    LT_TRY(media_begin(err));
    *in = (media_input){.path = path, .fd = -1, .end = AV_NOPTS_VALUE, .stop = stop, .user = user};
    lt_status s = open_file(in, err);
    if (s == LT_OK)
        s = open_container(in, err);
    if (s == LT_OK)
        s = find_pictures(in, err);
    if (s != LT_OK)
        media_input_close(in);
    return s;
}

void media_input_close(media_input *in)
{
    if (!in->path)
        return;
    avcodec_free_context(&in->decoder);
    av_packet_free(&in->packet);
    if (in->format) {
        AVIOContext *io = in->format->pb;
        avformat_close_input(&in->format);
        if (io)
            av_freep(&io->buffer);
        avio_context_free(&io);
    }
    if (in->fd >= 0)
        close(in->fd);
    *in = (media_input){.fd = -1};
}

/* ---- pictures ---- */

static lt_status damaged(const media_input *in, int averror, lt_error *err)
{
    if (in->format->pb->seekable == 0 && in->decoded == 0)
        return lt_fail(
            err, LT_ERR_INPUT,
            "%s: no picture can be read from this pipe: a damaged video, or one that is read from its end\n"
            "hint: a file is read in any order",
            in->path);
    return media_fail(err, LT_ERR_INPUT, averror,
                      "%s: damaged or cut off after %lld pictures (%.3f s)", in->path,
                      (long long)in->decoded, in->seconds_read);
}

/* Notes when the packet's picture, or sound, goes. */
static void note_end(media_input *in)
{
    const AVPacket *p = in->packet;
    const int64_t begin = p->pts != AV_NOPTS_VALUE ? p->pts : p->dts;
    int64_t end;
    if (begin == AV_NOPTS_VALUE || p->duration < 0 ||
        __builtin_add_overflow(begin, p->duration, &end))
        return;
    in->seconds_read = fmax(in->seconds_read,
                            (double)end * av_q2d(in->format->streams[p->stream_index]->time_base));
    const bool shown = p->stream_index == in->stream->index && p->duration > 0 &&
                       !(p->flags & AV_PKT_FLAG_DISCARD);
    if (shown && (in->end == AV_NOPTS_VALUE || end > in->end))
        in->end = end;
}

/* Matroska's reader takes the end of a file that was cut off for the end of the video; the header
 * knows better. Other containers report it, or their headers are not to be trusted. */
static bool ends_early(const media_input *in)
{
    const AVFormatContext *format = in->format;
    const double slack = 0.1; /* seconds; writers round */
    return strstr(format->iformat->name, "matroska") && format->duration > 0 &&
           in->seconds_read < (double)format->duration / AV_TIME_BASE - slack;
}

/* Gives the decoder one more packet of the video, or tells it that there are no more. */
static lt_status feed(media_input *in, lt_error *err)
{
    LT_TRY(media_input_check(in, err));
    int s = av_read_frame(in->format, in->packet);
    if (in->stopped)
        return cancelled(in, err);
    if (s == AVERROR_EOF && (in->cut_off || ends_early(in)))
        return damaged(in, AVERROR_INVALIDDATA, err);
    if (s == AVERROR_EOF) {
        in->drained = true;
        s = avcodec_send_packet(in->decoder, NULL);
        return s < 0 && s != AVERROR_EOF ? damaged(in, s, err) : LT_OK;
    }
    if (s < 0)
        return damaged(in, s, err);
    note_end(in);
    if (in->packet->stream_index == in->stream->index) {
        in->cut_off = in->packet->flags & AV_PKT_FLAG_CORRUPT;
        s = avcodec_send_packet(in->decoder, in->packet);
    }
    av_packet_unref(in->packet);
    /* A recording may begin between two pictures; nothing of it is
     * shown before the first whole one. */
    const bool before_first = in->decoded == 0 && s == AVERROR_INVALIDDATA;
    return s < 0 && !before_first ? damaged(in, s, err) : LT_OK;
}

lt_status media_input_next(media_input *in, AVFrame *picture, bool *got, lt_error *err)
{
    *got = false;
    for (;;) {
        const int s = avcodec_receive_frame(in->decoder, picture);
        if (s == 0) {
            in->decoded++;
            in->damaged +=
                picture->decode_error_flags != 0 || (picture->flags & AV_FRAME_FLAG_CORRUPT) != 0;
            *got = true;
            return LT_OK;
        }
        if (s == AVERROR_EOF)
            return LT_OK;
        if (s != AVERROR(EAGAIN))
            return damaged(in, s, err);
        if (in->drained)
            return LT_OK;
        LT_TRY(feed(in, err));
    }
}
