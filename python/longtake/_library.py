"""longtake.h in ctypes: structs, functions, and where the shared library is found.

The structs follow the header field by field, the functions parameter by parameter;
tests/test_header.py compares them.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from ctypes import (
    POINTER,
    Structure,
    c_char,
    c_char_p,
    c_double,
    c_float,
    c_int,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint16,
    c_void_p,
)
from pathlib import Path

from ._errors import LongtakeError, Status

HERE = Path(__file__).resolve().parent

# Of the longtake.h that the structs below follow. A library with another major or minor number may
# have other structs.
VERSION = "0.11.0"

UNSET = -1
SEED_UNSET = -2


class Error(Structure):
    _fields_ = [("code", c_int), ("message", c_char * 1024)]


class Event(Structure):
    _fields_ = [
        ("kind", c_int),
        ("elapsed_seconds", c_double),
        ("stage", c_char_p),
        ("window", c_int64),
        ("windows", c_int64),
        ("step", c_int64),
        ("steps", c_int64),
        ("step_seconds", c_double),
        ("eta_seconds", c_double),
        ("peak_bytes", c_size_t),
        ("message", c_char_p),
        ("frames", c_int64),
        ("fps", c_double),
    ]


EVENT_FN = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(Event))
FRAME_FN = ctypes.CFUNCTYPE(c_int, c_void_p, c_int64, POINTER(c_uint8), c_int, c_int)


class Options(Structure):
    _fields_ = [
        ("model", c_char_p),
        ("search", POINTER(c_char_p)),
        ("config", c_char_p),
        ("set", POINTER(c_char_p)),
        ("device", c_char_p),
        ("precision", c_char_p),
        ("threads", c_int),
        ("max_memory", c_int64),
        ("cache_dir", c_char_p),
        ("profile", c_int),
    ]


class Settings(Structure):
    _fields_ = [
        ("seed", c_int64),
        ("seconds", c_double),
        ("frames", c_int64),
        ("semantic_frames", c_int64),
        ("fps", c_double),
        ("width", c_int),
        ("height", c_int),
        ("scale", c_int),
        ("fit", c_int),
        ("lm_cfg", c_double),
        ("shot_cfg", c_double),
        ("temperature", c_double),
        ("top_k", c_int),
        ("top_p", c_double),
        ("motion", c_double),
        ("lm_context", c_int),
        ("steps", c_int),
        ("cfg_scale", c_double),
        ("cfg_schedule", c_char_p),
        ("guidance", c_char_p),
        ("overlap", c_int),
        ("carry", c_char_p),
        ("speed", c_char_p),
        ("codes", c_char_p),
    ]


class Shot(Structure):
    _fields_ = [
        ("at_frame", c_int64),
        ("prompt", c_char_p),
        ("motion", c_double),
        ("seed", c_int64),
        ("lm_cfg", c_double),
        ("shot_cfg", c_double),
        ("cfg_scale", c_double),
        ("plan", c_char_p),
        ("plan_from_seconds", c_double),
        ("plan_seconds", c_double),
        ("as_one_text", c_int),
    ]


class Retake(Structure):
    _fields_ = [("first", c_int64), ("last", c_int64), ("seed", c_int64), ("keep_rest", c_int)]


class Request(Structure):
    _fields_ = [
        ("prompt", c_char_p),
        ("shots", POINTER(Shot)),
        ("shot_count", c_size_t),
        ("settings", Settings),
        ("tokens", c_void_p),
        ("input", c_char_p),
        ("image", c_char_p),
        ("from_seconds", c_double),
        ("reference_hash", c_char_p),
        ("new_only", c_int),
        ("window_first", c_int64),
        ("window_last", c_int64),
        ("retakes", POINTER(Retake)),
        ("retake_count", c_size_t),
        ("output", c_char_p),
        ("format", c_char_p),
        ("no_metadata", c_int),
        ("preview", c_char_p),
        ("max_seam", c_double),
        ("job", c_char_p),
        ("fresh", c_int),
        ("keep_job", c_int),
        ("on_event", EVENT_FN),
        ("on_frame", FRAME_FN),
        ("user", c_void_p),
    ]


class Result(Structure):
    _fields_ = [
        ("frames", c_int64),
        ("seed", c_int64),
        ("seconds", c_double),
        ("output", c_char_p),
        ("report", c_char_p),
    ]


class Features(Structure):
    _fields_ = [
        ("frames", c_int64),
        ("height", c_int64),
        ("width", c_int64),
        ("channels", c_int64),
        ("values", POINTER(c_float)),
    ]


class Score(Structure):
    _fields_ = [("codes", c_int64), ("nats", c_double)]


class BatchLine(Structure):
    _fields_ = [
        ("line", c_int64),
        ("output", c_char_p),
        ("status", c_int),
        ("message", c_char_p),
        ("result", POINTER(Result)),
    ]


BATCH_FN = ctypes.CFUNCTYPE(None, c_void_p, POINTER(BatchLine))


class ImportRequest(Structure):
    _fields_ = [
        ("release", c_char_p),
        ("output", c_char_p),
        ("config", c_char_p),
        ("search", POINTER(c_char_p)),
        ("t5", c_char_p),
        ("theia", c_char_p),
        ("quantize", c_char_p),
        ("dtype", c_char_p),
        ("on_event", EVENT_FN),
        ("user", c_void_p),
    ]


class CheckLine(Structure):
    _fields_ = [
        ("file", c_char_p),
        ("component", c_char_p),
        ("output", c_char_p),
        ("rel_l2", c_double),
        ("bound", c_double),
        ("exact", c_int),
        ("ok", c_int),
    ]


CHECK_FN = ctypes.CFUNCTYPE(None, c_void_p, POINTER(CheckLine))


class ProfileLine(Structure):
    _fields_ = [
        ("stage", c_char_p),
        ("operation", c_char_p),
        ("calls", c_int64),
        ("seconds", c_double),
        ("bytes", c_double),
        ("flop", c_double),
        ("least_seconds", c_double),
    ]


PROFILE_FN = ctypes.CFUNCTYPE(None, c_void_p, POINTER(ProfileLine))

STRUCTS = {
    "longtake_error": Error,
    "longtake_event": Event,
    "longtake_options": Options,
    "longtake_settings": Settings,
    "longtake_shot": Shot,
    "longtake_retake": Retake,
    "longtake_request": Request,
    "longtake_result": Result,
    "longtake_score": Score,
    "longtake_features": Features,
    "longtake_batch_line": BatchLine,
    "longtake_import_request": ImportRequest,
    "longtake_check_line": CheckLine,
    "longtake_profile_line": ProfileLine,
}

# name: (result, arguments)
_TEXT = POINTER(c_void_p)  # char **, freed with longtake_free
_ERROR = POINTER(Error)
_COMMAND = (c_int, [c_void_p, POINTER(Request), POINTER(Result), _ERROR])
FUNCTIONS = {
    "longtake_version": (c_char_p, []),
    "longtake_free": (None, [c_void_p]),
    "longtake_options_init": (None, [POINTER(Options)]),
    "longtake_open": (c_int, [POINTER(Options), POINTER(c_void_p), _ERROR]),
    "longtake_close": (None, [c_void_p]),
    "longtake_fps": (c_double, [c_void_p]),
    "longtake_clip_fps": (c_int, [c_void_p, c_char_p, POINTER(c_double), _ERROR]),
    "longtake_print_config": (c_int, [c_void_p, _TEXT, _ERROR]),
    "longtake_shot_init": (None, [POINTER(Shot)]),
    "longtake_request_init": (None, [POINTER(Request)]),
    "longtake_result_clear": (None, [POINTER(Result)]),
    "longtake_generate": _COMMAND,
    "longtake_make_tokens": _COMMAND,
    "longtake_encode": _COMMAND,
    "longtake_refine": _COMMAND,
    "longtake_decode": _COMMAND,
    "longtake_render": _COMMAND,
    "longtake_continue": _COMMAND,
    "longtake_plan_batch": (c_int, [c_void_p, c_char_p, c_char_p, POINTER(Request), _TEXT, _ERROR]),
    "longtake_plan_batch_table": (
        c_int,
        [c_void_p, c_char_p, c_char_p, POINTER(Request), _TEXT, _ERROR],
    ),
    "longtake_generate_batch": (
        c_int,
        [c_void_p, c_char_p, c_char_p, POINTER(Request), BATCH_FN, c_void_p, _ERROR],
    ),
    "longtake_make_candidates": (
        c_int,
        [c_void_p, POINTER(Request), c_int, BATCH_FN, c_void_p, _ERROR],
    ),
    "longtake_plan": (c_int, [c_void_p, c_char_p, POINTER(Request), _TEXT, _ERROR]),
    "longtake_plan_table": (c_int, [c_void_p, c_char_p, POINTER(Request), _TEXT, _ERROR]),
    "longtake_film_read": (c_int, [c_char_p, POINTER(c_void_p), _ERROR]),
    "longtake_film_close": (None, [c_void_p]),
    "longtake_film_model": (c_char_p, [c_void_p]),
    "longtake_film_line": (c_int, [c_void_p, c_char_p]),
    "longtake_film_apply": (c_int, [c_void_p, c_void_p, POINTER(Request), _ERROR]),
    "longtake_recipe_read": (c_int, [c_char_p, POINTER(c_void_p), _ERROR]),
    "longtake_recipe_close": (None, [c_void_p]),
    "longtake_recipe_model": (c_char_p, [c_void_p]),
    "longtake_recipe_apply": (c_int, [c_void_p, c_void_p, POINTER(Request), _ERROR]),
    "longtake_windows_between": (
        c_int,
        [
            c_void_p,
            c_char_p,
            POINTER(Request),
            c_double,
            c_double,
            POINTER(c_int64),
            POINTER(c_int64),
            _ERROR,
        ],
    ),
    "longtake_tokens_read": (c_int, [c_void_p, c_char_p, POINTER(c_void_p), _ERROR]),
    "longtake_tokens_new": (
        c_int,
        [c_void_p, POINTER(c_uint16), c_size_t, POINTER(c_void_p), _ERROR],
    ),
    "longtake_tokens_close": (None, [c_void_p]),
    "longtake_tokens_count": (c_size_t, [c_void_p]),
    "longtake_tokens_semantic_frames": (c_int64, [c_void_p]),
    "longtake_tokens_frames": (c_int64, [c_void_p]),
    "longtake_tokens_codes": (POINTER(c_uint16), [c_void_p]),
    "longtake_tokens_write": (c_int, [c_void_p, c_char_p, _ERROR]),
    "longtake_tokens_cut": (c_int, [c_void_p, c_int64, c_int64, POINTER(c_void_p), _ERROR]),
    "longtake_tokens_recut": (
        c_int,
        [c_void_p, c_void_p, c_int64, c_int64, POINTER(c_void_p), POINTER(c_int), _ERROR],
    ),
    "longtake_tokens_join": (c_int, [c_void_p, c_void_p, POINTER(c_void_p), _ERROR]),
    "longtake_score_tokens": (c_int, [c_void_p, POINTER(Request), POINTER(Score), _ERROR]),
    "longtake_features_clear": (None, [POINTER(Features)]),
    "longtake_features_of_tokens": (c_int, [c_void_p, c_void_p, POINTER(Features), _ERROR]),
    "longtake_features_of_video": (c_int, [c_void_p, c_char_p, c_int, POINTER(Features), _ERROR]),
    "longtake_info": (c_int, [c_char_p, _TEXT, _ERROR]),
    "longtake_devices": (c_int, [_TEXT, _ERROR]),
    "longtake_import_request_init": (None, [POINTER(ImportRequest)]),
    "longtake_import": (c_int, [POINTER(ImportRequest), _ERROR]),
    "longtake_write_preview_map": (c_int, [c_void_p, _TEXT, _ERROR]),
    "longtake_check": (c_int, [c_void_p, c_char_p, CHECK_FN, c_void_p, _ERROR]),
    "longtake_profile": (c_int, [c_void_p, PROFILE_FN, c_void_p, _ERROR]),
}


def _library_places() -> list[str]:
    """Where the library may be, best first: named by the user, inside a wheel, a build tree,
    installed."""
    named = os.environ.get("LONGTAKE_LIBRARY")
    if named:
        return [named]
    places = [str(HERE / "liblongtake.so"), str(HERE.parents[1] / "build" / "liblongtake.so")]
    installed = ctypes.util.find_library("longtake")
    return [place for place in places if os.path.exists(place)] + ([installed] if installed else [])


def _expect_version(library: ctypes.CDLL, place: str) -> None:
    try:
        library.longtake_version.restype = c_char_p
        found = f"version {library.longtake_version().decode()}"
    except AttributeError:
        found = "no longtake_version()"
    expected = "version {}.{}.".format(*VERSION.split("."))
    if not found.startswith(expected):
        raise ImportError(f"{place}: found {found}, expected {expected}x")


def _load() -> tuple[ctypes.CDLL, str]:
    places = _library_places()
    if not places:
        raise ImportError(
            "liblongtake.so: not found in the package, in build/ or on the system; "
            "LONGTAKE_LIBRARY names it"
        )
    library = ctypes.CDLL(places[0])
    _expect_version(library, places[0])
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library, places[0]


library, library_path = _load()


def data_folders() -> list[str]:
    """Folders that hold configs/ and models/, as longtake_options.search takes them."""
    beside = Path(library_path).resolve().parent
    candidates = [
        HERE,
        HERE.parents[1],
        beside.parent,
        beside / ".." / "share" / "longtake",
        beside.parent / ".." / "share" / "longtake",
        Path("/usr/local/share/longtake"),
        Path("/usr/share/longtake"),
    ]
    return list(
        dict.fromkeys(
            str(folder.resolve()) for folder in candidates if (folder / "configs").is_dir()
        )
    )


def _whole(data: bytes) -> bytes:
    """For C a text ends at its first zero byte: there may be none inside."""
    if b"\0" in data:
        raise LongtakeError(Status.USAGE, f"found a zero byte in {data!r}, expected none")
    return data


def text(value: str) -> bytes:
    return _whole(value.encode())


def path(value) -> bytes:
    return _whole(os.fsencode(value))
