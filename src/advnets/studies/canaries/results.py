"""The file that units are kept in: results/canaries-<data>.json, there whole or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock

from advnets import runs
from advnets.assessment import MEASURES
from advnets.errors import BadInput, Damaged, Missing
from advnets.records import parse_record
from advnets.studies.canaries.damage import DAMAGES
from advnets.studies.canaries.detection import CLEAN, Detection, MeasuredSamples, MeasureReading, verdict


@dataclass(frozen=True)
class CanaryResults:
    """Units of one data set, all by one protocol.

    data, digest: its name, and which data they were. n: samples of a unit. seed: of the re-splits and the damage.
    extractor: id of what looked at the images. units: in the order that they were measured.
    """

    data: str
    digest: str
    n: int
    seed: int
    extractor: str
    units: tuple[MeasuredSamples, ...] = ()

    def unit(self, damage: str, strength: float, split: int) -> MeasuredSamples | None:
        """The unit of a damage, a strength and a re-split; None if there is none."""
        asked = (damage, strength, split)
        return next((unit for unit in self.units if (unit.damage, unit.strength, unit.split) == asked), None)

    def with_unit(self, unit: MeasuredSamples) -> "CanaryResults":
        """With one more; the one that is there already stays."""
        return self if self.unit(unit.damage, unit.strength, unit.split) else replace(self, units=(*self.units, unit))

    @property
    def measures(self) -> list[str]:
        """Every measure that said something: those of MEASURES in its order, then others."""
        said = dict.fromkeys(name for unit in self.units for name in unit.readings)
        return [name for name in MEASURES if name in said] + [name for name in said if name not in MEASURES]

    @property
    def damages(self) -> list[str]:
        """Every damage that was done: those of DAMAGES in its order, then others."""
        done = dict.fromkeys(unit.damage for unit in self.units if unit.damage != CLEAN)
        return [name for name in DAMAGES if name in done] + [name for name in done if name not in DAMAGES]

    def clean(self, measure: str) -> list[MeasureReading]:
        """What a measure said of clean samples, by re-split."""
        units = sorted((unit for unit in self.units if unit.damage == CLEAN), key=lambda unit: unit.split)
        return [unit.readings[measure] for unit in units if measure in unit.readings]

    def verdicts(self, measure: str, damage: str) -> list[tuple[float, Detection | None]]:
        """(strength, verdict) of a measure on a damage, the weakest first.

        Of several re-splits the verdict that notices least; None where it refused one, or cannot be told.
        """
        clean = self.clean(measure)
        units: dict[float, list[MeasuredSamples]] = {}
        for unit in self.units:
            if unit.damage == damage:
                units.setdefault(unit.strength, []).append(unit)
        ladder = list(DAMAGES[damage].strengths) if damage in DAMAGES else []
        rungs = [strength for strength in ladder if strength in units]
        rungs += [strength for strength in units if strength not in ladder]
        return [(strength, _least(measure, units[strength], clean)) for strength in rungs]


@dataclass(frozen=True)
class CanaryFile:
    """Where results are kept, one writer at a time."""

    path: Path

    def read(self) -> CanaryResults:
        """What is there. Raises Missing, or Damaged naming the file, which is left as it is."""
        value = runs.read_json(self.path)
        try:
            return parse_record(CanaryResults, value, what="results")
        except BadInput as error:
            advice = "Nothing was written; mend it or move it away, or name another file with --results."
            raise Damaged(f"{self.path} does not hold results of canaries: {error}. {advice}") from error

    def open(self, asked: CanaryResults) -> CanaryResults:
        """What is there, or `asked`, which has no units; raises BadInput if what is there was measured otherwise."""
        try:
            held = self.read()
        except Missing:
            return asked
        other = _differences(held, asked)
        if other:
            raise BadInput(
                f"{self.path} holds results of another protocol ({other}), and cannot be added to. Name another file "
                "with --results, or ask for the same."
            )
        return held

    def add(self, asked: CanaryResults, units: Sequence[MeasuredSamples]) -> CanaryResults:
        """Add units to what other processes may have added meanwhile."""
        with self._alone():
            held = self.open(asked)
            for unit in units:
                held = held.with_unit(unit)
            runs.write_json(self.path, asdict(held))
        return held

    @contextmanager
    def _alone(self) -> Iterator[None]:
        runs.make_folder(self.path.parent)
        with FileLock(self.path.with_name(f".{self.path.name}.lock")):
            yield


def _least(measure: str, units: Sequence[MeasuredSamples], clean: Sequence[MeasureReading]) -> Detection | None:
    found = [verdict(unit.readings[measure], clean) for unit in units if measure in unit.readings]
    told = [one for one in found if one is not None]
    return max(told, key=lambda one: one.p_value) if len(told) == len(units) else None


def _differences(held: CanaryResults, asked: CanaryResults) -> str:
    mine: Mapping[str, object] = {**asdict(held), "units": ()}
    others: Mapping[str, object] = {**asdict(asked), "units": ()}
    return "; ".join(f"{key}: {mine[key]!r}, asked for {others[key]!r}" for key in mine if mine[key] != others[key])
