"""An official release as a model folder."""

from __future__ import annotations

import ctypes
from typing import Optional, Sequence

from . import _library as c
from . import _values as values
from ._handles import invoke
from ._hearing import Hearing, Progress, finish
from ._library import library as lib
from ._values import Path


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
    """An official release, a folder, becomes a model folder at `output`, which must not exist or
    be empty.

    `config`: YAML of the sizes, landiff.yaml where left out. `t5`, `theia`: folders of Flan-T5 and
    Theia, where they are not inside the release. `quantize`: "q8", "q4" or "mixed"; `dtype`: "f32",
    "bf16" or "f16" for what is not quantised; each as stored where left out. `progress`: True for a
    bar, or a function of Event, whose `message` is the file of a step. LongtakeError (INPUT) tells
    of all tensors that are missing, misshapen or unexpected at once; after a failure, or where
    `progress` raised, nothing half-written stays.
    """
    hearing = Hearing(progress)
    request = c.ImportRequest()
    lib.longtake_import_request_init(ctypes.byref(request))
    request.release = values.path("release", release)
    request.output = values.path("--output", output)
    request.search = values.paths("search", c.data_folders() if search is None else search)
    for name, folder in (("config", config), ("t5", t5), ("theia", theia)):
        setattr(request, name, None if folder is None else values.path(f"--{name}", folder))
    for name, word in (("quantize", quantize), ("dtype", dtype)):
        setattr(request, name, None if word is None else values.text(f"--{name}", word))
    request.on_event = c.EVENT_FN(hearing.hear_event)
    finish(hearing.steps(lambda: invoke(lib.longtake_import, ctypes.byref(request))))
