"""Pictures that are not of mini's world: what a reference video may show.

    x, bodies, hues, cover = pictures(n, things, rng)      # [n,3,128,192] in [-1,1], and what was put down in the first of them, as render's truth has it

    clip = moving(rng)                                     # [9,3,128,192]: such a picture, and others in front of it, moving

    python strange.py --out OUT --shards 0-99 --seconds 300        # OUT/corpora/strange_NNNN.pt for fit_encoder.py, u8 pixels, until the time is over
    python strange.py --out OUT --kind moving --shards 0-9         # OUT/corpora/moving_NNNN.pt for fit_pictures.py, u8 pixels

Gradients, noise, stripes, checks, corners, and leaves over leaves. Leaves over leaves of all sizes
have the edges and the spectrum of photographs.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from grammar import OBJECTS
from render import HEIGHT, WIDTH, shade, shape_distance
from scene import RGB
from training import save_atomically

Y, X = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
# pictures of a shard, the share of them that a thing is put down in
SHARD, THINGS = 240, 0.7
VIVID = 0.35  # the share of them with strong colours
LEAST, MOST = 8.0, 48.0  # radii of things that are put down, in pixels
# frames of a clip, clips of a shard, the share of them that is cut to another one somewhere
FRAMES, CLIPS, CUT = 9, 60, 0.06
FAST = 9.0  # pixels a frame, at most, in the middle of a clip


def colours(rng, *shape):
    """Any colours [3,*shape], dull ones more often"""
    grey, strength = rng.uniform(-1, 1, (1, *shape)), rng.uniform(0, 0.8, (1, *shape))
    return torch.from_numpy(
        np.clip(grey + strength * rng.uniform(-1, 1, (3, *shape)), -1, 1)
    ).float()


def colour(rng):
    return colours(rng, 1, 1)


def smooth_noise(rng, cells):
    """Random colours on a coarse grid, drawn out to a picture [3,128,192]"""
    grid = colours(rng, cells, cells * 3 // 2)[None]
    return F.interpolate(grid, (HEIGHT, WIDTH), mode="bicubic", align_corners=False)[0].clamp(-1, 1)


def figures(rng):
    """Gradients with stripes, checks and corners"""
    image = smooth_noise(rng, int(rng.integers(1, 3)))
    for _ in range(int(rng.integers(0, 4))):
        kind, a = int(rng.integers(4)), float(rng.uniform(0, np.pi))
        u = (X - float(rng.uniform(0, WIDTH))) * np.cos(a) + (
            Y - float(rng.uniform(0, HEIGHT))
        ) * np.sin(a)
        v = (Y - float(rng.uniform(0, HEIGHT))) * np.cos(a) - (
            X - float(rng.uniform(0, WIDTH))
        ) * np.sin(a)
        period = float(rng.uniform(8, 64))
        share = (
            (u * 2 * np.pi / period).sin() > 0,
            (u * np.pi / period).sin() * (v * np.pi / period).sin() > 0,
            (u > 0) & (v > 0),
            u > 0,
        )[kind].float() * float(rng.uniform(0.3, 1))
        image = torch.lerp(image, colour(rng), share)
    return image


def blob(rng, x, y, radius):
    """Distance [128,192] in pixels, negative inside, from a bent and stretched disc around x, y"""
    a, stretch = rng.uniform(0, np.pi), math.exp(0.3 * rng.normal())
    u, v = (
        (X - x) * math.cos(a) + (Y - y) * math.sin(a),
        (Y - y) * math.cos(a) - (X - x) * math.sin(a),
    )
    u, v = u * stretch, v / stretch
    turn, edge = torch.atan2(v, u), torch.ones_like(u)
    for k in (2, 3, 5):
        edge = edge + rng.uniform(0, 0.25) / k * torch.sin(k * turn + rng.uniform(0, 2 * np.pi))
    return (u * u + v * v).sqrt() - radius * edge


def leaves(rng):
    """Shapes over shapes, few large and many small, before a landscape's two or three bands or a
    gradient"""
    image = smooth_noise(rng, int(rng.integers(1, 3)))
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(1, 3))):
            edge = (
                rng.uniform(20, 110)
                + rng.uniform(-0.2, 0.2) * (X - WIDTH / 2)
                + rng.uniform(0, 12) * torch.sin(X / rng.uniform(8, 40) + rng.uniform(0, 6))
            )
            image = torch.lerp(
                image, colour(rng) + 0.3 * smooth_noise(rng, 2), (Y - edge).clamp(0, 1)
            )
    for radius in sorted((2 / (1 - rng.random(int(rng.integers(0, 24)))) + 2).clip(3, 70))[::-1]:
        inside = (0.5 - blob(rng, rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT), radius)).clamp(
            0, 1
        )
        image = torch.lerp(
            image, colour(rng) + 0.25 * smooth_noise(rng, int(rng.choice([1, 2, 16]))), inside
        )
    return image


def picture(rng):
    image = (figures if rng.random() < 0.3 else leaves)(rng)
    if rng.random() < 0.5:
        image = image + float(rng.uniform(0.05, 0.5)) * smooth_noise(
            rng, int(rng.choice([4, 8, 16, 32]))
        )
    if rng.random() < VIVID:  # as drawings and test cards are
        grey = image.mean(0, keepdim=True)
        image = grey * float(rng.uniform(1, 1.6)) + (image - grey) * float(rng.uniform(1, 5))
    return image.clamp(-1, 1)


def put_down(pictures, rng):
    """Paints one thing into each of pictures [n,3,128,192], in place: one of the renderer's
    objects, or a blob of any colour, which is called a ball of the nearest of the nine colours ->
    bodies [n,6], hues [n] (see render.py), the share of every 4x4 pixels that it covers
    [n,32,48]"""
    bodies, hues, cover = (
        torch.zeros(len(pictures), 6),
        torch.zeros(len(pictures), dtype=torch.long),
        [],
    )
    for i, image in enumerate(pictures):
        radius = LEAST * (MOST / LEAST) ** rng.random()
        x, y, angle = (
            rng.uniform(0, WIDTH),
            rng.uniform(0, HEIGHT),
            rng.uniform(-np.pi, np.pi) * (rng.random() < 0.7),
        )
        if rng.random() < 0.6:
            kind, hue = int(rng.integers(len(OBJECTS))), int(rng.integers(len(RGB)))
            px, py, turn = (
                ((X - x) / radius)[None],
                ((y - Y) / radius)[None],
                torch.full((1, 1, 1), angle),
            )
            distance, u, v = shape_distance(OBJECTS[kind], px, py, turn)
            paint = shade(
                OBJECTS[kind],
                distance,
                px,
                py,
                u,
                v,
                torch.from_numpy(RGB[hue])[None, :, None, None],
            )[0] * rng.uniform(0.66, 1)
            inside = (0.5 - distance[0] * radius).clamp(0, 1)
        else:
            kind, angle, tint = OBJECTS.index("ball"), 0.0, colour(rng)
            hue = int((torch.from_numpy(RGB) - (tint[:, 0, 0] + 1) / 2).pow(2).sum(1).argmin())
            inside = (0.5 - blob(rng, x, y, radius)).clamp(0, 1)
            paint = (tint + 0.2 * smooth_noise(rng, int(rng.integers(1, 8))) + 1) / 2
        image.lerp_((2 * paint - 1).clamp(-1, 1), inside)
        bodies[i], hues[i] = torch.tensor([x, y, radius, angle, 1, kind]), hue
        cover.append(F.avg_pool2d(inside[None], 4)[0])
    return bodies, hues, torch.stack(cover)


def pictures(n, things, rng):
    """n pictures, one thing put down in each of the first `things` of them -> pixels [n,3,128,192],
    and of the things bodies, hues, cover"""
    pixels = torch.stack([picture(rng) for _ in range(n)])
    return pixels, *put_down(pixels[:things], rng)


class Course:
    """How a layer goes: where what is at the picture's middle in the middle frame was and will be.
    Many rest, most go slowly."""

    def __init__(self, rng):
        speed = FAST * rng.random() ** 2 if rng.random() < 0.75 else 0.0
        way = rng.uniform(0, 2 * np.pi)
        self.velocity = np.array([math.cos(way), math.sin(way)]) * speed
        self.bend = 0.06 * speed * rng.normal(size=2) * (rng.random() < 0.4)
        self.zoom = 0.02 * rng.normal() * (rng.random() < 0.35)
        self.spin = 0.05 * rng.normal() * (rng.random() < 0.25)

    def at(self, t):
        """-> affine map [2,3] of places in the picture to places in the layer, for grid_sample; t
        frames after the middle one"""
        x, y = self.velocity * t + self.bend * t * t / 2
        size, turn = math.exp(-self.zoom * t), -self.spin * t
        c, s = math.cos(turn) * size, math.sin(turn) * size
        half = WIDTH / 2, HEIGHT / 2
        return torch.tensor(
            [
                [c, -s * half[1] / half[0], -(c * x - s * y) / half[0]],
                [s * half[0] / half[1], c, -(s * x + c * y) / half[1]],
            ],
            dtype=torch.float32,
        )


def moved(layer, course, frames, padding):
    """The layer [c,128,192] on its course -> [frames,c,128,192]"""
    maps = torch.stack([course.at(t - (frames - 1) / 2) for t in range(frames)])
    grid = F.affine_grid(maps, (frames, len(layer), HEIGHT, WIDTH), align_corners=False)
    return F.grid_sample(
        layer.expand(frames, -1, -1, -1), grid, padding_mode=padding, align_corners=False
    )


def moving(rng, frames=FRAMES):
    """One clip [frames,3,128,192]: a picture, and up to four pieces of others in front of it, each
    on its course; now and then it is cut to another clip"""
    clip = moved(picture(rng), Course(rng), frames, "reflection")
    for _ in range(int(rng.integers(0, 5))):
        radius = LEAST * (MOST / LEAST) ** rng.random()
        inside = (0.5 - blob(rng, rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT), radius)).clamp(
            0, 1
        )
        piece = moved(torch.cat([picture(rng), inside[None]]), Course(rng), frames, "zeros")
        share = piece[:, 3:]
        clip = torch.lerp(clip, piece[:, :3], share)
    if rng.random() < CUT:
        at = int(rng.integers(1, frames))
        clip = torch.cat([clip[:at], moving(rng, frames)[at:]])
    return clip.clamp(-1, 1)


def as_bytes(pixels):
    return ((pixels + 1) * 127.5).round().byte()


def still_shard(shard, count):
    pixels, bodies, hues, _ = pictures(
        count, round(THINGS * count), np.random.default_rng([7, shard])
    )
    return {"pixels": as_bytes(pixels), "bodies": bodies, "hues": hues}


def moving_shard(shard, count):
    rng = np.random.default_rng([8, shard])
    return {"pixels": torch.stack([as_bytes(moving(rng)) for _ in range(count)])}


KINDS = {"strange": (still_shard, SHARD), "moving": (moving_shard, CLIPS)}


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--out", default=str(Path(__file__).parent / "out"))
    p.add_argument("--kind", choices=KINDS, default="strange")
    p.add_argument("--shards", default="0-0")
    p.add_argument("--seconds", type=float, default=1e9)
    p.add_argument("--count", type=int, default=0, help="pictures or clips of a shard")
    a = p.parse_args()
    torch.set_num_threads(1)
    first, last = map(int, a.shards.split("-"))
    began, folder = time.time(), Path(a.out, "corpora")
    folder.mkdir(parents=True, exist_ok=True)
    make, usual = KINDS[a.kind]
    for shard in range(first, last + 1):
        path = folder / f"{a.kind}_{shard:04d}.pt"
        if not path.exists() and time.time() - began <= a.seconds:
            save_atomically(make(shard, a.count or usual), path)


if __name__ == "__main__":
    main()
