"""Is the doctor right? Short runs, half of them broken on purpose, in a part to choose thresholds on and a part kept.

    OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE python benchmarks/doctor.py [--part training|held] [--only NAME ...]
    python benchmarks/doctor.py --cost
    python benchmarks/doctor.py --page

A run is a few seconds of one thread's own time with narrow networks, and is probed ten times at equal parts of
it. Its probes are a line of doctor.jsonl beside this file, and a later call makes what is missing. Findings are made
of the probes when they are read, so that thresholds may be moved on the training part without another run. A broken run
is named rightly if a finding, which a warning is not, has one of the names that its way of breaking has below. A
healthy run is flagged if it has any finding. --page writes doctor.md.
"""

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from machine import describe
from torch import Tensor, nn

from advnets import data
from advnets.algorithm import Algorithm1, Simultaneous
from advnets.averaging import MovingAverage
from advnets.data import Dataset
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
from advnets.optimizers import SGD, Adam
from advnets.penalties import gradient_penalty, r1
from advnets.randomness import Streams
from advnets.recipes import PLAYERS, RECIPES, Average, Descent, Recipe
from advnets.training import Moment

KEPT, PAGE, COSTS = (Path(__file__).with_suffix(end) for end in (".jsonl", ".md", ".cost.json"))
SECONDS, PROBES = 2.0, 10
"""Of the thread's own time, for training; and probes in it, at equal parts."""
OLDER = (
    "The probes of these runs are older than logits and the movement of a weight, which `steps-too-large` reads too;\n"
    "of them it reads the length of steps alone."
)
LATENT, WIDTH, BATCH, NAN_AT = 8, 48, 64, 150
COST_RECIPES = ("paper", "paper-adam", "cgan", "dcgan", "infogan", "modern")


def dense_generator(shape: tuple[int, ...], end: nn.Module, *, norm: bool = True) -> nn.Module:
    """Two hidden layers of ReLUs."""
    d = int(torch.Size(shape).numel())
    layers: list[nn.Module] = []
    for inputs in (LATENT, WIDTH):
        layers += [nn.Linear(inputs, WIDTH), *([nn.BatchNorm1d(WIDTH)] if norm else []), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(WIDTH, d), end, nn.Unflatten(1, shape))


def dense_discriminator(d: int, *end: nn.Module) -> nn.Module:
    """Two hidden layers of leaky ReLUs."""
    body = [nn.Linear(d, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, 1)]
    return nn.Sequential(nn.Flatten(), *body, *end)


def conv_generator() -> nn.Module:
    """8 x 8 images from 2 x 2 maps."""
    return nn.Sequential(
        nn.Linear(LATENT, 4 * 16), nn.Unflatten(1, (16, 2, 2)), nn.BatchNorm2d(16), nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip


def conv_discriminator() -> nn.Module:
    """A logit of 8 x 8 images."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(),
        nn.Linear(64, 1),
    )  # fmt: skip


@dataclass
class Plan:
    """One run: its game's parts, and the numbers of its training."""

    dataset: Dataset
    generator: Callable[[], nn.Module]
    discriminator: Callable[[], nn.Module]
    objective: str = "non_saturating"
    penalties: dict[Any, float] = field(default_factory=dict)
    rates: tuple[float, float] = (2e-4, 2e-4)  # discriminator, generator
    optimizer: Any = Adam((0.5, 0.99))  # noqa: RUF009 - frozen
    algorithm: Any = Algorithm1()  # noqa: RUF009 - frozen
    transform: str = "unit"
    average: Average = Average(half_life=2000.0)  # noqa: RUF009 - frozen
    batch: int = BATCH
    probes: int = PROBES
    before: Callable[[Game], None] | None = None
    at_step: tuple[int, Callable[[Game], None]] | None = None


def digits() -> Plan:
    """Digits by dense networks."""
    shape = (1, 8, 8)
    return Plan(data.load("digits"), lambda: dense_generator(shape, nn.Sigmoid()), lambda: dense_discriminator(64))


def conv() -> Plan:
    """Digits by convolutions."""
    return Plan(data.load("digits"), conv_generator, conv_discriminator, transform="symmetric")


def ring() -> Plan:
    """Eight modes on a circle, by dense networks without batch normalisation."""
    return Plan(
        data.load("ring-8-pacgan"), lambda: dense_generator((2,), nn.Identity(), norm=False),
        lambda: dense_discriminator(2), "relativistic", {r1: 0.1}, rates=(1e-3, 1e-3),
    )  # fmt: skip


ARENAS: dict[str, Callable[[], Plan]] = {"digits": digits, "conv": conv, "ring": ring}
BINDS: dict[str, dict[Any, float]] = {
    "non_saturating": {r1: 0.1}, "hinge": {r1: 0.1}, "least_squares": {r1: 0.1}, "wasserstein": {gradient_penalty: 1.0},
    "relativistic": {r1: 0.1},
}  # fmt: skip


def healthy(arena: str, objective: str) -> Plan:
    """A run on which nothing is broken."""
    plan = ARENAS[arena]()
    k = 3 if objective == "wasserstein" else 1
    return replace(plan, objective=objective, penalties=BINDS[objective], algorithm=Algorithm1(k))


def detached(seen: Any) -> Tensor:
    """R1 of logits whose graph is cut off."""
    slopes: Tensor = torch.autograd.grad(seen.real_logits.sum(), seen.real, retain_graph=True)[0]
    return slopes.flatten(1).square().sum(1).detach()


def kill_units(game: Game) -> None:
    """Push the biases of the generator's first layer far down."""
    next(layer for layer in game.generator.modules() if isinstance(layer, nn.Linear)).bias.data.fill_(-50.0)


def inject_nan(game: Game) -> None:
    """Make a weight a NaN."""
    next(game.generator.parameters()).data.view(-1)[0] = float("nan")


def few_images(plan: Plan) -> Dataset:
    """Forty training images, and all the held-out ones."""
    whole = plan.dataset
    few = whole.train.select(torch.arange(40))
    return replace(whole, train=few, known_digest=None)


def unit_levels(plan: Plan) -> Dataset:
    """Images in [0, 1] that were rounded to whole numbers."""
    splits = {
        name: replace(one, values=(one.values / 255).round().to(torch.uint8))
        for name, one in plan.dataset.splits.items()
    }
    return replace(plan.dataset, **splits)


def turning(plan: Plan) -> Plan:
    """A linear critic without a bound against a shift, both by plain gradient descent at once: they turn for ever.

    It is probed twice as often, for a rhythm has to be seen.
    """

    class Shift(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.place = nn.Parameter(torch.tensor([1.5, 0.0]))

        def forward(self, z: Tensor) -> Tensor:
            return 0.3 * z[:, :2] + self.place

    return replace(
        plan, dataset=data.load("ring-8-pacgan"), generator=Shift, objective="wasserstein", penalties={},
        discriminator=lambda: nn.Linear(2, 1, bias=False), rates=(0.01, 0.01), optimizer=SGD(),
        algorithm=Simultaneous(), transform="unit", average=Average(), probes=2 * PROBES,
    )  # fmt: skip


def broken(way: str, arena: str) -> Plan:
    """A run that is broken in this way."""
    plan = ARENAS[arena]()
    judge, fast, slow = plan.discriminator, plan.rates[0], plan.rates[1]
    end = nn.Sigmoid() if plan.dataset.is_image else nn.Identity()

    def plain() -> nn.Module:
        return dense_generator(plan.dataset.shape, end, norm=False)

    match way:
        case "rates x 100":
            return replace(plan, rates=(100 * fast, 100 * slow))
        case "D frozen":
            return replace(plan, rates=(0.0, slow))
        case "G frozen":
            return replace(plan, rates=(fast, 0.0))
        case "minimax, D too fast":
            return replace(
                plan, objective="minimax", penalties={}, rates=(10 * fast, slow / 4), algorithm=Algorithm1(5)
            )
        case "wrong range":
            if arena == "digits":
                return replace(plan, generator=lambda: dense_generator((1, 8, 8), nn.Tanh()))
            return replace(plan, dataset=unit_levels(plan))
        case "sigmoid D":
            return replace(plan, discriminator=lambda: nn.Sequential(judge(), nn.Sigmoid()))
        case "penalty without effect":
            return replace(plan, penalties={detached: 1.0} if arena == "ring" else {r1: 1e-9})
        case "collapse":
            return replace(
                plan, objective="non_saturating", penalties={}, rates=(fast / 10, 30 * slow), average=Average(),
                generator=plain, transform="unit",
            )  # fmt: skip
        case "few images":
            return replace(plan, dataset=few_images(plan), batch=20, rates=(5 * fast, 5 * slow))
        case "dead units":
            return replace(plan, generator=plain, before=kill_units, transform="unit")
        case "batches of two":
            return replace(plan, batch=2)
        case "NaN":
            return replace(plan, at_step=(NAN_AT, inject_nan))
        case "long average":
            return replace(plan, average=Average(half_life=1e7, ramp=1e9))
        case "turning":
            return turning(plan)
    raise AssertionError(way)


WAYS: dict[str, tuple[tuple[str, str], tuple[str, ...]]] = {
    "rates x 100": (("conv", "ring"), ("steps-too-large", "exploding-gradient", "non-finite")),
    "D frozen": (("digits", "ring"), ("standstill",)),
    "G frozen": (("conv", "ring"), ("standstill",)),
    "minimax, D too fast": (("digits", "conv"), ("saturation",)),
    "wrong range": (("digits", "conv"), ("data-range",)),
    "sigmoid D": (("digits", "conv"), ("bounded-logits",)),
    "penalty without effect": (("digits", "ring"), ("idle-penalty",)),
    "collapse": (("digits", "ring"), ("collapse",)),
    "few images": (("digits", "conv"), ("memorisation", "discriminator-overfits")),
    "dead units": (("digits", "ring"), ("dead-units",)),
    "batches of two": (("digits", "conv"), ("batch-statistics",)),
    "NaN": (("digits", "ring"), ("non-finite",)),
    "long average": (("digits", "ring"), ("untrained-average",)),
    "turning": (("ring", "ring"), ("cycling",)),
}
"""{way: (where it is broken so, what names it rightly)}, written down before any run was read."""


@dataclass(frozen=True)
class Case:
    """One run of the bench."""

    part: str
    way: str
    arena: str
    objective: str
    seed: int

    @property
    def name(self) -> str:
        """What it is called in doctor.jsonl."""
        return f"{self.part}: {self.way or self.objective}, {self.arena}, seed {self.seed}"

    def plan(self) -> Plan:
        """What is trained."""
        return broken(self.way, self.arena) if self.way else healthy(self.arena, self.objective)


def cases() -> Iterator[Case]:
    """Training part: each way once, half of the healthy settings. Held part: each way twice, all healthy settings."""
    for number, (way, (arenas, _)) in enumerate(WAYS.items()):
        yield Case("training", way, arenas[number % 2], "", 0)
    settings = [(arena, objective) for arena in ARENAS for objective in BINDS]
    for arena, objective in settings[::2]:
        yield Case("training", "", arena, objective, 0)
    for place in (0, 1):
        for way, (arenas, _) in WAYS.items():
            yield Case("held", way, arenas[place], "", 11 + place)
        for arena, objective in settings[place::2]:
            yield Case("held", "", arena, objective, 11)


def play(case: Case) -> dict[str, Any]:
    """Train one run, probing it; what is kept of it."""
    plan, began = case.plan(), time.monotonic()
    descents = {player: Descent(plan.optimizer, rate) for player, rate in zip(PLAYERS, plan.rates, strict=True)}
    recipe = Recipe(
        algorithm=plan.algorithm,
        descents=descents,
        batch_size=plan.batch,
        transform=plan.transform,
        average=plan.average,
    )
    torch.manual_seed(case.seed)
    game = Game(
        plan.generator(), plan.discriminator(), OBJECTIVES[plan.objective], latent=gaussian(LATENT),
        penalties=plan.penalties,
    )  # fmt: skip
    if plan.before is not None:
        plan.before(game)
    streams = Streams(case.seed, torch.device("cpu"))
    with streams.as_defaults():
        training = build_game_training(recipe, plan.dataset, seed=case.seed, device=torch.device("cpu"), game=game)
    probes, failure, step = _train(training, recipe, plan, streams)
    lines = [
        {name: one for name, one in probe.as_json().items() if name != "track" or case.way == "turning"}
        for probe in probes
    ]
    return {
        "name": case.name,
        "steps": step,
        "failure": failure,
        "seconds": round(time.monotonic() - began, 1),
        "probes": lines,
    }


def _train(training: GameTraining, recipe: Recipe, plan: Plan, streams: Streams) -> tuple[list[Probe], str, int]:
    prober, average = Prober(recipe, plan.dataset), MovingAverage(training.makers)
    probes, spent, step, failure = list[Probe](), 0.0, 0, ""
    steps = training.steps(0)
    while True:
        if spent >= SECONDS * len(probes) / plan.probes:
            probes += prober.measure(training, average.makers, step=step, share=min(spent / SECONDS, 1.0))
        if spent >= SECONDS or failure:
            return probes, failure, step
        mark = time.thread_time()
        with streams.as_defaults():
            while not failure and spent + time.thread_time() - mark < SECONDS * len(probes) / plan.probes:
                if plan.at_step is not None and step == plan.at_step[0]:
                    plan.at_step[1](training.game)  # type: ignore[arg-type]
                moment = Moment(step, training.batches.epoch + 1, min(spent / SECONDS, 1.0))
                training.schedule(moment)
                try:
                    next(steps)
                except NonFinite as error:
                    failure = str(error)
                    break
                step += 1
                average.half_life = recipe.average.half_life_at(moment, recipe.batch_size)
                average.update(training.makers, recipe.batch_size)
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
        f"# Is the doctor right?\n\n{__doc__.split(chr(10), 1)[0]}\n\n{describe()}\n\n{OLDER}\n\n"
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
            lines.append(
                f"| healthy: {case.objective} | {case.arena} | {names} | {'flagged' if found else 'right'} | |"
            )
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
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.cost:
        measure_cost()
    elif asked.page:
        PAGE.write_text(page())
    else:
        for case in cases():
            if (
                asked.part in (None, case.part)
                and (not asked.only or case.way in asked.only)
                and case.name not in kept_runs()
            ):
                run = play(case)
                with KEPT.open("a") as file:
                    file.write(json.dumps(run) + "\n")
                found = (
                    ", ".join(f"{one.name}@{one.step}" for one in findings_of(run))
                    if case.part == "training"
                    else "kept unread"
                )
                print(f"{case.name}: {run['steps']:,} steps, {run['seconds']} s: {found}", flush=True)


if __name__ == "__main__":
    main()
