#!/usr/bin/env python3
"""Times longtake and its peers stage by stage, one after the other, and writes one JSON file for
this kind of processor.

    python3 tests/bench/record.py --program build/longtake --peers tests/bench/peer_torch.py --output tests/bench/results/zen3.json [--threads N] [STAGE...]

`--peers` is a script that takes a stage, --dtype and --threads and prints JSON lines with the
fields of `longtake bench --json`; without it ours alone are timed. On a machine that others use
too, `processor_seconds` with one thread is the figure to compare; it is kept beside `seconds`, with
the load of the moment. compare.py reads the file.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys

STAGES = [
    "t5",
    "t5_int8",
    "lm",
    "lm_q8",
    "lm_q4",
    "dit",
    "dit_int8",
    "vae_decode",
    "vae_encode",
    "tokenizer",
]
OURS_ALONE = {"t5_int8", "lm_q8", "lm_q4", "dit_int8", "tokenizer"}  # the peers have no such stage


def lines_of(command: list[str]) -> list[dict]:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        print(f"record: {' '.join(command)}: exit code {done.returncode}", file=sys.stderr)
        return []
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for line in found:
        line["load"] = round(os.getloadavg()[0], 1)
    return found


def commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, text=True, check=False
    ).stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stages", nargs="*", default=STAGES)
    parser.add_argument("--program", default="build/longtake")
    parser.add_argument("--peers")
    parser.add_argument("--peer-dtypes", default="bf16,f32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", required=True)
    given = parser.parse_args()
    threads = str(given.threads)
    record = {
        "date": datetime.date.today().isoformat(),
        "commit": commit(),
        "threads": given.threads,
        "lines": [],
    }
    for stage in given.stages:
        record["lines"] += lines_of(
            [given.program, "bench", "--json", "--stage", stage, "--threads", threads]
        )
        for dtype in (
            given.peer_dtypes.split(",") if given.peers and stage not in OURS_ALONE else []
        ):
            record["lines"] += lines_of(
                [sys.executable, given.peers, stage, "--dtype", dtype, "--threads", threads]
            )
        record["processor"] = next(
            (line["processor"] for line in record["lines"] if "processor" in line), "unknown"
        )
        with open(given.output, "w", encoding="utf-8") as out:
            json.dump(record, out, indent=1)
            out.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
