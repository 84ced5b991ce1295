"""Stage 2: the temporal VAE on full frames, decoded call by call as in use.

    python fit_vae.py --warm pilot.safetensors      # start from an earlier decoder (names of this or the first network)
    python fit_vae.py --stage decoder --plan 30     # later: encoder fixed, decoder alone, on noisy latents
    python fit_vae.py --stage settled --plan 14     # last: the same decoder, every other clip from the upsampler's latents

Clips of 9 frames (one call) and, every third step, 17 frames (two calls with history), so that the border
between calls is trained. Errors weigh more where the picture moves and on objects.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file

from corpora import shards
from fit_upsampler import Pairs
from net_dit import DiT
from net_tokenizer import Tokenizer
from net_vae import CALL, VAE, channels_last, from_prototype
from training import Run, arguments, averaged, config

AT_CALLS = 12.                                      # weight of the change from one decoder call to the next


def clip(video, record, n, frames):
    """`frames` (a slice) of take n of a shard -> video [1,3,T,128,192] in [-1,1], object cover [1,1,T,128,192]"""
    x = torch.from_numpy(video[n, frames].copy()).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
    cover = record["cover"][n, frames].amax(1)[None, None].float() / 255
    return x.contiguous(memory_format=torch.channels_last_3d), cover.repeat_interleave(4, 3).repeat_interleave(4, 4)


class Clips:
    """Random stretches of the rendered takes."""

    def __init__(self, folder, seed, kind="takes"):
        self.parts = list(shards(folder, kind))
        self.rng = np.random.default_rng(seed)

    def __call__(self, frames):
        """-> video [1,3,frames,128,192] in [-1,1], object cover [1,1,frames,128,192]"""
        video, record = self.parts[int(self.rng.integers(len(self.parts)))]
        n, t = int(self.rng.integers(len(video))), int(self.rng.integers(video.shape[1] - frames + 1))
        x, cover = clip(video, record, n, slice(t, t + frames))
        if self.rng.random() < .5:
            x, cover = x.flip(4), cover.flip(4)
        return x.contiguous(memory_format=torch.channels_last_3d), cover


class Regressed:
    """Beginnings of takes with the latents that the upsampler makes of their codes: what the decoder is given in use."""

    def __init__(self, out, seed):
        pairs = Pairs(out)
        up = averaged("upsampler", DiT(config("mmdit")), out).control.semantic_conditioner
        tokenizer = averaged("decoder", Tokenizer(config("tokenizer")), out)
        with torch.no_grad():
            latents = [up(tokenizer.decode(codes[:5]).transpose(0, 1))[0] / pairs.scale for codes in pairs.codes]
        self.latents, self.rng = torch.stack(latents).transpose(1, 2), np.random.default_rng(seed)
        self.parts = list(shards(f"{out}/corpora", "takes"))

    def __call__(self):
        """-> latents [1,16,5,16,24], video [1,3,17,128,192], cover"""
        n = int(self.rng.integers(len(self.latents)))
        count = len(self.parts[0][0])
        return self.latents[n:n + 1], *clip(*self.parts[n // count], n % count, slice(17))


def video_loss(y, x, cover):
    """Weighted L1 of pixels, of their differences in space and of their change in time, above all from call to call."""
    d = y - x
    moving = (x - x.mean(2, keepdim=True)).abs().mean(1, keepdim=True)
    weight = 1 + 4 * (3 * moving).clamp(max=1) + 2 * cover
    edges = (d[..., 1:] - d[..., :-1]).abs().mean() + (d[..., 1:, :] - d[..., :-1, :]).abs().mean()
    change = (d[:, :, 1:] - d[:, :, :-1]).abs().mean((0, 1, 3, 4))
    change[CALL::CALL] *= AT_CALLS
    return (d.abs() * weight).mean() + .5 * edges + .5 * change.mean()


def psnr(y, x):
    return -10 * np.log10(((y.clamp(-1, 1) - x) / 2).pow(2).mean().item())


@torch.no_grad()
def report(model, folder):
    """Encode and decode held-out clips of 25 frames; also the jump at the borders of decoder calls."""
    clips, values, jumps = Clips(folder, 5, "held"), [], []
    for _ in range(6):
        x, cover = clips(25)
        y = model.decode(model.encoder(x)[0])
        change = lambda v: (v[0, :, 1:] - v[0, :, :-1]).abs().mean((0, 2, 3))
        ratio = (change(y) / change(x).clamp(min=1e-3)).numpy()
        at_border = np.arange(24) % CALL == 0
        at_border[0] = False
        values.append((psnr(y, x), psnr(y * cover, x * cover) + 10 * np.log10(cover.mean().item() + 1e-6)))
        jumps.append((np.median(ratio[at_border]), np.median(ratio[~at_border])))
    print("held-out PSNR %.2f, on objects %.2f; frame change against the true one: at call borders %.2f, inside %.2f"
          % (*np.mean(values, 0), *np.mean(jumps, 0)), flush=True)


def main():
    a = arguments(plan=20., warm="", stage="vae", noise=.07)
    model = VAE(config("temporal_vae"))
    if a.stage in ("decoder", "settled"):
        averaged("vae", model, a.out).train()
        model.encoder.requires_grad_(False)
    elif a.warm:
        weights = load_file(a.warm)
        named = weights if "encoder.conv_in.conv.weight" in weights else from_prototype(weights)
        model.load_state_dict({k: v.float() for k, v in named.items()})
    else:
        for module in model.modules():                      # residual blocks begin as identities
            if hasattr(module, "conv2"):
                nn.init.zeros_(module.conv2.conv.weight)
    channels_last(model).to(a.device)
    rates = {"lr": .003, "adam_lr": 4e-4} if a.stage == "settled" else {"lr": .006, "adam_lr": 1e-3}
    run = Run({"vae": "vae", "decoder": "vae_decoder", "settled": "vae_settled"}[a.stage], model, a, **rates,
              adam_only=("conv_y", "conv_b", "conv_in", "conv_out"), warmup=20, average=.99, clip=0)
    clips = Clips(f"{a.out}/corpora", run.steps + 1)
    regressed = Regressed(a.out, run.steps + 1) if a.stage == "settled" else None
    for _ in run:
        if regressed and run.steps % 2:
            z, x, cover = regressed()
            y = model.decode(z)
            run.step(video_loss(y, x, cover), psnr_regressed=psnr(y.detach(), x))
            continue
        x, cover = clips(17 if run.steps % 3 == 2 else 9)
        with torch.set_grad_enabled(a.stage == "vae"):
            mean, logvar = model.encoder(x.to(a.device))
        z = mean + a.noise * torch.rand(1) * 1.5 * torch.randn_like(mean)
        y = model.decode(z)
        run.step(video_loss(y, x, cover) + 1e-4 * logvar.pow(2).mean(), psnr=psnr(y.detach(), x))
    model.load_state_dict(run.mean)
    report(model, f"{a.out}/corpora")


if __name__ == "__main__":
    main()
