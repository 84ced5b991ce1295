"""Stage 6: the upsampler learns to regress clean latents from the tokenizer's decoded features.

This alone puts colours and places right; refinement then starts from it. Errors weigh what they do
to pixels. The tokenizer's decoder learns along, so that features carry all that the codes know of
an object's outline, also what the picture network could not see; they are held near the picture
network's. A linear head must read the outline from them: the squared error of latents alone leaves
blurred spots where angles and points are, since what an edge does to it depends on colours and
light. The first FIRST of the plan is for that head alone, on frames that need no latents (`--first
0`: the decoder knows outlines already). Then samples are latents of takes, of clips and of single
frames, each as often as there are such, all of them held on the device. OUT/decoder.pt is the
tokenizer with that decoder. `--warm FILE` begins with the weights of another run.

`--stage alone`, last, trains the upsampler with the decoder as it is: features soon hold every
outline, while the pictures made of them are still round, and a step of the upsampler alone costs
half.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from corpora import JUDGING, semantic
from derive import Stills as StillFrames
from fit_tokenizer import held_gaze, patches
from fit_vit import by_patch
from net_dit import DiT
from net_tokenizer import Tokenizer
from net_vae import VAE, channels_last
from spelled import CODES, IS_SPELLED, LEARNED
from training import Run, arguments, averaged, config, lowered, save_atomically, warmed

BATCH, BATCH_ALONE = 16, 24  # on two cores; a GPU takes --batch 512
RATES = {"lr": 0.02, "adam_lr": 1.5e-3}
RATES_WARM = {"lr": 0.012, "adam_lr": 1e-3}  # of networks that have been trained before
# share of the plan for outlines alone, on so many frames a step:
FIRST = 0.15
MANY = 32
# steps in which a decoder that was trained before is not told what the head, which may be fresh,
# reads
READ_FIRST = 60
# weights: distance to the picture network's features, outlines
NEAR, OUTLINE = 0.05, 5.0
# share of samples with learned codes of another frame; most codes replaced
MOVED, REPLACED = 0.5, 0.3
# how often a frame with a ball ... balloon is drawn: what has points is learned last
OFTEN = torch.tensor([0.5, 0.5, 0.8, 1.0, 0.8, 0.5, 1.0, 0.5])
# the same for frames whose object is out of sight
UNSEEN = 0.3


def latent_scale(out):
    """1 / deviation of all latents of the takes, measured once."""
    path = Path(out) / "scale_factor.txt"
    if not path.exists():
        sample = [
            np.load(r.with_suffix(".latents.npy"))[..., ::2, ::2].astype(np.float32)
            for r in made_of(out, "takes", "latents")
        ]
        path.write_text(f"{1 / np.concatenate(sample).std():.6f}")
    return float(path.read_text())


@torch.no_grad()
def pixel_weights(out, device="cpu", noise=0.3):
    """[16,1,1]: how much one unit of error in a channel of the scaled latent changes the decoded
    pixels, mean 1; measured once. The first channel weighs some forty times as much as the
    last."""
    path = Path(out) / "pixel_weights.npy"
    if not path.exists():
        vae, scale = (
            channels_last(averaged("vae", VAE(config("temporal_vae")), out)).to(device),
            latent_scale(out),
        )
        takes = np.load(
            made_of(out, "takes", "latents")[0].with_suffix(".latents.npy"), mmap_mode="r"
        )
        generator = torch.Generator(device).manual_seed(0)
        changed = np.zeros(16, np.float32)
        for take in takes[:4]:
            z = torch.from_numpy(take[:3].astype(np.float32)).transpose(0, 1)[None].to(device)
            plain = vae.decode(z)
            for channel in range(16):
                other = z.clone()
                normal = torch.randn(z[:, channel].shape, generator=generator, device=device)
                other[:, channel] += noise / scale * normal
                changed[channel] += float((vae.decode(other) - plain).pow(2).mean())
        np.save(path, changed / changed.mean())
    return torch.from_numpy(np.load(path))[:, None, None]


def records_of(out, kind, *made):
    """Shards of a corpus for which all of `made` (latents, tokens, ...) is there."""
    return [
        r
        for r in sorted(Path(out, "corpora").glob(f"{kind}_[0-9]*.pt"))
        if all(r.with_suffix(f".{what}.npy").exists() for what in made)
    ]


def made_of(out, kind, *made):
    """The same where there has to be one."""
    records = records_of(out, kind, *made)
    if not records:
        raise SystemExit(
            f"{out}/corpora: no shard of {kind} with {', '.join(made)}, expected one at least (derive.py)"
        )
    return records


class Pairs:
    """Whole takes: unscaled latents [N,19,16,16,24], codes [N,19,44], how much of each latent cell
    is object."""

    def __init__(self, out, kind="takes"):
        records = made_of(out, kind, "latents", "tokens")
        self.scale = latent_scale(out)
        read = lambda what: torch.cat(
            [torch.from_numpy(np.load(r.with_suffix(f".{what}.npy"))) for r in records]
        )
        self.latents, self.codes = read("latents"), read("tokens").unflatten(1, (-1, CODES))
        self.cover, self.graphs = [], []
        for r in records:
            record = torch.load(r, weights_only=False)
            self.cover.append(latent_cover(record["cover"]))
            self.graphs += record["graphs"]
        self.cover = torch.cat(self.cover)


def latent_cover(cover):
    """u8 [N,4k+1,2,32,48] -> [N,k+1,1,16,24]: largest share of object over the frames of a
    latent"""
    c = F.avg_pool2d(cover.amax(2).float() / 255, 2)
    later = c[:, 1:].reshape(len(c), -1, 4, *c.shape[2:]).amax(2)
    return torch.cat([c[:, :1], later], 1)[:, :, None].half()


class Samples:
    """Semantic frames of many scenes, held on one device. `draw` gives of each the picture
    features, the codes with a language model's mistakes and the outline, then the latent that ends
    there and its object cover, where the corpora have such."""

    def __init__(self, device):
        self.device, self.parts, self.codes, self.rows = device, [], [], 0

    def keep(self, record, truth, frames, *of_frames):
        """frames [N,n]: which semantic frames of the takes are samples; of_frames: what else there
        is of them, [N,n,...]"""
        load = lambda name: torch.from_numpy(np.load(record.with_suffix(f".{name}.npy")))
        codes = load("tokens").unflatten(1, (-1, CODES))
        takes, count = codes.shape[:2]
        of_take = torch.arange(takes)[:, None]
        pick = lambda x: x[of_take, frames].flatten(0, 1)
        outline = pick(truth["cover"][:, semantic(truth), 0])
        kind = pick(truth["bodies"][:, semantic(truth), 0, 5]).long().clamp(min=0)
        odds = OFTEN[kind] * torch.where(outline.amax((1, 2)) > 0, 1.0, UNSEEN)
        first = (self.rows + of_take * count).expand_as(frames).flatten()
        self.parts.append(
            [
                x.to(self.device)
                for x in (
                    odds,
                    first,
                    first + count - 1,
                    first + frames.flatten(),
                    pick(load("features")),
                    outline,
                    *(x.flatten(0, 1) for x in of_frames),
                )
            ]
        )
        self.codes.append(codes.flatten(0, 1).to(self.device))
        self.rows += takes * count

    def kept(self):
        """Nothing more will come."""
        if not self.parts:
            raise SystemExit("no frame with features, codes and, from takes, latents (derive.py)")
        self.odds, self.first, self.last, self.shown, *self.parts = [
            torch.cat(p) for p in zip(*self.parts)
        ]
        self.codes, self.spelled = torch.cat(self.codes), IS_SPELLED.to(self.device)
        return self

    def draw(self, n):
        """-> features [n,192,8,12], codes [n,44], outline [n,32,48] (share of every 4x4 pixels that
        the main body covers), and of latents [n,16,16,24], cover [n,1,16,24]"""
        i = torch.multinomial(self.odds, n, True)
        features, outline, *of_frames = [p[i].float() for p in self.parts]
        return features, self.spoilt(i), outline / 255, *of_frames

    def spoilt(self, i):
        """Codes [n,44] of some samples with the mistakes of a language model: the learned codes
        come from a few frames earlier or later half of the time, some are replaced by any others.
        What the object is, where it is and how it moves must be drawn as the spelled codes say."""
        n = len(i)
        away = torch.randint(-4, 5, (n,), device=self.device) * (
            torch.rand(n, device=self.device) < MOVED
        )
        near = torch.minimum(torch.maximum(self.shown[i] + away, self.first[i]), self.last[i])
        made = torch.where(self.spelled, self.codes[self.shown[i]], self.codes[near])
        replaced = (
            torch.rand(n, CODES, device=self.device)
            < torch.rand(n, 1, device=self.device) * REPLACED
        ) & ~self.spelled
        return torch.where(replaced, torch.randint(LEARNED, (n, CODES), device=self.device), made)


def frames_of(out, device):
    """Samples without latents: every frame of `plans` and `long`."""
    samples = Samples(device)
    for kind in ("plans", "long"):
        for r in records_of(out, kind, "tokens", "features")[JUDGING if kind == "plans" else 0 :]:
            truth = torch.load(r, weights_only=False)
            takes, count = truth["cover"].shape[:2]
            samples.keep(r, truth, torch.arange(count).expand(takes, count))
    return samples.kept()


def latents_of(out, device):
    """Samples with latents: of whole takes and clips, and of one frame of each of the plans."""
    samples = Samples(device)
    load = lambda record, name: torch.from_numpy(np.load(record.with_suffix(f".{name}.npy")))
    for kind in ("takes", "clips"):
        for r in records_of(out, kind, "latents", "tokens", "features"):
            truth, latents = torch.load(r, weights_only=False), load(r, "latents")
            count = latents.shape[1]
            samples.keep(
                r,
                truth,
                torch.arange(count).expand(len(latents), count),
                latents,
                latent_cover(truth["cover"])[:, :count],
            )
    for r in records_of(out, "plans", "stills", "tokens", "features")[JUDGING:]:
        truth, latents = torch.load(r, weights_only=False), load(r, "stills")
        shown = torch.from_numpy(StillFrames.frame_of_take(len(latents)))[:, None]
        cover = F.avg_pool2d(truth["cover"].amax(2).float() / 255, 2)[
            torch.arange(len(shown))[:, None], shown
        ]
        samples.keep(r, truth, shown, latents, cover[:, :, None].half())
    return samples.kept()


def outline_error(logits, outline):
    """logits [n,96,16] of the 4x4 cells of each patch, outline [n,32,48] -> mean Kullback-Leibler
    distance in nats, of the patches that the body touches and those beside them"""
    share = by_patch(outline)
    lost = (
        F.binary_cross_entropy_with_logits(logits, share, reduction="none")
        - F.binary_cross_entropy(share, share, reduction="none")
    ).mean(-1)
    touched = F.max_pool2d(share.amax(-1).view(-1, 1, 8, 12), 3, 1, 1).flatten(1) > 0.02
    return (lost * touched).sum() / touched.sum().clamp(min=1)


class Regression:
    """What the upsampler is taught: latents, errors weighed by what they do to pixels and more on
    objects."""

    def __init__(self, a):
        self.scale, self.weights, self.a = (
            latent_scale(a.out),
            pixel_weights(a.out, a.device).to(a.device),
            a,
        )

    def __call__(self, control, z, cover):
        """control latents and unscaled latents [n,16,16,24], cover [n,1,16,24] -> loss, numbers to
        be told"""
        error = (control.float() - z * self.scale).pow(2)
        pixels = error * self.weights
        on = (pixels * cover).sum() / (cover.sum() * z.shape[1])
        return (pixels * (1 + 5 * cover)).mean(), {
            "mse": error.mean(),
            "seen": pixels.mean(),
            "on": on,
        }

    @torch.no_grad()
    def report(self, up, decoded):
        held, there = Pairs(self.a.out, "held"), self.a.device
        numbers = [
            self(up(decoded(codes.to(there)))[:, 0], z.float().to(there), cover.float().to(there))[
                1
            ]
            for codes, z, cover in zip(held.codes, held.latents, held.cover)
        ]
        mean = {k: float(np.mean([float(n[k]) for n in numbers])) for k in numbers[0]}
        print(
            "held-out takes: squared error %(mse).4f, as the pixels have it %(seen).4f, on objects %(on).4f"
            % mean
        )


def networks(a, upsampler, decoder):
    """Networks from the stages that are named -> the DiT, of which the upsampler is part, and the
    tokenizer"""
    model = (
        averaged(upsampler, DiT(config("mmdit")), a.out, a.device)
        if upsampler
        else DiT(config("mmdit")).to(a.device)
    )
    return model, averaged(decoder, Tokenizer(config("tokenizer")), a.out, a.device)


@torch.no_grad()
def control_latents(model, tokenizer, codes):
    """codes [N,T,44] -> what the upsampler, part of the DiT `model`, makes of them: scaled latents
    [N,T,16,16,24], half precision"""
    up, device = model.control.semantic_conditioner, tokenizer.mean.device
    return torch.cat(
        [
            up(tokenizer.decode(some.to(device)))[:, 0].half()
            for some in codes.flatten(0, 1).split(256)
        ]
    ).unflatten(0, codes.shape[:2])


def times(share, rates):
    return {k: v * share for k, v in rates.items()}


def train_both(a):
    model, tokenizer = networks(a, None, "tokenizer")
    up = model.control.semantic_conditioner
    learner = (
        nn.ModuleDict(
            {
                "up": up,
                "decoder": tokenizer.decoder,
                "project_out": tokenizer.quantizer.project_out,
                "outline": nn.Linear(tokenizer.c["feature_channels"], 16),
            }
        )
        .to(a.device)
        .train()
    )
    held_gaze(tokenizer.decoder)
    warm = warmed(learner, a)
    rates = times(a.rate, RATES_WARM if warm else RATES)
    read_first = READ_FIRST if warm else 0
    run = Run(
        "upsampler_training",
        learner,
        a,
        **rates,
        adam_only=("conv_in", "conv_out", "outline"),
        warmup=40,
        average=0.995,
    )
    torch.manual_seed(run.steps)
    frames = frames_of(a.out, a.device) if run.progress < a.first else None
    latents, regression, batch = latents_of(a.out, a.device), Regression(a), a.batch or BATCH
    for progress in run:
        outlines_alone = progress < a.first
        features, codes, outline, *seen = (
            frames.draw(MANY) if outlines_alone else latents.draw(batch)
        )
        with lowered(a.device):
            f = tokenizer.decode(codes)
            control = None if outlines_alone else up(f + 0.1 * torch.randn_like(f))[:, 0]
        f = f.float()
        apart = (f[:, 0] - features).pow(2).mean()
        outlines = outline_error(
            learner["outline"](patches(f.detach() if run.steps < read_first else f)), outline
        )
        numbers = {"features": apart, "outline": outlines}
        if outlines_alone:
            run.step(apart + OUTLINE * outlines, **numbers)
            continue
        loss, errors = regression(control, *seen)
        run.step(loss + NEAR * apart + OUTLINE * outlines, **errors, **numbers)
    learner.load_state_dict(run.mean)
    save_atomically({"mean": model.state_dict()}, f"{a.out}/upsampler.pt")
    save_atomically({"mean": tokenizer.state_dict()}, f"{a.out}/decoder.pt")
    regression.report(up.eval(), tokenizer.decode)


def train_alone(a):
    model, tokenizer = networks(a, "upsampler", "decoder")
    up = model.control.semantic_conditioner.train()
    run = Run(
        "upsampler_alone",
        up,
        a,
        **times(a.rate, RATES_WARM),
        adam_only=("conv_in", "conv_out"),
        warmup=40,
        average=0.995,
    )
    torch.manual_seed(run.steps)
    latents, regression, batch = latents_of(a.out, a.device), Regression(a), a.batch or BATCH_ALONE
    for _ in run:
        _, codes, _, *seen = latents.draw(batch)
        with lowered(a.device):
            with torch.no_grad():
                f = tokenizer.decode(codes)
            control = up(f + 0.1 * torch.randn_like(f))[:, 0]
        loss, errors = regression(control, *seen)
        run.step(loss, **errors)
    up.load_state_dict(run.mean)
    save_atomically({"mean": model.state_dict()}, f"{a.out}/upsampler.pt")
    regression.report(up.eval(), tokenizer.decode)


def main():
    a = arguments(plan=20.0, warm="", stage=("both", "alone"), batch=0, first=FIRST, rate=1.0)
    torch.manual_seed(0)
    (train_alone if a.stage == "alone" else train_both)(a)


if __name__ == "__main__":
    main()
