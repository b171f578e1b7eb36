"""Which samples are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from torch import Tensor

from advnets.errors import BadInput

Given = Tensor | Sequence[int | str] | int | str | None
"""What is given beside noises: classes by name or number, or images."""

SAMPLES, FRAMES = 64, 19
"""How many are drawn, and how many frames lie between two seeds, where nothing is said: 19 make one second a pair."""
SEEDS = "a whole number from 0 to 2^63 - 1"


class SampleKeywords(TypedDict, total=False):
    """What `Model.sample` takes beside n."""

    seed: int | None
    seeds: Sequence[int] | None
    given: Given
    truncation: float
    category: int | None
    continuous: Sequence[float] | None


@dataclass(frozen=True)
class SamplePlan:
    """Which samples are asked for.

    Attributes:
        n: How many; None for 64, or for one an image that is given.
        seed: Seed of the noises of all; None for 0.
        seeds: A seed for each sample, in place of n and seed. The sample of seed s is, bit for bit, the one that n = 1
            and seed = s draw.
        given: A class for all or one for each sample, by name or number; or an image for each, as the network sees it.
        truncation: psi, by which z is multiplied, in (0, 1]; see `draw_noises`.
        frames: How many samples lie between those of two seeds, on a path through z; None draws no path.
        category: The category that the code of all samples has (InfoGAN), from 0; None draws it.
        continuous: The continuous coordinates that the code of all samples has, each in [-1, 1]; None draws them.

    Raises:
        BadInput: If one of these cannot be, or two of them say different things.
    """

    n: int | None = None
    seed: int | None = None
    seeds: Sequence[int] | None = None
    given: Given = None
    truncation: float = 1.0
    frames: int | None = None
    category: int | None = None
    continuous: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if self.n is not None and self.n < 1:
            raise BadInput(f"n is {self.n}; expected at least 1 sample")
        self._check_seeds()
        if not 0 < self.truncation <= 1:
            raise BadInput(
                f"truncation is {self.truncation}; expected a number above 0 and at most 1, by which z is multiplied"
            )
        for number in self.continuous or ():
            if not -1 <= number <= 1:
                raise BadInput(f"continuous: found {number}, expected numbers from -1 to 1, as training draws them")
        if self.frames is not None and self.frames < 0:
            raise BadInput(f"frames is {self.frames}; expected a whole number of frames between two seeds, 0 or more")

    def _check_seeds(self) -> None:
        beside = [name for name in ("n", "seed") if getattr(self, name) is not None]
        if self.seeds is not None and beside:
            raise BadInput(
                f"{beside[0]} is given beside seeds, which say how many samples there are and what each is drawn by. "
                f"Leave out one of the two."
            )
        for name, seed in (("seed", self.seed), *(("seeds", seed) for seed in self.seeds or ())):
            if seed is not None and not (type(seed) is int and 0 <= seed < 2**63):
                raise BadInput(f"{name}: found {seed!r}, expected {SEEDS}. Give another one.")
        fewest = 1 if self.frames is None else 2
        if self.seeds is not None and len(self.seeds) < fewest:
            raise BadInput(f"seeds: found {len(self.seeds)} of them, expected {fewest} or more. Give more seeds.")
        if self.frames is not None and self.seeds is None:
            raise BadInput("an interpolation leads from seed to seed, and no seeds are given. Give two or more.")

    @property
    def count(self) -> int:
        """How many samples it has."""
        if self.seeds is not None:
            return len(self.seeds) if self.frames is None else (self.frames + 1) * (len(self.seeds) - 1) + 1
        images = isinstance(self.given, Tensor) and self.given.ndim == 4
        return self.n if self.n is not None else len(self.given) if images else SAMPLES  # type: ignore[arg-type]
