"""A prompt becomes a video."""

import numpy as np
import pytest

import longtake
from tiny import MODEL, SHORT, TREE


def test_generate_writes_a_file(engine, tmp_path):
    seen = []
    report = engine.generate(
        "a red ball", output=tmp_path / "ball.mp4", seed=7, progress=seen.append, **SHORT
    )
    assert (report.frames, report.seed) == (25, 7)
    assert report.about["settings"]["shots"][0]["prompt"] == "a red ball"
    about = longtake.info(tmp_path / "ball.mp4")
    assert about["kind"] == "video" and about["about"]["settings"]["seed"] == 7
    kinds = [event.kind for event in seen]
    assert kinds[0] == "start" and kinds[-1] == "done" and kinds.count("window_done") == 2


def test_what_nobody_gets_is_not_made(engine, tmp_path):
    tokens = engine.make_tokens("a red ball", frames=25)
    engine.refine(tokens, "a red ball", steps=2, output=tmp_path / "a.latents")
    engine.generate("a red ball", output=tmp_path / "a.mp4", **SHORT)
    told = []
    for use in (
        lambda: engine.generate("a red ball", progress=told.append, **SHORT),
        lambda: engine.render(tokens, "a red ball", progress=told.append),
        lambda: engine.decode(tmp_path / "a.latents", progress=told.append),
        lambda: engine.continue_from(tmp_path / "a.mp4", "a cube", progress=told.append),
    ):
        with pytest.raises(longtake.LongtakeError, match="nothing that takes frames") as caught:
            use()
        assert (caught.value.code, caught.value.place) == (longtake.Status.USAGE, "--output")
    assert told == []
    seen = []
    engine.decode(tmp_path / "a.latents", on_frame=lambda index, _frame: seen.append(index))
    assert seen == list(range(25))


def test_windows_alone(engine, tmp_path):
    request = dict(prompt="a red ball", frames=48, steps=2, job=tmp_path / "job")
    for windows in ((3, 4), (0, 2)):
        engine.generate(windows=windows, **request)
    report = engine.generate(output=tmp_path / "together.mp4", **request)
    assert report.about["stages"]["refine"]["computed"] == 0
    assert np.array_equal(engine.video("a red ball", frames=48, steps=2), engine.video(**request))
    for windows in ((0, 5), (2, 1), (-1, 2)):
        with pytest.raises(longtake.LongtakeError) as caught:
            engine.generate(windows=windows, **request)
        assert caught.value.code == longtake.Status.USAGE


def test_readme_example(engine, tmp_path, monkeypatch):
    text = (TREE / "python" / "README.md").read_text(encoding="utf-8")
    example = text.split("```python\n")[1].split("```")[0]
    example = example.replace("longtake.Engine()", f"longtake.Engine({MODEL!r})").replace(
        "seconds=6", "seconds=1"
    )
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    assert (tmp_path / "ball.mp4").exists()
