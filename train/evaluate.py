"""Does a video show what its prompt names?

    python evaluate.py prompts > prompts.txt                # 200 prompts: an object, a colour, a place, a motion, a time of day
    python evaluate.py score --videos DIR                   # DIR/000.npy|.y4m, or DIR/000/*.png, in the order of the prompts
    python evaluate.py long --videos DIR                    # the same for longer takes: seams, and the last six seconds against the first
    python evaluate.py codes --videos DIR                   # what the language model means: DIR/000.npy of `longtake tokens PROMPT --seconds 6`
    python evaluate.py other_prompts > other.txt            # the same 200 in words that training never had (wording.py); `score` reads their videos too
    python evaluate.py event_prompts > events.txt           # 48 prompts of which each tells one event or two
    python evaluate.py events --videos DIR                  # do they happen, and in their time? DIR/000.y4m of `longtake generate PROMPT --seconds 12`,
                                                            # DIR/000.npy of `longtake tokens` with the same seed
    python evaluate.py weather_prompts > weather.txt        # 60 prompts: rain, snow and neither in turn
    python evaluate.py weather --videos DIR                 # does it rain or snow there? DIR/000.y4m
    python evaluate.py landmark_prompts > landmarks.txt     # 48 prompts: none and each of the seven landmarks in turn
    python evaluate.py landmarks --videos DIR               # are they there? DIR/000.y4m
    python evaluate.py alike --videos DIR                   # does DIR/NAME.y4m of `encode` and `render` show what DIR/NAME.clip.y4m does?
    python evaluate.py readers                              # the readers' own accuracy on rendered held-out takes

No prompt's combination of object, colour and place was ever rendered for training. Read by the nets
of judge.py and motion_reader.py; a video has the colour (place, time) that most of its frames have,
and the shape with the highest sum of log odds over all frames that show an object.
"""

import re
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch

from corpora import KINDS, shards
from derive import as_pixels
from grammar import (
    COLOURS,
    DRY,
    FITTING_LANDMARKS,
    INDOORS_OF_TIME,
    LANDMARKS,
    MOTIONS,
    OBJECTS,
    OUTDOORS,
    SAY_MOTION,
    SAY_SCENE,
    SAY_TIME,
    SCENES,
    SLOTS,
    TIMES,
    describe,
    held_out,
    pick,
    sample_graph,
    shown_motion,
)
from judge import ShapeReader, cut_out, load_judge, verdict
from landmark_reader import landmark_in, load_landmark_reader
from motion_reader import HELD, load_motion_reader, located, track
from net_vae import CALL
from plan_reader import FRAMES, load_plan_reader
from scene import FPS
from spelled import CODES, COLUMNS, LEARNED, LEVELS, PATCH, PLACE, ROWS, numbers, plan_of
from training import arguments, averaged
from weather_reader import READ, falling, load_weather_reader
from wording import OTHER_WORDS

NAMES = {"object": OBJECTS, "colour": COLOURS, "motion": MOTIONS, "scene": SCENES, "time": TIMES}
WINDOW, HOP, SIX_SECONDS = 49, 24, 48  # frames: of the first window, of each later one


class Readers:
    def __init__(self, out):
        self.judge, self.motion, self.shape = (
            load_judge(out),
            load_motion_reader(out),
            averaged("shape", ShapeReader(), out),
        )

    @torch.no_grad()
    def __call__(self, video, every=2):
        """uint8 [T,128,192,3] -> {slot: index or -1}, share of frames with an object; every other
        frame is looked at"""
        x = as_pixels(torch.from_numpy(np.array(video[::every])))
        read = self.judge(x)
        shown = verdict(read)
        most = lambda v: int(v[v >= 0].mode().values) if (v >= 0).any() else -1
        answer = {k: most(shown[k]) for k in ("colour", "scene")}
        answer["time"] = most(read["time"].argmax(1))
        seen = shown["colour"] >= 0
        answer["object"] = -1
        if seen.any():
            _, a, b, _ = located(read["object"][seen])
            answer["object"] = int(
                self.shape(cut_out(x[seen], a, b)).log_softmax(1).sum(0).argmax()
            )
        answer["motion"] = int(self.motion(track(x[:24], read["object"][:24])[None]).argmax())
        return answer, seen.float().mean().item()


def files_in(folder, *endings, folders=False):
    """Files of a folder with one of the endings, or also its folders, in order"""
    paths = sorted(
        f for f in Path(folder).glob("*") if f.name.endswith(endings) or (folders and f.is_dir())
    )
    if not paths:
        raise SystemExit(f"{folder}: no *{' or *'.join(endings)}, expected what is to be read")
    return paths


def read_video(path):
    """uint8 [T,H,W,3] of a .npy, a .y4m (4:2:0 or 4:4:4) or a folder of PNGs"""
    if path.is_dir():
        from PIL import Image

        return np.stack(
            [np.asarray(Image.open(f).convert("RGB")) for f in sorted(path.glob("*.png"))]
        )
    return np.load(path) if path.suffix == ".npy" else read_y4m(path)


def read_y4m(path):
    data = path.read_bytes()
    head, data = data.split(b"\n", 1)
    words = head.decode().split()
    w, h = (int(next(x[1:] for x in words if x[0] == k)) for k in "WH")
    full = any(x.startswith("C444") for x in words)
    cw, ch = (w, h) if full else ((w + 1) // 2, (h + 1) // 2)
    size, frames, at = w * h + 2 * cw * ch, [], 0
    while at < len(data):
        at = data.index(b"\n", at) + 1
        planes = np.frombuffer(data, np.uint8, size, at).astype(np.float32)
        at += size
        y = planes[: w * h].reshape(h, w)
        u, v = (
            p.reshape(ch, cw) for p in (planes[w * h : w * h + cw * ch], planes[w * h + cw * ch :])
        )
        if not full:
            u, v = (p.repeat(2, 0).repeat(2, 1)[:h, :w] for p in (u, v))
        y, u, v = (y - 16) * 255 / 219, (u - 128) * 255 / 224, (v - 128) * 255 / 224
        rgb = np.stack([y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u], -1)
        frames.append(rgb.clip(0, 255).astype(np.uint8))
    return np.stack(frames)


def suite(count=200):
    """-> list of (prompt, slots): combinations never trained on, motions and times of day in
    turn."""
    rng, rows = np.random.default_rng(200), []
    combinations = [
        (o, c, s) for o in OBJECTS for c in COLOURS for s in SCENES if held_out(o, c, s)
    ]
    for i in range(count):
        obj, colour, scene = combinations[i % len(combinations)]
        motion, time = MOTIONS[i % len(MOTIONS)], TIMES[i // 2 % len(TIMES)]
        timeless = scene in INDOORS_OF_TIME
        when = "" if timeless else " " + SAY_TIME[time][0]
        slots = {
            "object": obj,
            "colour": colour,
            "motion": shown_motion(obj, motion),
            "scene": scene,
            **({} if timeless else {"time": time}),
        }
        does = pick(rng, SAY_MOTION[motion])[0]
        rows.append(
            (
                f"{'an' if colour[0] in 'aeiou' else 'a'} {colour} {obj} {does} {SAY_SCENE[scene][0]}{when}",
                slots,
            )
        )
    return rows


def in_other_words(prompts):
    """Prompts in words that no caption of training has, as wording.py lists them"""
    rng = np.random.default_rng(14)
    for prompt in prompts:
        for known, others in sorted(OTHER_WORDS.items(), key=lambda x: -len(x[0])):
            words = others.split(", ")
            if known != "in":
                prompt = re.sub(
                    rf"\b{known}\b(?![^<]*>)",
                    lambda _: f"<{words[rng.integers(len(words))]}>",
                    prompt,
                    count=1,
                )
        yield re.sub("[<>]", "", prompt)


EVENT_KINDS = (("colour",), ("stop",), ("time",), ("colour", "time"))  # in turn


def event_suite(count=48):
    """-> list of (prompt, graph); the events of a take of n frames begin at n (i + 1) / (k + 1)"""
    rng, rows = np.random.default_rng(201), []
    moving = ("bounce", "fly", "orbit", "swing", "jump")
    for i in range(count):
        graph = sample_graph(
            rng,
            events=0,
            motion=moving[i % len(moving)],
            scene=OUTDOORS[i % len(OUTDOORS)],
            weather="clear",
            camera="static",
            size="medium",
        )
        other = lambda slot: pick(rng, [v for v in SLOTS[slot] if v != getattr(graph, slot)])
        graph.events = [
            (kind, "rest" if kind == "stop" else other(kind))
            for kind in EVENT_KINDS[i % len(EVENT_KINDS)]
        ]
        rows.append((describe(graph, rng, leave_out=0, terse=0)[0], graph))
    return rows


def state(kind, graph, codes, read):
    """What is to change, over time -> values [T], value before (None: any other), value after.
    codes [S,44], `read` what the judge says of T frames"""
    if kind in ("colour", "time"):
        values = verdict(read)["colour"] if kind == "colour" else read["time"].argmax(1)
        return (
            values.numpy(),
            SLOTS[kind].index(getattr(graph, kind)),
            SLOTS[kind].index(dict(graph.events)[kind]),
        )
    steps = (
        (numbers(codes)[:, :2] * torch.tensor([COLUMNS, ROWS]) * PATCH / 2).diff(dim=0).norm(dim=-1)
    )
    return (torch.cat([steps[:1], steps]) < 3).numpy(), None, True


def change(values, before, after):
    """-> share of the take at which `after` takes over, so that most is right on both sides: the
    middle of what is neither; None: it does not happen"""
    old, new = values != after if before is None else values == before, values == after
    places = np.arange(1, len(values))
    right = np.array(
        [
            old[:i].sum() / max(1, (old | new)[:i].sum())
            + new[i:].sum() / max(1, (old | new)[i:].sum())
            for i in places
        ]
    )
    return (
        places[right == right.max()].mean() / len(values)
        if right.max() > 1.6 and (old | new).mean() > 0.5
        else None
    )


@torch.no_grad()
def score_events(readers, folder):
    told = {}
    for i, (prompt, graph) in enumerate(event_suite()):
        codes = plan_of(Path(folder, f"{i:03d}.npy"))
        video = read_video(Path(folder, f"{i:03d}.y4m"))
        read, found = readers.judge(as_pixels(torch.from_numpy(video))), []
        for place, (kind, value) in enumerate(graph.events):
            at, due = (
                change(*state(kind, graph, codes, read)),
                (place + 1) / (len(graph.events) + 1),
            )
            off = None if at is None else (at - due) * len(video) / FPS
            told.setdefault(kind, []).append(off)
            found.append(
                f"{kind} {value}: " + ("does not happen" if off is None else f"{off:+.1f} s")
            )
        print(f"{prompt:90s} {', '.join(found)}", flush=True)
    for kind, offs in told.items():
        happened = [off for off in offs if off is not None]
        line = f"{kind}: {len(happened)} of {len(offs)} happen"
        if happened:
            near = sum(abs(off) <= 2 for off in happened)
            line += f", {near} within 2 s of their time, median {np.median(happened):+.1f} s"
        print(line)


def weather_suite(count=60):
    """-> list of (prompt, what falls)"""
    rng, rows = np.random.default_rng(202), []
    for i in range(count):
        falls, scene = READ[i % 3], OUTDOORS[i // 3 % len(OUTDOORS)]
        weather = DRY[i // 3 % 3] if falls == "nothing" else falls
        graph = sample_graph(rng, training=False, events=0, scene=scene, weather=weather)
        rows.append((describe(graph, rng, leave_out=0, terse=0)[0], falls))
    return rows


def landmark_suite(count=48):
    """-> list of (prompt, landmark): two of three stand in a place where training has such"""
    rng, rows = np.random.default_rng(203), []
    for i in range(count):
        landmark = LANDMARKS[i % len(LANDMARKS)]
        scene = pick(
            rng,
            [s for s in SCENES if landmark in FITTING_LANDMARKS[s]]
            if i // len(LANDMARKS) % 3 < 2
            else OUTDOORS,
        )
        graph = sample_graph(
            rng, training=False, events=0, scene=scene, landmark=landmark, camera="static"
        )
        rows.append((describe(graph, rng, leave_out=0, terse=0)[0], landmark))
    return rows


def score_kinds(suite, kinds, read, folder):
    """suite: list of (prompt, kind); read(video) -> index of `kinds`; FOLDER/000.y4m and so on in
    the order of the suite"""
    table = {}
    for (prompt, want), path in zip(suite, files_in(folder, ".y4m")):
        got = kinds[read(read_video(path))]
        table.setdefault(want, []).append(got)
        print(f"{prompt:120s} {'' if got == want else 'read as ' + got}", flush=True)
    for want, got in table.items():
        print(
            f"{want}: right in {got.count(want)} of {len(got)}; "
            + ", ".join(f"{kind} {got.count(kind)}" for kind in kinds if kind in got)
        )


def shares(rows, slots):
    """rows as in `tally` -> how many of each slot are right"""
    share = lambda slot: np.mean(
        [got[slot] == NAMES[slot].index(want[slot]) for want, got in rows if slot in want]
    )
    return "  ".join(f"{slot} {share(slot):.1%}" for slot in slots)


def tally(rows):
    """rows: ({slot: wanted word}, {slot: index}) -> one line of shares"""
    both = np.mean(
        [all(got[k] == NAMES[k].index(want[k]) for k in ("colour", "scene")) for want, got in rows]
    )
    return shares(rows, NAMES) + f"  colour and scene {both:.1%}  of {len(rows)}"


def score(readers, videos):
    """videos: iterable of uint8 videos in the order of `suite`."""
    rows = []
    for (prompt, want), video in zip(suite(), videos):
        got, present = readers(video)
        rows.append((want, got))
        wrong = " ".join(
            f"{k}:{NAMES[k][got[k]] if got[k] >= 0 else '-'}"
            for k in want
            if got[k] != NAMES[k].index(want[k])
        )
        print(f"{prompt:72s} object in {present:4.0%} of frames  {wrong}", flush=True)
    print(tally(rows))


def seams(video):
    """Change at window borders and at all decoder calls, each against the median change of the
    frames around"""
    change = np.abs(video[1:].astype(np.float32) - video[:-1]).mean((1, 2, 3))
    against = lambda b: change[b - 1] / np.median(change[max(0, b - 9) : b + 8])
    return (
        float(np.median([against(b) for b in range(first, len(video), every)]))
        for first, every in ((WINDOW, HOP), (CALL + 1, CALL))
    )


def look(video):
    """Mean luminance, saturation and detail (what a pixel's luminance differs by from its four
    neighbours' mean), 0 .. 1"""
    x = video.astype(np.float32) / 255
    y = x.mean(-1)
    around = (y[:, :-2, 1:-1] + y[:, 2:, 1:-1] + y[:, 1:-1, :-2] + y[:, 1:-1, 2:]) / 4
    return y.mean(), (x.max(-1) - x.min(-1)).mean(), np.abs(y[:, 1:-1, 1:-1] - around).mean()


def cells(video, side):
    """Mean luminance of cells of side x side pixels [T,rows,columns], 0 .. 1"""
    y = torch.from_numpy(video.astype(np.float32) @ np.float32([0.299, 0.587, 0.114])) / 255
    return torch.nn.functional.avg_pool2d(y[:, None], side)[:, 0].numpy()


def alike(shown, clip):
    """Of two videos: correlation of luminance over cells of 32 and of 16 pixels, frame by frame;
    that of what changes in the latter within half a second, and from frame to frame; mean
    difference of the cells' colours, 0 .. 1"""
    n = min(len(shown), len(clip))
    correlation = lambda a, b: float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
    by_frame = lambda side: np.mean(
        [correlation(a, b) for a, b in zip(cells(shown[:n], side), cells(clip[:n], side))]
    )
    changed = lambda video, by: (lambda c: c[by:] - c[:-by])(cells(video[:n], 16))
    colours = lambda video: np.stack(
        [cells(np.repeat(video[:n, ..., c : c + 1], 3, -1), 32) for c in range(3)]
    )
    return (
        by_frame(32),
        by_frame(16),
        *(correlation(changed(shown, by), changed(clip, by)) for by in (4, 1)),
        np.abs(colours(shown) - colours(clip)).mean(),
    )


def score_alike(folder):
    for clip in files_in(folder, ".clip.y4m"):
        name = clip.name.removesuffix(".clip.y4m")
        print(
            "%-24s cells of 32 %.2f, of 16 %.2f, what moves %.2f, from frame to frame %.2f; colours off by %.3f"
            % (name, *alike(read_y4m(clip.with_name(name + ".y4m")), read_y4m(clip)))
        )


def score_long(readers, videos):
    """Seams of longer takes, and their last six seconds against the first: attributes, luminance,
    saturation, detail"""
    rows = {"first six seconds": [], "last six seconds": []}
    borders, drift = [], []
    for (prompt, want), video in zip(suite(), videos):
        first, last = video[:SIX_SECONDS], video[-SIX_SECONDS:]
        for name, part in zip(rows, (first, last)):
            rows[name].append((want, readers(part)[0]))
        borders.append(tuple(seams(video)))
        drift.append([b / a - 1 for a, b in zip(look(first), look(last))])
        print(
            f"{prompt:72s} windows %.2f, calls %.2f; luminance %+.1f%%, saturation %+.1f%%, detail %+.1f%%"
            % (*borders[-1], *(100 * d for d in drift[-1])),
            flush=True,
        )
    for name, part in rows.items():
        print(f"{name}: {tally(part)}")
    print(
        "change at borders against the median around, median over takes: windows %.2f, calls %.2f"
        % tuple(np.median(borders, 0))
    )
    print(
        "mean drift: luminance %+.1f%%, saturation %+.1f%%, detail %+.1f%%"
        % tuple(100 * np.mean(drift, 0))
    )


@torch.no_grad()
def score_codes(reader, plans):
    """plans: iterable of codes [T*CODES] in the order of `suite`: object, colour and motion as they
    are spelled, and whether the object's centre is in the picture in 90 % of the frames"""
    rows, inside = [], []
    for (_, want), codes in zip(suite(), plans):
        codes = torch.from_numpy(codes.astype(np.int64)).view(-1, CODES)
        word = (codes[:, :PLACE] - LEARNED).clamp(min=0) // LEVELS
        path = numbers(codes)
        got = {
            "object": int((word[:, :COLUMNS] % len(OBJECTS)).mode().values.mode().values),
            "colour": int(word[:, COLUMNS:].mode().values.mode().values),
            "motion": int(reader(path[None, :FRAMES])[0].argmax()),
        }
        rows.append((want, got))
        inside.append((path[:, :2].abs().amax(1) < 1).float().mean().item())
    print(
        shares(rows, ("object", "colour", "motion"))
        + f"  in the picture {np.mean(np.array(inside) >= 0.9):.1%}  of {len(rows)}"
    )
    for name in MOTIONS:
        read = [MOTIONS[got["motion"]] for want, got in rows if want["motion"] == name]
        print(
            f"  {name:10s} {' '.join(f'{r} {read.count(r)}' for r in sorted(set(read), key=read.count, reverse=True))}"
        )


def readers_themselves(readers, folder):
    """On the takes that the motion reader was not trained on; the other readers have seen none of
    these."""
    rows = []
    for _, (videos, record) in zip(range(HELD // KINDS["moves"]["count"]), shards(folder, "moves")):
        for video, graph in zip(videos, record["graphs"]):
            want = {
                k: graph[k]
                for k in NAMES
                if not (k == "time" and graph["scene"] in INDOORS_OF_TIME)
            }
            want["motion"] = shown_motion(graph["object"], graph["motion"])
            rows.append((want, readers(video, every=1)[0]))
    print("rendered held-out takes:", tally(rows))


def main():
    what = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else "help"
    if what == "prompts":
        print("\n".join(r[0] for r in suite()))
    elif what == "readers":
        a = arguments(plan=0.0, cpu_alone=True)
        readers_themselves(Readers(a.out), f"{a.out}/corpora")
    elif what == "codes":
        a = arguments(plan=0.0, cpu_alone=True, videos="plans")
        score_codes(load_plan_reader(a.out), (np.load(f) for f in files_in(a.videos, ".npy")))
    elif what == "other_prompts":
        print("\n".join(in_other_words(prompt for prompt, _ in suite())))
    elif what == "weather_prompts":
        print("\n".join(prompt for prompt, _ in weather_suite()))
    elif what == "weather":
        a = arguments(plan=0.0, cpu_alone=True, videos="wet")
        score_kinds(weather_suite(), READ, partial(falling, load_weather_reader(a.out)), a.videos)
    elif what == "landmark_prompts":
        print("\n".join(prompt for prompt, _ in landmark_suite()))
    elif what == "landmarks":
        a = arguments(plan=0.0, cpu_alone=True, videos="landmarks")
        score_kinds(
            landmark_suite(), LANDMARKS, partial(landmark_in, load_landmark_reader(a.out)), a.videos
        )
    elif what == "alike":
        score_alike(arguments(plan=0.0, cpu_alone=True, videos="alike").videos)
    elif what == "event_prompts":
        print("\n".join(r[0] for r in event_suite()))
    elif what == "events":
        a = arguments(plan=0.0, cpu_alone=True, videos="events")
        score_events(Readers(a.out), a.videos)
    elif what in ("score", "long"):
        a = arguments(plan=0.0, cpu_alone=True, videos="videos")
        paths = files_in(a.videos, ".npy", ".y4m", folders=True)
        (score if what == "score" else score_long)(Readers(a.out), (read_video(f) for f in paths))
    else:
        print(__doc__)


if __name__ == "__main__":
    main()
