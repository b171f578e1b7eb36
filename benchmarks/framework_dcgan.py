"""The DCGAN of the framework's own examples, trained on a folder for some minutes: what our recipes are compared with.

    python benchmarks/framework_dcgan.py FOLDER --minutes 30 --size 64 --seed 0 --out DIR

Written anew from the published description of PyTorch's example "dcgan": kernels of 4 x 4, ngf = ndf = 64, no biases,
weights N(0, .02), gains N(1, .02); resize, centre crop, to [-1, 1], no flip; batches of 64, the last of a pass
smaller; Adam 2e-4 (.5, .999) as it comes; BCE on sigmoids; float32; the default layout. A step is D on real images, D
on fake ones, then G on the same fakes. What differs: images are decoded once and held in memory, which is faster; at 32
pixels the widest stage of both nets is left out, for the example has 64 alone; a last batch of one image is skipped,
which batch normalisation cannot take.

At 5, 15, 30 and all the minutes, 1,000 samples are written as DIR/minutes-N.npz (`images`, uint8, (n, h, w, c)), which
`advnets evaluate` measures against the folder. They are drawn as the example draws its pictures: G is in training mode,
in batches of 64. Minutes are of training: loading and sampling are not counted. `--device cuda` takes a GPU.
"""

import argparse
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from machine import describe
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

BATCH, LATENT, MAPS, CHANNELS, SAMPLES = 64, 100, 64, 3, 1000
RATE, BETAS = 2e-4, (0.5, 0.999)
CHECKPOINTS = (5.0, 15.0, 30.0)
"""Minutes."""
SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".tif", ".tiff", ".webp")


def widths(size: int) -> list[int]:
    """The maps of each stage, from the one next to the image on: 64, 128, 256, 512 for 64 pixels."""
    if size not in (32, 64):
        raise SystemExit(f"--size is {size}; expected 32 or 64")
    return [MAPS * 2**stage for stage in range(size.bit_length() - 3)]


def generator(size: int, channels: int = CHANNELS) -> nn.Sequential:
    """(n, 100, 1, 1) -> 4 x 4 maps -> doubled by transposed convolutions -> tanh."""
    maps = widths(size)[::-1]
    layers: list[nn.Module] = [nn.ConvTranspose2d(LATENT, maps[0], 4, 1, 0, bias=False)]
    for below, above in itertools.pairwise([*maps, channels]):
        layers += [nn.BatchNorm2d(below), nn.ReLU(True), nn.ConvTranspose2d(below, above, 4, 2, 1, bias=False)]
    return nn.Sequential(*layers, nn.Tanh()).apply(start_weights)


def discriminator(size: int, channels: int = CHANNELS) -> nn.Sequential:
    """Images -> halved by strided convolutions -> 4 x 4 maps -> sigmoid, (n,)."""
    maps = widths(size)
    layers: list[nn.Module] = [nn.Conv2d(channels, maps[0], 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    for above, below in itertools.pairwise(maps):
        layers += [nn.Conv2d(above, below, 4, 2, 1, bias=False), nn.BatchNorm2d(below)]
        layers += [nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(
        *layers, nn.Conv2d(maps[-1], 1, 4, 1, 0, bias=False), nn.Sigmoid(), nn.Flatten(0)
    ).apply(start_weights)  # fmt: skip


def start_weights(layer: nn.Module) -> None:
    """W ~ N(0, .02), gains ~ N(1, .02), biases 0."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
        nn.init.zeros_(layer.bias)


class Pictures(Dataset[Tensor]):
    """The images of a folder and its sub-folders: the shorter side resized, the middle cut out, to [-1, 1]."""

    def __init__(self, folder: Path, size: int) -> None:
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        if not files:
            raise SystemExit(f"{folder}: found no images, expected one at least of {', '.join(SUFFIXES)}")
        self.images = torch.stack([read(path, size) for path in files])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.images[index].float().div(255).sub(0.5).div(0.5)


def read(path: Path, size: int) -> Tensor:
    """One image, (3, size, size), uint8."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    width, height = image.size
    scale = size / min(width, height)
    sides = (size, int(height * scale)) if width <= height else (int(width * scale), size)
    if image.size != sides:
        image = image.resize(sides, Image.Resampling.BILINEAR)
    left, top = (round((side - size) / 2) for side in sides)
    pixels = np.array(image.crop((left, top, left + size, top + size)), np.uint8)
    return torch.from_numpy(pixels).permute(2, 0, 1)


def steps(g: nn.Module, d: nn.Module, batches: Iterator[Tensor]) -> Iterator[tuple[float, float]]:
    """The example's loop without end: the losses of D and G after each step."""
    device = next(g.parameters()).device
    criterion = nn.BCELoss()
    descend_d = torch.optim.Adam(d.parameters(), lr=RATE, betas=BETAS)
    descend_g = torch.optim.Adam(g.parameters(), lr=RATE, betas=BETAS)
    for batch in batches:
        real = batch.to(device)
        ones, zeros = torch.ones(len(real), device=device), torch.zeros(len(real), device=device)
        d.zero_grad()
        judged_real = d(real)
        loss_real = criterion(judged_real, ones)
        loss_real.backward()
        fake = g(torch.randn(len(real), LATENT, 1, 1, device=device))
        judged_fake = d(fake.detach())
        loss_fake = criterion(judged_fake, zeros)
        loss_fake.backward()
        descend_d.step()
        g.zero_grad()
        judged_again = d(fake)
        loss_g = criterion(judged_again, ones)
        loss_g.backward()
        descend_g.step()
        # The example prints these at each step.
        judged_real.mean().item(), judged_fake.mean().item(), judged_again.mean().item()
        yield (loss_real + loss_fake).item(), loss_g.item()


def endless(loader: DataLoader[Tensor]) -> Iterator[Tensor]:
    """Batches of a loader, pass after pass."""
    while True:
        yield from (batch for batch in loader if len(batch) > 1)


@torch.no_grad()
def draw(g: nn.Module, seed: int) -> np.ndarray:
    """1,000 samples, (n, h, w, c), uint8; the noise comes from a generator of its own, so that training goes on alike.

    The moments of batch normalisation that are kept move, which training never reads.
    """
    rng, device = torch.Generator().manual_seed(seed), next(g.parameters()).device
    noises = torch.randn(-(-SAMPLES // BATCH) * BATCH, LATENT, 1, 1, generator=rng)
    images = torch.cat([g(z.to(device)).cpu() for z in noises.split(BATCH)])[:SAMPLES]
    levels = images.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().numpy()


def train(folder: Path, out: Path, *, minutes: float, size: int, seed: int, device: str) -> None:
    """Train, and write samples at each checkpoint."""
    torch.manual_seed(seed)
    pictures = Pictures(folder, size)
    if len(pictures) < 2:
        raise SystemExit(f"{folder}: found one image, expected two at least, for batch normalisation")
    g, d = generator(size).to(device), discriminator(size).to(device)
    out.mkdir(parents=True, exist_ok=True)
    due = sorted({*(each for each in CHECKPOINTS if each < minutes), minutes})
    print(f"{len(pictures):,} images of {size} x {size}. {describe()}", flush=True)
    trained, began, began_cpu = 0.0, time.perf_counter(), time.process_time()
    for step, (loss_d, loss_g) in enumerate(steps(g, d, endless(DataLoader(pictures, BATCH, shuffle=True))), 1):
        if trained + time.perf_counter() - began < 60 * due[0]:
            continue
        trained, cpu = trained + time.perf_counter() - began, time.process_time() - began_cpu
        path = out / f"minutes-{due[0]:g}.npz"
        np.savez_compressed(path, images=draw(g, seed))
        torch.save({"g": g.state_dict(), "d": d.state_dict(), "step": step}, out / f"minutes-{due.pop(0):g}.pt")
        print(f"{path}: step {step:,}, {trained:.0f} s, {cpu:.0f} s of the processor, losses {loss_d:.3f} (D), "
              f"{loss_g:.3f} (G)", flush=True)  # fmt: skip
        if not due:
            return
        began, began_cpu = time.perf_counter(), time.process_time() - cpu


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--size", type=int, default=64, choices=(32, 64))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    if asked.minutes <= 0:
        parser.error(f"--minutes is {asked.minutes:g}; expected more than 0")
    train(asked.folder, asked.out, minutes=asked.minutes, size=asked.size, seed=asked.seed, device=asked.device)


if __name__ == "__main__":
    main()
