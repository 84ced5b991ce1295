#!/usr/bin/env python3
"""What weights of few bits cost the shipped model: the table of weights/README.md.

    python3 tests/bench/low_bits.py --program build/longtake --folder /tmp/low_bits [--seconds 6]

Lays models/mini out as a release, imports it as it is and with --quantize q8, mixed and q4, and
lets every folder draw plans of PROMPTS. Prints for each: size, codes equal to those of the folder
as stored (whole plan; and up to the first that differs), and nats a code of the plans of the folder
as stored, of the network alone (--lm-cfg 1 --temperature 1). Needs PyTorch and safetensors.
"""

import argparse
import json
import pathlib
import shutil
import subprocess

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = ["stored", "q8", "mixed", "q4"]
PROMPTS = [
    "a red ball bounces on a beach at noon",
    "a blue star floats in the desert at noon",
    "a green cube spins in a snowfield at dawn",
    "a white heart rests in a city at night",
    "an orange ring under water",
    "a yellow balloon flies over a meadow at noon",
    "a pink diamond orbits in space",
    "a red ball bounces past a lighthouse at dusk",
    "a black triangle rolls through mountains at dusk",
    "a purple ball rises over a meadow at night",
    "a blue cube falls in a city at dawn",
    "a yellow star swings over a beach at dusk",
]


def expanded(path: pathlib.Path) -> dict[str, np.ndarray]:
    """f32 values; rows of I8 with a scale each become what they stand for."""
    stored = load_file(path)
    values = {}
    for name, tensor in stored.items():
        scale = stored.get(name + "_scale")
        if not name.endswith("_scale"):
            values[name] = np.ascontiguousarray(
                tensor.astype(np.float32) * (scale[:, None] if scale is not None else np.float32(1))
            )
    return values


def part(values: dict[str, np.ndarray], prefix: str, keep: str = "") -> dict[str, np.ndarray]:
    return {
        keep + name[len(prefix) :]: tensor
        for name, tensor in values.items()
        if name.startswith(prefix)
    }


def lay_out_release(model: pathlib.Path, release: pathlib.Path) -> None:
    def tensors(name: str, values: dict[str, np.ndarray]) -> None:
        (release / name).mkdir(parents=True)
        save_file(values, release / name / "model.safetensors")

    def module(name: str, key: str, values: dict[str, np.ndarray]) -> None:
        (release / name).parent.mkdir(parents=True)
        torch.save({key: {n: torch.from_numpy(v) for n, v in values.items()}}, release / name)

    text = expanded(model / "text_encoder.safetensors")
    for name in ["google/flan-t5-xxl", "CogVideoX-2b-sat/t5-v1_1-xxl"]:
        tensors(name, text)
        shutil.copy(model / "spiece.model", release / name)
    tokenizer = expanded(model / "tokenizer.safetensors")
    extractor = "feature_extractor.model."
    tensors("theiainstitute/theia-base-patch16-224-cddsv", part(tokenizer, extractor))
    tensors("tokenizer", {n: v for n, v in tokenizer.items() if not n.startswith(extractor)})
    tensors("llm", expanded(model / "ar_model.safetensors"))
    mmdit = expanded(model / "mmdit.safetensors")
    main, control = "model.diffusion_model.", "model.control_model.diffusion_model."
    module(
        "CogVideoX-2b-sat/transformer/1000/mp_rank_00_model_states.pt",
        "module",
        part(mmdit, main, main),
    )
    module("diffusion/1/mp_rank_00_model_states.pt", "module", part(mmdit, control, control))
    module(
        "CogVideoX-2b-sat/vae/3d-vae.pt", "state_dict", expanded(model / "temporal_vae.safetensors")
    )
    (release / "diffusion/latest").write_text("1")


def codes_of(path: pathlib.Path) -> np.ndarray:
    return load_file(path)["tokens"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--program", default=ROOT / "build/longtake")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", default="6")
    given = parser.parse_args()

    def longtake(*arguments: object) -> str:
        command = [str(a) for a in (given.program, *arguments, "--progress", "none")]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    release = given.folder / "release"
    lay_out_release(ROOT / "models/mini", release)
    plans: dict[str, list[pathlib.Path]] = {}
    for kind in KINDS:
        model = given.folder / kind
        longtake(
            "import",
            release,
            "-o",
            model,
            "--config",
            ROOT / "configs/mini.yaml",
            *([] if kind == "stored" else ["--quantize", kind]),
        )
        plans[kind] = [given.folder / f"{kind}-{i}.lt" for i in range(len(PROMPTS))]
        for prompt, plan in zip(PROMPTS, plans[kind]):
            longtake(
                "tokens", "-p", prompt, "--seconds", given.seconds, "-m", model, "-o", plan, "-q"
            )
    for kind in KINDS:
        scores = longtake(
            "tokens",
            "score",
            *plans["stored"],
            "-m",
            given.folder / kind,
            "--lm-cfg",
            "1",
            "--temperature",
            "1",
            "--json",
        )
        total = json.loads(scores.splitlines()[-1])
        equal = [codes_of(a) == codes_of(b) for a, b in zip(plans[kind], plans["stored"])]
        until = np.mean([len(e) if e.all() else int(np.argmin(e)) for e in equal])
        size = sum(f.stat().st_size for f in (given.folder / kind).glob("*.safetensors"))
        print(
            f"{kind:8} {size / 1e6:6.1f} MB  equal codes {np.mean(equal):.3f}  first that differs {until:6.1f}  "
            f"nats a code {total['nats_per_code']:.4f} of {total['codes']} codes  perplexity {np.exp(total['nats_per_code']):.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
