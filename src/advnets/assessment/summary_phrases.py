"""Words for the rows of a report that say most: what they found, as half a sentence."""

from collections.abc import Callable

from advnets.statistics import Estimate
from advnets.text import escape_markdown

FINEST = 0.9
"""Share of the frequencies above which a grain of single pixels lies, and a checkerboard."""
COLLAPSED = 0.3
"""Two samples that lie so much nearer together than two real images, as a share, are called nearly alike."""

Describe = Callable[[Estimate], str]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if 0.01 <= share <= 0.99 or share in (0.0, 1.0) else f"{100 * share:.1f} %"


def _shares(about: str) -> Describe:
    """Words for a share beside that of real images."""
    return lambda found: about.format(_percent(found.value), _percent(found.floor or 0.0))


def _times(about: str) -> Describe:
    """Words for a distance beside that of real images."""

    def describe(found: Estimate) -> str:
        floor = found.floor or 0.0
        return (
            about.format(f"{found.value / floor:.3g} times")
            if floor > 0
            else about.format(f"{found.value:.3g}, not 0,")
        )

    return describe


def _closeness(found: Estimate) -> str:
    if not found.value:
        return "they are all the same"
    ratio = found.value / found.floor if found.floor else 1.0
    alike = "they are nearly all alike, and " if ratio < COLLAPSED else ""
    return f"{alike}two samples lie {ratio:.2g} times as far apart as two real images"


def _classes(found: Estimate) -> str:
    oddest = escape_markdown(str(found.notes.get("oddest", "one class")))
    oddest = f"class {oddest}" if oddest.isdigit() else oddest
    share, real = (float(found.notes.get(key, 0.0)) for key in ("oddest share", "oddest real share"))
    return f"{oddest} is {_percent(share)} of them and {_percent(real)} of real images"


def _tone(found: Estimate) -> str:
    """Words for the statistic of the tone that differs most; a mean and a deviation are in levels of bytes."""
    kind, _, channel = str(found.notes.get("worst", "")).partition(", ")
    if float(found.notes.get("p_sides", 1.0)) < float(found.notes.get("p_levels", 1.0)):
        kind, channel = "side", ""  # many small differences of sides, none of which is the largest
    words = next((said for start, said in TONES.items() if kind.startswith(start)), "tone")
    where = f" in {channel}" if channel in COLOURS else ""
    apart = float(found.notes.get("apart", 0.0))
    if kind not in ("mean", "deviation") or not apart:
        return f"their {words}{where} differs"
    return f"their {words}{where} is {'higher' if apart > 0 else 'lower'}, by {abs(apart):.3g} of 255 levels"


def is_fine(found: Estimate) -> bool:
    """Return whether a spectrum differs most in fine detail.

    Args:
        found: The estimate of `spectrum_distance`.

    Returns:
        True if it does so in the upper half of its frequencies.
    """
    return 2 * int(found.notes.get("worst", 0)) > int(found.notes.get("frequencies", 0))


def _detail(found: Estimate) -> str:
    """Words for the frequency at which the spectrum differs most."""
    if "log_ratio" not in found.notes:
        return "their fine or coarse detail differs"
    is_weaker = float(found.notes["log_ratio"]) < 0
    if not is_fine(found):
        return f"their coarse detail is {'weaker' if is_weaker else 'stronger'}"
    if int(found.notes["worst"]) > FINEST * int(found.notes["frequencies"]) and not is_weaker:
        return "their finest detail is stronger, as by a checkerboard or by noise"
    return f"their fine detail is {'weaker, as by a blur' if is_weaker else 'stronger, as by noise'}"


def _share_of_copies(found: Estimate) -> str:
    """Words for the share of copies, less what held-out images seem to be."""
    net = found.value - (found.floor or 0.0)
    error = "" if found.error is None else f" +- {100 * found.error:.1g} %"
    return f"some {_percent(net)}{error} of the samples are copies of one"


COLOURS = ("red", "green", "blue")
TONES = {
    "mean": "brightness",
    "deviation": "contrast",
    "share of lowest": "share of the darkest pixels",
    "share of highest": "share of the brightest pixels",
    "share of": "share of a colour",
    "side": "balance of left and right",
}


def _constant(words: str) -> Describe:
    return lambda found: words


PHRASES: dict[str, Describe] = {
    # fidelity
    "precision": _shares("{} of them lie where real images lie (of real ones {})"),
    "high-quality": _shares("{} of the points lie at a mode (of real ones {})"),
    "tone": _tone,
    "spectrum": _detail,
    "fid": _times("their Frechet distance is {} that of as many real images"),
    "class-asked": _shares("{} of them are of the class asked (the classifier is right on {} of real images)"),
    "classifier-test": _constant("a classifier learns to tell them apart"),
    # variety
    "pairwise-distance": _closeness,
    "modes": lambda found: f"they are at {found.value:.0f} modes, and real points at {found.floor or 0:.0f}",
    "class-distance": _classes,
    "coverage": _shares("they cover {} of the real images (real ones cover {})"),
    "recall": _shares("{} of the real images lie where samples lie (real ones: {})"),
    "duplicates": _constant("there are more near-duplicates among them"),
    # copies
    "copying": _share_of_copies,
    "nearest-training": _constant("samples lie nearer to them than held-out images do"),
}
"""Words for the rows that say most, the clearest first; a row without words is named."""
