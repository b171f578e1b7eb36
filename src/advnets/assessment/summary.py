"""What a report says first: three sentences, on the looks of samples, on their variety, and on copies.

A sentence claims a difference only where the p-value of its row, adjusted for all rows of the report, is below .01. So
of a hundred reports on samples that are real, one at most claims anything. Every row that is below is in one of the
three sentences: in words if it is among the clearest, by its name if it is among the next three, and else as one of
those that are counted; the table below names all. A sentence that claims nothing names the rows that looked, unless all
rows did that the data allow.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from advnets.assessment.measure_row import ASKED, MeasureCard, MeasureRow
from advnets.assessment.measures import FEW_REAL, MEASURES, card_of
from advnets.assessment.power import FEW
from advnets.assessment.summary_phrases import COLLAPSED, PHRASES, is_fine
from advnets.assessment.verdict import CLAIMED, LEVEL, Verdict, format_p_value
from advnets.statistics import Estimate
from advnets.text import escape_markdown

LOOKS = {"precision", "density", "spectrum", "tone", "class-asked", "high-quality"}
"""Rows on samples one by one, which a lack of variety alone does not move."""

OF_EACH = {"precision", "density", "class-asked", "high-quality"}
"""Those of LOOKS that no canary of variety moves. Spectrum and tone are means over the set: few originals move them."""

NEAR = {"nearest-training", "data-copying", "authenticity"}
"""Rows that tell how far the nearest training images of a sample stand out from the next ones."""

NAMES_COPIES = "copying"
"""The only row that names copies; the others of its group tell that samples lie nearer to training images."""

TOO_FEW = FEW_REAL
"""Fewest real images by which a sentence says that nothing can be shown: with fewer, hardly anything could."""

MOST_PHRASES = 2
"""Findings that a sentence spells out."""

MOST_NAMES = 3
"""Further findings that it names; it counts the others, which the table has."""

PARTS: dict[str, tuple[str, ...]] = {
    "Fidelity": ("fidelity", "two samples", "likelihood"),
    "Variety": ("diversity",),
    "Copies": ("memorisation",),
}
"""The groups of measures that each sentence is about; rows of translators have lines of their own."""


@dataclass(frozen=True)
class Summary:
    """The three sentences.

    Attributes:
        fidelity: Whether samples look real.
        variety: Whether they are as varied as real images.
        copies: Whether they are copies of training images.
        claims: The rows that differ, below `CLAIMED`.
    """

    fidelity: str
    variety: str
    copies: str
    claims: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(f"- {sentence}" for sentence in (self.fidelity, self.variety, self.copies))


def summarise(
    found: Mapping[str, Estimate],
    verdicts: Mapping[str, Verdict],
    held_out: int,
    skipped: Collection[str] = (),
    cards: Mapping[str, MeasureCard] | None = None,
) -> Summary:
    """Say in three sentences what a report found.

    Args:
        found: The estimates by the name of their measure.
        verdicts: The verdict on each.
        held_out: Real images that the samples were measured against.
        skipped: Names of measures that were asked for and could not be taken.
        cards: What a page says of measures that are no rows of MEASURES, by their name.

    Returns:
        The sentences, in Markdown.
    """
    said_of = {name: card_of(name, (cards or {}).get(name)) for name in (*found, *verdicts, *skipped)}
    covered = {group for groups in PARTS.values() for group in groups}
    known = {
        name: verdict.adjusted
        for name, verdict in verdicts.items()
        if verdict.adjusted is not None and said_of[name].group in covered
    }
    claims = tuple(name for name, p in known.items() if p < CLAIMED)
    kinds = {said_of[name].of for name in (*found, *skipped)} - {"any"}
    kinds |= {"any"} if kinds else set()
    sentences: dict[str, str] = {}
    for part, groups in PARTS.items():
        of = [name for name in found if said_of[name].group in groups]
        claimed = {name: found[name] for name in _by_clarity(of, found) if name in claims}
        hints = {name: known[name] for name in of if CLAIMED <= known.get(name, 1.0) < LEVEL}
        looked = [name for name in of if name in known]
        if part == "Copies" and claimed and not set(claimed) - NEAR:
            said = _say_nearer(claimed, found, looked)
        elif part == "Variety" and OF_EACH & set(claims) and _only_reaches(claimed):
            said = _say_reach(claimed)
        elif part == "Variety" and OF_EACH & set(claims) and BY_CLASSIFIER & set(claimed):
            said = _claim(HEADLINES[part](claimed), claimed) + f" {MISTAKEN}"
        elif claimed:
            said = _claim(HEADLINES[part](claimed), claimed) + _on_copies(part, claimed, looked)
        elif looked and held_out < TOO_FEW:
            said = f"This cannot be told by {held_out:,} held-out images; it takes {TOO_FEW} or more."
            is_first = not any(words.endswith(HOLD_OUT) for words in sentences.values())
            said += f" {TENTH} {HOLD_OUT}" if is_first else ""
        elif looked:
            said = _claim_nothing(part, looked, whole=_saw_all(part, of, skipped, kinds)) + _hints(part, hints, found)
        else:
            said = UNKNOWN[part]
        sentences[part] = f"**{part}.** {said}"
    if not claims and TOO_FEW <= held_out < FEW:
        sentences["Fidelity"] += f" With {held_out:,} real images only large differences would be seen."
    return Summary(sentences["Fidelity"], sentences["Variety"], sentences["Copies"], claims)


def notes_of_few_held_out(held_out: int) -> list[str]:
    """Say before a training that its report will tell little, while it can still be changed.

    Args:
        held_out: Images of the validation split.

    Returns:
        One line, or none where there are enough.
    """
    if held_out >= TOO_FEW:
        return []
    images = "1 image is" if held_out == 1 else f"{held_out:,} images are"
    return [
        f"{images} held out: whether samples look real, vary and are no copies can be told by {TOO_FEW} or more. Put "
        "so many into a folder val, and the rest into a folder train beside it"
    ]


def _saw_all(part: str, of: Collection[str], skipped: Collection[str], kinds: Collection[str]) -> bool:
    """Whether every row of a part was taken, but for those that such data, or such samples, cannot have."""
    absent = {name: row for name, row in MEASURES.items() if row.group in PARTS[part] and name not in of}
    return all(_may_be_absent(row, name in skipped, kinds) for name, row in absent.items())


def _may_be_absent(row: MeasureRow, skipped: bool, kinds: Collection[str]) -> bool:
    if ASKED in row.needs or (kinds and row.of not in kinds):
        return True
    return skipped and bool(row.needs or row.of != "any" or row.on == "scores")


def _on_copies(part: str, claimed: Collection[str], looked: Collection[str]) -> str:
    """What the sentence on copies says behind a claim of rows that name no copies."""
    if part != "Copies" or NAMES_COPIES in claimed:
        return ""
    if NAMES_COPIES not in looked:
        return f" {NOT_MEASURED}"
    return " No copying can be shown." if set(claimed) == {"logits-gap"} else ""


def _say_nearer(claimed: Collection[str], found: Mapping[str, Estimate], looked: Collection[str]) -> str:
    """The sentence on copies where the only rows that differ are those of nearness, which name no copies.

    Samples that are far from all real images have neighbourhoods of another kind: noise may stand out towards training
    images as little as it may be a copy.
    """
    precision = found.get("precision")
    if precision is not None and precision.floor is not None and precision.value < precision.floor / 2:
        return "Whether training images were copied cannot be told: most samples lie far from all real images."
    names = escape_markdown(_join_names(sorted(claimed)))
    then = "No copying can be shown." if NAMES_COPIES in looked else NOT_MEASURED
    return f"Training images stand out beside samples more than beside held-out images, by {names}. {then}"


def _claim_nothing(part: str, looked: Sequence[str], *, whole: bool) -> str:
    """A sentence that claims no difference: it names the rows that looked if others did not."""
    names = escape_markdown(_join_names(looked))
    if part == "Copies" and NAMES_COPIES not in looked:
        near = escape_markdown(_join_names([name for name in looked if name != "logits-gap"]))
        than = "samples cannot be shown to lie nearer to training images than held-out images do"
        return f"{NOT_MEASURED} By {near} {than}." if near else NOT_MEASURED
    what = WHOLE if part == "Fidelity" and not LOOKS & set(looked) else ALIKE[part]
    if whole:
        return f"{what[0].upper()}{what[1:]}."
    return f"By {names}, the only row{'s' * (len(looked) > 1)} that looked, {what}."


def _join_names(names: Sequence[str]) -> str:
    """Names with commas, and "and" before the last."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _name_some(names: Sequence[str]) -> str:
    """Up to MOST_NAMES names, and how many more there are."""
    more = len(names) - MOST_NAMES
    return _join_names(names) if more <= 0 else f"{', '.join(names[:MOST_NAMES])} and {more} more"


def _by_clarity(names: Sequence[str], found: Mapping[str, Estimate]) -> list[str]:
    """The rows that have words first, in the order of PHRASES; the others behind, in their own.

    Where the spectrum differs most in fine detail, as by a blur, that says more than the tone, which a blur moves too.
    """
    order = [name for name in PHRASES if name != "spectrum"]
    is_first = "spectrum" in names and is_fine(found["spectrum"])
    order.insert(order.index("tone") + (0 if is_first else 1), "spectrum")
    return sorted(names, key=lambda name: order.index(name) if name in PHRASES else len(order))


def _claim(headline: str, claimed: Mapping[str, Estimate]) -> str:
    """A sentence on what differs: the clearest rows in words, the others by name."""
    lacks = any(_is_lack(name, found) for name, found in claimed.items() if name in SPREAD)
    above = [name for name, found in claimed.items() if lacks and _exceeds(name, found)]
    spelt = [name for name in claimed if name in PHRASES and name not in above][:MOST_PHRASES]
    others = escape_markdown(_name_some([name for name in claimed if name not in (*spelt, *above)]))
    words = "; ".join(PHRASES[name](claimed[name]) for name in spelt)
    also = f"; {escape_markdown(_name_some(above))} above that of real images" if above else ""
    if not spelt:
        return f"{headline}, by {others}{also}."
    return f"{headline}: {words}{f' (also by {others})' if others else ''}{also}."


def _hints(part: str, hints: Mapping[str, float], found: Mapping[str, Estimate]) -> str:
    """What may be there all the same, or its opposite."""
    against = [name for name in hints if _speaks_against(part, name, found[name])]
    said = ""
    for words, names in (("A hint at one", [name for name in hints if name not in against]), (OPPOSITE[part], against)):
        rows = " and ".join(f"{escape_markdown(name)} ({format_p_value(hints[name])})" for name in names)
        said += f" {words} is {rows}." if names else ""
    return said


def _speaks_against(part: str, name: str, found: Estimate) -> bool:
    """Whether a row differs from real images in the other direction than a sentence asks about."""
    if part == "Copies":
        return name == "near-duplicates" and found.value < (found.floor or 0.0)
    return part == "Variety" and _exceeds(name, found)


def _fidelity_headline(claimed: Mapping[str, Estimate]) -> str:
    """Many distances see missing kinds of images too: only some rows look at each sample by itself.

    The tone alone is that of the whole set: one image that is a level too bright looks as real as before.
    """
    if set(claimed) == {"tone"}:
        return "The samples as a whole have another tone than real images"
    if LOOKS & set(claimed):
        return "The samples do not look like real images"
    return "The samples as a whole are told from real images"


def _variety_headline(claimed: Mapping[str, Estimate]) -> str:
    lacking = any(_is_lack(name, found) for name, found in claimed.items())
    return "The samples are not as varied as real images" if lacking else UNLIKE_SPREAD


def _only_reaches(claimed: Mapping[str, Estimate]) -> bool:
    """Whether all rows of variety that differ do so, too, where varied samples are off from real images."""
    near = claimed.get("pairwise-distance")
    alike = near is not None and bool(near.floor) and near.value < COLLAPSED * (near.floor or 0.0)
    return bool(claimed) and not set(claimed) - REACH and not alike


def _say_reach(claimed: Mapping[str, Estimate]) -> str:
    """A sentence on variety that noise alone could change; what its headline counts is shown first."""
    headline = UNREACHED if REACHED & set(claimed) else UNLIKE_SPREAD
    names = sorted(claimed, key=lambda name: name not in REACHED)
    return _claim(headline, {name: claimed[name] for name in names}) + f" {OFF}"


def _is_lack(name: str, found: Estimate) -> bool:
    return name == "duplicates" or (name not in UNEVEN and found.floor is not None and found.value < found.floor)


def _exceeds(name: str, found: Estimate) -> bool:
    """Whether a row of variety is above what real images get, and so speaks against a lack of it."""
    return name in SPREAD and found.floor is not None and found.value > found.floor


def _copies_headline(claimed: Mapping[str, Estimate]) -> str:
    if "copying" in claimed:
        return "The generator repeats its training images"
    if set(claimed) == {"logits-gap"}:
        return "The discriminator has begun to recognise its training images, a sign of overfitting"
    fewer = all(name == "near-duplicates" and found.value < (found.floor or 0.0) for name, found in claimed.items())
    return "The samples keep away from training images" if fewer else "Samples lie near to training images"


HEADLINES: dict[str, Callable[[Mapping[str, Estimate]], str]] = {
    "Fidelity": _fidelity_headline,
    "Variety": _variety_headline,
    "Copies": _copies_headline,
}
ALIKE = {
    "Fidelity": "no difference from real images can be shown in how the samples look",
    "Variety": "no lack of variety can be shown",
    "Copies": "no copying of training images can be shown",
}
OPPOSITE = {
    "Fidelity": "A hint at the opposite",
    "Variety": "A hint at more variety than that of real images",
    "Copies": "A hint that samples keep away from training images",
}
"""Words for a row that differs in the other direction than a sentence asks about."""
WHOLE = "no difference from real images can be shown in the samples as a whole"
UNEVEN = {"class-distance", "different-bins", "mode-divergence"}
"""Rows on how evenly samples are spread, not on how widely."""
REACH = {"coverage", "recall", "different-bins", "vendi", "pairwise-distance"}
"""Rows of variety that samples also change which are as varied as real images, but off from them, as by noise."""
UNLIKE_SPREAD = "The samples are not spread as real images are"
REACHED = {"coverage", "recall"}
"""Rows that count the real images which have a sample near them."""
UNREACHED = "Fewer real images have a sample near them"
OFF = "Single samples differ from real images too, so that this need not be a lack of variety."
BY_CLASSIFIER = {"class-distance", "class-shares"}
"""Rows of variety by a classifier, which knows the classes of real images."""
MISTAKEN = "Single samples differ from real images too, and the classifier may take some of them for other classes."
TENTH = "Of a folder without a validation split a tenth is held out."
HOLD_OUT = f"Put {TOO_FEW} or more into a folder val, and the rest into a folder train beside it, and train again."
"""What to do where too few images are held out. It is said once a report, behind the first sentence."""
SPREAD = {"vendi", "pairwise-distance", "recall", "coverage", "modes"}
"""Rows that are larger the more varied samples are."""
NOT_MEASURED = "Copying was not measured: only the row copying names copies."
UNKNOWN = {
    "Fidelity": "Nothing was measured that tells how the samples look.",
    "Variety": "Nothing was measured that tells how varied the samples are.",
    "Copies": "Nothing was measured that tells copies of training images.",
}
