"""What the stages give each other: features, latents, videos that are read."""

import numpy as np
import pytest

import longtake
from tiny import SHORT


def test_stages_compose(engine, tmp_path):
    engine.generate("a red ball", output=tmp_path / "whole.y4m", **SHORT)
    tokens = engine.make_tokens("a red ball", frames=25)
    engine.render(tokens, "a red ball", steps=2, output=tmp_path / "rendered.y4m")
    latents = engine.refine(tokens, "a red ball", steps=2, output=tmp_path / "take.latents")
    assert (
        latents.dtype == np.float32
        and latents.shape == (7, 4, 8, 12)
        and np.isfinite(latents).all()
    )
    engine.decode(tmp_path / "take.latents", output=tmp_path / "decoded.y4m")
    whole = (tmp_path / "whole.y4m").read_bytes()
    assert (tmp_path / "rendered.y4m").read_bytes() == whole
    assert (tmp_path / "decoded.y4m").read_bytes() == whole


def test_what_is_read_again_is_a_file(engine, tmp_path):
    tokens = engine.make_tokens("a red ball", frames=9, format="npy")
    assert np.array_equal(tokens.codes, engine.make_tokens("a red ball", frames=9).codes)
    kept = tmp_path / "kept.npy"
    engine.make_tokens("a red ball", frames=9, format="npy", output=kept)
    assert np.array_equal(longtake.Tokens.read(engine, kept).codes, tokens.codes)
    for make in (
        lambda: engine.make_tokens("a red ball", frames=9, output="-"),
        lambda: engine.encode(tmp_path / "none.mp4", output="-"),
        lambda: engine.refine(tokens, "a red ball", steps=1, output="-"),
    ):
        with pytest.raises(longtake.LongtakeError, match="--output: found '-', expected a file"):
            make()
    with pytest.raises(longtake.LongtakeError, match="--output: found an empty name"):
        engine.make_tokens("a red ball", frames=9, output="")


def test_windows_alone_stay_in_the_job(engine, tmp_path):
    tokens = engine.make_tokens("a red ball", frames=25)
    request = dict(prompt="a red ball", steps=1, job=tmp_path / "job")
    assert engine.refine(tokens, windows=(0, 0), **request).shape == (0, 0, 0, 0)
    assert [p.name for p in (tmp_path / "job").glob("latents.000.*")]
    whole = engine.refine(tokens, **request)
    assert np.array_equal(whole, engine.refine(tokens, "a red ball", steps=1))


def test_moments_in_frames(engine, tmp_path):
    engine.generate("a red ball", output=tmp_path / "fast.mp4", fps=16, **SHORT)
    assert engine.clip_fps(tmp_path / "fast.mp4") == 16
    report = engine.continue_from(
        tmp_path / "fast.mp4",
        "a blue ball",
        from_seconds=17 / engine.clip_fps(tmp_path / "fast.mp4"),
        frames=4,
        steps=1,
        output=tmp_path / "on.mp4",
    )
    assert report.about["reference"]["frames"] == 17
    with pytest.raises(longtake.LongtakeError) as caught:
        engine.clip_fps("-")
    assert caught.value.code == longtake.Status.USAGE


def test_video_to_start_with(engine, tmp_path):
    engine.generate("a red ball", output=tmp_path / "ball.mp4", **SHORT)
    assert len(engine.encode(tmp_path / "ball.mp4", codes="scene")) == 14 + 8
    with pytest.raises(longtake.LongtakeError, match="no codes for pictures"):
        engine.encode(tmp_path / "ball.mp4", codes="picture")
    report = engine.continue_from(
        tmp_path / "ball.mp4", "a blue ball", frames=9, steps=2, output=tmp_path / "longer.mp4"
    )
    assert report.frames == 25 + 9
    assert report.about["reference"]["frames"] == 25


def test_features(engine, tmp_path):
    tokens = engine.make_tokens("a red ball", frames=37)
    features = engine.features(tokens)
    assert features.dtype == np.float32 and features.ndim == 4 and np.isfinite(features).all()
    first, rest = tokens.cut(0, 5), tokens.cut(5, features.shape[0] - 5)
    assert np.array_equal(np.concatenate([engine.features(first), engine.features(rest)]), features)
    engine.generate("a red ball", output=tmp_path / "ball.mp4", **SHORT)
    seen = engine.features(tmp_path / "ball.mp4")
    assert seen.shape == (7, *features.shape[1:]) and np.isfinite(seen).all()
    # of the model's own size
    assert np.array_equal(seen, engine.features(tmp_path / "ball.mp4", fit="stretch"))
    with pytest.raises(longtake.LongtakeError) as caught:
        engine.features(tmp_path / "none.mp4")
    assert caught.value.code == longtake.Status.INPUT


def test_latents_that_are_none(tmp_path):
    (tmp_path / "a.latents").write_bytes(b"\xff" * 100)
    (tmp_path / "b.latents").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    for name in ("a.latents", "b.latents", "none.latents"):
        with pytest.raises(longtake.LongtakeError) as caught:
            longtake.read_latents(tmp_path / name)
        assert caught.value.code == longtake.Status.INPUT and caught.value.place == str(
            tmp_path / name
        )
