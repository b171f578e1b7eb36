"""The nets that tutorials use, by the tutorial's own loop and by ours, in one interleaved run.

    ADVNETS_DATA=... python benchmarks/tutorials.py

The loops are those of the most copied collection of tutorials (eriklindernoren/PyTorch-GAN, gan.py and dcgan.py),
written again: a DataLoader that turns one Pillow image at a time into a tensor, the generator's step, then the
discriminator's on the same fakes, BCELoss on sigmoids, both losses printed at each step. As the generator moves first
and the discriminator judges fakes drawn before, both gradients are taken at the same parameters: that is our
`simultaneous` algorithm, and tests/test_tutorials.py shows that the numbers are the same. Ours has the data in memory,
convolutions in channels-last order, and enlarges no image before convolving it (`networks.UpsampledConv2d`). With
products in bfloat16 it is no longer the same numbers, but the same game (`Game.precision`).
"""

import contextlib
import io
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from machine import describe
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from advnets import data
from advnets.algorithm import Simultaneous
from advnets.data import TRANSFORMS, Batches, Split
from advnets.games.game import Game
from advnets.latents import gaussian
from advnets.networks import UpsampledConv2d
from advnets.objectives import OBJECTIVES
from advnets.optimizers import Adam, set_numbers
from advnets.training import Batch

ROUNDS, STEPS, BATCH, LATENT = 12, {"mlp": 25, "dcgan": 3}, 64, 100
BETAS = (0.5, 0.999)


def mlp_generator() -> nn.Sequential:
    """100 - 128 - 256 - 512 - 1024 - 784, batch normalisation with the tutorial's eps of .8."""
    layers: list[nn.Module] = [nn.Linear(LATENT, 128), nn.LeakyReLU(0.2)]
    for wide, wider in ((128, 256), (256, 512), (512, 1024)):
        layers += [nn.Linear(wide, wider), nn.BatchNorm1d(wider, 0.8), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(1024, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))


def mlp_discriminator() -> nn.Sequential:
    """784 - 512 - 256 - 1, a logit."""
    hidden = (nn.Linear(784, 512), nn.LeakyReLU(0.2), nn.Linear(512, 256), nn.LeakyReLU(0.2))
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(256, 1))


def upsample_and_convolve(channels: int, filters: int) -> list[nn.Module]:
    """The tutorial's way: enlarge, then convolve."""
    return [nn.Upsample(scale_factor=2), nn.Conv2d(channels, filters, 3, padding=1)]


def upsampled_convolution(channels: int, filters: int) -> list[nn.Module]:
    """Our way: the same function in one layer."""
    return [UpsampledConv2d(channels, filters)]


def dcgan_generator(enlarge: Callable[[int, int], list[nn.Module]]) -> nn.Sequential:
    """Linear - 8x8x128 - 16x16x128 - 32x32x64 - 32x32x1."""
    return nn.Sequential(
        nn.Linear(LATENT, 128 * 8 * 8), nn.Unflatten(1, (128, 8, 8)), nn.BatchNorm2d(128),
        *enlarge(128, 128), nn.BatchNorm2d(128, 0.8), nn.LeakyReLU(0.2),
        *enlarge(128, 64), nn.BatchNorm2d(64, 0.8), nn.LeakyReLU(0.2),
        nn.Conv2d(64, 1, 3, padding=1), nn.Tanh(),
    )  # fmt: skip


def dcgan_discriminator(dropout: float = 0.25) -> nn.Sequential:
    """Four strided convolutions, 1 - 16 - 32 - 64 - 128, and a logit."""
    layers: list[nn.Module] = []
    for channels, filters in ((1, 16), (16, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(channels, filters, 3, 2, 1), nn.LeakyReLU(0.2), nn.Dropout2d(dropout)]
        layers += [nn.BatchNorm2d(filters, 0.8)] if channels > 1 else []
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 2 * 2, 1))


class OneByOne(Dataset[tuple[Tensor, int]]):
    """Images and labels one at a time, as torchvision's MNIST gives them with Resize, ToTensor and Normalize."""

    def __init__(self, split: Split, size: int) -> None:
        self.pictures, self.labels, self.size = split.values, split.labels, size

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        assert self.labels is not None
        picture = Image.fromarray(self.pictures[index, 0].numpy())
        if picture.size != (self.size, self.size):
            picture = picture.resize((self.size, self.size), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(picture, np.uint8, copy=True)).view(self.size, self.size, 1)
        return normalise(pixels.permute(2, 0, 1).contiguous().to(torch.get_default_dtype()).div(255)), int(
            self.labels[index]
        )


def normalise(image: Tensor) -> Tensor:
    """(image - .5) / .5 with torchvision's checks."""
    image = image.clone()
    mean, std = (torch.as_tensor([0.5], dtype=image.dtype, device=image.device) for _ in range(2))
    if (std == 0).any():
        raise ValueError("std evaluated to zero")
    return image.sub_(mean.view(-1, 1, 1)).div_(std.view(-1, 1, 1))


def endless(loader: DataLoader[tuple[Tensor, int]]) -> Iterator[Tensor]:
    """Batches of a loader, pass after pass; the labels go unused."""
    while True:
        for images, _ in loader:
            yield images


def tutorial(g: nn.Module, d: nn.Module, batches: Iterator[Tensor]) -> Callable[[], None]:
    """The tutorial's step, as a function that makes one; d ends in a sigmoid."""
    loss = nn.BCELoss()
    descend_g = torch.optim.Adam(g.parameters(), lr=2e-4, betas=BETAS)
    descend_d = torch.optim.Adam(d.parameters(), lr=2e-4, betas=BETAS)
    count = iter(range(10**9))

    def step() -> None:
        real = next(batches)
        valid, fake = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        descend_g.zero_grad()
        drawn = g(torch.randn(len(real), LATENT))
        g_loss = loss(d(drawn), valid)
        g_loss.backward()
        descend_g.step()
        descend_d.zero_grad()
        d_loss = (loss(d(real), valid) + loss(d(drawn.detach()), fake)) / 2
        d_loss.backward()
        descend_d.step()
        print(f"[Batch {next(count)}] [D loss: {d_loss.item():f}] [G loss: {g_loss.item():f}]")

    return step


def ours(
    g: nn.Module, d: nn.Module, batches: Iterator[Batch], precision: torch.dtype = torch.float32
) -> Callable[[], None]:
    """Our step of the same game, as a function that makes one; d ends in a logit."""
    for network in (g, d):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    game = Game(g, d, OBJECTIVES["non_saturating_halved"], latent=gaussian(LATENT), precision=precision)
    optimizers = {name: Adam(betas=BETAS).build(list(net.parameters())) for name, net in game.players.items()}
    for optimizer in optimizers.values():
        set_numbers(optimizer, lr=2e-4)
    steps = Simultaneous().steps(game, batches, optimizers)

    def step() -> None:
        next(steps)

    return step


def resized(values: Tensor, size: int) -> Tensor:
    """The images resized once, as the loader does it each time."""
    if values.shape[-1] == size:
        return values
    pictures = (
        Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR) for image in values[:, 0].numpy()
    )
    return torch.from_numpy(np.stack([np.array(picture, np.uint8) for picture in pictures]))[:, None]


def contestants(split: Split) -> dict[str, dict[str, Callable[[], None]]]:
    """For each net, the ways to take a step: the tutorial's, ours, and ours with its products in bfloat16."""
    sizes, half = {"mlp": 28, "dcgan": 32}, torch.bfloat16
    loaders = {
        name: endless(DataLoader(OneByOne(split, size), BATCH, shuffle=True, drop_last=True))
        for name, size in sizes.items()
    }
    forward = TRANSFORMS["symmetric"].forward
    memory = {
        name: Batches(Split(resized(split.values, size)), batch_size=BATCH, seed=0, transform=forward)
        for name, size in sizes.items()
    }
    mlp = nn.Sequential(mlp_discriminator(), nn.Sigmoid())
    dcgan = nn.Sequential(dcgan_discriminator(), nn.Sigmoid())
    return {
        "mlp": {
            "tutorial": tutorial(mlp_generator(), mlp, loaders["mlp"]),
            "float32": ours(mlp_generator(), mlp_discriminator(), memory["mlp"]),
            "bfloat16": ours(mlp_generator(), mlp_discriminator(), memory["mlp"], half),
        },
        "dcgan": {
            "tutorial": tutorial(dcgan_generator(upsample_and_convolve), dcgan, loaders["dcgan"]),
            "float32": ours(dcgan_generator(upsampled_convolution), dcgan_discriminator(), memory["dcgan"]),
            "bfloat16": ours(dcgan_generator(upsampled_convolution), dcgan_discriminator(), memory["dcgan"], half),
        },
    }


def main() -> None:
    """Interleave, take medians, print and write the table."""
    torch.manual_seed(0)
    lines = ["| net, batch 64 | products in | tutorial, ms | advnets, ms | ratio, median of rounds | range |",
             "| --- | --- | ---: | ---: | ---: | --- |"]  # fmt: skip
    for net, ways in contestants(data.load("mnist").train).items():
        taken = interleaved(ways, STEPS[net])
        for way in ("float32", "bfloat16"):
            ratios = sorted(a / b for a, b in zip(taken[way], taken["tutorial"], strict=True))
            milliseconds = (f"{1e3 * statistics.median(taken[which]):.1f}" for which in ("tutorial", way))
            lines.append(f"| {net} | {way} | {' | '.join(milliseconds)} | {statistics.median(ratios):.2f} "
                         f"| {ratios[0]:.2f} to {ratios[-1]:.2f} |")  # fmt: skip
    text = "\n".join(lines)
    print(text)
    page = (f"# Steps of the tutorials' nets\n\n`python benchmarks/tutorials.py`: {ROUNDS} interleaved rounds. "
            f"{describe()}\n\n{text}\n\nWhat is compared is in the file's docstring.\n")  # fmt: skip
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


def interleaved(ways: dict[str, Callable[[], None]], steps: int) -> dict[str, list[float]]:
    """Seconds a step, a list of rounds for each way; what the tutorial prints goes to a buffer."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS + 1):
        for name, step in ways.items():
            with contextlib.redirect_stdout(io.StringIO()):
                began = time.perf_counter()
                for _ in range(steps):
                    step()
                taken[name].append((time.perf_counter() - began) / steps)
    return {name: seconds[1:] for name, seconds in taken.items()}


if __name__ == "__main__":
    main()
