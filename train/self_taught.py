"""What the stages share in which the refinement teaches itself (fit_weather.py, fit_landmarks.py):
takes that the program makes, and windows that the network as it was and the network that learns
both see, the latter with something in them that the former is not shown."""

import shutil
import subprocess

import torch

from fit_mmdit import DRAWN, draw_times
from training import ROOT

# what `make` asks of the command line of a trainer
PROGRAM = {"program": str(ROOT / "build" / "longtake"), "model": str(ROOT / "models" / "mini")}
# latents that a window has from the one before, as often as they stand here
KNOWN = torch.tensor([1, 3, 5, 7, 7, 7, 7, 9])


def make(a, to, *words):
    """The file `to`, unless it is there: made by `a.program` with the model that was exported"""
    if not to.exists():
        if not shutil.which(a.program):
            raise SystemExit(f"--program {a.program}: not there, expected longtake as it is built")
        command = [a.program, *words, "-o", to, "-m", a.model, "-q"]
        code = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
        if code:  # it has said why
            raise SystemExit(f"{to}: {a.program} {words[0]} ended with {code}")


def draw_known(n, none):
    """How many latents of a window are known [n]; of a share `none` of them it is the first window,
    which knows none."""
    return torch.where(torch.rand(n) < none, 0, KNOWN[torch.randint(len(KNOWN), (n,))])


def draw_late_times(n, timesteps, share):
    """As `draw_times`, but a share at the last of the listed timesteps: what is painted there is
    seen."""
    return torch.where(
        torch.rand(n) < share,
        timesteps[-1] + torch.randint(-25, 16, (n,)),
        draw_times(n, timesteps, "cpu"),
    )


def each(v):
    """[n] -> [n,1,1,1,1]"""
    return v[:, None, None, None, None]


class Noised:
    """Windows of latents z and control latents c [n,T,16,16,24], text [n,48,d], rows of the
    position table [T], known [n] latents, at timesteps t [n]. Networks see them with the same
    noise; the known latents are clean, but soiled and drawn towards c as in use."""

    def __init__(self, z, c, text, rows, known, levels, t):
        self.z, self.c, self.text, self.rows, self.t = z, c, text, rows, t
        self.level = levels[t]
        self.a, self.s = each(self.level), each((1 - self.level.square()).sqrt())
        self.unknown = (torch.arange(len(rows)) >= known[:, None])[:, :, None, None, None].float()
        self.noise, self.towards = torch.randn_like(z), DRAWN * each(torch.rand(len(z)))
        self.soil = 0.1 * each(torch.rand(len(z))) * torch.randn_like(z)

    def x0(self, net, inside=0, there=0):
        """The answer of `net` where unknown latents gain `inside` and known ones `there`"""
        first = self.z + there
        x = (self.a * (self.z + inside) + self.s * self.noise) * self.unknown + (
            first + self.towards * (self.c - first) + self.soil
        ) * (1 - self.unknown)
        return self.a * x - self.s * net(x, self.c, self.text, self.t, self.rows)
