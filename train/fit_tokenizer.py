"""Stage 4: the tokenizer, on features that `derive.py features` has written.

Segments have one semantic frame and 44 codes: 12 columns, 8 rows, both once more, and four for the
whole (spelled.py). Columns and rows are what rotary positions can address at once, since row j of
the codes sits at (j, j, j): a patch (y, x) finds the codes j = x, 12 + y, 20 + x and 32 + y by a
constant shift; the last four it finds by their mark. `row_and_column_start` sets the attention of
the fresh network to just that, and training goes on from there. The first part runs without the
quantiser; then k-means sets the codebook, which follows its inputs. Beside the squared error, the
read-outs of the picture network must survive: a patch that stays red and round.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from corpora import parted, semantic
from fit_vit import Heads
from net_tokenizer import Tokenizer
from spelled import IS_SPELLED, LEARNED, MARK_AT, spell, vectors
from training import Run, arguments, averaged_weights, config

BATCH = 16
UNQUANTISED = 0.15  # share of the plan before the codebook exists
# share of samples whose spelled codes are decoded as they should be
TOLD = 0.7
SETS = (("x", 0, 12), ("y", 12, 8), ("x", 20, 12), ("y", 32, 8))  # axis, first code, codes
CONSTANT, KIND, SET = 0, 1, 2  # channels that the start puts aside
MARKED = SET + len(SETS)  # of the decoder: codes of the whole
# blocks of the decoder: (head, set of codes; None: the whole)
READS = ((0, 0), (1, 1), (2, 2)), ((0, 3), (1, None), (2, 0))
# rotary pairs used, their strength, contrast of patches and codes
WAVES, SHARP, APART = 4, 8.0, 3.0


@torch.no_grad()
def row_and_column_start(model):
    """Attention by position, for a fresh network: codes gather their column or row, patches read
    their four codes and, by their mark, those of the whole."""
    dims, base = model.c["rope_dims"], model.c["rope_base"]
    offset = {"y": dims[0], "x": dims[0] + dims[1]}
    length = {"y": dims[1], "x": dims[2]}

    def look(vector, axis, shift):
        """Add waves to a head's vector whose product peaks where the position differs by
        `shift`."""
        for m in range(WAVES):
            a = shift * base ** (-2 * m / length[axis])
            vector[offset[axis] + 2 * m] += SHARP * np.cos(a)
            vector[offset[axis] + 2 * m + 1] += SHARP * np.sin(a)

    def head(matrix, h):
        """Rows of one head; the pairs that the waves use listen little to anything else."""
        rows = matrix.weight[64 * h : 64 * h + 64]
        for first in offset.values():
            rows[first : first + 2 * WAVES] *= 0.1
        return rows

    # a pair that hardly turns: for the kind
    slowest = dims[0] - 2
    for block in list(model.encoder.transformer) + list(model.decoder.transformer):
        block.ln_1.weight[CONSTANT], block.ln_1.bias[CONSTANT] = 0, 1
    encoder = model.encoder
    encoder.patch_embed.weight[KIND : SET + len(SETS)] = 0
    encoder.patch_embed.bias[KIND : SET + len(SETS)] = torch.tensor([3.0] + [0.0] * len(SETS))
    encoder.IFrame_latent_tokens[:, KIND : SET + len(SETS)] = 0
    encoder.IFrame_latent_tokens[:, KIND] = -3
    for block in encoder.transformer:
        q, k = head(block.attn.wq, 0), head(block.attn.wk, 0)
        q[:, CONSTANT : SET + len(SETS)] = 0
        k[:, CONSTANT : SET + len(SETS)] = 0
        for axis in "yx":
            look(k[:, CONSTANT], axis, 0)
        q[slowest, CONSTANT], k[slowest, KIND] = APART, APART
        for s, (axis, first, count) in enumerate(SETS):
            encoder.IFrame_latent_tokens[first : first + count, SET + s] = 6
            wave = torch.zeros(64)
            look(wave, axis, -first)
            q[:, SET + s] = wave / 8
    decoder = model.decoder
    decoder.mask_token[..., KIND] = 3
    decoder.decoder_embed.weight[KIND] = 0
    decoder.decoder_embed.bias[KIND] = -3
    # answers to that dimension alone
    marks = torch.linalg.pinv(model.quantizer.project_out.weight)[MARK_AT]
    decoder.mask_token[..., MARKED] = 0
    decoder.decoder_embed.weight[MARKED], decoder.decoder_embed.bias[MARKED] = marks, 0
    for block, reads in zip(decoder.transformer, READS):
        for h, s in reads:
            q, k = head(block.attn.wq, h), head(block.attn.wk, h)
            q[:, CONSTANT : KIND + 1] = 0
            k[:, CONSTANT : KIND + 1] = 0
            # the codes of the whole, wherever they stand
            if s is None:
                q[slowest, CONSTANT], k[slowest, MARKED], k[slowest, KIND] = (
                    APART**2,
                    APART,
                    -APART / 8,
                )
                continue
            axis, first, _ = SETS[s]
            look(q[:, CONSTANT], axis, first)
            look(k[:, CONSTANT], axis, 0)
            q[slowest, CONSTANT], k[slowest, KIND] = APART, -APART


def held_gaze(decoder):
    """Keeps the heads of the start where they look. Left to training, the one for columns came to
    read a blur of three, and with it went all that the waves of the way say."""
    for block, _ in zip(decoder.transformer, READS):
        for matrix in (block.attn.wq, block.attn.wk):
            matrix.requires_grad_(False)


class Samples:
    """Random semantic frames: features [n,1,C,8,12], object cover per patch [n,1,96], spelled codes
    [n,24]."""

    def __init__(self, folder, seed, held=False):
        records = [
            r
            for kind in ("plans", "long", "takes")
            for r in sorted(Path(folder).glob(f"{kind}_[0-9]*.pt"))
            if r.with_suffix(".features.npy").exists()
        ]
        self.parts = [
            (np.load(r.with_suffix(".features.npy"), mmap_mode="r"), *self.truth(r))
            for r in parted(records, held, folder)
        ]
        self.rng = np.random.default_rng(seed)

    @staticmethod
    def truth(record):
        """-> cover [N,T,96], spelled codes [N,T,24]"""
        truth = torch.load(record, weights_only=False)
        shown = semantic(truth)
        cover = F.avg_pool2d(truth["cover"][:, shown].amax(2).float() / 255, 4).flatten(2)
        return cover, spell(truth["bodies"][:, shown], truth["hues"][:, shown])

    def __call__(self, n):
        f, cover, codes = [], [], []
        for _ in range(n):
            features, covers, spelled = self.parts[int(self.rng.integers(len(self.parts)))]
            i, t = int(self.rng.integers(len(features))), int(self.rng.integers(features.shape[1]))
            f.append(torch.from_numpy(features[i, t : t + 1].copy()).float())
            cover.append(covers[i, t : t + 1])
            codes.append(spelled[i, t])
        return torch.stack(f), torch.stack(cover), torch.stack(codes)


def load_heads(out):
    state = averaged_weights("vit", out)
    heads = Heads(config("tokenizer")["feature_channels"])
    heads.load_state_dict({k[6:]: v for k, v in state.items() if k.startswith("heads.")})
    return heads.requires_grad_(False)


def patches(features):
    return features.flatten(0, 1).flatten(2).transpose(1, 2)  # [B*T,96,C]


def distance(heads, got, want, cover):
    """-> loss, numbers. Squared error (objects count seven more) and what the read-outs lose."""
    weight = 1 + 7 * (cover > 0.02).float().flatten(0, 1)
    g, w = patches(got), patches(want)
    error = (g - w).pow(2).mean(-1)
    mse = (error * weight).sum() / weight.sum()
    read, truth = heads(g), {k: v.detach() for k, v in heads(w).items()}
    soft = sum(
        (
            (F.kl_div(read[k].log_softmax(-1), truth[k].softmax(-1), reduction="none").sum(-1))
            * weight
        ).sum()
        / weight.sum()
        for k in ("object", "colour")
    )
    rgb = ((read["rgb"] - truth["rgb"]).pow(2).mean(-1) * weight).sum() / weight.sum()
    cells = (torch.sigmoid(read["cover"]) - torch.sigmoid(truth["cover"])).pow(2).mean()
    place = ((read["place"] - truth["place"]).abs().mean(-1) * (weight - 1)).sum() / (
        weight - 1
    ).sum().clamp(min=1)
    covered = weight > 1
    kept = {
        k: (read[k].argmax(-1) == truth[k].argmax(-1))[covered].float().mean().item()
        if covered.any()
        else 1.0
        for k in ("object", "colour")
    }
    loss = mse + 0.5 * soft + 4 * rgb + 2 * cells + 0.2 * place
    return loss, {
        "mse": error.mean().item(),
        "rgb_db": -10 * np.log10((read["rgb"] - truth["rgb"]).pow(2).mean().item() / 4),
        **kept,
    }


def spelling_loss(book, given, spelled, cover):
    """Distance of the encoder's vectors to the spelled ones. Frames without a visible object teach
    nothing."""
    seen = (cover.amax((1, 2)) > 0.1).float()
    error = (given - book[spelled]).pow(2).mean((1, 2))
    return (error * seen).sum() / seen.sum().clamp(min=1)


def main():
    a = arguments(plan=16.0)
    torch.manual_seed(0)
    model, heads = Tokenizer(config("tokenizer")), load_heads(a.out).to(a.device)
    quantizer, book = model.quantizer, model.quantizer._codebook
    quantizer.learned, quantizer.given = LEARNED, IS_SPELLED
    fixed = vectors(book.embed.shape[-1])
    book.embed[0, LEARNED:] = fixed
    row_and_column_start(model)
    held_gaze(model.decoder)
    run = Run(
        "tokenizer",
        model.to(a.device),
        a,
        lr=0.02,
        adam_lr=1.5e-3,
        warmup=40,
        average=0.99,
        adam_only=(
            "tokens",
            "mask_token",
            "decoder_embed",
            "patch_embed",
            "proj_out",
            "quantizer",
            "ffn",
            "ln_",
        ),
    )
    data = Samples(f"{a.out}/corpora", run.steps + 1)
    used = torch.zeros(book.embed.shape[1], device=a.device)
    for progress in run:
        f, cover, spelled = (x.to(a.device) for x in data(BATCH))
        told = torch.where(torch.rand(BATCH, 1, device=a.device) < TOLD, spelled, -1)
        quantise = progress > UNQUANTISED
        if quantise and not book.initted.item():
            with torch.no_grad():
                rope, mask, _ = model.table(1)
                z = [
                    quantizer.project_in(model.encoder(data(16)[0].to(a.device), rope, mask))[
                        :, ~IS_SPELLED
                    ].flatten(0, 1)
                    for _ in range(20)
                ]
                quantizer.begin(torch.cat(z), fixed)
                # no average with what was before
                for name in ("embed", "embed_avg", "cluster_size", "initted"):
                    run.mean[f"quantizer._codebook.{name}"].copy_(getattr(book, name))
        got, index, commit, given = model(f, quantise, told if quantise else spelled)
        loss, numbers = distance(heads, got, f, cover)
        spelling = spelling_loss(book.embed[0], given, spelled, cover)
        if index is not None:
            used.mul_(0.98)[index.flatten()] += 1
        run.step(
            loss + 0.25 * commit + 0.2 * spelling,
            **numbers,
            spelling=spelling,
            used=(used[:LEARNED] > 0.01).float().mean().item(),
        )
    if not book.initted.item():
        print(f"no codebook yet, it begins at {UNQUANTISED:.0%} of the plan", flush=True)
        return
    model.load_state_dict(run.mean)
    model.eval()
    held = Samples(f"{a.out}/corpora", 3, held=True)
    with torch.no_grad():
        for name in ("spelled codes given", "all codes from the picture"):
            rows = []
            for _ in range(8):
                f, cover, spelled = (x.to(a.device) for x in held(32))
                own = torch.full_like(spelled, -1)
                rows.append(
                    distance(
                        heads, model(f, True, spelled if "given" in name else own)[0], f, cover
                    )[1]
                )
            print(
                f"held-out frames, {name}:",
                {k: round(float(np.mean([r[k] for r in rows])), 3) for k in rows[0]},
            )


if __name__ == "__main__":
    main()
