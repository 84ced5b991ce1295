#include "tokenizer/spelled_codes.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEVELS = CFG_SPELLED_LEVELS,
    MIDDLE = LEVELS / 2,
    WORDS = CFG_SPELLED_WORDS,
    OBJECTS = 8, /* words of columns, each of two sizes */
    ACROSS = 2,  /* which code of the whole says how far it has come */
    DOWN = 3,
    TELLING = 2, /* codes that tell a way, at least */
    AROUND = 6   /* frames before and after one that are asked what the object is */
};

/* What the codes of the columns or the rows of a frame say. */
typedef struct {
    int votes[WORDS];
    bool tells; /* where the centre is, */
    double at;  /* in pixels */
} reading;

typedef struct {
    reading across;
    reading down;
    bool sees;  /* does it tell where an object is? */
    int colour; /* that most rows say; -1: none does */
} frame_reading;

/* Codes of columns or rows of a frame. */
typedef struct {
    int32_t *codes;
    int count;
} code_line;

static code_line columns_of(const cfg_tokenizer *cfg, int32_t *frame)
{
    return (code_line){frame, cfg->grid_width};
}

static code_line rows_of(const cfg_tokenizer *cfg, int32_t *frame)
{
    return (code_line){frame + cfg->grid_width, cfg->grid_height};
}

/* Middle of column or row i, in pixels. */
static double middle_of(const cfg_tokenizer *cfg, int i)
{
    return (i + 0.5) * cfg->theia.patch_size;
}

/* Is it a word and a way? */
static bool is_spelled(const cfg_tokenizer *cfg, int32_t code)
{
    return code >= cfg->spelled_codes && code < cfg->spelled_codes + WORDS * LEVELS;
}

static int compare_places(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A way at either end of its levels says no more than that it is long. */
static reading read_line(const cfg_tokenizer *cfg, code_line line)
{
    double place[CFG_PICTURE_SIDE];
    int told = 0;
    reading r = {0};
    for (int i = 0; i < line.count; i++) {
        if (!is_spelled(cfg, line.codes[i]))
            continue;
        const int entry = line.codes[i] - cfg->spelled_codes;
        const int level = entry % LEVELS;
        r.votes[entry / LEVELS]++;
        if (level > 0 && level < LEVELS - 1)
            place[told++] = middle_of(cfg, i) + (level - MIDDLE) * cfg->spelled_step;
    }
    if (told < TELLING)
        return r;
    qsort(place, (size_t)told, sizeof *place, compare_places);
    r.tells = true;
    r.at = (place[(told - 1) / 2] + place[told / 2]) / 2;
    return r;
}

/* The first of the `count` words that none has more votes than; -1 where there are no votes. */
static int most_voted(const int *votes, int count)
{
    int best = -1;
    for (int w = 0; w < count; w++)
        if (votes[w] > (best < 0 ? 0 : votes[best]))
            best = w;
    return best;
}

static frame_reading read_frame(const cfg_tokenizer *cfg, int32_t *frame)
{
    frame_reading r = {.across = read_line(cfg, columns_of(cfg, frame)),
                       .down = read_line(cfg, rows_of(cfg, frame))};
    r.sees = r.across.tells && r.down.tells;
    r.colour = most_voted(r.down.votes, WORDS);
    return r;
}

/* What colour those of the frames say that see an object; -1 where none does. */
static int colour_between(const frame_reading *read, int64_t from, int64_t end)
{
    int votes[WORDS] = {0};
    for (int64_t f = from; f < end; f++)
        for (int w = 0; w < WORDS; w++)
            votes[w] += read[f].sees ? read[f].down.votes[w] : 0;
    return most_voted(votes, WORDS);
}

typedef struct {
    int object; /* or -1 */
    int colour;
} naming;

/* Colours are read well, objects are not: what a frame shows is what most codes say of the frames
 * around whose object has its colour. Out of sight is what those around see. */
static naming name_object(const frame_reading *read, int64_t f, int64_t frames)
{
    const int64_t from = f > AROUND ? f - AROUND : 0;
    const int64_t end = f + AROUND + 1 < frames ? f + AROUND + 1 : frames;
    const int colour = read[f].sees ? read[f].colour : colour_between(read, from, end);
    int objects[OBJECTS] = {0};
    for (int64_t i = from; i < end; i++)
        if (read[i].sees && read[i].colour == colour)
            for (int w = 0; w < WORDS; w++)
                objects[w % OBJECTS] += read[i].across.votes[w];
    return (naming){most_voted(objects, OBJECTS), colour};
}

static bool is_big(const reading *across)
{
    int votes[2] = {0};
    for (int w = 0; w < WORDS; w++)
        votes[w / OBJECTS] += across->votes[w];
    return votes[1] > votes[0];
}

/* The nearest level that there is. */
static int level_at(double value, double step)
{
    const double level = fmin(fmax(round(value / step), -MIDDLE), LEVELS - 1 - MIDDLE);
    return MIDDLE + (int)level;
}

/* Every code says `word`, and the way to `centre`. */
static void spell_line(const cfg_tokenizer *cfg, code_line line, int word, double centre)
{
    for (int i = 0; i < line.count; i++)
        line.codes[i] = cfg->spelled_codes + word * LEVELS +
                        level_at(centre - middle_of(cfg, i), cfg->spelled_step);
}

/* What is out of sight keeps its ways. */
static void name_line(const cfg_tokenizer *cfg, code_line line, int word)
{
    for (int i = 0; i < line.count; i++)
        if (is_spelled(cfg, line.codes[i]))
            line.codes[i] =
                cfg->spelled_codes + word * LEVELS + (line.codes[i] - cfg->spelled_codes) % LEVELS;
}

/* A frame's reading, and what its object is taken for. */
typedef struct {
    const frame_reading *read;
    naming name;
} shown;

static void spell_place(const cfg_tokenizer *cfg, shown now, int32_t *frame)
{
    const code_line columns = columns_of(cfg, frame);
    const code_line rows = rows_of(cfg, frame);
    if (now.name.object < 0 || now.name.colour < 0)
        return;
    const int object = now.name.object + (is_big(&now.read->across) ? OBJECTS : 0);
    if (now.read->sees) {
        spell_line(cfg, columns, object, now.read->across.at);
        spell_line(cfg, rows, now.name.colour, now.read->down.at);
    } else {
        name_line(cfg, columns, object);
        name_line(cfg, rows, now.name.colour);
    }
}

/* Writes how far the object has come into the codes of the frame that shows it `now`; false where
 * that is not told. What has another name and another colour is another object: where it stands is
 * no way that one has come. */
static bool spell_motion(const cfg_tokenizer *cfg, shown before, shown now, int32_t *frame)
{
    const double across = now.read->across.at - before.read->across.at;
    const double down = now.read->down.at - before.read->down.at;
    const double most = (MIDDLE - 1) * cfg->spelled_pace;
    const bool is_another =
        now.name.object != before.name.object && now.name.colour != before.name.colour;
    if (!before.read->sees || !now.read->sees || is_another || fabs(across) > most ||
        fabs(down) > most)
        return false;
    int32_t *whole = frame + cfg->i_tokens - CFG_SPELLED_WHOLE;
    const int32_t first = cfg->spelled_codes + WORDS * LEVELS;
    whole[ACROSS] = first + ACROSS * LEVELS + level_at(across, cfg->spelled_pace);
    whole[DOWN] = first + DOWN * LEVELS + level_at(down, cfg->spelled_pace);
    return true;
}

lt_status tok_follow_object(const cfg_tokenizer *cfg, int32_t *codes, int64_t frames, lt_error *err)
{
    if (cfg->spelled_codes == 0 || frames == 0)
        return LT_OK;
    frame_reading *read = malloc((size_t)frames * sizeof *read);
    if (!read)
        return lt_fail(err, LT_ERR_RESOURCES, "tokenizer: no memory");
    for (int64_t f = 0; f < frames; f++)
        read[f] = read_frame(cfg, codes + f * cfg->i_tokens);
    shown before = {0};
    for (int64_t f = 0; f < frames; f++) {
        int32_t *frame = codes + f * cfg->i_tokens;
        const shown now = {&read[f], name_object(read, f, frames)};
        spell_place(cfg, now, frame);
        const bool is_told = f > 0 && spell_motion(cfg, before, now, frame);
        if (is_told && f == 1) {
            int32_t *moved = codes + cfg->i_tokens - CFG_SPELLED_WHOLE + ACROSS;
            memcpy(moved, moved + cfg->i_tokens, 2 * sizeof *moved);
        }
        before = now;
    }
    free(read);
    return LT_OK;
}
