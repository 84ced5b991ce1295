#!/usr/bin/env python3
"""How long the program takes to begin: --version, -h, and the first token of the shipped model.

    python3 tests/bench/start_up.py [--program build/longtake] [--runs 30] [--threads N]

Prints the least and the median of the runs, wall and processor time in milliseconds. On a machine
that others use too the processor time is the figure, and the least wall time is close to that of a
quiet machine. Linux alone: threads' times are read from /proc.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def whole_run(command: list[str]) -> tuple[float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def processor_seconds(process: int) -> float:
    """Of all threads so far."""
    return (
        sum(
            int((task / "schedstat").read_text().split()[0])
            for task in pathlib.Path(f"/proc/{process}/task").iterdir()
        )
        / 1e9
    )


def first_token(command: list[str]) -> tuple[float, float]:
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        for line in running.stderr:
            event = json.loads(line)
            if event["event"] == "step" and event["stage"] == "tokens":
                took = time.perf_counter() - began, processor_seconds(running.pid)
                running.kill()
                return took
    sys.exit(f"{' '.join(command)}: ended without a token")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--program", default=str(ROOT / "build/longtake"))
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--threads", default="0")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tokens = [
            given.program,
            "tokens",
            "a red ball bounces on a beach",
            "--seconds",
            "6",
            "--progress",
            "jsonl",
            "--threads",
            given.threads,
            "-o",
            os.path.join(folder, "take.lt"),
        ]
        cases = {
            "--version": lambda: whole_run([given.program, "--version"]),
            "-h": lambda: whole_run([given.program, "generate", "-h"]),
            "first token": lambda: first_token(tokens),
        }
        for name, run in cases.items():
            wall, processor = zip(*[run() for _ in range(given.runs)])
            print(
                f"{name:12} wall {min(wall) * 1e3:6.1f} (median {statistics.median(wall) * 1e3:6.1f}) ms   "
                f"processor {min(processor) * 1e3:6.1f} (median {statistics.median(processor) * 1e3:6.1f}) ms",
                flush=True,
            )


if __name__ == "__main__":
    main()
