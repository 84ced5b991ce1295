"""Stage 5: the language model, on codes that `derive.py tokens` has written.

Captions are drawn anew each time. Batches hold captions of one length, since the release pads nothing. One step in three teaches
the first frame of a take, where the prompt decides; the others how it goes on: VIEW frames from the beginning, and
from the middle at position 0, as the sliding context of longer takes has it. Spelled codes weigh more than learned ones: two
thirds of the nats are the landscape's, while what the object does stands in a few. Where a frame begins, linear readers of the
middle of the network shall tell what the caption says: without them the model could not tell "rolls left" from "rolls right"
after 7,000 steps, since one code of a frame in two of thirteen motions says so. Another tells where the object will be, how
large and how fast: numbers are learned faster than a table of levels plus levels.
`--warm FILE` begins with the weights of another run.
"""
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from fit_text_encoder import Pieces, load_text_encoder, told
from grammar import SLOTS, SceneGraph, describe
from net_lm import LanguageModel
from spelled import CODES, NUMBERS, PLACE, WHOLE, numbers
from training import Run, arguments, config, save_atomically, warmed


VIEW = 4                                            # frames in sight: three of context and the one that is written
HELD = 100                                          # takes that only judge
WEIGHTS = torch.tensor([2.] * PLACE + [.5] * (CODES - PLACE - WHOLE) + [3.] * WHOLE)     # of the codes of a frame
TOLD_AFTER, TOLD, GOING = 1, .3, 3.                 # block whose rows the readers see; weights of what is told and of the numbers


class Takes:
    """Codes [T,44] and graphs of the takes of some corpora, drawn in batches of one caption length."""

    def __init__(self, folder, kinds, pieces, seed, codes=CODES):
        self.codes, self.graphs = [], []
        for kind in kinds:
            for record in sorted(Path(folder).glob(f"{kind}_[0-9]*.pt")):
                if record.with_suffix(".tokens.npy").exists():
                    self.codes += torch.from_numpy(np.load(record.with_suffix(".tokens.npy"))).unflatten(1, (-1, codes))
                    self.graphs += [SceneGraph(**g) for g in torch.load(record, weights_only=False)["graphs"]]
        self.pieces, self.rng, self.waiting = pieces, np.random.default_rng(seed), defaultdict(list)

    def without(self, first):
        """Puts the first takes aside: -> their codes and graphs"""
        held = self.codes[:first], self.graphs[:first]
        self.codes, self.graphs = self.codes[first:], self.graphs[first:]
        return held

    def batch(self, n):
        """-> caption ids [n,L], indices of n takes, what the captions tell [n,slots]"""
        while True:
            i = int(self.rng.integers(len(self.graphs)))
            caption, said = describe(self.graphs[i], self.rng)
            ids = self.pieces(caption)
            group = self.waiting[len(ids)]
            group.append((ids, i, told(self.graphs[i], said)))
            if len(group) >= n:
                ready, self.waiting[len(ids)] = group[:n], group[n:]
                captions, rows, said = zip(*ready)
                return torch.tensor(captions), rows, torch.tensor(said)


def stretch(model, codes, first, count):
    """Ids of `count` one-frame segments from frame `first` on; codes [T,44]."""
    return torch.cat([model.lay_out(row, 1) for row in codes[first:first + count]])


def choice(step):
    """-> batch size, whether the samples begin at the take's first frame, their frames"""
    if step % 3 == 0:                              # what the prompt says stands in the first frame
        return 32, True, 1
    return 8, step % 3 == 1, VIEW


def losses(model, readers, text, frames, motion, ids, said, null, weights, spoil=.05):
    """-> cross-entropy of the codes alone, [CODES] `weights`; of what the readers tell where frames begin, mean cross-entropy of
    the slots and mean distance of the numbers. Some codes of the context are replaced by random ones."""
    size, target = model.c["codebook_size"], ids[:, 1:]
    spoilt = torch.where((torch.rand(ids.shape) < spoil) & (ids < size), torch.randint(size, ids.shape), ids)
    logits, states = model(text, frames, motion, spoilt[:, :-1], null)
    ce = F.cross_entropy(logits.transpose(1, 2), target, reduction="none")
    starts = states[TOLD_AFTER][:, ids[0, :-1] == model.open_i]                # [B,frames,width]
    said = torch.where(null[:, None], -100, said)[:, None].expand(-1, starts.shape[1], -1)
    slots = [F.cross_entropy(readers[k](starts).flatten(0, 1), said[..., i].flatten()) for i, k in enumerate(SLOTS)]
    going = (readers["going"](starts) - numbers(target[target < size].view(*starts.shape[:2], CODES))).abs()
    return (ce[target < size].view(-1, CODES) * weights).mean(), sum(slots) / len(slots), going.mean()


def main():
    a = arguments(plan=18., warm="")
    torch.manual_seed(0)
    model, encoder = LanguageModel(config("ar_model")).to(a.device), load_text_encoder(a.out)
    pieces = Pieces(f"{a.out}/spiece.model", config("text_encoder")["max_length"])
    rates = {"lr": .012, "adam_lr": 1.5e-3} if warmed(model, a) else {"lr": .02, "adam_lr": 2e-3}
    readers = nn.ModuleDict({k: nn.Linear(model.c["width"], len(v) + 1) for k, v in SLOTS.items()})
    readers["going"] = nn.Linear(model.c["width"], NUMBERS)
    learner = nn.ModuleDict({"lm": model, "readers": readers}).to(a.device)
    run = Run("lm_training", learner, a, **rates, adam_only=("tok_emb", "head", "micro", "null", "readers"), warmup=60, decay=.5, average=.995)
    takes = Takes(f"{a.out}/corpora", ("plans", "long"), pieces, run.steps + 1)
    held = takes.without(HELD)

    def loss_of(batch, first, count, codes, graphs, null, weights=WEIGHTS, spoil=.05):
        captions, rows, said = batch
        ids = torch.stack([stretch(model, codes[i], f, count) for i, f in zip(rows, first)])
        motion = torch.tensor([graphs[i].motion_score for i in rows])
        return losses(model, readers, encoder(captions), torch.full((len(rows),), 13.), motion, ids, said, null, weights, spoil)

    for _ in run:
        size, from_start, count = choice(run.steps)
        batch = takes.batch(size)
        first = [0 if from_start else int(takes.rng.integers(len(takes.codes[i]) - count + 1)) for i in batch[1]]
        loss, said, going = loss_of(batch, first, count, takes.codes, takes.graphs, torch.rand(size) < .1)
        run.step(loss + TOLD * said + GOING * going, **{"first" if count == 1 else "on": loss.detach(), "said": said.detach(),
                                                      f"going{count}": going.detach()})
    learner.load_state_dict(run.mean)
    save_atomically({"mean": model.state_dict()}, f"{a.out}/lm.pt")
    takes.codes, takes.graphs = held
    takes.waiting.clear()
    with torch.no_grad():
        for count in (1, VIEW):
            nats = []
            for _ in range(10):
                batch = takes.batch(4)
                nats.append([loss_of(batch, [0] * 4, count, *held, torch.full((4,), flag), torch.ones(CODES), 0.)[0].item() for flag in (False, True)])
            print("first %d frames of held-out takes: nats per code %.3f with the prompt, %.3f without" % (count, *np.mean(nats, 0)))


if __name__ == "__main__":
    main()
