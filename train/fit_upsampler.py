"""Stage 6: the upsampler learns to regress clean latents from the tokenizer's decoded features.

This alone puts colours and places right; refinement then starts from it. Errors weigh what they do to pixels. The tokenizer's decoder learns along, so that
features carry all that the codes know of an object's outline, also what the picture network could not see; they are held
near the picture network's. Samples are latents of takes, of clips and of single frames, each as often as there are such.
OUT/decoder.pt is the tokenizer with that decoder. `--warm FILE` begins with the weights of another run.
"""
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from derive import Stills as StillFrames
from fit_tokenizer import distance, held_gaze, load_heads
from net_dit import DiT
from net_tokenizer import Tokenizer
from net_vae import VAE, channels_last
from spelled import CODES, IS_SPELLED, LEARNED
from training import Run, arguments, averaged, config, save_atomically, warmed

BATCH = 16
NEAR = .05                                          # weight of the distance to the picture network's features
MOVED, REPLACED = .5, .3                            # share of samples with learned codes of another frame; most codes replaced


def latent_scale(out):
    """1 / deviation of all latents of the takes, measured once."""
    path = Path(out) / "scale_factor.txt"
    if not path.exists():
        sample = [np.load(f)[:, :, ::1, ::2, ::2].astype(np.float32) for f in sorted(Path(out, "corpora").glob("takes_*.latents.npy"))]
        path.write_text(f"{1 / np.concatenate(sample).std():.6f}")
    return float(path.read_text())


@torch.no_grad()
def pixel_weights(out, noise=.3):
    """[16,1,1]: how much one unit of error in a channel of the scaled latent changes the decoded pixels, mean 1; measured once. The
    first channel weighs some forty times as much as the last."""
    path = Path(out) / "pixel_weights.npy"
    if not path.exists():
        vae, scale = channels_last(averaged("vae", VAE(config("temporal_vae")), out)), latent_scale(out)
        takes = np.load(records_of(out, "takes", "latents")[0].with_suffix(".latents.npy"), mmap_mode="r")
        changed = np.zeros(16, np.float32)
        for take in takes[:4]:
            z = torch.from_numpy(take[:3].astype(np.float32)).transpose(0, 1)[None]
            plain = vae.decode(z)
            for channel in range(16):
                other = z.clone()
                other[:, channel] += noise / scale * torch.randn_like(z[:, channel])
                changed[channel] += float((vae.decode(other) - plain).pow(2).mean())
        np.save(path, changed / changed.mean())
    return torch.from_numpy(np.load(path))[:, None, None]


def records_of(out, kind, *made):
    """Shards of a corpus for which all of `made` (latents, tokens, ...) is there."""
    return [r for r in sorted(Path(out, "corpora").glob(f"{kind}_[0-9]*.pt")) if all(r.with_suffix(f".{what}.npy").exists() for what in made)]


class Pairs:
    """Whole takes: unscaled latents [N,19,16,16,24], codes [N,19,44], how much of each latent cell is object."""

    def __init__(self, out, kind="takes"):
        records = records_of(out, kind, "latents", "tokens")
        self.scale = latent_scale(out)
        read = lambda what: torch.cat([torch.from_numpy(np.load(r.with_suffix(f".{what}.npy"))) for r in records])
        self.latents, self.codes = read("latents"), read("tokens").unflatten(1, (-1, CODES))
        self.cover, self.graphs = [], []
        for r in records:
            record = torch.load(r, weights_only=False)
            self.cover.append(latent_cover(record["cover"]))
            self.graphs += record["graphs"]
        self.cover = torch.cat(self.cover)


def latent_cover(cover):
    """u8 [N,4k+1,2,32,48] -> [N,k+1,1,16,24]: largest share of object over the frames of a latent"""
    c = F.avg_pool2d(cover.amax(2).float() / 255, 2)
    later = c[:, 1:].reshape(len(c), -1, 4, *c.shape[2:]).amax(2)
    return torch.cat([c[:, :1], later], 1)[:, :, None].half()


class Latents:
    """Single latents of many scenes: `draw` gives latents, object cover, picture features and the codes of frames around."""

    def __init__(self, out, seed):
        self.shards, self.rng = [], np.random.default_rng(seed)
        for kind in ("takes", "clips"):
            for r in records_of(out, kind, "latents", "tokens", "features"):
                self.keep(r, "latents", latent_cover(torch.load(r, weights_only=False)["cover"]))
        for r in records_of(out, "plans", "stills", "tokens", "features")[2:]:
            cover = torch.load(r, weights_only=False)["cover"].amax(2).float() / 255
            self.keep(r, "stills", F.avg_pool2d(cover, 2)[:, :, None].half())
        sizes = np.array([len(s[0]) * s[0].shape[1] for s in self.shards], float)
        self.share = np.cumsum(sizes / sizes.sum())

    def keep(self, record, what, cover):
        """Frames of stills are numbered as in derive.Stills."""
        load = lambda name: torch.from_numpy(np.load(record.with_suffix(f".{name}.npy")))
        latents, codes = load(what), load("tokens").unflatten(1, (-1, CODES))
        n, count = latents.shape[:2]
        frames = torch.from_numpy(StillFrames.frame_of_take(n))[:, None] if count == 1 else torch.arange(count).expand(n, count)
        self.shards.append((latents, cover, np.load(record.with_suffix(".features.npy"), mmap_mode="r"), codes, frames))

    def draw(self, n):
        """-> latents [n,16,16,24], cover [n,1,16,24], features [n,192,8,12], codes of the frame with a language model's mistakes"""
        rows = []
        for _ in range(n):
            latents, cover, features, codes, frames = self.shards[int(np.searchsorted(self.share, self.rng.random()))]
            i, j = int(self.rng.integers(len(latents))), int(self.rng.integers(latents.shape[1]))
            t = int(frames[i, j])
            rows.append((latents[i, j], cover[i, t], torch.from_numpy(features[i, t].copy()), spoilt(codes[i], t, self.rng)))
        z, cover, features, codes = (torch.stack(r) for r in zip(*rows))
        return z.float(), cover.float(), features.float(), codes


def spoilt(codes, shown, rng):
    """codes [T,44] of a whole take -> [44] of the frame that is shown, with the mistakes of a language model: the learned
    codes come from a few frames earlier or later half of the time, some are replaced by any others. What the object is,
    where it is and how it moves must be drawn as the spelled codes say."""
    away = int(rng.integers(-4, 5)) if rng.random() < MOVED else 0
    made = torch.where(IS_SPELLED, codes[shown], codes[min(max(shown + away, 0), len(codes) - 1)])
    replaced = torch.from_numpy(rng.random(CODES) < rng.random() * REPLACED) & ~IS_SPELLED
    return torch.where(replaced, torch.from_numpy(rng.integers(LEARNED, size=CODES)), made)


def main():
    a = arguments(plan=20., warm="")
    torch.manual_seed(0)
    model, tokenizer, heads = DiT(config("mmdit")), averaged("tokenizer", Tokenizer(config("tokenizer")), a.out), load_heads(a.out)
    learner = nn.ModuleDict({"up": model.control.semantic_conditioner, "decoder": tokenizer.decoder,
                             "project_out": tokenizer.quantizer.project_out}).to(a.device).train()
    held_gaze(tokenizer.decoder)
    rope, _, mask = tokenizer.table(1)

    def decoded(codes):
        return learner["decoder"](tokenizer.quantizer.lookup(codes), 1, rope, mask)

    rates = {"lr": .012, "adam_lr": 1e-3} if warmed(learner, a) else {"lr": .02, "adam_lr": 1.5e-3}
    run = Run("upsampler_training", learner, a, **rates, adam_only=("conv_in", "conv_out"), warmup=40, average=.995,
              slow={"decoder.": .5, "project_out.": .5})
    data, scale, weights = Latents(a.out, run.steps + 1), latent_scale(a.out), pixel_weights(a.out)
    for _ in run:
        z, cover, true, codes = data.draw(BATCH)
        z = z * scale
        f = decoded(codes)
        patches = F.max_pool2d(cover[:, 0], 2).flatten(1)[:, None]
        near, numbers = distance(heads, f, true[:, None], patches)
        got = learner["up"](f + .1 * torch.randn_like(f))[:, 0]
        error = (got - z).pow(2)
        seen = error * weights
        on = (seen * cover).sum() / (cover.sum() * z.shape[1])
        run.step((seen * (1 + 5 * cover)).mean() + NEAR * near, mse=error.mean(), seen=seen.mean(), on=on, features=numbers["mse"])
    learner.load_state_dict(run.mean)
    save_atomically({"mean": model.state_dict()}, f"{a.out}/upsampler.pt")
    save_atomically({"mean": tokenizer.state_dict()}, f"{a.out}/decoder.pt")
    held = Pairs(a.out, "held")
    with torch.no_grad():
        z = held.latents[:8].float() * held.scale
        e = (learner["up"](torch.stack([decoded(c)[:, 0] for c in held.codes[:8]])) - z).pow(2)
    cover, seen = held.cover[:8].float(), e * weights
    print("held-out takes: squared error %.4f of %.4f, as the pixels have it %.4f, on objects %.4f; per channel"
          % (e.mean(), z.var(), seen.mean(), (seen * cover).sum() / cover.sum() / 16), e.mean((0, 1, 3, 4)).numpy().round(3))


if __name__ == "__main__":
    main()
