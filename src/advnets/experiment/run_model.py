"""What a checkpoint of a run holds: its model, with the card that says what it is, and its discriminator."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from advnets import runs
from advnets.assessment import REPORT_ADVICE, Discriminator
from advnets.averaging import copy_deeply
from advnets.data import TRANSFORMS, Dataset
from advnets.errors import BadInput, Damaged, Missing, Unsupported
from advnets.experiment.exports import ExportedFile, find_exporter
from advnets.experiment.model import Model
from advnets.experiment.own_networks import export_own_weights
from advnets.experiment.preparation.build_model import build_row_on_meta, with_lower_layers, with_weights
from advnets.experiment.preparation.build_training import build_game_training
from advnets.experiment.run_record import RunRecord
from advnets.experiment.settings import Settings
from advnets.experiment.training_loop import MeasuredCheckpoint, Validation
from advnets.games import CycleGame, Game
from advnets.networks import NO_CODE
from advnets.randomness import Streams
from advnets.recipes import PLAYERS, Descent, Recipe, to_json
from advnets.text import quote_word

BEST = "best"
"""The checkpoint that --keep-best has kept."""
PART = 500
"""Images that go through a discriminator at once."""


class KeptRun(Protocol):
    """What is asked of a run that is looked at: its files, its recipe and its data."""

    game: Game | CycleGame | None
    checkpoint: int | str | None
    path: Path

    @property
    def directory(self) -> runs.RunDirectory:
        """The files."""

    @property
    def record(self) -> RunRecord:
        """What recipe.json says of the run."""

    @property
    def recipe(self) -> Recipe:
        """The recipe that the run was started with."""

    @property
    def dataset(self) -> Dataset:
        """The data of the run."""

    @property
    def settings(self) -> Settings:
        """What was asked of the run beside its recipe."""


def expect_newest(checkpoint: int | str | None) -> None:
    """Check that no checkpoint was chosen. Raises BadInput if one was, for a run that is to be trained on."""
    if checkpoint is not None:
        raise BadInput(f"found checkpoint={checkpoint!r}; a run is trained on from its newest one. Leave it out.")


def model_of_state(
    record: RunRecord,
    game: Game | CycleGame | None,
    path: Path,
    *,
    step: int,
    state: Mapping[str, Any],
    way: str,
    last: bool = False,
) -> Model:
    """Return a generator of a checkpoint.

    Args:
        record: What recipe.json says of the run.
        game: The game of one's own that the run plays; its generator is copied.
        path: The run, which the model is named after.
        step: The checkpoint's step.
        state: The checkpoint's state.
        way: "" of a game with one generator; "there" or "back" of a cycle.
        last: Whether it has the last weights, in place of their average.

    Returns:
        The model.

    Raises:
        BadInput: If the run was started on networks that are not given, or the checkpoint is of others.
    """
    record.expect_game(game, str(path))
    card = card_of(record, game, step=step, stage=state["training"].get("stage", {"number": 0})["number"], way=way)
    if game is None:
        network = build_row_on_meta(record.recipe.expect_learner().makers()[way], card)
    else:
        network = with_lower_layers(copy_deeply(game.makers[way]).cpu(), card)
        runs.put_back_memory(network, _memory_of_maker(game, way, state["training"]))
    weights = _last_weights(state["training"], way) if last else state["average"][way]
    return Model(f"{path.name}/{way}" if way else path.name, with_weights(network, weights), card)


def _last_weights(training: Mapping[str, Any], way: str) -> Mapping[str, Tensor]:
    """The weights that a maker had at its last step: a baseline's, a game's, or those of one way of a cycle."""
    if "network" in training:
        network: Mapping[str, Tensor] = training["network"]
        return network
    held = training["players"]["generator"].items()
    prefix = f"{way}." if way else ""
    return {name.removeprefix(prefix): tensor for name, tensor in held if name.startswith(prefix)}


def _memory_of_maker(game: Game | CycleGame, way: str, training: Mapping[str, Any]) -> dict[str, Any]:
    """What the maker's modules remember, by their names within it; a player may hold several makers."""
    for player, network in game.players.items():
        for prefix, module in network.named_modules():
            if module is game.makers[way]:
                inner = {name: one for name, one in training["memory"][player].items() if name.startswith(prefix)}
                return {name[len(prefix) :].lstrip("."): one for name, one in inner.items()}
    return {}


def card_of(record: RunRecord, game: Game | CycleGame | None, *, step: int, stage: int, way: str) -> runs.Card:
    """Return the card of a generator that a run trains.

    Args:
        record: What recipe.json says of the run.
        game: The game of one's own that it plays.
        step: Step of the training.
        stage: Number of the stage, from 0.
        way: "" of a game with one generator; "there" or "back" of a cycle.

    Returns:
        The card.
    """
    recipe, data = record.recipe, record.data
    below = (to_json(later.below) for later in recipe.stages[:stage] if later.below is not None)
    return runs.Card(
        **_maker_card(record, game, way),
        below=tuple(below),
        way=way,
        transform=recipe.transform if len(data.shape) == 3 else "identity",
        data=data,
        recipe=recipe.name,
        step=step,
        advnets=version("advnets"),
    )


def _maker_card(record: RunRecord, game: Game | CycleGame | None, way: str) -> dict[str, Any]:
    """What the card says of the generator, by its row; of a network of one's own there is none."""
    if game is None:
        learner = record.recipe.expect_learner()
        return {
            "generator": to_json(learner.makers()[way]),
            "latent": learner.latent,
            "latent_size": learner.latent_size,
            "code": getattr(learner, "code", NO_CODE),
            "given": getattr(learner, "given", None),
        }
    latent = game.latent if isinstance(game, Game) else None
    given = game.given if isinstance(game, Game) else "images"
    name, size, code = (latent.name, latent.size, latent.code) if latent else ("gaussian", 0, NO_CODE)
    return {"generator": {"row": "own"}, "latent": name, "latent_size": size, "code": code, "given": given}


def export_model(
    run: KeptRun,
    load: Callable[[], Model],
    path: Path,
    *,
    way: str | None = None,
    half: bool,
    licence: str,
    notes: str,
) -> ExportedFile:
    """Write a run's model as a file, with what `evaluate` measured of the same step, and read it back.

    Args:
        run: The run.
        load: Loads the model.
        path: The file; its ending is one of EXPORTERS.
        way: The way that was asked for; None where it was not.
        half: Whether its numbers are written in half precision.
        licence: The author's words, on the card.
        notes: The author's words, on the card.

    Returns:
        What was written.

    Raises:
        Unsupported: For another ending.
        BadInput: As the exporter does; and for a way of networks of one's own, whose file holds the weights of all.
    """
    exporter = find_exporter(path)
    if run.record.game is not None and not exporter.takes_own_networks:
        if way is not None:
            raise BadInput(f"way is {way!r}; this file holds both ways of networks of your own. Leave --way out.")
        step, state = load_state(run)
        words = export_own_weights(run.record, step, state["average"], path, half=half, licence=licence, notes=notes)
        return ExportedFile(path, step, (words,), "")
    runs.expect_new(path)
    model = load()
    measured = read_report_of_step(run, model.step, model.card.way)
    card = replace(model.card, half=half, licence=licence, notes=notes, report=measured)
    noted = (*exporter.write(path, replace(model, card=card)), *notes_of_unmeasured(run, measured))
    return ExportedFile(path, model.step, noted, exporter.use)


def read_report_of_step(run: KeptRun, step: int, way: str = "") -> Mapping[str, Any] | None:
    """Read what `evaluate` measured of a step of a run.

    Args:
        run: The run.
        step: The step.
        way: "back" of a cycle; else the generator that goes there, or the only one.

    Returns:
        The report as JSON; None if there is none, or if it is of another step.

    Raises:
        Damaged: If it is not as it was written.
    """
    name = run.directory.report_json.name
    file = run.directory.path / "back" / name if way == "back" else run.directory.report_json
    report = runs.read_sealed(file, REPORT_ADVICE) if file.exists() else {}
    return report if report.get("step") == step else None


def notes_of_unmeasured(run: KeptRun, measured: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Say of a generator that is given away that nobody measured it.

    Args:
        run: Its run.
        measured: What `read_report_of_step` returned.

    Returns:
        A sentence with the command, or none if it was measured.
    """
    if measured is not None:
        return ()
    chosen = "" if run.checkpoint is None else f" --checkpoint {run.checkpoint}"
    command = f"advnets evaluate {quote_word(run.path)}{chosen}"
    return (f"Nothing was measured of this step yet: run `{command}` first, and its card says how good it is.",)


def parse_checkpoint(found: int | str | None) -> int | str | None:
    """Return which checkpoint is meant: a step, BEST, or None for the newest good one.

    Args:
        found: The step as a number or a text, "best", or None.

    Raises:
        BadInput: If it is none of these.
    """
    if found is None or found == BEST or (type(found) is int and found >= 0):
        return found
    if isinstance(found, str) and re.fullmatch("[0-9]{1,12}", found):
        return int(found)
    raise BadInput(f"checkpoint is {found!r}; expected the step of a checkpoint, or {BEST!r}")


def load_state(run: KeptRun, directory: runs.RunDirectory | None = None) -> tuple[int, dict[str, Any]]:
    """Load the checkpoint of a run that is looked at.

    Args:
        run: The run.
        directory: Its files, held open; None to open them.

    Returns:
        Its step, and the state of the training.

    Raises:
        Missing: If it is not there; those that are there are named.
        BadInput: If the best is asked for, and none was measured while the run trained.
        Damaged: If it is not as it was written.
    """
    at = directory or run.directory
    if run.checkpoint is None:
        step, state, _ = runs.load_latest(at.checkpoints, at.held)
        return step, state
    there = {int(path.name): path for path in runs.newest_first(at.checkpoints, at.held)}
    step = _expect_best(run, at).step if run.checkpoint == BEST else int(run.checkpoint)
    if step not in there:
        steps = ", ".join(f"{one:,}" for one in sorted(there)) or "none"
        raise Missing(
            f"{at.path} has no checkpoint of step {step:,}: found {steps}. A run keeps the newest two, and with "
            "--keep-best the best."
        )
    return runs.load_checkpoint(there[step], at.held)


def read_validation(run: KeptRun, directory: runs.RunDirectory | None = None) -> Validation | None:
    """Return what was measured of a run's checkpoints while it trained; None where that was not asked for."""
    name = run.settings.keep_best
    return None if name is None else Validation.of((directory or run.directory).journal.entries(), name)


def find_best(run: KeptRun, directory: runs.RunDirectory | None = None) -> MeasuredCheckpoint | None:
    """Return the best of the measured checkpoints that are there; None if there is none."""
    at, found = directory or run.directory, read_validation(run, directory)
    there = (int(path.name) for path in runs.newest_first(at.checkpoints, at.held))
    return None if found is None else found.among(there).best


def _expect_best(run: KeptRun, directory: runs.RunDirectory) -> MeasuredCheckpoint:
    best = find_best(run, directory)
    if best is None:
        is_asked = run.settings.keep_best is not None
        why = "has no measured checkpoint yet" if is_asked else "was trained without --keep-best"
        raise BadInput(
            f"{directory.path} {why}, so that none of its checkpoints is known to be the best. `advnets evaluate "
            "RUN --every-checkpoint` measures those that there are; name one of them by its step."
        )
    return best


def load_all_states(folder: Path) -> tuple[dict[int, dict[str, Any]], dict[str, str]]:
    """Load all good checkpoints of a run.

    Args:
        folder: The folder of the checkpoints.

    Returns:
        The states by step, and the reasons, by checkpoint, why damaged ones are passed over.

    Raises:
        Missing: If there is no good checkpoint.
    """
    good: dict[int, dict[str, Any]] = {}
    damaged: dict[str, str] = {}
    for path in reversed(runs.newest_first(folder)):
        try:
            step, state = runs.load_checkpoint(path)
        except (Damaged, Unsupported) as error:
            if path.is_dir():  # a trainer may have pruned it meanwhile
                damaged[path.name] = str(error)
            continue
        good[step] = state
    if not good:
        runs.load_latest(folder)  # says why there is none
    return good, damaged


def load_discriminator(
    recipe: Recipe, dataset: Dataset, state: Mapping[str, Any], game: Game | CycleGame | None = None
) -> Discriminator | None:
    """Load the discriminator out of the training state of a checkpoint.

    Args:
        recipe: The run's recipe.
        dataset: The run's data.
        state: The training's state.
        game: The game of one's own that the run plays; it is copied.

    Returns:
        Stored values -> logits (n,), in evaluation mode, on the CPU, without augmentation. None where nothing judges an
        image by itself: for a baseline, a cycle, packs, and a discriminator that is given labels or images.

    Raises:
        BadInput: If the checkpoint is of other networks.
    """
    if recipe.baseline is not None:
        return None
    # It descends no more, and an optimizer of one's own need not be at hand.
    plain, own = replace(recipe, descents=dict.fromkeys(PLAYERS, Descent())), copy_deeply(game)
    with Streams(0, torch.device("cpu")).as_defaults():
        training = build_game_training(plain, dataset, seed=0, device=torch.device("cpu"), game=own)
        training.load_networks(state)
    played = training.game
    if not isinstance(played, Game) or played.pack > 1 or played.given is not None:
        return None
    played.discriminator.eval()
    bare = replace(played, augment=None, penalties={})
    transform = TRANSFORMS[recipe.transform if dataset.is_image else "identity"]

    def judge(values: Tensor) -> Tensor:
        with torch.no_grad():
            logits = [bare.critic(transform.forward(part)) for part in torch.split(values, PART)]
        return torch.cat([part if part.ndim == 1 else part.mean(1) for part in logits])

    return judge
