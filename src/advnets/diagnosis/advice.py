"""Advice: the likely cause and what to change, in view of what the run plays already."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from advnets.diagnosis.probe import Probe
from advnets.diagnosis.setup import OF_THE_GAME, Setup

UP, DOWN = 1, -1


class Option(NamedTuple):
    """One thing to change.

    Attributes:
        text: What to do, by a flag of `advnets train`; it follows "You may".
        flag: The number that it moves.
        way: UP or DOWN; 0 where nothing could contradict it.
    """

    text: str
    flag: str = ""
    way: int = 0


@dataclass(frozen=True)
class Case:
    """What advice is given of.

    Attributes:
        probe: The last probe.
        setup: What the run plays.
        player: The player that the sign names, or "".
        part: The penalty that the sign names, or "".
    """

    probe: Probe
    setup: Setup
    player: str = ""
    part: str = ""


class Advice(NamedTuple):
    """The likely cause, a sentence, and what may be changed, the first first."""

    cause: str
    options: tuple[Option, ...]


Advise = Callable[[Case], Advice]


def advise(cause: str, *options: Option | None) -> Advice:
    """Return advice of those options that there are."""
    return Advice(cause, tuple(one for one in options if one is not None))


def without_contradictions(options: Iterable[Option], taken: Mapping[str, int]) -> tuple[Option, ...]:
    """Return the options that do not undo what another finding advises.

    Args:
        options: The options.
        taken: {flag: UP or DOWN}, as graver findings move it.
    """
    return tuple(one for one in options if not one.way or taken.get(one.flag, one.way) == one.way)


def sentence_of(options: Iterable[Option]) -> str:
    """Return options as one sentence: "Lower A, raise B, or add C."."""
    texts = [one.text for one in options]
    joined = ", or ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)
    return f"{joined[:1].upper()}{joined[1:]}." if joined else ""


def lower_rate(setup: Setup, player: str) -> Option:
    """Return the advice to lower a player's rate to that of the recipe; where it is not above that, ten times."""
    flag, rate = f"--{player}.rate", setup.rates.get(player)
    if rate is not None and rate.published:
        return Option(f"lower {flag}{_between(rate.now, rate.published)}", flag, DOWN)
    numbers = " ten times" if rate is None or rate.is_zero else _between(rate.now, rate.lower)
    return Option(f"lower {flag}{numbers}", flag, DOWN)


def raise_rate(setup: Setup, player: str) -> Option:
    """Return the advice to raise a player's rate ten times, with what it is; of one that is 0, to set it."""
    flag, rate = f"--{player}.rate", setup.rates.get(player)
    if rate is not None and rate.is_zero:
        return Option(f"set {flag} above {rate.now}", flag, UP)
    numbers = " ten times" if rate is None else _between(rate.now, rate.higher)
    return Option(f"raise {flag}{numbers}", flag, UP)


def _between(now: str, then: str) -> str:
    """What a rate is and is to be; of a schedule, which is long, what it is to be alone."""
    return f" to {then}" if ":" in then else f" from {now} to {then}"


def lower_k(setup: Setup) -> Option | None:
    """Return the advice to let D move less often; None where it moves once a step."""
    if not setup.has("algorithm.k") or (setup.k is not None and setup.k <= 1):
        return None
    return Option(f"lower --algorithm.k{_from(setup.k)}", "--algorithm.k", DOWN)


def raise_k(setup: Setup) -> Option | None:
    """Return the advice to let D move more often; None where the algorithm has no k."""
    if not setup.has("algorithm.k"):
        return None
    number = "" if setup.k is None else f" from {setup.k} to {setup.k + 1}"
    return Option(f"raise --algorithm.k{number}", "--algorithm.k", UP)


def choose_objective(setup: Setup, name: str, *, why: str = "") -> Option | None:
    """Return the advice to play another objective; None where that is played, in its half form too."""
    if not setup.has("objective") or setup.objective in (name, f"{name}_halved"):
        return None
    return Option(f"take {_write_setting(setup, 'objective', name)}{why}")


def add_penalty(setup: Setup, name: str, weight: str) -> Option | None:
    """Return the advice to add a penalty; None where there is one."""
    if setup.penalties or not setup.has("penalty"):
        return None
    return Option(f"add {_write_setting(setup, 'penalty', name, weight)}")


def augment(setup: Setup, parts: str) -> Option | None:
    """Return the advice to show D changed images; None where it sees such, and where these are no images."""
    if setup.augment or not setup.is_image or not setup.has("augment.parts"):
        return None
    return Option(f"show D changed images by {_write_setting(setup, 'augment.parts', parts)}")


def pack(setup: Setup) -> Option | None:
    """Return the advice to let D judge samples in packs; None where it does."""
    if not setup.has("pack") or (setup.pack is not None and setup.pack > 1):
        return None
    return Option(f"let D judge several samples as one by {_write_setting(setup, 'pack', '2')}")


def bound_columns(setup: Setup) -> Option | None:
    """Return the advice to bound D's weights; None where the game takes no bounds."""
    if not setup.has("constraint"):
        return None
    return Option(f"bound it by {_write_setting(setup, 'constraint', 'discriminator:max_column_norm', '1.9')}")


def _write_setting(setup: Setup, name: str, *values: str) -> str:
    if not setup.is_own:
        return f"--{name} {'='.join(values)}"
    if name == "augment.parts":
        values = (str(tuple(values[0].split(","))),)
    return OF_THE_GAME[name].format(*values)


def _from(number: int | None) -> str:
    return "" if number is None else f", which is {number}"
