"""Stage 7: refinement. Control latents come from the trained upsampler, which stays as it is.

The network is born as a linear denoiser (`passthrough`): residual branches are silent, the patch embeddings copy the noisy
latent and its sum with the control latent through the stream, and the head returns the v whose x0 is the control latent
pulled towards x as far as a Gaussian with the measured error would be. Training adds what is not linear.

Samples are parts (3 or 5 latents, later 13) of windows of 13: 20 % begin a take, the others lie in its middle with 7 (or
another odd number of) clean latents in front, as `carry: latents` has it. Loss on the unknown latents alone.
"""
import math

import numpy as np
import torch

from fit_text_encoder import Pieces, load_text_encoder
from fit_upsampler import Pairs
from grammar import SceneGraph, describe
from net_dit import DiT, noise_table
from net_tokenizer import Tokenizer
from training import Run, arguments, averaged, config

WINDOW = 13


# ------------------------------------------------------------------------------------- linear start
def smooth_time(branch, generator):
    """A time embedding of slow waves only: random features in which smooth functions of t are linear."""
    first, second = branch.time_embed[0], branch.time_embed[2]
    half = first.in_features // 2
    slow = torch.exp(-math.log(10000) * torch.arange(half) / half) < .008
    first.weight.data.normal_(std=1.0, generator=generator).mul_(torch.cat([slow, slow]))
    first.bias.data.normal_(std=1.0, generator=generator)
    second.weight.data.normal_(std=first.out_features ** -.5, generator=generator)
    second.bias.data.normal_(std=.5, generator=generator)


def linear_answer(a, sigma):
    """v = p x + q (x + c) of the denoiser with x0 ~ N(c, sigma^2): p, q for levels a."""
    s = (1 - a * a).sqrt()
    w = a * sigma ** 2 / (a * a * sigma ** 2 + s * s)
    return (a - w + 1 - w * a) / s, -(1 - w * a) / s


def ridge(A, B, strength=1e-6):
    A, B = A.double(), B.double()
    return torch.linalg.solve(A.T @ A + strength * len(A) * torch.eye(A.shape[1], dtype=torch.float64), A.T @ B).float()


@torch.no_grad()
def passthrough(model, latents, control, sigma, gain=.4):
    """Set the linear start; latents and control [n,13,16,16,24] are examples of what will come."""
    generator = torch.Generator().manual_seed(0)
    c, d = model.c, model.c["width"]
    elements = c["latent_channels"] * c["patch"] ** 2
    order = model.position.reshape(-1, d).std(0).argsort()             # slow columns of the position table carry the latent
    carry_x, carry_c = order[:2 * elements:2], order[1:2 * elements:2]
    rest = order[2 * elements:]
    against_x, against_c = rest[::2], rest[1::2]                       # these cancel the positions again
    for branch, carry, against, g in ((model.main, carry_x, against_x, gain), (model.control, carry_c, against_c, gain / model.control.count)):
        smooth_time(branch, generator)
        w = torch.zeros(d, elements)
        w[carry] = torch.eye(elements) * g
        w[against] = -g / len(against)                                 # content has mean zero over the channels
        branch.mixins.patch_embed.proj.weight.copy_(w.view(d, c["latent_channels"], c["patch"], c["patch"]))
        branch.mixins.patch_embed.proj.bias.zero_()
    A = noise_table()
    e = torch.nn.functional.silu(model.main.time(torch.arange(1000)))
    p, q = linear_answer(A, sigma)
    basis = torch.cat([e, torch.ones(1000, 1)], 1)
    trust = (torch.arange(1000) >= 20).float()[:, None] + 1e-2
    time = ridge(basis * trust, torch.stack([p - 1, q - 1], 1) * trust, 1e-7)
    # read both carried latents out of what the last norm gives
    t = torch.randint(20, 1000, (len(latents),), generator=generator)
    a = A[t][:, None, None, None, None]
    x = a * latents + (1 - a * a).sqrt() * torch.randn(latents.shape, generator=generator)
    text = torch.zeros(len(x), 1, c["text_width"])
    hc = model.control.embed(x + control, text, model.position)
    h = model.main.embed(x, text, model.position) + model.control.count * hc
    final = model.main.mixins.final_layer
    u = final.norm_final(model.main.transformer.final_layernorm(h)[:, 1:]).flatten(0, 1)
    cut = lambda z: z.view(-1, c["latent_channels"], 8, 2, 12, 2).permute(0, 2, 4, 1, 3, 5).reshape(-1, elements)
    weight, modulation = torch.zeros(elements, d), final.adaLN_modulation[1]
    modulation.weight.zero_()
    modulation.bias.zero_()
    for columns, wanted, k in ((torch.cat([carry_x, against_x]), x, 0), (torch.cat([carry_c, against_c]), x + control, 1)):
        weight[:, columns] = ridge(u[:, columns], cut(wanted.flatten(0, 1))).T
        modulation.weight[d + columns] = time[:-1, k]
        modulation.bias[d + columns] = time[-1, k]
    final.linear.weight.copy_(weight)
    final.linear.bias.zero_()


# ------------------------------------------------------------------------------------- samples
class Windows:
    """Windows of 13 latents with control latents, captions and known prefixes."""

    def __init__(self, out, upsampler, kind="takes", seed=0):
        pairs = Pairs(out, kind)
        self.graphs, self.latents = [SceneGraph(**g) for g in pairs.graphs], pairs.latents.float() * pairs.scale
        self.cover = pairs.cover
        tokenizer = averaged("decoder", Tokenizer(config("tokenizer")), out)
        with torch.no_grad():
            self.control = torch.cat([upsampler(tokenizer.decode(codes).transpose(0, 1)) for codes in pairs.codes])
        self.pieces = Pieces(f"{out}/spiece.model", config("text_encoder")["max_length"])
        self.encoder = load_text_encoder(out)
        self.rng = np.random.default_rng(seed)

    def known(self, start):
        """How many clean latents the window begins with."""
        if start == 0:
            return 0
        r = self.rng.random()
        return 7 if r < .7 else 0 if r < .8 else int(self.rng.choice([1, 3, 5, 9, 11]))

    def __call__(self, n, length):
        """-> latents, control, cover [n,length,...], text [n,48,d], rows of the position table, unknown [n,length]"""
        row = int(self.rng.integers(WINDOW - length + 1))
        z, c, cover, unknown, texts = [], [], [], [], []
        while len(z) < n:
            i = int(self.rng.integers(len(self.graphs)))
            start = 0 if self.rng.random() < .2 else int(self.rng.integers(1, 19 - WINDOW + 1))
            known = self.known(start)
            if row + length <= known:
                continue
            part = slice(start + row, start + row + length)
            z.append(self.latents[i, part])
            c.append(self.control[i, part])
            cover.append(self.cover[i, part])
            unknown.append(torch.arange(row, row + length) >= known)
            texts.append("" if self.rng.random() < .1 else describe(self.graphs[i], self.rng)[0])
        with torch.no_grad():
            text = self.encoder(self.pieces.padded(texts)) * torch.tensor([[[float(t != "")]] for t in texts])
        return torch.stack(z), torch.stack(c), torch.stack(cover).float(), text, torch.arange(row, row + length), torch.stack(unknown)


def draw_times(n, timesteps):
    """Most samples near the timesteps that are used, the others anywhere."""
    listed = torch.tensor(timesteps)[torch.randint(len(timesteps), (n,))] + torch.randint(-15, 16, (n,))
    return torch.where(torch.rand(n) < .8, listed, torch.randint(0, 1000, (n,))).clamp(0, 999)


def v_loss(model, data, n, length, levels, t=None, generator=None):
    """-> v loss on unknown latents, squared error of x0 there"""
    z, c, cover, text, rows, unknown = data(n, length)
    t = draw_times(n, model.c["timesteps"]) if t is None else torch.full((n,), t)
    a = levels[t][:, None, None, None, None]
    s = (1 - a * a).sqrt()
    noise = torch.randn(z.shape, generator=generator)
    x = a * z + s * noise
    soiled = z + torch.rand(n, 1, 1, 1, 1, generator=generator) * .1 * torch.randn(z.shape, generator=generator)
    u = unknown[:, :, None, None, None].float()
    x = x * u + soiled * (1 - u)
    v = model(x, c, text, t, rows)
    weight = u * (1 + 2 * cover)
    error = (v - (a * noise - s * z)).pow(2)
    x0 = ((a * x - s * v - z).pow(2) * u).sum() / (u.sum() * z[0, 0].numel())
    return (error * weight).sum() / (weight.sum() * z.shape[2]), x0, ((c - z).pow(2) * u).sum() / (u.sum() * z[0, 0].numel())


@torch.no_grad()
def report(model, data, levels):
    for t in (999, 845, 635, 390, 145, 45):
        generator = torch.Generator().manual_seed(1)
        data.rng = np.random.default_rng(1)
        _, x0, c = zip(*[v_loss(model, data, 1, 13, levels, t, generator) for _ in range(2)])
        print(f"t {t}: x0 error {float(np.mean(x0)):.4f}, control latent alone {float(np.mean(c)):.4f}", flush=True)


def main():
    a = arguments(plan=35.)
    torch.manual_seed(0)
    model = averaged("upsampler", DiT(config("mmdit")), a.out).to(a.device).train()
    upsampler = model.control.semantic_conditioner.requires_grad_(False)
    data, held = Windows(a.out, upsampler), Windows(a.out, upsampler, "held")
    levels = noise_table()
    sigma = (data.latents[:40] - data.control[:40]).pow(2).mean().sqrt().item()
    passthrough(model, data.latents[:24, 3:16], data.control[:24, 3:16], .1 * sigma)
    run = Run("mmdit", model, a, lr=.002, adam_lr=5e-5, warmup=100, average=.99,
              adam_only=("patch_embed", "time_embed", "adaLN", "final_layer", "zero_linears", "norm"))
    data.rng = np.random.default_rng(run.steps + 1)
    if run.steps == 0:
        print(f"control latent is off by {sigma:.3f}; the linear start:")
        report(model, held, levels)
        run.save()                                      # `--minutes 0` leaves it at that
    for progress in run:
        short = progress < .6 or run.steps % 2
        length = 3 if short and run.steps % 3 else 5 if short else 13
        loss, x0, c = v_loss(model, data, {3: 8, 5: 5, 13: 2}[length], length, levels)
        run.step(loss, x0=x0, against=x0 / c)
    if run.steps:
        model.load_state_dict(run.mean)
        report(model, held, levels)


if __name__ == "__main__":
    main()
