"""What the library says of itself and of the machine it runs on."""

from __future__ import annotations

import json

from ._handles import _text_of
from ._library import library as _lib


def version() -> str:
    """Version of the library."""
    return _lib.longtake_version().decode()


def devices() -> dict:
    """What could run here, and what this build contains."""
    return json.loads(_text_of(_lib.longtake_devices))
