"""The study: clean samples of several re-splits, then each damage at each strength, every set measured and kept."""

import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from torch import Tensor

from advnets import data
from advnets.data import Dataset
from advnets.errors import BadInput, Unsupported, unknown
from advnets.metrics import Estimate
from advnets.studies.canaries.battery import Battery, Look, usual_battery
from advnets.studies.canaries.damage import DAMAGES
from advnets.studies.canaries.noticing import CLEAN, Reading, Unit
from advnets.studies.canaries.resplit import Resplit, resplit, usual_size
from advnets.studies.canaries.results import Keeper, Results

DAMAGED_SPLIT = 0
"""Number of the re-split whose samples are damaged; clean ones are those from 1 on, so that they are independent."""


@dataclass(frozen=True)
class Event:
    """What is told on the way: which unit is measured now, how many are finished, seconds until all are, if known."""

    what: str
    done: int
    of: int
    seconds_left: float | None


@dataclass(frozen=True)
class Canaries:
    """A study of one data set.

    data, data_dir: as in Settings. damages: rows of DAMAGES between commas, None for all that the data allow.
    clean: re-splits whose samples are left as they are. n: samples, None for `usual_size`. seed: of re-splits and
    damage. results: where units are kept, None for results/canaries-<data>.json. battery: what measures, None for all
    that `advnets evaluate` measures.
    Raises BadInput for an unknown damage and for numbers that cannot be.
    """

    data: str = "digits"
    data_dir: str | None = None
    damages: str | None = None
    clean: int = 20
    n: int | None = None
    seed: int = 0
    results: str | None = None
    battery: Callable[[Dataset], Battery] | None = None

    def __post_init__(self) -> None:
        if type(self.clean) is not int or self.clean < 3:
            raise BadInput(f"clean is {self.clean!r}; expected how many re-splits, 3 or more: their spread is needed")
        if type(self.seed) is not int or self.seed < 0:
            raise BadInput(f"seed is {self.seed!r}; expected a whole number of at least 0")
        for name in self._named:
            if name not in DAMAGES:
                raise unknown("damage", name, DAMAGES)

    @cached_property
    def dataset(self) -> Dataset:
        """The data. Raises Unsupported for points."""
        dataset = data.load(self.data, self.data_dir)
        if not dataset.is_image:
            raise Unsupported(f"{self.data} holds points; damage is done to images. Name a data set of images.")
        return dataset

    @property
    def keeper(self) -> Keeper:
        """Where results are."""
        stem = Path(self.data).name.replace(" ", "-")
        return Keeper(Path(self.results or f"results/canaries-{stem}.json"))

    @property
    def units(self) -> list[tuple[str, float, int]]:
        """(damage, strength, re-split) of every unit, clean ones first."""
        named = self._named or [name for name, row in DAMAGES.items() if self.dataset.classes or not row.needs_labels]
        damaged = [(name, strength, DAMAGED_SPLIT) for name in named for strength in DAMAGES[name].strengths]
        return [(CLEAN, 0.0, number) for number in range(1, self.clean + 1)] + damaged

    def fill(self) -> Iterator[Event]:
        """Measure what the results lack, telling of it on the way; what is finished is kept whatever happens then.

        Raises BadInput if the results are of another protocol, and what re-splits and measures raise.
        """
        n = usual_size(self.dataset) if self.n is None else self.n
        battery = (self.battery or usual_battery)(self.dataset)
        asked = Results(self.dataset.name, self.dataset.digest, n, self.seed, battery.extractor)
        held = self.keeper.open(asked)
        missing = [unit for unit in self.units if held.unit(*unit) is None]
        began, measure, drawn = time.monotonic(), None, None
        for done, (damage, strength, number) in enumerate(missing):
            left = (time.monotonic() - began) / done * (len(missing) - done) if done else None
            what = f"{damage}, re-split {number}" if damage == CLEAN else f"{damage} {strength:g}"
            yield Event(what, len(self.units) - len(missing) + done, len(self.units), left)
            if drawn is None or drawn[0] != number:
                drawn = number, resplit(self.dataset, n, seed=self.seed, number=number)
                measure = battery.prepare(drawn[1])
            assert measure is not None
            samples = damaged(drawn[1], damage, strength, seed=self.seed)
            self.keeper.add(asked, [_measured(samples, measure, (damage, strength, number))])
        yield Event("done", len(self.units), len(self.units), 0.0)

    @property
    def _named(self) -> list[str]:
        return [name.strip() for name in (self.damages or "").split(",") if name.strip()]


def damaged(drawn: Resplit, damage: str, strength: float, *, seed: int) -> Tensor:
    """Samples of a re-split with that damage; all strengths of one damage have the same random numbers."""
    if damage == CLEAN:
        return drawn.clean.images
    rng = np.random.default_rng([seed, zlib.crc32(damage.encode())])
    return DAMAGES[damage].act(drawn.clean, strength, rng)


def _measured(samples: Tensor, look: Look, which: tuple[str, float, int]) -> Unit:
    began = time.monotonic()
    said = look(samples)
    readings = {
        name: Reading(one.value, one.error, one.p_value) for name, one in said.items() if isinstance(one, Estimate)
    }
    refused = {name: one for name, one in said.items() if isinstance(one, str)}
    return Unit(*which, round(time.monotonic() - began, 2), readings, refused)
