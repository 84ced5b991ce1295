"""Averaged weights of all stages -> a model folder with the release's tensor names.

    python export.py --to ../models/mini            # needs every stage in train/out
    python export.py --to /tmp/some --random        # right shapes, fresh weights for the stages that are missing

The program finds the configuration of a folder in `models/`; one elsewhere has it as config.yaml, or
wants `--config`.

Big matrices become int8 rows: `X.weight` I8 [out,in] with f32 scales `X.weight_scale` [out]. What
is small or decides (codebook and its projections) stays F32, all the rest F16.
"""

import argparse
import hashlib
import re
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from fit_encoder import ENCODING
from grammar import caption, sample_graph
from net_dit import DiT
from net_lm import LanguageModel
from net_text import TextEncoder
from net_tokenizer import Pictures, Theia, Tokenizer
from net_vae import VAE
from picture_codes import plain_table
from training import ROOT, averaged_weights, config
from wording import wording

KEPT = (
    "shared",
    "relative_attention_bias",
    "tok_emb_code",
    "transformer.head",
    "final_layer",
    "patch_embed",
    "time_embed",
    "latent_tokens",
    "quantizer",
    "embeddings.position",
)
EXACT = ("quantizer", "mean", "std")
BOOK = "quantizer._codebook."
# what the codebook learned from
UNUSED = (BOOK + "embed_avg", BOOK + "cluster_size")


def stored(name, value):
    """-> tensors to write for one weight"""
    if not value.dtype.is_floating_point:
        return {name: value}
    value = value.detach().float().contiguous()
    if (
        value.dim() == 2
        and name.endswith(".weight")
        and min(value.shape) >= 64
        and not any(k in name for k in KEPT)
    ):
        scale = (value.abs().amax(1) / 127).clamp(min=1e-12)
        return {
            name: (value / scale[:, None]).round().clamp(-127, 127).to(torch.int8),
            name + "_scale": scale,
        }
    return {name: value if name.startswith(EXACT) else value.half().contiguous()}


# stages that leave the refinement, the tokenizer's decoder and the network of pictures, the last
# one first
REFINEMENTS = ("objects", "landscapes", "landmarks", "weather", "mmdit", "upsampler")
DECODERS = ("landscapes_decoder", "decoder", "tokenizer")
PICTURES = ("pictures_kept", "pictures")


def last_of(names, out):
    """The stage that has left its weights"""
    return next((s for s in names if (Path(out) / f"{s}.pt").exists()), names[-1])


def last_before(stage, names, out):
    """The stage that has left what `stage` begins with"""
    return last_of(names[names.index(stage) + 1 :], out)


def weights_of(stage, out):
    """Averaged weights of a stage, None where it has left none"""
    return averaged_weights(stage, out) if (Path(out) / f"{stage}.pt").exists() else None


def above(prefix, state):
    return {prefix + k: v for k, v in state.items()}


def below(state, prefix):
    return {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}


def pick(model, *candidates):
    """The model's state from the first candidate that exists, else its fresh weights."""
    for state in candidates:
        if state is not None:
            model.load_state_dict(state)
            return model
    return model


def tokenizer_of(out):
    """The tokenizer with the decoder that learned beside the upsampler, and the encoder that has
    seen other pictures."""
    state = weights_of(last_of(DECODERS, out), out)
    taught = weights_of("encoder", out)
    if state and taught:
        state.update({k: v for k, v in taught.items() if k.startswith(ENCODING)})
    return state


def picture_codes(c, out):
    """What picture codes say, the map of what moves between two of them, and the one that tells
    which colours a scene has"""
    features, latents = c["tokenizer"]["feature_channels"], c["mmdit"]["latent_channels"]
    return {
        **(weights_of("pictures_table", out) or {"table": plain_table()}),
        **(weights_of("pictures_motion", out) or {"motion": torch.zeros(latents, latents)}),
        **above(
            "colours.",
            weights_of("pictures_colours", out)
            or {"weight": torch.zeros(3, features), "bias": torch.zeros(3)},
        ),
    }


def trained(out):
    """All networks with the best weights there are: {name: module}"""
    c = config()
    torch.manual_seed(0)
    vit = weights_of("vit_on", out) or weights_of("vit", out)
    return {
        "text_encoder": pick(TextEncoder(c["text_encoder"]), weights_of("text_encoder", out)),
        "theia": pick(Theia(c["tokenizer"]["theia"]), vit and below(vit, "vit.")),
        "tokenizer": pick(Tokenizer(c["tokenizer"]), tokenizer_of(out)),
        "pictures": pick(Pictures(c["tokenizer"]), weights_of(last_of(PICTURES, out), out)),
        "picture_codes": picture_codes(c, out),
        "ar_model": pick(LanguageModel(c["ar_model"]), weights_of("lm", out)),
        "mmdit": pick(DiT(c["mmdit"]), weights_of(last_of(REFINEMENTS, out), out)),
        "temporal_vae": pick(
            VAE(c["temporal_vae"]),
            *(weights_of(stage, out) for stage in ("vae_settled", "vae_decoder", "vae")),
        ),
    }


def files(nets):
    """{file: state under official names}"""
    tokenizer = {
        **nets["tokenizer"].state_dict(),
        **above("pictures.", {**nets["picture_codes"], **nets["pictures"].state_dict()}),
        **above("feature_extractor.model.", nets["theia"].state_dict()),
    }
    return {
        "text_encoder": nets["text_encoder"].state_dict(),
        "tokenizer": tokenizer,
        "ar_model": nets["ar_model"].state_dict(),
        "mmdit": nets["mmdit"].official(),
        "temporal_vae": nets["temporal_vae"].state_dict(),
    }


def restored(path):
    """A written file back as f32 tensors, int8 rows expanded. What a codebook learned from begins
    again from its entries."""
    from safetensors.torch import load_file

    t = load_file(path)
    state = {
        k: (v.float() * t[k + "_scale"][:, None] if k + "_scale" in t else v.float())
        for k, v in t.items()
        if not k.endswith("weight_scale")
    }
    if BOOK + "embed" in state:
        state = {
            BOOK + "embed_avg": state[BOOK + "embed"],
            BOOK + "cluster_size": torch.ones(1, state[BOOK + "embed"].shape[1]),
            **state,
        }
    return state


def known_words(captions=20000):
    """All words of many captions: what `longtake generate` holds against a prompt."""
    rng = np.random.default_rng(0)
    texts = (caption(sample_graph(rng, training=False), rng) for _ in range(captions))
    return sorted({w for t in texts for w in re.findall(r"[a-z]+(?:['-][a-z]+)*", t.lower())})


def check_scale(out):
    """Latents are learned at the scale that was measured; the program takes it from the
    configuration."""
    path, told = Path(out) / "scale_factor.txt", config("temporal_vae")["scale_factor"]
    if path.exists() and abs(float(path.read_text()) - told) > 1e-5 * told:
        raise SystemExit(
            f"{path}: {path.read_text()} was measured, temporal_vae.scale_factor of the configuration is {told}, expected the same (README.md)"
        )


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--out", default=str(Path(__file__).parent / "out"))
    p.add_argument("--to", default=str(ROOT / "models" / "mini"))
    p.add_argument("--random", action="store_true", help="allow stages that are not trained yet")
    a = p.parse_args()
    missing = [
        s
        for s in ("text_encoder", "vae", "vit", "tokenizer", "lm", "mmdit")
        if not (Path(a.out) / f"{s}.pt").exists()
    ]
    if missing and not a.random:
        raise SystemExit(
            f"not trained yet: {', '.join(missing)} (--random exports them as they are born)"
        )
    check_scale(a.out)
    to = Path(a.to)
    to.mkdir(parents=True, exist_ok=True)
    nets = trained(a.out)
    # a codebook that a reader accepts
    if "tokenizer" in missing:
        nets["tokenizer"].quantizer._codebook.initted.fill_(1.0)
    for name, state in files(nets).items():
        tensors = {}
        for key, value in state.items():
            if key not in UNUSED:
                tensors.update(stored(key, value))
        save_file(tensors, to / f"{name}.safetensors", metadata={"format": "pt"})
    shutil.copy(Path(a.out) / "spiece.model", to / "spiece.model")
    (to / "words.txt").write_text("\n".join(known_words()) + "\n")
    (to / "wording.txt").write_text(wording())
    names = sorted(
        f.name for f in to.iterdir() if f.suffix in (".safetensors", ".model", ".txt", ".md")
    )
    (to / "SHA256").write_text(
        "".join(f"{hashlib.sha256((to / n).read_bytes()).hexdigest()}  {n}\n" for n in names)
    )
    for n in names:
        print(f"{n:28s} {(to / n).stat().st_size / 1e6:7.2f} MB")


if __name__ == "__main__":
    main()
