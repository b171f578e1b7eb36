"""What is kept of one trained model and of one control: numbers, and what they were got by."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ParzenScore:
    """A Parzen score, in nats.

    value: mean over the points. error: standard error over the points alone. sigma: as chosen on validation images;
    edge: whether it is an end of what was searched. ceiling: -d log(sigma sqrt(2 pi)).
    """

    value: float
    error: float
    sigma: float
    edge: bool
    ceiling: float


@dataclass(frozen=True)
class ClassCoverage:
    """Which classes the samples show to a classifier, and how much of the validation images they cover.

    least, most: the smallest and the largest share of a class. coverage, its error, and what real images would have.
    """

    least: float
    most: float
    coverage: float
    coverage_error: float
    coverage_of_real: float


@dataclass(frozen=True)
class Measurements:
    """What samples are measured by, those of a model and those of a control alike.

    samples: how many. scores: {protocol: {split: score}}. nearness: mean distance to the nearest training image over
    that of validation images, with its error. classes: None where the data have none, or the samples are few.
    """

    samples: int
    scores: Mapping[str, Mapping[str, ParzenScore]]
    nearness: float
    nearness_error: float
    classes: ClassCoverage | None


@dataclass(frozen=True)
class AutocorrelationTime:
    """An autocorrelation time in steps, and of what: chains of so many steps; enough: whether they tell it."""

    value: float
    error: float
    chains: int
    steps: int
    enough: bool


@dataclass(frozen=True)
class ChainMixing:
    """How the Markov chain of a model mixes.

    burn_in: steps from noise to a sample of an independent chain. passes_per_step: through a layer. one, many: the
    autocorrelation time by a single chain, and by many at once. consecutive: {split: score} of consecutive states of
    `chains` chains, as many states together as the independent samples are.
    """

    burn_in: int
    passes_per_step: int
    one: AutocorrelationTime
    many: AutocorrelationTime
    chains: int
    states: int
    consecutive: Mapping[str, ParzenScore]


@dataclass(frozen=True)
class Origin:
    """Where numbers come from: command, version, git commit (None outside of a checkout) and machine."""

    command: str
    advnets: str
    commit: str | None
    platform: str
    threads: int


@dataclass(frozen=True)
class TrainedUnit:
    """One row of the table with one seed: trained, then measured once.

    row: the name of its recipe; recipe: the SHA-256 of all its numbers. budget: minutes of training that were allowed;
    minutes: that it took. steps: of training. trained, measured: by what. test_readings: how often the test split had
    been read of this run by the end of the measuring, 1 if the rule was kept; nothing but sigma was chosen, and that
    on validation images.
    layer_passes, seconds: that 10,000 independent samples take. mixing: None where there is no Markov chain.
    """

    row: str
    recipe: str
    seed: int
    budget: float
    minutes: float
    steps: int
    numbers: Measurements
    layer_passes: float
    seconds: float
    mixing: ChainMixing | None
    trained: Origin
    measured: Origin
    test_readings: int


@dataclass(frozen=True)
class MeasuredControl:
    """Samples that no model made: what a score is worth."""

    numbers: Measurements
    measured: Origin
