"""Two small convolutional nets that say what a frame shows. They have nothing to do with the networks of mini.

    python judge.py --plan 5                 # colour of the object per 16x16 patch, place and time of day of the frame
    python judge.py --stage shape --plan 6   # which object stands in a 64x64 cut around where the first net sees it

Both are trained on rendered frames alone, blurred, noisy and a little brighter or darker. OUT/judge.pt, OUT/shape.pt.
"""
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from corpora import shards
from fit_vit import Frames, soiled
from grammar import COLOURS, OBJECTS, SCENES, TIMES
from training import Run, arguments

CUT = 64


def step(i, o, stride):
    return nn.Sequential(nn.Conv2d(i, o, 3, stride, 1), nn.GroupNorm(8, o), nn.ReLU())


class Judge(nn.Module):
    """[n,3,128,192] -> object [n,9,8,12], colour [n,10,8,12], scene [n,8], time [n,4] logits"""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(step(3, 16, 2), step(16, 32, 2), step(32, 64, 2), step(64, 64, 1), step(64, 96, 2), step(96, 96, 1))
        self.object, self.colour = nn.Conv2d(96, len(OBJECTS) + 1, 1), nn.Conv2d(96, len(COLOURS) + 1, 1)
        self.scene, self.time = nn.Linear(96, len(SCENES)), nn.Linear(96, len(TIMES))

    def forward(self, x):
        h = self.body(x)
        whole = h.mean((2, 3))
        return {"object": self.object(h), "colour": self.colour(h), "scene": self.scene(whole), "time": self.time(whole)}


def judge_loss(read, target):
    weight = target["covered"].float() + .15
    patch = sum((F.cross_entropy(read[k].flatten(2), target[k], reduction="none") * weight).mean() for k in ("object", "colour"))
    return patch + .3 * F.cross_entropy(read["scene"], target["whole"][:, 0]) + .3 * F.cross_entropy(read["time"], target["whole"][:, 2])


def verdict(read):
    """Index of object, colour, scene per frame; -1 where no object is seen."""
    shown = {}
    for k in ("object", "colour"):
        p = read[k].softmax(1)
        seen = (1 - p[:, -1:]) > .5
        score = (p[:, :-1] * seen).sum((2, 3))
        shown[k] = torch.where(score.sum(1) > .5, score.argmax(1), -1)
    shown["scene"] = read["scene"].argmax(1)
    return shown


def load_judge(out):
    judge = Judge()
    judge.load_state_dict(torch.load(Path(out) / "judge.pt", map_location="cpu", weights_only=False)["mean"])
    return judge.eval()


class ShapeReader(nn.Module):
    """Cuts [n,3,64,64] with an object in the middle -> logits [n,8]"""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(step(3, 24, 2), step(24, 48, 2), step(48, 96, 2), step(96, 96, 1))
        self.out = nn.Linear(96 * 4 * 4, len(OBJECTS))

    def forward(self, x):
        return self.out(F.adaptive_avg_pool2d(self.body(x), 4).flatten(1))


def cut_out(frames, x, y):
    """[n,3,128,192] and centres in pixels [n] -> [n,3,64,64]; beyond the border the last pixel is repeated."""
    half = CUT // 2
    wide = F.pad(frames, (half,) * 4, mode="replicate")
    x, y = x.round().long().clamp(0, frames.shape[3] - 1), y.round().long().clamp(0, frames.shape[2] - 1)
    return torch.stack([f[:, b:b + CUT, a:a + CUT] for f, a, b in zip(wide, x.tolist(), y.tolist())])


class Cuts:
    """Cuts around visible objects of the corpora, the middle off by up to eight pixels, with their class."""

    def __init__(self, folder, seed, kinds=("plans", "long"), held=False):
        parts = [p for kind in kinds for p in shards(folder, kind)]
        self.parts = parts[:2] if held else parts[2:]
        self.rng = np.random.default_rng(seed)

    def __call__(self, n):
        frames, where, kinds = [], [], []
        while len(frames) < n:
            video, record = self.parts[int(self.rng.integers(len(self.parts)))]
            i, t = int(self.rng.integers(video.shape[0])), int(self.rng.integers(video.shape[1]))
            x, y, radius, _, area, kind = record["bodies"][i, t, 0].tolist()
            if area < 1.2 * radius ** 2 or not (8 < x < 184 and 8 < y < 120):      # half out of the picture
                continue
            frames.append(torch.from_numpy(video[i, t].copy()))
            where.append((x, y))
            kinds.append(int(kind))
        x = soiled(torch.stack(frames).permute(0, 3, 1, 2).float() / 127.5 - 1, self.rng)
        centre = torch.tensor(where) + torch.from_numpy(self.rng.uniform(-8, 8, (n, 2))).float()
        return cut_out(x, centre[:, 0], centre[:, 1]), torch.tensor(kinds)


def train_frames(a):
    torch.manual_seed(0)
    judge = Judge()
    run = Run("judge", judge, a, lr=.02, adam_lr=2e-3, warmup=50, average=.99)
    frames = Frames(f"{a.out}/corpora", run.steps + 1)
    for _ in run:
        x, target = frames(24)
        run.step(judge_loss(judge(x), target))
    judge.load_state_dict(run.mean)
    judge.eval()
    held, right = Frames(f"{a.out}/corpora", 9, held=True), []
    with torch.no_grad():
        for _ in range(20):
            x, target = held(24)
            shown, there = verdict(judge(x)), target["covered"].float().sum(1) > 3
            truth = {k: torch.stack([t[c][0] for t, c in zip(target[k], target["covered"])]) if there.all() else None for k in ("object", "colour")}
            scene = (shown["scene"] == target["whole"][:, 0]).float().mean().item()
            pairs = {k: np.mean([int(shown[k][i]) == int(target[k][i][target["covered"][i]].mode().values) for i in range(24) if there[i]]) for k in truth}
            right.append((pairs["colour"], pairs["object"], scene))
    print("judge on held-out rendered frames (soiled): colour %.3f, object %.3f, place %.3f" % tuple(np.mean(right, 0)))


def train_shape(a):
    torch.manual_seed(0)
    reader = ShapeReader()
    run = Run("shape", reader, a, lr=.02, adam_lr=2e-3, adam_only=("out",), warmup=50, average=.99)
    cuts = Cuts(f"{a.out}/corpora", run.steps + 1)
    for _ in run:
        x, kind = cuts(48)
        logits = reader(x)
        run.step(F.cross_entropy(logits, kind, label_smoothing=.02), right=(logits.argmax(1) == kind).float().mean())
    reader.load_state_dict(run.mean)
    held = Cuts(f"{a.out}/corpora", 9, held=True)
    with torch.no_grad():
        right = [(reader.eval()(x).argmax(1) == kind).float().mean().item() for x, kind in (held(48) for _ in range(20))]
    print("shape reader on held-out rendered cuts (soiled): %.3f" % np.mean(right))


if __name__ == "__main__":
    a = arguments(plan=5., stage="frames")
    (train_shape if a.stage == "shape" else train_frames)(a)
