"""Stage 5: the language model, on codes that `derive.py tokens` has written.

    python fit_lm.py --device cuda --workers 8 --batch 128 --plan 14
    python fit_lm.py --stage judge                         # of OUT/lm.pt alone: what it means with the prompts of evaluate.py

Captions are drawn before, many a take, more for the motions that are learned last (OFTEN). Batches
hold captions of one length, since the release pads nothing. One step in four teaches the first
frame of a take, where the prompt decides; the others how it goes on: VIEW frames from the
beginning, and from the middle at position 0, as the sliding context of longer takes has it. Spelled
codes weigh more than learned ones: two thirds of the nats are the landscape's, while what the
object does stands in a few. Where a frame begins, linear readers of the middle of the network shall
tell what the caption says: without them the model could not tell "rolls left" from "rolls right"
after 7,000 steps, since one code of a frame in two of thirteen motions says so. Another tells where
the object will be, how large and how fast: numbers are learned faster than a table of levels plus
levels.

What has been sampled is never quite where it should be. In half of the samples half of the frames
are therefore displaced, all their codes alike (`spelled.shaken`); what a displaced frame says of
its object is not learned, what follows it is. While it is trained, the table of codes is a table
plus a linear map of what codes of one word and of near levels have in common (`Kin`), and so are
the rows of the head. `--warm FILE` begins with the weights of another run.
"""

from collections import defaultdict
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import parametrize

from fit_text_encoder import Pieces, load_text_encoder, told
from grammar import MOTIONS, SLOTS, SceneGraph, describe
from net_lm import LanguageModel
from spelled import CODES, COLUMNS, NUMBERS, PATCH, PLACE, ROWS, WHOLE, kinship, numbers, shaken
from training import Run, arguments, averaged, config, lowered, save_atomically, warmed


# frames in sight: those of the context and the one that is written
VIEW = config("pipeline")["lm_context"] + 1
HELD = 100  # takes that only judge
OFTEN = {"shrink": 2, "grow": 2, "orbit": 2, "swing": 2}
# of the codes of a frame
WEIGHTS = torch.tensor([2.0] * PLACE + [0.5] * (CODES - PLACE - WHOLE) + [3.0] * WHOLE)
IS_TOLD = torch.tensor([1.0] * PLACE + [0.0] * (CODES - PLACE - WHOLE) + [1.0] * WHOLE)
# block whose rows the readers see; weights of what is told and of the numbers
TOLD_AFTER, TOLD, GOING = 1, 0.3, 3.0
# share of the codes of the context that are replaced by any
SPOILT = IS_TOLD * 0.02 + (1 - IS_TOLD) * 0.05
# pixels by which frames are displaced, at most as standard deviation
FAR = 6.0


class Takes:
    """Codes [T,44] and graphs of the takes of some corpora."""

    def __init__(self, folder, kinds, codes=CODES):
        self.codes, self.graphs = [], []
        for kind in kinds:
            for record in sorted(Path(folder).glob(f"{kind}_[0-9]*.pt")):
                if record.with_suffix(".tokens.npy").exists():
                    self.codes += torch.from_numpy(
                        np.load(record.with_suffix(".tokens.npy"))
                    ).unflatten(1, (-1, codes))
                    self.graphs += [
                        SceneGraph(**g) for g in torch.load(record, weights_only=False)["graphs"]
                    ]
        if len(self.graphs) <= HELD:
            raise SystemExit(
                f"{folder}: found {len(self.graphs)} takes with codes, expected more than the {HELD} that judge (derive.py tokens)"
            )


def draw_captions(job):
    """(index of the first graph, graphs, captions of each, file of pieces, longest) -> {length:
    [(ids, index of the graph, what is told)]}"""
    first, graphs, each, path, longest = job
    pieces, rng, drawn = Pieces(path, longest), np.random.default_rng([7, first]), defaultdict(list)
    for i, graph in enumerate(graphs):
        for _ in range(each * OFTEN.get(graph.motion, 1)):
            caption, said = describe(graph, rng)
            ids = pieces(caption)
            drawn[len(ids)].append((ids, first + i, told(graph, said)))
    return drawn


class Batches:
    """Takes and their captions on a device, drawn in batches of one caption length."""

    def __init__(self, codes, graphs, out, captions, workers, device, chunk=200):
        jobs = [
            (
                i,
                graphs[i : i + chunk],
                captions,
                f"{out}/spiece.model",
                config("text_encoder")["max_length"],
            )
            for i in range(0, len(graphs), chunk)
        ]
        groups = defaultdict(list)
        with get_context("fork").Pool(workers) as pool:
            for drawn in pool.imap(draw_captions, jobs):
                for length, rows in drawn.items():
                    groups[length] += rows
        self.device = device
        self.groups = [
            [torch.tensor(column, device=device) for column in zip(*rows)]
            for _, rows in sorted(groups.items())
        ]
        sizes = np.array([len(rows) for rows, _, _ in self.groups])
        self.odds = sizes / sizes.sum()
        lengths = torch.tensor([len(c) for c in codes])
        self.lengths, self.starts = lengths.to(device), (lengths.cumsum(0) - lengths).to(device)
        self.codes, self.motion = (
            torch.cat(codes).to(device),
            torch.tensor([g.motion_score for g in graphs], device=device),
        )

    def __call__(self, rng, n, count, from_start):
        """-> caption ids [n,L], codes of `count` frames of their takes [n,count,44], motion [n],
        what the captions tell [n,slots]"""
        ids, takes, said = self.groups[rng.choice(len(self.groups), p=self.odds)]
        which = torch.randint(len(ids), (n,), device=self.device)
        i = takes[which]
        at = self.starts[i]
        if not from_start:
            at = at + (torch.rand(n, device=self.device) * (self.lengths[i] - count + 1)).long()
        return (
            ids[which],
            self.codes[at[:, None] + torch.arange(count, device=self.device)],
            self.motion[i],
            said[which],
        )


class Kin(nn.Module):
    """A table of codes plus a linear map of what codes have in common."""

    def __init__(self, entries, width, deviation):
        super().__init__()
        common = kinship(entries)
        self.register_buffer("common", common, persistent=False)
        self.map = nn.Parameter(torch.randn(common.shape[1], width) * deviation)

    def forward(self, table):
        return table + self.common @ self.map


@cache
def by_code(device):
    """WEIGHTS, IS_TOLD and SPOILT on a device"""
    return WEIGHTS.to(device), IS_TOLD.to(device), SPOILT.to(device)


def choice(step, batch):
    """-> batch size, whether the samples begin at the take's first frame, their frames"""
    if step % 4 == 0:  # what the prompt says stands in the first frame
        return 4 * batch, True, 1
    return batch, step % 4 < 3, VIEW


def disturbed(codes, entries):
    """-> codes [B,T,44] as a context, share of each that is learned [B,T,44]"""
    draw, (_, is_told, spoilt) = (
        lambda *shape: torch.rand(shape, device=codes.device),
        by_code(codes.device),
    )
    here = draw(*codes.shape[:2]) < 0.5
    # none in half of the samples
    far = (2 * draw(len(codes), 1) - 1).clamp(min=0) * FAR * here
    replaced = draw(*codes.shape) < spoilt
    context = torch.where(
        replaced, torch.randint(entries, codes.shape, device=codes.device), shaken(codes, far)
    )
    return context, 1 - is_told * (far > 0)[..., None]


def losses(model, readers, text, motion, codes, said, null, disturb=True):
    """codes [B,T,44] -> cross-entropy of each; mean of these as they are weighed; of what the
    readers tell where frames begin, mean cross-entropy of the slots and mean distance of the
    numbers"""
    context, learned = (
        disturbed(codes, model.c["codebook_size"]) if disturb else (codes, torch.ones_like(codes))
    )
    # [B,T,46]
    ids = model.lay_out(context, 1)
    frames = torch.full_like(motion, model.c["frames_limit"])
    logits, states = model(text, frames, motion, ids.flatten(1), null)
    # of a frame's last two rows nothing is asked
    logits = logits.unflatten(1, ids.shape[1:])[:, :, :CODES]
    ce = F.cross_entropy(logits.flatten(0, 2).float(), codes.flatten(), reduction="none").view(
        codes.shape
    )
    # [B,T,width]
    starts = states[TOLD_AFTER][:, :: ids.shape[2]]
    said = torch.where(null[:, None], -100, said)[:, None].expand(-1, starts.shape[1], -1)
    slots = [
        F.cross_entropy(readers[k](starts).flatten(0, 1).float(), said[..., i].flatten())
        for i, k in enumerate(SLOTS)
    ]
    going = (readers["going"](starts).float() - numbers(codes)).abs().mean()
    weights = by_code(codes.device)[0] * learned
    return (
        ce,
        (ce * weights).sum() / weights.sum() * WEIGHTS.mean().item(),
        sum(slots) / len(slots),
        going,
    )


def unevenness(tracks):
    """What `numbers` says of takes [N,T,7] -> [N] mean length of the second difference of the
    centre in pixels, [N] deviation of the lengths of steps against their mean, [N] share of frames
    with the centre in the picture; of frames in the picture, nan where there are too few"""
    there = tracks[..., :2].abs().amax(-1) < 1
    centre = tracks[..., :2] * torch.tensor([COLUMNS, ROWS]) * PATCH / 2
    mean = lambda v, where: torch.where(where, v, 0.0).sum(1) / where.sum(1)
    steps, both = centre.diff(dim=1).norm(dim=-1), there[:, 1:] & there[:, :-1]
    usual = mean(steps, both)
    spread = mean((steps - usual[:, None]).pow(2), both).sqrt() / usual
    return (
        mean(centre.diff(n=2, dim=1).norm(dim=-1), both[:, 1:] & both[:, :-1]),
        spread,
        there.float().mean(1),
    )


def judge(model, encoder, takes, out, device, frames=13):
    """What the model means with the prompts of evaluate.py: read by plan_reader.py if there is one,
    and how even its tracks are beside true ones"""
    from evaluate import score_codes, suite
    from plan_reader import load_plan_reader

    p, c = config("pipeline"), config("text_encoder")
    pieces, wanted, alike = (
        Pieces(f"{out}/spiece.model", c["max_length"]),
        suite(),
        defaultdict(list),
    )
    for i, (prompt, _) in enumerate(wanted):
        alike[len(pieces(prompt))].append(i)
    plans, draw = [None] * len(wanted), torch.Generator(device).manual_seed(1)
    for which in alike.values():
        text = encoder(torch.tensor([pieces(wanted[i][0]) for i in which], device=device))
        segments = model.sample_many(
            text,
            frames,
            torch.full((len(which),), p["motion"], device=device),
            draw,
            guidance=p["lm_cfg"],
            temperature=p["temperature"],
            top_p=p["top_p"],
            context=p["lm_context"],
        )
        for i, codes in zip(which, torch.stack(segments, 1).cpu()):
            plans[i] = codes
    if Path(out, "plan_reader.pt").exists():
        score_codes(load_plan_reader(out), (codes.flatten().numpy() for codes in plans))
    named = lambda track: " ".join(f"{torch.nanmedian(v).item():6.2f}" for v in unevenness(track))
    print(
        "second difference in px, spread of steps, share in the picture (medians): of these plans; of takes as fast without events"
    )
    for motion in (None, *MOTIONS):
        made = numbers(
            torch.stack(
                [
                    codes
                    for codes, (_, want) in zip(plans, wanted)
                    if motion in (None, want["motion"])
                ]
            )
        )
        true = [
            codes[:frames]
            for codes, g in zip(takes.codes, takes.graphs)
            if not g.events
            and abs(g.motion_score - p["motion"]) < 0.15
            and motion in (None, g.motion)
        ]
        print(
            f"  {motion or 'all':10s} {named(made)}   {named(numbers(torch.stack(true))) if true else ''}",
            flush=True,
        )


def main():
    a = arguments(plan=18.0, warm="", stage=("fit", "judge"), batch=8, captions=16, workers=1)
    torch.manual_seed(0)
    takes = Takes(f"{a.out}/corpora", ("plans", "long"))
    model, encoder = LanguageModel(config("ar_model")), load_text_encoder(a.out).to(a.device)
    if a.stage == "judge":
        return judge(averaged("lm", model, a.out, a.device), encoder, takes, a.out, a.device)
    held = Batches(takes.codes[:HELD], takes.graphs[:HELD], a.out, a.captions, a.workers, a.device)
    batches = Batches(
        takes.codes[HELD:], takes.graphs[HELD:], a.out, a.captions, a.workers, a.device
    )
    print(
        f"{len(takes.graphs)} takes, {sum(len(ids) for ids, _, _ in batches.groups)} captions, {VIEW} frames in sight",
        flush=True,
    )
    warm = warmed(model.to(a.device), a)
    entries, width = model.c["vocab_size"], model.c["width"]
    parametrize.register_parametrization(
        model.visual_embedding_model.tok_emb_code,
        "weight",
        Kin(entries, width, 0.0 if warm else 1.0).to(a.device),
    )
    parametrize.register_parametrization(
        model.transformer.head, "weight", Kin(entries, width, 0.0).to(a.device)
    )
    readers = nn.ModuleDict({k: nn.Linear(width, len(v) + 1) for k, v in SLOTS.items()})
    readers["going"] = nn.Linear(width, NUMBERS)
    learner = nn.ModuleDict({"lm": model, "readers": readers}).to(a.device)
    rates = {"lr": 0.012, "adam_lr": 1e-3} if warm else {"lr": 0.02, "adam_lr": 2e-3}
    run = Run(
        "lm_training",
        learner,
        a,
        **rates,
        adam_only=("tok_emb", "head", "micro", "null", "readers"),
        warmup=60,
        decay=0.5,
        average=0.995,
    )
    rng = np.random.default_rng(run.steps + 1)
    torch.manual_seed(run.steps + 1)

    def losses_of(source, n, count, from_start, null, **options):
        ids, codes, motion, said = source(rng, n, count, from_start)
        with torch.no_grad():
            text = encoder(ids)
        with lowered(a.device), parametrize.cached():
            return losses(model, readers, text, motion, codes, said, null, **options)

    @torch.no_grad()
    def held_out(n, without=False):
        """Cross-entropy of held-out takes, from their beginning, by place in the context and in the
        frame"""
        return losses_of(
            held, n, VIEW, True, torch.full((n,), without, device=a.device), disturb=False
        )[0].mean(0)

    for _ in run:
        size, from_start, count = choice(run.steps, a.batch)
        _, loss, said, going = losses_of(
            batches, size, count, from_start, torch.rand(size, device=a.device) < 0.1
        )
        numbers_told = {"first" if count == 1 else "on": loss, "said": said, f"going{count}": going}
        if run.steps % 100 == 99:
            numbers_told["held"] = held_out(a.batch).mean()
        run.step(loss + TOLD * said + GOING * going, **numbers_told)
    learner.load_state_dict(run.mean)
    for without in (False, True):
        nats = torch.stack(
            [held_out(a.batch, without) for _ in range(max(4, 160 // a.batch))]
        ).mean(0)
        parts = [
            v.mean().item()
            for v in (
                nats[0],
                nats[:4],
                nats,
                nats[:, :PLACE],
                nats[:, PLACE:-WHOLE],
                nats[:, -WHOLE:],
            )
        ]
        print(
            "nats per code of held-out takes %s the prompt: first frame %.3f, first four %.3f, all %.3f; place %.3f, learned %.3f, whole %.3f"
            % ("without" if without else "with", *parts),
            flush=True,
        )
    for module in (model.visual_embedding_model.tok_emb_code, model.transformer.head):
        parametrize.remove_parametrizations(module, "weight")
    save_atomically({"mean": model.state_dict()}, f"{a.out}/lm.pt")
    judge(model.eval(), encoder, takes, a.out, a.device)


if __name__ == "__main__":
    main()
