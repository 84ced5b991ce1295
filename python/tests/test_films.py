"""Prompts over time, from shots and from film files."""

import numpy as np
import pytest

import longtake
from tiny import MODEL, SHORT


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


def test_shots_may_be_pairs(engine):
    pairs = engine.plan(shots=[(0, "a red ball"), (1.5, "a blue ball")], seconds=3)
    shots = engine.plan(
        shots=[longtake.Shot(0, "a red ball"), longtake.Shot(1.5, "a blue ball")], seconds=3
    )
    # peak memory depends on what is resident
    assert all(pairs[key] == shots[key] for key in ("settings", "shots", "plan"))
    with pytest.raises(TypeError, match="expected a Shot or"):
        engine.plan(shots=["a red ball"], seconds=3)


def test_events_of_a_shot():
    told = [
        longtake.Shot(0, "a red ball, then it turns blue"),
        longtake.Shot(4, "a cube, then a star appears", as_one_text=True),
    ]
    with longtake.Engine(MODEL, set=["pipeline.events=spread"]) as spreads:
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
