"""Causal 3-D VAE under the release's tensor names. Video [B,C,T,H,W], pixels in [-1,1]."""

import torch
import torch.nn as nn
import torch.nn.functional as F


# frames of a decoder call but the first, which has one more
CALL = 8


class Pointwise(nn.Conv3d):
    """1x1x1 convolution as a matrix product over channels (several times faster on CPU)."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs, 1)

    def forward(self, x):
        return F.linear(x.permute(0, 2, 3, 4, 1), self.weight.flatten(1), self.bias).permute(
            0, 4, 1, 2, 3
        )


class Wrapped(nn.Module):
    """A module whose weights are called NAME.conv.*, as the release has it."""

    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    def forward(self, x):
        return self.conv(x)


class CausalConv(nn.Module):
    """3x3x3 convolution that sees two earlier frames: stored ones, or the first frame repeated."""

    # as a 3x3 convolution over the channels of three frames: on some devices faster
    folded = False

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=(0, 1, 1))

    def forward(self, x, history=None):
        """`history`: dict that lives from call to call of one video, or None for a single call."""
        before = history.get(self) if history is not None else None
        x = torch.cat([x[:, :, :1], x[:, :, :1], x] if before is None else [before, x], 2)
        if history is not None:
            history[self] = x[:, :, -2:]
        if self.folded:
            return self.by_frames(x.permute(0, 2, 3, 4, 1))
        return self.conv(x.contiguous(memory_format=torch.channels_last_3d))

    def by_frames(self, v):
        """[B,T+2,H,W,C] -> [B,C,T,H,W]"""
        B, T, H, W, C = v.shape
        three = (
            torch.cat([v[:, k : T - 2 + k] for k in range(3)], 4)
            .view(B * (T - 2), H, W, 3 * C)
            .permute(0, 3, 1, 2)
        )
        weight = (
            self.conv.weight.transpose(1, 2)
            .reshape(-1, 3 * C, 3, 3)
            .contiguous(memory_format=torch.channels_last)
        )
        y = F.conv2d(three, weight, self.conv.bias, padding=1)
        return y.view(B, T - 2, *y.shape[1:]).transpose(1, 2)


def enlarged(x, frames, times=1):
    """[B,C,T,H,W] -> [B,C,frames,times H,times W], channels last: each later frame repeated, the
    first alone if `frames` is odd"""
    B, C, T, H, W = x.shape
    odd, v = frames % 2, x.permute(0, 2, 3, 4, 1)
    wide = lambda part, again: (
        part[:, :, None, :, None, :, None]
        .expand(B, -1, again, H, times, W, times, C)
        .reshape(B, -1, times * H, times * W, C)
    )
    y = (
        wide(v, 1)
        if frames == T
        else torch.cat([wide(v[:, :odd], 1), wide(v[:, odd:], (frames - odd) // (T - odd))], 1)
    )
    return y.permute(0, 4, 1, 2, 3)


def moments(f, groups):
    """Mean and variance of GroupNorm [B,groups,1] each, of f [B,T,H,W,C]"""
    B, T, H, W, C = f.shape
    n, g = T * H * W * C // groups, (B, groups, C // groups)
    mean = f.sum((1, 2, 3)).view(g).sum(2, keepdim=True) / n
    square = f.square().sum((1, 2, 3)).view(g).sum(2, keepdim=True) / n
    return mean, square - mean.square()


def modulated(x, scale, shift, weight, bias, groups, eps, known=None):
    """SiLU of (GroupNorm of x) * scale + shift, all [B,C,T,H,W], scale and shift of the latent's
    size: norm and modulation are one factor and one summand for each pixel. Sums are f32 whatever x
    is. `known`: moments to take instead of those of x."""
    B, C, T, H, W = x.shape
    h, w = scale.shape[3:]
    f = x.permute(0, 2, 3, 4, 1).float()
    mean, variance = moments(f, groups) if known is None else known
    factor = (variance + eps).rsqrt() * weight.view(1, groups, -1)
    summand = (bias.view(1, groups, -1) - mean * factor).view(B, 1, 1, 1, C)
    factor = factor.view(B, 1, 1, 1, C)
    scale, shift = (enlarged(a, T).permute(0, 2, 3, 4, 1).float() for a in (scale, shift))
    cells = lambda a: a.view(B, T, h, 1, w, 1, C)
    y = f.reshape(B, T, h, H // h, w, W // w, C) * cells(scale * factor) + cells(
        scale * summand + shift
    )
    return F.silu(y).to(x.dtype).view(B, T, H, W, C).permute(0, 4, 1, 2, 3)


class PlainNorm(nn.GroupNorm):
    """GroupNorm and SiLU."""

    def __init__(self, channels, groups):
        super().__init__(groups, channels, eps=1e-6)

    def forward(self, x, latent=None):
        return F.silu(super().forward(x))


class SpatialNorm(nn.Module):
    """GroupNorm whose scale and shift come from the latent that is being decoded, and SiLU."""

    made = staticmethod(modulated)  # or what torch.compile makes of it
    known = None  # moments of the next call, where they are not those of what it is given

    def __init__(self, channels, groups, latent_channels):
        super().__init__()
        self.norm_layer = nn.GroupNorm(groups, channels, eps=1e-6)
        self.conv_y, self.conv_b = (Wrapped(Pointwise(latent_channels, channels)) for _ in range(2))

    def forward(self, x, latent):
        norm = self.norm_layer
        return SpatialNorm.made(
            x,
            self.conv_y(latent),
            self.conv_b(latent),
            norm.weight,
            norm.bias,
            norm.num_groups,
            norm.eps,
            self.known,
        )


class Residual(nn.Module):
    def __init__(self, inputs, outputs, norm):
        super().__init__()
        self.norm1, self.conv1 = norm(inputs), CausalConv(inputs, outputs)
        self.norm2, self.conv2 = norm(outputs), CausalConv(outputs, outputs)
        if inputs != outputs:
            self.nin_shortcut = Pointwise(inputs, outputs)

    def forward(self, x, latent=None, history=None):
        h = self.conv1(self.norm1(x, latent), history)
        h = self.conv2(self.norm2(h, latent), history)
        return h + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)


def per_frame(conv, x):
    B, C, T, H, W = x.shape
    y = conv(x.transpose(1, 2).reshape(B * T, C, H, W))
    return y.view(B, T, *y.shape[1:]).transpose(1, 2)


class Level(nn.Module):
    pass


class Mid(nn.Module):
    def __init__(self, channels, norm):
        super().__init__()
        self.block_1, self.block_2 = (Residual(channels, channels, norm) for _ in range(2))

    def forward(self, x, *rest):
        return self.block_2(self.block_1(x, *rest), *rest)


def levels(widths, blocks, norm, order, resample, conv):
    """The levels in execution `order`; every level but the last executed changes the size."""
    made, width = {}, widths[order[0]]
    for position, l in enumerate(order):
        level = Level()
        level.block = nn.ModuleList(
            [Residual(width if i == 0 else widths[l], widths[l], norm) for i in range(blocks)]
        )
        width = widths[l]
        if position < len(order) - 1:
            setattr(level, resample, Wrapped(conv(width)))
        made[l] = level
    return nn.ModuleList([made[l] for l in range(len(widths))])


class Encoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        widths = [c["base_width"] * m for m in c["multipliers"]]
        norm = lambda n: PlainNorm(n, c["groups"])
        self.conv_in = CausalConv(c["in_channels"], widths[0])
        self.down = levels(
            widths,
            c["encoder_blocks"],
            norm,
            list(range(len(widths))),
            "downsample",
            lambda n: nn.Conv2d(n, n, 3, stride=2),
        )
        self.mid = Mid(widths[-1], norm)
        self.norm_out, self.conv_out = (
            norm(widths[-1]),
            CausalConv(widths[-1], 2 * c["latent_channels"]),
        )

    def forward(self, x):
        """[B,3,T,H,W], T = 4k+1, one call for the clip -> mean, log variance [B,16,k+1,H/8,W/8]"""
        h = self.conv_in(x)
        for l, level in enumerate(self.down):
            for block in level.block:
                h = block(h)
            if hasattr(level, "downsample"):
                if l < 2 and h.shape[2] > 1:
                    odd = h.shape[2] % 2
                    h = torch.cat([h[:, :, :odd], F.avg_pool3d(h[:, :, odd:], (2, 1, 1))], 2)
                h = per_frame(level.downsample, F.pad(h, (0, 1, 0, 1)))
        h = self.conv_out(self.norm_out(self.mid(h)))
        return h.chunk(2, 1)


class Decoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        widths = [c["base_width"] * m for m in c["multipliers"]]
        norm = lambda n: SpatialNorm(n, c["groups"], c["latent_channels"])
        self.conv_in = CausalConv(c["latent_channels"], widths[-1])
        self.mid = Mid(widths[-1], norm)
        self.up = levels(
            widths,
            c["decoder_blocks"],
            norm,
            list(range(len(widths)))[::-1],
            "upsample",
            lambda n: nn.Conv2d(n, n, 3, padding=1),
        )
        self.norm_out, self.conv_out = norm(widths[0]), CausalConv(widths[0], c["in_channels"])

    def forward(self, z, history=None):
        """One call: [B,16,L,h,w] -> [B,3,T,8h,8w]."""
        h = self.mid(self.conv_in(z, history), z, history)
        for l in range(len(self.up) - 1, -1, -1):
            level = self.up[l]
            for block in level.block:
                h = block(h, z, history)
            if hasattr(level, "upsample"):
                T = h.shape[2]
                h = per_frame(
                    level.upsample, enlarged(h, 2 * T - T % 2 if l >= len(self.up) - 2 else T, 2)
                )
        return self.conv_out(self.norm_out(h, z), history)


class VAE(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.encoder, self.decoder = Encoder(c), Decoder(c)

    def decode(self, z):
        """Latents as encoded (unscaled) [B,16,L,h,w], L odd -> all frames, call by call as in use:
        3, 2, 2, ... latents."""
        history = {}
        calls = [z[:, :, :3]] + [z[:, :, i : i + 2] for i in range(3, z.shape[2], 2)]
        return torch.cat([self.decoder(part, history) for part in calls], 2)


def channels_last(model):
    for p in model.parameters():
        if p.dim() == 5:
            p.data = p.data.contiguous(memory_format=torch.channels_last_3d)
        elif p.dim() == 4:
            p.data = p.data.contiguous(memory_format=torch.channels_last)
    return model
