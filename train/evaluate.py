"""Does a video show what its prompt names?

    python evaluate.py prompts > prompts.txt                # 40 prompts: an object, a colour, a place, a motion, a time of day
    python evaluate.py score --videos DIR                   # DIR/000.npy|.y4m, or DIR/000/*.png, in the order of the prompts
    python evaluate.py readers                              # the readers' own accuracy on rendered held-out takes

Read by the nets of judge.py; a video has the colour (place, time) that most of its frames have, and the shape with the
highest sum of log odds over all frames that show an object.
"""
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from corpora import shards
from grammar import COLOURS, INDOORS_OF_TIME, OBJECTS, SAY_MOTION, SAY_SCENE, SAY_TIME, SCENES, TIMES, held_out, pick
from judge import Judge, ShapeReader, cut_out, verdict
from training import arguments

NAMES = {"object": OBJECTS, "colour": COLOURS, "scene": SCENES, "time": TIMES}


class Readers:
    def __init__(self, out):
        self.judge, self.shape = Judge(), ShapeReader()
        for net, stage in ((self.judge, "judge"), (self.shape, "shape")):
            net.load_state_dict(torch.load(Path(out) / f"{stage}.pt", map_location="cpu", weights_only=False)["mean"])
            net.eval()

    @torch.no_grad()
    def __call__(self, video):
        """uint8 [T,128,192,3] -> {slot: index or -1}, share of frames with an object"""
        x = torch.from_numpy(np.ascontiguousarray(video[::2])).permute(0, 3, 1, 2).float() / 127.5 - 1
        read = self.judge(x)
        shown = verdict(read)
        most = lambda v: int(v[v >= 0].mode().values) if (v >= 0).any() else -1
        answer = {k: most(shown[k]) for k in ("colour", "scene")}
        answer["time"] = most(read["time"].argmax(1))
        seen = shown["colour"] >= 0
        answer["object"] = -1
        if seen.any():
            there = 1 - read["object"][seen].softmax(1)[:, -1]                    # [n,8,12]
            there = there * (there > .3 * there.amax((1, 2), keepdim=True))
            row, column = torch.meshgrid(torch.arange(8.) * 16 + 8, torch.arange(12.) * 16 + 8, indexing="ij")
            centre = lambda axis: (there * axis).sum((1, 2)) / there.sum((1, 2))
            answer["object"] = int(self.shape(cut_out(x[seen], centre(column), centre(row))).log_softmax(1).sum(0).argmax())
        return answer, seen.float().mean().item()


def read_video(path):
    """uint8 [T,H,W,3] of a .npy, a .y4m (4:2:0 or 4:4:4) or a folder of PNGs"""
    if path.is_dir():
        from PIL import Image
        return np.stack([np.asarray(Image.open(f).convert("RGB")) for f in sorted(path.glob("*.png"))])
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
        y = planes[:w * h].reshape(h, w)
        u, v = (p.reshape(ch, cw) for p in (planes[w * h:w * h + cw * ch], planes[w * h + cw * ch:]))
        if not full:
            u, v = (p.repeat(2, 0).repeat(2, 1)[:h, :w] for p in (u, v))
        y, u, v = (y - 16) * 255 / 219, (u - 128) * 255 / 224, (v - 128) * 255 / 224
        rgb = np.stack([y + 1.402 * v, y - .344136 * u - .714136 * v, y + 1.772 * u], -1)
        frames.append(rgb.clip(0, 255).astype(np.uint8))
    return np.stack(frames)


def forty():
    """-> list of (prompt, slots): all colours and places, half of the combinations held out."""
    rng, rows = np.random.default_rng(40), []
    while len(rows) < 40:
        obj, scene, colour = pick(rng, OBJECTS), SCENES[len(rows) % 8], COLOURS[len(rows) % 9]
        if (len(rows) // 8) % 2 and not held_out(obj, colour, scene) and any(held_out(o, colour, scene) for o in OBJECTS):
            continue
        motion, time = pick(rng, ["bounce", "roll_right", "float", "spin", "rest", "fly", "jump"]), pick(rng, TIMES)
        timeless = scene in INDOORS_OF_TIME
        when = "" if timeless else " " + SAY_TIME[time][0]
        slots = {"object": obj, "colour": colour, "scene": scene, **({} if timeless else {"time": time})}
        rows.append((f"{'an' if colour[0] in 'aeiou' else 'a'} {colour} {obj} {SAY_MOTION[motion][0][0]} {SAY_SCENE[scene][0]}{when}", slots))
    return rows


def tally(rows):
    """rows: ({slot: wanted word}, {slot: index}) -> one line of shares"""
    share = lambda slot: np.mean([got[slot] == NAMES[slot].index(want[slot]) for want, got in rows if slot in want])
    both = np.mean([all(got[k] == NAMES[k].index(want[k]) for k in ("colour", "scene")) for want, got in rows])
    return "  ".join(f"{slot} {share(slot):.1%}" for slot in NAMES) + f"  colour and scene {both:.1%}  of {len(rows)}"


def score(readers, videos):
    """videos: iterable of uint8 videos in the order of `forty`."""
    rows = []
    for (prompt, want), video in zip(forty(), videos):
        got, present = readers(video)
        rows.append((want, got))
        wrong = " ".join(f"{k}:{NAMES[k][got[k]] if got[k] >= 0 else '-'}" for k in want if got[k] != NAMES[k].index(want[k]))
        print(f"{prompt:72s} object in {present:4.0%} of frames  {wrong}", flush=True)
    print(tally(rows))


def readers_themselves(readers, folder):
    rows = []
    for videos, record in shards(folder, "held"):
        for video, graph in zip(videos, record["graphs"]):
            if graph["events"]:
                continue
            timeless = graph["scene"] in INDOORS_OF_TIME
            want = {k: graph[k] for k in NAMES if not (k == "time" and timeless)}
            rows.append((want, readers(video[:48])[0]))
    print("rendered held-out takes:", tally(rows))


def main():
    what = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else "help"
    if what == "prompts":
        print("\n".join(r[0] for r in forty()))
    elif what == "readers":
        a = arguments(plan=0.)
        readers_themselves(Readers(a.out), f"{a.out}/corpora")
    elif what == "score":
        a = arguments(plan=0., videos="videos")
        paths = sorted(f for f in Path(a.videos).iterdir() if f.is_dir() or f.suffix in (".npy", ".y4m"))
        score(Readers(a.out), (read_video(f) for f in paths))
    else:
        print(__doc__)


if __name__ == "__main__":
    main()
