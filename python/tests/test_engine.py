"""An engine itself: its configuration, its end, its golden files and its profile."""

import json

import pytest

import longtake
from tiny import MODEL, TREE


def test_config_text():
    with longtake.Engine(MODEL, set=["pipeline.overlap=1"]) as engine:
        lines = dict(line.split(": ", 1) for line in engine.config_text().splitlines())
    assert lines["pipeline.overlap"].split() == ["1", "#", "--set"]
    assert lines["pipeline.fps"].startswith("8 ") and "config.yaml:" in lines["pipeline.fps"]


def test_what_is_closed_says_so(tmp_path):
    engine = longtake.Engine(MODEL)
    tokens = engine.make_tokens("a red ball", frames=9)
    frames = engine.frames("a red ball", seconds=60, steps=2)
    next(frames)
    engine.close()  # stops the take
    with pytest.raises(longtake.LongtakeError) as caught:
        list(frames)
    assert caught.value.code == longtake.Status.CANCELLED
    assert len(tokens) > 0
    tokens.close()
    for use in (
        lambda: engine.fps,
        lambda: engine.generate("a red ball", frames=9, output=tmp_path / "a.mp4"),
        lambda: longtake.Tokens.read(engine, tmp_path / "a.lt"),
        lambda: len(tokens),
        lambda: tokens.codes,
        lambda: tokens + tokens,
        lambda: tokens.write(tmp_path / "a.lt"),
        engine.config_text,
        engine.write_preview_map,
        engine.profile,
        lambda: engine.check("a"),
        lambda: engine.plan_table("a"),
        lambda: engine.windows_between(0, 1),
    ):
        with pytest.raises(longtake.LongtakeError, match="is closed"):
            use()
    engine.close()
    tokens.close()


def test_check(tmp_path):
    golden = TREE / "tests" / "golden" / "tokenizer.quantize.ties.safetensors"
    engine = longtake.Engine(MODEL, precision="f32")  # bf16, of some processors, has wider bounds
    codes, tokens = engine.check(golden)
    assert (codes.file, codes.component, codes.output) == (
        str(golden),
        "tokenizer.quantize",
        "out.codes",
    )
    assert codes.ok and 0 <= codes.rel_l2 < codes.bound < 1e-5 and not codes.exact
    assert (tokens.output, tokens.ok, tokens.rel_l2, tokens.exact) == ("out.tokens", True, 0, True)
    data = bytearray(golden.read_bytes())
    size = int.from_bytes(data[:8], "little")
    begin, _end = json.loads(data[8 : 8 + size])["out.tokens"]["data_offsets"]
    data[8 + size + begin] ^= 1
    (tmp_path / "bad.safetensors").write_bytes(data)
    assert [
        (line.output, line.ok, line.rel_l2) for line in engine.check(tmp_path / "bad.safetensors")
    ][1] == ("out.tokens", False, 1)
    with pytest.raises(longtake.LongtakeError) as caught:
        engine.check(tmp_path / "none.safetensors")
    assert caught.value.code == longtake.Status.INPUT
    engine.close()


def test_profile(engine):
    with longtake.Engine(MODEL, profile=True) as counts:
        report = counts.generate(
            "a red ball", frames=9, steps=2, on_frame=lambda _index, _frame: None
        )
        lines = counts.profile()
    reported = {
        (line["stage"], line["operation"]): (line["calls"], line["flop"], line["bytes"])
        for line in report.about["profile"]
    }
    found = {
        (line.stage, line.operation): (line.calls, line.flop, line.bytes)
        for line in lines
        if line.stage != "other"
    }
    assert found == {key: value for key, value in reported.items() if key[0] != "other"}
    refine = next(line for line in lines if (line.stage, line.operation) == ("refine", "all"))
    assert refine.calls > 0 and refine.flop > 1e6 and 0 < refine.least_seconds < refine.seconds < 60
    with pytest.raises(longtake.LongtakeError, match="without one") as caught:
        engine.profile()
    assert caught.value.code == longtake.Status.USAGE


def test_one_where_a_list_is_wanted():
    for name, one in (("set", "ar_model.steps=1"), ("search", "configs"), ("set", 3)):
        with pytest.raises(
            longtake.LongtakeError, match=f"found {one!r}, expected a list"
        ) as caught:
            longtake.Engine("mini", **{name: one})
        assert caught.value.code == longtake.Status.USAGE
