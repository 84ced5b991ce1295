/* test_frame_turn.c - the eight ways a camera may be held, on a picture of 3 x 2 pixels. */
#include "tests/support/check.h"

#include "media/frame_turn.h"

enum { ONE = 1 << 16 };

typedef struct {
    const char *story;
    int32_t matrix[4]; /* a, b, c, d: X = a x + c y, Y = b x + d y */
    const char *want;  /* rows, upright, of the stored picture "abc/def" */
    bool mirrored;
    int degrees;
} turn_case;

static const turn_case cases[] = {
    {"upright", {ONE, 0, 0, ONE}, "abc/def", false, 0},
    {"a quarter to the right", {0, ONE, -ONE, 0}, "da/eb/fc", false, 90},
    {"a half", {-ONE, 0, 0, -ONE}, "fed/cba", false, 180},
    {"a quarter to the left", {0, -ONE, ONE, 0}, "cf/be/ad", false, 270},
    {"mirrored", {-ONE, 0, 0, ONE}, "cba/fed", true, 0},
    {"upside down", {ONE, 0, 0, -ONE}, "def/abc", true, 180},
    {"transposed", {0, ONE, ONE, 0}, "ad/be/cf", true, 270},
    {"transposed the other way", {0, -ONE, -ONE, 0}, "fc/eb/da", true, 90},
    {"nearly a quarter", {1000, ONE, -ONE, 500}, "da/eb/fc", false, 90},
    {"nothing in it", {0, 0, 0, 0}, "abc/def", false, 0},
    {"smallest numbers", {INT32_MIN, 0, 0, INT32_MIN}, "fed/cba", false, 180},
};

static void pictures_come_upright(void **state)
{
    (void)state;
    uint8_t stored[2][3 * 3];
    for (int i = 0; i < 6; i++)
        memset(&stored[i / 3][i % 3 * 3], 'a' + i, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const turn_case *c = &cases[i];
        const int32_t matrix[9] = {
            c->matrix[0], c->matrix[1], 0, c->matrix[2], c->matrix[3], 0, 0, 0, 1 << 30};
        const media_turn turn = media_turn_of(matrix);
        const int width = turn.transposed ? 2 : 3;
        const int height = 5 - width;
        uint8_t upright[3 * 3 * 3];
        media_turn_rgb(turn, stored[0], sizeof stored[0], 3, 2, upright, 3 * width);
        char got[16];
        int n = 0;
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++)
                got[n++] = (char)upright[3 * (y * width + x)];
            got[n++] = y + 1 < height ? '/' : '\0';
        }
        if (strcmp(got, c->want) != 0)
            fail_msg("%s: got %s, want %s", c->story, got, c->want);
        if (media_turn_mirrors(turn) != c->mirrored || media_turn_degrees(turn) != c->degrees)
            fail_msg("%s: told as %s%d degrees", c->story,
                     media_turn_mirrors(turn) ? "mirrored, " : "", media_turn_degrees(turn));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pictures_come_upright)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
