"""Golden files of the shipped model: tests/golden/mini.*.safetensors, from the PyTorch networks in
double precision.

    python make_golden.py -m ../models/mini

Small networks carry their weights (`w.*`); the whole take needs `-m models/mini`. The bound of an
output is eight times the distance between this code in f32 and in f64, at least 1e-6. In bf16 it is
3e-2, or none: the latents of the whole take are off by 0.1 to 0.4 there, as rounding goes, more
than those of another seed, since a window of one latent is refined with a guidance of 6; what they
were made of is compared.
"""

import argparse
import json
import math
import os
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from derive import as_pixels
from export import BOOK, above, restored
from generate import Mini
from net_dit import MAIN, listed_levels, noise_table
from net_tokenizer import Pictures, Quantizer, Tokenizer
from picture_codes import patch_colours, read, written
from training import ROOT

F64 = torch.float64
# the release's own guidance, which `take` is checked with
GUIDANCE, EXPONENT, DIVISOR = 6.0, 5, 50


def relative(got, want):
    return ((got.double() - want).norm() / want.norm()).item()


def write(to, component, case, c, note, inputs, wanted, got, weights=None, extra=None):
    """`wanted` f64 outputs, `got` the same in f32; integers are exact."""
    metadata = {
        "format": "longtake-golden-1",
        "component": component,
        "config": json.dumps(c),
        "note": note,
        **(extra or {}),
    }
    tensors = {f"in.{k}": v.contiguous() for k, v in inputs.items()}
    for name, value in wanted.items():
        if value.dtype.is_floating_point:
            metadata[f"bound.{name}"] = f"{max(1e-6, 8 * relative(got[name], value)):.3e}"
            value = value.float()
        else:
            metadata[f"bound.{name}"] = "exact"
        tensors[f"out.{name}"] = value.contiguous()
    tensors.update({f"w.{k}": v for k, v in (weights or {}).items()})
    path = (
        to / f"mini.{component}.{case}.safetensors"
        if component != "take"
        else to / "mini.take.safetensors"
    )
    save_file(tensors, path, metadata=metadata)
    print(
        f"{path.name:48s} {path.stat().st_size / 1e3:8.1f} kB",
        {k: v for k, v in metadata.items() if k.startswith("bound")},
    )


def keep(section, *names):
    return {k: section[k] for k in names}


def stored(folder, file, *starts, without="?"):
    """Weights as the model folder stores them, int8 rows expanded to the f32 they stand for."""
    return {
        k: v.half() if v.half().float().equal(v) else v
        for k, v in restored(folder / f"{file}.safetensors").items()
        if k.startswith(starts) and without not in k
    }


def in_both(run, *modules):
    """Run in f32 and in f64; `run(dtype)` -> dict of outputs."""
    got = run(torch.float32)
    for m in modules:
        m.double()
    wanted = run(F64)
    for m in modules:
        m.float()
    return wanted, got


def text_ids(mini, to, folder):
    texts = [
        "a red ball bounces past a lighthouse at dusk",
        "Two purple cats in a kitchen, 3 o'clock!",
        "",
        "A tiny golden star is spinning under water. Then it turns green, and then it stops " * 4,
    ]
    rows = [mini.pieces(t) for t in texts]
    width = max(map(len, rows))
    ids = torch.tensor([r + [0] * (width - len(r)) for r in rows])
    write(
        to,
        "text.ids",
        "captions",
        keep(mini.c["text_encoder"], "max_length"),
        "the shipped vocabulary: inside and outside its world, empty, too long",
        {},
        {"ids": ids},
        {},
        extra={"texts": json.dumps(texts), "spiece": os.path.relpath(folder / "spiece.model", to)},
    )


def quantiser(mini, to, folder, every=3):
    weights = stored(
        folder,
        "tokenizer",
        "quantizer.project",
        BOOK + "embed",
        BOOK + "initted",
        without="embed_avg",
    )
    weights[BOOK + "embed"] = weights[BOOK + "embed"][:, ::every].contiguous()
    c = {**mini.c["tokenizer"], "codebook_size": weights[BOOK + "embed"].shape[1]}
    latents = torch.randn(1, 64, c["width"], generator=torch.Generator().manual_seed(3))
    q = Quantizer(c)
    q.load_state_dict(
        {**q.state_dict(), **{k.removeprefix("quantizer."): v for k, v in weights.items()}}
    )

    def run(dtype):
        z = q.project_in(latents.to(dtype))
        index = q.nearest(z)
        return {"tokens": index, "codes": q.lookup(index)}

    wanted, got = in_both(run, q)
    clear = (wanted["tokens"] == got["tokens"]).all(0)
    assert clear.all(), "a token hangs on rounding: take another seed"
    write(
        to,
        "tokenizer.quantize",
        "codebook",
        keep(c, "width", "codebook_size", "code_dim"),
        f"one in {every} entries of the shipped codebook",
        {"latents": latents},
        wanted,
        got,
        weights,
    )


def pictures(to):
    """Frames to picture codes to features, of a toy of the shipped sizes' shape: its own table, its
    weights at random."""
    c = {
        "temporal_size": 1,
        "grid_height": 4,
        "grid_width": 6,
        "feature_channels": 16,
        "width": 24,
        "layers": 1,
        "heads": 2,
        "mlp_width": 32,
        "i_tokens": 6,
        "p_tokens": 1,
        "rope_dims": [4, 4, 4],
        "rope_base": 10000,
        "codebook_size": 1000,
        "code_dim": 8,
        "head_width": 20,
        "picture_codes": 300,
        "picture_distance": 1.0,
        "picture_error": 1.0,
        "picture_width": 32,
    }
    torch.manual_seed(4)
    rng, grid, first = (
        np.random.default_rng(4),
        (c["grid_height"], c["grid_width"]),
        c["picture_codes"],
    )
    table = torch.tensor(
        [
            (0, 0, 0, 0, 65, 20),
            (0, 1, 0, 0, 9, 32),
            (1, 0, 0, 1, 33, 17),
            (1, 0, 1, 0, 21, 24),
            (2, 0, 1, 1, 17, 12),
            (2, 0, 7, 11, 5, 9),
            (2, 0, 3, 2, 7, 11),
            (3, 2, 0, 0, 25, 16),
            (3, 1, 0, 1, 11, 13),
            (4, 2, 1, 1, 9, 10),
            (4, 1, 3, 5, 3, 7),
            (4, 0, 2, 0, 15, 21),
            (5, 0, 0, 4, 7, 8),
            (5, 0, 4, 0, 7, 30),
        ],
        dtype=torch.int32,
    )
    tokenizer, net = Tokenizer(c), Pictures(c)
    tokenizer.quantizer._codebook.initted.fill_(1.0)
    # of luminance, four pixels each
    cells = np.repeat(np.repeat(rng.integers(0, 256, (6, 8, 12, 3)), 2, 1), 2, 2)
    frames = torch.from_numpy(
        (cells + rng.integers(-9, 10, cells.shape)).clip(0, 255).astype(np.uint8)
    )
    frames[0], frames[1, :, 12:] = 0, 255  # black; half of it white

    scenes = torch.from_numpy(rng.integers(0, first, (6, c["i_tokens"])))
    reader = {"weight": torch.randn(3, c["feature_channels"]) * 0.3, "bias": torch.randn(3) * 0.3}

    def run(dtype):
        # patches of 16 pixels
        pixels = as_pixels(frames).to(dtype).repeat_interleave(4, 2).repeat_interleave(4, 3)
        codes = written(pixels, table, first, c["i_tokens"])
        colours = [x.to(dtype) for x in read(codes, table, first, grid)]
        shown = tokenizer.decode(scenes)[:, 0].permute(0, 2, 3, 1) @ reader["weight"].to(
            dtype
        ).T + reader["bias"].to(dtype)
        return {
            "tokens": codes,
            "features": tokenizer.decoder.head(net(*colours))[:, 0],
            "errors": (shown - patch_colours(pixels)).square().mean((1, 2, 3)),
        }

    wanted, got = in_both(run, tokenizer, net)
    assert (wanted["tokens"] == got["tokens"]).all(), "a code hangs on rounding: take another seed"
    weights = {
        **tokenizer.state_dict(),
        "pictures.table": table,
        **above("pictures.", net.state_dict()),
        **above("pictures.colours.", reader),
    }
    needed = ("decoder.", "pictures.", "quantizer.project_out", BOOK + "embed", BOOK + "initted")
    write(
        to,
        "tokenizer.pictures",
        "frames",
        c,
        "any codes that are pictures throughout go through their own network",
        {"frames": frames, "scenes": scenes},
        wanted,
        got,
        {k: v for k, v in weights.items() if k.startswith(needed) and k != BOOK + "embed_avg"},
    )


def time_embedding(mini, to, folder):
    c, main = mini.c["mmdit"], mini.dit.main
    t = torch.tensor(c["timesteps"] + [0, 19], dtype=torch.float32)
    wanted, got = in_both(lambda dtype: {"embedding": main.time(t.to(dtype))}, main)
    write(
        to,
        "mmdit.time",
        "listed",
        keep(c, "width", "time_width"),
        "every listed timestep",
        {"timesteps": t},
        wanted,
        got,
        stored(folder, "mmdit", MAIN + "time_embed"),
    )


# ------------------------------------------------------------------------------------- a whole take
def official_update(model, control, text, draws, timesteps):
    """The release's loop over given draws, with its guidance; see net_dit.refine for the plain
    one."""
    n, a, A = len(timesteps), listed_levels(timesteps), noise_table()
    x, before, used = draws[0].to(control.dtype), None, 1
    lam = lambda v: -math.inf if v <= 0 else math.log(math.sqrt(v * v / (1 - v * v)))
    for i, t in enumerate(timesteps):
        b = float(A[(A - a[i]).abs().argmin()])
        v = model(
            x.expand(2, -1, -1, -1, -1),
            control.expand(2, -1, -1, -1, -1),
            text,
            torch.full((2,), float(t), dtype=x.dtype),
        )
        x0 = b * x - math.sqrt(1 - b * b) * v
        w = 1 + GUIDANCE * (1 - math.cos(math.pi * ((n - t) / DIVISOR) ** EXPONENT)) / 2
        D = x0[:1] + w * (x0[1:] - x0[:1])
        if i == n - 1:
            return D
        now, then = float(a[i]), float(a[i + 1])
        if i:
            # one draw is thrown away at every later step
            used += 1
        noise = draws[used].to(x.dtype)
        used += 1
        mixed = D
        if now > 0:
            h = lam(then) - lam(now)
            if before[1] > 0:
                r = (lam(now) - lam(before[1])) / h
                mixed = (1 + 1 / (2 * r)) * D - 1 / (2 * r) * before[0]
            m1, decay = math.sqrt((1 - then**2) / (1 - now**2)) * math.exp(-h), math.exp(-2 * h)
        else:
            m1, decay = 0.0, 0.0
        x = (
            m1 * x
            + then * (1 - decay) * mixed
            + math.sqrt(1 - then**2) * math.sqrt(1 - decay) * noise
        )
        before = (D, now)


def greedy(lm, text, frames, motion):
    """The likeliest code each time, guidance off."""
    ids, plan = (
        [lm.open_i],
        lm.lay_out(torch.full((lm.c["i_tokens"] + (frames - 1) * lm.c["p_tokens"],), -1), frames),
    )
    caches = [[] for _ in lm.transformer.blocks]
    p = lm.prefix(text, torch.tensor([float(frames)]), torch.tensor([motion]))
    embed = lambda i: lm.visual_embedding_model.tok_emb_code(torch.tensor([[i]]))
    x = torch.cat([p, embed(lm.open_i)], 1)
    at, margin = x.shape[1], math.inf
    h = lm.run(x, 0, caches)[:, -1]
    for forced in plan[1:].tolist():
        if forced < 0:
            logits = lm.transformer.head(h)[0]
            best = logits.topk(2).values
            margin = min(margin, float(best[0] - best[1]))
            forced = int(logits.argmax())
        ids.append(forced)
        h = lm.run(embed(forced), at, caches)[:, -1]
        at += 1
    size = lm.c["codebook_size"]
    return torch.tensor([i for i, planned in zip(ids, plan.tolist()) if planned < 0]).clamp(
        max=size - 1
    ), margin


def take(mini, to, prompt="a red ball bounces on a beach at dusk", frames=1):
    c = mini.c
    nets = (mini.text, mini.lm, mini.tokenizer, mini.dit, mini.vae)
    timesteps, motion = c["mmdit"]["timesteps"], 0.5
    shape = (
        1,
        frames,
        c["mmdit"]["latent_channels"],
        c["mmdit"]["latent_height"],
        c["mmdit"]["latent_width"],
    )
    generator = torch.Generator().manual_seed(11)
    draws = [torch.randn(shape, generator=generator).half() for _ in range(2 * len(timesteps) - 2)]
    ids_ar, ids_mmdit = torch.tensor([mini.pieces(prompt)]), mini.pieces.padded([prompt])

    def run(dtype):
        text_ar, text_mmdit = mini.text(ids_ar), mini.text(ids_mmdit)
        tokens, margin = greedy(mini.lm, text_ar, frames, motion)
        print(f"  {dtype}: smallest margin of a code {margin:.4f}")
        features = mini.tokenizer.decode(tokens[None])
        control = mini.control(features)
        both = torch.cat([torch.zeros_like(text_mmdit), text_mmdit])
        latent = official_update(mini.dit, control, both, draws, timesteps)
        return {
            "ids_ar": ids_ar,
            "ids_mmdit": ids_mmdit,
            "text_ar": text_ar,
            "text_mmdit": text_mmdit,
            "tokens": tokens,
            "features": features,
            "control_latent": control,
            "latent": latent,
            "frames": mini.vae.decode((latent / mini.scale).transpose(1, 2)),
        }

    wanted, got = in_both(run, *nets)
    assert torch.equal(wanted["tokens"], got["tokens"]), (
        "a code hangs on rounding: take another prompt"
    )
    write(
        to,
        "take",
        "",
        {
            "num_frames": frames,
            "motion_score": motion,
            "cfg": 0.0,
            "temperature": 1.0,
            "top_k": 1,
            "seed": 0,
            "steps": len(timesteps),
        },
        "the shipped model from words to pixels, listed timesteps, the release's guidance; needs -m models/mini",
        {f"noise.{k}": d for k, d in enumerate(draws)},
        wanted,
        got,
        extra={
            "texts": json.dumps([prompt]),
            "bound_bf16.latent": "none",
            "bound_bf16.frames": "none",
        },
    )


@torch.no_grad()
def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("-m", "--model", default=str(ROOT / "models" / "mini"))
    p.add_argument("--to", default=str(ROOT / "tests" / "golden"))
    a = p.parse_args()
    torch.set_num_threads(1)
    folder, to = Path(a.model), Path(a.to)
    to.mkdir(parents=True, exist_ok=True)
    mini = Mini(folder)
    text_ids(mini, to, folder)
    quantiser(mini, to, folder)
    pictures(to)
    time_embedding(mini, to, folder)
    take(mini, to)


if __name__ == "__main__":
    main()
