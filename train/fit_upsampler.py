"""Stage 6: the upsampler learns to regress clean latents from the tokenizer's decoded features.

This alone puts colours and places right; refinement then starts from it. Half of the samples are latents of takes, half
single frames of many other scenes.
"""
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from derive import Stills as StillFrames
from net_dit import DiT
from net_tokenizer import Tokenizer
from training import Run, arguments, averaged, config, save_atomically


def latent_scale(out):
    """1 / deviation of all latents of the takes, measured once."""
    path = Path(out) / "scale_factor.txt"
    if not path.exists():
        sample = [np.load(f)[:, :, ::1, ::2, ::2].astype(np.float32) for f in sorted(Path(out, "corpora").glob("takes_*.latents.npy"))]
        path.write_text(f"{1 / np.concatenate(sample).std():.6f}")
    return float(path.read_text())


class Pairs:
    """Scaled latents [N,19,16,16,24], plan features [N,19,192,8,12] and how much of each latent cell is object."""

    def __init__(self, out, kind="takes", skip=0, most=10**9):
        records = [r for r in sorted(Path(out, "corpora").glob(f"{kind}_[0-9]*.pt"))
                   if r.with_suffix(".latents.npy").exists() and r.with_suffix(".plan.npy").exists()][skip:skip + most]
        self.scale = latent_scale(out)
        self.latents = torch.cat([torch.from_numpy(np.load(r.with_suffix(".latents.npy"))) for r in records])
        self.features = torch.cat([torch.from_numpy(np.load(r.with_suffix(".plan.npy"))) for r in records])
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
    """Latents, features and cover of single frames of the plans, flat over all of them: [M,16,16,24] and so on."""

    def __init__(self, out, skip=2):
        records = [r for r in sorted(Path(out, "corpora").glob("plans_[0-9]*.pt")) if r.with_suffix(".stills.npy").exists()
                   and r.with_suffix(".tokens.npy").exists()][skip:]
        tokenizer = averaged("tokenizer", Tokenizer(config("tokenizer")), out)
        n, latents, features, cover = tokenizer.c["i_tokens"], [], [], []
        for r in records:
            z = torch.from_numpy(np.load(r.with_suffix(".stills.npy")))[:, 0]
            t = torch.from_numpy(StillFrames.frame_of_take(len(z)))
            codes = torch.from_numpy(np.load(r.with_suffix(".tokens.npy"))).view(len(z), -1, n)[torch.arange(len(z)), t]
            with torch.no_grad():
                features.append(tokenizer.decode(codes)[:, 0].half())
            c = torch.load(r, weights_only=False)["cover"][torch.arange(len(z)), t]
            cover.append(F.avg_pool2d(c.amax(1, keepdim=True).float() / 255, 2).half())
            latents.append(z)
        self.latents, self.features, self.cover = torch.cat(latents), torch.cat(features), torch.cat(cover)


def main():
    a = arguments(plan=9.)
    torch.manual_seed(0)
    model = DiT(config("mmdit"))
    up = model.control.semantic_conditioner.to(a.device)
    run = Run("upsampler_training", up, a, lr=.02, adam_lr=1.5e-3, adam_only=("conv_in", "conv_out"), warmup=40, average=.995)
    data, stills, rng = Pairs(a.out), Stills(a.out), np.random.default_rng(run.steps + 1)
    draw = lambda n: torch.from_numpy(rng.integers(n, size=6))
    for _ in run:
        i, j, k = draw(len(data.latents)), draw(19), draw(len(stills.latents))
        z = torch.cat([data.latents[i, j], stills.latents[k]]).float() * data.scale
        weight = 1 + 3 * torch.cat([data.cover[i, j], stills.cover[k]]).float()
        f = torch.cat([data.features[i, j], stills.features[k]]).float()
        got = up((f + .15 * torch.randn_like(f))[:, None].to(a.device))[:, 0]
        run.step(((got - z).pow(2) * weight).mean(), mse=(got - z).pow(2).mean())
    up.load_state_dict(run.mean)
    save_atomically({"mean": model.state_dict()}, f"{a.out}/upsampler.pt")
    held = Pairs(a.out, "held")
    with torch.no_grad():
        z = held.latents[:8].float() * data.scale
        e = up(held.features[:8].float()) - z
    print("held-out takes: squared error %.4f of %.4f; per channel" % (e.pow(2).mean(), z.var()), e.pow(2).mean((0, 1, 3, 4)).numpy().round(3))


if __name__ == "__main__":
    main()
