"""What a training would take, measured on its first steps without writing anything."""

import statistics
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

import torch

from advnets import distributed
from advnets.averaging import MovingAverage
from advnets.capture import expect_capturable
from advnets.data import Dataset
from advnets.experiment.preparation.build_training import build_training
from advnets.experiment.settings import Settings, find_device, settle_direction, with_budget
from advnets.randomness import Streams
from advnets.recipes import Recipe
from advnets.training import Moment, Training

WARM_UP, TIMED = 5, 25
ENOUGH_SECONDS = 10.0
"""A stage whose steps are slow is timed on fewer of them."""


@dataclass(frozen=True)
class StageCost:
    """What one stage of a recipe takes.

    Attributes:
        begins: The share of the budget at which it begins, from 0 to 1.
        parameters: Number of parameters of each player, by name.
        milliseconds_per_step: The median time of a step.
        timed: Number of steps that were timed.
    """

    begins: float
    parameters: dict[str, int]
    milliseconds_per_step: float
    timed: int

    def __str__(self) -> str:
        players = ", ".join(f"{name} {count:,}" for name, count in self.parameters.items())
        when = f"from {100 * self.begins:.0f} % on: " if self.begins else ""
        return f"{when}{self.milliseconds_per_step:.1f} ms a step (median of {self.timed}); parameters: {players}"


@dataclass(frozen=True)
class Cost:
    """What a training would take here.

    Attributes:
        recipe: Name of the recipe.
        data: Name of the data set.
        images: Number of training samples.
        shape: Shape of one sample: (c, h, w) for images, (d,) for points.
        stages: The cost of each stage in turn; most recipes have one.
        batch_size: Real samples a step.
        device: Where the networks were trained for the measurement.
        processes: Number of processes that train together.
        milliseconds_per_step: The mean time of a step over the whole run.
        steps: Steps of the whole run, as estimated.
        minutes: Minutes of the whole run, as estimated.
        mebibytes: Peak memory of this process when it was measured, in MiB; None where it is not known.
    """

    recipe: str
    data: str
    images: int
    shape: tuple[int, ...]
    stages: tuple[StageCost, ...]
    batch_size: int
    device: str
    processes: int
    milliseconds_per_step: float
    steps: int
    minutes: float
    mebibytes: float | None

    def as_dict(self) -> dict[str, Any]:
        """The cost as JSON.

        Returns:
            Its fields.
        """
        return asdict(self)

    def __str__(self) -> str:
        memory = "unknown" if self.mebibytes is None else f"{self.mebibytes:,.0f} MiB"
        stages = "\n".join(str(stage) for stage in self.stages)
        where = self.device if self.processes == 1 else f"{self.processes} processes, {self.device}"
        return (
            f"{self.recipe} on {self.data}: {self.images:,} samples of {' x '.join(map(str, self.shape))}, "
            f"{self.batch_size} a step, on {where}\n"
            f"{stages}\n"
            f"estimated: {self.steps:,} steps, {self.minutes:.1f} minutes, {memory} at the peak\n"
            "nothing was written"
        )


@torch.inference_mode(False)  # the caller may have switched gradients off
def dry_run(
    recipe: Recipe, *, settings: Settings, dataset: Dataset | None = None, seconds: float = ENOUGH_SECONDS
) -> Cost:
    """Set the training up, take up to thirty steps of each stage in memory, and tell what the whole would take.

    Of a baseline whose layers are trained one after the other, the first one's steps stand for all.

    Args:
        recipe: What would be trained.
        settings: On what, where, and for how long; without a budget the recipe's own is taken.
        dataset: The data of the settings, where they were loaded already; None loads them.
        seconds: About how long each stage is timed; at least two steps are.

    Returns:
        The cost; nothing is written.

    Raises:
        BadInput: If the device is not there, the data are not found, or they do not fit the recipe.
    """
    distributed.init_process_group()
    device = find_device(settings.device)
    if settings.capture:
        expect_capturable(device)
    settings = settle_direction(settings, recipe.learner)
    dataset = dataset or distributed.local_rank0_first(settings.dataset)
    streams = Streams(settings.seed, device)
    with streams.as_defaults():
        tried = build_training(recipe, dataset, seed=settings.seed, device=device, capture=settings.capture)
        stages = [_stage_cost(tried, recipe, seconds)]
        for _ in recipe.stages:
            tried.begin_next_stage(0)
            stages.append(_stage_cost(tried, recipe, seconds))
    steps, minutes = _length(recipe, settings, stages)
    return Cost(
        recipe=recipe.name,
        data=dataset.name,
        images=len(dataset.train),
        shape=dataset.shape,
        stages=tuple(stages),
        batch_size=recipe.batch_size,
        device=str(device),
        processes=distributed.world_size(),
        milliseconds_per_step=round(60_000 * minutes / steps, 3),
        steps=steps,
        minutes=round(minutes, 3),
        mebibytes=peak_mebibytes(),
    )


def _stage_cost(tried: Training, recipe: Recipe, enough: float) -> StageCost:
    seconds = _seconds_per_step(tried, recipe, enough)
    return StageCost(
        begins=recipe.stages[tried.stage - 1].begins if tried.stage else 0.0,
        parameters={
            name: sum(theta.numel() for theta in network.parameters()) for name, network in tried.players.items()
        },
        milliseconds_per_step=round(1000 * statistics.median(seconds), 3),
        timed=len(seconds),
    )


def _seconds_per_step(tried: Training, recipe: Recipe, enough: float) -> list[float]:
    """Of up to TIMED steps after up to WARM_UP others; slow ones are stopped early, half of them then warm-up."""
    tried.schedule(Moment(0, 1, 0.0))
    average = MovingAverage(tried.makers)
    steps, seconds = tried.steps(0), list[float]()
    while len(seconds) < WARM_UP + TIMED and (len(seconds) < 2 or sum(seconds) < enough):
        began = time.perf_counter()
        next(steps)
        average.update(tried.makers, recipe.batch_size)
        seconds.append(time.perf_counter() - began)
    return seconds[min(WARM_UP, len(seconds) // 2) :]


def _length(recipe: Recipe, settings: Settings, stages: list[StageCost]) -> tuple[int, float]:
    """Steps and minutes: stages have shares of the steps where steps end the run, and of the time where minutes do."""
    ends = [*(stage.begins for stage in stages[1:]), 1.0]
    shares = [end - stage.begins for stage, end in zip(stages, ends, strict=True)]
    paces = [stage.milliseconds_per_step / 60_000 for stage in stages]
    settings = with_budget(settings, recipe)
    minutes = settings.minutes
    if minutes:
        by_minutes = int(minutes * sum(share / pace for share, pace in zip(shares, paces, strict=True)))
        if settings.steps is None or by_minutes < settings.steps:
            return max(by_minutes, 1), minutes
    steps = settings.steps or 1
    return steps, steps * sum(share * pace for share, pace in zip(shares, paces, strict=True))


def peak_mebibytes() -> float | None:
    """Peak resident memory of this process; None where the platform does not tell.

    Returns:
        The peak in MiB, or None.
    """
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
