/* pipeline_config.h - sampling defaults of a model; keys of the optional section `pipeline`, absent
 * = the released values; width, height and overlap then follow from the other sections. */
#ifndef CFG_PIPELINE_CONFIG_H
#define CFG_PIPELINE_CONFIG_H

typedef enum { CFG_SCHEDULE_OFFICIAL, CFG_SCHEDULE_RAMP, CFG_SCHEDULE_CONSTANT } cfg_schedule;
typedef enum { CFG_GUIDANCE_CFG, CFG_GUIDANCE_APG } cfg_guidance;
typedef enum { CFG_EVENTS_TOGETHER, CFG_EVENTS_SPREAD } cfg_events;

typedef struct {
    double fps;      /* 8 */
    int width;       /* pixels, 720 */
    int height;      /* 480 */
    double lm_cfg;   /* 7.5 */
    double shot_cfg; /* how strongly a new prompt is followed while the one before is in sight, 1 */
    cfg_events events;     /* together: a prompt is one text, whatever it says happens later */
    double temperature;    /* 1 */
    int top_k;             /* 0 = off */
    double top_p;          /* 0 = off */
    double motion;         /* 0.1 */
    int lm_context;        /* earlier segments kept, 4 */
    double cfg_scale;      /* 6 */
    cfg_schedule schedule; /* key cfg_schedule: official */
    cfg_guidance guidance; /* cfg */
    int overlap;           /* known latents of a window, 7 */
} cfg_pipeline;

#endif
