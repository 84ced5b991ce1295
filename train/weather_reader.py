"""A small convolutional net that says whether it rains or snows in a video, from what changes in its light from frame to frame.

    python weather_reader.py --plan 10                    # OUT/weather_clips.pt, OUT/weather_reader.pt, and its accuracy on held-out rendered clips

It has nothing to do with the networks of mini and is trained on rendered clips alone, whose drops and flakes fall at the renderer's speed or down to a
quarter of it, on any path. What small video models draw is soft: a reader of crisp clips, right in all held-out ones, saw nothing fall in any video of such a model.
"""
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from fit_vit import soiled
from grammar import DRY, FALLING, OUTDOORS, SCENES, pick, sample_graph
from judge import blurred, step
from render import render_many
from scene import compose
from training import Run, arguments, save_atomically

READ = ["nothing", *FALLING]                        # what a clip is read as
FRAMES = 6                                          # that are read together
CLIPS, HELD, TOGETHER = 1440, 180, 8                # clips in all, those that only judge, those rendered at once


class WeatherReader(nn.Module):
    """Luminance [n,FRAMES,128,192] in [-1,1] -> logits [n,3]"""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(step(FRAMES, 24, 2), step(24, 32, 2), step(32, 48, 2))
        self.out = nn.Linear(96, len(READ))

    def forward(self, light):
        h = self.body(8 * (light - light.mean(1, keepdim=True)))
        return self.out(torch.cat([h.mean((2, 3)), h.amax((2, 3))], 1))


def rendered_clips(out):
    """-> uint8 luminance [CLIPS,FRAMES,128,192], what falls [CLIPS]; rendered once"""
    path = Path(out) / "weather_clips.pt"
    if not path.exists():
        rng, clips, kinds = np.random.default_rng(77), [], []
        for _ in range(CLIPS // TOGETHER):
            scenes = []
            for _ in range(TOGETHER):
                kind = int(rng.integers(len(READ)))
                weather = READ[kind] if kind else pick(rng, DRY)
                scene = compose(sample_graph(rng, events=0, weather=weather, scene=pick(rng, SCENES if weather == "clear" else OUTDOORS)), FRAMES)
                scene.index = np.arange(FRAMES) * float(rng.uniform(.25, 1))
                scenes.append(scene)
                kinds.append(kind)
            clips.append(render_many(scenes)[0].float().mean(-1).round().to(torch.uint8))
        save_atomically((torch.cat(clips), torch.tensor(kinds)), path)
    return torch.load(path)


def softened(light, rng):
    """Clips [n,FRAMES,128,192], mostly blurred, and what changes in them made plainer again"""
    if rng.random() < .8:
        light = blurred(light.flatten(0, 1)[:, None].expand(-1, 3, -1, -1), float(rng.uniform(.4, 2.2)))[:, 0].view_as(light)
        still = light.mean(1, keepdim=True)
        light = still + float(rng.uniform(.7, 4)) * (light - still)
    return light.clamp(-1, 1)


def load_weather_reader(out):
    reader = WeatherReader()
    reader.load_state_dict(torch.load(Path(out) / "weather_reader.pt", map_location="cpu", weights_only=False)["mean"])
    return reader.eval()


@torch.no_grad()
def falling(reader, video):
    """uint8 [T,128,192,3] -> index of READ"""
    light = torch.from_numpy(np.array(video)).float().mean(-1) / 127.5 - 1
    clips = light[:len(light) // FRAMES * FRAMES].unflatten(0, (-1, FRAMES))
    return int(reader(clips).log_softmax(1).sum(0).argmax())


def main():
    a = arguments(plan=10., batch=16)
    torch.manual_seed(0)
    clips, kinds = rendered_clips(a.out)
    reader, rng = WeatherReader().to(a.device), np.random.default_rng(1)
    run = Run("weather_reader", reader, a, lr=.02, adam_lr=2e-3, adam_only=("out",), warmup=50, average=.99)

    def drawn(i):
        light = softened(clips[i].to(a.device).float() / 127.5 - 1, rng)
        return soiled(light.flip(-1) if rng.random() < .5 else light, rng)

    for _ in run:
        i = torch.randint(HELD, len(clips), (a.batch,))
        logits, kind = reader(drawn(i)), kinds[i].to(a.device)
        run.step(F.cross_entropy(logits, kind, label_smoothing=.02), right=(logits.argmax(1) == kind).float().mean())
    reader.load_state_dict(run.mean)
    reader.eval()
    with torch.no_grad():
        read = torch.cat([reader(drawn(i)).argmax(1).cpu() for i in torch.arange(HELD).split(16)])
    for kind, name in enumerate(READ):
        right = read[kinds[:HELD] == kind] == kind
        print(f"weather reader on held-out rendered clips (softened, soiled): {name} {right.float().mean():.3f} of {len(right)}")


if __name__ == "__main__":
    main()
