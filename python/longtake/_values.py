"""Values as C takes them, and how one is refused that it would change."""

from __future__ import annotations

import ctypes
import operator
import os
from typing import Any, Optional, Union

from . import _library as c
from ._errors import LongtakeError, Status

Path = Union[str, os.PathLike[str]]


def refused(place: str, found: Any, expected: str) -> LongtakeError:
    return LongtakeError(Status.USAGE, f"{place}: found {found!r}, expected {expected}")


def number(place: str, value: Any, kind: Any, least: Optional[int] = None) -> Any:
    """A number as C takes it for `kind`, which would cut off what is too large."""
    real = kind is ctypes.c_double
    fits = False
    try:
        if isinstance(value, (str, bytes, bytearray)):  # which float() would read
            raise TypeError
        given = float(value) if real else operator.index(value)
        fits = real or kind(given).value == given
    except OverflowError:
        given = value
    except (TypeError, ValueError):
        raise refused(place, value, "a number" if real else "a whole number") from None
    if least is not None and given < least:
        raise LongtakeError(Status.USAGE, f"{place}: found {value}, expected {least} or more")
    if not fits:
        raise LongtakeError(Status.USAGE, f"{place}: found {value}, which is too large")
    return given


def text(place: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise refused(place, value, "a text")
    return c.text(value)


def path(place: str, value: Any) -> bytes:
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise refused(place, value, "a path")
    return c.path(value)


def paths(place: str, found: Any) -> ctypes.Array:
    """Paths or texts, one after the other, and NULL. A single one, whose letters would be taken
    for them, is refused."""
    try:
        if isinstance(found, (str, bytes, bytearray)):
            raise TypeError
        given = [path(place, one) for one in found]
    except TypeError:
        raise refused(place, found, "a list") from None
    return (ctypes.c_char_p * (len(given) + 1))(*given, None)


_FITS = ("cover", "pad", "crop", "stretch")


def fit(name: str) -> int:
    if name not in _FITS:
        raise refused("--fit", name, ", ".join(_FITS))
    return _FITS.index(name)
