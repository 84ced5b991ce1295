/* test_take_plan.c - the segment of a frame, in plans made in one go and joined ones. */
#include "pipeline/plan/take_plan.h"

#include "tests/support/check.h"

enum { MOST = 8 };

static void segments_of_frames(void **state)
{
    (void)state;
    static const struct {
        int frames[MOST]; /* of the segments, 0 ends them */
        int64_t g;
        int64_t segment;
        int frame;
    } row[] = {{{13}, 0, 0, 0},
               {{13}, 12, 0, 12},
               {{13}, 13, 0, 12}, /* behind the end: the last */
               {{13, 13, 5}, 12, 0, 12},
               {{13, 13, 5}, 13, 1, 0},
               {{13, 13, 5}, 30, 2, 4},
               {{13, 13, 5}, 99, 2, 4},
               {{1, 1, 1, 13, 2, 7}, 2, 2, 0},
               {{1, 1, 1, 13, 2, 7}, 3, 3, 0},
               {{1, 1, 1, 13, 2, 7}, 15, 3, 12},
               {{1, 1, 1, 13, 2, 7}, 17, 4, 1},
               {{1, 1, 1, 13, 2, 7}, 18, 5, 0}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        take_segment segment[MOST] = {{0}};
        take_plan plan = {.segment = segment};
        for (; plan.segments < MOST && row[i].frames[plan.segments] > 0; plan.segments++) {
            segment[plan.segments].first_frame = plan.frames;
            segment[plan.segments].frames = row[i].frames[plan.segments];
            plan.frames += segment[plan.segments].frames;
        }
        int frame = -1;
        const int64_t found = take_plan_at(&plan, row[i].g, &frame);
        if (found != row[i].segment || frame != row[i].frame)
            fail_msg("row %zu: frame %lld is %d of segment %lld, want %d of %lld", i,
                     (long long)row[i].g, frame, (long long)found, row[i].frame,
                     (long long)row[i].segment);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(segments_of_frames)};
    return cmocka_run_group_tests_name("plans of a run", tests, NULL, NULL);
}
