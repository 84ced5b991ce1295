"""Stage 11: what the codes of another world's pictures say (picture_codes.py), and the network that
makes features of them.

    python strange.py --shards 0-71                                # pictures, OUT/corpora/strange_NNNN.pt
    python strange.py --kind moving --shards 0-20                  # clips of such, OUT/corpora/moving_NNNN.pt
    python fit_pictures.py --stage latents                         # what the VAE makes of them, NAME.latents.npy
    python fit_pictures.py --plan 40
    python fit_pictures.py --stage motion                          # how latents of clips differ from those of pictures
    python fit_pictures.py --stage colours                         # wants the frames of the plans
    python fit_pictures.py --stage kept --plan 8                   # after fit_landscapes.py: to be drawn as before

Codes of the world go through the tokenizer's decoder as before. Those of pictures are read back to
colours of cells, and a small perceptron makes of each patch and what is around it the vector that
the decoder's last norm and head turn into features: those from which the upsampler, which stays as
it is, draws the picture's latents.

A latent holds four frames, and these latents are of pictures that stand still. What moves from one
picture to the next moves in them by a linear map of how their latents differ, channel by channel of
a cell, that is solved for (tokenizer/picture_motion.c).
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from corpora import parted, save_array, shards
from derive import Latents, as_pixels, load_theia
from export import DECODERS, PICTURES, REFINEMENTS, last_before, last_of
from fit_upsampler import latent_scale, pixel_weights
from net_dit import DiT
from net_tokenizer import Pictures, Tokenizer
from picture_codes import allotted, patch_colours, read, written
from strange import KINDS
from training import Run, arguments, averaged, averaged_weights, config, save_atomically, warmed

BATCH = 16
HELD = 1  # shards of pictures that are held out
# pictures of a shard by which levels are allotted
SAMPLE = 30
SHOWN = 4  # shards of plans that tell which colours a scene has
# weight of latents averaged over patches: colours before edges
COARSE = 2.0


def latents_of(path):
    return path.with_suffix(".latents.npy")


def shards_of(a, kind="strange"):
    return sorted(Path(a.out, "corpora").glob(f"{kind}_[0-9]*.pt"))


def ready(a, kind, least):
    """Shards of a kind that have latents"""
    paths = [p for p in shards_of(a, kind) if latents_of(p).exists()]
    if len(paths) < least:
        raise SystemExit(
            f"{a.out}/corpora: {len(paths)} shards of {kind}_ with latents, expected {least} at least (see the head of this file)"
        )
    return paths


def pixels_of(path):
    """[n,3,128,192] of pictures, [n,9,3,128,192] of clips"""
    return torch.load(path)["pixels"].float() / 127.5 - 1


@torch.no_grad()
def make_latents(a):
    """[n,16,16,24] of pictures, [n,3,16,16,24] of clips"""
    make = Latents(a.out)
    for path in (p for kind in KINDS for p in shards_of(a, kind)):
        if not latents_of(path).exists():
            pixels = torch.load(path)["pixels"]
            # a picture is a video of one frame
            clips = pixels if pixels.dim() == 5 else pixels[:, None]
            made = make.of(clips.movedim(2, -1), None)
            save_array((made if pixels.dim() == 5 else made[:, 0]).numpy(), latents_of(path))
            print(latents_of(path), flush=True)


def table_of(a):
    """Which cosines are told: made once"""
    path = Path(a.out) / "pictures_table.pt"
    if not path.exists():
        some = torch.cat([pixels_of(p)[:SAMPLE] for p in ready(a, "strange", HELD + 1)[HELD:]])
        save_atomically({"mean": {"table": allotted(some)}}, path)
    return averaged_weights("pictures_table", a.out)["table"]


class Stills:
    """What codes of pictures tell, and the latents [n,16,16,24] of the pictures"""

    def __init__(self, a, table, held):
        paths = ready(a, "strange", HELD + 1)
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


class Drawing:
    """What a network makes of colours, drawn by an upsampler and the head of a decoder: latents
    [n,16,16,24]"""

    def __init__(self, a, pictures, upsampler="upsampler", decoder="decoder"):
        self.pictures = pictures
        self.upsampler = averaged(
            upsampler, DiT(config("mmdit")), a.out
        ).control.semantic_conditioner.requires_grad_(False)
        self.decoder = averaged(
            decoder, Tokenizer(config("tokenizer")), a.out
        ).decoder.requires_grad_(False)

    def __call__(self, luminance, chroma):
        return self.upsampler(self.decoder.head(self.pictures(luminance, chroma)))[:, 0]


def teach(a):
    torch.manual_seed(0)
    table = table_of(a)
    train, held, error = Stills(a, table, held=False), Stills(a, table, held=True), Error(a)
    pictures = Pictures(config("tokenizer"))
    warmed(pictures, a)
    drawn = Drawing(a, pictures)
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


def keep(a):
    """The upsampler and the decoder's head have learned something else (fit_landscapes.py): what the
    network says of a picture is to be drawn as it was."""
    torch.manual_seed(0)
    table, error = table_of(a), Error(a)
    of_network = lambda: averaged("pictures", Pictures(config("tokenizer")), a.out)
    before = Drawing(
        a,
        of_network(),
        last_before("landscapes", REFINEMENTS, a.out),
        last_before("landscapes_decoder", DECODERS, a.out),
    )
    drawn = Drawing(a, of_network().train(), "landscapes", "landscapes_decoder")
    some = [read(written(pixels_of(p), table), table) for p in shards_of(a)]
    luminance, chroma = (torch.cat(x) for x in zip(*some))
    run = Run(
        "pictures_again",
        drawn.pictures,
        a,
        lr=0.01 * a.rate,
        adam_lr=1e-3 * a.rate,
        average=0.98,
        warmup=20,
    )
    torch.manual_seed(run.steps)
    for _ in run:
        which = torch.randint(len(luminance), (BATCH,))
        with torch.no_grad():
            was = before(luminance[which], chroma[which])
        fine, coarse = error(drawn(luminance[which], chroma[which]), was)
        run.step(fine + COARSE * coarse, fine=fine, coarse=coarse)
    save_atomically({"mean": run.mean}, f"{a.out}/{PICTURES[0]}.pt")


@torch.no_grad()
def changes_of(path, table, drawn, scale):
    """Of a shard of clips, cells of latents as [m,16]: how those of a picture differ from those of
    the one before, both as they are drawn, and how the latent that ends there differs from them"""
    pixels = pixels_of(path)[:, ::4]  # semantic frames
    still = torch.cat(
        [drawn(*read(written(x, table), table)) for x in pixels.flatten(0, 1).split(48)]
    ).unflatten(0, pixels.shape[:2])
    right = torch.from_numpy(np.load(latents_of(path))).float() * scale
    cells = lambda x: x.movedim(2, -1).flatten(0, -2)
    return cells(still[:, 1:] - still[:, :-1]), cells(right[:, 1:] - still[:, 1:])


def fit_motion(a):
    pictures = averaged("pictures", Pictures(config("tokenizer")), a.out)
    table, drawn, scale = table_of(a), Drawing(a, pictures), latent_scale(a.out)
    of_channel = Error(a).weights[:, 0, 0]
    paths = ready(a, "moving", HELD + 1)
    gram, product = torch.zeros(16, 16), torch.zeros(16, 16)
    for path in paths[HELD:]:
        gone, missed = changes_of(path, table, drawn, scale)
        gram, product = gram + gone.T @ gone, product + gone.T @ missed
    weight = torch.linalg.solve(gram + 1e-3 * gram.diagonal().mean() * torch.eye(16), product).T
    gone, missed = (
        torch.cat(x) for x in zip(*(changes_of(p, table, drawn, scale) for p in paths[:HELD]))
    )
    error = lambda off: float((off.square() * of_channel).mean())
    print(
        f"held-out clips: latents {error(missed):.3f} standing still, {error(missed - gone @ weight.T):.3f} moving"
    )
    save_atomically({"mean": {"motion": weight}}, f"{a.out}/pictures_motion.pt")


@torch.no_grad()
def fit_colours(a):
    """Which colours a frame of the world has, as the decoder's features of its codes tell them: by
    this `encode` sees that a clip is not of the world."""
    vit, encoder, decoder = (
        load_theia(a.out, "vit_on"),
        *(
            averaged(stage, Tokenizer(config("tokenizer")), a.out)
            for stage in ("encoder", last_of(DECODERS, a.out))
        ),
    )
    said, shown = [], []
    folder = f"{a.out}/corpora"
    for video, _ in parted(list(shards(folder, "plans")), False, folder)[:SHOWN]:
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
    stages = {
        "teach": teach,
        "latents": make_latents,
        "motion": fit_motion,
        "colours": fit_colours,
        "kept": keep,
    }
    a = arguments(plan=40.0, cpu_alone=True, stage=tuple(stages), warm="", rate=1.0)
    stages[a.stage](a)


if __name__ == "__main__":
    main()
