"""A probe: what was measured of one generator and its discriminator at one step."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Probe:
    """Numbers of one step. None stands for what this game has not, such as a held-out split that is too small.

    Distances are taken in the samples' own values; images are first averaged over blocks down to 16 pixels a side.

    Attributes:
        step: Steps made before.
        share: Share of the budget that is spent, 0 to 1.
        way: "" of a game with one generator; "there" or "back" of a cycle.
        count: Samples of each kind.
        spread: Mean distance between two samples of fixed noises, over that between two real ones.
        spread_average: The same of the averaged generator.
        twins: Share of samples with another one nearer than a tenth of what nearest real ones have.
        twins_held: The same of held-out real samples.
        reach: Real samples that are the nearest of some sample, over those that are nearest of held-out ones.
        gap: Energy distance between samples and real ones, over the real ones' mean distance.
        gap_held: The same of held-out real samples.
        neighbours: Share of samples, made and real, whose nearest neighbour is of their own kind; 1/2 if alike.
        auc: Chance that the discriminator puts a real sample above one that was made, as the game is played.
        logits: Median distance of its logits of real and made samples from the middle between both kinds' medians;
            None where the objective's logits have no scale of their own, as in Wasserstein games.
        auc_held: Chance that it puts a training sample above a held-out one, in evaluation mode without augmentation.
        auc_held_error: Standard error of that chance.
        copies: Median distance of samples to the nearest training sample, over that of held-out ones.
        copies_p: The chance of such nearness if samples were held-out ones.
        gradients: {player: norm of the gradient of its loss}.
        penalties: {penalty: norm of its gradient over that of the objective's}.
        strides: {player: length of its next step over that of its weights}.
        throws: {player: how far its next step moves a weight, root mean square}.
        dead: {player: largest share of units in a layer of ReLUs that are 0 on all samples}.
        mode_gaps: {player: how far evaluation mode is from training mode}: of the generator over the data's spread, of
            the discriminator in deviations of its logits.
        ends_in: {player: the function that its network ends in}, where that has bounds.
        takes_logits: Whether the objective takes logits without bounds.
        bounds: What the networks see lies between, by the data's transform; None where that depends on the data.
        made: Least and greatest number of the samples.
        real: Least and greatest number of the real ones.
        untrained: Share of the averaged weights that is older than the first tenth of the steps.
        track: Where the samples of a few fixed noises lie, along a few fixed directions, in units of the data's spread.
    """

    step: int
    share: float = 0.0
    way: str = ""
    count: int = 0
    spread: float | None = None
    spread_average: float | None = None
    twins: float | None = None
    twins_held: float | None = None
    reach: float | None = None
    gap: float | None = None
    gap_held: float | None = None
    neighbours: float | None = None
    auc: float | None = None
    logits: float | None = None
    auc_held: float | None = None
    auc_held_error: float | None = None
    copies: float | None = None
    copies_p: float | None = None
    gradients: Numbers = field(default_factory=dict)
    penalties: Numbers = field(default_factory=dict)
    strides: Numbers = field(default_factory=dict)
    throws: Numbers = field(default_factory=dict)
    dead: Numbers = field(default_factory=dict)
    mode_gaps: Numbers = field(default_factory=dict)
    ends_in: Mapping[str, str] = field(default_factory=dict)
    takes_logits: bool = True
    bounds: tuple[float, float] | None = None
    made: tuple[float, float] | None = None
    real: tuple[float, float] | None = None
    untrained: float | None = None
    track: tuple[float, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the probe as JSON; what was not measured is left out.

        Returns:
            The fields that were measured, numbers to six digits; a NaN or an Inf counts as not measured.
        """
        plain = {name: _finite(one) for name, one in asdict(self).items()}
        return {name: one for name, one in plain.items() if one not in (None, {}, ())}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Probe":
        """Return the probe that `as_json` wrote; fields that this version does not know are passed over.

        Args:
            value: What `as_json` returned, here or in another version.

        Returns:
            The probe.
        """
        known = {spec.name for spec in fields(Probe)}
        plain: dict[str, Any] = {
            name: tuple(one) if isinstance(one, list) else one for name, one in value.items() if name in known
        }
        return Probe(**plain)


def _finite(value: Any) -> Any:
    """A value without numbers that are not finite, for which JSON has no words; floats to six digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: number for name, one in value.items() if (number := _finite(one)) is not None}
    if isinstance(value, tuple):
        numbers = tuple(map(_finite, value))
        return None if None in numbers else numbers
    return value
