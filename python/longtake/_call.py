"""A request as C takes it, and what that points to while it is made."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import tempfile
from typing import Any, Callable, Iterator, Optional, Sequence, Union

import numpy as np

from . import _engine  # for types alone: it imports this file
from . import _library as c
from . import _values as values
from ._errors import LongtakeError, Status
from ._files import opened_film, opened_recipe
from ._handles import invoke, require_ok
from ._hearing import Hearing, Progress
from ._library import library as lib
from ._report import Report, report_of
from ._request import OnFrame, Retake, Shot, no_such_keyword
from ._tokens import Tokens
from ._values import Path

_WORDS = ("cfg_schedule", "guidance", "carry", "speed", "codes")
_SETTINGS = dict(c.Settings._fields_)
_SHOT = dict(c.Shot._fields_)


def _shot(shot: Any) -> Shot:
    if isinstance(shot, Shot):
        return shot
    if isinstance(shot, (tuple, list)) and len(shot) == 2:
        return Shot(*shot)
    raise TypeError(f"shots: found {shot!r}, expected a Shot or (seconds, prompt)")


@contextlib.contextmanager
def input_of(tokens: Union[Tokens, Path]) -> Iterator[dict]:
    """What a request says of tokens: their file, which is gone afterwards where they had none and
    bears no name in messages."""
    if not isinstance(tokens, Tokens):
        yield {"input": tokens}
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "take.lt")
        tokens.write(path)
        yield {"input": path, "_called": {path: repr(tokens)}}


class Call(Hearing):
    """One request: its C struct and what that points to."""

    def __init__(
        self,
        prompt: Optional[str] = None,
        *,
        shots: Optional[Sequence[Union[Shot, "tuple[float, str]"]]] = None,
        retakes: Sequence[Retake] = (),
        input: Optional[Path] = None,
        image: Optional[Path] = None,
        from_seconds: Optional[float] = None,
        new_only: bool = False,
        output: Optional[Path] = None,
        format: Optional[str] = None,
        metadata: bool = True,
        max_seam: Optional[float] = None,
        job: Optional[Path] = None,
        fresh: bool = False,
        keep_job: bool = False,
        preview: Optional[Path] = None,
        film: Optional[Path] = None,
        recipe: Optional[Path] = None,
        tokens: Optional[Tokens] = None,
        windows: Optional["tuple[int, int]"] = None,
        progress: Progress = None,
        on_frame: Optional[OnFrame] = None,
        _fps: float,
        _ahead: Optional[int] = None,
        _called: "Optional[dict[str, str]]" = None,
        **settings: Any,
    ):
        if on_frame is not None and not callable(on_frame):
            raise values.refused("on_frame", on_frame, "a function of index and frame")
        super().__init__(progress, _ahead, _called)
        self._on_frame = on_frame
        self._film, self._recipe, self._tokens = film, recipe, tokens
        r = self.request = c.Request()
        lib.longtake_request_init(ctypes.byref(r))
        r.prompt = None if prompt is None else values.text("--prompt", prompt)
        if shots is not None:
            self._fill_shots([_shot(shot) for shot in shots], _fps)
        self._fill_retakes(retakes)
        for name, value in (
            ("input", input),
            ("image", image),
            ("output", output),
            ("job", job),
            ("preview", preview),
        ):
            setattr(r, name, None if value is None else values.path(f"--{name}", value))
        r.format = None if format is None else values.text("--format", format)
        if from_seconds is not None:
            r.from_seconds = values.number("--from", from_seconds, ctypes.c_double, 0)
        if max_seam is not None:
            r.max_seam = values.number("--max-seam", max_seam, ctypes.c_double, 0)
        if tokens is not None:
            if not isinstance(tokens, Tokens):
                raise values.refused("tokens", tokens, "Tokens")
            r.tokens = tokens._handle
        if windows is not None:
            if not isinstance(windows, (tuple, list)) or len(windows) != 2:
                raise values.refused("--windows", windows, "the first and the last")
            r.window_first, r.window_last = (
                values.number("--windows", window, ctypes.c_int64, 0) for window in windows
            )
        r.new_only, r.no_metadata, r.fresh, r.keep_job = new_only, not metadata, fresh, keep_job
        self._fill_settings(settings)
        r.on_event = c.EVENT_FN(self.hear_event)
        if on_frame is not None:
            r.on_frame = c.FRAME_FN(self.hear_frame)

    def _fill_shots(self, shots: Sequence[Shot], fps: float) -> None:
        told = (c.Shot * max(len(shots), 1))()
        for i, (shot, given) in enumerate(zip(told, shots)):
            lib.longtake_shot_init(ctypes.byref(shot))
            place = f"shots[{i}]"
            at = values.number(f"{place}.at", given.at, ctypes.c_double) * fps
            if not abs(at) < 2**63:
                raise LongtakeError(
                    Status.USAGE,
                    f"{place}.at: found {given.at} seconds, expected a moment of the take",
                )
            shot.at_frame, shot.as_one_text = round(at), given.as_one_text
            shot.prompt = values.text(f"{place}.prompt", given.prompt)
            for name in ("motion", "seed", "lm_cfg", "shot_cfg", "cfg_scale"):
                value = getattr(given, name)
                if value is not None:
                    setattr(shot, name, values.number(f"{place}.{name}", value, _SHOT[name], 0))
            if given.plan is not None:
                shot.plan = values.path(f"{place}.plan", given.plan)
            shot.plan_from_seconds, shot.plan_seconds = (
                values.number(f"{place}.{name}", getattr(given, name) or 0, ctypes.c_double)
                for name in ("plan_from", "plan_seconds")
            )
        self.request.shots, self.request.shot_count = told, len(shots)

    def _fill_retakes(self, retakes: Sequence[Retake]) -> None:
        told = (c.Retake * max(len(retakes), 1))()
        for i, given in enumerate(retakes):
            place = f"retakes[{i}]"
            if not isinstance(given, Retake):
                raise values.refused(place, given, "a Retake")
            numbers = [
                values.number(f"{place}.{name}", getattr(given, name), ctypes.c_int64)
                for name in ("first", "last", "seed")
            ]
            told[i] = c.Retake(*numbers, given.keep_rest)
        self.request.retakes, self.request.retake_count = told, len(retakes)

    def _fill_settings(self, settings: dict) -> None:
        for name, value in settings.items():
            if name not in _SETTINGS:
                raise no_such_keyword(name)
            if value is None:
                continue
            place = f"--{name}".replace("_", "-")
            if name in _WORDS:
                value = values.text(place, value)
            elif name == "fit":
                value = values.fit(value)
            else:
                value = values.number(place, value, _SETTINGS[name], -1 if name == "seed" else 0)
            setattr(self.request.settings, name, value)

    def hear_frame(self, _user: Any, index: int, rgb: Any, width: int, height: int) -> int:
        return self._tell(
            lambda: functools.partial(
                self._on_frame, index, np.ctypeslib.as_array(rgb, (height, width, 3)).copy()
            ),
            True,
        )

    @contextlib.contextmanager
    def filled(self, engine: _engine.Engine) -> Iterator[Any]:
        """The request in C. Film and recipe give what it leaves open, and it borrows from them."""
        with contextlib.ExitStack() as opened:
            for opening, apply, path in (
                (opened_film, lib.longtake_film_apply, self._film),
                (opened_recipe, lib.longtake_recipe_apply, self._recipe),
            ):
                if path is not None:
                    script = opened.enter_context(opening(path))
                    invoke(apply, script, engine._handle, ctypes.byref(self.request))
            yield ctypes.byref(self.request)

    def fulfil(
        self, engine: _engine.Engine, function: Callable, *rest: Any, before: "tuple[Any, ...]" = ()
    ) -> None:
        """function(engine, before..., request, rest..., error), when it is this request's turn."""
        error = c.Error()
        with self.filled(engine) as request:
            status = function(engine._handle, *before, request, *rest, ctypes.byref(error))
            require_ok(status, error, self._worded)

    def make(self, engine: _engine.Engine, function: Callable) -> Report:
        result = c.Result()
        try:
            self.fulfil(engine, function, ctypes.byref(result))
            return report_of(result, self._worded)
        finally:
            lib.longtake_result_clear(ctypes.byref(result))
