"""What requests come to: reports, and the lines of those that tell of many things."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Callable, Optional

import numpy as np

from . import _library as c
from ._errors import LongtakeError


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
    error; both where it is made, but over a limit that was asked for (LIMIT)."""

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


# As the library tells them, in structs that it takes back.


def report_of(result: c.Result, worded: Callable[[str], str] = str) -> Report:
    about = json.loads(worded((result.report or b"{}").decode("utf-8", "replace")))
    return Report(result.frames, result.seed, result.seconds, about)


def batch_line_of(line: c.BatchLine) -> BatchLine:
    return BatchLine(
        line.line,
        os.fsdecode(line.output) if line.output else None,
        report_of(line.result.contents) if line.result else None,
        LongtakeError(line.status, line.message.decode("utf-8", "replace"))
        if line.message
        else None,
    )


def check_line_of(line: c.CheckLine) -> CheckLine:
    return CheckLine(
        os.fsdecode(line.file),
        line.component.decode("utf-8", "replace"),
        line.output.decode("utf-8", "replace"),
        line.rel_l2,
        line.bound,
        bool(line.exact),
        bool(line.ok),
    )


def profile_line_of(line: c.ProfileLine) -> ProfileLine:
    return ProfileLine(
        line.stage.decode(),
        line.operation.decode(),
        line.calls,
        line.seconds,
        line.bytes,
        line.flop,
        line.least_seconds,
    )
