"""A recipe fixes every number of a published experiment: a frozen dataclass; a variant is `replace(parent, ...)`."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, get_type_hints

from advnets.algorithm import ALGORITHMS
from advnets.baselines import BASELINES, BaselineRow
from advnets.constraints import CONSTRAINTS
from advnets.data.transforms import TRANSFORMS
from advnets.errors import BadInput, unknown
from advnets.games.game import PRECISIONS
from advnets.latents import LATENTS
from advnets.networks import NETWORKS, DiscriminatorRow, GeneratorRow, LowerLayers
from advnets.objectives import OBJECTIVES
from advnets.optimizers import OPTIMIZERS
from advnets.penalties import PENALTIES
from advnets.records import parse_record, parse_value
from advnets.schedules import SCHEDULES, Constant, Schedule


@dataclass(frozen=True)
class Stage:
    """A later part of a training, which builds some networks anew; what it does not name stays as it was.

    Optimizers start afresh with it, the data with a new epoch, and schedules count steps, epochs and progress from its
    beginning to its end.

    begins: share of the run's budget at which it takes over, above 0 and below 1.
    below: layers put before the whole generator of the stage before, to take z in its place; all of it is trained on.
    discriminator: a new one, in place of that of the stage before.
    """

    begins: float
    below: LowerLayers | None = None
    discriminator: DiscriminatorRow | None = None


@dataclass(frozen=True)
class Recipe:
    """Every number of an experiment; fields that are functions or networks are names of rows of closed tables."""

    name: str = "own"
    """What the recipe is called."""
    about: str = "your own networks"
    """One line: what it is."""
    source: str = ""
    """Where its numbers come from."""
    generator: GeneratorRow | BaselineRow | None = None
    """The generator's row and settings, or a baseline's, which learns alone; None where you bring the network."""
    discriminator: DiscriminatorRow | None = None
    """The discriminator's row and settings; None where you bring the network, and for a baseline."""
    objective: str = "non_saturating"
    """What each player wants, a row of OBJECTIVES."""
    latent: str = "gaussian"
    """The prior of z, a row of LATENTS."""
    latent_size: int = 100
    """Coordinates of z."""
    algorithm: str = "algorithm1"
    """Who moves when, a row of ALGORITHMS."""
    discriminator_moves: int = 1
    """k, the discriminator's moves before each of the generator's."""
    penalties: Mapping[str, float] = field(default_factory=dict)
    """{row of PENALTIES: weight}, added to the discriminator's loss."""
    constraints: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """{player: {row of CONSTRAINTS: bound}}, applied after the player's move."""
    optimizer: str = "adam"
    """How both players descend, a row of OPTIMIZERS."""
    betas: tuple[float, float] = (0.5, 0.99)
    """Adam's decay rates of its two moments."""
    generator_rate: Schedule = Constant(2e-4)  # noqa: RUF009 - frozen
    """Learning rate of the generator, by step."""
    discriminator_rate: Schedule = Constant(2e-4)  # noqa: RUF009 - frozen
    """Learning rate of the discriminator, by step."""
    momentum: Schedule | None = None
    """Momentum coefficient of both players, for the optimizer `momentum`."""
    batch_size: int = 100
    """Real samples, and noises, a move, over all processes."""
    transform: str = "unit"
    """How stored values become what the networks see, a row of TRANSFORMS."""
    precision: str = "float32"
    """Of the networks' products in training, a row of PRECISIONS; bfloat16 is for GPUs, and CPUs that multiply it."""
    ema_half_life: float = 0.0
    """Half-life, in images, of the moving average of the generator that is sampled; 0 samples the generator itself."""
    usual_minutes: float = 10.0
    """Training time if neither --steps nor --minutes is given, and the recipe has no usual_steps."""
    usual_steps: int | None = None
    """Steps if neither --steps nor --minutes is given, where what is learnt depends on how many they are."""
    stages: tuple[Stage, ...] = ()
    """What comes after the first stage, which is all that most recipes have."""

    def __post_init__(self) -> None:
        _check(self)


TABLES: dict[str, Mapping[str, Any]] = {
    "objective": OBJECTIVES,
    "latent": LATENTS,
    "algorithm": ALGORITHMS,
    "optimizer": OPTIMIZERS,
    "transform": TRANSFORMS,
    "precision": PRECISIONS,
}


def _check(recipe: Recipe) -> None:
    for name, table in TABLES.items():
        if getattr(recipe, name) not in table:
            raise unknown(name, str(getattr(recipe, name)), table)
    for penalty in recipe.penalties:
        if penalty not in PENALTIES:
            raise unknown("penalty", penalty, PENALTIES)
    for player, bounds in recipe.constraints.items():
        if player not in ("generator", "discriminator"):
            raise unknown("player", player, ("generator", "discriminator"))
        for constraint in bounds:
            if constraint not in CONSTRAINTS:
                raise unknown("constraint", constraint, CONSTRAINTS)
    for name, least in (("latent_size", 1), ("batch_size", 1), ("discriminator_moves", 1)):
        if not isinstance(getattr(recipe, name), int) or getattr(recipe, name) < least:
            raise BadInput(f"{name} is {getattr(recipe, name)!r}; expected a whole number of at least {least}")
    if recipe.algorithm == "simultaneous" and recipe.discriminator_moves != 1:
        raise BadInput(
            f"discriminator_moves is {recipe.discriminator_moves} with the algorithm 'simultaneous', which makes one "
            "move of each player a step. Use algorithm1 for other k."
        )
    if not all(0 <= beta < 1 for beta in recipe.betas):
        raise BadInput(f"betas are {recipe.betas!r}; expected two numbers from 0 to less than 1")
    if not recipe.ema_half_life >= 0:
        raise BadInput(f"ema_half_life is {recipe.ema_half_life!r}; expected images, 0 or more")
    if not recipe.usual_minutes > 0:
        raise BadInput(f"usual_minutes is {recipe.usual_minutes!r}; expected more than 0")
    if recipe.usual_steps is not None and (type(recipe.usual_steps) is not int or recipe.usual_steps < 1):
        raise BadInput(f"usual_steps is {recipe.usual_steps!r}; expected a whole number of at least 1, or null")
    _check_stages(recipe.stages)
    if isinstance(recipe.generator, BaselineRow):
        _check_baseline(recipe)


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


_OF_GAMES = (
    "discriminator", "objective", "algorithm", "discriminator_moves", "penalties", "constraints", "optimizer", "betas",
    "generator_rate", "discriminator_rate", "momentum", "precision", "stages", "latent", "ema_half_life",
)  # fmt: skip


def _check_baseline(recipe: Recipe) -> None:
    usual, row = Recipe(), type(recipe.generator).__name__
    for name in _OF_GAMES:
        if getattr(recipe, name) != getattr(usual, name):
            raise BadInput(
                f"{name} is {getattr(recipe, name)!r} with the generator {row}, a baseline, which learns without a "
                f"discriminator. Leave {name} out: the numbers of its training are those of its row."
            )
    if recipe.transform != "unit":
        raise BadInput(f"transform is {recipe.transform!r}; {row} models pixels in [0, 1], so expected 'unit'")


def to_json(recipe: Recipe) -> dict[str, Any]:
    """The recipe as JSON: networks and schedules carry the name of their row."""
    return {spec.name: _plain(getattr(recipe, spec.name)) for spec in fields(recipe)}


def from_json(value: Mapping[str, Any]) -> Recipe:
    """The recipe that `to_json` wrote.

    Raises BadInput for a field or a row that does not exist, or for a value that does not fit its field.
    """
    return parse_record(Recipe, value, rows=_ROWS, what="recipe")


def generator_from_json(value: Any) -> GeneratorRow | BaselineRow:
    """The generator's row and numbers that `to_json` wrote, without the recipe around them.

    Raises BadInput for whatever is no row that a recipe's generator can be, or does not fit its fields.
    """
    row: GeneratorRow | BaselineRow | None = parse_value(
        value, get_type_hints(Recipe)["generator"], rows=_ROWS, what="generator"
    )
    if row is None:
        raise BadInput("generator is null; expected the row of a network and its numbers")
    return row


def lower_from_json(value: Any) -> LowerLayers:
    """The layers that a later stage puts before the generator, as `generator_from_json` has it."""
    row: LowerLayers = parse_value(value, LowerLayers, rows=_ROWS, what="below")
    return row


_ROWS: dict[str, Any] = {**NETWORKS, **BASELINES, **SCHEDULES, "stage": Stage}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        row = next(name for name, kind in _ROWS.items() if kind is type(value))
        return {"row": row, **{spec.name: _plain(getattr(value, spec.name)) for spec in fields(value)}}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return {name: _plain(item) for name, item in value.items()} if isinstance(value, Mapping) else value
