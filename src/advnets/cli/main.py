"""The command: a static table of verbs, each loaded when it is called."""

import os
import sys
from importlib import import_module

from advnets.errors import AdvnetsError, NonFinite, ProcessLost, unknown

VERBS = {
    "train": "train a recipe on a data set",
    "resume": "train a run on from its newest good checkpoint",
    "sample": "draw samples from a run or a share file, as FILE.png, FILE.npz or FOLDER/",
    "evaluate": "measure samples of a run, a share file or a folder, with errors and verdicts",
    "compare": "compare runs, files or groups of seeds: what differs, and what does not",
    "export": "write a run's generator as one share file",
    "figures": "draw the 2014 paper's figures, and saturation",
    "helvetica": "collapse G against a frozen D, and bring it back by Algorithm 1",
    "canaries": "damage real images on purpose: which measures notice what",
    "table": "the 2014 paper's Table 1: train its models, measure them beside controls",
    "recipes": "list the recipes, or show one",
    "data": "list the data sets, or describe one",
}

CODES = {NonFinite: 3, ProcessLost: 4}

HELP = """usage: advnets VERB ...

Train, watch, measure and ship generative adversarial nets.

verbs:
{verbs}

advnets VERB --help tells more. Exit codes: 0 done, 2 bad input, 3 a NaN or an Inf, 4 another process of the run was
lost, 130 and 143 stopped by a signal (the run is saved and can be resumed).

  advnets train paper-adam --data digits --minutes 1
  advnets sample runs/... --out grid.png
  advnets evaluate runs/...
"""


def help_text() -> str:
    """What `advnets --help` prints."""
    return HELP.format(verbs="\n".join(f"  {verb:<10}{about}" for verb, about in VERBS.items()))


def main(arguments: list[str]) -> int:
    """Run one command; returns its exit code."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(help_text(), end="")
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(f"advnets {import_module('advnets').__version__}")
        return 0
    # Waiting threads sleep after some microseconds of spinning: no slower, and a busy machine stays usable.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    try:
        if arguments[0] not in VERBS:
            raise unknown("verb", arguments[0], VERBS)
        code: int = import_module(f"advnets.cli.{arguments[0]}").main(arguments[1:])
        return code
    except AdvnetsError as error:
        print(f"advnets{_which()}: {error}", file=sys.stderr)
        return next((code for kind, code in CODES.items() if isinstance(error, kind)), 2)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _which() -> str:
    alone = os.environ.get("WORLD_SIZE", "1") == "1"
    return "" if alone else f" (rank {os.environ.get('RANK', '?')} of {os.environ['WORLD_SIZE']})"


def run() -> None:
    """The entry point of the installed command."""
    sys.exit(main(sys.argv[1:]))
