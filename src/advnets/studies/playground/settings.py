"""What is played in the playground: every control, its bounds, and whether it may change while the game goes on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from advnets.algorithm import ALGORITHMS
from advnets.errors import BadInput, unknown
from advnets.latents import LATENTS
from advnets.objectives import OBJECTIVES
from advnets.optimizers import OPTIMIZERS
from advnets.penalties import PENALTIES

LINE_DATA = ("gaussian", "two_gaussians", "uniform", "drawn")
PLANE_DATA = ("line", "two_gaussians", "eight_gaussians", "ring", "grid", "spirals", "drawn")
DATA = {1: LINE_DATA, 2: PLANE_DATA}
"""The distributions there are, by the number of dimensions of x."""
BARS, HEIGHT = 40, 99
"""Bars of a histogram that is drawn by hand, and the largest height of one."""
POINTS, PLACES = 256, 999
"""Points that may be drawn by hand, and the largest number that a coordinate is written as."""
ACTIVATIONS = ("tanh", "relu", "leaky_relu")


@dataclass(frozen=True)
class Control:
    """One number or name of the settings, as the page shows it.

    Attributes:
        name: The field of `Settings`.
        default: Its value where nothing is said.
        group: The part of the page that it stands in.
        least: The least value of a number.
        most: The largest value of a number.
        options: The names that a text may be.
        live: Whether it may change while the game goes on; a change of the others begins the game anew.
    """

    name: str
    default: Any
    group: str
    least: float | None = None
    most: float | None = None
    options: tuple[str, ...] = ()
    live: bool = False

    def check(self, value: Any) -> Any:
        """Return a value of JSON as the control has it.

        Args:
            value: The value.

        Returns:
            It, a whole number as a float where the control holds floats.

        Raises:
            BadInput: If it is of another type, or out of bounds.
        """
        if self.options:
            if not isinstance(value, str) or value not in self.options:
                raise unknown(self.name, str(value)[:40], self.options)
            return value
        whole = isinstance(self.default, int)
        if type(value) not in ((int,) if whole else (int, float)) or not self._holds(value):
            kind = "a whole number" if whole else "a number"
            raise BadInput(f"{self.name} is {str(value)[:40]}; expected {kind} from {self.least} to {self.most}")
        return value if whole else float(value)

    def _holds(self, value: float) -> bool:
        assert self.least is not None
        assert self.most is not None
        return self.least <= value <= self.most and math.isfinite(value)


def _player(letter: str, rate: float) -> list[Control]:
    group = {"d": "discriminator", "g": "generator"}[letter]
    return [
        Control(f"{letter}_layers", 2, group, 0, 5),
        Control(f"{letter}_width", 32, group, 1, 128),
        Control(f"{letter}_optimizer", "adam", group, options=tuple(OPTIMIZERS)),
        Control(f"{letter}_rate", rate, group, 0.0, 1.0, live=True),
    ]


CONTROLS: dict[str, Control] = {
    control.name: control
    for control in (
        Control("dimension", 1, "data", 1, 2),
        Control("data", "gaussian", "data", options=tuple(dict.fromkeys(LINE_DATA + PLANE_DATA))),
        Control("batch", 128, "data", 8, 512),
        Control("seed", 0, "data", 0, 2**31 - 1),
        Control("algorithm", "algorithm1", "algorithm", options=tuple(ALGORITHMS), live=True),
        Control("k", 1, "algorithm", 1, 20, live=True),
        Control("objective", "minimax", "algorithm", options=tuple(OBJECTIVES), live=True),
        *(Control(name, 0.0, "penalties", 0.0, 100.0, live=True) for name in PENALTIES),
        Control("clip", 0.0, "penalties", 0.0, 10.0, live=True),
        *_player("d", 0.01),
        *_player("g", 0.001),
        Control("d_until", 0, "discriminator", 0, 1_000_000, live=True),
        Control("activation", "tanh", "generator", options=ACTIVATIONS),
        Control("start", 1.5, "generator", -4.0, 4.0),
        Control("spread", 0.8, "generator", 0.0, 4.0),
        Control("latent", "gaussian", "noise", options=tuple(LATENTS)),
        Control("latent_size", 1, "noise", 1, 16),
        Control("instance_noise", 0.0, "noise", 0.0, 2.0, live=True),
        Control("average", 0, "noise", 0, 1_000_000),
        Control("pack", 1, "noise", 1, 4),
    )
}
"""Every control but the drawing, by name.

A penalty of weight 0 and a clip at 0 are none, and so is an average of 0. `d_until` is the step from which on the
discriminator's rate is 0; 0 is never.
"""


BEGINNINGS: dict[int, dict[str, Any]] = {
    1: {},
    2: {
        "dimension": 2, "data": "eight_gaussians", "latent_size": 2, "start": 0.0, "spread": 1.0,
        "objective": "non_saturating", "d_rate": 0.005, "r1": 0.05,
    },
}  # fmt: skip
"""What a game begins with when one turns to the line or to the plane."""


@dataclass(frozen=True)
class Settings:
    """All that a game of the playground is made of; the same settings give the same game.

    Attributes:
        values: The value of every control, by name.
        drawn: What is drawn by hand, where the data are "drawn": on the line the heights of 40 bars, in the plane
            x and y of each point in turn, from 0 to 999 across the picture.

    Raises:
        BadInput: If a value is out of bounds, or the values do not go together.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    drawn: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in self.values:
            if name not in CONTROLS:
                raise unknown("control", name[:40], CONTROLS)
        checked = {name: one.check(self.values.get(name, one.default)) for name, one in CONTROLS.items()}
        object.__setattr__(self, "values", checked)
        self._check_data()
        if checked["batch"] % checked["pack"]:
            raise BadInput(f"batch is {checked['batch']}; expected a multiple of pack, {checked['pack']}")

    def __getattr__(self, name: str) -> Any:
        """Return the value of a control."""
        try:
            return self.__dict__["values"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __hash__(self) -> int:
        return hash((tuple(self.values.items()), self.drawn))

    @staticmethod
    def of(value: Any) -> "Settings":
        """Read settings out of JSON; what is left out has its default.

        Args:
            value: {control: value}, with a list of whole numbers as "drawn".

        Returns:
            The settings.

        Raises:
            BadInput: If it is no such object.
        """
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise BadInput(f"settings are {str(value)[:40]}; expected an object")
        drawn = value.get("drawn", [])
        if not isinstance(drawn, list | tuple) or not all(type(one) is int for one in drawn):
            raise BadInput("drawn: expected a list of whole numbers")
        return Settings({name: one for name, one in value.items() if name != "drawn"}, tuple(drawn))

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as a value of JSON, which `of` reads.

        Returns:
            {control: value}, and the list "drawn".
        """
        return {**self.values, "drawn": list(self.drawn)}

    def replace(self, **changes: Any) -> "Settings":
        """Return these settings with other values of some controls, and of `drawn`.

        Args:
            changes: The new values, by control.

        Returns:
            The new settings.

        Raises:
            BadInput: If a value is out of bounds, or the values do not go together.
        """
        return Settings.of({**self.as_dict(), **changes})

    def restarts_from(self, other: "Settings") -> bool:
        """Return whether a game under other settings must begin anew to be played under these.

        Args:
            other: The settings that the game is played under.

        Returns:
            True if the drawing differs, or a control that cannot be changed while a game is played.
        """
        fixed = [name for name, control in CONTROLS.items() if not control.live]
        return self.drawn != other.drawn or any(self.values[name] != other.values[name] for name in fixed)

    def _check_data(self) -> None:
        if self.values["data"] not in DATA[self.values["dimension"]]:
            raise unknown(f"data in {self.values['dimension']} dimensions", self.values["data"], DATA[self.dimension])
        if self.values["data"] != "drawn":
            if self.drawn:
                raise BadInput(f"drawn: found {len(self.drawn)} numbers with data={self.data}; expected data=drawn")
            return
        most, counts = (HEIGHT, {BARS}) if self.dimension == 1 else (PLACES, set(range(2, 2 * POINTS + 1, 2)))
        if len(self.drawn) not in counts or not all(0 <= one <= most for one in self.drawn) or not any(self.drawn):
            kind = f"{BARS} heights" if self.dimension == 1 else f"x and y of 1 to {POINTS} points"
            raise BadInput(f"drawn: found {len(self.drawn)} numbers; expected {kind} from 0 to {most}, not all 0")
