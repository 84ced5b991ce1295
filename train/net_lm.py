"""Autoregressive language model over semantic codes, under the release's tensor names.

Sequence: begin, frames, motion, text rows, then segments  <I> codes </I> (<P> codes </P>) x 12.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from net_tokenizer import Group


def rotate(x, turns):
    """Interleaved pairs in f32 or above; x [B,n,...,d], turns complex [n,d/2]"""
    pairs = torch.view_as_complex((x.float() if x.dtype.itemsize < 4 else x).unflatten(-1, (-1, 2)))
    turns = turns.view(len(turns), *(1,) * (x.dim() - 3), -1)
    return torch.view_as_real(pairs * turns).flatten(-2).to(x.dtype)


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, self.weight, 1e-5)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, m = c["width"], c["mlp_width"]
        self.heads = c["heads"]
        self.norm0, self.norm1 = RMSNorm(d), RMSNorm(d)
        self.wqkv, self.wo = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d, bias=False)
        self.mlp = Group(
            w1=nn.Linear(d, m, bias=False),
            w2=nn.Linear(m, d, bias=False),
            w3=nn.Linear(d, m, bias=False),
        )

    def forward(self, x, rope, cache=None):
        """`cache`: [K, V] of earlier positions, grown in place (sampling only)."""
        B, n, d = x.shape
        qkv = self.wqkv(self.norm0(x)).view(B, n, 3, self.heads, -1)
        q, k, v = *rotate(qkv[:, :, :2], rope).permute(2, 0, 3, 1, 4), qkv[:, :, 2].transpose(1, 2)
        if cache is not None:
            if cache:
                k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            cache[:] = [k, v]
        a = F.scaled_dot_product_attention(q, k, v, is_causal=n > 1)
        x = x + self.wo(a.transpose(1, 2).reshape(B, n, d))
        h = self.norm1(x)
        return x + self.mlp.w2(F.gelu(self.mlp.w1(h), approximate="tanh") * self.mlp.w3(h))


class LanguageModel(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        d, m = c["width"], c["micro_width"]
        self.end, self.begin, self.open_i, self.close_i, self.open_p, self.close_p, self.pad = (
            range(c["codebook_size"], c["vocab_size"])
        )
        self.visual_embedding_model = Group(tok_emb_code=nn.Embedding(c["vocab_size"], d))
        self.cond_model = Group(
            embeddings=Group(fc0=nn.Linear(c["text_width"], d), fc1=nn.Linear(d, d))
        )
        self.cond_model.null_text_embedding = nn.Parameter(torch.randn(d) * 0.02)
        micro = lambda: nn.Sequential(nn.Linear(c["micro_sinusoid"], m), nn.SiLU(), nn.Linear(m, d))
        self.micro_condition = Group(
            mlps=nn.ModuleDict({"frames": micro(), "motion_score": micro()})
        )
        self.transformer = Group(
            blocks=nn.ModuleList([Block(c) for _ in range(c["layers"])]),
            layer_norm=nn.LayerNorm(d),
            head=nn.Linear(d, c["vocab_size"], bias=False),
        )
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.5 if "tok_emb" in name else p.shape[1] ** -0.5)
            if name.endswith(("wo.weight", "w2.weight")):
                nn.init.normal_(p, std=0.3 * p.shape[1] ** -0.5)

    def micro(self, name, value):
        """value [B] -> [B,1,width]"""
        half = self.c["micro_sinusoid"] // 2
        a = value[:, None].float() * torch.exp(
            -math.log(10000) * torch.arange(half, device=value.device) / half
        )
        wave = torch.cat([a.cos(), a.sin()], 1).to(self.cond_model.null_text_embedding.dtype)
        return self.micro_condition.mlps[name](wave)[:, None]

    def prefix(self, text, frames, motion, null=None):
        """text [B,L,text_width], frames [B], motion [B], null [B] bool -> [B,L+3,width]"""
        e = self.cond_model.embeddings
        rows = e.fc1(F.gelu(e.fc0(text), approximate="tanh"))
        if null is not None:
            rows = torch.where(null[:, None, None], self.cond_model.null_text_embedding, rows)
        begin = self.visual_embedding_model.tok_emb_code(
            torch.full((len(text), 1), self.begin, device=text.device)
        )
        return torch.cat(
            [begin, self.micro("frames", frames), self.micro("motion_score", motion), rows], 1
        )

    def rope(self, start, n, device=None):
        d = self.c["width"] // self.c["heads"]
        a = torch.arange(start, start + n, device=device)[:, None].float() * (
            1.0 / self.c["rope_base"] ** (torch.arange(0, d, 2, device=device).float() / d)
        )
        return torch.polar(torch.ones_like(a), a)

    def run(self, x, start=0, caches=None, states=None):
        """Embedded rows [B,n,width] at positions start.. -> hidden after the last norm. The rows
        after each block are added to the list `states`."""
        rope = self.rope(start, x.shape[1], x.device)
        for i, block in enumerate(self.transformer.blocks):
            x = block(x, rope, caches[i] if caches is not None else None)
            if states is not None:
                states.append(x)
        return self.transformer.layer_norm(x)

    def forward(self, text, frames, motion, ids, null=None):
        """ids [B,n] start with <I> and hold all forced ids -> logits [B,n,vocab], entry j predicts
        ids[j+1]; rows of the ids after each block [B,n,width]"""
        p, states = self.prefix(text, frames, motion, null), []
        x = torch.cat([p, self.visual_embedding_model.tok_emb_code(ids)], 1)
        logits = self.transformer.head(self.run(x, states=states)[:, p.shape[1] :])
        return logits, [x[:, p.shape[1] :] for x in states]

    def lay_out(self, codes, frames):
        """Codes of segments [...,N] -> ids [...,N'] with all forced tokens."""
        i, p = self.c["i_tokens"], self.c["p_tokens"]
        forced = lambda token: codes.new_full((*codes.shape[:-1], 1), token)
        parts = [forced(self.open_i), codes[..., :i], forced(self.close_i)]
        for f in range(frames - 1):
            parts += [
                forced(self.open_p),
                codes[..., i + f * p : i + (f + 1) * p],
                forced(self.close_p),
            ]
        return torch.cat(parts, -1)

    def sample(self, text, frames, motion, seed=42, **options):
        """text [1,L,text_width] -> list of segments of codes [N], see `sample_many`."""
        draw = torch.Generator(text.device).manual_seed(seed)
        return [
            s[0]
            for s in self.sample_many(
                text, frames, torch.tensor([float(motion)], device=text.device), draw, **options
            )
        ]

    @torch.no_grad()
    def sample_many(
        self, text, frames, motion, draw, guidance=2.0, temperature=0.9, top_p=0.95, context=4
    ):
        """text [B,L,text_width], motion [B] -> list of segments of codes [B,N]. With more than
        `context` earlier segments the oldest third is dropped."""
        c, B, device = self.c, len(text), text.device
        limit = min(frames, c.get("frames_limit", 13))
        # with the prompt, then without
        rows = 2 if guidance not in (0, 1) else 1
        null = torch.arange(rows * B, device=device) >= B
        p = self.prefix(
            text.repeat(rows, 1, 1),
            torch.full((rows * B,), float(limit), device=device),
            motion.repeat(rows),
            null,
        )
        done, seen, opening = [], [], torch.full((B, 1), self.open_i, device=device)
        for first in range(0, frames, c["segment_frames"]):
            count = min(c["segment_frames"], frames - first)
            caches = [[] for _ in self.transformer.blocks]
            kept = torch.cat(seen + [opening], 1)
            x = torch.cat([p, self.visual_embedding_model.tok_emb_code(kept).repeat(rows, 1, 1)], 1)
            h, position = self.run(x, 0, caches)[:, -1], x.shape[1]
            plan = self.lay_out(
                torch.full((c["i_tokens"] + (count - 1) * c["p_tokens"],), -1), count
            )
            written = [opening]
            for forced in plan[1:].tolist():
                if forced < 0:
                    logits = self.transformer.head(h)
                    logits = (
                        logits[B:] + guidance * (logits[:B] - logits[B:]) if rows == 2 else logits
                    )
                    probability, order = (
                        (logits[:, : c["codebook_size"]] / temperature)
                        .softmax(-1)
                        .sort(descending=True)
                    )
                    probability[probability.cumsum(-1) - probability >= top_p] = 0
                    written.append(
                        order.gather(1, torch.multinomial(probability, 1, generator=draw))
                    )
                else:
                    written.append(torch.full((B, 1), forced, device=device))
                h = self.run(
                    self.visual_embedding_model.tok_emb_code(written[-1]).repeat(rows, 1, 1),
                    position,
                    caches,
                )[:, -1]
                position += 1
            ids = torch.cat(written, 1)
            done.append(ids[:, (plan < 0).to(device)])
            if context:
                seen = (seen if len(seen) < context else seen[(context + 2) // 3 :]) + [ids]
        return done
