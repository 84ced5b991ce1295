"""One long continuous shot from a prompt, or from a video to start with.

    import longtake

    with longtake.Engine() as engine:                                  # the shipped model
        engine.generate("a red ball bounces on a beach", seconds=6, output="ball.mp4")
        for frame in engine.frames("a red ball", seconds=6, seed=7):   # uint8 [height, width, 3], as they are decoded
            show(frame)

Semantic tokens are uint16 arrays in the order of the token file; latents float32 [T, C, H, W]; frames uint8
[height, width, 3]. Every failure is a LongtakeError. An engine serves one request at a time.
"""
from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import enum
import json
import numbers
import os
import queue
import struct
import sys
import tempfile
import threading
from typing import Any, Callable, Iterator, Optional, Sequence, Union

import numpy as np

from . import _library as c
from ._library import library as _lib

__all__ = ["BatchLine", "Engine", "Event", "LongtakeError", "Report", "Retake", "Shot", "Status", "Tokens", "devices", "info",
           "read_latents", "version"]

Path = Union[str, "os.PathLike[str]"]


class Status(enum.IntEnum):
    """What went wrong; the values are the program's exit codes."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INPUT = 3
    DEVICE_MEMORY = 4
    RESOURCES = 5
    DEVICE = 6
    LIMIT = 7
    CANCELLED = 130


class LongtakeError(Exception):
    """A failure of the library: `code`, the whole `message`, the `place` it begins with ("film.yaml:3:10", "--seconds",
    a file or a tensor) and a `hint`, or None, where there is one thing to do."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = Status(code)
        self.message, _, hint = message.partition("\nhint: ")
        self.hint: Optional[str] = hint or None
        self.place = self.message.partition(": ")[0]


@dataclasses.dataclass(frozen=True)
class Event:
    """One step of a request. `kind`: start stage window step preview warning window_done done note."""

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


_EVENT_KINDS = ("start", "stage", "window", "step", "preview", "warning", "window_done", "done", "note")


@dataclasses.dataclass(frozen=True)
class Shot:
    """From `at` seconds on this prompt holds; what is None is the take's. `plan`: a token file or video whose tokens are the plan as
    far as they reach, from `plan_from` seconds of it on, `plan_seconds` long (None: up to its end). `as_one_text`: the prompt is read as a
    whole from the first frame on, even where the model spreads the events that it tells over the shot."""

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


@dataclasses.dataclass(frozen=True)
class Report:
    """What a request made: RGB frames, the seed used, wall seconds, and the program's JSON report."""

    frames: int
    seed: int
    seconds: float
    about: dict


@dataclasses.dataclass(frozen=True)
class BatchLine:
    """What became of one line of a list of prompts: its number, its file, and a report or an error."""

    line: int
    output: Optional[str]
    report: Optional[Report]
    error: Optional["LongtakeError"]


def _report(result: c.Result) -> Report:
    return Report(result.frames, result.seed, result.seconds, json.loads(result.report or b"{}"))


def _check(status: int, error: c.Error) -> None:
    if status != Status.OK:
        raise LongtakeError(status, error.message.decode("utf-8", "replace"))


def _json_of(function: Callable, *arguments: Any) -> dict:
    """Calls a function that gives a JSON text."""
    error = c.Error()
    text = ctypes.c_void_p()
    _check(function(*arguments, ctypes.byref(text), ctypes.byref(error)), error)
    try:
        return json.loads(ctypes.string_at(text))
    finally:
        _lib.longtake_free(text)


def version() -> str:
    """Version of the library."""
    return _lib.longtake_version().decode()


def info(path: Path) -> dict:
    """What any file of longtake, checkpoint, video or job folder is."""
    return _json_of(_lib.longtake_info, c.path(path))


def devices() -> dict:
    """What could run here, and what this build contains."""
    return _json_of(_lib.longtake_devices)


def read_latents(path: Path) -> np.ndarray:
    """The latents of a .latents file, float32 [T, C, H, W]."""
    try:
        with open(path, "rb") as file:
            size, = struct.unpack("<Q", file.read(8))
            if size > os.fstat(file.fileno()).st_size:
                raise ValueError(f"its header has {size} bytes")
            entry = json.loads(file.read(size))["latents"]
            begin, end = entry["data_offsets"]
            file.seek(8 + size + begin)
            data = file.read(end - begin)
        if entry["dtype"] == "F32":
            values = np.frombuffer(data, "<f4")
        elif entry["dtype"] == "BF16":
            values = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
        else:
            raise ValueError(f"latents of {entry['dtype']}, expected F32 or BF16")
        return values.reshape(entry["shape"]).copy()
    except (OSError, struct.error, KeyError, TypeError, ValueError) as cause:
        raise LongtakeError(Status.INPUT, f"{os.fspath(path)}: is no latents file that can be read: {cause}") from cause


class _Owned:
    """What the library made for us, at an address, until it is closed."""

    _address: ctypes.c_void_p

    @property
    def _handle(self) -> ctypes.c_void_p:
        if not self._address:
            raise LongtakeError(Status.USAGE, f"{type(self).__name__}: is closed, expected an open one")
        return self._address


class Tokens(_Owned):
    """The semantic plan of a take. `codes` is the library's own array: changes to it count."""

    def __init__(self, handle: ctypes.c_void_p):
        self._address = handle

    @classmethod
    def read(cls, engine: "Engine", path: Path) -> "Tokens":
        """A .lt file, or the release's .npy."""
        error = c.Error()
        handle = ctypes.c_void_p()
        _check(_lib.longtake_tokens_read(engine._handle, c.path(path), ctypes.byref(handle), ctypes.byref(error)), error)
        return cls(handle)

    @classmethod
    def of(cls, engine: "Engine", codes: Sequence[int]) -> "Tokens":
        """Tokens from numbers, laid out as the engine's model has them."""
        given = np.asarray(codes).reshape(-1)
        flat = given.astype(np.uint16)
        if not np.array_equal(flat, given):
            raise LongtakeError(Status.USAGE, "codes: found a number that is none, expected whole ones from 0 to 65535")
        error = c.Error()
        handle = ctypes.c_void_p()
        _check(_lib.longtake_tokens_new(engine._handle, flat.ctypes.data_as(ctypes.POINTER(ctypes.c_uint16)), flat.size,
                                        ctypes.byref(handle), ctypes.byref(error)), error)
        return cls(handle)

    @property
    def codes(self) -> np.ndarray:
        """uint16 [n]; keeps the tokens alive, until they are closed."""
        pointer = _lib.longtake_tokens_codes(self._handle)
        memory = (ctypes.c_uint16 * len(self)).from_address(ctypes.addressof(pointer.contents))
        memory._owner = self
        return np.frombuffer(memory, dtype=np.uint16)

    @property
    def semantic_frames(self) -> int:
        """There is one for every four frames of the video."""
        return _lib.longtake_tokens_semantic_frames(self._handle)

    def __len__(self) -> int:
        return _lib.longtake_tokens_count(self._handle)

    def __repr__(self) -> str:
        return f"Tokens({len(self)} codes)" if self._address else "Tokens(closed)"

    def write(self, path: Path) -> None:
        """To a .lt or .npy file."""
        error = c.Error()
        _check(_lib.longtake_tokens_write(self._handle, c.path(path), ctypes.byref(error)), error)

    def cut(self, first: int, count: int, engine: Optional["Engine"] = None) -> "Tokens":
        """Semantic frames first .. first + count - 1, or up to the end. The first begins a segment; with an `engine` it need not: the rest
        of its segment is encoded again."""
        error = c.Error()
        handle = ctypes.c_void_p()
        with engine._turn() if engine else contextlib.nullcontext():
            status = _lib.longtake_tokens_recut(engine._handle if engine else None, self._handle, first, count, ctypes.byref(handle),
                                                None, ctypes.byref(error))
        _check(status, error)
        return Tokens(handle)

    def __add__(self, other: "Tokens") -> "Tokens":
        error = c.Error()
        handle = ctypes.c_void_p()
        _check(_lib.longtake_tokens_join(self._handle, other._handle, ctypes.byref(handle), ctypes.byref(error)), error)
        return Tokens(handle)

    def close(self) -> None:
        if self._address:
            _lib.longtake_tokens_close(self._address)
        self._address = ctypes.c_void_p()

    def __del__(self) -> None:
        self.close()


_FITS = ("cover", "pad", "crop", "stretch")
_WORDS = ("cfg_schedule", "guidance", "carry", "speed", "codes")
_SETTINGS = {name for name, _ in c.Settings._fields_}


def _given(name: str, value: Any, least: int = 0) -> Any:
    """A number of a request. For the library one below zero says that none was given."""
    if value < least:
        raise LongtakeError(Status.USAGE, f"--{name}: found {value}, expected {least} or more")
    return int(value) if isinstance(value, numbers.Integral) else value


def _fit(name: str) -> int:
    if name not in _FITS:
        raise LongtakeError(Status.USAGE, f"--fit: found {name!r}, expected {', '.join(_FITS)}")
    return _FITS.index(name)


Progress = Union[None, bool, Callable[[Event], Any]]
OnFrame = Callable[[int, np.ndarray], Any]


def _shot(shot: Any) -> Shot:
    if isinstance(shot, Shot):
        return shot
    if isinstance(shot, (tuple, list)) and len(shot) == 2:
        return Shot(*shot)
    raise TypeError(f"shots: found {shot!r}, expected a Shot or (seconds, prompt)")


class _Call:
    """One request: its C struct, what that points to, and the first exception of a callback."""

    def __init__(self, prompt: Optional[str] = None, *, shots: Optional[Sequence[Union[Shot, "tuple[float, str]"]]] = None, fps: float,
                 retakes: Sequence[Retake] = (), input: Optional[Path] = None, image: Optional[Path] = None,
                 from_seconds: Optional[float] = None, new_only: bool = False, output: Optional[Path] = None,
                 format: Optional[str] = None, metadata: bool = True, max_seam: Optional[float] = None,
                 job: Optional[Path] = None, fresh: bool = False, keep_job: bool = False, preview: Optional[Path] = None,
                 progress: Progress = None,
                 on_frame: Optional[OnFrame] = None, container_fps: Optional[float] = None, **settings: Any):
        self.raised: Optional[BaseException] = None
        self.cancelled = False
        self.inside: Optional[int] = None  # thread of the callback that runs: the request's, or one of the library's
        self._progress = _bar() if progress is True else progress or None
        self._on_frame = on_frame
        r = self.request = c.Request()
        _lib.longtake_request_init(ctypes.byref(r))
        r.prompt = None if prompt is None else c.text(prompt)
        if shots is not None:
            self._fill_shots([_shot(shot) for shot in shots], fps)
        r.retakes = (c.Retake * max(len(retakes), 1))(*[c.Retake(t.first, t.last, t.seed, t.keep_rest) for t in retakes])
        r.retake_count = len(retakes)
        for name, value in (("input", input), ("image", image), ("output", output), ("job", job), ("preview", preview)):
            setattr(r, name, None if value is None else c.path(value))
        r.format = None if format is None else c.text(format)
        if from_seconds is not None:
            r.from_seconds = _given("from", from_seconds)
        if max_seam is not None:
            r.max_seam = _given("max-seam", max_seam)
        r.new_only, r.no_metadata, r.fresh, r.keep_job = new_only, not metadata, fresh, keep_job
        if container_fps is not None:
            settings["fps"] = container_fps
        self._fill_settings(settings)
        r.on_event = c.EVENT_FN(self._hear_event)
        if on_frame is not None:
            r.on_frame = c.FRAME_FN(self._hear_frame)

    def _fill_shots(self, shots: Sequence[Shot], fps: float) -> None:
        def own(name: str, value: Optional[float]) -> float:
            return c.UNSET if value is None else _given(name, value)

        self.request.shots = (c.Shot * max(len(shots), 1))(*[
            c.Shot(round(s.at * fps), c.text(s.prompt), own("motion", s.motion), own("seed", s.seed), own("lm_cfg", s.lm_cfg),
                   own("shot_cfg", s.shot_cfg), own("cfg_scale", s.cfg_scale),
                   None if s.plan is None else c.path(s.plan), s.plan_from, s.plan_seconds or 0, s.as_one_text) for s in shots])
        self.request.shot_count = len(shots)

    def _fill_settings(self, settings: dict) -> None:
        for name, value in settings.items():
            if name not in _SETTINGS:
                raise TypeError(f"longtake has no setting {name!r}; it has {', '.join(sorted(_SETTINGS))}")
            if value is None:
                continue
            if name in _WORDS:
                value = c.text(value)
            else:
                value = _fit(value) if name == "fit" else _given(name, value, -1 if name == "seed" else 0)
            setattr(self.request.settings, name, value)
            if getattr(self.request.settings, name) != value == value:  # NaN the library refuses
                raise LongtakeError(Status.USAGE, f"--{name}: found {value}, which is too large")

    def _hear(self, tell: Callable[[], None]) -> int:
        """Whatever the user's function raises is passed on once the library has returned."""
        self.inside = threading.get_ident()
        try:
            tell()
        except BaseException as exception:
            self.raised = exception
        finally:
            self.inside = None
        return int(self.cancelled or self.raised is not None)

    def _tell_progress(self, e: Any) -> None:
        if self._progress is not None and self.raised is None:
            self._progress(Event(_EVENT_KINDS[e.kind], e.elapsed_seconds, (e.stage or b"").decode(), e.window, e.windows,
                                 e.step, e.steps, e.eta_seconds if e.eta_seconds >= 0 else None, e.peak_bytes,
                                 e.message.decode("utf-8", "replace") if e.message else None))

    def _hear_event(self, _user: Any, pointer: Any) -> int:
        return self._hear(lambda: self._tell_progress(pointer.contents))

    def _hear_frame(self, _user: Any, index: int, rgb: Any, width: int, height: int) -> int:
        return self._hear(lambda: self._on_frame(index, np.ctypeslib.as_array(rgb, (height, width, 3)).copy()))

    @contextlib.contextmanager
    def running(self, engine: "Engine") -> Iterator[None]:
        """What the engine stops when it is closed."""
        engine._running = self
        try:
            yield
        finally:
            engine._running = None

    def run(self, function: Callable, engine: "Engine") -> Report:
        error = c.Error()
        result = c.Result()
        try:
            with self.running(engine):
                status = function(engine._handle, ctypes.byref(self.request), ctypes.byref(result), ctypes.byref(error))
            if self.raised is not None:
                raise self.raised
            _check(status, error)
            return _report(result)
        finally:
            _lib.longtake_result_clear(ctypes.byref(result))


def _line(event: Event) -> None:
    """One line on standard error, drawn again and again."""
    if event.kind == "step":
        where = f"{event.stage} {event.window + 1}/{event.windows}" if event.windows > 1 else event.stage
        print(f"\r{where + f'  step {event.step}/{event.steps}':<40}", end="", file=sys.stderr, flush=True)
    if event.kind == "done":
        print(file=sys.stderr, flush=True)


def _bar() -> Callable[[Event], None]:
    """A progress bar where tqdm is installed, else a line."""
    try:
        from tqdm import tqdm
    except ImportError:
        return _line
    bars: dict = {}

    def show(event: Event) -> None:
        if event.kind == "step" and event.steps > 0:
            bar = bars.get(event.stage) or bars.setdefault(event.stage, tqdm(desc=event.stage, total=event.steps * max(event.windows, 1)))
            bar.n = event.window * event.steps + event.step
            bar.refresh()
        if event.kind == "done":
            for bar in bars.values():
                bar.close()

    return show


class Engine(_Owned):
    """A model on a device. Weights are mapped when a request first needs them.

    `model` is a name ("mini") or a folder; `set` holds "section.key=value" texts on top of its configuration.
    `precision` is "auto", "f32", "bf16", "fp8" (cuda) or "int8" (cpu): `longtake devices` lists what a device takes.
    `cache_dir` is a folder that remembers how fast stages were; `plan` then says how long a request will take. The program's is
    ~/.cache/longtake.
    """

    def __init__(self, model: Optional[Path] = None, *, device: str = "auto", precision: str = "auto", threads: int = 0,
                 max_memory: int = 0, config: Optional[Path] = None, set: Sequence[str] = (),
                 search: Optional[Sequence[Path]] = None, cache_dir: Optional[Path] = None):
        self._address = ctypes.c_void_p()
        self._lock = threading.Lock()
        self._user: Optional[int] = None  # thread that has the lock
        self._running: Optional[_Call] = None
        self._takers: "list[int]" = []  # threads that take frames, of a request that waits for them
        options = c.Options()
        _lib.longtake_options_init(ctypes.byref(options))
        if model is not None:
            options.model = c.path(model)
        if config is not None:
            options.config = c.path(config)
        options.search = c.text_list(c.data_folders() if search is None else search)
        options.set = c.text_list(set)
        options.device, options.precision = c.text(device), c.text(precision)
        options.threads, options.max_memory = threads, max_memory
        if cache_dir is not None:
            options.cache_dir = c.path(cache_dir)
        error = c.Error()
        _check(_lib.longtake_open(ctypes.byref(options), ctypes.byref(self._address), ctypes.byref(error)), error)

    def close(self) -> None:
        """A request that still runs, on another thread or behind `frames`, is stopped first."""
        running = self._running
        if running is not None:
            running.cancelled = True
        self._forget_taker(threading.get_ident())
        with self._turn():
            if self._address:
                _lib.longtake_close(self._address)
            self._address = ctypes.c_void_p()

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """One request at a time; a callback of a request that waited for its own engine would wait for ever."""
        running = self._running
        if threading.get_ident() in (self._user, running.inside if running is not None else None):
            raise LongtakeError(Status.USAGE, "Engine: found a request within a callback of another, expected one at a time")
        self._refuse_taker()
        with self._lock:
            self._user = threading.get_ident()
            try:
                yield
            finally:
                self._user = None

    def _refuse_taker(self) -> None:
        """Who takes frames waits for their request, and that for him."""
        if threading.get_ident() in self._takers:
            raise LongtakeError(Status.USAGE, "Engine: found a request between two frames of another, expected one at a time")

    def _forget_taker(self, taker: int) -> None:
        with contextlib.suppress(ValueError):
            self._takers.remove(taker)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    @property
    def fps(self) -> float:
        """Frames a second that the model makes."""
        return _lib.longtake_fps(self._handle)

    def _call(self, prompt: Optional[str] = None, **request: Any) -> _Call:
        """`fps` of a request is the file's, that of a call the model's."""
        return _Call(prompt, fps=self.fps, container_fps=request.pop("fps", None), **request)

    def _run(self, function: Callable, **request: Any) -> Report:
        call = self._call(**request)
        with self._turn():
            return call.run(function, self)

    def generate(self, prompt: Optional[str] = None, **request: Any) -> Report:
        """Prompt (or `shots`, a list of Shot or (seconds, prompt)) -> video, to `output` and frame by frame to `on_frame(index, array)`.

        Length: seconds, frames or semantic_frames. Settings, each the model's own when left out: seed, fps, scale, lm_cfg,
        shot_cfg, temperature, top_k, top_p, motion, lm_context, steps, cfg_scale, cfg_schedule, guidance, overlap, carry, speed. `image`: the
        take begins with this picture. `retakes`: windows under other seeds. `job`, `fresh`, `keep_job`: the job folder. `preview`: an
        .mp4, or a folder, for rough pictures of the window that is refined.
        `progress`: True for a bar, or a function of Event.
        """
        return self._run(_lib.longtake_generate, prompt=prompt, **request)

    def render(self, tokens: Union[Tokens, Path], prompt: Optional[str] = None, **request: Any) -> Report:
        """Tokens -> video; the prompt is the one inside the token file where none is given."""
        return self._with_tokens(_lib.longtake_render, tokens, prompt, request)

    def refine(self, tokens: Union[Tokens, Path], prompt: Optional[str] = None, **request: Any) -> np.ndarray:
        """Tokens -> latents, float32 [T, C, H, W]; `output` keeps the file."""
        with tempfile.TemporaryDirectory() as folder:
            path = request.setdefault("output", os.path.join(folder, "take.latents"))
            self._with_tokens(_lib.longtake_refine, tokens, prompt, request)
            return read_latents(path)

    def decode(self, latents: Path, **request: Any) -> Report:
        """Latents file -> video."""
        return self._run(_lib.longtake_decode, input=latents, **request)

    def continue_from(self, video: Path, prompt: Optional[str] = None, **request: Any) -> Report:
        """Goes on from a video: `from_seconds` (its end where left out), `seconds` of new frames, `new_only`. The prompt is the video's
        own where none is given and it was made by longtake."""
        return self._run(_lib.longtake_continue, input=video, prompt=prompt, **request)

    def run_film(self, film: Path, **request: Any) -> Report:
        """A film file, as `longtake run`."""
        error = c.Error()
        handle = ctypes.c_void_p()
        _check(_lib.longtake_film_read(c.path(film), ctypes.byref(handle), ctypes.byref(error)), error)
        try:
            call = self._call(**request)
            with self._turn():
                _check(_lib.longtake_film_apply(handle, self._handle, ctypes.byref(call.request), ctypes.byref(error)), error)
                return call.run(_lib.longtake_generate, self)
        finally:
            _lib.longtake_film_close(handle)

    def make_tokens(self, prompt: Optional[str] = None, **request: Any) -> Tokens:
        """Prompt -> semantic tokens."""
        return self._tokens_of(_lib.longtake_make_tokens, prompt=prompt, **request)

    def candidates(self, prompt: str, count: int = 4, *, sheet: Optional[Path] = None, **request: Any) -> "dict[int, Tokens]":
        """Several plans of one prompt, by the seeds they were drawn with (`seed`, `seed` + 1, ...). `sheet`: a PNG with a row of
        rough pictures for each, to choose from before anything is refined."""
        made = []

        def hear(_user: Any, line: Any) -> None:
            found = line.contents
            made.append((found.result.contents.seed, os.fsdecode(found.output)))

        error = c.Error()
        with tempfile.TemporaryDirectory() as folder:
            call = self._call(prompt, output=os.path.join(folder, "plan.lt"), preview=sheet, **request)
            with self._turn(), call.running(self):
                status = _lib.longtake_make_candidates(self._handle, ctypes.byref(call.request), count, c.BATCH_FN(hear), None,
                                                       ctypes.byref(error))
            if call.raised is not None:
                raise call.raised
            _check(status, error)
            return {seed: Tokens.read(self, path) for seed, path in made}

    def batch(self, prompts: Path, folder: Path, **request: Any) -> "list[BatchLine]":
        """Generates every line of a file, a prompt or a JSON object each, into `folder`. A line that fails does not stop the rest."""
        lines: "list[BatchLine]" = []

        def hear(_user: Any, line: Any) -> None:
            found = line.contents
            report = _report(found.result.contents) if found.result else None
            failure = LongtakeError(found.status, found.message.decode("utf-8", "replace")) if found.message else None
            lines.append(BatchLine(found.line, os.fsdecode(found.output) if found.output else None, report, failure))

        error = c.Error()
        call = self._call(**request)
        with self._turn(), call.running(self):
            status = _lib.longtake_generate_batch(self._handle, c.path(prompts), c.path(folder),
                                                  ctypes.byref(call.request), c.BATCH_FN(hear), None, ctypes.byref(error))
        if call.raised is not None:
            raise call.raised
        if call.cancelled or not any(line.error for line in lines):
            _check(status, error)
        return lines

    def encode(self, video: Path, **request: Any) -> Tokens:
        """Video -> semantic tokens; `fit`: cover, pad, crop or stretch; `codes`: auto, scene or picture."""
        return self._tokens_of(_lib.longtake_encode, input=video, **request)

    def features(self, source: Union[Tokens, Path], *, fit: str = "cover") -> np.ndarray:
        """Semantic features, float32 [T, h, w, C], T semantic frames (the first RGB frame, then every fourth): of Tokens what
        refinement sees, of a video or picture what the tokenizer sees."""
        error = c.Error()
        found = c.Features()
        with self._turn():
            if isinstance(source, Tokens):
                status = _lib.longtake_features_of_tokens(self._handle, source._handle, ctypes.byref(found), ctypes.byref(error))
            else:
                status = _lib.longtake_features_of_video(self._handle, c.path(source), _fit(fit), ctypes.byref(found),
                                                         ctypes.byref(error))
        _check(status, error)
        try:
            return np.ctypeslib.as_array(found.values, (found.frames, found.height, found.width, found.channels)).copy()
        finally:
            _lib.longtake_features_clear(ctypes.byref(found))

    def plan(self, prompt: Optional[str] = None, command: str = "generate", **request: Any) -> dict:
        """What a request would do; loads no weights."""
        call = self._call(prompt, **request)
        with self._turn():
            return _json_of(_lib.longtake_plan, self._handle, c.text(command), ctypes.byref(call.request))

    def frames(self, prompt: Optional[str] = None, *, ahead: int = 8, **request: Any) -> Iterator[np.ndarray]:
        """The frames of `generate` as they are decoded, uint8 [height, width, 3]. At most `ahead` wait to be taken; closing
        the iterator stops the take after its current step."""
        waiting: "queue.Queue[Any]" = queue.Queue(maxsize=max(ahead, 1))
        end = object()

        def put(item: Any) -> None:
            while not call.cancelled:
                try:
                    return waiting.put(item, timeout=0.1)
                except queue.Full:
                    continue

        call = self._call(prompt, on_frame=lambda _index, frame: put(frame), **request)

        def work() -> None:
            try:
                with self._turn():
                    call.run(_lib.longtake_generate, self)
                put(end)
            except BaseException as exception:  # raised where the frames are taken
                put(exception)

        self._refuse_taker()
        thread = threading.Thread(target=work, daemon=True)
        taker = threading.get_ident()
        self._takers.append(taker)
        thread.start()
        try:
            while True:
                try:
                    item = waiting.get(timeout=0.1)
                except queue.Empty:
                    if call.cancelled:
                        raise LongtakeError(Status.CANCELLED, "frames: the engine was closed before the last one") from None
                    continue
                if item is end:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            call.cancelled = True
            thread.join()
            self._forget_taker(taker)

    def video(self, prompt: Optional[str] = None, **request: Any) -> np.ndarray:
        """All frames of `generate` at once, uint8 [T, height, width, 3]."""
        return np.stack(list(self.frames(prompt, **request)))

    def _tokens_of(self, function: Callable, **request: Any) -> Tokens:
        with tempfile.TemporaryDirectory() as folder:
            path = request.setdefault("output", os.path.join(folder, "take.lt"))
            self._run(function, **request)
            return Tokens.read(self, path)

    def _with_tokens(self, function: Callable, tokens: Union[Tokens, Path], prompt: Optional[str], request: dict) -> Report:
        if not isinstance(tokens, Tokens):
            return self._run(function, input=tokens, prompt=prompt, **request)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "take.lt")
            tokens.write(path)
            return self._run(function, input=path, prompt=prompt, **request)
