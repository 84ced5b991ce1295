"""Stage 9: rain and snow. Codes say that it rains, not where a drop is, and what regresses paints
the mean of all places: a grey sky. Here the noise of the refinement decides. In each patch of each
latent something falls or not, for itself: one of a few sprites, drops or flakes that fall for the
four frames of the latent. Which one the noisy patch holds has a posterior in closed form, and that
is what the refinement learns to add where the text tells of rain or snow.

    python fit_weather.py --stage sprites     # what a patch of latents gains so that the decoder shows a sprite, by descent through the decoder: OUT/sprites.pt
    python fit_weather.py --stage takes       # plans and latents of 80 prompts, made by the program (`--program`) with the model that was exported: OUT/weather
    python fit_weather.py                     # OUT/mmdit.pt, taught by itself: OUT/weather.pt

The teacher is the refinement as it was, shown the same window without anything falling; the answer
wanted is the teacher's, and the posterior's mean where it rains or snows. Where nothing falls it so
stays what it was. Latents that a window begins with may be of other weather than its text: it
begins or stops. On the CPU alone.
"""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file

from fit_mmdit import WINDOW
from fit_text_encoder import Pieces, load_text_encoder
from fit_upsampler import control_latents, latent_scale, networks, pixel_weights
from fit_vae import as_video
from fit_vit import PATCH
from grammar import DRY, FALLING, INDOORS_OF_TIME, OUTDOORS, SCENES, describe, pick, sample_graph
from net_dit import DiT, noise_table
from net_vae import VAE, channels_last
from render import render_many
from scene import compose
from self_taught import PROGRAM, Noised, draw_known, draw_late_times, each, make
from spelled import CODES
from training import Run, arguments, averaged, config

# of each kind; of patches in which something falls
SPRITES, SHARE = 4, 0.4
# the posterior's log odds, times this: an answer between two sprites looks like neither
SURE = 2.0
# of a drop, added to the picture; of a flake, which covers it
LIGHT = (0.55, 0.85)
# scenes that sprites are looked for in, their frames (one call of the decoder), rows and columns of
# latents cut out
SHOWN, FRAMES, CUT = 12, 9, (12, 16)
SEEN = 8.0  # weight of pixels where something falls
# prompts; the last of them, which are not trained on; latents of a take
TAKES, HELD_TAKES, LATENTS = 80, 8, 19
CAPTIONS = 4  # of each take in each weather
# share of samples told another weather than their plan's; of those whose first latents have another
# one
OTHER_WEATHER, CHANGED = 0.3, 0.15
# share of samples without a text, in which nothing falls
SILENT = 0.05
# share of samples at the last listed timestep, besides those that `draw_times` puts there
LAST = 0.4
LENGTHS = {3: 8, 5: 5}  # latents of a sample: samples a step


# ------------------------------------------------------------------------------------- sprites
def covers():
    """How much of each pixel a sprite covers, in the four frames of a latent: [2,SPRITES,4,32,32],
    around a patch, whose first pixel is at (8,8)"""
    pixel = torch.arange(2.0 * PATCH) - PATCH / 2 + 0.5
    x, y = pixel[None, :], pixel[:, None]
    cover = torch.zeros(2, SPRITES, 4, 2 * PATCH, 2 * PATCH)
    for k, frame in np.ndindex(SPRITES, 4):
        # a drop is a slanted streak
        across, down = (4, 12)[k % 2], 8 * (k // 2) - 4 + 5 * frame
        cover[0, k, frame] = torch.exp(
            -(((x - across + 0.15 * (y - 8)) / 1.1) ** 2) - ((y - down) / 5) ** 2
        )
        since, aside = frame - 1.5, (-0.6, 0.6)[k % 2]
        across, down, radius = (
            (4, 12, 12, 4)[k] + aside * since,
            8 * (k // 2) + 4 + 1.5 * since,
            (2, 2.5, 2.5, 2)[k],
        )
        cover[1, k, frame] = torch.exp(-((x - across) ** 2 + (y - down) ** 2) / radius**2)
    return cover


def draw_sprites(*shape):
    """-> sprite of each patch as one of SPRITES + 1 (the last: none), [*shape,SPRITES+1]"""
    return F.one_hot(
        torch.where(torch.rand(shape) < SHARE, torch.randint(SPRITES, shape), SPRITES), SPRITES + 1
    ).float()


def covered(cover, drawn):
    """cover [SPRITES,4,32,32], drawn [T,h,w,SPRITES+1] -> cover of each frame [4T-3,16h,16w]"""
    frames = F.conv_transpose2d(
        drawn[..., :-1].permute(0, 3, 1, 2), cover, stride=PATCH, padding=PATCH // 2
    )
    return torch.cat([frames[0, -1:], frames[1:].flatten(0, 1)]).clamp(max=1)


def put_down(sprites, drawn):
    """sprites [n,SPRITES,16,2,2], drawn [n,T,h,w,SPRITES+1] or shares of them -> what latents gain
    [n,T,16,2h,2w]"""
    return torch.einsum("ntyxk,nkcij->ntcyixj", drawn[..., :-1], sprites).flatten(5).flatten(3, 4)


class Sprites(nn.Module):
    """What a patch of scaled latents gains from a drop or a flake: [2,SPRITES,16,2,2]"""

    def __init__(self, c):
        super().__init__()
        self.latents = nn.Parameter(
            torch.zeros(2, SPRITES, c["latent_channels"], c["patch"], c["patch"])
        )


@torch.no_grad()
def dry_scenes(vae):
    """Latents [SHOWN,3,16,16,24] of scenes in which it should rain or snow, with nothing falling"""
    rng, latents = np.random.default_rng(11), []
    for i in range(SHOWN):
        scene = compose(
            sample_graph(
                rng,
                events=0,
                weather=FALLING[(i + 1) % 2],
                camera="static",
                scene=pick(rng, OUTDOORS),
            ),
            FRAMES,
        )
        scene.rain, scene.snow = np.zeros(FRAMES), np.zeros(FRAMES)
        latents.append(vae.encoder(as_video(render_many([scene])[0]))[0])
    return torch.cat(latents).transpose(1, 2)


def find_sprites(a):
    vae, scale = (
        channels_last(averaged("vae_settled", VAE(config("temporal_vae")), a.out)).requires_grad_(
            False
        ),
        latent_scale(a.out),
    )
    scenes, cover, model = dry_scenes(vae) * scale, covers(), Sprites(config("mmdit"))
    decode = lambda z: vae.decode(z.transpose(1, 2) / scale)
    run = Run("sprites", model, a, adam_lr=0.08, adam_only=("",), average=0.9, warmup=5, clip=0)
    torch.manual_seed(run.steps + 1)
    for _ in run:
        row, column = (
            2 * int(torch.randint((whole - part) // 2 + 1, ()))
            for whole, part in zip(scenes.shape[3:], CUT)
        )
        z = scenes[torch.randint(SHOWN, (2,)), :, :, row : row + CUT[0], column : column + CUT[1]]
        drawn = draw_sprites(*z.shape[:2], CUT[0] // 2, CUT[1] // 2)
        with torch.no_grad():
            plain = decode(z)
        rain, snow = (covered(cover[k], drawn[k])[None] for k in range(2))
        missing = torch.stack(
            [LIGHT[0] * rain.expand_as(plain[0]), 0.9 * snow * (LIGHT[1] - plain[1])]
        )
        added = decode(z + put_down(model.latents, drawn)) - plain
        weight = 1 + SEEN * (missing.abs().amax(1, keepdim=True) > 0.1)
        alike = torch.cosine_similarity(added.detach().flatten(1), missing.flatten(1))
        run.step(((added - missing).square() * weight).mean(), rain=alike[0], snow=alike[1])


def posterior_mean(x, a, sprites):
    """x [n,T,16,16,24] = a * what patches gain + sqrt(1 - a^2) * noise; a [n], sprites
    [n,SPRITES,16,2,2] -> mean of what they gain, given x, its odds raised to SURE"""
    ratio = each(a / (1 - a * a))
    alike = torch.einsum(
        "ntcyixj,nkcij->ntyxk", x.unflatten(4, (-1, 2)).unflatten(3, (-1, 2)), sprites
    )
    energy = sprites.square().sum((2, 3, 4))[:, None, None, None]
    odds = SURE * ratio * (alike - 0.5 * each(a) * energy) + math.log(SHARE / SPRITES)
    return put_down(sprites, F.pad(odds, (0, 1), value=math.log(1 - SHARE)).softmax(-1))


# ------------------------------------------------------------------------------------- samples
def graphs_of_takes():
    """Scenes of the prompts; more than half of them wet"""
    rng = np.random.default_rng(2026)
    for _ in range(TAKES):
        weather = pick(rng, FALLING + DRY, [0.325, 0.325, 0.125, 0.125, 0.10])
        scene = pick(rng, SCENES if weather == "clear" else OUTDOORS)
        yield sample_graph(rng, events=0, weather=weather, scene=scene)


def make_takes(a):
    """OUT/weather/000.npy and .latents, and so on. What is there already stays."""
    folder, rng = Path(a.out) / "weather", np.random.default_rng(1)
    folder.mkdir(parents=True, exist_ok=True)
    for i, graph in enumerate(graphs_of_takes()):
        prompt, seed = describe(graph, rng, leave_out=0.05)[0], str(i)
        plan, latents = (folder / f"{i:03d}.{kind}" for kind in ("npy", "latents"))
        make(a, plan, "tokens", "-p", prompt, "-s", seed, "--num-frames", str(LATENTS))
        make(a, latents, "refine", plan, "-p", prompt, "-s", seed)


def falling_of(weather):
    """Its row in what `Sprites` holds, or -1"""
    return FALLING.index(weather) if weather in FALLING else -1


class Takes:
    """What the program made of the prompts: latents and control latents [N,19,16,16,24]; captions
    [N,3,CAPTIONS,48] in rain, in snow and dry, and what falls in the plan of each."""

    def __init__(self, a, model, tokenizer, first, last):
        made = [
            (i, g)
            for i, g in enumerate(graphs_of_takes())
            if first <= i < last and (Path(a.out) / f"weather/{i:03d}.latents").exists()
        ]
        if not made:
            raise SystemExit(
                f"{a.out}/weather: no latents of takes {first} to {last - 1}, expected what --stage takes makes"
            )
        file = lambda i, kind: Path(a.out) / f"weather/{i:03d}.{kind}"
        self.latents = torch.stack([load_file(file(i, "latents"))["latents"] for i, _ in made])
        codes = torch.from_numpy(np.stack([np.load(file(i, "npy")) for i, _ in made])).unflatten(
            1, (-1, CODES)
        )
        self.control = control_latents(model, tokenizer, codes).float()
        pieces, rng = (
            Pieces(f"{a.out}/spiece.model", config("text_encoder")["max_length"]),
            np.random.default_rng(first),
        )
        told = [
            describe(replace(g, weather=w), rng)[0]
            for _, g in made
            for w in self.weathers(g)
            for _ in range(CAPTIONS)
        ]
        self.captions = pieces.padded(told).unflatten(0, (len(made), 3, CAPTIONS))
        self.own = torch.tensor([falling_of(g.weather) for _, g in made])
        self.timeless = torch.tensor([g.scene in INDOORS_OF_TIME for _, g in made])
        self.encoder = load_text_encoder(a.out)

    @staticmethod
    def weathers(graph):
        """Of the three captions. Where there is no weather all are dry."""
        if graph.scene in INDOORS_OF_TIME:
            return [graph.weather] * 3
        return FALLING + [graph.weather if graph.weather in DRY else "cloudy"]

    @torch.no_grad()
    def __call__(self, n, length):
        """-> latents, control latents [n,length,16,16,24], text [n,48,d], rows of the position
        table, known [n] latents, what falls as told [n] and in the known ones [n]"""
        take, row = (
            torch.randint(len(self.latents), (n,)),
            int(torch.randint(WINDOW - length + 1, ())),
        )
        own = self.own[take]
        told = torch.where(torch.rand(n) < OTHER_WEATHER, torch.randint(-1, 2, (n,)), own)
        silent = torch.rand(n) < SILENT
        told[self.timeless[take] | silent] = -1
        before = torch.where(
            torch.rand(n) < CHANGED, torch.where(told < 0, torch.randint(2, (n,)), -1), told
        )
        at = torch.randint(self.latents.shape[1] - WINDOW + 1, (n, 1)) + row + torch.arange(length)
        text = (
            self.encoder(self.captions[take, told % 3, torch.randint(CAPTIONS, (n,))])
            * ~silent[:, None, None]
        )
        known = draw_known(n, none=0.25) - row
        return (
            self.latents[take[:, None], at],
            self.control[take[:, None], at],
            text,
            row + torch.arange(length),
            known.clamp(0, length - 1),
            told,
            before,
        )


# ------------------------------------------------------------------------------------- teaching
def answers(model, teacher, sample, sprites, levels, t):
    """-> what the model adds to the teacher's x0, what it should add, mask of unknown latents
    [n,length,1,1,1]"""
    *window, told, before = sample
    noised, z = Noised(*window, levels, t), window[0]
    of_kind = lambda kind: sprites[kind.clamp(min=0)] * each(kind >= 0)
    drawn = draw_sprites(*z.shape[:2], *(size // 2 for size in z.shape[3:]))
    # the mean and a draw, as the sampler's answers before
    between = torch.lerp(torch.full_like(drawn, SHARE / SPRITES), drawn, each(torch.rand(len(z))))
    inside, there = put_down(of_kind(told), between), put_down(of_kind(before), drawn)
    with torch.no_grad():
        taught = noised.x0(teacher)
        wanted = posterior_mean(
            noised.a * (z + inside - taught) + noised.s * noised.noise, noised.level, of_kind(told)
        )
    return noised.x0(model, inside, there) - taught, wanted, noised.unknown


class Measure:
    """Mean squared error as the pixels have it, and what it comes to in rain, in snow and where
    nothing falls, as shares of the square of all that falls"""

    def __init__(self, a, sprites):
        self.weights = 0.25 + 0.75 * pixel_weights(a.out)
        self.power = SHARE * (sprites.square() * self.weights).mean((1, 2, 3, 4))

    def __call__(self, added, wanted, unknown, told):
        of = lambda x: (x.square() * self.weights * unknown).sum((1, 2, 3, 4)) / x[0, 0].numel()
        error, latents = of(added - wanted), unknown.sum((1, 2, 3, 4))
        shares = {"rain": told == 0, "snow": told == 1, "dry": told < 0}
        power = {"rain": self.power[0], "snow": self.power[1], "dry": self.power.mean()}
        return error.sum() / latents.sum(), {
            k: (error[i] / latents[i]).mean().detach() / power[k]
            for k, i in shares.items()
            if i.any()
        }


@torch.no_grad()
def report(model, teacher, held, sprites, levels, measure):
    for t in config("mmdit")["timesteps"]:
        torch.manual_seed(1)
        errors, nothing = {}, {}
        for _ in range(6):
            sample = held(6, WINDOW)
            added, wanted, unknown = answers(
                model, teacher, sample, sprites, levels, torch.full((6,), t)
            )
            for table, guess in ((errors, added), (nothing, torch.zeros_like(added))):
                for k, v in measure(guess, wanted, unknown, sample[5])[1].items():
                    table.setdefault(k, []).append(float(v))
        told = ", ".join(
            f"{k} {np.mean(v):.3f} (nothing added: {np.mean(nothing[k]):.3f})"
            for k, v in errors.items()
        )
        print(f"t {t}: squared error as a share of what falls: {told}", flush=True)


def teach(a):
    torch.manual_seed(0)
    teacher, tokenizer = networks(a, "mmdit", "decoder")
    model = averaged("mmdit", DiT(config("mmdit")), a.out).train().requires_grad_(False)
    # all else has a hand in how latents pass through
    model.main.transformer.layers.requires_grad_(True)
    teacher.requires_grad_(False)
    train, held = (
        Takes(a, teacher, tokenizer, 0, TAKES - HELD_TAKES),
        Takes(a, teacher, tokenizer, TAKES - HELD_TAKES, TAKES),
    )
    sprites, levels = (
        averaged("sprites", Sprites(config("mmdit")), a.out).latents.detach(),
        noise_table(),
    )
    measure = Measure(a, sprites)
    run = Run(
        "weather", model, a, lr=0.008 * a.rate, adam_lr=2e-4 * a.rate, average=0.98, warmup=20
    )
    torch.manual_seed(run.steps + 1)
    for _ in run:
        length = 5 if run.steps % 4 == 3 else 3
        n = LENGTHS[length]
        sample, t = train(n, length), draw_late_times(n, model.c["timesteps"], LAST)
        added, wanted, unknown = answers(model, teacher, sample, sprites, levels, t)
        loss, shares = measure(added, wanted, unknown, sample[5])
        run.step(loss, **shares)
    model.load_state_dict(run.mean)
    report(model, teacher, held, sprites, levels, measure)


def main():
    stages = {"teach": teach, "sprites": find_sprites, "takes": make_takes}
    a = arguments(plan=52.0, cpu_alone=True, stage=tuple(stages), rate=1.0, **PROGRAM)
    stages[a.stage](a)


if __name__ == "__main__":
    main()
