"""Calls of the library, and what it hands out: texts, and what is closed in the end."""

from __future__ import annotations

import ctypes
from typing import Any, Callable

from . import _library as c
from ._errors import LongtakeError, Status
from ._library import library as _lib


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
