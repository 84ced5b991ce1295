"""Paint a scene: RGB frames and the ground truth that teaches the other networks.

    frames, truth = render(compose(graph, 49))
    frames                 uint8 [T,128,192,3]
    truth["cover"]         uint8 [T,2,32,48]   coverage of each body in 4x4-pixel cells, 0..255
    truth["layers"]        uint8 [T,4,8,12]    share of sky, far strip, mid strip, ground in a 16x16 patch
    truth["bodies"]        f32   [T,2,6]       centre x, y, radius (pixels), angle, visible, class (-1: none)
    truth["hues"]          int   [T,2]         colour index

Back to front: sky, sun, clouds, far strip, mid strip (with the landmark), ground plane, shadows and
bodies, weather. All edges are one-pixel ramps of signed distances. The strips are periodic (8
units) and painted once for a (scene, landmark, variant) with the horizon at y = 0; a bank keeps
them, since painting costs as much as ten frames.
"""

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from grammar import OBJECTS
from scene import PERIOD, RGB, compose
from training import save_atomically

WIDTH, HEIGHT, UNIT = 192, 128, 64.0
STRIP_COLUMNS = int(PERIOD * UNIT)
STRIP_TOP = 1.25  # strips span y = -1.25 .. 1.25 about the horizon
VARIANTS = 12  # landscapes per (scene, landmark)
SHADE = 0.66  # light floor of objects: colours stay readable at night


def smooth(x, a, b):
    t = ((x - a) / (b - a)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def box(x, y, half_width, half_height):
    return torch.maximum(x.abs() - half_width, y.abs() - half_height)


def disc(x, y, radius):
    return (x * x + y * y).sqrt() - radius


def periodic(x):
    """Signed distance on the 8-unit circle."""
    return (x + PERIOD / 2) % PERIOD - PERIOD / 2


# ------------------------------------------------------------------------------------- strips
class Strip:
    """A periodic picture of the landscape: premultiplied RGB, alpha, emission; painted at twice the
    size."""

    def __init__(self, scale=2):
        self.scale = scale
        k = UNIT * scale
        self.x = ((torch.arange(STRIP_COLUMNS * scale) + 0.5) / k)[None, :]
        self.y = (STRIP_TOP - (torch.arange(int(2 * STRIP_TOP * UNIT) * scale) + 0.5) / k)[:, None]
        self.pixels = torch.zeros(5, self.y.shape[0], self.x.shape[1])

    def dx(self, centre):
        return periodic(self.x - centre)

    def paint(self, distance, colour, glow=0.0):
        """Cover what lies inside `distance` < 0; colour: three numbers or three tensors."""
        cover = (0.5 - distance * UNIT * self.scale * 0.7).clamp(0, 1).expand(self.pixels.shape[1:])
        self.pixels *= 1 - cover
        for channel, value in enumerate(colour):
            self.pixels[channel] += cover * value
        self.pixels[3] += cover
        self.pixels[4] += cover * glow

    def finished(self):
        return F.avg_pool2d(self.pixels[None], self.scale)[0]


def ridge(x, rng, octaves, height):
    """Periodic outline: a sum of sines."""
    out = torch.zeros_like(x)
    for k in octaves:
        out = out + torch.sin(2 * math.pi * k * x / PERIOD + rng.uniform(0, 6.28)) * (
            0.5 * height * 2 * rng.uniform(0.6, 1.2) / k**0.8
        )
    return out


def hazed(colour, share, haze=(0.75, 0.80, 0.88)):
    return [c * (1 - share) + h * share for c, h in zip(colour, haze)]


def paint_landmark(s, kind, cx, k):
    x, y = s.dx(cx), s.y + 0.03
    side = (x / 0.3).clamp(-1, 1)
    lit = lambda colour, depth=0.25: [c * (1 - depth * (0.5 - 0.5 * side)) for c in colour]
    if kind == "lighthouse":
        w = 0.13 - 0.05 * (y / k).clamp(0, 1)
        s.paint(
            torch.maximum(x.abs() - w * k, (y - 0.5 * k).abs() - 0.5 * k),
            lit((0.95, 0.94, 0.92), 0.4),
        )
        for band in (0.15, 0.45, 0.75):
            s.paint(
                torch.maximum(x.abs() - w * k, (y - band * k).abs() - 0.075 * k),
                lit((0.85, 0.18, 0.15), 0.4),
            )
        s.paint(box(x, y - 1.03 * k, 0.125 * k, 0.022 * k), (0.25, 0.25, 0.3))
        s.paint(box(x, y - 1.11 * k, 0.07 * k, 0.075 * k), (0.99, 0.93, 0.60), 1.0)
        s.paint(torch.maximum(x.abs() + (y - 1.3 * k) * 0.8, 1.18 * k - y), (0.7, 0.14, 0.14))
    elif kind == "tree":
        s.paint(box(x, y - 0.2 * k, 0.05 * k, 0.22 * k), lit((0.42, 0.28, 0.18), 0.5))
        for a, b, r, f in (
            (0, 0.62, 0.30, 0),
            (-0.2, 0.48, 0.22, 0.05),
            (0.2, 0.50, 0.22, 0.05),
            (0.05, 0.8, 0.2, 0.1),
        ):
            shade = 0.82 + 0.22 * ((x - a * k) * 0.6 + (y - b * k)) / (r * k)
            s.paint(
                disc(x - a * k, y - b * k, r * k), [c * shade for c in (0.22 + f, 0.55 + f, 0.22)]
            )
    elif kind == "house":
        s.paint(box(x, y - 0.22 * k, 0.34 * k, 0.23 * k), lit((0.93, 0.82, 0.66)))
        s.paint(torch.maximum(x.abs() + (y - 0.75 * k) * 1.25, 0.44 * k - y), (0.70, 0.27, 0.22))
        s.paint(box(x - 0.2 * k, y - 0.62 * k, 0.05 * k, 0.12 * k), (0.6, 0.35, 0.3))
        s.paint(box(x + 0.15 * k, y - 0.27 * k, 0.075 * k, 0.075 * k), (0.98, 0.88, 0.50), 1.0)
        s.paint(box(x - 0.16 * k, y - 0.16 * k, 0.07 * k, 0.16 * k), (0.45, 0.28, 0.2))
    elif kind == "windmill":
        w = 0.17 - 0.07 * (y / 0.8).clamp(0, 1)
        s.paint(
            torch.maximum(x.abs() - w * k, (y - 0.4 * k).abs() - 0.42 * k),
            lit((0.92, 0.88, 0.82), 0.35),
        )
        s.paint(disc(x, y - 0.84 * k, 0.12 * k), (0.62, 0.25, 0.2))
        s.paint(box(x, y - 0.12 * k, 0.05 * k, 0.12 * k), (0.4, 0.28, 0.2))
        for quarter in range(4):
            a = quarter * math.pi / 2 + 0.5
            u = x * math.cos(a) + (y - 0.8 * k) * math.sin(a)
            v = -x * math.sin(a) + (y - 0.8 * k) * math.cos(a)
            s.paint(box(u - 0.27 * k, v - 0.03, 0.22 * k, 0.05 * k), (0.97, 0.96, 0.92))
            s.paint(box(u - 0.25 * k, v, 0.25 * k, 0.012 * k), (0.35, 0.3, 0.28))
    elif kind == "castle":
        s.paint(box(x, y - 0.28 * k, 0.42 * k, 0.30 * k), lit((0.70, 0.68, 0.72)))
        for a in (-0.42, 0.42):
            s.paint(box(x - a * k, y - 0.42 * k, 0.13 * k, 0.44 * k), lit((0.74, 0.72, 0.76)))
            s.paint(
                torch.maximum((x - a * k).abs() + (y - 1.15 * k) * 0.55, 0.84 * k - y),
                (0.32, 0.35, 0.66),
            )
            s.paint(box(x - a * k, y - 0.6 * k, 0.03 * k, 0.06 * k), (0.99, 0.85, 0.45), 1.0)
        for a in (-0.2, 0, 0.2):
            s.paint(box(x - a * k, y - 0.61 * k, 0.055 * k, 0.05 * k), (0.70, 0.68, 0.72))
        s.paint(
            torch.minimum(box(x, y - 0.1 * k, 0.1 * k, 0.12 * k), disc(x, y - 0.22 * k, 0.1 * k)),
            (0.3, 0.22, 0.2),
        )
    elif kind == "cactus":
        green = lit((0.25, 0.58, 0.30), 0.45)
        pill = lambda X, Y, half, r: (X**2 + (Y.abs() - half).clamp(min=0) ** 2).sqrt() - r
        s.paint(pill(x, y - 0.38 * k, 0.36 * k, 0.085 * k), green)
        s.paint(
            torch.minimum(
                pill(x + 0.22 * k, y - 0.50 * k, 0.13 * k, 0.06 * k),
                box(x + 0.12 * k, y - 0.37 * k, 0.12 * k, 0.055 * k),
            ),
            green,
        )
        s.paint(
            torch.minimum(
                pill(x - 0.22 * k, y - 0.62 * k, 0.12 * k, 0.06 * k),
                box(x - 0.12 * k, y - 0.48 * k, 0.12 * k, 0.055 * k),
            ),
            green,
        )
    elif kind == "pyramid":
        d = torch.maximum(x.abs() + (y - 0.95 * k) * 0.8, -y - 0.05)
        s.paint(d, (0.90, 0.74, 0.45))
        s.paint(torch.maximum(d, (0.95 * k - y) * 0.25 - x), (0.70, 0.55, 0.33))


def paint_skyline(s, rng, count, low, high, colour, haze, windows):
    for i in range(count):
        cx = i * PERIOD / count + rng.uniform(-0.08, 0.08)
        half, tall, tone = rng.uniform(0.13, 0.24), rng.uniform(low, high), rng.uniform(0.85, 1.1)
        x = s.dx(cx)
        s.paint(box(x, s.y, half, tall), hazed([c * tone for c in colour], haze))
        if windows:
            across, up = ((x + half) / 0.09) % 1 - 0.5, (s.y / 0.11) % 1 - 0.5
            pane = torch.maximum(across.abs() * 0.09 - 0.022, up.abs() * 0.11 - 0.028)
            s.paint(
                torch.maximum(pane, box(x, s.y, half - 0.03, tall - 0.04)), (0.95, 0.88, 0.62), 1.0
            )


def paint_peaks(far, rng):
    x, y = far.x, far.y
    top = torch.full_like(x, -9.0)
    for i in range(7):
        d = periodic(x - i * PERIOD / 7 - rng.uniform(-0.25, 0.25))
        top = torch.maximum(top, rng.uniform(0.55, 1.0) * (1 - d.abs() / rng.uniform(0.9, 1.3)))
    top = top + ridge(x, rng, (17, 23, 31), 0.10)
    far.paint(y - top, hazed((0.42, 0.46, 0.58), 0.25))
    snow_line = 0.48 + ridge(x, rng, (13, 19, 29), 0.30)
    far.paint(torch.maximum(y - top, snow_line - y), (0.95, 0.97, 1.0))


def paint_planet(far, rng):
    size, cx, cy = rng.uniform(0.45, 0.7), 4 + rng.uniform(-1.5, 1.5), 0.45
    x, y = far.dx(cx), far.y - cy
    body = RGB[[1, 4, 6, 7][int(rng.integers(4))]].tolist()
    limb = (1 - (disc(x, y, 0) / size) ** 2).clamp(min=0).sqrt() * 0.8 + 0.2
    lit = (0.6 + 0.6 * (x * 0.6 + y * 0.5) / size).clamp(0.15, 1)
    band = 0.85 + 0.2 * torch.sin(y * 14 + x * 2)
    far.paint(disc(x, y, size), [c * band * limb * lit for c in body], 0.6)
    along, across = x * 0.97 + y * 0.26, y * 0.97 - x * 0.26
    ring = (disc(along / 1.6, across / 0.32, 0) - size).abs() - 0.09
    behind = (across > 0).float()
    far.paint(
        torch.maximum(ring, -disc(x, y, size) * behind - 9 * (1 - behind)) * 0.5,
        (0.85, 0.8, 0.75),
        0.6,
    )


def paint_strips(scene, landmark, rng):
    """-> far [5,160,512], mid [5,160,512]"""
    far, mid = Strip(), Strip()
    x, y = far.x, far.y
    if scene == "beach":
        far.paint(
            y - (0.06 + ridge(x, rng, (1, 2, 3, 5), 0.10).clamp(min=-0.1)),
            hazed((0.35, 0.50, 0.50), 0.35),
        )
        far.paint(y - 0.002, (0.16, 0.46, 0.66))
    elif scene == "meadow":
        far.paint(y - (0.22 + ridge(x, rng, (1, 2, 3, 6), 0.16)), hazed((0.35, 0.55, 0.48), 0.42))
        mid.paint(
            y - (0.05 + ridge(x, rng, (1, 2, 3), 0.09)),
            [c * (0.9 + 0.25 * y) for c in (0.36, 0.66, 0.30)],
        )
        for _ in range(9):
            paint_landmark(mid, "tree", rng.uniform(0, 8), rng.uniform(0.18, 0.3))
    elif scene == "desert":
        far.paint(y - (0.16 + ridge(x, rng, (1, 2, 3), 0.16)), hazed((0.86, 0.66, 0.44), 0.3))
        mid.paint(y - (0.03 + ridge(x, rng, (1, 2), 0.10)), (0.90, 0.70, 0.42))
    elif scene == "city":
        paint_skyline(far, rng, 24, 0.35, 0.9, (0.42, 0.47, 0.58), 0.45, False)
        paint_skyline(mid, rng, 15, 0.22, 0.62, (0.45, 0.42, 0.50), 0.05, True)
    elif scene == "mountains":
        paint_peaks(far, rng)
        mid.paint(y - (0.07 + ridge(x, rng, (1, 2, 3), 0.10)), (0.24, 0.42, 0.30))
        for _ in range(40):
            cx, tall = rng.uniform(0, 8), rng.uniform(0.14, 0.28)
            fir = torch.maximum(mid.dx(cx).abs() + (y - tall) * 0.3, -y - 0.05)
            mid.paint(fir, hazed((0.14, 0.34, 0.24), rng.uniform(0, 0.2)))
    elif scene == "snowfield":
        paint_peaks(far, rng)
        mid.paint(y - (0.05 + ridge(x, rng, (1, 2), 0.08)), (0.90, 0.94, 0.99))
    elif scene == "space":
        paint_planet(far, rng)
        mid.paint(y - (0.02 + ridge(x, rng, (1, 2, 3, 7), 0.10)), (0.42, 0.42, 0.47))
    elif scene == "underwater":
        far.paint(y - (0.15 + ridge(x, rng, (1, 2, 3, 5), 0.22)), (0.08, 0.36, 0.50))
        mid.paint(y - (0.03 + ridge(x, rng, (1, 2, 4), 0.10)), (0.16, 0.46, 0.52))
        for _ in range(16):
            cx, tall, phase = rng.uniform(0, 8), rng.uniform(0.25, 0.55), rng.uniform(0, 6)
            weed = mid.dx(cx) - 0.05 * torch.sin(y * 9 + phase)
            tint = [(0.10, 0.52, 0.34), (0.75, 0.35, 0.40), (0.55, 0.40, 0.70)][
                int(rng.integers(3))
            ]
            mid.paint(
                torch.maximum(
                    weed.abs() - 0.035 * (1 - y / tall).clamp(0, 1) - 0.004,
                    (y - tall / 2).abs() - tall / 2,
                ),
                tint,
            )
    if landmark != "none":
        place, k = rng.uniform(-0.9, 0.9), rng.uniform(0.75, 1.0)
        paint_landmark(mid, landmark, (place + 4) % PERIOD, k)
        paint_landmark(mid, landmark, place % PERIOD, k * 0.85)
    return far.finished(), mid.finished()


GROUND = {
    "beach": ((0.90, 0.79, 0.56), (0.95, 0.86, 0.66)),
    "meadow": ((0.32, 0.60, 0.22), (0.46, 0.72, 0.30)),
    "desert": ((0.86, 0.63, 0.36), (0.94, 0.75, 0.48)),
    "city": ((0.33, 0.34, 0.38), (0.42, 0.43, 0.47)),
    "mountains": ((0.34, 0.50, 0.26), (0.46, 0.60, 0.32)),
    "snowfield": ((0.86, 0.91, 0.98), (0.97, 0.98, 1.0)),
    "space": ((0.46, 0.45, 0.50), (0.58, 0.57, 0.62)),
    "underwater": ((0.62, 0.62, 0.46), (0.76, 0.74, 0.56)),
}


def paint_ground(scene, rng):
    """Texture of the ground plane [3,32,512]: columns are world x, rows depth (horizon first)."""
    x = ((torch.arange(STRIP_COLUMNS) + 0.5) / UNIT)[None]
    depth = ((torch.arange(32) + 0.5) / 32)[:, None]
    grain = torch.zeros(32, STRIP_COLUMNS)
    for _ in range(14):
        k, v = int(rng.integers(2, 40)), rng.uniform(-40, 40)
        grain += (
            torch.sin(2 * math.pi * k * x / PERIOD + v * depth + rng.uniform(0, 6.28))
            * (0.9 / math.sqrt(14))
            * torch.exp(-(k / 26) * (1.4 - depth))
        )
    dark, bright = (torch.tensor(c)[:, None, None] for c in GROUND[scene])
    share = (0.5 + 0.5 * grain).clamp(0, 1)
    tex = dark * (1 - share) + bright * share
    blend = lambda tex, mask, colour: tex * (1 - mask) + mask * colour
    if scene == "city":
        dash = smooth(0.22 - (x % 1 - 0.5).abs(), -0.02, 0.02) * torch.exp(
            -(((depth - 0.62) / 0.045) ** 2)
        )
        tex = blend(tex, dash, 0.9)
    elif scene == "beach":
        shore = 0.29 + 0.04 * torch.sin(2 * math.pi * x * 3 / PERIOD)
        sea = torch.tensor((0.14, 0.50, 0.66))[:, None, None] * (0.9 + 0.18 * grain)
        tex = blend(tex, (depth < shore).float(), sea)
        foam = 0.75 * torch.exp(-(((depth - shore - 0.01) / 0.05) ** 2))
        tex = blend(tex, foam, torch.tensor((0.97, 0.98, 1.0))[:, None, None])
    elif scene == "meadow":
        for _ in range(60):
            fx, fy = rng.uniform(0, 8), rng.uniform(0.25, 1)
            dot = torch.exp(-((periodic(x - fx) / 0.03) ** 2) - ((depth - fy) / 0.022) ** 2) * 0.9
            petal = [(1, 1, 0.9), (1, 0.85, 0.2), (0.98, 0.5, 0.6)][int(rng.integers(3))]
            tex = blend(tex, dot, torch.tensor(petal)[:, None, None])
    elif scene == "space":
        for _ in range(18):
            fx, fy, r = rng.uniform(0, 8), rng.uniform(0.2, 1), rng.uniform(0.08, 0.22)
            d = ((periodic(x - fx) / r) ** 2 + ((depth - fy) / (r * 0.35)) ** 2).sqrt()
            tex = tex * (1 - 0.35 * (1 - smooth(d, 0.8, 1.0))) + 0.12 * torch.exp(
                -(((d - 1) / 0.15) ** 2)
            )
    return tex


def paint_clouds(weather, rng):
    """Cloud cover [160,512] about y = 0 .. not shifted with the horizon."""
    strip = Strip(1)
    cover = torch.zeros(strip.y.shape[0], STRIP_COLUMNS)
    for _ in range({"clear": 3, "cloudy": 13, "rain": 16, "snow": 12, "fog": 4}[weather]):
        cx, cy, s = rng.uniform(0, 8), rng.uniform(0.30, 0.95), rng.uniform(0.7, 1.25)
        for _ in range(5):
            ox, oy, r = (
                rng.uniform(-0.32, 0.32) * s,
                rng.uniform(-0.02, 0.09) * s,
                rng.uniform(0.10, 0.2) * s,
            )
            d = disc(periodic(strip.x - cx - ox) / 1.35, strip.y - cy - oy, 0)
            top = ((strip.y - cy + 0.16 * s) / (0.25 * s)).clamp(0, 1)
            cover = torch.maximum(cover, (1 - smooth(d, r * 0.55, r)) * (0.35 + 0.65 * top))
    return cover


BANK = None  # folder of painted strips that processes share


@lru_cache(None)
def strips(scene, landmark, variant):
    """-> far, mid [5,160,512], ground [3,32,512]"""
    stored = BANK and Path(BANK, f"{scene}_{landmark}_{variant}.pt")
    if stored and stored.exists():
        return torch.load(stored)
    painted = painted_strips(scene, landmark, variant)
    if stored:
        save_atomically(painted, stored)
    return painted


def painted_strips(scene, landmark, variant):
    rng = np.random.default_rng([variant, len(scene), sum(map(ord, scene + landmark))])
    far, mid = paint_strips(scene, landmark, rng)
    return far, mid, paint_ground(scene, rng)


@lru_cache(None)
def on_device(picture, device):
    """A picture of the bank on a device; tensors are told apart by identity."""
    return picture.to(device)


@lru_cache(None)
def clouds(weather, variant):
    return paint_clouds(weather, np.random.default_rng([variant, sum(map(ord, weather))]))


@lru_cache(None)
def stars():
    rng = np.random.default_rng(5)
    sky = torch.zeros(HEIGHT, WIDTH)
    for _ in range(70):
        i, j = int(rng.uniform(0, HEIGHT * 0.62)), int(rng.uniform(0, WIDTH))
        sky[i, j] = max(float(sky[i, j]), rng.uniform(0.35, 1) ** 2)
    kernel = torch.tensor([[0.18, 0.35, 0.18], [0.35, 1.0, 0.35], [0.18, 0.35, 0.18]])[None, None]
    return F.conv2d(sky[None, None], kernel, padding=1)[0, 0]


# ------------------------------------------------------------------------------------- bodies
def shape_distance(kind, x, y, angle):
    """Signed distance in units of the radius, and the turned coordinates u, v."""
    c, s = torch.cos(angle), torch.sin(angle)
    u, v = x * c + y * s, -x * s + y * c
    if kind == "ball":
        return disc(x, y, 1), u, v
    if kind == "cube":
        return torch.maximum(u.abs(), v.abs()) - 0.80, u, v
    if kind == "triangle":
        return torch.maximum(u.abs() * 0.866 + v * 0.5, -v) - 0.5, u, v
    if kind == "star":
        sector = 2 * math.pi / 5
        r, th = disc(u, v, 0), (torch.atan2(u, v) + sector / 2) % sector - sector / 2
        px, py = r * torch.sin(th.abs()), r * torch.cos(th)
        bx, by = 0.5 * math.sin(sector / 2), 0.5 * math.cos(sector / 2)
        nx, ny = 1.1 - by, bx
        return (px * nx + (py - 1.1) * ny) / math.hypot(nx, ny) - 0.03, u, v
    if kind == "heart":
        X, Y = u.abs(), v + 0.1
        lobe = disc(X - 0.46, Y - 0.32, 0.53)
        return torch.minimum(lobe, torch.maximum(X * 0.74 - Y * 0.67 - 0.66, Y - 0.30)), u, v
    if kind == "ring":
        return disc(x, y, 0.72).abs() - 0.27, u, v
    if kind == "diamond":
        return (u.abs() / 0.75 + v.abs() - 1.05) * 0.6, u, v
    skin = (disc(x / 0.82, (y - 0.1) / 0.98, 0) - 1) * 0.85
    knot = torch.maximum(x.abs() + (y + 0.80) * 0.8 - 0.02, -1.02 - y)
    string = torch.maximum(
        (x - 0.06 * torch.sin(y * 6)).abs() - 0.035, torch.maximum(y + 0.95, -1.7 - y)
    )
    return torch.minimum(torch.minimum(skin, knot), string), u, v


def shade(kind, d, x, y, u, v, colour):
    """Lit surface [T,3,S,S]; colour [T,3,1,1]."""
    light_from = lambda nx, ny, nz: 0.38 * nx + 0.62 * ny + 0.68 * nz
    if kind in ("ball", "balloon"):
        nx, ny = x, (y if kind == "ball" else y - 0.1)
        l = light_from(nx, ny, (1 - nx * nx - ny * ny).clamp(min=0.02).sqrt())
        gloss, lum, base = l.clamp(0, 1) ** 24 * 0.55, 0.52 + 0.55 * l.clamp(-0.3, 1), colour
        if kind == "ball":  # a white band shows the turning
            band = smooth(0.20 - v.abs(), -0.05, 0.05)[:, None]
            base = colour * (1 - band) + (colour * 0.25 + 0.75) * band
    elif kind == "ring":
        r = disc(x, y, 0).clamp(min=0.05)
        q = ((r - 0.72) / 0.27).clamp(-1, 1)
        l = light_from(x / r * q, y / r * q, (1 - q * q).clamp(min=0.02).sqrt())
        gloss, lum = l.clamp(0, 1) ** 20 * 0.45, 0.50 + 0.55 * l.clamp(-0.3, 1)
        mark = smooth(torch.sin(torch.atan2(v, u) * 3), 0.35, 0.75)[:, None] * 0.5
        base = colour * (1 - mark) + (colour * 0.3 + 0.7) * mark
    elif kind == "diamond":
        facet = torch.where(u > 0, 1.0, 0.78) * torch.where(v > 0, 1.12, 0.86)
        table = (u.abs() / 0.75 + v.abs() < 0.5).float()
        lum, gloss, base = facet + 0.14 * table, 0.18 * table * (v > 0), colour
    else:
        lum, gloss = (
            0.80 + 0.18 * (-d * 5).clamp(0, 1) + 0.22 * (y * 0.35 + x * 0.2),
            torch.zeros_like(x),
        )
        inner = smooth(-d, 0.20, 0.26)[:, None] * 0.18
        base = colour * (1 - inner) + (colour * 0.55 + 0.45) * inner
        if kind == "cube":
            mark = smooth(-d, 0.42, 0.47)[:, None] * 0.55
            base = base * (1 - mark) + (colour * 0.35 + 0.65) * mark
    return (base * lum[:, None] + gloss[:, None]).clamp(0, 1)


# ------------------------------------------------------------------------------------- takes
ALL = slice(None)


def streaks_of(scene):
    """Drops of rain [3,26] and flakes of snow [5,28] of a scene: rows of numbers that stay for the
    whole take"""
    rng = np.random.default_rng(scene.graph.seed + 5)
    drops, flakes = np.zeros((3, 26)), np.zeros((5, 28))
    if falls(scene.rain):
        for i in range(26):
            drops[:, i] = rng.uniform(-1.7, 1.7), rng.uniform(0, 2.4), rng.uniform(0.20, 0.30)
    if falls(scene.snow):
        for i in range(28):
            across, above, speed, phase = (
                rng.uniform(-1.7, 1.7),
                rng.uniform(0, 2.3),
                rng.uniform(0.035, 0.07),
                rng.uniform(0, 6),
            )
            flakes[:, i] = across, above, speed, phase, (0.018 + 0.4 * (speed - 0.035)) ** 2
    return drops, flakes


def falls(amount):
    return float(amount.astype(np.float32).max()) > 0


def numbers_of(scene):
    """What the painter wants to know of each frame of a scene: {name: [T] or one number for all}"""
    s = scene
    index = s.index if s.index is not None else np.arange(len(s))
    palette = {
        f"{name}_{i}": s.palette[:, row, i]
        for row, name in enumerate(("zenith", "near_horizon", "sun", "ambient", "sun_at"))
        for i in range(3)
    }
    far, mid = min(0.75, 0.12 + 0.6 * s.fog), min(0.6, 0.02 + 0.45 * s.fog)
    return {
        "pan": s.pan,
        "tilt": s.tilt,
        "zoom": s.zoom,
        "night": s.night,
        "overcast": s.overcast,
        "rain": s.rain,
        "snow": s.snow,
        "frame": index,
        "ground": s.ground,
        "horizon": s.horizon,
        "above": 1 - s.horizon,
        "below": 1 + s.horizon,
        "wind": s.wind,
        "shadow_end": s.horizon + 0.02,
        "in_space": s.graph.scene == "space",
        "starlight": 0.5 * (s.graph.scene == "space"),
        "far_haze": far,
        "far_clear": 1 - far,
        "mid_haze": mid,
        "mid_clear": 1 - mid,
        "fade": 5 - 3 * s.fog,
        "veil": 0.25 + 0.5 * s.fog,
        "fog": s.fog * 0.42,
        **palette,
    }


def body_numbers(b):
    return {
        "x": b.x,
        "y": b.y,
        "radius": b.radius,
        "angle": b.angle,
        "squash": b.squash,
        "visible": b.visible,
        **{f"colour_{i}": b.colour[:, i] for i in range(3)},
    }


class Painter:
    """Takes of one length on their way to pixels: `image` [F,3,H,W], the frames of all takes in a
    row, is covered layer by layer. What a scene says of a frame is a tensor [F,1,1]. Nothing waits
    for the device."""

    def __init__(self, scenes, device="cpu"):
        self.scenes, self.device = scenes, torch.device(device)
        # a GPU would have to wait to place windows of bodies: it paints whole frames
        self.windowed = self.device.type == "cpu"
        self.T, self.F = len(scenes[0]), len(scenes) * len(scenes[0])
        for name, value in self.uploaded([numbers_of(s) for s in scenes]).items():
            setattr(self, name, value)
        for name in ("zenith", "near_horizon", "sun", "ambient", "sun_at"):
            setattr(self, name, torch.stack([getattr(self, f"{name}_{i}") for i in range(3)], 1))
        self.X = ((torch.arange(WIDTH, device=device) + 0.5 - WIDTH / 2) / UNIT)[None, None, :]
        self.Y = ((HEIGHT / 2 - torch.arange(HEIGHT, device=device) - 0.5) / UNIT)[None, :, None]
        self.sun_x, self.sun_y = self.sun_at[:, 0], self.sun_at[:, 1]
        self.haze = self.near_horizon * 0.75 + self.zenith * 0.25
        self.layers = []

    def tensor(self, a):
        return torch.from_numpy(np.ascontiguousarray(a)).to(self.device, non_blocking=True)

    def uploaded(self, rows):
        """Dicts of numbers, one a scene -> {name: f32 [frames,1,1]}, one copy for all"""
        names = list(rows[0])
        table = np.stack(
            [
                np.concatenate(
                    [np.broadcast_to(np.asarray(row[name], np.float32), self.T) for row in rows]
                )
                for name in names
            ]
        )
        return dict(zip(names, self.tensor(table)[:, :, None, None]))

    def frames_of(self, scenes):
        """Numbers of scenes -> their frames: ALL, None where there are none, or indices on the
        device"""
        if len(scenes) in (0, len(self.scenes)):
            return ALL if len(scenes) else None
        return self.tensor((np.asarray(scenes)[:, None] * self.T + np.arange(self.T)).flatten())

    def where(self, condition):
        return [i for i, s in enumerate(self.scenes) if condition(s)]

    def put(self, picture, at, value):
        """`picture` with other frames at `at`"""
        return value if at is ALL else picture.index_copy_(0, at, value)

    def cover(self, alpha, colour, at=ALL):
        """Blend `colour` [.,3,H,W] over frames `at` of the image with alpha [.,H,W]."""
        alpha = alpha[:, None]
        self.image = self.put(self.image, at, self.image[at] * (1 - alpha) + colour * alpha)

    def add(self, light, at=ALL):
        self.image = self.put(self.image, at, self.image[at] + light)

    def sky(self):
        up = (((self.Y - self.horizon) / self.above).clamp(0, 1) ** 0.75)[:, None]
        self.image = (
            (self.near_horizon * (1 - up) + self.zenith * up)
            .expand(self.F, 3, HEIGHT, WIDTH)
            .clone()
        )
        self.rays(self.frames_of(self.where(lambda s: s.graph.scene == "underwater")))
        above = self.frames_of(self.where(lambda s: s.graph.scene != "underwater"))
        if above is not None:
            shine = (self.night[above] + self.starlight[above]).clamp(0, 1) * (
                1 - self.overcast[above]
            )
            self.add((on_device(stars(), self.device)[None] * shine)[:, None], above)
        earth = self.where(lambda s: s.graph.scene not in ("underwater", "space"))
        if earth:
            self.sun_and_clouds(earth)

    def rays(self, at):
        if at is None:
            return
        slant, frame = self.X * 0.8 + (1.2 - self.Y) * 0.35, self.frame[at]
        rays = (
            torch.sin(slant * 7 + 2.1 + frame * 0.06) + torch.sin(slant * 11 - 0.4 - frame * 0.045)
        ).clamp(min=0)
        self.add(0.10 * (rays * (self.Y + 0.4).clamp(0, 1))[:, None] * self.sun[at], at)

    def sun_and_clouds(self, scenes):
        at = self.frames_of(scenes)
        night, overcast, sun, pan = self.night[at], self.overcast[at], self.sun[at], self.pan[at]
        r = disc(
            self.X - self.sun_x[at] + pan * 0.015, self.Y - self.sun_y[at] + self.tilt[at] * 0.03, 0
        )
        seen = 1 - 0.85 * overcast
        self.add((torch.exp(-r * 2.6) * seen * 0.40 * (1 - 0.55 * night))[:, None] * sun, at)
        self.cover(((0.135 - r) * UNIT + 0.5).clamp(0, 1) * seen, sun, at)
        strip = torch.stack(
            [
                on_device(clouds(s.graph.weather, s.graph.seed % VARIANTS), self.device)
                for s in map(self.scenes.__getitem__, scenes)
            ]
        )
        rows = strip[:, int((STRIP_TOP - 1) * UNIT) :][:, :HEIGHT]
        # [F,1,W]
        column = (self.X + pan * 0.06 + self.frame[at] * self.wind[at]) * UNIT
        left = torch.floor(column).long()
        f = column - left
        # [F,H,W]
        pixel = lambda i: (
            rows.gather(2, (i % STRIP_COLUMNS).view(len(scenes), 1, -1).expand(-1, HEIGHT, -1))
            .unflatten(2, (self.T, WIDTH))
            .transpose(1, 2)
            .flatten(0, 1)
        )
        cover = pixel(left) * (1 - f) + pixel(left + 1) * f
        colour = (self.near_horizon[at] * 0.35 + self.ambient[at] * 0.65) * (1 - 0.35 * overcast)[
            :, None
        ]
        self.cover(cover * (0.85 - 0.45 * night), colour, at)

    def sample(self, pictures, u, v):
        """Bilinear look-up in a picture [n,C,h,w] a scene, periodic in u; u, v in [-1,1] ->
        [F,C,H,W]"""
        grid = torch.stack(torch.broadcast_tensors(u, v), -1).view(
            len(pictures), self.T * HEIGHT, WIDTH, 2
        )
        drawn = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
        return drawn.unflatten(2, (self.T, HEIGHT)).transpose(1, 2).flatten(0, 1)

    def strip_layer(self, pictures, parallax, haze_share, clear_share, glow):
        zoom = 1 + (self.zoom - 1) * (0.3 + 0.7 * parallax)
        x = self.X / zoom + self.pan * parallax + PERIOD / 2
        y = self.Y / zoom + self.tilt * parallax - self.horizon
        drawn = self.sample(
            pictures, (x * UNIT) % STRIP_COLUMNS / STRIP_COLUMNS * 2 - 1, -y / STRIP_TOP
        )
        alpha, emitted = drawn[:, 3:4], drawn[:, 4:5] * glow[:, None]
        lit = drawn[:, :3] * (self.ambient * (1 - emitted) + emitted)
        lit = lit * clear_share[:, None] + haze_share[:, None] * self.haze * alpha
        self.image = self.image * (1 - alpha) + lit
        self.layers.append(alpha[:, 0])

    def landscape(self, far, mid, ground):
        """All that lies behind bodies, from strips [n,5,160,512] and textures [n,3,32,512]"""
        self.sky()
        glow = torch.where(self.in_space > 0, 1.0, self.night * 0.8)
        self.strip_layer(far, 0.15, self.far_haze, self.far_clear, glow)
        self.strip_layer(mid, 0.60, self.mid_haze, self.mid_clear, self.night)
        self.ground_layer(ground)

    def ground_layer(self, textures):
        y = self.Y / (1 + (self.zoom - 1) * 0.72) + self.tilt * 0.72
        depth = (self.horizon - y).clamp(min=1e-3)
        x = self.X / self.zoom * (0.42 / (depth + 0.16)) + self.pan + PERIOD / 2
        tex = self.sample(
            textures,
            (x * UNIT) % STRIP_COLUMNS / STRIP_COLUMNS * 2 - 1,
            (depth / self.below).clamp(0, 1) * 2 - 1,
        )
        far = (torch.exp(-depth * self.fade) * self.veil)[:, None]
        lit = tex * self.ambient * (1 - far) + far * self.haze
        beach = self.frames_of(self.where(lambda s: s.graph.scene == "beach"))
        if beach is not None:
            frame, deep, across = self.frame[beach], depth[beach], x[beach]
            sea = smooth(0.28 - deep / self.below[beach], -0.02, 0.02)
            ripple = torch.sin(deep * 140 + across * 3 + frame * 0.5) * torch.sin(
                across * 9 - frame * 0.35
            )
            glitter = (
                sea
                * (ripple * 0.5 + 0.2).clamp(min=0)
                * torch.exp(-(((self.X - self.sun_x[beach]) / 0.5) ** 2))
                * 0.35
            )
            lit = self.put(lit, beach, lit[beach] + glitter[:, None] * self.sun[beach])
        water = self.frames_of(self.where(lambda s: s.graph.scene == "underwater"))
        if water is not None:
            frame, across = self.frame[water], x[water]
            caustic = torch.sin(across * 7 + frame * 0.22) * torch.sin(
                across * 5 - depth[water] * 22 + frame * 0.17
            )
            lit = self.put(lit, water, lit[water] + (caustic.clamp(min=0) * 0.16)[:, None])
        alpha = ((self.horizon - y) * UNIT + 0.5).clamp(0, 1)
        self.cover(alpha, lit)
        self.layers.append(alpha.expand(self.F, HEIGHT, WIDTH))

    def body(self, kind, scenes, bodies):
        """Paints one body of one kind in each of some scenes -> coverage [f,H,W], screen position
        and radius [f,3] in pixels"""
        at = self.frames_of(scenes)
        b = self.uploaded([body_numbers(b) for b in bodies])
        colour = torch.stack([b[f"colour_{i}"] for i in range(3)], 1)
        zoom, pan, tilt = self.zoom[at], self.pan[at], self.tilt[at]
        x0, y0, r = (b["x"] - pan) * zoom, (b["y"] - tilt) * zoom, b["radius"] * zoom
        floor = (self.ground[at] - tilt) * zoom
        height = (y0 - floor - r).clamp(min=0)
        width = r * (1.05 + 0.25 * height)
        d = ((self.X - (x0 - height * 0.12)) / width) ** 2 + (
            (self.Y - (floor + 0.02)) / (width * 0.26)
        ) ** 2
        dark = (
            torch.exp(-d * 1.3)
            * (0.42 * torch.exp(-height * 1.1) * b["visible"])
            * (1 - 0.45 * self.night[at])
            * (1 - 0.3 * self.overcast[at])
        )
        self.image = self.put(
            self.image, at, self.image[at] * (1 - dark * (self.Y < self.shadow_end[at]))[:, None]
        )
        cx, cy = x0 * UNIT + WIDTH / 2, HEIGHT / 2 - y0 * UNIT
        rows, columns = self.window(bodies, scenes, cx, cy)
        x, y = torch.broadcast_tensors(
            (columns + 0.5 - cx) / (r * UNIT), (cy - (rows + 0.5)) / (r * UNIT)
        )
        x, y = x * b["squash"], y / b["squash"]
        distance, u, v = shape_distance(OBJECTS[kind], x, y, b["angle"])
        rgb = shade(OBJECTS[kind], distance, x, y, u, v, colour)
        rgb = rgb * (self.ambient[at] * 0.80 + 0.20).clamp(min=SHADE)
        alpha = (0.5 - distance * r * UNIT).clamp(0, 1) * b["visible"]
        if self.windowed:
            alpha, rgb = self.placed(rows, columns, alpha, rgb)
        self.cover(alpha, rgb, at)
        return alpha, torch.stack([cx, cy, r * UNIT], 1).flatten(1)

    def window(self, bodies, scenes, cx, cy):
        """Rows [.,n,1] and columns [.,1,m] of pixels that a body is looked for in: a window that
        holds all its sizes, or the whole frame"""
        if not self.windowed:
            return torch.arange(HEIGHT, device=self.device)[None, :, None], torch.arange(
                WIDTH, device=self.device
            )[None, None, :]
        largest = max(
            float((b.radius.astype(np.float32) * self.scenes[i].zoom.astype(np.float32)).max())
            for i, b in zip(scenes, bodies)
        )
        S = int(min(HEIGHT + 64, 2 * math.ceil(largest * UNIT * 1.75) + 4))
        return (
            torch.floor(cy - S / 2).long() + torch.arange(S)[:, None],
            torch.floor(cx - S / 2).long() + torch.arange(S)[None],
        )

    def placed(self, rows, columns, alpha, rgb):
        """Coverage and colours of windows in whole frames"""
        inside = (columns >= 0) & (columns < WIDTH) & (rows >= 0) & (rows < HEIGHT)
        at = (
            torch.arange(len(inside))[:, None, None].expand_as(inside)[inside],
            rows.expand_as(inside)[inside],
            columns.expand_as(inside)[inside],
        )
        cover, paint = (
            torch.zeros(len(inside), HEIGHT, WIDTH),
            torch.zeros(len(inside), HEIGHT, WIDTH, 3),
        )
        cover[at] = alpha[inside]
        paint[at] = rgb.permute(0, 2, 3, 1)[inside]
        return cover, paint.permute(0, 3, 1, 2)

    def falling(self, scenes, which):
        """What falls in some scenes: [drops, numbers, frames,1,1]"""
        # [numbers,drops,scenes]
        table = np.stack([streaks_of(self.scenes[i])[which] for i in scenes], 2).astype(np.float32)
        return (
            self.tensor(table.transpose(1, 0, 2))[..., None]
            .expand(-1, -1, -1, self.T)
            .flatten(2)[..., None, None]
        )

    def weather(self):
        rainy, snowy = self.where(lambda s: falls(s.rain)), self.where(lambda s: falls(s.snow))
        if rainy:
            at = self.frames_of(rainy)
            t = self.frame[at]
            streaks = torch.zeros(len(t), HEIGHT, WIDTH, device=self.device)
            for bx, by, speed in self.falling(rainy, 0):
                fallen = (by + t * speed) % 2.4
                dx, dy = self.X - (bx - fallen * 0.12), self.Y - (1.2 - fallen)
                streaks += torch.exp(-(((dx - dy * 0.12) / 0.012) ** 2) - (dy / 0.09) ** 2)
            self.add(
                (streaks.clamp(max=1) * 0.30 * self.rain[at])[:, None]
                * (self.ambient[at] * 0.6 + 0.2),
                at,
            )
        if snowy:
            at = self.frames_of(snowy)
            t, pan = self.frame[at], self.pan[at]
            flakes = torch.zeros(len(t), HEIGHT, WIDTH, device=self.device)
            for bx, by, speed, phase, size in self.falling(snowy, 1):
                dy = self.Y - (1.15 - (by + t * speed) % 2.3)
                dx = self.X - (
                    (bx - pan * 0.8 + 1.7) % 3.4 - 1.7 + 0.06 * torch.sin(t * 0.25 + phase)
                )
                flakes += torch.exp(-(dx**2 + dy**2) / size)
            self.cover(flakes.clamp(max=1) * 0.92 * self.snow[at], self.ambient[at] * 0.7 + 0.3, at)
        foggy = self.frames_of(self.where(lambda s: s.fog > 0))
        if foggy is not None:
            band = self.fog[foggy] * torch.exp(-(((self.Y - self.horizon[foggy]) / 0.5) ** 2))
            self.cover(band, self.haze[foggy], foggy)

    def finished(self):
        vignette = 1 - 0.10 * ((self.X / 1.5) ** 2 + self.Y**2)
        pixels = (self.image * vignette[:, None]).clamp(0, 1)
        return (pixels * 255 + 0.5).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def layer_shares(far, mid, ground):
    """Visible share of sky, far, mid, ground in 16x16 patches -> [T,4,8,12]."""
    seen = torch.stack(
        [
            (1 - far) * (1 - mid) * (1 - ground),
            far * (1 - mid) * (1 - ground),
            mid * (1 - ground),
            ground,
        ],
        1,
    )
    return F.avg_pool2d(seen, 16)


@torch.no_grad()
def render_many(scenes, device="cpu"):
    """Scenes of T frames each -> uint8 [n,T,128,192,3] on the device, ground truth [n,T,...] (see
    the head of this file)"""
    p = Painter(scenes, device)
    drawn = [strips(s.graph.scene, s.graph.landmark, s.graph.seed // 64 % VARIANTS) for s in scenes]
    far, mid, ground = (torch.stack([on_device(d[i], p.device) for d in drawn]) for i in range(3))
    p.landscape(far, mid, ground)
    n, T = len(scenes), p.T
    cover = torch.zeros(p.F, 2, 32, 48, device=p.device)
    # x, y, radius, visible area in pixels
    seen = torch.zeros(p.F, 2, 4, device=p.device)
    bodies, hues = torch.zeros(n, T, 2, 6), torch.zeros(n, T, 2, dtype=torch.int64)
    bodies[..., 5] = -1
    # slot 0 = the main body, drawn last
    for slot in (1, 0):
        there = {i: s.bodies[-1 - slot] for i, s in enumerate(scenes) if len(s.bodies) > slot}
        for kind in sorted({b.kind for b in there.values()}):
            alike = [i for i, b in there.items() if b.kind == kind]
            alpha, place = p.body(kind, alike, [there[i] for i in alike])
            at = p.frames_of(alike)
            cover[at, slot] = F.avg_pool2d(alpha[:, None], 4)[:, 0]
            seen[at, slot] = torch.cat([place, alpha.sum((1, 2))[:, None]], 1)
        for i, b in there.items():
            bodies[i, :, slot, 3] = torch.as_tensor(b.angle).float()
            bodies[i, :, slot, 5] = b.kind
            hues[i, :, slot] = torch.as_tensor(b.hue)
    p.weather()
    bytes_of = lambda share: (share * 255).round().to(torch.uint8).unflatten(0, (n, T)).to("cpu")
    frames = p.finished().unflatten(0, (n, T))
    truth = {
        "cover": bytes_of(cover),
        "layers": bytes_of(layer_shares(*p.layers)),
        "bodies": bodies,
        "hues": hues,
    }
    bodies[..., [0, 1, 2, 4]] = seen.to("cpu").unflatten(0, (n, T))
    return frames, truth


def render(scene, device="cpu"):
    """Scene of T frames -> uint8 [T,128,192,3], ground truth (see the head of this file)."""
    frames, truth = render_many([scene], device)
    return frames[0].cpu(), {k: v[0] for k, v in truth.items()}


def semantic_scene(graph, frames, start=0, every=4):
    """Only every fourth frame of a take of `frames` semantic frames: what the ViT, the tokenizer
    and the LM need."""
    scene = compose(graph, every * (frames - 1) + 1, start)
    scene.index = np.arange(len(scene))
    return scene.take(np.arange(0, len(scene), every))


if __name__ == "__main__":
    import sys
    import time
    from PIL import Image
    from grammar import SCENES, sample_graph

    torch.set_num_threads(1)
    rng = np.random.default_rng(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    sheet, began = [], time.time()
    for k in range(16):
        frames, _ = render(compose(sample_graph(rng, scene=SCENES[k % 8]), 49))
        sheet.append(torch.cat([frames[i] for i in (0, 12, 24, 36)], 1))
    print(f"{16 * 49 / (time.time() - began):.1f} frames/s")
    sheet = torch.cat([torch.cat(sheet[:8]), torch.cat(sheet[8:])], 1)
    Image.fromarray(sheet.numpy()).save(sys.argv[2] if len(sys.argv) > 2 else "sheet.png")
