"""What is stored of one trained model and of one control: numbers, and where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ParzenScore:
    """A Parzen score, in nats.

    Attributes:
        value: Mean over the points.
        error: Standard error over the points alone.
        sigma: Width of the windows, chosen on validation images.
        edge: Whether sigma is an end of what was searched.
        ceiling: -d log(sigma sqrt(2 pi)), which no score can exceed.
    """

    value: float
    error: float
    sigma: float
    edge: bool
    ceiling: float


@dataclass(frozen=True)
class ClassCoverage:
    """Which classes the samples have for a classifier, and how much of the validation images they cover.

    Attributes:
        least: Smallest share of a class.
        most: Largest share of a class.
        coverage: Coverage of the validation images.
        coverage_error: Its standard error.
        coverage_of_real: Coverage by as many real images.
    """

    least: float
    most: float
    coverage: float
    coverage_error: float
    coverage_of_real: float


@dataclass(frozen=True)
class Measurements:
    """All that samples are measured by, those of a model and those of a control alike.

    Attributes:
        samples: Number of samples.
        scores: Parzen scores, {protocol: {split: score}}.
        nearness: Mean distance to the nearest training image over that of validation images.
        nearness_error: Its standard error.
        classes: Classes and coverage; None where the data have no labels, or the samples are few.
    """

    samples: int
    scores: Mapping[str, Mapping[str, ParzenScore]]
    nearness: float
    nearness_error: float
    classes: ClassCoverage | None


@dataclass(frozen=True)
class AutocorrelationTime:
    """The integrated autocorrelation time of chains.

    Attributes:
        value: The time, in steps.
        error: Its standard error.
        chains: Number of chains.
        steps: Steps of each chain.
        enough: Whether the chains are long enough to estimate it.
    """

    value: float
    error: float
    chains: int
    steps: int
    enough: bool


@dataclass(frozen=True)
class ChainMixing:
    """How the Markov chain of a model mixes.

    Attributes:
        burn_in: Steps from noise to a sample of an independent chain.
        passes_per_step: Passes through a layer in one step.
        one: Autocorrelation time of a single chain.
        many: Autocorrelation time of many chains at once.
        chains: Number of the many chains.
        states: Consecutive states of each that are scored.
        consecutive: Scores of these states, {split: score}; together they are as many as the independent samples.
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
    """Where numbers come from.

    Attributes:
        command: The command.
        advnets: Version of advnets.
        commit: Git commit, None outside of a checkout.
        platform: System and processor.
        threads: Number of threads.
    """

    command: str
    advnets: str
    commit: str | None
    platform: str
    threads: int


@dataclass(frozen=True)
class TrainedUnit:
    """One row of the table with one seed: it was trained, and then measured once.

    Nothing but sigma was chosen, and that on validation images.

    Attributes:
        row: Name of the row's recipe.
        recipe: SHA-256 of all numbers of the recipe.
        seed: Seed of the training.
        minutes: Minutes that it took.
        steps: Steps of training.
        numbers: What its samples are measured by.
        layer_passes: Passes through layers that 10,000 independent samples take.
        seconds: Seconds that 10,000 independent samples take.
        mixing: How its Markov chain mixes, None where there is none.
        trained: Origin of the model.
        measured: Origin of the numbers.
        test_readings: How often the test split had been read of this run by the end; 1 if the rule was obeyed.
    """

    row: str
    recipe: str
    seed: int
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
    """Samples that no model made, which show what a score is worth.

    Attributes:
        numbers: What the samples are measured by.
        measured: Origin of the numbers.
    """

    numbers: Measurements
    measured: Origin
