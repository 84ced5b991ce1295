/* libav_functions.h - libav, opened when a video is first touched: loading it costs more than
 * everything else that a short command does. A file of media/ that calls libav includes this after
 * libav's own headers; calls look as always.
 *
 *     LT_TRY(media_begin(err));           // every door of media/ that leads to libav begins so
 *     AVFrame *picture = av_frame_alloc();
 */
#ifndef MEDIA_LIBAV_FUNCTIONS_H
#define MEDIA_LIBAV_FUNCTIONS_H

#include <stdbool.h>

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>
#include <libavutil/display.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "kernels/core/status.h"

/* FFmpeg 6.1 moved what a container says of a stream's pictures to its parameters, and 8 has the
 * function for it no more. */
#if LIBAVCODEC_VERSION_INT < AV_VERSION_INT(60, 31, 100)
#define MEDIA_LIBAV_STREAM_SIDE_DATA(X) X(AVFORMAT, av_stream_get_side_data)
#else
#define MEDIA_LIBAV_STREAM_SIDE_DATA(X) X(AVCODEC, av_packet_side_data_get)
#endif

/* The name that FFmpeg 6.1 gave it; 9 has no other. */
#ifndef AV_PROFILE_H264_HIGH
#define AV_PROFILE_H264_HIGH FF_PROFILE_H264_HIGH
#endif

/* What AVIOContext.write_packet is given: const since FFmpeg 7. */
#if LIBAVFORMAT_VERSION_MAJOR < 61
typedef uint8_t media_written_byte;
#else
typedef const uint8_t media_written_byte;
#endif

/* X(library, function), everything of libav that is called. */
#define MEDIA_LIBAV_FUNCTIONS(X)                                                                   \
    X(AVUTIL, av_asprintf)                                                                         \
    X(AVUTIL, av_d2q)                                                                              \
    X(AVUTIL, av_dict_free)                                                                        \
    X(AVUTIL, av_dict_get)                                                                         \
    X(AVUTIL, av_dict_set)                                                                         \
    X(AVUTIL, av_dict_set_int)                                                                     \
    X(AVUTIL, av_frame_alloc)                                                                      \
    X(AVUTIL, av_frame_apply_cropping)                                                             \
    X(AVUTIL, av_frame_free)                                                                       \
    X(AVUTIL, av_frame_get_buffer)                                                                 \
    X(AVUTIL, av_frame_get_side_data)                                                              \
    X(AVUTIL, av_frame_make_writable)                                                              \
    X(AVUTIL, av_frame_ref)                                                                        \
    X(AVUTIL, av_frame_unref)                                                                      \
    X(AVUTIL, av_free)                                                                             \
    X(AVUTIL, av_freep)                                                                            \
    X(AVUTIL, av_get_pix_fmt_name)                                                                 \
    X(AVUTIL, av_log_get_level)                                                                    \
    X(AVUTIL, av_log_set_level)                                                                    \
    X(AVUTIL, av_malloc)                                                                           \
    X(AVUTIL, av_mallocz)                                                                          \
    X(AVUTIL, av_opt_set)                                                                          \
    X(AVUTIL, av_pix_fmt_desc_get)                                                                 \
    X(AVUTIL, av_strerror)                                                                         \
    X(AVUTIL, av_version_info)                                                                     \
    X(AVCODEC, av_bsf_alloc)                                                                       \
    X(AVCODEC, av_bsf_free)                                                                        \
    X(AVCODEC, av_bsf_get_by_name)                                                                 \
    X(AVCODEC, av_bsf_init)                                                                        \
    X(AVCODEC, av_bsf_receive_packet)                                                              \
    X(AVCODEC, av_bsf_send_packet)                                                                 \
    X(AVCODEC, av_new_packet)                                                                      \
    X(AVCODEC, av_packet_alloc)                                                                    \
    X(AVCODEC, av_packet_free)                                                                     \
    X(AVCODEC, av_packet_rescale_ts)                                                               \
    X(AVCODEC, av_packet_unref)                                                                    \
    X(AVCODEC, avcodec_alloc_context3)                                                             \
    X(AVCODEC, avcodec_find_decoder)                                                               \
    X(AVCODEC, avcodec_find_encoder_by_name)                                                       \
    X(AVCODEC, avcodec_free_context)                                                               \
    X(AVCODEC, avcodec_open2)                                                                      \
    X(AVCODEC, avcodec_parameters_from_context)                                                    \
    X(AVCODEC, avcodec_parameters_to_context)                                                      \
    X(AVCODEC, avcodec_receive_frame)                                                              \
    X(AVCODEC, avcodec_receive_packet)                                                             \
    X(AVCODEC, avcodec_send_frame)                                                                 \
    X(AVCODEC, avcodec_send_packet)                                                                \
    X(AVFORMAT, av_find_best_stream)                                                               \
    X(AVFORMAT, av_guess_frame_rate)                                                               \
    X(AVFORMAT, av_guess_sample_aspect_ratio)                                                      \
    X(AVFORMAT, av_read_frame)                                                                     \
    X(AVFORMAT, av_write_frame)                                                                    \
    X(AVFORMAT, av_write_trailer)                                                                  \
    X(AVFORMAT, avformat_alloc_context)                                                            \
    X(AVFORMAT, avformat_alloc_output_context2)                                                    \
    X(AVFORMAT, avformat_close_input)                                                              \
    X(AVFORMAT, avformat_find_stream_info)                                                         \
    X(AVFORMAT, avformat_free_context)                                                             \
    X(AVFORMAT, avformat_new_stream)                                                               \
    X(AVFORMAT, avformat_open_input)                                                               \
    X(AVFORMAT, avformat_write_header)                                                             \
    X(AVFORMAT, avio_alloc_context)                                                                \
    X(AVFORMAT, avio_context_free)                                                                 \
    X(AVFORMAT, avio_flush)                                                                        \
    X(AVFORMAT, avio_printf)                                                                       \
    X(AVFORMAT, avio_write)                                                                        \
    X(SWSCALE, sws_freeContext)                                                                    \
    X(SWSCALE, sws_getCachedContext)                                                               \
    X(SWSCALE, sws_getCoefficients)                                                                \
    X(SWSCALE, sws_scale)                                                                          \
    X(SWSCALE, sws_setColorspaceDetails)                                                           \
    MEDIA_LIBAV_STREAM_SIDE_DATA(X)

typedef struct {
#define MEMBER(library, function)                                                                  \
    __typeof__(function) *function; /* NOLINT(bugprone-macro-parentheses): declares a name */
    MEDIA_LIBAV_FUNCTIONS(MEMBER)
#undef MEMBER
} media_libav_table;

extern media_libav_table media_libav; /* filled by media_begin, once in the life of a process */

/* Opens libav, and silences it unless the program that we are part of has chosen a level of its
 * own: it would write to standard error. LT_ERR_FAILED when its libraries are not there,
 * LT_ERR_RESOURCES when memory ends first. */
lt_status media_begin(lt_error *err);
bool media_has_begun(void); /* libav is open */

#ifndef MEDIA_LIBAV_NAMES /* libav_functions.c reads the names themselves */
#define av_asprintf                     media_libav.av_asprintf
#define av_d2q                          media_libav.av_d2q
#define av_dict_free                    media_libav.av_dict_free
#define av_dict_get                     media_libav.av_dict_get
#define av_dict_set                     media_libav.av_dict_set
#define av_dict_set_int                 media_libav.av_dict_set_int
#define av_frame_alloc                  media_libav.av_frame_alloc
#define av_frame_apply_cropping         media_libav.av_frame_apply_cropping
#define av_frame_free                   media_libav.av_frame_free
#define av_frame_get_buffer             media_libav.av_frame_get_buffer
#define av_frame_get_side_data          media_libav.av_frame_get_side_data
#define av_frame_make_writable          media_libav.av_frame_make_writable
#define av_frame_ref                    media_libav.av_frame_ref
#define av_frame_unref                  media_libav.av_frame_unref
#define av_free                         media_libav.av_free
#define av_freep                        media_libav.av_freep
#define av_get_pix_fmt_name             media_libav.av_get_pix_fmt_name
#define av_log_get_level                media_libav.av_log_get_level
#define av_log_set_level                media_libav.av_log_set_level
#define av_malloc                       media_libav.av_malloc
#define av_mallocz                      media_libav.av_mallocz
#define av_opt_set                      media_libav.av_opt_set
#define av_pix_fmt_desc_get             media_libav.av_pix_fmt_desc_get
#define av_strerror                     media_libav.av_strerror
#define av_version_info                 media_libav.av_version_info
#define av_bsf_alloc                    media_libav.av_bsf_alloc
#define av_bsf_free                     media_libav.av_bsf_free
#define av_bsf_get_by_name              media_libav.av_bsf_get_by_name
#define av_bsf_init                     media_libav.av_bsf_init
#define av_bsf_receive_packet           media_libav.av_bsf_receive_packet
#define av_bsf_send_packet              media_libav.av_bsf_send_packet
#define av_new_packet                   media_libav.av_new_packet
#define av_packet_alloc                 media_libav.av_packet_alloc
#define av_packet_free                  media_libav.av_packet_free
#define av_packet_rescale_ts            media_libav.av_packet_rescale_ts
#define av_packet_side_data_get         media_libav.av_packet_side_data_get
#define av_packet_unref                 media_libav.av_packet_unref
#define avcodec_alloc_context3          media_libav.avcodec_alloc_context3
#define avcodec_find_decoder            media_libav.avcodec_find_decoder
#define avcodec_find_encoder_by_name    media_libav.avcodec_find_encoder_by_name
#define avcodec_free_context            media_libav.avcodec_free_context
#define avcodec_open2                   media_libav.avcodec_open2
#define avcodec_parameters_from_context media_libav.avcodec_parameters_from_context
#define avcodec_parameters_to_context   media_libav.avcodec_parameters_to_context
#define avcodec_receive_frame           media_libav.avcodec_receive_frame
#define avcodec_receive_packet          media_libav.avcodec_receive_packet
#define avcodec_send_frame              media_libav.avcodec_send_frame
#define avcodec_send_packet             media_libav.avcodec_send_packet
#define av_find_best_stream             media_libav.av_find_best_stream
#define av_guess_frame_rate             media_libav.av_guess_frame_rate
#define av_guess_sample_aspect_ratio    media_libav.av_guess_sample_aspect_ratio
#define av_read_frame                   media_libav.av_read_frame
#define av_stream_get_side_data         media_libav.av_stream_get_side_data
#define av_write_frame                  media_libav.av_write_frame
#define av_write_trailer                media_libav.av_write_trailer
#define avformat_alloc_context          media_libav.avformat_alloc_context
#define avformat_alloc_output_context2  media_libav.avformat_alloc_output_context2
#define avformat_close_input            media_libav.avformat_close_input
#define avformat_find_stream_info       media_libav.avformat_find_stream_info
#define avformat_free_context           media_libav.avformat_free_context
#define avformat_new_stream             media_libav.avformat_new_stream
#define avformat_open_input             media_libav.avformat_open_input
#define avformat_write_header           media_libav.avformat_write_header
#define avio_alloc_context              media_libav.avio_alloc_context
#define avio_context_free               media_libav.avio_context_free
#define avio_flush                      media_libav.avio_flush
#define avio_printf                     media_libav.avio_printf
#define avio_write                      media_libav.avio_write
#define sws_freeContext                 media_libav.sws_freeContext
#define sws_getCachedContext            media_libav.sws_getCachedContext
#define sws_getCoefficients             media_libav.sws_getCoefficients
#define sws_scale                       media_libav.sws_scale
#define sws_setColorspaceDetails        media_libav.sws_setColorspaceDetails
#endif

#endif
