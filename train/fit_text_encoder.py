"""Stage 1: the SentencePiece model and the text encoder.

The encoder learns to read scene graphs out of captions: one query per slot attends over its output
rows. It is then frozen and serves both the language model (rows of the prompt alone) and refinement
(48 rows, padding included).

    python fit_text_encoder.py --stage order --plan 9      # of an encoder that is there: what only the order of words says

The rows of "rolls from left to right" and "rolls from right to left" came out equal but for their
order, by which attention does not go. The second stage teaches an encoder to answer the one as it
answered "rolls to the right", the other as "rolls to the left", and everything else as before, so
what was trained on its rows still holds.
"""

import io
from pathlib import Path

import numpy as np
import sentencepiece as spm
import torch
import torch.nn as nn
import torch.nn.functional as F

from grammar import (
    COLOURS,
    EVENTS,
    MOTIONS,
    SIZES,
    SLOTS,
    TIMES,
    WEATHERS,
    describe,
    pick,
    sample_graph,
)
from net_text import TextEncoder
from training import Run, arguments, averaged, config, save_atomically

EXTRA_IDS = 100  # the release's tokenizer adds them behind the pieces
VALUES = COLOURS + SIZES + MOTIONS + TIMES + WEATHERS
READ = {
    **{k: len(v) + 1 for k, v in SLOTS.items()},  # + "not said"
    **{f"event{i}": len(EVENTS) for i in range(3)},
    **{f"value{i}": len(VALUES) + 1 for i in range(3)},
}
FOREIGN = (Path(__file__).parent / "words.txt").read_text().split()


def train_pieces(path, vocab_size):
    """Unigram model in the T5 id layout: 0 pad, 1 end, 2 unknown, no begin."""
    rng = np.random.default_rng(0)
    captions = (describe(sample_graph(rng, training=False), rng)[0] for _ in range(40000))
    foreign = (
        " ".join(
            pick(rng, FOREIGN) + pick(rng, ["", "", "", "s", "ed", "ing", "er", "ly"])
            for _ in range(8)
        )
        for _ in range(20000)
    )
    digits = (
        " ".join(
            str(int(rng.integers(10000))) + pick(rng, list(".,;:!?'\"-()&/%")) for _ in range(4)
        )
        for _ in range(500)
    )
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=(s for group in (captions, foreign, digits) for s in group),
        model_writer=model,
        vocab_size=vocab_size - EXTRA_IDS,
        model_type="unigram",
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        pad_piece="<pad>",
        eos_piece="</s>",
        unk_piece="<unk>",
        normalization_rule_name="nmt_nfkc",
        character_coverage=1.0,
        num_threads=1,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())


class Pieces:
    """Text -> ids, end token included, at most `length`."""

    def __init__(self, path, length):
        self.model, self.length = spm.SentencePieceProcessor(model_file=str(path)), length

    def __call__(self, text):
        return self.model.encode(text)[: self.length - 1] + [1]

    def text(self, ids):
        return self.model.decode([i for i in ids if i > 2])

    def padded(self, texts):
        rows = [self(t) for t in texts]
        return torch.tensor([r + [0] * (self.length - len(r)) for r in rows])


class Reader(nn.Module):
    """Encoder with one attending query and one linear layer per slot."""

    def __init__(self, c):
        super().__init__()
        self.encoder = TextEncoder(c)
        d = c["d_model"]
        self.queries = nn.Parameter(torch.randn(len(READ), d) * 0.1)
        self.key = nn.Linear(d, d, bias=False)
        self.heads = nn.ModuleDict({k: nn.Linear(d, n) for k, n in READ.items()})

    def forward(self, ids, mask):
        """ids, mask [B,N] -> {slot: logits [B,n]}"""
        h = self.encoder(ids, mask)
        # [B,slots,N]
        scores = self.queries @ self.key(h).transpose(1, 2) / h.shape[-1] ** 0.5
        scores = scores.masked_fill((ids == 0)[:, None], -1e9)
        rows = scores.softmax(-1) @ h
        return {k: head(rows[:, i]) for i, (k, head) in enumerate(self.heads.items())}


def told(graph, said):
    """Class of every slot; the last class of a slot means that the caption does not tell."""
    return [
        names.index(getattr(graph, k)) if k in said else len(names) for k, names in SLOTS.items()
    ]


def targets(graph, said):
    """The same, then kinds and values of three events."""
    events = graph.events + [("none", None)] * (3 - len(graph.events))
    known = lambda v: VALUES.index(v.split()[0]) if v else len(VALUES)
    return (
        told(graph, said)
        + [EVENTS.index(k) for k, _ in events[:3]]
        + [known(v) for _, v in events[:3]]
    )


def distracted(text, rng):
    """Put a few unrelated words somewhere into a caption."""
    words = text.split()
    for _ in range(int(rng.integers(1, 4))):
        words.insert(int(rng.integers(len(words) + 1)), pick(rng, FOREIGN))
    return " ".join(words)


def batch(rng, pieces, size, training=True):
    texts, labels = [], []
    for _ in range(size):
        graph = sample_graph(
            rng, training=training, events=int(rng.choice(4, p=[0.5, 0.25, 0.15, 0.10]))
        )
        text, said = describe(graph, rng)
        texts.append(distracted(text, rng) if training and rng.random() < 0.2 else text)
        labels.append(targets(graph, said))
    return pieces.padded(texts), torch.tensor(labels)


ACROSS = {
    "roll_right": ("to the right", "from left to right"),
    "roll_left": ("to the left", "from right to left"),
}
# of the three pieces of the first wording, for the four of the second
STANDS_FOR = (0, 1, 1, 2)
# what order is read by; its share of the rate
NEIGHBOURS, FASTER = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias", 80.0


def across(rng, pieces, size):
    """Captions with the second wording of ACROSS -> their ids [size,N], ids of the same with the
    first wording, which rows of the latter each row of the former shall equal, where the former
    have the wording (bool)"""
    second, first, rows, wording = [], [], [], []
    while len(second) < size:
        motion = pick(rng, list(ACROSS))
        plain, other = ACROSS[motion]
        text = describe(sample_graph(rng, motion=motion), rng, keep=("motion",))[0].replace(
            other, plain
        )
        # "rolls right", "rolls along"
        if text.count(plain) != 1:
            continue
        ids, shorter, part = pieces(text.replace(plain, other)), pieces(text), pieces(plain)[:-1]
        at = next(i for i in range(len(shorter)) if shorter[i : i + len(part)] == part)
        second.append(ids)
        first.append(shorter)
        rows.append(
            list(range(at))
            + [at + j for j in STANDS_FOR]
            + list(range(at + len(part), len(shorter)))
        )
        wording.append([0] * at + [1] * len(STANDS_FOR))
    longest = max(map(len, second))
    *ids, wording = (
        torch.tensor([x + [0] * (longest - len(x)) for x in lists])
        for lists in (second, first, rows, wording)
    )
    return *ids, wording.bool()


def load_text_encoder(out):
    return averaged("text_encoder", TextEncoder(config("text_encoder")), out).requires_grad_(False)


def learn_order(a):
    """The second stage, from OUT/text_encoder.pt and to it."""
    old, new = (load_text_encoder(a.out).to(a.device) for _ in range(2))
    new.requires_grad_(True)
    pieces = Pieces(Path(a.out) / "spiece.model", old.c["max_length"])
    run = Run(
        "text_order",
        new,
        a,
        adam_lr=4e-4,
        adam_only=("",),
        average=0.98,
        shares={NEIGHBOURS: FASTER},
    )
    rng = np.random.default_rng(run.steps + 1)
    torch.manual_seed(run.steps + 1)
    for _ in run:
        second, first, rows, wording = (x.to(a.device) for x in across(rng, pieces, 32))
        target = old(first, first != 0).gather(1, rows[..., None].expand(-1, -1, old.c["d_model"]))
        error = (new(second, second != 0) - target).pow(2).mean(-1) / target[second != 0].var()
        turned, around = error[wording].mean(), error[(second != 0) & ~wording].mean()
        ids = batch(rng, pieces, 32)[0]
        ids = ids[
            [
                not any(other in pieces.text(row) for _, other in ACROSS.values())
                for row in ids.tolist()
            ]
        ].to(a.device)
        mask = (ids != 0) | (torch.rand(len(ids), 1, device=a.device) < 0.5)
        target = old(ids, mask)
        same = (new(ids, mask) - target)[ids != 0].pow(2).mean() / target[ids != 0].var()
        run.step(turned + around + same, turned=turned, around=around, same=same)
    if run.progress < 1:  # until then the encoder that is there answers
        print(f"{a.out}/text_encoder.pt stays as it is until the plan is done", flush=True)
        return
    save_atomically({"mean": run.mean}, f"{a.out}/text_encoder.pt")


def learn_slots(a):
    """The first stage."""
    c = config("text_encoder")
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "spiece.model").exists():
        train_pieces(out / "spiece.model", c["vocab_size"])
    pieces = Pieces(out / "spiece.model", c["max_length"])
    torch.manual_seed(0)
    model = Reader(c).to(a.device)
    run = Run(
        "text_reader",
        model,
        a,
        lr=0.02,
        adam_lr=2e-3,
        adam_only=("shared", "bias", "heads", "queries"),
    )
    rng = np.random.default_rng(run.steps + 1)
    for _ in run:
        ids, labels = (x.to(a.device) for x in batch(rng, pieces, 64))
        # half of the rows without their padding, as in the LM
        hidden = torch.rand(len(ids), 1, device=a.device) < 0.5
        mask = (ids != 0) | ~hidden
        read = model(ids, mask)
        losses = [F.cross_entropy(logits, labels[:, i]) for i, logits in enumerate(read.values())]
        right = np.mean(
            [
                (l.argmax(-1) == labels[:, i]).float().mean().item()
                for i, l in enumerate(read.values())
            ]
        )
        run.step(sum(losses), right=right)
    model.load_state_dict(run.mean)
    save_atomically({"mean": model.encoder.state_dict()}, out / "text_encoder.pt")
    with torch.no_grad():
        ids, labels = (
            x.to(a.device) for x in batch(np.random.default_rng(99), pieces, 500, training=False)
        )
        read = model(ids, torch.ones_like(ids, dtype=torch.bool))
    print(
        "read right (all combinations, padded):",
        {
            k: round((l.argmax(-1) == labels[:, i]).float().mean().item(), 4)
            for i, (k, l) in enumerate(read.items())
        },
    )


if __name__ == "__main__":
    a = arguments(plan=8.0, stage=("slots", "order"))
    (learn_order if a.stage == "order" else learn_slots)(a)
