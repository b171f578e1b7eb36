"""What a study of canaries measured: the units of one data set, and what was detected."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from advnets.assessment import MEASURES
from advnets.studies.canaries.damage import DAMAGES
from advnets.studies.canaries.detection import CLEAN, Detection, MeasuredSamples, MeasureReading, judge_reading


@dataclass(frozen=True)
class CanaryResults:
    """Units of one data set, all measured by one protocol.

    Attributes:
        data: Name of the data set.
        digest: Its digest.
        n: Number of samples of a unit.
        seed: Seed of the re-splits and of the damage.
        extractor: Id of the extractor that the measures use.
        units: The units, in the order in which they were measured.
    """

    data: str
    digest: str
    n: int
    seed: int
    extractor: str
    units: tuple[MeasuredSamples, ...] = ()

    @property
    def protocol(self) -> Mapping[str, object]:
        """All fields but the units."""
        return {name: value for name, value in asdict(replace(self, units=())).items() if name != "units"}

    def merge(self, other: "CanaryResults") -> "CanaryResults":
        """Return these units and those of another that are not there yet; what is there stays.

        Args:
            other: Results of the same protocol.

        Returns:
            Both together.
        """
        new = [unit for unit in other.units if self.find_unit(unit.damage, unit.strength, unit.split) is None]
        return replace(self, units=(*self.units, *new))

    def find_unit(self, damage: str, strength: float, split: int) -> MeasuredSamples | None:
        """Return the unit of a damage, a strength and a re-split.

        Args:
            damage: A row of DAMAGES, or CLEAN.
            strength: Strength of the damage; 0 for clean samples.
            split: Number of the re-split.

        Returns:
            The unit, None if there is none.
        """
        wanted = (damage, strength, split)
        return next((unit for unit in self.units if (unit.damage, unit.strength, unit.split) == wanted), None)

    @property
    def measures(self) -> list[str]:
        """The measures that have a reading: those of MEASURES in its order, then others."""
        found = dict.fromkeys(name for unit in self.units for name in unit.readings)
        return [name for name in MEASURES if name in found] + [name for name in found if name not in MEASURES]

    @property
    def damages(self) -> list[str]:
        """The damages that were done: those of DAMAGES in its order, then others."""
        found = dict.fromkeys(unit.damage for unit in self.units if unit.damage != CLEAN)
        return [name for name in DAMAGES if name in found] + [name for name in found if name not in DAMAGES]

    def clean_readings(self, measure: str) -> list[MeasureReading]:
        """Return the readings of a measure on clean samples.

        Args:
            measure: Name of the measure.

        Returns:
            The readings, by number of the re-split.
        """
        units = sorted((unit for unit in self.units if unit.damage == CLEAN), key=lambda unit: unit.split)
        return [unit.readings[measure] for unit in units if measure in unit.readings]

    def detections(self, measure: str, damage: str) -> list[tuple[float, Detection | None]]:
        """Return whether a measure detects a damage, at each strength.

        Args:
            measure: Name of the measure.
            damage: A row of DAMAGES.

        Returns:
            (strength, detection) with the weakest strength first. Of several re-splits it is the detection with the
            largest p-value; None where the measure refused one, or there are too few clean samples.
        """
        clean = self.clean_readings(measure)
        units: dict[float, list[MeasuredSamples]] = {}
        for unit in self.units:
            if unit.damage == damage:
                units.setdefault(unit.strength, []).append(unit)
        ladder = list(DAMAGES[damage].strengths) if damage in DAMAGES else []
        rungs = [strength for strength in ladder if strength in units]
        rungs += [strength for strength in units if strength not in ladder]
        return [(strength, _least_detection(measure, units[strength], clean)) for strength in rungs]


def _least_detection(
    measure: str, units: Sequence[MeasuredSamples], clean: Sequence[MeasureReading]
) -> Detection | None:
    found = [judge_reading(unit.readings[measure], clean) for unit in units if measure in unit.readings]
    judged = [one for one in found if one is not None]
    return max(judged, key=lambda one: one.p_value) if len(judged) == len(units) else None
