"""Frames as they are decoded."""

import time

import numpy as np
import pytest

import longtake
from longtake._call import Call
from tiny import SHORT


def test_frames_as_they_come(engine):
    frames = list(engine.frames("a red ball", ahead=2, **SHORT))
    assert len(frames) == 25
    assert all(frame.shape == (64, 96, 3) and frame.dtype == np.uint8 for frame in frames)
    assert np.array_equal(engine.video("a red ball", **SHORT), np.stack(frames))
    assert not np.array_equal(engine.video("a red ball", seed=8, **SHORT), np.stack(frames))


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
