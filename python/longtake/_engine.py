"""A model on a device, and what it can be asked for."""

from __future__ import annotations

import collections
import contextlib
import ctypes
import json
import os
import tempfile
import threading
from typing import Any, Callable, Iterator, Optional, Sequence, Union

import numpy as np

from . import _library as c
from . import _values as values
from ._call import Call, input_of
from ._errors import LongtakeError, Status
from ._files import read_latents
from ._handles import Owned, invoke, require_ok, text_from
from ._hearing import Hearing, finish
from ._library import library as lib
from ._report import (
    BatchLine,
    CheckLine,
    ProfileLine,
    Report,
    Score,
    batch_line_of,
    check_line_of,
    profile_line_of,
)
from ._request import OnFrame, PromptRequest, Request, Unpack, takes
from ._tokens import Tokens
from ._turns import BETWEEN_FRAMES, IN_CALLBACK, Turns
from ._values import Path


@contextlib.contextmanager
def _read_again(output: Optional[Path], name: str) -> Iterator[Path]:
    """The file of a request's output, which is read when it is made: where none is asked for, one
    called `name`, which is gone afterwards. Standard output cannot be read."""
    if output is None:
        with tempfile.TemporaryDirectory() as folder:
            yield os.path.join(folder, name)
        return
    if isinstance(output, (str, bytes, os.PathLike)) and os.fsdecode(output) == "-":
        raise values.refused("--output", "-", "a file, from which the result is read")
    yield output


class Engine(Owned):
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
        self._turns = Turns()
        options = c.Options()
        lib.longtake_options_init(ctypes.byref(options))
        if model is not None:
            options.model = values.path("--model", model)
        if config is not None:
            options.config = values.path("--config", config)
        options.search = values.paths("search", c.data_folders() if search is None else search)
        options.set = values.paths("--set", set)
        options.device = values.text("--device", device)
        options.precision = values.text("--precision", precision)
        options.threads = values.number("--threads", threads, ctypes.c_int, 0)
        options.profile = profile
        options.max_memory = values.number("--max-memory", max_memory, ctypes.c_int64, 0)
        if cache_dir is not None:
            options.cache_dir = values.path("cache_dir", cache_dir)
        invoke(lib.longtake_open, ctypes.byref(options), ctypes.byref(self._address))

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
        if self._process == os.getpid():
            self._turns.end(self._release)

    def _release(self) -> None:
        if self._address:
            lib.longtake_close(self._address)
        self._address = ctypes.c_void_p()

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if self._address and not self._turns.is_taken():
            self.close()

    @property
    def fps(self) -> float:
        """Frames a second that the model makes."""
        return lib.longtake_fps(self._handle)

    def clip_fps(self, video: Path) -> float:
        """Frames a second at which a video file is read: frame n of it is at n / clip_fps seconds
        (`from_seconds`, `plan_from`). The model's rate, but of a take of longtake that was made
        with another one (`fps`): that."""
        found = ctypes.c_double()
        invoke(lib.longtake_clip_fps, self._handle, c.path(video), ctypes.byref(found))
        return found.value

    def config_text(self) -> str:
        """Every configuration value, a line "section.key: value  # where it came from" each."""
        return self._ask(lambda: text_from(lib.longtake_print_config, self._handle)).decode(
            "utf-8", "replace"
        )

    @takes(PromptRequest)
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
        return self._run(lib.longtake_generate, prompt=prompt, on_frame=on_frame, **request)

    @takes(Request)
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
            lib.longtake_render, tokens, prompt=prompt, on_frame=on_frame, **request
        )

    @takes(Request)
    def refine(
        self, tokens: Union[Tokens, Path], prompt: Optional[str] = None, **request: Unpack[Request]
    ) -> np.ndarray:
        """Tokens -> latents, float32 [T, C, H, W]; `output` keeps the file. With `windows` these
        stay in `job`, and the array is empty, [0, 0, 0, 0]."""
        if request.get("windows") is not None:
            self._with_tokens(lib.longtake_refine, tokens, prompt=prompt, **request)
            return np.empty((0, 0, 0, 0), np.float32)
        with _read_again(request.get("output"), "take.latents") as path:
            request["output"] = path
            self._with_tokens(lib.longtake_refine, tokens, prompt=prompt, **request)
            return read_latents(path)

    @takes(Request, but=("output", "format", "preview"))
    def score(
        self, tokens: Union[Tokens, Path], prompt: Optional[str] = None, **request: Unpack[Request]
    ) -> Score:
        """How unlikely the language model finds tokens under a prompt (the one inside the token
        file where none is given). Its probabilities are those that `make_tokens` would draw from
        with the settings lm_cfg, temperature, motion and lm_context; top_k and top_p cut nothing
        off. LongtakeError (USAGE) for tokens of several prompts."""
        found = c.Score()
        with input_of(tokens) as said:
            self._fulfil(
                lib.longtake_score_tokens, ctypes.byref(found), prompt=prompt, **said, **request
            )
        return Score(found.codes, found.nats)

    @takes(Request)
    def decode(
        self, latents: Path, *, on_frame: Optional[OnFrame] = None, **request: Unpack[Request]
    ) -> Report:
        """Latents file -> video."""
        return self._run(lib.longtake_decode, input=latents, on_frame=on_frame, **request)

    @takes(PromptRequest)
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
            lib.longtake_continue, input=video, prompt=prompt, on_frame=on_frame, **request
        )

    @takes(Request)
    def run_film(
        self, film: Path, *, on_frame: Optional[OnFrame] = None, **request: Unpack[Request]
    ) -> Report:
        """A film file, as `longtake run`."""
        return self._run(lib.longtake_generate, film=film, on_frame=on_frame, **request)

    @takes(PromptRequest)
    def make_tokens(self, prompt: Optional[str] = None, **request: Unpack[PromptRequest]) -> Tokens:
        """Prompt -> semantic tokens."""
        return self._tokens_of(lib.longtake_make_tokens, prompt=prompt, **request)

    @takes(PromptRequest, but=("output", "preview"))
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
                lib.longtake_make_candidates,
                values.number("--candidates", count, ctypes.c_int),
                c.BATCH_FN(hear),
                None,
                prompt=prompt,
                output=os.path.join(folder, "plan.lt"),
                preview=sheet,
                **request,
            )
            return {seed: Tokens.read(self, path) for seed, path in made}

    @takes(PromptRequest, but=("output",))
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
            lines.append(batch_line_of(line.contents))

        def make() -> None:
            error = c.Error()
            with call.filled(self) as one:
                status = lib.longtake_generate_batch(
                    self._handle, *paths, one, c.BATCH_FN(hear), None, ctypes.byref(error)
                )
            if call.cancelled or not any(line.error for line in lines):
                require_ok(status, error)

        paths = c.path(prompts), c.path(folder)
        call = self._call(on_frame=on_frame, **request)
        self._ask(make, call)
        return lines

    @takes(PromptRequest, but=("output",))
    def plan_batch(self, prompts: Path, folder: Path, **request: Unpack[PromptRequest]) -> dict:
        """What `batch` would do, without loading weights: its time, and of each of the "lines" what
        it would make, or the "message" of what is wrong with it."""
        paths = c.path(prompts), c.path(folder)
        return json.loads(self._foreseen(lib.longtake_plan_batch, *paths, _kept=True, **request))

    @takes(PromptRequest, but=("output",))
    def plan_batch_table(
        self, prompts: Path, folder: Path, **request: Unpack[PromptRequest]
    ) -> str:
        """The same for people."""
        paths = c.path(prompts), c.path(folder)
        return self._foreseen(lib.longtake_plan_batch_table, *paths, _kept=True, **request).decode(
            "utf-8", "replace"
        )

    @takes(Request)
    def encode(self, video: Path, **request: Unpack[Request]) -> Tokens:
        """Video -> semantic tokens; `fit`: cover, pad, crop or stretch; `codes`: auto, scene or
        picture."""
        return self._tokens_of(lib.longtake_encode, input=video, **request)

    def features(self, source: Union[Tokens, Path], *, fit: str = "cover") -> np.ndarray:
        """Semantic features, float32 [T, h, w, C], T semantic frames (the first RGB frame, then
        every fourth): of Tokens what refinement sees, of a video or picture what the tokenizer
        sees."""

        def look() -> np.ndarray:
            found = c.Features()
            if isinstance(source, Tokens):
                invoke(
                    lib.longtake_features_of_tokens,
                    self._handle,
                    source._handle,
                    ctypes.byref(found),
                )
            else:
                invoke(
                    lib.longtake_features_of_video,
                    self._handle,
                    c.path(source),
                    values.fit(fit),
                    ctypes.byref(found),
                )
            try:
                return np.ctypeslib.as_array(
                    found.values, (found.frames, found.height, found.width, found.channels)
                ).copy()
            finally:
                lib.longtake_features_clear(ctypes.byref(found))

        return self._ask(look)

    @takes(PromptRequest)
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
            self._foreseen(
                lib.longtake_plan, c.text(command), prompt=prompt, input=input, **request
            )
        )

    @takes(PromptRequest)
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
            lib.longtake_plan_table, c.text(command), prompt=prompt, input=input, **request
        ).decode("utf-8", "replace")

    @takes(PromptRequest)
    def windows_between(
        self,
        begin: float,
        end: float,
        prompt: Optional[str] = None,
        command: str = "generate",
        *,
        input: Optional[Path] = None,
        **request: Unpack[PromptRequest],
    ) -> "tuple[int, int]":
        """First and last window, from 0, that have new frames between two moments, in seconds of
        the whole take, of what is asked of `command` (generate, continue with the video as `input`,
        refine, render): Retake(*engine.windows_between(12, 18, recipe="ball.mp4"), seed=5).
        LongtakeError (USAGE) where there is none."""
        first, last = ctypes.c_int64(), ctypes.c_int64()
        self._fulfil(
            lib.longtake_windows_between,
            values.number("begin", begin, ctypes.c_double),
            values.number("end", end, ctypes.c_double),
            ctypes.byref(first),
            ctypes.byref(last),
            before=(c.text(command),),
            prompt=prompt,
            input=input,
            **request,
        )
        return first.value, last.value

    def write_preview_map(self) -> str:
        """Writes preview.safetensors of the model's folder, which previews are painted with, as an
        import does; returns its path. For a folder that lacks it, or whose VAE was replaced."""
        return os.fsdecode(
            self._ask(lambda: text_from(lib.longtake_write_preview_map, self._handle))
        )

    def check(self, golden: Path) -> "list[CheckLine]":
        """Runs a golden file through the engine's device. What is out of its bound raises nothing:
        its line is not `ok`."""
        lines: "list[CheckLine]" = []

        def hear(_user: Any, line: Any) -> None:
            lines.append(check_line_of(line.contents))

        def compare() -> None:
            error = c.Error()
            status = lib.longtake_check(
                self._handle, c.path(golden), c.CHECK_FN(hear), None, ctypes.byref(error)
            )
            if status != Status.LIMIT:
                require_ok(status, error)

        self._ask(compare)
        return lines

    def profile(self) -> "list[ProfileLine]":
        """What every operation cost since the engine was opened with `profile`; LongtakeError
        (USAGE) where it was opened without. Measures the machine's rates first, for a second or
        two."""
        lines: "list[ProfileLine]" = []

        def hear(_user: Any, line: Any) -> None:
            lines.append(profile_line_of(line.contents))

        self._ask(lambda: invoke(lib.longtake_profile, self._handle, c.PROFILE_FN(hear), None))
        return lines

    @takes(PromptRequest)
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
            self._steps(lambda: call.make(self, lib.longtake_generate), call)
        ) as steps:
            for _ in steps:
                while taken:
                    self._turns.place(asker, BETWEEN_FRAMES)
                    yield taken.popleft()
                    self._turns.place(asker, IN_CALLBACK)

    @takes(PromptRequest)
    def video(
        self, prompt: Optional[str] = None, *, ahead: int = 8, **request: Unpack[PromptRequest]
    ) -> np.ndarray:
        """All frames of `generate` at once, uint8 [T, height, width, 3]."""
        return np.stack(list(self.frames(prompt, ahead=ahead, **request)))

    def _ask(self, work: Callable[[], Any], hearing: Optional[Hearing] = None) -> Any:
        """What `work`, a request of this engine, gives."""
        return finish(self._steps(work, hearing or Hearing()))

    def _steps(self, work: Callable[[], Any], hearing: Hearing) -> Iterator[None]:
        self._handle  # open, and of this process
        return self._turns.steps(work, hearing)

    def _call(self, prompt: Optional[str] = None, **request: Any) -> Call:
        """`fps` of a request is the file's, `_fps` the model's."""
        return Call(prompt, _fps=self.fps, **request)

    def _run(self, function: Callable, **request: Any) -> Report:
        call = self._call(**request)
        return self._ask(lambda: call.make(self, function), call)

    def _fulfil(
        self, function: Callable, *rest: Any, before: "tuple[Any, ...]" = (), **request: Any
    ) -> None:
        call = self._call(**request)
        self._ask(lambda: call.fulfil(self, function, *rest, before=before), call)

    def _with_tokens(
        self, function: Callable, tokens: Union[Tokens, Path], **request: Any
    ) -> Report:
        with input_of(tokens) as said:
            return self._run(function, **said, **request)

    def _tokens_of(self, function: Callable, **request: Any) -> Tokens:
        with _read_again(request.get("output"), f"take.{request.get('format') or 'lt'}") as path:
            self._run(function, **{**request, "output": path})
            return Tokens.read(self, path)

    def _foreseen(
        self, function: Callable, *arguments: bytes, _kept: bool = False, **request: Any
    ) -> bytes:
        """What function(engine, arguments..., request, ...) tells."""

        def foresee() -> bytes:
            with call.filled(self) as asked:
                return text_from(function, self._handle, *arguments, asked, kept=_kept)

        call = self._call(**request)
        return self._ask(foresee, call)
