"""What a request may say, and what is refused."""

import inspect
import math
import re
import typing
import warnings

import numpy as np
import pytest

import longtake
from longtake import _library
from longtake._call import Call
from tiny import MODEL, TREE

KEYWORDS = {*longtake.PromptRequest.__annotations__, "prompt", "input", "on_frame"}


def test_errors_carry_code_and_place(engine, tmp_path):
    with pytest.raises(longtake.LongtakeError) as caught:
        engine.generate("a red ball", frames=9, top_k=3, top_p=0.5, output=tmp_path / "a.mp4")
    assert (caught.value.code, caught.value.place) == (longtake.Status.USAGE, "--top-k and --top-p")
    film = tmp_path / "film.yaml"
    film.write_text("shots:\n  - {prompt: a, motoin: 1}\n")
    with pytest.raises(longtake.LongtakeError) as caught:
        engine.run_film(film)
    assert caught.value.code == longtake.Status.INPUT
    assert caught.value.place == f"{film}:2:17" and "motion" in caught.value.hint
    with pytest.raises(longtake.LongtakeError) as caught:
        longtake.Engine("no such model")
    assert caught.value.code == longtake.Status.INPUT


def test_numbers_and_texts_that_c_would_change(engine, tmp_path):
    for place, request in (
        ("--seconds", dict(seconds=-5)),
        ("--seconds", dict(seconds=10**400)),
        ("--seed", dict(seed=-2)),
        ("--seed", dict(seed=2**64 + 7)),
        ("--top-k", dict(top_k=2**32 + 5)),
        ("--max-seam", dict(max_seam=-1)),
        ("--from", dict(from_seconds=-1.5)),
        ("--windows", dict(windows=(0, 2**64))),
        ("shots[0].motion", dict(shots=[longtake.Shot(0, "a", motion=-0.5)])),
        ("shots[1].seed", dict(shots=[(0, "a"), longtake.Shot(1, "a", seed=2**64 + 5)])),
        ("shots[1].at", dict(shots=[(0, "a"), (1e300, "b")])),
        ("shots[1].at", dict(shots=[(0, "a"), (math.nan, "b")])),
        ("retakes[0].seed", dict(retakes=[longtake.Retake(0, 0, 2**64 + 3)])),
        ("retakes[0].last", dict(retakes=[longtake.Retake(0, 2**64, 3)])),
        (
            "retakes[1].first",
            dict(retakes=[longtake.Retake(0, 0, 3), longtake.Retake(2**64, 0, 3)]),
        ),
    ):
        with pytest.raises(longtake.LongtakeError) as caught:
            engine.plan(None if "shots" in request else "a red ball", **request)
        assert (caught.value.code, caught.value.place) == (longtake.Status.USAGE, place)
    assert engine.plan("a red ball", seed=np.int64(7))["settings"]["seed"] == 7
    retaken = engine.plan(
        "a red ball", retakes=[longtake.Retake(np.int64(0), np.int32(0), np.uint8(7))]
    )["settings"]["retakes"]
    assert [(t["first"], t["last"], t["seed"]) for t in retaken] == [(0, 0, 7)]
    tokens = engine.make_tokens("a red ball", frames=37)
    for place, use in (
        ("first", lambda: tokens.cut(2**64, 1)),
        ("count", lambda: tokens.cut(0, 2**64 + 1, engine)),
        ("--candidates", lambda: engine.candidates("a red ball", 2**32 + 1, frames=9)),
        ("--threads", lambda: longtake.Engine(MODEL, threads=2**32 + 1)),
        ("--max-memory", lambda: longtake.Engine(MODEL, max_memory=2**64 + 5)),
    ):
        with pytest.raises(longtake.LongtakeError) as caught:
            use()
        assert (caught.value.code, caught.value.place) == (longtake.Status.USAGE, place)
    for codes in (
        [70000] * 14,
        np.full(14, -1),
        np.full(14, 0.5),
        [math.nan] * 14,
        [2**64] * 14,
        "abc",
        [1j] * 14,
    ):
        with warnings.catch_warnings(), pytest.raises(longtake.LongtakeError, match="codes: "):
            warnings.simplefilter("error")
            longtake.Tokens.of(engine, codes)
    for add in (lambda: tokens + 1, lambda: 1 + tokens):
        with pytest.raises(TypeError, match="unsupported operand"):
            add()
    with pytest.raises(longtake.LongtakeError, match="a zero byte"):
        engine.plan("a red\0 ball")
    with pytest.raises(longtake.LongtakeError, match="a zero byte"):
        longtake.info("a\0b")


@pytest.mark.parametrize(
    "place, request_of_it, expected",
    (
        ("--seconds", dict(seconds="3"), "found '3', expected a number"),
        ("--frames", dict(frames=25.5), "found 25.5, expected a whole number"),
        ("--lm-cfg", dict(lm_cfg=[1]), "found [1], expected a number"),
        ("--fit", dict(fit=3), "found 3, expected cover, pad, crop, stretch"),
        ("--speed", dict(speed=3), "found 3, expected a text"),
        ("--format", dict(format=b"mp4"), "found b'mp4', expected a text"),
        ("--output", dict(output=3), "found 3, expected a path"),
        ("--from", dict(from_seconds="1"), "found '1', expected a number"),
        ("--windows", dict(windows=3), "found 3, expected the first and the last"),
        ("--windows", dict(windows=(0, "1")), "found '1', expected a whole number"),
        ("tokens", dict(tokens="a.lt"), "found 'a.lt', expected Tokens"),
        ("retakes[0]", dict(retakes=[3]), "found 3, expected a Retake"),
        ("shots[0].at", dict(shots=[("0", "a")]), "found '0', expected a number"),
        ("shots[0].prompt", dict(shots=[(0, None)]), "found None, expected a text"),
        ("shots[0].plan", dict(shots=[longtake.Shot(0, "a", plan=3)]), "found 3, expected a path"),
        ("progress", dict(progress="bar"), "found 'bar', expected True or a function of Event"),
    ),
)
def test_values_of_another_type(engine, place, request_of_it, expected):
    with pytest.raises(longtake.LongtakeError) as caught:
        engine.plan(None if "shots" in request_of_it else "a red ball", **request_of_it)
    assert (caught.value.code, str(caught.value)) == (longtake.Status.USAGE, f"{place}: {expected}")


def test_arguments_of_another_type(engine):
    for place, use in (
        ("--prompt", lambda: engine.plan(3)),
        ("on_frame", lambda: engine.generate("a", on_frame=3)),
        ("begin", lambda: engine.windows_between("0", 1)),
        ("--threads", lambda: longtake.Engine(MODEL, threads="2")),
        ("--model", lambda: longtake.Engine(3)),
    ):
        with pytest.raises(longtake.LongtakeError, match=f"^{place}: found") as caught:
            use()
        assert caught.value.code == longtake.Status.USAGE


def test_keywords_are_all_there():
    """Those with types, those that are read, those of the settings, and what a signature shows."""
    read = {
        name: parameter
        for name, parameter in inspect.signature(Call).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD and not name.startswith("_")
    }
    settings = [name for name, _kind in _library.Settings._fields_]
    assert set(longtake.Settings.__annotations__) == set(settings)
    assert KEYWORDS == {*read, *settings}
    shown = inspect.signature(longtake.Engine.generate).parameters
    assert set(shown) == KEYWORDS - {"input"} | {"self"}
    assert all(shown[name].default == read[name].default for name in read if name in shown)
    for name in ("frames", "plan", "batch", "score", "encode"):
        shown = inspect.signature(getattr(longtake.Engine, name)).parameters
        assert "fit" in shown and "request" not in shown
        assert ("on_frame" in shown, "output" in shown) == {
            "frames": (False, True),
            "batch": (True, False),
            "score": (False, False),
        }.get(name, (False, True))
    hints = typing.get_type_hints(longtake.PromptRequest)
    assert hints["seconds"] == typing.Optional[float] and set(hints) < KEYWORDS
    assert "request" in typing.get_type_hints(longtake.Engine.generate)


def public_callables():
    """Classes and functions of the package, and methods and properties of the classes."""
    for name in longtake.__all__:
        found = getattr(longtake, name)
        yield name, found
        for attribute, member in vars(found).items() if inspect.isclass(found) else ():
            method = getattr(member, "__func__", getattr(member, "fget", member))
            if inspect.isfunction(method) and (attribute[0] != "_" or attribute[:2] == "__"):
                yield f"{name}.{attribute}", method


def test_types_are_found():
    seen = dict(public_callables())
    assert {"info", "Engine.generate", "Engine.fps", "Tokens.read", "Shot.__init__"} <= set(seen)
    wrong = []
    for name, found in seen.items():
        try:
            typing.get_type_hints(found)
        except NameError as cause:
            wrong.append(f"{name}: {cause}")
    assert not wrong
    assert typing.get_type_hints(longtake.Tokens.cut)["engine"] == typing.Optional[longtake.Engine]


def test_keywords_are_told():
    readme = (TREE / "python" / "README.md").read_text(encoding="utf-8")
    table = readme.split("## What a request takes")[1].split("\n## ")[0]
    cells = "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert sorted(re.findall(r"`(\w+)`", cells)) == sorted(KEYWORDS)
    told = set(re.findall(r"\w+", longtake.Engine.generate.__doc__))
    assert KEYWORDS - told <= {"prompt", "input"}


def test_a_keyword_that_the_method_sets(engine):
    for call, name in (
        (lambda: engine.candidates("a red ball", 1, preview="x.png"), "preview"),
        (lambda: engine.score("x.lt", output="x"), "output"),
    ):
        with pytest.raises(TypeError, match=f"no keyword '{name}'"):
            call()


def test_a_keyword_that_is_none(engine):
    for wrong, nearest in (
        ("second", "seconds"),
        ("no_metadata", "metadata"),
        ("retake", "retakes"),
        ("_", None),
        ("ahead", None),
        ("container_fps", None),
    ):
        with pytest.raises(TypeError) as caught:
            engine.generate("a red ball", **{wrong: 3})
        message = str(caught.value)
        assert message.startswith(f"longtake has no keyword {wrong!r}")
        assert (f"the nearest is {nearest!r}" in message) == (nearest is not None)
        assert message.endswith(f"it has {', '.join(sorted(KEYWORDS))}")
