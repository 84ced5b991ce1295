"""Stage 12: what the codes of another world's pictures say (picture_codes.py), and the network that
makes features of them.

    python strange.py --shards 0-71                                # pictures, OUT/corpora/strange_NNN.pt
    python fit_pictures.py --stage latents                         # what the VAE makes of them, strange_NNN.latents.npy
    python fit_pictures.py --plan 40
    python fit_pictures.py --stage colours                         # wants the frames of the plans

Codes of the world go through the tokenizer's decoder as before. Those of pictures are read back to
colours of cells, and a small perceptron makes of each patch and what is around it the vector that
the decoder's last norm and head turn into features: those from which the upsampler, which stays as
it is, draws the picture's latents.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from corpora import save_array, shards
from derive import Latents, as_pixels, load_theia
from fit_upsampler import latent_scale, pixel_weights
from net_dit import DiT
from net_tokenizer import Pictures, Tokenizer
from picture_codes import allotted, patch_colours, read, written
from training import Run, arguments, averaged, config, save_atomically, warmed

BATCH = 16
HELD = 1  # shards of pictures that are held out
# pictures of a shard by which levels are allotted
SAMPLE = 30
# weight of latents averaged over patches: colours before edges
COARSE = 2.0


def latents_of(path):
    return path.with_suffix(".latents.npy")


def shards_of(a):
    return sorted(Path(a.out, "corpora").glob("strange_*.pt"))


def pixels_of(path):
    return torch.load(path)["pixels"].float() / 127.5 - 1


@torch.no_grad()
def make_latents(a):
    make = Latents(a.out)
    for path in shards_of(a):
        if not latents_of(path).exists():
            # videos of one frame
            stills = torch.load(path)["pixels"].movedim(1, -1)[:, None]
            save_array(make.of(stills, None)[:, 0].numpy(), latents_of(path))
            print(latents_of(path), flush=True)


def table_of(a):
    """Which cosines are told: made once"""
    path = Path(a.out) / "pictures_table.pt"
    if not path.exists():
        some = torch.cat([pixels_of(p)[:SAMPLE] for p in shards_of(a)[HELD:]])
        save_atomically({"mean": {"table": allotted(some)}}, path)
    return torch.load(path)["mean"]["table"]


class Stills:
    """What codes of pictures tell, and the latents [n,16,16,24] of the pictures"""

    def __init__(self, a, table, held):
        paths = [p for p in shards_of(a) if latents_of(p).exists()]
        if len(paths) <= HELD:
            raise SystemExit(
                f"{a.out}/corpora: {len(paths)} shards of pictures with latents, expected {HELD + 1} at least (see the head of this file)"
            )
        paths = paths[:HELD] if held else paths[HELD:]
        self.luminance, self.chroma = (
            torch.cat(x) for x in zip(*(read(written(pixels_of(p), table), table) for p in paths))
        )
        self.latents = torch.cat([torch.from_numpy(np.load(latents_of(p))) for p in paths])
        self.scale = latent_scale(a.out)

    def __len__(self):
        return len(self.latents)

    def __call__(self, which):
        return self.luminance[which], self.chroma[which], self.latents[which].float() * self.scale


class Error:
    """Squared error of latents [n,16,16,24] as the pixels have it, and that of their means over
    patches"""

    def __init__(self, a):
        self.weights = pixel_weights(a.out)

    def __call__(self, got, wanted):
        off = got - wanted
        return (off.square() * self.weights).mean(), (
            F.avg_pool2d(off, 2).square() * self.weights
        ).mean()


@torch.no_grad()
def score(stills, error, drawn):
    """Both errors of all stills"""
    parts = [
        error(drawn(*colours), z)
        for *colours, z in (
            stills(torch.arange(i, min(i + 48, len(stills)))) for i in range(0, len(stills), 48)
        )
    ]
    return [float(torch.stack(x).mean()) for x in zip(*parts)]


def teach(a):
    torch.manual_seed(0)
    upsampler = averaged(
        "upsampler", DiT(config("mmdit")), a.out
    ).control.semantic_conditioner.requires_grad_(False)
    decoder = averaged("decoder", Tokenizer(config("tokenizer")), a.out).decoder.requires_grad_(
        False
    )
    table = table_of(a)
    train, held, error = Stills(a, table, held=False), Stills(a, table, held=True), Error(a)
    pictures = Pictures(config("tokenizer"))
    warmed(pictures, a)
    drawn = lambda luminance, chroma: upsampler(decoder.head(pictures(luminance, chroma)))[:, 0]
    run = Run("pictures", pictures, a, lr=0.02 * a.rate, adam_lr=1.5e-3 * a.rate, average=0.99)
    torch.manual_seed(run.steps)
    for _ in run:
        luminance, chroma, latents = train(torch.randint(len(train), (BATCH,)))
        fine, coarse = error(drawn(luminance, chroma), latents)
        run.step(fine + COARSE * coarse, fine=fine, coarse=coarse)
    pictures.load_state_dict(run.mean)
    print(
        "held out: latents {:.3f}, means of patches {:.3f}".format(*score(held, error, drawn)),
        flush=True,
    )


@torch.no_grad()
def fit_colours(a):
    """Which colours a frame of the world has, as the decoder's features of its codes tell them: by
    this `encode` sees that a clip is not of the world."""
    vit, encoder, decoder = (
        load_theia(a.out, "vit_on"),
        *(
            averaged(stage, Tokenizer(config("tokenizer")), a.out)
            for stage in ("encoder", "decoder")
        ),
    )
    said, shown = [], []
    for video, _ in list(shards(f"{a.out}/corpora", "plans"))[2:6]:
        pixels = as_pixels(torch.from_numpy(np.array(video[:, ::4]))).flatten(0, 1)
        for x in pixels.split(64):
            said.append(
                decoder.decode(encoder.encode(vit(x)[:, None]))[:, 0]
                .permute(0, 2, 3, 1)
                .flatten(0, 2)
            )
            shown.append(patch_colours(x).flatten(0, 2))
    x, y = torch.cat(said), torch.cat(shown)
    off, gram = x - x.mean(0), torch.cov(x.T, correction=0)
    weight = torch.linalg.solve(
        gram + 1e-3 * gram.diagonal().mean() * torch.eye(len(gram)),
        off.T @ (y - y.mean(0)) / len(x),
    ).T
    bias = y.mean(0) - weight @ x.mean(0)
    print(
        f"colours: {float((x @ weight.T + bias - y).square().mean()):.4f} left of {float(y.var(0).mean()):.4f}"
    )
    save_atomically({"mean": {"weight": weight, "bias": bias}}, f"{a.out}/pictures_colours.pt")


def main():
    a = arguments(plan=40.0, stage="", warm="", rate=1.0)
    {"": teach, "latents": make_latents, "colours": fit_colours}[a.stage](a)


if __name__ == "__main__":
    main()
