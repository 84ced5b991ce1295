/* frame_reader.c - see frame_reader.h. */
#include "media/frame_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/libav_error.h"
#include "media/libav_functions.h"
#include "media/picture_scaler.h"
#include "media/video_input.h"
#include "media/webp_chunks.h"

static const double most_seconds = 24 * 3600.0;
static const double most_aspect = 16.0;
static const double most_fps = 1000.0;
static const double still_fps = 25.0; /* of a file that says nothing about its rate */

struct media_reader {
    media_input in;
    char *path;
    media_read_options options;
    media_video_info info;
    media_webp_info webp;
    char *comment; /* of what libav reads */

    AVFrame *shown; /* the picture on the screen */
    AVFrame *next;  /* the one after it */
    bool have_next;
    double shown_at; /* seconds after the first picture */
    double next_at;
    int64_t first_tick;
    double tolerance; /* seconds by which a time of the file may be rounded */
    int64_t frame;    /* the next to hand out */

    uint8_t *fitted; /* `shown` as a frame, [height, width, 3] */
    bool is_fitted;
    AVFrame *scaled; /* between libswscale and the frame */
    AVFrame *bytes;  /* `shown`, where that has several pixels in a byte */
    AVFrame *cut;    /* view of the part that is seen */
    media_scaler scaler;
};

/* ---- times ---- */

/* Reads the picture after `next`'s predecessor into `next`. Times never run backwards. */
static lt_status advance(media_reader *r, lt_error *err)
{
    const double earlier = r->next_at;
    const bool first = r->in.decoded == 0;
    LT_TRY(media_input_next(&r->in, r->next, &r->have_next, err));
    r->info.damaged = r->in.damaged;
    if (!r->have_next)
        return LT_OK;
    const int64_t tick = r->next->best_effort_timestamp;
    if (first) {
        r->first_tick = tick;
        r->next_at = 0;
        return LT_OK;
    }
    const double period = 1.0 / (r->info.stored_fps > 0 ? r->info.stored_fps : still_fps);
    const bool timed = tick != AV_NOPTS_VALUE && r->first_tick != AV_NOPTS_VALUE;
    const double at = timed
                          ? ((double)tick - (double)r->first_tick) * av_q2d(r->in.stream->time_base)
                          : earlier + period;
    r->next_at = at > earlier ? at : earlier;
    if (r->next_at > most_seconds)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: picture %lld stands at %.0f s, expected at most %.0f s", r->path,
                       (long long)r->in.decoded, r->next_at, most_seconds);
    return LT_OK;
}

static void show_next(media_reader *r)
{
    AVFrame *old = r->shown;
    r->shown = r->next;
    r->next = old;
    av_frame_unref(r->next);
    r->shown_at = r->next_at;
    r->is_fitted = false;
}

/* When the last picture, `shown`, goes. */
static double end_of_last(const media_reader *r)
{
    const double period = 1.0 / (r->info.stored_fps > 0 ? r->info.stored_fps : still_fps);
    if (r->in.end == AV_NOPTS_VALUE || r->first_tick == AV_NOPTS_VALUE)
        return r->shown_at + period;
    const double end =
        ((double)r->in.end - (double)r->first_tick) * av_q2d(r->in.stream->time_base);
    return end > r->shown_at ? fmin(end, most_seconds) : r->shown_at + period;
}

/* Is the file one picture, of which nothing says how long it is to stand? */
static bool is_still(const media_reader *r)
{
    const char *kind = r->in.format->iformat->name;
    const size_t length = strlen(kind);
    const bool of_pictures = (length > 5 && strcmp(kind + length - 5, "_pipe") == 0) ||
                             strcmp(kind, "gif") == 0 || strcmp(kind, "apng") == 0;
    return of_pictures && !r->have_next && r->in.decoded == 1;
}

/* Makes `shown` the picture that stands at time `at`; *past says that the video is over then. */
static lt_status seek_forward(media_reader *r, double at, bool *past, lt_error *err)
{
    while (r->have_next && r->next_at <= at + r->tolerance) {
        show_next(r);
        LT_TRY(advance(r, err));
    }
    const double end = end_of_last(r) - r->tolerance;
    *past = !r->have_next && at > 0 && (at >= end || (r->frame > 0 && is_still(r)));
    return LT_OK;
}

/* ---- pictures ---- */

/* The matrix that the container has for all pictures of a stream; NULL where it has none. */
static const uint8_t *matrix_of_stream(const AVStream *stream, size_t *bytes)
{
#if LIBAVCODEC_VERSION_INT < AV_VERSION_INT(60, 31, 100)
    return av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, bytes);
#else
    const AVPacketSideData *side =
        av_packet_side_data_get(stream->codecpar->coded_side_data,
                                stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    *bytes = side ? side->size : 0;
    return side ? side->data : NULL;
#endif
}

static media_turn turn_of(const media_reader *r, const AVFrame *picture)
{
    const AVFrameSideData *side = av_frame_get_side_data(picture, AV_FRAME_DATA_DISPLAYMATRIX);
    if (side && side->size >= 9 * sizeof(int32_t))
        return media_turn_of((const int32_t *)(const void *)side->data);
    size_t bytes = 0;
    const uint8_t *matrix = matrix_of_stream(r->in.stream, &bytes);
    if (matrix && bytes >= 9 * sizeof(int32_t))
        return media_turn_of((const int32_t *)(const void *)matrix);
    return (media_turn){false, false, false};
}

static lt_status aspect_of(media_reader *r, AVFrame *picture, double *aspect, lt_error *err)
{
    const AVRational q = av_guess_sample_aspect_ratio(r->in.format, r->in.stream, picture);
    *aspect = q.num > 0 && q.den > 0 ? av_q2d(q) : 1.0;
    if (*aspect > most_aspect || *aspect < 1 / most_aspect)
        return lt_fail(err, LT_ERR_INPUT, "%s: pixels of %d:%d, expected 1:%g to %g:1", r->path,
                       q.num, q.den, most_aspect, most_aspect);
    return LT_OK;
}

/* What a person would call the video's size: turned upright, pixels square. */
static lt_status choose_size(media_reader *r, lt_error *err)
{
    double aspect;
    LT_TRY(aspect_of(r, r->next, &aspect, err));
    r->info.stored_width = r->next->width;
    r->info.stored_height = r->next->height;
    const int width = (int)fmax(1, floor(r->next->width * aspect + 0.5));
    r->info.turn = turn_of(r, r->next);
    const bool lying = r->info.turn.transposed;
    r->info.seen_width = lying ? r->next->height : width;
    r->info.seen_height = lying ? width : r->next->height;
    r->info.width = r->options.width > 0 ? r->options.width : r->info.seen_width;
    r->info.height = r->options.width > 0 ? r->options.height : r->info.seen_height;
    if (r->options.width == 0 && width > MEDIA_MOST_SIDE)
        return lt_fail(err, LT_ERR_INPUT,
                       "%s: pictures %d pixels wide on a screen, expected at most %d", r->path,
                       width, MEDIA_MOST_SIDE);
    return LT_OK;
}

/* A picture of that size and format, which may be there already. */
static int make_room(AVFrame *picture, int width, int height, int format)
{
    if (picture->width == width && picture->height == height && picture->format == format)
        return 0;
    av_frame_unref(picture);
    picture->width = width;
    picture->height = height;
    picture->format = format;
    return av_frame_get_buffer(picture, 0);
}

static lt_status fail_at_picture(const media_reader *r, int error, lt_error *err)
{
    return media_fail(err, LT_ERR_INPUT, error, "%s: picture of %dx%d", r->path, r->shown->width,
                      r->shown->height);
}

/* `shown` in whole bytes: of eight pixels in one libav cuts none off. */
static lt_status in_bytes(media_reader *r, AVFrame **picture, lt_error *err)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(r->shown->format);
    *picture = r->shown;
    if (!d || !(d->flags & AV_PIX_FMT_FLAG_BITSTREAM))
        return LT_OK;
    const int s = make_room(r->bytes, r->shown->width, r->shown->height,
                            d->nb_components == 1 ? AV_PIX_FMT_GRAY8 : AV_PIX_FMT_RGB24);
    if (s < 0)
        return fail_at_picture(r, s, err);
    *picture = r->bytes;
    return media_scale(&r->scaler, r->shown, r->bytes, err);
}

/* The seen part of `shown`, scaled to the placement, RGB, still as it was stored. */
static lt_status scale_seen_part(media_reader *r, const media_placement *p, lt_error *err)
{
    AVFrame *whole;
    LT_TRY(in_bytes(r, &whole, err));
    av_frame_unref(r->cut);
    int s = av_frame_ref(r->cut, whole);
    if (s >= 0) {
        r->cut->crop_left = (size_t)p->cut_left;
        r->cut->crop_top = (size_t)p->cut_top;
        r->cut->crop_right = (size_t)(r->shown->width - p->cut_left - p->cut_width);
        r->cut->crop_bottom = (size_t)(r->shown->height - p->cut_top - p->cut_height);
        s = av_frame_apply_cropping(r->cut, AV_FRAME_CROP_UNALIGNED);
    }
    if (s >= 0)
        s = make_room(r->scaled, p->width, p->height, AV_PIX_FMT_RGB24);
    if (s < 0)
        return fail_at_picture(r, s, err);
    return media_scale(&r->scaler, r->cut, r->scaled, err);
}

static lt_status fit_shown(media_reader *r, lt_error *err)
{
    if (r->is_fitted)
        return LT_OK;
    const media_turn turn = turn_of(r, r->shown);
    const int width = r->info.width;
    const int height = r->info.height;
    double aspect;
    media_placement p; /* in the frame as it lies in the file */
    LT_TRY(aspect_of(r, r->shown, &aspect, err));
    LT_TRY(media_place(r->shown->width, r->shown->height, aspect, turn.transposed ? height : width,
                       turn.transposed ? width : height, r->options.fit, &p, err));
    LT_TRY(scale_seen_part(r, &p, err));
    memset(r->fitted, 0, 3 * (size_t)width * (size_t)height);
    const ptrdiff_t stride = 3 * (ptrdiff_t)width;
    const ptrdiff_t left = turn.transposed ? p.top : p.left;
    const ptrdiff_t top = turn.transposed ? p.left : p.top;
    media_turn_rgb(turn, r->scaled->data[0], r->scaled->linesize[0], p.width, p.height,
                   r->fitted + top * stride + 3 * left, stride);
    r->is_fitted = true;
    return LT_OK;
}

/* ---- the reader ---- */

static lt_status check_options(const char *path, const media_read_options *o, lt_error *err)
{
    const bool no_size = o->width == 0 && o->height == 0;
    const bool size = o->width > 0 && o->height > 0 && o->width <= MEDIA_MOST_SIDE &&
                      o->height <= MEDIA_MOST_SIDE;
    if (!no_size && !size)
        return lt_fail(err, LT_ERR_USAGE, "%s: frames of %dx%d, expected 1x1 to %dx%d", path,
                       o->width, o->height, MEDIA_MOST_SIDE, MEDIA_MOST_SIDE);
    if (!(o->fps >= 0 && o->fps <= most_fps))
        return lt_fail(err, LT_ERR_USAGE, "%s: %g frames a second, expected at most %g", path,
                       o->fps, most_fps);
    if (!(o->from_seconds >= 0 && o->from_seconds <= most_seconds))
        return lt_fail(err, LT_ERR_USAGE, "%s: from %g s, expected 0 to %g", path, o->from_seconds,
                       most_seconds);
    return LT_OK;
}

static lt_status describe(media_reader *r, lt_error *err)
{
    const AVFormatContext *format = r->in.format;
    const AVStream *stream = r->in.stream;
    AVRational rate = stream->avg_frame_rate;
    if (rate.num <= 0 || rate.den <= 0)
        rate = av_guess_frame_rate(r->in.format, r->in.stream, NULL);
    if (rate.num > 0 && rate.den > 0)
        r->info.stored_fps = fmin(av_q2d(rate), most_fps);
    if (stream->duration > 0)
        r->info.seconds = (double)stream->duration * av_q2d(stream->time_base);
    else if (format->duration > 0)
        r->info.seconds = (double)format->duration / AV_TIME_BASE;
    r->info.frames = stream->nb_frames > 0 ? stream->nb_frames : 0;
    r->info.fps = r->info.stored_fps > 0 ? r->info.stored_fps : still_fps;
    if (r->options.fps > 0)
        r->info.fps = r->options.fps;
    for (unsigned i = 0; i < format->nb_streams; i++)
        r->info.has_sound =
            r->info.has_sound || format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    r->info.codec = r->in.decoder->codec->name;
    const AVDictionaryEntry *comment = av_dict_get(format->metadata, "comment", NULL, 0);
    /* libav may replace its own while frames are read */
    r->comment = comment ? strdup(comment->value) : NULL;
    if (comment && !r->comment)
        return media_no_memory(err, r->path);
    r->info.comment = r->comment;
    const AVDictionaryEntry *writer = av_dict_get(format->metadata, "encoder", NULL, 0);
    /* our own files say no version */
    r->info.written_again = writer && strcmp(writer->value, "Lavf") != 0;
    r->tolerance = fmin(av_q2d(stream->time_base) / 2, 1e-3);
    return LT_OK;
}

/* An animated WebP, which libav reads no pictures from. */
static void tell_webp(media_reader *r)
{
    const media_webp_info *w = &r->webp;
    r->info = (media_video_info){.width = r->options.width > 0 ? r->options.width : w->width,
                                 .height = r->options.width > 0 ? r->options.height : w->height,
                                 .fps = still_fps,
                                 .stored_width = w->width,
                                 .stored_height = w->height,
                                 .seen_width = w->width,
                                 .seen_height = w->height,
                                 .seconds = (double)w->milliseconds / 1000,
                                 .frames = w->pictures,
                                 .told_only = true,
                                 .codec = "webp",
                                 .comment = w->comment};
    if (w->milliseconds > 0)
        r->info.stored_fps = fmin((double)w->pictures / r->info.seconds, most_fps);
    if (r->options.fps > 0 || w->milliseconds > 0)
        r->info.fps = r->options.fps > 0 ? r->options.fps : r->info.stored_fps;
}

static lt_status refuse_webp(const media_reader *r, lt_error *err)
{
    return lt_fail(
        err, LT_ERR_INPUT,
        "%s: an animated WebP, of which no pictures can be read; expected a video%s", r->path,
        r->webp.comment ? "\nhint: `longtake generate --recipe` makes the same take as an MP4"
                        : "");
}

static lt_status begin(media_reader *r, lt_error *err)
{
    LT_TRY(media_webp_look(r->path, &r->webp, err));
    if (r->webp.animated) {
        tell_webp(r);
        return LT_OK;
    }
    r->shown = av_frame_alloc();
    r->next = av_frame_alloc();
    r->scaled = av_frame_alloc();
    r->bytes = av_frame_alloc();
    r->cut = av_frame_alloc();
    if (!r->shown || !r->next || !r->scaled || !r->bytes || !r->cut)
        return media_no_memory(err, r->path);
    LT_TRY(media_input_open(&r->in, r->path, r->options.stop, r->options.user, err));
    LT_TRY(describe(r, err));
    LT_TRY(advance(r, err));
    if (!r->have_next)
        return lt_fail(err, LT_ERR_INPUT, "%s: there is no picture in it", r->path);
    LT_TRY(choose_size(r, err));
    r->fitted = malloc(3 * (size_t)r->info.width * (size_t)r->info.height);
    if (!r->fitted)
        return media_no_memory(err, r->path);
    bool past;
    LT_TRY(seek_forward(r, r->options.from_seconds, &past, err));
    if (past)
        return lt_fail(err, LT_ERR_USAGE, "%s: from %g s, but it ends at %.3f s", r->path,
                       r->options.from_seconds, end_of_last(r));
    return LT_OK;
}

lt_status media_reader_open(const char *path, const media_read_options *options, media_reader **out,
                            lt_error *err)
{
    *out = NULL;
    LT_TRY(check_options(path, options, err));
    LT_TRY(media_begin(err));
    media_reader *r = calloc(1, sizeof *r);
    if (!r)
        return media_no_memory(err, path);
    r->options = *options;
    r->path = strdup(path);
    const lt_status s = r->path ? begin(r, err) : media_no_memory(err, path);
    if (s != LT_OK) {
        media_reader_close(r);
        return s;
    }
    *out = r;
    return LT_OK;
}

void media_reader_close(media_reader *r)
{
    if (!r)
        return;
    media_scaler_close(&r->scaler);
    av_frame_free(&r->shown);
    av_frame_free(&r->next);
    av_frame_free(&r->scaled);
    av_frame_free(&r->bytes);
    av_frame_free(&r->cut);
    media_input_close(&r->in);
    media_webp_info_clear(&r->webp);
    free(r->comment);
    free(r->fitted);
    free(r->path);
    free(r);
}

const media_video_info *media_reader_info(const media_reader *r)
{
    return &r->info;
}

void media_reader_read_at(media_reader *r, double fps)
{
    r->info.fps = fmin(fps, most_fps);
}

lt_status media_read_frame(media_reader *r, uint8_t *rgb, bool *got, lt_error *err)
{
    bool past;
    *got = false;
    if (r->info.told_only)
        return refuse_webp(r, err);
    LT_TRY(media_input_check(&r->in, err)); /* one picture may be many frames */
    LT_TRY(seek_forward(r, r->options.from_seconds + (double)r->frame / r->info.fps, &past, err));
    if (past)
        return LT_OK;
    LT_TRY(fit_shown(r, err));
    memcpy(rgb, r->fitted, 3 * (size_t)r->info.width * (size_t)r->info.height);
    r->frame++;
    *got = true;
    return LT_OK;
}
