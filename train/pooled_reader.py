"""What the readers of weather and of landmarks share (weather_reader.py, landmark_reader.py): a
small convolutional net that looks at the whole picture, and how it is taught. It has nothing to do
with the networks of mini and sees rendered pictures alone."""

from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

from training import Run, save_atomically


class PooledReader(nn.Module):
    """Pictures [n,channels,128,192] -> logits [n,kinds], from the mean and the largest of each of
    `width` channels that `body` makes"""

    def __init__(self, body, width, kinds):
        super().__init__()
        self.body, self.out = body, nn.Linear(2 * width, kinds)

    def forward(self, x):
        h = self.body(x)
        return self.out(torch.cat([h.mean((2, 3)), h.amax((2, 3))], 1))


def rendered_once(path, pictures):
    """Tensors of an iterable of (pictures [k,...], their kinds), one after the other; kept at
    `path`"""
    if not Path(path).exists():
        shown, kinds = zip(*pictures)
        save_atomically((torch.cat(shown), torch.tensor(sum(kinds, []))), path)
    return torch.load(path)


@torch.no_grad()
def kind_in(reader, pictures):
    """What all pictures [n,channels,128,192] of a video show together: index of the reader's
    kinds"""
    return int(reader(pictures).log_softmax(1).sum(0).argmax())


def teach(a, stage, reader, drawn, kinds, names, held):
    """OUT/STAGE.pt. drawn(indices) -> pictures as the reader is to see them; kinds [N] index
    `names`. The first `held` only judge, which is told."""
    run = Run(stage, reader, a, lr=0.02, adam_lr=2e-3, adam_only=("out",), warmup=50, average=0.99)
    for _ in run:
        i = torch.randint(held, len(kinds), (a.batch,))
        logits, kind = reader(drawn(i)), kinds[i].to(a.device)
        run.step(
            F.cross_entropy(logits, kind, label_smoothing=0.02),
            right=(logits.argmax(1) == kind).float().mean(),
        )
    reader.load_state_dict(run.mean)
    reader.eval()
    with torch.no_grad():
        right = (
            torch.cat([reader(drawn(i)).argmax(1).cpu() for i in torch.arange(held).split(16)])
            == kinds[:held]
        )
    print(
        f"{stage}: {right.float().mean():.3f} of {held} held-out rendered pictures (softened, soiled)"
    )
    for kind, name in enumerate(names):
        of_kind = right[kinds[:held] == kind]
        print(f"  {name} {of_kind.float().mean():.3f} of {len(of_kind)}")
