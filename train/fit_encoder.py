"""Stage 8: the tokenizer's encoder learns to read pictures for `longtake encode`, those of its own
world and others.

It reads what the picture network of `fit_vit.py --stage on` sees; codebook, decoder and upsampler
stay as they are. Of frames of the world the spelled codes are taught from the truth, as a choice
among all codes, and the learned ones from the encoder of before, whose codes all other networks
know. Other pictures (strange.py) have codes whose picture, as the upsampler draws it, has the same
colours in the same places; what was put down in them is called by its name, and without such a
thing the object is far out of sight. A single picture does not say how something moves, so all of
them are at rest; `encode` tells it from the places in a row (tokenizer/spelled_codes.c).

OUT/encoder.pt is the tokenizer with that encoder. `--warm FILE` begins with the encoder of another
run. With `--through 1` the picture network learns along and OUT/vit_on.pt is the one that did.
Frames lie on the device; other pictures are drawn as they are needed, or come from the shards that
strange.py writes meanwhile.
"""

import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from corpora import parted, shards
from derive import as_pixels, load_theia
from fit_vit import soiled
from judge import blurred
from net_dit import DiT
from net_tokenizer import Tokenizer
from spelled import IS_SPELLED, LEARNED, LEVELS, PLACE, WHOLE, WORDS, spell
from strange import THINGS, pictures
from training import Run, arguments, averaged, config, lowered, save_atomically

# share of a step's pictures that are of the world
WORLD = 14 / 24
# of so many groups of pictures each is seen through its own lens
GROUP = 24
ENCODING = ("encoder.", "quantizer.project_in")  # the part of the tokenizer that learns here
# share of the picture that an object has at least, to be taught
SEEN = 0.008
# temperature of the choice among codes: squared distance of half a level
SHARP = 0.25
BLUR = 0.6  # levels by which a taught level is blurred
# right of all columns, above all rows; of middle size, at rest
FAR = torch.tensor(
    [LEARNED + LEVELS - 1] * 12
    + [LEARNED] * 8
    + [LEARNED + (WORDS + q) * LEVELS + LEVELS // 2 for q in range(WHOLE)]
)
TURN = WORDS + 1  # the quantity whose levels go round


class Reading(nn.Module):
    """Pixels [n,3,128,192] in [-1,1] -> vectors of the codes [n,44,dim], of which `tokenizer` takes
    the nearest code."""

    def __init__(self, theia, tokenizer):
        super().__init__()
        self.theia, self.encoder, self.project_in = (
            theia,
            tokenizer.encoder,
            tokenizer.quantizer.project_in,
        )
        self.rope, self.mask, _ = tokenizer.table(1)

    def forward(self, pixels):
        features = self.theia(pixels)[:, None]
        return self.project_in(self.encoder(features, self.rope, self.mask))


class World:
    """Semantic frames of the plans with their spelled codes, FAR where no object can be seen; the
    first two shards are held out."""

    def __init__(self, a, held=False):
        folder, self.device = f"{a.out}/corpora", a.device
        videos, spelled = [], []
        for video, record in parted(list(shards(folder, "plans")), held, folder):
            bodies, hues = (record[k].flatten(0, 1)[:, None] for k in ("bodies", "hues"))
            seen = (record["cover"][:, :, 0].float() / 255).mean((2, 3)).flatten() > SEEN
            spelled.append(torch.where(seen[:, None], spell(bodies, hues)[:, 0], FAR))
            videos.append(torch.from_numpy(np.array(video)).flatten(0, 1).to(a.device))
        self.video, self.spelled = torch.cat(videos), torch.cat(spelled).to(a.device)

    def draw(self, n):
        """-> pixels [n,3,128,192] in [-1,1], spelled codes [n,24]"""
        i = torch.randint(len(self.video), (n,), device=self.device)
        return as_pixels(self.video[i]), self.spelled[i]


class Others:
    """Pictures of something else, in most of them a thing put down"""

    # seconds after which it is seen what strange.py has written
    EVERY = 10.0

    def __init__(self, a, rng):
        self.folder, self.device, self.rng = Path(a.out, "corpora"), a.device, rng
        self.read, self.looked, self.video, self.spelled = set(), 0.0, None, None

    def look(self):
        """Take in what is new."""
        new = [p for p in sorted(self.folder.glob("strange_*.pt")) if p not in self.read]
        self.read.update(new)
        self.looked = time.time()
        if new:
            made = [torch.load(p, map_location=self.device) for p in new]
            spelled = [self.named(m["bodies"], m["hues"], len(m["pixels"])) for m in made]
            joined = lambda old, more: torch.cat(([] if old is None else [old]) + more)
            self.video, self.spelled = (
                joined(self.video, [m["pixels"] for m in made]),
                joined(self.spelled, spelled),
            )

    def named(self, bodies, hues, n):
        """Spelled codes [n,24] of n pictures, a thing in the first of them"""
        spelled = spell(
            bodies.cpu()[:, None, None].expand(-1, 1, 2, -1),
            hues.cpu()[:, None, None].expand(-1, 1, 2),
        )[:, 0]
        return torch.cat([spelled, FAR.expand(n - len(spelled), -1)]).to(self.device)

    def draw(self, n):
        """-> pixels [n,3,128,192] in [-1,1], spelled codes [n,24]"""
        if time.time() - self.looked > self.EVERY:
            self.look()
        if self.video is None:
            pixels, bodies, hues, _ = pictures(n, round(THINGS * n), self.rng)
            return pixels.to(self.device), self.named(bodies, hues, n)
        i = torch.randint(len(self.video), (n,), device=self.device)
        return self.video[i].float() / 127.5 - 1, self.spelled[i]


def seen_through(pixels, rng):
    """What cameras, encoders and small video models do to pictures"""
    out = []
    for x in pixels.split(-(-len(pixels) // GROUP)):
        x = soiled(x, rng)
        if rng.random() < 0.5:
            deviation = float(rng.uniform(0.4, 2))
            x = blurred(x, deviation)
            if rng.random() < 0.5:
                x = x + float(rng.uniform(0.5, 2)) * (x - blurred(x, deviation))
        out.append(x)
    return torch.cat(out).clamp(-1, 1)


def log_shares(book, z):
    """Of vectors z [...,dim], how near each code is: log-probabilities [...,codes]"""
    return ((2 * z @ book.T - book.pow(2).sum(-1)) / (2 * SHARP)).log_softmax(-1)


def choice_loss(book, z, codes):
    """Cross entropy of the nearest code, in nats a code; levels of spelled codes [n,24] are
    blurred. z [n,24,dim]"""
    log_share = log_shares(book, z)
    word, level = (codes - LEARNED) // LEVELS, (codes - LEARNED) % LEVELS
    loss, total = 0, 0
    for off in range(-2, 3):
        near = level + off
        near = torch.where(word == TURN, near % LEVELS, near.clamp(0, LEVELS - 1))
        weight = float(np.exp(-0.5 * (off / BLUR) ** 2))
        loss, total = (
            loss
            - weight * log_share.gather(-1, (LEARNED + word * LEVELS + near)[..., None])[..., 0],
            total + weight,
        )
    return (loss / total).mean()


def layout_error(got, pixels):
    """Colours got [n,3,16,24] of cells of 8x8 pixels against those of pixels, of the cells and of
    4x4 of them"""
    wanted = F.avg_pool2d(pixels, 8)
    return (got - wanted).pow(2).mean(), (F.avg_pool2d(got, 4) - F.avg_pool2d(wanted, 4)).pow(
        2
    ).mean()


class Drawing:
    """Codes as the upsampler draws them, seen through the best linear map of latents to colours."""

    def __init__(self, tokenizer, dit, known, frames):
        self.tokenizer, self.up = (
            tokenizer.requires_grad_(False),
            dit.control.semantic_conditioner.requires_grad_(False),
        )
        self.rope, _, self.mask = tokenizer.table(1)
        pixels, spelled = frames.draw(64)
        book = tokenizer.quantizer._codebook.embed[0]
        with torch.no_grad():
            codes = tokenizer.quantizer.nearest(known(pixels))
            codes[:, IS_SPELLED] = spelled
            colours = F.avg_pool2d(pixels, 8).movedim(1, -1)
            self.map = torch.linalg.lstsq(
                self.latents(book[codes]).flatten(0, -2), colours.flatten(0, -2)
            ).solution

    def latents(self, vectors):
        """[n,44,dim] -> [n,16,24,17]: latents and a one"""
        with lowered(vectors.device):
            drawn = self.up(
                self.tokenizer.decoder(
                    self.tokenizer.quantizer.project_out(vectors), 1, self.rope, self.mask
                )
            )[:, 0]
        return F.pad(drawn.float().movedim(1, -1), (0, 1), value=1.0)

    def __call__(self, vectors):
        """[n,44,dim] -> colours [n,3,16,24]"""
        return (self.latents(vectors) @ self.map).movedim(-1, 1)


@torch.no_grad()
def report(reading, quantizer, frames, rounds=20):
    """How many codes of held-out frames are the right ones"""
    rows = []
    for _ in range(rounds):
        pixels, spelled = frames.draw(32)
        seen = (spelled != FAR.to(spelled.device)).any(1)
        got = quantizer.nearest(reading(pixels))[:, IS_SPELLED][seen] - LEARNED
        want = spelled[seen] - LEARNED
        right = (got // LEVELS == want // LEVELS).float()
        off = (got % LEVELS - want % LEVELS).abs().float()
        rows.append(
            torch.stack(
                [
                    right[:, :12].mean(),
                    right[:, 12:PLACE].mean(),
                    off[:, :PLACE].median(),
                    off[:, PLACE].median(),
                ]
            )
        )
    print(
        "held-out frames: object right in %.3f of the columns, colour in %.3f of the rows, ways off by %.2f levels, radius by %.2f (medians)"
        % tuple(torch.stack(rows).nanmean(0))
    )


def main():
    a = arguments(plan=45.0, warm="", batch=24, through=0, rate=1.0)
    torch.manual_seed(0)
    tokenizer, before = (
        averaged("decoder", Tokenizer(config("tokenizer")), a.out, a.device) for _ in range(2)
    )
    reading = Reading(load_theia(a.out, "vit_on").to(a.device), tokenizer)
    known = Reading(load_theia(a.out).to(a.device), before).requires_grad_(False)
    quantizer, learned = before.quantizer, ~IS_SPELLED
    book = quantizer._codebook.embed[0]
    frames = World(a)
    drawing = Drawing(
        before, averaged("upsampler", DiT(config("mmdit")), a.out, a.device), known, frames
    )
    if a.warm:
        taught = torch.load(a.warm, map_location="cpu", weights_only=False)["mean"]
        tokenizer.load_state_dict(
            {k: v for k, v in taught.items() if k.startswith(ENCODING)}, strict=False
        )
    reading.theia.requires_grad_(bool(a.through))
    run = Run(
        "encoder_training",
        reading,
        a,
        lr=0.006 * a.rate,
        adam_lr=6e-4 * a.rate,
        warmup=40,
        average=0.99,
        adam_only=("tokens", "patch_embed", "proj_out", "project_in", "ln_", "embeddings"),
    )
    torch.manual_seed(run.steps)
    rng = np.random.default_rng(run.steps + 1)
    others, world = Others(a, rng), round(WORLD * a.batch)
    for _ in run:
        pixels, spelled = frames.draw(world)
        strange, named = others.draw(a.batch - world)
        with torch.no_grad():
            right = known(pixels)[:, learned]
            code = quantizer.nearest(right)
        with lowered(a.device):
            z = reading(seen_through(torch.cat([pixels, strange]), rng))
        z = z.float()
        spelling = choice_loss(book, z[:, IS_SPELLED], torch.cat([spelled, named]))
        own, free = z[:world, learned], z[world:, learned]
        shares = log_shares(book, own)
        same, near = F.nll_loss(shares.flatten(0, 1), code.flatten()), (own - right).pow(2).mean()
        chosen = book[quantizer.nearest(free.detach(), slice(LEARNED))]
        whole = book[torch.zeros(len(free), len(IS_SPELLED), dtype=torch.long, device=z.device)]
        whole[:, IS_SPELLED], whole[:, learned] = book[named], free + (chosen - free).detach()
        cells, layout = layout_error(drawing(whole), strange)
        commit = (free - chosen).pow(2).mean()
        run.step(
            spelling + same + 8 * near + 3 * (cells + layout) + 0.3 * commit,
            spelling=spelling,
            same=same,
            near=near,
            agree=(shares.argmax(-1) == code).float().mean(),
            cells=cells,
            layout=layout,
            commit=commit,
        )
    reading.load_state_dict(run.mean)
    save_atomically({"mean": tokenizer.state_dict()}, f"{a.out}/encoder.pt")
    if a.through:
        save_atomically(
            {"mean": {"vit." + k: v for k, v in reading.theia.state_dict().items()}},
            f"{a.out}/vit_on.pt",
        )
    report(reading.eval(), quantizer, World(a, held=True))


if __name__ == "__main__":
    main()
