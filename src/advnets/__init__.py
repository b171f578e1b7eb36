"""Train, watch, measure and ship generative adversarial networks.

A game says who plays and what each player wants. An algorithm says who moves when. A recipe fixes every number of a
published experiment. Names are loaded when they are first used, and so are rooms such as `advnets.metrics`: importing
advnets does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_NAMES = {
    "algorithm": ("Algorithm1", "Extragradient", "Simultaneous", "algorithm1", "moves"),
    "baselines": ("DeepBelief", "DeepGsn", "DenoisingAutoencoder", "StackedContractive"),
    "constraints": ("clip_weights", "max_column_norm"),
    "data": ("Batches", "Dataset", "load"),
    "experiment": ("Model", "Run", "open_model", "resume", "start", "train"),
    "games": (
        "AdversarialRow", "CycleGame", "CycleRow", "Game", "Information", "Judged", "Weight", "class_heads", "l1",
    ),
    "latents": ("gaussian", "uniform"),
    "metrics.parzen": ("parzen",),
    "networks": (
        "ConvMaxoutDiscriminator", "DeconvGenerator", "DenseGenerator", "LowerLayers", "Maps", "MaxoutDiscriminator",
        "Sizes",
    ),
    "objectives": (
        "hinge", "least_squares", "minimax", "non_saturating", "non_saturating_halved", "relativistic", "wasserstein",
    ),
    "optimizers": ("Adam", "Momentum", "RMSprop", "SGD"),
    "penalties": ("gradient_penalty", "r1", "r2"),
    "recipes": ("Average", "Budget", "Descent", "RECIPES", "Recipe", "Stage"),
    "schedules": ("Constant", "EpochRamp", "ExponentialDecay", "LinearDecay"),
    "training": ("Batch",),
}  # fmt: skip
"""{home: the names that it lends to the front}"""

_ROOMS = (
    "algorithm", "assessment", "averaging", "baselines", "capture", "comparison", "constraints", "data", "disk",
    "distributed", "errors", "experiment", "extractors", "figures", "games", "latents", "metrics", "networks",
    "objectives", "optimizers", "penalties", "randomness", "recipes", "records", "runs", "schedules", "statistics",
    "studies", "theory", "training", "turns",
)  # fmt: skip
"""Rooms that can be reached as `advnets.ROOM`."""

_HOMES = {name: home for home, names in _NAMES.items() for name in names}
__all__ = sorted(_HOMES)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _HOMES:
            return getattr(import_module(f"advnets.{_HOMES[name]}"), name)
        if name in _ROOMS:
            return import_module(f"advnets.{name}")
        raise AttributeError(f"module 'advnets' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_ROOMS, "__version__"})


# What type checkers and editors read; a test compares it with the lists above.
if TYPE_CHECKING:
    from advnets import (
        algorithm as algorithm,
        assessment as assessment,
        averaging as averaging,
        baselines as baselines,
        capture as capture,
        comparison as comparison,
        constraints as constraints,
        data as data,
        disk as disk,
        distributed as distributed,
        errors as errors,
        experiment as experiment,
        extractors as extractors,
        figures as figures,
        games as games,
        latents as latents,
        metrics as metrics,
        networks as networks,
        objectives as objectives,
        optimizers as optimizers,
        penalties as penalties,
        randomness as randomness,
        recipes as recipes,
        records as records,
        runs as runs,
        schedules as schedules,
        statistics as statistics,
        studies as studies,
        theory as theory,
        training as training,
        turns as turns,
    )
    from advnets.algorithm import (
        Algorithm1 as Algorithm1,
        Extragradient as Extragradient,
        Simultaneous as Simultaneous,
        algorithm1 as algorithm1,
        moves as moves,
    )
    from advnets.baselines import (
        DeepBelief as DeepBelief,
        DeepGsn as DeepGsn,
        DenoisingAutoencoder as DenoisingAutoencoder,
        StackedContractive as StackedContractive,
    )
    from advnets.constraints import clip_weights as clip_weights, max_column_norm as max_column_norm
    from advnets.data import Batches as Batches, Dataset as Dataset, load as load
    from advnets.experiment import (
        Model as Model,
        Run as Run,
        open_model as open_model,
        resume as resume,
        start as start,
        train as train,
    )
    from advnets.games import (
        AdversarialRow as AdversarialRow,
        CycleGame as CycleGame,
        CycleRow as CycleRow,
        Game as Game,
        Information as Information,
        Judged as Judged,
        Weight as Weight,
        class_heads as class_heads,
        l1 as l1,
    )
    from advnets.latents import gaussian as gaussian, uniform as uniform
    from advnets.metrics.parzen import parzen as parzen
    from advnets.networks import (
        ConvMaxoutDiscriminator as ConvMaxoutDiscriminator,
        DeconvGenerator as DeconvGenerator,
        DenseGenerator as DenseGenerator,
        LowerLayers as LowerLayers,
        Maps as Maps,
        MaxoutDiscriminator as MaxoutDiscriminator,
        Sizes as Sizes,
    )
    from advnets.objectives import (
        hinge as hinge,
        least_squares as least_squares,
        minimax as minimax,
        non_saturating as non_saturating,
        non_saturating_halved as non_saturating_halved,
        relativistic as relativistic,
        wasserstein as wasserstein,
    )
    from advnets.optimizers import SGD as SGD, Adam as Adam, Momentum as Momentum, RMSprop as RMSprop
    from advnets.penalties import gradient_penalty as gradient_penalty, r1 as r1, r2 as r2
    from advnets.recipes import (
        RECIPES as RECIPES,
        Average as Average,
        Budget as Budget,
        Descent as Descent,
        Recipe as Recipe,
        Stage as Stage,
    )
    from advnets.schedules import (
        Constant as Constant,
        EpochRamp as EpochRamp,
        ExponentialDecay as ExponentialDecay,
        LinearDecay as LinearDecay,
    )
    from advnets.training import Batch as Batch
