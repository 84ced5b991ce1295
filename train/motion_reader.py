"""A small recurrent net that says how the object of a video moves, from what the net of judge.py sees in every other frame.

    python corpora.py --kind moves --shards 0-23
    python motion_reader.py --plan 3                      # OUT/motion.pt, and its accuracy on held-out rendered takes

It has nothing to do with the networks of mini and is trained on rendered takes alone. A track is, per frame: is an object seen,
its centre, how large it is, how much its inside has changed against the frame before (what spins, spins), and how far the
landscape has shifted.
"""
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from fit_vit import soiled
from grammar import MOTIONS
from judge import cut_out, load_judge
from training import Run, arguments

FEATURES, SHIFT = 6, 8                              # numbers a frame; largest shift of the landscape that is looked for, in pixels
MIRRORED = {"roll_right": "roll_left", "roll_left": "roll_right"}


def located(objects):
    """Logits [n,9,8,12] of the judge -> seen [n] bool, x, y in pixels [n], sum of patches that show an object [n]"""
    there = 1 - objects.softmax(1)[:, -1]
    sure = there * (there > .3 * there.amax((1, 2), keepdim=True))
    places = lambda n: torch.arange(n, device=objects.device) * 16. + 8
    row, column = torch.meshgrid(places(8), places(12), indexing="ij")
    centre = lambda axis: (sure * axis).sum((1, 2)) / sure.sum((1, 2)).clamp(min=1e-6)
    return there.amax((1, 2)) > .5, centre(column), centre(row), sure.sum((1, 2))


def landscape_shift(x):
    """Frames [n,3,128,192] -> [n]: how far the upper half has moved sideways since the frame before, in pixels"""
    rows = F.avg_pool2d(x[:, :, :72].mean(1, keepdim=True), (12, 1))[:, 0]                 # [n,6,192]
    rows = rows - rows.mean(2, keepdim=True)
    error = torch.stack([(rows[1:, :, SHIFT:-SHIFT] - rows[:-1, :, SHIFT + s:192 - SHIFT + s]).pow(2).mean((1, 2))
                         for s in range(-SHIFT, SHIFT + 1)])
    return F.pad(error.argmin(0).float() - SHIFT, (1, 0))


def track(x, objects):
    """Frames [n,3,128,192] in [-1,1] and the judge's logits of them -> [n, FEATURES]"""
    seen, a, b, large = located(objects)
    last = (torch.arange(len(seen), device=x.device) * seen).cummax(0).values              # where nothing is seen, the last place holds
    a, b, large = a[last], b[last], large[last]
    inside = F.avg_pool2d(cut_out(x, a, b)[:, :, 20:44, 20:44], 2)
    turned = F.pad((inside[1:] - inside[:-1]).abs().mean((1, 2, 3)), (1, 0))
    return torch.stack([seen.float(), a / 64 - 1.5, b / 64 - 1, large.clamp(min=.1).log(), 8 * turned, landscape_shift(x) / 4], 1)


class MotionReader(nn.Module):
    """Tracks [n,T,features] -> logits [n,13]"""

    def __init__(self, features=FEATURES):
        super().__init__()
        self.into = nn.Linear(2 * features, 48)
        self.body = nn.GRU(48, 64, batch_first=True, bidirectional=True)
        self.out = nn.Linear(128, len(MOTIONS))

    def forward(self, tracks):
        change = F.pad(tracks[:, 1:] - tracks[:, :-1], (0, 0, 1, 0))
        h, _ = self.body(F.gelu(self.into(torch.cat([tracks, 4 * change], 2))))
        return self.out(h.mean(1))


@torch.no_grad()
def tracks_of(out, device):
    """-> tracks [N,24,FEATURES] of the corpus `moves`, motions [N]; written down once a shard"""
    judge, tracks, motions = load_judge(out).to(device), [], []
    rng = np.random.default_rng(0)
    for record in sorted(Path(out, "corpora").glob("moves_*.pt")):
        path = record.with_suffix(".tracks.npy")
        if not path.exists():
            rows = []
            for video in torch.from_numpy(np.load(record.with_suffix(".npy"))).to(device):
                x = soiled(video.permute(0, 3, 1, 2).float() / 127.5 - 1, rng)
                rows.append(track(x, judge(x)["object"]))
            np.save(path, torch.stack(rows).cpu().numpy())
        tracks.append(torch.from_numpy(np.load(path)))
        motions += [MOTIONS.index(g["motion"]) for g in torch.load(record, weights_only=False)["graphs"]]
    return torch.cat(tracks).to(device), torch.tensor(motions, device=device)


def load_motion_reader(out):
    reader = MotionReader()
    reader.load_state_dict(torch.load(Path(out) / "motion.pt", map_location="cpu", weights_only=False)["mean"])
    return reader.eval()


def main():
    a = arguments(plan=3., batch=64)
    torch.manual_seed(0)
    tracks, motions = tracks_of(a.out, a.device)
    mirror = torch.tensor([MOTIONS.index(MIRRORED.get(m, m)) for m in MOTIONS], device=a.device)
    sideways = torch.tensor([0., 1, 0, 0, 0, 1], device=a.device)                          # numbers that change their sign in a mirror
    held, tracks, held_motions, motions = tracks[:150], tracks[150:], motions[:150], motions[150:]
    reader = MotionReader().to(a.device)
    run = Run("motion", reader, a, lr=.01, adam_lr=2e-3, adam_only=("out", "body"), warmup=50, average=.99)
    for _ in run:
        i = torch.randint(len(tracks), (a.batch,), device=a.device)
        x, y = tracks[i] + .03 * torch.randn(a.batch, *tracks.shape[1:], device=a.device), motions[i]
        flipped = torch.rand(a.batch, device=a.device) < .5
        sign = 1 - 2 * flipped[:, None, None] * sideways
        y = torch.where(flipped, mirror[y], y)
        logits = reader(x * sign)
        run.step(F.cross_entropy(logits, y, label_smoothing=.05), right=(logits.argmax(1) == y).float().mean())
    reader.load_state_dict(run.mean)
    with torch.no_grad():
        got = reader.eval()(held).argmax(1)
    print("motion reader on held-out rendered takes: %.3f of %d" % ((got == held_motions).float().mean(), len(got)))
    for want, found in zip(held_motions.tolist(), got.tolist()):
        if want != found:
            print("  ", MOTIONS[want], "read as", MOTIONS[found])


if __name__ == "__main__":
    main()
