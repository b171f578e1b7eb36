"""What a report says of classes in words: their shares among samples, and whether a sample is of the class asked."""

from collections.abc import Mapping

from advnets.statistics import Estimate
from advnets.text import escape_markdown

FEW = 20
"""The most classes whose shares are listed one by one; of more, the smallest share is given."""


def class_lines(found: Mapping[str, Estimate]) -> list[str]:
    """Return the paragraphs on classes.

    Args:
        found: The estimates by the name of their measure.

    Returns:
        One for each of `class-shares` and `class-asked` that is there.
    """
    lines = []
    if shares := found.get("class-shares"):
        n = shares.notes.get("n_all", shares.notes["n"])
        lines.append(f"Classes of {n:,} samples by the classifier, in %: {_format_class_shares(shares)}.")
    asked = found.get("class-asked")
    if asked is not None and asked.floor is not None:
        worst = escape_markdown(str(asked.notes["worst class"]))
        lines.append(
            f"The class asked is the class drawn for {100 * asked.value:.0f} % +- {100 * asked.standard_error:.1f} of "
            f"the samples, by the classifier, which itself is right on {100 * asked.floor:.0f} % of held-out images. "
            f"It is so least often of class {worst}: {100 * float(asked.notes['worst']):.0f} %."
        )
    return lines


def _format_class_shares(classes: Estimate) -> str:
    """Each share of an estimate of `class_shares` as text, or the smallest where there are many."""
    shares = {
        name.removeprefix("class "): float(share) for name, share in classes.notes.items() if name.startswith("class ")
    }
    if len(shares) > FEW:
        return f"{100 * min(shares.values()):.2f} at least, {classes.notes['missing']} of {len(shares)} missing"
    return ", ".join(f"{escape_markdown(name)} {100 * share:.1f}" for name, share in shares.items())
