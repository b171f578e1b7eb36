"""How a verb's words and flags become a frozen dataclass."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

import tyro

Arguments = TypeVar("Arguments")


def parse(kind: type[Arguments], argv: Sequence[str], *, verb: str, about: str, default: Any = None) -> Arguments:
    """The flags as a dataclass; prints help and exits with 0, or says what is wrong and exits with 2."""
    config = (tyro.conf.AvoidSubcommands, tyro.conf.FlagCreatePairsOff)
    given = {} if default is None else {"default": default}
    parsed: Arguments = tyro.cli(
        kind, args=list(argv), prog=f"advnets {verb}", description=about, config=config, **given
    )
    return parsed


def print_result(value: Any, *, as_json: bool, text: str) -> None:
    """Print a result: as one JSON document, or as text."""
    print(json.dumps(value, indent=2) if as_json else text)


def split_words(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split leading words from the flags that follow them."""
    cut = next((place for place, word in enumerate(argv) if word.startswith("-")), len(argv))
    return list(argv[:cut]), list(argv[cut:])
