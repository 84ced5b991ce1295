"""The weights of a model folder back as the trainers' averaged weights, to go on from where no
checkpoints are left.

    python restore.py -m ../models/mini        # OUT/STAGE.pt of every stage whose file is not there yet
    python fit_vit.py --stage heads --plan 3   # what the picture network's read-outs were is not in a model: learned anew

Matrices come back from int8 rows, so a stage goes on from within a few thousandths of its weights;
optimisers begin afresh (`--warm OUT/STAGE.pt`; for fit_upsampler.py, which trains parts of two
networks, `--warm OUT/upsampler_warm.pt`). The corpora are drawn again by corpora.py, the same
frames.
"""

import argparse
import shutil
from pathlib import Path

import torch

from export import below, restored
from net_dit import CONTROL, MAIN, DiT
from training import ROOT, config, save_atomically


def upsampler_start(dit, coder):
    """What fit_upsampler.py trains, under its names; its reader of outlines is no part of a model
    and begins with none seen."""
    channels = config("tokenizer")["feature_channels"]
    parts = {
        "up.": below(dit, "control.semantic_conditioner."),
        "decoder.": below(coder, "decoder."),
        "project_out.": below(coder, "quantizer.project_out."),
        "outline.": {"weight": torch.zeros(16, channels), "bias": torch.full((16,), -3.0)},
    }
    return {prefix + k: v for prefix, part in parts.items() for k, v in part.items()}


def stages(folder):
    """-> {stage: averaged weights under the names of its trainer}"""
    tokenizer, theia = restored(folder / "tokenizer.safetensors"), "feature_extractor.model."
    coder, pictures = (
        {k: v for k, v in tokenizer.items() if not k.startswith((theia, "pictures."))},
        below(tokenizer, "pictures."),
    )
    refinement, dit = restored(folder / "mmdit.safetensors"), DiT(config("mmdit"))
    dit.main.load_state_dict(below(refinement, MAIN))
    dit.control.load_state_dict(below(refinement, CONTROL))
    vae = restored(folder / "temporal_vae.safetensors")
    vit = {"vit." + k: v for k, v in below(tokenizer, theia).items()}
    out = {
        "text_encoder": restored(folder / "text_encoder.safetensors"),
        "vit": vit,
        "vit_on": vit,
        "tokenizer": coder,
        "decoder": coder,
        "encoder": coder,
        "lm": restored(folder / "ar_model.safetensors"),
        "upsampler": dit.state_dict(),
        "upsampler_warm": upsampler_start(dit.state_dict(), coder),
        "mmdit": dit.state_dict(),
        "vae": vae,
        "vae_settled": vae,
    }
    if pictures:  # a model of before has none
        out.update(
            {
                "pictures_table": {"table": pictures.pop("table").int()},
                # of before pictures moved it has none
                "pictures_motion": {"motion": pictures.pop("motion", torch.zeros(16, 16))},
                "pictures_colours": {k: pictures.pop("colours." + k) for k in ("weight", "bias")},
                "pictures": pictures,
            }
        )
    return out


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("-m", "--model", default=str(ROOT / "models" / "mini"))
    p.add_argument("--out", default=str(Path(__file__).parent / "out"))
    a = p.parse_args()
    out, model = Path(a.out), Path(a.model)
    out.mkdir(parents=True, exist_ok=True)
    for stage, state in stages(model).items():
        if not (out / f"{stage}.pt").exists():
            save_atomically({"mean": state}, out / f"{stage}.pt")
            print(f"{stage}.pt")
    if not (out / "spiece.model").exists():
        shutil.copy(model / "spiece.model", out / "spiece.model")
    scale = out / "scale_factor.txt"
    if not scale.exists():
        scale.write_text(f"{config('temporal_vae')['scale_factor']:.6f}")


if __name__ == "__main__":
    main()
