"""T5 v1.1 encoder under the release's tensor names."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Norm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x):
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)


def buckets(n, count, farthest, device=None):
    """Relative position bucket of key b seen from query a, [n,n]: exact when near, logarithmic when
    far."""
    d = torch.arange(n, device=device)[None, :] - torch.arange(n, device=device)[:, None]
    half, m = count // 2, d.abs()
    near = half // 2
    far = (
        near
        + (
            torch.log(m.clamp(min=1).float() / near) / math.log(farthest / near) * (half - near)
        ).long()
    )
    return torch.where(d > 0, half, 0) + torch.where(m < near, m, far.clamp(max=half - 1))


class SelfAttention(nn.Module):
    def __init__(self, c, first):
        super().__init__()
        inner = c["num_heads"] * c["d_kv"]
        self.q, self.k, self.v = (nn.Linear(c["d_model"], inner, bias=False) for _ in range(3))
        self.o = nn.Linear(inner, c["d_model"], bias=False)
        self.heads = c["num_heads"]
        if first:
            self.relative_attention_bias = nn.Embedding(
                c["relative_attention_num_buckets"], c["num_heads"]
            )

    def forward(self, x, bias):
        split = lambda t: t.view(*t.shape[:2], self.heads, -1).transpose(1, 2)
        a = F.scaled_dot_product_attention(
            split(self.q(x)), split(self.k(x)), split(self.v(x)), bias, scale=1.0
        )
        return self.o(a.transpose(1, 2).flatten(2))


class GatedMLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.wi_0, self.wi_1 = (nn.Linear(c["d_model"], c["d_ff"], bias=False) for _ in range(2))
        self.wo = nn.Linear(c["d_ff"], c["d_model"], bias=False)

    def forward(self, x):
        return self.wo(F.gelu(self.wi_0(x), approximate="tanh") * self.wi_1(x))


class Sub(nn.Module):
    def __init__(self, c, name, inner):
        super().__init__()
        setattr(self, name, inner)
        self.name, self.layer_norm = name, Norm(c["d_model"], c["layer_norm_epsilon"])

    def forward(self, x, *rest):
        return x + getattr(self, self.name)(self.layer_norm(x), *rest)


class Block(nn.Module):
    def __init__(self, c, first):
        super().__init__()
        self.layer = nn.ModuleList(
            [
                Sub(c, "SelfAttention", SelfAttention(c, first)),
                Sub(c, "DenseReluDense", GatedMLP(c)),
            ]
        )

    def forward(self, x, bias):
        return self.layer[1](self.layer[0](x, bias))


class Stack(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.block = nn.ModuleList([Block(c, i == 0) for i in range(c["num_layers"])])
        self.final_layer_norm = Norm(c["d_model"], c["layer_norm_epsilon"])


class TextEncoder(nn.Module):
    """ids [B,N] -> hidden [B,N,d_model]; `mask` [B,N] (training only) hides padding from all
    rows."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        self.shared = nn.Embedding(c["vocab_size"], c["d_model"])
        self.encoder = Stack(c)
        nn.init.normal_(self.shared.weight, std=1.0)
        for name, p in self.named_parameters():
            if name.endswith(".weight") and p.dim() == 2 and "shared" not in name:
                nn.init.normal_(p, std=p.shape[1] ** -0.5)
            if name.endswith("SelfAttention.q.weight"):
                nn.init.normal_(p, std=(p.shape[1] * c["d_kv"]) ** -0.5)

    def forward(self, ids, mask=None):
        n = ids.shape[1]
        table = self.encoder.block[0].layer[0].SelfAttention.relative_attention_bias
        where = buckets(
            n,
            self.c["relative_attention_num_buckets"],
            self.c["relative_attention_max_distance"],
            ids.device,
        )
        bias = table(where).permute(2, 0, 1)[None]
        if mask is not None:
            bias = (
                bias
                + torch.zeros_like(mask, dtype=bias.dtype).masked_fill(~mask, -1e9)[:, None, None]
            )
        x = self.shared(ids)
        for block in self.encoder.block:
            x = block(x, bias)
        return self.encoder.final_layer_norm(x)
