"""Render the training corpora to disk, in shards that several processes may share.

    python corpora.py --out out/corpora --kind takes  --shards 0-15     # 25 takes of 73 frames each
    python corpora.py --out out/corpora --kind plans  --shards 0-59     # 50 takes of 13 semantic frames each
    python corpora.py --out out/corpora --kind long   --shards 0-19     # 20 takes of 61 semantic frames each
    python corpora.py --out out/corpora --kind clips  --shards 0-98     # 50 clips of 9 frames each, from anywhere in a take
    python corpora.py --out out/corpora --kind moves  --shards 0-23     # 50 takes of six seconds without events, every other frame

A shard is NAME.npy (uint8 frames [N,T,128,192,3]) and NAME.pt (graphs and ground truth stacked over the N takes).
Finished shards are skipped, so an interrupted run is simply started again.
"""
import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch

from grammar import sample_graph
from render import render, render_semantic
from scene import compose

KINDS = {"takes": dict(count=25, frames=73, seed=1), "plans": dict(count=50, frames=13, seed=2),
         "long": dict(count=20, frames=61, seed=3), "held": dict(count=20, frames=73, seed=4),
         "clips": dict(count=50, frames=9, seed=5), "moves": dict(count=50, frames=24, seed=6)}
VIDEOS = ("takes", "held", "clips")                 # all frames; plans and long hold every fourth, the semantic ones
VIDEO_FRAMES = {KINDS[kind]["frames"] for kind in VIDEOS}


def make_shard(kind, index, device):
    """-> frames [N,T,128,192,3], record of graphs and truth"""
    spec = KINDS[kind]
    rng = np.random.default_rng([spec["seed"], index])
    frames, graphs, truths = [], [], []
    for _ in range(spec["count"]):
        events = int(rng.choice(4, p=[.4, .3, .2, .1])) if kind == "long" else 0 if kind == "moves" else None
        graph = sample_graph(rng, events=events)
        start = int(rng.integers(0, 64)) if kind == "clips" else 0
        picture, truth = render(compose(graph, spec["frames"], start), device) if kind in VIDEOS \
            else render_semantic(graph, spec["frames"], device=device, every=2 if kind == "moves" else 4)
        frames.append(picture)
        graphs.append(graph)
        truths.append(truth)
    stacked = {k: torch.stack([t[k] for t in truths]) for k in truths[0]}
    return torch.stack(frames).numpy(), {"graphs": [vars(g) for g in graphs], **stacked}


def semantic(record):
    """Which frames of a shard are semantic ones."""
    return slice(None, None, 4 if record["cover"].shape[1] in VIDEO_FRAMES else 1)


def shards(folder, kind):
    """Finished shards of a corpus as (frames memmap, record)."""
    for record in sorted(Path(folder).glob(f"{kind}_*.pt")):
        yield np.load(record.with_suffix(".npy"), mmap_mode="r"), torch.load(record, weights_only=False)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", default="out/corpora")
    arguments.add_argument("--kind", choices=KINDS, required=True)
    arguments.add_argument("--shards", default="0-0", help="first-last, both included")
    arguments.add_argument("--device", default="cpu")
    a = arguments.parse_args()
    torch.set_num_threads(1)
    folder = Path(a.out)
    folder.mkdir(parents=True, exist_ok=True)
    first, last = map(int, a.shards.split("-"))
    for index in range(first, last + 1):
        name = folder / f"{a.kind}_{index:03d}"
        if name.with_suffix(".pt").exists():
            continue
        began = time.time()
        frames, record = make_shard(a.kind, index, a.device)
        with open(f"{name}.tmp", "wb") as f:
            np.save(f, frames)
        os.replace(f"{name}.tmp", f"{name}.npy")
        torch.save(record, f"{name}.tmp")
        os.replace(f"{name}.tmp", f"{name}.pt")
        print(f"{name.name} {frames.shape[0] * frames.shape[1] / (time.time() - began):.1f} frames/s", flush=True)


if __name__ == "__main__":
    main()
