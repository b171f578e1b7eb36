"""A recipe fixes every number of a published experiment: a frozen dataclass; a variant is `replace(parent, ...)`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any

from advnets.algorithm import ALGORITHMS
from advnets.constraints import CONSTRAINTS
from advnets.data.transforms import TRANSFORMS
from advnets.errors import BadInput, unknown
from advnets.latents import LATENTS
from advnets.networks import NETWORKS, MaxoutDiscriminator, ReluGenerator
from advnets.objectives import OBJECTIVES
from advnets.optimizers import OPTIMIZERS
from advnets.penalties import PENALTIES
from advnets.recipes.fields import expect_fields
from advnets.schedules import SCHEDULES, Constant, Schedule


@dataclass(frozen=True)
class Recipe:
    """Every number of an experiment; fields that are functions or networks are names of rows of closed tables."""

    name: str = "own"
    """What the recipe is called."""
    about: str = "your own networks"
    """One line: what it is."""
    source: str = ""
    """Where its numbers come from."""
    generator: ReluGenerator | None = None
    """The generator's row and settings; None where you bring the network."""
    discriminator: MaxoutDiscriminator | None = None
    """The discriminator's row and settings; None where you bring the network."""
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
    """Real samples, and noises, a move."""
    transform: str = "unit"
    """How stored values become what the networks see, a row of TRANSFORMS."""
    ema_half_life: float = 0.0
    """Half-life, in images, of the moving average of the generator that is sampled; 0 samples the generator itself."""
    usual_minutes: float = 10.0
    """Training time if neither --steps nor --minutes is given."""

    def __post_init__(self) -> None:
        _check(self)


TABLES: dict[str, Mapping[str, Any]] = {
    "objective": OBJECTIVES,
    "latent": LATENTS,
    "algorithm": ALGORITHMS,
    "optimizer": OPTIMIZERS,
    "transform": TRANSFORMS,
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


def to_json(recipe: Recipe) -> dict[str, Any]:
    """The recipe as JSON: networks and schedules carry the name of their row."""
    return {spec.name: _plain(getattr(recipe, spec.name)) for spec in fields(recipe)}


def from_json(value: Mapping[str, Any]) -> Recipe:
    """The recipe that `to_json` wrote.

    Raises BadInput for a field or a row that does not exist, or for a value that does not fit its field.
    """
    if not isinstance(value, Mapping):
        raise BadInput(f"found {type(value).__name__}, expected a recipe as a JSON object of its fields")
    known = {spec.name for spec in fields(Recipe)}
    for name in value:
        if name not in known:
            raise unknown("recipe field", name, known)
    try:
        rich = {name: _rich(item) for name, item in value.items()}
        expect_fields(Recipe, rich)
        return Recipe(**rich)
    except TypeError as error:
        raise BadInput(f"a value of the recipe does not fit its field: {error}") from error


_ROWS: dict[str, Any] = {**NETWORKS, **SCHEDULES}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        row = next(name for name, kind in _ROWS.items() if kind is type(value))
        return {"row": row, **{name: _plain(item) for name, item in asdict(value).items()}}
    if isinstance(value, tuple):
        return list(value)
    return {name: _plain(item) for name, item in value.items()} if isinstance(value, Mapping) else value


def _rich(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_rich(item) for item in value)
    if not isinstance(value, dict):
        return value
    inner = {name: _rich(item) for name, item in value.items() if name != "row"}
    if "row" not in value:
        return inner
    if str(value["row"]) not in _ROWS:
        raise unknown("row", str(value["row"]), _ROWS)
    expect_fields(_ROWS[value["row"]], inner)
    return _ROWS[value["row"]](**inner)
