"""The structs and functions of _library.py against longtake.h."""

import ctypes
import ctypes.util
import re
from pathlib import Path

import pytest

import longtake
from longtake import _library as c
from longtake._library import library_path

HEADER = re.sub(
    r"/\*.*?\*/", "", (Path(__file__).resolve().parents[2] / "longtake.h").read_text(), flags=re.S
)

TYPES = {
    "int": ctypes.c_int,
    "int64_t": ctypes.c_int64,
    "double": ctypes.c_double,
    "size_t": ctypes.c_size_t,
    "const char *": ctypes.c_char_p,
    "char *": ctypes.c_char_p,
    "void *": ctypes.c_void_p,
    "longtake_status": ctypes.c_int,
    "longtake_event_kind": ctypes.c_int,
    "longtake_fit": ctypes.c_int,
    "longtake_settings": c.Settings,
    "float *": ctypes.POINTER(ctypes.c_float),
    "longtake_event_fn": c.EVENT_FN,
    "longtake_frame_fn": c.FRAME_FN,
    "const char *const *": ctypes.POINTER(ctypes.c_char_p),
    "const longtake_shot *": ctypes.POINTER(c.Shot),
    "const longtake_result *": ctypes.POINTER(c.Result),
    "const longtake_tokens *": ctypes.c_void_p,
    "const longtake_retake *": ctypes.POINTER(c.Retake),
}


def fields_of(name):
    body = re.search(r"typedef struct \{([^}]*)\} " + name + ";", HEADER).group(1)
    for line in filter(None, (part.strip() for part in body.split(";"))):
        kind, field, count = re.fullmatch(
            r"(.*?[ *])(\w+)(?:\[(\d+)\])?", line, flags=re.S
        ).groups()
        kind = kind.strip()
        yield field, ctypes.c_char * int(count) if count else TYPES[kind]


@pytest.mark.parametrize("name", sorted(c.STRUCTS))
def test_struct(name):
    assert list(c.STRUCTS[name]._fields_) == list(fields_of(name))


# Functions that the binding does without, and why.
LEFT_OUT = {
    "longtake_bench": "measures a machine for minutes, and nothing of a take; the program's `bench --json` does it"
}

DECLARED = {
    name: (result.strip(), arguments)
    for result, name, arguments in re.findall(
        r"LONGTAKE_API ([\w ]+[ *])(longtake_\w+)\(([^)]*)\);", HEADER
    )
}

HANDLES = ("longtake", "longtake_film", "longtake_recipe", "longtake_tokens")

IN_PROTOTYPES = {
    **TYPES,
    **{f"{name} *": ctypes.POINTER(struct) for name, struct in c.STRUCTS.items()},
    **{f"{name} *": ctypes.c_void_p for name in HANDLES},
    **{f"{name} **": ctypes.POINTER(ctypes.c_void_p) for name in HANDLES},
    "void": None,
    "char **": ctypes.POINTER(ctypes.c_void_p),
    "uint16_t *": ctypes.POINTER(ctypes.c_uint16),
    "int *": ctypes.POINTER(ctypes.c_int),
    "int64_t *": ctypes.POINTER(ctypes.c_int64),
    "double *": ctypes.POINTER(ctypes.c_double),
    "longtake_batch_fn": c.BATCH_FN,
    "longtake_check_fn": c.CHECK_FN,
    "longtake_profile_fn": c.PROFILE_FN,
}


def in_prototype(kind):
    """A result, or a parameter with its name: ctypes has no const."""
    return IN_PROTOTYPES[
        re.sub(r"^const |(?<=[ *])\w+$", "", kind).strip() if " " in kind else kind
    ]


def test_every_declaration_is_read():
    assert len(DECLARED) == len(re.findall(r"^LONGTAKE_API ", HEADER, flags=re.M)) > 50


def test_every_function_is_here():
    assert set(c.FUNCTIONS) == set(DECLARED) - set(LEFT_OUT)
    assert set(LEFT_OUT) <= set(DECLARED), "left out, though longtake.h has it no more"


@pytest.mark.parametrize("name", sorted(c.FUNCTIONS))
def test_prototype(name):
    result, arguments = DECLARED[name]
    listed = [] if arguments == "void" else re.split(r",\s+", arguments)
    assert c.FUNCTIONS[name] == (in_prototype(result), [in_prototype(one) for one in listed])


def test_event_kinds():
    from longtake._hearing import EVENT_KINDS

    kinds = re.findall(
        r"LONGTAKE_EVENT_(\w+)",
        re.search(r"typedef enum \{([^}]*)\} longtake_event_kind", HEADER).group(1),
    )
    assert [kind.lower() for kind in kinds] == list(EVENT_KINDS)


def test_status_values():
    body = re.search(r"typedef enum \{([^}]*)\} longtake_status", HEADER).group(1)
    values = {
        name.replace("ERR_", ""): int(value)
        for name, value in re.findall(r"LONGTAKE_(\w+) = (\d+)", body)
    }
    assert values == {status.name: status.value for status in longtake.Status}


def test_version_of_the_header():
    assert c.VERSION == re.search(r'#define LONGTAKE_VERSION "(.*)"', HEADER).group(1)


@pytest.mark.parametrize("expected", ["0.1.0", "0.110.0", "1.11.0"])
def test_another_library_is_refused(monkeypatch, expected):
    monkeypatch.setattr(c, "VERSION", expected)
    wanted = (
        f"{library_path}: found version {longtake.version()}, expected version {expected[:-1]}x"
    )
    with pytest.raises(ImportError, match=f"^{re.escape(wanted)}$"):
        c._load()


def test_another_patch_is_taken(monkeypatch):
    monkeypatch.setattr(c, "VERSION", c.VERSION.rpartition(".")[0] + ".999")
    assert c._load()[1] == library_path


def test_what_is_no_library_of_ours_is_refused(monkeypatch):
    monkeypatch.setenv("LONGTAKE_LIBRARY", ctypes.util.find_library("c"))
    with pytest.raises(ImportError, match=r"found no longtake_version\(\), expected version"):
        c._load()
