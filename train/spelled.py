"""The half of a frame's codes that is written down from ground truth: what the object is, and where.

A frame has 40 codes: 12 for columns and 8 for rows of patches that are spelled (this file), and the same once more that the
tokenizer learns. Every column code says (object, whether it is big, way from the column to its centre), every row code
(colour, way from the row to its centre). The way is clamped, so a code keeps its words where the object is far away or out
of sight: the language model can hardly forget what it is writing about.

A spelled code k = 1024 + 64 word + way stands in the second half of the codebook at a fixed vector: four bits of the word
as +-BIT, the way as a coarse and a fine digit, and OFFSET in the last dimension, which keeps learned codes apart. The fine
digit runs back and forth, so that a small step of the object is a small step of the vector.
"""
import torch

LEARNED = 1024                                      # entries of the codebook before the spelled ones
COLUMNS, ROWS, PATCH = 12, 8, 16
SPELLED = COLUMNS + ROWS                            # codes of a frame that are spelled; they come first
WAYS, STEP = 64, 1.5                                # levels, pixels of one level
BIG = 19.                                           # radius in pixels from which an object is big
BIT, COARSE, FINE, OFFSET = 1.5, 3., 2., 8.


def way(distance):
    """Pixels -> level 0 .. 63"""
    return (distance / STEP + WAYS / 2).round().clamp(0, WAYS - 1).long()


def spell(bodies, hues):
    """bodies [...,2,6], hues [...,2] of render's truth -> codes [...,20] of the main body"""
    x, y, radius, kind = bodies[..., 0, 0], bodies[..., 0, 1], bodies[..., 0, 2], bodies[..., 0, 5]
    centre = lambda n: torch.arange(n) * float(PATCH) + PATCH / 2
    what = kind.long().clamp(min=0) + 8 * (radius > BIG).long()
    columns = what[..., None] * WAYS + way(x[..., None] - centre(COLUMNS))
    rows = hues[..., 0, None].long() * WAYS + way(y[..., None] - centre(ROWS))
    return LEARNED + torch.cat([columns, rows], -1)


def vectors(dimensions):
    """-> [1024, dimensions]: where the spelled codes stand"""
    k = torch.arange(16 * WAYS)
    word, level = k // WAYS, k % WAYS
    coarse, fine = level // 8, level % 8
    fine = torch.where(coarse % 2 == 1, 7 - fine, fine)
    v = torch.zeros(len(k), dimensions)
    for bit in range(4):
        v[:, bit] = BIT * ((word >> bit & 1) * 2. - 1)
    v[:, 4] = COARSE * (coarse / 3.5 - 1)
    v[:, 5] = FINE * (fine / 3.5 - 1)
    v[:, -1] = OFFSET
    return v
