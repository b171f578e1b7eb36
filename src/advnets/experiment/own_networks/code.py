"""Code of one's own that is named on the command line as module:name; no file stores such a name."""

import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

import torch

from advnets.errors import BadInput, first_line, unknown
from advnets.games import CycleGame, Game
from advnets.randomness import Streams


def load_own(text: str, flag: str, seed: int = 0) -> Any:
    """Load what module:name stands for, such as mine:game, from the folder that the command is called in or elsewhere.

    A function that takes no argument is called, under random numbers of a seed, and so is a class.

    Args:
        text: module:name, as in mine:game or package.module:make_game.
        flag: The flag, for errors.
        seed: Seed of torch's numbers while the function is called, so that first weights are the same each time.

    Returns:
        The object, or what the function returned.

    Raises:
        BadInput: If there is no such module or name, and if the code raises an error.
    """
    module, colon, name = text.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
        raise BadInput(f"{flag} is {text!r}; expected MODULE:NAME, as in mine:game for `game` in mine.py")
    with Streams(seed, torch.device("cpu")).as_defaults():
        found = _find(_import(module, text, flag), name, text, flag)
        if not _is_called(found):
            return found
        try:
            return found()
        except Exception as error:
            raise BadInput(f"{flag} {text}: calling it raised {type(error).__name__}: {first_line(error)}") from error


def load_game(text: str | None, seed: int = 0) -> Game | CycleGame | None:
    """Load the game that --game names.

    Args:
        text: module:name of a game, or of a function that returns one; None for none.
        seed: Seed of its first weights.

    Returns:
        The game.

    Raises:
        BadInput: As `load_own` does, and if it is no game.
    """
    if text is None:
        return None
    found = load_own(text, "--game", seed)
    if not isinstance(found, Game | CycleGame):
        raise BadInput(
            f"--game {text}: found {type(found).__name__}; expected an advnets.Game or CycleGame, or a function "
            "without arguments that returns one"
        )
    return found


def _import(module: str, text: str, flag: str) -> Any:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise BadInput(f"{flag} {text}: {module} imports {error.name}, which is not there. Install it.") from error
        raise BadInput(f"{flag} {text}: found no module {module}, neither in {here} nor installed") from error
    except Exception as error:
        raise BadInput(f"{flag} {text}: importing it raised {type(error).__name__}: {first_line(error)}") from error
    finally:
        sys.path.remove(here)


def _find(found: Any, name: str, text: str, flag: str) -> Any:
    for part in name.split("."):
        if not hasattr(found, part):
            known = [one for one in vars(found) if not one.startswith("_")] if hasattr(found, "__dict__") else []
            raise BadInput(f"{flag} {text}: {unknown('name', part, known)}")
        found = getattr(found, part)
    return found


def _is_called(found: Any) -> bool:
    """Whether it is a function or a class that takes no argument."""
    if not inspect.isroutine(found) and not inspect.isclass(found):
        return False
    try:
        taken = inspect.signature(found).parameters.values()
    except ValueError:
        return False
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(one.default is not one.empty or one.kind in kinds for one in taken)
