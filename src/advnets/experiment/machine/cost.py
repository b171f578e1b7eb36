"""What a training would take, measured on its first steps without writing anything."""

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from advnets import distributed
from advnets.averaging import MovingAverage
from advnets.capture import expect_capturable
from advnets.data import Dataset
from advnets.experiment.preparation.build_training import build_training
from advnets.experiment.run_data import data_notes
from advnets.experiment.settings import Settings, find_device, settle_direction, with_budget
from advnets.randomness import Streams
from advnets.recipes import Recipe
from advnets.runs import KEPT_CHECKPOINTS, measure_tensors
from advnets.text import format_number
from advnets.training import Moment, Training

WARM_UP, TIMED = 5, 25
ENOUGH_SECONDS = 10.0
"""A stage whose steps are slow is timed on fewer of them."""
FEWEST = 4
"""Steps that are taken, the first of them as warm-up, where they take no more than ENOUGH_SECONDS."""
SPREAD = 2.0
"""Over a whole run a step may take so many times its timed median: other programs share the machine, and pictures,
checkpoints and the doctor take time too. It may take as many times less, where others left the machine meanwhile."""
FEW_TIMED, SPREAD_OF_FEW = 2, 4.0
"""Up to how many timed steps make a guess, and how many times it may be off."""


@dataclass(frozen=True)
class StageCost:
    """What one stage of a recipe takes.

    Attributes:
        begins: The share of the budget at which it begins, from 0 to 1.
        parameters: Number of parameters of each player, by name.
        milliseconds_per_step: The median time of a step.
        timed: Number of steps that were timed.
        quartiles: A quarter of the timed steps took less milliseconds than the first, and a quarter more than the last.
    """

    begins: float
    parameters: dict[str, int]
    milliseconds_per_step: float
    timed: int
    quartiles: tuple[float, float]

    @property
    def pace_range(self) -> tuple[float, float]:
        """Least and most milliseconds that a step is likely to take over a whole run."""
        spread = SPREAD_OF_FEW if self.timed <= FEW_TIMED else SPREAD
        pace = self.milliseconds_per_step
        return min(self.quartiles[0], pace / spread), max(self.quartiles[1], spread * pace)

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
        steps_range: Least and most steps that are likely; twice the same number where steps end the run.
        minutes_range: Least and most minutes that are likely; twice the same number where minutes end the run.
        checkpoint_mebibytes: What a checkpoint takes on the disk: all weights, the optimizers' state and the average.
        checkpoints: How many checkpoints a run keeps.
        mebibytes: Peak memory of this process when it was measured, in MiB; None where it is not known.
        notes: How image files were read, and what of them stands against a good training.
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
    steps_range: tuple[int, int]
    minutes_range: tuple[float, float]
    checkpoint_mebibytes: float
    checkpoints: int
    mebibytes: float | None
    notes: tuple[str, ...] = ()

    @property
    def length(self) -> str:
        """Steps and minutes in words, with the range of what is estimated."""
        return format_length(self.steps, self.minutes, self.steps_range, self.minutes_range)

    @property
    def doubt(self) -> str:
        """A sentence where few steps were timed; else nothing."""
        return format_doubt([stage.timed for stage in self.stages])

    @property
    def disk(self) -> str:
        """In words, what the checkpoints take on the disk."""
        return format_disk(self.checkpoint_mebibytes, self.checkpoints)

    def as_dict(self) -> dict[str, Any]:
        """The cost as JSON.

        Returns:
            Its fields.
        """
        return asdict(self)

    def __str__(self) -> str:
        memory = "unknown" if self.mebibytes is None else f"{self.mebibytes:,.0f} MiB"
        stages = "\n".join(str(stage) for stage in self.stages)
        doubt = f"{self.doubt}\n" if self.doubt else ""
        where = self.device if self.processes == 1 else f"{self.processes} processes, {self.device}"
        return (
            f"{self.recipe} on {self.data}: {self.images:,} samples of {' x '.join(map(str, self.shape))}, "
            f"{self.batch_size} a step, on {where}\n"
            f"{stages}\n"
            f"estimated: {self.length}; {memory} of memory at the peak; {self.disk}\n"
            f"{doubt}"
            "nothing was written"
        )


def format_length(steps: int, minutes: float, steps_range: Sequence[int], minutes_range: Sequence[float]) -> str:
    """Format how long a run is, as `Cost` has it.

    Args:
        steps: Steps.
        minutes: Minutes.
        steps_range: Least and most steps.
        minutes_range: Least and most minutes.

    Returns:
        The words.

    Example:
        >>> format_length(775, 10.0, (388, 812), (10.0, 10.0))
        'about 780 steps (390 to 810) in 10 minutes'
        >>> format_length(1000, 5.04, (1000, 1000), (4.9, 10.1))
        '1,000 steps in about 5 minutes (4.9 to 10)'
    """
    steps_words = f"{steps:,} steps" if len(set(steps_range)) == 1 else _about(steps, steps_range, "steps")
    minutes_words = (
        f"{minutes:.3g} minutes" if len(set(minutes_range)) == 1 else _about(minutes, minutes_range, "minutes")
    )
    return f"{steps_words} in {minutes_words}"


def format_doubt(timed: Sequence[int]) -> str:
    """Say of an estimate that it stands on few steps.

    Args:
        timed: How many steps were timed of each stage.

    Returns:
        A sentence; nothing where enough were timed.

    Example:
        >>> format_doubt([1])
        'Only one step was timed, as busy as the machine was: this may be several times off.'
        >>> format_doubt([25, 25])
        ''
    """
    least = min(timed, default=TIMED)
    if least > FEW_TIMED:
        return ""
    steps = "one step was" if least == 1 else f"{least} steps were"
    return f"Only {steps} timed, as busy as the machine was: this may be several times off."


def _about(value: float, bounds: Sequence[float], unit: str) -> str:
    low, high = (format_number(bound, 2) for bound in bounds)
    return f"about {format_number(value, 2)} {unit} ({low} to {high})"


def format_disk(mebibytes: float, checkpoints: int) -> str:
    """Format what the checkpoints of a run take on the disk.

    Args:
        mebibytes: What one takes, in MiB.
        checkpoints: How many are kept.

    Returns:
        The words.

    Example:
        >>> format_disk(957.2, 2)
        '1,914 MiB on the disk for 2 checkpoints'
    """
    whole = checkpoints * mebibytes
    return f"{f'{whole:,.0f}' if whole >= 10 else f'{whole:.2g}'} MiB on the disk for {checkpoints} checkpoints"


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
        seconds: About how long each stage is timed; three steps are behind a first one if ten seconds allow it, and
            one is in any case.

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
        checkpoint = measure_tensors([tried.state(), MovingAverage(tried.makers).state()])
    settings = with_budget(settings, recipe)
    paces = [stage.milliseconds_per_step / 60_000 for stage in stages]
    quick, slow = ([stage.pace_range[end] / 60_000 for stage in stages] for end in (0, 1))
    steps, minutes = _length(settings, stages, paces)
    (most_steps, least_minutes), (least_steps, most_minutes) = (_length(settings, stages, one) for one in (quick, slow))
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
        steps_range=(least_steps, most_steps),
        minutes_range=(round(least_minutes, 6), round(most_minutes, 6)),
        checkpoint_mebibytes=round(checkpoint / 2**20, 3),
        checkpoints=KEPT_CHECKPOINTS + (settings.keep_best is not None),
        mebibytes=peak_mebibytes(),
        notes=tuple(data_notes(dataset)),
    )


def _stage_cost(tried: Training, recipe: Recipe, enough: float) -> StageCost:
    seconds = _seconds_per_step(tried, recipe, enough)
    first, _, last = statistics.quantiles(seconds, method="inclusive") if len(seconds) > 1 else seconds * 3
    return StageCost(
        begins=recipe.stages[tried.stage - 1].begins if tried.stage else 0.0,
        parameters={
            name: sum(theta.numel() for theta in network.parameters()) for name, network in tried.players.items()
        },
        milliseconds_per_step=round(1000 * statistics.median(seconds), 3),
        timed=len(seconds),
        quartiles=(round(1000 * first, 3), round(1000 * last, 3)),
    )


def _seconds_per_step(tried: Training, recipe: Recipe, enough: float) -> list[float]:
    """Of up to TIMED steps after up to WARM_UP others; slow ones are stopped early, half of them then warm-up.

    Of the slowest ones the first is warm-up, and up to three are timed, if the next is likely to end in time.
    """
    tried.schedule(Moment(0, 1, 0.0))
    average = MovingAverage(tried.makers)
    steps, seconds = tried.steps(0), list[float]()
    while len(seconds) < WARM_UP + TIMED and (_are_too_few(seconds) or sum(seconds) < enough):
        began = time.perf_counter()
        next(steps)
        average.update(tried.makers, recipe.batch_size)
        seconds.append(time.perf_counter() - began)
    return seconds[1 if len(seconds) <= FEWEST else min(WARM_UP, len(seconds) // 2) :]


def _are_too_few(seconds: Sequence[float]) -> bool:
    """Whether one more step is to be taken, even if the time for them is over."""
    return len(seconds) < 2 or (len(seconds) < FEWEST and sum(seconds) + seconds[-1] <= ENOUGH_SECONDS)


def _length(settings: Settings, stages: Sequence[StageCost], paces: Sequence[float]) -> tuple[int, float]:
    """Steps and minutes: stages have shares of the steps where steps end the run, and of the time where minutes do.

    `paces` has the minutes that a step of each stage takes.
    """
    ends = [*(stage.begins for stage in stages[1:]), 1.0]
    shares = [end - stage.begins for stage, end in zip(stages, ends, strict=True)]
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
