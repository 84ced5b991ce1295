"""Requests on a thread of their own, and who hears of them."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import queue
import sys
import threading
import warnings
from pathlib import Path
from typing import Any, Callable, Iterator, Optional, Union

from . import _library as c
from ._errors import LongtakeError, LongtakeWarning, Status

_PACKAGE = str(Path(__file__).parent)


@dataclasses.dataclass(frozen=True)
class Event:
    """One step of a request. `kind`: start stage window step preview warning window_done done
    note. `frames` and `fps` are those of the file that is begun (start), `message` is a text
    (warning, note) or path (preview, done)."""

    kind: str
    elapsed_seconds: float
    stage: str
    window: int
    windows: int
    step: int
    steps: int
    eta_seconds: Optional[float]
    peak_bytes: int
    message: Optional[str]
    frames: int = 0
    fps: float = 0.0


EVENT_KINDS = (
    "start",
    "stage",
    "window",
    "step",
    "preview",
    "warning",
    "window_done",
    "done",
    "note",
)

Progress = Union[None, bool, Callable[[Event], Any]]


def _warn(event: Event) -> None:
    """As of the line that made the request."""
    if event.kind != "warning":
        return
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(event.message or "", LongtakeWarning, stacklevel=level)


def _line(event: Event) -> None:
    """One line on standard error, drawn again and again."""
    if event.kind == "step":
        where = (
            f"{event.stage} {event.window + 1}/{event.windows}"
            if event.windows > 1
            else event.stage
        )
        print(
            f"\r{where + f'  step {event.step}/{event.steps}':<40}",
            end="",
            file=sys.stderr,
            flush=True,
        )
    if event.kind in ("warning", "done"):
        print(file=sys.stderr, flush=True)
    _warn(event)


def _bar() -> Callable[[Event], None]:
    """A progress bar where tqdm is installed, else a line."""
    try:
        from tqdm import tqdm
    except ImportError:
        return _line
    bars: dict = {}

    def show(event: Event) -> None:
        _warn(event)
        if event.kind == "step" and event.steps > 0:
            bar = bars.get(event.stage) or bars.setdefault(
                event.stage, tqdm(desc=event.stage, total=event.steps * max(event.windows, 1))
            )
            bar.n = event.window * event.steps + event.step
            bar.refresh()
        if event.kind == "done":
            for bar in bars.values():
                bar.close()

    return show


def _heard_by(progress: Progress) -> Callable[[Event], Any]:
    """A function hears of warnings; else Python's `warnings` do."""
    if progress is None or progress is False:
        return _warn
    if progress is True:
        return _bar()
    if callable(progress):
        return progress
    raise LongtakeError(
        Status.USAGE, f"progress: found {progress!r}, expected True or a function of Event"
    )


def _event(e: c.Event, worded: Callable[[str], str]) -> Event:
    return Event(
        EVENT_KINDS[e.kind],
        e.elapsed_seconds,
        (e.stage or b"").decode(),
        e.window,
        e.windows,
        e.step,
        e.steps,
        e.eta_seconds if e.eta_seconds >= 0 else None,
        e.peak_bytes,
        worded(e.message.decode("utf-8", "replace")) if e.message else None,
        e.frames,
        e.fps,
    )


class Hearing:
    """Runs a request on a thread of its own, and its callbacks on the one that asked: that waits in
    Python, where Ctrl-C is heard, which is lost in a function that C calls. The request waits until
    a callback has returned; with `ahead` it does so only for frames, and goes on while fewer than
    these wait to be taken. `called`: files that messages name otherwise."""

    def __init__(
        self,
        progress: Progress = None,
        ahead: Optional[int] = None,
        called: "Optional[dict[str, str]]" = None,
    ):
        self.cancelled = False
        self._progress = _heard_by(progress)
        self._is_quiet = self._progress is _warn
        self._called = called or {}
        self._events_wait = ahead is None
        self._free = max(ahead or 1, 1) - 1  # callbacks that need not be waited for
        # (callback, whether it is waited for), ..., None
        self._told: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
        # one for each that was waited for and is done
        self._heard: "queue.SimpleQueue[None]" = queue.SimpleQueue()
        self._here = False  # no thread was to be had: callbacks run where the library calls
        self._failure: Optional[BaseException] = None  # the first one, of the request's thread

    def stop(self) -> None:
        """After its current step."""
        self.cancelled = True
        self._heard.put(None)

    def _fail(self, exception: BaseException) -> None:
        self._failure = self._failure or exception
        self.cancelled = True

    def _tell(self, copy: Callable[[], Callable[[], Any]], waits: bool) -> int:
        """`copy` gives a callback that needs nothing of the library's any more."""
        try:
            if self.cancelled:
                return 1
            callback = copy()
            if self._here:
                callback()
                return 0
            self._told.put((callback, waits))
            if waits and self._free > 0:
                self._free -= 1
            elif waits:
                self._heard.get()
        except BaseException as exception:
            self._fail(exception)
        return int(self.cancelled)

    def hear_event(self, _user: Any, pointer: Any) -> int:
        if self._is_quiet and EVENT_KINDS[pointer.contents.kind] != "warning":
            return int(self.cancelled)
        return self._tell(
            lambda: functools.partial(self._progress, _event(pointer.contents, self._worded)),
            self._events_wait,
        )

    def _worded(self, message: str) -> str:
        for file, name in self._called.items():
            message = message.replace(file, name)
        return message

    def _next_told(self) -> Any:
        while True:
            try:
                # a signal that another thread got does not end a wait
                return self._told.get(timeout=0.1)
            except queue.Empty:
                if sys.is_finalizing():  # other threads have ended
                    raise LongtakeError(
                        Status.CANCELLED, "request: the interpreter shuts down"
                    ) from None

    def steps(self, work: Callable[[], Any]) -> Iterator[None]:
        """Yields after every callback, and returns what `work` does. An exception stops the request
        after its current step, and is passed on then; a second one is passed on at once."""
        result = None

        def run() -> None:
            nonlocal result
            try:
                result = work()
            except BaseException as exception:
                self._fail(exception)
            finally:
                self._told.put(None)

        thread = threading.Thread(target=run, daemon=True, name="longtake")
        try:
            if not _started(thread):
                self._here = True
                run()
                yield
            for callback, waits in iter(self._next_told, None):
                callback()
                if waits:
                    self._heard.put(None)
                yield
        finally:
            self.stop()
            if thread.is_alive() and not sys.is_finalizing():
                thread.join()
        failure, self._failure = self._failure, None
        if failure is not None:
            try:
                raise failure
            finally:
                del failure  # else it holds this frame, and that it
        return result


def _started(thread: threading.Thread) -> bool:
    """An interpreter that shuts down starts none."""
    if sys.is_finalizing():
        return False
    try:
        thread.start()
        return True
    except RuntimeError:
        return False


def finish(steps: Iterator[None]) -> Any:
    """What a request comes to."""
    with contextlib.closing(steps):
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value
