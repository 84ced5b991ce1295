"""A small convolutional net that says which landmark a video shows, or none, frame by frame.

    python landmark_reader.py --plan 12                   # OUT/landmark_frames.pt, OUT/landmark_reader.pt, and its accuracy on held-out rendered frames

It has nothing to do with the networks of mini and is trained on rendered frames alone, blurred and noisy, in all landscapes, with landmarks wherever
the renderer puts them.
"""
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from derive import as_pixels
from fit_vit import soiled
from grammar import LANDMARKS, SCENES, pick, sample_graph
from judge import softened, step
from render import render_many
from scene import compose
from training import Run, arguments, save_atomically

FRAMES, HELD, TOGETHER = 2400, 240, 16              # frames in all, those that only judge, those rendered at once


class LandmarkReader(nn.Module):
    """Frames [n,3,128,192] in [-1,1] -> logits [n,8]"""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(step(3, 24, 2), step(24, 32, 2), step(32, 48, 1), step(48, 64, 2), step(64, 96, 2), step(96, 96, 1))
        self.out = nn.Linear(192, len(LANDMARKS))

    def forward(self, x):
        h = self.body(x)
        return self.out(torch.cat([h.mean((2, 3)), h.amax((2, 3))], 1))


def rendered_frames(out):
    """-> uint8 frames [FRAMES,128,192,3], landmarks [FRAMES]; rendered once"""
    path = Path(out) / "landmark_frames.pt"
    if not path.exists():
        rng, frames, kinds = np.random.default_rng(78), [], []
        for _ in range(FRAMES // TOGETHER):
            scenes = []
            for _ in range(TOGETHER):
                landmark, scene = LANDMARKS[len(kinds) % len(LANDMARKS)], pick(rng, SCENES)
                graph = sample_graph(rng, events=0, camera="static", landmark=landmark, scene=scene)
                graph.seed = graph.seed % 256                      # of the painter's twelve landscapes for each landmark four: painting is what takes time
                scenes.append(compose(graph, 1, start=int(rng.integers(48))))
                kinds.append(LANDMARKS.index(landmark))
            frames.append(render_many(scenes)[0][:, 0])
        save_atomically((torch.cat(frames), torch.tensor(kinds)), path)
    return torch.load(path)


def load_landmark_reader(out):
    reader = LandmarkReader()
    reader.load_state_dict(torch.load(Path(out) / "landmark_reader.pt", map_location="cpu", weights_only=False)["mean"])
    return reader.eval()


@torch.no_grad()
def landmark_in(reader, video):
    """uint8 [T,128,192,3] -> index of LANDMARKS; every fourth frame is looked at"""
    return int(reader(as_pixels(torch.from_numpy(np.array(video[::4])))).log_softmax(1).sum(0).argmax())


def main():
    a = arguments(plan=12., batch=24)
    torch.manual_seed(0)
    frames, kinds = rendered_frames(a.out)
    reader, rng = LandmarkReader().to(a.device), np.random.default_rng(1)
    run = Run("landmark_reader", reader, a, lr=.02, adam_lr=2e-3, adam_only=("out",), warmup=50, average=.99)

    def drawn(i):
        x = as_pixels(frames[i].to(a.device))
        return soiled(softened(x.flip(-1) if rng.random() < .5 else x, rng), rng)

    for _ in run:
        i = torch.randint(HELD, len(frames), (a.batch,))
        logits, kind = reader(drawn(i)), kinds[i].to(a.device)
        run.step(F.cross_entropy(logits, kind, label_smoothing=.02), right=(logits.argmax(1) == kind).float().mean())
    reader.load_state_dict(run.mean)
    reader.eval()
    with torch.no_grad():
        read = torch.cat([reader(drawn(i)).argmax(1).cpu() for i in torch.arange(HELD).split(16)])
    right = read == kinds[:HELD]
    print(f"landmark reader on {HELD} held-out rendered frames (softened, soiled): {right.float().mean():.3f}; "
          + ", ".join(f"{name} {right[kinds[:HELD] == k].float().mean():.2f}" for k, name in enumerate(LANDMARKS)))


if __name__ == "__main__":
    main()
