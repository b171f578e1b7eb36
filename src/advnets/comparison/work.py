"""What a step of a run costs, as its recipe.json says it, and the seconds that the run was trained for."""

from collections.abc import Mapping, Sequence

import torch

from advnets.baselines import Baseline
from advnets.errors import AdvnetsError
from advnets.experiment.run import Run
from advnets.experiment.run_record import RunRecord
from advnets.networks import NO_CODE, Sizes
from advnets.recipes.changes import format_value
from advnets.runs.overview import read_overview

WORDS = {
    "algorithm": "algorithm",
    "k": "moves of the discriminator a step, k",
    "batch_size": "batch size",
    "stages": "stages",
    "generator": "numbers of the generator",
    "discriminator": "numbers of the discriminator",
}
"""What a step costs more or less by, in words; numbers of a network are its parameters at the beginning."""


def describe_work(record: RunRecord) -> dict[str, str]:
    """Return what decides how much work a step of a run is.

    Args:
        record: What its recipe.json says.

    Returns:
        Values by the names of WORDS, without those that it does not have or that cannot be found.
    """
    recipe = record.recipe
    told = {"batch_size": str(recipe.batch_size), "stages": str(1 + len(recipe.stages))}
    if recipe.algorithm is not None:
        told["algorithm"] = format_value(recipe.algorithm)
        if (k := getattr(recipe.algorithm, "k", None)) is not None:
            told["k"] = format_value(k)
    return {**told, **{player: f"{n:,}" for player, n in count_parameters(record).items() if player in WORDS}}


def count_parameters(record: RunRecord) -> dict[str, int]:
    """Return the number of parameters of each player, of the first stage; no weight is allocated.

    Args:
        record: What the recipe.json of a run says.

    Returns:
        {player: number}; of a baseline that of its one network; empty where networks cannot be built.
    """
    if record.game is not None:
        return {player: int(network["parameters"]) for player, network in record.game["networks"].items()}
    learner, data = record.recipe.expect_learner(), record.data
    classes = data.classes if getattr(learner, "given", None) == "labels" else None
    sizes = Sizes(data.shape, learner.latent_size, classes, data.given_shape, getattr(learner, "code", NO_CODE))
    meta = torch.device("meta")
    try:
        with meta:
            built = learner.build(sizes) if isinstance(learner, Baseline) else learner.build(sizes, meta).players
    except (AdvnetsError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
        return {}
    players = built if isinstance(built, Mapping) else {"generator": built}
    return {player: sum(theta.numel() for theta in network.parameters()) for player, network in players.items()}


def trained_seconds(run: Run, step: int | None) -> float | None:
    """Return the seconds that a run was trained for up to a step.

    Args:
        run: The run.
        step: The step of the checkpoint that is looked at.

    Returns:
        The seconds, of the last line of the journal up to that step; None if its files do not tell.
    """
    found = read_overview(run.path)
    if step is None or found.step <= step:
        return found.seconds or None
    try:
        told = [entry.get("seconds") for entry in run.directory.journal.entries() if entry.get("step", step) <= step]
    except AdvnetsError:
        return None
    return float(told[-1]) if told and isinstance(told[-1], int | float) else None


def compare_work(sides: Mapping[str, Mapping[str, str]], seconds: Mapping[str, Sequence[float | None]]) -> str:
    """Return that equal steps of sides are not equal work, and by what, where that is so.

    Args:
        sides: What a step of each side costs, as `describe_work` has it; nothing where it is not known.
        seconds: The seconds that the runs of each side were trained for.

    Returns:
        Sentences that end with a space, or "" where the sides that are known do not differ.
    """
    known = {name: work for name, work in sides.items() if work}
    unlike = [
        f"{words} ({_list_values({name: work.get(key, 'none') for name, work in known.items()})})"
        for key, words in WORDS.items()
        if len({work.get(key) for work in known.values()}) > 1
    ]
    if not unlike:
        return ""
    spent = {name: _format_seconds(told) for name, told in seconds.items()}
    each = f"Seconds of training: {_list_values(spent)}. " if all(spent.values()) else ""
    return f"Equal steps of the sides are not equal work, for they differ in {'; '.join(unlike)}. {each}"


def _list_values(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in values.items())


def _format_seconds(told: Sequence[float | None]) -> str:
    """The seconds of all members, or the fewest and the most; empty where one is not known."""
    known = sorted(seconds for seconds in told if seconds is not None)
    if not known or len(known) < len(told):
        return ""
    first, last = (f"{seconds:,.{0 if seconds >= 10 else 1}f}" for seconds in (known[0], known[-1]))
    return first if first == last else f"{first} to {last}"
