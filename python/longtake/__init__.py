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

from __future__ import annotations

import collections
import contextlib
import ctypes
import dataclasses
import functools
import json
import os
import struct
import tempfile
import threading
from typing import Any, Callable, Iterator, Optional, Sequence, Union

import numpy as np

from . import _library as c
from ._errors import LongtakeError, LongtakeWarning, Status
from ._hearing import _EVENT_KINDS, Event, Progress, _finish, _Hearing
from ._library import library as _lib
from ._request import (
    OnFrame,
    Path,
    Request,
    Retake,
    Settings,
    Shot,
    Unpack,
    _keywords_of,
    _no_such_keyword,
    _number,
    _path,
    _refused,
    _takes,
    _text,
)

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


@dataclasses.dataclass(frozen=True)
class Report:
    """What a request made: RGB frames, the seed used, wall seconds, and the program's JSON
    report."""

    frames: int
    seed: int
    seconds: float
    about: dict


@dataclasses.dataclass(frozen=True)
class BatchLine:
    """What became of one line of a list of prompts: its number, its file, and a report or an
    error."""

    line: int
    output: Optional[str]
    report: Optional[Report]
    error: Optional["LongtakeError"]


@dataclasses.dataclass(frozen=True)
class Score:
    """How unlikely a plan is to the language model: `codes` that were scored, and `nats`, the sum
    of -ln p(code), each given the prompt and the codes before it."""

    codes: int
    nats: float

    @property
    def nats_per_code(self) -> float:
        return self.nats / self.codes

    @property
    def perplexity(self) -> float:
        """exp(nats / codes); infinite where that is too large."""
        with np.errstate(over="ignore"):
            return float(np.exp(self.nats_per_code))


@dataclasses.dataclass(frozen=True)
class CheckLine:
    """One output of a golden file: its relative L2 distance to the golden values, the `bound` of
    that (infinite: the file gives none for this precision), whether values must be equal (`rel_l2`
    then counts those that differ), and whether it is `ok`."""

    file: str
    component: str
    output: str
    rel_l2: float
    bound: float
    exact: bool
    ok: bool


@dataclasses.dataclass(frozen=True)
class ProfileLine:
    """What one operation ("all": the stage as a whole) cost in one stage ("other": outside of a
    take's): calls, seconds of all of them, bytes read and written, FLOP, and the seconds that this
    machine would need at least."""

    stage: str
    operation: str
    calls: int
    seconds: float
    bytes: float
    flop: float
    least_seconds: float


def _report(result: c.Result, worded: Callable[[str], str] = str) -> Report:
    about = json.loads(worded((result.report or b"{}").decode("utf-8", "replace")))
    return Report(result.frames, result.seed, result.seconds, about)


def _check(status: int, error: c.Error, worded: Callable[[str], str] = str) -> None:
    if status != Status.OK:
        raise LongtakeError(status, worded(error.message.decode("utf-8", "replace")))


def _text_of(function: Callable, *arguments: Any, kept: bool = False) -> bytes:
    """Calls a function that hands out a text; `kept`: also beside a failure, of which the text then
    tells."""
    error = c.Error()
    text = ctypes.c_void_p()
    try:
        status = function(*arguments, ctypes.byref(text), ctypes.byref(error))
        if not (kept and text):
            _check(status, error)
        return ctypes.string_at(text)
    finally:
        _lib.longtake_free(text)


def version() -> str:
    """Version of the library."""
    return _lib.longtake_version().decode()


def info(path: Path) -> dict:
    """What any file of longtake, checkpoint, video or job folder is."""
    return json.loads(_text_of(_lib.longtake_info, c.path(path)))


def devices() -> dict:
    """What could run here, and what this build contains."""
    return json.loads(_text_of(_lib.longtake_devices))


@contextlib.contextmanager
def _script(read: Callable, close: Callable, path: Path) -> Iterator[ctypes.c_void_p]:
    """A film or a recipe while it is open."""
    error = c.Error()
    handle = ctypes.c_void_p()
    _check(read(c.path(path), ctypes.byref(handle), ctypes.byref(error)), error)
    try:
        yield handle
    finally:
        close(handle)


_FILM = (_lib.longtake_film_read, _lib.longtake_film_close)
_RECIPE = (_lib.longtake_recipe_read, _lib.longtake_recipe_close)


def film_model(path: Path) -> Optional[str]:
    """The model that a film asks for, as `Engine` takes it; None where it names none."""
    with _script(*_FILM, path) as film:
        name = _lib.longtake_film_model(film)
        return os.fsdecode(name) if name else None


def recipe_model(path: Path) -> Optional[str]:
    """The model that made a video or latents file of ours, by name. LongtakeError (INPUT) where the
    file does not say how it was made."""
    with _script(*_RECIPE, path) as recipe:
        name = _lib.longtake_recipe_model(recipe)
        return os.fsdecode(name) if name else None


def read_latents(path: Path) -> np.ndarray:
    """The latents of a .latents file, float32 [T, C, H, W]."""
    try:
        with open(path, "rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
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
        raise LongtakeError(
            Status.INPUT, f"{os.fspath(path)}: is no latents file that can be read: {cause}"
        ) from cause


class _Owned:
    """What the library made for us, at an address, until it is closed."""

    _address = ctypes.c_void_p()

    @property
    def _handle(self) -> ctypes.c_void_p:
        if not self._address:
            raise LongtakeError(
                Status.USAGE, f"{type(self).__name__}: is closed, expected an open one"
            )
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
        _check(
            _lib.longtake_tokens_read(
                engine._handle, c.path(path), ctypes.byref(handle), ctypes.byref(error)
            ),
            error,
        )
        return cls(handle)

    @classmethod
    def of(cls, engine: "Engine", codes: Sequence[int]) -> "Tokens":
        """Tokens from numbers, laid out as the engine's model has them."""
        given = np.asarray(codes).reshape(-1)
        with np.errstate(invalid="ignore"):
            flat = given.astype(np.uint16) if given.dtype.kind in "biuf" else np.empty(0, np.uint16)
        if not np.array_equal(flat, given):
            raise LongtakeError(
                Status.USAGE,
                "codes: found a number that is none, expected whole ones from 0 to 65535",
            )
        error = c.Error()
        handle = ctypes.c_void_p()
        _check(
            _lib.longtake_tokens_new(
                engine._handle,
                flat.ctypes.data_as(ctypes.POINTER(ctypes.c_uint16)),
                flat.size,
                ctypes.byref(handle),
                ctypes.byref(error),
            ),
            error,
        )
        return cls(handle)

    @property
    def codes(self) -> np.ndarray:
        """uint16 [n]; keeps the tokens alive, until they are closed."""
        pointer = _lib.longtake_tokens_codes(self._handle)
        memory = (ctypes.c_uint16 * len(self)).from_address(ctypes.addressof(pointer.contents))
        memory._owner = self
        return np.frombuffer(memory, dtype=np.uint16)

    @property
    def frames(self) -> int:
        """RGB frames of the take. Semantic frames behind the last of them are not shown."""
        return _lib.longtake_tokens_frames(self._handle)

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
        """Semantic frames first .. first + count - 1, or up to the end. The first begins a segment;
        with an `engine` it need not: the rest of its segment is encoded again."""
        first, count = (
            _number("first", first, ctypes.c_int64),
            _number("count", count, ctypes.c_int64),
        )
        error = c.Error()
        handle = ctypes.c_void_p()

        def recut(engine: Engine) -> None:
            _check(
                _lib.longtake_tokens_recut(
                    engine._handle,
                    self._handle,
                    first,
                    count,
                    ctypes.byref(handle),
                    None,
                    ctypes.byref(error),
                ),
                error,
            )

        if engine is None:
            _check(
                _lib.longtake_tokens_cut(
                    self._handle, first, count, ctypes.byref(handle), ctypes.byref(error)
                ),
                error,
            )
        else:
            engine._ask(lambda: recut(engine))
        return Tokens(handle)

    def __add__(self, other: "Tokens") -> "Tokens":
        if not isinstance(other, Tokens):
            return NotImplemented
        error = c.Error()
        handle = ctypes.c_void_p()
        _check(
            _lib.longtake_tokens_join(
                self._handle, other._handle, ctypes.byref(handle), ctypes.byref(error)
            ),
            error,
        )
        return Tokens(handle)

    def close(self) -> None:
        if self._address:
            _lib.longtake_tokens_close(self._address)
        self._address = ctypes.c_void_p()

    def __del__(self) -> None:
        self.close()


_FITS = ("cover", "pad", "crop", "stretch")
_WORDS = ("cfg_schedule", "guidance", "carry", "speed", "codes")
_SETTINGS = dict(c.Settings._fields_)
_SHOT = dict(c.Shot._fields_)


def _fit(name: str) -> int:
    if name not in _FITS:
        raise _refused("--fit", name, ", ".join(_FITS))
    return _FITS.index(name)


class PromptRequest(Request, total=False):
    """The keywords of a request that begins with a prompt."""

    tokens: Optional[Tokens]  # the whole plan, instead of the language model's
    film: Optional[Path]  # a file that gives what the request leaves open


# of all methods together
_KEYWORDS = sorted({*_keywords_of(PromptRequest), "prompt", "input", "on_frame"})


def _shot(shot: Any) -> Shot:
    if isinstance(shot, Shot):
        return shot
    if isinstance(shot, (tuple, list)) and len(shot) == 2:
        return Shot(*shot)
    raise TypeError(f"shots: found {shot!r}, expected a Shot or (seconds, prompt)")


@contextlib.contextmanager
def _input_of(tokens: Union[Tokens, Path]) -> Iterator[dict]:
    """What a request says of tokens: their file, which is gone afterwards where they had none and
    bears no name in messages."""
    if not isinstance(tokens, Tokens):
        yield {"input": tokens}
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "take.lt")
        tokens.write(path)
        yield {"input": path, "_called": {path: repr(tokens)}}


class _Call(_Hearing):
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
            raise _refused("on_frame", on_frame, "a function of index and frame")
        super().__init__(progress, _ahead, _called)
        self._on_frame = on_frame
        self._film, self._recipe, self._tokens = film, recipe, tokens
        r = self.request = c.Request()
        _lib.longtake_request_init(ctypes.byref(r))
        r.prompt = None if prompt is None else _text("--prompt", prompt)
        if shots is not None:
            self._fill_shots([_shot(shot) for shot in shots], _fps)
        r.retakes, r.retake_count = (c.Retake * max(len(retakes), 1))(), len(retakes)
        for i, retake in enumerate(retakes):
            if not isinstance(retake, Retake):
                raise _refused(f"retakes[{i}]", retake, "a Retake")
            r.retakes[i] = c.Retake(
                *[
                    _number(f"retakes[{i}].{name}", getattr(retake, name), ctypes.c_int64)
                    for name in ("first", "last", "seed")
                ],
                retake.keep_rest,
            )
        for name, value in (
            ("input", input),
            ("image", image),
            ("output", output),
            ("job", job),
            ("preview", preview),
        ):
            setattr(r, name, None if value is None else _path(f"--{name}", value))
        r.format = None if format is None else _text("--format", format)
        if from_seconds is not None:
            r.from_seconds = _number("--from", from_seconds, ctypes.c_double, 0)
        if max_seam is not None:
            r.max_seam = _number("--max-seam", max_seam, ctypes.c_double, 0)
        if tokens is not None:
            if not isinstance(tokens, Tokens):
                raise _refused("tokens", tokens, "Tokens")
            r.tokens = tokens._handle
        if windows is not None:
            if not isinstance(windows, (tuple, list)) or len(windows) != 2:
                raise _refused("--windows", windows, "the first and the last")
            r.window_first, r.window_last = (
                _number("--windows", window, ctypes.c_int64, 0) for window in windows
            )
        r.new_only, r.no_metadata, r.fresh, r.keep_job = new_only, not metadata, fresh, keep_job
        self._fill_settings(settings)
        r.on_event = c.EVENT_FN(self._hear_event)
        if on_frame is not None:
            r.on_frame = c.FRAME_FN(self._hear_frame)

    def _fill_shots(self, shots: Sequence[Shot], fps: float) -> None:
        told = (c.Shot * max(len(shots), 1))()
        for i, (shot, given) in enumerate(zip(told, shots)):
            _lib.longtake_shot_init(ctypes.byref(shot))
            place = f"shots[{i}]"
            at = _number(f"{place}.at", given.at, ctypes.c_double) * fps
            if not abs(at) < 2**63:
                raise LongtakeError(
                    Status.USAGE,
                    f"{place}.at: found {given.at} seconds, expected a moment of the take",
                )
            shot.at_frame, shot.as_one_text = round(at), given.as_one_text
            shot.prompt = _text(f"{place}.prompt", given.prompt)
            for name in ("motion", "seed", "lm_cfg", "shot_cfg", "cfg_scale"):
                value = getattr(given, name)
                if value is not None:
                    setattr(shot, name, _number(f"{place}.{name}", value, _SHOT[name], 0))
            if given.plan is not None:
                shot.plan = _path(f"{place}.plan", given.plan)
            shot.plan_from_seconds, shot.plan_seconds = (
                _number(f"{place}.{name}", getattr(given, name) or 0, ctypes.c_double)
                for name in ("plan_from", "plan_seconds")
            )
        self.request.shots, self.request.shot_count = told, len(shots)

    def _fill_settings(self, settings: dict) -> None:
        for name, value in settings.items():
            if name not in _SETTINGS:
                raise _no_such_keyword(name, _KEYWORDS)
            if value is None:
                continue
            place = f"--{name}".replace("_", "-")
            if name in _WORDS:
                value = _text(place, value)
            elif name == "fit":
                value = _fit(value)
            else:
                value = _number(place, value, _SETTINGS[name], -1 if name == "seed" else 0)
            setattr(self.request.settings, name, value)

    def _hear_frame(self, _user: Any, index: int, rgb: Any, width: int, height: int) -> int:
        return self._tell(
            lambda: functools.partial(
                self._on_frame, index, np.ctypeslib.as_array(rgb, (height, width, 3)).copy()
            ),
            True,
        )

    @contextlib.contextmanager
    def filled(self, engine: "Engine") -> Iterator[Any]:
        """The request in C. Film and recipe give what it leaves open, and it borrows from them."""
        error = c.Error()
        with contextlib.ExitStack() as opened:
            for kind, apply, path in (
                (_FILM, _lib.longtake_film_apply, self._film),
                (_RECIPE, _lib.longtake_recipe_apply, self._recipe),
            ):
                if path is not None:
                    script = opened.enter_context(_script(*kind, path))
                    _check(
                        apply(
                            script, engine._handle, ctypes.byref(self.request), ctypes.byref(error)
                        ),
                        error,
                    )
            yield ctypes.byref(self.request)

    def fulfil(self, engine: "Engine", function: Callable, *rest: Any) -> None:
        """function(engine, request, rest..., error), when it is this request's turn."""
        error = c.Error()
        with self.filled(engine) as request:
            status = function(engine._handle, request, *rest, ctypes.byref(error))
            _check(status, error, self._worded)

    def make(self, engine: "Engine", function: Callable) -> Report:
        result = c.Result()
        try:
            self.fulfil(engine, function, ctypes.byref(result))
            return _report(result, self._worded)
        finally:
            _lib.longtake_result_clear(ctypes.byref(result))


def import_release(
    release: Path,
    output: Path,
    *,
    config: Optional[Path] = None,
    search: Optional[Sequence[Path]] = None,
    t5: Optional[Path] = None,
    theia: Optional[Path] = None,
    quantize: Optional[str] = None,
    dtype: Optional[str] = None,
    progress: Progress = None,
) -> None:
    """An official release, a folder, becomes a model folder at `output`, which must not exist.

    `config`: YAML of the sizes, landiff.yaml where left out. `t5`, `theia`: folders of Flan-T5 and
    Theia, where they are not inside the release. `quantize`: "q8", "q4" or "mixed"; `dtype`: "f32",
    "bf16" or "f16" for what is not quantised; each as stored where left out. `progress`: True for a
    bar, or a function of Event, whose `message` is the file of a step. LongtakeError (INPUT) tells
    of all tensors that are missing, misshapen or unexpected at once; after a failure, or where
    `progress` raised, nothing half-written stays.
    """
    hearing = _Hearing(progress)
    request = c.ImportRequest()
    _lib.longtake_import_request_init(ctypes.byref(request))
    request.release, request.output = c.path(release), c.path(output)
    request.search = c.text_list(c.data_folders() if search is None else search)
    for name, folder in (("config", config), ("t5", t5), ("theia", theia)):
        setattr(request, name, None if folder is None else c.path(folder))
    for name, word in (("quantize", quantize), ("dtype", dtype)):
        setattr(request, name, None if word is None else c.text(word))
    request.on_event = c.EVENT_FN(hearing._hear_event)
    error = c.Error()
    _finish(
        hearing.steps(
            lambda: _check(_lib.longtake_import(ctypes.byref(request), ctypes.byref(error)), error)
        )
    )


_IN_CALLBACK, _BETWEEN_FRAMES = "within a callback", "between two frames"


class Engine(_Owned):
    """A model on a device. Weights are mapped when a request first needs them.

    `model` is a name ("mini") or a folder; `set` holds "section.key=value" texts on top of its
    configuration. `precision` is "auto", "f32", "bf16", "fp8" (cuda) or "int8" (cpu): `longtake
    devices` lists what a device takes. `cache_dir` is a folder that remembers how fast stages were;
    `plan` then says how long a request will take. Without one nothing is remembered, not even of
    what this engine has made, and the time stays unknown. The program's is ~/.cache/longtake.
    `profile` counts what every operation costs: see the method of that name.
    """

    def __init__(
        self,
        model: Optional[Path] = None,
        *,
        device: str = "auto",
        precision: str = "auto",
        threads: int = 0,
        max_memory: int = 0,
        config: Optional[Path] = None,
        set: Sequence[str] = (),
        search: Optional[Sequence[Path]] = None,
        cache_dir: Optional[Path] = None,
        profile: bool = False,
    ):
        self._address = ctypes.c_void_p()
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._running: Optional[_Hearing] = None  # has the lock
        # threads that wait for a request, and where they would ask for another
        self._askers: "dict[int, str]" = {}
        options = c.Options()
        _lib.longtake_options_init(ctypes.byref(options))
        if model is not None:
            options.model = _path("--model", model)
        if config is not None:
            options.config = _path("--config", config)
        options.search = c.text_list(c.data_folders() if search is None else search)
        options.set = c.text_list(set)
        options.device = _text("--device", device)
        options.precision = _text("--precision", precision)
        options.threads, options.profile = _number("--threads", threads, ctypes.c_int, 0), profile
        options.max_memory = _number("--max-memory", max_memory, ctypes.c_int64, 0)
        if cache_dir is not None:
            options.cache_dir = _path("cache_dir", cache_dir)
        error = c.Error()
        _check(
            _lib.longtake_open(
                ctypes.byref(options), ctypes.byref(self._address), ctypes.byref(error)
            ),
            error,
        )

    @property
    def _handle(self) -> ctypes.c_void_p:
        if self._process != os.getpid():
            raise LongtakeError(
                Status.USAGE,
                f"Engine: was opened in process {self._process}, expected one that was opened after the fork",
            )
        return super()._handle

    def close(self) -> None:
        """A request that still runs, on another thread or behind `frames`, is stopped first."""
        if self._process != os.getpid():
            return
        asker = threading.get_ident()
        if self._askers.get(asker) == _BETWEEN_FRAMES:
            del self._askers[asker]
        self._refuse_asker(asker)
        while not self._stop_running():
            continue
        try:
            if self._address:
                _lib.longtake_close(self._address)
            self._address = ctypes.c_void_p()
        finally:
            self._lock.release()

    def _stop_running(self) -> bool:
        """Whether it is our turn now."""
        running = self._running
        if running is not None:
            running.stop()
        return self._lock.acquire(timeout=0.1)

    def _ask(self, work: Callable[[], Any], hearing: Optional[_Hearing] = None) -> Any:
        """What `work`, a request of this engine, gives."""
        return _finish(self._steps(work, hearing or _Hearing()))

    def _steps(self, work: Callable[[], Any], hearing: _Hearing) -> Iterator[None]:
        self._handle  # open, and of this process
        asker = threading.get_ident()
        self._refuse_asker(asker)
        try:
            self._askers[asker] = _IN_CALLBACK
            return (yield from hearing.steps(lambda: self._in_turn(work, hearing)))
        finally:
            self._askers.pop(asker, None)

    def _in_turn(self, work: Callable[[], Any], hearing: _Hearing) -> Any:
        """One request at a time."""
        while not self._lock.acquire(timeout=0.1):
            if hearing.cancelled:
                raise LongtakeError(
                    Status.CANCELLED, "Engine: the request was stopped before its turn came"
                )
        self._running = hearing
        try:
            return work()
        finally:
            self._running = None
            self._lock.release()

    def _refuse_asker(self, asker: int) -> None:
        """Who waits for a request, which waits for its callback or for its frames to be taken,
        would wait for ever for another."""
        if asker in self._askers:
            raise LongtakeError(
                Status.USAGE,
                f"Engine: found a request {self._askers[asker]} of another, expected one at a time",
            )

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        # is locked where the interpreter has ended the thread of a request
        if self._address and not self._lock.locked():
            self.close()

    @property
    def fps(self) -> float:
        """Frames a second that the model makes."""
        return _lib.longtake_fps(self._handle)

    def config_text(self) -> str:
        """Every configuration value, a line "section.key: value  # where it came from" each."""
        return self._ask(lambda: _text_of(_lib.longtake_print_config, self._handle)).decode(
            "utf-8", "replace"
        )

    def _call(self, prompt: Optional[str] = None, **request: Any) -> _Call:
        """`fps` of a request is the file's, `_fps` the model's."""
        return _Call(prompt, _fps=self.fps, **request)

    def _run(self, function: Callable, **request: Any) -> Report:
        call = self._call(**request)
        return self._ask(lambda: call.make(self, function), call)

    @_takes(PromptRequest)
    def generate(
        self,
        prompt: Optional[str] = None,
        *,
        on_frame: Optional[OnFrame] = None,
        **request: Unpack[PromptRequest],
    ) -> Report:
        """Prompt -> video, to `output` and frame by frame to `on_frame(index, array)`: at least one
        of them, of `job`, which then holds the take, and of `preview`. `longtake.Request` has every
        keyword with its type, the README a table of them.

        What is shown: `shots`, a list of Shot or (seconds, prompt), instead of the prompt; `image`,
        a picture that the take begins with; `tokens`, the whole plan, instead of the language
        model's; `film` and `recipe`, files that give what the request leaves open; `retakes`,
        windows under other seeds.

        Length: seconds, frames or semantic_frames. Settings, each the model's own when left out:
        seed, fps, width, height, scale, fit, lm_cfg, shot_cfg, temperature, top_k, top_p, motion,
        lm_context, steps, cfg_scale, cfg_schedule, guidance, overlap, carry, speed, codes.

        What is written: `output` in `format` (by its extension where left out), without saying how
        it was made with `metadata=False`; `preview`, an .mp4, or a folder, for rough pictures of
        the window that is refined. `max_seam`: LongtakeError (LIMIT), when done, where windows meet
        worse. `job`, `fresh`, `keep_job`: the job folder. `windows=(first, last)`, from 0, refines
        these alone into `job`, without output: several processes may share a take. Of
        `continue_from`: `from_seconds`, `new_only`.

        `progress`: True for a bar, or a function of Event, which hears of warnings too. Without a
        function they are a LongtakeWarning each, of Python's `warnings`.

        `recipe`, also of `make_tokens` and `continue_from`, is a video or latents file of ours,
        whose take is made again: its prompts, length, seeds and settings, its retakes before those
        of the request, and its plan, unless something that it was made of is asked for anew. What
        it began with or went on from it does not hold: that is `image`, or the video of
        `continue_from`. LongtakeError (INPUT) where a file does not say how it was made, or that
        picture or video is another.
        """
        return self._run(_lib.longtake_generate, prompt=prompt, on_frame=on_frame, **request)

    @_takes(Request)
    def render(
        self,
        tokens: Union[Tokens, Path],
        prompt: Optional[str] = None,
        *,
        on_frame: Optional[OnFrame] = None,
        **request: Unpack[Request],
    ) -> Report:
        """Tokens -> video; the prompt is the one inside the token file where none is given."""
        return self._with_tokens(
            _lib.longtake_render, tokens, prompt=prompt, on_frame=on_frame, **request
        )

    @_takes(Request)
    def refine(
        self, tokens: Union[Tokens, Path], prompt: Optional[str] = None, **request: Unpack[Request]
    ) -> np.ndarray:
        """Tokens -> latents, float32 [T, C, H, W]; `output` keeps the file."""
        with tempfile.TemporaryDirectory() as folder:
            path = request.get("output") or os.path.join(folder, "take.latents")
            request["output"] = path
            self._with_tokens(_lib.longtake_refine, tokens, prompt=prompt, **request)
            return read_latents(path)

    @_takes(Request, but=("output", "format", "preview"))
    def score(
        self, tokens: Union[Tokens, Path], prompt: Optional[str] = None, **request: Unpack[Request]
    ) -> Score:
        """How unlikely the language model finds tokens under a prompt (the one inside the token
        file where none is given). Its probabilities are those that `make_tokens` would draw from
        with the settings lm_cfg, temperature, motion and lm_context; top_k and top_p cut nothing
        off. LongtakeError (USAGE) for tokens of several prompts."""
        found = c.Score()
        with _input_of(tokens) as said:
            self._fulfil(
                _lib.longtake_score_tokens, ctypes.byref(found), prompt=prompt, **said, **request
            )
        return Score(found.codes, found.nats)

    @_takes(Request)
    def decode(
        self, latents: Path, *, on_frame: Optional[OnFrame] = None, **request: Unpack[Request]
    ) -> Report:
        """Latents file -> video."""
        return self._run(_lib.longtake_decode, input=latents, on_frame=on_frame, **request)

    @_takes(PromptRequest)
    def continue_from(
        self,
        video: Path,
        prompt: Optional[str] = None,
        *,
        on_frame: Optional[OnFrame] = None,
        **request: Unpack[PromptRequest],
    ) -> Report:
        """Goes on from a video: `from_seconds` (its end where left out), `seconds` of new frames,
        `new_only`. The prompt is the video's own where none is given and it was made by
        longtake."""
        return self._run(
            _lib.longtake_continue, input=video, prompt=prompt, on_frame=on_frame, **request
        )

    @_takes(Request)
    def run_film(
        self, film: Path, *, on_frame: Optional[OnFrame] = None, **request: Unpack[Request]
    ) -> Report:
        """A film file, as `longtake run`."""
        return self._run(_lib.longtake_generate, film=film, on_frame=on_frame, **request)

    @_takes(PromptRequest)
    def make_tokens(self, prompt: Optional[str] = None, **request: Unpack[PromptRequest]) -> Tokens:
        """Prompt -> semantic tokens."""
        return self._tokens_of(_lib.longtake_make_tokens, prompt=prompt, **request)

    @_takes(PromptRequest, but=("output", "preview"))
    def candidates(
        self,
        prompt: str,
        count: int = 4,
        *,
        sheet: Optional[Path] = None,
        **request: Unpack[PromptRequest],
    ) -> "dict[int, Tokens]":
        """Several plans of one prompt, by the seeds they were drawn with (`seed`, `seed` + 1, ...).
        `sheet`: a PNG with a row of rough pictures for each, to choose from before anything is
        refined."""
        made = []

        def hear(_user: Any, line: Any) -> None:
            found = line.contents
            made.append((found.result.contents.seed, os.fsdecode(found.output)))

        with tempfile.TemporaryDirectory() as folder:
            self._fulfil(
                _lib.longtake_make_candidates,
                _number("--candidates", count, ctypes.c_int),
                c.BATCH_FN(hear),
                None,
                prompt=prompt,
                output=os.path.join(folder, "plan.lt"),
                preview=sheet,
                **request,
            )
            return {seed: Tokens.read(self, path) for seed, path in made}

    @_takes(PromptRequest, but=("output",))
    def batch(
        self,
        prompts: Path,
        folder: Path,
        *,
        on_frame: Optional[OnFrame] = None,
        **request: Unpack[PromptRequest],
    ) -> "list[BatchLine]":
        """Generates every line of a file, a prompt or a JSON object each, into `folder`. A line
        that fails does not stop the rest. A line whose output is there already, made from the same
        request by its own account, is passed over (its report is of the file as it is, `on_frame`
        hears none of its frames), so that a list that was stopped goes on; `fresh` makes it
        again."""
        lines: "list[BatchLine]" = []

        def hear(_user: Any, line: Any) -> None:
            found = line.contents
            report = _report(found.result.contents) if found.result else None
            failure = (
                LongtakeError(found.status, found.message.decode("utf-8", "replace"))
                if found.message
                else None
            )
            lines.append(
                BatchLine(
                    found.line, os.fsdecode(found.output) if found.output else None, report, failure
                )
            )

        def make() -> None:
            error = c.Error()
            with call.filled(self) as one:
                status = _lib.longtake_generate_batch(
                    self._handle, *paths, one, c.BATCH_FN(hear), None, ctypes.byref(error)
                )
            if call.cancelled or not any(line.error for line in lines):
                _check(status, error)

        paths = c.path(prompts), c.path(folder)
        call = self._call(on_frame=on_frame, **request)
        self._ask(make, call)
        return lines

    @_takes(PromptRequest, but=("output",))
    def plan_batch(self, prompts: Path, folder: Path, **request: Unpack[PromptRequest]) -> dict:
        """What `batch` would do, without loading weights: its time, and of each of the "lines" what
        it would make, or the "message" of what is wrong with it."""
        return json.loads(
            self._foreseen_batch(_lib.longtake_plan_batch, prompts, folder, **request)
        )

    @_takes(PromptRequest, but=("output",))
    def plan_batch_table(
        self, prompts: Path, folder: Path, **request: Unpack[PromptRequest]
    ) -> str:
        """The same for people."""
        return self._foreseen_batch(
            _lib.longtake_plan_batch_table, prompts, folder, **request
        ).decode("utf-8", "replace")

    @_takes(Request)
    def encode(self, video: Path, **request: Unpack[Request]) -> Tokens:
        """Video -> semantic tokens; `fit`: cover, pad, crop or stretch; `codes`: auto, scene or
        picture."""
        return self._tokens_of(_lib.longtake_encode, input=video, **request)

    def features(self, source: Union[Tokens, Path], *, fit: str = "cover") -> np.ndarray:
        """Semantic features, float32 [T, h, w, C], T semantic frames (the first RGB frame, then
        every fourth): of Tokens what refinement sees, of a video or picture what the tokenizer
        sees."""

        def look() -> np.ndarray:
            error = c.Error()
            found = c.Features()
            if isinstance(source, Tokens):
                status = _lib.longtake_features_of_tokens(
                    self._handle, source._handle, ctypes.byref(found), ctypes.byref(error)
                )
            else:
                status = _lib.longtake_features_of_video(
                    self._handle,
                    c.path(source),
                    _fit(fit),
                    ctypes.byref(found),
                    ctypes.byref(error),
                )
            _check(status, error)
            try:
                return np.ctypeslib.as_array(
                    found.values, (found.frames, found.height, found.width, found.channels)
                ).copy()
            finally:
                _lib.longtake_features_clear(ctypes.byref(found))

        return self._ask(look)

    @_takes(PromptRequest)
    def plan(
        self,
        prompt: Optional[str] = None,
        command: str = "generate",
        *,
        input: Optional[Path] = None,
        **request: Unpack[PromptRequest],
    ) -> dict:
        """What a request would do, of the command generate, tokens, refine or render (whose token
        file is `input`) or continue (whose video it is); loads no weights. Its "time_seconds" is
        None without the engine's `cache_dir`, or before the first take of its kind."""
        return json.loads(
            self._foreseen(_lib.longtake_plan, command, prompt=prompt, input=input, **request)
        )

    @_takes(PromptRequest)
    def plan_table(
        self,
        prompt: Optional[str] = None,
        command: str = "generate",
        *,
        input: Optional[Path] = None,
        **request: Unpack[PromptRequest],
    ) -> str:
        """The same for people: when each shot takes effect, and a line for each window, or each
        shot of `tokens`."""
        return self._foreseen(
            _lib.longtake_plan_table, command, prompt=prompt, input=input, **request
        ).decode("utf-8", "replace")

    @_takes(PromptRequest)
    def windows_between(
        self,
        begin: float,
        end: float,
        prompt: Optional[str] = None,
        **request: Unpack[PromptRequest],
    ) -> "tuple[int, int]":
        """First and last window, from 0, that have new frames between two moments, in seconds, of
        the take that is asked for: Retake(*engine.windows_between(12, 18, recipe="ball.mp4"),
        seed=5). LongtakeError (USAGE) where there is none."""
        first, last = ctypes.c_int64(), ctypes.c_int64()
        self._fulfil(
            _lib.longtake_windows_between,
            _number("begin", begin, ctypes.c_double),
            _number("end", end, ctypes.c_double),
            ctypes.byref(first),
            ctypes.byref(last),
            prompt=prompt,
            **request,
        )
        return first.value, last.value

    def write_preview_map(self) -> str:
        """Writes preview.safetensors of the model's folder, which previews are painted with, as an
        import does; returns its path. For a folder that lacks it, or whose VAE was replaced."""
        return os.fsdecode(
            self._ask(lambda: _text_of(_lib.longtake_write_preview_map, self._handle))
        )

    def check(self, golden: Path) -> "list[CheckLine]":
        """Runs a golden file through the engine's device. What is out of its bound raises nothing:
        its line is not `ok`."""
        lines: "list[CheckLine]" = []

        def hear(_user: Any, line: Any) -> None:
            found = line.contents
            component, output = (
                text.decode("utf-8", "replace") for text in (found.component, found.output)
            )
            lines.append(
                CheckLine(
                    os.fsdecode(found.file),
                    component,
                    output,
                    found.rel_l2,
                    found.bound,
                    bool(found.exact),
                    bool(found.ok),
                )
            )

        def compare() -> None:
            error = c.Error()
            status = _lib.longtake_check(
                self._handle, c.path(golden), c.CHECK_FN(hear), None, ctypes.byref(error)
            )
            if status != Status.LIMIT:
                _check(status, error)

        self._ask(compare)
        return lines

    def profile(self) -> "list[ProfileLine]":
        """What every operation cost since the engine was opened with `profile`; LongtakeError
        (USAGE) where it was opened without. Measures the machine's rates first, for a second or
        two."""
        lines: "list[ProfileLine]" = []

        def hear(_user: Any, line: Any) -> None:
            found = line.contents
            lines.append(
                ProfileLine(
                    found.stage.decode(),
                    found.operation.decode(),
                    found.calls,
                    found.seconds,
                    found.bytes,
                    found.flop,
                    found.least_seconds,
                )
            )

        error = c.Error()
        self._ask(
            lambda: _check(
                _lib.longtake_profile(self._handle, c.PROFILE_FN(hear), None, ctypes.byref(error)),
                error,
            )
        )
        return lines

    @_takes(PromptRequest)
    def frames(
        self, prompt: Optional[str] = None, *, ahead: int = 8, **request: Unpack[PromptRequest]
    ) -> Iterator[np.ndarray]:
        """The frames of `generate` as they are decoded, uint8 [height, width, 3]. At most `ahead`
        wait to be taken; closing the iterator stops the take after its current step. `progress` is
        told while the next frame is waited for."""
        taken: "collections.deque[np.ndarray]" = collections.deque()
        call = self._call(
            prompt, on_frame=lambda _index, frame: taken.append(frame), _ahead=ahead, **request
        )
        asker = threading.get_ident()
        with contextlib.closing(
            self._steps(lambda: call.make(self, _lib.longtake_generate), call)
        ) as steps:
            for _ in steps:
                while taken:
                    self._askers[asker] = _BETWEEN_FRAMES
                    yield taken.popleft()
                    self._askers[asker] = _IN_CALLBACK

    @_takes(PromptRequest)
    def video(
        self, prompt: Optional[str] = None, *, ahead: int = 8, **request: Unpack[PromptRequest]
    ) -> np.ndarray:
        """All frames of `generate` at once, uint8 [T, height, width, 3]."""
        return np.stack(list(self.frames(prompt, ahead=ahead, **request)))

    def _fulfil(self, function: Callable, *rest: Any, **request: Any) -> None:
        call = self._call(**request)
        self._ask(lambda: call.fulfil(self, function, *rest), call)

    def _tokens_of(self, function: Callable, **request: Any) -> Tokens:
        with tempfile.TemporaryDirectory() as folder:
            path = request.get("output") or os.path.join(folder, "take.lt")
            self._run(function, **{**request, "output": path})
            return Tokens.read(self, path)

    def _with_tokens(
        self, function: Callable, tokens: Union[Tokens, Path], **request: Any
    ) -> Report:
        with _input_of(tokens) as said:
            return self._run(function, **said, **request)

    def _foreseen_batch(
        self, function: Callable, prompts: Path, folder: Path, **request: Any
    ) -> bytes:
        def foresee() -> bytes:
            with call.filled(self) as asked:
                return _text_of(function, self._handle, *paths, asked, kept=True)

        paths = c.path(prompts), c.path(folder)
        call = self._call(**request)
        return self._ask(foresee, call)

    def _foreseen(self, function: Callable, command: str, **request: Any) -> bytes:
        def foresee() -> bytes:
            with call.filled(self) as asked:
                return _text_of(function, self._handle, c.text(command), asked)

        call = self._call(**request)
        return self._ask(foresee, call)
