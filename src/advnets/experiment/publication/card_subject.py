"""What a model card tells of: a model, what trained it, and what was measured of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from advnets import runs
from advnets.assessment import Report
from advnets.errors import BadInput
from advnets.experiment.model import Model
from advnets.experiment.opening import open_source
from advnets.experiment.run import Run
from advnets.experiment.run_model import read_report_of_step
from advnets.experiment.run_record import RunRecord
from advnets.experiment.settings import settle_budget
from advnets.recipes import RECIPES, to_json


@dataclass(frozen=True, eq=False)
class CardSubject:
    """What a model card tells of.

    Attributes:
        model: The model; its card has the licence and the notes.
        report: What `evaluate` measured of this very step, None if it did not.
        record: What the recipe.json of its run says, None of a share file.
        limit: The limit that its run was given last, {"steps": ..., "minutes": ...}; empty of a share file.
        environment: Versions, machine, threads and commit that its run was started with; empty where they are not
            known.
        test_readings: How often its run was measured on the test split; 0 of a share file.
    """

    model: Model
    report: Report | None
    record: RunRecord | None = None
    limit: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    test_readings: int = 0

    @property
    def translates(self) -> bool:
        """Whether images are made of images."""
        return self.model.card.given == "images"

    def recipe_json(self) -> Mapping[str, Any] | None:
        """The recipe with all its numbers and the run's own limit; None of a share file, which holds its name alone."""
        return None if self.record is None else {**to_json(self.record.recipe), "budget": dict(self.limit)}

    def recipe_source(self) -> str:
        """Where the numbers of the recipe come from, "" if that is not known."""
        if self.record is not None:
            return self.record.recipe.source
        name = self.model.card.recipe
        return RECIPES[name].source if name in RECIPES else ""

    def changed_parts(self) -> list[str]:
        """The parts of the run's recipe that are not those of the recipe of that name in this version."""
        name = self.model.card.recipe
        if self.record is None or name not in RECIPES:
            return []
        found, usual = to_json(self.record.recipe), to_json(RECIPES[name])
        return sorted(name for name in found if found[name] != usual[name])


def open_subject(source: str | Path | Run | Model, *, licence: str = "", notes: str = "") -> CardSubject:
    """Return what a model card tells of.

    Args:
        source: A run or its folder, a model or its share file, or the name of one that ships.
        licence: The author's words; a share file has its own.
        notes: The author's words; a share file has its own.

    Returns:
        The subject; of a cycle, of the generator that goes there.

    Raises:
        Missing: If nothing is there.
        BadInput: For a licence or notes beside a share file, a run on networks that are not given, and as
            `open_model` does.
        Damaged: If the report is not as it was written.
    """
    found = open_source(source) if isinstance(source, str | Path) else source
    if isinstance(found, Run):
        return _subject_of_run(found, licence, notes)
    if licence or notes:
        raise BadInput(
            f"{found.name}: found a licence or notes beside a share file, whose card has its own. Leave them out, or "
            "give them to `advnets export`."
        )
    return CardSubject(found, _parse_report(found.card.report, found.name))


def _subject_of_run(run: Run, licence: str, notes: str) -> CardSubject:
    model, file = run.model, run.directory.report_json
    measured = read_report_of_step(run, model.step)
    model = replace(model, card=replace(model.card, licence=licence, notes=notes))
    asked = {"steps": run.record.settings.steps, "minutes": run.record.settings.minutes}
    limit = settle_budget(run.directory, None, None) or asked
    readings = len(runs.Journal(run.directory.test_readings).read())
    return CardSubject(model, _parse_report(measured, str(file)), run.record, limit, _environment(run), readings)


def _environment(run: Run) -> Mapping[str, Any]:
    """What environment.json says; nothing where it is lost or damaged, as it is no part of the training."""
    try:
        return runs.read_json(run.directory.environment_json)
    except BadInput:
        return {}


def _parse_report(values: Mapping[str, Any] | None, where: str) -> Report | None:
    if values is None:
        return None
    try:
        return Report.from_dict(values)
    except BadInput as error:
        raise type(error)(f"{where}: {error}") from error
