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
from advnets.statistics import Estimate
from advnets.studies.canaries.battery import Battery, Look, usual_battery
from advnets.studies.canaries.damage import DAMAGES, Clean
from advnets.studies.canaries.detection import CLEAN, MeasuredSamples, MeasureReading
from advnets.studies.canaries.resplit import resplit, usual_size
from advnets.studies.canaries.results import CanaryFile, CanaryResults

CLEAN_FROM = 1000
"""Re-splits whose samples are left as they are have numbers from here on, those whose samples are damaged from 0: so
that they are independent, whatever is asked for."""


@dataclass(frozen=True)
class CanaryProgress:
    """What is told on the way: which unit is measured now, how many are finished, seconds until all are, if known."""

    what: str
    done: int
    of: int
    seconds_left: float | None


@dataclass(frozen=True)
class Canaries:
    """A study of one data set.

    data, data_dir: as in Settings. damages: rows of DAMAGES between commas, None for all that the data allow.
    clean: re-splits whose samples are left as they are. repeats: re-splits whose samples are damaged, each by every
    damage: a measure has to notice it in all of them, for one may be odd by chance as it is. n: samples, None for
    `usual_size`. seed: of re-splits and damage. results: where units are kept, None for results/canaries-<data>.json.
    battery: what measures, None for all that `advnets evaluate` measures.
    Raises BadInput for an unknown damage and for numbers that cannot be.
    """

    data: str = "digits"
    data_dir: str | None = None
    damages: str | None = None
    clean: int = 20
    repeats: int = 2
    n: int | None = None
    seed: int = 0
    results: str | None = None
    battery: Callable[[Dataset], Battery] | None = None

    def __post_init__(self) -> None:
        if type(self.clean) is not int or self.clean < 3:
            raise BadInput(f"clean is {self.clean!r}; expected how many re-splits, 3 or more: their spread is needed")
        if type(self.repeats) is not int or not 1 <= self.repeats <= CLEAN_FROM:
            raise BadInput(f"repeats is {self.repeats!r}; expected how many re-splits to damage, 1 .. {CLEAN_FROM}")
        if type(self.seed) is not int or self.seed < 0:
            raise BadInput(f"seed is {self.seed!r}; expected a whole number of at least 0")
        for name in self._damage_names:
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
    def keeper(self) -> CanaryFile:
        """Where results are."""
        stem = Path(self.data).name.replace(" ", "-")
        return CanaryFile(Path(self.results or f"results/canaries-{stem}.json"))

    @property
    def units(self) -> list[tuple[str, float, int]]:
        """(damage, strength, re-split) of every unit, clean ones first, then re-split by re-split.

        Raises BadInput for a damage that asks for labels, of data that have none.
        """
        allowed = [name for name, row in DAMAGES.items() if self.dataset.classes or not row.needs_labels]
        named = self._damage_names or allowed
        if lacking := [name for name in named if name not in allowed]:
            raise BadInput(f"{lacking[0]}: found {self.data} without labels, expected some. Leave it out of --damages.")
        rungs = [(name, strength) for name in named for strength in DAMAGES[name].strengths]
        clean = [(CLEAN, 0.0, CLEAN_FROM + number) for number in range(self.clean)]
        return clean + [(*rung, number) for number in range(self.repeats) for rung in rungs]

    def fill(self) -> Iterator[CanaryProgress]:
        """Measure what the results lack, telling of it on the way; what is finished is kept whatever happens then.

        Raises BadInput if the results are of another protocol, and what re-splits and measures raise.
        """
        n = usual_size(self.dataset) if self.n is None else self.n
        battery = (self.battery or usual_battery)(self.dataset)
        asked = CanaryResults(self.dataset.name, self.dataset.digest, n, self.seed, battery.extractor)
        held = self.keeper.open(asked)
        missing = [unit for unit in self.units if held.unit(*unit) is None]
        began, measure, drawn = time.monotonic(), None, None
        for done, (damage, strength, number) in enumerate(missing):
            left = (time.monotonic() - began) / done * (len(missing) - done) if done else None
            what = damage if damage == CLEAN else f"{damage} {strength:g}"
            yield CanaryProgress(
                f"{what}, re-split {number}", len(self.units) - len(missing) + done, len(self.units), left
            )
            if drawn is None or drawn[0] != number:
                drawn = number, resplit(self.dataset, n, seed=self.seed, number=number)
                measure = battery.prepare(drawn[1])
            assert measure is not None
            self.keeper.add(asked, [self._unit(drawn[1].clean, measure, (damage, strength, number))])
        yield CanaryProgress("done", len(self.units), len(self.units), 0.0)

    def _unit(self, clean: Clean, measure: Look, which: tuple[str, float, int]) -> MeasuredSamples:
        """Samples damaged and measured; or why this draw cannot be damaged so, as where one class is most of it."""
        damage, strength, number = which
        try:
            samples = damage_images(clean, damage, strength, seed=(self.seed, number))
        except BadInput as error:
            return MeasuredSamples(*which, 0.0, {}, {damage: str(error)})
        return _measure(samples, measure, which)

    @property
    def _damage_names(self) -> list[str]:
        return [] if self.damages is None else [name.strip() for name in self.damages.split(",")]


def damage_images(clean: Clean, damage: str, strength: float, *, seed: tuple[int, ...]) -> Tensor:
    """Samples with that damage; one seed gives all strengths of a damage the same random numbers."""
    if damage == CLEAN:
        return clean.images
    rng = np.random.default_rng([*seed, zlib.crc32(damage.encode())])
    return DAMAGES[damage].act(clean, strength, rng)


def _measure(samples: Tensor, look: Look, which: tuple[str, float, int]) -> MeasuredSamples:
    began = time.monotonic()
    said = look(samples)
    readings = {
        name: MeasureReading(one.value, one.error, one.p_value)
        for name, one in said.items()
        if isinstance(one, Estimate)
    }
    refused = {name: one for name, one in said.items() if isinstance(one, str)}
    return MeasuredSamples(*which, round(time.monotonic() - began, 2), readings, refused)
