"""Stage 6: the upsampler learns to regress clean latents from the tokenizer's decoded features.

This alone puts colours and places right; refinement then starts from it. The tokenizer's decoder learns along, so that
features carry all that the codes know of an object's outline, also what the picture network could not see; they are held
near the picture network's. Half of the samples are latents of takes, half single frames of many other scenes.
OUT/decoder.pt is the tokenizer with that decoder.
"""
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from derive import Stills as StillFrames
from fit_tokenizer import distance, load_heads
from net_dit import DiT
from net_tokenizer import Tokenizer
from spelled import LEARNED, SPELLED
from training import Run, arguments, averaged, config, save_atomically

NEAR = .05                                          # weight of the distance to the picture network's features
MOVED, REPLACED = .5, .3                            # share of samples with learned codes of another frame; most codes replaced


def latent_scale(out):
    """1 / deviation of all latents of the takes, measured once."""
    path = Path(out) / "scale_factor.txt"
    if not path.exists():
        sample = [np.load(f)[:, :, ::1, ::2, ::2].astype(np.float32) for f in sorted(Path(out, "corpora").glob("takes_*.latents.npy"))]
        path.write_text(f"{1 / np.concatenate(sample).std():.6f}")
    return float(path.read_text())


class Pairs:
    """Takes: scaled latents [N,19,16,16,24], codes [N,19,40], features of the picture network [N,19,192,8,12] and how much
    of each latent cell is object."""

    def __init__(self, out, kind="takes"):
        records = [r for r in sorted(Path(out, "corpora").glob(f"{kind}_[0-9]*.pt"))
                   if r.with_suffix(".latents.npy").exists() and r.with_suffix(".tokens.npy").exists()]
        self.scale = latent_scale(out)
        read = lambda what: torch.cat([torch.from_numpy(np.load(r.with_suffix(f".{what}.npy"))) for r in records])
        self.latents, self.features, self.codes = read("latents"), read("features"), read("tokens").view(-1, 19, 40)
        self.cover, self.graphs = [], []
        for r in records:
            record = torch.load(r, weights_only=False)
            self.cover.append(latent_cover(record["cover"]))
            self.graphs += record["graphs"]
        self.cover = torch.cat(self.cover)


def latent_cover(cover):
    """u8 [N,73,2,32,48] -> [N,19,1,16,24]: largest share of object over the frames of a latent"""
    c = F.avg_pool2d(cover.amax(2).float() / 255, 2)
    later = c[:, 1:].reshape(len(c), -1, 4, *c.shape[2:]).amax(2)
    return torch.cat([c[:, :1], later], 1)[:, :, None].half()


class Stills:
    """One frame of each plan: latents [M,16,16,24], codes of all frames [M,13,40], number of that frame, its features and cover."""

    def __init__(self, out, skip=2):
        records = [r for r in sorted(Path(out, "corpora").glob("plans_[0-9]*.pt")) if r.with_suffix(".stills.npy").exists()
                   and r.with_suffix(".tokens.npy").exists()][skip:]
        parts = {"latents": [], "codes": [], "shown": [], "features": [], "cover": []}
        for r in records:
            read = lambda what: torch.from_numpy(np.load(r.with_suffix(f".{what}.npy")))
            z = read("stills")[:, 0]
            shown = torch.arange(len(z)), torch.from_numpy(StillFrames.frame_of_take(len(z)))
            cover = torch.load(r, weights_only=False)["cover"][shown]
            parts["latents"].append(z)
            parts["codes"].append(read("tokens").view(len(z), -1, 40))
            parts["shown"].append(shown[1])
            parts["features"].append(read("features")[shown])
            parts["cover"].append(F.avg_pool2d(cover.amax(1, keepdim=True).float() / 255, 2).half())
        self.latents, self.codes, self.shown, self.features, self.cover = (torch.cat(p) for p in parts.values())


def spoilt(codes, shown, rng):
    """codes [n,T,40] of whole takes -> [n,40] of the frame that is shown, with the mistakes of a language model: the learned
    codes of some samples come from a few frames earlier or later, some are replaced by any others. What the object is and
    where it is must be drawn as the spelled codes say."""
    n, frames = codes.shape[:2]
    rows, learned = torch.arange(n), torch.arange(40) >= SPELLED
    away = torch.from_numpy(rng.integers(-4, 5, n))
    away = torch.where(torch.from_numpy(rng.random(n)) < MOVED, away, 0)
    right, moved = codes[rows, shown], codes[rows, (shown + away).clamp(0, frames - 1)]
    made = torch.where(learned, moved, right)
    replaced = torch.from_numpy(rng.random((n, 40)) < rng.random((n, 1)) * REPLACED) & learned
    return torch.where(replaced, torch.from_numpy(rng.integers(LEARNED, size=(n, 40))), made)


def main():
    a = arguments(plan=20.)
    torch.manual_seed(0)
    model, tokenizer, heads = DiT(config("mmdit")), averaged("tokenizer", Tokenizer(config("tokenizer")), a.out), load_heads(a.out)
    learner = nn.ModuleDict({"up": model.control.semantic_conditioner, "decoder": tokenizer.decoder}).to(a.device).train()
    rope, _, mask = tokenizer.table(1)

    def decoded(codes):
        with torch.no_grad():
            rows = tokenizer.quantizer.lookup(codes)
        return learner["decoder"](rows, 1, rope, mask)

    run = Run("upsampler_training", learner, a, lr=.02, adam_lr=1.5e-3, adam_only=("conv_in", "conv_out"), warmup=40, average=.995,
              slow={"decoder.": .5})
    data, stills, rng = Pairs(a.out), Stills(a.out), np.random.default_rng(run.steps + 1)
    draw = lambda n: torch.from_numpy(rng.integers(n, size=8))
    for _ in run:
        i, j, k = draw(len(data.latents)), draw(19), draw(len(stills.latents))
        z = torch.cat([data.latents[i, j], stills.latents[k]]).float() * data.scale
        cover = torch.cat([data.cover[i, j], stills.cover[k]]).float()
        true = torch.cat([data.features[i, j], stills.features[k]]).float()[:, None]
        f = decoded(torch.cat([spoilt(data.codes[i], j, rng), spoilt(stills.codes[k], stills.shown[k], rng)]))
        patches = F.max_pool2d(cover[:, 0], 2).flatten(1)[:, None]
        near, numbers = distance(heads, f, true, patches)
        got = learner["up"](f + .1 * torch.randn_like(f))[:, 0]
        error = (got - z).pow(2)
        on = (error * cover).sum() / (cover.sum() * z.shape[1])
        run.step((error * (1 + 5 * cover)).mean() + NEAR * near, mse=error.mean(), on=on, features=numbers["mse"])
    learner.load_state_dict(run.mean)
    save_atomically({"mean": model.state_dict()}, f"{a.out}/upsampler.pt")
    save_atomically({"mean": tokenizer.state_dict()}, f"{a.out}/decoder.pt")
    held = Pairs(a.out, "held")
    with torch.no_grad():
        z = held.latents[:8].float() * held.scale
        e = (learner["up"](torch.stack([decoded(c)[:, 0] for c in held.codes[:8]])) - z).pow(2)
    cover = held.cover[:8].float()
    print("held-out takes: squared error %.4f of %.4f, on objects %.4f; per channel"
          % (e.mean(), z.var(), (e * cover).sum() / cover.sum() / 16), e.mean((0, 1, 3, 4)).numpy().round(3))


if __name__ == "__main__":
    main()
