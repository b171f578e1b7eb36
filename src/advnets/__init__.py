"""Train, watch, measure and ship generative adversarial nets.

A game says who plays and what each wants; an algorithm says who moves when; a recipe fixes every number of a published
experiment. The names below are loaded when first used: importing advnets does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advnets.algorithm import algorithm1, moves, simultaneous
    from advnets.constraints import clip_weights, max_column_norm
    from advnets.data import Batches, load
    from advnets.experiment import Model, Run, open_model, resume, start, train
    from advnets.games.game import Game
    from advnets.latents import gaussian, uniform
    from advnets.metrics.parzen import parzen
    from advnets.objectives import hinge, least_squares, minimax, non_saturating, relativistic, wasserstein
    from advnets.penalties import gradient_penalty, r1, r2
    from advnets.recipes import RECIPES, Recipe
    from advnets.training import Batch

__version__ = "0.1.0"

_HOMES = {
    "algorithm": ("algorithm1", "moves", "simultaneous"),
    "constraints": ("clip_weights", "max_column_norm"),
    "data": ("Batches", "load"),
    "experiment": ("Model", "Run", "open_model", "resume", "start", "train"),
    "games": ("Game",),
    "latents": ("gaussian", "uniform"),
    "metrics": ("parzen",),
    "objectives": ("hinge", "least_squares", "minimax", "non_saturating", "relativistic", "wasserstein"),
    "penalties": ("gradient_penalty", "r1", "r2"),
    "recipes": ("RECIPES", "Recipe"),
    "training": ("Batch",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Batch", "Batches", "Game", "Model", "RECIPES", "Recipe", "Run", "algorithm1", "clip_weights", "gaussian",
    "gradient_penalty", "hinge", "least_squares", "load", "max_column_norm", "minimax", "moves", "non_saturating",
    "open_model", "parzen", "r1", "r2", "relativistic", "resume", "simultaneous", "start", "train", "uniform",
    "wasserstein",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'advnets' has no attribute {name!r}")
    return getattr(import_module(f"advnets.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
