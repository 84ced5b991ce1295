"""Takes that are made again, and what else is read of a film or a recipe."""

import numpy as np
import pytest

import longtake
from longtake._library import library
from tiny import SHORT


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
        close = getattr(library, name)
        monkeypatch.setattr(
            library,
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
