"""Draw the logs of the stages that have run.

python curves.py [FILE [OUT]]        # curves.png beside this file, of the logs in out/
"""

import csv
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

PANELS = [
    ("text_reader", "loss", "text encoder: sum of cross-entropies"),
    ("vae", "psnr", "VAE: PSNR of clips, dB"),
    ("vit_training", "rgb_db", "picture network: colours of 4x4 cells, dB"),
    ("tokenizer", "mse", "tokenizer: squared error of features"),
    ("vae_decoder", "psnr", "VAE decoder: PSNR of clips, dB"),
    ("vae_settled_training", "psnr_regressed", "settled: PSNR from the upsampler's latents, dB"),
    ("lm_training", "first", "language model: nats a code, first frame"),
    ("lm_training", "held", "the same of held-out takes, all frames"),
    ("upsampler_training", "mse", "upsampler: squared error of latents"),
    ("upsampler_training", "on", "upsampler: error on objects, as the pixels have it"),
    ("upsampler_training", "outline", "decoder: outlines, nats"),
    ("upsampler_alone", "on", "upsampler alone: the same error on objects"),
    ("mmdit", "against", "refinement: squared error of x0 against the control latent's"),
    ("text_order", "turned", "text encoder: words of direction"),
    ("vit_on_training", "object", "picture network, on: class of object patches"),
    ("encoder_training", "spelling", "encoder: nats a spelled code"),
    ("encoder_training", "agree", "encoder: learned codes as before"),
]


def main():
    here, given, told = Path(__file__).parent, sys.argv[1:], []
    to, out = (
        Path(given[i]) if len(given) > i else here / usual
        for i, usual in enumerate(("curves.png", "out"))
    )
    for stage, column, title in PANELS:
        path = out / f"{stage}.csv"
        rows = [r for r in csv.DictReader(path.open()) if r.get(column)] if path.exists() else []
        if rows:
            told.append((rows, column, title))
    if not told:
        raise SystemExit(f"{out}: no log of any stage, expected STAGE.csv as trainers write it")
    across = min(3, len(told))
    down = -(-len(told) // across)
    figure, axes = plt.subplots(down, across, figsize=(3.7 * across, 2.75 * down), squeeze=False)
    for axis, (rows, column, title) in zip(axes.flat, told):
        axis.plot(
            [float(r["step"]) for r in rows], [float(r[column]) for r in rows], color="#2b6cb0"
        )
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("step", fontsize=8)
        if column in ("outline", "mse", "on", "held"):
            axis.set_yscale("log")
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.3)
    for axis in axes.flat[len(told) :]:
        axis.set_visible(False)
    figure.tight_layout()
    figure.savefig(to, dpi=80)


if __name__ == "__main__":
    main()
