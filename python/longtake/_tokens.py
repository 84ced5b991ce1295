"""The semantic plan of a take."""

from __future__ import annotations

import ctypes
from typing import Optional, Sequence

import numpy as np

from . import _engine  # for types alone: it imports this file
from . import _library as c
from . import _values as values
from ._errors import LongtakeError, Status
from ._handles import Owned, handle_from, invoke
from ._library import library as lib
from ._values import Path


class Tokens(Owned):
    """The semantic plan of a take. `codes` is the library's own array: changes to it count."""

    def __init__(self, handle: ctypes.c_void_p):
        self._address = handle

    @classmethod
    def read(cls, engine: _engine.Engine, path: Path) -> "Tokens":
        """A .lt file, or the release's .npy."""
        return cls(handle_from(lib.longtake_tokens_read, engine._handle, c.path(path)))

    @classmethod
    def of(cls, engine: _engine.Engine, codes: Sequence[int]) -> "Tokens":
        """Tokens from numbers, laid out as the engine's model has them."""
        given = np.asarray(codes).reshape(-1)
        with np.errstate(invalid="ignore"):
            flat = given.astype(np.uint16) if given.dtype.kind in "biuf" else np.empty(0, np.uint16)
        if not np.array_equal(flat, given):
            raise LongtakeError(
                Status.USAGE,
                "codes: found a number that is none, expected whole ones from 0 to 65535",
            )
        numbers = flat.ctypes.data_as(ctypes.POINTER(ctypes.c_uint16))
        return cls(handle_from(lib.longtake_tokens_new, engine._handle, numbers, flat.size))

    @property
    def codes(self) -> np.ndarray:
        """uint16 [n]; keeps the tokens alive, until they are closed."""
        pointer = lib.longtake_tokens_codes(self._handle)
        memory = (ctypes.c_uint16 * len(self)).from_address(ctypes.addressof(pointer.contents))
        memory._owner = self
        return np.frombuffer(memory, dtype=np.uint16)

    @property
    def frames(self) -> int:
        """RGB frames of the take. Semantic frames behind the last of them are not shown."""
        return lib.longtake_tokens_frames(self._handle)

    @property
    def semantic_frames(self) -> int:
        """There is one for every four frames of the video."""
        return lib.longtake_tokens_semantic_frames(self._handle)

    def __len__(self) -> int:
        return lib.longtake_tokens_count(self._handle)

    def __repr__(self) -> str:
        return f"Tokens({len(self)} codes)" if self._address else "Tokens(closed)"

    def write(self, path: Path) -> None:
        """To a .lt or .npy file."""
        invoke(lib.longtake_tokens_write, self._handle, c.path(path))

    def cut(self, first: int, count: int, engine: Optional[_engine.Engine] = None) -> "Tokens":
        """Semantic frames first .. first + count - 1, or up to the end. The first begins a segment;
        with an `engine` it need not: the rest of its segment is encoded again."""
        span = (
            values.number("first", first, ctypes.c_int64),
            values.number("count", count, ctypes.c_int64),
        )
        if engine is None:
            return Tokens(handle_from(lib.longtake_tokens_cut, self._handle, *span))
        handle = ctypes.c_void_p()
        engine._ask(
            lambda: invoke(
                lib.longtake_tokens_recut,
                engine._handle,
                self._handle,
                *span,
                ctypes.byref(handle),
                None,
            )
        )
        return Tokens(handle)

    def __add__(self, other: "Tokens") -> "Tokens":
        if not isinstance(other, Tokens):
            return NotImplemented
        return Tokens(handle_from(lib.longtake_tokens_join, self._handle, other._handle))

    def close(self) -> None:
        if self._address:
            lib.longtake_tokens_close(self._address)
        self._address = ctypes.c_void_p()

    def __del__(self) -> None:
        self.close()
