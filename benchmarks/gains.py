"""What each piece of the step costs as tutorials have it and as we have it, one row a gain, in one interleaved run.

    python benchmarks/gains.py

Every row is a piece of the 2014 MNIST step at its own sizes (batch 100, real and drawn in one pass where they are), or
of the tutorials' DCGAN; each is timed alone, forward and back where it has a backward.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from machine import describe
from torch import Tensor, nn

from advnets.averaging import MovingAverage
from advnets.data import Batches, Split
from advnets.games import frozen_parameters
from advnets.networks import DenseGenerator, Dropout, Maxout, MaxoutDiscriminator, Sizes, UpsampledConv2d

ROUNDS, CALLS = 20, 5
Pair = tuple[Callable[[], object], Callable[[], object]]


def differentiated(network: nn.Module, x: Tensor, *, with_x: bool = True) -> Callable[[], object]:
    """A pass forward and back through a network, gradients of its parameters and, with_x, of x."""
    x = x.clone().requires_grad_(with_x)
    inputs = [*([x] if with_x else []), *network.parameters()]
    return lambda: torch.autograd.grad(network(x).sum(), inputs)


class TutorialMaxout(nn.Module):
    """Maxout as tutorials have it: pieces of a unit side by side, `max` with its indices."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(784, 1200)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 784) -> (batch, 240)."""
        maximum: Tensor = self.linear(x).view(-1, 240, 5).max(2)[0]
        return maximum


def dropout() -> Pair:
    """Masks of 200 x 784 inputs."""
    x = torch.rand(200, 784)
    return partial(nn.Dropout(0.2), x), partial(Dropout(0.2), x)


def maxout() -> Pair:
    """784 - 240 x 5, forward and back."""
    x = torch.rand(200, 784)
    return differentiated(TutorialMaxout(), x), differentiated(Maxout(784, 240, 5), x)


def one_pass() -> Pair:
    """D over real and drawn: two passes of 100, or one of 200."""
    d, real, fake = (
        MaxoutDiscriminator().build(Sizes((1, 28, 28))),
        torch.rand(100, 1, 28, 28),
        torch.rand(100, 1, 28, 28),
    )
    theta = list(d.parameters())
    return (
        lambda: torch.autograd.grad(d(real).sum() + d(fake).sum(), theta),
        lambda: torch.autograd.grad(d(torch.cat([real, fake])).sum(), theta),
    )


def frozen_discriminator() -> Pair:
    """D in G's move: with gradients of its own parameters that nobody uses, or frozen."""
    d, fake = MaxoutDiscriminator().build(Sizes((1, 28, 28))), torch.rand(100, 1, 28, 28, requires_grad=True)

    def ours() -> None:
        with frozen_parameters(d):
            torch.autograd.grad(d(fake).sum(), fake)

    return differentiated(d, torch.rand(100, 1, 28, 28)), ours


def optimizer() -> Pair:
    """Adam on G's 2.5 million numbers: as it comes, or fused."""
    made = []
    for fused in (False, True):
        g = DenseGenerator().build(Sizes((1, 28, 28), 100, mean=torch.full((1, 28, 28), 0.5)))
        for theta in g.parameters():
            theta.grad = torch.randn_like(theta)
        made.append(torch.optim.Adam(g.parameters(), fused=fused).step)
    return made[0], made[1]


def average() -> Pair:
    """The moving average of G: parameter by parameter, or in one call."""
    g = DenseGenerator().build(Sizes((1, 28, 28), 100, mean=torch.full((1, 28, 28), 0.5)))
    mean, ours = [theta.detach().clone() for theta in g.parameters()], MovingAverage({"": g}, 34_600.0)

    def theirs() -> None:
        with torch.no_grad():
            for old, now in zip(mean, g.parameters(), strict=True):
                old.copy_(0.998 * old + 0.002 * now)

    return theirs, partial(ours.update, {"": g}, 100)


def data() -> Pair:
    """A batch of 100 images: gathered as floats, or as bytes that are then widened."""
    values = torch.randint(0, 256, (50_000, 1, 28, 28), dtype=torch.uint8)
    wide = values.float().div_(255)
    batches = Batches(Split(values), batch_size=100, seed=0, transform=lambda x: x.float().div_(255))
    return lambda: wide[torch.randint(0, 50_000, (100,))], lambda: next(batches)


def upsampling() -> Pair:
    """128 x 16 x 16 to 64 x 32 x 32 by 3 x 3, batch 64, forward and back; ours also in channels-last order."""
    x = torch.randn(64, 128, 16, 16)
    theirs = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(128, 64, 3, padding=1))
    ours = UpsampledConv2d(128, 64).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return differentiated(theirs, x), differentiated(ours, x.to(memory_format=torch.channels_last))


GAINS: dict[str, Callable[[], Pair]] = {
    "dropout masks": dropout,
    "maxout, with its product": maxout,
    "D over real and drawn at once": one_pass,
    "D frozen in G's move": frozen_discriminator,
    "fused Adam": optimizer,
    "moving average": average,
    "a batch of data": data,
    "enlarge and convolve": upsampling,
}


def timed(pair: Pair) -> tuple[float, float, float]:
    """Milliseconds of both, medians over rounds, and the median ratio of a round."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS + 1):
        for task, seconds in zip(pair, taken, strict=True):
            began = time.perf_counter()
            for _ in range(CALLS):
                task()
            seconds.append((time.perf_counter() - began) / CALLS)
    theirs, ours = (seconds[1:] for seconds in taken)
    ratio = statistics.median(b / a for a, b in zip(theirs, ours, strict=True))
    return 1e3 * statistics.median(theirs), 1e3 * statistics.median(ours), ratio


def main() -> None:
    """Measure, print and write the table."""
    torch.manual_seed(0)
    rows = ["| piece | as usual, ms | ours, ms | ours / usual, median of rounds |", "| --- | ---: | ---: | ---: |"]
    for name, make in GAINS.items():
        usual, ours, ratio = timed(make())
        rows.append(f"| {name} | {usual:.3f} | {ours:.3f} | {ratio:.2f} |")
        print(rows[-1], flush=True)
    page = f"# Each gain alone\n\n`python benchmarks/gains.py`: {ROUNDS} interleaved rounds of {CALLS} calls. "
    text = "\n".join(rows)
    page += f"{describe()}\n\n{text}\n\nWhat each row is stands in the file, a function each.\n"
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
