"""What `advnets sample RUN -n N --out FILE.zip` costs beside the network, and how much memory it takes.

    python benchmarks/sample_zip.py [--rounds 15] [--counts 5000 50000] [--no-page]

The network alone makes samples of noises that are drawn already, in the same blocks. The command makes the same number,
converts them to pixels, encodes each as a PNG and writes the archive. The two take turns, in an order of chance.
Seconds of the processor stand beside those of the clock, for other work may share the machine. The command's are those
of both its threads, so that their ratio is that of a machine with a single core. The peak of memory is that of a
process of its own for each number of samples. The networks are untrained.
"""

import argparse
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import torch
from machine import describe
from two_checkouts import median_interval

from advnets.averaging import prepare_sampling
from advnets.experiment import Model, SamplePlan
from advnets.experiment.sampling import blocks
from advnets.games import AdversarialRow, make
from advnets.networks import Sizes
from advnets.recipes import RECIPES
from advnets.runs import Card, DataCard

SHAPES = {"dcgan": (3, 64, 64), "paper-mnist": (1, 28, 28)}
A_ROUND = {"dcgan": 682, "paper-mnist": 10_000}
"""Samples of a round: whole blocks."""
EXPECTED = {"dcgan": 0.9, "paper-mnist": 0.6}
"""Least images a second of the command, as a part of the network's own."""
KIBIBYTE = 1024


def untrained(name: str) -> Model:
    """The generator of a recipe before its first step."""
    learner, shape = RECIPES[name].learner, SHAPES[name]
    assert isinstance(learner, AdversarialRow)
    torch.manual_seed(0)
    network = prepare_sampling(learner.generator.build(Sizes(shape, learner.latent_size)))
    data = DataCard("none", "", shape, None)
    card = Card({}, learner.latent, learner.latent_size, RECIPES[name].transform, data, name, 0, "")
    return Model(name, network, card)


def network_alone(model: Model, n: int) -> Callable[[], object]:
    """What the network takes for n samples, in the blocks of the command."""
    block = min(blocks.BLOCK, blocks.VALUES // torch.Size(model.card.data.shape).numel())
    parts = torch.split(model.draw(n, seed=0), block)

    def run() -> None:
        with torch.no_grad():
            for z in parts:
                make(model.network, z, None)

    return run


def command(model: Model, n: int, folder: Path) -> Callable[[], object]:
    """What the command takes for n samples, drawn and written."""

    def run() -> None:
        model.save_samples(folder / "x.zip", SamplePlan(n)).unlink()

    return run


def seconds_an_image(name: str, rounds: int) -> list[list[tuple[float, float]]]:
    """Seconds an image of the clock and of the processor, a pair a round: of the network alone, and of the command."""
    model, n, rng = untrained(name), A_ROUND[name], random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        ways = [network_alone(model, n), command(model, n, Path(folder))]
        found: list[list[tuple[float, float]]] = [[], []]
        for number in range(rounds + 1):  # the first warms up
            for way in rng.sample(range(2), 2):
                clock, processor = time.perf_counter(), time.process_time()
                ways[way]()
                if number:
                    taken = time.perf_counter() - clock, time.process_time() - processor
                    found[way].append((taken[0] / n, taken[1] / n))
    return found


def peak_mebibytes(name: str, n: int) -> float:
    """The peak of memory of a process that writes n samples."""
    words = [sys.executable, __file__, "--child", name, str(n)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return float(done.stdout)


def write_samples(name: str, n: int) -> None:
    """Write n samples, and print this process's peak of memory in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        untrained(name).save_samples(Path(folder) / "x.zip", SamplePlan(n))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak / (KIBIBYTE * KIBIBYTE if sys.platform == "darwin" else KIBIBYTE))


def speed_row(name: str, rounds: int) -> str:
    """Both rates, and their ratios within a round."""
    alone, whole = seconds_an_image(name, rounds)
    each = " | ".join(f"{1 / statistics.median(clock for clock, _ in way):,.0f}" for way in (alone, whole))
    kinds = zip(zip(*alone, strict=True), zip(*whole, strict=True), strict=True)
    ratios = " | ".join(_ratio(a, b) for a, b in kinds)
    return f"| `{name}`, {'x'.join(map(str, SHAPES[name]))} | {each} | {ratios} | {EXPECTED[name]:.1f} |"


def _ratio(alone: Sequence[float], whole: Sequence[float]) -> str:
    ratios = [a / b for a, b in zip(alone, whole, strict=True)]
    low, high = median_interval(ratios)
    return f"{statistics.median(ratios):.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--counts", type=int, nargs="+", default=[5000, 50_000])
    parser.add_argument("--names", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--no-page", action="store_true")
    parser.add_argument("--child", nargs=2, metavar=("NAME", "N"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        write_samples(asked.child[0], int(asked.child[1]))
        return
    lines = [
        "# Samples to a zip\n",
        f"`python benchmarks/sample_zip.py --rounds {asked.rounds}`, {date.today()}. {describe()} Medians of "
        f"{asked.rounds} rounds; the ratio is that within a round, with a 95 % interval of its median.\n",
        "| network, untrained | images/s of the network alone | images/s to a zip | ratio | of the processor "
        "| asked for |",
        "| --- | ---: | ---: | --- | --- | ---: |",
        *(speed_row(name, asked.rounds) for name in asked.names),
        "\n| network, untrained | " + " | ".join(f"MiB at {n:,}" for n in asked.counts) + " |",
        "| --- |" + " ---: |" * len(asked.counts),
    ]
    for name in asked.names:
        peaks = " | ".join(f"{peak_mebibytes(name, n):,.0f}" for n in asked.counts)
        lines.append(f"| `{name}` | {peaks} |")
    page = "\n".join([*lines, ""])
    print(page)
    if not asked.no_page:
        Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
