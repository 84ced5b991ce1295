"""What files say: any file of longtake, films, recipes and latents."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import struct
from typing import Callable, ContextManager, Iterator, Optional

import numpy as np

from . import _library as c
from ._errors import LongtakeError, Status
from ._handles import handle_from, text_from
from ._library import library as lib
from ._values import Path


def info(path: Path) -> dict:
    """What any file of longtake, checkpoint, video or job folder is."""
    return json.loads(text_from(lib.longtake_info, c.path(path)))


@contextlib.contextmanager
def _opened(read: Callable, close: Callable, path: Path) -> Iterator[ctypes.c_void_p]:
    """A film or a recipe while it is open."""
    handle = handle_from(read, c.path(path))
    try:
        yield handle
    finally:
        close(handle)


def opened_film(path: Path) -> ContextManager[ctypes.c_void_p]:
    return _opened(lib.longtake_film_read, lib.longtake_film_close, path)


def opened_recipe(path: Path) -> ContextManager[ctypes.c_void_p]:
    return _opened(lib.longtake_recipe_read, lib.longtake_recipe_close, path)


def film_model(path: Path) -> Optional[str]:
    """The model that a film asks for, as `Engine` takes it; None where it names none."""
    with opened_film(path) as film:
        name = lib.longtake_film_model(film)
        return os.fsdecode(name) if name else None


def recipe_model(path: Path) -> Optional[str]:
    """The model that made a video or latents file of ours, by name. LongtakeError (INPUT) where the
    file does not say how it was made."""
    with opened_recipe(path) as recipe:
        name = lib.longtake_recipe_model(recipe)
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
