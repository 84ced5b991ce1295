"""Render the training corpora to disk, in shards that several processes may share.

    python corpora.py --kind takes --shards 0-15     # 25 takes of 73 frames each
    python corpora.py --kind held  --shards 0-0      # 20 such, which only judge
    python corpora.py --kind plans --shards 0-59     # 50 takes of 13 semantic frames each
    python corpora.py --kind long  --shards 0-19     # 20 takes of 61 semantic frames each
    python corpora.py --kind clips --shards 0-98     # 50 clips of 9 frames each, from anywhere in a take
    python corpora.py --kind moves --shards 0-23     # 50 takes of six seconds without events, every other frame

A shard is OUT/corpora/NAME.npy (uint8 frames [N,T,128,192,3]) and NAME.pt (graphs and ground truth
stacked over the N takes). Finished shards are skipped, so an interrupted run is simply started
again.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch

from grammar import sample_graph
from render import render_many, semantic_scene
from scene import compose
from training import save_atomically

KINDS = {
    "takes": dict(count=25, frames=73, seed=1),
    "plans": dict(count=50, frames=13, seed=2),
    "long": dict(count=20, frames=61, seed=3),
    "held": dict(count=20, frames=73, seed=4),
    "clips": dict(count=50, frames=9, seed=5),
    "moves": dict(count=50, frames=24, seed=6),
}
# all frames; plans and long hold every fourth, the semantic ones
VIDEOS = ("takes", "held", "clips")
VIDEO_FRAMES = {KINDS[kind]["frames"] for kind in VIDEOS}
JUDGING = 2  # shards of plans, the first ones: no network learns from them


def scenes_of(kind, index):
    """-> graphs of a shard, their scenes"""
    spec = KINDS[kind]
    rng = np.random.default_rng([spec["seed"], index])
    graphs, scenes = [], []
    for _ in range(spec["count"]):
        events = (
            int(rng.choice(4, p=[0.4, 0.3, 0.2, 0.1]))
            if kind == "long"
            else 0
            if kind == "moves"
            else None
        )
        graph = sample_graph(rng, events=events)
        start = int(rng.integers(0, 64)) if kind == "clips" else 0
        graphs.append(graph)
        scenes.append(
            compose(graph, spec["frames"], start)
            if kind in VIDEOS
            else semantic_scene(graph, spec["frames"], every=2 if kind == "moves" else 4)
        )
    return graphs, scenes


def make_shard(kind, index, device, at_once=1):
    """-> frames [N,T,128,192,3] on the device, record of graphs and truth; so many scenes are
    rendered at once"""
    graphs, scenes = scenes_of(kind, index)
    frames, truths = zip(
        *(render_many(scenes[i : i + at_once], device) for i in range(0, len(scenes), at_once))
    )
    truth = {k: torch.cat([t[k] for t in truths]) for k in truths[0]}
    return torch.cat(frames), {"graphs": [vars(g) for g in graphs], **truth}


def semantic(record):
    """Which frames of a shard are semantic ones."""
    return slice(None, None, 4 if record["cover"].shape[1] in VIDEO_FRAMES else 1)


def shards(folder, kind):
    """Finished shards of a corpus whose frames are kept, as (frames memmap, record)."""
    for record in sorted(Path(folder).glob(f"{kind}_[0-9]*.pt")):
        if record.with_suffix(".npy").exists():
            yield (
                np.load(record.with_suffix(".npy"), mmap_mode="r"),
                torch.load(record, weights_only=False),
            )


def parted(parts, held, folder):
    """Shards of plans and what follows them -> those that judge, or those that teach."""
    if len(parts) <= JUDGING:
        raise SystemExit(
            f"{folder}: {len(parts)} shards of plans and others are ready, expected more than the {JUDGING} that judge"
        )
    return parts[:JUDGING] if held else parts[JUDGING:]


def save_array(array, path):
    with open(f"{path}.tmp", "wb") as f:
        np.save(f, array)
    os.replace(f"{path}.tmp", path)


def main():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--out", default=str(Path(__file__).parent / "out"))
    arguments.add_argument("--kind", choices=KINDS, required=True)
    arguments.add_argument("--shards", default="0-0", help="first-last, both included")
    arguments.add_argument("--device", default="cpu")
    a = arguments.parse_args()
    torch.set_num_threads(1)
    folder = Path(a.out, "corpora")
    folder.mkdir(parents=True, exist_ok=True)
    first, last = map(int, a.shards.split("-"))
    for index in range(first, last + 1):
        name = folder / f"{a.kind}_{index:03d}"
        if name.with_suffix(".pt").exists():
            continue
        began = time.time()
        frames, record = make_shard(a.kind, index, a.device)
        save_array(frames.cpu().numpy(), f"{name}.npy")
        save_atomically(record, f"{name}.pt")
        print(
            f"{name.name} {frames.shape[0] * frames.shape[1] / (time.time() - began):.1f} frames/s",
            flush=True,
        )


if __name__ == "__main__":
    main()
