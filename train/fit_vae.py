"""Stage 2: the temporal VAE on full frames, decoded call by call as in use.

    python fit_vae.py                               # --warm FILE starts from earlier weights, of a model folder or a checkpoint
    python fit_vae.py --stage decoder --plan 30     # later: encoder fixed, decoder alone, on noisy latents
    python fit_vae.py --stage settled --plan 14     # last: the same decoder, every other batch from the upsampler's latents
    python fit_vae.py --stage clips                 # PSNR of two clips that ffmpeg makes, which look like nothing here

Clips have 17 frames: the first two calls of a video, or two later ones after a call that only
leaves its history. Errors weigh more where the picture moves, on objects and from call to call.
Once the encoder is fixed, a part of the clips shows other things than the world (`others`).
`settled` begins with what `decoder` made, both with `--warm FILE` where that is given. `--compile
1` is for GPUs.
"""

import math
import subprocess
import time
from pathlib import Path

import numpy as np
import torch
import torch._dynamo
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file

import net_vae
from fit_upsampler import control_latents, latent_scale, networks, records_of
from net_vae import CALL, VAE, CausalConv, SpatialNorm, channels_last
from spelled import CODES
from training import Run, arguments, config, lowered, save_atomically

FRAMES = 2 * CALL + 1  # of a clip
# weight of the change from one decoder call to the next
AT_CALLS = 24.0
# weight of squared errors, which PSNR counts, where latents are the true ones
SQUARES = 8.0
# share of clips of other things, and what their errors, far larger ones, are multiplied with
OTHERS, THEIRS = 0.15, 0.25


def as_video(frames):
    """uint8 [B,T,H,W,3] -> [B,3,T,H,W] in [-1,1], channels last"""
    return frames.permute(0, 4, 1, 2, 3).float() / 127.5 - 1


class Takes:
    """The rendered takes, on the device."""

    def __init__(self, out, kind, device):
        # frames are not kept of all
        self.records = [r for r in records_of(out, kind) if r.with_suffix(".npy").exists()]
        if not self.records:
            raise SystemExit(
                f"{out}/corpora: no frames of {kind}, expected {kind}_000.npy and .pt (corpora.py)"
            )
        self.video = self.made("", device)
        self.cover = torch.cat(
            [torch.load(r, weights_only=False)["cover"].amax(2).to(device) for r in self.records]
        )
        self.device = device

    def made(self, what, device):
        """What there is of the takes, as `.latents`"""
        return torch.cat(
            [
                torch.from_numpy(np.load(r.with_suffix(f"{what}.npy"))).to(device)
                for r in self.records
            ]
        )

    def clips(self, n, t, frames=FRAMES):
        """`frames` frames of takes n from frames t on, [B] both -> video [B,3,T,H,W], object cover
        [B,1,T,H,W]"""
        at = n[:, None], t[:, None] + torch.arange(frames, device=self.device)
        cover = self.cover[at].float()[:, None] / 255
        return as_video(self.video[at]), cover.repeat_interleave(4, 3).repeat_interleave(4, 4)

    def drawn(self, batch, last):
        """Random takes and random numbers 0 .. last"""
        return (
            torch.randint(high, (batch,), device=self.device)
            for high in (len(self.video), last + 1)
        )

    def anywhere(self, batch):
        """Clips from anywhere, half of them mirrored."""
        x, cover = self.clips(*self.drawn(batch, self.video.shape[1] - FRAMES))
        mirrored = torch.rand(batch, 1, 1, 1, 1, device=self.device) < 0.5
        return torch.where(mirrored, x.flip(4), x), torch.where(mirrored, cover.flip(4), cover)


class Windows:
    """Clips of takes with latents of whole takes [N,L,16,h,w], unscaled: what the decoder is given
    in use."""

    def __init__(self, takes, latents):
        count = 1 + (takes.video.shape[1] - 1) // 4
        if latents.shape[:2] != (len(takes.video), count):
            raise SystemExit(
                f"latents of {tuple(latents.shape[:2])} takes and frames, expected {(len(takes.video), count)}"
            )
        self.takes, self.latents = takes, latents.transpose(1, 2).to(takes.device, torch.float16)

    def of_latents(self, n, first, count):
        return (
            self.latents[n[:, None], :, first[:, None] + torch.arange(count, device=n.device)]
            .transpose(1, 2)
            .float()
        )

    def beginnings(self, batch):
        n, first = self.takes.drawn(batch, 0)
        return self.of_latents(n, first, 5), *self.takes.clips(n, first)

    def middles(self, batch):
        """Latents of three calls, the first for its history alone; of its frames the clip has the
        last."""
        calls = (self.takes.video.shape[1] - 1) // CALL
        n, call = self.takes.drawn(batch, calls - 4)
        call = call + 2
        return self.of_latents(n, 2 * call - 1, 6), *self.takes.clips(n, CALL * call)


def decoded(model, z):
    """Latents of the first two calls, or of three later ones -> frames of a clip"""
    if z.shape[2] == 5:
        return model.decode(z).float()
    history = {}
    before = model.decoder(z[:, :, :2], history)[:, :, -1:].detach()
    history = {k: v.detach() for k, v in history.items()}
    return torch.cat(
        [before, model.decoder(z[:, :, 2:4], history), model.decoder(z[:, :, 4:], history)], 2
    ).float()


@torch.no_grad()
def regressed_latents(takes, a):
    """The latents that the upsampler makes of the codes of all takes."""
    scaled = control_latents(
        *networks(a, "upsampler", "decoder"),
        takes.made(".tokens", a.device).unflatten(1, (-1, CODES)),
    )
    return (scaled.float() / latent_scale(a.out)).half()


def textures(n, H, W, device):
    """Pictures [n,3,H,W] of noise of all sizes, stripes, checks, corners, boxes and discs of any
    colour"""
    draw = lambda *shape, low=0.0, high=1.0: (
        low + (high - low) * torch.rand(n, *shape, device=device)
    )
    y, x = torch.meshgrid(
        torch.arange(H, device=device) / H - 0.5,
        torch.arange(W, device=device) / H - 0.5 * W / H,
        indexing="ij",
    )
    image = F.interpolate(draw(3, 2, 3, low=-1), (H, W), mode="bicubic", align_corners=False)
    for _ in range(6):
        angle, px, py = (
            draw(1, 1, 1, high=2 * math.pi),
            draw(1, 1, 1, low=-0.7, high=0.7),
            draw(1, 1, 1, low=-0.5, high=0.5),
        )
        angle = torch.where(draw(1, 1, 1) < 0.5, 0.0, angle)
        u, v = (
            (x - px) * angle.cos() + (y - py) * angle.sin(),
            (y - py) * angle.cos() - (x - px) * angle.sin(),
        )
        turns = 2 * math.pi / draw(1, 1, 1, low=0.04, high=0.6)
        wide, high = draw(1, 1, 1, low=0.02, high=0.4), draw(1, 1, 1, low=0.02, high=0.4)
        shapes = (
            (u * turns).sin() > 0,
            (u * turns).sin() * (v * turns).sin() > 0,
            (u > 0) & (v > 0),
            u > 0,
            (u.abs() < wide) & (v.abs() < high),
            (u.abs() < wide) & (v.abs() < high),
            u * u + v * v < wide * wide,
        )
        kind = torch.randint(len(shapes), (n, 1, 1, 1), device=device)
        share = sum((kind == k) * s for k, s in enumerate(shapes)) * draw(
            1, 1, 1, low=0.4, high=1.6
        ).clamp(max=1)
        image = image + share * (draw(3, 1, 1, low=-1.3, high=1.3).clamp(-1, 1) - image)
    for cells in (4, 12, 32, H):
        noise = F.interpolate(
            draw(3, cells, cells * 3 // 2, low=-1), (H, W), mode="bicubic", align_corners=False
        )
        image = image + noise * draw(1, 1, 1, high=0.5) * (draw(1, 1, 1) < 0.3)
    return image.clamp(-1, 1)


def moved(pictures, frames):
    """[n,C,H,W] -> [n,C,frames,H,W], turning, growing and drifting; half of them hardly at all"""
    n, _, H, W = pictures.shape
    draw = lambda most: (2 * torch.rand(n, 1, device=pictures.device) - 1) * most
    t = torch.linspace(-0.5, 0.5, frames, device=pictures.device) * (
        torch.rand(n, 1, device=pictures.device) < 0.6
    )
    angle, size = draw(0.5) * t, (draw(0.7) * t + draw(0.3) - 0.2).exp()
    c, s = angle.cos() * size, angle.sin() * size
    theta = torch.stack(
        [c, -s * H / W, draw(0.6) * t + draw(0.2), s * W / H, c, draw(0.6) * t + draw(0.2)], 2
    ).view(n * frames, 2, 3)
    grid = F.affine_grid(theta, (n * frames, 1, H, W), align_corners=False)
    still = pictures[:, None].expand(-1, frames, -1, -1, -1).reshape(n * frames, -1, H, W)
    return (
        F.grid_sample(still, grid, padding_mode="reflection", align_corners=False)
        .view(n, frames, -1, H, W)
        .transpose(1, 2)
    )


def others(x):
    """Clips of the world -> clips of other things: textures, strange colours, one cut out and laid
    on the other"""
    n, _, T, H, W = x.shape
    some = lambda share: torch.rand(n, 1, 1, 1, 1, device=x.device) < share
    mixed = torch.randn(n, 3, 3, device=x.device)
    mixed = mixed / mixed.norm(dim=2, keepdim=True)
    strange = torch.einsum("nij,njthw->nithw", mixed, x) + 0.3 * torch.randn(
        n, 3, 1, 1, 1, device=x.device
    )
    under = torch.where(some(0.3), strange, moved(textures(n, H, W, x.device), T))
    hole = (textures(n, H, W, x.device)[:, :1] > 0).float()
    over = moved(torch.cat([textures(n, H, W, x.device), hole], 1), T)
    y = torch.where(some(0.6), under + (over[:, :3] - under) * over[:, 3:], under)
    return y.clamp(-1, 1).contiguous(memory_format=torch.channels_last_3d)


def video_loss(y, x, cover, squares):
    """Weighted L1 of pixels, of their differences in space and of their change in time, above all
    from call to call; squared errors."""
    d = y - x
    moving = (x - x.mean(2, keepdim=True)).abs().mean(1, keepdim=True)
    weight = 1 + 4 * (3 * moving).clamp(max=1) + 2 * cover
    edges = (d[..., 1:] - d[..., :-1]).abs().mean() + (d[..., 1:, :] - d[..., :-1, :]).abs().mean()
    change = (d[:, :, 1:] - d[:, :, :-1]).abs().mean((0, 1, 3, 4))
    at_call = torch.arange(len(change), device=d.device) % CALL == 0
    at_call[0] = False
    change = torch.where(at_call, AT_CALLS * change, change)
    return (
        (d.abs() * weight).mean()
        + 0.5 * edges
        + 0.5 * change.mean()
        + squares * (d.square() * (1 + 2 * cover)).mean()
    )


def psnr(y, x, dims=None):
    error = ((y.clamp(-1, 1) - x) / 2).square()
    return -10 * torch.log10(error.mean() if dims is None else error.mean(dims))


@torch.no_grad()
def report(model, a, clips=20, some=4):
    """Encode and decode held-out clips of 25 frames; also the jump at the borders of decoder
    calls."""
    held, frames, values = Takes(a.out, "held", a.device), 3 * CALL + 1, []
    rng = np.random.default_rng(5)
    n = torch.from_numpy(np.arange(clips) % len(held.video)).to(a.device)
    t = torch.from_numpy(rng.integers(held.video.shape[1] - frames + 1, size=clips)).to(a.device)
    at_call = torch.arange(frames - 1) % CALL == 0
    at_call[0] = False
    for i in range(0, clips, some):
        x, cover = held.clips(n[i : i + some], t[i : i + some], frames)
        y = model.decode(model.encoder(x)[0])
        share = cover.mean((1, 2, 3, 4))
        on = torch.where(
            share > 1e-3,
            psnr(y * cover, x * cover, (1, 2, 3, 4)) + 10 * torch.log10(share),
            torch.nan,
        )
        change = lambda v: (v[:, :, 1:] - v[:, :, :-1]).abs().mean((1, 3, 4))
        ratio = (change(y) / change(x).clamp(min=1e-3)).cpu()
        values.append(
            torch.stack(
                [
                    psnr(y, x, (1, 2, 3, 4)).cpu(),
                    on.cpu(),
                    ratio[:, at_call].median(1)[0],
                    ratio[:, ~at_call].median(1)[0],
                ],
                1,
            )
        )
    print(
        "held-out PSNR %.2f, on objects %.2f; frame change against the true one: at call borders %.2f, inside %.2f"
        % tuple(torch.cat(values).nanmean(0).tolist()),
        flush=True,
    )


@torch.no_grad()
def report_clips(model, a, frames=25, H=128, W=192):
    for source in ("testsrc2", "mandelbrot"):
        made = subprocess.run(
            [
                "ffmpeg",
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                f"{source}=size={W}x{H}:rate=8",
                "-frames:v",
                str(frames),
                "-f",
                "rawvideo",
                "-pix_fmt",
                "rgb24",
                "-",
            ],
            capture_output=True,
            check=True,
        ).stdout
        x = as_video(
            torch.from_numpy(np.frombuffer(made, np.uint8).reshape(1, frames, H, W, 3).copy())
        ).to(a.device)
        print(f"{source}: PSNR {float(psnr(model.decode(model.encoder(x)[0]), x)):.2f}", flush=True)


def load(model, path):
    """Weights of a model folder or of a checkpoint"""
    weights = (
        load_file(path)
        if str(path).endswith(".safetensors")
        else torch.load(path, map_location="cpu", weights_only=False)["mean"]
    )
    model.load_state_dict({k: v.float() for k, v in weights.items()})


def timed(model, a, loss_of, z, x, cover, times=3):
    """Seconds of one step without the optimiser's; infinite where it does not run"""
    try:
        for again in range(2 + times):
            if again == 2:
                torch.cuda.synchronize()
                began = time.time()
            with lowered(a.device):
                y = decoded(model, z)
            loss_of(y, x, cover, SQUARES).backward()
        torch.cuda.synchronize()
        return (time.time() - began) / times
    except Exception as error:
        print(f"does not run: {str(error)[:500]}", flush=True)
        return math.inf
    finally:
        model.zero_grad()


def prepare_gpu(model, a, *clip):
    """Try the ways to compute on this device, take the fastest. -> the loss"""
    torch.backends.cudnn.benchmark = torch.backends.cudnn.allow_tf32 = (
        torch.backends.cuda.matmul.allow_tf32
    ) = True
    # each size of a feature map is one
    torch._dynamo.config.recompile_limit = 64
    plain = (staticmethod(net_vae.modulated), video_loss)
    compiled = (
        staticmethod(torch.compile(net_vae.modulated, dynamic=False)),
        torch.compile(video_loss, dynamic=False),
    )
    ways = []
    for folded, (norm, loss_of) in [
        (f, w) for w in ([plain, compiled] if a.compile else [plain]) for f in (False, True)
    ]:
        CausalConv.folded, SpatialNorm.made = folded, norm
        torch.cuda.reset_peak_memory_stats()
        seconds = timed(model, a, loss_of, *clip)
        print(
            f"{len(clip[0])} clips, convolutions {'of folded frames' if folded else 'in 3D'}{', compiled norms' if norm is not plain[0] else ''}: "
            f"{1e3 * seconds:.0f} ms, {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB",
            flush=True,
        )
        ways.append((seconds, folded, norm, loss_of))
    seconds, CausalConv.folded, SpatialNorm.made, loss_of = min(ways, key=lambda w: w[0])
    torch.cuda.empty_cache()
    if seconds == math.inf:
        raise SystemExit(f"--batch {a.batch}: no way to compute a step runs on {a.device}")
    return loss_of


def main():
    a = arguments(
        plan=20.0,
        warm="",
        stage=("vae", "decoder", "settled", "clips"),
        noise=0.07,
        batch=1,
        compile=0,
    )
    torch.manual_seed(0)
    model = VAE(config("temporal_vae"))
    earlier = [
        Path(a.out, f"{s}.pt")
        for s in {
            "vae": (),
            "decoder": ("vae",),
            "settled": ("vae_decoder", "vae"),
            "clips": ("vae_settled", "vae_decoder", "vae"),
        }[a.stage]
    ]
    start = a.warm or next((p for p in earlier if p.exists()), None)
    if start:
        load(model, start)
        print(f"begins with {start}", flush=True)
    elif a.stage != "vae":
        raise SystemExit(
            f"{earlier[-1]}: not there, expected weights to begin with (restore.py, or --warm)"
        )
    else:
        for module in model.modules():  # residual blocks begin as identities
            if hasattr(module, "conv2"):
                nn.init.zeros_(module.conv2.conv.weight)
    model.encoder.requires_grad_(a.stage == "vae")
    channels_last(model).to(a.device)
    if a.stage == "clips":
        return report_clips(model, a)
    rates = (
        {"lr": 0.003, "adam_lr": 4e-4} if a.stage == "settled" else {"lr": 0.006, "adam_lr": 1e-3}
    )
    run = Run(
        {"vae": "vae", "decoder": "vae_decoder", "settled": "vae_settled_training"}[a.stage],
        model,
        a,
        **rates,
        adam_only=("conv_y", "conv_b", "conv_in", "conv_out"),
        warmup=20,
        average=0.998,
        clip=0,
    )
    torch.manual_seed(run.steps + 1)
    takes = Takes(a.out, "takes", a.device)
    true = Windows(takes, takes.made(".latents", a.device)) if a.stage != "vae" else None
    regressed = Windows(takes, regressed_latents(takes, a)) if a.stage == "settled" else None
    loss_of = (
        prepare_gpu(model, a, *true.beginnings(a.batch))
        if true and a.device.startswith("cuda")
        else video_loss
    )
    for _ in run:
        turn = run.steps
        if regressed:
            turn //= 2
            if run.steps % 2:
                z, x, cover = (
                    regressed.beginnings(a.batch) if turn % 2 else regressed.middles(a.batch)
                )
                with lowered(a.device):
                    y = decoded(model, z)
                run.step(loss_of(y, x, cover, 0.0), psnr_regressed=psnr(y.detach(), x))
                continue
        if true and turn % 3 == 2:
            mean, x, cover = true.middles(a.batch)
            spread, strange = 0.0, 0
        else:
            x, cover = takes.anywhere(a.batch)
            strange = int(a.batch * OTHERS + float(torch.rand(1))) if true else 0
            strange = min(strange, a.batch - 1)
            if strange:
                x = torch.cat([others(x[:strange]), x[strange:]])
                cover = torch.cat([torch.zeros_like(cover[:strange]), cover[strange:]])
            with lowered(a.device), torch.set_grad_enabled(not true):
                mean, logvar = model.encoder(x)
                mean, spread = mean.float(), 0.0 if true else 1e-4 * logvar.float().square().mean()
        z = mean + a.noise * 1.5 * torch.rand(
            a.batch, 1, 1, 1, 1, device=a.device
        ) * torch.randn_like(mean)
        with lowered(a.device):
            y = decoded(model, z)
        told = psnr(y[strange:].detach(), x[strange:])
        if strange:
            y = torch.cat([torch.lerp(x[:strange], y[:strange], THEIRS), y[strange:]])
        run.step(loss_of(y, x, cover, SQUARES) + spread, psnr=told)
    model.load_state_dict(run.mean)
    if a.stage == "settled":
        save_atomically({"mean": model.state_dict()}, f"{a.out}/vae_settled.pt")
    CausalConv.folded, SpatialNorm.made = False, staticmethod(net_vae.modulated)
    report(model, a)


if __name__ == "__main__":
    main()
