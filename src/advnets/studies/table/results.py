"""What the table of one data set is made of: the units that are finished, and the controls."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from advnets.studies.table.records import MeasuredControl, TrainedUnit


@dataclass(frozen=True)
class TableResults:
    """Units and controls of one data set.

    Attributes:
        data: Name of the data set.
        digest: Its digest.
        units: The units, in the order in which they were finished.
        controls: The controls, by name.
    """

    data: str
    digest: str
    units: tuple[TrainedUnit, ...] = ()
    controls: Mapping[str, MeasuredControl] = field(default_factory=dict)

    @property
    def protocol(self) -> Mapping[str, object]:
        """The data and their digest."""
        return {"data": self.data, "digest": self.digest}

    def merge(self, other: "TableResults") -> "TableResults":
        """Return these units and controls and those of another that are not there yet; what is there stays.

        Args:
            other: Results of the same data.

        Returns:
            Both together.
        """
        new = [unit for unit in other.units if self.find_unit(unit.row, unit.seed) is None]
        return replace(self, units=(*self.units, *new), controls={**other.controls, **self.controls})

    def find_unit(self, row: str, seed: int) -> TrainedUnit | None:
        """Return the finished unit of a row and a seed.

        Args:
            row: Name of the row's recipe.
            seed: The seed.

        Returns:
            The unit, None if there is none.
        """
        return next((unit for unit in self.units if (unit.row, unit.seed) == (row, seed)), None)

    def units_of_row(self, row: str) -> list[TrainedUnit]:
        """Return the units of a row.

        Args:
            row: Name of the row's recipe.

        Returns:
            The units, by seed.
        """
        return sorted((unit for unit in self.units if unit.row == row), key=lambda unit: unit.seed)
