"""The command: a static table of verbs, each loaded when it is called."""

import os
import sys
from importlib import import_module

from advnets.cli.output import close_streams, open_streams, write_error, write_output
from advnets.errors import AdvnetsError, NonFinite, ProcessLost, unknown
from advnets.text import escape

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
  2         something in the input is wrong, or a result can be written nowhere
  3         a NaN or an Inf stopped the training
  4         another process of the run was lost
  130, 143  a signal stopped the run, which is saved and can be resumed
  141       the reader of standard output went away, and the result is in no file
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
    try:
        return _run_verb(arguments)
    except AdvnetsError as error:
        write_error(f"advnets{_which()}: {error}")
        return next((code for kind, code in CODES.items() if isinstance(error, kind)), 2)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141
    except OSError as error:
        where = f"{escape(str(error.filename))}: " if error.filename else ""
        write_error(f"advnets{_which()}: {where}{escape(error.strerror or str(error))}")
        return 2
    except MemoryError:
        write_error(f"advnets{_which()}: this needs more memory than there is. Ask for fewer or smaller samples.")
        return 2


def _run_verb(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        write_output(help_text().rstrip())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        write_output(f"advnets {import_module('advnets').__version__}")
        return 0
    # Waiting threads sleep after some microseconds of spinning: no slower, and a busy machine stays usable.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    if arguments[0] not in VERBS:
        raise unknown("verb", arguments[0], VERBS)
    code: int = import_module(f"advnets.cli.{arguments[0]}").main(arguments[1:])
    return code


def _which() -> str:
    """Which of several processes speaks."""
    processes = os.environ.get("WORLD_SIZE") or "1"
    return "" if processes == "1" else escape(f" (rank {os.environ.get('RANK', '?')} of {processes})")


def run() -> None:
    """The entry point of the installed command."""
    open_streams()
    try:
        code = main(sys.argv[1:])
    finally:
        close_streams()
    sys.exit(code)
