"""Stage 4: the video tokenizer, on features that `derive.py features` has written.

Mostly 3-frame samples (the tables and the prefix property are the same for any length, and they are nine times cheaper),
some of 7 and 13. The first part runs without the quantiser; then k-means sets the codebook, which follows its inputs.
Beside the squared error, the read-outs of the picture network must survive: a patch that stays red and round.
"""
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from fit_vit import Heads
from net_tokenizer import Tokenizer
from training import Run, arguments, config

LENGTHS, BATCH = (3, 7, 13), {3: 10, 7: 4, 13: 2}
UNQUANTISED = .15                                   # share of the plan before the codebook exists


class Stretches:
    """Random stretches of semantic frames: features [n,T,C,8,12] and object cover per patch [n,T,96]."""

    def __init__(self, folder, seed, held=False):
        records = [r for kind in ("plans", "long", "takes") for r in sorted(Path(folder).glob(f"{kind}_[0-9]*.pt"))
                   if r.with_suffix(".features.npy").exists()]
        records = records[:2] if held else records[2:]
        self.parts = [(np.load(r.with_suffix(".features.npy"), mmap_mode="r"), self.cover(r)) for r in records]
        self.rng = np.random.default_rng(seed)

    @staticmethod
    def cover(record):
        c = torch.load(record, weights_only=False)["cover"]
        c = c[:, ::4] if c.shape[1] == 73 else c
        return F.avg_pool2d(c.amax(2).float() / 255, 4).flatten(2)

    def __call__(self, n, frames):
        f, cover = [], []
        for _ in range(n):
            features, covers = self.parts[int(self.rng.integers(len(self.parts)))]
            i, t = int(self.rng.integers(len(features))), int(self.rng.integers(features.shape[1] - frames + 1))
            f.append(torch.from_numpy(features[i, t:t + frames].copy()).float())
            cover.append(covers[i, t:t + frames])
        return torch.stack(f), torch.stack(cover)


def load_heads(out):
    state = torch.load(Path(out) / "vit.pt", map_location="cpu", weights_only=False)["mean"]
    heads = Heads(config("tokenizer")["feature_channels"])
    heads.load_state_dict({k[6:]: v for k, v in state.items() if k.startswith("heads.")})
    return heads.requires_grad_(False)


def patches(features):
    return features.flatten(0, 1).flatten(2).transpose(1, 2)                     # [B*T,96,C]


def distance(heads, got, want, cover):
    """-> loss, numbers. Squared error (objects count four more) and what the read-outs lose."""
    weight = 1 + 4 * (cover > .02).float().flatten(0, 1)
    g, w = patches(got), patches(want)
    error = (g - w).pow(2).mean(-1)
    mse = (error * weight).sum() / weight.sum()
    read, truth = heads(g), {k: v.detach() for k, v in heads(w).items()}
    soft = sum(((F.kl_div(read[k].log_softmax(-1), truth[k].softmax(-1), reduction="none").sum(-1)) * weight).sum() / weight.sum()
               for k in ("object", "colour"))
    rgb = ((read["rgb"] - truth["rgb"]).pow(2).mean(-1) * weight).sum() / weight.sum()
    cells = (torch.sigmoid(read["cover"]) - torch.sigmoid(truth["cover"])).pow(2).mean()
    place = ((read["place"] - truth["place"]).abs().mean(-1) * (weight - 1)).sum() / (weight - 1).sum().clamp(min=1)
    covered = weight > 1
    kept = {k: (read[k].argmax(-1) == truth[k].argmax(-1))[covered].float().mean().item() if covered.any() else 1. for k in ("object", "colour")}
    loss = mse + .5 * soft + 4 * rgb + 2 * cells + .2 * place
    return loss, {"mse": error.mean().item(), "rgb_db": -10 * np.log10((read["rgb"] - truth["rgb"]).pow(2).mean().item() / 4), **kept}


def main():
    a = arguments(plan=16.)
    torch.manual_seed(0)
    model, heads = Tokenizer(config("tokenizer")).to(a.device), load_heads(a.out)
    run = Run("tokenizer", model, a, lr=.02, adam_lr=1.5e-3, warmup=60, average=.995,
              adam_only=("tokens", "mask_token", "decoder_embed", "patch_embed", "proj_out", "quantizer", "ffn", "ln_"))
    data = Stretches(f"{a.out}/corpora", run.steps + 1)
    opened = len(data.parts)
    book = model.quantizer._codebook
    used = torch.zeros(book.embed.shape[1])
    for progress in run:
        if run.steps % 100 == 99 and opened < 80:                               # more shards may have come
            data = Stretches(f"{a.out}/corpora", run.steps)
            opened = len(data.parts)
        frames = LENGTHS[[0, 0, 0, 1, 2][run.steps % 5]]
        f, cover = data(BATCH[frames], frames)
        quantise = progress > UNQUANTISED
        if quantise and not book.initted.item():
            with torch.no_grad():
                z = []
                for _ in range(24):
                    g, _ = data(10, 3)
                    rope, mask, _ = model.table(3)
                    z.append(model.quantizer.project_in(model.encoder(g, rope, mask)).flatten(0, 1))
                model.quantizer.begin(torch.cat(z))
        got, index, commit = model(f.to(a.device), quantise)
        loss, numbers = distance(heads, got, f, cover)
        if index is not None:
            used.mul_(.98)[index.flatten()] += 1
        run.step(loss + .25 * commit, **{f"{k}{frames}" if k == "mse" else k: v for k, v in numbers.items() if k != "mse" or frames == 3},
                 used=(used > .01).float().mean().item())
    model.load_state_dict(run.mean)
    model.eval()
    held = Stretches(f"{a.out}/corpora", 3, held=True)
    with torch.no_grad():
        rows = []
        for _ in range(8):
            f, cover = held(4, 13)
            rows.append(distance(heads, model(f)[0], f, cover)[1])
    print("held-out segments of 13:", {k: round(float(np.mean([r[k] for r in rows])), 3) for k in rows[0]})


if __name__ == "__main__":
    main()
