"""Calls of the library, and what they hand out: texts, and handles that are closed in the end."""

from __future__ import annotations

import ctypes
from typing import Any, Callable

from . import _library as c
from ._errors import LongtakeError, Status
from ._library import library as lib


def require_ok(status: int, error: c.Error, worded: Callable[[str], str] = str) -> None:
    if status != Status.OK:
        raise LongtakeError(status, worded(error.message.decode("utf-8", "replace")))


def invoke(function: Callable, *arguments: Any) -> None:
    """Calls a function whose last parameter is an error, which is raised."""
    error = c.Error()
    require_ok(function(*arguments, ctypes.byref(error)), error)


def handle_from(function: Callable, *arguments: Any) -> ctypes.c_void_p:
    """Calls a function that hands out a handle, before the error."""
    handle = ctypes.c_void_p()
    invoke(function, *arguments, ctypes.byref(handle))
    return handle


def text_from(function: Callable, *arguments: Any, kept: bool = False) -> bytes:
    """Calls a function that hands out a text; `kept`: also beside a failure, of which the text then
    tells."""
    error = c.Error()
    text = ctypes.c_void_p()
    try:
        status = function(*arguments, ctypes.byref(text), ctypes.byref(error))
        if not (kept and text):
            require_ok(status, error)
        return ctypes.string_at(text)
    finally:
        lib.longtake_free(text)


class Owned:
    """What the library made for us, at an address, until it is closed."""

    _address = ctypes.c_void_p()

    @property
    def _handle(self) -> ctypes.c_void_p:
        if not self._address:
            raise LongtakeError(
                Status.USAGE, f"{type(self).__name__}: is closed, expected an open one"
            )
        return self._address
