"""All corpora and what the frozen networks make of them, in one go, by processes that share one
GPU.

    python restore.py --out OUT                           # vit.pt, tokenizer.pt, vae.pt
    python prepare.py --out OUT --device cuda --processes 8 --plans 500 --long 20 --clips 400 --takes 160 --moves 24

The files are those of corpora.py and derive.py (the same shards, up to a GPU's rounding), without
what only passes through:
frames stay of so many shards as `--frames-kept` says, features of takes, clips and the held-out
takes; plans and long takes leave their tokens. What the first shard of takes says of
`pixel_weights` is measured beside it. A shard's .pt comes last, finished shards are skipped. When
all of a kind is there, OUT/KIND.done says so.
"""

import argparse
import queue
import threading
import time
import traceback
from pathlib import Path

import torch
import torch.multiprocessing as multiprocessing

import render
from corpora import KINDS, VIDEOS, make_shard, save_array
from derive import Features, Latents, Tokens
from fit_upsampler import pixel_weights
from grammar import FITTING_LANDMARKS
from training import save_atomically

ORDER = ("held", "plans", "long", "clips", "takes", "moves")
FRAMES_AT_ONCE = 450  # of a GPU's renderer


def shard_name(out, kind, index):
    return Path(out, "corpora", f"{kind}_{index:03d}")


def paint_bank(part, parts):
    """The strips of all landscapes, every `parts`-th of them."""
    names = [
        (scene, landmark, variant)
        for scene, landmarks in FITTING_LANDMARKS.items()
        for landmark in sorted(set(landmarks))
        for variant in range(render.VARIANTS)
    ]
    for name in names[part::parts]:
        render.strips(*name)


class Preparer:
    """The frozen networks of one process, and what they took: seconds of each step."""

    def __init__(self, out, device):
        self.out, self.device, self.seconds = out, device, {}
        self.features, self.latents, self.tokens = (
            Features(out, device),
            Latents(out, device),
            Tokens(out, device),
        )

    def timed(self, name, make, *arguments):
        began = time.time()
        made = make(*arguments)
        if made is not None and self.device != "cpu":
            torch.cuda.synchronize()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.time() - began
        return made

    def shard(self, kind, index, keep_frames):
        name = shard_name(self.out, kind, index)
        at_once = 1 if self.device == "cpu" else max(1, FRAMES_AT_ONCE // KINDS[kind]["frames"])
        frames, record = self.timed("render", make_shard, kind, index, self.device, at_once)
        save = lambda tensor, what: self.timed(
            "save", save_array, tensor.cpu().numpy(), f"{name}{what}.npy"
        )
        if kind in VIDEOS:
            save(self.timed("latents", self.latents.of, frames, record), ".latents")
        if kind != "moves":
            features = self.timed("features", self.features.of, frames, record)
            save(self.timed("tokens", self.tokens.of, features, record), ".tokens")
            if kind in VIDEOS:
                save(features, ".features")
        if keep_frames:
            save(frames, "")
        self.timed("save", save_atomically, record, f"{name}.pt")


@torch.no_grad()
def work(rank, a, todo, done, painted):
    """One process: paints its part of the landscapes, then takes shards until there are no more."""
    torch.set_num_threads(1)
    # ten bits of products: what is kept is f16 and nearest codes
    if a.device != "cpu":
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark, torch.backends.cudnn.benchmark_limit = True, 4
    render.BANK = Path(a.out, "strips")
    try:
        paint_bank(rank, a.processes)
        preparer = Preparer(a.out, a.device)
        painted.wait(300)
        while (job := todo.get()) is not None:
            preparer.shard(*job)
            done.put((*job[:2], None))
        done.put((None, rank, {k: round(v, 1) for k, v in preparer.seconds.items()}))
    except Exception:
        done.put((None, rank, traceback.format_exc()))


def counts(text):
    """ "takes:40,held:1" -> {"takes": 40, "held": 1}"""
    return {kind: int(n) for kind, n in (part.split(":") for part in text.split(",") if part)}


def answer(done, processes):
    """What a process says next; ends the run where one has died."""
    while True:
        try:
            return done.get(timeout=5)
        except queue.Empty:
            for p in processes:
                if p.exitcode:
                    raise SystemExit(f"{p.name} ended with {p.exitcode}")


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--out", default=str(Path(__file__).parent / "out"))
    p.add_argument("--device", default="cpu")
    p.add_argument("--processes", type=int, default=1)
    for kind in ORDER:
        p.add_argument(f"--{kind}", type=int, default=1 if kind == "held" else 0, help="shards")
    p.add_argument(
        "--frames-kept",
        default="held:1,plans:60,long:8,takes:40,moves:24",
        help="shards whose frames stay, from the first",
    )
    a = p.parse_args()
    # of the pixel weights; the processes have one each
    torch.set_num_threads(4)
    kept, began = counts(a.frames_kept), time.time()
    for folder in ("corpora", "strips"):
        Path(a.out, folder).mkdir(parents=True, exist_ok=True)
    jobs = [
        (kind, index, index < kept.get(kind, 0))
        for kind in ORDER
        for index in range(getattr(a, kind))
        if not shard_name(a.out, kind, index).with_suffix(".pt").exists()
    ]
    left = {kind: sum(job[0] == kind for job in jobs) for kind in ORDER}
    spawn = multiprocessing.get_context("spawn")
    todo, done, painted = spawn.Queue(), spawn.Queue(), spawn.Barrier(a.processes)
    for job in jobs + [None] * a.processes:
        todo.put(job)
    processes = [
        spawn.Process(target=work, args=(rank, a, todo, done, painted), daemon=True)
        for rank in range(a.processes)
    ]
    for process in processes:
        process.start()
    working = len(processes)
    for kind in ORDER:
        if getattr(a, kind) and not left[kind]:
            Path(a.out, f"{kind}.done").touch()
    weights = threading.Thread(target=pixel_weights, args=(a.out,))
    while working:
        kind, index, said = answer(done, processes)
        if kind is None:
            working -= 1
            print(f"process {index}: {said}", flush=True)
            if isinstance(said, str):
                raise SystemExit(1)
            continue
        left[kind] -= 1
        if (kind, index) == ("takes", 0):
            weights.start()
        if not left[kind]:
            Path(a.out, f"{kind}.done").touch()
            print(
                f"{kind}: {getattr(a, kind)} shards after {time.time() - began:.1f} s", flush=True
            )
    for process in processes:
        process.join()
    if weights.ident:
        weights.join()


if __name__ == "__main__":
    main()
