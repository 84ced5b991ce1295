"""What one stage makes of the corpora for the next, shard by shard (finished shards are skipped).

    python derive.py features --kind plans     frames -> picture features      f16 [N,S,192,8,12]   (after the ViT)
    python derive.py latents                   takes  -> VAE means, unscaled   f16 [N,L,16,16,24]  (after the VAE)
    python derive.py tokens --kind plans       features -> codes               i64 [N,tokens]       (after the tokenizer)

    python derive.py stills --kind plans       one frame a take -> VAE mean f16 [N,1,16,16,24], and its frame number

`--part 0/2` takes every second shard, so that two processes share the work.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from corpora import save_array, semantic
from net_tokenizer import Theia, Tokenizer
from net_vae import VAE, channels_last
from spelled import into, spell
from training import averaged, averaged_weights, config


def as_pixels(video):
    """uint8 [...,128,192,3] -> [...,3,128,192] in [-1,1]"""
    return video.movedim(-1, -3).float() / 127.5 - 1


def as_videos(takes):
    """uint8 [N,T,128,192,3] -> what the VAE encodes, [N,3,T,128,192]"""
    return as_pixels(takes).transpose(1, 2).contiguous(memory_format=torch.channels_last_3d)


def load_theia(out, stage="vit"):
    vit = Theia(config("tokenizer")["theia"])
    state = averaged_weights(stage, out)
    vit.load_state_dict({k[4:]: v for k, v in state.items() if k.startswith("vit.")})
    return vit.eval()


class Maker:
    """Makes something of each take of a shard with a frozen network. `of` works on tensors on the
    device, a call on the files of a shard."""

    AT_ONCE = 1  # frames that a GPU gets at once

    def __init__(self, network, device="cpu"):
        self.network, self.device = network.to(device), torch.device(device)

    def batches(self, takes):
        """[N,T,...] -> parts of it, as even as may be; on a CPU takes are worked on one by one."""
        most = 1 if self.device.type == "cpu" else max(1, self.AT_ONCE // takes.shape[1])
        return takes.split(-(-len(takes) // -(-len(takes) // most)))

    def __call__(self, stem):
        takes = torch.from_numpy(np.load(f"{stem}.npy")).to(self.device)
        return self.of(takes, torch.load(f"{stem}.pt", weights_only=False)).cpu().numpy()


class Features(Maker):
    """Frames -> features. Takes give their semantic frames: every fourth."""

    AT_ONCE = 1024

    def __init__(self, out, device="cpu"):
        super().__init__(load_theia(out), device)

    def of(self, takes, record):
        """uint8 [N,T,128,192,3] -> f16 [N,S,192,8,12]"""
        shown = takes[:, semantic(record)]
        return torch.cat(
            [
                self.network(as_pixels(part).flatten(0, 1)).half().unflatten(0, part.shape[:2])
                for part in self.batches(shown)
            ]
        )


class Latents(Maker):
    AT_ONCE = 5 * 73

    def __init__(self, out, device="cpu"):
        super().__init__(channels_last(averaged("vae", VAE(config("temporal_vae")), out)), device)

    def of(self, takes, record):
        """uint8 [N,T,128,192,3] -> f16 [N,L,16,16,24]"""
        return torch.cat(
            [
                self.network.encoder(as_videos(part))[0].transpose(1, 2).half()
                for part in self.batches(takes)
            ]
        )


class Tokens(Maker):
    """One frame is one segment. The spelled codes are taken from the truth, the others from the
    encoder."""

    AT_ONCE = 1024

    def __init__(self, out, device="cpu"):
        super().__init__(averaged("tokenizer", Tokenizer(config("tokenizer")), out), device)

    def of(self, features, record):
        """f16 [N,S,192,8,12] -> i64 [N,tokens] on the CPU"""
        shown = semantic(record)
        codes = torch.cat(
            [
                self.network.encode(part.float().flatten(0, 1)[:, None]).unflatten(
                    0, part.shape[:2]
                )
                for part in self.batches(features)
            ]
        ).cpu()
        return into(codes, spell(record["bodies"][:, shown], record["hues"][:, shown])).flatten(1)

    def __call__(self, stem):
        features = torch.from_numpy(np.load(f"{stem}.features.npy")).to(self.device)
        return self.of(features, torch.load(f"{stem}.pt", weights_only=False)).numpy()


class Stills(Latents):
    """One frame of every take as a video of its own: many more scenes than whole takes give, for
    the upsampler."""

    @staticmethod
    def frame_of_take(n, frames=13):
        return np.arange(n) * 5 % frames

    def __call__(self, stem):
        video = np.load(f"{stem}.npy", mmap_mode="r")
        made = []
        for n, t in enumerate(self.frame_of_take(len(video), video.shape[1])):
            made.append(
                self.of(torch.from_numpy(np.array(video[n, t : t + 1]))[None].to(self.device), None)
            )
        return torch.cat(made).cpu().numpy()


MAKERS = {"stills": Stills, "features": Features, "latents": Latents, "tokens": Tokens}


@torch.no_grad()
def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("what", choices=MAKERS)
    p.add_argument("--kind", default="takes")
    p.add_argument("--out", default=str(Path(__file__).parent / "out"))
    p.add_argument("--device", default="cpu")
    p.add_argument("--part", default="0/1")
    p.add_argument("--most", type=int, default=10**9, help="at most so many shards")
    a = p.parse_args()
    torch.set_num_threads(1)
    make = MAKERS[a.what](a.out, a.device)
    part, parts = map(int, a.part.split("/"))
    for record in sorted(Path(a.out, "corpora").glob(f"{a.kind}_[0-9]*.pt"))[: a.most][part::parts]:
        target = record.with_suffix(f".{a.what}.npy")
        if target.exists():
            continue
        began = time.time()
        save_array(make(record.with_suffix("")), target)
        print(f"{target.name} {time.time() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
