"""Who hears of a request: `progress`, `on_frame` and Python's warnings."""

import ctypes
import sys
import threading
import warnings

import pytest

import longtake
from longtake import _library
from tiny import SHORT


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


def test_progress_without_tqdm_is_a_line(engine, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    engine.generate("a red ball", output=tmp_path / "line.mp4", progress=True, **SHORT)
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and line.endswith("\n") and "\rrefine" in line


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
