"""Every saboteur is caught by the check that is named beside it, and every check passes without one."""

import contextlib
import io
import itertools
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import checkpoint_checks
import directory_checks
import power_cuts
import tiny
from advnets import data, experiment, process, runs
from advnets.assessment import ReferenceCard, Report
from advnets.cli import main as command, output
from advnets.data.images.cache import PIXELS_AT
from advnets.errors import AdvnetsError, BadInput, Damaged, InUse, NonFinite
from advnets.experiment import lifecycle
from advnets.extractors import onnx_extractor
from advnets.games.game import Game
from advnets.latents import gaussian
from advnets.objectives import OBJECTIVES
from advnets.recipes import Average
from flips import count_unnoticed, is_refused
from image_files import encoded, photos, put
from reference import onnx_external
from saboteurs import SABOTEURS

OWN = replace(tiny.OWN, average=Average(half_life=500.0))
OFTEN: dict[str, Any] = {"steps": 60, "checkpoint_steps": 50, "journal_steps": 10, "preview_steps": 25}


class Noisy(nn.Module):
    """A generator that draws from the default random numbers of torch, numpy and Python, and counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 64), nn.Sigmoid())

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        self.calls += self.training
        noise = 0.01 * (random.random() + float(np.random.rand()) + 1 / (1 + self.calls))
        return (self.layers(z + noise)).view(-1, 1, 8, 8)


def noisy() -> Game:
    torch.manual_seed(1)
    judge = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 1), nn.Flatten(0))
    return Game(Noisy(), judge, OBJECTIVES["non_saturating"], latent=gaussian(4))


def rows(run: experiment.Run) -> list[tuple[int, float]]:
    return [(row["step"], row["D(x)"]) for row in run.directory.journal.read()]


def resume(folder: Path) -> None:
    """Parted in the second epoch, ten steps before the end, the run ends as the whole one."""
    whole = experiment.start(OWN, game=noisy(), settings=tiny.settings(str(folder / "whole"), **OFTEN))
    list(whole.carry_on())
    parted = experiment.start(OWN, game=noisy(), settings=tiny.settings(str(folder / "parted"), **OFTEN))
    going = parted.carry_on()
    assert any(progress.step == 60 for progress in going)
    going.close()
    shutil.rmtree(parted.directory.checkpoints / "00000060")  # as if it had been killed before the last save
    assert parted.step == 50
    again = experiment.resume(folder / "parted", game=noisy())
    assert tiny.state_hash(again) == tiny.state_hash(whole)
    assert rows(again) == rows(whole)


def watching(folder: Path) -> None:
    """Many previews or none, the run is the same."""
    ends = {
        tiny.state_hash(tiny.trained(str(folder / f"every-{every}"), steps=20, preview_steps=every))
        for every in (5, 99)
    }
    assert len(ends) == 1


def trial(folder: Path) -> None:
    """A run that has made a trial move is the run without one, and so is the program around it."""
    ends = []
    data.load("digits")  # scikit-learn, when it is imported, draws from Python's random numbers
    for tries in (True, False):
        random.seed(1)
        np.random.seed(1)
        with pytest.MonkeyPatch.context() as patch:
            if not tries:
                patch.setattr(lifecycle, "try_one_move", lambda *given: [])
            run = experiment.start(OWN, game=noisy(), settings=tiny.settings(str(folder / str(tries)), steps=8))
        drawn = random.random(), float(np.random.rand()), float(torch.rand(1))
        list(run.carry_on())
        ends.append((tiny.state_hash(run), drawn))
    assert ends[0] == ends[1]


def finite(folder: Path) -> None:
    bad = checkpoint_checks.state()
    bad["network"]["bias"][1] = float("nan")
    with pytest.raises(NonFinite):
        runs.save_checkpoint(folder, 1, bad)


def alone(folder: Path) -> None:
    with runs.lock_run(runs.create_run(folder / "run", {}, {}).path):
        with pytest.raises(InUse), runs.lock_run(folder / "run"):
            pass


def left(folder: Path) -> None:
    """A loop that is left has saved, and says so."""
    run = experiment.start(tiny.RECIPE, settings=tiny.settings(str(folder / "run"), checkpoint_steps=99))
    for _ in run.carry_on():
        break
    assert (run.step, runs.read_json(run.directory.status_json)["state"]) == (5, "stopped")


def whole_steps(folder: Path) -> None:
    """An error within a step saves nothing of it."""
    run = experiment.start(tiny.RECIPE, settings=tiny.settings(str(folder / "run")))
    loop, calls = run._loop(), itertools.count(1)
    update = loop.average.update

    def fail(*given: Any) -> None:
        if next(calls) == 7:
            raise RuntimeError
        update(*given)

    loop.average.update = fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        list(loop.carry_on())
    assert run.step == 4


def stopped(folder: Path) -> None:
    """A stop of an hour is no time of the run."""
    times = iter((0.0, 0.0, 1.0, 3601.0, 3602.0))
    clock = process.RunningClock(lambda: next(times))
    with clock.count():
        clock.tick(), clock.tick()
    assert clock.seconds < 5


def budget(folder: Path) -> None:
    """The budget asked for last is that of the next resume."""
    run = tiny.trained(str(folder / "run"), steps=4)
    next(run.carry_on(steps=50))
    assert experiment.resume(run.path).step == 50


class Evil:
    """A pickle that makes a folder when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def nothing_runs(folder: Path) -> None:
    np.savez(folder / "evil.npz", images=np.array([Evil(folder / "ran")] * 12, dtype=object))
    with pytest.raises(ValueError):
        data.load(str(folder / "evil.npz"))
    assert not (folder / "ran").exists()


def damage(folder: Path) -> None:
    assert checkpoint_checks.undetected(runs.save_checkpoint(folder, 3, checkpoint_checks.state())) == 0


def seal(folder: Path) -> None:
    """A flipped bit of recipe.json is noticed."""
    told = {"recipe": {"rate": 0.001}, "settings": {"steps": 100}, "data": {}, "game": None}
    made = runs.create_run(folder / "run", told, {})
    is_noticed = partial(is_refused, lambda: runs.open_run(folder / "run"), BadInput)
    assert count_unnoticed(made.recipe_json, 100, is_noticed) == 0


def pixels(folder: Path) -> None:
    """A changed pixel in the cache of pictures is repaired, or refused where the file is mapped."""
    place = photos(folder, 12)
    before = data.load(place)
    (cached,) = Path(os.environ["ADVNETS_CACHE"], "images").glob("*.cache")
    content = bytearray(cached.read_bytes())
    content[PIXELS_AT] ^= 128
    cached.write_bytes(content)
    mapped = data.load(place, options=data.ImageOptions(cache_memory=0))
    with pytest.raises(Damaged):
        next(data.Batches(mapped.train, batch_size=len(mapped.train), seed=0))
    assert replace(data.load(place), known_digest=None).digest == before.digest


def extractor_id(folder: Path) -> None:
    """The id of an ONNX file tells what lies in the files beside it."""
    (folder / "net.onnx").write_bytes(onnx_external.model("weights"))
    ids = set()
    for scale in (1, 2):
        (folder / "weights").write_bytes(onnx_external.weights(scale))
        ids.add(onnx_extractor(folder / "net.onnx").id)
    assert len(ids) == 2


def held_out(folder: Path) -> None:
    """No image of a folder of test images, whatever its name, is in the training split."""
    for number, (train, test) in enumerate((("train", "test"), ("Train", "TEST"), ("train2017", "test2017"))):
        dark, bright = (encoded(np.full((4, 4), level, np.uint8)) for level in (50, 200))
        files = {f"{split}/{i}.png": image for split, image in ((train, dark), (test, bright)) for i in range(20)}
        dataset = data.load(put(folder / str(number), files))
        assert int(dataset.train.values.max()) == 50
        assert int(dataset.test.values.min()) == 200


def plain_text(folder: Path) -> None:
    """A name with escape sequences does not reach the terminal as it is."""
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed):
        assert command.main(["resume", str(folder / "\x1b[2Jrun")]) == 2
        output.write_error("a\x1b[31m")
    assert all(one.isprintable() or one == "\n" for one in printed.getvalue())


def plain_pages(folder: Path) -> None:
    """A name with tags, and a reason with them, are text of a page of Markdown."""
    card = ReferenceCard(
        data="<b>", digest="", split="test", samples=4, held_out=4, train=4, seed=0, extractor="", accuracy=None
    )
    assert "<" not in Report("<i>", 3, card, {}, {"fid": "<u>"}, {}, 1.0).markdown()


CHECKS: dict[str, Callable[[Path], object]] = {
    "power": power_cuts.one_save,
    "prune": checkpoint_checks.keep_the_newest_good_ones,
    "best": checkpoint_checks.keep_the_best_one,
    "damage": damage,
    "resume": resume,
    "watching": watching,
    "trial": trial,
    "finite": finite,
    "left": left,
    "whole steps": whole_steps,
    "stopped": stopped,
    "budget": budget,
    "alone": alone,
    "nothing runs": nothing_runs,
    "renamed": directory_checks.a_renamed_run_and_its_successor,
    "links": directory_checks.a_link_out_of_a_run,
    "lock file": directory_checks.a_removed_lock,
    "reader": directory_checks.a_slow_reader,
    "pruned": directory_checks.a_checkpoint_pruned_while_it_is_read,
    "appears": directory_checks.a_file_that_appears,
    "seal": seal,
    "pixels": pixels,
    "id": extractor_id,
    "held out": held_out,
    "plain text": plain_text,
    "plain pages": plain_pages,
}
CAUGHT = (AssertionError, AdvnetsError, OSError, pytest.fail.Exception)


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_passes_without_a_saboteur(check: str, tmp_path: Path) -> None:
    CHECKS[check](tmp_path)


@pytest.mark.parametrize("name", SABOTEURS)
def test_a_saboteur_is_caught(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sabotage, check = SABOTEURS[name]
    sabotage(monkeypatch)
    with pytest.raises(CAUGHT) as caught:
        CHECKS[check](tmp_path)
    print(f"{name}: {caught.type.__name__}: {str(caught.value)[:100]}")
