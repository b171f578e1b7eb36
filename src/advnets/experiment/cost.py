"""What a training would take, measured on its first steps without writing anything."""

import statistics
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from advnets.averaging import MovingAverage
from advnets.data import Dataset
from advnets.experiment.play import Play, play
from advnets.experiment.settings import Settings, find_device
from advnets.randomness import Streams
from advnets.recipes import Recipe
from advnets.schedules import Moment

WARM_UP, TIMED = 5, 25


@dataclass(frozen=True)
class Cost:
    """What a training would take here.

    parameters: of each player. images: for training; shape: of each. milliseconds_per_step: the median of 25.
    steps, minutes: of the whole run, as estimated. mebibytes: the peak of this process while it was measured.
    """

    recipe: str
    data: str
    images: int
    shape: tuple[int, ...]
    parameters: dict[str, int]
    batch_size: int
    device: str
    milliseconds_per_step: float
    steps: int
    minutes: float
    mebibytes: float | None

    def as_dict(self) -> dict[str, Any]:
        """The cost as JSON."""
        return asdict(self)

    def __str__(self) -> str:
        memory = "unknown" if self.mebibytes is None else f"{self.mebibytes:,.0f} MiB"
        players = ", ".join(f"{name} {count:,}" for name, count in self.parameters.items())
        return (
            f"{self.recipe} on {self.data}: {self.images:,} samples of {' x '.join(map(str, self.shape))}\n"
            f"parameters: {players}\n"
            f"{self.milliseconds_per_step:.1f} ms a step of {self.batch_size} on {self.device} (median of {TIMED})\n"
            f"estimated: {self.steps:,} steps, {self.minutes:.1f} minutes, {memory} at the peak\n"
            "nothing was written"
        )


def dry_run(recipe: Recipe, *, settings: Settings, dataset: Dataset | None = None) -> Cost:
    """Set the training up, take thirty steps in memory, and tell what the whole would take.

    dataset: that of the settings, where it was loaded already.
    """
    device = find_device(settings.device)
    dataset = dataset or settings.dataset()
    streams = Streams(settings.seed, device)
    with streams.active():
        tried = play(recipe, dataset, seed=settings.seed, device=device)
        seconds = _seconds_per_step(tried)
    steps, minutes = _length(recipe, settings, seconds)
    return Cost(
        recipe=recipe.name,
        data=dataset.name,
        images=len(dataset.train),
        shape=dataset.shape,
        parameters={
            name: sum(theta.numel() for theta in network.parameters()) for name, network in tried.game.players.items()
        },
        batch_size=recipe.batch_size,
        device=str(device),
        milliseconds_per_step=round(1000 * seconds, 3),
        steps=steps,
        minutes=round(minutes, 3),
        mebibytes=peak_mebibytes(),
    )


def _seconds_per_step(tried: Play) -> float:
    tried.schedule(Moment(0, 1, 0.0))
    average = MovingAverage(tried.game.generator, tried.recipe.ema_half_life)
    steps, seconds = tried.steps(0), []
    for _ in range(WARM_UP + TIMED):
        began = time.perf_counter()
        next(steps)
        average.update(tried.game.generator, tried.recipe.batch_size)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[WARM_UP:])


def _length(recipe: Recipe, settings: Settings, seconds: float) -> tuple[int, float]:
    minutes = settings.minutes or (None if settings.steps else recipe.usual_minutes)
    by_minutes = int(60 * minutes / seconds) if minutes else sys.maxsize
    steps = min(settings.steps or sys.maxsize, by_minutes)
    return steps, steps * seconds / 60


def peak_mebibytes() -> float | None:
    """Peak resident memory of this process; None where the platform does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
