"""Draw the logs of all stages: python curves.py -> curves.png"""
import csv
from pathlib import Path

import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

PANELS = [("text_reader", "loss", "text encoder: sum of cross-entropies"), ("vae", "psnr", "VAE: PSNR of clips, dB"),
          ("vit_training", "rgb_db", "picture network: colours of 4x4 cells, dB"), ("tokenizer", "mse", "tokenizer: squared error of features"),
          ("lm_training", "first", "language model: nats a code, first frame"), ("upsampler_training", "mse", "upsampler: squared error of latents")]


def main():
    out = Path(__file__).parent / "out"
    figure, axes = plt.subplots(2, 3, figsize=(11, 5.5))
    for axis, (stage, column, title) in zip(axes.flat, PANELS):
        path = out / f"{stage}.csv"
        if path.exists():
            rows = [r for r in csv.DictReader(path.open()) if r.get(column)]
            axis.plot([float(r["step"]) for r in rows], [float(r[column]) for r in rows], color="#2b6cb0")
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("step", fontsize=8)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=.3)
    figure.tight_layout()
    figure.savefig(Path(__file__).parent / "curves.png", dpi=80)


if __name__ == "__main__":
    main()
