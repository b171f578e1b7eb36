"""Measuring a finished run, once, and a control."""

import hashlib
import json
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
from advnets.studies.table.controls import control
from advnets.studies.table.evaluator import PAPER, Evaluator
from advnets.studies.table.mixing import layers, measure_mixing
from advnets.studies.table.records import Control, Origin, TrainedUnit

BESIDE = ("about", "source", "usual_minutes", "usual_steps")
EACH = 10_000
"""Samples that costs are told for."""


def measure_finished_run(run: Run, yardstick: Evaluator, *, budget: float) -> TrainedUnit:
    """The unit that a finished run is, its test split read once.

    It is kept in the run as unit.json, so that the split is not read again though the results be lost.
    Raises InUse while another process trains or measures the run.
    """
    with runs.lock_run(run.path):
        kept = run.directory.path / "unit.json"
        if kept.exists():
            return _unit_of(kept)
        unit = _measure(run, yardstick, budget)
        _note(run, yardstick, unit)
        runs.write_json(kept, asdict(unit))
    return unit


def control_of(name: str, yardstick: Evaluator) -> Control:
    """A control, measured as units are."""
    samples = control(name, yardstick.dataset, yardstick.n)
    return Control(yardstick.numbers(samples), origin(runs.describe_environment()))


def fingerprint(recipe: Recipe) -> str:
    """The SHA-256 of the numbers of a recipe that a unit depends on, so that units of others do not enter one mean.

    Its words are none, nor is its usual budget: a unit's is the row's, and is compared by itself.
    """
    numbers = {name: value for name, value in to_json(recipe).items() if name not in BESIDE}
    return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()


def origin(environment: Mapping[str, Any]) -> Origin:
    """Where numbers come from, of what `runs.environment` tells; without the folders of this machine."""
    command = [str(word) for word in environment["command"]]
    return Origin(
        command=" ".join(["advnets" if Path(command[0]).stem == "__main__" else Path(command[0]).name, *command[1:]]),
        advnets=str(environment["advnets"]),
        commit=environment["commit"],
        platform=str(environment["platform"]),
        threads=int(environment["threads"]),
    )


def _measure(run: Run, yardstick: Evaluator, budget: float) -> TrainedUnit:
    model, seed = run.model, run.settings.seed
    began = time.monotonic()
    samples = model.sample(yardstick.n, seed=seed)
    seconds = (time.monotonic() - began) * EACH / len(samples)
    chain = measure_mixing(model, yardstick)
    passes = chain.burn_in * chain.passes_per_step if chain else layers(model.network)
    return TrainedUnit(
        row=run.recipe.name,
        recipe=fingerprint(run.recipe),
        seed=seed,
        budget=budget,
        minutes=round(float(runs.read_json(run.directory.status_json)["seconds"]) / 60, 3),
        steps=model.step,
        numbers=yardstick.numbers(samples),
        layer_passes=EACH * passes,
        seconds=round(seconds, 3),
        mixing=chain,
        trained=origin(runs.read_json(run.directory.environment_json)),
        measured=origin(runs.describe_environment()),
        test_readings=len(runs.Journal(run.directory.test_readings).read()) + 1,
    )


def _note(run: Run, yardstick: Evaluator, unit: TrainedUnit) -> None:
    """Note the reading of the test split, before anyone is told what was read."""
    told = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "step": unit.steps,
        "nats": unit.numbers.scores[PAPER]["test"].value,
        "parzen": PAPER,
        "split": "test",
        "samples": unit.numbers.samples,
        "seed": unit.seed,
        "data": yardstick.dataset.name,
        "digest": yardstick.dataset.digest,
    }
    runs.Journal(run.directory.test_readings).append(told)


def _unit_of(path: Path) -> TrainedUnit:
    try:
        return parse_record(TrainedUnit, runs.read_json(path), what="unit")
    except BadInput as error:
        raise Damaged(
            f"{path} does not hold a unit of a table: {error}. Remove it to have the run measured anew, its test split "
            "read once more."
        ) from error
