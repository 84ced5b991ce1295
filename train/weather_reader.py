"""A small convolutional net that says whether it rains or snows in a video, from what changes in
its light from frame to frame.

    python weather_reader.py --plan 10                    # OUT/weather_clips.pt, OUT/weather_reader.pt, and its accuracy on held-out rendered clips

It has nothing to do with the networks of mini and is trained on rendered clips alone, whose drops
and flakes fall at the renderer's speed or down to a quarter of it, on any path. What small video
models draw is soft: a reader of crisp clips, right in all held-out ones, saw nothing fall in any
video of such a model.
"""

import numpy as np
import torch
import torch.nn as nn

from fit_vit import soiled
from grammar import DRY, FALLING, OUTDOORS, SCENES, pick, sample_graph
from judge import blurred, step
from pooled_reader import PooledReader, kind_in, rendered_once, teach
from render import render_many
from scene import compose
from training import arguments, averaged

READ = ["nothing", *FALLING]  # what a clip is read as
FRAMES = 6  # that are read together
# clips in all, those that only judge, those rendered at once
CLIPS, HELD, TOGETHER = 1440, 180, 8


class WeatherReader(PooledReader):
    """Luminance [n,FRAMES,128,192] in [-1,1] -> logits [n,3]"""

    def __init__(self):
        super().__init__(
            nn.Sequential(step(FRAMES, 24, 2), step(24, 32, 2), step(32, 48, 2)), 48, len(READ)
        )

    def forward(self, light):
        return super().forward(8 * (light - light.mean(1, keepdim=True)))


def rendered_clips():
    """-> uint8 luminance [TOGETHER,FRAMES,128,192] and what falls, CLIPS / TOGETHER times"""
    rng = np.random.default_rng(77)
    for _ in range(CLIPS // TOGETHER):
        scenes, kinds = [], []
        for _ in range(TOGETHER):
            kind = int(rng.integers(len(READ)))
            weather = READ[kind] if kind else pick(rng, DRY)
            scene = compose(
                sample_graph(
                    rng,
                    events=0,
                    weather=weather,
                    scene=pick(rng, SCENES if weather == "clear" else OUTDOORS),
                ),
                FRAMES,
            )
            scene.index = np.arange(FRAMES) * float(rng.uniform(0.25, 1))
            scenes.append(scene)
            kinds.append(kind)
        yield render_many(scenes)[0].float().mean(-1).round().to(torch.uint8), kinds


def softened(light, rng):
    """Clips [n,FRAMES,128,192], mostly blurred, and what changes in them made plainer again"""
    if rng.random() < 0.8:
        light = blurred(
            light.flatten(0, 1)[:, None].expand(-1, 3, -1, -1), float(rng.uniform(0.4, 2.2))
        )[:, 0].view_as(light)
        still = light.mean(1, keepdim=True)
        light = still + float(rng.uniform(0.7, 4)) * (light - still)
    return light.clamp(-1, 1)


def load_weather_reader(out):
    return averaged("weather_reader", WeatherReader(), out)


def falling(reader, video):
    """uint8 [T,128,192,3] -> index of READ"""
    light = torch.from_numpy(np.array(video)).float().mean(-1) / 127.5 - 1
    return kind_in(reader, light[: len(light) // FRAMES * FRAMES].unflatten(0, (-1, FRAMES)))


def main():
    a = arguments(plan=10.0, batch=16)
    torch.manual_seed(0)
    clips, kinds = rendered_once(f"{a.out}/weather_clips.pt", rendered_clips())
    rng = np.random.default_rng(1)

    def drawn(i):
        light = softened(clips[i].to(a.device).float() / 127.5 - 1, rng)
        return soiled(light.flip(-1) if rng.random() < 0.5 else light, rng)

    teach(a, "weather_reader", WeatherReader().to(a.device), drawn, kinds, READ, HELD)


if __name__ == "__main__":
    main()
