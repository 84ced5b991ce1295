"""What every trainer shares: the optimiser, the average of the weights, the clock and the
checkpoints.

    run = Run("vit", model, arguments(plan=15.0))
    for progress in run:                     # 0 .. 1 of the planned minutes, over all runs of this stage
        loss = ...
        run.step(loss, psnr=...)             # backward, clip, update, average, log

A stage is planned in minutes (`--plan`); `--minutes` bounds one run of it. Every minute the state
goes to OUT/STAGE.pt under a temporary name and is renamed, so a stage that is killed goes on where
it was.
"""

import argparse
import csv
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
import yaml

ROOT = Path(__file__).resolve().parent.parent


def config(section=None):
    """configs/mini.yaml, or the file that LONGTAKE_CONFIG names, or one section of it."""
    with open(os.environ.get("LONGTAKE_CONFIG", ROOT / "configs" / "mini.yaml")) as f:
        whole = yaml.safe_load(f)
    return whole if section is None else whole[section]


def arguments(plan, cpu_alone=False, **extra):
    """The command line of a trainer, whose head is its help. An `extra` is the usual value of a
    flag, or a tuple of the words that it may be, the usual one first."""
    p = argparse.ArgumentParser(
        description=sys.modules["__main__"].__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--minutes", type=float, default=1e9, help="stop this run after so many minutes")
    p.add_argument(
        "--plan", type=float, default=plan, help="minutes of the whole stage; the rates follow it"
    )
    if cpu_alone:
        p.set_defaults(device="cpu")
    else:
        p.add_argument("--device", default="cpu")
    p.add_argument("--out", default=str(Path(__file__).parent / "out"))
    p.add_argument("--threads", type=int, default=1)
    for name, usual in extra.items():
        if isinstance(usual, tuple):
            p.add_argument("--" + name, choices=usual, default=usual[0])
        else:
            p.add_argument("--" + name, type=type(usual), default=usual)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    return a


def lowered(device):
    """Where forward passes of a GPU stand: products in bf16. On the CPU everything stays f32."""
    return torch.autocast("cuda", torch.bfloat16, enabled=str(device).startswith("cuda"))


def orthogonalised(g):
    """Nearest semi-orthogonal matrices to g [n,rows,columns], five Newton-Schulz steps (Muon)."""
    x = g / (g.norm(dim=(1, 2), keepdim=True) + 1e-7)
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x.bfloat16() if x.is_cuda else x
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.mT if tall else x).to(g.dtype)


class Muon:
    """Muon for matrices and convolutions, AdamW for the rest (embeddings, ends, norms, biases)."""

    def __init__(self, named, lr, adam_lr, adam_only=(), decay=0.0, betas=(0.9, 0.98), shares=None):
        named = [(n, p) for n, p in named if p.requires_grad]
        by_muon = lambda n, p: (
            p.dim() in (2, 4, 5)
            and p.shape[0] >= 16
            and p[0].numel() >= 16
            and not any(word in n for word in adam_only)
        )
        # of the rates
        share = lambda n: next((v for k, v in (shares or {}).items() if n.startswith(k)), 1.0)
        self.matrices = [p for n, p in named if by_muon(n, p)]
        self.shares = [share(n) for n, p in named if by_muon(n, p)]
        self.moments = [torch.zeros_like(p) for p in self.matrices]
        self.lr, self.adam_lr, self.decay = lr, adam_lr, decay
        others = [(n, p) for n, p in named if not by_muon(n, p)]
        self.adam_shares = sorted({share(n) for n, _ in others})
        groups = [{"params": [p for n, p in others if share(n) == v]} for v in self.adam_shares]
        self.adam = (
            torch.optim.AdamW(groups, lr=adam_lr, betas=betas, weight_decay=0) if groups else None
        )

    def step(self, rate):
        if self.adam:
            for group, share in zip(self.adam.param_groups, self.adam_shares):
                group["lr"] = self.adam_lr * rate * share
            self.adam.step()
        with torch.no_grad():
            self.step_matrices(rate)

    def step_matrices(self, rate):
        """Matrices of one shape are made orthogonal together; what stacks several (query, key,
        value) is several."""
        here = [i for i, p in enumerate(self.matrices) if p.grad is not None]
        if not here:
            return
        parameters, moments = [self.matrices[i] for i in here], [self.moments[i] for i in here]
        gradients = [p.grad for p in parameters]
        torch._foreach_mul_(moments, 0.95)
        torch._foreach_add_(moments, gradients)
        ahead = torch._foreach_add(gradients, moments, alpha=0.95)
        parts, alike = [], {}
        for g in ahead:
            g = g.reshape(g.shape[0], -1)
            several = g.shape[0] > g.shape[1] and g.shape[0] % g.shape[1] == 0
            parts.append(list(g.split(g.shape[1]) if several else [g]))
        for whole in parts:
            for k, part in enumerate(whole):
                alike.setdefault(part.shape, []).append((whole, k))
        for shape, places in alike.items():
            made = (
                orthogonalised(torch.stack([whole[k] for whole, k in places]))
                * max(1, shape[0] / shape[1]) ** 0.5
            )
            for (whole, k), u in zip(places, made):
                whole[k] = u
        if self.decay:
            torch._foreach_mul_(parameters, 1 - self.lr * rate * self.decay)
        for p, whole, i in zip(parameters, parts, here):
            p.add_(
                (torch.cat(whole) if len(whole) > 1 else whole[0]).reshape(p.shape),
                alpha=-self.lr * rate * self.shares[i],
            )

    def zero_grad(self):
        for p in self.matrices:
            p.grad = None
        if self.adam:
            self.adam.zero_grad()

    def state(self):
        return {"moments": self.moments, "adam": self.adam.state_dict() if self.adam else None}

    def load(self, state):
        for m, s in zip(self.moments, state["moments"]):
            m.copy_(s)
        if self.adam:
            self.adam.load_state_dict(state["adam"])


def save_atomically(value, path):
    temporary = f"{path}.tmp"
    torch.save(value, temporary)
    os.replace(temporary, path)


class Run:
    """One trainer's clock, optimiser, weight average, log and checkpoint."""

    def __init__(
        self,
        stage,
        model,
        a,
        lr=0.02,
        adam_lr=1.5e-3,
        adam_only=(),
        decay=0.0,
        warmup=50,
        floor=0.05,
        average=0.999,
        clip=1.0,
        shares=None,
    ):
        self.stage, self.model, self.a = stage, model, a
        self.out = Path(a.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.path = self.out / f"{stage}.pt"
        self.optimiser = Muon(
            model.named_parameters(), lr, adam_lr, adam_only, decay, shares=shares
        )
        self.warmup, self.floor, self.average, self.clip = warmup, floor, average, clip
        self.steps, self.elapsed = 0, 0.0
        self.mean = {k: v.detach().clone() for k, v in model.state_dict().items()}
        # the model's own storage: it stays where it is
        self.averages = [(self.mean[k], v) for k, v in model.state_dict().items()]
        self.window, self.stop = {}, False
        state = (
            torch.load(self.path, map_location=a.device, weights_only=False)
            if self.path.exists()
            else {}
        )
        if "model" in state:
            self.load(state)
        elif state:
            print(f"{stage}: averaged weights alone are no checkpoint, it begins anew", flush=True)
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stop", True))

    def load(self, state):
        self.model.load_state_dict(state["model"])
        for k, v in state["mean"].items():
            self.mean[k].copy_(v)
        self.optimiser.load(state["optimiser"])
        self.steps, self.elapsed = state["steps"], state["elapsed"]
        torch.set_rng_state(state["rng"].cpu())
        print(
            f"{self.stage}: goes on at step {self.steps}, minute {self.elapsed / 60:.1f}",
            flush=True,
        )

    def save(self):
        save_atomically(
            {
                "model": self.model.state_dict(),
                "mean": self.mean,
                "optimiser": self.optimiser.state(),
                "steps": self.steps,
                "elapsed": self.elapsed,
                "rng": torch.get_rng_state(),
            },
            self.path,
        )

    @property
    def progress(self):
        return self.elapsed / 60 / self.a.plan

    def __iter__(self):
        began = time.time()
        last = self.saved = self.logged = began
        while self.progress < 1 and (time.time() - began) / 60 < self.a.minutes and not self.stop:
            yield self.progress
            now = time.time()
            self.elapsed += now - last
            last = now
            if now - self.logged > 20:
                self.log()
                self.logged = now
            if now - self.saved > 60:
                self.save()
                self.saved = time.time()
        self.log()
        self.save()

    def rate(self):
        """Linear warm-up, then a cosine from 1 to `floor` over the plan."""
        fall = self.floor + (1 - self.floor) * 0.5 * (1 + np.cos(np.pi * min(1, self.progress)))
        return min(1, (self.steps + 1) / self.warmup) * fall

    def step(self, loss, **numbers):
        self.optimiser.zero_grad()
        loss.backward()
        if self.clip:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimiser.step(self.rate())
        self.steps += 1
        keep = min(self.average, (1 + self.steps) / (20 + self.steps))
        with torch.no_grad():
            moving = [pair for pair in self.averages if pair[0].dtype.is_floating_point]
            torch._foreach_lerp_([m for m, _ in moving], [v for _, v in moving], 1 - keep)
            for m, v in self.averages:
                if not m.dtype.is_floating_point:
                    m.copy_(v)
        for k, v in {"loss": loss, **numbers}.items():
            # read when they are told: no step waits for the device
            self.window.setdefault(k, []).append(v.detach() if torch.is_tensor(v) else v)

    def log(self):
        if not self.window:
            return
        row = {
            "step": self.steps,
            "minutes": round(self.elapsed / 60, 2),
            **{k: round(float(np.mean([float(x) for x in v])), 5) for k, v in self.window.items()},
        }
        self.window = {}
        path, rows = self.out / f"{self.stage}.csv", []
        if path.exists():
            with open(path, newline="") as f:
                rows = list(csv.DictReader(f))
        rows.append(row)
        with open(path, "w", newline="") as f:
            # a stage may begin to tell more
            w = csv.DictWriter(f, list(dict.fromkeys(k for r in rows for k in r)))
            w.writeheader()
            w.writerows(rows)
        print(self.stage, " ".join(f"{k} {v}" for k, v in row.items()), flush=True)


def warmed(model, a):
    """Load the averaged weights of the checkpoint `--warm` names, if any; -> whether there were.
    What has another size there begins afresh."""
    if a.warm:
        own, state = (
            model.state_dict(),
            torch.load(a.warm, map_location=a.device, weights_only=False)["mean"],
        )
        fitting = {k: v for k, v in state.items() if k not in own or own[k].shape == v.shape}
        if len(fitting) < len(state):
            print(
                f"{a.warm}: {len(state) - len(fitting)} of {len(state)} tensors have another size and begin afresh",
                flush=True,
            )
        model.load_state_dict({**own, **fitting})
    return bool(a.warm)


def averaged_weights(stage, out):
    """The averaged weights that a stage has left."""
    path = Path(out) / f"{stage}.pt"
    if not path.exists():
        raise SystemExit(f"{path}: not there, expected what an earlier stage leaves (README.md)")
    return torch.load(path, map_location="cpu", weights_only=False)["mean"]


def averaged(stage, model, out, device="cpu"):
    """Load the averaged weights of a stage into `model` and return it, ready for use on
    `device`."""
    model.load_state_dict(averaged_weights(stage, out))
    return model.eval().to(device)
