"""One step of the paper's MNIST nets, ours against the usual tutorial step on the same nets, in one interleaved run.

    ADVNETS_DATA=... python benchmarks/step.py

The tutorial step is what most public code has: a pass of D over real and one over fake, D not frozen in G's move,
labels as tensors, BCEWithLogitsLoss, `nn.Dropout`, maxout by `view().max()`, `torch.optim.Adam` as it comes, `.item()`
of both losses and both scores at each step. It draws one z a step and shares it between both moves, where ours draws a
fresh one for each, as Algorithm 1 says: ours does 8 % more arithmetic there, and 15 % less in the released code's
simultaneous form, whose two gradients share one pass of each net. The last rows are the matrix products of each form
alone, with nothing between them. With a loader: a DataLoader over a data set that
turns one image into a tensor at a time, no workers, as the tutorials have it.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from machine import describe
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from advnets import data
from advnets.algorithm import ALGORITHMS
from advnets.averaging import MovingAverage
from advnets.experiment.preparation.build_training import build_game_training
from advnets.games import AdversarialRow
from advnets.recipes import paper_adam
from advnets.training import Moment

ROUNDS, STEPS, BATCH = 25, 8, 100


class Generator(nn.Module):
    """The paper's G with batch normalisation, as a tutorial writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(100, 1200), nn.BatchNorm1d(1200), nn.ReLU(),
            nn.Linear(1200, 1200), nn.BatchNorm1d(1200), nn.ReLU(),
            nn.Linear(1200, 784), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, z: Tensor) -> Tensor:
        return self.net(z).view(-1, 1, 28, 28)


class Discriminator(nn.Module):
    """The paper's D, as a tutorial writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(784, 1200), nn.Linear(240, 1200)
        self.last = nn.Linear(240, 1)
        self.drop_input, self.drop = nn.Dropout(0.2), nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        h = self.drop_input(x.view(len(x), -1))
        h = self.first(h).view(-1, 240, 5).max(2)[0]
        h = self.second(self.drop(h)).view(-1, 240, 5).max(2)[0]
        return self.last(self.drop(h))


class OneByOne(Dataset[Tensor]):
    """Images as torchvision's MNIST gives them with ToTensor: one at a time, through a Pillow image, to [0, 1]."""

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> Tensor:
        picture = Image.fromarray(self.values[index, 0].numpy())
        return (
            torch.from_numpy(np.array(picture, np.uint8)).view(28, 28, 1).permute(2, 0, 1).contiguous().float().div(255)
        )


def endless_loader(values: Tensor) -> Iterator[Tensor]:
    """Batches of a shuffled DataLoader, pass after pass."""
    loader = DataLoader(OneByOne(values), batch_size=BATCH, shuffle=True, drop_last=True)
    while True:
        yield from loader


def endless_tensors(values: Tensor) -> Iterator[Tensor]:
    """Batches cut from a tensor in memory, pass after pass."""
    while True:
        for chosen in torch.randperm(len(values)).split(BATCH)[:-1]:
            yield values[chosen].float().div(255)


def tutorial(real_batches: Iterator[Tensor]) -> Callable[[], None]:
    """The tutorial's step, as a function that makes one."""
    g, d = Generator(), Discriminator()
    criterion = nn.BCEWithLogitsLoss()
    descend_g = torch.optim.Adam(g.parameters(), lr=1e-3, betas=(0.5, 0.99))
    descend_d = torch.optim.Adam(d.parameters(), lr=1e-3, betas=(0.5, 0.99))

    def step() -> None:
        real = next(real_batches)
        ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
        descend_d.zero_grad()
        judged_real = d(real)
        loss_real = criterion(judged_real, ones)
        loss_real.backward()
        fake = g(torch.randn(BATCH, 100))
        judged_fake = d(fake.detach())
        loss_fake = criterion(judged_fake, zeros)
        loss_fake.backward()
        descend_d.step()
        descend_g.zero_grad()
        loss_g = criterion(d(fake), ones)
        loss_g.backward()
        descend_g.step()
        told = (loss_real.item() + loss_fake.item(), loss_g.item())
        told += (judged_real.sigmoid().mean().item(), judged_fake.sigmoid().mean().item())
        assert all(map(math.isfinite, told))

    return step


def ours(
    dataset: data.Dataset, algorithm: str, *, as_in_a_run: bool = False, precision: str = "float32"
) -> Callable[[], None]:
    """Our step, as a function that makes one, finite checks included; in a run, schedules and moving average too."""

    assert isinstance(paper_adam.learner, AdversarialRow)
    recipe = replace(
        paper_adam, algorithm=ALGORITHMS[algorithm](), learner=replace(paper_adam.learner, precision=precision)
    )
    played = build_game_training(recipe, dataset, seed=0, device=torch.device("cpu"))
    average = MovingAverage(played.makers)
    played.schedule(Moment(0, 1, 0.0))
    steps = played.steps(0)

    def step() -> None:
        next(steps)
        if as_in_a_run:
            played.schedule(Moment(0, 1, 0.0))
            average.update(played.makers, BATCH)

    return step


GENERATOR = [(100, 100, 1200), (100, 1200, 1200), (100, 1200, 784)]
"""Samples, inputs and outputs of each layer of G."""

PRODUCTS = {
    "algorithm1": [
        *((*layer, "y") for layer in GENERATOR),
        (200, 784, 1200, "yw"), (200, 240, 1200, "yxw"),
        (100, 100, 1200, "yw"), *((*layer, "yxw") for layer in GENERATOR[1:]),
        (100, 784, 1200, "yx"), (100, 240, 1200, "yx"),
    ],
    "simultaneous": [
        (100, 100, 1200, "yw"), *((*layer, "yxw") for layer in GENERATOR[1:]),
        (100, 784, 1200, "yw"), (100, 240, 1200, "yxw"), (100, 784, 1200, "yxw"), (100, 240, 1200, "yxxw"),
    ],
}  # fmt: skip
"""The products of a step by layer: y = x W^T, the gradient in x, the gradient in W; D's last layer is too small."""


def products(algorithm: str) -> Callable[[], None]:
    """The matrix products of a step alone, as a function that makes them."""
    calls: list[Callable[[], Tensor]] = []
    for samples, inputs, outputs, kinds in PRODUCTS[algorithm]:
        x, w, b = torch.randn(samples, inputs), torch.randn(outputs, inputs), torch.randn(outputs)
        g = torch.randn(samples, outputs)
        ways = {
            "y": partial(nn.functional.linear, x, w, b),
            "x": partial(torch.mm, g, w),
            "w": partial(torch.mm, g.t(), x),
        }
        calls += [ways[kind] for kind in kinds]

    def step() -> None:
        for call in calls:
            call()

    return step


def main() -> None:
    """Interleave the contestants, take medians, print and write the table."""
    dataset = data.load("mnist")
    values = dataset.train.values
    torch.manual_seed(0)
    contestants = {
        "tutorial, DataLoader": tutorial(endless_loader(values)),
        "tutorial, tensors in memory": tutorial(endless_tensors(values)),
        "advnets, Algorithm 1": ours(dataset, "algorithm1"),
        "advnets, Algorithm 1, with schedules and moving average": ours(dataset, "algorithm1", as_in_a_run=True),
        "advnets, simultaneous": ours(dataset, "simultaneous"),
        "advnets, Algorithm 1, products in bfloat16": ours(dataset, "algorithm1", precision="bfloat16"),
        "products of Algorithm 1 alone": products("algorithm1"),
        "products of simultaneous alone": products("simultaneous"),
    }
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for step in contestants.values():
        for _ in range(10):
            step()
    for _ in range(ROUNDS):
        for name, step in contestants.items():
            began = time.perf_counter()
            for _ in range(STEPS):
                step()
            taken[name].append((time.perf_counter() - began) / STEPS)
    table(taken)


def table(taken: dict[str, list[float]]) -> None:
    """Median milliseconds, and the median over rounds of the ratio within a round."""
    lines = [
        "| step | ms, median | Algorithm 1 / this, median of rounds (lowest to highest) | simultaneous / this |",
        "| --- | ---: | --- | --- |",
    ]
    for name, seconds in taken.items():
        ratios = (_ratio(taken[ours], seconds) for ours in ("advnets, Algorithm 1", "advnets, simultaneous"))
        lines.append(f"| {name} | {1e3 * statistics.median(seconds):.2f} | {' | '.join(ratios)} |")
    text = "\n".join(lines)
    print(text)
    page = Path(__file__).with_suffix(".md")
    page.write_text(
        "# One step of the paper's MNIST nets, batch 100\n\n`python benchmarks/step.py`: "
        f"{ROUNDS} interleaved rounds of {STEPS} steps each. {describe()}\n\n{text}\n\n"
        "What is compared, and how the tutorial step is written, is in the file's docstring.\n",
        encoding="utf-8",
    )


def _ratio(mine: list[float], other: list[float]) -> str:
    ratios = sorted(a / b for a, b in zip(mine, other, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


if __name__ == "__main__":
    main()
