"""The file that finished units are kept in: results/table-<data>.json, there whole or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from filelock import FileLock

from advnets import runs
from advnets.errors import BadInput, Damaged, Missing
from advnets.records import parse_record
from advnets.studies.table.records import Control, TrainedUnit


@dataclass(frozen=True)
class TableResults:
    """Units and controls of one data set.

    data, digest: its name, and which data they were. units: in the order that they were finished.
    """

    data: str
    digest: str
    units: tuple[TrainedUnit, ...] = ()
    controls: Mapping[str, Control] = field(default_factory=dict)

    def unit(self, row: str, seed: int) -> TrainedUnit | None:
        """The finished unit of a row and a seed; None if there is none."""
        return next((unit for unit in self.units if (unit.row, unit.seed) == (row, seed)), None)

    def of_row(self, row: str) -> list[TrainedUnit]:
        """The units of a row, by seed."""
        return sorted((unit for unit in self.units if unit.row == row), key=lambda unit: unit.seed)

    def with_unit(self, unit: TrainedUnit) -> "TableResults":
        """With one more; the unit of that row and seed that is there already stays."""
        return self if self.unit(unit.row, unit.seed) else replace(self, units=(*self.units, unit))

    def with_control(self, name: str, control: Control) -> "TableResults":
        """With one more; the control of that name that is there already stays."""
        return replace(self, controls={name: control, **self.controls})


@dataclass(frozen=True)
class TableFile:
    """Where results are kept. lock: a file that one writer at a time holds, so that two processes lose nothing."""

    path: Path
    lock: Path

    def read(self) -> TableResults:
        """What is there. Raises Missing, or Damaged naming the file, which is left as it is."""
        value = runs.read_json(self.path)
        try:
            return parse_record(TableResults, value, what="results")
        except BadInput as error:
            advice = "Nothing was written; mend it or move it away, or name another file with --results."
            raise Damaged(f"{self.path} does not hold results of a table: {error}. {advice}") from error

    def open(self, data: str, digest: str) -> TableResults:
        """What is there, or results without units; raises BadInput if they are of other data."""
        try:
            held = self.read()
        except Missing:
            return TableResults(data, digest)
        if (held.data, held.digest) != (data, digest):
            raise BadInput(
                f"{self.path} holds results of {held.data} ({held.digest[:12]}), expected {data} ({digest[:12]}). Name "
                "another file with --results, and another folder with --runs."
            )
        return held

    def add(self, data: str, digest: str, found: Mapping[str, Control] | TrainedUnit) -> TableResults:
        """Add a unit or controls to what other processes may have added meanwhile."""
        with self._alone():
            held = self.open(data, digest)
            if isinstance(found, TrainedUnit):
                held = held.with_unit(found)
            else:
                for name, control in found.items():
                    held = held.with_control(name, control)
            runs.make_folder(self.path.parent)
            runs.write_json(self.path, asdict(held))
        return held

    @contextmanager
    def _alone(self) -> Iterator[None]:
        runs.make_folder(self.lock.parent)
        with FileLock(self.lock):
            yield
