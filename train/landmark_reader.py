"""A small convolutional net that says which landmark a video shows, or none, frame by frame.

    python landmark_reader.py --plan 12                   # OUT/landmark_frames.pt, OUT/landmark_reader.pt, and its accuracy on held-out rendered frames

It has nothing to do with the networks of mini and is trained on rendered frames alone, blurred and
noisy, in all landscapes, with landmarks wherever the renderer puts them.
"""

import numpy as np
import torch
import torch.nn as nn

from derive import as_pixels
from fit_vit import soiled
from grammar import LANDMARKS, SCENES, pick, sample_graph
from judge import softened, step
from pooled_reader import PooledReader, kind_in, rendered_once, teach
from render import render_many
from scene import compose
from training import arguments, averaged

# frames in all, those that only judge, those rendered at once
FRAMES, HELD, TOGETHER = 2400, 240, 16


def landmark_reader():
    """Frames [n,3,128,192] in [-1,1] -> logits [n,8]"""
    return PooledReader(
        nn.Sequential(
            step(3, 24, 2),
            step(24, 32, 2),
            step(32, 48, 1),
            step(48, 64, 2),
            step(64, 96, 2),
            step(96, 96, 1),
        ),
        96,
        len(LANDMARKS),
    )


def rendered_frames():
    """-> uint8 frames [TOGETHER,128,192,3] and their landmarks, FRAMES / TOGETHER times"""
    rng = np.random.default_rng(78)
    for i in range(0, FRAMES, TOGETHER):
        scenes, kinds = [], [k % len(LANDMARKS) for k in range(i, i + TOGETHER)]
        for kind in kinds:
            scene = pick(rng, SCENES)
            graph = sample_graph(
                rng, events=0, camera="static", landmark=LANDMARKS[kind], scene=scene
            )
            # of the painter's twelve landscapes for each landmark four: painting is what takes time
            graph.seed = graph.seed % 256
            scenes.append(compose(graph, 1, start=int(rng.integers(48))))
        yield render_many(scenes)[0][:, 0], kinds


def load_landmark_reader(out):
    return averaged("landmark_reader", landmark_reader(), out)


def landmark_in(reader, video):
    """uint8 [T,128,192,3] -> index of LANDMARKS; every fourth frame is looked at"""
    return kind_in(reader, as_pixels(torch.from_numpy(np.array(video[::4]))))


def main():
    a = arguments(plan=12.0, batch=24)
    torch.manual_seed(0)
    frames, kinds = rendered_once(f"{a.out}/landmark_frames.pt", rendered_frames())
    rng = np.random.default_rng(1)

    def drawn(i):
        x = as_pixels(frames[i].to(a.device))
        return soiled(softened(x.flip(-1) if rng.random() < 0.5 else x, rng), rng)

    teach(a, "landmark_reader", landmark_reader().to(a.device), drawn, kinds, LANDMARKS, HELD)


if __name__ == "__main__":
    main()
