"""One call that measures a GPU in under nine minutes. It has not been run on a GPU yet: its parts are tested on a CPU.

    python benchmarks/gpu.py [--only rates equality resume nccl cifar10] [--page FILE]

It needs torch 2.10 or later and no network. Without a GPU it says so in a line and ends with code 2. Each part is a
process of its own, which is ended at its limit (LIMITS, together under nine minutes); what it had printed stays. A part
that fails says so, the others go on, and the code is then 1.

rates: every recipe's nets on random images, played as they are and as recorded CUDA graphs, in float32 and bfloat16:
images a second, the share of the card's own rate for square matrices, peak memory. The operations counted are those of
convolutions and matrix products. equality: whether recorded turns are those that are played, bit for bit. resume:
whether runs that were killed end as one that was not. nccl: a process group of one process. cifar10: `modern` for
a while, with the Fréchet distance of random features; where CIFAR-10 is not at hand, on random images, which it says.
"""

import argparse
import gc
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import torch
from machine import describe
from operations import SIDE, Operations, matrix_rates, wait
from torch import Tensor

from advnets import data
from advnets.averaging import MovingAverage
from advnets.capture import WARM_UP
from advnets.data import Dataset, to_uint8
from advnets.data.sets import cifar10
from advnets.data.sets.published_files import data_folders
from advnets.errors import AdvnetsError
from advnets.experiment import Run
from advnets.experiment.preparation.build_training import build_game_training
from advnets.experiment.preparation.game_training import GameTraining
from advnets.extractors import draw_random_features
from advnets.games import AdversarialRow
from advnets.metrics import frechet
from advnets.recipes import RECIPES, Recipe
from advnets.runs import load_latest, state_fingerprint
from advnets.training import Moment, Step

LIMITS = {"rates": 200, "equality": 60, "resume": 110, "nccl": 40, "cifar10": 110}
"""Seconds after which a part is ended."""
SPARE = 20
"""Seconds before that, at which a part begins nothing new; its own start is among them."""
SHAPES = {"paper-tfd": (1, 48, 48), "dcgan": (3, 64, 64), "dcgan-classes": (3, 64, 64),
          "modern": (3, 64, 64), "modern-classes": (3, 64, 64), "r3gan-cifar10": (3, 32, 32), "pix2pix": (3, 64, 64),
          "paper-cifar10-fc": (3, 32, 32), "paper-cifar10-conv": (3, 32, 32)}  # fmt: skip
MNIST_SHAPE, CLASSES, FEATURE_SAMPLES = (1, 28, 28), 10, 2000
EQUAL = ("paper-adam", "dcgan", "modern")
KILLS = 2


@dataclass(frozen=True)
class Asked:
    """What a part is told.

    Attributes:
        device: Where the networks are.
        seconds: Of each measurement.
        recipes: Those that are measured.
        deadline: When nothing new begins, by time.monotonic().
    """

    device: torch.device
    seconds: float
    recipes: Sequence[str]
    deadline: float

    @property
    def is_late(self) -> bool:
        """Whether nothing new should begin."""
        return time.monotonic() > self.deadline


def random_images(name: str, n: int) -> Dataset:
    """Labelled noise of the shape that a recipe is for, with noise that is given where it translates."""
    rng = torch.Generator().manual_seed(0)
    values = torch.randint(0, 256, (n, *SHAPES.get(name, MNIST_SHAPE)), dtype=torch.uint8, generator=rng)
    given = 255 - values if getattr(RECIPES[name].learner, "given", None) == "images" else None
    return Dataset.of(values, labels=torch.arange(n) % CLASSES, given=given)


def built(name: str, device: torch.device, *, precision: str, capture: bool) -> tuple[Recipe, GameTraining]:
    """A recipe's training on noise, always from the same weights."""
    recipe = RECIPES[name]
    assert isinstance(recipe.learner, AdversarialRow)
    recipe = replace(recipe, learner=replace(recipe.learner, precision=precision))
    torch.manual_seed(0)
    dataset = random_images(name, max(1000, 2 * recipe.batch_size))
    return recipe, build_game_training(recipe, dataset, seed=0, device=device, capture=capture)


def scheduled_steps(played: GameTraining) -> Iterator[Step]:
    """Steps as in a run, with schedules."""
    steps = played.steps(0)
    for number in itertools.count():
        played.schedule(Moment(number, 0, 0.0))
        yield next(steps)


def images_a_second(asked: Asked, played: GameTraining, batch: int) -> float:
    """Play until the recordings are made, then for a while."""
    steps = scheduled_steps(played)
    for _ in range(WARM_UP + 2):
        next(steps)
    one = _seconds_of(asked, steps, 1)
    made = max(1, int(asked.seconds / one))
    return made * batch / _seconds_of(asked, steps, made)


def _seconds_of(asked: Asked, steps: Iterator[Step], n: int) -> float:
    """Of n steps, without waiting between them."""
    wait(asked.device)
    began = time.perf_counter()
    for _ in range(n):
        next(steps)
    wait(asked.device)
    return time.perf_counter() - began


def rates(asked: Asked) -> None:
    """Images a second of every recipe's nets, and the share of the card's own rate."""
    own = matrix_rates(asked.device)
    told = ", ".join(f"{name} {rate / 1e12:.3g}" for name, rate in own.items())
    print(
        f"Matrices of {SIDE[asked.device.type]}, 10^12 operations a second: {told}. Shares are of TF32's rate for "
        "float32, whose convolutions have it by torch's default, and of bfloat16's for bfloat16.\n"
    )
    print("| recipe, batch | 10^9 operations a step | products in | turns | images/s | share | peak MiB |")
    print("| --- | ---: | --- | --- | ---: | ---: | ---: |")
    late: list[str] = []
    for name in asked.recipes:
        if asked.is_late:
            late.append(name)
            continue
        try:
            _rates_of(asked, name, own)
        except (RuntimeError, AdvnetsError) as error:  # out of memory, or what cannot be recorded
            print(f"| {name} | failed: {str(error).splitlines()[0]} | | | | | |", flush=True)
    if late:
        print(f"\nLeft out for lack of time: {', '.join(late)}.")


def _rates_of(asked: Asked, name: str, own: dict[str, float]) -> None:
    recipe, played = built(name, asked.device, precision="float32", capture=False)
    steps = scheduled_steps(played)
    next(steps)
    with Operations() as operations:
        next(steps)
    size = operations.count / recipe.batch_size
    del played, steps
    for precision, capture in itertools.product(("float32", "bfloat16"), (False, True)):
        if asked.is_late:
            return
        gc.collect()
        if asked.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        recipe, played = built(name, asked.device, precision=precision, capture=capture)
        rate = images_a_second(asked, played, recipe.batch_size)
        share = rate * size / own["bfloat16" if precision == "bfloat16" else "TF32"]
        peak = f"{torch.cuda.max_memory_allocated() / 2**20:.0f}" if asked.device.type == "cuda" else "not known"
        print(f"| {name}, {recipe.batch_size} | {operations.count / 1e9:.3g} | {precision} | "
              f"{'recorded' if capture else 'played'} | {rate:,.0f} | {share:.3f} | {peak} |", flush=True)  # fmt: skip
        del played


def trained(name: str, asked: Asked, *, precision: str, capture: bool, steps: int) -> dict[str, Tensor]:
    """Every parameter and buffer after some steps from the same beginning."""
    _, played = built(name, asked.device, precision=precision, capture=capture)
    going = scheduled_steps(played)
    for _ in range(steps):
        next(going)
    return {f"{who}.{key}": value.detach().clone() for who, net in played.players.items()
            for key, value in net.state_dict().items()}  # fmt: skip


def largest_difference(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
    """Over all tensors."""
    return max(float((a[key].double() - b[key].double()).abs().max()) for key in a)


def equality(asked: Asked) -> None:
    """Whether turns that are recorded are those that are played; where a card differs from itself, that is told."""
    torch.backends.cudnn.deterministic = True
    for name in EQUAL:
        for precision in ("float32", "bfloat16"):
            if asked.is_late or name not in asked.recipes:
                continue
            ways = [trained(name, asked, precision=precision, capture=capture, steps=WARM_UP + 5)
                    for capture in (False, False, True)]  # fmt: skip
            itself, recorded = (largest_difference(ways[0], other) for other in ways[1:])
            print(f"- {name}, {precision}: recorded turns differ from played ones by {recorded:g}, played ones from "
                  f"themselves by {itself:g}, after {WARM_UP + 5} steps.", flush=True)  # fmt: skip


def command(*words: str) -> list[str]:
    """A command of advnets."""
    return [sys.executable, "-m", "advnets", *words]


def resume(asked: Asked) -> None:
    """Kill runs at random times, resume them, and compare their states at the end with that of a whole run."""
    cuda = asked.device.type == "cuda"
    steps, every = (600, 50) if cuda else (60, 5)
    train = ["train", "paper-adam", "--data", "digits", "--device", asked.device.type, "--steps", str(steps),
             "--checkpoint-steps", str(every), *(["--capture"] if cuda else [])]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        whole, again = Path(folder, "whole"), Path(folder, "again")
        began = time.monotonic()
        subprocess.run(command(*train, "--out", str(whole)), check=True, capture_output=True)
        latest = asked.deadline - (time.monotonic() - began)  # for what takes as long again
        expected, rng = _state(whole), random.Random(0)
        for number in range(KILLS if cuda else 1):
            if time.monotonic() > latest:
                print("- Left out for lack of time: the other kills.")
                break
            run = Path(folder, f"run-{number}")
            killed_at = _kill(command(*train, "--out", str(run)), run, rng)
            subprocess.run(command("resume", str(run)), check=True, capture_output=True)
            word = "the same state, bit for bit" if _state(run) == expected else "ANOTHER STATE"
            print(f"- Killed after the checkpoint at step {killed_at}, resumed to step {steps}: {word}.", flush=True)
        if time.monotonic() < latest:
            subprocess.run(command(*train, "--out", str(again)), check=True, capture_output=True)
            word = "the same state" if _state(again) == expected else "ANOTHER STATE"
            print(f"- A second whole run: {word}.", flush=True)


def _kill(words: list[str], run: Path, rng: random.Random) -> int:
    """Start a run, wait for a checkpoint and a little more, and kill it; the step of its last checkpoint."""
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not any(run.glob("checkpoints/[0-9]*")):
            time.sleep(0.002)
        time.sleep(0.2 * rng.random())
        process.send_signal(signal.SIGKILL)
    return Run(run).step


def _state(run: Path) -> str:
    return state_fingerprint(load_latest(Run(run).directory.checkpoints)[1])


def nccl(asked: Asked) -> None:
    """Collectives of one process, and steps within its group against steps without."""
    cuda = asked.device.type == "cuda"
    alone = trained("paper-adam", asked, precision="float32", capture=False, steps=3)
    backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
    torch.distributed.init_process_group(backend, store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        tensor = torch.arange(2.0**20, device=asked.device)
        expected, gathered = tensor.clone(), torch.empty_like(tensor)
        torch.distributed.all_reduce(tensor)
        torch.distributed.broadcast(tensor, 0)
        torch.distributed.all_gather([gathered], tensor)
        wait(asked.device)
        right = "right" if torch.equal(tensor, expected) and torch.equal(gathered, expected) else "WRONG"
        within = trained("paper-adam", asked, precision="float32", capture=False, steps=3)
        print(f"- {backend}: all_reduce, broadcast and all_gather of 2^20 numbers are {right}; three steps of "
              f"paper-adam within the group differ by {largest_difference(alone, within):g}.")  # fmt: skip
    finally:
        torch.distributed.destroy_process_group()


def cifar10_or_noise() -> Dataset:
    """CIFAR-10 where it is at hand; nothing is downloaded."""
    for folder in data_folders(None):
        for layout in cifar10.LAYOUTS:
            if any((folder / layout / name).exists() for name in (cifar10.ARCHIVE, cifar10.FOLDER)):
                return data.load("cifar10")
    return replace(random_images("r3gan-cifar10", 10_000), name="random images of CIFAR-10's shape")


def cifar(asked: Asked) -> None:
    """`modern` for a while: images a second, and the Fréchet distance of random features at each third."""
    dataset, cuda = cifar10_or_noise(), asked.device.type == "cuda"
    recipe = RECIPES["modern"]
    torch.manual_seed(0)
    played = build_game_training(recipe, dataset, seed=0, device=asked.device, capture=cuda)
    average, steps, extractor = MovingAverage(played.makers), played.steps(0), draw_random_features(dataset)
    held_out = dataset.validation if dataset.validation is not None else dataset.train
    real = extractor.features(held_out.values[: 2 * FEATURE_SAMPLES]).numpy()
    seconds = max(asked.deadline - time.monotonic() - SPARE, 1.0) if cuda else asked.seconds
    print(f"`modern` on {dataset.name}, {'recorded' if cuda else 'played'}, batch {recipe.batch_size}.\n")
    print("| seconds of training | steps | images/s | FD in random features |\n| ---: | ---: | ---: | ---: |")
    trained_for, number = 0.0, 0
    for part in range(1, 4):
        began = time.perf_counter()
        while trained_for + time.perf_counter() - began < seconds * part / 3:
            moment = Moment(number, 0, min(1.0, trained_for / seconds))
            played.schedule(moment)
            average.half_life = recipe.average.half_life_at(moment, recipe.batch_size)
            next(steps)
            average.update(played.makers, recipe.batch_size)
            number += 1
        wait(asked.device)
        trained_for += time.perf_counter() - began
        distance = frechet(extractor.features(_samples(played, average)).numpy(), real).value
        speed = number * recipe.batch_size / trained_for
        print(f"| {trained_for:.1f} | {number} | {speed:,.0f} | {distance:.3g} |", flush=True)


@torch.no_grad()
def _samples(played: GameTraining, average: MovingAverage) -> Tensor:
    """Bytes of the averaged generator, on the CPU."""
    parts = []
    for _ in range(FEATURE_SAMPLES // 100):
        z = played.draw_latent(100)
        parts.append(average.makers[""](z).float().cpu())
    return to_uint8(torch.cat(parts).add(1).div(2).clamp(0, 1))


PARTS: dict[str, Callable[[Asked], None]] = {
    "rates": rates, "equality": equality, "resume": resume, "nccl": nccl, "cifar10": cifar,
}  # fmt: skip


def run_part(name: str, words: Sequence[str]) -> tuple[str, bool]:
    """What a part prints, as it prints it, and whether it ended well."""
    environment = {**os.environ, "CUBLAS_WORKSPACE_CONFIG": ":4096:8", "PYTHONUNBUFFERED": "1"}
    began, lines = time.monotonic(), []
    process = subprocess.Popen(
        [sys.executable, __file__, "--part", name, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env=environment, start_new_session=True,
    )  # fmt: skip
    # With what the part has started itself, which is in its session.
    timer = threading.Timer(LIMITS[name], os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    try:
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", flush=True)
                lines.append(line)
        code = process.wait()
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        timer.cancel()
    seconds = time.monotonic() - began
    end = "" if code == 0 else f"\nThe part {name} ended with code {code} after {seconds:.0f} s.\n"
    print(f"{end}\n({seconds:.0f} s)\n", flush=True)
    return "".join(lines) + end, code == 0


def main(words: Sequence[str] | None = None) -> int:
    """Measure; 2 without a card, 1 if a part failed."""
    games = [name for name, recipe in RECIPES.items() if isinstance(recipe.learner, AdversarialRow)]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--recipes", nargs="+", choices=games, default=games)
    parser.add_argument("--page", type=Path, help="write what is printed to this file too")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"), help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=1.5, help=argparse.SUPPRESS)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    if asked.device == "cuda" and not torch.cuda.is_available():
        print("benchmarks/gpu.py measures a CUDA GPU: found none. Run it where torch.cuda.is_available() is True.",
              file=sys.stderr)  # fmt: skip
        return 2
    if asked.part:
        deadline = time.monotonic() + LIMITS[asked.part] - SPARE
        PARTS[asked.part](Asked(torch.device(asked.device), asked.seconds, asked.recipes, deadline))
        return 0
    card = torch.cuda.get_device_name() if asked.device == "cuda" else "no GPU: a test of this script on a CPU"
    page = f"# A GPU\n\n`python benchmarks/gpu.py`, {date.today()}: {card}. {describe()}\n\n"
    print(page)
    good = True
    for name in asked.only:
        print(f"## {name}\n", flush=True)
        found, ended_well = run_part(name, ["--device", asked.device, "--seconds", str(asked.seconds),
                                            "--recipes", *asked.recipes])  # fmt: skip
        page, good = f"{page}## {name}\n\n{found}\n", good and ended_well
        if asked.page:
            asked.page.write_text(page, encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
