"""The plan of a take: made, cut and joined, chosen from several, scored."""

import math

import numpy as np
import pytest

import longtake
from tiny import SHORT


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


def test_candidates(engine, tmp_path):
    plans = engine.candidates("a red ball", 3, sheet=tmp_path / "sheet.png", seed=7, frames=37)
    assert list(plans) == [7, 8, 9]
    assert np.array_equal(plans[8].codes, engine.make_tokens("a red ball", seed=8, frames=37).codes)
    assert longtake.info(tmp_path / "sheet.png")["kind"] == "video"  # a picture is one of one frame
    with pytest.raises(longtake.LongtakeError, match="1 to 16"):
        engine.candidates("a red ball", 17, frames=37)


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


def test_a_plan_of_shots_says_how_it_was_made(engine, tmp_path):
    said = dict(shots=[(0, "a red ball"), (2.5, "a blue ball")], frames=33, seed=7)
    engine.generate(**said, steps=1, output=tmp_path / "whole.mp4")
    plan = engine.make_tokens(**said)
    engine.render(plan, steps=1, output=tmp_path / "rendered.mp4")
    assert (tmp_path / "rendered.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


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
