"""Failures and warnings of the library, as Python sees them."""

from __future__ import annotations

import enum
from typing import Optional


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
    """A failure of the library: `code`, the whole `message`, the `place` it begins with
    ("film.yaml:3:10", "--seconds", a file or a tensor) and a `hint`, or None, where there is one
    thing to do."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = Status(code)
        self.message, _, hint = message.partition("\nhint: ")
        self.hint: Optional[str] = hint or None
        self.place = self.message.partition(": ")[0]


class LongtakeWarning(UserWarning):
    """A warning of the library, where no `progress` function hears it."""
