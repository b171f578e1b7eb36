"""Modes of two mixtures in a plane, learnt by PacGAN's nets under each objective in three minutes of one thread.

    OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE python benchmarks/toys.py [--only ROW ...] [--data NAME] [--seeds 0 1 2]
    python benchmarks/toys.py --page

The mixtures are those of Lin et al. 2018, "PacGAN", section 4.1: a ring of 8 modes of radius 1 and sigma .01, and a
grid of 25 at -4, -2, .. 4 of sigma .05. The nets, Adam's numbers and batches of 100 are those of its released code.
Only the budget is another: three minutes, counted in the thread's own time, so that a busy machine is none the worse.
Of 2,500 samples one is of high quality within three sigma of a centre, and a mode counts if it has one such sample.

Each run is kept as a line of toys.jsonl beside this file, and a later call makes what is missing. --page writes
toys.md.
"""

import argparse
import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from machine import describe

from advnets import data
from advnets.algorithm import Algorithm1
from advnets.averaging import MovingAverage
from advnets.data import mixture
from advnets.experiment.preparation.build_training import build_game_training
from advnets.games import AdversarialRow
from advnets.metrics import mixture_modes
from advnets.networks import PacganDiscriminator, PacganGenerator
from advnets.optimizers import Adam
from advnets.randomness import Streams
from advnets.recipes import PLAYERS, Average, Descent, Recipe
from advnets.schedules import CosineDecay
from advnets.training import Moment

KEPT = Path(__file__).with_suffix(".jsonl")
DATA, SEEDS, MINUTES, SAMPLES = ("ring-8-pacgan", "grid-25"), (0, 1, 2), 3.0, 2500
CEILING = 1 - math.exp(-4.5)

PACGAN = Recipe(
    name="pacgan",
    about="PacGAN's nets and numbers for points of a plane",
    source="Lin et al. 2018, section 4.1; fjxmlzn/PacGAN",
    learner=AdversarialRow(PacganGenerator(), PacganDiscriminator(), latent_size=2),
    algorithm=Algorithm1(),
    descents=dict.fromkeys(PLAYERS, Descent(Adam(betas=(0.8, 0.999)), 1e-4)),
    batch_size=100,
)


def variant(recipe: Recipe = PACGAN, /, *, k: int = 1, batch_size: int = 100, **learner: object) -> Recipe:
    """The recipe with another objective, penalty or pack."""
    assert isinstance(recipe.learner, AdversarialRow)
    wanted = replace(recipe.learner, **learner)  # type: ignore[arg-type]
    return replace(recipe, learner=wanted, algorithm=Algorithm1(k), batch_size=batch_size)


CLIP = {"discriminator": {"clip_weights": 0.01}}
TUNED = replace(
    variant(
        objective="relativistic",
        generator=PacganGenerator(batch_norm=False, deviation=0.07),
        discriminator=PacganDiscriminator(deviation=0.07),
        penalties={"r1": 0.01, "r2": 0.01},
    ),
    descents=dict.fromkeys(PLAYERS, Descent(Adam(betas=(0.0, 0.99)), CosineDecay(start=1e-3, end=1e-5))),
    average=Average(half_life=50_000.0),
)
ROWS: Mapping[str, Recipe] = {
    "relativistic + R1 + R2": TUNED,
    "non-saturating": PACGAN,
    "minimax": variant(objective="minimax"),
    "least squares": variant(objective="least_squares"),
    "hinge": variant(objective="hinge"),
    "Wasserstein, clipped": variant(objective="wasserstein", constraints=CLIP, k=5),
    "Wasserstein, gradient penalty": variant(objective="wasserstein", penalties={"gradient_penalty": 10.0}, k=5),
    "non-saturating, packs of 2": variant(pack=2, batch_size=200),
    "non-saturating, packs of 4": variant(pack=4, batch_size=400),
}


@dataclass(frozen=True)
class Run:
    """What the samples of one run are."""

    row: str
    data: str
    seed: int
    seconds: float
    steps: int
    modes: int
    high_quality: float
    kl: float


def kept_runs() -> list[Run]:
    """Those that were kept."""
    return [Run(**json.loads(line)) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []


def play(recipe: Recipe, name: str, *, seed: int, minutes: float) -> tuple[int, torch.Tensor]:
    """Train for these minutes of the thread's own time; the steps made, and samples."""
    streams = Streams(seed, torch.device("cpu"))
    with streams.as_defaults():
        training = build_game_training(recipe, data.load(name), seed=seed, device=torch.device("cpu"))
        average, steps, made = MovingAverage(training.makers), training.steps(0), 0
        begun = time.process_time()
        while (spent := time.process_time() - begun) < 60 * minutes:
            moment = Moment(made, training.batches.epoch + 1, spent / (60 * minutes))
            training.schedule(moment)
            next(steps)
            made += 1
            average.half_life = recipe.average.half_life_at(moment, recipe.batch_size)
            average.update(training.makers, recipe.batch_size)
        z = training.draw_latent(SAMPLES, torch.Generator().manual_seed(seed))
    return made, average.makers[""](z)


def measure(row: str, name: str, *, seed: int, minutes: float) -> Run:
    """Train one run, and count the modes of its samples."""
    steps, samples = play(ROWS[row], name, seed=seed, minutes=minutes)
    p = mixture(name)
    found = mixture_modes(samples, p.means, deviation=p.std)
    modes, quality, kl = (float(found[what].value) for what in ("modes", "high_quality", "kl"))
    return Run(row, name, seed, 60 * minutes, steps, round(modes), quality, kl)


def page(kept: list[Run]) -> str:
    """The tables, of what was kept; runs that were not made are named."""
    return "\n\n".join(["# Modes of a ring and of a grid", INTRODUCTION.format(machine=describe()),
                        *(table(name, kept) for name in DATA), missing(kept), SETTINGS]) + "\n"  # fmt: skip


INTRODUCTION = """\
`OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE python benchmarks/toys.py`, then `--page`. {machine}

The data are the two mixtures of Lin et al. 2018, "PacGAN", section 4.1. A sample is of high quality if it lies within
three sigma of the centre of a mode, and a mode counts if it has one such sample, of 2,500. Real points score 98.9 %: a
normal distribution in a plane has that mass within three sigma, 1 - exp(-9/2). So no generator need score more. The
divergence is that of the nearest modes of all samples from even ones, in nats, 0 at best.

Each run has three minutes of one thread, counted in the thread's own time. That is a few thousand steps, where PacGAN
has 400,000: rows say which objective is fast, not where it ends. A step costs more of that time where other programs
fill the caches, so the steps that were made stand beside. Numbers are means over seeds, and ranges stand in
brackets."""

SETTINGS = """\
## Settings

The nets are PacGAN's: 2 noises, four layers of 400 units with batch normalisation and ReLU, 2 coordinates; and three
layers of 200 maxout units of 5 pieces, one logit. Weights start in N(0, .02^2). Adam has rate 1e-4 and betas .8 and
.999, and a batch has 100 samples, or 100 packs. Both Wasserstein rows make five moves of the discriminator before each
of the generator, as published; clipped weights lie in [-.01, .01], and the gradient penalty has weight 10.

The row "relativistic + R1 + R2" has the same sizes, and differs where it was tuned, on another seed than these. There
is no batch normalisation, and weights start in N(0, .07^2). R1 and R2 have weight .01. Both rates fall from 1e-3 to
1e-5 by half a cosine, and Adam's betas are 0 and .99. What is sampled is an average of the generator's weights, with a
half-life of 50,000 samples. So the row shows what this objective reaches with its own settings, not what the objective
alone changes."""


def table(name: str, kept: list[Run]) -> str:
    """The rows of one mixture that have a run."""
    many = len(mixture(name).means)
    lines = [f"## {name}: {many} modes, sigma {mixture(name).std}", "",
             "| row | seeds | steps | modes | within 3 sigma | divergence |",
             "| --- | ---: | ---: | ---: | ---: | ---: |",
             f"| real points | | | {many} | {CEILING:.1%} | 0 |"]  # fmt: skip
    for row in ROWS:
        runs = [one for one in kept if (one.row, one.data) == (row, name)]
        if runs:
            steps, modes, quality, kl = ([getattr(one, what) for one in runs]
                                         for what in ("steps", "modes", "high_quality", "kl"))  # fmt: skip
            lines.append(f"| {row} | {len(runs)} | {np.mean(steps):,.0f} | {spread(modes, '.3g')} | "
                         f"{spread(quality, '.1%')} | {np.mean(kl):.3f} |")  # fmt: skip
    return "\n".join(lines)


def spread(values: list[float], form: str) -> str:
    """A mean, and the range where there is one."""
    low, high = format(min(values), form), format(max(values), form)
    return format(np.mean(values), form) + ("" if low == high else f" ({low} to {high})")


def missing(kept: list[Run]) -> str:
    """The runs that were not made."""
    made = {(one.row, one.data, one.seed) for one in kept}
    gaps = {(row, name): [seed for seed in SEEDS if (row, name, seed) not in made] for row in ROWS for name in DATA}
    lines = [f"- {row}, {name}: seeds {', '.join(map(str, seeds))}" for (row, name), seeds in gaps.items() if seeds]
    return "## Missing\n\n" + ("\n".join(["Not run yet:", "", *lines]) if lines else "No run is missing.")


def main() -> None:
    """Read the command line; train what is missing, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=ROWS, nargs="*", default=list(ROWS), metavar="ROW")
    parser.add_argument("--data", choices=DATA, nargs="*", default=DATA)
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.page:
        KEPT.with_suffix(".md").write_text(page(kept_runs()), encoding="utf-8")
        return
    for row in asked.only:
        for seed in asked.seeds:
            for name in asked.data:
                if (row, name, seed) not in {(one.row, one.data, one.seed) for one in kept_runs()}:
                    found = measure(row, name, seed=seed, minutes=MINUTES)
                    with KEPT.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(found)) + "\n")
                    print(found, flush=True)


if __name__ == "__main__":
    main()
