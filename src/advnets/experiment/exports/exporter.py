"""What a kind of file is that a generator can be exported as."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from advnets.experiment.model import Model

Notes = tuple[str, ...]
"""What the author of a file should know about it, one sentence each."""


@dataclass(frozen=True)
class Exporter:
    """A row of EXPORTERS.

    Attributes:
        about: What the file is, as a sentence of the command's help.
        write: Writes a model, whose card has the author's words and says whether numbers are stored in half precision.
            It raises BadInput if the place is taken or the model cannot be written like that, and writes nothing then.
        read: Reads the file as a model again; None where that cannot be.
        use: What is done with the file, a command in which {path} stands for it.
        takes_own_networks: Whether it can hold networks of one's own, which no row of NETWORKS describes.
    """

    about: str
    write: Callable[[Path, Model], Notes]
    read: Callable[[Path], Model] | None
    use: str
    takes_own_networks: bool = False


@dataclass(frozen=True)
class ExportedFile:
    """A file that was written.

    Attributes:
        path: The file.
        step: Step of the generator that it holds.
        notes: What its author should know about it.
        use: What is done with it; {path} stands for its path.
    """

    path: Path
    step: int
    notes: Notes
    use: str
