"""The measurements of a finished run, which are made once, and those of a control."""

import hashlib
import json
import shlex
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from advnets import runs
from advnets.errors import BadInput, Damaged
from advnets.experiment import Run
from advnets.recipes import Recipe, to_json
from advnets.records import parse_record
from advnets.studies.table.chain_mixing import count_layers, measure_mixing
from advnets.studies.table.controls import draw_control
from advnets.studies.table.evaluator import PAPER, Evaluator
from advnets.studies.table.records import MeasuredControl, Origin, TrainedUnit

NO_NUMBERS = ("about", "source", "budget")
"""Fields of a recipe that a unit does not depend on: its words, and its budget, in whose place are the row's steps."""
EACH = 10_000
"""Number of samples that costs are stated for."""


def measure_finished_run(run: Run, evaluator: Evaluator) -> TrainedUnit:
    """Measure a finished run; its test split is read once.

    The unit is stored in the run as unit.json, so that the test split is not read again even if the results are lost.

    Args:
        run: The run.
        evaluator: What measures its samples.

    Returns:
        The unit.

    Raises:
        InUse: If another process trains or measures the run.
        Damaged: If unit.json does not hold a unit.
    """
    with runs.lock_run(run.path) as directory:
        path = directory.path / "unit.json"
        if path.exists():
            return _read_unit(path)
        unit = _measure(run, evaluator)
        _note_reading(directory, evaluator, unit)
        runs.write_json(path, asdict(unit), directory.held)
    return unit


def measure_control(name: str, evaluator: Evaluator) -> MeasuredControl:
    """Measure a control as units are measured.

    Args:
        name: A row of CONTROLS.
        evaluator: What measures its samples.

    Returns:
        The control.
    """
    samples = draw_control(name, evaluator.dataset, evaluator.n)
    return MeasuredControl(evaluator.measure(samples), describe_origin(runs.describe_environment()))


def recipe_digest(recipe: Recipe) -> str:
    """Return the SHA-256 of the numbers of a recipe, so that units of other numbers do not enter one mean.

    Args:
        recipe: The recipe.

    Returns:
        The SHA-256 in hexadecimal, without the fields of NO_NUMBERS.
    """
    numbers = {name: value for name, value in to_json(recipe).items() if name not in NO_NUMBERS}
    return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()


def describe_origin(environment: Mapping[str, Any]) -> Origin:
    """Return where numbers come from, without the folders of this machine.

    Args:
        environment: What `runs.describe_environment` returned.

    Returns:
        The origin.
    """
    command = [str(word) for word in environment["command"]]
    return Origin(
        command=shlex.join(["advnets" if Path(command[0]).stem == "__main__" else Path(command[0]).name, *command[1:]]),
        advnets=str(environment["advnets"]),
        commit=environment["commit"],
        platform=str(environment["platform"]),
        threads=int(environment["threads"]),
    )


def _measure(run: Run, evaluator: Evaluator) -> TrainedUnit:
    model, seed = run.model, run.settings.seed
    began = time.monotonic()
    samples = model.sample(evaluator.n, seed=seed)
    seconds = (time.monotonic() - began) * EACH / len(samples)
    chain = measure_mixing(model, evaluator)
    passes = chain.burn_in * chain.passes_per_step if chain else count_layers(model.network)
    return TrainedUnit(
        row=run.recipe.name,
        recipe=recipe_digest(run.recipe),
        seed=seed,
        minutes=round(float(runs.read_json(run.directory.status_json)["seconds"]) / 60, 3),
        steps=model.step,
        numbers=evaluator.measure(samples),
        layer_passes=EACH * passes,
        seconds=round(seconds, 3),
        mixing=chain,
        trained=describe_origin(runs.read_json(run.directory.environment_json)),
        measured=describe_origin(runs.describe_environment()),
        test_readings=len(runs.Journal(run.directory.test_readings).read()) + 1,
    )


def _note_reading(directory: runs.RunDirectory, evaluator: Evaluator, unit: TrainedUnit) -> None:
    """Write down that the test split was read, before anyone is shown what was read."""
    entry = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "step": unit.steps,
        "nats": unit.numbers.scores[PAPER]["test"].value,
        "parzen": PAPER,
        "split": "test",
        "samples": unit.numbers.samples,
        "seed": unit.seed,
        "data": evaluator.dataset.name,
        "digest": evaluator.dataset.digest,
    }
    runs.Journal(directory.test_readings, directory.held).append(entry)


def _read_unit(path: Path) -> TrainedUnit:
    try:
        return parse_record(TrainedUnit, runs.read_json(path), what="unit")
    except BadInput as error:
        raise Damaged(
            f"{path} does not hold a unit of a table: {error}. Remove it to measure the run anew, which reads its test "
            "split once more."
        ) from error
