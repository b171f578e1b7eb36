"""One step of `pix2pix` against the loop of the maintained port, on the same nets.

    OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE python benchmarks/translation_step.py [--rounds 30] [--size 128]

The port's loop is that of junyanz/pytorch-CycleGAN-and-pix2pix, models/pix2pix_model.py, `optimize_parameters`: G
makes its fake once; D moves on the fake and on the real pair, in two passes; G moves on the same fake, with D frozen;
torch's Adam as it comes. Its batches are ready as floats, and its reading of files is left out. Ours are steps of a
run: batches from bytes in memory, checks for NaN and schedules included. All are taken in one interleaved run, in
another order each round.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import repeat
from pathlib import Path

import torch
from machine import describe
from photo_steps import Step, interleaved, ours, plain_adam, table, with_row
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss

from advnets.algorithm import Algorithm1
from advnets.data import Dataset
from advnets.networks import Pix2pixDiscriminator, Pix2pixGenerator, Sizes
from advnets.recipes import RECIPES

IMAGES = 16
RATE, BETAS, L1 = 2e-4, (0.5, 0.999), 100.0


def pairs(size: int) -> Dataset:
    """Pairs of noise: a step takes as long with them as with any."""
    rng = torch.Generator().manual_seed(0)
    made, given = (torch.randint(0, 256, (IMAGES, 3, size, size), dtype=torch.uint8, generator=rng) for _ in range(2))
    return Dataset.of(made, given=given)


def cross_entropy(logits: Tensor, is_real: float) -> Tensor:
    """The port's GANLoss of its mode vanilla."""
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, is_real))


def port_steps(
    generator: nn.Module, discriminator: nn.Module, batches: Iterator[tuple[Tensor, Tensor]]
) -> Iterator[None]:
    """The port's loop: (given image, target) in [-1, 1] -> a step of both nets."""
    judging, making = (torch.optim.Adam(net.parameters(), lr=RATE, betas=BETAS) for net in (discriminator, generator))
    for given, target in batches:
        fake = generator(given)
        discriminator.requires_grad_(True)
        judging.zero_grad()
        loss_fake = cross_entropy(discriminator(fake.detach(), given), 0.0)
        loss_real = cross_entropy(discriminator(target, given), 1.0)
        (0.5 * (loss_fake + loss_real)).backward()
        judging.step()
        discriminator.requires_grad_(False)
        making.zero_grad()
        (cross_entropy(discriminator(fake, given), 1.0) + L1 * l1_loss(fake, target)).backward()
        making.step()
        yield


def port(size: int) -> Step:
    """A step of the port's loop."""
    sizes = Sizes((3, size, size), 0, given_shape=(3, size, size))
    nets = Pix2pixGenerator().build(sizes), Pix2pixDiscriminator().build(sizes)
    batch = torch.rand(1, 3, size, size) * 2 - 1, torch.rand(1, 3, size, size) * 2 - 1
    return partial(next, port_steps(*nets, repeat(batch)))


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--page", type=Path, default=Path(__file__).with_suffix(".md"))
    asked = parser.parse_args()
    torch.manual_seed(0)
    recipe, dataset = RECIPES["pix2pix"], pairs(asked.size)
    mine = partial(ours, recipe, dataset)
    ways = {
        "pix2pix": mine(),
        "pix2pix: the port's loop": port(asked.size),
        "pix2pix: bfloat16": ours(with_row(recipe, precision="bfloat16"), dataset),
        "pix2pix: G makes its fakes anew": ours(replace(recipe, algorithm=Algorithm1()), dataset),
        "pix2pix: Adam as it comes": mine(plain_adam),
    }
    command = f"translation_step.py --rounds {asked.rounds} --size {asked.size}"
    text = (
        f"# One step of pix2pix at {asked.size} pixels\n\n"
        f"`OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE python benchmarks/{command}`: {asked.rounds} interleaved rounds, "
        f"{date.today()}. {describe()} Medians, with 95 % intervals of the median by bootstrap. The last column beside "
        "the port's loop is our step over the port's.\n\n"
        f"{table(interleaved(ways, asked.rounds), 'pix2pix')}\n"
    )
    print(text)
    asked.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
