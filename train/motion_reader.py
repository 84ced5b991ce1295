"""A small recurrent net that says how the object of a video moves, from what the net of judge.py
sees in every other frame.

    python corpora.py --kind moves --shards 0-59
    python motion_reader.py --plan 3                      # OUT/motion.pt, and its accuracy on held-out rendered takes

It has nothing to do with the networks of mini and is trained on rendered takes alone. A track is,
per frame: is an object seen, its centre, how large it is, how its inside has changed and by which
angle it has turned against the frame before, and how far the landscape, the ground below it and the
nearest ground have shifted.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from fit_vit import soiled
from grammar import MOTIONS, shown_motion
from judge import cut_out, load_judge
from training import Run, arguments, averaged

FEATURES = 10  # numbers a frame,
SIDEWAYS = (1, 6, 7, 8, 9)  # of which these change their sign in a mirror
# rows of landscape and ground, largest shifts that are looked for there, in pixels
LAYERS = ((0, 72, 8), (72, 100, 16), (100, 128, 24))
ANGLES = torch.linspace(-1, 1, 17) * 0.9  # turns from frame to frame that are looked for
SHORTEST = 16  # frames of a part of a take, in training
HELD = 400  # takes that only judge
MIRRORED = {"roll_right": "roll_left", "roll_left": "roll_right"}


def located(objects):
    """Logits [n,9,8,12] of the judge -> seen [n] bool, x, y in pixels [n], sum of patches that show
    an object [n]"""
    there = 1 - objects.softmax(1)[:, -1]
    sure = there * (there > 0.3 * there.amax((1, 2), keepdim=True))
    places = lambda n: torch.arange(n, device=objects.device) * 16.0 + 8
    row, column = torch.meshgrid(places(8), places(12), indexing="ij")
    centre = lambda axis: (sure * axis).sum((1, 2)) / sure.sum((1, 2)).clamp(min=1e-6)
    return there.amax((1, 2)) > 0.5, centre(column), centre(row), sure.sum((1, 2))


def shifted(x, first, last, most):
    """Frames [n,3,128,192] -> [n]: how far rows first .. last - 1 have moved sideways since the
    frame before, in pixels"""
    # [n,4,192]
    rows = F.avg_pool2d(x[:, :, first:last].mean(1, keepdim=True), ((last - first) // 4, 1))[:, 0]
    rows = rows - rows.mean(2, keepdim=True)
    error = torch.stack(
        [
            (rows[1:, :, most:-most] - rows[:-1, :, most + s : 192 - most + s]).pow(2).mean((1, 2))
            for s in range(-most, most + 1)
        ]
    )
    return F.pad(error.argmin(0).float() - most, (1, 0))


def turned(cuts):
    """Cuts [n,3,64,64] -> how much the inside differs from the frame before as it is and when that
    is turned by the best of ANGLES, this angle; [n] each"""
    # [n,3,20,20]
    small = F.avg_pool2d(cuts[:, :, 12:52, 12:52], 2)
    c, s, zero = ANGLES.cos(), ANGLES.sin(), torch.zeros_like(ANGLES)
    grid = F.affine_grid(
        torch.stack([torch.stack([c, -s, zero], 1), torch.stack([s, c, zero], 1)], 1).to(
            cuts.device
        ),
        (len(ANGLES), 1, 20, 20),
        align_corners=False,
    )
    n, k = len(small) - 1, len(ANGLES)
    before = F.grid_sample(
        small[:-1, None].expand(-1, k, -1, -1, -1).flatten(0, 1),
        grid.repeat(n, 1, 1, 1),
        padding_mode="border",
        align_corners=False,
    )
    before = before.view(n, k, *small.shape[1:])[..., 3:17, 3:17]
    away = torch.arange(14, device=cuts.device) - 6.5
    weight = torch.exp(-(away[:, None] ** 2 + away**2) / 40)
    weight = weight / weight.sum()
    # the centre is known to some pixels
    moved = [small[1:, None, :, y : y + 14, x : x + 14] for y in range(1, 6) for x in range(1, 6)]
    # [n,angles]
    error = torch.stack(
        [((before - now).abs().mean(2) * weight).sum((2, 3)) for now in moved]
    ).amin(0)
    least, best = error.min(1)
    return tuple(F.pad(v, (1, 0)) for v in (error[:, k // 2], least, ANGLES.to(cuts.device)[best]))


def track(x, objects):
    """Frames [n,3,128,192] in [-1,1] and the judge's logits of them -> [n, FEATURES]"""
    seen, a, b, large = located(objects)
    # where nothing is seen, the last place holds
    last = (torch.arange(len(seen), device=x.device) * seen).cummax(0).values
    a, b, large = a[last], b[last], large[last]
    change, rest, angle = turned(cut_out(x, a, b))
    return torch.stack(
        [
            seen.float(),
            a / 64 - 1.5,
            b / 64 - 1,
            large.clamp(min=0.1).log(),
            8 * change,
            16 * (change - rest),
            2 * angle,
            *(shifted(x, *layer) / layer[2] * 2 for layer in LAYERS),
        ],
        1,
    )


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
        motions += [
            MOTIONS.index(shown_motion(g["object"], g["motion"]))
            for g in torch.load(record, weights_only=False)["graphs"]
        ]
    if not tracks:
        raise SystemExit(
            f"{out}/corpora: no shard of moves, expected {HELD} takes and more (corpora.py)"
        )
    return torch.cat(tracks).to(device), torch.tensor(motions, device=device)


def load_motion_reader(out):
    return averaged("motion", MotionReader(), out)


def main():
    a = arguments(plan=3.0, batch=64)
    torch.manual_seed(0)
    tracks, motions = tracks_of(a.out, a.device)
    if len(tracks) <= HELD:
        raise SystemExit(
            f"{a.out}/corpora: {len(tracks)} takes of moves, expected more than the {HELD} that judge"
        )
    mirror = torch.tensor([MOTIONS.index(MIRRORED.get(m, m)) for m in MOTIONS], device=a.device)
    sideways = torch.zeros(FEATURES, device=a.device)
    sideways[list(SIDEWAYS)] = 1
    held, tracks, held_motions, motions = (
        tracks[:HELD],
        tracks[HELD:],
        motions[:HELD],
        motions[HELD:],
    )
    reader = MotionReader().to(a.device)
    run = Run(
        "motion",
        reader,
        a,
        lr=0.01,
        adam_lr=2e-3,
        adam_only=("out", "body"),
        warmup=50,
        average=0.99,
    )
    for _ in run:
        i = torch.randint(len(tracks), (a.batch,), device=a.device)
        count = int(torch.randint(SHORTEST, tracks.shape[1] + 1, ()))
        first = int(torch.randint(tracks.shape[1] - count + 1, ()))
        x, y = tracks[i, first : first + count], motions[i]
        x = x + 0.03 * torch.randn_like(x)
        flipped = torch.rand(a.batch, device=a.device) < 0.5
        sign = 1 - 2 * flipped[:, None, None] * sideways
        y = torch.where(flipped, mirror[y], y)
        logits = reader(x * sign)
        run.step(
            F.cross_entropy(logits, y, label_smoothing=0.05),
            right=(logits.argmax(1) == y).float().mean(),
        )
    reader.load_state_dict(run.mean)
    with torch.no_grad():
        got = reader.eval()(held).argmax(1)
    print(
        "motion reader on held-out rendered takes: %.3f of %d"
        % ((got == held_motions).float().mean(), len(got))
    )
    for want, found in zip(held_motions.tolist(), got.tolist()):
        if want != found:
            print("  ", MOTIONS[want], "read as", MOTIONS[found])


if __name__ == "__main__":
    main()
