"""What a request would do."""

import pytest

import longtake
from tiny import MODEL


def test_plan(engine):
    plan = engine.plan("a red ball", frames=48)
    assert (plan["windows"], plan["segments"], engine.fps) == (5, 3, 8)
    assert engine.plan("a red ball", frames=48, fps=24)["seconds"] == 2


def test_plan_table(engine):
    shots = [longtake.Shot(0, "a red ball"), longtake.Shot(2.5, "a blue ball")]
    lines, plan = (
        engine.plan_table(shots=shots, frames=48).splitlines(),
        engine.plan(shots=shots, frames=48),
    )
    assert (
        lines[0]
        == f"48 frames, 6.00 s, seed 42, 5 windows, 3 segments, {plan['tokens']} tokens, {plan['steps']} steps"
    )
    windows = [
        line.split(maxsplit=5)
        for line in lines
        if line[:6].strip().isdigit() and len(line.split()) > 5 and "frames" not in line
    ]
    assert [(w[0], w[1], w[5]) for w in windows] == [
        ("0", "0-16", "a red ball"),
        ("1", "17-24", "a red ball"),
        ("2", "25-32", "a blue ball"),
        ("3", "33-40", "a blue ball"),
        ("4", "41-47", "a blue ball"),
    ]
    told = engine.plan_table(shots=shots, command="tokens", frames=48)
    assert (
        "0  0.00     a red ball" in told
        and "1  2.50     a blue ball" in told
        and "window " not in told
    )
    with pytest.raises(longtake.LongtakeError) as caught:
        engine.plan_table("a red ball", command="decode")
    assert caught.value.code == longtake.Status.USAGE


def test_windows_between(engine):
    assert [
        engine.windows_between(*span, frames=48)
        for span in ((3.5, 4), (0, 6), (2.5, 4.5), (0, 0.5))
    ] == [(2, 2), (0, 4), (1, 3), (0, 0)]
    with pytest.raises(longtake.LongtakeError, match="9 s to 12 s") as caught:
        engine.windows_between(9, 12, frames=48)
    assert caught.value.code == longtake.Status.USAGE


def test_windows_of_a_take_that_goes_on(engine, tmp_path):
    """Windows are those of the whole take, the clip's frames in front."""
    ball = tmp_path / "ball.mp4"
    engine.generate("a red ball", frames=25, steps=1, output=ball)
    said = dict(command="continue", input=ball, frames=24)
    windows = engine.plan("a cube", **said)["plan"]
    for window in windows:
        begin, end = window["first_frame"], window["first_frame"] + window["frames"]
        span = engine.windows_between(begin / 8, end / 8, "a cube", **said)
        assert span == (window["window"], window["window"])
    with pytest.raises(longtake.LongtakeError, match="none is new"):
        engine.windows_between(0, 1, "a cube", **said)
    last = len(windows) - 1
    plan = engine.plan("a cube", retakes=[longtake.Retake(last, last, 5)], **said)
    assert plan["settings"]["retakes"][0]["first"] == last
    with pytest.raises(longtake.LongtakeError, match=f"the take has {last + 1}"):
        engine.plan("a cube", retakes=[longtake.Retake(last + 1, last + 1, 5)], **said)
    with pytest.raises(longtake.LongtakeError, match="tokens has no windows"):
        engine.windows_between(0, 1, "a cube", command="tokens", frames=24)


def test_speeds_are_remembered(tmp_path):
    request = {"frames": 5, "steps": 1}
    with longtake.Engine(MODEL, cache_dir=tmp_path) as engine:
        assert engine.plan("a red ball", **request)["time_seconds"] is None
        engine.generate("a red ball", on_frame=lambda index, frame: None, **request)
        assert engine.plan("a red ball", **request)["time_seconds"] > 0
