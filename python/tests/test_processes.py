"""Processes that are interrupted, end or fork beside a request."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import longtake


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
