"""Train, watch, measure and ship generative adversarial networks.

A game says who plays and what each player wants. An algorithm says who moves when. A recipe fixes every number of a
published experiment. Names are loaded when they are first used, and so are rooms such as `advnets.metrics`: importing
advnets does not import torch.
"""

from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHOLE = (
    "algorithm", "augmentations", "baselines", "constraints", "latents", "networks", "objectives", "optimizers",
    "penalties", "schedules",
)  # fmt: skip
"""Rooms whose public names, their `__all__`, are all names of advnets too: each new row of theirs is."""

_NAMES = {
    "comparison.compare": ("compare",),
    "data": ("Batches", "Dataset", "load"),
    "experiment": ("Model", "Run", "change_recipe", "open_model", "own_model", "resume", "start", "train"),
    "games": (
        "AdversarialRow", "CycleGame", "CycleRow", "Game", "Weight", "class_heads", "information", "l1",
    ),
    "metrics.parzen": ("parzen",),
    "recipes": ("Average", "Budget", "Descent", "RECIPES", "Recipe", "Stage"),
    "studies.figure1": ("figure1",),
    "studies.helvetica": ("helvetica",),
    "studies.saturation": ("saturation",),
    "training": ("Batch",),
}  # fmt: skip
"""{home: the names that it lends}"""

_ROOMS = (
    "algorithm", "assessment", "augmentations", "averaging", "baselines", "capture", "comparison", "constraints",
    "data", "diagnosis", "disk", "distributed", "errors", "experiment", "extractors", "figures", "games", "latents",
    "markup", "metrics", "networks", "objectives", "optimizers", "penalties", "process", "randomness", "recipes",
    "records", "runs", "schedules", "statistics", "studies", "text", "theory", "training", "turns", "web",
)  # fmt: skip
"""Rooms that can be reached as `advnets.ROOM`."""

_HOMES = {name: home for home, names in _NAMES.items() for name in names}


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _ROOMS:
            return import_module(f"advnets.{name}")
        if name == "__all__":
            whole = (import_module(f"advnets.{room}").__all__ for room in _WHOLE)
            return sorted({*_HOMES, *chain.from_iterable(whole)})
        if name in _HOMES:
            return getattr(import_module(f"advnets.{_HOMES[name]}"), name)
        for room in () if name.startswith("_") else _WHOLE:
            if name in (lender := import_module(f"advnets.{room}")).__all__:
                return getattr(lender, name)
        raise AttributeError(f"module 'advnets' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*import_module(__name__).__all__, *_ROOMS, "__version__"})


# What type checkers and editors read; a test compares it with the lists above.
if TYPE_CHECKING:
    from advnets import (
        algorithm as algorithm,
        assessment as assessment,
        augmentations as augmentations,
        averaging as averaging,
        baselines as baselines,
        capture as capture,
        comparison as comparison,
        constraints as constraints,
        data as data,
        diagnosis as diagnosis,
        disk as disk,
        distributed as distributed,
        errors as errors,
        experiment as experiment,
        extractors as extractors,
        figures as figures,
        games as games,
        latents as latents,
        markup as markup,
        metrics as metrics,
        networks as networks,
        objectives as objectives,
        optimizers as optimizers,
        penalties as penalties,
        process as process,
        randomness as randomness,
        recipes as recipes,
        records as records,
        runs as runs,
        schedules as schedules,
        statistics as statistics,
        studies as studies,
        text as text,
        theory as theory,
        training as training,
        turns as turns,
        web as web,
    )
    from advnets.algorithm import *
    from advnets.augmentations import *
    from advnets.baselines import *
    from advnets.comparison.compare import compare as compare
    from advnets.constraints import *
    from advnets.data import Batches as Batches, Dataset as Dataset, load as load
    from advnets.experiment import (
        Model as Model,
        Run as Run,
        change_recipe as change_recipe,
        open_model as open_model,
        own_model as own_model,
        resume as resume,
        start as start,
        train as train,
    )
    from advnets.games import (
        AdversarialRow as AdversarialRow,
        CycleGame as CycleGame,
        CycleRow as CycleRow,
        Game as Game,
        Weight as Weight,
        class_heads as class_heads,
        information as information,
        l1 as l1,
    )
    from advnets.latents import *
    from advnets.metrics.parzen import parzen as parzen
    from advnets.networks import *
    from advnets.objectives import *
    from advnets.optimizers import *
    from advnets.penalties import *
    from advnets.recipes import (
        RECIPES as RECIPES,
        Average as Average,
        Budget as Budget,
        Descent as Descent,
        Recipe as Recipe,
        Stage as Stage,
    )
    from advnets.schedules import *
    from advnets.studies.figure1 import figure1 as figure1
    from advnets.studies.helvetica import helvetica as helvetica
    from advnets.studies.saturation import saturation as saturation
    from advnets.training import Batch as Batch
