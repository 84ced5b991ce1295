"""The codes of a frame that are written down from ground truth: what the object is, where, how
large and how it moves.

A frame has 44 codes. The first 12 stand for columns and the next 8 for rows of patches; then come
the same again, which the tokenizer learns; the last 4 are spelled for the object as a whole. Every
column code says (object, whether it is big, way from the column to its centre), every row code
(colour, way from the row to its centre). The way is clamped, so a code keeps its words where the
object is far away or out of sight: the language model can hardly forget what it is writing about.
The codes of the whole say its radius, its angle, and how far it has come since the frame before,
across and down: what one picture does not show of the four frames that its latent holds.

Spelled codes are the codebook's entries from LEARNED on, at fixed vectors. Place: 64 word + way,
the word as four bits of +-BIT, the way as a coarse and a fine digit. Whole: 64 quantity + level, as
MARK and two digits in dimensions of the quantity's own, so that the mean of the four still says all
(the angle as a point of a circle). The fine digit runs back and forth: a small step of the object
is a small step of the vector. OFFSET in the eighth dimension keeps learned codes apart. From
WAVES_AT on stand waves of the way and of the angle, the radius and the motion as plain numbers,
from NAMES_AT on one dimension for each word: a perceptron that paints latent cells of objects from
these vectors comes to three quarters of the squared error that it reaches without.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F

from render import UNIT
from scene import RGB, Body
from training import config

TOKENIZER = config("tokenizer")  # the program reads its part of what follows there too
# entries of the codebook before the spelled ones
LEARNED = TOKENIZER["spelled_codes"]
COLUMNS, ROWS = TOKENIZER["grid_width"], TOKENIZER["grid_height"]
PATCH = TOKENIZER["theia"]["patch_size"]
# codes of a frame; the first PLACE and the last WHOLE are spelled
CODES, PLACE, WHOLE = TOKENIZER["i_tokens"], COLUMNS + ROWS, 4
# levels of a quantity, pixels of one level of a way
LEVELS, STEP = 64, TOKENIZER["spelled_step"]
WORDS = 16
BIG = 19.0  # radius in pixels from which an object is big
LEAST, MOST = 6.0, 60.0  # radii, in pixels
SPEED_STEP = TOKENIZER["spelled_pace"]  # pixels a semantic frame
# ball ... balloon: so many turns of one full angle look the same
TURNS = torch.tensor([2, 4, 3, 5, 1, 3, 2, 1])
BIT, COARSE, FINE, MARK, OFFSET = 1.5, 3.0, 2.0, 8.0, 8.0
MARK_AT = 6  # dimension of MARK
WAVES_AT, WAVE = 16, 1.0  # first dimension of the waves, their height
PERIODS = (96.0, 48.0, 24.0, 12.0)  # of the way, in pixels
# of the angle, in the first four of these dimensions; plain numbers in the others
HARMONICS = (2, 3)
# first of the words' own dimensions, their height
NAMES_AT, NAME = 24, 2.0
NUMBERS = 7  # that they stand for, see `numbers`
IS_SPELLED = torch.tensor([j < PLACE or j >= CODES - WHOLE for j in range(CODES)])


def level(value, step):
    """Signed value -> level 0 .. 63, zero in the middle"""
    return (value / step + LEVELS / 2).round().clamp(0, LEVELS - 1).long()


def middles(n, device=None):
    """Centres of n columns or rows of patches, in pixels"""
    return torch.arange(n, device=device) * float(PATCH) + PATCH / 2


def told_centre(way):
    """Levels of the ways of all columns or rows [...,n] -> centre in pixels, whether any of them
    tells it [...]"""
    there = ((way > 0) & (way < LEVELS - 1)).float()
    at = middles(way.shape[-1], way.device) + (way - LEVELS / 2) * STEP
    return (at * there).sum(-1) / there.sum(-1).clamp(min=1e-6), there.sum(-1) > 0


def spell(bodies, hues):
    """bodies [...,T,2,6], hues [...,T,2] of render's truth, T semantic frames in a row -> codes
    [...,T,24] of the main body: those of the place, then those of the whole. The first frame moves
    as the second does."""
    x, y, radius, angle, _, kind = bodies[..., 0, :].unbind(-1)
    kind = kind.long().clamp(min=0)
    what = kind + 8 * (radius > BIG).long()
    columns = what[..., None] * LEVELS + level(x[..., None] - middles(COLUMNS, x.device), STEP)
    rows = hues[..., 0, None].long() * LEVELS + level(y[..., None] - middles(ROWS, y.device), STEP)

    def speed(p):
        d = p[..., 1:] - p[..., :-1]
        return level(
            torch.cat([d[..., :1], d], -1) if d.shape[-1] else torch.zeros_like(p), SPEED_STEP
        )

    large = (
        ((radius / LEAST).clamp(min=1).log() / math.log(MOST / LEAST) * (LEVELS - 1))
        .round()
        .clamp(0, LEVELS - 1)
        .long()
    )
    turned = (angle * TURNS[kind] / (2 * math.pi) * LEVELS).round().long() % LEVELS
    whole = torch.stack([large, turned, speed(x), speed(y)], -1) + torch.arange(WHOLE) * LEVELS
    return LEARNED + torch.cat([columns, rows, WORDS * LEVELS + whole], -1)


def numbers(codes):
    """What codes [...,44] say of the main body, about -1 .. 1 each: centre across and down (as far
    outside as the columns tell), radius, cosine and sine of the angle, how far it has come across
    and down -> [...,NUMBERS]"""
    way = ((codes[..., :PLACE] - LEARNED) % LEVELS).float()

    def centre(part, size):
        at, tells = told_centre(way[..., part])
        outside = torch.where(way[..., part].mean(-1) > LEVELS / 2, 1.5, -0.5) * size
        return torch.where(tells, at, outside) * 2 / size - 1

    whole = ((codes[..., -WHOLE:] - LEARNED) % LEVELS).float()
    turn = whole[..., 1] * 2 * math.pi / LEVELS
    return torch.stack(
        [
            centre(slice(0, COLUMNS), COLUMNS * PATCH),
            centre(slice(COLUMNS, PLACE), ROWS * PATCH),
            whole[..., 0] * 2 / LEVELS - 1,
            turn.cos(),
            turn.sin(),
            whole[..., 2] / 8 - 4,
            whole[..., 3] / 8 - 4,
        ],
        -1,
    )


def plan_of(path):
    """codes [T,44] of a plan that the program has written, an .npy"""
    return torch.from_numpy(np.load(path).astype(np.int64)).view(-1, CODES)


def between(v, at):
    """v [T] at times `at`: cubic pieces that neither overshoot nor turn between two values"""
    d = np.diff(v)
    slopes = np.zeros(len(v))
    alike = d[1:] * d[:-1] > 0
    sums = np.where(alike, d[1:] + d[:-1], 1)
    slopes[1:-1] = np.where(alike, 2 * d[1:] * d[:-1] / sums, 0)
    slopes[0], slopes[-1] = d[0], d[-1]
    i = np.minimum(at.astype(int), len(v) - 2)
    u = at - i
    return (
        v[i] + d[i] * u * u * (3 - 2 * u) + u * (1 - u) * ((1 - u) * slopes[i] - u * slopes[i + 1])
    )


def radius_of(codes):
    """codes [...,44] -> radius of the object in pixels"""
    return LEAST * (MOST / LEAST) ** ((codes[..., -WHOLE] - LEARNED) % LEVELS / (LEVELS - 1))


def body_of(codes, frames):
    """codes [T,44] -> the object over `frames` frames as they spell it, before a camera that stands
    still"""
    words = (codes - LEARNED) // LEVELS
    kind = int((words[:, :COLUMNS] % 8).flatten().mode().values)
    hue = words[:, COLUMNS:PLACE].mode(1).values
    n, turn = numbers(codes).numpy(), ((codes[:, 1 - WHOLE] - LEARNED) % LEVELS).numpy()
    period = 2 * np.pi / int(TURNS[kind])
    at = np.arange(frames) / 4
    x, y = n[:, 0] * COLUMNS * PATCH / 2 / UNIT, -n[:, 1] * ROWS * PATCH / 2 / UNIT
    radius = radius_of(codes).numpy() / UNIT
    turned = np.unwrap(turn / LEVELS * period, period=period)
    # what left on one side and comes back on the other is not seen on its way
    away = np.abs(np.diff(x)) > 1
    gone = np.isin(at.astype(int), np.flatnonzero(away)) & (at % 1 > 0)
    steps = np.arange(len(codes))
    return Body(
        kind,
        between(x, at),
        between(y, at),
        between(radius, at),
        between(turned, at),
        np.ones(frames),
        1.0 - gone,
        np.stack([np.interp(at, steps, c) for c in RGB[hue.numpy()].T], 1),
        hue.numpy()[np.round(at).astype(int)],
    )


def shaken(codes, far):
    """codes [...,T,44] as a language model may have sampled them: the object of every frame is
    displaced by about far [...,T] pixels each way, in all codes that say where it is and how far it
    has come; its radius and angle are a little off."""
    spelled = codes - LEARNED
    made, moved = [], []
    for part in (slice(0, COLUMNS), slice(COLUMNS, PLACE)):
        words, way = spelled[..., part] // LEVELS, spelled[..., part] % LEVELS
        at, tells = told_centre(way.float())
        by = torch.randn(far.shape, device=codes.device) * far * tells
        way = torch.where(
            (tells & (far > 0))[..., None],
            level((at + by)[..., None] - middles(way.shape[-1], way.device), STEP),
            way,
        )
        made.append(words * LEVELS + way)
        moved.append(
            ((by - torch.cat([by[..., :1], by[..., :-1]], -1)) * (far > 0) / SPEED_STEP)
            .round()
            .long()
        )
    off = (torch.randn((2, *far.shape), device=codes.device) * far / 4).round().long()
    large, turned, across, down = (spelled[..., -WHOLE:] % LEVELS).unbind(-1)
    limited = lambda levels: levels.clamp(0, LEVELS - 1)
    whole = torch.stack(
        [
            limited(large + off[0]),
            (turned + 2 * off[1]) % LEVELS,
            limited(across + moved[0]),
            limited(down + moved[1]),
        ],
        -1,
    )
    whole = whole + (WORDS + torch.arange(WHOLE, device=codes.device)) * LEVELS
    return torch.cat([LEARNED + torch.cat(made, -1), codes[..., PLACE:-WHOLE], LEARNED + whole], -1)


def kinship(entries, waves=24, length=0.5):
    """-> [entries,F]: what codes of one word and of levels near to each other have in common, rows
    of one length; zero for learned codes"""
    k = torch.arange((WORDS + WHOLE) * LEVELS)
    word, levels = k // LEVELS, k % LEVELS
    # ways, then the quantities of the whole
    family = (word - WORDS + 1).clamp(min=0)
    f = torch.arange(1, waves + 1)
    around = (2 * math.pi / LEVELS * levels[:, None] * ((f + 1) // 2) + (f % 2) * math.pi / 2).cos()
    heights = (
        torch.where(
            (word == WORDS + 1)[:, None],
            around,
            (math.pi / LEVELS * (levels[:, None] + 0.5) * f).cos(),
        )
        / f**0.5
    )
    v = torch.zeros(entries, WORDS + WHOLE + (1 + WHOLE) * waves)
    v[LEARNED + k, word] = 1.0
    v[LEARNED + k[:, None], WORDS + WHOLE + family[:, None] * waves + f - 1] = heights
    return length * F.normalize(v, dim=1)


def into(codes, spelled):
    """codes [...,44] with the spelled ones [...,24] in their places"""
    made = codes.clone()
    made[..., IS_SPELLED] = spelled
    return made


def digits(levels):
    """levels -> coarse and fine digit, each -1 .. 1"""
    coarse, fine = levels // 8, levels % 8
    return coarse / 3.5 - 1, torch.where(coarse % 2 == 1, 7 - fine, fine) / 3.5 - 1


def vectors(dimensions):
    """-> [1280, dimensions >= 40]: where the spelled codes stand"""
    k = torch.arange((WORDS + WHOLE) * LEVELS)
    word, levels = k // LEVELS, k % LEVELS
    whole, quantity = word >= WORDS, word - WORDS
    v = torch.zeros(len(k), dimensions)
    for bit in range(4):
        v[:, bit] = BIT * ((word >> bit & 1) * 2.0 - 1) * ~whole
    coarse, fine = digits(levels)
    turn = levels * 2 * math.pi / LEVELS
    coarse, fine = (
        torch.where(word == WORDS + 1, turn.cos(), coarse),
        torch.where(word == WORDS + 1, turn.sin(), fine),
    )
    first = torch.where(whole, 8 + 2 * quantity, 4)
    v[k, first], v[k, first + 1] = COARSE * coarse, FINE * fine
    v[:, MARK_AT], v[:, 7] = MARK * whole, OFFSET
    for i, period in enumerate(PERIODS):
        phase = (levels - LEVELS / 2) * STEP * 2 * math.pi / period
        v[:, WAVES_AT + 2 * i], v[:, WAVES_AT + 2 * i + 1] = (
            WAVE * phase.cos() * ~whole,
            WAVE * phase.sin() * ~whole,
        )
    for i, harmonic in enumerate(HARMONICS):
        is_angle = word == WORDS + 1
        v[is_angle, WAVES_AT + 2 * i] = WAVE * (harmonic * turn[is_angle]).cos()
        v[is_angle, WAVES_AT + 2 * i + 1] = WAVE * (harmonic * turn[is_angle]).sin()
    v[word == WORDS, WAVES_AT + 4] = (
        LEAST * (MOST / LEAST) ** (levels[word == WORDS] / (LEVELS - 1)) / 8
    )
    for axis in (0, 1):
        is_speed = word == WORDS + 2 + axis
        v[is_speed, WAVES_AT + 5 + axis] = (levels[is_speed] - LEVELS / 2) / 8
    v[k[~whole], NAMES_AT + word[~whole]] = NAME
    return v
