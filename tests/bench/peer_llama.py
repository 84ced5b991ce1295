#!/usr/bin/env python3
"""Times llama.cpp at the language model's step that `longtake bench --stage lm|lm_q8|lm_q4` times.

    python3 tests/bench/peer_llama.py --program build/longtake [--threads 2] [--turns 3] [bf16 q8 q4]

A file of random weights is made for each kind (width 2048, feed-forward 11008, 16 heads of 128,
2055 tokens; layers of 700 MB, so that no cache keeps them), stepped with two sequences behind 700
tokens, in turns with longtake. Prints the best step of each turn and the ratio of the medians.
Needs NumPy, gguf and llama-cpp-python, built on this machine.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import gguf
import llama_cpp
import numpy as np

WIDTH, FEED_FORWARD, HEADS, VOCABULARY = 2048, 11008, 16, 2055
PAST, SEQUENCES, STEPS = 700, 2, 24
KINDS = {  # of longtake's stages: layers as there, how llama.cpp stores them
    "bf16": ("lm", 4, gguf.GGMLQuantizationType.BF16, llama_cpp.LLAMA_FTYPE_MOSTLY_BF16),
    "q8": ("lm_q8", 8, gguf.GGMLQuantizationType.Q8_0, llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0),
    "q4": ("lm_q4", 16, gguf.GGMLQuantizationType.Q4_0, llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0),
}


def write_model(
    path: pathlib.Path, layers: int, stored: gguf.GGMLQuantizationType, file_type: int
) -> None:
    w = gguf.GGUFWriter(path, "llama")
    w.add_vocab_size(VOCABULARY)
    w.add_context_length(4096)
    w.add_embedding_length(WIDTH)
    w.add_block_count(layers)
    w.add_feed_forward_length(FEED_FORWARD)
    w.add_head_count(HEADS)
    w.add_head_count_kv(HEADS)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(WIDTH // HEADS)
    w.add_rope_freq_base(10000.0)
    w.add_tokenizer_model("no_vocab")
    w.add_file_type(file_type)
    rng = np.random.default_rng(0)

    def matrix(name: str, rows: int, columns: int) -> None:
        values = (rng.random((rows, columns), dtype=np.float32) - 0.5) * 0.04
        w.add_tensor(name, gguf.quants.quantize(values, stored), raw_dtype=stored)

    matrix("token_embd.weight", VOCABULARY, WIDTH)
    matrix("output.weight", VOCABULARY, WIDTH)
    w.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for i in range(layers):
        for norm in ("attn_norm", "ffn_norm"):
            w.add_tensor(f"blk.{i}.{norm}.weight", np.ones(WIDTH, np.float32))
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            matrix(f"blk.{i}.{name}.weight", WIDTH, WIDTH)
        for name in ("ffn_gate", "ffn_up"):
            matrix(f"blk.{i}.{name}.weight", FEED_FORWARD, WIDTH)
        matrix(f"blk.{i}.ffn_down.weight", WIDTH, FEED_FORWARD)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def fill(batch: llama_cpp.llama_batch, rows: list[tuple[int, int, int]], logits: bool) -> None:
    """rows: (token, position, sequence)"""
    batch.n_tokens = len(rows)
    for i, (token, position, sequence) in enumerate(rows):
        batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.seq_id[i][0], batch.logits[i] = (
            token,
            position,
            1,
            sequence,
            logits,
        )


def decode(context: llama_cpp.llama_context_p, batch: llama_cpp.llama_batch) -> None:
    code = llama_cpp.llama_decode(context, batch)
    if code != 0:
        raise RuntimeError(f"llama_decode: found {code}, expected 0")


def best_step(path: pathlib.Path, threads: int) -> float:
    """-> seconds of the fastest step of two sequences"""
    model = llama_cpp.llama_model_load_from_file(
        str(path).encode(), llama_cpp.llama_model_default_params()
    )
    settings = llama_cpp.llama_context_default_params()
    settings.n_ctx, settings.n_seq_max = (PAST + STEPS + 64) * SEQUENCES, SEQUENCES
    settings.n_threads = settings.n_threads_batch = threads
    context = llama_cpp.llama_init_from_model(model, settings)
    batch = llama_cpp.llama_batch_init(PAST, 0, SEQUENCES)
    for sequence in range(SEQUENCES):
        fill(batch, [(i * 37 % VOCABULARY, i, sequence) for i in range(PAST)], False)
        decode(context, batch)
    best = float("inf")
    for step in range(STEPS):
        fill(batch, [(step, PAST + step, sequence) for sequence in range(SEQUENCES)], True)
        begun = time.perf_counter()
        decode(context, batch)
        llama_cpp.llama_get_logits_ith(context, 0)
        best = min(best, time.perf_counter() - begun)
    llama_cpp.llama_batch_free(batch)
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
    return best


def longtake_step(program: str, stage: str, threads: int) -> float:
    command = [
        program,
        "bench",
        "--stage",
        stage,
        "--precision",
        "bf16",
        "-t",
        str(threads),
        "--json",
    ]
    return json.loads(
        subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[
            -1
        ]
    )["seconds"]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--program", default="build/longtake")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=3)
    a = parser.parse_args()
    quiet = llama_cpp.llama_log_callback(lambda level, text, user: None)
    llama_cpp.llama_log_set(quiet, None)
    llama_cpp.llama_backend_init()
    with tempfile.TemporaryDirectory() as folder:
        for kind in a.kinds:
            stage, layers, stored, file_type = KINDS[kind]
            path = pathlib.Path(folder, f"{kind}.gguf")
            write_model(path, layers, stored, file_type)
            turns = [
                (longtake_step(a.program, stage, a.threads), best_step(path, a.threads))
                for _ in range(a.turns)
            ]
            path.unlink()
            ours, theirs = (statistics.median(side) for side in zip(*turns))
            print(
                f"{kind}, {layers} layers: longtake {ours * 1e3:.1f} ms, llama.cpp {theirs * 1e3:.1f} ms, {theirs / ours:.2f} times as fast; turns "
                + "; ".join(f"{x * 1e3:.1f} and {y * 1e3:.1f}" for x, y in turns),
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
