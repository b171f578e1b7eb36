"""advnets data [NAME|FILE.npz]: what can be trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

from advnets import data
from advnets.cli.arguments import parse, tell, words
from advnets.errors import BadInput

ABOUT = """List the data sets, or describe one: advnets data [NAME|FILE.npz]."""


@dataclass(frozen=True)
class Data:
    """Where to look, and how to print."""

    data_dir: str | None = None
    """Folder where data sets are looked for first."""
    json: bool = False
    """Print JSON."""


def main(argv: Sequence[str]) -> int:
    """List or describe."""
    names, flags = words(argv)
    asked = parse(Data, flags, verb="data [NAME|FILE.npz]", about=ABOUT)
    if len(names) > 1:
        raise BadInput(f"found {' '.join(names)!r}; expected one data set, or none")
    if not names:
        tell(list(data.DATASETS), as_json=asked.json, text="\n".join([*data.DATASETS, "FILE.npz"]))
        return 0
    told = data.describe(data.load(names[0], asked.data_dir))
    tell(told, as_json=asked.json, text="\n".join(f"{key:<18} {value}" for key, value in told.items()))
    return 0
