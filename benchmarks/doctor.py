"""Is the doctor right? 120 short runs, half broken on purpose, in a part to choose thresholds on and a part kept.

    export ADVNETS_DATA=... OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
    python benchmarks/doctor.py [--part training|held] [--only NAME ...] [--workers 2]
    python benchmarks/doctor.py --cost
    python benchmarks/doctor.py --page

Each part has thirty games that are broken in fourteen ways, and thirty healthy ones: three kinds of data under five
objectives with small networks, and fifteen recipes at their full width. A run is some seconds of one thread's own time,
a recipe's a minute, and is probed ten times at equal parts of it. Its probes are a line of doctor.jsonl beside this
file, and a later call makes what is missing. Findings are made of the probes when they are read, so that thresholds may
be moved on the training part without another run. A broken run is named rightly if a finding, which a warning is not,
has one of the names that its way of breaking has in doctor_games.py. A healthy run is flagged if it has any finding.
--page writes doctor.md.
"""

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from doctor_games import ARENAS, BINDS, LATENT, NAN_AT, WAYS, Plan, broken, healthy
from machine import describe

from advnets import data
from advnets.averaging import MovingAverage
from advnets.diagnosis import Finding, Probe, diagnose, finding_of_failure
from advnets.errors import NonFinite
from advnets.experiment.preparation.build_training import build_game_training
from advnets.experiment.preparation.game_training import GameTraining
from advnets.experiment.preparation.prepare import prepare_training
from advnets.experiment.probes import Prober
from advnets.experiment.training_loop.doctor import LEAST_SECONDS, MOST_COST, SPARSENESS
from advnets.games import Game
from advnets.latents import gaussian
from advnets.objectives import OBJECTIVES
from advnets.randomness import Streams
from advnets.recipes import PLAYERS, RECIPES, Descent, Recipe
from advnets.training import Moment

KEPT, PAGE, COSTS = (Path(__file__).with_suffix(end) for end in (".jsonl", ".md", ".cost.json"))
SECONDS, RECIPE_SECONDS, PROBES = 8.0, 60.0, 10
"""Of the thread's own time, for training; and probes in it, at equal parts."""
PARTS = {"training": 0, "held": 21}
"""The seeds of either part begin here. Seeds 11 and 12 were read by an earlier bench of shorter runs."""
COST_RECIPES = ("paper", "paper-adam", "cgan", "dcgan", "infogan", "modern")
CPU = torch.device("cpu")
HEALTHY_RECIPES = {
    "paper": "mnist", "paper-adam": "digits", "paper-mnist": "mnist", "cgan": "mnist", "lsgan": "mnist",
    "dcgan": "mnist", "dcgan-classes": "mnist", "modern": "mnist", "wgan": "mnist", "wgan-gp": "mnist",
    "infogan": "mnist", "acgan": "cifar10", "sngan-small": "cifar10", "sngan-classes": "cifar10",
    "packed": "mnist",
}  # fmt: skip
"""{recipe: the data that it is for}; paper-adam on digits is what a beginner starts."""


@dataclass(frozen=True)
class Case:
    """One run of the bench.

    Attributes:
        part: "training" or "held".
        way: How it is broken; "" of a healthy one.
        arena: The kind of data, or the data set of a recipe.
        plays: The objective, or the recipe, of a healthy one.
        seed: Its seed.
    """

    part: str
    way: str
    arena: str
    plays: str
    seed: int

    @property
    def name(self) -> str:
        """What it is called in doctor.jsonl."""
        return f"{self.part}: {self.way or self.plays}, {self.arena}, seed {self.seed}"


def cases() -> Iterator[Case]:
    """Of each part: every way of breaking in each place that it has, every healthy setting, and every recipe."""
    for part, first in PARTS.items():
        for way, (arenas, _) in WAYS.items():
            for number, arena in enumerate(arenas):
                yield Case(part, way, arena, "", first + number)
        for arena in ARENAS:
            for objective in BINDS:
                yield Case(part, "", arena, objective, first)
        for recipe, dataset in HEALTHY_RECIPES.items():
            yield Case(part, "", dataset, recipe, first)


@dataclass
class Played:
    """A training at its first step, and what is done with it.

    Attributes:
        training: The training.
        recipe: What it is trained by.
        prober: What looks at it.
        average: The averaged generators.
        streams: Its random numbers.
        seconds: How long it is trained, of the thread's own time.
        probes: How often it is looked at.
        at_step: What is broken at which step, or None.
    """

    training: GameTraining
    recipe: Recipe
    prober: Prober
    average: MovingAverage
    streams: Streams
    seconds: float
    probes: int
    at_step: tuple[int, Callable[[Game], None]] | None


def prepare(case: Case) -> Played:
    """Build what a case plays."""
    if case.plays in RECIPES:
        recipe, dataset = RECIPES[case.plays], data.load(case.arena)
        ready = prepare_training(recipe, dataset, seed=case.seed, device=CPU, game=None, capture=False)
        assert isinstance(ready.training, GameTraining)
        prober = Prober(recipe, dataset)
        return Played(ready.training, recipe, prober, ready.average, ready.streams, RECIPE_SECONDS, PROBES, None)
    plan = broken(case.way, case.arena) if case.way else healthy(case.arena, case.plays)
    recipe, streams = recipe_of(plan), Streams(case.seed, CPU)
    torch.manual_seed(case.seed)
    game = Game(
        plan.generator(), plan.discriminator(), OBJECTIVES[plan.objective], latent=gaussian(LATENT),
        penalties=plan.penalties,
    )  # fmt: skip
    if plan.before is not None:
        plan.before(game)
    with streams.as_defaults():
        training = build_game_training(recipe, plan.dataset, seed=case.seed, device=CPU, game=game)
    average, probes = MovingAverage(training.makers), PROBES * plan.probe_factor
    prober = Prober(recipe, plan.dataset)
    return Played(training, recipe, prober, average, streams, SECONDS, probes, plan.at_step)


def recipe_of(plan: Plan) -> Recipe:
    """The numbers of a plan as a recipe, whose game is given beside it."""
    descents = {player: Descent(plan.optimizer, rate) for player, rate in zip(PLAYERS, plan.rates, strict=True)}
    return Recipe(
        algorithm=plan.algorithm, descents=descents, batch_size=plan.batch, transform=plan.transform,
        average=plan.average,
    )  # fmt: skip


def play(case: Case) -> dict[str, Any]:
    """Train one run, probing it; what is kept of it."""
    torch.set_num_threads(1)
    began = time.monotonic()
    probes, failure, step = train(prepare(case))
    lines = [
        {name: one for name, one in probe.as_json().items() if name != "track" or case.way == "turning"}
        for probe in probes
    ]
    seconds = round(time.monotonic() - began, 1)
    return {"name": case.name, "steps": step, "failure": failure, "seconds": seconds, "probes": lines}


def train(played: Played) -> tuple[list[Probe], str, int]:
    """Train for as long as is asked, probing at equal parts; the probes, what ended it before, and its steps."""
    training, average = played.training, played.average
    probes, spent, step, failure, looks = list[Probe](), 0.0, 0, "", 0
    steps = training.steps(0)
    while True:
        if spent >= played.seconds * looks / played.probes:
            share = min(spent / played.seconds, 1.0)
            probes += played.prober.measure(training, average.makers, step=step, share=share)
            looks += 1
        if spent >= played.seconds or failure:
            return probes, failure, step
        mark = time.thread_time()
        with played.streams.as_defaults():
            while not failure and spent + time.thread_time() - mark < played.seconds * looks / played.probes:
                if played.at_step is not None and step == played.at_step[0]:
                    played.at_step[1](training.game)  # type: ignore[arg-type]
                moment = Moment(step, training.batches.epoch + 1, min(spent / played.seconds, 1.0))
                training.schedule(moment)
                try:
                    next(steps)
                except NonFinite as error:
                    failure = str(error)
                    break
                step += 1
                average.half_life = played.recipe.average.half_life_at(moment, played.recipe.batch_size)
                average.update(training.makers, played.recipe.batch_size)
        spent += time.thread_time() - mark
        if failure:
            return probes, failure, step


def kept_runs() -> dict[str, dict[str, Any]]:
    """What doctor.jsonl holds, by the name of the run."""
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    return {one["name"]: one for one in map(json.loads, lines)}


def findings_of(run: dict[str, Any]) -> list[Finding]:
    """The first finding of each name, of probes read one after the other as a training would have them."""
    history: list[Probe] = []
    found: dict[str, Finding] = {}
    for line in run["probes"]:
        history.append(Probe.from_json(line))
        for one in diagnose(history):
            if one.severity == "finding":
                found.setdefault(one.name, one)
    failure = finding_of_failure(run["failure"], run["steps"])
    return [*found.values(), *([failure] if failure else [])]


def measure_cost(steps: int = 6) -> None:
    """Time steps and probes of recipes at their full size on MNIST, in the thread's own time, and keep them."""
    dataset, kept = data.load("mnist"), []
    for name in COST_RECIPES:
        recipe = RECIPES[name]
        prepared = prepare_training(
            recipe, dataset, seed=0, device=torch.device("cpu"), game=None, capture=False
        )  # fmt: skip
        moves, prober = prepared.training.steps(0), Prober(recipe, dataset)
        training, streams = prepared.training, prepared.streams
        assert isinstance(training, GameTraining)
        step_times, probe_times = list[float](), list[float]()
        for number in range(steps):
            training.schedule(Moment(number, 1, 0.1))
            with streams.as_defaults():
                step_times.append(_time(lambda: next(moves)))  # noqa: B023 - called at once
            if number % 2:
                probe_times.append(
                    _time(lambda: prober.measure(training, prepared.average.makers, step=1, share=0.1))  # noqa: B023
                )
        step, probe = statistics.median(step_times), statistics.median(probe_times[1:])
        kept.append({"recipe": name, "step": step, "first": probe_times[0], "probe": probe})
        print(kept[-1], flush=True)
    COSTS.write_text(json.dumps(kept, indent=1) + "\n")


def _time(work: Callable[[], Any]) -> float:
    began = time.thread_time()
    work()
    return round(time.thread_time() - began, 4)


def share_of(step: float, first: float, probe: float, *, steps: int) -> float:
    """The share of a run that its probes take, at the doctor's own rule of when one is due."""
    seconds, due, spent, count = 0.0, 0.0, 0.0, 0
    while seconds < steps * step:
        if seconds >= due:
            spent += first if count == 0 else probe
            cost = first if count == 0 else min(first, probe)
            due = seconds + max(LEAST_SECONDS, cost / MOST_COST, seconds * SPARSENESS)
            count += 1
        seconds += step
    return spent / (steps * step)


def page() -> str:
    """The tables of doctor.md."""
    kept = kept_runs()
    parts = []
    for part in ("training", "held"):
        rows = [(case, kept[case.name]) for case in cases() if case.part == part and case.name in kept]
        parts.append(_part_table(part, rows))
    missing = [case.name for case in cases() if case.name not in kept]
    lacking = f"\nNot run: {'; '.join(missing)}.\n" if missing else ""
    return (
        f"# Is the doctor right?\n\n{__doc__.split(chr(10), 1)[0]}\n\n{describe()}\n\n"
        + "\n".join(parts)
        + lacking
        + _cost_lines()
    )


def _part_table(part: str, rows: Sequence[tuple[Case, dict[str, Any]]]) -> str:
    lines = [
        f"## The {part} part\n",
        "| way | where | findings | named | steps to the finding |",
        "| --- | --- | --- | --- | ---: |",
    ]
    named, flagged, waits = 0, 0, []
    for case, run in rows:
        found = findings_of(run)
        names = ", ".join(one.name for one in found) or "none"
        if not case.way:
            flagged += bool(found)
            lines.append(f"| healthy: {case.plays} | {case.arena} | {names} | {'flagged' if found else 'right'} | |")
            continue
        right = next((one for one in found if one.name in WAYS[case.way][1]), None)
        named += right is not None
        start = NAN_AT if case.way == "NaN" else 0
        wait = "" if right is None else f"{right.step - start:,}"
        waits += [] if right is None else [right.step - start]
        lines.append(f"| {case.way} | {case.arena} | {names} | {'right' if right else 'missed'} | {wait} |")
    n_broken = sum(bool(case.way) for case, _ in rows)
    wait = f" Median steps from the breakage to the finding: {statistics.median(waits):,.0f}." if waits else ""
    n_healthy = len(rows) - n_broken
    told = (
        f"\n{named} of {n_broken} broken runs are named rightly ({_interval(named, n_broken)});\n"
        f"{flagged} of {n_healthy} healthy ones are flagged ({_interval(flagged, n_healthy)}).{wait}\n"
    )
    return "\n".join(lines) + "\n" + told


def exact_interval(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a share of which k of n were seen (Clopper and Pearson 1934).

    Each end is the share at which what was seen, or more of it that way, has the chance (1 - level) / 2.
    """
    tail = (1 - level) / 2

    def at_most(seen: int, share: float) -> float:
        return sum(math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(seen + 1))

    def solve(seen: int, chance: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):  # at_most falls as the share grows
            middle = (low + high) / 2
            low, high = (middle, high) if at_most(seen, middle) > chance else (low, middle)
        return low

    return (solve(k - 1, 1 - tail) if k else 0.0), (solve(k, tail) if k < n else 1.0)


def _interval(k: int, n: int) -> str:
    if not n:
        return "none were run"
    low, high = exact_interval(k, n)
    return f"95 % interval {100 * low:.0f} to {100 * high:.0f} %"


def _cost_lines() -> str:
    if not COSTS.exists():
        return ""
    kept, rows = json.loads(COSTS.read_text()), list[str]()
    for one in kept:
        numbers = [one[name] for name in ("step", "first", "probe")]
        short, long = (share_of(*numbers, steps=steps) for steps in (1000, 10_000))
        milliseconds = " | ".join(f"{1000 * number:,.0f}" for number in numbers)
        rows.append(f"| {one['recipe']} | {milliseconds} | {short:.1%} | {long:.1%} |")
    head = "| recipe | a step, ms | the first probe, ms | a later one, ms | of 1,000 steps | of 10,000 steps |"
    told = (
        "Recipes at their full size on MNIST, in the thread's own time. The last columns are the share of a run\n"
        "that its probes take by the rule of when one is due, which holds it near MOST_COST. They are computed of the\n"
        "other columns; whole runs with and without the doctor were not timed beside each other."
    )
    return "\n".join(["", "## Cost", "", told, "", head, "| --- | ---: | ---: | ---: | ---: | ---: |", *rows, ""])


def main() -> None:
    """Run what is missing, or write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", choices=("training", "held"))
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.cost:
        measure_cost()
    elif asked.page:
        PAGE.write_text(page())
    else:
        kept = kept_runs()
        waiting = [
            case for case in cases()
            if asked.part in (None, case.part) and case.name not in kept
            and (not asked.only or {case.way, case.plays} & set(asked.only))
        ]  # fmt: skip
        with ProcessPoolExecutor(asked.workers) as pool:
            going = {pool.submit(play, case): case for case in waiting}
            for one in as_completed(going):
                keep(going[one], one.result())


def keep(case: Case, run: dict[str, Any]) -> None:
    """Write a run down; what was found in the held part is not told."""
    with KEPT.open("a") as file:
        file.write(json.dumps(run) + "\n")
    found = ", ".join(f"{one.name}@{one.step}" for one in findings_of(run)) or "none"
    told = found if case.part == "training" else "kept unread"
    print(f"{case.name}: {run['steps']:,} steps, {run['seconds']} s: {told}", flush=True)


if __name__ == "__main__":
    main()
