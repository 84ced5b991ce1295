"""Autoregressive language model over semantic codes, under the release's tensor names.

Sequence: begin, frames, motion, text rows, then segments  <I> codes </I> (<P> codes </P>) x 12.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from net_tokenizer import Group, rotate


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, m = c["width"], c["mlp_width"]
        self.heads = c["heads"]
        self.norm0, self.norm1 = RMSNorm(d), RMSNorm(d)
        self.wqkv, self.wo = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d, bias=False)
        self.mlp = Group(w1=nn.Linear(d, m, bias=False), w2=nn.Linear(m, d, bias=False), w3=nn.Linear(d, m, bias=False))

    def forward(self, x, rope, cache=None):
        """`cache`: [K, V] of earlier positions, grown in place (sampling only)."""
        B, n, d = x.shape
        q, k, v = self.wqkv(self.norm0(x)).view(B, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, *rope), rotate(k, *rope)
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
        self.end, self.begin, self.open_i, self.close_i, self.open_p, self.close_p, self.pad = range(c["codebook_size"], c["vocab_size"])
        self.visual_embedding_model = Group(tok_emb_code=nn.Embedding(c["vocab_size"], d))
        self.cond_model = Group(embeddings=Group(fc0=nn.Linear(c["text_width"], d), fc1=nn.Linear(d, d)))
        self.cond_model.null_text_embedding = nn.Parameter(torch.randn(d) * .02)
        micro = lambda: nn.Sequential(nn.Linear(c["micro_sinusoid"], m), nn.SiLU(), nn.Linear(m, d))
        self.micro_condition = Group(mlps=nn.ModuleDict({"frames": micro(), "motion_score": micro()}))
        self.transformer = Group(blocks=nn.ModuleList([Block(c) for _ in range(c["layers"])]), layer_norm=nn.LayerNorm(d),
                                 head=nn.Linear(d, c["vocab_size"], bias=False))
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=.5 if "tok_emb" in name else p.shape[1] ** -.5)
            if name.endswith(("wo.weight", "w2.weight")):
                nn.init.normal_(p, std=.3 * p.shape[1] ** -.5)

    def micro(self, name, value):
        """value [B] -> [B,1,width]"""
        half = self.c["micro_sinusoid"] // 2
        a = value[:, None].float() * torch.exp(-math.log(10000) * torch.arange(half) / half)
        wave = torch.cat([a.cos(), a.sin()], 1).to(self.cond_model.null_text_embedding.dtype)
        return self.micro_condition.mlps[name](wave)[:, None]

    def prefix(self, text, frames, motion, null=None):
        """text [B,L,text_width], frames [B], motion [B], null [B] bool -> [B,L+3,width]"""
        e = self.cond_model.embeddings
        rows = e.fc1(F.gelu(e.fc0(text), approximate="tanh"))
        if null is not None:
            rows = torch.where(null[:, None, None], self.cond_model.null_text_embedding, rows)
        begin = self.visual_embedding_model.tok_emb_code(torch.full((len(text), 1), self.begin))
        return torch.cat([begin, self.micro("frames", frames), self.micro("motion_score", motion), rows], 1)

    def rope(self, start, n):
        d = self.c["width"] // self.c["heads"]
        a = torch.arange(start, start + n)[:, None].float() * (1.0 / self.c["rope_base"] ** (torch.arange(0, d, 2).float() / d))
        return a.cos(), a.sin()

    def run(self, x, start=0, caches=None, states=None):
        """Embedded rows [B,n,width] at positions start.. -> hidden after the last norm. The rows after each block are added to the list `states`."""
        rope = self.rope(start, x.shape[1])
        for i, block in enumerate(self.transformer.blocks):
            x = block(x, rope, caches[i] if caches is not None else None)
            if states is not None:
                states.append(x)
        return self.transformer.layer_norm(x)

    def forward(self, text, frames, motion, ids, null=None):
        """ids [B,n] start with <I> and hold all forced ids -> logits [B,n,vocab], entry j predicts ids[j+1]; rows of the ids after
        each block [B,n,width]"""
        p, states = self.prefix(text, frames, motion, null), []
        x = torch.cat([p, self.visual_embedding_model.tok_emb_code(ids)], 1)
        logits = self.transformer.head(self.run(x, states=states)[:, p.shape[1]:])
        return logits, [x[:, p.shape[1]:] for x in states]

    def lay_out(self, codes, frames):
        """Codes of one segment [N] -> ids with all forced tokens."""
        i, p = self.c["i_tokens"], self.c["p_tokens"]
        parts = [torch.tensor([self.open_i]), codes[:i], torch.tensor([self.close_i])]
        for f in range(frames - 1):
            parts += [torch.tensor([self.open_p]), codes[i + f * p:i + (f + 1) * p], torch.tensor([self.close_p])]
        return torch.cat(parts)

    @torch.no_grad()
    def sample(self, text, frames, motion, seed=42, guidance=2., temperature=.9, top_p=.95, context=4):
        """text [1,L,text_width] -> list of segments of codes. Earlier segments beyond `context` are dropped."""
        c = self.c
        draw = torch.Generator().manual_seed(seed)
        limit = min(frames, c.get("frames_limit", 13))
        done, ids = [], []
        for first in range(0, frames, c["segment_frames"]):
            count = min(c["segment_frames"], frames - first)
            rows = 2 if guidance not in (0, 1) else 1
            null = torch.tensor([False, True][:rows])
            p = self.prefix(text.expand(rows, -1, -1), torch.full((rows,), float(limit)), torch.full((rows,), float(motion)), null)
            kept = torch.cat(ids[-context:] + [torch.tensor([self.open_i])]) if context else torch.tensor([self.open_i])
            caches = [[] for _ in self.transformer.blocks]
            x = torch.cat([p, self.visual_embedding_model.tok_emb_code(kept)[None].expand(rows, -1, -1)], 1)
            h, position = self.run(x, 0, caches)[:, -1], x.shape[1]
            plan = self.lay_out(torch.full((c["i_tokens"] + (count - 1) * c["p_tokens"],), -1), count)
            written = [self.open_i]
            for forced in plan[1:].tolist():
                if forced < 0:
                    logits = self.transformer.head(h)
                    logits = logits[1] + guidance * (logits[0] - logits[1]) if rows == 2 else logits[0]
                    probability, order = (logits[:c["codebook_size"]] / temperature).softmax(-1).sort(descending=True)
                    probability[probability.cumsum(0) - probability >= top_p] = 0
                    forced = int(order[torch.multinomial(probability, 1, generator=draw)])
                written.append(forced)
                e = self.visual_embedding_model.tok_emb_code(torch.tensor([[forced]])).expand(rows, -1, -1)
                h = self.run(e, position, caches)[:, -1]
                position += 1
            ids.append(torch.tensor(written))
            done.append(ids[-1][ids[-1] < c["codebook_size"]])
        return done
