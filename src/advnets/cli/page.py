"""The flags by which a study's tables are printed, or written as a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from advnets.cli.flags.arguments import print_result
from advnets.runs import expect_new, write_new


@dataclass(frozen=True)
class PageFlags:
    """Where the tables of a study go.

    Attributes:
        out: Write the tables as a page into this file; one that is there already is not overwritten.
        json: Print JSON.

    Raises:
        BadInput: If the file has another ending or is there already.
    """

    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE.md")] = None
    json: bool = False

    def __post_init__(self) -> None:
        if self.out is not None:
            expect_new(self.out, ".md", flag="--out")

    def show(self, value: Mapping[str, Any], *, text: str, markdown: str, kept: Path) -> None:
        """Write the page if one is asked for, and print the tables.

        Args:
            value: The tables as JSON.
            text: The tables as text.
            markdown: The tables as a page.
            kept: The file of the results that the tables show.

        Raises:
            BadInput: If something is at its path now.
            CannotWrite: If the page cannot be written.
        """
        try:
            if self.out is not None:
                write_new(self.out, markdown.encode())
        finally:  # what was measured is printed, even if it cannot be kept
            print_result(value, as_json=self.json, text=text, kept=kept)
