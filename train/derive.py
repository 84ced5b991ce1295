"""What one stage makes of the corpora for the next, shard by shard (finished shards are skipped).

    python derive.py features --kind plans     frames -> picture features      f16 [N,S,192,8,12]   (after the ViT)
    python derive.py latents                   takes  -> VAE means, unscaled   f16 [N,L,16,16,24]  (after the VAE)
    python derive.py tokens --kind plans       features -> codes               i64 [N,tokens]       (after the tokenizer)

    python derive.py stills --kind plans       one frame a take -> VAE mean f16 [N,1,16,16,24], and its frame number

`--part 0/2` takes every second shard, so that two processes share the work.
"""
import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch

from corpora import semantic
from net_tokenizer import Theia, Tokenizer
from net_vae import VAE, channels_last
from spelled import into, spell
from training import averaged, config


def as_pixels(video):
    """uint8 [T,128,192,3] -> [T,3,128,192] in [-1,1]"""
    return torch.from_numpy(np.array(video)).permute(0, 3, 1, 2).float() / 127.5 - 1


def load_theia(out):
    vit = Theia(config("tokenizer")["theia"])
    state = torch.load(Path(out) / "vit.pt", map_location="cpu", weights_only=False)["mean"]
    vit.load_state_dict({k[4:]: v for k, v in state.items() if k.startswith("vit.")})
    return vit.eval()


class Features:
    """Frames -> features. Takes give their semantic frames: every fourth."""

    def __init__(self, out):
        self.vit = load_theia(out)

    def __call__(self, stem):
        video = np.load(f"{stem}.npy", mmap_mode="r")
        shown = semantic(torch.load(f"{stem}.pt", weights_only=False))
        return np.stack([self.vit(as_pixels(v[shown])).half().numpy() for v in video])


class Latents:
    def __init__(self, out):
        self.vae = channels_last(averaged("vae", VAE(config("temporal_vae")), out))

    def __call__(self, stem):
        video = np.load(f"{stem}.npy", mmap_mode="r")
        made = []
        for v in video:
            x = as_pixels(v).transpose(0, 1)[None].contiguous(memory_format=torch.channels_last_3d)
            made.append(self.vae.encoder(x)[0][0].transpose(0, 1).half().numpy())
        return np.stack(made)


class Tokens:
    """One frame is one segment. The spelled codes are taken from the truth, the others from the encoder."""

    def __init__(self, out):
        self.tokenizer = averaged("tokenizer", Tokenizer(config("tokenizer")), out)

    def __call__(self, stem):
        features = np.load(f"{stem}.features.npy", mmap_mode="r")
        record = torch.load(f"{stem}.pt", weights_only=False)
        shown = semantic(record)
        spelled = spell(record["bodies"][:, shown], record["hues"][:, shown])
        rows = []
        for f, told in zip(features, spelled):
            codes = self.tokenizer.encode(torch.from_numpy(f.copy()).float()[:, None])
            rows.append(into(codes, told).flatten())
        return torch.stack(rows).numpy()


class Stills(Latents):
    """One frame of every take as a video of its own: many more scenes than whole takes give, for the upsampler."""

    @staticmethod
    def frame_of_take(n, frames=13):
        return np.arange(n) * 5 % frames

    def __call__(self, stem):
        video = np.load(f"{stem}.npy", mmap_mode="r")
        made = []
        for n, t in enumerate(self.frame_of_take(len(video), video.shape[1])):
            x = as_pixels(video[n, t:t + 1]).transpose(0, 1)[None].contiguous(memory_format=torch.channels_last_3d)
            made.append(self.vae.encoder(x)[0][0].transpose(0, 1).half().numpy())
        return np.stack(made)


MAKERS = {"stills": Stills, "features": Features, "latents": Latents, "tokens": Tokens}


@torch.no_grad()
def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=MAKERS)
    p.add_argument("--kind", default="takes")
    p.add_argument("--out", default=str(Path(__file__).parent / "out"))
    p.add_argument("--part", default="0/1")
    p.add_argument("--most", type=int, default=10**9, help="at most so many shards")
    a = p.parse_args()
    torch.set_num_threads(1)
    make = MAKERS[a.what](a.out)
    part, parts = map(int, a.part.split("/"))
    for record in sorted(Path(a.out, "corpora").glob(f"{a.kind}_*.pt"))[:a.most][part::parts]:
        target = record.with_suffix(f".{a.what}.npy")
        if target.exists():
            continue
        began = time.time()
        made = make(record.with_suffix(""))
        with open(f"{target}.tmp", "wb") as f:
            np.save(f, made)
        os.replace(f"{target}.tmp", target)
        print(f"{target.name} {time.time() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
