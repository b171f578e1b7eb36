"""The command: a static table of verbs, each loaded when it is called."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from importlib import import_module
from io import StringIO
from types import ModuleType
from typing import Any

from advnets import process
from advnets.cli.flags.completion import SHELLS, format_completion
from advnets.cli.output import READER_GONE, close_streams, open_streams, write_error, write_output
from advnets.errors import AdvnetsError, BadInput, Collapsed, NonFinite, ProcessLost, unknown
from advnets.text import escape

VERBS = {
    "train": "train a recipe on a data set",
    "watch": "show the runs of a folder in a browser, live",
    "resume": "train a run on, from its newest good checkpoint",
    "sample": "draw samples from a run, a share file or a model that ships",
    "translate": "translate images by a run or a share file that is given images",
    "evaluate": "measure samples of a run, a file or a folder, with errors and verdicts",
    "diagnose": "say what is wrong with a training, by which number, and what to change",
    "compare": "compare runs, files or groups of seeds: which differences are real",
    "export": "write a run's generator as one file, to be given away",
    "card": "write a generator's model card, for a hub or a page",
    "push": "put a generator and its card on a model hub",
    "pull": "fetch a generator from a model hub, checked and pinned",
    "figures": "draw the 2014 paper's figures",
    "helvetica": "let a generator collapse, and bring it back by Algorithm 1",
    "canaries": "damage real images on purpose, to see which measures notice",
    "play": "watch two networks play in the browser, and move them",
    "table": "train the models of the 2014 paper's Table 1, and measure them beside controls",
    "recipes": "list the recipes, or show one",
    "data": "list the data sets, or describe one",
    "journal": "write a run's journal as a table, or for TensorBoard",
    "info": "tell versions, devices and caches",
}

ROOMS = {
    "watch": "live", "play": "live", "card": "publication", "push": "publication", "pull": "publication",
    "info": "tools", "journal": "tools", "diagnose": "tools",
}  # fmt: skip
"""Rooms of the verbs whose file does not lie beside this one."""

CODES = {NonFinite: 3, ProcessLost: 4, Collapsed: 5}

HELP = """usage: advnets VERB ...

Train, watch, measure and ship generative adversarial networks.

verbs:
{verbs}

`advnets VERB --help` shows the flags of a verb. The first three commands to try:

  advnets train paper-adam --data digits --minutes 1
  advnets sample runs/... --out grid.png
  advnets evaluate runs/...

`advnets --print-completion bash` (or zsh) prints a script that completes verbs and flags, and `advnets --version`
the version.

exit codes:
  0         all is done
  2         something in the input is wrong, or a result can be written nowhere
  3         a NaN or an Inf stopped the training
  4         another process of the run was lost
  5         the generator collapsed, and --on-collapse asked to stop
  128 + n   the signal n ended it: 129 a hang-up, 130 Ctrl-C, 143 SIGTERM. A run is saved and can be resumed
  141       the reader of standard output went away, and the result is in no file
"""


GREETING = """advnets trains, watches, measures and ships generative adversarial networks.

Three ways to begin:

  advnets play                                          see two networks learn, in the browser
  advnets train paper-adam --data digits --minutes 1    train one of your own
  advnets sample paper-mnist --out digits.png           draw with the one that ships

`advnets --help` lists all verbs."""


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
    end = _EndBySignal()
    try:
        with process.hear_signals(end.hear), end.even_if_ignored():
            return _run_verb(arguments, end)
    except BaseException as error:
        return _exit_code(error, end)


def _run_verb(arguments: list[str], end: "_EndBySignal") -> int:
    if not arguments:
        write_output(GREETING)
        return 0
    if arguments[0] in ("-h", "--help"):
        write_output(help_text().rstrip())
        return 0
    if arguments[0] == "--version":
        write_output(f"advnets {import_module('advnets').__version__}")
        return 0
    if arguments[0] == "--print-completion":
        write_output(completion_script(arguments[1:]))
        return 0
    # Waiting threads sleep after some microseconds of spinning: no slower, and a busy machine stays usable.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    if arguments[0] not in VERBS:
        raise unknown("verb", arguments[0], VERBS)
    verb = load_verb(arguments[0])
    end.imports = False
    code: int = verb.main(arguments[1:])
    return code


def load_verb(name: str) -> ModuleType:
    """Return the module of a verb, which is imported when it is called."""
    return import_module(".".join(filter(None, ("advnets.cli", ROOMS.get(name), name))))


def completion_script(words: list[str]) -> str:
    """Return the script that completes the command in a shell; the help of every verb is read for it.

    Args:
        words: The words behind --print-completion: the shell.

    Returns:
        The script.

    Raises:
        BadInput: For another shell, or none.
    """
    if len(words) != 1 or words[0] not in SHELLS:
        found = " ".join(words) or "no shell"
        raise BadInput(f"--print-completion: found {found[:80]}, expected one of {', '.join(SHELLS)}")
    recipes, datasets = import_module("advnets.recipes").RECIPES, import_module("advnets.data").DATASETS
    known = {"train": recipes, "recipes": recipes, "data": datasets}
    return format_completion(words[0], {verb: _help_of(verb) for verb in VERBS}, known).rstrip()


def _help_of(verb: str) -> str:
    with redirect_stdout(StringIO()) as text, suppress(SystemExit):
        load_verb(verb).main(["--help"])
    return text.getvalue()


class _EndBySignal:
    """How a signal ends the command, where nobody below hears it: files are closed on the way out.

    Attributes:
        number: The signal that was heard, if one was.
        imports: Whether modules are being imported, in whose midst an exception would become another one.
    """

    number: int | None = None
    imports = True

    def hear(self, number: int) -> None:
        """Raise KeyboardInterrupt or SystemExit; leave at once at a second signal, and where nothing is begun."""
        if self.imports or self.number is not None:
            os._exit(128 + (self.number or number))
        self.number = number
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    @contextmanager
    def even_if_ignored(self) -> Iterator[None]:
        """Within, leave also where Python ignores what `hear` raises, as in a finalizer."""
        outer = sys.unraisablehook

        def look(unraisable: Any) -> None:
            if self.number is not None:
                os._exit(128 + self.number)
            else:
                outer(unraisable)

        sys.unraisablehook = look
        try:
            yield
        finally:
            sys.unraisablehook = outer


def _exit_code(error: BaseException, end: _EndBySignal) -> int:
    """The exit status for what ended a verb, which is told; raises what is no error of a user."""
    if end.number is not None:  # whatever the libraries in between have made of it
        return 128 + end.number
    if isinstance(error, KeyboardInterrupt):
        return 130
    if isinstance(error, BrokenPipeError):
        return READER_GONE
    if isinstance(error, AdvnetsError):
        write_error(f"advnets{_which()}: {error}")
        return next((code for kind, code in CODES.items() if isinstance(error, kind)), 2)
    if isinstance(error, OSError):
        where = f"{escape(str(error.filename))}: " if error.filename else ""
        write_error(f"advnets{_which()}: {where}{escape(error.strerror or str(error))}")
        return 2
    if isinstance(error, MemoryError):
        write_error(f"advnets{_which()}: this needs more memory than there is. Ask for fewer or smaller samples.")
        return 2
    raise error


def _which() -> str:
    """Which of several processes speaks."""
    processes = os.environ.get("WORLD_SIZE") or "1"
    return "" if processes == "1" else escape(f" (rank {os.environ.get('RANK', '?')} of {processes})")


def run() -> None:
    """The entry point of the installed command."""
    process.exit_on_signals()
    open_streams()
    try:
        code: Any = main(sys.argv[1:])
    except SystemExit as leave:
        code = leave.code
    finally:
        close_streams()
    process.exit_on_signals(code if isinstance(code, int) else 1)
    sys.exit(code)
