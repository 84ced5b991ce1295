"""Refinement: upsample decoder, control branch and MMDiT under the release's tensor names, and its
sampler.

Latents are [B,T,16,H,W]; sequence rows are text first, then video (frame, row, column). Names: main
branch `model.diffusion_model.*`, control branch `model.control_model.diffusion_model.*`.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from net_tokenizer import Group

MAIN, CONTROL = "model.diffusion_model.", "model.control_model.diffusion_model."


def sinusoid(position, width):
    """sines then cosines of position * 10000^(-k / (width/2)), in double -> f32 [n,width]"""
    a = position.double()[:, None] * 10000 ** (-torch.arange(width // 2).double() / (width // 2))
    return torch.cat([a.sin(), a.cos()], 1).float()


def position_table(c):
    """[T, rows*columns, width]: a quarter of the channels for time, then 3/8 for column, 3/8 for
    row."""
    d, T = c["width"], c["latent_frames"]
    h, w = c["latent_height"] // c["patch"], c["latent_width"] // c["patch"]
    dt, ds = d // 4, d * 3 // 8
    time = sinusoid(torch.arange(T), dt)[:, None, None].expand(T, h, w, dt)
    column = sinusoid(torch.arange(w) / c["position_scale"], ds)[None, None].expand(T, h, w, ds)
    row = sinusoid(torch.arange(h) / c["position_scale"], ds)[None, :, None].expand(T, h, w, ds)
    return torch.cat([time, column, row], -1).reshape(T, h * w, d)


def attention(q, k, v):
    """[B,heads,S,d] -> [B,heads,S,d]. Under bf16 on the CPU the products one by one take two thirds
    of the time of what PyTorch has fused."""
    if not torch.is_autocast_enabled("cpu"):
        return F.scaled_dot_product_attention(q, k, v)
    q, k, v = (x.bfloat16() for x in (q * q.shape[-1] ** -0.5, k, v))
    return torch.softmax(q @ k.mT, -1) @ v


class Layer(nn.Module):
    """Weights of one block that live under transformer.layers.{i}."""

    def __init__(self, c):
        super().__init__()
        d, m = c["width"], c["mlp_width"]
        self.input_layernorm, self.post_attention_layernorm = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attention = Group(query_key_value=nn.Linear(d, 3 * d), dense=nn.Linear(d, d))
        self.mlp = Group(dense_h_to_4h=nn.Linear(d, m), dense_4h_to_h=nn.Linear(m, d))


class Branch(nn.Module):
    """One DiT: embeddings, blocks and either an output head (main) or zero linears (control)."""

    def __init__(self, c, layers, control):
        super().__init__()
        d, tw, p = c["width"], c["time_width"], c["patch"]
        head = d // c["heads"]
        self.c, self.count = c, layers
        self.time_embed = nn.Sequential(nn.Linear(d, tw), nn.SiLU(), nn.Linear(tw, tw))
        ada = Group(
            adaLN_modulations=nn.ModuleList(
                [nn.Sequential(nn.SiLU(), nn.Linear(tw, 12 * d)) for _ in range(layers)]
            ),
            query_layernorm_list=nn.ModuleList(
                [nn.LayerNorm(head, eps=1e-6) for _ in range(layers)]
            ),
            key_layernorm_list=nn.ModuleList([nn.LayerNorm(head, eps=1e-6) for _ in range(layers)]),
        )
        self.mixins = Group(
            patch_embed=Group(
                proj=nn.Conv2d(c["latent_channels"], d, p, p),
                text_proj=nn.Linear(c["text_width"], d),
            ),
            adaln_layer=ada,
        )
        self.transformer = Group(
            layers=nn.ModuleList([Layer(c) for _ in range(layers)]), final_layernorm=nn.LayerNorm(d)
        )
        if control:
            ada.zero_linears = nn.ModuleList([nn.Linear(d, d, bias=False) for _ in range(layers)])
        else:
            self.mixins.final_layer = Group(
                norm_final=nn.LayerNorm(d, eps=1e-6),
                adaLN_modulation=nn.Sequential(nn.SiLU(), nn.Linear(tw, 2 * d)),
                linear=nn.Linear(d, c["latent_channels"] * p * p),
            )
        for i in range(layers):
            nn.init.zeros_(ada.adaLN_modulations[i][1].weight)
            nn.init.zeros_(ada.adaLN_modulations[i][1].bias)
            if control:
                # zeros would give no gradient to the chain behind them
                nn.init.eye_(ada.zero_linears[i].weight)

    def time(self, t):
        """t [B] -> e [B,time_width]; consumers apply SiLU themselves."""
        half = self.c["width"] // 2
        a = t[:, None].float() * torch.exp(
            -math.log(10000) * torch.arange(half, device=t.device) / half
        )
        return self.time_embed(torch.cat([a.cos(), a.sin()], 1).to(self.time_embed[0].weight.dtype))

    def embed(self, x, text, position):
        """x [B,T,C,H,W], text [B,L,text_width], position [T,hw,d] -> rows [B,L+T*hw,d]"""
        B, T = x.shape[:2]
        v = (
            self.mixins.patch_embed.proj(x.flatten(0, 1))
            .flatten(2)
            .transpose(1, 2)
            .reshape(B, -1, self.c["width"])
        )
        return torch.cat(
            [self.mixins.patch_embed.text_proj(text), v + position.reshape(1, -1, self.c["width"])],
            1,
        )

    def block(self, i, h, e, n_text):
        layer, ada = self.transformer.layers[i], self.mixins.adaln_layer
        B, S, d = h.shape
        m = ada.adaLN_modulations[i](e).view(B, 2, 6, 1, d)  # video, text

        def modulated(u, shift, scale):
            return torch.cat(
                [
                    u[:, :n_text] * (1 + m[:, 1, scale]) + m[:, 1, shift],
                    u[:, n_text:] * (1 + m[:, 0, scale]) + m[:, 0, shift],
                ],
                1,
            )

        def gated(u, gate):
            return torch.cat([u[:, :n_text] * m[:, 1, gate], u[:, n_text:] * m[:, 0, gate]], 1)

        u = modulated(layer.input_layernorm(h), 0, 1)
        q, k, v = (
            layer.attention.query_key_value(u)
            .view(B, S, 3, self.c["heads"], -1)
            .permute(2, 0, 3, 1, 4)
        )
        a = attention(ada.query_layernorm_list[i](q), ada.key_layernorm_list[i](k), v)
        h = h + gated(layer.attention.dense(a.transpose(1, 2).reshape(B, S, d)), 2)
        u = modulated(layer.post_attention_layernorm(h), 3, 4)
        y = layer.mlp.dense_4h_to_h(F.gelu(layer.mlp.dense_h_to_4h(u), approximate="tanh"))
        return h + gated(y, 5)

    def head(self, h, e, n_text, shape):
        B, T, C, H, W = shape
        p, final = self.c["patch"], self.mixins.final_layer
        shift, scale = final.adaLN_modulation(e)[:, None].chunk(2, -1)
        u = final.norm_final(self.transformer.final_layernorm(h)[:, n_text:]) * (1 + scale) + shift
        y = final.linear(u).view(B, T, H // p, W // p, C, p, p)
        return y.permute(0, 1, 4, 2, 5, 3, 6).reshape(shape)


class Residual(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm1, self.norm2 = (
            nn.GroupNorm(32, inputs, eps=1e-6),
            nn.GroupNorm(32, outputs, eps=1e-6),
        )
        self.conv1, self.conv2 = (
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.Conv2d(outputs, outputs, 3, padding=1),
        )
        if inputs != outputs:
            self.nin_shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        h = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return h + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)


class Upsampler(nn.Module):
    """Features [N,C,h,w] of single frames -> [N,out,2h,2w]."""

    def __init__(self, c):
        super().__init__()
        low, high = (c["base_width"] * m for m in c["multipliers"])
        n = c["blocks"] + 1
        self.conv_in = nn.Conv2d(c["in_channels"], high, 3, padding=1)
        self.mid = Group(block_1=Residual(high, high), block_2=Residual(high, high))
        level1 = Group(
            block=nn.ModuleList([Residual(high, high) for _ in range(n)]),
            upsample=Group(conv=nn.Conv2d(high // 4, high, 3, padding=1)),
        )
        level0 = Group(
            block=nn.ModuleList([Residual(high if i == 0 else low, low) for i in range(n)])
        )
        self.up = nn.ModuleList([level0, level1])
        self.norm_out, self.conv_out = (
            nn.GroupNorm(32, low, eps=1e-6),
            nn.Conv2d(low, c["out_channels"], 3, padding=1),
        )

    def forward(self, x):
        h = self.mid.block_2(self.mid.block_1(self.conv_in(x)))
        for block in self.up[1].block:
            h = block(h)
        h = self.up[1].upsample.conv(F.pixel_shuffle(h, 2))
        for block in self.up[0].block:
            h = block(h)
        return self.conv_out(F.silu(self.norm_out(h)))


class SemanticConditioner(nn.Module):
    """features [B,T,C,h,w] -> control latent [B,T,16,2h,2w]"""

    def __init__(self, c):
        super().__init__()
        self.upsample_model = Upsampler(c["upsample"])
        self.conv_out = nn.Conv2d(c["upsample"]["out_channels"], c["latent_channels"], 3, padding=1)

    def forward(self, features):
        y = self.conv_out(self.upsample_model(features.flatten(0, 1)))
        return y.view(*features.shape[:2], *y.shape[1:])


class DiT(nn.Module):
    """The whole refinement network. v = DiT(x, control latent, text, t)."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        self.main, self.control = (
            Branch(c, c["layers"], False),
            Branch(c, c["control_layers"], True),
        )
        self.control.semantic_conditioner = SemanticConditioner(c)
        self.register_buffer("position", position_table(c), persistent=False)

    def forward(self, x, control, text, t, frames=None):
        """x, control [B,T,C,H,W]; text [B,L,text_width]; t [B]. `frames`: rows of the position
        table (training on parts)."""
        position = self.position[: x.shape[1]] if frames is None else self.position[frames]
        n = text.shape[1]
        hc, ec = self.control.embed(x + control, text, position), self.control.time(t)
        h, e = self.main.embed(x, text, position), self.main.time(t)
        for i in range(self.main.count):
            h = self.main.block(i, h, e, n)
            # the projected state also feeds the next control layer
            if i < self.control.count:
                hc = self.control.mixins.adaln_layer.zero_linears[i](
                    self.control.block(i, hc, ec, n)
                )
                h = h + hc
        return self.main.head(h, e, n, x.shape)

    def official(self):
        """State under the release's names."""
        return {
            **{MAIN + k: v for k, v in self.main.state_dict().items()},
            **{CONTROL + k: v for k, v in self.control.state_dict().items()},
        }


# ------------------------------------------------------------------------------------- diffusion
def noise_table():
    """sqrt(alpha bar) of the 1000 training steps, shifted and rescaled to zero terminal SNR -> f32
    [1000]"""
    s = torch.linspace(math.sqrt(0.00085), math.sqrt(0.012), 1000, dtype=torch.float64)
    bar = torch.cumprod(1 - s * s, 0)
    r = (bar / (3 - 2 * bar)).float().sqrt()
    return (r - r[-1]) * (r[0] / (r[0] - r[-1]))


def listed_levels(timesteps):
    """a_i of a list of timesteps: the release's rescaling applied to the listed entries, then 1."""
    s = torch.linspace(math.sqrt(0.00085), math.sqrt(0.012), 1000, dtype=torch.float64)
    bar = torch.cumprod(1 - s * s, 0)
    r = (bar / (3 - 2 * bar)).float().sqrt()[torch.tensor(timesteps)]
    return torch.cat([(r - r[0]) * (r[-1] / (r[-1] - r[0])), torch.ones(1)])


def answer(model, x, control, text, t, b):
    """What the network takes the latents for, of which x at timestep t and level b is the noisy
    form"""
    return b * x - math.sqrt(1 - b * b) * model(x, control, text, torch.full((len(x),), float(t)))


@torch.no_grad()
def refine(model, control, text, seed=42, prefix=None, timesteps=None, until=None):
    """Windows: SDE DPM-Solver++ (2M) over the listed timesteps -> latents [B,T,C,H,W].

    `prefix` [B,n,...]: known latents, kept clean through all steps. With `until`, the network is
    called so many times only -> what it would be called with next: x, its timestep and level.
    """
    timesteps = timesteps or model.c["timesteps"]
    a, A = listed_levels(timesteps), noise_table()
    draw = torch.Generator().manual_seed(seed)
    noise = lambda: torch.randn(control.shape, generator=draw)
    x, before = noise(), None
    lam = lambda v: (
        -math.inf if v <= 0 else math.inf if v >= 1 else math.log(math.sqrt(v * v / (1 - v * v)))
    )
    for i, t in enumerate(timesteps):
        if prefix is not None:
            x[:, : prefix.shape[1]] = prefix
        b = float(A[(A - a[i]).abs().argmin()])
        if i == until:
            return x, t, b
        D = answer(model, x, control, text, t, b)
        now, then = float(a[i]), float(a[i + 1])
        if then >= 1:
            x = D
            break
        h = lam(then) - lam(now)
        mixed = D
        if before is not None and before[1] > 0:
            r = (lam(now) - lam(before[1])) / h
            mixed = (1 + 1 / (2 * r)) * D - 1 / (2 * r) * before[0]
        m1 = math.sqrt((1 - then**2) / (1 - now**2)) * math.exp(-h)
        x = (
            m1 * x
            + then * -math.expm1(-2 * h) * mixed
            + math.sqrt(1 - then**2) * math.sqrt(1 - math.exp(-2 * h)) * noise()
        )
        before = (D, now)
    if prefix is not None:
        x[:, : prefix.shape[1]] = prefix
    return x
