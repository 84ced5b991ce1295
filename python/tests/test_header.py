"""The structs and functions of _library.py against longtake.h."""
import ctypes
import re
from pathlib import Path

import pytest

from longtake import _library as c

HEADER = re.sub(r"/\*.*?\*/", "", (Path(__file__).resolve().parents[2] / "longtake.h").read_text(), flags=re.S)

TYPES = {"int": ctypes.c_int, "int64_t": ctypes.c_int64, "double": ctypes.c_double, "size_t": ctypes.c_size_t,
         "const char *": ctypes.c_char_p, "char *": ctypes.c_char_p, "void *": ctypes.c_void_p,
         "longtake_status": ctypes.c_int, "longtake_event_kind": ctypes.c_int, "longtake_fit": ctypes.c_int,
         "longtake_settings": c.Settings, "float *": ctypes.POINTER(ctypes.c_float), "longtake_event_fn": c.EVENT_FN, "longtake_frame_fn": c.FRAME_FN,
         "const char *const *": ctypes.POINTER(ctypes.c_char_p), "const longtake_shot *": ctypes.POINTER(c.Shot),
         "const longtake_result *": ctypes.POINTER(c.Result), "const longtake_tokens *": ctypes.c_void_p,
         "const longtake_retake *": ctypes.POINTER(c.Retake)}


def fields_of(name):
    body = re.search(r"typedef struct \{([^}]*)\} " + name + ";", HEADER).group(1)
    for line in filter(None, (part.strip() for part in body.split(";"))):
        kind, field, count = re.fullmatch(r"(.*?[ *])(\w+)(?:\[(\d+)\])?", line, flags=re.S).groups()
        kind = kind.strip()
        yield field, ctypes.c_char * int(count) if count else TYPES[kind]


@pytest.mark.parametrize("name", sorted(c.STRUCTS))
def test_struct(name):
    assert list(c.STRUCTS[name]._fields_) == list(fields_of(name))


def test_functions_are_declared():
    for name in c.FUNCTIONS:
        assert re.search(r"\b" + name + r"\(", HEADER), name


def test_event_kinds():
    import longtake

    kinds = re.findall(r"LONGTAKE_EVENT_(\w+)", re.search(r"typedef enum \{([^}]*)\} longtake_event_kind", HEADER).group(1))
    assert [kind.lower() for kind in kinds] == list(longtake._EVENT_KINDS)


def test_status_values():
    import longtake

    body = re.search(r"typedef enum \{([^}]*)\} longtake_status", HEADER).group(1)
    values = {name.replace("ERR_", ""): int(value) for name, value in re.findall(r"LONGTAKE_(\w+) = (\d+)", body)}
    assert values == {status.name: status.value for status in longtake.Status}
