"""Stage 12: landscapes. Codes say in which kind of place a take is and in what light, not where its
houses or peaks stand, so what the upsampler drew was the mean of all that it had seen: a haze for a
skyline. Decoder and upsampler learn here to draw one landscape of each kind, always the same, in the
light that the codes tell. The renderer teaches them: takes that the program made are painted anew,
with the object that their codes spell, and encoded.

    python fit_landscapes.py --stage takes     # plans and latents of 108 prompts and other plans, made by the program (`--program`) with the model that was exported: OUT/landscapes
    python fit_landscapes.py --stage painted   # what their latents are in these landscapes: OUT/landscapes/000.pt and so on
    python fit_landscapes.py                   # OUT/landscapes.pt, the refinement with that upsampler, and OUT/landscapes_decoder.pt
    python fit_pictures.py --stage kept        # pictures of other worlds are drawn by the same upsampler: as before
    python fit_pictures.py --stage colours

The inside of objects is held where it was on plans of all kinds. `--part 0/2` takes every second
take, so that two processes share the work. On the CPU alone.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from export import DECODERS, REFINEMENTS, last_before
from fit_landmarks import Encoder, decoded
from fit_mmdit import WINDOW
from fit_tokenizer import held_gaze
from fit_upsampler import networks, pixel_weights
from fit_vae import as_video
from grammar import COLOURS, FALLING, SCENES, TIMES, describe, pick, sample_graph
from render import HEIGHT, WIDTH, Painter, strips
from scene import compose
from self_taught import PROGRAM, make
from spelled import body_of, numbers, plan_of, radius_of
from training import Run, arguments, averaged, config, save_atomically

# the landscape of each kind, and its clouds, among those of the renderer
SHOWN = {
    "beach": (6, 6),
    "meadow": (5, 8),
    "desert": (4, 4),
    "city": (8, 10),
    "mountains": (8, 8),
    "snowfield": (6, 1),
    "space": (2, 0),
    "underwater": (4, 0),
}
HORIZON = -0.06  # where all of them have it
GROUNDS = (-0.72, -0.56)  # lines that things may stand on
# prompts; the last of them, which are not trained on; more of them, of events; latents of a take
TAKES, HELD_TAKES, EVENTFUL, LATENTS = 80, 8, 28, WINDOW
# plans of all kinds, of so many semantic frames
OTHERS, OTHER_FRAMES = 64, 61
# light that is no further than this, 0 .. 255, is as it was told; takes are left out where none is
# found within so much
LIKE, LIGHT = 24.0, 30.0
ON = 3.0  # weight of the object
KEEP = 0.15  # of its inside on other plans
BATCH = 24


# ------------------------------------------------------------------------------------- takes
def graphs_of_takes():
    """Scenes of the prompts. In the last EVENTFUL the light or the colour changes."""
    rng = np.random.default_rng(2028)
    for i in range(TAKES + EVENTFUL):
        scene = SCENES[i % (8 if i < TAKES else 6)]
        graph = sample_graph(rng, events=0, scene=scene, landmark="none", camera="static")
        if i >= TAKES:
            what, words = ("colour", COLOURS) if i % 3 == 2 else ("time", TIMES)
            others = [x for x in words if x != getattr(graph, what)]
            weather = graph.weather if graph.weather not in FALLING else "clear"
            graph = replace(graph, weather=weather, events=[(what, pick(rng, others))])
        yield graph


def is_held(i):
    return TAKES - HELD_TAKES <= i < TAKES


def file_of(a, i, kind):
    return Path(a.out) / f"landscapes/{i:03d}.{kind}"


def other_plan(a, i):
    return Path(a.out) / f"landscapes/other_{i:03d}.npy"


def mine(a, i):
    part, parts = map(int, a.part.split("/"))
    return i % parts == part


def make_takes(a):
    """OUT/landscapes/000.npy and .latents, in which nothing falls, and other_000.npy. What is there
    already stays."""
    rng = np.random.default_rng(1)
    file_of(a, 0, "").parent.mkdir(parents=True, exist_ok=True)
    for i, graph in enumerate(graphs_of_takes()):
        told, dry = (
            describe(replace(graph, weather=w), rng, leave_out=0.05, keep=("scene",))[0]
            for w in (graph.weather, "cloudy" if graph.weather in FALLING else graph.weather)
        )
        if mine(a, i):
            plan, frames = file_of(a, i, "npy"), str(LATENTS)
            make(a, plan, "tokens", "-p", told, "-s", str(i), "--num-frames", frames)
            make(a, file_of(a, i, "latents"), "refine", plan, "-p", dry, "-s", str(i))
    for i in range(OTHERS):
        told, plan = describe(sample_graph(rng), rng)[0], other_plan(a, i)
        if mine(a, i):
            make(a, plan, "tokens", "-p", told, "-s", str(i), "--num-frames", str(OTHER_FRAMES))


# ------------------------------------------------------------------------------------- painting
def scene_of(graph, codes, frames):
    """The scene in its landscape, with the object that the codes spell; nothing falls, and neither
    camera nor clouds, water or light move."""
    landscape, sky = SHOWN[graph.scene]
    still = replace(graph, seed=64 * landscape + sky, camera="static", events=[])
    scene = compose(still, frames)
    body = body_of(codes, frames)
    scene.bodies, scene.horizon, scene.wind = [body], HORIZON, 0.0
    scene.ground = float(np.clip((body.y - body.radius).min(), *GROUNDS))
    scene.index = np.zeros(frames)
    scene.rain, scene.snow = scene.rain * 0, scene.snow * 0
    return scene


@torch.no_grad()
def painted(scene):
    """-> frames [T,H,W,3] of a scene in its landscape, uint8; cover of the object [T,H,W]"""
    kind, p = scene.graph.scene, Painter([scene])
    p.landscape(*(x[None] for x in strips(kind, "none", SHOWN[kind][0])))
    cover = p.body(scene.bodies[0].kind, [0], scene.bodies)[0]
    p.weather()
    return p.finished(), cover


def colours_of(frames):
    """Frames uint8 [T,H,W,3] -> colours of their sky and their ground [T,6], 0 .. 255"""
    part = lambda rows: frames[:, rows].flatten(1, 2).float().median(1).values
    return torch.cat([part(slice(0, 20)), part(slice(108, 128))], 1)


def other_light(shown, new):
    """How far apart the light of two videos is: the largest difference of the colour of their sky
    or of their ground, 0 .. 255, over frames"""
    return float((colours_of(shown) - colours_of(new)).abs().amax())


def in_light(scene, palette, night):
    scene.palette, scene.night = palette.astype(np.float32), night
    return scene


def lit(scene, frames):
    """The scene in the light that frames show, where that is not the one that is told of: at any
    moment somewhere between two times of day"""
    if scene.graph.scene in ("space", "underwater"):
        return scene
    if other_light(frames, painted(scene)[0]) < LIKE:
        return scene
    seen, first = colours_of(frames), np.array([0])
    lights = [compose(replace(scene.graph, time=t, events=[]), 1) for t in TIMES]
    alone = [
        colours_of(painted(in_light(scene.take(first), x.palette, x.night))[0]) for x in lights
    ]
    pairs = [(i, j) for j in range(len(TIMES)) for i in range(j)]
    shares, errors = [], []
    for i, j in pairs:
        way = alone[j] - alone[i]
        share = ((seen - alone[i]) * way).sum(1).div(way.square().sum()).clamp(0, 1)
        shares.append(share)
        errors.append((alone[i] + share[:, None] * way - seen).square().sum(1))
    best = torch.stack(errors).argmin(0).tolist()
    palette, night = [], []
    for t, k in enumerate(best):
        (i, j), u = pairs[k], float(shares[k][t])
        palette.append(lights[i].palette[0] * (1 - u) + lights[j].palette[0] * u)
        night.append(lights[i].night[0] * (1 - u) + lights[j].night[0] * u)
    smooth = lambda v: np.stack([np.mean(v[max(0, t - 3) : t + 4], 0) for t in range(len(v))])
    return in_light(scene, smooth(palette), smooth(night))


def in_latents(cover):
    """Cover of frames [T,H,W] -> of latent cells [L,1,16,24]"""
    cells = F.avg_pool2d(cover[:, None], 8)
    return torch.cat([cells[:1], cells[1:].unflatten(0, (-1, 4)).mean(1)])


@torch.no_grad()
def paint(a):
    """OUT/landscapes/000.pt: latents [13,16,16,24] in their landscape, how much of their cells the
    object covers [13,1,16,24], how far the light is from what was shown"""
    encoded = Encoder(a.out)
    for i, graph in enumerate(graphs_of_takes()):
        shown, to = file_of(a, i, "latents"), file_of(a, i, "pt")
        if to.exists() or not mine(a, i):
            continue
        if not shown.exists():
            raise SystemExit(f"{shown}: not there, expected what --stage takes makes")
        frames = torch.from_numpy(decoded(a, shown))
        new, cover = painted(
            lit(scene_of(graph, plan_of(file_of(a, i, "npy")), len(frames)), frames)
        )
        latents = encoded(as_video(new[None]))
        light = other_light(frames, new)
        record = {"latents": latents.half(), "cover": in_latents(cover).half(), "light": light}
        save_atomically(record, to)
        print(to, f"{graph.scene} {graph.time} {graph.weather} {light:.1f}", flush=True)


# ------------------------------------------------------------------------------------- teaching
def frames_of(a, held):
    """Frames of the takes that teach, or of those that are held out: latents [n,16,16,24], codes
    [n,44], cover of the object [n,1,16,24]"""
    found = []
    for i in range(TAKES + EVENTFUL):
        if is_held(i) != held or not file_of(a, i, "pt").exists():
            continue
        made = torch.load(file_of(a, i, "pt"))
        if made["light"] <= LIGHT:
            codes = plan_of(file_of(a, i, "npy"))
            found.append((made["latents"].float(), codes, made["cover"].float()))
    if not found:
        raise SystemExit(
            f"{a.out}/landscapes: no take is ready, expected what --stage takes and --stage painted make"
        )
    return [torch.cat(x) for x in zip(*found)]


def inside(codes):
    """codes [n,44] -> cells inside of the object [n,1,16,24], 0 or 1"""
    n, radius = numbers(codes), radius_of(codes)[:, None, None]
    x, y = ((n[:, i, None, None] + 1) * size / 2 for i, size in ((0, WIDTH), (1, HEIGHT)))
    across, down = torch.arange(24) * 8.0 + 4, torch.arange(16)[:, None] * 8.0 + 4
    return ((across - x) ** 2 + (down - y) ** 2 < (0.8 * radius) ** 2)[:, None].float()


def measure(control, latents, cover, weights):
    """-> loss; mean squared error as the pixels have it beside the object and on it"""
    error = (control - latents).square() * weights
    mean = lambda cells: (error * cells).sum().detach() / (16 * cells.sum().clamp(min=1))
    return (error * (1 + ON * cover)).mean(), {
        "landscape": mean(cover == 0),
        "on": mean(cover > 0.3),
    }


class Drawing:
    """Decoder and upsampler: codes [n,44] -> control latents [n,16,16,24]"""

    def __init__(self, a):
        self.model, self.tokenizer = networks(
            a,
            last_before("landscapes", REFINEMENTS, a.out),
            last_before("landscapes_decoder", DECODERS, a.out),
        )
        self.up = self.model.control.semantic_conditioner
        quantizer, decoder = self.tokenizer.quantizer, self.tokenizer.decoder
        self.parts = nn.ModuleDict(
            {"up": self.up, "decoder": decoder, "project_out": quantizer.project_out}
        )

    def __call__(self, codes, noise=0.0):
        f = self.tokenizer.decode(codes)
        return self.up(f + noise * torch.randn_like(f))[:, 0]


@torch.no_grad()
def report(drawing, held, weights):
    latents, codes, cover = held
    told = [
        measure(drawing(c), z, k, weights)[1]
        for z, c, k in zip(latents.split(13), codes.split(13), cover.split(13))
    ]
    print(
        "held out: " + ", ".join(f"{k} {np.mean([float(t[k]) for t in told]):.4f}" for k in told[0])
    )


def teach(a):
    torch.manual_seed(0)
    drawing, before = Drawing(a), Drawing(a)
    train, held = frames_of(a, False), frames_of(a, True)
    others = torch.cat([plan_of(other_plan(a, i)) for i in range(OTHERS)])
    weights = 0.1 + 0.9 * pixel_weights(a.out)
    report(before, held, weights)
    drawing.parts.train()
    held_gaze(drawing.tokenizer.decoder)
    run = Run(
        "landscapes_training",
        drawing.parts,
        a,
        lr=0.008 * a.rate,
        adam_lr=6e-4 * a.rate,
        adam_only=("conv_in", "conv_out"),
        warmup=30,
        average=0.99,
    )
    torch.manual_seed(run.steps)
    for _ in run:
        which = torch.randint(len(train[0]), (BATCH,))
        latents, codes, cover = (x[which] for x in train)
        loss, told = measure(drawing(codes, 0.05), latents, cover, weights)
        other = others[torch.randint(len(others), (BATCH // 3,))]
        with torch.no_grad():
            was = before(other)
        cells = inside(other)
        kept = ((drawing(other) - was).square() * weights * cells).sum()
        kept = kept / (16 * cells.sum().clamp(min=1))
        run.step(loss + KEEP * kept, **told, kept=kept)
    drawing.parts.load_state_dict(run.mean)
    drawing.parts.eval()
    save_atomically({"mean": drawing.model.state_dict()}, f"{a.out}/landscapes.pt")
    save_atomically({"mean": drawing.tokenizer.state_dict()}, f"{a.out}/landscapes_decoder.pt")
    report(drawing, held, weights)


def main():
    stages = {"teach": teach, "takes": make_takes, "painted": paint}
    a = arguments(plan=24.0, cpu_alone=True, stage=tuple(stages), rate=1.0, part="0/1", **PROGRAM)
    stages[a.stage](a)


if __name__ == "__main__":
    main()
