"""What the library says of itself and of the machine it runs on."""

from __future__ import annotations

import json

from ._handles import text_from
from ._library import library as lib


def version() -> str:
    """Version of the library."""
    return lib.longtake_version().decode()


def devices() -> dict:
    """What could run here, and what this build contains."""
    return json.loads(text_from(lib.longtake_devices))
