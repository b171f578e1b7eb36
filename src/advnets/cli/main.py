"""The command: a static table of verbs, each loaded when it is called."""

import os
import sys
from importlib import import_module

from advnets.errors import AdvnetsError, NonFinite, ProcessLost, unknown

VERBS = {
    "train": "train a recipe on a data set",
    "resume": "train a run on, from its newest good checkpoint",
    "sample": "draw samples from a run, a share file or a model that ships",
    "evaluate": "measure samples of a run, a file or a folder, with errors and verdicts",
    "compare": "compare runs, files or groups of seeds: which differences are real",
    "export": "write a run's generator as one file, to be given away",
    "figures": "draw the 2014 paper's figures",
    "helvetica": "let a generator collapse, and bring it back by Algorithm 1",
    "canaries": "damage real images on purpose, to see which measures notice",
    "table": "train the models of the 2014 paper's Table 1, and measure them beside controls",
    "recipes": "list the recipes, or show one",
    "data": "list the data sets, or describe one",
}

CODES = {NonFinite: 3, ProcessLost: 4}

HELP = """usage: advnets VERB ...

Train, watch, measure and ship generative adversarial networks.

verbs:
{verbs}

`advnets VERB --help` shows the flags of a verb. The first three commands to try:

  advnets train paper-adam --data digits --minutes 1
  advnets sample runs/... --out grid.png
  advnets evaluate runs/...

exit codes:
  0         all is done
  2         something in the input is wrong
  3         a NaN or an Inf stopped the training
  4         another process of the run was lost
  130, 143  a signal stopped the run, which is saved and can be resumed
"""


def help_text() -> str:
    """Return what `advnets --help` prints."""
    return HELP.format(verbs="\n".join(f"  {verb:<10}{about}" for verb, about in VERBS.items()))


def main(arguments: list[str]) -> int:
    """Run one command.

    Args:
        arguments: The words of the command line after `advnets`.

    Returns:
        The exit status.
    """
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
