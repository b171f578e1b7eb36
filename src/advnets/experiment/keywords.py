"""What `train` and `start` take as keywords: settings of a run, and values of its recipe. Editors read these types.

A keyword of a recipe is its flag on the command, with underscores: --generator.hidden is generator_hidden.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from os import PathLike
from typing import Any, TypedDict

from advnets.algorithm import AlgorithmRow
from advnets.augmentations.controllers import Controller
from advnets.baselines import Baseline
from advnets.data import Transform
from advnets.errors import BadInput
from advnets.experiment.settings import Settings
from advnets.latents import Latent
from advnets.networks import DiscriminatorRow, GeneratorRow
from advnets.objectives import Objective
from advnets.optimizers import OptimizerFactory, OptimizerRow
from advnets.recipes import Recipe
from advnets.recipes.changes import HABITS, keyword_of, with_values
from advnets.schedules import Number

Pairs = Mapping[Any, Any]
"""Numbers by row or name, as {advnets.r1: 10}; of ties and constraints {player: {row or name: number}}."""
Optimizer = str | OptimizerRow | type[OptimizerRow] | OptimizerFactory
"""A row of OPTIMIZERS, by name or with its numbers, or a function of one's own: parameters -> torch optimizer."""


class SettingsKeywords(TypedDict, total=False):
    """The fields of `Settings` but for the data, which have an argument of their own."""

    data_dir: str | PathLike[str] | None
    other: str | PathLike[str] | None
    direction: str | None
    start_from: str | PathLike[str] | None
    out: str | PathLike[str] | None
    steps: int | None
    minutes: float | None
    seed: int
    device: str
    capture: bool
    journal_steps: int | None
    preview_minutes: float
    preview_steps: int | None
    checkpoint_minutes: float
    checkpoint_steps: int | None
    image_size: int | str | None
    image_fit: str | None
    image_alpha: str | None
    image_channels: str | None
    cache_memory: int | str | None
    verify: bool
    doctor: str
    on_collapse: str
    keep_best: str | None
    patience: int | None


class BudgetKeywords(TypedDict, total=False):
    """How long a run goes on."""

    steps: int | None
    minutes: float | None


class ShortKeywords(TypedDict, total=False):
    """Short names: what both players have, and k."""

    k: Number
    lr: Number
    rate: Number
    optimizer: Optimizer
    betas: tuple[Number, Number]
    weight_decay: float
    width: int


class RecipeKeywords(ShortKeywords, total=False):
    """The values of the published recipes; each recipe has those that its own rows have."""

    accumulate: int
    algorithm: str | AlgorithmRow | type[AlgorithmRow] | None
    algorithm_k: Number
    algorithm_share_fakes: bool
    augment_controller: str | Controller | type[Controller] | None
    augment_controller_every: int
    augment_controller_images: int
    augment_controller_target: float
    augment_p: Number
    augment_parts: Sequence[str] | str
    augment_same_for_real_and_fake: bool
    averaged_from: float
    balanced: bool
    batch_size: int
    code_categories: int
    code_continuous: int
    constraint: Pairs
    cycle: float
    discriminator: str | DiscriminatorRow | type[DiscriminatorRow]
    discriminator_blocks: int
    discriminator_code_units: int
    discriminator_dropout: tuple[float, float] | float
    discriminator_expansion: int
    discriminator_group: int
    discriminator_image_pieces: int
    discriminator_image_units: int
    discriminator_irange: float
    discriminator_label_pieces: int
    discriminator_label_units: int
    discriminator_layers: int
    discriminator_noise: float
    discriminator_norm: str
    discriminator_optimizer: Optimizer
    discriminator_optimizer_alpha: float
    discriminator_optimizer_betas: tuple[Number, Number]
    discriminator_optimizer_eps: float
    discriminator_optimizer_momentum: Number
    discriminator_optimizer_weight_decay: float
    discriminator_pieces: int
    discriminator_rate: Number
    discriminator_units: Sequence[int] | int
    discriminator_width: int
    generator: str | GeneratorRow | type[GeneratorRow]
    generator_activations: Sequence[str]
    generator_batch_norm: bool
    generator_blocks: int
    generator_dropout: float
    generator_expansion: int
    generator_group: int
    generator_hidden: Sequence[int]
    generator_irange: float
    generator_kernel: int
    generator_label_size: int
    generator_label_units: int
    generator_latent_units: int
    generator_maps: int
    generator_optimizer: Optimizer
    generator_optimizer_alpha: float
    generator_optimizer_betas: tuple[Number, Number]
    generator_optimizer_eps: float
    generator_optimizer_momentum: Number
    generator_optimizer_weight_decay: float
    generator_output: str
    generator_output_irange: float | None
    generator_rate: Number
    generator_sigmoid_bias: float
    generator_sparse: int
    generator_stride: int
    generator_units: int
    generator_width: int
    half_life: Number
    identity: float
    latent: str | Callable[..., Latent]
    latent_size: int
    learner: str | Baseline | type[Baseline]
    learner_bfloat16: bool
    learner_burn_in: int
    learner_contraction: Sequence[float]
    learner_corruption: float
    learner_deviation: float
    learner_feed_bits: bool
    learner_gibbs_steps: int
    learner_hidden: Sequence[int] | int
    learner_marginals: bool
    learner_momentum: Number
    learner_noiseless_first: bool
    learner_optimizer: str | OptimizerRow | type[OptimizerRow]
    learner_optimizer_betas: tuple[Number, Number]
    learner_optimizer_alpha: float
    learner_optimizer_eps: float
    learner_optimizer_momentum: Number
    learner_optimizer_weight_decay: float
    learner_persistent: bool
    learner_rate: Number
    learner_salt_and_pepper: float
    learner_shares: Sequence[float]
    learner_sigma: float
    learner_walkbacks: int
    learner_weight_decay: float
    objective: str | Objective
    pack: int
    penalty: Pairs
    pool: int
    precision: str
    ramp: float
    tie: Pairs
    transform: str | Transform


class TrainKeywords(SettingsKeywords, RecipeKeywords, total=False):
    """All that `train` and `start` take beside the recipe, the game and the data."""


def split_keywords(asked: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split keywords into settings of a run and values of its recipe.

    Args:
        asked: The keywords; names that other programs have, such as iterations, are taken for ours.

    Returns:
        Settings by field, and values by the name that was given.

    Raises:
        BadInput: If a setting is given by two names.
    """
    habits = {keyword_of(habit): keyword_of(name) for habit, name in HABITS.items()}
    known = setting_names()
    settings: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for name, value in asked.items():
        meant = name if name in known else habits.get(name, name)
        if meant in settings:
            raise BadInput(f"found {name}= and another name of {meant}=, which are one setting. Leave one out.")
        (settings if meant in known else values)[meant if meant in known else name] = value
    return settings, values


def setting_names() -> Iterable[str]:
    """Return the names of the settings of a run."""
    return [spec.name for spec in fields(Settings)]


def apply_keywords(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """Return a recipe with the values of keywords in place of its own.

    Args:
        recipe: The recipe.
        values: {keyword: value}, as `with_values` takes them.

    Returns:
        The changed recipe.

    Raises:
        BadInput: As `with_values` does.
    """
    return with_values(recipe, values, also=setting_names())
