"""A small recurrent net that says from a plan's spelled codes alone how its object moves: what the
language model means, before any picture is made.

    python plan_reader.py --plan 1                        # OUT/plan_reader.pt, and its accuracy on held-out plans

It is the net of motion_reader.py on the numbers that the codes stand for (`spelled.numbers`),
trained on plans that keep to one motion.
"""

from pathlib import Path

import torch
import torch.nn.functional as F

from fit_lm import HELD, Takes
from grammar import MOTIONS, shown_motion
from motion_reader import MotionReader
from spelled import NUMBERS, numbers
from training import Run, arguments, averaged

FRAMES = 12  # semantic frames that are read: six seconds
NOISE = 0.02


def plans_of(out):
    """-> numbers [N,FRAMES,NUMBERS] of the corpus `plans`, motions [N]; -1 where the motion
    changes"""
    takes = Takes(Path(out, "corpora"), ("plans",))
    changes = lambda graph: any(what in ("motion", "stop") for what, _ in graph.events)
    motions = [
        -1 if changes(g) else MOTIONS.index(shown_motion(g.object, g.motion)) for g in takes.graphs
    ]
    return numbers(torch.stack(takes.codes))[:, :FRAMES], torch.tensor(motions)


def load_plan_reader(out):
    return averaged("plan_reader", MotionReader(NUMBERS), out)


def main():
    a = arguments(plan=1.0, batch=64)
    torch.manual_seed(0)
    tracks, motions = (t.to(a.device) for t in plans_of(a.out))
    reader = MotionReader(NUMBERS).to(a.device)
    run = Run(
        "plan_reader",
        reader,
        a,
        lr=0.01,
        adam_lr=2e-3,
        adam_only=("out", "body"),
        warmup=50,
        average=0.99,
    )
    known = (motions >= 0).nonzero()[:, 0]
    training = known[known >= HELD]
    for _ in run:
        i = training[torch.randint(len(training), (a.batch,), device=a.device)]
        logits = reader(tracks[i] + NOISE * torch.randn(a.batch, FRAMES, NUMBERS, device=a.device))
        run.step(
            F.cross_entropy(logits, motions[i], label_smoothing=0.05),
            right=(logits.argmax(1) == motions[i]).float().mean(),
        )
    reader.load_state_dict(run.mean)
    held = known[known < HELD]
    with torch.no_grad():
        right = (reader.eval()(tracks[held]).argmax(1) == motions[held]).float().mean()
    print("plan reader on held-out plans: %.3f of %d" % (right, len(held)))


if __name__ == "__main__":
    main()
