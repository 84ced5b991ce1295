"""Does a video show the colour and the place that its prompt names?

    python evaluate.py judge --plan 5                       # train the judge on rendered frames
    python evaluate.py prompts > prompts.txt                # 40 prompts that name an object, a colour and a place
    python evaluate.py score --videos DIR                   # DIR/000.npy|.y4m, or DIR/000/*.png, in the order of the prompts

The judge is a small convolutional net that has nothing to do with the networks of mini. It reads class and colour of the
object per 16x16 patch and the place of the whole frame; a video has the colour (place, object) that most of its frames have.
"""
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from fit_vit import Frames
from grammar import COLOURS, OBJECTS, SAY_MOTION, SAY_SCENE, SAY_TIME, SCENES, TIMES, held_out, pick
from training import Run, arguments


class Judge(nn.Module):
    """[n,3,128,192] -> object [n,9,8,12], colour [n,10,8,12], scene [n,8], time [n,4] logits"""

    def __init__(self):
        super().__init__()
        step = lambda i, o, stride: nn.Sequential(nn.Conv2d(i, o, 3, stride, 1), nn.GroupNorm(8, o), nn.ReLU())
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


def read_video(path):
    """uint8 [T,H,W,3] of a .npy, a .y4m (4:2:0 or 4:4:4) or a folder of PNGs"""
    if path.is_dir():
        from PIL import Image
        return np.stack([np.asarray(Image.open(f).convert("RGB")) for f in sorted(path.glob("*.png"))])
    return np.load(path) if path.suffix == ".npy" else read_y4m(path)


def read_y4m(path):
    data = path.read_bytes()
    head, data = data.split(b"\n", 1)
    words = head.decode().split()
    w, h = (int(next(x[1:] for x in words if x[0] == k)) for k in "WH")
    full = any(x.startswith("C444") for x in words)
    cw, ch = (w, h) if full else ((w + 1) // 2, (h + 1) // 2)
    size, frames, at = w * h + 2 * cw * ch, [], 0
    while at < len(data):
        at = data.index(b"\n", at) + 1
        planes = np.frombuffer(data, np.uint8, size, at).astype(np.float32)
        at += size
        y = planes[:w * h].reshape(h, w)
        u, v = (p.reshape(ch, cw) for p in (planes[w * h:w * h + cw * ch], planes[w * h + cw * ch:]))
        if not full:
            u, v = (p.repeat(2, 0).repeat(2, 1)[:h, :w] for p in (u, v))
        y, u, v = (y - 16) * 255 / 219, (u - 128) * 255 / 224, (v - 128) * 255 / 224
        rgb = np.stack([y + 1.402 * v, y - .344136 * u - .714136 * v, y + 1.772 * u], -1)
        frames.append(rgb.clip(0, 255).astype(np.uint8))
    return np.stack(frames)


def forty():
    """-> list of (prompt, object, colour, scene): all colours and places, half of the combinations held out."""
    rng, rows = np.random.default_rng(40), []
    while len(rows) < 40:
        obj, scene, colour = pick(rng, OBJECTS), SCENES[len(rows) % 8], COLOURS[len(rows) % 9]
        if (len(rows) // 8) % 2 and not held_out(obj, colour, scene) and any(held_out(o, colour, scene) for o in OBJECTS):
            continue
        motion, time = pick(rng, ["bounce", "roll_right", "float", "spin", "rest", "fly", "jump"]), pick(rng, TIMES)
        when = "" if scene in ("space", "underwater") else " " + SAY_TIME[time][0]
        rows.append((f"{'an' if colour[0] in 'aeiou' else 'a'} {colour} {obj} {SAY_MOTION[motion][0][0]} {SAY_SCENE[scene][0]}{when}", obj, colour, scene))
    return rows


@torch.no_grad()
def judged(judge, video):
    """Majority (object, colour, scene) of a video and the share of frames with an object."""
    x = torch.from_numpy(np.ascontiguousarray(video[::2])).permute(0, 3, 1, 2).float() / 127.5 - 1
    shown = verdict(judge(x))
    most = lambda v: int(v[v >= 0].mode().values) if (v >= 0).any() else -1
    return {k: most(v) for k, v in shown.items()}, (shown["object"] >= 0).float().mean().item()


def score(judge, videos):
    """videos: iterable of uint8 videos in the order of `forty`."""
    hits = []
    for (prompt, obj, colour, scene), video in zip(forty(), videos):
        got, present = judged(judge, video)
        name = lambda names, i: names[i] if i >= 0 else "-"
        row = (got["colour"] == COLOURS.index(colour), got["scene"] == SCENES.index(scene), got["object"] == OBJECTS.index(obj))
        hits.append(row)
        print(f"{'+' if row[0] and row[1] else '-'} {prompt:70s} {name(COLOURS, got['colour']):7s} {name(SCENES, got['scene']):10s} "
              f"{name(OBJECTS, got['object']):8s} object in {present:.0%} of frames")
    h = np.array(hits)
    print(f"colour {h[:, 0].mean():.1%}  place {h[:, 1].mean():.1%}  both {(h[:, 0] & h[:, 1]).mean():.1%}  shape {h[:, 2].mean():.1%}  of {len(h)}")


def train_judge(a):
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


def main():
    what = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else "help"
    if what == "prompts":
        print("\n".join(r[0] for r in forty()))
    elif what == "judge":
        train_judge(arguments(plan=5.))
    elif what == "score":
        a = arguments(plan=0., videos="videos")
        paths = sorted(f for f in Path(a.videos).iterdir() if f.is_dir() or f.suffix in (".npy", ".y4m"))
        score(load_judge(a.out), (read_video(f) for f in paths))
    else:
        print(__doc__)


if __name__ == "__main__":
    main()
