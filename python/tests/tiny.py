"""The tiny model that the tests run on: 96x64 pixels, 8 frames a second, windows of 17 frames,
segments of 5 semantic frames."""

import os
from pathlib import Path

MODEL = os.environ["MODEL"]
RELEASE = Path(MODEL).parent / "release"  # its maker leaves it beside it
TREE = Path(__file__).resolve().parents[2]
CONFIG = TREE / "configs" / "tiny.yaml"

SHORT = dict(frames=25, steps=2)  # a request of two windows
