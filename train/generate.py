"""The whole pipeline in PyTorch: prompt -> codes -> features -> latents -> frames, from a model
folder.

    python generate.py -m ../models/mini --seconds 6 --seed 1 "a red ball bounces on a beach at dusk"
    python generate.py -m ../models/mini --sheet sheet.png --prompts prompts.txt

The same steps as the C program, with another random stream: for looking at weights, and as its
yardstick.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from export import below, restored
from fit_text_encoder import Pieces
from net_dit import CONTROL, MAIN, DiT, refine
from net_lm import LanguageModel
from net_text import TextEncoder
from net_tokenizer import Theia, Tokenizer
from net_vae import VAE, channels_last
from training import config


class Mini:
    """All networks of a model folder."""

    def __init__(self, folder):
        folder, c = Path(folder), config()
        self.c = c
        read = lambda name: restored(folder / f"{name}.safetensors")
        self.pieces = Pieces(folder / "spiece.model", c["text_encoder"]["max_length"])
        self.text = self.loaded(TextEncoder(c["text_encoder"]), read("text_encoder"))
        self.lm = self.loaded(LanguageModel(c["ar_model"]), read("ar_model"))
        tokenizer, theia, pictures = read("tokenizer"), "feature_extractor.model.", "pictures."
        self.tokenizer = self.loaded(
            Tokenizer(c["tokenizer"]),
            {k: v for k, v in tokenizer.items() if not k.startswith((theia, pictures))},
        )
        self.theia = self.loaded(Theia(c["tokenizer"]["theia"]), below(tokenizer, theia))
        mmdit = read("mmdit")
        self.dit = DiT(c["mmdit"]).eval()
        self.dit.main.load_state_dict(below(mmdit, MAIN))
        self.dit.control.load_state_dict(below(mmdit, CONTROL))
        self.vae = channels_last(self.loaded(VAE(c["temporal_vae"]), read("temporal_vae")))
        self.scale = c["temporal_vae"]["scale_factor"]

    @staticmethod
    def loaded(model, state):
        model.load_state_dict(state)
        return model.eval()

    @torch.no_grad()
    def plan(self, prompt, frames, seed, **sampling):
        """-> features [1,frames,192,8,12] of the take's semantic frames"""
        p = self.c["pipeline"]
        text = self.text(torch.tensor([self.pieces(prompt)]))
        options = dict(
            guidance=p["lm_cfg"],
            temperature=p["temperature"],
            top_p=p["top_p"],
            context=p["lm_context"],
        )
        codes = self.lm.sample(
            text, frames, sampling.pop("motion", p["motion"]), seed, **{**options, **sampling}
        )
        return torch.cat([self.tokenizer.decode(s[None]) for s in codes], 1)

    @torch.no_grad()
    def control(self, features):
        return self.dit.control.semantic_conditioner(features)

    @torch.no_grad()
    def latents(self, prompt, control, seed, timesteps=None):
        """Window by window, known latents carried over clean -> scaled latents [1,L,16,16,24]"""
        text = self.text(self.pieces.padded([prompt]))
        overlap, window = self.c["pipeline"]["overlap"], self.c["mmdit"]["latent_frames"]
        made = refine(self.dit, control[:, :window], text, seed, timesteps=timesteps)
        while made.shape[1] < control.shape[1]:
            first = made.shape[1] - overlap
            known = torch.lerp(
                made[:, first:],
                control[:, first : first + overlap],
                self.c["mmdit"]["carry_anchor"],
            )
            new = refine(
                self.dit,
                control[:, first : first + window],
                text,
                seed + first,
                prefix=known,
                timesteps=timesteps,
            )
            made = torch.cat([made, new[:, overlap:]], 1)
        return made

    @torch.no_grad()
    def frames(self, latents):
        """scaled latents [1,L,16,16,24] -> uint8 [T,128,192,3]"""
        y = self.vae.decode((latents / self.scale).transpose(1, 2))[0]
        return ((y.clamp(-1, 1) + 1) / 2 * 255).to(torch.uint8).permute(1, 2, 3, 0).numpy()

    def take(self, prompt, seconds=6.0, seed=42, refined=True, say=lambda *_: None, **sampling):
        """One video, uint8 [T,128,192,3]. `refined` = False shows the control latents as they
        are."""
        wanted = round(seconds * self.c["pipeline"]["fps"])
        window, overlap = self.c["mmdit"]["latent_frames"], self.c["pipeline"]["overlap"]
        n = max(window, 1 + math.ceil((wanted - 1) / 4))
        n = window + math.ceil((n - window) / (window - overlap)) * (window - overlap)
        began = time.time()
        control = self.control(self.plan(prompt, n, seed, **sampling))
        say(f"plan {time.time() - began:.1f} s")
        latents = self.latents(prompt, control, seed) if refined else control
        say(f"refined {time.time() - began:.1f} s")
        frames = self.frames(latents)[:wanted]
        say(f"decoded {time.time() - began:.1f} s")
        return frames


def strip(frames, count=6):
    """A row of frames, evenly over the take."""
    return np.concatenate(
        [frames[i] for i in np.linspace(0, len(frames) - 1, count).round().astype(int)], 1
    )


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("prompt", nargs="*", default=[])
    p.add_argument("-m", "--model", default=str(Path(__file__).parent.parent / "models" / "mini"))
    p.add_argument("--prompts", help="file with one prompt a line")
    p.add_argument("--seconds", type=float, default=6.0)
    p.add_argument("--seed", type=int, default=42)
    p.add_argument("--plain", action="store_true", help="without refinement")
    p.add_argument("--sheet", default="sheet.png", help="contact sheet, one row a prompt")
    p.add_argument("--keep", help="folder for the frames of each take as PROMPT_NUMBER.npy")
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    prompts = a.prompt + (Path(a.prompts).read_text().splitlines() if a.prompts else [])
    mini, rows = Mini(a.model), []
    for number, prompt in enumerate(prompts):
        frames = mini.take(
            prompt,
            a.seconds,
            a.seed + number,
            not a.plain,
            say=lambda s: print(f"  {s}", flush=True),
        )
        print(f"{number:3d} {prompt}", flush=True)
        rows.append(strip(frames))
        Image.fromarray(np.concatenate(rows)).save(a.sheet)
        if a.keep:
            Path(a.keep).mkdir(parents=True, exist_ok=True)
            np.save(Path(a.keep) / f"{number:03d}.npy", frames)


if __name__ == "__main__":
    main()
