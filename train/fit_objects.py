"""Stage 13: objects. The VAE's encoder rounds off what turns within the four frames of a latent, so
who learns from its latents learns round stars; its decoder can draw them with all their points (of
latents found by descent through it). The refinement learns here also from pixels: its answers are
decoded, and compared with the object that the codes spell, as the renderer paints it. All that is
beside the object it learns from the painted latents, with less weight than the object in them.

    python fit_objects.py --stage takes    # plans of 300 prompts, made by the program (`--program`) with the model that was exported, and what the renderer paints for them: OUT/objects
    python fit_objects.py --threads 2      # the refinement before, taught by itself and by these: OUT/objects.pt

Where rain or snow is told, and of another world's pictures, the teacher is the refinement as it
was. `--part 0/2` takes every second take, so that two processes share the work. On the CPU alone.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from export import DECODERS, REFINEMENTS, last_before, last_of
from fit_landmarks import Encoder, decoded, stands_still, with_landmark
from fit_landscapes import LIGHT, in_latents, lit, mine, other_light, painted, scene_of
from fit_mmdit import WINDOW
from fit_text_encoder import Pieces, load_text_encoder
from fit_upsampler import control_latents, latent_scale, networks, pixel_weights
from fit_vae import as_video
from grammar import DRY, FALLING, OBJECTS, describe, pick, sample_graph
from net_dit import DiT, answer, refine
from net_vae import VAE, CausalConv, SpatialNorm, channels_last, moments
from self_taught import PROGRAM, make
from spelled import plan_of
from strange import as_bytes, picture
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
# share of steps whose windows are to be what they were: of another world's pictures, or rain or snow
# is told; of windows without a text
OTHER, WET, SILENT = 0.06, 0.1, 0.05
STRANGE = 96  # pictures of another world
LAST = len(config("mmdit")["timesteps"]) - 1  # answers before the last one
BATCH, DECODED = 4, 2  # windows a step, and those of them that are decoded
# cells of the part of the picture that is decoded, and pixels of its edge that do not count
BOX, EDGE = (10, 12), 8
RING = 5  # pixels around an object that count as it does, by half
# weights of squared errors, of the object in them, and of what is to be as it was
SQUARED, ON, HOLD = 2.0, 2.0, 6.0


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


def with_what_stands(frames, graph, codes):
    """Painted frames uint8 [T,H,W,3] and the landmark that is told of, where the camera rests"""
    if graph.landmark == "none" or not stands_still(graph):
        return frames
    video = with_landmark(as_video(frames[None]), graph, graph.landmark, codes)
    return as_bytes(video[0].movedim(0, -1).clamp(-1, 1))


@torch.no_grad()
def make_takes(a):
    """OUT/objects/000.npy and .latents, and 000.pt: painted frames uint8 [73,128,192,3], what the
    VAE makes of them [19,16,16,24], cover of the object uint8 [73,128,192], and how far the light
    is from what was shown. What is there already stays."""
    rng = np.random.default_rng(1)
    file_of(a, 0, "").parent.mkdir(parents=True, exist_ok=True)
    encoded = Encoder(a.out)
    for i, graph in enumerate(graphs_of_takes()):
        told = describe(graph, rng, leave_out=0.05, keep=("scene", "landmark"))[0]
        plan, refined, to = (file_of(a, i, kind) for kind in ("npy", "latents", "pt"))
        if not mine(a, i) or to.exists():
            continue
        make(a, plan, "tokens", "-p", told, "-s", str(i), "--num-frames", str(LATENTS))
        make(a, refined, "refine", plan, "-p", told, "-s", str(i))
        frames, codes = torch.from_numpy(decoded(a, refined)), plan_of(plan)
        new, cover = painted(lit(scene_of(graph, codes, len(frames)), frames))
        light, cover = other_light(frames, new), (cover * 255).round().byte()
        new = with_what_stands(new, graph, codes)
        latents = encoded(as_video(new[None])).half()
        record = {"frames": new, "latents": latents, "cover": cover, "light": light}
        save_atomically(record, to)
        print(to, f"{graph.object} {graph.motion} {graph.scene} {light:.1f}", flush=True)


# ------------------------------------------------------------------------------------- parts
class Parts:
    """Decodes parts of pictures: norms take the moments that the whole picture of the take had
    before. Products are bf16."""

    def __init__(self, a):
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


def first_of(window):
    """The latent of a take that a window begins with"""
    return (WINDOW - CARRIED) * window


def latents_of_call(call):
    return range(3) if call == 0 else range(2 * call + 1, 2 * call + 3)


# ------------------------------------------------------------------------------------- teaching
class Takes:
    """What is ready of the takes first .. last - 1: painted frames and their latents, cover of the
    object, control latents, captions (dry and wet), and latents as the refinement made them
    last."""

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
        self.wanted = torch.stack([r["latents"] for _, r in made])
        self.cover = torch.stack([r["cover"] for _, r in made])
        self.on = torch.stack([in_latents(k / 255) for k in self.cover])
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

    def window(self, which, window, wet, silent):
        """What the refinement gets: control latents, text, the latents before or None. `which` [B]
        takes; `wet`, `silent` [B]: rain or snow is told, nothing is."""
        first = first_of(window)
        control, prefix = self.control[which, first : first + WINDOW], None
        words = self.captions[which, wet.long(), torch.randint(CAPTIONS, (len(which),))]
        if window:
            own = self.latents[which, first : first + CARRIED]
            prefix = torch.lerp(own, control[:, :CARRIED], ANCHOR)
        return control, self.encoder(words) * ~silent[:, None, None], prefix

    def told(self, which, window):
        """Latents that the renderer tells of [B,13,16,16,24], how much the object covers their
        cells [B,13,1,16,24]"""
        at = slice(first_of(window), first_of(window) + WINDOW)
        return self.wanted[which, at].float(), self.on[which, at]

    def keep(self, which, window, made):
        """Last answers of a window, for those who go on from it"""
        first, known = first_of(window), CARRIED * window
        self.latents[which, first + known : first + WINDOW] = made[:, known:]

    def part(self, z, n, window, calls):
        """Latents z [13,16,16,24] of a window of take n -> pixels of `calls`, one after the other,
        around the object [1,3,T,80,96], what the renderer paints there, and their weights"""
        at = [f for c in calls for f in frames_of_call(c)]
        cover = self.cover[n, at].float() / 255
        top, left = corner(cover)
        rows, columns = slice(top, top + BOX[0]), slice(left, left + BOX[1])
        first = first_of(window)
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
        return made, wanted, (torch.maximum(cover, ring) * counted(top, left))[None, None]


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


def apart(made, wanted, weight):
    """Mean distance of pixels in [-1,1], nearly the absolute one"""
    error = ((made - wanted).square() + 1e-3).sqrt() - 1e-3**0.5
    return (error * weight).sum() / (3 * weight.sum().clamp(min=1))


class Pictures:
    """Latents [n,16,16,24] of pictures of another world"""

    def __init__(self, a):
        rng, encoded = np.random.default_rng(3), Encoder(a.out)
        seen = (picture(rng)[None, :, None] for _ in range(STRANGE))
        self.latents = torch.cat([encoded(video) for video in seen])

    def window(self, n):
        """-> control latents [n,13,16,16,24] of windows in which they stand still, half of them as
        coarse as codes tell them"""
        z = self.latents[torch.randint(len(self.latents), (n,))]
        coarse = F.interpolate(F.avg_pool2d(z, 2), scale_factor=2, mode="bilinear")
        z = torch.where((torch.rand(n) < 0.5)[:, None, None, None], coarse, z)
        return z[:, None].expand(-1, WINDOW, -1, -1, -1).contiguous()


def halved():
    return torch.autocast("cpu", torch.bfloat16)


class Met:
    """Windows as the refinement meets them: what `model` itself made of them in `steps` answers.
    control [B,13,16,16,24], text [B,48,d], prefix [B,n,16,16,24] or None. Products are bf16."""

    def __init__(self, model, control, text, prefix, steps, seed):
        self.control, self.text = control, text
        with halved():
            self.x, self.t, self.b = refine(model, control, text, seed, prefix, until=steps)
        self.known = 0 if prefix is None else prefix.shape[1]

    def answers(self, net):
        with halved():
            return answer(net, self.x, self.control, self.text, self.t, self.b)


class Errors:
    """Of answers [B,13,16,16,24]; squared ones are as the pixels have them"""

    def __init__(self, a):
        self.weights = pixel_weights(a.out)

    def squared(self, made, wanted, cells, known):
        """Mean squared error of unknown latents, of cells [B,13,1,16,24] with these weights"""
        cells = cells[:, known:]
        off = (made - wanted)[:, known:].square() * (0.25 + 0.75 * self.weights) * cells
        return off.sum() / (16 * cells.sum().clamp(min=1))

    def pixels(self, takes, made, which, window):
        """Mean distance on the objects, in two calls, one after the other, that show them; or one"""
        told = []
        for z, n in zip(made, which.tolist()):
            able = [c for c in takes.shown[n] if c in CALLS[window]]
            if able:
                c = able[int(torch.randint(len(able), ()))]
                calls = [c, c + 1] if c + 1 in able else [c]
                told.append(apart(*takes.part(z, n, window, calls)))
        return torch.stack(told).mean() if told else made.sum() * 0


@torch.no_grad()
def report(takes, model, errors, title):
    """Of the last answers to held-out takes: distance of pixels on the object, squared error on it
    and beside it"""
    torch.manual_seed(1)
    told, no = [], torch.zeros(1, dtype=torch.bool)
    for n in takes.usable:
        for window in (0, 1):
            which = torch.tensor([n])
            met = Met(model, *takes.window(which, window, no, no), LAST, n)
            made = met.answers(model)
            wanted, on = takes.told(which, window)
            cells = (on > 0.3).float(), (on == 0).float()
            told.append(
                [errors.pixels(takes, made, which, window)]
                + [errors.squared(made, wanted, some, met.known) for some in cells]
            )
    pixels, on, off = (np.mean([float(x) for x in part]) for part in zip(*told))
    print(f"{title}: pixels {pixels:.4f}, on the object {on:.4f}, beside it {off:.4f}", flush=True)


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
    others, errors = Pictures(a), Errors(a)
    print(f"{len(train.usable)} takes that teach, {len(held.usable)} held out", flush=True)
    run = Run(
        "objects", model, a, lr=0.008 * a.rate, adam_lr=2e-4 * a.rate, average=0.98, warmup=20
    )
    report(held, model, errors, f"step {run.steps}")
    torch.manual_seed(run.steps + 1)
    told = run.elapsed / 60
    for _ in run:
        window, steps = int(torch.randint(2, ())), min(LAST, int(torch.randint(LAST + 2, ())))
        which = torch.tensor(train.usable)[torch.randint(len(train.usable), (BATCH,))]
        silent = torch.rand(BATCH) < SILENT
        # all of it as before: another world's pictures, or rain or snow is told
        other, wet = float(torch.rand(())) < OTHER, float(torch.rand(())) < WET
        given = train.window(which, window, torch.full((BATCH,), wet), silent)
        if other:
            given = others.window(BATCH), given[1] * 0, None
        met = Met(model, *given, steps, run.steps)
        if other or wet:
            with torch.no_grad():
                was = met.answers(teacher)
            everywhere = torch.ones_like(was[:, :, :1])
            kept = errors.squared(met.answers(model), was, everywhere, met.known)
            run.step(HOLD * kept, kept=kept)
            continue
        made = met.answers(model)
        wanted, on = train.told(which, window)
        squared = errors.squared(made, wanted, 1 + ON * on, met.known)
        pixels = errors.pixels(train, made[:DECODED], which[:DECODED], window)
        if steps == LAST:
            train.keep(which, window, made.detach())
        run.step(SQUARED * squared + pixels, squared=squared, pixels=pixels)
        if run.elapsed / 60 > told + 15:
            told = run.elapsed / 60
            report(held, model, errors, f"step {run.steps}")
    model.load_state_dict(run.mean)
    report(held, model.eval(), errors, f"step {run.steps}, averaged")


def main():
    stages = {"teach": teach, "takes": make_takes}
    a = arguments(plan=90.0, cpu_alone=True, stage=tuple(stages), rate=0.2, part="0/1", **PROGRAM)
    CausalConv.folded = True  # three times as fast here
    stages[a.stage](a)


if __name__ == "__main__":
    main()
