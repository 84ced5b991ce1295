"""Stage 3: the picture network in Theia's place, taught by the renderer's ground truth.

Linear heads on its final LayerNorm read, per 16x16 patch: colours of 4x4 cells, coverage of the
object, its class and colour, the way to its centre, its radius, shares of sky, far, mid and ground,
and what the whole scene is. At the end the mean and spread of the features are folded into that
LayerNorm, so that each channel is about N(0,1).

`--stage on`, when all others are done, goes on for what `longtake encode` reads: with frames of the
world and with things put down in other pictures (strange.py), its features near those of before. It
writes OUT/vit_on.pt, which fit_encoder.py reads; OUT/vit.pt stays.
"""

import copy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from corpora import parted, shards
from derive import as_pixels
from grammar import COLOURS, LANDMARKS, OBJECTS, SCENES, TIMES, WEATHERS
from net_tokenizer import Theia
from strange import pictures
from training import Run, arguments, averaged_weights, config, save_atomically

PATCH = 16
WORLD, OTHERS = 12, 6  # of the stage `on`: pictures of a step,
# share of the plan in which the heads alone learn,
HEADS_FIRST = 0.06
# what a squared distance of the features from those of before weighs
NEAR = 0.5


class Frames:
    """Random semantic frames of a.out's corpora on a.device with their ground truth."""

    def __init__(self, a, seed, held=False):
        folder, self.device = f"{a.out}/corpora", a.device
        parts = [p for kind in ("plans", "long") for p in shards(folder, kind)]
        self.parts = parted(parts, held, folder)
        self.rng = np.random.default_rng(seed)

    def draw(self, n):
        """-> pixels [n,3,128,192] in [-1,1], dict of what is true of them"""
        pixels, truth = [], []
        for _ in range(n):
            video, record = self.parts[int(self.rng.integers(len(self.parts)))]
            i, t = int(self.rng.integers(video.shape[0])), int(self.rng.integers(video.shape[1]))
            pixels.append(torch.from_numpy(video[i, t].copy()))
            truth.append(frame_truth(record, i, t))
        return as_pixels(torch.stack(pixels).to(self.device)), {
            k: torch.stack([t[k] for t in truth]).to(self.device) for k in truth[0]
        }

    def __call__(self, n, augment=True):
        """-> pixels [n,3,128,192] in [-1,1], dict of targets per patch"""
        x, target = self.draw(n)
        target["rgb"] = cells(x)
        return soiled(x, self.rng) if augment else x, target


def cells(x):
    """Mean colour of the 4x4 cells of every patch: [n,3,128,192] -> [n,96,48]"""
    y = F.avg_pool2d(x, 4)
    n, c, h, w = y.shape
    return y.view(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 3, 5, 1).reshape(n, -1, 16 * c)


def soiled(x, rng):
    """What real or decoded pictures have: blur, noise, a little more or less light."""
    if rng.random() < 0.3:
        x = F.interpolate(
            F.interpolate(x, scale_factor=0.5, mode="area"), scale_factor=2, mode="bilinear"
        )
    x = x * float(rng.uniform(0.94, 1.06)) + float(rng.uniform(-0.04, 0.04))
    return (x + float(rng.uniform(0, 0.04)) * torch.randn_like(x)).clamp(-1, 1)


def by_patch(cells):
    """4x4 cells of pixels [...,32,48] -> those of each patch [...,96,16]"""
    return (
        cells.unflatten(-2, (8, 4))
        .unflatten(-1, (12, 4))
        .transpose(-3, -2)
        .flatten(-2)
        .flatten(-3, -2)
    )


def bodies_truth(cover, bodies, hues):
    """Targets of 96 patches from the share of every 4x4 pixels [2,32,48] that two bodies [2,6] of
    hues [2] cover: class and colour of the one that covers more, and its place"""
    per_patch = by_patch(cover)
    share = per_patch.mean(-1)
    slot = (share[1] > share[0]).long()
    covered = share.amax(0) > 0.02
    body, hue = bodies[slot], hues[slot]  # [96,6], [96]
    row, column = torch.meshgrid(torch.arange(8.0), torch.arange(12.0), indexing="ij")
    return {
        "cover": per_patch.amax(0),
        "covered": covered,
        "object": torch.where(covered, body[:, 5].long(), len(OBJECTS)),
        "colour": torch.where(covered, hue, len(COLOURS)),
        "place": torch.stack(
            [
                (body[:, 0] - column.flatten() * PATCH - 8) / PATCH,
                (body[:, 1] - row.flatten() * PATCH - 8) / PATCH,
                torch.log(body[:, 2].clamp(min=1) / 20),
            ],
            1,
        ),
    }


def frame_truth(record, i, t):
    """Targets of one frame: of its bodies, layers, scene."""
    graph = record["graphs"][i]
    whole = torch.tensor(
        [
            SCENES.index(graph["scene"]),
            LANDMARKS.index(graph["landmark"]),
            TIMES.index(graph["time"]),
            WEATHERS.index(graph["weather"]),
        ]
    )
    return {
        **bodies_truth(
            record["cover"][i, t].float() / 255, record["bodies"][i, t], record["hues"][i, t]
        ),
        "layers": record["layers"][i, t].float().view(4, 96).T / 255,
        "whole": whole,
    }


def other_pictures(n, rng, device):
    """Pictures of something else with a thing put down in each (strange.py) -> pixels, targets of
    its place alone"""
    pixels, bodies, hues, cover = pictures(n, n, rng)
    pixels = pixels.to(device)
    truth = [
        bodies_truth(
            torch.stack([c, torch.zeros_like(c)]), torch.stack([b, b]), torch.stack([h, h])
        )
        for c, b, h in zip(cover, bodies, hues)
    ]
    return soiled(pixels, rng), {
        **{k: torch.stack([t[k] for t in truth]).to(device) for k in truth[0]},
        "rgb": cells(pixels),
    }


class Heads(nn.Module):
    """Linear read-outs of features [n,96,C]."""

    SIZES = {
        "rgb": 48,
        "cover": 16,
        "object": len(OBJECTS) + 1,
        "colour": len(COLOURS) + 1,
        "place": 3,
        "layers": 4,
        "scene": len(SCENES),
        "landmark": len(LANDMARKS),
        "time": len(TIMES),
        "weather": len(WEATHERS),
    }

    def __init__(self, channels):
        super().__init__()
        self.read = nn.ModuleDict({k: nn.Linear(channels, n) for k, n in self.SIZES.items()})

    def forward(self, f):
        return {k: head(f) for k, head in self.read.items()}


def heads_loss(read, target):
    """-> loss, numbers to watch. Patches with an object weigh more in the class terms."""
    covered = target["covered"].float()
    many = covered.sum().clamp(min=1)
    weight = covered + 0.15 * (1 - covered)
    classes = {}
    for k in ("object", "colour"):
        ce = F.cross_entropy(read[k].transpose(1, 2), target[k], reduction="none")
        classes[k] = (ce * weight).sum() / weight.sum()
    place = ((read["place"] - target["place"]).abs() * covered[..., None]).sum() / many
    rgb = (read["rgb"] - target["rgb"]).pow(2).mean()
    cover = F.binary_cross_entropy_with_logits(read["cover"], target["cover"].clamp(0, 1))
    loss = 8 * rgb + 2 * cover + classes["object"] + 0.5 * classes["colour"] + 0.5 * place
    right = {
        k: (((read[k].argmax(-1) == target[k]).float() * covered).sum() / many).item()
        for k in ("object", "colour")
    }
    numbers = {"rgb_db": -10 * np.log10(rgb.item() / 4), "place": place.item(), **right}
    if "whole" not in target:
        return loss, numbers
    layers = (read["layers"] - target["layers"]).pow(2).mean()
    whole = sum(
        F.cross_entropy(
            read[k].flatten(0, 1), target["whole"][:, i : i + 1].expand(-1, 96).flatten()
        )
        for i, k in enumerate(("scene", "landmark", "time", "weather"))
    )
    scene = (read["scene"].mean(1).argmax(-1) == target["whole"][:, 0]).float().mean().item()
    return loss + layers + 0.1 * whole, {**numbers, "scene": scene}


class Taught(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.vit, self.heads = Theia(c), Heads(c["hidden_size"])

    def forward(self, x, padded=True):
        f = self.vit(x, padded).flatten(2).transpose(1, 2)
        return f, self.heads(f)


def as_it_is(a):
    """The picture network of OUT/vit.pt; its heads where they were kept"""
    model = Taught(config("tokenizer")["theia"]).to(a.device)
    model.load_state_dict(averaged_weights("vit", a.out), strict=False)
    return model


@torch.no_grad()
def fold_statistics(model, frames):
    """Scale the final LayerNorm so that every feature channel has mean 0 and deviation 1; the heads
    follow."""
    f = torch.cat([model(frames(32, augment=False)[0])[0].flatten(0, 1) for _ in range(6)])
    mean, std = f.mean(0), f.std(0)
    norm = model.vit.backbone.model.layernorm
    norm.weight.div_(std)
    norm.bias.sub_(mean).div_(std)
    for head in model.heads.read.values():
        head.bias.add_(head.weight @ mean)
        head.weight.mul_(std)


@torch.no_grad()
def report(model, a):
    held = Frames(a, 7, held=True)
    numbers = []
    for _ in range(10):
        x, target = held(32, augment=False)
        f, read = model(x)
        numbers.append(heads_loss(read, target)[1])
    print(
        "held-out takes:",
        {k: round(float(np.mean([n[k] for n in numbers])), 3) for k in numbers[0]},
        "feature mean %.3f std %.3f" % (f.mean(), f.std()),
    )


def train_on(a):
    torch.manual_seed(0)
    model = as_it_is(a)
    before = copy.deepcopy(model.vit).requires_grad_(False)
    run = Run(
        "vit_on_training",
        model,
        a,
        lr=0.007,
        adam_lr=1e-3,
        adam_only=("embeddings", "heads", "norm"),
        warmup=100,
        average=0.99,
    )
    frames = Frames(a, run.steps + 1)
    for progress in run:
        model.vit.requires_grad_(progress > HEADS_FIRST)
        x, target = frames(WORLD)
        strange, things = other_pictures(OTHERS, frames.rng, a.device)
        padded = progress > 0.8
        f, read = model(torch.cat([x, strange]), padded)
        loss, numbers = heads_loss({k: v[:WORLD] for k, v in read.items()}, target)
        found, others = heads_loss({k: v[WORLD:] for k, v in read.items()}, things)
        with torch.no_grad():
            known = before(x, padded).flatten(2).transpose(1, 2)
        apart = (f[:WORLD] - known).pow(2).mean()
        run.step(
            loss + 0.5 * found + NEAR * apart,
            **numbers,
            apart=apart,
            **{"other_" + k: v for k, v in others.items()},
        )
    model.load_state_dict(run.mean)
    save_atomically({"mean": model.eval().state_dict()}, f"{a.out}/vit_on.pt")
    report(model, a)


def main():
    a = arguments(plan=15.0, stage=("all", "on", "heads"))
    if a.stage == "on":
        return train_on(a)
    torch.manual_seed(0)
    # of a picture network that is there
    alone = a.stage == "heads"
    model = as_it_is(a) if alone else Taught(config("tokenizer")["theia"]).to(a.device)
    model.vit.requires_grad_(not alone)
    run = Run(
        "vit_heads" if alone else "vit_training",
        model,
        a,
        lr=0.02,
        adam_lr=1.5e-3,
        adam_only=("embeddings", "heads", "norm"),
        warmup=100,
    )
    frames = Frames(a, run.steps + 1)
    for progress in run:
        x, target = frames(16)
        _, read = model(x, padded=progress > 0.7)
        loss, numbers = heads_loss(read, target)
        run.step(loss, **numbers)
    model.load_state_dict(run.mean)
    model.eval()
    if not alone:
        fold_statistics(model, frames)
    save_atomically({"mean": model.state_dict()}, f"{a.out}/vit.pt")
    report(model, a)


if __name__ == "__main__":
    main()
