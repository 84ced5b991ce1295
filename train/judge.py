"""Two small convolutional nets that say what a frame shows. They have nothing to do with the
networks of mini.

    python judge.py --plan 5                 # colour of the object per 16x16 patch, place and time of day of the frame
    python judge.py --stage shape --plan 60  # which object stands in a 64x64 cut around where the first net sees it

Both are trained on rendered frames alone, blurred, noisy and a little brighter or darker. A reader
of shapes that has seen crisp outlines alone takes whatever is soft for a heart, so two thirds of
its cuts have the renderer's outlines with round corners and bent edges put down anywhere
(`put_down`), and all of them are softened (`softened`). OUT/judge.pt, OUT/shape.pt. `--batch` sets
how many a step sees (24 frames, 48 cuts).
"""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from corpora import parted, shards
from fit_vit import by_patch, soiled
from grammar import COLOURS, OBJECTS, SCENES, TIMES
from render import shade, shape_distance
from training import Run, arguments, averaged, warmed

CUT = 64


def step(i, o, stride):
    return nn.Sequential(nn.Conv2d(i, o, 3, stride, 1), nn.GroupNorm(8, o), nn.ReLU())


class Judge(nn.Module):
    """[n,3,128,192] -> object [n,9,8,12], colour [n,10,8,12], scene [n,8], time [n,4] logits"""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            step(3, 16, 2),
            step(16, 32, 2),
            step(32, 64, 2),
            step(64, 64, 1),
            step(64, 96, 2),
            step(96, 96, 1),
        )
        self.object, self.colour = (
            nn.Conv2d(96, len(OBJECTS) + 1, 1),
            nn.Conv2d(96, len(COLOURS) + 1, 1),
        )
        self.scene, self.time = nn.Linear(96, len(SCENES)), nn.Linear(96, len(TIMES))

    def forward(self, x):
        h = self.body(x)
        whole = h.mean((2, 3))
        return {
            "object": self.object(h),
            "colour": self.colour(h),
            "scene": self.scene(whole),
            "time": self.time(whole),
        }


def judge_loss(read, target):
    weight = target["covered"].float() + 0.15
    patch = sum(
        (F.cross_entropy(read[k].flatten(2), target[k], reduction="none") * weight).mean()
        for k in ("object", "colour")
    )
    return (
        patch
        + 0.3 * F.cross_entropy(read["scene"], target["scene"])
        + 0.3 * F.cross_entropy(read["time"], target["time"])
    )


def verdict(read):
    """Index of object, colour, scene per frame; -1 where no object is seen."""
    shown = {}
    for k in ("object", "colour"):
        p = read[k].softmax(1)
        seen = (1 - p[:, -1:]) > 0.5
        score = (p[:, :-1] * seen).sum((2, 3))
        shown[k] = torch.where(score.sum(1) > 0.5, score.argmax(1), -1)
    shown["scene"] = read["scene"].argmax(1)
    return shown


def load_judge(out):
    return averaged("judge", Judge(), out)


class ShapeReader(nn.Module):
    """Cuts [n,3,64,64] with an object in the middle -> logits [n,8]"""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(step(3, 24, 2), step(24, 48, 2), step(48, 96, 2), step(96, 96, 1))
        self.out = nn.Linear(96 * 4 * 4, len(OBJECTS))

    def forward(self, x):
        return self.out(F.adaptive_avg_pool2d(self.body(x), 4).flatten(1))


def cut_out(frames, x, y):
    """[n,3,128,192] and centres in pixels [n] -> [n,3,64,64]; beyond the border the last pixel is
    repeated."""
    pixels = torch.arange(CUT, device=frames.device) - CUT // 2
    around = lambda centre, size: (
        centre.round().long().clamp(0, size - 1)[:, None] + pixels
    ).clamp(0, size - 1)
    n, c = (torch.arange(k, device=frames.device) for k in frames.shape[:2])
    return frames[
        n[:, None, None, None],
        c[None, :, None, None],
        around(y, frames.shape[2])[:, None, :, None],
        around(x, frames.shape[3])[:, None, None, :],
    ]


def blurred(cuts, deviation):
    reach = torch.arange(-7, 8, device=cuts.device)
    kernel = torch.exp(-0.5 * (reach / deviation) ** 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    return F.conv2d(
        F.conv2d(F.pad(cuts, (7, 7, 7, 7), mode="replicate"), kernel, groups=3), kernel.mT, groups=3
    )


def softened(cuts, rng):
    """What small video models do to a picture, on cuts [n,3,64,64]: other shades, two moments over
    each other, blur, and sharp edges again where corners have gone."""
    n, device = len(cuts), cuts.device
    cuts = torch.einsum(
        "nij,njyx->niyx",
        torch.eye(3, device=device) + 0.25 * torch.randn(n, 3, 3, device=device),
        cuts,
    )
    if rng.random() < 0.3:
        cuts = torch.lerp(
            cuts,
            cuts.roll([int(k) for k in rng.integers(-3, 4, 2)], (2, 3)),
            float(rng.uniform(0.2, 0.5)),
        )
    if rng.random() < 0.8:
        deviation = float(rng.uniform(0.4, 2.6))
        cuts = blurred(cuts, deviation)
        if rng.random() < 0.6:
            cuts = cuts + float(rng.uniform(0.5, 3)) * (cuts - blurred(cuts, deviation))
    return cuts.clamp(-1, 1)


def bends(n, cells, device):
    """Smooth fields [n,64,64] of deviation one or so, a bend every 64 / cells pixels"""
    return F.interpolate(
        torch.randn(n, 1, cells, cells, device=device),
        (CUT, CUT),
        mode="bicubic",
        align_corners=True,
    )[:, 0]


def put_down(cuts, radius, rng):
    """Objects painted into cuts [n,3,64,64] as a small video model would, of `radius` pixels [n] ->
    cuts, their class [n]. Outlines are the renderer's (`shape_distance`) with corners rounded,
    edges bent and soft, and hardly any surface: nothing but the outline is to be read."""
    n, device = len(cuts), cuts.device
    draw = lambda low, high, *shape: low + (high - low) * torch.rand(n, *shape, 1, 1, device=device)
    kind = torch.arange(n, device=device) % len(OBJECTS)
    pixels = torch.arange(CUT, device=device) + 0.5 - CUT / 2
    r, stretch, warp = (
        radius[:, None, None],
        torch.exp(0.1 * torch.randn(n, 1, 1, device=device)),
        draw(0, 0.12),
    )
    x = ((pixels[None, None, :] - draw(-8, 8)) / r + warp * bends(n, 6, device)) * stretch
    y = (-(pixels[None, :, None] - draw(-8, 8)) / r + warp * bends(n, 6, device)) / stretch
    angle = draw(-np.pi, np.pi) * (draw(0, 1) < 0.7)
    inside, surface = torch.zeros_like(x), torch.zeros_like(cuts)
    colour = draw(0, 1, 3)
    for k, name in enumerate(OBJECTS):
        these = slice(k, None, len(OBJECTS))
        distance, u, v = shape_distance(name, x[these], y[these], angle[these])
        inside[these] = (0.5 - distance * r[these]).clamp(0, 1)
        surface[these] = shade(name, distance, x[these], y[these], u, v, colour[these])
    if rng.random() < 0.3:
        inside = torch.lerp(
            inside,
            inside.roll([int(k) for k in rng.integers(-4, 5, 2)], (1, 2)),
            float(rng.uniform(0.2, 0.5)),
        )
    rounding = float(rng.uniform(0.3, 4))
    inside = blurred(inside[:, None].expand(-1, 3, -1, -1), rounding)[:, 0] + draw(0, 0.1) * bends(
        n, 10, device
    )
    share = torch.sigmoid((inside - draw(0.4, 0.55)) * draw(5, 20))[:, None] * draw(0.75, 1, 1)
    surface = torch.lerp(
        surface, colour * draw(0.5, 1, 1) + 0.1 * bends(n, 5, device)[:, None], draw(0, 1, 1)
    )
    surface = blurred((2 * surface - 1).clamp(-1, 1), rounding)
    return torch.lerp(cuts, surface, share), kind


class Shown:
    """Semantic frames of `plans` and `long` with what they show, all of them on the device."""

    MOST = 60  # shards, 3 GB

    def __init__(self, a, seed, held=False):
        folder = f"{a.out}/corpora"
        parts = [p for kind in ("plans", "long") for p in shards(folder, kind)]
        parts = parted(parts, held, folder)[: self.MOST]
        together = lambda pieces: torch.cat([p.to(a.device) for p in pieces])
        self.frames = together(
            torch.from_numpy(np.array(video)).flatten(0, 1) for video, _ in parts
        )
        self.cover, self.bodies, self.hues = (
            together(record[k].flatten(0, 1) for _, record in parts)
            for k in ("cover", "bodies", "hues")
        )
        self.whole = together(
            torch.tensor(
                [[SCENES.index(g["scene"]), TIMES.index(g["time"])] for g in record["graphs"]]
            ).repeat_interleave(video.shape[1], 0)
            for video, record in parts
        )
        self.device, self.rng = a.device, np.random.default_rng(seed)
        self.usable = torch.arange(len(self.frames), device=a.device)

    def drawn(self, n):
        """-> numbers of n frames"""
        return self.usable[
            torch.from_numpy(self.rng.integers(len(self.usable), size=n)).to(self.device)
        ]

    def soiled(self, pixels):
        """uint8 [n,3,h,w] -> [-1,1]"""
        return soiled(pixels.float() / 127.5 - 1, self.rng)

    def __call__(self, n):
        """-> pixels [n,3,128,192], per patch [n,96] whether, which and of what colour an object
        covers it; scene and time [n]"""
        i = self.drawn(n)
        x = self.soiled(self.frames[i].permute(0, 3, 1, 2))
        # [n,2,96]
        share = by_patch(self.cover[i].float() / 255).mean(-1)
        # the body that covers more
        slot, covered = (share[:, 1] > share[:, 0]).long(), share.amax(1) > 0.02
        return x, {
            "covered": covered,
            "object": torch.where(
                covered, self.bodies[i, :, 5].long().gather(1, slot), len(OBJECTS)
            ),
            "colour": torch.where(covered, self.hues[i].gather(1, slot), len(COLOURS)),
            "scene": self.whole[i, 0],
            "time": self.whole[i, 1],
        }


class Cuts(Shown):
    """Cuts around visible objects, the middle off by up to eight pixels, softened, with their
    class; and of `painted`, as many cuts from anywhere into which objects are put down."""

    def __init__(self, a, seed, held=False):
        super().__init__(a, seed, held)
        x, y, radius, _, area, _ = self.bodies[:, 0].unbind(1)
        # not half out of the picture
        inside = (area >= 1.2 * radius**2) & (8 < x) & (x < 184) & (8 < y) & (y < 120)
        self.usable = inside.nonzero()[:, 0]

    def around(self, i, centre):
        return self.soiled(cut_out(self.frames[i].permute(0, 3, 1, 2), *centre.unbind(1)))

    def __call__(self, n):
        i = self.drawn(n)
        cuts = self.around(i, self.bodies[i, 0, :2] + 16 * torch.rand(n, 2, device=self.device) - 8)
        return softened(cuts, self.rng), self.bodies[i, 0, 5].long()

    def painted(self, n):
        i, size = self.drawn(n), torch.tensor([192.0, 128.0], device=self.device)
        elsewhere = (
            self.bodies[i, 0, :2] + size * (0.25 + 0.5 * torch.rand(n, 2, device=self.device))
        ) % size  # than what stands there
        cuts, kind = put_down(
            self.around(i, elsewhere), self.bodies[self.drawn(n), 0, 2].clamp(7, 30), self.rng
        )
        return softened(cuts, self.rng), kind


def train_frames(a):
    torch.manual_seed(0)
    judge = Judge().to(a.device)
    run = Run("judge", judge, a, lr=0.02, adam_lr=2e-3, warmup=50, average=0.99)
    frames = Shown(a, run.steps + 1)
    for _ in run:
        x, target = frames(a.batch or 24)
        run.step(judge_loss(judge(x), target))
    judge.load_state_dict(run.mean)
    judge.eval()
    held, right = Shown(a, 9, held=True), []
    with torch.no_grad():
        for _ in range(20):
            x, target = held(24)
            shown = {k: v.cpu() for k, v in verdict(judge(x)).items()}
            target = {k: v.cpu() for k, v in target.items()}
            there = (target["covered"].sum(1) > 3).nonzero()[:, 0].tolist()
            pairs = {
                k: np.mean(
                    [
                        int(shown[k][i]) == int(target[k][i][target["covered"][i]].mode().values)
                        for i in there
                    ]
                )
                for k in ("colour", "object")
            }
            right.append(
                (
                    pairs["colour"],
                    pairs["object"],
                    (shown["scene"] == target["scene"]).float().mean().item(),
                )
            )
    print(
        "judge on held-out rendered frames (soiled): colour %.3f, object %.3f, place %.3f"
        % tuple(np.mean(right, 0))
    )


def train_shape(a):
    torch.manual_seed(0)
    reader = ShapeReader().to(a.device)
    rates = {"lr": 0.01, "adam_lr": 1e-3} if warmed(reader, a) else {"lr": 0.02, "adam_lr": 2e-3}
    run = Run("shape", reader, a, **rates, adam_only=("out",), warmup=50, average=0.99)
    cuts = Cuts(a, run.steps + 1)
    for _ in run:
        n = a.batch or 48
        x, kind = (torch.cat(pair) for pair in zip(cuts(n // 3), cuts.painted(n - n // 3)))
        logits = reader(x)
        run.step(
            F.cross_entropy(logits, kind, label_smoothing=0.02),
            right=(logits.argmax(1) == kind).float().mean(),
        )
    reader.load_state_dict(run.mean)
    held = Cuts(a, 9, held=True)
    with torch.no_grad():
        right = [
            [
                (reader.eval()(x).argmax(1) == kind).float().mean().item()
                for x, kind in (held(48), held.painted(48))
            ]
            for _ in range(20)
        ]
    print(
        "shape reader on cuts of held-out frames: softened %.3f, painted %.3f"
        % tuple(np.mean(right, 0))
    )


if __name__ == "__main__":
    a = arguments(plan=5.0, stage=("frames", "shape"), batch=0, warm="")
    (train_shape if a.stage == "shape" else train_frames)(a)
