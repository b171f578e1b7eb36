"""A recipe fixes every number of a published experiment: a frozen dataclass; a variant is `replace(parent, ...)`."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from advnets.algorithm import ALGORITHMS, Algorithm1, AlgorithmRow
from advnets.augmentations import CONTROLLERS
from advnets.baselines import BASELINES, Baseline
from advnets.data import TRANSFORMS
from advnets.errors import BadInput, unknown
from advnets.games import AdversarialRow, CycleRow, Weight
from advnets.markup import html_card, html_table
from advnets.networks import NETWORKS, DiscriminatorRow, GeneratorRow, LowerLayers
from advnets.optimizers import OPTIMIZERS, Adam, OptimizerRow, OwnOptimizer, expect_optimizer
from advnets.records import parse_record, parse_value
from advnets.schedules import SCHEDULES, Number, expect_number, value_at
from advnets.training import Moment

PLAYERS = ("discriminator", "generator")


@dataclass(frozen=True)
class Descent:
    """How one player descends.

    Attributes:
        optimizer: A row of OPTIMIZERS and its numbers.
        rate: Learning rate, 0 or more: a number, or a schedule.

    Raises:
        BadInput: If the rate is out of its range, or the optimizer is no row.
    """

    optimizer: OptimizerRow = Adam()  # noqa: RUF009 - frozen
    rate: Number = 2e-4

    def __post_init__(self) -> None:
        expect_number("rate", self.rate, least=0)
        expect_optimizer(self.optimizer)


@dataclass(frozen=True)
class Average:
    """The moving average of what is sampled.

        half-life in force = min(half_life, ramp * images trained on since it began)

    The average follows its first step exactly, and remembers a fixed share of the run from then on, so that untrained
    weights are forgotten. If it begins at once, what is older than a share f of the images has the share
    f^(ln 2 / ramp) of the average: at .2, .03 % for the first tenth (Karras et al. 2020, "Analyzing and Improving the
    Image Quality of StyleGAN"; its released code calls the ramp `ema_rampup`). If it begins later, what is older has no
    share at all, and the ramp may be wider (Brock et al. 2019, "Large Scale GAN Training", begin at step 1,000).

    Attributes:
        half_life: Images after which an old value has half its weight, a number or a schedule; 0 samples the network
            itself.
        ramp: The most that the half-life may be, as a share of the images trained on since the average began.
        averaged_from: Share of the budget at which it begins, 0 to below 1; before, the network itself is sampled.

    Raises:
        BadInput: If a number is out of its range.
    """

    half_life: Number = 0.0
    ramp: float = 0.2
    averaged_from: float = 0.0

    def __post_init__(self) -> None:
        expect_number("half_life, in images,", self.half_life, least=0)
        if type(self.ramp) not in (int, float) or not 0 < self.ramp < math.inf:
            raise BadInput(f"ramp of the average is {self.ramp!r}; expected a finite number above 0, such as 0.2")
        if type(self.averaged_from) not in (int, float) or not 0 <= self.averaged_from < 1:
            raise BadInput(
                f"averaged_from is {self.averaged_from!r}; expected a share of the budget from 0 to below 1, "
                "such as 0.02"
            )

    def half_life_at(self, moment: Moment, batch_size: int) -> float:
        """Return the half-life in force, in images.

        Args:
            moment: Where the stage stands, before the step that the average then moves after.
            batch_size: Images a step.

        Returns:
            The half-life; 0 until the average begins, and at its first step.
        """
        images = float(moment.step * batch_size)
        if self.averaged_from:
            images *= max(0.0, 1 - self.averaged_from / moment.progress) if moment.progress else 0.0
        return min(value_at(self.half_life, moment), self.ramp * images)


@dataclass(frozen=True)
class Budget:
    """How long a run of the recipe is trained if it is not told how long.

    Attributes:
        minutes: Minutes of training, above 0; not read where there are steps.
        steps: Steps, 1 or more, where what is learnt depends on how many they are; otherwise None.

    Raises:
        BadInput: If a number is out of its range.
    """

    minutes: float = 10.0
    steps: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.minutes < math.inf:
            raise BadInput(f"minutes of the budget are {self.minutes!r}; expected more than 0")
        if self.steps is not None and (type(self.steps) is not int or self.steps < 1):
            raise BadInput(f"steps of the budget are {self.steps!r}; expected a whole number of at least 1, or null")


@dataclass(frozen=True)
class Stage:
    """A later part of a training, which builds some networks anew; what it does not name stays as it was.

    Optimizers start afresh with it, the data with a new epoch, and schedules count steps, epochs and progress from its
    beginning to its end.

    Attributes:
        begins: Share of the run's budget at which it takes over, above 0 and below 1.
        below: Layers put before the whole generator of the stage before, to take z in its place; all of it learns on.
        discriminator: A new one, in place of that of the stage before.
    """

    begins: float
    below: LowerLayers | None = None
    discriminator: DiscriminatorRow | None = None


@dataclass(frozen=True)
class Recipe:
    """Every number of an experiment; what is a function or a network is a row of a closed table.

    Attributes:
        name: What the recipe is called.
        about: One line: what it is.
        source: Where its numbers come from.
        learner: What is trained: the row of a game or of a baseline; None for a game of your own, given as `game=`.
        algorithm: Who moves when, a row of ALGORITHMS; None for a baseline, which plays no game.
        descents: {player: how it descends}; empty for a baseline, whose row says it.
        batch_size: Real samples, and noises, a move, over all processes.
        accumulate: Equal parts of a batch that are differentiated one after another, which takes less memory; see
            `turns.differentiate`.
        balanced: Whether every class is drawn equally often.
        transform: How stored values become what the networks see, a row of TRANSFORMS.
        average: The moving average of what is sampled.
        budget: How long a run is trained if it is not told how long.
        stages: What comes after the first stage, which is all that most recipes have.

    Raises:
        BadInput: If a value does not fit its field, or the learner.
    """

    name: str = "own"
    about: str = "your own networks"
    source: str = ""
    learner: AdversarialRow | CycleRow | Baseline | None = None
    algorithm: AlgorithmRow | None = Algorithm1()  # noqa: RUF009 - frozen
    descents: Mapping[str, Descent] = field(default_factory=lambda: dict.fromkeys(PLAYERS, Descent()))
    batch_size: int = 100
    accumulate: int = 1
    balanced: bool = False
    transform: str = "unit"
    average: Average = Average()
    budget: Budget = Budget()
    stages: tuple[Stage, ...] = ()

    def __post_init__(self) -> None:
        _check(self)

    def _repr_html_(self) -> str:
        rows = list(_flat_rows(to_json(self)))
        return html_card(f"Recipe {self.name}: {self.about}", html_table(rows))

    @property
    def baseline(self) -> Baseline | None:
        """The baseline that it trains, which has no opponent; None for a recipe of a game."""
        return self.learner if isinstance(self.learner, Baseline) else None

    def expect_learner(self) -> AdversarialRow | CycleRow | Baseline:
        """Return the learner, which must be there.

        Returns:
            The row of a game or of a baseline.

        Raises:
            BadInput: For a recipe that leaves the learner to a game of your own.
        """
        if self.learner is None:
            raise BadInput(
                f"the recipe {self.name!r} names no networks: give a game of your own as game=, or take a recipe of "
                "`advnets recipes`"
            )
        return self.learner

    def expect_game_row(self) -> AdversarialRow | CycleRow:
        """Return the row of the game, which must be there.

        Returns:
            The row.

        Raises:
            BadInput: For a baseline, and for a recipe that names no networks.
        """
        learner = self.expect_learner()
        if isinstance(learner, AdversarialRow | CycleRow):
            return learner
        raise BadInput(f"the recipe {self.name!r} trains a baseline, which plays no game; take a recipe of a game")


def _flat_rows(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """What a recipe's JSON says, one line a value; rows and their numbers stand on one."""
    for name, item in value.items():
        if isinstance(item, Mapping) and name in ("learner", "descents", *PLAYERS) and path.count(".") < 2:
            if "row" in item and name != "learner":
                yield f"{path}{name}", _one_line(item)
            else:
                yield from _flat_rows(item, "" if name in ("learner", "descents") else f"{path}{name}.")
        elif name not in ("name", "about", "row") and item not in (None, {}, [], ""):
            yield f"{path}{name}", _one_line(item)


def _one_line(item: Any) -> str:
    if isinstance(item, Mapping):
        numbers = ", ".join(f"{name} {_one_line(value)}" for name, value in item.items() if name != "row")
        return f"{item['row']} ({numbers})" if "row" in item else numbers
    return ", ".join(map(_one_line, item)) if isinstance(item, list) else str(item)


def _check(recipe: Recipe) -> None:
    if recipe.transform not in TRANSFORMS:
        raise unknown("transform", str(recipe.transform), TRANSFORMS)
    if type(recipe.batch_size) is not int or recipe.batch_size < 1:
        raise BadInput(f"batch_size is {recipe.batch_size!r}; expected a whole number of at least 1")
    parts = recipe.accumulate
    if type(parts) is not int or parts < 1 or recipe.batch_size % parts:
        raise BadInput(
            f"accumulate is {parts!r} with a batch of {recipe.batch_size}; expected a whole number of parts of equal "
            "size. Take a divisor of batch_size."
        )
    if type(recipe.balanced) is not bool:
        raise BadInput(f"balanced is {recipe.balanced!r}; expected True or False")
    for name, kind in (("average", Average), ("budget", Budget)):
        if not isinstance(getattr(recipe, name), kind):
            raise BadInput(f"{name} is {getattr(recipe, name)!r}; expected {kind.__name__}(...)")
    if not (recipe.baseline or isinstance(recipe.learner, AdversarialRow | CycleRow | None)):
        raise BadInput(
            f"learner is {recipe.learner!r}; expected the row of a game or a baseline, or None for a game of your own"
        )
    _check_stages(recipe.stages)
    if recipe.baseline is not None:
        _check_baseline(recipe)
        return
    if not isinstance(recipe.algorithm, AlgorithmRow):
        raise BadInput(f"algorithm is {recipe.algorithm!r}; expected a row such as advnets.Algorithm1(k=1)")
    if set(recipe.descents) != set(PLAYERS) or not all(isinstance(one, Descent) for one in recipe.descents.values()):
        raise BadInput(
            f"descents are of {', '.join(map(str, recipe.descents)) or 'no player'}; expected a Descent for each of "
            f"{', '.join(PLAYERS)}"
        )


def _check_stages(stages: tuple[Stage, ...]) -> None:
    begins = [0.0, *(stage.begins for stage in stages), 1.0]
    if not all(one < later for one, later in itertools.pairwise(begins)):
        raise BadInput(
            f"stages begin at {', '.join(map(str, begins[1:-1]))} of the budget; expected shares above 0 and below 1, "
            "each greater than the one before"
        )
    for number, stage in enumerate(stages, 2):
        if stage.below is None and stage.discriminator is None:
            raise BadInput(f"stage {number} changes nothing; give it `below` or `discriminator`, or leave it out")


def _check_baseline(recipe: Recipe) -> None:
    """Nothing is given to a baseline that belongs to a game: its own row has the numbers of its training."""
    row = type(recipe.learner).__name__
    usual: dict[str, Any] = {"algorithm": None, "descents": {}, "accumulate": 1, "average": Average(), "stages": ()}
    for name, expected in usual.items():
        if getattr(recipe, name) != expected:
            raise BadInput(
                f"{name} is {getattr(recipe, name)!r} with the learner {row}, a baseline, which plays no game: "
                f"expected {expected!r}. The numbers of its training are those of its row."
            )
    if recipe.transform != "unit":
        raise BadInput(f"transform is {recipe.transform!r}; {row} models pixels in [0, 1], so expected 'unit'")


def to_json(value: Any) -> Any:
    """Return a recipe, or a part of one, as JSON: what is a row of a table carries the row's name.

    Args:
        value: A recipe, a row, a schedule, or a sequence or mapping of them.

    Returns:
        What JSON can hold, for `from_json`.
    """
    if is_dataclass(value) and not isinstance(value, type):
        plain = {spec.name: to_json(getattr(value, spec.name)) for spec in fields(value)}
        row = next((name for name, kind in ROWS.items() if kind is type(value)), None)
        return plain if row is None else {"row": row, **plain}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    return {name: to_json(item) for name, item in value.items()} if isinstance(value, Mapping) else value


def from_json(value: Mapping[str, Any]) -> Recipe:
    """Return the recipe that `to_json` wrote.

    Args:
        value: The JSON object.

    Returns:
        The recipe.

    Raises:
        BadInput: For a field or a row that does not exist, or for a value that does not fit its field.
    """
    return parse_record(Recipe, value, rows=ROWS, what="recipe")


def own_optimizers(recipe: Recipe) -> dict[str, OwnOptimizer]:
    """Return the optimizers of a recipe that are the user's own, by player."""
    found = {player: descent.optimizer for player, descent in recipe.descents.items()}
    return {player: row for player, row in found.items() if isinstance(row, OwnOptimizer)}


def with_own_optimizers(recipe: Recipe, own: Mapping[str, OwnOptimizer]) -> Recipe:
    """Return a recipe that was read from JSON with the functions of its own optimizers, which no file holds.

    Args:
        recipe: The recipe.
        own: {player: optimizer}; what the recipe has in the place of one is replaced only if it is the same by name.

    Returns:
        The recipe.
    """
    found = {player: row for player, row in own.items() if recipe.descents.get(player, Descent()).optimizer == row}
    descents = {player: replace(recipe.descents[player], optimizer=row) for player, row in found.items()}
    return replace(recipe, descents={**recipe.descents, **descents}) if descents else recipe


def maker_from_json(value: Any) -> GeneratorRow | Baseline:
    """Return the row of a network that is sampled, without the recipe around it.

    Args:
        value: What `to_json` wrote of it.

    Returns:
        The row and its numbers.

    Raises:
        BadInput: For whatever is no row of a generator or a baseline, or does not fit its fields.
    """
    row: GeneratorRow | Baseline = parse_value(value, GeneratorRow | Baseline, rows=ROWS, what="generator")
    return row


def lower_from_json(value: Any) -> LowerLayers:
    """Return the layers that a later stage puts before the generator, as `maker_from_json` does.

    Returns:
        The row and its numbers.
    """
    row: LowerLayers = parse_value(value, LowerLayers, rows=ROWS, what="below")
    return row


ROWS: dict[str, Any] = {
    "adversarial": AdversarialRow,
    "cycle": CycleRow,
    "weight": Weight,
    **NETWORKS,
    **BASELINES,
    **SCHEDULES,
    **OPTIMIZERS,
    "own_optimizer": OwnOptimizer,
    **ALGORITHMS,
    **CONTROLLERS,
}
"""Every row that a recipe's JSON may name."""
