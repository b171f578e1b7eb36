"""What is wrong with a run, by its checkpoints, its status, and what the doctor wrote while it trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from advnets import runs
from advnets.averaging import MovingAverage, copy_deeply
from advnets.diagnosis import (
    Finding,
    NotJudged,
    Probe,
    describe_silence,
    diagnose,
    finding_of_failure,
    gather_not_judged,
    gravity,
)
from advnets.errors import Unsupported
from advnets.experiment.preparation.build_training import build_training
from advnets.experiment.preparation.game_training import GameTraining
from advnets.experiment.probes import Prober, setup_of
from advnets.experiment.run_model import KeptRun, load_all_states
from advnets.experiment.settings import with_budget
from advnets.markup import html_card, html_table, html_text
from advnets.randomness import Streams
from advnets.text import escape

FLAGS_IN_PYTHON = "In Python a flag is a keyword of train: --generator.rate 0.1 is generator_rate=0.1."
"""What is said below remedies in a notebook."""


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a run.

    Attributes:
        path: The run.
        step: The step of its newest checkpoint.
        findings: What is wrong now, gravest first.
        earlier: What was found, or warned of, while it trained, and is not seen now.
        probes: How many probes stand behind it.
        not_judged: What cannot be judged yet, and when it will be.
    """

    path: Path
    step: int
    findings: tuple[Finding, ...]
    earlier: tuple[Finding, ...]
    probes: int
    not_judged: tuple[NotJudged, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the diagnosis as JSON.

        Returns:
            Its fields, with the path as "run".
        """
        return {
            "run": str(self.path), "step": self.step, "probes": self.probes,
            "findings": [one.as_json() for one in self.findings],
            "earlier": [one.as_json() for one in self.earlier],
            "not_judged": [one.as_json() for one in self.not_judged],
        }  # fmt: skip

    def __str__(self) -> str:
        head = f"{escape(str(self.path))}, step {self.step:,}, {self.probes} probes"
        if not self.findings:
            head += f"\n{self._silence}"
        parts = [head, *map(str, self.findings)]
        if self.earlier:
            lines = [f"  {one.severity} at step {one.step:,}: {one.name}: {one.what}" for one in self.earlier]
            parts.append("\n".join(["Seen while it trained, and gone since:", *lines]))
        if self.not_judged:
            parts.append(self._words_of_not_judged)
        return "\n\n".join(parts)

    @property
    def _silence(self) -> str:
        """What is said where nothing was found."""
        return describe_silence(self.step, len(self.not_judged))

    @property
    def _words_of_not_judged(self) -> str:
        return f"Not judged yet: {', '.join(map(str, self.not_judged))}."

    def _repr_html_(self) -> str:
        title = f"Diagnosis of {self.path}, step {self.step:,}, {self.probes} probes"
        rows = [(one.severity, one.name, one.what, one.remedy) for one in self.findings]
        rows += [(f"{one.severity}, gone", one.name, one.what, "") for one in self.earlier]
        said = [] if self.findings else [f"<p>{html_text(self._silence)}</p>"]
        table = [html_table(rows, head=("", "finding", "what", "remedy"))] if rows else []
        waiting = [(one.name, one.words_of_wait()) for one in self.not_judged]
        later = [html_table(waiting, head=("not judged yet", "until"))] if waiting else []
        return html_card(title, *said, *table, *later, f"<p>{html_text(FLAGS_IN_PYTHON)}</p>" if rows else "")


def diagnose_run(run: KeptRun) -> Diagnosis:
    """Say what is wrong with a run; see `Run.diagnose`."""
    run.record.expect_game(run.game, str(run.directory.path), code=True)
    states, _ = load_all_states(run.directory.checkpoints)
    history: dict[str, list[Probe]] = {}
    for entry in run.directory.probes.entries():
        probe = Probe.from_json(entry)
        history.setdefault(probe.way, []).append(probe)
    seen = {probe.step for past in history.values() for probe in past}
    prober = Prober(run.recipe, run.dataset)
    for step, state in states.items():
        if step in seen or (seen and step < max(seen)):
            continue
        for probe in _probe_state(run, prober, step, state):
            history.setdefault(probe.way, []).append(probe)
    setup = setup_of(
        run.recipe, build_run_training(run).game, is_image=run.dataset.is_image, is_own=run.game is not None
    )
    findings: dict[str, Finding] = {}
    for past in history.values():
        for one in diagnose(past, setup=setup):
            findings.setdefault(one.name, one)
    step = max(states)
    status = runs.read_json(run.directory.status_json)
    failure = finding_of_failure(str(status.get("message", "")), int(status.get("step", step)), setup)
    standing = sorted(findings.values(), key=lambda one: gravity(one.name, one.severity), reverse=True)
    now = ([failure] if failure else []) + standing
    probes = sum(map(len, history.values()))
    earlier = _earlier(run, {one.name for one in now})
    later = gather_not_judged(history, {one.name for one in now})
    return Diagnosis(run.directory.path, step, tuple(now), earlier, probes, tuple(later))


def _earlier(run: KeptRun, standing: set[str]) -> tuple[Finding, ...]:
    """The last finding of each name that is not seen any more, or its last warning if it was never more than that."""
    gone: dict[str, Finding] = {}
    for entry in run.directory.findings.entries():
        if entry.get("severity") not in ("finding", "warning") or entry["name"] in standing:
            continue
        one = Finding.from_json({name: value for name, value in entry.items() if name != "seconds"})
        if one.severity == "finding" or one.name not in gone or gone[one.name].severity == "warning":
            gone[one.name] = one
    return tuple(sorted(gone.values(), key=lambda one: one.severity != "finding"))


def build_run_training(run: KeptRun) -> GameTraining:
    """Return the run's training at its first step. Raises Unsupported if it is a baseline's."""
    device = torch.device("cpu")
    with Streams(0, device).as_defaults():
        training = build_training(run.recipe, run.dataset, seed=0, device=device, game=copy_deeply(run.game))
    if not isinstance(training, GameTraining):
        raise Unsupported(
            f"{run.directory.path} trains a baseline, and the doctor knows games alone. Measure it by "
            "`advnets evaluate`."
        )
    return training


def _probe_state(run: KeptRun, prober: Prober, step: int, state: Mapping[str, Any]) -> list[Probe]:
    training = build_run_training(run)
    with Streams(0, torch.device("cpu")).as_defaults():
        training.load(state["training"])
    average = MovingAverage(training.makers)
    average.load(state["average"])
    settings = with_budget(run.settings, run.recipe)
    share = min(step / settings.steps, 1.0) if settings.steps else 0.0
    return prober.measure(training, average.makers, step=step, share=share)
