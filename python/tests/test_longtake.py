"""The binding on the tiny model: 96x64 pixels, 8 frames a second, windows of 17 frames, segments of
5 semantic frames."""

import ctypes
import inspect
import json
import math
import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading
import time
import typing
import warnings
from pathlib import Path

import numpy as np
import pytest

import longtake
from longtake import _library
from longtake._call import Call

SHORT = dict(frames=25, steps=2)


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
    assert tokens.cut(0, 3).semantic_frames == 3 and tokens.cut(0, 3).frames == 9


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


def test_candidates(engine, tmp_path):
    plans = engine.candidates("a red ball", 3, sheet=tmp_path / "sheet.png", seed=7, frames=37)
    assert list(plans) == [7, 8, 9]
    assert np.array_equal(plans[8].codes, engine.make_tokens("a red ball", seed=8, frames=37).codes)
    assert longtake.info(tmp_path / "sheet.png")["kind"] == "video"  # a picture is one of one frame
    with pytest.raises(longtake.LongtakeError, match="1 to 16"):
        engine.candidates("a red ball", 17, frames=37)


def test_batch(engine, tmp_path):
    (tmp_path / "prompts.txt").write_text(
        'a red ball\n{"prompt": "a"\n{"prompt": "a cube", "output": "cube.mp4"}\n'
    )
    foreseen = engine.plan_batch(tmp_path / "prompts.txt", tmp_path, frames=9, steps=2)
    assert (foreseen["takes"], foreseen["failed"], foreseen["lines"][0]["output"]) == (
        2,
        1,
        str(tmp_path / "0001.mp4"),
    )
    assert (
        "prompts.txt:2" in foreseen["lines"][1]["message"] and not (tmp_path / "0001.mp4").exists()
    )
    assert "2 to make" in engine.plan_batch_table(
        tmp_path / "prompts.txt", tmp_path, frames=9, steps=2
    )
    lines = engine.batch(tmp_path / "prompts.txt", tmp_path, frames=9, steps=2)
    assert [line.line for line in lines] == [1, 2, 3]
    assert lines[0].report.frames == 9 and lines[0].output == str(tmp_path / "0001.mp4")
    assert lines[1].report is None and lines[1].error.code == longtake.Status.INPUT
    assert (tmp_path / "cube.mp4").exists()
    with pytest.raises(longtake.LongtakeError):
        engine.batch(tmp_path / "none.txt", tmp_path, frames=9)


def test_a_batch_goes_on(engine, tmp_path):
    (tmp_path / "prompts.txt").write_text("a red ball\na cube\n")
    made, second = tmp_path / "0001.mp4", tmp_path / "0002.mp4"

    def batch(**request):
        notes = []
        lines = engine.batch(
            tmp_path / "prompts.txt",
            tmp_path,
            frames=9,
            steps=2,
            progress=lambda event: notes.append(event.message) if event.kind == "note" else None,
            **request,
        )
        assert [(line.output, line.error, line.report.frames) for line in lines] == [
            (str(made), None, 9),
            (str(second), None, 9),
        ]
        return [note for note in notes if "is there already" in note]

    assert batch() == []
    whole = made.read_bytes(), second.read_bytes()
    second.unlink()
    os.utime(made, (1, 1))
    there = batch()
    assert len(there) == 1 and there[0].startswith(f"{made} ")
    assert made.stat().st_mtime == 1 and (made.read_bytes(), second.read_bytes()) == whole
    assert batch(fresh=True) == []
    assert made.stat().st_mtime > 1
    with pytest.raises(ZeroDivisionError):
        engine.batch(
            tmp_path / "prompts.txt", tmp_path, frames=9, steps=2, progress=lambda _event: 1 / 0
        )


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


def test_prompts_over_time(engine, tmp_path):
    shots = [longtake.Shot(0, "a red ball"), longtake.Shot(2.5, "a blue ball", seed=3)]
    whole = engine.video("a red ball", frames=48, steps=2)
    changed = engine.video(shots=shots, frames=48, steps=2)
    assert np.array_equal(whole[:17], changed[:17]) and not np.array_equal(whole[25:], changed[25:])
    film = tmp_path / "film.yaml"
    film.write_text(
        "take: {frames: 48, steps: 2}\nshots:\n  - {prompt: a red ball}\n"
        "  - {at: 2.5s, prompt: a blue ball, seed: 3}\n"
    )
    seen = []
    engine.run_film(film, on_frame=lambda _index, frame: seen.append(frame))
    assert np.array_equal(np.stack(seen), changed)
    retaken = engine.video("a red ball", frames=48, steps=2, retakes=[longtake.Retake(2, 2, 5)])
    assert np.array_equal(whole[:25], retaken[:25]) and not np.array_equal(
        whole[25:33], retaken[25:33]
    )


def test_events_of_a_shot():
    told = [
        longtake.Shot(0, "a red ball, then it turns blue"),
        longtake.Shot(4, "a cube, then a star appears", as_one_text=True),
    ]
    with longtake.Engine(os.environ["MODEL"], set=["pipeline.events=spread"]) as spreads:
        shots = spreads.plan(shots=told, frames=64)["settings"]["shots"]
    assert [(s["at_frame"], s["prompt"]) for s in shots] == [
        (0, "a red ball"),
        (16, told[0].prompt),
        (32, told[1].prompt),
    ]


def test_a_plan_of_a_file(engine, tmp_path):
    engine.make_tokens("a blue ball", frames=48).write(tmp_path / "blue.lt")
    shots = [
        longtake.Shot(0, "a red ball"),
        longtake.Shot(2.5, "a blue ball", plan=tmp_path / "blue.lt", plan_from=2.5),
    ]
    report = engine.generate(shots=shots, frames=48, steps=1, output=tmp_path / "take.mp4")
    assert np.array_equal(
        report.about["tokens"][14:], longtake.Tokens.read(engine, tmp_path / "blue.lt").codes[14:]
    )


@pytest.fixture(scope="module")
def takes(engine, tmp_path_factory):
    """A take of windows with frames 0-16, 17-24, 25-32, 33-40, 41-47, and one where window 1 is of
    another seed."""
    folder = tmp_path_factory.mktemp("takes")
    request = dict(frames=48, steps=2, seed=3)
    engine.generate("a red ball", output=folder / "first.mp4", **request)
    engine.generate(
        "a red ball", output=folder / "third.mp4", retakes=[longtake.Retake(1, 1, 9)], **request
    )
    return folder


def test_recipes(engine, takes, tmp_path):
    first, third = (takes / "first.mp4").read_bytes(), (takes / "third.mp4").read_bytes()
    assert first != third
    engine.generate(recipe=takes / "first.mp4", output=tmp_path / "again.mp4")
    assert (tmp_path / "again.mp4").read_bytes() == first
    engine.generate(
        recipe=takes / "first.mp4",
        retakes=[longtake.Retake(1, 1, 9)],
        output=tmp_path / "again.mp4",
    )
    assert (tmp_path / "again.mp4").read_bytes() == third
    engine.generate(recipe=takes / "third.mp4", output=tmp_path / "again.mp4")
    assert (tmp_path / "again.mp4").read_bytes() == third
    codes = longtake.info(takes / "first.mp4")["about"]["tokens"]
    assert np.array_equal(engine.make_tokens(recipe=takes / "first.mp4").codes, codes)
    assert not np.array_equal(engine.make_tokens(recipe=takes / "first.mp4", seed=9).codes, codes)


def test_a_retake_of_a_retake(engine, takes):
    span = engine.windows_between(4.2, 6, recipe=takes / "third.mp4")
    assert span == (3, 4)
    before = engine.video(recipe=takes / "third.mp4")
    after = engine.video(recipe=takes / "third.mp4", retakes=[longtake.Retake(*span, seed=2)])
    assert np.array_equal(before[:33], after[:33]) and not np.array_equal(
        before[33:41], after[33:41]
    )
    settings = engine.plan(recipe=takes / "third.mp4", retakes=[longtake.Retake(*span, seed=2)])[
        "settings"
    ]
    assert [(t["first"], t["last"], t["seed"]) for t in settings["retakes"]] == [
        (1, 1, 9),
        (3, 4, 2),
    ]


def test_windows_between(engine):
    assert [
        engine.windows_between(*span, frames=48)
        for span in ((3.5, 4), (0, 6), (2.5, 4.5), (0, 0.5))
    ] == [(2, 2), (0, 4), (1, 3), (0, 0)]
    with pytest.raises(longtake.LongtakeError, match="9 s to 12 s") as caught:
        engine.windows_between(9, 12, frames=48)
    assert caught.value.code == longtake.Status.USAGE


def test_what_is_said_beside_a_recipe(engine, takes):
    said = engine.plan(recipe=takes / "first.mp4", seed=9, steps=7)["settings"]
    assert (said["seed"], said["steps"], said["frames"], said["shots"][0]["prompt"]) == (
        9,
        7,
        48,
        "a red ball",
    )
    assert (
        engine.plan("a cube", recipe=takes / "first.mp4")["settings"]["shots"][0]["prompt"]
        == "a cube"
    )


def test_a_recipe_of_a_continuation(engine, takes, tmp_path):
    engine.generate("a red ball", output=tmp_path / "ball.mp4", **SHORT)
    engine.continue_from(
        tmp_path / "ball.mp4", "a blue ball", frames=9, steps=2, output=tmp_path / "longer.mp4"
    )
    engine.continue_from(
        tmp_path / "ball.mp4", recipe=tmp_path / "longer.mp4", output=tmp_path / "again.mp4"
    )
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "longer.mp4").read_bytes()
    for wrong in (
        lambda: engine.generate(recipe=tmp_path / "longer.mp4", output=tmp_path / "a.mp4"),
        lambda: engine.continue_from(
            takes / "first.mp4", recipe=tmp_path / "longer.mp4", output=tmp_path / "a.mp4"
        ),
    ):
        with pytest.raises(longtake.LongtakeError) as caught:
            wrong()
        assert caught.value.code == longtake.Status.INPUT


def test_recipes_of_latents_and_of_nothing(engine, tmp_path):
    engine.refine(
        engine.make_tokens("a red ball", frames=25, seed=5),
        "a red ball",
        seed=5,
        steps=2,
        output=tmp_path / "a.latents",
    )
    assert np.array_equal(
        engine.video(recipe=tmp_path / "a.latents"), engine.video("a red ball", seed=5, **SHORT)
    )
    engine.generate("a red ball", frames=9, steps=2, metadata=False, output=tmp_path / "silent.mp4")
    for name in ("silent.mp4", "none.mp4"):
        for use in (longtake.recipe_model, lambda path: engine.plan(recipe=path)):
            with pytest.raises(longtake.LongtakeError) as caught:
                use(tmp_path / name)
            assert caught.value.code == longtake.Status.INPUT and caught.value.place == str(
                tmp_path / name
            )


def test_a_recipe_of_another_model(imported, takes):
    with longtake.Engine(imported) as other:
        told = []
        report = other.generate(
            recipe=takes / "first.mp4",
            steps=1,
            on_frame=lambda _index, _frame: None,
            progress=told.append,
        )
        assert any(
            "made by another model" in event.message for event in told if event.kind == "warning"
        )
        assert report.about["tokens"] != longtake.info(takes / "first.mp4")["about"]["tokens"]
        for use in (other.generate, other.plan):  # the callback of a recipe that is applied, too
            with pytest.raises(ZeroDivisionError):
                use(recipe=takes / "first.mp4", progress=lambda _event: 1 / 0)


def test_models_of_scripts(takes, tmp_path):
    assert (
        longtake.recipe_model(takes / "first.mp4")
        == longtake.info(takes / "first.mp4")["about"]["model"]
        == "tiny"
    )
    (tmp_path / "film.yaml").write_text("take: {model: some}\nshots:\n  - {prompt: a}\n")
    (tmp_path / "any.yaml").write_text("shots:\n  - {prompt: a}\n")
    assert (
        longtake.film_model(tmp_path / "film.yaml"),
        longtake.film_model(tmp_path / "any.yaml"),
    ) == ("some", None)


def test_scripts_are_closed(engine, takes, tmp_path, monkeypatch):
    """Whatever a request comes to."""
    (tmp_path / "film.yaml").write_text("take: {frames: 9, steps: 1}\nshots:\n  - {prompt: a}\n")
    closed = []
    for kind in ("film", "recipe"):
        name = f"longtake_{kind}_close"
        close = getattr(_library.library, name)
        monkeypatch.setattr(
            _library.library,
            name,
            lambda handle, kind=kind, close=close: (closed.append(kind), close(handle)),
        )
    engine.plan(film=tmp_path / "film.yaml", recipe=takes / "first.mp4")
    assert sorted(closed) == ["film", "recipe"]
    with pytest.raises(longtake.LongtakeError):
        engine.plan(recipe=takes / "first.mp4", image=takes / "first.mp4")  # it began with none
    with pytest.raises(ZeroDivisionError):
        engine.run_film(
            tmp_path / "film.yaml", output=tmp_path / "a.mp4", progress=lambda _event: 1 / 0
        )
    longtake.recipe_model(takes / "first.mp4")
    assert sorted(closed[2:]) == ["film", "recipe", "recipe"]


def test_films_of_other_commands(engine, tmp_path):
    (tmp_path / "film.yaml").write_text(
        "take: {frames: 25, steps: 2, seed: 4}\nshots:\n  - {prompt: a red ball}\n"
    )
    assert (
        engine.plan(film=tmp_path / "film.yaml")["settings"]
        == engine.plan("a red ball", seed=4, **SHORT)["settings"]
    )
    assert np.array_equal(
        engine.video(film=tmp_path / "film.yaml"), engine.video("a red ball", seed=4, **SHORT)
    )


def test_score(engine, tmp_path):
    tokens = engine.make_tokens("a red ball", frames=37)
    tokens.write(tmp_path / "a.lt")
    own = engine.score(tokens)
    assert own == engine.score(tmp_path / "a.lt") == engine.score(tokens, "a red ball")
    # the eleventh semantic frame is not shown
    assert own.codes == 28 < len(tokens) == 34 and own.nats > 0
    assert own.nats_per_code == own.nats / 28 and math.isclose(
        own.perplexity, math.exp(own.nats / 28)
    )
    assert engine.score(tokens, "a cube").nats != own.nats != engine.score(tokens, lm_cfg=0).nats
    assert 0 < engine.score(tokens.cut(0, 5)).nats < own.nats
    # As warm as draws can be, all of the vocabulary is as likely: logits within 5 of each other are
    # 5 / 100 then.
    words = int(
        next(
            line.split()[1]
            for line in engine.config_text().splitlines()
            if line.startswith("ar_model.vocab_size:")
        )
    )
    assert (
        abs(engine.score(tokens, temperature=100, lm_cfg=0).nats_per_code - math.log(words))
        < 5 / 100
    )
    assert longtake.Score(2, 4000.0).perplexity == math.inf
    shots = [longtake.Shot(0, "a red ball"), longtake.Shot(2.5, "a blue ball")]
    with pytest.raises(longtake.LongtakeError, match="found 2 prompts") as caught:
        engine.score(tokens, shots=shots)
    assert caught.value.code == longtake.Status.USAGE
    with pytest.raises(longtake.LongtakeError) as caught:
        engine.score(tmp_path / "none.lt")
    assert caught.value.code == longtake.Status.INPUT


def test_a_plan_of_ones_own(engine):
    tokens = engine.make_tokens("a red ball", frames=25)
    tokens.codes[:3] = [1, 2, 3]
    report = engine.generate(
        "a red ball", tokens=tokens, on_frame=lambda _index, _frame: None, **SHORT
    )
    assert np.array_equal(report.about["tokens"], tokens.codes)
    assert np.array_equal(
        engine.make_tokens("a cube", tokens=tokens, frames=25).codes, tokens.codes
    )
    tokens.close()
    with pytest.raises(longtake.LongtakeError, match="is closed"):
        engine.plan("a red ball", tokens=tokens)


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


def test_config_text():
    with longtake.Engine(os.environ["MODEL"], set=["pipeline.overlap=1"]) as engine:
        lines = dict(line.split(": ", 1) for line in engine.config_text().splitlines())
    assert lines["pipeline.overlap"].split() == ["1", "#", "--set"]
    assert lines["pipeline.fps"].startswith("8 ") and "config.yaml:" in lines["pipeline.fps"]


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


def test_plan(engine):
    plan = engine.plan("a red ball", frames=48)
    assert (plan["windows"], plan["segments"], engine.fps) == (5, 3, 8)
    assert engine.plan("a red ball", frames=48, fps=24)["seconds"] == 2


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


def test_closing_stops_a_batch(tmp_path):
    (tmp_path / "prompts.txt").write_text("a red ball\n" * 200)
    engine = longtake.Engine(os.environ["MODEL"])
    begun = threading.Event()
    failures = []

    def work():
        try:
            engine.batch(
                tmp_path / "prompts.txt", tmp_path, seconds=30, progress=lambda _event: begun.set()
            )
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


def test_an_engine_within_its_own_callback(engine, tmp_path):
    with pytest.raises(longtake.LongtakeError, match="within a callback"):
        engine.generate(
            "a red ball",
            progress=lambda _event: engine.plan("a red ball"),
            output=tmp_path / "a.mp4",
            **SHORT,
        )
    with pytest.raises(longtake.LongtakeError, match="within a callback"):
        engine.generate(
            "a red ball", progress=lambda _event: engine.close(), output=tmp_path / "a.mp4", **SHORT
        )
    assert engine.fps == 8


def test_callbacks_come_where_the_call_was_made(engine, tmp_path):
    (tmp_path / "prompts.txt").write_text("a red ball\n")
    requests = {
        "generate": lambda hear: engine.generate(
            "a red ball", progress=hear, on_frame=hear, **SHORT
        ),
        "make_tokens": lambda hear: engine.make_tokens("a red ball", frames=9, progress=hear),
        "batch": lambda hear: engine.batch(
            tmp_path / "prompts.txt", tmp_path, progress=hear, fresh=True, **SHORT
        ),
        "frames": lambda hear: [
            hear() for _ in engine.frames("a red ball", progress=hear, **SHORT)
        ],
    }
    for name, request in requests.items():
        heard = []

        def work():
            request(lambda *_: heard.append(threading.get_ident()))

        work()
        elsewhere = threading.Thread(target=work)
        elsewhere.start()
        elsewhere.join()
        half = len(heard) // 2
        assert heard == [threading.get_ident()] * half + [elsewhere.ident] * half and half > 1, name


def test_a_callback_on_a_thread_of_the_library(engine):
    """Where windows are decoded beside refinement: it is told where the request was made, too, and
    an engine refused there."""
    event = _library.Event(kind=0)
    frame = ctypes.cast((ctypes.c_uint8 * 12)(), ctypes.POINTER(ctypes.c_uint8))
    for asks in (lambda *_: engine.plan("a red ball"), lambda *_: engine.close()):
        for hear in (
            lambda call: call.hear_event(None, ctypes.pointer(event)),
            lambda call: call.hear_frame(None, 0, frame, 2, 2),
        ):
            threads = []
            call = engine._call(
                "a red ball",
                progress=lambda *_: (threads.append(threading.get_ident()), asks()),
                on_frame=lambda *_: (threads.append(threading.get_ident()), asks()),
            )

            def work():
                thread = threading.Thread(target=hear, args=(call,), daemon=True)
                thread.start()
                thread.join(30)

            with pytest.raises(longtake.LongtakeError, match="within a callback"):
                engine._ask(work, call)
            assert threads == [threading.get_ident()]
    assert engine.fps == 8


def test_frames_wait_to_be_taken(engine):
    """And events do not: they are told where the next frame is waited for."""
    seen = []
    copied = []
    frames = engine.frames(
        "a red ball", ahead=2, progress=lambda event: seen.append(event.kind), frames=48, steps=2
    )
    hear = Call.hear_frame
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Call, "hear_frame", lambda *given: (copied.append(given[2]), hear(*given))[1])
        for taken in range(1, 6):
            next(frames)
            deadline = time.monotonic() + 30
            while len(copied) < taken + 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.05)
            assert copied == list(range(taken + 2))
        assert "done" not in seen and len(list(frames)) == 43 and seen[-1] == "done"


def in_a_process(text, timeout=100):
    """What a script prints that has the tiny model's engine; it fails where the script does, or
    does not end."""
    begin = """import atexit, os, signal, sys, threading, time, warnings
import longtake
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
engine = longtake.Engine(os.environ["MODEL"])
"""
    ran = subprocess.run(
        [sys.executable, "-c", begin + textwrap.dedent(text)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=timeout,
        env={**os.environ, "PYTHONPATH": str(Path(longtake.__file__).resolve().parents[1])},
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.split("\n")[:-1]


def test_an_interrupt_stops_every_request(tmp_path):
    """Python hears it before a callback's first line, where no exception gets through C. Each of
    these takes far more than a minute."""
    (tmp_path / "prompts.txt").write_text("a red ball\n" * 9000)
    assert in_a_process(f"""
        def interrupted(request):
            threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT)).start()
            try:
                request()
            except BaseException as exception:
                return type(exception).__name__
        for request in (lambda: engine.make_tokens("a", seconds=80000),
                        lambda: engine.generate("a", seconds=80000, on_frame=lambda *_: None),
                        lambda: engine.generate("a", seconds=80000, output={str(tmp_path / "a.mp4")!r}, progress=lambda _event: None),
                        lambda: engine.batch({str(tmp_path / "prompts.txt")!r}, {str(tmp_path)!r}, seconds=2),
                        lambda: engine.candidates("a", 16, seconds=5000),
                        lambda: [time.sleep(0.01) for _ in engine.frames("a", seconds=80000)],
                        lambda: engine.video("a", seconds=80000)):
            print(interrupted(request))
        print(len(engine.make_tokens("a", frames=9)))
    """) == ["KeyboardInterrupt"] * 7 + ["14"]


def test_a_second_interrupt_waits_for_nothing():
    assert in_a_process("""
        done = threading.Event()
        def step():  # that nothing stops
            time.sleep(5)
            done.set()
        for after in (0.5, 1.5):
            threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            engine._ask(step)
        except KeyboardInterrupt:
            print(done.is_set())
        engine.config_text()  # when it is its turn
        print(done.is_set())
    """) == ["False", "True"]


def test_requests_of_an_interpreter_that_ends():
    assert in_a_process("""
        class Late:
            def __init__(self):
                self.engine = longtake.Engine(os.environ["MODEL"])
            def __del__(self, write=os.write, ending=sys.is_finalizing):
                told = []
                frames = list(self.engine.frames("a", frames=9, steps=1, progress=told.append))
                write(1, f"{ending()} {len(frames)} {told[-1].kind}\\n".encode())
                try:
                    self.engine.generate("a", frames=9, steps=1, on_frame=lambda *_: 1 / 0)
                except ZeroDivisionError:
                    write(1, b"raised\\n")
        def last():
            threading.main_thread().join()
            print(len(engine.video("a", frames=9, steps=1)), flush=True)
        threading.Thread(target=last).start()
        atexit.register(lambda: print(len(engine.make_tokens("a", frames=9)), flush=True))
        late = Late()
        engine_of_frames = longtake.Engine(os.environ["MODEL"])
        frames = engine_of_frames.frames("a", seconds=600)
        print(len(next(frames)), flush=True)
    """) == ["64", "9", "14", "True 9 done", "raised"]


def test_an_engine_after_a_fork():
    """What its threads held is held for ever in the child."""
    assert in_a_process("""
        warnings.simplefilter("ignore")  # of a fork beside threads
        def child(use):
            pid = os.fork()
            if pid == 0:
                signal.alarm(30)
                try:
                    use()
                    print("quiet", flush=True)
                except longtake.LongtakeError as error:
                    print(error.code.name, error.place, "fork" in str(error), flush=True)
                os._exit(0)
            if os.waitpid(pid, 0)[1]:
                print("hangs")
        def within(_event):
            if not forked:
                forked.append(True)
                child(lambda: engine.plan("a"))
        forked = []
        tokens = engine.make_tokens("a", frames=9, progress=within)
        for use in (lambda: engine.make_tokens("a", frames=9), lambda: engine.fps, lambda: tokens.cut(0, 1, engine), engine.close,
                    engine.__del__, lambda: next(engine.frames("a", frames=9)), lambda: tokens.codes,
                    lambda: longtake.Engine(os.environ["MODEL"]).make_tokens("a", frames=9)):
            child(use)
        print(len(engine.make_tokens("a", frames=9)))
    """) == ["USAGE Engine True"] * 4 + ["quiet"] * 2 + ["USAGE Engine True"] + ["quiet"] * 2 + [
        "14"
    ]


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
        ("--threads", lambda: longtake.Engine(os.environ["MODEL"], threads=2**32 + 1)),
        ("--max-memory", lambda: longtake.Engine(os.environ["MODEL"], max_memory=2**64 + 5)),
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
    with pytest.raises(ValueError, match="null byte"):
        engine.plan("a red\0 ball")
    with pytest.raises(ValueError, match="null byte"):
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
        ("--threads", lambda: longtake.Engine(os.environ["MODEL"], threads="2")),
        ("--model", lambda: longtake.Engine(3)),
    ):
        with pytest.raises(longtake.LongtakeError, match=f"^{place}: found") as caught:
            use()
        assert caught.value.code == longtake.Status.USAGE


# ---- keywords ----

KEYWORDS = {*longtake.PromptRequest.__annotations__, "prompt", "input", "on_frame"}


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


def test_keywords_are_told():
    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    table = readme.split("## What a request takes")[1].split("\n## ")[0]
    cells = "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert sorted(re.findall(r"`(\w+)`", cells)) == sorted(KEYWORDS)
    told = set(re.findall(r"\w+", longtake.Engine.generate.__doc__))
    assert KEYWORDS - told <= {"prompt", "input"}


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


# ---- warnings ----


def test_warnings_where_nobody_hears_them(engine, tmp_path, capsys):
    prompt = "a red ball bounces on a beach at noon, then night falls over all of it"
    told = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        engine.generate(prompt, output=tmp_path / "a.mp4", progress=told.append, **SHORT)
    told = [event.message for event in told if event.kind == "warning"]
    assert told and all("longer than" in message for message in told)
    (tmp_path / "prompts.txt").write_text(prompt + "\n")
    frames = engine.frames(prompt, **SHORT)
    for use in (
        lambda: engine.generate(prompt, output=tmp_path / "a.mp4", **SHORT),
        lambda: engine.generate(prompt, output=tmp_path / "a.mp4", progress=False, **SHORT),
        lambda: engine.generate(prompt, output=tmp_path / "a.mp4", progress=True, **SHORT),
        lambda: engine.video(prompt, **SHORT),
        lambda: engine.batch(tmp_path / "prompts.txt", tmp_path, **SHORT),
        lambda: next(frames),
    ):
        with pytest.warns(longtake.LongtakeWarning) as heard:
            use()
        assert [str(one.message) for one in heard] == told
        assert {one.filename for one in heard} == {__file__}
        assert {one.lineno for one in heard} == {use.__code__.co_firstlineno}
    frames.close()
    assert issubclass(longtake.LongtakeWarning, UserWarning)


def test_warnings_that_are_errors(engine):
    with warnings.catch_warnings():
        warnings.simplefilter("error", longtake.LongtakeWarning)
        with pytest.raises(longtake.LongtakeWarning, match="longer than"):
            engine.make_tokens("a red ball bounces on a beach at noon, then night falls", frames=9)
    assert len(engine.make_tokens("a red ball", frames=9)) == 14


def test_tokens_without_a_file_are_called_tokens(engine, tmp_path):
    bare = longtake.Tokens.of(engine, engine.make_tokens("a red ball", frames=25).codes)
    for use in (
        lambda: engine.score(bare),
        lambda: engine.refine(bare),
        lambda: engine.render(bare, output=tmp_path / "a.mp4"),
    ):
        with pytest.raises(longtake.LongtakeError) as caught:
            use()
        assert str(caught.value) == f"--prompt: found none, and {bare!r} holds none"
    bare.write(tmp_path / "bare.lt")
    with pytest.raises(longtake.LongtakeError, match="bare.lt holds none"):
        engine.score(tmp_path / "bare.lt")
    report = engine.render(bare, "a red ball", steps=1, output=tmp_path / "a.mp4")
    assert report.about["input"] == repr(bare)


def test_latents_that_are_none(tmp_path):
    (tmp_path / "a.latents").write_bytes(b"\xff" * 100)
    (tmp_path / "b.latents").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    for name in ("a.latents", "b.latents", "none.latents"):
        with pytest.raises(longtake.LongtakeError) as caught:
            longtake.read_latents(tmp_path / name)
        assert caught.value.code == longtake.Status.INPUT and caught.value.place == str(
            tmp_path / name
        )


def dtypes_of(file):
    return {tensor["dtype"] for tensor in longtake.info(file)["tensors"]}


def test_import(imported, tmp_path):
    release, config = (
        Path(os.environ["MODEL"]).parent / "release",
        Path(__file__).resolve().parents[2] / "configs" / "tiny.yaml",
    )
    seen = []
    longtake.import_release(
        release,
        tmp_path / "small",
        config=config,
        dtype="bf16",
        quantize="q8",
        progress=seen.append,
    )
    assert dtypes_of(imported / "mmdit.safetensors") == {"f32"}
    assert dtypes_of(tmp_path / "small" / "mmdit.safetensors") == {"bf16", "f16", "q8"}
    steps = [event for event in seen if event.kind == "step"]
    assert [seen[0].kind, seen[-1].kind] == ["stage", "done"] and seen[0].stage == "import"
    assert [event.step for event in steps] == list(range(1, steps[-1].steps + 1)) and steps[
        0
    ].message.endswith(".safetensors")
    with longtake.Engine(tmp_path / "small") as engine:
        assert engine.video("a red ball", frames=9, steps=1).shape == (9, 64, 96, 3)

    def refused(code, **request):
        request = {"release": release, "output": tmp_path / "bad", "config": config, **request}
        with pytest.raises(longtake.LongtakeError) as caught:
            longtake.import_release(**request)
        assert caught.value.code == code

    refused(longtake.Status.USAGE, output=tmp_path / "small")
    refused(longtake.Status.USAGE, quantize="q3")
    refused(longtake.Status.USAGE, dtype="q8")
    refused(longtake.Status.INPUT, release=tmp_path / "none")
    refused(longtake.Status.INPUT, theia=tmp_path / "none")
    with pytest.raises(ZeroDivisionError):
        longtake.import_release(
            release, tmp_path / "bad", config=config, progress=lambda _event: 1 / 0
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small"]


def test_import_of_a_network_from_elsewhere(imported, tmp_path):
    shutil.copytree(Path(os.environ["MODEL"]).parent / "release", tmp_path / "release")
    (tmp_path / "release" / "theiainstitute").rename(tmp_path / "elsewhere")
    (theia,) = (tmp_path / "elsewhere").iterdir()
    config = Path(__file__).resolve().parents[2] / "configs" / "tiny.yaml"
    longtake.import_release(tmp_path / "release", tmp_path / "model", config=config, theia=theia)
    name = "tokenizer.safetensors"
    assert (tmp_path / "model" / name).read_bytes() == (imported / name).read_bytes()
    told = []
    longtake.import_release(
        tmp_path / "release", tmp_path / "without", config=config, progress=told.append
    )
    assert [event.kind for event in told if "holds no Theia" in (event.message or "")] == [
        "warning"
    ]
    assert (tmp_path / "without" / name).stat().st_size < (imported / name).stat().st_size


def test_preview_map(imported, tmp_path):
    shutil.copytree(imported, tmp_path / "model")
    kept = imported / "preview.safetensors"
    (tmp_path / "model" / "preview.safetensors").unlink()
    with longtake.Engine(tmp_path / "model") as engine:
        path = engine.write_preview_map()
        assert (
            path == str(tmp_path / "model" / "preview.safetensors")
            and Path(path).read_bytes() == kept.read_bytes()
        )
        (tmp_path / "model" / "temporal_vae.safetensors").unlink()
    with (
        longtake.Engine(tmp_path / "model") as engine,
        pytest.raises(longtake.LongtakeError) as caught,
    ):
        engine.write_preview_map()
    assert caught.value.code == longtake.Status.INPUT


def test_check(engine, tmp_path):
    golden = (
        Path(__file__).resolve().parents[2]
        / "tests"
        / "golden"
        / "tokenizer.quantize.ties.safetensors"
    )
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


def test_profile(engine):
    with longtake.Engine(os.environ["MODEL"], profile=True) as counts:
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


def test_a_callback_may_raise(engine, tmp_path):
    request = dict(SHORT, output=tmp_path / "a.mp4")

    def fail(_index, _frame):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        engine.generate("a red ball", on_frame=fail, **SHORT)
    with pytest.raises(ZeroDivisionError):
        engine.generate("a red ball", progress=lambda event: 1 / 0, **request)
    for exception in (KeyboardInterrupt, SystemExit, GeneratorExit):
        with pytest.raises(exception):
            engine.generate(
                "a red ball", progress=lambda event: (_ for _ in ()).throw(exception), **request
            )
    events = []
    with pytest.raises(ZeroDivisionError):
        engine.generate(
            "a red ball",
            progress=lambda event: (events.append(event.kind), 1 / (event.kind != "step")),
            **request,
        )
    assert events.count("step") == 1 and events[-1] == "step"
    with pytest.raises(ZeroDivisionError):
        list(engine.frames("a red ball", progress=lambda event: 1 / 0, **SHORT))


def test_what_a_callback_returns_is_ignored(engine):
    frames = []
    report = engine.generate(
        "a red ball",
        progress=lambda event: True,
        on_frame=lambda index, _frame: frames.append(index) or 1,
        **SHORT,
    )
    assert report.frames == 25 and frames == list(range(25))


def test_readme_example(engine, tmp_path, monkeypatch):
    text = open(os.path.join(os.path.dirname(__file__), "..", "README.md"), encoding="utf-8").read()
    example = text.split("```python\n")[1].split("```")[0]
    example = example.replace(
        "longtake.Engine()", f"longtake.Engine({os.environ['MODEL']!r})"
    ).replace("seconds=6", "seconds=1")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    assert (tmp_path / "ball.mp4").exists()


def test_shots_may_be_pairs(engine):
    pairs = engine.plan(shots=[(0, "a red ball"), (1.5, "a blue ball")], seconds=3)
    shots = engine.plan(
        shots=[longtake.Shot(0, "a red ball"), longtake.Shot(1.5, "a blue ball")], seconds=3
    )
    # peak memory depends on what is resident
    assert all(pairs[key] == shots[key] for key in ("settings", "shots", "plan"))
    with pytest.raises(TypeError, match="expected a Shot or"):
        engine.plan(shots=["a red ball"], seconds=3)


def test_speeds_are_remembered(tmp_path):
    request = {"frames": 5, "steps": 1}
    with longtake.Engine(os.environ["MODEL"], cache_dir=tmp_path) as engine:
        assert engine.plan("a red ball", **request)["time_seconds"] is None
        engine.generate("a red ball", on_frame=lambda index, frame: None, **request)
        assert engine.plan("a red ball", **request)["time_seconds"] > 0
