"""What a request may say: its keywords with their types."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import inspect
import typing
from typing import TYPE_CHECKING, Any, Callable, Optional, Sequence, TypedDict, TypeVar, Union, cast

import numpy as np

from ._hearing import Progress
from ._tokens import Tokens
from ._values import Path

if TYPE_CHECKING:
    from typing_extensions import Unpack
else:
    Unpack = getattr(typing, "Unpack", Optional)  # so that get_type_hints() works before 3.11

OnFrame = Callable[[int, np.ndarray], Any]
_Method = TypeVar("_Method", bound=Callable)


@dataclasses.dataclass(frozen=True)
class Shot:
    """From `at` seconds on this prompt holds; what is None is the take's. `plan`: a token file or
    video whose tokens are the plan as far as they reach, from `plan_from` seconds of it on,
    `plan_seconds` long (None: up to its end). `as_one_text`: the prompt is read as a whole from the
    first frame on, even where the model spreads the events that it tells over the shot."""

    at: float
    prompt: str
    motion: Optional[float] = None
    seed: Optional[int] = None
    lm_cfg: Optional[float] = None
    shot_cfg: Optional[float] = None
    cfg_scale: Optional[float] = None
    plan: Optional[Path] = None
    plan_from: float = 0
    plan_seconds: Optional[float] = None
    as_one_text: bool = False


@dataclasses.dataclass(frozen=True)
class Retake:
    """Windows first .. last made again under `seed`; what follows is made anew, or kept."""

    first: int
    last: int
    seed: int
    keep_rest: bool = False


class Settings(TypedDict, total=False):
    """Settings of a take. One that is None or left out is the model's own (`Engine.config_text`),
    or that of a film, recipe or token file."""

    seconds: Optional[float]  # the length: at most one of these three
    frames: Optional[int]  # RGB frames
    semantic_frames: Optional[int]  # n of them are 4 (n - 1) + 1 RGB frames
    seed: Optional[int]  # 0 .. 2^32-1; -1 draws one; left out: the input's own, else 42
    fps: Optional[float]  # of the file: the same frames, faster or slower
    width: Optional[int]  # the model's; others are refused
    height: Optional[int]
    scale: Optional[int]  # enlarges the output, 1 .. 8
    fit: Optional[str]  # a picture or video of another size: cover, pad, crop or stretch
    lm_cfg: Optional[float]  # guidance of the language model, 0 .. 100; 0 or 1: off
    shot_cfg: Optional[float]  # how strongly a new shot's prompt is followed, 0 .. 100; 0: off
    temperature: Optional[float]  # of the token draw, .001 .. 100
    top_k: Optional[int]  # so many of the likeliest tokens; 0: off. Not together with top_p
    top_p: Optional[float]  # the likeliest tokens that sum to this; 0: off
    motion: Optional[float]  # 0 .. 10: how much moves
    lm_context: Optional[int]  # earlier segments that the language model sees, 0 .. 64
    steps: Optional[int]  # denoising steps a window, 1 .. 999
    cfg_scale: Optional[float]  # guidance of refinement, 0 .. 100; 1: none, half the cost
    cfg_schedule: Optional[str]  # official, ramp or constant
    guidance: Optional[str]  # cfg or apg
    overlap: Optional[int]  # known latents of a window, odd
    carry: Optional[str]  # latents, frames or renoise
    speed: Optional[str]  # exact, fast or faster
    codes: Optional[str]  # how videos are read: auto, scene or picture


class Request(Settings, total=False):
    """The keywords of a request that every method takes. One that a method does not read is passed
    over; longtake_request in longtake.h has a table of who reads what."""

    shots: Optional[Sequence[Union[Shot, "tuple[float, str]"]]]  # instead of the prompt
    recipe: Optional[Path]  # a file of ours: its take is made again
    retakes: Sequence[Retake]  # windows under other seeds, one over the other
    image: Optional[Path]  # the take begins with this picture
    from_seconds: Optional[float]  # where a continuation begins
    new_only: bool  # of a continuation its new part alone
    windows: Optional["tuple[int, int]"]  # refines first .. last alone, into `job`
    output: Optional[Path]  # the file; "-": standard output
    format: Optional[str]  # mp4 mov webm mkv y4m webp png lt npy latents; None: by the extension
    metadata: bool  # False: the file does not tell how it was made
    max_seam: Optional[float]  # LongtakeError (LIMIT), when done, where a seam is above it
    preview: Optional[Path]  # .mp4 or folder for rough pictures of the window that is refined
    job: Optional[Path]  # job folder that is kept; None: beside the output, gone on success
    fresh: bool  # forgets what is made already
    keep_job: bool  # keeps the folder beside the output
    progress: Progress  # True: a bar; a function hears every Event


class PromptRequest(Request, total=False):
    """The keywords of a request that begins with a prompt."""

    tokens: Optional[Tokens]  # the whole plan, instead of the language model's
    film: Optional[Path]  # a file that gives what the request leaves open


def _keywords_of(*kinds: Any) -> "dict[str, Any]":
    """Names and types of what TypedDicts hold."""
    return {
        name: getattr(kind, "__forward_arg__", kind)
        for request in kinds
        for name, kind in request.__annotations__.items()
    }


# of all methods together
_KEYWORDS = sorted({*_keywords_of(PromptRequest), "prompt", "input", "on_frame"})
_DEFAULTS = {"retakes": (), "metadata": True, "new_only": False, "fresh": False, "keep_job": False}


def takes(*kinds: Any, but: Sequence[str] = ()) -> Callable[[_Method], _Method]:
    """inspect.signature() and help() of a method show what its **request takes, `but` some that the
    method sets itself and refuses."""

    def shown(method: _Method) -> _Method:
        @functools.wraps(method)
        def refusing(*arguments: Any, **request: Any) -> Any:
            for name in but:
                if name in request:
                    raise TypeError(f"{method.__name__}() has no keyword {name!r}")
            return method(*arguments, **request)

        signature = inspect.signature(method)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        more = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS.get(name), annotation=kind
            )
            for name, kind in _keywords_of(*kinds).items()
            if name not in but and name not in signature.parameters
        ]
        setattr(refusing, "__signature__", signature.replace(parameters=own + more))
        return cast(_Method, refusing)

    return shown


def no_such_keyword(name: str) -> TypeError:
    near = difflib.get_close_matches(name, _KEYWORDS, 1)
    hint = f" (the nearest is {near[0]!r})" if near else ""
    return TypeError(f"longtake has no keyword {name!r}{hint}; it has {', '.join(_KEYWORDS)}")
