"""Lists of prompts."""

import os
import threading

import pytest

import longtake
from tiny import MODEL


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


def test_closing_stops_a_batch(tmp_path):
    (tmp_path / "prompts.txt").write_text("a red ball\n" * 200)
    engine = longtake.Engine(MODEL)
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
