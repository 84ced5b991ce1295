"""Stage 10: landmarks. What the language model and the upsampler know of a lighthouse or a castle
is a faint spot, if anything. The refinement reads the prompt and learns here to paint each landmark
by itself, always at its own place, behind the object. What it adds is taught by the renderer: a
landmark is put into takes that the program made, the light and the object's outline being known,
and encoded.

    python fit_landmarks.py --stage takes     # plans and latents of 80 prompts, made by the program (`--program`) with the model that was exported: OUT/landmarks
    python fit_landmarks.py --stage added     # what the latents of these gain from a landmark: OUT/landmarks/000.pt and so on
    python fit_landmarks.py                   # OUT/weather.pt (OUT/mmdit.pt, where it rains already), taught by itself: OUT/landmarks.pt

The teacher is the refinement as it was. Where the camera moves on it is taught to paint none: a
landmark would pass. On the CPU alone.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from evaluate import read_video
from fit_mmdit import WINDOW
from fit_text_encoder import Pieces, load_text_encoder
from fit_upsampler import control_latents, latent_scale, networks, pixel_weights
from fit_vae import as_video
from grammar import (
    CAMERA_ODDS,
    CAMERAS,
    FALLING,
    FITTING_LANDMARKS,
    LANDMARKS,
    SCENES,
    describe,
    pick,
    sample_graph,
)
from net_dit import DiT, noise_table
from net_vae import VAE, channels_last
from render import HEIGHT, WIDTH, Painter, Strip, paint_landmark
from scene import PERIOD, compose
from self_taught import PROGRAM, Noised, draw_known, draw_late_times, each, make
from spelled import body_of, plan_of
from training import Run, arguments, averaged, config

# where each stands: place across, in units from the middle of the frame, and size
STANDS = {
    "lighthouse": (-1.0, 0.85),
    "tree": (-0.85, 0.95),
    "house": (0.85, 0.95),
    "windmill": (-0.8, 0.85),
    "castle": (-0.75, 0.85),
    "cactus": (0.95, 1.0),
    "pyramid": (0.7, 0.8),
}
# where all stand, in units above the middle: just below the horizon
FOOT = -0.14
# prompts; the last of them, which are not trained on; latents of a take
TAKES, HELD_TAKES, LATENTS = 80, 8, WINDOW
# landmarks that are put into a take; captions of each
SHOWN, CAPTIONS = 3, 3
ROUND = 1.08  # the object's outline is drawn larger by this
# share of samples that tell of no landmark; without a text
NONE, SILENT = 0.2, 0.05
# share of samples whose first latents are of another prompt: a landmark comes or goes
APPEARS = 0.12
# share of samples at the last listed timestep, besides those that `draw_times` puts there
LAST = 0.3
ON = 4.0  # weight of what a landmark changes
LENGTHS = {2: 12, 3: 8, 5: 5}  # latents of a sample: samples a step


# ------------------------------------------------------------------------------------- takes
def graphs_of_takes():
    """Scenes of the prompts. Every other one tells of a landmark that fits, if any does: what the
    program makes of it so far is in its latents."""
    rng = np.random.default_rng(2027)
    for i in range(TAKES):
        scene = pick(rng, SCENES, [0.17, 0.20, 0.17, 0.07, 0.16, 0.11, 0.05, 0.07])
        camera = "static" if rng.random() < 0.75 else pick(rng, CAMERAS, CAMERA_ODDS)
        graph, fitting = (
            sample_graph(rng, events=0, scene=scene, landmark="none", camera=camera),
            fitting_in(scene),
        )
        yield (
            replace(graph, landmark=fitting[i // 2 % len(fitting)]) if i % 2 and fitting else graph
        )


def fitting_in(scene):
    return list(dict.fromkeys(x for x in FITTING_LANDMARKS[scene] if x != "none"))


def stands_still(graph):
    """Does what stands behind the object stay where it is?"""
    return not compose(graph, 4 * LATENTS - 3).pan.any()


def file_of(a, i, kind):
    return Path(a.out) / f"landmarks/{i:03d}.{kind}"


def make_takes(a):
    """OUT/landmarks/000.npy and .latents; of what rains or snows also .dry.latents, the same
    without. What is there already stays."""
    rng = np.random.default_rng(1)
    file_of(a, 0, "").parent.mkdir(parents=True, exist_ok=True)
    for i, graph in enumerate(graphs_of_takes()):
        told = lambda weather: describe(
            replace(graph, weather=weather),
            rng,
            leave_out=0.05,
            terse=0.1 * (graph.landmark == "none"),
            keep=("landmark",),
        )[0]
        plan, seed = file_of(a, i, "npy"), str(i)
        refined = {
            "latents": told(graph.weather),
            **({"dry.latents": told("cloudy")} if graph.weather in FALLING else {}),
        }
        make(a, plan, "tokens", "-p", refined["latents"], "-s", seed, "--num-frames", str(LATENTS))
        for kind, prompt in refined.items():
            make(a, file_of(a, i, kind), "refine", plan, "-p", prompt, "-s", seed)


# -------------------------------------------------------------------------------- what latents gain
def strip_of(landmark):
    strip = Strip()
    place, size = STANDS[landmark]
    paint_landmark(strip, landmark, place + PERIOD / 2, size)
    return strip.finished()


@torch.no_grad()
def painted(graph, landmark, codes, frames):
    """-> colours times cover [T,H,W,3] of 0 .. 1 and cover [T,H,W] of a landmark behind the object
    that the codes spell"""
    scene = compose(replace(graph, camera="static"), frames)
    body = body_of(codes, frames)
    body.radius *= ROUND
    scene.bodies, scene.horizon = [body], FOOT + 0.03
    p = Painter([scene])
    p.image = torch.zeros(frames, 3, HEIGHT, WIDTH)
    hidden = p.body(scene.bodies[0].kind, [0], scene.bodies)[0]
    p.image = torch.zeros(frames, 3, HEIGHT, WIDTH)
    p.strip_layer(strip_of(landmark)[None], 1.0, p.mid_haze, p.mid_clear, p.night)
    cover = p.layers[0]
    band = p.fog * torch.exp(-(((p.Y - p.horizon) / 0.5) ** 2))
    p.image = p.image * (1 - band[:, None]) + (band * cover)[:, None] * p.haze
    seen = 1 - hidden
    return p.finished().float() / 255 * seen[..., None], cover * seen


def with_landmark(video, graph, landmark, codes):
    """video [1,3,T,H,W] in [-1,1] of the program's -> the same with a landmark"""
    colours, cover = painted(graph, landmark, codes, video.shape[2])
    return (video + 1) * (1 - cover) + 2 * colours.permute(3, 0, 1, 2) - 1


def shown_in(i, graph):
    """Landmarks that are put into take i: the one it tells of, or one that is found in such a
    place, and any others in turn"""
    fitting, others = fitting_in(graph.scene), [LANDMARKS[1 + (2 * i + j) % 7] for j in range(7)]
    first = (
        graph.landmark
        if graph.landmark != "none"
        else fitting[i // 2 % len(fitting)]
        if fitting
        else others[0]
    )
    return list(dict.fromkeys([first] + others))[:SHOWN]


def decoded(a, latents):
    """Frames of a file of latents, uint8 [T,H,W,3]"""
    video = latents.with_suffix(".y4m")
    make(a, video, "decode", latents)
    frames = read_video(video)
    video.unlink()
    return frames


class Encoder:
    """The VAE's: video [1,3,T,128,192] in [-1,1] -> latents as the refinement's
    [(T+3)/4,16,16,24]"""

    def __init__(self, out):
        vae = channels_last(averaged("vae_settled", VAE(config("temporal_vae")), out))
        self.encoder, self.scale = vae.encoder, latent_scale(out)

    @torch.no_grad()
    def __call__(self, video):
        return self.encoder(video)[0].transpose(1, 2)[0] * self.scale


@torch.no_grad()
def find_added(a):
    encoded = Encoder(a.out)
    for i, graph in sorted(enumerate(graphs_of_takes()), key=lambda x: x[0] < TAKES - HELD_TAKES):
        shown, to = (
            file_of(a, i, "dry.latents" if graph.weather in FALLING else "latents"),
            file_of(a, i, "pt"),
        )
        if to.exists() or not stands_still(graph):
            continue
        if not shown.exists():
            raise SystemExit(f"{shown}: not there, expected what --stage takes makes")
        codes = plan_of(file_of(a, i, "npy"))
        video = as_video(torch.from_numpy(decoded(a, shown))[None])
        plain = encoded(video)
        torch.save(
            torch.stack(
                [
                    encoded(with_landmark(video, graph, landmark, codes)) - plain
                    for landmark in shown_in(i, graph)
                ]
            ).half(),
            to,
        )
        print(to, flush=True)


# ------------------------------------------------------------------------------------- teaching
class Takes:
    """What the program made of the prompts: latents and control latents [N,13,16,16,24], what the
    latents gain from each of SHOWN landmarks [N,SHOWN+1,13,16,16,24] (the last: from none,
    nothing), captions that tell of them [N,SHOWN+1,CAPTIONS,48]."""

    def __init__(self, a, model, tokenizer, first, last):
        ready = lambda i, graph: (
            file_of(a, i, "latents").exists()
            and (file_of(a, i, "pt").exists() or not stands_still(graph))
        )
        made = [
            (i, g) for i, g in enumerate(graphs_of_takes()) if first <= i < last and ready(i, g)
        ]
        if not made:
            raise SystemExit(
                f"{a.out}/landmarks: none of the takes {first} to {last - 1} is ready, expected what --stage takes and --stage added make"
            )
        self.latents = torch.stack(
            [load_file(file_of(a, i, "latents"))["latents"] for i, _ in made]
        )
        codes = torch.stack([plan_of(file_of(a, i, "npy")) for i, _ in made])
        self.control = control_latents(model, tokenizer, codes).float()
        self.added = torch.zeros(len(made), SHOWN + 1, *self.latents.shape[1:], dtype=torch.float16)
        for n, (i, g) in enumerate(made):
            if stands_still(g):
                self.added[n, :SHOWN] = torch.load(file_of(a, i, "pt"))
        pieces, rng = (
            Pieces(f"{a.out}/spiece.model", config("text_encoder")["max_length"]),
            np.random.default_rng(first),
        )
        told = [
            describe(replace(g, landmark=x), rng, terse=0.1 * (x == "none"), keep=("landmark",))[0]
            for i, g in made
            for x in shown_in(i, g) + ["none"]
            for _ in range(CAPTIONS)
        ]
        self.captions = pieces.padded(told).unflatten(0, (len(made), SHOWN + 1, CAPTIONS))
        self.encoder = load_text_encoder(a.out)

    @torch.no_grad()
    def __call__(self, n, length):
        """-> latents, control latents [n,length,16,16,24], text [n,48,d], rows of the position
        table, known [n] latents, what latents gain from what is told, and from what is in the known
        ones [n,length,16,16,24]"""
        take, row = (
            torch.randint(len(self.latents), (n,)),
            int(torch.randint(WINDOW - length + 1, ())),
        )
        told = torch.where(torch.rand(n) < NONE, SHOWN, torch.randint(SHOWN, (n,)))
        silent = torch.rand(n) < SILENT
        told[silent] = SHOWN
        before = torch.where(torch.rand(n) < APPEARS, torch.randint(SHOWN + 1, (n,)), told)
        rows = row + torch.arange(length)
        text = (
            self.encoder(self.captions[take, told, torch.randint(CAPTIONS, (n,))])
            * ~silent[:, None, None]
        )
        known = draw_known(n, none=0.3) - row
        of = lambda x: x[take[:, None], rows]
        gained = lambda which: self.added[take[:, None], which[:, None], rows].float()
        return (
            of(self.latents),
            of(self.control),
            text,
            rows,
            known.clamp(0, length - 1),
            gained(told),
            gained(before),
        )


def answers(model, teacher, sample, levels, t):
    """-> what the model adds to the teacher's x0, what it should add, mask of unknown latents
    [n,length,1,1,1]"""
    *window, wanted, there = sample
    noised = Noised(*window, levels, t)
    with torch.no_grad():
        taught = noised.x0(teacher)
    # the answers before may have been weaker
    inside = wanted * each((0.5 + torch.rand(len(t))).clamp(max=1))
    return noised.x0(model, inside, there) - taught, wanted, noised.unknown


def measure(added, wanted, unknown, weights):
    """-> loss, squared error as the pixels have it where a landmark is, as a share of its own
    square, and mean squared error where none is"""
    on = (wanted.abs().amax(2, keepdim=True) > 0.1).float()
    error = (added - wanted).square() * weights * unknown
    own = (wanted.square() * weights * unknown * on).sum()
    there = (error * on).sum() / own.clamp(min=1e-6) if own > 0 else torch.full((), torch.nan)
    shown = {"landmark": there.detach()} if own > 0 else {}
    cells = unknown.expand_as(on)
    return (error * (1 + ON * on)).sum() / cells.sum() / 16, {
        **shown,
        "elsewhere": ((error * (1 - on)).sum() / (cells * (1 - on)).sum() / 16).detach(),
    }


@torch.no_grad()
def report(model, teacher, held, levels, weights):
    for t in config("mmdit")["timesteps"]:
        torch.manual_seed(1)
        told = {}
        for _ in range(6):
            for k, v in measure(
                *answers(model, teacher, held(6, WINDOW), levels, torch.full((6,), t)), weights
            )[1].items():
                told.setdefault(k, []).append(float(v))
        print(f"t {t}: " + ", ".join(f"{k} {np.mean(v):.4f}" for k, v in told.items()), flush=True)


def teach(a):
    torch.manual_seed(0)
    before = "weather" if (Path(a.out) / "weather.pt").exists() else "mmdit"
    teacher, tokenizer = networks(a, before, "decoder")
    model = averaged(before, DiT(config("mmdit")), a.out).train().requires_grad_(False)
    # all else has a hand in how latents pass through
    model.main.transformer.layers.requires_grad_(True)
    teacher.requires_grad_(False)
    train, held = (
        Takes(a, teacher, tokenizer, 0, TAKES - HELD_TAKES),
        Takes(a, teacher, tokenizer, TAKES - HELD_TAKES, TAKES),
    )
    levels, weights = noise_table(), 0.25 + 0.75 * pixel_weights(a.out)
    run = Run(
        "landmarks", model, a, lr=0.008 * a.rate, adam_lr=2e-4 * a.rate, average=0.98, warmup=20
    )
    torch.manual_seed(run.steps + 1)
    for _ in run:
        length = (2, 3, 2, 5)[run.steps % 4]
        n = LENGTHS[length]
        t = draw_late_times(n, model.c["timesteps"], LAST)
        loss, numbers = measure(*answers(model, teacher, train(n, length), levels, t), weights)
        run.step(loss, **numbers)
    model.load_state_dict(run.mean)
    report(model, teacher, held, levels, weights)


def main():
    stages = {"teach": teach, "takes": make_takes, "added": find_added}
    a = arguments(plan=60.0, cpu_alone=True, stage=tuple(stages), rate=1.0, **PROGRAM)
    stages[a.stage](a)


if __name__ == "__main__":
    main()
