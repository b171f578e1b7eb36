"""One step of `dcgan` and of `modern` on photos: against the framework's example, their own products, and by choice.

    OMP_NUM_THREADS=1 python benchmarks/photo_steps.py [--rounds 30] [--sizes 32 64]

All steps of a size are taken in one interleaved run, in another order each round. Ours are those of a run: batches from
bytes in memory, augmentation, checks for NaN, schedules and the moving average included. The framework's is the step of
framework_dcgan.py, with its batches ready as floats. The products of a step are its convolutions and matrix products
alone: those that one step calls are recorded (forward, input gradients, weight gradients) and called again, on tensors
of the same shapes, types and layout. A choice is measured by a step that leaves it out and is the recipe's otherwise.
Seconds of the processor stand beside those of the clock, for other work may share the machine.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import framework_dcgan
import torch
from machine import describe
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from two_checkouts import median_interval

from advnets import penalties
from advnets.averaging import MovingAverage
from advnets.data import Dataset
from advnets.experiment.preparation.build_training import build_game_training
from advnets.experiment.preparation.game_training import GameTraining
from advnets.games import AdversarialRow, Game
from advnets.networks.layers import resample, twice_differentiable
from advnets.recipes import RECIPES, Recipe
from advnets.training import Moment

IMAGES, WARM_UP, DEVICE = 330, 2, torch.device("cpu")
READING = """\
Rows from "float32" on leave one choice out, or make it otherwise: "this / the recipe" says how much longer the step
then takes. `dcgan` judges real and fake images in two passes, for its batch normalisation takes the moments of each;
`modern` in one. What each row is stands in the file.
"""
Step = Callable[[], object]
Change = Callable[[GameTraining], object]


class Taken(NamedTuple):
    """What one step took, a number a round."""

    clock: list[float]
    processor: list[float]


def photos(size: int) -> Dataset:
    """Images of noise: a step takes as long with them as with any."""
    rng = torch.Generator().manual_seed(0)
    return Dataset.of(torch.randint(0, 256, (IMAGES, 3, size, size), dtype=torch.uint8, generator=rng))


def with_row(recipe: Recipe, **numbers: Any) -> Recipe:
    """The recipe with other numbers of its game."""
    assert isinstance(recipe.learner, AdversarialRow)
    return replace(recipe, learner=replace(recipe.learner, **numbers))


def ours(recipe: Recipe, dataset: Dataset, change: Change | None = None, *, game: Game | None = None) -> Step:
    """A step as in a run, of the recipe's game or of another; `change` is made before the first one."""
    played = build_game_training(recipe, dataset, seed=0, device=DEVICE, game=game)
    if change is not None:
        change(played)
    average, steps = MovingAverage(played.makers), played.steps(0)

    def step() -> None:
        played.schedule(Moment(0, 1, 0.0))
        next(steps)
        average.update(played.makers, recipe.batch_size)

    return step


def within(context: Callable[[], AbstractContextManager[Any]], step: Step) -> Step:
    """The step within a context."""

    def inside() -> None:
        with context():
            step()

    return inside


def framework(size: int) -> Step:
    """The step of the framework's example."""
    real = framework_dcgan.generator(size)(torch.randn(framework_dcgan.BATCH, framework_dcgan.LATENT, 1, 1)).detach()
    nets = framework_dcgan.generator(size), framework_dcgan.discriminator(size)
    return partial(next, framework_dcgan.steps(*nets, repeat(real)))


class Products(TorchDispatchMode):
    """Records the convolutions and matrix products that are called within."""

    CALLS = frozenset({"convolution", "convolution_backward", "mm", "addmm", "bmm"})

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Step] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func.overloadpacket.__name__ in self.CALLS:
            self.calls.append(partial(func, *map(_alike, args), **(kwargs or {})))
        return func(*args, **(kwargs or {}))


def _alike(found: Any) -> Any:
    """A tensor of the same shape, type and layout, or what else is found."""
    if not isinstance(found, Tensor):
        return found
    return torch.empty_strided(found.shape, found.stride(), dtype=found.dtype, device=found.device).normal_()


def products(step: Step) -> Step:
    """The products of a step alone."""
    with Products() as recorded:
        step()

    def replay() -> None:
        for call in recorded.calls:
            call()

    return replay


def contiguous(played: GameTraining) -> None:
    """Weights, and so activations, lie map after map."""
    for network in played.players.values():
        network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def plain_adam(played: GameTraining) -> None:
    """torch's Adam as it comes."""
    for player, network in played.players.items():
        played.optimizers[player] = torch.optim.Adam(
            network.parameters(), betas=played.optimizers[player].param_groups[0]["betas"]
        )


def two_passes(played: GameTraining) -> None:
    """D judges real and fake images one after the other."""
    object.__setattr__(played.game, "_one_pass", False)


def torch_convolutions() -> AbstractContextManager[Any]:
    """torch's own convolutions in place of those with cheap second derivatives."""
    stack = ExitStack()
    for module in (resample, twice_differentiable):
        stack.enter_context(patch.object(module, "conv2d", functional.conv2d))
    return stack


@contextmanager
def slopes_apart() -> Iterator[None]:
    """R1 and R2 take a backward pass each; the weights' gradients are left out of both, as in the joint one."""
    taken = penalties.input_gradient

    def input_gradient(logits: Tensor, x: Tensor) -> Tensor:
        with twice_differentiable.input_slopes_only():
            return taken(logits, x)

    with patch.object(Game, "_pays", lambda *_, **__: False):
        with patch.object(penalties, "input_gradient", input_gradient):
            yield


def unused_slopes() -> AbstractContextManager[Any]:
    """The joint pass takes the weights' gradients too, and throws them away."""
    return patch.object(penalties, "input_slopes_only", nullcontext)


def dcgan_steps(dataset: Dataset, size: int) -> dict[str, Step]:
    """The recipe `dcgan`, what it is compared with, and the recipe without its choices."""
    recipe = RECIPES["dcgan"]
    mine = partial(ours, recipe, dataset)
    return {
        "dcgan": mine(),
        "dcgan: the framework's example": framework(size),
        "dcgan: its products": products(mine()),
        "dcgan: float32": ours(with_row(recipe, precision="float32"), dataset),
        "dcgan: contiguous": mine(contiguous),
        "dcgan: Adam as it comes": mine(plain_adam),
    }


def modern_steps(dataset: Dataset) -> dict[str, Step]:
    """The recipe `modern` with R1 + R2 by three ways, its products, and the recipe without its choices."""
    recipe = RECIPES["modern"]
    mine, finite = partial(ours, recipe, dataset), {"r1_finite": 1.0, "r2_finite": 1.0}
    return {
        "modern": mine(),
        "modern: its products": products(mine()),
        "modern: finite differences": ours(with_row(recipe, penalties=finite), dataset),
        "modern: finite differences, float32": ours(with_row(recipe, penalties=finite, precision="float32"), dataset),
        "modern: no penalty": ours(with_row(recipe, penalties={}), dataset),
        "modern: float32": ours(with_row(recipe, precision="float32"), dataset),
        "modern: contiguous": mine(contiguous),
        "modern: Adam as it comes": mine(plain_adam),
        "modern: two passes over real and fake": mine(two_passes),
        "modern: nn.Conv2d": within(torch_convolutions, mine()),
        "modern: R1 and R2 by two passes": within(slopes_apart, mine()),
        "modern: weights' slopes that are not used": within(unused_slopes, mine()),
    }


def interleaved(ways: dict[str, Step], rounds: int) -> dict[str, Taken]:
    """Take a step of each way a round, in an order of chance."""
    for step in ways.values():
        for _ in range(WARM_UP):
            step()
    taken, order, rng = {name: Taken([], []) for name in ways}, list(ways), random.Random(0)
    for _ in range(rounds):
        rng.shuffle(order)
        for name in order:
            clock, processor = time.perf_counter(), time.process_time()
            ways[name]()
            taken[name].clock.append(time.perf_counter() - clock)
            taken[name].processor.append(time.process_time() - processor)
    return taken


def table(taken: dict[str, Taken], recipe: str) -> str:
    """A row a step of the recipe: medians of milliseconds, and of the ratio within a round."""
    mine = taken[recipe]
    lines = [
        "| step | ms | ms of the processor | this / the recipe (95 %) | of the processor (95 %) "
        "| recipe / this, of the processor |",
        "| --- | ---: | ---: | --- | --- | --- |",
    ]
    for name, found in taken.items():
        if name.split(":")[0] != recipe:
            continue
        each = " | ".join(f"{1e3 * statistics.median(seconds):.0f}" for seconds in found)
        over = " | ".join(_ratio(a, b) for a, b in zip(found, mine, strict=True))
        under = _ratio(mine.processor, found.processor)
        lines.append(f"| {name.removeprefix(f'{recipe}: ')} | {each} | {over} | {under} |")
    return "\n".join(lines)


def _ratio(these: list[float], those: list[float]) -> str:
    ratios = [a / b for a, b in zip(these, those, strict=True)]
    low, high = median_interval(ratios)
    return f"{statistics.median(ratios):.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    """Measure each size, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--page", type=Path, default=Path(__file__).with_suffix(".md"))
    asked = parser.parse_args()
    torch.manual_seed(0)
    parts = [
        "# One step on photos\n",
        f"`OMP_NUM_THREADS=1 python benchmarks/photo_steps.py --rounds {asked.rounds}`: {asked.rounds} interleaved "
        f"rounds a size, {date.today()}. {describe()} Medians, with 95 % intervals of the median by bootstrap.\n",
    ]
    for size in asked.sizes:
        dataset = photos(size)
        taken = interleaved({**dcgan_steps(dataset, size), **modern_steps(dataset)}, asked.rounds)
        for name in ("dcgan", "modern"):
            recipe = RECIPES[name]
            assert isinstance(recipe.learner, AdversarialRow)
            width = recipe.learner.generator.width  # type: ignore[attr-defined]
            parts.append(f"## `{name}` at {size} pixels, batch {recipe.batch_size}, width {width}\n")
            parts.append(f"{table(taken, name)}\n")
            print(*parts[-2:], sep="\n", flush=True)
        parts_so_far = "\n".join([*parts, READING])
        asked.page.write_text(parts_so_far, encoding="utf-8")


if __name__ == "__main__":
    main()
