"""The file that a study adds its results to: it is there whole or not at all, and has one writer at a time."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from filelock import FileLock

from advnets import runs
from advnets.errors import BadInput, CannotWrite, Damaged, Missing, keep_result
from advnets.records import parse_record
from advnets.runs.files import cannot_write


class Results(Protocol):
    """The results of a study: a frozen dataclass that is stored as JSON."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def protocol(self) -> Mapping[str, object]:
        """What must be the same of all results of one file, by name, such as the data."""

    def merge(self, other: Self) -> Self:
        """Return these results and those of another that are not there yet; what is there stays.

        Args:
            other: Results of the same protocol.

        Returns:
            Both together.
        """


Kind = TypeVar("Kind", bound=Results)


@dataclass(frozen=True)
class ResultsFile(Generic[Kind]):
    """A JSON file of results.

    Attributes:
        path: Path of the file.
        kind: Class of the results.
    """

    path: Path
    kind: type[Kind]

    def read(self) -> Kind:
        """Return the results in the file.

        Raises:
            Missing: If there is no file.
            Damaged: If it does not hold such results; it is left as it is.
        """
        value = runs.read_json(self.path)
        try:
            return parse_record(self.kind, value, what="results")
        except BadInput as error:
            raise Damaged(
                f"{self.path} does not hold results of this study: {error}. Nothing was written. Mend the file, move "
                "it away, or name another one with --results."
            ) from error

    def read_or(self, empty: Kind) -> Kind:
        """Return the results in the file, or others if there is no file.

        Args:
            empty: Results of the protocol that is asked for.

        Returns:
            The results.

        Raises:
            BadInput: If the file holds results of another protocol.
            Damaged: If it does not hold such results; it is left as it is.
        """
        try:
            found = self.read()
        except Missing:
            return empty
        if differences := _differences(found, empty):
            raise BadInput(
                f"{self.path} holds results that were measured otherwise: {'; '.join(differences)}. Name another file "
                "with --results, or ask for the same."
            )
        return found

    def free_for(self, empty: Kind) -> "ResultsFile[Kind]":
        """Return this file, or, where it holds results of another protocol, the next one by number that does not.

        The names are FILE.json, FILE-2.json, FILE-3.json and so on.

        Args:
            empty: Results of the protocol that is asked for.

        Returns:
            The file.

        Raises:
            Damaged: If a file on the way does not hold such results.
        """
        file, number = self, 1
        while file.path.exists() and _differences(file.read(), empty):
            number += 1
            file = replace(self, path=self.path.with_stem(f"{self.path.stem}-{number}"))
        return file

    def add(self, new: Kind) -> Kind:
        """Add results to the file, and to what other processes may have added meanwhile.

        Args:
            new: Results of the same protocol as those in the file.

        Returns:
            All results in the file.

        Raises:
            BadInput: If the file holds results of another protocol.
            Damaged: If it does not hold such results; it is left as it is.
            CannotWrite: If the disk fails or is full; its `result` is what the file would hold.
        """
        together = new
        try:
            runs.make_folder(self.path.parent)
            with FileLock(self.path.with_name(f".{self.path.name}.lock")):
                together = self.read_or(new).merge(new)
                runs.write_json(self.path, asdict(together))
        except OSError as error:
            with keep_result(together):
                raise cannot_write(self.path, error) from error
        except CannotWrite as error:
            error.result = together
            raise
        return together


def _differences(found: Results, asked: Results) -> list[str]:
    """What of the protocol of the results is not what is asked for."""
    return [
        f"{name} is {found.protocol[name]!r}, expected {expected!r}"
        for name, expected in asked.protocol.items()
        if found.protocol[name] != expected
    ]
