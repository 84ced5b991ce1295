"""Stage 8: the tokenizer's encoder learns that not every picture shows one of mini's objects.

Decoder and codebook stay as they are. Half of the samples are frames of the world, half are pictures of other things:
gradients, noise, stripes, checks and corners. Those shall say that the object is far out of sight, and their learned
codes shall keep layout and colours as well as they can. Export takes the encoder out of OUT/encoder.pt.
`--warm FILE` begins with the encoder of another run.
"""
import numpy as np
import torch
import torch.nn.functional as F

from derive import load_theia
from fit_tokenizer import Samples, distance, load_heads, spelling_loss
from net_tokenizer import Tokenizer
from spelled import IS_SPELLED, LEARNED, LEVELS, WHOLE, WORDS
from training import Run, arguments, averaged, config, save_atomically

BATCH = 8                                           # of each half
ENCODING = ("encoder.", "quantizer.project_in")     # the part of the tokenizer that learns here
FAR = torch.tensor([LEARNED + LEVELS - 1] * 12 + [LEARNED] * 8         # right of all columns, above all rows; of middle size, at rest
                   + [LEARNED + (WORDS + q) * LEVELS + LEVELS // 2 for q in range(WHOLE)])


def smooth_noise(rng, cells):
    """Random colours on a coarse grid, drawn out to a picture [3,128,192]"""
    grid = torch.from_numpy(rng.uniform(-1, 1, (1, 3, cells, cells * 3 // 2))).float()
    return F.interpolate(grid, (128, 192), mode="bicubic", align_corners=False)[0].clamp(-1, 1)


def picture(rng):
    """One picture of something else, [3,128,192] in [-1,1]"""
    y, x = torch.meshgrid(torch.arange(128.), torch.arange(192.), indexing="ij")
    image = smooth_noise(rng, int(rng.integers(1, 3)))
    for _ in range(int(rng.integers(0, 4))):
        colour = torch.from_numpy(rng.uniform(-1, 1, 3)).float()[:, None, None]
        kind, a = int(rng.integers(4)), float(rng.uniform(0, np.pi))
        u = (x - float(rng.uniform(0, 192))) * np.cos(a) + (y - float(rng.uniform(0, 128))) * np.sin(a)
        v = (y - float(rng.uniform(0, 128))) * np.cos(a) - (x - float(rng.uniform(0, 192))) * np.sin(a)
        period = float(rng.uniform(8, 64))
        share = ((u * 2 * np.pi / period).sin() > 0, (u * np.pi / period).sin() * (v * np.pi / period).sin() > 0,
                 (u > 0) & (v > 0), u > 0)[kind].float() * float(rng.uniform(.3, 1))
        image = image * (1 - share) + colour * share
    if rng.random() < .5:
        image = image + float(rng.uniform(.1, .6)) * smooth_noise(rng, int(rng.choice([4, 8, 16, 32])))
    return image.clamp(-1, 1)


def main():
    a = arguments(plan=8., warm="")
    torch.manual_seed(0)
    tokenizer, heads, theia = averaged("decoder", Tokenizer(config("tokenizer")), a.out), load_heads(a.out), load_theia(a.out)
    if a.warm:
        taught = torch.load(a.warm, map_location="cpu", weights_only=False)["mean"]
        tokenizer.load_state_dict({k: v for k, v in taught.items() if k.startswith(ENCODING)}, strict=False)
    tokenizer.quantizer.learned, tokenizer.quantizer.given = LEARNED, IS_SPELLED
    book = tokenizer.quantizer._codebook.embed[0]
    for module in (tokenizer.decoder, tokenizer.quantizer.project_out):
        module.requires_grad_(False)
    far = book[FAR]
    run = Run("encoder_training", tokenizer, a, lr=.004, adam_lr=4e-4, warmup=30, average=.98,
              adam_only=("tokens", "patch_embed", "proj_out", "quantizer", "ln_"))
    data = Samples(f"{a.out}/corpora", run.steps + 1)
    for _ in run:
        f, cover, spelled = data(BATCH)
        with torch.no_grad():
            others = theia(torch.stack([picture(data.rng) for _ in range(BATCH)]))[:, None]
        got, _, commit, given = tokenizer(torch.cat([f, others]), True, torch.cat([spelled, FAR.expand(BATCH, -1)]))
        known, numbers = distance(heads, got[:BATCH], f, cover)
        strange = (got[BATCH:] - others).pow(2).mean()
        spelling = spelling_loss(book, given[:BATCH], spelled, cover)
        away = (given[BATCH:] - far).pow(2).mean()
        run.step(known + strange + .25 * commit + .2 * (spelling + away), mse=numbers["mse"], strange=strange, spelling=spelling, away=away)
    tokenizer.load_state_dict(run.mean)
    save_atomically({"mean": tokenizer.state_dict()}, f"{a.out}/encoder.pt")


if __name__ == "__main__":
    main()
