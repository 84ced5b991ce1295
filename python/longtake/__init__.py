"""One long continuous shot from a prompt, or from a video to start with.

    import longtake

    with longtake.Engine() as engine:                                  # the shipped model
        engine.generate("a red ball bounces on a beach", seconds=6, output="ball.mp4")
        for frame in engine.frames("a red ball", seconds=6, seed=7):   # uint8 [height, width, 3], as they are decoded
            show(frame)

Semantic tokens are uint16 arrays in the order of the token file; latents float32 [T, C, H, W];
frames uint8 [height, width, 3]. Every failure is a LongtakeError. An engine serves one request at a
time.
"""

from typing import Optional  # noqa: F401

from ._about import devices, version
from ._engine import Engine
from ._errors import LongtakeError, LongtakeWarning, Status
from ._files import film_model, info, read_latents, recipe_model
from ._hearing import Event, Progress  # noqa: F401
from ._release import import_release
from ._report import BatchLine, CheckLine, ProfileLine, Report, Score
from ._request import OnFrame, PromptRequest, Request, Retake, Settings, Shot  # noqa: F401
from ._tokens import Tokens
from ._values import Path  # noqa: F401

__all__ = [
    "BatchLine",
    "CheckLine",
    "Engine",
    "Event",
    "LongtakeError",
    "LongtakeWarning",
    "ProfileLine",
    "PromptRequest",
    "Report",
    "Request",
    "Retake",
    "Score",
    "Settings",
    "Shot",
    "Status",
    "Tokens",
    "devices",
    "film_model",
    "import_release",
    "info",
    "read_latents",
    "recipe_model",
    "version",
]

# To repr() and pickle they are of here, where they are found. So typing.get_type_hints() looks here
# for the names in the types of their fields.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
