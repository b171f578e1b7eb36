"""The names of the package since its tree was put into order, for `same_numbers.py`.

All that depends on a name inside the package stands in this file. An adapter for other names has the same functions
and gives the same values under the same labels, so that a label is a word of the adapter, not of the package.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from advnets import experiment, runs
from advnets.algorithm import ALGORITHMS, Algorithm1, Simultaneous
from advnets.cli.main import main
from advnets.data import Batches, Split
from advnets.experiment.preparation.build_training import build_training
from advnets.games import AdversarialRow, Game
from advnets.latents import LATENTS
from advnets.objectives import OBJECTIVES
from advnets.optimizers import SGD, Adam, OptimizerRow, RMSprop, set_numbers
from advnets.penalties import PENALTIES
from advnets.recipes import RECIPES, Recipe

OBJECTIVE_LABELS, PENALTY_LABELS, ALGORITHM_LABELS = tuple(OBJECTIVES), tuple(PENALTIES), ("algorithm1", "simultaneous")
"""Extragradient is left out, for the package had none before."""

WIDTHS = {"hidden", "units", "maps", "channels", "sparse", "latent_size"}
"""The fields of rows of networks that are numbers of units."""

BESIDE_LOSSES = {"step", "stage", "seconds", "images_per_second"}
"""The keys of a journal's line that are no losses or scores."""

BESIDE_UNITS = {"row", "recipe", "seed", "budget", "minutes", "seconds", "trained", "measured"}
"""The fields of a table's unit that are names, hashes of names, or readings of a clock."""

LINES_ARE_TOLD_BY = ("nats", "error", "sigmas", "edge", "steps", "least_class", "most_class", "coverage",
                     "coverage_of_real", "nearness", "layer_passes", "tau_one", "tau_many", "consecutive")  # fmt: skip
"""The fields of a table's line that hold what was measured."""


@dataclass(frozen=True)
class State:
    """What a checkpoint holds, by order and without names.

    parameters, buffers: tensors by player, in the order of the network's own. optimizers: numbers by player, first
    those of each parameter in turn, then those of each group. average: the tensors that are sampled, parameters first.
    rest: all else that the next step depends on, such as the position in the data and the random numbers.
    """

    parameters: Mapping[str, list[Tensor]]
    buffers: Mapping[str, list[Tensor]]
    optimizers: Mapping[str, list[Any]]
    average: list[Tensor]
    rest: list[Any]


def small_recipes() -> dict[str, Recipe]:
    """Every recipe with every layer at most 12 wide, as the contract tests shrink them."""
    return {name: _narrow(recipe) for name, recipe in RECIPES.items()}


def lively_recipes() -> dict[str, Recipe]:
    """Every recipe, small, but with initial weights so large that a few hundred steps teach it more than the mean."""
    return {name: _lively(recipe) for name, recipe in small_recipes().items()}


def small_variants() -> dict[str, Recipe]:
    """Small recipes that use the rows of tables which no recipe of the package uses."""
    parent = _narrow(RECIPES["paper-adam"])
    clipped = {"discriminator": {"clip_weights": 0.05}}
    return {
        "sgd": _with_optimizer(parent, SGD()),
        "rmsprop": _with_optimizer(parent, RMSprop()),
        "uniform latent": _with_learner(parent, latent="uniform"),
        "symmetric transform": replace(parent, transform="symmetric"),
        "bfloat16": _with_learner(parent, precision="bfloat16"),
        "three moves": replace(parent, algorithm=Algorithm1(k=3)),
        "clipped": _with_learner(parent, objective="wasserstein", constraints=clipped),
        "R1 and R2": _with_learner(parent, objective="relativistic", penalties={"r1": 0.1, "r2": 0.2}),
        "simultaneous with a penalty": replace(
            _with_learner(parent, penalties={"gradient_penalty": 1.0}), algorithm=Simultaneous()
        ),
    }


def start_run(folder: str, recipe: Recipe, *, data: str, steps: int, save: int, stop: int, seed: int = 0) -> None:
    """Begin a run of so many steps, saved and drawn each `save` steps, and leave it at step `stop` as a kill would."""
    asked = experiment.Settings(
        out=folder, data=data, steps=steps, seed=seed, device="cpu", journal_steps=5, preview_steps=save,
        checkpoint_steps=save,
    )  # fmt: skip
    course = experiment.start(recipe, settings=asked).carry_on()
    for progress in course:
        if stop <= progress.step < steps:
            break
    course.close()


def resume_run(folder: str) -> None:
    """Train a run on from its newest checkpoint to its end, by nothing but its folder."""
    experiment.resume(folder)


def state_of(folder: str) -> State:
    """The newest checkpoint of a run, in networks that are built anew."""
    run = experiment.Run(Path(folder))
    _, held, _ = runs.load_latest(run.directory.checkpoints)
    told = held["training"]
    tried = build_training(run.recipe, run.dataset, seed=run.settings.seed, device=torch.device("cpu"))
    tried.load(told)
    optimizers = told["optimizers"] if "optimizers" in told else {"model": told["optimizer"]}
    network = run.model.network
    others = {key: value for key, value in told.items() if key not in ("players", "network", "optimizers", "optimizer")}
    return State(
        parameters={player: list(network.parameters()) for player, network in tried.players.items()},
        buffers={player: list(network.buffers()) for player, network in tried.players.items()},
        optimizers={player: [state["state"], _groups(state)] for player, state in optimizers.items()},
        average=[*network.parameters(), *network.buffers()],
        rest=[others, held["random"]],
    )


def losses_of(folder: str) -> dict[int, list[float]]:
    """The losses and scores of each line of a run's journal, by step and in their order."""
    lines = experiment.Run(Path(folder)).directory.journal.read()
    return {line["step"]: [value for key, value in line.items() if key not in BESIDE_LOSSES] for line in lines}


def samples_of(folder: str, n: int) -> np.ndarray:
    """n samples of a run's newest checkpoint."""
    return experiment.Run(Path(folder)).sample(n).values


def emitted_of(folder: str, n: int) -> Tensor:
    """What the averaged network of a run's newest checkpoint makes of n fixed noises, before it is rounded to bytes."""
    model = experiment.Run(Path(folder)).model
    torch.manual_seed(0)
    with torch.no_grad():
        return model.network(model.draw(n, seed=1))


def previews_of(folder: str) -> dict[int, Path]:
    """The pictures of a run by step."""
    return {int(path.stem): path for path in experiment.Run(Path(folder)).directory.previews.glob("*.png")}


def play_game(
    rows: tuple[str, str | None, str], networks: Sequence[nn.Module], real: Tensor, *, steps: int
) -> list[list[float]]:
    """Play a game of own networks, and give the losses and scores of each step.

    rows: labels of an objective, a penalty or None, and an algorithm. networks: generator and discriminator, changed in
    place. real: all points.
    """
    objective, penalty, algorithm = rows
    penalties = {} if penalty is None else {PENALTIES[penalty]: 0.5}
    game = Game(*networks, OBJECTIVES[objective], latent=LATENTS["gaussian"](2), penalties=penalties)
    batches = Batches(Split(real, None), batch_size=32, seed=0)
    optimizers = {name: Adam(betas=(0.5, 0.99)).build(list(it.parameters())) for name, it in game.players.items()}
    for optimizer in optimizers.values():
        set_numbers(optimizer, lr=0.01)
    made = ALGORITHMS[algorithm]().steps(game, batches, optimizers)
    return [list(next(made).readings().values()) for _ in range(steps)]


def answer_of(*words: str) -> dict[str, Any]:
    """What a command of the package prints as JSON; what it says on the way is shown only if it fails."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([*words, "--json"])
    if code != 0:
        raise RuntimeError(f"advnets {' '.join(words)} ended with {code}: {err.getvalue()}")
    return json.loads(out.getvalue())


def numbers_of_report(told: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers that `evaluate` printed, by measure."""
    measures = {
        each["name"]: _estimate(each) | {"adjusted p": told["verdicts"][each["name"]]["adjusted"]}
        for each in told["measures"]
    }
    controls = {f"centres of {name}": _estimate(each) for name, each in told["controls"].items()}
    beside = {"accuracy": told["against"]["accuracy"], "share of the way": told["share_of_the_way"]}
    return {**measures, **controls, **beside, "left out": ", ".join(sorted(told["skipped"]))}


def numbers_of_comparison(told: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers that `compare` printed, by measure, and which side is better."""
    return {
        each["measure"]: {
            **{side: _estimate(each[side]) for side in ("a", "b", "difference")},
            "adjusted p": each.get("adjusted"),
            "smallest": each.get("smallest"),
            "better": {each["first"]: "first", each["second"]: "second"}.get(each["better"]),
        }
        for each in told["contrasts"]
    }


@contextmanager
def small_table(steps: int) -> Iterator[tuple[str, ...]]:
    """Within, the rows of the table are small and end after so many steps; the words are for the command `table`.

    A unit has round(share * steps of the budget) steps, and so many minutes that these are never reached.
    """
    published = dict(RECIPES)
    small = lively_recipes().items()
    RECIPES.update({name: replace(recipe, budget=replace(recipe.budget, steps=1)) for name, recipe in small})
    try:
        yield ("--share", str(steps), "--device", "cpu")
    finally:
        RECIPES.update(published)


def numbers_of_table(told: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers that `table` printed: of each line, each unit and each control."""
    kept = told["results"]
    lines = {f"line {row['label']}": {name: row[name] for name in LINES_ARE_TOLD_BY} for row in told["rows"]}
    units = {
        f"unit {unit['row']}": {name: value for name, value in unit.items() if name not in BESIDE_UNITS}
        for unit in kept["units"]
    }
    controls = {f"control {name}": control["numbers"] for name, control in kept["controls"].items()}
    return {**lines, **units, **controls}


def numbers_of_canaries(told: Mapping[str, Any]) -> dict[str, Any]:
    """The readings that `canaries` printed, by damage, strength, re-split and measure."""
    return {
        f"{unit['damage']} {unit['strength']:g}, re-split {unit['split']}": unit["readings"]
        for unit in told["results"]["units"]
    }


def _groups(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The groups of an optimizer; where no decay is asked for, torch's own 0, which was there before, and not 0.0."""
    return [{name: (value or 0) if name == "weight_decay" else value for name, value in group.items()}
            for group in state["param_groups"]]  # fmt: skip


def _estimate(told: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {name: told.get(name) for name in ("value", "error", "floor", "interval", "bias", "p_value")}
    return {**numbers, "notes": [note for note in told.get("notes", {}).values() if not isinstance(note, str)]}


def _narrow(value: Any, width: int = 12) -> Any:
    if isinstance(value, tuple):
        return tuple(_narrow(item, width) for item in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed = {}
    for spec in fields(value):
        item = getattr(value, spec.name)
        changed[spec.name] = _at_most(item, width) if spec.name in WIDTHS else _narrow(item, width)
    return replace(value, **changed)


def _lively(recipe: Recipe) -> Recipe:
    if not isinstance(recipe.learner, AdversarialRow):
        return recipe
    rows = {player: getattr(recipe.learner, player) for player in ("generator", "discriminator")}
    return _with_learner(recipe, **{player: replace(row, irange=10 * row.irange) for player, row in rows.items()})


def _with_learner(recipe: Recipe, **changed: Any) -> Recipe:
    assert isinstance(recipe.learner, AdversarialRow)
    return replace(recipe, learner=replace(recipe.learner, **changed))


def _with_optimizer(recipe: Recipe, optimizer: OptimizerRow) -> Recipe:
    descents = {player: replace(descent, optimizer=optimizer) for player, descent in recipe.descents.items()}
    return replace(recipe, descents=descents)


def _at_most(item: Any, width: int) -> Any:
    if isinstance(item, tuple):
        return tuple(_at_most(one, width) for one in item)
    return min(item, width) if isinstance(item, int) else _narrow(item, width)
