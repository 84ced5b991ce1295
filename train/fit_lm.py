"""Stage 5: the language model, on codes that `derive.py tokens` has written.

Captions are drawn anew each time. Batches hold captions of one length, since the release pads nothing. Most steps teach
the first frame of a take, where the prompt decides; the others how it goes on: whole takes of 13 frames, and stretches
from the middle at position 0, as the sliding context of longer takes has it.
"""
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from fit_text_encoder import Pieces
from grammar import SceneGraph, describe
from net_lm import LanguageModel
from net_text import TextEncoder
from training import Run, arguments, config


def load_text_encoder(out):
    encoder = TextEncoder(config("text_encoder"))
    state = torch.load(Path(out) / "text_encoder.pt", map_location="cpu", weights_only=False)["mean"]
    encoder.load_state_dict({k[8:]: v for k, v in state.items() if k.startswith("encoder.")})
    return encoder.eval().requires_grad_(False)


class Takes:
    """Codes and graphs of one kind of corpus, grouped into batches of one caption length."""

    def __init__(self, folder, kind, pieces, seed, skip=1):
        self.codes, self.graphs = [], []
        for record in sorted(Path(folder).glob(f"{kind}_[0-9]*.pt"))[skip:]:
            if record.with_suffix(".tokens.npy").exists():
                self.codes.append(torch.from_numpy(np.load(record.with_suffix(".tokens.npy"))))
                self.graphs += [SceneGraph(**g) for g in torch.load(record, weights_only=False)["graphs"]]
        self.codes = torch.cat(self.codes)
        self.pieces, self.rng, self.waiting = pieces, np.random.default_rng(seed), defaultdict(list)

    def batch(self, n):
        """-> caption ids [n,L], indices of n takes"""
        while True:
            i = int(self.rng.integers(len(self.graphs)))
            ids = self.pieces(describe(self.graphs[i], self.rng)[0])
            group = self.waiting[len(ids)]
            group.append((ids, i))
            if len(group) >= n:
                ready, self.waiting[len(ids)] = group[:n], group[n:]
                return torch.tensor([r[0] for r in ready]), [r[1] for r in ready]


def stretch(model, codes, first, count):
    """Ids of `count` one-frame segments from frame `first` on; codes of the whole take."""
    n = model.c["i_tokens"]
    return torch.cat([model.lay_out(codes[n * k:n * (k + 1)], 1) for k in range(first, first + count)])


def choice(step, rng, frames):
    """-> batch size, first frame, frames of this step's samples"""
    kind = step % 5
    if kind < 3:                                   # what the prompt says stands in the first frame
        return 28, 0, 1
    if kind == 3:
        return 12, 0, 2
    count = int(rng.integers(3, 8)) if step % 10 < 5 else 13
    return max(3, 32 // count), int(rng.integers(frames - count + 1)), count


def code_loss(model, encoder, captions, frames, motion, ids, null, rng, spoil=.05):
    """Cross-entropy of the codes alone; some codes of the context are replaced by random ones."""
    size = model.c["codebook_size"]
    target = ids[:, 1:]
    spoilt = torch.where((torch.rand(ids.shape) < spoil) & (ids < size), torch.randint(size, ids.shape), ids)
    logits = model(encoder(captions), frames, motion, spoilt[:, :-1], null)
    ce = F.cross_entropy(logits.transpose(1, 2), target, reduction="none")
    return ce[target < size].mean()


def main():
    a = arguments(plan=18.)
    torch.manual_seed(0)
    model, encoder = LanguageModel(config("ar_model")).to(a.device), load_text_encoder(a.out)
    pieces = Pieces(f"{a.out}/spiece.model", config("text_encoder")["max_length"])
    run = Run("lm", model, a, lr=.02, adam_lr=2e-3, adam_only=("tok_emb", "head", "micro", "null"), warmup=60, decay=.5, average=.995)
    takes = Takes(f"{a.out}/corpora", "plans", pieces, run.steps + 1)
    for _ in run:
        size, first, count = choice(run.steps, takes.rng, 13)
        captions, rows = takes.batch(size)
        ids = torch.stack([stretch(model, takes.codes[i], first, count) for i in rows])
        motion = torch.tensor([takes.graphs[i].motion_score for i in rows])
        loss = code_loss(model, encoder, captions, torch.full((size,), 13.), motion, ids, torch.rand(size) < .1, takes.rng)
        run.step(loss, **{"first" if count == 1 else "on": loss.detach()})
    model.load_state_dict(run.mean)
    held = Takes(f"{a.out}/corpora", "plans", pieces, 5, skip=0)
    held.graphs, held.codes = held.graphs[:50], held.codes[:50]
    with torch.no_grad():
        losses = []
        for _ in range(10):
            captions, rows = held.batch(4)
            ids = torch.stack([stretch(model, held.codes[i], 0, 2) for i in rows])
            args = captions, torch.full((4,), 13.), torch.tensor([held.graphs[i].motion_score for i in rows]), ids
            losses.append([code_loss(model, encoder, *args, torch.full((4,), flag), held.rng, 0.).item() for flag in (False, True)])
    print("first two frames of held-out takes: nats per code %.3f with the prompt, %.3f without" % tuple(np.mean(losses, 0)))


if __name__ == "__main__":
    main()
