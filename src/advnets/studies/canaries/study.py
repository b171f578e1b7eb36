"""The study of canaries: clean samples of several re-splits are measured, then each damage at each strength."""

import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from advnets import data
from advnets.data import Dataset
from advnets.errors import BadInput, Unsupported, unknown
from advnets.statistics import Estimate
from advnets.studies.canaries.battery import Battery, MeasureSamples, default_battery
from advnets.studies.canaries.damage import DAMAGES, CleanImages
from advnets.studies.canaries.detection import CLEAN, MeasuredSamples, MeasureReading
from advnets.studies.canaries.resplit import default_size, draw_resplit
from advnets.studies.canaries.results import CanaryResults
from advnets.studies.results_file import ResultsFile

MAX_STEM = 100
"""Bytes of the data's name in that of the file of results; a disk may allow 143."""
MOST_CLEAN = 10_000
"""The most re-splits without damage; each takes seconds or minutes."""

CLEAN_FROM = 1000
"""Re-splits with clean samples are numbered from here on, those with damaged samples from 0, so that they are
independent of each other, whatever is asked for."""


class SampleSet(NamedTuple):
    """Which samples are measured.

    Attributes:
        damage: A row of DAMAGES, or CLEAN.
        strength: Strength of the damage; 0 for clean samples.
        split: Number of the re-split.
    """

    damage: str
    strength: float
    split: int

    def __str__(self) -> str:
        name = self.damage if self.damage == CLEAN else f"{self.damage} {self.strength:g}"
        return f"{name}, re-split {self.split}"


@dataclass(frozen=True)
class CanaryProgress:
    """How far a study has come.

    Attributes:
        what: The samples that are measured now.
        done: Number of sets of samples that are finished.
        of: Number of all sets.
        seconds_left: Estimate of the seconds until all are finished; None before the first one is.
        results: The file that results are added to.
    """

    what: str
    done: int
    of: int
    seconds_left: float | None
    results: Path


@dataclass(frozen=True)
class CanaryStudy:
    """A study of one data set: which measures detect which damage to its real images.

    Attributes:
        data: Data set of images, by name or path.
        data_dir: Folder where data sets are looked for first.
        damages: Damages to be done, between commas; by default all that the data allow.
        clean: Number of re-splits whose samples are measured without damage, 3 or more.
        repeats: Number of re-splits whose samples are damaged. A measure has to detect the damage in all of them, since
            one re-split may be odd by chance.
        n: Number of samples; by default a fifth of the images, at most 5,000.
        seed: Seed of the re-splits and of the damage.
        results: FILE.json that results are added to; by default results/canaries-DATA.json, or canaries-DATA-2.json and
            so on where that file holds results that were measured otherwise, as on another machine.

    Raises:
        BadInput: If a damage is unknown, or a number out of range.
    """

    data: str = "digits"
    data_dir: str | None = None
    damages: str | None = None
    clean: int = 20
    repeats: int = 2
    n: int | None = None
    seed: int = 0
    results: str | None = None

    def __post_init__(self) -> None:
        if type(self.clean) is not int or not 3 <= self.clean <= MOST_CLEAN:
            raise BadInput(
                f"clean is {self.clean!r}; expected a number of re-splits from 3, since their spread is needed, to "
                f"{MOST_CLEAN:,}"
            )
        if type(self.repeats) is not int or not 1 <= self.repeats <= CLEAN_FROM:
            raise BadInput(f"repeats is {self.repeats!r}; expected a number of re-splits from 1 to {CLEAN_FROM}")
        if type(self.seed) is not int or self.seed < 0:
            raise BadInput(f"seed is {self.seed!r}; expected a whole number of at least 0")
        for name in self._damage_names:
            if name not in DAMAGES:
                raise unknown("damage", name, DAMAGES)

    @cached_property
    def dataset(self) -> Dataset:
        """The data set.

        Raises:
            Unsupported: If it holds points.
        """
        dataset = data.load(self.data, self.data_dir)
        if not dataset.is_image:
            raise Unsupported(f"{self.data} holds points, and damage is done to images. Name a data set of images.")
        return dataset

    @property
    def results_file(self) -> ResultsFile[CanaryResults]:
        """The file that results are added to, unless it is the default and holds others."""
        stem = Path(self.data).name.replace(" ", "-").encode(errors="replace")[:MAX_STEM].decode(errors="ignore")
        return ResultsFile(Path(self.results or f"results/canaries-{stem}.json"), CanaryResults)

    @property
    def sample_sets(self) -> list[SampleSet]:
        """All sets of samples, the clean ones first, then one re-split after the other.

        Raises:
            BadInput: If a damage needs labels and the data have none.
        """
        possible = [name for name, row in DAMAGES.items() if self.dataset.classes or not row.needs_labels]
        named = self._damage_names or possible
        if impossible := [name for name in named if name not in possible]:
            raise BadInput(
                f"{impossible[0]}: found {self.data} without labels, expected labels. Leave it out of --damages."
            )
        rungs = [(name, strength) for name in named for strength in DAMAGES[name].strengths]
        clean = [SampleSet(CLEAN, 0.0, CLEAN_FROM + number) for number in range(self.clean)]
        return clean + [SampleSet(*rung, number) for number in range(self.repeats) for rung in rungs]

    def run(self, battery: Callable[[Dataset], Battery] | None = None) -> Iterator[CanaryProgress]:
        """Measure what the results lack; what is finished stays in the results file whatever happens then.

        Args:
            battery: Builds the measures for a data set; by default all that `advnets evaluate` takes of images.

        Yields:
            How far the study has come, before each set of samples and at the end.

        Raises:
            BadInput: If the results are of another protocol, or the data cannot be re-split so.
        """
        n = default_size(self.dataset) if self.n is None else self.n
        measures = (battery or default_battery)(self.dataset)
        empty = CanaryResults(self.dataset.name, self.dataset.digest, n, self.seed, measures.extractor)
        file = self.results_file if self.results else self.results_file.free_for(empty)
        found = file.read_or(empty)
        missing = [each for each in self.sample_sets if found.find_unit(*each) is None]
        of, began, split = len(self.sample_sets), time.monotonic(), -1
        for done, each in enumerate(missing):
            left = (time.monotonic() - began) / done * (len(missing) - done) if done else None
            yield CanaryProgress(str(each), of - len(missing) + done, of, left, file.path)
            if each.split != split:
                split, drawn = each.split, draw_resplit(self.dataset, n, seed=self.seed, number=each.split)
                measure = measures.prepare(drawn)
            unit = self._measure_damaged(drawn.clean, measure, each)
            file.add(replace(empty, units=(unit,)))
        yield CanaryProgress("done", of, of, 0.0, file.path)

    def _measure_damaged(self, clean: CleanImages, measure: MeasureSamples, which: SampleSet) -> MeasuredSamples:
        """Damage samples and measure them; some draws cannot be damaged so, as where one class is most of them."""
        try:
            samples = damage_images(clean, which.damage, which.strength, seed=(self.seed, which.split))
        except BadInput as error:
            return MeasuredSamples(*which, 0.0, {}, {which.damage: str(error)})
        return _measure(samples, measure, which)

    @property
    def _damage_names(self) -> list[str]:
        return [] if self.damages is None else [name.strip() for name in self.damages.split(",")]


def damage_images(clean: CleanImages, damage: str, strength: float, *, seed: tuple[int, ...]) -> Tensor:
    """Damage samples; with one seed all strengths of a damage have the same random numbers.

    Args:
        clean: The images, and what damage is done with.
        damage: A row of DAMAGES, or CLEAN.
        strength: Strength of the damage.
        seed: Seed of the random numbers, one or more whole numbers.

    Returns:
        The damaged samples, (n, c, h, w) uint8.
    """
    if damage == CLEAN:
        return clean.images
    rng = np.random.default_rng([*seed, zlib.crc32(damage.encode())])
    return DAMAGES[damage].act(clean, strength, rng)


def _measure(samples: Tensor, measure: MeasureSamples, which: SampleSet) -> MeasuredSamples:
    began = time.monotonic()
    found = measure(samples)
    readings = {
        name: MeasureReading(one.value, one.error, one.p_value)
        for name, one in found.items()
        if isinstance(one, Estimate)
    }
    refused = {name: one for name, one in found.items() if isinstance(one, str)}
    return MeasuredSamples(*which, round(time.monotonic() - began, 2), readings, refused)
