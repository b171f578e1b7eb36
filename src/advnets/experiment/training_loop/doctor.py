"""The doctor beside a training: probes it now and then, says what is wrong, and writes it down.

probes.jsonl             one line a probe: its numbers, and the seconds that it took
findings.jsonl           one line for each finding that is new, graver than before, or gone
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from torch import nn

from advnets import distributed, runs
from advnets.data import Dataset
from advnets.diagnosis import THRESHOLDS, UNKNOWN, Finding, Probe, Setup, diagnose, finding_of_failure, sign_of_sameness
from advnets.errors import Damaged, first_line
from advnets.experiment.preparation.game_training import GameTraining
from advnets.experiment.probes import Prober, setup_of
from advnets.experiment.settings import Settings
from advnets.recipes import Recipe
from advnets.training import Training

LEAST_SECONDS = 1.0
"""Seconds of training between two probes, at least."""
MOST_COST = 0.02
"""Share of the time that probes take: after one that took t seconds, none begins for t / MOST_COST."""
SPARSENESS = 0.01
"""Share of the seconds trained so far that pass between two probes, at least: a day's run has some hundreds."""
EARLY_STEPS = (10, 60)
"""A probe is made at the first report from each of these steps on, however soon: a rate that is far too high shows
within them, and two probes make a finding."""
READINGS = ("spread", "gap", "auc", "auc_held")
"""Numbers of a probe that the journal has too."""
COLLAPSE, GONE = "collapse", "gone"


class Doctor:
    """Looks at a training now and then; it changes nothing of it.

    Args:
        directory: Where it writes.
        prober: What measures.
        setup: What the run plays, which remedies read.

    Attributes:
        sound_step: The last step at which the samples were not collapsed; None until there was one.
        is_collapsed: Whether they were then, and are now, in two probes in a row.
    """

    def __init__(self, directory: runs.RunDirectory, prober: Prober, setup: Setup = UNKNOWN) -> None:
        self.directory, self._prober, self._setup = directory, prober, setup
        self.sound_step: int | None = None
        self.is_collapsed = False
        self._history: dict[str, list[Probe]] = {}
        self._standing: dict[str, Finding] = {}
        self._standing_before: list[str] = []
        self._new: list[Finding] = []
        self._next_at, self._took = 0.0, list[float]()
        self._is_able = True

    @staticmethod
    def of(
        directory: runs.RunDirectory, recipe: Recipe, dataset: Dataset, settings: Settings, training: Training
    ) -> "Doctor | None":
        """Return the doctor of a run; None where none is asked for, and for baselines and several processes.

        Where a network holds an iterator there is none either: a copy may share it, and a probe would move it on.

        Args:
            directory: The run, whose journal the doctor writes to.
            recipe: The recipe.
            dataset: The data that the run trains on.
            settings: Settings of the run, which say whether a doctor is asked for.
            training: What is trained.

        Returns:
            The doctor, or None.
        """
        if settings.doctor == "off" or not isinstance(training, GameTraining) or distributed.world_size() > 1:
            return None
        if any(runs.name_iterators(network) for network in training.players.values()):
            return None
        setup = setup_of(recipe, training.game, is_image=dataset.is_image, is_own=recipe.learner is None)
        return Doctor(directory, Prober(recipe, dataset), setup)

    def begin(self, step: int) -> None:
        """Take up the probes before a step, and drop the others, which will be made again.

        Args:
            step: The step that the training stands at.
        """
        self.directory.probes.drop_after(step - 1)
        self._history, self._standing, self.is_collapsed = {}, {}, False
        with suppress(Damaged):  # which is no reason not to train
            self._standing_before = list(read_standing_findings(self.directory))
        for entry in self.directory.probes.entries():
            probe = Probe.from_json(entry)
            self._history.setdefault(probe.way, []).append(probe)
        self.sound_step = None
        for past in self._history.values():
            self._note_soundness(past)

    def look(
        self, training: Training, averaged: Mapping[str, nn.Module], *, step: int, seconds: float, share: float
    ) -> dict[str, Any]:
        """Probe the training, if that is due.

        Args:
            training: The training, between two steps.
            averaged: The averaged generators, by way.
            step: Steps made so far.
            seconds: Seconds that it was trained for.
            share: Share of the budget that is spent.

        Returns:
            What the journal says of it: numbers, and the names of what stands; empty if no probe was due.

        Raises:
            CannotWrite: If it cannot be written down.
        """
        is_due = seconds >= self._next_at or self._is_early_look_due(step)
        if not self._is_able or not is_due or not isinstance(training, GameTraining):
            return {}
        began = time.perf_counter()
        try:
            probes = self._prober.measure(training, averaged, step=step, share=share)
        except Exception as error:  # whatever a network of the user's raises; the training goes on
            self._is_able = False
            self._tell([_not_probed(step, error)], step, seconds)
            return {}
        for probe in probes:
            self._history.setdefault(probe.way, []).append(probe)
        self._tell(self._findings(), step, seconds)
        took = time.perf_counter() - began
        self._took = [*self._took[-2:], took]
        cost = min(self._took)  # on a busy machine one of them may have waited
        self._next_at = seconds + max(LEAST_SECONDS, cost / MOST_COST, seconds * SPARSENESS)
        for probe in probes:
            entry = {**probe.as_json(), "seconds": round(seconds, 3), "took": round(took, 4)}
            self.directory.probes.append(entry)
        return self._readings(probes)

    def _is_early_look_due(self, step: int) -> bool:
        last = max((past[-1].step for past in self._history.values() if past), default=0)
        return any(last < early <= step for early in EARLY_STEPS)

    def words_of_collapse(self, step: int, rollbacks: int) -> str:
        """Return what a run says that stops at a collapse.

        Args:
            step: The step that the run stops at.
            rollbacks: How often it went back to a state from before a collapse.

        Returns:
            What was found, and its remedy.
        """
        after = f" after {rollbacks} rollbacks" if rollbacks else ""
        found = self._standing[COLLAPSE]
        return f"the generator has collapsed at step {step:,}{after}. {found.what} {found.remedy}"

    def take_findings(self) -> tuple[Finding, ...]:
        """Return what was found since this was asked last.

        Returns:
            The new findings, in the order in which they were found.
        """
        found, self._new = tuple(self._new), []
        return found

    def hear_end(self, message: str, step: int, seconds: float) -> None:
        """Write down the finding of a run that a NaN or an Inf has ended.

        Args:
            message: What the run's status says of its end; another end than by a NaN or an Inf writes nothing.
            step: The step that it ended at.
            seconds: Seconds that it was trained for.
        """
        finding = finding_of_failure(message, step, self._setup)
        if finding is not None:
            self._write(finding.as_json(), seconds)

    def _findings(self) -> list[Finding]:
        found: dict[str, Finding] = {}
        for past in self._history.values():
            self._note_soundness(past[-2:])
            for finding in diagnose(past, setup=self._setup):
                found.setdefault(finding.name, finding)
        collapse = found.get(COLLAPSE)
        self.is_collapsed = collapse is not None and collapse.severity == "finding"
        return list(found.values())

    def _note_soundness(self, past: list[Probe]) -> None:
        for probe in past:
            if probe.step and probe.spread is not None and sign_of_sameness(probe, THRESHOLDS) is None:
                self.sound_step = max(self.sound_step or 0, probe.step)

    def _tell(self, found: list[Finding], step: int, seconds: float) -> None:
        """Write down what is new, graver or gone."""
        now = {one.name: one for one in found}
        before_now = dict.fromkeys([*self._standing_before, *self._standing])
        self._standing_before = []
        for name in [name for name in before_now if name not in now]:
            self._write({"name": name, "severity": GONE, "step": step}, seconds)
        for name, finding in now.items():
            before = self._standing.get(name)
            if before is None or before.severity != finding.severity:
                self._write(finding.as_json(), seconds)
                self._new.append(finding)
        self._standing = now

    def _write(self, entry: Mapping[str, Any], seconds: float) -> None:
        self.directory.findings.append({**entry, "seconds": round(seconds, 3)})

    def _readings(self, probes: list[Probe]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for probe in probes:
            place = f"doctor/{probe.way}/" if probe.way else "doctor/"
            found |= {f"{place}{name}": value for name in READINGS if (value := getattr(probe, name)) is not None}
        standing = [name for name, one in self._standing.items() if one.severity == "finding"]
        return found | ({"findings": standing} if standing else {})


def read_standing_findings(directory: runs.RunDirectory) -> dict[str, str]:
    """Read which findings stand at the end of findings.jsonl; warnings and notes are none.

    Args:
        directory: The run.

    Returns:
        {name: what is wrong}, in the order in which they were first written.

    Raises:
        Damaged: If the file is not as it was written.
    """
    last = {str(entry.get("name")): entry for entry in directory.findings.entries()}
    return {name: str(entry.get("what", "")) for name, entry in last.items() if entry.get("severity") == "finding"}


def _not_probed(step: int, error: Exception) -> Finding:
    return Finding(
        "not-probed", "note", step, step, f"The doctor cannot probe this training: {first_line(error)}.", 0.0, 0.0,
        "nothing is known of it", "A network cannot be copied, or not be called as the doctor calls it.",
        "Take --doctor off, or let copies of the networks work.",
    )  # fmt: skip
