"""A comparison in one call, of runs, models and samples at hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from advnets.assessment import EvaluationKeywords, exhaust, plan_from
from advnets.comparison.comparison import Comparison
from advnets.comparison.from_samples import compare_samples
from advnets.data import Dataset


def compare(
    *sides: Any,
    against: Dataset | str | Path | None = None,
    data_dir: str | None = None,
    control: str = "holm",
    unpaired: bool = False,
    **plan: Unpack[EvaluationKeywords],
) -> Comparison:
    """Measure sides by one protocol against the same real images, and compare them; nothing is written.

    Args:
        *sides: Two or more of: a Run, also one of networks of your own; a Model, such as one that `own_model` wraps;
            samples, as `sample` draws them or as a tensor or an array; a path, or NAME=PATH, as the command takes it; a
            list of runs that differ by seed. One dict {name: side} names them all.
        against: The real images: a data set, or the name or path of one. None for the models' own.
        data_dir: Folder where data sets are looked for first.
        control: Row of CONTROLS.
        unpaired: Whether groups of seeds are compared by Welch's t test even if they have the same seeds.
        **plan: Fields of `EvaluationPlan`, such as measures="fid" and n=5000.

    Returns:
        The comparison; it prints as a page.

    Raises:
        BadInput: For sides that cannot be compared; names what differs.
    """
    named: Sequence[Any] = list(sides[0].items()) if len(sides) == 1 and isinstance(sides[0], Mapping) else sides
    others = str(against) if isinstance(against, Path) else against
    steps = compare_samples(
        named, plan_from(plan), others=others, data_dir=data_dir, control=control, unpaired=unpaired
    )
    return exhaust(steps)
