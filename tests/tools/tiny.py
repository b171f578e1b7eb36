"""A run small enough to be trained many times: the paper-adam recipe on digits with narrow nets."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from advnets import experiment
from advnets.data import load
from advnets.games import AdversarialRow
from advnets.networks import DenseGenerator, LowerLayers, MaxoutDiscriminator
from advnets.recipes import PLAYERS, RECIPES, Recipe, Stage, paper_adam
from advnets.runs import load_latest, state_fingerprint

assert isinstance(paper_adam.learner, AdversarialRow)
LEARNER = replace(
    paper_adam.learner,
    generator=DenseGenerator(hidden=(16,), batch_norm=True),
    discriminator=MaxoutDiscriminator(units=(8,), pieces=2),
    latent_size=4,
)
RECIPE = replace(paper_adam, name="tiny", learner=LEARNER, batch_size=32)
OWN = replace(RECIPE, learner=None)
"""The same recipe, for a game of one's own."""

TWO_STAGES = replace(
    RECIPE,
    name="two-stages",
    stages=(
        Stage(
            begins=0.5,
            below=LowerLayers(hidden=(6,)),
            discriminator=MaxoutDiscriminator(units=(5,), pieces=2),
        ),
    ),
)


MOST_IMAGES = 64
"""A batch's, of a narrow recipe."""
MOST_BLOCKS = 2
"""Residual blocks in a row, of a narrow recipe."""


def narrow(value: Any, width: int = 12) -> Any:
    """The same recipe with layers at most `width` wide, few in a row, and batches of at most 64; the rest stays."""
    widths = {"width", "hidden", "units", "maps", "channels", "sparse", "latent_size"}
    if isinstance(value, tuple):
        return tuple(narrow(item, width) for item in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed = {}
    for spec in fields(value):
        item = getattr(value, spec.name)
        changed[spec.name] = _at_most(item, width) if spec.name in widths else narrow(item, width)
        if spec.name == "batch_size":
            changed[spec.name] = min(item, MOST_IMAGES)
        if spec.name == "blocks":
            changed[spec.name] = min(item, MOST_BLOCKS)
    return replace(value, **changed)


def _at_most(item: Any, width: int) -> Any:
    if isinstance(item, tuple):
        return tuple(_at_most(one, width) for one in item)
    return min(item, width) if isinstance(item, int) else narrow(item, width)


def with_learner(recipe: Recipe, **numbers: Any) -> Recipe:
    """The same recipe, with other numbers of its learner."""
    return replace(recipe, learner=replace(recipe.learner, **numbers))  # type: ignore[type-var]


def with_descents(recipe: Recipe, *players: str, **numbers: Any) -> Recipe:
    """The same recipe, with other numbers of the descents of these players, or of both."""
    changed = {player: replace(recipe.descents[player], **numbers) for player in players or PLAYERS}
    return replace(recipe, descents={**recipe.descents, **changed})


def data_for(recipe: Recipe) -> dict[str, Any]:
    """Digits of 8 x 8, which every net of 2014 can make; in colour for those of CIFAR-10; with images where given."""
    given = getattr(recipe.learner, "given", None)
    if "cifar10" in recipe.name:
        labels = {"labels": np.arange(300) % 3} if given == "labels" else {}
        return {"data": np.random.default_rng(0).integers(0, 256, (300, 8, 8, 3), np.uint8), **labels}
    if given == "images":
        values = load("digits").train.values
        return {"data": values, "given": 255 - values}
    return {"data": "digits"}


def settings(out: str, **more: Any) -> experiment.Settings:
    """Forty steps, with everything written often, and no doctor, whose tests ask for one."""
    often: dict[str, Any] = {
        "data": "digits",
        "steps": 40,
        "journal_steps": 5,
        "preview_steps": 20,
        "checkpoint_steps": 4,
        "doctor": "off",
    }
    return experiment.Settings(out=out, device="cpu", **(often | more))


def trained(out: str, recipe: Recipe = RECIPE, **more: Any) -> experiment.Run:
    """A run trained to its end."""
    run = experiment.start(recipe, settings=settings(out, **more))
    for _ in run.carry_on():
        pass
    return run


def state_hash(run: experiment.Run) -> str:
    """SHA-256 of all that the rest of the run would depend on, but for the wall clock."""
    return state_fingerprint(load_latest(run.directory.checkpoints)[1])


def narrow_infogan() -> Recipe:
    """InfoGAN with narrow nets, whose code is as published."""
    recipe = narrow(RECIPES["infogan"])
    return with_learner(recipe, latent_size=16, precision="float32")
