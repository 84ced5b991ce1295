"""Stage 7: refinement. Control latents come from the trained upsampler, which stays as it is.

The network is born as a linear denoiser (`passthrough`): residual branches are silent, the patch
embeddings copy the noisy latent and its sum with the control latent through the stream, and the
head returns the v whose x0 is the control latent pulled towards x as far as a Gaussian with the
measured error would be. Training adds what is not linear. `--warm FILE` goes on from another run's
weights instead.

Samples are parts (3 or 5 latents, later 13; on a GPU always 13) of windows of 13: 20 % begin a
take, the others lie in its middle with 7 (or another odd number of) clean latents in front, as
`carry: latents` has it. What a window carries over is never quite clean in use, so these are soiled
with noise and drawn towards the control latents. Loss on the unknown latents alone.
"""

import math

import numpy as np
import torch

from fit_text_encoder import Pieces, load_text_encoder
from fit_upsampler import Pairs, control_latents, networks, pixel_weights
from grammar import SceneGraph, describe
from net_dit import DiT, noise_table
from training import Run, arguments, config, lowered, warmed

WINDOW = config("mmdit")["latent_frames"]
CAPTIONS = 8  # drawn for each take
# share of samples at the timesteps that are used
NEAR = 0.6
# how far carried latents are drawn towards the control latents at most
DRAWN = 0.3


# ------------------------------------------------------------------------------------- linear start
def smooth_time(branch, generator):
    """A time embedding of slow waves only: random features in which smooth functions of t are
    linear."""
    first, second = branch.time_embed[0], branch.time_embed[2]
    half = first.in_features // 2
    slow = torch.exp(-math.log(10000) * torch.arange(half) / half) < 0.008
    first.weight.data.normal_(std=1.0, generator=generator).mul_(torch.cat([slow, slow]))
    first.bias.data.normal_(std=1.0, generator=generator)
    second.weight.data.normal_(std=first.out_features**-0.5, generator=generator)
    second.bias.data.normal_(std=0.5, generator=generator)


def linear_answer(a, sigma):
    """v = p x + q (x + c) of the denoiser with x0 ~ N(c, sigma^2): p, q for levels a."""
    s = (1 - a * a).sqrt()
    w = a * sigma**2 / (a * a * sigma**2 + s * s)
    return (a - w + 1 - w * a) / s, -(1 - w * a) / s


def ridge(A, B, strength=1e-6):
    A, B = A.double(), B.double()
    return torch.linalg.solve(
        A.T @ A + strength * len(A) * torch.eye(A.shape[1], dtype=torch.float64), A.T @ B
    ).float()


@torch.no_grad()
def passthrough(model, latents, control, sigma, gain=0.4):
    """Set the linear start; latents and control [n,13,16,16,24] are examples of what will come."""
    generator = torch.Generator().manual_seed(0)
    c, d = model.c, model.c["width"]
    elements = c["latent_channels"] * c["patch"] ** 2
    # slow columns of the position table carry the latent
    order = model.position.reshape(-1, d).std(0).argsort()
    carry_x, carry_c = order[: 2 * elements : 2], order[1 : 2 * elements : 2]
    rest = order[2 * elements :]
    # these cancel the positions again
    against_x, against_c = rest[::2], rest[1::2]
    for branch, carry, against, g in (
        (model.main, carry_x, against_x, gain),
        (model.control, carry_c, against_c, gain / model.control.count),
    ):
        smooth_time(branch, generator)
        w = torch.zeros(d, elements)
        w[carry] = torch.eye(elements) * g
        # content has mean zero over the channels
        w[against] = -g / len(against)
        branch.mixins.patch_embed.proj.weight.copy_(
            w.view(d, c["latent_channels"], c["patch"], c["patch"])
        )
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
    cut = lambda z: (
        z.view(-1, c["latent_channels"], 8, 2, 12, 2)
        .permute(0, 2, 4, 1, 3, 5)
        .reshape(-1, elements)
    )
    weight, modulation = torch.zeros(elements, d), final.adaLN_modulation[1]
    modulation.weight.zero_()
    modulation.bias.zero_()
    for columns, wanted, k in (
        (torch.cat([carry_x, against_x]), x, 0),
        (torch.cat([carry_c, against_c]), x + control, 1),
    ):
        weight[:, columns] = ridge(u[:, columns], cut(wanted.flatten(0, 1))).T
        modulation.weight[d + columns] = time[:-1, k]
        modulation.bias[d + columns] = time[-1, k]
    final.linear.weight.copy_(weight)
    final.linear.bias.zero_()


# ------------------------------------------------------------------------------------- samples
class Windows:
    """Windows of 13 latents with control latents, captions and known prefixes, held on one
    device."""

    def __init__(self, a, model, tokenizer, kind="takes", seed=0):
        pairs, self.device = Pairs(a.out, kind), a.device
        self.latents, self.cover = (
            (pairs.latents * pairs.scale).to(a.device),
            pairs.cover.to(a.device),
        )
        self.control = control_latents(model, tokenizer, pairs.codes)
        pieces, rng = (
            Pieces(f"{a.out}/spiece.model", config("text_encoder")["max_length"]),
            np.random.default_rng(seed),
        )
        graphs = [SceneGraph(**g) for g in pairs.graphs]
        self.captions = (
            pieces.padded([describe(g, rng)[0] for g in graphs for _ in range(CAPTIONS)])
            .view(len(graphs), CAPTIONS, -1)
            .to(a.device)
        )
        self.encoder = load_text_encoder(a.out).to(a.device)
        self.seeded(seed)

    def seeded(self, seed):
        self.random = torch.Generator(self.device).manual_seed(seed)
        self.rng = np.random.default_rng(seed)

    def chance(self, n):
        return torch.rand(n, generator=self.random, device=self.device)

    def below(self, bound, n):
        return torch.randint(bound, (n,), generator=self.random, device=self.device)

    def known(self, starts):
        """starts [n] bool: is it the beginning of a take -> how many clean latents each window
        begins with"""
        r, others = self.chance(len(starts)), torch.tensor([1, 3, 5, 9, 11], device=self.device)
        later = torch.where(r < 0.7, 7, torch.where(r < 0.8, 0, others[self.below(5, len(starts))]))
        return torch.where(starts, 0, later)

    @torch.no_grad()
    def __call__(self, n, length):
        """-> latents, control, cover [n,length,...], text [n,48,d], rows of the position table,
        unknown [n,length]"""
        row = int(self.rng.integers(WINDOW - length + 1))
        take, starts = self.below(len(self.latents), n), self.chance(n) < 0.2
        # something is left to say
        known = self.known(starts).clamp(max=row + length - 1)
        first = torch.where(starts, 0, 1 + self.below(self.latents.shape[1] - WINDOW, n))
        rows = torch.arange(row, row + length, device=self.device)
        at = first[:, None] + rows
        text = (
            self.encoder(self.captions[take, self.below(CAPTIONS, n)])
            * (self.chance(n) >= 0.1)[:, None, None]
        )
        return (
            *(x[take[:, None], at].float() for x in (self.latents, self.control, self.cover)),
            text,
            rows,
            rows >= known[:, None],
        )


def draw_times(n, timesteps, device):
    """Most samples near the timesteps that are used, the others anywhere."""
    listed = torch.tensor(timesteps, device=device)[
        torch.randint(len(timesteps), (n,), device=device)
    ] + torch.randint(-15, 16, (n,), device=device)
    return torch.where(
        torch.rand(n, device=device) < NEAR, listed, torch.randint(0, 1000, (n,), device=device)
    ).clamp(0, 999)


def v_loss(model, data, n, length, levels, weights=1.0, t=None, generator=None):
    """`weights` [16,1,1] of the channels -> v loss on unknown latents, squared error of x0 there
    and that of the control latent"""
    z, c, cover, text, rows, unknown = data(n, length)
    device = z.device
    normal = lambda: torch.randn(z.shape, generator=generator, device=device)
    uniform = lambda: torch.rand(n, 1, 1, 1, 1, generator=generator, device=device)
    t = (
        draw_times(n, model.c["timesteps"], device)
        if t is None
        else torch.full((n,), t, device=device)
    )
    a = levels[t][:, None, None, None, None]
    s = (1 - a * a).sqrt()
    noise = normal()
    soiled = z + uniform() * DRAWN * (c - z) + uniform() * 0.1 * normal()
    u = unknown[:, :, None, None, None].float()
    x = (a * z + s * noise) * u + soiled * (1 - u)
    with lowered(device):
        v = model(x, c, text, t, rows)
    v = v.float()
    weight = u * (1 + 2 * cover)
    error = (v - (a * noise - s * z)).pow(2) * weights
    each = u.sum() * z[0, 0].numel()
    x0 = ((a * x - s * v - z).pow(2) * weights * u).sum() / each
    return (
        (error * weight).sum() / (weight.sum() * z.shape[2]),
        x0,
        ((c - z).pow(2) * weights * u).sum() / each,
    )


@torch.no_grad()
def report(model, data, levels, weights):
    for t in (999, 845, 635, 390, 145, 45):
        generator = torch.Generator(data.device).manual_seed(1)
        data.seeded(1)
        _, x0, c = zip(
            *[v_loss(model, data, 8, WINDOW, levels, weights, t, generator) for _ in range(4)]
        )
        print(
            f"t {t}: x0 error {float(sum(x0)) / 4:.4f}, control latent alone {float(sum(c)) / 4:.4f}",
            flush=True,
        )


def main():
    a = arguments(plan=35.0, batch=0, rate=1.0, warm="")
    torch.manual_seed(0)
    taught, tokenizer = networks(a, "upsampler", "decoder")
    # fresh: its residual branches are silent
    model = DiT(config("mmdit")).to(a.device).train()
    warm = warmed(model, a)
    model.control.semantic_conditioner.load_state_dict(
        taught.control.semantic_conditioner.state_dict()
    )
    model.control.semantic_conditioner.requires_grad_(False)
    data, held = Windows(a, model, tokenizer), Windows(a, model, tokenizer, "held")
    levels, weights = (
        noise_table().to(a.device),
        0.25 + 0.75 * pixel_weights(a.out, a.device).to(a.device),
    )
    sigma = (data.latents[:40].float() - data.control[:40].float()).pow(2).mean().sqrt().item()
    if not warm:
        examples = lambda x: x[:24, 3:16].float().cpu()
        passthrough(model.cpu(), examples(data.latents), examples(data.control), 0.1 * sigma)
        model.to(a.device)
    run = Run(
        "mmdit",
        model,
        a,
        lr=0.002 * a.rate,
        adam_lr=5e-5 * a.rate,
        warmup=100,
        average=0.99,
        adam_only=("patch_embed", "time_embed", "adaLN", "final_layer", "zero_linears", "norm"),
    )
    data.seeded(run.steps + 1)
    torch.manual_seed(run.steps + 1)
    if run.steps == 0:
        print(f"control latent is off by {sigma:.3f}; what it begins with:")
        report(model, held, levels, weights)
        run.save()  # `--minutes 0` leaves it at that
    for progress in run:
        short = not a.batch and (progress < 0.6 or run.steps % 2)
        length = 3 if short and run.steps % 3 else 5 if short else WINDOW
        loss, x0, c = v_loss(
            model, data, a.batch or {3: 8, 5: 5, WINDOW: 2}[length], length, levels, weights
        )
        run.step(loss, x0=x0, against=x0 / c)
    if run.steps:
        model.load_state_dict(run.mean)
        report(model, held, levels, weights)


if __name__ == "__main__":
    main()
