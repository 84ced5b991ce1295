#!/usr/bin/env python3
"""Times PyTorch, as transformers and diffusers use it, at the slices that `longtake bench` times.

    python3 tests/bench/peer_torch.py [t5] [lm] [dit] [vae_decode] [vae_encode] [--dtype bf16|f32] [--device cpu|cuda] [--threads 2] [--repeat 3]

The released model's sizes with random weights, of each stage a slice that fits into memory. Prints
a line of JSON a stage with the fields of `longtake bench --json`; `seconds` is the best of the
repeats, `processor_seconds` that of the processor time of all threads, `whole_stage_seconds` the
time of the stage for one clip of 49 frames. Needs torch, torchvision, transformers, diffusers and
accelerate. Only the ratio of two programs in one run means anything on a shared machine; record.py
takes turns.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable

import torch

DTYPES = {"bf16": torch.bfloat16, "f32": torch.float32}
FRAMES, HEIGHT, WIDTH = 49, 480, 720  # of the released model's clip
LATENTS, LATENT_HEIGHT, LATENT_WIDTH = 13, 60, 90
TEXT_ROWS, TEXT_WIDTH = 226, 4096
LM_WIDTH, LM_FEED_FORWARD, LM_HEADS, LM_LAYERS = 2048, 11008, 16, 24
LM_CODES = 1244  # of a clip
DECODE_FLOP = 313e12  # of a clip
ENCODER_SHARE = 92.2 / 123.4  # of the decoder's work: as their parameters, which is rough


class Bench:
    """How a stage is timed and told."""

    def __init__(self, device: str, dtype: str, threads: int, repeat: int) -> None:
        self.device, self.name, self.dtype = device, dtype, DTYPES[dtype]
        self.threads, self.repeat = threads, repeat

    def ready(self, network: torch.nn.Module) -> torch.nn.Module:
        """Small random weights in the type that is timed"""
        with torch.no_grad():
            for values in network.parameters():
                values.uniform_(-0.02, 0.02)
        return network.to(self.dtype).eval()

    def noise(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=self.dtype)

    def timed(self, call: Callable[[], object], repeat: int) -> tuple[float, float]:
        """-> least wall time and least processor time of a call, behind one that does not count"""
        wall, processor = [], []
        for i in range(repeat + 1):
            began, used = time.perf_counter(), time.process_time()
            call()
            if self.device == "cuda":
                torch.cuda.synchronize()
            if i > 0:
                wall.append(time.perf_counter() - began)
                processor.append(time.process_time() - used)
        return min(wall), min(processor)

    def tell(
        self,
        stage: str,
        what: str,
        call: Callable[[], object],
        flop: float,
        slices: float,
        repeat: int = 0,
        gbytes: float = 0,
    ) -> None:
        """`slices` of them are the stage; `gbytes` are read by one."""
        seconds, processor_seconds = self.timed(call, repeat or self.repeat)
        line = {
            "peer": f"torch-{torch.__version__}",
            "stage": stage,
            "slice": what,
            "device": self.device,
            "dtype": self.name,
            "threads": self.threads,
            "seconds": round(seconds, 4),
            "processor_seconds": round(processor_seconds, 4),
            "tflops": round(flop / seconds / 1e12, 3),
            "gbytes_per_s": round(gbytes / seconds, 1) if gbytes else None,
            "whole_stage_seconds": round(seconds * slices, 1),
        }
        print(json.dumps(line), flush=True)


def t5(bench: Bench) -> None:
    from transformers import T5Config, T5EncoderModel

    layers, feed_forward = 2, 10240
    config = T5Config(
        vocab_size=1000,
        d_model=TEXT_WIDTH,
        d_kv=64,
        d_ff=feed_forward,
        num_layers=layers,
        num_heads=64,
        feed_forward_proj="gated-gelu",
        dropout_rate=0.0,
    )
    network = bench.ready(T5EncoderModel(config))
    ids = torch.randint(0, 1000, (1, TEXT_ROWS))
    weights = layers * (4 * TEXT_WIDTH * TEXT_WIDTH + 3 * TEXT_WIDTH * feed_forward)
    bench.tell(
        "t5",
        f"{layers} of 24 layers, {TEXT_ROWS} tokens",
        lambda: network(ids),
        2 * TEXT_ROWS * weights,
        24 / layers,
    )


def lm(bench: Bench) -> None:
    from transformers import LlamaConfig, LlamaModel
    from transformers.cache_utils import DynamicCache

    layers, rows, past = 4, 2, 700
    config = LlamaConfig(
        vocab_size=2055,
        hidden_size=LM_WIDTH,
        intermediate_size=LM_FEED_FORWARD,
        num_hidden_layers=layers,
        num_attention_heads=LM_HEADS,
        num_key_value_heads=LM_HEADS,
        hidden_act="gelu_pytorch_tanh",
    )
    network = bench.ready(LlamaModel(config))
    earlier = [
        [torch.zeros(rows, LM_HEADS, past, LM_WIDTH // LM_HEADS, dtype=bench.dtype)] * 2
        for _ in range(layers)
    ]
    ids, at = torch.zeros(rows, 1, dtype=torch.long), torch.full((rows, 1), past)

    def step() -> None:
        cache = DynamicCache()
        for layer, (keys, values) in enumerate(earlier):
            cache.update(keys, values, layer)
        network(input_ids=ids, past_key_values=cache, position_ids=at)

    weights = layers * (4 * LM_WIDTH * LM_WIDTH + 3 * LM_WIDTH * LM_FEED_FORWARD)
    bench.tell(
        "lm",
        f"{layers} of {LM_LAYERS} layers, one step, batch {rows} (guidance), {past} earlier tokens",
        step,
        2 * rows * weights,
        LM_LAYERS / layers * LM_CODES,
        repeat=4 * bench.repeat,
        gbytes=weights * bench.dtype.itemsize / 1e9,
    )


def dit(bench: Bench) -> None:
    from diffusers import CogVideoXTransformer3DModel

    layers, width = 1, 1920
    network = bench.ready(
        CogVideoXTransformer3DModel(
            num_attention_heads=30,
            attention_head_dim=64,
            in_channels=16,
            out_channels=16,
            num_layers=layers,
            text_embed_dim=TEXT_WIDTH,
            time_embed_dim=512,
            sample_width=LATENT_WIDTH,
            sample_height=LATENT_HEIGHT,
            sample_frames=FRAMES,
        )
    )
    latents = bench.noise(1, LATENTS, 16, LATENT_HEIGHT, LATENT_WIDTH)
    text, timestep = bench.noise(1, TEXT_ROWS, TEXT_WIDTH), torch.tensor([500])
    rows = TEXT_ROWS + LATENTS * LATENT_HEIGHT * LATENT_WIDTH // 4
    bench.tell(
        "dit",
        f"{layers} layer, {rows:,} rows, one item (whole stage: 45 layers x 2 items x 50 steps)",
        lambda: network(latents, text, timestep),
        layers * (2 * rows * 12 * width * width + 4 * rows * rows * width),
        45 / layers * 2 * 50,
        repeat=max(1, bench.repeat - 1),
    )


def vae(bench: Bench) -> torch.nn.Module:
    from diffusers import AutoencoderKLCogVideoX

    return bench.ready(AutoencoderKLCogVideoX())


def vae_decode(bench: Bench) -> None:
    network, latents, height, width = vae(bench), 3, 30, 44
    frames = 4 * (latents - 1) + 1
    share = frames / FRAMES * height * width / (LATENT_HEIGHT * LATENT_WIDTH)
    z = bench.noise(1, 16, latents, height, width)
    bench.tell(
        "vae_decode",
        f"{latents} latents {height}x{width} -> {frames} frames",
        lambda: network.decode(z),
        DECODE_FLOP * share,
        1 / share,
        repeat=max(1, bench.repeat - 1),
    )


def vae_encode(bench: Bench) -> None:
    network, frames, height, width = vae(bench), 9, 240, 352
    share = frames / FRAMES * height * width / (HEIGHT * WIDTH)
    pixels = bench.noise(1, 3, frames, height, width)
    bench.tell(
        "vae_encode",
        f"{frames} frames {height}x{width}",
        lambda: network.encode(pixels),
        DECODE_FLOP * ENCODER_SHARE * share,
        1 / share,
        repeat=max(1, bench.repeat - 1),
    )


STAGES = {f.__name__: f for f in (t5, lm, dit, vae_decode, vae_encode)}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=", ".join(STAGES))
    parser.add_argument("--dtype", default="bf16", choices=DTYPES)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    for stage in given.stages:
        if stage not in STAGES:
            parser.error(f"no stage '{stage}', expected some of {', '.join(STAGES)}")
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    torch.set_default_device(given.device)
    # the weights are set anew: what costs minutes at these sizes is left out
    for name in ("kaiming_uniform_", "uniform_", "normal_", "xavier_uniform_", "trunc_normal_"):
        setattr(torch.nn.init, name, lambda tensor, *rest, **named: tensor)
    bench = Bench(given.device, given.dtype, given.threads, given.repeat)
    with torch.inference_mode():
        for stage in given.stages or STAGES:
            STAGES[stage](bench)
    return 0


if __name__ == "__main__":
    sys.exit(main())
