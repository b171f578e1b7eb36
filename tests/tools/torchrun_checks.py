"""Jobs that are done by 1, 2 and 4 real processes, forked from one warmed parent, so that a process costs no import.

    python ranks.py JOB ...

Run by test_distributed.py in a folder of its own; prints what each job found, as JSON.
"""

import json
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import tiny
from advnets import data, distributed, errors, experiment, runs, turns
from advnets.algorithm import Algorithm1, AlgorithmRow, Extragradient, Simultaneous
from advnets.constraints import clip_weights
from advnets.data import Batches
from advnets.data.dataset import Split
from advnets.errors import AdvnetsError
from advnets.experiment.training_loop.loop import Loop
from advnets.games.game import Game
from advnets.latents import gaussian
from advnets.networks import BatchNorm
from advnets.objectives import OBJECTIVES, non_saturating
from advnets.penalties import PENALTIES
from advnets.statistics import Moments
from toy_games import TOYS, make_training, play_steps

STEPS, FEW_STEPS = 20, 8
"""Steps of the slow suite, and of the default one: over two epochs too, by k = 3."""
TOY_STEPS, FEW_TOY_STEPS = 16, 6
PLAIN = tiny.with_learner(
    tiny.RECIPE,
    generator=replace(tiny.LEARNER.generator, batch_norm=False),  # type: ignore[type-var]
    discriminator=replace(tiny.LEARNER.discriminator, dropout=(0.0, 0.0)),  # type: ignore[type-var]
)
CASES: dict[str, dict[str, Any]] = {
    f"{objective} x {penalty}": {"objective": objective, "penalty": penalty}
    for objective in OBJECTIVES
    for penalty in ("none", *PENALTIES)
} | {
    "simultaneous": {"objective": "non_saturating", "penalty": "gradient_penalty", "form": Simultaneous()},
    "extragradient": {"objective": "wasserstein", "penalty": "r1", "form": Extragradient()},
    "k=3": {"objective": "relativistic", "penalty": "r1", "form": Algorithm1(k=3)},
    "shared fakes": {"objective": "hinge", "penalty": "none", "form": Algorithm1(share_fakes=True)},
    "clipped": {"objective": "wasserstein", "penalty": "none", "bound": 0.05},
    "adam": {"objective": "non_saturating", "penalty": "gradient_penalty", "adam": True},
}
FEW = [f"{objective} x {penalty}" for objective, penalty in zip(OBJECTIVES, 3 * ["none", *PENALTIES], strict=False)]
FEW += ["simultaneous", "extragradient", "k=3", "shared fakes", "clipped", "adam"]
SABOTEURS = ("no average", "z", "eps", "part")
PLAIN_STEPS = Algorithm1()


# Processes.


def forked(n: int, work: Callable[[], Any], out: Path) -> list[int]:
    """Start n processes of one group; each leaves what it found in out/RANK.json."""
    out.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pids = []
    for rank in range(n):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(n)}
                os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}
                (out / f"{rank}.json").write_text(json.dumps(_outcome(work)))
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        pids.append(pid)
    return pids


def _outcome(work: Callable[[], Any]) -> Any:
    distributed.init_process_group()
    try:
        return work()
    except (AdvnetsError, KeyboardInterrupt, SystemExit) as error:
        return {"error": type(error).__name__, "message": str(error)}


def waited(pids: list[int], seconds: float = 120) -> list[int]:
    """The codes that the processes left with; those that are still there after so long are killed: -9."""
    codes: dict[int, int] = {}
    deadline = time.monotonic() + seconds
    while len(codes) < len(pids) and time.monotonic() < deadline:
        for pid in set(pids) - set(codes):
            done, status = os.waitpid(pid, os.WNOHANG)
            codes |= {pid: os.waitstatus_to_exitcode(status)} if done else {}
        time.sleep(0.01)
    for pid in set(pids) - set(codes):
        os.kill(pid, signal.SIGKILL)
        codes[pid] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return [codes[pid] for pid in pids]


def together(n: int, work: Callable[[], Any]) -> list[Any]:
    """What each of n processes found, by rank; None of one that did not come to its end."""
    out = Path(f"found-{time.monotonic_ns()}")
    waited(forked(n, work, out))
    files = [out / f"{rank}.json" for rank in range(n)]
    return [json.loads(file.read_text()) if file.exists() else None for file in files]


# The same mathematics with any number of processes.


def game_of(objective: str, penalty: str, bound: float | None) -> Game:
    """Networks of float64 without dropout or batch norm, the same in every process."""
    torch.manual_seed(0)
    generator = nn.Sequential(Double(), nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2)).double()
    discriminator = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    penalties = {} if penalty == "none" else {PENALTIES[penalty]: 1.0}
    bounds = {} if bound is None else {"discriminator": {clip_weights: bound}}
    return Game(
        generator, discriminator, OBJECTIVES[objective], latent=gaussian(3), penalties=penalties, constraints=bounds
    )


class Double(nn.Module):
    """z is drawn in float32."""

    def forward(self, z: Tensor) -> Tensor:
        return z.double()


def played(
    objective: str, penalty: str, form: AlgorithmRow = PLAIN_STEPS, bound: float | None = None, adam: bool = False,
    steps: int = STEPS,
) -> dict[str, Any]:  # fmt: skip
    """Some steps by plain SGD; the parameters, and the ids of the samples that this process saw."""
    game = game_of(objective, penalty, bound)
    rng = torch.Generator().manual_seed(1)
    split = Split(torch.randn(150, 2, generator=rng) + 1, torch.arange(150))
    seen: list[list[int]] = []
    kind = torch.optim.Adam if adam else torch.optim.SGD
    optimizers = {name: kind(network.parameters(), lr=0.01) for name, network in game.players.items()}
    torch.manual_seed(5)
    batches = Batches(split, batch_size=16, seed=3, transform=lambda values: values.double())
    played = form.steps(game, noted(batches, seen), optimizers)
    for _ in range(steps):
        next(played)
    theta = torch.cat([p.detach().flatten() for network in game.players.values() for p in network.parameters()])
    return {"theta": theta.tolist(), "ids": seen}


def noted(batches: Batches, seen: list[list[int]]) -> Any:
    for batch in batches:
        assert batch.given is not None
        seen.append(batch.given.tolist())
        yield batch


def found_in(names: Iterable[str], steps: int) -> dict[str, Any]:
    return {name: played(**CASES[name], steps=steps) for name in names}


def equality_of_all() -> dict[str, Any]:
    """1 against 2 against 4 processes in every case."""
    return equality(CASES, STEPS)


def equality(of_four: Iterable[str] = FEW, steps: int = FEW_STEPS) -> dict[str, Any]:
    """1 against 2 processes in every case, and against 4 in a few."""
    (alone,) = together(1, lambda: found_in(CASES, steps))
    told: dict[str, Any] = {"ids": alone["k=3"]["ids"]}
    for n, names in ((2, list(CASES)), (4, list(of_four))):
        ranks = together(n, lambda names=names: found_in(names, steps))
        told[f"theta {n}"] = {name: distance(alone[name], ranks[0][name]) for name in names}
        told[f"between {n}"] = max(distance(ranks[0][name], ranks[-1][name]) for name in names)
        told[f"ids {n}"] = {name: joined(rank[name]["ids"] for rank in ranks) == alone[name]["ids"] for name in names}
    return told


def joined(parts: Iterable[list[list[int]]]) -> list[list[int]]:
    """The ids of each global batch, from those that each rank saw."""
    return [list(chain(*batch)) for batch in zip(*parts, strict=True)]


def distance(a: dict[str, Any], b: dict[str, Any]) -> float:
    return max(abs(x - y) for x, y in zip(a["theta"], b["theta"], strict=True))


def sabotaged() -> dict[str, float]:
    """How far two processes come from one when what makes them equal is taken out."""
    case = {"objective": "relativistic", "penalty": "gradient_penalty"}
    (alone,) = together(1, lambda: played(**case))
    ranks = {kind: together(2, lambda kind=kind: broken(kind, case)) for kind in (*SABOTEURS, "none")}
    return {kind: distance(alone, found[0]) for kind, found in ranks.items()}


def broken(kind: str, case: dict[str, str]) -> dict[str, Any]:
    drawn, own = distributed.draw_global, torch.Generator().manual_seed(distributed.rank())
    if kind == "no average":
        turns.average_gradients = lambda loss, gradients: (loss, gradients)  # type: ignore[attr-defined]
    if kind == "part":
        distributed.rank_slice = lambda n: slice(n // distributed.world_size())
    if kind in ("z", "eps"):
        locally = {"z": "Latent._draw", "eps": "interpolate"}[kind]
        distributed.draw_global = lambda draw, n: draw(n, own) if locally in _name(draw) else drawn(draw, n)
    return played(**case)


def toys(steps: int = FEW_TOY_STEPS) -> dict[str, float]:
    """How far two processes come from one in every kind of game, in float64."""
    names = [*TOYS, *(f"{name} in parts" for name in ("labels", "patches", "lazy penalty", "extragradient"))]
    (alone,) = together(1, lambda: {name: _toy(name, steps) for name in names})
    first, second = together(2, lambda: {name: _toy(name, steps) for name in names})
    assert all(first[name] == second[name] for name in names)
    return {name: distance({"theta": alone[name]}, {"theta": first[name]}) for name in names}


def long_toys() -> dict[str, float]:
    """The same after sixteen steps."""
    return toys(TOY_STEPS)


def _toy(name: str, steps: int) -> list[float]:
    """Parameters and buffers of a toy game after some steps; noises are drawn for the global batch."""
    training = make_training(name.removesuffix(" in parts"), parts=2 if name.endswith(" in parts") else 1)
    with distributed.use_shared_generator(torch.Generator().manual_seed(9)):
        play_steps(training, 0, steps)
    tensors = [tensor for network in training.players.values() for tensor in network.state_dict().values()]
    return torch.cat([tensor.double().flatten() for tensor in tensors]).tolist()


def batch_norm() -> float:
    """How far gradients through batch normalisation, with a penalty on slopes, are from those of one process."""
    (alone,), (first, _) = (together(n, lambda: {"theta": _batch_norm_gradients()}) for n in (1, 2))
    return distance(alone, first)


def _batch_norm_gradients() -> list[float]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 5), BatchNorm(5), nn.Tanh(), nn.Linear(5, 1)).double()
    x = torch.randn(12, 3, dtype=torch.float64)[distributed.rank_slice(12)].requires_grad_()
    y = network(x).flatten()
    (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    loss = y.square().mean() + slope.square().sum(1).mean()
    _, gradients = distributed.average_gradients(loss, torch.autograd.grad(loss, list(network.parameters())))
    running = [buffer.double() for buffer in network.buffers()]
    return torch.cat([tensor.flatten() for tensor in (*gradients, *running) if tensor is not None]).tolist()


def _name(draw: Any) -> str:
    """The qualified name of a function, or of what a partial calls."""
    name: str = getattr(draw, "func", draw).__qualname__
    return name


# Runs.


def trained(out: str, recipe: Any = tiny.RECIPE, stop: int | None = None, **more: Any) -> dict[str, Any]:
    """A run trained to its end, or left at a step; and what this process holds at its end."""
    run = experiment.start(recipe, settings=tiny.settings(out, **({"steps": 24, "preview_steps": 24} | more)))
    return carried(run, stop)


def carried(run: experiment.Run, stop: int | None = None) -> dict[str, Any]:
    loops: list[Loop] = []
    begin = Loop.carry_on
    Loop.carry_on = lambda self: (loops.append(self), begin(self))[1]  # type: ignore[method-assign, func-returns-value]
    for progress in run.carry_on():
        if stop is not None and progress.step >= stop:
            break
    (loop,) = loops
    networks = (*loop.training.players.values(), *loop.average.makers.values())
    return {
        "step": loop.step,
        "theta": runs.state_fingerprint(dict(enumerate(theta for net in networks for theta in net.parameters()))),
        "own": runs.state_fingerprint(loop.streams.states),
        "shared": runs.state_fingerprint({"": loop.streams.shared.get_state()}),
    }  # fmt: skip


def hash_of(out: str) -> str:
    return tiny.state_hash(experiment.Run(Path(out)))


def resumed(out: str, **more: Any) -> Callable[[], dict[str, Any]]:
    return lambda: carried(experiment.Run(Path(out)))


def whole() -> dict[str, Any]:
    """An uninterrupted run of two processes, of which others are measured."""
    found = together(2, lambda: trained("whole"))
    return {"ranks": found, "hash": hash_of("whole"), "status": runs.read_json(Path("whole/status.json")),
            "environment": runs.read_json(Path("whole/environment.json")),
            "journal": runs.Journal(Path("whole/journal.jsonl")).read()}  # fmt: skip


def moments() -> list[dict[str, Any]]:
    """The moments of 7 and 13 rows in two processes, merged."""

    def merged() -> dict[str, Any]:
        rows = torch.arange(60, dtype=torch.float64).sin().view(20, 3)
        found = Moments.of(rows[:7] if distributed.is_rank0() else rows[7:]).across_processes()
        return {"n": found.n, "mean": found.mean.tolist(), "scatter": found.scatter.tolist()}

    return together(2, merged)


def resume() -> dict[str, Any]:
    """Stopped and resumed by as many processes, and by other numbers of them."""
    together(2, lambda: trained("parted", stop=10))
    before = experiment.Run(Path("parted")).step
    found = together(2, resumed("parted"))
    told: dict[str, Any] = {"before": before, "hash": hash_of("parted"), "ranks": found}
    told["journal"] = runs.Journal(Path("parted/journal.jsonl")).read()
    together(1, lambda: trained("plain", PLAIN))
    theta = newest("plain")
    for begin, end in ((2, 1), (1, 2), (2, 4)):
        out = f"from-{begin}-to-{end}"
        together(begin, lambda out=out: trained(out, PLAIN, stop=10))
        told[f"notes {out}"] = experiment.Run(Path(out)).notes()
        found = together(end, resumed(out))
        told[out] = {"step": found[0] and found[0]["step"], "far": max(
            float((a - b).abs().max()) for a, b in zip(theta, newest(out), strict=True))}  # fmt: skip
    return told


def newest(out: str) -> list[Tensor]:
    players = runs.load_latest(Path(out) / "checkpoints")[1]["training"]["players"]
    return [tensor for name in sorted(players) for tensor in players[name].values()]


def loosely_with_four() -> dict[str, Any]:
    """The same with 1, 2 and 4 processes."""
    return loosely((1, 2, 4))


def loosely(numbers: Iterable[int] = (1, 2)) -> dict[str, Any]:
    """Adam, dropout and batch norm: the losses of 1 and 2 processes over the last half of a run."""
    told = {}
    for n in numbers:
        together(n, lambda n=n: trained(f"loose-{n}", steps=100, checkpoint_steps=100, preview_steps=100))
        entries = runs.Journal(Path(f"loose-{n}/journal.jsonl")).read()[10:]
        told[n] = {
            key: sum(entry[key] for entry in entries) / len(entries) for key in ("discriminator/objective", "D(x)")
        }
    return told


def not_finite() -> dict[str, Any]:
    """A NaN in the data that one process alone sees."""
    return {"ranks": together(2, poisoned), "status": runs.read_json(Path("poisoned/status.json")),
            "step": experiment.Run(Path("poisoned")).step}  # fmt: skip


def poisoned() -> dict[str, Any]:
    draw, drawn = Batches.__next__, [0]

    def bad(self: Batches) -> Any:
        batch = draw(self)
        drawn[0] += 1
        if distributed.rank() == 1 and drawn[0] == 10:
            batch.real[0] = float("nan")
        return batch

    Batches.__next__ = bad  # type: ignore[method-assign]
    return trained("poisoned")


def disk_full() -> list[Any]:
    """The first process cannot write; all of them say so."""

    def work() -> Any:
        def full(*given: object) -> None:
            raise errors.CannotWrite("checkpoints could not be written: the disk is full")

        runs.save_checkpoint = full
        return trained("full")

    return together(2, work)


def uneven() -> list[Any]:
    return together(2, lambda: trained("uneven", replace(tiny.RECIPE, batch_size=31)))


def taken() -> list[Any]:
    Path("taken").mkdir()
    Path("taken/notes.txt").write_text("dear")
    return together(2, lambda: trained("taken"))


def own_networks() -> list[Any]:
    """Networks that each process has made otherwise; all train those of the first."""

    def work() -> Any:
        torch.manual_seed(distributed.rank())
        g = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
        d = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
        game = Game(g, d, non_saturating, latent=gaussian(4))
        return carried(experiment.start(game=game, settings=tiny.settings("own", steps=3)))

    return together(2, work)


def refused_networks() -> list[Any]:
    """Networks whose trial move fails: in every process, and nothing is left; complex ones learn alike."""

    def refused() -> Any:
        g = nn.Sequential(nn.Linear(4, 36), nn.Unflatten(1, (1, 6, 6)))
        d = nn.Sequential(nn.Conv2d(1, 1, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        experiment.start(game=Game(g, d, non_saturating, latent=gaussian(4)), settings=tiny.settings("refused"))

    class Turned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.w = nn.Linear(4, 64), nn.Parameter(torch.ones(64, dtype=torch.cfloat))

        def forward(self, z: Tensor) -> Tensor:
            return (self.linear(z) * self.w).real.sigmoid().view(-1, 1, 8, 8)

    def work() -> Any:
        torch.manual_seed(distributed.rank())
        played = Game(Turned(), nn.Sequential(nn.Flatten(), nn.Linear(64, 1)), non_saturating, latent=gaussian(4))
        for _ in experiment.start(game=played, settings=tiny.settings("complex", steps=3)).carry_on():
            pass
        return torch.view_as_real(played.generator.get_parameter("w")).flatten().tolist()

    return [together(2, refused), Path("refused").exists(), together(2, work)]


def by_minutes() -> list[Any]:
    """A budget in minutes, and rates that follow it: all go by the first one's clock."""

    def work() -> Any:
        time.sleep(0.1 * distributed.rank())
        return trained("minutes", PLAIN, steps=None, minutes=0.01, checkpoint_minutes=0.001, checkpoint_steps=None)

    return together(2, work)


def one_signal() -> list[Any]:
    """SIGTERM to one process alone stops both after the same step."""

    def work() -> Any:
        run = experiment.start(tiny.RECIPE, settings=tiny.settings("signalled", steps=100_000))
        going, reached = run.carry_on(), 0
        try:
            for progress in going:
                reached = progress.step
                if distributed.rank() == 1 and reached == 10:
                    os.kill(os.getpid(), signal.SIGTERM)
        except SystemExit as stop:
            return {"code": stop.code, "reached": reached, "step": run.step}
        return None

    return together(2, work)


def one_leaves() -> list[Any]:
    """The caller of one process leaves the loop by an error of its own: both save the same step and leave."""

    def work() -> Any:
        run, reached = experiment.start(tiny.RECIPE, settings=tiny.settings("left", steps=100_000)), 0
        going = run.carry_on()
        try:
            for progress in going:
                reached = progress.step
                if distributed.rank() == 1 and reached == 10:
                    raise ValueError("mine")
        except (ValueError, errors.ProcessLost) as error:
            del going
            return {"error": str(error), "reached": reached, "step": run.step, "status": run_status("left")}
        return None

    return together(2, work)


def run_status(out: str) -> str:
    return str(runs.read_json(Path(out) / "status.json")["state"])


def kill(kills: int = 1, steps: int = 28) -> list[dict[str, Any]]:
    """SIGKILL to a random process of two at a random time; then resume."""
    rng = random.Random(11)
    together(2, lambda: trained("steady", steps=steps))
    return [{**killed(f"killed-{number}", rng, steps), "expected": hash_of("steady")} for number in range(kills)]


def twenty_kills() -> list[dict[str, Any]]:
    return kill(20, steps=60)


def await_step(out: str, step: int) -> None:
    """Until the run has a checkpoint of that step or a later one."""
    while not any(int(path.name) >= step for path in Path(out).glob("checkpoints/[0-9]*")):
        time.sleep(0.005)


def killed(out: str, rng: random.Random, steps: int) -> dict[str, Any]:
    pids = forked(2, lambda: trained(out, steps=steps), Path(f"found-{out}"))
    await_step(out, 4 * rng.randrange(1, steps // 4 - 4))
    time.sleep(rng.random() * 0.02)
    victim, began = rng.randrange(2), time.monotonic()
    os.kill(pids[victim], signal.SIGKILL)
    codes = waited(pids, 60)
    survivor = Path(f"found-{out}/{1 - victim}.json")
    told = {"codes": codes, "steps": steps, "victim": victim, "at": experiment.Run(Path(out)).step}
    told["seconds"] = time.monotonic() - began
    told["survivor"] = json.loads(survivor.read_text()) if survivor.exists() else None
    together(2, resumed(out))
    return {**told, "hash": hash_of(out)}


def hang() -> dict[str, Any]:
    """One process is stopped without being dead: the other waits for TIMEOUT, here ten seconds, and leaves."""
    distributed.TIMEOUT = timedelta(seconds=10)
    out, began = Path("found-hung"), time.monotonic()
    pids = forked(2, lambda: trained("hung", steps=100_000), out)
    while not runs.has_checkpoints(Path("hung/checkpoints")):
        time.sleep(0.005)
    os.kill(pids[1], signal.SIGSTOP)
    codes = waited(pids[:1], 60)
    os.kill(pids[1], signal.SIGKILL)
    waited(pids[1:])
    told = json.loads((out / "0.json").read_text()) if (out / "0.json").exists() else None
    return {"codes": codes, "survivor": told, "seconds": time.monotonic() - began}


JOBS: dict[str, Callable[[], Any]] = {
    job.__name__: job
    for job in (equality, toys, batch_norm, equality_of_all, long_toys, sabotaged,
                moments, whole, resume, loosely, loosely_with_four, not_finite, disk_full, uneven,
                taken, own_networks, refused_networks, by_minutes, one_signal, one_leaves, kill, twenty_kills,
                hang)
}  # fmt: skip


def main(names: list[str]) -> None:
    torch.set_num_threads(1)
    data.load("digits")
    tiny.trained("warm", steps=2)  # what torch and scikit-learn set up once, the children inherit
    told = {}
    for name in names:
        began = time.monotonic()
        told[name] = JOBS[name]()
        print(f"{name}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
