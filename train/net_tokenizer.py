"""Video semantic tokenizer under the release's tensor names: Theia backbone, encoder, quantiser,
decoder.

Features are [B,T,C,gh,gw]; rows of a sequence are all patches (frame, row, column), then all latent
tokens.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F


# ------------------------------------------------------------------------------------- Theia (ViT)
class Group(nn.Module):
    """A node of the name tree: children are set by keyword."""

    def __init__(self, **children):
        super().__init__()
        for name, child in children.items():
            setattr(self, name, child)


class VitLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c["hidden_size"]
        self.heads = c["num_attention_heads"]
        self.layernorm_before, self.layernorm_after = (
            nn.LayerNorm(d, eps=c["layer_norm_eps"]) for _ in range(2)
        )
        self.attention = Group(
            attention=Group(query=nn.Linear(d, d), key=nn.Linear(d, d), value=nn.Linear(d, d)),
            output=Group(dense=nn.Linear(d, d)),
        )
        self.intermediate = Group(dense=nn.Linear(d, c["intermediate_size"]))
        self.output = Group(dense=nn.Linear(c["intermediate_size"], d))

    def forward(self, x):
        h, a = self.layernorm_before(x), self.attention.attention
        split = lambda t: t.view(*t.shape[:2], self.heads, -1).transpose(1, 2)
        o = F.scaled_dot_product_attention(split(a.query(h)), split(a.key(h)), split(a.value(h)))
        x = x + self.attention.output.dense(o.transpose(1, 2).flatten(2))
        return x + self.output.dense(F.gelu(self.intermediate.dense(self.layernorm_after(x))))


class Theia(nn.Module):
    """ViT; pixels in [-1,1] [N,3,H,W] -> normalised last hidden state of the patches
    [N,C,H/p,W/p]."""

    def __init__(self, c):
        super().__init__()
        d, side = c["hidden_size"], c["image_size"] // c["patch_size"]
        self.side, self.patch = side, c["patch_size"]
        model = Group(
            embeddings=Group(
                patch_embeddings=Group(projection=nn.Conv2d(3, d, c["patch_size"], c["patch_size"]))
            ),
            encoder=Group(
                layer=nn.ModuleList([VitLayer(c) for _ in range(c["num_hidden_layers"])])
            ),
            layernorm=nn.LayerNorm(d, eps=c["layer_norm_eps"]),
        )
        model.embeddings.cls_token = nn.Parameter(torch.randn(1, 1, d) * 0.02)
        model.embeddings.position_embeddings = nn.Parameter(
            torch.randn(1, side * side + 1, d) * 0.02
        )
        self.backbone = Group(model=model)

    def forward(self, pixels, padded=True):
        """The picture is padded below with 127 to a square. `padded` = False leaves the grey
        patches out (training only)."""
        m = self.backbone.model
        N, _, H, W = pixels.shape
        rows = H // self.patch
        if padded:
            pixels = F.pad(pixels, (0, 0, 0, W - H), value=(127 - 127.5) / 127.5)
        x = m.embeddings.patch_embeddings.projection(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([m.embeddings.cls_token.expand(N, -1, -1), x], 1)
        x = x + m.embeddings.position_embeddings[:, : x.shape[1]]
        for layer in m.encoder.layer:
            x = layer(x)
        f = m.layernorm(x)[:, 1 : 1 + rows * self.side]
        return f.transpose(1, 2).reshape(N, -1, rows, self.side)


# --------------------------------------------------------------------------------- encoder, decoder
def rope_table(c, frames):
    """cos, sin [rows, head_dim/2] of all rows of a sequence of `frames` frames."""
    gh, gw, n = c["grid_height"], c["grid_width"], c["i_tokens"] + (frames - 1) * c["p_tokens"]
    t, y, x = torch.meshgrid(
        torch.arange(frames), torch.arange(gh), torch.arange(gw), indexing="ij"
    )
    places = torch.cat(
        [torch.stack([t, y, x], -1).view(-1, 3), torch.arange(n)[:, None].expand(n, 3)]
    ).float()
    angles = [
        places[:, i : i + 1] * (1.0 / c["rope_base"] ** (torch.arange(0, d, 2).float() / d))[None]
        for i, d in enumerate(c["rope_dims"])
    ]
    a = torch.cat(angles, 1)
    return a.cos(), a.sin()


def rotate(x, cos, sin):
    """Interleaved pairs; x [B,h,n,d]"""
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


def frame_of_row(c, frames):
    patches = torch.arange(frames).repeat_interleave(c["grid_height"] * c["grid_width"])
    tokens = torch.cat(
        [
            torch.zeros(c["i_tokens"], dtype=torch.long),
            torch.arange(1, frames).repeat_interleave(c["p_tokens"]),
        ]
    )
    return torch.cat([patches, tokens]), len(patches)


def encoder_mask(c, frames):
    """[rows, rows] bool, True = may be seen."""
    frame, V = frame_of_row(c, frames)
    row = torch.arange(len(frame))
    earlier = frame[None, :] <= frame[:, None]
    causal = (row[:, None] >= V) & (row[None, :] <= row[:, None])
    return torch.where(row[None, :] < V, earlier, causal)


def decoder_mask(c, frames):
    frame, _ = frame_of_row(c, frames)
    return frame[None, :] <= frame[:, None]


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c["width"]
        self.heads = c["heads"]
        self.ln_1, self.ln_2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attn = Group(**{n: nn.Linear(d, d, bias=False) for n in ("wq", "wk", "wv", "wo")})
        self.mlp = Group(c_fc=nn.Linear(d, c["mlp_width"]), c_proj=nn.Linear(c["mlp_width"], d))

    def forward(self, x, rope, mask):
        h = self.ln_1(x)
        split = lambda t: t.view(*t.shape[:2], self.heads, -1).transpose(1, 2)
        o = F.scaled_dot_product_attention(
            rotate(split(self.attn.wq(h)), *rope),
            rotate(split(self.attn.wk(h)), *rope),
            split(self.attn.wv(h)),
            mask,
        )
        x = x + self.attn.wo(o.transpose(1, 2).flatten(2))
        return x + self.mlp.c_proj(F.gelu(self.mlp.c_fc(self.ln_2(x))))


class Encoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c["width"]
        self.c = c
        self.IFrame_latent_tokens = nn.Parameter(torch.randn(c["i_tokens"], d) * 0.5)
        self.PFrame_latent_tokens = nn.Parameter(torch.randn(c["p_tokens"], d) * 0.5)
        self.patch_embed = nn.Conv2d(c["feature_channels"], d, 1)
        self.ln_pre, self.ln_post = nn.LayerNorm(d), nn.LayerNorm(d)
        self.transformer = nn.ModuleList([Block(c) for _ in range(c["layers"])])
        self.proj_out = nn.Linear(d, d)

    def forward(self, features, rope, mask):
        """[B,T,C,gh,gw] -> latents [B,N,width]"""
        B, T = features.shape[:2]
        x = (
            self.patch_embed(features.flatten(0, 1))
            .flatten(2)
            .transpose(1, 2)
            .reshape(B, -1, self.c["width"])
        )
        queries = torch.cat([self.IFrame_latent_tokens, self.PFrame_latent_tokens.repeat(T - 1, 1)])
        V = x.shape[1]
        x = self.ln_pre(torch.cat([x, queries[None].expand(B, -1, -1)], 1))
        for block in self.transformer:
            x = block(x, rope, mask)
        return self.proj_out(self.ln_post(x[:, V:]))


class Decoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c["width"]
        self.c = c
        self.mask_token = nn.Parameter(torch.randn(1, 1, d) * 0.5)
        self.decoder_embed = nn.Linear(d, d)
        self.ln_pre, self.ln_post = nn.LayerNorm(d), nn.LayerNorm(d)
        self.transformer = nn.ModuleList([Block(c) for _ in range(c["layers"])])
        self.ffn = nn.Sequential(
            nn.Linear(d, c["head_width"]),
            nn.Tanh(),
            nn.Linear(c["head_width"], c["feature_channels"]),
        )

    def forward(self, codes, frames, rope, mask):
        """[B,N,width] -> features [B,T,C,gh,gw]"""
        c, B = self.c, len(codes)
        V = frames * c["grid_height"] * c["grid_width"]
        x = self.ln_pre(torch.cat([self.mask_token.expand(B, V, -1), self.decoder_embed(codes)], 1))
        for block in self.transformer:
            x = block(x, rope, mask)
        return self.head(
            x[:, :V].view(B * frames, c["grid_height"], c["grid_width"], -1)
        ).unflatten(0, (B, frames))[:, :, 0]

    def head(self, x):
        """The stream of frames' patches [n,gh,gw,width] -> features [n,1,C,gh,gw]"""
        return self.ffn(self.ln_post(x)).permute(0, 3, 1, 2)[:, None]


class Pictures(nn.Module):
    """Colours of pictures, as picture codes tell them, to what the decoder's head reads: luminance
    [n,2gh,2gw], chroma [n,2,gh,gw] -> [n,gh,gw,width]. A perceptron looks at every patch and the
    two around it each way, of chroma the one; beyond the edge the picture goes on as it is
    there."""

    FINE, SEEN = 2, (2, 1)

    def __init__(self, c):
        super().__init__()
        m, d = c["picture_width"], c["width"]
        inputs = (self.FINE * (2 * self.SEEN[0] + 1)) ** 2 + 2 * (2 * self.SEEN[1] + 1) ** 2
        self.fc1, self.fc2, self.fc3 = nn.Linear(inputs, m), nn.Linear(m, m), nn.Linear(m, d)

    def around(self, luminance, chroma):
        """-> [n,gh,gw,inputs]: luminance row by row, then each chroma"""

        def windows(x, cell, seen):
            x = F.pad(x, [cell * seen] * 4, mode="replicate")
            size = cell * (2 * seen + 1)
            return (
                x.unfold(2, size, cell).unfold(3, size, cell).permute(0, 2, 3, 1, 4, 5).flatten(3)
            )

        return torch.cat(
            [
                windows(luminance[:, None], self.FINE, self.SEEN[0]),
                windows(chroma, 1, self.SEEN[1]),
            ],
            -1,
        )

    def forward(self, luminance, chroma):
        x = F.gelu(self.fc1(self.around(luminance, chroma)))
        return self.fc3(F.gelu(self.fc2(x)))


class Codebook(nn.Module):
    def __init__(self, c):
        super().__init__()
        shape = (1, c["codebook_size"], c["code_dim"])
        self.register_buffer("embed", torch.randn(shape))
        self.register_buffer("embed_avg", torch.zeros(shape))
        self.register_buffer("cluster_size", torch.zeros(1, c["codebook_size"]))
        self.register_buffer("initted", torch.zeros(1))


class Quantizer(nn.Module):
    """Nearest code in `code_dim` dimensions. In training the first `learned` entries follow their
    inputs (moving averages); the others stay where they were put, and the `given` codes of a frame
    (bool [N]) are taken from there."""

    def __init__(self, c):
        super().__init__()
        self.project_in, self.project_out = (
            nn.Linear(c["width"], c["code_dim"]),
            nn.Linear(c["code_dim"], c["width"]),
        )
        self._codebook = Codebook(c)
        self.learned, self.given = c["codebook_size"], torch.zeros(c["i_tokens"], dtype=torch.bool)

    def nearest(self, z, entries=slice(None)):
        """Vectors z [...,dim] -> the nearest of the codebook's `entries`, counted from their
        first"""
        e = self._codebook.embed[0, entries]
        d = (z.pow(2).sum(-1, keepdim=True) + e.pow(2).sum(-1)) - 2 * (z @ e.T)
        return d.clamp(min=0).sqrt().argmin(-1)

    @torch.no_grad()
    def begin(self, z, fixed, rounds=10):
        """k-means on z [n,dim] for the learned entries; `fixed` [m,dim] are the others."""
        book, k = self._codebook, self.learned
        book.embed[0, k:] = fixed
        e = z[torch.randint(len(z), (k,))]
        for _ in range(rounds):
            index = torch.cdist(z, e).argmin(-1)
            count = torch.bincount(index, minlength=k).float()
            total = torch.zeros_like(e).index_add_(0, index, z)
            e = torch.where(
                count[:, None] > 0,
                total / count.clamp(min=1)[:, None],
                z[torch.randint(len(z), (k,))],
            )
        book.embed[0, :k] = e
        book.embed_avg.copy_(book.embed)
        book.cluster_size.fill_(1.0)
        book.initted.fill_(1.0)

    @torch.no_grad()
    def follow(self, z, index, decay, unused):
        book, k = self._codebook, self.learned
        z, index = z[index < k], index[index < k]
        count = torch.bincount(index, minlength=k).float()
        total = torch.zeros_like(book.embed[0, :k]).index_add_(0, index, z)
        book.cluster_size[0, :k].lerp_(count, 1 - decay)
        book.embed_avg[0, :k].lerp_(total, 1 - decay)
        size = book.cluster_size[0, :k].clamp(min=1e-5)
        book.embed[0, :k] = book.embed_avg[0, :k] / size[:, None]
        dead = (book.cluster_size[0, :k] < unused).nonzero()[:, 0]
        if len(dead):
            fresh = z[torch.randint(len(z), (len(dead),))]
            book.embed[0, dead] = fresh
            book.embed_avg[0, dead] = fresh * unused * 2
            book.cluster_size[0, dead] = unused * 2

    def forward(self, latents, told=None, quantise=True, decay=0.99, unused=0.02):
        """latents [B,N,width]; told [B,given]: right codes of the given part, -1 where the
        encoder's own shall be decoded. -> codes [B,N,width] (straight through), indices [B,N] or
        None, commitment loss, vectors of the given part [B,given,dim]"""
        z, given, e = self.project_in(latents), self.given, self._codebook.embed[0]
        index, rest = self.nearest(z), z[:, ~given]
        if given.any():
            index[:, given] = torch.where(told < 0, index[:, given], told)
        codes = e[index]
        if not quantise:
            codes[:, ~given] = rest
            return self.project_out(codes), None, 1e-3 * rest.pow(2).mean(), z[:, given]
        if self.training:
            self.follow(rest.detach().flatten(0, 1), index[:, ~given].flatten(), decay, unused)
        chosen = e[index[:, ~given]]
        commit = (rest - chosen.detach()).pow(2).mean()
        codes[:, ~given] = rest + (chosen - rest).detach()
        return self.project_out(codes), index, commit, z[:, given]

    def lookup(self, index):
        return self.project_out(self._codebook.embed[0][index])


class Tokenizer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.encoder, self.decoder, self.quantizer = Encoder(c), Decoder(c), Quantizer(c)
        # stored by the release, never applied
        self.register_buffer("mean", torch.zeros(c["feature_channels"]))
        self.register_buffer("std", torch.ones(c["feature_channels"]))
        self.tables = {}
        for name, p in self.named_parameters():
            if p.dim() == 2 and name.endswith(".weight"):
                nn.init.normal_(
                    p,
                    std=p.shape[1] ** -0.5
                    * (0.5 if name.endswith(("wo.weight", "c_proj.weight")) else 1),
                )

    def table(self, frames):
        """-> angles, masks of encoder and decoder of so many frames, on the network's device; no
        mask where every row sees every other"""
        key = frames, self.mean.device
        if key not in self.tables:
            here = lambda tensor: tensor.to(self.mean.device)
            masks = (encoder_mask(self.c, frames), decoder_mask(self.c, frames))
            self.tables[key] = (
                tuple(map(here, rope_table(self.c, frames))),
                *(None if mask.all() else here(mask) for mask in masks),
            )
        return self.tables[key]

    def encode(self, features):
        """features [B,T,C,gh,gw] -> tokens [B,N]"""
        rope, mask, _ = self.table(features.shape[1])
        return self.quantizer.nearest(self.quantizer.project_in(self.encoder(features, rope, mask)))

    def decode(self, tokens):
        """tokens [B,N] -> features [B,T,C,gh,gw]"""
        frames = 1 + (tokens.shape[1] - self.c["i_tokens"]) // self.c["p_tokens"]
        rope, _, mask = self.table(frames)
        return self.decoder(self.quantizer.lookup(tokens), frames, rope, mask)

    def forward(self, features, quantise=True, told=None):
        """-> decoded features, indices or None, commitment loss, the given codes' vectors
        [B,given,dim] (see Quantizer)"""
        T = features.shape[1]
        rope, emask, dmask = self.table(T)
        codes, index, commit, given = self.quantizer(
            self.encoder(features, rope, emask), told, quantise
        )
        return self.decoder(codes, T, rope, dmask), index, commit, given
