"""What a report could have told: which differences from real images are large enough to be seen with so few of them."""

import math
from collections.abc import Mapping
from statistics import NormalDist

from advnets.assessment.verdict import LEVEL, floor_half_width, row_p_value
from advnets.statistics import Estimate
from advnets.statistics.estimate import Z95
from advnets.text import escape_markdown, format_number

CHANCE = 0.8
"""Of telling a difference that is called large enough."""

FEW = 1000
"""Real images from which on a report does not say what it could have told."""


def least_difference(found: Estimate, rows: int) -> float | None:
    """Compute the difference from real images that a report tells with a chance of 80 %.

        (z_(1 - .05 / (2 rows)) + z_.8) half / 1.96

    half is that of `floor_p_value`, so that the sum is in standard errors. The level is the one that Holm leaves to the
    first of so many rows.

    Args:
        found: The estimate of a row that is not a test.
        rows: Rows of the report that have a p-value, 1 or more.

    Returns:
        The difference, 0 or more, in the value's unit; None if there is no floor, no interval, or one without an end.
    """
    half = floor_half_width(found)
    if half is None or math.isinf(half):
        return None
    normal = NormalDist()
    return (normal.inv_cdf(1 - LEVEL / (2 * rows)) + normal.inv_cdf(CHANCE)) * half / Z95


def power_lines(estimates: Mapping[str, Estimate], held_out: int) -> list[str]:
    """Say what differences a report on few real images could have told.

    Args:
        estimates: Estimates by the name of their measure.
        held_out: Real images that samples were measured against.

    Returns:
        A paragraph, or nothing: of many real images, and where no row has an error.
    """
    rows = sum(row_p_value(one) is not None for one in estimates.values())
    values = {name: one for name, one in estimates.items() if one.p_value is None}
    least = {name: one for name, found in values.items() if (one := least_difference(found, rows)) is not None}
    if held_out >= FEW or not least:
        return []
    listed = ", ".join(f"{escape_markdown(name)} {format_number(one, 2)}" for name, one in least.items())
    return [
        f"What this report could tell: {held_out:,} real images are few. A true difference from real images is told "
        f"with a chance of {100 * CHANCE:.0f} % if it is as large as this: {listed}. Smaller ones are often missed. "
        "Four times as many real images, and samples, halve these numbers."
    ]
