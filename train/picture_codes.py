"""The codes of a frame of another world: not what is seen in it, but the picture itself.

    table = allotted(pixels)               # which cosines of a picture are told, how finely, and in which of the codes
    codes = written(pixels, table)         # [n,3,128,192] in [-1,1] -> [n,44]
    luminance, chroma = read(codes, table) # -> [n,16,24], [n,2,8,12], as far as the codes tell

Luminance is averaged over cells of 8x8 pixels, chroma over 16x16, and both become cosines. A cosine
is told as one of an odd number of levels, so that nought is one of them, and a code holds several
such digits: mixed radices, as many as ENTRIES allow. All 44 codes are entries from LEARNED on; in
codes of the world those of the middle are learned entries alone, so the two kinds cannot be taken
for each other. tokenizer/picture_codes.c does the same with the table of the model file.
"""

import heapq
import math

import torch
import torch.nn.functional as F

from spelled import CODES, COLUMNS, LEARNED, LEVELS, PATCH, ROWS, WHOLE, WORDS

ENTRIES = (WORDS + WHOLE) * LEVELS  # spelled entries: values of a code
FINE = 2  # cells of luminance along a side of a patch
# levels that a cosine may have
DIGITS = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 25, 29, 33, 37, 41, 49, 57, 65]
# of luminance and both chromas: rows and columns of cosines that may be told
MOST = ((10, 14), (5, 7), (5, 7))
CHROMA = 0.8  # weight of an error of chroma
STEPS = 1 / 64  # steps are multiples of it
YCC = torch.tensor(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)


def cosines(n):
    """Orthonormal cosines of n samples [n,n]"""
    k, i = torch.arange(n)[:, None], torch.arange(n) + 0.5
    waves = (math.pi * k * i.double() / n).cos() * math.sqrt(2 / n)
    waves[0] /= math.sqrt(2)
    return waves


def cells_of(pixels):
    """-> luminance [n,2gh,2gw], chroma [n,2,gh,gw] of pixels [n,3,16gh,16gw]"""
    weights = YCC.to(pixels)
    return (
        torch.einsum("j,njyx->nyx", weights[0], F.avg_pool2d(pixels, PATCH // FINE)),
        torch.einsum("ij,njyx->niyx", weights[1:], F.avg_pool2d(pixels, PATCH)),
    )


def patch_colours(pixels):
    """Mean colours of patches [n,gh,gw,3]"""
    return F.avg_pool2d(pixels, PATCH).permute(0, 2, 3, 1)


def transformed(luminance, chroma, back=False):
    """Cells -> cosines, or back"""

    def both(x):
        down, across = cosines(x.shape[-2]).to(x), cosines(x.shape[-1]).to(x)
        return down.T @ x @ across if back else down @ x @ across.T

    return both(luminance), both(chroma)


def nearest(value, step, levels):
    """Cosines -> digits 0 .. levels - 1, the middle is nought"""
    half = (levels - 1) // 2
    return ((value / step + 0.5).floor().clamp(-half, half) + half).long()


class Allotment:
    """Levels and step of one cosine of many pictures, for every number of levels"""

    def __init__(self, values, weight):
        self.values, self.weight, self.known = (
            values,
            weight,
            {1: (float(values.square().mean()), 0.0)},
        )

    def at(self, levels):
        """-> least squared error, and its step"""
        if levels not in self.known:
            half, tried = (levels - 1) // 2, []
            for reach in torch.linspace(0.3, 4.5, 30):
                step = max(1, round(float(reach * self.values.std()) / half / STEPS)) * STEPS
                tried.append(
                    (
                        float(
                            (self.values - (nearest(self.values, step, levels) - half) * step)
                            .square()
                            .mean()
                        ),
                        step,
                    )
                )
            self.known[levels] = min(tried)
        return self.known[levels]

    def gain(self, old, new):
        """Error that a factor e more of levels takes away"""
        return (self.at(old)[0] - self.at(new)[0]) * self.weight / math.log(new / old)


def packed(levels, room):
    """Digits of so many levels -> the code of each: no code beyond ENTRIES; None where `room` codes
    do not hold them"""
    left, code = [ENTRIES] * room, [0] * len(levels)
    for i in sorted(range(len(levels)), key=lambda i: -levels[i]):
        fitting = [c for c in range(room) if left[c] >= levels[i]]
        if not fitting:
            return None
        code[i] = min(fitting, key=lambda c: left[c])
        left[code[i]] //= levels[i]
    return code


def allotted(pixels):
    """Table [cosines,6] of code, plane (0 luminance, then both chromas), row, column, levels, step
    in 64ths; sorted by code. Levels go one after the other to the cosine whose error falls most for
    them, until 44 codes are full."""
    luminance, chroma = transformed(*cells_of(pixels))
    planes = [(luminance, 1.0 / FINE**2), (chroma[:, 0], CHROMA), (chroma[:, 1], CHROMA)]
    place = [
        (p, u, v)
        for p, (rows, columns) in enumerate(MOST)
        for u in range(rows)
        for v in range(columns)
    ]
    cosine = [Allotment(planes[p][0][:, u, v], planes[p][1]) for p, u, v in place]
    levels, queue = [1] * len(place), []

    def offer(i):
        now = DIGITS.index(levels[i])
        better = [(cosine[i].gain(levels[i], n), n) for n in DIGITS[now + 1 : now + 3]]
        if better:
            gain, n = max(better)
            heapq.heappush(queue, (-gain, i, n))

    for i in range(len(place)):
        offer(i)
    while queue:
        _, i, n = heapq.heappop(queue)
        before, levels[i] = levels[i], n
        if packed([x for x in levels if x > 1], CODES) is None:
            levels[i] = before
        else:
            offer(i)
    told = [i for i in range(len(place)) if levels[i] > 1]
    code = packed([levels[i] for i in told], CODES)
    return torch.tensor(
        sorted(
            (c, *place[i], levels[i], round(cosine[i].at(levels[i])[1] / STEPS))
            for c, i in zip(code, told)
        ),
        dtype=torch.int32,
    )


def plain_table():
    """A table as good as any where nothing is trained: a cosine of luminance in each code"""
    return torch.tensor(
        [(code, 0, code // COLUMNS, code % COLUMNS, DIGITS[-1], 8) for code in range(CODES)],
        dtype=torch.int32,
    )


def written(pixels, table, first=LEARNED, count=CODES):
    """Pixels [n,3,16gh,16gw] in [-1,1] -> codes [n,count]"""
    luminance, chroma = transformed(*cells_of(pixels))
    planes = [luminance, chroma[:, 0], chroma[:, 1]]
    codes = torch.zeros(len(pixels), count, dtype=torch.long)
    for code, plane, row, column, levels, step in table.tolist():
        codes[:, code] = codes[:, code] * levels + nearest(
            planes[plane][:, row, column], step * STEPS, levels
        )
    return first + codes


def read(codes, table, first=LEARNED, grid=(ROWS, COLUMNS)):
    """Codes -> luminance [n,2gh,2gw], chroma [n,2,gh,gw]"""
    left = codes - first
    luminance, chroma = (
        torch.zeros(len(codes), grid[0] * FINE, grid[1] * FINE),
        torch.zeros(len(codes), 2, *grid),
    )
    planes = [luminance, chroma[:, 0], chroma[:, 1]]
    for code, plane, row, column, levels, step in reversed(table.tolist()):
        planes[plane][:, row, column] = (left[:, code] % levels - (levels - 1) // 2).float() * (
            step * STEPS
        )
        left[:, code] //= levels
    return transformed(luminance, chroma, back=True)
