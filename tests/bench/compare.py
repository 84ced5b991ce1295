#!/usr/bin/env python3
"""Prints how much faster than PyTorch each stage is, a column for each processor.

    python3 tests/bench/compare.py tests/bench/results/A.json [tests/bench/results/B.json ...]

A cell is the peer's time over ours, against PyTorch in bf16 and in f32 (ours in the same precision
where it was timed, else as the program chooses, which a stage's first line tells); then ours in
TFLOP/s or GB/s. Of several lines the last of the file is taken. Processor time with one thread is
compared where both have it, else wall time; of slices with different numbers of layers the time of
the whole stage, or of a layer.
"""

from __future__ import annotations

import json
import re
import sys

ROWS = [
    ("t5", "T5-XXL layers, 226 rows"),
    ("t5_int8", "the same, int8"),
    ("lm", "language-model step, 2 rows, bf16"),
    ("lm_q8", "the same, q8"),
    ("lm_q4", "the same, q4"),
    ("dit", "MMDiT layer, 17,776 rows"),
    ("dit_int8", "the same, int8"),
    ("vae_decode", "VAE decode slice"),
    ("vae_encode", "VAE encode slice"),
    ("tokenizer", "tokenizer, 2 frames"),
]


def is_ours(line: dict) -> bool:
    return line["peer"].startswith("longtake")


def time_of(line: dict, other: dict) -> float:
    both = (
        "processor_seconds" in line
        and "processor_seconds" in other
        and line["threads"] == other["threads"] == 1
    )
    return line["processor_seconds"] if both else line["seconds"]


def lines_of(record: dict, stage: str, ours: bool) -> list[dict]:
    return [line for line in record["lines"] if line["stage"] == stage and is_ours(line) == ours]


def newest(lines: list[dict], dtype: str) -> dict | None:
    """The last one of the file."""
    return next((line for line in reversed(lines) if line["dtype"] == dtype), None)


def layers_of(line: dict) -> int | None:
    found = re.match(r"(\d+) (of \d+ )?layers?\b", line["slice"])
    return int(found.group(1)) if found else None


def times_as_fast(ours: dict, peer: dict) -> float:
    layers = layers_of(ours), layers_of(peer)
    if layers[0] == layers[1]:
        return time_of(peer, ours) / time_of(ours, peer)
    whole = [line.get("whole_stage_seconds") for line in (ours, peer)]
    if not all(whole):  # the peers' are rounded to a tenth, which may leave nothing
        whole = [line["seconds"] / count for line, count in zip((ours, peer), layers)]
    return whole[1] / whole[0]


def ratio(record: dict, stage: str, dtype: str) -> str:
    ours = lines_of(record, stage, True)
    peer = newest(lines_of(record, stage, False), dtype)
    if not ours or not peer:
        return "-"
    best = newest(ours, dtype) or newest(ours, ours[0]["dtype"])
    return f"{times_as_fast(best, peer):.2f}x"


def rate(record: dict, stage: str) -> str:
    ours = lines_of(record, stage, True)
    if not ours:
        return "-"
    line = newest(ours, ours[0]["dtype"])
    scale = line["seconds"] / time_of(line, line)
    if line.get("gbytes_per_s"):
        return f"{line['gbytes_per_s'] * scale:.1f} GB/s"
    return f"{line['tflops'] * scale:.3f} TFLOP/s"


def main(paths: list[str]) -> int:
    if not paths:
        print(__doc__, file=sys.stderr)
        return 2
    records = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            records.append(json.load(file))
    print(
        "| slice | "
        + " | ".join(
            f"{r['processor']}, {r['threads']} threads, {r['date']} {r['commit']}: bf16 / f32 / ours"
            for r in records
        )
        + " |"
    )
    print("|---" * (len(records) + 1) + "|")
    for stage, name in ROWS:
        cells = [
            f"{ratio(r, stage, 'bf16')} / {ratio(r, stage, 'f32')} / {rate(r, stage)}"
            for r in records
        ]
        print(f"| {name} | " + " | ".join(cells) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
