"""The binding on the tiny model: 96x64 pixels, 8 frames a second, windows of 17 frames, segments of 5 semantic frames."""
import ctypes
import os
import sys
import threading

import numpy as np
import pytest

import longtake
from longtake import _library

SHORT = dict(frames=25, steps=2)


def test_generate_writes_a_file(engine, tmp_path):
    seen = []
    report = engine.generate("a red ball", output=tmp_path / "ball.mp4", seed=7, progress=seen.append, **SHORT)
    assert (report.frames, report.seed) == (25, 7)
    assert report.about["settings"]["shots"][0]["prompt"] == "a red ball"
    about = longtake.info(tmp_path / "ball.mp4")
    assert about["kind"] == "video" and about["about"]["settings"]["seed"] == 7
    kinds = [event.kind for event in seen]
    assert kinds[0] == "start" and kinds[-1] == "done" and kinds.count("window_done") == 2


def test_frames_as_they_come(engine):
    frames = list(engine.frames("a red ball", ahead=2, **SHORT))
    assert len(frames) == 25
    assert all(frame.shape == (64, 96, 3) and frame.dtype == np.uint8 for frame in frames)
    assert np.array_equal(engine.video("a red ball", **SHORT), np.stack(frames))
    assert not np.array_equal(engine.video("a red ball", seed=8, **SHORT), np.stack(frames))


def test_progress_without_tqdm_is_a_line(engine, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    engine.generate("a red ball", output=tmp_path / "line.mp4", progress=True, **SHORT)
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and line.endswith("\n") and "\rrefine" in line


def test_closing_the_iterator_stops(engine):
    frames = engine.frames("a red ball", seconds=60, steps=2)
    next(frames)
    with pytest.raises(longtake.LongtakeError, match="between two frames") as caught:
        engine.plan("a red ball")
    assert caught.value.code == longtake.Status.USAGE
    with pytest.raises(longtake.LongtakeError, match="between two frames"):
        next(engine.frames("a blue ball", frames=1))
    frames.close()
    assert len(engine.video("a ball", frames=1, steps=1)) == 1


def test_tokens(engine, tmp_path):
    tokens = engine.make_tokens("a red ball", frames=37)
    assert tokens.codes.dtype == np.uint16 and len(tokens) == len(tokens.codes) > 28
    assert repr(tokens) == f"Tokens({len(tokens)} codes)"
    tokens.write(tmp_path / "a.lt")
    again = longtake.Tokens.read(engine, tmp_path / "a.lt")
    assert np.array_equal(again.codes, tokens.codes)
    first, second = tokens.cut(0, 5), tokens.cut(5, 5)
    assert np.array_equal(np.concatenate([first.codes, second.codes]), (first + second).codes)
    assert np.array_equal((first + second).codes, tokens.codes[:28])
    tokens.codes[3] = 1
    tokens.write(tmp_path / "b.lt")
    assert longtake.Tokens.read(engine, tmp_path / "b.lt").codes[3] == 1
    assert np.array_equal(longtake.Tokens.of(engine, tokens.codes[:14]).codes, tokens.codes[:14])
    with pytest.raises(longtake.LongtakeError) as caught:
        tokens.cut(1, 3)
    assert caught.value.code == longtake.Status.USAGE
    assert np.array_equal(tokens.cut(5, 3, engine).codes, tokens.cut(5, 3).codes)
    assert len(tokens.cut(1, 3, engine)) == len(tokens.cut(0, 3))
    assert tokens.cut(0, 3).semantic_frames == 3


def test_features(engine, tmp_path):
    tokens = engine.make_tokens("a red ball", frames=37)
    features = engine.features(tokens)
    assert features.dtype == np.float32 and features.ndim == 4 and np.isfinite(features).all()
    first, rest = tokens.cut(0, 5), tokens.cut(5, features.shape[0] - 5)
    assert np.array_equal(np.concatenate([engine.features(first), engine.features(rest)]), features)
    engine.generate("a red ball", output=tmp_path / "ball.mp4", **SHORT)
    seen = engine.features(tmp_path / "ball.mp4")
    assert seen.shape == (7, *features.shape[1:]) and np.isfinite(seen).all()
    assert np.array_equal(seen, engine.features(tmp_path / "ball.mp4", fit="stretch"))  # of the model's own size
    with pytest.raises(longtake.LongtakeError) as caught:
        engine.features(tmp_path / "none.mp4")
    assert caught.value.code == longtake.Status.INPUT


def test_candidates(engine, tmp_path):
    plans = engine.candidates("a red ball", 3, sheet=tmp_path / "sheet.png", seed=7, frames=37)
    assert list(plans) == [7, 8, 9]
    assert np.array_equal(plans[8].codes, engine.make_tokens("a red ball", seed=8, frames=37).codes)
    assert longtake.info(tmp_path / "sheet.png")["kind"] == "video"  # a picture is one of one frame
    with pytest.raises(longtake.LongtakeError, match="1 to 16"):
        engine.candidates("a red ball", 17, frames=37)


def test_batch(engine, tmp_path):
    (tmp_path / "prompts.txt").write_text('a red ball\n{"prompt": "a"\n{"prompt": "a cube", "output": "cube.mp4"}\n')
    lines = engine.batch(tmp_path / "prompts.txt", tmp_path, frames=9, steps=2)
    assert [line.line for line in lines] == [1, 2, 3]
    assert lines[0].report.frames == 9 and lines[0].output == str(tmp_path / "0001.mp4")
    assert lines[1].report is None and lines[1].error.code == longtake.Status.INPUT
    assert (tmp_path / "cube.mp4").exists()
    with pytest.raises(longtake.LongtakeError):
        engine.batch(tmp_path / "none.txt", tmp_path, frames=9)


def test_stages_compose(engine, tmp_path):
    engine.generate("a red ball", output=tmp_path / "whole.y4m", **SHORT)
    tokens = engine.make_tokens("a red ball", frames=25)
    engine.render(tokens, "a red ball", steps=2, output=tmp_path / "rendered.y4m")
    latents = engine.refine(tokens, "a red ball", steps=2, output=tmp_path / "take.latents")
    assert latents.dtype == np.float32 and latents.shape == (7, 4, 8, 12) and np.isfinite(latents).all()
    engine.decode(tmp_path / "take.latents", output=tmp_path / "decoded.y4m")
    whole = (tmp_path / "whole.y4m").read_bytes()
    assert (tmp_path / "rendered.y4m").read_bytes() == whole
    assert (tmp_path / "decoded.y4m").read_bytes() == whole


def test_video_to_start_with(engine, tmp_path):
    engine.generate("a red ball", output=tmp_path / "ball.mp4", **SHORT)
    assert len(engine.encode(tmp_path / "ball.mp4", codes="scene")) == 14 + 8
    with pytest.raises(longtake.LongtakeError, match="no codes for pictures"):
        engine.encode(tmp_path / "ball.mp4", codes="picture")
    report = engine.continue_from(tmp_path / "ball.mp4", "a blue ball", frames=9, steps=2, output=tmp_path / "longer.mp4")
    assert report.frames == 25 + 9
    assert report.about["reference"]["frames"] == 25


def test_prompts_over_time(engine, tmp_path):
    shots = [longtake.Shot(0, "a red ball"), longtake.Shot(2.5, "a blue ball", seed=3)]
    whole = engine.video("a red ball", frames=48, steps=2)
    changed = engine.video(shots=shots, frames=48, steps=2)
    assert np.array_equal(whole[:17], changed[:17]) and not np.array_equal(whole[25:], changed[25:])
    film = tmp_path / "film.yaml"
    film.write_text("take: {frames: 48, steps: 2}\nshots:\n  - {prompt: a red ball}\n"
                    "  - {at: 2.5s, prompt: a blue ball, seed: 3}\n")
    seen = []
    engine.run_film(film, on_frame=lambda _index, frame: seen.append(frame))
    assert np.array_equal(np.stack(seen), changed)
    retaken = engine.video("a red ball", frames=48, steps=2, retakes=[longtake.Retake(2, 2, 5)])
    assert np.array_equal(whole[:25], retaken[:25]) and not np.array_equal(whole[25:33], retaken[25:33])


def test_events_of_a_shot():
    told = [longtake.Shot(0, "a red ball, then it turns blue"), longtake.Shot(4, "a cube, then a star appears", as_one_text=True)]
    with longtake.Engine(os.environ["MODEL"], set=["pipeline.events=spread"]) as spreads:
        shots = spreads.plan(shots=told, frames=64)["settings"]["shots"]
    assert [(s["at_frame"], s["prompt"]) for s in shots] == [(0, "a red ball"), (16, told[0].prompt), (32, told[1].prompt)]


def test_a_plan_of_a_file(engine, tmp_path):
    engine.make_tokens("a blue ball", frames=48).write(tmp_path / "blue.lt")
    shots = [longtake.Shot(0, "a red ball"), longtake.Shot(2.5, "a blue ball", plan=tmp_path / "blue.lt", plan_from=2.5)]
    report = engine.generate(shots=shots, frames=48, steps=1, output=tmp_path / "take.mp4")
    assert np.array_equal(report.about["tokens"][14:], longtake.Tokens.read(engine, tmp_path / "blue.lt").codes[14:])


def test_plan(engine):
    plan = engine.plan("a red ball", frames=48)
    assert (plan["windows"], plan["segments"], engine.fps) == (5, 3, 8)
    assert engine.plan("a red ball", frames=48, fps=24)["seconds"] == 2


def test_errors_carry_code_and_place(engine, tmp_path):
    with pytest.raises(longtake.LongtakeError) as caught:
        engine.generate("a red ball", frames=9, top_k=3, top_p=0.5)
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
    with pytest.raises(TypeError):
        engine.generate("a red ball", secnods=3)


def test_closing_stops_a_batch(tmp_path):
    (tmp_path / "prompts.txt").write_text("a red ball\n" * 200)
    engine = longtake.Engine(os.environ["MODEL"])
    begun = threading.Event()
    failures = []

    def work():
        try:
            engine.batch(tmp_path / "prompts.txt", tmp_path, seconds=30, progress=lambda _event: begun.set())
        except longtake.LongtakeError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(60)
    engine.close()
    thread.join()
    assert [error.code for error in failures] == [longtake.Status.CANCELLED]


def test_what_is_closed_says_so(tmp_path):
    engine = longtake.Engine(os.environ["MODEL"])
    tokens = engine.make_tokens("a red ball", frames=9)
    frames = engine.frames("a red ball", seconds=60, steps=2)
    next(frames)
    engine.close()  # stops the take
    with pytest.raises(longtake.LongtakeError) as caught:
        list(frames)
    assert caught.value.code == longtake.Status.CANCELLED
    assert len(tokens) > 0
    tokens.close()
    for use in (lambda: engine.fps, lambda: engine.generate("a red ball", frames=9, output=tmp_path / "a.mp4"),
                lambda: longtake.Tokens.read(engine, tmp_path / "a.lt"), lambda: len(tokens), lambda: tokens.codes,
                lambda: tokens + tokens, lambda: tokens.write(tmp_path / "a.lt")):
        with pytest.raises(longtake.LongtakeError, match="is closed"):
            use()
    engine.close()
    tokens.close()


def test_an_engine_within_its_own_callback(engine, tmp_path):
    with pytest.raises(longtake.LongtakeError, match="within a callback"):
        engine.generate("a red ball", progress=lambda _event: engine.plan("a red ball"), output=tmp_path / "a.mp4", **SHORT)
    with pytest.raises(longtake.LongtakeError, match="within a callback"):
        engine.generate("a red ball", progress=lambda _event: engine.close(), output=tmp_path / "a.mp4", **SHORT)
    assert engine.fps == 8


def test_an_engine_within_a_callback_on_another_thread(engine):
    """Where windows are decoded beside refinement, a callback may come on a thread of the library's."""
    for asks in (lambda *_: engine.plan("a red ball"), lambda *_: engine.close()):
        call = engine._call("a red ball", progress=asks, on_frame=asks)
        event = _library.Event(kind=0)
        frame = ctypes.cast((ctypes.c_uint8 * 12)(), ctypes.POINTER(ctypes.c_uint8))
        for hear in (lambda: call._hear_event(None, ctypes.pointer(event)), lambda: call._hear_frame(None, 0, frame, 2, 2)):
            call.raised, call.cancelled = None, False
            thread = threading.Thread(target=hear, daemon=True)
            with engine._turn():
                engine._running = call
                thread.start()
                thread.join(10)
                engine._running = None
            assert "within a callback" in str(call.raised)
    assert engine.fps == 8


def test_numbers_and_texts_that_c_would_change(engine, tmp_path):
    for request in (dict(seconds=-5), dict(seed=-2), dict(seed=2**64 + 7), dict(top_k=2**32 + 5), dict(max_seam=-1), dict(from_seconds=-1.5),
                    dict(shots=[longtake.Shot(0, "a", motion=-0.5)])):
        with pytest.raises(longtake.LongtakeError) as caught:
            engine.plan(None if "shots" in request else "a red ball", **request)
        assert caught.value.code == longtake.Status.USAGE
    assert engine.plan("a red ball", seed=np.int64(7))["settings"]["seed"] == 7
    for codes in ([70000] * 14, np.full(14, -1), np.full(14, 0.5)):
        with pytest.raises(longtake.LongtakeError, match="codes: "):
            longtake.Tokens.of(engine, codes)
    with pytest.raises(ValueError, match="null byte"):
        engine.plan("a red\0 ball")
    with pytest.raises(ValueError, match="null byte"):
        longtake.info("a\0b")


def test_latents_that_are_none(tmp_path):
    (tmp_path / "a.latents").write_bytes(b"\xff" * 100)
    (tmp_path / "b.latents").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    for name in ("a.latents", "b.latents", "none.latents"):
        with pytest.raises(longtake.LongtakeError) as caught:
            longtake.read_latents(tmp_path / name)
        assert caught.value.code == longtake.Status.INPUT and caught.value.place == str(tmp_path / name)


def test_a_callback_may_raise(engine):
    def fail(_index, _frame):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        engine.generate("a red ball", on_frame=fail, **SHORT)
    with pytest.raises(ZeroDivisionError):
        engine.generate("a red ball", progress=lambda event: 1 / 0, **SHORT)


def test_readme_example(engine, tmp_path, monkeypatch):
    text = open(os.path.join(os.path.dirname(__file__), "..", "README.md"), encoding="utf-8").read()
    example = text.split("```python\n")[1].split("```")[0]
    example = example.replace("longtake.Engine()", f"longtake.Engine({os.environ['MODEL']!r})").replace("seconds=6", "seconds=1")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    assert (tmp_path / "ball.mp4").exists()


def test_shots_may_be_pairs(engine):
    pairs = engine.plan(shots=[(0, "a red ball"), (1.5, "a blue ball")], seconds=3)
    assert pairs == engine.plan(shots=[longtake.Shot(0, "a red ball"), longtake.Shot(1.5, "a blue ball")], seconds=3)
    with pytest.raises(TypeError, match="expected a Shot or"):
        engine.plan(shots=["a red ball"], seconds=3)


def test_speeds_are_remembered(tmp_path):
    request = {"frames": 5, "steps": 1}
    with longtake.Engine(os.environ["MODEL"], cache_dir=tmp_path) as engine:
        assert engine.plan("a red ball", **request)["time_seconds"] is None
        engine.generate("a red ball", on_frame=lambda index, frame: None, **request)
        assert engine.plan("a red ball", **request)["time_seconds"] > 0
