"""Stage 13: objects. The VAE's encoder rounds off what turns within the four frames of a latent, so
who learns from its latents learns round stars; its decoder can draw them with all their points (of
latents found by descent through it). The refinement learns here from pixels: its answers are
decoded, and compared with the object that the codes spell, as the renderer paints it.

    python fit_objects.py --stage takes    # plans of 300 prompts, made by the program (`--program`) with the model that was exported, and what the renderer paints for them: OUT/objects
    python fit_objects.py --threads 2      # the refinement before, taught by itself and by these: OUT/objects.pt

Beside the object, and where rain or snow is told, the teacher is the refinement as it was.
`--part 0/2` takes every second take, so that two processes share the work. On the CPU alone.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from export import DECODERS, REFINEMENTS, last_before, last_of
from fit_landmarks import decoded
from fit_landscapes import LIGHT, lit, mine, other_light, painted, scene_of
from fit_mmdit import WINDOW
from fit_text_encoder import Pieces, load_text_encoder
from fit_upsampler import control_latents, latent_scale, networks, pixel_weights
from fit_vae import as_video
from grammar import DRY, FALLING, OBJECTS, describe, pick, sample_graph
from net_dit import DiT, answer, refine
from net_vae import VAE, CausalConv, SpatialNorm, channels_last, moments
from self_taught import PROGRAM, make
from spelled import plan_of
from training import Run, arguments, averaged, config, save_atomically

# prompts; the last of them, which are not trained on; latents of a take: two windows
TAKES, HELD_TAKES, LATENTS = 300, 12, 19
CAPTIONS = 3  # of each take
# how often each object is asked for: what has points, more
ODDS = {
    "ball": 0.06,
    "cube": 0.12,
    "triangle": 0.22,
    "star": 0.20,
    "heart": 0.12,
    "ring": 0.07,
    "diamond": 0.14,
    "balloon": 0.07,
}
LANDMARK = 0.35  # share of takes that may have one
MOVING = 0.15  # whose camera may move
# latents that the second window has from the first, and how far they are drawn to control latents
CARRIED, ANCHOR = config("pipeline")["overlap"], config("mmdit")["carry_anchor"]
# calls of the VAE's decoder that decode what is new in each window
CALLS = range(6), range(6, 9)
# share of windows that are to be what they were: rain or snow is told; of those without a text
WET, SILENT = 0.12, 0.05
BATCH = 2  # windows a step
# cells of the part of the picture that is decoded, and pixels of its edge that do not count
BOX, EDGE = (10, 12), 8
RING = 5  # pixels around an object that count as it does, by half
HOLD = 6.0  # weight of what lies beside it


# ------------------------------------------------------------------------------------- takes
def graphs_of_takes():
    """Scenes of the prompts, in which nothing falls or changes"""
    rng = np.random.default_rng(2029)
    for _ in range(TAKES):
        graph = sample_graph(
            rng,
            events=0,
            object=pick(rng, OBJECTS, [ODDS[x] for x in OBJECTS]),
            landmark=None if rng.random() < LANDMARK else "none",
            camera=None if rng.random() < MOVING else "static",
        )
        weather = pick(rng, DRY) if graph.weather in FALLING else graph.weather
        yield replace(graph, weather=weather)


def file_of(a, i, kind):
    return Path(a.out) / f"objects/{i:03d}.{kind}"


@torch.no_grad()
def make_takes(a):
    """OUT/objects/000.npy and .latents, and 000.pt: painted frames uint8 [73,128,192,3], cover of
    the object uint8 [73,128,192], and how far the light is from what was shown. What is there
    already stays."""
    rng = np.random.default_rng(1)
    file_of(a, 0, "").parent.mkdir(parents=True, exist_ok=True)
    for i, graph in enumerate(graphs_of_takes()):
        told = describe(graph, rng, leave_out=0.05, keep=("scene", "landmark"))[0]
        plan, refined, to = (file_of(a, i, kind) for kind in ("npy", "latents", "pt"))
        if not mine(a, i) or to.exists():
            continue
        make(a, plan, "tokens", "-p", told, "-s", str(i), "--num-frames", str(LATENTS))
        make(a, refined, "refine", plan, "-p", told, "-s", str(i))
        frames = torch.from_numpy(decoded(a, refined))
        new, cover = painted(lit(scene_of(graph, plan_of(plan), len(frames)), frames))
        light, cover = other_light(frames, new), (cover * 255).round().byte()
        save_atomically({"frames": new, "cover": cover, "light": light}, to)
        print(to, f"{graph.object} {graph.motion} {graph.scene} {light:.1f}", flush=True)


# ------------------------------------------------------------------------------------- parts
class Parts:
    """Decodes parts of pictures: norms take the moments that the whole picture of the take had
    before. Products are bf16."""

    def __init__(self, a):
        CausalConv.folded = True  # three times as fast here
        vae = channels_last(averaged("vae_settled", VAE(config("temporal_vae")), a.out))
        self.decoder, self.scale = vae.decoder.requires_grad_(False).bfloat16(), latent_scale(a.out)
        self.norms = [m for m in self.decoder.modules() if isinstance(m, SpatialNorm)]

    def inside(self, z):
        """[B,L,16,h,w] of the refinement's -> the VAE's"""
        return (z / self.scale).transpose(1, 2).bfloat16()

    @torch.no_grad()
    def seen(self, latents):
        """latents [L,16,16,24] of a take -> of the first call and of a later one the moments of all
        norms"""
        calls, found = [latents[:3], latents[3:5]], []
        handles = [
            m.register_forward_pre_hook(
                lambda m, x: found[-1].update(
                    {m: moments(x[0].permute(0, 2, 3, 4, 1).float(), m.norm_layer.num_groups)}
                )
            )
            for m in self.norms
        ]
        history = {}
        for call in calls:
            found.append({})
            self.decoder(self.inside(call[None]), history)
        for h in handles:
            h.remove()
        return found

    def call(self, z, history, known):
        """One call: part [B,L,16,h,w] -> pixels [B,3,T,8h,8w]; `known`: the moments of each norm"""
        for m in self.norms:
            m.known = known[m]
        pixels = self.decoder(self.inside(z), history)
        for m in self.norms:
            m.known = None
        return pixels.float()


def frames_of_call(call):
    """Frames of a take that a call gives"""
    return range(9) if call == 0 else range(8 * call + 1, 8 * call + 9)


def latents_of_call(call):
    return range(3) if call == 0 else range(2 * call + 1, 2 * call + 3)


# ------------------------------------------------------------------------------------- teaching
class Takes:
    """What is ready of the takes first .. last - 1: painted frames, cover of the object, control
    latents, captions (dry and wet), and latents as the refinement made them last."""

    def __init__(self, a, teacher, tokenizer, first, last):
        graphs, made = list(graphs_of_takes()), []
        for i in range(first, last):
            if file_of(a, i, "pt").exists():
                record = torch.load(file_of(a, i, "pt"))
                if record["light"] <= LIGHT:
                    made.append((i, record))
        if not made:
            raise SystemExit(
                f"{a.out}/objects: no take is ready, expected what --stage takes makes"
            )
        self.graphs = [graphs[i] for i, _ in made]
        self.frames = torch.stack([r["frames"] for _, r in made])
        self.cover = torch.stack([r["cover"] for _, r in made])
        self.latents = torch.stack(
            [load_file(file_of(a, i, "latents"))["latents"].float() for i, _ in made]
        )
        codes = torch.stack([plan_of(file_of(a, i, "npy")) for i, _ in made])
        self.control = control_latents(teacher, tokenizer, codes).float()
        pieces, rng = (
            Pieces(f"{a.out}/spiece.model", config("text_encoder")["max_length"]),
            np.random.default_rng(first),
        )
        told = [
            describe(replace(g, weather=weather), rng, keep=("landmark", "weather"))[0]
            for g in self.graphs
            for weather in (g.weather, pick(rng, FALLING))
            for _ in range(CAPTIONS)
        ]
        self.captions = pieces.padded(told).unflatten(0, (len(made), 2, CAPTIONS))
        self.encoder, self.parts, self.seen = load_text_encoder(a.out), Parts(a), {}
        # calls whose frames show the object
        self.shown = [
            [
                c
                for c in range(CALLS[-1].stop)
                if (k[frames_of_call(c)] > 127).sum(dim=(1, 2)).min() > 40
            ]
            for k in self.cover
        ]
        self.usable = [n for n, s in enumerate(self.shown) if len(s) > 2]

    def moments(self, n, call):
        """Those of all norms in a call of take n: what is around the object stays the same"""
        if n not in self.seen:
            self.seen[n] = self.parts.seen(self.latents[n])
        return self.seen[n][call > 0]

    def text(self, which, wet, silent):
        words = self.captions[which, wet.long(), torch.randint(CAPTIONS, (len(which),))]
        return self.encoder(words) * ~silent[:, None, None]

    def part(self, z, n, window, calls):
        """Latents z [13,16,16,24] of a window of take n -> pixels of `calls`, one after the other,
        around the object [1,3,T,80,96], what the renderer paints there, and their weights"""
        at = [f for c in calls for f in frames_of_call(c)]
        cover = self.cover[n, at].float() / 255
        top, left = corner(cover)
        rows, columns = slice(top, top + BOX[0]), slice(left, left + BOX[1])
        first = (WINDOW - CARRIED) * window
        piece = lambda c: torch.stack(
            [
                z[l - first] if l >= first + CARRIED * window else self.latents[n, l]
                for l in latents_of_call(c)
            ]
        )[None, :, :, rows, columns]
        history = {}
        if calls[0] > 0:
            with torch.no_grad():
                self.parts.call(piece(calls[0] - 1), history, self.moments(n, calls[0] - 1))
        made = torch.cat([self.parts.call(piece(c), history, self.moments(n, c)) for c in calls], 2)
        pixels = slice(8 * top, 8 * (top + BOX[0])), slice(8 * left, 8 * (left + BOX[1]))
        wanted = as_video(self.frames[n, at][:, *pixels][None])
        cover = cover[:, *pixels]
        ring = 0.5 * F.max_pool2d(cover[:, None], 2 * RING + 1, 1, RING)[:, 0]
        weight = cover if self.graphs[n].landmark != "none" else torch.maximum(cover, ring)
        return made, wanted, (weight * counted(top, left))[None, None]


def corner(cover):
    """First row and column, in cells, of the part of the picture with the object; cover [T,H,W]"""
    seen = (cover > 0.5).any(0).nonzero().float()
    middle = (seen.amin(0) + seen.amax(0)) / 16
    return [int((middle[k] - BOX[k] / 2).round().clamp(0, (16, 24)[k] - BOX[k])) for k in range(2)]


def counted(top, left):
    """1 where pixels of a part do not see its edge [80,96], 0 elsewhere"""
    inside, (height, width) = torch.zeros(8 * BOX[0], 8 * BOX[1]), BOX
    rows = slice(EDGE * (top > 0), 8 * height - EDGE * (top + height < 16))
    inside[rows, EDGE * (left > 0) : 8 * width - EDGE * (left + width < 24)] = 1
    return inside


def beside(cover):
    """Cover of frames [T,H,W] uint8 -> cells of latents that the object is far from [L,1,16,24]"""
    cells = F.max_pool2d(cover[:, None].float(), 8)
    most = torch.cat([cells[:1], cells[1:].unflatten(0, (-1, 4)).amax(1)])
    return (F.max_pool2d(most, 3, 1, 1) < 3).float()


def apart(made, wanted, weight):
    """Mean distance of pixels in [-1,1], nearly the absolute one"""
    error = ((made - wanted).square() + 1e-3).sqrt() - 1e-3**0.5
    return (error * weight).sum() / (3 * weight.sum().clamp(min=1))


class Sample:
    """Windows of takes as the refinement meets them: what `model` itself made of them in `steps`
    answers. `which` [B] takes; `wet`, `silent` [B]: rain or snow is told, nothing is."""

    def __init__(self, takes, model, which, window, steps, wet, silent, seed):
        self.takes, self.which, self.window = takes, which, window
        first = (WINDOW - CARRIED) * window
        at = slice(first, first + WINDOW)
        self.control, self.text = takes.control[which, at], takes.text(which, wet, silent)
        prefix, self.known = None, CARRIED * window
        if window:
            own = takes.latents[which, first : first + CARRIED]
            prefix = torch.lerp(own, self.control[:, :CARRIED], ANCHOR)
        self.x, self.t, self.b = refine(model, self.control, self.text, seed, prefix, until=steps)
        self.taught = ~wet
        self.beside = torch.stack([beside(takes.cover[n]) for n in which])[:, at]
        self.beside[wet] = 1.0
        self.beside[:, : self.known] = 0

    def answers(self, net):
        return answer(net, self.x, self.control, self.text, self.t, self.b)

    def calls(self, n):
        """Two calls, one after the other, of this window that show the object of take n; or one"""
        able = [c for c in self.takes.shown[n] if c in CALLS[self.window]]
        if not able:
            return []
        c = able[int(torch.randint(len(able), ()))]
        return [c, c + 1] if c + 1 in able else [c]


def losses(sample, made, taught, weights):
    """-> distance of pixels on objects, squared error beside them"""
    held = ((made - taught).square() * weights * sample.beside).sum() / (
        16 * sample.beside.sum().clamp(min=1)
    )
    pixels = []
    for k, n in enumerate(sample.which.tolist()):
        if sample.taught[k]:
            calls = sample.calls(n)
            if calls:
                pixels.append(apart(*sample.takes.part(made[k], n, sample.window, calls)))
    return torch.stack(pixels).mean() if pixels else made.sum() * 0, held


@torch.no_grad()
def report(takes, model, teacher, weights, title):
    """Of the last answers: distance of pixels on the object, squared error beside it"""
    torch.manual_seed(1)
    told, no = [], torch.zeros(1, dtype=torch.bool)
    for n in takes.usable:
        for window in (0, 1):
            sample = Sample(takes, model, torch.tensor([n]), window, 3, no, no, n)
            told.append(losses(sample, sample.answers(model), sample.answers(teacher), weights))
    pixels, held = (np.mean([float(x) for x in part]) for part in zip(*told))
    print(f"{title}: object {pixels:.4f}, beside it {held:.4f}", flush=True)


def teach(a):
    torch.manual_seed(0)
    before, decoder = last_before("objects", REFINEMENTS, a.out), last_of(DECODERS, a.out)
    teacher, tokenizer = networks(a, before, decoder)
    model = averaged(before, DiT(config("mmdit")), a.out).train().requires_grad_(False)
    for branch in (model.main, model.control):
        branch.transformer.layers.requires_grad_(True)
    teacher.requires_grad_(False)
    train = Takes(a, teacher, tokenizer, 0, TAKES - HELD_TAKES)
    held = Takes(a, teacher, tokenizer, TAKES - HELD_TAKES, TAKES)
    weights = 0.25 + 0.75 * pixel_weights(a.out)
    print(f"{len(train.usable)} takes that teach, {len(held.usable)} held out", flush=True)
    run = Run(
        "objects", model, a, lr=0.008 * a.rate, adam_lr=2e-4 * a.rate, average=0.98, warmup=20
    )
    report(held, model, teacher, weights, f"step {run.steps}")
    torch.manual_seed(run.steps + 1)
    told = run.elapsed / 60
    for _ in run:
        window, steps = int(torch.randint(2, ())), min(3, int(torch.randint(5, ())))
        which = torch.tensor(train.usable)[torch.randint(len(train.usable), (BATCH,))]
        wet, silent = torch.rand(BATCH) < WET, torch.rand(BATCH) < SILENT
        wet &= ~silent
        sample = Sample(train, model, which, window, steps, wet, silent, run.steps)
        with torch.no_grad():
            taught = sample.answers(teacher)
        made = sample.answers(model)
        pixels, beside_it = losses(sample, made, taught, weights)
        if steps == 3 and not wet.any():
            first = (WINDOW - CARRIED) * window
            train.latents[which, first + sample.known : first + WINDOW] = made.detach()[
                :, sample.known :
            ]
        run.step(pixels + HOLD * beside_it, pixels=pixels, beside=beside_it)
        if run.elapsed / 60 > told + 10:
            told = run.elapsed / 60
            report(held, model, teacher, weights, f"step {run.steps}")
    model.load_state_dict(run.mean)
    report(held, model.eval(), teacher, weights, f"step {run.steps}, averaged")


def main():
    stages = {"teach": teach, "takes": make_takes}
    a = arguments(plan=90.0, cpu_alone=True, stage=tuple(stages), rate=0.2, part="0/1", **PROGRAM)
    stages[a.stage](a)


if __name__ == "__main__":
    main()
